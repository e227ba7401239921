// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clones, fragments and reassemblies of net buffer lists. At most DISPATCH_LEVEL.
//!
//! All three describe the memory of the original with MDLs of their own (or with the original's,
//! when a clone asks for that); no data is copied.

use alloc::vec::Vec;

use ndis::ffi::*;
use spin::Once;

use super::{nb, nbl};
use crate::{
    exports,
    exports::{
        Call,
        nt::mdl::{self, IoBuildPartialMdl},
    },
    field,
    guest::Ptr,
    ledger::Scope,
};

/// `NDIS_CLONE_FLAGS_USE_ORIGINAL_MDLS`.
const USE_ORIGINAL_MDLS: u32 = 2;

/// NDIS' own pools, for callers who name none: of lists, and of buffers.
static OWN_POOLS: Once<[u64; 2]> = Once::new();

/// The pool of NDIS itself. What is taken from it is in the ledger.
fn own_pool(lists: bool) -> u64 {
    let pools = OWN_POOLS.call_once(|| {
        [false, true].map(|lists| {
            nbl::insert_pool(nbl::Pool {
                lists,
                protocol: 0, // NDIS_PROTOCOL_ID_DEFAULT
                with_buffer: false,
                context: 0,
                data: 0,
                live: 0,
                scope: Scope::Driver,
            })
        })
    });
    pools[usize::from(lists)]
}

/// Where derived lists or buffers come from: both pools are optional, and without one NDIS takes
/// its own.
fn pool_or_own(handle: u64, lists: bool) -> u64 {
    if handle == 0 { own_pool(lists) } else { handle }
}

/// New MDLs for `len` bytes from `offset` bytes into a buffer's data.
fn describe(call: &Call, buffer: Ptr<NET_BUFFER>, offset: u32, len: u32) -> Option<Ptr<MDL>> {
    let mut at: Ptr<MDL> = Ptr::new(field!(buffer, u0.s.CurrentMdl).read() as usize);
    let mut skip = field!(buffer, u0.s.CurrentMdlOffset).read() + offset;
    let mut left = len;
    let mut made: Vec<Ptr<MDL>> = Vec::new();
    while left > 0 && !at.is_null() {
        let count = field!(at, ByteCount).read();
        if skip < count {
            let n = (count - skip).min(left);
            let start = field!(at, StartVa).read() as usize
                + field!(at, ByteOffset).read() as usize
                + skip as usize;
            let new = mdl::allocate(call, start, n as usize, Scope::Driver);
            if new.is_null() {
                made.into_iter().for_each(|m| mdl::free(call, m));
                return None;
            }
            IoBuildPartialMdl::body(call, at, new, start, n);
            if let Some(last) = made.last() {
                field!(*last, Next).write(new.raw());
            }
            made.push(new);
            left -= n;
            skip = 0;
        } else {
            skip -= count;
        }
        at = nb::next(at);
    }
    Some(made.first().copied().unwrap_or(Ptr::NULL))
}

fn free_chain(call: &Call, mut chain: Ptr<MDL>) {
    while !chain.is_null() {
        let following = nb::next(chain);
        mdl::free(call, chain);
        chain = following;
    }
}

/// Appends a buffer to a list under construction.
fn append(list: Ptr<NET_BUFFER_LIST>, last: &mut Ptr<NET_BUFFER>, buffer: Ptr<NET_BUFFER>) {
    if last.is_null() {
        field!(list, u0.s.FirstNetBuffer).write(buffer.raw());
    } else {
        field!(*last, u0.s.Next).write(buffer.raw());
    }
    *last = buffer;
}

/// Frees a derived list: its buffers and, unless they are the original's, their MDLs.
fn drop_list(call: &Call, list: Ptr<NET_BUFFER_LIST>, own_mdls: bool, delta: u32) {
    for buffer in nb::of_list(list) {
        if delta != 0 {
            // The header that a retreat put in front is given back first.
            nb::advance(call, buffer, delta, true, 0);
        }
        if own_mdls {
            free_chain(
                call,
                Ptr::new(field!(buffer, u0.s.MdlChain).read() as usize),
            );
        }
        nbl::free_buffer(call, buffer);
    }
    field!(list, u0.s.FirstNetBuffer).write(core::ptr::null_mut());
    nbl::free_list(call, list);
}

/// A buffer over part of another one's data, retreated by `delta`.
fn part(
    call: &Call,
    pool: u64,
    of: Ptr<NET_BUFFER>,
    offset: u32,
    len: u32,
    delta: u32,
    backfill: u32,
) -> Option<Ptr<NET_BUFFER>> {
    let chain = describe(call, of, offset, len)?;
    let buffer = nbl::make_buffer(call, pool, chain, 0, len as usize);
    if buffer.is_null() {
        free_chain(call, chain);
        return None;
    }
    if delta != 0 && nb::retreat(call, buffer, delta, backfill, 0) != NDIS_STATUS_SUCCESS {
        free_chain(call, chain);
        nbl::free_buffer(call, buffer);
        return None;
    }
    Some(buffer)
}

exports! {
    "ndis.sys";

    /// A list with the same data.
    [Dispatch] fn NdisAllocateCloneNetBufferList(call, original: Ptr<NET_BUFFER_LIST>, list_pool: u64, buffer_pool: u64, flags: u32) -> Ptr<NET_BUFFER_LIST> {
        let list = nbl::make_plain_list(call, pool_or_own(list_pool, true));
        if list.is_null() {
            return list;
        }
        let own = flags & USE_ORIGINAL_MDLS == 0;
        let mut last = Ptr::NULL;
        for source in nb::of_list(original) {
            let pool = pool_or_own(buffer_pool, false);
            let len = nb::length(source);
            let buffer = if own {
                part(call, pool, source, 0, len, 0, 0)
            } else {
                let chain = Ptr::new(field!(source, u0.s.MdlChain).read() as usize);
                let buffer = nbl::make_buffer(call, pool, chain, field!(source, u0.s.DataOffset).read(), len as usize);
                (!buffer.is_null()).then_some(buffer)
            };
            let Some(buffer) = buffer else {
                drop_list(call, list, own, 0);
                return Ptr::NULL;
            };
            append(list, &mut last, buffer);
        }
        list
    }
    /// Frees a clone.
    [Dispatch] fn NdisFreeCloneNetBufferList(call, list: Ptr<NET_BUFFER_LIST>, flags: u32) {
        drop_list(call, list, flags & USE_ORIGINAL_MDLS == 0, 0)
    }
    /// A list whose buffers have at most `most` bytes of the original's data each.
    [Dispatch] fn NdisAllocateFragmentNetBufferList(call, original: Ptr<NET_BUFFER_LIST>, list_pool: u64, buffer_pool: u64, start: u32, most: u32, delta: u32, backfill: u32, _flags: u32) -> Ptr<NET_BUFFER_LIST> {
        let list = nbl::make_plain_list(call, pool_or_own(list_pool, true));
        if list.is_null() || most == 0 {
            return list;
        }
        let mut last = Ptr::NULL;
        for source in nb::of_list(original) {
            let pool = pool_or_own(buffer_pool, false);
            let total = nb::length(source);
            let mut at = start;
            while at < total {
                let len = most.min(total - at);
                let Some(buffer) = part(call, pool, source, at, len, delta, backfill) else {
                    drop_list(call, list, true, delta);
                    return Ptr::NULL;
                };
                append(list, &mut last, buffer);
                at += len;
            }
        }
        list
    }
    /// Frees fragments.
    [Dispatch] fn NdisFreeFragmentNetBufferList(call, list: Ptr<NET_BUFFER_LIST>, delta: u32, _flags: u32) { drop_list(call, list, true, delta) }
    /// One buffer with the data of all buffers of a fragmented list.
    [Dispatch] fn NdisAllocateReassembledNetBufferList(call, fragments: Ptr<NET_BUFFER_LIST>, pool: u64, start: u32, delta: u32, backfill: u32, _flags: u32) -> Ptr<NET_BUFFER_LIST> {
        let list = nbl::make_plain_list(call, pool);
        if list.is_null() {
            return list;
        }
        let Some(target) = nb::of_list(list).first().copied() else {
            nbl::free_list(call, list);
            return Ptr::NULL;
        };
        let mut first: Ptr<MDL> = Ptr::NULL;
        let mut last: Ptr<MDL> = Ptr::NULL;
        let mut total = 0;
        for source in nb::of_list(fragments) {
            let len = nb::length(source).saturating_sub(start);
            let Some(chain) = describe(call, source, start, len) else {
                free_chain(call, first);
                nbl::free_list(call, list);
                return Ptr::NULL;
            };
            if last.is_null() {
                first = chain;
            } else {
                field!(last, Next).write(chain.raw());
            }
            last = chain;
            while !last.is_null() && !nb::next(last).is_null() {
                last = nb::next(last);
            }
            total += len;
        }
        nb::set_data(target, first, 0, total);
        if delta != 0 && nb::retreat(call, target, delta, backfill, 0) != NDIS_STATUS_SUCCESS {
            free_chain(call, first);
            nbl::free_list(call, list);
            return Ptr::NULL;
        }
        list
    }
    /// Frees a reassembled list.
    [Dispatch] fn NdisFreeReassembledNetBufferList(call, list: Ptr<NET_BUFFER_LIST>, delta: u32, _flags: u32) {
        for buffer in nb::of_list(list) {
            if delta != 0 {
                nb::advance(call, buffer, delta, true, 0);
            }
            free_chain(call, Ptr::new(field!(buffer, u0.s.MdlChain).read() as usize));
        }
        nbl::free_list(call, list);
    }
}
