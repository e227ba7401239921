// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-09: frames come as fast as the driver indicates them: each indication inside a
//! DPC sends as many requests as it would take to keep the ring filled, as a protocol may from
//! there (D-32). PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{
    machine::{irql, lock::IrqSpin, thread, time},
    ndis::{
        adapter::Adapter,
        instant::{self, Instant},
        interrupt::steer::STEER,
        receive,
    },
    verify,
};
use ::ndis::ffi::NDIS_INDICATE_ALL_NBLS;
use alloc::{format, string::String, sync::Arc};
use core::sync::atomic::{AtomicU64, Ordering};

/// How long the flood lasts.
const FLOOD_NS: u64 = 400_000_000;
/// NBLs in one DPC without a limit at most: 344 µs at a gigabit of the smallest
/// frames, and more than a ring of usual size.
const BUDGET: u64 = 512;
/// Sends that may be with the miniport.
const IN_FLIGHT: usize = 512;
/// Sends in one go.
const BATCH: usize = 80;
/// How long the last sends may take.
const AFTER_NS: u64 = 5_000_000_000;

static UNTIL_NS: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);
static ADAPTER: IrqSpin<Option<Arc<Adapter>>> = IrqSpin::new(None);

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let handler = bench.dpc_handler()?;
    let adapter = bench.adapter().clone();
    *ADAPTER.lock() = Some(adapter.clone());
    ASKED.store(0, Ordering::Relaxed);
    STEER.throttle(NDIS_INDICATE_ALL_NBLS, 0);
    let before = adapter.receives.frames();
    let until = time::now_ns() + FLOOD_NS;
    UNTIL_NS.store(until, Ordering::Release);
    instant::set_hook(Some(more));
    Bench::ask(&adapter, BATCH);
    while time::now_ns() < until {
        // The protocol above looks at nothing of it.
        while receive::take(&adapter).is_some() {}
        thread::sleep_ns(5_000_000);
        if adapter.sends.outstanding() == 0 {
            Bench::ask(&adapter, BATCH);
        }
    }
    instant::set_hook(None);
    let deadline = time::now_ns() + AFTER_NS;
    let completed = thread::wait_until(Some(deadline), &|| adapter.sends.outstanding() == 0);
    *ADAPTER.lock() = None;
    let longest = STEER.longest.load(Ordering::Relaxed);
    verify::check_of(handler, "X-47", longest <= BUDGET, || {
        format!("one DPC indicated {longest} NBLs while more came")
    });
    let left = adapter.sends.outstanding();
    verify::check_of(handler, "X-46", completed, || {
        format!("{left} sends are not completed 5 s after a flood of receives")
    });
    bench.rest();
    bench.check_event("X-45", "a flood")?;
    let (asked, frames) = (
        ASKED.load(Ordering::Relaxed),
        adapter.receives.frames() - before,
    );
    Ok(Outcome::Ran(format!(
        "{frames} frames for {asked} requests from inside indications, at most {longest} in a DPC"
    )))
}

/// Inside an indication: sends again.
fn more(instant: Instant) {
    if instant != Instant::Import("NdisMIndicateReceiveNetBufferLists")
        || irql::current() != irql::DISPATCH
        || time::now_ns() > UNTIL_NS.load(Ordering::Acquire)
    {
        return;
    }
    let in_dpc = verify::current().is_some_and(|context| context.handler.is_dpc());
    let adapter = ADAPTER.lock().clone();
    if let (true, Some(adapter)) = (in_dpc, adapter)
        && adapter.sends.outstanding() < IN_FLIGHT
    {
        ASKED.fetch_add(BATCH as u64, Ordering::Relaxed);
        Bench::ask(&adapter, BATCH);
    }
}
