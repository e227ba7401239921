// SPDX-License-Identifier: MIT OR Apache-2.0
//! Send: from NBL chains to the ring and back. At most DISPATCH_LEVEL, from several CPUs at once.
//!
//! ```text
//! MiniportSend ─► pending (whole NBLs) ─► a ticket each NB ─► mapped by NDIS ─► ring ─► done ─► completed
//!                 under the lock          under the lock      no lock            lock    lock    no lock
//! ```
//! A ticket is a place in the *window*. NDIS may map net buffers at once, later or on another CPU (G-22), in any order;
//! the window puts them into the ring in the order of their tickets (D-06). A full window or ring leaves the rest
//! pending, and completions carry on (D-07). The lock is never held across a call into NDIS (K-01); the tail is
//! written under it, so that tail writes keep their order.

use super::frame::{Cast, HEADER_LEN, MAX_FRAME};
use super::window::{BATCH, Done, Ring, Slot};
use crate::adapter::Core;
use crate::hw::mmio::Mmio;
use crate::hw::queue;
use ndis::dma::{MappedNetBuffer, ScatterGatherDma, SgListHandler};
use ndis::irql::{AtMost, Dispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::miniport::CancelId;
use ndis::nbl::{SendChain, TxNetBuffer};
use ndis::spin::SpinLock;
use ndis::status::Status;

/// Net buffers finished by one DPC pass; what is left has an interrupt of its own or comes with the next one.
const COMPLETIONS: u32 = 512;
/// The driver's word of a net buffer that holds its ticket.
const TICKET: usize = 0;

/// The send side of one adapter.
#[derive(Debug)]
pub struct Sender {
    /// `None` before initialisation has made the ring and after halt has taken it.
    ring: SpinLock<Option<Ring>>,
}

/// MiniportProcessSGList: an owner of the core. The cycle core → ring → DMA → mapper → core ends when halt takes the
/// ring.
#[derive(Debug)]
pub struct Mapper(pub Shared<Core>);

impl SgListHandler for Mapper {
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        self.0.sender.mapped(&self.0, mapped, irql);
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}

impl Sender {
    /// A sender without a ring yet.
    pub const fn new() -> Self {
        Self {
            ring: SpinLock::new(None),
        }
    }

    /// Gives the sender its ring. Before interrupts and sends.
    pub fn install<L: AtMost<Dispatch>>(&self, ring: Ring, irql: &mut Irql<L>) {
        *self.ring.lock(irql) = Some(ring);
    }

    /// Takes the ring; the chip has been stopped and the gate is closed and empty.
    pub fn take<L: AtMost<Dispatch>>(&self, irql: &mut Irql<L>) -> Option<Ring> {
        self.ring.lock(irql).take()
    }

    /// Tells the chip where the ring is. PASSIVE_LEVEL, transmitter off.
    pub fn program(&self, m: &impl Mmio, irql: &mut Irql<Passive>) {
        if let Some(ring) = &*self.ring.lock(irql) {
            queue::program_tx(m, 0, ring.ring.base(), ring.ring.bytes());
        }
    }

    /// Maps what waits and hands it to the chip with one tail write. `true`: something failed and can be completed.
    fn pump(&self, core: &Core, irql: &mut Irql<Dispatch>) -> bool {
        let mut empty = SendChain::new(core.handle);
        let mut entered = false;
        let mut failed = false;
        loop {
            let mut guard = self.ring.lock(irql);
            let Some(ring) = &mut *guard else { break };
            if !entered {
                ring.senders += 1;
                entered = true;
            }
            let Some((nb, ticket)) = ring.next_to_map(&mut empty) else {
                ring.senders -= 1;
                ring.advance(core.is_gone());
                ring.ring_doorbell(&core.mmio);
                failed = ring.has_failed();
                break;
            };
            let dma = ring.dma.clone();
            drop(guard);
            self.map(core, nb, ticket, &dma, irql);
        }
        let count = empty.len() as u32;
        if count > 0 {
            empty.complete(irql);
            core.leave(count, irql);
        }
        failed
    }

    /// Has one net buffer mapped. No lock held.
    fn map(
        &self,
        core: &Core,
        mut nb: TxNetBuffer,
        ticket: u32,
        dma: &ScatterGatherDma<Mapper>,
        irql: &mut Irql<Dispatch>,
    ) {
        let length = nb.data_length();
        // D-10: never truncated, never a runt header.
        let refused = if core.is_gone() {
            Some(Status::NOT_ACCEPTED)
        } else if !(HEADER_LEN..=MAX_FRAME).contains(&length) {
            Some(Status::INVALID_LENGTH)
        } else {
            None
        };
        let failed = match refused {
            Some(status) => Some((status, nb)),
            None => {
                nb.set_word(TICKET, ticket as usize);
                dma.map(nb, irql).err()
            }
        };
        if let Some((status, nb)) = failed
            && let Some(ring) = &mut *self.ring.lock(irql)
        {
            ring.set(ticket, Slot::Failed(nb, status));
        }
    }

    /// NDIS has mapped a net buffer. DISPATCH_LEVEL; inside [`Sender::map`], later, or on another CPU.
    fn mapped(&self, core: &Core, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        let mut destination = [0; 6];
        // D-13: a frame whose first bytes cannot be reached is still sent; only its kind is counted wrong.
        let known = mapped.net_buffer().copy_to(&mut destination, irql).is_ok();
        let cast = if known {
            Cast::of(&destination)
        } else {
            Cast::Unicast
        };
        let ticket = mapped.net_buffer().word(TICKET).unwrap_or(0) as u32;
        let mut guard = self.ring.lock(irql);
        let Some(ring) = &mut *guard else { return };
        ring.set(ticket, Slot::Ready(mapped, cast));
        ring.advance(core.is_gone());
        if ring.senders > 0 {
            return;
        }
        ring.ring_doorbell(&core.mmio);
        if ring.has_failed() {
            drop(guard);
            self.complete(core, irql);
        }
    }

    /// Completes what the chip is done with, and carries on with what waits; returns the net buffers finished.
    /// Bounded (X-47). DISPATCH_LEVEL, no lock held.
    pub fn complete(&self, core: &Core, irql: &mut Irql<Dispatch>) -> u32 {
        let mut total = 0;
        while total < COMPLETIONS {
            let mut chain = SendChain::new(core.handle);
            let count = self.finish_batches(core, &mut chain, COMPLETIONS - total, irql);
            total += count;
            let nbls = chain.len() as u32;
            if nbls > 0 {
                chain.complete(irql);
            }
            // There is room again, and what failed there comes back in the next round.
            let again = count > 0 && self.pump(core, irql);
            core.leave(nbls, irql);
            if !again {
                break;
            }
        }
        total
    }

    /// Takes back what the chip is done with, at most `limit` NBLs, for a poll that gives them to NDIS; they leave the
    /// data path when NDIS has them. Returns the NBLs, the net buffers, and whether more may be done. Bounded (X-47).
    /// DISPATCH_LEVEL, no lock held.
    pub fn collect(
        &self,
        core: &Core,
        limit: u32,
        irql: &mut Irql<Dispatch>,
    ) -> (SendChain, u32, bool) {
        let mut chain = SendChain::new(core.handle);
        // A net buffer finishes one NBL at most.
        let most = limit.min(COMPLETIONS);
        let total = self.finish_batches(core, &mut chain, most, irql);
        // There is room again. What fails there has no interrupt to wait for.
        let failed = total > 0 && self.pump(core, irql);
        (chain, total, failed || total == most)
    }

    /// Takes finished net buffers out of the window, unmaps and finishes them; NBLs that are whole go to `chain`.
    fn finish_batches(
        &self,
        core: &Core,
        chain: &mut SendChain,
        most: u32,
        irql: &mut Irql<Dispatch>,
    ) -> u32 {
        let mut total = 0;
        while total < most {
            let mut done = [const { None }; BATCH];
            let room = BATCH.min((most - total) as usize);
            let Some(places) = done.get_mut(..room) else {
                break;
            };
            let mut guard = self.ring.lock(irql);
            let Some(ring) = &mut *guard else { break };
            let count = ring.finished(core, places);
            if count > 0 {
                ring.advance(core.is_gone());
                ring.ring_doorbell(&core.mmio);
            }
            drop(guard);
            for item in done.into_iter().flatten() {
                let nbl = match item {
                    // G-27: the list is freed before the NBL is completed.
                    Done::Unmap(mapped, status) => mapped.unmap(irql).finish(status),
                    Done::Finish(nb, status) => nb.finish(status),
                };
                if let Some(nbl) = nbl {
                    chain.push(nbl);
                }
            }
            total += count as u32;
            if count < room {
                break;
            }
        }
        total
    }

    /// Completes every NBL that has not been split yet: the adapter pauses (P-05). At most DISPATCH_LEVEL, no lock held.
    pub fn abort_queued<L: AtMost<Dispatch>>(&self, core: &Core, irql: &mut Irql<L>) {
        irql.at_dispatch(|irql| {
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
        });
    }

    /// Empties the ring: the chip has been reset and starts anew. What it had not sent fails (C-10).
    pub fn rewind<L: AtMost<Dispatch>>(&self, core: &Core, irql: &mut Irql<L>) {
        self.empty_ring(core, core.refusal(), irql);
    }

    /// The device is gone: everything that the ring holds comes back without it (S-06). No lock held.
    pub fn abandon<L: AtMost<Dispatch>>(&self, core: &Core, irql: &mut Irql<L>) {
        self.empty_ring(core, Status::NOT_ACCEPTED, irql);
        self.abort_queued(core, irql);
    }

    fn empty_ring<L: AtMost<Dispatch>>(&self, core: &Core, status: Status, irql: &mut Irql<L>) {
        irql.at_dispatch(|irql| {
            let mut guard = self.ring.lock(irql);
            let Some(ring) = &mut *guard else { return };
            ring.refuse_sent(status);
            ring.advance(core.is_gone());
            drop(guard);
            self.complete(core, irql);
        });
    }

    /// MiniportCancelSend: completes what waits with this id (D-50); what the chip has completes normally.
    pub fn cancel<L: AtMost<Dispatch>>(&self, core: &Core, id: CancelId, irql: &mut Irql<L>) {
        irql.at_dispatch(|irql| {
            let mut guard = self.ring.lock(irql);
            let Some(ring) = &mut *guard else { return };
            let cancelled = ring.pending.take_cancelled(id);
            drop(guard);
            let count = cancelled.len() as u32;
            if count > 0 {
                cancelled.complete_with(Status::SEND_ABORTED, irql);
                core.leave(count, irql);
            }
        });
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
        let mut guard = core.sender.ring.lock(irql);
        match &mut *guard {
            Some(ring) => ring.pending.append(&mut chain),
            None => {
                drop(guard);
                chain.complete_with(Status::FAILURE, irql);
                core.leave(count, irql);
                return;
            }
        }
        drop(guard);
        if core.sender.pump(core, irql) {
            // A frame that failed at the head of the window has no interrupt to wait for.
            core.sender.complete(core, irql);
        }
    });
}
