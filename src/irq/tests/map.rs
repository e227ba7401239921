// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grant → map → registers.

use super::super::map::{Grant, Messages, Reason, Roles, VectorMap};
use super::super::setup::{Arming, Setup};
use super::super::{Kind, moderation};
use super::std::vec::Vec;
use super::{SETUPS, options};
use crate::hw::bits::IntCause;
use crate::hw::ivar::{Ivar, Source};
use moderation::{Moderation, Sample, Sampler, Step, interval_for_rate};

#[test]
fn ladder() {
    let names = |messages| {
        let map = VectorMap::from_grant(Grant::MsiX { messages });
        (0..map.len())
            .map(|i| map.roles(i).name())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names(5), "rx0 rx1 tx0 tx1 other");
    assert_eq!(names(4), "rx tx other");
    assert_eq!(names(3), "rx tx other");
    assert_eq!(names(2), "queues other");
    assert_eq!(names(1), "all");
    assert_eq!(names(0), "all");
    assert_eq!(names(2048), "rx0 rx1 tx0 tx1 other");
    for grant in [Grant::Msi, Grant::Line { shared: true }] {
        let map = VectorMap::from_grant(grant);
        assert_eq!((map.len(), map.roles(0)), (1, Roles::all()));
        assert_eq!(map.ivar(), Ivar::new());
    }
}

#[test]
fn every_cause_has_one_vector_below_the_grant() {
    for messages in 1..=9 {
        let map = VectorMap::from_grant(Grant::MsiX { messages });
        let ivar = map.ivar();
        assert_eq!(ivar.bits() >> 20, 0, "bit 31 and the rest stay clear");
        for (source, role) in [
            (Source::Rx0, Roles::RX0),
            (Source::Rx1, Roles::RX1),
            (Source::Tx0, Roles::TX0),
            (Source::Tx1, Roles::TX1),
            (Source::Other, Roles::OTHER),
        ] {
            let vector = ivar.vector(source).expect("routed");
            assert!(u32::from(vector) < messages);
            assert!(map.roles(usize::from(vector)).contains(role));
        }
    }
}

#[test]
fn set_up_by_the_table() {
    let five = Setup::plan(Grant::MsiX { messages: 5 }, options(200, false));
    assert_eq!(five.map.ivar().bits(), 0x000C_BA98);
    assert_eq!(five.eiac, IntCause::QUEUES);
    assert_eq!(five.enabled().bits(), 0x01F7_0244);
    assert_eq!((five.arming, five.iam.bits()), (Arming::AlwaysArmed, 0));
    let mut one_queue = options(0, false);
    one_queue.rx_queues = 1;
    one_queue.tx_queues = 1;
    let three = Setup::plan(Grant::MsiX { messages: 3 }, one_queue);
    assert_eq!(three.enabled().bits(), 0x0157_0244);
    assert_eq!(three.eiac.bits(), 0x0050_0000);
    assert_eq!(
        (three.arming, three.iam.bits()),
        (Arming::AutoMask, u32::MAX)
    );
    let msi = Setup::plan(Grant::Msi, options(0, false));
    assert_eq!(
        (msi.arming, msi.eiac.bits(), msi.iam.bits()),
        (Arming::AlwaysArmed, 0, 0)
    );
}

#[test]
fn masks_are_disjoint() {
    for (grant, interval, masked) in SETUPS {
        let setup = Setup::plan(grant, options(interval, masked));
        let sum: u32 = setup.ims.iter().map(|c| c.bits().count_ones()).sum();
        assert_eq!(sum, setup.enabled().bits().count_ones());
        assert!(!setup.enabled().contains(IntCause::TXQE));
        if setup.map.kind() != Kind::MsiX {
            assert_eq!(setup.enabled() & IntCause::QUEUES, IntCause::empty());
        }
    }
}

#[test]
fn moderation_values() {
    assert_eq!(interval_for_rate(20_000), 195);
    assert_eq!(interval_for_rate(0), 0);
    assert_eq!(interval_for_rate(u32::MAX), 1);
    assert_eq!(interval_for_rate(1), u16::MAX);
    assert_eq!(Moderation::from_keyword(0).initial_interval(), 0);
    assert_eq!(Moderation::from_keyword(3600), Moderation::Fixed(3600));
    assert_eq!(Moderation::from_keyword(65_535), Moderation::Adaptive);
    assert_eq!(Moderation::from_keyword(u32::MAX), Moderation::Adaptive);
    assert_ne!(Moderation::Adaptive.initial_interval(), 0);
}

#[test]
fn adaptive_steps_follow_the_load() {
    let bulk = Sample {
        passes: 32,
        packets: 32 * 64,
        bytes: 32 * 64 * 1514,
    };
    let thin = Sample {
        passes: 32,
        packets: 32,
        bytes: 32 * 60,
    };
    let mut step = Step::LowestLatency;
    step = step.next(bulk);
    assert_eq!(step, Step::LowLatency, "one step at a time");
    step = step.next(bulk);
    assert_eq!(step, Step::Bulk);
    assert_eq!(step.next(bulk), Step::Bulk);
    assert_eq!(step.next(Sample::default()), Step::Bulk);
    assert_eq!(step.next(thin), Step::LowestLatency);
    let huge = Sample {
        passes: (1 << 8) - 1,
        packets: (1 << 20) - 1,
        bytes: (1 << 36) - 1,
    };
    assert_eq!(Step::LowLatency.next(huge), Step::Bulk);
}

#[test]
fn a_load_near_a_threshold_does_not_swing() {
    // Whatever the mean, a step that was taken up is not taken back by the same load, and the reverse.
    for size in [60, 300, 900, 1514, 9014] {
        for mean in 1..=200 {
            let sample = Sample {
                passes: 32,
                packets: 32 * mean,
                bytes: 32 * mean * size,
            };
            for start in [Step::LowestLatency, Step::LowLatency, Step::Bulk] {
                let mut step = start;
                for _ in 0..4 {
                    step = step.next(sample);
                }
                assert_eq!(
                    step.next(sample),
                    step,
                    "{size} bytes, {mean} frames a pass"
                );
            }
        }
    }
}

#[test]
fn sampler_is_one_snapshot() {
    let s = Sampler::new();
    for pass in 1..Sampler::WINDOW {
        assert_eq!(s.add(3, 4500), None, "pass {pass}");
    }
    let window = Sample {
        passes: 32,
        packets: 31 * 3 + 256,
        bytes: 31 * 4500 + 256 * 9000,
    };
    assert_eq!(s.add(256, 256 * 9000), Some(window));
    assert_eq!(s.add(1, 60), None, "starts anew");
    let full = Sampler::new();
    let mut last = None;
    for _ in 0..Sampler::WINDOW {
        last = full.add((1 << 15) - 1, (1 << 31) - 1);
    }
    let full = Sample {
        passes: 32,
        packets: 32 * ((1 << 15) - 1),
        bytes: 32 * ((1 << 31) - 1),
    };
    assert_eq!(last, Some(full), "fields do not run into each other");
}

#[test]
fn the_ladder_leaves_dead_messages_out() {
    let five = Grant::MsiX { messages: 5 };
    for bits in 0..32u8 {
        let mut dead = Messages::NONE;
        for message in (0..5).filter(|m| bits & (1 << m) != 0) {
            dead.insert(message);
        }
        assert_eq!(dead.bits(), bits);
        let map = VectorMap::without(five, dead);
        let usable = 5 - bits.count_ones();
        let Some(map) = map else {
            assert_eq!(usable, 0);
            continue;
        };
        let (len, reason) = match usable {
            5 => (5, Reason::MessagePerCause),
            3 | 4 => (3, Reason::FewMessages),
            2 => (2, Reason::TwoMessages),
            1 => (1, Reason::OneMessage),
            _ => panic!("a map over nothing"),
        };
        assert_eq!((map.len(), map.reason(), map.dead()), (len, reason, dead));
        let mut served = Roles::empty();
        for message in 0..5 {
            let roles = map.roles(message);
            assert!(roles.is_empty() || !dead.contains(message));
            assert!(!roles.intersects(served), "one vector per role");
            served |= roles;
        }
        assert_eq!(served, Roles::all());
        // The chip is told the same.
        for (source, role) in [(Source::Rx0, Roles::RX0), (Source::Other, Roles::OTHER)] {
            let vector = usize::from(map.ivar().vector(source).expect("routed"));
            assert!(map.roles(vector).contains(role));
        }
    }
    let mut first = Messages::NONE;
    first.insert(0);
    first.insert(7);
    assert_eq!(first.bits(), 1, "beyond the chip: ignored");
    assert!(VectorMap::without(Grant::Msi, first).is_none());
    assert!(VectorMap::without(Grant::Line { shared: true }, first).is_none());
}

#[test]
fn the_record_is_laid_out_as_written() {
    use super::super::report::{BYTES, encode, rate};
    let irq = super::super::Interrupts::new();
    let setup = Setup::plan(Grant::MsiX { messages: 3 }, options(200, false));
    let record = irq.record(1).expect("vector 1");
    record.self_tested(Some(7));
    record.isr_took(40);
    record.isr_took(30);
    record.dpc_took(50);
    record.handled(9);
    record.handled(2);
    assert!(irq.isr_message(1).claimed);
    let bytes = encode(&setup.map, 3, 0x1122_3344_5566, &irq.entries(&setup));
    assert_eq!(bytes.len(), 472);
    assert_eq!(BYTES, 472);
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!([0, 4, 8, 12, 16, 20].map(word), [1, 472, 3, 2, 3, 0]);
    assert_eq!(long(24), 0x1122_3344_5566);
    let tx = 32 + 88;
    assert_eq!(word(tx), u32::from(setup.roles(1).bits()));
    assert_eq!(word(tx + 4), 7);
    assert_eq!(word(32 + 4), u32::MAX, "not tested");
    let numbers: Vec<u64> = (0..10).map(|n| long(tx + 8 + 8 * n)).collect();
    assert_eq!(numbers, [1, 1, 0, 0, 0, 0, 0, 11, 40, 50]);
    assert_eq!(word(32 + 4 * 88), 0, "message 4 has no role");
    let distinct = super::super::record::Entry {
        roles: Roles::OTHER,
        self_test_us: 20,
        fired: 21,
        claimed: 22,
        not_mine: 23,
        passes: 24,
        empty: 25,
        rearmed: 26,
        throttled: 27,
        frames: 28,
        longest_isr: 29,
        longest_dpc: 30,
    };
    let bytes = encode(&setup.map, 3, 0, &[distinct; 5]);
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    for entry in 0..5 {
        for n in 0..10 {
            assert_eq!(long(32 + 88 * entry + 8 + 8 * n), 21 + n as u64);
        }
    }

    assert_eq!(rate(3_000_000_000, 10_000_000, 10_000_000), 3_000_000_000);
    assert_eq!(rate(15, 10, 1_000_000), 1_500_000);
    assert_eq!(rate(1, 0, 5), 0);
    // Three days at 3 GHz and 10 MHz.
    let (cycles, ticks) = (3_000_000_000 * 259_200, 10_000_000 * 259_200);
    let hertz = rate(cycles, ticks, 10_000_000);
    assert!(hertz.abs_diff(3_000_000_000) < 10, "{hertz}");
}
