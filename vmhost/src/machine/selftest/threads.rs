// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads: sleeping, waiting, waking, and what is a thread's own.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::{
    super::{cpu, dpc, lock::IrqSpin, thread, time, vspace},
    Checks,
};

const MS: u64 = 1_000_000;

pub fn run(checks: &mut Checks) {
    sleeping(checks);
    waiting(checks);
    turns(checks);
    own(checks);
}

fn sleeping(checks: &mut Checks) {
    let woke = Arc::new(IrqSpin::new(Vec::new()));
    for (index, sleep) in [60u64, 20, 40].into_iter().enumerate() {
        let mine = Arc::clone(&woke);
        thread::spawn(
            "sleeper",
            index % cpu::count(),
            Box::new(move || {
                let start = time::now_ns();
                thread::sleep_ns(sleep * MS);
                mine.lock().push((sleep, time::now_ns() - start, cpu::id()));
                thread::wake();
            }),
        );
    }
    thread::wait_until(Some(time::now_ns() + 2000 * MS), &|| woke.lock().len() == 3);
    let got = woke.lock().clone();
    let order: Vec<u64> = got.iter().map(|entry| entry.0).collect();
    checks.equal(
        "sleepers wake in the order of their times",
        order,
        Vec::from([20, 40, 60]),
    );
    let on_time = got
        .iter()
        .all(|(sleep, slept, _)| (sleep * MS..sleep * MS + 500 * MS).contains(slept));
    checks.that("not early, not very late", on_time);
}

fn waiting(checks: &mut Checks) {
    let flag = Arc::new(AtomicBool::new(false));
    let start = time::now_ns();
    let held = thread::wait_until(Some(start + 5 * MS), &|| flag.load(Ordering::SeqCst));
    checks.that(
        "a wait ends at its deadline and says so",
        !held && time::now_ns() - start >= 5 * MS,
    );
    let target = cpu::count() - 1;
    let mine = Arc::clone(&flag);
    thread::spawn(
        "setter",
        target,
        Box::new(move || {
            thread::sleep_ns(3 * MS);
            mine.store(true, Ordering::SeqCst);
            thread::wake();
        }),
    );
    let start = time::now_ns();
    let held = thread::wait_until(Some(start + 2000 * MS), &|| flag.load(Ordering::SeqCst));
    let waited = time::now_ns() - start;
    checks.that(
        "another CPU's thread ends a wait with wake",
        held && waited < 500 * MS,
    );
    flag.store(false, Ordering::SeqCst);
    let mine = Arc::clone(&flag);
    time::call_at(
        time::now_ns() + 3 * MS,
        cpu::id(),
        Box::new(move || mine.store(true, Ordering::SeqCst)),
    );
    let held = thread::wait_until(Some(time::now_ns() + 2000 * MS), &|| {
        flag.load(Ordering::SeqCst)
    });
    checks.that("a DPC of this CPU ends a wait by itself", held);
}

/// Two threads on each pair of CPUs hand a token to and fro: lost wake-ups would stop them.
fn turns(checks: &mut Checks) {
    const ROUNDS: usize = 500;
    let token = Arc::new(AtomicUsize::new(0));
    for side in 0..2 {
        let mine = Arc::clone(&token);
        thread::spawn(
            "player",
            side % cpu::count(),
            Box::new(move || {
                for round in 0..ROUNDS {
                    let turn = round * 2 + side;
                    thread::wait_until(None, &|| mine.load(Ordering::SeqCst) == turn);
                    mine.store(turn + 1, Ordering::SeqCst);
                    thread::wake();
                }
            }),
        );
    }
    let start = time::now_ns();
    thread::wait_until(Some(start + 10_000 * MS), &|| {
        token.load(Ordering::SeqCst) == ROUNDS * 2
    });
    let us = (time::now_ns() - start) / 1000 / (ROUNDS as u64 * 2);
    checks.equal(
        "a token passed 1000 times between threads is never lost",
        token.load(Ordering::SeqCst),
        ROUNDS * 2,
    );
    crate::log!("        {us} us each");
}

fn own(checks: &mut Checks) {
    cpu::set_context(7);
    let seen = Arc::new(AtomicU64::new(99));
    let done = Arc::new(AtomicBool::new(false));
    let (mine, my_done) = (Arc::clone(&seen), Arc::clone(&done));
    let in_dpc = Arc::new(AtomicU64::new(0));
    let dpc_seen = Arc::clone(&in_dpc);
    dpc::queue(
        cpu::id(),
        Box::new(move || dpc_seen.store(cpu::context(), Ordering::SeqCst)),
    );
    checks.equal(
        "a DPC sees the interrupted thread's context word",
        in_dpc.load(Ordering::SeqCst),
        7,
    );
    let main = thread::current();
    let stack = Arc::new(AtomicUsize::new(0));
    let my_stack = Arc::clone(&stack);
    thread::spawn(
        "other",
        cpu::id(),
        Box::new(move || {
            let (low, high) = thread::stack_bounds();
            my_stack.store(low, Ordering::SeqCst);
            let fits = thread::current() != main && high - low >= thread::KERNEL_STACK;
            mine.store(if fits { cpu::context() } else { 98 }, Ordering::SeqCst);
            cpu::set_context(8);
            thread::yield_now();
            let left = thread::stack_low_watermark();
            let sane = cpu::context() == 8 && left > 0 && left < high - low;
            my_done.store(sane, Ordering::SeqCst);
        }),
    );
    thread::yield_now();
    thread::yield_now();
    thread::yield_now();
    checks.equal(
        "a new thread has a stack of its own and an empty context word",
        seen.load(Ordering::SeqCst),
        0,
    );
    checks.that(
        "a thread's context word survives a switch",
        done.load(Ordering::SeqCst) && cpu::context() == 7,
    );
    cpu::set_context(0);
    let region = vspace::region_of(stack.load(Ordering::SeqCst));
    checks.that(
        "a finished thread's stack is retired",
        region.is_some_and(|region| !region.live),
    );
}
