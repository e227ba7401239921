// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS locks, events and timers. At most DISPATCH_LEVEL; waits at PASSIVE_LEVEL.

use alloc::{collections::BTreeMap, format, sync::Arc};

use ndis::ffi::*;

use super::nbl::new_handle;
use crate::{
    exports,
    exports::{
        Call, Level,
        nt::{
            dispatcher, dpc,
            pool::scope_of,
            spin,
            timer::{self, Expired},
        },
    },
    field,
    guest::{self, Ptr},
    ledger::{self, Kind},
    machine::{irql, lock::IrqSpin, thread, time},
    verify::{
        self, Handler,
        locks::{self, LockKind},
    },
};

/// `NDIS_RW_LOCK_EX` is opaque: its lock word is the first one.
const RW_LOCK_BYTES: usize = 64;
/// LockState of a read acquisition.
const READ: u8 = 3;
/// LockState of a write acquisition.
const WRITE: u8 = 4;
/// Longest NdisMSleep, microseconds.
const LONGEST_SLEEP_US: u32 = 30_000_000;

fn enter_rw(call: &Call, lock: usize, state: Ptr<LOCK_STATE_EX>, flags: u8, kind: LockKind) {
    ledger::expect("K-07", Kind::RwLock, lock as u64, call.name());
    let at_dispatch = flags & NDIS_RWL_AT_DISPATCH_LEVEL as u8 != 0;
    if at_dispatch {
        call.require(Level::AtDispatch, " with NDIS_RWL_AT_DISPATCH_LEVEL");
    }
    let old = spin::raise_to_dispatch();
    if kind == LockKind::Shared {
        spin::acquire_shared(call, lock, old);
    } else {
        spin::acquire_exclusive(call, lock, old);
    }
    field!(state, OldIrql).write(old);
    field!(state, LockState).write(if kind == LockKind::Shared {
        READ
    } else {
        WRITE
    });
    field!(state, Flags).write(flags);
}

fn leave_rw(call: &Call, lock: usize, old: u8, kind: u8) {
    let held = match kind {
        READ => spin::release_shared(call, lock),
        WRITE => spin::release_exclusive(call, lock),
        _ => {
            verify::violation(
                "K-07",
                call.text(&format!("LockState {kind} is not of an acquisition")),
            );
            return;
        }
    };
    if let Some(held) = held {
        verify::check("K-07", held.old_irql == old, || {
            call.text(&format!(
                "the lock state saves IRQL {old}, but the lock was taken at {}",
                held.old_irql
            ))
        });
    }
    spin::lower_to(call, old);
}

struct TimerObject {
    function: u64,
    context: u64,
}

static OBJECTS: IrqSpin<BTreeMap<u64, TimerObject>> = IrqSpin::new(BTreeMap::new());

fn set_timer(call: &Call, handle: u64, due: i64, period_ms: i32, context: u64) -> bool {
    if !timer::known(call, handle) {
        return false;
    }
    verify::check("V-28", period_ms >= 0, || {
        call.text(&format!("period {period_ms} ms"))
    });
    let (function, own) = match OBJECTS.lock().get(&handle) {
        Some(o) => (o.function, o.context),
        None => return false,
    };
    let context = if context == 0 { own } else { context };
    let expired: Expired = Arc::new(move || {
        // SystemSpecific1, FunctionContext, SystemSpecific2, SystemSpecific3.
        let nothing = u64::from_ne_bytes([guest::POISON; 8]);
        verify::call_on(
            Handler::Timer,
            handle,
            function as usize,
            &[nothing, context, nothing, nothing],
        );
    });
    timer::set(
        handle,
        dispatcher::deadline(due),
        u64::from(period_ms.max(0) as u32) * 1_000_000,
        expired,
    )
}

exports! {
    "ndis.sys";

    /// A reader/writer lock.
    [Dispatch] fn NdisAllocateRWLock(call, handle: u64) -> usize {
        let Some(block) = guest::Block::new(RW_LOCK_BYTES, 64, true) else { return 0 };
        let lock = block.leak();
        ledger::add(Kind::RwLock, lock as u64, 0, scope_of(handle), call.rip);
        lock
    }
    /// Frees it.
    [Dispatch] fn NdisFreeRWLock(call, lock: usize) {
        if ledger::expect_remove("K-07", Kind::RwLock, lock as u64, call.name()).is_some() {
            locks::forget(lock as u64, RW_LOCK_BYTES as u64, true);
            guest::Block::unmap(lock);
        }
    }
    /// Takes it for reading.
    [Dispatch] fn NdisAcquireRWLockRead(call, lock: usize, state: Ptr<LOCK_STATE_EX>, flags: u8) { enter_rw(call, lock, state, flags, LockKind::Shared) }
    /// Takes it for writing.
    [Dispatch] fn NdisAcquireRWLockWrite(call, lock: usize, state: Ptr<LOCK_STATE_EX>, flags: u8) { enter_rw(call, lock, state, flags, LockKind::Exclusive) }
    /// Gives it back.
    [AtDispatch] fn NdisReleaseRWLock(call, lock: usize, state: Ptr<LOCK_STATE_EX>) {
        let s = state.read();
        leave_rw(call, lock, s.OldIrql, s.LockState);
    }
    /// The reader/writer lock of NDIS 5, in the driver's memory; its lock word is the first.
    [Any] fn NdisInitializeReadWriteLock(_call, lock: usize) {
        locks::forget(lock as u64, 8, false);
        guest::fill(lock, 16, 0);
    }
    /// Takes it; LOCK_STATE is { USHORT LockState; KIRQL OldIrql }.
    [Dispatch] fn NdisAcquireReadWriteLock(call, lock: usize, write: bool, state: usize) {
        let old = spin::raise_to_dispatch();
        if write { spin::acquire_exclusive(call, lock, old) } else { spin::acquire_shared(call, lock, old) }
        guest::write(state, u16::from(if write { WRITE } else { READ }));
        guest::write(state + 2, old);
    }
    /// Gives it back.
    [AtDispatch] fn NdisReleaseReadWriteLock(call, lock: usize, state: usize) {
        let kind: u16 = guest::read(state);
        leave_rw(call, lock, guest::read(state + 2), kind as u8);
    }
    /// Takes it at DISPATCH_LEVEL.
    [AtDispatch] fn NdisDprAcquireReadWriteLock(call, lock: usize, write: bool, state: usize) {
        NdisAcquireReadWriteLock::body(call, lock, write, state)
    }
    /// Gives it back at DISPATCH_LEVEL.
    [AtDispatch] fn NdisDprReleaseReadWriteLock(call, lock: usize, state: usize) { NdisReleaseReadWriteLock::body(call, lock, state) }

    /// The spin lock functions are macros in NDIS 6 headers; older libraries import them.
    [Any] fn NdisAllocateSpinLock(call, lock: usize) { spin::KeInitializeSpinLock::body(call, lock) }
    /// See `NdisAllocateSpinLock`.
    [Any] fn NdisFreeSpinLock(_call, lock: usize) { locks::forget(lock as u64, 8, true) }
    /// See `NdisAllocateSpinLock`.
    [Dispatch] fn NdisAcquireSpinLock(call, lock: Ptr<NDIS_SPIN_LOCK>) {
        let old = spin::KeAcquireSpinLockRaiseToDpc::body(call, lock.addr());
        field!(lock, OldIrql).write(old);
    }
    /// See `NdisAllocateSpinLock`.
    [AtDispatch] fn NdisReleaseSpinLock(call, lock: Ptr<NDIS_SPIN_LOCK>) {
        let old = field!(lock, OldIrql).read();
        spin::KeReleaseSpinLock::body(call, lock.addr(), old)
    }
    /// See `NdisAllocateSpinLock`.
    [AtDispatch] fn NdisDprAcquireSpinLock(call, lock: Ptr<NDIS_SPIN_LOCK>) { spin::KeAcquireSpinLockAtDpcLevel::body(call, lock.addr()) }
    /// See `NdisAllocateSpinLock`.
    [AtDispatch] fn NdisDprReleaseSpinLock(call, lock: Ptr<NDIS_SPIN_LOCK>) { spin::KeReleaseSpinLockFromDpcLevel::body(call, lock.addr()) }

    /// A notification event that is not signalled.
    [Any] fn NdisInitializeEvent(_call, event: usize) { dispatcher::init(event, dispatcher::kind::NOTIFICATION_EVENT, 24, 0) }
    /// Signals it.
    [Dispatch] fn NdisSetEvent(_call, event: usize) { dispatcher::signal(event, 1); }
    /// Resets it.
    [Dispatch] fn NdisResetEvent(_call, event: usize) { dispatcher::signal(event, 0); }
    /// Waits for it; 0 ms: for ever. TRUE when it was signalled.
    [Passive] fn NdisWaitEvent(call, event: usize, ms: u32) -> bool {
        if irql::current() >= irql::DISPATCH {
            verify::stop("V-17", call.text("waiting at DISPATCH_LEVEL or above")); // 7C/14
        }
        locks::check_none("K-01", call.name());
        let until = (ms != 0).then(|| time::now_ns() + u64::from(ms) * 1_000_000);
        dispatcher::is_signalled(event) || thread::wait_until(until, &|| dispatcher::is_signalled(event))
    }
    /// Sleeps at least so many microseconds.
    [Apc] fn NdisMSleep(call, us: u32) {
        verify::check("I-13", us <= LONGEST_SLEEP_US, || call.text(&format!("{us} µs are more than 30 s")));
        locks::check_none("K-01", call.name());
        call.require_thread();
        thread::sleep_ns(u64::from(us) * 1000);
    }

    /// A timer object.
    [Dispatch] fn NdisAllocateTimerObject(call, handle: u64, characteristics: Ptr<NDIS_TIMER_CHARACTERISTICS>, out: Ptr<u64>) -> i32 {
        let header = field!(characteristics, Header).read();
        let good = header.Type == NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS
            && header.Revision >= 1
            && header.Size >= NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1;
        if !verify::check("G-06", good, || call.text(&format!("object header type {:#x}, revision {}, size {}", header.Type, header.Revision, header.Size))) {
            return NDIS_STATUS_INVALID_PARAMETER;
        }
        let function: u64 = guest::read(field!(characteristics, TimerFunction).addr());
        if !verify::check("V-28", function != 0, || call.text("no TimerFunction")) {
            return NDIS_STATUS_INVALID_PARAMETER;
        }
        let new = new_handle();
        let context = field!(characteristics, FunctionContext).read() as u64;
        OBJECTS.lock().insert(new, TimerObject { function, context });
        ledger::add(Kind::Timer, new, 0, scope_of(handle), call.rip);
        out.write(new);
        NDIS_STATUS_SUCCESS
    }
    /// Sets it; TRUE when it was in the queue.
    [Dispatch] fn NdisSetTimerObject(call, handle: u64, due: i64, period_ms: i32, context: u64) -> bool { set_timer(call, handle, due, period_ms, context) }
    /// Sets it; the tolerance is not used.
    [Dispatch] fn NdisSetCoalescableTimerObject(call, handle: u64, due: i64, period_ms: i32, context: u64, _tolerance: u32) -> bool {
        set_timer(call, handle, due, period_ms, context)
    }
    /// Takes it out of the queue; TRUE when it was there. Of a periodic timer: at PASSIVE_LEVEL,
    /// and its callback is over on return.
    [Dispatch] fn NdisCancelTimerObject(call, handle: u64) -> bool {
        if !timer::known(call, handle) {
            return false;
        }
        let periodic = timer::is_periodic(handle);
        let passive = !periodic || call.require(Level::Passive, " of a periodic timer");
        let was = timer::cancel(handle);
        if periodic && passive {
            timer::flush(handle);
        }
        was
    }
    /// Frees it; it must be idle.
    [Dispatch] fn NdisFreeTimerObject(call, handle: u64) {
        if ledger::expect_remove("K-06", Kind::Timer, handle, call.name()).is_none() {
            return;
        }
        verify::check("H-05", !timer::is_armed(handle), || call.text("the timer is still set"));
        // A callback may free its own timer object, so a running one is only told from elsewhere.
        let own = verify::current().is_some_and(|c| c.handler == Handler::Timer && c.object == handle);
        verify::check("K-06", own || !timer::is_running(handle), || call.text("the timer's callback is running"));
        timer::cancel(handle);
        timer::forget(handle);
        OBJECTS.lock().remove(&handle);
    }

    /// The timer of NDIS 5: a KTIMER and a KDPC in the driver's memory.
    [Dispatch] fn NdisInitializeTimer(call, timer: usize, function: usize, context: usize) {
        timer::KeInitializeTimer::body(call, timer);
        dpc::KeInitializeDpc::body(call, Ptr::new(timer + size_of::<KTIMER>()), function, context)
    }
    /// Sets it.
    [Dispatch] fn NdisSetTimer(call, timer: usize, ms: u32) { set_old(call, timer, ms, 0) }
    /// Sets it with another context.
    [Dispatch] fn NdisSetTimerEx(call, timer: usize, ms: u32, context: u64) {
        let object: Ptr<KDPC> = Ptr::new(timer + size_of::<KTIMER>());
        field!(object, DeferredContext).write(context as *mut c_void);
        set_old(call, timer, ms, 0)
    }
    /// Sets it with a period.
    [Dispatch] fn NdisSetPeriodicTimer(call, timer: usize, ms: u32) { set_old(call, timer, ms, ms) }
    /// Takes it out of the queue.
    [Dispatch] fn NdisCancelTimer(call, timer: usize, cancelled: Ptr<u8>) {
        cancelled.write(u8::from(timer::KeCancelTimer::body(call, timer)));
    }
}

fn set_old(call: &Call, timer: usize, ms: u32, period: u32) {
    let due = -i64::from(ms) * 10_000;
    timer::KeSetTimerEx::body(
        call,
        Ptr::new(timer),
        due,
        period as i32,
        Ptr::new(timer + size_of::<KTIMER>()),
    );
}
