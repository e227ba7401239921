// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS poll in place of the DPC, for the faults that need it: one poll object.

use core::sync::atomic::Ordering;

use ndis::irql::{AtMostDispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::poll::{PollData, PollFunctions, PollHandler};
use ndis::status::{Result, Status};

use crate::chip::{Core, reg};
use crate::choice::is;
use crate::interrupt::{ALL, unmask};
use crate::table::*;
use crate::{receive, send};

/// Frames of one poll without a limit.
const BUDGET: u32 = 64;

/// The two callbacks.
pub struct Poller(Shared<Core>);

/// The chosen fault is one of a driver that is polled.
fn wanted() -> bool {
    [
        POLL,
        POLL_ARMS,
        POLL_ASKS,
        POLL_ASKED_LATE,
        POLL_OVER_LIMIT,
        POLL_NEVER_ARMED,
        POLL_LEFT,
    ]
    .into_iter()
    .any(is)
}

/// NdisRegisterPoll, for the faults that need it. The mask is still closed.
pub fn register(core: &Shared<Core>, irql: &Irql<Passive>) -> Result<()> {
    if !wanted() {
        return Ok(());
    }
    let functions = PollFunctions::find(irql).ok_or(Status::NOT_SUPPORTED)?;
    core.poll
        .register(functions, &core.handle, Poller(core.clone()), irql)?;
    core.polled.store(true, Ordering::SeqCst);
    Ok(())
}

/// NdisDeregisterPoll.
pub fn deregister(core: &Core, irql: &Irql<Passive>) {
    if is(POLL_LEFT) {
        return;
    }
    let handle = core.poll.as_raw();
    core.poll.deregister(irql);
    if is(POLL_ASKED_LATE)
        && let Some(functions) = PollFunctions::find(irql)
    {
        // SAFETY: broken on purpose: the object is gone.
        unsafe { functions.request_raw(handle) };
    }
}

/// NdisRequestPoll, unless one is on its way.
pub fn request(core: &Core) {
    if !core.polling.swap(true, Ordering::SeqCst) {
        core.poll.request();
    }
}

impl PollHandler for Poller {
    fn poll(&self, data: &mut PollData<'_>, irql: &mut Irql<AtMostDispatch>) {
        let core = &*self.0;
        if core.is_stopped() {
            return;
        }
        irql.at_dispatch(|irql| {
            // First the causes, then the rings.
            core.read(reg::ICR);
            send::reap(core, irql);
            let limit = data.receive_limit().min(BUDGET);
            let most = if is(POLL_OVER_LIMIT) { BUDGET } else { limit };
            let (chain, more) = receive::gather(core, most, irql);
            data.indicate(chain, more);
            if is(POLL_ARMS) {
                unmask(core);
            }
            if is(POLL_ASKS) {
                core.poll.request();
            }
        });
    }

    fn set_notification(&self, enabled: bool, irql: &mut Irql<AtMostDispatch>) {
        let core = &*self.0;
        if core.is_stopped() {
            return;
        }
        core.polling.store(!enabled, Ordering::SeqCst);
        if !enabled {
            core.write(reg::IMC, ALL);
            return;
        }
        if is(POLL_NEVER_ARMED) {
            return;
        }
        unmask(core);
        // What a neighbour's interrupt has read away.
        let late =
            irql.at_dispatch(|irql| receive::is_waiting(core, irql) || send::is_done(core, irql));
        if late {
            core.write(reg::IMC, ALL);
            request(core);
        }
    }
}
