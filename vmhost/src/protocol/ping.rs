// SPDX-License-Identifier: MIT OR Apache-2.0
//! ICMP echo to the gateway. PASSIVE only.

use super::{Lease, Stack};
use crate::machine::time;
use alloc::{vec, vec::Vec};
use smoltcp::{
    phy::ChecksumCapabilities,
    socket::icmp,
    wire::{Icmpv4Packet, Icmpv4Repr, IpAddress},
};

/// Bytes of echo payload: even, more than a minimum frame.
const PAYLOAD: usize = 56;
/// Identifier of the requests that nobody waits for.
const SHOUT: u16 = 0x5368;
/// How long one reply may take.
const REPLY_LIMIT_NS: u64 = 2_000_000_000;

/// What the pings gave.
#[derive(Clone, Debug, Default)]
pub struct Pings {
    /// Requests sent.
    pub sent: u32,
    /// Replies with the right identifier, number and payload.
    pub received: u32,
    /// Median round trip, microseconds.
    pub rtt_us_median: u64,
}

impl Stack {
    /// Sends `count` echo requests to the gateway, one after the other.
    pub fn ping(&mut self, lease: &Lease, count: u32) -> Pings {
        let buffer = || {
            icmp::PacketBuffer::new(
                vec![icmp::PacketMetadata::EMPTY; 8],
                vec![0; 8 * (PAYLOAD + 64)],
            )
        };
        let identifier = 0x4E44;
        let mut socket = icmp::Socket::new(buffer(), buffer());
        let bound = socket.bind(icmp::Endpoint::Ident(identifier)).is_ok();
        let handle = self.sockets.add(socket);
        let mut result = Pings::default();
        let mut round_trips = Vec::new();
        for number in 0..if bound { count } else { 0 } {
            let sequence = u16::try_from(number).unwrap_or(u16::MAX);
            let payload: Vec<u8> = (0..PAYLOAD)
                .map(|i| (i as u8).wrapping_add(number as u8))
                .collect();
            let started = time::now_ns();
            let request = Icmpv4Repr::EchoRequest {
                ident: identifier,
                seq_no: sequence,
                data: &payload,
            };
            let socket = self.sockets.get_mut::<icmp::Socket<'_>>(handle);
            let Ok(room) = socket.send(request.buffer_len(), IpAddress::Ipv4(lease.gateway)) else {
                continue;
            };
            request.emit(
                &mut Icmpv4Packet::new_unchecked(room),
                &ChecksumCapabilities::default(),
            );
            result.sent += 1;
            let replied = self.run(started + REPLY_LIMIT_NS, |stack| {
                let socket = stack.sockets.get_mut::<icmp::Socket<'_>>(handle);
                while let Ok((bytes, _)) = socket.recv() {
                    if is_reply(bytes, identifier, sequence, &payload) {
                        return Some(time::now_ns());
                    }
                }
                None
            });
            if let Some(at) = replied {
                result.received += 1;
                round_trips.push((at - started) / 1000);
            }
        }
        self.sockets.remove(handle);
        round_trips.sort_unstable();
        result.rtt_us_median = round_trips.get(round_trips.len() / 2).copied().unwrap_or(0);
        result
    }
}

impl Stack {
    /// Sends `count` echo requests at once and waits for none of the replies, which then come at
    /// whatever the adapter is doing next.
    pub fn shout(&mut self, lease: &Lease, count: u16) {
        let buffer = || {
            icmp::PacketBuffer::new(
                vec![icmp::PacketMetadata::EMPTY; usize::from(count)],
                vec![0; usize::from(count) * (PAYLOAD + 64)],
            )
        };
        let mut socket = icmp::Socket::new(buffer(), buffer());
        let bound = socket.bind(icmp::Endpoint::Ident(SHOUT)).is_ok();
        for number in 0..if bound { count } else { 0 } {
            let request = Icmpv4Repr::EchoRequest {
                ident: SHOUT,
                seq_no: number,
                data: &[0x5A; PAYLOAD],
            };
            if let Ok(room) = socket.send(request.buffer_len(), IpAddress::Ipv4(lease.gateway)) {
                let checksums = ChecksumCapabilities::default();
                request.emit(&mut Icmpv4Packet::new_unchecked(room), &checksums);
            }
        }
        let handle = self.sockets.add(socket);
        self.run(time::now_ns(), |_| Some(()));
        self.sockets.remove(handle);
    }
}

fn is_reply(bytes: &[u8], identifier: u16, sequence: u16, payload: &[u8]) -> bool {
    Icmpv4Packet::new_checked(bytes)
        .and_then(|packet| Icmpv4Repr::parse(&packet, &ChecksumCapabilities::default()))
        .is_ok_and(|reply| {
            matches!(reply, Icmpv4Repr::EchoReply { ident, seq_no, data }
                if ident == identifier && seq_no == sequence && data == payload)
        })
}
