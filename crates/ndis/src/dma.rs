// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scatter/gather DMA and shared memory.
//!
//! A [`ScatterGatherDma`] is registered once per adapter (contract I-03). [`map`](ScatterGatherDma::map) consumes a
//! [`TxNetBuffer`]; NDIS calls the [`SgListHandler`] with it and its list, at once, later, or on another processor
//! (G-22). The DMA handle stays registered until the last list and the last piece of shared memory are gone (G-28,
//! H-04).

use core::mem::ManuallyDrop;
use core::ptr::{NonNull, null_mut};

use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{Dispatch, Irql, Passive, drop_level_at_most, in_drop_at_dispatch};
use crate::mem::Shared;
use crate::nbl::TxNetBuffer;
use crate::plain::Plain;
use crate::status::{Result, Status};
use crate::sys::ndis;

/// What the adapter can do.
#[derive(Clone, Copy, Debug)]
pub struct SgDma {
    /// Largest frame to be mapped, in bytes.
    pub max_transfer: u32,
    /// The device addresses 64 bits.
    pub address_64: bool,
}

/// MiniportProcessSGList, for one adapter.
pub trait SgListHandler: Send + Sync + 'static {
    /// Takes a mapped net buffer: program it, or unmap and finish it. DISPATCH_LEVEL, also inside
    /// [`map`](ScatterGatherDma::map).
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>);
}

/// NdisMRegisterScatterGatherDma's handle.
#[derive(Debug)]
pub(crate) struct DmaHandle {
    pub(crate) handle: NDIS_HANDLE,
    adapter: AdapterHandle,
}

// SAFETY: NDIS takes the handle on any processor.
unsafe impl Send for DmaHandle {}
// SAFETY: as above.
unsafe impl Sync for DmaHandle {}

impl Drop for DmaHandle {
    fn drop(&mut self) {
        if drop_level_at_most(PASSIVE_LEVEL) {
            // SAFETY: PASSIVE_LEVEL; registered, deregistered once; lists and shared memory hold shares, so none is left.
            unsafe { ndis::NdisMDeregisterScatterGatherDma(self.handle) };
        }
    }
}

/// The handler together with its DMA.
#[derive(Debug)]
pub(crate) struct Handler<H> {
    handler: H,
    /// Last: the handler may hold mapped frames.
    pub(crate) dma: Shared<DmaHandle>,
}

/// A registered DMA with its handler. Drop at PASSIVE_LEVEL.
#[derive(Debug)]
pub struct ScatterGatherDma<H: SgListHandler> {
    pub(crate) handler: Shared<Handler<H>>,
    list_size: u32,
}

impl<H: SgListHandler> ScatterGatherDma<H> {
    /// NdisMRegisterScatterGatherDma. PASSIVE_LEVEL, after the attributes.
    ///
    /// # Errors
    /// What NDIS says; [`Status::RESOURCES`].
    pub fn register(
        adapter: &AdapterHandle,
        handler: H,
        attributes: SgDma,
        irql: &Irql<Passive>,
    ) -> Result<Self> {
        let _ = irql;
        let mut description = NDIS_SG_DMA_DESCRIPTION::zeroed();
        description.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_SG_DMA_DESCRIPTION,
            Revision: NDIS_SG_DMA_DESCRIPTION_REVISION_1,
            Size: NDIS_SIZEOF_SG_DMA_DESCRIPTION_REVISION_1,
        };
        if attributes.address_64 {
            description.Flags = NDIS_SG_DMA_64_BIT_ADDRESS;
        }
        description.MaximumPhysicalMapping = attributes.max_transfer;
        description.ProcessSGListHandler = Some(process::<H>);
        let mut handle = null_mut();
        // SAFETY: PASSIVE_LEVEL; description and handle are valid for the call.
        Status(unsafe {
            ndis::NdisMRegisterScatterGatherDma(
                adapter.as_raw(),
                &raw mut description,
                &raw mut handle,
            )
        })
        .ok()?;
        let dma = Shared::new(
            DmaHandle {
                handle,
                adapter: *adapter,
            },
            irql,
        )?;
        Ok(Self {
            handler: Shared::new(Handler { dma, handler }, irql)?,
            list_size: description.ScatterGatherListSize,
        })
    }

    /// The handler. Any IRQL.
    #[must_use]
    pub fn handler(&self) -> &H {
        &self.handler.handler
    }

    /// Bytes that a scatter/gather list for the largest frame takes. Any IRQL.
    #[must_use]
    pub fn list_size(&self) -> u32 {
        self.list_size
    }

    /// NdisMAllocateNetBufferSGList: maps a frame for the device to read. Exactly DISPATCH_LEVEL.
    ///
    /// On success the handler has got it, or will.
    ///
    /// # Errors
    /// The net buffer with [`Status::INVALID_LENGTH`] if it has no data, or with what NDIS says (contract G-23).
    pub fn map(&self, nb: TxNetBuffer, irql: &Irql<Dispatch>) -> Result<(), (Status, TxNetBuffer)> {
        let _ = irql;
        if nb.data_length() == 0 {
            return Err((Status::INVALID_LENGTH, nb));
        }
        let (nb, nbl) = nb.into_raw();
        let handler = self.handler.clone();
        // SAFETY: owned; these members are the miniport's.
        let words = unsafe { &mut (*nb.as_ptr()).MiniportReserved };
        words[2] = nbl.as_ptr().cast();
        words[3] = Shared::into_raw(handler);
        let (dma, context) = (self.handler.dma.handle, nb.as_ptr().cast());
        // SAFETY: DISPATCH_LEVEL; an owned net buffer with data, given to the callback on success.
        let status = Status(unsafe {
            ndis::NdisMAllocateNetBufferSGList(
                dma,
                nb.as_ptr(),
                context,
                NDIS_SG_LIST_WRITE_TO_DEVICE,
                null_mut(),
                0,
            )
        });
        if status.is_success() {
            return Ok(());
        }
        // SAFETY: no callback comes (G-22), so the parts are still ours.
        let (nb, handler) = unsafe { taken::<H>(nb) };
        drop(handler);
        Err((status, nb))
    }

    /// NdisMAllocateSharedMemory: memory that both processor and device reach. PASSIVE_LEVEL, in `initialize` (I-04).
    ///
    /// # Errors
    /// [`Status::INVALID_PARAMETER`] for no length; [`Status::RESOURCES`].
    pub fn allocate_shared(
        &self,
        length: u32,
        cached: bool,
        irql: &Irql<Passive>,
    ) -> Result<Shared<SharedMemory>> {
        let _ = irql;
        if length == 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        let dma = self.handler.dma.clone();
        let (mut address, mut logical) = (null_mut(), LARGE_INTEGER::new(0));
        let cached = BOOLEAN::from(cached);
        let adapter = dma.adapter.as_raw();
        // SAFETY: PASSIVE_LEVEL; both out-parameters are valid for the call.
        unsafe {
            ndis::NdisMAllocateSharedMemory(
                adapter,
                length,
                cached,
                &raw mut address,
                &raw mut logical,
            );
        }
        let memory = SharedMemory {
            address: NonNull::new(address.cast()).ok_or(Status::RESOURCES)?,
            logical,
            length,
            cached,
            dma,
        };
        // SAFETY: `length` bytes just allocated; zeroed so that nothing stale reaches the device or a reader.
        unsafe { memory.address.as_ptr().write_bytes(0, length as usize) };
        Shared::new(memory, irql)
    }
}

/// Takes the parts that `map` stored in a net buffer.
///
/// # Safety
/// `nb` was mapped by a `ScatterGatherDma<H>`, and the parts are taken once.
unsafe fn taken<H>(nb: NonNull<NET_BUFFER>) -> (TxNetBuffer, Option<Shared<Handler<H>>>) {
    // SAFETY: owned by whoever takes the parts.
    let words = unsafe { nb.as_ref() }.MiniportReserved;
    // SAFETY: stored by `map` from a valid reference.
    let nbl = unsafe { NonNull::new_unchecked(words[2].cast()) };
    // SAFETY: the caller's promise.
    let handler = unsafe { Shared::from_raw(words[3]) };
    // SAFETY: the caller's promise.
    (unsafe { TxNetBuffer::from_raw(nb, nbl) }, handler)
}

unsafe extern "system" fn process<H: SgListHandler>(
    _device: *mut DEVICE_OBJECT,
    _reserved: *mut c_void,
    list: *mut SCATTER_GATHER_LIST,
    context: *mut c_void,
) {
    let Some(nb) = NonNull::new(context.cast()) else {
        return;
    };
    // SAFETY: the context is the net buffer that `map` gave, and NDIS calls once per mapping.
    let (nb, Some(handler)) = (unsafe { taken::<H>(nb) }) else {
        return;
    };
    // Without a list there is nothing to unmap: the frame fails.
    let Some(list) = NonNull::new(list) else {
        return;
    };
    let mapped = MappedNetBuffer {
        nb: ManuallyDrop::new(nb),
        list,
        dma: ManuallyDrop::new(handler.dma.clone()),
    };
    // SAFETY: NDIS calls this at DISPATCH_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    handler.handler.process(mapped, &mut irql);
}

/// A net buffer with its scatter/gather list, owned. Dropped, it is unmapped and finished with FAILURE.
#[derive(Debug)]
pub struct MappedNetBuffer {
    nb: ManuallyDrop<TxNetBuffer>,
    list: NonNull<SCATTER_GATHER_LIST>,
    dma: ManuallyDrop<Shared<DmaHandle>>,
}

// SAFETY: net buffer and list may be handled on any processor; this is their only owner.
unsafe impl Send for MappedNetBuffer {}
// SAFETY: `&self` only reads.
unsafe impl Sync for MappedNetBuffer {}

impl MappedNetBuffer {
    /// The net buffer. Any IRQL.
    #[must_use]
    pub fn net_buffer(&self) -> &TxNetBuffer {
        &self.nb
    }

    /// Where the data lies for the device: logical addresses and lengths. More elements than the ring has room for, and
    /// lengths beyond the frame, are possible: stop after the frame's length (contract G-25, G-26). Any IRQL.
    #[must_use]
    pub fn elements(&self) -> &[SCATTER_GATHER_ELEMENT] {
        // SAFETY: the list lives until it is freed, which takes `self`.
        let count = unsafe { self.list.as_ref() }.NumberOfElements as usize;
        // SAFETY: only an address is computed.
        let first = unsafe { &raw const (*self.list.as_ptr()).Elements };
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
        let length = first.Length.checked_sub(skip)?;
        let address = (first.Address.value() as u64).wrapping_add(u64::from(skip));
        (length >= self.nb.data_length()).then_some(address)
    }

    /// NdisMFreeNetBufferSGList, when the device is done with the frame (G-27). Exactly DISPATCH_LEVEL, while the
    /// [`ScatterGatherDma`] lives.
    #[must_use = "the net buffer must be finished"]
    pub fn unmap(self, irql: &Irql<Dispatch>) -> TxNetBuffer {
        ManuallyDrop::new(self).unmap_inner(irql)
    }

    fn unmap_inner(&mut self, irql: &Irql<Dispatch>) -> TxNetBuffer {
        let _ = irql;
        // SAFETY: the callers use `self` no more.
        let nb = unsafe { ManuallyDrop::take(&mut self.nb) };
        // SAFETY: as above.
        let dma = unsafe { ManuallyDrop::take(&mut self.dma) };
        let (raw, nbl) = nb.into_raw();
        // SAFETY: DISPATCH_LEVEL; list and net buffer of one mapping, freed once.
        unsafe { ndis::NdisMFreeNetBufferSGList(dma.handle, self.list.as_ptr(), raw.as_ptr()) };
        // SAFETY: taken apart three lines above.
        unsafe { TxNetBuffer::from_raw(raw, nbl) }
    }
}

impl Drop for MappedNetBuffer {
    fn drop(&mut self) {
        // Kept past the raised level: the last share deregisters the DMA, which needs PASSIVE_LEVEL.
        let dma = Shared::clone(&self.dma);
        let mut finished = None;
        in_drop_at_dispatch(|irql| finished = Some(self.unmap_inner(irql)));
        drop(finished);
        drop(dma);
    }
}

/// Memory that both processor and device reach. Freed at most at DISPATCH_LEVEL, never in a shutdown (contract S-04).
#[derive(Debug)]
pub struct SharedMemory {
    address: NonNull<u8>,
    logical: NDIS_PHYSICAL_ADDRESS,
    length: u32,
    cached: BOOLEAN,
    dma: Shared<DmaHandle>,
}

// SAFETY: plain memory; every access through this type is volatile, because the device writes to it too.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

#[allow(clippy::len_without_is_empty, reason = "shared memory is never empty")]
impl SharedMemory {
    /// First byte, for the processor. Any IRQL.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.address
    }

    /// First byte, for the device: not the processor's physical address (contract G-30). Any IRQL.
    #[must_use]
    pub fn logical_address(&self) -> u64 {
        self.logical.value() as u64
    }

    /// Bytes. Any IRQL.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.length
    }

    /// Where `size` bytes at `offset` are, if they are inside.
    fn at(&self, offset: u32, size: usize) -> Option<NonNull<u8>> {
        let end = (offset as usize).checked_add(size)?;
        if end > self.length as usize {
            return None;
        }
        // SAFETY: inside the memory.
        Some(unsafe { self.address.add(offset as usize) })
    }

    /// Reads a value at a byte offset, aligned for it; `None` outside the memory or unaligned. Volatile. Any IRQL.
    #[must_use]
    pub fn read<T: Plain>(&self, offset: u32) -> Option<T> {
        let place = self.at(offset, size_of::<T>())?.cast::<T>();
        // SAFETY: inside the memory and aligned; every byte pattern is a value.
        place.is_aligned().then(|| unsafe { place.read_volatile() })
    }

    /// Writes a value at a byte offset, aligned for it; `false` outside the memory or unaligned. Volatile. Any IRQL.
    pub fn write<T: Plain>(&self, offset: u32, value: T) -> bool {
        match self.at(offset, size_of::<T>()).map(NonNull::cast::<T>) {
            Some(place) if place.is_aligned() => {
                // SAFETY: inside the memory and aligned.
                unsafe { place.write_volatile(value) };
                true
            }
            _ => false,
        }
    }

    /// Copies bytes out; bytes beyond the end stay as they are. Returns how many were copied. Any IRQL.
    pub fn copy_out(&self, offset: u32, to: &mut [u8]) -> usize {
        let length = to.len().min(self.length.saturating_sub(offset) as usize);
        if let Some(from) = self.at(offset, length) {
            // SAFETY: `length` bytes on both sides; the memory is no part of a driver buffer.
            unsafe {
                to.as_mut_ptr()
                    .copy_from_nonoverlapping(from.as_ptr(), length)
            };
        }
        length
    }

    /// Copies bytes in; returns how many had room. Any IRQL.
    pub fn copy_in(&self, offset: u32, from: &[u8]) -> usize {
        let length = from.len().min(self.length.saturating_sub(offset) as usize);
        if let Some(to) = self.at(offset, length) {
            // SAFETY: `length` bytes on both sides; the memory is no part of a driver buffer.
            unsafe { to.as_ptr().copy_from_nonoverlapping(from.as_ptr(), length) };
        }
        length
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        if drop_level_at_most(DISPATCH_LEVEL) {
            let (adapter, address) = (self.dma.adapter.as_raw(), self.address.as_ptr().cast());
            // SAFETY: allocated with exactly these values, freed once; at most DISPATCH_LEVEL.
            unsafe {
                ndis::NdisMFreeSharedMemory(
                    adapter,
                    self.length,
                    self.cached,
                    address,
                    self.logical,
                )
            };
        }
    }
}
