// SPDX-License-Identifier: MIT OR Apache-2.0
//! The poll model of NDIS 6.85, found at run time.
//!
//! A static import of these functions would keep the driver from loading on an older Windows, so they are resolved with
//! NdisGetRoutineAddress. Follows the pages of NdisRegisterPoll, NdisPoll, NdisSetPollNotification, NdisRequestPoll,
//! NdisSetPollAffinity and NdisDeregisterPoll, and of the structures they use.
//!
//! NDIS serialises the two callbacks of one object. It calls the poll handler again and again while that makes progress,
//! and then "notification on": only there may the device's interrupt be opened. Frames go up, and sends come back,
//! through the chains of [`PollData`], within the limits that it gives.

use core::cell::UnsafeCell;
use core::fmt;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::adapter::AdapterHandle;
use crate::claim::Claim;
use crate::ffi::*;
use crate::irql::{AtMost, AtMostDispatch, Dispatch, Irql, Passive};
use crate::mem::try_box;
use crate::nbl::{ReceiveChain, SendChain};
use crate::status::{Result, Status};
use crate::sys::ndis::NdisGetRoutineAddress;

type Register = unsafe extern "system" fn(
    NDIS_HANDLE,
    *mut c_void,
    *const NDIS_POLL_CHARACTERISTICS,
    *mut NDIS_HANDLE,
) -> NDIS_STATUS;
type OnHandle = unsafe extern "system" fn(NDIS_HANDLE);
type Request = unsafe extern "system" fn(NDIS_HANDLE, *mut c_void);
type SetAffinity = unsafe extern "system" fn(NDIS_HANDLE, *const PROCESSOR_NUMBER);

/// The four functions of the poll model, as this Windows has them.
#[derive(Clone, Copy, Debug)]
pub struct PollFunctions {
    register: Register,
    deregister: OnHandle,
    request: Request,
    set_affinity: SetAffinity,
}

/// The address of an export of ndis.sys.
fn routine(name: &str, irql: &Irql<Passive>) -> Option<NonNull<c_void>> {
    let _ = irql;
    let mut text = [0_u16; 32];
    let mut length = 0;
    for unit in name.encode_utf16() {
        *text.get_mut(length)? = unit;
        length += 1;
    }
    let bytes = (length * 2) as u16;
    let mut string = UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: text.as_mut_ptr(),
    };
    // SAFETY: PASSIVE_LEVEL; the name is valid for the call.
    NonNull::new(unsafe { NdisGetRoutineAddress(&raw mut string) })
}

impl PollFunctions {
    /// NdisRequestPoll with any handle, for tests of a host. Any IRQL.
    ///
    /// # Safety
    /// A registered object's handle; or the host is one that checks.
    #[cfg(feature = "raw")]
    pub unsafe fn request_raw(self, handle: NDIS_HANDLE) {
        // SAFETY: the caller's promise.
        unsafe { (self.request)(handle, null_mut()) };
    }

    /// Looks the functions up; `None` before NDIS 6.85. PASSIVE_LEVEL.
    #[must_use]
    pub fn find(irql: &Irql<Passive>) -> Option<Self> {
        let register = routine("NdisRegisterPoll", irql)?.as_ptr();
        let deregister = routine("NdisDeregisterPoll", irql)?.as_ptr();
        let request = routine("NdisRequestPoll", irql)?.as_ptr();
        let set_affinity = routine("NdisSetPollAffinity", irql)?.as_ptr();
        Some(Self {
            // SAFETY: NDIS' export of this name has this signature.
            register: unsafe { core::mem::transmute::<*mut c_void, Register>(register) },
            // SAFETY: as above.
            deregister: unsafe { core::mem::transmute::<*mut c_void, OnHandle>(deregister) },
            // SAFETY: as above.
            request: unsafe { core::mem::transmute::<*mut c_void, Request>(request) },
            // SAFETY: as above.
            set_affinity: unsafe { core::mem::transmute::<*mut c_void, SetAffinity>(set_affinity) },
        })
    }
}

/// The two callbacks of a poll object. NDIS never runs them at the same time.
pub trait PollHandler: Send + Sync + 'static {
    /// NdisPoll: indicate and complete within the limits. Interrupts stay off. PASSIVE_LEVEL or DISPATCH_LEVEL.
    fn poll(&self, data: &mut PollData<'_>, irql: &mut Irql<AtMostDispatch>);

    /// NdisSetPollNotification: turns the interrupt of the object on or off. PASSIVE_LEVEL or DISPATCH_LEVEL.
    fn set_notification(&self, enabled: bool, irql: &mut Irql<AtMostDispatch>);
}

/// NDIS_POLL_DATA: the limits of one poll, and what it delivers.
#[derive(Debug)]
pub struct PollData<'a>(&'a mut NDIS_POLL_DATA);

impl<'a> PollData<'a> {
    /// The data of a poll that has delivered nothing yet, whatever NDIS left in its members.
    fn new(data: &'a mut NDIS_POLL_DATA) -> Self {
        data.Receive.IndicatedNblChain = null_mut();
        data.Receive.NumberOfIndicatedNbls = 0;
        data.Receive.NumberOfRemainingNbls = 0;
        data.Transmit.CompletedNblChain = null_mut();
        data.Transmit.NumberOfCompletedNbls = 0;
        data.Transmit.NumberOfRemainingNbls = 0;
        Self(data)
    }

    /// NBLs that may be indicated; `u32::MAX` without a limit. Any IRQL.
    #[must_use]
    pub fn receive_limit(&self) -> u32 {
        self.0.Receive.MaxNblsToIndicate
    }

    /// NBLs that may be completed; `u32::MAX` without a limit. Any IRQL.
    #[must_use]
    pub fn transmit_limit(&self) -> u32 {
        self.0.Transmit.MaxNblsToComplete
    }

    /// Gives `chain` to NDIS, behind what this poll gave it before: received frames, which come back through
    /// `return_nbls`. `more`: some are left for the next poll. PASSIVE_LEVEL or DISPATCH_LEVEL, as the poll.
    pub fn indicate(&mut self, chain: ReceiveChain, more: bool) {
        let data = &mut self.0.Receive;
        let (head, count) = chain.into_parts();
        // SAFETY: both chains are the poll's: NDIS takes them when it returns.
        unsafe { link(&mut data.IndicatedNblChain, head) };
        data.NumberOfIndicatedNbls += count;
        data.NumberOfRemainingNbls = remaining(more);
    }

    /// Gives `chain` back to NDIS, behind what this poll gave it before: sends that are done, each with its status. NDIS
    /// has them when it calls this object the next time. `more`: some are left for the next poll. PASSIVE_LEVEL or
    /// DISPATCH_LEVEL, as the poll.
    pub fn complete(&mut self, chain: SendChain, more: bool) {
        let data = &mut self.0.Transmit;
        let (head, count) = chain.into_parts();
        // SAFETY: both chains are the poll's: NDIS takes them when it returns.
        unsafe { link(&mut data.CompletedNblChain, head) };
        data.NumberOfCompletedNbls += count;
        data.NumberOfRemainingNbls = remaining(more);
    }
}

/// Puts a chain behind another one.
///
/// # Safety
/// Both are null or NULL-terminated chains that nobody else uses.
unsafe fn link(chain: &mut *mut NET_BUFFER_LIST, more: *mut NET_BUFFER_LIST) {
    // SAFETY: the caller's promise.
    let Some(mut last) = (unsafe { chain.as_mut() }) else {
        *chain = more;
        return;
    };
    // SAFETY: as above.
    while let Some(next) = unsafe { last.next().as_mut() } {
        last = next;
    }
    last.set_next(more);
}

/// NumberOfRemainingNbls: an unknown number stands for "some".
const fn remaining(more: bool) -> u32 {
    if more { NDIS_ANY_NUMBER_OF_NBLS } else { 0 }
}

unsafe extern "system" fn poll<H: PollHandler>(context: *mut c_void, data: *mut NDIS_POLL_DATA) {
    // SAFETY: the context given at registration, which lives until the object is deregistered.
    let handler = unsafe { context.cast::<H>().as_ref() };
    // SAFETY: valid and NDIS' for the call.
    let data = unsafe { data.as_mut() };
    if let (Some(handler), Some(data)) = (handler, data) {
        // SAFETY: NdisPoll runs at most at DISPATCH_LEVEL.
        let mut irql = unsafe { Irql::assume() };
        handler.poll(&mut PollData::new(data), &mut irql);
    }
}

unsafe extern "system" fn set_notification<H: PollHandler>(
    context: *mut c_void,
    notification: *mut NDIS_POLL_NOTIFICATION,
) {
    // SAFETY: as for `poll`.
    let handler = unsafe { context.cast::<H>().as_ref() };
    // SAFETY: as for `poll`.
    let notification = unsafe { notification.as_ref() };
    if let (Some(handler), Some(notification)) = (handler, notification) {
        // SAFETY: NdisSetPollNotification runs at most at DISPATCH_LEVEL.
        let mut irql = unsafe { Irql::assume() };
        handler.set_notification(notification.Enabled != FALSE, &mut irql);
    }
}

/// What a registered object owns.
struct Owned<H> {
    functions: PollFunctions,
    /// From a box; NDIS' context.
    handler: NonNull<H>,
}

// SAFETY: a box of a `Send + Sync` handler.
unsafe impl<H: PollHandler> Send for Owned<H> {}

/// Place for one poll object. It can be asked for a poll at any IRQL, also while the object comes or goes.
///
/// Dropped with an object in it, the object stays registered and its handler is kept for ever: nothing dangles, and NDIS
/// reports it at halt.
///
/// On a cache line of its own: the ISRs of different vectors ask at the same time.
#[repr(align(64))]
pub struct PollSlot<H: PollHandler> {
    /// Written by NDIS in the registration call; null without an object.
    handle: AtomicPtr<c_void>,
    /// Calls with the handle that have not returned: deregistration waits for them.
    users: AtomicU32,
    /// Valid while `handle` is set; written before.
    functions: UnsafeCell<Option<PollFunctions>>,
    owned: Claim<Option<Owned<H>>>,
}

// SAFETY: `functions` is written once, before the handle that leads to it, under `owned`'s claim.
unsafe impl<H: PollHandler> Sync for PollSlot<H> {}

impl<H: PollHandler> fmt::Debug for PollSlot<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PollSlot").field(&self.handle).finish()
    }
}

impl<H: PollHandler> Default for PollSlot<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: PollHandler> PollSlot<H> {
    /// Without an object. Any IRQL.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            handle: AtomicPtr::new(null_mut()),
            users: AtomicU32::new(0),
            functions: UnsafeCell::new(None),
            owned: Claim::new(None),
        }
    }

    /// NdisRegisterPoll, in `initialize`; once for each slot. NDIS may call the handler from the moment this is entered.
    /// PASSIVE_LEVEL.
    ///
    /// # Errors
    /// What NDIS says; [`Status::RESOURCES`] without memory; [`Status::FAILURE`] if the slot had an object before.
    pub fn register(
        &self,
        functions: PollFunctions,
        adapter: &AdapterHandle,
        handler: H,
        irql: &Irql<Passive>,
    ) -> Result<()> {
        let _ = irql;
        let mut owned = self.owned.try_claim().ok_or(Status::FAILURE)?;
        // SAFETY: written under the claim only, which is held; whoever else reads it has seen a handle.
        let place = unsafe { &mut *self.functions.get() };
        if place.is_some() {
            return Err(Status::FAILURE);
        }
        let handler = NonNull::from(alloc::boxed::Box::leak(try_box(handler, irql)?));
        *place = Some(functions);
        let characteristics = NDIS_POLL_CHARACTERISTICS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_DEFAULT,
                Revision: NDIS_POLL_CHARACTERISTICS_REVISION_1,
                Size: NDIS_SIZEOF_NDIS_POLL_CHARACTERISTICS_REVISION_1,
            },
            SetPollNotificationHandler: Some(set_notification::<H>),
            PollHandler: Some(poll::<H>),
        };
        // SAFETY: PASSIVE_LEVEL by the token; characteristics and handle cell are valid for the call, the context until
        // the object is deregistered.
        let status = Status(unsafe {
            (functions.register)(
                adapter.as_raw(),
                handler.as_ptr().cast(),
                &raw const characteristics,
                self.handle.as_ptr(),
            )
        });
        if let Err(status) = status.ok() {
            self.handle.store(null_mut(), Ordering::SeqCst);
            // SAFETY: NDIS did not keep the context; made from a box above.
            drop(unsafe { alloc::boxed::Box::from_raw(handler.as_ptr()) });
            return Err(status);
        }
        *owned = Some(Owned { functions, handler });
        Ok(())
    }

    /// Calls `body` with the object, while it cannot go away. `false` without an object.
    #[inline]
    fn with(&self, body: impl FnOnce(&PollFunctions, NDIS_HANDLE)) -> bool {
        // SeqCst: "I am here, is it?" against `deregister`'s "it is gone, is anybody here?": one of the two sees the
        // other.
        self.users.fetch_add(1, Ordering::SeqCst);
        let handle = self.handle.load(Ordering::SeqCst);
        let there = !handle.is_null();
        if there {
            // SAFETY: written before the handle, and never again.
            let functions = unsafe { &*self.functions.get() };
            if let Some(functions) = functions {
                body(functions, handle);
            }
        }
        // Release: the call happens before the object goes.
        self.users.fetch_sub(1, Ordering::Release);
        there
    }

    /// NdisRequestPoll: has the poll handler called soon. `false` without an object. Any IRQL.
    #[inline]
    pub fn request(&self) -> bool {
        self.with(|functions, handle| {
            // SAFETY: registered; any IRQL; the second parameter is reserved.
            unsafe { (functions.request)(handle, null_mut()) };
        })
    }

    /// The handle; null without an object. Any IRQL.
    #[cfg(feature = "raw")]
    #[must_use]
    pub fn as_raw(&self) -> NDIS_HANDLE {
        self.handle.load(Ordering::SeqCst)
    }

    /// NdisSetPollAffinity: the processor to poll on. `false` without an object. At most DISPATCH_LEVEL.
    pub fn set_affinity<L: AtMost<Dispatch>>(
        &self,
        group: u16,
        number: u8,
        irql: &Irql<L>,
    ) -> bool {
        let _ = irql;
        let processor = PROCESSOR_NUMBER {
            Group: group,
            Number: number,
            Reserved: 0,
        };
        self.with(|functions, handle| {
            // SAFETY: registered; at most DISPATCH_LEVEL; the processor number is valid for the call.
            unsafe { (functions.set_affinity)(handle, &raw const processor) };
        })
    }

    /// NdisDeregisterPoll, in `halt` or a failing `initialize`, then drops the handler: NDIS has finished its callbacks.
    /// Nothing happens without an object. PASSIVE_LEVEL; hold nothing that the callbacks wait for.
    pub fn deregister(&self, irql: &Irql<Passive>) {
        let _ = irql;
        let Some(owned) = self.owned.try_claim().and_then(|mut owned| owned.take()) else {
            return;
        };
        let handle = self.handle.swap(null_mut(), Ordering::SeqCst);
        // SeqCst: see `with`. Who is inside is in one call into NDIS; this processor's own interrupts come through.
        while self.users.load(Ordering::SeqCst) != 0 {
            core::hint::spin_loop();
        }
        // SAFETY: registered, deregistered once; PASSIVE_LEVEL.
        unsafe { (owned.functions.deregister)(handle) };
        // SAFETY: no callback runs any more; made from a box in `register`.
        drop(unsafe { alloc::boxed::Box::from_raw(owned.handler.as_ptr()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr::without_provenance_mut;

    #[test]
    fn what_a_poll_gives_is_counted_and_in_order() {
        let mut nbls = [NET_BUFFER_LIST::zeroed(); 3];
        let mut raw = NDIS_POLL_DATA::zeroed();
        raw.Receive.IndicatedNblChain = without_provenance_mut(0xBAD0);
        raw.Transmit.CompletedNblChain = without_provenance_mut(0xBAD0);
        raw.Transmit.NumberOfCompletedNbls = 7;
        let [a, b, c] = nbls.each_mut().map(|nbl| &raw mut *nbl);
        // SAFETY: NBLs of this test.
        unsafe { (*a).set_next(b) };
        // SAFETY: as above.
        let sends = |head| unsafe { SendChain::from_ndis(head, AdapterHandle::TEST) };
        let mut data = PollData::new(&mut raw);
        data.indicate(ReceiveChain::new(), true);
        data.complete(sends(a), false);
        data.complete(sends(null_mut()), false);
        data.complete(sends(c), true);
        assert!(raw.Receive.IndicatedNblChain.is_null());
        assert_eq!(raw.Receive.NumberOfRemainingNbls, NDIS_ANY_NUMBER_OF_NBLS);
        let done = raw.Transmit;
        assert_eq!((done.CompletedNblChain, done.NumberOfCompletedNbls), (a, 3));
        assert_eq!(nbls.map(|nbl| nbl.next()), [b, c, null_mut()]);
    }
}
