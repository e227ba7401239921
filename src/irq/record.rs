// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters of one vector, in the object that sees the event. Any IRQL.
//!
//! Each counter has one writer at a time: the ISR's under the interrupt's lock, the DPC's under the
//! vector's ownership. So a load and a store do; no locked instruction on the interrupt path.

use super::Roles;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A counter with one writer at a time and any number of readers.
#[derive(Debug)]
struct Count(AtomicU64);

impl Count {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    fn bump(&self) {
        self.add(1);
    }

    #[inline]
    fn add(&self, n: u64) {
        // Relaxed: a statistic, it orders nothing. Not fetch_add: one writer at a time.
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(n),
            Ordering::Relaxed,
        );
    }

    #[inline]
    fn raise_to(&self, value: u64) {
        // Relaxed: as above.
        if value > self.0.load(Ordering::Relaxed) {
            self.0.store(value, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened on one vector since the adapter object was made.
///
/// What the ISR writes comes first, on the cache line of the vector's word.
#[derive(Debug)]
#[repr(C)]
pub struct Record {
    claimed: Count,
    not_mine: Count,
    longest_isr: Count,
    longest_dpc: Count,
    dpcs: Count,
    empty: Count,
    rearmed: Count,
    throttled: Count,
    frames: Count,
    /// [`NEVER`], or the microseconds of the last self-test.
    self_test: AtomicU32,
}

/// The self-test time of a vector that was not tested, or did not arrive.
pub const NEVER: u32 = u32::MAX;

impl Record {
    pub(super) const fn new() -> Self {
        Self {
            claimed: Count::new(),
            not_mine: Count::new(),
            longest_isr: Count::new(),
            longest_dpc: Count::new(),
            dpcs: Count::new(),
            empty: Count::new(),
            rearmed: Count::new(),
            throttled: Count::new(),
            frames: Count::new(),
            self_test: AtomicU32::new(NEVER),
        }
    }

    /// How long one ISR call took, in cycles of the time-stamp counter. By the ISR.
    #[inline]
    pub fn isr_took(&self, cycles: u64) {
        self.longest_isr.raise_to(cycles);
    }

    /// How long one DPC took, in cycles of the time-stamp counter. DPCs of one vector on two processors may each
    /// write the other's maximum over: a lost maximum costs nothing.
    #[inline]
    pub fn dpc_took(&self, cycles: u64) {
        self.longest_dpc.raise_to(cycles);
    }

    /// Frames handled, received and sent. By the owner of the vector.
    #[inline]
    pub fn handled(&self, frames: u32) {
        self.frames.add(u64::from(frames));
    }

    /// The self-test's result: microseconds, `None` if the vector never came.
    pub fn self_tested(&self, us: Option<u32>) {
        self.self_test.store(us.unwrap_or(NEVER), Ordering::Relaxed);
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

    /// Frames handled.
    pub fn frames(&self) -> u64 {
        self.frames.get()
    }

    /// The numbers of one vector, for the record.
    pub fn entry(&self, roles: Roles) -> Entry {
        Entry {
            roles,
            self_test_us: self.self_test.load(Ordering::Relaxed),
            fired: self.isrs(),
            claimed: self.claimed(),
            not_mine: self.not_mine(),
            passes: self.dpcs(),
            empty: self.empty(),
            rearmed: self.rearms(),
            throttled: self.throttled_passes(),
            frames: self.frames(),
            longest_isr: self.longest_isr.get(),
            longest_dpc: self.longest_dpc.get(),
        }
    }
}

/// One vector in the interrupt record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it serves; empty for a message without a role.
    pub roles: Roles,
    /// Microseconds of the last self-test; [`NEVER`] if it did not arrive.
    pub self_test_us: u32,
    /// ISR calls.
    pub fired: u64,
    /// Of these, claimed.
    pub claimed: u64,
    /// Of these, not ours.
    pub not_mine: u64,
    /// DPC passes.
    pub passes: u64,
    /// Of these, without work.
    pub empty: u64,
    /// Re-arming writes.
    pub rearmed: u64,
    /// Passes that ended at the receive throttle.
    pub throttled: u64,
    /// Frames handled: with `fired`, the packets per interrupt.
    pub frames: u64,
    /// Longest ISR, time-stamp cycles.
    pub longest_isr: u64,
    /// Longest DPC, time-stamp cycles.
    pub longest_dpc: u64,
}
