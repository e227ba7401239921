// SPDX-License-Identifier: MIT OR Apache-2.0
//! Proof of the grant: every vector is raised once with ICS and must reach its ISR. PASSIVE_LEVEL, after
//! [`Interrupts::start`].
//!
//! A message that never arrives costs the adapter its rung of the ladder, not its life: [`prove`] maps the causes
//! over the messages that do arrive, without a new registration, and tests again. Only when none is left does it
//! give up. All rungs together take 100 ms at most; normally a vector takes less than one look.
//!
//! The bound is kept by time that is read after every wait, and by what is waited with: a sleep may take as much longer
//! than asked as the system's timer and a busy machine make it, a stall may not. So the second half of the bound is
//! stalls alone. A processor that is taken away altogether adds what it was away for, once.

use super::map::{Grant, Messages};
use super::vectors::Interrupts;
use super::{Options, Setup, VECTORS};
use crate::hw::mmio::Mmio;
use crate::hw::reset::Delay;

/// Microseconds of a stall between two looks: the most that one call may stall (contract I-13).
const STEP_US: u32 = 50;
/// After this long the test sleeps between two looks: what has not come by now is late anyway, and the processor may
/// be needed elsewhere.
const STALL_US: u32 = 2_000;
/// The bound for all vectors and rungs together, 100 ms, less what starting and stopping them takes.
pub const BOUND_US: u32 = 99_000;
/// From here on nothing sleeps: a sleep that began before may still take 49 ms too long.
const SLEEP_US: u32 = BOUND_US / 2;
/// The part of the bound that one rung may take: the next one must have time to pass.
const RUNG_US: u32 = BOUND_US / 3;

/// Time for the self-test: a [`Delay`] that can also tell how much has passed, because a sleep may take longer than
/// asked for.
pub trait Clock: Delay {
    /// Microseconds since the clock was made.
    fn elapsed_us(&self) -> u32;
}

/// What the self-test saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// Vectors that were raised.
    pub raised: usize,
    /// Per vector: microseconds until its ISR was seen, `None` if it never came.
    pub arrived_us: [Option<u32>; VECTORS],
}

impl Report {
    /// Every vector that was raised came.
    pub fn passed(&self) -> bool {
        self.arrived_us.iter().flatten().count() == self.raised
    }

    /// The messages that were raised and never came.
    pub fn missing(&self, setup: &Setup) -> Messages {
        let mut missing = Messages::NONE;
        for (message, arrived) in self.arrived_us.iter().enumerate() {
            if arrived.is_none() && !setup.roles(message).is_empty() {
                missing.insert(message);
            }
        }
        missing
    }
}

/// Starts the vectors on the best rung whose every message arrives. `None`: no message arrives at all, or the device
/// is gone; the vectors are stopped then. PASSIVE_LEVEL.
pub fn prove(
    irq: &Interrupts,
    m: &impl Mmio,
    grant: Grant,
    options: Options,
    clock: &impl Clock,
) -> Option<Setup> {
    let mut setup = Setup::plan(grant, options);
    loop {
        irq.start(m, &setup);
        let last = setup.map.len() == 1;
        let end = if last {
            BOUND_US
        } else {
            BOUND_US.min(clock.elapsed_us().saturating_add(RUNG_US))
        };
        let report = run(irq, m, &setup, clock, end);
        if report.passed() {
            return Some(setup);
        }
        irq.stop(m);
        let dead = setup.map.dead().union(report.missing(&setup));
        if m.is_gone() || clock.elapsed_us() >= BOUND_US {
            return None;
        }
        // Each round has a message less, so there are five at most.
        setup = Setup::plan_without(grant, dead, options)?;
    }
}

/// Raises every used vector and waits until the clock says `end_us`. What has not come half-way is raised once more:
/// an interrupt that falls into a throttle interval or a busy moment is not a broken vector. Each of the two tries has
/// half of the time from its own beginning, so that a clock that jumps does not take the second one away; past
/// [`BOUND_US`] nothing is waited for.
pub fn run(
    irq: &Interrupts,
    m: &impl Mmio,
    setup: &Setup,
    clock: &impl Clock,
    end_us: u32,
) -> Report {
    let mut report = Report {
        raised: 0,
        arrived_us: [None; VECTORS],
    };
    let begin = clock.elapsed_us();
    let half = end_us.saturating_sub(begin) / 2;
    let mut before = [0u64; VECTORS];
    for (message, count) in (0u32..).zip(before.iter_mut()) {
        *count = claimed(irq, message);
        if used(setup, message) {
            irq.raise(m, message);
            report.raised += 1;
        }
    }
    let mut again = true;
    let mut until = begin.saturating_add(half);
    loop {
        let now = clock.elapsed_us();
        // Looked at after every wait, however long it took: what has come has come.
        for ((message, count), arrived) in (0u32..).zip(before).zip(report.arrived_us.iter_mut()) {
            if arrived.is_none() && used(setup, message) && claimed(irq, message) != count {
                *arrived = Some(now.wrapping_sub(begin));
            }
        }
        let over = now >= BOUND_US || (now >= until && !again);
        if report.passed() || over || m.is_gone() {
            break;
        }
        if now >= until {
            again = false;
            until = now.saturating_add(half);
            for (message, arrived) in (0u32..).zip(report.arrived_us) {
                if arrived.is_none() && used(setup, message) {
                    irq.renew(m, message);
                }
            }
        }
        if now.wrapping_sub(begin) < STALL_US || now >= SLEEP_US {
            clock.stall_us(STEP_US);
        } else {
            clock.sleep_ms(1);
        }
    }
    for (message, arrived) in (0u32..).zip(report.arrived_us) {
        if used(setup, message)
            && let Some(record) = irq.record(message)
        {
            record.self_tested(arrived);
        }
    }
    report
}

fn used(setup: &Setup, message: u32) -> bool {
    !setup.roles(message as usize).is_empty()
}

fn claimed(irq: &Interrupts, message: u32) -> u64 {
    irq.record(message).map_or(0, |r| r.claimed())
}
