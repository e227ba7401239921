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
use core::sync::atomic::{AtomicU64, Ordering};
use ndis::status::{Result, Status};

bitflags! {
    /// Offloads by direction and protocol, and what OID_OFFLOAD_ENCAPSULATION said.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct Offloads: u64 {
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

        /// The adapter's VLAN, 0 for all: a number and no flags.
        const VLAN_ID = 0xFFF << 32;

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

    /// The adapter's VLAN; 0: all of them.
    #[must_use]
    #[inline]
    pub fn vlan_id(self) -> u16 {
        (self & Self::VLAN_ID).bits().wrapping_shr(32) as u16
    }

    /// With another VLAN, of which the lower 12 bits count.
    #[must_use]
    pub fn with_vlan_id(self, id: u32) -> Self {
        let id = Self::from_bits_retain(u64::from(id).wrapping_shl(32)) & Self::VLAN_ID;
        (self - Self::VLAN_ID) | id
    }

    /// Whether a received frame with this tag, or without one, is in the adapter's VLAN.
    #[must_use]
    pub fn is_in_vlan(self, tag: Option<u16>) -> bool {
        let own = self.vlan_id();
        own == 0 || tag.is_some_and(|tag| tag & 0xFFF == own)
    }

    /// The tag of a send of an adapter with a VLAN of its own: as [`sent_tag`](Self::sent_tag), and the VLAN is the
    /// adapter's. `inside`: the tag that is in the frame already.
    ///
    /// # Errors
    /// FAILURE: the frame is of another VLAN, or has two of them.
    pub fn sent_tag_of_vlan(self, info: usize, inside: Option<u16>) -> Result<Option<u16>> {
        let own = self.vlan_id();
        let outside = (info >> 4 & 0xFFF) as u16;
        let inside = inside.map_or(0, |tag| tag & 0xFFF);
        if outside != 0 && outside != own || inside != 0 && (outside != 0 || inside != own) {
            return Err(Status::FAILURE);
        }
        if inside == own {
            return Ok(None);
        }
        Ok(Some(self.sent_tag(info & 0xF).unwrap_or(0) | own))
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
pub struct Offload(AtomicU64);

impl Offload {
    /// As configured at the start.
    #[must_use]
    pub const fn new(configured: Offloads) -> Self {
        Self(AtomicU64::new(configured.bits()))
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

    #[test]
    fn an_adapter_with_a_vlan_sends_and_hears_that_one_only() {
        let own = Offloads::TAG.with_vlan_id(0xF123);
        assert_eq!(
            (own.vlan_id(), own - Offloads::VLAN_ID),
            (0x123, Offloads::TAG)
        );
        for (tag, wanted) in [
            (None, false),
            (Some(0x123), true),
            (Some(0xE123), true),
            (Some(0xE000), false),
            (Some(0x124), false),
        ] {
            assert_eq!(own.is_in_vlan(tag), wanted, "{tag:x?}");
            assert!(Offloads::TAG.is_in_vlan(tag));
        }
        let priority_5 = 5;
        for (info, inside, wanted) in [
            (0, None, Ok(Some(0x123))),
            (priority_5, None, Ok(Some(0xA123))),
            (0x1235, None, Ok(Some(0xA123))),
            (0x1230, Some(0), Ok(Some(0x123))),
            (0, Some(0xE123), Ok(None)),
            (0x1240, None, Err(Status::FAILURE)),
            (0, Some(0x124), Err(Status::FAILURE)),
            (0x1230, Some(0x123), Err(Status::FAILURE)),
        ] {
            assert_eq!(
                own.sent_tag_of_vlan(info, inside),
                wanted,
                "{info:#x} {inside:x?}"
            );
        }
    }
}
