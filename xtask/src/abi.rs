// SPDX-License-Identifier: MIT OR Apache-2.0
//! `cargo make abi-check`: compares the tables of structures and constants that the crate `ndis` is tested against with
//! the headers of an installed WDK.
//!
//! The tables become a C file of static assertions, one a line, which clang compiles against the headers. Bit-fields
//! have no offset in C: each becomes a variable in which that field alone is set, and its bits are looked for in the
//! object file.

mod headers;
mod object_file;
mod source;

use std::{fs, path::Path, process::Command};

use crate::{
    failure::{Failure, Outcome},
    project::{root, say},
    toolchain,
};

use headers::Headers;
use source::Source;

/// Structures.
const LAYOUTS: &str = "crates/ndis/facts/layouts.toml";
/// Constants.
const CONSTANTS: &str = "crates/ndis/facts/constants.toml";
/// Lines of differences that are shown.
const SHOWN: usize = 100;

/// Compares the tables with the WDK that `WDKContentRoot` names.
///
/// # Errors
/// A difference (status 1); no WDK or no clang (status 2).
pub fn check() -> Outcome {
    let headers = Headers::find()?;
    let clang = toolchain::llvm(&format!("clang{}", std::env::consts::EXE_SUFFIX), "clang")?;
    say(&format!("comparing with {}", headers.shown()));
    let source = Source::new(&table(LAYOUTS)?, &table(CONSTANTS)?).map_err(Failure::input)?;
    let lines = differences(&clang, &headers, &source)?;
    for line in lines.iter().take(SHOWN) {
        println!("abi: {line}");
    }
    println!(
        "{} structures, {} fields and {} constants compared, {} differences",
        source.structures,
        source.fields,
        source.constants,
        lines.len()
    );
    match lines.first() {
        None => Ok(()),
        Some(first) => Err(Failure::check(format!(
            "{} differences from {}, first {first}",
            lines.len(),
            headers.shown()
        ))),
    }
}

fn table(path: &str) -> Outcome<toml::Table> {
    let path = root().join(path);
    let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    text.parse()
        .map_err(|error| Failure::input(format!("{}: {error}", path.display())))
}

/// Compiles the source and reads what came of it.
fn differences(clang: &Path, headers: &Headers, source: &Source) -> Outcome<Vec<String>> {
    let folder = tempfile::Builder::new()
        .prefix("ndis-e1000e-abi-")
        .tempdir()
        .map_err(|error| Failure::input(format!("no temporary folder: {error}")))?;
    let file = folder.path().join("abi.c");
    fs::write(&file, source.text()).map_err(|error| Failure::file(&file, &error))?;
    let compiled = folder.path().join("abi.obj");
    let mut command = Command::new(clang);
    command
        .args(["--target=x86_64-pc-windows-msvc", "-std=c11", "-c", "-w"])
        .args(["-fms-extensions", "-fms-compatibility", "-ferror-limit=0"])
        .args(["-fno-caret-diagnostics", "-D_AMD64_", "-DAMD64", "-D_WIN64"])
        .args(headers.arguments(folder.path())?)
        .arg(&file)
        .arg("-o")
        .arg(&compiled);
    let output = command
        .output()
        .map_err(|error| Failure::file(clang, &error))?;
    let messages = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        let bytes = fs::read(&compiled).map_err(|error| Failure::file(&compiled, &error))?;
        return object_file::differences(&bytes, source).map_err(Failure::input);
    }
    let found = source.failed(&messages);
    if found.is_empty() {
        // Not about the tables: a header that is missing, say.
        let first = messages.lines().find(|line| line.contains("error"));
        return Err(Failure::input(format!(
            "clang: {}",
            first.unwrap_or("it failed without a word")
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
