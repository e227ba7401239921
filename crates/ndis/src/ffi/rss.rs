// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive-side scaling.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_RECEIVE_SCALE_CAPABILITIES` (ntddndis.h): 20 bytes on x64. Sizes: 16 from NDIS 6.0, 20 from NDIS 6.30.
    struct NDIS_RECEIVE_SCALE_CAPABILITIES record { size 20, align 4 } {
        /// Object type, revision and size of this structure.
        Header: NDIS_OBJECT_HEADER = 0,
        /// `NDIS_RSS_CAPS_…`, and the hash functions and types.
        CapabilitiesFlags: u32 = 4,
        /// Messages that the hardware can use for receiving.
        NumberOfInterruptMessages: u32 = 8,
        /// Receive queues of the hardware.
        NumberOfReceiveQueues: u32 = 12,
        /// Entries of the indirection table.
        NumberOfIndirectionTableEntries: u16 = 16,
        _pad_18: [u8; 2] = 18 padding,
    }

    /// `NDIS_RECEIVE_SCALE_PARAMETERS` (ntddndis.h): 44 bytes on x64. Sizes: 28 from NDIS 6.0, 40 from NDIS 6.20, 44 from NDIS 6.60.
    struct NDIS_RECEIVE_SCALE_PARAMETERS record { size 44, align 4 } {
        /// Object type, revision and size of this structure.
        Header: NDIS_OBJECT_HEADER = 0,
        /// `NDIS_RSS_PARAM_FLAG_…`: what is unchanged, or that scaling is off.
        Flags: u16 = 4,
        /// Number to add to the table's processors; not used since NDIS 6.20.
        BaseCpuNumber: u16 = 6,
        /// Hash function and types; 0: scaling is off.
        HashInformation: u32 = 8,
        /// Bytes of the indirection table.
        IndirectionTableSize: u16 = 12,
        _pad_14: [u8; 2] = 14 padding,
        /// Where the table begins, in bytes from the start of this structure.
        IndirectionTableOffset: u32 = 16,
        /// Bytes of the key.
        HashSecretKeySize: u16 = 20,
        _pad_22: [u8; 2] = 22 padding,
        /// Where the key begins, in bytes from the start of this structure.
        HashSecretKeyOffset: u32 = 24,
        /// Where the processor masks begin, in bytes from the start of this structure.
        ProcessorMasksOffset: u32 = 28,
        /// Number of masks.
        NumberOfProcessorMasks: u32 = 32,
        /// Bytes of a mask.
        ProcessorMasksEntrySize: u32 = 36,
        /// Processor of frames without a hash.
        DefaultProcessorNumber: PROCESSOR_NUMBER = 40,
    }

    /// `NDIS_RECEIVE_SCALE_PARAMETERS_V2` (ntddndis.h, NDIS 6.80 and later): 28 bytes on x64.
    struct NDIS_RECEIVE_SCALE_PARAMETERS_V2 record { size 28, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        HashInformation: u32 = 8,
        HashSecretKeySize: u32 = 12,
        HashSecretKeyOffset: u32 = 16,
        NumberOfQueues: u32 = 20,
        NumberOfIndirectionTableEntries: u32 = 24,
    }

    /// `NDIS_RSS_SET_INDIRECTION_ENTRY` (ntddndis.h, NDIS 6.80 and later): 24 bytes on x64.
    struct NDIS_RSS_SET_INDIRECTION_ENTRY record { size 24, align 4 } {
        SwitchId: u32 = 0,
        VPortId: u32 = 4,
        Flags: u32 = 8,
        IndirectionTableIndex: u16 = 12,
        TargetProcessorNumber: PROCESSOR_NUMBER = 14,
        EntryStatus: NDIS_STATUS = 20,
    }

    /// `NDIS_RSS_SET_INDIRECTION_ENTRIES` (ntddndis.h, NDIS 6.80 and later): 20 bytes on x64.
    struct NDIS_RSS_SET_INDIRECTION_ENTRIES record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        RssEntrySize: u32 = 8,
        RssEntryTableOffset: u32 = 12,
        NumberOfRssEntries: u32 = 16,
    }

    /// `NDIS_RSS_PROCESSOR` (ntddndis.h, NDIS 6.20 and later): 8 bytes on x64.
    struct NDIS_RSS_PROCESSOR record { size 8, align 2 } {
        ProcNum: PROCESSOR_NUMBER = 0,
        PreferenceIndex: u16 = 4,
        Reserved: u16 = 6,
    }

    /// `NDIS_RSS_PROCESSOR_INFO` (ntddndis.h, NDIS 6.20 and later): 40 bytes on x64. Sizes: 32 from NDIS 6.20, 40 from NDIS 6.30.
    struct NDIS_RSS_PROCESSOR_INFO record { size 40, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        RssBaseProcessor: PROCESSOR_NUMBER = 8,
        MaxNumRssProcessors: u32 = 12,
        PreferredNumaNode: u16 = 16,
        RssProcessorArrayOffset: u32 = 20,
        RssProcessorCount: u32 = 24,
        RssProcessorEntrySize: u32 = 28,
        RssMaxProcessor: PROCESSOR_NUMBER = 32,
        RssProfile: NDIS_RSS_PROFILE = 36,
    }

    /// `NDIS_RECEIVE_HASH_PARAMETERS` (ntddndis.h): 20 bytes on x64.
    struct NDIS_RECEIVE_HASH_PARAMETERS record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        HashInformation: u32 = 8,
        HashSecretKeySize: u16 = 12,
        _pad_14: [u8; 2] = 14 padding,
        HashSecretKeyOffset: u32 = 16,
    }

    /// `NDIS_SYSTEM_PROCESSOR_INFO` (ndis.h): 1072 bytes on x64.
    struct NDIS_SYSTEM_PROCESSOR_INFO record { size 1072, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        ProcessorVendor: i32 = 8,
        NumPhysicalPackages: u32 = 12,
        NumCores: u32 = 16,
        NumCoresPerPhysicalPackage: u32 = 20,
        MaxHyperThreadingCpusPerCore: u32 = 24,
        RssBaseCpu: u32 = 28,
        RssCpuCount: u32 = 32,
        RssProcessors: *mut u8 = 40,
        CpuInfo: [[u64; 2]; 64] = 48,
    }

    /// `NDIS_SYSTEM_PROCESSOR_INFO_EX` (ntddndis.h, NDIS 6.20 and later): 40 bytes on x64.
    struct NDIS_SYSTEM_PROCESSOR_INFO_EX record { size 40, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        ProcessorVendor: i32 = 8,
        NumSockets: u32 = 12,
        NumCores: u32 = 16,
        NumCoresPerSocket: u32 = 20,
        MaxHyperThreadingProcsPerCore: u32 = 24,
        ProcessorInfoOffset: u32 = 28,
        NumberOfProcessors: u32 = 32,
        ProcessorInfoEntrySize: u32 = 36,
    }
}
