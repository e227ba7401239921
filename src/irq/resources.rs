// SPDX-License-Identifier: MIT OR Apache-2.0
//! MiniportFilterResourceRequirements: which interrupts the driver asks for. NDIS glue of `irq`; PASSIVE_LEVEL.
//!
//! The bus driver's list is right as it stands: one requirement per message that the chip's MSI-X table and the
//! registry allow, with the affinity that the registry or Windows chose. So memory, ports and affinity are left alone
//! and only two things are ever taken out: messages beyond the five that the chip has causes for, and, with
//! the keyword `DisableMSI`, all of them. The latter is the only way to the line: a line registration fails while
//! message resources are in the list. When either cannot be done, NDIS goes on with the bus driver's list.

use super::VECTORS;
use crate::config::keywords::DISABLE_MSI;
use ndis::irql::{Irql, Passive};
use ndis::pnp::{AddDevice, PnpHandlers, ResourceRequirements};
use ndis::status::Result;

/// The PnP side of the driver. It exists from MiniportAddDevice to MiniportRemoveDevice, across any number of
/// initialisations.
#[derive(Debug)]
pub struct Devices;

/// One device: what its requirements depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    line_only: bool,
}

impl PnpHandlers for Devices {
    type Device = Device;

    fn add_device(device: &AddDevice<'_>, irql: &mut Irql<Passive>) -> Result<Device> {
        // I-10: without a configuration, the default.
        let raw = device
            .configuration(irql)
            .ok()
            .and_then(|config| config.u32(DISABLE_MSI.name));
        Ok(Device {
            line_only: DISABLE_MSI.accept(raw) == 1,
        })
    }

    fn filter_resource_requirements(
        device: &Device,
        requirements: &mut ResourceRequirements<'_>,
        _: &mut Irql<Passive>,
    ) -> Result<()> {
        if device.line_only {
            requirements.force_line()?;
        } else {
            requirements.limit_message_interrupts(VECTORS)?;
        }
        Ok(())
    }
}
