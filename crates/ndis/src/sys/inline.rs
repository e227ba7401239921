// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the headers define inline or as macros, in Rust.

use core::sync::atomic::{Ordering, fence};

use super::nt;
use crate::ffi::*;

/// `READ_REGISTER_ULONG` (wdm.h): one 32-bit read that the compiler neither drops nor moves. Any IRQL.
///
/// # Safety
/// `register` is 4-byte aligned and inside mapped device memory.
#[inline]
pub unsafe fn READ_REGISTER_ULONG(register: *const u32) -> u32 {
    fence(Ordering::Acquire);
    // SAFETY: the caller's promise.
    let value = unsafe { register.read_volatile() };
    fence(Ordering::Acquire);
    value
}

/// `WRITE_REGISTER_ULONG` (wdm.h): one 32-bit write, ordered after every earlier write. Any IRQL.
///
/// The header ends with a full fence; here it stands before and after, so that descriptors in memory are visible to
/// the device before a tail-pointer write, and the write is not reordered with later reads.
///
/// # Safety
/// `register` is 4-byte aligned and inside mapped device memory.
#[inline]
pub unsafe fn WRITE_REGISTER_ULONG(register: *mut u32, value: u32) {
    fence(Ordering::Release);
    // SAFETY: the caller's promise.
    unsafe { register.write_volatile(value) };
    fence(Ordering::SeqCst);
}

/// `MmGetSystemAddressForMdlSafe` (wdm.h): the system address of an MDL, mapping it if need be; null when the mapping
/// fails. The mapping is never executable. At most DISPATCH_LEVEL.
///
/// # Safety
/// `mdl` describes locked or nonpaged memory.
pub unsafe fn MmGetSystemAddressForMdlSafe(mdl: *mut MDL, priority: u32) -> *mut c_void {
    // SAFETY: the caller's promise: a valid MDL.
    let flags = unsafe { (*mdl).MdlFlags };
    if flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        // SAFETY: as above; with one of these flags the address is set.
        return unsafe { (*mdl).MappedSystemVa };
    }
    // SAFETY: locked pages, mapped for kernel mode; `BugCheckOnFailure` is FALSE.
    unsafe {
        nt::MmMapLockedPagesSpecifyCache(
            mdl,
            0, // KernelMode
            MmCached,
            core::ptr::null_mut(),
            0,
            priority | MdlMappingNoExecute,
        )
    }
}

/// `IoGetCurrentIrpStackLocation` (wdm.h). Any IRQL.
///
/// # Safety
/// `irp` is a valid IRP that the caller owns.
pub unsafe fn IoGetCurrentIrpStackLocation(irp: *const IRP) -> *mut IO_STACK_LOCATION {
    // SAFETY: the caller's promise.
    let tail = unsafe { (*irp).Tail };
    // SAFETY: plain data, and the variant of every IRP that a driver is handed.
    let overlay = unsafe { tail.Overlay };
    // SAFETY: as above.
    unsafe { overlay.s.u.CurrentStackLocation }
}
