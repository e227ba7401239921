// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel synchronisation objects: events, timers, DPCs, lists.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `KLOCK_QUEUE_HANDLE` (wdm.h): 24 bytes on x64.
    struct KLOCK_QUEUE_HANDLE record { size 24, align 8 } {
        LockQueue: [u64; 2] = 0,
        OldIrql: KIRQL = 16,
    }

    /// `KEVENT` (wdm.h): 24 bytes on x64.
    struct KEVENT record { size 24, align 8 } {
        Header: DISPATCHER_HEADER = 0,
    }

    /// `KTIMER` (wdm.h): 64 bytes on x64.
    struct KTIMER record { size 64, align 8 } {
        Header: DISPATCHER_HEADER = 0,
        DueTime: ULARGE_INTEGER = 24,
        TimerListEntry: LIST_ENTRY = 32,
        Dpc: *mut KDPC = 48,
        Processor: u16 = 56,
        TimerType: u16 = 58,
        Period: u32 = 60,
    }

    /// `KDPC` (wdm.h): 64 bytes on x64.
    struct KDPC record { size 64, align 8 } {
        u: KDPC_u = 0 anonymous,
        DpcListEntry: SINGLE_LIST_ENTRY = 8,
        ProcessorHistory: KAFFINITY = 16,
        DeferredRoutine: Option<KDEFERRED_ROUTINE> = 24,
        DeferredContext: *mut c_void = 32,
        SystemArgument1: *mut c_void = 40,
        SystemArgument2: *mut c_void = 48,
        DpcData: *mut c_void = 56,
    }

    /// Part of [`KDPC`] at byte 0.
    union KDPC_u part { size 4, align 4 } {
        TargetInfoAsUlong: u32 = 0,
        s: KDPC_u_s = 0 anonymous,
    }

    /// Part of [`KDPC`] at byte 0.
    struct KDPC_u_s part { size 4, align 2 } {
        Type: u8 = 0,
        Importance: u8 = 1,
        Number: u16 = 2,
    }

    /// `KSEMAPHORE` (wdm.h): 32 bytes on x64.
    struct KSEMAPHORE record { size 32, align 8 } {
        Header: DISPATCHER_HEADER = 0,
        Limit: i32 = 24,
    }

    /// `LIST_ENTRY` (ntdef.h): 16 bytes on x64.
    struct LIST_ENTRY record { size 16, align 8 } {
        Flink: *mut LIST_ENTRY = 0,
        Blink: *mut LIST_ENTRY = 8,
    }

    /// `SINGLE_LIST_ENTRY` (ntdef.h): 8 bytes on x64.
    struct SINGLE_LIST_ENTRY record { size 8, align 8 } {
        Next: *mut SINGLE_LIST_ENTRY = 0,
    }

    /// `SLIST_ENTRY` (wdm.h): 16 bytes on x64.
    struct SLIST_ENTRY record { size 16, align 16, align 16 } {
        Next: *mut SLIST_ENTRY = 0,
    }

    /// `SLIST_HEADER` (wdm.h): 16 bytes on x64.
    union SLIST_HEADER record { size 16, align 16, align 16 } {
        s: SLIST_HEADER_s = 0 anonymous,
        HeaderX64: SLIST_HEADER_HeaderX64 = 0 nested,
    }

    /// Part of [`SLIST_HEADER`] at byte 0.
    struct SLIST_HEADER_HeaderX64 part { size 16, align 8 } {
        bits_0: u64 = 0 bits { Depth set_Depth 0 16, Sequence set_Sequence 16 48 },
        bits_8: u64 = 8 bits { Reserved set_Reserved 0 4, NextEntry set_NextEntry 4 60 },
    }

    /// Part of [`SLIST_HEADER`] at byte 0.
    struct SLIST_HEADER_s part { size 16, align 8 } {
        Alignment: u64 = 0,
        Region: u64 = 8,
    }

    /// `WORK_QUEUE_ITEM` (wdm.h): 32 bytes on x64.
    struct WORK_QUEUE_ITEM record { size 32, align 8 } {
        List: LIST_ENTRY = 0,
        WorkerRoutine: Option<UNTYPED_ROUTINE> = 16,
        Parameter: *mut c_void = 24,
    }
}
