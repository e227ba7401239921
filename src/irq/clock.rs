// SPDX-License-Identifier: MIT OR Apache-2.0
//! Time for the interrupt record and the self-test. NDIS glue of `irq`.
//!
//! ISR and DPC are timed with the time-stamp counter: two instructions, no call, right at any IRQL because neither
//! can change its processor. What a cycle is worth is found out when the record is read, by comparing both clocks
//! with what they were when the adapter was made: no calibration, and nothing to pay on the interrupt's way.

use super::selftest::Clock;
use crate::hw::reset::Delay;
use ndis::irql::{Irql, Passive};
use ndis::time;

pub use ndis::time::cycles;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    cycles: u64,
    counter: i64,
}

impl Epoch {
    /// Now. Any IRQL.
    pub fn now() -> Self {
        Self {
            cycles: cycles(),
            counter: time::performance_counter().0,
        }
    }

    /// Time-stamp cycles per second since then; 0 if no time has passed. Any IRQL.
    pub fn hertz(self) -> u64 {
        let (counter, frequency) = time::performance_counter();
        super::report::rate(
            cycles().wrapping_sub(self.cycles),
            counter.wrapping_sub(self.counter).max(0) as u64,
            frequency.max(0) as u64,
        )
    }
}

/// A [`Clock`] for PASSIVE_LEVEL: it borrows the level's token, so what sleeps cannot be reached from a DPC.
#[derive(Debug)]
pub struct Timer<'a> {
    irql: &'a Irql<Passive>,
    start: i64,
}

impl<'a> Timer<'a> {
    /// Starts to count.
    pub fn start(irql: &'a Irql<Passive>) -> Self {
        Self {
            irql,
            start: time::performance_counter().0,
        }
    }
}

impl Delay for Timer<'_> {
    fn stall_us(&self, us: u32) {
        time::stall_us(us);
    }

    fn sleep_ms(&self, ms: u32) {
        time::sleep_us(ms.saturating_mul(1000), self.irql);
    }
}

impl Clock for Timer<'_> {
    fn elapsed_us(&self) -> u32 {
        let (now, frequency) = time::performance_counter();
        let ticks = now.wrapping_sub(self.start).max(0) as u64;
        let us = super::report::rate(ticks, frequency.max(0) as u64, 1_000_000);
        us.min(u64::from(u32::MAX)) as u32
    }
}
