// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-01: the handlers run before NdisMRegisterInterruptEx has returned. T-02: the
//! registration fails (X-05, I-14). PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{
    ndis::{interrupt::steer::STEER, lifecycle},
    verify::{self, Handler},
};
use alloc::{format, string::String};
use core::sync::atomic::Ordering;

/// Events that have to arrive afterwards.
const EVENTS: usize = 3;

/// T-01. Every ISR twice and every DPC on every CPU, before the out-parameters are written and
/// again before the call returns; the same once more at deregistration.
pub fn inside(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.halted()?;
    STEER.at_registration.store(true, Ordering::Relaxed);
    bench.running()?;
    for _ in 0..EVENTS {
        bench.check_event("X-09", "ISRs and DPCs inside of the registration")?;
    }
    let messages = bench.interrupt()?.grant.messages.len();
    bench.halted()?;
    bench.rest();
    bench.running()?;
    Ok(Outcome::Ran(format!(
        "{messages} ISR(s) and their DPCs, before and after the results are written"
    )))
}

/// T-02. The kinds of grant are the matrix of runs.
pub fn failing(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.halted()?;
    STEER.at_registration.store(true, Ordering::Relaxed);
    STEER.registration_fails.store(true, Ordering::Relaxed);
    let failed = lifecycle::initialize(bench.adapter()).err();
    bench.rest();
    let good = verify::check_of(Handler::Initialize, "X-05", failed.is_some(), || {
        String::from("NdisMRegisterInterruptEx failed and MiniportInitializeEx succeeded")
    });
    if !good {
        return Err(String::from("it starts without an interrupt"));
    }
    bench.running()?;
    bench.check_event("X-09", "a start after one that failed")?;
    Ok(Outcome::Ran(format!(
        "MiniportInitializeEx fails with {:#010x}, and succeeds the next time",
        failed.unwrap_or(0) as u32
    )))
}
