// SPDX-License-Identifier: MIT OR Apache-2.0
//! Walking the data of a `NET_BUFFER` through its MDLs. At most DISPATCH_LEVEL.
//!
//! Data starts `CurrentMdlOffset` bytes into `CurrentMdl` and is `DataLength` bytes long; the chain may be longer, MDLs
//! may be empty, and the offset may be the whole first MDL (contract D-12).

use core::ptr::NonNull;

use crate::ffi::*;
use crate::status::{Result, Status};
use crate::sys::inline::MmGetSystemAddressForMdlSafe;

/// One contiguous piece of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub mdl: NonNull<MDL>,
    pub offset: u32,
    pub length: u32,
}

/// The non-empty pieces of a net buffer's data, in order.
pub(crate) struct Pieces {
    mdl: *mut MDL,
    offset: u32,
    left: u32,
}

impl Pieces {
    /// The pieces of `nb`.
    ///
    /// # Safety
    /// `nb` and its MDL chain are valid, and stay so while the iterator is used.
    pub(crate) unsafe fn of(nb: &NET_BUFFER) -> Self {
        Self {
            mdl: nb.current_mdl(),
            offset: nb.current_mdl_offset(),
            left: nb.data_length(),
        }
    }

    /// Bytes that the chain did not have: 0 after a complete walk.
    pub(crate) fn missing(&self) -> u32 {
        self.left
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while self.left > 0 {
            let mdl = NonNull::new(self.mdl)?;
            // SAFETY: an MDL of the chain, valid by the constructor's contract.
            let raw = unsafe { mdl.as_ref() };
            let (count, next) = (raw.ByteCount, raw.Next);
            let offset = self.offset;
            self.mdl = next;
            // An offset at or beyond the end continues in the next MDL.
            self.offset = offset.saturating_sub(count);
            let length = count.saturating_sub(offset).min(self.left);
            if length > 0 {
                self.left -= length;
                return Some(Piece {
                    mdl,
                    offset,
                    length,
                });
            }
        }
        None
    }
}

/// Copies up to `to.len()` bytes of a net buffer's data, from byte `skip` on; returns how many.
///
/// # Errors
/// [`Status::RESOURCES`] if an MDL cannot be mapped (contract D-13); [`Status::INVALID_LENGTH`] if the chain is shorter
/// than the data it claims.
///
/// # Safety
/// As for [`Pieces::of`]; at most DISPATCH_LEVEL.
pub(crate) unsafe fn copy_data(nb: &NET_BUFFER, skip: u32, to: &mut [u8]) -> Result<usize> {
    let mut done = 0;
    let mut skip = skip;
    // SAFETY: the caller's promise.
    let mut pieces = unsafe { Pieces::of(nb) };
    while done < to.len() {
        let Some(mut piece) = pieces.next() else {
            break;
        };
        let skipped = skip.min(piece.length);
        skip -= skipped;
        piece.offset += skipped;
        piece.length -= skipped;
        if piece.length == 0 {
            continue;
        }
        // SAFETY: an MDL of the chain, locked by its owner.
        let base =
            unsafe { MmGetSystemAddressForMdlSafe(piece.mdl.as_ptr(), NormalPagePriority as u32) };
        if base.is_null() {
            return Err(Status::RESOURCES);
        }
        let length = (piece.length as usize).min(to.len() - done);
        // SAFETY: the piece lies inside the MDL's bytes.
        let from = unsafe { base.cast::<u8>().add(piece.offset as usize) };
        let room = &mut to[done..done + length];
        // SAFETY: `length` bytes on both sides; the driver's buffer is no part of a packet.
        unsafe { room.as_mut_ptr().copy_from_nonoverlapping(from, length) };
        done += length;
    }
    if done < to.len() && pieces.missing() > 0 {
        return Err(Status::INVALID_LENGTH);
    }
    Ok(done)
}

/// The first `N` bytes, if they lie together in a first MDL that is mapped already: the cheap way to a frame's header.
///
/// # Safety
/// As for [`Pieces::of`].
pub(crate) unsafe fn first_bytes<const N: usize>(nb: &NET_BUFFER) -> Option<[u8; N]> {
    let offset = nb.current_mdl_offset();
    let end = offset as usize + N;
    // SAFETY: null, or the net buffer's MDL.
    let mdl = unsafe { nb.current_mdl().as_ref() }?;
    let mapped = mdl.MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0;
    if !mapped || (mdl.ByteCount as usize) < end || (nb.data_length() as usize) < N {
        return None;
    }
    // With one of these flags the address is set, and `MmGetSystemAddressForMdlSafe` gives it as it is.
    // SAFETY: inside the MDL's bytes.
    let from = unsafe { mdl.MappedSystemVa.cast::<u8>().add(offset as usize) };
    // SAFETY: `N` mapped bytes; alignment is not assumed.
    Some(unsafe { from.cast::<[u8; N]>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A chain of mapped MDLs over `parts`, and a net buffer into it.
    fn chain(parts: &mut [Vec<u8>], offset: u32, length: u32) -> (Vec<MDL>, NET_BUFFER) {
        let mut mdls: Vec<MDL> = parts
            .iter_mut()
            .map(|part| {
                let mut mdl = MDL::zeroed();
                mdl.MdlFlags = MDL_MAPPED_TO_SYSTEM_VA;
                mdl.MappedSystemVa = part.as_mut_ptr().cast();
                mdl.ByteCount = part.len() as u32;
                mdl
            })
            .collect();
        for i in (1..mdls.len()).rev() {
            let next = &raw mut mdls[i];
            mdls[i - 1].Next = next;
        }
        let mut nb = NET_BUFFER::zeroed();
        let first = mdls
            .first_mut()
            .map_or(core::ptr::null_mut(), |mdl| &raw mut *mdl);
        nb.set_data(first, offset, length);
        (mdls, nb)
    }

    fn copied(parts: &[&[u8]], offset: u32, length: u32, room: usize) -> Result<Vec<u8>> {
        let mut parts: Vec<Vec<u8>> = parts.iter().map(|p| p.to_vec()).collect();
        let (_mdls, nb) = chain(&mut parts, offset, length);
        let mut to = std::vec![0; room];
        // SAFETY: the chain lives to the end of the function.
        let done = unsafe { copy_data(&nb, 0, &mut to) }?;
        to.truncate(done);
        Ok(to)
    }

    #[test]
    fn slack_at_both_ends_and_empty_mdls() {
        let parts: [&[u8]; 5] = [b"..ab", b"", b"cd", b"", b"ef.."];
        assert_eq!(copied(&parts, 2, 6, 64), Ok(b"abcdef".to_vec()));
    }

    #[test]
    fn an_offset_of_the_whole_first_mdl() {
        assert_eq!(copied(&[b"....", b"xyz"], 4, 3, 3), Ok(b"xyz".to_vec()));
        assert_eq!(copied(&[b"....", b".xyz"], 5, 3, 3), Ok(b"xyz".to_vec()));
    }

    #[test]
    fn less_room_than_data() {
        assert_eq!(copied(&[b"abc", b"def"], 1, 5, 3), Ok(b"bcd".to_vec()));
        assert_eq!(copied(&[b"abc"], 0, 3, 0), Ok(Vec::new()));
    }

    #[test]
    fn a_chain_that_is_too_short() {
        assert_eq!(copied(&[b"ab"], 0, 4, 4), Err(Status::INVALID_LENGTH));
        assert_eq!(copied(&[], 0, 4, 4), Err(Status::INVALID_LENGTH));
        assert_eq!(
            copied(&[b"ab"], u32::MAX, 4, 4),
            Err(Status::INVALID_LENGTH)
        );
    }

    #[test]
    fn no_data() {
        assert_eq!(copied(&[b"ab"], 0, 0, 4), Ok(Vec::new()));
        assert_eq!(copied(&[], 0, 0, 4), Ok(Vec::new()));
    }

    #[test]
    fn from_the_middle() {
        let parts: [&[u8]; 4] = [b"..ab", b"", b"cd", b"ef.."];
        let mut parts: Vec<Vec<u8>> = parts.iter().map(|p| p.to_vec()).collect();
        let (_mdls, nb) = chain(&mut parts, 2, 6);
        for skip in 0..7 {
            let mut to = [0; 8];
            // SAFETY: the chain lives to the end of the function.
            let done = unsafe { copy_data(&nb, skip, &mut to) };
            assert_eq!(done, Ok(6 - skip as usize));
            assert_eq!(to[..6 - skip as usize], b"abcdef"[skip as usize..]);
        }
        // SAFETY: as above.
        assert_eq!(unsafe { first_bytes::<2>(&nb) }, Some(*b"ab"));
        // SAFETY: as above.
        assert_eq!(unsafe { first_bytes::<3>(&nb) }, None, "in two MDLs");
    }

    #[test]
    fn a_mapping_that_fails() {
        let mut parts = [b"abcd".to_vec()];
        let (mut mdls, nb) = chain(&mut parts, 0, 4);
        mdls[0].MappedSystemVa = core::ptr::null_mut();
        // SAFETY: the chain lives to the end of the test.
        let result = unsafe { copy_data(&nb, 0, &mut [0; 4]) };
        assert_eq!(result, Err(Status::RESOURCES));
    }
}
