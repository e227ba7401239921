// SPDX-License-Identifier: MIT OR Apache-2.0
//! The packet filter and the multicast list, as the protocol set them.
//!
//! The chip's filters let more through than was asked: its multicast filter is a hash, and with filter 0 it would
//! still take frames to its own address (I-11, D-36). So each frame is checked again here, against a copy that
//! the receive path reads without a lock. Pure logic; any IRQL.

use super::frame::{ADDRESS_LEN, Cast};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// NDIS_PACKET_TYPE_DIRECTED.
pub const DIRECTED: u32 = 0x1;
/// NDIS_PACKET_TYPE_MULTICAST.
pub const MULTICAST: u32 = 0x2;
/// NDIS_PACKET_TYPE_ALL_MULTICAST.
pub const ALL_MULTICAST: u32 = 0x4;
/// NDIS_PACKET_TYPE_BROADCAST.
pub const BROADCAST: u32 = 0x8;
/// NDIS_PACKET_TYPE_PROMISCUOUS.
pub const PROMISCUOUS: u32 = 0x20;
/// Every bit that the driver supports.
pub const SUPPORTED: u32 = DIRECTED | MULTICAST | ALL_MULTICAST | BROADCAST | PROMISCUOUS;

/// Addresses in the multicast list at most: `MaxMulticastListSize`.
pub const MAX_MULTICAST: usize = 32;

/// An address in the low 48 bits of a word.
const fn word(a: &[u8; ADDRESS_LEN]) -> u64 {
    u64::from_le_bytes([a[0], a[1], a[2], a[3], a[4], a[5], 0, 0])
}

/// What the protocol wants to see.
#[derive(Debug)]
pub struct PacketFilter {
    types: AtomicU32,
    count: AtomicUsize,
    list: [AtomicU64; MAX_MULTICAST],
}

impl Default for PacketFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl PacketFilter {
    /// Nothing is wanted (I-11).
    pub const fn new() -> Self {
        Self {
            types: AtomicU32::new(0),
            count: AtomicUsize::new(0),
            list: [const { AtomicU64::new(0) }; MAX_MULTICAST],
        }
    }

    /// The packet types in force.
    pub fn types(&self) -> u32 {
        // Relaxed: a frame that arrives while the filter changes may be judged by either.
        self.types.load(Ordering::Relaxed)
    }

    /// Sets the packet types (already checked against [`SUPPORTED`]).
    pub fn set_types(&self, types: u32) {
        self.types.store(types, Ordering::Relaxed);
    }

    /// Replaces the multicast list. OIDs are serialised, so there is one writer. `false`: too many.
    pub fn set_multicast(&self, addresses: &[[u8; ADDRESS_LEN]]) -> bool {
        if addresses.len() > MAX_MULTICAST {
            return false;
        }
        // Shorter first: a reader in between misses addresses rather than seeing stale ones beyond the end.
        let keep = self.count.load(Ordering::Relaxed).min(addresses.len());
        self.count.store(keep, Ordering::Relaxed);
        for (slot, address) in self.list.iter().zip(addresses) {
            slot.store(word(address), Ordering::Relaxed);
        }
        // Release: the addresses are there before they count.
        self.count.store(addresses.len(), Ordering::Release);
        true
    }

    /// The multicast list, for the chip's hash table.
    pub fn multicast(&self) -> impl Iterator<Item = [u8; ADDRESS_LEN]> + '_ {
        // Acquire pairs with the Release in `set_multicast`.
        let count = self.count.load(Ordering::Acquire);
        self.list.iter().take(count).map(|slot| {
            let [a, b, c, d, e, f, ..] = slot.load(Ordering::Relaxed).to_le_bytes();
            [a, b, c, d, e, f]
        })
    }

    /// Whether a frame of this kind and destination goes up. `own` is the station's address.
    pub fn wants(
        &self,
        cast: Cast,
        destination: &[u8; ADDRESS_LEN],
        own: &[u8; ADDRESS_LEN],
    ) -> bool {
        let types = self.types();
        if types & PROMISCUOUS != 0 {
            return true;
        }
        match cast {
            Cast::Unicast => types & DIRECTED != 0 && destination == own,
            Cast::Broadcast => types & BROADCAST != 0,
            Cast::Multicast => {
                types & ALL_MULTICAST != 0
                    || (types & MULTICAST != 0 && self.multicast().any(|a| a == *destination))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
    const GROUP: [u8; 6] = [0x01, 0, 0x5E, 0, 0, 0xFB];

    fn wants(f: &PacketFilter, destination: [u8; 6]) -> bool {
        f.wants(Cast::of(&destination), &destination, &OWN)
    }

    #[test]
    fn nothing_before_a_filter_is_set() {
        let f = PacketFilter::new();
        for d in [OWN, GROUP, [0xFF; 6]] {
            assert!(!wants(&f, d));
        }
    }

    #[test]
    fn exact_not_hashed() {
        let f = PacketFilter::new();
        f.set_types(DIRECTED | MULTICAST | BROADCAST);
        assert!(wants(&f, OWN) && wants(&f, [0xFF; 6]));
        assert!(!wants(&f, [0x52, 0x54, 0, 0x12, 0x34, 0x57]));
        assert!(!wants(&f, GROUP));
        assert!(f.set_multicast(&[GROUP]));
        assert!(wants(&f, GROUP));
        assert!(!wants(&f, [0x01, 0, 0x5E, 0, 0, 0xFC]));
        assert!(f.set_multicast(&[]));
        assert!(!wants(&f, GROUP));
    }

    #[test]
    fn wide_filters() {
        let f = PacketFilter::new();
        f.set_types(ALL_MULTICAST);
        assert!(wants(&f, GROUP) && !wants(&f, OWN));
        f.set_types(PROMISCUOUS);
        assert!(wants(&f, [0x00, 1, 2, 3, 4, 5]));
    }

    #[test]
    fn too_many_addresses_change_nothing() {
        let f = PacketFilter::new();
        assert!(f.set_multicast(&[GROUP; 3]));
        assert!(!f.set_multicast(&[GROUP; MAX_MULTICAST + 1]));
        assert_eq!(f.multicast().count(), 3);
    }
}
