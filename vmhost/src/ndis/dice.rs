// SPDX-License-Identifier: MIT OR Apache-2.0
//! Seeded choices. Every freedom that the contract leaves to NDIS is taken by a throw of these.
//!
//! Usable at any IRQL. The sequence is fixed by the seed; which consumer gets which number
//! depends on the order in which the CPUs ask.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// SplitMix64's increment, the odd number nearest to 2^64 divided by the golden ratio.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of pseudo-random numbers (SplitMix64: any state is good, no lock is needed).
pub struct Dice {
    state: AtomicU64,
    seed: AtomicU64,
    calm: AtomicBool,
}

impl Dice {
    /// The stream of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
            seed: AtomicU64::new(seed),
            calm: AtomicBool::new(false),
        }
    }

    /// Starts over with another seed.
    pub fn reseed(&self, seed: u64) {
        self.state.store(seed, Ordering::Relaxed);
        self.seed.store(seed, Ordering::Relaxed);
    }

    /// The seed, for choices that hold for the whole run.
    pub fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }

    /// While calm, nothing happens by chance: [`Self::chance`] is false and [`Self::below`] gives the
    /// largest number, behind which consumers have what is usual.
    pub fn calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::Relaxed);
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let state = self
            .state
            .fetch_add(GAMMA, Ordering::Relaxed)
            .wrapping_add(GAMMA);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..limit`; 0 when `limit` is 0.
    pub fn below(&self, limit: u64) -> u64 {
        if self.calm.load(Ordering::Relaxed) {
            limit.saturating_sub(1)
        } else if limit == 0 {
            0
        } else {
            self.next() % limit
        }
    }

    /// True in `percent` of 100 throws.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// The dice of this run, seeded from the configuration before anything else happens.
pub static DICE: Dice = Dice::new(1);
