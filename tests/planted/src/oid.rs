// SPDX-License-Identifier: MIT OR Apache-2.0
//! The OIDs that an Ethernet miniport must answer. PASSIVE_LEVEL.
#![allow(
    non_upper_case_globals,
    reason = "patterns name constants of the headers"
)]

use ndis::ffi::*;
use ndis::sys::ndis as sys;

use crate::adapter::{Adapter, FRAME};
use crate::fault::{self, is};
use crate::header;
use crate::table::*;

/// What is answered.
pub const SUPPORTED: [NDIS_OID; 14] = [
    OID_GEN_CURRENT_PACKET_FILTER,
    OID_GEN_CURRENT_LOOKAHEAD,
    OID_GEN_MAXIMUM_TOTAL_SIZE,
    OID_GEN_TRANSMIT_BLOCK_SIZE,
    OID_GEN_RECEIVE_BLOCK_SIZE,
    OID_GEN_TRANSMIT_BUFFER_SPACE,
    OID_GEN_RECEIVE_BUFFER_SPACE,
    OID_GEN_VENDOR_ID,
    OID_GEN_VENDOR_DESCRIPTION,
    OID_GEN_VENDOR_DRIVER_VERSION,
    OID_GEN_XMIT_OK,
    OID_GEN_RCV_OK,
    OID_GEN_STATISTICS,
    OID_802_3_MULTICAST_LIST,
];
/// Packet filters of the general attributes.
pub const FILTERS: u32 = NDIS_PACKET_TYPE_DIRECTED
    | NDIS_PACKET_TYPE_MULTICAST
    | NDIS_PACKET_TYPE_ALL_MULTICAST
    | NDIS_PACKET_TYPE_BROADCAST
    | NDIS_PACKET_TYPE_PROMISCUOUS;
/// Multicast addresses that NDIS may set; all are received.
pub const MULTICAST: usize = 32;

/// MiniportOidRequest.
pub unsafe extern "system" fn request(
    context: NDIS_HANDLE,
    request: *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS {
    let a: *mut Adapter = context.cast();
    fault::in_oid(a);
    let status = match (*request).RequestType {
        NdisRequestQueryInformation | NdisRequestQueryStatistics => {
            query(a, &raw mut (*request).DATA.QUERY_INFORMATION)
        }
        NdisRequestSetInformation => set(a, &raw mut (*request).DATA.SET_INFORMATION),
        _ => NDIS_STATUS_NOT_SUPPORTED,
    };
    if is(OID_COMPLETED_AND_RETURNED) {
        sys::NdisMOidRequestComplete((*a).handle, request, status);
    }
    if is(OID_COMPLETED_TWICE) {
        sys::NdisMOidRequestComplete((*a).handle, request, status);
        sys::NdisMOidRequestComplete((*a).handle, request, status);
        return NDIS_STATUS_PENDING;
    }
    status
}

unsafe fn query(a: *mut Adapter, q: *mut NDIS_OID_REQUEST_DATA_QUERY_INFORMATION) -> NDIS_STATUS {
    (*q).BytesWritten = 0;
    (*q).BytesNeeded = 0;
    match (*q).Oid {
        OID_GEN_MAXIMUM_TOTAL_SIZE | OID_GEN_TRANSMIT_BLOCK_SIZE | OID_GEN_RECEIVE_BLOCK_SIZE => {
            value(q, &FRAME)
        }
        OID_GEN_TRANSMIT_BUFFER_SPACE | OID_GEN_RECEIVE_BUFFER_SPACE => value(q, &(FRAME * 64)),
        OID_GEN_CURRENT_LOOKAHEAD => value(q, &(FRAME - 14)),
        OID_GEN_CURRENT_PACKET_FILTER => value(q, &(*a).filter),
        OID_GEN_VENDOR_ID => value(q, &0x00FF_FFFF_u32),
        OID_GEN_VENDOR_DESCRIPTION => value(q, b"QEMU edu device\0"),
        OID_GEN_VENDOR_DRIVER_VERSION => value(q, &0x0001_0000_u32),
        OID_GEN_XMIT_OK => counter(q, (*a).sent),
        OID_GEN_RCV_OK => counter(q, (*a).received),
        OID_GEN_STATISTICS => value(q, &statistics(a)),
        _ => NDIS_STATUS_NOT_SUPPORTED,
    }
}

/// Answers with the bytes of `value`, whole or not at all.
unsafe fn value<T>(
    q: *mut NDIS_OID_REQUEST_DATA_QUERY_INFORMATION,
    value: *const T,
) -> NDIS_STATUS {
    let size = size_of::<T>() as u32;
    (*q).BytesNeeded = size;
    if (*q).InformationBufferLength < size && !is(OID_WRITES_BEYOND) {
        return NDIS_STATUS_BUFFER_TOO_SHORT;
    }
    (*q).InformationBuffer
        .cast::<u8>()
        .copy_from_nonoverlapping(value.cast(), size as usize);
    (*q).BytesWritten = size;
    if is(OID_BYTES_WRITTEN) {
        (*q).BytesWritten = (*q).InformationBufferLength + 1;
    }
    NDIS_STATUS_SUCCESS
}

/// A 64-bit counter, of which NDIS may ask for 32 bits.
unsafe fn counter(q: *mut NDIS_OID_REQUEST_DATA_QUERY_INFORMATION, count: u64) -> NDIS_STATUS {
    let status = match (*q).InformationBufferLength {
        4..8 => value(q, &(count as u32)),
        _ => value(q, &count),
    };
    (*q).BytesNeeded = 8;
    status
}

unsafe fn set(a: *mut Adapter, s: *mut NDIS_OID_REQUEST_DATA_SET_INFORMATION) -> NDIS_STATUS {
    (*s).BytesRead = 0;
    (*s).BytesNeeded = 0;
    let length = (*s).InformationBufferLength;
    match (*s).Oid {
        OID_GEN_CURRENT_PACKET_FILTER | OID_GEN_CURRENT_LOOKAHEAD if length != 4 => {
            (*s).BytesNeeded = 4;
            NDIS_STATUS_INVALID_LENGTH
        }
        OID_GEN_CURRENT_PACKET_FILTER => {
            let filter = (*s).InformationBuffer.cast::<u32>().read_unaligned();
            if filter & !FILTERS != 0 && !is(FILTER_UNCHECKED) {
                return NDIS_STATUS_NOT_SUPPORTED;
            }
            (*a).filter = filter;
            (*s).BytesRead = 4;
            NDIS_STATUS_SUCCESS
        }
        OID_GEN_CURRENT_LOOKAHEAD => {
            (*s).BytesRead = 4;
            NDIS_STATUS_SUCCESS
        }
        OID_802_3_MULTICAST_LIST if !length.is_multiple_of(6) => {
            (*s).BytesNeeded = 6;
            NDIS_STATUS_INVALID_LENGTH
        }
        OID_802_3_MULTICAST_LIST if length as usize > 6 * MULTICAST => NDIS_STATUS_MULTICAST_FULL,
        OID_802_3_MULTICAST_LIST => {
            (*s).BytesRead = length;
            NDIS_STATUS_SUCCESS
        }
        _ => NDIS_STATUS_NOT_SUPPORTED,
    }
}

unsafe fn statistics(a: *mut Adapter) -> NDIS_STATISTICS_INFO {
    let mut all = NDIS_STATISTICS_INFO::zeroed();
    all.Header = header(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_STATISTICS_INFO_REVISION_1,
        NDIS_SIZEOF_STATISTICS_INFO_REVISION_1,
    );
    all.SupportedStatistics = ndis::attributes::ALL_STATISTICS;
    all.ifHCOutUcastPkts = if is(STATISTICS_WRONG) { 0 } else { (*a).sent };
    all.ifHCInUcastPkts = (*a).received;
    all.ifHCOutOctets = (*a).sent_bytes;
    all.ifHCOutUcastOctets = (*a).sent_bytes;
    all.ifInDiscards = (*a).dropped;
    all
}
