// SPDX-License-Identifier: MIT OR Apache-2.0
//! `NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS`, right by construction, and the trampolines it names.
//!
//! A trampoline makes the token of the IRQL that NDIS promises, finds the handlers behind the context, and calls them.

use core::fmt;
use core::marker::PhantomData;

use super::registration::Registration;
use super::{LineHandlers, MessageHandlers, Throttle};
use crate::ffi::*;
use crate::irql::Irql;

/// Whether the ISRs of different messages exclude each other (`MsiSyncWithAllMessages`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageSync {
    /// Each message has its own lock: ISRs of different messages run at once.
    PerMessage,
    /// One lock for all messages.
    AllMessages,
}

/// `NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS` for the handlers `H`: type, revision, size and members fit each other.
///
/// Made by [`line`](Self::line) or [`messages`](Self::messages), both `const`, so a driver can have its one value as a
/// constant. Used by [`Interrupt::register`](super::Interrupt::register).
pub struct MiniportInterruptCharacteristics<H> {
    raw: NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS,
    handlers: PhantomData<fn(&H)>,
}

impl<H: LineHandlers> MiniportInterruptCharacteristics<H> {
    /// Line-based interrupts only: `MsiSupported` FALSE, the message handlers null (contract X-04). Any IRQL.
    ///
    /// With message resources present, registration then fails: remove them in FilterResourceRequirements.
    #[must_use]
    pub const fn line() -> Self {
        let mut raw = NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS::zeroed();
        raw.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_MINIPORT_INTERRUPT,
            Revision: NDIS_MINIPORT_INTERRUPT_REVISION_1,
            Size: NDIS_SIZEOF_MINIPORT_INTERRUPT_CHARACTERISTICS_REVISION_1,
        };
        raw.InterruptHandler = Some(isr::<H>);
        raw.InterruptDpcHandler = Some(dpc::<H>);
        raw.DisableInterruptHandler = Some(disable::<H>);
        raw.EnableInterruptHandler = Some(enable::<H>);
        Self {
            raw,
            handlers: PhantomData,
        }
    }
}

impl<H: MessageHandlers> MiniportInterruptCharacteristics<H> {
    /// Messages wanted, a line accepted: all eight handlers, `MsiSupported` TRUE. Any IRQL.
    #[must_use]
    pub const fn messages(sync: MessageSync) -> Self {
        let mut this = Self::line();
        this.raw.MsiSupported = TRUE;
        this.raw.MsiSyncWithAllMessages = match sync {
            MessageSync::PerMessage => FALSE,
            MessageSync::AllMessages => TRUE,
        };
        this.raw.MessageInterruptHandler = Some(message_isr::<H>);
        this.raw.MessageInterruptDpcHandler = Some(message_dpc::<H>);
        this.raw.DisableMessageInterruptHandler = Some(disable_message::<H>);
        this.raw.EnableMessageInterruptHandler = Some(enable_message::<H>);
        this
    }
}

impl<H> MiniportInterruptCharacteristics<H> {
    /// The structure as NDIS will see it. Any IRQL.
    #[must_use]
    pub const fn as_raw(&self) -> &NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS {
        &self.raw
    }
}

impl<H> Clone for MiniportInterruptCharacteristics<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for MiniportInterruptCharacteristics<H> {}

impl<H> fmt::Debug for MiniportInterruptCharacteristics<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiniportInterruptCharacteristics")
            .field("msi_supported", &self.raw.MsiSupported)
            .field(
                "msi_sync_with_all_messages",
                &self.raw.MsiSyncWithAllMessages,
            )
            .finish_non_exhaustive()
    }
}

/// The registration behind a `MiniportInterruptContext`.
///
/// # Safety
/// `context` was passed to NdisMRegisterInterruptEx by `Interrupt::<H>::register`, and NDIS still holds it.
unsafe fn registration<'a, H>(context: NDIS_HANDLE) -> &'a Registration<H> {
    // SAFETY: the caller's promise; the box is freed only after deregistration.
    unsafe { &*context.cast::<Registration<H>>() }
}

/// Writes both out-parameters of an ISR and returns `claimed`.
///
/// # Safety
/// Each pointer is null or valid for one write.
unsafe fn answer(
    claimed: bool,
    queue: bool,
    queue_dpc: *mut BOOLEAN,
    targets: *mut u32,
) -> BOOLEAN {
    if !queue_dpc.is_null() {
        // SAFETY: the caller's promise.
        unsafe { queue_dpc.write(BOOLEAN::from(queue)) };
    }
    if !targets.is_null() {
        // SAFETY: the caller's promise.
        unsafe { targets.write(0) };
    }
    BOOLEAN::from(claimed)
}

/// Runs a DPC handler between reading and writing the throttle parameters.
///
/// # Safety
/// `parameters` is null or points to valid parameters that nobody else uses.
unsafe fn throttled(parameters: *mut c_void, body: impl FnOnce(&mut Throttle)) {
    let parameters = parameters.cast::<NDIS_RECEIVE_THROTTLE_PARAMETERS>();
    // SAFETY: the caller's promise.
    let parameters = unsafe { parameters.as_mut() };
    let mut throttle = Throttle::new(parameters.as_deref());
    body(&mut throttle);
    if let Some(parameters) = parameters {
        throttle.finish(parameters);
    }
}

unsafe extern "system" fn isr<H: LineHandlers>(
    context: NDIS_HANDLE,
    queue_dpc: *mut BOOLEAN,
    targets: *mut u32,
) -> BOOLEAN {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls the ISR at DIRQL.
    let mut irql = unsafe { Irql::assume() };
    let result = registration
        .handlers
        .isr(registration.interrupt(), &mut irql);
    // SAFETY: NDIS passes valid out-parameters.
    unsafe { answer(result.claimed, result.queue_dpc, queue_dpc, targets) }
}

unsafe extern "system" fn message_isr<H: MessageHandlers>(
    context: NDIS_HANDLE,
    message: u32,
    queue_dpc: *mut BOOLEAN,
    targets: *mut u32,
) -> BOOLEAN {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls the ISR at DIRQL.
    let mut irql = unsafe { Irql::assume() };
    let handlers = &registration.handlers;
    let result = handlers.message_isr(message, registration.interrupt(), &mut irql);
    // A message belongs to one device: always claimed, unless the driver is one that breaks rules on purpose.
    let claimed = result.claimed || !cfg!(feature = "raw");
    // SAFETY: NDIS passes valid out-parameters.
    unsafe { answer(claimed, result.queue_dpc, queue_dpc, targets) }
}

unsafe extern "system" fn dpc<H: LineHandlers>(
    context: NDIS_HANDLE,
    _dpc_context: *mut c_void,
    parameters: *mut c_void,
    _reserved: *mut c_void,
) {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls the DPC at DISPATCH_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    let body = |throttle: &mut Throttle| {
        let handlers = &registration.handlers;
        handlers.dpc(registration.interrupt(), throttle, &mut irql);
    };
    // SAFETY: NDIS passes its throttle parameters for this call.
    unsafe { throttled(parameters, body) };
}

unsafe extern "system" fn message_dpc<H: MessageHandlers>(
    context: NDIS_HANDLE,
    message: u32,
    _dpc_context: *mut c_void,
    parameters: *mut c_void,
    _reserved: *mut c_void,
) {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls the DPC at DISPATCH_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    let body = |throttle: &mut Throttle| {
        let handlers = &registration.handlers;
        handlers.message_dpc(message, registration.interrupt(), throttle, &mut irql);
    };
    // SAFETY: NDIS passes its throttle parameters for this call.
    unsafe { throttled(parameters, body) };
}

unsafe extern "system" fn disable<H: LineHandlers>(context: NDIS_HANDLE) {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls this at DIRQL.
    let mut irql = unsafe { Irql::assume() };
    registration.handlers.disable(&mut irql);
}

unsafe extern "system" fn enable<H: LineHandlers>(context: NDIS_HANDLE) {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls this at DIRQL.
    let mut irql = unsafe { Irql::assume() };
    registration.handlers.enable(&mut irql);
}

unsafe extern "system" fn disable_message<H: MessageHandlers>(context: NDIS_HANDLE, message: u32) {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls this at DIRQL.
    let mut irql = unsafe { Irql::assume() };
    registration.handlers.disable_message(message, &mut irql);
}

unsafe extern "system" fn enable_message<H: MessageHandlers>(context: NDIS_HANDLE, message: u32) {
    // SAFETY: NDIS passes the context of the registration.
    let registration = unsafe { registration::<H>(context) };
    // SAFETY: NDIS calls this at DIRQL.
    let mut irql = unsafe { Irql::assume() };
    registration.handlers.enable_message(message, &mut irql);
}
