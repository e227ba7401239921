// SPDX-License-Identifier: MIT OR Apache-2.0
//! Send: from NBL chains to the rings and back. At most DISPATCH_LEVEL, from several CPUs at once.
//!
//! ```text
//! MiniportSend ─► pending (whole NBLs) ─► a ticket each NB ─► mapped by NDIS ─► ring ─► done ─► completed
//!                 under the lock          under the lock      no lock           lock    lock    no lock
//! ```
//! There are two queues, each with a ring, a window and a lock of its own. NBLs with a receive-side scaling hash go where
//! the hash says, all others to the first, so that a flow stays in order (D-06).
//!
//! A ticket is a place in the *window*. NDIS may map net buffers at once, later or on another CPU (G-22), in any order;
//! the window puts them into the ring in the order of their tickets. A full window or ring leaves the rest pending, and
//! completions carry on (D-07). Tickets are taken, and finished net buffers given back, a batch per hold of the lock. It
//! is never held across a call into NDIS (K-01); the tail is written under it, so that tail writes keep their order.

use super::frame::{ADDRESS_LEN, Cast, HEADER_LEN};
use super::plan::{Plan, asks_for_nothing, check_length, large_send_done, plan};
use super::window::{BATCH, Batch, Finished, Held, Ring};
use crate::adapter::Core;
use crate::hw::mmio::Mmio;
use crate::hw::queue;
pub use crate::hw::regs::QUEUES;
use ndis::dma::{MappedNetBuffer, ScatterGatherDma, SgListHandler};
use ndis::ffi::TcpLargeSendNetBufferListInfo;
use ndis::irql::{AtMost, Dispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::miniport::CancelId;
use ndis::nbl::{SendChain, TxNetBuffer};
use ndis::spin::SpinLock;
use ndis::status::{Result, Status};

/// Net buffers finished by one DPC pass: as many as the largest window has. What is sent later has an interrupt of its
/// own.
const COMPLETIONS: u32 = crate::ring::dma::MAX_DESCRIPTORS;
/// The driver's words of a net buffer: its ticket, and its queue.
const TICKET: usize = 0;
const QUEUE: usize = 1;

/// Bytes of the Ethernet header.
const START: usize = HEADER_LEN as usize;

/// The EtherType, or the length.
const fn ether_type(start: &[u8; START]) -> u16 {
    let [.., high, low] = start;
    u16::from_be_bytes([*high, *low])
}

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
pub struct Mapper(pub Shared<Core>);

impl SgListHandler for Mapper {
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        let number = mapped.net_buffer().word(QUEUE).unwrap_or(0);
        if let Some(queue) = self.0.sender.queues.get(number) {
            queue.mapped(&self.0, mapped, irql);
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

    /// The oldest net buffer that the chip has in queue `number`: a ticket, which no later one has for a long time.
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
    /// Adds `chain` to what waits, has it mapped and hands it to the chip with one tail write. `true`: something failed
    /// and can be completed.
    fn pump(&self, core: &Core, chain: SendChain, irql: &mut Irql<Dispatch>) -> bool {
        let mut chain = Some(chain);
        let mut empty = SendChain::new(core.handle);
        let mut entered = false;
        let mut failed = false;
        // Empty again after each round.
        let mut batch = Batch::new_const();
        loop {
            let mut guard = self.ring.lock(irql);
            let (slot, at_dispatch) = guard.split();
            let Some(ring) = slot else { break };
            if let Some(mut chain) = chain.take() {
                ring.pending.append(&mut chain);
            }
            if !entered {
                ring.senders += 1;
                entered = true;
            }
            if ring.has_pending() {
                ring.next_batch(&mut batch, &mut empty);
            }
            if batch.is_empty() {
                ring.senders -= 1;
                ring.advance(core.is_gone(), at_dispatch);
                ring.ring_doorbell(&core.mmio);
                failed = ring.has_failed();
                break;
            }
            let dma = ring.dma.clone();
            drop(guard);
            self.map_all(core, &mut batch, &dma, irql);
        }
        // Without a ring: what came fails.
        if let Some(chain) = chain.filter(|chain| !chain.is_empty()) {
            let count = chain.len() as u32;
            chain.complete_with(Status::FAILURE, irql);
            core.leave(count, irql);
        }
        let count = empty.len() as u32;
        if count > 0 {
            empty.complete(irql);
            core.leave(count, irql);
        }
        failed
    }

    /// Has a batch mapped. No lock held. A function of its own, as its loop then has the registers for itself.
    #[inline(never)]
    fn map_all(
        &self,
        core: &Core,
        batch: &mut Batch,
        dma: &ScatterGatherDma<Mapper>,
        irql: &mut Irql<Dispatch>,
    ) {
        for (nb, ticket) in batch.drain(..) {
            self.map(core, nb, ticket, dma, irql);
        }
    }

    /// Has one net buffer mapped. No lock held.
    #[inline]
    fn map(
        &self,
        core: &Core,
        mut nb: TxNetBuffer,
        ticket: u32,
        dma: &ScatterGatherDma<Mapper>,
        irql: &mut Irql<Dispatch>,
    ) {
        let checked = if core.is_gone() {
            Err(Status::NOT_ACCEPTED)
        } else {
            // D-10: never truncated, never a runt header.
            check_length(&nb, core.settings.max_frame())
        };
        let failed = match checked {
            Err(status) => Err((status, nb)),
            Ok(()) => {
                nb.set_word(TICKET, ticket as usize);
                nb.set_word(QUEUE, self.number);
                dma.map(nb, irql)
            }
        };
        if let Err((status, nb)) = failed {
            self.not_mapped(ticket, nb, status, irql);
        }
    }

    #[cold]
    #[inline(never)]
    fn not_mapped(&self, ticket: u32, nb: TxNetBuffer, status: Status, irql: &mut Irql<Dispatch>) {
        if let Some(ring) = &mut *self.ring.lock(irql) {
            ring.failed(ticket, nb, status);
        }
    }

    /// NDIS has mapped a net buffer. DISPATCH_LEVEL; inside [`Queue::map`], later, or on another CPU.
    #[inline]
    fn mapped(&self, core: &Core, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        if asks_for_nothing(mapped.net_buffer()) {
            self.waits(core, mapped, None, irql);
        } else {
            self.mapped_with_request(core, mapped, irql);
        }
    }

    #[inline(never)]
    fn mapped_with_request(&self, core: &Core, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        let nb = mapped.net_buffer();
        let start = nb.first::<START, _>(irql).unwrap_or([0; START]);
        let (kind, most) = (ether_type(&start), core.settings.max_frame());
        let plan = plan(nb, kind, core.offload.get(), most, irql);
        self.waits(core, mapped, Some(plan), irql);
    }

    /// Puts a mapped net buffer into the window; without a plan it is sent as it is.
    #[inline(always)]
    fn waits(
        &self,
        core: &Core,
        mapped: MappedNetBuffer,
        plan: Option<Result<Plan>>,
        irql: &mut Irql<Dispatch>,
    ) {
        let nb = mapped.net_buffer();
        let ticket = nb.word(TICKET).unwrap_or(0) as u32;
        // D-13: a frame whose first bytes cannot be reached is still sent; only its kind is counted wrong.
        let address = nb.first::<ADDRESS_LEN, _>(irql);
        let cast = address.map_or(Cast::Unicast, |address| Cast::of(&address));
        let mut guard = self.ring.lock(irql);
        let Some(ring) = &mut *guard else { return };
        ring.mapped(ticket, mapped, plan, cast);
        // A sender in its loop moves it, and writes the tail once for all.
        let alone = ring.senders == 0;
        drop(guard);
        if alone {
            self.advance(core, irql);
        }
    }

    /// Moves what waits into the ring; no sender does.
    #[inline(never)]
    fn advance(&self, core: &Core, irql: &mut Irql<Dispatch>) {
        let mut guard = self.ring.lock(irql);
        let (slot, at_dispatch) = guard.split();
        let Some(ring) = slot else { return };
        ring.advance(core.is_gone(), at_dispatch);
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
        self.pump(core, SendChain::new(core.handle), irql)
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
        let mut done = Finished::new_const();
        while total < most {
            let room = BATCH.min((most - total) as usize);
            let mut guard = self.ring.lock(irql);
            let (slot, at_dispatch) = guard.split();
            let Some(ring) = slot else { break };
            let statistics = core.statistics.transmit(self.number);
            let (count, more) = ring.finished(statistics, &mut done, room);
            ring.advance(core.is_gone(), at_dispatch);
            ring.ring_doorbell(&core.mmio);
            pending = ring.has_pending();
            drop(guard);
            give_back(&mut done, chain, irql);
            total += count as u32;
            if !more {
                break;
            }
        }
        (total, pending)
    }

    fn abort_queued(&self, core: &Core, irql: &mut Irql<Dispatch>) {
        let status = core.refusal();
        let mut guard = self.ring.lock(irql);
        let Some(ring) = &mut *guard else { return };
        let queued = core::mem::replace(&mut ring.pending, SendChain::new(core.handle));
        let current = ring.current.take();
        drop(guard);
        let mut split = SendChain::new(core.handle);
        for nb in current.into_iter().flatten() {
            if let Some(nbl) = nb.finish(status) {
                split.push(nbl);
            }
        }
        let count = (queued.len() + split.len()) as u32;
        queued.complete_with(status, irql);
        split.complete(irql);
        core.leave(count, irql);
        // What failed in its turn is completed here; the chip reports the rest.
        self.complete(core, irql);
    }

    fn empty_ring(&self, core: &Core, status: Status, irql: &mut Irql<Dispatch>) {
        let mut guard = self.ring.lock(irql);
        let (slot, at_dispatch) = guard.split();
        let Some(ring) = slot else { return };
        ring.refuse_sent(status);
        ring.advance(core.is_gone(), at_dispatch);
        drop(guard);
        self.complete(core, irql);
    }

    fn cancel(&self, core: &Core, id: CancelId, irql: &mut Irql<Dispatch>) {
        let mut guard = self.ring.lock(irql);
        let Some(ring) = &mut *guard else { return };
        let cancelled = ring.pending.take_cancelled(id);
        ring.cancel(id);
        let failed = ring.has_failed();
        drop(guard);
        let count = cancelled.len() as u32;
        if count > 0 {
            cancelled.complete_with(Status::SEND_ABORTED, irql);
            core.leave(count, irql);
        }
        if failed {
            self.complete(core, irql);
        }
    }
}

/// Unmaps and finishes what `done` has; NBLs that are whole go to `chain`. A function of its own, as its loop then has the
/// registers for itself.
#[inline(never)]
fn give_back(done: &mut Finished, chain: &mut SendChain, irql: &Irql<Dispatch>) {
    for (held, status) in done.drain(..) {
        let nb = match held {
            // G-27: the list is freed before the NBL is completed.
            Held::Mapped(mapped) => mapped.unmap(irql),
            Held::Unmapped(nb) => nb,
            Held::Nothing => continue,
        };
        let length = nb.data_length();
        let Some(mut nbl) = nb.finish(status) else {
            continue;
        };
        let large = nbl.info(TcpLargeSendNetBufferListInfo);
        if large != 0 {
            nbl.set_info(
                TcpLargeSendNetBufferListInfo,
                large_send_done(large, length),
            );
        }
        chain.push(nbl);
    }
}

/// MiniportSendNetBufferLists. At most DISPATCH_LEVEL, on several CPUs at once.
pub fn send<L: AtMost<Dispatch>>(core: &Core, mut chain: SendChain, irql: &mut Irql<L>) {
    let count = chain.len() as u32;
    // P-06, W-03, S-06: refused at once, without touching the device.
    if core.is_gone() || !core.gate.enter(count) {
        chain.complete_with(core.refusal(), irql);
        return;
    }
    irql.at_dispatch(|irql| {
        let second = chain.take_hashed(|hash| hash & 1 != 0);
        for (queue, chain) in core.sender.queues.iter().zip([chain, second]) {
            // A frame that failed at the head of the window has no interrupt to wait for.
            if !chain.is_empty() && queue.pump(core, chain, irql) {
                queue.complete(core, irql);
            }
        }
    });
}
