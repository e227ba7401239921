// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames of a flood: cheap to make and to check, since each differs from the last in eight
//! bytes only.

use crate::frame::{self, Network, PEER, Transport, Way};
use alloc::vec::Vec;

/// Where the number of a flood frame lies: behind a UDP header over IPv4.
pub const NUMBER_AT: usize = 42;
/// The shortest flood frame.
pub const SHORTEST: usize = 60;
/// Marks flood frames, in front of the number's place: the UDP ports.
const PORTS: [u8; 4] = [0xF1, 0x00, 0xF1, 0x0D];
const PORTS_AT: usize = 34;
/// No UDP checksum, so that the number can change alone.
const CHECKSUM_AT: usize = 40;

/// The flood frame of `length` bytes with number 0.
pub fn template(length: usize, guest: [u8; 6], way: Way) -> Vec<u8> {
    let length = length.max(SHORTEST);
    let spec = frame::Spec::new(0xF100, length as u32, Network::V4, Transport::Udp);
    let mut bytes = frame::build(&spec, guest, way).bytes;
    bytes[PORTS_AT..PORTS_AT + 4].copy_from_slice(&PORTS);
    bytes[CHECKSUM_AT..CHECKSUM_AT + 2].fill(0);
    set_number(&mut bytes, 0);
    bytes
}

/// Numbers a flood frame.
pub fn set_number(bytes: &mut [u8], number: u64) {
    bytes[NUMBER_AT..NUMBER_AT + 8].copy_from_slice(&number.to_le_bytes());
}

/// The number of a flood frame; `None`: it is none.
pub fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.get(PORTS_AT..PORTS_AT + 4)? != PORTS {
        return None;
    }
    let mut number = [0; 8];
    number.copy_from_slice(bytes.get(NUMBER_AT..NUMBER_AT + 8)?);
    Some(u64::from_le_bytes(number))
}

/// Whether all bytes but the number are those of the template.
pub fn matches(bytes: &[u8], template: &[u8]) -> bool {
    bytes.len() == template.len()
        && bytes[..NUMBER_AT] == template[..NUMBER_AT]
        && bytes[NUMBER_AT + 8..] == template[NUMBER_AT + 8..]
}

/// Whether `bytes` came from the peer.
pub fn is_from_peer(bytes: &[u8]) -> bool {
    bytes.get(6..12) == Some(&PEER[..])
}
