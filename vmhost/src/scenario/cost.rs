// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the driver's handlers cost, phase by phase: register accesses, and instructions when QEMU
//! counts them. PASSIVE.
//!
//! The frames come from the runner's traffic peer. The host takes no liberties
//! here: one NBL for each frame, one MDL, everything returned at once, no throttle unless a phase
//! is about it; so two runs differ in the moments at which frames come, and in nothing else.

use super::{bring_up, peer::Peer, report, step, tear_down};
use crate::{
    log,
    machine::{cpu, interrupt as vectors, meter, thread, time},
    ndis::{
        adapter::{Adapter, State},
        dice::DICE,
        interrupt::{Interrupt, counts, dpc, steer::STEER},
        nbl::Shape,
        receive,
        send::{self, How},
    },
    verify::cost,
};
use ::ndis::ffi::*;
use alloc::{format, string::String, sync::Arc, vec, vec::Vec};
use vmhost_proto::{HostConfig, Phase};
use vmhost_wire::{flood, frame::Way};

/// Interrupts for nothing of each message.
const IDLE: u64 = 32;
/// Between two of them; also how long silence must last.
const SETTLE_NS: u64 = 2_000_000;
/// How long the frames of a phase may stay out beyond their time.
const LIMIT_NS: u64 = 60_000_000_000;
/// Bytes of the frames.
const LENGTH: usize = flood::SHORTEST;
/// Frames that are sent in one chain, or in a row.
const CHAIN: usize = 32;
/// Frames of the phase `paced`, and the time between two.
const PACED: u64 = 1000;
const PACE_NS: u64 = 1_000_000;
/// Bursts of the phase `throttled`, and frames in each.
const BURSTS: u64 = 16;
const THROTTLED: u64 = 64;

/// A phase.
struct Plan {
    name: &'static str,
    title: &'static str,
    run: fn(&Arc<Adapter>, &Peer) -> Result<Phase, String>,
}

const PLANS: &[Plan] = &[
    Plan {
        name: "idle",
        title: "interrupts for nothing",
        run: idle,
    },
    Plan {
        name: "send-1",
        title: "sends, one frame a chain",
        run: |adapter, _| sends(adapter, 512, 1),
    },
    Plan {
        name: "send-32",
        title: "sends, 32 frames a chain",
        run: |adapter, _| sends(adapter, 128, CHAIN),
    },
    Plan {
        name: "send-row",
        title: "sends, 32 chains of one frame each in a row",
        run: |adapter, _| single_sends(adapter, 128),
    },
    Plan {
        name: "paced",
        title: "1,000 frames a second",
        run: paced,
    },
    Plan {
        name: "flood",
        title: "frames as fast as they are taken",
        run: |adapter, peer| receives(adapter, peer, 8192).map(|()| Phase::default()),
    },
    Plan {
        name: "throttled",
        title: "bursts with 8 NBLs in a DPC at most",
        run: throttled,
    },
];

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = measure(&session);
    STEER.rest();
    meter::histogram(0);
    if session.adapter.state() == State::Running {
        tear_down::pause(&session, NDIS_PAUSE_MINIPORT_DEVICE_REMOVE);
    }
    tear_down::unload(&session, 0);
    result
}

fn measure(session: &bring_up::Session) -> Result<(), String> {
    bring_up::restart(session)?;
    bring_up::open(session)?;
    bring_up::wait_for_link(session)?;
    DICE.calm(true);
    let adapter = &session.adapter;
    let peer = Peer::connect(adapter.current_mac())?;
    for (number, plan) in PLANS.iter().enumerate() {
        step(&format!("cost of {}", plan.title));
        STEER.throttle(NDIS_INDICATE_ALL_NBLS, 0);
        settle(adapter)?;
        let begin = time::now_ns();
        let (received, sent) = (adapter.receives.frames(), adapter.sends.frames().0);
        meter::histogram(number + 1);
        cost::begin();
        let outcome = (plan.run)(adapter, &peer).and_then(|phase| settle(adapter).map(|()| phase));
        meter::histogram(0);
        let role = |message: u32| counts::role(message as usize).unwrap_or_default();
        let handlers = cost::end(role);
        let phase = Phase {
            name: plan.name.into(),
            received: adapter.receives.frames() - received,
            sent: adapter.sends.frames().0 - sent,
            microseconds: (time::now_ns() - begin) / 1000,
            throttled: cost::throttles(),
            handlers,
            ..outcome?
        };
        log!(
            "phase {}: {} received, {} sent in {} ms",
            phase.name,
            phase.received,
            phase.sent,
            phase.microseconds / 1000
        );
        report::update(|report| report.cost.push(phase));
    }
    DICE.calm(false);
    Ok(())
}

/// Waits until everything is completed and returned and no DPC is queued.
fn settle(adapter: &Arc<Adapter>) -> Result<(), String> {
    let interrupt = interrupt(adapter)?;
    let quiet = || {
        adapter.sends.outstanding() == 0
            && adapter.receives.outstanding() == 0
            && interrupt.slots.busy() == 0
    };
    let deadline = time::now_ns() + LIMIT_NS;
    for _ in 0..2 {
        if !thread::wait_until(Some(deadline), &quiet) {
            return Err(String::from("the driver does not come to rest"));
        }
        thread::sleep_ns(SETTLE_NS);
    }
    Ok(())
}

fn interrupt(adapter: &Adapter) -> Result<Arc<Interrupt>, String> {
    let found = adapter.interrupts.lock().first().cloned();
    found.ok_or_else(|| String::from("the driver has registered no interrupt"))
}

/// Raises each message's vector with nothing behind it, as a neighbour on the line or a late
/// message does.
fn idle(adapter: &Arc<Adapter>, _: &Peer) -> Result<Phase, String> {
    let interrupt = interrupt(adapter)?;
    for message in &interrupt.grant.messages {
        for _ in 0..IDLE {
            vectors::raise(cpu::id(), message.raised);
            thread::sleep_ns(SETTLE_NS);
        }
    }
    if !interrupt.is_message() {
        // What was raised was a neighbour's, and has no DPC.
        dpc::queue(&interrupt, 0, cpu::id(), 0);
        thread::sleep_ns(SETTLE_NS);
    }
    Ok(Phase::default())
}

/// Sends `chains` chains of `frames` NBLs, each when the one before it is completed.
fn sends(adapter: &Arc<Adapter>, chains: u64, frames: usize) -> Result<Phase, String> {
    let frame = flood::template(LENGTH, adapter.current_mac(), Way::ToPeer);
    for _ in 0..chains {
        let lists: Vec<_> = (0..frames)
            .map(|_| vec![(frame.clone(), Shape::default())])
            .collect();
        send::submit_lists(adapter, lists, How::Dispatch, false);
        until_completed(adapter)?;
    }
    Ok(Phase {
        chains,
        ..Phase::default()
    })
}

/// Sends 32 chains of one NBL each from one stay at DISPATCH_LEVEL, `times` times: a protocol that has much to send, and
/// hands over each frame by itself. Completions come as interrupts find them, and nobody waits for a single one.
fn single_sends(adapter: &Arc<Adapter>, times: u64) -> Result<Phase, String> {
    let frame = flood::template(LENGTH, adapter.current_mac(), Way::ToPeer);
    for _ in 0..times {
        let list = || vec![(frame.clone(), Shape::default())];
        send::submit_calls(adapter, (0..CHAIN).map(|_| list()).collect());
        until_completed(adapter)?;
    }
    Ok(Phase {
        chains: times * CHAIN as u64,
        ..Phase::default()
    })
}

fn until_completed(adapter: &Arc<Adapter>) -> Result<(), String> {
    let deadline = time::now_ns() + LIMIT_NS;
    if thread::wait_until(Some(deadline), &|| adapter.sends.outstanding() == 0) {
        Ok(())
    } else {
        Err(String::from("a send is not completed"))
    }
}

/// Frames a millisecond apart by the VM's own clock: each is asked for a millisecond after the one before it is here.
/// Frames that the runner paces by its clock come in bunches, which have one interrupt, or have QEMU's throttle repeat
/// messages.
fn paced(adapter: &Arc<Adapter>, peer: &Peer) -> Result<Phase, String> {
    for _ in 0..PACED {
        receives(adapter, peer, 1)?;
        thread::sleep_ns(PACE_NS);
    }
    Ok(Phase::default())
}

/// Asks the peer for frames, as fast as they are taken, and waits for them.
fn receives(adapter: &Arc<Adapter>, peer: &Peer, count: u64) -> Result<(), String> {
    let wanted = adapter.receives.frames() + count;
    peer.flood(count, LENGTH)?;
    let due = time::now_ns() + LIMIT_NS;
    loop {
        // The protocol above looks at nothing of it.
        while receive::take(adapter).is_some() {}
        let left = wanted.saturating_sub(adapter.receives.frames());
        if left == 0 {
            return Ok(());
        }
        if time::now_ns() > due {
            return Err(format!("{left} of {count} frames have not come"));
        }
        thread::wait_until(Some(time::now_ns() + SETTLE_NS), &|| {
            adapter.receives.frames() >= wanted
        });
    }
}

/// Bursts that a DPC cannot indicate at once.
fn throttled(adapter: &Arc<Adapter>, peer: &Peer) -> Result<Phase, String> {
    STEER.throttle(8, 0);
    for _ in 0..BURSTS {
        receives(adapter, peer, THROTTLED)?;
        thread::sleep_ns(SETTLE_NS);
    }
    Ok(Phase::default())
}
