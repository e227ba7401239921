// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PE gate: what must hold of the driver's image before it is run anywhere.
//!
//! Headers and sections are looked at as the Windows loader does ([`pe`]), imports are compared with
//! the project's allow-list ([`imports`]), and the machine code is followed from the handlers that
//! run above PASSIVE_LEVEL to prove that no panic can be reached from them ([`calls`]).

use std::{fs, path::Path};

use crate::{
    failure::{Failure, Outcome},
    project::root,
};

mod calls;
mod entries;
mod imports;
pub mod map;
mod pe;
#[cfg(test)]
mod sample;

/// What the handlers are called and where they are allowed to go.
const HOT_PATHS: &str = "xtask/data/hot-paths.toml";
/// What the driver may import.
const IMPORTS: &str = "xtask/data/imports.toml";

/// One check: its name, and what was found or what is wrong.
pub struct Check {
    /// Short name, the same in every run.
    pub name: &'static str,
    /// A remark, or the reasons why it does not hold.
    pub verdict: Result<String, Vec<String>>,
}

impl Check {
    /// A check that holds when it has no reason not to.
    fn new(name: &'static str, remark: impl Into<String>, reasons: Vec<String>) -> Self {
        let verdict = if reasons.is_empty() {
            Ok(remark.into())
        } else {
            Err(reasons)
        };
        Self { name, verdict }
    }

    /// A check with one reason at most.
    fn that(name: &'static str, holds: bool, remark: impl Into<String>, reason: &str) -> Self {
        let reasons = if holds {
            Vec::new()
        } else {
            vec![reason.to_owned()]
        };
        Self::new(name, remark, reasons)
    }
}

/// Checks an image; its linker map is expected beside it, with the extension `.map`.
///
/// # Errors
/// A file that cannot be read, or that is no x86-64 PE image (status 2).
pub fn check(file: &Path) -> Outcome<Vec<Check>> {
    let bytes = fs::read(file).map_err(|error| Failure::file(file, &error))?;
    let image = pe::Image::parse(&bytes)
        .map_err(|reason| Failure::input(format!("{}: {reason}", file.display())))?;
    let mut checks = image.checks();
    checks.extend(imports::checks(
        &image,
        &imports::AllowList::load(&root().join(IMPORTS))?,
    ));
    let map = file.with_extension("map");
    let text = fs::read_to_string(&map).map_err(|error| Failure::file(&map, &error))?;
    let symbols = map::parse(&text)
        .ok_or_else(|| Failure::input(format!("{}: no linker map", map.display())))?;
    let paths = entries::HotPaths::load(&root().join(HOT_PATHS))?;
    checks.extend(entries::checks(&calls::Code::new(&image, symbols), &paths));
    Ok(checks)
}

/// Checks an image and prints each verdict.
///
/// # Errors
/// As [`check`]; a check that does not hold has status 1.
pub fn run(file: &Path) -> Outcome<usize> {
    let checks = check(file)?;
    let mut failed = 0;
    for Check { name, verdict } in &checks {
        match verdict {
            Ok(remark) => println!("gate: {name:<24} ok      {remark}"),
            Err(reasons) => {
                failed += 1;
                for reason in reasons {
                    println!("gate: {name:<24} FAILED  {reason}");
                }
            }
        }
    }
    if failed == 0 {
        Ok(checks.len())
    } else {
        Err(Failure::check(format!(
            "{}: {failed} of {} gate checks failed",
            file.display(),
            checks.len()
        )))
    }
}
