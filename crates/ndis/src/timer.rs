// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Timer`]: an NDIS timer object with its handler. The handler runs at DISPATCH_LEVEL.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, Passive, drop_level_at_most};
use crate::mem::try_box;
use crate::status::{Result, Status};
use crate::sys::{ndis, nt};

/// NetTimerCallback.
pub trait TimerHandler: Send + Sync + 'static {
    /// The time has come. DISPATCH_LEVEL. `timer` can be set again from here, until it is being dropped.
    fn fire(&self, timer: TimerRef<'_>, irql: &mut Irql<Dispatch>);
}

struct Inner<H> {
    timer: Core,
    handler: H,
}

struct Core {
    handle: AtomicPtr<c_void>,
    /// No `set` any more (contract K-05).
    stopping: AtomicBool,
}

/// A timer as its handler sees it.
#[derive(Clone, Copy)]
pub struct TimerRef<'a> {
    core: &'a Core,
}

impl TimerRef<'_> {
    /// NdisSetTimerObject: fires once, `milliseconds` from now, and then every `period` milliseconds if that is not 0.
    /// Setting it again replaces the time. At most DISPATCH_LEVEL. `false` if the timer is being dropped.
    pub fn set<L: AtMost<Dispatch>>(self, milliseconds: u32, period: u32, irql: &Irql<L>) -> bool {
        let _ = irql;
        let core = self.core;
        // SeqCst: a callback that begins after `drop` has flushed the first time sees this.
        if core.stopping.load(Ordering::SeqCst) {
            return false;
        }
        // Negative: relative to now, in units of 100 ns.
        let due = LARGE_INTEGER::new(-10_000 * i64::from(milliseconds));
        let period = i32::try_from(period).unwrap_or(i32::MAX);
        let handle = core.handle.load(Ordering::Relaxed);
        // SAFETY: a live timer object; at most DISPATCH_LEVEL.
        unsafe { ndis::NdisSetTimerObject(handle, due, period, null_mut()) };
        true
    }

    /// NdisCancelTimerObject: `true` if it was set and will not fire now. At most DISPATCH_LEVEL; a periodic timer at
    /// PASSIVE_LEVEL only, which [`Timer::cancel`] asks for.
    fn cancel_raw(self) -> bool {
        let handle = self.core.handle.load(Ordering::Relaxed);
        // SAFETY: a live timer object; the callers see to the IRQL.
        unsafe { ndis::NdisCancelTimerObject(handle) != 0 }
    }
}

impl fmt::Debug for TimerRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimerRef")
    }
}

/// A timer with its handler; derefs to the handler. Dropped at PASSIVE_LEVEL: cancelled, or waited for (H-05, K-06).
/// Dropped above, it is cancelled if possible and its memory kept for ever.
pub struct Timer<H: TimerHandler> {
    inner: NonNull<Inner<H>>,
}

// SAFETY: the handler is `Send + Sync`, the timer object may be used on any processor.
unsafe impl<H: TimerHandler> Send for Timer<H> {}
// SAFETY: as above.
unsafe impl<H: TimerHandler> Sync for Timer<H> {}

impl<H: TimerHandler> Timer<H> {
    /// NdisAllocateTimerObject. At most DISPATCH_LEVEL. `tag` is the pool tag.
    ///
    /// # Errors
    /// [`Status::RESOURCES`], or what NDIS says.
    pub fn new<L: AtMost<Dispatch>>(
        adapter: &AdapterHandle,
        handler: H,
        tag: u32,
        irql: &Irql<L>,
    ) -> Result<Self> {
        let _ = irql;
        let inner = try_box(
            Inner {
                timer: Core {
                    handle: AtomicPtr::new(null_mut()),
                    stopping: AtomicBool::new(false),
                },
                handler,
            },
            irql,
        )?;
        let mut handle = null_mut();
        let mut characteristics = NDIS_TIMER_CHARACTERISTICS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS,
                Revision: NDIS_TIMER_CHARACTERISTICS_REVISION_1,
                Size: NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1,
            },
            AllocationTag: tag,
            TimerFunction: Some(fire::<H>),
            FunctionContext: (&raw const *inner).cast_mut().cast(),
        };
        // SAFETY: at most DISPATCH_LEVEL; both pointers are valid for the call, the context as long as the timer.
        Status(unsafe {
            ndis::NdisAllocateTimerObject(
                adapter.as_raw(),
                &raw mut characteristics,
                &raw mut handle,
            )
        })
        .ok()?;
        inner.timer.handle.store(handle, Ordering::Relaxed);
        Ok(Self {
            inner: NonNull::from(Box::leak(inner)),
        })
    }

    fn inner(&self) -> &Inner<H> {
        // SAFETY: freed only in `drop`.
        unsafe { self.inner.as_ref() }
    }

    /// The timer, for setting it. Any IRQL.
    #[must_use]
    pub fn timer(&self) -> TimerRef<'_> {
        TimerRef {
            core: &self.inner().timer,
        }
    }

    /// See [`TimerRef::set`]. At most DISPATCH_LEVEL.
    pub fn set<L: AtMost<Dispatch>>(&self, milliseconds: u32, period: u32, irql: &Irql<L>) -> bool {
        self.timer().set(milliseconds, period, irql)
    }

    /// NdisCancelTimerObject: `true` if it was set and will not fire now. A callback may still be running. PASSIVE_LEVEL,
    /// which a periodic timer needs.
    pub fn cancel(&self, irql: &Irql<Passive>) -> bool {
        let _ = irql;
        self.timer().cancel_raw()
    }
}

impl<H: TimerHandler> Deref for Timer<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.inner().handler
    }
}

impl<H: TimerHandler> Drop for Timer<H> {
    fn drop(&mut self) {
        let core = &self.inner().timer;
        core.stopping.store(true, Ordering::SeqCst);
        let passive = drop_level_at_most(PASSIVE_LEVEL);
        if !passive {
            return;
        }
        // Twice: a callback that was running the first time may have set the timer once more; later ones see `stopping`.
        for _ in 0..2 {
            self.timer().cancel_raw();
            // A callback that was due still comes, and is waited for.
            // SAFETY: PASSIVE_LEVEL, checked above.
            unsafe { nt::KeFlushQueuedDpcs() };
        }
        // SAFETY: not set, and no callback will come.
        unsafe { ndis::NdisFreeTimerObject(core.handle.load(Ordering::Relaxed)) };
        // SAFETY: the timer that pointed to it is gone; made from a box in `new`.
        drop(unsafe { Box::from_raw(self.inner.as_ptr()) });
    }
}

impl<H: TimerHandler> fmt::Debug for Timer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}

unsafe extern "system" fn fire<H: TimerHandler>(
    _system1: *mut c_void,
    context: *mut c_void,
    _system2: *mut c_void,
    _system3: *mut c_void,
) {
    // SAFETY: the context given with the characteristics, alive until `drop` has flushed the DPCs.
    let inner = unsafe { &*context.cast::<Inner<H>>() };
    let core = &inner.timer;
    if !core.stopping.load(Ordering::SeqCst) {
        // SAFETY: NDIS calls timer functions at DISPATCH_LEVEL.
        let mut irql = unsafe { Irql::assume() };
        inner.handler.fire(TimerRef { core }, &mut irql);
    }
}
