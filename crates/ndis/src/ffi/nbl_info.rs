// SPDX-License-Identifier: MIT OR Apache-2.0
//! Per-NBL out-of-band information.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO` (ndis/nblchecksum.h): 8 bytes on x64.
    struct NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO record { size 8, align 8 } {
        u: NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO`] at byte 0.
    union NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u part { size 8, align 8 } {
        Transmit: NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u_Transmit = 0 nested,
        Receive: NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u_Receive = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u_Receive part { size 4, align 4 } {
        bits: u32 = 0 bits { TcpChecksumFailed set_TcpChecksumFailed 0 1, UdpChecksumFailed set_UdpChecksumFailed 1 1, IpChecksumFailed set_IpChecksumFailed 2 1, TcpChecksumSucceeded set_TcpChecksumSucceeded 3 1, UdpChecksumSucceeded set_UdpChecksumSucceeded 4 1, IpChecksumSucceeded set_IpChecksumSucceeded 5 1, Loopback set_Loopback 6 1, TcpChecksumValueInvalid set_TcpChecksumValueInvalid 7 1, IpChecksumValueInvalid set_IpChecksumValueInvalid 8 1 },
    }

    /// Part of [`NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO_u_Transmit part { size 4, align 4 } {
        bits: u32 = 0 bits { IsIPv4 set_IsIPv4 0 1, IsIPv6 set_IsIPv6 1 1, TcpChecksum set_TcpChecksum 2 1, UdpChecksum set_UdpChecksum 3 1, IpHeaderChecksum set_IpHeaderChecksum 4 1, Reserved set_Reserved 5 11, TcpHeaderOffset set_TcpHeaderOffset 16 10 },
    }

    /// `NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO` (ndis/nbllso.h): 8 bytes on x64.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO record { size 8, align 8 } {
        u: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    union NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u part { size 8, align 8 } {
        Transmit: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_Transmit = 0 nested,
        LsoV1Transmit: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV1Transmit = 0 nested,
        LsoV1TransmitComplete: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV1TransmitComplete = 0 nested,
        LsoV2Transmit: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV2Transmit = 0 nested,
        LsoV2TransmitComplete: NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV2TransmitComplete = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV2TransmitComplete part { size 4, align 4 } {
        bits: u32 = 0 bits { Reserved set_Reserved 0 30, Type set_Type 30 1, Reserved2 set_Reserved2 31 1 },
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV2Transmit part { size 4, align 4 } {
        bits: u32 = 0 bits { MSS set_MSS 0 20, TcpHeaderOffset set_TcpHeaderOffset 20 10, Type set_Type 30 1, IPVersion set_IPVersion 31 1 },
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV1TransmitComplete part { size 4, align 4 } {
        bits: u32 = 0 bits { TcpPayload set_TcpPayload 0 30, Type set_Type 30 1, Reserved2 set_Reserved2 31 1 },
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_LsoV1Transmit part { size 4, align 4 } {
        bits: u32 = 0 bits { MSS set_MSS 0 20, TcpHeaderOffset set_TcpHeaderOffset 20 10, Type set_Type 30 1, Reserved2 set_Reserved2 31 1 },
    }

    /// Part of [`NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO_u_Transmit part { size 4, align 4 } {
        bits: u32 = 0 bits { Unused set_Unused 0 30, Type set_Type 30 1, Reserved2 set_Reserved2 31 1 },
    }

    /// `NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO` (ndis/nbluso.h, NDIS 6.83 and later): 8 bytes on x64.
    struct NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO record { size 8, align 8 } {
        u: NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    union NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_u part { size 8, align 8 } {
        Transmit: NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_u_Transmit = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_UDP_SEGMENTATION_OFFLOAD_NET_BUFFER_LIST_INFO_u_Transmit part { size 4, align 4 } {
        bits: u32 = 0 bits { MSS set_MSS 0 20, UdpHeaderOffset set_UdpHeaderOffset 20 10, Reserved set_Reserved 30 1, IPVersion set_IPVersion 31 1 },
    }

    /// `NDIS_NET_BUFFER_LIST_8021Q_INFO` (ndis/nbl8021q.h): 8 bytes on x64.
    struct NDIS_NET_BUFFER_LIST_8021Q_INFO record { size 8, align 8 } {
        u: NDIS_NET_BUFFER_LIST_8021Q_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_8021Q_INFO`] at byte 0.
    union NDIS_NET_BUFFER_LIST_8021Q_INFO_u part { size 8, align 8 } {
        TagHeader: NDIS_NET_BUFFER_LIST_8021Q_INFO_u_TagHeader = 0 nested,
        WLanTagHeader: NDIS_NET_BUFFER_LIST_8021Q_INFO_u_WLanTagHeader = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_8021Q_INFO`] at byte 0.
    struct NDIS_NET_BUFFER_LIST_8021Q_INFO_u_WLanTagHeader part { size 4, align 4 } {
        bits: u32 = 0 bits { UserPriority set_UserPriority 0 3, CanonicalFormatId set_CanonicalFormatId 3 1, VlanId set_VlanId 4 12, WMMInfo set_WMMInfo 16 4, Reserved set_Reserved 20 12 },
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_8021Q_INFO`] at byte 0.
    struct NDIS_NET_BUFFER_LIST_8021Q_INFO_u_TagHeader part { size 4, align 4 } {
        bits: u32 = 0 bits { UserPriority set_UserPriority 0 3, CanonicalFormatId set_CanonicalFormatId 3 1, VlanId set_VlanId 4 12, Reserved set_Reserved 16 16 },
    }

    /// `NDIS_RSC_NBL_INFO` (ndis/nblrsc.h, NDIS 6.30 and later): 8 bytes on x64.
    union NDIS_RSC_NBL_INFO record { size 8, align 8 } {
        Info: NDIS_RSC_NBL_INFO_Info = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_RSC_NBL_INFO`] at byte 0.
    struct NDIS_RSC_NBL_INFO_Info part { size 4, align 2 } {
        CoalescedSegCount: u16 = 0,
        DupAckCount: u16 = 2,
    }

    /// `NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO` (ndis.h, NDIS 6.30 and later): 8 bytes on x64.
    struct NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO record { size 8, align 8 } {
        u: NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO`] at byte 0.
    union NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_u part { size 8, align 8 } {
        EncapsulatedPacketOffsets: NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_u_EncapsulatedPacketOffsets = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_TCP_SEND_OFFLOADS_SUPPLEMENTAL_NET_BUFFER_LIST_INFO_u_EncapsulatedPacketOffsets part { size 4, align 4 } {
        bits: u32 = 0 bits { IsEncapsulatedPacket set_IsEncapsulatedPacket 0 1, EncapsulatedPacketOffsetsValid set_EncapsulatedPacketOffsetsValid 1 1, InnerFrameOffset set_InnerFrameOffset 2 8, TransportIpHeaderRelativeOffset set_TransportIpHeaderRelativeOffset 10 6, TcpHeaderRelativeOffset set_TcpHeaderRelativeOffset 16 10, IsInnerIPv6 set_IsInnerIPv6 26 1, TcpOptionsPresent set_TcpOptionsPresent 27 1, Reserved set_Reserved 28 4 },
    }

    /// `NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO` (ndis/nbluro.h, NDIS 6.84 and later): 8 bytes on x64.
    struct NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO record { size 8, align 8 } {
        u: NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    union NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_u part { size 8, align 8 } {
        Receive: NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_u_Receive = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO`] at byte 0.
    struct NDIS_UDP_RSC_OFFLOAD_NET_BUFFER_LIST_INFO_u_Receive part { size 4, align 2 } {
        SegCount: u16 = 0,
        SegSize: u16 = 2,
    }

    /// `NDIS_NET_BUFFER_LIST_FILTERING_INFO` (ndis.h, NDIS 6.20 and later): 8 bytes on x64.
    struct NDIS_NET_BUFFER_LIST_FILTERING_INFO record { size 8, align 8 } {
        u: NDIS_NET_BUFFER_LIST_FILTERING_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_FILTERING_INFO`] at byte 0.
    union NDIS_NET_BUFFER_LIST_FILTERING_INFO_u part { size 8, align 8 } {
        FilteringInfo: NDIS_NET_BUFFER_LIST_FILTERING_INFO_u_FilteringInfo = 0 nested,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_FILTERING_INFO`] at byte 0.
    struct NDIS_NET_BUFFER_LIST_FILTERING_INFO_u_FilteringInfo part { size 4, align 2 } {
        FilterId: u16 = 0,
        QueueVPortInfo: NDIS_NET_BUFFER_LIST_FILTERING_INFO_u_FilteringInfo_QueueVPortInfo = 2 nested,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_FILTERING_INFO`] at byte 2.
    union NDIS_NET_BUFFER_LIST_FILTERING_INFO_u_FilteringInfo_QueueVPortInfo part { size 2, align 2 } {
        QueueId: u16 = 0,
        VPortId: u16 = 0,
    }

    /// `NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO` (ndis.h, NDIS 6.30 and later): 8 bytes on x64.
    struct NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO record { size 8, align 8 } {
        u: NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO`] at byte 0.
    union NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO_u part { size 8, align 8 } {
        s: NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO_u_s = 0 anonymous,
        Value: *mut c_void = 0,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO`] at byte 0.
    struct NDIS_NET_BUFFER_LIST_VIRTUAL_SUBNET_INFO_u_s part { size 8, align 4 } {
        bits: u32 = 0 bits { VirtualSubnetId set_VirtualSubnetId 0 24, ReservedVsidBits set_ReservedVsidBits 24 8 },
        Reserved: u32 = 4,
    }

    /// `NDIS_NBL_MEDIA_SPECIFIC_INFORMATION_EX` (ndis.h, NDIS 6.20 and later): 32 bytes on x64.
    struct NDIS_NBL_MEDIA_SPECIFIC_INFORMATION_EX record { size 32, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        NextEntry: *mut NDIS_NBL_MEDIA_SPECIFIC_INFORMATION_EX = 8,
        Tag: u32 = 16,
        Data: *mut c_void = 24,
    }

    /// `NDIS_NET_BUFFER_LIST_MEDIA_SPECIFIC_INFO` (ndis.h): 8 bytes on x64.
    struct NDIS_NET_BUFFER_LIST_MEDIA_SPECIFIC_INFO record { size 8, align 8 } {
        u: NDIS_NET_BUFFER_LIST_MEDIA_SPECIFIC_INFO_u = 0 anonymous,
    }

    /// Part of [`NDIS_NET_BUFFER_LIST_MEDIA_SPECIFIC_INFO`] at byte 0.
    union NDIS_NET_BUFFER_LIST_MEDIA_SPECIFIC_INFO_u part { size 8, align 8 } {
        MediaSpecificInfo: *mut c_void = 0,
        NativeWifiSpecificInfo: *mut c_void = 0,
        Value: *mut c_void = 0,
    }
}
