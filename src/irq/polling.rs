// SPDX-License-Identifier: MIT OR Apache-2.0
//! A vector whose queues NDIS polls (NDIS 6.85, `*NdisPoll`): what the two callbacks of its poll object do to the
//! protocol. At most DISPATCH_LEVEL; NDIS serialises the callbacks of one object.
//!
//! ```text
//!   armed ──ISR: FIRED, POLLING, NdisRequestPoll──► NDIS: "notification off" ─► poll, poll, … ─► "notification on"
//!     ▲                                                                                           │ FIRED meanwhile:
//!     └──────────────────────── IMS: fires at once on a cause that stands ◄───────────────────────┴─► ask again
//! ```
//! - *One request at a time.* Whoever sets POLLING asks; until "notification on" nobody asks again.
//! - *The mask is opened in "notification on" alone*, never in a poll. A vector is auto-masked by its own interrupt, so
//!   that "notification off" costs nothing; where nothing masked it (MSI, a poll that nobody asked for), it writes IMC
//!   and notes THROTTLED, as the receive throttle does.
//! - *Nothing is lost.* "Notification on" takes POLLING off with one read-modify-write and sees in its old value what
//!   ISRs left since the last pass took the causes; then it asks again and leaves the mask closed. What an ISR saves
//!   after that finds POLLING gone, and asks itself, or finds RUNNING, and is seen when that goes. What comes without an
//!   interrupt stands in ICR, and the IMS write fires on it (82574L §4.2).
//! - *A vector that also has "other"* (MSI, line, one message) is polled as a whole: a pass that follows an interrupt
//!   reads the causes and looks at the link. Between two interrupts a link change waits in ICR until the mask is open,
//!   which is as long as frames keep coming; without a link none do.

use super::map::Roles;
use super::vector::{CFG_AUTO_MASK, CFG_POLL, CFG_READ_ICR};
use super::vectors::{Interrupts, Work};
use super::word::{
    DISABLED, FIRED, FORBID, LOOK, MASKED, OFFLINE, POLLING, RUNNING, STOPPED, THROTTLED, WORK,
    causes,
};
use crate::hw::mmio::Mmio;

/// What one pass of a poll shall look at.
#[derive(Debug)]
pub struct Polled(Work);

impl Polled {
    /// The rings to scan: all of the vector's.
    pub fn roles(&self) -> Roles {
        self.0.roles()
    }

    /// STATUS is to be read.
    pub fn link(&self) -> bool {
        self.0.link()
    }
}

impl Interrupts {
    /// From here on NDIS polls the queues of `message`, whose poll object is registered. `true`: call NdisRequestPoll, the
    /// first poll finds what came before. No interrupt is raised for it: QEMU 7.2 would hold it back, so soon after
    /// the self-test's, and from then on send every message of the vector twice. PASSIVE_LEVEL.
    #[must_use]
    pub fn hand_to_poll(&self, message: u32) -> bool {
        self.vectors.get(message as usize).is_some_and(|v| {
            v.set_polled();
            v.word.set(POLLING) & POLLING == 0
        })
    }

    /// The first step of a poll; `None`: there is nothing to look at. At most DISPATCH_LEVEL.
    #[inline]
    pub fn poll_begin(&self, m: &impl Mmio, message: u32) -> Option<Polled> {
        let v = self.vectors.get(message as usize)?;
        let cfg = v.cfg();
        if cfg & CFG_POLL == 0 {
            // NDIS may poll while the object is still being registered: the DPC has the rings.
            return None;
        }
        // Running, for whoever waits for that after a stop.
        v.word.set(RUNNING);
        // Causes first, rings afterwards, as in a DPC.
        let old = v.word.take_work();
        if old & (STOPPED | OFFLINE) != 0 || m.is_gone() {
            v.word.clear(RUNNING);
            return None;
        }
        v.record.dpc();
        let mut causes = causes(old);
        // One read an interrupt: passes without one find the causes as the last read left them.
        if cfg & CFG_READ_ICR != 0 && old & FIRED != 0 {
            let Some(read) = self.read_causes(m, v, cfg) else {
                v.word.clear(RUNNING);
                return None;
            };
            causes |= read;
        }
        Some(Polled(Work {
            // In range: `get` found it among VECTORS.
            vector: message as u8,
            cfg,
            causes,
        }))
    }

    /// Whether NDIS has the vector at this moment. A hint, stale when returned.
    pub fn is_polled(&self, message: u32) -> bool {
        self.vectors
            .get(message as usize)
            .is_some_and(|v| v.word.load() & POLLING != 0)
    }

    /// The last step of a poll. `again`: it ended before its rings did; should NDIS stop polling all the same, "notification
    /// on" asks again. At most DISPATCH_LEVEL.
    #[inline]
    pub fn poll_end(&self, polled: &Polled, again: bool) {
        if let Some(v) = self.vectors.get(polled.0.vector()) {
            if again {
                v.word.set(LOOK);
            }
            v.word.clear(RUNNING);
        }
    }

    /// SetPollNotification(Enabled FALSE): the vector does not interrupt until the next "on". At most DISPATCH_LEVEL.
    pub fn notification_off(&self, m: &impl Mmio, message: u32) {
        let Some(v) = self.vectors.get(message as usize) else {
            return;
        };
        let cfg = v.cfg();
        if cfg & CFG_POLL == 0 {
            return;
        }
        let old = v.word.set(POLLING);
        let masked_itself = cfg & CFG_AUTO_MASK != 0 && old & MASKED != 0;
        if !masked_itself && v.word.set(THROTTLED) & FORBID == 0 {
            v.reconcile(m);
        }
    }

    /// SetPollNotification(Enabled TRUE): NDIS polls no more. `true`: call NdisRequestPoll, there is more to look at.
    /// At most DISPATCH_LEVEL.
    pub fn notification_on(&self, m: &impl Mmio, message: u32) -> bool {
        let Some(v) = self.vectors.get(message as usize) else {
            return false;
        };
        if v.cfg() & CFG_POLL == 0 {
            return false;
        }
        let old = v.word.clear(POLLING | MASKED | THROTTLED);
        if old & (DISABLED | STOPPED | OFFLINE) != 0 {
            // The enable handler raises the vector; after a stop nobody does.
            return false;
        }
        if old & WORK != 0 {
            // Still masked, if it was: the debt goes on.
            return v.word.set(POLLING | (old & MASKED)) & POLLING == 0;
        }
        if old & (POLLING | MASKED | THROTTLED) != 0 {
            // Running, for the line's ISR: should a stop come in between, the mask is open for a moment, the line is up, and
            // only an ISR that looks lets this come to its end.
            v.word.set(RUNNING);
            v.reconcile(m);
            v.record.rearmed();
            // As at the end of a DPC: an ISR of before the poll object took it for the owner, and left its work.
            let last = v.word.clear(RUNNING);
            return last & WORK != 0
                && last & (POLLING | DISABLED | STOPPED | OFFLINE) == 0
                && v.ask();
        }
        false
    }
}
