// SPDX-License-Identifier: MIT OR Apache-2.0
//! The headers of the segments of a large send, and the checksum fields of any frame. Pure logic; any IRQL.
//!
//! All functions take the headers as a slice that starts with the frame; what would lie outside is left out, never a
//! panic.

use super::checksum::Sum;
use super::headers::{Headers, Transport};

/// One segment of a large send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number, from 0.
    pub index: u32,
    /// Payload bytes before it.
    pub offset: u32,
    /// Its payload bytes.
    pub length: u32,
    /// It is the last one.
    pub last: bool,
}

/// The segment of at most `mss` bytes that starts at `offset` of `payload` bytes.
#[must_use]
pub fn segment(index: u32, offset: u32, payload: u32, mss: u32) -> Segment {
    let left = payload.saturating_sub(offset);
    Segment {
        index,
        offset,
        length: left.min(mss),
        last: left <= mss,
    }
}

/// FIN and PSH belong to the last segment.
const LAST_FLAGS: u8 = 0x01 | 0x08;
/// CWR belongs to the first segment (RFC 3168).
const FIRST_FLAGS: u8 = 0x80;

fn put16(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<2>) {
        *place = value.to_be_bytes();
    }
}

fn get16(bytes: &[u8], at: usize) -> u16 {
    let place = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>);
    place.map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

/// Makes the headers of a segment out of those of the whole: lengths, identification, sequence number, flags.
pub fn rewrite(bytes: &mut [u8], headers: &Headers, segment: &Segment) {
    let ip = usize::from(headers.ip);
    let at = usize::from(headers.transport_at);
    let behind = u32::from(headers.payload) + segment.length;
    if headers.ipv4 {
        put16(bytes, ip + 2, (behind - u32::from(headers.ip)) as u16);
        // The upper half of the numbers is somebody else's: the lower 15 bits count and wrap.
        let id = get16(bytes, ip + 4);
        let next = u32::from(id & 0x7FFF) + segment.index;
        put16(bytes, ip + 4, id & 0x8000 | (next & 0x7FFF) as u16);
    } else {
        put16(bytes, ip + 4, (behind - u32::from(headers.ip) - 40) as u16);
    }
    if let Some(place) = bytes
        .get_mut(at + 4..)
        .and_then(<[u8]>::first_chunk_mut::<4>)
    {
        let sequence = u32::from_be_bytes(*place).wrapping_add(segment.offset);
        *place = sequence.to_be_bytes();
    }
    if let Some(flags) = bytes.get_mut(at + 13) {
        if !segment.last {
            *flags &= !LAST_FLAGS;
        }
        if segment.index != 0 {
            *flags &= !FIRST_FLAGS;
        }
    }
}

/// Adds the pseudo header of `length` bytes of transport header and payload.
fn pseudo(bytes: &[u8], headers: &Headers, length: u32) -> Sum {
    let (source, size) = if headers.ipv4 {
        (usize::from(headers.ip) + 12, 4)
    } else {
        (usize::from(headers.ip) + 8, 16)
    };
    let destination = usize::from(headers.destination);
    let mut sum = Sum::new();
    sum.bytes(bytes.get(source..source + size).unwrap_or(&[]));
    sum.bytes(bytes.get(destination..destination + size).unwrap_or(&[]));
    sum.word(headers.protocol());
    sum.word((length >> 16) as u16);
    sum.word(length as u16);
    sum
}

/// Prepares the checksum fields for the chip: 0 in the IPv4 header, the sum of the pseudo header in the transport's.
/// `end`: the first byte behind the packet.
pub fn seed(bytes: &mut [u8], headers: &Headers, end: u32, ip: bool, transport: bool) {
    if ip && headers.ipv4 {
        put16(bytes, usize::from(headers.ip) + 10, 0);
    }
    if transport && let Some(at) = headers.transport_checksum() {
        let behind = end.saturating_sub(u32::from(headers.transport_at));
        let seed = pseudo(bytes, headers, behind).folded();
        put16(bytes, usize::from(at), seed);
    }
}

/// Fills in the IPv4 header checksum.
pub fn fill_ip(bytes: &mut [u8], headers: &Headers) {
    if !headers.ipv4 {
        return;
    }
    let ip = usize::from(headers.ip);
    put16(bytes, ip + 10, 0);
    let length = bytes
        .get(ip)
        .map_or(0, |first| usize::from(first & 0xF) * 4);
    let mut sum = Sum::new();
    sum.bytes(bytes.get(ip..ip + length).unwrap_or(&[]));
    put16(bytes, ip + 10, sum.finish());
}

/// The sum that the transport checksum starts with: pseudo header, and the transport header with its checksum as 0.
/// `bytes` has all headers; the payload, up to `end`, is to be added.
#[must_use]
pub fn transport_sum(bytes: &mut [u8], headers: &Headers, end: u32) -> Option<Sum> {
    let at = usize::from(headers.transport_checksum()?);
    put16(bytes, at, 0);
    let begin = headers.transport_at;
    let behind = end.saturating_sub(u32::from(begin));
    let mut sum = pseudo(bytes, headers, behind);
    sum.bytes(
        bytes
            .get(usize::from(begin)..usize::from(headers.payload))
            .unwrap_or(&[]),
    );
    Some(sum)
}

/// The checksum in the form that the transport wants.
#[must_use]
pub fn finish(headers: &Headers, sum: Sum) -> u16 {
    match headers.transport {
        Transport::Udp => sum.finish_udp(),
        Transport::Tcp | Transport::Other => sum.finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::headers::parse;
    use super::super::headers::tests::{Recipe, cook, recipe};
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// Whether both checksums of a whole frame are right.
    fn is_right(frame: &[u8]) -> bool {
        let h = parse(frame).expect("headers");
        let ip = usize::from(h.ip);
        if h.ipv4 {
            let mut sum = Sum::new();
            sum.bytes(&frame[ip..ip + usize::from(frame[ip] & 0xF) * 4]);
            if sum.folded() != 0xFFFF {
                return false;
            }
        }
        let at = usize::from(h.transport_at);
        let mut sum = pseudo(frame, &h, (frame.len() - at) as u32);
        sum.bytes(&frame[at..]);
        sum.folded() == 0xFFFF
    }

    /// All segments of a frame, with checksums by software.
    fn cut(frame: &[u8], h: &Headers, mss: u32) -> Vec<Vec<u8>> {
        let (headers, payload) = frame.split_at(usize::from(h.payload));
        let mut out = Vec::new();
        let (mut index, mut offset) = (0, 0);
        loop {
            let s = segment(index, offset, payload.len() as u32, mss);
            let mut f = headers.to_vec();
            rewrite(&mut f, h, &s);
            fill_ip(&mut f, h);
            let total = f.len() as u32 + s.length;
            let mut sum = transport_sum(&mut f, h, total).expect("tcp");
            let data = &payload[s.offset as usize..(s.offset + s.length) as usize];
            sum.bytes(data);
            let at = usize::from(h.transport_checksum().expect("tcp"));
            f[at..at + 2].copy_from_slice(&finish(h, sum).to_be_bytes());
            f.extend_from_slice(data);
            out.push(f);
            if s.last {
                return out;
            }
            index += 1;
            offset += s.length;
        }
    }

    proptest! {
        #[test]
        fn segments_are_whole_frames_and_make_the_whole(r in recipe(), mss in 1u32..120) {
            let r = Recipe { tcp: true, ..r };
            let (frame, h) = cook(&r);
            let parts = cut(&frame, &h, mss);
            let wanted = r.payload.len().div_ceil(mss as usize).max(1);
            prop_assert_eq!(parts.len(), wanted);
            let mut payload = Vec::new();
            for (n, part) in parts.iter().enumerate() {
                prop_assert!(is_right(part), "segment {}", n);
                let ph = parse(&part[..]).expect("headers");
                prop_assert_eq!(ph, Headers { end: part.len() as u32, ..h });
                let at = usize::from(h.transport_at);
                let sequence = u32::from_be_bytes([part[at + 4], part[at + 5], part[at + 6], part[at + 7]]);
                prop_assert_eq!(sequence, 0x100 + payload.len() as u32);
                let (first, last) = (n == 0, n + 1 == wanted);
                prop_assert_eq!(part[at + 13] & 0x80 != 0, first, "CWR");
                prop_assert_eq!(part[at + 13] & 0x09, if last { 0x09 } else { 0 }, "FIN and PSH");
                prop_assert_eq!(part[at + 13] & 0x10, 0x10, "ACK");
                let ip = usize::from(h.ip);
                if h.ipv4 {
                    let length = get16(part, ip + 2);
                    prop_assert_eq!(usize::from(length), part.len() - ip);
                    prop_assert_eq!(u32::from(get16(part, ip + 4)), (0x7FFE + n as u32) & 0x7FFF);
                } else {
                    prop_assert_eq!(usize::from(get16(part, ip + 4)), part.len() - ip - 40);
                }
                payload.extend_from_slice(&part[usize::from(h.payload)..]);
            }
            prop_assert_eq!(payload, r.payload);
        }

        #[test]
        fn the_seed_is_what_the_chip_needs(r in recipe()) {
            let (mut frame, h) = cook(&r);
            let total = frame.len() as u32;
            seed(&mut frame, &h, total, true, true);
            // The chip sums from the transport header to the end, seed included, and writes the complement.
            let mut sum = Sum::new();
            sum.bytes(&frame[usize::from(h.transport_at)..]);
            let at = usize::from(h.transport_checksum().expect("a transport"));
            frame[at..at + 2].copy_from_slice(&finish(&h, sum).to_be_bytes());
            fill_ip(&mut frame, &h);
            prop_assert!(is_right(&frame));
        }

        #[test]
        fn short_slices_are_survived(r in recipe(), keep in 0usize..80, index in 0u32..99) {
            let (mut frame, h) = cook(&r);
            frame.truncate(keep);
            let s = Segment { index, offset: 7, length: 9, last: false };
            rewrite(&mut frame, &h, &s);
            seed(&mut frame, &h, 2000, true, true);
            fill_ip(&mut frame, &h);
            let _ = transport_sum(&mut frame, &h, 2000);
        }
    }

    #[test]
    fn payloads_that_divide_and_those_that_do_not() {
        let all = |payload, mss| {
            let mut out = vec![];
            let (mut index, mut offset) = (0, 0);
            loop {
                let s = segment(index, offset, payload, mss);
                out.push(s.length);
                if s.last {
                    return out;
                }
                index += 1;
                offset += s.length;
            }
        };
        assert_eq!(all(3000, 1460), [1460, 1460, 80]);
        assert_eq!(all(2920, 1460), [1460, 1460]);
        assert_eq!(all(100, 1460), [100]);
        assert_eq!(all(0, 1460), [0]);
        assert_eq!(all(3, 1), [1, 1, 1]);
    }
}
