// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Claim`]: a value that one holder at a time may use, where nobody ever waits. Any IRQL.
//!
//! A receive ring is worked on by the DPC and, when buffers have run out, by whoever returns one. Neither may spin
//! for the other, and the holder calls into NDIS (K-01 forbids a spin lock there). So: whoever finds the value taken
//! leaves a note elsewhere and goes away; the holder looks at the notes *after* it has let go.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// A value behind a flag. See the [module](self).
pub struct Claim<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `taken` gives one holder at a time access to the value.
unsafe impl<T: Send> Sync for Claim<T> {}

impl<T> Claim<T> {
    /// A value that nobody holds. Any IRQL.
    pub const fn new(value: T) -> Self {
        Self {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the value if nobody has it. Never waits. Any IRQL.
    ///
    /// A caller that gets `None` and has work for the holder must have published the work before (with a
    /// read-modify-write or a sequentially consistent store); a holder must look for such work after dropping the
    /// guard and claim again if it finds some.
    pub fn try_claim(&self) -> Option<Claimed<'_, T>> {
        // SeqCst, here and in the drop: the loser's "publish work, then find it taken" and the holder's "let go, then
        // look for work" are the two halves of a Dekker pattern; a weaker order would let both miss the other.
        self.taken
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
            .then(|| Claimed {
                claim: self,
                exclusive: PhantomData,
            })
    }

    /// The value: an exclusive borrow proves that nobody holds it. Any IRQL.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> fmt::Debug for Claim<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

/// The value, held. Dropping it lets go.
#[derive(Debug)]
pub struct Claimed<'a, T> {
    claim: &'a Claim<T>,
    /// As much `Sync` as an exclusive reference: a guard that is shared lends `&T` to whoever has it.
    exclusive: PhantomData<&'a mut T>,
}

impl<T> Deref for Claimed<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `taken` was set by this guard and is cleared only by its drop.
        unsafe { &*self.claim.value.get() }
    }
}

impl<T> DerefMut for Claimed<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`; the borrow of the guard is exclusive.
        unsafe { &mut *self.claim.value.get() }
    }
}

impl<T> Drop for Claimed<'_, T> {
    fn drop(&mut self) {
        // SeqCst: see `try_claim`; also releases what was done to the value. A swap and not a store: on x86 only a
        // locked instruction keeps the holder's next load behind it.
        self.claim.taken.swap(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;
    use std::thread;
    use std::vec::Vec;

    #[test]
    fn one_holder_at_a_time() {
        let claim = Claim::new(1);
        let mut held = claim.try_claim().expect("free");
        *held += 1;
        assert!(claim.try_claim().is_none());
        assert!(
            claim.try_claim().is_none(),
            "a failed claim lets go of nothing"
        );
        drop(held);
        assert_eq!(*claim.try_claim().expect("free again"), 2);
    }

    #[test]
    fn work_left_with_the_holder_is_done() {
        // Every thread publishes one piece of work and then tries to work; whoever holds the claim takes all of it.
        for _ in 0..500 {
            let claim = Arc::new(Claim::new(0_u32));
            let left = Arc::new(AtomicU32::new(0));
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (claim, left) = (claim.clone(), left.clone());
                    thread::spawn(move || {
                        left.fetch_add(1, Ordering::SeqCst);
                        while left.load(Ordering::SeqCst) != 0 {
                            let Some(mut done) = claim.try_claim() else {
                                return;
                            };
                            *done += left.swap(0, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().expect("worker");
            }
            assert_eq!(left.load(Ordering::SeqCst), 0);
            assert_eq!(*claim.try_claim().expect("free"), 3);
        }
    }
}
