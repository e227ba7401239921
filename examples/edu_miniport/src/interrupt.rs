// SPDX-License-Identifier: MIT OR Apache-2.0
//! The handlers of the interrupt.

use ndis::interrupt::*;
use ndis::irql::{Dirql, Dispatch, Irql};
use ndis::mem::Shared;

use crate::adapter::Core;

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
