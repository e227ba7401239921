// SPDX-License-Identifier: MIT OR Apache-2.0
//! The main scenario: link, DHCP, ping, transfers both ways, pause and restart, halt, unload.

use super::{
    bring_up::{self, Session},
    log_or_err, report, statistics, step, tear_down,
};
use crate::{
    log,
    machine::{thread, time},
    ndis::{dice::DICE, interrupt, offload},
    protocol::{Lease, Stack},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, string::ToString};
use vmhost_proto::HostConfig;

/// How long a lease may take.
const LEASE_LIMIT_NS: u64 = 15_000_000_000;
/// Bytes of the download that a pause interrupts: more than the receive window.
const INTERRUPTED: u64 = 1024 * 1024;
/// How long the adapter stays Paused then, and how long the device is watched after Halt: longer
/// than the peer takes to send again what nobody acknowledged (1 to 1.5 s in QEMU's user network),
/// so that a frame certainly arrives meanwhile.
const LINGER_NS: u64 = 1_600_000_000;
/// How long the protocol holds frames across the begin of that pause.
const HOLD_NS: u64 = 100_000_000;
/// How long interrupts stay off between the Disable and Enable handlers.
const DISABLED_NS: u64 = 5_000_000;

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = online(config, &session);
    if let Err(what) = &result {
        log!("failed: {what}");
    }
    // Whatever failed above, the miniport can still be paused, halted and unloaded.
    if session.adapter.state() == crate::ndis::adapter::State::Running {
        // A protocol that closes takes its filter back, if the device lives that long.
        if DICE.chance(50) {
            log_or_err(bring_up::set_filter(&session.adapter, 0), &result)?;
        }
        tear_down::pause(&session, NDIS_PAUSE_MINIPORT_DEVICE_REMOVE);
        statistics::check(&session.adapter);
    }
    tear_down::unload(&session, LINGER_NS);
    result
}

fn online(config: &HostConfig, session: &Session) -> Result<(), String> {
    bring_up::restart(session)?;
    bring_up::open(session)?;
    bring_up::wait_for_link(session)?;
    if !config.offloads {
        offload::switch(&session.adapter, false)?;
    }
    let mut stack = Stack::new(session.adapter.clone(), config.seed);
    let result = exchange(config, session, &mut stack);
    let counts = stack.counts();
    report::update(|report| {
        report.traffic.checksums_sent = counts.sent;
        report.traffic.checksums_received = counts.received;
        report.traffic.large_sends = counts.large;
    });
    result
}

fn exchange(config: &HostConfig, session: &Session, stack: &mut Stack) -> Result<(), String> {
    step("DHCP");
    let lease = stack.acquire_lease(LEASE_LIMIT_NS)?;
    log!("leased {}, gateway {}", lease.address, lease.gateway);
    report::update(|report| report.traffic.dhcp_address = lease.address.to_string());
    ping(config, stack, &lease)?;
    diagnose(session, stack, &lease)?;
    transfer(config, stack, &lease)?;
    interrupted(config, session, stack, &lease)?;
    if stack.ping(&lease, 1).received != 1 {
        return Err(String::from("no echo reply after pause and restart"));
    }
    // The last pause and the halt happen under load as well; nobody waits for this one's end.
    stack.begin_download(&lease, config.traffic.server_port, INTERRUPTED)?;
    Ok(())
}

/// P-03, P-04, P-08: pause in the middle of a download, with frames arriving all the time, then
/// restart; the download must go on and be whole.
fn interrupted(
    config: &HostConfig,
    session: &Session,
    stack: &mut Stack,
    lease: &Lease,
) -> Result<(), String> {
    let port = config.traffic.server_port;
    let download = stack.begin_download(lease, port, INTERRUPTED)?;
    // P-04: the pause has to wait for what the protocol still holds.
    session.adapter.receives.hold_for(HOLD_NS);
    stack.shout(lease, 16);
    thread::sleep_ns(HOLD_NS / 20);
    tear_down::pause(session, NDIS_PAUSE_NDIS_INTERNAL);
    thread::sleep_ns(LINGER_NS);
    bring_up::restart(session)?;
    step("finish the interrupted download");
    let result = stack.finish_download(download);
    if !result.digest_ok {
        return Err(format!(
            "download interrupted by a pause: {}",
            result.problem
        ));
    }
    Ok(())
}

fn ping(config: &HostConfig, stack: &mut Stack, lease: &Lease) -> Result<(), String> {
    step("ping");
    let pings = stack.ping(lease, config.traffic.pings);
    report::update(|report| {
        report.traffic.ping_sent = pings.sent;
        report.traffic.ping_received = pings.received;
        report.traffic.ping_rtt_us_median = pings.rtt_us_median;
    });
    if pings.received != config.traffic.pings {
        return Err(format!(
            "{} echo replies to {} requests",
            pings.received, pings.sent
        ));
    }
    Ok(())
}

/// the diagnostic handlers, and nothing is lost afterwards.
fn diagnose(session: &Session, stack: &mut Stack, lease: &Lease) -> Result<(), String> {
    step("disable and enable interrupts");
    let registered = session.adapter.interrupts.lock().first().cloned();
    if let Some(registered) = registered {
        interrupt::switch(&registered, false);
        thread::sleep_ns(DISABLED_NS);
        interrupt::switch(&registered, true);
    }
    if stack.ping(lease, 1).received != 1 {
        return Err(String::from(
            "no echo reply after the interrupt was disabled and enabled",
        ));
    }
    Ok(())
}

fn transfer(config: &HostConfig, stack: &mut Stack, lease: &Lease) -> Result<(), String> {
    let traffic = &config.traffic;
    step(&format!("{} KiB down", traffic.bytes_down / 1024));
    let started = time::now_ns();
    let down = stack.download(lease, traffic.server_port, traffic.bytes_down);
    log!(
        "{} bytes down in {} ms",
        down.bytes,
        (time::now_ns() - started) / 1_000_000
    );
    report::update(|report| report.traffic.tcp_bytes_down = down.bytes);
    if !down.digest_ok {
        return Err(format!("download: {}", down.problem));
    }
    step(&format!("{} KiB up", traffic.bytes_up / 1024));
    let started = time::now_ns();
    let up = stack.upload(lease, traffic.server_port, traffic.bytes_up);
    log!(
        "{} bytes up in {} ms",
        up.bytes,
        (time::now_ns() - started) / 1_000_000
    );
    report::update(|report| {
        report.traffic.tcp_bytes_up = up.bytes;
        report.traffic.sha256_ok = up.digest_ok;
    });
    if up.digest_ok {
        Ok(())
    } else {
        Err(format!("upload: {}", up.problem))
    }
}
