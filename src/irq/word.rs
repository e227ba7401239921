// SPDX-License-Identifier: MIT OR Apache-2.0
//! One atomic word per vector: the causes saved by the ISR and the state that decides who acts next.
//!
//! Causes and flags share one `AtomicU32` on purpose. Every decision is taken on the old value of one
//! read-modify-write, and all read-modify-writes of one word have a single total order, so the argument
//! that nothing is lost needs no reasoning about two variables and no sequentially consistent fence.
//!
//! What an ISR saves are causes of the line, which are below bit 20 (82574L §3.2); the flags live above them:
//!
//! | flag | set by | cleared by | meaning |
//! |---|---|---|---|
//! | `POLLING` | ISR, before it asks for a poll; "notification off" | "notification on" | NDIS polls the vector's queues; the mask is opened by "notification on" alone |
//! | `FIRED` | ISR | owner, on begin | an interrupt: look at every role again, and take the causes out of ICR |
//! | `LOOK` | a DPC that found the vector owned, a pass that ended early | owner, on begin | look at every role again |
//! | `RUNNING` | `dpc_begin`, `poll_begin` | `dpc_end`, `poll_end` | a DPC owns the vector, or a poll is at it |
//! | `MASKED` | ISR | owner, on Done | the chip or the ISR masked: the owner owes one IMS write |
//! | `THROTTLED` | owner | owner, on Done | NDIS was told MoreNblsPending and will call again (X-43) |
//! | `DISABLED` | disable handler | enable handler | NDIS wants silence (X-80) |
//! | `STOPPED` | `stop` | `start` | no re-arming any more |
//! | `OFFLINE` | `new`, `stop` | `start` | not set up or no power: touch nothing (X-100, X-102) |

use super::sync::{AtomicU32, Ordering};
use crate::hw::bits::IntCause;

/// The ICR bits that may be saved: all that a line's mask can have.
pub const CAUSES: u32 = 0x000F_FFFF;
/// See the module's table.
pub const LOOK: u32 = 1 << 23;
/// See the module's table.
pub const POLLING: u32 = 1 << 24;
/// See the module's table.
pub const FIRED: u32 = 1 << 25;
/// See the module's table.
pub const RUNNING: u32 = 1 << 26;
/// See the module's table.
pub const MASKED: u32 = 1 << 27;
/// See the module's table.
pub const THROTTLED: u32 = 1 << 28;
/// See the module's table.
pub const DISABLED: u32 = 1 << 29;
/// See the module's table.
pub const STOPPED: u32 = 1 << 30;
/// See the module's table.
pub const OFFLINE: u32 = 1 << 31;

/// Any of these: the vector must be masked in IMS, and whoever set the flag owns what is saved.
pub const FORBID: u32 = THROTTLED | DISABLED | STOPPED | OFFLINE;
/// Any of these: somebody has left work.
pub const WORK: u32 = CAUSES | FIRED | LOOK;

/// The word. All operations are lock-free and may be used at any IRQL.
#[derive(Debug)]
pub struct VectorWord(AtomicU32);

impl Default for VectorWord {
    fn default() -> Self {
        Self::new()
    }
}

impl VectorWord {
    /// A vector that is not set up yet.
    pub fn new() -> Self {
        Self(AtomicU32::new(OFFLINE | STOPPED))
    }

    /// The current value.
    #[inline]
    pub fn load(&self) -> u32 {
        // Acquire: pairs with the Release half of `clear` in `start`, so that a reader that finds the vector
        // online also finds its configuration.
        self.0.load(Ordering::Acquire)
    }

    /// Sets bits; returns the old value.
    #[inline]
    pub fn set(&self, bits: u32) -> u32 {
        // AcqRel: Release publishes what the setter did before (the ISR's cleared cause, the DPC's ring
        // state) to the one whose later RMW reads this; Acquire makes the last owner's ring state visible
        // to the next owner. All are RMWs, so they continue each other's release sequences.
        self.0.fetch_or(bits, Ordering::AcqRel)
    }

    /// Clears bits; returns the old value.
    #[inline]
    pub fn clear(&self, bits: u32) -> u32 {
        // AcqRel: as for `set`.
        self.0.fetch_and(!bits, Ordering::AcqRel)
    }

    /// Takes everything the ISRs have left: the DPC's swap, with the flags kept.
    #[inline]
    pub fn take_work(&self) -> u32 {
        self.clear(WORK)
    }
}

/// The cause bits of a word's value.
#[inline]
pub fn causes(word: u32) -> IntCause {
    IntCause::from_bits_retain(word & CAUSES)
}
