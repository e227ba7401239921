// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting and clocks.

use crate::ffi::LARGE_INTEGER;
use crate::irql::{Irql, Passive};
use crate::sys::{ndis, nt};

/// Longest stall in one call, in microseconds (contract §2.4).
pub const LONGEST_STALL: u32 = 50;

/// NdisMSleep: gives up the processor for at least this long. PASSIVE_LEVEL.
pub fn sleep_us(microseconds: u32, irql: &Irql<Passive>) {
    let _ = irql;
    // SAFETY: PASSIVE_LEVEL.
    unsafe { ndis::NdisMSleep(microseconds) };
}

/// NdisStallExecution, which is KeStallExecutionProcessor: spins, at most [`LONGEST_STALL`] microseconds. Any IRQL.
pub fn stall_us(microseconds: u32) {
    // SAFETY: callable at any IRQL.
    unsafe { nt::KeStallExecutionProcessor(microseconds.min(LONGEST_STALL)) };
}

/// System time, in units of 100 ns since 1601. Any IRQL.
#[must_use]
pub fn system_time() -> i64 {
    let mut time = LARGE_INTEGER::new(0);
    // SAFETY: `time` is valid for the call; any IRQL.
    unsafe { nt::KeQuerySystemTimePrecise(&raw mut time) };
    time.value()
}

/// KeQueryPerformanceCounter: a monotonic counter and its frequency per second. Any IRQL.
#[must_use]
pub fn performance_counter() -> (i64, i64) {
    let mut frequency = LARGE_INTEGER::new(0);
    // SAFETY: `frequency` is valid for the call; any IRQL.
    let now = unsafe { nt::KeQueryPerformanceCounter(&raw mut frequency) };
    (now.value(), frequency.value())
}

/// NdisGetSystemUpTimeEx: milliseconds since the system started. Any IRQL.
#[must_use]
pub fn up_time_ms() -> i64 {
    let mut time = LARGE_INTEGER::new(0);
    // SAFETY: `time` is valid for the call; any IRQL.
    unsafe { ndis::NdisGetSystemUpTimeEx(&raw mut time) };
    time.value()
}

/// The processor's time-stamp counter: two instructions, no call. Any IRQL; meaningful differences only on one processor.
/// 0 where there is none.
#[inline]
#[must_use]
pub fn cycles() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has RDTSC, and Windows does not forbid it.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    0
}
