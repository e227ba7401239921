// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS memory and MDLs. At most DISPATCH_LEVEL for ordinary memory.

use alloc::format;

use ndis::ffi::*;

use crate::{
    exports,
    exports::{
        Call, Level,
        nt::{
            mdl,
            pool::{self, Request, scope_of},
        },
    },
    guest::{self, Ptr},
    ledger::{self, Kind, Scope},
    verify,
};

/// `NDIS_MEMORY_CONTIGUOUS`.
const CONTIGUOUS: u32 = 1;
/// `NDIS_MEMORY_NONCACHED`.
const NONCACHED: u32 = 2;

fn allocate(call: &Call, handle: u64, bytes: u32, tag: u32) -> usize {
    pool::allocate(
        call,
        Request {
            bytes: bytes as usize,
            tag,
            paged: false,
            zero: false,
            cache_aligned: false,
            scope: scope_of(handle),
            kind: Kind::Pool,
        },
    )
}

exports! {
    "ndis.sys";

    /// Nonpaged memory, not zeroed.
    [Dispatch] fn NdisAllocateMemoryWithTagPriority(call, handle: u64, bytes: u32, tag: u32, _priority: i32) -> usize {
        allocate(call, handle, bytes, tag)
    }
    /// Nonpaged memory; the older form with a status.
    [Dispatch] fn NdisAllocateMemoryWithTag(call, out: Ptr<u64>, bytes: u32, tag: u32) -> i32 {
        let address = allocate(call, 0, bytes, tag);
        out.write(address as u64);
        if address == 0 { NDIS_STATUS_FAILURE } else { NDIS_STATUS_SUCCESS }
    }
    /// Memory of NDIS 5, with flags and a highest address.
    [Passive] fn NdisAllocateMemory(call, out: Ptr<u64>, bytes: u32, flags: u32, highest: u64) -> i32 {
        let address = if flags & CONTIGUOUS != 0 {
            pool::MmAllocateContiguousMemory::body(call, bytes as usize, highest)
        } else if flags & NONCACHED != 0 {
            pool::MmAllocateNonCachedMemory::body(call, bytes as usize)
        } else {
            allocate(call, 0, bytes, u32::from_le_bytes(*b"NDam"))
        };
        out.write(address as u64);
        if address == 0 { NDIS_STATUS_FAILURE } else { NDIS_STATUS_SUCCESS }
    }
    /// Frees memory of any of the above.
    [Dispatch] fn NdisFreeMemory(call, address: usize, bytes: u32, flags: u32) {
        if flags & CONTIGUOUS != 0 {
            call.require(Level::Passive, " of contiguous memory");
            return pool::MmFreeContiguousMemory::body(call, address);
        }
        if flags & NONCACHED != 0 {
            call.require(Level::Apc, " of non-cached memory");
            return pool::MmFreeNonCachedMemory::body(call, address, bytes as usize);
        }
        if let Some(entry) = ledger::get(Kind::Pool, address as u64) {
            // 0 is allowed for memory with a tag.
            verify::check("H-04", bytes == 0 || u64::from(bytes) == entry.size, || call.text(&format!("Length {bytes}, but {entry}")));
        }
        pool::free(call, Kind::Pool, address, None)
    }
    /// Frees memory with its tag.
    [Dispatch] fn NdisFreeMemoryWithTag(call, address: usize, tag: u32) { pool::free(call, Kind::Pool, address, Some(tag)) }
    /// Frees memory with its tag.
    [Dispatch] fn NdisFreeMemoryWithTagPriority(call, _handle: u64, address: usize, tag: u32) { pool::free(call, Kind::Pool, address, Some(tag)) }

    /// An MDL for nonpaged memory, built.
    [Dispatch] fn NdisAllocateMdl(call, handle: u64, address: usize, bytes: u32) -> Ptr<MDL> {
        guest::require(address, bytes as usize, false);
        let mdl = mdl::allocate(call, address, bytes as usize, scope_of(handle));
        if !mdl.is_null() {
            mdl::build(call, mdl);
        }
        mdl
    }
    /// Frees an MDL.
    [Dispatch] fn NdisFreeMdl(call, mdl: Ptr<MDL>) { mdl::free(call, mdl) }
    /// Frees an MDL, by its name in NDIS 5.
    [Dispatch] fn NdisFreeBuffer(call, mdl: Ptr<MDL>) { mdl::free(call, mdl) }
    /// An MDL for a part of what another one describes.
    [Dispatch] fn NdisCopyBuffer(call, status: Ptr<i32>, out: Ptr<u64>, _pool: u64, source: Ptr<MDL>, offset: u32, bytes: u32) {
        let start = crate::field!(source, StartVa).read() as usize + crate::field!(source, ByteOffset).read() as usize + offset as usize;
        let mdl = mdl::allocate(call, start, bytes as usize, Scope::Driver);
        if !mdl.is_null() {
            mdl::IoBuildPartialMdl::body(call, source, mdl, start, bytes);
        }
        out.write(mdl.addr() as u64);
        status.write(if mdl.is_null() { NDIS_STATUS_RESOURCES } else { NDIS_STATUS_SUCCESS });
    }
}
