// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checked host: a bare-metal machine that plays the Windows kernel and NDIS for one miniport.
//!
//! `machine` is the computer (CPUs, IRQL, interrupts, memory), `pe` the image loader; `verify`,
//! `ledger`, `guest` and `exports` are the kernel as a driver sees it, under observation; `ndis`,
//! `protocol` and `scenario` drive the miniport.
#![no_std]
#![no_main]

extern crate alloc;

mod exports;
mod guest;
mod ledger;
mod machine;
mod ndis;
mod pe;
mod protocol;
mod registry;
mod scenario;
mod verify;

use alloc::{format, string::String, vec::Vec};

use machine::{exit, fwcfg};
use vmhost_proto::{FW_CFG_CONFIG, FW_CFG_DRIVER, HostConfig, Record};

/// The scenario that tests the machine layer alone and needs no driver.
const SELFTEST: &str = "selftest";

/// The first thread: CPU 0, PASSIVE, a big stack. Ends the run.
fn host_main() {
    let config = match config() {
        Ok(config) => config,
        Err(why) => fatal(why),
    };
    if config.scenario == SELFTEST {
        exit::exit(machine::selftest::run());
    }
    let Some(driver) = fwcfg::read_file(FW_CFG_DRIVER) else {
        fatal(format!("QEMU was given no fw_cfg file {FW_CFG_DRIVER}"));
    };
    scenario::main(config, driver);
}

fn config() -> Result<HostConfig, String> {
    let text: Vec<u8> =
        fwcfg::read_file(FW_CFG_CONFIG).ok_or_else(|| format!("QEMU was given no fw_cfg file {FW_CFG_CONFIG}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{FW_CFG_CONFIG}: {error}"))
}

/// Ends the run for a reason that is not the driver's.
fn fatal(what: String) -> ! {
    machine::console::record(&Record::Fatal { what });
    exit::exit(2)
}
