// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupt registration, message tables, MSI-X configuration and moderation.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS` (ndis.h): 96 bytes on x64.
    struct NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS record { size 96, align 8 } {
        /// Object type, revision and size of this structure. In.
        Header: NDIS_OBJECT_HEADER = 0,
        /// The line's ISR. Mandatory, also with messages. In.
        InterruptHandler: Option<MINIPORT_ISR> = 8,
        /// The line's DPC. Mandatory. In.
        InterruptDpcHandler: Option<MINIPORT_INTERRUPT_DPC> = 16,
        /// Masks the line at the device, for diagnostics. Mandatory. In.
        DisableInterruptHandler: Option<MINIPORT_DISABLE_INTERRUPT> = 24,
        /// The reverse. Mandatory. In.
        EnableInterruptHandler: Option<MINIPORT_ENABLE_INTERRUPT> = 32,
        /// TRUE: message-signalled interrupts are wanted, a line is accepted. In.
        MsiSupported: BOOLEAN = 40,
        /// TRUE: the ISRs of all messages share one lock. In.
        MsiSyncWithAllMessages: BOOLEAN = 41,
        /// A message's ISR. Mandatory with `MsiSupported`. In.
        MessageInterruptHandler: Option<MINIPORT_MESSAGE_INTERRUPT> = 48,
        /// A message's DPC. Mandatory with `MsiSupported`. In.
        MessageInterruptDpcHandler: Option<MINIPORT_MESSAGE_INTERRUPT_DPC> = 56,
        /// Masks one message at the device. Mandatory with `MsiSupported`. In.
        DisableMessageInterruptHandler: Option<MINIPORT_DISABLE_MESSAGE_INTERRUPT> = 64,
        /// The reverse. Mandatory with `MsiSupported`. In.
        EnableMessageInterruptHandler: Option<MINIPORT_ENABLE_MESSAGE_INTERRUPT> = 72,
        /// What NDIS granted: `NDIS_CONNECT_LINE_BASED` or `NDIS_CONNECT_MESSAGE_BASED`. Out.
        InterruptType: NDIS_INTERRUPT_TYPE = 80,
        /// The messages, read-only, until deregistration; null for a line. Out.
        MessageInfoTable: *mut IO_INTERRUPT_MESSAGE_INFO = 88,
    }

    /// `IO_INTERRUPT_MESSAGE_INFO` (wdm.h): 56 bytes on x64.
    struct IO_INTERRUPT_MESSAGE_INFO record { size 56, align 8 } {
        /// IRQL of all ISRs when they are synchronised with each other.
        UnifiedIrql: KIRQL = 0,
        /// Number of messages, and of entries.
        MessageCount: u32 = 4,
        /// The entries: as many as `MessageCount`, message 0 first.
        MessageInfo: [IO_INTERRUPT_MESSAGE_INFO_ENTRY; 1] = 8,
    }

    /// `IO_INTERRUPT_MESSAGE_INFO_ENTRY` (wdm.h): 48 bytes on x64.
    struct IO_INTERRUPT_MESSAGE_INFO_ENTRY record { size 48, align 8 } {
        /// Where the device writes, physical.
        MessageAddress: LARGE_INTEGER = 0,
        /// Processors that the message may interrupt, within their group.
        TargetProcessorSet: KAFFINITY = 8,
        /// The KINTERRUPT of the message.
        InterruptObject: *mut c_void = 16,
        /// What the device writes.
        MessageData: u32 = 24,
        /// Interrupt vector.
        Vector: u32 = 28,
        /// IRQL of the ISR.
        Irql: KIRQL = 32,
        /// Latched, for messages.
        Mode: KINTERRUPT_MODE = 36,
        /// Polarity of the line; of no meaning for messages.
        Polarity: KINTERRUPT_POLARITY = 40,
    }

    /// `NDIS_RECEIVE_THROTTLE_PARAMETERS` (ndis.h, NDIS 6.20 and later): 8 bytes on x64.
    struct NDIS_RECEIVE_THROTTLE_PARAMETERS record { size 8, align 4 } {
        /// NBLs that this DPC may indicate in all; `NDIS_INDICATE_ALL_NBLS`: no limit. In.
        MaxNblsToIndicate: u32 = 0,
        /// `MoreNblsPending`: the DPC is to be called again, interrupts stay off. Out, always.
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
