// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verifier: counts every evaluation of a contract rule, records every breach with the
//! handler and the place in the image, and makes each call into the driver under a context
//! record (contract G-05). Any IRQL.

pub mod context;
pub mod cost;
pub mod lockgraph;
pub mod locks;
pub mod rules;

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use vmhost_proto::{Record, Verifier, Violation};

use crate::{
    log,
    machine::{call, console, cpu, irql, lock::IrqSpin, meter},
    pe,
};
pub use context::{Context, Handler, current, enter};

/// Breaches kept for the report; later ones are only counted.
const MAX_VIOLATIONS: usize = 200;

static CHECKS: AtomicU64 = AtomicU64::new(0);
static VIOLATIONS: IrqSpin<Vec<Violation>> = IrqSpin::new(Vec::new());
static ADVICE: IrqSpin<Vec<String>> = IrqSpin::new(Vec::new());
static STOPPING: AtomicBool = AtomicBool::new(false);
static FINISH: AtomicUsize = AtomicUsize::new(0);

/// Name, base and size of the loaded image, for `where`.
static IMAGE: IrqSpin<(String, u64, u64)> = IrqSpin::new((String::new(), 0, 0));

/// Tells the verifier where the image is; texts then say `image+offset`.
pub fn set_image(name: &str, base: u64, size: u64) {
    *IMAGE.lock() = (name.to_owned(), base, size);
    meter::set_owner(context::credit_instructions);
    meter::watch(base, size);
}

/// Base and size of the image; zeroes before it is loaded.
pub fn image_range() -> (u64, u64) {
    let image = IMAGE.lock();
    (image.1, image.2)
}

/// Whether an address is in the image. A jump in place of a call, as compilers make of a last call,
/// leaves none as the caller.
pub fn in_image(rip: u64) -> bool {
    let (base, size) = image_range();
    rip.wrapping_sub(base) < size
}

/// `image+0xoffset` for an address in the image, the bare address for any other.
pub fn place(rip: u64) -> String {
    let image = IMAGE.lock();
    if image.2 != 0 && rip.wrapping_sub(image.1) < image.2 {
        format!("{}+{:#x}", image.0, rip - image.1)
    } else {
        format!("{rip:#x}")
    }
}

/// Sets what ends the run: it writes the report and exits. [`stop`] calls it.
pub fn set_finish(finish: fn(reason: &str) -> !) {
    FINISH.store(finish as usize, Ordering::Release);
}

/// Where the driver is now: the handler it is in and, inside an import, the call's place.
pub fn here() -> String {
    match current() {
        None => String::from("host"),
        Some(context) => match context.import() {
            Some((name, rip)) if !in_image(rip) => format!("{} ({name})", context.handler),
            Some((name, rip)) => format!("{} at {} ({name})", context.handler, place(rip)),
            None => format!("{}", context.handler),
        },
    }
}

/// Evaluates a rule: counts it, and records a violation when `ok` is false. `what` says what was
/// seen. Returns `ok`. The rule must be in [`rules::RULES`].
pub fn check(rule: &'static str, ok: bool, what: impl FnOnce() -> String) -> bool {
    CHECKS.fetch_add(1, Ordering::Relaxed);
    rules::evaluated(rule);
    if !ok {
        record(rule, what(), here());
    }
    ok
}

/// Like [`check`], for what the host looks at after a handler has returned: the handler is to
/// blame. Inside a call into the driver, the place in that call is named instead.
pub fn check_of(
    handler: Handler,
    rule: &'static str,
    ok: bool,
    what: impl FnOnce() -> String,
) -> bool {
    CHECKS.fetch_add(1, Ordering::Relaxed);
    rules::evaluated(rule);
    if !ok {
        let at = current().map_or_else(|| format!("{handler}"), |_| here());
        record(rule, what(), at);
    }
    ok
}

/// Records a breach, once per rule and place.
pub fn violation(rule: &'static str, what: String) {
    CHECKS.fetch_add(1, Ordering::Relaxed);
    rules::evaluated(rule);
    record(rule, what, here());
}

/// Like [`violation`], for what the device did: `at` says who is to blame.
pub fn violation_at(rule: &'static str, what: String, at: String) {
    CHECKS.fetch_add(1, Ordering::Relaxed);
    rules::evaluated(rule);
    record(rule, what, at);
}

/// Something that is legal but that Windows' guidelines advise against: printed once, never a
/// reason to fail.
pub fn advise(rule: &'static str, what: String) {
    let text = format!("{rule}: {what} [{}]", here());
    let mut said = ADVICE.lock();
    if said.len() < MAX_VIOLATIONS && !said.contains(&text) {
        log!("advice {text}");
        said.push(text);
    }
}

fn record(rule: &'static str, what: String, at: String) {
    let violation = Violation {
        rule: rule.to_owned(),
        what,
        at,
    };
    {
        let mut list = VIOLATIONS.lock();
        if list.len() >= MAX_VIOLATIONS
            || list
                .iter()
                .any(|v| v.rule == violation.rule && v.at == violation.at)
        {
            return;
        }
        list.push(violation.clone());
    }
    log!(
        "VIOLATION {}: {} [{}] ({})",
        violation.rule,
        violation.what,
        violation.at,
        rules::text(rule).unwrap_or("")
    );
    console::record(&Record::Violation(violation));
}

/// Number of breaches recorded so far.
pub fn violations() -> usize {
    VIOLATIONS.lock().len()
}

/// The verdict for the report.
pub fn summary() -> Verifier {
    Verifier {
        rules: rules::armed(),
        checks: CHECKS.load(Ordering::Relaxed),
        violations: VIOLATIONS.lock().clone(),
    }
}

/// The contract is broken so that going on is senseless: records the breach and ends the run
/// with the report. Any IRQL.
pub fn stop(rule: &'static str, what: String) -> ! {
    let reason = format!("{rule}: {what}");
    violation(rule, what);
    end(&reason)
}

/// Like [`stop`], for what the host sees after a handler has returned: see [`check_of`].
pub fn stop_of(handler: Handler, rule: &'static str, what: String) -> ! {
    let reason = format!("{rule}: {what}");
    check_of(handler, rule, false, || what);
    end(&reason)
}

/// Ends the run through the function given to [`set_finish`]; a second CPU that gets here waits.
pub fn end(reason: &str) -> ! {
    if STOPPING.swap(true, Ordering::AcqRel) {
        // Another CPU is writing the report; it stops this one at the end. A stop inside the
        // report itself ends without one.
        if ENDING_CPU.load(Ordering::Acquire) == cpu::id() {
            crate::machine::exit::exit(1);
        }
        loop {
            core::hint::spin_loop();
        }
    }
    ENDING_CPU.store(cpu::id(), Ordering::Release);
    let finish = FINISH.load(Ordering::Acquire);
    if finish == 0 {
        log!("stopped: {reason}");
        crate::machine::exit::exit(1);
    }
    // SAFETY: `set_finish` stored exactly this function type.
    let finish = unsafe { core::mem::transmute::<usize, fn(&str) -> !>(finish) };
    finish(reason)
}

static ENDING_CPU: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Does what NDIS does with the results of a callback that has returned: what is found meanwhile is the callback's.
pub fn on_behalf_of<R>(handler: Handler, object: u64, work: impl FnOnce() -> R) -> R {
    let _record = enter(handler, object);
    work()
}

/// Calls a function of the driver under a context record and checks what it left behind:
/// registers, flags and IRQL (G-05; X-26 for ISRs) and driver locks still held.
/// At most 11 arguments. Returns RAX.
pub fn call(handler: Handler, function: usize, args: &[u64]) -> u64 {
    call_on(handler, 0, function, args)
}

/// Like [`call`], with the object (adapter, interrupt, request) that the context belongs to.
pub fn call_on(handler: Handler, object: u64, function: usize, args: &[u64]) -> u64 {
    call_with(handler, object, function, args, |_| ()).0
}

/// Like [`call_on`]; `after` sees the context record when the driver has returned (counters,
/// times) and its answer comes back too.
pub fn call_with<R>(
    handler: Handler,
    object: u64,
    function: usize,
    args: &[u64],
    after: impl FnOnce(&Context) -> R,
) -> (u64, R) {
    let guard = enter(handler, object);
    let before = guard.irql;
    if before >= irql::DISPATCH {
        check("V-02", !pe::is_pageable(function), || {
            format!("{handler} lies in a pageable section and is called at IRQL {before}")
        });
    }
    let outcome = call::call_driver(function, args);
    meter::settle();
    // A raised IRQL is most often that of a lock that is still held, so that is told first.
    locks::check_none_at_exit(&guard);
    let rule = if handler.is_isr() { "X-26" } else { "G-05" };
    check(rule, outcome.bad.is_none(), || {
        format!("{handler} has returned: {}", outcome.bad.unwrap_or(""))
    });
    check(rule, cpu::id() == guard.cpu, || {
        format!(
            "{handler} entered on CPU {}, returned on another",
            guard.cpu
        )
    });
    let now = irql::current();
    if !check(rule, now == before, || {
        format!("{handler} entered at IRQL {before}, returned at {now}")
    }) {
        // Go on at the level the host had, or everything after this would be blamed too.
        if now > before {
            irql::lower(before);
        } else {
            irql::raise(before);
        }
    }
    let answer = after(&guard);
    (outcome.ret, answer)
}
