// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters of one vector, in the object that sees the event. Any IRQL.
//!
//! Each counter has one writer at a time: the ISR's under the interrupt's lock, the DPC's under the
//! vector's ownership. So a load and a store do; no locked instruction on the interrupt path.

use core::sync::atomic::{AtomicU64, Ordering};

/// A counter with one writer at a time and any number of readers.
#[derive(Debug)]
struct Count(AtomicU64);

impl Count {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    fn bump(&self) {
        // Relaxed: a statistic, it orders nothing. Not fetch_add: one writer at a time.
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened on one vector since the adapter object was made.
#[derive(Debug)]
pub struct Record {
    claimed: Count,
    not_mine: Count,
    dpcs: Count,
    empty: Count,
    rearmed: Count,
    throttled: Count,
}

impl Record {
    pub(super) const fn new() -> Self {
        Self {
            claimed: Count::new(),
            not_mine: Count::new(),
            dpcs: Count::new(),
            empty: Count::new(),
            rearmed: Count::new(),
            throttled: Count::new(),
        }
    }

    #[inline]
    pub(super) fn isr(&self, claimed: bool) {
        if claimed {
            self.claimed.bump();
        } else {
            self.not_mine.bump();
        }
    }

    #[inline]
    pub(super) fn dpc(&self) {
        self.dpcs.bump();
    }

    #[inline]
    pub(super) fn rearmed(&self) {
        self.rearmed.bump();
    }

    #[inline]
    pub(super) fn throttled(&self) {
        self.throttled.bump();
    }

    /// To be called by the owner of the vector when its scan found nothing.
    #[inline]
    pub fn found_nothing(&self) {
        self.empty.bump();
    }

    /// ISR calls.
    pub fn isrs(&self) -> u64 {
        self.claimed().wrapping_add(self.not_mine())
    }

    /// ISR calls that were claimed.
    pub fn claimed(&self) -> u64 {
        self.claimed.get()
    }

    /// ISR calls that were not.
    pub fn not_mine(&self) -> u64 {
        self.not_mine.get()
    }

    /// DPC passes that owned the vector.
    pub fn dpcs(&self) -> u64 {
        self.dpcs.get()
    }

    /// DPC passes that found nothing.
    pub fn empty(&self) -> u64 {
        self.empty.get()
    }

    /// Re-arming IMS writes.
    pub fn rearms(&self) -> u64 {
        self.rearmed.get()
    }

    /// Passes that ended at the receive throttle.
    pub fn throttled_passes(&self) -> u64 {
        self.throttled.get()
    }
}
