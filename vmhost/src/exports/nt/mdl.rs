// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory descriptor lists. At most DISPATCH_LEVEL.
//!
//! An MDL lies in special pool with its array of page frame numbers behind it, as drivers read
//! both inline. Frame numbers come from the page tables, so they are the real ones.

use alloc::format;

use ndis::ffi::*;

use crate::{
    exports,
    exports::Call,
    field,
    guest::{self, PAGE, POISON, Ptr},
    ledger::{self, Kind, Scope},
    machine::{pages, vspace},
    verify,
};

use super::pool;

/// Bytes of the MDL itself; the PFN array follows.
const MDL_BYTES: usize = size_of::<MDL>();

/// Pages that `[address, address + len)` touches.
pub const fn pages_spanned(address: usize, len: usize) -> usize {
    ((address & (PAGE - 1)) + len).div_ceil(PAGE)
}

fn pfn(mdl: Ptr<MDL>, index: usize) -> Ptr<u64> {
    Ptr::new(mdl.addr() + MDL_BYTES + index * 8)
}

/// Allocates an MDL for a range and fills its header; 0 when memory is exhausted.
pub fn allocate(call: &Call, address: usize, len: usize, scope: Scope) -> Ptr<MDL> {
    let spanned = pages_spanned(address, len).max(1);
    let bytes = MDL_BYTES + spanned * 8;
    let Some(block) = guest::Block::new(bytes, 16, false) else {
        return Ptr::NULL;
    };
    let mdl: Ptr<MDL> = Ptr::new(block.leak());
    init(mdl, address, len);
    field!(mdl, MdlFlags).write(MDL_ALLOCATED_FIXED_SIZE);
    ledger::add(Kind::Mdl, mdl.addr() as u64, bytes as u64, scope, call.rip);
    mdl
}

/// `MmInitializeMdl`: the header for a range, with room for its PFN array noted in `Size`.
pub fn init(mdl: Ptr<MDL>, address: usize, len: usize) {
    let spanned = pages_spanned(address, len);
    field!(mdl, Next).write(core::ptr::null_mut());
    field!(mdl, Size).write((MDL_BYTES + spanned * 8) as i16);
    field!(mdl, MdlFlags).write(0);
    field!(mdl, Process).write(core::ptr::null_mut());
    field!(mdl, StartVa).write((address & !(PAGE - 1)) as *mut c_void);
    field!(mdl, ByteOffset).write((address & (PAGE - 1)) as u32);
    field!(mdl, ByteCount).write(len as u32);
}

/// `MmBuildMdlForNonPagedPool`: the frames of resident memory, and its address as the mapping.
pub fn build(call: &Call, mdl: Ptr<MDL>) {
    let start = field!(mdl, StartVa).read() as usize;
    let offset = field!(mdl, ByteOffset).read() as usize;
    let len = field!(mdl, ByteCount).read() as usize;
    let flags = field!(mdl, MdlFlags).read();
    verify::check(
        "V-28",
        flags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL) == 0,
        || call.text(&format!("MDL {mdl:?} is already built, flags {flags:#x}")),
    );
    fill_frames(call, mdl, start, pages_spanned(offset, len));
    field!(mdl, MappedSystemVa).write((start + offset) as *mut c_void);
    field!(mdl, MdlFlags).write(flags | MDL_SOURCE_IS_NONPAGED_POOL);
}

fn fill_frames(call: &Call, mdl: Ptr<MDL>, start: usize, count: usize) {
    for i in 0..count {
        let Some(pa) = vspace::translate(start + i * PAGE) else {
            verify::stop(
                "V-28",
                call.text(&format!(
                    "the MDL describes {}, which is not mapped",
                    guest::describe(start + i * PAGE)
                )),
            );
        };
        pfn(mdl, i).write(pa >> 12);
    }
}

/// Frees an MDL made by [`allocate`]. The mapping of a partial MDL goes with it.
pub fn free(call: &Call, mdl: Ptr<MDL>) {
    let Some(entry) = ledger::expect_remove("V-01", Kind::Mdl, mdl.addr() as u64, call.name())
    else {
        return;
    };
    let flags = field!(mdl, MdlFlags).read();
    verify::check(
        "V-28",
        flags & MDL_PAGES_LOCKED == 0 || flags & MDL_PARTIAL != 0,
        || call.text("the MDL's pages are still locked"),
    );
    if flags & MDL_PARTIAL_HAS_BEEN_MAPPED != 0 {
        unmap(call, field!(mdl, MappedSystemVa).read() as usize, mdl);
    }
    pool::release(mdl.addr(), entry.size as usize, call.name());
}

/// Where the described memory is mapped, mapping it if nobody has: `MmGetSystemAddressForMdlSafe`.
pub fn system_address(call: &Call, mdl: Ptr<MDL>) -> usize {
    let flags = field!(mdl, MdlFlags).read();
    if flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        field!(mdl, MappedSystemVa).read() as usize
    } else {
        map(call, mdl)
    }
}

/// Maps locked pages at a new system address.
fn map(call: &Call, mdl: Ptr<MDL>) -> usize {
    let flags = field!(mdl, MdlFlags).read();
    verify::check("V-28", flags & MDL_MAPPED_TO_SYSTEM_VA == 0, || {
        call.text("the MDL is already mapped")
    });
    verify::check(
        "V-28",
        flags & (MDL_PAGES_LOCKED | MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL) != 0,
        || call.text("the MDL's pages are not locked"),
    );
    let offset = field!(mdl, ByteOffset).read() as usize;
    let count = pages_spanned(offset, field!(mdl, ByteCount).read() as usize);
    let frames: alloc::vec::Vec<u64> = (0..count).map(|i| pfn(mdl, i).read()).collect();
    let Some(first) = frames.first().copied() else {
        return 0;
    };
    let run = frames
        .iter()
        .enumerate()
        .all(|(i, f)| *f == first + i as u64);
    let base = if run {
        vspace::map_phys(first << 12, count, vspace::Prot::RW)
    } else {
        // Frames that are not in a row: their present mapping, which nonpaged memory keeps.
        let start = field!(mdl, StartVa).read() as usize;
        if vspace::translate(start).map(|pa| pa >> 12) != Some(first) {
            return 0;
        }
        start
    };
    let address = base + offset;
    if run {
        ledger::add_with(
            Kind::MdlMapping,
            address as u64,
            (count * PAGE) as u64,
            Scope::Driver,
            call.rip,
            mdl.addr() as u64,
        );
    }
    field!(mdl, MappedSystemVa).write(address as *mut c_void);
    let partial = if flags & MDL_PARTIAL != 0 {
        MDL_PARTIAL_HAS_BEEN_MAPPED
    } else {
        0
    };
    field!(mdl, MdlFlags).write(flags | MDL_MAPPED_TO_SYSTEM_VA | partial);
    address
}

fn unmap(call: &Call, address: usize, mdl: Ptr<MDL>) {
    let flags = field!(mdl, MdlFlags).read();
    verify::check("V-28", flags & MDL_MAPPED_TO_SYSTEM_VA != 0, || {
        call.text("the MDL is not mapped")
    });
    if let Some(_entry) = ledger::remove(Kind::MdlMapping, address as u64) {
        vspace::unmap(address & !(PAGE - 1));
    }
    field!(mdl, MdlFlags).write(flags & !(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED));
}

exports! {
    "ntoskrnl.exe";

    /// Bytes of an MDL for a range.
    [Any] fn MmSizeOfMdl(_call, address: usize, len: usize) -> usize { MDL_BYTES + pages_spanned(address, len) * 8 }
    /// An MDL for a range; an IRP's chain is not supported.
    [Dispatch] fn IoAllocateMdl(call, address: usize, len: u32, _secondary: bool, _charge: bool, irp: usize) -> Ptr<MDL> {
        let mdl = allocate(call, address, len as usize, Scope::Driver);
        if irp != 0 && !mdl.is_null() {
            // The first MDL of an IRP; a secondary one goes to the end of the chain.
            let irp: Ptr<IRP> = Ptr::new(irp);
            let first = field!(irp, MdlAddress).read();
            if first.is_null() {
                field!(irp, MdlAddress).write(mdl.raw());
            } else {
                let mut last: Ptr<MDL> = Ptr::new(first as usize);
                while !field!(last, Next).read().is_null() {
                    last = Ptr::new(field!(last, Next).read() as usize);
                }
                field!(last, Next).write(mdl.raw());
            }
        }
        mdl
    }
    /// Frees an MDL.
    [Dispatch] fn IoFreeMdl(call, mdl: Ptr<MDL>) { free(call, mdl) }
    /// Describes resident memory.
    [Dispatch] fn MmBuildMdlForNonPagedPool(call, mdl: Ptr<MDL>) { build(call, mdl) }
    /// Describes a part of what another MDL describes.
    [Dispatch] fn IoBuildPartialMdl(call, source: Ptr<MDL>, target: Ptr<MDL>, address: usize, len: u32) {
        let start = field!(source, StartVa).read() as usize;
        let begin = start + field!(source, ByteOffset).read() as usize;
        let end = begin + field!(source, ByteCount).read() as usize;
        let len = if len == 0 { end.saturating_sub(address) } else { len as usize };
        verify::check("DM-11", address >= begin && address + len <= end, || {
            call.text(&format!("{address:#x} and {len} bytes are outside the source MDL"))
        });
        let room = (field!(target, Size).read() as usize).saturating_sub(MDL_BYTES) / 8;
        let spanned = pages_spanned(address, len);
        if !verify::check("V-28", room >= spanned, || call.text("the target MDL is too small")) {
            return;
        }
        let old = field!(target, MdlFlags).read();
        verify::check("V-28", old & MDL_PARTIAL_HAS_BEEN_MAPPED == 0, || call.text("the target MDL is still mapped"));
        field!(target, StartVa).write((address & !(PAGE - 1)) as *mut c_void);
        field!(target, ByteOffset).write((address & (PAGE - 1)) as u32);
        field!(target, ByteCount).write(len as u32);
        let first = ((address & !(PAGE - 1)) - start) / PAGE;
        for i in 0..spanned {
            pfn(target, i).write(pfn(source, first + i).read());
        }
        let flags = field!(source, MdlFlags).read();
        let kept = old & (MDL_ALLOCATED_FIXED_SIZE | 0x0200);
        let mut new = kept | MDL_PARTIAL | (flags & MDL_IO_SPACE);
        if flags & MDL_SOURCE_IS_NONPAGED_POOL != 0 {
            new |= MDL_SOURCE_IS_NONPAGED_POOL;
            field!(target, MappedSystemVa).write(address as *mut c_void);
        } else if flags & MDL_MAPPED_TO_SYSTEM_VA != 0 {
            new |= MDL_MAPPED_TO_SYSTEM_VA | MDL_PARENT_MAPPED_SYSTEM_VA;
            let mapped = field!(source, MappedSystemVa).read() as usize + (address - begin);
            field!(target, MappedSystemVa).write(mapped as *mut c_void);
        }
        field!(target, MdlFlags).write(new);
    }
    /// Maps the described pages.
    [Dispatch] fn MmMapLockedPagesSpecifyCache(call, mdl: Ptr<MDL>, mode: u8, _cache: i32, _requested: usize, _bugcheck: u32, _priority: u32) -> usize {
        if !verify::check("V-28", mode == 0, || call.text("user mode asked for")) {
            return 0;
        }
        map(call, mdl)
    }
    /// Maps the described pages.
    [Dispatch] fn MmMapLockedPages(call, mdl: Ptr<MDL>, _mode: u8) -> usize { map(call, mdl) }
    /// Takes a mapping away.
    [Dispatch] fn MmUnmapLockedPages(call, address: usize, mdl: Ptr<MDL>) { unmap(call, address, mdl) }
    /// Locks the pages of a range.
    [Dispatch] fn MmProbeAndLockPages(call, mdl: Ptr<MDL>, _mode: u8, operation: i32) {
        let flags = field!(mdl, MdlFlags).read();
        verify::check("V-28", flags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL) == 0, || call.text("the pages are locked already"));
        let start = field!(mdl, StartVa).read() as usize;
        let count = pages_spanned(field!(mdl, ByteOffset).read() as usize, field!(mdl, ByteCount).read() as usize);
        fill_frames(call, mdl, start, count);
        let write = if operation == IoReadAccess { 0 } else { MDL_WRITE_OPERATION };
        field!(mdl, MdlFlags).write(flags | MDL_PAGES_LOCKED | write);
        ledger::add(Kind::LockedPages, mdl.addr() as u64, (count * PAGE) as u64, Scope::Driver, call.rip);
    }
    /// Unlocks the pages.
    [Dispatch] fn MmUnlockPages(call, mdl: Ptr<MDL>) {
        if ledger::expect_remove("V-28", Kind::LockedPages, mdl.addr() as u64, call.name()).is_some() {
            let flags = field!(mdl, MdlFlags).read();
            if flags & MDL_MAPPED_TO_SYSTEM_VA != 0 {
                unmap(call, field!(mdl, MappedSystemVa).read() as usize, mdl);
            }
            let flags = field!(mdl, MdlFlags).read();
            field!(mdl, MdlFlags).write(flags & !(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION));
        }
    }
    /// Frames without a mapping; here they are in a row, as large as memory allows.
    [Dispatch] fn MmAllocatePagesForMdlEx(call, _low: u64, high: u64, _skip: u64, bytes: usize, _cache: i32, flags: u32) -> Ptr<MDL> {
        let count = bytes.div_ceil(PAGE);
        let Some(pa) = pages::alloc_below(count, high, PAGE as u64) else { return Ptr::NULL };
        let mdl = allocate(call, 0, count * PAGE, Scope::Driver);
        if mdl.is_null() {
            pages::free(pa, count);
            return mdl;
        }
        for i in 0..count {
            pfn(mdl, i).write((pa >> 12) + i as u64);
            // MM_DONT_ZERO_ALLOCATION leaves what was there: poison.
            let byte = if flags & 1 != 0 { POISON } else { 0 };
            guest::fill(vspace::direct(pa + (i * PAGE) as u64), PAGE, byte);
        }
        let old = field!(mdl, MdlFlags).read();
        field!(mdl, MdlFlags).write(old | MDL_PAGES_LOCKED);
        ledger::add_with(Kind::LockedPages, mdl.addr() as u64, (count * PAGE) as u64, Scope::Driver, call.rip, pa);
        mdl
    }
    /// The older form: frames below an address.
    [Dispatch] fn MmAllocatePagesForMdl(call, low: u64, high: u64, skip: u64, bytes: usize) -> Ptr<MDL> {
        MmAllocatePagesForMdlEx::body(call, low, high, skip, bytes, MmCached, 0)
    }
    /// Gives the frames back; the MDL itself is freed by the caller with ExFreePool.
    [Dispatch] fn MmFreePagesFromMdl(call, mdl: Ptr<MDL>) {
        let Some(entry) = ledger::expect_remove("V-28", Kind::LockedPages, mdl.addr() as u64, call.name()) else { return };
        pages::free(entry.extra, entry.size as usize / PAGE);
        let flags = field!(mdl, MdlFlags).read();
        field!(mdl, MdlFlags).write(flags & !MDL_PAGES_LOCKED);
        // From now on it is a pool block.
        if let Some(mdl_entry) = ledger::remove(Kind::Mdl, mdl.addr() as u64) {
            ledger::add(Kind::Pool, mdl_entry.key, mdl_entry.size, mdl_entry.scope, mdl_entry.caller);
        }
    }
    /// Changes the protection of an MDL's mapping.
    [Dispatch] fn MmProtectMdlSystemAddress(_call, mdl: Ptr<MDL>, protect: u32) -> i32 {
        if field!(mdl, MdlFlags).read() & MDL_MAPPED_TO_SYSTEM_VA == 0 {
            return STATUS_INVALID_PARAMETER;
        }
        let address = field!(mdl, MappedSystemVa).read() as usize;
        let count = pages_spanned(address, field!(mdl, ByteCount).read() as usize);
        // PAGE_READONLY 2, PAGE_READWRITE 4; execution is never given (C4/2002).
        vspace::protect(address & !(PAGE - 1), count, vspace::Prot { write: protect & 4 != 0, exec: false, cache: vspace::Cache::WriteBack });
        STATUS_SUCCESS
    }
    /// Physical address of resident memory.
    [Any] fn MmGetPhysicalAddress(_call, address: usize) -> u64 { vspace::translate(address).unwrap_or(0) }
    /// Flushes nothing: DMA is coherent on x64.
    [Dispatch] fn KeFlushIoBuffers(_call, _mdl: Ptr<MDL>, _read: bool, _dma: bool) {}
}
