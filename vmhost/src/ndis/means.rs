// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the adapter can do at this moment, from its attributes and last indications: nothing that
//! it does not advertise is asked of it. Any IRQL.

use super::adapter::Adapter;
use ::ndis::ffi::*;
use vmhost_wire::frame::{Network, Spec, Transport, Twist};

/// Places of the two-bit fields of the checksum structures.
const OPTIONS: u32 = 0;
const TCP_OPTIONS: u32 = 2;
const TCP: u32 = 4;
const UDP: u32 = 6;
const IP: u32 = 8;

/// Checksums of one network in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    bits: u32,
}

impl Sums {
    fn has(self, field: u32) -> bool {
        self.bits >> field & 3 == NDIS_OFFLOAD_SUPPORTED
    }

    /// The IPv4 header's.
    pub fn ip(self) -> bool {
        self.has(IP)
    }

    /// TCP's or UDP's.
    pub fn transport(self, transport: Transport) -> bool {
        match transport {
            Transport::Tcp => self.has(TCP),
            Transport::Udp => self.has(UDP),
            Transport::Other => false,
        }
    }

    /// Whether packets with these variations are among those it is for.
    pub fn takes(self, twist: Twist) -> bool {
        let needs = [
            (Twist::IP_OPTIONS.union(Twist::EXTENSIONS), OPTIONS),
            (Twist::TCP_OPTIONS, TCP_OPTIONS),
        ];
        needs
            .into_iter()
            .all(|(twists, field)| !twist.intersects(twists) || self.has(field))
    }
}

/// A large send's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Large {
    /// MaxOffLoadSize.
    pub most: u32,
    /// MinSegmentCount.
    pub segments: u32,
    /// TCP options may be there.
    pub options: bool,
    /// IPv6 extension headers may be there.
    pub extensions: bool,
}

/// The means.
#[derive(Clone, Copy, Debug, Default)]
pub struct Means {
    transmit: [Sums; 2],
    receive: [Sums; 2],
    large: [Option<Large>; 2],
    /// Bits of a tag that go out of band: the priority's, the VLAN's, all or none.
    tag: u16,
}

/// Priority and canonical format of a tag.
const TAG_PRIORITY: u16 = 0xF000;
/// Its VLAN.
const TAG_VLAN: u16 = 0x0FFF;

fn index(network: Network) -> usize {
    usize::from(network == Network::V6)
}

impl Means {
    /// As they are now.
    pub fn of(adapter: &Adapter) -> Self {
        let general = adapter.general.lock();
        let options = general.as_ref().map_or(0, |general| general.mac_options);
        drop(general);
        let has = |option, bits| if options & option != 0 { bits } else { 0 };
        let mut means = Self {
            tag: has(NDIS_MAC_OPTION_8021P_PRIORITY, TAG_PRIORITY)
                | has(NDIS_MAC_OPTION_8021Q_VLAN, TAG_VLAN),
            ..Self::default()
        };
        let Some(offloads) = *adapter.offloads.lock() else {
            return means;
        };
        let now = offloads.current;
        let sums = |encapsulation: u32, bits: u32| Sums {
            bits: if encapsulation & NDIS_ENCAPSULATION_IEEE_802_3 != 0 {
                bits
            } else {
                0
            },
        };
        let c = &now.Checksum;
        means.transmit = [
            sums(c.IPv4Transmit.Encapsulation, c.IPv4Transmit.bits),
            sums(c.IPv6Transmit.Encapsulation, c.IPv6Transmit.bits),
        ];
        means.receive = [
            sums(c.IPv4Receive.Encapsulation, c.IPv4Receive.bits),
            sums(c.IPv6Receive.Encapsulation, c.IPv6Receive.bits),
        ];
        let large = |encapsulation: u32, most, segments, (options, extensions)| {
            (encapsulation & NDIS_ENCAPSULATION_IEEE_802_3 != 0).then_some(Large {
                most,
                segments,
                options,
                extensions,
            })
        };
        let (v4, v6) = (&now.LsoV2.IPv4, &now.LsoV2.IPv6);
        let supported = |at: u32| v6.bits >> at & 3 == NDIS_OFFLOAD_SUPPORTED;
        means.large = [
            large(
                v4.Encapsulation,
                v4.MaxOffLoadSize,
                v4.MinSegmentCount,
                (true, false),
            ),
            large(
                v6.Encapsulation,
                v6.MaxOffLoadSize,
                v6.MinSegmentCount,
                (supported(TCP_OPTIONS), supported(OPTIONS)),
            ),
        ];
        means
    }

    /// Whether tags go out of band.
    pub fn tags(&self) -> bool {
        self.tag != 0
    }

    /// What of a tag goes out of band, either way, where any does; 0: the frame is one without a tag.
    pub fn of_tag(&self, tag: u16) -> u16 {
        tag & self.tag
    }

    /// Checksums of sends.
    pub fn transmit(&self, network: Network) -> Sums {
        self.transmit[index(network)]
    }

    /// Checksums of receives.
    pub fn receive(&self, network: Network) -> Sums {
        self.receive[index(network)]
    }

    /// Large sends.
    pub fn large(&self, network: Network) -> Option<Large> {
        self.large[index(network)]
    }

    /// Whether the adapter looks at any checksum of a network's frames.
    pub fn judges(&self, network: Network) -> bool {
        let sums = self.receive(network);
        sums.ip() || sums.transport(Transport::Tcp) || sums.transport(Transport::Udp)
    }

    /// Whether a frame's transport checksum must be judged by the adapter when it is good.
    pub fn must_judge(&self, spec: &Spec) -> (bool, bool) {
        let sums = self.receive(spec.network);
        // Options make a packet one that the chip need not know, whatever it says.
        let plain = spec.is_plain() && sums.takes(spec.twists());
        let ip = plain && spec.network == Network::V4 && sums.ip();
        (ip, plain && sums.transport(spec.transport))
    }
}
