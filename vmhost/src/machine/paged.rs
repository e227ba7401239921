// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pages that may only be touched below DISPATCH_LEVEL (contract V-02). They are never present: each
//! instruction that touches one faults, and below DISPATCH_LEVEL it is executed as a single step,
//! interrupts off, with the page present for that long on this CPU. Any IRQL.

use core::sync::atomic::Ordering;

use x86_64::{VirtAddr, instructions::tlb};

use super::{
    cpu, irql,
    lock::IrqSpin,
    pages::PAGE,
    paging::{self, bit},
    trap::Frame,
};

/// Pages that one instruction can touch: its own two, and two of data, twice.
const MOST: usize = 6;
const TRAP: u64 = 1 << 8;
const INTERRUPTS: u64 = 1 << 9;

/// An instruction that is being stepped.
#[derive(Clone, Copy)]
struct Step {
    pages: [usize; MOST],
    count: usize,
    /// Interrupt flag to be restored.
    interrupts: u64,
}

static STEPS: IrqSpin<[Option<Step>; cpu::MAX]> = IrqSpin::new([None; cpu::MAX]);

/// Whether an entry is one of these pages, at an IRQL at which it may be touched.
pub(super) fn allows(entry: u64) -> bool {
    entry & bit::PAGED != 0 && irql::current() < irql::DISPATCH
}

/// From the page-fault handler: true when the instruction may go on.
pub(super) fn page_fault(frame: &mut Frame, cr2: u64) -> bool {
    const PROTECTION: u64 = 1;
    let page = cr2 as usize & !(PAGE - 1);
    let Some(entry) = paging::find(page) else {
        return false;
    };
    if frame.error & PROTECTION != 0 || !allows(entry.load(Ordering::Acquire)) {
        return false;
    }
    let mut steps = STEPS.lock();
    let step = steps[cpu::id()].get_or_insert(Step {
        pages: [0; MOST],
        count: 0,
        interrupts: frame.rflags & INTERRUPTS,
    });
    if step.count == MOST {
        return false;
    }
    step.pages[step.count] = page;
    step.count += 1;
    entry.fetch_or(bit::P, Ordering::AcqRel);
    frame.rflags = (frame.rflags | TRAP) & !INTERRUPTS;
    true
}

/// From the debug-exception handler: true when it ended a step.
pub(super) fn stepped(frame: &mut Frame) -> bool {
    let Some(step) = STEPS.lock()[cpu::id()].take() else {
        return false;
    };
    for &page in &step.pages[..step.count] {
        if let Some(entry) = paging::find(page) {
            entry.fetch_and(!bit::P, Ordering::AcqRel);
        }
        tlb::flush(VirtAddr::new(page as u64));
    }
    frame.rflags = (frame.rflags & !TRAP) | step.interrupts;
    true
}
