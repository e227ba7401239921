// SPDX-License-Identifier: MIT OR Apache-2.0
//! The part of ntoskrnl.exe.

use core::ptr::null_mut;

use super::{Host, add, host, run_due_timer};
use crate::ffi::*;
use crate::sys::nt::NtImports;

impl NtImports for Host {
    fn KeGetCurrentIrql() -> KIRQL {
        host(|h| h.irql)
    }
    fn KfRaiseIrql(new_irql: KIRQL) -> KIRQL {
        host(|h| core::mem::replace(&mut h.irql, new_irql))
    }
    fn KeLowerIrql(new_irql: KIRQL) {
        host(|h| h.irql = new_irql);
    }
    fn KeFlushQueuedDpcs() {
        assert_eq!(host(|h| h.irql), PASSIVE_LEVEL);
        host(|h| h.flushes += 1);
        run_due_timer();
    }
    fn KeAcquireSpinLockRaiseToDpc(_: *mut KSPIN_LOCK) -> KIRQL {
        add("lock", 1);
        Self::KfRaiseIrql(DISPATCH_LEVEL)
    }
    fn KeReleaseSpinLock(_: *mut KSPIN_LOCK, new_irql: KIRQL) {
        add("lock", -1);
        Self::KeLowerIrql(new_irql);
    }
    fn KeAcquireSpinLockAtDpcLevel(_: *mut KSPIN_LOCK) {
        add("lock", 1);
    }
    fn KeReleaseSpinLockFromDpcLevel(_: *mut KSPIN_LOCK) {
        add("lock", -1);
    }
    fn MmMapLockedPagesSpecifyCache(
        _: *mut MDL,
        _: i8,
        _: MEMORY_CACHING_TYPE,
        _: *mut c_void,
        _: u32,
        priority: u32,
    ) -> *mut c_void {
        assert_ne!(priority & MdlMappingNoExecute, 0);
        null_mut()
    }
}
