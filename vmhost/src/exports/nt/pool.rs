// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pool memory. At most DISPATCH_LEVEL, below it for paged pool.
//!
//! Every block is special pool (contract V-01): it has its own pages with a guard page on each
//! side, ends as near to the guard page behind it as 16-byte alignment allows, its address is
//! never used again, and the bytes around it carry a pattern that is checked when it is freed.

use alloc::{format, string::String, vec::Vec};

use ndis::ffi::*;

use super::{dpc, timer};
use crate::{
    exports,
    exports::{Call, Level},
    guest::{self, PAGE, POISON, Ptr},
    ledger::{self, Kind, Scope},
    machine::vspace,
    verify,
};

/// What an allocation asks for, whichever function it came through.
#[derive(Clone, Copy)]
pub struct Request {
    /// Bytes.
    pub bytes: usize,
    /// Pool tag.
    pub tag: u32,
    /// Paged pool.
    pub paged: bool,
    /// Filled with zeroes instead of the poison pattern.
    pub zero: bool,
    /// Begin on a cache line.
    pub cache_aligned: bool,
    /// By when it must be freed.
    pub scope: Scope,
    /// Ledger kind.
    pub kind: Kind,
}

/// First address of a block in its pages. Blocks of a page or more begin on a page, as Windows
/// promises; smaller ones end at the end of their page.
const fn place_in(base: usize, pages: usize, bytes: usize, align: usize) -> usize {
    if bytes >= PAGE {
        base
    } else {
        (base + pages * PAGE - bytes) & !(align - 1)
    }
}

/// Allocates; 0 when memory is exhausted.
pub fn allocate(call: &Call, request: Request) -> usize {
    let Request {
        bytes,
        tag,
        paged,
        zero,
        cache_aligned,
        scope,
        kind,
    } = request;
    if !verify::check("V-28", bytes != 0, || call.text("zero bytes asked for")) {
        // Windows hands out a minimal block; so do we, so that the run can go on.
        return allocate(
            call,
            Request {
                bytes: 1,
                ..request
            },
        );
    }
    verify::check("V-28", tag != 0, || call.text("pool tag 0"));
    if paged {
        call.require(Level::Apc, " of paged pool");
    }
    let pages = bytes.div_ceil(PAGE);
    let Some(base) = vspace::map_new(pages, vspace::Prot::RW, POISON) else {
        return 0;
    };
    let address = place_in(base, pages, bytes, if cache_aligned { 64 } else { 16 });
    if zero {
        guest::fill(address, bytes, 0);
    }
    vspace::label(base, if paged { "paged pool" } else { "nonpaged pool" });
    ledger::add_with(
        kind,
        address as u64,
        bytes as u64,
        scope,
        call.rip,
        u64::from(tag),
    );
    address
}

/// Frees a block. `tag` is checked when the function has one and it is not 0.
pub fn free(call: &Call, kind: Kind, address: usize, tag: Option<u32>) {
    if address == 0 {
        verify::violation("V-28", call.text("NULL is freed"));
        return;
    }
    let Some(entry) = ledger::expect_remove("V-01", kind, address as u64, call.name()) else {
        return;
    };
    if let Some(tag) = tag.filter(|t| *t != 0) {
        verify::check("V-28", u64::from(tag) == entry.extra, || {
            format!(
                "{}: tag {} but the block was allocated with {}",
                call.name(),
                tag_text(tag),
                tag_text(entry.extra as u32)
            )
        });
    }
    release(address, entry.size as usize, call.name());
}

/// The checks on freed memory and the unmapping, for all kinds of blocks.
pub fn release(address: usize, bytes: usize, what: &str) {
    let pages = bytes.div_ceil(PAGE).max(1);
    let base = address & !(PAGE - 1);
    let before = guest::find_not(base, address - base, POISON);
    let end = address + bytes;
    let after = guest::find_not(end, base + pages * PAGE - end, POISON);
    verify::check("V-01", before.is_none(), || {
        format!(
            "{what}: memory before the block of {bytes} bytes at {address:#x} was written, {} bytes ahead of it",
            address - base - before.unwrap_or(0)
        )
    });
    verify::check("V-01", after.is_none(), || {
        format!(
            "{what}: memory behind the block of {bytes} bytes at {address:#x} was written, at offset {}",
            bytes + after.unwrap_or(0)
        )
    });
    check_idle(address, bytes, what);
    vspace::unmap(base);
}

/// Nothing that the system still uses may lie in memory that is freed (V-12).
fn check_idle(address: usize, bytes: usize, what: &str) {
    verify::locks::forget(address as u64, bytes as u64, true);
    let mut live: Vec<String> = timer::active_inside(address, bytes);
    live.extend(dpc::queued_inside(address, bytes));
    live.extend(
        ledger::inside(Kind::Lookaside, address as u64, bytes as u64)
            .iter()
            .map(|e| format!("{e}")),
    );
    verify::check("V-12", live.is_empty(), || {
        format!(
            "{what}: the block at {address:#x} holds {}",
            live.join(", ")
        )
    });
}

/// A pool tag as its four characters.
pub fn tag_text(tag: u32) -> String {
    let c = tag.to_le_bytes();
    if c.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        format!("'{}'", String::from_utf8_lossy(&c))
    } else {
        format!("{tag:#x}")
    }
}

fn by_pool_type(call: &Call, pool_type: i32, bytes: usize, tag: u32) -> usize {
    let base = pool_type & 0x207; // Without the quota, session and verifier bits.
    if base & PagedPool == 0 && pool_type & NonPagedPoolNx == 0 {
        verify::advise(
            "G-09",
            call.text("executable nonpaged pool asked for; use NonPagedPoolNx"),
        );
    }
    let address = allocate(
        call,
        Request {
            bytes,
            tag,
            paged: base & PagedPool != 0,
            zero: pool_type & 1024 != 0, // POOL_ZERO_ALLOCATION
            cache_aligned: base & 4 != 0,
            scope: Scope::Driver,
            kind: Kind::Pool,
        },
    );
    if address == 0 && pool_type & 16 != 0 {
        // POOL_RAISE_IF_ALLOCATION_FAILURE raises an exception, which this host cannot deliver.
        verify::stop(
            "V-28",
            call.text("allocation failed and the caller asked for an exception"),
        );
    }
    address
}

fn by_flags(call: &Call, flags: u64, bytes: usize, tag: u32) -> usize {
    let kinds = flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED);
    // Exactly one pool must be named, and unknown bits of the lower half are refused.
    if !verify::check("V-28", kinds.is_power_of_two(), || {
        call.text("POOL_FLAGS name no single pool")
    }) || flags & POOL_FLAG_UNUSED_REQUIRED_BITS != 0
    {
        return 0;
    }
    if kinds == POOL_FLAG_NON_PAGED_EXECUTE {
        verify::advise("G-09", call.text("executable nonpaged pool asked for"));
    }
    allocate(
        call,
        Request {
            bytes,
            tag,
            paged: kinds == POOL_FLAG_PAGED,
            zero: flags & POOL_FLAG_UNINITIALIZED == 0,
            cache_aligned: flags & POOL_FLAG_CACHE_ALIGNED != 0,
            scope: Scope::Driver,
            kind: Kind::Pool,
        },
    )
}

/// Contiguous memory for the `Mm` and `Ndis` functions: frames one after another, below `highest`.
fn contiguous(call: &Call, bytes: usize, highest: u64, cache: MEMORY_CACHING_TYPE) -> usize {
    if !verify::check("V-28", bytes != 0, || call.text("zero bytes asked for")) {
        return 0;
    }
    let pages = bytes.div_ceil(PAGE);
    let Some(pa) = crate::machine::pages::alloc_below(pages, highest, PAGE as u64) else {
        return 0;
    };
    let cache = if cache == MmNonCached {
        vspace::Cache::Uncached
    } else {
        vspace::Cache::WriteBack
    };
    let address = vspace::map_phys(
        pa,
        pages,
        vspace::Prot {
            write: true,
            exec: false,
            cache,
        },
    );
    guest::fill(address, pages * PAGE, POISON);
    vspace::label(address, "contiguous memory");
    ledger::add_with(
        Kind::ContiguousMemory,
        address as u64,
        bytes as u64,
        Scope::Driver,
        call.rip,
        pa,
    );
    address
}

fn free_contiguous(call: &Call, address: usize) {
    let Some(entry) =
        ledger::expect_remove("V-01", Kind::ContiguousMemory, address as u64, call.name())
    else {
        return;
    };
    let bytes = entry.size as usize;
    release(address, bytes, call.name());
    crate::machine::pages::free(entry.extra, bytes.div_ceil(PAGE));
}

exports! {
    "ntoskrnl.exe";

    /// Pool by flags, zeroed unless the caller says otherwise.
    [Dispatch] fn ExAllocatePool2(call, flags: u64, bytes: usize, tag: u32) -> usize { by_flags(call, flags, bytes, tag) }
    /// Like `ExAllocatePool2`; the extended parameters (priority, node) change nothing here.
    [Dispatch] fn ExAllocatePool3(call, flags: u64, bytes: usize, tag: u32, parameters: usize, count: u32) -> usize {
        // POOL_EXTENDED_PARAMETER: 16 bytes each; only optional ones may be left without effect.
        for i in 0..count as usize {
            guest::require(parameters + i * 16, 16, false);
        }
        by_flags(call, flags, bytes, tag)
    }
    /// Pool by type.
    [Dispatch] fn ExAllocatePoolWithTag(call, pool_type: i32, bytes: usize, tag: u32) -> usize { by_pool_type(call, pool_type, bytes, tag) }
    /// Pool by type without a tag; the system uses its own.
    [Dispatch] fn ExAllocatePool(call, pool_type: i32, bytes: usize) -> usize { by_pool_type(call, pool_type, bytes, u32::from_le_bytes(*b"None")) }
    /// Pool by type; the priority changes nothing here.
    [Dispatch] fn ExAllocatePoolWithTagPriority(call, pool_type: i32, bytes: usize, tag: u32, _priority: u32) -> usize { by_pool_type(call, pool_type, bytes, tag) }
    /// Pool charged to the process; the kernel has no quota.
    [Dispatch] fn ExAllocatePoolWithQuotaTag(call, pool_type: i32, bytes: usize, tag: u32) -> usize { by_pool_type(call, pool_type & !8, bytes, tag) }
    /// Frees any pool block.
    [Dispatch] fn ExFreePool(call, address: usize) { free(call, Kind::Pool, address, None) }
    /// Frees a pool block with the tag it was allocated with.
    [Dispatch] fn ExFreePoolWithTag(call, address: usize, tag: u32) { free(call, Kind::Pool, address, Some(tag)) }
    /// Frees a pool block.
    [Dispatch] fn ExFreePool2(call, address: usize, tag: u32, _parameters: usize, _count: u32) { free(call, Kind::Pool, address, Some(tag)) }

    /// Physically contiguous memory below an address.
    [Dispatch] fn MmAllocateContiguousMemory(call, bytes: usize, highest: u64) -> usize { contiguous(call, bytes, highest, MmCached) }
    /// The same with lower bound, boundary and caching.
    [Dispatch] fn MmAllocateContiguousMemorySpecifyCache(call, bytes: usize, _lowest: u64, highest: u64, _boundary: u64, cache: i32) -> usize {
        contiguous(call, bytes, highest, cache)
    }
    /// The same by page protection; 0x200 is PAGE_NOCACHE.
    [Dispatch] fn MmAllocateContiguousNodeMemory(call, bytes: usize, _lowest: u64, highest: u64, _boundary: u64, protect: u32, _node: u32) -> usize {
        contiguous(call, bytes, highest, if protect & 0x200 != 0 { MmNonCached } else { MmCached })
    }
    /// Frees contiguous memory.
    [Dispatch] fn MmFreeContiguousMemory(call, address: usize) { free_contiguous(call, address) }
    /// Frees contiguous memory.
    [Dispatch] fn MmFreeContiguousMemorySpecifyCache(call, address: usize, bytes: usize, _cache: i32) {
        if let Some(entry) = ledger::get(Kind::ContiguousMemory, address as u64) {
            verify::check("H-04", entry.size == bytes as u64, || format!("{}: {bytes} bytes, but {entry}", call.name()));
        }
        free_contiguous(call, address)
    }
    /// Non-cached memory, whole pages.
    [Apc] fn MmAllocateNonCachedMemory(call, bytes: usize) -> usize {
        let prot = vspace::Prot { write: true, exec: false, cache: vspace::Cache::Uncached };
        let Some(address) = vspace::map_new(bytes.div_ceil(PAGE).max(1), prot, POISON) else { return 0 };
        ledger::add(Kind::NonCachedMemory, address as u64, bytes as u64, Scope::Driver, call.rip);
        address
    }
    /// Frees non-cached memory with its length.
    [Apc] fn MmFreeNonCachedMemory(call, address: usize, bytes: usize) {
        if let Some(entry) = ledger::expect_remove("V-01", Kind::NonCachedMemory, address as u64, call.name()) {
            verify::check("H-04", entry.size == bytes as u64, || format!("{}: {bytes} bytes, but {entry}", call.name()));
            release(address, entry.size as usize, call.name());
        }
    }

    /// Prepares a lookaside list for nonpaged blocks. See [`init_lookaside`].
    [Dispatch] fn ExInitializeNPagedLookasideList(call, list: usize, allocate: usize, free: usize, flags: u32, size: usize, tag: u32, _depth: u16) {
        init_lookaside(call, list, allocate, free, flags, size, tag, 0)
    }
    /// Prepares a lookaside list for paged blocks.
    [Apc] fn ExInitializePagedLookasideList(call, list: usize, allocate: usize, free: usize, flags: u32, size: usize, tag: u32, _depth: u16) {
        init_lookaside(call, list, allocate, free, flags, size, tag, 1)
    }
    /// Takes a lookaside list out of use.
    [Dispatch] fn ExDeleteNPagedLookasideList(call, list: usize) { drop_lookaside(call, list) }
    /// Takes a lookaside list out of use.
    [Apc] fn ExDeletePagedLookasideList(call, list: usize) { drop_lookaside(call, list) }
    /// Prepares a `LOOKASIDE_LIST_EX`. Its routines get the list as a third argument; the
    /// built-in ones are used here for lists without routines.
    [Dispatch] fn ExInitializeLookasideListEx(call, list: usize, allocate: usize, free: usize, pool_type: i32, flags: u32, size: usize, tag: u32, _depth: u16) -> i32 {
        if allocate != 0 || free != 0 {
            verify::stop("V-28", call.text("a LOOKASIDE_LIST_EX with own routines is not supported by this host"));
        }
        init_lookaside(call, list, 0, 0, flags, size, tag, pool_type);
        STATUS_SUCCESS
    }
    /// Takes a lookaside list out of use.
    [Dispatch] fn ExDeleteLookasideListEx(call, list: usize) { drop_lookaside(call, list) }
}

/// Offsets in `GENERAL_LOOKASIDE` (x64), which the inline functions `ExAllocateFromLookasideList`
/// and `ExFreeToLookasideList` of the headers use.
mod lookaside {
    pub const DEPTH: usize = 0x10;
    pub const MAXIMUM_DEPTH: usize = 0x12;
    pub const TYPE: usize = 0x24;
    pub const TAG: usize = 0x28;
    pub const SIZE: usize = 0x2C;
    pub const ALLOCATE: usize = 0x30;
    pub const FREE: usize = 0x38;
    pub const BYTES: usize = 0x60;
}

/// Fills a lookaside list. Its depth is 0, so that the inline functions never keep a block and
/// each allocation is special pool: that is also what Driver Verifier does.
#[allow(clippy::too_many_arguments, reason = "the documented prototype")]
fn init_lookaside(
    call: &Call,
    list: usize,
    allocate: usize,
    free: usize,
    _flags: u32,
    size: usize,
    tag: u32,
    pool: i32,
) {
    verify::check("V-28", list.is_multiple_of(16), || {
        call.text("the lookaside list is not 16-byte aligned")
    });
    verify::check(
        "V-12",
        !ledger::is_live(Kind::Lookaside, list as u64),
        || call.text("the lookaside list is in use already"),
    );
    ledger::remove(Kind::Lookaside, list as u64);
    guest::fill(list, lookaside::BYTES, 0);
    guest::write(list + lookaside::DEPTH, 0u16);
    guest::write(list + lookaside::MAXIMUM_DEPTH, 0u16);
    guest::write(
        list + lookaside::TYPE,
        if pool & PagedPool != 0 {
            PagedPool
        } else {
            NonPagedPoolNx
        },
    );
    guest::write(list + lookaside::TAG, tag);
    guest::write(list + lookaside::SIZE, size as u32);
    let default_allocate = ExAllocatePoolWithTag::thunk as *const () as usize;
    let default_free = ExFreePool::thunk as *const () as usize;
    guest::write(
        list + lookaside::ALLOCATE,
        if allocate == 0 {
            default_allocate
        } else {
            allocate
        },
    );
    guest::write(
        list + lookaside::FREE,
        if free == 0 { default_free } else { free },
    );
    ledger::add_with(
        Kind::Lookaside,
        list as u64,
        size as u64,
        Scope::Driver,
        call.rip,
        u64::from(tag),
    );
}

fn drop_lookaside(call: &Call, list: usize) {
    ledger::expect_remove("V-12", Kind::Lookaside, list as u64, call.name());
    // The list head may hold blocks only if the driver pushed them itself.
    guest::fill(list, lookaside::BYTES, POISON);
}

/// The scope of an object that is allocated with an NDIS handle: a driver handle (or none) means
/// until unload, an adapter's handle until halt.
pub fn scope_of(handle: u64) -> Scope {
    if handle == 0 || ledger::is_live(Kind::MiniportDriver, handle) {
        Scope::Driver
    } else {
        Scope::Adapter
    }
}

/// The typed pointer of a fresh, zeroed system object of the host that the driver may look into.
pub fn system_object<T>(zero: bool) -> Option<Ptr<T>> {
    let block = guest::Block::new(size_of::<T>(), 16, zero)?;
    Some(Ptr::new(block.leak()))
}
