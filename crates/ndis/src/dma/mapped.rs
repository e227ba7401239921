// SPDX-License-Identifier: MIT OR Apache-2.0
//! Net buffers with their scatter/gather lists. DISPATCH_LEVEL.

use core::mem::ManuallyDrop;
use core::ptr::{NonNull, null_mut};

use super::DmaHandle;
use crate::ffi::*;
use crate::irql::{Dispatch, Irql, in_drop_at_dispatch};
use crate::mem::Shared;
use crate::nbl::TxNetBuffer;
use crate::nbl::net_buffer::{LIST, MAPPER, WORD};
use crate::places::Parked;
use crate::sys::ndis;

/// A net buffer with its scatter/gather list, owned. Dropped, it is unmapped and finished with FAILURE.
///
/// A pointer and no more: what belongs to it is in the net buffer's `MiniportReserved`.
#[derive(Debug)]
#[repr(transparent)]
pub struct MappedNetBuffer {
    nb: ManuallyDrop<TxNetBuffer>,
}

// SAFETY: net buffer and list may be handled on any processor; this is their only owner.
unsafe impl Send for MappedNetBuffer {}
// SAFETY: `&self` only reads.
unsafe impl Sync for MappedNetBuffer {}

impl MappedNetBuffer {
    /// # Safety
    /// The net buffer was mapped, has its list and a share of its DMA, and is owned by nobody else.
    #[inline]
    pub(super) unsafe fn from_raw(nb: NonNull<NET_BUFFER>) -> Self {
        // SAFETY: the caller's promise.
        let nb = unsafe { TxNetBuffer::from_raw(nb) };
        Self {
            nb: ManuallyDrop::new(nb),
        }
    }

    #[inline]
    fn into_raw(self) -> NonNull<NET_BUFFER> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is used no more.
        unsafe { ManuallyDrop::take(&mut this.nb) }.into_raw()
    }

    /// The net buffer. Any IRQL.
    #[inline]
    #[must_use]
    pub fn net_buffer(&self) -> &TxNetBuffer {
        &self.nb
    }

    /// The same, to be changed. Any IRQL.
    #[inline]
    pub fn net_buffer_mut(&mut self) -> &mut TxNetBuffer {
        &mut self.nb
    }

    #[inline]
    fn list(&self) -> NonNull<SCATTER_GATHER_LIST> {
        // SAFETY: stored by the callback, which looked that there is one.
        unsafe { NonNull::new_unchecked(self.nb.crate_word(LIST).cast()) }
    }

    #[inline]
    fn dma(&self) -> NonNull<DmaHandle> {
        // SAFETY: stored by the callback, from a valid pointer.
        unsafe { NonNull::new_unchecked(self.nb.crate_word(MAPPER).cast()) }
    }

    /// Where the data lies for the device: logical addresses and lengths. More elements than the ring has room for, and
    /// lengths beyond the frame, are possible: stop after the frame's length (contract G-25, G-26). Any IRQL.
    #[inline]
    #[must_use]
    pub fn elements(&self) -> &[SCATTER_GATHER_ELEMENT] {
        let list = self.list();
        // SAFETY: the list lives until it is freed, which takes `self`.
        let count = unsafe { list.as_ref() }.NumberOfElements as usize;
        // SAFETY: only an address is computed.
        let first = unsafe { &raw const (*list.as_ptr()).Elements };
        // SAFETY: the list has this many elements behind its head.
        unsafe { core::slice::from_raw_parts(first.cast(), count) }
    }

    /// The frame's own bytes as (logical address, length) pairs: the list begins at the start of the current MDL and may
    /// go beyond the frame, so it is skipped to the offset and cut at the length (contract G-25). Pieces are never
    /// empty; a list that is too short gives a sum below the frame's length. Any IRQL.
    pub fn data(&self) -> impl Iterator<Item = (u64, u32)> + Clone + '_ {
        self.range(0, self.nb.data_length())
    }

    /// As [`data`](Self::data), of `length` bytes from byte `offset` of the frame on. Any IRQL.
    #[inline]
    pub fn range(&self, offset: u32, length: u32) -> impl Iterator<Item = (u64, u32)> + Clone + '_ {
        let mut skip = self.nb.offset_in_mdl().saturating_add(offset);
        let mut left = length.min(self.nb.data_length().saturating_sub(offset));
        self.elements().iter().filter_map(move |element| {
            let skipped = skip.min(element.Length);
            skip -= skipped;
            let length = (element.Length - skipped).min(left);
            left -= length;
            let address = (element.Address.value() as u64).wrapping_add(u64::from(skipped));
            (length > 0).then_some((address, length))
        })
    }

    /// Where the frame is, if its first piece has all of it: the common case, found without a loop. Any IRQL.
    #[must_use]
    #[inline]
    pub fn in_one_piece(&self) -> Option<u64> {
        let skip = self.nb.offset_in_mdl();
        let first = self.elements().first()?;
        let end = u64::from(skip) + u64::from(self.nb.data_length());
        let address = (first.Address.value() as u64).wrapping_add(u64::from(skip));
        (u64::from(first.Length) >= end).then_some(address)
    }

    /// NdisMFreeNetBufferSGList, when the device is done with the frame (G-27). Exactly DISPATCH_LEVEL.
    #[must_use = "the net buffer must be finished"]
    pub fn unmap(self, irql: &Irql<Dispatch>) -> TxNetBuffer {
        self.unmap_with(&mut Unmapping::new(), irql)
    }

    /// As [`unmap`](Self::unmap), for one of many: their shares of the DMA are given up together, with `with`. Exactly
    /// DISPATCH_LEVEL.
    #[must_use = "the net buffer must be finished"]
    #[inline]
    pub fn unmap_with(self, with: &mut Unmapping, irql: &Irql<Dispatch>) -> TxNetBuffer {
        let _ = irql;
        let dma = self.dma();
        if with.of != dma {
            with.turn_to(dma);
        }
        with.shares += 1;
        let list = self.list();
        let nb = self.into_raw();
        // SAFETY: DISPATCH_LEVEL; list and net buffer of one mapping, freed once; the share keeps the handle.
        unsafe { ndis::NdisMFreeNetBufferSGList(with.handle, list.as_ptr(), nb.as_ptr()) };
        // SAFETY: taken apart above.
        unsafe { TxNetBuffer::from_raw(nb) }
    }
}

impl Drop for MappedNetBuffer {
    fn drop(&mut self) {
        // Dropped beyond the raised level: the last share deregisters the DMA, which needs PASSIVE_LEVEL.
        let mut with = Unmapping::new();
        let mut finished = None;
        in_drop_at_dispatch(|irql| {
            // SAFETY: nobody uses `self` after its drop.
            let nb = unsafe { ManuallyDrop::take(&mut self.nb) };
            let mapped = Self {
                nb: ManuallyDrop::new(nb),
            };
            finished = Some(mapped.unmap_with(&mut with, irql));
        });
        drop(finished);
    }
}

// SAFETY: the pointer is that of the net buffer, aligned to 8 bytes and more, and everything else is found by it.
unsafe impl Parked for MappedNetBuffer {
    #[inline]
    fn into_pointer(self) -> NonNull<()> {
        self.into_raw().cast()
    }

    #[inline]
    unsafe fn from_pointer(pointer: NonNull<()>) -> Self {
        // SAFETY: from `into_pointer`, once.
        unsafe { Self::from_raw(pointer.cast()) }
    }
}

/// Shares of the DMA that come free with the lists of many net buffers, given up together when it is dropped.
#[derive(Debug)]
pub struct Unmapping {
    /// Dangling without shares.
    of: NonNull<DmaHandle>,
    handle: NDIS_HANDLE,
    shares: usize,
}

impl Default for Unmapping {
    fn default() -> Self {
        Self::new()
    }
}

impl Unmapping {
    /// Without any yet. Any IRQL.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            of: NonNull::dangling(),
            handle: null_mut(),
            shares: 0,
        }
    }

    /// The next shares are those of `dma`. Once a batch, as a rule: apart, so that the loop around is without it.
    #[cold]
    #[inline(never)]
    fn turn_to(&mut self, dma: NonNull<DmaHandle>) {
        self.give_up();
        self.of = dma;
        // SAFETY: whoever turns to it has a share.
        self.handle = unsafe { dma.as_ref() }.handle;
    }

    #[inline]
    fn give_up(&mut self) {
        let shares = core::mem::replace(&mut self.shares, 0);
        if shares != 0 {
            // SAFETY: so many net buffers gave their share.
            unsafe { Shared::release(self.of, shares) };
        }
    }
}

impl Drop for Unmapping {
    #[inline]
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Mapped net buffers in line, linked through their own words. Those left are dropped with it.
#[derive(Debug)]
pub struct MappedQueue {
    first: *mut NET_BUFFER,
    last: *mut NET_BUFFER,
}

// SAFETY: the only owner of what is in it.
unsafe impl Send for MappedQueue {}

impl Default for MappedQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl MappedQueue {
    /// Nothing. Any IRQL.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: null_mut(),
            last: null_mut(),
        }
    }

    /// `true` without any. Any IRQL.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Adds one at the end; its driver's word is the link now. Any IRQL.
    #[inline]
    pub fn push(&mut self, mapped: MappedNetBuffer) {
        let nb = mapped.into_raw().as_ptr();
        // SAFETY: owned; this word is the queue's.
        unsafe { (*nb).MiniportReserved[WORD] = null_mut() };
        if self.first.is_null() {
            self.first = nb;
        } else {
            // SAFETY: owned by the queue.
            unsafe { (*self.last).MiniportReserved[WORD] = nb.cast() };
        }
        self.last = nb;
    }

    /// Moves all of `other` to the end. Any IRQL.
    #[inline]
    pub fn append(&mut self, other: &mut Self) {
        let (first, last) = (other.first, other.last);
        // They have another owner now.
        (other.first, other.last) = (null_mut(), null_mut());
        if first.is_null() {
            return;
        }
        if self.first.is_null() {
            self.first = first;
        } else {
            // SAFETY: owned by the queue.
            unsafe { (*self.last).MiniportReserved[WORD] = first.cast() };
        }
        self.last = last;
    }

    /// Takes the first one. Any IRQL.
    #[inline]
    pub fn pop(&mut self) -> Option<MappedNetBuffer> {
        let nb = NonNull::new(self.first)?;
        // SAFETY: owned by the queue.
        self.first = unsafe { nb.as_ref() }.MiniportReserved[WORD].cast();
        // SAFETY: pushed once, popped once.
        Some(unsafe { MappedNetBuffer::from_raw(nb) })
    }
}

impl Extend<MappedNetBuffer> for MappedQueue {
    /// Adds many at the end, as [`push`](MappedQueue::push) does; only the end is written for each. Any IRQL.
    #[inline]
    fn extend<I: IntoIterator<Item = MappedNetBuffer>>(&mut self, more: I) {
        let mut end = End::of(self);
        for mapped in more {
            end.push(mapped);
        }
    }
}

/// The end of a queue that grows; the queue is whole again when this is dropped.
struct End<'a> {
    queue: &'a mut MappedQueue,
    /// Where the next one is linked: the word of the last one, or the queue's first.
    link: *mut *mut c_void,
    grown: bool,
}

/// Where the word is in a net buffer.
const WORD_AT: usize =
    core::mem::offset_of!(NET_BUFFER, MiniportReserved) + WORD * size_of::<*mut c_void>();

impl<'a> End<'a> {
    #[inline]
    fn of(queue: &'a mut MappedQueue) -> Self {
        let link = if queue.first.is_null() {
            (&raw mut queue.first).cast()
        } else {
            // SAFETY: owned by the queue; only an address is computed.
            unsafe { queue.last.byte_add(WORD_AT) }.cast()
        };
        Self {
            queue,
            link,
            grown: false,
        }
    }

    #[inline]
    fn push(&mut self, mapped: MappedNetBuffer) {
        let nb = mapped.into_raw().as_ptr();
        // SAFETY: the first of the borrowed queue, or the word of a net buffer that the queue owns.
        unsafe { *self.link = nb.cast() };
        // SAFETY: inside the net buffer; only an address is computed.
        self.link = unsafe { nb.byte_add(WORD_AT) }.cast();
        self.grown = true;
    }
}

impl Drop for End<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.grown {
            // SAFETY: as in `push`.
            unsafe { *self.link = null_mut() };
            // SAFETY: the way back from the word to its net buffer.
            self.queue.last = unsafe { self.link.byte_sub(WORD_AT) }.cast();
        }
    }
}

impl Drop for MappedQueue {
    #[inline]
    fn drop(&mut self) {
        while let Some(mapped) = self.pop() {
            drop(mapped);
        }
    }
}
