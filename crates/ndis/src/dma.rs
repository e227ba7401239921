// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scatter/gather DMA and shared memory.
//!
//! A [`ScatterGatherDma`] is registered once per adapter (contract I-03). [`map`](ScatterGatherDma::map) consumes a
//! [`TxNetBuffer`]; NDIS calls the [`SgListHandler`] with it and its list, at once, later, or on another processor
//! (G-22). The DMA handle stays registered until the last list and the last piece of shared memory are gone (G-28,
//! H-04).

mod mapped;
mod mapping;

use core::ptr::{NonNull, null_mut};

pub use mapped::{MappedNetBuffer, MappedQueue, Unmapping};
pub use mapping::Mapping;

use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{Dispatch, Irql, Passive, drop_level_at_most};
use crate::mem::Shared;
use crate::nbl::TxNetBuffer;
use crate::plain::Plain;
use crate::status::{Result, Status};
use crate::sys::ndis;
use mapping::Handler;

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

    /// The same for a handler that has a quick way: one that calls nothing. What it says is done afterwards.
    #[inline]
    fn put(&self, mapped: MappedNetBuffer) -> Put {
        Put::Process(mapped)
    }

    /// A net buffer that was to be mapped, and for which NDIS has no list after all: finish it. As it is, it fails.
    /// DISPATCH_LEVEL, also inside [`map`](ScatterGatherDma::map).
    #[cold]
    fn failed(&self, nb: TxNetBuffer, irql: &mut Irql<Dispatch>) {
        let _ = irql;
        drop(nb);
    }

    /// What [`Put::Late`] asked for, with its number. DISPATCH_LEVEL.
    fn late(&self, number: usize, irql: &mut Irql<Dispatch>) {
        let (_, _) = (number, irql);
    }
}

/// What [`SgListHandler::put`] has left to do.
#[derive(Debug)]
pub enum Put {
    /// Nothing.
    Done,
    /// All of it.
    Process(MappedNetBuffer),
    /// [`SgListHandler::late`].
    Late(usize),
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

/// A registered DMA with its handler. Drop at PASSIVE_LEVEL.
#[derive(Debug)]
pub struct ScatterGatherDma<H: SgListHandler> {
    handler: Shared<Handler<H>>,
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
        description.ProcessSGListHandler = Some(mapping::process::<H>);
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
            handler: Shared::new(Handler::new(dma, handler), irql)?,
            list_size: description.ScatterGatherListSize,
        })
    }

    /// The handler. Any IRQL.
    #[must_use]
    pub fn handler(&self) -> &H {
        self.handler.handler()
    }

    /// NDIS' handle.
    #[cfg(feature = "raw")]
    pub(crate) fn ndis_handle(&self) -> NDIS_HANDLE {
        self.handler.dma().handle
    }

    /// Bytes that a scatter/gather list for the largest frame takes. Any IRQL.
    #[must_use]
    pub fn list_size(&self) -> u32 {
        self.list_size
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
        let dma = self.handler.dma().clone();
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
