// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Event`]: an `NDIS_EVENT`.

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::fmt;

use crate::ffi::NDIS_EVENT;
use crate::irql::{AtMost, Dispatch, Irql, Passive};
use crate::mem::try_box;
use crate::status::Result;
use crate::sys::ndis;

/// An event that stays signalled until reset.
pub struct Event {
    /// The kernel links waiters into the event: its address may not change.
    event: Box<UnsafeCell<NDIS_EVENT>>,
}

// SAFETY: the kernel synchronises access to the event.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// NdisInitializeEvent: not signalled. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// [`RESOURCES`](crate::status::Status::RESOURCES).
    pub fn new<L: AtMost<Dispatch>>(irql: &Irql<L>) -> Result<Self> {
        let _ = irql;
        let event = try_box(UnsafeCell::new(NDIS_EVENT::zeroed()), irql)?;
        // SAFETY: memory for an event, at its final place.
        unsafe { ndis::NdisInitializeEvent(event.get()) };
        Ok(Self { event })
    }

    /// NdisSetEvent: wakes every waiter. At most DISPATCH_LEVEL.
    pub fn set<L: AtMost<Dispatch>>(&self, irql: &Irql<L>) {
        let _ = irql;
        // SAFETY: initialised; at most DISPATCH_LEVEL.
        unsafe { ndis::NdisSetEvent(self.event.get()) };
    }

    /// NdisResetEvent. At most DISPATCH_LEVEL.
    pub fn reset<L: AtMost<Dispatch>>(&self, irql: &Irql<L>) {
        let _ = irql;
        // SAFETY: initialised; at most DISPATCH_LEVEL.
        unsafe { ndis::NdisResetEvent(self.event.get()) };
    }

    /// NdisWaitEvent: `true` if it was set within `milliseconds`; 0 waits for ever. PASSIVE_LEVEL.
    pub fn wait(&self, milliseconds: u32, irql: &Irql<Passive>) -> bool {
        let _ = irql;
        // SAFETY: initialised; PASSIVE_LEVEL.
        unsafe { ndis::NdisWaitEvent(self.event.get(), milliseconds) != 0 }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event")
    }
}
