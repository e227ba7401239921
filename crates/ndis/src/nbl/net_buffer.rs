// SPDX-License-Identifier: MIT OR Apache-2.0
//! The net buffers of NBLs to send. At most DISPATCH_LEVEL.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use super::list::RawList;
use super::send::SendNbl;
use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql};
use crate::mdl::{copy_data, first_bytes};
use crate::miniport::CancelId;
use crate::status::{Result, Status};

/// Words of `MiniportReserved` of a net buffer: the driver's, or the link of a queue;
pub(crate) const WORD: usize = 0;
/// its scatter/gather list;
pub(crate) const LIST: usize = 1;
/// its NBL;
const NBL: usize = 2;
/// and what mapped it.
pub(crate) const MAPPER: usize = 3;

/// The net buffers of one NBL, in order. Those not taken are finished with FAILURE when it is dropped.
#[derive(Debug)]
pub struct TxNetBuffers {
    nbl: NonNull<NET_BUFFER_LIST>,
    next: *mut NET_BUFFER,
}

// SAFETY: as for `TxNetBuffer`.
unsafe impl Send for TxNetBuffers {}

impl TxNetBuffers {
    /// # Safety
    /// `next` is the first net buffer of the owned `nbl`, whose count says how many it has.
    pub(super) unsafe fn new(nbl: NonNull<NET_BUFFER_LIST>, next: *mut NET_BUFFER) -> Self {
        Self { nbl, next }
    }

    /// `true` if there are some left and `cancel_send(id)` means their NBL. Any IRQL.
    #[must_use]
    pub fn are_cancelled_by(&self, id: CancelId) -> bool {
        // Without any left the NBL may be gone.
        !self.next.is_null()
            // SAFETY: a net buffer is not taken, so its NBL is not complete; nobody writes the information, of which
            // only the address is computed.
            && unsafe { (*self.nbl.as_ptr()).NetBufferListInfo }[NetBufferListCancelId as usize] == id.0
    }
}

impl Iterator for TxNetBuffers {
    type Item = TxNetBuffer;

    fn next(&mut self) -> Option<TxNetBuffer> {
        let nb = NonNull::new(self.next)?;
        // Read before the net buffer is given away: once the last one is finished, the NBL may be gone.
        // SAFETY: not yet taken, so its NBL is not complete.
        self.next = unsafe { nb.as_ref() }.next();
        // SAFETY: a net buffer of the counted NBL, given out once.
        Some(unsafe { TxNetBuffer::new(nb, self.nbl) })
    }
}

impl Drop for TxNetBuffers {
    fn drop(&mut self) {
        for left in &mut *self {
            drop(left);
        }
    }
}

/// The net buffers of NBLs that have one each, in order. Those not taken are finished with FAILURE when it is dropped.
#[derive(Debug)]
pub struct OnlyNetBuffers {
    next: *mut NET_BUFFER_LIST,
    left: usize,
    adapter: AdapterHandle,
}

// SAFETY: as for `TxNetBuffer`.
unsafe impl Send for OnlyNetBuffers {}

impl OnlyNetBuffers {
    /// # Safety
    /// The list owns its NBLs, and each has exactly one net buffer.
    #[inline]
    pub(super) unsafe fn new(list: RawList, adapter: AdapterHandle) -> Self {
        Self {
            next: list.head(),
            left: list.len(),
            adapter,
        }
    }

    /// How many are left. Any IRQL.
    #[inline]
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }
}

impl Iterator for OnlyNetBuffers {
    type Item = TxNetBuffer;

    #[inline]
    fn next(&mut self) -> Option<TxNetBuffer> {
        let mut nbl = NonNull::new(self.next)?;
        // SAFETY: not yet taken.
        let raw = unsafe { nbl.as_mut() };
        // Read before the net buffer is given away: once it is finished, the NBL may be gone.
        self.next = raw.next();
        self.left = self.left.wrapping_sub(1);
        // As in `SendNbl::split`, for one.
        raw.MiniportReserved = [core::ptr::without_provenance_mut(1), self.adapter.as_raw()];
        // SAFETY: the constructor's promise: there is one.
        let nb = unsafe { NonNull::new_unchecked(raw.first_net_buffer()) };
        // SAFETY: the only net buffer of the NBL, which is counted as one.
        Some(unsafe { TxNetBuffer::new(nb, nbl) })
    }
}

impl Drop for OnlyNetBuffers {
    #[inline]
    fn drop(&mut self) {
        for left in &mut *self {
            drop(left);
        }
    }
}

/// One net buffer to send, owned. [`finish`](Self::finish) it exactly once; dropped, it is finished with FAILURE.
///
/// A pointer and no more: its NBL is in the third word of `MiniportReserved`.
#[derive(Debug)]
#[repr(transparent)]
pub struct TxNetBuffer {
    nb: NonNull<NET_BUFFER>,
}

// SAFETY: a net buffer may be handled on any processor; this is its only owner, and the shared NBL is reached through
// atomics.
unsafe impl Send for TxNetBuffer {}
// SAFETY: `&self` only reads what nobody writes while the net buffer is owned.
unsafe impl Sync for TxNetBuffer {}

impl TxNetBuffer {
    /// # Safety
    /// A net buffer of the owned `nbl`, whose count says how many are out; one value for each.
    #[inline]
    pub(super) unsafe fn new(mut nb: NonNull<NET_BUFFER>, nbl: NonNull<NET_BUFFER_LIST>) -> Self {
        // SAFETY: the caller's promise; this member is the miniport's.
        unsafe { nb.as_mut() }.MiniportReserved[NBL] = nbl.as_ptr().cast();
        Self { nb }
    }

    #[inline]
    fn raw(&self) -> &NET_BUFFER {
        // SAFETY: owned until finished.
        unsafe { self.nb.as_ref() }
    }

    /// Its NBL.
    #[inline]
    fn nbl(&self) -> NonNull<NET_BUFFER_LIST> {
        // SAFETY: stored by `new`, from a valid pointer.
        unsafe { NonNull::new_unchecked(self.raw().MiniportReserved[NBL].cast()) }
    }

    /// Bytes of the frame, without FCS. Any IRQL.
    #[inline]
    #[must_use]
    pub fn data_length(&self) -> u32 {
        self.raw().data_length()
    }

    /// Bytes of the current MDL before the frame: where a scatter/gather list of it has to be skipped to.
    #[inline]
    pub(crate) fn offset_in_mdl(&self) -> u32 {
        self.raw().current_mdl_offset()
    }

    /// Out-of-band information `slot` of the NBL, as an integer. Any IRQL.
    #[inline]
    #[must_use]
    pub fn info(&self, slot: NDIS_NET_BUFFER_LIST_INFO) -> usize {
        let slot = usize::try_from(slot).unwrap_or(usize::MAX);
        // SAFETY: the NBL lives while a net buffer of it is unfinished; nobody writes the information.
        let info = unsafe { &(*self.nbl().as_ptr()).NetBufferListInfo };
        info.get(slot).map_or(0, |value| value.addr())
    }

    /// A word that is the crate's.
    #[inline]
    pub(crate) fn crate_word(&self, index: usize) -> *mut c_void {
        self.raw().MiniportReserved[index]
    }

    /// The driver's word of this net buffer, until it enters a [`MappedQueue`](crate::dma::MappedQueue). Any IRQL.
    #[inline]
    #[must_use]
    pub fn word(&self) -> usize {
        self.raw().MiniportReserved[WORD].addr()
    }

    /// Sets that word. Any IRQL.
    #[inline]
    pub fn set_word(&mut self, value: usize) {
        // SAFETY: owned until finished.
        unsafe { self.nb.as_mut() }.MiniportReserved[WORD] =
            core::ptr::without_provenance_mut(value);
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

    /// Makes `status` the status of the NBL, if it is an error and the first one. Any IRQL.
    pub fn fail(&mut self, status: Status) {
        if status.is_success() {
            return;
        }
        // SAFETY: the NBL lives while this net buffer is unfinished; only an address is computed.
        let place = unsafe { &raw mut (*self.nbl().as_ptr()).u140.Status };
        // SAFETY: as above; aligned, and written only through atomics while net buffers are out.
        let place = unsafe { AtomicI32::from_ptr(place) };
        // Relaxed: published by the count of `finish`.
        let _ = place.compare_exchange(
            NDIS_STATUS_SUCCESS,
            status.0,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Gives up the net buffer. An error becomes the status of the NBL; the first one stays. Any IRQL.
    ///
    /// Returns the NBL when this was its last net buffer.
    #[must_use = "the NBL of the last net buffer is to be completed; dropped, it fails"]
    #[inline]
    pub fn finish(self, status: Status) -> Option<SendNbl> {
        ManuallyDrop::new(self).finish_inner(status)
    }

    #[inline]
    fn finish_inner(&mut self, status: Status) -> Option<SendNbl> {
        self.fail(status);
        let nbl = self.nbl();
        // SAFETY: the NBL lives while this net buffer is unfinished; only an address is computed.
        let count = unsafe { &raw mut (*nbl.as_ptr()).MiniportReserved };
        // SAFETY: as above; the first word is the crate's count since `split`.
        let count = unsafe { AtomicUsize::from_ptr(count.cast()) };
        // Acquire: everything done to the NBL by other finishers happens before its completion. The last one finds
        // itself alone and need not count.
        let last = count.load(Ordering::Acquire) == 1
            // AcqRel: as above, and it happens before the completion by whoever is last.
            || count.fetch_sub(1, Ordering::AcqRel) == 1;
        last.then(|| SendNbl { nbl })
    }

    /// The raw net buffer, for the scatter/gather callback.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<NET_BUFFER> {
        ManuallyDrop::new(self).nb
    }

    /// Back from [`into_raw`](Self::into_raw).
    ///
    /// # Safety
    /// From one `into_raw`, used once.
    #[inline]
    pub(crate) unsafe fn from_raw(nb: NonNull<NET_BUFFER>) -> Self {
        Self { nb }
    }
}

impl Drop for TxNetBuffer {
    fn drop(&mut self) {
        // A last net buffer drops its NBL, which completes it.
        drop(self.finish_inner(Status::FAILURE));
    }
}
