// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit window: net buffers between their ticket and their completion, in order.
//!
//! Everything here runs under the sender's lock and calls nothing of NDIS. DISPATCH_LEVEL.

use super::frame::{Cast, MIN_FRAME};
use super::memory::Block;
use super::send::Mapper;
use crate::adapter::Core;
use crate::hw::mmio::Mmio;
use crate::ring::{PushError, Segment, TxRequest, TxRing, TxSlot};
use alloc::boxed::Box;
use ndis::dma::{MappedNetBuffer, ScatterGatherDma, SharedMemory};
use ndis::mem::Shared;
use ndis::nbl::{SendChain, TxNetBuffer, TxNetBuffers};
use ndis::status::Status;

/// Net buffers finished per hold of the lock.
pub const BATCH: usize = 32;

/// A place in the window.
#[derive(Debug, Default)]
pub enum Slot {
    /// Nobody's.
    #[default]
    Empty,
    /// Being mapped by NDIS.
    Reserved,
    /// Mapped; waits for its turn or for room in the ring.
    Ready(MappedNetBuffer, Cast),
    /// Not sent; completed in its turn.
    Failed(TxNetBuffer, Status),
    /// Mapped, but not to be sent.
    Refused(MappedNetBuffer, Status),
    /// In the ring.
    Sent(MappedNetBuffer, Cast),
}

/// The ring and everything that waits for it.
#[derive(Debug)]
pub struct Ring {
    pub(super) ring: TxRing<Block, Box<[TxSlot]>>,
    window: Box<[Slot]>,
    /// Tickets, free-running: `head` ≤ `next` ≤ `tail`, at most the window's length apart. Before `head` everything is
    /// completed, before `next` everything is in the ring or failed.
    pub(super) head: u32,
    pub(super) next: u32,
    tail: u32,
    /// Before this ticket the chip is done.
    reported: u32,
    /// The NBL that is being split.
    pub(super) current: Option<TxNetBuffers>,
    /// NBLs that nobody has looked at.
    pub(super) pending: SendChain,
    /// Senders in their loop: mapping callbacks leave the tail write to them, so that a chain costs one.
    pub(super) senders: u32,
    /// Zeros behind short frames (D-11).
    zeros: Shared<SharedMemory>,
    pub(super) dma: Shared<ScatterGatherDma<Mapper>>,
}

/// What is finished outside the lock.
pub(super) enum Done {
    Unmap(MappedNetBuffer, Status),
    Finish(TxNetBuffer, Status),
}

impl Ring {
    /// An empty ring.
    pub fn new(
        ring: TxRing<Block, Box<[TxSlot]>>,
        window: Box<[Slot]>,
        zeros: Shared<SharedMemory>,
        dma: Shared<ScatterGatherDma<Mapper>>,
        pending: SendChain,
    ) -> Self {
        Self {
            ring,
            window,
            head: 0,
            next: 0,
            tail: 0,
            reported: 0,
            current: None,
            pending,
            senders: 0,
            zeros,
            dma,
        }
    }

    fn slot(&mut self, ticket: u32) -> Option<&mut Slot> {
        // The window's length is a power of two.
        let at = ticket as usize & (self.window.len().wrapping_sub(1));
        self.window.get_mut(at)
    }

    pub(super) fn set(&mut self, ticket: u32, value: Slot) {
        if let Some(slot) = self.slot(ticket) {
            *slot = value;
        }
    }

    pub(super) fn take(&mut self, ticket: u32) -> Slot {
        self.slot(ticket).map(core::mem::take).unwrap_or_default()
    }

    /// The next net buffer with a ticket, unless the window is full or nothing waits.
    pub(super) fn next_to_map(&mut self, empty: &mut SendChain) -> Option<(TxNetBuffer, u32)> {
        if self.tail.wrapping_sub(self.head) as usize >= self.window.len() {
            return None;
        }
        loop {
            if let Some(nb) = self.current.as_mut().and_then(Iterator::next) {
                let ticket = self.tail;
                self.tail = ticket.wrapping_add(1);
                self.set(ticket, Slot::Reserved);
                return Some((nb, ticket));
            }
            self.current = None;
            match self.pending.pop()?.split() {
                Ok(net_buffers) => self.current = Some(net_buffers),
                Err(mut nbl) => {
                    // D-01 promises at least one.
                    nbl.set_status(Status::INVALID_LENGTH);
                    empty.push(nbl);
                }
            }
        }
    }

    /// Moves what is ready into the ring, in the order of tickets, as far as there is room.
    pub(super) fn advance(&mut self, gone: bool) {
        while self.next != self.tail {
            let ticket = self.next;
            let value = match self.take(ticket) {
                Slot::Ready(mapped, _) if gone => Slot::Refused(mapped, Status::NOT_ACCEPTED),
                Slot::Ready(mapped, cast) => match self.push(&mapped, ticket) {
                    Ok(()) => Slot::Sent(mapped, cast),
                    Err(PushError::Full) => {
                        self.set(ticket, Slot::Ready(mapped, cast));
                        return;
                    }
                    // More pieces than the chip takes for one frame.
                    Err(PushError::TooManySegments) => Slot::Refused(mapped, Status::RESOURCES),
                    Err(PushError::Empty) => Slot::Refused(mapped, Status::INVALID_LENGTH),
                },
                Slot::Reserved => {
                    self.set(ticket, Slot::Reserved);
                    return;
                }
                failed => failed,
            };
            self.set(ticket, value);
            self.next = ticket.wrapping_add(1);
        }
    }

    /// Writes the descriptors of one frame, padded to the minimum.
    fn push(&mut self, mapped: &MappedNetBuffer, ticket: u32) -> Result<(), PushError> {
        let length = mapped.net_buffer().data_length();
        let listed: u32 = mapped.data().map(|(_, length)| length).sum();
        if listed != length {
            // The list does not cover the frame: nothing of it may go out.
            return Err(PushError::Empty);
        }
        let padding = Segment {
            address: self.zeros.logical_address(),
            len: MIN_FRAME.saturating_sub(length),
        };
        let data = mapped.data().map(|(address, len)| Segment { address, len });
        let segments = data.chain(core::iter::once(padding));
        self.ring
            .push(segments, &TxRequest::default(), ticket as usize)
    }

    /// Whether the oldest net buffer of the window failed: no interrupt will come for it.
    pub(super) fn has_failed(&mut self) -> bool {
        let head = self.head;
        head != self.next && matches!(self.slot(head), Some(Slot::Failed(..) | Slot::Refused(..)))
    }

    pub(super) fn ring_doorbell(&mut self, m: &impl Mmio) {
        if let Some(bell) = self.ring.doorbell() {
            bell.ring(m);
        }
    }

    /// Empties the ring: what the chip had and did not report fails with `status`. The chip has been stopped, or is gone.
    pub(super) fn refuse_sent(&mut self, status: Status) {
        self.ring.drain(|_| {});
        let mut ticket = self.head;
        while ticket != self.next {
            let value = match self.take(ticket) {
                Slot::Sent(mapped, _) => Slot::Refused(mapped, status),
                other => other,
            };
            self.set(ticket, value);
            ticket = ticket.wrapping_add(1);
        }
    }

    /// Takes as many finished net buffers as `done` has places, oldest first.
    pub(super) fn finished(&mut self, core: &Core, done: &mut [Option<Done>]) -> usize {
        let reported = &mut self.reported;
        self.ring.complete(BATCH as u32, |cookie| {
            *reported = (cookie as u32).wrapping_add(1)
        });
        let mut count = 0;
        for place in done.iter_mut() {
            if self.head == self.next {
                break;
            }
            let ticket = self.head;
            let item = match self.take(ticket) {
                Slot::Sent(mapped, cast) if is_before(ticket, self.reported) => {
                    let length = mapped.net_buffer().data_length();
                    core.statistics.transmit.good(cast, 1, length);
                    Done::Unmap(mapped, Status::SUCCESS)
                }
                Slot::Failed(nb, status) => {
                    core.statistics.transmit.error(1);
                    Done::Finish(nb, status)
                }
                Slot::Refused(mapped, status) => {
                    core.statistics.transmit.error(1);
                    Done::Unmap(mapped, status)
                }
                waiting => {
                    self.set(ticket, waiting);
                    break;
                }
            };
            self.head = ticket.wrapping_add(1);
            *place = Some(item);
            count += 1;
        }
        count
    }
}

/// Whether ticket `a` comes before `b`, tickets running round.
const fn is_before(a: u32, b: u32) -> bool {
    (b.wrapping_sub(a) as i32) > 0
}
