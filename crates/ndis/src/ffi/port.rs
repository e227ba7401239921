// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS ports.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_PORT` (ntddndis.h): 96 bytes on x64.
    struct NDIS_PORT record { size 96, align 8 } {
        Next: *mut NDIS_PORT = 0,
        NdisReserved: *mut c_void = 8,
        MiniportReserved: *mut c_void = 16,
        ProtocolReserved: *mut c_void = 24,
        PortCharacteristics: NDIS_PORT_CHARACTERISTICS = 32,
    }

    /// `NDIS_PORT_CHARACTERISTICS` (ntddndis.h): 64 bytes on x64.
    struct NDIS_PORT_CHARACTERISTICS record { size 64, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        PortNumber: NDIS_PORT_NUMBER = 4,
        Flags: u32 = 8,
        Type: NDIS_PORT_TYPE = 12,
        MediaConnectState: i32 = 16,
        XmitLinkSpeed: u64 = 24,
        RcvLinkSpeed: u64 = 32,
        Direction: NET_IF_DIRECTION_TYPE = 40,
        SendControlState: NDIS_PORT_CONTROL_STATE = 44,
        RcvControlState: NDIS_PORT_CONTROL_STATE = 48,
        SendAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE = 52,
        RcvAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE = 56,
    }

    /// `NDIS_PORT_STATE` (ntddndis.h): 48 bytes on x64.
    struct NDIS_PORT_STATE record { size 48, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        MediaConnectState: i32 = 4,
        XmitLinkSpeed: u64 = 8,
        RcvLinkSpeed: u64 = 16,
        Direction: NET_IF_DIRECTION_TYPE = 24,
        SendControlState: NDIS_PORT_CONTROL_STATE = 28,
        RcvControlState: NDIS_PORT_CONTROL_STATE = 32,
        SendAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE = 36,
        RcvAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE = 40,
        Flags: u32 = 44,
    }

    /// `NDIS_PORT_ARRAY` (ntddndis.h): 80 bytes on x64.
    struct NDIS_PORT_ARRAY record { size 80, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        NumberOfPorts: u32 = 4,
        OffsetFirstPort: u32 = 8,
        ElementSize: u32 = 12,
        Ports: [NDIS_PORT_CHARACTERISTICS; 1] = 16,
    }

    /// `NDIS_PORT_AUTHENTICATION_PARAMETERS` (ntddndis.h): 20 bytes on x64.
    struct NDIS_PORT_AUTHENTICATION_PARAMETERS record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        SendControlState: NDIS_PORT_CONTROL_STATE = 4,
        RcvControlState: NDIS_PORT_CONTROL_STATE = 8,
        SendAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE = 12,
        RcvAuthorizationState: NDIS_PORT_AUTHORIZATION_STATE = 16,
    }
}
