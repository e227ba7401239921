// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive filters, queues, NIC switch, SR-IOV and QoS capabilities.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_RECEIVE_FILTER_CAPABILITIES` (ntddndis.h, NDIS 6.20 and later): 84 bytes on x64. Sizes: 56 from NDIS 6.20, 84 from NDIS 6.30.
    struct NDIS_RECEIVE_FILTER_CAPABILITIES record { size 84, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        EnabledFilterTypes: u32 = 8,
        EnabledQueueTypes: u32 = 12,
        NumQueues: u32 = 16,
        SupportedQueueProperties: u32 = 20,
        SupportedFilterTests: u32 = 24,
        SupportedHeaders: u32 = 28,
        SupportedMacHeaderFields: u32 = 32,
        MaxMacHeaderFilters: u32 = 36,
        MaxQueueGroups: u32 = 40,
        MaxQueuesPerQueueGroup: u32 = 44,
        MinLookaheadSplitSize: u32 = 48,
        MaxLookaheadSplitSize: u32 = 52,
        SupportedARPHeaderFields: u32 = 56,
        SupportedIPv4HeaderFields: u32 = 60,
        SupportedIPv6HeaderFields: u32 = 64,
        SupportedUdpHeaderFields: u32 = 68,
        MaxFieldTestsPerPacketCoalescingFilter: u32 = 72,
        MaxPacketCoalescingFilters: u32 = 76,
        NdisReserved: u32 = 80,
    }

    /// `NDIS_RECEIVE_FILTER_GLOBAL_PARAMETERS` (ntddndis.h, NDIS 6.20 and later): 16 bytes on x64.
    struct NDIS_RECEIVE_FILTER_GLOBAL_PARAMETERS record { size 16, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        EnabledFilterTypes: u32 = 8,
        EnabledQueueTypes: u32 = 12,
    }

    /// `NDIS_RECEIVE_FILTER_PARAMETERS` (ntddndis.h, NDIS 6.20 and later): 44 bytes on x64. Sizes: 36 from NDIS 6.20, 44 from NDIS 6.30.
    struct NDIS_RECEIVE_FILTER_PARAMETERS record { size 44, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        FilterType: NDIS_RECEIVE_FILTER_TYPE = 8,
        QueueId: u32 = 12,
        FilterId: u32 = 16,
        FieldParametersArrayOffset: u32 = 20,
        FieldParametersArrayNumElements: u32 = 24,
        FieldParametersArrayElementSize: u32 = 28,
        RequestedFilterIdBitCount: u32 = 32,
        MaxCoalescingDelay: u32 = 36,
        VPortId: u32 = 40,
    }

    /// `NDIS_RECEIVE_FILTER_FIELD_PARAMETERS` (ntddndis.h, NDIS 6.20 and later): 56 bytes on x64.
    struct NDIS_RECEIVE_FILTER_FIELD_PARAMETERS record { size 56, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        FrameHeader: i32 = 8,
        ReceiveFilterTest: i32 = 12,
        HeaderField: NDIS_RECEIVE_FILTER_FIELD_PARAMETERS_HeaderField = 16 nested,
        FieldValue: NDIS_RECEIVE_FILTER_FIELD_PARAMETERS_FieldValue = 24 nested,
        ResultValue: NDIS_RECEIVE_FILTER_FIELD_PARAMETERS_ResultValue = 40 nested,
    }

    /// Part of [`NDIS_RECEIVE_FILTER_FIELD_PARAMETERS`] at byte 40.
    union NDIS_RECEIVE_FILTER_FIELD_PARAMETERS_ResultValue part { size 16, align 8 } {
        ResultByteValue: u8 = 0,
        ResultShortValue: u16 = 0,
        ResultLongValue: u32 = 0,
        ResultLong64Value: u64 = 0,
        ResultByteArrayValue: [u8; 16] = 0,
    }

    /// Part of [`NDIS_RECEIVE_FILTER_FIELD_PARAMETERS`] at byte 24.
    union NDIS_RECEIVE_FILTER_FIELD_PARAMETERS_FieldValue part { size 16, align 8 } {
        FieldByteValue: u8 = 0,
        FieldShortValue: u16 = 0,
        FieldLongValue: u32 = 0,
        FieldLong64Value: u64 = 0,
        FieldByteArrayValue: [u8; 16] = 0,
    }

    /// Part of [`NDIS_RECEIVE_FILTER_FIELD_PARAMETERS`] at byte 16.
    union NDIS_RECEIVE_FILTER_FIELD_PARAMETERS_HeaderField part { size 4, align 4 } {
        MacHeaderField: i32 = 0,
        ArpHeaderField: i32 = 0,
        IPv4HeaderField: i32 = 0,
        IPv6HeaderField: i32 = 0,
        UdpHeaderField: i32 = 0,
    }

    /// `NDIS_RECEIVE_FILTER_CLEAR_PARAMETERS` (ntddndis.h, NDIS 6.20 and later): 16 bytes on x64.
    struct NDIS_RECEIVE_FILTER_CLEAR_PARAMETERS record { size 16, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        QueueId: u32 = 8,
        FilterId: u32 = 12,
    }

    /// `NDIS_RECEIVE_QUEUE_PARAMETERS` (ntddndis.h, NDIS 6.20 and later): 1096 bytes on x64. Sizes: 1088 from NDIS 6.20, 1096 from NDIS 6.30.
    struct NDIS_RECEIVE_QUEUE_PARAMETERS record { size 1096, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        QueueType: i32 = 8,
        QueueId: u32 = 12,
        QueueGroupId: u32 = 16,
        ProcessorAffinity: GROUP_AFFINITY = 24,
        NumSuggestedReceiveBuffers: u32 = 40,
        MSIXTableEntry: u32 = 44,
        LookaheadSize: u32 = 48,
        VmName: [u32; 129] = 52,
        QueueName: [u32; 129] = 568,
        PortId: u32 = 1084,
        InterruptCoalescingDomainId: u32 = 1088,
        QosSqId: u32 = 1092,
    }

    /// `NDIS_NIC_SWITCH_CAPABILITIES` (ntddndis.h, NDIS 6.20 and later): 132 bytes on x64. Sizes: 32 from NDIS 6.20, 116 from NDIS 6.30, 132 from NDIS 6.60.
    struct NDIS_NIC_SWITCH_CAPABILITIES record { size 132, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        NdisReserved1: u32 = 8,
        NumTotalMacAddresses: u32 = 12,
        NumMacAddressesPerPort: u32 = 16,
        NumVlansPerPort: u32 = 20,
        NdisReserved2: u32 = 24,
        NdisReserved3: u32 = 28,
        NicSwitchCapabilities: u32 = 32,
        MaxNumSwitches: u32 = 36,
        MaxNumVPorts: u32 = 40,
        NdisReserved4: u32 = 44,
        MaxNumVFs: u32 = 48,
        MaxNumQueuePairs: u32 = 52,
        NdisReserved5: u32 = 56,
        NdisReserved6: u32 = 60,
        NdisReserved7: u32 = 64,
        MaxNumQueuePairsPerNonDefaultVPort: u32 = 68,
        NdisReserved8: u32 = 72,
        NdisReserved9: u32 = 76,
        NdisReserved10: u32 = 80,
        NdisReserved11: u32 = 84,
        NdisReserved12: u32 = 88,
        MaxNumMacAddresses: u32 = 92,
        NdisReserved13: u32 = 96,
        NdisReserved14: u32 = 100,
        NdisReserved15: u32 = 104,
        NdisReserved16: u32 = 108,
        NdisReserved17: u32 = 112,
        MaxNumRssCapableNonDefaultPFVPorts: u32 = 116,
        NumberOfIndirectionTableEntriesForDefaultVPort: u32 = 120,
        NumberOfIndirectionTableEntriesPerNonDefaultPFVPort: u32 = 124,
        MaxNumQueuePairsForDefaultVPort: u32 = 128,
    }

    /// `NDIS_SRIOV_CAPABILITIES` (ntddndis.h, NDIS 6.30 and later): 12 bytes on x64.
    struct NDIS_SRIOV_CAPABILITIES record { size 12, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        SriovCapabilities: u32 = 8,
    }

    /// `NDIS_QOS_CAPABILITIES` (ntddndis.h, NDIS 6.30 and later): 20 bytes on x64.
    struct NDIS_QOS_CAPABILITIES record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        MaxNumTrafficClasses: u32 = 8,
        MaxNumEtsCapableTrafficClasses: u32 = 12,
        MaxNumPfcEnabledTrafficClasses: u32 = 16,
    }
}
