// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive ring. Up to DISPATCH_LEVEL; the owner of the queue's vector holds `&mut self`.
//!
//! The device is not trusted: each word of a descriptor is read once, lengths are checked against the buffer,
//! and which buffers a frame consists of comes from the ring's own slots only. A slot owns its buffer, so a buffer
//! that is in the ring is nowhere else, and one that leaves it leaves it once.

use super::dma::{DescriptorMemory, DmaMem, RingError};
use super::doorbell::Doorbell;
use crate::hw::desc::{RxStatus, rx_hash, rx_read, rx_status};
use crate::hw::mmio::{Reg, Wo};
use crate::hw::regs;
use alloc::boxed::Box;

/// Buffers handed over per tail write.
pub const REFILL_BATCH: u32 = 32;

/// A buffer that the ring can hold.
pub trait RxBuffer: Sized {
    /// Takes `next` behind this buffer: the frame goes on in it. `next` carries no others.
    fn append(&mut self, next: Self);
}

/// The ring has no free descriptor, or the address is 0; the buffer comes back.
#[derive(PartialEq, Eq, Debug)]
pub struct Full<B>(pub B);

/// When to write the tail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refill {
    /// Only when 32 buffers are waiting.
    Batch,
    /// If any is waiting: at start, and when the chip is running dry.
    Now,
}

/// A received frame.
#[derive(PartialEq, Eq, Debug)]
pub struct RxFrame<B> {
    /// Its first buffer, with the others behind it.
    pub buffer: B,
    /// Bytes in all: at least 1, at most what the buffers hold.
    pub len: u32,
    /// Both words of the last descriptor as they were read.
    words: [u64; 2],
}

impl<B> RxFrame<B> {
    /// Status and errors of the last descriptor.
    #[inline]
    pub fn status(&self) -> RxStatus {
        rx_status(self.words[1]).0
    }

    /// The stripped VLAN tag.
    #[inline]
    pub fn vlan(&self) -> Option<u16> {
        let (status, _, tag) = rx_status(self.words[1]);
        status.contains(RxStatus::VP).then_some(tag)
    }

    /// RSS type (0: none), the queue that the chip names, and the hash.
    #[inline]
    pub fn rss(&self) -> (u8, u8, u32) {
        rx_hash(self.words[0])
    }
}

/// Why a frame was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropReason {
    /// CRC, symbol, sequence, carrier extension or data error.
    FrameError,
    /// A length that the buffer cannot have.
    BadLength,
    /// Longer than any frame may be.
    TooLong,
    /// What is left of a frame that was dropped before.
    Rest,
}

/// What is next in the ring.
#[derive(PartialEq, Eq, Debug)]
pub enum Harvest<B> {
    /// Nothing that the chip has finished.
    Empty,
    /// A whole frame.
    Frame(RxFrame<B>),
    /// A descriptor, or several, that make no frame; the buffers are to be posted again.
    Dropped(DropReason, B),
}

/// The beginning of a frame whose end has not been seen.
#[derive(Debug)]
struct Partial<B> {
    buffer: B,
    len: u32,
}

/// A receive ring: descriptors in `M`, one buffer per descriptor.
#[derive(Debug)]
pub struct RxRing<M, B> {
    desc: DescriptorMemory<M>,
    slots: Box<[Option<B>]>,
    tail: Reg<u32, Wo>,
    buffer_bytes: u32,
    max_frame: u32,
    /// The next descriptor to write, and the next to look at.
    next: u32,
    done: u32,
    /// Buffers that the chip knows of, and buffers that wait for the tail write.
    shown: u32,
    waiting: u32,
    /// Inside a frame whose end has not been seen: one that was dropped if there is no `partial`.
    inside: bool,
    partial: Option<Partial<B>>,
}

impl<M: DmaMem, B: RxBuffer> RxRing<M, B> {
    /// A ring over `mem` for receive queue `queue`, with as many descriptors as there are slots (a multiple of 8) and
    /// buffers of `buffer_bytes` (the size programmed in RCTL). Frames over several buffers and above `max_frame` bytes are
    /// dropped.
    pub fn new(
        queue: usize,
        mem: M,
        slots: Box<[Option<B>]>,
        buffer_bytes: u32,
        max_frame: u32,
    ) -> Result<Self, RingError> {
        let tail = regs::RDT_Q.get(queue).ok_or(RingError::Queue)?;
        let count = u32::try_from(slots.len()).map_err(|_| RingError::Count)?;
        if !crate::hw::queue::is_buffer_size(buffer_bytes) {
            return Err(RingError::BufferSize);
        }
        Ok(Self {
            desc: DescriptorMemory::new(mem, count)?,
            slots,
            tail,
            buffer_bytes,
            max_frame,
            next: 0,
            done: 0,
            shown: 0,
            waiting: 0,
            inside: false,
            partial: None,
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

    /// Buffers that the ring holds, handed over or waiting for the tail write.
    #[inline]
    pub fn posted(&self) -> u32 {
        self.shown + self.waiting
    }

    /// Buffers that the chip knows of. Posting changes nothing of it before the doorbell.
    #[inline]
    pub fn shown(&self) -> u32 {
        self.shown
    }

    /// Whether the chip has finished a descriptor that nobody has looked at.
    pub fn is_pending(&self) -> bool {
        self.shown != 0 && {
            let [_, second] = self.desc.load(self.done);
            rx_status(second).0.contains(RxStatus::DD)
        }
    }

    /// Writes a descriptor for an empty buffer at `address`. The chip sees it after the doorbell. One descriptor stays
    /// free: RDH = RDT means empty (82574L §5.4). A null address is refused as if the ring were full: the chip skips
    /// such descriptors (§5.4).
    #[inline]
    pub fn post(&mut self, address: u64, buffer: B) -> Result<(), Full<B>> {
        let at = self.next;
        if self.posted() + 1 >= self.desc.count() {
            return Err(Full(buffer));
        }
        if address == 0 {
            return Err(Full(buffer));
        }
        let Some(slot) = self.slots.get_mut(at as usize) else {
            return Err(Full(buffer));
        };
        // Behind `next` there is no buffer that could get lost.
        core::mem::forget(slot.replace(buffer));
        self.desc.store_at(at, rx_read(address));
        self.next = self.desc.after(at);
        self.waiting += 1;
        Ok(())
    }

    /// [`post`](Self::post) of all that `give` gives, an address and a buffer each, as long as there is room: looked at once,
    /// and not for each. Returns a buffer whose address is null.
    #[inline]
    pub fn post_all(&mut self, mut give: impl FnMut() -> Option<(u64, B)>) -> Option<B> {
        let room = (self.desc.count() - 1).saturating_sub(self.posted());
        let (mut at, mut done, mut refused) = (self.next, 0, None);
        while done < room
            && let Some((address, buffer)) = give()
        {
            let slot = self.slots.get_mut(at as usize).filter(|_| address != 0);
            let Some(slot) = slot else {
                refused = Some(buffer);
                break;
            };
            // Behind `next` there is no buffer that could get lost.
            core::mem::forget(slot.replace(buffer));
            self.desc.store_at(at, rx_read(address));
            at = self.desc.after(at);
            done += 1;
        }
        self.next = at;
        self.waiting += done;
        refused
    }

    /// The tail write that is due, if any.
    #[inline]
    pub fn doorbell(&mut self, when: Refill) -> Option<Doorbell> {
        let least = match when {
            Refill::Batch => REFILL_BATCH.min(self.desc.count() / 4),
            Refill::Now => 1,
        };
        if self.waiting < least {
            return None;
        }
        self.shown += self.waiting;
        self.waiting = 0;
        Some(Doorbell {
            tail: self.tail,
            value: self.next,
        })
    }

    /// Takes the next frame, if a whole one is there. Its buffers leave the ring.
    #[inline]
    pub fn harvest(&mut self) -> Harvest<B> {
        loop {
            let Some((buffer, words)) = self.take() else {
                return Harvest::Empty;
            };
            let (status, bytes, _) = rx_status(words[1]);
            let len = u32::from(bytes);
            const CLEAN: RxStatus = RxStatus::EOP.union(RxStatus::FRAME_ERRORS);
            // A frame in one buffer: what every frame is without jumbo frames. One that is too long for its kind, but not
            // for its buffer, is the caller's to see.
            if status.intersection(CLEAN) == RxStatus::EOP
                && len.wrapping_sub(1) < self.buffer_bytes
                && !self.inside
            {
                return Harvest::Frame(RxFrame { buffer, len, words });
            }
            let [first, second] = words;
            if let Some(end) = self.piece(buffer, first, second) {
                return end;
            }
        }
    }

    /// Takes one finished descriptor out of the ring.
    #[inline]
    fn take(&mut self) -> Option<(B, [u64; 2])> {
        if self.shown == 0 {
            return None;
        }
        let words = self.desc.load(self.done);
        if !rx_status(words[1]).0.contains(RxStatus::DD) {
            return None;
        }
        // Between `done` and `next` every slot has a buffer.
        let buffer = self.slots.get_mut(self.done as usize)?.take()?;
        self.done = self.desc.after(self.done);
        self.shown -= 1;
        Some((buffer, words))
    }

    /// One descriptor of a frame that spans several, or of one that is wrong. `None`: the frame goes on.
    #[cold]
    fn piece(&mut self, buffer: B, first: u64, second: u64) -> Option<Harvest<B>> {
        let words = [first, second];
        let (status, bytes, _) = rx_status(second);
        let bytes = u32::from(bytes);
        let last = status.contains(RxStatus::EOP);
        if self.inside && self.partial.is_none() {
            self.inside = !last;
            return Some(Harvest::Dropped(DropReason::Rest, buffer));
        }
        let (before, buffer) = match self.partial.take() {
            Some(mut partial) => {
                partial.buffer.append(buffer);
                (partial.len, partial.buffer)
            }
            None => (0, buffer),
        };
        let len = before.saturating_add(bytes);
        // A buffer that is not the last must be full; the last holds something.
        let fits = if last {
            bytes >= 1 && bytes <= self.buffer_bytes
        } else {
            bytes == self.buffer_bytes
        };
        let why = if !fits {
            Some(DropReason::BadLength)
        } else if len > self.max_frame {
            Some(DropReason::TooLong)
        } else if last && status.intersects(RxStatus::FRAME_ERRORS) {
            Some(DropReason::FrameError)
        } else {
            None
        };
        self.inside = !last;
        match why {
            // At once, whether or not the rest is there: nothing the device writes can make the ring stop.
            Some(why) => Some(Harvest::Dropped(why, buffer)),
            None if last => Some(Harvest::Frame(RxFrame { buffer, len, words })),
            None => {
                self.partial = Some(Partial { buffer, len });
                None
            }
        }
    }

    /// Gives back every buffer and empties the ring. The chip must have been stopped and the queue's registers
    /// must be programmed anew.
    pub fn drain(&mut self, mut each: impl FnMut(B)) {
        if let Some(partial) = self.partial.take() {
            each(partial.buffer);
        }
        for slot in &mut self.slots {
            if let Some(buffer) = slot.take() {
                each(buffer);
            }
        }
        self.next = 0;
        self.done = 0;
        self.shown = 0;
        self.waiting = 0;
        self.inside = false;
        self.desc.clear();
    }
}
