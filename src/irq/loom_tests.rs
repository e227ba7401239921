// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt protocol under loom: the code that ships, every interleaving up to a bound on preemptions.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom`. A thread plays a processor: what the chip raises is
//! taken by some thread, runs the ISR under the interrupt's lock as NDIS does, and the DPC if one was
//! queued. At the end of every interleaving, once nothing is pending: no frame is left in the ring, and IMS is
//! what the flags say. The rings are a loom cell, so that two owners at once, or two in a row whose accesses are
//! not ordered by Acquire and Release, fail too.

extern crate std;

use super::map::Grant;
use super::setup::{Options, Setup};
use super::vectors::{Dpc, End, Interrupts, Outcome};
use crate::hw::bits::{CtrlExt, IntCause};
use crate::hw::mmio::{Mmio, Offset};
use crate::hw::regs;
use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::sync::{Arc, Mutex};
use loom::thread;

/// As much of a chip as one vector needs; the clearing rules of QEMU 10 (82574L §4.3).
#[derive(Default)]
struct Registers {
    icr: u32,
    ims: u32,
    eiac: u32,
    ctrl_ext: u32,
    msix: bool,
    line: bool,
    messages: u32,
    frames: u32,
    touched: u32,
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

struct World {
    regs: Mutex<Registers>,
    irq: Interrupts,
    setup: Setup,
    /// NDIS's interrupt lock.
    lock: Mutex<()>,
    /// DPCs that NDIS owes: recalls after MoreNblsPending.
    recalls: Mutex<u32>,
    /// The rings' own state, which only the owner of the vector touches. Never dereferenced: loom tracks the
    /// accesses and fails where two are not ordered by the vector's word.
    rings: UnsafeCell<u32>,
}

// SAFETY: `rings` is never dereferenced; everything else is Sync by itself.
unsafe impl Sync for World {}

impl Mmio for World {
    fn read32(&self, at: Offset) -> u32 {
        let mut r = self.regs.lock().unwrap();
        r.touched += 1;
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
        let mut r = self.regs.lock().unwrap();
        r.touched += 1;
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
        false
    }

    fn mark_gone(&self) {}
}

impl World {
    fn new(grant: Grant, interval: u16) -> Arc<Self> {
        let world = Self::stopped(grant, interval);
        world.irq.start(&*world, &world.setup);
        world
    }

    fn stopped(grant: Grant, interval: u16) -> Arc<Self> {
        let options = Options {
            rx_queues: 1,
            tx_queues: 1,
            interval,
            masked_icr_read: true,
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
            rings: UnsafeCell::new(0),
        })
    }

    /// The device: a frame into the ring, then its cause.
    fn frame(&self) {
        let mut r = self.regs.lock().unwrap();
        r.frames += 1;
        let cause = if r.msix {
            IntCause::RXQ0
        } else {
            IntCause::RXT0
        };
        r.change(|r| r.icr |= cause.bits());
    }

    /// Runs ISRs, and the DPCs that they queue, until nothing is pending.
    fn serve(&self, outcome: Outcome) {
        loop {
            let isr = {
                let mut r = self.regs.lock().unwrap();
                if r.line {
                    let asserted = r.icr & r.ims != 0;
                    drop(r);
                    if !asserted {
                        return;
                    }
                    let _held = self.lock.lock().unwrap();
                    self.irq.isr_line(self)
                } else {
                    if r.messages == 0 {
                        return;
                    }
                    r.messages -= 1;
                    drop(r);
                    let _held = self.lock.lock().unwrap();
                    self.irq.isr_message(0)
                }
            };
            if isr.queue_dpc {
                self.dpc(outcome);
            }
        }
    }

    fn dpc(&self, outcome: Outcome) {
        while let Dpc::Run(work) = self.irq.dpc_begin(self, 0) {
            self.rings.with_mut(|_| ());
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
                End::Requeue => unreachable!("not asked for"),
            }
        }
    }

    /// After all threads: what is still due happens, then nothing may be left.
    fn settle(&self) {
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
        let r = self.regs.lock().unwrap();
        assert_eq!(r.frames, 0, "a frame was lost");
        let ims = self.setup.ims[0].bits();
        assert_eq!(r.ims & ims, ims, "masked without an owner");
    }
}

const ARMED: (Grant, u16) = (Grant::MsiX { messages: 2 }, 200);
const AUTO: (Grant, u16) = (Grant::MsiX { messages: 2 }, 0);
const MSI: (Grant, u16) = (Grant::Msi, 200);
const LINE: (Grant, u16) = (Grant::Line { shared: false }, 200);
const SHARED: (Grant, u16) = (Grant::Line { shared: true }, 200);

fn explore(
    setups: &[(Grant, u16)],
    one: impl Fn(&World) + Copy + Send + Sync + 'static,
    two: impl Fn(&World) + Copy + Send + Sync + 'static,
) {
    for &(grant, interval) in setups {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = World::new(grant, interval);
            let first = {
                let world = Arc::clone(&world);
                thread::spawn(move || one(&world))
            };
            two(&world);
            first.join().unwrap();
            world.settle();
        });
    }
}

fn traffic(w: &World) {
    w.frame();
    w.serve(Outcome::Done);
}

#[test]
fn loom_two_processors() {
    explore(&[ARMED, AUTO, MSI, LINE, SHARED], traffic, traffic);
}

#[test]
fn loom_stray_dpc() {
    explore(&[ARMED, AUTO, MSI, SHARED], traffic, |w| {
        w.dpc(Outcome::Done);
    });
}

#[test]
fn loom_three_dpcs() {
    // Both processors take stray DPCs besides their traffic.
    explore(
        &[ARMED, AUTO],
        |w| {
            w.dpc(Outcome::Done);
            w.dpc(Outcome::Done);
        },
        traffic,
    );
}

#[test]
fn loom_throttle_against_traffic() {
    explore(
        &[ARMED, AUTO, MSI, LINE, SHARED],
        |w| {
            w.frame();
            w.serve(Outcome::Throttled);
        },
        traffic,
    );
}

#[test]
fn loom_disable_and_enable() {
    explore(&[ARMED, AUTO, MSI, LINE, SHARED], traffic, |w| {
        w.irq.disable(w, 0);
        w.irq.enable(w, 0);
        w.serve(Outcome::Done);
    });
}

#[test]
fn loom_disable_against_throttle() {
    explore(
        &[ARMED, AUTO],
        |w| {
            w.frame();
            w.serve(Outcome::Throttled);
            w.dpc(Outcome::Done);
        },
        |w| {
            w.irq.disable(w, 0);
            w.irq.enable(w, 0);
        },
    );
}

#[test]
fn loom_neighbour_on_the_line() {
    explore(&[LINE, SHARED], traffic, |w| {
        {
            let _held = w.lock.lock().unwrap();
            let _ = w.irq.isr_line(w);
        };
        // Whatever the neighbour's interrupt found, the queued DPC would run here.
        w.dpc(Outcome::Done);
    });
}

#[test]
fn loom_neighbour_while_throttled() {
    explore(
        &[LINE, SHARED],
        |w| {
            w.frame();
            w.serve(Outcome::Throttled);
            w.dpc(Outcome::Done);
        },
        |w| {
            w.frame();
            let isr = {
                let _held = w.lock.lock().unwrap();
                w.irq.isr_line(w)
            };
            if isr.queue_dpc {
                w.dpc(Outcome::Done);
            }
        },
    );
}

#[test]
fn loom_stop() {
    for (grant, interval) in [ARMED, AUTO, MSI, LINE, SHARED] {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = World::new(grant, interval);
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || traffic(&world))
            };
            world.irq.stop(&*world);
            other.join().unwrap();
            // Everything has returned: masked, and whatever still comes touches nothing.
            let touched = {
                let r = world.regs.lock().unwrap();
                assert_eq!(r.ims, 0, "armed after stop");
                r.touched
            };
            world.frame();
            let _ = world.irq.isr_message(0);
            let _ = world.irq.isr_line(&*world);
            world.dpc(Outcome::Done);
            assert_eq!(world.regs.lock().unwrap().touched, touched);
            assert!(!world.irq.is_running(0));
        });
    }
}

#[test]
fn loom_isr_while_starting() {
    for (grant, interval) in [ARMED, AUTO, MSI, SHARED] {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = World::stopped(grant, interval);
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    // an interrupt and a DPC out of nowhere.
                    let isr = {
                        let _held = world.lock.lock().unwrap();
                        if world.regs.lock().unwrap().line {
                            world.irq.isr_line(&*world)
                        } else {
                            world.irq.isr_message(0)
                        }
                    };
                    if isr.queue_dpc {
                        world.dpc(Outcome::Done);
                    }
                })
            };
            world.irq.start(&*world, &world.setup);
            world.frame();
            world.serve(Outcome::Done);
            other.join().unwrap();
            world.settle();
        });
    }
}
