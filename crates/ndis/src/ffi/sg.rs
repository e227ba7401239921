// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scatter/gather DMA and shared memory.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_SG_DMA_DESCRIPTION` (ndis.h): 48 bytes on x64. Sizes: 40 from NDIS 6.0, 48 from NDIS 6.85.
    struct NDIS_SG_DMA_DESCRIPTION record { size 48, align 8 } {
        /// Object type, revision and size of this structure. In.
        Header: NDIS_OBJECT_HEADER = 0,
        /// `NDIS_SG_DMA_64_BIT_ADDRESS`, or 0. In.
        Flags: u32 = 4,
        /// Largest transfer to be mapped, in bytes. In.
        MaximumPhysicalMapping: u32 = 8,
        /// Called with each list. In.
        ProcessSGListHandler: Option<MINIPORT_PROCESS_SG_LIST> = 16,
        /// Called with memory that was asked for asynchronously, or null. In.
        SharedMemAllocateCompleteHandler: Option<MINIPORT_ALLOCATE_SHARED_MEM_COMPLETE> = 24,
        /// Bytes of a list for the largest transfer. Out.
        ScatterGatherListSize: u32 = 32,
        /// Another physical device object, or null. In.
        PdoOverride: *mut DEVICE_OBJECT = 40,
    }

    /// `SCATTER_GATHER_LIST` (wdm.h): 16 bytes on x64.
    struct SCATTER_GATHER_LIST record { size 16, align 8 } {
        /// Number of elements.
        NumberOfElements: u32 = 0,
        /// The system's.
        Reserved: u64 = 8,
        /// The elements, as many as that.
        Elements: [SCATTER_GATHER_ELEMENT; 0] = 16,
    }

    /// `SCATTER_GATHER_ELEMENT` (wdm.h): 24 bytes on x64.
    struct SCATTER_GATHER_ELEMENT record { size 24, align 8 } {
        /// Logical address, for the device.
        Address: LARGE_INTEGER = 0,
        /// Bytes from there.
        Length: u32 = 8,
        /// The system's.
        Reserved: u64 = 16,
    }

    /// `NDIS_SCATTER_GATHER_LIST_PARAMETERS` (ndis.h, NDIS 6.20 and later): 72 bytes on x64.
    struct NDIS_SCATTER_GATHER_LIST_PARAMETERS record { size 72, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        QueueId: u32 = 8,
        SharedMemoryUsage: i32 = 12,
        Mdl: *mut MDL = 16,
        CurrentVa: *mut c_void = 24,
        Length: u32 = 32,
        ProcessSGListHandler: Option<NDIS_PROCESS_SG_LIST> = 40,
        Context: *mut c_void = 48,
        ScatterGatherListBuffer: *mut SCATTER_GATHER_LIST = 56,
        ScatterGatherListBufferSize: u32 = 64,
        ScatterGatherListBufferSizeNeeded: u32 = 68,
    }

    /// `NDIS_SHARED_MEMORY_PARAMETERS` (ndis.h, NDIS 6.20 and later): 72 bytes on x64. Sizes: 64 from NDIS 6.20, 72 from NDIS 6.30.
    struct NDIS_SHARED_MEMORY_PARAMETERS record { size 72, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        QueueId: u32 = 8,
        SharedMemoryHandle: NDIS_HANDLE = 16,
        PreferredNode: u32 = 24,
        Usage: i32 = 28,
        Length: u32 = 32,
        VirtualAddress: *mut c_void = 40,
        SGListBufferLength: u32 = 48,
        SGListBuffer: *mut SCATTER_GATHER_LIST = 56,
        VPortId: u32 = 64,
    }
}
