// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-14, the interrupt part: the device is stopped, gets another number of messages, another kind of interrupt and other
//! CPUs, and is started again. PASSIVE.

use super::{super::bring_up, Outcome, bench::Bench};
use crate::machine::cpu;
use ::ndis::ffi::NdisHaltDeviceStopped;
use alloc::{format, string::String, vec::Vec};
use vmhost_proto::{Grant, Irq};

/// Grants in turn. Those that the run does not offer are left out.
const GRANTS: [(Irq, u32); 6] = [
    (Irq::Msix, 1),
    (Irq::Msix, 4),
    (Irq::Line, 0),
    (Irq::Msix, 2),
    (Irq::Msi, 1),
    (Irq::Msix, 5),
];

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    let offered = bench.config.grant;
    let fits = |irq: Irq| offered.irq == Irq::Auto || offered.irq == irq || irq == Irq::Line;
    let grants: Vec<_> = GRANTS.into_iter().filter(|grant| fits(grant.0)).collect();
    // Among other cases one grant is enough: which one, the seed says.
    let (first, count) = if bench.config.scenario == "t14" {
        (0, grants.len())
    } else {
        (bench.config.seed as usize % grants.len(), 1)
    };
    for (number, (irq, messages)) in grants.into_iter().enumerate().skip(first).take(count) {
        bench.running()?;
        bench.halted_for(NdisHaltDeviceStopped)?;
        let mut registry = bench.config.install.interrupt.clone();
        registry.assignment_set_override = Some(1 << (number % cpu::count()));
        let messages = Some(messages).filter(|n| *n != 0);
        let caps = Grant { irq, messages };
        bring_up::reassign(bench.adapter(), &registry, &caps)?;
        bench.running()?;
        let granted = bench.interrupt()?.grant.messages.len();
        bench.check_event(
            "X-117",
            &format!("{granted} interrupt(s) of the kind {irq:?}"),
        )?;
    }
    // As it was, for the cases that follow.
    bench.halted_for(NdisHaltDeviceStopped)?;
    bring_up::reassign(
        bench.adapter(),
        &bench.config.install.interrupt,
        &bench.config.grant,
    )?;
    bench.running()?;
    bench.check_event("X-117", "the first grant again")?;
    Ok(Outcome::Ran(format!("{count} other grants")))
}
