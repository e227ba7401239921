// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logical addresses: what a device is given in place of physical ones, and what its accesses to
//! other addresses mean (contract DM-12, DM-13). Any IRQL.
//!
//! With an IOMMU each mapping gets addresses of its own, which no RAM has, with an unmapped page
//! behind; they are used again only when the whole window has been gone through, so that a stale
//! one is found. Without an IOMMU a logical address is the physical one.

use crate::{
    guest::PAGE,
    machine::{
        iommu::{self, Fault},
        lock::IrqSpin,
    },
    verify::{self, Handler},
};
use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::dice::DICE;

/// Mappings up to so many pages lie at a multiple of their size, so that one order to the IOMMU
/// forgets them.
const ALIGNED: usize = 64;

/// What is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A block of NdisMAllocateSharedMemory.
    Shared,
    /// A piece of an SG list.
    SgList,
}

/// What [`map`] is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// What it is.
    pub what: What,
    /// Its address for the driver: the block's, or the list's.
    pub key: u64,
    /// Physical address.
    pub pa: u64,
    /// Bytes.
    pub length: u32,
    /// The device may write.
    pub write: bool,
    /// The device takes addresses above 4 GiB (DM-14).
    pub wide: bool,
    /// Return address of the call that made it.
    pub maker: u64,
}

/// Who ended a mapping.
#[derive(Clone, Copy, Debug)]
struct Freed {
    handler: Option<Handler>,
    caller: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mapping {
    wish: Wish,
    pages: usize,
    /// Pages taken from the window: the guard, too.
    span: usize,
    freed: Option<Freed>,
}

/// Addresses to give out, one after the other, again from the first at the end.
struct Window {
    first: u64,
    end: u64,
    next: u64,
}

struct Book {
    /// By first page; dead ones stay until their addresses are used again.
    mappings: BTreeMap<u64, Mapping>,
    /// Below and above 4 GiB. No RAM is there; the upper one crosses a multiple of 4 GiB soon.
    windows: [Window; 2],
    told: bool,
}

const LOW: u64 = 0x4000_0000;
const HIGH: u64 = 0x1F_FFFF_0000;
const SIZE: u64 = 256 << 20;

static BOOK: IrqSpin<Book> = IrqSpin::new(Book {
    mappings: BTreeMap::new(),
    windows: [
        Window {
            first: LOW,
            end: LOW + SIZE,
            next: LOW,
        },
        Window {
            first: HIGH,
            end: HIGH + SIZE,
            next: HIGH,
        },
    ],
    told: false,
});

impl Book {
    /// Room for `span` pages at a multiple of `align` pages; what died there is forgotten.
    fn take(&mut self, window: usize, span: usize, align: usize) -> Option<u64> {
        let (bytes, align) = ((span * PAGE) as u64, (align * PAGE) as u64);
        let Window { first, end, .. } = self.windows[window];
        let mut wraps = 0;
        let mut at = self.windows[window].next.next_multiple_of(align);
        loop {
            if at + bytes > end {
                wraps += 1;
                if wraps > 1 {
                    return None;
                }
                at = first.next_multiple_of(align);
            }
            // Mappings do not overlap, so the last one below the end decides.
            let in_the_way = self.mappings.range(..at + bytes).next_back();
            let Some((base, mapping)) = in_the_way.map(|(base, mapping)| (*base, *mapping)) else {
                break;
            };
            let its_end = base + (mapping.span * PAGE) as u64;
            if its_end <= at {
                break;
            }
            if mapping.freed.is_some() {
                self.mappings.remove(&base);
            } else {
                at = its_end.next_multiple_of(align);
            }
        }
        self.windows[window].next = at + bytes;
        Some(at)
    }

    /// The mapping around or nearest to `page`, and its first page.
    fn nearest(&self, page: u64) -> Option<(u64, Mapping)> {
        let below = self.mappings.range(..=page).next_back();
        let above = self.mappings.range(page..).next();
        let distance = |(base, mapping): &(&u64, &Mapping)| {
            let end = **base + (mapping.span * PAGE) as u64;
            if page >= **base && page < end {
                0
            } else {
                base.abs_diff(page).min(end.abs_diff(page))
            }
        };
        below
            .into_iter()
            .chain(above)
            .min_by_key(distance)
            .map(|(base, mapping)| (*base, *mapping))
    }
}

/// Shows memory to the device; its logical address. `None`: there is no room.
pub fn map(wish: Wish) -> Option<u64> {
    if !iommu::on() {
        return Some(wish.pa);
    }
    let offset = (wish.pa % PAGE as u64) as usize;
    let pages = (offset + wish.length as usize).div_ceil(PAGE);
    let (span, align) = if pages < ALIGNED {
        let span = (pages + 1).next_power_of_two();
        (span, span)
    } else {
        (pages + 1, 1)
    };
    let window = usize::from(wish.wide && DICE.chance(50));
    let mut book = BOOK.lock();
    let base = book.take(window, span, align)?;
    let mapping = Mapping {
        wish,
        pages,
        span,
        freed: None,
    };
    book.mappings.insert(base, mapping);
    drop(book);
    iommu::map(base, wish.pa - offset as u64, pages, wish.write);
    Some(base + offset as u64)
}

/// Takes memory away from the device, by the addresses that [`map`] gave. It cannot reach it when
/// this returns.
pub fn unmap(logical: &[u64], caller: u64) {
    if !iommu::on() {
        return;
    }
    let freed = Freed {
        handler: verify::current().map(|context| context.handler),
        caller,
    };
    let mut ranges = Vec::with_capacity(logical.len());
    let mut book = BOOK.lock();
    for address in logical {
        let base = address & !(PAGE as u64 - 1);
        if let Some(mapping) = book.mappings.get_mut(&base)
            && mapping.freed.is_none()
        {
            mapping.freed = Some(freed);
            ranges.push((base, mapping.pages));
        }
    }
    drop(book);
    iommu::unmap(&ranges);
}

/// Has faults told.
pub fn init() {
    iommu::set_observer(refused);
}

/// Counts the check, after faults that are on their way were told. PASSIVE.
pub fn audit() {
    if iommu::on() {
        iommu::service();
        let told = BOOK.lock().told;
        verify::check("DM-12", told || iommu::counts().0 == 0, || {
            String::from("an access of a device was refused, and not told")
        });
    }
}

/// The device did what it may not.
fn refused(fault: &Fault) {
    let (nearest, owner) = {
        let mut book = BOOK.lock();
        book.told = true;
        let owner = book
            .mappings
            .iter()
            .find(|(_, m)| m.freed.is_none() && m.frames().contains(&fault.page))
            .map(|(base, mapping)| (*base, *mapping));
        (book.nearest(fault.page), owner)
    };
    let access = if fault.write { "wrote" } else { "read" };
    let mut what = format!(
        "device {:02x}:{:02x}.{} {access} page {:#x}, which it was not given (reason {})",
        fault.source >> 8,
        fault.source >> 3 & 31,
        fault.source & 7,
        fault.page,
        fault.reason
    );
    if let Some((base, mapping)) = owner {
        what += &format!(
            ": that is the physical address of {}, logical {base:#x}",
            mapping.name()
        );
        verify::violation_at("DM-13", what, String::from("the device"));
        return;
    }
    let mut at = String::from("the device");
    if let Some((base, mapping)) = nearest {
        what += &format!(": {}", mapping.relation(base, fault));
        if let Some(freed) = mapping.freed {
            at = freed.to_string();
        }
    }
    verify::violation_at("DM-12", what, at);
}

impl core::fmt::Display for Freed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.handler {
            Some(handler) if !verify::in_image(self.caller) => write!(f, "{handler}"),
            Some(handler) => write!(f, "{handler} at {}", verify::place(self.caller)),
            None => write!(f, "{}", verify::place(self.caller)),
        }
    }
}

impl Mapping {
    /// Its physical pages.
    fn frames(&self) -> core::ops::Range<u64> {
        let first = self.wish.pa & !(PAGE as u64 - 1);
        first..first + (self.pages * PAGE) as u64
    }

    fn name(&self) -> String {
        let Wish {
            what,
            key,
            length,
            maker,
            ..
        } = self.wish;
        let what = match what {
            What::Shared => "shared memory",
            What::SgList => "scatter/gather list",
        };
        format!(
            "{what} {key:#x} ({length} bytes, made at {})",
            verify::place(maker)
        )
    }

    /// How the refused access lies to this mapping at `base`.
    fn relation(&self, base: u64, fault: &Fault) -> String {
        let end = base + (self.pages * PAGE) as u64;
        let name = self.name();
        let freed = match self.freed {
            Some(freed) => format!(", freed by {freed}"),
            None => String::new(),
        };
        if fault.page < base {
            return format!("{:#x} bytes before {name}{freed}", base - fault.page);
        }
        if fault.page >= end {
            let past = fault.page - end;
            return format!("{past:#x} bytes past the end of {name}{freed}");
        }
        match self.freed {
            Some(_) => format!("in {name}{freed}"),
            None => format!("in {name}, which is for reading only"),
        }
    }
}
