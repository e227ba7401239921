// SPDX-License-Identifier: MIT OR Apache-2.0
//! Host tests of the interrupt protocol on the fake chip, by the rules of silicon and of two QEMU versions.

#[allow(unused_extern_crates)]
extern crate std;

mod bring_up;
mod budget;
mod handlers;
mod map;
mod random;

use super::map::Grant;
use super::setup::{Options, Setup};
use super::vectors::{Dpc, Interrupts, Outcome, Work};
use crate::hw::fake::{FakeChip, Mode, Variant};
use std::vec::Vec;

/// The set-ups that the tests run through: grant, interval, erratum switch.
const SETUPS: [(Grant, u16, bool); 13] = [
    (Grant::MsiX { messages: 5 }, 200, false),
    (Grant::MsiX { messages: 5 }, 0, false),
    (Grant::MsiX { messages: 4 }, 0, false),
    (Grant::MsiX { messages: 3 }, 200, false),
    (Grant::MsiX { messages: 3 }, 0, false),
    (Grant::MsiX { messages: 2 }, 200, false),
    (Grant::MsiX { messages: 2 }, 0, false),
    (Grant::MsiX { messages: 1 }, 200, false),
    (Grant::MsiX { messages: 1 }, 0, false),
    (Grant::Msi, 200, false),
    (Grant::Line { shared: false }, 200, false),
    (Grant::Line { shared: false }, 0, false),
    (Grant::Line { shared: true }, 200, true),
];

fn options(interval: u16, masked_icr_read: bool) -> Options {
    Options {
        rx_queues: 2,
        tx_queues: 2,
        interval,
        masked_icr_read,
        poll: false,
    }
}

fn mode_of(grant: Grant) -> Mode {
    match grant {
        Grant::Line { .. } => Mode::Line,
        Grant::Msi => Mode::Msi,
        Grant::MsiX { messages } => Mode::MsiX(messages as u8),
    }
}

/// A chip and its started vectors.
struct Rig {
    chip: FakeChip,
    irq: Interrupts,
    setup: Setup,
}

impl Rig {
    fn new(variant: Variant, grant: Grant, interval: u16, masked: bool) -> Self {
        let chip = FakeChip::new(variant, mode_of(grant));
        let irq = Interrupts::new();
        let setup = Setup::plan(grant, options(interval, masked));
        irq.start(&chip, &setup);
        let rig = Self { chip, irq, setup };
        rig.chip.take_log();
        rig
    }

    fn all() -> Vec<Self> {
        let mut rigs = Vec::new();
        for variant in crate::hw::fake::VARIANTS {
            for (grant, interval, masked) in SETUPS {
                rigs.push(Self::new(variant, grant, interval, masked));
            }
        }
        rigs
    }

    fn is_line(&self) -> bool {
        self.setup.map.kind() == super::Kind::Line
    }

    fn begin(&self, message: u32) -> Work {
        match self.irq.dpc_begin(&self.chip, message) {
            Dpc::Run(work) => work,
            Dpc::Idle | Dpc::RequestPoll => panic!("message {message}: nothing to run"),
        }
    }

    /// ISR and a DPC that finds everything: the normal interrupt. Returns the DPC's work causes.
    fn one_interrupt(&self) -> u32 {
        let (message, isr) = if self.is_line() {
            assert!(self.chip.line());
            (0, self.irq.isr_line(&self.chip))
        } else {
            let message = self.chip.take_message().expect("a message");
            (message, self.irq.isr_message(message))
        };
        assert!(isr.claimed && isr.queue_dpc);
        let work = self.begin(message);
        assert_eq!(
            self.irq.dpc_end(&self.chip, work, Outcome::Done),
            super::End::Finished
        );
        message
    }
}
