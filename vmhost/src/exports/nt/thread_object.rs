// SPDX-License-Identifier: MIT OR Apache-2.0
//! System threads of the driver, thread objects and kernel handles. Mostly PASSIVE_LEVEL.

use alloc::{boxed::Box, collections::BTreeMap, format};
use core::sync::atomic::{AtomicUsize, Ordering};

use ndis::ffi::*;

use super::dispatcher;
use crate::{
    exports,
    guest::{self, Ptr},
    ledger::{self, Kind, Scope},
    machine::{
        cpu,
        lock::IrqSpin,
        thread::{self, ThreadId},
    },
    verify::{self, Handler},
};

/// Bytes of a thread object; drivers see only its dispatcher header.
const THREAD_BYTES: usize = 64;
/// Kernel handles, in the form Windows gives them to system threads.
const FIRST_HANDLE: usize = 0xFFFF_FFFF_8000_0000;
/// `NtCurrentProcess()`/`ZwCurrentThread()`.
const CURRENT_THREAD: u64 = -2i64 as u64;
const STATUS_INVALID_HANDLE: i32 = 0xC000_0008_u32 as i32;
const STATUS_OBJECT_TYPE_MISMATCH: i32 = 0xC000_0024_u32 as i32;

/// What a kernel handle stands for.
#[derive(Clone, Debug)]
pub enum Target {
    /// A thread object.
    Thread(usize),
    /// A registry key, by its path below the root that the host knows.
    Key(crate::registry::Path),
}

struct Threads {
    objects: BTreeMap<ThreadId, usize>,
    references: BTreeMap<usize, u32>,
}

static THREADS: IrqSpin<Threads> = IrqSpin::new(Threads {
    objects: BTreeMap::new(),
    references: BTreeMap::new(),
});
static HANDLES: IrqSpin<BTreeMap<u64, Target>> = IrqSpin::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(FIRST_HANDLE + 4);

/// A new handle; it counts as leaked until it is closed.
pub fn new_handle(target: Target, caller: u64) -> u64 {
    let handle = NEXT.fetch_add(4, Ordering::Relaxed) as u64;
    HANDLES.lock().insert(handle, target);
    ledger::add(Kind::Handle, handle, 0, Scope::Driver, caller);
    handle
}

/// What a handle stands for.
pub fn target(handle: u64) -> Option<Target> {
    HANDLES.lock().get(&handle).cloned()
}

/// Closes a handle.
pub fn close(what: &str, handle: u64) -> i32 {
    if ledger::expect_remove("H-04", Kind::Handle, handle, what).is_none() {
        return STATUS_INVALID_HANDLE;
    }
    HANDLES.lock().remove(&handle);
    STATUS_SUCCESS
}

/// The object of the running thread, made when it is first asked for.
pub fn current_object() -> usize {
    let id = thread::current();
    if let Some(object) = THREADS.lock().objects.get(&id) {
        return *object;
    }
    let object = new_object();
    THREADS.lock().objects.insert(id, object);
    object
}

fn new_object() -> usize {
    let Some(block) = guest::Block::new(THREAD_BYTES, 16, true) else {
        verify::end("no memory for a thread object");
    };
    let object = block.leak();
    dispatcher::init(object, dispatcher::kind::THREAD, THREAD_BYTES, 0);
    object
}

/// The object that a wait on `object` really waits for: itself.
pub fn resolve(object: usize) -> usize {
    object
}

/// The running thread is over: whoever waits for it goes on.
fn ended(object: usize) {
    ledger::remove(Kind::Thread, object as u64);
    dispatcher::signal(object, 1);
}

/// Starts a thread of the driver and returns its object.
fn start(routine: u64, context: u64, caller: u64) -> usize {
    let object = new_object();
    ledger::add(Kind::Thread, object as u64, 0, Scope::Driver, caller);
    let id = thread::spawn(
        "driver thread",
        cpu::id(),
        Box::new(move || {
            verify::call_on(
                Handler::SystemThread,
                object as u64,
                routine as usize,
                &[context],
            );
            ended(object);
        }),
    );
    THREADS.lock().objects.insert(id, object);
    object
}

exports! {
    "ntoskrnl.exe";

    /// Starts a system thread.
    [Passive] fn PsCreateSystemThread(call, handle: Ptr<u64>, _access: u32, _attributes: usize, _process: u64, client: Ptr<u64>, routine: u64, context: u64) -> i32 {
        let object = start(routine, context, call.rip);
        handle.write(new_handle(Target::Thread(object), call.rip));
        if !client.is_null() {
            client.write(4); // The system process.
            client.add(1).write(object as u64);
        }
        STATUS_SUCCESS
    }
    /// Ends the running system thread; never returns to it.
    [Passive] fn PsTerminateSystemThread(call, _status: i32) -> i32 {
        let object = current_object();
        let ours = ledger::is_live(Kind::Thread, object as u64);
        if !verify::check("V-28", ours, || call.text("this is no system thread of the driver")) {
            return STATUS_INVALID_PARAMETER;
        }
        if let Some(context) = verify::current() {
            let held = context.held.lock().len();
            verify::check("G-05", held == 0, || call.text("a lock is still held"));
        }
        ended(object);
        // The stack below belongs to the driver's routine, which must not go on: the thread
        // sleeps for ever, and its stack with it.
        loop {
            thread::wait_until(None, &|| false);
        }
    }
    /// The object behind a handle, with one more reference.
    [Passive] fn ObReferenceObjectByHandle(call, handle: u64, _access: u32, _kind: usize, _mode: u8, object: Ptr<u64>, information: usize) -> i32 {
        let address = match target(handle) {
            _ if handle == CURRENT_THREAD => current_object(),
            Some(Target::Thread(a)) => a,
            Some(Target::Key(_)) => return STATUS_OBJECT_TYPE_MISMATCH,
            None => {
                verify::violation("V-28", call.text(&format!("{handle:#x} is no handle")));
                return STATUS_INVALID_HANDLE;
            }
        };
        if information != 0 {
            guest::fill(information, 8, 0);
        }
        reference(address);
        object.write(address as u64);
        STATUS_SUCCESS
    }
    /// One more reference.
    [Dispatch] fn ObfReferenceObject(_call, object: usize) -> i64 { reference(object) }
    /// One reference less.
    [Dispatch] fn ObfDereferenceObject(call, object: usize) -> i64 {
        let mut threads = THREADS.lock();
        let left = threads.references.get_mut(&object).map(|n| {
            *n -= 1;
            *n
        });
        if left == Some(0) {
            threads.references.remove(&object);
        }
        drop(threads);
        // Objects of the host (device, driver) live as long as the run; only references that the
        // driver took itself are counted.
        verify::check("V-28", left.is_some() || guest::is_valid(object, 8, false), || call.text(&format!("{object:#x} is no object")));
        if left == Some(0) {
            ledger::remove(Kind::ObjectReference, object as u64);
        }
        i64::from(left.unwrap_or(1))
    }
    /// The running thread.
    [Any] fn KeGetCurrentThread(_call) -> usize { current_object() }
    /// The running thread.
    [Any] fn PsGetCurrentThread(_call) -> usize { current_object() }
    /// Its id.
    [Any] fn PsGetCurrentThreadId(_call) -> u64 { thread::current().0 * 4 }
    /// The system process's id.
    [Any] fn PsGetCurrentProcessId(_call) -> u64 { 4 }
    /// A thread's priority changes nothing: threads here give way by themselves.
    [Any] fn KeSetPriorityThread(_call, _thread: usize, _priority: i32) -> i32 { 8 }
    /// See `KeSetPriorityThread`.
    [Any] fn KeQueryPriorityThread(_call, _thread: usize) -> i32 { 8 }
    /// See `KeSetPriorityThread`.
    [Any] fn KeSetBasePriorityThread(_call, _thread: usize, _increment: i32) -> i32 { 0 }
    /// Threads are pinned already; the affinity is accepted when it names an active CPU.
    [Dispatch] fn KeSetSystemAffinityThreadEx(call, affinity: u64) -> u64 {
        stay(call.name(), affinity);
        0
    }
    /// See `KeSetSystemAffinityThreadEx`.
    [Dispatch] fn KeSetSystemAffinityThread(call, affinity: u64) { stay(call.name(), affinity) }
    /// See `KeSetSystemAffinityThreadEx`.
    [Dispatch] fn KeRevertToUserAffinityThreadEx(_call, _affinity: u64) {}
    /// See `KeSetSystemAffinityThreadEx`.
    [Dispatch] fn KeRevertToUserAffinityThread(_call) {}
    /// See `KeSetSystemAffinityThreadEx`.
    [Dispatch] fn KeSetSystemGroupAffinityThread(call, affinity: Ptr<GROUP_AFFINITY>, previous: Ptr<GROUP_AFFINITY>) {
        let asked = affinity.read();
        stay(call.name(), asked.Mask);
        previous.write_if(GROUP_AFFINITY::zeroed());
    }
    /// See `KeSetSystemAffinityThreadEx`.
    [Dispatch] fn KeRevertToUserGroupAffinityThread(_call, _previous: usize) {}
}

/// One more reference on an object; counted until given back.
pub fn reference(object: usize) -> i64 {
    let mut threads = THREADS.lock();
    let count = threads.references.entry(object).or_insert(0);
    *count += 1;
    let now = *count;
    drop(threads);
    if now == 1 {
        let caller = verify::current()
            .and_then(|c| c.import())
            .map_or(0, |(_, rip)| rip);
        ledger::add(
            Kind::ObjectReference,
            object as u64,
            0,
            Scope::Driver,
            caller,
        );
    }
    i64::from(now) + 1
}

/// A thread of this host never moves to another CPU; going to one that is not its own would need
/// that, so it ends the run.
fn stay(what: &str, affinity: u64) {
    if affinity & (1 << cpu::id()) == 0 {
        verify::stop(
            "V-28",
            format!(
                "{what}: this host cannot move a thread to another CPU (affinity {affinity:#x})"
            ),
        );
    }
}
