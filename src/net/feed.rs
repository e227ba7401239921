// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a mapped net buffer to descriptors. DISPATCH_LEVEL, under the sender's lock; calls nothing of NDIS.
//!
//! | the net buffer | header | payload | checksums |
//! |---|---|---|---|
//! | plain | where it is | where it is | as they are |
//! | checksum | copied to a header slot | where it is | by the chip |
//! | checksum, shorter than a frame | copied to a header slot | in the same | by the driver |
//! | large send | one header slot a segment | where it is | by the chip |
//! | any of them, and the chip cannot | in a bounce buffer | in the same | by the driver |
//!
//! Headers are copied because they have to be changed, and the protocol's memory may not be (D-04); it also takes care
//! of headers that lie in many pieces. The chip cannot take headers beyond what a context descriptor reaches, or more
//! pieces than `ring::tx::MAX_FRAME_DESCRIPTORS`.
//!
//! Large sends are cut here, and the chip only does their checksums. Its own segmentation is left alone: FreeBSD keeps it
//! off on the 82574L, Linux off below 1 Gb/s because of hardware trouble, and the models of the chip send IP fragments in
//! its place (QEMU 7.2) or lose FIN and PSH of the last segment (QEMU 10; 82574L §0.9). Payload is copied in neither case.

use super::checksum::Sum;
use super::frame::{Cast, HEADER_LEN, MIN_FRAME};
use super::headers::Headers;
use super::memory::Block;
use super::offload::Offloads;
use super::plan::{MAX_HEADER, Plan, Work, asks_for_nothing, plan};
use super::segment::{self, Segment as Cut};
use crate::hw::desc::{TxContext, TxOptions};
use crate::ring::tx::MAX_SEGMENT;
use crate::ring::{PushError, Segment, TxRequest, TxRing};
use core::iter::from_fn;
use ndis::dma::{MappedNetBuffer, MappedQueue, SharedMemory};
use ndis::irql::{Dispatch, Irql};
use ndis::mem::Shared;
use ndis::status::Status;

/// Bytes of a header slot; a descriptor has one.
pub const HEADER_SLOT: u32 = 128;
/// Bounce buffers of a ring.
pub const BOUNCES: u32 = 16;
/// Bytes of the Ethernet header.
const START: usize = HEADER_LEN as usize;
/// Bytes before the place of a tag.
const ADDRESSES: usize = 12;
/// Bytes copied at once into a bounce buffer.
const CHUNK: usize = 256;

/// What the ring remembers of the frames that the chip reports together.
#[derive(Debug, Default)]
pub struct Group {
    /// Net buffers whose last frame is among them, in order.
    pub(super) done: MappedQueue,
    /// How many.
    pub(super) count: u32,
    /// Among them: refused ones, of which some frames are in the ring.
    pub(super) refused: u32,
    /// Frames and bytes of all that were sent, multicasts and broadcasts included.
    pub(super) frames: u32,
    pub(super) octets: u32,
    pub(super) casts: Casts,
    /// Bounce buffers in use, a bit each.
    bounces: u32,
}

impl Group {
    /// Adds a net buffer, of which this group has the last frame.
    #[inline]
    fn add(&mut self, nb: MappedNetBuffer) {
        self.done.push(nb);
        self.count += 1;
    }

    /// Counts frames of one net buffer.
    #[inline]
    fn count(&mut self, frames: u32, octets: u32, cast: Cast) {
        self.frames += frames;
        self.octets = self.octets.wrapping_add(octets);
        if cast != Cast::Unicast {
            self.casts.add(frames, octets, cast);
        }
    }
}

/// Frames and bytes to a group, and to everybody.
#[derive(Debug, Default)]
pub(super) struct Casts {
    pub(super) multicast: [u32; 2],
    pub(super) broadcast: [u32; 2],
}

impl Casts {
    #[inline(never)]
    fn add(&mut self, frames: u32, octets: u32, cast: Cast) {
        let [all_frames, all_octets] = match cast {
            Cast::Unicast => return,
            Cast::Multicast => &mut self.multicast,
            Cast::Broadcast => &mut self.broadcast,
        };
        *all_frames += frames;
        *all_octets = all_octets.wrapping_add(octets);
    }
}

/// Where a net buffer is that is as nearly all are: nothing is asked for, it is in one piece and of a usual length.
#[inline(always)]
fn usual(mapped: &MappedNetBuffer) -> Option<Segment> {
    let nb = mapped.net_buffer();
    let len = nb.data_length();
    let address = mapped
        .in_one_piece()
        .filter(|_| asks_for_nothing(nb) && (MIN_FRAME..=MAX_SEGMENT).contains(&len))?;
    Some(Segment { address, len })
}

/// Whom a frame goes to that is not for one station alone.
#[inline(always)]
fn cast_of_group(mapped: &MappedNetBuffer, irql: &Irql<Dispatch>) -> Option<Cast> {
    // D-13: a frame whose first bytes cannot be reached is still sent; only its kind is counted wrong.
    let start = mapped.net_buffer().first::<8, _>(irql)?;
    Cast::is_group(start).then(|| Cast::of_start(start))
}

/// How a net buffer got on.
#[derive(Debug)]
pub enum Pushed {
    /// It is in the ring.
    Done,
    /// There is no room for all of it now: push it again, before any other.
    Full(MappedNetBuffer),
    /// It is not sent, and its NBL has the status.
    Refused(MappedNetBuffer),
}

/// What frames are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Offloads in force.
    pub offloads: Offloads,
    /// The longest frame.
    pub max_frame: u32,
    /// The device is gone.
    pub gone: bool,
}

/// The net buffer that was pushed last and did not fit.
#[derive(Debug)]
struct Partial {
    plan: Plan,
    cast: Cast,
    progress: Progress,
    /// The part of it that is in the groups' counts.
    counted: Progress,
}

/// Frames of one net buffer that were put into the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    frames: u16,
    octets: u32,
    /// Payload bytes of a large send in them.
    payload: u32,
}

/// The ring with the memory that its frames may need.
#[derive(Debug)]
pub struct Feed {
    ring: TxRing<Block, Group>,
    /// A slot for each descriptor.
    headers: Shared<SharedMemory>,
    /// Zeros behind short frames (D-11).
    zeros: Shared<SharedMemory>,
    bounces: Shared<SharedMemory>,
    /// Bytes of a bounce buffer.
    bounce_bytes: u32,
    /// One bit for each bounce buffer that is free.
    free: u32,
    /// Of the net buffer that waits for room, if it has a plan.
    partial: Option<Partial>,
}

impl Feed {
    /// A feed for `ring`. `headers` has a slot for each descriptor, `zeros` a shortest frame, `bounces` as many buffers
    /// of `bounce_bytes` as [`BOUNCES`] says.
    pub fn new(
        ring: TxRing<Block, Group>,
        headers: Shared<SharedMemory>,
        zeros: Shared<SharedMemory>,
        bounces: Shared<SharedMemory>,
        bounce_bytes: u32,
    ) -> Self {
        Self {
            ring,
            headers,
            zeros,
            bounces,
            bounce_bytes,
            free: ALL_FREE,
            partial: None,
        }
    }

    /// The ring.
    #[inline]
    pub fn ring(&mut self) -> &mut TxRing<Block, Group> {
        &mut self.ring
    }

    /// Shows what is known of each group of frames that the chip is done with, oldest first, until `each` says `false`; the
    /// net buffers are to be taken out.
    #[inline]
    pub fn complete(&mut self, mut each: impl FnMut(&mut Group) -> bool) {
        let free = &mut self.free;
        self.ring.complete(|group| {
            *free |= group.bounces;
            let go_on = each(group);
            *group = Group::default();
            go_on
        });
    }

    /// Takes everything out of the ring: the net buffers of which it has the last frame go to `each`. The chip has been
    /// stopped.
    pub fn drain(&mut self, mut each: impl FnMut(MappedNetBuffer)) {
        self.ring.drain(|group| {
            let mut group = core::mem::take(group);
            while let Some(nb) = group.done.pop() {
                each(nb);
            }
        });
        self.free = ALL_FREE;
        if let Some(partial) = &mut self.partial {
            partial.progress = Progress::default();
            partial.counted = Progress::default();
        }
    }

    /// Gives up on a net buffer that did not fit, or that was never pushed; its NBL has the status. `None`: the ring has
    /// frames of it and gives it back with them.
    pub fn refuse(&mut self, nb: MappedNetBuffer) -> Option<MappedNetBuffer> {
        match self.partial.take() {
            Some(partial) if partial.progress.frames > 0 => self.leave(nb, &partial),
            _ => Some(nb),
        }
    }

    /// Leaves a refused net buffer with the newest frame, which is its own; it comes back if it has none in the ring.
    fn leave(&mut self, nb: MappedNetBuffer, partial: &Partial) -> Option<MappedNetBuffer> {
        let newest = self.ring.newest().filter(|_| partial.progress.frames > 0);
        match newest {
            Some(group) => {
                group.add(nb);
                group.refused += 1;
                None
            }
            None => Some(nb),
        }
    }

    /// Whether the net buffer that waits for room has frames in the ring, or had.
    pub fn is_begun(&self) -> bool {
        self.partial
            .as_ref()
            .is_some_and(|partial| partial.progress.frames > 0)
    }

    /// Writes the descriptors of net buffers as nearly all are: nothing asked for, and in one piece. At most `most`, and no
    /// more than there is room for or go into the group. `take` gives the one so many behind the first, if it is there.
    /// Returns how many went into the ring, and the one behind them if it is not so: [`push`](Self::push) it.
    #[inline(always)]
    pub fn push_usual(
        &mut self,
        most: u32,
        mut take: impl FnMut(u32) -> Option<MappedNetBuffer>,
        irql: &Irql<Dispatch>,
    ) -> (u32, Option<MappedNetBuffer>) {
        let (mut count, mut other) = (0, None);
        self.ring.push_run(most, |run, group| {
            let Group { done, casts, .. } = group;
            let mut octets = 0u32;
            done.extend(from_fn(|| {
                if run.is_over() {
                    return None;
                }
                let mapped = take(run.done())?;
                let Some(piece) = usual(&mapped) else {
                    other = Some(mapped);
                    return None;
                };
                if let Some(cast) = cast_of_group(&mapped, irql) {
                    casts.add(1, piece.len, cast);
                }
                run.push(piece, TxOptions::default());
                octets = octets.wrapping_add(piece.len);
                Some(mapped)
            }));
            count = run.done();
            group.count += count;
            group.frames += count;
            group.octets = group.octets.wrapping_add(octets);
        });
        (count, other)
    }

    /// [`push_usual`](Self::push_usual) of a single one: many chains have no more. Whether it went into the ring.
    #[inline]
    pub fn push_single(
        &mut self,
        take: impl FnOnce() -> Option<MappedNetBuffer>,
        irql: &Irql<Dispatch>,
    ) -> (bool, Option<MappedNetBuffer>) {
        if self.ring.is_full() {
            return (false, None);
        }
        let Some(mapped) = take() else {
            return (false, None);
        };
        let Some(piece) = usual(&mapped) else {
            return (false, Some(mapped));
        };
        let cast = cast_of_group(&mapped, irql).unwrap_or(Cast::Unicast);
        self.ring.push_one(piece, TxOptions::default(), |group| {
            group.add(mapped);
            group.count(1, piece.len, cast);
        });
        (true, None)
    }

    /// Writes the descriptors of any net buffer, or of as many of its frames as there is room for: FULL then, to be called
    /// again.
    #[inline(never)]
    pub fn push(
        &mut self,
        mut mapped: MappedNetBuffer,
        rules: &Rules,
        irql: &Irql<Dispatch>,
    ) -> Pushed {
        if self.ring.is_full() {
            return Pushed::Full(mapped);
        }
        let mut partial = match self.partial.take() {
            Some(partial) => partial,
            None => match begin(&mapped, rules, irql) {
                Ok(partial) => partial,
                Err(status) => {
                    mapped.net_buffer_mut().fail(status);
                    return Pushed::Refused(mapped);
                }
            },
        };
        let result = self.frames(&mapped, &partial.plan, &mut partial.progress, irql);
        // Also those before one that fails: they are sent.
        let group = self.count(&mut partial);
        let status = match result {
            Ok(()) => {
                // There is one: it was just pushed.
                if let Some(group) = group {
                    group.add(mapped);
                    return Pushed::Done;
                }
                Status::FAILURE
            }
            Err(PushError::Full) => {
                self.partial = Some(partial);
                return Pushed::Full(mapped);
            }
            Err(PushError::TooManySegments) => Status::RESOURCES,
            Err(PushError::Empty | PushError::WrongLength) => Status::INVALID_LENGTH,
        };
        mapped.net_buffer_mut().fail(status);
        self.leave(mapped, &partial)
            .map_or(Pushed::Done, Pushed::Refused)
    }

    /// Counts the frames that a net buffer has got into the ring since the last time, with the newest one's group. That
    /// group; there is one if there is such a frame.
    fn count(&mut self, partial: &mut Partial) -> Option<&mut Group> {
        let group = self.ring.newest()?;
        let (now, before) = (partial.progress, partial.counted);
        let frames = now.frames.wrapping_sub(before.frames);
        let octets = now.octets.wrapping_sub(before.octets);
        group.count(frames.into(), octets, partial.cast);
        partial.counted = now;
        Some(group)
    }

    /// The frames of a net buffer that are not in the ring yet.
    fn frames(
        &mut self,
        mapped: &MappedNetBuffer,
        plan: &Plan,
        progress: &mut Progress,
        irql: &Irql<Dispatch>,
    ) -> Result<(), PushError> {
        match plan.work {
            Work::Plain => self.plain(mapped, plan, progress, irql),
            Work::Checksum {
                headers,
                ip,
                transport,
            } => {
                let length = mapped.net_buffer().data_length();
                let whole = Part {
                    headers,
                    ip,
                    transport,
                    cut: None,
                    length,
                    end: headers.end,
                };
                self.part(mapped, plan, &whole, irql)?;
                progress.add(plan.on_the_wire(length));
                Ok(())
            }
            Work::Large { headers, mss } => self.large(mapped, plan, headers, mss, progress, irql),
        }
    }

    fn plain(
        &mut self,
        mapped: &MappedNetBuffer,
        plan: &Plan,
        progress: &mut Progress,
        irql: &Irql<Dispatch>,
    ) -> Result<(), PushError> {
        let length = mapped.net_buffer().data_length();
        let request = TxRequest {
            context: None,
            options: TxOptions {
                vlan: plan.tag,
                ..TxOptions::default()
            },
            length: length.max(MIN_FRAME),
        };
        let octets = plan.on_the_wire(length);
        if plan.own_tag().is_some() {
            self.bounce(mapped, plan, None, irql)?;
            progress.add(octets);
            return Ok(());
        }
        let data = mapped.data().map(|(address, len)| Segment { address, len });
        let result = if length < MIN_FRAME {
            let padding = self.padding(length);
            self.ring.push(data.chain(Some(padding)), &request, |_| {})
        } else {
            self.ring.push(data, &request, |_| {})
        };
        match result {
            Ok(()) => {}
            Err(PushError::TooManySegments) => {
                self.bounce(mapped, plan, None, irql)?;
            }
            Err(error) => return Err(error),
        }
        progress.add(octets);
        Ok(())
    }

    /// Zeros that make a frame of `length` bytes long enough.
    fn padding(&self, length: u32) -> Segment {
        Segment {
            address: self.zeros.logical_address(),
            len: MIN_FRAME.saturating_sub(length),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one frame's facts")]
    fn large(
        &mut self,
        mapped: &MappedNetBuffer,
        plan: &Plan,
        headers: Headers,
        mss: u32,
        progress: &mut Progress,
        irql: &Irql<Dispatch>,
    ) -> Result<(), PushError> {
        let header = u32::from(headers.payload);
        let payload = mapped.net_buffer().data_length().saturating_sub(header);
        loop {
            let cut = segment::segment(progress.frames.into(), progress.payload, payload, mss);
            let part = Part {
                headers,
                ip: headers.ipv4,
                transport: true,
                cut: Some(cut),
                length: header + cut.length,
                end: header + cut.length,
            };
            self.part(mapped, plan, &part, irql)?;
            progress.add(plan.on_the_wire(part.length));
            progress.payload += cut.length;
            if cut.last {
                return Ok(());
            }
        }
    }

    /// One frame whose headers are changed.
    fn part(
        &mut self,
        mapped: &MappedNetBuffer,
        plan: &Plan,
        part: &Part,
        irql: &Irql<Dispatch>,
    ) -> Result<(), PushError> {
        let headers = &part.headers;
        let size = usize::from(headers.payload);
        if part.length < MIN_FRAME && part.cut.is_none() && plan.own_tag().is_none() {
            return self.short(mapped, plan, part, irql);
        }
        let mut bytes = [0; HEADER_SLOT as usize];
        let Some(head) = bytes
            .get_mut(..size)
            .filter(|_| is_for_the_chip(plan, part))
        else {
            return self.bounce(mapped, plan, Some(part), irql);
        };
        if mapped.net_buffer().copy_to(head, irql) != Ok(size) {
            return Err(PushError::WrongLength);
        }
        if let Some(cut) = &part.cut {
            segment::rewrite(head, headers, cut);
        }
        segment::seed(head, headers, part.end, part.ip, part.transport);
        // The slot of the frame's first descriptor: free as long as that descriptor is.
        let at = self.ring.tail_index() * HEADER_SLOT;
        self.headers.copy_in(at, head);
        let first = Segment {
            address: self.headers.logical_address() + u64::from(at),
            len: size as u32,
        };
        let (from, length) = part.payload();
        let rest = mapped
            .range(from, length)
            .map(|(address, len)| Segment { address, len });
        let request = TxRequest {
            context: Some(context(headers)),
            options: TxOptions {
                ip_checksum: part.ip,
                l4_checksum: part.transport,
                tso: false,
                vlan: plan.tag,
            },
            length: part.length.max(MIN_FRAME),
        };
        let segments = [first]
            .into_iter()
            .chain(rest)
            .chain(Some(self.padding(part.length)));
        match self.ring.push(segments, &request, |_| {}) {
            Err(PushError::TooManySegments) => self.bounce(mapped, plan, Some(part), irql),
            result => result,
        }
    }

    /// A frame that has to be filled up, whole in a header slot: most are acknowledgements of TCP.
    fn short(
        &mut self,
        mapped: &MappedNetBuffer,
        plan: &Plan,
        part: &Part,
        irql: &Irql<Dispatch>,
    ) -> Result<(), PushError> {
        let headers = &part.headers;
        // D-11: zeros behind the frame.
        let mut bytes = [0; MIN_FRAME as usize];
        let length = part.length as usize;
        let frame = bytes.get_mut(..length).ok_or(PushError::WrongLength)?;
        if mapped.net_buffer().copy_to(frame, irql) != Ok(length) {
            return Err(PushError::WrongLength);
        }
        let (head, payload) = frame
            .split_at_mut_checked(usize::from(headers.payload))
            .ok_or(PushError::WrongLength)?;
        if part.ip {
            segment::fill_ip(head, headers);
        }
        if part.transport
            && let Some(mut sum) = segment::transport_sum(head, headers, part.end)
            && let Some(place) = headers.transport_checksum()
        {
            let covered = (part.end as usize).saturating_sub(head.len());
            sum.bytes(payload.get(..covered).unwrap_or(payload));
            let value = segment::finish(headers, sum).to_be_bytes();
            let place = usize::from(place);
            if let Some(field) = head.get_mut(place..place + value.len()) {
                field.copy_from_slice(&value);
            }
        }
        let at = self.ring.tail_index() * HEADER_SLOT;
        self.headers.copy_in(at, &bytes);
        let piece = Segment {
            address: self.headers.logical_address() + u64::from(at),
            len: MIN_FRAME,
        };
        let options = TxOptions {
            vlan: plan.tag,
            ..TxOptions::default()
        };
        if self.ring.is_full() {
            return Err(PushError::Full);
        }
        self.ring.push_one(piece, options, |_| {});
        Ok(())
    }

    /// One frame out of a bounce buffer, with its checksums.
    #[cold]
    #[inline(never)]
    fn bounce(
        &mut self,
        mapped: &MappedNetBuffer,
        plan: &Plan,
        part: Option<&Part>,
        irql: &Irql<Dispatch>,
    ) -> Result<(), PushError> {
        let number = self.free.trailing_zeros();
        if number >= BOUNCES {
            // Frames that are under way have them all, and give them back.
            return Err(PushError::Full);
        }
        let at = number * self.bounce_bytes;
        let length = self.copy(mapped, plan, at, part, irql)?;
        let data = Segment {
            address: self.bounces.logical_address() + u64::from(at),
            len: length,
        };
        let request = TxRequest {
            context: None,
            options: TxOptions {
                vlan: plan.chip_tag(),
                ..TxOptions::default()
            },
            length: length.max(MIN_FRAME),
        };
        let segments = [data, self.padding(length)];
        self.ring.push(segments.into_iter(), &request, |group| {
            group.bounces |= 1 << number;
        })?;
        self.free &= !(1 << number);
        Ok(())
    }

    /// Builds a frame at byte `at` of the bounce buffers; returns its length.
    fn copy(
        &mut self,
        mapped: &MappedNetBuffer,
        plan: &Plan,
        at: u32,
        part: Option<&Part>,
        irql: &Irql<Dispatch>,
    ) -> Result<u32, PushError> {
        let nb = mapped.net_buffer();
        // What is worked on before it is copied: all headers, or the two addresses.
        let (size, (from, left)) = match part {
            Some(part) => (usize::from(part.headers.payload), part.payload()),
            None => (
                ADDRESSES,
                (
                    ADDRESSES as u32,
                    nb.data_length().saturating_sub(ADDRESSES as u32),
                ),
            ),
        };
        let mut bytes = [0; MAX_HEADER];
        let head = bytes.get_mut(..size).ok_or(PushError::WrongLength)?;
        if nb.copy_to(head, irql) != Ok(size) {
            return Err(PushError::WrongLength);
        }
        let mut sum = None;
        if let Some(part) = part {
            if let Some(cut) = &part.cut {
                segment::rewrite(head, &part.headers, cut);
            }
            if part.ip {
                segment::fill_ip(head, &part.headers);
            }
            if part.transport {
                sum = segment::transport_sum(head, &part.headers, part.end);
            }
        }
        let tag = plan.own_tag();
        let tag = tag.map(|tci| u32::to_be_bytes(0x8100 << 16 | u32::from(tci)));
        let inserted = tag.map_or(0, |tag| tag.len() as u32);
        if size as u32 + left + inserted > self.bounce_bytes {
            return Err(PushError::WrongLength);
        }
        let (addresses, rest) = head.split_at_checked(ADDRESSES).ok_or(PushError::Empty)?;
        self.bounces.copy_in(at, addresses);
        let mut to = at + ADDRESSES as u32;
        if let Some(tag) = tag {
            self.bounces.copy_in(to, &tag);
            to += inserted;
        }
        self.bounces.copy_in(to, rest);
        to += rest.len() as u32;

        // The payload; what lies behind the packet is copied, and not summed.
        let covered = part.map_or(0, |part| part.end.saturating_sub(size as u32));
        self.copy_payload(mapped, (from, left), to, (covered, &mut sum), irql)?;
        if let Some(part) = part
            && let Some(sum) = sum
            && let Some(place) = part.headers.transport_checksum()
        {
            let value = segment::finish(&part.headers, sum).to_be_bytes();
            self.bounces
                .copy_in(at + inserted + u32::from(place), &value);
        }
        Ok(size as u32 + left + inserted)
    }

    /// Copies `left` bytes of a net buffer from byte `from` on to byte `to` of the bounce buffers; the first `covered` of
    /// them are added to `sum`.
    fn copy_payload(
        &mut self,
        mapped: &MappedNetBuffer,
        (mut from, mut left): (u32, u32),
        mut to: u32,
        (mut covered, sum): (u32, &mut Option<Sum>),
        irql: &Irql<Dispatch>,
    ) -> Result<(), PushError> {
        let mut chunk = [0; CHUNK];
        while left > 0 {
            let count = left.min(CHUNK as u32);
            let piece = chunk
                .get_mut(..count as usize)
                .ok_or(PushError::WrongLength)?;
            if mapped.net_buffer().copy_from(from, piece, irql) != Ok(piece.len()) {
                return Err(PushError::WrongLength);
            }
            if let Some(sum) = sum {
                let summed = covered.min(count);
                sum.bytes(piece.get(..summed as usize).unwrap_or(&[]));
                covered -= summed;
            }
            self.bounces.copy_in(to, piece);
            from += count;
            to += count;
            left -= count;
        }
        Ok(())
    }
}

/// Whether the chip can do all that a frame asks for. It sums to the end of the frame, not of the packet; behind more
/// than one tag QEMU's model of it does not look; and a second tag it would put in place of the first there. Of a frame
/// that was filled up that model counts the zeros as payload, in the checksum and in the IP header's length.
fn is_for_the_chip(plan: &Plan, part: &Part) -> bool {
    part.end == part.length
        && part.length >= MIN_FRAME
        && part.headers.tags <= 1
        && plan.own_tag().is_none()
}

/// One frame whose headers are changed.
struct Part {
    headers: Headers,
    ip: bool,
    transport: bool,
    /// Of a large send.
    cut: Option<Cut>,
    /// Bytes of the frame.
    length: u32,
    /// Its first byte behind the packet: what follows is covered by no checksum.
    end: u32,
}

impl Part {
    /// Where in the net buffer its payload begins, and how long that is.
    fn payload(&self) -> (u32, u32) {
        let header = u32::from(self.headers.payload);
        let skipped = self.cut.as_ref().map_or(0, |cut| cut.offset);
        (header + skipped, self.length.saturating_sub(header))
    }
}

impl Progress {
    /// Adds a frame of `octets` bytes on the wire.
    fn add(&mut self, octets: u32) {
        self.frames = self.frames.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets);
    }
}

/// The plan of a net buffer.
fn begin(
    mapped: &MappedNetBuffer,
    rules: &Rules,
    irql: &Irql<Dispatch>,
) -> Result<Partial, Status> {
    let nb = mapped.net_buffer();
    // D-13: as in `Feed::push_usual`.
    let start = nb.first::<START, _>(irql).unwrap_or([0; START]);
    let [.., high, low] = start;
    let kind = u16::from_be_bytes([high, low]);
    Ok(Partial {
        plan: plan(nb, kind, rules.offloads, rules.max_frame, irql)?,
        cast: Cast::of(&start),
        progress: Progress::default(),
        counted: Progress::default(),
    })
}

/// Every bounce buffer.
const ALL_FREE: u32 = (1 << BOUNCES) - 1;

/// The chip's context for a frame with these headers, which end before byte 256.
fn context(headers: &Headers) -> TxContext {
    let ip = headers.ip as u8;
    TxContext {
        ip_start: ip,
        ip_checksum_at: ip.wrapping_add(10),
        ip_end: if headers.ipv4 {
            headers.transport_at.saturating_sub(1)
        } else {
            0
        },
        l4_start: headers.transport_at as u8,
        l4_checksum_at: headers.transport_checksum().unwrap_or(0) as u8,
        l4_end: 0,
        payload: 0,
        header: 0,
        mss: 0,
        tcp: headers.transport == super::headers::Transport::Tcp,
        ipv4: headers.ipv4,
        tso: false,
    }
}
