// SPDX-License-Identifier: MIT OR Apache-2.0
//! Dispatcher objects: events, semaphores, mutexes, timers and threads as things to wait for.
//! Waiting: below DISPATCH_LEVEL; signalling: at most DISPATCH_LEVEL.
//!
//! The state is in the object's header in the driver's memory, as on Windows: the type in byte 0,
//! the signal state in the 32-bit word at byte 4. Wait lists are the host scheduler's business.

use alloc::{collections::BTreeMap, format, vec::Vec};
use core::{
    cell::Cell,
    sync::atomic::{AtomicI32, Ordering},
};

use ndis::ffi::*;

use super::thread_object;
use crate::{
    exports,
    exports::{Call, Level},
    guest::{self, Ptr},
    machine::{
        irql,
        lock::IrqSpin,
        thread::{self, ThreadId},
        time,
    },
    verify::{
        self,
        locks::{self, LockKind},
    },
};

/// Object types in the header's first byte.
pub mod kind {
    /// Notification event.
    pub const NOTIFICATION_EVENT: u8 = 0;
    /// Synchronisation event: a satisfied wait resets it.
    pub const SYNCHRONIZATION_EVENT: u8 = 1;
    /// Mutex.
    pub const MUTANT: u8 = 2;
    /// Semaphore.
    pub const SEMAPHORE: u8 = 5;
    /// Thread: signalled for good when it has ended.
    pub const THREAD: u8 = 6;
    /// Notification timer.
    pub const NOTIFICATION_TIMER: u8 = 8;
    /// Synchronisation timer.
    pub const SYNCHRONIZATION_TIMER: u8 = 9;
}

/// Byte of the signal state.
const SIGNAL: usize = 4;
/// Byte of the wait list head.
const WAIT_LIST: usize = 8;
/// Byte of a semaphore's limit, and of a mutex's owner list.
const LIMIT: usize = 24;
/// Byte of a mutex's owner.
const OWNER: usize = 40;
/// `KMUTEX` in bytes.
const MUTEX_BYTES: usize = 56;

/// Owners of mutexes, as a thread may take one again.
static OWNERS: IrqSpin<BTreeMap<usize, ThreadId>> = IrqSpin::new(BTreeMap::new());

/// Prepares a header: type, size in words, signal state, empty wait list.
pub fn init(object: usize, kind: u8, bytes: usize, signal: i32) {
    guest::require(object, bytes, true);
    guest::write(object, u32::from(kind) | (((bytes / 4) as u32) << 16));
    guest::write(object + SIGNAL, signal);
    guest::write(object + WAIT_LIST, (object + WAIT_LIST) as u64);
    guest::write(object + WAIT_LIST + 8, (object + WAIT_LIST) as u64);
}

fn state<'a>(object: usize) -> &'a AtomicI32 {
    guest::require(object, 24, true);
    if !object.is_multiple_of(4) {
        verify::stop(
            "V-28",
            format!("dispatcher object {object:#x} is not aligned"),
        );
    }
    // SAFETY: mapped, writable and aligned; the word is only used through these functions.
    unsafe { AtomicI32::from_ptr((object + SIGNAL) as *mut i32) }
}

/// Sets the signal state and wakes who waits; returns the state before.
pub fn signal(object: usize, value: i32) -> i32 {
    let old = state(object).swap(value, Ordering::AcqRel);
    if value != 0 {
        thread::wake();
    }
    old
}

/// The signal state.
pub fn is_signalled(object: usize) -> bool {
    state(object).load(Ordering::Acquire) > 0
}

/// Takes what a satisfied wait takes: `None` when the wait is not satisfied.
fn try_take(object: usize, who: ThreadId) -> bool {
    let state = state(object);
    match guest::read::<u8>(object) & 0x7F {
        kind::SYNCHRONIZATION_EVENT | kind::SYNCHRONIZATION_TIMER => state
            .compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok(),
        kind::SEMAPHORE => state
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n| {
                (n > 0).then(|| n - 1)
            })
            .is_ok(),
        kind::MUTANT => {
            let mut owners = OWNERS.lock();
            if owners.get(&object) == Some(&who)
                || state
                    .compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
            {
                if owners.insert(object, who) == Some(who) {
                    state.fetch_sub(1, Ordering::AcqRel);
                }
                return true;
            }
            false
        }
        _ => state.load(Ordering::Acquire) > 0,
    }
}

/// The deadline of a relative (negative) or absolute (positive) time in 100 ns units.
pub fn deadline(time_100ns: i64) -> u64 {
    let now = time::now_ns();
    if time_100ns <= 0 {
        now.saturating_add(time_100ns.unsigned_abs().saturating_mul(100))
    } else {
        let until = (time_100ns as u64).saturating_sub(time::system_time_100ns());
        now.saturating_add(until.saturating_mul(100))
    }
}

/// Waits until all or any of the objects are signalled. Returns STATUS_WAIT_0 + index, or
/// STATUS_TIMEOUT. `timeout` as in the documentation.
fn wait(call: &Call, objects: &[usize], all: bool, timeout: Ptr<i64>) -> i32 {
    let limit = if timeout.is_null() {
        None
    } else {
        Some(timeout.read())
    };
    if limit != Some(0) {
        if irql::current() >= irql::DISPATCH {
            // C4/3B; nothing could ever wake us.
            verify::stop(
                "V-28",
                call.text(&format!(
                    "a wait at IRQL {} that is not for zero time",
                    irql::current()
                )),
            );
        }
        call.require(Level::Apc, " with a wait");
        locks::check_none("K-01", call.name());
    }
    let who = thread::current();
    let taken: Cell<Option<usize>> = Cell::new(None);
    let attempt = || {
        if taken.get().is_some() {
            return true;
        }
        if all {
            // All must be there at once; another waiter may take one in between, then we give
            // back what can be given back and go on waiting.
            if objects.iter().all(|o| is_signalled(*o)) {
                let mut got = Vec::new();
                for object in objects {
                    if !try_take(*object, who) {
                        break;
                    }
                    got.push(*object);
                }
                if got.len() == objects.len() {
                    taken.set(Some(0));
                    return true;
                }
                for object in got {
                    state(object).fetch_add(1, Ordering::AcqRel);
                }
            }
        } else if let Some(i) = objects.iter().position(|o| try_take(*o, who)) {
            taken.set(Some(i));
            return true;
        }
        false
    };
    if !attempt() && limit != Some(0) {
        call.require_thread();
        thread::wait_until(limit.map(deadline), &attempt);
    }
    match taken.get() {
        Some(i) => {
            for object in objects {
                if guest::read::<u8>(*object) & 0x7F == kind::MUTANT
                    && (all || objects[i] == *object)
                {
                    locks::acquired(*object as u64, LockKind::Mutex, irql::current(), call.rip);
                }
            }
            i as i32
        }
        None => STATUS_TIMEOUT,
    }
}

fn initialise_event(event: usize, notification: bool, signalled: bool) {
    let kind = if notification {
        kind::NOTIFICATION_EVENT
    } else {
        kind::SYNCHRONIZATION_EVENT
    };
    init(event, kind, 24, i32::from(signalled));
}

exports! {
    "ntoskrnl.exe";

    /// An event.
    [Any] fn KeInitializeEvent(_call, event: usize, kind: i32, state: bool) { initialise_event(event, kind == NotificationEvent, state) }
    /// Signals an event; returns the state before.
    [Dispatch] fn KeSetEvent(call, event: usize, _increment: i32, wait: bool) -> i32 {
        if wait {
            call.require(Level::Apc, " with Wait TRUE");
        }
        signal(event, 1)
    }
    /// Signals and resets: waiters that are there at this moment go on.
    [Dispatch] fn KePulseEvent(_call, event: usize, _increment: i32, _wait: bool) -> i32 {
        let old = signal(event, 1);
        if irql::current() < irql::DISPATCH {
            thread::yield_now();
        }
        signal(event, 0);
        old
    }
    /// Resets an event.
    [Dispatch] fn KeClearEvent(_call, event: usize) { signal(event, 0); }
    /// Resets an event; returns the state before.
    [Dispatch] fn KeResetEvent(_call, event: usize) -> i32 { signal(event, 0) }
    /// The state.
    [Dispatch] fn KeReadStateEvent(_call, event: usize) -> i32 { state(event).load(Ordering::Acquire) }

    /// A semaphore.
    [Dispatch] fn KeInitializeSemaphore(call, semaphore: usize, count: i32, limit: i32) {
        verify::check("V-28", count >= 0 && limit > 0 && count <= limit, || call.text("Count or Limit is out of range"));
        init(semaphore, kind::SEMAPHORE, 32, count);
        guest::write(semaphore + LIMIT, limit);
    }
    /// Adds to a semaphore; returns the count before.
    [Dispatch] fn KeReleaseSemaphore(call, semaphore: usize, _increment: i32, adjustment: i32, _wait: bool) -> i32 {
        let limit: i32 = guest::read(semaphore + LIMIT);
        let old = state(semaphore).fetch_add(adjustment, Ordering::AcqRel);
        verify::check("V-28", adjustment > 0 && old + adjustment <= limit, || call.text("the semaphore's limit is exceeded"));
        thread::wake();
        old
    }
    /// The count.
    [Any] fn KeReadStateSemaphore(_call, semaphore: usize) -> i32 { state(semaphore).load(Ordering::Acquire) }

    /// A mutex.
    [Any] fn KeInitializeMutex(_call, mutex: usize, _level: u32) {
        init(mutex, kind::MUTANT, MUTEX_BYTES, 1);
        for at in (LIMIT..MUTEX_BYTES).step_by(8) {
            guest::write(mutex + at, 0u64);
        }
        OWNERS.lock().remove(&mutex);
    }
    /// Gives a mutex back; returns 0 when it is free now.
    [Dispatch] fn KeReleaseMutex(call, mutex: usize, _wait: bool) -> i32 {
        let owned = OWNERS.lock().get(&mutex) == Some(&thread::current());
        if verify::check("V-06", owned, || call.text(&format!("mutex {mutex:#x} is not owned by this thread"))) {
            locks::release(mutex as u64, call.name());
            let old = state(mutex).load(Ordering::Acquire);
            if old == 0 {
                OWNERS.lock().remove(&mutex);
                guest::write(mutex + OWNER, 0u64);
            }
            state(mutex).fetch_add(1, Ordering::AcqRel);
            thread::wake();
            return old;
        }
        0
    }
    /// The state of a mutex: 1 when it is free.
    [Any] fn KeReadStateMutex(_call, mutex: usize) -> i32 { state(mutex).load(Ordering::Acquire) }

    /// Waits for an object.
    [Dispatch] fn KeWaitForSingleObject(call, object: usize, _reason: i32, _mode: u8, _alertable: bool, timeout: Ptr<i64>) -> i32 {
        wait(call, &[thread_object::resolve(object)], false, timeout)
    }
    /// Waits for one or all of several objects.
    [Dispatch] fn KeWaitForMultipleObjects(call, count: u32, objects: Ptr<u64>, kind: i32, _reason: i32, _mode: u8, _alertable: bool, timeout: Ptr<i64>, blocks: usize) -> i32 {
        // THREAD_WAIT_OBJECTS is 3 without wait blocks, MAXIMUM_WAIT_OBJECTS 64 with.
        let most = if blocks == 0 { 3 } else { 64 };
        if !verify::check("V-28", (1..=most).contains(&count), || call.text(&format!("{count} objects"))) {
            return STATUS_INVALID_PARAMETER;
        }
        let list: Vec<usize> = (0..count as usize).map(|i| thread_object::resolve(objects.add(i).read() as usize)).collect();
        wait(call, &list, kind == 0, timeout)
    }
    /// Sleeps.
    [Apc] fn KeDelayExecutionThread(call, _mode: u8, _alertable: bool, interval: Ptr<i64>) -> i32 {
        locks::check_none("K-01", call.name());
        call.require_thread();
        let until = deadline(interval.read());
        thread::sleep_ns(until.saturating_sub(time::now_ns()));
        STATUS_SUCCESS
    }

    /// Takes a fast mutex and raises to APC_LEVEL.
    [Apc] fn ExAcquireFastMutex(call, mutex: usize) {
        let old = irql::current();
        fast_wait(call, mutex);
        if old < irql::APC {
            irql::raise(irql::APC);
        }
        guest::write(mutex + FAST_OLD_IRQL, u32::from(old));
    }
    /// Gives it back and lowers the IRQL.
    [Apc] fn ExReleaseFastMutex(call, mutex: usize) {
        let old: u32 = guest::read(mutex + FAST_OLD_IRQL);
        fast_release(call, mutex);
        if old as u8 <= irql::APC && irql::current() > old as u8 {
            irql::lower(old as u8);
        }
    }
    /// Takes it if it is free.
    [Apc] fn ExTryToAcquireFastMutex(call, mutex: usize) -> bool {
        let old = irql::current();
        let taken = fast_count(mutex).compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if taken {
            locks::acquired(mutex as u64, LockKind::Mutex, old, call.rip);
            if old < irql::APC {
                irql::raise(irql::APC);
            }
            guest::write(mutex + FAST_OLD_IRQL, u32::from(old));
        }
        taken
    }
    /// Takes it without raising the IRQL.
    [Apc] fn ExAcquireFastMutexUnsafe(call, mutex: usize) { fast_wait(call, mutex) }
    /// Gives it back.
    [Apc] fn ExReleaseFastMutexUnsafe(call, mutex: usize) { fast_release(call, mutex) }
    /// A guarded mutex has the layout of a fast one.
    [Apc] fn KeInitializeGuardedMutex(_call, mutex: usize) { fast_init(mutex) }
    /// Takes a guarded mutex; APCs do not exist here, so the IRQL stays.
    [Apc] fn KeAcquireGuardedMutex(call, mutex: usize) { fast_wait(call, mutex) }
    /// Gives a guarded mutex back.
    [Apc] fn KeReleaseGuardedMutex(call, mutex: usize) { fast_release(call, mutex) }
    /// Takes it if it is free.
    [Apc] fn KeTryToAcquireGuardedMutex(call, mutex: usize) -> bool {
        let taken = fast_count(mutex).compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if taken {
            locks::acquired(mutex as u64, LockKind::Mutex, irql::current(), call.rip);
        }
        taken
    }
    /// APCs do not exist here, so regions only have their IRQL to check.
    [Apc] fn KeEnterCriticalRegion(_call) {}
    /// See `KeEnterCriticalRegion`.
    [Apc] fn KeLeaveCriticalRegion(_call) {}
    /// See `KeEnterCriticalRegion`.
    [Apc] fn KeEnterGuardedRegion(_call) {}
    /// See `KeEnterCriticalRegion`.
    [Apc] fn KeLeaveGuardedRegion(_call) {}
    /// APCs do not exist here.
    [Dispatch] fn KeAreApcsDisabled(_call) -> bool { irql::current() >= irql::APC }
}

/// `FAST_MUTEX`: the saved IRQL; the inline `ExInitializeFastMutex` sets the count at byte 0 to 1.
const FAST_OLD_IRQL: usize = 48;

fn fast_count<'a>(mutex: usize) -> &'a AtomicI32 {
    guest::require(mutex, 56, true);
    if !mutex.is_multiple_of(8) {
        verify::stop("V-28", format!("fast mutex {mutex:#x} is not aligned"));
    }
    // SAFETY: mapped, writable and aligned; after its inline initialisation the word is only
    // used through these functions.
    unsafe { AtomicI32::from_ptr(mutex as *mut i32) }
}

fn fast_init(mutex: usize) {
    guest::fill(mutex, 56, 0);
    guest::write(mutex, 1i32);
    initialise_event(mutex + 24, false, false);
}

fn fast_wait(call: &Call, mutex: usize) {
    let count = fast_count(mutex);
    locks::before_acquire(mutex as u64, LockKind::Mutex, call.rip);
    let taken = Cell::new(false);
    let attempt = || {
        if !taken.get()
            && count
                .compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
        {
            taken.set(true);
        }
        taken.get()
    };
    if !attempt() {
        call.require_thread();
        thread::wait_until(None, &attempt);
    }
    locks::acquired(mutex as u64, LockKind::Mutex, irql::current(), call.rip);
}

fn fast_release(call: &Call, mutex: usize) {
    locks::release(mutex as u64, call.name());
    let old = fast_count(mutex).swap(1, Ordering::AcqRel);
    verify::check("V-06", old == 0, || {
        call.text(&format!("mutex {mutex:#x} is not held"))
    });
    thread::wake();
}
