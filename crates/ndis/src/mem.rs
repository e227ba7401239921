// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory without infallible allocation: boxes and shared values whose allocation can fail.
//!
//! Everything comes from the global allocator, which in a driver is nonpaged pool: allocate and free at most at
//! DISPATCH_LEVEL.

use alloc::alloc::{Layout, alloc};
use alloc::boxed::Box;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::ffi::DISPATCH_LEVEL;
use crate::irql::{AtMost, Dispatch, Irql, drop_level_at_most};
use crate::status::{Result, Status};

/// A boxed `value`, or [`Status::RESOURCES`]. At most DISPATCH_LEVEL.
///
/// # Errors
/// [`Status::RESOURCES`] if there is no memory; `value` is dropped.
pub fn try_box<T, L: AtMost<Dispatch>>(value: T, irql: &Irql<L>) -> Result<Box<T>> {
    try_box_with(|| value, irql)
}

/// Boxes what `make` makes, which is called when the memory is there: a value too large for the stack comes into being
/// where it stays, as far as the optimiser goes. At most DISPATCH_LEVEL.
///
/// # Errors
/// [`Status::RESOURCES`] if there is no memory; `make` is dropped.
#[inline]
pub fn try_box_with<T, L: AtMost<Dispatch>>(
    make: impl FnOnce() -> T,
    irql: &Irql<L>,
) -> Result<Box<T>> {
    // What pool gives: MEMORY_ALLOCATION_ALIGNMENT, and whole pages from a page on, whatever the layout asks for.
    const { assert!(align_of::<T>() <= 16 || size_of::<T>() >= 4096) };
    let _ = irql;
    let layout = Layout::new::<T>();
    if layout.size() == 0 {
        return Ok(Box::new(make()));
    }
    // SAFETY: the layout has a size.
    let memory = unsafe { alloc(layout) }.cast::<T>();
    if memory.is_null() {
        return Err(Status::RESOURCES);
    }
    // SAFETY: fresh memory of `T`'s layout.
    unsafe { memory.write(make()) };
    // SAFETY: from the global allocator with `T`'s layout, and initialised.
    Ok(unsafe { Box::from_raw(memory) })
}

/// A value with any number of owners; like `alloc::sync::Arc`, but its allocation can fail.
///
/// The last owner drops the value: at most DISPATCH_LEVEL, and at PASSIVE_LEVEL if the value asks for it. Dropped above,
/// the value stays where it is for ever.
#[derive(Debug)]
pub struct Shared<T> {
    inner: NonNull<Counted<T>>,
}

#[derive(Debug)]
struct Counted<T> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: as for `Arc`: owners on several processors reach `T` by reference and one of them drops it.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// A shared `value` with one owner. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// [`Status::RESOURCES`] if there is no memory; `value` is dropped.
    pub fn new<L: AtMost<Dispatch>>(value: T, irql: &Irql<L>) -> Result<Self> {
        Self::new_with(|| value, irql)
    }

    /// What `make` makes, with one owner; see [`try_box_with`]. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// [`Status::RESOURCES`] if there is no memory; `make` is dropped.
    #[inline]
    pub fn new_with<L: AtMost<Dispatch>>(make: impl FnOnce() -> T, irql: &Irql<L>) -> Result<Self> {
        let counted = || Counted {
            owners: AtomicUsize::new(1),
            value: make(),
        };
        let boxed = try_box_with(counted, irql)?;
        Ok(Self {
            inner: NonNull::from(Box::leak(boxed)),
        })
    }

    /// Where the value is: by this pointer ownerships can be given up again.
    #[inline]
    pub(crate) fn value(this: &Self) -> NonNull<T> {
        // SAFETY: only an address inside the allocation is computed.
        let value = unsafe { &raw mut (*this.inner.as_ptr()).value };
        // SAFETY: inside the allocation, so not null.
        unsafe { NonNull::new_unchecked(value) }
    }

    /// Adds `count` ownerships, to be given up with [`release`](Self::release).
    #[inline]
    pub(crate) fn add(this: &Self, count: usize) {
        // Relaxed: as for `clone`.
        this.counted().owners.fetch_add(count, Ordering::Relaxed);
    }

    /// Gives up `count` ownerships at once; the last one drops the value.
    ///
    /// # Safety
    /// `value` is from [`value`](Self::value), and the caller has so many ownerships.
    #[inline]
    pub(crate) unsafe fn release(value: NonNull<T>, count: usize) {
        let offset = core::mem::offset_of!(Counted<T>, value);
        // SAFETY: the value lies so many bytes behind the start of its allocation.
        let inner = unsafe { value.byte_sub(offset) }.cast::<Counted<T>>();
        // SAFETY: the caller is an owner.
        let owners = unsafe { &inner.as_ref().owners };
        // Release: the accesses of these owners happen before the value is dropped, wherever that is.
        if owners.fetch_sub(count, Ordering::Release) == count {
            // SAFETY: the last owner.
            unsafe { Self::end(inner) };
        }
    }

    /// # Safety
    /// The caller was the last owner.
    #[cold]
    #[inline(never)]
    unsafe fn end(inner: NonNull<Counted<T>>) {
        if drop_level_at_most(DISPATCH_LEVEL) {
            fence(Ordering::Acquire);
            // SAFETY: made from a box in `new`, and nobody else's.
            drop(unsafe { Box::from_raw(inner.as_ptr()) });
        }
    }

    fn counted(&self) -> &Counted<T> {
        // SAFETY: `inner` lives as long as any owner, and `self` is one.
        unsafe { self.inner.as_ref() }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        // Relaxed: an owner already exists, so nothing has to be ordered. Overflow would need 2^64 owners.
        self.counted().owners.fetch_add(1, Ordering::Relaxed);
        Self { inner: self.inner }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: `self` is one owner.
        unsafe { Self::release(Self::value(self), 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::irql::Passive;

    fn irql() -> Irql<Passive> {
        // SAFETY: a test runs at the level of a thread.
        unsafe { Irql::assume() }
    }

    #[test]
    fn the_last_owner_drops() {
        let inner = Shared::new(5, &irql()).expect("memory");
        let outer = Shared::new(inner.clone(), &irql()).expect("memory");
        let second = outer.clone();
        assert_eq!(inner.counted().owners.load(Ordering::Relaxed), 2);
        drop(outer);
        assert_eq!(**second, 5);
        drop(second);
        assert_eq!(inner.counted().owners.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_box_of_nothing() {
        assert!(try_box((), &irql()).is_ok());
    }
}
