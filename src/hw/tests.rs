// SPDX-License-Identifier: MIT OR Apache-2.0
//! Host tests of the hardware layer on the fake chip.

#[allow(unused_extern_crates)]
extern crate std;

use super::bits::{Ctrl, CtrlExt, IntCause, Rctl, Status};
use super::errata::{Errata, TABLE};
use super::fake::{FakeChip, FakeDelay, MAC, Mode, VARIANTS, Variant};
use super::filter::{Accept, HashTable};
use super::link::{Link, LinkConfig, Pause, Speed};
use super::mmio::{ALL_ONES, Mmio, MmioBar, Offset};
use super::queue::RxConfig;
use super::reset::{self, ResetError};
use super::{filter, link, nvm, phy, queue, regs, stats};
use core::ptr::NonNull;
use std::vec;

fn chip(variant: Variant) -> FakeChip {
    FakeChip::new(variant, Mode::MsiX(5))
}

#[test]
fn the_mapped_bar_checks_its_size_and_stops_when_gone() {
    let mut memory = vec![0u32; 0x2_0000 / 4];
    memory[2] = 0x0008_0283;
    let base = NonNull::new(memory.as_mut_ptr()).unwrap();
    // SAFETY: refused because of its length; nothing is accessed.
    assert!(unsafe { MmioBar::new(base, 0x1_FFFF) }.is_none());
    // SAFETY: the vector outlives the value, is aligned and large enough.
    let bar = unsafe { MmioBar::new(base, 0x2_0000) }.unwrap();
    assert!(regs::STATUS.read(&bar).contains(Status::LU));
    regs::CTRL.write(&bar, Ctrl::SLU);
    assert_eq!(bar.read32(Offset::new(0)), Ctrl::SLU.bits());
    bar.write32(Offset::new(0x1_FFFC), 7);
    bar.mark_gone();
    regs::CTRL.write(&bar, Ctrl::RST);
    assert_eq!(regs::STATUS.read(&bar).bits(), ALL_ONES);
    assert_eq!((memory[0], memory[0x7FFF]), (Ctrl::SLU.bits(), 7));
}

#[test]
fn register_arrays_end() {
    assert!(regs::EITR.get(4).is_some() && regs::EITR.get(5).is_none());
    assert_eq!(regs::RAH.get(15).unwrap().offset().bytes(), 0x547C);
    assert_eq!(regs::TDT_Q.get(1).unwrap().offset(), Offset::new(0x3918));
    assert_eq!(regs::STATISTICS.get(73).unwrap().offset().bytes(), 0x4124);
}

#[test]
fn reset_leaves_nothing_to_inherit_on_any_variant() {
    for variant in VARIANTS {
        let c = chip(variant);
        let delay = FakeDelay::default();
        // A life before: rings, mask, filters, receiver and transmitter on.
        for q in 0..2 {
            queue::program_rx(&c, q, 0x1_0000_0000, 4096);
            queue::program_tx(&c, q, 0x2_0000_0000, 4096);
        }
        queue::set_rx_enabled(&c, true);
        queue::set_tx_enabled(&c, true);
        regs::IMS.write(&c, IntCause::LSC);
        regs::IVAR.write(&c, 0x000C_BA98);
        HashTable::of([&[1, 0, 0x5E, 0, 0, 1]]).write(&c);
        filter::set_receive_address(&c, 7, Some([2, 0, 0, 0, 0, 7]));
        c.event(IntCause::LSC | IntCause::TXQE);

        reset::global_reset(&c, &delay, Errata::default()).unwrap();
        reset::init_defaults(&c, Errata::default());
        for at in [
            0x100, 0x400, 0x2808, 0x2818, 0x2908, 0x3808, 0x3818, 0x3908, 0xE4, 0xDC, 0xE0,
        ] {
            assert_eq!(c.peek(at), 0, "{variant:?} {at:x}");
        }
        assert!((0x5200..0x5400).step_by(4).all(|at| c.peek(at) == 0));
        assert!((0x5400..0x5480).step_by(4).all(|at| c.peek(at) == 0));
        assert_eq!(c.icr_ims(), (IntCause::empty(), IntCause::empty()));
        assert_eq!(c.peek(0x38), 0x8100);
        let ctrl = Ctrl::from_bits_retain(c.peek(0));
        assert!(!ctrl.intersects(Ctrl::GIO_MASTER_DISABLE | Ctrl::RST | Ctrl::RESERVED_29));
        let ext = CtrlExt::from_bits_retain(c.peek(0x18));
        assert!(
            ext.contains(CtrlExt::DRV_LOAD | CtrlExt::SET_22) && !ext.contains(CtrlExt::CLEAR_23)
        );
        assert!(delay.waited_us() < 300_000);
    }
}

#[test]
fn every_wait_is_bounded_when_the_chip_is_gone() {
    let c = chip(Variant::Silicon);
    c.remove();
    let delay = FakeDelay::default();
    assert_eq!(
        reset::global_reset(&c, &delay, Errata::default()),
        Err(ResetError::Gone)
    );
    reset::stop(&c, &delay);
    assert!(delay.waited_us() <= 130_000);
    assert_eq!(phy::identifier(&c, &delay), Err(phy::PhyError::Gone));
    assert!(nvm::read_mac(&c, &delay).is_err());
    assert_eq!(link::read(&c), Link::Down);
    let mut s = stats::Statistics::default();
    s.update(&c);
    assert_eq!(s, stats::Statistics::default());
}

#[test]
fn nvm_and_phy() {
    let c = chip(Variant::Qemu72);
    let delay = FakeDelay::default();
    assert_eq!(nvm::read_mac(&c, &delay), Ok(MAC));
    assert_eq!(nvm::checksum_ok(&c, &delay), Ok(true));
    assert_eq!(nvm::read_word(&c, &delay, 0x0D), Ok(0x10D3));
    assert_eq!(nvm::read_word(&c, &delay, 64), Err(nvm::NvmError::Timeout));
    assert_eq!(delay.waited_us(), 50_000);
    assert!(!nvm::is_station_address(&[0; 6]) && !nvm::is_station_address(&[1, 0, 0, 0, 0, 1]));
    assert!(!nvm::is_station_address(&[0xFF; 6]));
    assert_eq!(phy::identifier(&c, &delay), Ok(0x0141_0CB1));
}

#[test]
fn link_comes_back_with_an_interrupt_after_set_up() {
    let c = chip(Variant::Qemu10);
    let delay = FakeDelay::default();
    assert!(matches!(link::read(&c), Link::Up { .. }));
    let both = Pause { rx: true, tx: true };
    link::setup(&c, &delay, LinkConfig::Auto, both).unwrap();
    assert_eq!(link::read(&c), Link::Down);
    c.finish_negotiation();
    let up = link::read(&c);
    assert_eq!(
        up,
        Link::Up {
            speed: Speed::M1000,
            full_duplex: true
        }
    );
    assert!(c.icr_ims().0.contains(IntCause::LSC));
    // LPA 47E0 has symmetric pause.
    assert_eq!(link::apply_flow_control(&c, &delay, up, both), Ok(both));
    let none = Pause::default();
    assert_eq!(link::apply_flow_control(&c, &delay, up, none), Ok(none));
    assert!(!Ctrl::from_bits_retain(c.peek(0)).intersects(Ctrl::RFCE | Ctrl::TFCE));
    c.unplug();
    assert_eq!(link::read(&c), Link::Down);
}

#[test]
fn forced_speeds() {
    let c = chip(Variant::Qemu10);
    let delay = FakeDelay::default();
    for (speed, full_duplex) in [(Speed::M100, true), (Speed::M10, false), (Speed::M10, true)] {
        link::setup(
            &c,
            &delay,
            LinkConfig::Forced { speed, full_duplex },
            Pause::default(),
        )
        .unwrap();
        assert_eq!(link::read(&c), Link::Up { speed, full_duplex });
    }
    // 1000 Mb/s is negotiated, never forced.
    link::setup(
        &c,
        &delay,
        LinkConfig::Forced {
            speed: Speed::M1000,
            full_duplex: true,
        },
        Pause::default(),
    )
    .unwrap();
    assert!(!Ctrl::from_bits_retain(c.peek(0)).intersects(Ctrl::FRCSPD | Ctrl::FRCDPX));
    assert_eq!(Speed::M1000.mbps(), 1000);
}

#[test]
fn pause_resolution_by_the_standard() {
    const P: u16 = phy::PAUSE;
    const A: u16 = phy::PAUSE_ASYM;
    let both = Pause { rx: true, tx: true };
    let none = Pause::default();
    for (own, partner, want) in [
        (0, P | A, none),
        (P, P, both),
        (P | A, P, both),
        (P | A, P | A, both),
        (
            A,
            P | A,
            Pause {
                rx: false,
                tx: true,
            },
        ),
        (
            P | A,
            A,
            Pause {
                rx: true,
                tx: false,
            },
        ),
        (A, A, none),
        (P, A, none),
        (A, P, none),
    ] {
        assert_eq!(
            link::resolve_pause(own, partner),
            want,
            "{own:x} {partner:x}"
        );
    }
}

#[test]
fn multicast_hash_as_measured() {
    let mac = [0x01, 0xAA, 0x00, 0x12, 0x34, 0x56];
    assert_eq!(filter::multicast_hash(&mac), 0x563);
    let table = HashTable::of([&mac]);
    assert!(table.contains(&mac) && !table.contains(&[1, 0, 0x5E, 0, 0, 1]));
    let c = chip(Variant::Qemu10);
    table.write(&c);
    assert_eq!(c.peek(0x5200 + (0x563 >> 5) * 4), 1 << (0x563 & 31));
}

#[test]
fn the_packet_buffer_holds_two_frames_to_send_and_one_received() {
    let c = FakeChip::new(Variant::Qemu10, Mode::MsiX(5));
    for (longest, receive) in [(1522, 32), (4096, 31), (9022, 22), (16_000, 16)] {
        queue::split_packet_buffer(&c, longest);
        assert_eq!(c.peek(0x1000), receive, "{longest}");
        assert!(receive << 10 >= longest);
    }
}

#[test]
fn filters_touch_only_their_bits() {
    let c = chip(Variant::Qemu10);
    let config = RxConfig {
        buffer_bytes: 2048,
        long_packets: true,
        checksum: true,
    };
    assert!(queue::init_rx_unit(&c, &config));
    assert!(!queue::init_rx_unit(
        &c,
        &RxConfig {
            buffer_bytes: 1500,
            ..config
        }
    ));
    queue::set_rx_enabled(&c, true);
    filter::set_accept(
        &c,
        Accept {
            promiscuous: true,
            ..Accept::default()
        },
    );
    let all = Rctl::from_bits_retain(c.peek(0x100));
    assert!(all.contains(Rctl::FILTER | Rctl::EN | Rctl::SECRC | Rctl::LPE));
    filter::set_accept(
        &c,
        Accept {
            broadcast: true,
            ..Accept::default()
        },
    );
    let some = Rctl::from_bits_retain(c.peek(0x100));
    assert!(some.contains(Rctl::BAM | Rctl::EN) && !some.intersects(Rctl::UPE | Rctl::MPE));
    assert_eq!(c.peek(0x5000), 0x2300);
    assert!(filter::set_receive_address(&c, 0, Some(MAC)));
    assert_eq!((c.peek(0x5400), c.peek(0x5404)), (0x1200_5452, 0x8000_5634));
    assert!(filter::set_receive_address(&c, 0, None));
    assert_eq!(c.peek(0x5404), 0);
    assert!(!filter::set_receive_address(&c, 16, None));
}

#[test]
fn counters_add_up_past_their_width() {
    let c = chip(Variant::Qemu10);
    let mut s = stats::Statistics::default();
    for _ in 0..3 {
        c.write32(Offset::new(0x4074), u32::MAX);
        c.write32(Offset::new(0x4088), 5);
        c.write32(Offset::new(0x408C), 1);
        s.update(&c);
    }
    s.update(&c);
    assert_eq!(s.good_received, 3 * u64::from(u32::MAX));
    assert_eq!(s.good_bytes_received, 3 * (1 << 32 | 5));
    s.clear(&c);
    assert_eq!(s.good_received, 0);
    // Undersized frames are errors where they were not delivered: on silicon, not in the model.
    let mut errors = vec![];
    for (undersized, total, good) in [(2, 2, 2), (2, 10, 8), (0, 0, 3), (1, 4, 0)] {
        for (at, value) in [(0x40A4, undersized), (0x40D0, total), (0x4074, good)] {
            c.write32(Offset::new(at), value);
        }
        s.update(&c);
        errors.push(s.bad_received());
    }
    assert_eq!(errors, [0, 2, 2, 3], "never less than before");
    c.write32(Offset::new(0x4000), 1);
    c.write32(Offset::new(0x40AC), 2);
    c.write32(Offset::new(0x4040), 2);
    s.update(&c);
    assert_eq!(s.bad_received(), 6, "a wrong length counts once");
    let name = |n| stats::Statistics::NAMES.iter().position(|name| *name == n);
    assert_eq!(name("oversized").map(|at| s.values()[at]), Some(2));
    assert_eq!(name("length_errors").map(|at| s.values()[at]), Some(2));
    // It goes while the counters are read: nothing of that reading counts.
    let before = s;
    c.vanish_after(10);
    s.update(&c);
    assert_eq!(s, before);
}

#[test]
fn flow_control_thresholds_stay_inside_the_fifo() {
    let c = chip(Variant::Qemu10);
    link::init_flow_control(&c, Pause { rx: true, tx: true }, 1522);
    let (low, high) = (c.peek(0x2160), c.peek(0x2168));
    assert!(high < 20 << 10 && low & !(1 << 31) == high - 8);
    link::init_flow_control(&c, Pause::default(), 1522);
    assert_eq!((c.peek(0x2160), c.peek(0x2168)), (0, 0));
}

#[test]
fn every_erratum_has_one_switch() {
    let mut seen = Errata::empty();
    for e in TABLE {
        assert!(!seen.intersects(e.switch) && e.switch.bits().count_ones() == 1);
        assert!(!e.problem.is_empty() && !e.cure.is_empty() && !e.source.is_empty());
        seen |= e.switch;
    }
    assert_eq!(seen, Errata::all());
    let c = chip(Variant::Silicon);
    super::errata::apply(&c, Errata::empty());
    assert_eq!(c.take_log(), []);
}

#[test]
fn vlan_filter_and_write_back_flush() {
    let c = chip(Variant::Qemu10);
    filter::set_vlan(&c, 5, true);
    filter::set_vlan(&c, 37, true);
    filter::set_vlan(&c, 4095, true);
    filter::set_vlan(&c, 4096, true);
    filter::set_vlan(&c, 5, false);
    assert_eq!((c.peek(0x5600), c.peek(0x5604)), (0, 1 << 5));
    assert_eq!(c.peek(0x57FC), 1 << 31);
    c.take_log();
    queue::flush_tx_write_back(&c);
    assert_eq!(c.take_counts(), (2, 2));
}
