// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`ReturnStack`]: where returned receive NBLs wait for the ring, without a lock. At most DISPATCH_LEVEL.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::receive::ReceiveChain;
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
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            head: AtomicPtr::new(null_mut()),
        }
    }

    /// Puts a whole chain on the stack.
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

    /// Takes everything.
    pub fn take(&self) -> ReceiveChain {
        let head = self.head.swap(null_mut(), Ordering::SeqCst);
        // SAFETY: chains of receive NBLs, linked by `push`, owned by the stack until now.
        unsafe { ReceiveChain::from_ndis(head) }
    }

    /// `true` without any.
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
