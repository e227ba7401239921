// SPDX-License-Identifier: MIT OR Apache-2.0
//! A chip that does not send any more: found by a timer, started anew by a work item, so that no send stays for ever with
//! a driver that runs (N-06). MiniportCheckForHangEx would do it too, but is discouraged from NDIS 6.83 on (C-01).
//!
//! Without a link the 82574 completes nothing; and its transmit unit can hang (82574L §14). The timer runs while the
//! adapter does. It reads no register unless a send is late.

use super::core::Core;
use crate::hw::link;
use crate::net::send::QUEUES;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use ndis::claim::Claim;
use ndis::irql::{Dispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::status::Result;
use ndis::timer::{Timer, TimerHandler, TimerRef};
use ndis::work::{WorkHandler, WorkItem};

/// Milliseconds between two looks.
const PERIOD_MS: u32 = 1000;
/// Looks that find the same oldest send before the chip is started anew: two to three seconds, as C-01 recommends.
const LIMIT: u8 = 2;
/// The same while the peer's flow control holds the line, which is no fault of the chip.
const LIMIT_HELD: u8 = 10;
/// No send is out. Tickets have 32 bits.
const NONE: u64 = u64::MAX;
const TAG: u32 = u32::from_le_bytes(*b"e1kW");

/// The watch of one adapter. The cycle core → timer → core ends when halt takes the timer.
#[derive(Debug)]
pub struct Watch(Claim<Option<Clock>>);

/// The timer, and whether it is set: setting and cancelling alternate.
#[derive(Debug)]
struct Clock {
    timer: Timer<Looker>,
    set: bool,
}

/// What the timer needs.
#[derive(Debug)]
struct Looker {
    core: Shared<Core>,
    restart: WorkItem<Restart>,
    /// Per queue; written by the timer alone, which never fires twice at once.
    queues: [Late; QUEUES],
}

/// The oldest send at the last look, and how many looks it has been the oldest.
#[derive(Debug)]
struct Late {
    oldest: AtomicU64,
    looks: AtomicU8,
}

#[derive(Debug)]
struct Restart(Shared<Core>);

impl Watch {
    /// Nothing is watched.
    pub const fn new() -> Self {
        Self(Claim::new(None))
    }

    /// Gives it its timer. PASSIVE_LEVEL, in initialisation.
    ///
    /// # Errors
    /// No memory.
    pub fn install(core: &Shared<Core>, irql: &Irql<Passive>) -> Result<()> {
        let looker = Looker {
            core: core.clone(),
            restart: WorkItem::new(&core.handle, Restart(core.clone()), irql)?,
            queues: core::array::from_fn(|_| Late {
                oldest: AtomicU64::new(NONE),
                looks: AtomicU8::new(0),
            }),
        };
        let timer = Timer::new(&core.handle, looker, TAG, irql)?;
        if let Some(mut slot) = core.watch.0.try_claim() {
            *slot = Some(Clock { timer, set: false });
        }
        Ok(())
    }

    /// Looks from now on. PASSIVE_LEVEL, where NDIS serialises whoever starts and stops.
    pub fn start(&self, irql: &Irql<Passive>) {
        if let Some(mut slot) = self.0.try_claim()
            && let Some(clock) = &mut *slot
            && !clock.set
        {
            clock.timer.set(PERIOD_MS, PERIOD_MS, irql);
            clock.set = true;
        }
    }

    /// Looks no more. PASSIVE_LEVEL.
    pub fn stop(&self, irql: &Irql<Passive>) {
        if let Some(mut slot) = self.0.try_claim()
            && let Some(clock) = &mut *slot
            && clock.set
        {
            clock.timer.cancel(irql);
            clock.set = false;
        }
    }

    /// Takes the timer and waits for what it began (H-05, H-06). PASSIVE_LEVEL.
    pub fn end(&self) {
        let clock = self.0.try_claim().and_then(|mut slot| slot.take());
        drop(clock);
    }
}

impl TimerHandler for Looker {
    fn fire(&self, _: TimerRef<'_>, irql: &mut Irql<Dispatch>) {
        let core = &self.core;
        if core.is_gone() || core.is_asleep() {
            return;
        }
        let mut most = 0;
        for (number, late) in self.queues.iter().enumerate() {
            let oldest = core.sender.oldest(number, irql).map_or(NONE, u64::from);
            // Relaxed, all four: only this function touches them.
            let same = oldest != NONE && oldest == late.oldest.load(Ordering::Relaxed);
            let looks = if same {
                late.looks.load(Ordering::Relaxed).saturating_add(1)
            } else {
                0
            };
            late.oldest.store(oldest, Ordering::Relaxed);
            late.looks.store(looks, Ordering::Relaxed);
            most = most.max(looks);
        }
        if most >= LIMIT && (most >= LIMIT_HELD || !link::is_held(&core.mmio)) {
            self.restart.queue(irql);
        }
    }
}

impl WorkHandler for Restart {
    fn run(&self, irql: &mut Irql<Passive>) {
        self.0.restart_late(irql);
    }
}
