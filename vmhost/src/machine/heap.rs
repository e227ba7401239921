// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's own heap (not the driver's memory). Usable at any IRQL.

use core::{
    alloc::{GlobalAlloc, Layout},
    ptr::{self, NonNull},
};

use talc::{ErrOnOom, Span, Talc};

use super::lock::IrqSpin;

/// Bytes taken from physical memory at start.
pub const SIZE: usize = 128 << 20;

struct Heap(IrqSpin<Talc<ErrOnOom>>);

// SAFETY: every call goes to one allocator behind one lock; memory it hands out is its own.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut heap = self.0.lock();
        // SAFETY: GlobalAlloc's caller promises a size above zero.
        let got = unsafe { heap.malloc(layout) };
        got.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let Some(ptr) = NonNull::new(ptr) else { return };
        let mut heap = self.0.lock();
        // SAFETY: GlobalAlloc's caller promises that `ptr` came from `alloc` with this layout.
        unsafe { heap.free(ptr, layout) };
    }
}

#[global_allocator]
static HEAP: Heap = Heap(IrqSpin::new(Talc::new(ErrOnOom)));

/// Gives the heap its memory, once.
///
/// # Safety
/// `base..base + len` is mapped, writable and nobody else's.
pub(super) unsafe fn init(base: usize, len: usize) {
    let span = Span::from_base_size(base as *mut u8, len);
    // SAFETY: the caller's promise.
    let claimed = unsafe { HEAP.0.lock().claim(span) };
    assert!(claimed.is_ok(), "heap of {len} bytes refused");
}
