// SPDX-License-Identifier: MIT OR Apache-2.0
//! Physical page frames: one bit a frame, so that contiguous runs with limits are found simply.
//! Any IRQL.

use super::{boot::MemoryEntry, lock::IrqSpin};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Frames the bitmap can hold: 4 GiB. RAM above is left alone.
const MAX_FRAMES: usize = 1 << 20;

struct Frames {
    /// Bit set: free.
    map: [u64; MAX_FRAMES / 64],
    free: usize,
    /// No single frame is free below this word.
    hint: usize,
    /// One past the highest frame of RAM.
    end: usize,
}

impl Frames {
    fn get(&self, frame: usize) -> bool {
        self.map[frame / 64] >> (frame % 64) & 1 == 1
    }

    fn set(&mut self, frame: usize, free: bool) {
        let bit = 1 << (frame % 64);
        if free {
            self.map[frame / 64] |= bit;
            self.free += 1;
            self.hint = self.hint.min(frame / 64);
        } else {
            self.map[frame / 64] &= !bit;
            self.free -= 1;
        }
    }

    fn one(&mut self) -> Option<usize> {
        let words = self.end.div_ceil(64);
        while self.hint < words {
            let word = self.map[self.hint];
            if word != 0 {
                let frame = self.hint * 64 + word.trailing_zeros() as usize;
                self.set(frame, false);
                return Some(frame);
            }
            self.hint += 1;
        }
        None
    }

    fn run(&mut self, n: usize, limit: usize, step: usize) -> Option<usize> {
        let mut first = 0;
        while first + n <= limit.min(self.end) {
            match (first..first + n).rev().find(|&frame| !self.get(frame)) {
                None => {
                    (first..first + n).for_each(|frame| self.set(frame, false));
                    return Some(first);
                }
                Some(taken) => first = (taken + 1).next_multiple_of(step),
            }
        }
        None
    }
}

static FRAMES: IrqSpin<Frames> = IrqSpin::new(Frames {
    map: [0; MAX_FRAMES / 64],
    free: 0,
    hint: 0,
    end: 0,
});

/// Takes the machine's RAM, without the first MiB and the host's image `taken`.
pub(super) fn init(memory: &[MemoryEntry], taken: core::ops::Range<u64>) {
    let mut frames = FRAMES.lock();
    for entry in memory.iter().filter(|entry| entry.kind == 1) {
        let first = entry.base.max(1 << 20).next_multiple_of(PAGE as u64);
        let end = (entry.base + entry.len).min((MAX_FRAMES * PAGE) as u64);
        for pa in (first..end).step_by(PAGE) {
            if pa + PAGE as u64 <= end && !taken.contains(&pa) {
                frames.set(pa as usize / PAGE, true);
                frames.end = frames.end.max(pa as usize / PAGE + 1);
            }
        }
    }
}

/// One past the last byte of RAM known here.
pub(super) fn end() -> u64 {
    (FRAMES.lock().end * PAGE) as u64
}

/// `n` contiguous frames as high as there are: what needs no low memory leaves it to those who do.
pub(super) fn alloc_high(n: usize) -> Option<u64> {
    let mut frames = FRAMES.lock();
    let mut first = frames.end.checked_sub(n)?;
    loop {
        match (first..first + n).find(|&frame| !frames.get(frame)) {
            None => {
                (first..first + n).for_each(|frame| frames.set(frame, false));
                return Some((first * PAGE) as u64);
            }
            Some(taken) => first = taken.checked_sub(n)?,
        }
    }
}

/// `n` contiguous frames; the physical address of the first.
pub fn alloc(n: usize) -> Option<u64> {
    if n == 1 {
        return FRAMES.lock().one().map(|frame| (frame * PAGE) as u64);
    }
    alloc_below(n, u64::MAX, PAGE as u64)
}

/// `n` contiguous frames, the last byte of which is at or below `max_pa`, the first at a multiple
/// of `align` (bytes, a power of two).
pub fn alloc_below(n: usize, max_pa: u64, align: u64) -> Option<u64> {
    if n == 0 {
        return None;
    }
    let limit =
        (max_pa / PAGE as u64).saturating_add(u64::from(max_pa % PAGE as u64 == PAGE as u64 - 1));
    let limit = limit.min(MAX_FRAMES as u64) as usize;
    let step = (align as usize / PAGE).max(1);
    FRAMES
        .lock()
        .run(n, limit, step)
        .map(|frame| (frame * PAGE) as u64)
}

/// Gives `n` frames back. Panics when one of them is free already.
pub fn free(pa: u64, n: usize) {
    let mut frames = FRAMES.lock();
    for frame in pa as usize / PAGE..pa as usize / PAGE + n {
        assert!(!frames.get(frame), "frame {:#x} freed twice", frame * PAGE);
        frames.set(frame, true);
    }
}

/// Frames that are free now.
pub fn free_frames() -> usize {
    FRAMES.lock().free
}
