// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `initialize` is given. PASSIVE_LEVEL.
//!
//! The order of MiniportInitializeEx is in the types: what needs registration attributes takes the
//! [`AdapterHandle`] of [`Registered`], which only [`Init::register`] gives (contract I-01).

use core::cell::Cell;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::adapter::AdapterHandle;
use crate::attributes::{GeneralAttributes, RegistrationAttributes, no_power_management};
use crate::config::Configuration;
use crate::ffi::*;
use crate::irql::{Irql, Passive};
use crate::resources::ResourceList;
use crate::status::{Result, Status};
use crate::sys::ndis;

/// How far an initialisation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Progress {
    Started,
    Registered,
    General,
}

/// An adapter being initialised, before its registration attributes are set.
#[derive(Debug)]
pub struct Init<'a> {
    pub(crate) handle: NDIS_HANDLE,
    pub(crate) context: NDIS_HANDLE,
    pub(crate) parameters: Option<&'a NDIS_MINIPORT_INIT_PARAMETERS>,
    pub(crate) progress: &'a Cell<Progress>,
    pub(crate) version: u32,
}

impl<'a> Init<'a> {
    /// NdisOpenConfigurationEx on the adapter's keywords. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// What NDIS says.
    pub fn configuration<'i>(&self, irql: &'i Irql<Passive>) -> Result<Configuration<'i>> {
        Configuration::open(self.handle, irql)
    }

    /// The resources that the adapter was given. PASSIVE_LEVEL.
    #[must_use]
    pub fn resources(&self) -> ResourceList<'a> {
        let list = self
            .parameters
            .map_or(core::ptr::null_mut(), |p| p.AllocatedResources);
        // SAFETY: NDIS' list, valid during initialisation, which `'a` ends with.
        unsafe { ResourceList::new(list) }
    }

    /// The NDIS version the driver was registered with, as `major << 16 | minor`: 0x00060055 for 6.85. PASSIVE_LEVEL.
    #[must_use]
    pub fn ndis_version(&self) -> u32 {
        self.version
    }

    /// The context that `add_device` made, if the driver has PnP handlers.
    pub(crate) fn device(&self) -> Option<NonNull<c_void>> {
        NonNull::new(self.parameters?.MiniportAddDeviceContext)
    }

    /// NdisMSetMiniportAttributes with the registration attributes, first of all (contract I-01). PASSIVE_LEVEL.
    ///
    /// # Errors
    /// What NDIS says.
    pub fn register(
        self,
        attributes: &RegistrationAttributes,
        irql: &Irql<Passive>,
    ) -> Result<Registered<'a>> {
        let mut raw = attributes.to_raw(self.context);
        set(self.handle, &mut raw, irql)?;
        self.progress.set(Progress::Registered);
        // SAFETY: the handle of the adapter that NDIS is initialising.
        let adapter = unsafe { AdapterHandle::new(self.handle) };
        Ok(Registered {
            init: self,
            adapter,
        })
    }
}

/// NdisMSetMiniportAttributes.
fn set(
    handle: NDIS_HANDLE,
    attributes: &mut NDIS_MINIPORT_ADAPTER_ATTRIBUTES,
    irql: &Irql<Passive>,
) -> Result<()> {
    let _ = irql;
    // SAFETY: PASSIVE_LEVEL, the adapter's handle, attributes complete and valid for the call.
    Status(unsafe { ndis::NdisMSetMiniportAttributes(handle, attributes) }).ok()
}

/// An adapter being initialised, with its registration attributes set.
#[derive(Debug)]
pub struct Registered<'a> {
    init: Init<'a>,
    adapter: AdapterHandle,
}

impl Registered<'_> {
    /// The handle for everything that follows. PASSIVE_LEVEL.
    #[must_use]
    pub fn adapter(&self) -> AdapterHandle {
        self.adapter
    }

    /// NdisMSetMiniportAttributes with the general attributes: before any other attributes, and mandatory (I-02).
    /// PASSIVE_LEVEL.
    ///
    /// # Errors
    /// What NDIS says.
    pub fn set_general(
        &self,
        attributes: &GeneralAttributes<'_>,
        irql: &Irql<Passive>,
    ) -> Result<()> {
        let power = no_power_management();
        let mut raw = attributes.to_raw(&power);
        set(self.init.handle, &mut raw, irql)?;
        self.init.progress.set(Progress::General);
        Ok(())
    }

    /// NdisMSetMiniportAttributes with task offloads: what is on at the start, and what the hardware can do.
    /// PASSIVE_LEVEL.
    ///
    /// # Errors
    /// [`Status::NOT_ACCEPTED`] before the general attributes; else what NDIS says.
    pub fn set_offload(
        &self,
        initial: &NDIS_OFFLOAD,
        capabilities: &NDIS_OFFLOAD,
        irql: &Irql<Passive>,
    ) -> Result<()> {
        if self.init.progress.get() < Progress::General {
            return Err(Status::NOT_ACCEPTED);
        }
        let mut raw = NDIS_MINIPORT_ADAPTER_ATTRIBUTES::zeroed();
        raw.OffloadAttributes = NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES,
                Revision: NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1,
                Size: NDIS_SIZEOF_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1,
            },
            DefaultOffloadConfiguration: (&raw const *initial).cast_mut(),
            HardwareOffloadCapabilities: (&raw const *capabilities).cast_mut(),
            DefaultTcpConnectionOffloadConfiguration: core::ptr::null_mut(),
            TcpConnectionOffloadHardwareCapabilities: core::ptr::null_mut(),
        };
        set(self.init.handle, &mut raw, irql)
    }
}

impl<'a> Deref for Registered<'a> {
    type Target = Init<'a>;

    fn deref(&self) -> &Init<'a> {
        &self.init
    }
}
