// SPDX-License-Identifier: MIT OR Apache-2.0
//! IRQL, locks, timers, work items, configuration, status.

use core::sync::atomic::{AtomicU32, Ordering};
use std::cell::Cell;

use super::irql;
use crate::adapter::{AdapterHandle, LinkState};
use crate::fake::{assert_empty, fresh, host, run_due};
use crate::ffi::*;
use crate::init::{Init, Progress};
use crate::irql::{AtMostDispatch, Dispatch, Irql, Passive};
use crate::mem::Shared;
use crate::miniport::PauseRequest;
use crate::nbl::NblPool;
use crate::spin::SpinLock;
use crate::status::Status;
use crate::timer::{Timer, TimerHandler, TimerRef};
use crate::work::{WorkHandler, WorkItem};

#[test]
fn raising_and_restoring() {
    fresh();
    let mut passive = irql::<Passive>();
    let seen = passive.at_dispatch(|irql| irql.at_dispatch(|_| host(|h| h.irql)));
    assert_eq!(seen, DISPATCH_LEVEL);
    host(|h| assert_eq!(h.irql, PASSIVE_LEVEL));
}

#[test]
fn locks_nest() {
    fresh();
    let (outer, inner) = (SpinLock::new(1), SpinLock::new(2));
    let mut token = irql::<AtMostDispatch>();
    let mut guard = outer.lock(&mut token);
    let (value, irql) = guard.split();
    let mut second = inner.lock(irql);
    *second += *value;
    assert_eq!(host(|h| h.irql), DISPATCH_LEVEL);
    drop(second);
    assert_eq!(host(|h| h.irql), DISPATCH_LEVEL, "K-02");
    *guard += 1;
    drop(guard);
    assert_eq!(host(|h| h.irql), PASSIVE_LEVEL);
    assert_eq!((outer.into_inner(), inner.into_inner()), (2, 3));
    assert_empty();
}

/// Counts, and sets itself again while `again` is not 0.
struct Count {
    fired: Shared<AtomicU32>,
    again: AtomicU32,
}

impl TimerHandler for Count {
    fn fire(&self, timer: TimerRef<'_>, irql: &mut Irql<Dispatch>) {
        self.fired.fetch_add(1, Ordering::Relaxed);
        if self.again.load(Ordering::Relaxed) > 0 {
            self.again.fetch_sub(1, Ordering::Relaxed);
            timer.set(1, 0, irql);
        }
    }
}

impl WorkHandler for Count {
    fn run(&self, _: &mut Irql<Passive>) {
        self.fired.fetch_add(1, Ordering::Relaxed);
    }
}

fn count(again: u32) -> (Count, Shared<AtomicU32>) {
    let fired = Shared::new(AtomicU32::new(0), &irql::<Passive>()).expect("memory");
    (
        Count {
            fired: fired.clone(),
            again: AtomicU32::new(again),
        },
        fired,
    )
}

fn timer(again: u32) -> (Timer<Count>, Shared<AtomicU32>) {
    let (handler, fired) = count(again);
    (
        Timer::new(&AdapterHandle::TEST, handler, 0, &irql::<Passive>()).expect("a timer"),
        fired,
    )
}

#[test]
fn a_timer_fires_and_is_cancelled() {
    fresh();
    let (timer, fired) = timer(1);
    assert!(timer.set(5, 0, &irql::<Dispatch>()));
    assert!(timer.set(9, 0, &irql::<Dispatch>()), "replaces");
    run_due();
    run_due();
    run_due();
    assert_eq!(fired.load(Ordering::Relaxed), 2);
    assert!(!timer.cancel(&irql()));
    assert!(timer.set(5, 0, &irql::<Dispatch>()));
    assert!(timer.cancel(&irql()));
    drop(timer);
    assert_empty();
}

#[test]
fn dropping_a_timer_waits_for_its_callback() {
    fresh();
    let (timer, fired) = timer(3);
    timer.set(0, 0, &irql::<Passive>());
    // The callback is already on its way: cancelling comes too late (H-05).
    host(|h| h.fail.push("NdisCancelTimerObject"));
    drop(timer);
    host(|h| assert_eq!(h.flushes, 2));
    assert_eq!(
        fired.load(Ordering::Relaxed),
        0,
        "K-05: not in the handler any more"
    );
    assert_empty();
}

/// Periodic and one-shot in turn: nothing is counted that could go wrong.
#[test]
fn a_timer_that_was_periodic_is_waited_for_as_well() {
    for late in [false, true] {
        fresh();
        let (timer, fired) = timer(0);
        assert!(timer.set(1, 10, &irql::<Passive>()));
        run_due();
        assert!(timer.set(1, 0, &irql::<Dispatch>()));
        assert!(timer.set(2, 10, &irql::<Dispatch>()));
        assert!(timer.set(1, 0, &irql::<Dispatch>()));
        if late {
            host(|h| h.fail.push("NdisCancelTimerObject"));
        }
        drop(timer);
        assert_eq!(fired.load(Ordering::Relaxed), 1);
        assert_empty();
    }
}

/// Above its level nothing is freed or completed: it is kept, and NDIS finds it missing.
#[test]
fn dropped_above_their_level() {
    fresh();
    let (timer, _) = timer(0);
    let (handler, _) = count(0);
    let work = WorkItem::new(&AdapterHandle::TEST, handler, &irql::<Dispatch>()).expect("one");
    let pool = NblPool::allocate(&AdapterHandle::TEST, 0, &irql::<Dispatch>()).expect("one");
    let shared = Shared::new(Bell, &irql::<Passive>()).expect("memory");
    let pause = PauseRequest::new(AdapterHandle::TEST, 0).pend().0;
    host(|h| h.irql = 5);
    drop((timer, work, pool, pause));
    drop(shared);
    host(|h| {
        for kind in ["timer", "work item", "pool"] {
            assert_eq!(h.alive.get(kind), Some(&1), "{kind}");
        }
        assert!(!h.log.contains(&"pause complete"));
        h.irql = PASSIVE_LEVEL;
    });
}

/// Must not be dropped.
struct Bell;

impl Drop for Bell {
    fn drop(&mut self) {
        panic!("dropped at DIRQL");
    }
}

#[test]
fn a_timer_that_cannot_be_made() {
    fresh();
    host(|h| h.fail.push("NdisAllocateTimerObject"));
    let (handler, _) = count(0);
    let made = Timer::new(&AdapterHandle::TEST, handler, 0, &irql::<Passive>());
    assert_eq!(made.err(), Some(Status::RESOURCES));
}

/// Asks for its own work item while it runs, the first time.
struct AskAgain(Shared<(AtomicU32, SpinLock<Option<WorkItem<Self>>>)>);

impl WorkHandler for AskAgain {
    fn run(&self, irql: &mut Irql<Passive>) {
        if self.0.0.fetch_add(1, Ordering::Relaxed) == 0 {
            let item = self.0.1.lock(irql);
            let item = item.as_ref().expect("installed");
            assert!(!item.queue(&super::irql::<Dispatch>()), "it runs");
        }
    }
}

#[test]
fn a_work_item_that_is_asked_for_while_it_runs_runs_again() {
    fresh();
    let shared =
        Shared::new((AtomicU32::new(0), SpinLock::new(None)), &irql::<Passive>()).expect("memory");
    let handler = AskAgain(shared.clone());
    let work = WorkItem::new(&AdapterHandle::TEST, handler, &irql::<Dispatch>()).expect("one");
    *shared.1.lock(&mut irql::<Passive>()) = Some(work);
    let mut passive = irql::<Passive>();
    let item = shared.1.lock(&mut passive);
    assert!(item.as_ref().expect("installed").queue(&irql::<Dispatch>()));
    drop(item);
    run_due();
    assert_eq!(shared.0.load(Ordering::Relaxed), 2);
    let item = shared.1.lock(&mut irql::<Passive>()).take();
    drop((item, shared));
    assert_empty();
}

#[test]
fn a_work_item_runs_once_and_is_drained() {
    fresh();
    let (handler, done) = count(0);
    let work =
        WorkItem::new(&AdapterHandle::TEST, handler, &irql::<Dispatch>()).expect("a work item");
    assert!(work.queue(&irql::<Dispatch>()));
    assert!(!work.queue(&irql::<Dispatch>()), "queued already");
    run_due();
    assert!(work.queue(&irql::<Dispatch>()));
    drop(work);
    assert_eq!(done.load(Ordering::Relaxed), 2, "H-06");
    assert_empty();
    host(|h| h.fail.push("NdisAllocateIoWorkItem"));
    let (handler, _) = count(0);
    assert!(WorkItem::new(&AdapterHandle::TEST, handler, &irql::<Dispatch>()).is_err());
}

#[test]
fn keywords_and_addresses() {
    fresh();
    host(|h| {
        h.keywords.insert("*SpeedDuplex", 6);
        h.keywords.insert("wrong type", 6);
    });
    let progress = Cell::new(Progress::Started);
    let init = || Init {
        handle: AdapterHandle::TEST.as_raw(),
        context: core::ptr::null_mut(),
        parameters: None,
        progress: &progress,
        version: 0,
    };
    let passive = irql();
    let config = init().configuration(&passive).expect("open");
    assert_eq!(config.u32("*SpeedDuplex"), Some(6));
    assert_eq!(config.u32_hex("*SpeedDuplex"), Some(6));
    assert_eq!(config.u32("missing"), None);
    assert_eq!(config.u32("wrong type"), None);
    assert_eq!(config.u32(&"k".repeat(65)), None, "too long");
    assert_eq!(config.string("missing"), None);
    for (address, expected) in [
        (&[2, 1, 2, 3, 4, 5][..], Some([2, 1, 2, 3, 4, 5])),
        (&[3, 1, 2, 3, 4, 5], None),
        (&[0xFF; 6], None),
        (&[0; 6], None),
        (&[2, 1, 2, 3, 4], None),
        (&[2, 1, 2, 3, 4, 5, 6], None),
        (&[], None),
    ] {
        host(|h| h.address = address.to_vec());
        assert_eq!(config.network_address(), expected, "I-10");
    }
    drop(config);
    host(|h| h.fail.push("NdisOpenConfigurationEx"));
    assert!(init().configuration(&passive).is_err());
    assert!(init().pnp_device::<NoPnp>().is_none());
    assert_empty();
}

struct NoPnp;

impl crate::pnp::PnpHandlers for NoPnp {
    type Device = ();
    fn add_device(
        _: &crate::pnp::AddDevice<'_>,
        _: &mut Irql<Passive>,
    ) -> crate::status::Result<()> {
        Ok(())
    }
    fn filter_resource_requirements(
        (): &(),
        requirements: &mut crate::pnp::ResourceRequirements<'_>,
        _: &mut Irql<Passive>,
    ) -> crate::status::Result<()> {
        assert_eq!(requirements.message_interrupts(), 2);
        assert_eq!(requirements.force_line(), Ok(2));
        Ok(())
    }
}

#[test]
fn messages_are_filtered_out() {
    #[repr(C)]
    struct Three {
        head: IO_RESOURCE_REQUIREMENTS_LIST,
        rest: [IO_RESOURCE_DESCRIPTOR; 2],
    }
    let mut list = Three {
        head: IO_RESOURCE_REQUIREMENTS_LIST::zeroed(),
        rest: Default::default(),
    };
    list.head.ListSize = size_of_val(&list) as u32;
    list.head.AlternativeLists = 1;
    list.head.List[0].Count = 3;
    list.head.List[0].Descriptors[0].Type = CmResourceTypeInterrupt;
    for descriptor in &mut list.rest {
        descriptor.Type = CmResourceTypeInterrupt;
        descriptor.Flags = CM_RESOURCE_INTERRUPT_MESSAGE;
    }
    let mut irp = IRP::zeroed();
    irp.IoStatus.Information = (&raw mut list).expose_provenance() as u64;
    let raw = crate::pnp::PnpCharacteristics::of::<NoPnp>().to_raw();
    let filter = raw
        .MiniportFilterResourceRequirementsHandler
        .expect("given");
    let mut device = ();
    // SAFETY: what NDIS does; the device has no state.
    let status = unsafe { filter((&raw mut device).cast(), &raw mut irp) };
    assert_eq!(status, NDIS_STATUS_SUCCESS);
    assert_eq!(list.head.List[0].Count, 1);
    let left = list.head.List[0].Descriptors[0];
    assert_eq!(
        (left.Type, left.Flags),
        (CmResourceTypeInterrupt, 0),
        "the line stays"
    );
    // SAFETY: null is what is tested.
    let status = unsafe { filter(core::ptr::null_mut(), core::ptr::null_mut()) };
    assert_eq!(status, NDIS_STATUS_FAILURE);
}

#[test]
fn the_link_is_indicated() {
    fresh();
    let adapter = AdapterHandle::TEST;
    adapter.indicate_link_state(LinkState::up(1_000_000_000, true), &irql::<Dispatch>());
    adapter.indicate_link_state(LinkState::DOWN, &irql::<Dispatch>());
    adapter.indicate_status(NDIS_STATUS_ONLINE, &[], &irql::<Dispatch>());
    host(|h| {
        let (code, up) = &h.status[0];
        assert_eq!((*code, up.len()), (NDIS_STATUS_LINK_STATE, 40), "U-03");
        assert_eq!(up[16..24], 1_000_000_000_u64.to_le_bytes());
        assert_eq!(h.status[1].1[16..24], [0xFF; 8]);
        assert!(h.status[2].1.is_empty());
    });
    let mut space = [0; 4];
    assert_eq!(
        adapter.read_bus_data(0, &mut space),
        4,
        "never more than asked for"
    );
}

#[test]
fn statuses_have_names() {
    assert_eq!(std::format!("{}", Status::PAUSED), "NDIS_STATUS_PAUSED");
    assert_eq!(std::format!("{:?}", Status(-1)), "NDIS_STATUS 0xFFFFFFFF");
    assert_eq!(Status::PENDING.ok(), Ok(()));
    assert_eq!(Status::from(Err(Status::FAILURE)), Status::FAILURE);
}
