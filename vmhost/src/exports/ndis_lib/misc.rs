// SPDX-License-Identifier: MIT OR Apache-2.0
//! Versions, processors, strings, error log, generic objects, interlocked operations.

use alloc::{format, string::String, vec::Vec};

use ndis::ffi::*;

use super::config;
use crate::{
    exports,
    exports::{
        nt::{
            pool::scope_of,
            spin, strings,
            system::{self, active_mask},
        },
        number,
    },
    field,
    guest::{self, CountedString, Ptr},
    ledger::{self, Kind},
    log,
    machine::{cpu, time},
    ndis::{driver, poll},
    verify,
};

/// Names of event log codes.
fn event_name(code: u32) -> &'static str {
    match code {
        EVENT_NDIS_RESOURCE_CONFLICT => "RESOURCE_CONFLICT",
        EVENT_NDIS_OUT_OF_RESOURCE => "OUT_OF_RESOURCE",
        EVENT_NDIS_HARDWARE_FAILURE => "HARDWARE_FAILURE",
        EVENT_NDIS_ADAPTER_NOT_FOUND => "ADAPTER_NOT_FOUND",
        EVENT_NDIS_INTERRUPT_CONNECT => "INTERRUPT_CONNECT",
        EVENT_NDIS_DRIVER_FAILURE => "DRIVER_FAILURE",
        EVENT_NDIS_BAD_VERSION => "BAD_VERSION",
        EVENT_NDIS_TIMEOUT => "TIMEOUT",
        EVENT_NDIS_NETWORK_ADDRESS => "NETWORK_ADDRESS",
        EVENT_NDIS_UNSUPPORTED_CONFIGURATION => "UNSUPPORTED_CONFIGURATION",
        EVENT_NDIS_INVALID_VALUE_FROM_ADAPTER => "INVALID_VALUE_FROM_ADAPTER",
        EVENT_NDIS_MISSING_CONFIGURATION_PARAMETER => "MISSING_CONFIGURATION_PARAMETER",
        EVENT_NDIS_BAD_IO_BASE_ADDRESS => "BAD_IO_BASE_ADDRESS",
        EVENT_NDIS_ADAPTER_DISABLED => "ADAPTER_DISABLED",
        _ => "",
    }
}

/// `NDIS_GENERIC_OBJECT`: allocated with extra bytes behind it.
const GENERIC: usize = size_of::<NDIS_GENERIC_OBJECT>();
/// Most values of an event.
const MOST_VALUES: u32 = 64;

fn number_of(index: usize) -> PROCESSOR_NUMBER {
    PROCESSOR_NUMBER {
        Group: 0,
        Number: index as u8,
        Reserved: 0,
    }
}

exports! {
    "ndis.sys";

    /// Major version in the upper half, minor in the lower.
    [Dispatch] fn NdisGetVersion(_call) -> u32 { config::ndis_version() }
    /// The address of a function of ndis.sys; NULL when this host does not play it.
    [Passive] fn NdisGetRoutineAddress(_call, name: usize) -> usize {
        let name = guest::unicode_text(name);
        exports::find("ndis.sys", &name)
            .filter(|e| e.supported && poll::offered(e.name, driver::offered_minor()))
            .map_or(0, |e| (e.address)())
    }
    /// Bytes of a cache line.
    [Dispatch] fn NdisGetSharedDataAlignment(_call) -> u32 { SYSTEM_CACHE_ALIGNMENT_SIZE }
    /// System time.
    [Any] fn NdisGetCurrentSystemTime(_call, out: Ptr<u64>) { out.write(time::system_time_100ns()) }
    /// Milliseconds since start.
    [Any] fn NdisGetSystemUpTimeEx(_call, out: Ptr<u64>) { out.write(time::now_ns() / 1_000_000) }
    /// Milliseconds since start, 32 bits.
    [Any] fn NdisGetSystemUpTime(_call, out: Ptr<u32>) { out.write((time::now_ns() / 1_000_000) as u32) }

    /// CPUs.
    [Passive] fn NdisSystemProcessorCount(_call) -> u8 { cpu::count() as u8 }
    /// Active CPUs and their mask.
    [Any] fn NdisSystemActiveProcessorCount(_call, mask: Ptr<u64>) -> u32 {
        mask.write_if(active_mask());
        cpu::count() as u32
    }
    /// Groups.
    [Any] fn NdisActiveGroupCount(_call) -> u16 { 1 }
    /// Groups.
    [Any] fn NdisMaxGroupCount(_call) -> u16 { 1 }
    /// CPUs of a group.
    [Any] fn NdisGroupActiveProcessorCount(_call, group: u16) -> u32 {
        if group == 0 || u32::from(group) == ALL_PROCESSOR_GROUPS { cpu::count() as u32 } else { 0 }
    }
    /// CPUs that a group can have.
    [Any] fn NdisGroupMaxProcessorCount(_call, group: u16) -> u32 {
        if group == 0 || u32::from(group) == ALL_PROCESSOR_GROUPS { cpu::count() as u32 } else { 0 }
    }
    /// The mask of a group.
    [Any] fn NdisGroupActiveProcessorMask(_call, group: u16) -> u64 { if group == 0 { active_mask() } else { 0 } }
    /// The CPU that runs this; PROCESSOR_NUMBER comes back in a register.
    [DispatchOrAbove] fn NdisCurrentGroupAndProcessor(_call) -> u32 { (cpu::id() as u32) << 16 }
    /// The CPU that runs this.
    [AtDispatch] fn NdisCurrentProcessorIndex(_call) -> u32 { cpu::id() as u32 }
    /// Group and number of an index.
    [Any] fn NdisProcessorIndexToNumber(_call, index: u32, out: Ptr<PROCESSOR_NUMBER>) -> i32 {
        if index as usize >= cpu::count() {
            return STATUS_INVALID_PARAMETER;
        }
        out.write(number_of(index as usize));
        STATUS_SUCCESS
    }
    /// Index of a group and number, which is passed by value.
    [Any] fn NdisProcessorNumberToIndex(_call, of: u32) -> u32 {
        let (group, number) = (of & 0xFFFF, of >> 16 & 0xFF);
        if group == 0 && (number as usize) < cpu::count() { number } else { u32::MAX }
    }
    /// Times of the CPU: idle, kernel and user, and its index.
    [Dispatch] fn NdisGetCurrentProcessorCounts(_call, idle: Ptr<u32>, busy: Ptr<u32>, index: Ptr<u32>) {
        let ticks = (time::now_ns() / 15_625_000) as u32;
        idle.write(ticks / 2);
        busy.write(ticks - ticks / 2);
        index.write(cpu::id() as u32);
    }
    /// Load of the CPU in per cent.
    [Any] fn NdisGetCurrentProcessorCpuUsage(_call, out: Ptr<u32>) { out.write(50) }
    /// CPUs that RSS may use: all of them.
    [Dispatch] fn NdisGetRssProcessorInformation(_call, _handle: u64, info: Ptr<NDIS_RSS_PROCESSOR_INFO>, size: Ptr<u64>) -> i32 {
        let entry = size_of::<NDIS_RSS_PROCESSOR>();
        let need = size_of::<NDIS_RSS_PROCESSOR_INFO>() + entry * cpu::count();
        let have = size.read() as usize;
        size.write(need as u64);
        if info.is_null() || have < need {
            return NDIS_STATUS_BUFFER_TOO_SHORT;
        }
        guest::fill(info.addr(), need, 0);
        field!(info, Header).write(NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_RSS_PROCESSOR_INFO,
            Revision: NDIS_RSS_PROCESSOR_INFO_REVISION_2,
            Size: NDIS_SIZEOF_RSS_PROCESSOR_INFO_REVISION_2,
        });
        field!(info, MaxNumRssProcessors).write(cpu::count() as u32);
        field!(info, RssProcessorArrayOffset).write(size_of::<NDIS_RSS_PROCESSOR_INFO>() as u32);
        field!(info, RssProcessorCount).write(cpu::count() as u32);
        field!(info, RssProcessorEntrySize).write(entry as u32);
        field!(info, RssMaxProcessor).write(number_of(cpu::count() - 1));
        for i in 0..cpu::count() {
            let at: Ptr<NDIS_RSS_PROCESSOR> = Ptr::new(info.addr() + size_of::<NDIS_RSS_PROCESSOR_INFO>()).add(i);
            at.write(NDIS_RSS_PROCESSOR { ProcNum: number_of(i), PreferenceIndex: i as u16, Reserved: 0 });
        }
        NDIS_STATUS_SUCCESS
    }

    /// An event for the system log.
    [Dispatch] fn NdisWriteErrorLogEntry(call, _handle: u64, code: u32, count: u32) {
        verify::check("V-28", count <= MOST_VALUES, || call.text(&format!("{count} values")));
        let mut values = Vec::new();
        for i in 0..count.min(MOST_VALUES) as usize {
            let slot = call.varargs(3).wrapping_add(i);
            // SAFETY: a variadic slot of the caller's frame, as many as it announced.
            values.push(format!("{:#x}", unsafe { slot.read() } as u32));
        }
        log!("event log: {code:#010x} {} [{}]", event_name(code), values.join(" "));
    }
    /// An event with strings and data.
    [Dispatch] fn NdisWriteEventLogEntry(_call, _log: usize, code: u32, unique: u32, strings: u16, list: Ptr<u64>, size: u32, data: usize) -> i32 {
        let mut text = String::new();
        for i in 0..usize::from(strings) {
            let s = guest::wide_z(list.add(i).read() as usize, 256);
            text.push_str(&format!(" '{}'", String::from_utf16_lossy(&s)));
        }
        guest::require(data, size as usize, false);
        log!("event log: {code:#010x} {} {unique:#x}{text}", event_name(code));
        NDIS_STATUS_SUCCESS
    }

    /// A generic object: a handle for other NDIS functions, with `size` bytes in all.
    [Dispatch] fn NdisAllocateGenericObject(call, driver: usize, tag: u32, size: u16) -> usize {
        let bytes = usize::from(size).max(GENERIC);
        verify::check("V-28", tag != 0, || call.text("pool tag 0"));
        let Some(block) = guest::Block::new(bytes, 16, true) else { return 0 };
        let object: Ptr<NDIS_GENERIC_OBJECT> = Ptr::new(block.leak());
        field!(object, Header).write(NDIS_OBJECT_HEADER { Type: 2, Revision: 1, Size: bytes as u16 });
        field!(object, DriverObject).write(driver as *mut DRIVER_OBJECT);
        field!(object, Caller).write(call.rip as *mut c_void);
        ledger::add(Kind::GenericObject, object.addr() as u64, bytes as u64, scope_of(0), call.rip);
        object.addr()
    }
    /// Frees it.
    [Dispatch] fn NdisFreeGenericObject(call, object: usize) {
        if ledger::expect_remove("H-04", Kind::GenericObject, object as u64, call.name()).is_some() {
            guest::Block::unmap(object);
        }
    }

    /// A string from ANSI characters, in memory that NdisFreeMemory frees.
    [Passive] fn NdisInitializeString(call, target: Ptr<CountedString>, source: usize) {
        let text = guest::ansi_z(source, 0x7FFE);
        let buffer = strings::buffer(call, text.len() * 2 + 2, scope_of(0));
        for (i, c) in text.iter().enumerate() {
            guest::write(buffer + i * 2, u16::from(*c));
        }
        guest::write(buffer + text.len() * 2, 0u16);
        strings::set(target, text.len() * 2, text.len() * 2 + 2, buffer);
    }
    /// ANSI to Unicode, into the caller's buffer.
    [Passive] fn NdisAnsiStringToUnicodeString(call, target: Ptr<CountedString>, source: Ptr<CountedString>) -> i32 {
        strings::RtlAnsiStringToUnicodeString::body(call, target, source, false)
    }
    /// Unicode to ANSI, into the caller's buffer.
    [Passive] fn NdisUnicodeStringToAnsiString(call, target: Ptr<CountedString>, source: usize) -> i32 {
        strings::RtlUnicodeStringToAnsiString::body(call, target, source, false)
    }
    /// Upper case, into the caller's buffer.
    [Passive] fn NdisUpcaseUnicodeString(call, target: Ptr<CountedString>, source: usize) -> i32 {
        strings::RtlUpcaseUnicodeString::body(call, target, source, false)
    }
    /// A counted ANSI string.
    [Any] fn NdisInitAnsiString(call, target: Ptr<CountedString>, source: usize) { strings::RtlInitAnsiString::body(call, target, source) }
    /// A counted Unicode string.
    [Dispatch] fn NdisInitUnicodeString(call, target: Ptr<CountedString>, source: usize) { strings::RtlInitUnicodeString::body(call, target, source) }
    /// Compares.
    [Passive] fn NdisEqualString(_call, a: usize, b: usize, ignore_case: bool) -> bool {
        number::compare(&guest::unicode(a), &guest::unicode(b), ignore_case).is_eq()
    }

    /// The interlocked operations are macros in current headers; older libraries import them.
    [Any] fn NdisInterlockedIncrement(_call, value: Ptr<i32>) -> i32 { atomic(value, 1) + 1 }
    /// See `NdisInterlockedIncrement`.
    [Any] fn NdisInterlockedDecrement(_call, value: Ptr<i32>) -> i32 { atomic(value, -1) - 1 }
    /// See `NdisInterlockedIncrement`.
    [Any] fn NdisInterlockedAddUlong(call, value: Ptr<u32>, increment: u32, lock: usize) -> u32 { spin::ExInterlockedAddUlong::body(call, value, increment, lock) }
    /// See `NdisInterlockedIncrement`.
    [Any] fn NdisInterlockedInsertHeadList(call, head: Ptr<LIST_ENTRY>, entry: Ptr<LIST_ENTRY>, lock: usize) -> usize {
        spin::ExInterlockedInsertHeadList::body(call, head, entry, lock)
    }
    /// See `NdisInterlockedIncrement`.
    [Any] fn NdisInterlockedInsertTailList(call, head: Ptr<LIST_ENTRY>, entry: Ptr<LIST_ENTRY>, lock: usize) -> usize {
        spin::ExInterlockedInsertTailList::body(call, head, entry, lock)
    }
    /// See `NdisInterlockedIncrement`.
    [Any] fn NdisInterlockedRemoveHeadList(call, head: Ptr<LIST_ENTRY>, lock: usize) -> usize { spin::ExInterlockedRemoveHeadList::body(call, head, lock) }
    /// See `NdisInterlockedIncrement`.
    [Any] fn NdisInterlockedPushEntryList(call, head: Ptr<SINGLE_LIST_ENTRY>, entry: Ptr<SINGLE_LIST_ENTRY>, lock: usize) -> usize {
        spin::ExInterlockedPushEntryList::body(call, head, entry, lock)
    }
    /// See `NdisInterlockedIncrement`.
    [Any] fn NdisInterlockedPopEntryList(call, head: Ptr<SINGLE_LIST_ENTRY>, lock: usize) -> usize { spin::ExInterlockedPopEntryList::body(call, head, lock) }
    /// There is no hypervisor that drivers should know of: NDIS_HYPERVISOR_INFO is header and flags.
    [Dispatch] fn NdisGetHypervisorInfo(_call, info: usize) -> i32 {
        let header: NDIS_OBJECT_HEADER = guest::read(info);
        if header.Size < 12 {
            return NDIS_STATUS_INVALID_PARAMETER;
        }
        guest::write(info + 4, 0u32);
        guest::write(info + 8, 0u32);
        NDIS_STATUS_SUCCESS
    }
    /// A number for cancel ids: the upper byte of the ids that the driver may use.
    [Any] fn NdisGeneratePartialCancelId(_call) -> u8 { system::random() as u8 }
}

fn atomic(value: Ptr<i32>, by: i32) -> i32 {
    guest::require(value.addr(), 4, true);
    if !value.addr().is_multiple_of(4) {
        verify::stop("V-28", format!("{value:?} is not aligned"));
    }
    // SAFETY: mapped, writable and aligned, and only accessed atomically while in use.
    let value = unsafe { core::sync::atomic::AtomicI32::from_ptr(value.raw()) };
    value.fetch_add(by, core::sync::atomic::Ordering::AcqRel)
}
