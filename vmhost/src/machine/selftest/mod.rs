// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine layer proves itself in the guest, without a driver: scenario `selftest`.
//! Runs on the main thread (CPU 0, PASSIVE); prints a line for each check.

mod calls;
mod clocks;
mod image;
mod interrupts;
mod memory;
mod probe;
mod registers;
mod threads;

use core::fmt::Debug;

/// Counts checks and prints them.
#[derive(Default)]
struct Checks {
    passed: u32,
    failed: u32,
}

impl Checks {
    /// One check.
    fn that(&mut self, name: &str, holds: bool) {
        if holds {
            self.passed += 1;
            crate::log!("ok      {name}");
        } else {
            self.failed += 1;
            crate::log!("FAILED  {name}");
        }
    }

    /// One check by comparison.
    fn equal<T: PartialEq + Debug>(&mut self, name: &str, got: T, want: T) {
        let holds = got == want;
        self.that(name, holds);
        if !holds {
            crate::log!("        got {got:?}, want {want:?}");
        }
    }

    /// A text must contain a part.
    fn contains(&mut self, name: &str, text: &str, part: &str) {
        let holds = text.contains(part);
        self.that(name, holds);
        if !holds {
            crate::log!("        got \"{text}\", want \"…{part}…\"");
        }
    }
}

/// Runs all checks: how many held, and how many did not.
pub fn run() -> (u32, u32) {
    let mut checks = Checks::default();
    crate::log!("machine self-test on {} CPUs", super::cpu::count());
    interrupts::run(&mut checks);
    clocks::run(&mut checks);
    threads::run(&mut checks);
    memory::run(&mut checks);
    registers::run(&mut checks);
    calls::run(&mut checks);
    image::run(&mut checks);
    let ms = super::time::now_ns() / 1_000_000;
    crate::log!(
        "{} checks passed, {} failed, {ms} ms since start",
        checks.passed,
        checks.failed
    );
    (checks.passed, checks.failed)
}
