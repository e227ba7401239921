// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt protocol under loom: the code that ships, every interleaving up to a bound on preemptions.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib loom`. A thread plays a processor: what the chip raises is
//! taken by some thread, runs the ISR under the interrupt's lock as NDIS does, and the DPC if one was
//! queued. At the end of every interleaving, once nothing is pending: no frame is left in the ring, and IMS is
//! what the flags say. The rings are a loom cell, so that two owners at once, or two in a row whose accesses are
//! not ordered by Acquire and Release, fail too.

use super::loom_world::World;
use super::map::Grant;
use super::vectors::Outcome;
use crate::hw::mmio::Mmio;
use loom::model::Builder;
use loom::sync::Arc;
use loom::sync::atomic::Ordering;
use loom::thread;

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
fn loom_requeue_against_traffic() {
    // the DPC's own budget ends; it is queued again, and finds no interrupt of its own.
    explore(
        &[ARMED, AUTO, MSI, LINE, SHARED],
        |w| {
            w.frame();
            w.serve(Outcome::Requeue);
        },
        traffic,
    );
}

fn link(w: &World) {
    w.event();
    w.serve_other();
}

#[test]
fn loom_two_vectors() {
    // 82574L §4.6: the other vector's read of ICR takes causes of the queue vector, which are masked, with it.
    explore(&[ARMED, AUTO], traffic, link);
    explore(&[ARMED, AUTO], throttled_and_recalled, |w| {
        w.frame();
        link(w);
    });
    explore(&[ARMED, AUTO], link, |w| {
        w.frame();
        w.irq.disable(w, 0);
        w.irq.enable(w, 0);
        w.serve(Outcome::Done);
    });
    // A stray DPC of the other vector.
    explore(&[ARMED, AUTO], link, |w| w.other_dpc());
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

/// A receive pass at its limit, the recall that NDIS owes for it, and whatever came meanwhile.
fn throttled_and_recalled(w: &World) {
    w.frame();
    w.serve(Outcome::Throttled);
    let owed = {
        let mut recalls = w.recalls.lock().unwrap();
        core::mem::take(&mut *recalls)
    };
    if owed > 0 {
        w.dpc(Outcome::Done);
    }
    w.serve(Outcome::Done);
}

#[test]
fn loom_recall_against_traffic() {
    // the recall runs on one processor while the other takes interrupts.
    explore(
        &[ARMED, AUTO, MSI, LINE, SHARED],
        throttled_and_recalled,
        traffic,
    );
}

#[test]
fn loom_lost_and_renewed() {
    // The self-test's second try, in the middle of traffic.
    explore(&[ARMED, AUTO, MSI, SHARED], traffic, |w| {
        w.irq.renew(w, 0);
        w.serve(Outcome::Done);
    });
}

#[test]
fn loom_renew_against_disable() {
    explore(
        &[ARMED, AUTO],
        |w| {
            w.irq.renew(w, 0);
            w.serve(Outcome::Done);
        },
        |w| {
            w.frame();
            w.irq.disable(w, 0);
            w.irq.enable(w, 0);
            w.serve(Outcome::Done);
        },
    );
}

/// Whatever `one` does, a disable that came meanwhile holds until the enable, and then nothing is lost.
fn disabled_stays(setups: &[(Grant, u16)], one: fn(&World)) {
    for &(grant, interval) in setups {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = World::new(grant, interval);
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || one(&world))
            };
            world.irq.disable(&*world, 0);
            other.join().unwrap();
            let mask = world.regs.lock().unwrap().ims;
            assert_eq!(mask & world.setup.ims[0].bits(), 0, "armed while disabled");
            world.irq.enable(&*world, 0);
            world.settle();
        });
    }
}

#[test]
fn loom_disabled_stays_disabled() {
    disabled_stays(&[ARMED, AUTO, MSI, LINE, SHARED], traffic);
    disabled_stays(&[ARMED, AUTO, MSI, LINE, SHARED], throttled_and_recalled);
    disabled_stays(&[ARMED, AUTO, MSI, SHARED], |w| {
        w.irq.renew(w, 0);
        w.serve(Outcome::Done);
    });
}

/// Nothing that any handler does from here on reaches a register, whoever owns what; ISR and DPC do not even ask for one.
fn silent(world: &World) {
    let touched = world.regs.lock().unwrap().touched;
    let dropped = world.dropped.load(Ordering::Relaxed);
    world.frame();
    let _ = world.irq.isr_message(0);
    let _ = world.irq.isr_line(world);
    world.dpc(Outcome::Done);
    assert_eq!(world.dropped.load(Ordering::Relaxed), dropped);
    world.irq.raise(world, 0);
    world.irq.renew(world, 0);
    world.irq.disable(world, 0);
    world.irq.enable(world, 0);
    world.irq.set_interval(world, 0, 1);
    assert_eq!(world.regs.lock().unwrap().touched, touched);
    assert!(!world.irq.is_running(0));
}

#[test]
fn loom_halt_while_throttled() {
    for (grant, interval) in [ARMED, AUTO, MSI, LINE, SHARED] {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = World::new(grant, interval);
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || throttled_and_recalled(&world))
            };
            world.irq.stop(&*world);
            // NdisMDeregisterInterruptEx: returns when every DPC has left.
            other.join().unwrap();
            assert_eq!(world.regs.lock().unwrap().ims, 0, "armed after stop");
            silent(&world);
        });
    }
}

#[test]
fn loom_gone_by_event() {
    // MiniportDevicePnPEventNotify(SurpriseRemoved) in the middle of traffic.
    for (grant, interval) in [ARMED, AUTO, MSI, LINE, SHARED] {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = World::new(grant, interval);
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    world.frame();
                    // Not until nothing is pending: a line of a dead device may stay up.
                    for _ in 0..2 {
                        world.serve_once();
                    }
                })
            };
            world.regs.lock().unwrap().dead = true;
            world.mark_gone();
            other.join().unwrap();
            silent(&world);
        });
    }
}

#[test]
fn loom_gone_by_reading() {
    // Nobody tells; the handler that reads finds all ones, confirms, and claims nothing.
    for (grant, interval) in [MSI, LINE, SHARED] {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = World::new(grant, interval);
            let other = {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    world.frame();
                    world.serve_once();
                })
            };
            world.regs.lock().unwrap().dead = true;
            other.join().unwrap();
            // One more call of each handler, as a neighbour or a late message makes it, is enough to know.
            let isr = world.irq.isr_line(&*world);
            if matches!(grant, Grant::Line { .. }) {
                assert!(!isr.claimed, "all ones are nobody's");
            }
            let _ = world.irq.isr_message(0);
            world.dpc(Outcome::Done);
            assert!(world.is_gone());
            silent(&world);
        });
    }
}
