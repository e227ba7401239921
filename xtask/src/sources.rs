// SPDX-License-Identifier: MIT OR Apache-2.0
//! What no compiler lint says: by the text of every source file and manifest of the project.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Failure, Outcome},
    project::root,
};

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
const FOREIGN: [(&str, Foreign); 3] = [
    ("crates/ndis/src", Foreign::Any),
    ("vmhost", Foreign::OwnOnly),
    // QEMU's plugin interface is C.
    ("bench/plugin", Foreign::OwnOnly),
];

/// Lints that a package has, and that no source file takes back: every `unsafe` block does one thing and has its SAFETY
/// line, and there is no unsafe operation outside such a block.
const UNSAFE_LINTS: [(&str, &str); 3] = [
    ("rust", "unsafe_op_in_unsafe_fn"),
    ("clippy", "undocumented_unsafe_blocks"),
    ("clippy", "multiple_unsafe_ops_per_block"),
];

/// What drivers may take from Microsoft's crates. The build without Windows makes the bindings of these crates from open
/// headers: a name that only those have would be found on Windows alone.
const OF_WDK: [&str; 4] = [
    "wdk::println",
    "wdk_alloc::WdkAllocator",
    "wdk_build::configure_wdk_binary_build",
    // Which names of it, the crate's own test says.
    "ndis::assert_same_layouts!(wdk_sys)",
];

/// Looks at all of them.
///
/// # Errors
/// A line that does not hold, or a file that cannot be read.
pub fn check() -> Outcome {
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
    let of_wdk = if allowed == Foreign::OwnOnly {
        Vec::new()
    } else {
        names_of_wdk(text)
    };
    foreign.chain(taken_back).chain(of_wdk).collect()
}

/// The lines that take something of Microsoft's crates that is not on the list.
fn names_of_wdk(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let mut code = code.to_owned();
        for known in OF_WDK {
            code = code.replace(known, "");
        }
        let named = [
            "wdk::",
            "wdk_sys",
            "wdk_alloc::",
            "wdk_panic::",
            "wdk_build::",
        ];
        if let Some(name) = named.iter().find(|name| code.contains(**name))
            // A text, as in a message or this list, takes nothing.
            && !code.contains('"')
        {
            found.push(format!(
                "{}: a name of {} that is not known to be in the real WDK's bindings",
                number + 1,
                name.trim_end_matches(':')
            ));
        }
    }
    found
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
    fn names_of_microsofts_crates_are_seen() {
        let lines = |text: &str| names_of_wdk(text).len();
        assert_eq!(lines("wdk::println!(1);"), 0);
        assert_eq!(lines("ndis::assert_same_layouts!(wdk_sys);"), 0);
        assert_eq!(lines("use wdk_panic as _;"), 0);
        assert_eq!(lines("let _ = wdk_sys::ntddk::ExAllocatePool2;"), 1);
        assert_eq!(lines("use wdk_sys::*;"), 1);
        assert_eq!(lines("wdk::paged_code!();"), 1);
        assert_eq!(lines("// wdk::paged_code!();"), 0);
    }

    #[test]
    fn this_tree_has_none() {
        assert_eq!(check(), Ok(()));
    }
}
