// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device's registers. Any IRQL.

use ndis::io::IoSpace;

/// Identification: 0xRRrr00ED.
const ID: u32 = 0x00;
/// Interrupt status: what was raised and not acknowledged.
const INTERRUPT_STATUS: u32 = 0x24;
/// Writing raises an interrupt with that status.
const INTERRUPT_RAISE: u32 = 0x60;
/// Writing clears these bits of the status.
const INTERRUPT_ACKNOWLEDGE: u32 = 0x64;

/// The interrupt of this driver: frames wait.
const FRAMES: u32 = 1;

/// The registers of BAR 0.
#[derive(Debug)]
pub struct Registers(IoSpace);

impl Registers {
    /// The registers of a device that answers as one.
    pub fn new(space: IoSpace) -> Option<Self> {
        (space.read32(ID) & 0xFF == 0xED).then(|| Self(space))
    }

    /// Asks for an interrupt.
    pub fn raise(&self) {
        self.0.write32(INTERRUPT_RAISE, FRAMES);
    }

    /// Acknowledges what is raised; `false` if nothing is, or the device is gone.
    pub fn acknowledge(&self) -> bool {
        let status = self.0.read32(INTERRUPT_STATUS);
        if status == 0 || status == u32::MAX {
            return false;
        }
        self.0.write32(INTERRUPT_ACKNOWLEDGE, status);
        true
    }
}
