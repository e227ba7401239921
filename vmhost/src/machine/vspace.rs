// SPDX-License-Identifier: MIT OR Apache-2.0
//! The virtual addresses given to the driver: 4 KiB pages high up, a guard page on each side,
//! and no address is ever used a second time, so that stale pointers fault. Any IRQL.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::sync::atomic::Ordering;

use super::{
    lock::IrqSpin,
    paged,
    pages::{self, PAGE},
    paging::{self, bit},
    tlb,
};

/// First address handed out.
const FIRST: usize = 0xFFFF_8800_0000_0000;
/// Addresses at and above are canonical and can be the driver's.
const HIGH_HALF: usize = 0xFFFF_8000_0000_0000;

/// How a mapping is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Ordinary memory.
    WriteBack,
    /// Device registers.
    Uncached,
}

/// Protection of a mapping; reading is always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prot {
    /// May be written.
    pub write: bool,
    /// May be executed.
    pub exec: bool,
    /// Caching.
    pub cache: Cache,
}

impl Prot {
    /// Ordinary data.
    pub const RW: Self = Self {
        write: true,
        exec: false,
        cache: Cache::WriteBack,
    };
    /// Read-only data.
    pub const RO: Self = Self {
        write: false,
        exec: false,
        cache: Cache::WriteBack,
    };
    /// Code.
    pub const RX: Self = Self {
        write: false,
        exec: true,
        cache: Cache::WriteBack,
    };
    /// Device registers.
    pub const DEVICE: Self = Self {
        write: true,
        exec: false,
        cache: Cache::Uncached,
    };

    const fn bits(self) -> u64 {
        let write = if self.write { bit::W } else { 0 };
        let exec = if self.exec { 0 } else { bit::NX };
        let cache = match self.cache {
            Cache::WriteBack => 0,
            Cache::Uncached => bit::UC,
        };
        write | exec | cache
    }
}

/// A range of addresses that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionInfo {
    /// First address.
    pub base: usize,
    /// Pages.
    pub pages: usize,
    /// Still mapped; otherwise the address is retired.
    pub live: bool,
    /// What it is, as told by [`label`].
    pub label: &'static str,
}

#[derive(Clone, Copy)]
struct Region {
    pages: u32,
    live: bool,
    /// The frames are the region's own and go back with it.
    owns: bool,
    label: &'static str,
}

struct Space {
    next: usize,
    regions: BTreeMap<usize, Region>,
    /// Bases of retired ones, oldest first.
    retired: VecDeque<usize>,
}

/// Retired regions that are remembered, for the text of a fault; older ones still fault, without their name. A scenario of
/// 2,000 lives would fill the heap with them.
const REMEMBERED: usize = 1 << 17;

impl Space {
    /// Reserves `pages` with a guard page behind; the one before is the last region's.
    fn reserve(&mut self, pages: usize, owns: bool, label: &'static str) -> usize {
        let base = self.next;
        self.next += (pages + 1) * PAGE;
        self.regions.insert(
            base,
            Region {
                pages: pages as u32,
                live: true,
                owns,
                label,
            },
        );
        base
    }

    /// The region at `base` is retired now.
    fn retire(&mut self, base: usize) {
        let Some(region) = self.regions.get_mut(&base) else {
            return;
        };
        region.live = false;
        self.retired.push_back(base);
        if self.retired.len() > REMEMBERED
            && let Some(oldest) = self.retired.pop_front()
        {
            self.regions.remove(&oldest);
        }
    }

    /// The live region that holds all of the range.
    fn holding(&self, va: usize, pages: usize) -> (usize, Region) {
        let found = self
            .regions
            .range(..=va)
            .next_back()
            .map(|(base, region)| (*base, *region));
        match found {
            Some((base, region))
                if region.live
                    && va.is_multiple_of(PAGE)
                    && va + pages * PAGE <= base + region.pages as usize * PAGE =>
            {
                (base, region)
            }
            _ => panic!("{va:#x}, {pages} pages: not inside one live mapping"),
        }
    }
}

static SPACE: IrqSpin<Space> = IrqSpin::new(Space {
    next: FIRST + PAGE,
    regions: BTreeMap::new(),
    retired: VecDeque::new(),
});

/// Reserves addresses that stay unmapped, for trapped windows.
pub(super) fn reserve(pages: usize, label: &'static str) -> usize {
    SPACE.lock().reserve(pages, false, label)
}

/// Maps `pages` fresh frames filled with `fill`. `None`: out of memory.
pub fn map_new(pages: usize, prot: Prot, fill: u8) -> Option<usize> {
    let mut frames = Vec::with_capacity(pages);
    for _ in 0..pages {
        let Some(pa) = pages::alloc(1) else {
            frames.iter().for_each(|&pa| pages::free(pa, 1));
            return None;
        };
        // SAFETY: the frame is this call's alone and identity-mapped.
        unsafe { core::ptr::write_bytes(direct(pa) as *mut u8, fill, PAGE) };
        frames.push(pa);
    }
    let mut space = SPACE.lock();
    let base = space.reserve(pages, true, "memory");
    for (page, pa) in frames.iter().enumerate() {
        paging::make(base + page * PAGE)
            .store(pa | prot.bits() | bit::P | bit::HELD, Ordering::Release);
    }
    Some(base)
}

/// Maps one fresh, zeroed frame at an address that the system fixes, outside the range that is
/// handed out; read-only there. Returns the frame. Once per address.
pub fn map_fixed(va: usize, label: &'static str) -> Option<u64> {
    let pa = pages::alloc(1)?;
    // SAFETY: the frame is this call's alone and identity-mapped.
    unsafe { core::ptr::write_bytes(direct(pa) as *mut u8, 0, PAGE) };
    let mut space = SPACE.lock();
    space.regions.insert(
        va,
        Region {
            pages: 1,
            live: true,
            owns: true,
            label,
        },
    );
    paging::make(va).store(pa | Prot::RO.bits() | bit::P | bit::HELD, Ordering::Release);
    Some(pa)
}

/// Maps existing physical memory (page-aligned `pa`).
pub fn map_phys(pa: u64, pages: usize, prot: Prot) -> usize {
    assert!(
        pa.is_multiple_of(PAGE as u64),
        "map_phys of unaligned {pa:#x}"
    );
    let mut space = SPACE.lock();
    let base = space.reserve(pages, false, "physical memory");
    for page in 0..pages {
        let frame = pa + (page * PAGE) as u64;
        paging::make(base + page * PAGE)
            .store(frame | prot.bits() | bit::P | bit::HELD, Ordering::Release);
    }
    base
}

/// Ends a mapping (by its base) on all CPUs and retires its addresses; frees the frames iff
/// [`map_new`] made them.
pub fn unmap(va: usize) {
    let (pages, frames) = {
        let mut space = SPACE.lock();
        let (pages, owns) = match space.regions.get(&va) {
            Some(region) if region.live => (region.pages as usize, region.owns),
            _ => panic!("unmap of {va:#x}, which is not the base of a live mapping"),
        };
        space.retire(va);
        let mut frames = Vec::with_capacity(if owns { pages } else { 0 });
        for page in 0..pages {
            let Some(entry) = paging::find(va + page * PAGE) else {
                continue;
            };
            let old = entry.swap(0, Ordering::AcqRel);
            if owns && old & bit::HELD != 0 {
                frames.push(old & bit::ADDR);
            }
        }
        (pages, frames)
    };
    // The lock is not held: another CPU may be waiting for it with interrupts off, and frames must
    // not be reused before all CPUs have forgotten them.
    tlb::shoot(va, pages);
    frames.iter().for_each(|&pa| pages::free(pa, 1));
}

/// Changes entries of whole pages inside one live mapping, then tells all CPUs.
fn change(va: usize, pages: usize, new: impl Fn(u64) -> u64) {
    {
        let space = SPACE.lock();
        space.holding(va, pages);
        for page in 0..pages {
            let entry = paging::make(va + page * PAGE);
            let old = entry.load(Ordering::Acquire);
            if old & bit::HELD != 0 {
                entry.store(new(old), Ordering::Release);
            }
        }
    }
    tlb::shoot(va, pages);
}

/// Changes the protection of whole pages inside one mapping.
pub fn protect(va: usize, pages: usize, prot: Prot) {
    change(va, pages, |old| {
        old & (bit::ADDR | bit::P | bit::HELD) | prot.bits()
    });
}

/// Takes pages away from view, or brings them back, keeping their frames and protection.
pub fn set_present(va: usize, pages: usize, present: bool) {
    change(va, pages, |old| {
        if present { old | bit::P } else { old & !bit::P }
    });
}

/// Takes pages away from view but for instructions below DISPATCH_LEVEL, see [`paged`].
pub fn page_out(va: usize, pages: usize) {
    change(va, pages, |old| old & !bit::P | bit::PAGED);
}

/// Names a live region (by its base) for fault texts.
pub fn label(va: usize, label: &'static str) {
    if let Some(region) = SPACE.lock().regions.get_mut(&va) {
        region.label = label;
    }
}

/// Retires a region that [`reserve`] made.
pub(super) fn retire(va: usize) {
    SPACE.lock().retire(va);
}

/// The physical address behind `va`, if mapped. Host addresses count too.
pub fn translate(va: usize) -> Option<u64> {
    if va < HIGH_HALF {
        return (0x1_0000..512 << 30).contains(&va).then_some(va as u64);
    }
    let entry = paging::find(va)?.load(Ordering::Acquire);
    (entry & bit::P != 0).then_some(entry & bit::ADDR | (va % PAGE) as u64)
}

/// Whether the driver may touch all of `va..va+len` (the host's own low memory counts as
/// unmapped, an empty range as mapped).
pub fn is_mapped(va: usize, len: usize, write: bool) -> bool {
    if len == 0 {
        return true;
    }
    let Some(last) = va.checked_add(len - 1) else {
        return false;
    };
    let need = bit::P | if write { bit::W } else { 0 };
    let has = |entry: u64| {
        entry & need == need || paged::allows(entry) && (entry | bit::P) & need == need
    };
    va >= HIGH_HALF
        && (va & !(PAGE - 1)..=last)
            .step_by(PAGE)
            .all(|page| paging::find(page).is_some_and(|entry| has(entry.load(Ordering::Acquire))))
}

/// The host's own view of physical address `pa`.
pub fn direct(pa: u64) -> usize {
    assert!(
        pa < 512 << 30,
        "physical address {pa:#x} is beyond the host's view"
    );
    pa as usize
}

/// The region around `va`, the guard page behind it included, also when it is retired.
pub fn region_of(va: usize) -> Option<RegionInfo> {
    let space = SPACE.lock();
    let info = |(&base, region): (&usize, &Region)| RegionInfo {
        base,
        pages: region.pages as usize,
        live: region.live,
        label: region.label,
    };
    let at_or_below = space.regions.range(..=va).next_back().map(info);
    at_or_below.filter(|info| va < info.base + (info.pages + 1) * PAGE)
}
