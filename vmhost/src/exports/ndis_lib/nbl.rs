// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pools of net buffer lists and net buffers. At most DISPATCH_LEVEL.
//!
//! Each list and each buffer has its own pages and is unmapped when it is freed, so that a use
//! after free faults (contract V-01). Owner areas (MiniportReserved, ProtocolReserved, Scratch)
//! are poisoned: their content is undefined on a fresh list (D-05).

use alloc::{collections::BTreeMap, format};
use core::sync::atomic::{AtomicU64, Ordering};

use ndis::ffi::*;

use super::nb;
use crate::{
    exports,
    exports::{
        Call,
        nt::{
            mdl,
            pool::{self, scope_of},
        },
    },
    field,
    guest::{self, Ptr},
    ledger::{self, Kind, Scope},
    machine::lock::IrqSpin,
    verify,
};

/// Context sizes are multiples of this.
const CONTEXT_ALIGN: u16 = 16;

#[derive(Clone, Copy)]
pub(super) struct Pool {
    pub(super) lists: bool,
    pub(super) protocol: u8,
    pub(super) with_buffer: bool,
    pub(super) context: u16,
    pub(super) data: u32,
    pub(super) live: u32,
    pub(super) scope: Scope,
}

/// What hangs on a list or buffer besides itself.
#[derive(Clone, Copy, Default)]
struct Made {
    pool: u64,
    /// The pool's own context block; 0 when there is none.
    context: usize,
    /// The net buffer that lives and dies with the list.
    buffer: usize,
    /// MDL and data that live and die with the buffer.
    mdl: usize,
    data: usize,
    /// Given to NDIS by an indication and not returned yet.
    lent: bool,
}

struct State {
    pools: BTreeMap<u64, Pool>,
    made: BTreeMap<usize, Made>,
}

static STATE: IrqSpin<State> = IrqSpin::new(State {
    pools: BTreeMap::new(),
    made: BTreeMap::new(),
});

/// Handles that are no addresses: whoever follows one faults.
pub fn new_handle() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0xFFFF_F7F0_0000_1000);
    NEXT.fetch_add(0x40, Ordering::Relaxed)
}

fn header_ok(call: &Call, header: NDIS_OBJECT_HEADER, least: u16) -> bool {
    verify::check(
        "G-06",
        header.Type == NDIS_OBJECT_TYPE_DEFAULT && header.Revision >= 1 && header.Size >= least,
        || {
            call.text(&format!(
                "object header type {:#x}, revision {}, size {}",
                header.Type, header.Revision, header.Size
            ))
        },
    )
}

/// Makes a pool that is in no ledger.
pub(super) fn insert_pool(pool: Pool) -> u64 {
    let new = new_handle();
    STATE.lock().pools.insert(new, pool);
    new
}

fn new_pool(call: &Call, handle: u64, pool: Pool) -> u64 {
    let kind = if pool.lists {
        Kind::NblPool
    } else {
        Kind::NbPool
    };
    let new = insert_pool(pool);
    ledger::add(kind, new, 0, scope_of(handle), call.rip);
    new
}

fn free_pool(call: &Call, handle: u64, kind: Kind) {
    if ledger::expect_remove("H-07", kind, handle, call.name()).is_none() {
        return;
    }
    let live = STATE.lock().pools.remove(&handle).map_or(0, |p| p.live);
    verify::check("H-07", live == 0, || {
        call.text(&format!("{live} objects of the pool are not freed"))
    });
}

fn pool_of(call: &Call, handle: u64, lists: bool) -> Option<Pool> {
    let pool = STATE
        .lock()
        .pools
        .get(&handle)
        .copied()
        .filter(|p| p.lists == lists);
    verify::check("H-07", pool.is_some(), || {
        call.text(&format!(
            "{handle:#x} is no live {} pool",
            if lists {
                "NET_BUFFER_LIST"
            } else {
                "NET_BUFFER"
            }
        ))
    });
    pool
}

fn count(handle: u64, by: i32) {
    if let Some(pool) = STATE.lock().pools.get_mut(&handle) {
        pool.live = pool.live.wrapping_add_signed(by);
    }
}

fn new_block(bytes: usize) -> Option<usize> {
    Some(guest::Block::new(bytes, 16, true)?.leak())
}

fn fill_buffer(buffer: Ptr<NET_BUFFER>, pool: u64) {
    field!(buffer, NdisPoolHandle).write(pool as NDIS_HANDLE);
    let poison = usize::from_ne_bytes([guest::POISON; 8]) as *mut c_void;
    field!(buffer, ProtocolReserved).write([poison; 6]);
    field!(buffer, MiniportReserved).write([poison; 4]);
}

/// MDL and data of `bytes` for a buffer: the data starts behind them, to be retreated into.
fn attach_data(
    call: &Call,
    buffer: Ptr<NET_BUFFER>,
    bytes: u32,
    scope: Scope,
) -> Option<(usize, usize)> {
    let data = guest::Block::new(bytes as usize, 16, false)?.leak();
    let mdl = mdl::allocate(call, data, bytes as usize, scope);
    if mdl.is_null() {
        guest::Block::unmap(data);
        return None;
    }
    // It belongs to the buffer, not to the driver.
    ledger::remove(Kind::Mdl, mdl.addr() as u64);
    mdl::build(call, mdl);
    nb::set_data(buffer, mdl, bytes, 0);
    Some((mdl.addr(), data))
}

fn make_list(
    call: &Call,
    handle: u64,
    context: u16,
    backfill: u16,
    buffer: bool,
) -> Ptr<NET_BUFFER_LIST> {
    let Some(pool) = pool_of(call, handle, true) else {
        return Ptr::NULL;
    };
    verify::check(
        "D-42",
        context.is_multiple_of(CONTEXT_ALIGN) && backfill.is_multiple_of(CONTEXT_ALIGN),
        || {
            call.text(
                "ContextSize and ContextBackFill must be multiples of MEMORY_ALLOCATION_ALIGNMENT",
            )
        },
    );
    let Some(address) = new_block(size_of::<NET_BUFFER_LIST>()) else {
        return Ptr::NULL;
    };
    let list: Ptr<NET_BUFFER_LIST> = Ptr::new(address);
    let mut made = Made {
        pool: handle,
        ..Made::default()
    };
    field!(list, NdisPoolHandle).write(handle as NDIS_HANDLE);
    let poison = usize::from_ne_bytes([guest::POISON; 8]) as *mut c_void;
    field!(list, ProtocolReserved).write([poison; 4]);
    field!(list, MiniportReserved).write([poison; 2]);
    field!(list, Scratch).write(poison);
    let room = pool.context.max(context + backfill);
    if room != 0 {
        let Some(block) = new_context(room, context) else {
            guest::Block::unmap(address);
            return Ptr::NULL;
        };
        made.context = block;
        field!(list, Context).write(block as *mut NET_BUFFER_LIST_CONTEXT);
    }
    if buffer || pool.with_buffer {
        let Some(nb_address) = new_block(size_of::<NET_BUFFER>()) else {
            return drop_parts(address, made);
        };
        made.buffer = nb_address;
        let nb: Ptr<NET_BUFFER> = Ptr::new(nb_address);
        fill_buffer(nb, handle);
        if pool.data != 0 {
            let Some((mdl, data)) = attach_data(call, nb, pool.data, pool.scope) else {
                return drop_parts(address, made);
            };
            (made.mdl, made.data) = (mdl, data);
        }
        field!(list, u0.s.FirstNetBuffer).write(nb.raw());
    }
    STATE.lock().made.insert(address, made);
    count(handle, 1);
    ledger::add(Kind::Nbl, address as u64, 0, pool.scope, call.rip);
    list
}

/// Unmaps what was made before memory ran out.
fn drop_parts(list: usize, made: Made) -> Ptr<NET_BUFFER_LIST> {
    for part in [made.context, made.buffer, list] {
        if part != 0 {
            guest::Block::unmap(part);
        }
    }
    Ptr::NULL
}

fn new_context(room: u16, used: u16) -> Option<usize> {
    let bytes = size_of::<NET_BUFFER_LIST_CONTEXT>() + usize::from(room);
    let block = guest::Block::new(bytes, 16, false)?.leak();
    let context: Ptr<NET_BUFFER_LIST_CONTEXT> = Ptr::new(block);
    field!(context, Next).write(core::ptr::null_mut());
    field!(context, Size).write(room);
    field!(context, Offset).write(room - used);
    Some(block)
}

fn free_buffer_parts(made: Made) {
    if made.mdl != 0 {
        guest::Block::unmap(made.mdl);
    }
    if made.data != 0 {
        guest::Block::unmap(made.data);
    }
}

/// Frees a list made by this module.
pub fn free_list(call: &Call, list: Ptr<NET_BUFFER_LIST>) {
    if ledger::expect_remove("V-01", Kind::Nbl, list.addr() as u64, call.name()).is_none() {
        return;
    }
    let made = STATE.lock().made.remove(&list.addr()).unwrap_or_default();
    verify::check("D-31", !made.lent, || {
        call.text(&format!(
            "NET_BUFFER_LIST {list:?} is indicated and not returned yet"
        ))
    });
    let children = field!(list, ChildRefCount).read();
    verify::check("D-31", children == 0, || {
        call.text(&format!("NET_BUFFER_LIST {list:?} has {children} children"))
    });
    let context = field!(list, Context).read() as usize;
    verify::check("D-18", context == made.context, || {
        call.text(&format!(
            "a context of NET_BUFFER_LIST {list:?} was not freed with NdisFreeNetBufferListContext"
        ))
    });
    if made.buffer != 0 {
        free_buffer_parts(made);
        guest::Block::unmap(made.buffer);
    }
    if made.context != 0 {
        guest::Block::unmap(made.context);
    }
    guest::Block::unmap(list.addr());
    count(made.pool, -1);
}

/// Notes that a list was given to NDIS (or came back), for the check on free.
pub fn set_lent(list: usize, lent: bool) {
    if let Some(made) = STATE.lock().made.get_mut(&list) {
        made.lent = lent;
    }
}

/// A net buffer from a pool, over an MDL chain.
pub fn make_buffer(
    call: &Call,
    handle: u64,
    chain: Ptr<MDL>,
    offset: u32,
    length: usize,
) -> Ptr<NET_BUFFER> {
    let Some(pool) = pool_of(call, handle, false) else {
        return Ptr::NULL;
    };
    let Some(address) = new_block(size_of::<NET_BUFFER>()) else {
        return Ptr::NULL;
    };
    let buffer: Ptr<NET_BUFFER> = Ptr::new(address);
    fill_buffer(buffer, handle);
    nb::set_data(buffer, chain, offset, length as u32);
    STATE.lock().made.insert(
        address,
        Made {
            pool: handle,
            ..Made::default()
        },
    );
    count(handle, 1);
    ledger::add(Kind::Nb, address as u64, 0, pool.scope, call.rip);
    buffer
}

/// Frees a net buffer that was allocated by itself.
pub fn free_buffer(call: &Call, buffer: Ptr<NET_BUFFER>) {
    if ledger::expect_remove("V-01", Kind::Nb, buffer.addr() as u64, call.name()).is_none() {
        return;
    }
    let made = STATE.lock().made.remove(&buffer.addr()).unwrap_or_default();
    free_buffer_parts(made);
    guest::Block::unmap(buffer.addr());
    count(made.pool, -1);
}

/// A list from a pool without context, for clones.
pub fn make_plain_list(call: &Call, handle: u64) -> Ptr<NET_BUFFER_LIST> {
    make_list(call, handle, 0, 0, false)
}

exports! {
    "ndis.sys";

    /// A pool of net buffer lists.
    [Dispatch] fn NdisAllocateNetBufferListPool(call, handle: u64, parameters: Ptr<NET_BUFFER_LIST_POOL_PARAMETERS>) -> u64 {
        if !header_ok(call, field!(parameters, Header).read(), 16) {
            return 0;
        }
        let with_buffer = field!(parameters, fAllocateNetBuffer).read() != 0;
        let context = field!(parameters, ContextSize).read();
        let data = field!(parameters, DataSize).read();
        verify::check("V-28", field!(parameters, PoolTag).read() != 0, || call.text("pool tag 0"));
        verify::check("D-42", context.is_multiple_of(CONTEXT_ALIGN), || call.text("ContextSize is no multiple of MEMORY_ALLOCATION_ALIGNMENT"));
        verify::check("D-42", data == 0 || with_buffer, || call.text("DataSize without fAllocateNetBuffer"));
        new_pool(call, handle, Pool {
            lists: true,
            protocol: field!(parameters, ProtocolId).read(),
            with_buffer,
            context,
            data,
            live: 0,
            scope: scope_of(handle),
        })
    }
    /// Frees a pool; it must be empty.
    [Dispatch] fn NdisFreeNetBufferListPool(call, handle: u64) { free_pool(call, handle, Kind::NblPool) }
    /// A pool of net buffers.
    [Dispatch] fn NdisAllocateNetBufferPool(call, handle: u64, parameters: Ptr<NET_BUFFER_POOL_PARAMETERS>) -> u64 {
        if !header_ok(call, field!(parameters, Header).read(), 12) {
            return 0;
        }
        verify::check("V-28", field!(parameters, PoolTag).read() != 0, || call.text("pool tag 0"));
        let data = field!(parameters, DataSize).read();
        new_pool(call, handle, Pool { lists: false, protocol: 0, with_buffer: false, context: 0, data, live: 0, scope: scope_of(handle) })
    }
    /// Frees a pool; it must be empty.
    [Dispatch] fn NdisFreeNetBufferPool(call, handle: u64) { free_pool(call, handle, Kind::NbPool) }

    /// A list, with the buffer and data of its pool.
    [Dispatch] fn NdisAllocateNetBufferList(call, handle: u64, context: u16, backfill: u16) -> Ptr<NET_BUFFER_LIST> {
        make_list(call, handle, context, backfill, false)
    }
    /// A list with a buffer over an MDL chain.
    [Dispatch] fn NdisAllocateNetBufferAndNetBufferList(call, handle: u64, context: u16, backfill: u16, chain: Ptr<MDL>, offset: u32, length: usize) -> Ptr<NET_BUFFER_LIST> {
        let Some(pool) = pool_of(call, handle, true) else { return Ptr::NULL };
        verify::check("D-42", pool.with_buffer && pool.data == 0, || call.text("the pool needs fAllocateNetBuffer TRUE and DataSize 0"));
        let list = make_list(call, handle, context, backfill, true);
        if !list.is_null() {
            nb::set_data(Ptr::new(field!(list, u0.s.FirstNetBuffer).read() as usize), chain, offset, length as u32);
        }
        list
    }
    /// Frees a list and what came with it.
    [Dispatch] fn NdisFreeNetBufferList(call, list: Ptr<NET_BUFFER_LIST>) { free_list(call, list) }
    /// A buffer over an MDL chain.
    [Dispatch] fn NdisAllocateNetBuffer(call, handle: u64, chain: Ptr<MDL>, offset: u32, length: usize) -> Ptr<NET_BUFFER> {
        make_buffer(call, handle, chain, offset, length)
    }
    /// A buffer with the MDL and data of its pool.
    [Dispatch] fn NdisAllocateNetBufferMdlAndData(call, handle: u64) -> Ptr<NET_BUFFER> {
        let Some(pool) = pool_of(call, handle, false) else { return Ptr::NULL };
        if !verify::check("D-42", pool.data != 0, || call.text("the pool has no DataSize")) {
            return Ptr::NULL;
        }
        let buffer = make_buffer(call, handle, Ptr::NULL, 0, 0);
        if buffer.is_null() {
            return buffer;
        }
        match attach_data(call, buffer, pool.data, pool.scope) {
            Some((mdl, data)) => {
                if let Some(made) = STATE.lock().made.get_mut(&buffer.addr()) {
                    (made.mdl, made.data) = (mdl, data);
                }
                buffer
            }
            None => {
                free_buffer(call, buffer);
                Ptr::NULL
            }
        }
    }
    /// Frees a buffer.
    [Dispatch] fn NdisFreeNetBuffer(call, buffer: Ptr<NET_BUFFER>) { free_buffer(call, buffer) }

    /// More context in front of a list's context.
    [Dispatch] fn NdisAllocateNetBufferListContext(call, list: Ptr<NET_BUFFER_LIST>, size: u16, backfill: u16, tag: u32) -> i32 {
        verify::check("D-18", size.is_multiple_of(CONTEXT_ALIGN) && backfill.is_multiple_of(CONTEXT_ALIGN), || {
            call.text("sizes must be multiples of MEMORY_ALLOCATION_ALIGNMENT")
        });
        verify::check("V-28", tag != 0, || call.text("pool tag 0"));
        let first: Ptr<NET_BUFFER_LIST_CONTEXT> = Ptr::new(field!(list, Context).read() as usize);
        if !first.is_null() && field!(first, Offset).read() >= size {
            field!(first, Offset).write(field!(first, Offset).read() - size);
            return NDIS_STATUS_SUCCESS;
        }
        let Some(block) = new_context(size + backfill, size) else { return NDIS_STATUS_RESOURCES };
        let context: Ptr<NET_BUFFER_LIST_CONTEXT> = Ptr::new(block);
        field!(context, Next).write(first.raw());
        field!(list, Context).write(context.raw());
        ledger::add(Kind::NblContext, block as u64, u64::from(size), Scope::Driver, call.rip);
        NDIS_STATUS_SUCCESS
    }
    /// Gives context back, last in, first out.
    [Dispatch] fn NdisFreeNetBufferListContext(call, list: Ptr<NET_BUFFER_LIST>, size: u16) {
        let first: Ptr<NET_BUFFER_LIST_CONTEXT> = Ptr::new(field!(list, Context).read() as usize);
        if !verify::check("D-18", !first.is_null(), || call.text("the list has no context")) {
            return;
        }
        let (offset, total) = (field!(first, Offset).read(), field!(first, Size).read());
        if !verify::check("D-18", size <= total - offset.min(total), || {
            call.text(&format!("{size} bytes are freed, {} are in use", total - offset.min(total)))
        }) {
            return;
        }
        field!(first, Offset).write(offset + size);
        if offset + size == total && ledger::remove(Kind::NblContext, first.addr() as u64).is_some() {
            field!(list, Context).write(field!(first, Next).read());
            guest::Block::unmap(first.addr());
        }
    }
    /// The pool of a list.
    [Dispatch] fn NdisGetPoolFromNetBufferList(_call, list: Ptr<NET_BUFFER_LIST>) -> u64 { field!(list, NdisPoolHandle).read() as u64 }
    /// The pool of a buffer.
    [Dispatch] fn NdisGetPoolFromNetBuffer(_call, buffer: Ptr<NET_BUFFER>) -> u64 { field!(buffer, NdisPoolHandle).read() as u64 }
    /// The protocol id of a list's pool.
    [Dispatch] fn NdisGetNetBufferListProtocolId(_call, list: Ptr<NET_BUFFER_LIST>) -> u8 {
        let handle = field!(list, NdisPoolHandle).read() as u64;
        STATE.lock().pools.get(&handle).map_or(0, |p| p.protocol)
    }
}

/// Keeps `pool` in use for callers that want pool blocks of this module's scope.
pub fn memory(call: &Call, bytes: usize, scope: Scope) -> usize {
    pool::allocate(
        call,
        pool::Request {
            bytes,
            tag: u32::from_le_bytes(*b"NDnb"),
            paged: false,
            zero: false,
            cache_aligned: false,
            scope,
            kind: Kind::Pool,
        },
    )
}
