// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chip's counters of one adapter. PASSIVE_LEVEL, where OIDs are serialised (O-01).
//!
//! Read when somebody asks and before the adapter sleeps; in D3 and after removal the sums of before are the answer
//! (U-08).

use super::core::Core;
use crate::hw::stats::Statistics;
use ndis::claim::Claim;

/// The sums.
#[derive(Debug)]
pub struct ChipCounters(Claim<Option<Statistics>>);

impl ChipCounters {
    /// Nothing read yet.
    pub const fn new() -> Self {
        Self(Claim::new(None))
    }

    /// Reads the chip, if it may be touched, and answers with the sums.
    pub fn update(&self, core: &Core) -> Statistics {
        let Some(mut sums) = self.0.try_claim() else {
            return Statistics::default();
        };
        let sums = sums.get_or_insert_with(Statistics::default);
        if !core.is_gone() && !core.is_asleep() {
            sums.update(&core.mmio);
        }
        *sums
    }

    /// Forgets what the chip counted until now.
    pub fn forget(&self, core: &Core) {
        if let Some(mut sums) = self.0.try_claim() {
            sums.get_or_insert_with(Statistics::default)
                .clear(&core.mmio);
        }
    }
}
