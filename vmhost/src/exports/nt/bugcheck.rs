// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bugchecks that the driver asks for, and its callbacks for them. Any IRQL.

use alloc::format;

use crate::{
    exports,
    exports::Call,
    guest,
    ledger::{self, Kind, Scope},
    verify,
};

/// Names of the bugchecks that a network driver is likely to ask for.
fn name(code: u32) -> &'static str {
    match code {
        0x0A => "IRQL_NOT_LESS_OR_EQUAL",
        0x1E => "KMODE_EXCEPTION_NOT_HANDLED",
        0x50 => "PAGE_FAULT_IN_NONPAGED_AREA",
        0x7C => "BUGCODE_NDIS_DRIVER",
        0x9F => "DRIVER_POWER_STATE_FAILURE",
        0xC4 => "DRIVER_VERIFIER_DETECTED_VIOLATION",
        0xD1 => "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
        0xE2 => "MANUALLY_INITIATED_CRASH",
        0xE4 => "WORKER_INVALID",
        0x133 => "DPC_WATCHDOG_VIOLATION",
        0x139 => "KERNEL_SECURITY_CHECK_FAILURE",
        0x13A => "KERNEL_MODE_HEAP_CORRUPTION",
        _ => "",
    }
}

fn bugcheck(call: &Call, code: u32, parameters: [u64; 4]) -> ! {
    let [a, b, c, d] = parameters;
    verify::stop(
        "V-28",
        call.text(&format!(
            "bugcheck {code:#X} {} ({a:#x}, {b:#x}, {c:#x}, {d:#x})",
            name(code)
        )),
    )
}

/// `KBUGCHECK_CALLBACK_RECORD`: { LIST_ENTRY, routine, buffer, length, component, checksum, state }.
const STATE: usize = 56;
/// `BufferInserted`.
const INSERTED: u8 = 1;

fn register(call: &Call, record: usize, routine: usize) -> bool {
    if routine == 0 || ledger::is_live(Kind::BugCheckCallback, record as u64) {
        return false;
    }
    guest::require(record, 64, true);
    guest::write(record + STATE, INSERTED);
    ledger::add(
        Kind::BugCheckCallback,
        record as u64,
        0,
        Scope::Driver,
        call.rip,
    );
    true
}

exports! {
    "ntoskrnl.exe";

    /// Ends the run.
    [Any] fn KeBugCheck(call, code: u32) { bugcheck(call, code, [0; 4]) }
    /// Ends the run.
    [Any] fn KeBugCheckEx(call, code: u32, a: u64, b: u64, c: u64, d: u64) { bugcheck(call, code, [a, b, c, d]) }
    /// Notes a callback.
    [Any] fn KeRegisterBugCheckCallback(call, record: usize, routine: usize, _buffer: usize, _length: u32, _component: usize) -> bool {
        register(call, record, routine)
    }
    /// Notes a callback.
    [Any] fn KeRegisterBugCheckReasonCallback(call, record: usize, routine: usize, _reason: i32, _component: usize) -> bool {
        register(call, record, routine)
    }
    /// Takes a callback back.
    [Any] fn KeDeregisterBugCheckCallback(_call, record: u64) -> bool { ledger::remove(Kind::BugCheckCallback, record).is_some() }
    /// Takes a callback back.
    [Any] fn KeDeregisterBugCheckReasonCallback(_call, record: u64) -> bool { ledger::remove(Kind::BugCheckCallback, record).is_some() }
    /// Not a bugcheck on Windows either, but nobody collects live dumps here.
    [Any] fn KeInitializeCrashDumpHeader(_call, _kind: u32, _flags: u32, _buffer: usize, _size: u32, _needed: usize) -> i32 { 0xC000_00BB_u32 as i32 }
}
