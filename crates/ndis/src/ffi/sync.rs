// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS spin lock, RW lock state, event and work item.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_SPIN_LOCK` (ndis.h): 16 bytes on x64.
    struct NDIS_SPIN_LOCK record { size 16, align 8 } {
        SpinLock: u64 = 0,
        OldIrql: KIRQL = 8,
    }

    /// `LOCK_STATE_EX` (ndis.h, NDIS 6.20 and later): 3 bytes on x64.
    struct LOCK_STATE_EX record { size 3, align 1 } {
        OldIrql: KIRQL = 0,
        LockState: u8 = 1,
        Flags: u8 = 2,
    }

    /// `NDIS_EVENT` (ndis.h): 24 bytes on x64.
    struct NDIS_EVENT record { size 24, align 8 } {
        Event: KEVENT = 0,
    }

    /// `NDIS_WORK_ITEM` (ndis.h): 80 bytes on x64.
    struct NDIS_WORK_ITEM record { size 80, align 8 } {
        Context: *mut c_void = 0,
        Routine: Option<NDIS_PROC_CALLBACK> = 8,
        WrapperReserved: [u8; 64] = 16,
    }
}
