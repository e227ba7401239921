// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processors, time, versions and memory queries. Mostly any IRQL.

use alloc::{boxed::Box, format};
use core::sync::atomic::{AtomicUsize, Ordering};

use ndis::ffi::*;

use super::strings;
use crate::{
    exports,
    exports::{Call, Level},
    guest::{self, Ptr},
    machine::{cpu, dpc, irql, thread, time},
    registry, verify,
};

/// Frequency of the performance counter, as on current Windows.
pub const QPC_HZ: u64 = 10_000_000;
/// Longest single stall that the documentation allows.
const MOST_STALL_US: u32 = 50;

/// A mask with a bit for each CPU.
pub fn active_mask() -> u64 {
    (1u64 << cpu::count()) - 1
}

/// The Windows build that first had an NDIS minor version; what `RtlGetVersion` and
/// `NdisGetVersion` say must agree.
pub fn build_of(ndis_minor: u8) -> u32 {
    match ndis_minor {
        0..=50 => 10240,
        51..=60 => 14393,
        61..=70 => 15063,
        71..=80 => 16299,
        81 => 17134,
        82 => 17763,
        83 => 18362,
        84 => 19041,
        85 => 20348,
        86 => 22000,
        87 => 22621,
        _ => 26100,
    }
}

/// Build number that the driver is told.
pub fn build() -> u32 {
    build_of(registry::ndis_minor())
}

fn in_group(group: u16) -> bool {
    group == 0 || group == ALL_PROCESSOR_GROUPS as u16
}

fn number(index: usize) -> PROCESSOR_NUMBER {
    PROCESSOR_NUMBER {
        Group: 0,
        Number: index as u8,
        Reserved: 0,
    }
}

/// Performance counter ticks.
pub fn ticks() -> u64 {
    time::now_ns() / (1_000_000_000 / QPC_HZ)
}

/// `KeStallExecutionProcessor` with its limit: 50 µs a call, and a sum over the handler that is
/// only advised against (I-13).
pub fn stall(call: &Call, us: u32) {
    verify::check("I-13", us <= 10_000, || {
        call.text(&format!("stalling {us} µs"))
    });
    if us > MOST_STALL_US {
        verify::advise(
            "I-13",
            call.text(&format!(
                "stalling {us} µs; at most {MOST_STALL_US} are documented"
            )),
        );
    }
    if let Some(context) = verify::current() {
        context
            .stalled_us
            .fetch_add(u64::from(us), Ordering::Relaxed);
    }
    time::stall_us(us);
}

/// Fills the version structure; `RTL_OSVERSIONINFOW` is 276 bytes, the `EX` form 284.
fn version(information: usize) -> i32 {
    let size: u32 = guest::read(information);
    if size != 276 && size != 284 {
        return STATUS_INVALID_PARAMETER;
    }
    guest::fill(information + 4, size as usize - 4, 0);
    for (at, value) in [(4, 10u32), (8, 0), (12, build()), (16, 2)] {
        guest::write(information + at, value);
    }
    if size == 284 {
        guest::write(information + 282, 1u8); // VER_NT_WORKSTATION
    }
    STATUS_SUCCESS
}

exports! {
    "ntoskrnl.exe";

    /// The CPU's index; and its group and number.
    [Any] fn KeGetCurrentProcessorNumberEx(_call, out: Ptr<PROCESSOR_NUMBER>) -> u32 {
        out.write_if(number(cpu::id()));
        cpu::id() as u32
    }
    /// Group and number of an index.
    [Any] fn KeGetProcessorNumberFromIndex(_call, index: u32, out: Ptr<PROCESSOR_NUMBER>) -> i32 {
        if index as usize >= cpu::count() {
            return STATUS_INVALID_PARAMETER;
        }
        out.write(number(index as usize));
        STATUS_SUCCESS
    }
    /// Index of a group and number.
    [Any] fn KeGetProcessorIndexFromNumber(_call, of: Ptr<PROCESSOR_NUMBER>) -> u32 {
        let n = of.read();
        if n.Group == 0 && usize::from(n.Number) < cpu::count() { u32::from(n.Number) } else { u32::MAX }
    }
    /// Active CPUs, and their mask.
    [Any] fn KeQueryActiveProcessorCount(_call, mask: Ptr<u64>) -> u32 {
        mask.write_if(active_mask());
        cpu::count() as u32
    }
    /// Active CPUs of a group.
    [Any] fn KeQueryActiveProcessorCountEx(_call, group: u16) -> u32 { if in_group(group) { cpu::count() as u32 } else { 0 } }
    /// CPUs that a group can have.
    [Any] fn KeQueryMaximumProcessorCountEx(_call, group: u16) -> u32 { if in_group(group) { cpu::count() as u32 } else { 0 } }
    /// CPUs that can be there.
    [Any] fn KeQueryMaximumProcessorCount(_call) -> u32 { cpu::count() as u32 }
    /// Groups.
    [Any] fn KeQueryActiveGroupCount(_call) -> u16 { 1 }
    /// Groups.
    [Any] fn KeQueryMaximumGroupCount(_call) -> u16 { 1 }
    /// The mask of active CPUs.
    [Any] fn KeQueryActiveProcessors(_call) -> u64 { active_mask() }
    /// The mask of a group.
    [Any] fn KeQueryGroupAffinity(_call, group: u16) -> u64 { if group == 0 { active_mask() } else { 0 } }
    /// NUMA nodes: one.
    [Any] fn KeQueryHighestNodeNumber(_call) -> u16 { 0 }
    /// The CPU's node.
    [Any] fn KeGetCurrentNodeNumber(_call) -> u16 { 0 }
    /// CPUs of a node.
    [Any] fn KeQueryNodeActiveAffinity(_call, node: u16, affinity: Ptr<GROUP_AFFINITY>, count: Ptr<u16>) {
        let mask = if node == 0 { active_mask() } else { 0 };
        affinity.write_if(GROUP_AFFINITY { Mask: mask, Group: 0, Reserved: [0; 3] });
        count.write_if(mask.count_ones() as u16);
    }
    /// CPUs that a node can have.
    [Any] fn KeQueryNodeMaximumProcessorCount(_call, node: u16) -> u16 { if node == 0 { cpu::count() as u16 } else { 0 } }

    /// System time with its full resolution.
    [Any] fn KeQuerySystemTimePrecise(_call, out: Ptr<u64>) { out.write(time::system_time_100ns()) }
    /// Time since start with its full resolution.
    [Any] fn KeQueryInterruptTimePrecise(_call, counter: Ptr<u64>) -> u64 {
        counter.write_if(ticks());
        time::now_ns() / 100
    }
    /// Time since start.
    [Any] fn KeQueryInterruptTime(_call) -> u64 { time::now_ns() / 100 }
    /// Time since start without sleep.
    [Any] fn KeQueryUnbiasedInterruptTime(_call) -> u64 { time::now_ns() / 100 }
    /// 100 ns units of a clock tick.
    [Any] fn KeQueryTimeIncrement(_call) -> u32 { 156_250 }
    /// Clock ticks since start.
    [Any] fn KeQueryTickCount(_call, out: Ptr<u64>) { out.write(time::now_ns() / 15_625_000) }
    /// The clock may not be changed.
    [Apc] fn ExSetTimerResolution(_call, _desired: u32, _set: bool) -> u32 { 156_250 }
    /// Local time: UTC here.
    [Any] fn ExSystemTimeToLocalTime(_call, system: Ptr<u64>, local: Ptr<u64>) { local.write(system.read()) }
    /// System time: local time is UTC here.
    [Any] fn ExLocalTimeToSystemTime(_call, local: Ptr<u64>, system: Ptr<u64>) { system.write(local.read()) }
    /// Calendar fields of a time: TIME_FIELDS is eight 16-bit values.
    [Any] fn RtlTimeToTimeFields(_call, of: Ptr<u64>, fields: Ptr<u16>) {
        let t = of.read();
        for (i, v) in calendar(t).into_iter().enumerate() {
            fields.add(i).write(v);
        }
    }
    /// Auxiliary counters do not exist.
    [Any] fn KeQueryAuxiliaryCounterFrequency(_call, _out: usize) -> i32 { STATUS_NOT_SUPPORTED }
    /// See `KeQueryAuxiliaryCounterFrequency`.
    [Any] fn KeConvertAuxiliaryCounterToPerformanceCounter(_call, _a: u64, _b: usize, _c: usize) -> i32 { STATUS_NOT_SUPPORTED }
    /// See `KeQueryAuxiliaryCounterFrequency`.
    [Any] fn KeConvertPerformanceCounterToAuxiliaryCounter(_call, _a: u64, _b: usize, _c: usize) -> i32 { STATUS_NOT_SUPPORTED }

    /// Version of the system.
    [Passive] fn RtlGetVersion(_call, information: usize) -> i32 { version(information) }
    /// Compares the version; the condition mask has 3 bits a field in the order minor, major, build.
    [Passive] fn RtlVerifyVersionInfo(_call, information: usize, mask: u32, conditions: u64) -> i32 {
        let mut ok = true;
        let fields = [(2u32, 10u32, 4usize, 1u32), (1, 0, 8, 0), (4, build(), 12, 2)];
        for (bit, have, at, index) in fields {
            if mask & bit != 0 {
                let want: u32 = guest::read(information + at);
                ok &= match (conditions >> (index * 3)) & 7 {
                    1 => have == want,
                    2 => have > want,
                    3 => have >= want,
                    4 => have < want,
                    5 => have <= want,
                    _ => false,
                };
            }
        }
        if ok { STATUS_SUCCESS } else { 0xC000_0059_u32 as i32 } // STATUS_REVISION_MISMATCH
    }
    /// True when the system has at least an NTDDI version: 0x0A0000nn is Windows 10 and later.
    [Passive] fn RtlIsNtDdiVersionAvailable(_call, version: u32) -> bool {
        let have = match build() {
            0..=10240 => 0x0A00_0000,
            10241..=14393 => 0x0A00_0002,
            14394..=17763 => 0x0A00_0006,
            17764..=19041 => 0x0A00_0008,
            19042..=20348 => 0x0A00_000A,
            20349..=22000 => 0x0A00_000B,
            _ => 0x0A00_000C,
        };
        version <= have
    }
    /// Version by parts; true for a checked build.
    [Passive] fn PsGetVersion(_call, major: Ptr<u32>, minor: Ptr<u32>, number: Ptr<u32>, csd: Ptr<guest::CountedString>) -> bool {
        major.write_if(10);
        minor.write_if(0);
        number.write_if(build());
        if !csd.is_null() {
            strings::set(csd, 0, 0, 0);
        }
        false
    }
    /// Processor features: those of every x64 CPU that runs Windows 10.
    [Any] fn ExIsProcessorFeaturePresent(_call, feature: u32) -> bool {
        // CMPXCHG, MMX, SSE, RDTSC, SSE2, NX, CMPXCHG16B, fast-fail.
        matches!(feature, 2 | 3 | 6 | 8 | 10 | 12 | 14 | 23)
    }
    /// No extended features beyond SSE are offered to drivers here.
    [Passive] fn RtlGetEnabledExtendedFeatures(_call, mask: u64) -> u64 { mask & 3 }
    /// Calls come from kernel mode.
    [Dispatch] fn ExGetPreviousMode(_call) -> u8 { 0 }
    /// A version-4 UUID.
    [Passive] fn ExUuidCreate(_call, out: Ptr<[u64; 2]>) -> i32 {
        out.write([random() & !0xF000_0000_0000_0000 | 0x4000_0000_0000_0000, random() & !0xC0 | 0x80]);
        STATUS_SUCCESS
    }
    /// A pseudo-random number below 2^31, from a seed.
    [Apc] fn RtlRandomEx(_call, seed: Ptr<u32>) -> u32 {
        let next = (u64::from(seed.read()) * 0x41C6_4E6D + 0x3039) as u32;
        seed.write(next & 0x7FFF_FFFF);
        ((u64::from(next) ^ random()) as u32) & 0x7FFF_FFFF
    }
    /// A pseudo-random number below 2^31, from a seed.
    [Apc] fn RtlRandom(call, seed: Ptr<u32>) -> u32 { RtlRandomEx::body(call, seed) }
    /// Firmware variables do not exist.
    [Passive] fn ExGetFirmwareEnvironmentVariable(_call, _name: usize, _guid: usize, _value: usize, _length: usize, _attributes: usize) -> i32 {
        STATUS_NOT_IMPLEMENTED
    }

    /// True when the address is mapped.
    [Dispatch] fn MmIsAddressValid(_call, address: usize) -> bool { guest::is_valid(address, 1, false) }
    /// The driver is always verified here.
    [Apc] fn MmIsDriverVerifying(_call, _driver: usize) -> u32 { 1 }
    /// The driver is always verified here.
    [Apc] fn MmIsDriverVerifyingByAddress(_call, _address: usize) -> u32 { 1 }
    /// A large system.
    [Any] fn MmQuerySystemSize(_call) -> i32 { 2 }
    /// Keeps a pageable section resident; sections are resident here.
    [Apc] fn MmLockPagableDataSection(_call, address: usize) -> usize { address }
    /// Another name on some import libraries.
    [Apc] fn MmLockPagableSectionByHandle(_call, _handle: usize) {}
    /// See `MmLockPagableDataSection`.
    [Apc] fn MmUnlockPagableImageSection(_call, _handle: usize) {}
    /// See `MmLockPagableDataSection`.
    [Apc] fn MmPageEntireDriver(_call, address: usize) -> usize { address }
    /// See `MmLockPagableDataSection`.
    [Apc] fn MmResetDriverPaging(_call, _address: usize) {}
    /// Sections are protected already.
    [Apc] fn MmProtectDriverSection(_call, _address: usize, _size: usize, _flags: u32) -> i32 { STATUS_SUCCESS }
    /// Looks up an export of the kernel.
    [Passive] fn MmGetSystemRoutineAddress(_call, name: usize) -> usize {
        let name = guest::unicode_text(name);
        exports::find("ntoskrnl.exe", &name).filter(|e| e.supported).map_or(0, |e| (e.address)())
    }

    /// At least the SSE state is kept by the host for every call into the driver.
    [Dispatch] fn KeSaveExtendedProcessorState(_call, _mask: u64, save: usize) -> i32 {
        // XSTATE_SAVE is 32 bytes, opaque.
        guest::fill(save, 32, 0);
        STATUS_SUCCESS
    }
    /// See `KeSaveExtendedProcessorState`.
    [Dispatch] fn KeRestoreExtendedProcessorState(_call, _save: usize) {}
    /// See `KeSaveExtendedProcessorState`.
    [Dispatch] fn KeSaveFloatingPointState(_call, _save: usize) -> i32 { STATUS_SUCCESS }
    /// See `KeSaveExtendedProcessorState`.
    [Dispatch] fn KeRestoreFloatingPointState(_call, _save: usize) -> i32 { STATUS_SUCCESS }
    /// Calls a routine; the stack is as large as it gets.
    [Apc] fn KeExpandKernelStackAndCallout(_call, routine: usize, parameter: u64, _size: usize) -> i32 {
        verify::call_on(verify::Handler::StackCallout, 0, routine, &[parameter]);
        STATUS_SUCCESS
    }
    /// Bounds of the stack.
    [Apc] fn IoGetStackLimits(_call, low: Ptr<u64>, high: Ptr<u64>) {
        let (bottom, top) = thread::stack_bounds();
        low.write(bottom as u64);
        high.write(top as u64);
    }
    /// Bytes of stack that are left.
    [Any] fn IoGetRemainingStackSize(_call) -> usize {
        let here = 0u8;
        (&raw const here as usize).saturating_sub(thread::stack_bounds().0)
    }
    /// True when a DPC should end soon.
    [AtDispatch] fn KeShouldYieldProcessor(_call) -> u32 { 0 }
    /// Flushes nothing: caches are coherent.
    [Dispatch] fn KeInvalidateAllCaches(_call) -> bool { true }
    /// Runs a routine on every CPU at once. Here one after another, each at DISPATCH_LEVEL or
    /// above; at IPI_LEVEL as documented.
    [Dirql] fn KeIpiGenericCall(call, routine: usize, context: u64) -> u64 { ipi(call, routine, context) }
}

/// Runs the routine here and, as DPCs that raise to IPI_LEVEL, on the other CPUs.
fn ipi(call: &Call, routine: usize, context: u64) -> u64 {
    let run = move || {
        let old = irql::raise(irql::IPI);
        let answer = verify::call_on(verify::Handler::Ipi, 0, routine, &[context]);
        irql::lower(old);
        answer
    };
    let others = cpu::count() - 1;
    if others > 0 && !call.require(Level::Dispatch, " on several CPUs") {
        return run();
    }
    static LEFT: AtomicUsize = AtomicUsize::new(0);
    LEFT.store(others, Ordering::Release);
    for other in (0..cpu::count()).filter(|c| *c != cpu::id()) {
        dpc::queue(
            other,
            Box::new(move || {
                run();
                LEFT.fetch_sub(1, Ordering::AcqRel);
            }),
        );
    }
    let answer = run();
    while LEFT.load(Ordering::Acquire) != 0 {
        core::hint::spin_loop();
    }
    answer
}

/// Something that differs from call to call; no cryptography.
pub fn random() -> u64 {
    use core::sync::atomic::AtomicU64;
    static STATE: AtomicU64 = AtomicU64::new(0x9E37_79B9_7F4A_7C15);
    let mut x = STATE.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Year, month, day, hour, minute, second, millisecond, weekday of 100 ns since 1601.
fn calendar(time: u64) -> [u16; 8] {
    let (days, rest) = (time / 864_000_000_000, time % 864_000_000_000);
    // Days since 0000-03-01 in the proleptic Gregorian calendar; 1601-01-01 is day 584 694.
    let z = days + 584_694;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    let ms = rest / 10_000;
    [
        year as u16,
        month as u16,
        day as u16,
        (ms / 3_600_000) as u16,
        (ms / 60_000 % 60) as u16,
        (ms / 1000 % 60) as u16,
        (ms % 1000) as u16,
        ((days + 1) % 7) as u16,
    ]
}
