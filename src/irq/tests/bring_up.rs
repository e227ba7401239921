// SPDX-License-Identifier: MIT OR Apache-2.0
//! The whole of hw, irq and ring together, from reset to traffic to stop, by every variant's rules and in every
//! set-up; with the register accesses of the data path counted.

use super::super::Kind;
use super::super::map::{Grant, Roles};
use super::super::setup::Setup;
use super::super::vectors::{Dpc, End, Interrupts, Outcome};
use super::std::vec;
use super::std::vec::Vec;
use super::{SETUPS, mode_of, options};
use crate::hw::errata::Errata;
use crate::hw::fake::{FakeChip, FakeDelay, FakeDma, MAC, VARIANTS, Variant};
use crate::hw::link::{Link, LinkConfig, Pause};
use crate::hw::queue::RxConfig;
use crate::hw::{filter, link, queue, reset};
use crate::ring::{
    DmaMem, Harvest, Refill, RxBuffer, RxRing, Segment, TxGroup, TxRequest, TxRing, TxRules,
};

const BUFFERS: usize = 128;
const SIZE: usize = 2048;

/// A buffer by its number; frames here fit into one.
#[derive(PartialEq, Debug)]
struct Buffer(usize);

impl RxBuffer for Buffer {
    fn append(&mut self, next: Self) {
        panic!("{next:?} behind {self:?}");
    }
}

struct Nic {
    chip: FakeChip,
    irq: Interrupts,
    setup: Setup,
    tx: TxRing<FakeDma, Vec<usize>>,
    rx: RxRing<FakeDma, Buffer>,
    pool: FakeDma,
    got: Vec<Vec<u8>>,
    sent: u32,
    link: Link,
}

impl Nic {
    fn new(variant: Variant, grant: Grant, interval: u16, masked: bool) -> Self {
        let chip = FakeChip::new(variant, mode_of(grant));
        let delay = FakeDelay::default();
        reset::global_reset(&chip, &delay, Errata::default()).unwrap();
        reset::init_defaults(&chip, Errata::default());
        filter::set_receive_address(&chip, 0, Some(MAC));
        let tx = TxRing::new(
            0,
            chip.allocate(64 * 16),
            64,
            vec![TxGroup::default(); 64].into_boxed_slice(),
            TxRules::default(),
        )
        .unwrap();
        let rx = RxRing::new(
            0,
            chip.allocate(BUFFERS * 16),
            (0..BUFFERS).map(|_| None).collect(),
            SIZE as u32,
            1522,
        )
        .unwrap();
        let pool = chip.allocate(BUFFERS * SIZE);
        queue::init_tx_unit(&chip, Errata::default());
        let config = RxConfig {
            buffer_bytes: SIZE as u32,
            long_packets: false,
            checksum: true,
        };
        assert!(queue::init_rx_unit(&chip, &config));
        queue::program_tx(&chip, 0, tx.base(), tx.bytes());
        queue::program_rx(&chip, 0, rx.base(), rx.bytes());
        let irq = Interrupts::new();
        let setup = Setup::plan(grant, options(interval, masked));
        irq.start(&chip, &setup);
        queue::set_tx_enabled(&chip, true);
        queue::set_rx_enabled(&chip, true);
        let mut nic = Self {
            chip,
            irq,
            setup,
            tx,
            rx,
            pool,
            got: Vec::new(),
            sent: 0,
            link: Link::Down,
        };
        for i in 0..BUFFERS - 1 {
            nic.post(i);
        }
        nic.rx.doorbell(Refill::Now).unwrap().ring(&nic.chip);
        link::setup(&nic.chip, &delay, LinkConfig::Auto, Pause::default()).unwrap();
        nic.chip.finish_negotiation();
        nic.interrupts();
        assert!(matches!(nic.link, Link::Up { .. }));
        nic
    }

    fn post(&mut self, i: usize) {
        let at = self.pool.device_address() + (i * SIZE) as u64;
        self.rx.post(at, Buffer(i)).unwrap();
    }

    fn send(&mut self, n: u32) {
        let segment = Segment {
            address: self.pool.device_address(),
            len: 60,
        };
        for _ in 0..n {
            self.tx
                .push([segment].into_iter(), &TxRequest::default(), |g| g.push(1))
                .unwrap();
        }
        if let Some(bell) = self.tx.doorbell() {
            bell.ring(&self.chip);
        }
    }

    fn scan(&mut self, roles: Roles) {
        if roles.contains(Roles::TX0) {
            self.tx.complete(|g| {
                self.sent += g.len() as u32;
                g.clear();
                true
            });
        }
        if roles.contains(Roles::RX0) {
            loop {
                match self.rx.harvest() {
                    Harvest::Empty => break,
                    Harvest::Dropped(why, _) => panic!("{why:?}"),
                    Harvest::Frame(f) => {
                        let mut b = vec![0; f.len as usize];
                        self.pool.read(f.buffer.0 * SIZE, &mut b);
                        self.got.push(b);
                        self.post(f.buffer.0);
                    }
                }
            }
            if let Some(bell) = self.rx.doorbell(Refill::Batch) {
                bell.ring(&self.chip);
            }
        }
    }

    /// ISRs and DPCs until nothing is pending.
    fn interrupts(&mut self) {
        for _ in 0..100 {
            let (message, isr) = if self.setup.map.kind() == Kind::Line {
                if !self.chip.line() {
                    return;
                }
                (0, self.irq.isr_line(&self.chip))
            } else {
                let Some(message) = self.chip.take_message() else {
                    return;
                };
                (message, self.irq.isr_message(message))
            };
            assert!(isr.claimed);
            if !isr.queue_dpc {
                continue;
            }
            while let Dpc::Run(work) = self.irq.dpc_begin(&self.chip, message) {
                self.scan(work.roles());
                if work.link() {
                    self.link = link::read(&self.chip);
                }
                if self.irq.dpc_end(&self.chip, work, Outcome::Done) != End::Again {
                    break;
                }
            }
        }
        panic!("interrupt storm");
    }
}

#[test]
fn from_reset_to_traffic_to_stop() {
    for variant in VARIANTS {
        for (grant, interval, masked) in SETUPS {
            let mut nic = Nic::new(variant, grant, interval, masked);
            nic.chip.take_log();
            for i in 0..100u8 {
                nic.chip.receive(&[i; 64]);
                nic.send(2);
                nic.interrupts();
            }
            let name = (variant, grant, interval);
            assert_eq!(nic.got.len(), 100, "{name:?}");
            assert!(nic.got.iter().zip(0u8..).all(|(f, i)| f[..] == [i; 64]));
            assert_eq!(nic.sent, 200, "{name:?}");
            assert_eq!(nic.chip.take_sent().len(), 200);
            assert_eq!(nic.chip.faults(), []);
            let (reads, writes) = nic.chip.take_counts();
            if let Grant::MsiX { messages: 2.. } = grant {
                assert_eq!(reads, 0, "{name:?}");
                // Tails apart: nothing always armed, one write per interrupt auto-masked.
                let most = if interval == 0 { 200 } else { 0 };
                assert!(writes <= most, "{name:?}: {writes} writes");
            }

            nic.chip.unplug();
            nic.interrupts();
            assert_eq!(nic.link, Link::Down, "{name:?}");

            nic.irq.stop(&nic.chip);
            reset::stop(&nic.chip, &FakeDelay::default());
            nic.chip.receive(&[0; 64]);
            assert!(!nic.chip.line() && nic.chip.take_message().is_none());
            assert_eq!(nic.rx.harvest(), Harvest::Empty, "no DMA after stop");
            let mut back = 0;
            nic.rx.drain(|_| back += 1);
            assert_eq!(back, BUFFERS - 1);
            nic.tx.drain(|group| assert!(group.is_empty()));
        }
    }
}
