// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shared memory between driver and device (contract I-03, I-04, H-03, H-04, DM-01, DM-07).
//!
//! Each block has a page of pattern before and behind it in physical memory, which only a stray
//! DMA can reach, and pattern bytes up to the end of its last page. A freed block's frames stay
//! out of use, filled with another pattern, until the driver is unloaded, or a scenario of many
//! lives has looked at them: a device that still writes there is found, if no IOMMU keeps it from
//! that (DM-12).

use super::{
    adapter::{self, Adapter, State},
    logical::{self, What, Wish},
    sg,
};
use crate::{
    exports,
    exports::Call,
    guest::{self, PAGE, POISON, Ptr},
    ledger::{self, Kind, Scope},
    machine::{
        lock::IrqSpin,
        pages, thread,
        vspace::{self, Prot},
    },
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{boxed::Box, format, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};

/// Around live blocks (the pattern of Windows' DMA verifier).
const CANARY: u8 = 0x0F;
/// In freed blocks.
const FREED: u8 = 0xDF;

#[derive(Clone, Copy, Debug)]
struct SharedBlock {
    va: usize,
    /// Physical address.
    pa: u64,
    /// What the device uses.
    logical: u64,
    length: u32,
    cached: bool,
    pages: usize,
    live: bool,
}

static BLOCKS: IrqSpin<Vec<SharedBlock>> = IrqSpin::new(Vec::new());
/// Requests that the host had no frames for.
static REFUSED: AtomicU64 = AtomicU64::new(0);

exports! {
    "ndis.sys";

    /// Allocates; the address is NULL on failure.
    [Passive] fn NdisMAllocateSharedMemory(
        call, handle: u64, length: u32, cached: u8, va: Ptr<u64>, pa: Ptr<u64>,
    ) {
        va.write(0);
        // G-07: the physical address is undefined when there is no memory.
        pa.write(0xC7C7_C7C7_C7C7_C7C7);
        let Some(adapter) = adapter::expect(call, handle) else { return };
        let state = adapter.state();
        verify::check("I-04", state == State::Initializing, || {
            call.text(&format!("called in the state {state:?}"))
        });
        if !may_allocate(call, &adapter) {
            return;
        }
        if let Some(block) = allocate(&adapter, length, cached != 0, call.rip) {
            pa.write(block.logical);
            va.write(block.va as u64);
        }
    }

    /// Allocates later, with a callback at PASSIVE.
    [Dispatch] fn NdisMAllocateSharedMemoryAsyncEx(
        call, handle: u64, length: u32, cached: u8, context: u64,
    ) -> i32 {
        let found = sg::adapter_of(handle);
        let Some((adapter, handler)) = found.filter(|(_, handler)| *handler != 0) else {
            verify::violation("DM-10", call.text("no DMA handle with an allocation handler"));
            return NDIS_STATUS_FAILURE;
        };
        let caller = call.rip;
        thread::spawn("shared memory", 0, Box::new(move || {
            let block = allocate(&adapter, length, cached != 0, caller);
            let (va, pa) = block.map_or((0, 0), |b| (b.va as u64, b.logical));
            let Some(address) = guest::Block::with(&pa.to_le_bytes(), 8) else { return };
            let at = if va == 0 { 0 } else { address.address() as u64 };
            let arguments = [adapter.context(), va, at, u64::from(length), context];
            verify::call_on(Handler::SharedMemoryComplete, adapter.handle, handler, &arguments);
        }));
        NDIS_STATUS_PENDING
    }

    /// Frees with the values of the allocation.
    [Dispatch] fn NdisMFreeSharedMemory(
        call, handle: u64, length: u32, cached: u8, va: u64, pa: u64,
    ) {
        let in_shutdown = verify::current()
            .is_some_and(|c| c.inside(Handler::Shutdown) || c.inside(Handler::ShutdownBugCheck));
        verify::check("S-04", !in_shutdown, || call.text("called from MiniportShutdownEx"));
        if adapter::expect(call, handle).is_some() {
            free(call, length, cached != 0, va, pa);
        }
    }
}

/// I-03.
fn may_allocate(call: &Call, adapter: &Adapter) -> bool {
    let registered = adapter.dma.load(Ordering::Acquire) != 0;
    verify::check("I-03", registered, || {
        call.text("before NdisMRegisterScatterGatherDma")
    })
}

fn allocate(adapter: &Adapter, length: u32, cached: bool, caller: u64) -> Option<SharedBlock> {
    if length == 0 {
        return None;
    }
    let count = (length as usize).div_ceil(PAGE);
    let Some(first) = pages::alloc(count + 2) else {
        REFUSED.fetch_add(1, Ordering::Relaxed);
        return None;
    };
    fill_frames(first, count + 2, CANARY);
    let pa = first + PAGE as u64;
    let va = vspace::map_phys(pa, count, Prot::RW);
    vspace::label(va, "shared memory");
    guest::fill(va, length as usize, POISON);
    let logical = logical::map(Wish {
        what: What::Shared,
        key: va as u64,
        pa,
        length,
        write: true,
        wide: sg::is_wide(adapter.dma.load(Ordering::Acquire)),
        maker: caller,
    });
    let Some(logical) = logical else {
        vspace::unmap(va);
        pages::free(first, count + 2);
        return None;
    };
    let block = SharedBlock {
        va,
        pa,
        logical,
        length,
        cached,
        pages: count,
        live: true,
    };
    BLOCKS.lock().push(block);
    ledger::add(
        Kind::SharedMemory,
        va as u64,
        u64::from(length),
        Scope::Adapter,
        caller,
    );
    Some(block)
}

fn free(call: &Call, length: u32, cached: bool, va: u64, pa: u64) {
    let Some(_) = ledger::expect_remove("DM-01", Kind::SharedMemory, va, call.name()) else {
        return;
    };
    let found = BLOCKS
        .lock()
        .iter()
        .find(|b| b.live && b.va == va as usize)
        .copied();
    let Some(block) = found else {
        return;
    };
    verify::check(
        "H-04",
        (length, cached, pa) == (block.length, block.cached, block.logical),
        || {
            call.text(&format!(
                "length {length} cached {cached} address {pa:#x}; allocated with {} {} {:#x}",
                block.length, block.cached, block.logical
            ))
        },
    );
    logical::unmap(&[block.logical], call.rip);
    check_canary(&block);
    // What the driver left in the block is of no interest any more; writes from now on are.
    fill_frames(block.pa, block.pages, FREED);
    vspace::unmap(block.va);
    let mut blocks = BLOCKS.lock();
    if let Some(entry) = blocks.iter_mut().find(|b| b.live && b.va == block.va) {
        entry.live = false;
    }
}

fn fill_frames(pa: u64, count: usize, byte: u8) {
    direct::fill(pa, count * PAGE, byte);
}

/// DM-07: the bytes around a live block are as they were made.
fn check_canary(block: &SharedBlock) {
    let tail = block.pages * PAGE - block.length as usize;
    let before = direct::find_not(block.pa - PAGE as u64, PAGE, CANARY);
    let behind = direct::find_not(block.pa + u64::from(block.length), tail + PAGE, CANARY);
    verify::check("DM-07", before.is_none() && behind.is_none(), || {
        let place = match (before, behind) {
            (Some(at), _) => format!("{} bytes before it", PAGE - at),
            (_, Some(at)) => format!("{at} bytes behind its end"),
            _ => alloc::string::String::new(),
        };
        format!(
            "shared memory {:#x}, {} bytes: written {place}",
            block.va, block.length
        )
    });
}

/// Checks the surroundings of every live block, and that no freed one was written to. PASSIVE.
pub fn audit() {
    logical::audit();
    let blocks = BLOCKS.lock().clone();
    for block in &blocks {
        if block.live {
            check_canary(block);
        } else {
            let written = direct::find_not(block.pa, block.pages * PAGE, FREED);
            verify::check("H-03", written.is_none(), || {
                format!(
                    "freed shared memory of {} bytes was written at offset {:#x}: DMA was still on",
                    block.length,
                    written.unwrap_or(0)
                )
            });
        }
    }
}

/// How many requests the host had no frames for: what fails then is not the driver's fault.
pub fn refused() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

/// Gives the frames of freed blocks back, after an [`audit`].
pub fn release_freed() {
    let gone: Vec<SharedBlock> = {
        let mut blocks = BLOCKS.lock();
        let all = core::mem::take(&mut *blocks);
        let (live, gone) = all.into_iter().partition(|b| b.live);
        *blocks = live;
        gone
    };
    for block in gone {
        pages::free(block.pa - PAGE as u64, block.pages + 2);
    }
}

/// The host's own view of frames that the driver has no mapping of.
mod direct {
    use crate::machine::vspace;

    pub fn fill(pa: u64, length: usize, byte: u8) {
        let at = vspace::direct(pa) as *mut u8;
        // SAFETY: the direct view covers all RAM; the frames belong to a shared-memory block.
        unsafe { at.write_bytes(byte, length) }
    }

    pub fn find_not(pa: u64, length: usize, byte: u8) -> Option<usize> {
        (0..length).find(|i| {
            let at = vspace::direct(pa + *i as u64) as *const u8;
            // SAFETY: as above; the device may write meanwhile, hence volatile.
            let seen = unsafe { at.read_volatile() };
            seen != byte
        })
    }
}
