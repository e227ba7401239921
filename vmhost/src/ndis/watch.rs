// SPDX-License-Identifier: MIT OR Apache-2.0
//! What NDIS does by the clock: CheckForHang, the ages of sends, resets that the driver asked for.
//! One PASSIVE thread.

use super::{
    adapter::{Adapter, State},
    lifecycle, reset,
};
use crate::machine::{thread, time};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// Between two looks.
const TICK_NS: u64 = 500_000_000;
/// Unit of CheckForHangTimeInSeconds.
const SECOND_NS: u64 = 1_000_000_000;

static STOP: AtomicBool = AtomicBool::new(false);
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Before the thread is made.
pub fn start() {
    STOP.store(false, Ordering::Release);
}

/// The thread's body; ends after [`stop`].
pub fn thread(adapter: &Arc<Adapter>) {
    RUNNING.store(true, Ordering::Release);
    let mut last_check = time::now_ns();
    while !STOP.load(Ordering::Acquire) {
        let next = time::now_ns() + TICK_NS;
        thread::wait_until(Some(next), &|| STOP.load(Ordering::Acquire));
        if STOP.load(Ordering::Acquire) {
            break;
        }
        adapter.sends.check_ages();
        lifecycle::check_overdue(adapter);
        let seconds = adapter
            .registration
            .lock()
            .map_or(2, |r| r.check_for_hang_s);
        let now = time::now_ns();
        if now - last_check >= u64::from(seconds) * SECOND_NS {
            last_check = now;
            reset::check_for_hang(adapter);
        }
        let up = !matches!(
            adapter.state(),
            State::Halted | State::Initializing | State::Halting
        );
        if up && reset::take_request() {
            reset::reset(adapter);
        }
    }
    RUNNING.store(false, Ordering::Release);
    thread::wake();
}

/// Ends the thread and waits until it is outside the driver. PASSIVE.
pub fn stop() {
    STOP.store(true, Ordering::Release);
    thread::wake();
    thread::wait_until(None, &|| !RUNNING.load(Ordering::Acquire));
}
