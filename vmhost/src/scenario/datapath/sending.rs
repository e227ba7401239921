// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every kind of frame to the wire: as it is, and with work left to the miniport. PASSIVE.

use super::{
    super::step,
    kinds::{self, FLOWS},
    path::{Outgoing, Path},
    skip,
};
use crate::ndis::means::Means;
use alloc::{format, string::String, vec, vec::Vec};
use vmhost_wire::frame::{Leave, Network, Spec, Transport, Twist};

/// Tags that go out of band: a priority alone, a VLAN, both.
const TAGS: [u16; 3] = [0xE000, 0x0123, 0x6FFE];
/// Pieces of a frame at most, before neighbours are put together.
const CRUMBS: usize = 600;
/// The longest IP packet.
const IP_MOST: u32 = 65_535;

/// All kinds, then with checksums and tags left to the miniport, then what must be refused.
pub fn all(path: &mut Path<'_>) -> Result<(), String> {
    step("send");
    let most = path.most();
    for group in kinds::groups(&mut path.numbers, most) {
        let frames: Vec<_> = group
            .specs
            .into_iter()
            // A protocol sends no packet that is cut off.
            .filter(|spec| !spec.twists().contains(Twist::TRUNCATED))
            .map(Path::plain)
            .collect();
        path.case(&format!("send, {}", group.name), |path, what| {
            path.send(what, &frames)
        })?;
    }
    checksums(path)?;
    tags(path)?;
    crumbs(path)?;
    malformed(path)
}

/// Frames in more pieces than chips take, with and without work left to the miniport (D-12): NDIS maps any number of MDLs.
fn crumbs(path: &mut Path<'_>) -> Result<(), String> {
    let most = path.most();
    let means = Means::of(path.adapter());
    let mut frames = Vec::new();
    for (network, transport) in FLOWS {
        let sums = means.transmit(network);
        let left = Leave {
            ip: network == Network::V4 && sums.ip(),
            transport: sums.transport(transport),
            segments: false,
        };
        for leave in [Leave::default(), left] {
            for (length, tag) in [(78, 0), (199, TAGS[2]), (600, 0), (most, TAGS[2])] {
                let spec = Spec::new(path.numbers.next(), length, network, transport);
                let tag = if means.tags() { tag } else { 0 };
                frames.push(Outgoing::new(spec, leave, 0, 0).with_tag(&means, tag));
            }
        }
        let large = means.large(network).filter(|_| transport == Transport::Tcp);
        if large.is_some_and(|large| large.segments <= 4) {
            let spec = Spec::new(path.numbers.next(), 5 * 1200, network, transport);
            frames.push(Outgoing::new(spec, SEGMENTS, 0, 1200));
        }
    }
    for bytes in [1, 9] {
        for one in &mut frames {
            one.expected.spec.number = path.numbers.next();
            one.shape.splits = vec![bytes; (one.expected.spec.length as usize / bytes).min(CRUMBS)];
        }
        path.case(&format!("frames in pieces of {bytes}"), |path, what| {
            path.send(what, &frames)
        })?;
    }
    Ok(())
}

/// Each checksum alone and both, for every packet that the configuration takes.
pub fn checksums(path: &mut Path<'_>) -> Result<(), String> {
    let most = path.most();
    let means = Means::of(path.adapter());
    for (network, transport) in FLOWS {
        let sums = means.transmit(network);
        let name = format!("{network:?} {transport:?}");
        let mut frames = Vec::new();
        for (ip, upper) in [(true, false), (false, true), (true, true)] {
            let can = (!ip || (network == Network::V4 && sums.ip()))
                && (!upper || sums.transport(transport));
            if !can {
                continue;
            }
            let leave = Leave {
                ip,
                transport: upper,
                segments: false,
            };
            let other = if network == Network::V4 {
                Twist::IP_OPTIONS
            } else {
                Twist::EXTENSIONS
            };
            for twist in [
                Twist::empty(),
                Twist::TCP_OPTIONS,
                other,
                other | Twist::TCP_OPTIONS,
            ] {
                if !sums.takes(twist) {
                    continue;
                }
                for length in [
                    42,
                    43,
                    54,
                    57,
                    59,
                    60,
                    61,
                    75,
                    102,
                    103,
                    118,
                    601,
                    most - 1,
                    most,
                ] {
                    let spec =
                        Spec::new(path.numbers.next(), length, network, transport).twisted(twist);
                    // Headers must be whole; the shortest frames have to be filled up behind them.
                    if length < 102 && (!twist.is_empty() || !has_headers(&spec)) {
                        continue;
                    }
                    frames.push(Outgoing::new(spec, leave, 0, 0));
                    if means.tags() && length < most {
                        let spec = Spec {
                            number: path.numbers.next(),
                            ..spec
                        };
                        let one = Outgoing::new(spec, leave, 0, 0);
                        frames.push(one.with_tag(&means, TAGS[2]));
                    }
                }
            }
        }
        if frames.is_empty() {
            skip(path, &format!("checksums of sends, {name}"));
            continue;
        }
        path.case(&format!("checksums of sends, {name}"), |path, what| {
            path.send(what, &frames)
        })?;
    }
    Ok(())
}

/// Whether its length is enough for all headers.
fn has_headers(spec: &Spec) -> bool {
    let ip = if spec.network == Network::V4 { 20 } else { 40 };
    let transport = if spec.transport == Transport::Tcp {
        20
    } else {
        8
    };
    spec.length >= 14 + ip + transport
}

/// Tags out of band.
fn tags(path: &mut Path<'_>) -> Result<(), String> {
    let means = Means::of(path.adapter());
    if !means.tags() {
        skip(path, "tags out of band");
        return Ok(());
    }
    let most = path.most();
    let mut frames = Vec::new();
    for tag in TAGS {
        for length in [60, 61, 64, 300, most] {
            for network in [Network::Raw, Network::V4, Network::V6] {
                let spec = Spec::new(path.numbers.next(), length, network, Transport::Udp);
                frames.push(Path::plain(spec).with_tag(&means, tag));
            }
        }
    }
    path.case("tags out of band", |path, what| path.send(what, &frames))
}

/// Large sends with headers of several lengths and all kinds of segment sizes.
pub fn large(path: &mut Path<'_>) -> Result<(), String> {
    step("large sends");
    let means = Means::of(path.adapter());
    for network in [Network::V4, Network::V6] {
        let Some(limits) = means.large(network) else {
            skip(path, &format!("large sends, {network:?}"));
            continue;
        };
        let most = path.most();
        // Beside the longest headers here: IPv6, TCP with timestamps.
        let usual = most - 14 - 40 - 32;
        // With its Ethernet header, and the length of what is above it in two bytes.
        let longest = limits.most.min(IP_MOST) + 14 - 32;
        let mut frames = Vec::new();
        for (length, mss) in [
            (3 * usual, usual),
            (2 * usual + 200, usual),
            // Last segments of a byte or two, which have to be filled up.
            (54 + 2 * usual + 2, usual),
            (54 + 3 * 536 + 1, 536),
            (74 + 2 * 999 + 1, 999),
            (5001, 536),
            (7777, 999),
            (1500, 88),
            // As many segments as bytes.
            (200, 1),
            (longest, usual),
        ] {
            for twist in [
                Twist::empty(),
                Twist::TCP_OPTIONS,
                Twist::FINAL,
                Twist::MOST_OPTIONS,
                Twist::EXTENSIONS,
                Twist::EXTENSIONS | Twist::MOST_OPTIONS,
            ] {
                let may = (limits.options || !twist.intersects(OPTIONS))
                    && (limits.extensions || !twist.contains(Twist::EXTENSIONS));
                if !may {
                    continue;
                }
                // Whatever the headers, a segment with them is no longer than a frame.
                let mss = mss.min(most - HEADERS);
                let spec =
                    Spec::new(path.numbers.next(), length, network, Transport::Tcp).twisted(twist);
                let mut one = Outgoing::new(spec, SEGMENTS, 0, mss);
                if means.tags() && length % 2 == 1 {
                    one = one.with_tag(&means, TAGS[2]);
                }
                let segments = (length - HEADERS) / mss;
                if length - 54 <= limits.most && segments >= limits.segments {
                    frames.push(one);
                }
            }
        }
        path.case(&format!("large sends, {network:?}"), |path, what| {
            path.send(what, &frames)
        })?;
        // One segment, though no protocol would ask for that: also with an MSS that no frame has room for.
        let single: Vec<_> = [usual, 9_999]
            .into_iter()
            .map(|mss| {
                let spec = Spec::new(path.numbers.next(), 700, network, Transport::Tcp);
                Outgoing::new(spec, SEGMENTS, 0, mss)
            })
            .collect();
        path.case(
            &format!("large send of one segment, {network:?}"),
            |path, what| path.send(what, &single),
        )?;
        malformed_large(path, network)?;
    }
    Ok(())
}

/// D-10: large sends that make no segments.
fn malformed_large(path: &mut Path<'_>, network: Network) -> Result<(), String> {
    let mut lists = Vec::new();
    let mut add = |path: &mut Path<'_>, transport, mss, spoil: &dyn Fn(&mut Vec<u8>, usize)| {
        let spec = Spec::new(path.numbers.next(), 4000, network, transport);
        let one = Outgoing::new(spec, SEGMENTS, 0, mss);
        let (mut bytes, info, (.., at)) = path.prepare(&one);
        spoil(&mut bytes, at.map_or(0, |at| at / 2));
        lists.push((vec![(bytes, Default::default())], info));
    };
    // A segment size of 0.
    add(path, Transport::Tcp, 0, &|_, _| ());
    // A TCP header that ends in the middle, with the frame.
    add(path, Transport::Tcp, 500, &|bytes, tcp| {
        bytes.truncate(tcp + 19)
    });
    // Options that end with the frame.
    add(path, Transport::Tcp, 500, &|bytes, tcp| {
        bytes[tcp + 12] = 0xF0;
        bytes.truncate(tcp + 59);
    });
    // A header shorter than it can be.
    add(path, Transport::Tcp, 500, &|bytes, tcp| {
        bytes[tcp + 12] = 0x40
    });
    // No TCP at all.
    add(path, Transport::Udp, 500, &|_, _| ());
    add(path, Transport::Tcp, 500, &|bytes, _| {
        bytes[12..14].copy_from_slice(&[0x88, 0xB5])
    });
    path.case(
        &format!("malformed large sends, {network:?}"),
        |path, what| path.refuse(what, lists),
    )
}

/// Either kind of TCP options.
const OPTIONS: Twist = Twist::TCP_OPTIONS.union(Twist::MOST_OPTIONS);
/// The longest headers here: Ethernet, IPv6 with two extension headers, TCP with all options.
const HEADERS: u32 = 14 + 40 + 16 + 60;

/// Everything is left to the miniport.
const SEGMENTS: Leave = Leave {
    ip: false,
    transport: false,
    segments: true,
};

/// D-10: what cannot be sent is refused and never reaches the wire.
fn malformed(path: &mut Path<'_>) -> Result<(), String> {
    let most = path.most() as usize;
    let lists = [0, 1, 13, most + 5, most + 600, 16_384]
        .into_iter()
        .map(|length| {
            (
                vec![(vec![0x5A; length], Default::default())],
                Default::default(),
            )
        })
        .collect();
    path.case("malformed sends", |path, what| path.refuse(what, lists))
}
