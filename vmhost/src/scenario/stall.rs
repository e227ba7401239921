// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sends that the device never finishes (T-19): bus mastering is taken away, so it reads no descriptor and reports
//! nothing. A driver that runs has to give up on them, and a pause has to end all the same, with every send completed once;
//! the adapter has to work afterwards.

use super::{
    bring_up::{self, Session},
    frames, step, tear_down,
};
use crate::{
    log,
    machine::{pci, thread, time},
    ndis::{
        nbl::Shape,
        send::{self, How},
    },
    protocol::Stack,
    verify,
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec, vec::Vec};
use vmhost_proto::HostConfig;

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
const LEASE_LIMIT_NS: u64 = 15_000_000_000;

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = stall(config, &session);
    tear_down::end(&session, result)
}

fn stall(config: &HostConfig, session: &Session) -> Result<(), String> {
    let adapter = &session.adapter;
    bring_up::restart(session)?;
    bring_up::open(session)?;
    bring_up::wait_for_link(session)?;
    step("sends without bus mastering, adapter running");
    master(session, false);
    submit(session);
    // N-06: the driver finds it out by itself.
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
    if found {
        bring_up::wait_for_link(session)?;
        step("traffic afterwards");
        ping(config, session)?;
    }
    step("sends without bus mastering, then a pause");
    master(session, false);
    submit(session);
    thread::sleep_ns(STUCK_NS);
    log!("{} sends outstanding", adapter.sends.outstanding());
    // P-05: judged by the pause itself, which has a time limit.
    let begin = time::now_ns();
    tear_down::pause(session, NDIS_PAUSE_NDIS_INTERNAL);
    log!("paused after {} ms", (time::now_ns() - begin) / 1_000_000);
    master(session, true);
    bring_up::restart(session)?;
    bring_up::wait_for_link(session)?;
    step("traffic afterwards");
    ping(config, session)
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
