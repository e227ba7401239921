// SPDX-License-Identifier: MIT OR Apache-2.0
//! `KDPC`: a routine that runs at DISPATCH_LEVEL on a CPU. Queuing: any IRQL.

use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};

use ndis::ffi::*;

use crate::{
    exports, field,
    guest::{self, Ptr},
    machine::{cpu, dpc, lock::IrqSpin},
    verify::{self, Handler},
};

/// `KDPC.Type` of a DPC object.
const DPC_OBJECT: u8 = 19;
/// `KDPC.Type` of a threaded DPC; it runs like an ordinary one, which Windows allows too.
const THREADED_DPC_OBJECT: u8 = 24;
/// `KDPC.Number` is this plus the CPU when a target was set.
const TARGET: u16 = 0x500;

struct Queued {
    serial: u64,
    arguments: [u64; 2],
}

struct Queue {
    serial: u64,
    waiting: BTreeMap<usize, Queued>,
}

static QUEUE: IrqSpin<Queue> = IrqSpin::new(Queue {
    serial: 0,
    waiting: BTreeMap::new(),
});

fn init(object: Ptr<KDPC>, kind: u8, routine: usize, context: usize) {
    guest::fill(object.addr(), size_of::<KDPC>(), 0);
    guest::write(object.addr(), kind);
    field!(object, u.s.Importance).write(MediumImportance as u8);
    guest::write(field!(object, DeferredRoutine).addr(), routine as u64);
    field!(object, DeferredContext).write(context as *mut c_void);
}

/// Queues a DPC object; false when it is queued already.
pub fn insert(object: Ptr<KDPC>, first: u64, second: u64) -> bool {
    let number = field!(object, u.s.Number).read();
    let target = if number >= TARGET {
        usize::from(number - TARGET) % cpu::count()
    } else {
        cpu::id()
    };
    let serial = {
        let mut queue = QUEUE.lock();
        if queue.waiting.contains_key(&object.addr()) {
            return false;
        }
        queue.serial += 1;
        let serial = queue.serial;
        queue.waiting.insert(
            object.addr(),
            Queued {
                serial,
                arguments: [first, second],
            },
        );
        serial
    };
    field!(object, SystemArgument1).write(first as *mut c_void);
    field!(object, SystemArgument2).write(second as *mut c_void);
    dpc::queue(target, Box::new(move || run(object, serial)));
    true
}

fn run(object: Ptr<KDPC>, serial: u64) {
    let queued = {
        let mut queue = QUEUE.lock();
        match queue.waiting.get(&object.addr()) {
            Some(q) if q.serial == serial => queue.waiting.remove(&object.addr()),
            _ => None, // Taken out again by KeRemoveQueueDpc.
        }
    };
    if let Some(queued) = queued {
        call(object, queued.arguments);
    }
}

/// Calls a DPC's routine now; the caller is at DISPATCH_LEVEL.
pub fn call(object: Ptr<KDPC>, arguments: [u64; 2]) {
    let routine: u64 = guest::read(field!(object, DeferredRoutine).addr());
    let context = field!(object, DeferredContext).read() as u64;
    verify::call_on(
        Handler::KernelDpc,
        object.addr() as u64,
        routine as usize,
        &[object.addr() as u64, context, arguments[0], arguments[1]],
    );
}

/// Takes a DPC object off the queue; false when it was not queued (it may be running).
pub fn remove(object: usize) -> bool {
    QUEUE.lock().waiting.remove(&object).is_some()
}

/// Texts about queued DPC objects in a range, for checks on freed memory.
pub fn queued_inside(address: usize, len: usize) -> Vec<String> {
    QUEUE
        .lock()
        .waiting
        .range(address..address + len)
        .map(|(a, _)| format!("the queued DPC {a:#x}"))
        .collect()
}

exports! {
    "ntoskrnl.exe";

    /// A DPC object.
    [Any] fn KeInitializeDpc(_call, object: Ptr<KDPC>, routine: usize, context: usize) { init(object, DPC_OBJECT, routine, context) }
    /// A threaded DPC object.
    [Any] fn KeInitializeThreadedDpc(_call, object: Ptr<KDPC>, routine: usize, context: usize) { init(object, THREADED_DPC_OBJECT, routine, context) }
    /// Queues it; FALSE when it is queued already.
    [Any] fn KeInsertQueueDpc(call, object: Ptr<KDPC>, first: u64, second: u64) -> bool {
        let kind: u8 = guest::read(object.addr());
        verify::check("V-28", kind == DPC_OBJECT || kind == THREADED_DPC_OBJECT, || call.text(&format!("{object:?} is no DPC object")));
        insert(object, first, second)
    }
    /// Takes it off the queue.
    [Any] fn KeRemoveQueueDpc(_call, object: usize) -> bool { remove(object) }
    /// Sets the CPU.
    [Any] fn KeSetTargetProcessorDpc(_call, object: Ptr<KDPC>, number: u8) { field!(object, u.s.Number).write(TARGET + u16::from(number)) }
    /// Sets the CPU by group and number.
    [Any] fn KeSetTargetProcessorDpcEx(_call, object: Ptr<KDPC>, number: Ptr<PROCESSOR_NUMBER>) -> i32 {
        let number = number.read();
        if number.Group != 0 || usize::from(number.Number) >= cpu::count() {
            return STATUS_INVALID_PARAMETER;
        }
        field!(object, u.s.Number).write(TARGET + u16::from(number.Number));
        STATUS_SUCCESS
    }
    /// The importance changes nothing here: every queued DPC runs at once.
    [Any] fn KeSetImportanceDpc(_call, object: Ptr<KDPC>, importance: i32) { field!(object, u.s.Importance).write(importance as u8) }
    /// Returns when every DPC queued before has run.
    [Passive] fn KeFlushQueuedDpcs(call) {
        call.require_thread();
        dpc::flush()
    }
    /// No DPC watchdog period is configured.
    [Dispatch] fn KeQueryDpcWatchdogInformation(_call, information: usize) -> i32 {
        // KDPC_WATCHDOG_INFORMATION: five 32-bit values.
        guest::fill(information, 20, 0);
        STATUS_SUCCESS
    }
}
