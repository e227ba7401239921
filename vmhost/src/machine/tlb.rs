// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLB shootdown. By NMI, so that a CPU answers at any IRQL and with interrupts off; a CPU that
//! idles or waits for a lock is left alone and catches up before it goes on.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use x86_64::{VirtAddr, instructions::tlb};

use super::{cpu, lapic, lock::IrqSpin, pages::PAGE, paging};

/// More pages than this are cheaper to forget all at once.
const FEW: usize = 32;
/// Shootdowns remembered. A CPU that is not quiet is at most one behind, because each shootdown
/// waits for it; the others leave room for one that is just waking.
const RECENT: usize = 4;

struct Slot {
    va: AtomicUsize,
    pages: AtomicUsize,
}

static GENERATION: AtomicU64 = AtomicU64::new(0);
static SLOTS: [Slot; RECENT] = [const {
    Slot {
        va: AtomicUsize::new(0),
        pages: AtomicUsize::new(0),
    }
}; RECENT];
static ONE_AT_A_TIME: IrqSpin<()> = IrqSpin::new(());

/// Forgets `va`'s pages on all CPUs; returns when none can use the old translation any more.
/// Any IRQL; not from NMI.
pub fn shoot(va: usize, pages: usize) {
    let _guard = ONE_AT_A_TIME.lock();
    let target = GENERATION.load(Ordering::SeqCst) + 1;
    let slot = &SLOTS[target as usize % RECENT];
    slot.va.store(va, Ordering::Relaxed);
    slot.pages.store(pages, Ordering::Relaxed);
    GENERATION.store(target, Ordering::SeqCst);
    catch_up();
    let me = cpu::id();
    let others = || {
        cpu::all()
            .iter()
            .enumerate()
            .filter(move |(index, _)| *index != me)
    };
    for (index, other) in others() {
        if !other.quiet.load(Ordering::SeqCst) {
            lapic::send_nmi(index);
        }
    }
    for (_, other) in others() {
        // A CPU that went quiet meanwhile catches up before it runs anything else.
        while other.tlb_seen.load(Ordering::SeqCst) < target && !other.quiet.load(Ordering::SeqCst)
        {
            // No PAUSE: QEMU's emulation leaves the guest for it and takes the lock that the other
            // CPU's interrupt controller needs.
            core::hint::black_box(());
        }
    }
}

/// Forgets what was shot since this CPU last looked. Called by the NMI, by [`shoot`], and by
/// [`leave_quiet`]. Takes no lock.
pub fn catch_up() {
    let this = cpu::this();
    loop {
        let seen = this.tlb_seen.load(Ordering::SeqCst);
        let now = GENERATION.load(Ordering::SeqCst);
        if seen >= now {
            return;
        }
        let slot = &SLOTS[now as usize % RECENT];
        let pages = slot.pages.load(Ordering::Relaxed);
        if now - seen > 1 || pages > FEW {
            paging::load();
        } else {
            let va = slot.va.load(Ordering::Relaxed);
            for page in 0..pages {
                tlb::flush(VirtAddr::new((va + page * PAGE) as u64));
            }
        }
        // An NMI may have come in between and gone further: never go back.
        this.tlb_seen.fetch_max(now, Ordering::SeqCst);
    }
}

/// Before this CPU begins to wait, interrupts off.
pub fn enter_quiet() {
    cpu::this().quiet.store(true, Ordering::SeqCst);
}

/// Before this CPU runs anything again.
pub fn leave_quiet() {
    cpu::this().quiet.store(false, Ordering::SeqCst);
    catch_up();
}
