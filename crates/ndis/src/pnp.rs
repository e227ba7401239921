// SPDX-License-Identifier: MIT OR Apache-2.0
//! Optional PnP handlers: add and remove device, filter resource requirements. PASSIVE_LEVEL.

use alloc::boxed::Box;
use core::any::TypeId;
use core::fmt;
use core::num::NonZeroU64;
use core::ptr::NonNull;

use crate::adapter::AdapterHandle;
use crate::config::Configuration;
use crate::ffi::*;
use crate::init::Init;
use crate::irql::{Irql, Passive};
use crate::mem::try_box;
use crate::requirements;
use crate::status::{Result, Status};
use crate::sys::inline::IoGetCurrentIrpStackLocation;
use crate::sys::{ndis, nt};

/// The PnP side of a miniport: exists from add to remove, across any number of initialisations (contract X-114).
pub trait PnpHandlers: 'static {
    /// One device.
    type Device: Send + Sync + 'static;

    /// MiniportAddDevice. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// Any error code; the device is not added.
    fn add_device(device: &AddDevice<'_>, irql: &mut Irql<Passive>) -> Result<Self::Device>;

    /// MiniportRemoveDevice. PASSIVE_LEVEL.
    fn remove_device(device: Self::Device, irql: &mut Irql<Passive>) {
        let _ = (device, irql);
    }

    /// MiniportFilterResourceRequirements. PASSIVE_LEVEL, several times.
    ///
    /// # Errors
    /// NDIS then uses the bus driver's list.
    fn filter_resource_requirements(
        device: &Self::Device,
        requirements: &mut ResourceRequirements<'_>,
        irql: &mut Irql<Passive>,
    ) -> Result<()>;
}

/// `NDIS_MINIPORT_PNP_CHARACTERISTICS` for a set of handlers.
#[derive(Clone, Copy)]
pub struct PnpCharacteristics {
    add: MINIPORT_ADD_DEVICE,
    remove: MINIPORT_REMOVE_DEVICE,
    filter: MINIPORT_FILTER_RESOURCE_REQUIREMENTS,
    start: MINIPORT_START_DEVICE,
}

impl PnpCharacteristics {
    /// The characteristics of `P`. Any IRQL.
    #[must_use]
    pub const fn of<P: PnpHandlers>() -> Self {
        Self {
            add: add_device::<P>,
            remove: remove_device::<P>,
            filter: filter::<P>,
            start: start_device,
        }
    }

    pub(crate) fn to_raw(self) -> NDIS_MINIPORT_PNP_CHARACTERISTICS {
        NDIS_MINIPORT_PNP_CHARACTERISTICS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_MINIPORT_PNP_CHARACTERISTICS,
                Revision: NDIS_MINIPORT_PNP_CHARACTERISTICS_REVISION_1,
                Size: NDIS_SIZEOF_MINIPORT_PNP_CHARACTERISTICS_REVISION_1,
            },
            MiniportAddDeviceHandler: Some(self.add),
            MiniportRemoveDeviceHandler: Some(self.remove),
            MiniportFilterResourceRequirementsHandler: Some(self.filter),
            MiniportStartDeviceHandler: Some(self.start),
            Flags: 0,
        }
    }
}

impl fmt::Debug for PnpCharacteristics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PnpCharacteristics")
    }
}

/// What `MiniportAddDeviceContext` points to: a device, and whose it is.
#[repr(C)]
struct Added<D> {
    /// Of the `PnpHandlers`; first, so that it can be read before the rest is known.
    handlers: TypeId,
    device: D,
}

impl<'a> Init<'a> {
    /// The device that `P::add_device` made; `None` if the driver did not register `P`. PASSIVE_LEVEL.
    #[must_use]
    pub fn pnp_device<P: PnpHandlers>(&self) -> Option<&'a P::Device> {
        let context = self.device()?;
        // SAFETY: the context that some `add_device` set with the attributes; all begin with this member.
        if unsafe { context.cast::<TypeId>().read() } != TypeId::of::<P>() {
            return None;
        }
        // SAFETY: made by `add_device::<P>`; lives until it is removed.
        Some(unsafe { &context.cast::<Added<P::Device>>().as_ref().device })
    }
}

/// The device that is being added.
#[derive(Debug)]
pub struct AddDevice<'a> {
    handle: NDIS_HANDLE,
    call: core::marker::PhantomData<&'a ()>,
}

impl AddDevice<'_> {
    /// NdisOpenConfigurationEx on the adapter's keywords. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// What NDIS says.
    pub fn configuration<'i>(&self, irql: &'i Irql<Passive>) -> Result<Configuration<'i>> {
        Configuration::open(self.handle, irql)
    }
}

/// The resource requirements of a device, while they are filtered.
#[derive(Debug)]
pub struct ResourceRequirements<'a> {
    /// The list with everything that its size member counts; empty without a list.
    bytes: &'a mut [u8],
}

impl ResourceRequirements<'_> {
    /// Number of message-interrupt requirements, in the alternative that has most. PASSIVE_LEVEL.
    #[must_use]
    pub fn message_interrupts(&self) -> usize {
        requirements::messages(self.bytes)
    }

    /// Leaves the line as the only interrupt: the only way to force line-based interrupts. Message
    /// requirements go, and with them the alternatives that have no line. Returns how many messages went.
    /// PASSIVE_LEVEL.
    ///
    /// # Errors
    /// [`Status::FAILURE`] if the list has no line, or is not well-formed; it is unchanged then.
    pub fn force_line(&mut self) -> Result<usize> {
        requirements::force_line(self.bytes).ok_or(Status::FAILURE)
    }

    /// Removes the message requirements beyond the first `most` of each alternative. Returns how many went.
    /// PASSIVE_LEVEL.
    ///
    /// # Errors
    /// [`Status::FAILURE`] if the list is not well-formed; it is unchanged then.
    pub fn limit_message_interrupts(&mut self, most: usize) -> Result<usize> {
        requirements::limit_messages(self.bytes, most).ok_or(Status::FAILURE)
    }

    /// Asks for the processors of messages: `wanted` is called with a message's number and how many messages its
    /// alternative has, and answers a mask of active processors of group 0, or nothing for a message that may go
    /// anywhere. A policy that the registry chose stays. Returns how many messages were given a mask. PASSIVE_LEVEL.
    ///
    /// # Errors
    /// [`Status::FAILURE`] if the list is not well-formed; it is unchanged then.
    pub fn target_message_interrupts(
        &mut self,
        wanted: impl Fn(usize, usize) -> Option<NonZeroU64>,
    ) -> Result<usize> {
        requirements::target_messages(self.bytes, wanted).ok_or(Status::FAILURE)
    }
}

/// KeQueryActiveProcessorCountEx: active processors of a group, which are numbered from 0. Any IRQL.
#[must_use]
pub fn active_processors(group: u16) -> u32 {
    // SAFETY: any IRQL; no pointers.
    unsafe { nt::KeQueryActiveProcessorCountEx(group) }
}

unsafe extern "system" fn add_device<P: PnpHandlers>(
    handle: NDIS_HANDLE,
    _context: NDIS_HANDLE,
) -> NDIS_STATUS {
    // SAFETY: MiniportAddDevice runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    let adding = AddDevice {
        handle,
        call: core::marker::PhantomData,
    };
    let added = P::add_device(&adding, &mut irql).and_then(|device| {
        try_box(
            Added {
                handlers: TypeId::of::<P>(),
                device,
            },
            &irql,
        )
    });
    let device = match added {
        Ok(device) => NonNull::from(Box::leak(device)),
        Err(status) => return status.0,
    };
    let mut raw = NDIS_MINIPORT_ADAPTER_ATTRIBUTES::zeroed();
    raw.AddDeviceRegistrationAttributes = NDIS_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES {
        Header: NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES,
            Revision: NDIS_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES_REVISION_1,
            Size: NDIS_SIZEOF_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES_REVISION_1,
        },
        MiniportAddDeviceContext: device.as_ptr().cast(),
        Flags: 0,
    };
    // SAFETY: the handle of the device being added.
    let adapter = unsafe { AdapterHandle::new(handle) };
    // SAFETY: PASSIVE_LEVEL; the attributes are valid for the call.
    let status =
        Status(unsafe { ndis::NdisMSetMiniportAttributes(adapter.as_raw(), &raw mut raw) });
    if !status.is_success() {
        // SAFETY: NDIS did not take the context; made from a box above.
        drop(unsafe { Box::from_raw(device.as_ptr()) });
    }
    status.0
}

unsafe extern "system" fn remove_device<P: PnpHandlers>(context: NDIS_HANDLE) {
    if context.is_null() {
        return;
    }
    // SAFETY: MiniportRemoveDevice runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    // SAFETY: the context of `add_device`, removed once.
    let added = unsafe { Box::from_raw(context.cast::<Added<P::Device>>()) };
    P::remove_device(added.device, &mut irql);
}

unsafe extern "system" fn filter<P: PnpHandlers>(
    context: NDIS_HANDLE,
    irp: *mut IRP,
) -> NDIS_STATUS {
    let added = NonNull::new(context.cast::<Added<P::Device>>());
    let (Some(added), Some(irp)) = (added, NonNull::new(irp)) else {
        return NDIS_STATUS_FAILURE;
    };
    // The list is the one that another filter left in the IRP, or the bus driver's.
    // SAFETY: NDIS' IRP, valid for the call.
    let mut list = unsafe { (*irp.as_ptr()).IoStatus.Information } as usize
        as *mut IO_RESOURCE_REQUIREMENTS_LIST;
    if list.is_null() {
        // SAFETY: as above.
        let stack = unsafe { IoGetCurrentIrpStackLocation(irp.as_ptr()) };
        // SAFETY: the current stack location, valid with its IRP.
        let parameters = unsafe { (*stack).Parameters };
        // SAFETY: plain data; the IRP is a filter-resource-requirements one.
        list = unsafe { parameters.FilterResourceRequirements }.IoResourceRequirementList;
    }
    // SAFETY: null or a valid list.
    let size = unsafe { list.as_ref() }.map_or(0, requirements::size);
    let bytes: &mut [u8] = if size == 0 {
        &mut []
    } else {
        // SAFETY: a valid list has as many bytes as it says, and is changed by one driver at a time.
        unsafe { core::slice::from_raw_parts_mut(list.cast(), size) }
    };
    let mut requirements = ResourceRequirements { bytes };
    // SAFETY: MiniportFilterResourceRequirements runs at PASSIVE_LEVEL.
    let mut irql = unsafe { Irql::assume() };
    // SAFETY: the context of `add_device`, alive until it is removed.
    let device = unsafe { &added.as_ref().device };
    Status::from(P::filter_resource_requirements(
        device,
        &mut requirements,
        &mut irql,
    ))
    .0
}

unsafe extern "system" fn start_device(_context: NDIS_HANDLE, _irp: *mut IRP) -> NDIS_STATUS {
    NDIS_STATUS_SUCCESS
}
