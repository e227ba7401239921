// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deferred procedure calls: one first-in-first-out queue per CPU, run at DISPATCH by the software
//! interrupt 0x2F, which CR8 holds off exactly as long as IRQL is DISPATCH or above.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use x86_64::instructions::interrupts;

use super::{cpu, interrupt, irql, lapic, lock::IrqSpin, thread};

type Dpc = Box<dyn FnOnce() + Send>;

struct Queue {
    waiting: IrqSpin<VecDeque<Dpc>>,
    queued: AtomicU64,
    done: AtomicU64,
}

static QUEUES: [Queue; cpu::MAX] = [const {
    Queue {
        waiting: IrqSpin::new(VecDeque::new()),
        queued: AtomicU64::new(0),
        done: AtomicU64::new(0),
    }
}; cpu::MAX];
/// Threads inside [`flush`].
static FLUSHING: AtomicUsize = AtomicUsize::new(0);

/// Queues `f` for `cpu`. Any IRQL. It runs on that CPU before its PASSIVE code goes on.
pub fn queue(cpu: usize, f: Box<dyn FnOnce() + Send>) {
    assert!(
        cpu < cpu::count(),
        "DPC for CPU {cpu}, there are {}",
        cpu::count()
    );
    {
        let mut waiting = QUEUES[cpu].waiting.lock();
        waiting.push_back(f);
        QUEUES[cpu].queued.fetch_add(1, Ordering::SeqCst);
    }
    if cpu::get(cpu).dpc_requested.swap(true, Ordering::SeqCst) {
        return;
    }
    if cpu == cpu::id() {
        lapic::send_self(interrupt::DPC);
    } else {
        lapic::send(cpu, interrupt::DPC);
    }
}

/// From vector 0x2F: at DISPATCH, interrupts off, on the DPC stack.
pub(super) fn drain() {
    let index = cpu::id();
    let queue = &QUEUES[index];
    // Cleared before the queue is looked at: a DPC queued later makes its own request.
    cpu::this().dpc_requested.store(false, Ordering::SeqCst);
    loop {
        let next = queue.waiting.lock().pop_front();
        let Some(next) = next else { break };
        interrupts::enable();
        next();
        interrupts::disable();
        // A DPC that returned at another level must not take the rest with it.
        irql::set(irql::DISPATCH);
        queue.done.fetch_add(1, Ordering::SeqCst);
    }
    if FLUSHING.load(Ordering::SeqCst) != 0 {
        thread::wake();
    }
}

/// PASSIVE: returns when every DPC queued before this call has run, on all CPUs.
pub fn flush() {
    FLUSHING.fetch_add(1, Ordering::SeqCst);
    let goals: Vec<u64> = (0..cpu::count())
        .map(|cpu| QUEUES[cpu].queued.load(Ordering::SeqCst))
        .collect();
    thread::wait_until(None, &|| {
        goals
            .iter()
            .zip(&QUEUES)
            .all(|(goal, queue)| queue.done.load(Ordering::SeqCst) >= *goal)
    });
    FLUSHING.fetch_sub(1, Ordering::SeqCst);
}

/// Whether this CPU is inside a DPC.
pub fn active() -> bool {
    cpu::this().dpc_depth.load(Ordering::Relaxed) != 0
}
