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

/// Where functions of a foreign ABI may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Foreign {
    /// The crate `ndis`: its trampolines, its imports and its macro for `DriverEntry` are all that a driver needs.
    Any,
    /// The checked host: the doors between its own code, assembler and the driver, but nothing that looks like a driver's
    /// `extern "system"`.
    OwnOnly,
    /// Everything else.
    None,
}

/// What a folder below the root may have; what is not listed may have nothing.
const FOREIGN: [(&str, Foreign); 2] = [
    ("crates/ndis/src", Foreign::Any),
    ("vmhost", Foreign::OwnOnly),
];

/// Lints that a package has, and that no source file takes back: every `unsafe` block does one thing and has its SAFETY
/// line, and there is no unsafe operation outside such a block.
const UNSAFE_LINTS: [(&str, &str); 3] = [
    ("rust", "unsafe_op_in_unsafe_fn"),
    ("clippy", "undocumented_unsafe_blocks"),
    ("clippy", "multiple_unsafe_ops_per_block"),
];

/// What clippy has no lint for: by the text of every source file and manifest of the project.
///
/// # Errors
/// A line that does not hold, or a file that cannot be read.
pub fn sources() -> Outcome {
    let mut found = Vec::new();
    let (mut sources, mut manifests) = (0, 0);
    let root = root();
    for path in files(&root)? {
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
        let shown = path.strip_prefix(&root).unwrap_or(&path);
        let lines = if path.ends_with("Cargo.toml") {
            manifests += 1;
            missing_lints(&text)
        } else {
            sources += 1;
            wrong_lines(&text, allowed(shown))
        };
        found.extend(
            lines
                .into_iter()
                .map(|line| format!("{}:{line}", shown.display())),
        );
    }
    for line in &found {
        println!("lint: {line}");
    }
    println!("lint: {sources} source files and {manifests} manifests looked at");
    match found.first() {
        None if sources == 0 || manifests == 0 => Err(Failure::check("no file was looked at")),
        None => Ok(()),
        Some(first) => Err(Failure::check(first.clone())),
    }
}

fn allowed(path: &Path) -> Foreign {
    FOREIGN
        .iter()
        .find(|(folder, _)| path.starts_with(folder))
        .map_or(Foreign::None, |(_, allowed)| *allowed)
}

/// What is wrong with a source file: the line's number, and why.
fn wrong_lines(text: &str, allowed: Foreign) -> Vec<String> {
    let foreign = foreign_functions(text)
        .into_iter()
        .filter(|(_, system)| match allowed {
            Foreign::Any => false,
            Foreign::OwnOnly => *system,
            Foreign::None => true,
        })
        .map(|(line, _)| {
            format!(
                "{line}: a function of a foreign ABI; only crates/ndis and DriverEntry may have one"
            )
        });
    let taken_back = text
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            UNSAFE_LINTS.iter().any(|(_, lint)| {
                line.contains(lint)
                    && ["allow(", "warn(", "expect("]
                        .iter()
                        .any(|w| line.contains(w))
            })
        })
        .map(|(n, _)| format!("{}: a lint about unsafe code is taken back", n + 1));
    foreign.chain(taken_back).collect()
}

/// Lints about unsafe code that the package of a manifest does not have.
fn missing_lints(text: &str) -> Vec<String> {
    let Ok(manifest) = text.parse::<toml::Table>() else {
        return vec!["1: not TOML".to_owned()];
    };
    if !manifest.contains_key("package") {
        return Vec::new();
    }
    let lints = manifest.get("lints");
    let level = |group: &str, lint: &str| {
        let value = lints?.get(group)?.get(lint)?;
        value.as_str().or_else(|| value.get("level")?.as_str())
    };
    let of_workspace = lints.and_then(|lints| lints.get("workspace")) == Some(&true.into());
    if of_workspace || level("rust", "unsafe_code") == Some("forbid") {
        return Vec::new();
    }
    UNSAFE_LINTS
        .iter()
        .filter(|(group, lint)| !matches!(level(group, lint), Some("deny" | "forbid")))
        .map(|(group, lint)| format!("1: no lint {group}::{lint}"))
        .collect()
}

/// The `.rs` files and manifests below a directory, but for those that cargo or git made.
fn files(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).map_err(|error| Failure::file(directory, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| Failure::file(directory, &error))?
            .path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && !path.is_symlink() {
            if name != "target" && name != ".git" {
                found.extend(files(&path)?);
            }
        } else if name == "Cargo.toml" || path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The lines with an ABI in code, `extern "..."` or `extern fn`, but `DriverEntry`'s: the number, and whether the ABI is
/// "system".
fn foreign_functions(text: &str) -> Vec<(usize, bool)> {
    let mut found = Vec::new();
    let mut exports_entry = false;
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if code.contains("\"DriverEntry\"") {
            exports_entry = true;
        }
        let words: Vec<&str> = code.split_whitespace().collect();
        let foreign = words.windows(2).find(|pair| {
            let function = pair[1] == "fn" || pair[1].starts_with("fn(");
            pair[0].ends_with("extern") && (pair[1].starts_with('"') || function)
        });
        if let Some(pair) = foreign
            && !std::mem::take(&mut exports_entry)
        {
            found.push((number + 1, pair[1].starts_with("\"system\"")));
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

    // In two pieces, so that this file itself holds.
    const EXTERN: &str = concat!("ext", "ern");

    #[test]
    fn foreign_functions_are_seen() {
        let text = format!(
            "unsafe {EXTERN} \"system\" fn isr() {{}}\n\
             {EXTERN} crate alloc;\n\
             // {EXTERN} \"system\" in a comment\n\
             type Old = {EXTERN} fn();\n\
             #[unsafe(export_name = \"DriverEntry\")]\n\
             pub unsafe {EXTERN} \"system\" fn entry() {{}}\n\
             pub unsafe {EXTERN} \"C\" fn another() {{}}\n"
        );
        assert_eq!(
            foreign_functions(&text),
            [(1, true), (4, false), (7, false)]
        );
        let wrong = |allowed| wrong_lines(&text, allowed).len();
        assert_eq!(
            (
                wrong(Foreign::None),
                wrong(Foreign::OwnOnly),
                wrong(Foreign::Any)
            ),
            (3, 1, 0)
        );
    }

    #[test]
    fn only_two_folders_may_have_any() {
        assert!(allowed(Path::new("crates/ndis/src/raw.rs")) == Foreign::Any);
        assert!(allowed(Path::new("vmhost/src/main.rs")) == Foreign::OwnOnly);
        for path in [
            "src/lib.rs",
            "build.rs",
            "crates/ndis/tests/layouts.rs",
            "tests/planted/src/fault.rs",
            "vmhost2/x.rs",
        ] {
            assert!(allowed(Path::new(path)) == Foreign::None, "{path}");
        }
    }

    #[test]
    fn lints_that_are_missing_or_taken_back_are_seen() {
        let lines = |text: &str| missing_lints(text).len();
        assert_eq!(lines("[workspace]"), 0);
        assert_eq!(lines("[package]\n[lints]\nworkspace = true"), 0);
        assert_eq!(
            lines("[package]\n[lints.rust]\nunsafe_code = \"forbid\""),
            0
        );
        assert_eq!(lines("[package]"), 3);
        assert_eq!(
            lines("[package]\n[lints.rust]\nunsafe_op_in_unsafe_fn = \"allow\""),
            3
        );
        assert_eq!(
            lines("[package]\n[lints.clippy]\nundocumented_unsafe_blocks = { level = \"deny\" }"),
            2
        );
        assert_eq!(lines("[package"), 1);
        let lint = UNSAFE_LINTS[1].1;
        assert_eq!(
            wrong_lines(&format!("#![allow(clippy::{lint})]"), Foreign::Any).len(),
            1
        );
        assert_eq!(
            wrong_lines(&format!("#![deny(clippy::{lint})]"), Foreign::Any).len(),
            0
        );
    }

    #[test]
    fn this_tree_has_none() {
        assert_eq!(sources(), Ok(()));
    }
}
