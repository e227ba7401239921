// SPDX-License-Identifier: MIT OR Apache-2.0
//! Register accesses by context, and the interrupt counters for the report. Any IRQL.

use super::{
    dice::DICE,
    instant::{self, Instant},
    interrupt::Interrupt,
};
use crate::{
    machine::lock::IrqSpin,
    verify::{self, Context, Handler, cost},
};
use alloc::{sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};
use vmhost_proto::{Mmio, Vector};

struct Class {
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Class {
    const fn new() -> Self {
        Self {
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        }
    }

    fn count(&self, write: bool) {
        let counter = if write { &self.writes } else { &self.reads };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (
            self.reads.load(Ordering::Relaxed),
            self.writes.load(Ordering::Relaxed),
        )
    }
}

static ISR: Class = Class::new();
static DPC: Class = Class::new();
static SEND: Class = Class::new();
static OTHER: Class = Class::new();

/// Counters of registrations that are gone.
static KEPT: IrqSpin<Vec<Vector>> = IrqSpin::new(Vec::new());

/// Told by the machine about each register access. Every other write of a send handler stays on its way until the handler
/// has returned, or longer, as posted writes may: the device reads what was sent later than the driver told it.
pub fn observe(_tag: u64, offset: u64, write: bool, _width: u8, _value: u64) -> bool {
    count(offset, write);
    instant::reached(Instant::Register);
    let sends = || verify::current().is_some_and(|context| context.handler == Handler::Send);
    write && sends() && DICE.chance(50)
}

fn count(offset: u64, write: bool) {
    let Some(context) = verify::current().map(Context::root) else {
        OTHER.count(write);
        return;
    };
    let counter = if write {
        &context.mmio_writes
    } else {
        &context.mmio_reads
    };
    counter.fetch_add(1, Ordering::Relaxed);
    cost::access(context, offset, write);
    match context.handler {
        Handler::Isr | Handler::MessageIsr => ISR.count(write),
        handler if handler.is_dpc() => DPC.count(write),
        Handler::Send if write => SEND.count(write),
        _ => OTHER.count(write),
    }
}

/// Counts for the call and, when it runs inside a DPC handler, for that too: an indication made
/// from a return handler inside a DPC belongs to the DPC.
pub fn credit(pick: impl Fn(&Context) -> &AtomicU64, amount: u64) {
    let mut at = verify::current();
    while let Some(context) = at {
        pick(context).fetch_add(amount, Ordering::Relaxed);
        let interrupts_others = matches!(context.handler, Handler::Timer | Handler::KernelDpc)
            || context.handler.is_dpc();
        at = if interrupts_others {
            None
        } else {
            context.outer()
        };
    }
}

/// Keeps the counters of a registration that ends.
pub fn keep(interrupt: &Arc<Interrupt>) {
    let vectors = vectors_of(interrupt);
    *KEPT.lock() = vectors;
}

/// The vectors for the report: of `live`, else of the last registration.
pub fn vectors(live: Option<&Arc<Interrupt>>) -> Vec<Vector> {
    live.map_or_else(|| KEPT.lock().clone(), vectors_of)
}

fn vectors_of(interrupt: &Arc<Interrupt>) -> Vec<Vector> {
    interrupt
        .counts
        .iter()
        .enumerate()
        .map(|(number, counts)| counts.report(number))
        .collect()
}

/// Totals for the report.
pub fn mmio() -> Mmio {
    let (isr, dpc, send, other) = (ISR.get(), DPC.get(), SEND.get(), OTHER.get());
    Mmio {
        isr_reads: isr.0,
        isr_writes: isr.1,
        dpc_reads: dpc.0,
        dpc_writes: dpc.1,
        send_writes: send.1,
        other_reads: other.0,
        other_writes: other.1,
    }
}
