// SPDX-License-Identifier: MIT OR Apache-2.0
//! One life of the adapter with the peer at the other end: frames in and out, compared. PASSIVE.

use super::{
    super::{bring_up::Session, peer::Peer, report},
    kinds::Numbers,
    scaling::Parameters,
    truth,
};
use crate::{
    machine::{thread, time},
    ndis::{
        adapter::Adapter,
        dice::DICE,
        means::Means,
        nbl::{Info, Shape, Shaped},
        receive::{self, Received},
        send::{self, How},
    },
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec, vec::Vec};
use vmhost_wire::control::{Expected, Totals};
use vmhost_wire::frame::{self, Frame, Leave, Network, Spec, To, Transport, Way};

/// How long frames or completions may stay out. Only a failure waits for it.
const LIMIT_NS: u64 = 20_000_000_000;
/// The same when something wrong came.
const FAILED_NS: u64 = 1_000_000_000;
/// Bytes of an Ethernet header.
const HEADER: usize = frame::ETHERNET;
/// Bytes of an Ethernet address.
const ADDRESS: usize = 6;
/// Numbers of the frames that end a batch.
const FENCE: u32 = 0xFE00_0000;
/// Lists in one call at most.
const CHAIN: usize = 24;

/// What one frame was compared for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Frames sent and compared.
    pub sent: u64,
    /// Frames received and compared.
    pub received: u64,
    /// Frames that had to be refused, and were: one net buffer each.
    pub refused: u64,
    /// Frames for the adapter that were too long, and did not come up.
    pub bad: u64,
}

/// What is known about the adapter while a batch is received.
#[derive(Clone, Debug, Default)]
pub enum Judge {
    /// Its configuration does not change: claims are true, and those that are promised are made.
    #[default]
    Steady,
    /// The configuration changes meanwhile: claims are true.
    Changing,
    /// Steady, and frames are hashed and placed by these parameters.
    Scaled(Parameters),
}

/// A frame to be sent.
pub struct Outgoing {
    /// The frame as it must appear.
    pub expected: Expected,
    /// What is left to the miniport.
    pub leave: Leave,
    /// How it lies in memory.
    pub shape: Shape,
    /// The tag that goes out of band, where it is not the one that must appear.
    pub outside: Option<u16>,
}

/// One life of the adapter.
pub struct Path<'a> {
    /// The driver.
    pub session: &'a Session,
    /// The life's name.
    pub life: &'static str,
    /// The other end.
    pub peer: Peer,
    /// Numbers of frames.
    pub numbers: Numbers,
    /// What was done.
    pub counts: Counts,
    /// Frames that came up, as they were on the wire.
    pub received: Totals,
    /// The VLAN that the adapter is in; 0: all.
    pub vlan: u16,
    guest: [u8; 6],
    fences: u32,
}

impl Outgoing {
    /// A frame with a shape of the dice's choice.
    pub fn new(spec: Spec, leave: Leave, tag: u16, mss: u32) -> Self {
        Self {
            expected: Expected { spec, tag, mss },
            leave,
            shape: send::throw_shape(spec.length as usize),
            outside: None,
        }
    }

    /// With a tag out of band, of which the miniport takes what it has the means for.
    pub fn with_tag(mut self, means: &Means, tag: u16) -> Self {
        self.expected.tag = means.of_tag(tag);
        self.outside = Some(tag);
        self
    }
}

/// Whether a frame must be indicated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Must,
    May,
    Never,
}

struct Awaited {
    spec: Spec,
    frame: Frame,
    wanted: Wanted,
    came: u32,
}

impl Awaited {
    /// Whether it is for the adapter and longer than a frame may be.
    fn is_bad(&self, most: usize) -> bool {
        let tag = self.spec.tag_bytes().min(frame::TAG);
        self.spec.to != To::Stranger && self.frame.bytes.len() > most + tag
    }
}

impl<'a> Path<'a> {
    /// For an adapter that runs, with its link up.
    pub fn new(session: &'a Session, life: &'static str) -> Result<Self, String> {
        let guest = session.adapter.current_mac();
        while receive::take(&session.adapter).is_some() {}
        Ok(Self {
            session,
            life,
            peer: Peer::connect(guest)?,
            numbers: Numbers::default(),
            counts: Counts::default(),
            received: Totals::default(),
            vlan: 0,
            guest,
            fences: 0,
        })
    }

    /// The adapter.
    pub fn adapter(&self) -> &'a Arc<Adapter> {
        &self.session.adapter
    }

    /// The longest frame without a tag.
    pub fn most(&self) -> u32 {
        (self.adapter().mtu() + HEADER) as u32
    }

    /// A case: counted, and passed when it found nothing.
    pub fn case(
        &mut self,
        what: &str,
        run: impl FnOnce(&mut Self, &str) -> Result<(), String>,
    ) -> Result<(), String> {
        let before = verify::violations();
        let result = run(self, what);
        let good = result.is_ok() && verify::violations() == before;
        report::update(|report| {
            report.datapath.cases += 1;
            report.datapath.passed += u32::from(good);
        });
        result
    }

    /// Has the peer send `specs`, then does `meanwhile`; compares what the miniport indicates,
    /// until all is here that must be.
    pub fn receive(
        &mut self,
        what: &str,
        specs: &[Spec],
        judge: &Judge,
        meanwhile: impl FnOnce(&Adapter) -> Result<(), String>,
    ) -> Result<(), String> {
        let means = Means::of(self.adapter());
        let most = self.most() as usize;
        let mut awaited: Vec<Awaited> = Vec::new();
        let mut by_bytes: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        let fence = self.fence();
        let all: Vec<Spec> = specs.iter().copied().chain([fence]).collect();
        for spec in &all {
            let mut built = frame::build(spec, self.guest, Way::ToGuest);
            // QEMU's chip fills up short frames, as the sender's would have.
            frame::pad(&mut built.bytes);
            by_bytes
                .entry(as_it_comes(&means, spec, &built.bytes))
                .or_default()
                .push(awaited.len());
            awaited.push(Awaited {
                spec: *spec,
                wanted: if spec.tags[0] & 0xFFF == self.vlan || self.vlan == 0 {
                    wanted(spec, built.bytes.len(), most)
                } else {
                    Wanted::Never
                },
                frame: built,
                came: 0,
            });
        }
        self.peer.send(&all)?;
        meanwhile(self.adapter())?;
        let mut deadline = time::now_ns() + LIMIT_NS;
        let mut missing = awaited.iter().filter(|a| a.wanted == Wanted::Must).count();
        while missing != 0 {
            let Some(received) = receive::take(self.adapter()) else {
                let adapter = self.adapter();
                if !thread::wait_until(Some(deadline), &|| receive::pending(adapter)) {
                    break;
                }
                continue;
            };
            let mut whole = received.bytes.clone();
            if received.tag != 0 {
                frame::insert_tag(&mut whole, tag_of(received.tag));
            }
            let found = by_bytes
                .get(&whole)
                .and_then(|indexes| indexes.iter().find(|index| awaited[**index].came == 0))
                .copied();
            let Some(index) = found else {
                self.complain(what, &received, &awaited);
                // The run has failed; what else is missing need not be waited for.
                deadline = deadline.min(time::now_ns() + FAILED_NS);
                continue;
            };
            let one = &mut awaited[index];
            one.came += 1;
            verify::check_of(self.handler(), "D-37", one.wanted != Wanted::Never, || {
                format!(
                    "{what}: a frame that must not come up was indicated: {:?}",
                    one.spec
                )
            });
            if one.wanted == Wanted::Must {
                missing -= 1;
            }
            self.counts.received += 1;
            self.received.count(&one.frame.bytes);
            truth::check(
                self.handler(),
                &means,
                judge,
                &one.spec,
                &one.frame,
                &received,
            );
        }
        let bad = awaited.iter().filter(|a| a.is_bad(most) && a.came == 0);
        self.counts.bad += bad.count() as u64;
        let lost = awaited
            .iter()
            .find(|a| a.wanted == Wanted::Must && a.came == 0);
        verify::check_of(self.handler(), "D-60", lost.is_none(), || {
            let spec = lost.map(|a| a.spec);
            format!("{what}: {missing} frames were sent and did not come up, first {spec:?}")
        });
        if missing == 0 {
            Ok(())
        } else {
            Err(format!("{what}: {missing} frames were lost"))
        }
    }

    /// A frame of its own kind, to know what comes before it.
    fn fence(&mut self) -> Spec {
        self.fences += 1;
        let mut fence = Spec::new(FENCE + self.fences, 64, Network::Raw, Transport::Other);
        fence.tags[0] = self.vlan;
        fence
    }

    /// The next frame that comes up, whatever it is.
    pub fn next(&mut self, what: &str) -> Result<Received, String> {
        let adapter = self.adapter();
        let deadline = time::now_ns() + LIMIT_NS;
        thread::wait_until(Some(deadline), &|| receive::pending(adapter));
        receive::take(adapter).ok_or_else(|| format!("{what}: no frame came up within 20 s"))
    }

    /// Drops all frames that come up before one that the peer sends now.
    pub fn flush(&mut self, what: &str) -> Result<(), String> {
        let fence = self.fence();
        let built = frame::build(&fence, self.guest, Way::ToGuest);
        // The protocol keeps so many frames and drops more, of which the fence is to be none.
        while receive::take(self.adapter()).is_some() {}
        self.peer.send(&[fence])?;
        while self.next(what)?.bytes != built.bytes {}
        Ok(())
    }

    fn complain(&self, what: &str, received: &Received, awaited: &[Awaited]) {
        let have = &received.bytes;
        let same = |a: &&Awaited| {
            a.frame
                .bytes
                .iter()
                .zip(have)
                .filter(|(a, b)| a == b)
                .count()
        };
        let near = awaited.iter().max_by_key(same);
        // Right but for a tag that is nowhere: that has a rule of its own.
        let lost_its_tag = |a: &Awaited| {
            let mut bytes = a.frame.bytes.clone();
            frame::strip_tag(&mut bytes).is_some() && bytes == *have
        };
        let rule = if awaited.iter().any(lost_its_tag) {
            "D-62"
        } else {
            "D-60"
        };
        verify::check_of(self.handler(), rule, false, || {
            let Some(near) = near else {
                return format!("{what}: a frame of {} bytes that nobody sent", have.len());
            };
            let want = &near.frame.bytes;
            let at = want.iter().zip(have).position(|(a, b)| a != b);
            format!(
                "{what}: a frame of {} bytes was not sent like this; nearest has {} bytes, first difference at {at:?}, sent {} time(s): {:?}",
                have.len(),
                want.len(),
                near.came,
                near.spec
            )
        });
    }

    /// Whom to blame for what comes up.
    pub fn handler(&self) -> Handler {
        self.adapter().receive_handler()
    }

    /// One frame with a shape of the dice's choice and nothing left to the miniport.
    pub fn plain(spec: Spec) -> Outgoing {
        Outgoing::new(spec, Leave::default(), 0, 0)
    }

    /// Sends frames, one list each with now and then several net buffers; the peer compares.
    pub fn send(&mut self, what: &str, frames: &[Outgoing]) -> Result<(), String> {
        for part in frames.chunks(CHAIN) {
            self.peer
                .expect(part.iter().map(|one| one.expected).collect())?;
            let mut lists: Vec<(Vec<Shaped>, Info)> = Vec::new();
            let mut last: Option<(Leave, u16, Option<usize>)> = None;
            for one in part {
                let (bytes, info, key) = self.prepare(one);
                let shaped = (bytes, one.shape.clone());
                // Net buffers of one list share what goes out of band.
                match lists.last_mut() {
                    Some((list, _))
                        if last == Some(key)
                            && one.expected.mss == 0
                            && list.len() < 4
                            && DICE.chance(30) =>
                    {
                        list.push(shaped);
                    }
                    _ => lists.push((vec![shaped], info)),
                }
                last = Some(key);
            }
            let how = DICE.pick(&[How::Passive, How::Dispatch, How::Dpc]);
            let results = self.complete(lists, how)?;
            let failed = results
                .iter()
                .filter(|status| **status != NDIS_STATUS_SUCCESS)
                .count();
            verify::check_of(Handler::Send, "D-64", failed == 0, || {
                format!(
                    "{what}: {failed} of {} sends failed: {results:x?}",
                    results.len()
                )
            });
            self.collect(what)?;
            self.counts.sent += part.len() as u64;
        }
        Ok(())
    }

    /// Sends lists that must be refused, one after the other (D-10); nothing may reach the wire.
    pub fn refuse(&mut self, what: &str, lists: Vec<(Vec<Shaped>, Info)>) -> Result<(), String> {
        for list in lists {
            let lengths: Vec<usize> = list.0.iter().map(|(bytes, _)| bytes.len()).collect();
            let results = self.complete(vec![list], How::Passive)?;
            let good = results.iter().all(|status| *status != NDIS_STATUS_SUCCESS);
            verify::check_of(Handler::Send, "D-10", good, || {
                format!("{what}: a send of {lengths:?} bytes completed with success")
            });
            self.counts.refused += 1;
        }
        self.collect(what)
    }

    /// Bytes and out-of-band data of one frame, and what net buffers of one list share.
    pub fn prepare(&self, one: &Outgoing) -> (Vec<u8>, Info, (Leave, u16, Option<usize>)) {
        let spec = &one.expected.spec;
        let mut frame = frame::build(spec, self.guest, Way::ToPeer);
        frame::leave(&mut frame, spec.transport, one.leave);
        let mut info = out_of_band(&frame, &one.expected, one.leave);
        let outside = one.outside.unwrap_or(one.expected.tag);
        info.tag = tag_info(outside);
        let tcp = usize::from(spec.transport == Transport::Tcp);
        let key = (one.leave, outside, frame.transport.map(|at| at * 2 + tcp));
        (frame.bytes, info, key)
    }

    /// Sends and waits for the completions; their statuses.
    fn complete(&self, lists: Vec<(Vec<Shaped>, Info)>, how: How) -> Result<Vec<i32>, String> {
        let adapter = self.adapter();
        let wanted = lists.len();
        let nbls = send::submit_with_info(adapter, lists, how, true);
        let deadline = time::now_ns() + LIMIT_NS;
        let done = || nbls.iter().all(|nbl| adapter.sends.result(*nbl).is_some());
        if nbls.len() != wanted || !thread::wait_until(Some(deadline), &done) {
            let left = adapter.sends.outstanding();
            return Err(format!(
                "{left} of {wanted} sends are not completed within 20 s"
            ));
        }
        Ok(nbls
            .iter()
            .filter_map(|nbl| adapter.sends.result(*nbl))
            .collect())
    }

    /// What the peer saw must be what it expected.
    fn collect(&mut self, what: &str) -> Result<(), String> {
        let seen = self.peer.collect()?;
        let rule = if seen.padding != 0 { "D-11" } else { "D-64" };
        let good = seen.missing == 0 && seen.unexpected == 0 && seen.problem.is_empty();
        verify::check_of(Handler::Send, rule, good, || {
            format!(
                "{what}: on the wire: {} as expected, {} missing, {} others: {}",
                seen.matched, seen.missing, seen.unexpected, seen.problem
            )
        });
        if good {
            Ok(())
        } else {
            Err(format!("{what}: {}", seen.problem))
        }
    }
}

/// A frame of the wire with what its tag has of use to the adapter.
fn as_it_comes(means: &Means, spec: &Spec, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let tag = means.of_tag(spec.tags[0]);
    if means.tags() && tag != spec.tags[0] && frame::strip_tag(&mut bytes).is_some() && tag != 0 {
        frame::insert_tag(&mut bytes, tag);
    }
    bytes
}

/// D-37, D-36: what of the wire's frames belongs upwards.
fn wanted(spec: &Spec, length: usize, most: usize) -> Wanted {
    let tags = spec.tag_bytes();
    if spec.to == To::Stranger || (spec.length as usize) < ADDRESS {
        // Of a frame without a whole address, zeros fill up the address too.
        Wanted::Never
    } else if length <= most + tags.min(frame::TAG) {
        Wanted::Must
    } else if length <= most + tags {
        // The second tag's bytes.
        Wanted::May
    } else {
        Wanted::Never
    }
}

/// Ieee8021QNetBufferListInfo as a tag of the wire.
pub fn tag_of(info: u32) -> u16 {
    let (priority, canonical, id) = (info & 7, info >> 3 & 1, info >> 4 & 0xFFF);
    (priority << 13 | canonical << 12 | id) as u16
}

/// A tag of the wire as Ieee8021QNetBufferListInfo.
fn tag_info(tag: u16) -> u32 {
    let tag = u32::from(tag);
    tag >> 13 | (tag >> 12 & 1) << 3 | (tag & 0xFFF) << 4
}

/// What goes out of band with a frame of which `leave` is left to the miniport.
pub fn out_of_band(frame: &Frame, expected: &Expected, leave: Leave) -> Info {
    let spec = &expected.spec;
    let mut info = Info {
        tag: tag_info(expected.tag),
        ..Info::default()
    };
    let Some(offset) = frame.transport.map(|at| at as u32) else {
        return info;
    };
    let v6 = spec.network == Network::V6;
    if leave.segments {
        // LSOv2: MSS, TcpHeaderOffset, Type, IPVersion.
        info.large = expected.mss | offset << 20 | 1 << 30 | u32::from(v6) << 31;
    } else if leave.ip || leave.transport {
        let tcp = spec.transport == Transport::Tcp;
        info.checksum = if v6 { 1 << 1 } else { 1 };
        if leave.transport {
            info.checksum |= if tcp { 1 << 2 } else { 1 << 3 };
            info.checksum |= offset << 16;
        }
        if leave.ip {
            info.checksum |= 1 << 4;
        }
    }
    info
}
