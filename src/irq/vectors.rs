// SPDX-License-Identifier: MIT OR Apache-2.0
//! The vectors: ISR, DPC, enable and disable, start and stop.
//!
//! # Why nothing is lost
//! 1. *Every interrupt has one responsible party.* The ISR's RMW on the vector's word returns the old flags.
//!    No flag: the ISR queues the DPC. `RUNNING`: the owner will see the ISR's bits in the RMW with which it
//!    gives up `RUNNING`, because RMWs of one word are totally ordered, and answers [`End::Again`].
//!    `THROTTLED`: NDIS calls again. `POLLING`: NDIS polls until it says "notification on", which looks for
//!    the ISR's bits before it arms. `DISABLED`: the enable handler raises the vector. `STOPPED`: nobody, on purpose.
//! 2. *Causes are taken before the rings are scanned.* What arrives after the scan sets its cause anew:
//!    always armed, it interrupts; masked, the IMS write fires at once on a cause that stands in ICR
//!    (82574L §4.2, §4.6.1), so scan-then-arm needs no second look.
//! 3. *A read made for a neighbour loses nothing.* The line ISR saves what it read before it decides the
//!    claim; whoever holds the vector masked finds it in its last RMW.
//! 4. *The mask follows the flags.* Whoever changes whether the vector may be armed writes IMS or IMC and then
//!    looks again, until what it wrote is what the flags say. The last write to the chip is therefore followed
//!    by a look that agrees with it: a DPC can never undo a disable for good, nor the reverse.
//!
//! An interrupt without work, a second message for one cause, a DPC for nothing and one up to 16.8 ms after the
//! mask was closed (82574L §4.6.7) all end in an empty scan.

use super::VECTORS;
use super::map::Roles;
use super::record::{Entry, Record};
use super::setup::{Setup, interval_of};
use super::vector::{
    CFG_AUTO_MASK, CFG_MASKED_READ, CFG_MSIX, CFG_POLL, CFG_READ_ICR, CFG_ROLES, CFG_WRITE_BACK,
    Vector,
};
use super::word::{
    CAUSES, DISABLED, FIRED, FORBID, LOOK, MASKED, OFFLINE, POLLING, RUNNING, STOPPED, THROTTLED,
    WORK, causes,
};
use crate::hw::bits::IntCause;
use crate::hw::mmio::{ALL_ONES, Mmio};
use crate::hw::regs;

/// What an ISR answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Isr {
    /// The return value of the ISR.
    pub claimed: bool,
    /// QueueDefaultInterruptDpc; TargetProcessors is always 0.
    pub queue_dpc: bool,
    /// The ISR is to call NdisRequestPoll.
    pub request_poll: bool,
}

impl Isr {
    const NOT_MINE: Self = Self {
        claimed: false,
        queue_dpc: false,
        request_poll: false,
    };
}

/// What a DPC shall do.
#[derive(Debug)]
#[must_use]
pub enum Dpc {
    /// Nothing: unknown or unused vector, offline, gone, or another processor's DPC owns it and has been told
    /// to look again. Return with MoreNblsPending FALSE.
    Idle,
    /// NDIS polls this vector's queues: call NdisRequestPoll, and return as with `Idle`.
    RequestPoll,
    /// The caller owns the vector until it gives the token to [`Interrupts::dpc_end`].
    Run(Work),
}

/// Ownership of one vector for one DPC pass, and what to look at.
#[derive(Debug)]
#[must_use = "the vector stays owned until dpc_end"]
pub struct Work {
    pub(super) vector: u8,
    pub(super) cfg: u32,
    pub(super) causes: IntCause,
}

impl Work {
    /// The vector's index.
    pub fn vector(&self) -> usize {
        usize::from(self.vector)
    }

    /// The rings to scan. All of the vector's, whatever the causes: a message may come after its cause has
    /// been cleared, and looking at DD costs no register access (82574L §0.4).
    pub fn roles(&self) -> Roles {
        Roles::from_bits_truncate((self.cfg & CFG_ROLES) as u8)
    }

    /// STATUS is to be read. A pure "other" vector without a known cause counts: LSC can be lost, the link bit
    /// cannot (82574L §4.6.4).
    pub fn link(&self) -> bool {
        self.causes.contains(IntCause::LSC)
            || (self.roles() == Roles::OTHER && !self.causes.intersects(IntCause::BEHIND_OTHER))
    }

    /// The interrupt has masked the vector, and the end of the DPC opens it with a register write.
    pub fn masks_itself(&self) -> bool {
        self.cfg & CFG_AUTO_MASK != 0
    }

    /// The receiver ran out of descriptors: a data path event (82574L §14), refill at once.
    pub fn overrun(&self) -> bool {
        self.causes.intersects(IntCause::RXO | IntCause::RXDMT0)
    }

    /// The saved causes, for the record.
    pub fn causes(&self) -> IntCause {
        self.causes
    }
}

/// How a DPC pass ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Every ring of the vector has been scanned until nothing was left.
    Done,
    /// MaxNblsToIndicate was reached with more pending. Not with NDIS_INDICATE_ALL_NBLS.
    Throttled,
    /// The own budget was spent; the caller queues the DPC again itself.
    Requeue,
}

/// What the DPC tells NDIS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum End {
    /// MoreNblsPending FALSE, nothing more to do.
    Finished,
    /// MoreNblsPending FALSE, but an interrupt came while this DPC ran and left the work to it: go back to
    /// `dpc_begin` within what is left of the budget, or queue the DPC.
    Again,
    /// MoreNblsPending TRUE; the vector is masked.
    Throttled,
    /// MoreNblsPending FALSE, and the caller queues the DPC.
    Requeue,
}

/// All vectors of one adapter. Shared by reference between ISR, DPC and PASSIVE_LEVEL code; no locks.
#[derive(Debug)]
pub struct Interrupts {
    pub(super) vectors: [Vector; VECTORS],
}

impl Default for Interrupts {
    fn default() -> Self {
        Self::new()
    }
}

impl Interrupts {
    /// All vectors offline: every handler is right from here on and touches nothing.
    pub fn new() -> Self {
        Self {
            vectors: core::array::from_fn(|_| Vector::new()),
        }
    }

    /// Programs the set-up and opens the mask. PASSIVE_LEVEL, chip reset, no other `start` or `stop`.
    pub fn start(&self, m: &impl Mmio, setup: &Setup) {
        regs::IMC.write(m, IntCause::from_bits_retain(u32::MAX));
        setup.program(m);
        // With the mask closed a read always clears everything (82574L §4.3).
        let _ = regs::ICR.read_and_clear(m);
        for (i, v) in self.vectors.iter().enumerate() {
            if v.configure(setup, i) {
                // Online; DISABLED is NDIS's and stays, RUNNING is a DPC's that is about to leave.
                let old = v.word.clear(OFFLINE | STOPPED | THROTTLED | MASKED | WORK);
                // POLLING is NDIS' poll object's and stays as well: "notification on" arms.
                if old & (DISABLED | POLLING) == 0 {
                    v.reconcile(m);
                }
            }
        }
    }

    /// Masks everything for good, until the next `start`. At or below DISPATCH_LEVEL. Before
    /// NdisMDeregisterInterruptEx, before a low power state, before a reset.
    pub fn stop(&self, m: &impl Mmio) {
        for v in &self.vectors {
            v.word.set(STOPPED);
        }
        regs::IMC.write(m, IntCause::from_bits_retain(u32::MAX));
        // The read pushes the posted write to the chip; only then may the line ISR stop looking at ICR.
        let _ = regs::STATUS.read(m);
        for v in &self.vectors {
            v.word.set(OFFLINE);
        }
    }

    /// A message's ISR, MSI and MSI-X alike. DIRQL. It takes no [`Mmio`]: it can touch no register.
    ///
    /// Always claims, whatever the id.
    #[inline]
    pub fn isr_message(&self, message: u32) -> Isr {
        let Some(v) = self.vectors.get(message as usize) else {
            return Isr {
                claimed: true,
                ..Isr::NOT_MINE
            };
        };
        // MASKED for every set-up: whether it is a debt is the owner's business, who reads the configuration.
        let old = v.word.set(FIRED | MASKED);
        v.record.isr(true);
        let polled = v.cfg() & CFG_POLL != 0;
        Isr {
            claimed: true,
            queue_dpc: !polled && old & (RUNNING | FORBID) == 0,
            request_poll: polled && old & (POLLING | FORBID) == 0 && v.ask(),
        }
    }

    /// The line's ISR. DIRQL, under the interrupt's lock.
    #[inline]
    pub fn isr_line(&self, m: &impl Mmio) -> Isr {
        let [v, ..] = &self.vectors;
        let before = v.word.load();
        // Offline the chip is masked and cannot be the one: no access at all. While a DPC is
        // on its last steps it may still have armed by mistake and be about to notice; then look.
        if (before & OFFLINE != 0 && before & RUNNING == 0) || m.is_gone() {
            v.record.isr(false);
            return Isr::NOT_MINE;
        }
        let cfg = v.cfg();
        let ims = v.ims();
        let masked_read = cfg & CFG_MASKED_READ != 0;
        if masked_read {
            // Erratum 12: with the mask closed the read clears for certain (82574L §14).
            regs::IMC.write(m, ims);
        }
        let icr = regs::ICR.read_and_clear(m);
        let mut doubtful = false;
        if icr.bits() == ALL_ONES {
            if confirm_gone(m) {
                v.record.isr(false);
                return Isr::NOT_MINE;
            }
            // The chip answers, but this was no ICR: claim nothing, have the DPC look at everything, the link too.
            doubtful = true;
        }
        let ours = if doubtful {
            IntCause::empty()
        } else {
            icr & ims
        };
        let mut add = ours.bits() & CAUSES;
        if !ours.is_empty() && cfg & CFG_AUTO_MASK != 0 {
            add |= MASKED;
        }
        if doubtful {
            add |= FIRED | IntCause::LSC.bits();
        }
        // Saved before the claim is decided.
        let old = v.word.set(add);
        let free = old & FORBID == 0;
        // Masked by an earlier interrupt, the line was not ours, whatever had gathered in ICR.
        let claimed = !ours.is_empty() && free && !(masked_read && old & MASKED != 0);
        if masked_read && ours.is_empty() && old & (MASKED | POLLING) == 0 && free {
            v.reconcile(m);
        }
        v.record.isr(claimed);
        let work = claimed || (doubtful && free);
        let polled = cfg & CFG_POLL != 0;
        Isr {
            claimed,
            queue_dpc: work && !polled && old & RUNNING == 0,
            request_poll: work && polled && old & POLLING == 0 && v.ask(),
        }
    }

    /// The first step of a DPC (line: message 0). DISPATCH_LEVEL.
    #[inline]
    pub fn dpc_begin(&self, m: &impl Mmio, message: u32) -> Dpc {
        let Some(v) = self.vectors.get(message as usize) else {
            return Dpc::Idle;
        };
        if v.cfg() & CFG_POLL != 0 {
            return poll_instead(v, m.is_gone());
        }
        let old = v.word.set(RUNNING | LOOK);
        if old & RUNNING != 0 {
            return Dpc::Idle; // the owner finds LOOK when it leaves.
        }
        if old & (STOPPED | OFFLINE) != 0 || m.is_gone() {
            v.word.clear(RUNNING | LOOK);
            return Dpc::Idle;
        }
        v.record.dpc();
        // An ISR that ran since the RMW above has queued nothing: what it left is taken here, or found by `dpc_end`.
        let work = v.word.take_work();
        let mut causes = causes(work);
        let cfg = v.cfg();
        // One read an interrupt: a recall or another turn finds the causes as the last read left them, and what came
        // behind a closed mask interrupts when it opens.
        if cfg & CFG_READ_ICR != 0 && work & FIRED != 0 {
            match self.read_causes(m, v, cfg) {
                Some(read) => causes |= read,
                None => {
                    v.word.clear(RUNNING);
                    return Dpc::Idle;
                }
            }
        }
        Dpc::Run(Work {
            // In range: `get` found it among VECTORS.
            vector: message as u8,
            cfg,
            causes,
        })
    }

    /// The vector's causes from ICR, read outside of an ISR; `None`: the device is gone.
    #[inline]
    pub(super) fn read_causes(&self, m: &impl Mmio, v: &Vector, cfg: u32) -> Option<IntCause> {
        let icr = regs::ICR.read_and_clear(m);
        if icr.bits() == ALL_ONES {
            // What it took with it nobody knows: the rings are looked at anyway, and the link with this.
            return (!confirm_gone(m)).then_some(IntCause::LSC);
        }
        self.after_icr_read(m, v, cfg, icr);
        Some(icr & v.ims())
    }

    /// What an ICR read in MSI-X mode owes to others (82574L §0.6, §4.6).
    fn after_icr_read(&self, m: &impl Mmio, v: &Vector, cfg: u32, icr: IntCause) {
        if cfg & CFG_WRITE_BACK != 0 {
            // QEMU 7.2 cleared nothing, and would fire again for ever. A link change between read and write
            // is not lost: STATUS is read afterwards.
            let other = icr & (IntCause::OTHER | IntCause::BEHIND_OTHER);
            if !other.is_empty() {
                regs::ICR.write_one_to_clear(m, other);
            }
        }
        if cfg & CFG_MSIX != 0 {
            // Elsewhere the read cleared masked causes of other vectors: put them back.
            let foreign = self
                .vectors
                .iter()
                .fold(IntCause::empty(), |a, o| a | o.ims())
                & IntCause::QUEUES
                & icr
                & !v.ims();
            if !foreign.is_empty() {
                regs::ICS.write(m, foreign);
            }
        }
    }

    /// The last step of a DPC. DISPATCH_LEVEL.
    #[inline]
    pub fn dpc_end(&self, m: &impl Mmio, work: Work, outcome: Outcome) -> End {
        let Some(v) = self.vectors.get(work.vector()) else {
            return End::Finished;
        };
        const HELD: u32 = DISABLED | STOPPED | OFFLINE;
        match outcome {
            // No register access: what is masked stays masked, the next pass pays.
            Outcome::Requeue if v.word.load() & HELD == 0 => {
                v.word.clear(RUNNING);
                End::Requeue
            }
            Outcome::Throttled => {
                // Masked once: a second limit in a row finds the flag set.
                if v.word.set(THROTTLED) & FORBID == 0 {
                    v.reconcile(m);
                }
                v.record.throttled();
                if v.word.clear(RUNNING) & (STOPPED | OFFLINE) != 0 {
                    End::Finished
                } else {
                    End::Throttled
                }
            }
            Outcome::Done | Outcome::Requeue => {
                if outcome == Outcome::Requeue {
                    // Disabled or stopping, requeueing ends. The rest is left to the enable handler, which
                    // raises the vector; should it have come just now, LOOK makes this pass go on.
                    v.word.set(LOOK);
                }
                let old = v.word.clear(THROTTLED | MASKED);
                let debt =
                    old & THROTTLED != 0 || (old & MASKED != 0 && work.cfg & CFG_AUTO_MASK != 0);
                if debt && old & HELD == 0 {
                    // Still the owner here, so that nobody throttles in between.
                    v.reconcile(m);
                    v.record.rearmed();
                }
                let last = v.word.clear(RUNNING);
                if last & HELD == 0 && last & WORK != 0 {
                    End::Again
                } else {
                    End::Finished
                }
            }
        }
    }

    /// The disable handler. DIRQL. Line: message 0.
    pub fn disable(&self, m: &impl Mmio, message: u32) {
        if let Some(v) = self.vectors.get(message as usize)
            && v.word.set(DISABLED) & FORBID == 0
        {
            v.reconcile(m);
        }
    }

    /// The enable handler. DIRQL. Opens the mask and raises the vector, so that whatever came in between is
    /// looked at by an ordinary interrupt, without any NDIS handle.
    pub fn enable(&self, m: &impl Mmio, message: u32) {
        if let Some(v) = self.vectors.get(message as usize)
            // MASKED goes too: this write opens the mask. While NDIS polls, "notification on" opens it.
            && v.word.clear(DISABLED | MASKED) & (POLLING | FORBID & !DISABLED) == 0
        {
            v.reconcile(m);
            v.raise(m);
        }
    }

    /// Raises one vector by ICS, as if the chip had: the self-test, the hang check, and a DPC that must run again
    /// before there is a handle to queue it with. Any IRQL. Nothing happens offline.
    pub fn raise(&self, m: &impl Mmio, message: u32) {
        if let Some(v) = self.vectors.get(message as usize)
            && v.word.load() & (STOPPED | OFFLINE) == 0
        {
            v.raise(m);
        }
    }

    /// Raises a vector whose last interrupt got lost on its way: closes the mask, opens it, which fires on a cause that
    /// still stands (82574L §4.2), and raises. For the self-test's second try; PASSIVE_LEVEL by use.
    pub fn renew(&self, m: &impl Mmio, message: u32) {
        if let Some(v) = self.vectors.get(message as usize)
            // MASKED goes, as in `enable`: what masked it was the interrupt that got lost.
            && v.word.clear(MASKED) & (POLLING | FORBID) == 0
        {
            regs::IMC.write(m, v.ims());
            v.reconcile(m);
            v.raise(m);
        }
    }

    /// Writes the throttle interval of one vector, 256 ns units: the adaptive step. Any IRQL. Nothing happens offline,
    /// and a vector without a role always is.
    pub fn set_interval(&self, m: &impl Mmio, message: u32, interval: u16) {
        if let Some(v) = self.vectors.get(message as usize)
            && v.word.load() & (STOPPED | OFFLINE) == 0
        {
            let cfg = v.cfg();
            match regs::EITR.get(message as usize) {
                Some(eitr) if cfg & CFG_MSIX != 0 => {
                    let roles = Roles::from_bits_truncate((cfg & CFG_ROLES) as u8);
                    eitr.write(m, u32::from(interval_of(roles, interval)));
                }
                _ => regs::ITR.write(m, u32::from(interval)),
            }
        }
    }

    /// The counters of one vector.
    pub fn record(&self, message: u32) -> Option<&Record> {
        self.vectors.get(message as usize).map(|v| &v.record)
    }

    /// The counters of all vectors.
    pub fn entries(&self, setup: &Setup) -> [Entry; VECTORS] {
        let mut index = 0;
        self.vectors.each_ref().map(|v| {
            let roles = setup.roles(index);
            index += 1;
            v.record.entry(roles)
        })
    }

    /// Whether a DPC or a poll owns the vector at this moment. After a [`stop`](Self::stop) no other one begins.
    pub fn is_running(&self, message: u32) -> bool {
        self.vectors
            .get(message as usize)
            .is_some_and(|v| v.word.load() & RUNNING != 0)
    }
}

/// A DPC of a vector whose queues NDIS polls: it came for nothing, or from before the poll.
#[cold]
fn poll_instead(v: &Vector, gone: bool) -> Dpc {
    let old = v.word.set(LOOK);
    if gone || old & (STOPPED | OFFLINE) != 0 {
        v.word.clear(LOOK);
        return Dpc::Idle;
    }
    if old & POLLING == 0 && old & THROTTLED != 0 {
        // The recall of a throttle from before: "notification on" opens the mask.
        v.word.clear(THROTTLED);
    }
    // DISABLED: the enable handler raises the vector.
    if old & (POLLING | DISABLED) == 0 && v.ask() {
        Dpc::RequestPoll
    } else {
        Dpc::Idle
    }
}

/// Whether the device is gone, asked of STATUS, which never reads all ones while it is there: after all ones from ICR
/// (contract X-102), and where something is waited for that a device which is gone would never do (S-07). Any IRQL.
#[cold]
pub fn confirm_gone(m: &impl Mmio) -> bool {
    let gone = regs::STATUS.read(m).bits() == ALL_ONES;
    if gone {
        m.mark_gone();
    }
    gone
}
