// SPDX-License-Identifier: MIT OR Apache-2.0
//! A flood both ways, with a pause every second: nothing may be lost that the driver does not
//! count, and nothing may be left. PASSIVE; the sink runs inside indications.
//!
//! Cheap for the host: NBLs are made once and sent again and again in chains, and received frames
//! are looked at where they lie. The rules are checked all the same.

use super::{
    bring_up::{self, Session},
    log_or_err,
    peer::Peer,
    report, statistics, step, tear_down,
};
use crate::{
    log,
    machine::{cpu, lock::IrqSpin, thread, time},
    ndis::{
        adapter::{Adapter, State},
        dice::DICE,
        lifecycle,
        nbl::Shape,
        receive,
        send::{self, How},
    },
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use vmhost_proto::HostConfig;
use vmhost_wire::{
    flood,
    frame::{Network, Spec, Transport, Way},
};

/// Bytes of most frames, and of the others.
const SHORT: usize = 60;
const LONG: usize = 1514;
/// One frame in so many is long.
const ONE_LONG_IN: u64 = 16;
/// Frames of one length that the peer sends before it changes.
const STRETCH: u64 = 4096;
/// NBLs in one call.
const CHAIN: usize = 32;
/// NBLs that are prepared.
const PREPARED: usize = 768;
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

/// What the sink counts.
struct Seen {
    short: Vec<u8>,
    long: Vec<u8>,
    good: AtomicU64,
    wrong: AtomicU64,
    disordered: AtomicU64,
    last: AtomicU64,
}

/// What the sending threads share.
struct Senders {
    adapter: Arc<Adapter>,
    left: AtomicU64,
    number: IrqSpin<u64>,
    closed: AtomicBool,
    running: AtomicUsize,
}

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = flood_both_ways(config, &session);
    if let Err(what) = &result {
        log!("failed: {what}");
    }
    session.adapter.receives.set_sink(None);
    if session.adapter.state() == State::Running {
        log_or_err(bring_up::set_filter(&session.adapter, 0), &result)?;
        tear_down::pause(&session, NDIS_PAUSE_MINIPORT_DEVICE_REMOVE);
        statistics::check(&session.adapter);
    }
    tear_down::unload(&session, 0);
    result
}

fn flood_both_ways(config: &HostConfig, session: &Session) -> Result<(), String> {
    bring_up::restart(session)?;
    bring_up::open(session)?;
    bring_up::wait_for_link(session)?;
    let adapter = &session.adapter;
    let mac = adapter.current_mac();
    let peer = Peer::connect(mac)?;
    let seen = Arc::new(Seen::new(mac));
    let sink = seen.clone();
    adapter
        .receives
        .set_sink(Some(Arc::new(move |bytes: &[u8]| sink.take(bytes))));
    for number in 0..PREPARED {
        let length = if (number as u64).is_multiple_of(ONE_LONG_IN) {
            LONG
        } else {
            SHORT
        };
        send::prepare(
            adapter,
            1,
            &flood::template(length, mac, Way::ToPeer),
            &Shape::default(),
        );
    }
    step(&format!("{} frames each way", config.frames));
    let begin = time::now_ns();
    let senders = Arc::new(Senders {
        adapter: adapter.clone(),
        left: AtomicU64::new(config.frames),
        number: IrqSpin::new(0),
        closed: AtomicBool::new(false),
        running: AtomicUsize::new(0),
    });
    for number in 0..cpu::count().min(2) {
        senders.running.fetch_add(1, Ordering::AcqRel);
        let owner = senders.clone();
        let target = cpu::count() - 1 - number;
        thread::spawn_big("sender", target, Box::new(move || owner.run()));
    }
    let mut soak = Soak {
        session,
        peer,
        seen: &seen,
        senders: &senders,
        frames: config.frames,
        offered: 0,
        pauses: 0,
        begin,
    };
    let result = soak.watch();
    senders.left.store(0, Ordering::Release);
    senders.closed.store(false, Ordering::Release);
    thread::wake();
    thread::wait_until(None, &|| senders.running.load(Ordering::Acquire) == 0);
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
        self.seen.good.load(Ordering::Relaxed) + self.seen.wrong.load(Ordering::Relaxed)
    }

    fn is_through(&self) -> bool {
        self.received() >= self.frames
            && self.senders.left.load(Ordering::Acquire) == 0
            && self.session.adapter.sends.outstanding() == 0
    }

    /// Keeps the peer busy until enough was received: frames that come in a pause are dropped.
    fn offer(&mut self) -> Result<(), String> {
        if self.received() >= self.frames {
            return Ok(());
        }
        let sent = self.peer.flood_state()?.sent;
        while self.offered - sent < 2 * STRETCH {
            let long = self.offered / STRETCH % ONE_LONG_IN == ONE_LONG_IN - 1;
            self.peer.flood(STRETCH, if long { LONG } else { SHORT })?;
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
        self.senders.closed.store(true, Ordering::Release);
        if orderly {
            tear_down::quiet(adapter);
        }
        lifecycle::pause(adapter, NDIS_PAUSE_NDIS_INTERNAL);
        tear_down::quiet(adapter);
        thread::sleep_ns(PAUSED_NS);
        lifecycle::restart(adapter)
            .map_err(|status| format!("MiniportRestart failed with {:#010x}", status as u32))?;
        self.senders.closed.store(false, Ordering::Release);
        thread::wake();
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
        let fence = Spec::new(0xFE00_0001, SHORT as u32, Network::Raw, Transport::Other);
        peer.send(&[fence])?;
        let deadline = time::now_ns() + LAST_NS;
        let fenced = thread::wait_until(Some(deadline), &|| receive::pending(adapter));
        while receive::take(adapter).is_some() {}
        if !fenced {
            return Err(String::from(
                "the frame behind the flood did not come within 20 s",
            ));
        }
        let (sent, refused) = adapter.sends.frames();
        let deadline = time::now_ns() + LAST_NS;
        let mut state = peer.flood_state()?;
        while state.received + state.wrong < sent && time::now_ns() < deadline {
            thread::sleep_ns(5_000_000);
            state = peer.flood_state()?;
        }
        let good = seen.good.load(Ordering::Relaxed);
        let wrong = seen.wrong.load(Ordering::Relaxed);
        let missing = state.sent.saturating_sub(good + wrong);
        let dropped = statistics::received_and_dropped(adapter);
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
            };
        });
        log!(
            "{good} of {} frames received, {dropped} counted as dropped; {} of {sent} arrived; {refused} refused; {pauses} pauses; {seconds:.1} s",
            state.sent,
            state.received
        );
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
        let handler = if adapter
            .interrupts
            .lock()
            .first()
            .is_some_and(|i| i.is_message())
        {
            Handler::MessageDpc
        } else {
            Handler::Dpc
        };
        verify::check_of(handler, "D-60", wrong == 0, || {
            format!("{wrong} frames were indicated with wrong bytes")
        });
        verify::check_of(handler, "D-60", missing <= dropped, || {
            format!(
                "{missing} frames of {} are missing, the driver counts {dropped} as dropped",
                state.sent
            )
        });
        let disordered = seen.disordered.load(Ordering::Relaxed);
        verify::check_of(handler, "D-40", disordered == 0, || {
            format!("{disordered} frames of one flow came after a later one")
        });
        Ok(())
    }
}

impl Seen {
    fn new(mac: [u8; 6]) -> Self {
        Self {
            short: flood::template(SHORT, mac, Way::ToGuest),
            long: flood::template(LONG, mac, Way::ToGuest),
            good: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
            disordered: AtomicU64::new(0),
            last: AtomicU64::new(0),
        }
    }

    /// Looks at one indicated frame. At most DISPATCH.
    fn take(&self, bytes: &[u8]) -> bool {
        let Some(number) = flood::number(bytes) else {
            return false;
        };
        let template = if bytes.len() == SHORT {
            &self.short
        } else {
            &self.long
        };
        if flood::matches(bytes, template) {
            self.good.fetch_add(1, Ordering::Relaxed);
        } else {
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
        // Numbers begin at 0; a place of its own for "none yet" would cost more than it tells.
        if self.last.swap(number, Ordering::Relaxed) > number {
            self.disordered.fetch_add(1, Ordering::Relaxed);
        }
        true
    }
}

impl Senders {
    /// The body of a sending thread.
    fn run(&self) {
        loop {
            let may_go = || {
                self.left.load(Ordering::Acquire) == 0
                    || (!self.closed.load(Ordering::Acquire) && send::can_resubmit(&self.adapter))
            };
            thread::wait_until(None, &may_go);
            let want = CHAIN as u64;
            let claim = self
                .left
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                    (left != 0).then(|| left.saturating_sub(want))
                });
            let Ok(left) = claim else { break };
            let count = left.min(want);
            let how = if DICE.chance(50) {
                How::Passive
            } else {
                How::Dispatch
            };
            let sent = send::resubmit(
                &self.adapter,
                count as usize,
                flood::NUMBER_AT,
                &self.number,
                how,
            );
            self.left.fetch_add(count - sent as u64, Ordering::AcqRel);
        }
        self.running.fetch_sub(1, Ordering::AcqRel);
        thread::wake();
    }
}
