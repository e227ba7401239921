// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit window: net buffers between their ticket and their completion.
//!
//! A ticket is a place where the mapped net buffer is put down, without a lock and in any order; here they are picked up
//! in the order of their tickets, and go into the ring or are refused. The ring has them until the chip has reported their
//! last frame.
//!
//! Everything here runs under the sender's lock and calls nothing of NDIS. DISPATCH_LEVEL.

use super::feed::{Feed, Group, Pushed, Rules};
use super::frame::Cast;
use super::send::Mapper;
use crate::hw::mmio::Mmio;
use crate::net::statistics::Direction;
use arrayvec::ArrayVec;
use core::ops::Range;
use ndis::dma::{MappedNetBuffer, MappedQueue, ScatterGatherDma};
use ndis::irql::{Dispatch, Irql};
use ndis::mem::Shared;
use ndis::miniport::CancelId;
use ndis::nbl::{OnlyNetBuffers, SendChain, SendNbl, TxNetBuffer, TxNetBuffers};
use ndis::places::{Found, Taker};
use ndis::status::Status;

/// Net buffers taken per hold of the lock, where NBLs have not one each.
const BATCH: usize = 16;
/// Groups of frames looked at per hold of the lock.
const GROUPS: u32 = 16;

/// The ring and everything that waits for it.
#[derive(Debug)]
pub struct Ring {
    pub(super) feed: Feed,
    /// The places of the tickets.
    taker: Taker<MappedNetBuffer>,
    /// Tickets, free-running: before `next` everything has been picked up, before `tail` everything has been given out.
    next: u32,
    tail: u32,
    /// How many of them are finished. `tail` is at most the count of places before this and before `next`.
    finished: u32,
    /// Picked up, and the ring had no room for all of it.
    stuck: Option<MappedNetBuffer>,
    /// Picked up and not sent; their NBLs have the status.
    refused: MappedQueue,
    /// How many of those nothing was wrong with.
    dropped: u32,
    /// The chip is done with them.
    reported: MappedQueue,
    reported_count: u32,
    /// The NBL that is being split.
    pub(super) current: Option<TxNetBuffers>,
    /// NBLs that nobody has looked at.
    pub(super) pending: SendChain,
    /// Why nothing enters the ring: it is not programmed.
    refusing: Option<Status>,
    pub(super) dma: Shared<ScatterGatherDma<Mapper>>,
}

/// Net buffers of NBLs that have several.
pub(super) type Few = ArrayVec<TxNetBuffer, BATCH>;

/// The next net buffers to map.
#[derive(Debug)]
pub(super) enum Batch {
    /// None, or there is no room.
    Nothing,
    /// Everything that was pending.
    All(OnlyNetBuffers),
    /// Some, in the [`Few`] that was given.
    Few,
}

impl Ring {
    /// An empty ring.
    pub fn new(
        feed: Feed,
        taker: Taker<MappedNetBuffer>,
        dma: Shared<ScatterGatherDma<Mapper>>,
        pending: SendChain,
    ) -> Self {
        Self {
            feed,
            taker,
            next: 0,
            tail: 0,
            finished: 0,
            stuck: None,
            refused: MappedQueue::new(),
            dropped: 0,
            reported: MappedQueue::new(),
            reported_count: 0,
            current: None,
            pending,
            refusing: None,
            dma,
        }
    }

    /// Tickets that can be given out.
    #[inline]
    fn room(&self) -> usize {
        let out = self.tail.wrapping_sub(self.finished);
        let waiting = self.tail.wrapping_sub(self.next);
        self.taker.count().saturating_sub(out.max(waiting)) as usize
    }

    /// Takes all of `chain`, and gives out tickets for it, if nothing waits before it, there is room, and its NBLs have a net
    /// buffer each.
    #[inline]
    pub(super) fn next_all(
        &mut self,
        chain: &mut SendChain,
    ) -> Option<(OnlyNetBuffers, Range<u32>)> {
        if self.has_pending() {
            return None;
        }
        let start = self.tail;
        let all = take_all(chain, self.room(), &mut self.tail)?;
        Some((all, start..self.tail))
    }

    /// Takes the next net buffers, as far as there is room, and gives out tickets for them. NBLs without net buffers go
    /// to `empty`.
    #[inline]
    pub(super) fn next_batch(
        &mut self,
        few: &mut Few,
        empty: &mut SendChain,
    ) -> (Batch, Range<u32>) {
        let start = self.tail;
        if !self.has_pending() {
            return (Batch::Nothing, start..start);
        }
        let room = self.room();
        let batch = if self.current.is_none()
            && let Some(all) = take_all(&mut self.pending, room, &mut self.tail)
        {
            Batch::All(all)
        } else {
            self.next_few(room, few, empty);
            if few.is_empty() {
                Batch::Nothing
            } else {
                Batch::Few
            }
        };
        (batch, start..self.tail)
    }

    #[inline(never)]
    fn next_few(&mut self, room: usize, few: &mut Few, empty: &mut SendChain) {
        while few.len() < room && !few.is_full() {
            let Some(nb) = self.next_net_buffer(empty) else {
                break;
            };
            // There is room.
            let _ = few.try_push(nb);
            self.tail = self.tail.wrapping_add(1);
        }
    }

    fn next_net_buffer(&mut self, empty: &mut SendChain) -> Option<TxNetBuffer> {
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
    #[inline]
    pub(super) fn has_pending(&self) -> bool {
        self.current.is_some() || !self.pending.is_empty()
    }

    /// The net buffer with this ticket is not put down: it could not be mapped, and its owner finishes it.
    pub(super) fn failed(&mut self, ticket: u32) {
        self.taker.skip(ticket);
        self.finished = self.finished.wrapping_add(1);
    }

    /// After a sender has had the net buffers of `tickets` mapped: moves what is there into the ring, and makes sure that
    /// whoever puts down the rest does the same.
    #[inline]
    pub(super) fn settle(&mut self, tickets: Range<u32>, rules: &Rules, irql: &Irql<Dispatch>) {
        let single = tickets.end.wrapping_sub(tickets.start) == 1;
        // Behind a single one others may wait that found it missing, and have nobody else to move them.
        if !single || !self.push_next(rules, irql) || self.next != self.tail {
            self.advance(rules, irql);
        }
        let left = tickets.end.wrapping_sub(self.next);
        // Most of the time all of them are gone: `next` is at their end, or beyond.
        if left != 0 && left <= self.taker.count() {
            let all = tickets.end.wrapping_sub(tickets.start);
            let from = tickets.end.wrapping_sub(left.min(all));
            if self.taker.part(from..tickets.end) {
                self.advance(rules, irql);
            }
        }
    }

    /// Moves the next net buffer into the ring and looks for no other, if it is a usual one and nothing stands in the way: as
    /// [`advance`](Self::advance), for the many chains that have no more. `false`: nothing was done.
    #[inline]
    fn push_next(&mut self, rules: &Rules, irql: &Irql<Dispatch>) -> bool {
        if rules.gone
            || self.refusing.is_some()
            || self.stuck.is_some()
            || rules.offloads.vlan_id() != 0
        {
            return false;
        }
        let start = self.next;
        let mut values = self.taker.values();
        let (done, other) = self.feed.push_single(|| values.take(start), irql);
        let taken = done || other.is_some();
        if taken {
            self.next = start.wrapping_add(1);
        }
        if let Some(nb) = other {
            self.push(nb, rules, irql);
        }
        taken
    }

    /// Whether something waits for room in the ring, or to be put down.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.next != self.tail || self.stuck.is_some()
    }

    /// Moves what is mapped into the ring, in the order of tickets, as far as there is room; nothing when the device is
    /// gone or the ring is not programmed.
    #[inline(never)]
    pub(super) fn advance(&mut self, rules: &Rules, irql: &Irql<Dispatch>) {
        let gone = rules.gone.then_some(Status::NOT_ACCEPTED);
        if let Some(status) = self.refusing.or(gone) {
            self.refuse_waiting(status);
            return;
        }
        if self.stuck.is_some() && !self.resume(rules, irql) {
            return;
        }
        while self.next != self.tail {
            let (start, mut left) = (self.next, self.tail.wrapping_sub(self.next));
            if rules.offloads.vlan_id() != 0 {
                // Every frame needs a tag: none is a usual one.
                left = 0;
            }
            let mut values = self.taker.values();
            let take = |ahead| values.take(start.wrapping_add(ahead));
            let (count, other) = self.feed.push_usual(left, take, irql);
            self.next = start.wrapping_add(count);
            let go_on = match other {
                Some(nb) => {
                    self.next = self.next.wrapping_add(1);
                    self.push(nb, rules, irql)
                }
                // A group ended, or something is the matter with the next one.
                None => count != 0 || self.advance_by_one(rules, irql),
            };
            if !go_on {
                break;
            }
        }
    }

    /// Looks at one ticket only; `false`: it is not put down yet, or there is no room.
    #[inline(never)]
    fn advance_by_one(&mut self, rules: &Rules, irql: &Irql<Dispatch>) -> bool {
        let found = self.taker.take(self.next);
        if matches!(found, Found::Nothing) {
            return false;
        }
        self.next = self.next.wrapping_add(1);
        match found {
            Found::Value(nb) => self.push(nb, rules, irql),
            Found::Nothing | Found::Skipped => true,
        }
    }

    /// Goes on with what the ring had no room for; `false`: it has none still.
    #[inline(never)]
    fn resume(&mut self, rules: &Rules, irql: &Irql<Dispatch>) -> bool {
        let stuck = self.stuck.take();
        stuck.is_none_or(|nb| self.push(nb, rules, irql))
    }

    /// Moves one net buffer into the ring; `false`: there is no room.
    #[inline(never)]
    fn push(&mut self, nb: MappedNetBuffer, rules: &Rules, irql: &Irql<Dispatch>) -> bool {
        match self.feed.push(nb, rules, irql) {
            Pushed::Done => true,
            Pushed::Full(nb) => {
                self.stuck = Some(nb);
                false
            }
            Pushed::Refused(nb) => {
                self.refused.push(nb);
                true
            }
        }
    }

    /// Refuses what has been put down.
    #[cold]
    #[inline(never)]
    fn refuse_waiting(&mut self, status: Status) {
        if let Some(nb) = self.stuck.take() {
            self.refuse(nb, status);
        }
        while self.next != self.tail {
            match self.taker.take(self.next) {
                Found::Nothing => return,
                Found::Skipped => {}
                Found::Value(nb) => self.refuse(nb, status),
            }
            self.next = self.next.wrapping_add(1);
        }
    }

    fn refuse(&mut self, mut nb: MappedNetBuffer, status: Status) {
        nb.net_buffer_mut().fail(status);
        if let Some(nb) = self.feed.refuse(nb) {
            self.refused.push(nb);
            self.dropped += 1;
        }
    }

    /// Whether net buffers were refused: no interrupt will come for them.
    #[inline]
    pub(super) fn has_failed(&self) -> bool {
        !self.refused.is_empty()
    }

    #[inline]
    pub(super) fn ring_doorbell(&mut self, m: &impl Mmio) {
        if let Some(bell) = self.feed.ring().doorbell() {
            bell.ring(m);
        }
    }

    /// The chip knows the ring and may be given frames.
    pub(super) fn accept(&mut self) {
        self.refusing = None;
    }

    /// Names the oldest frame that the chip has not finished, if there is one.
    pub(super) fn oldest(&mut self) -> Option<u32> {
        let ring = self.feed.ring();
        (!ring.is_idle()).then(|| ring.oldest())
    }

    /// Whether net buffers are in the ring, or wait for room there.
    pub(super) fn is_sending(&mut self) -> bool {
        self.stuck.is_some()
            || !self.feed.ring().is_idle()
            || self.taker.has_any(self.next..self.tail)
    }

    /// Empties the ring: what the chip had and did not report fails with `status`, and so does what comes before
    /// [`accept`](Self::accept). The chip has been stopped, or is gone.
    pub(super) fn refuse_sent(&mut self, status: Status) {
        self.refusing = Some(status);
        let (refused, dropped) = (&mut self.refused, &mut self.dropped);
        self.feed.drain(|mut nb| {
            nb.net_buffer_mut().fail(status);
            refused.push(nb);
            *dropped += 1;
        });
        // A large send of which a part was in the ring fails as a whole.
        self.refuse_waiting(status);
    }

    /// D-50: what has not reached the ring and has this id is refused.
    pub(super) fn cancel(&mut self, id: CancelId) {
        let is_cancelled = |nb: &MappedNetBuffer| nb.net_buffer().is_cancelled_by(id);
        if !self.feed.is_begun()
            && let Some(nb) = self.stuck.take_if(|nb| is_cancelled(nb))
        {
            self.refuse(nb, Status::SEND_ABORTED);
        }
        let (refused, dropped) = (&mut self.refused, &mut self.dropped);
        self.taker
            .take_if(self.next..self.tail, is_cancelled, |mut nb| {
                nb.net_buffer_mut().fail(Status::SEND_ABORTED);
                refused.push(nb);
                *dropped += 1;
            });
    }

    /// Moves finished net buffers to `done`, at most `room`: the refused ones first, then those that were sent, oldest first.
    /// Returns how many, and whether there may be more.
    #[inline]
    pub(super) fn finished(
        &mut self,
        statistics: &Direction,
        done: &mut MappedQueue,
        room: u32,
    ) -> (u32, bool) {
        let mut count = 0;
        if self.has_failed() {
            count = take(&mut self.refused, done, room);
            let dropped = self.dropped.min(count);
            self.dropped -= dropped;
            statistics.discard(dropped.into());
            statistics.error((count - dropped).into());
        }
        let all = self.reported(statistics);
        let waiting = self.reported_count;
        if waiting != 0 {
            let taken = if waiting <= room - count {
                done.append(&mut self.reported);
                waiting
            } else {
                take(&mut self.reported, done, room - count)
            };
            self.reported_count -= taken;
            count += taken;
        }
        self.finished = self.finished.wrapping_add(count);
        (count, !all || self.reported_count != 0 || self.has_failed())
    }

    /// Takes over the net buffers whose frames the chip has reported. Whether that is all that there are.
    #[inline]
    fn reported(&mut self, statistics: &Direction) -> bool {
        let (reported, count) = (&mut self.reported, &mut self.reported_count);
        let mut left = GROUPS;
        self.feed.complete(|group| {
            reported.append(&mut group.done);
            *count += group.count;
            settle(group, statistics);
            left -= 1;
            left != 0
        });
        left != 0
    }
}

/// Takes all of a chain whose NBLs have a net buffer each, if there is room for it, with tickets from `tail` on.
#[inline]
fn take_all(chain: &mut SendChain, room: usize, tail: &mut u32) -> Option<OnlyNetBuffers> {
    if chain.len() > room {
        return None;
    }
    let all = chain.take_only()?;
    *tail = tail.wrapping_add(all.left() as u32);
    Some(all)
}

/// Moves up to `room` from one queue to another; how many there were.
#[cold]
#[inline(never)]
fn take(from: &mut MappedQueue, to: &mut MappedQueue, room: u32) -> u32 {
    let mut count = 0;
    while count < room
        && let Some(nb) = from.pop()
    {
        to.push(nb);
        count += 1;
    }
    count
}

/// Adds a group to the statistics.
#[inline]
fn settle(group: &Group, statistics: &Direction) {
    let [multicast, multicast_octets] = group.casts.multicast;
    let [broadcast, broadcast_octets] = group.casts.broadcast;
    let others = multicast + broadcast;
    let octets = group
        .octets
        .wrapping_sub(multicast_octets)
        .wrapping_sub(broadcast_octets);
    statistics.good(Cast::Unicast, group.frames - others, octets);
    if others != 0 {
        statistics.good(Cast::Multicast, multicast, multicast_octets);
        statistics.good(Cast::Broadcast, broadcast, broadcast_octets);
    }
    if group.refused != 0 {
        statistics.error(u64::from(group.refused));
    }
}
