// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupts: registration, delivery, DPCs and synchronisation (contract §4).
//!
//! Real interrupts of the device arrive on host vectors whose class is their IRQL; the handlers
//! in [`deliver`] call the driver's ISR there, with the interrupt's lock held. DPCs run on the
//! machine's per-CPU queues, one slot for each message and CPU ([`dpc`]).

pub mod counts;
pub mod deliver;
pub mod dpc;
pub mod grant;
pub mod hardware;
pub mod lock;
pub mod register;
pub mod steer;
mod table;

use self::{counts::Counts, dpc::Slots, grant::Grant, lock::InterruptLock};
use super::adapter::{self, Adapter};
use crate::{
    exports,
    exports::Call,
    guest::{Block, Ptr},
    machine::{cpu, irql, lock::IrqSpin, time},
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{
    format,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The driver's handlers of one registration; 0 where it gave none.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "named after the members of the structure")]
pub struct Handlers {
    pub isr: usize,
    pub dpc: usize,
    pub disable: usize,
    pub enable: usize,
}

/// One registration.
pub struct Interrupt {
    /// NdisInterruptHandle.
    pub handle: u64,
    /// Whose.
    pub adapter: Weak<Adapter>,
    /// MiniportInterruptContext.
    pub context: u64,
    /// The handlers of the granted kind.
    pub handlers: Handlers,
    /// The grant.
    pub grant: Grant,
    /// One lock a message, or a single one when the driver wants all messages synchronised.
    pub locks: Vec<InterruptLock>,
    /// DPC slots.
    pub slots: Slots,
    /// Counters, one a message.
    pub counts: Vec<Counts>,
    /// The table for the driver; unmapped at deregistration.
    pub table: IrqSpin<Option<Block>>,
    /// Deregistration has begun: no ISR is called any more.
    pub closed: AtomicBool,
    /// When it was.
    pub closed_ns: AtomicU64,
}

impl Interrupt {
    /// The lock of a message.
    pub fn lock_of(&self, message: usize) -> &InterruptLock {
        &self.locks[if self.locks.len() == 1 { 0 } else { message }]
    }

    /// The IRQL at which a message's lock is held.
    pub fn irql_of(&self, message: usize) -> u8 {
        if self.locks.len() == 1 {
            self.grant
                .messages
                .iter()
                .map(|m| m.irql)
                .max()
                .unwrap_or(irql::DEVICE_MIN)
        } else {
            self.grant.messages[message].irql
        }
    }

    /// Whether messages, not a line, were granted.
    pub fn is_message(&self) -> bool {
        self.grant.kind != grant::Kind::Line
    }
}

static LIVE: IrqSpin<Vec<Arc<Interrupt>>> = IrqSpin::new(Vec::new());

/// The live registration with that handle.
pub fn find(handle: u64) -> Option<Arc<Interrupt>> {
    LIVE.lock().iter().find(|i| i.handle == handle).cloned()
}

/// Like [`find`]; a violation of `rule` when there is none.
fn expect(call: &Call, rule: &'static str, handle: u64) -> Option<Arc<Interrupt>> {
    let found = find(handle);
    verify::check(rule, found.is_some(), || {
        format!("{}: {handle:#x} is no registered interrupt", call.name())
    });
    found
}

exports! {
    "ndis.sys";

    /// Registers the adapter's interrupt (§4.1).
    [Passive] fn NdisMRegisterInterruptEx(
        call, handle: u64, context: u64,
        characteristics: Ptr<NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS>, out: Ptr<u64>,
    ) -> i32 {
        match adapter::expect(call, handle) {
            Some(adapter) => register::register(call, &adapter, context, characteristics, out),
            None => NDIS_STATUS_INVALID_PARAMETER,
        }
    }

    /// Undoes the registration; returns when the last DPC has run (§4.7).
    [Passive] fn NdisMDeregisterInterruptEx(call, handle: u64) {
        call.require_thread();
        register::deregister(call, handle);
    }

    /// Queues a DPC on CPUs of group 0 (§4.4).
    [Any] fn NdisMQueueDpc(call, handle: u64, message: u32, targets: u32, context: u64) -> u32 {
        let Some(interrupt) = expect(call, "X-63", handle) else { return 0 };
        dpc::request(call, &interrupt, message, u64::from(targets), context) as u32
    }

    /// Queues a DPC on CPUs of a group (§4.4).
    [Any] fn NdisMQueueDpcEx(
        call, handle: u64, message: u32, targets: Ptr<GROUP_AFFINITY>, context: u64,
    ) -> u64 {
        let Some(interrupt) = expect(call, "X-63", handle) else { return 0 };
        let targets = targets.read();
        let group = targets.Group;
        if !verify::check("X-60", group == 0, || call.text(&format!("processor group {group}"))) {
            return 0;
        }
        dpc::request(call, &interrupt, message, targets.Mask, context)
    }

    /// Calls a function synchronised with the ISR (§4.5).
    [Dirql] fn NdisMSynchronizeWithInterruptEx(
        call, handle: u64, message: u32, function: usize, context: u64,
    ) -> u8 {
        let Some(interrupt) = expect(call, "X-63", handle) else { return 0 };
        synchronize(call, &interrupt, message, function, context)
    }

    /// Changes an entry of the MSI-X table.
    [Any] fn NdisMConfigMSIXTableEntry(
        call, handle: u64, parameters: Ptr<NDIS_MSIX_CONFIG_PARAMETERS>,
    ) -> i32 {
        match adapter::expect(call, handle) {
            Some(adapter) => hardware::configure_entry(call, &adapter, parameters),
            None => NDIS_STATUS_INVALID_PARAMETER,
        }
    }
}

fn synchronize(
    call: &Call,
    interrupt: &Interrupt,
    message: u32,
    function: usize,
    context: u64,
) -> u8 {
    // the line has one lock, the message id is ignored.
    let message = if interrupt.is_message() {
        message as usize
    } else {
        0
    };
    if !verify::check("X-73", message < interrupt.grant.messages.len(), || {
        call.text(&format!(
            "message {message} of {}",
            interrupt.grant.messages.len()
        ))
    }) {
        return 0;
    }
    let lock = interrupt.lock_of(message);
    if lock.held_here() {
        verify::stop(
            "X-73",
            call.text("called inside the lock of this interrupt: it would wait for itself"),
        );
    }
    let level = interrupt.irql_of(message);
    let now = irql::current();
    if !verify::check("X-73", now <= level, || {
        call.text(&format!(
            "called at IRQL {now}, above the interrupt's {level}"
        ))
    }) {
        return 0;
    }
    let old = irql::raise(level);
    lock.acquire();
    let answer = verify::call_on(Handler::Synchronize, message as u64, function, &[context]) as u8;
    lock.release();
    irql::lower(old);
    answer
}

/// Calls MiniportDisable(Message)Interrupt or the Enable handler for every message, at DIRQL with
/// the lock held, on this CPU. Diagnostics only.
pub fn switch(interrupt: &Interrupt, enable: bool) {
    for message in 0..interrupt.grant.messages.len() {
        switch_one(interrupt, message, enable);
    }
}

/// The same for one message.
pub fn switch_one(interrupt: &Interrupt, message: usize, enable: bool) {
    let (handler, function) = if enable {
        (Handler::EnableInterrupt, interrupt.handlers.enable)
    } else {
        (Handler::DisableInterrupt, interrupt.handlers.disable)
    };
    if function == 0 {
        return;
    }
    let counts = &interrupt.counts[message];
    let old = irql::raise(interrupt.irql_of(message));
    let lock = interrupt.lock_of(message);
    lock.acquire();
    counts.disabled_ns.store(0, Ordering::Release);
    counts.late.store(0, Ordering::Relaxed);
    if interrupt.is_message() {
        verify::call_on(
            handler,
            message as u64,
            function,
            &[interrupt.context, message as u64],
        );
    } else {
        verify::call_on(handler, 0, function, &[interrupt.context]);
    }
    if !enable {
        counts.disabled_ns.store(time::now_ns(), Ordering::Release);
    }
    lock.release();
    irql::lower(old);
}

/// The `IO_INTERRUPT_MESSAGE_INFO` for the driver, read-only.
fn message_table(interrupt_object: u64, grant: &Grant) -> Option<Block> {
    let count = grant.messages.len();
    let entry = size_of::<IO_INTERRUPT_MESSAGE_INFO_ENTRY>();
    let block = Block::new(8 + count * entry, 8, true)?;
    let p: Ptr<IO_INTERRUPT_MESSAGE_INFO> = block.ptr();
    let unified = grant.messages.iter().map(|m| m.irql).max().unwrap_or(0);
    crate::field!(p, UnifiedIrql).write(unified);
    crate::field!(p, MessageCount).write(count as u32);
    for (number, message) in grant.messages.iter().enumerate() {
        let (address, data) = crate::machine::msi::message_for(message.vector, message.cpu);
        let e: Ptr<IO_INTERRUPT_MESSAGE_INFO_ENTRY> =
            Ptr::new(block.address() + 8 + number * entry);
        crate::guest::write(crate::field!(e, MessageAddress).addr(), address);
        crate::field!(e, TargetProcessorSet).write(1 << message.cpu);
        crate::guest::write(crate::field!(e, InterruptObject).addr(), interrupt_object);
        crate::field!(e, MessageData).write(data);
        crate::field!(e, Vector).write(u32::from(message.vector));
        crate::field!(e, Irql).write(message.irql);
        crate::field!(e, Mode).write(Latched);
        crate::field!(e, Polarity).write(InterruptActiveHigh);
    }
    block.set_writable(false);
    Some(block)
}

/// Mask of the CPUs that run.
pub fn active_cpus() -> u64 {
    u64::MAX >> (64 - cpu::count().clamp(1, 64))
}
