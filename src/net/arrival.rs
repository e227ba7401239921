// SPDX-License-Identifier: MIT OR Apache-2.0
//! What becomes of one received frame: whether it goes up, and what its NBL says about it. DISPATCH_LEVEL.
//!
//! What is the same for every frame of a pass is looked up once, in a [`View`].

use super::filter::{DIRECTED, PROMISCUOUS};
use super::frame::{ADDRESS_LEN, Cast, HEADER_LEN, TAG_LEN, TAG_TYPE, is_of_no_vlan};
use super::offload::{Claims, Offloads, can_fail, is_failure, is_ipv6, is_whole_ipv6};
use super::statistics::Direction;
use crate::adapter::Core;
use crate::hw::desc::RxStatus;
use crate::ring::RxFrame;
use ndis::ffi::{
    Ieee8021QNetBufferListInfo, NetBufferListHashInfo, NetBufferListHashValue,
    TcpIpChecksumNetBufferListInfo,
};
use ndis::nbl::ReceiveNbl;

/// The address bytes of a frame's first word.
const ADDRESS: u64 = 0xFFFF_FFFF_FFFF;

/// Frames of one batch, counted before it is known whether they may be indicated.
#[derive(Debug, Default)]
pub struct Tally {
    /// Bytes of all of them.
    octets: u32,
    /// Frames and bytes to a group, and to everybody: among the above.
    multicast: [u32; 2],
    broadcast: [u32; 2],
}

impl Tally {
    /// Adds the batch of `frames` frames to the queue's counters.
    pub fn commit(&self, frames: u32, to: &Direction) {
        let [multicast, multicast_octets] = self.multicast;
        let [broadcast, broadcast_octets] = self.broadcast;
        // Both are parts of the whole.
        let unicast = frames.wrapping_sub(multicast).wrapping_sub(broadcast);
        let octets = self
            .octets
            .wrapping_sub(multicast_octets)
            .wrapping_sub(broadcast_octets);
        to.good(Cast::Unicast, unicast, octets);
        if multicast != 0 {
            to.good(Cast::Multicast, multicast, multicast_octets);
        }
        if broadcast != 0 {
            to.good(Cast::Broadcast, broadcast, broadcast_octets);
        }
    }

    /// Bytes of all frames.
    pub fn total(&self) -> u32 {
        self.octets
    }
}

/// What becomes of a frame.
#[derive(Debug)]
pub enum Arrival {
    /// It goes up; its NBL is ready.
    Wanted(ReceiveNbl),
    /// Nobody asked for it.
    Unwanted(ReceiveNbl),
    /// A runt, or a length that cannot be.
    Bad(ReceiveNbl),
}

/// What is the same for every frame of a pass.
#[derive(Debug)]
pub struct View {
    /// The station's address; frames to it need no further look.
    own: u64,
    /// Frames to the station are wanted.
    directed: bool,
    /// The descriptor's RSS type → hash information for the NBL; 0: no hash. `None`: never one.
    hash: Option<[u32; 8]>,
    queue: u8,
    claims: Claims,
    offloads: Offloads,
    max_frame: u32,
}

impl View {
    /// As things are now. A change during the pass counts from the next one on.
    pub fn of(core: &Core, queue: usize) -> Self {
        let [a, b, c, d, e, f] = core.current_address;
        let offloads = core.offload.get();
        let types = core.filter.types();
        // With a VLAN of its own every frame is looked at more closely.
        let any_vlan = offloads.vlan_id() == 0 || types & PROMISCUOUS != 0;
        Self {
            own: u64::from_le_bytes([a, b, c, d, e, f, 0, 0]),
            directed: types & (DIRECTED | PROMISCUOUS) != 0 && any_vlan,
            hash: core.rss.hash_information(),
            // Below 2.
            queue: queue as u8,
            claims: Claims::of(offloads),
            offloads,
            max_frame: core.settings.max_frame(),
        }
    }

    /// Judges a frame, counts it in `tally` if it goes up, and makes its NBL ready then.
    #[inline]
    pub fn judge(&self, core: &Core, frame: RxFrame<ReceiveNbl>, tally: &mut Tally) -> Arrival {
        let len = frame.len;
        if len < HEADER_LEN {
            // D-37: no runts.
            return Arrival::Bad(frame.buffer);
        }
        if len > self.max_frame && !self.carries_tag(&frame) {
            return Arrival::Bad(frame.buffer);
        }
        let (rss, status, tag) = (frame.rss(), frame.status(), frame.vlan());
        let mut nbl = frame.buffer;
        // On the wire the tag is part of the frame.
        let octets = len + if tag.is_some() { TAG_LEN } else { 0 };
        let destination = nbl.first_word() & ADDRESS;
        if nbl.prepare(len).is_err() {
            return Arrival::Bad(nbl);
        }
        if destination != self.own || !self.directed {
            nbl = match self.stranger(core, nbl, tag, octets, tally) {
                Ok(nbl) => nbl,
                Err(nbl) => return Arrival::Unwanted(nbl),
            };
        }
        if let Some(hash) = &self.hash {
            self.set_hash(&mut nbl, hash, rss);
        }
        let claim = self.claims.information(status);
        if claim != 0 && (!must_look(status, claim) || agrees(&nbl, len, status, claim)) {
            nbl.set_info(TcpIpChecksumNetBufferListInfo, claim);
        }
        if let Some(tag) = tag {
            nbl.set_info(Ieee8021QNetBufferListInfo, self.offloads.received_tag(tag));
        }
        tally.octets += octets;
        Arrival::Wanted(nbl)
    }

    /// Whether a frame beyond the longest is one with its tag still in it (D-37).
    #[cold]
    fn carries_tag(&self, frame: &RxFrame<ReceiveNbl>) -> bool {
        let mut start = [0; HEADER_LEN as usize];
        frame.buffer.peek(&mut start);
        frame.vlan().is_none()
            && frame.len <= self.max_frame + TAG_LEN
            && start.last_chunk() == Some(&TAG_TYPE)
    }

    /// A frame that is not to the station, or an adapter with a VLAN of its own: `Ok` if it is wanted. Groups are counted
    /// here, so that the others need not look. By value and cold: a reference would keep the NBL of every frame in memory,
    /// and inline it would take registers from it.
    #[cold]
    #[inline(never)]
    fn stranger(
        &self,
        core: &Core,
        nbl: ReceiveNbl,
        tag: Option<u16>,
        octets: u32,
        tally: &mut Tally,
    ) -> Result<ReceiveNbl, ReceiveNbl> {
        let [a, b, c, d, e, f, ..] = nbl.first_word().to_le_bytes();
        let address: [u8; ADDRESS_LEN] = [a, b, c, d, e, f];
        let cast = Cast::of(&address);
        if !self.is_in_vlan(core, &nbl, tag)
            || !core.filter.wants(cast, &address, &core.current_address)
        {
            return Err(nbl);
        }
        let sum = match cast {
            Cast::Unicast => return Ok(nbl),
            Cast::Multicast => &mut tally.multicast,
            Cast::Broadcast => &mut tally.broadcast,
        };
        sum[0] += 1;
        sum[1] += octets;
        Ok(nbl)
    }

    /// Whether a frame is of the adapter's VLAN. Promiscuous mode takes those of all.
    fn is_in_vlan(&self, core: &Core, nbl: &ReceiveNbl, tag: Option<u16>) -> bool {
        self.offloads.is_in_vlan(tag)
            || core.filter.types() & PROMISCUOUS != 0
            || tag.is_none() && manages_the_link(nbl)
    }

    /// The hash, where the chip made one, of a type that is asked for. A descriptor that names another queue is not
    /// believed.
    #[inline]
    fn set_hash(&self, nbl: &mut ReceiveNbl, by: &[u32; 8], (kind, queue, hash): (u8, u8, u32)) {
        let information = by.get(usize::from(kind)).copied().unwrap_or(0);
        if information != 0 && queue == self.queue {
            nbl.set_info(NetBufferListHashValue, hash as usize);
            nbl.set_info(NetBufferListHashInfo, information as usize);
        }
    }
}

#[cold]
#[inline(never)]
fn manages_the_link(nbl: &ReceiveNbl) -> bool {
    let mut start = [0; HEADER_LEN as usize];
    nbl.peek(&mut start);
    let [a, b, c, d, e, f, .., high, low] = start;
    is_of_no_vlan(&[a, b, c, d, e, f], u16::from_be_bytes([high, low]))
}

/// Bytes of a frame that are looked at for its headers.
const START: usize = 128;

/// Whether a claim is taken on trust, or the frame is looked at first.
#[inline]
fn must_look(status: RxStatus, claim: usize) -> bool {
    is_ipv6(status) || is_failure(claim)
}

/// Whether the headers of a frame of `len` bytes agree with a claim about it.
#[inline(never)]
fn agrees(nbl: &ReceiveNbl, len: u32, status: RxStatus, claim: usize) -> bool {
    let mut start = [0; START];
    nbl.peek(&mut start);
    let start = start.get(..START.min(len as usize)).unwrap_or(&start);
    (!is_ipv6(status) || is_whole_ipv6(start)) && (!is_failure(claim) || can_fail(start, len))
}
