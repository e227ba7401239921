// SPDX-License-Identifier: MIT OR Apache-2.0
//! The send side. At most DISPATCH_LEVEL.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::list::RawList;
use super::net_buffer::{OnlyNetBuffers, TxNetBuffer, TxNetBuffers};
use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, drop_level_at_most};
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
    /// Every NBL has exactly one net buffer.
    only: bool,
    /// An NBL has a receive-side scaling hash.
    hashed: bool,
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

/// Whether an NBL has a hash: without a hash function in the information there is none.
fn has_hash(nbl: &NET_BUFFER_LIST) -> bool {
    !nbl.info(NetBufferListHashInfo).is_null()
}

/// Net buffers of an owned NBL.
fn count_net_buffers(nbl: &NET_BUFFER_LIST) -> usize {
    let mut count = 0;
    let mut at = nbl.first_net_buffer();
    // SAFETY: net buffers of an owned NBL.
    while let Some(nb) = unsafe { at.as_ref() } {
        count += 1;
        at = nb.next();
    }
    count
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
            only: false,
            hashed: false,
        }
    }

    /// Takes over what NDIS hands to MiniportSendNetBufferLists.
    ///
    /// # Safety
    /// `head` is null or a NULL-terminated chain that NDIS just handed to `adapter`.
    pub(crate) unsafe fn from_ndis(head: *mut NET_BUFFER_LIST, adapter: AdapterHandle) -> Self {
        // Pointers or-ed together: cheaper than a decision for each.
        let (mut further, mut hashes) = (0, 0);
        let each = |nbl: &mut NET_BUFFER_LIST| {
            nbl.set_status(NDIS_STATUS_SUCCESS);
            hashes |= nbl.info(NetBufferListHashInfo).addr();
            // SAFETY: null, or a net buffer of the NBL.
            match unsafe { nbl.first_net_buffer().as_ref() } {
                Some(first) => further |= first.next().addr(),
                None => further = usize::MAX,
            }
        };
        // SAFETY: the caller's promise.
        let list = unsafe { RawList::adopt(head, each) };
        Self {
            list,
            adapter,
            only: further == 0,
            hashed: hashes != 0,
        }
    }

    /// Gives the chain away as its first element and its length; see `PollData`.
    pub(crate) fn into_parts(mut self) -> (*mut NET_BUFFER_LIST, u32) {
        let list = self.list.take();
        (list.head(), list.len() as u32)
    }

    /// No NBLs, of the same adapter. Any IRQL.
    #[inline]
    #[must_use]
    pub const fn new_like(&self) -> Self {
        Self::new(self.adapter)
    }

    /// Number of NBLs. Any IRQL.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// How many sends these are: their net buffers, and one for each NBL without any. Looks at all of them. Any IRQL.
    #[must_use]
    pub fn sends(&mut self) -> u64 {
        let mut sends = 0;
        self.list
            .for_each(|nbl| sends += count_net_buffers(nbl).max(1) as u64);
        sends
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

    /// Takes all of it as net buffers, if every NBL has exactly one. Any IRQL.
    #[inline]
    pub fn take_only(&mut self) -> Option<OnlyNetBuffers> {
        // SAFETY: `only` says that every NBL has one net buffer, and the list owns them.
        self.only
            .then(|| unsafe { OnlyNetBuffers::new(self.list.take(), self.adapter) })
    }

    /// Takes all of it. Any IRQL.
    #[inline]
    #[must_use]
    pub fn take(&mut self) -> Self {
        let mut all = self.new_like();
        all.append(self);
        all
    }

    /// Adds an NBL at the end. Any IRQL.
    #[inline]
    pub fn push(&mut self, nbl: SendNbl) {
        // What it has, nobody looks at again.
        self.only = false;
        self.list.push(ManuallyDrop::new(nbl).nbl);
    }

    /// Moves all of `other` to the end. Any IRQL.
    #[inline]
    pub fn append(&mut self, other: &mut Self) {
        self.only = other.only && (self.only || self.is_empty());
        self.hashed |= other.hashed;
        self.list.append(&mut other.list);
    }

    /// Takes out the NBLs that `cancel_send` names (contract D-50); the rest keeps its order. Any IRQL.
    #[must_use]
    pub fn take_cancelled(&mut self, id: CancelId) -> Self {
        self.take_where(|nbl| nbl.info(NetBufferListCancelId) == id.0)
    }

    /// Whether an NBL that came from NDIS has a receive-side scaling hash. Any IRQL.
    #[inline]
    #[must_use]
    pub fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// Takes out the NBLs whose receive-side scaling hash, where there is one, says so; all keep their order. Any IRQL.
    #[must_use]
    #[inline]
    pub fn take_hashed(&mut self, wanted: impl Fn(u32) -> bool) -> Self {
        if !self.hashed {
            return Self::new(self.adapter);
        }
        self.take_where(|nbl| {
            has_hash(nbl) && wanted(nbl.info(NetBufferListHashValue).addr() as u32)
        })
    }

    #[inline(never)]
    fn take_where(&mut self, wanted: impl Fn(&NET_BUFFER_LIST) -> bool) -> Self {
        let mut taken = Self::new(self.adapter);
        (taken.only, taken.hashed) = (self.only, self.hashed);
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
        self.fail(status);
        self.complete(irql);
    }

    /// Makes `status` the status of each NBL. Any IRQL.
    pub fn fail(&mut self, status: Status) {
        self.list.for_each(|nbl| nbl.set_status(status.0));
    }
}

impl Extend<SendNbl> for SendChain {
    /// Adds NBLs at the end, as [`push`](SendChain::push) does. Any IRQL.
    #[inline]
    fn extend<I: IntoIterator<Item = SendNbl>>(&mut self, nbls: I) {
        self.only = false;
        self.list
            .extend(nbls.into_iter().map(|nbl| ManuallyDrop::new(nbl).nbl));
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
    pub(super) nbl: NonNull<NET_BUFFER_LIST>,
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
        count_net_buffers(self.raw())
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
        // SAFETY: the NBL's only net buffer, counted above.
        Ok(unsafe { TxNetBuffer::new(nb, nbl) })
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
        // SAFETY: owned, and its net buffers are counted.
        Ok(unsafe { TxNetBuffers::new(nbl, this.raw().first_net_buffer()) })
    }
}

impl Drop for SendNbl {
    fn drop(&mut self) {
        self.set_status(Status::FAILURE);
        // What it stood before when it came is not completed with it.
        // SAFETY: owned until completed.
        unsafe { self.nbl.as_mut() }.set_next(core::ptr::null_mut());
        complete_in_drop(self.adapter(), self.nbl.as_ptr());
    }
}
