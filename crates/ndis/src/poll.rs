// SPDX-License-Identifier: MIT OR Apache-2.0
//! The poll model of NDIS 6.85, found at run time.
//!
//! A static import of these functions would keep the driver from loading on an older Windows, so they are resolved with
//! NdisGetRoutineAddress; see its page and that of NdisRegisterPoll.

use core::ptr::NonNull;

use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, Passive};
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

    /// NdisRegisterPoll with these handlers. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// What NDIS says.
    ///
    /// # Safety
    /// `adapter` is a live adapter handle; `context` and the handlers stay valid until the poll is deregistered.
    pub unsafe fn register(
        self,
        adapter: NDIS_HANDLE,
        context: *mut c_void,
        poll: NDIS_POLL,
        set_notification: NDIS_SET_POLL_NOTIFICATION,
        irql: &Irql<Passive>,
    ) -> Result<PollHandle> {
        let _ = irql;
        let characteristics = NDIS_POLL_CHARACTERISTICS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_DEFAULT,
                Revision: NDIS_POLL_CHARACTERISTICS_REVISION_1,
                Size: NDIS_SIZEOF_NDIS_POLL_CHARACTERISTICS_REVISION_1,
            },
            SetPollNotificationHandler: Some(set_notification),
            PollHandler: Some(poll),
        };
        let mut handle = core::ptr::null_mut();
        // SAFETY: PASSIVE_LEVEL, and the caller's promise; characteristics and handle are valid for the call.
        Status(unsafe {
            (self.register)(
                adapter,
                context,
                &raw const characteristics,
                &raw mut handle,
            )
        })
        .ok()?;
        Ok(PollHandle {
            functions: self,
            handle,
        })
    }
}

/// A registered poll. [`deregister`](Self::deregister) it.
#[derive(Debug)]
#[must_use = "a poll stays registered until it is deregistered"]
pub struct PollHandle {
    functions: PollFunctions,
    handle: NDIS_HANDLE,
}

// SAFETY: NDIS takes the handle on any processor.
unsafe impl Send for PollHandle {}
// SAFETY: as above.
unsafe impl Sync for PollHandle {}

impl PollHandle {
    /// NdisRequestPoll: have the poll handler called soon. Any IRQL.
    pub fn request(&self) {
        // SAFETY: registered; any IRQL; the second parameter is reserved.
        unsafe { (self.functions.request)(self.handle, core::ptr::null_mut()) };
    }

    /// NdisSetPollAffinity: the processor to poll on. At most DISPATCH_LEVEL.
    pub fn set_affinity<L: AtMost<Dispatch>>(&self, group: u16, number: u8, irql: &Irql<L>) {
        let _ = irql;
        let processor = PROCESSOR_NUMBER {
            Group: group,
            Number: number,
            Reserved: 0,
        };
        // SAFETY: registered; the processor number is valid for the call.
        unsafe { (self.functions.set_affinity)(self.handle, &raw const processor) };
    }

    /// NdisDeregisterPoll: returns when the handlers run no more. PASSIVE_LEVEL.
    pub fn deregister(self, irql: &Irql<Passive>) {
        let _ = irql;
        // SAFETY: registered, deregistered once; PASSIVE_LEVEL.
        unsafe { (self.functions.deregister)(self.handle) };
    }
}
