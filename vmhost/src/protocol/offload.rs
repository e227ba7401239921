// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the stack leaves to the miniport: checksums of what it sends, segments of one connection
//! that it merges into a large send, and the word of the miniport for what it receives. PASSIVE.
//!
//! The stack's frames are finished but for the checksums it was told not to make. The miniport's
//! claims are believed, as a protocol does; but each is compared with the truth first (D-61).

use crate::{
    ndis::{
        adapter::Adapter,
        means::{Means, Sums},
        nbl::Info,
        receive::Received,
    },
    verify::{self, Handler},
};
use alloc::{format, vec, vec::Vec};
use smoltcp::{
    phy::{Checksum, ChecksumCapabilities},
    wire::{
        EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket,
    },
};
use vmhost_wire::{
    checksum::Sum,
    frame::{Network, Transport},
};

/// Bits of TcpIpChecksumNetBufferListInfo in receive form.
const TCP_FAILED: u32 = 1;
const UDP_FAILED: u32 = 1 << 1;
const IP_FAILED: u32 = 1 << 2;
const TCP_GOOD: u32 = 1 << 3;
const UDP_GOOD: u32 = 1 << 4;
const IP_GOOD: u32 = 1 << 5;
/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;
/// The longest IP packet.
const IP_MOST: usize = 65_535;
/// TCP flags that only the last segment of a large send may have: FIN, PSH.
const LAST: u8 = 0x09;

/// Frames that were left to the miniport.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Sent with checksums to be made.
    pub sent: u64,
    /// Received with checksums that the miniport answers for.
    pub received: u64,
    /// Large sends.
    pub large: u64,
}

/// The offloads of one adapter.
pub struct Offload {
    /// Whom to blame for what comes up.
    handler: Handler,
    means: Means,
    /// What was left to it.
    pub counts: Counts,
}

/// A packet of TCP or UDP over IPv4, and what its headers say.
struct Headers {
    transport: Transport,
    /// Where the transport header begins, where its payload, and where the packet ends.
    at: usize,
    payload: usize,
    end: usize,
    /// Of the addresses.
    pseudo: Sum,
}

impl Offload {
    /// What the adapter does as it is configured now.
    pub fn of(adapter: &Adapter) -> Self {
        Self {
            handler: adapter.receive_handler(),
            means: Means::of(adapter),
            counts: Counts::default(),
        }
    }

    /// What is left for the stack to do.
    pub fn capabilities(&self) -> ChecksumCapabilities {
        let stack = |sends: bool, receives: bool| match (sends, receives) {
            (false, false) => Checksum::Both,
            (false, true) => Checksum::Tx,
            (true, false) => Checksum::Rx,
            (true, true) => Checksum::None,
        };
        let (sends, receives) = (
            self.means.transmit(Network::V4),
            self.means.receive(Network::V4),
        );
        let of = |transport| stack(sends.transport(transport), receives.transport(transport));
        let mut capabilities = ChecksumCapabilities::default();
        capabilities.ipv4 = stack(sends.ip(), receives.ip());
        capabilities.tcp = of(Transport::Tcp);
        capabilities.udp = of(Transport::Udp);
        capabilities
    }

    /// The frames as the miniport gets them.
    pub fn prepare(&mut self, frames: Vec<Vec<u8>>) -> Vec<(Vec<u8>, Info)> {
        let least = self
            .means
            .large(Network::V4)
            .map_or(2, |l| l.segments.max(2));
        let mut out: Vec<(Vec<u8>, Info)> = Vec::new();
        let mut frames = frames.into_iter().peekable();
        while let Some(frame) = frames.next() {
            let mss = headers(&frame).map_or(0, |h| h.end - h.payload);
            let mut whole = frame.clone();
            let mut run = vec![frame];
            while let Some(next) = frames.next_if(|next| self.continues(&whole, next, mss)) {
                append(&mut whole, &next);
                run.push(next);
            }
            if run.len() >= least as usize {
                let info = self.large(&mut whole, mss);
                out.push((whole, info));
                continue;
            }
            for mut frame in run {
                let info = self.checksums(&mut frame);
                out.push((frame, info));
            }
        }
        out
    }

    /// Whether `next` is the segment of `mss` bytes or less behind `frame`, and both together can be a large send.
    fn continues(&self, frame: &[u8], next: &[u8], mss: usize) -> bool {
        let (Some(limits), Some(a), Some(b)) =
            (self.means.large(Network::V4), headers(frame), headers(next))
        else {
            return false;
        };
        let more = b.end - b.payload;
        let total = a.end - ETHERNET + more;
        let sums = self.means.transmit(Network::V4);
        if !sums.ip()
            || !sums.transport(Transport::Tcp)
            || a.transport != Transport::Tcp
            || b.transport != Transport::Tcp
            || (a.at, a.payload) != (b.at, b.payload)
            || a.at != ETHERNET + 20
            || (more == 0 || more > mss)
            || (a.end - a.payload) % mss != 0
            || total > IP_MOST.min(limits.most as usize)
            || frame.len() != a.end
            || next.len() != b.end
        {
            return false;
        }
        let (f, n) = (&frame[a.at..a.payload], &next[b.at..b.payload]);
        let sequence = sequence_of(f).wrapping_add((a.end - a.payload) as u32);
        // Ports, acknowledgement, window, options; flags but those of a last segment.
        frame[26..34] == next[26..34]
            && f[..4] == n[..4]
            && sequence == sequence_of(n)
            && f[8..13] == n[8..13]
            && f[13] & LAST == 0
            && f[13] == n[13] & !LAST
            && f[14..16] == n[14..16]
            && f[20..] == n[20..]
    }

    /// One frame: the seeds of the checksums that the miniport makes, and the word to it.
    fn checksums(&mut self, frame: &mut [u8]) -> Info {
        let mut info = Info::default();
        let sums: Sums = self.means.transmit(Network::V4);
        if !is_v4(frame) {
            return info;
        }
        if sums.ip() {
            frame[24..26].fill(0);
            info.checksum |= 1 | 1 << 4;
        }
        if let Some(headers) = headers(frame)
            && sums.transport(headers.transport)
        {
            headers.seed(frame, headers.end - headers.at);
            let bit = match headers.transport {
                Transport::Tcp => 1 << 2,
                _ => 1 << 3,
            };
            info.checksum |= 1 | bit | (headers.at as u32) << 16;
        }
        self.counts.sent += u64::from(info.checksum != 0);
        info
    }

    /// A large send: no lengths, no checksum of the IP header.
    fn large(&mut self, frame: &mut [u8], mss: usize) -> Info {
        let mut info = Info::default();
        if let Some(headers) = headers(frame) {
            headers.seed(frame, 0);
            info.large = mss as u32 | (headers.at as u32) << 20 | 1 << 30;
        }
        frame[16..18].fill(0);
        frame[24..26].fill(0);
        self.counts.sent += 1;
        self.counts.large += 1;
        info
    }

    /// Whether the stack gets a received frame: its checksums are right, by the word of the miniport where it gave one.
    pub fn accepts(&mut self, received: &Received) -> bool {
        let (frame, claims) = (&received.bytes, received.checksum);
        let truth = truth(frame);
        let handler = self.handler;
        verify::check_of(handler, "D-61", claims & truth.never == 0, || {
            format!(
                "checksum flags {claims:#x}, {:#x} of them wrong, for a frame of {} bytes",
                claims & truth.never,
                frame.len()
            )
        });
        let judges = self.means.judges(Network::V4);
        verify::check_of(handler, "D-61", judges || claims == 0, || {
            format!("checksum flags {claims:#x} while receive checksums are off")
        });
        let sums = self.means.receive(Network::V4);
        let promised = truth.promised(sums);
        verify::check_of(handler, "D-61", claims & promised == promised, || {
            format!("checksum flags {claims:#x} for a good packet, {promised:#x} are promised")
        });
        self.counts.received += u64::from(claims != 0);
        if claims & (IP_FAILED | TCP_FAILED | UDP_FAILED) != 0 {
            return false;
        }
        // Nobody has looked at the rest.
        truth.bad & !claims == 0
    }
}

/// What is true about a received frame, as flags: those that must not be set, those that say good, and those that are good
/// flags of what is wrong.
#[derive(Default)]
struct Truth {
    never: u32,
    good: u32,
    bad: u32,
}

impl Truth {
    /// The flags that an adapter with these checksums sets for it.
    fn promised(&self, sums: Sums) -> u32 {
        let mut most = if sums.ip() { IP_GOOD } else { 0 };
        for (transport, bit) in [(Transport::Tcp, TCP_GOOD), (Transport::Udp, UDP_GOOD)] {
            most |= if sums.transport(transport) { bit } else { 0 };
        }
        self.good & most
    }
}

fn truth(frame: &[u8]) -> Truth {
    const ALL: u32 = IP_GOOD | IP_FAILED | TCP_GOOD | TCP_FAILED | UDP_GOOD | UDP_FAILED;
    let Some(ip) = packet(frame) else {
        return Truth {
            never: ALL,
            ..Truth::default()
        };
    };
    let mut truth = Truth::default();
    let mut one = |is_good: bool, good: u32, failed: u32| {
        truth.never |= if is_good { failed } else { good };
        truth.good |= if is_good { good } else { 0 };
        truth.bad |= if is_good { 0 } else { good };
    };
    one(ip.verify_checksum(), IP_GOOD, IP_FAILED);
    let fragment = ip.more_frags() || ip.frag_offset() != 0;
    let (from, to) = (
        IpAddress::from(ip.src_addr()),
        IpAddress::from(ip.dst_addr()),
    );
    let tcp = TcpPacket::new_checked(ip.payload());
    let udp = UdpPacket::new_checked(ip.payload());
    match (ip.next_header(), tcp, udp) {
        (IpProtocol::Tcp, Ok(tcp), _) if !fragment => {
            one(tcp.verify_checksum(&from, &to), TCP_GOOD, TCP_FAILED);
            truth.never |= UDP_GOOD | UDP_FAILED;
        }
        (IpProtocol::Udp, _, Ok(udp)) if !fragment => {
            one(udp.verify_checksum(&from, &to), UDP_GOOD, UDP_FAILED);
            truth.never |= TCP_GOOD | TCP_FAILED;
            // Whoever sends no checksum need not be told anything.
            if udp.checksum() == 0 {
                truth.good &= !UDP_GOOD;
            }
        }
        _ => truth.never |= TCP_GOOD | TCP_FAILED | UDP_GOOD | UDP_FAILED,
    }
    truth
}

fn is_v4(frame: &[u8]) -> bool {
    packet(frame).is_some()
}

fn packet(frame: &[u8]) -> Option<Ipv4Packet<&[u8]>> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    (ethernet.ethertype() == EthernetProtocol::Ipv4).then_some(())?;
    Ipv4Packet::new_checked(frame.get(ETHERNET..)?).ok()
}

fn headers(frame: &[u8]) -> Option<Headers> {
    let ip = packet(frame)?;
    let at = ETHERNET + usize::from(ip.header_len());
    let (transport, header) = match ip.next_header() {
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(ip.payload()).ok()?;
            (Transport::Tcp, usize::from(tcp.header_len()))
        }
        IpProtocol::Udp => (Transport::Udp, 8),
        _ => return None,
    };
    let pseudo = Sum::default()
        .bytes(&ip.src_addr().octets())
        .bytes(&ip.dst_addr().octets())
        .word(u8::from(ip.next_header()).into());
    Some(Headers {
        transport,
        at,
        payload: at + header,
        end: ETHERNET + usize::from(ip.total_len()),
        pseudo,
    })
}

impl Headers {
    /// The pseudo-header's sum where the checksum will be.
    fn seed(&self, frame: &mut [u8], length: usize) {
        let seed = self.pseudo.word(length as u16).folded();
        let field = self.at
            + if self.transport == Transport::Tcp {
                16
            } else {
                6
            };
        frame[field..field + 2].copy_from_slice(&seed.to_be_bytes());
    }
}

fn sequence_of(tcp: &[u8]) -> u32 {
    u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]])
}

/// Puts the payload of the next segment behind that of `frame`.
fn append(frame: &mut Vec<u8>, next: &[u8]) {
    let Some((at, payload)) = headers(next).map(|h| (h.at, h.payload)) else {
        return;
    };
    frame.extend_from_slice(&next[payload..]);
    frame[at + 13] = next[at + 13];
    let length = (frame.len() - ETHERNET) as u16;
    frame[16..18].copy_from_slice(&length.to_be_bytes());
}
