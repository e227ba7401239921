// SPDX-License-Identifier: MIT OR Apache-2.0
//! A flood of many flows both ways, over both queues, with a pause every second: nothing may be
//! lost that the driver does not count, and nothing may be left. PASSIVE.
//!
//! Cheap for the host: NBLs are made once and sent again and again in chains, and received frames
//! are looked at where they lie. The rules are checked all the same.

mod seen;
mod senders;

use super::{
    bring_up::{self, Session},
    datapath::scaling::Parameters,
    peer::Peer,
    report, statistics, step, tear_down,
};
use crate::{
    log,
    machine::{thread, time},
    ndis::{
        dice::DICE,
        lifecycle,
        means::Means,
        receive::{self, Received},
    },
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, sync::Arc};
use seen::Seen;
use senders::Senders;
use vmhost_proto::HostConfig;
use vmhost_wire::{
    flows::FLOWS,
    frame::{Network, Spec, Transport},
};

/// Frames that the peer is asked for at once.
const STRETCH: u64 = 4096;
/// From one pause to the next.
const PAUSE_NS: u64 = 1_000_000_000;
/// How long the adapter stays paused.
const PAUSED_NS: u64 = 5_000_000;
/// Between two looks.
const TICK_NS: u64 = 50_000_000;
/// Between two progress lines.
const PROGRESS_NS: u64 = 5_000_000_000;
/// How long the last frames may take.
const LAST_NS: u64 = 20_000_000_000;

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = flood_both_ways(config, &session);
    if let Err(what) = &result {
        log!("failed: {what}");
    }
    session.adapter.receives.set_sink(None);
    tear_down::end(&session, result)
}

fn flood_both_ways(config: &HostConfig, session: &Session) -> Result<(), String> {
    bring_up::restart(session)?;
    bring_up::open(session)?;
    bring_up::wait_for_link(session)?;
    let adapter = &session.adapter;
    let mac = adapter.current_mac();
    let peer = Peer::connect(mac)?;
    let scaling = Parameters::of(adapter, 0);
    if let Some(scaling) = &scaling {
        scaling.set(adapter)?;
    }
    let seen = Arc::new(Seen::new(mac, &Means::of(adapter), scaling.as_ref()));
    let sink = seen.clone();
    let look = move |bytes: &[u8], received: &Received| sink.take(bytes, received);
    adapter.receives.set_sink(Some(Arc::new(look)));
    step(&format!("{} frames each way, {FLOWS} flows", config.frames));
    let begin = time::now_ns();
    let senders = Senders::start(adapter, scaling.as_ref(), config.frames);
    let mut soak = Soak {
        session,
        peer,
        seen: &seen,
        senders: &senders,
        frames: config.frames,
        offered: 0,
        pauses: 0,
        begin,
        dropped_before: statistics::received_and_dropped(adapter),
    };
    let result = soak.watch();
    senders.stop();
    result
}

/// The flood from the main thread's view.
struct Soak<'a> {
    session: &'a Session,
    peer: Peer,
    seen: &'a Seen,
    senders: &'a Senders,
    /// Frames each way.
    frames: u64,
    /// Frames that the peer was asked to send.
    offered: u64,
    pauses: u32,
    begin: u64,
    /// What the driver had dropped before the flood.
    dropped_before: u64,
}

impl Soak<'_> {
    /// Pauses every second until all is through, then adds up.
    fn watch(&mut self) -> Result<(), String> {
        let mut told = self.begin;
        let mut next_pause = self.begin + PAUSE_NS;
        while !self.is_through() {
            self.offer()?;
            let until = time::now_ns() + TICK_NS;
            thread::wait_until(Some(until), &|| self.is_through());
            if time::now_ns() > next_pause {
                self.pause()?;
                next_pause = time::now_ns() + PAUSE_NS;
            }
            if time::now_ns() - told > PROGRESS_NS {
                told = time::now_ns();
                self.tell(told);
            }
        }
        let seconds = (time::now_ns() - self.begin) as f64 / 1e9;
        self.add_up(seconds)
    }

    /// Frames indicated so far.
    fn received(&self) -> u64 {
        self.seen.frames().0
    }

    fn is_through(&self) -> bool {
        self.received() >= self.frames && self.senders.are_through()
    }

    /// Keeps the peer busy until enough was received: frames that come in a pause are dropped.
    fn offer(&mut self) -> Result<(), String> {
        if self.received() >= self.frames {
            return Ok(());
        }
        let sent = self.peer.flood_state()?.sent;
        while self.offered - sent < 2 * STRETCH {
            self.peer.flood_of_flows(STRETCH)?;
            self.offered += STRETCH;
        }
        Ok(())
    }

    fn tell(&self, now: u64) {
        let rate = |frames: u64| frames * 1000 / ((now - self.begin) / 1_000_000).max(1);
        let (received, sent) = (self.received(), self.session.adapter.sends.frames().0);
        log!(
            "{received} received ({}/s), {sent} sent ({}/s), {} pauses",
            rate(received),
            rate(sent),
            self.pauses
        );
    }

    fn pause(&mut self) -> Result<(), String> {
        let adapter = &self.session.adapter;
        // D-16: half of the time sends go on while the miniport pauses.
        let orderly = DICE.chance(50);
        self.senders.close(true);
        if orderly {
            tear_down::quiet(adapter);
        }
        lifecycle::pause(adapter, NDIS_PAUSE_NDIS_INTERNAL);
        tear_down::quiet(adapter);
        thread::sleep_ns(PAUSED_NS);
        lifecycle::restart(adapter)
            .map_err(|status| format!("MiniportRestart failed with {:#010x}", status as u32))?;
        self.senders.close(false);
        self.pauses += 1;
        Ok(())
    }

    /// Every frame must be accounted for.
    fn add_up(&self, seconds: f64) -> Result<(), String> {
        let (adapter, peer, seen, pauses) =
            (&self.session.adapter, &self.peer, self.seen, self.pauses);
        let deadline = time::now_ns() + LAST_NS;
        while peer.flood_state()?.sent < self.offered && time::now_ns() < deadline {
            thread::sleep_ns(TICK_NS);
        }
        // What was sent before it has arrived when it has.
        let fence = Spec::new(0xFE00_0001, 60, Network::Raw, Transport::Other);
        peer.send(&[fence])?;
        let deadline = time::now_ns() + LAST_NS;
        let fenced = thread::wait_until(Some(deadline), &|| receive::pending(adapter));
        while receive::take(adapter).is_some() {}
        if !fenced {
            return Err(String::from(
                "the frame behind the flood did not come within 20 s",
            ));
        }
        // The other queues may still have some.
        let dropped = || statistics::received_and_dropped(adapter) - self.dropped_before;
        let deadline = time::now_ns() + LAST_NS;
        while seen.frames().0 + dropped() < self.offered && time::now_ns() < deadline {
            thread::sleep_ns(TICK_NS);
        }
        let (sent, refused) = adapter.sends.frames();
        let deadline = time::now_ns() + LAST_NS;
        let mut state = peer.flood_state()?;
        while state.received + state.wrong < sent && time::now_ns() < deadline {
            thread::sleep_ns(5_000_000);
            state = peer.flood_state()?;
        }
        let (all, good) = seen.frames();
        let missing = state.sent.saturating_sub(all);
        let dropped = dropped();
        let by_cpu = seen.by_cpu();
        log!(
            "{good} of {} frames received, {dropped} counted as dropped; {} of {sent} arrived; {refused} refused; {pauses} pauses; {seconds:.1} s; received by CPU: {by_cpu:?}",
            state.sent,
            state.received
        );
        report::update(|report| {
            report.soak = vmhost_proto::Soak {
                frames_sent: sent,
                frames_arrived: state.received,
                frames_offered: state.sent,
                frames_received: good,
                frames_dropped: dropped,
                sends_refused: refused,
                pauses,
                seconds,
                flows: FLOWS as u32,
                received_by_cpu: by_cpu,
            };
        });
        let handler = Handler::Send;
        verify::check_of(
            handler,
            "D-64",
            state.wrong == 0 && state.received == sent,
            || {
                format!(
                    "{sent} frames were completed with success, {} are on the wire, {} with wrong bytes",
                    state.received, state.wrong
                )
            },
        );
        verify::check_of(handler, "D-06", state.disordered == 0, || {
            format!(
                "{} frames of one flow went out after a later one",
                state.disordered
            )
        });
        let handler = adapter.receive_handler();
        // A frame that did not come up is in exactly one counter.
        verify::check_of(handler, "D-60", missing <= dropped, || {
            format!(
                "{missing} frames of {} are missing, the driver counts {dropped} as dropped",
                state.sent
            )
        });
        verify::check_of(Handler::OidRequest, "U-07", missing >= dropped, || {
            format!("the statistics say {dropped} frames dropped, {missing} did not come up")
        });
        seen.judge(handler);
        Ok(())
    }
}
