// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`ReturnStack`]: where returned receive NBLs wait for the ring, without a lock; [`ReceivePile`]: where they wait
//! with one owner. At most DISPATCH_LEVEL.

use core::mem::ManuallyDrop;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::receive::{ReceiveChain, ReceiveNbl};
use crate::ffi::NET_BUFFER_LIST;

/// A lock-free stack of receive NBLs: any number of processors push chains, whoever works on the ring takes all.
///
/// Taking everything at once leaves no room for the ABA problem: a popper never looks at `Next` of an element that
/// somebody else may have taken meanwhile. Dropping the stack frees what is on it.
#[derive(Debug)]
pub struct ReturnStack {
    head: AtomicPtr<NET_BUFFER_LIST>,
}

impl Default for ReturnStack {
    fn default() -> Self {
        Self::new()
    }
}

impl ReturnStack {
    /// Empty. Any IRQL.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: AtomicPtr::new(null_mut()),
        }
    }

    /// Puts a whole chain on the stack. Any IRQL.
    pub fn push(&self, mut chain: ReceiveChain) {
        let Some((head, tail)) = chain.take_raw() else {
            return;
        };
        let mut top = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the chain's last element, which the stack owns from here on; nobody else sees it before the
            // exchange below succeeds.
            unsafe { (*tail.as_ptr()).set_next(top) };
            // SeqCst, here and in `take`: a pusher publishes and then looks whether the ring is starving, the ring's
            // owner says so and then looks here. It includes the Release that makes the elements visible.
            match self.head.compare_exchange_weak(
                top,
                head.as_ptr(),
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Takes everything. Any IRQL.
    #[inline]
    pub fn take(&self) -> ReceivePile {
        // The look first: a locked exchange costs more, and finds nothing most of the time. Relaxed: what comes at this
        // moment is found by the next look.
        if self.head.load(Ordering::Relaxed).is_null() {
            return ReceivePile::new();
        }
        ReceivePile {
            head: self.head.swap(null_mut(), Ordering::SeqCst),
        }
    }

    /// `true` without any. Any IRQL.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::SeqCst).is_null()
    }
}

impl Drop for ReturnStack {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Receive NBLs in any order and without a count, for one owner. Dropping it frees them.
#[derive(Debug)]
pub struct ReceivePile {
    /// A NULL-terminated chain of receive NBLs that nobody else has.
    head: *mut NET_BUFFER_LIST,
}

// SAFETY: NBLs may be handled on any processor; the pile is their only owner.
unsafe impl Send for ReceivePile {}

impl Default for ReceivePile {
    fn default() -> Self {
        Self::new()
    }
}

impl ReceivePile {
    /// Empty. Any IRQL.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: null_mut() }
    }

    /// What was in a chain. Any IRQL.
    #[must_use]
    pub fn of(mut chain: ReceiveChain) -> Self {
        Self {
            head: chain
                .take_raw()
                .map_or(null_mut(), |(head, _)| head.as_ptr()),
        }
    }

    /// `true` without any. Any IRQL.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Puts one on top. Any IRQL.
    #[inline]
    pub fn push(&mut self, nbl: ReceiveNbl) {
        let nbl = ManuallyDrop::new(nbl).raw();
        // SAFETY: owned by the pile from here on.
        unsafe { (*nbl.as_ptr()).set_next(self.head) };
        self.head = nbl.as_ptr();
    }

    /// Takes the one on top. Any IRQL.
    #[inline]
    pub fn pop(&mut self) -> Option<ReceiveNbl> {
        let top = NonNull::new(self.head)?;
        // SAFETY: an element of the pile, owned.
        self.head = unsafe { top.as_ref() }.next();
        Some(ReceiveNbl::of(top))
    }
}

impl Drop for ReceivePile {
    fn drop(&mut self) {
        while let Some(nbl) = self.pop() {
            drop(nbl);
        }
    }
}
