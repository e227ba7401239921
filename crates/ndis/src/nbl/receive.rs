// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive side. At most DISPATCH_LEVEL.

use alloc::boxed::Box;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::list::RawList;
use crate::adapter::AdapterHandle;
use crate::dma::SharedMemory;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, drop_level_at_most};
use crate::mem::{Shared, try_box};
use crate::status::{Result, Status};
use crate::sys::ndis;

/// Bytes of the shortest buffer: what [`ReceiveNbl::first_word`] reads.
const FIRST_WORD: u32 = 8;

/// A pool of NBLs with one net buffer each. Freed with the last NBL and the last owner.
#[derive(Debug)]
pub struct NblPool {
    handle: NDIS_HANDLE,
    adapter: AdapterHandle,
}

// SAFETY: NDIS takes the handle on any processor.
unsafe impl Send for NblPool {}
// SAFETY: as above.
unsafe impl Sync for NblPool {}

impl NblPool {
    /// NdisAllocateNetBufferListPool. At most DISPATCH_LEVEL. `tag` is the pool tag.
    ///
    /// # Errors
    /// [`Status::RESOURCES`].
    pub fn allocate<L: AtMost<Dispatch>>(
        adapter: &AdapterHandle,
        tag: u32,
        irql: &Irql<L>,
    ) -> Result<Shared<Self>> {
        let _ = irql;
        let parameters = NET_BUFFER_LIST_POOL_PARAMETERS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_DEFAULT,
                Revision: NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
                Size: NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
            },
            ProtocolId: NDIS_PROTOCOL_ID_DEFAULT as u8,
            fAllocateNetBuffer: TRUE,
            ContextSize: 0,
            PoolTag: tag,
            DataSize: 0,
            Flags: 0,
        };
        // SAFETY: at most DISPATCH_LEVEL; the parameters are valid for the call.
        let handle =
            unsafe { ndis::NdisAllocateNetBufferListPool(adapter.as_raw(), &raw const parameters) };
        if handle.is_null() {
            return Err(Status::RESOURCES);
        }
        Shared::new(
            Self {
                handle,
                adapter: *adapter,
            },
            irql,
        )
    }
}

impl Drop for NblPool {
    fn drop(&mut self) {
        if drop_level_at_most(DISPATCH_LEVEL) {
            // SAFETY: every NBL of the pool holds a share of it, so none is left (contract H-07).
            unsafe { ndis::NdisFreeNetBufferListPool(self.handle) };
        }
    }
}

/// What belongs to a receive NBL; `MiniportReserved[0]` points to it. What a frame needs comes first, close together.
#[repr(C)]
struct Parts {
    /// The buffer as the processor sees it.
    start: NonNull<u8>,
    /// The buffer as the device sees it.
    logical: u64,
    /// The one net buffer of the NBL.
    net_buffer: NonNull<NET_BUFFER>,
    /// Freed before the memory it describes.
    mdl: Mdl,
    source: NDIS_HANDLE,
    capacity: u32,
    word: usize,
    memory: Shared<SharedMemory>,
    /// Last, so that the pool outlives the rest.
    pool: Shared<NblPool>,
}

/// An MDL from NdisAllocateMdl.
struct Mdl(NonNull<MDL>);

impl Drop for Mdl {
    fn drop(&mut self) {
        // SAFETY: allocated with NdisAllocateMdl, freed once; no NBL uses it any more.
        unsafe { ndis::NdisFreeMdl(self.0.as_ptr()) };
    }
}

/// A receive buffer: an NBL over a piece of shared memory, owned. Dropping it frees NBL and MDL.
#[derive(Debug)]
pub struct ReceiveNbl {
    pub(crate) nbl: NonNull<NET_BUFFER_LIST>,
}

// SAFETY: an NBL may be handled on any processor; this is its only owner.
unsafe impl Send for ReceiveNbl {}
// SAFETY: `&self` only reads.
unsafe impl Sync for ReceiveNbl {}

impl ReceiveNbl {
    /// An NBL with one net buffer over `capacity` bytes of `memory` from `offset`. `word` is the driver's, see
    /// [`word`](Self::word). At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// [`Status::INVALID_PARAMETER`] if the range is shorter than 8 bytes or not inside the memory; [`Status::RESOURCES`].
    pub fn allocate<L: AtMost<Dispatch>>(
        pool: &Shared<NblPool>,
        memory: &Shared<SharedMemory>,
        offset: u32,
        capacity: u32,
        word: usize,
        irql: &Irql<L>,
    ) -> Result<Self> {
        let _ = irql;
        let end = offset
            .checked_add(capacity)
            .ok_or(Status::INVALID_PARAMETER)?;
        if capacity < FIRST_WORD || end > memory.len() {
            return Err(Status::INVALID_PARAMETER);
        }
        // SAFETY: inside the memory.
        let start = unsafe { memory.as_ptr().add(offset as usize) };
        // SAFETY: nonpaged memory of this length, which the parts keep alive; at most DISPATCH_LEVEL.
        let mdl = unsafe {
            ndis::NdisAllocateMdl(pool.adapter.as_raw(), start.as_ptr().cast(), capacity)
        };
        let mdl = Mdl(NonNull::new(mdl).ok_or(Status::RESOURCES)?);
        let chain = mdl.0.as_ptr();
        let mut parts = try_box(
            Parts {
                start,
                logical: memory.logical_address() + u64::from(offset),
                net_buffer: NonNull::dangling(),
                mdl,
                source: pool.adapter.as_raw(),
                capacity,
                word,
                memory: memory.clone(),
                pool: pool.clone(),
            },
            irql,
        )?;
        // SAFETY: a pool with net buffers and without data, a valid MDL chain; at most DISPATCH_LEVEL.
        let nbl =
            unsafe { ndis::NdisAllocateNetBufferAndNetBufferList(pool.handle, 0, 0, chain, 0, 0) };
        let mut nbl = NonNull::new(nbl).ok_or(Status::RESOURCES)?;
        // SAFETY: a fresh NBL, owned.
        let raw = unsafe { nbl.as_mut() };
        let Some(net_buffer) = NonNull::new(raw.first_net_buffer()) else {
            // SAFETY: as above; freed once.
            unsafe { ndis::NdisFreeNetBufferList(nbl.as_ptr()) };
            return Err(Status::RESOURCES);
        };
        parts.net_buffer = net_buffer;
        // These members are the miniport's; no other buffer is behind this one.
        raw.MiniportReserved = [Box::into_raw(parts).cast(), core::ptr::null_mut()];
        Ok(Self { nbl })
    }

    /// Takes over an NBL that `allocate` made and whose owner gave it up.
    #[inline]
    pub(super) fn of(nbl: NonNull<NET_BUFFER_LIST>) -> Self {
        Self { nbl }
    }

    /// The NBL itself.
    #[inline]
    pub(super) fn raw(&self) -> NonNull<NET_BUFFER_LIST> {
        self.nbl
    }

    #[inline]
    fn parts(&self) -> &Parts {
        // SAFETY: owned.
        let parts = unsafe { self.nbl.as_ref() }.MiniportReserved[0];
        // SAFETY: stored by `allocate`, lives as long as the NBL.
        unsafe { &*parts.cast::<Parts>() }
    }

    /// The driver's word, as given to `allocate`: the index of a buffer, say. Any IRQL.
    #[must_use]
    pub fn word(&self) -> usize {
        self.parts().word
    }

    /// Bytes of the buffer. Any IRQL.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.parts().capacity
    }

    /// Logical address of the buffer, for a descriptor. Any IRQL.
    #[inline]
    #[must_use]
    pub fn logical_address(&self) -> u64 {
        self.parts().logical
    }

    /// Bytes of the buffer.
    fn bytes(&self) -> *mut [u8] {
        let parts = self.parts();
        core::ptr::slice_from_raw_parts_mut(parts.start.as_ptr(), parts.capacity as usize)
    }

    /// Copies the first bytes of the buffer; returns how many. Any IRQL.
    pub fn peek(&self, to: &mut [u8]) -> usize {
        let length = to.len().min(self.bytes().len());
        // SAFETY: `length` bytes on both sides; the memory is no part of a driver buffer, and while the device has it
        // nobody looks.
        unsafe {
            to.as_mut_ptr()
                .copy_from_nonoverlapping(self.bytes().cast(), length)
        };
        length
    }

    /// The first 8 bytes of the buffer, little-endian. Any IRQL.
    #[inline]
    #[must_use]
    pub fn first_word(&self) -> u64 {
        let parts = self.parts();
        // SAFETY: at least 8 bytes of owned memory (`allocate`), at any alignment.
        let word = unsafe { parts.start.cast::<u64>().as_ptr().read_unaligned() };
        u64::from_le(word)
    }

    /// Copies bytes to the start of the buffer, for drivers without DMA; returns how many had room. Any IRQL.
    pub fn fill(&mut self, from: &[u8]) -> usize {
        let length = from.len().min(self.bytes().len());
        // SAFETY: `length` bytes on both sides; the memory is no part of a driver buffer.
        unsafe {
            self.bytes()
                .cast::<u8>()
                .copy_from_nonoverlapping(from.as_ptr(), length)
        };
        length
    }

    /// The buffer behind this one, if a frame goes on there.
    fn behind(&self) -> *mut NET_BUFFER_LIST {
        // SAFETY: owned.
        unsafe { self.nbl.as_ref() }.MiniportReserved[1].cast()
    }

    /// Sets the buffer behind this one.
    fn set_behind(&mut self, nbl: *mut NET_BUFFER_LIST) {
        // SAFETY: owned.
        unsafe { self.nbl.as_mut() }.MiniportReserved[1] = nbl.cast();
    }

    /// Puts another buffer behind this one and those already there: a frame that spans several is indicated with the
    /// first one's NBL, whose MDL chain then runs through all of them. `next` brings its own followers along. Any IRQL.
    pub fn append(&mut self, next: Self) {
        let next = ManuallyDrop::new(next).nbl;
        let mut last = ManuallyDrop::new(Self { nbl: self.nbl });
        while let Some(nbl) = NonNull::new(last.behind()) {
            last.nbl = nbl;
        }
        last.set_behind(next.as_ptr());
    }

    /// Takes the buffers behind this one away; each is an NBL of its own again. Any IRQL.
    #[inline]
    pub fn detach(&mut self) -> Option<Self> {
        let nbl = NonNull::new(self.behind())?;
        self.set_behind(core::ptr::null_mut());
        Some(Self { nbl })
    }

    /// Makes the NBL ready to be indicated with `length` bytes: everything that the last indication or a protocol may
    /// have changed is set again (contract D-35, D-38). Any IRQL.
    ///
    /// # Errors
    /// [`Status::INVALID_LENGTH`] if `length` is 0 or beyond the buffers, or leaves one of them empty: lengths from
    /// hardware are not trusted (D-37).
    #[inline]
    pub fn prepare(&mut self, length: u32) -> Result<()> {
        let (mdl, source, mut net_buffer, capacity) = {
            let parts = self.parts();
            (parts.mdl.0, parts.source, parts.net_buffer, parts.capacity)
        };
        let behind = self.behind();
        if behind.is_null() {
            if length == 0 || length > capacity {
                return Err(Status::INVALID_LENGTH);
            }
            // SAFETY: the buffer's own MDL, in nobody else's hands; `length` is within its capacity.
            let raw = unsafe { &mut *mdl.as_ptr() };
            raw.ByteCount = length;
            raw.Next = core::ptr::null_mut();
        } else {
            self.spread(length)?;
        }
        // SAFETY: owned.
        let nbl = unsafe { self.nbl.as_mut() };
        nbl.set_status(NDIS_STATUS_SUCCESS);
        nbl.NblFlags = 0;
        nbl.Flags = 0;
        nbl.SourceHandle = source;
        nbl.NetBufferListInfo = [core::ptr::null_mut(); 27];
        // SAFETY: the net buffer that the pool gave the NBL belongs to it.
        let nb = unsafe { net_buffer.as_mut() };
        nb.set_next(core::ptr::null_mut());
        nb.set_data(mdl.as_ptr(), 0, length);
        Ok(())
    }

    /// Links the MDLs of this buffer and those behind it over `length` bytes.
    #[cold]
    fn spread(&mut self, length: u32) -> Result<()> {
        let mut left = length;
        let mut at = Some(self.nbl);
        let mut before: Option<NonNull<MDL>> = None;
        while let Some(nbl) = at {
            let buffer = ManuallyDrop::new(Self { nbl });
            let (mdl, capacity) = {
                let parts = buffer.parts();
                (parts.mdl.0, parts.capacity)
            };
            if left == 0 {
                return Err(Status::INVALID_LENGTH);
            }
            let bytes = left.min(capacity);
            left -= bytes;
            // SAFETY: a buffer's own MDL, in nobody else's hands; `bytes` is within its capacity.
            unsafe { (*mdl.as_ptr()).ByteCount = bytes };
            // SAFETY: as above.
            unsafe { (*mdl.as_ptr()).Next = core::ptr::null_mut() };
            if let Some(before) = before.replace(mdl) {
                // SAFETY: as above, the MDL of the buffer before.
                unsafe { (*before.as_ptr()).Next = mdl.as_ptr() };
            }
            at = NonNull::new(buffer.behind());
        }
        if left == 0 {
            Ok(())
        } else {
            Err(Status::INVALID_LENGTH)
        }
    }

    /// Sets out-of-band information `slot`, after [`prepare`](Self::prepare). Any IRQL.
    pub fn set_info(&mut self, slot: NDIS_NET_BUFFER_LIST_INFO, value: usize) {
        // SAFETY: owned.
        unsafe { self.nbl.as_mut() }.set_info(slot, core::ptr::without_provenance_mut(value));
    }

    /// Sets `NblFlags`, after [`prepare`](Self::prepare). Any IRQL.
    pub fn set_flags(&mut self, flags: u32) {
        // SAFETY: owned.
        unsafe { self.nbl.as_mut() }.NblFlags = flags;
    }
}

impl Drop for ReceiveNbl {
    fn drop(&mut self) {
        if !drop_level_at_most(DISPATCH_LEVEL) {
            return;
        }
        let mut behind = self.detach();
        while let Some(mut buffer) = behind.take() {
            behind = buffer.detach();
        }
        // SAFETY: owned.
        let parts = unsafe { self.nbl.as_ref() }.MiniportReserved[0];
        // SAFETY: from NdisAllocateNetBufferAndNetBufferList, freed once.
        unsafe { ndis::NdisFreeNetBufferList(self.nbl.as_ptr()) };
        // SAFETY: stored by `allocate`; the NBL that used it is gone.
        drop(unsafe { Box::from_raw(parts.cast::<Parts>()) });
    }
}

/// Receive NBLs with their number. Dropping it frees them.
#[derive(Debug)]
pub struct ReceiveChain {
    pub(crate) list: RawList,
    /// The words of a chain that NDIS returned, or-ed together: a decision for all of it, as a rule. Every bit otherwise.
    words: usize,
}

// SAFETY: NBLs may be handled on any processor; the chain is their only owner.
unsafe impl Send for ReceiveChain {}

impl Default for ReceiveChain {
    fn default() -> Self {
        Self::new()
    }
}

impl ReceiveChain {
    /// No NBLs. Any IRQL.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: RawList::EMPTY,
            words: usize::MAX,
        }
    }

    /// Takes over what NDIS hands to MiniportReturnNetBufferLists.
    ///
    /// # Safety
    /// `head` is null or a NULL-terminated chain of NBLs from [`ReceiveNbl::allocate`] that this driver had indicated.
    pub(crate) unsafe fn from_ndis(head: *mut NET_BUFFER_LIST) -> Self {
        let mut words = 0;
        let each = |nbl: &mut NET_BUFFER_LIST| {
            let nbl = ManuallyDrop::new(ReceiveNbl {
                nbl: NonNull::from(nbl),
            });
            words |= nbl.word();
        };
        // SAFETY: the caller's promise.
        let list = unsafe { RawList::adopt(head, each) };
        Self { list, words }
    }

    /// Takes out the NBLs whose [`word`](ReceiveNbl::word) has the bit `bit` set; the order stays. Any IRQL.
    pub fn take_marked(&mut self, bit: usize) -> Self {
        // All of one kind, as a rule: nothing is linked anew.
        if self.words & bit == 0 {
            return Self::new();
        }
        let mut all = usize::MAX;
        self.list.for_each(|nbl| {
            let nbl = ManuallyDrop::new(ReceiveNbl {
                nbl: NonNull::from(nbl),
            });
            all &= nbl.word();
        });
        if all & bit != 0 {
            return core::mem::take(self);
        }
        let mut marked = Self::new();
        let mut rest = Self::new();
        while let Some(nbl) = self.pop() {
            if nbl.word() & bit != 0 {
                marked.push(nbl);
            } else {
                rest.push(nbl);
            }
        }
        *self = rest;
        marked
    }

    /// Gives the chain away as its first and last element.
    pub(super) fn take_raw(
        &mut self,
    ) -> Option<(NonNull<NET_BUFFER_LIST>, NonNull<NET_BUFFER_LIST>)> {
        self.list.take().ends()
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
    pub fn pop(&mut self) -> Option<ReceiveNbl> {
        self.list.pop().map(|nbl| ReceiveNbl { nbl })
    }

    /// Adds an NBL at the end. Any IRQL.
    pub fn push(&mut self, nbl: ReceiveNbl) {
        self.list.push(ManuallyDrop::new(nbl).nbl);
    }

    /// Moves all of `other` to the end. Any IRQL.
    pub fn append(&mut self, other: &mut Self) {
        self.words |= other.words;
        self.list.append(&mut other.list);
    }

    /// NdisMIndicateReceiveNetBufferLists on the default port. At most DISPATCH_LEVEL, no lock held.
    ///
    /// The NBLs come back through `return_nbls`, perhaps before this returns (contract D-32). `flags` are
    /// `NDIS_RECEIVE_FLAGS_…`; DISPATCH_LEVEL is set from the token, RESOURCES is ignored.
    pub fn indicate<L: AtMost<Dispatch>>(
        mut self,
        adapter: &AdapterHandle,
        flags: u32,
        irql: &Irql<L>,
    ) {
        let _ = irql;
        let list = self.list.take();
        indicate(
            adapter,
            &list,
            flags & !NDIS_RECEIVE_FLAGS_RESOURCES,
            L::IS_DISPATCH,
        );
    }

    /// The same with RESOURCES: the NBLs are the driver's again when this returns (D-31, D-33). At most DISPATCH_LEVEL.
    pub fn indicate_low_resources<L: AtMost<Dispatch>>(
        self,
        adapter: &AdapterHandle,
        flags: u32,
        irql: &Irql<L>,
    ) -> Self {
        let _ = irql;
        indicate(
            adapter,
            &self.list,
            flags | NDIS_RECEIVE_FLAGS_RESOURCES,
            L::IS_DISPATCH,
        );
        self
    }
}

/// Indicates a list, unless it is empty.
fn indicate(adapter: &AdapterHandle, list: &RawList, flags: u32, at_dispatch: bool) {
    if list.len() == 0 {
        return;
    }
    let level = if at_dispatch {
        NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL
    } else {
        0
    };
    let flags = (flags & !NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL) | level;
    let count = list.len() as u32;
    let (port, head) = (NDIS_DEFAULT_PORT_NUMBER, list.head());
    // SAFETY: NULL-terminated NBLs of this adapter, counted, given up by their owner; at most DISPATCH_LEVEL.
    unsafe { ndis::NdisMIndicateReceiveNetBufferLists(adapter.as_raw(), head, port, count, flags) };
}

impl Drop for ReceiveChain {
    fn drop(&mut self) {
        while let Some(nbl) = self.pop() {
            drop(nbl);
        }
    }
}
