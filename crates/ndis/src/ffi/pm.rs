// SPDX-License-Identifier: MIT OR Apache-2.0
//! Power management: capabilities, wake patterns, protocol offload.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_PM_CAPABILITIES` (ntddndis.h, NDIS 6.20 and later): 60 bytes on x64. Sizes: 52 from NDIS 6.20, 60 from NDIS 6.30.
    struct NDIS_PM_CAPABILITIES record { size 60, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        SupportedWoLPacketPatterns: u32 = 8,
        NumTotalWoLPatterns: u32 = 12,
        MaxWoLPatternSize: u32 = 16,
        MaxWoLPatternOffset: u32 = 20,
        MaxWoLPacketSaveBuffer: u32 = 24,
        SupportedProtocolOffloads: u32 = 28,
        NumArpOffloadIPv4Addresses: u32 = 32,
        NumNSOffloadIPv6Addresses: u32 = 36,
        MinMagicPacketWakeUp: NDIS_DEVICE_POWER_STATE = 40,
        MinPatternWakeUp: NDIS_DEVICE_POWER_STATE = 44,
        MinLinkChangeWakeUp: NDIS_DEVICE_POWER_STATE = 48,
        SupportedWakeUpEvents: u32 = 52,
        MediaSpecificWakeUpEvents: u32 = 56,
    }

    /// `NDIS_PM_PARAMETERS` (ntddndis.h, NDIS 6.20 and later): 20 bytes on x64. Sizes: 16 from NDIS 6.20, 20 from NDIS 6.30.
    struct NDIS_PM_PARAMETERS record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        EnabledWoLPacketPatterns: u32 = 4,
        EnabledProtocolOffloads: u32 = 8,
        WakeUpFlags: u32 = 12,
        MediaSpecificWakeUpEvents: u32 = 16,
    }

    /// `NDIS_PM_WOL_PATTERN` (ntddndis.h, NDIS 6.20 and later): 196 bytes on x64.
    struct NDIS_PM_WOL_PATTERN record { size 196, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        Priority: u32 = 8,
        WoLPacketType: NDIS_PM_WOL_PACKET = 12,
        FriendlyName: NDIS_PM_COUNTED_STRING = 16,
        PatternId: u32 = 148,
        NextWoLPatternOffset: u32 = 152,
        WoLPattern: NDIS_PM_WOL_PATTERN_WoLPattern = 156 nested,
    }

    /// Part of [`NDIS_PM_WOL_PATTERN`] at byte 156.
    union NDIS_PM_WOL_PATTERN_WoLPattern part { size 40, align 4 } {
        IPv4TcpSynParameters: NDIS_PM_WOL_PATTERN_WoLPattern_IPv4TcpSynParameters = 0 nested,
        IPv6TcpSynParameters: NDIS_PM_WOL_PATTERN_WoLPattern_IPv6TcpSynParameters = 0 nested,
        EapolRequestIdMessageParameters: NDIS_PM_WOL_PATTERN_WoLPattern_EapolRequestIdMessageParameters = 0 nested,
        WoLBitMapPattern: NDIS_PM_WOL_PATTERN_WoLPattern_WoLBitMapPattern = 0 nested,
    }

    /// Part of [`NDIS_PM_WOL_PATTERN`] at byte 156.
    struct NDIS_PM_WOL_PATTERN_WoLPattern_WoLBitMapPattern part { size 20, align 4 } {
        Flags: u32 = 0,
        MaskOffset: u32 = 4,
        MaskSize: u32 = 8,
        PatternOffset: u32 = 12,
        PatternSize: u32 = 16,
    }

    /// Part of [`NDIS_PM_WOL_PATTERN`] at byte 156.
    struct NDIS_PM_WOL_PATTERN_WoLPattern_EapolRequestIdMessageParameters part { size 4, align 4 } {
        Flags: u32 = 0,
    }

    /// Part of [`NDIS_PM_WOL_PATTERN`] at byte 156.
    struct NDIS_PM_WOL_PATTERN_WoLPattern_IPv6TcpSynParameters part { size 40, align 4 } {
        Flags: u32 = 0,
        IPv6SourceAddress: [u8; 16] = 4,
        IPv6DestAddress: [u8; 16] = 20,
        TCPSourcePortNumber: u16 = 36,
        TCPDestPortNumber: u16 = 38,
    }

    /// Part of [`NDIS_PM_WOL_PATTERN`] at byte 156.
    struct NDIS_PM_WOL_PATTERN_WoLPattern_IPv4TcpSynParameters part { size 16, align 4 } {
        Flags: u32 = 0,
        IPv4SourceAddress: [u8; 4] = 4,
        IPv4DestAddress: [u8; 4] = 8,
        TCPSourcePortNumber: u16 = 12,
        TCPDestPortNumber: u16 = 14,
    }

    /// `NDIS_PM_PROTOCOL_OFFLOAD` (ntddndis.h, NDIS 6.20 and later): 256 bytes on x64. Sizes: 240 from NDIS 6.20, 256 from NDIS 6.84.
    struct NDIS_PM_PROTOCOL_OFFLOAD record { size 256, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        Priority: u32 = 8,
        ProtocolOffloadType: NDIS_PM_PROTOCOL_OFFLOAD_TYPE = 12,
        FriendlyName: NDIS_PM_COUNTED_STRING = 16,
        ProtocolOffloadId: u32 = 148,
        NextProtocolOffloadOffset: u32 = 152,
        ProtocolOffloadParameters: NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters = 160 nested,
    }

    /// Part of [`NDIS_PM_PROTOCOL_OFFLOAD`] at byte 160.
    union NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters part { size 96, align 8 } {
        IPv4ARPParameters: NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_IPv4ARPParameters = 0 nested,
        IPv6NSParameters: NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_IPv6NSParameters = 0 nested,
        Dot11RSNRekeyParameters: NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_Dot11RSNRekeyParameters = 0 nested,
        Dot11RSNRekeyParametersV2: NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_Dot11RSNRekeyParametersV2 = 0 nested,
    }

    /// Part of [`NDIS_PM_PROTOCOL_OFFLOAD`] at byte 160.
    struct NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_Dot11RSNRekeyParametersV2 part { size 96, align 8 } {
        Flags: u32 = 0,
        KeyReplayCounter: u64 = 8,
        AuthAlgo: u32 = 16,
        KCKLength: u32 = 20,
        KEKLength: u32 = 24,
        KCK: [u8; 32] = 28,
        KEK: [u8; 32] = 60,
    }

    /// Part of [`NDIS_PM_PROTOCOL_OFFLOAD`] at byte 160.
    struct NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_Dot11RSNRekeyParameters part { size 48, align 8 } {
        Flags: u32 = 0,
        KCK: [u8; 16] = 4,
        KEK: [u8; 16] = 20,
        KeyReplayCounter: u64 = 40,
    }

    /// Part of [`NDIS_PM_PROTOCOL_OFFLOAD`] at byte 160.
    struct NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_IPv6NSParameters part { size 76, align 4 } {
        Flags: u32 = 0,
        RemoteIPv6Address: [u8; 16] = 4,
        SolicitedNodeIPv6Address: [u8; 16] = 20,
        MacAddress: [u8; 6] = 36,
        TargetIPv6Addresses: [[u8; 16]; 2] = 42,
    }

    /// Part of [`NDIS_PM_PROTOCOL_OFFLOAD`] at byte 160.
    struct NDIS_PM_PROTOCOL_OFFLOAD_ProtocolOffloadParameters_IPv4ARPParameters part { size 20, align 4 } {
        Flags: u32 = 0,
        RemoteIPv4Address: [u8; 4] = 4,
        HostIPv4Address: [u8; 4] = 8,
        MacAddress: [u8; 6] = 12,
    }

    /// `NDIS_PM_WAKE_REASON` (ntddndis.h, NDIS 6.30 and later): 20 bytes on x64.
    struct NDIS_PM_WAKE_REASON record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        WakeReason: NDIS_PM_WAKE_REASON_TYPE = 8,
        InfoBufferOffset: u32 = 12,
        InfoBufferSize: u32 = 16,
    }

    /// `NDIS_PM_WAKE_PACKET` (ntddndis.h, NDIS 6.30 and later): 156 bytes on x64.
    struct NDIS_PM_WAKE_PACKET record { size 156, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        PatternId: u32 = 8,
        PatternFriendlyName: NDIS_PM_COUNTED_STRING = 12,
        OriginalPacketSize: u32 = 144,
        SavedPacketSize: u32 = 148,
        SavedPacketOffset: u32 = 152,
    }

    /// `NDIS_PM_COUNTED_STRING` (ntddndis.h, NDIS 6.20 and later): 132 bytes on x64.
    struct NDIS_PM_COUNTED_STRING record { size 132, align 2 } {
        Length: u16 = 0,
        String: [u16; 65] = 2,
    }

    /// `NDIS_PM_PACKET_PATTERN` (ntddndis.h): 24 bytes on x64.
    struct NDIS_PM_PACKET_PATTERN record { size 24, align 4 } {
        Priority: u32 = 0,
        Reserved: u32 = 4,
        MaskSize: u32 = 8,
        PatternOffset: u32 = 12,
        PatternSize: u32 = 16,
        PatternFlags: u32 = 20,
    }

    /// `NDIS_PM_WAKE_UP_CAPABILITIES` (ntddndis.h): 12 bytes on x64.
    struct NDIS_PM_WAKE_UP_CAPABILITIES record { size 12, align 4 } {
        MinMagicPacketWakeUp: NDIS_DEVICE_POWER_STATE = 0,
        MinPatternWakeUp: NDIS_DEVICE_POWER_STATE = 4,
        MinLinkChangeWakeUp: NDIS_DEVICE_POWER_STATE = 8,
    }

    /// `NDIS_PNP_CAPABILITIES` (ntddndis.h): 16 bytes on x64.
    struct NDIS_PNP_CAPABILITIES record { size 16, align 4 } {
        Flags: u32 = 0,
        WakeUpCapabilities: NDIS_PM_WAKE_UP_CAPABILITIES = 4,
    }
}
