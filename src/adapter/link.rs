// SPDX-License-Identifier: MIT OR Apache-2.0
//! Link state to NDIS, and what follows a link that has come up. STATUS is the truth, the interrupt only says "look"
//! (U-05).
//!
//! The MAC does not take the result of the negotiation over by itself on copper (82574L §11). The PHY is asked through
//! MDIC, which takes some 100 µs on silicon, so a work item does it ([`Settle`]): link up → work item → CTRL.RFCE and
//! TFCE → the pause functions are indicated.

use super::core::Core;
use super::delay::Sleeper;
use crate::hw::link::{self, Link, Pause, Speed};
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use ndis::adapter::LinkState;
use ndis::claim::Claim;
use ndis::ffi::{
    NDIS_ERROR_CODE_HARDWARE_FAILURE, NDIS_LINK_STATE_DUPLEX_AUTO_NEGOTIATED,
    NDIS_LINK_STATE_PAUSE_FUNCTIONS_AUTO_NEGOTIATED,
    NDIS_LINK_STATE_RCV_LINK_SPEED_AUTO_NEGOTIATED,
    NDIS_LINK_STATE_XMIT_LINK_SPEED_AUTO_NEGOTIATED, NdisPauseFunctionsReceiveOnly,
    NdisPauseFunctionsSendAndReceive, NdisPauseFunctionsSendOnly, NdisPauseFunctionsUnknown,
    NdisPauseFunctionsUnsupported,
};
use ndis::irql::{AtMost, Dispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::work::{WorkHandler, WorkItem};

/// The state last told to NDIS, packed into one word so that two looks at once agree on who tells.
#[derive(Debug)]
pub struct Indicated(AtomicU32);

/// No link state has this value: the next look indicates whatever it finds.
const NOTHING: u32 = u32::MAX;

impl Indicated {
    /// Nothing indicated yet.
    pub const fn new() -> Self {
        Self(AtomicU32::new(NOTHING))
    }

    /// The next look indicates whatever it finds.
    pub fn forget(&self) {
        self.0.store(NOTHING, Ordering::Relaxed);
    }

    /// What was indicated last; `None` before the first time.
    pub fn up(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            NOTHING => None,
            word => Some(word != 0),
        }
    }
}

/// Flow control as negotiated: a number for [`Flow::result`].
const UNKNOWN: u8 = 0;

const fn number(pause: Pause) -> u8 {
    1 + pause.rx as u8 + 2 * pause.tx as u8
}

/// Flow control of one adapter: its result, and who finds it out.
#[derive(Debug)]
pub struct Flow {
    /// [`UNKNOWN`], or the [`number`] of what is in CTRL.
    result: AtomicU8,
    /// `None` before initialisation has made it and after halt has taken it.
    work: Claim<Option<WorkItem<Settle>>>,
}

/// An owner of the core. The cycle core → work item → core ends when halt takes the item.
#[derive(Debug)]
pub struct Settle(pub Shared<Core>);

impl WorkHandler for Settle {
    fn run(&self, irql: &mut Irql<Passive>) {
        settle(&self.0, irql);
    }
}

impl Flow {
    /// Nothing known.
    pub const fn new() -> Self {
        Self {
            result: AtomicU8::new(UNKNOWN),
            work: Claim::new(None),
        }
    }

    /// Gives it its work item. PASSIVE_LEVEL, before interrupts.
    pub fn install(&self, work: WorkItem<Settle>) {
        if let Some(mut slot) = self.work.try_claim() {
            *slot = Some(work);
        }
    }

    /// Takes the work item and waits for its end. PASSIVE_LEVEL; no handler runs any more.
    pub fn end(&self) {
        let work = self.work.try_claim().and_then(|mut slot| slot.take());
        drop(work);
    }

    /// Has the work item find out what was negotiated.
    fn ask<L: AtMost<Dispatch>>(&self, irql: &Irql<L>) {
        // Contended only by another processor that asks at this moment: one run is enough for both.
        if let Some(slot) = self.work.try_claim()
            && let Some(work) = &*slot
        {
            work.queue(irql);
        }
    }
}

/// Takes the result of the negotiation over, and indicates it.
fn settle(core: &Core, irql: &mut Irql<Passive>) {
    let pause = {
        let _chip = core.exclusive(irql);
        // Asked under the claim: who puts the adapter to sleep waits for it (W-06).
        if core.is_gone() || core.is_asleep() {
            return;
        }
        let link = link::read(&core.mmio);
        if link == Link::Down {
            return;
        }
        let delay = Sleeper(irql);
        link::apply_flow_control(&core.mmio, &delay, link, core.settings.pause)
    };
    match pause {
        Ok(pause) => core.flow.result.store(number(pause), Ordering::Relaxed),
        Err(_) if core.is_gone() => return,
        Err(why) => {
            let code = NDIS_ERROR_CODE_HARDWARE_FAILURE;
            core.handle.write_error_log(code, &[why as u32], irql);
            return;
        }
    }
    look(core, irql);
}

/// The link, the pause functions in force, and both in one word.
fn pack(link: Link, pause: u8) -> u32 {
    match link {
        Link::Down => 0,
        Link::Up { speed, full_duplex } => {
            u32::from(pause) << 16 | speed.mbps() << 1 | u32::from(full_duplex)
        }
    }
}

/// As NDIS wants it, with the pause functions of [`Flow::result`].
fn state_with(core: &Core, link: Link, pause: u8) -> LinkState {
    let mut state = state(link);
    if link == Link::Down || pause == UNKNOWN {
        return state;
    }
    state.pause = match pause - 1 {
        0 => NdisPauseFunctionsUnsupported,
        1 => NdisPauseFunctionsReceiveOnly,
        2 => NdisPauseFunctionsSendOnly,
        3 => NdisPauseFunctionsSendAndReceive,
        _ => NdisPauseFunctionsUnknown,
    };
    if core.settings.link.negotiates() {
        state.auto_negotiated = NDIS_LINK_STATE_XMIT_LINK_SPEED_AUTO_NEGOTIATED
            | NDIS_LINK_STATE_RCV_LINK_SPEED_AUTO_NEGOTIATED
            | NDIS_LINK_STATE_DUPLEX_AUTO_NEGOTIATED
            | NDIS_LINK_STATE_PAUSE_FUNCTIONS_AUTO_NEGOTIATED;
    }
    state
}

/// As NDIS wants it, pause functions unknown.
pub fn state(link: Link) -> LinkState {
    match link {
        Link::Down => LinkState::DOWN,
        Link::Up { speed, full_duplex } => LinkState::up(bits_per_second(speed), full_duplex),
    }
}

/// Speed in bit/s.
const fn bits_per_second(speed: Speed) -> u64 {
    speed.mbps() as u64 * 1_000_000
}

/// Reads STATUS and indicates the link if it is another than last time. At most DISPATCH_LEVEL, no lock held.
pub fn look<L: AtMost<Dispatch>>(core: &Core, irql: &Irql<L>) {
    if core.is_gone() {
        return;
    }
    // Two lookers can find different states and indicate them in the wrong order; whoever indicated looks once more,
    // until what was told last is what the chip says (U-05: the last state indicated is the device's).
    for _ in 0..4 {
        let link = link::read(&core.mmio);
        if link == Link::Down {
            // The next link is negotiated anew.
            core.flow.result.store(UNKNOWN, Ordering::Relaxed);
        }
        let pause = core.flow.result.load(Ordering::Relaxed);
        let word = pack(link, pause);
        // AcqRel: the one who sees its own word already there knows that it has been, or is being, indicated.
        if core.indicated.0.swap(word, Ordering::AcqRel) == word {
            return;
        }
        core.handle
            .indicate_link_state(state_with(core, link, pause), irql);
        if link != Link::Down && pause == UNKNOWN {
            core.flow.ask(irql);
        }
    }
}
