// SPDX-License-Identifier: MIT OR Apache-2.0
//! Answers to queries. PASSIVE_LEVEL, in every state; only the statistics touch registers, which is some 100 µs (U-08).

use crate::adapter::Core;
use crate::irq::moderation::Moderation;
use crate::net::{filter, offload, rss};
use ndis::attributes::ALL_STATISTICS;
use ndis::ffi::*;
use ndis::oid::Reply;
use ndis::status::Status;

/// NUL-terminated, as the vendor description has to be.
const VENDOR_DESCRIPTION: &[u8] = b"Intel 82574L Gigabit Ethernet (ndis-e1000e)\0";

/// Major and minor version in the two halves, as OID_GEN_VENDOR_DRIVER_VERSION wants it.
const VENDOR_DRIVER_VERSION: u32 = crate::VERSION.0 as u32 * 0x1_0000 + crate::VERSION.1 as u32;

/// OID_GEN_CURRENT_PACKET_FILTER.
pub fn packet_filter(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&core.filter.types())
}

/// OID_GEN_CURRENT_LOOKAHEAD: whole frames are contiguous, so the answer is always the largest.
pub fn lookahead(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&core.settings.mtu())
}

/// OID_GEN_VLAN_ID: 0 for all of them.
pub fn vlan_id(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&u32::from(core.offload.get().vlan_id()))
}

/// OID_GEN_INTERRUPT_MODERATION: agrees with the keyword.
pub fn moderation(core: &Core, reply: &mut Reply<'_>) -> Status {
    let mut parameters = NDIS_INTERRUPT_MODERATION_PARAMETERS::zeroed();
    parameters.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_DEFAULT,
        Revision: NDIS_INTERRUPT_MODERATION_PARAMETERS_REVISION_1,
        Size: NDIS_SIZEOF_INTERRUPT_MODERATION_PARAMETERS_REVISION_1,
    };
    parameters.InterruptModeration = match core.moderation() {
        Moderation::Off => NdisInterruptModerationDisabled,
        Moderation::Fixed(_) | Moderation::Adaptive => NdisInterruptModerationEnabled,
    };
    reply.value(&parameters)
}

/// OID_GEN_MAXIMUM_TOTAL_SIZE and the block sizes: a whole frame without FCS.
pub fn maximum_total_size(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&core.settings.max_frame())
}

/// OID_GEN_MAXIMUM_FRAME_SIZE: the payload.
pub fn maximum_frame_size(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&core.settings.mtu())
}

/// OID_GEN_TRANSMIT_BUFFER_SPACE.
pub fn transmit_buffer_space(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&(u32::from(core.settings.transmit_buffers) * core.settings.max_frame()))
}

/// OID_GEN_RECEIVE_BUFFER_SPACE.
pub fn receive_buffer_space(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&(u32::from(core.settings.receive_buffers) * core.settings.max_frame()))
}

/// OID_GEN_VENDOR_ID: the OUI of the permanent address, and an index of 0.
pub fn vendor_id(core: &Core, reply: &mut Reply<'_>) -> Status {
    let [a, b, c, ..] = core.permanent_address;
    reply.value(&u32::from_le_bytes([a, b, c, 0]))
}

/// OID_GEN_VENDOR_DESCRIPTION.
pub fn vendor_description(_: &Core, reply: &mut Reply<'_>) -> Status {
    reply.bytes(VENDOR_DESCRIPTION)
}

/// OID_GEN_VENDOR_DRIVER_VERSION.
pub fn vendor_driver_version(_: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&VENDOR_DRIVER_VERSION)
}

/// OID_GEN_HARDWARE_STATUS.
pub fn hardware_status(_: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&NdisHardwareStatusReady)
}

/// OID_GEN_XMIT_OK.
pub fn transmit_ok(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.counter(core.statistics.sent().frames())
}

/// OID_GEN_RCV_OK.
pub fn receive_ok(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.counter(core.statistics.received().frames())
}

/// OID_GEN_STATISTICS: good frames as the driver counted them, errors and losses the chip's as well.
pub fn statistics(core: &Core, reply: &mut Reply<'_>) -> Status {
    let mut info = NDIS_STATISTICS_INFO::zeroed();
    info.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_DEFAULT,
        Revision: NDIS_STATISTICS_INFO_REVISION_1,
        Size: NDIS_SIZEOF_STATISTICS_INFO_REVISION_1,
    };
    info.SupportedStatistics = ALL_STATISTICS;
    let received = core.statistics.received();
    let chip = core.counters.update(core);
    // What the chip missed for want of room, and what the driver dropped: two different things, each frame in one.
    info.ifInDiscards = received.discards.saturating_add(chip.missed_packets);
    info.ifInErrors = received.errors.saturating_add(chip.bad_received());
    info.ifHCInUcastPkts = received.unicast.frames;
    info.ifHCInMulticastPkts = received.multicast.frames;
    info.ifHCInBroadcastPkts = received.broadcast.frames;
    info.ifHCInUcastOctets = received.unicast.octets;
    info.ifHCInMulticastOctets = received.multicast.octets;
    info.ifHCInBroadcastOctets = received.broadcast.octets;
    // U-07: the sum of the three that are reported, not a fourth reading.
    info.ifHCInOctets = received.octets();
    let sent = core.statistics.sent();
    info.ifOutDiscards = sent.discards;
    info.ifOutErrors = sent.errors.saturating_add(chip.bad_sent());
    info.ifHCOutUcastPkts = sent.unicast.frames;
    info.ifHCOutMulticastPkts = sent.multicast.frames;
    info.ifHCOutBroadcastPkts = sent.broadcast.frames;
    info.ifHCOutUcastOctets = sent.unicast.octets;
    info.ifHCOutMulticastOctets = sent.multicast.octets;
    info.ifHCOutBroadcastOctets = sent.broadcast.octets;
    info.ifHCOutOctets = sent.octets();
    reply.value(&info)
}

/// OID_GEN_RECEIVE_SCALE_CAPABILITIES, as in the general attributes.
pub fn receive_scale_capabilities(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.revision(
        &rss::capabilities(core.queues(), core.messages()),
        NDIS_SIZEOF_RECEIVE_SCALE_CAPABILITIES_REVISION_2,
    )
}

/// OID_GEN_RECEIVE_SCALE_PARAMETERS.
pub fn receive_scale_parameters(core: &Core, reply: &mut Reply<'_>) -> Status {
    let (bytes, length) = rss::answer(&core.rss.parameters());
    reply.bytes(bytes.get(..length).unwrap_or(&[]))
}

/// OID_802_3_PERMANENT_ADDRESS.
pub fn permanent_address(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.bytes(&core.permanent_address)
}

/// OID_802_3_CURRENT_ADDRESS.
pub fn current_address(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.bytes(&core.current_address)
}

/// OID_802_3_MULTICAST_LIST.
pub fn multicast_list(core: &Core, reply: &mut Reply<'_>) -> Status {
    let mut bytes = [0; filter::MAX_MULTICAST * 6];
    let mut length = 0;
    for (slot, address) in bytes.chunks_exact_mut(6).zip(core.filter.multicast()) {
        slot.copy_from_slice(&address);
        length += 6;
    }
    reply.bytes(bytes.get(..length).unwrap_or(&[]))
}

/// OID_802_3_MAXIMUM_LIST_SIZE.
pub fn maximum_list_size(_: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&(filter::MAX_MULTICAST as u32))
}

/// OID_TCP_OFFLOAD_CURRENT_CONFIG: as the last indication said.
pub fn offload_current(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&offload::current(core.offload.get()))
}

/// OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES: as the attributes said.
pub fn offload_capabilities(_: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&offload::capabilities())
}

/// OID_PNP_QUERY_POWER: always (W-01).
pub fn query_power(_: &Core, _: &mut Reply<'_>) -> Status {
    Status::SUCCESS
}

/// An Ethernet error counter of four bytes, which stops at its largest value.
fn small(reply: &mut Reply<'_>, value: u64) -> Status {
    reply.value(&u32::try_from(value).unwrap_or(u32::MAX))
}

/// OID_802_3_RCV_ERROR_ALIGNMENT.
pub fn alignment_errors(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).alignment_errors)
}

/// OID_802_3_RCV_OVERRUN: frames for which the chip had no room.
pub fn overruns(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).missed_packets)
}

/// OID_802_3_XMIT_ONE_COLLISION.
pub fn one_collision(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).single_collisions)
}

/// OID_802_3_XMIT_MORE_COLLISIONS.
pub fn more_collisions(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).multiple_collisions)
}

/// OID_802_3_XMIT_DEFERRED.
pub fn deferred(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).deferred)
}

/// OID_802_3_XMIT_MAX_COLLISIONS.
pub fn max_collisions(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).excessive_collisions)
}

/// OID_802_3_XMIT_TIMES_CRS_LOST.
pub fn carrier_lost(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).no_carrier)
}

/// OID_802_3_XMIT_LATE_COLLISIONS.
pub fn late_collisions(core: &Core, reply: &mut Reply<'_>) -> Status {
    small(reply, core.counters.update(core).late_collisions)
}
