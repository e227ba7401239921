// SPDX-License-Identifier: MIT OR Apache-2.0
//! The comparison must see what is wrong.

use super::expected::Matcher;
use vmhost_wire::control::Expected;
use vmhost_wire::frame::{self, Network, Spec, Transport, Way};

const GUEST: [u8; 6] = [0x52, 0x54, 0, 1, 2, 3];

fn plain(number: u32, length: u32) -> Expected {
    Expected {
        spec: Spec::new(number, length, Network::V4, Transport::Tcp),
        tag: 0,
        mss: 0,
    }
}

fn bytes(expected: &Expected) -> Vec<u8> {
    let mut bytes = frame::build(&expected.spec, GUEST, Way::ToPeer).bytes;
    frame::pad(&mut bytes);
    bytes
}

#[test]
fn what_comes_as_expected_is_matched_in_any_order() {
    let mut matcher = Matcher::default();
    let all: Vec<_> = (0..5).map(|n| plain(n, 20 + 300 * n)).collect();
    for one in &all {
        matcher.expect(one, GUEST);
    }
    for one in all.iter().rev() {
        assert!(matcher.is_waiting());
        matcher.take(&bytes(one));
    }
    assert!(!matcher.is_waiting());
    let seen = matcher.collect();
    assert_eq!((seen.matched, seen.missing, seen.unexpected), (5, 0, 0));
    assert_eq!(seen.problem, "");
}

#[test]
fn each_difference_is_seen() {
    type Break<'a> = &'a dyn Fn(&mut Vec<u8>);
    let cases: [(u32, Break<'_>, &str); 5] = [
        (200, &|b| b[100] ^= 1, "byte 100 is"),
        (200, &|b| b.truncate(199), "199 bytes instead of 200"),
        (200, &|b| b.push(0), "201 bytes instead of 200"),
        (
            50,
            &|b| b[55] = 0xC7,
            "byte 55 is c7 where padding must be zero",
        ),
        (
            50,
            &|b| b.truncate(50),
            "a frame of 50 bytes is on the wire",
        ),
    ];
    for (length, break_it, want) in cases {
        let mut matcher = Matcher::default();
        let one = plain(7, length);
        matcher.expect(&one, GUEST);
        let mut broken = bytes(&one);
        break_it(&mut broken);
        matcher.take(&broken);
        let seen = matcher.collect();
        assert!(seen.problem.contains(want), "{}", seen.problem);
    }
}

#[test]
fn a_frame_that_comes_twice_or_not_at_all_is_seen() {
    let mut matcher = Matcher::default();
    let one = plain(7, 100);
    matcher.expect(&one, GUEST);
    matcher.take(&bytes(&one));
    matcher.take(&bytes(&one));
    matcher.expect(&plain(8, 100), GUEST);
    let seen = matcher.collect();
    assert_eq!((seen.matched, seen.missing, seen.unexpected), (1, 1, 1));
}

#[test]
fn a_large_send_may_come_as_segments_or_as_fragments() {
    let large = |network| Expected {
        spec: Spec::new(3, 5000, network, Transport::Tcp),
        tag: 0,
        mss: 1000,
    };
    for network in [Network::V4, Network::V6] {
        let expected = large(network);
        let whole = frame::build(&expected.spec, GUEST, Way::ToPeer);
        let mut matcher = Matcher::default();
        matcher.expect(&expected, GUEST);
        for segment in frame::segments(&whole, 1000) {
            matcher.take(&segment);
        }
        let seen = matcher.collect();
        assert_eq!((seen.missing, seen.unexpected, seen.fragmented), (0, 0, 0));

        matcher.expect(&expected, GUEST);
        for piece in fragments(&whole, 1000) {
            matcher.take(&piece);
        }
        let seen = matcher.collect();
        assert_eq!(
            (seen.missing, seen.unexpected, seen.fragmented),
            (0, 0, 1),
            "{}",
            seen.problem
        );

        matcher.expect(&expected, GUEST);
        for (index, mut piece) in fragments(&whole, 1000).into_iter().enumerate() {
            if index == 2 {
                piece[700] ^= 1;
            }
            matcher.take(&piece);
        }
        assert!(matcher.collect().missing > 0);
    }
}

/// As QEMU 7.2 splits what is above the IP header.
fn fragments(whole: &frame::Frame, size: usize) -> Vec<Vec<u8>> {
    let (ip, transport) = (whole.network.unwrap(), whole.transport.unwrap());
    let data = &whole.bytes[transport..];
    let mut out = Vec::new();
    for (index, piece) in data.chunks(size).enumerate() {
        let mut bytes = whole.bytes[..transport].to_vec();
        if whole.addresses.len() == 8 {
            let length = (transport - ip + piece.len()) as u16;
            let more = if (index + 1) * size < data.len() {
                0x2000
            } else {
                0
            };
            let field = (index * size / 8) as u16 | more;
            bytes[ip + 2..ip + 4].copy_from_slice(&length.to_be_bytes());
            bytes[ip + 6..ip + 8].copy_from_slice(&field.to_be_bytes());
        }
        bytes.extend_from_slice(piece);
        out.push(bytes);
    }
    out
}

#[test]
fn either_zero_is_a_checksum_of_tcp() {
    // One frame in 65,536 has the sum 0.
    let zero = (0..1_000_000)
        .map(|number| Expected {
            spec: Spec::new(number, 80, Network::V6, Transport::Tcp),
            tag: 0,
            mss: 0,
        })
        .find(|expected| bytes(expected)[70..72] == [0, 0]);
    let zero = zero.expect("a frame with the sum 0");
    for (sum, good) in [([0, 0], true), ([0xFF; 2], true), ([0xFF, 0], false)] {
        let mut matcher = Matcher::default();
        matcher.expect(&zero, GUEST);
        let mut frame = bytes(&zero);
        frame[70..72].copy_from_slice(&sum);
        matcher.take(&frame);
        assert_eq!(matcher.is_waiting(), !good, "{sum:x?}");
    }
}
