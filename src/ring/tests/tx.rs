// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmit ring on a well-behaved chip.

use super::super::dma::{DmaMem, RingError};
use super::super::tx::{MAX_SEGMENT, PushError, Segment, TxGroup, TxRequest, TxRules};
use super::std::vec;
use super::std::vec::Vec;
use super::{Tx, all, chip, some, tx_ring};
use crate::hw::desc::{TX_DD, TX_RS, TxContext, TxOptions};
use crate::hw::fake::Access;
use crate::hw::mmio::Mmio;

fn seg(mem: &impl DmaMem, at: u64, len: u32) -> Segment {
    Segment {
        address: mem.device_address() + at,
        len,
    }
}

#[test]
fn frames_leave_in_one_batch_with_one_write() {
    let chip = chip();
    let (mut ring, _) = tx_ring(&chip, 64);
    let data = chip.allocate(4096);
    data.write(0, &[0xAA; 100]);
    data.write(100, &[0xBB; 50]);
    chip.take_log();
    for cookie in 1..=20usize {
        ring.push(
            [seg(&data, 0, 100), seg(&data, 100, 50)].into_iter(),
            &TxRequest::default(),
            |g| g.push(cookie),
        )
        .unwrap();
    }
    assert_eq!(chip.take_log(), []);
    ring.doorbell().unwrap().ring(&chip);
    assert!(ring.doorbell().is_none());
    assert_eq!(chip.take_log(), [Access::Write(0x3818, 40)]);
    let sent = chip.take_sent();
    assert_eq!(sent.len(), 20);
    assert!(
        sent.iter()
            .all(|f| f[..100] == [0xAA; 100] && f[100..] == [0xBB; 50])
    );
    let mut back = Vec::new();
    assert_eq!(some(&mut ring, 1, &mut back), 16, "the stride");
    assert_eq!(some(&mut ring, 9, &mut back), 4);
    assert_eq!(back, (1..=20).collect::<Vec<_>>());
    assert!(ring.is_idle());
    assert_eq!(chip.take_log(), [], "completion touches no register");
    assert_eq!(chip.faults(), []);
}

#[test]
fn report_on_stride_and_on_the_last_of_a_batch() {
    let chip = chip();
    let (mut ring, device) = tx_ring(&chip, 64);
    let data = chip.allocate(64);
    for cookie in 0..20 {
        ring.push(
            [seg(&data, 0, 60)].into_iter(),
            &TxRequest::default(),
            |g| g.push(cookie),
        )
        .unwrap();
    }
    let _ = ring.doorbell().unwrap();
    let reports: Vec<usize> = (0..64)
        .filter(|i| device.word(i * 2 + 1) & TX_RS != 0)
        .collect();
    assert_eq!(reports, [15, 19]);
}

#[test]
fn nothing_completes_before_dd() {
    let chip = chip();
    let (mut ring, device) = tx_ring(&chip, 8);
    let data = chip.allocate(64);
    ring.push(
        [seg(&data, 0, 60)].into_iter(),
        &TxRequest::default(),
        |g| g.push(9),
    )
    .unwrap();
    assert_eq!(all(&mut ring), [], "not handed over");
    let _ = ring.doorbell().unwrap();
    assert_eq!(all(&mut ring), [], "not done");
    device.set_word(1, device.word(1) | TX_DD);
    assert_eq!(all(&mut ring), [9]);
}

#[test]
fn full_is_full_and_keeps_one_free() {
    let chip = chip();
    let (mut ring, _) = tx_ring(&chip, 8);
    let data = chip.allocate(64);
    let one = [seg(&data, 0, 60)];
    for c in 0..7 {
        ring.push(one.into_iter(), &TxRequest::default(), |g| g.push(c))
            .unwrap();
    }
    assert_eq!(ring.free(), 0);
    assert_eq!(
        ring.push(one.into_iter(), &TxRequest::default(), |g| g.push(7)),
        Err(PushError::Full)
    );
    ring.doorbell().unwrap().ring(&chip);
    assert_eq!(chip.take_sent().len(), 7);
    assert_eq!(all(&mut ring).len(), 7);
    assert_eq!(ring.free(), 7);
}

#[test]
fn odd_segments() {
    let chip = chip();
    let (mut ring, device) = tx_ring(&chip, 128);
    let data = chip.allocate(65536);
    let none = TxRequest::default();
    assert_eq!(
        ring.push([].into_iter(), &none, |g| g.push(1)),
        Err(PushError::Empty)
    );
    assert_eq!(
        ring.push([seg(&data, 0, 0)].into_iter(), &none, |g| g.push(1)),
        Err(PushError::Empty)
    );
    // Pieces of 0 bytes are left out, long ones cut.
    ring.push(
        [
            seg(&data, 0, 0),
            seg(&data, 0, MAX_SEGMENT + 1),
            seg(&data, 0, 0),
        ]
        .into_iter(),
        &none,
        |g| g.push(1),
    )
    .unwrap();
    assert_eq!(ring.tail_index(), 2);
    assert_eq!(
        device.word(2),
        data.device_address() + u64::from(MAX_SEGMENT)
    );
    let many = vec![seg(&data, 0, 1); 65];
    assert_eq!(
        ring.push(many.into_iter(), &none, |g| g.push(1)),
        Err(PushError::TooManySegments)
    );
    let huge = [Segment {
        address: u64::MAX,
        len: u32::MAX,
    }];
    assert_eq!(
        ring.push(huge.into_iter(), &none, |g| g.push(1)),
        Err(PushError::TooManySegments)
    );
    let (mut small, _) = tx_ring(&chip, 8);
    let eight = vec![seg(&data, 0, 1); 8];
    assert_eq!(
        small.push(eight.into_iter(), &none, |g| g.push(1)),
        Err(PushError::TooManySegments),
        "never fits"
    );
}

#[test]
fn context_only_when_it_changes() {
    let chip = chip();
    let data = chip.allocate(64);
    for (always, want) in [(false, 5), (true, 6)] {
        let (_, _) = tx_ring(&chip, 8);
        let mem = chip.allocate(64 * 16);
        let slots = vec![TxGroup::default(); 64].into_boxed_slice();
        let mut ring = Tx::new(
            1,
            mem,
            64,
            slots,
            TxRules {
                always_context: always,
            },
        )
        .unwrap();
        let tcp = TxContext {
            ip_start: 14,
            l4_start: 34,
            l4_checksum_at: 50,
            tcp: true,
            ipv4: true,
            ..TxContext::default()
        };
        let request = TxRequest {
            context: Some(tcp),
            options: TxOptions {
                l4_checksum: true,
                ..TxOptions::default()
            },
            ..TxRequest::default()
        };
        for c in 0..2 {
            ring.push([seg(&data, 0, 60)].into_iter(), &request, |g| g.push(c))
                .unwrap();
        }
        ring.push(
            [seg(&data, 0, 60)].into_iter(),
            &TxRequest::default(),
            |g| g.push(2),
        )
        .unwrap();
        ring.push(
            [seg(&data, 0, 60)].into_iter(),
            &TxRequest::default(),
            |g| g.push(3),
        )
        .unwrap();
        assert_eq!(ring.tail_index(), want);
    }
}

#[test]
fn descriptors_encode_by_the_table() {
    let options = TxOptions {
        ip_checksum: true,
        l4_checksum: true,
        tso: true,
        vlan: Some(0x2005),
    };
    let [address, second] = crate::hw::desc::tx_data(0x1_2345_6789, 0x5AB, true, options);
    assert_eq!(address, 0x1_2345_6789);
    assert_eq!(second, 0x2005_0300_6710_05AB | 1 << 29 | 1 << 30);
    let plain = crate::hw::desc::tx_data(0, 60, false, TxOptions::default())[1];
    assert_eq!(plain, 0x2210_003C);
    let context = TxContext {
        ip_start: 14,
        ip_checksum_at: 24,
        ip_end: 33,
        l4_start: 34,
        l4_checksum_at: 50,
        l4_end: 0,
        payload: 0x12345,
        header: 54,
        mss: 1460,
        tcp: true,
        ipv4: true,
        tso: true,
    };
    assert_eq!(
        context.encode(),
        [0x0000_3222_0021_180E, 0x05B4_3600_2701_2345]
    );
}

#[test]
fn drain_gives_back_everything_once() {
    let chip = chip();
    let (mut ring, _) = tx_ring(&chip, 16);
    let data = chip.allocate(64);
    for c in 0..3 {
        ring.push(
            [seg(&data, 0, 30), seg(&data, 0, 30)].into_iter(),
            &TxRequest::default(),
            |g| g.push(c),
        )
        .unwrap();
    }
    let _ = ring.doorbell();
    let mut back = Vec::new();
    ring.drain(|g| back.append(g));
    assert_eq!(back, [0, 1, 2]);
    assert_eq!((ring.free(), ring.tail_index()), (15, 0));
    ring.drain(|g| assert!(g.is_empty(), "twice"));
}

#[test]
fn bad_memory_is_refused() {
    let chip = chip();
    let new_with = |count: u32, groups: usize, bytes: usize, queue| {
        Tx::new(
            queue,
            chip.allocate(bytes),
            count,
            vec![TxGroup::default(); groups].into_boxed_slice(),
            TxRules::default(),
        )
        .err()
    };
    let new = |count: u32, bytes, queue| {
        new_with(count, (count as usize).next_power_of_two(), bytes, queue)
    };
    assert_eq!(new(8, 128, 0), None);
    assert_eq!(new(8, 128, 2), Some(RingError::Queue));
    assert_eq!(new(8, 127, 0), Some(RingError::TooSmall));
    assert_eq!(new(4, 128, 0), Some(RingError::Count));
    assert_eq!(new(0, 128, 0), Some(RingError::Count));
    assert_eq!(new(24, 384, 0), None, "no power of two");
    assert_eq!(new(20, 4096, 0), Some(RingError::Count));
    assert_eq!(new_with(24, 16, 384, 0), Some(RingError::Slots));
    assert_eq!(new_with(24, 24, 384, 0), Some(RingError::Slots));
    assert_eq!(new(8192, 1 << 20, 0), Some(RingError::Count));
}

#[test]
fn a_doorbell_after_removal_is_harmless() {
    let chip = chip();
    let (mut ring, _) = tx_ring(&chip, 8);
    let data = chip.allocate(64);
    ring.push(
        [seg(&data, 0, 60)].into_iter(),
        &TxRequest::default(),
        |g| g.push(1),
    )
    .unwrap();
    chip.mark_gone();
    chip.take_log();
    ring.doorbell().unwrap().ring(&chip);
    assert_eq!(chip.take_log(), []);
    let mut back = Vec::new();
    ring.drain(|g| back.append(g));
    assert_eq!(back, [1]);
}

#[test]
fn a_run_ends_with_its_group_or_with_the_ring() {
    let chip = chip();
    let (mut ring, device) = tx_ring(&chip, 32);
    let data = chip.allocate(64);
    let piece = seg(&data, 0, 60);
    let mut run_of = |most| {
        let mut done = 0;
        ring.push_run(most, |run, group| {
            while !run.is_over() {
                run.push(piece, TxOptions::default());
                group.push(0);
            }
            done = run.done();
        });
        done
    };
    let lengths = [0, 3, 100, 100, 100].map(&mut run_of);
    assert_eq!(lengths, [0, 3, 13, 15, 0], "16 a group, and one stays free");
    assert_eq!(ring.free(), 0);
    let reports: Vec<usize> = (0..32)
        .filter(|i| device.word(i * 2 + 1) & TX_RS != 0)
        .collect();
    assert_eq!(reports, [15]);
    assert!(ring.doorbell().is_some());
    assert_ne!(device.word(30 * 2 + 1) & TX_RS, 0, "the last of a batch");
}

#[test]
fn a_frame_in_one_piece_is_like_any_other() {
    let chip = chip();
    let (mut ring, device) = tx_ring(&chip, 32);
    let data = chip.allocate(64);
    data.write(0, &[0x5A; 60]);
    let piece = seg(&data, 0, 60);
    for cookie in 0..20 {
        ring.push_one(piece, TxOptions::default(), |g| g.push(cookie));
    }
    let _ = ring.doorbell().unwrap();
    let reports: Vec<usize> = (0..32)
        .filter(|i| device.word(i * 2 + 1) & TX_RS != 0)
        .collect();
    assert_eq!(reports, [15, 19], "the stride holds");
    let (mut other, twin) = tx_ring(&chip, 32);
    other
        .push([piece].into_iter(), &TxRequest::default(), |g| g.push(0))
        .unwrap();
    assert_eq!(
        [device.word(0), device.word(1)],
        [twin.word(0), twin.word(1)]
    );
    // One descriptor stays free.
    for cookie in 20..31 {
        ring.push_one(piece, TxOptions::default(), |g| g.push(cookie));
    }
    assert_eq!(ring.free(), 0);
}

#[test]
fn pieces_that_are_not_the_frame_are_taken_back() {
    let chip = chip();
    let (mut ring, _) = tx_ring(&chip, 16);
    let data = chip.allocate(64);
    let request = TxRequest {
        length: 61,
        ..TxRequest::default()
    };
    let before = ring.free();
    let pieces = [seg(&data, 0, 30), seg(&data, 30, 30)];
    let pushed = ring.push(pieces.into_iter(), &request, |g| g.push(1));
    assert_eq!(pushed, Err(PushError::WrongLength));
    assert_eq!(ring.free(), before);
    assert!(ring.doorbell().is_none(), "nothing of it is handed over");
}

#[test]
fn enough_is_enough_and_the_rest_comes_later() {
    let chip = chip();
    let (mut ring, _) = tx_ring(&chip, 64);
    let data = chip.allocate(64);
    for cookie in 1..=40 {
        ring.push_one(seg(&data, 0, 60), TxOptions::default(), |g| g.push(cookie));
    }
    ring.doorbell().unwrap().ring(&chip);
    let mut back = Vec::new();
    for (free, count) in [(39, 16), (55, 16), (63, 8), (63, 0)] {
        assert_eq!(some(&mut ring, 1, &mut back), count);
        assert_eq!(ring.free(), free);
    }
    assert_eq!(back, (1..=40).collect::<Vec<_>>());
}

#[test]
fn the_newest_group_can_be_changed_until_it_comes_back() {
    let chip = chip();
    let (mut ring, _) = tx_ring(&chip, 64);
    let data = chip.allocate(64);
    assert!(ring.newest().is_none(), "no frame");
    for cookie in 1..=17 {
        ring.push_one(seg(&data, 0, 60), TxOptions::default(), |g| g.push(cookie));
        // The 16th frame ends a group, and belongs to it.
        if cookie >= 16 {
            ring.newest().unwrap().push(100 + cookie);
        }
    }
    ring.doorbell().unwrap().ring(&chip);
    ring.newest().unwrap().push(200);
    assert_eq!(all(&mut ring)[15..], [16, 116, 17, 117, 200]);
    assert!(ring.newest().is_none(), "all of them are complete");
}
