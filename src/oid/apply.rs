// SPDX-License-Identifier: MIT OR Apache-2.0
//! Effects of sets. PASSIVE_LEVEL; OIDs are serialised (O-01), so there is one writer.

#![allow(
    non_upper_case_globals,
    reason = "patterns name enumerators as the WDK spells them"
)]

use crate::adapter::{Core, device};
use crate::net::filter::{self, MAX_MULTICAST};
use crate::net::offload::{self, Offloads};
use crate::net::rss;
use ndis::ffi::*;
use ndis::irql::{Irql, Passive};
use ndis::oid::Argument;
use ndis::status::{Result, Status};

/// OID_GEN_CURRENT_PACKET_FILTER.
pub fn packet_filter(
    core: &Core,
    argument: &mut Argument<'_>,
    _: &mut Irql<Passive>,
) -> Result<()> {
    let types: u32 = argument.value()?;
    if types & !filter::SUPPORTED != 0 {
        return Err(Status::NOT_SUPPORTED);
    }
    core.filter.set_types(types);
    core.filter_changed();
    Ok(())
}

/// OID_GEN_CURRENT_LOOKAHEAD: a suggestion; whole frames are indicated contiguously anyway.
pub fn lookahead(_: &Core, argument: &mut Argument<'_>, _: &mut Irql<Passive>) -> Result<()> {
    let _: u32 = argument.value()?;
    Ok(())
}

/// Largest VLAN: 4,095 is reserved (IEEE 802.1Q).
const MAX_VLAN: u32 = 4094;

/// OID_GEN_VLAN_ID: frames that are under way are judged by either.
pub fn vlan_id(core: &Core, argument: &mut Argument<'_>, _: &mut Irql<Passive>) -> Result<()> {
    let id: u32 = argument.value()?;
    if id > MAX_VLAN {
        return Err(Status::INVALID_DATA);
    }
    core.offload.set(core.offload.get().with_vlan_id(id));
    Ok(())
}

/// OID_GEN_INTERRUPT_MODERATION.
pub fn moderation(core: &Core, argument: &mut Argument<'_>, _: &mut Irql<Passive>) -> Result<()> {
    let parameters: NDIS_INTERRUPT_MODERATION_PARAMETERS = argument.structure(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_INTERRUPT_MODERATION_PARAMETERS_REVISION_1,
        NDIS_SIZEOF_INTERRUPT_MODERATION_PARAMETERS_REVISION_1,
    )?;
    let on = match parameters.InterruptModeration {
        NdisInterruptModerationEnabled => true,
        NdisInterruptModerationDisabled => false,
        _ => return Err(Status::INVALID_DATA),
    };
    core.set_moderation(on);
    Ok(())
}

/// OID_GEN_RECEIVE_SCALE_PARAMETERS. Waits until the rings are empty, some milliseconds.
pub fn receive_scale(
    core: &Core,
    argument: &mut Argument<'_>,
    irql: &mut Irql<Passive>,
) -> Result<()> {
    let header: NDIS_RECEIVE_SCALE_PARAMETERS = argument.structure(
        NDIS_OBJECT_TYPE_RSS_PARAMETERS,
        NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1,
        NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1,
    )?;
    // O-04: copied before the arrays are looked at. What lies beyond the longest legal request is not looked at.
    let mut copy = [0; 2 * rss::ANSWER_BYTES];
    let given = argument.bytes();
    let length = given.len().min(copy.len());
    for (slot, byte) in copy.iter_mut().zip(given) {
        *slot = *byte;
    }
    let bytes = copy.get(..length).unwrap_or(&[]);
    let before = core.rss.parameters();
    let new = before.changed(&header, bytes)?;
    if new != before {
        device::set_scaling(core, new, irql);
    }
    Ok(())
}

/// OID_GEN_LINK_PARAMETERS: the header is checked, and a link that is what was asked for is left alone; others are
/// set in the registry (`*SpeedDuplex`).
pub fn link_parameters(_: &Core, argument: &mut Argument<'_>, _: &mut Irql<Passive>) -> Result<()> {
    let parameters: NDIS_LINK_PARAMETERS = argument.structure(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_LINK_PARAMETERS_REVISION_1,
        NDIS_SIZEOF_LINK_PARAMETERS_REVISION_1,
    )?;
    let automatic = NDIS_LINK_STATE_XMIT_LINK_SPEED_AUTO_NEGOTIATED
        | NDIS_LINK_STATE_RCV_LINK_SPEED_AUTO_NEGOTIATED
        | NDIS_LINK_STATE_DUPLEX_AUTO_NEGOTIATED;
    if parameters.AutoNegotiationFlags & automatic == automatic {
        return Ok(());
    }
    Err(Status::NOT_SUPPORTED)
}

/// OID_802_3_MULTICAST_LIST: replaces the list.
pub fn multicast_list(
    core: &Core,
    argument: &mut Argument<'_>,
    _: &mut Irql<Passive>,
) -> Result<()> {
    let mut list = [[0_u8; 6]; MAX_MULTICAST];
    let length = argument.len();
    if !length.is_multiple_of(6) {
        return Err(argument.wrong_length(6));
    }
    if length > MAX_MULTICAST * 6 {
        return Err(Status::MULTICAST_FULL);
    }
    let count = length / 6;
    // O-04: the buffer is copied before it is looked at.
    for (slot, address) in list.iter_mut().zip(argument.bytes().chunks_exact(6)) {
        slot.copy_from_slice(address);
    }
    let list = list.get(..count).unwrap_or(&[]);
    if list.iter().any(|address| address[0] & 1 == 0) {
        return Err(Status::INVALID_DATA);
    }
    core.filter.set_multicast(list);
    core.filter_changed();
    Ok(())
}

/// OID_PNP_SET_POWER (W-01 to W-09).
pub fn set_power(core: &Core, argument: &mut Argument<'_>, irql: &mut Irql<Passive>) -> Result<()> {
    let state: NDIS_DEVICE_POWER_STATE = argument.value()?;
    match state {
        NdisDeviceStateD0 => core.power_up(irql),
        NdisDeviceStateD1 | NdisDeviceStateD2 | NdisDeviceStateD3 => core.power_down(irql),
        _ => return Err(Status::INVALID_DATA),
    }
    // W-02: a set of a valid state succeeds.
    Ok(())
}

/// OID_TCP_OFFLOAD_PARAMETERS: which offloads are on.
pub fn offload_parameters(
    core: &Core,
    argument: &mut Argument<'_>,
    irql: &mut Irql<Passive>,
) -> Result<()> {
    let wanted: NDIS_OFFLOAD_PARAMETERS = argument.structure(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_OFFLOAD_PARAMETERS_REVISION_1,
        NDIS_SIZEOF_OFFLOAD_PARAMETERS_REVISION_1,
    )?;
    set_offloads(
        core,
        offload::parameters(core.offload.get(), &wanted)?,
        irql,
    );
    Ok(())
}

/// OID_OFFLOAD_ENCAPSULATION: the protocol above starts or stops using them.
pub fn offload_encapsulation(
    core: &Core,
    argument: &mut Argument<'_>,
    irql: &mut Irql<Passive>,
) -> Result<()> {
    let wanted: NDIS_OFFLOAD_ENCAPSULATION = argument.structure(
        NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION,
        NDIS_OFFLOAD_ENCAPSULATION_REVISION_1,
        NDIS_SIZEOF_OFFLOAD_ENCAPSULATION_REVISION_1,
    )?;
    let new = offload::encapsulation(core.offload.get(), &wanted)?;
    set_offloads(core, new, irql);
    Ok(())
}

/// Puts a configuration in force and reports it, as both OIDs ask for, whether or not it is another one (U-02).
fn set_offloads(core: &Core, offloads: Offloads, irql: &Irql<Passive>) {
    core.offload.set(offloads);
    core.handle
        .indicate_offload(&offload::current(offloads), irql);
}
