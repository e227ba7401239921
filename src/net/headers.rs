// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the headers of a frame are: Ethernet with tags, IPv4 with options, IPv6 with extension headers, TCP and UDP.
//! Pure logic; any IRQL. Nothing in the frame is trusted; every loop is bounded.

/// Bytes of a frame, wherever they lie.
pub trait Bytes {
    /// Copies the bytes at `at`; `false` when there are not that many.
    fn read(&self, at: u32, to: &mut [u8]) -> bool;

    /// Big-endian.
    fn be16(&self, at: u32) -> Option<u16> {
        let mut bytes = [0; 2];
        self.read(at, &mut bytes).then(|| u16::from_be_bytes(bytes))
    }

    /// One byte.
    fn byte(&self, at: u32) -> Option<u8> {
        let mut byte = [0; 1];
        self.read(at, &mut byte).then(|| {
            let [byte] = byte;
            byte
        })
    }
}

impl Bytes for [u8] {
    fn read(&self, at: u32, to: &mut [u8]) -> bool {
        let at = at as usize;
        match self.get(at..at.saturating_add(to.len())) {
            Some(from) => {
                to.copy_from_slice(from);
                true
            }
            None => false,
        }
    }
}

/// What follows the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Something else, or a part of a datagram: there is no checksum to fill in.
    Other,
}

/// The headers of a frame. Offsets count from its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// The IP header.
    pub ip: u16,
    /// What follows it and its extensions.
    pub transport_at: u16,
    /// The first byte behind the transport header.
    pub payload: u16,
    /// The address that the pseudo header has as destination: the last one of an IPv6 routing header.
    pub destination: u16,
    /// The first byte behind the packet, as the IP header says; it may lie beyond the frame, and a large send has none.
    pub end: u32,
    /// Tags in the frame.
    pub tags: u8,
    /// IPv4, not IPv6.
    pub ipv4: bool,
    /// TCP, UDP or neither.
    pub transport: Transport,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
/// Tags that are skipped.
const MAX_TAGS: u32 = 4;
/// Extension headers that are skipped.
const MAX_EXTENSIONS: u32 = 32;

/// Whether an EtherType is that of a tag: C-TAG, S-TAG and the two that came before it.
#[must_use]
pub const fn is_tag(kind: u16) -> bool {
    matches!(kind, 0x8100 | 0x88A8 | 0x9100 | 0x9200)
}

/// Finds the headers of a frame. `None`: not IP, or broken.
pub fn parse(frame: &(impl Bytes + ?Sized)) -> Option<Headers> {
    let mut at = 12;
    let mut kind = frame.be16(at)?;
    let mut tags = 0;
    while is_tag(kind) {
        tags += 1;
        if tags > MAX_TAGS {
            return None;
        }
        at += 4;
        kind = frame.be16(at)?;
    }
    let headers = match kind {
        0x0800 => ipv4(frame, at + 2),
        0x86DD => ipv6(frame, at + 2),
        _ => None,
    };
    headers.map(|headers| Headers {
        tags: tags as u8,
        ..headers
    })
}

fn ipv4(frame: &(impl Bytes + ?Sized), ip: u32) -> Option<Headers> {
    let first = frame.byte(ip)?;
    let length = u32::from(first & 0xF) * 4;
    if first >> 4 != 4 || length < 20 {
        return None;
    }
    // The header must be there whole.
    frame.byte(ip + length - 1)?;
    // More fragments, or not the first one.
    let fragment = frame.be16(ip + 6)? & 0x3FFF != 0;
    let protocol = if fragment { 255 } else { frame.byte(ip + 9)? };
    let end = ip + u32::from(frame.be16(ip + 2)?);
    let header = Network {
        ip,
        destination: ip + 16,
        end,
        ipv4: true,
    };
    transport(frame, header, ip + length, protocol)
}

fn ipv6(frame: &(impl Bytes + ?Sized), ip: u32) -> Option<Headers> {
    if frame.byte(ip)? >> 4 != 6 {
        return None;
    }
    frame.byte(ip + 39)?;
    let mut next = frame.byte(ip + 6)?;
    let mut at = ip + 40;
    let mut header = Network {
        ip,
        destination: ip + 24,
        end: ip + 40 + u32::from(frame.be16(ip + 4)?),
        ipv4: false,
    };
    for _ in 0..MAX_EXTENSIONS {
        let length = match next {
            HOP_BY_HOP | DESTINATION_OPTIONS => u32::from(frame.byte(at + 1)?) * 8 + 8,
            ROUTING => {
                let eights = u32::from(frame.byte(at + 1)?);
                if let Some(last) = final_destination(frame, at, eights)? {
                    header.destination = last;
                }
                eights * 8 + 8
            }
            AUTHENTICATION => u32::from(frame.byte(at + 1)?) * 4 + 8,
            FRAGMENT => {
                // The offset and the bit for more; an atomic fragment (RFC 6946) is whole.
                if frame.be16(at + 2)? & 0xFFF9 != 0 {
                    return transport(frame, header, at + 8, 255);
                }
                8
            }
            protocol => return transport(frame, header, at, protocol),
        };
        next = frame.byte(at)?;
        at += length;
        frame.byte(at - 1)?;
    }
    None
}

/// Where a routing header at `at` keeps the last destination, if it is still to be reached. The outer `None`: it is
/// broken.
fn final_destination(frame: &(impl Bytes + ?Sized), at: u32, eights: u32) -> Option<Option<u32>> {
    let (kind, left) = (frame.byte(at + 2)?, frame.byte(at + 3)?);
    // An address is two times eight bytes.
    if left == 0 || eights < 2 {
        return Some(None);
    }
    Some(match kind {
        // RFC 2460 and RFC 6275: in the order of the way.
        0 | 2 => Some(at + 8 + (eights / 2 - 1) * 16),
        // RFC 8754: in reverse.
        4 => Some(at + 8),
        _ => None,
    })
}

/// What the IP header says.
struct Network {
    ip: u32,
    destination: u32,
    end: u32,
    ipv4: bool,
}

fn transport(
    frame: &(impl Bytes + ?Sized),
    network: Network,
    at: u32,
    protocol: u8,
) -> Option<Headers> {
    let (transport, payload) = match protocol {
        TCP => {
            let length = u32::from(frame.byte(at + 12)? >> 4) * 4;
            if length < 20 {
                return None;
            }
            (Transport::Tcp, at + length)
        }
        UDP => (Transport::Udp, at + 8),
        _ => (Transport::Other, at),
    };
    frame.byte(payload - 1)?;
    Some(Headers {
        ip: u16::try_from(network.ip).ok()?,
        transport_at: u16::try_from(at).ok()?,
        payload: u16::try_from(payload).ok()?,
        destination: u16::try_from(network.destination).ok()?,
        end: network.end,
        tags: 0,
        ipv4: network.ipv4,
        transport,
    })
}

impl Headers {
    /// Where the checksum of the transport header is.
    #[must_use]
    pub fn transport_checksum(&self) -> Option<u16> {
        match self.transport {
            Transport::Tcp => Some(self.transport_at + 16),
            Transport::Udp => Some(self.transport_at + 6),
            Transport::Other => None,
        }
    }

    /// The protocol number of the pseudo header.
    #[must_use]
    pub fn protocol(&self) -> u16 {
        match self.transport {
            Transport::Udp => u16::from(UDP),
            Transport::Tcp | Transport::Other => u16::from(TCP),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// How a test frame is made.
    #[derive(Clone, Debug)]
    pub struct Recipe {
        pub tags: usize,
        pub ipv4: bool,
        /// IPv4: words of options, to 10. IPv6: types of extension headers with their length in eights.
        pub options: usize,
        pub extensions: Vec<(u8, u8)>,
        pub tcp: bool,
        /// Words of TCP options, to 10.
        pub tcp_options: usize,
        pub payload: Vec<u8>,
    }

    pub fn recipe() -> impl Strategy<Value = Recipe> {
        (
            0usize..3,
            any::<bool>(),
            0usize..11,
            proptest::collection::vec(
                (proptest::sample::select(vec![0u8, 43, 60, 51]), 0u8..5),
                0..4,
            ),
            any::<bool>(),
            0usize..11,
            proptest::collection::vec(any::<u8>(), 0..200),
        )
            .prop_map(
                |(tags, ipv4, options, extensions, tcp, tcp_options, payload)| Recipe {
                    tags,
                    ipv4,
                    options,
                    extensions,
                    tcp,
                    tcp_options,
                    payload,
                },
            )
    }

    /// A frame of that recipe and where its headers are.
    pub fn cook(r: &Recipe) -> (Vec<u8>, Headers) {
        let mut f = vec![0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2];
        for n in 0..r.tags {
            f.extend_from_slice(&[0x81, 0, 0, n as u8]);
        }
        let protocol = if r.tcp { TCP } else { UDP };
        let l4 = if r.tcp { 20 + r.tcp_options * 4 } else { 8 } + r.payload.len();
        let ip;
        let destination;
        if r.ipv4 {
            f.extend_from_slice(&[8, 0]);
            ip = f.len();
            destination = ip + 16;
            let header = 20 + r.options * 4;
            f.push(0x40 | (header / 4) as u8);
            f.push(0);
            f.extend_from_slice(&((header + l4) as u16).to_be_bytes());
            f.extend_from_slice(&[0x7F, 0xFE, 0x40, 0, 64, protocol, 0, 0]);
            f.extend_from_slice(&[10, 0, 2, 15, 10, 0, 2, 2]);
            f.resize(ip + header, 1);
        } else {
            f.extend_from_slice(&[0x86, 0xDD]);
            ip = f.len();
            let mut last = ip + 24;
            f.extend_from_slice(&[0x60, 0, 0, 0, 0, 0]);
            f.push(r.extensions.first().map_or(protocol, |e| e.0));
            f.push(64);
            f.extend_from_slice(&[0xFE; 16]);
            f.extend_from_slice(&[0xFD; 16]);
            for (n, (kind, eights)) in r.extensions.iter().enumerate() {
                let at = f.len();
                let next = r.extensions.get(n + 1).map_or(protocol, |e| e.0);
                let (length, field) = if *kind == AUTHENTICATION {
                    (8 + usize::from(*eights) * 8, eights * 2)
                } else {
                    (8 + usize::from(*eights) * 8, *eights)
                };
                f.extend_from_slice(&[next, field]);
                f.resize(at + length, 0);
                if *kind == ROUTING && *eights >= 2 {
                    f[at + 2] = 2;
                    f[at + 3] = 1;
                    last = at + 8 + (usize::from(*eights) / 2 - 1) * 16;
                    for b in &mut f[last..last + 16] {
                        *b = 0xFC;
                    }
                }
            }
            destination = last;
            let rest = (f.len() - ip - 40 + l4) as u16;
            f[ip + 4..ip + 6].copy_from_slice(&rest.to_be_bytes());
        }
        let at = f.len();
        if r.tcp {
            f.extend_from_slice(&[0x12, 0x34, 0, 80, 0, 0, 1, 0, 0, 0, 2, 0]);
            f.push(((5 + r.tcp_options) << 4) as u8);
            // CWR, PSH, ACK, FIN.
            f.push(0x80 | 0x08 | 0x10 | 0x01);
            f.extend_from_slice(&[0xFF, 0xFF, 0, 0, 0, 0]);
            f.resize(at + 20 + r.tcp_options * 4, 1);
        } else {
            f.extend_from_slice(&[0x12, 0x34, 0, 53]);
            f.extend_from_slice(&(l4 as u16).to_be_bytes());
            f.extend_from_slice(&[0, 0]);
        }
        let payload = f.len();
        f.extend_from_slice(&r.payload);
        let headers = Headers {
            ip: ip as u16,
            transport_at: at as u16,
            payload: payload as u16,
            destination: destination as u16,
            end: f.len() as u32,
            tags: r.tags as u8,
            ipv4: r.ipv4,
            transport: if r.tcp {
                Transport::Tcp
            } else {
                Transport::Udp
            },
        };
        (f, headers)
    }

    proptest! {
        #[test]
        fn every_frame_that_is_made_is_understood(r in recipe()) {
            let (frame, headers) = cook(&r);
            prop_assert_eq!(parse(&frame[..]), Some(headers));
            // Cut anywhere in its headers it is broken, and never more.
            for cut in 0..usize::from(headers.payload) {
                prop_assert_eq!(parse(&frame[..cut]), None);
            }
        }

        #[test]
        fn anything_at_all_is_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0..4u8) {
            if bytes.len() > 20 {
                match kind {
                    0 => bytes[12..14].copy_from_slice(&[8, 0]),
                    1 => bytes[12..15].copy_from_slice(&[0x86, 0xDD, 0x60]),
                    2 => bytes[12..18].copy_from_slice(&[0x81, 0, 0, 1, 8, 0]),
                    _ => {}
                }
            }
            if let Some(h) = parse(&bytes[..]) {
                prop_assert!(usize::from(h.payload) <= bytes.len());
                prop_assert!(h.ip < h.transport_at && h.transport_at <= h.payload);
                prop_assert!(h.transport_checksum().is_none_or(|at| at + 2 <= h.payload));
                let size = if h.ipv4 { 4 } else { 16 };
                prop_assert!(usize::from(h.destination) + size <= usize::from(h.payload));
            }
        }
    }

    #[test]
    fn parts_of_a_datagram_have_no_transport_header() {
        let r = Recipe {
            tags: 0,
            ipv4: true,
            options: 0,
            extensions: vec![],
            tcp: false,
            tcp_options: 0,
            payload: vec![0; 8],
        };
        let (mut frame, _) = cook(&r);
        frame[20] |= 0x20;
        assert_eq!(parse(&frame[..]).unwrap().transport, Transport::Other);
        frame[20] = 0;
        frame[21] = 1;
        assert_eq!(parse(&frame[..]).unwrap().transport, Transport::Other);
        // IPv6: a fragment, and an atomic fragment.
        let (mut frame, _) = cook(&Recipe {
            ipv4: false,
            extensions: vec![(60, 0)],
            ..r
        });
        frame[20] = FRAGMENT;
        frame[54..62].copy_from_slice(&[UDP, 0, 0, 1, 0, 0, 0, 7]);
        assert_eq!(parse(&frame[..]).unwrap().transport, Transport::Other);
        frame[57] = 0;
        assert_eq!(parse(&frame[..]).unwrap().transport, Transport::Udp);
    }

    #[test]
    fn not_ip() {
        assert_eq!(parse(&[0u8; 60][..]), None);
        assert_eq!(parse(&[][..]), None);
        let mut deep = [0u8; 100];
        for at in (12..80).step_by(4) {
            deep[at] = 0x81;
        }
        assert_eq!(parse(&deep[..]), None, "tags without end");
    }
}
