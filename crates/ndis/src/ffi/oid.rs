// SPDX-License-Identifier: MIT OR Apache-2.0
//! OID requests.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_OID_REQUEST` (ndis/oidrequest.h): 248 bytes on x64. Sizes: 240 from NDIS 6.0, 248 from NDIS 6.50.
    struct NDIS_OID_REQUEST record { size 248, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        RequestType: NDIS_REQUEST_TYPE = 4,
        PortNumber: NDIS_PORT_NUMBER = 8,
        Timeout: u32 = 12,
        RequestId: *mut c_void = 16,
        RequestHandle: NDIS_HANDLE = 24,
        DATA: NDIS_OID_REQUEST_DATA = 32 nested,
        NdisReserved: [u8; 128] = 72,
        MiniportReserved: [u8; 16] = 200,
        SourceReserved: [u8; 16] = 216,
        SupportedRevision: u8 = 232,
        Reserved1: u8 = 233,
        Reserved2: u16 = 234,
        SwitchId: u32 = 236,
        VPortId: u32 = 240,
        Flags: u32 = 244,
    }

    /// Part of [`NDIS_OID_REQUEST`] at byte 32.
    union NDIS_OID_REQUEST_DATA part { size 40, align 8 } {
        Oid: NDIS_OID = 0,
        QUERY_INFORMATION: NDIS_OID_REQUEST_DATA_QUERY_INFORMATION = 0 nested,
        SET_INFORMATION: NDIS_OID_REQUEST_DATA_SET_INFORMATION = 0 nested,
        METHOD_INFORMATION: NDIS_OID_REQUEST_DATA_METHOD_INFORMATION = 0 nested,
    }

    /// Part of [`NDIS_OID_REQUEST`] at byte 32.
    struct NDIS_OID_REQUEST_DATA_METHOD_INFORMATION part { size 40, align 8 } {
        Oid: NDIS_OID = 0,
        InformationBuffer: *mut c_void = 8,
        InputBufferLength: u32 = 16,
        OutputBufferLength: u32 = 20,
        MethodId: u32 = 24,
        BytesWritten: u32 = 28,
        BytesRead: u32 = 32,
        BytesNeeded: u32 = 36,
    }

    /// Part of [`NDIS_OID_REQUEST`] at byte 32.
    struct NDIS_OID_REQUEST_DATA_SET_INFORMATION part { size 32, align 8 } {
        Oid: NDIS_OID = 0,
        InformationBuffer: *mut c_void = 8,
        InformationBufferLength: u32 = 16,
        BytesRead: u32 = 20,
        BytesNeeded: u32 = 24,
    }

    /// Part of [`NDIS_OID_REQUEST`] at byte 32.
    struct NDIS_OID_REQUEST_DATA_QUERY_INFORMATION part { size 32, align 8 } {
        Oid: NDIS_OID = 0,
        InformationBuffer: *mut c_void = 8,
        InformationBufferLength: u32 = 16,
        BytesWritten: u32 = 20,
        BytesNeeded: u32 = 24,
    }

    /// `NET_LUID` (ifdef.h): 8 bytes on x64.
    union NET_LUID record { size 8, align 8 } {
        Value: u64 = 0,
        Info: NET_LUID_Info = 0 nested,
    }

    /// Part of [`NET_LUID`] at byte 0.
    struct NET_LUID_Info part { size 8, align 8 } {
        bits: u64 = 0 bits { Reserved set_Reserved 0 24, NetLuidIndex set_NetLuidIndex 24 24, IfType set_IfType 48 16 },
    }
}
