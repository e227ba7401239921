// SPDX-License-Identifier: MIT OR Apache-2.0
//! One test frame from a few numbers: its bytes, where its headers are, and what is true about it.
//!
//! Both sides of the wire build the same frame from the same [`Spec`], so that every byte can be
//! compared and nothing but the numbers has to be told.

use crate::checksum::Sum;
use alloc::vec::Vec;
use bitflags::bitflags;
use serde::{Deserialize, Serialize};

/// Bytes of an Ethernet header.
pub const ETHERNET: usize = 14;
/// Bytes of one 802.1Q tag.
pub const TAG: usize = 4;
/// The shortest frame on the wire, without FCS.
pub const MINIMUM: usize = 60;
/// The peer's station address: a local one.
pub const PEER: [u8; 6] = [0x02, 0, 0, 0, 0x9E, 0xE2];
/// Somebody else's station address.
const STRANGER: [u8; 6] = [0x02, 0, 0, 0, 0x57, 0x12];
/// The multicast group that the host joins: that of 224.0.0.1.
const GROUP: [u8; 6] = [0x01, 0, 0x5E, 0, 0, 1];
/// EtherType for local experiments (IEEE 802).
const EXPERIMENTAL: u16 = 0x88B5;
/// IP protocol for experiments (RFC 3692).
const EXPERIMENT: u8 = 253;
/// Protocol numbers.
pub(crate) const TCP: u8 = 6;
const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

/// What lies above Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// An experimental EtherType.
    Raw,
    /// ARP.
    Arp,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What lies above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// An experimental protocol.
    Other,
}

/// Whom the frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// The other end of the wire.
    End,
    /// The group that the host joins.
    Group,
    /// Everybody.
    All,
    /// A station that is not there.
    Stranger,
}

bitflags! {
    /// Variations of a frame.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Twist: u16 {
        /// IPv4 options.
        const IP_OPTIONS = 1;
        /// TCP options.
        const TCP_OPTIONS = 1 << 1;
        /// IPv6 hop-by-hop and destination options.
        const EXTENSIONS = 1 << 2;
        /// The first fragment of a datagram.
        const FIRST_FRAGMENT = 1 << 3;
        /// A later fragment.
        const LATER_FRAGMENT = 1 << 4;
        /// A wrong IPv4 header checksum.
        const BAD_IP = 1 << 5;
        /// A wrong TCP or UDP checksum.
        const BAD_TRANSPORT = 1 << 6;
        /// UDP over IPv4 without a checksum.
        const NO_CHECKSUM = 1 << 7;
        /// The IP length says more than there is.
        const TRUNCATED = 1 << 8;
        /// Bytes behind the IP packet that are not zero.
        const TRAILER = 1 << 9;
        /// FIN and PSH set in a large send.
        const FINAL = 1 << 10;
        /// As many TCP options as a header can have.
        const MOST_OPTIONS = 1 << 11;
    }
}

/// The numbers behind a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Its number: chooses payload, ports, addresses, ids.
    pub number: u32,
    /// Bytes of the frame without FCS, tags included. Shorter than its headers: cut off.
    pub length: u32,
    /// Above Ethernet.
    pub network: Network,
    /// Above IP.
    pub transport: Transport,
    /// Destination.
    pub to: To,
    /// 802.1Q tags in the frame, outermost first; 0: none. Two make VLAN in VLAN.
    pub tags: [u16; 2],
    /// [`Twist`] bits.
    pub twist: u16,
}

impl Spec {
    /// A plain frame.
    pub const fn new(number: u32, length: u32, network: Network, transport: Transport) -> Self {
        Self {
            number,
            length,
            network,
            transport,
            to: To::End,
            tags: [0; 2],
            twist: 0,
        }
    }

    /// With variations.
    #[must_use]
    pub const fn twisted(mut self, twist: Twist) -> Self {
        self.twist |= twist.bits();
        self
    }

    /// With another destination.
    #[must_use]
    pub const fn to(mut self, to: To) -> Self {
        self.to = to;
        self
    }

    /// With tags in the frame.
    #[must_use]
    pub const fn tagged(mut self, tags: [u16; 2]) -> Self {
        self.tags = tags;
        self
    }

    /// The variations.
    pub const fn twists(&self) -> Twist {
        Twist::from_bits_truncate(self.twist)
    }

    const fn has(&self, twist: Twist) -> bool {
        self.twists().contains(twist)
    }

    /// Bytes of the tags.
    pub fn tag_bytes(&self) -> usize {
        TAG * self.tags.iter().take_while(|tag| **tag != 0).count()
    }

    /// Whether it is TCP or UDP whose first header this frame has.
    fn has_transport_header(&self) -> bool {
        matches!(self.network, Network::V4 | Network::V6) && !self.has(Twist::LATER_FRAGMENT)
    }

    /// A frame that every receiver with checksum offload must be able to check.
    pub fn is_plain(&self) -> bool {
        let odd = Twist::all()
            .difference(
                Twist::BAD_IP
                    .union(Twist::BAD_TRANSPORT)
                    .union(Twist::FINAL),
            )
            .difference(Twist::TCP_OPTIONS);
        !self.twists().intersects(odd) && self.tags[1] == 0
    }
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// From the peer to the guest.
    ToGuest,
    /// From the guest to the peer.
    ToPeer,
}

/// What is true about a checksum of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// The frame has none.
    #[default]
    Absent,
    /// Right.
    Good,
    /// Wrong.
    Bad,
    /// Not to be told from this frame alone: a fragment, a packet that is cut off.
    Unknown,
}

/// A frame.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where the IP header begins, if it has one.
    pub network: Option<usize>,
    /// Where the TCP, UDP or other header begins.
    pub transport: Option<usize>,
    /// Where the payload begins.
    pub payload: usize,
    /// The IPv4 header checksum.
    pub ip_checksum: Checksum,
    /// The TCP or UDP checksum.
    pub transport_checksum: Checksum,
    /// Addresses and, for TCP and UDP, ports as receive-side scaling hashes them.
    pub addresses: Vec<u8>,
    /// Ports, source first, when the frame is no fragment.
    pub ports: Option<[u8; 4]>,
}

/// Pseudo-random bytes: payload of frame `number`.
pub fn payload(number: u32, out: &mut [u8]) {
    let mut state = u64::from(number) << 1 | 1;
    for chunk in out.chunks_mut(8) {
        // A multiplicative congruential generator: cheap, and no two frames look alike.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = (state ^ state >> 29).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

fn mixed(number: u32) -> u32 {
    number.wrapping_mul(0x9E37_79B1) ^ number >> 7
}

/// Builds the frame of `spec` between `guest` and [`PEER`].
pub fn build(spec: &Spec, guest: [u8; 6], way: Way) -> Frame {
    let mut frame = Frame::default();
    let (end, source) = match way {
        Way::ToGuest => (guest, PEER),
        Way::ToPeer => (PEER, guest),
    };
    let destination = match spec.to {
        To::End => end,
        To::Group => GROUP,
        To::All => [0xFF; 6],
        To::Stranger => STRANGER,
    };
    let bytes = &mut frame.bytes;
    bytes.extend_from_slice(&destination);
    bytes.extend_from_slice(&source);
    for tag in spec.tags.iter().take_while(|tag| **tag != 0) {
        bytes.extend_from_slice(&0x8100u16.to_be_bytes());
        bytes.extend_from_slice(&tag.to_be_bytes());
    }
    let kind = match spec.network {
        Network::Raw => EXPERIMENTAL,
        Network::Arp => 0x0806,
        Network::V4 => 0x0800,
        Network::V6 => 0x86DD,
    };
    bytes.extend_from_slice(&kind.to_be_bytes());
    match spec.network {
        Network::Raw => frame.payload = frame.bytes.len(),
        Network::Arp => arp(&mut frame, source),
        Network::V4 | Network::V6 => ip(spec, &mut frame, way),
    }
    let length = spec.length as usize;
    if spec.network == Network::Raw || spec.network == Network::Arp {
        let from = frame.bytes.len();
        if length > from {
            frame.bytes.resize(length, 0);
            payload(spec.number, &mut frame.bytes[from..]);
        }
    }
    if frame.bytes.len() > length {
        frame.bytes.truncate(length);
        cut_off(&mut frame);
    }
    frame
}

/// Nothing can be said about the checksums of a frame that ends inside its headers.
fn cut_off(frame: &mut Frame) {
    frame.network = None;
    frame.transport = None;
    frame.payload = frame.bytes.len();
    frame.ip_checksum = Checksum::Unknown;
    frame.transport_checksum = Checksum::Unknown;
    frame.addresses.clear();
    frame.ports = None;
}

fn arp(frame: &mut Frame, source: [u8; 6]) {
    // Ethernet, IPv4, address lengths, request.
    frame.bytes.extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    frame.bytes.extend_from_slice(&source);
    frame
        .bytes
        .extend_from_slice(&[10, 9, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 2]);
    frame.payload = frame.bytes.len();
}

/// Headers, payload and checksums of an IP packet.
fn ip(spec: &Spec, frame: &mut Frame, way: Way) {
    let v4 = spec.network == Network::V4;
    let start = frame.bytes.len();
    let header = network_header(spec, way);
    let transport = if spec.has_transport_header() {
        transport_header(spec)
    } else {
        Vec::new()
    };
    let trailer = if spec.has(Twist::TRAILER) { 9 } else { 0 };
    let fixed = start + header.len() + transport.len();
    let room = (spec.length as usize).saturating_sub(fixed + trailer);
    frame.network = Some(start);
    frame.transport = Some(start + header.len());
    frame.payload = fixed;
    frame.bytes.extend_from_slice(&header);
    frame.bytes.extend_from_slice(&transport);
    frame.bytes.resize(fixed + room, 0);
    payload(spec.number, &mut frame.bytes[fixed..]);
    let end = frame.bytes.len();
    let claimed = (end - start) + if spec.has(Twist::TRUNCATED) { 32 } else { 0 };
    // An IP packet of a large send may be longer than its length field: it is set per segment.
    let field = if v4 { claimed } else { claimed - 40 } as u16;
    let at = start + if v4 { 2 } else { 4 };
    frame.bytes[at..at + 2].copy_from_slice(&field.to_be_bytes());
    let addresses = if v4 {
        start + 12..start + 20
    } else {
        start + 8..start + 40
    };
    frame.addresses = frame.bytes[addresses].to_vec();
    finish_transport(spec, frame, end);
    if v4 {
        let sum = Sum::default()
            .bytes(&frame.bytes[start..start + header.len()])
            .checksum();
        let sum = if spec.has(Twist::BAD_IP) {
            sum ^ 0x0100
        } else {
            sum
        };
        frame.bytes[start + 10..start + 12].copy_from_slice(&sum.to_be_bytes());
        frame.ip_checksum = if spec.has(Twist::BAD_IP) {
            Checksum::Bad
        } else {
            Checksum::Good
        };
    }
    for n in 0..trailer {
        frame.bytes.push(0xA0 + n as u8);
    }
}

/// The IP header with options or extension headers; length and checksum come later.
fn network_header(spec: &Spec, way: Way) -> Vec<u8> {
    let mix = mixed(spec.number);
    let protocol = match spec.transport {
        Transport::Tcp => TCP,
        Transport::Udp => UDP,
        Transport::Other => EXPERIMENT,
    };
    let fragment = match (
        spec.has(Twist::FIRST_FRAGMENT),
        spec.has(Twist::LATER_FRAGMENT),
    ) {
        (true, _) => Some((0u16, true)),
        (_, true) => Some((185, false)),
        _ => None,
    };
    let hosts = match way {
        Way::ToGuest => [2u8, 1],
        Way::ToPeer => [1, 2],
    };
    let net = (mix >> 8) as u8;
    let mut out = Vec::new();
    if spec.network == Network::V4 {
        let options: &[u8] = if spec.has(Twist::IP_OPTIONS) {
            // Router alert, three no-operations, end.
            &[0x94, 4, 0, 0, 1, 1, 1, 0]
        } else {
            &[]
        };
        let words = (20 + options.len()) / 4;
        out.extend_from_slice(&[0x40 | words as u8, 0, 0, 0]);
        out.extend_from_slice(&(spec.number as u16).to_be_bytes());
        let flags = match fragment {
            None => 0x4000,
            Some((offset, more)) => offset | if more { 0x2000 } else { 0 },
        };
        out.extend_from_slice(&flags.to_be_bytes());
        out.extend_from_slice(&[64, protocol, 0, 0]);
        out.extend_from_slice(&[10, 9, net, hosts[0], 10, 9, net, hosts[1]]);
        out.extend_from_slice(options);
        return out;
    }
    let mut chain = Vec::new();
    if spec.has(Twist::EXTENSIONS) {
        chain.push((HOP_BY_HOP, [0u8, 0, 1, 4, 0, 0, 0, 0]));
        chain.push((DESTINATION_OPTIONS, [0, 0, 1, 4, 0, 0, 0, 0]));
    }
    if let Some((offset, more)) = fragment {
        let field = (offset << 3 | u16::from(more)).to_be_bytes();
        let id = spec.number.to_be_bytes();
        chain.push((
            FRAGMENT,
            [0, 0, field[0], field[1], id[0], id[1], id[2], id[3]],
        ));
    }
    let first = chain.first().map_or(protocol, |(kind, _)| *kind);
    out.extend_from_slice(&[0x60, 0, 0, 0, 0, 0, first, 64]);
    for host in hosts {
        out.extend_from_slice(&[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, net, host]);
    }
    for (index, (_, header)) in chain.iter().enumerate() {
        let next = chain.get(index + 1).map_or(protocol, |(kind, _)| *kind);
        out.push(next);
        out.extend_from_slice(&header[1..]);
    }
    out
}

/// The TCP or UDP header; length and checksum come later.
fn transport_header(spec: &Spec) -> Vec<u8> {
    let mix = mixed(spec.number);
    let ports = [0x8000 | mix as u16, 0x4000 | (mix >> 16) as u16 & 0x3FFF];
    let mut out = Vec::new();
    if spec.transport != Transport::Other {
        for port in ports {
            out.extend_from_slice(&port.to_be_bytes());
        }
    }
    match spec.transport {
        Transport::Udp => out.extend_from_slice(&[0; 4]),
        Transport::Other => {}
        Transport::Tcp => {
            let options: &[u8] = if spec.has(Twist::MOST_OPTIONS) {
                // No-operations.
                &[1; 40]
            } else if spec.has(Twist::TCP_OPTIONS) {
                // Timestamps, after two no-operations.
                &[1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8]
            } else {
                &[]
            };
            let words = ((20 + options.len()) / 4) as u8;
            // Near the end of its range now and then, so that a large send wraps it.
            let sequence = mix.wrapping_mul(0x0101_0101) | (0xFFFF_0000 * (mix >> 5 & 1));
            out.extend_from_slice(&sequence.to_be_bytes());
            out.extend_from_slice(&mix.to_be_bytes());
            // ACK, and for the last segment of a large send FIN and PSH.
            let flags = if spec.has(Twist::FINAL) { 0x19 } else { 0x10 };
            out.extend_from_slice(&[words << 4, flags, 0x20, 0, 0, 0, 0, 0]);
            out.extend_from_slice(options);
        }
    }
    out
}

/// Length and checksum of TCP or UDP, and what is true about it.
fn finish_transport(spec: &Spec, frame: &mut Frame, end: usize) {
    let Some(at) = frame.transport else { return };
    let checksum_at = match spec.transport {
        Transport::Tcp => at + 16,
        Transport::Udp => at + 6,
        Transport::Other => return,
    };
    if !spec.has_transport_header() {
        frame.transport_checksum = Checksum::Unknown;
        return;
    }
    let length = end - at;
    if spec.transport == Transport::Udp {
        let field = (length as u16).to_be_bytes();
        frame.bytes[at + 4..at + 6].copy_from_slice(&field);
    }
    let sum = pseudo(frame, spec.transport, length)
        .bytes(&frame.bytes[at..end])
        .checksum();
    let is_udp = spec.transport == Transport::Udp;
    let mut sum = if is_udp && sum == 0 { 0xFFFF } else { sum };
    if spec.has(Twist::BAD_TRANSPORT) {
        // Neither 0 (no checksum) nor FFFF (the other zero).
        sum = match sum ^ 0x0040 {
            0 | 0xFFFF => sum ^ 0x0400,
            other => other,
        };
    }
    if spec.has(Twist::FIRST_FRAGMENT) {
        // That of the whole datagram, which has more than this.
        sum ^= 0x1248;
    }
    if spec.has(Twist::NO_CHECKSUM) && is_udp {
        sum = 0;
    }
    frame.bytes[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
    frame.transport_checksum = if spec
        .twists()
        .intersects(Twist::FIRST_FRAGMENT | Twist::TRUNCATED)
    {
        Checksum::Unknown
    } else if sum == 0 && is_udp {
        Checksum::Absent
    } else if spec.has(Twist::BAD_TRANSPORT) {
        Checksum::Bad
    } else {
        Checksum::Good
    };
    if !spec.has(Twist::FIRST_FRAGMENT) {
        let mut ports = [0; 4];
        ports.copy_from_slice(&frame.bytes[at..at + 4]);
        frame.ports = Some(ports);
    }
}

/// Makes length, checksum and ports of a whole TCP or UDP frame anew after a change of its bytes.
pub(crate) fn reseal(spec: &Spec, frame: &mut Frame) {
    let Some(at) = frame.transport else { return };
    let field = match spec.transport {
        Transport::Tcp => at + 16,
        _ => at + 6,
    };
    frame.bytes[field..field + 2].fill(0);
    let end = frame.bytes.len();
    finish_transport(spec, frame, end);
}

/// The sum of the pseudo-header for `length` bytes of TCP or UDP.
fn pseudo(frame: &Frame, transport: Transport, length: usize) -> Sum {
    let protocol = if transport == Transport::Tcp {
        TCP
    } else {
        UDP
    };
    Sum::default()
        .bytes(&frame.addresses)
        .word(u16::from(protocol))
        .word((length >> 16) as u16)
        .word(length as u16)
}

/// What a protocol that leaves work to the miniport hands down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// The IPv4 header checksum.
    pub ip: bool,
    /// The TCP or UDP checksum.
    pub transport: bool,
    /// Segmentation, and with it all checksums.
    pub segments: bool,
}

/// Turns the finished frame into what a protocol gives to a miniport that does the rest: fields
/// that the miniport fills have what the documentation says they have.
pub fn leave(frame: &mut Frame, transport: Transport, leave: Leave) {
    let (Some(ip), Some(at)) = (frame.network, frame.transport) else {
        return;
    };
    let v4 = frame.addresses.len() == 8;
    if v4 && (leave.ip || leave.segments) {
        frame.bytes[ip + 10..ip + 12].fill(0);
    }
    if leave.segments {
        // LSOv2: the IP length is 0 and the pseudo-header's sum leaves the length out.
        let field = ip + if v4 { 2 } else { 4 };
        frame.bytes[field..field + 2].fill(0);
    }
    if leave.transport || leave.segments {
        let length = if leave.segments {
            0
        } else {
            frame.bytes.len() - at
        };
        let sum = pseudo(frame, transport, length).folded();
        let field = at + if transport == Transport::Tcp { 16 } else { 6 };
        frame.bytes[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Puts a tag into the frame, as hardware does with one that came out of band.
pub fn insert_tag(bytes: &mut Vec<u8>, tag: u16) {
    let [high, low] = tag.to_be_bytes();
    let at = 12.min(bytes.len());
    bytes.splice(at..at, [0x81, 0, high, low]);
}

/// Takes the outermost tag out of the frame, as hardware does that hands it over out of band.
pub fn strip_tag(bytes: &mut Vec<u8>) -> Option<u16> {
    if bytes.len() < ETHERNET + TAG || bytes[12..14] != [0x81, 0] {
        return None;
    }
    let tag = u16::from_be_bytes([bytes[14], bytes[15]]);
    bytes.drain(12..16);
    Some(tag)
}

/// Fills up to the minimum with zeros, as the sender's side must (contract D-11).
pub fn pad(bytes: &mut Vec<u8>) {
    if bytes.len() < MINIMUM {
        bytes.resize(MINIMUM, 0);
    }
}

/// The TCP segments of a large send, as a sender without the offload would have made them.
pub fn segments(frame: &Frame, mss: usize) -> Vec<Vec<u8>> {
    let (Some(ip), Some(at)) = (frame.network, frame.transport) else {
        return Vec::new();
    };
    let v4 = frame.addresses.len() == 8;
    let headers = &frame.bytes[..frame.payload];
    let data = &frame.bytes[frame.payload..];
    let word = |at: usize| u16::from_be_bytes([headers[at], headers[at + 1]]);
    let sequence = u32::from_be_bytes([
        headers[at + 4],
        headers[at + 5],
        headers[at + 6],
        headers[at + 7],
    ]);
    let count = data.len().div_ceil(mss.max(1));
    let mut out = Vec::new();
    for (index, piece) in data.chunks(mss.max(1)).enumerate() {
        let mut segment = Frame {
            bytes: headers.to_vec(),
            addresses: frame.addresses.clone(),
            ..Frame::default()
        };
        segment.bytes.extend_from_slice(piece);
        let length = segment.bytes.len() - ip;
        let bytes = &mut segment.bytes;
        if v4 {
            bytes[ip + 2..ip + 4].copy_from_slice(&(length as u16).to_be_bytes());
            let id = word(ip + 4).wrapping_add(index as u16);
            bytes[ip + 4..ip + 6].copy_from_slice(&id.to_be_bytes());
            bytes[ip + 10..ip + 12].fill(0);
            let sum = Sum::default().bytes(&bytes[ip..at]).checksum();
            bytes[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());
        } else {
            bytes[ip + 4..ip + 6].copy_from_slice(&((length - 40) as u16).to_be_bytes());
        }
        let place = sequence.wrapping_add((index * mss) as u32);
        bytes[at + 4..at + 8].copy_from_slice(&place.to_be_bytes());
        if index + 1 != count {
            // FIN and PSH belong to the last one.
            bytes[at + 13] &= !0x09;
        }
        bytes[at + 16..at + 18].fill(0);
        let whole = bytes.len() - at;
        let sum = pseudo(&segment, Transport::Tcp, whole)
            .bytes(&segment.bytes[at..])
            .checksum();
        segment.bytes[at + 16..at + 18].copy_from_slice(&sum.to_be_bytes());
        out.push(segment.bytes);
    }
    out
}
