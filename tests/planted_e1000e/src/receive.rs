// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive ring: descriptor, buffer and NBL of a number belong together for ever, so buffers go back to the chip in
//! the order of the ring. At most DISPATCH_LEVEL.

use core::sync::atomic::Ordering;

use ndis::irql::{AtMost, Dispatch, Irql};
use ndis::nbl::{ReceiveChain, ReceiveNbl};
use ndis::time;

use crate::chip::{Core, RING, receive_buffer, receive_descriptor, reg};
use crate::choice::is;
use crate::table::*;

/// Frames in one DPC without a limit from NDIS.
const BUDGET: u32 = 64;
/// Looks at an empty ring, 10 µs apart, before a DPC that polls until it is empty believes it.
const PATIENCE: u32 = 200;
/// Longest frame, without FCS.
const FRAME: u32 = 1514;

/// Receive buffers and where they are.
pub struct Receive {
    /// Those that are the chip's or the driver's, by number; the others are NDIS'.
    home: [Option<ReceiveNbl>; RING],
    next: usize,
    tail: usize,
    indicated: usize,
}

impl Receive {
    /// All buffers, in the order of their numbers.
    pub fn new(mut nbls: ReceiveChain) -> Self {
        let mut home = [const { None }; RING];
        while let Some(nbl) = nbls.pop() {
            let n = nbl.word() % RING;
            home[n] = Some(nbl);
        }
        Self {
            home,
            next: 0,
            tail: RING - 1,
            indicated: 0,
        }
    }

    /// What RDT must be.
    pub fn tail(&self) -> usize {
        self.tail
    }

    /// No buffer is NDIS'.
    pub fn is_home(&self) -> bool {
        self.indicated == 0
    }

    /// Makes all buffers the chip's, which has stopped.
    pub fn fill(&mut self, core: &Core) {
        for n in 0..RING {
            post(core, n);
        }
        self.next = 0;
        self.tail = RING - 1;
    }

    fn waits(&self, core: &Core) -> Option<u32> {
        self.home[self.next].as_ref()?;
        core.done(receive_descriptor(self.next))
            .map(|second| second as u32 & 0xFFFF)
    }

    /// A buffer is free again; the tail moves over all that are.
    fn recycle(&mut self, core: &Core, nbl: ReceiveNbl) {
        let n = nbl.word() % RING;
        post(core, n);
        self.home[n] = Some(nbl);
        let mut tail = self.tail;
        loop {
            let next = (tail + 1) % RING;
            // One descriptor stays the driver's, or the ring would look empty.
            let full = (next + 1) % RING == self.next;
            if full || self.home[tail].is_none() {
                break;
            }
            tail = next;
        }
        if tail != self.tail {
            self.tail = tail;
            if !core.is_stopped() {
                core.write(reg::RDT, tail as u32);
            }
        }
    }
}

fn post(core: &Core, n: usize) {
    core.post(receive_descriptor(n), core.logical(receive_buffer(n)), 0);
}

/// A frame is in the ring.
pub fn is_waiting(core: &Core, irql: &mut Irql<Dispatch>) -> bool {
    core.receive.lock(irql).waits(core).is_some()
}

/// Indicates what has come, at most `limit`: how many, and whether there is more.
pub fn indicate(core: &Core, limit: Option<u32>, irql: &mut Irql<Dispatch>) -> (u32, bool) {
    let rounds = if is(LIMIT_PER_CALL) { 2 } else { 1 };
    let mut total = 0;
    let mut round = 0;
    let mut patience = PATIENCE;
    loop {
        let (count, more) = batch(core, limit.unwrap_or(BUDGET).min(BUDGET), irql);
        total += count;
        round += 1;
        if is(POLL_UNTIL_EMPTY) && limit.is_none() && patience != 0 {
            patience = if count == 0 { patience - 1 } else { PATIENCE };
            time::stall_us(10);
        } else if !more || round >= rounds {
            return (total, more);
        }
        crate::send::reap(core, irql);
    }
}

fn batch(core: &Core, most: u32, irql: &mut Irql<Dispatch>) -> (u32, bool) {
    let (chain, more) = gather(core, most, irql);
    let count = chain.len() as u32;
    // D-33: before the ring runs dry, the protocol has to copy.
    let low = core.receive.lock(irql).indicated >= RING / 2;
    if low {
        let back = chain.indicate_low_resources(&core.handle, 0, irql);
        take_back(core, back, irql);
    } else {
        chain.indicate(&core.handle, 0, irql);
    }
    (count, more)
}

/// What has come, at most `most`, and whether there is more.
pub fn gather(core: &Core, most: u32, irql: &mut Irql<Dispatch>) -> (ReceiveChain, bool) {
    let mut chain = ReceiveChain::new();
    let more = {
        let mut receive = core.receive.lock(irql);
        let wanted = core.running.load(Ordering::SeqCst) && core.filter.load(Ordering::SeqCst) != 0;
        while chain.len() < most as usize {
            let Some(length) = receive.waits(core) else {
                break;
            };
            let n = receive.next;
            receive.next = (n + 1) % RING;
            let Some(mut nbl) = receive.home[n].take() else {
                break;
            };
            if wanted && (14..=FRAME).contains(&length) && nbl.prepare(length).is_ok() {
                chain.push(nbl);
            } else {
                receive.recycle(core, nbl);
            }
        }
        receive.indicated += chain.len();
        chain.len() == most as usize && receive.waits(core).is_some()
    };
    (chain, more)
}

/// MiniportReturnNetBufferLists.
pub fn take_back<L: AtMost<Dispatch>>(core: &Core, mut nbls: ReceiveChain, irql: &mut Irql<L>) {
    let mut receive = core.receive.lock(irql);
    receive.indicated = receive.indicated.saturating_sub(nbls.len());
    while let Some(nbl) = nbls.pop() {
        receive.recycle(core, nbl);
    }
}
