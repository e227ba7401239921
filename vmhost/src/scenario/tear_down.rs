// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a Running adapter to an unloaded driver. PASSIVE.

use super::{
    bring_up::{self, Session},
    log_or_err, record, report, statistics, step,
};
use crate::{
    ledger::{self, Scope},
    log,
    machine::{dpc, iommu, thread},
    ndis::{
        adapter::{Adapter, State},
        driver, lifecycle, receive, requirements, shared_memory, watch,
    },
    pe::Image,
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, sync::Arc};

/// Pauses for `reason` and waits until no send call is in the driver any more.
pub fn pause(session: &Session, reason: u32) {
    step("MiniportPause");
    lifecycle::pause(&session.adapter, reason);
    quiet(&session.adapter);
    // The protocol forgets what it has not looked at.
    while receive::take(&session.adapter).is_some() {}
}

/// Waits until no thread is inside the send or return handler.
pub fn quiet(adapter: &Adapter) {
    thread::wait_until(None, &|| {
        adapter.sends.in_calls() == 0 && adapter.receives.returning() == 0
    });
}

/// Halts the Paused adapter, watches freed memory for `linger_ns`, removes the device and unloads
/// the driver.
pub fn unload(session: &Session, linger_ns: u64) {
    let adapter = &session.adapter;
    debug_assert!(adapter.state() == State::Paused);
    watch::stop();
    adapter.receives.stop();
    quiet(adapter);
    step("MiniportHaltEx");
    let at_halt = halt(adapter, NdisHaltDeviceDisabled);
    report::update(|report| report.ledger.at_halt = at_halt);
    thread::sleep_ns(linger_ns);
    remove(&session.image, adapter);
}

/// The end of a life, however it came to it: what the driver has written down of its interrupts is read before it goes with
/// the adapter, then the Paused adapter is halted. Returns the objects still alive.
pub fn halt(adapter: &Adapter, action: i32) -> u32 {
    record::read(adapter);
    lifecycle::halt(adapter, action)
}

/// The end of a scenario with one life: a running adapter is closed, paused, and its statistics are compared; then the
/// driver goes. `result` is what the scenario came to, and comes back.
pub fn end(session: &Session, result: Result<(), String>) -> Result<(), String> {
    if session.adapter.state() == State::Running {
        log_or_err(bring_up::set_filter(&session.adapter, 0), &result)?;
        pause(session, NDIS_PAUSE_MINIPORT_DEVICE_REMOVE);
        statistics::check(&session.adapter);
    }
    unload(session, 0);
    result
}

/// Removes the device of the Halted adapter and unloads the driver.
pub fn finish(session: &Session) {
    watch::stop();
    session.adapter.receives.stop();
    quiet(&session.adapter);
    remove(&session.image, &session.adapter);
}

/// Cleans up after a MiniportInitializeEx that failed.
pub fn after_failed_start(image: &Image, adapter: &Arc<Adapter>) {
    remove(image, adapter);
}

fn remove(image: &Image, adapter: &Arc<Adapter>) {
    requirements::remove_device(adapter);
    let grant = adapter.grant.lock().clone();
    if let Some(grant) = grant {
        grant.release();
    }
    step("unload");
    driver::unload();
    dpc::flush();
    iommu::detach(adapter.device.bus, adapter.device.dev, adapter.device.func);
    shared_memory::audit();
    shared_memory::release_freed();
    let left = ledger::live(Scope::Driver);
    verify::check_of(Handler::Unload, "V-04", left.is_empty(), || {
        format!(
            "alive after MiniportDriverUnload: {}",
            ledger::lines(&left, 8).join("; ")
        )
    });
    for line in ledger::lines(&left, 32) {
        log!("leak: {line}");
    }
    report::update(|report| report.ledger.at_unload = left.len() as u32);
    // A late call into the image faults from now on (L-06).
    image.unload();
}
