// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold for a receive ring whatever the device writes into it, and for what is read out of a descriptor.

// The driver's own tests, where there is no prelude of `std`, build this file as well.
use std::vec;
use std::vec::Vec;

use ndis_e1000e::hw::desc::RxStatus;
use ndis_e1000e::hw::fake::{FakeChip, FakeDma, Mode, Variant};
use ndis_e1000e::net::offload::{Claims, Offloads, can_fail, is_whole_ipv6};
use ndis_e1000e::ring::{Full, Harvest, Refill, RxBuffer, RxRing};

/// Bytes of a buffer.
const BYTES: u32 = 2048;
/// The longest frame of several buffers.
const LONGEST: u32 = 9018;

/// A buffer by its number, with those behind it.
struct Buffer(Vec<usize>);

impl RxBuffer for Buffer {
    fn append(&mut self, next: Self) {
        self.0.extend(next.0);
    }
}

/// Where a buffer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Here,
    Ring,
}

/// Takes a ring size and a program of what device and driver do, in turns. Returns how many frames were taken.
pub fn check(data: &[u8]) -> u32 {
    let Some((size, mut program)) = data.split_first() else {
        return 0;
    };
    let count = 8 + usize::from(size % 8) * 8;
    let chip = FakeChip::new(Variant::Qemu10, Mode::MsiX(5));
    let memory: FakeDma = chip.allocate(count * 16);
    let device = memory.alias();
    let slots = (0..count).map(|_| None).collect();
    let mut ring: RxRing<FakeDma, Buffer> =
        RxRing::new(0, memory, slots, BYTES, LONGEST).expect("a legal ring");
    let mut places = vec![Place::Here; count];
    let mut frames = 0;
    while let Some((&step, rest)) = program.split_first() {
        program = rest;
        match step % 4 {
            0 => post(&mut ring, &mut places),
            1 => frames += harvest(&mut ring, &mut places),
            _ => {
                let Some((word, rest)) = program.split_first_chunk::<8>() else {
                    break;
                };
                program = rest;
                device.set_word(
                    usize::from(step >> 2) % (2 * count),
                    u64::from_le_bytes(*word),
                );
            }
        }
        // A frame whose end is missing holds buffers that are not posted.
        let inside = places.iter().filter(|place| **place == Place::Ring).count();
        assert!(ring.posted() as usize <= inside && (ring.posted() as usize) < count);
        assert!(ring.shown() <= ring.posted());
    }
    ring.drain(|buffer| take(&mut places, &buffer.0));
    assert!(
        places.iter().all(|place| *place == Place::Here),
        "none is lost"
    );
    frames
}

/// Fills the ring and rings.
fn post(ring: &mut RxRing<FakeDma, Buffer>, places: &mut [Place]) {
    for (number, place) in places.iter_mut().enumerate() {
        if *place == Place::Here {
            match ring.post(0x1000 * (number as u64 + 1), Buffer(vec![number])) {
                Ok(()) => *place = Place::Ring,
                Err(Full(buffer)) => {
                    assert_eq!(buffer.0, [number]);
                    break;
                }
            }
        }
    }
    let _bell = ring.doorbell(Refill::Now);
}

/// Each buffer comes out once.
fn take(places: &mut [Place], numbers: &[usize]) {
    assert!(!numbers.is_empty());
    for number in numbers {
        assert_eq!(places[*number], Place::Ring, "a buffer twice");
        places[*number] = Place::Here;
    }
}

/// Everything that the ring gives.
fn harvest(ring: &mut RxRing<FakeDma, Buffer>, places: &mut [Place]) -> u32 {
    let mut frames = 0;
    let mut left = ring.shown();
    loop {
        match ring.harvest() {
            Harvest::Empty => return frames,
            Harvest::Dropped(_, buffer) => take(places, &buffer.0),
            Harvest::Frame(frame) => {
                frames += 1;
                let buffers = frame.buffer.0.len() as u32;
                assert!(frame.len >= 1 && frame.len <= buffers * BYTES);
                assert!(frame.len > (buffers - 1) * BYTES, "no buffer is empty");
                assert!(buffers == 1 || frame.len <= LONGEST);
                claims(frame.status(), frame.rss().2, frame.len);
                take(places, &frame.buffer.0);
            }
        }
        left = left
            .checked_sub(1)
            .expect("no descriptor is looked at twice");
    }
}

/// What a descriptor says about checksums is never both good and bad, and nothing where the chip did not look; `seed` makes
/// up a frame.
fn claims(status: RxStatus, seed: u32, len: u32) {
    let all = Claims::of(Offloads::RX | Offloads::IP4_ON | Offloads::IP6_ON);
    let claim = all.information(status);
    assert_eq!(claim & !0x3F, 0);
    assert_eq!(claim & claim >> 3 & 7, 0, "good and bad at once");
    assert!(claim == 0 || !status.contains(RxStatus::IXSM));
    assert_eq!(
        Claims::of(Offloads::RX).information(status),
        0,
        "nobody asked"
    );
    let mut frame = [0; 128];
    let mut state = seed;
    for byte in &mut frame {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    // An EtherType and a version that are looked at.
    frame[12..15].copy_from_slice(if seed & 1 == 0 {
        &[0x08, 0, 0x45]
    } else {
        &[0x86, 0xDD, 0x60]
    });
    let start = &frame[..frame.len().min(len as usize)];
    let _ = (is_whole_ipv6(start), can_fail(start, len));
}
