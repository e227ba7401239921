// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes on their way. PCI posts them: the CPU goes on before the device has them, and nothing but a read, or time, says
//! that they are there. Their order is kept, and a read goes behind all of them. Any IRQL.

use super::{
    super::{lock::IrqSpin, vspace},
    Window, find,
};
use alloc::vec::Vec;

/// One write of 1, 2, 4 or 8 bytes, inside its window.
#[derive(Clone, Copy)]
pub struct Write {
    pub window: Window,
    pub offset: u64,
    pub width: u8,
    pub value: u64,
}

/// Those that the device does not have yet, oldest first. Held while they are done, which keeps the order.
static HELD: IrqSpin<Vec<Write>> = IrqSpin::new(Vec::new());

/// Does a write behind those that are on their way, or lets it follow them if it is `late`.
pub fn post(write: Write, late: bool) {
    let mut held = HELD.lock();
    if late {
        held.push(write);
        return;
    }
    held.drain(..).for_each(Write::arrive);
    if !write.window.dead {
        write.perform();
    }
}

/// Everything that is on its way arrives.
pub fn arrive() {
    HELD.lock().drain(..).for_each(Write::arrive);
}

/// Whether something is on its way.
pub fn is_any() -> bool {
    !HELD.lock().is_empty()
}

impl Write {
    /// The device may have vanished meanwhile.
    fn arrive(self) {
        if find(self.window.va).is_some_and(|window| !window.dead) {
            self.perform();
        }
    }

    fn perform(self) {
        let at = vspace::direct(self.window.pa + self.offset);
        match self.width {
            // SAFETY: inside the device's window, aligned, in the host's own uncached view.
            1 => unsafe { (at as *mut u8).write_volatile(self.value as u8) },
            // SAFETY: as above.
            2 => unsafe { (at as *mut u16).write_volatile(self.value as u16) },
            // SAFETY: as above.
            4 => unsafe { (at as *mut u32).write_volatile(self.value as u32) },
            // SAFETY: as above.
            _ => unsafe { (at as *mut u64).write_volatile(self.value) },
        }
    }
}
