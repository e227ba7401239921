// SPDX-License-Identifier: MIT OR Apache-2.0
//! An adapter in one VLAN: OID_GEN_VLAN_ID and the keyword. PASSIVE.
//!
//! Source: the public pages "OID_GEN_VLAN_ID" and "Sending 802.1Q-Marked Packets", "Receiving 802.1Q-Marked Packets".

use super::{
    super::step,
    kinds::FLOWS,
    path::{Judge, Outgoing, Path},
    skip,
};
use crate::{
    ndis::{adapter::Adapter, means::Means, oid},
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec, vec::Vec};
use vmhost_proto::{HostConfig, RegistryValue};
use vmhost_wire::frame::{Leave, Network, Spec, To, Transport};

/// The VLAN of the cases that set it.
const OWN: u16 = 0x123;
/// The keyword, and the last VLAN there is.
const KEYWORD: &str = "VlanID";
const LAST: u16 = 4094;
/// A priority.
const PRIORITY: u16 = 0xA000;

/// The VLAN in force; `None`: the adapter has no such object.
pub fn current(adapter: &Adapter) -> Option<u32> {
    let answer = oid::query(adapter, OID_GEN_VLAN_ID, size_of::<u32>());
    let bytes = answer
        .data
        .get(..4)
        .and_then(|bytes| bytes.try_into().ok())?;
    (answer.status == NDIS_STATUS_SUCCESS).then(|| u32::from_le_bytes(bytes))
}

fn set(adapter: &Adapter, id: u32) -> i32 {
    oid::set(adapter, OID_GEN_VLAN_ID, &id.to_le_bytes()).status
}

fn must(good: bool, what: impl FnOnce() -> String) {
    verify::check_of(Handler::OidRequest, "O-06", good, what);
}

/// A life with the keyword begins in its VLAN; everything else is about all of them.
pub fn at_the_start(path: &mut Path<'_>, config: &HostConfig) -> Result<(), String> {
    if current(path.adapter()).is_none() {
        return Ok(());
    }
    let keywords = &config.install.keywords;
    let keyword = keywords.iter().find(|keyword| keyword.name == KEYWORD);
    let id = match keyword.map(|keyword| &keyword.value) {
        Some(RegistryValue::Sz(text)) => text.parse().unwrap_or(0).min(LAST),
        _ => 0,
    };
    if id == 0 {
        Ok(())
    } else {
        exercise(path, "VLAN by keyword", id)
    }
}

/// The object, then the traffic of one VLAN.
pub fn all(path: &mut Path<'_>) -> Result<(), String> {
    step("one VLAN");
    let Some(before) = current(path.adapter()) else {
        skip(path, "one VLAN");
        return Ok(());
    };
    must(before == 0, || {
        format!("the VLAN is {before}, and nobody set it")
    });
    let adapter = path.adapter();
    for wrong in [4095, 0x1000, 1 << 16 | 1] {
        let status = set(adapter, wrong);
        must(
            status != NDIS_STATUS_SUCCESS && current(adapter) == Some(0),
            || format!("VLAN {wrong:#x} was taken: {status:#x}"),
        );
    }
    must(set(adapter, OWN.into()) == NDIS_STATUS_SUCCESS, || {
        "the VLAN cannot be set".into()
    });
    exercise(path, "VLAN by OID", OWN)
}

/// Frames of one VLAN both ways; ends in all VLANs.
fn exercise(path: &mut Path<'_>, name: &str, own: u16) -> Result<(), String> {
    let have = current(path.adapter());
    must(have == Some(own.into()), || {
        format!("{name}: the VLAN is {have:?}, and must be {own}")
    });
    path.vlan = own;
    let result = receive(path, name).and_then(|()| send(path, name));
    path.vlan = 0;
    let status = set(path.adapter(), 0);
    must(status == NDIS_STATUS_SUCCESS, || {
        format!("{name}: the VLAN cannot be taken away: {status:#x}")
    });
    result
}

/// A VLAN that is not this one.
fn other(own: u16) -> u16 {
    if own == LAST { 1 } else { own + 1 }
}

fn receive(path: &mut Path<'_>, name: &str) -> Result<(), String> {
    let mut specs = Vec::new();
    let (own, other) = (path.vlan, other(path.vlan));
    for tag in [0, PRIORITY, own, own | PRIORITY, other, other | PRIORITY] {
        for (network, transport) in FLOWS {
            for to in [To::End, To::Group, To::All] {
                let spec = Spec::new(path.numbers.next(), 200, network, transport);
                specs.push(spec.to(to).tagged([tag, 0]));
            }
        }
    }
    path.case(&format!("receive, {name}"), |path, what| {
        path.receive(what, &specs, &Judge::Steady, |_| Ok(()))
    })
}

fn send(path: &mut Path<'_>, name: &str) -> Result<(), String> {
    let most = path.most();
    let means = Means::of(path.adapter());
    let (own, other) = (path.vlan, other(path.vlan));
    let mut frames = Vec::new();
    // Out of band, and what must be on the wire.
    for outside in [0, PRIORITY, own, own | PRIORITY] {
        let tag = means.of_tag(outside) | own;
        for length in [42, 60, 300, most] {
            let spec = Spec::new(path.numbers.next(), length, Network::Raw, Transport::Other);
            frames.push((spec, Leave::default(), outside, tag, 0));
        }
        for (network, transport) in FLOWS {
            let spec = Spec::new(path.numbers.next(), 300, network, transport);
            let transport = means.transmit(network).transport(transport);
            let leave = Leave {
                transport,
                ..Leave::default()
            };
            frames.push((spec, leave, outside, tag, 0));
        }
    }
    let frames: Vec<Outgoing> = frames
        .into_iter()
        .map(|(spec, leave, outside, tag, mss)| Outgoing {
            outside: Some(outside),
            ..Outgoing::new(spec, leave, tag, mss)
        })
        .collect();
    path.case(&format!("send, {name}"), |path, what| {
        path.send(what, &frames)
    })?;
    // In the frame already.
    let spec = Spec::new(path.numbers.next(), 200, Network::V4, Transport::Udp);
    let inside = [Path::plain(spec.tagged([own | PRIORITY, 0]))];
    path.case(
        &format!("send with the tag in the frame, {name}"),
        |path, what| path.send(what, &inside),
    )?;
    let spec = Spec::new(path.numbers.next(), 200, Network::V4, Transport::Udp);
    let mut foreign = vec![Path::plain(spec.tagged([other, 0]))];
    foreign.push(Outgoing {
        outside: Some(other),
        ..Path::plain(spec)
    });
    let lists = foreign
        .iter()
        .map(|one| {
            let (bytes, info, _) = path.prepare(one);
            (vec![(bytes, Default::default())], info)
        })
        .collect();
    path.case(&format!("sends of another VLAN, {name}"), |path, what| {
        path.refuse(what, lists)
    })
}
