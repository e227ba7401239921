// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupt registration, message tables, MSI-X configuration and moderation.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS` (ndis.h): 96 bytes on x64.
    struct NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS record { size 96, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        InterruptHandler: Option<MINIPORT_ISR> = 8,
        InterruptDpcHandler: Option<MINIPORT_INTERRUPT_DPC> = 16,
        DisableInterruptHandler: Option<MINIPORT_DISABLE_INTERRUPT> = 24,
        EnableInterruptHandler: Option<MINIPORT_ENABLE_INTERRUPT> = 32,
        MsiSupported: BOOLEAN = 40,
        MsiSyncWithAllMessages: BOOLEAN = 41,
        MessageInterruptHandler: Option<MINIPORT_MESSAGE_INTERRUPT> = 48,
        MessageInterruptDpcHandler: Option<MINIPORT_MESSAGE_INTERRUPT_DPC> = 56,
        DisableMessageInterruptHandler: Option<MINIPORT_DISABLE_MESSAGE_INTERRUPT> = 64,
        EnableMessageInterruptHandler: Option<MINIPORT_ENABLE_MESSAGE_INTERRUPT> = 72,
        InterruptType: NDIS_INTERRUPT_TYPE = 80,
        MessageInfoTable: *mut IO_INTERRUPT_MESSAGE_INFO = 88,
    }

    /// `IO_INTERRUPT_MESSAGE_INFO` (wdm.h): 56 bytes on x64.
    struct IO_INTERRUPT_MESSAGE_INFO record { size 56, align 8 } {
        UnifiedIrql: KIRQL = 0,
        MessageCount: u32 = 4,
        MessageInfo: [IO_INTERRUPT_MESSAGE_INFO_ENTRY; 1] = 8,
    }

    /// `IO_INTERRUPT_MESSAGE_INFO_ENTRY` (wdm.h): 48 bytes on x64.
    struct IO_INTERRUPT_MESSAGE_INFO_ENTRY record { size 48, align 8 } {
        MessageAddress: LARGE_INTEGER = 0,
        TargetProcessorSet: KAFFINITY = 8,
        InterruptObject: *mut c_void = 16,
        MessageData: u32 = 24,
        Vector: u32 = 28,
        Irql: KIRQL = 32,
        Mode: KINTERRUPT_MODE = 36,
        Polarity: KINTERRUPT_POLARITY = 40,
    }

    /// `NDIS_RECEIVE_THROTTLE_PARAMETERS` (ndis.h, NDIS 6.20 and later): 8 bytes on x64.
    struct NDIS_RECEIVE_THROTTLE_PARAMETERS record { size 8, align 4 } {
        MaxNblsToIndicate: u32 = 0,
        bits: u32 = 4 bits { MoreNblsPending set_MoreNblsPending 0 1 },
    }

    /// `NDIS_MSIX_CONFIG_PARAMETERS` (ndis.h, NDIS 6.1 and later): 16 bytes on x64.
    struct NDIS_MSIX_CONFIG_PARAMETERS record { size 16, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        ConfigOperation: NDIS_MSIX_TABLE_OPERATION = 4,
        TableEntry: u32 = 8,
        MessageNumber: u32 = 12,
    }

    /// `NDIS_INTERRUPT_MODERATION_PARAMETERS` (ntddndis.h): 12 bytes on x64.
    struct NDIS_INTERRUPT_MODERATION_PARAMETERS record { size 12, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        InterruptModeration: NDIS_INTERRUPT_MODERATION = 8,
    }
}
