// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-10: interrupts and DPCs at the instants of MiniportHaltEx, on this CPU and on others, with
//! frames still arriving. What a DPC finds freed faults. PASSIVE.

use super::{
    Outcome,
    bench::{self, Bench},
};
use crate::{
    machine::cpu,
    ndis::{
        adapter,
        dice::DICE,
        instant::{self, Instant},
        interrupt::{dpc, steer::STEER},
    },
    verify::{self, Handler},
};
use alloc::{format, string::String};
use core::sync::atomic::{AtomicU64, Ordering};

/// Lives that are ended: the first with something at every instant, the others at some.
const LIVES: u64 = 3;

static INJECTED: AtomicU64 = AtomicU64::new(0);
/// Something happens at one of so many instants.
static ONE_OF: AtomicU64 = AtomicU64::new(1);

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    INJECTED.store(0, Ordering::Relaxed);
    for life in 0..LIVES {
        bench.running()?;
        ONE_OF.store(1 + 2 * life, Ordering::Relaxed);
        // The answers come while the adapter is going down.
        Bench::ask(bench.adapter(), 8);
        bench.paused()?;
        STEER.at_registration.store(true, Ordering::Relaxed);
        instant::set_hook(Some(inject));
        bench.halted()?;
        bench.rest();
    }
    bench.running()?;
    bench.check_event("X-09", "halts under interrupts")?;
    let injected = INJECTED.load(Ordering::Relaxed);
    Ok(Outcome::Ran(format!(
        "{LIVES} halts with {injected} interrupts and DPCs in them"
    )))
}

/// Raises a vector and queues a DPC in MiniportHaltEx.
fn inject(instant: Instant) {
    let Some(context) = verify::current() else {
        return;
    };
    // The end of a DPC that interrupted the handler is no instant of it, and would feed itself.
    let chosen = !matches!(instant, Instant::DpcEnd(_))
        && context.handler == Handler::Halt
        && DICE.below(ONE_OF.load(Ordering::Relaxed)) == 0;
    let Some(adapter) = adapter::find(context.object).filter(|_| chosen) else {
        return;
    };
    let found = adapter.interrupts.lock().first().cloned();
    let Some(interrupt) = found.filter(|found| !found.closed.load(Ordering::Acquire)) else {
        return;
    };
    let message = DICE.below(interrupt.grant.messages.len() as u64) as usize;
    let target = DICE.below(cpu::count() as u64) as usize;
    bench::raise(&interrupt, message, target);
    dpc::queue(&interrupt, message, bench::other_cpu(), 0);
    INJECTED.fetch_add(1, Ordering::Relaxed);
}
