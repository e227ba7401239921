// SPDX-License-Identifier: MIT OR Apache-2.0
//! Register windows whose every access faults, is decoded, reported and performed (contract G-02).
//! Any IRQL.

mod access;
mod alu;
mod emulate;
mod posted;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::{lock::IrqSpin, pages::PAGE, trap::Frame, vspace};
pub use posted::{arrive, is_any as is_on_its_way};

/// Told about each access before a write and after a read, in the accessor's context, any IRQL,
/// interrupts off: (tag, offset, write, width in bytes, value). Of a write it says whether it may stay on its way, until
/// somebody calls [`arrive`], reads a register, or writes one at once.
pub type Observer = fn(tag: u64, offset: u64, write: bool, width: u8, value: u64) -> bool;

/// A trapped window.
#[derive(Clone, Copy)]
struct Window {
    /// Address given to the driver.
    va: usize,
    pa: u64,
    len: usize,
    tag: u64,
    dead: bool,
}

impl Window {
    fn first_page(&self) -> usize {
        self.va & !(PAGE - 1)
    }

    fn pages(&self) -> usize {
        (self.va % PAGE + self.len).div_ceil(PAGE)
    }

    /// Whether `va` is in one of the window's pages.
    fn covers(&self, va: usize) -> bool {
        (self.first_page()..self.first_page() + self.pages() * PAGE).contains(&va)
    }
}

static WINDOWS: IrqSpin<Vec<Window>> = IrqSpin::new(Vec::new());
static OBSERVER: AtomicUsize = AtomicUsize::new(0);

/// Maps a register window of `len` bytes; the result has the same offset in its page as `pa`.
pub fn map_trapped(pa: u64, len: usize, tag: u64) -> usize {
    let offset = (pa % PAGE as u64) as usize;
    let pages = (offset + len).div_ceil(PAGE).max(1);
    let va = vspace::reserve(pages, "register window") + offset;
    WINDOWS.lock().push(Window {
        va,
        pa,
        len,
        tag,
        dead: false,
    });
    va
}

/// Ends a window by the address [`map_trapped`] gave.
pub fn unmap_trapped(va: usize) {
    arrive();
    let mut windows = WINDOWS.lock();
    let Some(index) = windows.iter().position(|window| window.va == va) else {
        panic!("unmap_trapped of {va:#x}, which is no live register window");
    };
    windows.swap_remove(index);
    drop(windows);
    vspace::retire(va & !(PAGE - 1));
}

/// Sets the one observer.
pub fn set_observer(observer: Observer) {
    OBSERVER.store(observer as usize, Ordering::Release);
}

/// Surprise removal: reads give all ones, writes vanish. Accesses are still reported.
pub fn set_dead(va: usize, dead: bool) {
    if let Some(window) = WINDOWS.lock().iter_mut().find(|window| window.va == va) {
        window.dead = dead;
    }
}

/// The same for all windows with that tag.
pub fn set_all_dead(tag: u64, dead: bool) {
    for window in WINDOWS.lock().iter_mut().filter(|window| window.tag == tag) {
        window.dead = dead;
    }
}

/// What became of a page fault.
pub(super) enum Trap {
    /// Performed; the instruction is done (or one element of a repeated one).
    Done,
    /// No window there.
    NotMine,
    /// A window, but the access cannot be performed.
    Refused(&'static str),
}

fn find(va: usize) -> Option<Window> {
    WINDOWS
        .lock()
        .iter()
        .find(|window| window.covers(va))
        .copied()
}

/// From the page-fault handler: performs the access if it hits a window.
pub(super) fn page_fault(frame: &mut Frame, cr2: u64) -> Trap {
    const FETCH: u64 = 16;
    const PROTECTION: u64 = 1;
    let Some(window) = find(cr2 as usize) else {
        return Trap::NotMine;
    };
    if frame.error & FETCH != 0 {
        return Trap::Refused("code was fetched from a register window");
    }
    if frame.error & PROTECTION != 0 {
        return Trap::NotMine;
    }
    match emulate::run(frame, &window, cr2) {
        Ok(()) => Trap::Done,
        Err(why) => Trap::Refused(why),
    }
}

fn report(window: &Window, offset: u64, write: bool, width: u8, value: u64) -> bool {
    let observer = OBSERVER.load(Ordering::Acquire);
    observer != 0 && {
        // SAFETY: only `set_observer` stores there, and it stores such a function.
        let observer: Observer = unsafe { core::mem::transmute(observer) };
        observer(window.tag, offset, write, width, value)
    }
}

/// Makes the decoder build its tables now, not inside the first fault.
pub(super) fn init() {
    emulate::warm_up();
}
