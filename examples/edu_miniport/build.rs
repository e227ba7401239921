// SPDX-License-Identifier: MIT OR Apache-2.0
//! Linker settings of the `.sys`; nothing for any other target.

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=CARGO_CFG_TARGET_OS");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        return ExitCode::SUCCESS;
    }
    match windows() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(any(windows, feature = "cross"))]
fn windows() -> Result<(), String> {
    wdk_build::configure_wdk_binary_build().map_err(|error| error.to_string())?;
    println!("cargo::rustc-cdylib-link-arg=/DRIVER:WDM");
    println!("cargo::rustc-cdylib-link-arg=/RELEASE");
    println!("cargo::rustc-cdylib-link-arg=ndis.lib");
    Ok(())
}

#[cfg(not(any(windows, feature = "cross")))]
fn windows() -> Result<(), String> {
    Err("a host without Windows needs the feature `cross` and a stand-in for wdk-build".to_owned())
}
