// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS work items. Queuing: at most DISPATCH_LEVEL; the routines run at PASSIVE_LEVEL.

use alloc::{boxed::Box, collections::BTreeMap};

use ndis::ffi::*;

use super::nbl::new_handle;
use crate::{
    exports,
    exports::nt::{pool::scope_of, worker},
    guest::{self, Ptr},
    ledger::{self, Kind},
    machine::lock::IrqSpin,
    verify::{self, Handler},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Queued,
}

struct Item {
    state: State,
    object: u64,
}

static ITEMS: IrqSpin<BTreeMap<u64, Item>> = IrqSpin::new(BTreeMap::new());

exports! {
    "ndis.sys";

    /// A work item of an adapter or driver.
    [Dispatch] fn NdisAllocateIoWorkItem(call, handle: u64) -> u64 {
        let new = new_handle();
        ITEMS.lock().insert(new, Item { state: State::Idle, object: handle });
        ledger::add(Kind::IoWorkItem, new, 0, scope_of(handle), call.rip);
        new
    }
    /// Queues it: the routine gets the context and the item.
    [Dispatch] fn NdisQueueIoWorkItem(call, item: u64, routine: usize, context: u64) {
        if !ledger::expect("H-06", Kind::IoWorkItem, item, call.name()) {
            return;
        }
        let (old, object) = match ITEMS.lock().get_mut(&item) {
            Some(i) => (core::mem::replace(&mut i.state, State::Queued), i.object),
            None => return,
        };
        if !verify::check("H-06", old == State::Idle, || call.text("the work item is queued already")) {
            return;
        }
        worker::queue(Box::new(move || {
            // The routine may queue or free the item, so it is idle from here on.
            if let Some(i) = ITEMS.lock().get_mut(&item) {
                i.state = State::Idle;
            }
            verify::call_on(Handler::WorkItem, object, routine, &[context, item]);
        }));
    }
    /// Frees it; it must not be queued.
    [Dispatch] fn NdisFreeIoWorkItem(call, item: u64) {
        if ledger::expect_remove("H-06", Kind::IoWorkItem, item, call.name()).is_none() {
            return;
        }
        let state = ITEMS.lock().remove(&item).map(|i| i.state);
        verify::check("H-06", state != Some(State::Queued), || call.text("the work item is still queued"));
    }
    /// The work item of NDIS 5, { Context, Routine, reserved }: the routine gets the item and the context.
    [Dispatch] fn NdisScheduleWorkItem(_call, item: Ptr<NDIS_WORK_ITEM>) -> i32 {
        let context: u64 = guest::read(item.addr());
        let routine: u64 = guest::read(item.addr() + 8);
        let address = item.addr() as u64;
        worker::queue(Box::new(move || {
            verify::call_on(Handler::WorkItem, address, routine as usize, &[address, context]);
        }));
        NDIS_STATUS_SUCCESS
    }
}
