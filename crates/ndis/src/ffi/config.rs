// SPDX-License-Identifier: MIT OR Apache-2.0
//! Registry configuration.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_CONFIGURATION_OBJECT` (ndis.h): 24 bytes on x64.
    struct NDIS_CONFIGURATION_OBJECT record { size 24, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        NdisHandle: NDIS_HANDLE = 8,
        Flags: u32 = 16,
    }

    /// `NDIS_CONFIGURATION_PARAMETER` (ndis.h): 24 bytes on x64.
    struct NDIS_CONFIGURATION_PARAMETER record { size 24, align 8 } {
        ParameterType: NDIS_PARAMETER_TYPE = 0,
        ParameterData: NDIS_CONFIGURATION_PARAMETER_ParameterData = 8 nested,
    }

    /// Part of [`NDIS_CONFIGURATION_PARAMETER`] at byte 8.
    union NDIS_CONFIGURATION_PARAMETER_ParameterData part { size 16, align 8 } {
        IntegerData: u32 = 0,
        StringData: UNICODE_STRING = 0,
        BinaryData: BINARY_DATA = 0,
    }

    /// `BINARY_DATA` (ndis.h): 16 bytes on x64.
    struct BINARY_DATA record { size 16, align 8 } {
        Length: u16 = 0,
        Buffer: *mut c_void = 8,
    }

    /// `NETWORK_ADDRESS` (ntddndis.h): 6 bytes on x64.
    struct NETWORK_ADDRESS record { size 6, align 2 } {
        AddressLength: u16 = 0,
        AddressType: u16 = 2,
        Address: [u8; 1] = 4,
    }

    /// `NETWORK_ADDRESS_LIST` (ntddndis.h): 12 bytes on x64.
    struct NETWORK_ADDRESS_LIST record { size 12, align 4 } {
        AddressCount: i32 = 0,
        AddressType: u16 = 4,
        Address: [NETWORK_ADDRESS; 1] = 6,
    }
}
