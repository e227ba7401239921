// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kinds of frames, as groups of [`Spec`]s. To add a kind: a variation in
//! `vmhost_wire::frame::Twist` if the bytes are new, and a line in [`groups`].

use alloc::{vec, vec::Vec};
use vmhost_wire::frame::{Network, Spec, To, Transport, Twist};

/// Some frames with a name.
pub struct Group {
    /// For people.
    pub name: &'static str,
    /// The frames.
    pub specs: Vec<Spec>,
}

/// The networks and transports that offloads are about.
pub const FLOWS: [(Network, Transport); 4] = [
    (Network::V4, Transport::Tcp),
    (Network::V4, Transport::Udp),
    (Network::V6, Transport::Tcp),
    (Network::V6, Transport::Udp),
];

/// Numbers frames, each but once.
#[derive(Default)]
pub struct Numbers(u32);

impl Numbers {
    /// The next one.
    pub fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

/// All kinds that both ways have; `most` is the longest frame without a tag.
pub fn groups(numbers: &mut Numbers, most: u32) -> Vec<Group> {
    let mut plain = Vec::new();
    let mut odd = Vec::new();
    let mut tagged = Vec::new();
    for network in [Network::V4, Network::V6] {
        for transport in [Transport::Tcp, Transport::Udp, Transport::Other] {
            for length in [78, 79, 200, 577, most - 1, most] {
                plain.push(Spec::new(numbers.next(), length, network, transport));
            }
            for twist in [
                Twist::TCP_OPTIONS,
                Twist::IP_OPTIONS,
                Twist::EXTENSIONS,
                Twist::FIRST_FRAGMENT,
                Twist::LATER_FRAGMENT,
                Twist::TRAILER,
                Twist::NO_CHECKSUM,
                Twist::BAD_IP,
                Twist::BAD_TRANSPORT,
                Twist::BAD_IP.union(Twist::BAD_TRANSPORT),
                Twist::TRUNCATED,
            ] {
                for length in [130, 131, 900] {
                    odd.push(Spec::new(numbers.next(), length, network, transport).twisted(twist));
                }
            }
            for tags in [[0x0001, 0], [0xEFFF, 0], [0x2005, 0x6007]] {
                for length in [90, 1000, most] {
                    tagged.push(Spec::new(numbers.next(), length, network, transport).tagged(tags));
                }
            }
        }
    }
    let mut others = Vec::new();
    for network in [Network::Raw, Network::Arp] {
        for to in [To::End, To::Group, To::All] {
            for length in [42, 60, 61, most] {
                others.push(Spec::new(numbers.next(), length, network, Transport::Other).to(to));
            }
        }
    }
    for to in [To::Group, To::All] {
        for (network, transport) in FLOWS {
            others.push(Spec::new(numbers.next(), 300, network, transport).to(to));
        }
    }
    let mut lengths: Vec<u32> = (14..140).collect();
    lengths.extend([
        255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1499, 1500, 1501,
    ]);
    lengths.extend((2000..most).step_by(509));
    lengths.extend(most - 4..=most);
    let every = lengths
        .iter()
        .map(|length| Spec::new(numbers.next(), *length, Network::Raw, Transport::Other))
        .collect();
    vec![
        Group {
            name: "plain IP",
            specs: plain,
        },
        Group {
            name: "options, fragments, bad checksums",
            specs: odd,
        },
        Group {
            name: "tags in the frame",
            specs: tagged,
        },
        Group {
            name: "ARP, multicast, broadcast",
            specs: others,
        },
        Group {
            name: "every length",
            specs: every,
        },
    ]
}

/// Kinds that only come from the wire: frames that are too short, too long, or for others.
pub fn strange(numbers: &mut Numbers, most: u32) -> Vec<Group> {
    let raw = |numbers: &mut Numbers, length| {
        Spec::new(numbers.next(), length, Network::Raw, Transport::Other)
    };
    let short = (1..14)
        .chain([20, 33, 34, 41, 53])
        .map(|n| raw(numbers, n))
        .collect();
    let mut cut = Vec::new();
    for (network, transport) in FLOWS {
        for length in [15, 33, 35, 47, 53, 55] {
            cut.push(Spec::new(numbers.next(), length, network, transport));
        }
    }
    // Lengths up to 16 KiB, but 16,384 itself: QEMU 7.2's chip mistakes it.
    let mut long: Vec<u32> = (most + 5..most + 12).collect();
    long.extend([
        1522, 1523, 2047, 2048, 2049, 4096, 9018, 9019, 9234, 12_000, 16_000, 16_383,
    ]);
    let long = long
        .into_iter()
        .filter(|length| *length > most + 4)
        .map(|n| raw(numbers, n))
        .collect();
    let foreign = (0..8)
        .map(|n| raw(numbers, 64 + 100 * n).to(To::Stranger))
        .collect();
    vec![
        Group {
            name: "runts",
            specs: short,
        },
        Group {
            name: "headers cut off",
            specs: cut,
        },
        Group {
            name: "too long",
            specs: long,
        },
        Group {
            name: "for another station",
            specs: foreign,
        },
    ]
}
