// SPDX-License-Identifier: MIT OR Apache-2.0
//! A flood of many flows, of mixed kinds and lengths. Cheap to make and to check: the frames of one
//! flow and one length differ in 16 bytes only, a number and its complement, and so all of them have
//! the same checksums, and right ones.

use crate::frame::{self, ETHERNET, Frame, MINIMUM, Network, Spec, TAG, Transport, Way};

/// Flows each way.
pub const FLOWS: usize = 16;
/// Bytes of a number with its complement.
pub const NUMBER: usize = 16;
/// Lengths of a flow's frames, tag not counted; 0 is the shortest that the flow can have.
pub const LENGTHS: [u32; 4] = [0, 128, 594, 1514];
/// Which of them one frame after another has: most are short, as on a real wire.
const PATTERN: [usize; 16] = [0, 0, 1, 0, 0, 3, 0, 0, 2, 0, 0, 1, 0, 0, 3, 0];
/// First byte of both ports; the second one of the source is the flow, that of the destination [`END`].
const PORT: u8 = 0xF2;
const END: u8 = 0x0D;

/// What flow `flow` is made of, with frames of `LENGTHS[size]` bytes and its tag on top.
pub fn spec(flow: usize, size: usize) -> Spec {
    let (network, transport, headers) = match flow % 4 {
        0 => (Network::V4, Transport::Udp, 28),
        1 => (Network::V4, Transport::Tcp, 40),
        2 => (Network::V6, Transport::Udp, 48),
        _ => (Network::V6, Transport::Tcp, 60),
    };
    let least = (ETHERNET + headers + NUMBER).max(MINIMUM) as u32;
    let length = LENGTHS.get(size).copied().unwrap_or(0).max(least);
    let spec = Spec::new(0xF200 + flow as u32, length, network, transport);
    // A quarter of the flows has a tag: priority and VLAN.
    if flow % FLOWS >= FLOWS - FLOWS / 4 {
        let mut tagged = spec.tagged([0x2000 + (flow as u16) * 0x0111, 0]);
        tagged.length += TAG as u32;
        tagged
    } else {
        spec
    }
}

/// Flow and size of the frame with this place in the flood.
pub fn kind(place: u64) -> (usize, usize) {
    let flow = (place % FLOWS as u64) as usize;
    let step = (place / FLOWS as u64 + flow as u64) as usize % PATTERN.len();
    (flow, PATTERN[step])
}

/// The frame of a flow with number 0, as it is on the wire.
pub fn template(flow: usize, size: usize, guest: [u8; 6], way: Way) -> Frame {
    let spec = spec(flow, size);
    let mut frame = frame::build(&spec, guest, way);
    if let Some(at) = frame.transport {
        frame.bytes[at..at + 4].copy_from_slice(&[PORT, flow as u8, PORT, END]);
    }
    let at = frame.payload;
    frame.bytes[at..at + NUMBER].copy_from_slice(&number_bytes(0));
    frame::reseal(&spec, &mut frame);
    frame
}

/// A number and its complement: their sum is the same for every number.
pub fn number_bytes(number: u64) -> [u8; NUMBER] {
    let mut bytes = [0; NUMBER];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&(!number).to_le_bytes());
    bytes
}

/// What tells a frame of this flood from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its flow.
    pub flow: usize,
    /// Its number.
    pub number: u64,
    /// Where the number lies.
    pub at: usize,
}

/// The mark of a frame; `None`: it is of something else.
pub fn mark(bytes: &[u8]) -> Option<Mark> {
    let tag = if bytes.get(12..14)? == [0x81, 0] {
        TAG
    } else {
        0
    };
    let ip = ETHERNET + tag;
    let (transport, protocol) = match bytes.get(ip - 2..ip)? {
        [0x08, 0x00] => (ip + 20, *bytes.get(ip + 9)?),
        [0x86, 0xDD] => (ip + 40, *bytes.get(ip + 6)?),
        _ => return None,
    };
    let flow = match bytes.get(transport..transport + 4)? {
        [PORT, flow, PORT, END] if usize::from(*flow) < FLOWS => usize::from(*flow),
        _ => return None,
    };
    let at = transport + if protocol == frame::TCP { 20 } else { 8 };
    let number = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(Mark {
        flow,
        number: u64::from_le_bytes(number),
        at,
    })
}

/// Whether a marked frame is its flow's `template` in every byte but the number, and its number whole.
pub fn matches(bytes: &[u8], mark: &Mark, template: &[u8]) -> bool {
    let end = mark.at + NUMBER;
    bytes.len() == template.len()
        && bytes.len() >= end
        && bytes[mark.at..end] == number_bytes(mark.number)
        && bytes[..mark.at] == template[..mark.at]
        && bytes[end..] == template[end..]
}
