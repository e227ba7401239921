// SPDX-License-Identifier: MIT OR Apache-2.0
//! Offloads: which are configured, which are active, and what the driver tells NDIS about them.
//!
//! One atomic word holds everything, so that the data path reads it with one load. Two things decide together:
//!
//! * the *configuration*: keywords at the start, OID_TCP_OFFLOAD_PARAMETERS later; it is what
//!   NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG reports;
//! * the *encapsulation*: OID_OFFLOAD_ENCAPSULATION switches everything on or off for IPv4 and for IPv6. Before the
//!   first one receive checksums are not reported in NBLs, as that OID's page demands; sends may use what is
//!   configured.
//!
//! A send that asks for an offload gets it even if it is switched off meanwhile: the request was made under the old
//! configuration, and without the offload the frame would be wrong.

mod parameters;
mod received;
mod report;

pub use parameters::{encapsulation, parameters};
pub use received::{Claims, can_fail, is_failure, is_ipv6, is_whole_ipv6};
pub use report::{MAX_LARGE_SEND, capabilities, current};

use bitflags::bitflags;
use core::sync::atomic::{AtomicU32, Ordering};

bitflags! {
    /// Offloads by direction and protocol, and what OID_OFFLOAD_ENCAPSULATION said.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Offloads: u32 {
        /// IPv4 header checksum of sends.
        const TX_IP4 = 1 << 0;
        /// TCP checksum over IPv4 of sends.
        const TX_TCP4 = 1 << 1;
        /// UDP checksum over IPv4 of sends.
        const TX_UDP4 = 1 << 2;
        /// TCP checksum over IPv6 of sends.
        const TX_TCP6 = 1 << 3;
        /// UDP checksum over IPv6 of sends.
        const TX_UDP6 = 1 << 4;
        /// IPv4 header checksum of received frames.
        const RX_IP4 = 1 << 8;
        /// TCP checksum over IPv4 of received frames.
        const RX_TCP4 = 1 << 9;
        /// UDP checksum over IPv4 of received frames.
        const RX_UDP4 = 1 << 10;
        /// TCP checksum over IPv6 of received frames.
        const RX_TCP6 = 1 << 11;
        /// UDP checksum over IPv6 of received frames.
        const RX_UDP6 = 1 << 12;
        /// Large sends over IPv4.
        const LSO4 = 1 << 16;
        /// Large sends over IPv6.
        const LSO6 = 1 << 17;
        /// 802.1p priority out of band, both ways.
        const PRIORITY = 1 << 20;
        /// 802.1Q VLAN id out of band, both ways.
        const VLAN = 1 << 21;
        /// Active for IPv4.
        const IP4_ON = 1 << 28;
        /// Switched off for IPv4.
        const IP4_OFF = 1 << 29;
        /// Active for IPv6.
        const IP6_ON = 1 << 30;
        /// Switched off for IPv6.
        const IP6_OFF = 1 << 31;

        /// Everything over IPv4.
        const IP4 = Self::TX_IP4.bits() | Self::TX_TCP4.bits() | Self::TX_UDP4.bits() | Self::RX_IP4.bits()
            | Self::RX_TCP4.bits() | Self::RX_UDP4.bits() | Self::LSO4.bits();
        /// Everything over IPv6.
        const IP6 = Self::TX_TCP6.bits() | Self::TX_UDP6.bits() | Self::RX_TCP6.bits() | Self::RX_UDP6.bits()
            | Self::LSO6.bits();
        /// Receive checksums.
        const RX = Self::RX_IP4.bits() | Self::RX_TCP4.bits() | Self::RX_UDP4.bits() | Self::RX_TCP6.bits()
            | Self::RX_UDP6.bits();
        /// The 802.1Q tag out of band.
        const TAG = Self::PRIORITY.bits() | Self::VLAN.bits();
    }
}

impl Offloads {
    /// The receive checksums whose result goes into received NBLs now.
    #[must_use]
    pub fn receive_checksums(self) -> Self {
        let mut active = self & Self::RX;
        if !self.contains(Self::IP4_ON) {
            active -= Self::IP4;
        }
        if !self.contains(Self::IP6_ON) {
            active -= Self::IP6;
        }
        active
    }

    /// What is reported as the current configuration.
    #[must_use]
    pub fn reported(self) -> Self {
        let mut on = self;
        if self.contains(Self::IP4_OFF) {
            on -= Self::IP4;
        }
        if self.contains(Self::IP6_OFF) {
            on -= Self::IP6;
        }
        on
    }

    /// Whether the chip strips tags from received frames and inserts them into sent ones (CTRL.VME). Decided by the
    /// keyword once, at the start.
    #[must_use]
    pub fn moves_tags(self) -> bool {
        self.intersects(Self::TAG)
    }

    /// The tag of a received frame as NDIS wants it in `Ieee8021QNetBufferListInfo`: priority in bits 2:0, canonical
    /// format in 3, VLAN id in 15:4. `tci` is the tag control information as it was on the wire. What the keyword
    /// switches off is left out; 0 is no tag.
    #[must_use]
    pub fn received_tag(self, tci: u16) -> usize {
        let mut info = 0;
        if self.contains(Self::PRIORITY) {
            info |= (tci >> 13) | ((tci >> 12) & 1) << 3;
        }
        if self.contains(Self::VLAN) {
            info |= (tci & 0xFFF) << 4;
        }
        usize::from(info)
    }

    /// The tag control information for `Ieee8021QNetBufferListInfo` of a send; `None`: the frame goes without a tag.
    #[must_use]
    #[inline]
    pub fn sent_tag(self, info: usize) -> Option<u16> {
        if info == 0 {
            return None;
        }
        let mut tci = 0;
        if self.contains(Self::PRIORITY) {
            tci |= ((info & 7) << 13 | (info >> 3 & 1) << 12) as u16;
        }
        if self.contains(Self::VLAN) {
            tci |= (info >> 4 & 0xFFF) as u16;
        }
        (tci != 0).then_some(tci)
    }
}

/// The offloads of one adapter. Readers at any IRQL; one writer at a time, because OIDs are serialised (O-01).
#[derive(Debug)]
pub struct Offload(AtomicU32);

impl Offload {
    /// As configured at the start.
    #[must_use]
    pub const fn new(configured: Offloads) -> Self {
        Self(AtomicU32::new(configured.bits()))
    }

    /// What is configured and active at this moment: take it once per chain, so that a chain is handled alike.
    #[must_use]
    #[inline]
    pub fn get(&self) -> Offloads {
        // Relaxed: the word stands for itself and publishes no other memory.
        Offloads::from_bits_retain(self.0.load(Ordering::Relaxed))
    }

    /// Replaces all of it. OID handlers only.
    pub fn set(&self, offloads: Offloads) {
        // Relaxed: as for `get`.
        self.0.store(offloads.bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receive_checksums_wait_for_the_encapsulation() {
        let configured = Offloads::IP4 | Offloads::IP6;
        assert!(configured.receive_checksums().is_empty());
        let v4 = configured | Offloads::IP4_ON;
        let expected = Offloads::RX_IP4 | Offloads::RX_TCP4 | Offloads::RX_UDP4;
        assert_eq!(v4.receive_checksums(), expected);
        let both = v4 | Offloads::IP6_ON;
        assert_eq!(both.receive_checksums(), Offloads::RX);
        assert!(Offloads::IP4_ON.receive_checksums().is_empty());
    }

    #[test]
    fn a_tag_goes_both_ways() {
        let both = Offloads::TAG;
        for tci in [1, 0xFFF, 0x1000, 0xA005, 0xFFFF] {
            let info = both.received_tag(tci);
            assert_eq!(both.sent_tag(info), Some(tci), "{tci:#x}");
        }
        assert_eq!(both.received_tag(0xA005), 0x55);
        assert_eq!(both.sent_tag(0), None);
        // Only what is on: the priority without the VLAN, and the other way round.
        assert_eq!(Offloads::PRIORITY.sent_tag(0x55), Some(0xA000));
        assert_eq!(Offloads::VLAN.sent_tag(0x55), Some(5));
        assert_eq!(Offloads::VLAN.sent_tag(5), None);
        assert_eq!(Offloads::empty().sent_tag(0x55), None);
        assert_eq!(Offloads::VLAN.received_tag(0xA005), 0x50);
        assert!(!Offloads::IP4.moves_tags() && Offloads::VLAN.moves_tags());
    }
}
