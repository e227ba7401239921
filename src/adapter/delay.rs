// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for the device. [`Sleeper`] borrows the token of PASSIVE_LEVEL, so code that sleeps cannot be reached from
//! a DPC or an ISR.

use crate::hw::reset::Delay;
use ndis::irql::{Irql, Passive};
use ndis::time;

/// A [`Delay`] for PASSIVE_LEVEL.
#[derive(Debug)]
pub struct Sleeper<'a>(pub &'a Irql<Passive>);

impl Delay for Sleeper<'_> {
    fn stall_us(&self, us: u32) {
        // I-13: `stall_us` keeps to 50 µs at a time.
        time::stall_us(us);
    }

    fn sleep_ms(&self, ms: u32) {
        time::sleep_us(ms.saturating_mul(1000), self.0);
    }
}
