// SPDX-License-Identifier: MIT OR Apache-2.0
//! A host that plays NDIS for this crate's own tests, one per thread: it counts what is handed out, keeps what it was
//! given, and fails what it is told to fail.

mod ndis;
mod nt;

use core::ptr::{null_mut, without_provenance_mut};
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::vec::Vec;

use crate::ffi::*;

/// Plays the imports.
pub(crate) struct Host;

/// What the host knows and does.
#[derive(Default)]
pub(crate) struct State {
    /// Objects alive, by kind.
    pub alive: BTreeMap<&'static str, i64>,
    /// What happened, in order.
    pub log: Vec<&'static str>,
    pub irql: KIRQL,
    /// Calls that fail, by name.
    pub fail: Vec<&'static str>,
    /// Sends completed: address, status, flags.
    pub completed: Vec<(usize, NDIS_STATUS, u32)>,
    /// Frames indicated: number, flags.
    pub indicated: Vec<(u32, u32)>,
    /// The last indicated chain.
    pub indicated_head: usize,
    /// Interrupt type and message count to grant; `None` grants a line.
    pub grant: Option<(NDIS_INTERRUPT_TYPE, u32)>,
    /// Call the handlers inside the registration, before and after the handle is written.
    pub early_interrupts: bool,
    pub interrupt: Option<(NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS, usize)>,
    /// Out-parameters and results of early ISR calls.
    pub isr_answers: Vec<(BOOLEAN, BOOLEAN, u32)>,
    /// Queued DPCs: message, group, mask.
    pub dpcs: Vec<(u32, u16, u64)>,
    /// Deliver scatter/gather lists inside the call; otherwise keep the context here.
    pub defer_sg: bool,
    pub sg_handler: Option<MINIPORT_PROCESS_SG_LIST>,
    pub sg_waiting: Vec<usize>,
    /// Elements fewer than two in the lists.
    pub sg_fewer: u32,
    /// The lists say where the data is, in elements of at most so many bytes; otherwise they say nothing.
    pub sg_page: Option<u32>,
    /// Mappings succeed with no address.
    pub null_address: bool,
    pub timer: Option<(NDIS_TIMER_CHARACTERISTICS, bool)>,
    /// On the next sleep, run a due timer callback or queued work.
    pub work: Option<(NDIS_IO_WORKITEM_FUNCTION, usize)>,
    pub status: Vec<(NDIS_STATUS, Vec<u8>)>,
    pub oid_completions: Vec<NDIS_STATUS>,
    pub adapter_context: usize,
    pub keywords: BTreeMap<&'static str, u32>,
    pub address: Vec<u8>,
    pub sleeps: u32,
    /// KeFlushQueuedDpcs, called so often.
    pub flushes: u32,
    pub version: u32,
    pub driver: Option<NDIS_MINIPORT_DRIVER_CHARACTERISTICS>,
}

std::thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Reads or changes the state of this thread's host; not across calls into the crate.
pub(crate) fn host<R>(body: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(body)
}

/// Starts a test with a fresh host.
pub(crate) fn fresh() {
    host(|h| {
        *h = State {
            version: NDIS_RUNTIME_VERSION_685,
            ..State::default()
        }
    });
}

/// Nothing is left alive.
pub(crate) fn assert_empty() {
    host(|h| assert!(h.alive.values().all(|n| *n == 0), "alive: {:?}", h.alive));
}

fn add(kind: &'static str, n: i64) {
    host(|h| {
        let count = h.alive.entry(kind).or_default();
        *count += n;
        assert!(*count >= 0, "{kind} released twice");
        h.log.push(if n > 0 { "+" } else { "-" });
        h.log.push(kind);
    });
}

fn fails(name: &'static str) -> bool {
    host(|h| h.fail.contains(&name))
}

fn handle(n: usize) -> NDIS_HANDLE {
    without_provenance_mut(n)
}

/// Elements that a list has room for.
const ELEMENTS: usize = 64;

/// A scatter/gather list with elements behind its head, two in use as a rule.
#[repr(C)]
struct List {
    head: SCATTER_GATHER_LIST,
    elements: [SCATTER_GATHER_ELEMENT; ELEMENTS],
}

impl List {
    /// Elements for the MDLs of a net buffer from the beginning of the current one on (contract G-25); no address is logical.
    fn describe(&mut self, nb: &NET_BUFFER, page: u32) {
        let mut count = 0;
        let mut at = nb.current_mdl();
        // SAFETY: the MDLs of a net buffer that is with the driver.
        while let Some(mdl) = unsafe { at.as_ref() } {
            let base = mdl.MappedSystemVa.expose_provenance() as i64;
            for offset in (0..mdl.ByteCount).step_by(page as usize) {
                let element = &mut self.elements[count];
                element.Address = LARGE_INTEGER::new(base + i64::from(offset));
                element.Length = page.min(mdl.ByteCount - offset);
                count += 1;
            }
            at = mdl.Next;
        }
        self.head.NumberOfElements = count as u32;
    }
}

/// Delivers one list as NDIS would.
pub(crate) fn deliver_sg(nb: usize) {
    let mut list = Box::new(List {
        head: SCATTER_GATHER_LIST::zeroed(),
        elements: [SCATTER_GATHER_ELEMENT::default(); ELEMENTS],
    });
    list.head.NumberOfElements = 2 - host(|h| h.sg_fewer);
    list.elements[1].Length = 7;
    if let Some(page) = host(|h| h.sg_page) {
        // SAFETY: the net buffer that the crate gave.
        let nb = unsafe { &*core::ptr::with_exposed_provenance::<NET_BUFFER>(nb) };
        list.describe(nb, page);
    }
    let handler = host(|h| h.sg_handler).expect("registered");
    let list = Box::into_raw(list);
    // SAFETY: the handler and context that the crate gave, called once per mapping.
    unsafe {
        handler(
            null_mut(),
            null_mut(),
            list.cast(),
            core::ptr::with_exposed_provenance_mut(nb),
        )
    };
}

/// Runs a due timer callback and queued work.
pub(crate) fn run_due() {
    run_due_timer();
    if let Some((function, context)) = host(|h| h.work.take()) {
        // SAFETY: the function and context that the crate gave, called once.
        unsafe { function(core::ptr::with_exposed_provenance_mut(context), null_mut()) };
    }
}

/// Runs a due timer callback.
pub(crate) fn run_due_timer() {
    let timer = host(|h| match &mut h.timer {
        Some((raw, set)) if *set => {
            *set = false;
            Some(*raw)
        }
        _ => None,
    });
    if let Some(raw) = timer {
        let function = raw.TimerFunction.expect("a function");
        // SAFETY: the function and context that the crate gave, while the timer lives.
        unsafe { function(null_mut(), raw.FunctionContext, null_mut(), null_mut()) };
    }
}

/// Calls the ISRs as NDIS may from the moment registration is entered; out-parameters start poisoned.
pub(crate) fn interrupt(raw: &NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS, context: NDIS_HANDLE) {
    let (mut queue, mut targets) = (0xAA, 0xAAAA_AAAA);
    let isr = raw.InterruptHandler.expect("mandatory");
    // SAFETY: the handler with its context, out-parameters valid.
    let claimed = unsafe { isr(context, &raw mut queue, &raw mut targets) };
    host(|h| h.isr_answers.push((claimed, queue, targets)));
    let dpc = raw.InterruptDpcHandler.expect("mandatory");
    // SAFETY: the handler with its context; no throttle parameters.
    unsafe { dpc(context, null_mut(), null_mut(), null_mut()) };
    if let (Some(isr), Some(dpc)) = (raw.MessageInterruptHandler, raw.MessageInterruptDpcHandler) {
        for message in [0, 4, u32::MAX] {
            let (mut queue, mut targets) = (0xAA, 0xAAAA_AAAA);
            // SAFETY: as above.
            let claimed = unsafe { isr(context, message, &raw mut queue, &raw mut targets) };
            host(|h| h.isr_answers.push((claimed, queue, targets)));
            let mut throttle = NDIS_RECEIVE_THROTTLE_PARAMETERS {
                MaxNblsToIndicate: 1,
                bits: u32::MAX,
            };
            // SAFETY: as above, with throttle parameters.
            unsafe {
                dpc(
                    context,
                    message,
                    null_mut(),
                    (&raw mut throttle).cast(),
                    null_mut(),
                )
            };
            assert_eq!(throttle.MoreNblsPending(), 0, "always written");
        }
    }
}

/// Delivers a list at DISPATCH_LEVEL, from whatever level the call came.
fn deliver_sg_at(context: usize) {
    let before = host(|h| core::mem::replace(&mut h.irql, DISPATCH_LEVEL));
    deliver_sg(context);
    host(|h| h.irql = before);
}
