// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit ring. Up to DISPATCH_LEVEL, under the caller's lock (`&mut self`).
//!
//! * Descriptors are written by `push`, handed over by the one tail write of [`doorbell`](TxRing::doorbell).
//! * RS stands on the last descriptor of every `RS_STRIDE`-th frame and of the last frame of a batch, so every
//!   frame handed over is covered by an RS at or behind it. Completion looks at DD of those, never at TDH, and
//!   reads no register (82574L §17). The frames up to an RS are a group: what the caller remembers of them is one
//!   value, and comes back at once.
//! * Free space comes from software indices. One descriptor stays free: TDH = TDT means empty (§6).
//! * A ring has any multiple of 8 descriptors: indices wrap where they are compared with the end, and nothing is divided.

use super::dma::{DescriptorMemory, DmaMem, RingError, store};
use super::doorbell::Doorbell;
use crate::hw::desc::{TX_DD, TX_RS, TxContext, TxOptions, tx_data};
use crate::hw::mmio::{Reg, Wo};
use crate::hw::regs;
use alloc::boxed::Box;
use core::sync::atomic::AtomicU64;

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

/// The frames up to and with one RS descriptor.
#[derive(Clone, Debug, Default)]
pub struct TxGroup<C> {
    /// What the caller remembers of them.
    cookie: C,
    /// The index of the RS descriptor.
    end: u32,
}

/// A transmit ring: descriptors in `M`, and what the caller remembers of each group of frames in a `C`, which is a default
/// one at first.
#[derive(Debug)]
pub struct TxRing<M, C> {
    desc: DescriptorMemory<M>,
    /// A power of two, as many as descriptors at least, so that each may be the end of one.
    groups: Box<[TxGroup<C>]>,
    tail: Reg<u32, Wo>,
    rules: TxRules,
    /// The next descriptor to write, and what `next` was at the last doorbell.
    next: u32,
    shown: u32,
    /// The descriptor that stays free, behind which the oldest one in use is: `next` has to stop here.
    limit: u32,
    /// Frames until the next RS, from the stride down.
    until_rs: u32,
    /// Groups with their RS, by free-running numbers: the oldest one, the first that has not been handed over, and the one
    /// that comes next.
    first_group: u32,
    shown_group: u32,
    next_group: u32,
    /// The group that has no RS yet.
    open: C,
    context: Option<TxContext>,
}

/// Descriptors of frames in one piece, written one after the other.
#[derive(Debug)]
pub struct Run<'a> {
    row: &'a [[AtomicU64; 2]],
    /// One count for all that runs along with it.
    done: u32,
}

/// The descriptor of a frame in one piece.
#[inline]
fn whole_frame(piece: Segment, options: TxOptions) -> [u64; 2] {
    tx_data(piece.address, piece.len, true, options)
}

impl Run<'_> {
    /// How many frames it has.
    #[inline]
    pub fn done(&self) -> u32 {
        self.done
    }

    /// Whether it may have no more.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.done as usize >= self.row.len()
    }

    /// Writes the descriptor of a frame of at most [`MAX_SEGMENT`] bytes. It must not be [`over`](Self::is_over).
    #[inline]
    pub fn push(&mut self, piece: Segment, options: TxOptions) {
        if let Some(descriptor) = self.row.get(self.done as usize) {
            store(descriptor, whole_frame(piece, options));
            self.done += 1;
        }
    }
}

impl<M: DmaMem, C: Default> TxRing<M, C> {
    /// A ring of `count` descriptors, a multiple of 8, over `mem` for transmit queue `queue`. `groups`: a power of two, and
    /// not fewer.
    pub fn new(
        queue: usize,
        mem: M,
        count: u32,
        groups: Box<[TxGroup<C>]>,
        rules: TxRules,
    ) -> Result<Self, RingError> {
        let tail = regs::TDT_Q.get(queue).ok_or(RingError::Queue)?;
        // The numbers of groups run freely and are masked.
        if !groups.len().is_power_of_two() || groups.len() < count as usize {
            return Err(RingError::Slots);
        }
        let desc = DescriptorMemory::new(mem, count)?;
        Ok(Self {
            limit: desc.last(),
            desc,
            groups,
            tail,
            rules,
            next: 0,
            shown: 0,
            until_rs: RS_STRIDE,
            first_group: 0,
            shown_group: 0,
            next_group: 0,
            open: C::default(),
            context: None,
        })
    }

    /// Whether no descriptor may be written now.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.next == self.limit
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
        let ahead = self.limit.wrapping_sub(self.next);
        if self.limit >= self.next {
            ahead
        } else {
            ahead.wrapping_add(self.desc.count())
        }
    }

    /// Descriptors that may be written now one behind the other, without beginning anew at the first.
    #[inline]
    fn free_in_line(&self) -> u32 {
        let end = if self.limit >= self.next {
            self.limit
        } else {
            self.desc.count()
        };
        end.wrapping_sub(self.next)
    }

    /// Whether nothing is queued or outstanding.
    pub fn is_idle(&self) -> bool {
        self.next == self.desc.after(self.limit)
    }

    /// The oldest group of frames that is not done, by a number that runs freely.
    pub fn oldest(&self) -> u32 {
        self.first_group
    }

    /// The index that the next free descriptor has: what TDT is after the next doorbell.
    #[inline]
    pub fn tail_index(&self) -> u32 {
        self.next
    }

    /// Writes the descriptors of one frame; `add` adds it to what is remembered of its group. All or nothing; the chip sees
    /// it after the doorbell.
    #[inline]
    pub fn push(
        &mut self,
        segments: impl Iterator<Item = Segment>,
        request: &TxRequest,
        add: impl FnOnce(&mut C),
    ) -> Result<(), PushError> {
        // One pass: descriptors are the driver's until the doorbell, so a frame that does not fit is taken back.
        let (start, before) = (self.next, self.context);
        let result = self.fill(segments, request, self.limit);
        match result {
            Ok(()) => {
                self.end_frame(add);
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

    /// [`push`](Self::push) of a frame in one piece of at most [`MAX_SEGMENT`] bytes, without a context. The ring must not
    /// be full: see [`free`](Self::free).
    #[inline]
    pub fn push_one(&mut self, piece: Segment, options: TxOptions, add: impl FnOnce(&mut C)) {
        if self.is_full() {
            return;
        }
        self.write(whole_frame(piece, options));
        self.end_frame(add);
    }

    /// [`push`](Self::push) of several frames that are in one piece each and have no context, at most `most`: `body` puts
    /// them into the run, and adds them to what is remembered of the group. The run ends with the group, with the last
    /// descriptor, or where the ring is full: looked at once, and not for each frame.
    #[inline]
    pub fn push_run(&mut self, most: u32, body: impl FnOnce(&mut Run<'_>, &mut C)) {
        let mut run = Run {
            row: self
                .desc
                .row(self.next, self.free_in_line().min(self.until_rs).min(most)),
            done: 0,
        };
        body(&mut run, &mut self.open);
        let frames = run.done;
        let next = self.next.wrapping_add(frames);
        self.next = if next >= self.desc.count() { 0 } else { next };
        self.until_rs = self.until_rs.wrapping_sub(frames);
        if self.until_rs == 0 {
            self.report_last();
        }
    }

    /// What is remembered of the newest frame's group, unless the chip may have been done with it.
    pub fn newest(&mut self) -> Option<&mut C> {
        if self.until_rs != RS_STRIDE {
            return Some(&mut self.open);
        }
        if self.is_idle() {
            return None;
        }
        let newest = self.next_group.wrapping_sub(1);
        self.group(newest).map(|group| &mut group.cookie)
    }

    fn group(&mut self, number: u32) -> Option<&mut TxGroup<C>> {
        let mask = self.groups.len().wrapping_sub(1);
        self.groups.get_mut(number as usize & mask)
    }

    /// The descriptor before `next` is the last of a frame.
    #[inline]
    fn end_frame(&mut self, add: impl FnOnce(&mut C)) {
        add(&mut self.open);
        self.until_rs = self.until_rs.wrapping_sub(1);
        if self.until_rs == 0 {
            self.report_last();
        }
    }

    #[inline]
    fn fill(
        &mut self,
        segments: impl Iterator<Item = Segment>,
        request: &TxRequest,
        limit: u32,
    ) -> Result<(), PushError> {
        if let Some(c) = request.context
            && (self.rules.always_context || self.context != Some(c))
        {
            if self.next == limit {
                return Err(PushError::Full);
            }
            self.context = Some(c);
            self.write(c.encode());
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
                    self.write(tx_data(address, len, false, request.options));
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
        self.write(tx_data(address, len, true, request.options));
        Ok(())
    }

    #[inline]
    fn write(&mut self, words: [u64; 2]) {
        self.desc.store_at(self.next, words);
        self.next = self.desc.after(self.next);
    }

    /// Ends the group: sets RS on the newest frame's last descriptor.
    #[inline]
    fn report_last(&mut self) {
        let end = self.desc.before(self.next);
        self.desc.or_second(end, TX_RS);
        let mask = self.groups.len().wrapping_sub(1);
        if let Some(group) = self.groups.get_mut(self.next_group as usize & mask) {
            // What `complete` and `drain` leave there is a default one.
            core::mem::swap(&mut group.cookie, &mut self.open);
            group.end = end;
        }
        self.next_group = self.next_group.wrapping_add(1);
        self.until_rs = RS_STRIDE;
    }

    /// Ends a batch: the tail write that hands it over, or nothing if nothing is new.
    #[inline]
    pub fn doorbell(&mut self) -> Option<Doorbell> {
        if self.shown == self.next {
            return None;
        }
        if self.until_rs != RS_STRIDE {
            self.report_last();
        }
        self.shown = self.next;
        self.shown_group = self.next_group;
        Some(Doorbell {
            tail: self.tail,
            value: self.tail_index(),
        })
    }

    /// Shows `each` what is remembered of groups that are complete, oldest first, to take it out and leave a default one,
    /// until it has enough and says `false`. No register access.
    #[inline]
    pub fn complete(&mut self, mut each: impl FnMut(&mut C) -> bool) {
        let mask = self.groups.len().wrapping_sub(1);
        // What is not handed over yet the chip cannot be done with, whatever it says.
        while self.first_group != self.shown_group {
            let Some(group) = self.groups.get_mut(self.first_group as usize & mask) else {
                return;
            };
            let end = group.end;
            if self.desc.load_status(end) & TX_DD == 0 {
                return;
            }
            let go_on = each(&mut group.cookie);
            self.first_group = self.first_group.wrapping_add(1);
            self.limit = end;
            if !go_on {
                return;
            }
        }
    }

    /// Shows `each` what is remembered of every group, complete or not, as [`complete`](Self::complete) does, and empties
    /// the ring. The chip must have been
    /// stopped and the queue's registers must be programmed anew.
    pub fn drain(&mut self, mut each: impl FnMut(&mut C)) {
        while self.first_group != self.next_group {
            let Some(group) = self.group(self.first_group) else {
                break;
            };
            each(&mut group.cookie);
            self.first_group = self.first_group.wrapping_add(1);
        }
        each(&mut self.open);
        self.next = 0;
        self.shown = 0;
        self.limit = self.desc.last();
        self.first_group = 0;
        self.shown_group = 0;
        self.next_group = 0;
        self.until_rs = RS_STRIDE;
        self.context = None;
        self.desc.clear();
    }
}
