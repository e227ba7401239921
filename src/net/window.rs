// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit window: net buffers between their ticket and their completion, in order.
//!
//! Everything here runs under the sender's lock and calls nothing of NDIS. DISPATCH_LEVEL.

use super::feed::{Feed, Progress};
use super::frame::Cast;
use super::plan::Plan;
use super::send::Mapper;
use crate::hw::mmio::Mmio;
use crate::net::statistics::Direction;
use crate::ring::PushError;
use alloc::boxed::Box;
use arrayvec::ArrayVec;
use ndis::dma::{MappedNetBuffer, ScatterGatherDma};
use ndis::irql::{Dispatch, Irql};
use ndis::mem::Shared;
use ndis::miniport::CancelId;
use ndis::nbl::{SendChain, SendNbl, TxNetBuffer, TxNetBuffers};
use ndis::status::Status;

/// Net buffers taken or finished per hold of the lock.
pub const BATCH: usize = 16;
/// Frames looked at per hold of the lock: a large send has many.
const REPORTS: u32 = 256;

/// Where a net buffer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nowhere: the place is free, or NDIS maps what has it.
    #[default]
    Away,
    /// Mapped; waits for its turn or for room in the ring.
    Waiting,
    /// In the ring.
    Sent,
    /// Not sent; completed in its turn with the entry's status.
    Refused,
}

/// What the window holds of a net buffer.
#[derive(Debug, Default)]
pub(super) enum Held {
    #[default]
    Nothing,
    Mapped(MappedNetBuffer),
    /// It could not be mapped.
    Unmapped(TxNetBuffer),
}

/// A place in the window.
#[derive(Debug)]
pub struct Entry {
    state: State,
    cast: Cast,
    status: Status,
    plan: Plan,
    progress: Progress,
    held: Held,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            state: State::Away,
            cast: Cast::Unicast,
            status: Status::SUCCESS,
            plan: Plan::PLAIN,
            progress: Progress::default(),
            held: Held::Nothing,
        }
    }
}

/// The ring and everything that waits for it.
#[derive(Debug)]
pub struct Ring {
    pub(super) feed: Feed,
    window: Box<[Entry]>,
    /// Tickets, free-running: `head` ≤ `next` ≤ `tail`, at most the window's length apart. Before `head` everything is
    /// completed, before `next` everything is in the ring or refused.
    head: u32,
    next: u32,
    tail: u32,
    /// The NBL that is being split.
    pub(super) current: Option<TxNetBuffers>,
    /// NBLs that nobody has looked at.
    pub(super) pending: SendChain,
    /// Senders in their loop: mapping callbacks leave the ring to them, so that a chain costs one tail write.
    pub(super) senders: u32,
    /// Why nothing enters the ring: it is not programmed.
    refusing: Option<Status>,
    pub(super) dma: Shared<ScatterGatherDma<Mapper>>,
}

/// The next net buffers to map, with their tickets.
pub(super) type Batch = ArrayVec<(TxNetBuffer, u32), BATCH>;
/// What one hold of the lock finishes.
pub(super) type Finished = ArrayVec<(Held, Status), BATCH>;

impl Ring {
    /// An empty ring. The window's length is a power of two.
    pub fn new(
        feed: Feed,
        window: Box<[Entry]>,
        dma: Shared<ScatterGatherDma<Mapper>>,
        pending: SendChain,
    ) -> Self {
        Self {
            feed,
            window,
            head: 0,
            next: 0,
            tail: 0,
            current: None,
            pending,
            senders: 0,
            refusing: None,
            dma,
        }
    }

    #[inline]
    fn entry(&mut self, ticket: u32) -> Option<&mut Entry> {
        let at = ticket as usize & self.window.len().wrapping_sub(1);
        self.window.get_mut(at)
    }

    /// Takes the next net buffers, each with a ticket, as far as the window and `batch` have room. NBLs without net
    /// buffers go to `empty`.
    #[inline(never)]
    pub(super) fn next_batch(&mut self, batch: &mut Batch, empty: &mut SendChain) {
        while !batch.is_full() && (self.tail.wrapping_sub(self.head) as usize) < self.window.len() {
            let Some(nb) = self.next_net_buffer(empty) else {
                break;
            };
            // There is room.
            let _ = batch.try_push((nb, self.tail));
            self.tail = self.tail.wrapping_add(1);
        }
    }

    #[inline]
    fn next_net_buffer(&mut self, empty: &mut SendChain) -> Option<TxNetBuffer> {
        if self.current.is_none() {
            // Most NBLs have one net buffer.
            match self.pending.pop()?.into_only() {
                Ok(nb) => return Some(nb),
                Err(nbl) => self.split(nbl, empty),
            }
        }
        self.next_of_many(empty)
    }

    #[inline(never)]
    fn next_of_many(&mut self, empty: &mut SendChain) -> Option<TxNetBuffer> {
        loop {
            if let Some(nb) = self.current.as_mut().and_then(Iterator::next) {
                return Some(nb);
            }
            self.current = None;
            let nbl = self.pending.pop()?;
            self.split(nbl, empty);
        }
    }

    fn split(&mut self, nbl: SendNbl, empty: &mut SendChain) {
        match nbl.split() {
            Ok(net_buffers) => self.current = Some(net_buffers),
            Err(mut nbl) => {
                // D-01 promises at least one.
                nbl.set_status(Status::INVALID_LENGTH);
                empty.push(nbl);
            }
        }
    }

    /// Whether NBLs or net buffers wait for a ticket.
    pub(super) fn has_pending(&self) -> bool {
        self.current.is_some() || !self.pending.is_empty()
    }

    /// A net buffer has been mapped; without a plan it is sent as it is.
    #[inline(always)]
    pub(super) fn mapped(
        &mut self,
        ticket: u32,
        mapped: MappedNetBuffer,
        plan: Option<Result<Plan, Status>>,
        cast: Cast,
    ) {
        if let Some(entry) = self.entry(ticket) {
            entry.held = Held::Mapped(mapped);
            entry.cast = cast;
            entry.progress = Progress::default();
            match plan {
                None => {
                    entry.plan = Plan::PLAIN;
                    entry.state = State::Waiting;
                }
                Some(Ok(plan)) => {
                    entry.plan = plan;
                    entry.state = State::Waiting;
                }
                Some(Err(status)) => {
                    entry.status = status;
                    entry.state = State::Refused;
                }
            }
        }
    }

    /// A net buffer is not sent, and was not mapped.
    pub(super) fn failed(&mut self, ticket: u32, nb: TxNetBuffer, status: Status) {
        if let Some(entry) = self.entry(ticket) {
            entry.held = Held::Unmapped(nb);
            entry.progress = Progress::default();
            entry.status = status;
            entry.state = State::Refused;
        }
    }

    /// Moves what is mapped into the ring, in the order of tickets, as far as there is room; nothing when the device is
    /// gone or the ring is not programmed.
    pub(super) fn advance(&mut self, gone: bool, irql: &Irql<Dispatch>) {
        let refused = match self.refusing {
            None if gone => Some(Status::NOT_ACCEPTED),
            refused => refused,
        };
        while self.next != self.tail {
            let ticket = self.next;
            let at = ticket as usize & self.window.len().wrapping_sub(1);
            let Some(entry) = self.window.get_mut(at) else {
                return;
            };
            match (entry.state, &entry.held) {
                (State::Away, _) => return,
                (State::Waiting, Held::Mapped(mapped)) if refused.is_none() => {
                    let (plan, progress) = (&entry.plan, &mut entry.progress);
                    entry.state = match self.feed.push(mapped, plan, ticket, progress, irql) {
                        Ok(()) => State::Sent,
                        Err(PushError::Full) => return,
                        Err(error) => {
                            entry.status = match error {
                                PushError::TooManySegments => Status::RESOURCES,
                                _ => Status::INVALID_LENGTH,
                            };
                            State::Refused
                        }
                    };
                }
                (State::Waiting, _) => {
                    entry.status = refused.unwrap_or(Status::NOT_ACCEPTED);
                    entry.state = State::Refused;
                }
                (State::Sent | State::Refused, _) => {}
            }
            self.next = ticket.wrapping_add(1);
        }
    }

    /// Whether the oldest net buffer of the window was refused: no interrupt will come for it.
    pub(super) fn has_failed(&mut self) -> bool {
        let head = self.head;
        head != self.next
            && self
                .entry(head)
                .is_some_and(|e| e.state == State::Refused && e.progress.outstanding == 0)
    }

    pub(super) fn ring_doorbell(&mut self, m: &impl Mmio) {
        if let Some(bell) = self.feed.ring().doorbell() {
            bell.ring(m);
        }
    }

    /// The chip knows the ring and may be given frames.
    pub(super) fn accept(&mut self) {
        self.refusing = None;
    }

    /// The ticket of the oldest net buffer, if it is the chip's turn to finish it.
    pub(super) fn oldest(&mut self) -> Option<u32> {
        let (head, tail) = (self.head, self.tail);
        let entry = (head != tail).then(|| self.entry(head)).flatten()?;
        matches!(entry.state, State::Sent | State::Waiting).then_some(head)
    }

    /// Whether net buffers are in the ring, or wait for room there.
    pub(super) fn is_sending(&mut self) -> bool {
        let (mut ticket, tail) = (self.head, self.tail);
        while ticket != tail {
            let entry = self.entry(ticket);
            if entry.is_some_and(|e| matches!(e.state, State::Sent | State::Waiting)) {
                return true;
            }
            ticket = ticket.wrapping_add(1);
        }
        false
    }

    /// Empties the ring: what the chip had and did not report fails with `status`, and so does what comes before
    /// [`accept`](Self::accept). The chip has been stopped, or is gone.
    pub(super) fn refuse_sent(&mut self, status: Status) {
        self.refusing = Some(status);
        self.feed.drain();
        let (mut ticket, next, tail) = (self.head, self.next, self.tail);
        while ticket != tail {
            if let Some(entry) = self.entry(ticket) {
                // A large send of which a part was in the ring fails as a whole.
                let partly = entry.state == State::Waiting && entry.progress.frames > 0;
                entry.progress.outstanding = 0;
                if entry.state == State::Sent || partly {
                    entry.state = State::Refused;
                    entry.status = status;
                }
            }
            if ticket == next {
                break;
            }
            ticket = ticket.wrapping_add(1);
        }
    }

    /// D-50: what has not reached the ring and has this id is refused.
    pub(super) fn cancel(&mut self, id: CancelId) {
        let mut ticket = self.next;
        while ticket != self.tail {
            if let Some(entry) = self.entry(ticket)
                && entry.state == State::Waiting
                && entry.progress.frames == 0
                && let Held::Mapped(mapped) = &entry.held
                && mapped.net_buffer().is_cancelled_by(id)
            {
                entry.state = State::Refused;
                entry.status = Status::SEND_ABORTED;
            }
            ticket = ticket.wrapping_add(1);
        }
    }

    /// Moves up to `room` finished net buffers to `done`, oldest first; returns how many, and whether there may be more.
    #[inline]
    pub(super) fn finished(
        &mut self,
        statistics: &Direction,
        done: &mut Finished,
        room: usize,
    ) -> (usize, bool) {
        let mask = self.window.len().wrapping_sub(1);
        let window = &mut self.window;
        let frames = self.feed.complete(REPORTS, |ticket| {
            if let Some(entry) = window.get_mut(ticket as usize & mask) {
                entry.progress.outstanding = entry.progress.outstanding.wrapping_sub(1);
            }
        });
        let mut tally = Tally::default();
        let mut count = 0;
        while count < room {
            if self.head == self.next {
                break;
            }
            let ticket = self.head;
            let Some(entry) = self.entry(ticket) else {
                break;
            };
            if entry.progress.outstanding != 0 {
                break;
            }
            let status = match entry.state {
                State::Sent => {
                    tally.add(entry.cast, entry.progress);
                    Status::SUCCESS
                }
                State::Refused => {
                    tally.errors += 1;
                    entry.status
                }
                State::Waiting | State::Away => break,
            };
            entry.state = State::Away;
            // `room` is no more than `done` has.
            let _ = done.try_push((core::mem::take(&mut entry.held), status));
            self.head = ticket.wrapping_add(1);
            count += 1;
        }
        tally.give(statistics);
        (count, count == room || frames == REPORTS)
    }
}

/// What a batch adds to the statistics.
#[derive(Default)]
struct Tally {
    unicast: Progress,
    multicast: Progress,
    broadcast: Progress,
    errors: u64,
}

impl Tally {
    #[inline]
    fn add(&mut self, cast: Cast, sent: Progress) {
        let to = match cast {
            Cast::Unicast => &mut self.unicast,
            Cast::Multicast => &mut self.multicast,
            Cast::Broadcast => &mut self.broadcast,
        };
        to.frames = to.frames.wrapping_add(sent.frames);
        to.octets = to.octets.wrapping_add(sent.octets);
    }

    fn give(self, statistics: &Direction) {
        for (cast, sent) in [
            (Cast::Unicast, self.unicast),
            (Cast::Multicast, self.multicast),
            (Cast::Broadcast, self.broadcast),
        ] {
            if sent.frames > 0 {
                statistics.good(cast, sent.frames, sent.octets);
            }
        }
        if self.errors > 0 {
            statistics.error(self.errors);
        }
    }
}
