// SPDX-License-Identifier: MIT OR Apache-2.0
//! Build script of the driver.
//!
//! For a Windows target it lets wdk-build choose the linker settings of a WDM driver, adds what an
//! NDIS miniport needs on top of them, and (on a Windows host) the version resource. For any other
//! target, which is how the host tests are built, it does nothing.

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
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

/// Linker settings of the `.sys`.
#[cfg(any(windows, feature = "cross"))]
fn windows() -> Result<(), String> {
    wdk_build::configure_wdk_binary_build().map_err(|error| error.to_string())?;
    // wdk-build says /DRIVER; the WDM flag in the image is what Driver Verifier and the kernel look at.
    println!("cargo::rustc-cdylib-link-arg=/DRIVER:WDM");
    // A header checksum, which the loader compares for kernel images that have one.
    println!("cargo::rustc-cdylib-link-arg=/RELEASE");
    println!("cargo::rustc-cdylib-link-arg=ndis.lib");
    resource()
}

#[cfg(not(any(windows, feature = "cross")))]
fn windows() -> Result<(), String> {
    Err("a Linux host builds the driver with `./dev build`, which replaces wdk-build".to_owned())
}

/// Version resource: what the file's Details page in Windows shows.
#[cfg(windows)]
fn resource() -> Result<(), String> {
    let mut resource = winresource::WindowsResource::new();
    resource
        .set("FileDescription", env!("CARGO_PKG_DESCRIPTION"))
        .set("ProductName", "ndis-e1000e")
        .set("OriginalFilename", "ndis_e1000e.sys")
        .set("InternalName", "ndis_e1000e.sys")
        .set("LegalCopyright", "MIT OR Apache-2.0")
        // VFT_DRV and VFT2_DRV_NETWORK of winver.h.
        .set_version_info(winresource::VersionInfo::FILETYPE, 3);
    resource.compile().map_err(|error| error.to_string())
}

/// Only a Windows host has the resource compiler.
#[cfg(all(not(windows), feature = "cross"))]
fn resource() -> Result<(), String> {
    Ok(())
}
