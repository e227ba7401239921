// SPDX-License-Identifier: MIT OR Apache-2.0
//! Software counters of the data path, as NDIS_STATISTICS_INFO wants them (U-07, U-09).
//!
//! Each set is written by one owner at a time (receive: the holder of a queue's ring; transmit:
//! under the lock of a queue's ring) and read by anybody, so plain relaxed loads and stores suffice: the
//! counters order nothing else. They live in separate cache lines because several CPUs write them.
//!
//! What counts as a frame and as its octets, both ways (NDIS_STATISTICS_INFO leaves it to RFC 2863 and to U-07):
//!
//! * a frame is good when it was sent, or was handed to NDIS; each frame that a large send is cut into is one;
//! * its octets are those on the wire, from the destination address to the last byte before the FCS: the MAC header, the
//!   padding of short frames, and a tag, also where it went or came out of band;
//! * received frames that nobody asked for are in no counter;
//! * a send that fails is an error when something was wrong with it, and discarded when not: it was cancelled, or the adapter
//!   paused, was reset or went away. It is one, however many frames it was to be cut into; those of them that had been sent
//!   are good frames.

use super::frame::Cast;
use crate::hw::regs::QUEUES;
use core::sync::atomic::{AtomicU64, Ordering};

/// Frames and bytes of one kind of destination.
#[derive(Debug, Default)]
pub struct Count {
    frames: AtomicU64,
    octets: AtomicU64,
}

/// Adds to a counter that has one writer at a time.
fn add(counter: &AtomicU64, n: u64) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(n),
        Ordering::Relaxed,
    );
}

impl Count {
    /// Frames so far.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Bytes so far, as on the wire, without FCS.
    pub fn octets(&self) -> u64 {
        self.octets.load(Ordering::Relaxed)
    }
}

/// One direction, or one queue of it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Direction {
    /// Frames to one station.
    pub unicast: Count,
    /// Frames to a group.
    pub multicast: Count,
    /// Frames to everybody.
    pub broadcast: Count,
    errors: AtomicU64,
    discards: AtomicU64,
}

impl Direction {
    /// Counts `frames` good frames of `octets` bytes together. One caller at a time.
    pub fn good(&self, cast: Cast, frames: impl Into<u64>, octets: impl Into<u64>) {
        let count = match cast {
            Cast::Unicast => &self.unicast,
            Cast::Multicast => &self.multicast,
            Cast::Broadcast => &self.broadcast,
        };
        add(&count.frames, frames.into());
        add(&count.octets, octets.into());
    }

    /// Counts `n` frames with an error. Any caller.
    pub fn error(&self, n: u64) {
        self.errors.fetch_add(n, Ordering::Relaxed);
    }

    /// Counts `n` good frames that were dropped. Any caller.
    pub fn discard(&self, n: u64) {
        self.discards.fetch_add(n, Ordering::Relaxed);
    }

    /// Every counter: frames and octets of each kind, errors, discards.
    pub fn values(&self) -> [u64; 8] {
        [
            self.unicast.frames(),
            self.unicast.octets(),
            self.multicast.frames(),
            self.multicast.octets(),
            self.broadcast.frames(),
            self.broadcast.octets(),
            self.errors(),
            self.discards(),
        ]
    }

    /// Frames with errors.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Good frames dropped.
    pub fn discards(&self) -> u64 {
        self.discards.load(Ordering::Relaxed)
    }
}

/// What one kind of destination came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Frames.
    pub frames: u64,
    /// Bytes as on the wire, without FCS.
    pub octets: u64,
}

/// A direction summed over its queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames to one station.
    pub unicast: Sum,
    /// Frames to a group.
    pub multicast: Sum,
    /// Frames to everybody.
    pub broadcast: Sum,
    /// Frames with errors.
    pub errors: u64,
    /// Good frames dropped.
    pub discards: u64,
}

impl Totals {
    fn of(queues: &[Direction]) -> Self {
        let mut totals = Self::default();
        for queue in queues {
            for (sum, count) in [
                (&mut totals.unicast, &queue.unicast),
                (&mut totals.multicast, &queue.multicast),
                (&mut totals.broadcast, &queue.broadcast),
            ] {
                sum.frames = sum.frames.wrapping_add(count.frames());
                sum.octets = sum.octets.wrapping_add(count.octets());
            }
            totals.errors = totals.errors.wrapping_add(queue.errors());
            totals.discards = totals.discards.wrapping_add(queue.discards());
        }
        totals
    }

    /// All good frames.
    pub fn frames(&self) -> u64 {
        self.unicast
            .frames
            .wrapping_add(self.multicast.frames)
            .wrapping_add(self.broadcast.frames)
    }

    /// All bytes of good frames: the sum of the three (U-07).
    pub fn octets(&self) -> u64 {
        self.unicast
            .octets
            .wrapping_add(self.multicast.octets)
            .wrapping_add(self.broadcast.octets)
    }
}

/// Both directions of one adapter; they survive reset, pause and power changes.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Receive, per queue.
    receive: [Direction; QUEUES],
    /// Transmit, per queue.
    transmit: [Direction; QUEUES],
}

impl Statistics {
    /// The counters of a receive queue; the last one's for a queue that there is not.
    #[inline]
    pub fn receive(&self, queue: usize) -> &Direction {
        let [first, second] = &self.receive;
        if queue == 0 { first } else { second }
    }

    /// The counters of a transmit queue; the last one's for a queue that there is not.
    #[inline]
    pub fn transmit(&self, queue: usize) -> &Direction {
        let [first, second] = &self.transmit;
        if queue == 0 { first } else { second }
    }

    /// All receive queues together.
    pub fn received(&self) -> Totals {
        Totals::of(&self.receive)
    }

    /// Everything sent.
    pub fn sent(&self) -> Totals {
        Totals::of(&self.transmit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_the_three_kinds_and_the_queues() {
        let s = Statistics::default();
        s.receive(0).good(Cast::Unicast, 1u32, 60u32);
        s.receive(0).good(Cast::Broadcast, 1u32, 42u32);
        s.receive(1).good(Cast::Unicast, 1u32, 1514u32);
        s.receive(1).error(2);
        let received = s.received();
        assert_eq!(received.frames(), 3);
        assert_eq!(received.octets(), 60 + 42 + 1514);
        assert_eq!(received.unicast.frames, 2);
        assert_eq!((received.errors, received.discards), (2, 0));
        assert_eq!(s.sent().frames(), 0);
    }

    #[test]
    fn queues_share_no_cache_line() {
        let s = Statistics::default();
        let distance = (&raw const *s.receive(1)).addr() - (&raw const *s.receive(0)).addr();
        assert!(distance >= 128 && (&raw const *s.receive(0)).addr().is_multiple_of(128));
    }
}
