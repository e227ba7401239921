// SPDX-License-Identifier: MIT OR Apache-2.0
//! Formatting, lints and documentation, with warnings as errors.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    build::{self, DRIVER, EXAMPLE, PACKAGES},
    failure::{Failure, Outcome},
    project::{root, run, run_cargo_patched, target},
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

/// rustfmt's opinion of the workspace and of the packages outside it.
///
/// # Errors
/// A file is not formatted, or rustfmt is missing.
pub fn format() -> Outcome {
    let others = PACKAGES.iter().map(|package| package.file("Cargo.toml"));
    for manifest in others.chain(["cross/wdk-build/Cargo.toml".into()]) {
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
        .args(["--locked", "--all-targets"])
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

/// Directories in which `extern "system"` stands nowhere: the trampolines of the crate `ndis`, and
/// its macro for `DriverEntry`, are all that a driver needs.
const SAFE_ONLY: [&str; 2] = ["src", "examples"];

/// What clippy has no lint for, by the text of the sources.
///
/// # Errors
/// A line that does not hold, or a file that cannot be read.
pub fn sources() -> Outcome {
    let mut found = Vec::new();
    let mut files = 0;
    for directory in SAFE_ONLY {
        for path in rust_files(&root().join(directory))? {
            let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
            files += 1;
            let shown = path.strip_prefix(root()).unwrap_or(&path).display();
            found.extend(
                foreign_functions(&text)
                    .into_iter()
                    .map(|line| format!("{shown}:{line}: a function of a foreign ABI")),
            );
        }
    }
    for line in &found {
        println!("lint: {line}");
    }
    match found.first() {
        None if files == 0 => Err(Failure::check("no source file was looked at")),
        None => Ok(()),
        Some(first) => Err(Failure::check(format!(
            "{first}; only crates/ndis and DriverEntry may have one"
        ))),
    }
}

/// The `.rs` files below a directory, but for those that cargo made.
fn rust_files(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).map_err(|error| Failure::file(directory, &error))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| Failure::file(directory, &error))?
            .path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                files.extend(rust_files(&path)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Numbers of the lines with an ABI in code: `extern "..."`, or `extern fn`, but `DriverEntry`'s.
fn foreign_functions(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut exports_entry = false;
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if code.contains("\"DriverEntry\"") {
            exports_entry = true;
        }
        let words: Vec<&str> = code.split_whitespace().collect();
        let foreign = words.windows(2).any(|pair| {
            pair[0].ends_with("extern") && (pair[1].starts_with('"') || pair[1] == "fn")
        });
        if foreign && !std::mem::take(&mut exports_entry) {
            found.push(number + 1);
        }
    }
    found
}

fn deny_warnings(clippy: &mut Command) {
    clippy.args(["--", "-D", "warnings"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_functions_are_seen() {
        let text = "unsafe extern \"system\" fn isr() {}\n\
                    extern crate alloc;\n\
                    // extern \"system\" in a comment\n\
                    type Old = extern fn();\n\
                    #[unsafe(export_name = \"DriverEntry\")]\n\
                    pub unsafe extern \"system\" fn entry() {}\n\
                    pub unsafe extern \"C\" fn another() {}\n";
        assert_eq!(foreign_functions(text), [1, 7]);
        assert_eq!(foreign_functions("extern fn old() {}"), [1]);
    }

    #[test]
    fn this_tree_has_none() {
        assert_eq!(sources(), Ok(()));
    }
}
