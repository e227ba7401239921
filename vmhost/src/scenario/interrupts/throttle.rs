// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-08: every limit, with recalls that come at once, late, and on another CPU.
//! PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{ndis::interrupt::steer::STEER, verify};
use ::ndis::ffi::NDIS_INDICATE_ALL_NBLS;
use alloc::{format, string::String};
use core::sync::atomic::Ordering;

/// Limits of the case, with the bytes that are fetched under each.
const LIMITS: [(u32, u64); 5] = [
    (1, 48 * 1024),
    (2, 64 * 1024),
    (7, 96 * 1024),
    (64, 128 * 1024),
    (NDIS_INDICATE_ALL_NBLS, 128 * 1024),
];
/// A recall that comes this late lets an interrupt that is not masked come many times.
const LATE_NS: u64 = 3_000_000;

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let handler = bench.dpc_handler()?;
    bench.network()?;
    for (limit, bytes) in LIMITS {
        for (name, delay, elsewhere) in [
            ("at once", 0, false),
            ("late", LATE_NS, false),
            ("on another CPU", LATE_NS / 10, true),
        ] {
            STEER.throttle(limit, delay);
            STEER.recall_elsewhere.store(elsewhere, Ordering::Relaxed);
            STEER.watch_mask.store(!elsewhere, Ordering::Relaxed);
            let moved = bench.download(bytes);
            let good = verify::check_of(handler, "X-43", moved.is_ok(), || {
                let why = moved.clone().err().unwrap_or_default();
                format!("with the limit {limit} and recalls {name}: {why}")
            });
            // More than the limit at once, so that the recall has to bring the rest.
            let burst = good && bench.burst();
            bench.rest();
            let good = verify::check_of(handler, "X-43", burst, || {
                format!("frames stayed behind with the limit {limit} and recalls {name}")
            });
            if !good {
                return Err(format!("stalled with the limit {limit}, recalls {name}"));
            }
        }
        bench.check_event("X-43", "throttled DPCs")?;
    }
    Ok(Outcome::Ran(format!(
        "{} limits, 3 kinds of recall",
        LIMITS.len()
    )))
}
