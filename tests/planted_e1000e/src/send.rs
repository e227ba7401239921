// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit ring: each frame is copied into the buffer of its descriptor, and its NBL is completed when the chip has
//! sent the last one. NBLs that find no room wait in order. At most DISPATCH_LEVEL.

use core::sync::atomic::Ordering;

use ndis::adapter::AdapterHandle;
use ndis::irql::{AtMost, Dispatch, Irql};
use ndis::nbl::{SendChain, SendNbl, TxNetBuffer};
use ndis::status::{Result, Status};

use crate::chip::{Core, RING, reg, send_buffer, send_descriptor};
use crate::dma;

/// Longest frame, without FCS.
const FRAME: usize = 1514;
/// Descriptor command: end of packet, insert FCS, report status.
const COMMAND: u64 = 0x0B << 24;

/// What is sent and what waits. Head and tail count descriptors and never wrap.
pub struct Send {
    /// The NBL whose last frame a descriptor has.
    sending: [Option<SendNbl>; RING],
    head: usize,
    tail: usize,
    /// Has waited longest.
    first: Option<SendNbl>,
    waiting: SendChain,
}

impl Send {
    /// An empty ring.
    pub fn new(handle: AdapterHandle) -> Self {
        Self {
            sending: [const { None }; RING],
            head: 0,
            tail: 0,
            first: None,
            waiting: SendChain::new(handle),
        }
    }

    /// Nothing is sent and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.head == self.tail && self.first.is_none() && self.waiting.is_empty()
    }

    /// Begins anew, idle, after a reset of the chip.
    pub fn restart(&mut self) {
        self.head = 0;
        self.tail = 0;
    }

    fn done(&self, core: &Core) -> bool {
        self.head != self.tail && core.done(send_descriptor(self.head % RING)).is_some()
    }

    /// Gives waiting NBLs to the chip while there is room. What could not be sent is added to `failed`.
    fn pump(&mut self, core: &Core, failed: &mut SendChain, irql: &Irql<Dispatch>) {
        let begin = self.tail;
        while let Some(nbl) = self.first.take().or_else(|| self.waiting.pop()) {
            let frames = nbl.net_buffers();
            if frames > RING / 2 {
                failed.push(with_status(nbl, Status::RESOURCES));
                continue;
            }
            // One descriptor stays free, or the ring would look empty.
            if self.tail - self.head + frames >= RING {
                self.first = Some(nbl);
                break;
            }
            let parts = match nbl.split() {
                Ok(parts) => parts,
                Err(empty) => {
                    failed.push(with_status(empty, Status::INVALID_LENGTH));
                    continue;
                }
            };
            for nb in parts {
                let slot = self.tail % RING;
                match program(core, slot, &nb, irql) {
                    Ok(()) => {
                        self.sending[slot] = nb.finish(Status::SUCCESS);
                        self.tail += 1;
                    }
                    Err(status) => {
                        if let Some(nbl) = nb.finish(status) {
                            failed.push(nbl);
                        }
                    }
                }
            }
        }
        if self.tail != begin {
            core.write(reg::TDT, (self.tail % RING) as u32);
        }
    }
}

/// Copies a frame and describes it to the chip, which sees it with the tail.
fn program(core: &Core, slot: usize, nb: &TxNetBuffer, irql: &Irql<Dispatch>) -> Result<()> {
    let length = nb.data_length() as usize;
    let mut frame = [0; FRAME];
    let frame = frame.get_mut(..length).ok_or(Status::INVALID_LENGTH)?;
    if length < 14 || nb.copy_to(frame, irql)? != length {
        return Err(Status::INVALID_LENGTH);
    }
    core.memory.copy_in(send_buffer(slot), frame);
    let second = length as u64 | COMMAND;
    core.post(send_descriptor(slot), dma::send_address(core, slot), second);
    Ok(())
}

fn with_status(mut nbl: SendNbl, status: Status) -> SendNbl {
    nbl.set_status(status);
    nbl
}

/// MiniportSendNetBufferLists.
pub fn send<L: AtMost<Dispatch>>(core: &Core, mut nbls: SendChain, irql: &mut Irql<L>) {
    if core.gone.load(Ordering::SeqCst) {
        return nbls.complete_with(Status::NOT_ACCEPTED, irql);
    }
    if !core.running.load(Ordering::SeqCst) {
        return nbls.complete_with(Status::PAUSED, irql);
    }
    let mut failed = SendChain::new(core.handle);
    {
        let mut guard = core.send.lock(irql);
        let (send, irql) = guard.split();
        send.waiting.append(&mut nbls);
        send.pump(core, &mut failed, irql);
    }
    failed.complete(irql);
}

/// A frame is sent and its NBL not yet completed.
pub fn is_done(core: &Core, irql: &mut Irql<Dispatch>) -> bool {
    core.send.lock(irql).done(core)
}

/// Completes what is sent and sends what waits: how many NBLs.
pub fn reap<L: AtMost<Dispatch>>(core: &Core, irql: &mut Irql<L>) -> usize {
    let mut complete = SendChain::new(core.handle);
    {
        let mut guard = core.send.lock(irql);
        let (send, irql) = guard.split();
        while send.done(core) {
            if let Some(nbl) = send.sending[send.head % RING].take() {
                complete.push(nbl);
            }
            send.head += 1;
        }
        send.pump(core, &mut complete, irql);
    }
    let count = complete.len();
    complete.complete(irql);
    count
}

/// Completes everything, sent or not: the chip is gone.
pub fn abort<L: AtMost<Dispatch>>(core: &Core, irql: &mut Irql<L>) {
    let mut all = SendChain::new(core.handle);
    {
        let mut send = core.send.lock(irql);
        while send.head != send.tail {
            let slot = send.head % RING;
            if let Some(nbl) = send.sending[slot].take() {
                all.push(nbl);
            }
            send.head += 1;
        }
        if let Some(nbl) = send.first.take() {
            all.push(nbl);
        }
        all.append(&mut send.waiting);
    }
    all.complete_with(Status::NOT_ACCEPTED, irql);
}
