// SPDX-License-Identifier: MIT OR Apache-2.0
//! Poll objects (NP-03 to NP-07): limits of every size, polls that nobody asked for, and silence of the device while
//! notification is off. PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{
    machine::thread,
    ndis::{interrupt::steer::STEER, poll},
    verify::{self, Handler},
};
use ::ndis::ffi::NDIS_ANY_NUMBER_OF_NBLS;
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::Ordering;

/// Limits of the case, with the bytes that are fetched under each.
const LIMITS: [(u32, u64); 4] = [
    (1, 48 * 1024),
    (7, 96 * 1024),
    (64, 128 * 1024),
    (NDIS_ANY_NUMBER_OF_NBLS, 256 * 1024),
];
/// Events at the beginning: each has to be told by an interrupt.
const EVENTS: usize = 3;
/// Between two polls of a round that lasts.
const DWELL_NS: u64 = 1_500_000;
/// Events that come meanwhile.
const SPREAD: usize = 24;
/// Rounds that nobody asked for.
const ROUNDS: usize = 10;

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let objects = poll::objects();
    if objects.is_empty() {
        return Ok(Outcome::Skipped("the driver has no poll object"));
    }
    for _ in 0..EVENTS {
        bench.check_event("X-45", "notification on")?;
    }
    bench.network()?;
    let before = poll::passes();
    // Interrupts of earlier cases are over.
    thread::sleep_ns(50_000_000);
    STEER.quiet.store(true, Ordering::Relaxed);
    let result = silence(bench).and_then(|()| limits(bench));
    STEER.quiet.store(false, Ordering::Relaxed);
    result?;
    for _ in 0..ROUNDS {
        poll::rounds();
        thread::sleep_ns(1_000_000);
    }
    bench.check_event("X-45", "polls that nobody asked for")?;
    Ok(Outcome::Ran(format!(
        "{} object(s), {} polls, {} limits",
        objects.len(),
        poll::passes() - before,
        LIMITS.len()
    )))
}

/// Rounds that last, with frames that come between their polls: none may interrupt, and none may stay behind.
fn silence(bench: &Bench<'_>) -> Result<(), String> {
    STEER.dwell_ns.store(DWELL_NS, Ordering::Relaxed);
    let before = bench.adapter().receives.frames();
    let mut asked = Vec::new();
    for _ in 0..SPREAD {
        asked.extend(Bench::ask(bench.adapter(), 1));
        thread::sleep_ns(DWELL_NS);
    }
    let arrived = bench.arrived(before, SPREAD as u64, &asked);
    bench.rest();
    let good = verify::check_of(Handler::Poll, "X-45", arrived, || {
        String::from("frames that came between two polls stayed behind")
    });
    if good {
        bench.check_event("X-45", "a round that lasted")
    } else {
        Err(String::from("an event was lost between two polls"))
    }
}

fn limits(bench: &mut Bench<'_>) -> Result<(), String> {
    for (limit, bytes) in LIMITS {
        STEER.throttle(limit, 0);
        let moved = bench.transfer(bytes);
        let good = verify::check_of(Handler::Poll, "NP-06", moved.is_ok(), || {
            let why = moved.clone().err().unwrap_or_default();
            format!("with the limit {limit}: {why}")
        });
        let burst = good && bench.burst();
        bench.rest();
        let good = verify::check_of(Handler::Poll, "X-45", burst, || {
            format!("frames stayed behind with the limit {limit}")
        });
        if !good {
            return Err(format!("stalled with the limit {limit}"));
        }
        bench.check_event("X-45", "limited polls")?;
    }
    Ok(())
}
