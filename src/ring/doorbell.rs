// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one register write that hands a batch of descriptors to the chip. Up to DISPATCH_LEVEL.

use crate::hw::mmio::{Mmio, Reg, Wo};
use core::sync::atomic::{Ordering, fence};

/// A tail write that is due. The ring counts the descriptors as handed over from the moment it made this, so
/// it must be rung, by whoever made it, before the same ring makes another.
#[derive(Debug)]
#[must_use = "the chip sees the descriptors only after ring()"]
pub struct Doorbell {
    pub(super) tail: Reg<u32, Wo>,
    pub(super) value: u32,
}

impl Doorbell {
    /// Writes the tail register.
    #[inline]
    pub fn ring(self, m: &impl Mmio) {
        // Release: every descriptor store before the tail write. On x86-64 the processor keeps the order of
        // stores to memory and to uncached registers; the fence holds the compiler.
        fence(Ordering::Release);
        self.tail.write(m, self.value);
    }

    /// The index that will be written.
    pub fn value(&self) -> u32 {
        self.value
    }
}
