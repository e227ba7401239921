// SPDX-License-Identifier: MIT OR Apache-2.0
//! The miniport's counters against what the host saw (contract U-07). PASSIVE.

use crate::{
    log,
    ndis::{adapter::Adapter, oid},
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::format;
use core::mem::offset_of;
use vmhost_wire::control::Totals;

/// Flags of the counters that are compared, by direction.
const FRAMES_XMIT: u32 = NDIS_STATISTICS_FLAGS_VALID_DIRECTED_FRAMES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_FRAMES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_FRAMES_XMIT;
const FRAMES_RCV: u32 = NDIS_STATISTICS_FLAGS_VALID_DIRECTED_FRAMES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_FRAMES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_FRAMES_RCV;
const BYTES_XMIT: u32 = NDIS_STATISTICS_FLAGS_VALID_BYTES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_DIRECTED_BYTES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_BYTES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_BYTES_XMIT;
const BYTES_RCV: u32 = NDIS_STATISTICS_FLAGS_VALID_BYTES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_DIRECTED_BYTES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_BYTES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_BYTES_RCV;

/// OID_GEN_STATISTICS: gives the eight bytes at an offset of NDIS_STATISTICS_INFO. A driver that does not answer it is told
/// by O-12.
fn counters(adapter: &Adapter) -> Option<impl Fn(usize) -> u64> {
    let size = size_of::<NDIS_STATISTICS_INFO>();
    let answer = oid::query(adapter, OID_GEN_STATISTICS, size);
    if answer.status != NDIS_STATUS_SUCCESS {
        log!("OID_GEN_STATISTICS: {:#010x}", answer.status as u32);
        return None;
    }
    Some(move |offset: usize| {
        let bytes = answer.data.get(offset..offset + 8);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    })
}

/// Frames that the driver counts as received and not indicated: ifInDiscards and ifInErrors.
pub fn received_and_dropped(adapter: &Adapter) -> u64 {
    let Some(counter) = counters(adapter) else {
        return 0;
    };
    counter(offset_of!(NDIS_STATISTICS_INFO, ifInDiscards))
        + counter(offset_of!(NDIS_STATISTICS_INFO, ifInErrors))
}

/// Frames that did not get through, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    /// Sends that something was wrong with.
    pub out_errors: u64,
    /// Sends that were given up.
    pub out_discards: u64,
    /// Frames from the wire that something was wrong with.
    pub in_errors: u64,
}

/// Compares OID_GEN_STATISTICS with what must have failed (U-07).
pub fn check_failed(adapter: &Adapter, want: Failed) {
    let Some(counter) = counters(adapter) else {
        return;
    };
    let have = Failed {
        out_errors: counter(offset_of!(NDIS_STATISTICS_INFO, ifOutErrors)),
        out_discards: counter(offset_of!(NDIS_STATISTICS_INFO, ifOutDiscards)),
        in_errors: counter(offset_of!(NDIS_STATISTICS_INFO, ifInErrors)),
    };
    verify::check_of(Handler::OidRequest, "U-07", have == want, || {
        format!("frames that failed: {have:?}, really {want:?}")
    });
}

/// Compares OID_GEN_STATISTICS with what was on the wire and what came up: every frame and every byte of it without the
/// FCS, by kind of destination.
pub fn check_exactly(adapter: &Adapter, sent: &Totals, received: &Totals) {
    let Some(counter) = counters(adapter) else {
        return;
    };
    macro_rules! three {
        ($($member:ident),*) => { [$(counter(offset_of!(NDIS_STATISTICS_INFO, $member))),*] };
    }
    let out = three!(ifHCOutUcastPkts, ifHCOutMulticastPkts, ifHCOutBroadcastPkts);
    let into = three!(ifHCInUcastPkts, ifHCInMulticastPkts, ifHCInBroadcastPkts);
    let out_bytes = three!(
        ifHCOutUcastOctets,
        ifHCOutMulticastOctets,
        ifHCOutBroadcastOctets
    );
    let in_bytes = three!(
        ifHCInUcastOctets,
        ifHCInMulticastOctets,
        ifHCInBroadcastOctets
    );
    for (name, have, have_bytes, want) in [
        ("sent", out, out_bytes, sent),
        ("received", into, in_bytes, received),
    ] {
        verify::check_of(Handler::OidRequest, "U-07", have == want.frames, || {
            format!(
                "frames {name} to one, to a group, to all: {have:?}, really {:?}",
                want.frames
            )
        });
        verify::check_of(
            Handler::OidRequest,
            "U-07",
            have_bytes == want.bytes,
            || {
                format!(
                    "bytes {name} to one, to a group, to all: {have_bytes:?}, really {:?}",
                    want.bytes
                )
            },
        );
    }
}

/// Compares OID_GEN_STATISTICS with the frames that went through the host.
pub fn check(adapter: &Adapter) {
    let Some(counter) = counters(adapter) else {
        return;
    };
    // Counters without their flag are not supported by the driver.
    let flags = offset_of!(NDIS_STATISTICS_INFO, SupportedStatistics);
    // Four bytes, the lower half.
    let flags = counter(flags) as u32;
    let kept = |wanted: u32| flags & wanted == wanted;
    let sum = |offsets: [usize; 3]| offsets.into_iter().map(&counter).sum::<u64>();
    let sent = sum([
        offset_of!(NDIS_STATISTICS_INFO, ifHCOutUcastPkts),
        offset_of!(NDIS_STATISTICS_INFO, ifHCOutMulticastPkts),
        offset_of!(NDIS_STATISTICS_INFO, ifHCOutBroadcastPkts),
    ]);
    let (completed, _) = adapter.sends.frames();
    verify::check_of(
        Handler::OidRequest,
        "U-07",
        !kept(FRAMES_XMIT) || sent == completed,
        || {
            format!(
                "the statistics say {sent} frames sent, {completed} were completed with success"
            )
        },
    );
    let received = sum([
        offset_of!(NDIS_STATISTICS_INFO, ifHCInUcastPkts),
        offset_of!(NDIS_STATISTICS_INFO, ifHCInMulticastPkts),
        offset_of!(NDIS_STATISTICS_INFO, ifHCInBroadcastPkts),
    ]);
    let indicated = adapter.receives.frames();
    verify::check_of(
        Handler::OidRequest,
        "U-07",
        !kept(FRAMES_RCV) || received >= indicated,
        || format!("the statistics say {received} frames received, {indicated} were indicated"),
    );
    for (name, wanted, total, parts) in [
        (
            "In",
            BYTES_RCV,
            offset_of!(NDIS_STATISTICS_INFO, ifHCInOctets),
            [
                offset_of!(NDIS_STATISTICS_INFO, ifHCInUcastOctets),
                offset_of!(NDIS_STATISTICS_INFO, ifHCInMulticastOctets),
                offset_of!(NDIS_STATISTICS_INFO, ifHCInBroadcastOctets),
            ],
        ),
        (
            "Out",
            BYTES_XMIT,
            offset_of!(NDIS_STATISTICS_INFO, ifHCOutOctets),
            [
                offset_of!(NDIS_STATISTICS_INFO, ifHCOutUcastOctets),
                offset_of!(NDIS_STATISTICS_INFO, ifHCOutMulticastOctets),
                offset_of!(NDIS_STATISTICS_INFO, ifHCOutBroadcastOctets),
            ],
        ),
    ] {
        let (total, parts) = (counter(total), sum(parts));
        verify::check_of(
            Handler::OidRequest,
            "U-07",
            !kept(wanted) || total == parts,
            || format!("ifHC{name}Octets is {total}, its three parts are {parts}"),
        );
    }
}
