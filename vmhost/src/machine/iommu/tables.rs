// SPDX-License-Identifier: MIT OR Apache-2.0
//! Root table, context tables, and the second-level tables of the one domain: three levels, 39
//! bits, pages of 4 KiB.

use alloc::collections::BTreeMap;
use core::sync::atomic::{AtomicU64, Ordering};

use super::super::{pages, vspace};

/// The domain's number.
pub const DOMAIN: u64 = 1;
/// Address width of three levels, in a context entry.
const THREE_LEVELS: u64 = 1;
const PRESENT: u64 = 1;
/// In a context entry: faults are not recorded.
const NO_FAULTS: u64 = 2;
/// Second-level permissions.
const READ: u64 = 1;
const WRITE: u64 = 2;
const ADDRESS: u64 = 0x000F_FFFF_FFFF_F000;
/// log2 of an address space of three levels.
const BITS: u32 = 39;

type Table = [AtomicU64; 512];

fn table(pa: u64) -> &'static Table {
    // SAFETY: `pa` is a frame that `new_table` took for good; it is identity-mapped and only
    // accessed as atomics.
    unsafe { &*(vspace::direct(pa) as *const Table) }
}

fn new_table() -> u64 {
    let pa = pages::alloc(1).expect("out of physical memory for the IOMMU's tables");
    for entry in table(pa) {
        entry.store(0, Ordering::Relaxed);
    }
    pa
}

/// What a device may do.
#[derive(Clone, Copy, Debug)]
pub enum Context {
    /// What the domain has.
    Domain,
    /// Nothing.
    Refused,
    /// Nothing, and nobody is told.
    Ignored,
}

/// All tables. They stay as long as the machine runs.
pub struct Tables {
    root: u64,
    contexts: BTreeMap<u8, u64>,
    domain: u64,
}

impl Tables {
    /// Empty: no device may do anything.
    pub fn new() -> Self {
        Self {
            root: new_table(),
            contexts: BTreeMap::new(),
            domain: new_table(),
        }
    }

    /// The root table's address.
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// Says what a function of `bus` may do.
    pub fn set_context(&mut self, bus: u8, function: u8, context: Context) {
        let root = table(self.root);
        let contexts = *self.contexts.entry(bus).or_insert_with(new_table);
        // Entries have two words; the first one makes them valid and is written last.
        root[usize::from(bus) * 2].store(contexts | PRESENT, Ordering::Release);
        let entry = usize::from(function) * 2;
        let (low, high) = match context {
            Context::Domain => (self.domain | PRESENT, THREE_LEVELS | DOMAIN << 8),
            Context::Refused => (0, 0),
            Context::Ignored => (NO_FAULTS, 0),
        };
        table(contexts)[entry].store(0, Ordering::Release);
        table(contexts)[entry + 1].store(high, Ordering::Release);
        table(contexts)[entry].store(low, Ordering::Release);
    }

    /// What is at the page `logical`: a frame and whether it may be written, or nothing.
    pub fn set(&mut self, logical: u64, frame: Option<(u64, bool)>) {
        assert!(logical >> BITS == 0, "logical address {logical:#x}");
        let mut at = self.domain;
        for level in [2, 1] {
            let slot = &table(at)[(logical >> (12 + 9 * level)) as usize & 511];
            let mut value = slot.load(Ordering::Acquire);
            if value == 0 {
                value = new_table() | READ | WRITE;
                slot.store(value, Ordering::Release);
            }
            at = value & ADDRESS;
        }
        let value = match frame {
            Some((pa, true)) => pa | READ | WRITE,
            Some((pa, false)) => pa | READ,
            None => 0,
        };
        table(at)[(logical >> 12) as usize & 511].store(value, Ordering::Release);
    }
}
