// SPDX-License-Identifier: MIT OR Apache-2.0
//! OID requests: one table ([`table::TABLE`]), the answers ([`answer`]) and the effects ([`apply`]).
//!
//! Everything is answered at once at PASSIVE_LEVEL, without waiting for the device (O-03); lengths are checked by
//! [`ndis::oid`]'s reader and writer before anything is touched (O-04, O-05).

pub mod answer;
pub mod apply;
pub mod private;
pub mod table;

use crate::adapter::Core;
use ndis::irql::{Irql, Passive};
use ndis::oid::{OidRequest, RequestKind};
use ndis::status::Status;

/// MiniportOidRequest: finds the entry and lets it answer.
pub fn request(core: &Core, request: &mut OidRequest<'_>, irql: &mut Irql<Passive>) -> Status {
    // O-10: removed.
    if core.is_gone() {
        return Status::NOT_ACCEPTED;
    }
    let Some(entry) = table::find(&core.settings, request.oid()) else {
        return Status::NOT_SUPPORTED;
    };
    // W-06: a work item may be talking to the PHY, or starting the chip anew.
    let _chip = core.exclusive(irql);
    match request.kind() {
        RequestKind::Query => match (entry.query, request.query()) {
            (Some(answer), Some(mut reply)) => answer(core, &mut reply),
            _ => Status::NOT_SUPPORTED,
        },
        RequestKind::Set => match (entry.set, request.set()) {
            (Some(apply), Some(mut argument)) => match apply(core, &mut argument, irql) {
                Ok(()) => {
                    request.set_supported_revision(entry.revision);
                    Status::SUCCESS
                }
                Err(status) => status,
            },
            _ => Status::NOT_SUPPORTED,
        },
        RequestKind::Method | RequestKind::Other(_) => Status::NOT_SUPPORTED,
    }
}
