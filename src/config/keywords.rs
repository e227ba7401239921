// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of keywords. Source: the public page "Standardized INF Keywords for Network Devices";
//! `ITR` has the name and the values that users of Intel's driver know.

/// What a keyword accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// One of these values; anything else falls back to the default.
    OneOf(&'static [u32]),
    /// A number, clamped into the range and rounded down to a multiple of `step`.
    Range {
        /// Smallest value.
        min: u32,
        /// Largest value.
        max: u32,
        /// Granularity.
        step: u32,
    },
}

/// One keyword.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// Registry value name.
    pub name: &'static str,
    /// Accepted values.
    pub allowed: Allowed,
    /// Value when absent or not accepted.
    pub default: u32,
}

impl Keyword {
    /// The value to use for what the registry holds: absent, out of the list or unreadable values
    /// become the default, numbers are clamped (contract I-10).
    pub fn accept(&self, raw: Option<u32>) -> u32 {
        match (self.allowed, raw) {
            (Allowed::OneOf(list), Some(raw)) if list.contains(&raw) => raw,
            (Allowed::Range { min, max, step }, Some(raw)) => {
                let raw = raw.clamp(min, max);
                raw - raw % step
            }
            _ => self.default,
        }
    }
}

/// `*InterruptModeration`: 0 off, 1 on.
pub const INTERRUPT_MODERATION: Keyword = Keyword {
    name: "*InterruptModeration",
    allowed: Allowed::OneOf(&[0, 1]),
    default: 1,
};

/// `ITR`: moderation rate as in Intel's driver; 65535 is adaptive.
pub const ITR: Keyword = Keyword {
    name: "ITR",
    allowed: Allowed::OneOf(&[0, 200, 400, 950, 2000, 3600, 65535]),
    default: 65535,
};

/// `*ReceiveBuffers`: receive descriptors and buffers. A ring is a multiple of 8 descriptors and
/// the chip takes 4096 at most (data sheet: RDLEN).
pub const RECEIVE_BUFFERS: Keyword = Keyword {
    name: "*ReceiveBuffers",
    allowed: Allowed::Range {
        min: 64,
        max: 4096,
        step: 8,
    },
    default: 512,
};

/// `*TransmitBuffers`: transmit descriptors.
pub const TRANSMIT_BUFFERS: Keyword = Keyword {
    name: "*TransmitBuffers",
    allowed: Allowed::Range {
        min: 80,
        max: 4096,
        step: 8,
    },
    default: 512,
};

/// `*SpeedDuplex`: 0 auto; 1–4 10/100 half and full; 6 1 Gb/s full by negotiation.
pub const SPEED_DUPLEX: Keyword = Keyword {
    name: "*SpeedDuplex",
    allowed: Allowed::OneOf(&[0, 1, 2, 3, 4, 6]),
    default: 0,
};

/// `*FlowControl`: 0 none, 1 transmit, 2 receive, 3 both, 4 negotiated.
pub const FLOW_CONTROL: Keyword = Keyword {
    name: "*FlowControl",
    allowed: Allowed::OneOf(&[0, 1, 2, 3, 4]),
    default: 3,
};

/// Values of the checksum keywords.
const CHECKSUM: Allowed = Allowed::OneOf(&[0, 1, 2, 3]);

/// `*IPChecksumOffloadIPv4`: 0 off, 1 transmit, 2 receive, 3 both; so are the other checksum keywords.
pub const IP_CHECKSUM_IPV4: Keyword = Keyword {
    name: "*IPChecksumOffloadIPv4",
    allowed: CHECKSUM,
    default: 3,
};

/// `*TCPChecksumOffloadIPv4`.
pub const TCP_CHECKSUM_IPV4: Keyword = Keyword {
    name: "*TCPChecksumOffloadIPv4",
    allowed: CHECKSUM,
    default: 3,
};

/// `*TCPChecksumOffloadIPv6`.
pub const TCP_CHECKSUM_IPV6: Keyword = Keyword {
    name: "*TCPChecksumOffloadIPv6",
    allowed: CHECKSUM,
    default: 3,
};

/// `*UDPChecksumOffloadIPv4`.
pub const UDP_CHECKSUM_IPV4: Keyword = Keyword {
    name: "*UDPChecksumOffloadIPv4",
    allowed: CHECKSUM,
    default: 3,
};

/// `*UDPChecksumOffloadIPv6`.
pub const UDP_CHECKSUM_IPV6: Keyword = Keyword {
    name: "*UDPChecksumOffloadIPv6",
    allowed: CHECKSUM,
    default: 3,
};

/// `*LsoV2IPv4`: large sends over IPv4.
pub const LSO_V2_IPV4: Keyword = Keyword {
    name: "*LsoV2IPv4",
    allowed: Allowed::OneOf(&[0, 1]),
    default: 1,
};

/// `*LsoV2IPv6`: large sends over IPv6.
pub const LSO_V2_IPV6: Keyword = Keyword {
    name: "*LsoV2IPv6",
    allowed: Allowed::OneOf(&[0, 1]),
    default: 1,
};

/// `*PriorityVLANTag`: 0 off, 1 priority, 2 VLAN, 3 both.
pub const PRIORITY_VLAN_TAG: Keyword = Keyword {
    name: "*PriorityVLANTag",
    allowed: Allowed::OneOf(&[0, 1, 2, 3]),
    default: 3,
};

/// `VlanID`: the only VLAN of the adapter; 0: all of them. Counts where `*PriorityVLANTag` has VLANs.
pub const VLAN_ID: Keyword = Keyword {
    name: "VlanID",
    allowed: Allowed::Range {
        min: 0,
        max: 4094,
        step: 1,
    },
    default: 0,
};

/// `DisableMSI`: 1 removes the message interrupts from the device's requirements, so that it gets the line. Read when
/// the device is added, before any adapter exists.
pub const DISABLE_MSI: Keyword = Keyword {
    name: "DisableMSI",
    allowed: Allowed::OneOf(&[0, 1]),
    default: 0,
};

/// `*JumboPacket`: bytes of the longest frame, MAC header included, FCS and tag not.
pub const JUMBO_PACKET: Keyword = Keyword {
    name: "*JumboPacket",
    allowed: Allowed::OneOf(&[1514, 4088, 9014]),
    default: 1514,
};

/// `*RSS`: 0 off, 1 on.
pub const RSS: Keyword = Keyword {
    name: "*RSS",
    allowed: Allowed::OneOf(&[0, 1]),
    default: 1,
};

/// `*NumRssQueues`: receive queues; the chip has two.
pub const NUM_RSS_QUEUES: Keyword = Keyword {
    name: "*NumRssQueues",
    allowed: Allowed::OneOf(&[1, 2]),
    default: 2,
};

/// `*MaxRssProcessors`: read by NDIS, which makes the table of processors.
pub const MAX_RSS_PROCESSORS: Keyword = Keyword {
    name: "*MaxRssProcessors",
    allowed: Allowed::Range {
        min: 1,
        max: 16,
        step: 1,
    },
    default: 16,
};

/// `*RssBaseProcNumber`: read by NDIS.
pub const RSS_BASE_PROC_NUMBER: Keyword = Keyword {
    name: "*RssBaseProcNumber",
    allowed: Allowed::Range {
        min: 0,
        max: 63,
        step: 1,
    },
    default: 0,
};

/// `*RssBaseProcGroup`: read by NDIS.
pub const RSS_BASE_PROC_GROUP: Keyword = Keyword {
    name: "*RssBaseProcGroup",
    allowed: Allowed::Range {
        min: 0,
        max: 15,
        step: 1,
    },
    default: 0,
};

/// `*RssMaxProcNumber`: read by NDIS.
pub const RSS_MAX_PROC_NUMBER: Keyword = Keyword {
    name: "*RssMaxProcNumber",
    allowed: Allowed::Range {
        min: 0,
        max: 63,
        step: 1,
    },
    default: 63,
};

/// `*RSSProfile`: read by NDIS. 1 closest, 2 closest static, 3 NUMA, 4 NUMA static, 5 conservative.
pub const RSS_PROFILE: Keyword = Keyword {
    name: "*RSSProfile",
    allowed: Allowed::OneOf(&[1, 2, 3, 4, 5]),
    default: 4,
};

/// `*NdisPoll`: 1 lets NDIS poll the queues, where it can (6.85); 0 is the DPC.
pub const NDIS_POLL: Keyword = Keyword {
    name: "*NdisPoll",
    allowed: Allowed::OneOf(&[0, 1]),
    default: 0,
};

/// Every keyword that the driver or NDIS on its behalf reads, besides `NetworkAddress`, which has its own DDI.
pub const KEYWORDS: &[Keyword] = &[
    INTERRUPT_MODERATION,
    ITR,
    RECEIVE_BUFFERS,
    TRANSMIT_BUFFERS,
    SPEED_DUPLEX,
    FLOW_CONTROL,
    IP_CHECKSUM_IPV4,
    TCP_CHECKSUM_IPV4,
    TCP_CHECKSUM_IPV6,
    UDP_CHECKSUM_IPV4,
    UDP_CHECKSUM_IPV6,
    LSO_V2_IPV4,
    LSO_V2_IPV6,
    PRIORITY_VLAN_TAG,
    VLAN_ID,
    DISABLE_MSI,
    JUMBO_PACKET,
    RSS,
    NUM_RSS_QUEUES,
    MAX_RSS_PROCESSORS,
    RSS_BASE_PROC_NUMBER,
    RSS_BASE_PROC_GROUP,
    RSS_MAX_PROC_NUMBER,
    RSS_PROFILE,
    NDIS_POLL,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_accepted_by_their_own_rule() {
        for k in KEYWORDS {
            assert_eq!(k.accept(Some(k.default)), k.default, "{}", k.name);
            assert_eq!(k.accept(None), k.default, "{}", k.name);
        }
    }

    #[test]
    fn lists_fall_back_and_ranges_clamp() {
        assert_eq!(ITR.accept(Some(201)), 65535);
        assert_eq!(ITR.accept(Some(950)), 950);
        assert_eq!(RECEIVE_BUFFERS.accept(Some(0)), 64);
        assert_eq!(RECEIVE_BUFFERS.accept(Some(u32::MAX)), 4096);
        assert_eq!(RECEIVE_BUFFERS.accept(Some(77)), 72);
    }
}
