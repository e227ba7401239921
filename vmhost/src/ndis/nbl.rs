// SPDX-License-Identifier: MIT OR Apache-2.0
//! Net buffer lists as a protocol makes them: one NBL with its NBs and MDLs in one page, the data
//! in a block of its own, everything poisoned that the documentation leaves undefined (D-05).
//!
//! PASSIVE to make, at most DISPATCH to check. Slots are used again, oldest first, after having
//! been filled with poison; some are unmapped instead, so that late accesses fault (D-02).

use crate::{
    guest::{self, Block, PAGE, POISON, Ptr},
    machine::vspace,
    verify,
};
use ::ndis::ffi::*;
use alloc::{format, vec::Vec};

/// Offsets in NET_BUFFER_LIST.
pub const NBL_NEXT: usize = 0;
/// Offsets in NET_BUFFER_LIST.
pub const NBL_FIRST_NB: usize = 8;
/// Offsets in NET_BUFFER_LIST.
pub const NBL_STATUS: usize = core::mem::offset_of!(NET_BUFFER_LIST, u140);
/// Offsets in NET_BUFFER.
pub const NB_NEXT: usize = 0;
/// Offsets in NET_BUFFER.
pub const NB_CURRENT_MDL: usize = 8;
/// Offsets in NET_BUFFER.
pub const NB_CURRENT_MDL_OFFSET: usize = 16;
/// Offsets in NET_BUFFER.
pub const NB_DATA_LENGTH: usize = 24;
/// Offsets in NET_BUFFER.
const NB_MDL_CHAIN: usize = 32;
/// Offsets in NET_BUFFER.
const NB_DATA_OFFSET: usize = 40;
/// Data bytes of a slot.
const DATA: usize = 3 * PAGE;

/// How one frame lies in its MDLs (D-12).
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Bytes of a whole MDL before the current one; 0 for none.
    pub skipped: usize,
    /// Unused bytes at the start of the current MDL.
    pub front: usize,
    /// Data bytes of each MDL but the last, which has the rest; 0 makes an empty MDL.
    pub splits: Vec<usize>,
    /// Unused bytes at the end of the last MDL.
    pub back: usize,
}

/// A frame and its shape.
pub type Shaped = (Vec<u8>, Shape);

/// What goes out of band with an NBL, in the form of NetBufferListInfo; 0: not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// TcpIpChecksumNetBufferListInfo, transmit form.
    pub checksum: u32,
    /// TcpLargeSendNetBufferListInfo, LSOv2 transmit form.
    pub large: u32,
    /// Ieee8021QNetBufferListInfo.
    pub tag: u32,
    /// NetBufferListCancelId.
    pub cancel_id: u64,
    /// NetBufferListHashValue, and NetBufferListHashInfo; no hash without the latter.
    pub hash: (u32, u32),
}

/// Memory for one NBL.
pub struct Slot {
    control: Block,
    control_bytes: usize,
    data: Block,
    data_bytes: usize,
}

/// What must be unchanged when the NBL comes back (D-04).
pub struct Built {
    /// Address of the NBL.
    pub nbl: usize,
    /// Addresses of its NBs.
    pub nbs: Vec<usize>,
    /// Frames on the wire that it makes: of a large send as many as it has segments.
    pub frames: u64,
    words: Vec<(usize, u64)>,
    data: (usize, Vec<u8>),
}

/// Bump allocation from the start of the control page and the end of the data block.
struct Cursor {
    control: usize,
    control_end: usize,
    data: usize,
    data_start: usize,
}

impl Slot {
    /// A fresh slot for so many net buffers and bytes of data, slack included.
    pub fn new(buffers: usize, bytes: usize) -> Option<Self> {
        // Usual frames share slots of one size. A net buffer with a few MDLs takes less than 1 KiB.
        let control_bytes =
            (buffers.saturating_sub(2) * PAGE / 4 + bytes / 64).next_multiple_of(PAGE);
        let control_bytes = control_bytes.max(PAGE);
        let data_bytes = bytes.next_multiple_of(PAGE).max(DATA);
        let control = Block::new(control_bytes, 16, false)?;
        let data = Block::new(data_bytes, 16, false)?;
        vspace::label(control.address(), "a protocol's net buffer list");
        vspace::label(data.address(), "a protocol's data buffer");
        Some(Self {
            control,
            control_bytes,
            data,
            data_bytes,
        })
    }

    /// Whether it is of the usual size, to be used again.
    pub fn is_usual(&self) -> bool {
        self.control_bytes == PAGE && self.data_bytes == DATA
    }

    /// Whether frames like these need no more than the usual size.
    pub fn is_enough(buffers: usize, bytes: usize) -> bool {
        buffers <= 3 && bytes <= DATA && bytes / 64 <= PAGE
    }

    /// Fills the slot with poison before its next use.
    pub fn poison(&self) {
        guest::fill(self.control.address(), self.control_bytes, POISON);
        guest::fill(self.data.address(), self.data_bytes, POISON);
    }

    /// Builds one NBL with one NB for each frame. `None`: the frames do not fit.
    pub fn build(&self, frames: &[Shaped], info: &Info, source: u64) -> Option<Built> {
        let mut at = Cursor {
            control: self.control.address(),
            control_end: self.control.address() + self.control_bytes,
            data: self.data.address() + self.data_bytes,
            data_start: self.data.address(),
        };
        let nbl = at.object(size_of::<NET_BUFFER_LIST>(), 16)?;
        let mut words = Vec::new();
        let mut nbs = Vec::new();
        let end = at.data;
        for (frame, shape) in frames {
            nbs.push(build_nb(&mut at, frame, shape, &mut words)?);
        }
        for pair in nbs.windows(2) {
            guest::write(pair[0] + NB_NEXT, pair[1]);
        }
        for nb in &nbs {
            words.push((nb + NB_NEXT, guest::read(nb + NB_NEXT)));
        }
        write_nbl(nbl, *nbs.first()?, info, source);
        let offset = |field: usize| (nbl + field, guest::read::<u64>(nbl + field));
        words.push(offset(NBL_FIRST_NB));
        words.push(offset(core::mem::offset_of!(NET_BUFFER_LIST, Context)));
        words.push(offset(core::mem::offset_of!(NET_BUFFER_LIST, SourceHandle)));
        let data = (at.data, guest::bytes(at.data, end - at.data));
        Some(Built {
            nbl,
            nbs,
            frames: frames
                .iter()
                .map(|(frame, _)| wire_frames(frame, info))
                .sum(),
            words,
            data,
        })
    }
}

/// Frames that a net buffer becomes.
fn wire_frames(frame: &[u8], info: &Info) -> u64 {
    let mss = (info.large & 0xF_FFFF) as usize;
    let tcp = (info.large >> 20 & 0x3FF) as usize;
    let Some(words) = frame.get(tcp + 12).filter(|_| mss != 0) else {
        return 1;
    };
    let headers = tcp + usize::from(words >> 4) * 4;
    frame.len().saturating_sub(headers).div_ceil(mss).max(1) as u64
}

impl Built {
    /// Ready for another life: `bytes` at `at` of its data, from the first byte of its first MDL on.
    pub fn renew(&mut self, at: usize, bytes: &[u8]) {
        let (address, data) = &mut self.data;
        if let Some(place) = data.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
            guest::copy_in(*address + at, bytes);
        }
        guest::write(self.nbl + NBL_NEXT, 0u64);
        guest::write(self.nbl + NBL_STATUS, 0u32);
    }

    /// D-04, D-18: structure and data are as they were given.
    pub fn check_unchanged(&self) {
        let changed = self
            .words
            .iter()
            .find(|(at, value)| guest::read::<u64>(*at) != *value)
            .map(|(at, value)| (*at, *value));
        verify::check("D-04", changed.is_none(), || {
            let (at, value) = changed.unwrap_or_default();
            format!(
                "NBL {:#x} came back changed: offset {:#x} of its page holds {:#x} instead of {value:#x}",
                self.nbl,
                at % PAGE,
                guest::read::<u64>(at)
            )
        });
        let now = guest::slice(self.data.0, self.data.1.len());
        verify::check("D-04", now == self.data.1, || {
            format!("the data of NBL {:#x} came back changed", self.nbl)
        });
    }
}

impl Cursor {
    fn object(&mut self, size: usize, align: usize) -> Option<usize> {
        let at = self.control.next_multiple_of(align);
        self.control = at + size;
        (self.control <= self.control_end).then_some(at)
    }

    /// Data is placed downwards from the end, so that the first frame ends at the guard page.
    fn data(&mut self, size: usize) -> Option<usize> {
        let at = self.data.checked_sub(size)?;
        self.data = at;
        (at >= self.data_start).then_some(at)
    }
}

fn build_nb(
    at: &mut Cursor,
    frame: &[u8],
    shape: &Shape,
    words: &mut Vec<(usize, u64)>,
) -> Option<usize> {
    let nb = at.object(size_of::<NET_BUFFER>(), 16)?;
    let total = shape.skipped + shape.front + frame.len() + shape.back;
    let start = at.data(total)?;
    guest::copy_in(start + shape.skipped + shape.front, frame);
    let mut pieces = Vec::new();
    if shape.skipped != 0 {
        pieces.push(shape.skipped);
    }
    let mut left = frame.len();
    let mut front = shape.front;
    for split in &shape.splits {
        let count = (*split).min(left);
        pieces.push(front + count);
        front = 0;
        left -= count;
    }
    pieces.push(front + left + shape.back);
    let mut mdls = Vec::new();
    let mut va = start;
    for bytes in pieces {
        mdls.push(build_mdl(at, va, bytes)?);
        va += bytes;
    }
    for pair in mdls.windows(2) {
        guest::write(pair[0], pair[1]);
    }
    let current = mdls[usize::from(shape.skipped != 0)];
    for (offset, value) in [
        (NB_NEXT, 0),
        (NB_CURRENT_MDL, current as u64),
        (NB_CURRENT_MDL_OFFSET, shape.front as u64),
        (NB_DATA_LENGTH, frame.len() as u64),
        (NB_MDL_CHAIN, mdls[0] as u64),
        (NB_DATA_OFFSET, (shape.skipped + shape.front) as u64),
        (core::mem::offset_of!(NET_BUFFER, ChecksumBias), 0),
        (core::mem::offset_of!(NET_BUFFER, u168), 0),
    ] {
        guest::write::<u64>(nb + offset, value);
    }
    let mut protect = |address: usize| words.push((address, guest::read(address)));
    for offset in [
        NB_CURRENT_MDL,
        NB_CURRENT_MDL_OFFSET,
        NB_DATA_LENGTH,
        NB_MDL_CHAIN,
        NB_DATA_OFFSET,
    ] {
        protect(nb + offset);
    }
    for mdl in mdls {
        protect(mdl);
        protect(mdl + core::mem::offset_of!(MDL, StartVa));
        protect(mdl + core::mem::offset_of!(MDL, ByteCount));
    }
    Some(nb)
}

/// An MDL over locked, nonpaged memory, as MmBuildMdlForNonPagedPool leaves it.
fn build_mdl(at: &mut Cursor, va: usize, bytes: usize) -> Option<usize> {
    let pages = if bytes == 0 {
        0
    } else {
        (va % PAGE + bytes).div_ceil(PAGE)
    };
    let size = size_of::<MDL>() + 8 * pages;
    let mdl = at.object(size, 16)?;
    let p: Ptr<MDL> = Ptr::new(mdl);
    guest::write(mdl, 0u64);
    crate::field!(p, Size).write(size as i16);
    crate::field!(p, MdlFlags).write(MDL_SOURCE_IS_NONPAGED_POOL);
    guest::write(crate::field!(p, Process).addr(), 0u64);
    guest::write(crate::field!(p, MappedSystemVa).addr(), va);
    guest::write(crate::field!(p, StartVa).addr(), va & !(PAGE - 1));
    crate::field!(p, ByteCount).write(bytes as u32);
    crate::field!(p, ByteOffset).write((va % PAGE) as u32);
    for page in 0..pages {
        let frame = vspace::translate((va & !(PAGE - 1)) + page * PAGE)? / PAGE as u64;
        guest::write(mdl + size_of::<MDL>() + 8 * page, frame);
    }
    Some(mdl)
}

fn write_nbl(nbl: usize, first: usize, info: &Info, source: u64) {
    let p: Ptr<NET_BUFFER_LIST> = Ptr::new(nbl);
    guest::write(nbl + NBL_NEXT, 0u64);
    guest::write(nbl + NBL_FIRST_NB, first);
    guest::write(crate::field!(p, Context).addr(), 0u64);
    guest::write(crate::field!(p, ParentNetBufferList).addr(), 0u64);
    guest::write(crate::field!(p, SourceHandle).addr(), source);
    crate::field!(p, NblFlags).write(0);
    crate::field!(p, ChildRefCount).write(0);
    crate::field!(p, Flags).write(0);
    guest::write(nbl + NBL_STATUS, 0u32);
    // What is not said is zero.
    let out_of_band = crate::field!(p, NetBufferListInfo).addr();
    guest::fill(out_of_band, 27 * 8, 0);
    for (index, value) in [
        (TcpIpChecksumNetBufferListInfo, u64::from(info.checksum)),
        (TcpLargeSendNetBufferListInfo, u64::from(info.large)),
        (Ieee8021QNetBufferListInfo, u64::from(info.tag)),
        (NetBufferListCancelId, info.cancel_id),
        (NetBufferListHashValue, u64::from(info.hash.0)),
        (NetBufferListHashInfo, u64::from(info.hash.1)),
    ] {
        guest::write(out_of_band + 8 * index as usize, value);
    }
}
