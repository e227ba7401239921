// SPDX-License-Identifier: MIT OR Apache-2.0
//! The trampolines of the driver characteristics, and the slot that an adapter lives in.
//!
//! NDIS learns the adapter context with the registration attributes, in the middle of `initialize`, and may call
//! check-for-hang or shutdown from then on: the context is the slot, which knows whether its adapter is there yet.

use alloc::boxed::Box;
use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::adapter::AdapterHandle;
use crate::driver::DriverRoot;
use crate::ffi::*;
use crate::init::{Init, Progress};
use crate::irql::{Irql, Passive};
use crate::mem::try_box;
use crate::miniport::*;
use crate::nbl::{ReceiveChain, SendChain};
use crate::oid::{OidRequest, RequestId};
use crate::status::Status;
use crate::sys::ndis;

/// What the adapter context points to.
struct Slot<M: Miniport> {
    handle: AdapterHandle,
    /// Set once `adapter` is initialised, cleared when `halt` takes it.
    ready: AtomicBool,
    adapter: UnsafeCell<MaybeUninit<M::Adapter>>,
}

impl<M: Miniport> Slot<M> {
    /// The slot behind a context, with its adapter if that is there.
    ///
    /// # Safety
    /// `context` is the adapter context of `M`, and NDIS still holds it.
    unsafe fn of<'a>(context: NDIS_HANDLE) -> Option<(&'a Self, &'a M::Adapter)> {
        let slot = NonNull::new(context.cast::<Self>())?;
        // SAFETY: the caller's promise.
        let slot = unsafe { slot.as_ref() };
        // Acquire: pairs with the store after the adapter was written.
        if !slot.ready.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: `ready` says that it is initialised; from then until halt it is only shared.
        let adapter = unsafe { &*slot.adapter.get() };
        // SAFETY: as above.
        Some((slot, unsafe { adapter.assume_init_ref() }))
    }
}

pub(crate) unsafe extern "system" fn set_options<M: DriverRoot>(
    driver: NDIS_HANDLE,
    _context: NDIS_HANDLE,
) -> NDIS_STATUS {
    let Some(pnp) = M::PNP else {
        return NDIS_STATUS_SUCCESS;
    };
    let mut raw = pnp.to_raw();
    // SAFETY: inside registration, with the handle NDIS passed; NDIS copies the characteristics.
    unsafe { ndis::NdisSetOptionalHandlers(driver, (&raw mut raw).cast()) }
}

pub(crate) unsafe extern "system" fn initialize<M: DriverRoot>(
    handle: NDIS_HANDLE,
    driver_context: NDIS_HANDLE,
    parameters: *mut NDIS_MINIPORT_INIT_PARAMETERS,
) -> NDIS_STATUS {
    // SAFETY: MiniportInitializeEx runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::<Passive>::assume() };
    // SAFETY: the handle of the adapter that is being initialised.
    let adapter = unsafe { AdapterHandle::new(handle) };
    let slot = match try_box(
        Slot::<M> {
            handle: adapter,
            ready: AtomicBool::new(false),
            adapter: UnsafeCell::new(MaybeUninit::uninit()),
        },
        &irql,
    ) {
        Ok(slot) => NonNull::from(Box::leak(slot)),
        Err(status) => return status.0,
    };
    let progress = Cell::new(Progress::Started);
    let init = Init {
        handle,
        context: slot.as_ptr().cast(),
        // SAFETY: NDIS' parameters, null or valid for the call.
        parameters: unsafe { parameters.as_ref() },
        progress: &progress,
        version: driver_context.addr() as u32,
    };
    let status = match M::initialize(init, &mut irql) {
        // Success without general attributes is none (contract I-02).
        Ok(adapter) if progress.get() < Progress::General => {
            M::halt(
                adapter,
                HaltAction(NdisHaltDeviceInitializationFailed),
                &mut irql,
            );
            Status::FAILURE
        }
        Ok(adapter) => {
            // SAFETY: the slot lives until halt, and nobody reads the adapter before `ready`.
            let slot = unsafe { slot.as_ref() };
            // SAFETY: as above.
            unsafe { (*slot.adapter.get()).write(adapter) };
            // Release: the adapter is written before anyone sees it ready.
            slot.ready.store(true, Ordering::Release);
            return NDIS_STATUS_SUCCESS;
        }
        Err(status) if status.is_success() => Status::FAILURE,
        Err(status) => status,
    };
    // SAFETY: after a failed initialisation NDIS makes no further call with this context (I-14).
    drop(unsafe { Box::from_raw(slot.as_ptr()) });
    status.0
}

pub(crate) unsafe extern "system" fn halt<M: DriverRoot>(
    context: NDIS_HANDLE,
    action: NDIS_HALT_ACTION,
) {
    // SAFETY: NDIS passes the adapter context.
    let Some((slot, _)) = (unsafe { Slot::<M>::of(context) }) else {
        return;
    };
    // A shutdown at a bug check inside halt finds no adapter (contract S-03).
    slot.ready.store(false, Ordering::Release);
    // SAFETY: initialised, and not ready any more, so this is the only use.
    let place = unsafe { &*slot.adapter.get() };
    // SAFETY: as above; read once, and never dropped in place.
    let adapter = unsafe { place.assume_init_read() };
    // SAFETY: MiniportHaltEx runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    M::halt(adapter, HaltAction(action), &mut irql);
    // SAFETY: made from a box in `initialize`; NDIS forgets the context with this call.
    drop(unsafe { Box::from_raw(context.cast::<Slot<M>>()) });
}

pub(crate) unsafe extern "system" fn unload<M: DriverRoot>(_driver: *mut DRIVER_OBJECT) {
    // SAFETY: MiniportDriverUnload runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    M::unload(&mut irql);
    drop(M::cell().take());
}

pub(crate) unsafe extern "system" fn pause<M: DriverRoot>(
    context: NDIS_HANDLE,
    parameters: *mut NDIS_MINIPORT_PAUSE_PARAMETERS,
) -> NDIS_STATUS {
    // SAFETY: NDIS passes the adapter context.
    let Some((slot, adapter)) = (unsafe { Slot::<M>::of(context) }) else {
        return NDIS_STATUS_SUCCESS;
    };
    // SAFETY: null or valid for the call.
    let reasons = unsafe { parameters.as_ref() }.map_or(0, |p| p.PauseReason);
    let request = PauseRequest::new(slot.handle, reasons);
    // SAFETY: MiniportPause runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    M::pause(adapter, request, &mut irql).status.0
}

pub(crate) unsafe extern "system" fn restart<M: DriverRoot>(
    context: NDIS_HANDLE,
    parameters: *mut NDIS_MINIPORT_RESTART_PARAMETERS,
) -> NDIS_STATUS {
    // SAFETY: NDIS passes the adapter context.
    let Some((slot, adapter)) = (unsafe { Slot::<M>::of(context) }) else {
        return NDIS_STATUS_FAILURE;
    };
    // SAFETY: null or valid for the call.
    let attributes =
        unsafe { parameters.as_ref() }.map_or(core::ptr::null_mut(), |p| p.RestartAttributes);
    let request = RestartRequest {
        adapter: slot.handle,
        attributes,
        call: PhantomData,
    };
    // SAFETY: MiniportRestart runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    match M::restart(adapter, request, &mut irql) {
        Ok(outcome) => outcome.status.0,
        Err(status) => status.0,
    }
}

pub(crate) unsafe extern "system" fn oid_request<M: DriverRoot>(
    context: NDIS_HANDLE,
    request: *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS {
    // SAFETY: NDIS passes the adapter context.
    let slot = unsafe { Slot::<M>::of(context) };
    let (Some((slot, adapter)), Some(request)) = (slot, NonNull::new(request)) else {
        return NDIS_STATUS_NOT_ACCEPTED;
    };
    // SAFETY: an open request of this adapter, ours until it is completed.
    let request = unsafe { OidRequest::new(request, slot.handle) };
    // SAFETY: MiniportOidRequest runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    M::oid_request(adapter, request, &mut irql).status.0
}

pub(crate) unsafe extern "system" fn cancel_oid_request<M: DriverRoot>(
    context: NDIS_HANDLE,
    id: *mut c_void,
) {
    // SAFETY: NDIS passes the adapter context.
    if let Some((_, adapter)) = unsafe { Slot::<M>::of(context) } {
        // SAFETY: at most DISPATCH_LEVEL.
        let mut irql = unsafe { Irql::assume() };
        M::cancel_oid_request(adapter, RequestId(id), &mut irql);
    }
}

pub(crate) unsafe extern "system" fn send<M: DriverRoot>(
    context: NDIS_HANDLE,
    nbls: *mut NET_BUFFER_LIST,
    port: NDIS_PORT_NUMBER,
    flags: u32,
) {
    // SAFETY: NDIS passes the adapter context.
    let Some((slot, adapter)) = (unsafe { Slot::<M>::of(context) }) else {
        return;
    };
    // SAFETY: NDIS hands over a NULL-terminated chain (contract D-01, D-02).
    let chain = unsafe { SendChain::from_ndis(nbls, slot.handle) };
    // SAFETY: at most DISPATCH_LEVEL; the flag is a hint only.
    let mut irql = unsafe { Irql::assume() };
    M::send(adapter, chain, port, flags, &mut irql);
}

pub(crate) unsafe extern "system" fn cancel_send<M: DriverRoot>(
    context: NDIS_HANDLE,
    id: *mut c_void,
) {
    // SAFETY: NDIS passes the adapter context.
    if let Some((_, adapter)) = unsafe { Slot::<M>::of(context) } {
        // SAFETY: at most DISPATCH_LEVEL.
        let mut irql = unsafe { Irql::assume() };
        M::cancel_send(adapter, CancelId(id), &mut irql);
    }
}

pub(crate) unsafe extern "system" fn return_nbls<M: DriverRoot>(
    context: NDIS_HANDLE,
    nbls: *mut NET_BUFFER_LIST,
    flags: u32,
) {
    // SAFETY: NDIS passes the adapter context.
    let Some((_, adapter)) = (unsafe { Slot::<M>::of(context) }) else {
        return;
    };
    // SAFETY: NBLs that this driver indicated, handed back in a NULL-terminated chain.
    let chain = unsafe { ReceiveChain::from_ndis(nbls) };
    // SAFETY: at most DISPATCH_LEVEL; the flag is a hint only.
    let mut irql = unsafe { Irql::assume() };
    M::return_nbls(adapter, chain, flags, &mut irql);
}

pub(crate) unsafe extern "system" fn check_for_hang<M: DriverRoot>(
    context: NDIS_HANDLE,
) -> BOOLEAN {
    // SAFETY: NDIS passes the adapter context; the adapter may not be there yet (contract I-12).
    let Some((_, adapter)) = (unsafe { Slot::<M>::of(context) }) else {
        return FALSE;
    };
    // SAFETY: MiniportCheckForHangEx runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    BOOLEAN::from(M::check_for_hang(adapter, &mut irql))
}

pub(crate) unsafe extern "system" fn reset<M: DriverRoot>(
    context: NDIS_HANDLE,
    addressing_reset: *mut BOOLEAN,
) -> NDIS_STATUS {
    // SAFETY: NDIS passes the adapter context.
    let slot = unsafe { Slot::<M>::of(context) };
    let outcome = match slot {
        Some((slot, adapter)) => {
            let request = ResetRequest::new(slot.handle);
            // SAFETY: at most DISPATCH_LEVEL.
            let mut irql = unsafe { Irql::assume() };
            M::reset(adapter, request, &mut irql)
        }
        None => Err(Status::FAILURE),
    };
    let (status, addressing) = match outcome {
        Ok(outcome) => (outcome.status, outcome.addressing_reset),
        Err(status) => (status, false),
    };
    if !addressing_reset.is_null() {
        // SAFETY: NDIS' out-parameter.
        unsafe { addressing_reset.write(BOOLEAN::from(addressing)) };
    }
    status.0
}

pub(crate) unsafe extern "system" fn pnp_event<M: DriverRoot>(
    context: NDIS_HANDLE,
    event: *mut NET_DEVICE_PNP_EVENT,
) {
    // SAFETY: NDIS passes the adapter context.
    let slot = unsafe { Slot::<M>::of(context) };
    // SAFETY: null or valid for the call.
    let (Some((_, adapter)), Some(event)) = (slot, unsafe { event.as_ref() }) else {
        return;
    };
    let information = if event.InformationBuffer.is_null() {
        &[]
    } else {
        let length = event.InformationBufferLength as usize;
        // SAFETY: NDIS' buffer of this length, valid for the call.
        unsafe { core::slice::from_raw_parts(event.InformationBuffer.cast(), length) }
    };
    let event = PnpEvent {
        event: event.DevicePnPEvent,
        information,
    };
    // SAFETY: MiniportDevicePnPEventNotify runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    M::pnp_event(adapter, event, &mut irql);
}

pub(crate) unsafe extern "system" fn shutdown<M: DriverRoot>(
    context: NDIS_HANDLE,
    action: NDIS_SHUTDOWN_ACTION,
) {
    // SAFETY: NDIS passes the adapter context.
    if let Some((_, adapter)) = unsafe { Slot::<M>::of(context) } {
        let action = if action == NdisShutdownBugCheck {
            ShutdownAction::BugCheck
        } else {
            ShutdownAction::PowerOff
        };
        M::shutdown(adapter, action);
    }
}
