// SPDX-License-Identifier: MIT OR Apache-2.0
//! A device that writes whatever it likes: buffers come back exactly once, lengths stay within them, and
//! nothing stops or panics.

use super::super::dma::DmaMem;
use super::super::rx::{DropReason, Harvest, Refill};
use super::super::tx::{Segment, TxRequest};
use super::std::collections::BTreeSet;
use super::std::vec;
use super::std::vec::Vec;
use super::{LONGEST, all, buffer, buffers, chip, rx_ring, some, tx_ring};
use crate::hw::desc::{TX_DD, TX_RS};
use proptest::prelude::*;

fn write_back(status: u32, len: u16) -> u64 {
    u64::from(status) | u64::from(len) << 32
}

#[test]
fn lengths_of_zero_and_beyond_the_buffer() {
    let chip = chip();
    let (mut ring, device) = rx_ring(&chip, 16);
    for c in 1..16 {
        ring.post(0x1000 * c as u64, buffer(c)).unwrap();
    }
    let _ = ring.doorbell(Refill::Now);
    for (i, len) in [(0, 0), (1, 0xFFFF), (2, 2049)] {
        device.set_word(i * 2 + 1, write_back(3, len));
        let want = Harvest::Dropped(DropReason::BadLength, buffer(i + 1));
        assert_eq!(ring.harvest(), want, "length {len}");
    }
    // A part that is not the last must be full; the frame's end goes with it.
    device.set_word(7, write_back(1, 100));
    assert!(matches!(
        ring.harvest(),
        Harvest::Dropped(DropReason::BadLength, _)
    ));
    device.set_word(9, write_back(3, 60));
    assert!(matches!(
        ring.harvest(),
        Harvest::Dropped(DropReason::Rest, _)
    ));
    device.set_word(11, write_back(3, 60));
    assert!(matches!(ring.harvest(), Harvest::Frame(f) if f.len == 60));
}

#[test]
fn a_frame_without_end_gives_its_buffers_back() {
    let chip = chip();
    let (mut ring, device) = rx_ring(&chip, 32);
    for c in 1..32 {
        ring.post(0x1000 * c as u64, buffer(c)).unwrap();
    }
    let _ = ring.doorbell(Refill::Now);
    for i in 0..31 {
        device.set_word(i * 2 + 1, write_back(1, 2048));
    }
    let mut back = vec![];
    let mut errors = 0;
    loop {
        match ring.harvest() {
            Harvest::Empty => break,
            Harvest::Frame(_) => panic!("it has no end"),
            Harvest::Dropped(why, b) => {
                errors += usize::from(why == DropReason::TooLong);
                back.extend(b.0);
            }
        }
    }
    assert_eq!((back, errors), ((1..32).collect(), 1));
    const { assert!(LONGEST < 31 * 2048) };
}

#[test]
fn a_frame_in_two_looks() {
    let chip = chip();
    let (mut ring, device) = rx_ring(&chip, 16);
    for c in 1..16 {
        ring.post(0x1000 * c as u64, buffer(c)).unwrap();
    }
    let _ = ring.doorbell(Refill::Now);
    device.set_word(1, write_back(1, 2048));
    device.set_word(3, write_back(1, 2048));
    assert_eq!(ring.harvest(), Harvest::Empty, "the rest is missing");
    // What is read once is not read again.
    device.set_word(1, write_back(3, 60));
    device.set_word(5, write_back(3, 60));
    let Harvest::Frame(f) = ring.harvest() else {
        panic!("no frame")
    };
    assert_eq!((f.len, f.buffer.0), (2 * 2048 + 60, vec![1, 2, 3]));
    // A start without an end is given back when the ring is.
    device.set_word(7, write_back(1, 2048));
    assert_eq!(ring.harvest(), Harvest::Empty);
    let mut back = vec![];
    ring.drain(|b| back.extend(b.0));
    assert_eq!(back, (4..16).collect::<Vec<_>>());
}

#[test]
fn done_out_of_order_waits_for_its_turn() {
    let chip = chip();
    let (mut ring, device) = rx_ring(&chip, 8);
    for c in 1..8 {
        ring.post(0x1000 * c as u64, buffer(c)).unwrap();
    }
    let _ = ring.doorbell(Refill::Now);
    device.set_word(5, write_back(3, 60));
    assert_eq!(ring.harvest(), Harvest::Empty);
    device.set_word(1, write_back(3, 60));
    device.set_word(3, write_back(3, 60));
    for c in 1..=3 {
        assert!(matches!(ring.harvest(), Harvest::Frame(f) if f.buffer == buffer(c)));
    }
    assert_eq!(ring.harvest(), Harvest::Empty);
}

#[test]
fn done_on_descriptors_never_handed_over_is_ignored() {
    let chip = chip();
    let (mut ring, device) = rx_ring(&chip, 8);
    for i in 0..8 {
        device.set_word(i * 2 + 1, write_back(3, 60));
    }
    assert_eq!(ring.harvest(), Harvest::Empty);
    ring.post(0x1000, buffer(1)).unwrap();
    assert_eq!(ring.harvest(), Harvest::Empty, "the post cleared DD");
    device.set_word(1, write_back(3, 60));
    assert_eq!(ring.harvest(), Harvest::Empty, "no doorbell yet");
}

#[test]
fn transmit_done_everywhere_completes_only_what_was_sent() {
    let chip = chip();
    let (mut ring, device) = tx_ring(&chip, 8);
    let data = chip.allocate(64);
    for i in 0..8 {
        device.set_word(i * 2 + 1, TX_DD | TX_RS);
    }
    assert_eq!(all(&mut ring), [], "nothing was pushed");
    let one = [Segment {
        address: data.device_address(),
        len: 60,
    }];
    ring.push(one.into_iter(), &TxRequest::default(), |g| g.push(1))
        .unwrap();
    let _ = ring.doorbell();
    ring.push(one.into_iter(), &TxRequest::default(), |g| g.push(2))
        .unwrap();
    device.set_word(1, TX_DD);
    device.set_word(3, TX_DD);
    assert_eq!(all(&mut ring), [1], "the second was not handed over");
}

#[test]
fn transmit_done_taken_back_does_not_complete_twice() {
    let chip = chip();
    let (mut ring, device) = tx_ring(&chip, 8);
    let data = chip.allocate(64);
    let one = [Segment {
        address: data.device_address(),
        len: 60,
    }];
    for c in 1..=3 {
        ring.push(one.into_iter(), &TxRequest::default(), |g| g.push(c))
            .unwrap();
    }
    let _ = ring.doorbell();
    device.set_word(5, device.word(5) | TX_DD);
    assert_eq!(all(&mut ring), [1, 2, 3], "seen once is enough");
    device.set_word(5, 0);
    assert_eq!(all(&mut ring), []);
    device.set_word(5, TX_DD);
    assert_eq!(all(&mut ring), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
    /// Random words into random descriptors of both rings, at any moment.
    #[test]
    fn garbage(
        writes in proptest::collection::vec((0usize..32, any::<u64>(), any::<bool>(), 0u8..4), 0..300),
    ) {
        let chip = chip();
        let (mut rx, rx_dev) = rx_ring(&chip, 16);
        let (mut tx, tx_dev) = tx_ring(&chip, 16);
        let data = chip.allocate(64);
        let mut held: BTreeSet<usize> = (1..=15).collect();
        let mut in_ring: BTreeSet<usize> = BTreeSet::new();
        let mut sent = vec![];
        let mut done = vec![];
        for (at, word, to_rx, what) in writes {
            if to_rx { rx_dev.set_word(at, word) } else { tx_dev.set_word(at, word) }
            match what {
                0 => {
                    while let Some(c) = held.pop_first() {
                        if rx.post(0x1000 * c as u64, buffer(c)).is_err() { held.insert(c); break }
                        in_ring.insert(c);
                    }
                    let _ = rx.doorbell(Refill::Batch);
                }
                1 => for _ in 0..4 {
                    let got = rx.harvest();
                    if let Harvest::Frame(f) = &got {
                        prop_assert!(f.len >= 1 && f.len <= LONGEST);
                        prop_assert_eq!(f.len.div_ceil(2048) as usize, f.buffer.0.len());
                    }
                    if got == Harvest::Empty { break }
                    let back = buffers(got);
                    prop_assert!(!back.is_empty());
                    for c in back {
                        prop_assert!(in_ring.remove(&c), "not ours or twice");
                        held.insert(c);
                    }
                },
                2 => {
                    let c = sent.len();
                    let segment = Segment { address: data.device_address(), len: 60 };
                    if tx.push([segment].into_iter(), &TxRequest::default(), |g| g.push(c)).is_ok() { sent.push(c) }
                    let _ = tx.doorbell();
                }
                _ => { some(&mut tx, 1, &mut done); }
            }
            // A frame whose end is missing holds the rest.
            prop_assert!(rx.posted() as usize <= in_ring.len());
        }
        rx.drain(|b| for c in b.0 { assert!(in_ring.remove(&c)) });
        prop_assert!(in_ring.is_empty());
        tx.drain(|g| done.append(g));
        prop_assert_eq!(done, sent, "each once, in order");
    }
}
