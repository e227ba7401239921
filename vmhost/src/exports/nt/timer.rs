// SPDX-License-Identifier: MIT OR Apache-2.0
//! Timers: the host's armed timers, and `KTIMER` and `EX_TIMER` over them. At most
//! DISPATCH_LEVEL. NDIS timer objects use the same table.

use alloc::{boxed::Box, collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};

use ndis::ffi::*;

use super::{dispatcher, dpc, pool};
use crate::{
    exports,
    exports::{Call, Level},
    field,
    guest::{self, Ptr},
    ledger::{self, Kind, Scope},
    machine::{self, cpu, lock::IrqSpin, thread, time},
    verify::{self, Handler},
};

/// What happens when a timer expires, at DISPATCH_LEVEL.
pub type Expired = Arc<dyn Fn() + Send + Sync>;

struct Timer {
    generation: u64,
    /// Set while the timer is in the system's queue.
    armed: Option<time::TimerId>,
    period_ns: u64,
    deadline_ns: u64,
    cpu: usize,
    expired: Expired,
    /// CPUs in the callback at this moment.
    running: u32,
}

static TIMERS: IrqSpin<BTreeMap<u64, Timer>> = IrqSpin::new(BTreeMap::new());

/// Arms a timer under `key` (an address or handle), replacing what was armed there. Returns true
/// when it was armed before. `period_ns` 0: once.
pub fn set(key: u64, deadline_ns: u64, period_ns: u64, expired: Expired) -> bool {
    let cpu = cpu::id();
    let (old, generation) = {
        let mut timers = TIMERS.lock();
        let timer = timers.entry(key).or_insert_with(|| Timer {
            generation: 0,
            armed: None,
            period_ns,
            deadline_ns,
            cpu,
            expired: expired.clone(),
            running: 0,
        });
        timer.generation += 1;
        timer.period_ns = period_ns;
        timer.deadline_ns = deadline_ns;
        timer.cpu = cpu;
        timer.expired = expired;
        (timer.armed.take(), timer.generation)
    };
    if let Some(id) = old {
        time::cancel(id);
    }
    arm(key, generation, deadline_ns, cpu);
    old.is_some()
}

fn arm(key: u64, generation: u64, deadline_ns: u64, cpu: usize) {
    // Under the lock, so that an expiry on another CPU finds the timer armed.
    let mut timers = TIMERS.lock();
    if let Some(timer) = timers.get_mut(&key)
        && timer.generation == generation
    {
        timer.armed = Some(time::call_at(
            deadline_ns,
            cpu,
            Box::new(move || expire(key, generation)),
        ));
    }
}

fn expire(key: u64, generation: u64) {
    let (expired, again) = {
        let mut timers = TIMERS.lock();
        let Some(timer) = timers
            .get_mut(&key)
            .filter(|t| t.generation == generation && t.armed.is_some())
        else {
            return; // Cancelled or set anew.
        };
        timer.armed = None;
        timer.running += 1;
        let again = (timer.period_ns != 0).then(|| {
            timer.deadline_ns = timer
                .deadline_ns
                .saturating_add(timer.period_ns)
                .max(time::now_ns());
            (timer.deadline_ns, timer.cpu)
        });
        (timer.expired.clone(), again)
    };
    // A periodic timer is back in the queue before its callback runs.
    if let Some((deadline, cpu)) = again {
        arm(key, generation, deadline, cpu);
    }
    expired();
    if let Some(timer) = TIMERS.lock().get_mut(&key) {
        timer.running -= 1;
    }
    thread::wake();
}

/// Takes a timer out of the queue; true when it was there, so that it will not expire.
pub fn cancel(key: u64) -> bool {
    let id = {
        let mut timers = TIMERS.lock();
        timers.get_mut(&key).and_then(|t| {
            t.generation += 1;
            t.armed.take()
        })
    };
    match id {
        Some(id) => {
            time::cancel(id);
            true
        }
        None => false,
    }
}

/// In the queue.
pub fn is_armed(key: u64) -> bool {
    TIMERS.lock().get(&key).is_some_and(|t| t.armed.is_some())
}

/// In its callback.
pub fn is_running(key: u64) -> bool {
    TIMERS.lock().get(&key).is_some_and(|t| t.running != 0)
}

/// Was set with a period.
pub fn is_periodic(key: u64) -> bool {
    TIMERS.lock().get(&key).is_some_and(|t| t.period_ns != 0)
}

/// Forgets a timer that is not armed.
pub fn forget(key: u64) {
    TIMERS.lock().remove(&key);
}

/// PASSIVE: returns when the callback of this timer is not running anywhere.
pub fn flush(key: u64) {
    machine::dpc::flush();
    thread::wait_until(None, &|| !is_running(key));
}

/// Texts about armed timers in a range, for checks on freed memory.
pub fn active_inside(address: usize, len: usize) -> Vec<String> {
    TIMERS
        .lock()
        .range(address as u64..(address + len) as u64)
        .filter(|(_, t)| t.armed.is_some())
        .map(|(a, _)| format!("the active timer {a:#x}"))
        .collect()
}

fn set_ktimer(timer: Ptr<KTIMER>, due: i64, period_ms: u32, object: Ptr<KDPC>) -> bool {
    let key = timer.addr() as u64;
    dispatcher::signal(timer.addr(), 0);
    field!(timer, Dpc).write(object.raw());
    field!(timer, Period).write(period_ms);
    guest::write(field!(timer, DueTime).addr(), due);
    let expired: Expired = Arc::new(move || {
        dispatcher::signal(timer.addr(), 1);
        if !object.is_null() {
            let now = time::system_time_100ns();
            dpc::call(object, [now & 0xFFFF_FFFF, now >> 32]);
        }
    });
    set(
        key,
        dispatcher::deadline(due),
        u64::from(period_ms) * 1_000_000,
        expired,
    )
}

fn init_ktimer(timer: usize, kind: i32) {
    cancel(timer as u64);
    let kind = if kind == SynchronizationTimer {
        dispatcher::kind::SYNCHRONIZATION_TIMER
    } else {
        dispatcher::kind::NOTIFICATION_TIMER
    };
    guest::fill(timer, size_of::<KTIMER>(), 0);
    dispatcher::init(timer, kind, size_of::<KTIMER>(), 0);
}

/// What an EX_TIMER calls.
static EX_TIMERS: IrqSpin<BTreeMap<u64, [u64; 2]>> = IrqSpin::new(BTreeMap::new());

exports! {
    "ntoskrnl.exe";

    /// A notification timer.
    [Dispatch] fn KeInitializeTimer(_call, timer: usize) { init_ktimer(timer, NotificationTimer) }
    /// A timer of either type.
    [Dispatch] fn KeInitializeTimerEx(_call, timer: usize, kind: i32) { init_ktimer(timer, kind) }
    /// Sets a timer; TRUE when it was in the queue already.
    [Dispatch] fn KeSetTimer(_call, timer: Ptr<KTIMER>, due: i64, object: Ptr<KDPC>) -> bool { set_ktimer(timer, due, 0, object) }
    /// Sets a timer with a period in milliseconds.
    [Dispatch] fn KeSetTimerEx(_call, timer: Ptr<KTIMER>, due: i64, period_ms: i32, object: Ptr<KDPC>) -> bool {
        set_ktimer(timer, due, period_ms.max(0) as u32, object)
    }
    /// Sets a timer; the tolerable delay is not used.
    [Dispatch] fn KeSetCoalescableTimer(_call, timer: Ptr<KTIMER>, due: i64, period_ms: u32, _delay: u32, object: Ptr<KDPC>) -> bool {
        set_ktimer(timer, due, period_ms, object)
    }
    /// Takes a timer out of the queue; TRUE when it was there.
    [Dispatch] fn KeCancelTimer(_call, timer: usize) -> bool {
        guest::require(timer, size_of::<KTIMER>(), true);
        cancel(timer as u64)
    }
    /// TRUE when the timer is signalled.
    [Dispatch] fn KeReadStateTimer(_call, timer: usize) -> bool { dispatcher::is_signalled(timer) }

    /// A timer object of the executive.
    [Dispatch] fn ExAllocateTimer(call, callback: u64, context: u64, _attributes: u32) -> usize {
        let Some(timer) = pool::system_object::<KTIMER>(true) else { return 0 };
        init_ktimer(timer.addr(), SynchronizationTimer);
        EX_TIMERS.lock().insert(timer.addr() as u64, [callback, context]);
        ledger::add(Kind::Timer, timer.addr() as u64, 0, Scope::Driver, call.rip);
        timer.addr()
    }
    /// Sets it; due time and period in 100 ns units.
    [Dispatch] fn ExSetTimer(call, timer: usize, due: i64, period: i64, _parameters: usize) -> bool {
        let key = timer as u64;
        if !ledger::expect("K-06", Kind::Timer, key, call.name()) {
            return false;
        }
        let [callback, context] = EX_TIMERS.lock().get(&key).copied().unwrap_or_default();
        dispatcher::signal(timer, 0);
        let expired: Expired = Arc::new(move || {
            dispatcher::signal(timer, 1);
            if callback != 0 {
                verify::call_on(Handler::Timer, key, callback as usize, &[key, context]);
            }
        });
        set(key, dispatcher::deadline(due), period.max(0) as u64 * 100, expired)
    }
    /// Takes it out of the queue.
    [Dispatch] fn ExCancelTimer(call, timer: u64, _parameters: usize) -> bool {
        ledger::expect("K-06", Kind::Timer, timer, call.name());
        cancel(timer)
    }
    /// Deletes it.
    [Dispatch] fn ExDeleteTimer(call, timer: u64, cancel_it: bool, wait: bool, _parameters: usize) -> bool {
        if wait {
            call.require(Level::Apc, " with Wait TRUE");
        }
        if ledger::expect_remove("K-06", Kind::Timer, timer, call.name()).is_none() {
            return false;
        }
        verify::check("K-06", cancel_it || !is_armed(timer), || call.text("the timer is still set"));
        let was = cancel(timer);
        if wait {
            flush(timer);
        }
        EX_TIMERS.lock().remove(&timer);
        forget(timer);
        guest::Block::unmap(timer as usize);
        was
    }
}

/// Checks a timer's handle for the NDIS timer functions.
pub fn known(call: &Call, handle: u64) -> bool {
    ledger::expect("K-06", Kind::Timer, handle, call.name())
}
