// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive ring: descriptor, buffer and NBL of a number belong together for ever, so buffers go back to the chip in
//! the order of the ring. At most DISPATCH_LEVEL.

use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

use crate::data::{Adapter, BUFFER, RING, reg};
use crate::is;
use crate::table::*;

/// Frames in one DPC without a limit from NDIS.
const BUDGET: u32 = 64;
/// Longest frame, without FCS.
const FRAME: u32 = 1514;
/// Descriptor done.
const DONE: u64 = 1 << 32;

/// Makes all buffers the chip's.
pub unsafe fn fill(a: *mut Adapter) {
    for n in 0..RING {
        post(a, n);
        (*a).home[n] = true;
    }
    (*a).next_receive = 0;
    (*a).receive_tail = RING - 1;
}

unsafe fn post(a: *mut Adapter, n: usize) {
    let descriptor = (*a).receive_descriptor(n);
    descriptor.write_volatile((*a).receive_buffer(n));
    descriptor.add(1).write_volatile(0);
}

/// A frame is in the ring.
pub unsafe fn is_waiting(a: *mut Adapter) -> bool {
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).receive_lock);
    let waits = waits(a);
    nt::KeReleaseSpinLock(&raw mut (*a).receive_lock, old);
    waits
}

unsafe fn waits(a: *mut Adapter) -> bool {
    let n = (*a).next_receive;
    (*a).home[n] && (*a).receive_descriptor(n).add(1).read_volatile() & DONE != 0
}

/// Indicates what has come, at most `limit`: how many, and whether there is more. DISPATCH_LEVEL.
pub unsafe fn indicate(a: *mut Adapter, limit: u32) -> (u32, bool) {
    let endless = is(POLL_UNTIL_EMPTY) && limit == NDIS_INDICATE_ALL_NBLS;
    let rounds = if is(LIMIT_PER_CALL) { 2 } else { 1 };
    let mut total = 0;
    let mut round = 0;
    loop {
        let (count, more) = batch(a, limit.min(BUDGET));
        total += count;
        round += 1;
        if !more || (round >= rounds && !endless) {
            return (total, more);
        }
        crate::send::reap(a, true);
    }
}

unsafe fn batch(a: *mut Adapter, most: u32) -> (u32, bool) {
    let mut first = null_mut();
    let mut last: *mut NET_BUFFER_LIST = null_mut();
    let mut count = 0;
    nt::KeAcquireSpinLockAtDpcLevel(&raw mut (*a).receive_lock);
    while count < most && waits(a) {
        let n = (*a).next_receive;
        (*a).next_receive = (n + 1) % RING;
        let length = (*a).receive_descriptor(n).add(1).read_volatile() as u32 & 0xFFFF;
        if !(*a).running.load(Ordering::SeqCst)
            || (*a).filter == 0
            || !(14..=FRAME).contains(&length)
        {
            recycle(a, n);
            continue;
        }
        (*a).home[n] = false;
        let nbl = (*a).nbls[n];
        prepare(a, nbl, length);
        if last.is_null() {
            first = nbl;
        } else {
            (*last).set_next(nbl);
        }
        last = nbl;
        count += 1;
    }
    (*a).indicated += count;
    let more = count == most && waits(a);
    nt::KeReleaseSpinLockFromDpcLevel(&raw mut (*a).receive_lock);
    if count != 0 {
        let flags = NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL;
        sys::NdisMIndicateReceiveNetBufferLists((*a).handle, first, 0, count, flags);
    }
    (count, more)
}

unsafe fn prepare(a: *mut Adapter, nbl: *mut NET_BUFFER_LIST, length: u32) {
    let mdl = (*nbl).MiniportReserved[1].cast::<MDL>();
    (*mdl).ByteCount = length;
    (*mdl).Next = null_mut();
    (*nbl).set_next(null_mut());
    (*nbl).set_status(NDIS_STATUS_SUCCESS);
    (*nbl).NblFlags = 0;
    (*nbl).Flags = 0;
    (*nbl).SourceHandle = (*a).handle;
    (*nbl).NetBufferListInfo = [null_mut(); 27];
    let nb = (*nbl).first_net_buffer();
    (*nb).set_next(null_mut());
    (*nb).set_data(mdl, 0, length);
}

/// A buffer is free again; the tail moves over all that are. With the lock held.
unsafe fn recycle(a: *mut Adapter, n: usize) {
    post(a, n);
    (*a).home[n] = true;
    let mut tail = (*a).receive_tail;
    loop {
        let next = (tail + 1) % RING;
        // One descriptor stays the driver's, or the ring would look empty.
        let full = (next + 1) % RING == (*a).next_receive;
        if full || !(*a).home[tail] {
            break;
        }
        tail = next;
    }
    if tail != (*a).receive_tail {
        (*a).receive_tail = tail;
        if !(*a).stopped.load(Ordering::SeqCst) {
            (*a).write(reg::RDT, tail as u32);
        }
    }
}

/// MiniportReturnNetBufferLists.
pub unsafe extern "system" fn return_nbls(
    context: NDIS_HANDLE,
    nbls: *mut NET_BUFFER_LIST,
    _: u32,
) {
    let a: *mut Adapter = context.cast();
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).receive_lock);
    let mut nbl = nbls;
    while !nbl.is_null() {
        let next = (*nbl).next();
        let buffer = (*nbl).MiniportReserved[0] as usize;
        recycle(a, (buffer - (*a).receive_memory()) / BUFFER);
        (*a).indicated -= 1;
        nbl = next;
    }
    nt::KeReleaseSpinLock(&raw mut (*a).receive_lock, old);
}
