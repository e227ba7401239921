// SPDX-License-Identifier: MIT OR Apache-2.0
//! The few OIDs without which nothing can be bound. PASSIVE_LEVEL.
#![allow(
    non_upper_case_globals,
    reason = "patterns name constants of the headers"
)]

use ndis::ffi::*;

use crate::adapter;
use crate::data::Adapter;

/// What is answered.
pub const SUPPORTED: [NDIS_OID; 4] = [
    OID_GEN_CURRENT_PACKET_FILTER,
    OID_GEN_CURRENT_LOOKAHEAD,
    OID_802_3_MULTICAST_LIST,
    OID_PNP_SET_POWER,
];
/// Packet filters of the general attributes.
pub const FILTERS: u32 =
    NDIS_PACKET_TYPE_DIRECTED | NDIS_PACKET_TYPE_MULTICAST | NDIS_PACKET_TYPE_BROADCAST;
/// Multicast addresses that NDIS may set; all are received.
pub const MULTICAST: u32 = 32;

/// MiniportOidRequest.
pub unsafe extern "system" fn request(
    context: NDIS_HANDLE,
    request: *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS {
    let a: *mut Adapter = context.cast();
    if (*request).RequestType != NdisRequestSetInformation {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    let s = &raw mut (*request).DATA.SET_INFORMATION;
    (*s).BytesRead = 0;
    (*s).BytesNeeded = 0;
    let length = (*s).InformationBufferLength;
    match (*s).Oid {
        OID_GEN_CURRENT_PACKET_FILTER | OID_GEN_CURRENT_LOOKAHEAD if length != 4 => {
            (*s).BytesNeeded = 4;
            return NDIS_STATUS_INVALID_LENGTH;
        }
        OID_GEN_CURRENT_PACKET_FILTER => {
            let filter = (*s).InformationBuffer.cast::<u32>().read_unaligned();
            if filter & !FILTERS != 0 {
                return NDIS_STATUS_NOT_SUPPORTED;
            }
            (*a).filter = filter;
        }
        OID_PNP_SET_POWER if length != 4 => {
            (*s).BytesNeeded = 4;
            return NDIS_STATUS_INVALID_LENGTH;
        }
        OID_PNP_SET_POWER => {
            let state = (*s).InformationBuffer.cast::<i32>().read_unaligned();
            adapter::set_power(a, state == NdisDeviceStateD0);
        }
        OID_GEN_CURRENT_LOOKAHEAD | OID_802_3_MULTICAST_LIST => {}
        _ => return NDIS_STATUS_NOT_SUPPORTED,
    }
    (*s).BytesRead = length;
    NDIS_STATUS_SUCCESS
}
