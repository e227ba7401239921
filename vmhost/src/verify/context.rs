// SPDX-License-Identifier: MIT OR Apache-2.0
//! The context record of a call into the driver (contract G-05): which handler, since when, at
//! which IRQL, which driver locks it took, how often it touched registers.
//!
//! Records live on the stack of the call and form a list whose head is per CPU and follows the
//! thread; an ISR's record sits on top of the code it interrupted. Any IRQL.

use alloc::vec::Vec;
use core::{
    fmt,
    marker::PhantomPinned,
    ops::Deref,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::locks::Held;
use crate::machine::{cpu, irql, lock::IrqSpin, meter, time};

/// What kind of call into the driver this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "each is named after the callback it stands for"
)]
#[allow(
    dead_code,
    reason = "the whole list of callbacks; not every scenario makes each"
)]
pub enum Handler {
    DriverEntry,
    Unload,
    SetOptions,
    AddDevice,
    RemoveDevice,
    FilterResources,
    StartDevice,
    Initialize,
    Halt,
    Pause,
    Restart,
    OidRequest,
    CancelOidRequest,
    DirectOidRequest,
    CancelDirectOidRequest,
    SynchronousOidRequest,
    Send,
    Return,
    CancelSend,
    CheckForHang,
    Reset,
    DevicePnPEvent,
    Shutdown,
    ShutdownBugCheck,
    Isr,
    MessageIsr,
    Dpc,
    MessageDpc,
    Poll,
    SetPollNotification,
    DisableInterrupt,
    EnableInterrupt,
    Synchronize,
    ProcessSgList,
    SharedMemoryComplete,
    Timer,
    KernelDpc,
    WorkItem,
    SystemThread,
    MdlCallback,
    StackCallout,
    Ipi,
}

impl Handler {
    /// The driver's ISR, line or message.
    pub fn is_isr(self) -> bool {
        matches!(self, Self::Isr | Self::MessageIsr)
    }

    /// What runs in place of an interrupt DPC: one of those, or a callback of a poll object.
    pub fn is_dpc(self) -> bool {
        matches!(
            self,
            Self::Dpc | Self::MessageDpc | Self::Poll | Self::SetPollNotification
        )
    }

    /// The rule that a too high IRQL breaks in this handler.
    pub fn irql_rule(self) -> &'static str {
        match self {
            Self::ShutdownBugCheck => "S-02",
            Self::Synchronize | Self::DisableInterrupt | Self::EnableInterrupt => "X-71",
            h if h.is_isr() => "X-25",
            _ => "V-17",
        }
    }
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::DriverEntry => "DriverEntry",
            Self::Unload => "MiniportDriverUnload",
            Self::SetOptions => "MiniportSetOptions",
            Self::AddDevice => "MiniportAddDevice",
            Self::RemoveDevice => "MiniportRemoveDevice",
            Self::FilterResources => "MiniportFilterResourceRequirements",
            Self::StartDevice => "MiniportStartDevice",
            Self::Initialize => "MiniportInitializeEx",
            Self::Halt => "MiniportHaltEx",
            Self::Pause => "MiniportPause",
            Self::Restart => "MiniportRestart",
            Self::OidRequest => "MiniportOidRequest",
            Self::CancelOidRequest => "MiniportCancelOidRequest",
            Self::DirectOidRequest => "MiniportDirectOidRequest",
            Self::CancelDirectOidRequest => "MiniportCancelDirectOidRequest",
            Self::SynchronousOidRequest => "MiniportSynchronousOidRequest",
            Self::Send => "MiniportSendNetBufferLists",
            Self::Return => "MiniportReturnNetBufferLists",
            Self::CancelSend => "MiniportCancelSend",
            Self::CheckForHang => "MiniportCheckForHangEx",
            Self::Reset => "MiniportResetEx",
            Self::DevicePnPEvent => "MiniportDevicePnPEventNotify",
            Self::Shutdown | Self::ShutdownBugCheck => "MiniportShutdownEx",
            Self::Isr => "MiniportInterrupt",
            Self::MessageIsr => "MiniportMessageInterrupt",
            Self::Dpc => "MiniportInterruptDPC",
            Self::MessageDpc => "MiniportMessageInterruptDPC",
            Self::Poll => "NdisPoll",
            Self::SetPollNotification => "NdisSetPollNotification",
            Self::DisableInterrupt => "MiniportDisableInterruptEx",
            Self::EnableInterrupt => "MiniportEnableInterruptEx",
            Self::Synchronize => "MiniportSynchronizeInterrupt",
            Self::ProcessSgList => "MiniportProcessSGList",
            Self::SharedMemoryComplete => "MiniportSharedMemoryAllocateComplete",
            Self::Timer => "NetTimerCallback",
            Self::KernelDpc => "CustomDpc",
            Self::WorkItem => "work item routine",
            Self::SystemThread => "system thread",
            Self::MdlCallback => "MDL callback",
            Self::StackCallout => "stack callout",
            Self::Ipi => "IPI routine",
        };
        f.write_str(name)
    }
}

/// The record. Counters are atomic because observers of register accesses reach it from fault
/// handlers.
pub struct Context {
    /// Which callback.
    pub handler: Handler,
    /// Whose: an adapter, an interrupt, a request; 0 when it is nobody's.
    pub object: u64,
    /// IRQL at entry.
    pub irql: irql::Irql,
    /// CPU at entry.
    pub cpu: usize,
    /// [`time::now_ns`] at entry.
    pub start_ns: u64,
    /// Register reads made by this call.
    pub mmio_reads: AtomicU64,
    /// Register writes made by this call.
    pub mmio_writes: AtomicU64,
    /// Instructions of the driver executed by this call, those of calls inside it left out; 0 unless
    /// the run counts them. Complete when [`meter::settle`] has been called.
    pub instructions: AtomicU64,
    /// NBLs indicated by this call.
    pub nbls_indicated: AtomicU64,
    /// NBLs completed by this call.
    pub nbls_completed: AtomicU64,
    /// Microseconds of `KeStallExecutionProcessor` in this call.
    pub stalled_us: AtomicU64,
    /// Reads and writes by register, while a phase is measured.
    pub registers: IrqSpin<Vec<(u64, u64, u64)>>,
    /// A DPC that the throttle has ended, or the recall of one.
    pub throttled: AtomicBool,
    /// Driver locks that this call holds, oldest first.
    pub held: IrqSpin<Vec<Held>>,
    import_name: AtomicU64,
    import_rip: AtomicU64,
    previous: u64,
    _pinned: PhantomPinned,
}

impl Context {
    /// The import that the driver is inside of and where it called it.
    pub fn import(&self) -> Option<(&'static str, u64)> {
        let export = self.import_name.load(Ordering::Relaxed) as *const crate::exports::Export;
        // SAFETY: the value is 0 or the address of a `static` export entry, see `set_import`.
        let export = unsafe { export.as_ref() }?;
        Some((export.name, self.import_rip.load(Ordering::Relaxed)))
    }

    /// Notes the import that is entered; returns what was noted before, for [`Self::restore_import`].
    pub fn set_import(&self, export: &'static crate::exports::Export, rip: u64) -> (u64, u64) {
        let old = (
            self.import_name.load(Ordering::Relaxed),
            self.import_rip.load(Ordering::Relaxed),
        );
        self.import_name
            .store(core::ptr::from_ref(export) as u64, Ordering::Relaxed);
        self.import_rip.store(rip, Ordering::Relaxed);
        old
    }

    /// Puts back what [`Self::set_import`] returned.
    pub fn restore_import(&self, old: (u64, u64)) {
        self.import_name.store(old.0, Ordering::Relaxed);
        self.import_rip.store(old.1, Ordering::Relaxed);
    }

    /// The record below this one: the call that this one was made from or interrupted.
    pub fn outer(&self) -> Option<&Context> {
        // SAFETY: records are popped in the reverse order of their creation, so the one below
        // lives at least as long as `self`.
        unsafe { (self.previous as *const Context).as_ref() }
    }

    /// The call on whose behalf a callback runs: SG list and synchronised callbacks are part of the
    /// handler that asked for them.
    pub fn root(&self) -> &Context {
        match (self.handler, self.outer()) {
            (Handler::ProcessSgList | Handler::Synchronize, Some(outer)) => outer.root(),
            _ => self,
        }
    }

    /// True when this call or one below it on this stack is of the kind.
    pub fn inside(&self, handler: Handler) -> bool {
        self.handler == handler || self.outer().is_some_and(|c| c.inside(handler))
    }

    /// Nanoseconds since entry.
    pub fn elapsed_ns(&self) -> u64 {
        time::now_ns().saturating_sub(self.start_ns)
    }
}

/// Keeps a record on the list until dropped.
pub struct Guard(alloc::boxed::Box<Context>);

impl Deref for Guard {
    type Target = Context;
    fn deref(&self) -> &Context {
        &self.0
    }
}

/// Pushes a record for the call that is about to be made.
pub fn enter(handler: Handler, object: u64) -> Guard {
    let context = alloc::boxed::Box::new(Context {
        handler,
        object,
        irql: irql::current(),
        cpu: cpu::id(),
        start_ns: time::now_ns(),
        mmio_reads: AtomicU64::new(0),
        mmio_writes: AtomicU64::new(0),
        instructions: AtomicU64::new(0),
        nbls_indicated: AtomicU64::new(0),
        nbls_completed: AtomicU64::new(0),
        stalled_us: AtomicU64::new(0),
        registers: IrqSpin::new(Vec::new()),
        throttled: AtomicBool::new(false),
        held: IrqSpin::new(Vec::new()),
        import_name: AtomicU64::new(0),
        import_rip: AtomicU64::new(0),
        previous: cpu::context(),
        _pinned: PhantomPinned,
    });
    meter::settle();
    cpu::set_context(core::ptr::from_ref(&*context) as u64);
    Guard(context)
}

impl Drop for Guard {
    fn drop(&mut self) {
        meter::settle();
        cpu::set_context(self.0.previous);
        super::cost::ended(&self.0);
    }
}

/// The record of the driver call that this CPU is in, if any. Use it inside the call only.
pub fn current<'a>() -> Option<&'a Context> {
    // SAFETY: the head is 0 or a record whose guard is alive on this CPU's stack; the reference
    // is used inside that call.
    unsafe { (cpu::context() as *const Context).as_ref() }
}

/// Instructions of the driver belong to the call that this CPU is in.
pub fn credit_instructions(instructions: u64) {
    if let Some(context) = current() {
        context
            .instructions
            .fetch_add(instructions, Ordering::Relaxed);
    }
}
