// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive side. At most DISPATCH_LEVEL.

use alloc::boxed::Box;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::list::RawList;
use crate::adapter::AdapterHandle;
use crate::dma::SharedMemory;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql};
use crate::mem::{Shared, try_box};
use crate::status::{Result, Status};
use crate::sys::ndis;

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
        Shared::new(Self {
            handle,
            adapter: *adapter,
        })
    }
}

impl Drop for NblPool {
    fn drop(&mut self) {
        // SAFETY: every NBL of the pool holds a share of it, so none is left (contract H-07).
        unsafe { ndis::NdisFreeNetBufferListPool(self.handle) };
    }
}

/// What belongs to a receive NBL; `MiniportReserved[0]` points to it.
struct Parts {
    /// Freed before the memory it describes.
    mdl: Mdl,
    memory: Shared<SharedMemory>,
    offset: u32,
    capacity: u32,
    word: usize,
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
    nbl: NonNull<NET_BUFFER_LIST>,
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
    /// [`Status::INVALID_PARAMETER`] if the range is empty or not inside the memory; [`Status::RESOURCES`].
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
        if capacity == 0 || end > memory.len() {
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
        let parts = try_box(Parts {
            mdl,
            memory: memory.clone(),
            offset,
            capacity,
            word,
            pool: pool.clone(),
        })?;
        // SAFETY: a pool with net buffers and without data, a valid MDL chain; at most DISPATCH_LEVEL.
        let nbl =
            unsafe { ndis::NdisAllocateNetBufferAndNetBufferList(pool.handle, 0, 0, chain, 0, 0) };
        let nbl = NonNull::new(nbl).ok_or(Status::RESOURCES)?;
        // SAFETY: a fresh NBL, owned; this member is the miniport's.
        unsafe { (*nbl.as_ptr()).MiniportReserved[0] = Box::into_raw(parts).cast() };
        Ok(Self { nbl })
    }

    fn parts(&self) -> &Parts {
        // SAFETY: owned.
        let parts = unsafe { self.nbl.as_ref() }.MiniportReserved[0];
        // SAFETY: stored by `allocate`, lives as long as the NBL.
        unsafe { &*parts.cast::<Parts>() }
    }

    /// The driver's word, as given to `allocate`: the index of a buffer, say.
    #[must_use]
    pub fn word(&self) -> usize {
        self.parts().word
    }

    /// Bytes of the buffer.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.parts().capacity
    }

    /// Logical address of the buffer, for a descriptor.
    #[must_use]
    pub fn logical_address(&self) -> u64 {
        let parts = self.parts();
        parts.memory.logical_address() + u64::from(parts.offset)
    }

    /// Copies the first bytes of the buffer; returns how many.
    pub fn peek(&self, to: &mut [u8]) -> usize {
        let parts = self.parts();
        let length = to.len().min(parts.capacity as usize);
        parts.memory.copy_out(parts.offset, &mut to[..length]);
        length
    }

    /// Copies bytes to the start of the buffer, for drivers without DMA; returns how many had room.
    pub fn fill(&mut self, from: &[u8]) -> usize {
        let parts = self.parts();
        let length = from.len().min(parts.capacity as usize);
        from.get(..length)
            .map_or(0, |from| parts.memory.copy_in(parts.offset, from))
    }

    /// Makes the NBL ready to be indicated with `length` bytes: everything that the last indication or a protocol may
    /// have changed is set again (contract D-35, D-38).
    ///
    /// # Errors
    /// [`Status::INVALID_LENGTH`] if `length` is 0 or beyond the buffer: lengths from hardware are not trusted (D-37).
    pub fn prepare(&mut self, length: u32) -> Result<()> {
        let (mdl, adapter) = {
            let parts = self.parts();
            if length == 0 || length > parts.capacity {
                return Err(Status::INVALID_LENGTH);
            }
            (parts.mdl.0, parts.pool.adapter)
        };
        // SAFETY: the buffer's own MDL, in nobody else's hands; `length` is within its capacity.
        unsafe { (*mdl.as_ptr()).ByteCount = length };
        // SAFETY: as above: one MDL per buffer.
        unsafe { (*mdl.as_ptr()).Next = core::ptr::null_mut() };
        // SAFETY: owned.
        let nbl = unsafe { self.nbl.as_mut() };
        nbl.set_next(core::ptr::null_mut());
        nbl.set_status(NDIS_STATUS_SUCCESS);
        nbl.NblFlags = 0;
        nbl.Flags = 0;
        nbl.SourceHandle = adapter.as_raw();
        nbl.NetBufferListInfo = [core::ptr::null_mut(); 27];
        // SAFETY: the pool gave the NBL one net buffer, which belongs to it.
        let nb = unsafe { nbl.first_net_buffer().as_mut() }.ok_or(Status::FAILURE)?;
        nb.set_next(core::ptr::null_mut());
        nb.set_data(mdl.as_ptr(), 0, length);
        Ok(())
    }

    /// Sets out-of-band information `slot`, after [`prepare`](Self::prepare).
    pub fn set_info(&mut self, slot: NDIS_NET_BUFFER_LIST_INFO, value: usize) {
        // SAFETY: owned.
        unsafe { self.nbl.as_mut() }.set_info(slot, core::ptr::without_provenance_mut(value));
    }

    /// Sets `NblFlags`, after [`prepare`](Self::prepare).
    pub fn set_flags(&mut self, flags: u32) {
        // SAFETY: owned.
        unsafe { self.nbl.as_mut() }.NblFlags = flags;
    }
}

impl Drop for ReceiveNbl {
    fn drop(&mut self) {
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
    list: RawList,
}

// SAFETY: NBLs may be handled on any processor; the chain is their only owner.
unsafe impl Send for ReceiveChain {}

impl Default for ReceiveChain {
    fn default() -> Self {
        Self::new()
    }
}

impl ReceiveChain {
    /// No NBLs.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            list: RawList::EMPTY,
        }
    }

    /// Takes over what NDIS hands to MiniportReturnNetBufferLists.
    ///
    /// # Safety
    /// `head` is null or a NULL-terminated chain of NBLs from [`ReceiveNbl::allocate`] that this driver had indicated.
    pub(crate) unsafe fn from_ndis(head: *mut NET_BUFFER_LIST) -> Self {
        Self {
            // SAFETY: the caller's promise.
            list: unsafe { RawList::adopt(head, |_| {}) },
        }
    }

    /// Gives the chain away as its first and last element.
    pub(super) fn take_raw(
        &mut self,
    ) -> Option<(NonNull<NET_BUFFER_LIST>, NonNull<NET_BUFFER_LIST>)> {
        self.list.take().ends()
    }

    /// Number of NBLs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// `true` without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first NBL.
    pub fn pop(&mut self) -> Option<ReceiveNbl> {
        self.list.pop().map(|nbl| ReceiveNbl { nbl })
    }

    /// Adds an NBL at the end.
    pub fn push(&mut self, nbl: ReceiveNbl) {
        self.list.push(ManuallyDrop::new(nbl).nbl);
    }

    /// Moves all of `other` to the end.
    pub fn append(&mut self, other: &mut Self) {
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

    /// The same with RESOURCES: the NBLs are the driver's again when this returns (D-31, D-33).
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
