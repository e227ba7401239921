// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive: from a queue's ring to the protocol and back. At most DISPATCH_LEVEL.
//!
//! One NBL per buffer, made once; a frame that spans several buffers goes up as the first one's NBL with the others
//! behind it. Each queue has a [`Receiver`] of its own. Its ring is behind a [`Claim`]: the DPC takes it for a pass,
//! and whoever returns buffers to a starving ring takes it to post them; nobody waits for anybody (K-01, D-39).
//! Returned NBLs wait on a lock-free stack.

use super::arrival::{Arrival, Tally, View};
use super::memory::Block;
use crate::adapter::Core;
use crate::hw::mmio::Mmio;
use crate::hw::queue;
use crate::hw::regs::QUEUES;
use crate::net::statistics::Direction;
use crate::ring::{DropReason, Full, Harvest, Refill, RxBuffer, RxRing};
use core::sync::atomic::{AtomicBool, Ordering};
use ndis::claim::{Claim, Claimed};
use ndis::irql::{AtMost, Dispatch, Irql, Passive};
use ndis::nbl::{ReceiveChain, ReceiveNbl, ReceivePile, ReturnStack};
use ndis::time;

/// Bytes of a receive buffer: RCTL's default size, and an ordinary frame fits.
pub const BUFFER_BYTES: u32 = 2048;
/// Frames per indication.
const BATCH: u32 = 64;

impl RxBuffer for ReceiveNbl {
    fn append(&mut self, next: Self) {
        Self::append(self, next);
    }
}

/// What one pass did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// NBLs indicated.
    pub indicated: u32,
    /// Their bytes.
    pub bytes: u32,
    /// The budget ended before the ring did.
    pub more: bool,
}

/// Where received NBLs go.
#[derive(Debug)]
pub enum Up<'a> {
    /// To NDIS at once: the DPC.
    Indicate,
    /// Into the chain that a poll gives to NDIS.
    Collect(&'a mut ReceiveChain),
}

/// The ring and the buffers that are not elsewhere.
#[derive(Debug)]
pub struct Ring {
    ring: RxRing<Block, ReceiveNbl>,
    /// Buffers that have no room in the ring: the one that stays free, mostly.
    spare: ReceivePile,
    /// Below so many posted buffers the protocol has to copy (D-33).
    low: u32,
    /// The chip does not know the ring, or its receiver is off: no tail is written.
    stopped: bool,
}

/// The receive side of one queue. Nothing of it shares a cache line with the other queue's.
#[derive(Debug)]
#[repr(align(128))]
pub struct Receiver {
    /// `None` before initialisation has made the ring and after halt has taken it.
    ring: Claim<Option<Ring>>,
    /// Written by whoever returns.
    back: Back,
    queue: usize,
}

/// Where buffers come back, on a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Back {
    returned: ReturnStack,
    /// Few buffers are left in the ring: whoever returns some posts them at once.
    starving: AtomicBool,
}

/// The frames of one batch.
struct Gathered {
    batch: ReceiveChain,
    tally: Tally,
    /// The ring has no more.
    ended: bool,
}

impl Ring {
    /// A ring with its buffers, none of them posted.
    pub fn new(ring: RxRing<Block, ReceiveNbl>, spare: ReceivePile, descriptors: u32) -> Self {
        Self {
            ring,
            spare,
            low: descriptors >> 3,
            stopped: false,
        }
    }

    /// Puts one buffer, and those behind it, into the ring; what does not fit stays spare.
    #[inline]
    fn give(&mut self, mut nbl: ReceiveNbl) {
        if let Some(behind) = nbl.detach() {
            self.give_behind(behind);
        }
        if let Err(Full(nbl)) = self.ring.post(nbl.logical_address(), nbl) {
            self.spare.push(nbl);
        }
    }

    /// The buffers that were behind another one.
    #[cold]
    fn give_behind(&mut self, first: ReceiveNbl) {
        let mut at = Some(first);
        while let Some(mut nbl) = at.take() {
            at = nbl.detach();
            if let Err(Full(nbl)) = self.ring.post(nbl.logical_address(), nbl) {
                self.spare.push(nbl);
            }
        }
    }

    /// Puts buffers into the ring.
    fn post(&mut self, mut pile: ReceivePile) {
        let refused = self.ring.post_all(|| {
            let mut nbl = pile.pop()?;
            if let Some(behind) = nbl.detach() {
                pile.push(behind);
            }
            Some((nbl.logical_address(), nbl))
        });
        if let Some(nbl) = refused {
            self.spare.push(nbl);
        }
        // What has no room.
        while let Some(nbl) = pile.pop() {
            self.give(nbl);
        }
    }

    /// Puts a chain of buffers into the ring.
    fn post_chain(&mut self, chain: ReceiveChain) {
        self.post(ReceivePile::of(chain));
    }

    /// Fills the ring from the spare buffers.
    fn use_spare(&mut self) {
        while let Some(nbl) = self.spare.pop() {
            if let Err(Full(nbl)) = self.ring.post(nbl.logical_address(), nbl) {
                self.spare.push(nbl);
                return;
            }
        }
    }

    /// Takes frames out of the ring until there are `room`, or no more.
    fn gather(&mut self, core: &Core, view: &View, counters: &Direction, room: u32) -> Gathered {
        let mut gathered = Gathered {
            batch: ReceiveChain::new(),
            tally: Tally::default(),
            ended: false,
        };
        // Every descriptor is looked at once a pass at most, so that frames nobody wants cannot keep the DPC: what is
        // given back here, the chip does not know of before the next tail write.
        while (gathered.batch.len() as u32) < room {
            match self.ring.harvest() {
                Harvest::Empty => {
                    gathered.ended = true;
                    break;
                }
                Harvest::Frame(frame) => match view.judge(core, frame, &mut gathered.tally) {
                    Arrival::Wanted(nbl) => {
                        gathered.batch.push(nbl);
                    }
                    Arrival::Unwanted(nbl) => self.give(nbl),
                    Arrival::Bad(nbl) => {
                        counters.error(1);
                        self.give(nbl);
                    }
                },
                Harvest::Dropped(why, nbl) => {
                    match why {
                        DropReason::FrameError | DropReason::BadLength | DropReason::TooLong => {
                            counters.error(1);
                        }
                        DropReason::Rest => {}
                    }
                    self.give(nbl);
                }
            }
        }
        gathered
    }
}

impl Receiver {
    /// The receiver of queue `queue`, without a ring yet.
    pub const fn new(queue: usize) -> Self {
        Self {
            ring: Claim::new(None),
            back: Back {
                returned: ReturnStack::new(),
                starving: AtomicBool::new(false),
            },
            queue,
        }
    }

    /// Gives the receiver its ring. PASSIVE_LEVEL, before interrupts.
    pub fn install(&self, ring: Ring) {
        if let Some(mut slot) = self.ring.try_claim() {
            *slot = Some(ring);
        }
    }

    /// Takes the ring with every buffer that is here; the chip has been stopped and nobody indicates any more.
    pub fn take(&self) -> (Option<Ring>, ReceivePile) {
        let ring = self.ring.try_claim().and_then(|mut slot| slot.take());
        (ring, self.back.returned.take())
    }

    /// Does `body` with the ring, if there is one, waiting for a pass that is going on; bounded by X-47. The ring is held
    /// at DISPATCH_LEVEL: see [`returned`](Self::returned).
    fn with_ring(&self, irql: &mut Irql<Passive>, mut body: impl FnMut(&mut Ring)) {
        while !irql.at_dispatch(|_| match self.ring.try_claim() {
            Some(mut slot) => {
                slot.as_mut().map(&mut body);
                true
            }
            None => false,
        }) {
            time::sleep_us(1000, irql);
        }
    }

    /// Takes every buffer out of the ring: the chip has been reset and starts anew. Nothing is posted before
    /// [`program`](Self::program). PASSIVE_LEVEL: waits for a pass that is going on.
    pub fn rewind(&self, irql: &mut Irql<Passive>) {
        self.with_ring(irql, |ring| {
            self.stop(ring);
            let spare = &mut ring.spare;
            ring.ring.drain(|mut nbl| {
                let mut behind = nbl.detach();
                while let Some(mut more) = behind.take() {
                    behind = more.detach();
                    spare.push(more);
                }
                spare.push(nbl);
            });
        });
    }

    /// Writes no tail from here to [`fill`](Self::fill), while the receiver is about to be off: QEMU answers a tail write
    /// with the frames that it has queued, and drops them when the receiver is off. PASSIVE_LEVEL; frames of before are
    /// still indicated.
    pub fn hold(&self, irql: &mut Irql<Passive>) {
        self.with_ring(irql, |ring| self.stop(ring));
    }

    /// No tail is written. With the claim.
    fn stop(&self, ring: &mut Ring) {
        ring.stopped = true;
        // Who returns buffers from here on leaves them on the stack. Relaxed: the claim orders it.
        self.back.starving.store(false, Ordering::Relaxed);
    }

    /// Tells the chip where the ring is. PASSIVE_LEVEL, receiver off; [`fill`](Self::fill) posts.
    pub fn program(&self, m: &impl Mmio, irql: &mut Irql<Passive>) {
        self.with_ring(irql, |ring| {
            queue::program_rx(m, self.queue, ring.ring.base(), ring.ring.bytes());
        });
    }

    /// Posts every buffer that is here: the receiver is on. PASSIVE_LEVEL; interrupts may be on.
    pub fn fill(&self, m: &impl Mmio, irql: &mut Irql<Passive>) {
        loop {
            self.with_ring(irql, |ring| {
                ring.stopped = false;
                ring.use_spare();
                self.refill(ring, m, Refill::Now);
            });
            if !self.is_owed() {
                break;
            }
        }
    }

    /// Whether buffers came back too late for the holder of a starving ring to see: to be asked after letting go of it.
    fn is_owed(&self) -> bool {
        // SeqCst: see `ReturnStack::push`.
        self.back.starving.load(Ordering::SeqCst) && !self.back.returned.is_empty()
    }

    /// Whether every frame that the chip has delivered has been looked at and indicated. PASSIVE_LEVEL, receiver off:
    /// otherwise the answer is old before it is there. It looks at DISPATCH_LEVEL: see [`returned`](Self::returned).
    pub fn is_idle(&self, irql: &mut Irql<Passive>) -> bool {
        irql.at_dispatch(|_| match self.ring.try_claim() {
            Some(slot) => slot.as_ref().is_none_or(|ring| !ring.ring.is_pending()),
            // A pass is going on.
            None => false,
        })
    }

    /// Posts what has come back, and rings.
    #[inline]
    fn refill(&self, ring: &mut Ring, m: &impl Mmio, when: Refill) {
        if ring.stopped {
            return;
        }
        let back = self.back.returned.take();
        // Nothing, as a rule, after an interrupt for nothing.
        if !back.is_empty() {
            ring.post(back);
        }
        let when = if ring.ring.shown() < ring.low {
            Refill::Now
        } else {
            when
        };
        if let Some(bell) = ring.ring.doorbell(when) {
            bell.ring(m);
        }
        let starving = ring.ring.posted() < ring.low;
        // Relaxed: only the holder of the claim writes it.
        if starving || self.back.starving.load(Ordering::Relaxed) {
            // SeqCst: see `ReturnStack::push`: said before the stack is looked at for the last time.
            self.back.starving.store(starving, Ordering::SeqCst);
        }
    }

    /// Lets go of the ring, and looks once more for buffers that came back too late for the holder to see.
    fn release(&self, slot: Claimed<'_, Option<Ring>>, m: &impl Mmio) {
        drop(slot);
        while self.is_owed() {
            let Some(mut slot) = self.ring.try_claim() else {
                return;
            };
            let Some(ring) = &mut *slot else {
                return;
            };
            self.refill(ring, m, Refill::Now);
        }
    }

    /// A pass over the ring: at most `budget` NBLs go to `up`. DISPATCH_LEVEL, no lock held.
    #[inline(never)]
    pub fn poll(
        &self,
        core: &Core,
        budget: u32,
        up: &mut Up<'_>,
        irql: &mut Irql<Dispatch>,
    ) -> Received {
        let mut done = Received::default();
        let Some(mut slot) = self.ring.try_claim() else {
            // Somebody posts buffers at this moment; the pass is made up for.
            done.more = true;
            return done;
        };
        let Some(ring) = &mut *slot else {
            return done;
        };
        if !ring.ring.is_pending() {
            // An interrupt for nothing, or for what another pass has taken.
            self.refill(ring, &core.mmio, Refill::Batch);
            self.release(slot, &core.mmio);
            return done;
        }
        let counters = core.statistics.receive(self.queue);
        let view = View::of(core, self.queue);
        // frames that a closed gate drops are work too; under a flood there is no end of them.
        let mut dropped = 0;
        loop {
            let room = budget.saturating_sub(done.indicated + dropped).min(BATCH);
            let Gathered {
                batch,
                tally,
                ended,
            } = ring.gather(core, &view, counters, room);
            let count = batch.len() as u32;
            if count > 0 && hand_over(core, ring, counters, batch, up, irql) {
                tally.commit(count, counters);
                done.indicated += count;
                done.bytes = done.bytes.saturating_add(tally.total());
            } else {
                dropped += count;
            }
            self.refill(ring, &core.mmio, Refill::Batch);
            if ended || core.is_gone() {
                break;
            }
            if done.indicated + dropped >= budget {
                done.more = true;
                break;
            }
        }
        self.release(slot, &core.mmio);
        done
    }

    /// Takes NBLs back. At most DISPATCH_LEVEL.
    fn returned<L: AtMost<Dispatch>>(&self, core: &Core, chain: ReceiveChain, irql: &mut Irql<L>) {
        self.back.returned.push(chain);
        if self.back.starving.load(Ordering::SeqCst) {
            // At DISPATCH_LEVEL: a DPC that interrupted the holder on its own processor would find the ring taken, ask
            // to run again, and never let the holder finish.
            irql.at_dispatch(|_| {
                if let Some(mut slot) = self.ring.try_claim() {
                    if let Some(ring) = &mut *slot {
                        self.refill(ring, &core.mmio, Refill::Now);
                    }
                    self.release(slot, &core.mmio);
                }
            });
        }
    }
}

/// Hands a batch to `up`, or drops it when the gate is closed (P-08). `false`: dropped.
fn hand_over(
    core: &Core,
    ring: &mut Ring,
    counters: &Direction,
    mut batch: ReceiveChain,
    up: &mut Up<'_>,
    irql: &mut Irql<Dispatch>,
) -> bool {
    let count = batch.len() as u32;
    if let Up::Collect(chain) = up {
        // NDIS indicates when the poll has returned: each NBL keeps a pause waiting until it is back (P-03, P-04).
        let entered = core.gate.enter(count);
        if entered {
            chain.append(&mut batch);
        } else {
            counters.discard(u64::from(count));
            ring.post_chain(batch);
        }
        return entered;
    }
    // One more for the call itself: a pause waits until it has returned (P-03).
    if !core.gate.enter(count + 1) {
        counters.discard(u64::from(count));
        ring.post_chain(batch);
        return false;
    }
    let flags = 0;
    if ring.ring.posted() < ring.low {
        // D-33: decided for the whole batch; the buffers are here again when the call returns.
        let back = batch.indicate_low_resources(&core.handle, flags, irql);
        ring.post_chain(back);
        core.leave(count + 1, irql);
    } else {
        batch.indicate(&core.handle, flags, irql);
        core.leave(1, irql);
    }
    true
}

/// MiniportReturnNetBufferLists. At most DISPATCH_LEVEL, also inside an indication (D-32). A chain may mix the queues.
pub fn returned<L: AtMost<Dispatch>>(core: &Core, mut chain: ReceiveChain, irql: &mut Irql<L>) {
    let count = chain.len() as u32;
    let [first, second]: &[Receiver; QUEUES] = &core.receivers;
    if core.queues() > 1 {
        let others = chain.take_marked(1);
        if !others.is_empty() {
            second.returned(core, others, irql);
        }
    }
    if !chain.is_empty() {
        first.returned(core, chain, irql);
    }
    // Last: it may complete a pause.
    core.leave(count, irql);
}
