// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames between send and receive. At most DISPATCH_LEVEL.

use core::ptr::null_mut;

use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

use crate::adapter::{Adapter, FRAME};
use crate::fault::{self, is, once};
use crate::interrupt;
use crate::table::*;

/// Shortest frame, without FCS: shorter ones are padded with zeros.
const SHORTEST: u32 = 60;
/// Frames in one DPC without a limit from NDIS.
const BUDGET: u32 = 64;

/// Frames that some limit will be below, after a few DPCs.
const ENOUGH: u32 = 4;

/// MiniportSendNetBufferLists.
pub unsafe extern "system" fn send(
    context: NDIS_HANDLE,
    nbls: *mut NET_BUFFER_LIST,
    _: NDIS_PORT_NUMBER,
    _: u32,
) {
    let a: *mut Adapter = context.cast();
    let mut nbl = nbls;
    while !nbl.is_null() {
        let mut status = NDIS_STATUS_SUCCESS;
        let mut nb = (*nbl).first_net_buffer();
        while !nb.is_null() {
            let one = loop_back(a, nb);
            if one != NDIS_STATUS_SUCCESS {
                status = one;
            }
            nb = (*nb).next();
        }
        (*nbl).set_status(status);
        nbl = (*nbl).next();
    }
    interrupt::raise(a);
    fault::in_send(a, nbls);
    if once(NBL_KEPT) {
        return;
    }
    let mut flags = 0;
    if (nt::KeGetCurrentIrql() == DISPATCH_LEVEL) != is(WRONG_DISPATCH_FLAG) {
        flags = NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL;
    }
    if is(LOCK_OVER_COMPLETION) {
        let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).other_lock);
        sys::NdisMSendNetBufferListsComplete((*a).handle, nbls, 0);
        nt::KeReleaseSpinLock(&raw mut (*a).other_lock, old);
        return;
    }
    sys::NdisMSendNetBufferListsComplete((*a).handle, nbls, flags);
    if once(NBL_COMPLETED_TWICE) {
        sys::NdisMSendNetBufferListsComplete((*a).handle, nbls, flags);
    }
    fault::after_send(a);
}

/// MiniportProcessSGList; only a fault asks for a list.
pub unsafe extern "system" fn process_sg_list(
    _: *mut DEVICE_OBJECT,
    _: *mut c_void,
    _: *mut SCATTER_GATHER_LIST,
    _: *mut c_void,
) {
}

/// Copies a frame to the receive side.
unsafe fn loop_back(a: *mut Adapter, nb: *mut NET_BUFFER) -> NDIS_STATUS {
    let length = (*nb).data_length();
    if !(14..=FRAME).contains(&length) {
        return NDIS_STATUS_INVALID_LENGTH;
    }
    let mut storage = [0_u8; FRAME as usize];
    let data = sys::NdisGetDataBuffer(nb, length, storage.as_mut_ptr().cast(), 1, 0);
    if data.is_null() {
        return NDIS_STATUS_RESOURCES;
    }
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).lock);
    (*a).sent += 1;
    (*a).sent_bytes += u64::from(length.max(SHORTEST));
    let nbl = (*a).free;
    if (*a).running && (*a).filter != 0 && !nbl.is_null() {
        (*a).free = (*nbl).next();
        let buffer = (*nbl).MiniportReserved[0].cast::<u8>();
        buffer.write_bytes(0, SHORTEST as usize);
        buffer.copy_from_nonoverlapping(data.cast(), length as usize);
        prepare(a, nbl, length.max(SHORTEST));
        // Newest first, which costs order and nothing else: a line of code less.
        (*nbl).set_next((*a).ready);
        (*a).ready = nbl;
    } else if nbl.is_null() {
        (*a).dropped += 1;
    }
    nt::KeReleaseSpinLock(&raw mut (*a).lock, old);
    NDIS_STATUS_SUCCESS
}

/// Makes a receive NBL ready to be indicated.
unsafe fn prepare(a: *mut Adapter, nbl: *mut NET_BUFFER_LIST, length: u32) {
    let mdl = (*nbl).MiniportReserved[1].cast::<MDL>();
    (*mdl).ByteCount = if is(MDL_TOO_SHORT) {
        length - 1
    } else {
        length
    };
    (*mdl).Next = null_mut();
    (*nbl).set_status(NDIS_STATUS_SUCCESS);
    (*nbl).NblFlags = 0;
    (*nbl).Flags = 0;
    (*nbl).SourceHandle = if is(SOURCE_HANDLE) {
        null_mut()
    } else {
        (*a).handle
    };
    (*nbl).NetBufferListInfo = [null_mut(); 27];
    let nb = (*nbl).first_net_buffer();
    (*nb).set_next(null_mut());
    (*nb).set_data(mdl, 0, if is(RUNT_INDICATED) { 13 } else { length });
}

/// Indicates what is ready, within the throttle. DISPATCH_LEVEL.
pub unsafe fn indicate(a: *mut Adapter, throttle: *mut NDIS_RECEIVE_THROTTLE_PARAMETERS) {
    let limit = (*throttle).MaxNblsToIndicate;
    let most = if is(TOO_MANY_NBLS) {
        BUDGET
    } else {
        limit.min(BUDGET)
    };
    nt::KeAcquireSpinLockAtDpcLevel(&raw mut (*a).lock);
    if is(TOO_MANY_NBLS) && wait_for_a_limit(a, throttle) {
        nt::KeReleaseSpinLockFromDpcLevel(&raw mut (*a).lock);
        return;
    }
    let mut first = null_mut();
    let mut count = 0;
    while (*a).running && count < most && !(*a).ready.is_null() {
        let nbl = (*a).ready;
        (*a).ready = (*nbl).next();
        (*nbl).set_next(first);
        first = nbl;
        count += 1;
    }
    (*a).indicated += count;
    (*a).received += u64::from(count);
    let more = (*a).running && !(*a).ready.is_null();
    nt::KeReleaseSpinLockFromDpcLevel(&raw mut (*a).lock);
    if limit == NDIS_INDICATE_ALL_NBLS {
        (*throttle).set_MoreNblsPending(u32::from(is(MORE_PENDING_WITHOUT_LIMIT)));
        if more {
            interrupt::raise(a);
        }
    } else {
        (*throttle).set_MoreNblsPending(u32::from(more));
    }
    if count == 0 {
        return;
    }
    let told = if is(WRONG_COUNT) { count + 1 } else { count };
    let flags = NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL;
    if is(LOCK_OVER_INDICATION) {
        nt::KeAcquireSpinLockAtDpcLevel(&raw mut (*a).other_lock);
    }
    sys::NdisMIndicateReceiveNetBufferLists((*a).handle, first, 0, told, flags);
    if is(LOCK_OVER_INDICATION) {
        nt::KeReleaseSpinLockFromDpcLevel(&raw mut (*a).other_lock);
    }
}

/// Not every DPC has a limit, and not every limit is below the number of frames: waits for one that is. With the lock
/// held.
unsafe fn wait_for_a_limit(
    a: *mut Adapter,
    throttle: *mut NDIS_RECEIVE_THROTTLE_PARAMETERS,
) -> bool {
    let mut count = 0;
    let mut nbl = (*a).ready;
    while !nbl.is_null() {
        count += 1;
        nbl = (*nbl).next();
    }
    if !(*a).running || count == 0 || count > (*throttle).MaxNblsToIndicate {
        return false;
    }
    (*throttle).set_MoreNblsPending(0);
    // A few frames are worth asking for the next DPC at once; for one, that would never end.
    if count >= ENOUGH {
        interrupt::raise(a);
    }
    true
}

/// Indicates one empty frame when that is forbidden. At most DISPATCH_LEVEL.
pub unsafe fn indicate_one(a: *mut Adapter) {
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).lock);
    let nbl = (*a).free;
    if !nbl.is_null() {
        (*a).free = (*nbl).next();
        (*nbl).MiniportReserved[0]
            .cast::<u8>()
            .write_bytes(0xFF, SHORTEST as usize);
        prepare(a, nbl, SHORTEST);
        (*nbl).set_next(null_mut());
        (*a).indicated += 1;
        (*a).received += 1;
    }
    nt::KeReleaseSpinLock(&raw mut (*a).lock, old);
    if !nbl.is_null() {
        sys::NdisMIndicateReceiveNetBufferLists((*a).handle, nbl, 0, 1, 0);
    }
}

/// MiniportReturnNetBufferLists.
pub unsafe extern "system" fn return_nbls(
    context: NDIS_HANDLE,
    nbls: *mut NET_BUFFER_LIST,
    _: u32,
) {
    let a: *mut Adapter = context.cast();
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).lock);
    let mut nbl = nbls;
    while !nbl.is_null() {
        let next = (*nbl).next();
        (*nbl).set_next((*a).free);
        (*a).free = nbl;
        (*a).indicated -= 1;
        nbl = next;
    }
    let paused = (*a).pausing && (*a).indicated == 0;
    if paused {
        (*a).pausing = false;
    }
    nt::KeReleaseSpinLock(&raw mut (*a).lock, old);
    if paused {
        sys::NdisMPauseComplete((*a).handle);
    }
}
