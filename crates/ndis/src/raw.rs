// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ways around the owned types, for drivers that break the contract on purpose to test a host or a verifier. Feature
//! `raw`; no other driver wants it.
//!
//! Whatever a function here is called for is a breach: its documentation names what the caller breaks. Also here are the
//! foreign routines that such a driver hands to NDIS, so that it needs none of its own. With the feature, the `claimed` of a
//! message handler's answer reaches NDIS as it is.

use core::mem::ManuallyDrop;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::dma::{ScatterGatherDma, SgListHandler};
use crate::ffi::*;
use crate::init::{Init, Progress, Registered};
use crate::interrupt::{Interrupt, InterruptRef, LineHandlers, Throttle};
use crate::io::IoSpace;
use crate::irql::{Irql, Passive};
use crate::miniport::Outcome;
use crate::nbl::{ReceiveChain, ReceiveNbl, SendChain};
use crate::oid::OidBody;
use crate::status::{Result, Status};

/// Changes the characteristics of the next interrupt registrations. Any IRQL.
pub fn change_interrupt(change: &'static fn(&mut NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS)) {
    // Release: pairs with the load in `registering`.
    CHANGE_INTERRUPT.store(core::ptr::from_ref(change).cast_mut(), Ordering::Release);
}

static CHANGE_INTERRUPT: AtomicPtr<fn(&mut NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS)> =
    AtomicPtr::new(null_mut());

/// What `Interrupt::register` gives to NDIS.
pub(crate) fn registering(raw: &mut NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS) {
    let change = CHANGE_INTERRUPT.load(Ordering::Acquire);
    // SAFETY: null, or from a reference that lives for ever.
    if let Some(change) = unsafe { change.as_ref() } {
        change(raw);
    }
}

/// Maps memory that the adapter was not given (contract I-05). PASSIVE_LEVEL.
///
/// # Errors
/// What NDIS says.
pub fn map_anywhere(
    registered: &Registered<'_>,
    physical: u64,
    length: u32,
    irql: &Irql<Passive>,
) -> Result<IoSpace> {
    IoSpace::map_anywhere(registered, physical, length, irql)
}

/// What is another when MiniportRestart returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Clobber {
    /// Nothing.
    Nothing,
    /// RBX, which a callee saves.
    Rbx,
    /// XMM6, which a callee saves.
    Xmm6,
    /// The direction flag.
    DirectionFlag,
    /// The interrupt flag.
    InterruptFlag,
}

static CLOBBER: AtomicU32 = AtomicU32::new(Clobber::Nothing as u32);
static RESTART: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Has MiniportRestart return with a register or flag that it may not change (contract G-05). Any IRQL.
pub fn clobber(what: Clobber) {
    // Relaxed: read by a later call of the same thread of execution.
    CLOBBER.store(what as u32, Ordering::Relaxed);
}

/// What a driver registers: MiniportRestart goes through [`clobber`]'s routine.
pub(crate) fn registering_driver(raw: &mut NDIS_MINIPORT_DRIVER_CHARACTERISTICS) {
    if let Some(restart) = raw.RestartHandler {
        RESTART.store(restart as *mut c_void, Ordering::Release);
        raw.RestartHandler = Some(restart_and_clobber);
    }
}

/// MiniportRestart, and then what a compiler would not do.
#[unsafe(naked)]
unsafe extern "system" fn restart_and_clobber(
    context: NDIS_HANDLE,
    parameters: *mut NDIS_MINIPORT_RESTART_PARAMETERS,
) -> NDIS_STATUS {
    core::arch::naked_asm!(
        "sub rsp, 40",
        "call qword ptr [rip + {restart}]",
        "add rsp, 40",
        "mov ecx, dword ptr [rip + {clobber}]",
        "cmp ecx, {rbx}",
        "jne 2f",
        "not rbx",
        "2:",
        "cmp ecx, {xmm6}",
        "jne 2f",
        "pcmpeqd xmm6, xmm6",
        "2:",
        "cmp ecx, {direction}",
        "jne 2f",
        "std",
        "2:",
        "cmp ecx, {interrupts}",
        "jne 2f",
        "cli",
        "2:",
        "ret",
        restart = sym RESTART,
        clobber = sym CLOBBER,
        rbx = const Clobber::Rbx as u32,
        xmm6 = const Clobber::Xmm6 as u32,
        direction = const Clobber::DirectionFlag as u32,
        interrupts = const Clobber::InterruptFlag as u32,
    )
}

/// A timer function that does nothing.
///
/// # Safety
/// For NDIS; touches nothing.
pub unsafe extern "system" fn timer(
    _: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
) {
}

/// A work item's function that does nothing.
///
/// # Safety
/// For NDIS; touches nothing.
pub unsafe extern "system" fn work_item(_: *mut c_void, _: NDIS_HANDLE) {}

/// A routine for NdisMSynchronizeWithInterruptEx that does nothing.
///
/// # Safety
/// For NDIS; touches nothing.
pub unsafe extern "system" fn synchronized(_: NDIS_HANDLE) -> BOOLEAN {
    TRUE
}

/// A MiniportMessageInterrupt that writes neither out-parameter (breaks X-23).
///
/// # Safety
/// For NDIS; touches nothing.
pub unsafe extern "system" fn silent_message_isr(
    _: NDIS_HANDLE,
    _: u32,
    _: *mut BOOLEAN,
    _: *mut u32,
) -> BOOLEAN {
    TRUE
}

impl Registered<'_> {
    /// Has `initialize` succeed without general attributes (breaks I-02). Any IRQL.
    pub fn skip_general_attributes(&self) {
        self.progress.set(Progress::General);
    }
}

impl Init<'_> {
    /// The adapter's handle, before the registration attributes. Any IRQL.
    #[must_use]
    pub fn as_raw(&self) -> NDIS_HANDLE {
        self.handle
    }
}

impl Outcome {
    /// Returns `status` to NDIS, whatever became of the request (breaks N-02, P-02). Any IRQL.
    pub fn of(status: Status) -> Self {
        Self::new(status)
    }

    /// What the handler returns to NDIS. Any IRQL.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
}

impl InterruptRef<'_> {
    /// The handle of the registration; null before NDIS has given it. Any IRQL.
    #[must_use]
    pub fn as_raw(&self) -> NDIS_HANDLE {
        self.handle.load(Ordering::Acquire)
    }
}

impl<H: LineHandlers> Interrupt<H> {
    /// Drops the handlers and leaves the interrupt registered, with nothing behind it (breaks X-90). Any IRQL.
    ///
    /// # Safety
    /// No interrupt comes any more: its handlers are gone.
    pub unsafe fn abandon(self) {
        let this = ManuallyDrop::new(self);
        // SAFETY: made from a box that is never freed now; only an address is computed.
        let handlers = unsafe { &raw mut (*this.registration.as_ptr()).handlers };
        // SAFETY: dropped once, and by the caller's promise nobody calls them.
        unsafe { core::ptr::drop_in_place(handlers) };
    }
}

impl Throttle {
    /// The throttle of a DPC without a limit, whatever NDIS said (breaks X-42). Its answer goes nowhere. Any IRQL.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(None)
    }

    /// Answers MoreNblsPending TRUE, with or without a limit (breaks X-44). Any IRQL.
    pub fn force_more_pending(&mut self) {
        self.more = true;
    }
}

impl<H: SgListHandler> ScatterGatherDma<H> {
    /// The handle of the registration. Any IRQL.
    #[must_use]
    pub fn as_raw(&self) -> NDIS_HANDLE {
        self.ndis_handle()
    }
}

impl SendChain {
    /// The first NBL; null without any. Any IRQL.
    #[must_use]
    pub fn as_raw(&self) -> *mut NET_BUFFER_LIST {
        self.list.head()
    }

    /// Gives the NBLs away as a chain, to be completed by hand. Any IRQL.
    #[must_use]
    pub fn give_away(mut self) -> *mut NET_BUFFER_LIST {
        self.list.take().head()
    }
}

impl ReceiveChain {
    /// Gives the NBLs away as a chain, to be indicated by hand. Any IRQL.
    #[must_use]
    pub fn give_away(mut self) -> *mut NET_BUFFER_LIST {
        self.list.take().head()
    }
}

impl ReceiveNbl {
    /// The NBL. Any IRQL.
    #[must_use]
    pub fn as_raw(&self) -> *mut NET_BUFFER_LIST {
        self.nbl.as_ptr()
    }
}

impl OidBody {
    /// The request. Any IRQL.
    #[must_use]
    pub fn as_raw(&self) -> *mut NDIS_OID_REQUEST {
        self.raw.as_ptr()
    }
}
