// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a receive descriptor says about checksums, as `TcpIpChecksumNetBufferListInfo` wants it. Pure; any IRQL.
//!
//! The chip is believed only where it says that it looked, and only for the packet types whose headers it reads whole:
//! nothing is claimed for tunnels, fragments, UDP without a checksum, or with IXSM (82574L §5.2). Behind a wrong IPv4
//! header nothing about TCP and UDP is claimed either.

use super::Offloads;
use crate::hw::desc::RxStatus;
use crate::net::headers::{self, Bytes, Transport};

/// TcpChecksumFailed and the others of the `Receive` structure.
const TCP_FAILED: u8 = 1 << 0;
const UDP_FAILED: u8 = 1 << 1;
const IP_FAILED: u8 = 1 << 2;
const TCP_SUCCEEDED: u8 = 1 << 3;
const UDP_SUCCEEDED: u8 = 1 << 4;
const IP_SUCCEEDED: u8 = 1 << 5;

/// What UDPCS, TCPCS and IPCS (bits 0 to 2) and TCPE and IPE (bits 3 and 4) come to.
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler; the index is below the length"
)]
const CLAIMS: [u8; 32] = {
    let mut table = [0; 32];
    let mut at = 0;
    while at < table.len() {
        let (udp, l4, ip) = (at & 1 != 0, at & 3 != 0, at & 4 != 0);
        let (bad_l4, bad_ip) = (at & 8 != 0, at & 16 != 0);
        let mut claim = 0;
        if ip {
            claim |= if bad_ip { IP_FAILED } else { IP_SUCCEEDED };
        }
        if l4 && !bad_ip {
            claim |= match (udp, bad_l4) {
                (true, true) => UDP_FAILED,
                (true, false) => UDP_SUCCEEDED,
                (false, true) => TCP_FAILED,
                (false, false) => TCP_SUCCEEDED,
            };
        }
        table[at] = claim;
        at += 1;
    }
    table
};

/// Packet types of the descriptor.
const IPV4: usize = 1;
const IPV4_L4: usize = 2;
const IPV6_L4: usize = 6;

/// The packet type of a descriptor.
#[inline]
fn kind(status: RxStatus) -> usize {
    (status.bits() >> 16 & 0xF) as usize
}

/// Which claims are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// By packet type.
    wanted: [u8; 16],
}

impl Claims {
    /// For the offloads in force.
    pub fn of(offloads: Offloads) -> Self {
        let active = offloads.receive_checksums();
        let pick = |on: Offloads, bits: u8| if active.contains(on) { bits } else { 0 };
        let ipv4 = pick(Offloads::RX_IP4, IP_FAILED | IP_SUCCEEDED)
            | pick(Offloads::RX_TCP4, TCP_FAILED | TCP_SUCCEEDED)
            | pick(Offloads::RX_UDP4, UDP_FAILED | UDP_SUCCEEDED);
        let ipv6 = pick(Offloads::RX_TCP6, TCP_FAILED | TCP_SUCCEEDED)
            | pick(Offloads::RX_UDP6, UDP_FAILED | UDP_SUCCEEDED);
        let mut wanted = [0; 16];
        for (kind, bits) in [(IPV4, ipv4), (IPV4_L4, ipv4), (IPV6_L4, ipv6)] {
            if let Some(slot) = wanted.get_mut(kind) {
                *slot = bits;
            }
        }
        Self { wanted }
    }

    /// The NBL's checksum information for a descriptor's status; 0: nothing.
    #[inline]
    pub fn information(&self, status: RxStatus) -> usize {
        if status.contains(RxStatus::IXSM) {
            return 0;
        }
        let bits = status.bits();
        let wanted = self.wanted.get(kind(status)).copied().unwrap_or(0);
        // Three bits and two.
        let at = (bits >> 4 & 7 | bits >> 26 & 0x18) as usize;
        let claim = CLAIMS.get(at).copied().unwrap_or(0);
        usize::from(claim & wanted)
    }
}

/// Whether the chip may have looked at what the descriptor of an IPv6 frame claims: QEMU's model claims checksums of
/// fragments too, which nobody can check. `start` is the frame as far as it is at hand.
#[inline]
pub fn is_whole_ipv6(start: &[u8]) -> bool {
    // Neither tag nor extension header: most frames.
    if let Some(&[kind @ .., _, _, _, _, _, _, next]) =
        start.get(12..21).and_then(<[u8]>::first_chunk::<9>)
        && kind == [0x86, 0xDD]
        && matches!(next, 6 | 17)
    {
        return true;
    }
    has_transport(start)
}

/// The same for every other frame.
#[cold]
fn has_transport(start: &[u8]) -> bool {
    headers::parse(start).is_some_and(|h| h.transport != Transport::Other)
}

/// Whether a frame of `len` bytes, of which `start` is at hand, is whole enough for a failure to be the packet's: what is
/// cut off is padded on the wire, and the chip then sums up the padding.
#[cold]
pub fn can_fail(start: &[u8], len: u32) -> bool {
    let Some(found) = headers::parse(start) else {
        return false;
    };
    let ip = u32::from(found.ip);
    let total = if found.ipv4 {
        start.be16(ip + 2).map_or(0, u32::from)
    } else {
        start
            .be16(ip + 4)
            .map_or(0, |payload| u32::from(payload) + 40)
    };
    // All headers inside the packet, the packet inside the frame.
    (u32::from(found.payload) - ip..=len.saturating_sub(ip)).contains(&total)
}

/// Whether information from [`Claims::information`] says that something is wrong.
#[inline]
pub fn is_failure(information: usize) -> bool {
    information & usize::from(TCP_FAILED | UDP_FAILED | IP_FAILED) != 0
}

/// Whether a descriptor is of an IPv6 frame.
#[inline]
pub fn is_ipv6(status: RxStatus) -> bool {
    kind(status) == IPV6_L4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Claims {
        Claims::of(Offloads::RX | Offloads::IP4_ON | Offloads::IP6_ON)
    }

    fn says(status: u32) -> usize {
        all().information(RxStatus::from_bits_retain(status))
    }

    #[test]
    fn what_was_seen_on_the_chip() {
        // 82574L §5.2, "seen values".
        let ok = usize::from(IP_SUCCEEDED);
        assert_eq!(says(0x0002_0273), ok | usize::from(UDP_SUCCEEDED));
        assert_eq!(says(0x2002_0273), ok | usize::from(UDP_FAILED));
        assert_eq!(says(0x0002_8263), ok | usize::from(TCP_SUCCEEDED));
        assert_eq!(says(0x2002_8263), ok | usize::from(TCP_FAILED));
        assert_eq!(says(0x4002_0273), usize::from(IP_FAILED));
        assert_eq!(says(0x0000_0003), 0, "no IP");
        assert_eq!(says(0x0002_0243), ok, "a fragment");
        assert_eq!(says(0x0001_0243), ok, "a fragment, later model");
        assert_eq!(
            says(0x0002_027B),
            ok | usize::from(UDP_SUCCEEDED),
            "with a tag"
        );
        assert_eq!(says(0x0002_0277), 0, "IXSM");
        assert_eq!(
            says(0x0006_0023),
            usize::from(TCP_SUCCEEDED),
            "IPv6 has no header checksum"
        );
        assert_eq!(says(0x2006_0033), usize::from(UDP_FAILED));
    }

    #[test]
    fn fragments_over_ipv6_are_not_whole() {
        let frame = |next: u8, behind: &[u8]| {
            let mut f = [0; 120];
            f[12..14].copy_from_slice(&[0x86, 0xDD]);
            f[14] = 0x60;
            f[20] = next;
            f[54..54 + behind.len()].copy_from_slice(behind);
            f
        };
        assert!(is_whole_ipv6(&frame(6, &[])));
        assert!(is_whole_ipv6(&frame(17, &[])));
        assert!(
            !is_whole_ipv6(&frame(44, &[17, 0, 0, 1])),
            "the first fragment"
        );
        assert!(
            !is_whole_ipv6(&frame(44, &[17, 0, 0, 8])),
            "the last fragment"
        );
        assert!(is_whole_ipv6(&frame(44, &[17, 0, 0, 0])), "an atomic one");
        assert!(is_whole_ipv6(&frame(0, &[17, 0])), "options");
        assert!(!is_whole_ipv6(&frame(
            0,
            &[44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1]
        )));
        assert!(!is_whole_ipv6(&frame(58, &[])));
        for n in 0..60 {
            assert!(!is_whole_ipv6(&frame(0, &[17, 0])[..n]), "cut off at {n}");
        }
    }

    #[test]
    fn what_is_cut_off_cannot_fail() {
        let mut f = [0; 60];
        f[12..15].copy_from_slice(&[8, 0, 0x45]);
        for (total, may) in [(0, false), (19, false), (20, true), (46, true), (47, false)] {
            f[17] = total;
            assert_eq!(can_fail(&f, 60), may, "{total}");
        }
        assert!(!can_fail(&f[..30], 60));
        f[23] = 17;
        for (total, may) in [(27, false), (28, true)] {
            f[17] = total;
            assert_eq!(can_fail(&f, 60), may, "UDP, {total}");
        }
    }

    #[test]
    fn nothing_unasked_and_nothing_about_other_types() {
        let none = Claims::of(Offloads::RX);
        let v4 = Claims::of(Offloads::RX | Offloads::IP4_ON);
        let ip = Claims::of(Offloads::RX_IP4 | Offloads::IP4_ON);
        for bits in 0..=0xFF {
            let kind =
                |n: u32| RxStatus::from_bits_retain(bits & 0xF3 | n << 16 | (bits & 0xC) << 27);
            for n in 0..16 {
                assert_eq!(none.information(kind(n)), 0);
                if ![1, 2, 6].contains(&n) {
                    assert_eq!(all().information(kind(n)), 0);
                }
            }
            assert_eq!(v4.information(kind(6)), 0);
            let only = ip.information(kind(2));
            assert_eq!(only & !usize::from(IP_FAILED | IP_SUCCEEDED), 0);
            // Never both for one protocol.
            let claim = all().information(kind(2));
            assert_eq!(claim & claim >> 3 & 7, 0, "{bits:#x}");
        }
    }
}
