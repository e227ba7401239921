// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keywords as the driver uses them: one typed value, made from a reader of raw numbers.

use super::keywords::{self, Keyword};
use crate::hw::link::{LinkConfig, Pause, Speed};
use crate::irq::moderation::Moderation;
use crate::net::frame;
use crate::net::offload::Offloads;

/// Every keyword, read and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `*InterruptModeration` and `ITR`: what is in force at the start.
    pub moderation: Moderation,
    /// `ITR` alone: what OID_GEN_INTERRUPT_MODERATION switches back on.
    pub rate: Moderation,
    /// `*ReceiveBuffers`.
    pub receive_buffers: u16,
    /// `*TransmitBuffers`.
    pub transmit_buffers: u16,
    /// `*SpeedDuplex`.
    pub link: LinkConfig,
    /// `*FlowControl`.
    pub pause: Pause,
    /// The checksum keywords, `*LsoV2IPv4`, `*LsoV2IPv6` and `*PriorityVLANTag` with `VlanID`: what is on at the start.
    pub offloads: Offloads,
    /// `*JumboPacket`: the longest frame.
    pub jumbo: u16,
    /// `*RSS`.
    pub rss: bool,
    /// `*NumRssQueues`, 1 without `*RSS`: receive queues in use.
    pub receive_queues: u8,
    /// `*NdisPoll`.
    pub poll: bool,
}

impl Settings {
    /// Reads every keyword with `read`, which gives the registry's number or `None` when the value
    /// is absent or no number. Never fails: what cannot be used becomes the default (I-10).
    pub fn read(mut read: impl FnMut(&'static str) -> Option<u32>) -> Self {
        let mut get = |k: &Keyword| k.accept(read(k.name));
        let on = get(&keywords::INTERRUPT_MODERATION) == 1;
        let rate = Moderation::from_keyword(get(&keywords::ITR));
        let forced = |speed, full_duplex| LinkConfig::Forced { speed, full_duplex };
        let link = match get(&keywords::SPEED_DUPLEX) {
            1 => forced(Speed::M10, false),
            2 => forced(Speed::M10, true),
            3 => forced(Speed::M100, false),
            4 => forced(Speed::M100, true),
            6 => LinkConfig::Only1000,
            _ => LinkConfig::Auto,
        };
        let flow = get(&keywords::FLOW_CONTROL);
        let mut offloads = Offloads::empty();
        // Bit 0 of each value switches the first on, bit 1 the second.
        for (keyword, first, second) in [
            (
                &keywords::IP_CHECKSUM_IPV4,
                Offloads::TX_IP4,
                Offloads::RX_IP4,
            ),
            (
                &keywords::TCP_CHECKSUM_IPV4,
                Offloads::TX_TCP4,
                Offloads::RX_TCP4,
            ),
            (
                &keywords::TCP_CHECKSUM_IPV6,
                Offloads::TX_TCP6,
                Offloads::RX_TCP6,
            ),
            (
                &keywords::UDP_CHECKSUM_IPV4,
                Offloads::TX_UDP4,
                Offloads::RX_UDP4,
            ),
            (
                &keywords::UDP_CHECKSUM_IPV6,
                Offloads::TX_UDP6,
                Offloads::RX_UDP6,
            ),
            (&keywords::LSO_V2_IPV4, Offloads::LSO4, Offloads::empty()),
            (&keywords::LSO_V2_IPV6, Offloads::LSO6, Offloads::empty()),
            (
                &keywords::PRIORITY_VLAN_TAG,
                Offloads::PRIORITY,
                Offloads::VLAN,
            ),
        ] {
            let value = get(keyword);
            offloads.set(first, value & 1 != 0);
            offloads.set(second, value & 2 != 0);
        }
        if offloads.contains(Offloads::VLAN) {
            offloads = offloads.with_vlan_id(get(&keywords::VLAN_ID));
        }
        let rss = get(&keywords::RSS) == 1;
        // 1 or 2.
        let queues = get(&keywords::NUM_RSS_QUEUES) as u8;
        Self {
            moderation: if on { rate } else { Moderation::Off },
            rate,
            receive_buffers: get(&keywords::RECEIVE_BUFFERS) as u16,
            transmit_buffers: get(&keywords::TRANSMIT_BUFFERS) as u16,
            link,
            // 4 is "negotiated": both directions are offered, the partner decides.
            pause: Pause {
                rx: matches!(flow, 2..=4),
                tx: matches!(flow, 1 | 3 | 4),
            },
            offloads,
            jumbo: get(&keywords::JUMBO_PACKET) as u16,
            rss,
            receive_queues: if rss { queues } else { 1 },
            poll: get(&keywords::NDIS_POLL) == 1,
        }
    }

    /// Largest payload of a frame, in bytes.
    pub const fn mtu(&self) -> u32 {
        self.max_frame().saturating_sub(frame::HEADER_LEN)
    }

    /// Largest frame without FCS and without a tag, in bytes.
    pub const fn max_frame(&self) -> u32 {
        self.jumbo as u32
    }

    /// Frames are longer than the chip takes without being told.
    pub const fn is_jumbo(&self) -> bool {
        self.max_frame() > frame::MAX_FRAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: u32) -> Settings {
        Settings::read(|n| (n == name).then_some(value))
    }

    #[test]
    fn nothing_in_the_registry_gives_the_defaults() {
        let s = Settings::read(|_| None);
        assert_eq!(s.moderation, Moderation::Adaptive);
        assert_eq!((s.receive_buffers, s.transmit_buffers), (512, 512));
        assert_eq!(s.link, LinkConfig::Auto);
        assert_eq!(s.pause, Pause { rx: true, tx: true });
    }

    #[test]
    fn each_keyword_reaches_its_setting() {
        assert_eq!(with("*InterruptModeration", 0).moderation, Moderation::Off);
        assert_eq!(with("ITR", 0).moderation, Moderation::Off);
        assert_eq!(with("ITR", 3600).moderation, Moderation::Fixed(3600));
        assert_eq!(with("*ReceiveBuffers", 100).receive_buffers, 96);
        assert_eq!(with("*TransmitBuffers", 9999).transmit_buffers, 4096);
        let forced = LinkConfig::Forced {
            speed: Speed::M100,
            full_duplex: true,
        };
        assert_eq!(with("*SpeedDuplex", 4).link, forced);
        assert_eq!(
            with("*FlowControl", 1).pause,
            Pause {
                rx: false,
                tx: true
            }
        );
        assert_eq!(with("*FlowControl", 0).pause, Pause::default());
        assert_eq!(with("*JumboPacket", 9014).mtu(), 9000);
        assert_eq!(with("*JumboPacket", 9000).max_frame(), 1514);
        assert_eq!(with("*NumRssQueues", 1).receive_queues, 1);
        assert_eq!(
            with("*NumRssQueues", 16).receive_queues,
            2,
            "what the chip has"
        );
        let off = with("*RSS", 0);
        assert_eq!((off.rss, off.receive_queues), (false, 1));
        assert!(with("*NdisPoll", 1).poll);
        assert!(!with("*NdisPoll", 2).poll);
    }

    #[test]
    fn offload_keywords() {
        let all = Offloads::IP4 | Offloads::IP6 | Offloads::TAG;
        assert_eq!(Settings::read(|_| None).offloads, all);
        assert_eq!(Settings::read(|_| Some(0)).offloads, Offloads::empty());
        let tx = with("*TCPChecksumOffloadIPv6", 1).offloads;
        assert_eq!(tx, all - Offloads::RX_TCP6);
        let rx = with("*IPChecksumOffloadIPv4", 2).offloads;
        assert_eq!(rx, all - Offloads::TX_IP4);
        assert_eq!(with("*LsoV2IPv4", 0).offloads, all - Offloads::LSO4);
        assert_eq!(
            with("*PriorityVLANTag", 2).offloads,
            all - Offloads::PRIORITY
        );
        let id = with("VlanID", 0x123).offloads;
        assert_eq!((id.vlan_id(), id - Offloads::VLAN_ID), (0x123, all));
        assert_eq!(with("VlanID", 5000).offloads.vlan_id(), 4094);
        let no_vlans = |n| match n {
            "*PriorityVLANTag" => Some(1),
            "VlanID" => Some(7),
            _ => None,
        };
        assert_eq!(Settings::read(no_vlans).offloads.vlan_id(), 0);
        // 4 is no value: the default.
        assert_eq!(with("*UDPChecksumOffloadIPv4", 4).offloads, all);
    }
}
