// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of OIDs: which objects there are, what may be done with each, and who answers.
//!
//! The supported list of the general attributes, the length checks and the dispatch all come from [`TABLE`];
//! an OID that is not here is NOT_SUPPORTED (O-07, O-12).

use super::{answer, apply, private};
use crate::adapter::Core;
use crate::config::Settings;
use crate::net::offload::Offloads;
use ndis::ffi::*;
use ndis::irql::{Irql, Passive};
use ndis::oid::{Argument, Reply};
use ndis::status::{Result, Status};

/// Answers a query. PASSIVE_LEVEL.
pub type Query = fn(&Core, &mut Reply<'_>) -> Status;
/// Applies a set; nothing may change when it fails (O-06). PASSIVE_LEVEL.
pub type Set = fn(&Core, &mut Argument<'_>, &mut Irql<Passive>) -> Result<()>;

/// One object.
#[derive(Debug)]
pub struct Entry {
    /// Its OID.
    pub oid: NDIS_OID,
    /// The answer to a query; `None`: cannot be queried.
    pub query: Option<Query>,
    /// The effect of a set; `None`: cannot be set.
    pub set: Option<Set>,
    /// The newest revision of its structure that a set understands (O-06); 0 without a structure.
    pub revision: u8,
}

impl Entry {
    /// With a structure of this revision.
    const fn revision(self, revision: u8) -> Self {
        Self { revision, ..self }
    }
}

const fn query(oid: NDIS_OID, query: Query) -> Entry {
    Entry {
        oid,
        query: Some(query),
        set: None,
        revision: 0,
    }
}

const fn set(oid: NDIS_OID, set: Set) -> Entry {
    Entry {
        oid,
        query: None,
        set: Some(set),
        revision: 0,
    }
}

const fn both(oid: NDIS_OID, query: Query, set: Set) -> Entry {
    Entry {
        oid,
        query: Some(query),
        set: Some(set),
        revision: 0,
    }
}

/// Every object (contract §6.2). Some that NDIS answers itself are here too: HLK and WMI reach them (§6.3). The single
/// counters are not: NDIS takes them from OID_GEN_STATISTICS.
pub const TABLE: &[Entry] = &[
    both(
        OID_GEN_CURRENT_PACKET_FILTER,
        answer::packet_filter,
        apply::packet_filter,
    ),
    both(
        OID_GEN_CURRENT_LOOKAHEAD,
        answer::lookahead,
        apply::lookahead,
    ),
    both(
        OID_GEN_INTERRUPT_MODERATION,
        answer::moderation,
        apply::moderation,
    )
    .revision(NDIS_INTERRUPT_MODERATION_PARAMETERS_REVISION_1),
    set(OID_GEN_LINK_PARAMETERS, apply::link_parameters).revision(NDIS_LINK_PARAMETERS_REVISION_1),
    both(OID_GEN_VLAN_ID, answer::vlan_id, apply::vlan_id),
    query(OID_GEN_MAXIMUM_TOTAL_SIZE, answer::maximum_total_size),
    query(OID_GEN_MAXIMUM_FRAME_SIZE, answer::maximum_frame_size),
    query(OID_GEN_MAXIMUM_LOOKAHEAD, answer::maximum_frame_size),
    query(OID_GEN_TRANSMIT_BLOCK_SIZE, answer::maximum_total_size),
    query(OID_GEN_RECEIVE_BLOCK_SIZE, answer::maximum_total_size),
    query(OID_GEN_TRANSMIT_BUFFER_SPACE, answer::transmit_buffer_space),
    query(OID_GEN_RECEIVE_BUFFER_SPACE, answer::receive_buffer_space),
    query(OID_GEN_VENDOR_ID, answer::vendor_id),
    query(OID_GEN_VENDOR_DESCRIPTION, answer::vendor_description),
    query(OID_GEN_VENDOR_DRIVER_VERSION, answer::vendor_driver_version),
    query(OID_GEN_HARDWARE_STATUS, answer::hardware_status),
    query(OID_GEN_XMIT_OK, answer::transmit_ok),
    query(OID_GEN_RCV_OK, answer::receive_ok),
    query(OID_GEN_STATISTICS, answer::statistics),
    query(OID_802_3_PERMANENT_ADDRESS, answer::permanent_address),
    query(OID_802_3_CURRENT_ADDRESS, answer::current_address),
    both(
        OID_802_3_MULTICAST_LIST,
        answer::multicast_list,
        apply::multicast_list,
    ),
    query(OID_802_3_MAXIMUM_LIST_SIZE, answer::maximum_list_size),
    query(OID_802_3_RCV_ERROR_ALIGNMENT, answer::alignment_errors),
    query(OID_802_3_RCV_OVERRUN, answer::overruns),
    query(OID_802_3_XMIT_ONE_COLLISION, answer::one_collision),
    query(OID_802_3_XMIT_MORE_COLLISIONS, answer::more_collisions),
    query(OID_802_3_XMIT_DEFERRED, answer::deferred),
    query(OID_802_3_XMIT_MAX_COLLISIONS, answer::max_collisions),
    query(OID_802_3_XMIT_TIMES_CRS_LOST, answer::carrier_lost),
    query(OID_802_3_XMIT_LATE_COLLISIONS, answer::late_collisions),
    // NDIS answers the queries itself, from the attributes and from what it set (§6.3).
    query(
        OID_GEN_RECEIVE_SCALE_CAPABILITIES,
        answer::receive_scale_capabilities,
    ),
    both(
        OID_GEN_RECEIVE_SCALE_PARAMETERS,
        answer::receive_scale_parameters,
        apply::receive_scale,
    )
    .revision(NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_2),
    // NDIS answers the two queries itself, from the attributes and the last indication (§6.3).
    query(OID_TCP_OFFLOAD_CURRENT_CONFIG, answer::offload_current),
    query(
        OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES,
        answer::offload_capabilities,
    ),
    set(OID_TCP_OFFLOAD_PARAMETERS, apply::offload_parameters)
        .revision(NDIS_OFFLOAD_PARAMETERS_REVISION_5),
    set(OID_OFFLOAD_ENCAPSULATION, apply::offload_encapsulation)
        .revision(NDIS_OFFLOAD_ENCAPSULATION_REVISION_1),
    query(OID_PNP_QUERY_POWER, answer::query_power),
    set(OID_PNP_SET_POWER, apply::set_power),
    query(private::SUPPORTED_GUIDS, private::supported_guids),
    query(
        private::OID_E1000E_INTERRUPT_RECORD,
        private::interrupt_record,
    ),
    query(private::OID_E1000E_STATISTICS, private::statistics),
    both(
        private::OID_E1000E_INTERRUPT_SELF_TEST,
        private::self_test_result,
        private::self_test,
    ),
];

/// Every OID of the table.
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler; both arrays have the same length"
)]
pub const SUPPORTED: [NDIS_OID; TABLE.len()] = {
    let mut list = [0; TABLE.len()];
    let mut i = 0;
    while i < list.len() {
        list[i] = TABLE[i].oid;
        i += 1;
    }
    list
};

/// Whether an adapter with these settings has the object: those of receive-side scaling go with `*RSS`, and
/// that of the VLAN with `*PriorityVLANTag`.
fn has(settings: &Settings, oid: NDIS_OID) -> bool {
    match oid {
        OID_GEN_RECEIVE_SCALE_CAPABILITIES | OID_GEN_RECEIVE_SCALE_PARAMETERS => settings.rss,
        OID_GEN_VLAN_ID => settings.offloads.contains(Offloads::VLAN),
        _ => true,
    }
}

/// The list for the general attributes, with its length.
pub fn supported(settings: &Settings) -> ([NDIS_OID; TABLE.len()], usize) {
    let mut list = [0; TABLE.len()];
    let mut count = 0;
    let oids = SUPPORTED.into_iter().filter(|oid| has(settings, *oid));
    for (slot, oid) in list.iter_mut().zip(oids) {
        *slot = oid;
        count += 1;
    }
    (list, count)
}

/// The entry of `oid`, if an adapter with these settings has it.
pub fn find(settings: &Settings, oid: NDIS_OID) -> Option<&'static Entry> {
    TABLE
        .iter()
        .find(|entry| entry.oid == oid && has(settings, oid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_oid_once_and_usable() {
        for (i, entry) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..i].iter().all(|e| e.oid != entry.oid),
                "{:#x} twice",
                entry.oid
            );
            assert!(
                entry.query.is_some() || entry.set.is_some(),
                "{:#x}",
                entry.oid
            );
        }
        let settings = Settings::read(|_| None);
        assert!(find(&settings, 0xFFFF_FFFF).is_none());
        assert_eq!(supported(&settings), (SUPPORTED, SUPPORTED.len()));
    }

    #[test]
    fn scaling_is_offered_with_its_keyword_only() {
        let settings = Settings::read(|name| (name == "*RSS").then_some(0));
        let (list, count) = supported(&settings);
        assert_eq!(count, SUPPORTED.len() - 2);
        for oid in [
            OID_GEN_RECEIVE_SCALE_PARAMETERS,
            OID_GEN_RECEIVE_SCALE_CAPABILITIES,
        ] {
            assert!(SUPPORTED.contains(&oid) && !list[..count].contains(&oid));
            assert!(find(&settings, oid).is_none());
        }
    }

    #[test]
    fn mandatory_oids_are_there() {
        // Contract §6.2, marked M.
        for oid in [
            OID_GEN_CURRENT_PACKET_FILTER,
            OID_GEN_CURRENT_LOOKAHEAD,
            OID_GEN_INTERRUPT_MODERATION,
            OID_GEN_LINK_PARAMETERS,
            OID_GEN_MAXIMUM_TOTAL_SIZE,
            OID_GEN_VENDOR_ID,
            OID_GEN_VENDOR_DESCRIPTION,
            OID_GEN_VENDOR_DRIVER_VERSION,
            OID_GEN_XMIT_OK,
            OID_GEN_RCV_OK,
            OID_GEN_STATISTICS,
            OID_802_3_MULTICAST_LIST,
            OID_PNP_SET_POWER,
        ] {
            assert!(SUPPORTED.contains(&oid), "{oid:#x}");
        }
    }
}
