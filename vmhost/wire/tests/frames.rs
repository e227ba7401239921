// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames against an independent parser, and the large sends against themselves.

use etherparse::{LaxSlicedPacket, NetSlice, SlicedPacket, TransportSlice};
use vmhost_wire::flows::{self, FLOWS, LENGTHS};
use vmhost_wire::frame::{
    self, Checksum, ETHERNET, Frame, Leave, Network, PEER, Spec, Transport, Twist, Way,
};

const GUEST: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

fn made(spec: &Spec) -> Frame {
    frame::build(spec, GUEST, Way::ToGuest)
}

/// Checks both checksums with the parser's own arithmetic.
fn verdict(bytes: &[u8]) -> (Option<bool>, Option<bool>) {
    let packet = SlicedPacket::from_ethernet(bytes).expect("a packet that can be parsed");
    let ip = match &packet.net {
        Some(NetSlice::Ipv4(v4)) => {
            let header = v4.header().to_header();
            Some(header.calc_header_checksum() == header.header_checksum)
        }
        _ => None,
    };
    let transport = match (&packet.net, &packet.transport) {
        (Some(NetSlice::Ipv4(v4)), Some(TransportSlice::Tcp(tcp))) => {
            let ip = v4.header();
            let sum = tcp.calc_checksum_ipv4(ip.source(), ip.destination());
            Some(sum.unwrap() == tcp.checksum())
        }
        (Some(NetSlice::Ipv6(v6)), Some(TransportSlice::Tcp(tcp))) => {
            let ip = v6.header();
            let sum = tcp.calc_checksum_ipv6(ip.source(), ip.destination());
            Some(sum.unwrap() == tcp.checksum())
        }
        (Some(NetSlice::Ipv4(v4)), Some(TransportSlice::Udp(udp))) => {
            let header = udp.to_header();
            let sum = header
                .calc_checksum_ipv4(&v4.header().to_header(), udp.payload())
                .unwrap();
            Some(sum == udp.checksum())
        }
        (Some(NetSlice::Ipv6(v6)), Some(TransportSlice::Udp(udp))) => {
            let header = udp.to_header();
            let sum = header
                .calc_checksum_ipv6(&v6.header().to_header(), udp.payload())
                .unwrap();
            Some(sum == udp.checksum())
        }
        _ => None,
    };
    (ip, transport)
}

fn as_truth(checksum: Checksum) -> Option<bool> {
    match checksum {
        Checksum::Good => Some(true),
        Checksum::Bad => Some(false),
        Checksum::Absent | Checksum::Unknown => None,
    }
}

#[test]
fn an_independent_parser_agrees_about_checksums() {
    let twists = [
        Twist::empty(),
        Twist::TCP_OPTIONS,
        Twist::IP_OPTIONS,
        Twist::EXTENSIONS,
        Twist::BAD_IP,
        Twist::BAD_TRANSPORT,
        Twist::TRAILER,
    ];
    let mut number = 0;
    for network in [Network::V4, Network::V6] {
        for transport in [Transport::Tcp, Transport::Udp] {
            for twist in twists {
                for length in [150, 151, 590, 1514] {
                    for tags in [[0, 0], [0x2005, 0], [0x2005, 7]] {
                        number += 1;
                        let spec = Spec::new(number, length, network, transport)
                            .twisted(twist)
                            .tagged(tags);
                        let frame = made(&spec);
                        assert_eq!(frame.bytes.len(), length as usize, "{spec:?}");
                        let (ip, sum) = verdict(&frame.bytes);
                        assert_eq!(ip, as_truth(frame.ip_checksum), "{spec:?}");
                        assert_eq!(sum, as_truth(frame.transport_checksum), "{spec:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_length_has_that_length() {
    for length in 0..200 {
        for network in [Network::Raw, Network::Arp, Network::V4, Network::V6] {
            let frame = made(&Spec::new(length, length, network, Transport::Tcp));
            assert_eq!(frame.bytes.len(), length as usize);
        }
    }
}

#[test]
fn fragments_are_fragments() {
    for (twist, first) in [
        (Twist::FIRST_FRAGMENT, true),
        (Twist::LATER_FRAGMENT, false),
    ] {
        for network in [Network::V4, Network::V6] {
            let frame = made(&Spec::new(9, 200, network, Transport::Udp).twisted(twist));
            let packet = LaxSlicedPacket::from_ethernet(&frame.bytes).expect("parsed");
            let net = packet.net.expect("IP");
            let ip = net.ip_payload_ref().expect("IP");
            assert!(ip.fragmented, "{network:?} {twist:?}");
            assert_eq!(frame.transport_checksum, Checksum::Unknown);
            assert_eq!(frame.ports, None, "{first}");
        }
    }
}

#[test]
fn a_tag_goes_in_and_out() {
    let plain = made(&Spec::new(1, 100, Network::V4, Transport::Udp)).bytes;
    let mut tagged = plain.clone();
    frame::insert_tag(&mut tagged, 0x6007);
    assert_eq!(tagged.len(), plain.len() + 4);
    assert_eq!(tagged[12..16], [0x81, 0, 0x60, 7]);
    assert_eq!(frame::strip_tag(&mut tagged), Some(0x6007));
    assert_eq!(tagged, plain);
    assert_eq!(frame::strip_tag(&mut tagged), None);
}

#[test]
fn segments_are_good_packets_with_all_the_payload() {
    for network in [Network::V4, Network::V6] {
        for (length, mss) in [
            (9000, 1460),
            (9000, 536),
            (1000, 1460),
            (3001, 1),
            (60_000, 1448),
        ] {
            let twist = Twist::TCP_OPTIONS | Twist::FINAL;
            let spec = Spec::new(length, length, network, Transport::Tcp).twisted(twist);
            let frame = frame::build(&spec, GUEST, Way::ToPeer);
            assert_eq!(frame.bytes[..6], PEER);
            let segments = frame::segments(&frame, mss);
            let data = frame.bytes.len() - frame.payload;
            assert_eq!(segments.len(), data.div_ceil(mss));
            let mut payload = Vec::new();
            let mut ids = Vec::new();
            let mut sequences = Vec::new();
            for (index, segment) in segments.iter().enumerate() {
                let (ip, sum) = verdict(segment);
                assert_ne!(ip, Some(false));
                assert_eq!(sum, Some(true));
                let packet = SlicedPacket::from_ethernet(segment).expect("parsed");
                let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
                    panic!("no TCP")
                };
                let last = index + 1 == segments.len();
                assert_eq!((tcp.fin(), tcp.psh(), tcp.ack()), (last, last, true));
                sequences.push((tcp.sequence_number(), payload.len() as u32));
                payload.extend_from_slice(tcp.payload());
                if let Some(NetSlice::Ipv4(v4)) = packet.net {
                    ids.push(v4.header().identification());
                }
            }
            assert_eq!(payload, frame.bytes[frame.payload..]);
            assert!(
                ids.windows(2)
                    .all(|pair| pair[1] == pair[0].wrapping_add(1))
            );
            let first = sequences[0].0;
            assert!(
                sequences
                    .iter()
                    .all(|(at, before)| *at == first.wrapping_add(*before))
            );
        }
    }
}

#[test]
fn what_is_left_to_the_miniport_is_the_documented_seed() {
    // Adding the rest of the packet to the seed must give the checksum of the whole frame.
    for network in [Network::V4, Network::V6] {
        for transport in [Transport::Tcp, Transport::Udp] {
            let whole = made(&Spec::new(5, 333, network, transport));
            let mut left = whole.clone();
            let all = Leave {
                ip: true,
                transport: true,
                segments: false,
            };
            frame::leave(&mut left, transport, all);
            let at = whole.transport.unwrap();
            let sum = vmhost_wire::checksum::Sum::default()
                .bytes(&left.bytes[at..])
                .checksum();
            let field = at + if transport == Transport::Tcp { 16 } else { 6 };
            let want = u16::from_be_bytes([whole.bytes[field], whole.bytes[field + 1]]);
            assert_eq!(sum, want);
            assert!(left.bytes.len() > ETHERNET);
        }
    }
}

#[test]
fn frames_of_a_flow_differ_in_their_number_only_and_have_right_checksums() {
    for flow in 0..FLOWS {
        for size in 0..LENGTHS.len() {
            let template = flows::template(flow, size, GUEST, Way::ToGuest);
            for number in [0, 1, 0xFFFF, 0x1_0000_FFFE, u64::MAX] {
                let mut bytes = template.bytes.clone();
                let at = template.payload;
                bytes[at..at + flows::NUMBER].copy_from_slice(&flows::number_bytes(number));
                let (ip, sum) = verdict(&bytes);
                assert_ne!(ip, Some(false));
                assert_eq!(sum, Some(true), "flow {flow}, size {size}, number {number}");
                let mark = flows::mark(&bytes).expect("its mark");
                assert_eq!((mark.flow, mark.number, mark.at), (flow, number, at));
                assert!(flows::matches(&bytes, &mark, &template.bytes));
                for place in [0, at - 1, at + 3, at + 11, bytes.len() - 1] {
                    let mut broken = bytes.clone();
                    broken[place] ^= 4;
                    let mark = flows::mark(&broken);
                    let same = mark.is_some_and(|m| flows::matches(&broken, &m, &template.bytes));
                    assert!(!same, "byte {place}");
                }
            }
            assert!(bytes_in_range(template.bytes.len()));
        }
    }
    let some: Vec<_> = (0..4096).map(flows::kind).collect();
    for flow in 0..FLOWS {
        for size in 0..LENGTHS.len() {
            assert!(some.contains(&(flow, size)), "flow {flow}, size {size}");
        }
    }
}

fn bytes_in_range(length: usize) -> bool {
    (60..=1518).contains(&length)
}
