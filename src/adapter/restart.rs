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
use crate::irq::VECTORS;
use core::sync::atomic::Ordering;
use ndis::adapter::LinkState;
use ndis::claim::Claimed;
use ndis::ffi::NDIS_ERROR_CODE_TIMEOUT;
use ndis::irql::{Irql, Passive};
use ndis::status::Status;
use ndis::time;

/// How often a pause looks whether the chip has sent what it has, [`ROUND_MS`] apart.
const ROUNDS: u32 = 100;
/// Milliseconds between two looks.
const ROUND_MS: u32 = 10;
/// Milliseconds that a DPC may take to leave: no time of the driver's, the protocol's in an indication.
const LEAVE_MS: u32 = 1000;
/// Looks after which a chip without a link is not waited for any longer.
const ROUNDS_WITHOUT_LINK: u32 = 10;

impl Core {
    /// The right to change the chip at PASSIVE_LEVEL: waits for whoever has it, some milliseconds. NDIS serialises its own
    /// calls; the work items are not among them. An OID has it from its beginning to its end.
    pub fn exclusive(&self, irql: &Irql<Passive>) -> Claimed<'_, ()> {
        loop {
            if let Some(claimed) = self.chip.try_claim() {
                return claimed;
            }
            // The holder's waits are bounded.
            time::sleep_us(500, irql);
        }
    }

    /// To a low-power state (W-03 to W-06): interrupts and DMA off; rings and buffers stay as they are. An OID, which has
    /// the chip: W-06, who comes later finds the adapter asleep.
    pub fn power_down(&self, irql: &mut Irql<Passive>) {
        self.counters.update(self);
        // W-05.
        self.watch.stop(irql);
        self.asleep.store(true, Ordering::Relaxed);
        self.stop_interrupts(irql);
        self.handle.indicate_link_state(LinkState::UNKNOWN, irql);
        device::stop(self, irql);
    }

    /// Back to D0 (W-07): everything is set up again from scratch. An OID, which has the chip.
    pub fn power_up(&self, irql: &mut Irql<Passive>) {
        self.set_up_again(self.refusal(), irql);
        if !self.gate.is_closed() {
            self.watch.start(irql);
        }
    }

    /// Masks everything, and waits for DPCs and polls that had begun: they still write tails and open masks. As long as an
    /// indication may take, and no longer.
    fn stop_interrupts(&self, irql: &Irql<Passive>) {
        self.irq.stop(&self.mmio);
        let running = || (0..VECTORS).any(|message| self.irq.is_running(message as u32));
        for _ in 0..LEAVE_MS {
            if !running() {
                return;
            }
            Sleeper(irql).sleep_ms(1);
        }
    }

    /// P-05: a pause ends only when every send is complete, and without a link, or against a peer that holds the line,
    /// the chip completes none. It gets some time; what it has not sent by then fails, and the chip starts anew.
    pub(super) fn flush_sends(&self, irql: &mut Irql<Passive>) {
        for round in 0..ROUNDS {
            if !self.is_sending(irql) {
                return;
            }
            if round >= ROUNDS_WITHOUT_LINK && read(&self.mmio) == Link::Down {
                break;
            }
            Sleeper(irql).sleep_ms(ROUND_MS);
        }
        let _chip = self.exclusive(irql);
        // Asked again: it may have been started anew meanwhile.
        if self.is_sending(irql) {
            self.start_anew(self.refusal(), irql);
        }
    }

    /// A send is late, says the watch: the chip starts anew, and what it had fails.
    pub(super) fn restart_late(&self, irql: &mut Irql<Passive>) {
        let _chip = self.exclusive(irql);
        if !self.is_sending(irql) {
            return;
        }
        let status = if read(&self.mmio) == Link::Down {
            Status::MEDIA_DISCONNECTED
        } else {
            self.handle
                .write_error_log(NDIS_ERROR_CODE_TIMEOUT, &[], irql);
            Status::RESET_IN_PROGRESS
        };
        self.start_anew(status, irql);
    }

    /// Whether a chip that works has sends to finish.
    fn is_sending(&self, irql: &mut Irql<Passive>) -> bool {
        !self.is_gone() && !self.is_asleep() && self.sender.is_sending(irql)
    }

    /// Stops the chip and sets it up again; what it had not sent fails with `status`.
    fn start_anew(&self, status: Status, irql: &mut Irql<Passive>) {
        self.counters.update(self);
        self.stop_interrupts(irql);
        device::stop(self, irql);
        self.set_up_again(status, irql);
    }

    /// Resets the chip, empties the rings and starts: interrupts are off, both engines have been stopped.
    fn set_up_again(&self, status: Status, irql: &mut Irql<Passive>) {
        let ready =
            device::reset_chip(&self.mmio, self.settings.max_frame(), irql).and_then(|()| {
                for receiver in &self.receivers {
                    receiver.rewind(irql);
                }
                self.sender.rewind(self, status, irql);
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
        if device::start_link(self, irql).is_ok() {
            link::look(self, irql);
        }
    }
}
