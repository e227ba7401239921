// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt: the line, or one message. Everything behind one mask, which the ISR closes and the DPC opens.

use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

use crate::data::{Adapter, reg};
use crate::table::*;
use crate::{header, is, receive, send};

/// Received, receive ring low or empty, sent.
const CAUSES: u32 = 0x80 | 0x40 | 0x10 | 1;
/// Received: what the Enable handler raises.
const RECEIVED: u32 = 0x80;
/// All.
const ALL: u32 = u32::MAX;

/// NdisMRegisterInterruptEx.
pub unsafe fn register(a: *mut Adapter) -> NDIS_STATUS {
    let mut raw = NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS::zeroed();
    raw.Header = header(
        NDIS_OBJECT_TYPE_MINIPORT_INTERRUPT,
        NDIS_MINIPORT_INTERRUPT_REVISION_1,
        NDIS_SIZEOF_MINIPORT_INTERRUPT_CHARACTERISTICS_REVISION_1,
    );
    raw.InterruptHandler = Some(isr);
    raw.InterruptDpcHandler = Some(dpc);
    raw.DisableInterruptHandler = Some(disable);
    raw.EnableInterruptHandler = Some(enable);
    raw.MsiSupported = TRUE;
    raw.MessageInterruptHandler = Some(message_isr);
    raw.MessageInterruptDpcHandler = Some(message_dpc);
    raw.DisableMessageInterruptHandler = Some(disable_message);
    raw.EnableMessageInterruptHandler = Some(enable_message);
    sys::NdisMRegisterInterruptEx((*a).handle, a.cast(), &raw mut raw, &raw mut (*a).interrupt)
}

/// Closes the mask for good.
pub unsafe fn stop(a: *mut Adapter) {
    (*a).stopped.store(true, Ordering::SeqCst);
    (*a).write(reg::IMC, ALL);
    (*a).read(reg::STATUS);
}

/// Opens the mask, unless somebody wants it closed; and again closes it when that came meanwhile.
pub unsafe fn unmask(a: *mut Adapter) {
    let held = || {
        let disabled = (*a).disabled.load(Ordering::SeqCst) && !is(DPC_UNDOES_DISABLE);
        disabled || (*a).stopped.load(Ordering::SeqCst)
    };
    if held() {
        return;
    }
    (*a).write(reg::IMS, CAUSES);
    if held() {
        (*a).write(reg::IMC, ALL);
    }
}

unsafe extern "system" fn isr(
    context: NDIS_HANDLE,
    queue_dpc: *mut BOOLEAN,
    targets: *mut u32,
) -> BOOLEAN {
    let a: *mut Adapter = context.cast();
    *queue_dpc = FALSE;
    *targets = 0;
    let blind = is(CLAIMS_WHEN_GONE);
    if (*a).stopped.load(Ordering::SeqCst) && !blind {
        return FALSE;
    }
    let causes = (*a).read(reg::ICR);
    let mine = causes & CAUSES != 0 && (causes != ALL || blind);
    if !mine && !is(CLAIMS_ALL) {
        return FALSE;
    }
    (*a).write(reg::IMC, ALL);
    *queue_dpc = TRUE;
    TRUE
}

unsafe extern "system" fn message_isr(
    context: NDIS_HANDLE,
    message: u32,
    queue_dpc: *mut BOOLEAN,
    targets: *mut u32,
) -> BOOLEAN {
    let a: *mut Adapter = context.cast();
    *targets = 0;
    *queue_dpc = FALSE;
    if message != 0 {
        // Not one of ours.
        return BOOLEAN::from(!is(UNKNOWN_MESSAGE));
    }
    if (*a).stopped.load(Ordering::SeqCst) {
        return TRUE;
    }
    (*a).write(reg::IMC, ALL);
    let on_its_way = is(REPORTED_FLAG) && (*a).reported.swap(true, Ordering::SeqCst);
    *queue_dpc = BOOLEAN::from(!on_its_way);
    TRUE
}

unsafe extern "system" fn dpc(
    context: NDIS_HANDLE,
    _: *mut c_void,
    throttle: *mut c_void,
    _: *mut c_void,
) {
    work(context.cast(), throttle.cast());
}

unsafe extern "system" fn message_dpc(
    context: NDIS_HANDLE,
    _: u32,
    _: *mut c_void,
    throttle: *mut c_void,
    _: *mut c_void,
) {
    work(context.cast(), throttle.cast());
}

unsafe fn work(a: *mut Adapter, throttle: *mut NDIS_RECEIVE_THROTTLE_PARAMETERS) {
    if (is(HANDLE_TOO_EARLY) && !(*a).queued_early.swap(true, Ordering::SeqCst))
        || (*a).stopped.load(Ordering::SeqCst) && !is(RINGS_FREED_FIRST)
    {
        if is(HANDLE_TOO_EARLY) {
            queue_again(a);
        }
        (*throttle).set_MoreNblsPending(0);
        return;
    }
    let limit = (*throttle).MaxNblsToIndicate;
    // First the causes, then the rings: what comes later raises a cause again.
    if !is(CAUSES_CLEARED_LATE) {
        (*a).read(reg::ICR);
    }
    let sent = send::reap(a, true);
    let (received, more) = receive::indicate(a, limit);
    if is(CAUSES_CLEARED_LATE) {
        (*a).read(reg::ICR);
    }
    let throttled = more && limit != NDIS_INDICATE_ALL_NBLS;
    (*throttle).set_MoreNblsPending(u32::from(throttled));
    if throttled && !is(UNMASKED_WHEN_THROTTLED) {
        return;
    }
    if more && !throttled {
        queue_again(a);
        return;
    }
    let idle = sent == 0 && received == 0;
    if is(NEVER_UNMASKED) || (is(EMPTY_DPC_KEEPS_MASK) && idle) {
        return;
    }
    unmask(a);
    // A neighbour's interrupt may have read causes away while the mask was closed.
    if !is(CAUSES_CLEARED_LATE) && (receive::is_waiting(a) || send::is_done(a)) {
        (*a).write(reg::IMC, ALL);
        queue_again(a);
    }
    (*a).reported.store(false, Ordering::SeqCst);
}

/// Has the DPC come again on this processor.
unsafe fn queue_again(a: *mut Adapter) {
    if (*a).stopped.load(Ordering::SeqCst) {
        return;
    }
    if (*a).interrupt.is_null() && !is(HANDLE_TOO_EARLY) {
        unmask(a);
        (*a).write(reg::ICS, RECEIVED);
        return;
    }
    let mut targets = GROUP_AFFINITY::zeroed();
    targets.Mask = 1 << nt::KeGetCurrentProcessorNumberEx(null_mut());
    sys::NdisMQueueDpcEx((*a).interrupt, 0, &raw mut targets, null_mut());
}

unsafe extern "system" fn disable(context: NDIS_HANDLE) {
    let a: *mut Adapter = context.cast();
    (*a).disabled.store(true, Ordering::SeqCst);
    if !(*a).stopped.load(Ordering::SeqCst) {
        (*a).write(reg::IMC, ALL);
    }
}

unsafe extern "system" fn enable(context: NDIS_HANDLE) {
    let a: *mut Adapter = context.cast();
    if is(ENABLE_FORGOTTEN) {
        return;
    }
    (*a).disabled.store(false, Ordering::SeqCst);
    unmask(a);
    if !(*a).stopped.load(Ordering::SeqCst) {
        (*a).write(reg::ICS, RECEIVED);
    }
}

unsafe extern "system" fn disable_message(context: NDIS_HANDLE, _: u32) {
    disable(context);
}

unsafe extern "system" fn enable_message(context: NDIS_HANDLE, _: u32) {
    enable(context);
}
