// SPDX-License-Identifier: MIT OR Apache-2.0
//! Adding the device, and its resource requirements. PASSIVE_LEVEL.

use core::num::NonZeroU64;

use ndis::irql::{Irql, Passive};
use ndis::pnp::{AddDevice, PnpHandlers, ResourceRequirements};
use ndis::status::Result;

use crate::choice::{self, is};
use crate::table::*;

/// A processor that no test has.
const NOBODY: Option<NonZeroU64> = NonZeroU64::new(1 << 63);

/// The PnP side.
pub struct Devices;

impl PnpHandlers for Devices {
    /// The fault.
    type Device = u32;

    fn add_device(device: &AddDevice<'_>, irql: &mut Irql<Passive>) -> Result<u32> {
        choice::choose(device.configuration(irql)?.u32(choice::KEYWORD));
        Ok(choice::chosen())
    }

    fn filter_resource_requirements(
        _: &u32,
        requirements: &mut ResourceRequirements<'_>,
        _: &mut Irql<Passive>,
    ) -> Result<()> {
        if is(TARGETS_NOBODY) {
            requirements.target_message_interrupts(|_, _| NOBODY)?;
        }
        Ok(())
    }
}
