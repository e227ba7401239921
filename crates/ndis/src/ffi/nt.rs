// SPDX-License-Identifier: MIT OR Apache-2.0
//! NT base types and driver objects.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `UNICODE_STRING` (ntdef.h): 16 bytes on x64.
    struct UNICODE_STRING record { size 16, align 8 } {
        Length: u16 = 0,
        MaximumLength: u16 = 2,
        Buffer: *mut u16 = 8,
    }

    /// `STRING` (ntdef.h): 16 bytes on x64.
    struct STRING record { size 16, align 8 } {
        Length: u16 = 0,
        MaximumLength: u16 = 2,
        Buffer: *mut i8 = 8,
    }

    /// `LARGE_INTEGER` (ntdef.h): 8 bytes on x64.
    union LARGE_INTEGER record { size 8, align 8 } {
        s: LARGE_INTEGER_s = 0 anonymous,
        u: LARGE_INTEGER_u = 0 nested,
        QuadPart: i64 = 0,
    }

    /// Part of [`LARGE_INTEGER`] at byte 0.
    struct LARGE_INTEGER_u part { size 8, align 4 } {
        LowPart: u32 = 0,
        HighPart: i32 = 4,
    }

    /// Part of [`LARGE_INTEGER`] at byte 0.
    struct LARGE_INTEGER_s part { size 8, align 4 } {
        LowPart: u32 = 0,
        HighPart: i32 = 4,
    }

    /// `ULARGE_INTEGER` (ntdef.h): 8 bytes on x64.
    union ULARGE_INTEGER record { size 8, align 8 } {
        s: ULARGE_INTEGER_s = 0 anonymous,
        u: ULARGE_INTEGER_u = 0 nested,
        QuadPart: u64 = 0,
    }

    /// Part of [`ULARGE_INTEGER`] at byte 0.
    struct ULARGE_INTEGER_u part { size 8, align 4 } {
        LowPart: u32 = 0,
        HighPart: u32 = 4,
    }

    /// Part of [`ULARGE_INTEGER`] at byte 0.
    struct ULARGE_INTEGER_s part { size 8, align 4 } {
        LowPart: u32 = 0,
        HighPart: u32 = 4,
    }

    /// `GUID` (guiddef.h): 16 bytes on x64.
    struct GUID record { size 16, align 4 } {
        Data1: u32 = 0,
        Data2: u16 = 4,
        Data3: u16 = 6,
        Data4: [u8; 8] = 8,
    }

    /// `PROCESSOR_NUMBER` (ntdef.h): 4 bytes on x64.
    struct PROCESSOR_NUMBER record { size 4, align 2 } {
        Group: u16 = 0,
        Number: u8 = 2,
        Reserved: u8 = 3,
    }

    /// `GROUP_AFFINITY` (ntdef.h): 16 bytes on x64.
    struct GROUP_AFFINITY record { size 16, align 8 } {
        Mask: KAFFINITY = 0,
        Group: u16 = 8,
        Reserved: [u16; 3] = 10,
    }

    /// `DRIVER_OBJECT` (wdm.h): 336 bytes on x64.
    struct DRIVER_OBJECT record { size 336, align 8 } {
        Type: i16 = 0,
        Size: i16 = 2,
        DeviceObject: *mut DEVICE_OBJECT = 8,
        Flags: u32 = 16,
        DriverStart: *mut c_void = 24,
        DriverSize: u32 = 32,
        DriverSection: *mut c_void = 40,
        DriverExtension: *mut DRIVER_EXTENSION = 48,
        DriverName: UNICODE_STRING = 56,
        HardwareDatabase: *mut UNICODE_STRING = 72,
        FastIoDispatch: *mut c_void = 80,
        DriverInit: Option<DRIVER_INITIALIZE> = 88,
        DriverStartIo: Option<UNTYPED_ROUTINE> = 96,
        DriverUnload: Option<DRIVER_UNLOAD> = 104,
        MajorFunction: [Option<UNTYPED_ROUTINE>; 28] = 112,
    }

    /// `DRIVER_EXTENSION` (wdm.h): 40 bytes on x64.
    struct DRIVER_EXTENSION record { size 40, align 8 } {
        DriverObject: *mut DRIVER_OBJECT = 0,
        AddDevice: Option<DRIVER_ADD_DEVICE> = 8,
        Count: u32 = 16,
        ServiceKeyName: UNICODE_STRING = 24,
    }

    /// `DEVICE_OBJECT` (wdm.h): 336 bytes on x64.
    struct DEVICE_OBJECT record { size 336, align 16, align 16 } {
        Type: i16 = 0,
        Size: u16 = 2,
        ReferenceCount: i32 = 4,
        DriverObject: *mut DRIVER_OBJECT = 8,
        NextDevice: *mut DEVICE_OBJECT = 16,
        AttachedDevice: *mut DEVICE_OBJECT = 24,
        CurrentIrp: *mut IRP = 32,
        Timer: *mut c_void = 40,
        Flags: u32 = 48,
        Characteristics: u32 = 52,
        Vpb: *mut c_void = 56,
        DeviceExtension: *mut c_void = 64,
        DeviceType: u32 = 72,
        StackSize: i8 = 76,
        Queue: DEVICE_OBJECT_Queue = 80 nested,
        AlignmentRequirement: u32 = 152,
        DeviceQueue: [u64; 5] = 160,
        Dpc: KDPC = 200,
        ActiveThreadCount: u32 = 264,
        SecurityDescriptor: *mut c_void = 272,
        DeviceLock: KEVENT = 280,
        SectorSize: u16 = 304,
        Spare1: u16 = 306,
        DeviceObjectExtension: *mut c_void = 312,
        Reserved: *mut c_void = 320,
    }

    /// Part of [`DEVICE_OBJECT`] at byte 80.
    union DEVICE_OBJECT_Queue part { size 72, align 8 } {
        ListEntry: LIST_ENTRY = 0,
        Wcb: [u64; 9] = 0,
    }

    /// `IO_STATUS_BLOCK` (wdm.h): 16 bytes on x64.
    struct IO_STATUS_BLOCK record { size 16, align 8 } {
        u: IO_STATUS_BLOCK_u = 0 anonymous,
        Information: u64 = 8,
    }

    /// Part of [`IO_STATUS_BLOCK`] at byte 0.
    union IO_STATUS_BLOCK_u part { size 8, align 8 } {
        Status: NTSTATUS = 0,
        Pointer: *mut c_void = 0,
    }

    /// `PCI_CAPABILITIES_HEADER` (wdm.h): 2 bytes on x64.
    struct PCI_CAPABILITIES_HEADER record { size 2, align 1 } {
        CapabilityID: u8 = 0,
        Next: u8 = 1,
    }
}
