// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt: the line, or one message. Registers of QEMU's `edu` device.

use ndis::ffi::*;
use ndis::sys::inline::{READ_REGISTER_ULONG, WRITE_REGISTER_ULONG};
use ndis::sys::ndis as sys;

use crate::adapter::Adapter;
use crate::fault::{self, is};
use crate::table::*;
use crate::{data, header};

/// Interrupt status: what was raised and not acknowledged.
const INTERRUPT_STATUS: usize = 0x24 / 4;
/// Writing raises an interrupt with that status.
const INTERRUPT_RAISE: usize = 0x60 / 4;
/// Writing clears these bits of the status.
const INTERRUPT_ACKNOWLEDGE: usize = 0x64 / 4;

/// NdisMRegisterInterruptEx.
pub unsafe fn register(a: *mut Adapter) -> NDIS_STATUS {
    let mut raw = NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS::zeroed();
    raw.Header = header(
        NDIS_OBJECT_TYPE_MINIPORT_INTERRUPT,
        NDIS_MINIPORT_INTERRUPT_REVISION_1,
        NDIS_SIZEOF_MINIPORT_INTERRUPT_CHARACTERISTICS_REVISION_1,
    );
    if is(INTERRUPT_HEADER) {
        raw.Header.Size -= 8;
    }
    raw.InterruptHandler = Some(isr);
    raw.InterruptDpcHandler = Some(dpc);
    raw.DisableInterruptHandler = Some(nothing);
    raw.EnableInterruptHandler = Some(nothing);
    raw.MsiSupported = TRUE;
    raw.MessageInterruptHandler = Some(message_isr);
    raw.MessageInterruptDpcHandler = Some(message_dpc);
    if !is(MESSAGE_HANDLERS_MISSING) {
        raw.DisableMessageInterruptHandler = Some(nothing_message);
        raw.EnableMessageInterruptHandler = Some(nothing_message);
    }
    sys::NdisMRegisterInterruptEx((*a).handle, a.cast(), &raw mut raw, &raw mut (*a).interrupt)
}

/// Asks the device for an interrupt.
pub unsafe fn raise(a: *mut Adapter) {
    WRITE_REGISTER_ULONG((*a).registers.add(INTERRUPT_RAISE), 1);
}

unsafe fn acknowledge(a: *mut Adapter) -> bool {
    let status = READ_REGISTER_ULONG((*a).registers.add(INTERRUPT_STATUS));
    if status == 0 || status == u32::MAX {
        return false;
    }
    WRITE_REGISTER_ULONG((*a).registers.add(INTERRUPT_ACKNOWLEDGE), status);
    true
}

unsafe extern "system" fn isr(
    context: NDIS_HANDLE,
    queue_dpc: *mut BOOLEAN,
    targets: *mut u32,
) -> BOOLEAN {
    let mine = acknowledge(context.cast()) || is(LINE_ISR_CLAIMS_ALL);
    *queue_dpc = BOOLEAN::from(mine);
    *targets = 0;
    BOOLEAN::from(mine)
}

unsafe extern "system" fn message_isr(
    context: NDIS_HANDLE,
    _: u32,
    queue_dpc: *mut BOOLEAN,
    targets: *mut u32,
) -> BOOLEAN {
    let a: *mut Adapter = context.cast();
    acknowledge(a);
    fault::in_isr(a);
    if !is(ISR_OUT_PARAMETERS) {
        *queue_dpc = TRUE;
        *targets = 0;
    }
    BOOLEAN::from(!is(MESSAGE_ISR_FALSE))
}

unsafe extern "system" fn dpc(
    context: NDIS_HANDLE,
    _: *mut c_void,
    throttle: *mut c_void,
    _: *mut c_void,
) {
    data::indicate(context.cast(), throttle.cast());
}

unsafe extern "system" fn message_dpc(
    context: NDIS_HANDLE,
    _: u32,
    _: *mut c_void,
    throttle: *mut c_void,
    _: *mut c_void,
) {
    data::indicate(context.cast(), throttle.cast());
}

/// The device interrupts only when asked: there is no mask.
unsafe extern "system" fn nothing(_: NDIS_HANDLE) {}

unsafe extern "system" fn nothing_message(_: NDIS_HANDLE, _: u32) {}
