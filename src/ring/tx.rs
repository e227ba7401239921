// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit ring. Up to DISPATCH_LEVEL, under the caller's lock (`&mut self`).
//!
//! * Descriptors are written by `push`, handed over by the one tail write of [`doorbell`](TxRing::doorbell).
//! * RS stands on the last descriptor of every `RS_STRIDE`-th frame and of the last frame of a batch, so every
//!   frame handed over is covered by an RS at or behind it. Completion looks at DD of those, never at TDH, and
//!   reads no register (82574L §17).
//! * Free space comes from software indices. One descriptor stays free: TDH = TDT means empty (§6).

use super::dma::{DescriptorMemory, DmaMem, RingError};
use super::doorbell::Doorbell;
use crate::hw::desc::{TX_DD, TX_RS, TxContext, TxOptions, tx_data};
use crate::hw::mmio::{Reg, Wo};
use crate::hw::regs;

/// Frames between two reports inside a batch.
const RS_STRIDE: u32 = 16;
/// Bytes per descriptor: safe with every packet buffer split in use (§6).
pub const MAX_SEGMENT: u32 = 8_096;
/// Data descriptors per frame: the model drops frames with more fragments (§6).
pub const MAX_FRAME_DESCRIPTORS: u32 = 64;

/// One piece of a frame, as the device sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Device address.
    pub address: u64,
    /// Bytes; pieces of 0 bytes are skipped (a descriptor of 0 bytes loses the frame in QEMU 10, §0.10).
    pub len: u32,
}

/// What a frame asks for besides being sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TxRequest {
    /// Offload context that must be in force; written only when it differs from the last one.
    pub context: Option<TxContext>,
    /// Checksum, segmentation and VLAN bits.
    pub options: TxOptions,
    /// Bytes that the pieces must have together; 0: any.
    pub length: u32,
}

/// Rules that depend on the chip's use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TxRules {
    /// Write the context with every frame: silicon keeps one context for both queues, so the cached one is not
    /// to be trusted when two transmit queues are in use.
    pub always_context: bool,
}

/// Why a frame was not queued. The ring is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PushError {
    /// Not enough free descriptors now; try after a completion.
    Full,
    /// More descriptors than the chip takes for one frame, or than the ring has: copy it together.
    TooManySegments,
    /// No byte at all.
    Empty,
    /// The pieces together are not as long as the request says.
    WrongLength,
}

/// What the ring remembers per descriptor.
#[derive(Clone, Copy, Debug, Default)]
pub struct TxSlot {
    cookie: usize,
    /// With RS: where the next RS is, once there is one.
    next_rs: u32,
    eop: bool,
    rs: bool,
}

impl TxSlot {
    /// The last descriptor of a frame.
    const fn last(cookie: usize) -> Self {
        Self {
            cookie,
            next_rs: 0,
            eop: true,
            rs: false,
        }
    }
}

/// A transmit ring: descriptors in `M`, one slot per descriptor in `S`.
#[derive(Debug)]
pub struct TxRing<M, S> {
    desc: DescriptorMemory<M>,
    slots: S,
    tail: Reg<u32, Wo>,
    rules: TxRules,
    /// Free-running indices: `done` ≤ `shown` ≤ `next`, at most count − 1 apart.
    next: u32,
    shown: u32,
    done: u32,
    /// Last descriptor of the newest frame.
    last_eop: u32,
    frames_since_rs: u32,
    /// The oldest RS descriptor that has not been worked off; it may not have been handed over yet.
    watch: Option<u32>,
    /// The newest one; the slots between the two are linked.
    newest_rs: u32,
    context: Option<TxContext>,
}

impl<M: DmaMem, S: AsRef<[TxSlot]> + AsMut<[TxSlot]>> TxRing<M, S> {
    /// A ring over `mem` for transmit queue `queue`, with as many descriptors as there are slots.
    pub fn new(queue: usize, mem: M, slots: S, rules: TxRules) -> Result<Self, RingError> {
        let tail = regs::TDT_Q.get(queue).ok_or(RingError::Queue)?;
        let count = u32::try_from(slots.as_ref().len()).map_err(|_| RingError::Count)?;
        // The indices run freely and are masked.
        if !count.is_power_of_two() {
            return Err(RingError::Count);
        }
        Ok(Self {
            desc: DescriptorMemory::new(mem, count)?,
            slots,
            tail,
            rules,
            next: 0,
            shown: 0,
            done: 0,
            last_eop: 0,
            frames_since_rs: 0,
            watch: None,
            newest_rs: 0,
            context: None,
        })
    }

    /// Device address for TDBAL and TDBAH.
    pub fn base(&self) -> u64 {
        self.desc.device_address()
    }

    /// Bytes for TDLEN.
    pub fn bytes(&self) -> u32 {
        self.desc.bytes()
    }

    /// Descriptors that may be written now.
    #[inline]
    pub fn free(&self) -> u32 {
        self.desc.mask() - self.next.wrapping_sub(self.done)
    }

    /// Whether nothing is queued or outstanding.
    pub fn is_idle(&self) -> bool {
        self.next == self.done
    }

    /// The index that the next free descriptor has: what TDT is after the next doorbell.
    pub fn tail_index(&self) -> u32 {
        self.next & self.desc.mask()
    }

    #[inline]
    fn slot(&mut self, index: u32) -> Option<&mut TxSlot> {
        let at = (index & self.desc.mask()) as usize;
        self.slots.as_mut().get_mut(at)
    }

    #[inline]
    fn peek(&self, index: u32) -> TxSlot {
        let at = (index & self.desc.mask()) as usize;
        self.slots.as_ref().get(at).copied().unwrap_or_default()
    }

    /// Writes the descriptors of one frame. `cookie` comes back when it is complete. All or nothing; the chip
    /// sees it after the doorbell.
    #[inline]
    pub fn push(
        &mut self,
        segments: impl Iterator<Item = Segment>,
        request: &TxRequest,
        cookie: usize,
    ) -> Result<(), PushError> {
        // One pass: descriptors are the driver's until the doorbell, so a frame that does not fit is taken back.
        let (start, before) = (self.next, self.context);
        let limit = self.done.wrapping_add(self.desc.mask());
        let result = self.fill(segments, request, cookie, limit);
        match result {
            Ok(()) => {
                self.frames_since_rs += 1;
                if self.frames_since_rs >= RS_STRIDE {
                    self.report_last();
                }
            }
            Err(_) => {
                self.next = start;
                self.context = before;
            }
        }
        // An idle ring that is too small stays so.
        match result {
            Err(PushError::Full) if self.is_idle() => Err(PushError::TooManySegments),
            result => result,
        }
    }

    /// [`push`](Self::push) of a frame in one piece of at most [`MAX_SEGMENT`] bytes, without a context.
    #[inline]
    pub fn push_one(
        &mut self,
        piece: Segment,
        options: TxOptions,
        cookie: usize,
    ) -> Result<(), PushError> {
        if self.free() == 0 {
            return Err(PushError::Full);
        }
        self.last_eop = self.next;
        self.write(
            tx_data(piece.address, piece.len, true, options),
            TxSlot::last(cookie),
        );
        self.frames_since_rs += 1;
        if self.frames_since_rs >= RS_STRIDE {
            self.report_last();
        }
        Ok(())
    }

    #[inline]
    fn fill(
        &mut self,
        segments: impl Iterator<Item = Segment>,
        request: &TxRequest,
        cookie: usize,
        limit: u32,
    ) -> Result<(), PushError> {
        if let Some(c) = request.context
            && (self.rules.always_context || self.context != Some(c))
        {
            if self.next == limit {
                return Err(PushError::Full);
            }
            self.context = Some(c);
            self.write(c.encode(), TxSlot::default());
        }
        let mut data = 0;
        let mut total = 0u32;
        // The newest piece waits: the last one gets EOP.
        let mut held: Option<(u64, u32)> = None;
        for s in segments {
            let mut address = s.address;
            let mut left = s.len;
            while left > 0 {
                if let Some((address, len)) = held {
                    if self.next == limit {
                        return Err(PushError::Full);
                    }
                    self.write(
                        tx_data(address, len, false, request.options),
                        TxSlot::default(),
                    );
                }
                data += 1;
                if data > MAX_FRAME_DESCRIPTORS {
                    return Err(PushError::TooManySegments);
                }
                let len = left.min(MAX_SEGMENT);
                held = Some((address, len));
                address = address.wrapping_add(u64::from(len));
                left -= len;
                total = total.wrapping_add(len);
            }
        }
        let Some((address, len)) = held else {
            return Err(PushError::Empty);
        };
        if request.length != 0 && request.length != total {
            return Err(PushError::WrongLength);
        }
        if self.next == limit {
            return Err(PushError::Full);
        }
        self.last_eop = self.next;
        self.write(
            tx_data(address, len, true, request.options),
            TxSlot::last(cookie),
        );
        Ok(())
    }

    #[inline]
    fn write(&mut self, words: [u64; 2], slot: TxSlot) {
        let at = self.next;
        self.desc.store(at, words);
        if let Some(s) = self.slot(at) {
            *s = slot;
        }
        self.next = at.wrapping_add(1);
    }

    /// Sets RS on the newest frame's last descriptor.
    #[inline]
    fn report_last(&mut self) {
        let at = self.last_eop;
        self.desc.or_second(at, TX_RS);
        if let Some(s) = self.slot(at) {
            s.rs = true;
        }
        match self.watch {
            None => self.watch = Some(at),
            Some(_) => {
                let newest = self.newest_rs;
                if let Some(s) = self.slot(newest) {
                    s.next_rs = at;
                }
            }
        }
        self.newest_rs = at;
        self.frames_since_rs = 0;
    }

    /// Ends a batch: the tail write that hands it over, or nothing if nothing is new.
    #[inline]
    pub fn doorbell(&mut self) -> Option<Doorbell> {
        if self.shown == self.next {
            return None;
        }
        if self.frames_since_rs > 0 {
            self.report_last();
        }
        self.shown = self.next;
        Some(Doorbell {
            tail: self.tail,
            value: self.tail_index(),
        })
    }

    /// Gives back the cookies of complete frames, oldest first, at most `max`. No register access.
    #[inline]
    pub fn complete(&mut self, max: u32, mut each: impl FnMut(usize)) -> u32 {
        let mut frames = 0;
        while frames < max {
            let Some(rs) = self.watched() else { break };
            // Once reported, the answer is kept in the slot: a device that takes DD back confuses nobody.
            if self.peek(rs).rs {
                if self.desc.load_status(rs) & TX_DD == 0 {
                    break;
                }
                if let Some(s) = self.slot(rs) {
                    s.rs = false;
                }
            }
            // Everything up to and with `rs` is done.
            while frames < max && self.done != rs.wrapping_add(1) {
                let slot = self.peek(self.done);
                self.done = self.done.wrapping_add(1);
                if slot.eop {
                    frames += 1;
                    each(slot.cookie);
                }
            }
            if self.done == rs.wrapping_add(1) {
                let newest = self.newest_rs;
                self.watch = (rs != newest).then_some(self.peek(rs).next_rs);
            }
        }
        frames
    }

    /// The oldest RS descriptor handed over that has not been worked off.
    #[inline]
    fn watched(&self) -> Option<u32> {
        let handed_over = self.shown.wrapping_sub(self.done);
        self.watch
            .filter(|rs| rs.wrapping_sub(self.done) < handed_over)
    }

    /// Gives back the cookies of every frame, complete or not, and empties the ring. The chip must have been
    /// stopped and the queue's registers must be programmed anew.
    pub fn drain(&mut self, mut each: impl FnMut(usize)) -> u32 {
        let mut frames = 0;
        while self.done != self.next {
            let slot = self.peek(self.done);
            self.done = self.done.wrapping_add(1);
            if slot.eop {
                frames += 1;
                each(slot.cookie);
            }
        }
        self.next = 0;
        self.shown = 0;
        self.done = 0;
        self.frames_since_rs = 0;
        self.watch = None;
        self.context = None;
        self.desc.clear();
        frames
    }
}
