// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupt DPCs: one slot for each message and CPU, receive-side throttle, recall (contract
//! §4.3, §4.4). Queueing at any IRQL; the DPC runs at DISPATCH.

use super::{
    super::{
        dice::DICE,
        guesses,
        instant::{self, Instant},
    },
    Interrupt, active_cpus,
    counts::Counts,
    steer::{STEER, is},
};
use crate::{
    exports::Call,
    machine::{cpu, dpc, time},
    verify::{self, Handler, cost},
};
use ::ndis::ffi::NDIS_INDICATE_ALL_NBLS;
use alloc::{boxed::Box, format, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Given to the driver as a reserved argument.
const POISON_POINTER: u64 = 0xC7C7_C7C7_C7C7_C7C7;
/// Longest DPC: half of the 10 s after which Windows gives up, as this CPU is slow and shared.
const DPC_LIMIT_NS: u64 = 5_000_000_000;

/// The slots of one registration.
pub struct Slots {
    cpus: usize,
    slots: Vec<Slot>,
    /// DPCs queued and not finished.
    busy: AtomicU64,
}

/// One slot.
struct Slot {
    queued: AtomicBool,
    context: AtomicU64,
}

impl Slots {
    /// Slots for `messages` on every CPU.
    pub fn new(messages: usize) -> Self {
        let cpus = cpu::count();
        let slots = (0..messages * cpus)
            .map(|_| Slot {
                queued: AtomicBool::new(false),
                context: AtomicU64::new(0),
            })
            .collect();
        Self {
            cpus,
            slots,
            busy: AtomicU64::new(0),
        }
    }

    /// DPCs that are queued or run.
    pub fn busy(&self) -> u64 {
        self.busy.load(Ordering::Acquire)
    }

    fn slot(&self, message: usize, cpu: usize) -> &Slot {
        &self.slots[message * self.cpus + cpu]
    }
}

/// Queues the DPC of `message` on `cpu`. False: it was queued already, and `context` is lost
///
pub fn queue(interrupt: &Arc<Interrupt>, message: usize, cpu: usize, context: u64) -> bool {
    let slot = interrupt.slots.slot(message, cpu);
    if slot.queued.swap(true, Ordering::AcqRel) {
        return false;
    }
    slot.context.store(context, Ordering::Release);
    interrupt.slots.busy.fetch_add(1, Ordering::AcqRel);
    let owner = interrupt.clone();
    dpc::queue(
        cpu,
        Box::new(move || {
            run(&owner, message);
            if is(&STEER.extra_dpc) {
                // finds nothing, or what came meanwhile.
                run(&owner, message);
            }
            owner.slots.busy.fetch_sub(1, Ordering::AcqRel);
            crate::machine::thread::wake();
        }),
    );
    true
}

/// NdisMQueueDpc and NdisMQueueDpcEx: the CPUs on which the DPC was newly queued.
pub fn request(
    call: &Call,
    interrupt: &Arc<Interrupt>,
    message: u32,
    targets: u64,
    context: u64,
) -> u64 {
    let messages = if interrupt.is_message() {
        interrupt.grant.messages.len()
    } else {
        1
    };
    let legal = (message as usize) < messages && targets & !active_cpus() == 0;
    if !verify::check("X-60", legal, || {
        call.text(&format!(
            "message {message} of {messages}, target processors {targets:#x}"
        ))
    }) {
        return 0;
    }
    let closed = interrupt.closed.load(Ordering::Acquire);
    // what was running when the deregistration began cannot know of it yet. It is not queued.
    let since = interrupt.closed_ns.load(Ordering::Relaxed);
    let running = verify::current().is_some_and(|context| context.start_ns <= since);
    verify::check("X-63", !closed || running, || {
        call.text("the interrupt is being deregistered")
    });
    if closed {
        return 0;
    }
    (0..cpu::count())
        .filter(|target| targets & (1 << target) != 0)
        .filter(|target| queue(interrupt, message as usize, *target, context))
        .fold(0, |mask, target| mask | 1 << target)
}

/// Limits of X-42; most DPCs get all, as on a Windows client.
pub fn throw_limit() -> u32 {
    if let Some(limit) = STEER.limit() {
        return limit;
    }
    match DICE.below(16) {
        0 => 1,
        1 => 2,
        2 => 7,
        3..=6 => 64,
        _ => NDIS_INDICATE_ALL_NBLS,
    }
}

fn run(interrupt: &Arc<Interrupt>, message: usize) {
    let slot = interrupt.slots.slot(message, cpu::id());
    // out of the queue before it runs, so the driver can queue it again from inside.
    let context = slot.context.load(Ordering::Acquire);
    slot.queued.store(false, Ordering::Release);
    let recalled = check_mask(interrupt, message);
    let limit = throw_limit();
    let preset = u32::from(guesses::PRESET_MORE_NBLS_PENDING);
    let throttle = [AtomicU32::new(limit), AtomicU32::new(preset)];
    let counts = &interrupt.counts[message];
    counts.cpus.fetch_or(1 << cpu::id(), Ordering::Relaxed);
    let measure = |record: &verify::Context| {
        let more = throttle[1].load(Ordering::Relaxed) & 1 != 0;
        record.throttled.store(more || recalled, Ordering::Relaxed);
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let add = |to: &AtomicU64, from: &AtomicU64| to.fetch_add(get(from), Ordering::Relaxed);
        add(&counts.dpc_reads, &record.mmio_reads);
        add(&counts.dpc_writes, &record.mmio_writes);
        add(&counts.indicated, &record.nbls_indicated);
        add(&counts.completed, &record.nbls_completed);
        let elapsed = record.elapsed_ns();
        counts.dpc_ns_max.fetch_max(elapsed, Ordering::Relaxed);
        verify::check("X-47", elapsed < DPC_LIMIT_NS, || {
            format!(
                "one DPC of message {message} took {} ms",
                elapsed / 1_000_000
            )
        });
        let idle = get(&record.nbls_indicated) == 0
            && get(&record.nbls_completed) == 0
            && get(&record.mmio_reads) == 0;
        let worked = get(&record.nbls_indicated) + get(&record.nbls_completed) != 0;
        check_fruit(counts, message, worked);
        (get(&record.nbls_indicated), idle)
    };
    let parameters = throttle.as_ptr() as u64;
    let (handler, function) = (interrupt.context, interrupt.handlers.dpc);
    let (_, (indicated, idle)) = if interrupt.is_message() {
        let arguments = [handler, message as u64, context, parameters, POISON_POINTER];
        verify::call_with(
            Handler::MessageDpc,
            message as u64,
            function,
            &arguments,
            measure,
        )
    } else {
        let arguments = [handler, context, parameters, POISON_POINTER];
        verify::call_with(Handler::Dpc, message as u64, function, &arguments, measure)
    };
    counts.dpc.fetch_add(1, Ordering::Relaxed);
    instant::reached(Instant::DpcEnd(message));
    if idle {
        counts.empty_dpc.fetch_add(1, Ordering::Relaxed);
    }
    let more = throttle[1].load(Ordering::Relaxed);
    if more & 1 != 0 && !recalled {
        cost::throttled();
    }
    after(interrupt, message, limit, indicated, more);
}

/// a DPC that has itself run again and again for nothing never lets the thread go on that it
/// has interrupted, which may be the one it waits for.
fn check_fruit(counts: &Counts, message: usize, worked: bool) {
    const ROW: u64 = 20_000;
    const REST_NS: u64 = 1_000_000;
    let (claimed, now) = (counts.claimed.load(Ordering::Relaxed), time::now_ns());
    let before = counts.fruitless_claimed.swap(claimed, Ordering::Relaxed);
    let last = counts.fruitless_ns.swap(now, Ordering::Relaxed);
    // An interrupt asked for it after a rest: it did not have itself run.
    let is_asked_for = claimed != before && now.saturating_sub(last) > REST_NS;
    if worked || is_asked_for {
        counts.fruitless.store(0, Ordering::Relaxed);
    } else if counts.fruitless.fetch_add(1, Ordering::Relaxed) > ROW {
        verify::stop(
            "X-62",
            format!("the DPC of message {message} ran {ROW} times in a row and did nothing"),
        );
    }
}

/// from a DPC that has more pending to its recall, interrupts stay disabled. A few may have
/// been on their way.
/// True when this DPC is the recall.
fn check_mask(interrupt: &Interrupt, message: usize) -> bool {
    const ON_THEIR_WAY: u64 = 3;
    let counts = &interrupt.counts[message];
    if !counts.recalled.swap(false, Ordering::AcqRel) {
        return false;
    }
    counts.throttled.store(false, Ordering::Release);
    let came = counts.while_throttled.swap(0, Ordering::AcqRel);
    if is(&STEER.watch_mask) {
        let handler = handler_of(interrupt);
        verify::check_of(handler, "X-43", came <= ON_THEIR_WAY, || {
            format!("{came} interrupts of message {message} while MoreNblsPending is TRUE")
        });
    }
    true
}

fn handler_of(interrupt: &Interrupt) -> Handler {
    if interrupt.is_message() {
        Handler::MessageDpc
    } else {
        Handler::Dpc
    }
}

/// and the recall.
fn after(interrupt: &Arc<Interrupt>, message: usize, limit: u32, indicated: u64, word: u32) {
    let more = word & 1 != 0;
    if limit == NDIS_INDICATE_ALL_NBLS {
        STEER.longest.fetch_max(indicated, Ordering::Relaxed);
        verify::check_of(handler_of(interrupt), "X-44", !more, || {
            format!("MoreNblsPending is TRUE after a DPC of message {message} without a limit")
        });
        return;
    }
    verify::check_of(
        handler_of(interrupt),
        "X-42",
        indicated <= u64::from(limit),
        || {
            format!(
                "{indicated} NBLs were indicated in one DPC of message {message}, the limit was {limit}"
            )
        },
    );
    if !more || interrupt.closed.load(Ordering::Acquire) {
        return;
    }
    // again after an unspecified time, here none or a moment.
    interrupt.counts[message]
        .throttled
        .store(true, Ordering::Release);
    let cpu = if is(&STEER.recall_elsewhere) {
        (cpu::id() + 1) % cpu::count()
    } else {
        cpu::id()
    };
    let delay = STEER.recall_ns().unwrap_or_else(|| {
        if DICE.chance(75) {
            0
        } else {
            20_000 + DICE.below(200_000)
        }
    });
    if delay == 0 {
        recall(interrupt, message, cpu);
    } else {
        let owner = Arc::clone(interrupt);
        owner.slots.busy.fetch_add(1, Ordering::AcqRel);
        time::call_at(
            time::now_ns() + delay,
            cpu,
            Box::new(move || {
                recall(&owner, message, cpu);
                owner.slots.busy.fetch_sub(1, Ordering::AcqRel);
            }),
        );
    }
}

fn recall(interrupt: &Arc<Interrupt>, message: usize, cpu: usize) {
    interrupt.counts[message]
        .recalled
        .store(true, Ordering::Release);
    queue(interrupt, message, cpu, 0);
}
