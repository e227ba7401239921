// SPDX-License-Identifier: MIT OR Apache-2.0
//! The exports, one function each, without the types that keep a driver from calling them wrongly. Whoever calls one of
//! these answers for IRQL, order and life time; a planted fault breaks one of the three on purpose, and says which.

use core::ptr::null_mut;
use core::sync::atomic::AtomicUsize;

use ndis::adapter::AdapterHandle;
use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

/// Pool tag.
pub const TAG: u32 = u32::from_le_bytes(*b"Plnt");

/// A spin lock without a guard.
pub type Lock = AtomicUsize;

/// KeAcquireSpinLockRaiseToDpc.
pub fn acquire(lock: &Lock) -> KIRQL {
    // SAFETY: a lock in static memory; the order of locks and the IRQL are the caller's to keep or break.
    unsafe { nt::KeAcquireSpinLockRaiseToDpc(lock.as_ptr()) }
}

/// KeReleaseSpinLock.
pub fn release(lock: &Lock, irql: KIRQL) {
    // SAFETY: as for `acquire`.
    unsafe { nt::KeReleaseSpinLock(lock.as_ptr(), irql) };
}

/// KeAcquireSpinLockAtDpcLevel.
pub fn acquire_at_dispatch(lock: &Lock) {
    // SAFETY: as for `acquire`.
    unsafe { nt::KeAcquireSpinLockAtDpcLevel(lock.as_ptr()) };
}

/// KeReleaseSpinLockFromDpcLevel.
pub fn release_at_dispatch(lock: &Lock) {
    // SAFETY: as for `acquire`.
    unsafe { nt::KeReleaseSpinLockFromDpcLevel(lock.as_ptr()) };
}

/// KeGetCurrentIrql.
pub fn current_irql() -> KIRQL {
    // SAFETY: any IRQL, no arguments.
    unsafe { nt::KeGetCurrentIrql() }
}

/// KfRaiseIrql, behind the back of every token.
pub fn raise(to: KIRQL) -> KIRQL {
    // SAFETY: to a level at or above the current one; lowering it again is the caller's to do or forget.
    unsafe { nt::KfRaiseIrql(to) }
}

/// KeLowerIrql.
pub fn lower(to: KIRQL) {
    // SAFETY: to the level that `raise` returned.
    unsafe { nt::KeLowerIrql(to) };
}

/// ExAllocatePool2, nonpaged.
pub fn pool(bytes: usize) -> *mut u8 {
    // SAFETY: at most DISPATCH_LEVEL.
    unsafe { nt::ExAllocatePool2(POOL_FLAG_NON_PAGED, bytes, TAG) }.cast()
}

/// ExFreePoolWithTag.
pub fn free(memory: *mut u8, tag: u32) {
    // SAFETY: from `pool`; once, and with its tag, unless the fault is that it is not.
    unsafe { nt::ExFreePoolWithTag(memory.cast(), tag) };
}

/// NdisMAllocateSharedMemory of `length` bytes.
pub fn shared_memory(handle: NDIS_HANDLE, length: u32) -> (*mut c_void, LARGE_INTEGER) {
    let (mut address, mut logical) = (null_mut(), LARGE_INTEGER::new(0));
    let (to, at) = (&raw mut address, &raw mut logical);
    // SAFETY: both out-parameters are valid for the call; when and at which IRQL is the caller's to keep or break.
    unsafe { sys::NdisMAllocateSharedMemory(handle, length, TRUE, to, at) };
    (address, logical)
}

/// NdisMFreeSharedMemory, unless nothing was allocated.
pub fn free_shared_memory(
    handle: NDIS_HANDLE,
    (address, logical): (*mut c_void, LARGE_INTEGER),
    length: u32,
) {
    if !address.is_null() {
        // SAFETY: from `shared_memory`, once; with its length, unless the fault is that it is not.
        unsafe { sys::NdisMFreeSharedMemory(handle, length, TRUE, address, logical) };
    }
}

/// NdisMSleep.
pub fn sleep(microseconds: u32) {
    // SAFETY: no pointers; below DISPATCH_LEVEL, unless the fault is that it is not.
    unsafe { sys::NdisMSleep(microseconds) };
}

/// NdisMIndicateStatusEx: nothing has changed about the network, with `less` bytes too few in the header.
pub fn status(adapter: &AdapterHandle, less: u16) {
    let mut change = NdisPossibleNetworkChange;
    let mut indication = NDIS_STATUS_INDICATION::zeroed();
    indication.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_STATUS_INDICATION,
        Revision: NDIS_STATUS_INDICATION_REVISION_1,
        Size: NDIS_SIZEOF_STATUS_INDICATION_REVISION_1 - less,
    };
    indication.SourceHandle = adapter.as_raw();
    indication.StatusCode = NDIS_STATUS_NETWORK_CHANGE;
    indication.StatusBuffer = (&raw mut change).cast();
    indication.StatusBufferSize = 4;
    // SAFETY: indication and buffer are valid for the call; header and IRQL are the caller's to keep or break.
    unsafe { sys::NdisMIndicateStatusEx(adapter.as_raw(), &raw mut indication) };
}

/// NdisMSendNetBufferListsComplete.
pub fn complete_sends(adapter: &AdapterHandle, nbls: *mut NET_BUFFER_LIST, flags: u32) {
    // SAFETY: a chain that NDIS handed over; once, and with the right flag, unless the fault is that it is not.
    unsafe { sys::NdisMSendNetBufferListsComplete(adapter.as_raw(), nbls, flags) };
}

/// NdisMOidRequestComplete.
pub fn complete_oid(adapter: &AdapterHandle, request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS) {
    // SAFETY: a request of this adapter; once, unless the fault is that it is not.
    unsafe { sys::NdisMOidRequestComplete(adapter.as_raw(), request, status) };
}

/// NdisMAllocateNetBufferSGList of a frame. The context is null, which the crate's routine understands as nothing to do.
pub fn map(dma: NDIS_HANDLE, nb: *mut NET_BUFFER) {
    // SAFETY: a live net buffer and DMA handle; at DISPATCH_LEVEL, unless the fault is that it is not.
    unsafe { sys::NdisMAllocateNetBufferSGList(dma, nb, null_mut(), 1, null_mut(), 0) };
}
