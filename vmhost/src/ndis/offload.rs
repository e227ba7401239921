// SPDX-License-Identifier: MIT OR Apache-2.0
//! Task offloads as NDIS keeps them: the capabilities and the configuration from the attributes, the configuration
//! from every NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, and what a protocol sets when it opens the adapter (contract
//! §6.2, §6.3).

use super::{adapter::Adapter, header, oid};
use crate::{
    exports::Call,
    field,
    guest::{self, Ptr},
    log, verify,
};
use ::ndis::ffi::*;
use alloc::{format, string::String};

/// Least size of each revision of NDIS_OFFLOAD, through its last member.
const SIZES: [usize; 7] = [112, 144, 150, 177, 188, 216, 216];

/// What the driver said.
#[derive(Clone, Copy)]
pub struct Offloads {
    /// HardwareOffloadCapabilities.
    pub capabilities: NDIS_OFFLOAD,
    /// DefaultOffloadConfiguration, or the last indication.
    pub current: NDIS_OFFLOAD,
    /// Indications so far.
    pub indications: u32,
}

/// NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES.
pub fn attributes(
    call: &Call,
    adapter: &Adapter,
    p: Ptr<NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES>,
) -> i32 {
    let kind = NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES;
    if header::check("G-06", call.name(), field!(p, Header), kind, &[40]).is_none() {
        return NDIS_STATUS_BAD_VERSION;
    }
    let configured = field!(p, DefaultOffloadConfiguration).read() as usize;
    let capable = field!(p, HardwareOffloadCapabilities).read() as usize;
    let (Some(current), Some(capabilities)) = (
        read(call, "G-06", configured, usize::MAX),
        read(call, "G-06", capable, usize::MAX),
    ) else {
        return NDIS_STATUS_INVALID_PARAMETER;
    };
    let offloads = Offloads {
        capabilities,
        current,
        indications: 0,
    };
    within(call, &offloads);
    *adapter.offloads.lock() = Some(offloads);
    NDIS_STATUS_SUCCESS
}

/// NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG.
pub fn indicated(call: &Call, adapter: &Adapter, buffer: (usize, usize)) {
    let Some(current) = read(call, "U-01", buffer.0, buffer.1) else {
        return;
    };
    let known = adapter.offloads.lock().is_some();
    verify::check("U-11", known, || {
        call.text("an offload configuration without offload attributes")
    });
    let mut seen = None;
    if let Some(offloads) = &mut *adapter.offloads.lock() {
        offloads.current = current;
        offloads.indications += 1;
        seen = Some(*offloads);
    }
    if let Some(offloads) = seen {
        within(call, &offloads);
    }
}

/// An NDIS_OFFLOAD at `address` in a buffer of `room` bytes.
fn read(call: &Call, rule: &'static str, address: usize, room: usize) -> Option<NDIS_OFFLOAD> {
    if !verify::check(rule, address != 0 && room >= SIZES[0], || {
        call.text(&format!("NDIS_OFFLOAD at {address:#x}, {room} bytes"))
    }) {
        return None;
    }
    let p: Ptr<NDIS_OFFLOAD> = Ptr::new(address);
    let header = field!(p, Header);
    header::check(rule, call.name(), header, NDIS_OBJECT_TYPE_OFFLOAD, &SIZES)?;
    let size = usize::from(header.read().Size);
    if !verify::check(rule, size <= room, || {
        call.text(&format!("Size {size} in a buffer of {room} bytes"))
    }) {
        return None;
    }
    Some(guest::read_prefix(
        address,
        size.min(size_of::<NDIS_OFFLOAD>()),
    ))
}

/// U-11: nothing is on that the hardware does not have.
fn within(call: &Call, offloads: &Offloads) {
    let (now, most) = (&offloads.current, &offloads.capabilities);
    let (n, m) = (&now.Checksum, &most.Checksum);
    let pairs = [
        (n.IPv4Transmit.bits, m.IPv4Transmit.bits),
        (n.IPv4Receive.bits, m.IPv4Receive.bits),
        (n.IPv6Transmit.bits, m.IPv6Transmit.bits),
        (n.IPv6Receive.bits, m.IPv6Receive.bits),
        (n.IPv4Transmit.Encapsulation, m.IPv4Transmit.Encapsulation),
        (n.IPv4Receive.Encapsulation, m.IPv4Receive.Encapsulation),
        (n.IPv6Transmit.Encapsulation, m.IPv6Transmit.Encapsulation),
        (n.IPv6Receive.Encapsulation, m.IPv6Receive.Encapsulation),
        (now.LsoV2.IPv4.Encapsulation, most.LsoV2.IPv4.Encapsulation),
        (now.LsoV2.IPv6.Encapsulation, most.LsoV2.IPv6.Encapsulation),
        (now.LsoV2.IPv6.bits, most.LsoV2.IPv6.bits),
    ];
    let sizes = [
        (
            now.LsoV2.IPv4.MaxOffLoadSize,
            most.LsoV2.IPv4.MaxOffLoadSize,
        ),
        (
            now.LsoV2.IPv6.MaxOffLoadSize,
            most.LsoV2.IPv6.MaxOffLoadSize,
        ),
    ];
    let good = pairs.iter().all(|(now, most)| now & !most == 0)
        && sizes.iter().all(|(now, most)| now <= most);
    verify::check("U-11", good, || {
        call.text(&format!(
            "offloads are on that the hardware does not have: {pairs:x?}, large sends {sizes:?}"
        ))
    });
    // A checksum without an encapsulation cannot be used by anybody.
    let usable = pairs[..4]
        .iter()
        .zip(&pairs[4..8])
        .all(|((bits, _), (encapsulation, _))| *bits == 0 || *encapsulation != 0);
    verify::check("U-11", usable, || {
        call.text("checksums are on for no encapsulation")
    });
}

/// What a protocol does that wants to use the offloads of an adapter: sets the encapsulation, after which the driver
/// reports the configuration. Nothing for an adapter without offloads. PASSIVE.
pub fn activate(adapter: &Adapter) -> Result<(), String> {
    let Some(before) = *adapter.offloads.lock() else {
        return Ok(());
    };
    let mut wanted = NDIS_OFFLOAD_ENCAPSULATION::zeroed();
    wanted.Header = header::make(
        NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION,
        NDIS_OFFLOAD_ENCAPSULATION_REVISION_1,
        size_of::<NDIS_OFFLOAD_ENCAPSULATION>(),
    );
    wanted.IPv4.Enabled = NDIS_OFFLOAD_SET_ON;
    wanted.IPv4.EncapsulationType = NDIS_ENCAPSULATION_IEEE_802_3;
    wanted.IPv4.HeaderSize = 14;
    wanted.IPv6.Enabled = NDIS_OFFLOAD_SET_ON;
    wanted.IPv6.EncapsulationType = NDIS_ENCAPSULATION_IEEE_802_3;
    wanted.IPv6.HeaderSize = 14;
    set(adapter, OID_OFFLOAD_ENCAPSULATION, &bytes(&wanted), &before)
}

/// Sets OID_TCP_OFFLOAD_PARAMETERS; the driver reports the new configuration. PASSIVE.
pub fn configure(adapter: &Adapter, mut wanted: NDIS_OFFLOAD_PARAMETERS) -> Result<(), String> {
    let Some(before) = *adapter.offloads.lock() else {
        return Err(String::from("the adapter has no offloads"));
    };
    wanted.Header = header::make(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_OFFLOAD_PARAMETERS_REVISION_5,
        usize::from(NDIS_SIZEOF_OFFLOAD_PARAMETERS_REVISION_5),
    );
    set(
        adapter,
        OID_TCP_OFFLOAD_PARAMETERS,
        &bytes(&wanted),
        &before,
    )
}

/// Switches checksums both ways and large sends on or off, as far as the adapter has them. PASSIVE.
pub fn switch(adapter: &Adapter, on: bool) -> Result<(), String> {
    let mut wanted = NDIS_OFFLOAD_PARAMETERS::zeroed();
    let (sums, large) = if on {
        (
            NDIS_OFFLOAD_PARAMETERS_TX_RX_ENABLED,
            NDIS_OFFLOAD_PARAMETERS_LSOV2_ENABLED,
        )
    } else {
        (
            NDIS_OFFLOAD_PARAMETERS_TX_RX_DISABLED,
            NDIS_OFFLOAD_PARAMETERS_LSOV2_DISABLED,
        )
    };
    for field in [
        &mut wanted.IPv4Checksum,
        &mut wanted.TCPIPv4Checksum,
        &mut wanted.UDPIPv4Checksum,
        &mut wanted.TCPIPv6Checksum,
        &mut wanted.UDPIPv6Checksum,
    ] {
        *field = sums as u8;
    }
    wanted.LsoV2IPv4 = large as u8;
    wanted.LsoV2IPv6 = large as u8;
    configure(adapter, wanted)
}

fn set(adapter: &Adapter, number: u32, data: &[u8], before: &Offloads) -> Result<(), String> {
    let answer = oid::set(adapter, number, data);
    if answer.status != NDIS_STATUS_SUCCESS {
        return Err(format!(
            "setting OID {number:#010x} failed with {:#010x}",
            answer.status as u32
        ));
    }
    let now = (*adapter.offloads.lock()).map_or(0, |offloads| offloads.indications);
    verify::check_of(
        verify::Handler::OidRequest,
        "U-11",
        now > before.indications,
        || format!("OID {number:#010x} was set and no current configuration indicated"),
    );
    log!("offloads: OID {number:#010x} set");
    Ok(())
}

/// The bytes of one of the host's own structures.
fn bytes<T>(value: &T) -> alloc::vec::Vec<u8> {
    guest::bytes(core::ptr::from_ref(value).addr(), size_of::<T>())
}
