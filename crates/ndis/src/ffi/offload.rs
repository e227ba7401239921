// SPDX-License-Identifier: MIT OR Apache-2.0
//! Task offload capabilities and parameters.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_OFFLOAD` (ntddndis.h): 216 bytes on x64. Sizes: 112 from NDIS 6.0, 144 from NDIS 6.1, 156 from NDIS 6.30, 180 from NDIS 6.50, 188 from NDIS 6.70, 216 from NDIS 6.83.
    struct NDIS_OFFLOAD record { size 216, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Checksum: NDIS_TCP_IP_CHECKSUM_OFFLOAD = 4,
        LsoV1: NDIS_TCP_LARGE_SEND_OFFLOAD_V1 = 36,
        IPsecV1: NDIS_IPSEC_OFFLOAD_V1 = 52,
        LsoV2: NDIS_TCP_LARGE_SEND_OFFLOAD_V2 = 80,
        Flags: u32 = 108,
        IPsecV2: NDIS_IPSEC_OFFLOAD_V2 = 112,
        Rsc: NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD = 144,
        _pad_146: [u8; 2] = 146 padding,
        EncapsulatedPacketTaskOffloadGre: NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD = 148,
        EncapsulatedPacketTaskOffloadVxlan: NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2 = 156,
        EncapsulationTypes: u8 = 176,
        _pad_177: [u8; 3] = 177 padding,
        Rfc6877Xlat: NDIS_RFC6877_464XLAT_OFFLOAD = 180,
        UdpSegmentation: NDIS_UDP_SEGMENTATION_OFFLOAD = 188,
    }

    /// `NDIS_TCP_IP_CHECKSUM_OFFLOAD` (ntddndis.h): 32 bytes on x64.
    struct NDIS_TCP_IP_CHECKSUM_OFFLOAD record { size 32, align 4 } {
        IPv4Transmit: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Transmit = 0 nested,
        IPv4Receive: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Receive = 8 nested,
        IPv6Transmit: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Transmit = 16 nested,
        IPv6Receive: NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Receive = 24 nested,
    }

    /// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`] at byte 24.
    struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Receive part { size 8, align 4 } {
        Encapsulation: u32 = 0,
        bits: u32 = 4 bits { IpExtensionHeadersSupported set_IpExtensionHeadersSupported 0 2, TcpOptionsSupported set_TcpOptionsSupported 2 2, TcpChecksum set_TcpChecksum 4 2, UdpChecksum set_UdpChecksum 6 2 },
    }

    /// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`] at byte 16.
    struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv6Transmit part { size 8, align 4 } {
        Encapsulation: u32 = 0,
        bits: u32 = 4 bits { IpExtensionHeadersSupported set_IpExtensionHeadersSupported 0 2, TcpOptionsSupported set_TcpOptionsSupported 2 2, TcpChecksum set_TcpChecksum 4 2, UdpChecksum set_UdpChecksum 6 2 },
    }

    /// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`] at byte 8.
    struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Receive part { size 8, align 4 } {
        Encapsulation: u32 = 0,
        bits: u32 = 4 bits { IpOptionsSupported set_IpOptionsSupported 0 2, TcpOptionsSupported set_TcpOptionsSupported 2 2, TcpChecksum set_TcpChecksum 4 2, UdpChecksum set_UdpChecksum 6 2, IpChecksum set_IpChecksum 8 2 },
    }

    /// Part of [`NDIS_TCP_IP_CHECKSUM_OFFLOAD`] at byte 0.
    struct NDIS_TCP_IP_CHECKSUM_OFFLOAD_IPv4Transmit part { size 8, align 4 } {
        Encapsulation: u32 = 0,
        bits: u32 = 4 bits { IpOptionsSupported set_IpOptionsSupported 0 2, TcpOptionsSupported set_TcpOptionsSupported 2 2, TcpChecksum set_TcpChecksum 4 2, UdpChecksum set_UdpChecksum 6 2, IpChecksum set_IpChecksum 8 2 },
    }

    /// `NDIS_TCP_LARGE_SEND_OFFLOAD_V1` (ntddndis.h): 16 bytes on x64.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_V1 record { size 16, align 4 } {
        IPv4: NDIS_TCP_LARGE_SEND_OFFLOAD_V1_IPv4 = 0 nested,
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_V1`] at byte 0.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_V1_IPv4 part { size 16, align 4 } {
        Encapsulation: u32 = 0,
        MaxOffLoadSize: u32 = 4,
        MinSegmentCount: u32 = 8,
        bits: u32 = 12 bits { TcpOptions set_TcpOptions 0 2, IpOptions set_IpOptions 2 2 },
    }

    /// `NDIS_IPSEC_OFFLOAD_V1` (ntddndis.h): 28 bytes on x64.
    struct NDIS_IPSEC_OFFLOAD_V1 record { size 28, align 4 } {
        Supported: NDIS_IPSEC_OFFLOAD_V1_Supported = 0 nested,
        IPv4AH: NDIS_IPSEC_OFFLOAD_V1_IPv4AH = 20 nested,
        IPv4ESP: NDIS_IPSEC_OFFLOAD_V1_IPv4ESP = 24 nested,
    }

    /// Part of [`NDIS_IPSEC_OFFLOAD_V1`] at byte 24.
    struct NDIS_IPSEC_OFFLOAD_V1_IPv4ESP part { size 4, align 4 } {
        bits: u32 = 0 bits { Des set_Des 0 2, Reserved set_Reserved 2 2, TripleDes set_TripleDes 4 2, NullEsp set_NullEsp 6 2, Transport set_Transport 8 2, Tunnel set_Tunnel 10 2, Send set_Send 12 2, Receive set_Receive 14 2 },
    }

    /// Part of [`NDIS_IPSEC_OFFLOAD_V1`] at byte 20.
    struct NDIS_IPSEC_OFFLOAD_V1_IPv4AH part { size 4, align 4 } {
        bits: u32 = 0 bits { Md5 set_Md5 0 2, Sha_1 set_Sha_1 2 2, Transport set_Transport 4 2, Tunnel set_Tunnel 6 2, Send set_Send 8 2, Receive set_Receive 10 2 },
    }

    /// Part of [`NDIS_IPSEC_OFFLOAD_V1`] at byte 0.
    struct NDIS_IPSEC_OFFLOAD_V1_Supported part { size 20, align 4 } {
        Encapsulation: u32 = 0,
        AhEspCombined: u32 = 4,
        TransportTunnelCombined: u32 = 8,
        IPv4Options: u32 = 12,
        Flags: u32 = 16,
    }

    /// `NDIS_TCP_LARGE_SEND_OFFLOAD_V2` (ntddndis.h): 28 bytes on x64.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_V2 record { size 28, align 4 } {
        IPv4: NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv4 = 0 nested,
        IPv6: NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv6 = 12 nested,
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_V2`] at byte 12.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv6 part { size 16, align 4 } {
        Encapsulation: u32 = 0,
        MaxOffLoadSize: u32 = 4,
        MinSegmentCount: u32 = 8,
        bits: u32 = 12 bits { IpExtensionHeadersSupported set_IpExtensionHeadersSupported 0 2, TcpOptionsSupported set_TcpOptionsSupported 2 2 },
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_V2`] at byte 0.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_V2_IPv4 part { size 12, align 4 } {
        Encapsulation: u32 = 0,
        MaxOffLoadSize: u32 = 4,
        MinSegmentCount: u32 = 8,
    }

    /// `NDIS_IPSEC_OFFLOAD_V2` (ntddndis.h, NDIS 6.1 and later): 32 bytes on x64.
    struct NDIS_IPSEC_OFFLOAD_V2 record { size 32, align 4 } {
        Encapsulation: u32 = 0,
        IPv6Supported: BOOLEAN = 4,
        IPv4Options: BOOLEAN = 5,
        IPv6NonIPsecExtensionHeaders: BOOLEAN = 6,
        Ah: BOOLEAN = 7,
        Esp: BOOLEAN = 8,
        AhEspCombined: BOOLEAN = 9,
        Transport: BOOLEAN = 10,
        Tunnel: BOOLEAN = 11,
        TransportTunnelCombined: BOOLEAN = 12,
        LsoSupported: BOOLEAN = 13,
        ExtendedSequenceNumbers: BOOLEAN = 14,
        _pad_15: [u8; 1] = 15 padding,
        UdpEsp: u32 = 16,
        AuthenticationAlgorithms: u32 = 20,
        EncryptionAlgorithms: u32 = 24,
        SaOffloadCapacity: u32 = 28,
    }

    /// `NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD` (ntddndis.h, NDIS 6.30 and later): 2 bytes on x64.
    struct NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD record { size 2, align 1 } {
        IPv4: NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD_IPv4 = 0 nested,
        IPv6: NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD_IPv6 = 1 nested,
    }

    /// Part of [`NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD`] at byte 1.
    struct NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD_IPv6 part { size 1, align 1 } {
        Enabled: BOOLEAN = 0,
    }

    /// Part of [`NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD`] at byte 0.
    struct NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD_IPv4 part { size 1, align 1 } {
        Enabled: BOOLEAN = 0,
    }

    /// `NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD` (ntddndis.h, NDIS 6.30 and later): 8 bytes on x64.
    struct NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD record { size 8, align 4 } {
        bits: u32 = 0 bits { TransmitChecksumOffloadSupported set_TransmitChecksumOffloadSupported 0 4, ReceiveChecksumOffloadSupported set_ReceiveChecksumOffloadSupported 4 4, LsoV2Supported set_LsoV2Supported 8 4, RssSupported set_RssSupported 12 4, VmqSupported set_VmqSupported 16 4, UsoSupported set_UsoSupported 20 4, Reserved set_Reserved 24 8 },
        MaxHeaderSizeSupported: u32 = 4,
    }

    /// `NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2` (ntddndis.h, NDIS 6.50 and later): 20 bytes on x64.
    struct NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2 record { size 20, align 4 } {
        bits: u32 = 0 bits { TransmitChecksumOffloadSupported set_TransmitChecksumOffloadSupported 0 4, ReceiveChecksumOffloadSupported set_ReceiveChecksumOffloadSupported 4 4, LsoV2Supported set_LsoV2Supported 8 4, RssSupported set_RssSupported 12 4, VmqSupported set_VmqSupported 16 4, UsoSupported set_UsoSupported 20 4, Reserved set_Reserved 24 8 },
        MaxHeaderSizeSupported: u32 = 4,
        EncapsulationProtocolInfo: NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2_EncapsulationProtocolInfo = 8 nested,
        Reserved1: u32 = 12,
        Reserved2: u32 = 16,
    }

    /// Part of [`NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2`] at byte 8.
    union NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2_EncapsulationProtocolInfo part { size 4, align 4 } {
        VxlanInfo: NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2_EncapsulationProtocolInfo_VxlanInfo = 0 nested,
        Value: u32 = 0,
    }

    /// Part of [`NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2`] at byte 8.
    struct NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2_EncapsulationProtocolInfo_VxlanInfo part { size 4, align 2 } {
        VxlanUDPPortNumber: u16 = 0,
        bits: u16 = 2 bits { VxlanUDPPortNumberConfigurable set_VxlanUDPPortNumberConfigurable 0 1 },
    }

    /// `NDIS_RFC6877_464XLAT_OFFLOAD` (ntddndis.h, NDIS 6.70 and later): 8 bytes on x64.
    struct NDIS_RFC6877_464XLAT_OFFLOAD record { size 8, align 4 } {
        XlatOffload: NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS = 0,
        Flags: u32 = 4,
    }

    /// `NDIS_UDP_SEGMENTATION_OFFLOAD` (ntddndis.h, NDIS 6.83 and later): 28 bytes on x64.
    struct NDIS_UDP_SEGMENTATION_OFFLOAD record { size 28, align 4 } {
        IPv4: NDIS_UDP_SEGMENTATION_OFFLOAD_IPv4 = 0 nested,
        IPv6: NDIS_UDP_SEGMENTATION_OFFLOAD_IPv6 = 12 nested,
    }

    /// Part of [`NDIS_UDP_SEGMENTATION_OFFLOAD`] at byte 12.
    struct NDIS_UDP_SEGMENTATION_OFFLOAD_IPv6 part { size 16, align 4 } {
        Encapsulation: u32 = 0,
        MaxOffLoadSize: u32 = 4,
        bits_20: u32 = 8 bits { MinSegmentCount set_MinSegmentCount 0 6, SubMssFinalSegmentSupported set_SubMssFinalSegmentSupported 6 1, Reserved1 set_Reserved1 7 25 },
        bits_24: u32 = 12 bits { IpExtensionHeadersSupported set_IpExtensionHeadersSupported 0 2, Reserved2 set_Reserved2 2 30 },
    }

    /// Part of [`NDIS_UDP_SEGMENTATION_OFFLOAD`] at byte 0.
    struct NDIS_UDP_SEGMENTATION_OFFLOAD_IPv4 part { size 12, align 4 } {
        Encapsulation: u32 = 0,
        MaxOffLoadSize: u32 = 4,
        bits: u32 = 8 bits { MinSegmentCount set_MinSegmentCount 0 6, SubMssFinalSegmentSupported set_SubMssFinalSegmentSupported 6 1, Reserved set_Reserved 7 25 },
    }

    /// `NDIS_OFFLOAD_PARAMETERS` (ntddndis.h): 36 bytes on x64. Sizes: 20 from NDIS 6.0, 24 from NDIS 6.1, 28 from NDIS 6.30, 32 from NDIS 6.50, 36 from NDIS 6.83.
    struct NDIS_OFFLOAD_PARAMETERS record { size 36, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        IPv4Checksum: u8 = 4,
        TCPIPv4Checksum: u8 = 5,
        UDPIPv4Checksum: u8 = 6,
        TCPIPv6Checksum: u8 = 7,
        UDPIPv6Checksum: u8 = 8,
        LsoV1: u8 = 9,
        IPsecV1: u8 = 10,
        LsoV2IPv4: u8 = 11,
        LsoV2IPv6: u8 = 12,
        TcpConnectionIPv4: u8 = 13,
        TcpConnectionIPv6: u8 = 14,
        _pad_15: [u8; 1] = 15 padding,
        Flags: u32 = 16,
        IPsecV2: u8 = 20,
        IPsecV2IPv4: u8 = 21,
        s22: NDIS_OFFLOAD_PARAMETERS_s22 = 22 anonymous,
        s24: NDIS_OFFLOAD_PARAMETERS_s24 = 24 anonymous,
        _pad_26: [u8; 2] = 26 padding,
        EncapsulationProtocolParameters: NDIS_OFFLOAD_PARAMETERS_EncapsulationProtocolParameters = 28 nested,
        UdpSegmentation: NDIS_OFFLOAD_PARAMETERS_UdpSegmentation = 32 nested,
        _pad_34: [u8; 2] = 34 padding,
    }

    /// Part of [`NDIS_OFFLOAD_PARAMETERS`] at byte 32.
    struct NDIS_OFFLOAD_PARAMETERS_UdpSegmentation part { size 2, align 1 } {
        IPv4: u8 = 0,
        IPv6: u8 = 1,
    }

    /// Part of [`NDIS_OFFLOAD_PARAMETERS`] at byte 28.
    union NDIS_OFFLOAD_PARAMETERS_EncapsulationProtocolParameters part { size 4, align 4 } {
        VxlanParameters: NDIS_OFFLOAD_PARAMETERS_EncapsulationProtocolParameters_VxlanParameters = 0 nested,
        Value: u32 = 0,
    }

    /// Part of [`NDIS_OFFLOAD_PARAMETERS`] at byte 28.
    struct NDIS_OFFLOAD_PARAMETERS_EncapsulationProtocolParameters_VxlanParameters part { size 2, align 2 } {
        VxlanUDPPortNumber: u16 = 0,
    }

    /// Part of [`NDIS_OFFLOAD_PARAMETERS`] at byte 24.
    struct NDIS_OFFLOAD_PARAMETERS_s24 part { size 2, align 1 } {
        EncapsulatedPacketTaskOffload: u8 = 0,
        EncapsulationTypes: u8 = 1,
    }

    /// Part of [`NDIS_OFFLOAD_PARAMETERS`] at byte 22.
    struct NDIS_OFFLOAD_PARAMETERS_s22 part { size 2, align 1 } {
        RscIPv4: u8 = 0,
        RscIPv6: u8 = 1,
    }

    /// `NDIS_OFFLOAD_ENCAPSULATION` (ndis/encapsulationconfig.h): 28 bytes on x64.
    struct NDIS_OFFLOAD_ENCAPSULATION record { size 28, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        IPv4: NDIS_OFFLOAD_ENCAPSULATION_IPv4 = 4 nested,
        IPv6: NDIS_OFFLOAD_ENCAPSULATION_IPv6 = 16 nested,
    }

    /// Part of [`NDIS_OFFLOAD_ENCAPSULATION`] at byte 16.
    struct NDIS_OFFLOAD_ENCAPSULATION_IPv6 part { size 12, align 4 } {
        Enabled: u32 = 0,
        EncapsulationType: u32 = 4,
        HeaderSize: u32 = 8,
    }

    /// Part of [`NDIS_OFFLOAD_ENCAPSULATION`] at byte 4.
    struct NDIS_OFFLOAD_ENCAPSULATION_IPv4 part { size 12, align 4 } {
        Enabled: u32 = 0,
        EncapsulationType: u32 = 4,
        HeaderSize: u32 = 8,
    }

    /// `NDIS_TCP_CONNECTION_OFFLOAD` (ntddndis.h): 20 bytes on x64.
    struct NDIS_TCP_CONNECTION_OFFLOAD record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Encapsulation: u32 = 4,
        bits: u32 = 8 bits { SupportIPv4 set_SupportIPv4 0 2, SupportIPv6 set_SupportIPv6 2 2, SupportIPv6ExtensionHeaders set_SupportIPv6ExtensionHeaders 4 2, SupportSack set_SupportSack 6 2, CongestionAlgorithm set_CongestionAlgorithm 8 4 },
        TcpConnectionOffloadCapacity: u32 = 12,
        Flags: u32 = 16,
    }

    /// `NDIS_TIMESTAMP_CAPABILITIES` (ntddndis.h): 56 bytes on x64.
    struct NDIS_TIMESTAMP_CAPABILITIES record { size 56, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        _pad_4: [u8; 4] = 4 padding,
        HardwareClockFrequencyHz: u64 = 8,
        CrossTimestamp: BOOLEAN = 16,
        _pad_17: [u8; 7] = 17 padding,
        Reserved1: u64 = 24,
        Reserved2: u64 = 32,
        TimestampFlags: NDIS_TIMESTAMP_CAPABILITY_FLAGS = 40,
        _pad_54: [u8; 2] = 54 padding,
    }

    /// `NDIS_TIMESTAMP_CAPABILITY_FLAGS` (ntddndis.h): 14 bytes on x64.
    struct NDIS_TIMESTAMP_CAPABILITY_FLAGS record { size 14, align 1 } {
        PtpV2OverUdpIPv4EventMsgReceiveHw: BOOLEAN = 0,
        PtpV2OverUdpIPv4AllMsgReceiveHw: BOOLEAN = 1,
        PtpV2OverUdpIPv4EventMsgTransmitHw: BOOLEAN = 2,
        PtpV2OverUdpIPv4AllMsgTransmitHw: BOOLEAN = 3,
        PtpV2OverUdpIPv6EventMsgReceiveHw: BOOLEAN = 4,
        PtpV2OverUdpIPv6AllMsgReceiveHw: BOOLEAN = 5,
        PtpV2OverUdpIPv6EventMsgTransmitHw: BOOLEAN = 6,
        PtpV2OverUdpIPv6AllMsgTransmitHw: BOOLEAN = 7,
        AllReceiveHw: BOOLEAN = 8,
        AllTransmitHw: BOOLEAN = 9,
        TaggedTransmitHw: BOOLEAN = 10,
        AllReceiveSw: BOOLEAN = 11,
        AllTransmitSw: BOOLEAN = 12,
        TaggedTransmitSw: BOOLEAN = 13,
    }

    /// `NDIS_HARDWARE_CROSSTIMESTAMP` (ntddndis.h): 32 bytes on x64.
    struct NDIS_HARDWARE_CROSSTIMESTAMP record { size 32, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        SystemTimestamp1: u64 = 8,
        HardwareClockTimestamp: u64 = 16,
        SystemTimestamp2: u64 = 24,
    }
}
