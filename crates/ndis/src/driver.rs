// SPDX-License-Identifier: MIT OR Apache-2.0
//! Registering the driver, and the trampolines between NDIS and [`Miniport`]. PASSIVE_LEVEL unless a callback says
//! otherwise.
//!
//! Each trampoline is generic over the driver, makes the token that NDIS promises for the callback (contract §2.3), and
//! hands over. Drivers are built with `panic = "abort"`, so no panic passes through one.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::callbacks as cb;
use crate::ffi::*;
use crate::irql::{Irql, Passive};
use crate::miniport::Miniport;
use crate::status::{Result, Status};
use crate::sys::ndis;

/// Where a driver keeps its registration between DriverEntry and unload. [`driver_entry!`](crate::driver_entry)
/// declares the one it needs.
#[derive(Debug)]
pub struct DriverCell {
    registration: AtomicPtr<c_void>,
}

impl DriverCell {
    /// Empty. Any IRQL.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            registration: AtomicPtr::new(null_mut()),
        }
    }

    fn put(&self, registration: DriverRegistration) {
        let registration = core::mem::ManuallyDrop::new(registration);
        self.registration
            .store(registration.handle, Ordering::Release);
    }

    pub(crate) fn take(&self) -> Option<DriverRegistration> {
        let handle = self.registration.swap(null_mut(), Ordering::AcqRel);
        (!handle.is_null()).then(|| DriverRegistration { handle })
    }
}

impl Default for DriverCell {
    fn default() -> Self {
        Self::new()
    }
}

/// A driver with its cell. Implemented by [`driver_entry!`](crate::driver_entry).
pub trait DriverRoot: Miniport {
    /// The one cell of this driver.
    fn cell() -> &'static DriverCell;
}

/// A miniport driver registered with NDIS; deregistered when dropped.
#[derive(Debug)]
pub struct DriverRegistration {
    handle: NDIS_HANDLE,
}

/// The version to register with: the newest that both know. Any IRQL.
///
/// # Errors
/// [`Status::BAD_VERSION`] if this NDIS is older than the driver's oldest.
pub fn negotiate(system: u32, oldest: u32, newest: u32) -> Result<u32> {
    let version = system.min(newest);
    if version < oldest {
        Err(Status::BAD_VERSION)
    } else {
        Ok(version)
    }
}

/// Revision and size of the driver characteristics for an NDIS version (contract L-03). Any IRQL.
#[must_use]
pub fn characteristics_revision(version: u32) -> (u8, u16) {
    if version >= NDIS_RUNTIME_VERSION_680 {
        (
            NDIS_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_3,
            NDIS_SIZEOF_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_3,
        )
    } else if version >= NDIS_RUNTIME_VERSION_61 {
        (
            NDIS_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2,
            NDIS_SIZEOF_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_2,
        )
    } else {
        (
            NDIS_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_1,
            NDIS_SIZEOF_MINIPORT_DRIVER_CHARACTERISTICS_REVISION_1,
        )
    }
}

/// The characteristics of `M` for an NDIS version: every mandatory handler (contract L-02).
pub(crate) fn characteristics<M: DriverRoot>(version: u32) -> NDIS_MINIPORT_DRIVER_CHARACTERISTICS {
    let (revision, size) = characteristics_revision(version);
    let mut raw = NDIS_MINIPORT_DRIVER_CHARACTERISTICS::zeroed();
    raw.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS,
        Revision: revision,
        Size: size,
    };
    raw.MajorNdisVersion = (version >> 16) as u8;
    raw.MinorNdisVersion = version as u8;
    raw.MajorDriverVersion = M::MAJOR_VERSION;
    raw.MinorDriverVersion = M::MINOR_VERSION;
    raw.SetOptionsHandler = Some(cb::set_options::<M>);
    raw.InitializeHandlerEx = Some(cb::initialize::<M>);
    raw.HaltHandlerEx = Some(cb::halt::<M>);
    raw.UnloadHandler = Some(cb::unload::<M>);
    raw.PauseHandler = Some(cb::pause::<M>);
    raw.RestartHandler = Some(cb::restart::<M>);
    raw.OidRequestHandler = Some(cb::oid_request::<M>);
    raw.SendNetBufferListsHandler = Some(cb::send::<M>);
    raw.ReturnNetBufferListsHandler = Some(cb::return_nbls::<M>);
    raw.CancelSendHandler = Some(cb::cancel_send::<M>);
    if M::CHECKS_FOR_HANG {
        raw.CheckForHangHandlerEx = Some(cb::check_for_hang::<M>);
    }
    raw.ResetHandlerEx = Some(cb::reset::<M>);
    raw.DevicePnPEventNotifyHandler = Some(cb::pnp_event::<M>);
    raw.ShutdownHandlerEx = Some(cb::shutdown::<M>);
    raw.CancelOidRequestHandler = Some(cb::cancel_oid_request::<M>);
    raw
}

impl DriverRegistration {
    /// NdisMRegisterMiniportDriver with the newest version that NDIS and the driver both know.
    ///
    /// # Errors
    /// [`Status::BAD_VERSION`] if NDIS is too old; else what NDIS says.
    ///
    /// # Safety
    /// Called from DriverEntry with its arguments.
    unsafe fn register<M: DriverRoot>(
        driver: *mut DRIVER_OBJECT,
        path: *mut UNICODE_STRING,
        irql: &Irql<Passive>,
    ) -> Result<Self> {
        let _ = irql;
        // SAFETY: no arguments, at most DISPATCH_LEVEL.
        let system = unsafe { ndis::NdisGetVersion() };
        let version = negotiate(system, M::OLDEST_NDIS, M::NEWEST_NDIS)?;
        let mut raw = characteristics::<M>(version);
        #[cfg(feature = "raw")]
        crate::raw::registering_driver(&mut raw);
        let mut handle = null_mut();
        // The version travels as the driver context; there is nothing else the callbacks need of the driver.
        let context = core::ptr::without_provenance_mut(version as usize);
        // SAFETY: DriverEntry's arguments; characteristics and handle are valid for the call, which copies them.
        let status = unsafe {
            ndis::NdisMRegisterMiniportDriver(driver, path, context, &raw mut raw, &raw mut handle)
        };
        Status(status).ok()?;
        Ok(Self { handle })
    }
}

impl Drop for DriverRegistration {
    fn drop(&mut self) {
        // SAFETY: registered, deregistered once; dropped in DriverEntry or unload, at PASSIVE_LEVEL (L-06).
        unsafe { ndis::NdisMDeregisterMiniportDriver(self.handle) };
    }
}

/// What DriverEntry does. Use [`driver_entry!`](crate::driver_entry).
///
/// # Safety
/// Called once by the kernel as, or from, DriverEntry, with its arguments, at PASSIVE_LEVEL.
#[doc(hidden)]
pub unsafe fn enter<M: DriverRoot>(
    driver: *mut DRIVER_OBJECT,
    path: *mut UNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: DriverEntry runs at PASSIVE_LEVEL.
    let irql = unsafe { Irql::assume() };
    // SAFETY: the caller's promise.
    match unsafe { DriverRegistration::register::<M>(driver, path, &irql) } {
        Ok(registration) => {
            M::cell().put(registration);
            NDIS_STATUS_SUCCESS
        }
        Err(status) => status.0,
    }
}

/// Exports `DriverEntry` for a [`Miniport`](crate::miniport::Miniport), and its unload.
///
/// `driver_entry!(Type)` registers the driver and nothing else. `driver_entry!(Type, before = function)` calls
/// `function(&mut Irql<Passive>) -> Result<()>` first.
#[macro_export]
macro_rules! driver_entry {
    ($miniport:ty) => {
        $crate::driver_entry!($miniport, before = |_| Ok(()));
    };
    ($miniport:ty, before = $before:expr) => {
        const _: () = {
            static CELL: $crate::driver::DriverCell = $crate::driver::DriverCell::new();

            impl $crate::driver::DriverRoot for $miniport {
                fn cell() -> &'static $crate::driver::DriverCell {
                    &CELL
                }
            }

            /// The entry point of the driver image.
            ///
            /// # Safety
            /// For the kernel alone.
            #[unsafe(export_name = "DriverEntry")]
            pub unsafe extern "system" fn driver_entry(
                driver: *mut $crate::ffi::DRIVER_OBJECT,
                path: *mut $crate::ffi::UNICODE_STRING,
            ) -> $crate::ffi::NTSTATUS {
                // SAFETY: the kernel calls this once, at PASSIVE_LEVEL, with these arguments.
                let before = unsafe { $crate::driver::before($before) };
                if let Err(status) = before {
                    return status.0;
                }
                // SAFETY: as above.
                unsafe { $crate::driver::enter::<$miniport>(driver, path) }
            }
        };
    };
}

/// Runs what a driver wants done before registration. Use [`driver_entry!`](crate::driver_entry).
///
/// # Safety
/// Called in DriverEntry, at PASSIVE_LEVEL.
///
/// # Errors
/// What `body` says.
#[doc(hidden)]
pub unsafe fn before(body: impl FnOnce(&mut Irql<Passive>) -> Result<()>) -> Result<()> {
    // SAFETY: the caller's promise.
    let mut irql = unsafe { Irql::assume() };
    body(&mut irql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version() {
        let (oldest, newest) = (NDIS_RUNTIME_VERSION_684, NDIS_RUNTIME_VERSION_687);
        assert_eq!(negotiate(0x6_0054, oldest, newest), Ok(0x6_0054));
        assert_eq!(negotiate(0x6_0056, oldest, newest), Ok(0x6_0056));
        assert_eq!(negotiate(0x6_0060, oldest, newest), Ok(0x6_0057));
        assert_eq!(
            negotiate(0x6_0053, oldest, newest),
            Err(Status::BAD_VERSION)
        );
        assert_eq!(characteristics_revision(0x6_0054), (3, 160));
        assert_eq!(characteristics_revision(NDIS_RUNTIME_VERSION_630), (2, 152));
        assert_eq!(characteristics_revision(NDIS_RUNTIME_VERSION_60), (1, 136));
    }
}
