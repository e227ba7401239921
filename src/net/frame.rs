// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ethernet frame facts that both directions need: lengths and the kind of destination.
//! Pure logic; any IRQL.

/// Destination, source, EtherType.
pub const HEADER_LEN: u32 = 14;
/// Largest payload without jumbo frames.
pub const MTU: u32 = 1500;
/// Largest frame without jumbo frames, without FCS and tag. How long they are here: [`Settings::max_frame`].
///
/// [`Settings::max_frame`]: crate::config::Settings::max_frame
pub const MAX_FRAME: u32 = HEADER_LEN + MTU;
/// Shortest frame on the wire, without FCS.
pub const MIN_FRAME: u32 = 60;
/// Length of an 802.1Q tag.
pub const TAG_LEN: u32 = 4;
/// EtherType of a tag, as it stands in the frame: what VET is set to.
pub const TAG_TYPE: [u8; 2] = [0x81, 0x00];
/// Length of the frame check sequence, which the chip adds and strips.
pub const FCS_LEN: u32 = 4;
/// Length of an address.
pub const ADDRESS_LEN: usize = 6;

/// EtherType of the slow protocols: link aggregation.
const SLOW_PROTOCOLS: u16 = 0x8809;
/// Where GVRP sends to.
const GVRP: [u8; ADDRESS_LEN] = [0x01, 0x80, 0xC2, 0x00, 0x00, 0x21];

/// Whether a frame is of the protocols that manage the link and its VLANs, which are in none.
pub fn is_of_no_vlan(destination: &[u8; ADDRESS_LEN], kind: u16) -> bool {
    kind == SLOW_PROTOCOLS || *destination == GVRP
}

/// The kind of a destination address: statistics count the three apart (U-07).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cast {
    /// One station.
    #[default]
    Unicast,
    /// A group.
    Multicast,
    /// All ones.
    Broadcast,
}

/// The bits of an address in the first eight bytes of a frame, taken as a little-endian number.
const ADDRESS: u64 = 0xFFFF_FFFF_FFFF;

impl Cast {
    /// Whether a frame that begins so is for more than one station.
    #[inline]
    pub const fn is_group(start: [u8; 8]) -> bool {
        u64::from_le_bytes(start) & 1 != 0
    }

    /// The kind of the address in the first eight bytes of a frame.
    #[inline]
    pub const fn of_start(start: [u8; 8]) -> Self {
        let start = u64::from_le_bytes(start);
        if start & 1 == 0 {
            Self::Unicast
        } else if start & ADDRESS == ADDRESS {
            Self::Broadcast
        } else {
            Self::Multicast
        }
    }

    /// The kind of the address that starts `frame`; what is too short to tell counts as unicast.
    pub fn of(frame: &[u8]) -> Self {
        match frame.first_chunk::<ADDRESS_LEN>() {
            Some([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]) => Self::Broadcast,
            Some([first, ..]) if first & 1 != 0 => Self::Multicast,
            _ => Self::Unicast,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        assert_eq!(Cast::of(&[0xFF; 14]), Cast::Broadcast);
        assert_eq!(Cast::of(&[0x01, 0, 0x5E, 0, 0, 1, 0]), Cast::Multicast);
        assert_eq!(Cast::of(&[0x52, 0x54, 0, 0, 0, 1]), Cast::Unicast);
        assert_eq!(Cast::of(&[0xFF; 5]), Cast::Unicast);
        assert_eq!(Cast::of_start([0xFF; 8]), Cast::Broadcast);
        assert_eq!(
            Cast::of_start([0xFF, 255, 255, 255, 255, 255, 0, 1]),
            Cast::Broadcast
        );
        assert_eq!(
            Cast::of_start([0xFF, 255, 255, 255, 255, 254, 255, 255]),
            Cast::Multicast
        );
        assert_eq!(Cast::of_start([1, 0, 0x5E, 0, 0, 1, 0, 0]), Cast::Multicast);
        assert_eq!(
            Cast::of_start([0x52, 0x54, 255, 255, 255, 255, 1, 1]),
            Cast::Unicast
        );
    }
}
