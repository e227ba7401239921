// SPDX-License-Identifier: MIT OR Apache-2.0
//! The few OIDs without which nothing can be bound. PASSIVE_LEVEL.

use core::sync::atomic::Ordering;

use ndis::ffi::*;
use ndis::irql::{Irql, Passive};
use ndis::oid::Argument;
use ndis::status::{Result, Status};

use crate::adapter;
use crate::chip::Core;
use crate::choice::is;
use crate::table::RSS_IGNORED;

/// What is answered.
pub const SUPPORTED: [NDIS_OID; 4] = [
    OID_GEN_CURRENT_PACKET_FILTER,
    OID_GEN_CURRENT_LOOKAHEAD,
    OID_802_3_MULTICAST_LIST,
    OID_PNP_SET_POWER,
];
/// Packet filters of the general attributes. All multicast addresses are received.
pub const FILTERS: u32 =
    NDIS_PACKET_TYPE_DIRECTED | NDIS_PACKET_TYPE_MULTICAST | NDIS_PACKET_TYPE_BROADCAST;

/// MiniportOidRequest, for sets; nothing can be queried.
///
/// # Errors
/// Another OID, a wrong length, a filter that is not offered.
pub fn set(
    core: &Core,
    oid: NDIS_OID,
    argument: &mut Argument<'_>,
    irql: &mut Irql<Passive>,
) -> Result<()> {
    if core.gone.load(Ordering::SeqCst) {
        return Err(Status::NOT_ACCEPTED);
    }
    match oid {
        OID_GEN_CURRENT_PACKET_FILTER => {
            let filter: u32 = argument.value()?;
            if filter & !FILTERS != 0 {
                return Err(Status::NOT_SUPPORTED);
            }
            core.filter.store(filter, Ordering::SeqCst);
        }
        OID_PNP_SET_POWER => {
            let state: i32 = argument.value()?;
            adapter::set_power(core, state == NdisDeviceStateD0, irql);
        }
        OID_GEN_RECEIVE_SCALE_PARAMETERS if is(RSS_IGNORED) => {}
        OID_GEN_CURRENT_LOOKAHEAD => argument.value::<u32>().map(drop)?,
        OID_802_3_MULTICAST_LIST => {
            if !argument.bytes().len().is_multiple_of(6) {
                return Err(Status::INVALID_LENGTH);
            }
        }
        _ => return Err(Status::NOT_SUPPORTED),
    }
    Ok(())
}
