// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`WorkItem`]: work at PASSIVE_LEVEL, asked for at DISPATCH_LEVEL.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, Passive, drop_level_at_most};
use crate::mem::try_box;
use crate::status::{Result, Status};
use crate::sys::ndis;

/// NdisIoWorkItemFunction.
pub trait WorkHandler: Send + Sync + 'static {
    /// Does the work. PASSIVE_LEVEL, on a system thread; never twice at once. An item that is asked for while it runs runs
    /// again.
    fn run(&self, irql: &mut Irql<Passive>);
}

/// Neither queued nor running.
const IDLE: u8 = 0;
/// Queued or running.
const BUSY: u8 = 1;
/// The same, and asked for once more meanwhile.
const AGAIN: u8 = 2;

struct Inner<H> {
    handle: NDIS_HANDLE,
    /// [`IDLE`], [`BUSY`] or [`AGAIN`].
    state: AtomicU8,
    handler: H,
}

/// A work item with its handler; derefs to the handler. Dropped at PASSIVE_LEVEL: waited for, then freed (contract
/// H-06). Dropped above, its memory is kept for ever.
pub struct WorkItem<H: WorkHandler> {
    inner: NonNull<Inner<H>>,
}

// SAFETY: the handler is `Send + Sync`, the work item may be queued on any processor.
unsafe impl<H: WorkHandler> Send for WorkItem<H> {}
// SAFETY: as above.
unsafe impl<H: WorkHandler> Sync for WorkItem<H> {}

impl<H: WorkHandler> WorkItem<H> {
    /// NdisAllocateIoWorkItem. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// [`Status::RESOURCES`].
    pub fn new<L: AtMost<Dispatch>>(
        adapter: &AdapterHandle,
        handler: H,
        irql: &Irql<L>,
    ) -> Result<Self> {
        let _ = irql;
        let mut inner = try_box(
            Inner {
                handle: core::ptr::null_mut(),
                state: AtomicU8::new(IDLE),
                handler,
            },
            irql,
        )?;
        // SAFETY: at most DISPATCH_LEVEL.
        inner.handle = unsafe { ndis::NdisAllocateIoWorkItem(adapter.as_raw()) };
        if inner.handle.is_null() {
            return Err(Status::RESOURCES);
        }
        Ok(Self {
            inner: NonNull::from(Box::leak(inner)),
        })
    }

    fn inner(&self) -> &Inner<H> {
        // SAFETY: freed only in `drop`.
        unsafe { self.inner.as_ref() }
    }

    /// NdisQueueIoWorkItem: `false` if it is queued or running already. The handler then runs once more, so that it
    /// always begins after the last call. At most DISPATCH_LEVEL.
    pub fn queue<L: AtMost<Dispatch>>(&self, irql: &Irql<L>) -> bool {
        let _ = irql;
        let inner = self.inner();
        // AcqRel: what the caller did before is seen by the run that this asks for, and nobody queues it twice.
        let asked = inner
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                Some(if state == IDLE { BUSY } else { AGAIN })
            });
        if asked != Ok(IDLE) {
            return false;
        }
        let context = self.inner.as_ptr().cast();
        // SAFETY: not queued; the context lives until the work is done, which `drop` waits for.
        unsafe { ndis::NdisQueueIoWorkItem(inner.handle, Some(run::<H>), context) };
        true
    }
}

impl<H: WorkHandler> Deref for WorkItem<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.inner().handler
    }
}

impl<H: WorkHandler> Drop for WorkItem<H> {
    fn drop(&mut self) {
        if !drop_level_at_most(PASSIVE_LEVEL) {
            return;
        }
        // Taken for good: nothing queues it any more.
        while self
            .inner()
            .state
            .compare_exchange(IDLE, BUSY, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            // SAFETY: PASSIVE_LEVEL, checked above.
            unsafe { ndis::NdisMSleep(100) };
        }
        // SAFETY: neither queued nor running.
        unsafe { ndis::NdisFreeIoWorkItem(self.inner().handle) };
        // SAFETY: the work item that pointed to it is gone; made from a box in `new`.
        drop(unsafe { Box::from_raw(self.inner.as_ptr()) });
    }
}

impl<H: WorkHandler> fmt::Debug for WorkItem<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkItem")
    }
}

unsafe extern "system" fn run<H: WorkHandler>(context: *mut c_void, _work_item: NDIS_HANDLE) {
    // SAFETY: the context given when it was queued, alive while `busy`.
    let inner = unsafe { &*context.cast::<Inner<H>>() };
    // SAFETY: work items run at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    loop {
        // Acquire: sees what was done before the last call of `queue`.
        inner.state.swap(BUSY, Ordering::Acquire);
        inner.handler.run(&mut irql);
        // The last access: after it `drop` may free the work item.
        let done = inner
            .state
            .compare_exchange(BUSY, IDLE, Ordering::Release, Ordering::Relaxed);
        if done.is_ok() {
            break;
        }
    }
}
