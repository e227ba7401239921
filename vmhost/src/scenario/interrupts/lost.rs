// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-06: one frame arrives at exactly one instant of a DPC, then nothing more happens.
//!
//! The frame is the gateway's answer to a request that another CPU sends while the DPC is held at
//! the instant: QEMU's network answers within the write of the transmit tail. With a single CPU
//! the DPC itself sends, from inside an indication or completion, as a protocol may (D-32). The
//! sweep goes from the first instant to the one that no DPC reaches. PASSIVE.

use super::{
    Outcome,
    bench::{self, Bench},
};
use crate::{
    machine::{cpu, irql, lock::IrqSpin, thread, time},
    ndis::{
        adapter::Adapter,
        instant::{self, Instant},
        nbl::Shape,
        send::{self, How},
    },
    scenario::frames,
    verify,
};
use alloc::{boxed::Box, format, string::String, sync::Arc, vec};
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// Instants that are tried at most.
const SWEEP: i64 = 48;
/// How long a DPC is held at most for the other CPU's send.
const HELD_NS: u64 = 30_000_000;
/// Imports from which a miniport may be called again.
const REENTRANT: [&str; 2] = [
    "NdisMIndicateReceiveNetBufferLists",
    "NdisMSendNetBufferListsComplete",
];

/// Instants left before the frame; negative: it has been sent, or none is to be.
static LEFT: AtomicI64 = AtomicI64::new(-1);
/// Frames sent at an instant, and the CPU that is to send one (`usize::MAX`: none).
static SENT: AtomicU64 = AtomicU64::new(0);
static SENDER: AtomicUsize = AtomicUsize::new(usize::MAX);
static STOP: AtomicBool = AtomicBool::new(false);
static THREADS: AtomicUsize = AtomicUsize::new(0);
static ADAPTER: IrqSpin<Option<Arc<Adapter>>> = IrqSpin::new(None);

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    bench.check_event("X-45", "nothing in particular")?;
    *ADAPTER.lock() = Some(bench.adapter().clone());
    STOP.store(false, Ordering::Release);
    for target in 0..cpu::count() {
        THREADS.fetch_add(1, Ordering::AcqRel);
        thread::spawn_big("sender", target, Box::new(move || sender(target)));
    }
    let result = sweep(bench);
    instant::set_hook(None);
    STOP.store(true, Ordering::Release);
    thread::wake();
    thread::wait_until(None, &|| THREADS.load(Ordering::Acquire) == 0);
    *ADAPTER.lock() = None;
    result.map(|instants| Outcome::Ran(format!("{instants} instants, every frame arrived")))
}

fn sweep(bench: &Bench<'_>) -> Result<i64, String> {
    let handler = bench.dpc_handler()?;
    for number in 0..SWEEP {
        thread::sleep_ns(3_000_000);
        let before = bench.adapter().receives.frames();
        let sent = SENT.load(Ordering::Acquire);
        LEFT.store(number, Ordering::Release);
        instant::set_hook(Some(at_instant));
        let asked = Bench::ask(bench.adapter(), 1);
        let first = bench.arrived(before, 1, &asked);
        bench::drain(&*bench.interrupt()?);
        thread::sleep_ns(2_000_000);
        LEFT.store(-1, Ordering::Release);
        instant::set_hook(None);
        let more = SENT.load(Ordering::Acquire) - sent;
        let second = first && bench.arrived(before, 1 + more, &[]) && bench.completed();
        let good = verify::check_of(handler, "X-45", first && second, || {
            format!("a frame that arrived at instant {number} of the DPC was not indicated")
        });
        if !good {
            return Err(format!("an event was lost at instant {number}"));
        }
        if more == 0 {
            return Ok(number);
        }
    }
    Ok(SWEEP)
}

/// In the DPC: counts, and at the chosen instant has one frame sent.
fn at_instant(instant: Instant) {
    let in_dpc = verify::current().is_some_and(|context| context.handler.is_dpc());
    if !in_dpc && !matches!(instant, Instant::DpcEnd(_)) {
        return;
    }
    let alone = cpu::count() == 1;
    if alone && !matches!(instant, Instant::Import(name) if REENTRANT.contains(&name)) {
        return;
    }
    if LEFT.load(Ordering::Acquire) < 0 || LEFT.fetch_sub(1, Ordering::AcqRel) != 0 {
        return;
    }
    if alone {
        let adapter = ADAPTER.lock().clone();
        if let Some(adapter) = adapter {
            send_one(&adapter);
        }
        return;
    }
    let goal = SENT.load(Ordering::Acquire) + 1;
    SENDER.store(bench::other_cpu(), Ordering::Release);
    thread::wake();
    let until = time::now_ns() + HELD_NS;
    while SENT.load(Ordering::Acquire) < goal && time::now_ns() < until {
        core::hint::black_box(());
    }
}

fn send_one(adapter: &Arc<Adapter>) {
    let frame = (frames::arp(adapter.current_mac()), Shape::default());
    let how = if irql::current() == irql::DISPATCH {
        How::Dispatch
    } else {
        How::Passive
    };
    send::submit_lists(adapter, vec![vec![frame]], how, false);
    SENT.fetch_add(1, Ordering::AcqRel);
}

/// One thread on each CPU: sends when its number comes up.
fn sender(me: usize) {
    loop {
        thread::wait_until(None, &|| {
            STOP.load(Ordering::Acquire) || SENDER.load(Ordering::Acquire) == me
        });
        if STOP.load(Ordering::Acquire) {
            break;
        }
        SENDER.store(usize::MAX, Ordering::Release);
        let adapter = ADAPTER.lock().clone();
        if let Some(adapter) = adapter {
            send_one(&adapter);
        }
    }
    THREADS.fetch_sub(1, Ordering::AcqRel);
    thread::wake();
}
