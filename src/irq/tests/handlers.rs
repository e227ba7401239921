// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handlers one at a time: before start, unknown ids, disable and enable, stop, gone, neighbours, self-test.

use super::super::map::{Grant, Messages, Roles};
use super::super::vectors::{Dpc, End, Interrupts, Outcome};
use super::super::{Kind, Setup, selftest, setup};
use super::Rig;
use super::std::vec::Vec;
use crate::hw::bits::IntCause;
use crate::hw::fake::{FakeChip, FakeDelay, Mode, VARIANTS, Variant};
use crate::hw::regs;
use crate::hw::reset::Delay;
use core::cell::Cell;

fn data_cause(rig: &Rig) -> IntCause {
    if rig.setup.map.kind() == Kind::MsiX {
        IntCause::RXQ0
    } else {
        IntCause::RXT0
    }
}

#[test]
fn before_start_nothing_is_touched() {
    for mode in [Mode::Line, Mode::Msi, Mode::MsiX(5)] {
        let chip = FakeChip::new(Variant::Qemu10, mode);
        let irq = Interrupts::new();
        assert!(!irq.isr_line(&chip).claimed);
        for id in [0, 4, 5, 2047, u32::MAX] {
            let isr = irq.isr_message(id);
            assert!(isr.claimed && !isr.queue_dpc, "X-22");
            assert!(matches!(irq.dpc_begin(&chip, id), Dpc::Idle));
            irq.disable(&chip, id);
            irq.enable(&chip, id);
            irq.raise(&chip, id);
        }
        assert_eq!(chip.take_log(), []);
    }
}

#[test]
fn messages_without_a_role_are_harmless() {
    // Four messages, three roles.
    let rig = Rig::new(Variant::Qemu10, Grant::MsiX { messages: 4 }, 200, false);
    for id in [3, 4, 5, 77] {
        let isr = rig.irq.isr_message(id);
        assert!(isr.claimed && !isr.queue_dpc);
        assert!(matches!(rig.irq.dpc_begin(&rig.chip, id), Dpc::Idle));
        rig.irq.disable(&rig.chip, id);
        rig.irq.enable(&rig.chip, id);
    }
    assert_eq!(rig.chip.take_log(), []);
}

#[test]
fn duplicates_and_late_messages_end_in_an_empty_scan() {
    for rig in Rig::all().into_iter().filter(|r| !r.is_line()) {
        rig.chip.duplicate(0);
        rig.one_interrupt();
        rig.chip.event(data_cause(&rig));
        rig.one_interrupt();
        assert!(rig.chip.icr_ims().1.contains(rig.setup.ims[0]));
    }
}

#[test]
fn two_interrupts_before_the_dpc_keep_both_causes() {
    for variant in VARIANTS {
        let rig = Rig::new(variant, Grant::Line { shared: false }, 200, false);
        rig.chip.event(IntCause::LSC);
        assert!(rig.irq.isr_line(&rig.chip).queue_dpc);
        rig.chip.event(IntCause::RXT0);
        assert!(rig.irq.isr_line(&rig.chip).claimed);
        let work = rig.begin(0);
        assert!(work.link(), "X-27");
        assert!(work.causes().contains(IntCause::RXT0));
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Done),
            End::Finished
        );
    }
}

#[test]
fn an_interrupt_during_the_dpc_is_the_owners() {
    for rig in Rig::all() {
        rig.chip.event(data_cause(&rig));
        let isr = |rig: &Rig| {
            if rig.is_line() {
                rig.irq.isr_line(&rig.chip)
            } else {
                rig.irq.isr_message(rig.chip.take_message().unwrap_or(0))
            }
        };
        assert!(isr(&rig).queue_dpc);
        let work = rig.begin(0);
        assert!(matches!(rig.irq.dpc_begin(&rig.chip, 0), Dpc::Idle), "X-41");
        if !rig.setup.masked_icr_read {
            rig.chip.event(data_cause(&rig));
            assert!(!isr(&rig).queue_dpc);
        }
        assert_eq!(rig.irq.dpc_end(&rig.chip, work, Outcome::Done), End::Again);
    }
}

#[test]
fn disable_holds_through_a_running_dpc_and_enable_loses_nothing() {
    for rig in Rig::all() {
        rig.chip.event(data_cause(&rig));
        if rig.is_line() {
            rig.irq.isr_line(&rig.chip);
        } else {
            rig.irq.isr_message(rig.chip.take_message().unwrap());
        }
        let work = rig.begin(0);
        rig.irq.disable(&rig.chip, 0);
        // the DPC may not open it again, whatever it ended with.
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Done),
            End::Finished
        );
        assert!(!rig.chip.icr_ims().1.intersects(rig.setup.ims[0]));
        rig.chip.event(data_cause(&rig));
        assert!(rig.chip.take_message().is_none() && !rig.chip.line());
        // A late message while disabled: kept, no DPC.
        if !rig.is_line() {
            assert!(!rig.irq.isr_message(0).queue_dpc);
        }
        rig.irq.enable(&rig.chip, 0);
        rig.one_interrupt();
        // Opening the mask and raising the vector may make two messages.
        while let Some(message) = rig.chip.take_message() {
            assert!(rig.irq.isr_message(message).queue_dpc);
            let work = rig.begin(message);
            let _ = rig.irq.dpc_end(&rig.chip, work, Outcome::Done);
        }
        assert!(rig.chip.icr_ims().1.contains(rig.setup.ims[0]));
    }
}

#[test]
fn disabled_and_throttled_need_both_released() {
    for rig in Rig::all() {
        let work = rig.begin(0);
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Throttled),
            End::Throttled
        );
        rig.irq.disable(&rig.chip, 0);
        rig.irq.enable(&rig.chip, 0);
        assert!(!rig.chip.icr_ims().1.intersects(rig.setup.ims[0]), "X-43");
        let work = rig.begin(0);
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Done),
            End::Finished
        );
        assert!(rig.chip.icr_ims().1.contains(rig.setup.ims[0]));
    }
}

#[test]
fn stop_is_final() {
    for rig in Rig::all() {
        let work = rig.begin(0);
        rig.irq.stop(&rig.chip);
        rig.chip.take_log();
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Done),
            End::Finished
        );
        rig.irq.enable(&rig.chip, 0);
        rig.irq.disable(&rig.chip, 0);
        rig.irq.enable(&rig.chip, 0);
        rig.irq.raise(&rig.chip, 0);
        // A neighbour, a late message (82574L §4.6.7), a DPC that was queued before.
        assert!(!rig.irq.isr_line(&rig.chip).claimed);
        assert!(!rig.irq.isr_message(0).queue_dpc);
        assert!(matches!(rig.irq.dpc_begin(&rig.chip, 0), Dpc::Idle));
        assert_eq!(rig.chip.take_log(), []);
        assert_eq!(rig.chip.icr_ims().1, IntCause::empty());
        // And start brings it back.
        rig.irq.start(&rig.chip, &rig.setup);
        assert_eq!(rig.chip.icr_ims().1, rig.setup.enabled());
        rig.chip.event(data_cause(&rig));
        rig.one_interrupt();
    }
}

#[test]
fn requeue_ends_when_stopping() {
    let rig = Rig::new(Variant::Qemu72, Grant::Msi, 200, false);
    let work = rig.begin(0);
    rig.irq.stop(&rig.chip);
    assert_eq!(
        rig.irq.dpc_end(&rig.chip, work, Outcome::Requeue),
        End::Finished,
        "X-62"
    );
}

#[test]
fn gone_is_confirmed_once_and_then_nothing_is_touched() {
    for rig in Rig::all() {
        rig.chip.remove();
        if rig.is_line() {
            assert!(!rig.irq.isr_line(&rig.chip).claimed, "X-102");
        } else {
            for id in 0..5 {
                assert!(rig.irq.isr_message(id).claimed);
                if let Dpc::Run(work) = rig.irq.dpc_begin(&rig.chip, id) {
                    let _ = rig.irq.dpc_end(&rig.chip, work, Outcome::Done);
                }
            }
        }
        let (reads, _) = rig.chip.take_counts();
        assert_eq!(reads, 2, "ICR and STATUS");
        assert!(!rig.irq.isr_line(&rig.chip).claimed);
        assert!(matches!(rig.irq.dpc_begin(&rig.chip, 0), Dpc::Idle));
        rig.irq.disable(&rig.chip, 0);
        rig.irq.enable(&rig.chip, 0);
        rig.irq.stop(&rig.chip);
        assert_eq!(rig.chip.take_log(), []);
    }
}

#[test]
fn a_read_for_a_neighbour_while_masked_is_saved() {
    for variant in VARIANTS {
        for masked in [false, true] {
            let rig = Rig::new(variant, Grant::Line { shared: true }, 200, masked);
            rig.chip.event(IntCause::RXT0);
            assert!(rig.irq.isr_line(&rig.chip).claimed);
            let work = rig.begin(0);
            assert_eq!(
                rig.irq.dpc_end(&rig.chip, work, Outcome::Throttled),
                End::Throttled
            );
            let work = rig.begin(0);
            // The rings are scanned; then a frame comes, and a neighbour interrupts.
            rig.chip.event(IntCause::RXT0 | IntCause::LSC);
            assert!(!rig.irq.isr_line(&rig.chip).claimed, "X-101");
            assert_eq!(rig.irq.dpc_end(&rig.chip, work, Outcome::Done), End::Again);
            let work = rig.begin(0);
            assert!(work.link() && work.causes().contains(IntCause::RXT0));
            let _ = rig.irq.dpc_end(&rig.chip, work, Outcome::Done);
            assert_eq!(rig.chip.icr_ims().1, rig.setup.enabled());
        }
    }
}

#[test]
fn other_vector_puts_swallowed_queue_causes_back() {
    for variant in VARIANTS {
        let rig = Rig::new(variant, Grant::MsiX { messages: 5 }, 0, false);
        // Queue 0 masked and with a cause pending, as between its message and its DPC.
        rig.chip.event(IntCause::RXQ0);
        assert_eq!(rig.chip.take_message(), Some(0));
        assert!(rig.irq.isr_message(0).queue_dpc);
        let rx = rig.begin(0);
        rig.chip.event(IntCause::RXQ0 | IntCause::LSC);
        assert_eq!(rig.chip.take_message(), Some(4));
        assert!(rig.irq.isr_message(4).queue_dpc);
        let other = rig.begin(4);
        assert!(other.link() && other.roles() == Roles::OTHER);
        assert!(rig.chip.icr_ims().0.contains(IntCause::RXQ0));
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, other, Outcome::Done),
            End::Finished
        );
        // No storm on 7.2: LSC is gone from ICR before OTHER is armed again.
        assert_eq!(rig.chip.take_message(), None);
        let _ = rig.irq.dpc_end(&rig.chip, rx, Outcome::Done);
        assert_eq!(rig.chip.take_message(), Some(0), "scan-then-arm fires");
    }
}

#[test]
fn an_other_interrupt_without_a_cause_looks_at_the_link() {
    let rig = Rig::new(Variant::Qemu10, Grant::MsiX { messages: 3 }, 200, false);
    rig.chip.duplicate(2);
    assert!(rig.irq.isr_message(2).queue_dpc);
    let work = rig.begin(2);
    assert!(work.link());
    let _ = rig.irq.dpc_end(&rig.chip, work, Outcome::Done);
    rig.chip.event(IntCause::RXO);
    assert!(rig.irq.isr_message(2).queue_dpc);
    let work = rig.begin(2);
    assert!(!work.link() && work.overrun());
    let _ = rig.irq.dpc_end(&rig.chip, work, Outcome::Done);
}

/// Delivers what the chip raised while the self-test waits, but for the messages that are lost.
struct Deliver<'a> {
    chip: &'a FakeChip,
    irq: &'a Interrupts,
    /// Lost for good.
    deaf: Messages,
    /// So many deliveries are lost before any arrives.
    lost: Cell<u32>,
    time: FakeDelay,
}

impl<'a> Deliver<'a> {
    fn new(chip: &'a FakeChip, irq: &'a Interrupts, deaf: &[usize], lost: u32) -> Self {
        let mut messages = Messages::NONE;
        deaf.iter().for_each(|m| messages.insert(*m));
        Self {
            chip,
            irq,
            deaf: messages,
            lost: Cell::new(lost),
            time: FakeDelay::default(),
        }
    }

    fn deliver(&self) {
        let isr = if self.chip.line() && !self.deaf.contains(0) {
            Some((0, self.irq.isr_line(self.chip)))
        } else {
            match self.chip.take_message() {
                Some(_) if self.lost.get() > 0 => {
                    self.lost.set(self.lost.get() - 1);
                    None
                }
                Some(m) if !self.deaf.contains(m as usize) => Some((m, self.irq.isr_message(m))),
                _ => None,
            }
        };
        if let Some((message, isr)) = isr
            && isr.queue_dpc
            && let Dpc::Run(work) = self.irq.dpc_begin(self.chip, message)
        {
            let _ = self.irq.dpc_end(self.chip, work, Outcome::Done);
        }
    }
}

impl Delay for Deliver<'_> {
    fn stall_us(&self, us: u32) {
        self.time.stall_us(us);
        self.deliver();
    }
    fn sleep_ms(&self, ms: u32) {
        self.time.sleep_ms(ms);
        self.deliver();
    }
}

impl selftest::Clock for Deliver<'_> {
    fn elapsed_us(&self) -> u32 {
        self.time.waited_us() as u32
    }
}

#[test]
fn self_test_proves_each_vector_and_finds_a_deaf_one() {
    for rig in Rig::all() {
        let vectors = rig.setup.map.len();
        let good = Deliver::new(&rig.chip, &rig.irq, &[], 0);
        let report = selftest::run(&rig.irq, &rig.chip, &rig.setup, &good, 10_000);
        assert!(report.passed() && report.raised == vectors, "{report:?}");
        assert!(report.missing(&rig.setup).is_empty());
        assert!(good.time.waited_us() <= 50 * vectors as u64);
        for (message, entry) in rig.irq.entries(&rig.setup).iter().enumerate() {
            assert_eq!(entry.self_test_us != u32::MAX, message < vectors);
        }
    }
    for rig in Rig::all() {
        let last = rig.setup.map.len() - 1;
        let bad = Deliver::new(&rig.chip, &rig.irq, &[last], 0);
        let report = selftest::run(&rig.irq, &rig.chip, &rig.setup, &bad, 10_000);
        assert_eq!(report.missing(&rig.setup).bits(), 1 << last);
        assert!((10_000..=11_000).contains(&bad.time.waited_us()));
        assert_eq!(rig.irq.entries(&rig.setup)[last].self_test_us, u32::MAX);
    }
}

#[test]
fn one_lost_interrupt_is_no_broken_vector() {
    for rig in Rig::all().into_iter().filter(|rig| !rig.is_line()) {
        let clock = Deliver::new(&rig.chip, &rig.irq, &[], 1);
        let report = selftest::run(&rig.irq, &rig.chip, &rig.setup, &clock, 10_000);
        assert!(report.passed(), "{:?} {report:?}", rig.setup.map);
        assert!(clock.time.waited_us() < 8_000);
    }
}

/// A clock of which a sleep takes `sleep_us`, and one wait, at `jump.0`, `jump.1` longer than asked.
struct Jumping<'a> {
    chip: &'a Deliver<'a>,
    sleep_us: u64,
    jump: Cell<(u64, u64)>,
    begun_us: Cell<u64>,
    now_us: Cell<u64>,
}

impl Jumping<'_> {
    fn wait(&self, us: u64) {
        let now = self.now_us.get();
        self.begun_us.set(now);
        let (at, longer) = self.jump.get();
        let jumps = longer > 0 && now >= at;
        if jumps {
            self.jump.set((at, 0));
        }
        let us = us + if jumps { longer } else { 0 };
        self.now_us.set(now + us);
        // Whatever was sent meanwhile.
        for _ in 0..if jumps { 5 } else { 1 } {
            self.chip.deliver();
        }
    }
}

impl Delay for Jumping<'_> {
    fn stall_us(&self, us: u32) {
        self.wait(u64::from(us));
    }
    fn sleep_ms(&self, _: u32) {
        self.wait(self.sleep_us);
    }
}

impl selftest::Clock for Jumping<'_> {
    fn elapsed_us(&self) -> u32 {
        self.now_us.get() as u32
    }
}

#[test]
fn the_self_test_keeps_its_bound_on_a_clock_that_jumps() {
    for (grant, interval, masked) in super::SETUPS {
        for deaf in [&[0, 1, 2, 3, 4][..], &[0, 1], &[0, 2, 3, 4]] {
            // A sleep of a fine timer, of Windows' usual one, and of busy machines.
            for sleep_us in [1_000, 15_600, 20_000, 31_000, 48_000] {
                for jump in [(0, 0), (0, 40_000), (20_000, 40_000), (60_000, 39_000)] {
                    let chip = FakeChip::new(Variant::Silicon, super::mode_of(grant));
                    let irq = Interrupts::new();
                    let deliver = Deliver::new(&chip, &irq, deaf, 0);
                    let clock = Jumping {
                        chip: &deliver,
                        sleep_us,
                        jump: Cell::new(jump),
                        begun_us: Cell::new(0),
                        now_us: Cell::new(0),
                    };
                    let options = super::options(interval, masked);
                    let _ = selftest::prove(&irq, &chip, grant, options, &clock);
                    let (took, begun) = (clock.now_us.get(), clock.begun_us.get());
                    let name = (grant, deaf, sleep_us, jump);
                    assert!(
                        begun < selftest::BOUND_US.into(),
                        "waits at {begun}: {name:?}"
                    );
                    assert!(took <= 100_000 + jump.1, "{took} us: {name:?}");
                }
            }
        }
    }
}

#[test]
fn a_jump_takes_neither_a_vector_nor_its_second_try_away() {
    for rig in Rig::all().into_iter().filter(|rig| !rig.is_line()) {
        // 0: everything came during the jump, which ends past the bound. 1: one got lost, and the jump ends behind the
        // time of both tries.
        for (lost, longer) in [(0, 200_000), (1, 50_000)] {
            let deliver = Deliver::new(&rig.chip, &rig.irq, &[], lost);
            let clock = Jumping {
                chip: &deliver,
                sleep_us: 1_000,
                jump: Cell::new((0, longer)),
                begun_us: Cell::new(0),
                now_us: Cell::new(0),
            };
            let report = selftest::run(&rig.irq, &rig.chip, &rig.setup, &clock, 10_000);
            assert!(report.passed(), "{lost} {:?} {report:?}", rig.setup.map);
        }
    }
}

#[test]
fn the_ladder_goes_down_to_the_messages_that_arrive() {
    for variant in VARIANTS {
        for interval in [0, 200] {
            for (deaf, roles) in [
                (&[][..], "rx0 rx1 tx0 tx1 other"),
                (&[3], "rx tx other unused unused"),
                (&[0], "unused rx tx other unused"),
                (&[0, 2], "unused rx unused tx other"),
                (&[1, 2, 4], "queues unused unused other unused"),
                (&[0, 1, 3, 4], "unused unused all unused unused"),
            ] {
                let grant = Grant::MsiX { messages: 5 };
                let chip = FakeChip::new(variant, super::mode_of(grant));
                let irq = Interrupts::new();
                let clock = Deliver::new(&chip, &irq, deaf, 0);
                let options = super::options(interval, false);
                let proven = selftest::prove(&irq, &chip, grant, options, &clock).expect("a rung");
                let names: Vec<_> = (0..5).map(|v| proven.roles(v).name()).collect();
                assert_eq!(names.join(" "), roles);
                assert!(
                    clock.time.waited_us() <= 40_000,
                    "one rung, and a passed one"
                );
                for (vector, eitr) in regs::EITR.iter().enumerate() {
                    let roles = proven.map.roles(vector);
                    let want = u32::from(setup::interval_of(roles, interval));
                    assert!(roles.is_empty() || eitr.read(&chip) == want);
                }
                // What arrives, arrives at the vector that serves it.
                chip.event(IntCause::RXQ0);
                let message = chip.take_message().expect("armed");
                assert!(proven.roles(message as usize).contains(Roles::RX0));
            }
        }
    }
}

#[test]
fn without_any_interrupt_the_ladder_ends_within_100_ms_with_everything_masked() {
    for variant in VARIANTS {
        for (grant, interval, masked) in super::SETUPS {
            let chip = FakeChip::new(variant, super::mode_of(grant));
            let irq = Interrupts::new();
            let clock = Deliver::new(&chip, &irq, &[0, 1, 2, 3, 4], 0);
            let options = super::options(interval, masked);
            let setup = selftest::prove(&irq, &chip, grant, options, &clock);
            assert!(setup.is_none(), "{grant:?}");
            assert!(clock.time.waited_us() <= 100_000);
            assert!(chip.icr_ims().1.is_empty(), "masked");
            chip.take_log();
            assert!(irq.isr_message(0).claimed);
            assert!(!irq.isr_line(&chip).claimed);
            assert_eq!(chip.take_counts(), (0, 0), "and offline");
        }
    }
}

#[test]
fn an_interval_goes_where_the_mode_has_it_and_nowhere_while_offline() {
    for rig in Rig::all() {
        for vector in 0..6u32 {
            rig.irq.set_interval(&rig.chip, vector, 77);
            let (_, writes) = rig.chip.take_counts();
            let used = !rig.setup.roles(vector as usize).is_empty();
            assert_eq!(writes, usize::from(used), "{:?} {vector}", rig.setup.map);
            let written = if rig.setup.map.kind() == Kind::MsiX {
                regs::EITR.get(vector as usize).map(|r| r.read(&rig.chip))
            } else {
                Some(regs::ITR.read(&rig.chip))
            };
            rig.chip.take_counts();
            let want = setup::interval_of(rig.setup.roles(vector as usize), 77);
            assert!(!used || written == Some(u32::from(want)));
        }
        rig.irq.stop(&rig.chip);
        rig.chip.take_counts();
        rig.irq.set_interval(&rig.chip, 0, 78);
        rig.irq.renew(&rig.chip, 0);
        assert_eq!(rig.chip.take_counts(), (0, 0));
    }
}

#[test]
fn every_vector_of_a_map_with_gaps_gets_its_interval() {
    let grant = Grant::MsiX { messages: 5 };
    let chip = FakeChip::new(Variant::Silicon, super::mode_of(grant));
    let mut dead = Messages::NONE;
    dead.insert(0);
    dead.insert(1);
    let setup = Setup::plan_without(grant, dead, super::options(123, false)).expect("three left");
    setup.program(&chip);
    let written: Vec<_> = regs::EITR.iter().map(|eitr| eitr.read(&chip)).collect();
    // The last one has "other" alone, whose causes may come in a storm (82574L §14).
    assert_eq!(written, [0, 0, 123, 123, u32::from(setup::OTHER_INTERVAL)]);
}
