// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Interrupt`]: one registration, owned.

use alloc::boxed::Box;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::{Grant, LineHandlers, MessageInfoTable, MiniportInterruptCharacteristics};
use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{AtMost, Dirql, Dispatch, Irql, Passive, drop_level_at_most};
use crate::mem::try_box;
use crate::status::{Result, Status};
use crate::sys::{ndis, nt};

/// Stands for "not granted yet" in [`Registration::messages`].
const NO_GRANT: u32 = u32::MAX;

/// What NDIS' interrupt context points to: the handlers, and what `queue_dpc` and `synchronize` need.
pub(crate) struct Registration<H> {
    /// Written by NDIS during the registration call; null before (contract X-09).
    handle: AtomicPtr<c_void>,
    /// Messages granted, 0 for a line, [`NO_GRANT`] until the registration call returned.
    messages: AtomicU32,
    pub(crate) handlers: H,
}

impl<H> Registration<H> {
    pub(super) fn interrupt(&self) -> InterruptRef<'_> {
        InterruptRef {
            handle: &self.handle,
            messages: &self.messages,
        }
    }
}

/// Processors of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupAffinity {
    /// Processor group.
    pub group: u16,
    /// One bit per processor of the group.
    pub mask: u64,
}

/// A registered interrupt as its handlers see it.
#[derive(Clone, Copy)]
pub struct InterruptRef<'a> {
    pub(crate) handle: &'a AtomicPtr<c_void>,
    messages: &'a AtomicU32,
}

impl InterruptRef<'_> {
    /// The handle and whether `message` exists; `None` before NDIS gave a handle or for a wrong message.
    fn checked(self, message: u32) -> Option<NDIS_HANDLE> {
        let handle = self.handle.load(Ordering::Acquire);
        // The table is known once the registration call has returned; until then a message that the caller was itself
        // called for is the only one it can name, and that exists.
        let most = self.messages.load(Ordering::Acquire).max(1);
        (!handle.is_null() && message < most).then_some(handle)
    }

    /// NdisMQueueDpcEx: queues the DPC of `message` (0 for a line) on processors of one group. Any IRQL.
    ///
    /// Returns the mask of processors on which a DPC was newly queued. A missing bit means that one was queued already
    /// and will see the new work: no reason to try again. 0 also if the interrupt has no handle yet, or no such
    /// message.
    pub fn queue_dpc(self, message: u32, processors: GroupAffinity) -> u64 {
        let Some(handle) = self.checked(message) else {
            return 0;
        };
        let mut affinity = GROUP_AFFINITY {
            Mask: processors.mask,
            Group: processors.group,
            Reserved: [0; 3],
        };
        // SAFETY: a live handle, an existing message; `affinity` is valid for the call; no context to keep alive.
        unsafe { ndis::NdisMQueueDpcEx(handle, message, &raw mut affinity, null_mut()) }
    }

    /// Queues the DPC of `message` again on the current processor: how a DPC continues when its budget is spent.
    /// DISPATCH_LEVEL, where the processor cannot change.
    ///
    /// `false` if the interrupt has no handle yet, or no such message. A DPC that was queued already is as good
    /// as a new one.
    #[must_use = "without a handle somebody else must run the DPC again"]
    pub fn requeue_here(self, message: u32, irql: &Irql<Dispatch>) -> bool {
        let _ = irql;
        if self.checked(message).is_none() {
            return false;
        }
        let mut processor = PROCESSOR_NUMBER::zeroed();
        // SAFETY: any IRQL; `processor` is valid for the call.
        unsafe { nt::KeGetCurrentProcessorNumberEx(&raw mut processor) };
        let here = GroupAffinity {
            group: processor.Group,
            mask: 1 << (processor.Number & 63),
        };
        self.queue_dpc(message, here);
        true
    }

    /// Queues the DPC of `message` on one processor: how an ISR places its DPC. Any IRQL.
    ///
    /// `false` if the interrupt has no handle yet, or no such message: ask for the DPC by the ISR's result. A DPC
    /// that was queued there already is as good as a new one.
    #[must_use = "without a handle the ISR's result must ask for the DPC"]
    pub fn queue_dpc_on(self, message: u32, group: u16, number: u8) -> bool {
        if self.checked(message).is_none() {
            return false;
        }
        let there = GroupAffinity {
            group,
            mask: 1 << (number & 63),
        };
        self.queue_dpc(message, there);
        true
    }

    /// NdisMSynchronizeWithInterruptEx: runs `body` at DIRQL, excluding the ISR of `message` (ignored for a line).
    ///
    /// Not from an ISR or another `body` of the same lock: the token bound sees to that. `body` must be very
    /// short and may not take spin locks.
    ///
    /// # Errors
    /// [`Status::INVALID_PARAMETER`] for a message that does not exist, or before the registration is complete.
    pub fn synchronize<R, L: AtMost<Dispatch>>(
        self,
        message: u32,
        irql: &mut Irql<L>,
        body: impl FnOnce(&mut Irql<Dirql>) -> R,
    ) -> Result<R> {
        struct Call<F, R> {
            body: Option<F>,
            result: Option<R>,
        }

        unsafe extern "system" fn run<F: FnOnce(&mut Irql<Dirql>) -> R, R>(
            context: NDIS_HANDLE,
        ) -> BOOLEAN {
            // SAFETY: the context is the `Call` on the stack of `synchronize`, which waits for this routine.
            let call = unsafe { &mut *context.cast::<Call<F, R>>() };
            // SAFETY: NDIS runs this routine at DIRQL with the interrupt lock held.
            let mut irql = unsafe { Irql::assume() };
            if let Some(body) = call.body.take() {
                call.result = Some(body(&mut irql));
            }
            TRUE
        }

        fn routine<F: FnOnce(&mut Irql<Dirql>) -> R, R>(
            _: &Call<F, R>,
        ) -> MINIPORT_SYNCHRONIZE_INTERRUPT {
            run::<F, R>
        }

        let _ = irql;
        let handle = self.checked(message).ok_or(Status::INVALID_PARAMETER)?;
        let mut call = Call {
            body: Some(body),
            result: None,
        };
        let routine = Some(routine(&call));
        let context = (&raw mut call).cast();
        // SAFETY: a live handle and an existing message, at most DISPATCH_LEVEL; `call` outlives the call.
        unsafe { ndis::NdisMSynchronizeWithInterruptEx(handle, message, routine, context) };
        call.result.ok_or(Status::FAILURE)
    }
}

impl fmt::Debug for InterruptRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InterruptRef").field(self.handle).finish()
    }
}

/// A registered interrupt with its handlers. Derefs to the handlers.
///
/// Deregistered by [`deregister`](Self::deregister), or by dropping it at PASSIVE_LEVEL; the device must be masked
/// before. The handlers are dropped when NDIS has let go of them. Dropped above PASSIVE_LEVEL it stays
/// registered and its memory is kept for ever: nothing dangles, and NDIS reports the registration at halt.
pub struct Interrupt<H: LineHandlers> {
    pub(crate) registration: NonNull<Registration<H>>,
    kind: NDIS_INTERRUPT_TYPE,
    table: Option<NonNull<IO_INTERRUPT_MESSAGE_INFO>>,
}

// SAFETY: the handlers are `Send + Sync`, the handle may be used on every processor.
unsafe impl<H: LineHandlers> Send for Interrupt<H> {}
// SAFETY: as above; the table is read-only.
unsafe impl<H: LineHandlers> Sync for Interrupt<H> {}

impl<H: LineHandlers> Interrupt<H> {
    /// NdisMRegisterInterruptEx. PASSIVE_LEVEL, in `initialize`, when the handlers can already run.
    ///
    /// # Errors
    /// What NDIS says; [`Status::RESOURCES`] without memory; [`Status::FAILURE`] if NDIS granted neither a line nor
    /// messages with a table.
    pub fn register(
        adapter: &AdapterHandle,
        handlers: H,
        characteristics: MiniportInterruptCharacteristics<H>,
        irql: &Irql<Passive>,
    ) -> Result<Self> {
        let registration = try_box(
            Registration {
                handle: AtomicPtr::new(null_mut()),
                messages: AtomicU32::new(NO_GRANT),
                handlers,
            },
            irql,
        )?;
        let registration = NonNull::from(Box::leak(registration));
        // SAFETY: just made from a box; only shared access from here on, because the ISR may run at any time.
        let shared = unsafe { registration.as_ref() };
        // NDIS may keep writing to its copy of the characteristics only during the call; give it one of its own.
        let mut raw = *characteristics.as_raw();
        #[cfg(feature = "raw")]
        crate::raw::registering(&mut raw);
        // SAFETY: PASSIVE_LEVEL by the token; context, characteristics and handle cell are valid for the call, the
        // context until deregistration.
        let status = Status(unsafe {
            ndis::NdisMRegisterInterruptEx(
                adapter.as_raw(),
                registration.as_ptr().cast(),
                &raw mut raw,
                shared.handle.as_ptr(),
            )
        });
        if let Err(status) = status.ok() {
            // SAFETY: NDIS did not keep the context; made from a box above.
            drop(unsafe { Box::from_raw(registration.as_ptr()) });
            return Err(status);
        }
        let this = Self {
            registration,
            kind: raw.InterruptType,
            table: NonNull::new(raw.MessageInfoTable),
        };
        let messages = match this.kind {
            NDIS_CONNECT_LINE_BASED => Some(0),
            NDIS_CONNECT_MESSAGE_BASED => this.messages().map(MessageInfoTable::len),
            _ => None,
        };
        match messages {
            Some(messages) => {
                shared.messages.store(messages, Ordering::Release);
                Ok(this)
            }
            None => {
                this.deregister(irql);
                Err(Status::FAILURE)
            }
        }
    }

    fn messages(&self) -> Option<MessageInfoTable<'_>> {
        // SAFETY: NDIS' table, read-only and valid until deregistration, which takes `self`.
        self.table
            .map(|table| unsafe { MessageInfoTable::new(table) })
    }

    fn shared(&self) -> &Registration<H> {
        // SAFETY: freed only by `release`, which consumes `self`.
        unsafe { self.registration.as_ref() }
    }

    /// What NDIS granted. Must be looked at when messages were offered. Any IRQL.
    #[must_use]
    pub fn grant(&self) -> Grant<'_> {
        match self.messages() {
            Some(table) if self.kind == NDIS_CONNECT_MESSAGE_BASED => Grant::Messages(table),
            _ => Grant::Line,
        }
    }

    /// The registration as handlers see it, for [`queue_dpc`](InterruptRef::queue_dpc) and
    /// [`synchronize`](InterruptRef::synchronize). Any IRQL.
    #[must_use]
    pub fn interrupt_ref(&self) -> InterruptRef<'_> {
        self.shared().interrupt()
    }

    /// See [`InterruptRef::queue_dpc`]. Any IRQL.
    pub fn queue_dpc(&self, message: u32, processors: GroupAffinity) -> u64 {
        self.interrupt_ref().queue_dpc(message, processors)
    }

    /// See [`InterruptRef::synchronize`]. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// [`Status::INVALID_PARAMETER`] for a message that does not exist.
    pub fn synchronize<R, L: AtMost<Dispatch>>(
        &self,
        message: u32,
        irql: &mut Irql<L>,
        body: impl FnOnce(&mut Irql<Dirql>) -> R,
    ) -> Result<R> {
        self.interrupt_ref().synchronize(message, irql, body)
    }

    /// NdisMDeregisterInterruptEx, then drops the handlers. PASSIVE_LEVEL, in `halt` or a failing `initialize`, device
    /// masked. Returns when no ISR or DPC runs any more: hold nothing that a DPC waits for.
    pub fn deregister(self, irql: &Irql<Passive>) {
        let _ = irql;
        ManuallyDrop::new(self).release();
    }

    /// # IRQL
    /// PASSIVE_LEVEL, once.
    fn release(&mut self) {
        let handle = self.shared().handle.load(Ordering::Acquire);
        // SAFETY: PASSIVE_LEVEL by the callers; a handle from a successful registration, deregistered once.
        unsafe { ndis::NdisMDeregisterInterruptEx(handle) };
        // SAFETY: NDIS has let go of the context; made from a box in `register`.
        drop(unsafe { Box::from_raw(self.registration.as_ptr()) });
    }
}

impl<H: LineHandlers> Deref for Interrupt<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.shared().handlers
    }
}

impl<H: LineHandlers> Drop for Interrupt<H> {
    fn drop(&mut self) {
        if drop_level_at_most(PASSIVE_LEVEL) {
            self.release();
        }
    }
}

impl<H: LineHandlers> fmt::Debug for Interrupt<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt")
            .field("grant", &self.grant())
            .finish()
    }
}
