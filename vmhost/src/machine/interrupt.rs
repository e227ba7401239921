// SPDX-License-Identifier: MIT OR Apache-2.0
//! Vectors and handlers. A vector's class (its high four bits) is its IRQL.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use x86_64::instructions::interrupts;

use super::{
    cpu, dpc,
    irql::{self, Irql},
    lapic,
    lock::IrqSpin,
    time, tlb,
};

/// A handler: runs at IRQL `vector >> 4` with interrupts enabled.
pub type Handler = Arc<dyn Fn() + Send + Sync>;

/// DPCs.
pub const DPC: u8 = irql::DISPATCH << 4 | 0xF;
/// The LAPIC timer.
pub const CLOCK: u8 = irql::CLOCK << 4 | 1;
/// Wakes a CPU from `hlt`, or makes it set its timer anew.
pub const KICK: u8 = irql::IPI << 4 | 1;

struct Slot {
    handler: IrqSpin<Option<Handler>>,
    /// CPUs inside the handler.
    inside: AtomicUsize,
}

static SLOTS: [Slot; 256] = [const {
    Slot {
        handler: IrqSpin::new(None),
        inside: AtomicUsize::new(0),
    }
}; 256];
/// Vectors that [`alloc_vector`] gave out, one bit each.
static TAKEN: IrqSpin<[u16; 16]> = IrqSpin::new([0; 16]);
static SPURIOUS: AtomicU64 = AtomicU64::new(0);

/// A free vector of the class `irql`.
pub fn alloc_vector(irql: Irql) -> Option<u8> {
    assert!(
        (irql::DEVICE_MIN..=irql::DEVICE_MAX).contains(&irql),
        "no device vectors at IRQL {irql}"
    );
    let mut taken = TAKEN.lock();
    let class = &mut taken[usize::from(irql)];
    let free = (!*class).trailing_zeros();
    if free >= 16 {
        return None;
    }
    *class |= 1 << free;
    Some(irql << 4 | free as u8)
}

/// Gives a vector back; it must be disconnected.
pub fn free_vector(vector: u8) {
    assert!(
        SLOTS[usize::from(vector)].handler.lock().is_none(),
        "vector {vector:#x} is still connected"
    );
    TAKEN.lock()[usize::from(vector >> 4)] &= !(1 << (vector & 15));
}

/// Sets the handler of a vector on all CPUs.
pub fn connect(vector: u8, handler: Handler) {
    let old = SLOTS[usize::from(vector)].handler.lock().replace(handler);
    assert!(old.is_none(), "vector {vector:#x} is connected already");
}

/// Removes the handler; returns when no CPU is inside it. Not from the handler itself.
pub fn disconnect(vector: u8) {
    let slot = &SLOTS[usize::from(vector)];
    let old = slot.handler.lock().take();
    while slot.inside.load(Ordering::Acquire) != 0 {
        core::hint::spin_loop();
    }
    drop(old);
}

/// Raises a vector on a CPU, as a device would: taken as soon as that CPU's IRQL allows it. Any
/// IRQL.
pub fn raise(cpu: usize, vector: u8) {
    if cpu == cpu::id() {
        lapic::send_self(vector);
    } else {
        lapic::send(cpu, vector);
    }
}

/// Interrupts that came on a vector without a handler.
pub fn spurious() -> u64 {
    SPURIOUS.load(Ordering::Relaxed)
}

/// From the entry stub, interrupts off, on the interrupt (or DPC) stack.
pub(super) fn dispatch(vector: u8) {
    let this = cpu::this();
    this.idle.store(false, Ordering::SeqCst);
    tlb::leave_quiet();
    this.need_pass.store(true, Ordering::SeqCst);
    if vector == lapic::SPURIOUS {
        return;
    }
    let old = irql::current();
    irql::set(vector >> 4);
    match vector {
        DPC => {
            lapic::eoi();
            dpc::drain();
        }
        CLOCK => {
            time::clock();
            lapic::eoi();
        }
        KICK => {
            time::rearm();
            lapic::eoi();
        }
        _ => {
            device(&SLOTS[usize::from(vector)]);
            lapic::eoi();
        }
    }
    irql::set(old);
}

fn device(slot: &Slot) {
    let handler = {
        let connected = slot.handler.lock();
        // Counted under the lock, so that `disconnect` sees it or we see its `None`.
        connected.as_ref().map(|handler| {
            slot.inside.fetch_add(1, Ordering::AcqRel);
            Arc::clone(handler)
        })
    };
    let Some(handler) = handler else {
        SPURIOUS.fetch_add(1, Ordering::Relaxed);
        return;
    };
    interrupts::enable();
    handler();
    interrupts::disable();
    drop(handler);
    slot.inside.fetch_sub(1, Ordering::AcqRel);
}
