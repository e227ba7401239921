// SPDX-License-Identifier: MIT OR Apache-2.0
//! Choices that no public document settles. Each is a switch, so that a reader can see what the
//! host assumes and a run can be made with the other answer.

/// `MoreNblsPending` is TRUE on entry of a DPC. A driver that sets it on every path passes either
/// way; one whose non-receive messages ignore the throttle argument (legal by X-46) would be
/// called again for ever. Off.
pub const PRESET_MORE_NBLS_PENDING: bool = false;

/// The descriptor of MSI messages in the resource list has the raw form, with `MessageCount`.
/// Off gives the translated form, with `Level`.
pub const MSI_DESCRIPTOR_IS_RAW: bool = true;

/// PCI bus mastering is already on when the miniport is initialised, as the PCI bus driver leaves
/// it on a started device.
pub const BUS_MASTER_ON: bool = true;

/// The filter list has one alternative list with all messages, one with a single message, one
/// with the line. The order and grouping of the bus driver's alternatives are not documented.
pub const ALTERNATIVE_LISTS: bool = true;

/// NDIS polls a new poll object before the driver asks for it, perhaps before NdisRegisterPoll returns. The pages say that
/// the first poll follows the first request.
pub const POLL_AT_REGISTRATION: bool = true;

/// NDIS polls once more after it has turned notification on, to close the gap between the last poll and the open mask.
/// The pages do not say; a driver must stand both.
pub const POLL_AFTER_NOTIFICATION: bool = true;

/// NDIS calls the interrupt handlers once more between the driver's call of
/// NdisMDeregisterInterruptEx and the disconnection (X-92 says they may run up to that instant).
pub const LAST_INTERRUPT_AT_DEREGISTRATION: bool = true;

/// Sends of a call of MiniportSendNetBufferLists that has not returned count for P-05 when the pause completes. The pages speak
/// of outstanding sends; a miniport that takes no lock across the pause cannot know of a call that it has not looked at. Off:
/// they are judged when the call returns.
pub const SENDS_OF_OPEN_CALLS_COUNT: bool = false;

/// How long after a change of the packet filter frames that the old one let through may still be indicated (D-36), in
/// nanoseconds. The pages do not say that a set waits for them.
pub const OLD_FILTER_NS: u64 = 50_000_000;

/// A miniport that is running out of receive buffers must say so (D-33: NDIS_RECEIVE_FLAGS_RESOURCES). The pages say that it should;
/// one that lets its ring run dry loses frames, and goes on when they come back (D-39). Off: only the latter is judged.
pub const SHORTAGE_IS_TOLD: bool = true;
