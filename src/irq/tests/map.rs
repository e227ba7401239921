// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grant → map → registers.

use super::super::map::{Grant, Roles, VectorMap};
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
        packets: 64,
        bytes: 64 * 1514,
    };
    let thin = Sample {
        packets: 1,
        bytes: 60,
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
        packets: (1 << 24) - 1,
        bytes: (1 << 40) - 1,
    };
    assert_eq!(Step::LowLatency.next(huge), Step::Bulk);
}

#[test]
fn sampler_is_one_snapshot() {
    let s = Sampler::new();
    s.add(3, 4500);
    s.add(1, 60);
    assert_eq!(
        s.take(),
        Sample {
            packets: 4,
            bytes: 4560
        }
    );
    assert_eq!(s.take(), Sample::default());
}
