// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statistics.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_RSC_STATISTICS_INFO` (ntddndis.h, NDIS 6.30 and later): 40 bytes on x64.
    struct NDIS_RSC_STATISTICS_INFO record { size 40, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        _pad_4: [u8; 4] = 4 padding,
        CoalescedPkts: u64 = 8,
        CoalescedOctets: u64 = 16,
        CoalesceEvents: u64 = 24,
        Aborts: u64 = 32,
    }

    /// `NDIS_STATISTICS_INFO` (ntddndis.h): 152 bytes on x64.
    struct NDIS_STATISTICS_INFO record { size 152, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        SupportedStatistics: u32 = 4,
        ifInDiscards: u64 = 8,
        ifInErrors: u64 = 16,
        ifHCInOctets: u64 = 24,
        ifHCInUcastPkts: u64 = 32,
        ifHCInMulticastPkts: u64 = 40,
        ifHCInBroadcastPkts: u64 = 48,
        ifHCOutOctets: u64 = 56,
        ifHCOutUcastPkts: u64 = 64,
        ifHCOutMulticastPkts: u64 = 72,
        ifHCOutBroadcastPkts: u64 = 80,
        ifOutErrors: u64 = 88,
        ifOutDiscards: u64 = 96,
        ifHCInUcastOctets: u64 = 104,
        ifHCInMulticastOctets: u64 = 112,
        ifHCInBroadcastOctets: u64 = 120,
        ifHCOutUcastOctets: u64 = 128,
        ifHCOutMulticastOctets: u64 = 136,
        ifHCOutBroadcastOctets: u64 = 144,
    }

    /// `NDIS_STATISTICS_VALUE` (ntddndis.h): 12 bytes on x64.
    struct NDIS_STATISTICS_VALUE record { size 12, align 4 } {
        Oid: NDIS_OID = 0,
        DataLength: u32 = 4,
        Data: [u8; 1] = 8,
    }

    /// `NDIS_STATISTICS_VALUE_EX` (ntddndis.h): 16 bytes on x64.
    struct NDIS_STATISTICS_VALUE_EX record { size 16, align 4 } {
        Oid: NDIS_OID = 0,
        DataLength: u32 = 4,
        Length: u32 = 8,
        Data: [u8; 1] = 12,
    }
}
