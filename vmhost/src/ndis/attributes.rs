// SPDX-License-Identifier: MIT OR Apache-2.0
//! NdisMSetMiniportAttributes: what the miniport says about itself (contract I-01, I-02, I-17).
//! PASSIVE only.

use super::{
    adapter::{self, Adapter, State},
    driver, header, offload,
    status::LinkState,
};
use crate::{exports, exports::Call, field, guest, guest::Ptr, verify};
use ::ndis::ffi::*;
use alloc::{format, vec::Vec};

/// Registration attributes.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// AttributeFlags.
    pub flags: u32,
    /// CheckForHangTimeInSeconds as NDIS uses it: a multiple of 2, at least 2 (I-12).
    pub check_for_hang_s: u32,
}

/// What RecvScaleCapabilities says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// CapabilitiesFlags.
    pub flags: u32,
    /// NumberOfReceiveQueues.
    pub queues: u32,
}

/// The part of the general attributes that the host uses later.
#[derive(Clone, Debug)]
pub struct General {
    /// MtuSize: without the Ethernet header.
    pub mtu: u32,
    /// LookaheadSize.
    pub lookahead: u32,
    /// MacOptions.
    pub mac_options: u32,
    /// SupportedPacketFilters.
    pub filters: u32,
    /// MaxMulticastListSize.
    pub multicast: u32,
    /// CurrentMacAddress.
    pub current_mac: [u8; 6],
    /// MaxXmitLinkSpeed, bits per second.
    pub max_xmit: u64,
    /// MaxRcvLinkSpeed, bits per second.
    pub max_rcv: u64,
    /// AccessType.
    pub access: i32,
    /// ConnectionType.
    pub connection: i32,
    /// SupportedStatistics.
    pub statistics: u32,
    /// RecvScaleCapabilities, of an adapter that has them.
    pub scaling: Option<Scaling>,
    /// DataBackFillSize.
    pub data_backfill: u32,
    /// ContextBackFillSize.
    pub context_backfill: u32,
    /// SupportedOidList.
    pub oids: Vec<u32>,
}

/// Bytes of an Ethernet address.
const MAC: usize = 6;
/// IF_TYPE_ETHERNET_CSMACD.
const IF_TYPE_ETHERNET: u16 = 6;
/// OIDs in a list at most; a longer one is a wrong length.
const MAX_OIDS: u32 = 1024;

exports! {
    "ndis.sys";

    /// Takes one block of attributes.
    [Passive] fn NdisMSetMiniportAttributes(call, handle: u64, attributes: Ptr<NDIS_OBJECT_HEADER>) -> i32 {
        set(call, handle, attributes)
    }
}

fn set(call: &Call, handle: u64, attributes: Ptr<NDIS_OBJECT_HEADER>) -> i32 {
    let Some(adapter) = adapter::find(handle) else {
        verify::violation(
            "H-09",
            format!("{}: {handle:#x} is no adapter handle", call.name()),
        );
        return NDIS_STATUS_INVALID_PARAMETER;
    };
    match header::kind(attributes) {
        NDIS_OBJECT_TYPE_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES => {
            add_device(call, &adapter, attributes.cast())
        }
        NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES => {
            registration(call, &adapter, attributes.cast())
        }
        NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES => {
            general(call, &adapter, attributes.cast())
        }
        kind @ (NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES
        | NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_HARDWARE_ASSIST_ATTRIBUTES
        | NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_NDK_ATTRIBUTES
        | NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_PACKET_DIRECT_ATTRIBUTES) => {
            // I-02: general attributes come before any other block. But for offloads the host offers none of these
            // features upwards, which a miniport may not rely on.
            let ordered = adapter.general.lock().is_some();
            verify::check("I-02", ordered, || {
                call.text(&format!(
                    "block of type {kind:#x} before the general attributes"
                ))
            });
            if !ordered {
                NDIS_STATUS_FAILURE
            } else if kind == NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES {
                offload::attributes(call, &adapter, attributes.cast())
            } else {
                NDIS_STATUS_SUCCESS
            }
        }
        kind => {
            verify::violation(
                "G-06",
                call.text(&format!("attributes of unknown type {kind:#x}")),
            );
            NDIS_STATUS_NOT_SUPPORTED
        }
    }
}

fn add_device(
    call: &Call,
    adapter: &Adapter,
    p: Ptr<NDIS_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES>,
) -> i32 {
    let sizes = [20];
    if header::check(
        "G-06",
        call.name(),
        field!(p, Header),
        NDIS_OBJECT_TYPE_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES,
        &sizes,
    )
    .is_none()
    {
        return NDIS_STATUS_BAD_VERSION;
    }
    adapter.set_add_device_context(field!(p, MiniportAddDeviceContext).read() as u64);
    NDIS_STATUS_SUCCESS
}

fn registration(
    call: &Call,
    adapter: &Adapter,
    p: Ptr<NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES>,
) -> i32 {
    if header::check(
        "G-06",
        call.name(),
        field!(p, Header),
        NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
        &[28, 28],
    )
    .is_none()
    {
        return NDIS_STATUS_BAD_VERSION;
    }
    let first = adapter.state() == State::Initializing && adapter.registration.lock().is_none();
    if !verify::check("I-01", first, || {
        call.text("registration attributes outside MiniportInitializeEx, or twice")
    }) {
        return NDIS_STATUS_FAILURE;
    }
    adapter.set_context(field!(p, MiniportAdapterContext).read() as u64);
    let seconds = field!(p, CheckForHangTimeInSeconds).read();
    *adapter.registration.lock() = Some(Registration {
        flags: field!(p, AttributeFlags).read(),
        // I-12: 5 behaves as 4, 0 as 2.
        check_for_hang_s: (seconds & !1).max(2),
    });
    NDIS_STATUS_SUCCESS
}

fn general(
    call: &Call,
    adapter: &Adapter,
    p: Ptr<NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES>,
) -> i32 {
    let Some(revision) = header::check(
        "G-06",
        call.name(),
        field!(p, Header),
        NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
        &[216, 224],
    ) else {
        return NDIS_STATUS_BAD_VERSION;
    };
    let ordered = adapter.registration.lock().is_some() && adapter.state() == State::Initializing;
    if !verify::check("I-02", ordered, || {
        call.text(
            "general attributes before the registration attributes or outside MiniportInitializeEx",
        )
    }) {
        return NDIS_STATUS_FAILURE;
    }
    let mut seen: NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES =
        guest::read_prefix(p.addr(), if revision == 1 { 216 } else { 224 });
    if revision == 1 {
        seen.PowerManagementCapabilitiesEx = core::ptr::null_mut();
    }
    let Some(oids) = check_general(call, revision, &seen) else {
        return NDIS_STATUS_INVALID_PARAMETER;
    };
    let mac = |bytes: [u8; 32]| {
        let mut mac = [0; MAC];
        mac.copy_from_slice(&bytes[..MAC]);
        mac
    };
    *adapter.link.lock() = LinkState {
        connect: seen.MediaConnectState,
        duplex: seen.MediaDuplexState,
        xmit: seen.XmitLinkSpeed,
        rcv: seen.RcvLinkSpeed,
    };
    *adapter.general.lock() = Some(General {
        mtu: seen.MtuSize,
        lookahead: seen.LookaheadSize,
        mac_options: seen.MacOptions,
        filters: seen.SupportedPacketFilters,
        multicast: seen.MaxMulticastListSize,
        current_mac: mac(seen.CurrentMacAddress),
        max_xmit: seen.MaxXmitLinkSpeed,
        max_rcv: seen.MaxRcvLinkSpeed,
        access: seen.AccessType,
        connection: seen.ConnectionType,
        statistics: seen.SupportedStatistics,
        scaling: scaling(call, seen.RecvScaleCapabilities as usize),
        data_backfill: seen.DataBackFillSize,
        context_backfill: seen.ContextBackFillSize,
        oids,
    });
    NDIS_STATUS_SUCCESS
}

/// NDIS_RECEIVE_SCALE_CAPABILITIES at `address`; 0: the adapter has no receive-side scaling.
fn scaling(call: &Call, address: usize) -> Option<Scaling> {
    if address == 0 {
        return None;
    }
    let p: Ptr<NDIS_RECEIVE_SCALE_CAPABILITIES> = Ptr::new(address);
    let kind = NDIS_OBJECT_TYPE_RSS_CAPABILITIES;
    header::check("G-06", call.name(), field!(p, Header), kind, &[16, 18, 18])?;
    let (flags, queues) = (
        field!(p, CapabilitiesFlags).read(),
        field!(p, NumberOfReceiveQueues).read(),
    );
    verify::check("I-17", queues != 0, || {
        call.text("receive-side scaling with no receive queue")
    });
    Some(Scaling { flags, queues })
}

/// I-17. Returns the list of OIDs, or `None` when the attributes cannot be used at all.
fn check_general(
    call: &Call,
    revision: u8,
    seen: &NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
) -> Option<Vec<u32>> {
    let (medium, mtu) = (seen.MediaType, seen.MtuSize);
    let check = |ok: bool, what: &dyn Fn() -> alloc::string::String| {
        verify::check("I-17", ok, || call.text(&what()))
    };
    let usable = check(medium == NdisMedium802_3, &|| {
        format!("MediaType {medium}, this host has Ethernet protocols only")
    }) & check((68..=65_535).contains(&mtu), &|| format!("MtuSize {mtu}"))
        & check(usize::from(seen.MacAddressLength) == MAC, &|| {
            format!("MacAddressLength {}", seen.MacAddressLength)
        });
    let current = &seen.CurrentMacAddress[..MAC];
    check(
        current[0] & 1 == 0 && current.iter().any(|b| *b != 0),
        &|| format!("CurrentMacAddress {current:02x?} is no station address"),
    );
    check(
        seen.MaxXmitLinkSpeed != 0 && seen.MaxRcvLinkSpeed != 0,
        &|| {
            format!(
                "maximum link speeds {} and {}",
                seen.MaxXmitLinkSpeed, seen.MaxRcvLinkSpeed
            )
        },
    );
    let state = seen.MediaConnectState;
    check((0..=2).contains(&state), &|| {
        format!("MediaConnectState {state}")
    });
    check(seen.IfType == IF_TYPE_ETHERNET, &|| {
        format!("IfType {}", seen.IfType)
    });
    check(
        seen.SupportedPacketFilters & NDIS_PACKET_TYPE_DIRECTED != 0,
        &|| format!("SupportedPacketFilters {:#x}", seen.SupportedPacketFilters),
    );
    check(seen.LookaheadSize != 0, &|| {
        format!("LookaheadSize {}", seen.LookaheadSize)
    });
    // From 6.20 power management capabilities come in the new member.
    if revision >= 2 && driver::minor_version() >= 20 {
        let (old, new) = (
            seen.PowerManagementCapabilities,
            seen.PowerManagementCapabilitiesEx,
        );
        check(old.is_null(), &|| {
            format!("PowerManagementCapabilities {old:p}, which is for NDIS before 6.20")
        });
        // An adapter without power management has neither, which NDIS passes on to protocols.
        if new.is_null() {
            verify::advise(
                "I-17",
                call.text("PowerManagementCapabilitiesEx is NULL: no power management"),
            );
        }
    }
    let (list, bytes) = (seen.SupportedOidList as usize, seen.SupportedOidListLength);
    let good = list != 0 && bytes != 0 && bytes.is_multiple_of(4) && bytes / 4 <= MAX_OIDS;
    let listed = check(good, &|| {
        format!("SupportedOidList {list:#x}, {bytes} bytes")
    });
    if !usable || !listed {
        return None;
    }
    Some(
        (0..bytes as usize / 4)
            .map(|i| guest::read::<u32>(list + 4 * i))
            .collect(),
    )
}
