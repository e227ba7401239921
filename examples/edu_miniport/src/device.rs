// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device's registers and its interrupt handlers. Any IRQL.

use ndis::interrupt::*;
use ndis::io::IoSpace;
use ndis::irql::{Dirql, Dispatch, Irql};
use ndis::mem::Shared;

use crate::adapter::Core;

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

/// The handlers of the one interrupt, line or message.
pub struct Handlers(pub Shared<Core>);

/// What the driver registers.
pub const CHARACTERISTICS: MiniportInterruptCharacteristics<Handlers> =
    MiniportInterruptCharacteristics::messages(MessageSync::PerMessage);

impl LineHandlers for Handlers {
    fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        if self.0.registers.acknowledge() {
            IsrResult::claimed_with_dpc()
        } else {
            IsrResult::NOT_MINE
        }
    }

    fn dpc(&self, _: InterruptRef<'_>, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
        self.0.indicate(throttle, irql);
    }

    // The device raises interrupts only when asked: there is no mask.
    fn disable(&self, _: &mut Irql<Dirql>) {}

    fn enable(&self, _: &mut Irql<Dirql>) {}
}

impl MessageHandlers for Handlers {
    fn message_isr(&self, _: u32, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        self.0.registers.acknowledge();
        IsrResult::claimed_with_dpc()
    }

    fn message_dpc(
        &self,
        _: u32,
        _: InterruptRef<'_>,
        throttle: &mut Throttle,
        irql: &mut Irql<Dispatch>,
    ) {
        self.0.indicate(throttle, irql);
    }

    fn disable_message(&self, _: u32, _: &mut Irql<Dirql>) {}

    fn enable_message(&self, _: u32, _: &mut Irql<Dirql>) {}
}
