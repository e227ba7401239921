// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupts: handlers, `NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS`, and the registration that owns them.
//!
//! Follows the pages of NdisMRegisterInterruptEx, MiniportInterrupt, MiniportInterruptDPC, MiniportMessageInterrupt and
//! MiniportMessageInterruptDPC.
//!
//! The handlers value moves into the registration before NDIS is called and is freed after
//! `NdisMDeregisterInterruptEx` has returned, so an ISR or DPC that runs while the registration call is still open, or
//! during deregistration, finds it alive (contract ). Both out-parameters of an ISR are always written
//! `TargetProcessors` is always 0, other processors are reached with [`queue_dpc`](InterruptRef::queue_dpc)
//!

mod characteristics;
mod grant;
mod registration;
mod throttle;

pub use characteristics::{MessageSync, MiniportInterruptCharacteristics};
pub use grant::{Grant, Message, MessageInfoTable};
pub use registration::{GroupAffinity, Interrupt, InterruptRef};
pub use throttle::Throttle;

use crate::irql::{Dirql, Dispatch, Irql};

/// What an ISR decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct IsrResult {
    /// The device raised this interrupt. Ignored for messages, which cannot be shared: NDIS is told TRUE.
    pub claimed: bool,
    /// Run the DPC of this interrupt or message on the current processor.
    pub queue_dpc: bool,
}

impl IsrResult {
    /// Another device's interrupt on a shared line: not claimed, no DPC.
    pub const NOT_MINE: Self = Self {
        claimed: false,
        queue_dpc: false,
    };

    /// Claimed, and done. Any IRQL.
    pub const fn claimed() -> Self {
        Self {
            claimed: true,
            queue_dpc: false,
        }
    }

    /// Claimed, with a DPC on this processor. Any IRQL.
    pub const fn claimed_with_dpc() -> Self {
        Self {
            claimed: true,
            queue_dpc: true,
        }
    }
}

/// Handlers of a line-based interrupt; NDIS needs them in every registration.
///
/// All of them may run from the moment the registration call is entered.
pub trait LineHandlers: Send + Sync + 'static {
    /// MiniportInterrupt: quiet the device and record the cause, or find that it is not ours. DIRQL, interrupt lock
    /// held.
    fn isr(&self, interrupt: InterruptRef<'_>, irql: &mut Irql<Dirql>) -> IsrResult;

    /// MiniportInterruptDPC. DISPATCH_LEVEL; several may run at once, also without work.
    fn dpc(&self, interrupt: InterruptRef<'_>, throttle: &mut Throttle, irql: &mut Irql<Dispatch>);

    /// MiniportDisableInterruptEx: for diagnostics; mask at the device. DIRQL.
    fn disable(&self, irql: &mut Irql<Dirql>);

    /// MiniportEnableInterruptEx: the reverse. DIRQL.
    fn enable(&self, irql: &mut Irql<Dirql>);
}

/// Handlers of message-signalled interrupts. `message` can be any number: ignore those the driver did not map (X-22,
///
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no message handlers",
    note = "MSI and MSI-X need MessageHandlers, which extends LineHandlers: NDIS may still grant a line"
)]
pub trait MessageHandlers: LineHandlers {
    /// MiniportMessageInterrupt. DIRQL; not concurrent with itself for one message.
    fn message_isr(
        &self,
        message: u32,
        interrupt: InterruptRef<'_>,
        irql: &mut Irql<Dirql>,
    ) -> IsrResult;

    /// MiniportMessageInterruptDPC. DISPATCH_LEVEL.
    fn message_dpc(
        &self,
        message: u32,
        interrupt: InterruptRef<'_>,
        throttle: &mut Throttle,
        irql: &mut Irql<Dispatch>,
    );

    /// MiniportDisableMessageInterrupt. DIRQL.
    fn disable_message(&self, message: u32, irql: &mut Irql<Dirql>);

    /// MiniportEnableMessageInterrupt. DIRQL.
    fn enable_message(&self, message: u32, irql: &mut Irql<Dirql>);
}
