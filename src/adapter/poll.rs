// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS poll (6.85, keyword `*NdisPoll`): what ties NDIS' poll objects to the interrupt protocol and the rings, in
//! place of the DPC. PASSIVE_LEVEL to DISPATCH_LEVEL.
//!
//! One object for each vector that serves queues; with a message per queue that is one for each queue. Where several
//! queues share a vector they share its object too, because "notification on" opens the vector's mask.

use super::core::Core;
use super::dpc::{BUDGET, transmit_queues};
use super::link;
use crate::irq::clock::cycles;
use crate::irq::{Roles, Setup, VECTORS};
use crate::net::receive::Up;
use core::sync::atomic::{AtomicU32, Ordering};
use ndis::irql::{AtMost, AtMostDispatch, Dispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::nbl::ReceiveChain;
use ndis::poll::{PollData, PollFunctions, PollHandler};

/// The context of one poll object: an owner of the core. The cycle core → slot → handler → core ends with
/// [`Core::end_polls`].
#[derive(Debug)]
pub struct QueuePoll {
    core: Shared<Core>,
    message: u32,
    /// Sends given to NDIS by the last pass, which still count as being in the data path: a pause may complete only
    /// when NDIS has them (P-05), and that is known when it calls again.
    given: AtomicU32,
}

impl QueuePoll {
    /// NDIS has taken what the last pass gave it.
    fn settle<L: AtMost<Dispatch>>(&self, irql: &mut Irql<L>) {
        // Relaxed: NDIS serialises the callbacks of one object.
        let given = self.given.swap(0, Ordering::Relaxed);
        self.core.leave(given, irql);
    }
}

impl PollHandler for QueuePoll {
    fn poll(&self, data: &mut PollData<'_>, irql: &mut Irql<AtMostDispatch>) {
        self.settle(irql);
        let begin = cycles();
        let given = irql.at_dispatch(|irql| self.core.poll_pass(self.message, data, begin, irql));
        self.given.store(given, Ordering::Relaxed);
        if let Some(record) = self.core.irq.record(self.message) {
            record.dpc_took(cycles().wrapping_sub(begin));
        }
    }

    fn set_notification(&self, enabled: bool, irql: &mut Irql<AtMostDispatch>) {
        self.settle(irql);
        let core = &self.core;
        if !enabled {
            core.irq.notification_off(&core.mmio, self.message);
        } else if core.irq.notification_on(&core.mmio, self.message) {
            core.request_poll(self.message);
        }
    }
}

impl Core {
    /// NdisRequestPoll for the vector of `message`. Any IRQL.
    #[inline]
    pub fn request_poll(&self, message: u32) {
        if let Some(slot) = self.polls.get(message as usize) {
            // Without an object nobody is told to ask: `hand_to_poll` comes after the registration.
            let _there = slot.request();
        }
    }

    /// Gives the vectors with queues to NDIS to poll. A vector whose object cannot be made keeps its DPC. PASSIVE_LEVEL,
    /// in initialisation.
    pub fn begin_polls(
        core: &Shared<Self>,
        functions: PollFunctions,
        setup: &Setup,
        irql: &Irql<Passive>,
    ) {
        let queues = Roles::QUEUES;
        for message in (0..VECTORS).filter(|message| setup.roles(*message).intersects(queues)) {
            let Some(slot) = core.polls.get(message) else {
                continue;
            };
            // Below VECTORS.
            let message = message as u32;
            let handler = QueuePoll {
                core: core.clone(),
                message,
                given: AtomicU32::new(0),
            };
            if slot
                .register(functions, &core.handle, handler, irql)
                .is_ok()
                && core.irq.hand_to_poll(message)
            {
                core.request_poll(message);
            }
        }
    }

    /// Takes the vectors back. PASSIVE_LEVEL; the vectors are stopped and no ISR or DPC runs any more.
    pub fn end_polls(&self, irql: &Irql<Passive>) {
        for slot in &self.polls {
            slot.deregister(irql);
        }
    }

    /// One pass of a poll that began at `begin`: transmit and link first, then receive, within NDIS' limits, the frame
    /// and the time budget. Returns the sends it gave to NDIS. No mask is opened here.
    fn poll_pass(
        &self,
        message: u32,
        data: &mut PollData<'_>,
        begin: u64,
        irql: &mut Irql<Dispatch>,
    ) -> u32 {
        let Some(polled) = self.irq.poll_begin(&self.mmio, message) else {
            return 0;
        };
        let roles = polled.roles();
        let (mut frames, mut given, mut again) = (0, 0, false);
        if roles.intersects(Roles::TX) {
            let (chain, sent, more) =
                self.sender
                    .collect(self, transmit_queues(roles), data.transmit_limit(), irql);
            given = chain.len() as u32;
            frames += sent;
            again |= more;
            data.complete(chain, more);
        }
        let looked = polled.link() && self.watching.load(Ordering::Acquire);
        if looked {
            link::look(self, irql);
        }
        let budget = data.receive_limit().min(BUDGET);
        let mut chain = ReceiveChain::new();
        let swept = self.sweep(roles, budget, begin, &mut Up::Collect(&mut chain), irql);
        if roles.intersects(Roles::RX) {
            data.indicate(chain, swept.more);
        }
        again |= swept.more;
        self.account(message, &swept, frames, looked);
        self.irq.poll_end(&polled, again);
        given
    }
}
