// SPDX-License-Identifier: MIT OR Apache-2.0
//! Test frames that need no protocol: broadcast frames of an experimental type, and IPv4.

use alloc::vec::Vec;

/// Bytes of an Ethernet header.
pub const HEADER: usize = 14;
/// EtherType for local experiments (IEEE 802, 0x88B5).
const EXPERIMENTAL: u16 = 0x88B5;

/// A broadcast frame of `length` bytes, at least a header.
pub fn broadcast(source: [u8; 6], length: usize, number: u8) -> Vec<u8> {
    let mut frame = header(source, EXPERIMENTAL);
    while frame.len() < length {
        frame.push((frame.len() as u8).wrapping_mul(31).wrapping_add(number));
    }
    frame.truncate(length);
    frame
}

/// A broadcast UDP datagram from the unspecified address to the discard port, `length` bytes in
/// all, at least 42.
pub fn udp(source: [u8; 6], length: usize, number: u8) -> Vec<u8> {
    let mut frame = header(source, 0x0800);
    let total = (length - HEADER) as u16;
    let mut ip = [0u8; 20];
    ip[0] = 0x45;
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    ip[8] = 1; // time to live
    ip[9] = 17; // UDP
    ip[16..20].fill(255);
    let checksum = !ip
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .reduce(|a, b| {
            let sum = a + b;
            (sum & 0xFFFF) + (sum >> 16)
        })
        .unwrap_or(0) as u16;
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    frame.extend_from_slice(&ip);
    // Ports, length, no checksum.
    frame.extend_from_slice(&[0x27, 0x0F, 0, 9]);
    frame.extend_from_slice(&(total - 20).to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    while frame.len() < length {
        frame.push(number);
    }
    frame
}

/// An ARP request for the gateway of QEMU's user network, padded to the minimum.
pub fn arp(source: [u8; 6]) -> Vec<u8> {
    let mut frame = header(source, 0x0806);
    // Ethernet, IPv4, address lengths, request.
    frame.extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend_from_slice(&source);
    frame.extend_from_slice(&[10, 0, 2, 15, 0, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&[10, 0, 2, 2]);
    frame.resize(60, 0);
    frame
}

fn header(source: [u8; 6], kind: u16) -> Vec<u8> {
    let mut frame = Vec::from([0xFF; 6]);
    frame.extend_from_slice(&source);
    frame.extend_from_slice(&kind.to_be_bytes());
    frame
}
