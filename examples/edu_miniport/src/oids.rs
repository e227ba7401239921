// SPDX-License-Identifier: MIT OR Apache-2.0
//! The OIDs that an Ethernet miniport must answer. PASSIVE_LEVEL.

use core::sync::atomic::Ordering;

use ndis::ffi::*;
use ndis::miniport::Outcome;
use ndis::oid::{Argument, OidRequest, Reply};
use ndis::status::{Result, Status};

use crate::adapter::{BUFFERS, Core, FRAME};

/// What `answer` answers.
pub const SUPPORTED: [NDIS_OID; 15] = [
    OID_GEN_CURRENT_PACKET_FILTER,
    OID_GEN_CURRENT_LOOKAHEAD,
    OID_GEN_INTERRUPT_MODERATION,
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

/// Multicast addresses that NDIS may set; all are received.
const MULTICAST: usize = 32;

/// Packet filters of the general attributes.
const FILTERS: u32 = NDIS_PACKET_TYPE_DIRECTED
    | NDIS_PACKET_TYPE_MULTICAST
    | NDIS_PACKET_TYPE_ALL_MULTICAST
    | NDIS_PACKET_TYPE_BROADCAST
    | NDIS_PACKET_TYPE_PROMISCUOUS;

/// Answers a request.
pub fn answer(core: &Core, mut request: OidRequest<'_>) -> Outcome {
    let oid = request.oid();
    let status = if let Some(mut reply) = request.query() {
        query(core, oid, &mut reply)
    } else if let Some(mut argument) = request.set() {
        set(core, oid, &mut argument).into()
    } else {
        Status::NOT_SUPPORTED
    };
    request.done(status)
}

fn query(core: &Core, oid: NDIS_OID, reply: &mut Reply<'_>) -> Status {
    let count = |counter: &core::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    match oid {
        OID_GEN_MAXIMUM_TOTAL_SIZE | OID_GEN_TRANSMIT_BLOCK_SIZE | OID_GEN_RECEIVE_BLOCK_SIZE => {
            reply.value(&FRAME)
        }
        OID_GEN_TRANSMIT_BUFFER_SPACE | OID_GEN_RECEIVE_BUFFER_SPACE => {
            reply.value(&(FRAME * BUFFERS))
        }
        OID_GEN_CURRENT_LOOKAHEAD => reply.value(&(FRAME - 14)),
        OID_GEN_CURRENT_PACKET_FILTER => reply.value(&core.filter.load(Ordering::Relaxed)),
        OID_GEN_VENDOR_ID => reply.value(&0x00FF_FFFF_u32),
        OID_GEN_VENDOR_DESCRIPTION => reply.bytes(b"QEMU edu device\0"),
        OID_GEN_VENDOR_DRIVER_VERSION => reply.value(&0x0001_0000_u32),
        OID_GEN_XMIT_OK => reply.counter(count(&core.sent)),
        OID_GEN_RCV_OK => reply.counter(count(&core.received)),
        OID_GEN_STATISTICS => reply.value(&statistics(core)),
        OID_GEN_INTERRUPT_MODERATION => {
            let mut moderation = NDIS_INTERRUPT_MODERATION_PARAMETERS::zeroed();
            moderation.Header = header(
                NDIS_INTERRUPT_MODERATION_PARAMETERS_REVISION_1,
                NDIS_SIZEOF_INTERRUPT_MODERATION_PARAMETERS_REVISION_1,
            );
            moderation.InterruptModeration = NdisInterruptModerationNotSupported;
            reply.value(&moderation)
        }
        _ => Status::NOT_SUPPORTED,
    }
}

fn set(core: &Core, oid: NDIS_OID, argument: &mut Argument<'_>) -> Result<()> {
    match oid {
        OID_GEN_CURRENT_PACKET_FILTER => {
            let filter: u32 = argument.value()?;
            if filter & !FILTERS != 0 {
                return Err(Status::NOT_SUPPORTED);
            }
            core.filter.store(filter, Ordering::Relaxed);
            Ok(())
        }
        OID_GEN_CURRENT_LOOKAHEAD => argument.value::<u32>().map(drop),
        OID_GEN_INTERRUPT_MODERATION => Err(Status::INVALID_DATA),
        OID_802_3_MULTICAST_LIST => match argument.len() {
            length if length % 6 != 0 => Err(argument.wrong_length(6)),
            length if length > 6 * MULTICAST => Err(Status::MULTICAST_FULL),
            _ => {
                argument.bytes();
                Ok(())
            }
        },
        _ => Err(Status::NOT_SUPPORTED),
    }
}

fn header(revision: u8, size: u16) -> NDIS_OBJECT_HEADER {
    NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_DEFAULT,
        Revision: revision,
        Size: size,
    }
}

/// All counters: what is sent is what is received, less what had no buffer.
fn statistics(core: &Core) -> NDIS_STATISTICS_INFO {
    let mut all = NDIS_STATISTICS_INFO::zeroed();
    all.Header = header(
        NDIS_STATISTICS_INFO_REVISION_1,
        NDIS_SIZEOF_STATISTICS_INFO_REVISION_1,
    );
    all.SupportedStatistics = NDIS_STATISTICS_FLAGS_VALID_DIRECTED_FRAMES_RCV
        | NDIS_STATISTICS_FLAGS_VALID_DIRECTED_FRAMES_XMIT
        | NDIS_STATISTICS_FLAGS_VALID_BYTES_XMIT
        | NDIS_STATISTICS_FLAGS_VALID_DIRECTED_BYTES_XMIT
        | NDIS_STATISTICS_FLAGS_VALID_RCV_DISCARDS;
    all.ifHCOutUcastPkts = core.sent.load(Ordering::Relaxed);
    all.ifHCInUcastPkts = core.received.load(Ordering::Relaxed);
    all.ifHCOutOctets = core.sent_bytes.load(Ordering::Relaxed);
    all.ifHCOutUcastOctets = all.ifHCOutOctets;
    all.ifInDiscards = core.dropped.load(Ordering::Relaxed);
    all
}
