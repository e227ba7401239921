// SPDX-License-Identifier: MIT OR Apache-2.0
//! The send side. At most DISPATCH_LEVEL.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use super::list::RawList;
use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, drop_level_at_most};
use crate::mdl::{copy_data, first_bytes};
use crate::miniport::CancelId;
use crate::status::{Result, Status};
use crate::sys::ndis;

/// NBLs to send, or to complete, with their number.
///
/// Dropped, all of it is completed with FAILURE.
#[derive(Debug)]
pub struct SendChain {
    pub(crate) list: RawList,
    adapter: AdapterHandle,
}

// SAFETY: NBLs may be handled on any processor; the chain is their only owner.
unsafe impl Send for SendChain {}

/// Hands NBLs back to NDIS in a destructor, at most at DISPATCH_LEVEL; above it they stay out, and NDIS finds them
/// missing.
fn complete_in_drop(adapter: AdapterHandle, head: *mut NET_BUFFER_LIST) {
    if !head.is_null() && drop_level_at_most(DISPATCH_LEVEL) {
        complete(adapter, head, false);
    }
}

/// Hands NBLs back to NDIS.
fn complete(adapter: AdapterHandle, head: *mut NET_BUFFER_LIST, at_dispatch: bool) {
    if !head.is_null() {
        // Set only when known (contract D-09).
        let flags = if at_dispatch {
            NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL
        } else {
            0
        };
        // SAFETY: NBLs that NDIS handed to this adapter and that their owner gives up here; at most DISPATCH_LEVEL.
        unsafe { ndis::NdisMSendNetBufferListsComplete(adapter.as_raw(), head, flags) };
    }
}

impl SendChain {
    /// No NBLs. Any IRQL.
    #[must_use]
    pub const fn new(adapter: AdapterHandle) -> Self {
        Self {
            list: RawList::EMPTY,
            adapter,
        }
    }

    /// Takes over what NDIS hands to MiniportSendNetBufferLists.
    ///
    /// # Safety
    /// `head` is null or a NULL-terminated chain that NDIS just handed to `adapter`.
    pub(crate) unsafe fn from_ndis(head: *mut NET_BUFFER_LIST, adapter: AdapterHandle) -> Self {
        // SAFETY: the caller's promise.
        let list = unsafe { RawList::adopt(head, |nbl| nbl.set_status(NDIS_STATUS_SUCCESS)) };
        Self { list, adapter }
    }

    /// Gives the chain away as its first element and its length; see `PollData`.
    pub(crate) fn into_parts(mut self) -> (*mut NET_BUFFER_LIST, u32) {
        let list = self.list.take();
        (list.head(), list.len() as u32)
    }

    /// Number of NBLs. Any IRQL.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// `true` without any. Any IRQL.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first NBL. Any IRQL.
    pub fn pop(&mut self) -> Option<SendNbl> {
        let nbl = self.list.pop()?;
        // SAFETY: owned; this member is the miniport's.
        unsafe { (*nbl.as_ptr()).MiniportReserved[1] = self.adapter.as_raw() };
        Some(SendNbl { nbl })
    }

    /// Adds an NBL at the end. Any IRQL.
    pub fn push(&mut self, nbl: SendNbl) {
        self.list.push(ManuallyDrop::new(nbl).nbl);
    }

    /// Moves all of `other` to the end. Any IRQL.
    pub fn append(&mut self, other: &mut Self) {
        self.list.append(&mut other.list);
    }

    /// Takes out the NBLs that `cancel_send` names (contract D-50); the rest keeps its order. Any IRQL.
    #[must_use]
    pub fn take_cancelled(&mut self, id: CancelId) -> Self {
        self.take_where(|nbl| nbl.info(NetBufferListCancelId) == id.0)
    }

    /// Takes out the NBLs whose receive-side scaling hash, where there is one, says so; all keep their order. Any IRQL.
    #[must_use]
    pub fn take_hashed(&mut self, wanted: impl Fn(u32) -> bool) -> Self {
        self.take_where(|nbl| {
            // Without a hash function in the information there is no hash.
            !nbl.info(NetBufferListHashInfo).is_null()
                && wanted(nbl.info(NetBufferListHashValue).addr() as u32)
        })
    }

    fn take_where(&mut self, wanted: impl Fn(&NET_BUFFER_LIST) -> bool) -> Self {
        let mut taken = Self::new(self.adapter);
        // Most of the time there is nothing to take, and nothing is linked anew.
        if !self.list.any(&wanted) {
            return taken;
        }
        let mut all = self.list.take();
        while let Some(nbl) = all.pop() {
            // SAFETY: owned by the list.
            let theirs = wanted(unsafe { nbl.as_ref() });
            let to = if theirs {
                &mut taken.list
            } else {
                &mut self.list
            };
            to.push(nbl);
        }
        taken
    }

    /// NdisMSendNetBufferListsComplete, each NBL with the status it has. At most DISPATCH_LEVEL, no lock held.
    pub fn complete<L: AtMost<Dispatch>>(mut self, irql: &Irql<L>) {
        let _ = irql;
        complete(self.adapter, self.list.take().head(), L::IS_DISPATCH);
    }

    /// The same, every NBL with `status`. At most DISPATCH_LEVEL.
    pub fn complete_with<L: AtMost<Dispatch>>(mut self, status: Status, irql: &Irql<L>) {
        self.list.for_each(|nbl| nbl.set_status(status.0));
        self.complete(irql);
    }
}

impl Drop for SendChain {
    fn drop(&mut self) {
        self.list
            .for_each(|nbl| nbl.set_status(NDIS_STATUS_FAILURE));
        complete_in_drop(self.adapter, self.list.take().head());
    }
}

/// One NBL to send, owned. Push it to a [`SendChain`] to complete it; dropped, it is completed with FAILURE.
#[derive(Debug)]
pub struct SendNbl {
    nbl: NonNull<NET_BUFFER_LIST>,
}

// SAFETY: an NBL may be handled on any processor; this is its only owner.
unsafe impl Send for SendNbl {}

impl SendNbl {
    fn raw(&self) -> &NET_BUFFER_LIST {
        // SAFETY: owned until completed.
        unsafe { self.nbl.as_ref() }
    }

    /// The adapter it was sent on.
    fn adapter(&self) -> AdapterHandle {
        // SAFETY: `pop` stored the handle of the chain.
        unsafe { AdapterHandle::new(self.raw().MiniportReserved[1]) }
    }

    /// The status it will be completed with. Any IRQL.
    #[must_use]
    pub fn status(&self) -> Status {
        Status(self.raw().status())
    }

    /// Sets that status. Any IRQL.
    pub fn set_status(&mut self, status: Status) {
        // SAFETY: owned until completed.
        unsafe { self.nbl.as_mut() }.set_status(status.0);
    }

    /// Out-of-band information `slot`, as an integer. Any IRQL.
    #[must_use]
    pub fn info(&self, slot: NDIS_NET_BUFFER_LIST_INFO) -> usize {
        self.raw().info(slot).addr()
    }

    /// Sets out-of-band information `slot`: what a feature's documentation lets a miniport answer there before it
    /// completes the NBL (contract D-04). Any IRQL.
    pub fn set_info(&mut self, slot: NDIS_NET_BUFFER_LIST_INFO, value: usize) {
        // SAFETY: owned until completed.
        unsafe { self.nbl.as_mut() }.set_info(slot, core::ptr::without_provenance_mut(value));
    }

    /// `true` if `cancel_send(id)` means this NBL. Any IRQL.
    #[must_use]
    pub fn is_cancelled_by(&self, id: CancelId) -> bool {
        self.raw().info(NetBufferListCancelId) == id.0
    }

    /// Number of net buffers. Any IRQL.
    #[must_use]
    pub fn net_buffers(&self) -> usize {
        let mut count = 0;
        let mut at = self.raw().first_net_buffer();
        // SAFETY: net buffers of an owned NBL.
        while let Some(nb) = unsafe { at.as_ref() } {
            count += 1;
            at = nb.next();
        }
        count
    }

    /// The NBL's net buffer, if it has exactly one: what [`split`](Self::split) would give, found without a walk.
    /// Any IRQL.
    ///
    /// # Errors
    /// The NBL itself, if it has none or several: split it.
    #[inline]
    pub fn into_only(self) -> Result<TxNetBuffer, Self> {
        let Some(nb) = NonNull::new(self.raw().first_net_buffer()) else {
            return Err(self);
        };
        // SAFETY: a net buffer of an owned NBL.
        if !unsafe { nb.as_ref() }.next().is_null() {
            return Err(self);
        }
        let nbl = ManuallyDrop::new(self).nbl;
        // As in `split`, for one.
        // SAFETY: owned; this member is the miniport's.
        unsafe { (*nbl.as_ptr()).MiniportReserved[0] = core::ptr::without_provenance_mut(1) };
        Ok(TxNetBuffer { nb, nbl })
    }

    /// Splits the NBL into its net buffers. Any IRQL.
    ///
    /// # Errors
    /// The NBL itself, if it has none: complete it.
    pub fn split(self) -> Result<TxNetBuffers, Self> {
        let count = self.net_buffers();
        if count == 0 {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        let nbl = this.nbl;
        // Nobody shares the NBL yet; the count is read by whoever finishes a net buffer.
        // SAFETY: owned; this member is the miniport's.
        unsafe { (*nbl.as_ptr()).MiniportReserved[0] = core::ptr::without_provenance_mut(count) };
        Ok(TxNetBuffers {
            nbl,
            next: this.raw().first_net_buffer(),
        })
    }
}

impl Drop for SendNbl {
    fn drop(&mut self) {
        self.set_status(Status::FAILURE);
        complete_in_drop(self.adapter(), self.nbl.as_ptr());
    }
}

/// The net buffers of one NBL, in order. Those not taken are finished with FAILURE when it is dropped.
#[derive(Debug)]
pub struct TxNetBuffers {
    nbl: NonNull<NET_BUFFER_LIST>,
    next: *mut NET_BUFFER,
}

// SAFETY: as for `TxNetBuffer`.
unsafe impl Send for TxNetBuffers {}

impl Iterator for TxNetBuffers {
    type Item = TxNetBuffer;

    fn next(&mut self) -> Option<TxNetBuffer> {
        let nb = NonNull::new(self.next)?;
        // Read before the net buffer is given away: once the last one is finished, the NBL may be gone.
        // SAFETY: not yet taken, so its NBL is not complete.
        self.next = unsafe { nb.as_ref() }.next();
        Some(TxNetBuffer { nb, nbl: self.nbl })
    }
}

impl Drop for TxNetBuffers {
    fn drop(&mut self) {
        for left in &mut *self {
            drop(left);
        }
    }
}

/// One net buffer to send, owned. [`finish`](Self::finish) it exactly once; dropped, it is finished with FAILURE.
#[derive(Debug)]
pub struct TxNetBuffer {
    nb: NonNull<NET_BUFFER>,
    nbl: NonNull<NET_BUFFER_LIST>,
}

// SAFETY: a net buffer may be handled on any processor; this is its only owner, and the shared NBL is reached through
// atomics.
unsafe impl Send for TxNetBuffer {}
// SAFETY: `&self` only reads what nobody writes while the net buffer is owned.
unsafe impl Sync for TxNetBuffer {}

impl TxNetBuffer {
    fn raw(&self) -> &NET_BUFFER {
        // SAFETY: owned until finished.
        unsafe { self.nb.as_ref() }
    }

    /// Bytes of the frame, without FCS. Any IRQL.
    #[must_use]
    pub fn data_length(&self) -> u32 {
        self.raw().data_length()
    }

    /// Bytes of the current MDL before the frame: where a scatter/gather list of it has to be skipped to.
    pub(crate) fn offset_in_mdl(&self) -> u32 {
        self.raw().current_mdl_offset()
    }

    /// Out-of-band information `slot` of the NBL, as an integer. Any IRQL.
    #[must_use]
    pub fn info(&self, slot: NDIS_NET_BUFFER_LIST_INFO) -> usize {
        let slot = usize::try_from(slot).unwrap_or(usize::MAX);
        // SAFETY: the NBL lives while a net buffer of it is unfinished; nobody writes the information.
        let info = unsafe { &(*self.nbl.as_ptr()).NetBufferListInfo };
        info.get(slot).map_or(0, |value| value.addr())
    }

    /// One of the driver's two words of this net buffer. Any IRQL.
    #[must_use]
    pub fn word(&self, index: usize) -> Option<usize> {
        self.raw().MiniportReserved[..2]
            .get(index)
            .map(|word| word.addr())
    }

    /// Sets one of the driver's two words; `false` for an index that does not exist. Any IRQL.
    pub fn set_word(&mut self, index: usize, value: usize) -> bool {
        // SAFETY: owned until finished.
        let words = unsafe { &mut self.nb.as_mut().MiniportReserved };
        match words[..2].get_mut(index) {
            Some(word) => {
                *word = core::ptr::without_provenance_mut(value);
                true
            }
            None => false,
        }
    }

    /// Copies the frame, at most `to.len()` bytes; returns how many. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// [`Status::RESOURCES`] if an MDL cannot be mapped; [`Status::INVALID_LENGTH`] if the MDLs are too short.
    pub fn copy_to<L: AtMost<Dispatch>>(&self, to: &mut [u8], irql: &Irql<L>) -> Result<usize> {
        let _ = irql;
        // SAFETY: an owned net buffer with its MDL chain; at most DISPATCH_LEVEL.
        unsafe { copy_data(self.raw(), 0, to) }
    }

    /// As [`copy_to`](Self::copy_to), from byte `offset` of the frame on. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// As for `copy_to`.
    pub fn copy_from<L: AtMost<Dispatch>>(
        &self,
        offset: u32,
        to: &mut [u8],
        irql: &Irql<L>,
    ) -> Result<usize> {
        let _ = irql;
        // SAFETY: an owned net buffer with its MDL chain; at most DISPATCH_LEVEL.
        unsafe { copy_data(self.raw(), offset, to) }
    }

    /// The frame's first `N` bytes; `None` if it is shorter or they cannot be reached. At most DISPATCH_LEVEL.
    #[inline]
    pub fn first<const N: usize, L: AtMost<Dispatch>>(&self, irql: &Irql<L>) -> Option<[u8; N]> {
        // SAFETY: an owned net buffer with its MDL chain.
        if let Some(bytes) = unsafe { first_bytes(self.raw()) } {
            return Some(bytes);
        }
        self.first_in_pieces(irql)
    }

    #[cold]
    #[inline(never)]
    fn first_in_pieces<const N: usize, L: AtMost<Dispatch>>(
        &self,
        irql: &Irql<L>,
    ) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.copy_to(&mut bytes, irql) == Ok(N)).then_some(bytes)
    }

    /// `true` if `cancel_send(id)` means the NBL of this net buffer. Any IRQL.
    #[must_use]
    pub fn is_cancelled_by(&self, id: CancelId) -> bool {
        self.info(NetBufferListCancelId) == id.0.addr()
    }

    /// Gives up the net buffer. An error becomes the status of the NBL; the first one stays.
    ///
    /// Returns the NBL when this was its last net buffer. Any IRQL.
    #[must_use = "the NBL of the last net buffer is to be completed; dropped, it fails"]
    pub fn finish(self, status: Status) -> Option<SendNbl> {
        ManuallyDrop::new(self).finish_inner(status)
    }

    fn finish_inner(&mut self, status: Status) -> Option<SendNbl> {
        let nbl = self.nbl.as_ptr();
        if !status.is_success() {
            // SAFETY: the NBL lives while this net buffer is unfinished; only an address is computed.
            let place = unsafe { &raw mut (*nbl).u140.Status };
            // SAFETY: as above; aligned, and written only through atomics while net buffers are out.
            let place = unsafe { AtomicI32::from_ptr(place) };
            // Relaxed: published by the count below.
            let _ = place.compare_exchange(
                NDIS_STATUS_SUCCESS,
                status.0,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        // SAFETY: as above; only an address is computed.
        let count = unsafe { &raw mut (*nbl).MiniportReserved };
        // SAFETY: as above; the first word is the crate's count since `split`.
        let count = unsafe { AtomicUsize::from_ptr(count.cast()) };
        // AcqRel: everything done to the NBL by other finishers happens before its completion.
        (count.fetch_sub(1, Ordering::AcqRel) == 1).then(|| SendNbl { nbl: self.nbl })
    }

    /// The raw parts, for the scatter/gather callback.
    pub(crate) fn into_raw(self) -> (NonNull<NET_BUFFER>, NonNull<NET_BUFFER_LIST>) {
        let this = ManuallyDrop::new(self);
        (this.nb, this.nbl)
    }

    /// Back from [`into_raw`](Self::into_raw).
    ///
    /// # Safety
    /// The parts of one `into_raw`, used once.
    pub(crate) unsafe fn from_raw(nb: NonNull<NET_BUFFER>, nbl: NonNull<NET_BUFFER_LIST>) -> Self {
        Self { nb, nbl }
    }
}

impl Drop for TxNetBuffer {
    fn drop(&mut self) {
        // A last net buffer drops its NBL, which completes it.
        drop(self.finish_inner(Status::FAILURE));
    }
}
