// SPDX-License-Identifier: MIT OR Apache-2.0
//! What came out of band with a received frame, against what is known about the frame. PASSIVE.

use super::path::Judge;
use crate::{
    ndis::{means::Means, receive::Received},
    verify::{self, Handler},
};
use alloc::format;
use vmhost_wire::frame::{Checksum, Frame, Spec, Transport, Twist};

/// Bits of TcpIpChecksumNetBufferListInfo in receive form.
const TCP_FAILED: u32 = 1;
const UDP_FAILED: u32 = 1 << 1;
const IP_FAILED: u32 = 1 << 2;
const TCP_GOOD: u32 = 1 << 3;
const UDP_GOOD: u32 = 1 << 4;
const IP_GOOD: u32 = 1 << 5;

/// D-61, D-62, D-63.
pub fn check(
    handler: Handler,
    means: &Means,
    judge: &Judge,
    spec: &Spec,
    frame: &Frame,
    received: &Received,
) {
    checksum(handler, spec, frame, received.checksum);
    if !matches!(judge, Judge::Changing) {
        promised(handler, means, spec, frame, received.checksum);
    }
    match judge {
        Judge::Scaled(parameters) => parameters.check(handler, spec, frame, received),
        Judge::Steady => {
            // No protocol has asked for a hash.
            verify::check_of(handler, "D-63", received.hash_info == 0, || {
                format!(
                    "hash information {:#x} without receive-side scaling",
                    received.hash_info
                )
            });
        }
        Judge::Changing => {}
    }
    let tag = means.of_tag(spec.tags[0]);
    // The bytes were compared with the tag put back where it was, so its value is right.
    verify::check_of(handler, "D-62", tag == 0 || received.tag != 0, || {
        format!("a tag was not taken out of the frame: {spec:?}")
    });
    verify::check_of(handler, "D-62", tag != 0 || received.tag == 0, || {
        format!(
            "Ieee8021QNetBufferListInfo {:#x} for a frame without that tag: {spec:?}",
            received.tag
        )
    });
}

/// D-61: claims that the configuration promises, and none when it has none.
fn promised(handler: Handler, means: &Means, spec: &Spec, frame: &Frame, claims: u32) {
    let (ip, transport) = means.must_judge(spec);
    let good = |must: bool, checksum: Checksum, claim: u32| {
        !must || checksum != Checksum::Good || claims & claim != 0
    };
    let claim = if spec.transport == Transport::Tcp {
        TCP_GOOD
    } else {
        UDP_GOOD
    };
    // Behind a wrong header nothing need be said.
    let transport = transport && frame.ip_checksum != Checksum::Bad;
    let made =
        good(ip, frame.ip_checksum, IP_GOOD) && good(transport, frame.transport_checksum, claim);
    verify::check_of(handler, "D-61", made, || {
        format!("checksum flags {claims:#x} for a good and plain packet: {spec:?}")
    });
    let nothing = !means.judges(spec.network);
    verify::check_of(handler, "D-61", !nothing || claims == 0, || {
        format!("checksum flags {claims:#x} while receive checksums are off: {spec:?}")
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
