// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive ring on a well-behaved chip.

use super::super::dma::{DmaMem, RingError};
use super::super::rx::{DropReason, Full, Harvest, Refill, RxFrame};
use super::std::vec;
use super::std::vec::Vec;
use super::{Buffer, LONGEST, Rx, buffer, buffers, chip, rx_ring, slots};
use crate::hw::desc::RxStatus;
use crate::hw::fake::{Access, FakeChip, FakeDma};

const SIZE: usize = 2048;

/// Posts buffers `from..to` of `pool`.
fn post(ring: &mut Rx, pool: &FakeDma, range: core::ops::Range<usize>) {
    for i in range {
        ring.post(pool.device_address() + (i * SIZE) as u64, buffer(i))
            .unwrap();
    }
}

fn frame_of(ring: &mut Rx, pool: &FakeDma) -> Option<Vec<u8>> {
    let Harvest::Frame(f) = ring.harvest() else {
        return None;
    };
    let mut out = Vec::new();
    for i in &f.buffer.0 {
        let mut b = vec![0; SIZE.min(f.len as usize - out.len())];
        pool.read(i * SIZE, &mut b);
        out.extend_from_slice(&b);
    }
    assert_eq!(out.len(), f.len as usize);
    Some(out)
}

#[test]
fn many_are_posted_as_one_is() {
    let chip = chip();
    let pool = chip.allocate(64 * SIZE);
    let address = |i: usize| pool.device_address() + (i * SIZE) as u64;
    let (mut ring, _) = rx_ring(&chip, 64);
    let mut given = 0..100;
    let refused = ring.post_all(|| given.next().map(|i| (address(i), buffer(i))));
    assert_eq!((refused, given.start), (None, 63), "one stays free");
    assert_eq!((ring.posted(), ring.shown()), (63, 0));
    ring.doorbell(Refill::Now).unwrap().ring(&chip);
    for byte in 1..=10 {
        chip.receive(&[byte; 60]);
        assert_eq!(frame_of(&mut ring, &pool), Some(vec![byte; 60]));
    }
    // The last index and the first, and a null address in the middle.
    let given = [(address(0), 0), (address(1), 1), (0, 9), (address(2), 2)];
    let mut given = given.into_iter().map(|(at, i)| (at, buffer(i)));
    let mut some = || given.next();
    assert_eq!(ring.post_all(&mut some), Some(buffer(9)));
    assert_eq!(ring.posted(), 55);
    assert_eq!(ring.post_all(&mut some), None);
    assert_eq!(ring.posted(), 56);
    ring.doorbell(Refill::Now).unwrap().ring(&chip);
    for byte in 11..=66 {
        chip.receive(&[byte; 60]);
        assert_eq!(frame_of(&mut ring, &pool), Some(vec![byte; 60]), "{byte}");
    }
    assert_eq!((ring.posted(), chip.faults()), (0, vec![]));
}

#[test]
fn frames_arrive_whole() {
    let chip = chip();
    let pool = chip.allocate(64 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 64);
    post(&mut ring, &pool, 0..63);
    assert_eq!(
        ring.post(1, buffer(9)),
        Err(Full(buffer(9))),
        "one stays free"
    );
    ring.doorbell(Refill::Now).unwrap().ring(&chip);
    for len in [1usize, 60, 1514, SIZE, SIZE + 1, 2 * SIZE, 9000] {
        let sent: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
        chip.receive(&sent);
        assert_eq!(
            frame_of(&mut ring, &pool).as_deref(),
            Some(&sent[..]),
            "{len}"
        );
    }
    assert_eq!(ring.harvest(), Harvest::Empty);
    assert_eq!(chip.faults(), []);
}

/// The longest frames of two rings: without jumbo frames, and with them.
const BOTH: [u32; 2] = [1518, LONGEST];
/// Longer than any ring takes.
const MOST: usize = 16_384;

/// What is harvested until the ring is empty, and the buffers go back in.
fn all_of(ring: &mut Rx, pool: &FakeDma) -> Vec<Harvest<Buffer>> {
    let mut out = Vec::new();
    loop {
        match ring.harvest() {
            Harvest::Empty => break,
            other => out.push(other),
        }
    }
    for harvest in &out {
        let (Harvest::Frame(RxFrame { buffer, .. }) | Harvest::Dropped(_, buffer)) = harvest else {
            continue;
        };
        for i in &buffer.0 {
            post(ring, pool, *i..*i + 1);
        }
    }
    let _ = ring.doorbell(Refill::Now);
    out
}

/// As the chip fills buffers: all but the last are full.
#[test]
fn a_frame_of_every_length() {
    const COUNT: usize = 24;
    for longest in BOTH {
        let chip = chip();
        let pool = chip.allocate(COUNT * SIZE);
        let mem = chip.allocate(COUNT * 16);
        let device = mem.alias();
        let mut ring = Rx::new(0, mem, slots(COUNT), SIZE as u32, longest).unwrap();
        post(&mut ring, &pool, 0..COUNT - 1);
        let _ = ring.doorbell(Refill::Now);
        // Buffers go around as descriptors do, but there is one less.
        let (mut at, mut first) = (0, 0);
        for len in 0..=MOST {
            let pieces = len.div_ceil(SIZE).max(1);
            for piece in 0..pieces {
                let bytes = (len - piece * SIZE).min(SIZE) as u64;
                let status = if piece + 1 == pieces { 3 } else { 1 };
                device.set_word(at * 2 + 1, status | bytes << 32);
                at = (at + 1) % COUNT;
            }
            let mine: Vec<usize> = (0..pieces).map(|n| (first + n) % (COUNT - 1)).collect();
            first = (first + pieces) % (COUNT - 1);
            let got = all_of(&mut ring, &pool);
            let start = got.first().expect("something");
            let good = len != 0 && (pieces == 1 || len <= longest as usize);
            match start {
                Harvest::Frame(frame) => {
                    assert!(good && frame.len as usize == len && got.len() == 1, "{len}");
                }
                Harvest::Dropped(DropReason::BadLength, _) => assert_eq!(len, 0),
                Harvest::Dropped(why, head) => {
                    assert!(!good && *why == DropReason::TooLong, "{len}: {why:?}");
                    // As soon as it is known: what is behind comes alone.
                    assert_eq!(
                        head.0.len(),
                        pieces.min(longest as usize / SIZE + 1),
                        "{len}"
                    );
                    let rest = |h: &Harvest<Buffer>| matches!(h, Harvest::Dropped(DropReason::Rest, b) if b.0.len() == 1);
                    assert!(got.iter().skip(1).all(rest), "{len}");
                }
                Harvest::Empty => panic!("{len}"),
            }
            let back: Vec<usize> = got.into_iter().flat_map(buffers).collect();
            assert_eq!(back, mine, "{len}");
        }
    }
}

/// Whatever a single descriptor says.
#[test]
fn a_descriptor_of_every_length() {
    let chip = chip();
    let pool = chip.allocate(8 * SIZE);
    let (mut ring, device) = rx_ring(&chip, 8);
    post(&mut ring, &pool, 0..7);
    let _ = ring.doorbell(Refill::Now);
    for len in 0..=usize::from(u16::MAX) {
        device.set_word(len % 8 * 2 + 1, 3 | (len as u64) << 32);
        let got = all_of(&mut ring, &pool);
        let want = buffer(len % 7);
        match got.as_slice() {
            [Harvest::Frame(f)] => {
                assert!((1..=SIZE).contains(&len) && f.len as usize == len, "{len}");
                assert_eq!(f.buffer, want);
            }
            [Harvest::Dropped(DropReason::BadLength, b)] => {
                assert!(!(1..=SIZE).contains(&len), "{len}");
                assert_eq!(*b, want);
            }
            other => panic!("{len}: {other:?}"),
        }
    }
}

/// Bytes and order, through the chip.
#[test]
fn every_length_arrives_whole() {
    let chip = chip();
    let pool = chip.allocate(16 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 16);
    post(&mut ring, &pool, 0..15);
    ring.doorbell(Refill::Now).unwrap().ring(&chip);
    for len in 1..=LONGEST as usize {
        let sent: Vec<u8> = (0..len).map(|i| (i * 7 + i / 251 + len) as u8).collect();
        chip.receive(&sent);
        let got = ring.harvest();
        let Harvest::Frame(frame) = &got else {
            panic!("{len}: {got:?}")
        };
        let mut whole = vec![0; frame.buffer.0.len() * SIZE];
        for (i, part) in frame.buffer.0.iter().zip(whole.chunks_mut(SIZE)) {
            pool.read(i * SIZE, part);
        }
        whole.truncate(frame.len as usize);
        assert!(whole == sent, "{len}");
        for i in buffers(got) {
            post(&mut ring, &pool, i..i + 1);
        }
        ring.doorbell(Refill::Now).unwrap().ring(&chip);
    }
    assert_eq!(chip.faults(), []);
}

#[test]
fn one_tail_write_per_thirty_two_buffers() {
    let chip = chip();
    let pool = chip.allocate(256 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 256);
    chip.take_log();
    for i in 0..255 {
        post(&mut ring, &pool, i..i + 1);
        if let Some(bell) = ring.doorbell(Refill::Batch) {
            bell.ring(&chip);
        }
    }
    let log = chip.take_log();
    assert_eq!(log.len(), 7);
    assert_eq!(log[6], Access::Write(0x2818, 224));
    assert!(ring.doorbell(Refill::Batch).is_none());
    assert_eq!(ring.doorbell(Refill::Now).unwrap().value(), 255);
    assert!(ring.doorbell(Refill::Now).is_none());
}

#[test]
fn a_full_ring_pushes_back_and_goes_on_after_refill() {
    let chip = chip();
    let pool = chip.allocate(8 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 8);
    post(&mut ring, &pool, 0..7);
    ring.doorbell(Refill::Now).unwrap().ring(&chip);
    for i in 0..12u8 {
        chip.receive(&[i; 60]);
    }
    assert_eq!(chip.backlog(), 5);
    let mut seen = 0u8;
    for _ in 0..40 {
        match ring.harvest() {
            Harvest::Frame(f) => {
                let i = f.buffer.0[0];
                let mut b = [0; 60];
                pool.read(i * SIZE, &mut b);
                assert_eq!(b, [seen; 60]);
                seen += 1;
                post(&mut ring, &pool, i..i + 1);
            }
            Harvest::Empty => {
                if let Some(bell) = ring.doorbell(Refill::Now) {
                    bell.ring(&chip);
                }
            }
            Harvest::Dropped(why, _) => panic!("{why:?}"),
        }
    }
    assert_eq!((seen, chip.backlog()), (12, 0));
}

#[test]
fn write_back_is_decoded() {
    let chip = chip();
    let pool = chip.allocate(8 * SIZE);
    let (mut ring, device) = rx_ring(&chip, 8);
    post(&mut ring, &pool, 0..7);
    let _ = ring.doorbell(Refill::Now);
    // Hash DEADBEEF of type 1 on queue 1; good TCP with a stripped tag (82574L §5.2).
    device.set_word(0, 0xDEAD_BEEF_0000_0101);
    device.set_word(1, 0x2005_0040_0002_027B);
    let Harvest::Frame(f) = ring.harvest() else {
        panic!("no frame")
    };
    assert_eq!((f.len, f.vlan()), (64, Some(0x2005)));
    assert_eq!(f.rss(), (1, 1, 0xDEAD_BEEF));
    assert!(
        f.status()
            .contains(RxStatus::VP | RxStatus::IPCS | RxStatus::TCPCS | RxStatus::UDPCS)
    );
    // A wrong checksum is no damaged frame: software judges it.
    device.set_word(3, 0x0000_0040_6002_0273);
    assert!(matches!(ring.harvest(), Harvest::Frame(_)));
    device.set_word(5, 0x0000_0040_0100_0003);
    assert_eq!(
        ring.harvest(),
        Harvest::Dropped(DropReason::FrameError, buffer(2))
    );
}

#[test]
fn drain_and_refusals() {
    let chip: FakeChip = chip();
    let pool = chip.allocate(8 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 8);
    assert!(ring.post(0, buffer(5)).is_err(), "a null address");
    post(&mut ring, &pool, 0..5);
    let mut back = Vec::new();
    ring.drain(|b| back.extend(b.0));
    assert_eq!(back, [0, 1, 2, 3, 4]);
    assert_eq!((ring.posted(), ring.shown()), (0, 0));
    let bad = Rx::new(0, chip.allocate(128), slots(8), 1500, LONGEST);
    assert_eq!(bad.err(), Some(RingError::BufferSize));
    for (count, ok) in [
        (8, true),
        (24, true),
        (4096, true),
        (12, false),
        (0, false),
        (4104, false),
    ] {
        let ring = Rx::new(0, chip.allocate(4104 * 16), slots(count), 2048, LONGEST);
        assert_eq!(ring.is_ok(), ok, "{count}");
    }
}

#[test]
fn a_ring_of_any_multiple_of_eight_wraps() {
    let chip = chip();
    let pool = chip.allocate(24 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 24);
    post(&mut ring, &pool, 0..23);
    ring.doorbell(Refill::Now).unwrap().ring(&chip);
    for round in 0..100usize {
        let sent = [round as u8; 700];
        chip.receive(&sent);
        assert!(ring.is_pending());
        let got = ring.harvest();
        let Harvest::Frame(f) = &got else { panic!() };
        assert_eq!(f.len, 700);
        for i in buffers(got) {
            post(&mut ring, &pool, i..i + 1);
        }
        ring.doorbell(Refill::Now).unwrap().ring(&chip);
        assert!(!ring.is_pending());
    }
    assert_eq!((ring.posted(), chip.faults().len()), (23, 0));
}
