// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-11: the Disable and Enable handlers, each message alone and all together, with traffic and
//! with DPCs in between. PASSIVE.
//!
//! A claimed interrupt of a disabled message is a violation where it is delivered, unless it may
//! have been on its way; here nothing is when the handler is called from rest, and it is looked at
//! whether anything is lost.

use super::{
    Outcome,
    bench::{self, Bench},
};
use crate::{
    machine::thread,
    ndis::{
        instant::{self, Instant},
        interrupt::{self, Interrupt, dpc},
    },
    verify::{self, Handler},
};
use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::sync::atomic::Ordering;

/// How long a message stays disabled: beyond what may be on its way.
const DISABLED_NS: u64 = 30_000_000;
/// Events while it is disabled.
const EVENTS: usize = 3;
/// Calls of the handler from rest: a busy machine may let one interrupt be late, not one of each.
const TRIES: usize = 3;

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let interrupt = bench.interrupt()?;
    let count = interrupt.grant.messages.len();
    for message in 0..count {
        disabled(bench, &interrupt, &[message])?;
        from_rest(bench, &interrupt, message)?;
    }
    if count > 1 {
        let all: Vec<usize> = (0..count).collect();
        disabled(bench, &interrupt, &all)?;
    }
    // at any time, so between any two imports of a DPC as well.
    instant::set_hook(Some(toggle));
    let mut moved = Ok(());
    for _ in 0..EVENTS {
        moved = moved.and(bench.transfer(32 * 1024));
    }
    bench.rest();
    let good = verify::check_of(Handler::EnableInterrupt, "X-82", moved.is_ok(), || {
        let why = moved.clone().err().unwrap_or_default();
        format!("with Disable and Enable in DPCs: {why}")
    });
    if !good {
        return Err(String::from("traffic failed"));
    }
    bench.check_event("X-82", "Disable and Enable in the middle of DPCs")?;
    Ok(Outcome::Ran(format!(
        "{count} message(s), each alone, all together, and in the middle of DPCs"
    )))
}

/// Disables `messages`, lets events and DPCs come, enables them again and looks for what is lost.
fn disabled(
    bench: &Bench<'_>,
    interrupt: &Arc<Interrupt>,
    messages: &[usize],
) -> Result<(), String> {
    let before = bench.adapter().receives.frames();
    let mut asked = Bench::ask(bench.adapter(), 1);
    for message in messages {
        interrupt::switch_one(interrupt, *message, false);
    }
    asked.extend(Bench::ask(bench.adapter(), 1));
    thread::sleep_ns(DISABLED_NS);
    // the end of a DPC must not undo the Disable handler.
    for message in messages {
        dpc::queue(interrupt, *message, bench::other_cpu(), 0);
    }
    bench::drain(interrupt);
    for _ in 0..EVENTS {
        asked.extend(Bench::ask(bench.adapter(), 1));
        thread::sleep_ns(1_000_000);
    }
    for message in messages {
        interrupt::switch_one(interrupt, *message, true);
    }
    let wanted = asked.len() as u64;
    let arrived = bench.arrived(before, wanted, &asked);
    let handler = Handler::EnableInterrupt;
    let good = verify::check_of(handler, "X-82", arrived, || {
        let came = bench.adapter().receives.frames() - before;
        format!("{came} of {wanted} frames arrived after messages {messages:?} were enabled again")
    });
    if !good {
        return Err(format!("events were lost with messages {messages:?}"));
    }
    bench.check_event("X-82", "Disable and Enable")
}

/// Disables a message when nothing is on its way: not a single one may come then.
fn from_rest(bench: &Bench<'_>, interrupt: &Arc<Interrupt>, message: usize) -> Result<(), String> {
    let claimed = || interrupt.counts[message].claimed.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        thread::sleep_ns(DISABLED_NS);
        bench::drain(interrupt);
        let before = bench.adapter().receives.frames();
        interrupt::switch_one(interrupt, message, false);
        let at_rest = claimed();
        let asked = Bench::ask(bench.adapter(), EVENTS);
        thread::sleep_ns(DISABLED_NS);
        let came = claimed() - at_rest;
        interrupt::switch_one(interrupt, message, true);
        if !bench.arrived(before, EVENTS as u64, &asked) {
            return Err(format!(
                "events were lost with message {message} disabled from rest"
            ));
        }
        if came == 0 {
            verify::check_of(Handler::DisableInterrupt, "X-82", true, String::new);
            return Ok(());
        }
    }
    verify::check_of(Handler::DisableInterrupt, "X-82", false, || {
        format!("message {message} was disabled from rest {TRIES} times, and interrupted each time")
    });
    Err(format!("message {message} is not disabled at once"))
}

/// In a DPC: Disable and at once Enable for its message, at an import.
fn toggle(instant: Instant) {
    let Some(context) = verify::current() else {
        return;
    };
    if !context.handler.is_dpc() || !matches!(instant, Instant::Import(_)) {
        return;
    }
    let message = context.object as usize;
    for adapter in crate::ndis::adapter::all() {
        let found = adapter.interrupts.lock().first().cloned();
        let there = |found: &Arc<Interrupt>| {
            message < found.counts.len() && !found.closed.load(Ordering::Acquire)
        };
        if let Some(found) = found.filter(there) {
            interrupt::switch_one(&found, message, false);
            interrupt::switch_one(&found, message, true);
        }
    }
}
