// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formatting, lints and documentation, with warnings as errors.

use std::process::Command;

use crate::{
    build::{self, DRIVER, EXAMPLE, PACKAGES},
    failure::Outcome,
    project::{run, run_cargo_patched, target},
    toolchain::{host_cargo, subcommand},
};

/// Packages that compile for this machine. The checked host does not: it has no operating system.
pub const HOST_PACKAGES: [&str; 6] = [
    "driver-meter",
    "ndis",
    "ndis-e1000e",
    "vmhost-proto",
    "vmhost-wire",
    "xtask",
];

/// `-p` arguments of [`HOST_PACKAGES`].
pub fn host_packages() -> impl Iterator<Item = &'static str> {
    HOST_PACKAGES
        .into_iter()
        .flat_map(|package| ["-p", package])
}

/// rustfmt's opinion of the workspace and of the packages outside it.
///
/// # Errors
/// A file is not formatted, or rustfmt is missing.
pub fn format() -> Outcome {
    let others = PACKAGES.iter().map(|package| package.file("Cargo.toml"));
    for manifest in others.chain([
        "cross/wdk-build/Cargo.toml".into(),
        "fuzz/Cargo.toml".into(),
    ]) {
        let mut fmt = subcommand(&host_cargo(), "fmt");
        fmt.args(["--all", "--check", "--manifest-path"])
            .arg(&manifest);
        run(
            &mut fmt,
            &format!("the format check of {}", manifest.display()),
        )?;
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
        .args(["--locked", "--all-targets", "--features", "ndis/raw"])
        .args(host_packages());
    deny_warnings(&mut clippy);
    run(&mut clippy, "clippy for this machine")
}

/// clippy for the driver, the example and the planted faults, on their target.
///
/// # Errors
/// A warning, or a missing tool.
pub fn clippy_driver() -> Outcome {
    for package in &PACKAGES {
        let mut clippy = build::image_cargo("clippy", package)?;
        // The release profile shares the generated bindings with the driver's build.
        clippy.args(["--release", "--lib"]);
        deny_warnings(&mut clippy);
        run_cargo_patched(&mut clippy, &format!("clippy for {}", package.library))?;
    }
    Ok(())
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

/// Documentation of what compiles for this machine. That of the drivers is for those who work on them: private items
/// are in it.
///
/// # Errors
/// A warning.
pub fn doc() -> Outcome {
    let mut libraries = documentation();
    for package in HOST_PACKAGES {
        if package != DRIVER.package {
            libraries.args(["-p", package]);
        }
    }
    run(&mut libraries, "building the documentation")?;
    for driver in [DRIVER, EXAMPLE] {
        let mut doc = documentation();
        doc.arg("--document-private-items")
            .args(["-p", driver.package, "--manifest-path"])
            .arg(driver.file("Cargo.toml"))
            .env(
                "RUSTDOCFLAGS",
                "-D warnings -A rustdoc::private_intra_doc_links",
            );
        run(
            &mut doc,
            &format!("building the documentation of {}", driver.library),
        )?;
    }
    Ok(())
}

/// `cargo doc` into the one target directory.
fn documentation() -> Command {
    let mut doc = Command::new(host_cargo());
    doc.args(["doc", "--locked", "--no-deps", "--target-dir"])
        .arg(target())
        .env("RUSTDOCFLAGS", "-D warnings");
    doc
}

fn deny_warnings(clippy: &mut Command) {
    clippy.args(["--", "-D", "warnings"]);
}
