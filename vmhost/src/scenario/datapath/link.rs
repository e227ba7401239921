// SPDX-License-Identifier: MIT OR Apache-2.0
//! The cable is pulled under traffic and plugged in again (T-06, U-05): each change is indicated, once, and all frames come and go
//! as before. PASSIVE.

use super::{
    super::step,
    kinds,
    path::{Judge, Path},
};
use crate::{
    log,
    machine::{thread, time},
    ndis::adapter::Adapter,
    verify,
};
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::Ordering;

/// Frames of the flood, and bytes of each.
const FLOOD: u64 = 5_000;
const LENGTH: usize = 600;
/// How many of them come before the cable is pulled.
const BEFORE: usize = 100;
/// How long a change may take to be indicated; the negotiation takes half a second of it.
const CHANGE_NS: u64 = 5_000_000_000;
/// How long to wait for another indication, which must not come.
const QUIET_NS: u64 = 50_000_000;

/// Runs it.
pub fn all(path: &mut Path<'_>) -> Result<(), String> {
    step("the cable");
    path.case("link down and up under traffic", |path, what| {
        path.peer.flood(FLOOD, LENGTH)?;
        for _ in 0..BEFORE {
            path.next(what)?;
        }
        change(path, false)?;
        change(path, true)?;
        path.flush(what)
    })?;
    let most = path.most();
    let groups = kinds::groups(&mut path.numbers, most);
    let specs: Vec<_> = groups
        .into_iter()
        .take(2)
        .flat_map(|group| group.specs)
        .collect();
    path.case("receive after the link was down", |path, what| {
        path.receive(what, &specs, &Judge::Steady, |_| Ok(()))
    })?;
    let groups = kinds::groups(&mut path.numbers, most);
    let frames: Vec<_> = groups
        .into_iter()
        .take(2)
        .flat_map(|group| group.specs)
        .map(Path::plain)
        .collect();
    path.case("send after the link was down", |path, what| {
        path.send(what, &frames)
    })
}

/// U-05: pulls the cable or plugs it in, and waits for the one indication.
fn change(path: &mut Path<'_>, up: bool) -> Result<(), String> {
    let adapter = path.adapter();
    let changes = |adapter: &Adapter| adapter.link_changes.load(Ordering::Acquire);
    let before = changes(adapter);
    let begin = time::now_ns();
    path.peer.set_link(up)?;
    thread::wait_until(Some(begin + CHANGE_NS), &|| {
        adapter.link.lock().is_up() == up
    });
    let took = (time::now_ns() - begin) / 1_000_000;
    thread::sleep_ns(QUIET_NS);
    let count = changes(adapter) - before;
    let name = if up { "up" } else { "down" };
    log!("the link is {name} after {took} ms, {count} change(s)");
    let good = adapter.link.lock().is_up() == up && count == 1;
    verify::check("U-05", good, || {
        format!("the link went {name} and was indicated as changed {count} times")
    });
    if good {
        Ok(())
    } else {
        Err(format!("the link did not go {name} once"))
    }
}
