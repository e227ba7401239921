// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host asks of the peer, and its answers.
//!
//! They go over a serial line of their own, not over the adapter under test, so that a driver
//! that loses frames is told about and does not merely hang the run. Each message is a length of
//! four bytes, little-endian, and the message itself. Every request has one reply.

use crate::frame::Spec;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Messages are not longer.
pub const MAX_MESSAGE: usize = 1 << 20;

/// A frame that the peer shall see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The frame as it is complete: with checksums, before segmentation.
    pub spec: Spec,
    /// A tag that was given out of band and that the wire must show; 0: none.
    pub tag: u16,
    /// Bytes of payload in a segment of a large send; 0: no large send.
    pub mss: u32,
}

/// From the host to the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Who the guest is. Forgets everything before.
    Hello {
        /// The guest's station address.
        guest: [u8; 6],
    },
    /// Send these frames, in this order. The reply comes when they are handed to the wire's
    /// writer, which may be before they are on the wire.
    Send(Vec<Spec>),
    /// These frames will come.
    Expect(Vec<Expected>),
    /// Wait until all expected frames were seen, at most so many milliseconds, and tell.
    Collect {
        /// Milliseconds.
        limit_ms: u32,
    },
    /// Send so many flood frames, as fast as they are taken.
    Flood {
        /// Frames.
        frames: u64,
        /// Bytes of each, without FCS.
        length: u32,
    },
    /// Send so many frames of the flood of many flows.
    Flows {
        /// Frames.
        frames: u64,
    },
    /// How the floods stand.
    FloodState,
    /// Pull the cable, or plug it in. The reply comes when it is done.
    Link {
        /// Plug it in.
        up: bool,
    },
    /// What went over the wire since [`Request::Hello`].
    Totals,
}

/// From the peer to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Done.
    Done,
    /// To [`Request::Collect`].
    Seen(Seen),
    /// To [`Request::FloodState`].
    Flood(FloodState),
    /// To [`Request::Totals`].
    Totals {
        /// To the guest.
        sent: Totals,
        /// From the guest.
        received: Totals,
    },
    /// It could not be done, and why.
    Failed(String),
}

/// What the peer saw of the expected frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Frames since the last time.
    pub frames: u64,
    /// Expected frames that came, every byte the same.
    pub matched: u64,
    /// Expected frames that have not come.
    pub missing: u64,
    /// Frames that nobody expected.
    pub unexpected: u64,
    /// The first difference, for people.
    pub problem: String,
    /// Frames that were too short or had something else than zeros as padding.
    pub padding: u64,
    /// Large sends that came as IP fragments of one packet, which is how an old QEMU splits them.
    pub fragmented: u64,
}

/// Counts of the floods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloodState {
    /// Flood frames sent to the guest.
    pub sent: u64,
    /// Flood frames that came from the guest, every byte right.
    pub received: u64,
    /// Flood frames that came with a wrong byte.
    pub wrong: u64,
    /// Flood frames whose number was not above that of the one before in their flow.
    pub disordered: u64,
}

/// A message as it goes over the line.
pub fn encode<T: Serialize>(message: &T) -> Option<Vec<u8>> {
    let body = postcard::to_allocvec(message).ok()?;
    let mut out = Vec::from((body.len() as u32).to_le_bytes());
    out.extend_from_slice(&body);
    Some(out)
}

/// A message without its length.
pub fn decode<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Option<T> {
    postcard::from_bytes(body).ok()
}

/// Frames and bytes on the wire, FCS not counted, by destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Frames to one station, to a group, to all.
    pub frames: [u64; 3],
    /// Their bytes.
    pub bytes: [u64; 3],
}

impl Totals {
    /// Counts one frame.
    pub fn count(&mut self, frame: &[u8]) {
        self.count_many(frame, 1);
    }

    /// Counts frames that are alike.
    pub fn count_many(&mut self, frame: &[u8], count: u64) {
        let class = match frame.get(..6) {
            Some([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) => 2,
            Some([first, ..]) if first & 1 != 0 => 1,
            _ => 0,
        };
        self.frames[class] += count;
        self.bytes[class] += count * frame.len() as u64;
    }
}
