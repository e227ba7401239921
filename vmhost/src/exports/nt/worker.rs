// SPDX-License-Identifier: MIT OR Apache-2.0
//! System worker threads and the work items that run on them. Queuing: at most DISPATCH_LEVEL.

use alloc::{boxed::Box, collections::VecDeque, format};
use core::sync::atomic::{AtomicUsize, Ordering};

use ndis::ffi::*;

use super::shared_data;

use crate::{
    exports,
    guest::{self, Ptr},
    ledger::{self, Kind, Scope},
    machine::{cpu, lock::IrqSpin, thread},
    verify::{self, Handler},
};

/// Workers at most; a work item that waits for another one needs a second worker.
const MOST: usize = 16;

/// A piece of work, run at PASSIVE_LEVEL.
pub type Work = Box<dyn FnOnce() + Send>;

static QUEUE: IrqSpin<VecDeque<Work>> = IrqSpin::new(VecDeque::new());
static WORKERS: AtomicUsize = AtomicUsize::new(0);
static IDLE: AtomicUsize = AtomicUsize::new(0);

/// Starts the clock page and the first workers. PASSIVE, once, after the registry is filled.
pub fn start() {
    shared_data::start();
    for _ in 0..cpu::count().clamp(2, 4) {
        spawn();
    }
}

fn spawn() {
    let index = WORKERS.fetch_add(1, Ordering::AcqRel);
    thread::spawn("system worker", index % cpu::count(), Box::new(work));
}

/// Queues work. Any IRQL.
pub fn queue(work: Work) {
    QUEUE.lock().push_back(work);
    thread::wake();
}

fn work() {
    loop {
        IDLE.fetch_add(1, Ordering::AcqRel);
        thread::wait_until(None, &|| !QUEUE.lock().is_empty());
        let left = IDLE.fetch_sub(1, Ordering::AcqRel) - 1;
        let next = QUEUE.lock().pop_front();
        let Some(next) = next else { continue };
        if left == 0 && WORKERS.load(Ordering::Acquire) < MOST {
            spawn();
        }
        next();
    }
}

/// `IO_WORKITEM` as the host lays it out: state and nothing that the driver may look at.
const IO_WORKITEM_BYTES: usize = 64;
/// Word of the state.
const STATE: usize = 0;
/// Word of the I/O object.
const OBJECT: usize = 8;
const IDLE_ITEM: u64 = 0x1d1e;
const QUEUED_ITEM: u64 = 0x9ede;

fn queue_io(what: &str, item: usize, routine: u64, context: u64, extended: bool) {
    let state: u64 = guest::read(item + STATE);
    if !verify::check("H-06", state == IDLE_ITEM, || {
        format!(
            "{what}: work item {item:#x} is {}",
            if state == QUEUED_ITEM {
                "queued already"
            } else {
                "not initialised"
            }
        )
    }) {
        return;
    }
    guest::write(item + STATE, QUEUED_ITEM);
    let object: u64 = guest::read(item + OBJECT);
    queue(Box::new(move || {
        // The item may be queued again, or freed, by the routine itself.
        guest::write(item + STATE, IDLE_ITEM);
        let plain = [object, context];
        let all = [object, context, item as u64];
        let args: &[u64] = if extended { &all } else { &plain };
        verify::call_on(Handler::WorkItem, object, routine as usize, args);
    }));
}

fn check_idle(what: &str, item: usize) {
    let state: u64 = guest::read(item + STATE);
    verify::check("H-06", state != QUEUED_ITEM, || {
        format!("{what}: work item {item:#x} is still queued")
    });
}

exports! {
    "ntoskrnl.exe";

    /// A work item of a device or driver object.
    [Dispatch] fn IoAllocateWorkItem(call, object: u64) -> usize {
        let Some(block) = guest::Block::new(IO_WORKITEM_BYTES, 16, true) else { return 0 };
        let item = block.leak();
        guest::write(item + STATE, IDLE_ITEM);
        guest::write(item + OBJECT, object);
        ledger::add(Kind::IoWorkItem, item as u64, 0, Scope::Driver, call.rip);
        item
    }
    /// Queues it.
    [Dispatch] fn IoQueueWorkItem(call, item: usize, routine: u64, _queue: i32, context: u64) { queue_io(call.name(), item, routine, context, false) }
    /// Queues it; the routine gets the item too.
    [Dispatch] fn IoQueueWorkItemEx(call, item: usize, routine: u64, _queue: i32, context: u64) { queue_io(call.name(), item, routine, context, true) }
    /// Frees it.
    [Dispatch] fn IoFreeWorkItem(call, item: usize) {
        if ledger::expect_remove("H-06", Kind::IoWorkItem, item as u64, call.name()).is_some() {
            check_idle(call.name(), item);
            guest::Block::unmap(item);
        }
    }
    /// Prepares a work item in the driver's own memory.
    [Any] fn IoInitializeWorkItem(_call, object: u64, item: usize) {
        guest::fill(item, IO_WORKITEM_BYTES, 0);
        guest::write(item + STATE, IDLE_ITEM);
        guest::write(item + OBJECT, object);
    }
    /// Takes it out of use.
    [Any] fn IoUninitializeWorkItem(call, item: usize) {
        check_idle(call.name(), item);
        guest::write(item + STATE, 0u64);
    }
    /// Bytes for such an item.
    [Any] fn IoSizeofWorkItem(_call) -> u32 { IO_WORKITEM_BYTES as u32 }
    /// Queues an executive work item.
    [Dispatch] fn ExQueueWorkItem(call, item: Ptr<WORK_QUEUE_ITEM>, _queue: i32) {
        // { LIST_ENTRY, routine, parameter }; a queued item's list entry is not NULL.
        let list: u64 = guest::read(item.addr());
        verify::check("H-06", list == 0, || call.text(&format!("work item {item:?} is queued already or not initialised")));
        guest::write(item.addr(), item.addr() as u64);
        queue(Box::new(move || {
            let routine: u64 = guest::read(item.addr() + 16);
            let parameter: u64 = guest::read(item.addr() + 24);
            guest::write(item.addr(), 0u64);
            verify::call_on(Handler::WorkItem, item.addr() as u64, routine as usize, &[parameter]);
        }));
    }
}
