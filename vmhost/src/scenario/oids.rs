// SPDX-License-Identifier: MIT OR Apache-2.0
//! The length and status matrix for OIDs (contract §6.4, O-05 to O-07, O-12). PASSIVE.

use crate::{
    guest::POISON,
    log,
    ndis::{
        adapter::Adapter,
        oid::{self, Answer, Kind},
    },
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, vec};

/// More than any fixed-size answer of an Ethernet miniport.
const PLENTY: usize = 4096;
/// General statistics OIDs: their 64-bit counters may be asked for in 32 bits.
const STATISTICS: core::ops::Range<u32> = 0x0002_0000..0x0003_0000;
/// A number in nobody's range.
const UNKNOWN: u32 = 0xFF12_3456;
/// OIDs that NDIS answers itself (contract §6.3): a driver may list them and not implement them.
const ANSWERED_BY_NDIS: &[u32] = &[
    OID_GEN_SUPPORTED_LIST,
    OID_GEN_HARDWARE_STATUS,
    OID_GEN_MEDIA_SUPPORTED,
    OID_GEN_MEDIA_IN_USE,
    OID_GEN_MAXIMUM_LOOKAHEAD,
    OID_GEN_MAXIMUM_FRAME_SIZE,
    OID_GEN_MAC_OPTIONS,
    OID_GEN_DRIVER_VERSION,
    OID_GEN_PHYSICAL_MEDIUM,
    OID_GEN_MEDIA_CONNECT_STATUS,
    OID_GEN_LINK_SPEED,
    OID_GEN_CURRENT_PACKET_FILTER,
    OID_GEN_CURRENT_LOOKAHEAD,
    OID_802_3_MULTICAST_LIST,
    OID_802_3_PERMANENT_ADDRESS,
    OID_802_3_CURRENT_ADDRESS,
    OID_802_3_MAXIMUM_LIST_SIZE,
    OID_PNP_CAPABILITIES,
    OID_PNP_QUERY_POWER,
];

/// Also answered by NDIS, or optional: link and port state, receive scaling, power management and offload
/// queries, and the single counters, which it takes from OID_GEN_STATISTICS.
fn answered_by_ndis(number: u32) -> bool {
    ANSWERED_BY_NDIS.contains(&number)
        || matches!(
            number,
            OID_GEN_RECEIVE_SCALE_CAPABILITIES..=OID_GEN_LINK_STATE
                // Mandatory in the list of OIDs, optional on its own page.
                | OID_GEN_LINK_PARAMETERS
                | OID_GEN_ENUMERATE_PORTS
                | OID_GEN_PHYSICAL_MEDIUM_EX
                | OID_GEN_XMIT_ERROR..=OID_GEN_RCV_NO_BUFFER
                | OID_GEN_DIRECTED_BYTES_XMIT..=OID_GEN_BROADCAST_FRAMES_RCV
                | OID_GEN_BYTES_RCV..=OID_GEN_XMIT_DISCARDS
                | OID_PM_CURRENT_CAPABILITIES..=OID_PM_PARAMETERS
        )
}

/// Runs the matrix over the driver's list. Returns the number of OIDs that answered a query.
pub fn check(adapter: &Adapter) -> u32 {
    let list = adapter
        .general
        .lock()
        .as_ref()
        .map(|g| g.oids.clone())
        .unwrap_or_default();
    let mut answered = 0;
    for number in &list {
        let answer = oid::query(adapter, *number, PLENTY);
        if answer.status == NDIS_STATUS_SUCCESS {
            answered += 1;
            lengths(adapter, *number, &answer);
        } else if unknown(answer.status) {
            implemented_as_set(adapter, *number);
        } else {
            log!(
                "query of OID {number:#010x}: {:#010x}",
                answer.status as u32
            );
        }
    }
    for kind in [Kind::Query, Kind::Set, Kind::Statistics] {
        let answer = oid::request(adapter, kind, UNKNOWN, &[0; 4]);
        verify::check_of(Handler::OidRequest, "O-07", unknown(answer.status), || {
            format!(
                "{kind:?} of the unknown OID {UNKNOWN:#010x}: {:#010x}",
                answer.status as u32
            )
        });
    }
    wrong_sets(adapter);
    answered
}

fn unknown(status: i32) -> bool {
    status == NDIS_STATUS_NOT_SUPPORTED || status == NDIS_STATUS_INVALID_OID
}

fn too_short(status: i32) -> bool {
    status == NDIS_STATUS_BUFFER_TOO_SHORT || status == NDIS_STATUS_INVALID_LENGTH
}

/// O-12: what cannot be queried must at least be settable. A set without data changes nothing
/// that matters and tells the two apart.
fn implemented_as_set(adapter: &Adapter, number: u32) {
    if answered_by_ndis(number) || number == OID_PNP_SET_POWER {
        return;
    }
    let answer = oid::set(adapter, number, &[]);
    verify::check_of(Handler::OidRequest, "O-12", !unknown(answer.status), || {
        format!("OID {number:#010x} is in SupportedOidList and neither queried nor set")
    });
}

fn lengths(adapter: &Adapter, number: u32, full: &Answer) {
    let size = full.done.unwrap_or(0) as usize;
    let counter = size == 8 && STATISTICS.contains(&number);
    if size == 0 || size > PLENTY {
        return;
    }
    let least = if counter { 4 } else { size };
    for length in [0, 1, least / 2, least - 1] {
        if length < least {
            short(adapter, number, length, least, size);
        }
    }
    if counter {
        let answer = oid::query(adapter, number, 4);
        let good = answer.status == NDIS_STATUS_SUCCESS
            && answer.done == Some(4)
            && answer.needed == Some(8);
        verify::check_of(Handler::OidRequest, "O-05", good, || {
            format!("OID {number:#010x} with 4 bytes: {answer:x?}; SUCCESS, 4 and 8 are expected")
        });
    }
    for length in [size, size + 3] {
        let answer = oid::query(adapter, number, length);
        let done = answer.done.unwrap_or(0) as usize;
        let good = answer.status == NDIS_STATUS_SUCCESS && done == size;
        verify::check_of(Handler::OidRequest, "O-05", good, || {
            format!(
                "OID {number:#010x} with {length} bytes: {:#010x}, {done} bytes; with more it gave {size}",
                answer.status as u32
            )
        });
    }
    let answer = oid::request(adapter, Kind::Statistics, number, &vec![POISON; size]);
    let good = answer.status == NDIS_STATUS_SUCCESS || unknown(answer.status);
    verify::check_of(Handler::OidRequest, "O-07", good, || {
        format!(
            "statistics query of OID {number:#010x}: {:#010x}",
            answer.status as u32
        )
    });
}

/// `least` is smaller than `size` for a counter, which 4 bytes satisfy as well as 8.
fn short(adapter: &Adapter, number: u32, length: usize, least: usize, size: usize) {
    let answer = oid::query(adapter, number, length);
    let untouched = answer.data.iter().all(|byte| *byte == POISON);
    let good = too_short(answer.status)
        && answer.done.unwrap_or(0) == 0
        && (answer.needed == Some(size as u32) || answer.needed == Some(least as u32))
        && untouched;
    verify::check_of(Handler::OidRequest, "O-05", good, || {
        format!(
            "OID {number:#010x} with {length} bytes: {:#010x}, BytesWritten {:?}, BytesNeeded {:?}, buffer {}; the size is {size}",
            answer.status as u32,
            answer.done,
            answer.needed,
            if untouched { "untouched" } else { "written" }
        )
    });
}

/// O-06: sets of a wrong length or value change nothing and say so.
fn wrong_sets(adapter: &Adapter) {
    for (number, data, size) in [
        (OID_GEN_CURRENT_PACKET_FILTER, &[0u8; 3][..], Some(4)),
        (OID_GEN_CURRENT_PACKET_FILTER, &[], Some(4)),
        (OID_GEN_CURRENT_LOOKAHEAD, &[0; 2], Some(4)),
        (OID_802_3_MULTICAST_LIST, &[1, 0, 0x5E, 0, 0], None),
    ] {
        let answer = oid::set(adapter, number, data);
        // Mandatory sets of an Ethernet miniport: one that does not know them has no wrong length to speak of.
        let implemented =
            verify::check_of(Handler::OidRequest, "O-12", !unknown(answer.status), || {
                format!(
                    "the mandatory set of OID {number:#010x} is not implemented: {:#010x}",
                    answer.status as u32
                )
            });
        if !implemented {
            continue;
        }
        let good = too_short(answer.status) && (size.is_none() || answer.needed == size);
        verify::check_of(Handler::OidRequest, "O-06", good, || {
            format!(
                "set of OID {number:#010x} with {} bytes: {:#010x}, BytesNeeded {:?}",
                data.len(),
                answer.status as u32,
                answer.needed
            )
        });
    }
    let supported = adapter.general.lock().as_ref().map_or(0, |g| g.filters);
    let answer = oid::set(
        adapter,
        OID_GEN_CURRENT_PACKET_FILTER,
        &(!supported).to_le_bytes(),
    );
    verify::check_of(
        Handler::OidRequest,
        "O-06",
        answer.status != NDIS_STATUS_SUCCESS,
        || {
            format!(
                "a packet filter of the unsupported bits {:#x} was accepted",
                !supported
            )
        },
    );
}
