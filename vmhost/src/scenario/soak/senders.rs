// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sending threads of the flood: each has a lane of flows of its own, whose frames it numbers
//! and hands over in their order (D-06). PASSIVE.

use super::{
    super::datapath::{path, scaling::Parameters},
    seen::hash_of,
};
use crate::{
    machine::{cpu, thread},
    ndis::{
        adapter::Adapter,
        dice::DICE,
        means::Means,
        nbl::Shape,
        send::{self, Again, How, LANES},
    },
};
use alloc::{boxed::Box, sync::Arc};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use vmhost_wire::{
    control::Expected,
    flows::{self, FLOWS},
    frame::{self, Leave, Network, Way},
};

/// NBLs in one call at most.
const CHAIN: u64 = 32;
/// Of 100 calls, how many have one NBL only, as drivers have a way of their own for those; and how many have any number.
/// The rest is full: every call costs the host much, and ten million frames are to pass.
const SINGLE: u64 = 10;
const ANY: u64 = 15;
/// NBLs that are prepared: more than the rings take, so that the driver has to queue them (D-07).
const PREPARED: u64 = 768;
/// Flows from here on leave their checksums to the miniport.
const LEFT: usize = FLOWS / 2;

/// What the sending threads share.
pub struct Senders {
    adapter: Arc<Adapter>,
    /// Frames to be sent.
    left: AtomicU64,
    /// Nothing is sent now.
    closed: AtomicBool,
    running: AtomicUsize,
}

impl Senders {
    /// Prepares NBLs of every flow, with hashes when scaling is on, and starts the threads.
    pub fn start(adapter: &Arc<Adapter>, scaling: Option<&Parameters>, frames: u64) -> Arc<Self> {
        let means = Means::of(adapter);
        for place in 0..PREPARED {
            prepare(adapter, &means, scaling, place);
        }
        let senders = Arc::new(Self {
            adapter: adapter.clone(),
            left: AtomicU64::new(frames),
            closed: AtomicBool::new(false),
            running: AtomicUsize::new(LANES),
        });
        for lane in 0..LANES {
            let owner = senders.clone();
            let target = cpu::count() - 1 - lane % cpu::count();
            thread::spawn_big("sender", target, Box::new(move || owner.run(lane)));
        }
        senders
    }

    /// All frames are completed.
    pub fn are_through(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0 && self.adapter.sends.outstanding() == 0
    }

    /// Sends no more, or again.
    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::Release);
        thread::wake();
    }

    /// Ends the threads.
    pub fn stop(&self) {
        self.left.store(0, Ordering::Release);
        self.close(false);
        thread::wait_until(None, &|| self.running.load(Ordering::Acquire) == 0);
    }

    /// The body of a sending thread.
    fn run(&self, lane: usize) {
        let mut next = [0u64; FLOWS];
        loop {
            let may_go = || {
                self.left.load(Ordering::Acquire) == 0
                    || (!self.closed.load(Ordering::Acquire)
                        && send::can_resubmit(&self.adapter, lane))
            };
            thread::wait_until(None, &may_go);
            let most = match DICE.below(100) {
                dice if dice < SINGLE => 1,
                dice if dice < SINGLE + ANY => 1 + DICE.below(CHAIN),
                _ => CHAIN,
            };
            let claim = self
                .left
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                    (left != 0).then(|| left.saturating_sub(most))
                });
            let Ok(left) = claim else { break };
            let count = left.min(most);
            let how = if DICE.chance(50) {
                How::Passive
            } else {
                How::Dispatch
            };
            let number = |flow: usize| {
                let next = &mut next[flow % FLOWS];
                *next += 1;
                flows::number_bytes(*next - 1)
            };
            let sent = send::resubmit(&self.adapter, lane, count as usize, how, number);
            self.left.fetch_add(count - sent as u64, Ordering::AcqRel);
        }
        self.running.fetch_sub(1, Ordering::AcqRel);
        thread::wake();
    }
}

/// One NBL: its flow and length by `place`, checksums and tag left to the miniport where it takes them.
fn prepare(adapter: &Adapter, means: &Means, scaling: Option<&Parameters>, place: u64) {
    let (flow, size) = flows::kind(place);
    let mut spec = flows::spec(flow, size);
    let mut frame = flows::template(flow, size, adapter.current_mac(), Way::ToPeer);
    let mut tag = 0;
    // A tag of which the miniport would take a part only stays in the frame.
    let whole = means.tags() && means.of_tag(spec.tags[0]) == spec.tags[0];
    if whole && frame::strip_tag(&mut frame.bytes).is_some() {
        tag = core::mem::take(&mut spec.tags[0]);
        frame.network = frame.network.map(|at| at - frame::TAG);
        frame.transport = frame.transport.map(|at| at - frame::TAG);
        frame.payload -= frame::TAG;
    }
    let sums = means.transmit(spec.network);
    let leave = Leave {
        ip: flow >= LEFT && spec.network == Network::V4 && sums.ip(),
        transport: flow >= LEFT && sums.transport(spec.transport),
        segments: false,
    };
    frame::leave(&mut frame, spec.transport, leave);
    let mut info = path::out_of_band(&frame, &Expected { spec, tag, mss: 0 }, leave);
    if let Some(scaling) = scaling {
        let (hash, kind) = hash_of(scaling, flow, &frame);
        info.hash = (hash, kind | 1);
    }
    let shape = if place.is_multiple_of(2) {
        Shape::default()
    } else {
        send::throw_shape(frame.bytes.len())
    };
    let again = Again {
        lane: flow / 4 % LANES,
        flow,
        at: frame.payload,
    };
    send::prepare(adapter, &frame.bytes, &shape, &info, again);
}
