// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-03: ISRs without a cause, for every message and for one that there is not (X-22, X-49,
//! PASSIVE.

use super::{
    Outcome,
    bench::{self, Bench},
};
use crate::{
    machine::irql,
    ndis::interrupt::{Interrupt, dpc},
    verify::{self, Handler},
};
use alloc::{format, string::String};
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let interrupt = bench.interrupt()?;
    bench.check_event("X-45", "nothing in particular")?;
    let count = interrupt.grant.messages.len();
    for message in 0..count {
        for times in 1..=2 {
            for _ in 0..times {
                bench::call_isr(&interrupt, message);
            }
            bench::drain(&interrupt);
            let what = format!("{times} interrupt(s) of message {message} without a cause");
            bench.check_event("X-49", &what)?;
        }
        dpc::queue(&interrupt, message, bench::other_cpu(), 0);
        bench::drain(&interrupt);
        bench.check_event("X-49", &format!("a DPC of message {message} for nothing"))?;
    }
    if interrupt.is_message() {
        unknown(&interrupt, count);
        bench.check_event("X-49", "a message that there is not")?;
    }
    Ok(Outcome::Ran(format!(
        "{count} message(s), once, twice and as a DPC; each time the next event arrives"
    )))
}

/// an id that the driver never got. The table of an MSI-X device may hold one.
fn unknown(interrupt: &Interrupt, message: usize) {
    let (queue, targets) = (AtomicU8::new(0xC7), AtomicU32::new(0xC7C7_C7C7));
    let number = message as u64;
    let arguments = [
        interrupt.context,
        number,
        queue.as_ptr() as u64,
        targets.as_ptr() as u64,
    ];
    let old = irql::raise(interrupt.irql_of(0));
    let isr = interrupt.handlers.isr;
    let claimed = verify::call_on(Handler::MessageIsr, number, isr, &arguments) as u8;
    irql::lower(old);
    verify::check_of(Handler::MessageIsr, "X-22", claimed != 0, || {
        format!("the ISR returned FALSE for the unknown message {message}")
    });
    let written =
        queue.load(Ordering::Relaxed) <= 1 && targets.load(Ordering::Relaxed) != 0xC7C7_C7C7;
    verify::check_of(Handler::MessageIsr, "X-23", written, || {
        format!("the ISR wrote no out-parameters for the unknown message {message}")
    });
}
