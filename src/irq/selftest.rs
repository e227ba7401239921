// SPDX-License-Identifier: MIT OR Apache-2.0
//! Proof of the grant: every vector is raised once with ICS and must reach its ISR. PASSIVE_LEVEL, after
//! [`Interrupts::start`], before there is traffic.

use super::vectors::Interrupts;
use super::{Setup, VECTORS};
use crate::hw::mmio::Mmio;
use crate::hw::reset::Delay;

/// Microseconds between two looks.
const STEP_US: u32 = 50;
/// The bound for all vectors together: 100 ms.
const BOUND_US: u32 = 100_000;

/// What the self-test saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// Vectors that were raised.
    pub raised: usize,
    /// Per vector: microseconds until its ISR was seen (multiples of 50), `None` if it never came.
    pub arrived_us: [Option<u32>; VECTORS],
}

impl Report {
    /// Every vector that was raised came.
    pub fn passed(&self) -> bool {
        self.arrived_us.iter().flatten().count() == self.raised
    }

    /// The first vector that never came.
    pub fn first_missing(&self, setup: &Setup) -> Option<usize> {
        self.arrived_us
            .iter()
            .enumerate()
            .find_map(|(i, a)| (a.is_none() && !setup.roles(i).is_empty()).then_some(i))
    }
}

/// Raises every used vector once and waits, 100 ms in all at most.
pub fn run(irq: &Interrupts, m: &impl Mmio, setup: &Setup, delay: &impl Delay) -> Report {
    let mut report = Report {
        raised: 0,
        arrived_us: [None; VECTORS],
    };
    let mut before = [0u64; VECTORS];
    for (message, count) in (0u32..).zip(before.iter_mut()) {
        *count = claimed(irq, message);
        if used(setup, message) {
            irq.raise(m, message);
            report.raised += 1;
        }
    }
    let mut waited = 0;
    loop {
        for ((message, count), arrived) in (0u32..).zip(before).zip(report.arrived_us.iter_mut()) {
            if arrived.is_none() && used(setup, message) && claimed(irq, message) != count {
                *arrived = Some(waited);
            }
        }
        if report.passed() || waited >= BOUND_US || m.is_gone() {
            return report;
        }
        delay.stall_us(STEP_US);
        waited += STEP_US;
    }
}

fn used(setup: &Setup, message: u32) -> bool {
    !setup.roles(message as usize).is_empty()
}

fn claimed(irq: &Interrupts, message: u32) -> u64 {
    irq.record(message).map_or(0, |r| r.claimed())
}
