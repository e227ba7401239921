// SPDX-License-Identifier: MIT OR Apache-2.0
//! The driver's one NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS, with all eight handlers: where a reader of this
//! driver looks first. NDIS glue of `irq`: each handler finds the adapter's core and calls the protocol in
//! [`vectors`](super::vectors), which knows no NDIS.
//!
//! | NDIS calls | at | we do |
//! |---|---|---|
//! | MiniportInterrupt | DIRQL | read ICR once, save, claim ours: [`Interrupts::isr_line`](super::Interrupts::isr_line) |
//! | MiniportMessageInterrupt | DIRQL | save "fired", no register: [`Interrupts::isr_message`](super::Interrupts::isr_message) |
//! | MiniportInterruptDPC, MiniportMessageInterruptDPC | DISPATCH | [`Core::dpc`]: scan the rings of the vector's roles |
//! | | | messages: the DPC on the RSS processor of the vector's queue, NdisMQueueDpcEx: [`Core::home`] |
//! | | | both: of a vector that NDIS polls, NdisRequestPoll and nothing else |
//! | MiniportDisable(Message)Interrupt | DIRQL | mask the vector, whatever a DPC does meanwhile (X-50, X-80) |
//! | MiniportEnable(Message)Interrupt | DIRQL | unmask and raise it, so that nothing is lost (X-82) |
//!
//! Everything here is right from the moment NdisMRegisterInterruptEx is entered: until
//! [`Interrupts::start`](super::Interrupts::start) every vector is offline and every handler a no-op.

use super::Isr;
use super::clock::cycles;
use crate::adapter::Core;
use ndis::interrupt::{
    InterruptRef, IsrResult, LineHandlers, MessageHandlers, MessageSync,
    MiniportInterruptCharacteristics, Throttle,
};
use ndis::irql::{Dirql, Dispatch, Irql};
use ndis::mem::Shared;

/// `MsiSupported` TRUE; `MsiSyncWithAllMessages` FALSE: each message has its own lock, no ISR waits for another one.
pub const CHARACTERISTICS: MiniportInterruptCharacteristics<Handlers> =
    MiniportInterruptCharacteristics::messages(MessageSync::PerMessage);

/// The MiniportInterruptContext: an owner of the adapter's core, so that what the handlers use outlives the
/// registration.
#[derive(Debug)]
pub struct Handlers(pub Shared<Core>);

impl Handlers {
    /// Notes how long an ISR took: for the record only.
    #[inline]
    fn took(&self, message: u32, begin: u64) {
        if let Some(record) = self.0.irq.record(message) {
            record.isr_took(cycles().wrapping_sub(begin));
        }
    }
}

impl From<Isr> for IsrResult {
    fn from(isr: Isr) -> Self {
        Self {
            claimed: isr.claimed,
            queue_dpc: isr.queue_dpc,
        }
    }
}

impl LineHandlers for Handlers {
    fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        let begin = cycles();
        let isr = self.0.irq.isr_line(&self.0.mmio);
        if isr.request_poll {
            self.0.request_poll(0);
        }
        self.took(0, begin);
        isr.into()
    }

    fn dpc(&self, interrupt: InterruptRef<'_>, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
        self.0.dpc(0, interrupt, throttle, irql);
    }

    fn disable(&self, _: &mut Irql<Dirql>) {
        self.0.irq.disable(&self.0.mmio, 0);
    }

    fn enable(&self, _: &mut Irql<Dirql>) {
        self.0.irq.enable(&self.0.mmio, 0);
    }
}

impl MessageHandlers for Handlers {
    fn message_isr(
        &self,
        message: u32,
        interrupt: InterruptRef<'_>,
        _: &mut Irql<Dirql>,
    ) -> IsrResult {
        let begin = cycles();
        let isr = self.0.irq.isr_message(message);
        if isr.request_poll {
            self.0.request_poll(message);
        }
        // The DPC runs where RSS wants the queue's frames, wherever the message went.
        let placed = isr.queue_dpc
            && self
                .0
                .home(message)
                .is_some_and(|(group, number)| interrupt.queue_dpc_on(message, group, number));
        self.took(message, begin);
        IsrResult {
            queue_dpc: isr.queue_dpc && !placed,
            ..isr.into()
        }
    }

    fn message_dpc(
        &self,
        message: u32,
        interrupt: InterruptRef<'_>,
        throttle: &mut Throttle,
        irql: &mut Irql<Dispatch>,
    ) {
        self.0.dpc(message, interrupt, throttle, irql);
    }

    fn disable_message(&self, message: u32, _: &mut Irql<Dirql>) {
        self.0.irq.disable(&self.0.mmio, message);
    }

    fn enable_message(&self, message: u32, _: &mut Irql<Dirql>) {
        self.0.irq.enable(&self.0.mmio, message);
    }
}
