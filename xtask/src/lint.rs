// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formatting, lints and documentation, with warnings as errors.

use std::process::Command;

use crate::{
    build,
    failure::Outcome,
    project::{run, run_cargo_patched},
    toolchain::{host_cargo, subcommand},
};

/// Packages that compile for this machine. The checked host does not: it has no operating system.
pub const HOST_PACKAGES: [&str; 4] = ["ndis", "ndis-e1000e", "vmhost-proto", "xtask"];

/// `-p` arguments of [`HOST_PACKAGES`].
pub fn host_packages() -> impl Iterator<Item = &'static str> {
    HOST_PACKAGES
        .into_iter()
        .flat_map(|package| ["-p", package])
}

/// rustfmt's opinion of the workspace and of the stand-in for wdk-build, which is outside it.
///
/// # Errors
/// A file is not formatted, or rustfmt is missing.
pub fn format() -> Outcome {
    for manifest in ["Cargo.toml", "cross/wdk-build/Cargo.toml"] {
        let mut fmt = subcommand(&host_cargo(), "fmt");
        fmt.args(["--all", "--check", "--manifest-path", manifest]);
        run(&mut fmt, &format!("the format check of {manifest}"))?;
    }
    Ok(())
}

/// clippy for this machine.
///
/// # Errors
/// A warning, or clippy is missing.
pub fn clippy_host() -> Outcome {
    let mut clippy = subcommand(&host_cargo(), "clippy");
    clippy
        .args(["--locked", "--all-targets"])
        .args(host_packages());
    deny_warnings(&mut clippy);
    run(&mut clippy, "clippy for this machine")
}

/// clippy for the driver's target.
///
/// # Errors
/// A warning, or a missing tool.
pub fn clippy_driver() -> Outcome {
    let mut clippy = build::driver_cargo("clippy")?;
    // The release profile shares the generated bindings with the driver's build.
    clippy.args(["--release", "--lib"]);
    deny_warnings(&mut clippy);
    run_cargo_patched(&mut clippy, "clippy for the driver")
}

/// clippy for the checked host.
///
/// # Errors
/// A warning, or a missing tool.
pub fn clippy_vmhost() -> Outcome {
    let mut clippy = build::vmhost_cargo("clippy")?;
    clippy.arg("--release");
    deny_warnings(&mut clippy);
    run(&mut clippy, "clippy for the checked host")
}

/// Documentation of what compiles for this machine.
///
/// # Errors
/// A warning.
pub fn doc() -> Outcome {
    let mut doc = Command::new(host_cargo());
    doc.args(["doc", "--locked", "--no-deps"])
        .args(host_packages())
        .env("RUSTDOCFLAGS", "-D warnings");
    run(&mut doc, "building the documentation")
}

fn deny_warnings(clippy: &mut Command) {
    clippy.args(["--", "-D", "warnings"]);
}
