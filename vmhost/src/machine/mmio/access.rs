// SPDX-License-Identifier: MIT OR Apache-2.0
//! One load or store of a register on the host's own mapping, reported to the observer.

use super::{
    super::vspace,
    Window,
    posted::{self, Write},
    report,
};

/// An operand inside a window.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    window: &'a Window,
    offset: u64,
    width: u8,
}

/// The low `width` bytes set.
pub const fn mask(width: u8) -> u64 {
    u64::MAX >> (64 - 8 * width as u32)
}

impl<'a> Operand<'a> {
    /// The operand of `width` bytes at address `va`, which must lie inside the window.
    pub fn new(window: &'a Window, va: u64, width: usize) -> Result<Self, &'static str> {
        if !matches!(width, 1 | 2 | 4 | 8) {
            return Err(
                "register accesses of this width are not supported (1, 2, 4 and 8 bytes are)",
            );
        }
        let Some(offset) = va.checked_sub(window.va as u64) else {
            return Err(
                "the access is in the first page of a register window, but before it begins",
            );
        };
        if offset + width as u64 > window.len as u64 {
            return Err("the access is beyond the end of the register window");
        }
        if !va.is_multiple_of(width as u64) {
            return Err("the register access is not aligned to its width");
        }
        Ok(Self {
            window,
            offset,
            width: width as u8,
        })
    }

    /// Reads the register.
    pub fn load(self) -> u64 {
        let value = if self.window.dead {
            mask(self.width)
        } else {
            posted::arrive();
            self.load_now()
        };
        // A read is done when it is seen.
        let _ = report(self.window, self.offset, false, self.width, value);
        value
    }

    /// Writes the register.
    pub fn store(self, value: u64) {
        let value = value & mask(self.width);
        let late = report(self.window, self.offset, true, self.width, value);
        let write = Write {
            window: *self.window,
            offset: self.offset,
            width: self.width,
            value,
        };
        posted::post(write, late);
    }

    fn host(self) -> usize {
        vspace::direct(self.window.pa + self.offset)
    }

    fn load_now(self) -> u64 {
        let at = self.host();
        match self.width {
            // SAFETY: inside the device's window, aligned, in the host's own uncached view.
            1 => u64::from(unsafe { (at as *const u8).read_volatile() }),
            // SAFETY: as above.
            2 => u64::from(unsafe { (at as *const u16).read_volatile() }),
            // SAFETY: as above.
            4 => u64::from(unsafe { (at as *const u32).read_volatile() }),
            // SAFETY: as above.
            _ => unsafe { (at as *const u64).read_volatile() },
        }
    }
}
