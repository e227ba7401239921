// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-14, the interrupt part: the device is stopped, gets another number of messages, another kind of interrupt, other
//! CPUs and other BAR addresses, and is started again; and once the first alternative of its requirements cannot be had
//! . PASSIVE.

use super::{super::bring_up, Outcome, bench::Bench};
use crate::{
    machine::cpu,
    ndis::{
        driver,
        interrupt::{grant::Kind, steer::STEER},
    },
};
use ::ndis::ffi::{IrqPolicySpecifiedProcessors, NdisHaltDeviceStopped};
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::Ordering;
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
    let mut moved = 0;
    for (number, (irq, messages)) in grants.into_iter().enumerate().skip(first).take(count) {
        bench.running()?;
        bench.halted_for(NdisHaltDeviceStopped)?;
        let mut registry = bench.config.install.interrupt.clone();
        // Now somebody has chosen a CPU for all, now nobody has, and the driver may.
        if number % 2 == 0 {
            registry.device_policy = Some(IrqPolicySpecifiedProcessors as u32);
            registry.assignment_set_override = Some(1 << (number / 2 % cpu::count()));
        }
        moved += bench.adapter().move_bars();
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
    let fallen = fall_back(bench)?;
    // As it was, for the cases that follow.
    bench.halted_for(NdisHaltDeviceStopped)?;
    bring_up::reassign(
        bench.adapter(),
        &bench.config.install.interrupt,
        &bench.config.grant,
    )?;
    bench.running()?;
    bench.check_event("X-117", "the first grant again")?;
    Ok(Outcome::Ran(format!(
        "{count} other grants, {moved} BARs moved{fallen}"
    )))
}

/// the first alternative cannot be had, and the driver lives with the second.
fn fall_back(bench: &mut Bench<'_>) -> Result<&'static str, String> {
    let messages = bench.interrupt()?.grant.kind == Kind::Msix;
    if !messages || driver::pnp_handlers().filter_resources == 0 {
        return Ok("");
    }
    bench.halted_for(NdisHaltDeviceStopped)?;
    STEER.first_refused.store(true, Ordering::Relaxed);
    let (registry, caps) = (&bench.config.install.interrupt, &bench.config.grant);
    bring_up::reassign(bench.adapter(), registry, caps)?;
    STEER.first_refused.store(false, Ordering::Relaxed);
    bench.running()?;
    let granted = bench.interrupt()?.grant.messages.len();
    if granted != 1 {
        return Err(format!(
            "{granted} messages, and the second alternative has one"
        ));
    }
    bench.check_event("X-117", "the second alternative")?;
    Ok(", the second alternative once")
}
