// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-05: interrupts that are not the device's own in every state after registration, asleep and
//! gone. PASSIVE.

use super::{
    Outcome,
    bench::{self, Bench},
    line,
};
use crate::{
    machine::{cpu, mmio, pci, thread},
    ndis::{
        adapter::{self, State},
        dice::DICE,
        instant::{self, Instant},
        interrupt::grant::Kind,
        oid, pnp,
    },
    scenario::record,
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String};
use core::sync::atomic::{AtomicU64, Ordering};

/// Interrupts injected so far.
static INJECTED: AtomicU64 = AtomicU64::new(0);
/// ISR calls in a state in which the driver does nothing.
const CALLS: usize = 32;
/// PCI command register, its bus master bit, and the one that keeps the pin quiet.
const COMMAND: u16 = 4;
const BUS_MASTER: u32 = 4;
const INTX_DISABLE: u32 = 1 << 10;

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.halted()?;
    INJECTED.store(0, Ordering::Relaxed);
    // At the instants of Initialize, Restart, Pause and Halt.
    instant::set_hook(Some(inject));
    bench.running()?;
    bench.check_event("X-09", "interrupts at every instant of a start")?;
    bench.paused()?;
    instant::set_hook(None);
    quiet_state(bench, "Paused")?;
    let asleep = asleep(bench)?;
    bench.running()?;
    bench.check_event("X-102", "sleep")?;
    let gone = gone(bench)?;
    instant::set_hook(Some(inject));
    bench.halted()?;
    bench.running()?;
    instant::set_hook(None);
    bench.check_event("X-09", "a halt and a start under interrupts")?;
    let injected = INJECTED.load(Ordering::Relaxed);
    Ok(Outcome::Ran(format!(
        "{injected} interrupts at instants of life-cycle handlers; {asleep}; {gone}"
    )))
}

/// Raises a vector at an instant of a life-cycle handler, now on this CPU, now on another one.
fn inject(instant: Instant) {
    let Some(context) = verify::current() else {
        return;
    };
    // The end of a DPC that interrupted the handler is no instant of it, and would feed itself.
    let fits = !matches!(instant, Instant::DpcEnd(_))
        && matches!(
            context.handler,
            Handler::Initialize | Handler::Restart | Handler::Pause | Handler::Halt
        );
    let Some(adapter) = adapter::find(context.object).filter(|_| fits) else {
        return;
    };
    let found = adapter.interrupts.lock().first().cloned();
    let Some(interrupt) = found else { return };
    let message = DICE.below(interrupt.grant.messages.len() as u64) as usize;
    let target = DICE.below(cpu::count() as u64) as usize;
    bench::raise(&interrupt, message, target);
    INJECTED.fetch_add(1, Ordering::Relaxed);
}

/// A state in which nothing may be indicated (P-08 sees to that), with interrupts.
fn quiet_state(bench: &Bench<'_>, state: &str) -> Result<(), String> {
    let interrupt = bench.interrupt()?;
    if interrupt.grant.kind == Kind::Line {
        line::calls(bench, &interrupt, CALLS);
        return Ok(());
    }
    for message in 0..interrupt.grant.messages.len() {
        bench::call_isr(&interrupt, message);
        bench::drain(&interrupt);
    }
    if bench.adapter().state() != State::Paused {
        return Err(format!("the adapter is no longer {state}"));
    }
    Ok(())
}

/// D3, from Paused, and back (X-102, W-06).
fn asleep(bench: &mut Bench<'_>) -> Result<&'static str, String> {
    let power = |state: i32| {
        oid::set(bench.adapter(), OID_PNP_SET_POWER, &state.to_le_bytes()).status
            == NDIS_STATUS_SUCCESS
    };
    if !power(NdisDeviceStateD3) {
        return Ok("no D3");
    }
    no_access(bench, "in D3")?;
    if !power(NdisDeviceStateD0) {
        return Err(String::from("D0 was refused after D3"));
    }
    Ok("D3")
}

/// a line ISR says FALSE and touches nothing.
fn no_access(bench: &Bench<'_>, when: &str) -> Result<(), String> {
    let interrupt = bench.interrupt()?;
    let line = interrupt.grant.kind == Kind::Line;
    let isr = if line {
        Handler::Isr
    } else {
        Handler::MessageIsr
    };
    for call in 0..CALLS {
        let message = call % interrupt.grant.messages.len();
        let answer = bench::call_isr(&interrupt, message);
        verify::check_of(isr, "X-102", !line || !answer.claimed, || {
            format!("the line was claimed {when}")
        });
        let touched = answer.reads + answer.writes;
        verify::check_of(isr, "X-102", touched == 0, || {
            format!("the ISR made {touched} register accesses {when}")
        });
        bench::drain(&interrupt);
    }
    Ok(())
}

/// Surprise removal: from one access to the next every register reads all ones (X-102, S-06).
fn gone(bench: &mut Bench<'_>) -> Result<&'static str, String> {
    let interrupt = bench.interrupt()?;
    let adapter = bench.adapter().clone();
    let line = interrupt.grant.kind == Kind::Line;
    let command = pci::read_config(&adapter.device, COMMAND, 2);
    // O-10: afterwards the driver answers no more.
    record::read(&adapter);
    mmio::set_all_dead(adapter.handle, true);
    // Neither does it interrupt or write to memory any more.
    let silent = (command & !BUS_MASTER) | INTX_DISABLE;
    pci::write_config(&adapter.device, COMMAND, 2, silent);
    // The first call may find out; the neighbours on a line go on.
    for call in 0..CALLS {
        let message = call % interrupt.grant.messages.len();
        let answer = bench::call_isr(&interrupt, message);
        verify::check_of(Handler::Isr, "X-102", !line || !answer.claimed, || {
            String::from("the line was claimed by a device that reads all ones")
        });
        bench::drain(&interrupt);
    }
    let asked = Bench::ask(&adapter, 4);
    thread::sleep_ns(5_000_000);
    pnp::notify(&adapter, NdisDevicePnPEventSurpriseRemoved, &[]);
    no_access(bench, "after surprise removal")?;
    bench.halted_for(NdisHaltDeviceSurpriseRemoved)?;
    let left = asked
        .iter()
        .filter(|nbl| adapter.sends.live_nbl(**nbl))
        .count();
    pci::write_config(&adapter.device, COMMAND, 2, command);
    if left != 0 {
        return Err(format!("{left} sends were kept after surprise removal"));
    }
    bench.running()?;
    bench.check_event("X-102", "a removal and a new start")?;
    Ok("surprise removal")
}
