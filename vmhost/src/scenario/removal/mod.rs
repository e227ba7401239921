// SPDX-License-Identifier: MIT OR Apache-2.0
//! Surprise removal at a register access: from the next one on every register reads all ones, and
//! the device neither interrupts nor reaches memory (contract S-06 to S-08, H-08, X-102). Swept over
//! the accesses of a whole life: MiniportInitializeEx, restart, sends and receives, OIDs, pause. NDIS
//! tells at once, later, or only by the reason of MiniportHaltEx. PASSIVE.

mod gone;

use super::{
    bring_up,
    interrupts::bench::{self, Bench},
    record, step, tear_down,
};
use crate::{
    log,
    machine::{thread, time},
    ndis::{adapter::State, interrupt::grant::Kind, lifecycle, oid, pnp, shared_memory},
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec, vec::Vec};
use core::sync::atomic::Ordering;
use vmhost_proto::HostConfig;

/// Removals of a short sweep in MiniportInitializeEx, and afterwards.
const SHORT_START: u64 = 5;
const SHORT_REST: u64 = 6;
/// How long frames and completions are waited for.
const REPLY_NS: u64 = 20_000_000;
/// How long sends that are asked for after the removal may take.
const COMPLETION_NS: u64 = 2_000_000_000;
/// How long the link may take.
const LINK_NS: u64 = 10_000_000_000;
/// Frames of a life.
const FRAMES: usize = 4;
/// Calls of the ISR after the removal.
const ISR_CALLS: usize = 4;

/// When MiniportDevicePnPEventNotify is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tell {
    /// After the call in which the device vanished.
    AtOnce,
    /// Before the pause.
    BeforePause,
    /// Before MiniportHaltEx, Paused.
    BeforeHalt,
    /// Twice.
    Twice,
}

const TELL: [Tell; 4] = [
    Tell::AtOnce,
    Tell::BeforePause,
    Tell::BeforeHalt,
    Tell::Twice,
];

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    bench::run(config, sys, |bench| sweep(config, bench))
}

fn sweep(config: &HostConfig, bench: &mut Bench<'_>) -> Result<(), String> {
    bench.halted()?;
    step("a life without removal");
    let (start, all) = life(bench, 0, Tell::AtOnce)?;
    let points: Vec<u64> = if config.full {
        (1..=all).collect()
    } else {
        let spread = |from: u64, to: u64, count: u64| {
            (0..count).map(move |n| from + (to - from) * n / (count - 1))
        };
        let early = spread(1, start, SHORT_START);
        early.chain(spread(start + 1, all, SHORT_REST)).collect()
    };
    log!(
        "{all} register accesses in a life, {start} of them in MiniportInitializeEx; {} removals",
        points.len()
    );
    step("removals");
    let mut died = 0;
    for (number, &at) in points.iter().enumerate() {
        let tell = TELL[number % TELL.len()];
        if config.verbose {
            log!("after access {at}, told {tell:?}");
        }
        let (_, seen) = life(bench, at, tell)
            .map_err(|why| format!("removal after access {at}, told {tell:?}: {why}"))?;
        died += usize::from(seen >= at);
        if verify::violations() != 0 {
            return Err(format!("removal after access {at}, told {tell:?}"));
        }
    }
    log!(
        "{died} removals; at most {} accesses after one",
        gone::most_after()
    );
    bench.running()?;
    bench.check_event("S-06", "removals and a new start")
}

/// Halted to Halted, with a removal after access `at` (0: none). Gives the number of accesses until
/// MiniportInitializeEx returned, and in all.
fn life(bench: &mut Bench<'_>, at: u64, tell: Tell) -> Result<(u64, u64), String> {
    gone::begin(bench.adapter(), at);
    let started = lifecycle::initialize(bench.adapter());
    let start = gone::seen();
    let result = match started {
        Ok(()) => {
            pnp::power_profile(bench.adapter());
            work(bench, tell)
        }
        // I-14 was checked.
        Err(_) if gone::is() => Ok(()),
        Err(status) => Err(format!(
            "MiniportInitializeEx failed with {:#010x}",
            status as u32
        )),
    };
    let result = result.and_then(|()| end(bench, tell));
    let seen = gone::end();
    // H-03, DM-12.
    shared_memory::audit();
    // Each life has memory of its own, and a full sweep has 2,000 lives.
    shared_memory::release_freed();
    if shared_memory::refused() != 0 {
        return Err(String::from("the host ran out of memory"));
    }
    result.map(|()| (start, seen))
}

/// What a running adapter does. A step may fail once the device is gone.
fn work(bench: &Bench<'_>, tell: Tell) -> Result<(), String> {
    let adapter = bench.adapter();
    let steps: [&dyn Fn() -> Result<(), String>; 5] = [
        &|| bring_up::restart(bench.session),
        &|| bring_up::open(bench.session),
        &|| {
            let deadline = Some(time::now_ns() + LINK_NS);
            let up = || adapter.link.lock().is_up();
            thread::wait_until(deadline, &|| up() || gone::is());
            if up() {
                Ok(())
            } else {
                Err(String::from("no link"))
            }
        },
        &|| {
            let asked = Bench::ask(adapter, FRAMES);
            let deadline = Some(time::now_ns() + REPLY_NS);
            let done = || asked.iter().all(|nbl| adapter.sends.result(*nbl).is_some());
            thread::wait_until(deadline, &|| done() || gone::is());
            thread::sleep_ns(REPLY_NS / 4);
            Ok(())
        },
        &|| {
            for (number, length) in [
                (OID_GEN_STATISTICS, size_of::<NDIS_STATISTICS_INFO>()),
                (OID_802_3_CURRENT_ADDRESS, 6),
            ] {
                oid::query(adapter, number, length);
            }
            bring_up::open(bench.session)
        },
    ];
    for step in steps {
        if adapter.state() == State::Paused && gone::is() {
            // A restart that failed.
            break;
        }
        let result = step();
        if !gone::is() {
            result?;
            // O-10: once it knows of the removal the driver answers no more.
            record::read(adapter);
        } else if matches!(tell, Tell::AtOnce | Tell::Twice) {
            told(bench)?;
        }
    }
    Ok(())
}

/// Pause and halt, and what is told before.
fn end(bench: &mut Bench<'_>, tell: Tell) -> Result<(), String> {
    let action = || {
        if gone::is() {
            NdisHaltDeviceSurpriseRemoved
        } else {
            NdisHaltDeviceDisabled
        }
    };
    let alive = |bench: &Bench<'_>| bench.adapter().state() != State::Halted && gone::is();
    if tell != Tell::BeforeHalt && alive(bench) {
        told(bench)?;
    }
    if bench.adapter().state() == State::Running {
        tear_down::pause(bench.session, NDIS_PAUSE_MINIPORT_DEVICE_REMOVE);
    }
    if alive(bench) {
        told(bench)?;
        if tell == Tell::Twice {
            // S-08.
            pnp::notify(bench.adapter(), NdisDevicePnPEventSurpriseRemoved, &[]);
        }
    }
    bench.halted_for(action())
}

/// S-06: tells the driver, once, and looks at what it does with what still comes.
fn told(bench: &Bench<'_>) -> Result<(), String> {
    if gone::is_told() {
        return Ok(());
    }
    let adapter = bench.adapter();
    pnp::notify(adapter, NdisDevicePnPEventSurpriseRemoved, &[]);
    gone::set_told();
    neighbours(bench);
    if adapter.state() != State::Running {
        return Ok(());
    }
    let asked = Bench::ask(adapter, 2);
    let deadline = Some(time::now_ns() + COMPLETION_NS);
    let done = || asked.iter().all(|nbl| adapter.sends.result(*nbl).is_some());
    if !thread::wait_until(deadline, &done) {
        return Err(String::from(
            "sends after the removal are not completed within 2 s",
        ));
    }
    let results: Vec<_> = asked
        .iter()
        .filter_map(|nbl| adapter.sends.result(*nbl))
        .collect();
    let refused = vec![NDIS_STATUS_NOT_ACCEPTED; asked.len()];
    verify::check_of(Handler::Send, "S-06", results == refused, || {
        format!("sends after surprise removal are completed with {results:x?}")
    });
    let filter = adapter.filter.load(Ordering::Acquire);
    let answer = oid::set(
        adapter,
        OID_GEN_CURRENT_PACKET_FILTER,
        &filter.to_le_bytes(),
    );
    let refused = answer.status == NDIS_STATUS_NOT_ACCEPTED;
    verify::check_of(Handler::OidRequest, "S-06", refused, || {
        format!(
            "setting a packet filter after surprise removal gives {:#010x}",
            answer.status as u32
        )
    });
    Ok(())
}

/// the neighbours on a line go on, and late messages come.
fn neighbours(bench: &Bench<'_>) {
    let Ok(interrupt) = bench.interrupt() else {
        return;
    };
    let line = interrupt.grant.kind == Kind::Line;
    for call in 0..ISR_CALLS {
        let message = call % interrupt.grant.messages.len();
        let answer = bench::call_isr(&interrupt, message);
        verify::check_of(Handler::Isr, "X-102", !line || !answer.claimed, || {
            String::from("the line was claimed by a device that is gone")
        });
    }
    bench::drain(&interrupt);
}
