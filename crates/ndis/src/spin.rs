// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`SpinLock`]: a kernel spin lock around a value. At most DISPATCH_LEVEL.
//!
//! `NdisAcquireSpinLock` and its relatives are macros over four kernel exports; those are called here.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use crate::ffi::{KIRQL, KSPIN_LOCK};
use crate::irql::{AtMost, Dispatch, Irql};
use crate::sys::nt;

/// A value that only the holder of the lock can reach.
///
/// Never share such a value with an ISR: that needs [`synchronize`](crate::interrupt::Interrupt::synchronize) or
/// atomics.
pub struct SpinLock<T> {
    word: UnsafeCell<KSPIN_LOCK>,
    value: UnsafeCell<T>,
}

// SAFETY: the lock gives one processor at a time access to the value.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// An unlocked lock. (`KeInitializeSpinLock` stores zero.)
    /// Any IRQL.
    pub const fn new(value: T) -> Self {
        Self {
            word: UnsafeCell::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Acquires the lock, raising to DISPATCH_LEVEL if not there yet.
    ///
    /// The token is borrowed until the guard is dropped, and the guard lends one of DISPATCH_LEVEL.
    pub fn lock<'a, L: AtMost<Dispatch>>(&'a self, irql: &'a mut Irql<L>) -> SpinLockGuard<'a, T> {
        let _ = irql;
        let old = if L::IS_DISPATCH {
            // SAFETY: at DISPATCH_LEVEL; the lock word lives as long as `self`.
            unsafe { nt::KeAcquireSpinLockAtDpcLevel(self.word.get()) };
            None
        } else {
            // SAFETY: at most DISPATCH_LEVEL; the lock word lives as long as `self`.
            Some(unsafe { nt::KeAcquireSpinLockRaiseToDpc(self.word.get()) })
        };
        SpinLockGuard {
            lock: self,
            old,
            // SAFETY: the IRQL is DISPATCH_LEVEL until the guard is dropped, and the token lives in the guard.
            irql: unsafe { Irql::assume() },
            stays: PhantomData,
        }
    }

    /// The value, without locking: nobody else can have the lock. Any IRQL.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value. Any IRQL.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T> fmt::Debug for SpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpinLock")
    }
}

/// The lock, held. Dropping it releases the lock and restores the IRQL.
#[derive(Debug)]
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
    /// The IRQL before, if acquiring raised it.
    old: Option<KIRQL>,
    irql: Irql<Dispatch>,
    /// A lock is released on the processor that took it.
    stays: PhantomData<*mut ()>,
}

impl<T> SpinLockGuard<'_, T> {
    /// The token of DISPATCH_LEVEL, for calls that are legal there.
    pub fn irql(&self) -> &Irql<Dispatch> {
        &self.irql
    }

    /// The value and the token at once, for nested locks. DISPATCH_LEVEL, as long as the guard lives.
    pub fn split(&mut self) -> (&mut T, &mut Irql<Dispatch>) {
        // SAFETY: the lock is held, and the borrow of `self` is exclusive.
        (unsafe { &mut *self.lock.value.get() }, &mut self.irql)
    }
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.split().0
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        match self.old {
            // SAFETY: acquired by this guard with `KeAcquireSpinLockRaiseToDpc`, which returned `old`.
            Some(old) => unsafe { nt::KeReleaseSpinLock(self.lock.word.get(), old) },
            // SAFETY: acquired by this guard with `KeAcquireSpinLockAtDpcLevel`.
            None => unsafe { nt::KeReleaseSpinLockFromDpcLevel(self.lock.word.get()) },
        }
    }
}

impl<T: Default> Default for SpinLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}
