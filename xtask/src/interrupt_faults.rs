// SPDX-License-Identifier: MIT OR Apache-2.0
//! The planted interrupt and DMA faults: a driver of the 82574L with one breach of the contract in each run. The case
//! that looks for it, or the IOMMU, must name the rule, and nothing else; without a fault every case must hold.

use std::path::{Path, PathBuf};

use vmhost_proto::Report;

use crate::{
    build::{self, PLANTED_INTERRUPTS, Profile},
    failure::{Failure, Outcome},
    project::root,
};

// The driver has the same file.
#[path = "../../tests/planted_e1000e/src/table.rs"]
mod table;

use table::FAULTS;
pub use table::Fault;

/// Builds what is needed and runs faults, by number or name; all, if none is named. `host` is one that is built.
///
/// # Errors
/// A fault that there is not, a missing tool (status 2); a fault that was not seen (status 1).
pub fn run(
    names: &[String],
    host: Option<PathBuf>,
    vm: impl Fn(&[&str]) -> Outcome<Report>,
) -> Outcome {
    let chosen = choose(FAULTS, names)?;
    let driver = build::image(&PLANTED_INTERRUPTS, Profile::Release)?;
    let host = host.map_or_else(build::vmhost, Ok)?;
    conclude(run_all(&chosen, &driver, &inf(), &host, vm)?)
}

fn inf() -> PathBuf {
    root().join(PLANTED_INTERRUPTS.file("planted_e1000e.inx"))
}

/// Those of `faults` that are named, by number or name; all, if none is.
///
/// # Errors
/// A fault that there is not.
pub fn choose(faults: &[Fault], names: &[String]) -> Outcome<Vec<Fault>> {
    let named = |fault: &Fault, name: &String| {
        fault.name.eq_ignore_ascii_case(name) || fault.number.to_string() == *name
    };
    let known = |name: &&String| !faults.iter().any(|fault| named(fault, name));
    if let Some(name) = names.iter().find(known) {
        return Err(Failure::input(format!("{name}: there is no such fault")));
    }
    let chosen = |fault: &&Fault| names.is_empty() || names.iter().any(|name| named(fault, name));
    Ok(faults.iter().filter(chosen).copied().collect())
}

/// Says how many faults were seen as they must be, and how many were not.
///
/// # Errors
/// One was not.
pub fn conclude((passed, failed): (usize, usize)) -> Outcome {
    println!("{passed} faults seen as they must be, {failed} not");
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::check(format!(
            "{failed} planted faults were not seen as they must be"
        )))
    }
}

/// All faults, with a driver and a host that are built, each run made by `vm` from options of `./dev vm`: how many were seen as they must be, and how many were not.
///
/// # Errors
/// A run that cannot be made.
pub fn all(
    driver: &Path,
    host: &Path,
    vm: impl Fn(&[&str]) -> Outcome<Report>,
) -> Outcome<(usize, usize)> {
    run_all(FAULTS, driver, &inf(), host, vm)
}

/// Runs `faults` of a driver with its INF.
///
/// # Errors
/// A run that cannot be made.
pub fn run_all(
    faults: &[Fault],
    driver: &Path,
    inf: &Path,
    host: &Path,
    vm: impl Fn(&[&str]) -> Outcome<Report>,
) -> Outcome<(usize, usize)> {
    let (mut passed, mut failed) = (0, 0);
    for fault in faults {
        let arguments = arguments(fault, driver, inf, host)?;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match wrong(fault, vm(&arguments)) {
            None => passed += 1,
            Some(why) => {
                failed += 1;
                println!("planted fault {}: {why}", fault.name);
            }
        }
    }
    Ok((passed, failed))
}

fn arguments(fault: &Fault, driver: &Path, inf: &Path, host: &Path) -> Outcome<Vec<String>> {
    let text = |path: &Path| {
        path.to_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::input(format!("{}: not UTF-8", path.display())))
    };
    let (driver, inf, host) = (text(driver)?, text(inf)?, text(host)?);
    let chosen = format!("PlantedFault={}", fault.number);
    let mut arguments = vec!["--driver", &driver, "--inf", &inf, "--host", &host];
    arguments.extend(["--set", &chosen, "--time-limit", "60"]);
    arguments.extend(fault.options);
    Ok(arguments.into_iter().map(str::to_owned).collect())
}

/// What is wrong with a run, if anything.
fn wrong(fault: &Fault, outcome: Outcome<Report>) -> Option<String> {
    let report = match outcome {
        Ok(report) => report,
        Err(failure) => return Some(failure.to_string()),
    };
    let seen = |rule: &str| report.verifier.violations.iter().any(|v| v.rule == rule);
    match fault.rules.first() {
        None if report.result == "ok" => None,
        None => Some(format!("must hold: {}", report.reason)),
        Some(rule) if !seen(rule) => Some(format!("{rule} was not seen: {}", report.reason)),
        Some(_) => report
            .verifier
            .violations
            .iter()
            .find(|v| !fault.rules.contains(&v.rule.as_str()))
            .map(|v| format!("{} was named as well: {}", v.rule, v.what)),
    }
}
