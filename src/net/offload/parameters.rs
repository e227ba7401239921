// SPDX-License-Identifier: MIT OR Apache-2.0
//! What OID_TCP_OFFLOAD_PARAMETERS and OID_OFFLOAD_ENCAPSULATION make of the configuration. Pure values; any IRQL.

use super::Offloads;
use ndis::ffi::*;
use ndis::status::{Result, Status};

/// The configuration after OID_TCP_OFFLOAD_PARAMETERS.
///
/// # Errors
/// INVALID_DATA for a value that does not exist (O-06), NOT_SUPPORTED for an offload that is not offered; then nothing
/// changes.
pub fn parameters(now: Offloads, wanted: &NDIS_OFFLOAD_PARAMETERS) -> Result<Offloads> {
    let mut new = now;
    let none = Offloads::empty();
    for (value, tx, rx) in [
        (wanted.IPv4Checksum, Offloads::TX_IP4, Offloads::RX_IP4),
        (wanted.TCPIPv4Checksum, Offloads::TX_TCP4, Offloads::RX_TCP4),
        (wanted.UDPIPv4Checksum, Offloads::TX_UDP4, Offloads::RX_UDP4),
        (wanted.TCPIPv6Checksum, Offloads::TX_TCP6, Offloads::RX_TCP6),
        (wanted.UDPIPv6Checksum, Offloads::TX_UDP6, Offloads::RX_UDP6),
    ] {
        let on = match u32::from(value) {
            NDIS_OFFLOAD_PARAMETERS_NO_CHANGE => continue,
            NDIS_OFFLOAD_PARAMETERS_TX_RX_DISABLED => none,
            NDIS_OFFLOAD_PARAMETERS_TX_ENABLED_RX_DISABLED => tx,
            NDIS_OFFLOAD_PARAMETERS_RX_ENABLED_TX_DISABLED => rx,
            NDIS_OFFLOAD_PARAMETERS_TX_RX_ENABLED => tx | rx,
            _ => return Err(Status::INVALID_DATA),
        };
        new = (new - (tx | rx)) | on;
    }
    for (value, bit) in [
        (wanted.LsoV2IPv4, Offloads::LSO4),
        (wanted.LsoV2IPv6, Offloads::LSO6),
    ] {
        match u32::from(value) {
            NDIS_OFFLOAD_PARAMETERS_NO_CHANGE => {}
            NDIS_OFFLOAD_PARAMETERS_LSOV2_DISABLED => new -= bit,
            NDIS_OFFLOAD_PARAMETERS_LSOV2_ENABLED => new |= bit,
            _ => return Err(Status::INVALID_DATA),
        }
    }
    // Everything else can only be left alone or switched off.
    let usual = [
        wanted.LsoV1,
        wanted.TcpConnectionIPv4,
        wanted.TcpConnectionIPv6,
        wanted.s22.RscIPv4,
        wanted.s22.RscIPv6,
        wanted.UdpSegmentation.IPv4,
        wanted.UdpSegmentation.IPv6,
    ];
    let ipsec = [wanted.IPsecV1, wanted.IPsecV2, wanted.IPsecV2IPv4];
    let mut refused = None;
    for (value, most) in usual
        .iter()
        .map(|v| (*v, NDIS_OFFLOAD_PARAMETERS_LSOV1_ENABLED))
        .chain(
            ipsec
                .iter()
                .map(|v| (*v, NDIS_OFFLOAD_PARAMETERS_IPSECV1_AH_AND_ESP_ENABLED)),
        )
    {
        if u32::from(value) > most {
            return Err(Status::INVALID_DATA);
        }
        // 1 is "disabled" for each of them.
        if value > 1 {
            refused = Some(Status::NOT_SUPPORTED);
        }
    }
    refused.map_or(Ok(new), Err)
}

/// The configuration after OID_OFFLOAD_ENCAPSULATION.
///
/// # Errors
/// INVALID_PARAMETER for an encapsulation that no offload supports, INVALID_DATA for a switch that does not exist.
pub fn encapsulation(now: Offloads, wanted: &NDIS_OFFLOAD_ENCAPSULATION) -> Result<Offloads> {
    // The header of 802.3 is 14 bytes, with a tag 18; 0 stands for "as the type says".
    let known = |kind: u32, size: u32| {
        let types = NDIS_ENCAPSULATION_IEEE_802_3
            | NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q
            | NDIS_ENCAPSULATION_IEEE_802_3_P_AND_Q_IN_OOB;
        kind != 0 && kind & !types == 0 && matches!(size, 0 | 14 | 18)
    };
    let mut new = now;
    for (enabled, kind, size, on, off) in [
        (
            wanted.IPv4.Enabled,
            wanted.IPv4.EncapsulationType,
            wanted.IPv4.HeaderSize,
            Offloads::IP4_ON,
            Offloads::IP4_OFF,
        ),
        (
            wanted.IPv6.Enabled,
            wanted.IPv6.EncapsulationType,
            wanted.IPv6.HeaderSize,
            Offloads::IP6_ON,
            Offloads::IP6_OFF,
        ),
    ] {
        match enabled {
            NDIS_OFFLOAD_SET_NO_CHANGE => {}
            NDIS_OFFLOAD_SET_ON if known(kind, size) => new = (new - off) | on,
            NDIS_OFFLOAD_SET_ON => return Err(Status::INVALID_PARAMETER),
            NDIS_OFFLOAD_SET_OFF => new = (new - on) | off,
            _ => return Err(Status::INVALID_DATA),
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Offloads = Offloads::IP4.union(Offloads::IP6).union(Offloads::TAG);

    fn with(change: impl FnOnce(&mut NDIS_OFFLOAD_PARAMETERS)) -> Result<Offloads> {
        let mut wanted = NDIS_OFFLOAD_PARAMETERS::zeroed();
        change(&mut wanted);
        parameters(ALL, &wanted)
    }

    #[test]
    fn zero_changes_nothing() {
        assert_eq!(with(|_| {}), Ok(ALL));
    }

    #[test]
    fn checksums_by_direction() {
        assert_eq!(
            with(|p| p.IPv4Checksum = 1),
            Ok(ALL - Offloads::TX_IP4 - Offloads::RX_IP4)
        );
        assert_eq!(with(|p| p.TCPIPv4Checksum = 2), Ok(ALL - Offloads::RX_TCP4));
        assert_eq!(with(|p| p.UDPIPv6Checksum = 3), Ok(ALL - Offloads::TX_UDP6));
        assert_eq!(with(|p| p.UDPIPv4Checksum = 4), Ok(ALL));
        assert_eq!(with(|p| p.TCPIPv6Checksum = 5), Err(Status::INVALID_DATA));
        let mut wanted = NDIS_OFFLOAD_PARAMETERS::zeroed();
        wanted.TCPIPv6Checksum = 4;
        let both = Offloads::TX_TCP6 | Offloads::RX_TCP6;
        assert_eq!(parameters(Offloads::empty(), &wanted), Ok(both));
    }

    #[test]
    fn large_sends() {
        assert_eq!(with(|p| p.LsoV2IPv4 = 1), Ok(ALL - Offloads::LSO4));
        assert_eq!(with(|p| p.LsoV2IPv6 = 2), Ok(ALL));
        assert_eq!(with(|p| p.LsoV2IPv6 = 3), Err(Status::INVALID_DATA));
    }

    #[test]
    fn what_is_not_offered_can_be_off_only() {
        assert_eq!(with(|p| p.LsoV1 = 1), Ok(ALL));
        assert_eq!(with(|p| p.LsoV1 = 2), Err(Status::NOT_SUPPORTED));
        assert_eq!(with(|p| p.s22.RscIPv4 = 2), Err(Status::NOT_SUPPORTED));
        assert_eq!(with(|p| p.IPsecV2 = 4), Err(Status::NOT_SUPPORTED));
        assert_eq!(with(|p| p.IPsecV2 = 5), Err(Status::INVALID_DATA));
        // A value that does not exist counts more than one that is not offered.
        let both = with(|p| {
            p.LsoV1 = 2;
            p.UdpSegmentation.IPv6 = 9;
        });
        assert_eq!(both, Err(Status::INVALID_DATA));
    }

    fn encapsulate(enabled: u32, kind: u32, size: u32) -> Result<Offloads> {
        let mut wanted = NDIS_OFFLOAD_ENCAPSULATION::zeroed();
        wanted.IPv6.Enabled = enabled;
        wanted.IPv6.EncapsulationType = kind;
        wanted.IPv6.HeaderSize = size;
        encapsulation(ALL | Offloads::IP4_ON, &wanted)
    }

    #[test]
    fn encapsulations() {
        let before = ALL | Offloads::IP4_ON;
        assert_eq!(encapsulate(0, 77, 0), Ok(before));
        assert_eq!(
            encapsulate(1, NDIS_ENCAPSULATION_IEEE_802_3, 14),
            Ok(before | Offloads::IP6_ON)
        );
        assert_eq!(encapsulate(2, 0, 0), Ok(before | Offloads::IP6_OFF));
        let snap = NDIS_ENCAPSULATION_IEEE_LLC_SNAP_ROUTED;
        assert_eq!(encapsulate(1, snap, 22), Err(Status::INVALID_PARAMETER));
        assert_eq!(encapsulate(1, 0, 0), Err(Status::INVALID_PARAMETER));
        assert_eq!(encapsulate(3, 2, 14), Err(Status::INVALID_DATA));
    }
}
