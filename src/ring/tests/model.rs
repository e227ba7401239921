// SPDX-License-Identifier: MIT OR Apache-2.0
//! Both rings on the fake chip against the simplest possible model: a queue.

use super::super::dma::DmaMem;
use super::super::rx::{Harvest, Refill};
use super::super::tx::{PushError, Segment, TxRequest};
use super::std::collections::VecDeque;
use super::std::vec;
use super::std::vec::Vec;
use super::{buffer, chip, rx_ring, some, tx_ring};
use crate::hw::desc::TxOptions;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn transmit(
        eights in 1usize..9,
        steps in proptest::collection::vec((0u8..4, proptest::collection::vec(0u32..300, 0..6)), 0..200),
    ) {
        let chip = chip();
        let count = 8 * eights;
        let (mut ring, _) = tx_ring(&chip, count);
        let data = chip.allocate(4096);
        let bytes: Vec<u8> = (0..4096).map(|i| (i * 31) as u8).collect();
        data.write(0, &bytes);
        let mut expect: VecDeque<(usize, Vec<u8>)> = VecDeque::new();
        let mut on_wire = 0;
        let mut used = 0usize;
        let mut sizes: VecDeque<usize> = VecDeque::new();
        let mut cookie = 0;
        // Frames of each group that the chip will report, and of the one that is open.
        let mut groups: VecDeque<usize> = VecDeque::new();
        let (mut open, mut handed) = (0, 0);
        for (what, lens) in steps {
            match what {
                0 => {
                    let frame: Vec<u8> = lens.iter().flat_map(|l| &bytes[..*l as usize]).copied().collect();
                    let need = lens.iter().filter(|l| **l > 0).count();
                    let segments = lens.iter().map(|l| Segment { address: data.device_address(), len: *l });
                    let got = ring.push(segments, &TxRequest::default(), |g| g.push(cookie));
                    let want = if need == 0 { Err(PushError::Empty) }
                        else if need > count - 1 - used { Err(PushError::Full) } else { Ok(()) };
                    prop_assert_eq!(got, want);
                    if got.is_ok() {
                        expect.push_back((cookie, frame));
                        sizes.push_back(need);
                        used += need;
                        cookie += 1;
                        open += 1;
                        if open == 16 {
                            groups.push_back(core::mem::take(&mut open));
                        }
                    }
                }
                1 => if let Some(bell) = ring.doorbell() {
                    bell.ring(&chip);
                    if open != 0 {
                        groups.push_back(core::mem::take(&mut open));
                    }
                    handed = groups.len();
                    let sent = chip.take_sent();
                    for f in sent {
                        prop_assert_eq!(&f, &expect[on_wire].1);
                        on_wire += 1;
                    }
                    prop_assert_eq!(on_wire, expect.len());
                },
                // Frames in one piece, with one look at the room for all up to the end of the ring.
                2 => for len in lens {
                    let piece = Segment { address: data.device_address(), len: len + 1 };
                    let mut done = 0;
                    ring.push_run(2, |run, group| while !run.is_over() {
                        run.push(piece, TxOptions::default());
                        group.push(cookie + done);
                        done += 1;
                    });
                    prop_assert_eq!(done == 0, used == count - 1);
                    prop_assert!(done <= (count - 1 - used).min(2));
                    for _ in 0..done {
                        expect.push_back((cookie, bytes[..=len as usize].to_vec()));
                        sizes.push_back(1);
                        used += 1;
                        cookie += 1;
                        open += 1;
                        if open == 16 {
                            groups.push_back(core::mem::take(&mut open));
                        }
                    }
                },
                _ => {
                    let mut back = vec![];
                    some(&mut ring, lens.len(), &mut back);
                    let complete = handed.min(lens.len());
                    prop_assert_eq!(back.len(), groups.drain(..complete).sum::<usize>());
                    handed -= complete;
                    for c in back {
                        let (want, _) = expect.pop_front().unwrap();
                        prop_assert_eq!(c, want);
                        used -= sizes.pop_front().unwrap();
                        on_wire -= 1;
                    }
                }
            }
            prop_assert_eq!(ring.free() as usize, count - 1 - used);
        }
        prop_assert!(chip.faults().is_empty());
    }

    #[test]
    fn receive(steps in proptest::collection::vec((0u8..3, 1usize..9000), 0..150)) {
        let chip = chip();
        let pool = chip.allocate(32 * 2048);
        let (mut ring, _) = rx_ring(&chip, 32);
        let mut free: VecDeque<usize> = (0..31).collect();
        let mut expect: VecDeque<Vec<u8>> = VecDeque::new();
        for (what, len) in steps {
            match what {
                0 => {
                    let frame: Vec<u8> = (0..len).map(|i| (i * 3 + len) as u8).collect();
                    chip.receive(&frame);
                    expect.push_back(frame);
                }
                1 => {
                    while let Some(b) = free.pop_front() {
                        ring.post(pool.device_address() + (b * 2048) as u64, buffer(b)).unwrap();
                    }
                    if let Some(bell) = ring.doorbell(if len % 2 == 0 { Refill::Now } else { Refill::Batch }) {
                        bell.ring(&chip);
                    }
                }
                _ => match ring.harvest() {
                    Harvest::Empty => {}
                    Harvest::Dropped(why, _) => prop_assert!(false, "{:?}", why),
                    Harvest::Frame(f) => {
                        let want = expect.pop_front().unwrap();
                        let mut got = vec![];
                        for at in &f.buffer.0 {
                            let mut b = vec![0; 2048.min(f.len as usize - got.len())];
                            pool.read(at * 2048, &mut b);
                            got.extend_from_slice(&b);
                            free.push_back(*at);
                        }
                        prop_assert_eq!(got, want);
                    }
                }
            }
        }
        prop_assert!(chip.faults().is_empty());
    }
}
