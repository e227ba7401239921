// SPDX-License-Identifier: MIT OR Apache-2.0
//! The handlers of the interrupt, in place of the example's.

use ndis::interrupt::*;
use ndis::irql::{Dirql, Dispatch, Irql};
use ndis::mem::Shared;

use crate::adapter::Core;
use crate::choice::is;
use crate::fault;
use crate::table::*;

/// The handlers of the one interrupt, line or message.
pub struct Handlers(pub Shared<Core>);

/// What the driver registers.
pub const CHARACTERISTICS: MiniportInterruptCharacteristics<Handlers> =
    MiniportInterruptCharacteristics::messages(MessageSync::PerMessage);

impl LineHandlers for Handlers {
    fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        if self.0.registers.acknowledge() || is(LINE_ISR_CLAIMS_ALL) {
            IsrResult::claimed_with_dpc()
        } else {
            IsrResult::NOT_MINE
        }
    }

    fn dpc(&self, _: InterruptRef<'_>, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
        fault::indicate(&self.0, throttle, irql);
    }

    // The device interrupts only when asked: there is no mask.
    fn disable(&self, _: &mut Irql<Dirql>) {}

    fn enable(&self, _: &mut Irql<Dirql>) {}
}

impl MessageHandlers for Handlers {
    fn message_isr(&self, _: u32, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        self.0.registers.acknowledge();
        fault::in_isr(&self.0);
        IsrResult {
            // Reaches NDIS by the crate's feature `raw`.
            claimed: !is(MESSAGE_ISR_FALSE),
            queue_dpc: true,
        }
    }

    fn message_dpc(
        &self,
        _: u32,
        _: InterruptRef<'_>,
        throttle: &mut Throttle,
        irql: &mut Irql<Dispatch>,
    ) {
        fault::indicate(&self.0, throttle, irql);
    }

    fn disable_message(&self, _: u32, _: &mut Irql<Dirql>) {}

    fn enable_message(&self, _: u32, _: &mut Irql<Dirql>) {}
}
