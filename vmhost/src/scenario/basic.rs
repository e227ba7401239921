// SPDX-License-Identifier: MIT OR Apache-2.0
//! For any Ethernet miniport: life cycle, OIDs, sends of many shapes with their completions.

use super::{
    bring_up::{self, Session},
    frames, oids, step, tear_down,
};
use crate::{
    log,
    machine::{irql, thread, time},
    ndis::{
        driver,
        interrupt::register,
        nbl::{Shape, Shaped},
        pnp,
        send::{self, How},
    },
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec, vec::Vec};
use vmhost_proto::HostConfig;

/// A cancel id and request id that belong to nothing.
const NOBODYS: u64 = 0x1234_5678;
/// An event code above those of the headers.
const UNKNOWN_EVENT: i32 = 99;
/// ARP requests, and how long their replies are waited for: QEMU's e1000 receives nothing in the
/// first second after it was enabled.
const REQUESTS: u64 = 8;
const REPLY_LIMIT_NS: u64 = 1_600_000_000;
/// How long the completions of one batch may take.
const COMPLETION_LIMIT_NS: u64 = 5_000_000_000;

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = exercise(&session);
    tear_down::end(&session, result)
}

fn exercise(session: &Session) -> Result<(), String> {
    step("OID queries in Paused");
    let answered = oids::check(&session.adapter);
    log!("{answered} OIDs answered");
    bring_up::restart(session)?;
    bring_up::open(session)?;
    step("OID queries in Running");
    oids::check(&session.adapter);
    // A wrong set above must have changed nothing, but the host's own view is certain only now.
    bring_up::open(session)?;
    let link = bring_up::wait_for_link(session).is_ok();
    if !link {
        log!("no link: sends may fail");
    }
    sends(session, link)?;
    if link {
        receives(session)?;
    }
    cancels(session);
    register::foreign_interrupts(&session.adapter);
    tear_down::pause(session, NDIS_PAUSE_NDIS_INTERNAL);
    bring_up::restart(session)?;
    sends(session, link)
}

/// Asks the gateway of QEMU's user network for its address, so that frames come back where there
/// is such a network. Their number is told and not judged.
fn receives(session: &Session) -> Result<(), String> {
    step("receives");
    let adapter = &session.adapter;
    let mut answered = 0;
    for _ in 0..REQUESTS {
        let before = adapter.receives.frames();
        let request = (frames::arp(adapter.current_mac()), Shape::default());
        complete(session, How::Passive, vec![vec![request]])?;
        let deadline = time::now_ns() + REPLY_LIMIT_NS;
        if !thread::wait_until(Some(deadline), &|| adapter.receives.frames() > before) {
            break;
        }
        answered += 1;
    }
    log!("{answered} of {REQUESTS} ARP requests answered");
    Ok(())
}

/// D-50, O-09, S-05: cancelling what is not there and unknown events have no effect.
fn cancels(session: &Session) {
    step("cancel requests and events that mean nothing");
    let adapter = &session.adapter;
    let handlers = driver::handlers();
    let arguments = [adapter.context(), NOBODYS];
    verify::call_on(
        Handler::CancelSend,
        adapter.handle,
        handlers.cancel_send,
        &arguments,
    );
    verify::call_on(
        Handler::CancelOidRequest,
        adapter.handle,
        handlers.cancel_oid,
        &arguments,
    );
    let old = irql::raise(irql::DISPATCH);
    verify::call_on(
        Handler::CancelSend,
        adapter.handle,
        handlers.cancel_send,
        &arguments,
    );
    irql::lower(old);
    pnp::notify(adapter, UNKNOWN_EVENT, &[]);
}

fn sends(session: &Session, link: bool) -> Result<(), String> {
    step("sends");
    let adapter = &session.adapter;
    let mac = adapter.current_mac();
    let most = adapter.mtu() + frames::HEADER;
    let plain = |length: usize| (frames::broadcast(mac, length, 1), Shape::default());
    let split = |length: usize, splits: &[usize]| {
        let shape = Shape {
            skipped: 9,
            front: 5,
            splits: splits.to_vec(),
            back: 17,
        };
        (frames::udp(mac, length, 2), shape)
    };
    let batches: Vec<(How, Vec<Vec<Shaped>>)> = vec![
        (How::Passive, vec![vec![plain(60)]]),
        (
            How::Dispatch,
            vec![vec![plain(most)], vec![plain(61)], vec![plain(590)]],
        ),
        (
            How::Passive,
            vec![vec![split(60, &[14, 20, 8]), split(most, &[54])]],
        ),
        (
            How::Dpc,
            vec![vec![split(300, &[0, 1, 13, 0, 100])], vec![plain(42)]],
        ),
        (
            How::Dispatch,
            (0..32u8)
                .map(|n| {
                    vec![(
                        frames::udp(mac, 64 + usize::from(n) * 45, n),
                        Shape::default(),
                    )]
                })
                .collect(),
        ),
        (
            How::Dpc,
            (0..4)
                .map(|_| vec![plain(1000), split(200, &[14]), plain(60)])
                .collect(),
        ),
    ];
    for (how, lists) in batches {
        let results = complete(session, how, lists)?;
        let sent = results.iter().all(|status| *status == NDIS_STATUS_SUCCESS);
        if link && !sent {
            return Err(format!("sends at {how:?} failed: {results:x?}"));
        }
    }
    // D-10: too long, or shorter than a header: completed all the same. No protocol sends these,
    // and many a miniport relies on that.
    let long = complete(session, How::Passive, vec![vec![plain(most + 64)]])?;
    if long.contains(&NDIS_STATUS_SUCCESS) {
        let length = most + 64;
        verify::advise(
            "D-10",
            format!("a frame of {length} bytes was sent, the maximum is {most}"),
        );
    }
    complete(session, How::Dispatch, vec![vec![plain(13)]])?;
    Ok(())
}

/// Sends and waits; the completion status of each list.
fn complete(session: &Session, how: How, lists: Vec<Vec<Shaped>>) -> Result<Vec<i32>, String> {
    let adapter = &session.adapter;
    let wanted = lists.len();
    let nbls = send::submit_lists(adapter, lists, how, true);
    let deadline = time::now_ns() + COMPLETION_LIMIT_NS;
    let done = || nbls.iter().all(|nbl| adapter.sends.result(*nbl).is_some());
    if !thread::wait_until(Some(deadline), &done) {
        let left = adapter.sends.outstanding();
        return Err(format!(
            "{left} of {wanted} sends at {how:?} are not completed within 5 s"
        ));
    }
    Ok(nbls
        .iter()
        .filter_map(|nbl| adapter.sends.result(*nbl))
        .collect())
}
