// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checked host: a bare-metal machine that plays the Windows kernel and NDIS for one miniport.
//!
//! `machine` is the computer (CPUs, IRQL, interrupts, memory), `pe` the image loader; `verify`,
//! `ledger`, `guest` and `exports` are the kernel as a driver sees it, under observation; `ndis`,
//! `protocol` and `scenario` drive the miniport.
#![cfg_attr(any(target_os = "none", clippy), no_std)]
#![cfg_attr(any(target_os = "none", clippy), no_main)]

#[cfg(any(target_os = "none", clippy))]
extern crate alloc;

#[cfg(any(target_os = "none", clippy))]
mod exports;
#[cfg(any(target_os = "none", clippy))]
mod guest;
#[cfg(any(target_os = "none", clippy))]
mod ledger;
#[cfg(any(target_os = "none", clippy))]
mod machine;
#[cfg(any(target_os = "none", clippy))]
mod ndis;
#[cfg(any(target_os = "none", clippy))]
mod pe;
#[cfg(any(target_os = "none", clippy))]
mod protocol;
#[cfg(any(target_os = "none", clippy))]
mod registry;
#[cfg(any(target_os = "none", clippy))]
mod scenario;
#[cfg(any(target_os = "none", clippy))]
mod verify;

#[cfg(any(target_os = "none", clippy))]
use alloc::{format, string::String, vec::Vec};

#[cfg(any(target_os = "none", clippy))]
use machine::{exit, fwcfg};
#[cfg(any(target_os = "none", clippy))]
use vmhost_proto::{FW_CFG_CONFIG, FW_CFG_DRIVER, HostConfig, Record, Report};

#[cfg(any(target_os = "none", clippy))]
/// The first thread: CPU 0, PASSIVE, a big stack. Ends the run.
fn host_main() {
    let config = match config() {
        Ok(config) => config,
        Err(why) => fatal(why),
    };
    if !vmhost_proto::has_driver(&config.scenario) {
        check_itself(config.seed);
    }
    let Some(driver) = fwcfg::read_file(FW_CFG_DRIVER) else {
        fatal(format!("QEMU was given no fw_cfg file {FW_CFG_DRIVER}"));
    };
    scenario::main(config, driver);
}

#[cfg(any(target_os = "none", clippy))]
/// The scenario that tests the machine layer alone: its report has the number of checks, and nothing of a driver.
fn check_itself(seed: u64) -> ! {
    let (passed, failed) = machine::selftest::run();
    let mut report = Report {
        result: String::from(if failed == 0 { "ok" } else { "failed" }),
        seed,
        ..Report::default()
    };
    if failed != 0 {
        report.reason = format!("{failed} checks of the host itself failed");
    }
    report.verifier.checks = u64::from(passed) + u64::from(failed);
    machine::console::record(&Record::Report(report));
    exit::exit(u32::from(failed != 0))
}

#[cfg(any(target_os = "none", clippy))]
fn config() -> Result<HostConfig, String> {
    let text: Vec<u8> = fwcfg::read_file(FW_CFG_CONFIG)
        .ok_or_else(|| format!("QEMU was given no fw_cfg file {FW_CFG_CONFIG}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{FW_CFG_CONFIG}: {error}"))
}

#[cfg(any(target_os = "none", clippy))]
/// Ends the run for a reason that is not the driver's.
fn fatal(what: String) -> ! {
    machine::console::record(&Record::Fatal { what });
    exit::exit(2)
}

/// On any other system the package is only built for the tests of its pure parts.
#[cfg(not(any(target_os = "none", clippy)))]
fn main() {
    eprintln!("vmhost runs on a bare machine: build it for x86_64-unknown-none");
    std::process::exit(2);
}
