// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data of net buffers: start and length, copies, contiguous views. At most DISPATCH_LEVEL.

use alloc::{collections::BTreeMap, format, vec::Vec};

use ndis::ffi::*;

use super::nbl;
use crate::{
    exports,
    exports::{
        Call,
        nt::{mdl, pool},
    },
    field,
    guest::{self, PAGE, Ptr},
    ledger::{Kind, Scope},
    machine::lock::IrqSpin,
    verify::{self, Handler},
};

/// Buffers behind MDLs that a retreat allocated: MDL → pool block.
static BEHIND: IrqSpin<BTreeMap<usize, usize>> = IrqSpin::new(BTreeMap::new());

/// The next MDL of a chain.
pub fn next(mdl: Ptr<MDL>) -> Ptr<MDL> {
    Ptr::new(field!(mdl, Next).read() as usize)
}

/// Points a buffer at an MDL chain: data of `length` bytes, `offset` bytes into it.
pub fn set_data(buffer: Ptr<NET_BUFFER>, chain: Ptr<MDL>, offset: u32, length: u32) {
    field!(buffer, u0.s.MdlChain).write(chain.raw());
    field!(buffer, u0.s.DataOffset).write(offset);
    // The upper half of the union is stDataLength's.
    field!(buffer, u0.s.u.stDataLength).write(u64::from(length));
    locate(buffer);
}

/// Sets CurrentMdl and CurrentMdlOffset from DataOffset.
fn locate(buffer: Ptr<NET_BUFFER>) {
    let mut at: Ptr<MDL> = Ptr::new(field!(buffer, u0.s.MdlChain).read() as usize);
    let mut offset = field!(buffer, u0.s.DataOffset).read();
    while !at.is_null() {
        let count = field!(at, ByteCount).read();
        let following = next(at);
        if offset < count || (following.is_null() && offset <= count) {
            break;
        }
        offset -= count;
        at = following;
    }
    field!(buffer, u0.s.CurrentMdl).write(at.raw());
    field!(buffer, u0.s.CurrentMdlOffset).write(offset);
}

/// DataLength.
pub fn length(buffer: Ptr<NET_BUFFER>) -> u32 {
    field!(buffer, u0.s.u.DataLength).read()
}

fn set_length(buffer: Ptr<NET_BUFFER>, length: u32) {
    field!(buffer, u0.s.u.stDataLength).write(u64::from(length));
}

/// The pieces of memory that `len` bytes from `offset` bytes into the data lie in. Ends the run
/// when the chain is shorter (DM-11).
pub fn pieces(call: &Call, buffer: Ptr<NET_BUFFER>, offset: u32, len: u32) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at: Ptr<MDL> = Ptr::new(field!(buffer, u0.s.CurrentMdl).read() as usize);
    let mut skip = field!(buffer, u0.s.CurrentMdlOffset).read() as usize + offset as usize;
    let mut left = len as usize;
    while left > 0 {
        if at.is_null() {
            verify::stop(
                "DM-11",
                call.text(&format!(
                    "the MDL chain of NET_BUFFER {buffer:?} is {left} bytes shorter than its data"
                )),
            );
        }
        let count = field!(at, ByteCount).read() as usize;
        if skip < count {
            let n = (count - skip).min(left);
            let address = mdl::system_address(call, at);
            if address == 0 {
                return Vec::new();
            }
            out.push((address + skip, n));
            left -= n;
            skip = 0;
        } else {
            skip -= count;
        }
        at = next(at);
    }
    out
}

/// Frees an MDL that a retreat made, and its buffer.
fn free_own_mdl(call: &Call, mdl: Ptr<MDL>) {
    let behind = BEHIND.lock().remove(&mdl.addr());
    mdl::free(call, mdl);
    if let Some(block) = behind {
        pool::free(call, Kind::Pool, block, None);
    }
}

/// Moves the start of the data forward.
pub fn advance(call: &Call, buffer: Ptr<NET_BUFFER>, delta: u32, free: bool, handler: usize) {
    let len = length(buffer);
    if !verify::check("D-42", delta <= len, || {
        call.text(&format!(
            "advanced by {delta}, but there are {len} bytes of data"
        ))
    }) {
        return;
    }
    field!(buffer, u0.s.DataOffset).write(field!(buffer, u0.s.DataOffset).read() + delta);
    set_length(buffer, len - delta);
    locate(buffer);
    if !free {
        return;
    }
    // MDLs that lie before the data now are given back.
    loop {
        let first: Ptr<MDL> = Ptr::new(field!(buffer, u0.s.MdlChain).read() as usize);
        let current = field!(buffer, u0.s.CurrentMdl).read() as usize;
        if first.is_null() || first.addr() == current || next(first).is_null() {
            break;
        }
        let count = field!(first, ByteCount).read();
        field!(buffer, u0.s.MdlChain).write(next(first).raw());
        field!(buffer, u0.s.DataOffset).write(field!(buffer, u0.s.DataOffset).read() - count);
        if handler != 0 {
            verify::call_on(
                Handler::MdlCallback,
                buffer.addr() as u64,
                handler,
                &[first.addr() as u64],
            );
        } else {
            free_own_mdl(call, first);
        }
    }
}

/// Moves the start of the data back, with a new MDL in front when there is no room.
pub fn retreat(
    call: &Call,
    buffer: Ptr<NET_BUFFER>,
    delta: u32,
    backfill: u32,
    handler: usize,
) -> i32 {
    let offset = field!(buffer, u0.s.DataOffset).read();
    if offset >= delta {
        field!(buffer, u0.s.DataOffset).write(offset - delta);
    } else {
        // What is left before the data is used; the rest and the backfill come from a new MDL.
        let bytes = delta - offset + backfill;
        let new = if handler != 0 {
            let Some(size) = guest::Block::new(4, 4, true) else {
                return NDIS_STATUS_RESOURCES;
            };
            size.ptr::<u32>().write(bytes);
            let mdl = verify::call_on(
                Handler::MdlCallback,
                buffer.addr() as u64,
                handler,
                &[size.address() as u64],
            );
            Ptr::<MDL>::new(mdl as usize)
        } else {
            own_mdl(call, bytes)
        };
        if new.is_null() {
            return NDIS_STATUS_RESOURCES;
        }
        let have = field!(new, ByteCount).read();
        if !verify::check("DM-11", have >= bytes, || {
            call.text(&format!(
                "the allocated MDL has {have} bytes, {bytes} were asked for"
            ))
        }) {
            return NDIS_STATUS_RESOURCES;
        }
        field!(new, Next).write(field!(buffer, u0.s.MdlChain).read());
        field!(buffer, u0.s.MdlChain).write(new.raw());
        field!(buffer, u0.s.DataOffset).write(have + offset - delta);
    }
    set_length(buffer, length(buffer) + delta);
    locate(buffer);
    NDIS_STATUS_SUCCESS
}

fn own_mdl(call: &Call, bytes: u32) -> Ptr<MDL> {
    let block = nbl::memory(call, bytes as usize, Scope::Driver);
    if block == 0 {
        return Ptr::NULL;
    }
    let mdl = mdl::allocate(call, block, bytes as usize, Scope::Driver);
    if mdl.is_null() {
        pool::free(call, Kind::Pool, block, None);
        return mdl;
    }
    mdl::build(call, mdl);
    BEHIND.lock().insert(mdl.addr(), block);
    mdl
}

/// The buffers of a list.
pub fn of_list(list: Ptr<NET_BUFFER_LIST>) -> Vec<Ptr<NET_BUFFER>> {
    let mut out = Vec::new();
    let mut at: Ptr<NET_BUFFER> = Ptr::new(field!(list, u0.s.FirstNetBuffer).read() as usize);
    while !at.is_null() {
        out.push(at);
        at = Ptr::new(field!(at, u0.s.Next).read() as usize);
    }
    out
}

/// A contiguous view of the first bytes: in place when they lie in one MDL and are aligned, else
/// a copy in `storage`, else nothing.
fn data_buffer(
    call: &Call,
    buffer: Ptr<NET_BUFFER>,
    needed: u32,
    storage: usize,
    multiple: u32,
    offset: u32,
) -> usize {
    if needed == 0 || needed > length(buffer) {
        return 0;
    }
    if !verify::check("V-28", multiple.is_power_of_two(), || {
        call.text(&format!("AlignMultiple {multiple} is no power of two"))
    }) {
        return 0;
    }
    let pieces = pieces(call, buffer, 0, needed);
    match pieces[..] {
        [] => return 0, // No mapping: low resources.
        [(address, len)]
            if len == needed as usize
                && (address as u32).wrapping_sub(offset) & (multiple - 1) == 0 =>
        {
            return address;
        }
        _ => {}
    }
    if storage == 0 {
        return 0;
    }
    let mut to = storage;
    for (from, len) in pieces {
        guest::copy(to, from, len);
        to += len;
    }
    storage
}

fn copy_info(to: Ptr<NET_BUFFER_LIST>, from: Ptr<NET_BUFFER_LIST>) {
    field!(to, NetBufferListInfo).write(field!(from, NetBufferListInfo).read());
}

exports! {
    "ndis.sys";

    /// Moves the start of the data forward.
    [Dispatch] fn NdisAdvanceNetBufferDataStart(call, buffer: Ptr<NET_BUFFER>, delta: u32, free: bool, handler: usize) {
        advance(call, buffer, delta, free, handler)
    }
    /// The same for every buffer of a list.
    [Dispatch] fn NdisAdvanceNetBufferListDataStart(call, list: Ptr<NET_BUFFER_LIST>, delta: u32, free: bool, handler: usize) {
        for buffer in of_list(list) {
            advance(call, buffer, delta, free, handler);
        }
    }
    /// Moves the start of the data back.
    [Dispatch] fn NdisRetreatNetBufferDataStart(call, buffer: Ptr<NET_BUFFER>, delta: u32, backfill: u32, handler: usize) -> i32 {
        retreat(call, buffer, delta, backfill, handler)
    }
    /// The same for every buffer of a list; all or none.
    [Dispatch] fn NdisRetreatNetBufferListDataStart(call, list: Ptr<NET_BUFFER_LIST>, delta: u32, backfill: u32, allocate: usize, free: usize) -> i32 {
        let buffers = of_list(list);
        for (i, buffer) in buffers.iter().enumerate() {
            let status = retreat(call, *buffer, delta, backfill, allocate);
            if status != NDIS_STATUS_SUCCESS {
                for done in &buffers[..i] {
                    advance(call, *done, delta, true, free);
                }
                return status;
            }
        }
        NDIS_STATUS_SUCCESS
    }
    /// Moves CurrentMdl on when its bytes are used up.
    [Dispatch] fn NdisAdjustNetBufferCurrentMdl(_call, buffer: Ptr<NET_BUFFER>) { locate(buffer) }
    /// A contiguous view of the first bytes.
    [Dispatch] fn NdisGetDataBuffer(call, buffer: Ptr<NET_BUFFER>, needed: u32, storage: usize, multiple: u32, offset: u32) -> usize {
        data_buffer(call, buffer, needed, storage, multiple, offset)
    }
    /// Copies between buffers, as far as both reach.
    [Dispatch] fn NdisCopyFromNetBufferToNetBuffer(call, to: Ptr<NET_BUFFER>, to_offset: u32, bytes: u32, from: Ptr<NET_BUFFER>, from_offset: u32, copied: Ptr<u32>) -> i32 {
        let n = bytes.min(length(to).saturating_sub(to_offset)).min(length(from).saturating_sub(from_offset));
        let mut data = Vec::new();
        for (address, len) in pieces(call, from, from_offset, n) {
            data.extend(guest::slice(address, len));
        }
        let mut at = 0;
        let targets = pieces(call, to, to_offset, data.len() as u32);
        if data.len() != n as usize || (targets.is_empty() && n != 0) {
            copied.write(0);
            return NDIS_STATUS_RESOURCES;
        }
        for (address, len) in targets {
            guest::copy_in(address, &data[at..at + len]);
            at += len;
        }
        copied.write(n);
        NDIS_STATUS_SUCCESS
    }
    /// Copies the out-of-band data of a send.
    [Dispatch] fn NdisCopySendNetBufferListInfo(_call, to: Ptr<NET_BUFFER_LIST>, from: Ptr<NET_BUFFER_LIST>) { copy_info(to, from) }
    /// Copies the out-of-band data of a receive.
    [Dispatch] fn NdisCopyReceiveNetBufferListInfo(_call, to: Ptr<NET_BUFFER_LIST>, from: Ptr<NET_BUFFER_LIST>) {
        copy_info(to, from);
        field!(to, NblFlags).write(field!(from, NblFlags).read());
    }
    /// Physical pieces of the data at most: pages that it touches.
    [Dispatch] fn NdisQueryNetBufferPhysicalCount(_call, buffer: Ptr<NET_BUFFER>) -> u32 {
        let mut at: Ptr<MDL> = Ptr::new(field!(buffer, u0.s.CurrentMdl).read() as usize);
        let mut skip = field!(buffer, u0.s.CurrentMdlOffset).read() as usize;
        let mut left = length(buffer) as usize;
        let mut count = 0;
        while !at.is_null() && left > 0 {
            let bytes = field!(at, ByteCount).read() as usize;
            let n = bytes.saturating_sub(skip).min(left);
            let offset = (field!(at, ByteOffset).read() as usize + skip) % PAGE;
            count += (offset + n).div_ceil(PAGE) as u32;
            left -= n;
            skip = 0;
            at = next(at);
        }
        count
    }
}
