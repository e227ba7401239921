// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt: the line, or one message. Everything behind one mask, which the ISR closes and the DPC opens.

use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use ndis::ffi::GROUP_AFFINITY;
use ndis::interrupt::*;
use ndis::irql::{Dirql, Dispatch, Irql};
use ndis::mem::Shared;
use ndis::sys::{ndis as sys, nt};

use crate::chip::{Core, reg};
use crate::choice::is;
use crate::table::*;
use crate::{poll, receive, send};

/// Received, receive ring low or empty, sent.
const CAUSES: u32 = 0x80 | 0x40 | 0x10 | 1;
/// Received: what the Enable handler raises.
const RECEIVED: u32 = 0x80;
/// All.
pub const ALL: u32 = u32::MAX;

/// The handlers of the one interrupt, line or message.
pub struct Handlers(pub Shared<Core>);

/// What the driver registers.
pub const CHARACTERISTICS: MiniportInterruptCharacteristics<Handlers> =
    MiniportInterruptCharacteristics::messages(MessageSync::PerMessage);

/// Closes the mask for good.
pub fn stop(core: &Core) {
    core.stopped.store(true, Ordering::SeqCst);
    core.write(reg::IMC, ALL);
    core.read(reg::STATUS);
}

/// Opens the mask, unless somebody wants it closed; and again closes it when that came meanwhile.
pub fn unmask(core: &Core) {
    let held = || {
        let disabled = core.disabled.load(Ordering::SeqCst) && !is(DPC_UNDOES_DISABLE);
        disabled || core.is_stopped()
    };
    if held() {
        return;
    }
    core.write(reg::IMS, CAUSES);
    if held() {
        core.write(reg::IMC, ALL);
    }
}

impl Handlers {
    fn work(
        &self,
        interrupt: InterruptRef<'_>,
        throttle: &mut Throttle,
        irql: &mut Irql<Dispatch>,
    ) {
        let core = &*self.0;
        if core.polled.load(Ordering::SeqCst) {
            // For nothing, or from before the poll object.
            if !core.is_stopped() {
                poll::request(core);
            }
            return;
        }
        if is(HANDLE_TOO_EARLY) && !core.queued_early.swap(true, Ordering::SeqCst) {
            return queue_too_early(interrupt);
        }
        if core.is_stopped() && !is(RINGS_FREED_FIRST) {
            return;
        }
        // First the causes, then the rings: what comes later raises a cause again.
        if !is(CAUSES_CLEARED_LATE) {
            core.read(reg::ICR);
        }
        let sent = send::reap(core, irql);
        let (received, more) = receive::indicate(core, throttle.limit(), irql);
        if is(CAUSES_CLEARED_LATE) {
            core.read(reg::ICR);
        }
        let throttled = more && throttle.more_pending();
        if throttled {
            if is(UNMASKED_WHEN_THROTTLED) {
                unmask(core);
                // The frames that are left are a cause.
                core.write(reg::ICS, RECEIVED);
            }
            return;
        }
        if more {
            return queue_again(core, interrupt, irql);
        }
        let idle = sent == 0 && received == 0;
        if is(NEVER_UNMASKED) || (is(EMPTY_DPC_KEEPS_MASK) && idle) {
            return;
        }
        unmask(core);
        // A neighbour's interrupt may have read causes away while the mask was closed.
        let late = receive::is_waiting(core, irql) || send::is_done(core, irql);
        if late && !is(CAUSES_CLEARED_LATE) {
            core.write(reg::IMC, ALL);
            queue_again(core, interrupt, irql);
        }
        core.reported.store(false, Ordering::SeqCst);
    }
}

/// Has the DPC come again on this processor.
fn queue_again(core: &Core, interrupt: InterruptRef<'_>, irql: &Irql<Dispatch>) {
    if !core.is_stopped() && !interrupt.requeue_here(0, irql) {
        unmask(core);
        core.write(reg::ICS, RECEIVED);
    }
}

/// Queues the DPC without a look at the handle.
fn queue_too_early(interrupt: InterruptRef<'_>) {
    let mut targets = GROUP_AFFINITY::zeroed();
    // SAFETY: any IRQL; nothing but the number is asked for.
    targets.Mask = 1 << unsafe { nt::KeGetCurrentProcessorNumberEx(null_mut()) };
    // SAFETY: broken on purpose: X-63, the handle may be null.
    unsafe { sys::NdisMQueueDpcEx(interrupt.as_raw(), 0, &raw mut targets, null_mut()) };
}

impl LineHandlers for Handlers {
    fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        let core = &self.0;
        let blind = is(CLAIMS_WHEN_GONE);
        if core.is_stopped() && !blind {
            return IsrResult::NOT_MINE;
        }
        let causes = core.read(reg::ICR);
        let mine = causes & CAUSES != 0 && (causes != ALL || blind);
        if !mine && !is(CLAIMS_ALL) {
            return IsrResult::NOT_MINE;
        }
        core.write(reg::IMC, ALL);
        if core.polled.load(Ordering::SeqCst) {
            poll::request(core);
            return IsrResult::claimed();
        }
        IsrResult::claimed_with_dpc()
    }

    fn dpc(&self, interrupt: InterruptRef<'_>, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
        self.work(interrupt, throttle, irql);
    }

    fn disable(&self, _: &mut Irql<Dirql>) {
        self.0.disabled.store(true, Ordering::SeqCst);
        if !self.0.is_stopped() && !is(DISABLED_BY_THE_NEXT) {
            self.0.write(reg::IMC, ALL);
        }
    }

    fn enable(&self, _: &mut Irql<Dirql>) {
        if is(ENABLE_FORGOTTEN) {
            return;
        }
        self.0.disabled.store(false, Ordering::SeqCst);
        unmask(&self.0);
        if !self.0.is_stopped() {
            self.0.write(reg::ICS, RECEIVED);
        }
    }
}

impl MessageHandlers for Handlers {
    fn message_isr(&self, message: u32, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        let core = &self.0;
        if message != 0 {
            // Not one of ours. What the fault answers reaches NDIS by the crate's feature `raw`.
            return if is(UNKNOWN_MESSAGE) {
                IsrResult::NOT_MINE
            } else {
                IsrResult::claimed()
            };
        }
        if core.is_stopped() {
            return IsrResult::claimed();
        }
        core.write(reg::IMC, ALL);
        if core.polled.load(Ordering::SeqCst) {
            poll::request(core);
            return IsrResult::claimed();
        }
        if is(REPORTED_FLAG) && core.reported.swap(true, Ordering::SeqCst) {
            return IsrResult::claimed();
        }
        IsrResult::claimed_with_dpc()
    }

    fn message_dpc(
        &self,
        _: u32,
        interrupt: InterruptRef<'_>,
        throttle: &mut Throttle,
        irql: &mut Irql<Dispatch>,
    ) {
        self.work(interrupt, throttle, irql);
    }

    fn disable_message(&self, _: u32, irql: &mut Irql<Dirql>) {
        self.disable(irql);
    }

    fn enable_message(&self, _: u32, irql: &mut Irql<Dirql>) {
        self.enable(irql);
    }
}
