// SPDX-License-Identifier: MIT OR Apache-2.0
//! Send: from NBL chains to the rings and back. At most DISPATCH_LEVEL, from several CPUs at once.
//!
//! ```text
//! MiniportSend ─► pending (whole NBLs) ─► a ticket each NB ─► mapped by NDIS ─► its place ─► ring ─► done ─► completed
//!                 under the lock          under the lock      no lock           no lock      lock    lock    no lock
//! ```
//! There are two queues, each with a ring, a window and a lock of its own. NBLs with a receive-side scaling hash go where
//! the hash says, all others to the first, so that a flow stays in order (D-06).
//!
//! A ticket is a place in the *window*. NDIS may map net buffers at once, later or on another CPU (G-22), in any order, and
//! the callback puts each into the place of its ticket without a lock. A sender has all of its chain mapped, and then moves
//! what is there into the ring, in the order of the tickets, with one tail write; what comes later its callback moves. A full
//! window or ring leaves the rest pending, and completions carry on (D-07). The lock is taken a few times a chain, and is
//! never held across a call into NDIS (K-01); the tail is written under it, so that tail writes keep their order.

use super::frame::HEADER_LEN;
use super::plan::{check_length, large_send_done};
use super::window::{Batch, Few, Ring};
use crate::adapter::Core;
use crate::hw::mmio::Mmio;
use crate::hw::queue;
pub use crate::hw::regs::QUEUES;
use core::iter::from_fn;
use ndis::dma::{MappedNetBuffer, MappedQueue, Mapping, Put, SgListHandler, Unmapping};
use ndis::ffi::TcpLargeSendNetBufferListInfo;
use ndis::irql::{AtMost, Dispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::miniport::CancelId;
use ndis::nbl::{SendChain, SendNbl, TxNetBuffer, TxNetBuffers};
use ndis::places::Places;
use ndis::spin::SpinLock;
use ndis::status::Status;

/// Net buffers finished by one DPC pass: as many as the largest window has. What is sent later has an interrupt of its
/// own.
const COMPLETIONS: u32 = crate::ring::dma::MAX_DESCRIPTORS;

/// A queue in cache lines of its own. `None` before initialisation has made the ring and after halt has taken it.
#[derive(Debug)]
#[repr(align(64))]
struct Queue {
    number: usize,
    ring: SpinLock<Option<Ring>>,
}

/// The send side of one adapter.
#[derive(Debug)]
pub struct Sender {
    queues: [Queue; QUEUES],
}

/// MiniportProcessSGList: an owner of the core. The cycle core → ring → DMA → mapper → core ends when halt takes the
/// rings.
#[derive(Debug)]
pub struct Mapper {
    core: Shared<Core>,
    /// Those of the two windows. The driver's word of a net buffer is its place.
    places: Places<MappedNetBuffer>,
}

impl Mapper {
    /// The places are those of the two windows.
    pub fn new(core: Shared<Core>, places: Places<MappedNetBuffer>) -> Self {
        Self { core, places }
    }
}

impl SgListHandler for Mapper {
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        if let Put::Late(queue) = self.put(mapped) {
            self.late(queue, irql);
        }
    }

    #[inline]
    fn put(&self, mapped: MappedNetBuffer) -> Put {
        let place = mapped.net_buffer().word() as u32;
        if self.places.put(place, mapped) {
            Put::Done
        } else {
            // No sender is there to move it.
            Put::Late(self.places.part_of(place))
        }
    }

    fn failed(&self, nb: TxNetBuffer, irql: &mut Irql<Dispatch>) {
        let place = nb.word() as u32;
        let number = self.places.part_of(place);
        if let Some(queue) = self.core.sender.queues.get(number) {
            queue.never_mapped(&self.core, place, nb, irql);
        }
    }

    fn late(&self, number: usize, irql: &mut Irql<Dispatch>) {
        if let Some(queue) = self.core.sender.queues.get(number) {
            queue.advance(&self.core, irql);
        }
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender {
    /// A sender without rings yet.
    pub fn new() -> Self {
        Self {
            queues: core::array::from_fn(|number| Queue {
                number,
                ring: SpinLock::new(None),
            }),
        }
    }

    /// Gives a queue its ring. Before interrupts and sends.
    pub fn install<L: AtMost<Dispatch>>(&self, number: usize, ring: Ring, irql: &mut Irql<L>) {
        if let Some(queue) = self.queues.get(number) {
            *queue.ring.lock(irql) = Some(ring);
        }
    }

    /// Takes the rings; the chip has been stopped and the gate is closed and empty.
    pub fn take<L: AtMost<Dispatch>>(&self, irql: &mut Irql<L>) -> [Option<Ring>; QUEUES] {
        let mut rings = [const { None }; QUEUES];
        for (queue, ring) in self.queues.iter().zip(&mut rings) {
            *ring = queue.ring.lock(irql).take();
        }
        rings
    }

    /// Tells the chip where the rings are. PASSIVE_LEVEL, transmitter off.
    pub fn program(&self, m: &impl Mmio, irql: &mut Irql<Passive>) {
        for queue in &self.queues {
            if let Some(ring) = &mut *queue.ring.lock(irql) {
                ring.accept();
                let ring = ring.feed.ring();
                queue::program_tx(m, queue.number, ring.base(), ring.bytes());
            }
        }
    }

    /// The oldest frame that the chip has in queue `number`, by a number that no later one has for a long time.
    /// DISPATCH_LEVEL, no lock held.
    pub fn oldest(&self, number: usize, irql: &mut Irql<Dispatch>) -> Option<u32> {
        let queue = self.queues.get(number)?;
        queue.ring.lock(irql).as_mut()?.oldest()
    }

    /// Whether the chip has frames that it has not reported, or frames wait for room in a ring. PASSIVE_LEVEL.
    pub fn is_sending(&self, irql: &mut Irql<Passive>) -> bool {
        self.queues.iter().any(|queue| {
            let ring = &mut *queue.ring.lock(irql);
            ring.as_mut().is_some_and(Ring::is_sending)
        })
    }

    /// Completes what the chip is done with in queue `number`, and carries on with what waits; returns the net buffers
    /// finished. Bounded (X-47). DISPATCH_LEVEL, no lock held.
    pub fn complete(&self, core: &Core, number: usize, irql: &mut Irql<Dispatch>) -> u32 {
        self.queues
            .get(number)
            .map_or(0, |queue| queue.complete(core, irql))
    }

    /// Takes back what the chip is done with in the queues of `numbers`, at most `limit` NBLs, for a poll that gives them
    /// to NDIS; they leave the data path when NDIS has them. Returns the NBLs, the net buffers, and whether more may be
    /// done. Bounded (X-47). DISPATCH_LEVEL, no lock held.
    pub fn collect(
        &self,
        core: &Core,
        numbers: impl Iterator<Item = usize>,
        limit: u32,
        irql: &mut Irql<Dispatch>,
    ) -> (SendChain, u32, bool) {
        let mut chain = SendChain::new(core.handle);
        let (mut total, mut again) = (0, false);
        for queue in numbers.filter_map(|number| self.queues.get(number)) {
            // A net buffer finishes one NBL at most.
            let most = limit.min(COMPLETIONS).saturating_sub(total);
            let (count, more) = queue.collect(core, &mut chain, most, irql);
            total += count;
            again |= more;
        }
        (chain, total, again)
    }

    /// Completes every NBL that has not been split yet: the adapter pauses (P-05). At most DISPATCH_LEVEL, no lock held.
    pub fn abort_queued<L: AtMost<Dispatch>>(&self, core: &Core, irql: &mut Irql<L>) {
        irql.at_dispatch(|irql| {
            for queue in &self.queues {
                queue.abort_queued(core, irql);
            }
        });
    }

    /// Empties the rings: the chip has been reset and starts anew. What it had not sent fails with `status` (C-10).
    pub fn rewind<L: AtMost<Dispatch>>(&self, core: &Core, status: Status, irql: &mut Irql<L>) {
        irql.at_dispatch(|irql| {
            for queue in &self.queues {
                queue.empty_ring(core, status, irql);
            }
        });
    }

    /// The device is gone: everything that the rings hold comes back without it (S-06). No lock held.
    pub fn abandon<L: AtMost<Dispatch>>(&self, core: &Core, irql: &mut Irql<L>) {
        irql.at_dispatch(|irql| {
            for queue in &self.queues {
                queue.empty_ring(core, Status::NOT_ACCEPTED, irql);
                queue.abort_queued(core, irql);
            }
        });
    }

    /// MiniportCancelSend: completes what waits with this id (D-50); what the chip has completes normally.
    pub fn cancel<L: AtMost<Dispatch>>(&self, core: &Core, id: CancelId, irql: &mut Irql<L>) {
        irql.at_dispatch(|irql| {
            for queue in &self.queues {
                queue.cancel(core, id, irql);
            }
        });
    }
}

impl Queue {
    /// Sends a chain, unless it is empty.
    #[inline(never)]
    fn send(&self, core: &Core, chain: &mut SendChain, irql: &mut Irql<Dispatch>) {
        // A frame that was refused has no interrupt to wait for.
        if !chain.is_empty() && self.send_all(core, chain, irql) {
            self.complete(core, irql);
        }
    }

    /// [`pump`](Self::pump) of a chain, without its loop: nearly always nothing waits before it, it gets all of its tickets at
    /// once, and everything is mapped and in the ring afterwards.
    #[inline(always)]
    fn send_all(&self, core: &Core, chain: &mut SendChain, irql: &mut Irql<Dispatch>) -> bool {
        let mut guard = self.ring.lock(irql);
        let (slot, _) = guard.split();
        let taken = slot.as_mut().and_then(|ring| {
            let (all, tickets) = ring.next_all(chain)?;
            Some((ring.dma.mapping(all.left()), all, tickets))
        });
        drop(guard);
        let Some((mapping, all, tickets)) = taken else {
            return self.pump(core, chain, irql);
        };
        // What cannot be mapped goes into the chain, which is empty now.
        self.map_all(core, all, tickets.start, mapping, chain, irql);
        let mut guard = self.ring.lock(irql);
        let (slot, at_dispatch) = guard.split();
        let (mut failed, mut pending) = (false, false);
        if let Some(ring) = slot {
            ring.settle(tickets, &core.send_rules(), at_dispatch);
            ring.ring_doorbell(&core.mmio);
            (failed, pending) = (ring.has_failed(), ring.has_pending());
        }
        drop(guard);
        if !chain.is_empty() {
            self.lose(core, chain, irql);
        }
        // Others came meanwhile and found no room; what could not be mapped may have left some.
        failed | (pending && self.carry_on(core, irql))
    }

    /// Completes what never got into the ring.
    #[cold]
    #[inline(never)]
    fn lose(&self, core: &Core, lost: &mut SendChain, irql: &mut Irql<Dispatch>) {
        let count = lost.len() as u32;
        lost.take().complete(irql);
        core.leave(count, irql);
    }

    /// Adds `chain` to what waits, has it mapped and hands it to the chip with one tail write. `true`: something failed
    /// and can be completed.
    #[inline(never)]
    fn pump(&self, core: &Core, chain: &mut SendChain, irql: &mut Irql<Dispatch>) -> bool {
        let rules = core.send_rules();
        // What never gets a place in the ring.
        let mut lost = SendChain::new(core.handle);
        // Empty again after each round.
        let mut few = Few::new_const();
        let mut tickets = 0..0;
        let failed = loop {
            let mut guard = self.ring.lock(irql);
            let (slot, at_dispatch) = guard.split();
            let Some(ring) = slot else {
                // Without a ring what came fails.
                core.statistics.transmit(self.number).discard(chain.sends());
                chain.fail(Status::FAILURE);
                lost.append(chain);
                break false;
            };
            if tickets.start == tickets.end {
                ring.pending.append(chain);
            } else {
                ring.settle(tickets, &rules, at_dispatch);
            }
            let before = lost.len();
            let batch;
            (batch, tickets) = ring.next_batch(&mut few, &mut lost);
            // Without a net buffer there is no frame to send.
            let empty = lost.len().wrapping_sub(before);
            if empty != 0 {
                core.statistics.transmit(self.number).error(empty as u64);
            }
            if matches!(batch, Batch::Nothing) {
                ring.ring_doorbell(&core.mmio);
                break ring.has_failed();
            }
            let count = tickets.end.wrapping_sub(tickets.start);
            let mapping = ring.dma.mapping(count as usize);
            drop(guard);
            let first = tickets.start;
            match batch {
                Batch::All(all) => self.map_all(core, all, first, mapping, &mut lost, irql),
                _ => self.map_all(core, few.drain(..), first, mapping, &mut lost, irql),
            }
        };
        if !lost.is_empty() {
            self.lose(core, &mut lost, irql);
        }
        failed
    }

    /// Has net buffers mapped, with tickets from `ticket` on. No lock held. A function of its own, as its loop then has the
    /// registers for itself.
    #[inline(never)]
    fn map_all(
        &self,
        core: &Core,
        net_buffers: impl Iterator<Item = TxNetBuffer>,
        first: u32,
        mapping: Mapping<Mapper>,
        lost: &mut SendChain,
        irql: &mut Irql<Dispatch>,
    ) {
        let places = mapping.handler().places.opening(self.number);
        let longest = core.settings.max_frame();
        let usual = longest.wrapping_sub(HEADER_LEN);
        mapping.map_all(
            first,
            net_buffers,
            irql,
            |ticket, nb| {
                // Tickets wrap around, numbers do not: the lower half counts.
                let place = places.open(ticket as u32);
                nb.set_word(place as usize);
                // D-10: never truncated, never a runt header. The usual lengths first.
                if nb.data_length().wrapping_sub(HEADER_LEN) <= usual {
                    Ok(())
                } else {
                    check_length(nb, longest)
                }
            },
            |ticket, nb, status, irql| {
                self.not_mapped(core, ticket as u32, nb, status, lost, irql);
            },
        );
    }

    #[cold]
    #[inline(never)]
    fn not_mapped(
        &self,
        core: &Core,
        ticket: u32,
        nb: TxNetBuffer,
        status: Status,
        lost: &mut SendChain,
        irql: &mut Irql<Dispatch>,
    ) {
        core.statistics.transmit(self.number).error(1);
        if let Some(ring) = &mut *self.ring.lock(irql) {
            ring.failed(ticket);
        }
        lost.extend(finish(nb, status));
    }

    /// NDIS said that a net buffer will be mapped, and has no list for it: its place holds nobody up.
    #[cold]
    fn never_mapped(&self, core: &Core, place: u32, nb: TxNetBuffer, irql: &mut Irql<Dispatch>) {
        let mut lost = SendChain::new(core.handle);
        self.not_mapped(core, place, nb, Status::RESOURCES, &mut lost, irql);
        if !lost.is_empty() {
            self.lose(core, &mut lost, irql);
        }
        self.advance(core, irql);
    }

    /// Moves what waits into the ring; no sender does.
    fn advance(&self, core: &Core, irql: &mut Irql<Dispatch>) {
        let mut guard = self.ring.lock(irql);
        let (slot, at_dispatch) = guard.split();
        let Some(ring) = slot else { return };
        ring.advance(&core.send_rules(), at_dispatch);
        ring.ring_doorbell(&core.mmio);
        if ring.has_failed() {
            drop(guard);
            self.complete(core, irql);
        }
    }

    fn complete(&self, core: &Core, irql: &mut Irql<Dispatch>) -> u32 {
        let mut total = 0;
        while total < COMPLETIONS {
            let mut chain = SendChain::new(core.handle);
            let (count, pending) = self.finish_batches(core, &mut chain, COMPLETIONS - total, irql);
            total += count;
            let nbls = chain.len() as u32;
            if nbls > 0 {
                chain.complete(irql);
            }
            // What failed comes back in the next round.
            let again = count > 0 && pending && self.carry_on(core, irql);
            core.leave(nbls, irql);
            if !again {
                break;
            }
        }
        total
    }

    /// There is room again: goes on with what waits. `true`: something failed.
    fn carry_on(&self, core: &Core, irql: &mut Irql<Dispatch>) -> bool {
        self.pump(core, &mut SendChain::new(core.handle), irql)
    }

    /// As [`Sender::collect`], for this queue.
    fn collect(
        &self,
        core: &Core,
        chain: &mut SendChain,
        most: u32,
        irql: &mut Irql<Dispatch>,
    ) -> (u32, bool) {
        let (total, pending) = self.finish_batches(core, chain, most, irql);
        // What fails has no interrupt to wait for.
        let failed = total > 0 && pending && self.carry_on(core, irql);
        (total, failed || total == most)
    }

    /// Takes finished net buffers out of the window, unmaps and finishes them; NBLs that are whole go to `chain`.
    /// Returns how many net buffers, and whether more wait for the room that they left.
    fn finish_batches(
        &self,
        core: &Core,
        chain: &mut SendChain,
        most: u32,
        irql: &mut Irql<Dispatch>,
    ) -> (u32, bool) {
        let mut total = 0;
        let mut pending = false;
        // Empty again after each round.
        let mut done = MappedQueue::new();
        while total < most {
            let mut guard = self.ring.lock(irql);
            let (slot, at_dispatch) = guard.split();
            let Some(ring) = slot else { break };
            let statistics = core.statistics.transmit(self.number);
            let (count, more) = ring.finished(statistics, &mut done, most - total);
            if ring.is_waiting() {
                ring.advance(&core.send_rules(), at_dispatch);
                ring.ring_doorbell(&core.mmio);
            }
            pending = ring.has_pending();
            drop(guard);
            // Nothing, as a rule, after an interrupt for what was finished already.
            if count != 0 {
                give_back(&mut done, chain, irql);
            }
            total += count;
            if !more {
                break;
            }
        }
        (total, pending)
    }

    fn abort_queued(&self, core: &Core, irql: &mut Irql<Dispatch>) {
        let mut guard = self.ring.lock(irql);
        let Some(ring) = &mut *guard else { return };
        let queued = ring.pending.take();
        let current = ring.current.take();
        drop(guard);
        self.discard(core, queued, current, core.refusal(), irql);
        // What failed in its turn is completed here; the chip reports the rest.
        self.complete(core, irql);
    }

    fn empty_ring(&self, core: &Core, status: Status, irql: &mut Irql<Dispatch>) {
        let mut guard = self.ring.lock(irql);
        let Some(ring) = &mut *guard else { return };
        ring.refuse_sent(status);
        drop(guard);
        self.complete(core, irql);
    }

    fn cancel(&self, core: &Core, id: CancelId, irql: &mut Irql<Dispatch>) {
        let mut guard = self.ring.lock(irql);
        let Some(ring) = &mut *guard else { return };
        let cancelled = ring.pending.take_cancelled(id);
        let current = ring.current.take_if(|nbs| nbs.are_cancelled_by(id));
        ring.cancel(id);
        let failed = ring.has_failed();
        drop(guard);
        self.discard(core, cancelled, current, Status::SEND_ABORTED, irql);
        if failed {
            self.complete(core, irql);
        }
    }

    /// Completes with `status` what has no ticket: NBLs, and the net buffers that are left of one that was being split.
    fn discard(
        &self,
        core: &Core,
        mut nbls: SendChain,
        split: Option<TxNetBuffers>,
        status: Status,
        irql: &mut Irql<Dispatch>,
    ) {
        let mut sends = nbls.sends();
        nbls.fail(status);
        for nb in split.into_iter().flatten() {
            sends += 1;
            // The first status of an NBL stays.
            nbls.extend(nb.finish(status));
        }
        core.statistics.transmit(self.number).discard(sends);
        let count = nbls.len() as u32;
        nbls.complete(irql);
        core.leave(count, irql);
    }
}

/// Unmaps and finishes what `done` has; NBLs that are whole go to `chain`. A function of its own, as its loop then has the
/// registers for itself.
#[inline(never)]
fn give_back(done: &mut MappedQueue, chain: &mut SendChain, irql: &Irql<Dispatch>) {
    // In registers: nobody else sees them meanwhile.
    let mut queue = core::mem::take(done);
    let mut whole = chain.new_like();
    let mut shares = Unmapping::new();
    let net_buffers = from_fn(|| queue.pop());
    whole.extend(net_buffers.filter_map(|mapped| {
        // G-27: the list is freed before the NBL is completed. Refused ones have their status already.
        let nb = mapped.unmap_with(&mut shares, irql);
        finish(nb, Status::SUCCESS)
    }));
    chain.append(&mut whole);
}

/// Finishes a net buffer; its NBL, if it is whole.
#[inline]
fn finish(nb: TxNetBuffer, status: Status) -> Option<SendNbl> {
    if nb.info(TcpLargeSendNetBufferListInfo) == 0 {
        nb.finish(status)
    } else {
        finish_large(nb, status)
    }
}

/// The same for a large send, which is told about.
#[inline(never)]
fn finish_large(nb: TxNetBuffer, status: Status) -> Option<SendNbl> {
    let length = nb.data_length();
    let mut nbl = nb.finish(status)?;
    let large = nbl.info(TcpLargeSendNetBufferListInfo);
    nbl.set_info(
        TcpLargeSendNetBufferListInfo,
        large_send_done(large, length),
    );
    Some(nbl)
}

/// MiniportSendNetBufferLists. At most DISPATCH_LEVEL, on several CPUs at once.
pub fn send<L: AtMost<Dispatch>>(core: &Core, mut chain: SendChain, irql: &mut Irql<L>) {
    let count = chain.len() as u32;
    // P-06, W-03, S-06: refused at once, without touching the device.
    if core.is_gone() || !core.gate.enter(count) {
        core.statistics.transmit(0).discard(chain.sends());
        chain.complete_with(core.refusal(), irql);
        return;
    }
    irql.at_dispatch(|irql| {
        let [first, second] = &core.sender.queues;
        if chain.is_hashed() {
            let mut hashed = chain.take_hashed(|hash| hash & 1 != 0);
            second.send(core, &mut hashed, irql);
        }
        first.send(core, &mut chain, irql);
    });
}
