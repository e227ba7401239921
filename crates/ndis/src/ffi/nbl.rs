// SPDX-License-Identifier: MIT OR Apache-2.0
//! `NET_BUFFER_LIST`, `NET_BUFFER` and their pools.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NET_BUFFER_LIST` (ndis/nbl.h): 368 bytes on x64. Sizes: 240 from NDIS 6.0, 256 from NDIS 6.1, 288 from NDIS 6.20, 336 from NDIS 6.30, 352 from NDIS 6.50, 368 from NDIS 6.80.
    struct NET_BUFFER_LIST record { size 368, align 16 } {
        u0: NET_BUFFER_LIST_u0 = 0 anonymous,
        Context: *mut NET_BUFFER_LIST_CONTEXT = 16,
        ParentNetBufferList: *mut NET_BUFFER_LIST = 24,
        NdisPoolHandle: NDIS_HANDLE = 32,
        _pad_48: [u8; 8] = 40 padding,
        NdisReserved: [*mut c_void; 2] = 48,
        ProtocolReserved: [*mut c_void; 4] = 64,
        MiniportReserved: [*mut c_void; 2] = 96,
        Scratch: *mut c_void = 112,
        SourceHandle: NDIS_HANDLE = 120,
        NblFlags: u32 = 128,
        ChildRefCount: i32 = 132,
        Flags: u32 = 136,
        u140: NET_BUFFER_LIST_u140 = 140 anonymous,
        NetBufferListInfo: [*mut c_void; 27] = 144,
    }

    /// Part of [`NET_BUFFER_LIST`] at byte 140.
    union NET_BUFFER_LIST_u140 part { size 4, align 4 } {
        Status: NDIS_STATUS = 0,
        NdisReserved2: u32 = 0,
    }

    /// Part of [`NET_BUFFER_LIST`] at byte 0.
    union NET_BUFFER_LIST_u0 part { size 16, align 16 } {
        s: NET_BUFFER_LIST_u0_s = 0 anonymous,
        Link: SLIST_HEADER = 0,
        NetBufferListHeader: NET_BUFFER_LIST_HEADER = 0,
    }

    /// Part of [`NET_BUFFER_LIST`] at byte 0.
    struct NET_BUFFER_LIST_u0_s part { size 16, align 8 } {
        Next: *mut NET_BUFFER_LIST = 0,
        FirstNetBuffer: *mut NET_BUFFER = 8,
    }

    /// `NET_BUFFER` (ndis/nbl.h): 176 bytes on x64.
    struct NET_BUFFER record { size 176, align 16 } {
        u0: NET_BUFFER_u0 = 0 anonymous,
        ChecksumBias: u16 = 48,
        Reserved: u16 = 50,
        NdisPoolHandle: NDIS_HANDLE = 56,
        NdisReserved: [*mut c_void; 2] = 64,
        ProtocolReserved: [*mut c_void; 6] = 80,
        MiniportReserved: [*mut c_void; 4] = 128,
        DataPhysicalAddress: LARGE_INTEGER = 160,
        u168: NET_BUFFER_u168 = 168 anonymous,
    }

    /// Part of [`NET_BUFFER`] at byte 168.
    union NET_BUFFER_u168 part { size 8, align 8 } {
        SharedMemoryInfo: *mut NET_BUFFER_SHARED_MEMORY = 0,
        ScatterGatherList: *mut SCATTER_GATHER_LIST = 0,
    }

    /// Part of [`NET_BUFFER`] at byte 0.
    union NET_BUFFER_u0 part { size 48, align 16 } {
        s: NET_BUFFER_u0_s = 0 anonymous,
        Link: SLIST_HEADER = 0,
        NetBufferHeader: NET_BUFFER_HEADER = 0,
    }

    /// Part of [`NET_BUFFER`] at byte 0.
    struct NET_BUFFER_u0_s part { size 48, align 8 } {
        Next: *mut NET_BUFFER = 0,
        CurrentMdl: *mut MDL = 8,
        CurrentMdlOffset: u32 = 16,
        u: NET_BUFFER_u0_s_u = 24 anonymous,
        MdlChain: *mut MDL = 32,
        DataOffset: u32 = 40,
    }

    /// Part of [`NET_BUFFER`] at byte 24.
    union NET_BUFFER_u0_s_u part { size 8, align 8 } {
        DataLength: u32 = 0,
        stDataLength: u64 = 0,
    }

    /// `NET_BUFFER_LIST_HEADER` (ndis/nbl.h): 16 bytes on x64.
    union NET_BUFFER_LIST_HEADER record { size 16, align 16 } {
        s: NET_BUFFER_LIST_HEADER_s = 0 anonymous,
        Link: SLIST_HEADER = 0,
    }

    /// Part of [`NET_BUFFER_LIST_HEADER`] at byte 0.
    struct NET_BUFFER_LIST_HEADER_s part { size 16, align 8 } {
        Next: *mut NET_BUFFER_LIST = 0,
        FirstNetBuffer: *mut NET_BUFFER = 8,
    }

    /// `NET_BUFFER_HEADER` (ndis/nbl.h): 48 bytes on x64.
    union NET_BUFFER_HEADER record { size 48, align 16 } {
        s: NET_BUFFER_HEADER_s = 0 anonymous,
        Link: SLIST_HEADER = 0,
    }

    /// Part of [`NET_BUFFER_HEADER`] at byte 0.
    struct NET_BUFFER_HEADER_s part { size 48, align 8 } {
        Next: *mut NET_BUFFER = 0,
        CurrentMdl: *mut MDL = 8,
        CurrentMdlOffset: u32 = 16,
        u: NET_BUFFER_HEADER_s_u = 24 anonymous,
        MdlChain: *mut MDL = 32,
        DataOffset: u32 = 40,
    }

    /// Part of [`NET_BUFFER_HEADER`] at byte 24.
    union NET_BUFFER_HEADER_s_u part { size 8, align 8 } {
        DataLength: u32 = 0,
        stDataLength: u64 = 0,
    }

    /// `NET_BUFFER_DATA` (ndis/nbl.h): 48 bytes on x64.
    struct NET_BUFFER_DATA record { size 48, align 8 } {
        Next: *mut NET_BUFFER = 0,
        CurrentMdl: *mut MDL = 8,
        CurrentMdlOffset: u32 = 16,
        u: NET_BUFFER_DATA_u = 24 anonymous,
        MdlChain: *mut MDL = 32,
        DataOffset: u32 = 40,
    }

    /// Part of [`NET_BUFFER_DATA`] at byte 24.
    union NET_BUFFER_DATA_u part { size 8, align 8 } {
        DataLength: u32 = 0,
        stDataLength: u64 = 0,
    }

    /// `NET_BUFFER_LIST_DATA` (ndis/nbl.h): 16 bytes on x64.
    struct NET_BUFFER_LIST_DATA record { size 16, align 8 } {
        Next: *mut NET_BUFFER_LIST = 0,
        FirstNetBuffer: *mut NET_BUFFER = 8,
    }

    /// `NET_BUFFER_DATA_LENGTH` (ndis/nbl.h): 8 bytes on x64.
    union NET_BUFFER_DATA_LENGTH record { size 8, align 8 } {
        DataLength: u32 = 0,
        stDataLength: u64 = 0,
    }

    /// `NET_BUFFER_LIST_CONTEXT` (ndis/nbl.h): 16 bytes on x64.
    struct NET_BUFFER_LIST_CONTEXT record { size 16, align 16, align 16 } {
        Next: *mut NET_BUFFER_LIST_CONTEXT = 0,
        Size: u16 = 8,
        Offset: u16 = 10,
        _pad_16: [u8; 4] = 12 padding,
        ContextData: [u8; 0] = 16,
    }

    /// `NET_BUFFER_SHARED_MEMORY` (ndis/nbl.h, NDIS 6.20 and later): 32 bytes on x64.
    struct NET_BUFFER_SHARED_MEMORY record { size 32, align 8 } {
        NextSharedMemorySegment: *mut NET_BUFFER_SHARED_MEMORY = 0,
        SharedMemoryFlags: u32 = 8,
        SharedMemoryHandle: NDIS_HANDLE = 16,
        SharedMemoryOffset: u32 = 24,
        SharedMemoryLength: u32 = 28,
    }

    /// `NET_BUFFER_LIST_POOL_PARAMETERS` (ndis/nblapi.h): 20 bytes on x64. Sizes: 16 from NDIS 6.0, 20 from NDIS 6.87.
    struct NET_BUFFER_LIST_POOL_PARAMETERS record { size 20, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        ProtocolId: u8 = 4,
        fAllocateNetBuffer: BOOLEAN = 5,
        ContextSize: u16 = 6,
        PoolTag: u32 = 8,
        DataSize: u32 = 12,
        Flags: u32 = 16,
    }

    /// `NET_BUFFER_POOL_PARAMETERS` (ndis/nblapi.h): 16 bytes on x64. Sizes: 12 from NDIS 6.0, 16 from NDIS 6.87.
    struct NET_BUFFER_POOL_PARAMETERS record { size 16, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        PoolTag: u32 = 4,
        DataSize: u32 = 8,
        Flags: u32 = 12,
    }

    /// `NET_BUFFER_LIST_TIMESTAMP` (ndis/nbltimestamp.h, NDIS 6.82 and later): 8 bytes on x64.
    struct NET_BUFFER_LIST_TIMESTAMP record { size 8, align 8 } {
        Timestamp: u64 = 0,
    }
}
