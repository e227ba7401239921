// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the driver's handlers cost while a phase is measured: calls, instructions, and accesses to
//! each register, by handler and, for ISR and DPC, by message. Knows no device. Any IRQL.

use super::context::{Context, Handler};
use crate::machine::lock::IrqSpin;
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use vmhost_proto::{HandlerCost, RegisterCost};

/// A handler, for ISR and DPC its message, and whether the throttle has cut it short.
type Key = (Handler, Option<u32>, bool);

#[derive(Default)]
struct Tally {
    calls: u64,
    instructions: u64,
    min: u64,
    max: u64,
    /// Reads and writes by offset.
    registers: BTreeMap<u64, (u64, u64)>,
}

static MEASURING: AtomicBool = AtomicBool::new(false);
/// DPCs that began to be throttled.
static THROTTLED: AtomicU64 = AtomicU64::new(0);
static TALLIES: IrqSpin<BTreeMap<Key, Tally>> = IrqSpin::new(BTreeMap::new());

fn key(context: &Context) -> Key {
    let message = matches!(
        context.handler,
        Handler::Isr | Handler::MessageIsr | Handler::Dpc | Handler::MessageDpc
    );
    let throttled = context.throttled.load(Ordering::Relaxed);
    (
        context.handler,
        message.then_some(context.object as u32),
        throttled,
    )
}

/// A phase begins.
pub fn begin() {
    TALLIES.lock().clear();
    THROTTLED.store(0, Ordering::Relaxed);
    MEASURING.store(true, Ordering::Release);
}

/// The phase ends; `role` says what a message is for.
pub fn end(role: impl Fn(u32) -> String) -> Vec<HandlerCost> {
    MEASURING.store(false, Ordering::Release);
    let tallies = core::mem::take(&mut *TALLIES.lock());
    let cost = |((handler, message, throttled), tally): (Key, Tally)| HandlerCost {
        handler: format!("{handler}"),
        message,
        throttled,
        role: message.map(&role).unwrap_or_default(),
        calls: tally.calls,
        instructions: tally.instructions,
        instructions_min: tally.min,
        instructions_max: tally.max,
        registers: tally
            .registers
            .into_iter()
            .map(|(offset, (reads, writes))| RegisterCost {
                offset,
                reads,
                writes,
            })
            .collect(),
    };
    tallies.into_iter().map(cost).collect()
}

/// How often a DPC had more pending and was not itself called for that.
pub fn throttles() -> u64 {
    THROTTLED.load(Ordering::Relaxed)
}

/// A DPC begins a row of throttled ones.
pub fn throttled() {
    THROTTLED.fetch_add(1, Ordering::Relaxed);
}

/// A register access made by that call.
pub fn access(context: &Context, offset: u64, write: bool) {
    if !MEASURING.load(Ordering::Acquire) {
        return;
    }
    let (read, written) = if write { (0, 1) } else { (1, 0) };
    let mut registers = context.registers.lock();
    match registers.iter_mut().find(|entry| entry.0 == offset) {
        Some(entry) => {
            entry.1 += read;
            entry.2 += written;
        }
        None => registers.push((offset, read, written)),
    }
}

/// A call has ended. What a callback executed on behalf of another call is that call's.
pub fn ended(context: &Context) {
    let own = context.instructions.load(Ordering::Relaxed);
    let root = context.root();
    if !core::ptr::eq(root, context) {
        root.instructions.fetch_add(own, Ordering::Relaxed);
        return;
    }
    if !MEASURING.load(Ordering::Acquire) {
        return;
    }
    let mut tallies = TALLIES.lock();
    let tally = tallies.entry(key(context)).or_default();
    tally.min = if tally.calls == 0 {
        own
    } else {
        tally.min.min(own)
    };
    tally.max = tally.max.max(own);
    tally.calls += 1;
    tally.instructions += own;
    for (offset, reads, writes) in context.registers.lock().iter() {
        let register = tally.registers.entry(*offset).or_default();
        register.0 += reads;
        register.1 += writes;
    }
}
