// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exports of ntoskrnl.exe, as declared by the headers.
//!
//! Each entry names the highest IRQL it may be called at; the wrappers of this crate ask for a token of that level.

use crate::ffi::*;

imports! {
    trait NtImports;

    /// `KeAcquireSpinLockRaiseToDpc` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn KeAcquireSpinLockRaiseToDpc(spin_lock: *mut KSPIN_LOCK) -> KIRQL;

    /// `KeReleaseSpinLock` (wdm.h). IRQL: DISPATCH_LEVEL.
    fn KeReleaseSpinLock(spin_lock: *mut KSPIN_LOCK, new_irql: KIRQL);

    /// `KeAcquireSpinLockAtDpcLevel` (wdm.h). IRQL: see its reference page.
    fn KeAcquireSpinLockAtDpcLevel(spin_lock: *mut KSPIN_LOCK);

    /// `KeReleaseSpinLockFromDpcLevel` (wdm.h). IRQL: see its reference page.
    fn KeReleaseSpinLockFromDpcLevel(spin_lock: *mut KSPIN_LOCK);

    /// `KeTryToAcquireSpinLockAtDpcLevel` (wdm.h). IRQL: DISPATCH_LEVEL.
    fn KeTryToAcquireSpinLockAtDpcLevel(spin_lock: *mut KSPIN_LOCK) -> BOOLEAN;

    /// `KfRaiseIrql` (wdm.h). IRQL: HIGH_LEVEL.
    fn KfRaiseIrql(new_irql: KIRQL) -> KIRQL;

    /// `KeLowerIrql` (wdm.h). IRQL: HIGH_LEVEL.
    fn KeLowerIrql(new_irql: KIRQL);

    /// `KeGetCurrentIrql` (wdm.h). IRQL: Any level.
    fn KeGetCurrentIrql() -> KIRQL;

    /// `MmMapLockedPagesSpecifyCache` (wdm.h). IRQL: see its reference page.
    fn MmMapLockedPagesSpecifyCache(memory_descriptor_list: *mut MDL, access_mode: i8, cache_type: MEMORY_CACHING_TYPE, requested_address: *mut c_void, bug_check_on_failure: u32, priority: u32) -> *mut c_void;

    /// `KeStallExecutionProcessor` (wdm.h). IRQL: Any level.
    fn KeStallExecutionProcessor(micro_seconds: u32);

    /// `KeQueryPerformanceCounter` (wdm.h). IRQL: Any level.
    fn KeQueryPerformanceCounter(performance_frequency: *mut LARGE_INTEGER) -> LARGE_INTEGER;

    /// `KeQuerySystemTimePrecise` (wdm.h). IRQL: Any level.
    fn KeQuerySystemTimePrecise(current_time: *mut LARGE_INTEGER);

    /// `KeQueryInterruptTimePrecise` (wdm.h). IRQL: Any level.
    fn KeQueryInterruptTimePrecise(qpc_time_stamp: *mut u64) -> u64;

    /// `ExAllocatePool2` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn ExAllocatePool2(flags: u64, number_of_bytes: usize, tag: u32) -> *mut c_void;

    /// `ExFreePoolWithTag` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn ExFreePoolWithTag(p: *mut c_void, tag: u32);

    /// `KeWaitForSingleObject` (wdm.h). IRQL: see its reference page.
    fn KeWaitForSingleObject(object: *mut c_void, wait_reason: KWAIT_REASON, wait_mode: i8, alertable: BOOLEAN, timeout: *mut LARGE_INTEGER) -> NTSTATUS;

    /// `KeInitializeEvent` (wdm.h). IRQL: Any level.
    fn KeInitializeEvent(event: *mut KEVENT, type_: EVENT_TYPE, state: BOOLEAN);

    /// `KeSetEvent` (wdm.h). IRQL: see its reference page.
    fn KeSetEvent(event: *mut KEVENT, increment: i32, wait: BOOLEAN) -> i32;

    /// `KeClearEvent` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn KeClearEvent(event: *mut KEVENT);

    /// `MmGetSystemRoutineAddress` (wdm.h). IRQL: PASSIVE_LEVEL.
    fn MmGetSystemRoutineAddress(system_routine_name: *mut UNICODE_STRING) -> *mut c_void;

    /// `KeGetCurrentProcessorNumberEx` (wdm.h). IRQL: Any level.
    fn KeGetCurrentProcessorNumberEx(proc_number: *mut PROCESSOR_NUMBER) -> u32;

    /// `KeQueryActiveProcessorCountEx` (wdm.h). IRQL: Any level.
    fn KeQueryActiveProcessorCountEx(group_number: u16) -> u32;

    /// `MmBuildMdlForNonPagedPool` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn MmBuildMdlForNonPagedPool(memory_descriptor_list: *mut MDL);

    /// `IoAllocateMdl` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn IoAllocateMdl(virtual_address: *mut c_void, length: u32, secondary_buffer: BOOLEAN, charge_quota: BOOLEAN, irp: *mut IRP) -> *mut MDL;

    /// `IoFreeMdl` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn IoFreeMdl(mdl: *mut MDL);

    /// `KeFlushIoBuffers` (wdm.h). IRQL: at most DISPATCH_LEVEL.
    fn KeFlushIoBuffers(mdl: *mut MDL, read_operation: BOOLEAN, dma_operation: BOOLEAN);

    /// `KeGetProcessorNumberFromIndex` (wdm.h). IRQL: Any level.
    fn KeGetProcessorNumberFromIndex(proc_index: u32, proc_number: *mut PROCESSOR_NUMBER) -> NTSTATUS;

    /// `KeGetProcessorIndexFromNumber` (wdm.h). IRQL: Any level.
    fn KeGetProcessorIndexFromNumber(proc_number: *mut PROCESSOR_NUMBER) -> u32;

    /// `KeQueryUnbiasedInterruptTime` (wdm.h). IRQL: Any level.
    fn KeQueryUnbiasedInterruptTime() -> u64;

    /// `KeFlushQueuedDpcs` (wdm.h). IRQL: PASSIVE_LEVEL.
    fn KeFlushQueuedDpcs();

    /// `KeBugCheckEx` (wdm.h). IRQL: Any level.
    fn KeBugCheckEx(code: u32, parameter1: usize, parameter2: usize, parameter3: usize, parameter4: usize) -> !;

    /// `MmGetPhysicalAddress` (ntddk.h). IRQL: Any level.
    fn MmGetPhysicalAddress(base_address: *mut c_void) -> LARGE_INTEGER;

    /// `KeQueryActiveGroupCount` (wdm.h). IRQL: Any level.
    fn KeQueryActiveGroupCount() -> u16;
}
