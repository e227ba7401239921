// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocol of a polled vector under loom: see `loom_tests`. NDIS runs one callback of an object at a time; who
//! asks, on which processor, and what comes in between is explored.

use super::loom_world::World;
use super::map::Grant;
use super::vectors::Outcome;
use crate::hw::mmio::Mmio;
use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

const QUEUE: Grant = Grant::MsiX { messages: 2 };
const ALL: [Grant; 4] = [
    QUEUE,
    Grant::Msi,
    Grant::Line { shared: false },
    Grant::Line { shared: true },
];

fn explore(
    grants: &[Grant],
    one: impl Fn(&World) + Copy + Send + Sync + 'static,
    two: impl Fn(&World) + Copy + Send + Sync + 'static,
) {
    after(grants, one, two, |world| world.settle());
}

fn after(
    grants: &[Grant],
    one: impl Fn(&World) + Copy + Send + Sync + 'static,
    two: impl Fn(&World) + Copy + Send + Sync + 'static,
    end: impl Fn(&World) + Copy + Send + Sync + 'static,
) {
    over(grants, World::polled, one, two, end);
}

fn over(
    grants: &[Grant],
    world: fn(Grant) -> Arc<World>,
    one: impl Fn(&World) + Copy + Send + Sync + 'static,
    two: impl Fn(&World) + Copy + Send + Sync + 'static,
    end: impl Fn(&World) + Copy + Send + Sync + 'static,
) {
    for &grant in grants {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let world = world(grant);
            let first = {
                let world = Arc::clone(&world);
                thread::spawn(move || one(&world))
            };
            two(&world);
            first.join().unwrap();
            end(&world);
        });
    }
}

fn traffic(w: &World) {
    w.frame();
    w.serve(Outcome::Done);
}

#[test]
fn loom_poll_two_processors() {
    explore(&ALL, traffic, traffic);
}

#[test]
fn loom_poll_ends_early() {
    // NDIS turns notification on although frames are left.
    explore(
        &ALL,
        |w| {
            w.frame();
            w.serve(Outcome::Requeue);
            w.rounds(Outcome::Done);
        },
        traffic,
    );
}

#[test]
fn loom_poll_stray_dpc() {
    explore(&ALL, traffic, |w| w.dpc(Outcome::Done));
}

#[test]
fn loom_poll_by_ndis_itself() {
    explore(&ALL, traffic, |w| {
        w.request();
        w.rounds(Outcome::Done);
    });
}

#[test]
fn loom_poll_disable_and_enable() {
    explore(&ALL, traffic, |w| {
        w.irq.disable(w, 0);
        w.irq.enable(w, 0);
        w.serve(Outcome::Done);
    });
}

#[test]
fn loom_poll_disabled_stays_disabled() {
    after(
        &ALL,
        traffic,
        |w| w.irq.disable(w, 0),
        |w| {
            let mask = w.regs.lock().unwrap().ims;
            assert_eq!(mask & w.setup.ims[0].bits(), 0, "armed while disabled");
            w.irq.enable(w, 0);
            w.settle();
        },
    );
}

#[test]
fn loom_poll_spurious_interrupt() {
    // A message without a cause, or a neighbour on the line.
    explore(&ALL, traffic, |w| {
        let line = w.regs.lock().unwrap().line;
        let isr = {
            let _held = w.lock.lock().unwrap();
            if line {
                w.irq.isr_line(w)
            } else {
                w.irq.isr_message(0)
            }
        };
        if isr.request_poll {
            w.request();
            w.rounds(Outcome::Done);
        }
    });
}

#[test]
fn loom_poll_handed_over() {
    // The poll object comes while interrupts do.
    over(&ALL, World::to_poll, traffic, World::hand_to_poll, |w| {
        w.settle();
    });
}

#[test]
fn loom_poll_renewed() {
    explore(&ALL, traffic, |w| {
        w.irq.renew(w, 0);
        w.serve(Outcome::Done);
    });
}

/// No handler reaches a register, and no poll is asked for, from here on.
fn silent(w: &World) {
    // NdisDeregisterPoll: what was asked for is not done any more.
    *w.requests.lock().unwrap() = 0;
    let touched = w.regs.lock().unwrap().touched;
    w.frame();
    assert!(!w.irq.isr_message(0).request_poll);
    assert!(!w.irq.isr_line(w).request_poll);
    w.dpc(Outcome::Done);
    w.irq.notification_off(w, 0);
    assert!(w.irq.poll_begin(w, 0).is_none());
    assert!(!w.irq.notification_on(w, 0));
    assert_eq!(w.regs.lock().unwrap().touched, touched);
    assert_eq!(*w.requests.lock().unwrap(), 0);
}

#[test]
fn loom_poll_stop() {
    after(
        &ALL,
        traffic,
        |w| w.irq.stop(w),
        |w| {
            assert_eq!(w.regs.lock().unwrap().ims, 0, "armed after stop");
            silent(w);
        },
    );
}

#[test]
fn loom_poll_gone() {
    after(
        &ALL,
        |w| {
            w.frame();
            // Not until nothing is pending: a line of a dead device may stay up.
            for _ in 0..2 {
                w.serve_once();
            }
        },
        |w| {
            w.regs.lock().unwrap().dead = true;
            w.mark_gone();
        },
        |w| {
            let touched = w.regs.lock().unwrap().touched;
            let _ = w.irq.isr_message(0);
            w.irq.notification_off(w, 0);
            assert!(w.irq.poll_begin(w, 0).is_none());
            let _ = w.irq.notification_on(w, 0);
            assert_eq!(w.regs.lock().unwrap().touched, touched);
        },
    );
}

#[test]
fn loom_poll_power_cycle() {
    // Stop and start while NDIS polls: the object outlives both.
    explore(&ALL, traffic, |w| {
        w.irq.stop(w);
        w.irq.start(w, &w.setup);
        traffic(w);
    });
}
