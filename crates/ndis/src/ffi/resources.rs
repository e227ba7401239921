// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hardware resource lists.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `CM_RESOURCE_LIST` (wdm.h): 40 bytes on x64.
    struct CM_RESOURCE_LIST record { size 40, align 4 } {
        Count: u32 = 0,
        List: [CM_FULL_RESOURCE_DESCRIPTOR; 1] = 4,
    }

    /// `CM_FULL_RESOURCE_DESCRIPTOR` (wdm.h): 36 bytes on x64.
    struct CM_FULL_RESOURCE_DESCRIPTOR record { size 36, align 4 } {
        InterfaceType: INTERFACE_TYPE = 0,
        BusNumber: u32 = 4,
        PartialResourceList: CM_PARTIAL_RESOURCE_LIST = 8,
    }

    /// `CM_PARTIAL_RESOURCE_LIST` (wdm.h): 28 bytes on x64.
    struct CM_PARTIAL_RESOURCE_LIST record { size 28, align 4 } {
        Version: u16 = 0,
        Revision: u16 = 2,
        Count: u32 = 4,
        PartialDescriptors: [CM_PARTIAL_RESOURCE_DESCRIPTOR; 1] = 8,
    }

    /// `CM_PARTIAL_RESOURCE_DESCRIPTOR` (wdm.h): 20 bytes on x64.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR record { size 20, align 4 } {
        Type: u8 = 0,
        ShareDisposition: u8 = 1,
        Flags: u16 = 2,
        u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u = 4 nested,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    union CM_PARTIAL_RESOURCE_DESCRIPTOR_u part { size 16, align 4 } {
        Generic: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Generic = 0 nested,
        Port: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Port = 0 nested,
        Interrupt: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Interrupt = 0 nested,
        MessageInterrupt: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt = 0 nested,
        Memory: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory = 0 nested,
        Dma: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Dma = 0 nested,
        DmaV3: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DmaV3 = 0 nested,
        DevicePrivate: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DevicePrivate = 0 nested,
        BusNumber: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_BusNumber = 0 nested,
        DeviceSpecificData: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DeviceSpecificData = 0 nested,
        Memory40: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory40 = 0 nested,
        Memory48: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory48 = 0 nested,
        Memory64: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory64 = 0 nested,
        Connection: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Connection = 0 nested,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Connection part { size 12, align 4 } {
        Class: u8 = 0,
        Type: u8 = 1,
        Reserved1: u8 = 2,
        Reserved2: u8 = 3,
        IdLowPart: u32 = 4,
        IdHighPart: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory64 part { size 12, align 4, packed 4 } {
        Start: LARGE_INTEGER = 0,
        Length64: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory48 part { size 12, align 4, packed 4 } {
        Start: LARGE_INTEGER = 0,
        Length48: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory40 part { size 12, align 4, packed 4 } {
        Start: LARGE_INTEGER = 0,
        Length40: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DeviceSpecificData part { size 12, align 4 } {
        DataSize: u32 = 0,
        Reserved1: u32 = 4,
        Reserved2: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_BusNumber part { size 12, align 4 } {
        Start: u32 = 0,
        Length: u32 = 4,
        Reserved: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DevicePrivate part { size 12, align 4 } {
        Data: [u32; 3] = 0,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_DmaV3 part { size 12, align 4 } {
        Channel: u32 = 0,
        RequestLine: u32 = 4,
        TransferWidth: u8 = 8,
        Reserved1: u8 = 9,
        Reserved2: u8 = 10,
        Reserved3: u8 = 11,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Dma part { size 12, align 4 } {
        Channel: u32 = 0,
        Port: u32 = 4,
        Reserved1: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory part { size 12, align 4, packed 4 } {
        Start: LARGE_INTEGER = 0,
        Length: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt part { size 16, align 4 } {
        u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_u = 0 anonymous,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    union CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_u part { size 16, align 4 } {
        Raw: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_u_Raw = 0 nested,
        Translated: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_u_Translated = 0 nested,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_u_Translated part { size 16, align 4, packed 4 } {
        Level: u32 = 0,
        Vector: u32 = 4,
        Affinity: KAFFINITY = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_MessageInterrupt_u_Raw part { size 16, align 4, packed 4 } {
        Reserved: u16 = 0,
        MessageCount: u16 = 2,
        Vector: u32 = 4,
        Affinity: KAFFINITY = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Interrupt part { size 16, align 4, packed 4 } {
        Level: u32 = 0,
        Vector: u32 = 4,
        Affinity: KAFFINITY = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Port part { size 12, align 4, packed 4 } {
        Start: LARGE_INTEGER = 0,
        Length: u32 = 8,
    }

    /// Part of [`CM_PARTIAL_RESOURCE_DESCRIPTOR`] at byte 4.
    struct CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Generic part { size 12, align 4, packed 4 } {
        Start: LARGE_INTEGER = 0,
        Length: u32 = 8,
    }

    /// `IO_RESOURCE_REQUIREMENTS_LIST` (wdm.h): 72 bytes on x64.
    struct IO_RESOURCE_REQUIREMENTS_LIST record { size 72, align 8 } {
        ListSize: u32 = 0,
        InterfaceType: INTERFACE_TYPE = 4,
        BusNumber: u32 = 8,
        SlotNumber: u32 = 12,
        Reserved: [u32; 3] = 16,
        AlternativeLists: u32 = 28,
        List: [IO_RESOURCE_LIST; 1] = 32,
    }

    /// `IO_RESOURCE_LIST` (wdm.h): 40 bytes on x64.
    struct IO_RESOURCE_LIST record { size 40, align 8 } {
        Version: u16 = 0,
        Revision: u16 = 2,
        Count: u32 = 4,
        Descriptors: [IO_RESOURCE_DESCRIPTOR; 1] = 8,
    }

    /// `IO_RESOURCE_DESCRIPTOR` (wdm.h): 32 bytes on x64.
    struct IO_RESOURCE_DESCRIPTOR record { size 32, align 8 } {
        Option: u8 = 0,
        Type: u8 = 1,
        ShareDisposition: u8 = 2,
        Spare1: u8 = 3,
        Flags: u16 = 4,
        Spare2: u16 = 6,
        u: IO_RESOURCE_DESCRIPTOR_u = 8 nested,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    union IO_RESOURCE_DESCRIPTOR_u part { size 24, align 8 } {
        Port: IO_RESOURCE_DESCRIPTOR_u_Port = 0 nested,
        Memory: IO_RESOURCE_DESCRIPTOR_u_Memory = 0 nested,
        Interrupt: IO_RESOURCE_DESCRIPTOR_u_Interrupt = 0 nested,
        Dma: IO_RESOURCE_DESCRIPTOR_u_Dma = 0 nested,
        DmaV3: IO_RESOURCE_DESCRIPTOR_u_DmaV3 = 0 nested,
        Generic: IO_RESOURCE_DESCRIPTOR_u_Generic = 0 nested,
        DevicePrivate: IO_RESOURCE_DESCRIPTOR_u_DevicePrivate = 0 nested,
        BusNumber: IO_RESOURCE_DESCRIPTOR_u_BusNumber = 0 nested,
        ConfigData: IO_RESOURCE_DESCRIPTOR_u_ConfigData = 0 nested,
        Memory40: IO_RESOURCE_DESCRIPTOR_u_Memory40 = 0 nested,
        Memory48: IO_RESOURCE_DESCRIPTOR_u_Memory48 = 0 nested,
        Memory64: IO_RESOURCE_DESCRIPTOR_u_Memory64 = 0 nested,
        Connection: IO_RESOURCE_DESCRIPTOR_u_Connection = 0 nested,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Connection part { size 12, align 4 } {
        Class: u8 = 0,
        Type: u8 = 1,
        Reserved1: u8 = 2,
        Reserved2: u8 = 3,
        IdLowPart: u32 = 4,
        IdHighPart: u32 = 8,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Memory64 part { size 24, align 8 } {
        Length64: u32 = 0,
        Alignment64: u32 = 4,
        MinimumAddress: LARGE_INTEGER = 8,
        MaximumAddress: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Memory48 part { size 24, align 8 } {
        Length48: u32 = 0,
        Alignment48: u32 = 4,
        MinimumAddress: LARGE_INTEGER = 8,
        MaximumAddress: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Memory40 part { size 24, align 8 } {
        Length40: u32 = 0,
        Alignment40: u32 = 4,
        MinimumAddress: LARGE_INTEGER = 8,
        MaximumAddress: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_ConfigData part { size 12, align 4 } {
        Priority: u32 = 0,
        Reserved1: u32 = 4,
        Reserved2: u32 = 8,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_BusNumber part { size 16, align 4 } {
        Length: u32 = 0,
        MinBusNumber: u32 = 4,
        MaxBusNumber: u32 = 8,
        Reserved: u32 = 12,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_DevicePrivate part { size 12, align 4 } {
        Data: [u32; 3] = 0,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Generic part { size 24, align 8 } {
        Length: u32 = 0,
        Alignment: u32 = 4,
        MinimumAddress: LARGE_INTEGER = 8,
        MaximumAddress: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_DmaV3 part { size 16, align 4 } {
        RequestLine: u32 = 0,
        Reserved: u32 = 4,
        Channel: u32 = 8,
        TransferWidth: u32 = 12,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Dma part { size 8, align 4 } {
        MinimumChannel: u32 = 0,
        MaximumChannel: u32 = 4,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Interrupt part { size 24, align 8 } {
        MinimumVector: u32 = 0,
        MaximumVector: u32 = 4,
        AffinityPolicy: IRQ_DEVICE_POLICY = 8,
        PriorityPolicy: IRQ_PRIORITY = 12,
        TargetedProcessors: KAFFINITY = 16,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Memory part { size 24, align 8 } {
        Length: u32 = 0,
        Alignment: u32 = 4,
        MinimumAddress: LARGE_INTEGER = 8,
        MaximumAddress: LARGE_INTEGER = 16,
    }

    /// Part of [`IO_RESOURCE_DESCRIPTOR`] at byte 8.
    struct IO_RESOURCE_DESCRIPTOR_u_Port part { size 24, align 8 } {
        Length: u32 = 0,
        Alignment: u32 = 4,
        MinimumAddress: LARGE_INTEGER = 8,
        MaximumAddress: LARGE_INTEGER = 16,
    }
}
