// SPDX-License-Identifier: MIT OR Apache-2.0
//! Software counters of the data path, as NDIS_STATISTICS_INFO wants them (U-07, U-09).
//!
//! Each direction is written by one owner at a time (receive: the holder of the ring; transmit:
//! under the ring's lock) and read by anybody, so plain relaxed loads and stores suffice: the
//! counters order nothing else. They live in separate cache lines because two CPUs write them.

use super::frame::Cast;
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

    /// Bytes so far, MAC header included, FCS not.
    pub fn octets(&self) -> u64 {
        self.octets.load(Ordering::Relaxed)
    }
}

/// One direction.
#[derive(Debug, Default)]
#[repr(align(64))]
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
    pub fn good(&self, cast: Cast, frames: u32, octets: u32) {
        let count = match cast {
            Cast::Unicast => &self.unicast,
            Cast::Multicast => &self.multicast,
            Cast::Broadcast => &self.broadcast,
        };
        add(&count.frames, u64::from(frames));
        add(&count.octets, u64::from(octets));
    }

    /// Counts `n` frames with an error. Any caller.
    pub fn error(&self, n: u64) {
        self.errors.fetch_add(n, Ordering::Relaxed);
    }

    /// Counts `n` good frames that were dropped. Any caller.
    pub fn discard(&self, n: u64) {
        self.discards.fetch_add(n, Ordering::Relaxed);
    }

    /// Frames with errors.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Good frames dropped.
    pub fn discards(&self) -> u64 {
        self.discards.load(Ordering::Relaxed)
    }

    /// All good frames.
    pub fn frames(&self) -> u64 {
        self.unicast.frames() + self.multicast.frames() + self.broadcast.frames()
    }

    /// All bytes of good frames: the sum of the three (U-07).
    pub fn octets(&self) -> u64 {
        self.unicast.octets() + self.multicast.octets() + self.broadcast.octets()
    }
}

/// Both directions of one adapter; they survive reset, pause and power changes.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Receive.
    pub receive: Direction,
    /// Transmit.
    pub transmit: Direction,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_the_three_kinds() {
        let s = Statistics::default();
        s.receive.good(Cast::Unicast, 1, 60);
        s.receive.good(Cast::Broadcast, 1, 42);
        s.receive.good(Cast::Unicast, 1, 1514);
        s.receive.error(2);
        assert_eq!(s.receive.frames(), 3);
        assert_eq!(s.receive.octets(), 60 + 42 + 1514);
        assert_eq!(s.receive.unicast.frames(), 2);
        assert_eq!((s.receive.errors(), s.receive.discards()), (2, 0));
        assert_eq!(s.transmit.frames(), 0);
    }
}
