// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a case fixes of the freedom that NDIS has with interrupts and DPCs. At rest, the dice
//! decide. Any IRQL.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// The dice decide.
const FREE: u64 = u64::MAX;

/// The switches of this run.
pub struct Steer {
    limit: AtomicU32,
    recall_ns: AtomicU64,
    /// A recall goes to the next CPU (X-43: nothing says that it comes to the same one).
    pub recall_elsewhere: AtomicBool,
    /// No interrupt may come between a DPC that has more pending and its recall.
    pub watch_mask: AtomicBool,
    /// Interrupts come from the device alone, none is raised by a case.
    pub quiet: AtomicBool,
    /// Each DPC is followed by another one for nothing.
    pub extra_dpc: AtomicBool,
    /// Each DPC that an ISR asks for comes on every CPU: the message has moved meanwhile.
    pub every_cpu: AtomicBool,
    /// Interrupts and DPCs come inside of registration and deregistration.
    pub at_registration: AtomicBool,
    /// NdisMRegisterInterruptEx fails after the handlers have run.
    pub registration_fails: AtomicBool,
    /// The first alternative of the resource requirements cannot be had.
    pub first_refused: AtomicBool,
    /// One bit per message that gets lost on its way to the driver. Messages only: a line would storm.
    pub deaf: AtomicU32,
    /// Pause between the polls of a round, with notification off; 0 for none.
    pub dwell_ns: AtomicU64,
    /// The longest batch that one DPC has indicated without a limit.
    pub longest: AtomicU64,
}

/// The switches.
pub static STEER: Steer = Steer {
    limit: AtomicU32::new(0),
    recall_ns: AtomicU64::new(FREE),
    recall_elsewhere: AtomicBool::new(false),
    watch_mask: AtomicBool::new(false),
    quiet: AtomicBool::new(true),
    extra_dpc: AtomicBool::new(false),
    every_cpu: AtomicBool::new(false),
    at_registration: AtomicBool::new(false),
    registration_fails: AtomicBool::new(false),
    first_refused: AtomicBool::new(false),
    deaf: AtomicU32::new(0),
    dwell_ns: AtomicU64::new(0),
    longest: AtomicU64::new(0),
};

impl Steer {
    /// MaxNblsToIndicate of every DPC, and how long its recall takes.
    pub fn throttle(&self, limit: u32, recall_ns: u64) {
        self.limit.store(limit, Ordering::Relaxed);
        self.recall_ns.store(recall_ns, Ordering::Relaxed);
    }

    /// The limit, when there is one for all.
    pub fn limit(&self) -> Option<u32> {
        Some(self.limit.load(Ordering::Relaxed)).filter(|limit| *limit != 0)
    }

    /// The delay of recalls, when there is one for all.
    pub fn recall_ns(&self) -> Option<u64> {
        Some(self.recall_ns.load(Ordering::Relaxed)).filter(|delay| *delay != FREE)
    }

    /// Back to the dice.
    pub fn rest(&self) {
        self.throttle(0, FREE);
        self.longest.store(0, Ordering::Relaxed);
        self.dwell_ns.store(0, Ordering::Relaxed);
        self.deaf.store(0, Ordering::Relaxed);
        for switch in [
            &self.recall_elsewhere,
            &self.watch_mask,
            &self.extra_dpc,
            &self.every_cpu,
            &self.at_registration,
            &self.registration_fails,
            &self.first_refused,
        ] {
            switch.store(false, Ordering::Relaxed);
        }
    }
}

/// Whether a switch is on.
pub fn is(switch: &AtomicBool) -> bool {
    switch.load(Ordering::Relaxed)
}
