// SPDX-License-Identifier: MIT OR Apache-2.0
//! The driver's ISR, called at DIRQL with the interrupt lock held (contract §4.2).

use super::{
    Interrupt, active_cpus, dpc,
    steer::{STEER, is},
};
use crate::{
    machine::{cpu, time},
    verify::{self, Handler},
};
use alloc::{format, sync::Arc};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// What the out-parameters hold before the call.
const POISON_BOOLEAN: u8 = 0xC7;
const POISON_MASK: u32 = 0xC7C7_C7C7;
/// Unclaimed interrupts in a row after which the line is storming (bugcheck F2).
const STORM: u64 = 100_000;
/// How long an interrupt may be on its way after the Disable handler: above the longest interval
/// that a 16-bit timer of 256 ns gives.
const ON_ITS_WAY_NS: u64 = 20_000_000;
/// Far above the guideline of 25 µs: the emulated CPU is slow, and a busy machine may take it
/// away for a while.
const ISR_LIMIT_NS: u64 = 1_000_000_000;

static UNCLAIMED: AtomicU64 = AtomicU64::new(0);

/// One interrupt of `message`, on the CPU and at the IRQL of its vector.
pub fn interrupt(interrupt: &Arc<Interrupt>, message: usize) {
    if interrupt.closed.load(Ordering::Acquire) {
        return;
    }
    let deaf = STEER.deaf.load(Ordering::Relaxed);
    if deaf != 0 && deaf & 1u32.checked_shl(message as u32).unwrap_or(0) != 0 {
        return;
    }
    if let Some(adapter) = interrupt.adapter.upgrade() {
        adapter
            .last_interrupt_ns
            .store(time::now_ns(), Ordering::Relaxed);
    }
    let counts = &interrupt.counts[message];
    counts.arrived.fetch_add(1, Ordering::Relaxed);
    counts
        .arrived_on
        .fetch_or(1 << cpu::id(), Ordering::Relaxed);
    let (since, now) = (counts.disabled_ns.load(Ordering::Acquire), time::now_ns());
    let claimed = call_isr(interrupt, message);
    // The same before and after: the ISR ran while the message was disabled.
    let disabled = since != 0 && counts.disabled_ns.load(Ordering::Acquire) == since;
    let late = disabled && claimed && now.saturating_sub(since) > ON_ITS_WAY_NS;
    // A busy machine may hold a CPU, or the device's timer, for longer than that: one message may
    // have been on its way, and the case t11 looks from rest. The level of a line goes with its mask.
    let late = late && (!interrupt.is_message() || counts.late.fetch_add(1, Ordering::Relaxed) > 0);
    verify::check_of(Handler::DisableInterrupt, "X-82", !late, || {
        format!("interrupts of message {message} came while it was disabled")
    });
}

/// Interrupts of a line since the DPC has run last, and how often it had run then.
static CLAIMED: AtomicU64 = AtomicU64::new(0);
static DPCS: AtomicU64 = AtomicU64::new(0);

/// a line that is claimed and not quieted interrupts again before anything else can run.
fn check_quieted(dpcs: u64) {
    if DPCS.swap(dpcs, Ordering::Relaxed) != dpcs {
        CLAIMED.store(0, Ordering::Relaxed);
    } else if CLAIMED.fetch_add(1, Ordering::Relaxed) > STORM {
        verify::stop_of(
            Handler::Isr,
            "X-21",
            format!(
                "{STORM} claimed interrupts in a row without a DPC: the line is not quieted (F2)"
            ),
        );
    }
}

/// What one call of the ISR did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer {
    /// It returned TRUE.
    pub claimed: bool,
    /// It asked for a DPC.
    pub asked: bool,
    /// Register reads.
    pub reads: u64,
    /// Register writes.
    pub writes: u64,
}

/// Calls the ISR and queues what it asks for. True when the interrupt was claimed.
pub fn call_isr(interrupt: &Arc<Interrupt>, message: usize) -> bool {
    let answer = ask_isr(interrupt, message);
    if answer.claimed {
        UNCLAIMED.store(0, Ordering::Relaxed);
        if !interrupt.is_message() {
            check_quieted(interrupt.counts[message].dpc.load(Ordering::Relaxed));
        }
    } else {
        let row = UNCLAIMED.fetch_add(1, Ordering::Relaxed);
        if row > STORM && !interrupt.is_message() {
            verify::stop_of(
                Handler::Isr,
                "X-21",
                format!("{STORM} interrupts in a row that nobody claimed (F2)"),
            );
        }
    }
    answer.claimed
}

/// Calls the ISR and queues what it asks for. At DIRQL.
pub fn ask_isr(interrupt: &Arc<Interrupt>, message: usize) -> Answer {
    let counts = &interrupt.counts[message];
    let queue = AtomicU8::new(POISON_BOOLEAN);
    let targets = AtomicU32::new(POISON_MASK);
    let (queue_at, targets_at) = (queue.as_ptr() as u64, targets.as_ptr() as u64);
    let lock = interrupt.lock_of(message);
    let number = message as u64;
    let measure = |context: &verify::Context| {
        let elapsed = context.elapsed_ns();
        verify::check("X-29", elapsed < ISR_LIMIT_NS, || {
            format!(
                "the ISR of message {message} took {} ms",
                elapsed / 1_000_000
            )
        });
        let reads = context.mmio_reads.load(Ordering::Relaxed);
        let writes = context.mmio_writes.load(Ordering::Relaxed);
        let instructions = context.instructions.load(Ordering::Relaxed);
        counts
            .isr_instructions_max
            .fetch_max(instructions, Ordering::Relaxed);
        counts.isr_reads.fetch_add(reads, Ordering::Relaxed);
        counts.isr_writes.fetch_add(writes, Ordering::Relaxed);
        (reads, writes)
    };
    let (context, isr) = (interrupt.context, interrupt.handlers.isr);
    lock.acquire();
    let (rax, (reads, writes)) = if interrupt.is_message() {
        let arguments = [context, number, queue_at, targets_at];
        verify::call_with(Handler::MessageIsr, number, isr, &arguments, measure)
    } else {
        let arguments = [context, queue_at, targets_at];
        verify::call_with(Handler::Isr, number, isr, &arguments, measure)
    };
    lock.release();
    counts.isr.fetch_add(1, Ordering::Relaxed);
    let claimed = rax as u8 != 0;
    if claimed {
        counts.claimed.fetch_add(1, Ordering::Relaxed);
        if counts.throttled.load(Ordering::Acquire) {
            counts.while_throttled.fetch_add(1, Ordering::Relaxed);
        }
    } else {
        counts.not_mine.fetch_add(1, Ordering::Relaxed);
    }
    if interrupt.is_message() {
        verify::check("X-22", claimed, || {
            format!("the ISR of message {message} returned FALSE")
        });
    }
    let (queue, targets) = (
        queue.load(Ordering::Relaxed),
        targets.load(Ordering::Relaxed),
    );
    after_isr(interrupt, message, queue, targets);
    Answer {
        claimed,
        asked: queue != 0 || targets != 0,
        reads,
        writes,
    }
}

/// which DPCs the out-parameters ask for.
fn after_isr(interrupt: &Arc<Interrupt>, message: usize, queue: u8, targets: u32) {
    let queue_written = verify::check("X-23", queue <= 1, || {
        format!("QueueDefaultInterruptDpc of message {message} is {queue:#x} after the ISR")
    });
    let default = queue_written && queue == 1;
    if default {
        dpc::queue(interrupt, message, cpu::id(), 0);
        if is(&STEER.every_cpu) {
            for target in 0..cpu::count() {
                dpc::queue(interrupt, message, target, 0);
            }
        }
    }
    // With the default DPC the mask counts for nothing, but it is to be written all the same.
    let legal = default || u64::from(targets) & !active_cpus() == 0;
    let written = verify::check("X-23", targets != POISON_MASK && legal, || {
        format!("TargetProcessors of message {message} is {targets:#x} after the ISR")
    });
    if default || !written || !queue_written || targets == 0 {
        return;
    }
    if super::super::driver::minor_version() >= 20 {
        verify::advise(
            "X-24",
            format!("TargetProcessors {targets:#x} from an NDIS 6.20 driver"),
        );
    }
    for target in (0..cpu::count()).filter(|target| targets & (1 << target) != 0) {
        dpc::queue(interrupt, message, target, 0);
    }
}
