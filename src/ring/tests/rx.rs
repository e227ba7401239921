// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receive ring on a well-behaved chip.

use super::super::dma::{DmaMem, RingError};
use super::super::rx::{DropReason, Full, Harvest, Refill, RxSlot};
use super::std::vec;
use super::std::vec::Vec;
use super::{Rx, chip, rx_ring};
use crate::hw::desc::RxStatus;
use crate::hw::fake::{Access, FakeChip, FakeDma};

const SIZE: usize = 2048;

/// Posts buffers `from..to` of `pool`, cookie = index + 1000.
fn post(ring: &mut Rx, pool: &FakeDma, range: core::ops::Range<usize>) {
    for i in range {
        ring.post(pool.device_address() + (i * SIZE) as u64, i + 1000)
            .unwrap();
    }
}

fn frame_of(ring: &mut Rx, pool: &FakeDma) -> Option<Vec<u8>> {
    let Harvest::Frame(f) = ring.harvest() else {
        return None;
    };
    let mut out = Vec::new();
    for p in f.parts.as_slice() {
        let mut b = vec![0; p.len as usize];
        pool.read((p.cookie - 1000) * SIZE, &mut b);
        out.extend_from_slice(&b);
    }
    assert_eq!(out.len(), f.len as usize);
    Some(out)
}

#[test]
fn frames_arrive_whole() {
    let chip = chip();
    let pool = chip.allocate(64 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 64);
    post(&mut ring, &pool, 0..63);
    assert_eq!(ring.post(1, 0), Err(Full), "one stays free");
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
                let p = f.parts.as_slice()[0];
                let mut b = [0; 60];
                pool.read((p.cookie - 1000) * SIZE, &mut b);
                assert_eq!(b, [seen; 60]);
                seen += 1;
                post(&mut ring, &pool, p.cookie - 1000..p.cookie - 999);
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
    assert_eq!(
        (f.len, f.vlan, f.hash, f.rss_type),
        (64, Some(0x2005), 0xDEAD_BEEF, 1)
    );
    assert!(
        f.status
            .contains(RxStatus::VP | RxStatus::IPCS | RxStatus::TCPCS | RxStatus::UDPCS)
    );
    // A wrong checksum is no damaged frame: software judges it.
    device.set_word(3, 0x0000_0040_6002_0273);
    assert!(matches!(ring.harvest(), Harvest::Frame(_)));
    device.set_word(5, 0x0000_0040_0100_0003);
    assert!(
        matches!(ring.harvest(), Harvest::Dropped(DropReason::FrameError, p) if p.as_slice().len() == 1)
    );
}

#[test]
fn drain_and_refusals() {
    let chip: FakeChip = chip();
    let pool = chip.allocate(8 * SIZE);
    let (mut ring, _) = rx_ring(&chip, 8);
    assert_eq!(ring.post(0, 5), Err(Full), "a null address");
    post(&mut ring, &pool, 0..5);
    let mut back = Vec::new();
    assert_eq!(ring.drain(|c| back.push(c)), 5);
    assert_eq!(back, [1000, 1001, 1002, 1003, 1004]);
    assert_eq!(ring.posted(), 0);
    let bad = Rx::new(0, chip.allocate(128), vec![RxSlot::default(); 8], 1500);
    assert_eq!(bad.err(), Some(RingError::BufferSize));
}
