// SPDX-License-Identifier: MIT OR Apache-2.0
//! Time and timers.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, Ordering};

use super::{
    super::{cpu, irql, lock::IrqSpin, thread, time},
    Checks,
};

const MS: u64 = 1_000_000;

pub fn run(checks: &mut Checks) {
    let start = time::now_ns();
    time::stall_us(2000);
    let stalled = time::now_ns() - start;
    checks.that(
        "stall_us(2000) takes 2 ms or a little more",
        (2 * MS..200 * MS).contains(&stalled),
    );
    // 2020-01-01 and 2200-01-01 in 100 ns units since 1601.
    let system = time::system_time_100ns();
    checks.that(
        "the calendar is in this century or the next",
        (132_223_104_000_000_000..189_000_000_000_000_000).contains(&system),
    );
    order(checks);
    cancelling(checks);
    held_off(checks);
}

fn order(checks: &mut Checks) {
    // On a busy machine the first deadline may be past before the last timer is set: then again,
    // with more time.
    for lead in [10 * MS, 50 * MS, 250 * MS] {
        if order_with(checks, lead) {
            return;
        }
    }
    checks.that("five timers can be set within 250 ms", false);
}

/// False: the time was too short to say anything.
fn order_with(checks: &mut Checks, lead: u64) -> bool {
    let fired = Arc::new(IrqSpin::new(Vec::new()));
    let base = time::now_ns() + lead;
    let delays = [4u64, 1, 3, 0, 2];
    for delay in delays {
        let mine = Arc::clone(&fired);
        let deadline = base + delay * MS;
        let target = delay as usize % 2 % cpu::count();
        time::call_at(
            deadline,
            target,
            Box::new(move || {
                let late = time::now_ns().checked_sub(deadline);
                mine.lock().push((delay, late, cpu::id(), irql::current()));
                thread::wake();
            }),
        );
    }
    let in_time = time::now_ns() < base;
    thread::wait_until(Some(base + 2000 * MS), &|| {
        fired.lock().len() == delays.len()
    });
    if !in_time {
        return false;
    }
    let got = fired.lock().clone();
    checks.equal("all timers fire", got.len(), delays.len());
    let in_order = (0..2).all(|on| {
        got.iter()
            .filter(|entry| entry.2 == on)
            .is_sorted_by_key(|entry| entry.0)
    });
    checks.that("on each CPU in the order of their deadlines", in_order);
    checks.that(
        "none early, none very late",
        got.iter()
            .all(|entry| entry.1.is_some_and(|late| late < 500 * MS)),
    );
    let placed = got
        .iter()
        .all(|entry| entry.2 == entry.0 as usize % 2 % cpu::count() && entry.3 == irql::DISPATCH);
    checks.that("on their CPU, at DISPATCH", placed);
    true
}

fn cancelling(checks: &mut Checks) {
    let ran = Arc::new(AtomicBool::new(false));
    for target in 0..cpu::count() {
        let mine = Arc::clone(&ran);
        let timer = time::call_at(
            time::now_ns() + 20 * MS,
            target,
            Box::new(move || mine.store(true, Ordering::SeqCst)),
        );
        checks.that("a pending timer can be cancelled", time::cancel(timer));
        checks.that("but only once", !time::cancel(timer));
    }
    thread::sleep_ns(25 * MS);
    checks.that(
        "a cancelled timer does not run",
        !ran.load(Ordering::SeqCst),
    );
    let mine = Arc::clone(&ran);
    let timer = time::call_at(
        time::now_ns(),
        0,
        Box::new(move || mine.store(true, Ordering::SeqCst)),
    );
    thread::wait_until(Some(time::now_ns() + 500 * MS), &|| {
        ran.load(Ordering::SeqCst)
    });
    checks.that(
        "a deadline in the past runs at once",
        ran.load(Ordering::SeqCst),
    );
    checks.that("a timer that ran cannot be cancelled", !time::cancel(timer));
}

fn held_off(checks: &mut Checks) {
    let ran = Arc::new(AtomicBool::new(false));
    let mine = Arc::clone(&ran);
    irql::raise(irql::DISPATCH);
    time::call_at(
        time::now_ns() + MS,
        cpu::id(),
        Box::new(move || mine.store(true, Ordering::SeqCst)),
    );
    let patience = time::now_ns() + 1000 * MS;
    while !cpu::this().dpc_requested.load(Ordering::SeqCst) && time::now_ns() < patience {
        time::stall_us(100);
    }
    time::stall_us(100);
    checks.that(
        "a due timer waits while IRQL is DISPATCH",
        !ran.load(Ordering::SeqCst),
    );
    irql::lower(irql::PASSIVE);
    checks.that("and runs when it drops", ran.load(Ordering::SeqCst));
}
