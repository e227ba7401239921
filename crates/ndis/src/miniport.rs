// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Miniport`]: the driver, as a trait. Each function follows the page of the Miniport… function it stands for.

use core::marker::PhantomData;

use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::init::Init;
use crate::irql::{AtMost, AtMostDispatch, Dispatch, Irql, Passive, drop_level_at_most};
use crate::nbl::{ReceiveChain, SendChain};
use crate::oid::{OidRequest, RequestId};
use crate::status::{Result, Status};
use crate::sys::ndis;

/// An NDIS 6 miniport driver for one kind of adapter.
///
/// The crate owns the adapters: [`initialize`](Self::initialize) returns one by value, it is kept at a fixed address,
/// lent to every callback, and given back to [`halt`](Self::halt).
pub trait Miniport: Sized + 'static {
    /// One adapter. Callbacks on several processors share it.
    type Adapter: Send + Sync + 'static;

    /// Version of the driver, major.
    const MAJOR_VERSION: u8 = 1;
    /// Version of the driver, minor.
    const MINOR_VERSION: u8 = 0;
    /// Oldest NDIS the driver runs on, as `major << 16 | minor`.
    const OLDEST_NDIS: u32 = NDIS_RUNTIME_VERSION_684;
    /// Newest NDIS the driver was written for.
    const NEWEST_NDIS: u32 = NDIS_RUNTIME_VERSION_687;
    /// Whether `check_for_hang` is registered. NDIS discourages it from 6.83 on.
    const CHECKS_FOR_HANG: bool = false;
    /// PnP handlers, for drivers that filter their resource requirements.
    const PNP: Option<crate::pnp::PnpCharacteristics> = None;

    /// MiniportInitializeEx. PASSIVE_LEVEL. See [`init`](crate::init) for the order.
    ///
    /// # Errors
    /// Any error code; everything acquired so far must be released by then, which ownership does.
    fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<Self::Adapter>;

    /// MiniportHaltEx: the reverse. PASSIVE_LEVEL. With [`HaltAction::touches_hardware`] false, leave registers alone.
    fn halt(adapter: Self::Adapter, action: HaltAction, irql: &mut Irql<Passive>);

    /// MiniportPause: stop sends and receives; `request.done()`, or `request.pend()` and complete later. PASSIVE_LEVEL.
    fn pause(adapter: &Self::Adapter, request: PauseRequest, irql: &mut Irql<Passive>) -> Outcome;

    /// MiniportRestart: start them. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// RESOURCES or FAILURE: the adapter stays paused.
    fn restart(
        adapter: &Self::Adapter,
        request: RestartRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Result<Outcome>;

    /// MiniportOidRequest. PASSIVE_LEVEL, one at a time. `request.done(status)`, or `request.pend()` and complete later.
    fn oid_request(
        adapter: &Self::Adapter,
        request: OidRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Outcome;

    /// MiniportCancelOidRequest. At most DISPATCH_LEVEL. Drivers that never pend have nothing to do.
    fn cancel_oid_request(adapter: &Self::Adapter, id: RequestId, irql: &mut Irql<AtMostDispatch>) {
        let _ = (adapter, id, irql);
    }

    /// MiniportSendNetBufferLists. At most DISPATCH_LEVEL, on several processors at once.
    fn send(
        adapter: &Self::Adapter,
        nbls: SendChain,
        port: NDIS_PORT_NUMBER,
        flags: u32,
        irql: &mut Irql<AtMostDispatch>,
    );

    /// MiniportCancelSend: complete queued NBLs of this id. At most DISPATCH_LEVEL.
    fn cancel_send(adapter: &Self::Adapter, id: CancelId, irql: &mut Irql<AtMostDispatch>) {
        let _ = (adapter, id, irql);
    }

    /// MiniportReturnNetBufferLists: indicated NBLs come back. At most DISPATCH_LEVEL, also inside the indication.
    fn return_nbls(
        adapter: &Self::Adapter,
        nbls: ReceiveChain,
        flags: u32,
        irql: &mut Irql<AtMostDispatch>,
    );

    /// MiniportDevicePnPEventNotify. PASSIVE_LEVEL. Unknown events are ignored.
    fn pnp_event(adapter: &Self::Adapter, event: PnpEvent<'_>, irql: &mut Irql<Passive>) {
        let _ = (adapter, event, irql);
    }

    /// MiniportShutdownEx: quiet the hardware, free nothing. PASSIVE_LEVEL, or HIGH_LEVEL at a bug check, hence no
    /// token: registers only (contract S-02).
    fn shutdown(adapter: &Self::Adapter, action: ShutdownAction);

    /// MiniportCheckForHangEx, if [`CHECKS_FOR_HANG`](Self::CHECKS_FOR_HANG): `true` asks for a reset. PASSIVE_LEVEL;
    /// never called before `initialize` has returned.
    fn check_for_hang(adapter: &Self::Adapter, irql: &mut Irql<Passive>) -> bool {
        let _ = (adapter, irql);
        false
    }

    /// MiniportResetEx. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// HARD_ERRORS, SOFT_ERRORS, RESET_IN_PROGRESS and the like.
    fn reset(
        adapter: &Self::Adapter,
        request: ResetRequest,
        irql: &mut Irql<AtMostDispatch>,
    ) -> Result<ResetOutcome> {
        let _ = (adapter, request, irql);
        Err(Status::NOT_SUPPORTED)
    }

    /// MiniportDriverUnload, before the driver is deregistered: undo what is the driver's. PASSIVE_LEVEL.
    fn unload(irql: &mut Irql<Passive>) {
        let _ = irql;
    }
}

/// Why an adapter is halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HaltAction(pub NDIS_HALT_ACTION);

impl HaltAction {
    /// `false` when the device is gone: no register access, no waiting for hardware (contract H-08). Any IRQL.
    #[must_use]
    pub fn touches_hardware(self) -> bool {
        self.0 != NdisHaltDeviceSurpriseRemoved
    }
}

/// Why the system shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownAction {
    /// Power off or restart, at PASSIVE_LEVEL.
    PowerOff,
    /// A bug check, at HIGH_LEVEL; other processors are stopped.
    BugCheck,
}

/// Identifies the NBLs that `cancel_send` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelId(pub(crate) *mut c_void);

/// A PnP or power event.
#[derive(Clone, Copy, Debug)]
pub struct PnpEvent<'a> {
    /// Which: `NdisDevicePnPEvent…`.
    pub event: NDIS_DEVICE_PNP_EVENT,
    /// Its information, perhaps empty.
    pub information: &'a [u8],
}

/// Neither `Send` nor `Sync`: what a callback answers cannot be kept for another one in an adapter or a static, where it
/// would say that a request is done which is pending.
pub(crate) type OfThisCall = PhantomData<*mut ()>;

/// How an operation that may pend went. Stays on the stack of its call.
#[derive(Debug)]
#[must_use = "the trampoline returns this to NDIS"]
pub struct Outcome {
    pub(crate) status: Status,
    call: OfThisCall,
}

impl Outcome {
    pub(crate) const fn new(status: Status) -> Self {
        Self {
            status,
            call: PhantomData,
        }
    }
}

/// A pause that NDIS asks for. It cannot fail.
#[derive(Debug)]
pub struct PauseRequest {
    adapter: AdapterHandle,
    /// `NDIS_PAUSE_…` reasons; behaviour must not depend on them.
    pub reasons: u32,
    call: OfThisCall,
}

impl PauseRequest {
    pub(crate) const fn new(adapter: AdapterHandle, reasons: u32) -> Self {
        Self {
            adapter,
            reasons,
            call: PhantomData,
        }
    }

    /// Paused already. Any IRQL.
    pub fn done(self) -> Outcome {
        Outcome::new(Status::SUCCESS)
    }

    /// Pausing: complete the [`PendingPause`] when every send and receive is back. Any IRQL.
    pub fn pend(self) -> (PendingPause, Outcome) {
        (PendingPause(self.adapter), Outcome::new(Status::PENDING))
    }
}

/// A pause to be completed exactly once; completed when dropped, at most at DISPATCH_LEVEL.
#[derive(Debug)]
pub struct PendingPause(AdapterHandle);

impl PendingPause {
    /// NdisMPauseComplete. At most DISPATCH_LEVEL, no lock held.
    pub fn complete<L: AtMost<Dispatch>>(self, irql: &Irql<L>) {
        let _ = irql;
        core::mem::ManuallyDrop::new(self).finish();
    }

    fn finish(&mut self) {
        // SAFETY: pending on this adapter; completed once: the callers consume the value.
        unsafe { ndis::NdisMPauseComplete(self.0.as_raw()) };
    }
}

impl Drop for PendingPause {
    fn drop(&mut self) {
        if drop_level_at_most(DISPATCH_LEVEL) {
            self.finish();
        }
    }
}

/// A restart that NDIS asks for.
#[derive(Debug)]
pub struct RestartRequest<'a> {
    pub(crate) adapter: AdapterHandle,
    pub(crate) attributes: *mut NDIS_RESTART_ATTRIBUTES,
    pub(crate) call: PhantomData<&'a ()>,
}

impl RestartRequest<'_> {
    /// The restart attributes as NDIS passed them; may be null (contract R-03). Any IRQL.
    #[must_use]
    pub fn attributes(&self) -> *mut NDIS_RESTART_ATTRIBUTES {
        self.attributes
    }

    /// Running. Any IRQL.
    pub fn done(self) -> Outcome {
        Outcome::new(Status::SUCCESS)
    }

    /// Restarting: complete the [`PendingRestart`] later. Any IRQL.
    pub fn pend(self) -> (PendingRestart, Outcome) {
        (PendingRestart(self.adapter), Outcome::new(Status::PENDING))
    }
}

/// A restart to be completed exactly once; completed with FAILURE when dropped, at most at DISPATCH_LEVEL.
#[derive(Debug)]
pub struct PendingRestart(AdapterHandle);

impl PendingRestart {
    /// NdisMRestartComplete. At most DISPATCH_LEVEL, no lock held.
    pub fn complete<L: AtMost<Dispatch>>(self, status: Status, irql: &Irql<L>) {
        let _ = irql;
        core::mem::ManuallyDrop::new(self).finish(status);
    }

    fn finish(&mut self, status: Status) {
        // SAFETY: pending on this adapter; completed once: the callers consume the value.
        unsafe { ndis::NdisMRestartComplete(self.0.as_raw(), status.0) };
    }
}

impl Drop for PendingRestart {
    fn drop(&mut self) {
        if drop_level_at_most(DISPATCH_LEVEL) {
            self.finish(Status::FAILURE);
        }
    }
}

/// A reset that NDIS asks for.
#[derive(Debug)]
pub struct ResetRequest {
    adapter: AdapterHandle,
    call: OfThisCall,
}

/// How a reset went.
#[derive(Debug)]
#[must_use = "the trampoline returns this to NDIS"]
pub struct ResetOutcome {
    pub(crate) status: Status,
    pub(crate) addressing_reset: bool,
    call: OfThisCall,
}

impl ResetRequest {
    pub(crate) const fn new(adapter: AdapterHandle) -> Self {
        Self {
            adapter,
            call: PhantomData,
        }
    }

    /// Reset. With `addressing_reset` NDIS sets filter and multicast list again (contract C-07). Any IRQL.
    pub fn done(self, addressing_reset: bool) -> ResetOutcome {
        ResetOutcome {
            status: Status::SUCCESS,
            addressing_reset,
            call: PhantomData,
        }
    }

    /// Resetting: complete the [`PendingReset`] later. Any IRQL.
    pub fn pend(self) -> (PendingReset, ResetOutcome) {
        let outcome = ResetOutcome {
            status: Status::PENDING,
            addressing_reset: false,
            call: PhantomData,
        };
        (PendingReset(self.adapter), outcome)
    }
}

/// A reset to be completed exactly once; completed with HARD_ERRORS when dropped, at most at
/// DISPATCH_LEVEL.
#[derive(Debug)]
pub struct PendingReset(AdapterHandle);

impl PendingReset {
    /// NdisMResetComplete. At most DISPATCH_LEVEL, no lock held.
    pub fn complete<L: AtMost<Dispatch>>(
        self,
        status: Status,
        addressing_reset: bool,
        irql: &Irql<L>,
    ) {
        let _ = irql;
        core::mem::ManuallyDrop::new(self).finish(status, addressing_reset);
    }

    fn finish(&mut self, status: Status, addressing_reset: bool) {
        // SAFETY: pending on this adapter; completed once: the callers consume the value.
        unsafe {
            ndis::NdisMResetComplete(self.0.as_raw(), status.0, BOOLEAN::from(addressing_reset))
        };
    }
}

impl Drop for PendingReset {
    fn drop(&mut self) {
        if drop_level_at_most(DISPATCH_LEVEL) {
            self.finish(Status::HARD_ERRORS, false);
        }
    }
}
