// SPDX-License-Identifier: MIT OR Apache-2.0
//! NdisMRegisterInterruptEx and NdisMDeregisterInterruptEx (contract §4.1, §4.7). PASSIVE only.

use super::{
    super::{
        adapter::{self, Adapter, State},
        dice::DICE,
        guesses, handlers, header,
    },
    Handlers, Interrupt, LIVE,
    counts::Counts,
    deliver,
    dpc::Slots,
    grant::Kind,
    hardware,
    lock::InterruptLock,
    message_table,
    steer::{STEER, is},
};
use crate::{
    exports::Call,
    field, guest,
    guest::Ptr,
    ledger::{self, Kind as Object, Scope},
    log,
    machine::{cpu, dpc, interrupt, irql, lock::IrqSpin, pci, thread, time},
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, sync::Arc};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use handlers::address;

/// How long DPCs may go on queueing each other after deregistration has begun.
const DRAIN_LIMIT_NS: u64 = 10_000_000_000;

/// Registers. The handlers may run before this returns.
pub fn register(
    call: &Call,
    adapter: &Arc<Adapter>,
    context: u64,
    p: Ptr<NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS>,
    out: Ptr<u64>,
) -> i32 {
    let size = size_of::<NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS>();
    let kind = NDIS_OBJECT_TYPE_MINIPORT_INTERRUPT;
    if header::check("X-02", call.name(), field!(p, Header), kind, &[size]).is_none() {
        return NDIS_STATUS_BAD_VERSION;
    }
    let ordered =
        adapter.registration.lock().is_some() && matches!(adapter.state(), State::Initializing);
    if !verify::check("X-01", ordered, || {
        call.text("before the registration attributes, or outside MiniportInitializeEx")
    }) {
        return NDIS_STATUS_FAILURE;
    }
    let seen = p.read();
    let Some(handlers) = choose(call, adapter, &seen) else {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    };
    let Some(grant) = adapter.grant.lock().clone() else {
        log!("{}: the device has no interrupt resource", call.name());
        return NDIS_STATUS_RESOURCE_CONFLICT;
    };
    let message = grant.kind != Kind::Line;
    if message && seen.MsiSupported == 0 {
        // the message resources should have been filtered out.
        log!(
            "{}: message resources, but MsiSupported is FALSE",
            call.name()
        );
        return NDIS_STATUS_RESOURCE_CONFLICT;
    }
    if !verify::check("X-11", adapter.interrupts.lock().is_empty(), || {
        call.text("the device's interrupt is registered already")
    }) {
        return NDIS_STATUS_RESOURCE_CONFLICT;
    }
    let handle = adapter::opaque_handle("the interrupt handle");
    let table = if message {
        message_table(handle, &grant)
    } else {
        None
    };
    if message && table.is_none() {
        return NDIS_STATUS_RESOURCES;
    }
    let table_address = table.as_ref().map_or(0, |t| t.address() as u64);
    let count = grant.messages.len();
    let one_lock = !message || seen.MsiSyncWithAllMessages != 0;
    let registration = Arc::new(Interrupt {
        handle,
        adapter: Arc::downgrade(adapter),
        context,
        handlers,
        locks: (0..if one_lock { 1 } else { count })
            .map(|_| InterruptLock::new())
            .collect(),
        slots: Slots::new(count),
        counts: (0..count).map(|_| Counts::default()).collect(),
        table: IrqSpin::new(table),
        closed: AtomicBool::new(false),
        closed_ns: AtomicU64::new(0),
        grant: grant.clone(),
    });
    ledger::add(Object::Interrupt, handle, 0, Scope::Adapter, call.rip);
    LIVE.lock().push(registration.clone());
    adapter.interrupts.lock().push(registration.clone());
    for (number, message) in grant.messages.iter().enumerate() {
        for vector in message.vectors() {
            let owner = registration.clone();
            interrupt::connect(vector, Arc::new(move || deliver::interrupt(&owner, number)));
        }
    }
    hardware::enable(adapter, &grant);
    // a pending interrupt of the device has arrived by now, before the driver sees any of
    // the results; so may one that is not its own or has no cause.
    if is(&STEER.at_registration) {
        busy_interrupts(&registration);
    } else if DICE.chance(50) {
        spurious_interrupts(&registration);
    }
    if is(&STEER.registration_fails) {
        log!("interrupt: the registration fails");
        ledger::remove(Object::Interrupt, handle);
        disconnect(adapter, &registration);
        return NDIS_STATUS_RESOURCES;
    }
    field!(p, InterruptType).write(if message {
        NDIS_CONNECT_MESSAGE_BASED
    } else {
        NDIS_CONNECT_LINE_BASED
    });
    guest::write(field!(p, MessageInfoTable).addr(), table_address);
    out.write(handle);
    if is(&STEER.at_registration) {
        busy_interrupts(&registration);
    } else if DICE.chance(50) {
        spurious_interrupts(&registration);
    }
    log!(
        "interrupt: {} with {} message(s)",
        grant.name(),
        if message { count } else { 0 }
    );
    NDIS_STATUS_SUCCESS
}

/// checks the handlers and picks those of the granted kind.
fn choose(
    call: &Call,
    adapter: &Adapter,
    seen: &NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS,
) -> Option<Handlers> {
    let line = Handlers {
        isr: address!(seen.InterruptHandler),
        dpc: address!(seen.InterruptDpcHandler),
        disable: address!(seen.DisableInterruptHandler),
        enable: address!(seen.EnableInterruptHandler),
    };
    let message = Handlers {
        isr: address!(seen.MessageInterruptHandler),
        dpc: address!(seen.MessageInterruptDpcHandler),
        disable: address!(seen.DisableMessageInterruptHandler),
        enable: address!(seen.EnableMessageInterruptHandler),
    };
    let all = |h: &Handlers| h.isr != 0 && h.dpc != 0 && h.disable != 0 && h.enable != 0;
    let mut good = verify::check("X-03", all(&line), || {
        call.text(&format!("line handlers {line:x?}"))
    });
    if seen.MsiSupported != 0 {
        good &= verify::check("X-04", all(&message), || {
            call.text(&format!("MsiSupported, message handlers {message:x?}"))
        });
    }
    let granted_line = adapter
        .grant
        .lock()
        .as_ref()
        .is_none_or(|grant| grant.kind == Kind::Line);
    good.then_some(if granted_line { line } else { message })
}

/// Deregisters: interrupts off, one last ISR and DPC, disconnect, DPCs drained.
pub fn deregister(call: &Call, handle: u64) {
    let found = super::find(handle);
    let known = ledger::remove(Object::Interrupt, handle).is_some();
    verify::check("X-90", known, || {
        call.text(&format!(
            "{handle:#x} is no registered interrupt, or deregistered twice"
        ))
    });
    let (Some(registration), true) = (found, known) else {
        return;
    };
    let Some(adapter) = registration.adapter.upgrade() else {
        return;
    };
    let state = adapter.state();
    let allowed = matches!(state, State::Initializing | State::Halting);
    verify::check("X-90", allowed, || {
        call.text(&format!("called in the state {state:?}"))
    });
    if guesses::LAST_INTERRUPT_AT_DEREGISTRATION {
        spurious_interrupts(&registration);
    }
    if is(&STEER.at_registration) {
        queue_everywhere(&registration);
    }
    if !disconnect(&adapter, &registration) {
        verify::end("NdisMDeregisterInterruptEx cannot end");
    }
    super::super::counters::keep(&registration);
}

/// Takes the interrupt from the device and waits for its DPCs, which may still be queued or run
/// . False: they never end.
fn disconnect(adapter: &Adapter, registration: &Arc<Interrupt>) -> bool {
    hardware::disable(adapter, &registration.grant);
    for message in &registration.grant.messages {
        for vector in message.vectors() {
            interrupt::disconnect(vector);
        }
    }
    registration
        .closed_ns
        .store(time::now_ns(), Ordering::Relaxed);
    registration.closed.store(true, Ordering::Release);
    let deadline = time::now_ns() + DRAIN_LIMIT_NS;
    dpc::flush();
    let drained = thread::wait_until(Some(deadline), &|| registration.slots.busy() == 0);
    verify::check("X-62", drained, || {
        String::from("DPCs queue each other for 10 s after deregistration began")
    });
    let handle = registration.handle;
    adapter.interrupts.lock().retain(|i| i.handle != handle);
    LIVE.lock().retain(|i| i.handle != handle);
    // the table dies with the registration.
    let table = registration.table.lock().take();
    drop(table);
    drained
}

/// Takes the interrupts of a halted adapter away that its driver has left registered. They stay in
/// the ledger, as what they are.
pub fn abandon(adapter: &Adapter) {
    let left = core::mem::take(&mut *adapter.interrupts.lock());
    for registration in &left {
        registration.closed.store(true, Ordering::Release);
        hardware::disable(adapter, &registration.grant);
        for message in &registration.grant.messages {
            interrupt::disconnect(message.vector);
        }
        LIVE.lock().retain(|i| i.handle != registration.handle);
        super::super::counters::keep(registration);
    }
}

/// An interrupt of another device on the same line, which the ISR must refuse. The device's
/// own pin is quiet: its PCI status register says so. A single one may come together with a cause
/// that the device has not signalled, so it takes a row of them. PASSIVE, while Running.
pub fn foreign_interrupts(adapter: &Adapter) {
    const ROW: usize = 8;
    const STATUS: u16 = 6;
    const INTERRUPT_STATUS: u32 = 1 << 3;
    const PAUSE_NS: u64 = 2_000_000;
    let Some(registration) = adapter.interrupts.lock().first().cloned() else {
        return;
    };
    if registration.grant.kind != Kind::Line {
        return;
    }
    let all_claimed = (0..ROW).all(|_| {
        thread::sleep_ns(PAUSE_NS);
        let old = irql::raise(registration.irql_of(0));
        let quiet = || pci::read_config(&adapter.device, STATUS, 2) & INTERRUPT_STATUS == 0;
        let claimed = quiet() && deliver::call_isr(&registration, 0) && quiet();
        irql::lower(old);
        claimed
    });
    verify::check_of(Handler::Isr, "X-21", !all_claimed, || {
        format!("{ROW} interrupts in a row of another device on its line were claimed (F2)")
    });
}

/// Calls the ISR of every message, which must stand it without a cause, and runs the DPCs it asks
/// for.
fn spurious_interrupts(registration: &Arc<Interrupt>) {
    for number in 0..registration.grant.messages.len() {
        let old = irql::raise(registration.irql_of(number));
        deliver::call_isr(registration, number);
        irql::lower(old);
    }
}

/// every message twice, and its DPC on every CPU, run to their end.
fn busy_interrupts(registration: &Arc<Interrupt>) {
    for _ in 0..2 {
        spurious_interrupts(registration);
    }
    queue_everywhere(registration);
    let deadline = time::now_ns() + DRAIN_LIMIT_NS;
    thread::wait_until(Some(deadline), &|| registration.slots.busy() == 0);
}

/// Queues every message's DPC on every CPU, without waiting for them.
fn queue_everywhere(registration: &Arc<Interrupt>) {
    for message in 0..registration.grant.messages.len() {
        for target in 0..cpu::count() {
            super::dpc::queue(registration, message, target, 0);
        }
    }
}
