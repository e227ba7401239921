// SPDX-License-Identifier: MIT OR Apache-2.0
//! Registration, grants, trampolines.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};

use super::irql;
use crate::adapter::AdapterHandle;
use crate::fake::{assert_empty, fresh, host, interrupt};
use crate::ffi::*;
use crate::interrupt::*;
use crate::irql::{Dirql, Dispatch, Irql, Passive};
use crate::mem::Shared;
use crate::status::Status;

/// Counts calls; `alive` is dropped with the handlers.
struct Counting {
    calls: Shared<AtomicU32>,
    early_queue: AtomicU32,
}

impl LineHandlers for Counting {
    fn isr(&self, interrupt: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mask = interrupt.queue_dpc(0, GroupAffinity { group: 0, mask: 2 });
        self.early_queue.store(mask as u32, Ordering::Relaxed);
        IsrResult {
            claimed: false,
            queue_dpc: true,
        }
    }
    fn dpc(&self, _: InterruptRef<'_>, throttle: &mut Throttle, _: &mut Irql<Dispatch>) {
        assert_eq!(throttle.limit(), None);
        self.calls.fetch_add(100, Ordering::Relaxed);
    }
    fn disable(&self, _: &mut Irql<Dirql>) {}
    fn enable(&self, _: &mut Irql<Dirql>) {}
}

impl MessageHandlers for Counting {
    fn message_isr(&self, _: u32, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        IsrResult::NOT_MINE
    }
    fn message_dpc(
        &self,
        _: u32,
        _: InterruptRef<'_>,
        throttle: &mut Throttle,
        _: &mut Irql<Dispatch>,
    ) {
        assert_eq!(throttle.limit(), Some(1));
    }
    fn disable_message(&self, _: u32, _: &mut Irql<Dirql>) {}
    fn enable_message(&self, _: u32, _: &mut Irql<Dirql>) {}
}

/// Drops of the handlers show in the count of owners.
fn handlers() -> (Counting, Shared<AtomicU32>) {
    let calls = Shared::new(AtomicU32::new(0), &irql::<Passive>()).expect("memory");
    let early_queue = AtomicU32::new(u32::MAX);
    (
        Counting {
            calls: calls.clone(),
            early_queue,
        },
        calls,
    )
}

const MESSAGES: MiniportInterruptCharacteristics<Counting> =
    MiniportInterruptCharacteristics::messages(MessageSync::PerMessage);

fn register(messages: bool) -> (Result<Interrupt<Counting>, Status>, Shared<AtomicU32>) {
    let (handlers, calls) = handlers();
    let characteristics = if messages {
        MESSAGES
    } else {
        MiniportInterruptCharacteristics::line()
    };
    let result = Interrupt::register(
        &AdapterHandle::TEST,
        handlers,
        characteristics,
        &irql::<Passive>(),
    );
    (result, calls)
}

#[test]
fn characteristics_are_complete() {
    let raw = MESSAGES.as_raw();
    assert_eq!(
        (raw.MsiSupported, raw.MsiSyncWithAllMessages),
        (TRUE, FALSE)
    );
    assert!(raw.EnableInterruptHandler.is_some() && raw.EnableMessageInterruptHandler.is_some());
    let line = MiniportInterruptCharacteristics::<Counting>::line();
    assert_eq!(line.as_raw().MsiSupported, FALSE);
    assert!(line.as_raw().MessageInterruptHandler.is_none(), "X-04");
    let all = MiniportInterruptCharacteristics::<Counting>::messages(MessageSync::AllMessages);
    assert_eq!(all.as_raw().MsiSyncWithAllMessages, TRUE);
}

#[test]
fn a_line_where_messages_were_offered() {
    fresh();
    let (interrupt, _) = register(true);
    let interrupt = interrupt.expect("registered");
    assert!(matches!(interrupt.grant(), Grant::Line));
    interrupt.deregister(&irql());
    assert_empty();
}

#[test]
fn messages_and_their_bounds() {
    fresh();
    host(|h| h.grant = Some((NDIS_CONNECT_MESSAGE_BASED, 3)));
    let (interrupt, _) = register(true);
    let interrupt = interrupt.expect("registered");
    let Grant::Messages(table) = interrupt.grant() else {
        panic!("messages")
    };
    assert_eq!((table.len(), table.get(3)), (3, None));
    let to = GroupAffinity { group: 0, mask: 1 };
    assert_eq!(interrupt.queue_dpc(2, to), 1);
    assert_eq!(interrupt.queue_dpc(3, to), 0, "X-60");
    assert_eq!(interrupt.queue_dpc(u32::MAX, to), 0);
    host(|h| assert_eq!(h.dpcs, [(2, 0, 1)]));
    assert_eq!(
        interrupt.synchronize(1, &mut irql::<Dispatch>(), |_| 7),
        Ok(7)
    );
    assert_eq!(
        interrupt.synchronize(3, &mut irql::<Dispatch>(), |_| 7),
        Err(Status::INVALID_PARAMETER)
    );
}

#[test]
fn interrupts_during_registration() {
    fresh();
    host(|h| h.early_interrupts = true);
    let (interrupt, calls) = register(true);
    let interrupt = interrupt.expect("registered");
    assert_eq!(calls.load(Ordering::Relaxed), 202, "X-09");
    host(|h| {
        assert_eq!(h.dpcs.len(), 1, "queued only once there is a handle");
        assert_eq!(h.isr_answers.len(), 8);
        assert_eq!(h.isr_answers[0], (FALSE, TRUE, 0), "X-23, X-24");
        assert_eq!(h.isr_answers[1], (TRUE, FALSE, 0), "X-22");
        h.dpcs.clear();
    });
    drop(interrupt);
    assert_empty();
}

#[test]
fn the_handlers_go_after_the_registration() {
    struct Last(AtomicU32);
    impl LineHandlers for Last {
        fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
            IsrResult::claimed_with_dpc()
        }
        fn dpc(&self, _: InterruptRef<'_>, _: &mut Throttle, _: &mut Irql<Dispatch>) {}
        fn disable(&self, _: &mut Irql<Dirql>) {}
        fn enable(&self, _: &mut Irql<Dirql>) {}
    }
    impl Drop for Last {
        fn drop(&mut self) {
            host(|h| h.log.push("handlers dropped"));
            self.0.store(1, Ordering::Relaxed);
        }
    }
    fresh();
    let line = MiniportInterruptCharacteristics::line();
    let handlers = Last(AtomicU32::new(0));
    let registered =
        Interrupt::register(&AdapterHandle::TEST, handlers, line, &irql()).expect("registered");
    let (raw, context) = host(|h| h.interrupt).expect("registered");
    interrupt(&raw, core::ptr::with_exposed_provenance_mut(context));
    drop(registered);
    host(|h| {
        assert_eq!(
            h.log,
            ["+", "interrupt", "-", "interrupt", "handlers dropped"]
        )
    });
}

#[test]
fn a_registration_that_fails_drops_the_handlers() {
    fresh();
    host(|h| h.fail.push("NdisMRegisterInterruptEx"));
    let (interrupt, calls) = register(true);
    assert_eq!(interrupt.err(), Some(Status::RESOURCE_CONFLICT));
    drop(calls);
    assert_empty();
}

#[test]
fn a_contradictory_grant_is_an_error() {
    for grant in [(NDIS_CONNECT_MESSAGE_BASED, 0), (0, 0), (77, 3)] {
        fresh();
        host(|h| h.grant = Some(grant));
        assert_eq!(register(true).0.err(), Some(Status::FAILURE), "{grant:?}");
        assert_empty();
    }
}

#[test]
fn dropped_at_a_raised_irql_it_stays_registered() {
    fresh();
    let (interrupt, calls) = register(false);
    host(|h| h.irql = DISPATCH_LEVEL);
    drop(interrupt);
    host(|h| {
        assert_eq!(h.alive["interrupt"], 1);
        h.irql = PASSIVE_LEVEL;
    });
    let (raw, context) = host(|h| h.interrupt).expect("registered");
    interrupt_again(&raw, context);
    assert_eq!(
        calls.load(Ordering::Relaxed),
        101,
        "the handlers are still there"
    );
}

fn interrupt_again(raw: &NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS, context: usize) {
    interrupt(raw, core::ptr::with_exposed_provenance_mut(context));
}

#[test]
fn null_out_parameters() {
    fresh();
    let (registered, _calls) = register(false);
    let (raw, context) = host(|h| h.interrupt).expect("registered");
    let isr = raw.InterruptHandler.expect("mandatory");

    // SAFETY: the handler with its context; null is what is tested.
    let claimed = unsafe {
        isr(
            core::ptr::with_exposed_provenance_mut(context),
            null_mut(),
            null_mut(),
        )
    };
    assert_eq!(claimed, FALSE);
    drop(registered);
}
