// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scatter/gather DMA (contract §5.2).
//!
//! The list that the driver gets is always the host's own (G-24), begins at the start of the
//! current MDL (G-25), and comes inline, after the call, or on another CPU, as the seed says.

use super::{
    adapter::{self, Adapter, State},
    dice::DICE,
    handlers::address,
    header,
    logical::{self, What, Wish},
    send,
};
use crate::{
    exports,
    exports::Call,
    field,
    guest::{self, Block, PAGE, Ptr},
    ledger::{self, Kind, Scope},
    machine::{cpu, dpc, irql, lock::IrqSpin},
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    format,
    sync::Arc,
    vec::Vec,
};
use core::sync::atomic::{AtomicBool, Ordering};

/// Bytes before the elements of a list.
const LIST_HEADER: usize = 16;
/// Bytes of an element.
const ELEMENT: usize = 24;
/// Elements of a list in a slot; longer ones have memory of their own.
const ELEMENTS: usize = 40;
/// Bytes of a slot for lists.
const SLOT: usize = LIST_HEADER + ELEMENTS * ELEMENT;

struct Dma {
    handle: u64,
    adapter: Arc<Adapter>,
    process: usize,
    allocated: usize,
    max_mapping: u32,
    /// NDIS_SG_DMA_64_BIT_ADDRESS.
    wide: bool,
}

struct Mapped {
    dma: u64,
    nb: usize,
    /// Logical address of each element.
    logical: Vec<u64>,
    /// The list's memory, if it is not in a slot.
    own: Option<Block>,
}

struct Lists {
    live: BTreeMap<usize, Mapped>,
    /// The net buffers of `live`: each has one list (G-21).
    buffers: BTreeSet<usize>,
    free: Vec<usize>,
    blocks: Vec<Block>,
}

impl Lists {
    fn enter(&mut self, list: usize, mapped: Mapped) {
        self.buffers.insert(mapped.nb);
        self.live.insert(list, mapped);
    }

    fn take(&mut self, list: usize) -> Option<Mapped> {
        let mapped = self.live.remove(&list)?;
        self.buffers.remove(&mapped.nb);
        Some(mapped)
    }
}

static REGISTERED: IrqSpin<Vec<Dma>> = IrqSpin::new(Vec::new());
static LISTS: IrqSpin<Lists> = IrqSpin::new(Lists {
    live: BTreeMap::new(),
    buffers: BTreeSet::new(),
    free: Vec::new(),
    blocks: Vec::new(),
});

/// Adapter and shared-memory allocation handler of a DMA handle.
pub fn adapter_of(handle: u64) -> Option<(Arc<Adapter>, usize)> {
    let registered = REGISTERED.lock();
    let dma = registered.iter().find(|d| d.handle == handle)?;
    Some((dma.adapter.clone(), dma.allocated))
}

/// Whether a DMA handle's device takes addresses above 4 GiB.
pub fn is_wide(handle: u64) -> bool {
    let registered = REGISTERED.lock();
    registered.iter().any(|d| d.handle == handle && d.wide)
}

/// Whether a net buffer has a live list (G-27).
pub fn is_mapped(nb: usize) -> bool {
    LISTS.lock().buffers.contains(&nb)
}

exports! {
    "ndis.sys";

    /// Registers the adapter for DMA.
    [Passive] fn NdisMRegisterScatterGatherDma(
        call, handle: u64, description: Ptr<NDIS_SG_DMA_DESCRIPTION>, out: Ptr<u64>,
    ) -> i32 {
        match adapter::expect(call, handle) {
            Some(adapter) => register(call, &adapter, description, out),
            None => NDIS_STATUS_INVALID_PARAMETER,
        }
    }

    /// Ends DMA; nothing may be mapped (G-28, DM-03).
    [Passive] fn NdisMDeregisterScatterGatherDma(call, handle: u64) {
        let Some(_) = ledger::expect_remove("DM-10", Kind::SgDma, handle, call.name()) else { return };
        let left = LISTS.lock().live.values().filter(|m| m.dma == handle).count();
        verify::check("G-28", left == 0, || call.text(&format!("{left} SG lists are not freed (E6/0A)")));
        let shared = ledger::of_kind(Kind::SharedMemory).len();
        verify::check("DM-03", shared == 0, || {
            call.text(&format!("{shared} blocks of shared memory are not freed (E6/07)"))
        });
        let mut registered = REGISTERED.lock();
        let gone: Vec<Dma> = registered.extract_if(.., |d| d.handle == handle).collect();
        drop(registered);
        for dma in gone {
            dma.adapter.dma.store(0, Ordering::Release);
        }
    }

    /// Maps a net buffer.
    [AtDispatch] fn NdisMAllocateNetBufferSGList(
        call, handle: u64, nb: Ptr<NET_BUFFER>, context: u64, flags: u32, _buffer: u64, _size: u32,
    ) -> i32 {
        allocate(call, handle, nb, context, flags)
    }

    /// Unmaps a net buffer.
    [AtDispatch] fn NdisMFreeNetBufferSGList(call, handle: u64, list: u64, nb: Ptr<NET_BUFFER>) {
        let found = LISTS.lock().take(list as usize);
        ledger::remove(Kind::SgList, list);
        let matches = found.as_ref().is_some_and(|m| m.nb == nb.addr() && m.dma == handle);
        verify::check("DM-02", matches, || {
            call.text(&format!(
                "list {list:#x} is not live, or belongs to another net buffer than {nb:?} (E6/06)"
            ))
        });
        if let Some(mapped) = found {
            logical::unmap(&mapped.logical, call.rip);
            if mapped.own.is_none() {
                guest::fill(list as usize, SLOT, guest::POISON);
                LISTS.lock().free.push(list as usize);
            }
        }
    }
}

fn register(
    call: &Call,
    adapter: &Arc<Adapter>,
    p: Ptr<NDIS_SG_DMA_DESCRIPTION>,
    out: Ptr<u64>,
) -> i32 {
    let kind = NDIS_OBJECT_TYPE_SG_DMA_DESCRIPTION;
    // G-06: 36 through the last member of 6.0, 40 with padding.
    if header::check("G-06", call.name(), field!(p, Header), kind, &[36, 48]).is_none() {
        return NDIS_STATUS_BAD_VERSION;
    }
    let ordered = adapter.registration.lock().is_some() && adapter.state() == State::Initializing;
    verify::check("I-01", ordered, || {
        call.text("before the registration attributes, or outside MiniportInitializeEx")
    });
    let flags = adapter.registration.lock().map_or(0, |r| r.flags);
    if flags & NDIS_MINIPORT_ATTRIBUTES_BUS_MASTER == 0 {
        verify::advise(
            "I-16",
            call.text("without NDIS_MINIPORT_ATTRIBUTES_BUS_MASTER"),
        );
    }
    let seen: NDIS_SG_DMA_DESCRIPTION = guest::read_prefix(p.addr(), 32);
    let handle = adapter::opaque_handle("the DMA handle");
    let max_mapping = seen.MaximumPhysicalMapping;
    let elements = max_mapping as usize / PAGE + 2;
    field!(p, ScatterGatherListSize).write((LIST_HEADER + elements * ELEMENT) as u32);
    let process = address!(seen.ProcessSGListHandler);
    verify::check("V-28", process != 0, || {
        call.text("ProcessSGListHandler is NULL")
    });
    REGISTERED.lock().push(Dma {
        handle,
        adapter: adapter.clone(),
        process,
        allocated: address!(seen.SharedMemAllocateCompleteHandler),
        max_mapping,
        wide: seen.Flags & NDIS_SG_DMA_64_BIT_ADDRESS != 0,
    });
    adapter.dma.store(handle, Ordering::Release);
    ledger::add(Kind::SgDma, handle, 0, Scope::Adapter, call.rip);
    out.write(handle);
    NDIS_STATUS_SUCCESS
}

fn allocate(call: &Call, handle: u64, nb: Ptr<NET_BUFFER>, context: u64, flags: u32) -> i32 {
    let found = REGISTERED
        .lock()
        .iter()
        .find(|d| d.handle == handle)
        .map(|d| (d.adapter.clone(), d.process, d.max_mapping));
    let Some((adapter, process, max_mapping)) = found else {
        verify::violation("DM-10", call.text(&format!("{handle:#x} is no DMA handle")));
        return NDIS_STATUS_INVALID_PARAMETER;
    };
    let owned = adapter.sends.owns_nb(nb.addr()) || !send::is_host_nb(nb.addr());
    verify::check("G-21", owned, || {
        call.text(&format!("net buffer {nb:?} is not with the miniport"))
    });
    verify::check("G-21", !is_mapped(nb.addr()), || {
        call.text(&format!("net buffer {nb:?} has an SG list already"))
    });
    let Some(elements) = walk(call, nb, max_mapping) else {
        return NDIS_STATUS_INVALID_PARAMETER;
    };
    let Some((list, own)) = memory(elements.len()) else {
        return NDIS_STATUS_RESOURCES;
    };
    let mut addresses = Vec::with_capacity(elements.len());
    for &(pa, length) in &elements {
        let wish = Wish {
            what: What::SgList,
            key: list as u64,
            pa,
            length,
            write: flags & NDIS_SG_LIST_WRITE_TO_DEVICE == 0,
            wide: is_wide(handle),
            maker: call.rip,
        };
        let Some(address) = logical::map(wish) else {
            logical::unmap(&addresses, call.rip);
            if own.is_none() {
                LISTS.lock().free.push(list);
            }
            return NDIS_STATUS_RESOURCES;
        };
        addresses.push(address);
    }
    guest::write(list, elements.len() as u64);
    guest::write(list + 8, 0u64);
    for (number, (address, (_, length))) in addresses.iter().zip(&elements).enumerate() {
        let at = list + LIST_HEADER + number * ELEMENT;
        guest::write(at, *address);
        guest::write(at + 8, u64::from(*length));
        guest::write(at + 16, 0u64);
    }
    LISTS.lock().enter(
        list,
        Mapped {
            dma: handle,
            nb: nb.addr(),
            logical: addresses,
            own,
        },
    );
    ledger::add(Kind::SgList, list as u64, 0, Scope::Adapter, call.rip);
    let [pdo, ..] = adapter.objects.addresses();
    let run = move || {
        let arguments = [pdo, 0, list as u64, context];
        verify::call_on(Handler::ProcessSgList, handle, process, &arguments);
    };
    if HOLDING.load(Ordering::Acquire) {
        HELD.lock().push(Box::new(run));
        return NDIS_STATUS_SUCCESS;
    }
    match mode() {
        Mode::Inline => run(),
        Mode::Later => dpc::queue(cpu::id(), Box::new(run)),
        Mode::Elsewhere => dpc::queue((cpu::id() + 1) % cpu::count(), Box::new(run)),
    }
    NDIS_STATUS_SUCCESS
}

/// Calls that wait for [`release`].
static HOLDING: AtomicBool = AtomicBool::new(false);
static HELD: IrqSpin<Vec<Box<dyn FnOnce() + Send>>> = IrqSpin::new(Vec::new());

/// From here on MiniportProcessSGList is not called (G-22: when it is, NDIS decides).
pub fn hold() {
    HOLDING.store(true, Ordering::Release);
}

/// Ends a [`hold`], and makes the calls.
pub fn release() {
    HOLDING.store(false, Ordering::Release);
    let held = core::mem::take(&mut *HELD.lock());
    for (number, run) in held.into_iter().enumerate() {
        dpc::queue(number % cpu::count(), run);
    }
}

/// When MiniportProcessSGList is called (G-22).
#[derive(Clone, Copy)]
enum Mode {
    Inline,
    Later,
    Elsewhere,
}

/// Inline with seeds 1, 5, 9, …; the others mix all three.
fn mode() -> Mode {
    if irql::current() > irql::DISPATCH || DICE.seed() % 4 == 1 {
        return Mode::Inline;
    }
    DICE.pick(&[Mode::Inline, Mode::Later, Mode::Elsewhere])
}

/// The physical ranges from the start of the current MDL to the end of the data (G-25, DM-11).
fn walk(call: &Call, nb: Ptr<NET_BUFFER>, max_mapping: u32) -> Option<Vec<(u64, u32)>> {
    let mut mdl: usize = guest::read(nb.addr() + send::NB_CURRENT_MDL);
    let offset: u32 = guest::read(nb.addr() + send::NB_CURRENT_MDL_OFFSET);
    let length: u32 = guest::read(nb.addr() + send::NB_DATA_LENGTH);
    let mut left = (u64::from(offset) + u64::from(length)) as usize;
    verify::check("DM-11", length != 0 && length <= max_mapping, || {
        call.text(&format!(
            "DataLength {length}, MaximumPhysicalMapping {max_mapping}"
        ))
    });
    let mut out: Vec<(u64, u32)> = Vec::new();
    while left > 0 {
        if !verify::check("DM-11", mdl != 0, || {
            call.text(&format!(
                "the MDL chain of {nb:?} ends {left} bytes before the data"
            ))
        }) {
            return None;
        }
        let p: Ptr<MDL> = Ptr::new(mdl);
        let (bytes, first) = (field!(p, ByteCount).read(), field!(p, ByteOffset).read());
        let mut at = first as usize;
        let end = at + (bytes as usize).min(left);
        left -= end - at;
        while at < end {
            let frame: u64 = guest::read(mdl + size_of::<MDL>() + 8 * (at / PAGE));
            let piece = (PAGE - at % PAGE).min(end - at) as u32;
            push(&mut out, frame * PAGE as u64 + (at % PAGE) as u64, piece);
            at += piece as usize;
        }
        mdl = field!(p, Next).read() as usize;
    }
    Some(out)
}

/// Contiguous pieces are merged or not, at random.
fn push(out: &mut Vec<(u64, u32)>, pa: u64, length: u32) {
    match out.last_mut() {
        Some(last) if last.0 + u64::from(last.1) == pa && DICE.chance(50) => last.1 += length,
        _ => out.push((pa, length)),
    }
}

/// Memory for one list: where it is, and what is freed with it.
fn memory(elements: usize) -> Option<(usize, Option<Block>)> {
    if elements <= ELEMENTS {
        return Some((slot()?, None));
    }
    let bytes = (LIST_HEADER + elements * ELEMENT).next_multiple_of(PAGE);
    let block = Block::new(bytes, 16, false)?;
    Some((block.address(), Some(block)))
}

/// A slot for a list.
fn slot() -> Option<usize> {
    if let Some(free) = LISTS.lock().free.pop() {
        return Some(free);
    }
    let block = Block::new(PAGE, 16, false)?;
    let base = block.address();
    let mut lists = LISTS.lock();
    lists.blocks.push(block);
    lists.free.extend((1..PAGE / SLOT).map(|n| base + n * SLOT));
    Some(base)
}
