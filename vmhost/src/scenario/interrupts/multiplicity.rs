// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-07: an empty DPC after each one, one message's DPC on every CPU, requests that coalesce, and
//! the ISR again in the middle of its DPC, here and on other CPUs.
//! PASSIVE.

use super::{
    Outcome,
    bench::{self, Bench},
};
use crate::{
    machine::{cpu, thread, time},
    ndis::{
        adapter,
        dice::DICE,
        guesses,
        instant::{self, Instant},
        interrupt::steer::STEER,
        poll,
    },
    verify::{self, Handler},
};
use alloc::{format, string::String};
use core::sync::atomic::{AtomicU64, Ordering};

/// Bytes each way.
const BYTES: u64 = 128 * 1024;
/// Of 100 instants, how many have an ISR.
const PERCENT: u64 = 20;

/// Between two of them, at least: an ISR asks for another DPC, which must not go on for ever.
const APART_NS: u64 = 300_000;

static INJECTED: AtomicU64 = AtomicU64::new(0);
static LAST_NS: AtomicU64 = AtomicU64::new(0);

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    INJECTED.store(0, Ordering::Relaxed);
    let handler = bench.dpc_handler()?;
    bench.network()?;
    for (name, extra, spread, isrs) in [
        ("an empty DPC after each", true, false, false),
        ("each DPC on every CPU", false, true, false),
        ("ISRs in the middle of DPCs", false, false, true),
        ("all of it", true, true, true),
    ] {
        STEER.extra_dpc.store(extra, Ordering::Relaxed);
        STEER.every_cpu.store(spread, Ordering::Relaxed);
        instant::set_hook(isrs.then_some(in_the_middle as instant::Hook));
        // Frames that nobody repeats, before those that TCP would bring back.
        let moved = if bench.burst() {
            bench.transfer(BYTES)
        } else {
            Err(String::from("frames were lost"))
        };
        bench.rest();
        let good = verify::check_of(handler, "X-41", moved.is_ok(), || {
            format!("with {name}: {}", moved.clone().err().unwrap_or_default())
        });
        if !good {
            return Err(format!("traffic failed with {name}"));
        }
        bench.check_event("X-41", name)?;
    }
    let copied = returns(bench)?;
    let injected = INJECTED.load(Ordering::Relaxed);
    Ok(Outcome::Ran(format!(
        "{} KiB each way in each of 4 ways, {injected} ISRs in the middle of DPCs, {copied} indications to be copied",
        BYTES / 1024
    )))
}

/// D-33, D-39, X-62: the protocol holds frames until the ring runs dry, and interrupts come at the register accesses of
/// the handler that gets them back. How many indications the protocol had to copy.
fn returns(bench: &mut Bench<'_>) -> Result<u64, String> {
    const HOLD_NS: u64 = 20_000_000_000;
    /// Requests at once.
    const COUNT: u64 = 64;
    /// More of them than any ring has buffers.
    const MOST: u64 = 4096 + 8 * COUNT;
    /// Indications to be copied that are enough for a round. A small ring may lose frames before there are so many.
    const COPIED: u64 = 4;
    let adapter = bench.adapter().clone();
    let receives = &adapter.receives;
    let handler = bench.dpc_handler()?;
    let begin = receives.to_copy();
    // What a poll indicates cannot be marked so: the ring runs dry, which is known by a long silence.
    let polled = !poll::objects().is_empty();
    for _ in 0..if polled { 2 } else { 6 } {
        let before = receives.to_copy();
        receives.hold_for(HOLD_NS);
        let mut asked = 0;
        while asked < MOST && receives.to_copy() < before + COPIED {
            let frames = receives.frames();
            let requests = Bench::ask(&adapter, COUNT as usize);
            asked += COUNT;
            if !bench.arrived(frames, COUNT, &requests) {
                break;
            }
        }
        let (copied, held) = (receives.to_copy() - before, receives.outstanding());
        verify::check_of(
            handler,
            "D-33",
            copied > 0 || polled || !guesses::SHORTAGE_IS_TOLD,
            || format!("{asked} frames asked for, {held} held, {copied} indications to be copied"),
        );
        instant::set_hook(Some(in_a_return));
        receives.let_go();
        let deadline = time::now_ns() + HOLD_NS;
        thread::wait_until(Some(deadline), &|| receives.outstanding() == 0);
        bench.rest();
        bench.check_event("X-62", "interrupts in MiniportReturnNetBufferLists")?;
    }
    Ok(receives.to_copy() - begin)
}

/// Raises every vector here at a register access of the return handler.
fn in_a_return(instant: Instant) {
    let fits = instant == Instant::Register
        && verify::current().is_some_and(|context| context.handler == Handler::Return);
    if !fits {
        return;
    }
    for adapter in adapter::all() {
        let found = adapter.interrupts.lock().first().cloned();
        if let Some(interrupt) = found {
            for message in 0..interrupt.grant.messages.len() {
                bench::raise(&interrupt, message, cpu::id());
            }
            INJECTED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Raises the DPC's own vector at an instant of it.
fn in_the_middle(instant: Instant) {
    let Some(context) = verify::current() else {
        return;
    };
    let in_dpc = matches!(context.handler, Handler::Dpc | Handler::MessageDpc);
    if !in_dpc || matches!(instant, Instant::DpcEnd(_)) || !DICE.chance(PERCENT) {
        return;
    }
    let now = time::now_ns();
    if now < LAST_NS.load(Ordering::Relaxed) + APART_NS {
        return;
    }
    LAST_NS.store(now, Ordering::Relaxed);
    let message = context.object as usize;
    for adapter in adapter::all() {
        let found = adapter.interrupts.lock().first().cloned();
        if let Some(interrupt) = found {
            let target = DICE.below(cpu::count() as u64) as usize;
            bench::raise(&interrupt, message, target);
            INJECTED.fetch_add(1, Ordering::Relaxed);
        }
    }
}
