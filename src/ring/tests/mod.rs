// SPDX-License-Identifier: MIT OR Apache-2.0
//! Host tests of the rings on the fake chip and against a hostile device.

#[allow(unused_extern_crates)]
extern crate std;

#[cfg(not(loom))]
mod fuzz;
mod hostile;
mod model;
mod rx;
mod tx;

use super::{Harvest, RxBuffer, RxRing, TxGroup, TxRing, TxRules};
use crate::hw::fake::{Alias, FakeChip, FakeDma, Mode, Variant};
use crate::hw::{bits::IntCause, filter, queue};
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

type Tx = TxRing<FakeDma, Vec<usize>>;
type Rx = RxRing<FakeDma, Buffer>;

/// A buffer of the tests: its number, and those behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Buffer(Vec<usize>);

impl RxBuffer for Buffer {
    fn append(&mut self, next: Self) {
        self.0.extend(next.0);
    }
}

/// One buffer.
fn buffer(number: usize) -> Buffer {
    Buffer(vec![number])
}

/// The buffers of whatever a harvest gave.
fn buffers(harvest: Harvest<Buffer>) -> Vec<usize> {
    match harvest {
        Harvest::Empty => vec![],
        Harvest::Frame(frame) => frame.buffer.0,
        Harvest::Dropped(_, buffer) => buffer.0,
    }
}

/// `count` empty slots.
fn slots(count: usize) -> Box<[Option<Buffer>]> {
    (0..count).map(|_| None).collect()
}

/// The longest frame of the tests' rings.
const LONGEST: u32 = 9234;

fn chip() -> FakeChip {
    FakeChip::new(Variant::Qemu10, Mode::MsiX(5))
}

/// A transmit ring that the chip works on, and the chip's view of it.
fn tx_ring(chip: &FakeChip, count: usize) -> (Tx, Alias) {
    let mem = chip.allocate(count * 16);
    let alias = mem.alias();
    let ring = Tx::new(
        0,
        mem,
        count as u32,
        vec![TxGroup::default(); count.next_power_of_two()].into_boxed_slice(),
        TxRules::default(),
    )
    .unwrap();
    queue::init_tx_unit(chip, crate::hw::errata::Errata::default());
    assert!(queue::program_tx(chip, 0, ring.base(), ring.bytes()));
    queue::set_tx_enabled(chip, true);
    (ring, alias)
}

/// At most `most` complete groups of frames, whose cookies go to `back`; how many cookies.
fn some(ring: &mut Tx, most: usize, back: &mut Vec<usize>) -> usize {
    let (before, mut left) = (back.len(), most);
    if most != 0 {
        ring.complete(|group| {
            back.append(group);
            left -= 1;
            left != 0
        });
    }
    back.len() - before
}

/// All of them.
fn all(ring: &mut Tx) -> Vec<usize> {
    let mut back = Vec::new();
    some(ring, usize::MAX, &mut back);
    back
}

/// A receive ring with buffers of 2048 bytes that the chip works on.
fn rx_ring(chip: &FakeChip, count: usize) -> (Rx, Alias) {
    let mem = chip.allocate(count * 16);
    let alias = mem.alias();
    let ring = Rx::new(0, mem, slots(count), 2048, LONGEST).unwrap();
    assert!(queue::init_rx_unit(
        chip,
        &queue::RxConfig {
            buffer_bytes: 2048,
            long_packets: true,
            checksum: true,
        }
    ));
    assert!(queue::program_rx(chip, 0, ring.base(), ring.bytes()));
    filter::set_accept(chip, filter::Accept::default());
    queue::set_rx_enabled(chip, true);
    assert_eq!(chip.icr_ims().1, IntCause::empty());
    (ring, alias)
}
