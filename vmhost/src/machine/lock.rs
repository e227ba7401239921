// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's spin lock: disables interrupts, so it is safe at any IRQL. Keep sections short.
//!
//! A CPU that spins here counts as quiet: TLB shootdowns do not wait for it.

use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    sync::atomic::{AtomicUsize, Ordering},
};

use x86_64::instructions::interrupts;

use super::{cpu, tlb};

const FREE: usize = usize::MAX;

/// Data behind a spin lock that disables interrupts while held.
pub struct IrqSpin<T: ?Sized> {
    /// CPU that holds it, or `FREE`.
    owner: AtomicUsize,
    data: UnsafeCell<T>,
}

// SAFETY: the lock gives one holder at a time.
unsafe impl<T: ?Sized + Send> Sync for IrqSpin<T> {}
// SAFETY: it owns its data.
unsafe impl<T: ?Sized + Send> Send for IrqSpin<T> {}

impl<T> IrqSpin<T> {
    /// Unlocked.
    pub const fn new(data: T) -> Self {
        Self {
            owner: AtomicUsize::new(FREE),
            data: UnsafeCell::new(data),
        }
    }
}

impl<T: ?Sized> IrqSpin<T> {
    /// Takes the lock. Taking it twice on one CPU panics, since it would never end.
    #[track_caller]
    pub fn lock(&self) -> IrqSpinGuard<'_, T> {
        let enabled = interrupts::are_enabled();
        interrupts::disable();
        let me = cpu::id();
        if self.take(me).is_err() {
            self.wait(me);
        }
        IrqSpinGuard {
            lock: self,
            enabled,
            _not_send: PhantomData,
        }
    }

    fn take(&self, me: usize) -> Result<usize, usize> {
        self.owner
            .compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed)
    }

    #[cold]
    #[track_caller]
    fn wait(&self, me: usize) {
        tlb::enter_quiet();
        while let Err(owner) = self.take(me) {
            assert!(owner != me, "spin lock taken twice on CPU {me}");
            while self.owner.load(Ordering::Relaxed) != FREE {
                // No PAUSE: QEMU's emulation leaves the guest for it and takes a lock that the
                // holder may need.
                core::hint::black_box(());
            }
        }
        tlb::leave_quiet();
    }
}

/// Holds the lock and interrupts off.
pub struct IrqSpinGuard<'a, T: ?Sized> {
    lock: &'a IrqSpin<T>,
    enabled: bool,
    _not_send: PhantomData<*mut ()>,
}

impl<T: ?Sized> Deref for IrqSpinGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the guard is the lock's one holder.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized> DerefMut for IrqSpinGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the lock's one holder, and `self` is borrowed mutably.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized> Drop for IrqSpinGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.owner.store(FREE, Ordering::Release);
        if self.enabled {
            interrupts::enable();
        }
    }
}
