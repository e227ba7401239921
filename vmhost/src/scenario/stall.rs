// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sends that the device never finishes (T-19): bus mastering is taken away, so it reads no descriptor and reports
//! nothing. A driver that runs has to give up on them, and a pause has to end all the same, with every send completed once;
//! the adapter has to work afterwards. Meanwhile they can be cancelled (D-50).

use super::{
    bring_up::{self, Session},
    frames,
    statistics::{self, Failed},
    step, tear_down,
};
use crate::{
    log,
    machine::{pci, thread, time},
    ndis::{
        driver,
        nbl::{Info, Shape},
        send::{self, How},
        sg,
    },
    protocol::Stack,
    registry,
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};
use vmhost_proto::{HostConfig, RegistryValue};

/// PCI command register, and its bus master bit.
const COMMAND: u16 = 4;
const BUS_MASTER: u32 = 1 << 2;
/// More than one ring holds, so that the software queue has some too.
const SENDS: u8 = 200;
const ROUNDS: usize = 10;
/// How long a driver that runs may take to give up on the device: half of what NDIS allows (N-06), on a busy machine.
const FOUND_NS: u64 = 11_000_000_000;
/// How long sends may stay out before it is certain that the device does not finish them.
const STUCK_NS: u64 = 50_000_000;
/// Sends that are mapped late, and how late.
const LATE: usize = 8;
const LATE_NS: u64 = 300_000_000;
const LEASE_LIMIT_NS: u64 = 15_000_000_000;
/// The size of the ring, in descriptors, and its keyword. No power of two: a driver may have room for more net buffers
/// than that before its ring.
const RING: usize = 264;
const RING_KEYWORD: &str = "*TransmitBuffers";
/// Two senders' cancel ids, and how many net buffers their NBLs have. The last one that there is room for in 512 places is
/// the second of three.
const OWN: (u64, usize) = (0x5100_0000_0000_0001, 3);
const OTHER: (u64, usize) = (0x5200_0000_0000_0001, 2);
/// NBLs of the two, one after the other, in so many calls.
const CANCEL_CALLS: usize = 10;
const CANCEL_NBLS: usize = 40;
/// How long a cancelled send may take to come back; and how long after the first send no driver gives up on a device yet.
const CANCELLED_NS: u64 = 500_000_000;
const PATIENCE_NS: u64 = 1_500_000_000;

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let mut config = config.clone();
    let keywords = &mut config.install.keywords;
    let keyword = keywords
        .iter_mut()
        .find(|keyword| keyword.name == RING_KEYWORD);
    let knows_the_ring = keyword.is_some();
    if let Some(keyword) = keyword {
        keyword.value = RegistryValue::Sz(format!("{RING}"));
    }
    registry::init(&config);
    let session = bring_up::start(&config, sys);
    let result = stall(&config, &session, knows_the_ring);
    tear_down::end(&session, result)
}

fn stall(config: &HostConfig, session: &Session, knows_the_ring: bool) -> Result<(), String> {
    let adapter = &session.adapter;
    bring_up::restart(session)?;
    bring_up::open(session)?;
    bring_up::wait_for_link(session)?;
    step("sends without bus mastering, adapter running");
    master(session, false);
    submit(session);
    if is_found(session) {
        traffic(config, session)?;
        if knows_the_ring {
            step("sends without bus mastering, some cancelled");
            master(session, false);
            cancel(session);
            if is_found(session) {
                traffic(config, session)?;
            }
        } else {
            log!("skipped: cancelling, the INF has no {RING_KEYWORD}");
        }
    }
    step("sends without bus mastering, then a pause");
    master(session, false);
    submit(session);
    thread::sleep_ns(STUCK_NS);
    log!("{} sends outstanding", adapter.sends.outstanding());
    paused(config, session)?;
    step("sends without bus mastering that are mapped after the pause has begun");
    sg::hold();
    master(session, false);
    let list = vec![(frames::udp(adapter.current_mac(), 100, 0), Shape::default())];
    let _ = send::submit_lists(adapter, vec![list; LATE], How::Dispatch, false);
    let release = || {
        thread::sleep_ns(LATE_NS);
        sg::release();
    };
    let _ = thread::spawn("late mappings", 0, Box::new(release));
    paused(config, session)?;
    // Nothing was wrong with any of them.
    let failed = Failed {
        out_discards: adapter.sends.frames().1,
        ..Failed::default()
    };
    statistics::check_failed(adapter, failed);
    Ok(())
}

/// N-06: the driver finds it out by itself; then the device may use the bus again.
fn is_found(session: &Session) -> bool {
    let adapter = &session.adapter;
    let begin = time::now_ns();
    thread::wait_until(Some(begin + FOUND_NS), &|| adapter.sends.outstanding() == 0);
    log!(
        "{} sends outstanding after {} ms",
        adapter.sends.outstanding(),
        (time::now_ns() - begin) / 1_000_000
    );
    let found = verify::check("N-06", adapter.sends.outstanding() == 0, || {
        format!(
            "{} sends are with a driver that runs, {} s after the device has stopped",
            adapter.sends.outstanding(),
            FOUND_NS / 1_000_000_000
        )
    });
    master(session, true);
    found
}

/// P-05: a pause without bus mastering, judged by itself, as it has a time limit; the adapter works afterwards.
fn paused(config: &HostConfig, session: &Session) -> Result<(), String> {
    let begin = time::now_ns();
    tear_down::pause(session, NDIS_PAUSE_NDIS_INTERNAL);
    log!("paused after {} ms", (time::now_ns() - begin) / 1_000_000);
    master(session, true);
    bring_up::restart(session)?;
    traffic(config, session)
}

fn traffic(config: &HostConfig, session: &Session) -> Result<(), String> {
    bring_up::wait_for_link(session)?;
    step("traffic afterwards");
    ping(config, session)
}

/// An NBL that is with the driver, or was.
struct Queued {
    nbl: usize,
    id: u64,
    /// Net buffers that were sent before it.
    before: usize,
}

/// D-50: of more sends than the ring has room for, those of one id come back, and no others. What is in the ring stays
/// there: the device has it. Every net buffer takes a descriptor at least.
fn cancel(session: &Session) {
    let adapter = &session.adapter;
    let begin = time::now_ns();
    let queued = submit_two(session);
    // Lists may be mapped late.
    thread::sleep_ns(STUCK_NS);
    let handlers = driver::handlers();
    let arguments = [adapter.context(), OWN.0];
    verify::call_on(
        Handler::CancelSend,
        adapter.handle,
        handlers.cancel_send,
        &arguments,
    );
    let result = |one: &Queued| adapter.sends.result(one.nbl);
    let aborted = |one: &&Queued| result(one) == Some(NDIS_STATUS_SEND_ABORTED);
    let meant: Vec<_> = queued
        .iter()
        .filter(|one| one.id == OWN.0 && one.before >= RING)
        .collect();
    let deadline = time::now_ns() + CANCELLED_NS;
    thread::wait_until(Some(deadline), &|| meant.iter().all(aborted));
    let back = meant.iter().filter(|one| aborted(one)).count();
    verify::check_of(Handler::CancelSend, "D-50", back == meant.len(), || {
        let first = meant.iter().find(|one| !aborted(one));
        let first = first.map(|one| (one.before, result(one)));
        format!(
            "{} of {} sends that were cancelled and not in the ring came back; first other, behind so many: {first:x?}",
            back,
            meant.len()
        )
    });
    let early = queued.iter().filter(|one| {
        let spared = one.id == OTHER.0 || one.before == 0;
        spared && result(one).is_some()
    });
    let early = early.count();
    let passed = time::now_ns() - begin;
    verify::check_of(
        Handler::CancelSend,
        "D-50",
        early == 0 || passed >= PATIENCE_NS,
        || {
            format!(
                "{early} sends came back that were in the ring, or had another id than the cancelled"
            )
        },
    );
    log!(
        "{back} sends cancelled, {} outstanding",
        adapter.sends.outstanding()
    );
    // The rest, when the driver has given up on the device.
    thread::wait_until(Some(begin + FOUND_NS), &|| adapter.sends.outstanding() == 0);
    let others = queued
        .iter()
        .filter(|one| one.id == OTHER.0 && aborted(one))
        .count();
    verify::check_of(Handler::CancelSend, "D-50", others == 0, || {
        format!("{others} sends with another id were cancelled")
    });
}

/// Sends NBLs of two senders in turns.
fn submit_two(session: &Session) -> Vec<Queued> {
    let adapter = &session.adapter;
    let mac = adapter.current_mac();
    let (mut queued, mut before) = (Vec::new(), 0);
    for call in 0..CANCEL_CALLS {
        let how = if call % 2 == 0 {
            How::Passive
        } else {
            How::Dispatch
        };
        let senders: Vec<_> = [OWN, OTHER].into_iter().cycle().take(CANCEL_NBLS).collect();
        let lists = senders
            .iter()
            .map(|(id, count)| {
                let one = (frames::udp(mac, 100, call as u8), Shape::default());
                let info = Info {
                    cancel_id: *id,
                    ..Info::default()
                };
                (vec![one; *count], info)
            })
            .collect();
        let nbls = send::submit_with_info(adapter, lists, how, true);
        for (nbl, (id, count)) in nbls.into_iter().zip(senders) {
            queued.push(Queued { nbl, id, before });
            before += count;
        }
    }
    queued
}

/// Sends more than a ring holds, from both levels.
fn submit(session: &Session) {
    let adapter = &session.adapter;
    for round in 0..ROUNDS {
        let how = if round % 2 == 0 {
            How::Passive
        } else {
            How::Dispatch
        };
        let lists: Vec<_> = (0..SENDS)
            .map(|n| {
                let length = 60 + usize::from(n);
                vec![(
                    frames::udp(adapter.current_mac(), length, n),
                    Shape::default(),
                )]
            })
            .collect();
        let _ = send::submit_lists(adapter, lists, how, false);
    }
}

fn ping(config: &HostConfig, session: &Session) -> Result<(), String> {
    let mut stack = Stack::new(session.adapter.clone(), config.seed);
    let lease = stack.acquire_lease(LEASE_LIMIT_NS)?;
    match stack.ping(&lease, 1).received {
        1 => Ok(()),
        _ => Err(format!("no echo reply from {}", lease.gateway)),
    }
}

/// Lets the device use the bus, or not.
fn master(session: &Session, on: bool) {
    let device = &session.adapter.device;
    let command = pci::read_config(device, COMMAND, 2) & !BUS_MASTER;
    pci::write_config(
        device,
        COMMAND,
        2,
        command | if on { BUS_MASTER } else { 0 },
    );
}
