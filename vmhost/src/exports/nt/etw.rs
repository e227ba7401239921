// SPDX-License-Identifier: MIT OR Apache-2.0
//! Event tracing: registrations are counted, events are accepted and dropped, nobody listens.

use core::sync::atomic::{AtomicU64, Ordering};

use ndis::ffi::*;

use super::system;
use crate::{
    exports,
    exports::Level,
    guest::{self, Ptr},
    ledger::{self, Kind, Scope},
    verify,
};

const STATUS_INVALID_HANDLE: i32 = 0xC000_0008_u32 as i32;

static NEXT: AtomicU64 = AtomicU64::new(0xE700_0000_0000_0010);

fn known(handle: u64) -> i32 {
    // A driver may trace before it registered; Windows refuses that with a status.
    if ledger::is_live(Kind::Etw, handle) {
        STATUS_SUCCESS
    } else {
        STATUS_INVALID_HANDLE
    }
}

exports! {
    "ntoskrnl.exe";

    /// Registers a provider. Nothing is enabled, so its callback is not called.
    [Passive] fn EtwRegister(call, provider: Ptr<GUID>, _callback: usize, _context: u64, handle: Ptr<u64>) -> i32 {
        provider.read();
        let new = NEXT.fetch_add(16, Ordering::Relaxed);
        handle.write(new);
        ledger::add(Kind::Etw, new, 0, Scope::Driver, call.rip);
        STATUS_SUCCESS
    }
    /// Takes a registration back.
    [Passive] fn EtwUnregister(call, handle: u64) -> i32 {
        if handle == 0 {
            return STATUS_INVALID_HANDLE;
        }
        match ledger::expect_remove("L-07", Kind::Etw, handle, call.name()) {
            Some(_) => STATUS_SUCCESS,
            None => STATUS_INVALID_HANDLE,
        }
    }
    /// Accepts an event.
    [Any] fn EtwWrite(_call, handle: u64, descriptor: usize, _activity: usize, count: u32, data: usize) -> i32 {
        event(descriptor, count, data);
        known(handle)
    }
    /// Accepts an event.
    [Any] fn EtwWriteEx(_call, handle: u64, descriptor: usize, _filter: u64, _flags: u32, _activity: usize, _related: usize, count: u32, data: usize) -> i32 {
        event(descriptor, count, data);
        known(handle)
    }
    /// Accepts an event.
    [Any] fn EtwWriteTransfer(_call, handle: u64, descriptor: usize, _activity: usize, _related: usize, count: u32, data: usize) -> i32 {
        event(descriptor, count, data);
        known(handle)
    }
    /// Accepts an event.
    [Any] fn EtwWriteString(_call, handle: u64, _level: u8, _keyword: u64, _activity: usize, _string: usize) -> i32 { known(handle) }
    /// Nobody listens.
    [Any] fn EtwEventEnabled(_call, _handle: u64, _descriptor: usize) -> bool { false }
    /// Nobody listens.
    [Any] fn EtwProviderEnabled(_call, _handle: u64, _level: u8, _keyword: u64) -> bool { false }
    /// Accepted.
    [Passive] fn EtwSetInformation(_call, handle: u64, _class: i32, _information: usize, _length: u32) -> i32 { known(handle) }
    /// Activity ids: only creating one needs no thread.
    [Any] fn EtwActivityIdControl(call, code: u32, activity: Ptr<[u64; 2]>) -> i32 {
        match code {
            3 => activity.write([system::random(), system::random()]),
            1 | 2 | 4 | 5 => {
                call.require(Level::Apc, " with this code");
                if code != 2 {
                    activity.write([0; 2]);
                }
            }
            _ => return STATUS_INVALID_PARAMETER,
        }
        STATUS_SUCCESS
    }
    /// Software tracing (WPP): nobody listens.
    [Any] fn WmiTraceMessage(_call, _logger: u64, _flags: u32, _guid: usize, _number: u16) -> i32 { STATUS_SUCCESS }
    /// Software tracing (WPP): nobody listens.
    [Any] fn WmiTraceMessageVa(_call, _logger: u64, _flags: u32, _guid: usize, _number: u16, _list: usize) -> i32 { STATUS_SUCCESS }
    /// There is no trace session.
    [Apc] fn WmiQueryTraceInformation(_call, _class: i32, _information: usize, _length: u32, _needed: usize, _buffer: usize) -> i32 {
        STATUS_NOT_SUPPORTED
    }
    /// WPP registers its control GUIDs through the device; the registration is counted as ETW.
    [Passive] fn IoWMIRegistrationControl(call, object: u64, action: u32) -> i32 {
        // WMIREG_ACTION_REGISTER 1, DEREGISTER 2; the flag for callbacks is the top bit.
        match action & 0xFFFF {
            1 if !ledger::is_live(Kind::Etw, object) => ledger::add(Kind::Etw, object, 0, Scope::Driver, call.rip),
            2 => {
                ledger::expect_remove("L-07", Kind::Etw, object, call.name());
            }
            _ => {}
        }
        STATUS_SUCCESS
    }
}

/// Reads what an event refers to, as a listener would: a bad pointer shows.
fn event(descriptor: usize, count: u32, data: usize) {
    // EVENT_DESCRIPTOR is 16 bytes; EVENT_DATA_DESCRIPTOR { ULONGLONG Ptr, ULONG Size, ULONG }.
    guest::require(descriptor, 16, false);
    if !verify::check("V-28", count <= 128, || {
        alloc::format!("{count} data descriptors in one event")
    }) {
        return;
    }
    for i in 0..count as usize {
        let pointer: u64 = guest::read(data + i * 16);
        let size: u32 = guest::read(data + i * 16 + 8);
        guest::require(pointer as usize, size as usize, false);
    }
}
