// SPDX-License-Identifier: MIT OR Apache-2.0
//! Link state to NDIS. STATUS is the truth, the interrupt only says "look" (U-05).

use super::core::Core;
use crate::hw::link::{self, Link, Speed};
use core::sync::atomic::{AtomicU32, Ordering};
use ndis::adapter::LinkState;
use ndis::irql::{AtMost, Dispatch, Irql};

/// The state last told to NDIS, packed into one word so that two looks at once agree on who tells.
#[derive(Debug)]
pub struct Indicated(AtomicU32);

/// No link state has this value: the next look indicates whatever it finds.
const NOTHING: u32 = u32::MAX;

impl Indicated {
    /// Nothing indicated yet.
    pub const fn new() -> Self {
        Self(AtomicU32::new(NOTHING))
    }

    /// The next look indicates whatever it finds.
    pub fn forget(&self) {
        self.0.store(NOTHING, Ordering::Relaxed);
    }

    /// What was indicated last; `None` before the first time.
    pub fn up(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            NOTHING => None,
            word => Some(word != 0),
        }
    }
}

fn pack(link: Link) -> u32 {
    match link {
        Link::Down => 0,
        Link::Up { speed, full_duplex } => speed.mbps() << 1 | u32::from(full_duplex),
    }
}

/// As NDIS wants it.
pub fn state(link: Link) -> LinkState {
    match link {
        Link::Down => LinkState::DOWN,
        Link::Up { speed, full_duplex } => LinkState::up(bits_per_second(speed), full_duplex),
    }
}

/// Speed in bit/s.
const fn bits_per_second(speed: Speed) -> u64 {
    speed.mbps() as u64 * 1_000_000
}

/// Reads STATUS and indicates the link if it is another than last time. At most DISPATCH_LEVEL, no lock held.
pub fn look<L: AtMost<Dispatch>>(core: &Core, irql: &Irql<L>) {
    if core.is_gone() {
        return;
    }
    // Two lookers can find different states and indicate them in the wrong order; whoever indicated looks once more,
    // until what was told last is what the chip says (U-05: the last state indicated is the device's).
    for _ in 0..4 {
        let link = link::read(&core.mmio);
        let word = pack(link);
        // AcqRel: the one who sees its own word already there knows that it has been, or is being, indicated.
        if core.indicated.0.swap(word, Ordering::AcqRel) == word {
            return;
        }
        core.handle.indicate_link_state(state(link), irql);
    }
}
