// SPDX-License-Identifier: MIT OR Apache-2.0
//! The world of the loom models: a chip with a vector for the queues and one for the rest, NDIS's interrupt lock, the rings, and
//! processors that serve.

use super::map::Grant;
use super::setup::{Options, Setup};
use super::vectors::{Dpc, End, Interrupts, Outcome};
use super::word::FORBID;
use crate::hw::bits::{CtrlExt, IntCause};
use crate::hw::mmio::{ALL_ONES, Mmio, Offset};
use crate::hw::regs;
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};

/// As much of a chip as the two vectors need; the clearing rules of QEMU 10 (82574L §4.3).
#[derive(Default)]
pub(super) struct Registers {
    pub(super) icr: u32,
    pub(super) ims: u32,
    pub(super) eiac: u32,
    pub(super) ctrl_ext: u32,
    pub(super) msix: bool,
    pub(super) line: bool,
    pub(super) messages: u32,
    /// Of the vector that has no queues; link events that nobody has looked at.
    pub(super) others: u32,
    pub(super) events: u32,
    pub(super) frames: u32,
    pub(super) touched: u32,
    /// Pulled out: reads are all ones, writes go nowhere.
    pub(super) dead: bool,
}

impl Registers {
    fn edge(&mut self, before: u32) {
        let mut new = self.icr & self.ims & !before;
        if self.line || new == 0 {
            return;
        }
        if self.msix {
            new &= IntCause::QUEUES.bits() | IntCause::OTHER.bits();
            self.icr &= !(new & self.eiac);
            if self.ctrl_ext & CtrlExt::IAME.bits() == 0 {
                self.ims &= !(new & self.eiac);
            }
        }
        if self.msix {
            self.others += u32::from(new & IntCause::OTHER.bits() != 0);
            new &= IntCause::QUEUES.bits();
        }
        if new != 0 {
            self.messages += 1;
        }
    }

    fn change(&mut self, f: impl FnOnce(&mut Self)) {
        let before = self.icr & self.ims;
        f(self);
        self.edge(before);
    }
}

pub(super) struct World {
    pub(super) regs: Mutex<Registers>,
    pub(super) irq: Interrupts,
    pub(super) setup: Setup,
    /// NDIS's interrupt lock.
    pub(super) lock: Mutex<()>,
    /// DPCs that NDIS owes: recalls after MoreNblsPending.
    pub(super) recalls: Mutex<u32>,
    /// Rounds of polls that NDIS owes.
    pub(super) requests: Mutex<u32>,
    /// NDIS serialises the callbacks of one poll object.
    pub(super) round: Mutex<()>,
    /// The rings' own state, which only the owner of the vector touches. Never dereferenced: loom tracks the
    /// accesses and fails where two are not ordered by the vector's word.
    pub(super) rings: UnsafeCell<u32>,
    /// As in the driver's own [`Mmio`]: once set, nothing is touched.
    pub(super) gone: AtomicBool,
    /// Accesses that were asked for all the same. Not loom's: it is looked at when nobody else runs.
    pub(super) dropped: core::sync::atomic::AtomicU32,
    /// See [`World::scan`].
    handed_over_late: bool,
}

// SAFETY: `rings` is never dereferenced; everything else is Sync by itself.
unsafe impl Sync for World {}

impl Mmio for World {
    fn read32(&self, at: Offset) -> u32 {
        if self.is_gone() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return ALL_ONES;
        }
        let mut r = self.regs.lock().unwrap();
        r.touched += 1;
        if r.dead {
            return ALL_ONES;
        }
        if at == regs::ICR.offset() {
            let v = r.icr;
            let keep = r.msix && r.ims != 0 && r.icr & r.ims == 0;
            if !keep {
                r.icr = 0;
            }
            return v;
        }
        if at == regs::CTRL_EXT.offset() {
            return r.ctrl_ext;
        }
        0
    }

    fn write32(&self, at: Offset, v: u32) {
        if self.is_gone() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut r = self.regs.lock().unwrap();
        r.touched += 1;
        if r.dead {
            return;
        }
        if at == regs::IMS.offset() {
            r.change(|r| r.ims |= v);
        } else if at == regs::IMC.offset() {
            r.change(|r| r.ims &= !v);
        } else if at == regs::ICS.offset() {
            r.change(|r| r.icr |= v);
        } else if at == regs::ICR.offset() {
            r.icr &= !v;
        } else if at == regs::EIAC.offset() {
            r.eiac = v;
        } else if at == regs::CTRL_EXT.offset() {
            r.ctrl_ext = v;
        }
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    fn mark_gone(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

impl World {
    pub(super) fn new(grant: Grant, interval: u16) -> Arc<Self> {
        let world = Self::stopped(grant, interval);
        world.irq.start(&*world, &world.setup);
        world
    }

    /// Polled by NDIS, and armed.
    pub(super) fn polled(grant: Grant) -> Arc<Self> {
        let world = Self::with(grant, 200, true, false);
        world.irq.start(&*world, &world.setup);
        world.hand_to_poll();
        world
    }

    /// To be polled; the object is not there yet.
    pub(super) fn to_poll(grant: Grant) -> Arc<Self> {
        let world = Self::with(grant, 200, true, true);
        world.irq.start(&*world, &world.setup);
        world
    }

    /// The poll object is there.
    pub(super) fn hand_to_poll(&self) {
        if self.irq.hand_to_poll(0) {
            self.request();
        }
        self.rounds(Outcome::Done);
    }

    pub(super) fn stopped(grant: Grant, interval: u16) -> Arc<Self> {
        Self::with(grant, interval, false, false)
    }

    fn with(grant: Grant, interval: u16, poll: bool, late: bool) -> Arc<Self> {
        let options = Options {
            rx_queues: 1,
            tx_queues: 1,
            interval,
            masked_icr_read: true,
            poll,
        };
        Arc::new(Self {
            regs: Mutex::new(Registers {
                msix: matches!(grant, Grant::MsiX { .. }),
                line: matches!(grant, Grant::Line { .. }),
                ..Registers::default()
            }),
            irq: Interrupts::new(),
            setup: Setup::plan(grant, options),
            lock: Mutex::new(()),
            recalls: Mutex::new(0),
            requests: Mutex::new(0),
            round: Mutex::new(()),
            rings: UnsafeCell::new(0),
            gone: AtomicBool::new(false),
            dropped: Default::default(),
            handed_over_late: late,
        })
    }

    /// A pass over the rings. While a vector is handed to NDIS, a DPC of before may still be at them: the claims of the
    /// rings keep them apart, and whoever comes second asks to run again.
    fn scan(&self) {
        if !self.handed_over_late {
            self.rings.with_mut(|_| ());
        }
    }

    /// The device: a frame into the ring, then its cause.
    pub(super) fn frame(&self) {
        let mut r = self.regs.lock().unwrap();
        r.frames += 1;
        let cause = if r.msix {
            IntCause::RXQ0
        } else {
            IntCause::RXT0
        };
        r.change(|r| r.icr |= cause.bits());
    }

    /// The device: a link event, then its cause. MSI-X only.
    pub(super) fn event(&self) {
        let mut r = self.regs.lock().unwrap();
        r.events += 1;
        r.change(|r| r.icr |= (IntCause::OTHER | IntCause::LSC).bits());
    }

    /// Runs the ISR of the other vector, and its DPC, as long as there is a message.
    pub(super) fn serve_other(&self) {
        loop {
            {
                let mut r = self.regs.lock().unwrap();
                if r.others == 0 {
                    return;
                }
                r.others -= 1;
            }
            if self.irq.isr_message(1).queue_dpc {
                self.other_dpc();
            }
        }
    }

    /// The DPC of the vector that reads the causes of all.
    pub(super) fn other_dpc(&self) {
        while let Dpc::Run(work) = self.irq.dpc_begin(self, 1) {
            if work.link() {
                self.regs.lock().unwrap().events = 0;
            }
            match self.irq.dpc_end(self, work, Outcome::Done) {
                End::Finished => return,
                End::Again => {}
                End::Throttled | End::Requeue => unreachable!("not asked for"),
            }
        }
    }

    /// Runs ISRs, and the DPCs that they queue, until nothing is pending.
    pub(super) fn serve(&self, outcome: Outcome) {
        while self.serve_one(outcome) {}
    }

    /// Runs the ISR of one interrupt, and its DPC.
    pub(super) fn serve_once(&self) {
        self.serve_one(Outcome::Done);
    }

    /// `false`: nothing was pending.
    pub(super) fn serve_one(&self, outcome: Outcome) -> bool {
        let isr = {
            let mut r = self.regs.lock().unwrap();
            if r.line {
                let asserted = r.icr & r.ims != 0;
                drop(r);
                if !asserted {
                    return false;
                }
                let _held = self.lock.lock().unwrap();
                self.irq.isr_line(self)
            } else {
                if r.messages == 0 {
                    return false;
                }
                r.messages -= 1;
                drop(r);
                let _held = self.lock.lock().unwrap();
                self.irq.isr_message(0)
            }
        };
        assert!(!(isr.queue_dpc && isr.request_poll), "DPC and poll");
        if isr.queue_dpc {
            self.dpc(outcome);
        }
        if isr.request_poll {
            self.request();
            self.rounds(outcome);
        }
        true
    }

    /// NdisRequestPoll.
    pub(super) fn request(&self) {
        *self.requests.lock().unwrap() += 1;
    }

    /// The rounds of polls that are due. With any outcome but Done a round ends before the ring does.
    pub(super) fn rounds(&self, outcome: Outcome) {
        loop {
            let _serial = self.round.lock().unwrap();
            if core::mem::take(&mut *self.requests.lock().unwrap()) == 0 {
                return;
            }
            self.irq.notification_off(self, 0);
            if let Some(polled) = self.irq.poll_begin(self, 0) {
                self.scan();
                if outcome == Outcome::Done {
                    self.regs.lock().unwrap().frames = 0;
                }
                self.irq.poll_end(&polled, outcome != Outcome::Done);
            }
            if self.irq.notification_on(self, 0) {
                self.request();
            }
            if outcome != Outcome::Done {
                // Asked for already: somebody else's to do.
                return;
            }
        }
    }

    pub(super) fn dpc(&self, mut outcome: Outcome) {
        loop {
            let work = match self.irq.dpc_begin(self, 0) {
                Dpc::Run(work) => work,
                Dpc::Idle => return,
                Dpc::RequestPoll => {
                    self.request();
                    self.rounds(outcome);
                    return;
                }
            };
            self.scan();
            if outcome == Outcome::Done {
                self.regs.lock().unwrap().frames = 0;
            }
            match self.irq.dpc_end(self, work, outcome) {
                End::Finished => return,
                End::Again => {}
                End::Throttled => {
                    *self.recalls.lock().unwrap() += 1;
                    return;
                }
                // The next turn has the budget for it.
                End::Requeue => outcome = Outcome::Done,
            }
        }
    }

    /// After all threads: what is still due happens, then nothing may be left.
    pub(super) fn settle(&self) {
        let held = self.irq.vectors.first().map_or(0, |v| v.word.load()) & FORBID != 0;
        let open = self.regs.lock().unwrap().ims & self.setup.ims[0].bits() != 0;
        assert!(!(held && open), "armed, and the flags forbid it");
        self.serve(Outcome::Done);
        self.rounds(Outcome::Done);
        self.serve(Outcome::Done);
        self.serve_other();
        self.serve(Outcome::Done);
        loop {
            let mut recalls = self.recalls.lock().unwrap();
            if *recalls == 0 {
                break;
            }
            *recalls -= 1;
            drop(recalls);
            self.dpc(Outcome::Done);
            self.serve(Outcome::Done);
        }
        assert!(!self.irq.is_running(0), "somebody still owns the vector");
        assert!(!self.irq.is_polled(0), "polled by nobody");
        {
            let r = self.regs.lock().unwrap();
            assert_eq!(r.frames, 0, "a frame was lost");
            assert_eq!(r.events, 0, "a link event was lost");
            let ims = self.setup.ims[0].bits();
            assert_eq!(r.ims & ims, ims, "masked without an owner");
        }
        // A cause that nobody has taken out of ICR lets no later one through.
        self.frame();
        self.serve(Outcome::Done);
        let frames = self.regs.lock().unwrap().frames;
        assert_eq!(frames, 0, "the next frame has no interrupt");
        if self.regs.lock().unwrap().msix {
            self.event();
            self.serve_other();
            let events = self.regs.lock().unwrap().events;
            assert_eq!(events, 0, "the next link event has no interrupt");
        }
    }
}
