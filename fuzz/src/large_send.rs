// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold for any bytes as a large send.

use ndis_e1000e::net::headers::{Headers, Transport, parse};
use ndis_e1000e::net::segment::{self, fill_ip, finish, rewrite, seed, transport_sum};

/// The longest frame that a segment may be.
const MAX_FRAME: usize = 9014;
/// Segments looked at: with an MSS of 1 there are very many alike.
const MOST: u32 = 64;

/// Headers of a TCP frame behind its addresses: what any bytes hardly ever begin with.
const STARTS: [&[&[u8]]; 5] = [
    &[],
    &[IPV4, TCP],
    &[IPV6, TCP],
    // Two tags.
    &[&[0x88, 0xA8, 0, 1, 0x81, 0, 0, 2], IPV6, TCP],
    // Hop-by-hop options.
    &[
        &[0x86, 0xDD, 0x60, 0, 0, 0, 0, 0, 0, 64],
        &[0; 32],
        &[6, 0, 1, 4, 0, 0, 0, 0],
        TCP,
    ],
];
const IPV4: &[u8] = &[
    8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
const IPV6: &[u8] = &[
    0x86, 0xDD, 0x60, 0, 0, 0, 0, 0, 6, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
const TCP: &[u8] = &[
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0,
];

/// [`check`] of a fuzzer's bytes: one chooses the headers, two are the MSS, the next ones change bits of the headers, and the
/// rest is the payload. With no headers they are a frame as they are.
pub fn fuzzed(data: &[u8]) -> u32 {
    let Some(([kind, mss @ ..], rest)) = data.split_first_chunk::<3>() else {
        return 0;
    };
    let start = STARTS[usize::from(*kind) % STARTS.len()].concat();
    let mut input = mss.to_vec();
    if !start.is_empty() {
        input.extend([2; 12]);
    }
    let (changes, payload) = rest.split_at(start.len().min(rest.len()));
    let changes = changes.iter().chain(std::iter::repeat(&0));
    input.extend(
        start
            .iter()
            .zip(changes)
            .map(|(byte, change)| byte ^ change),
    );
    input.extend(payload);
    check(&input)
}

/// Takes two bytes of MSS and a frame. Returns how many segments were checked.
pub fn check(data: &[u8]) -> u32 {
    let Some((mss, frame)) = data.split_first_chunk::<2>() else {
        return 0;
    };
    let mss = u32::from(u16::from_le_bytes(*mss));
    let Some(headers) = parse(frame) else {
        return 0;
    };
    let at = usize::from(headers.payload);
    assert!(at <= frame.len(), "headers end in the frame");
    // Whatever it is, its checksum fields can be prepared.
    let end = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    seed(&mut frame[..at].to_vec(), &headers, end, true, true);
    let (head, payload) = frame.split_at(at);
    let first = payload.len().min(mss as usize);
    if headers.transport != Transport::Tcp || mss == 0 || at + first > MAX_FRAME {
        return 0;
    }
    let total = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let (mut index, mut offset) = (0, 0);
    while index < MOST {
        let cut = segment::segment(index, offset, total, mss);
        let (from, to) = (cut.offset as usize, (cut.offset + cut.length) as usize);
        let part = make(head, &headers, &cut, &payload[from..to]);
        verify(&part, &headers, cut.length);
        assert_eq!(cut.offset, offset);
        index += 1;
        offset += cut.length;
        if cut.last {
            assert_eq!(offset, total, "the segments are the whole payload");
            break;
        }
        assert_eq!(cut.length, mss, "only the last one is shorter");
    }
    index
}

/// A segment, with its checksums.
fn make(head: &[u8], headers: &Headers, cut: &segment::Segment, payload: &[u8]) -> Vec<u8> {
    let mut part = head.to_vec();
    rewrite(&mut part, headers, cut);
    fill_ip(&mut part, headers);
    let end = u32::from(headers.payload) + cut.length;
    let mut sum = transport_sum(&mut part, headers, end).expect("TCP has a checksum");
    sum.bytes(payload);
    let at = usize::from(headers.transport_checksum().expect("TCP has a checksum"));
    part[at..at + 2].copy_from_slice(&finish(headers, sum).to_be_bytes());
    part.extend_from_slice(payload);
    part
}

/// The one's complement sum of `parts`, each but the last of even length, straight from the definition.
fn plain_sum(parts: &[&[u8]]) -> u32 {
    let mut sum = 0;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
    }
    sum
}

/// The segment is a packet of its own.
fn verify(part: &[u8], headers: &Headers, payload: u32) {
    let seen = parse(part).expect("a segment has headers");
    let end = u32::from(headers.payload) + payload;
    let wanted = Headers { end, ..*headers };
    assert_eq!(seen, wanted, "the headers of a segment are where they were");
    assert_eq!(part.len(), end as usize);
    let (ip, at) = (usize::from(headers.ip), usize::from(headers.transport_at));
    let (source, size) = if headers.ipv4 {
        (ip + 12, 4)
    } else {
        (ip + 8, 16)
    };
    if headers.ipv4 {
        let length = usize::from(part[ip] & 0xF) * 4;
        assert_eq!(
            plain_sum(&[&part[ip..ip + length]]),
            0xFFFF,
            "IPv4 header checksum"
        );
    }
    let destination = usize::from(headers.destination);
    let behind = u32::try_from(part.len() - at)
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let sum = plain_sum(&[
        &part[source..source + size],
        &part[destination..destination + size],
        &[0, 6],
        &behind,
        &part[at..],
    ]);
    assert_eq!(sum, 0xFFFF, "TCP checksum");
}
