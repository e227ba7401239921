// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit ring: each frame is copied into the buffer of its descriptor, and its NBL is completed when the chip has
//! sent the last one. NBLs that find no room wait in order. At most DISPATCH_LEVEL.

use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

use crate::data::{Adapter, RING, reg};

/// Longest frame, without FCS.
const FRAME: u32 = 1514;
/// Descriptor command: end of packet, insert FCS, report status.
const COMMAND: u64 = 0x0B << 24;
/// Descriptor done.
const DONE: u64 = 1 << 32;

/// MiniportSendNetBufferLists.
pub unsafe extern "system" fn send(
    context: NDIS_HANDLE,
    nbls: *mut NET_BUFFER_LIST,
    _: NDIS_PORT_NUMBER,
    _: u32,
) {
    let a: *mut Adapter = context.cast();
    let mut bad = null_mut();
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).send_lock);
    let mut nbl = nbls;
    while !nbl.is_null() {
        let next = (*nbl).next();
        (*nbl).set_next(null_mut());
        let status = refusal(a, nbl);
        (*nbl).set_status(status);
        if status != NDIS_STATUS_SUCCESS {
            (*nbl).set_next(bad);
            bad = nbl;
        } else if (*a).waiting.is_null() {
            (*a).waiting = nbl;
            (*a).last_waiting = nbl;
        } else {
            (*(*a).last_waiting).set_next(nbl);
            (*a).last_waiting = nbl;
        }
        nbl = next;
    }
    pump(a);
    nt::KeReleaseSpinLock(&raw mut (*a).send_lock, old);
    complete(a, bad, false);
}

/// Why an NBL cannot be sent.
unsafe fn refusal(a: *mut Adapter, nbl: *mut NET_BUFFER_LIST) -> NDIS_STATUS {
    if (*a).gone.load(Ordering::SeqCst) {
        return NDIS_STATUS_NOT_ACCEPTED;
    }
    if !(*a).running.load(Ordering::SeqCst) {
        return NDIS_STATUS_PAUSED;
    }
    let mut count = 0;
    let mut nb = (*nbl).first_net_buffer();
    while !nb.is_null() {
        if !(14..=FRAME).contains(&(*nb).data_length()) {
            return NDIS_STATUS_INVALID_LENGTH;
        }
        count += 1;
        nb = (*nb).next();
    }
    if count == 0 || count > RING / 2 {
        return NDIS_STATUS_RESOURCES;
    }
    (*nbl).Scratch = count as *mut c_void;
    NDIS_STATUS_SUCCESS
}

/// Gives waiting NBLs to the chip while there is room. With the lock held.
unsafe fn pump(a: *mut Adapter) {
    let begin = (*a).send_tail;
    while !(*a).waiting.is_null() {
        let nbl = (*a).waiting;
        let used = (*a).send_tail - (*a).send_head;
        if (*nbl).Scratch as usize > RING - 1 - used {
            break;
        }
        (*a).waiting = (*nbl).next();
        (*nbl).set_next(null_mut());
        let mut nb = (*nbl).first_net_buffer();
        while !nb.is_null() {
            let n = (*a).send_tail % RING;
            let length = (*nb).data_length();
            let buffer = (*a).send_buffer(n);
            let data = sys::NdisGetDataBuffer(nb, length, buffer.cast(), 1, 0);
            if !data.is_null() && !core::ptr::eq(data.cast(), buffer) {
                buffer.copy_from_nonoverlapping(data.cast(), length as usize);
            }
            nb = (*nb).next();
            (*a).sending[n] = if nb.is_null() { nbl } else { null_mut() };
            let descriptor = (*a).send_descriptor(n);
            descriptor.write_volatile((*a).send_address(n));
            descriptor
                .add(1)
                .write_volatile(u64::from(length) | COMMAND);
            (*a).send_tail += 1;
        }
    }
    if (*a).send_tail != begin {
        (*a).write(reg::TDT, ((*a).send_tail % RING) as u32);
    }
}

/// A frame is sent and its NBL not yet completed.
pub unsafe fn is_done(a: *mut Adapter) -> bool {
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).send_lock);
    let done = done(a);
    nt::KeReleaseSpinLock(&raw mut (*a).send_lock, old);
    done
}

unsafe fn done(a: *mut Adapter) -> bool {
    (*a).send_head != (*a).send_tail
        && (*a)
            .send_descriptor((*a).send_head % RING)
            .add(1)
            .read_volatile()
            & DONE
            != 0
}

/// Completes what is sent and sends what waits: how many NBLs.
pub unsafe fn reap(a: *mut Adapter, dispatch: bool) -> u32 {
    let mut first = null_mut();
    let mut count = 0;
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).send_lock);
    while done(a) {
        let nbl = (*a).sending[(*a).send_head % RING];
        (*a).send_head += 1;
        if !nbl.is_null() {
            (*nbl).set_next(first);
            first = nbl;
            count += 1;
        }
    }
    pump(a);
    nt::KeReleaseSpinLock(&raw mut (*a).send_lock, old);
    complete(a, first, dispatch);
    count
}

/// Completes everything, sent or not: the chip is gone. PASSIVE_LEVEL.
pub unsafe fn abort(a: *mut Adapter) {
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).send_lock);
    let mut first = (*a).waiting;
    (*a).waiting = null_mut();
    while (*a).send_head != (*a).send_tail {
        let nbl = (*a).sending[(*a).send_head % RING];
        (*a).send_head += 1;
        if !nbl.is_null() {
            (*nbl).set_next(first);
            first = nbl;
        }
    }
    nt::KeReleaseSpinLock(&raw mut (*a).send_lock, old);
    let mut nbl = first;
    while !nbl.is_null() {
        (*nbl).set_status(NDIS_STATUS_NOT_ACCEPTED);
        nbl = (*nbl).next();
    }
    complete(a, first, false);
}

unsafe fn complete(a: *mut Adapter, nbls: *mut NET_BUFFER_LIST, dispatch: bool) {
    if !nbls.is_null() {
        let flags = if dispatch {
            NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL
        } else {
            0
        };
        sys::NdisMSendNetBufferListsComplete((*a).handle, nbls, flags);
    }
}
