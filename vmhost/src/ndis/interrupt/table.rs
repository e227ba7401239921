// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's own view of an MSI-X table. Any IRQL.

use crate::machine::vspace::{self, Prot};

/// Bytes of an entry.
const ENTRY: usize = 16;
/// Mask bit of the vector control word.
const MASKED: u32 = 1;

/// A mapped table.
pub struct Table {
    base: usize,
    va: usize,
    entries: u32,
}

impl Table {
    /// Maps the table at physical address `pa`.
    pub fn map(pa: u64, entries: u32) -> Self {
        let offset = (pa & 0xFFF) as usize;
        let pages = (offset + entries as usize * ENTRY).div_ceil(4096);
        let base = vspace::map_phys(pa & !0xFFF, pages, Prot::DEVICE);
        vspace::label(base, "the host's view of the MSI-X table");
        Self {
            base,
            va: base + offset,
            entries,
        }
    }

    /// Entries.
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// Writes address and data of an entry, masked meanwhile, and leaves it unmasked.
    pub fn set(&self, entry: u32, address: u64, data: u32) {
        self.mask(entry, true);
        self.write(entry, 0, address as u32);
        self.write(entry, 4, (address >> 32) as u32);
        self.write(entry, 8, data);
        self.mask(entry, false);
    }

    /// Masks or unmasks an entry.
    pub fn mask(&self, entry: u32, masked: bool) {
        let control = self.read(entry, 12) & !MASKED;
        self.write(entry, 12, control | if masked { MASKED } else { 0 });
    }

    fn at(&self, entry: u32, offset: usize) -> *mut u32 {
        assert!(
            entry < self.entries,
            "MSI-X entry {entry} of {}",
            self.entries
        );
        (self.va + entry as usize * ENTRY + offset) as *mut u32
    }

    fn read(&self, entry: u32, offset: usize) -> u32 {
        let at = self.at(entry, offset);
        // SAFETY: `at` is inside the table that `map` mapped and that lives as long as `self`.
        unsafe { at.read_volatile() }
    }

    fn write(&self, entry: u32, offset: usize, value: u32) {
        let at = self.at(entry, offset);
        // SAFETY: `at` is inside the table that `map` mapped and that lives as long as `self`.
        unsafe { at.write_volatile(value) }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        vspace::unmap(self.base);
    }
}
