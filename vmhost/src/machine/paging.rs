// SPDX-License-Identifier: MIT OR Apache-2.0
//! Page tables: the identity map of the host and the walk down to a 4 KiB entry.
//!
//! Physical memory below 512 GiB is visible to the host at its own address, so a table is reached
//! through its physical address. All CPUs share one root.

use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::{
    PhysAddr,
    registers::control::{Cr3, Cr3Flags},
    structures::paging::PhysFrame,
};

use super::pages::{self, PAGE};

/// Entry bits.
pub mod bit {
    /// Present.
    pub const P: u64 = 1;
    /// Writable.
    pub const W: u64 = 1 << 1;
    /// Write-through and cache disable: uncached with the reset PAT.
    pub const UC: u64 = 1 << 3 | 1 << 4;
    /// Large page (in a directory or above).
    pub const LARGE: u64 = 1 << 7;
    /// Host's own: the frame belongs to the entry although it is not present.
    pub const HELD: u64 = 1 << 9;
    /// Host's own: may be touched below DISPATCH_LEVEL only, see `paged`.
    pub const PAGED: u64 = 1 << 10;
    /// No execution.
    pub const NX: u64 = 1 << 63;
    /// Frame address.
    pub const ADDR: u64 = 0x000F_FFFF_FFFF_F000;
}

static ROOT: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    safe static image_start: u8;
    safe static text_end: u8;
    safe static ro_end: u8;
    safe static image_end: u8;
}

/// The host image's addresses: start, end of code, end of constants, end.
pub fn image() -> [u64; 4] {
    [
        &raw const image_start as u64,
        &raw const text_end as u64,
        &raw const ro_end as u64,
        &raw const image_end as u64,
    ]
}

/// One page table.
type Table = [AtomicU64; 512];

/// The table at `pa`.
fn table(pa: u64) -> &'static Table {
    // SAFETY: `pa` comes from the root or a present non-leaf entry, so it is a page table, which
    // is identity-mapped, never freed, and only accessed as atomics.
    unsafe { &*(pa as *const Table) }
}

fn new_table() -> u64 {
    let pa = pages::alloc(1).expect("out of physical memory for page tables");
    table(pa)
        .iter()
        .for_each(|entry| entry.store(0, Ordering::Relaxed));
    pa
}

const fn index(va: u64, level: u32) -> usize {
    (va >> (12 + 9 * level)) as usize & 511
}

/// The entry of `va` at `level` (0: 4 KiB). `None`: no table, or a large page above.
fn entry(va: u64, level: u32, create: bool) -> Option<&'static AtomicU64> {
    let mut at = table(ROOT.load(Ordering::Relaxed));
    for above in (level + 1..4).rev() {
        let slot = &at[index(va, above)];
        let mut value = slot.load(Ordering::Acquire);
        if value & bit::P == 0 {
            if !create {
                return None;
            }
            value = new_table() | bit::P | bit::W;
            slot.store(value, Ordering::Release);
        }
        if value & bit::LARGE != 0 {
            return None;
        }
        at = table(value & bit::ADDR);
    }
    Some(&at[index(va, level)])
}

/// The 4 KiB entry of `va`, if its tables exist.
pub fn find(va: usize) -> Option<&'static AtomicU64> {
    entry(va as u64, 0, false)
}

/// The 4 KiB entry of `va`; makes the tables. The caller holds the address space's lock.
pub fn make(va: usize) -> &'static AtomicU64 {
    entry(va as u64, 0, true).expect("no large page lies in the driver's address space")
}

/// Replaces the boot tables: code read-only, data not executable, page zero absent.
pub fn init() {
    ROOT.store(new_table(), Ordering::Relaxed);
    let [start, code_end, const_end, end] = image();
    let ram_end = pages::end().max(end);
    let large = 1u64 << 21;
    let fine_end = end.next_multiple_of(large);
    let mut pa = 0;
    // Small pages around the image, 2 MiB pages up to 4 GiB, 1 GiB pages above. What is not RAM is
    // device space and uncached; firmware tables lie in it too and are read rarely.
    while pa < 4 << 30 {
        let cache = if pa < ram_end { 0 } else { bit::UC };
        if pa < fine_end {
            let flags = match pa {
                0..0x1000 => 0,
                _ if (start..code_end).contains(&pa) => bit::P,
                _ if (code_end..const_end).contains(&pa) => bit::P | bit::NX,
                _ => bit::P | bit::W | bit::NX,
            };
            make(pa as usize).store(if flags == 0 { 0 } else { pa | flags }, Ordering::Relaxed);
            pa += PAGE as u64;
        } else {
            let slot = entry(pa, 1, true).expect("no larger page above");
            slot.store(
                pa | bit::P | bit::W | bit::NX | bit::LARGE | cache,
                Ordering::Relaxed,
            );
            pa += large;
        }
    }
    // SAFETY: CPUID has no effect.
    let gigabyte_pages = core::arch::x86_64::__cpuid(0x8000_0001).edx & 1 << 26 != 0;
    if gigabyte_pages {
        for pa in (4u64 << 30..512 << 30).step_by(1 << 30) {
            let slot = entry(pa, 2, true).expect("no larger page above");
            slot.store(
                pa | bit::P | bit::W | bit::NX | bit::LARGE | bit::UC,
                Ordering::Relaxed,
            );
        }
    }
    load();
}

/// Makes the first page of the trampoline executable while the other CPUs start.
pub fn low_page_executable(pa: u64, exec: bool) {
    let value = if exec {
        pa | bit::P | bit::W
    } else {
        pa | bit::P | bit::W | bit::NX
    };
    make(pa as usize).store(value, Ordering::Relaxed);
    load();
}

/// Takes the first 64 KiB away, so that null pointers and small offsets from them fault.
pub fn unmap_low() {
    for va in (0..0x1_0000).step_by(PAGE) {
        make(va).store(0, Ordering::Relaxed);
    }
    load();
}

/// The root's physical address.
pub fn root() -> u64 {
    ROOT.load(Ordering::Relaxed)
}

/// Loads the root, which forgets every cached translation of this CPU.
pub fn load() {
    let frame = PhysFrame::containing_address(PhysAddr::new(root()));
    // SAFETY: the root maps the host's image, stacks and data where they are.
    unsafe { Cr3::write(frame, Cr3Flags::empty()) };
}
