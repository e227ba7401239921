// SPDX-License-Identifier: MIT OR Apache-2.0
//! The invalidation queue: one page of descriptors, and a word that the unit writes when it has
//! done them. One register write for each batch.

use super::super::{pages, vspace};
use super::{PATIENCE, tables::DOMAIN};

/// Descriptors of a page.
const LENGTH: usize = pages::PAGE / 16;
/// Descriptors of a batch: less than the queue, with room for the one that waits.
const BATCH: usize = LENGTH / 2;
/// Largest range that one descriptor names, log2 of pages.
const MAX_ORDER: u32 = 9;

/// What the unit is to forget.
#[derive(Clone, Copy, Debug)]
pub enum Invalidate {
    /// Which device has which tables.
    Contexts,
    /// All translations.
    All,
    /// The translations of 2^order pages at an address that is a multiple of their size.
    Pages(u64, u32),
}

impl Invalidate {
    /// The smallest that covers `pages` pages at `logical`.
    pub fn pages(logical: u64, pages: usize) -> Self {
        let order = pages.next_power_of_two().trailing_zeros();
        let aligned = logical.is_multiple_of((pages::PAGE as u64) << order);
        if order > MAX_ORDER || !aligned {
            Self::All
        } else {
            Self::Pages(logical, order)
        }
    }

    fn descriptor(self) -> [u64; 2] {
        const CONTEXT: u64 = 1;
        const IOTLB: u64 = 2;
        const GLOBAL: u64 = 1 << 4;
        const PAGES: u64 = 3 << 4;
        match self {
            Self::Contexts => [CONTEXT | GLOBAL, 0],
            Self::All => [IOTLB | GLOBAL, 0],
            Self::Pages(logical, order) => {
                [IOTLB | PAGES | DOMAIN << 16, logical | u64::from(order)]
            }
        }
    }
}

/// The queue, empty between calls.
pub struct Queue {
    base: u64,
    /// Where the unit says that it is done.
    status: u64,
    tail: usize,
    serial: u32,
}

impl Queue {
    pub fn new() -> Self {
        let frame = || pages::alloc(1).expect("out of physical memory for the IOMMU's queue");
        let queue = Self {
            base: frame(),
            status: frame(),
            tail: 0,
            serial: 0,
        };
        queue.write_status(0);
        queue
    }

    /// Value of the register IQA: one page.
    pub const fn base(&self) -> u64 {
        self.base
    }

    fn push(&mut self, descriptor: [u64; 2]) {
        let at = (vspace::direct(self.base) + 16 * self.tail) as *mut [u64; 2];
        // SAFETY: inside the queue's page, which is identity-mapped and this queue's alone.
        unsafe { at.write_volatile(descriptor) };
        self.tail = (self.tail + 1) % LENGTH;
    }

    fn write_status(&self, value: u32) {
        // SAFETY: the status page is this queue's alone.
        unsafe { (vspace::direct(self.status) as *mut u32).write_volatile(value) }
    }

    fn read_status(&self) -> u32 {
        // SAFETY: as above; the unit writes there, hence volatile.
        unsafe { (vspace::direct(self.status) as *const u32).read_volatile() }
    }

    /// Has the unit do `what`, in order; `ring` writes the tail register. Returns when it is done.
    pub fn submit(&mut self, what: &[Invalidate], ring: impl Fn(u64)) {
        const WAIT: u64 = 5;
        const WRITE_STATUS: u64 = 1 << 5;
        for batch in what.chunks(BATCH) {
            for one in batch {
                self.push(one.descriptor());
            }
            self.serial = self.serial.wrapping_add(1);
            let wait = WAIT | WRITE_STATUS | u64::from(self.serial) << 32;
            self.push([wait, self.status]);
            ring((self.tail * 16) as u64);
            let done = (0..PATIENCE).any(|_| self.read_status() == self.serial);
            assert!(done, "the IOMMU does not do its invalidations");
        }
    }
}
