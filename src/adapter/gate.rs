// SPDX-License-Identifier: MIT OR Apache-2.0
//! The gate of the data path: who may enter, and when everybody has left.
//!
//! Every NBL that the driver holds (a send that it accepted, a receive that the protocol has) and
//! every receive indication in progress is inside the gate. `MiniportPause` closes it; what comes
//! later is refused, and whoever leaves last completes the pause (P-02 to P-06). One atomic word
//! holds both the state and the count, so that "closed" and "empty" can never be seen in the
//! wrong order: a counter that is tested before the flag is set is the classic bug of T-20.
//!
//! Pure logic; any IRQL.

use core::sync::atomic::{AtomicU32, Ordering};

/// Set while the gate refuses entry.
const CLOSED: u32 = 1 << 31;
/// Set from a close that found somebody inside until the last one has left.
const DRAINING: u32 = 1 << 30;
const COUNT: u32 = DRAINING - 1;

/// Counts what is inside; starts closed and empty (the adapter starts in Paused).
#[derive(Debug)]
pub struct Gate(AtomicU32);

/// What [`Gate::close`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nobody is inside.
    Empty,
    /// Somebody is; [`Gate::leave`] will say `true` once, to the last one.
    Draining,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed, empty gate.
    pub const fn new() -> Self {
        Self(AtomicU32::new(CLOSED))
    }

    /// Lets callers in. Only after a [`close`](Self::close) has drained, or at the start.
    pub fn open(&self) {
        // Release: what Restart prepared is visible to whoever enters.
        self.0.fetch_and(!CLOSED, Ordering::Release);
    }

    /// Enters with `n` objects; `false` when the gate is closed: nothing was counted.
    pub fn enter(&self, n: u32) -> bool {
        self.0
            // Acquire pairs with the Release of `open`.
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, |word| {
                (word & CLOSED == 0).then(|| word + n)
            })
            .is_ok()
    }

    /// `n` objects leave. `true` to exactly one caller: the last one after a `close` that had to
    /// wait. The caller then completes the pause.
    #[must_use = "the last one out completes the pause"]
    pub fn leave(&self, n: u32) -> bool {
        // AcqRel: what was done to the objects happens before the pause completes, whoever does
        // that; and the last one sees all of it.
        let before = self.0.fetch_sub(n, Ordering::AcqRel);
        if before & COUNT != n || before & DRAINING == 0 {
            return false;
        }
        // Nobody can enter while CLOSED is set and DRAINING is only cleared here.
        self.0.fetch_and(!DRAINING, Ordering::Relaxed);
        true
    }

    /// Refuses entry from now on.
    pub fn close(&self) -> Closed {
        let before = self
            .0
            // AcqRel: as for `leave`, in case the gate is already empty.
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                let draining = if word & COUNT == 0 { 0 } else { DRAINING };
                Some(word | CLOSED | draining)
            })
            .unwrap_or(CLOSED);
        if before & COUNT == 0 {
            Closed::Empty
        } else {
            Closed::Draining
        }
    }

    /// True when callers are refused.
    pub fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Objects inside, for diagnostics.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed) & COUNT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_closed() {
        let g = Gate::new();
        assert!(!g.enter(1));
        g.open();
        assert!(g.enter(1));
        assert_eq!(g.count(), 1);
    }

    #[test]
    fn the_last_one_out_is_told_once() {
        let g = Gate::new();
        g.open();
        assert!(g.enter(3));
        assert!(!g.leave(1));
        assert_eq!(g.close(), Closed::Draining);
        assert!(!g.enter(1));
        assert!(!g.leave(1));
        assert!(g.leave(1));
        assert_eq!(g.close(), Closed::Empty);
    }

    #[test]
    fn closing_an_empty_gate_needs_nobody() {
        let g = Gate::new();
        g.open();
        assert!(g.enter(2));
        assert!(!g.leave(2));
        assert_eq!(g.close(), Closed::Empty);
        g.open();
        assert!(g.enter(1));
        assert!(!g.leave(1));
    }

    #[test]
    fn concurrent_leavers_and_one_closer_complete_exactly_once() {
        extern crate std;
        use std::sync::atomic::AtomicU32 as Counter;
        use std::{sync::Arc, thread, vec::Vec};
        for _ in 0..200 {
            let g = Arc::new(Gate::new());
            let told = Arc::new(Counter::new(0));
            g.open();
            assert!(g.enter(4));
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (g, told) = (g.clone(), told.clone());
                    thread::spawn(move || {
                        if g.leave(1) {
                            told.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            let closed = g.close();
            for t in threads {
                t.join().expect("leaver");
            }
            let expected = u32::from(closed == Closed::Draining);
            assert_eq!(told.load(Ordering::SeqCst), expected);
        }
    }
}
