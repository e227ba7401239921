// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames that the guest shall send, compared byte by byte with what comes.
//!
//! Frames of several transmit queues overtake each other, so the order is not compared here.

use std::collections::HashMap;
use std::time::Duration;
use vmhost_wire::control::{Expected, Seen};
use vmhost_wire::frame::{self, Frame, MINIMUM, Transport, Way};

/// Up to here trailing zeros may be padding: the minimum and one tag that hardware inserts into a
/// frame that was padded before.
const PADDED_MAX: usize = MINIMUM + frame::TAG;
/// What is said of padding that is not zero.
const PADDING: &str = "padding must be zero";
/// Bytes of an IPv4 header without options, of an IPv6 header.
const V4: usize = 20;
const V6: usize = 40;

/// Where the checksum is in a TCP header.
const TCP_CHECKSUM: usize = 16;

/// A large send whose segments are expected.
#[derive(Debug)]
struct Large {
    frame: Frame,
    segments: Vec<Vec<u8>>,
    /// Bytes above the IP header that came as fragments, by offset.
    pieces: Vec<(usize, Vec<u8>)>,
}

/// Expected frames, and what was seen since the last report.
#[derive(Debug, Default)]
pub struct Matcher {
    pending: HashMap<Vec<u8>, u64>,
    /// Frames as they may look too, and the pending ones that they are: see [`Matcher::add`].
    twins: HashMap<Vec<u8>, Vec<u8>>,
    waiting: u64,
    large: Vec<Large>,
    seen: Seen,
}

impl Matcher {
    /// A frame will come.
    pub fn expect(&mut self, expected: &Expected, guest: [u8; 6]) {
        let mut whole = frame::build(&expected.spec, guest, Way::ToPeer);
        if expected.mss == 0 {
            if expected.tag != 0 {
                frame::insert_tag(&mut whole.bytes, expected.tag);
            }
            frame::pad(&mut whole.bytes);
            let tag = if expected.tag != 0 { frame::TAG } else { 0 };
            let tcp = whole.transport.map(|at| at + tag);
            let tcp = tcp.filter(|_| expected.spec.transport == Transport::Tcp);
            self.add(whole.bytes, tcp);
            return;
        }
        let mut segments = frame::segments(&whole, expected.mss as usize);
        if expected.tag != 0 {
            for segment in &mut segments {
                frame::insert_tag(segment, expected.tag);
            }
            frame::insert_tag(&mut whole.bytes, expected.tag);
            whole.network = whole.network.map(|at| at + frame::TAG);
            whole.transport = whole.transport.map(|at| at + frame::TAG);
            whole.payload += frame::TAG;
        }
        for segment in &mut segments {
            frame::pad(segment);
            self.add(segment.clone(), whole.transport);
        }
        self.large.push(Large {
            frame: whole,
            segments,
            pieces: Vec::new(),
        });
    }

    /// A TCP checksum of 0 may also be FFFF, the other zero of its arithmetic: QEMU's chip writes that.
    fn add(&mut self, bytes: Vec<u8>, tcp: Option<usize>) {
        if let Some(at) = tcp.map(|at| at + TCP_CHECKSUM)
            && bytes.get(at..at + 2) == Some(&[0, 0])
        {
            let mut twin = bytes.clone();
            twin[at..at + 2].fill(0xFF);
            self.twins.insert(key(twin), key(bytes.clone()));
        }
        *self.pending.entry(key(bytes)).or_insert(0) += 1;
        self.waiting += 1;
    }

    fn remove(&mut self, key: &[u8]) -> bool {
        let Some(count) = self.pending.get_mut(key) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.pending.remove(key);
        }
        self.waiting -= 1;
        self.seen.matched += 1;
        true
    }

    /// Whether an expected frame has not come.
    pub fn is_waiting(&self) -> bool {
        self.waiting != 0
    }

    /// How long to wait for what is missing: not for long when something came in its place.
    pub fn patience(&self, limit: Duration) -> Duration {
        if self.seen.problem.is_empty() {
            limit
        } else {
            limit.min(Duration::from_secs(1))
        }
    }

    /// Keeps the first problem.
    pub fn complain(&mut self, what: String) {
        if self.seen.problem.is_empty() {
            self.seen.problem = what;
        }
    }

    /// A frame has come.
    pub fn take(&mut self, bytes: &[u8]) {
        self.seen.frames += 1;
        if bytes.len() < MINIMUM {
            self.seen.padding += 1;
            self.complain(format!(
                "a frame of {} bytes is on the wire, shorter than {MINIMUM}",
                bytes.len()
            ));
        }
        let seen = key(bytes.to_vec());
        let twin = self.twins.get(&seen).cloned();
        if self.remove(&seen) || twin.is_some_and(|twin| self.remove(&twin)) {
            return;
        }
        if self.fragment(bytes) {
            return;
        }
        self.seen.unexpected += 1;
        let what = self.describe(bytes);
        self.seen.padding += u64::from(what.contains(PADDING));
        self.complain(what);
    }

    /// QEMU before 8.1 splits a large send into IP fragments of one packet, not into segments,
    /// when its network cannot do it. The whole must then be the packet.
    fn fragment(&mut self, bytes: &[u8]) -> bool {
        let found = self
            .large
            .iter_mut()
            .enumerate()
            .find_map(|(index, large)| {
                let piece = piece_of(&large.frame, bytes, &large.pieces)?;
                large.pieces.push(piece);
                let ip = large.frame.transport?;
                let whole = large.frame.bytes.len() - ip;
                let got: usize = large.pieces.iter().map(|(_, data)| data.len()).sum();
                Some((index, got >= whole))
            });
        let Some((index, complete)) = found else {
            return false;
        };
        if complete {
            let mut large = self.large.swap_remove(index);
            large.pieces.sort_by_key(|(offset, _)| *offset);
            let data: Vec<u8> = large
                .pieces
                .into_iter()
                .flat_map(|(_, data)| data)
                .collect();
            let want = &large.frame.bytes[large.frame.transport.unwrap_or(0)..];
            if data == want {
                for segment in large.segments {
                    self.remove(&key(segment));
                }
                self.seen.fragmented += 1;
            } else {
                self.complain(format!(
                    "a large send came as fragments; put together: {}",
                    difference(&data, want)
                ));
            }
        }
        true
    }

    /// What is the matter with a frame that nobody expected.
    fn describe(&self, bytes: &[u8]) -> String {
        let same = |candidate: &[u8]| bytes.iter().zip(candidate).filter(|(a, b)| a == b).count();
        let near = self.pending.keys().max_by_key(|candidate| same(candidate));
        match near {
            Some(near) if same(near) * 2 > near.len() => {
                let mut want = near.clone();
                frame::pad(&mut want);
                format!(
                    "a frame of {} bytes is not as expected: {}",
                    bytes.len(),
                    difference(bytes, &want)
                )
            }
            _ => format!(
                "a frame of {} bytes that nobody expected: {:02x?}",
                bytes.len(),
                &bytes[..bytes.len().min(64)]
            ),
        }
    }

    /// The report since the last one; what is missing is not waited for any longer.
    pub fn collect(&mut self) -> Seen {
        let mut seen = core::mem::take(&mut self.seen);
        seen.missing = self.waiting;
        if seen.missing != 0
            && seen.problem.is_empty()
            && let Some(frame) = self.pending.keys().next()
        {
            let shown = &frame[..frame.len().min(64)];
            seen.problem = format!(
                "a frame of {} bytes has not come: {shown:02x?}",
                frame.len()
            );
        }
        self.pending.clear();
        self.twins.clear();
        self.large.clear();
        self.waiting = 0;
        seen
    }
}

/// What is compared: the frame without the zeros that may be padding.
fn key(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() <= PADDED_MAX {
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        bytes.truncate(end);
    }
    bytes
}

/// Offset and data above the IP header, if `bytes` is a part of the large send `frame`.
fn piece_of(frame: &Frame, bytes: &[u8], before: &[(usize, Vec<u8>)]) -> Option<(usize, Vec<u8>)> {
    let (ip, transport) = (frame.network?, frame.transport?);
    if bytes.len() <= transport || bytes[..ip] != frame.bytes[..ip] {
        return None;
    }
    let (have, want) = (&bytes[ip..transport], &frame.bytes[ip..transport]);
    let mut end = bytes.len();
    let offset = if frame.addresses.len() == 8 {
        let word = |at: usize| u16::from_be_bytes([have[at], have[at + 1]]);
        // All but length, fragment field and checksum.
        let same =
            have[..2] == want[..2] && have[4..6] == want[4..6] && have[12..V4] == want[12..V4];
        let field = word(6);
        let length = usize::from(word(2));
        let is_fragment = field & 0x3FFF != 0;
        if !same || !is_fragment || ip + length > bytes.len() {
            return None;
        }
        end = ip + length;
        usize::from(field & 0x1FFF) * 8
    } else {
        // All but the payload length and two bytes that QEMU overwrites: it has no IPv6 fragments.
        let same =
            have[..4] == want[..4] && have[6..10] == want[6..10] && have[12..V6] == want[12..V6];
        if !same {
            return None;
        }
        before.iter().map(|(_, data)| data.len()).sum()
    };
    Some((offset, bytes[transport..end].to_vec()))
}

/// The first difference, in words.
fn difference(have: &[u8], want: &[u8]) -> String {
    match have.iter().zip(want).position(|(a, b)| a != b) {
        Some(at)
            if at
                >= want
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |last| last + 1) =>
        {
            format!("byte {at} is {:02x} where {PADDING}", have[at])
        }
        Some(at) => format!("byte {at} is {:02x} instead of {:02x}", have[at], want[at]),
        None => format!("{} bytes instead of {}", have.len(), want.len()),
    }
}
