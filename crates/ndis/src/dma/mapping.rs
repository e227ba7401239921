// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a net buffer to its scatter/gather list. DISPATCH_LEVEL.
//!
//! A net buffer that is being mapped has a share of the handler, for the callback, which may still run when the frame has
//! long been sent elsewhere, and one of the DMA, for the list. They are taken for many at once.

use core::cell::Cell;
use core::ptr::{NonNull, null_mut};

use super::{DmaHandle, MappedNetBuffer, Put, ScatterGatherDma, SgListHandler};
use crate::ffi::*;
use crate::irql::{Dispatch, Irql};
use crate::mem::Shared;
use crate::nbl::TxNetBuffer;
use crate::nbl::net_buffer::{LIST, MAPPER};
use crate::status::{Result, Status};
use crate::sys::ndis;

/// The handler together with its DMA.
#[derive(Debug)]
pub(super) struct Handler<H> {
    handler: H,
    /// Last: the handler may hold mapped frames.
    dma: Shared<DmaHandle>,
}

impl<H> Handler<H> {
    pub(super) fn new(dma: Shared<DmaHandle>, handler: H) -> Self {
        Self { handler, dma }
    }

    #[inline]
    pub(super) fn handler(&self) -> &H {
        &self.handler
    }

    #[inline]
    pub(super) fn dma(&self) -> &Shared<DmaHandle> {
        &self.dma
    }
}

/// Shares for net buffers that are about to be mapped.
#[derive(Debug)]
pub struct Mapping<H: SgListHandler> {
    handler: NonNull<Handler<H>>,
    handle: NDIS_HANDLE,
    /// Net buffers that there are shares for, besides this value's own.
    left: Cell<usize>,
}

// SAFETY: what it has are shares of a value that is `Send` and `Sync`, and a handle that NDIS takes on any processor.
unsafe impl<H: SgListHandler> Send for Mapping<H> {}

impl<H: SgListHandler> ScatterGatherDma<H> {
    /// Prepares to map `count` net buffers: one access to the count of owners for all of them. Any IRQL.
    #[must_use]
    pub fn mapping(&self, count: usize) -> Mapping<H> {
        Shared::add(&self.handler, count + 1);
        Shared::add(self.handler.dma(), count);
        Mapping {
            handler: Shared::value(&self.handler),
            handle: self.handler.dma().handle,
            left: Cell::new(count),
        }
    }

    /// [`Mapping::map`] of a single net buffer. Exactly DISPATCH_LEVEL.
    ///
    /// # Errors
    /// As there.
    pub fn map(&self, nb: TxNetBuffer, irql: &Irql<Dispatch>) -> Result<(), (Status, TxNetBuffer)> {
        self.mapping(1).map(nb, irql)
    }
}

impl<H: SgListHandler> Mapping<H> {
    /// The handler. Any IRQL.
    #[inline]
    #[must_use]
    pub fn handler(&self) -> &H {
        // SAFETY: this value has a share.
        unsafe { self.handler.as_ref() }.handler()
    }

    /// NdisMAllocateNetBufferSGList: maps a frame for the device to read. Exactly DISPATCH_LEVEL.
    ///
    /// On success the handler has got it, or will.
    ///
    /// # Errors
    /// The net buffer with [`Status::INVALID_LENGTH`] if it has no data, with [`Status::RESOURCES`] beyond the count of
    /// [`mapping`](ScatterGatherDma::mapping), or with what NDIS says (contract G-23).
    #[inline]
    pub fn map(&self, nb: TxNetBuffer, irql: &Irql<Dispatch>) -> Result<(), (Status, TxNetBuffer)> {
        if nb.data_length() == 0 {
            return Err((Status::INVALID_LENGTH, nb));
        }
        let Some(after) = self.left.get().checked_sub(1) else {
            return Err((Status::RESOURCES, nb));
        };
        // SAFETY: there is one for it.
        unsafe { map_one(self.handler, self.handle, nb, irql) }?;
        self.left.set(after);
        Ok(())
    }

    /// [`map`](Self::map) of many, in order. `prepare` sees each with its number before, from `first` on, and may refuse it, as it has
    /// to one without data (DM-11); what was refused, or cannot be mapped, goes to `failed`. Exactly
    /// DISPATCH_LEVEL.
    #[inline]
    pub fn map_all(
        &self,
        first: u32,
        net_buffers: impl Iterator<Item = TxNetBuffer>,
        irql: &mut Irql<Dispatch>,
        mut prepare: impl FnMut(usize, &mut TxNetBuffer) -> Result<()>,
        mut failed: impl FnMut(usize, TxNetBuffer, Status, &mut Irql<Dispatch>),
    ) {
        // In registers: nobody else sees them meanwhile. What fails is counted, and not what does not.
        let (handler, handle) = (self.handler, self.handle);
        let first = first as usize;
        let end = first + self.left.get();
        let (mut number, mut back) = (first, 0);
        for mut nb in net_buffers {
            let mapped = match prepare(number, &mut nb) {
                Ok(()) if number >= end => Err((Status::RESOURCES, nb)),
                // SAFETY: there is a share for each number below the end.
                Ok(()) => unsafe { map_one(handler, handle, nb, irql) },
                Err(status) => Err((status, nb)),
            };
            if let Err((status, nb)) = mapped {
                back += usize::from(number < end);
                failed(number, nb, status, irql);
            }
            number += 1;
        }
        self.left.set(end.saturating_sub(number) + back);
    }
}

/// NdisMAllocateNetBufferSGList.
///
/// # Safety
/// `handle` is that of the handler's DMA, and both have a share for this net buffer, which is given to it on success.
#[inline(always)]
unsafe fn map_one<H: SgListHandler>(
    handler: NonNull<Handler<H>>,
    handle: NDIS_HANDLE,
    nb: TxNetBuffer,
    irql: &Irql<Dispatch>,
) -> Result<(), (Status, TxNetBuffer)> {
    let _ = irql;
    let nb = nb.into_raw();
    // SAFETY: owned; these members are the crate's.
    let words = unsafe { &mut (*nb.as_ptr()).MiniportReserved };
    words[MAPPER] = handler.as_ptr().cast();
    // SAFETY: DISPATCH_LEVEL; an owned net buffer with data, given to the callback on success.
    let status = Status(unsafe {
        ndis::NdisMAllocateNetBufferSGList(
            handle,
            nb.as_ptr(),
            nb.as_ptr().cast(),
            NDIS_SG_LIST_WRITE_TO_DEVICE,
            null_mut(),
            0,
        )
    });
    if status.is_success() {
        return Ok(());
    }
    // SAFETY: no callback comes (G-22), so it is still ours.
    Err((status, unsafe { TxNetBuffer::from_raw(nb) }))
}

impl<H: SgListHandler> Drop for Mapping<H> {
    #[inline]
    fn drop(&mut self) {
        let left = self.left.get();
        if left > 0 {
            // SAFETY: this value has a share.
            let dma = Shared::value(unsafe { self.handler.as_ref() }.dma());
            // SAFETY: what was not given to net buffers.
            unsafe { Shared::release(dma, left) };
        }
        // SAFETY: as above, and this value's own.
        unsafe { Shared::release(self.handler, left + 1) };
    }
}

pub(super) unsafe extern "system" fn process<H: SgListHandler>(
    _device: *mut DEVICE_OBJECT,
    _reserved: *mut c_void,
    list: *mut SCATTER_GATHER_LIST,
    context: *mut c_void,
) {
    let Some(mut nb) = NonNull::new(context.cast::<NET_BUFFER>()) else {
        return;
    };
    // SAFETY: the context is the net buffer that `map` gave, and NDIS calls once per mapping.
    let words = unsafe { &mut nb.as_mut().MiniportReserved };
    words[LIST] = list.cast();
    // SAFETY: stored by `map`, from a valid pointer.
    let handler = unsafe { NonNull::new_unchecked(words[MAPPER].cast::<Handler<H>>()) };
    // SAFETY: the callback's share keeps it.
    let called = unsafe { handler.as_ref() };
    let dma = Shared::value(called.dma());
    words[MAPPER] = dma.as_ptr().cast();
    // Calls are left to functions of their own, so that the usual way needs no stack.
    if list.is_null() {
        // SAFETY: from `map`, used once; there is no list.
        return unsafe { without_list(nb, dma, handler) };
    }
    // SAFETY: mapped by `map`, with the list just stored.
    let mapped = unsafe { MappedNetBuffer::from_raw(nb) };
    match called.handler().put(mapped) {
        // SAFETY: the callback's share.
        Put::Done => unsafe { Shared::release(handler, 1) },
        // SAFETY: as above.
        rest => unsafe { work(handler, rest) },
    }
}

/// The rest of a callback.
///
/// # Safety
/// At DISPATCH_LEVEL, with a share of the handler, which is given up.
#[inline(never)]
unsafe fn work<H: SgListHandler>(handler: NonNull<Handler<H>>, rest: Put) {
    // SAFETY: DISPATCH_LEVEL, as NDIS promises.
    let mut irql = unsafe { Irql::assume() };
    // SAFETY: the callback's share keeps it.
    let called = unsafe { handler.as_ref() }.handler();
    match rest {
        Put::Done => {}
        Put::Process(mapped) => called.process(mapped, &mut irql),
        Put::Late(number) => called.late(number, &mut irql),
    }
    // SAFETY: the callback's share.
    unsafe { Shared::release(handler, 1) };
}

/// Without a list there is nothing to unmap: the frame fails.
///
/// # Safety
/// The net buffer is owned, and has shares of both; they are given up.
#[cold]
#[inline(never)]
unsafe fn without_list<H: SgListHandler>(
    nb: NonNull<NET_BUFFER>,
    dma: NonNull<DmaHandle>,
    handler: NonNull<Handler<H>>,
) {
    // SAFETY: the caller's promise.
    let nb = unsafe { TxNetBuffer::from_raw(nb) };
    // SAFETY: DISPATCH_LEVEL, as NDIS promises.
    let mut irql = unsafe { Irql::assume() };
    // SAFETY: the callback's share keeps it.
    let called = unsafe { handler.as_ref() }.handler();
    called.failed(nb, &mut irql);
    // SAFETY: the share of the list that does not come.
    unsafe { Shared::release(dma, 1) };
    // SAFETY: the callback's share.
    unsafe { Shared::release(handler, 1) };
}
