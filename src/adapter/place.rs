// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where DPCs and polls run: a vector's home is the processor that RSS names for its receive queue.
//!
//! A vector with both receive queues has the home of the first: NDIS has one DPC a message, and frames of the second
//! queue still carry their hash. Vectors without a receive queue have none: their DPC runs where the message arrives.

use super::core::Core;
use crate::hw::regs::QUEUES;
use crate::irq::{Roles, VECTORS};
use core::sync::atomic::{AtomicU32, Ordering};
use ndis::irql::{Irql, Passive};

/// No home.
const NOWHERE: u32 = u32::MAX;

/// The home of each vector, group and number in one value. Written at PASSIVE_LEVEL, read by ISRs, which share no cache
/// line with what DPCs write: it has its own.
#[derive(Debug)]
#[repr(align(64))]
pub struct Homes([AtomicU32; VECTORS]);

impl Homes {
    /// None.
    pub const fn new() -> Self {
        Self([const { AtomicU32::new(NOWHERE) }; VECTORS])
    }

    fn set(&self, message: usize, home: Option<(u16, u8)>) {
        if let Some(slot) = self.0.get(message) {
            let packed = home.map_or(NOWHERE, |(group, number)| {
                u32::from(group) << 8 | u32::from(number)
            });
            // Relaxed: a value of its own; an ISR that sees it late places one more DPC as before.
            slot.store(packed, Ordering::Relaxed);
        }
    }

    /// Group and number of a vector's home. Any IRQL.
    #[inline]
    pub fn get(&self, message: u32) -> Option<(u16, u8)> {
        // Relaxed: as for `set`.
        let packed = self.0.get(message as usize)?.load(Ordering::Relaxed);
        (packed != NOWHERE).then_some(((packed >> 8) as u16, packed as u8))
    }
}

impl Core {
    /// The processor that the DPC of `message` is to run on; `None`: where the interrupt came. Any IRQL.
    #[inline]
    pub fn home(&self, message: u32) -> Option<(u16, u8)> {
        self.homes.get(message)
    }

    /// Finds every vector's home anew: the RSS parameters or the vectors have changed. PASSIVE_LEVEL.
    pub fn find_homes(&self, irql: &Irql<Passive>) {
        let Some(setup) = self.setup() else { return };
        for (message, slot) in self.polls.iter().enumerate() {
            let roles = setup.roles(message);
            let queue = [Roles::RX0, Roles::RX1]
                .iter()
                .take(QUEUES)
                .position(|role| roles.contains(*role));
            let target = queue.and_then(|queue| self.rss.target(queue));
            let home = target.map(|target| (target.Group, target.Number));
            self.homes.set(message, home);
            if let Some((group, number)) = home {
                // Without a poll object there is nothing to place.
                let _there = slot.set_affinity(group, number, irql);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_group_and_number() {
        let homes = Homes::new();
        assert_eq!(homes.get(0), None);
        homes.set(1, Some((3, 63)));
        assert_eq!(homes.get(1), Some((3, 63)));
        homes.set(1, None);
        assert_eq!(homes.get(1), None);
        homes.set(VECTORS, Some((0, 0)));
        assert_eq!(homes.get(VECTORS as u32), None);
    }
}
