// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scenarios: what NDIS and a protocol do with the miniport from load to unload, and the report.
//!
//! Runs in a PASSIVE thread. [`finish`] and [`fatal`] end the run from anywhere.

mod basic;
mod bring_up;
mod cost;
mod datapath;
mod faults;
mod frames;
mod interrupts;
mod low_resources;
mod oids;
mod peer;
mod record;
mod removal;
mod report;
mod soak;
mod stall;
mod statistics;
mod tear_down;
mod traffic;

use crate::{
    exports::nt::{debug, worker},
    log,
    machine::{console, cpu, exit, lock::IrqSpin, time},
    ndis::{counters, dice::DICE, driver, logical},
    registry, verify,
};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use core::sync::atomic::{AtomicBool, Ordering};
use vmhost_proto::{HostConfig, Record};

/// The step that runs, for time limits.
static STEP: IrqSpin<String> = IrqSpin::new(String::new());
/// Somebody is ending the run.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Runs the scenario that `config` names against the driver image `sys`. Does not return.
pub fn main(config: HostConfig, sys: Vec<u8>) {
    DICE.reseed(config.seed);
    report::begin(&config);
    verify::set_finish(finish);
    faults::install();
    registry::init(&config);
    worker::start();
    crate::machine::mmio::set_observer(counters::observe);
    logical::init();
    driver::offer_version(config.ndis_minor);
    driver::set_description(&config.install.description);
    set_time_limit(config.time_limit_s);
    let outcome = match config.scenario.as_str() {
        "traffic" => traffic::run(&config, &sys),
        "basic" => basic::run(&config, &sys),
        "stall" => stall::run(&config, &sys),
        "cost" => cost::run(&config, &sys),
        "datapath" => datapath::run(&config, &sys),
        "removal" => removal::run(&config, &sys),
        "low-resources" => low_resources::run(&config, &sys),
        "soak" => soak::run(&config, &sys),
        name if interrupts::is_name(name) => interrupts::run(&config, &sys),
        other => fatal(&format!("no scenario is named {other:?}")),
    };
    match outcome {
        Ok(()) => finish(""),
        Err(reason) => finish(&reason),
    }
}

/// A step begins.
pub fn step(what: &str) {
    let text = what.to_owned();
    let old = core::mem::replace(&mut *STEP.lock(), text);
    drop(old);
    console::record(&Record::Step {
        what: what.to_owned(),
    });
}

/// Ends the run with the report: `ok` when `reason` is empty and nothing was found. Any IRQL.
pub fn finish(reason: &str) -> ! {
    if ENDING.swap(true, Ordering::AcqRel) {
        wait_for_the_end();
    }
    debug::flush();
    let report = report::make(reason);
    log!(
        "verdict: {}{}{}",
        report.result,
        if report.reason.is_empty() { "" } else { ": " },
        report.reason
    );
    console::record(&Record::Report(report));
    exit::exit(0)
}

/// Ends the run for a reason that is not the driver's breach of the contract. Any IRQL. When
/// there were breaches before, they are the result.
pub fn fatal(what: &str) -> ! {
    if verify::violations() != 0 {
        finish(what);
    }
    if ENDING.swap(true, Ordering::AcqRel) {
        wait_for_the_end();
    }
    debug::flush();
    log!("fatal: {what}");
    console::record(&Record::Fatal {
        what: what.to_owned(),
    });
    exit::exit(0)
}

/// `now`, unless there was a failure before, which is the one to tell.
fn log_or_err(now: Result<(), String>, before: &Result<(), String>) -> Result<(), String> {
    match (before, now) {
        (Err(_), Err(what)) => {
            log!("also: {what}");
            Ok(())
        }
        (_, now) => now,
    }
}

/// Another CPU is ending the run and stops this one.
fn wait_for_the_end() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Arms a timer on each CPU, so that one that hangs above DISPATCH does not hide it.
fn set_time_limit(seconds: u32) {
    for target in 0..cpu::count() {
        let deadline = time::now_ns() + u64::from(seconds) * 1_000_000_000;
        time::call_at(
            deadline,
            target,
            Box::new(move || {
                let step = STEP.lock().clone();
                let place = match verify::current() {
                    Some(_) => format!("; CPU {target} is in {}", verify::here()),
                    None => String::new(),
                };
                fatal(&format!(
                    "time limit of {seconds} s in step \"{step}\"{place}"
                ));
            }),
        );
    }
}
