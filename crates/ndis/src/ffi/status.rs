// SPDX-License-Identifier: MIT OR Apache-2.0
//! Status indications and link state.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_STATUS_INDICATION` (ndis.h): 112 bytes on x64.
    struct NDIS_STATUS_INDICATION record { size 112, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        SourceHandle: NDIS_HANDLE = 8,
        PortNumber: NDIS_PORT_NUMBER = 16,
        StatusCode: NDIS_STATUS = 20,
        Flags: u32 = 24,
        DestinationHandle: NDIS_HANDLE = 32,
        RequestId: *mut c_void = 40,
        StatusBuffer: *mut c_void = 48,
        StatusBufferSize: u32 = 56,
        Guid: GUID = 60,
        NdisReserved: [*mut c_void; 4] = 80,
    }

    /// `NDIS_LINK_STATE` (ntddndis.h): 40 bytes on x64.
    struct NDIS_LINK_STATE record { size 40, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        MediaConnectState: i32 = 4,
        MediaDuplexState: i32 = 8,
        _pad_12: [u8; 4] = 12 padding,
        XmitLinkSpeed: u64 = 16,
        RcvLinkSpeed: u64 = 24,
        PauseFunctions: NDIS_SUPPORTED_PAUSE_FUNCTIONS = 32,
        AutoNegotiationFlags: u32 = 36,
    }

    /// `NDIS_LINK_PARAMETERS` (ntddndis.h): 32 bytes on x64.
    struct NDIS_LINK_PARAMETERS record { size 32, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        MediaDuplexState: i32 = 4,
        XmitLinkSpeed: u64 = 8,
        RcvLinkSpeed: u64 = 16,
        PauseFunctions: NDIS_SUPPORTED_PAUSE_FUNCTIONS = 24,
        AutoNegotiationFlags: u32 = 28,
    }

    /// `NDIS_LINK_SPEED` (ntddndis.h): 16 bytes on x64.
    struct NDIS_LINK_SPEED record { size 16, align 8 } {
        XmitLinkSpeed: u64 = 0,
        RcvLinkSpeed: u64 = 8,
    }

    /// `NDIS_OPER_STATE` (ntddndis.h): 12 bytes on x64.
    struct NDIS_OPER_STATE record { size 12, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        OperationalStatus: NET_IF_OPER_STATUS = 4,
        OperationalStatusFlags: u32 = 8,
    }

    /// `NDIS_IP_OPER_STATE` (ntddndis.h): 20 bytes on x64.
    struct NDIS_IP_OPER_STATE record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        IpOperationalStatus: [u32; 3] = 8,
    }
}
