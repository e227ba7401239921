// SPDX-License-Identifier: MIT OR Apache-2.0
//! `planted_e1000e.sys`: a small miniport for the 82574L, with one message or the line, that is right, but for one
//! breach of the interrupt contract that the registry keyword `PlantedFault` chooses. It tests the checked host's
//! interrupt cases: [`table`] says which case and which rule must show each number.
//!
//! It shares no code with the driver of this repository and is written the way a driver in C is, on the raw layers of
//! the crate `ndis`: its safe layer does not let most of these faults be written.
#![no_std]

extern crate alloc;

mod adapter;
mod data;
mod interrupt;
mod oid;
mod receive;
mod send;
mod table;

use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use ndis::driver::{characteristics_revision, negotiate};
use ndis::ffi::*;
use ndis::sys::ndis as sys;

/// Pool memory for `alloc` (nonpaged pool).
#[cfg(windows)]
#[global_allocator]
static ALLOCATOR: wdk_alloc::WdkAllocator = wdk_alloc::WdkAllocator;

#[cfg(windows)]
use wdk_panic as _;

/// The registration.
static DRIVER: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
/// The chosen fault.
static FAULT: AtomicU32 = AtomicU32::new(table::NONE);

/// This fault is planted.
fn is(number: u32) -> bool {
    FAULT.load(Ordering::Relaxed) == number
}

/// The header of a structure.
const fn header(kind: u8, revision: u8, size: u16) -> NDIS_OBJECT_HEADER {
    NDIS_OBJECT_HEADER {
        Type: kind,
        Revision: revision,
        Size: size,
    }
}

/// The entry point of the driver image.
///
/// # Safety
/// For the kernel alone.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "system" fn driver_entry(
    driver: *mut DRIVER_OBJECT,
    path: *mut UNICODE_STRING,
) -> NTSTATUS {
    let Ok(version) = negotiate(
        sys::NdisGetVersion(),
        NDIS_RUNTIME_VERSION_684,
        NDIS_RUNTIME_VERSION_687,
    ) else {
        return NDIS_STATUS_BAD_VERSION;
    };
    let (revision, size) = characteristics_revision(version);
    let mut raw = NDIS_MINIPORT_DRIVER_CHARACTERISTICS::zeroed();
    raw.Header = header(
        NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS,
        revision,
        size,
    );
    raw.MajorNdisVersion = (version >> 16) as u8;
    raw.MinorNdisVersion = version as u8;
    raw.MajorDriverVersion = 1;
    raw.InitializeHandlerEx = Some(adapter::initialize);
    raw.HaltHandlerEx = Some(adapter::halt);
    raw.UnloadHandler = Some(unload);
    raw.PauseHandler = Some(adapter::pause);
    raw.RestartHandler = Some(adapter::restart);
    raw.OidRequestHandler = Some(oid::request);
    raw.SendNetBufferListsHandler = Some(send::send);
    raw.ReturnNetBufferListsHandler = Some(receive::return_nbls);
    raw.CancelSendHandler = Some(cancel);
    raw.DevicePnPEventNotifyHandler = Some(adapter::pnp_event);
    raw.ShutdownHandlerEx = Some(adapter::shutdown);
    raw.CancelOidRequestHandler = Some(cancel);
    let mut handle = null_mut();
    let status =
        sys::NdisMRegisterMiniportDriver(driver, path, null_mut(), &raw mut raw, &raw mut handle);
    DRIVER.store(handle, Ordering::Release);
    status
}

unsafe extern "system" fn unload(_: *mut DRIVER_OBJECT) {
    sys::NdisMDeregisterMiniportDriver(DRIVER.load(Ordering::Acquire));
}

/// What is sent is with the hardware at once or soon, and OID requests are complete when their handler has returned.
unsafe extern "system" fn cancel(_: NDIS_HANDLE, _: *mut c_void) {}
