// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chip stopped and set up anew while the adapter lives: power states, and a chip that does not send. PASSIVE_LEVEL.
//!
//! Buffers that the protocol holds stay untouched (C-09). From [`Sender::rewind`] and [`Receiver::rewind`] until the
//! rings are programmed again nothing enters a ring and no tail is written, whoever returns buffers or finishes a
//! mapping meanwhile.
//!
//! [`Sender::rewind`]: crate::net::send::Sender::rewind
//! [`Receiver::rewind`]: crate::net::receive::Receiver::rewind

use super::core::Core;
use super::delay::Sleeper;
use super::{device, link};
use crate::hw::link::{Link, read};
use crate::hw::reset::Delay;
use core::sync::atomic::Ordering;
use ndis::adapter::LinkState;
use ndis::irql::{Irql, Passive};

/// How often a pause looks whether the chip has sent what it has, [`ROUND_MS`] apart.
const ROUNDS: u32 = 100;
/// Milliseconds between two looks.
const ROUND_MS: u32 = 10;
/// Looks after which a chip without a link is not waited for any longer.
const ROUNDS_WITHOUT_LINK: u32 = 10;

impl Core {
    /// To a low-power state (W-03 to W-06): interrupts and DMA off; rings and buffers stay as they are.
    pub fn power_down(&self, irql: &mut Irql<Passive>) {
        self.counters.update(self);
        self.asleep.store(true, Ordering::Relaxed);
        // W-06: whoever talks to the PHY ends first; who comes later finds the adapter asleep.
        drop(self.flow.phy(irql));
        self.irq.stop(&self.mmio);
        self.handle.indicate_link_state(LinkState::UNKNOWN, irql);
        device::stop(self, irql);
    }

    /// Back to D0 (W-07): everything is set up again from scratch.
    pub fn power_up(&self, irql: &mut Irql<Passive>) {
        self.set_up_again(irql);
    }

    /// P-05: a pause ends only when every send is complete, and without a link, or against a peer that holds the line,
    /// the chip completes none. It gets some time; what it has not sent by then fails, and the chip starts anew.
    pub(super) fn flush_sends(&self, irql: &mut Irql<Passive>) {
        for round in 0..ROUNDS {
            if self.is_gone() || self.is_asleep() || !self.sender.is_sending(irql) {
                return;
            }
            if round >= ROUNDS_WITHOUT_LINK && read(&self.mmio) == Link::Down {
                break;
            }
            Sleeper(irql).sleep_ms(ROUND_MS);
        }
        self.counters.update(self);
        self.irq.stop(&self.mmio);
        device::stop(self, irql);
        self.set_up_again(irql);
    }

    /// Resets the chip, empties the rings and starts: interrupts are off, both engines have been stopped.
    fn set_up_again(&self, irql: &mut Irql<Passive>) {
        // Nobody else talks to the PHY meanwhile.
        let phy = self.flow.phy(irql);
        let ready =
            device::reset_chip(&self.mmio, self.settings.max_frame(), irql).and_then(|()| {
                for receiver in &self.receivers {
                    receiver.rewind(irql);
                }
                self.sender.rewind(self, irql);
                device::bring_up(self, irql)
            });
        self.asleep.store(false, Ordering::Relaxed);
        if ready.is_err() {
            // W-11: the driver can still be paused and halted; the device is treated as gone.
            self.mmio.mark_removed();
            self.sender.abandon(self, irql);
            return;
        }
        if let Some(setup) = self.setup() {
            self.irq.start(&self.mmio, &setup);
        }
        self.indicated.forget();
        device::start(self, irql);
        let negotiating = device::start_link(self, irql);
        drop(phy);
        if negotiating.is_ok() {
            link::look(self, irql);
        }
    }
}
