// SPDX-License-Identifier: MIT OR Apache-2.0
//! Random schedules of chip, ISRs, DPCs on two processors, handlers and neighbours: whatever the order, every
//! frame and every link change is seen in the end, and nothing foreign is claimed.

use super::super::map::Roles;
use super::super::setup::Arming;
use super::super::vectors::{Dpc, End, Outcome, Work};
use super::super::{Kind, VECTORS};
use super::std::collections::VecDeque;
use super::std::vec;
use super::std::vec::Vec;
use super::{Rig, SETUPS};
use crate::hw::bits::IntCause;
use crate::hw::fake::VARIANTS;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Frame(u8),
    Link,
    Deliver,
    Neighbour,
    Duplicate(u8),
    Begin,
    StrayBegin(u8),
    Scan(u8),
    Finish(u8, u8),
    Recall,
    Disable(u8),
    Enable(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..4).prop_map(Step::Frame),
        1 => Just(Step::Link),
        4 => Just(Step::Deliver),
        1 => Just(Step::Neighbour),
        1 => (0u8..5).prop_map(Step::Duplicate),
        3 => Just(Step::Begin),
        1 => (0u8..5).prop_map(Step::StrayBegin),
        3 => any::<u8>().prop_map(Step::Scan),
        3 => (any::<u8>(), 0u8..4).prop_map(|(i, o)| Step::Finish(i, o)),
        1 => Just(Step::Recall),
        1 => (0u8..5).prop_map(Step::Disable),
        1 => (0u8..5).prop_map(Step::Enable),
    ]
}

const QUEUES: [(Roles, IntCause, IntCause); 4] = [
    (Roles::RX0, IntCause::RXQ0, IntCause::RXT0),
    (Roles::RX1, IntCause::RXQ1, IntCause::RXT0),
    (Roles::TX0, IntCause::TXQ0, IntCause::TXDW),
    (Roles::TX1, IntCause::TXQ1, IntCause::TXDW),
];

struct Sim {
    rig: Rig,
    frames: [u32; 4],
    link_changed: bool,
    queued: VecDeque<u32>,
    recalls: VecDeque<u32>,
    running: Vec<Work>,
    disabled: [bool; VECTORS],
}

impl Sim {
    fn frame(&mut self, q: usize) {
        self.frames[q] += 1;
        let (_, msix, plain) = QUEUES[q];
        let kind = self.rig.setup.map.kind();
        self.rig
            .chip
            .event(if kind == Kind::MsiX { msix } else { plain });
    }

    fn deliver(&mut self) -> bool {
        let chip = &self.rig.chip;
        let (message, isr) = if self.rig.is_line() {
            if !chip.line() {
                return false;
            }
            (0, self.rig.irq.isr_line(chip))
        } else {
            let Some(message) = chip.take_message() else {
                return false;
            };
            (message, self.rig.irq.isr_message(message))
        };
        assert!(isr.claimed, "an interrupt of ours");
        assert!(!self.rig.chip.line(), "level still asserted after the ISR");
        if isr.queue_dpc && !self.queued.contains(&message) {
            self.queued.push_back(message);
        }
        true
    }

    fn begin(&mut self, message: u32) {
        if let Dpc::Run(work) = self.rig.irq.dpc_begin(&self.rig.chip, message) {
            self.running.push(work);
        }
    }

    fn scan(&mut self, at: usize) {
        let work = &self.running[at];
        for (left, (role, ..)) in self.frames.iter_mut().zip(QUEUES) {
            if work.roles().contains(role) {
                *left = 0;
            }
        }
        if work.link() {
            self.link_changed = false;
        }
    }

    fn finish(&mut self, at: usize, outcome: Outcome, scanned: bool) {
        if outcome == Outcome::Done || scanned {
            // Done is only said after a scan that found the rings empty at some moment of this pass.
            self.scan_if_due(at, scanned);
        }
        let work = self.running.swap_remove(at);
        // The link is looked at in every pass that was told to, however the pass ends.
        if work.link() {
            self.link_changed = false;
        }
        let message = work.vector() as u32;
        match self.rig.irq.dpc_end(&self.rig.chip, work, outcome) {
            End::Finished => {}
            End::Again | End::Requeue => {
                if !self.queued.contains(&message) {
                    self.queued.push_back(message);
                }
            }
            End::Throttled => self.recalls.push_back(message),
        }
    }

    fn scan_if_due(&mut self, at: usize, scanned: bool) {
        if !scanned {
            self.scan(at);
        }
    }

    fn run(&mut self, steps: &[Step]) {
        let mut scanned: Vec<usize> = Vec::new();
        for s in steps {
            match *s {
                Step::Frame(q) => self.frame(usize::from(q)),
                Step::Link => {
                    self.link_changed = true;
                    self.rig.chip.event(IntCause::LSC);
                }
                Step::Deliver => {
                    self.deliver();
                }
                Step::Neighbour => {
                    let auto = self.rig.setup.arming == Arming::AutoMask;
                    let shareable = !auto || self.rig.setup.masked_icr_read;
                    if self.rig.is_line() && shareable && !self.rig.chip.line() {
                        let isr = self.rig.irq.isr_line(&self.rig.chip);
                        assert!(!isr.claimed && !isr.queue_dpc, "a neighbour's interrupt");
                    }
                }
                Step::Duplicate(v) => {
                    if !self.rig.is_line() {
                        self.rig.chip.duplicate(u32::from(v));
                    }
                }
                Step::Begin => {
                    if let Some(m) = self.queued.pop_front() {
                        self.begin(m);
                    }
                }
                Step::StrayBegin(m) => self.begin(u32::from(m)),
                Step::Scan(i) => {
                    if !self.running.is_empty() {
                        let at = usize::from(i) % self.running.len();
                        self.scan(at);
                        let vector = self.running[at].vector();
                        if !scanned.contains(&vector) {
                            scanned.push(vector);
                        }
                    }
                }
                Step::Finish(i, o) => {
                    if !self.running.is_empty() {
                        let at = usize::from(i) % self.running.len();
                        let vector = self.running[at].vector();
                        let was = scanned.contains(&vector);
                        scanned.retain(|v| *v != vector);
                        let outcome = match o {
                            0 => Outcome::Throttled,
                            1 => Outcome::Requeue,
                            _ => Outcome::Done,
                        };
                        self.finish(at, outcome, was);
                    }
                }
                Step::Recall => {
                    if let Some(m) = self.recalls.pop_front() {
                        self.begin(m);
                    }
                }
                Step::Disable(v) => {
                    self.disabled[usize::from(v)] = true;
                    self.rig.irq.disable(&self.rig.chip, u32::from(v));
                    let ims = self.rig.setup.ims[usize::from(v)];
                    assert!(
                        !self.rig.chip.icr_ims().1.intersects(ims),
                        "masked at return"
                    );
                }
                Step::Enable(v) => {
                    self.disabled[usize::from(v)] = false;
                    self.rig.irq.enable(&self.rig.chip, u32::from(v));
                }
            }
            for (v, _) in self.disabled.iter().enumerate().filter(|(_, d)| **d) {
                let ims = self.rig.setup.ims[v];
                assert!(!self.rig.chip.icr_ims().1.intersects(ims), "X-82");
            }
        }
    }

    /// Lets everything that is due happen, and nothing else.
    fn settle(&mut self) {
        for v in 0..VECTORS as u32 {
            if self.disabled[v as usize] {
                self.rig.irq.enable(&self.rig.chip, v);
            }
        }
        for _ in 0..1_000 {
            let mut idle = true;
            while let Some(w) = self.running.len().checked_sub(1) {
                self.finish(w, Outcome::Done, false);
                idle = false;
            }
            idle &= !self.deliver();
            if let Some(m) = self.queued.pop_front().or_else(|| self.recalls.pop_front()) {
                self.begin(m);
                idle = false;
            }
            if idle {
                return;
            }
        }
        panic!("does not come to rest");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(3_000), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost(
        variant in 0usize..3,
        setup in 0usize..SETUPS.len(),
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let (grant, interval, masked) = SETUPS[setup];
        let mut sim = Sim {
            rig: Rig::new(VARIANTS[variant], grant, interval, masked),
            frames: [0; 4],
            link_changed: false,
            queued: VecDeque::new(),
            recalls: VecDeque::new(),
            running: Vec::new(),
            disabled: [false; VECTORS],
        };
        sim.run(&steps);
        sim.settle();
        prop_assert_eq!(sim.frames, [0; 4]);
        prop_assert!(!sim.link_changed);
        prop_assert_eq!(sim.rig.chip.icr_ims().1, sim.rig.setup.enabled());
    }
}
