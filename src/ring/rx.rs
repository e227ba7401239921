// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive ring. Up to DISPATCH_LEVEL; the owner of the queue's vector holds `&mut self`.
//!
//! The device is not trusted: each word of a descriptor is read once, lengths are checked against the buffer,
//! and which buffers a frame consists of comes from the ring's own slots only.

use super::dma::{DescriptorMemory, DmaMem, RingError};
use super::doorbell::Doorbell;
use crate::hw::desc::{RxStatus, rx_hash, rx_read, rx_status};
use crate::hw::mmio::{Reg, Wo};
use crate::hw::regs;

/// Buffers handed over per tail write.
pub const REFILL_BATCH: u32 = 32;
/// Buffers that one frame may span: 9234 bytes in 2 KiB buffers take five.
pub const MAX_PARTS: usize = 8;

/// What the ring remembers per descriptor.
#[derive(Clone, Copy, Debug, Default)]
pub struct RxSlot {
    cookie: usize,
}

/// The ring has no free descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// When to write the tail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refill {
    /// Only when 32 buffers are waiting.
    Batch,
    /// If any is waiting: at start, and when the chip is running dry.
    Now,
}

/// One buffer of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Part {
    /// What [`RxRing::post`] was given.
    pub cookie: usize,
    /// Bytes that the device says it wrote, never more than the buffer has.
    pub len: u32,
}

/// The buffers of a frame, in order. They belong to the caller again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Parts {
    items: [Part; MAX_PARTS],
    len: usize,
}

impl Parts {
    /// The buffers.
    #[inline]
    pub fn as_slice(&self) -> &[Part] {
        self.items.get(..self.len).unwrap_or(&[])
    }

    #[inline]
    fn push(&mut self, part: Part) {
        if let Some(p) = self.items.get_mut(self.len) {
            *p = part;
            self.len += 1;
        }
    }
}

/// A received frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RxFrame {
    /// Its buffers.
    pub parts: Parts,
    /// Bytes in all.
    pub len: u32,
    /// Status of the last descriptor.
    pub status: RxStatus,
    /// The stripped VLAN tag.
    pub vlan: Option<u16>,
    /// RSS type; 0 is none.
    pub rss_type: u8,
    /// RSS hash.
    pub hash: u32,
}

/// Why buffers come back without a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropReason {
    /// The chip found the frame damaged.
    FrameError,
    /// A length of 0, or beyond the buffer: a broken or hostile device.
    BadLength,
    /// More buffers than a frame may have, or the tail of such a frame.
    TooLong,
}

/// One step of harvesting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Harvest {
    /// Nothing complete.
    Empty,
    /// A frame.
    Frame(RxFrame),
    /// Buffers to be posted again.
    Dropped(DropReason, Parts),
}

/// A receive ring: descriptors in `M`, one slot per descriptor in `S`.
#[derive(Debug)]
pub struct RxRing<M, S> {
    desc: DescriptorMemory<M>,
    slots: S,
    tail: Reg<u32, Wo>,
    buffer_bytes: u32,
    /// Free-running: `done` ≤ `shown` ≤ `next`, at most count − 1 apart.
    next: u32,
    shown: u32,
    done: u32,
    /// Inside a frame that was too long: drop until its end.
    discarding: bool,
}

impl<M: DmaMem, S: AsRef<[RxSlot]> + AsMut<[RxSlot]>> RxRing<M, S> {
    /// A ring over `mem` for receive queue `queue`, with as many descriptors as there are slots and buffers of
    /// `buffer_bytes` (the size programmed in RCTL).
    pub fn new(queue: usize, mem: M, slots: S, buffer_bytes: u32) -> Result<Self, RingError> {
        let tail = regs::RDT_Q.get(queue).ok_or(RingError::Queue)?;
        let count = u32::try_from(slots.as_ref().len()).map_err(|_| RingError::Count)?;
        if !crate::hw::queue::is_buffer_size(buffer_bytes) {
            return Err(RingError::BufferSize);
        }
        Ok(Self {
            desc: DescriptorMemory::new(mem, count)?,
            slots,
            tail,
            buffer_bytes,
            next: 0,
            shown: 0,
            done: 0,
            discarding: false,
        })
    }

    /// Device address for RDBAL and RDBAH.
    pub fn base(&self) -> u64 {
        self.desc.device_address()
    }

    /// Bytes for RDLEN.
    pub fn bytes(&self) -> u32 {
        self.desc.bytes()
    }

    /// Bytes of each buffer.
    pub fn buffer_bytes(&self) -> u32 {
        self.buffer_bytes
    }

    /// Buffers that may still be posted: one descriptor stays free, RDH = RDT means empty (82574L §5.4).
    #[inline]
    pub fn free(&self) -> u32 {
        self.desc.mask() - self.next.wrapping_sub(self.done)
    }

    /// Buffers that the ring holds, handed over or waiting for the tail write.
    #[inline]
    pub fn posted(&self) -> u32 {
        self.next.wrapping_sub(self.done)
    }

    #[inline]
    fn cookie(&self, index: u32) -> usize {
        let at = (index & self.desc.mask()) as usize;
        self.slots.as_ref().get(at).map_or(0, |s| s.cookie)
    }

    /// Writes a descriptor for an empty buffer. The chip sees it after the doorbell. A null address is refused
    /// as if the ring were full: the chip skips such descriptors (§5.4).
    #[inline]
    pub fn post(&mut self, address: u64, cookie: usize) -> Result<(), Full> {
        if self.free() == 0 || address == 0 {
            return Err(Full);
        }
        let at = self.next;
        self.desc.store(at, rx_read(address));
        let slot = (at & self.desc.mask()) as usize;
        if let Some(s) = self.slots.as_mut().get_mut(slot) {
            s.cookie = cookie;
        }
        self.next = at.wrapping_add(1);
        Ok(())
    }

    /// The tail write that is due, if any.
    #[inline]
    pub fn doorbell(&mut self, when: Refill) -> Option<Doorbell> {
        let waiting = self.next.wrapping_sub(self.shown);
        let least = match when {
            Refill::Batch => REFILL_BATCH.min(self.desc.count() / 4),
            Refill::Now => 1,
        };
        if waiting < least {
            return None;
        }
        self.shown = self.next;
        Some(Doorbell {
            tail: self.tail,
            value: self.next & self.desc.mask(),
        })
    }

    /// Takes the next frame, if a whole one is there. Its buffers leave the ring.
    #[inline]
    pub fn harvest(&mut self) -> Harvest {
        let mut parts = Parts::default();
        let mut len = 0u32;
        let mut bad = false;
        let mut at = self.done;
        loop {
            if at == self.shown {
                return Harvest::Empty;
            }
            let second = self.desc.load_status(at);
            let (status, bytes, vlan) = rx_status(second);
            if !status.contains(RxStatus::DD) {
                return Harvest::Empty;
            }
            let bytes = u32::from(bytes);
            let eop = status.contains(RxStatus::EOP);
            // A buffer that is not the last must be full; the last holds something.
            let fits = if eop {
                bytes >= 1 && bytes <= self.buffer_bytes
            } else {
                bytes == self.buffer_bytes
            };
            bad |= !fits;
            parts.push(Part {
                cookie: self.cookie(at),
                len: if fits { bytes } else { 0 },
            });
            len += bytes;
            let first = self.desc.load_first(at);
            at = at.wrapping_add(1);
            if !eop {
                // A bad length leaves at once, whether or not the rest is there, and so does a frame that
                // never ends: nothing the device writes can make the ring stop.
                if bad || self.discarding || parts.len == MAX_PARTS {
                    self.done = at;
                    self.discarding = true;
                    let why = if bad {
                        DropReason::BadLength
                    } else {
                        DropReason::TooLong
                    };
                    return Harvest::Dropped(why, parts);
                }
                continue;
            }
            self.done = at;
            let tail_of_dropped = core::mem::take(&mut self.discarding);
            if bad {
                return Harvest::Dropped(DropReason::BadLength, parts);
            }
            if tail_of_dropped {
                return Harvest::Dropped(DropReason::TooLong, parts);
            }
            if status.intersects(RxStatus::FRAME_ERRORS) {
                return Harvest::Dropped(DropReason::FrameError, parts);
            }
            let (rss_type, _, hash) = rx_hash(first);
            return Harvest::Frame(RxFrame {
                parts,
                len,
                status,
                vlan: status.contains(RxStatus::VP).then_some(vlan),
                rss_type,
                hash,
            });
        }
    }

    /// Gives back every buffer and empties the ring. The chip must have been stopped and the queue's registers
    /// must be programmed anew.
    pub fn drain(&mut self, mut each: impl FnMut(usize)) -> u32 {
        let mut buffers = 0;
        while self.done != self.next {
            each(self.cookie(self.done));
            self.done = self.done.wrapping_add(1);
            buffers += 1;
        }
        self.next = 0;
        self.shown = 0;
        self.done = 0;
        self.discarding = false;
        self.desc.clear();
        buffers
    }
}
