// SPDX-License-Identifier: MIT OR Apache-2.0
//! The DMA remapping unit that the ACPI table DMAR names (Intel VT-d, as QEMU's `intel-iommu` plays
//! it): one domain, of the device under test, in which nothing is visible but what [`map`] made so.
//! Every other access of a device is refused and told. Any IRQL.
//!
//! Register and descriptor layouts: Intel Virtualization Technology for Directed I/O, chapters 6, 9
//! and 11. Tables are written with plain stores: QEMU reads through the CPU's caches.

mod queue;
mod tables;

use alloc::{sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::{cpu, interrupt, irql, lock::IrqSpin, msi, pages::PAGE, vspace};
use queue::{Invalidate, Queue};
use tables::{Context, Tables};

/// Register offsets.
mod reg {
    pub const CAP: usize = 0x08;
    pub const ECAP: usize = 0x10;
    pub const GCMD: usize = 0x18;
    pub const GSTS: usize = 0x1C;
    pub const RTADDR: usize = 0x20;
    pub const FSTS: usize = 0x34;
    pub const FECTL: usize = 0x38;
    pub const FEDATA: usize = 0x3C;
    pub const FEADDR: usize = 0x40;
    pub const FEUADDR: usize = 0x44;
    pub const IQT: usize = 0x88;
    pub const IQA: usize = 0x90;
}
/// GCMD and GSTS: translation on, root table set, queued invalidation on.
const TE: u32 = 1 << 31;
const SRTP: u32 = 1 << 30;
const QIE: u32 = 1 << 26;
/// FSTS: a fault was lost because no record was free; a descriptor of the queue was bad.
const PFO: u32 = 1;
const IQE: u32 = 1 << 4;
/// Polls of a status bit before the unit counts as broken.
const PATIENCE: u32 = 10_000_000;
/// IRQL of the fault interrupt: above every device's, so that a fault is told where it happens.
const FAULT_IRQL: irql::Irql = irql::DEVICE_MAX;

/// An access that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Logical address, of the page.
    pub page: u64,
    /// Bus << 8 | device << 3 | function of who made it.
    pub source: u16,
    /// The unit's reason: 1 to 4 no entry for the device, 5 no write permission, 6 no read
    /// permission; a page that is not mapped counts as either.
    pub reason: u8,
    /// A write.
    pub write: bool,
}

struct Unit {
    window: usize,
    /// Fault records: first, and how many.
    records: usize,
    record_count: usize,
    /// Bits of GCMD that are to stay.
    enabled: u32,
    tables: Tables,
    queue: Queue,
}

static UNIT: IrqSpin<Option<Unit>> = IrqSpin::new(None);
static ON: AtomicBool = AtomicBool::new(false);
static FAULTS: AtomicU64 = AtomicU64::new(0);
static MAPPED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static OBSERVER: AtomicUsize = AtomicUsize::new(0);

impl Unit {
    fn read32(&self, at: usize) -> u32 {
        // SAFETY: the window is the unit's, identity-mapped uncached; `at` is a register of 32 bits.
        unsafe { ((self.window + at) as *const u32).read_volatile() }
    }

    fn write32(&self, at: usize, value: u32) {
        // SAFETY: as in `read32`.
        unsafe { ((self.window + at) as *mut u32).write_volatile(value) }
    }

    fn read64(&self, at: usize) -> u64 {
        // SAFETY: as in `read32`; `at` is a register of 64 bits.
        unsafe { ((self.window + at) as *const u64).read_volatile() }
    }

    fn write64(&self, at: usize, value: u64) {
        // SAFETY: as in `read64`.
        unsafe { ((self.window + at) as *mut u64).write_volatile(value) }
    }

    /// Gives a command and waits until the status shows it.
    fn command(&mut self, bit: u32, stays: bool) {
        self.write32(reg::GCMD, self.enabled | bit);
        if stays {
            self.enabled |= bit;
        }
        let done = (0..PATIENCE).any(|_| self.read32(reg::GSTS) & bit != 0);
        assert!(done, "the IOMMU does not take command {bit:#x}");
    }

    /// Does `what` and returns when the unit has forgotten it.
    fn invalidate(&mut self, what: &[Invalidate]) {
        let window = self.window;
        self.queue.submit(what, |tail| {
            // SAFETY: the queue's tail register in the unit's window, identity-mapped uncached.
            unsafe { ((window + reg::IQT) as *mut u64).write_volatile(tail) }
        });
        let bad = self.read32(reg::FSTS) & IQE != 0;
        assert!(!bad, "the IOMMU refused an invalidation");
    }

    /// Takes the recorded faults.
    fn take_faults(&self) -> Vec<Fault> {
        let mut out = Vec::new();
        for number in 0..self.record_count {
            let at = self.records + 16 * number;
            let high = self.read64(at + 8);
            if high >> 63 == 0 {
                continue;
            }
            out.push(Fault {
                page: self.read64(at) & !0xFFF,
                source: high as u16,
                reason: (high >> 32) as u8,
                write: high >> 62 & 1 == 0,
            });
            // Writing one frees the record.
            self.write32(at + 12, 1 << 31);
        }
        if self.read32(reg::FSTS) & PFO != 0 {
            self.write32(reg::FSTS, PFO);
        }
        out
    }
}

/// Switches translation on: from now on no device reaches memory. Once, at start.
pub(super) fn init(pa: u64) -> Result<(), &'static str> {
    let window = vspace::direct(pa);
    let mut unit = Unit {
        window,
        records: 0,
        record_count: 0,
        enabled: 0,
        tables: Tables::new(),
        queue: Queue::new(),
    };
    let (cap, ecap) = (unit.read64(reg::CAP), unit.read64(reg::ECAP));
    if cap >> 9 & 1 == 0 {
        return Err("the IOMMU has no 3-level tables (39 bits)");
    }
    if ecap >> 1 & 1 == 0 {
        return Err("the IOMMU has no queued invalidation");
    }
    unit.records = (cap >> 24 & 0x3FF) as usize * 16;
    unit.record_count = (cap >> 40 & 0xFF) as usize + 1;
    unit.write64(reg::RTADDR, unit.tables.root());
    unit.command(SRTP, false);
    unit.write64(reg::IQT, 0);
    unit.write64(reg::IQA, unit.queue.base());
    unit.command(QIE, true);
    unit.invalidate(&[Invalidate::Contexts, Invalidate::All]);
    let vector = interrupt::alloc_vector(FAULT_IRQL).ok_or("no vector for the IOMMU's faults")?;
    interrupt::connect(vector, Arc::new(service));
    let (address, data) = msi::message_for(vector, cpu::id());
    unit.write32(reg::FEDATA, data);
    unit.write32(reg::FEADDR, address as u32);
    unit.write32(reg::FEUADDR, (address >> 32) as u32);
    unit.write32(reg::FECTL, 0);
    unit.command(TE, true);
    *UNIT.lock() = Some(unit);
    ON.store(true, Ordering::Release);
    Ok(())
}

/// The machine has an IOMMU, and it translates.
pub fn on() -> bool {
    ON.load(Ordering::Acquire)
}

/// Puts a device into the domain.
pub fn attach(bus: u8, dev: u8, func: u8) {
    set_context(bus, dev, func, Context::Domain);
}

/// Takes a device out of the domain: all that it does is refused.
pub fn detach(bus: u8, dev: u8, func: u8) {
    set_context(bus, dev, func, Context::Refused);
}

/// The same, and its faults are not recorded.
pub fn ignore(bus: u8, dev: u8, func: u8) {
    set_context(bus, dev, func, Context::Ignored);
}

fn set_context(bus: u8, dev: u8, func: u8, context: Context) {
    if let Some(unit) = &mut *UNIT.lock() {
        unit.tables.set_context(bus, dev << 3 | func, context);
        unit.invalidate(&[Invalidate::Contexts, Invalidate::All]);
    }
}

/// Shows `pages` contiguous frames at `pa` to the device, at `logical`, to read, and to write too
/// if `write`. Nothing was visible there.
pub fn map(logical: u64, pa: u64, pages: usize, write: bool) {
    let Some(unit) = &mut *UNIT.lock() else {
        return;
    };
    for offset in (0..pages * PAGE).step_by(PAGE) {
        let frame = Some((pa + offset as u64, write));
        unit.tables.set(logical + offset as u64, frame);
    }
    let now = MAPPED.fetch_add(pages, Ordering::Relaxed) + pages;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

/// Takes ranges of (logical address, pages) away from the device; returns when it cannot reach them
/// any more.
pub fn unmap(ranges: &[(u64, usize)]) {
    let Some(unit) = &mut *UNIT.lock() else {
        return;
    };
    let mut what = Vec::with_capacity(ranges.len());
    for &(logical, pages) in ranges {
        for offset in (0..pages * PAGE).step_by(PAGE) {
            unit.tables.set(logical + offset as u64, None);
        }
        MAPPED.fetch_sub(pages, Ordering::Relaxed);
        what.push(Invalidate::pages(logical, pages));
    }
    unit.invalidate(&what);
}

/// Sets who is told of faults: any IRQL, interrupts as they are.
pub fn set_observer(observer: fn(&Fault)) {
    OBSERVER.store(observer as usize, Ordering::Release);
}

/// Tells the faults that are recorded. From the fault interrupt, and for those who do not want to
/// wait for it.
pub fn service() {
    // A record holds one fault of a device; the next needs it free.
    loop {
        let faults = UNIT.lock().as_ref().map(Unit::take_faults);
        let Some(faults) = faults.filter(|faults| !faults.is_empty()) else {
            return;
        };
        FAULTS.fetch_add(faults.len() as u64, Ordering::Relaxed);
        let observer = OBSERVER.load(Ordering::Acquire);
        if observer != 0 {
            // SAFETY: only `set_observer` stores there, and it stores such a function.
            let observer: fn(&Fault) = unsafe { core::mem::transmute(observer) };
            faults.iter().for_each(observer);
        }
    }
}

/// Faults so far (the unit drops further ones of a device until the first was read), and the most
/// pages that were visible at once.
pub fn counts() -> (u64, usize) {
    (FAULTS.load(Ordering::Relaxed), PEAK.load(Ordering::Relaxed))
}
