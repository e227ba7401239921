// SPDX-License-Identifier: MIT OR Apache-2.0
//! What came out of band with a received frame, against what is known about the frame. PASSIVE.

use super::super::bring_up::Session;
use crate::{
    ndis::receive::Received,
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::format;
use vmhost_wire::frame::{Checksum, Frame, Spec, Transport, Twist};

/// Bits of TcpIpChecksumNetBufferListInfo in receive form.
const TCP_FAILED: u32 = 1;
const UDP_FAILED: u32 = 1 << 1;
const IP_FAILED: u32 = 1 << 2;
const TCP_GOOD: u32 = 1 << 3;
const UDP_GOOD: u32 = 1 << 4;
const IP_GOOD: u32 = 1 << 5;

/// D-61, D-62.
pub fn check(session: &Session, handler: Handler, spec: &Spec, frame: &Frame, received: &Received) {
    checksum(handler, spec, frame, received.checksum);
    let options = session
        .adapter
        .general
        .lock()
        .as_ref()
        .map_or(0, |g| g.mac_options);
    let out_of_band = options & (NDIS_MAC_OPTION_8021P_PRIORITY | NDIS_MAC_OPTION_8021Q_VLAN) != 0;
    let tagged = spec.tag_bytes() != 0;
    // The bytes were compared with the tag put back where it was, so its value is right.
    verify::check_of(
        handler,
        "D-62",
        !(out_of_band && tagged) || received.tag != 0,
        || format!("a tag was not taken out of the frame: {spec:?}"),
    );
    verify::check_of(handler, "D-62", tagged || received.tag == 0, || {
        format!(
            "Ieee8021QNetBufferListInfo {:#x} for a frame without a tag: {spec:?}",
            received.tag
        )
    });
}

/// D-61: no claim that is not true.
fn checksum(handler: Handler, spec: &Spec, frame: &Frame, claims: u32) {
    let is = |transport| spec.transport == transport;
    let (ip, transport) = (frame.ip_checksum, frame.transport_checksum);
    // What a chip makes of headers that end in the padding is its own affair, and so is the
    // checksum of a packet that is cut off.
    if frame.network.is_none() && ip == Checksum::Unknown {
        return;
    }
    let cut = spec.twists().contains(Twist::TRUNCATED);
    let good = |claim: u32, may: bool| claims & claim == 0 || may;
    let true_claims = good(IP_GOOD, ip == Checksum::Good)
        && good(IP_FAILED, ip == Checksum::Bad)
        && good(
            TCP_GOOD,
            cut || is(Transport::Tcp) && transport == Checksum::Good,
        )
        && good(
            TCP_FAILED,
            cut || is(Transport::Tcp) && transport == Checksum::Bad,
        )
        && good(
            UDP_GOOD,
            cut || is(Transport::Udp) && matches!(transport, Checksum::Good | Checksum::Absent),
        )
        && good(
            UDP_FAILED,
            cut || is(Transport::Udp) && transport == Checksum::Bad,
        );
    verify::check_of(handler, "D-61", true_claims, || {
        format!(
            "checksum flags {claims:#x} for IP header {ip:?}, transport {transport:?}: {spec:?}"
        )
    });
}
