// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt spin lock: held around ISRs and synchronised callbacks, at DIRQL.

use crate::{
    machine::{cpu, time},
    verify,
};
use alloc::format;
use core::sync::atomic::{AtomicUsize, Ordering};

/// No CPU holds the lock.
const FREE: usize = usize::MAX;
/// A CPU that waits longer found a deadlock.
const LIMIT_NS: u64 = 5_000_000_000;

/// A spin lock that knows its owner. Interrupts stay enabled: higher levels may preempt.
pub struct InterruptLock(AtomicUsize);

impl InterruptLock {
    /// Unlocked.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(FREE))
    }

    /// Takes the lock. The caller is at the lock's IRQL. Ends the run when the owner never lets go.
    pub fn acquire(&self) {
        let me = cpu::id();
        let mut since = 0;
        while self
            .0
            .compare_exchange_weak(FREE, me, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            core::hint::spin_loop();
            let now = time::now_ns();
            if since == 0 {
                since = now;
            } else if now - since > LIMIT_NS {
                verify::stop(
                    "X-29",
                    format!("CPU {me} waits for an interrupt lock for 5 s"),
                );
            }
        }
    }

    /// Gives the lock back.
    pub fn release(&self) {
        self.0.store(FREE, Ordering::Release);
    }

    /// Whether this CPU holds it.
    pub fn held_here(&self) -> bool {
        self.0.load(Ordering::Relaxed) == cpu::id()
    }
}
