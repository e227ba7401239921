// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive: from the ring to the protocol and back. At most DISPATCH_LEVEL.
//!
//! One NBL per buffer, made once. The ring's state is behind a [`Claim`]: the DPC takes it for a pass, and whoever
//! returns buffers to a starving ring takes it to post them; nobody waits for anybody (K-01, D-39). Returned NBLs
//! wait on a lock-free stack.

use super::frame::{Cast, HEADER_LEN};
use super::memory::Block;
use crate::adapter::Core;
use crate::hw::mmio::Mmio;
use crate::hw::queue;
use crate::ring::{DropReason, Harvest, Refill, RxRing, RxSlot};
use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};
use ndis::claim::{Claim, Claimed};
use ndis::irql::{AtMost, Dispatch, Irql};
use ndis::nbl::{ReceiveChain, ReceiveNbl, ReturnStack};

/// Bytes of a receive buffer: RCTL's default size, and a frame fits.
pub const BUFFER_BYTES: u32 = 2048;
/// Frames per indication.
const BATCH: usize = 64;

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

/// The ring and the buffers that are not elsewhere.
#[derive(Debug)]
pub struct Ring {
    ring: RxRing<Block, Box<[RxSlot]>>,
    /// The NBL of each buffer while it is in the ring; the index is the cookie.
    posted: Box<[Option<ReceiveNbl>]>,
    /// Buffers that are nowhere yet.
    spare: ReceiveChain,
    /// Below so many posted buffers the protocol has to copy (D-33).
    low: u32,
}

/// The receive side of one adapter.
#[derive(Debug)]
pub struct Receiver {
    /// `None` before initialisation has made the ring and after halt has taken it.
    ring: Claim<Option<Ring>>,
    returned: ReturnStack,
    /// Few buffers are left in the ring: whoever returns some posts them at once.
    starving: AtomicBool,
}

/// Frames of one batch, counted before it is known whether they may be indicated.
#[derive(Default)]
struct Tally {
    frames: [u32; 3],
    bytes: [u32; 3],
}

impl Tally {
    const CASTS: [Cast; 3] = [Cast::Unicast, Cast::Multicast, Cast::Broadcast];

    fn add(&mut self, cast: Cast, length: u32) {
        let at = Self::CASTS.iter().position(|c| *c == cast).unwrap_or(0);
        if let (Some(frames), Some(bytes)) = (self.frames.get_mut(at), self.bytes.get_mut(at)) {
            *frames += 1;
            *bytes += length;
        }
    }

    fn commit(&self, core: &Core) {
        for ((cast, frames), bytes) in Self::CASTS.iter().zip(self.frames).zip(self.bytes) {
            core.statistics.receive.good(*cast, frames, bytes);
        }
    }

    fn total(&self) -> u32 {
        self.bytes.iter().sum()
    }
}

impl Ring {
    /// A ring with its buffers, none of them posted.
    pub fn new(
        ring: RxRing<Block, Box<[RxSlot]>>,
        posted: Box<[Option<ReceiveNbl>]>,
        spare: ReceiveChain,
        descriptors: u32,
    ) -> Self {
        let low = descriptors >> 3;
        Self {
            ring,
            posted,
            spare,
            low,
        }
    }

    /// Puts buffers into the ring; what does not fit stays spare.
    fn post(&mut self, mut chain: ReceiveChain) {
        self.spare.append(&mut chain);
        while let Some(nbl) = self.spare.pop() {
            let cookie = nbl.word();
            let Some(slot) = self.posted.get_mut(cookie) else {
                // The word is the driver's own and below the number of buffers.
                continue;
            };
            if self.ring.post(nbl.logical_address(), cookie).is_err() {
                self.spare.push(nbl);
                return;
            }
            *slot = Some(nbl);
        }
    }

    /// Takes the buffer of a cookie out of the ring.
    fn take(&mut self, cookie: usize) -> Option<ReceiveNbl> {
        self.posted.get_mut(cookie)?.take()
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// A receiver without a ring yet.
    pub const fn new() -> Self {
        Self {
            ring: Claim::new(None),
            returned: ReturnStack::new(),
            starving: AtomicBool::new(false),
        }
    }

    /// Gives the receiver its ring. PASSIVE_LEVEL, before interrupts.
    pub fn install(&self, ring: Ring) {
        if let Some(mut slot) = self.ring.try_claim() {
            *slot = Some(ring);
        }
    }

    /// Takes the ring with every buffer that is here; the chip has been stopped and nobody indicates any more.
    pub fn take(&self) -> (Option<Ring>, ReceiveChain) {
        let ring = self.ring.try_claim().and_then(|mut slot| slot.take());
        (ring, self.returned.take())
    }

    /// Takes every buffer out of the ring: the chip has been reset and starts anew.
    pub fn rewind(&self) {
        if let Some(mut slot) = self.ring.try_claim()
            && let Some(Ring {
                ring,
                posted,
                spare,
                ..
            }) = &mut *slot
        {
            ring.drain(|cookie| {
                if let Some(nbl) = posted.get_mut(cookie).and_then(Option::take) {
                    spare.push(nbl);
                }
            });
        }
    }

    /// Tells the chip where the ring is. PASSIVE_LEVEL, receiver off.
    pub fn program(&self, m: &impl Mmio) {
        if let Some(ring) = self.ring.try_claim()
            && let Some(ring) = &*ring
        {
            queue::program_rx(m, 0, ring.ring.base(), ring.ring.bytes());
        }
    }

    /// Posts every buffer that is here.
    pub fn fill(&self, m: &impl Mmio) {
        if let Some(mut slot) = self.ring.try_claim()
            && let Some(ring) = &mut *slot
        {
            self.refill(ring, m, Refill::Now);
        }
    }

    /// Posts what has come back, and rings.
    fn refill(&self, ring: &mut Ring, m: &impl Mmio, when: Refill) {
        ring.post(self.returned.take());
        let posted = ring.ring.posted();
        let when = if posted < ring.low { Refill::Now } else { when };
        if let Some(bell) = ring.ring.doorbell(when) {
            bell.ring(m);
        }
        // SeqCst: see `ReturnStack::push`: said before the stack is looked at for the last time.
        self.starving.store(posted < ring.low, Ordering::SeqCst);
    }

    /// Lets go of the ring, and looks once more for buffers that came back too late for the holder to see.
    fn release(&self, slot: Claimed<'_, Option<Ring>>, m: &impl Mmio) {
        drop(slot);
        while self.starving.load(Ordering::SeqCst) && !self.returned.is_empty() {
            let Some(mut slot) = self.ring.try_claim() else {
                return;
            };
            let Some(ring) = &mut *slot else {
                return;
            };
            self.refill(ring, m, Refill::Now);
        }
    }

    /// A pass over the ring: at most `budget` NBLs are indicated. DISPATCH_LEVEL, no lock held.
    pub fn poll(&self, core: &Core, budget: u32, irql: &mut Irql<Dispatch>) -> Received {
        let mut done = Received::default();
        let Some(mut slot) = self.ring.try_claim() else {
            // Somebody posts buffers at this moment; the pass is made up for.
            done.more = true;
            return done;
        };
        let Some(ring) = &mut *slot else {
            return done;
        };
        loop {
            let mut batch = ReceiveChain::new();
            let mut tally = Tally::default();
            let room = budget.saturating_sub(done.indicated) as usize;
            let ended = harvest(core, ring, &mut batch, &mut tally, room.min(BATCH));
            let count = batch.len() as u32;
            if count > 0 && self.indicate(core, ring, batch, irql) {
                tally.commit(core);
                done.indicated += count;
                done.bytes = done.bytes.saturating_add(tally.total());
            }
            self.refill(ring, &core.mmio, Refill::Batch);
            if ended || core.is_gone() {
                break;
            }
            if done.indicated >= budget {
                done.more = true;
                break;
            }
        }
        self.release(slot, &core.mmio);
        done
    }

    /// Indicates a batch, or drops it when the gate is closed (P-08). `false`: dropped.
    fn indicate(
        &self,
        core: &Core,
        ring: &mut Ring,
        batch: ReceiveChain,
        irql: &mut Irql<Dispatch>,
    ) -> bool {
        let count = batch.len() as u32;
        // One more for the call itself: a pause waits until it has returned (P-03).
        if !core.gate.enter(count + 1) {
            core.statistics.receive.discard(u64::from(count));
            ring.post(batch);
            return false;
        }
        let flags = 0;
        if ring.ring.posted() < ring.low {
            // D-33: decided for the whole batch; the buffers are here again when the call returns.
            let back = batch.indicate_low_resources(&core.handle, flags, irql);
            ring.post(back);
            core.leave(count + 1, irql);
        } else {
            batch.indicate(&core.handle, flags, irql);
            core.leave(1, irql);
        }
        true
    }
}

/// Takes frames out of the ring until `room` are in `batch` (`false`) or the ring has no more (`true`).
fn harvest(
    core: &Core,
    ring: &mut Ring,
    batch: &mut ReceiveChain,
    tally: &mut Tally,
    room: usize,
) -> bool {
    let mut again = ReceiveChain::new();
    let mut ended = false;
    // Every descriptor is looked at once a pass at most, so that frames nobody wants cannot keep the DPC.
    let mut looks = ring.ring.posted();
    while batch.len() < room {
        if looks == 0 {
            break;
        }
        looks -= 1;
        let (parts, good) = match ring.ring.harvest() {
            Harvest::Empty => {
                ended = true;
                break;
            }
            Harvest::Frame(frame) => (frame.parts, true),
            Harvest::Dropped(reason, parts) => {
                let receive = &core.statistics.receive;
                match reason {
                    DropReason::FrameError | DropReason::BadLength | DropReason::TooLong => {
                        receive.error(1)
                    }
                }
                (parts, false)
            }
        };
        // Without jumbo frames a frame is one buffer; anything else is the device's error.
        let single = matches!(parts.as_slice(), [_]);
        if good && !single {
            core.statistics.receive.error(1);
        }
        for part in parts.as_slice() {
            let Some(mut nbl) = ring.take(part.cookie) else {
                continue;
            };
            if good && single && accept(core, &mut nbl, part.len, tally) {
                batch.push(nbl);
            } else {
                again.push(nbl);
            }
        }
    }
    ring.post(again);
    ended || looks == 0
}

/// Whether a frame goes up; makes its NBL ready then.
fn accept(core: &Core, nbl: &mut ReceiveNbl, length: u32, tally: &mut Tally) -> bool {
    if length < HEADER_LEN {
        // D-37: no runts.
        core.statistics.receive.error(1);
        return false;
    }
    let mut destination = [0; 6];
    nbl.peek(&mut destination);
    let cast = Cast::of(&destination);
    if !core.filter.wants(cast, &destination, &core.current_address) {
        return false;
    }
    if nbl.prepare(length).is_err() {
        core.statistics.receive.error(1);
        return false;
    }
    tally.add(cast, length);
    true
}

/// MiniportReturnNetBufferLists. At most DISPATCH_LEVEL, also inside an indication (D-32).
pub fn returned<L: AtMost<Dispatch>>(core: &Core, chain: ReceiveChain, irql: &mut Irql<L>) {
    let count = chain.len() as u32;
    let receiver = &core.receiver;
    receiver.returned.push(chain);
    if receiver.starving.load(Ordering::SeqCst) {
        // At DISPATCH_LEVEL: a DPC that interrupted the holder on its own processor would find the ring taken, ask to
        // run again, and never let the holder finish.
        irql.at_dispatch(|_| {
            if let Some(mut slot) = receiver.ring.try_claim() {
                if let Some(ring) = &mut *slot {
                    receiver.refill(ring, &core.mmio, Refill::Now);
                }
                receiver.release(slot, &core.mmio);
            }
        });
    }
    // Last: it may complete a pause.
    core.leave(count, irql);
}
