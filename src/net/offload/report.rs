// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS_OFFLOAD: what the hardware can do and what is on. Pure values; any IRQL.
//!
//! Headers that the chip cannot take are handled by the driver, so options and extension headers are supported
//! everywhere.

use super::Offloads;
use ndis::ffi::*;

/// Most TCP payload of one large send, in bytes.
pub const MAX_LARGE_SEND: u32 = 0xFF00;
/// Fewest segments that are worth a large send.
const MIN_SEGMENTS: u32 = 2;
/// Ethernet, with the tag in the frame or out of band.
const ENCAPSULATION: u32 = NDIS_ENCAPSULATION_IEEE_802_3
    | NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q
    | NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q_IN_OOB;

/// What the hardware and the driver can do together.
#[must_use]
pub fn capabilities() -> NDIS_OFFLOAD {
    current(Offloads::IP4 | Offloads::IP6)
}

/// What `offloads` has switched on.
#[must_use]
pub fn current(offloads: Offloads) -> NDIS_OFFLOAD {
    let on = offloads.reported();
    let has = |bit: Offloads| {
        if on.contains(bit) {
            NDIS_OFFLOAD_SUPPORTED
        } else {
            NDIS_OFFLOAD_NOT_SUPPORTED
        }
    };
    // Encapsulation and options are 0 where nothing of the kind is on.
    let any = |bits: Offloads, value: u32| if on.intersects(bits) { value } else { 0 };
    let mut raw = NDIS_OFFLOAD::zeroed();
    raw.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_OFFLOAD,
        Revision: NDIS_OFFLOAD_REVISION_6,
        Size: NDIS_SIZEOF_NDIS_OFFLOAD_REVISION_6,
    };

    let tx4 = Offloads::TX_IP4 | Offloads::TX_TCP4 | Offloads::TX_UDP4;
    let v4 = &mut raw.Checksum.IPv4Transmit;
    v4.Encapsulation = any(tx4, ENCAPSULATION);
    v4.set_IpOptionsSupported(any(tx4, NDIS_OFFLOAD_SUPPORTED));
    v4.set_TcpOptionsSupported(any(Offloads::TX_TCP4, NDIS_OFFLOAD_SUPPORTED));
    v4.set_IpChecksum(has(Offloads::TX_IP4));
    v4.set_TcpChecksum(has(Offloads::TX_TCP4));
    v4.set_UdpChecksum(has(Offloads::TX_UDP4));

    let rx4 = Offloads::RX_IP4 | Offloads::RX_TCP4 | Offloads::RX_UDP4;
    let v4 = &mut raw.Checksum.IPv4Receive;
    v4.Encapsulation = any(rx4, ENCAPSULATION);
    v4.set_IpOptionsSupported(any(rx4, NDIS_OFFLOAD_SUPPORTED));
    v4.set_TcpOptionsSupported(any(Offloads::RX_TCP4, NDIS_OFFLOAD_SUPPORTED));
    v4.set_IpChecksum(has(Offloads::RX_IP4));
    v4.set_TcpChecksum(has(Offloads::RX_TCP4));
    v4.set_UdpChecksum(has(Offloads::RX_UDP4));

    let tx6 = Offloads::TX_TCP6 | Offloads::TX_UDP6;
    let v6 = &mut raw.Checksum.IPv6Transmit;
    v6.Encapsulation = any(tx6, ENCAPSULATION);
    v6.set_IpExtensionHeadersSupported(any(tx6, NDIS_OFFLOAD_SUPPORTED));
    v6.set_TcpOptionsSupported(any(Offloads::TX_TCP6, NDIS_OFFLOAD_SUPPORTED));
    v6.set_TcpChecksum(has(Offloads::TX_TCP6));
    v6.set_UdpChecksum(has(Offloads::TX_UDP6));

    let rx6 = Offloads::RX_TCP6 | Offloads::RX_UDP6;
    let v6 = &mut raw.Checksum.IPv6Receive;
    v6.Encapsulation = any(rx6, ENCAPSULATION);
    // The chip gives no result for frames with extension headers, which is legal: the stack checks those itself.
    v6.set_IpExtensionHeadersSupported(NDIS_OFFLOAD_NOT_SUPPORTED);
    v6.set_TcpOptionsSupported(any(Offloads::RX_TCP6, NDIS_OFFLOAD_SUPPORTED));
    v6.set_TcpChecksum(has(Offloads::RX_TCP6));
    v6.set_UdpChecksum(has(Offloads::RX_UDP6));

    if on.contains(Offloads::LSO4) {
        raw.LsoV2.IPv4.Encapsulation = ENCAPSULATION;
        raw.LsoV2.IPv4.MaxOffLoadSize = MAX_LARGE_SEND;
        raw.LsoV2.IPv4.MinSegmentCount = MIN_SEGMENTS;
    }
    if on.contains(Offloads::LSO6) {
        let v6 = &mut raw.LsoV2.IPv6;
        v6.Encapsulation = ENCAPSULATION;
        v6.MaxOffLoadSize = MAX_LARGE_SEND;
        v6.MinSegmentCount = MIN_SEGMENTS;
        v6.set_IpExtensionHeadersSupported(NDIS_OFFLOAD_SUPPORTED);
        v6.set_TcpOptionsSupported(NDIS_OFFLOAD_SUPPORTED);
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_on_is_all_zero_behind_the_header() {
        let raw = current(Offloads::TAG);
        assert_eq!(raw.Checksum.IPv4Transmit.Encapsulation, 0);
        assert_eq!(raw.Checksum.IPv4Transmit.bits, 0);
        assert_eq!(raw.Checksum.IPv6Receive.bits, 0);
        assert_eq!(raw.LsoV2.IPv4.MaxOffLoadSize, 0);
        assert_eq!(raw.Header.Size as usize, size_of::<NDIS_OFFLOAD>());
    }

    #[test]
    fn each_bit_has_its_place() {
        let raw = current(Offloads::TX_TCP4 | Offloads::LSO6 | Offloads::RX_UDP6);
        assert_eq!(raw.Checksum.IPv4Transmit.TcpChecksum(), 1);
        assert_eq!(raw.Checksum.IPv4Transmit.IpChecksum(), 0);
        assert_eq!(raw.Checksum.IPv4Transmit.UdpChecksum(), 0);
        assert_ne!(raw.Checksum.IPv4Transmit.Encapsulation, 0);
        assert_eq!(raw.Checksum.IPv4Receive.Encapsulation, 0);
        assert_eq!(raw.Checksum.IPv6Receive.UdpChecksum(), 1);
        assert_eq!(raw.LsoV2.IPv4.Encapsulation, 0);
        assert_eq!(raw.LsoV2.IPv6.MaxOffLoadSize, MAX_LARGE_SEND);
    }

    #[test]
    fn switched_off_by_the_encapsulation() {
        let raw = current(Offloads::IP4 | Offloads::IP6 | Offloads::IP4_OFF | Offloads::IP6_ON);
        assert_eq!(raw.Checksum.IPv4Transmit.bits, 0);
        assert_eq!(raw.LsoV2.IPv4.Encapsulation, 0);
        assert_eq!(raw.Checksum.IPv6Transmit.TcpChecksum(), 1);
    }
}
