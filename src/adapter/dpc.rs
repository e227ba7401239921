// SPDX-License-Identifier: MIT OR Apache-2.0
//! The DPC: what ties the interrupt protocol to the rings and the link. DISPATCH_LEVEL.
//!
//! Within one DPC: transmit and link first, then receive up to the throttle, the frame budget or the time
//! budget, whichever comes first. How it ends follows from which it was:
//!
//! | ended by | outcome | the vector |
//! |---|---|---|
//! | the rings are empty | Done | re-armed where it was masked |
//! | MaxNblsToIndicate | Throttled: MoreNblsPending | masked once; NDIS calls again (X-43) |
//! | the own budget | Requeue: NdisMQueueDpcEx on this processor | as it is; no register is touched |
//! | the rings are empty after a stream of frames | the same, where the vector masks itself | as it is: masked |

use super::core::Core;
use super::link;
use crate::hw::regs::QUEUES;
use crate::irq::clock::cycles;
use crate::irq::moderation::Moderation;
use crate::irq::{Dpc, End, Outcome, Roles};
use crate::net::receive::{Received, Up};
use core::sync::atomic::Ordering;
use ndis::interrupt::{InterruptRef, Throttle};
use ndis::irql::{Dispatch, Irql};

/// Frames that one DPC or poll hands over when NDIS sets no limit.
pub(super) const BUDGET: u32 = 256;
/// Frames between two looks at the time.
const CHUNK: u32 = 64;
/// Frames of one pass that make a vector which masks itself stay masked, and its DPC look again.
const STREAM: u32 = 16;
/// Passes of one DPC over work that arrived meanwhile, before it lets others run.
const PASSES: u32 = 4;

/// What the receive part of a pass did.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// NBLs handed over, and their bytes.
    pub indicated: u32,
    bytes: u32,
    /// The rings have more.
    pub more: bool,
    /// The time is up, or somebody else has the ring.
    late: bool,
}

impl Core {
    /// The DPC of a message (line: 0). DISPATCH_LEVEL; may find nothing to do, and may run on two CPUs.
    pub fn dpc(
        &self,
        message: u32,
        interrupt: InterruptRef<'_>,
        throttle: &mut Throttle,
        irql: &mut Irql<Dispatch>,
    ) {
        let begin = cycles();
        self.passes(message, interrupt, throttle, begin, irql);
        if let Some(record) = self.irq.record(message) {
            record.dpc_took(cycles().wrapping_sub(begin));
        }
    }

    /// The passes of one DPC that began at `begin`.
    fn passes(
        &self,
        message: u32,
        interrupt: InterruptRef<'_>,
        throttle: &mut Throttle,
        begin: u64,
        irql: &mut Irql<Dispatch>,
    ) {
        let mut budget = throttle.remaining().min(BUDGET);
        for pass in 1..=PASSES {
            let work = match self.irq.dpc_begin(&self.mmio, message) {
                Dpc::Run(work) => work,
                Dpc::Idle => return,
                Dpc::RequestPoll => {
                    self.request_poll(message);
                    return;
                }
            };
            let roles = work.roles();
            // Transmit and link first: they are bounded and must not starve behind receive.
            let mut frames = 0;
            for queue in transmit_queues(roles) {
                frames += self.sender.complete(self, queue, irql);
            }
            let looked = work.link() && self.watching.load(Ordering::Acquire);
            if looked {
                link::look(self, irql);
            }
            let swept = self.sweep(roles, budget, begin, &mut Up::Indicate, irql);
            throttle.indicated(swept.indicated);
            budget = budget.saturating_sub(swept.indicated);
            self.account(message, &swept, frames, looked);
            let outcome = match (swept.more, throttle.limit()) {
                // A stream: the next frames are near, and a look is cheaper than an interrupt and its two writes. It
                // goes on only as long as every look finds as much.
                (false, _) if swept.indicated >= STREAM && work.masks_itself() && budget > 0 => {
                    Outcome::Requeue
                }
                (false, _) => Outcome::Done,
                // NDIS calls again, and the vector stays masked until then.
                (true, Some(_)) if throttle.remaining() == 0 => Outcome::Throttled,
                // The own budget was spent first: on this processor's next turn, without touching a register.
                (true, _) => Outcome::Requeue,
            };
            match self.irq.dpc_end(&self.mmio, work, outcome) {
                End::Finished => return,
                End::Throttled => {
                    // NDIS calls again; the vector is masked until then.
                    let _promised = throttle.more_pending();
                    return;
                }
                End::Again if pass < PASSES && budget > 0 && !swept.late => {}
                End::Again | End::Requeue => {
                    self.requeue(message, interrupt, irql);
                    return;
                }
            }
        }
    }

    /// The receive part of a pass that began at `begin`, of a DPC or a poll: frames go to `up` until the rings of `roles`
    /// are empty, `budget` is spent or the time is up.
    // Always: as a call it costs an empty DPC 40 instructions.
    #[inline(always)]
    pub(super) fn sweep(
        &self,
        roles: Roles,
        budget: u32,
        begin: u64,
        up: &mut Up<'_>,
        irql: &mut Irql<Dispatch>,
    ) -> Swept {
        let mut swept = Swept {
            more: roles.intersects(Roles::RX),
            ..Swept::default()
        };
        // Queues that share a vector take turns, a chunk each.
        let mut left = queues_of(roles);
        while swept.more && !swept.late {
            let room = budget.saturating_sub(swept.indicated);
            if room == 0 {
                break;
            }
            let received = self.poll_queues(&mut left, room.min(CHUNK), up, irql);
            swept.indicated += received.indicated;
            swept.bytes += received.bytes;
            swept.more = received.more;
            // Nothing indicated, and more: somebody else posts buffers at this moment.
            swept.late = received.indicated == 0
                || cycles().wrapping_sub(begin) > self.dpc_cycles.load(Ordering::Relaxed);
        }
        swept
    }

    /// Notes what a pass over the vector of `message` did: what it swept, `sent` net buffers finished, the link looked at
    /// or not.
    // Always: as above.
    #[inline(always)]
    pub(super) fn account(&self, message: u32, swept: &Swept, sent: u32, looked: bool) {
        let frames = swept.indicated + sent;
        self.samples(message, swept.indicated, swept.bytes);
        if let Some(record) = self.irq.record(message) {
            record.handled(frames);
            if frames == 0 && !looked {
                record.found_nothing();
            }
        }
    }

    /// One chunk from the queues in `left` that have something; a queue that has no more leaves `left`.
    fn poll_queues(
        &self,
        left: &mut [bool; QUEUES],
        most: u32,
        up: &mut Up<'_>,
        irql: &mut Irql<Dispatch>,
    ) -> Received {
        let [a, b] = &self.receivers;
        let (receiver, left) = match left {
            [true, true] => return self.poll_both(left, most, up, irql),
            [first @ true, _] => (a, first),
            [_, second @ true] => (b, second),
            [false, false] => return Received::default(),
        };
        let done = receiver.poll(self, most, up, irql);
        *left = done.more;
        done
    }

    /// The same for two queues that share a vector: half each, and not always the same one first, as of an odd or a tiny
    /// limit the first has more.
    fn poll_both(
        &self,
        left: &mut [bool; QUEUES],
        most: u32,
        up: &mut Up<'_>,
        irql: &mut Irql<Dispatch>,
    ) -> Received {
        // Relaxed, and no read-modify-write: two processors that see the same turn do no harm. Not with a vector for each
        // queue: they share no cache line.
        let second_first = self.turn.load(Ordering::Relaxed);
        self.turn.store(!second_first, Ordering::Relaxed);
        let share = most.div_ceil(2);
        let mut order = [0, 1];
        if second_first {
            order.reverse();
        }
        let mut done = Received::default();
        for queue in order {
            let room = share.min(most.saturating_sub(done.indicated));
            if room > 0
                && let (Some(receiver), Some(left)) =
                    (self.receivers.get(queue), left.get_mut(queue))
            {
                let one = receiver.poll(self, room, up, irql);
                done.indicated += one.indicated;
                done.bytes = done.bytes.saturating_add(one.bytes);
                *left = one.more;
            }
        }
        done.more = left.iter().any(|more| *more);
        done
    }

    /// Runs the DPC of `message` again, on this processor.
    fn requeue(&self, message: u32, interrupt: InterruptRef<'_>, irql: &Irql<Dispatch>) {
        if !interrupt.requeue_here(message, irql) {
            // no handle yet. The vector is raised as if the chip had; its ISR queues the DPC.
            self.irq.raise(&self.mmio, message);
        }
    }

    /// Adaptive moderation: what a pass handled, and the step it leads to.
    fn samples(&self, message: u32, frames: u32, bytes: u32) {
        if frames == 0 || self.moderation() != Moderation::Adaptive {
            return;
        }
        let adaptive = self.adaptive.get(message as usize);
        if let Some(step) = adaptive.and_then(|vector| vector.add(frames, bytes)) {
            // One register write for a change of step, once a window at most.
            self.irq.set_interval(&self.mmio, message, step.interval());
            // An RMW and not a load: it may not run ahead of the write above. Switched off meanwhile, whoever did it may have
            // written before this, and no later pass would mend it.
            if !self.moderated.fetch_or(false, Ordering::AcqRel) {
                let interval = self.moderation().initial_interval();
                self.irq.set_interval(&self.mmio, message, interval);
            }
        }
    }
}

/// The receive queues of a vector.
pub(super) fn queues_of(roles: Roles) -> [bool; QUEUES] {
    [Roles::RX0, Roles::RX1].map(|role| roles.contains(role))
}

/// The transmit queues of a vector.
pub(super) fn transmit_queues(roles: Roles) -> impl Iterator<Item = usize> {
    let queues = [Roles::TX0, Roles::TX1].into_iter().enumerate();
    queues.filter_map(move |(queue, role)| roles.contains(role).then_some(queue))
}
