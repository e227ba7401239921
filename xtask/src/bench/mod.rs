// SPDX-License-Identifier: MIT OR Apache-2.0
//! `./dev bench`: what the driver's handlers cost, in instructions and register accesses.
//!
//! Nothing here is timed. The VM's scenario `cost` runs once for each set-up, on one CPU, with QEMU's
//! counting plugin; rows are computed from what the host counted and compared with
//! `bench/limits.toml`. `bench/README.md` says what the numbers mean.

mod functions;
mod lines;
mod picture;
mod rows;

use crate::{
    build::{self, Profile},
    failure::{Failure, Outcome},
    gate::map,
    project::root,
    vm,
};
use clap::{Args, Parser};
use functions::Function;
use rows::{Limit, Row};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use vmhost_proto::{Phase, Report};

/// Options of `./dev bench`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Set-ups to run; all without any
    #[arg(value_name = "SET-UP")]
    pub setups: Vec<String>,

    /// List the set-ups and the rows, and end
    #[arg(long)]
    pub list: bool,

    /// Also say which functions of the driver were executed, the N most expensive of each phase
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    pub functions: Option<usize>,

    /// The same for lines of the source; needs llvm-symbolizer
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20")]
    pub lines: Option<usize>,

    /// Write the rows, phases, functions and lines as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Draw the instructions of a frame beside those of Linux' driver
    #[arg(long, value_name = "FILE.svg")]
    pub svg: Option<PathBuf>,

    /// Fail when a row is above its limit, as `./dev test` does
    #[arg(long)]
    pub check: bool,

    /// Let the VM's time run by the clock and not by its instructions: more interrupts come for
    /// nothing, and two runs differ more
    #[arg(long)]
    pub clock: bool,

    /// QEMU to use
    #[arg(long, value_name = "FILE", default_value = "qemu-system-x86_64")]
    pub qemu: PathBuf,
}

/// A way to set the driver up.
pub struct Setup {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Options of `./dev vm`.
    arguments: &'static [&'static str],
}

/// All of them.
pub const SETUPS: &[Setup] = &[
    Setup {
        name: "msix",
        title: "MSI-X, moderation on: vectors stay armed",
        arguments: &["--irq", "msix"],
    },
    Setup {
        name: "auto-mask",
        title: "MSI-X, moderation off: vectors mask themselves",
        arguments: &["--irq", "msix", "--set", "*InterruptModeration=0"],
    },
    Setup {
        name: "poll",
        title: "MSI-X, NDIS polls the queues",
        arguments: &["--irq", "msix", "--set", "*NdisPoll=1"],
    },
    Setup {
        name: "msi",
        title: "one MSI",
        arguments: &["--irq", "msi"],
    },
    Setup {
        name: "line",
        title: "the interrupt line",
        arguments: &["--irq", "line"],
    },
];

/// What Linux' e1000e was measured to need on the same QEMU: instructions of its own for a frame.
pub const LINUX_RECEIVED: f64 = 374.0;
/// The same for a sent frame.
pub const LINUX_SENT: f64 = 392.0;

/// What one set-up gave.
#[derive(Clone, Debug, Serialize)]
pub struct Result {
    /// The set-up.
    pub setup: &'static str,
    /// The rows.
    pub rows: Vec<Row>,
    /// What the host counted.
    pub phases: Vec<Phase>,
    /// The functions by phase.
    pub functions: BTreeMap<String, Vec<Function>>,
    /// The source lines by phase, if asked for.
    pub lines: BTreeMap<String, Vec<Function>>,
}

#[derive(Debug, Parser)]
struct VmArguments {
    #[command(flatten)]
    options: vm::Options,
}

/// Does it.
///
/// # Errors
/// An unknown set-up, a run that fails, with `--check` a row above its limit.
pub fn run(options: &Options) -> Outcome {
    if options.list {
        for setup in SETUPS {
            println!("{:<12} {}", setup.name, setup.title);
        }
        println!();
        for (id, title, _) in rows::ROWS {
            println!("{id:<28} {title}");
        }
        return Ok(());
    }
    let mut results = Vec::new();
    for setup in chosen(&options.setups)? {
        let result = measure(setup, &options.qemu, options.clock, options.lines.is_some())?;
        print(setup, &result);
        print_hot(&result, &result.functions, options.functions);
        print_hot(&result, &result.lines, options.lines);
        results.push(result);
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&results)
            .map_err(|error| Failure::input(format!("--json: {error}")))?;
        fs::write(path, text + "\n").map_err(|error| Failure::file(path, &error))?;
    }
    if let Some(path) = &options.svg {
        fs::write(path, picture::svg(&results)).map_err(|error| Failure::file(path, &error))?;
    }
    if options.check {
        results.iter().try_for_each(verdict)?;
    }
    Ok(())
}

fn chosen(names: &[String]) -> Outcome<Vec<&'static Setup>> {
    if names.is_empty() {
        return Ok(SETUPS.iter().collect());
    }
    let find = |name: &String| {
        let found = SETUPS.iter().find(|setup| setup.name == name);
        found.ok_or_else(|| Failure::input(format!("no set-up is named {name}; --list shows them")))
    };
    names.iter().map(find).collect()
}

/// Runs one set-up and holds its rows to their limits.
///
/// # Errors
/// A run that fails, or a row above its limit.
pub fn check(setup: &Setup) -> Outcome {
    let result = measure(setup, Path::new("qemu-system-x86_64"), false, false)?;
    print(setup, &result);
    verdict(&result)
}

fn verdict(result: &Result) -> Outcome {
    let over: Vec<String> = result
        .rows
        .iter()
        .filter(|row| !row.holds())
        .map(|row| {
            let limit = row.limit.unwrap_or_default();
            format!("{} is {:.3}, the limit is {limit}", row.id, row.value)
        })
        .collect();
    if over.is_empty() {
        Ok(())
    } else {
        Err(Failure::check(format!(
            "{}: {}",
            result.setup,
            over.join("; ")
        )))
    }
}

/// Runs one set-up.
fn measure(setup: &Setup, qemu: &Path, clock: bool, lines: bool) -> Outcome<Result> {
    let qemu = qemu.display().to_string();
    let mut arguments = vec!["vm", "--scenario", "cost", "--cpus", "1"];
    arguments.extend(["--count-instructions", "--qemu", &qemu]);
    if !clock {
        arguments.extend(["--icount", "0"]);
    }
    arguments.extend(setup.arguments);
    let parsed = VmArguments::try_parse_from(&arguments)
        .map_err(|error| Failure::input(format!("{}: {error}", setup.name)))?;
    let (report, histograms) = vm::run_counted(&parsed.options)?;
    if report.result != "ok" {
        return Err(Failure::check(format!("{}: {}", setup.name, report.reason)));
    }
    let limits = limits()?;
    let limit = |id: &str| limit_of(&limits, setup.name, id);
    let names = report.cost.iter().map(|phase| phase.name.clone());
    let lines = if lines {
        let sys = build::driver_map(Profile::Release).with_extension("sys");
        names.zip(lines::lines(&sys, &histograms)?).collect()
    } else {
        BTreeMap::new()
    };
    Ok(Result {
        setup: setup.name,
        rows: rows::rows(&report.cost, limit),
        functions: attribute(&report, &histograms)?,
        lines,
        phases: report.cost,
    })
}

type Limits = BTreeMap<String, BTreeMap<String, Limit>>;

fn limits() -> Outcome<Limits> {
    let path = root().join("bench/limits.toml");
    let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    let limits: Limits = toml::from_str(&text)
        .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
    let known = |setup: &str| setup == EVERY || SETUPS.iter().any(|known| known.name == setup);
    for (setup, rows) in &limits {
        let row = rows
            .keys()
            .find(|id| !rows::ROWS.iter().any(|row| row.0 == *id));
        if !known(setup) || row.is_some() {
            return Err(Failure::input(format!(
                "{}: there is no row {} of {setup}",
                path.display(),
                row.map_or("at all", String::as_str)
            )));
        }
    }
    Ok(limits)
}

/// The table of what holds in every set-up.
const EVERY: &str = "every";

fn limit_of(limits: &Limits, setup: &str, id: &str) -> Limit {
    let find = |table: &str| limits.get(table)?.get(id).copied();
    find(setup).or_else(|| find(EVERY)).unwrap_or_default()
}

/// The functions by phase; histogram n belongs to phase n.
fn attribute(
    report: &Report,
    histograms: &vm::counting::Histograms,
) -> Outcome<BTreeMap<String, Vec<Function>>> {
    let path = build::driver_map(Profile::Release);
    let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    let symbols = map::parse(&text)
        .ok_or_else(|| Failure::input(format!("{}: no linker map", path.display())))?;
    let phases = report.cost.iter().zip(histograms);
    Ok(phases
        .map(|(phase, places)| (phase.name.clone(), functions::functions(places, &symbols)))
        .collect())
}

fn print(setup: &Setup, result: &Result) {
    println!("\n{}: {}", setup.name, setup.title);
    println!("{:>10} {:>8} {:>8}", "measured", "goal", "limit");
    let number =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    for row in &result.rows {
        let remark = if !row.holds() {
            "  OVER THE LIMIT"
        } else if !row.within_goal() {
            "  over the goal"
        } else {
            ""
        };
        println!(
            "{:>10.3} {:>8} {:>8}  {}{remark}",
            row.value,
            number(row.goal),
            number(row.limit),
            row.title
        );
    }
}

/// The most expensive functions or lines of each phase.
fn print_hot(result: &Result, hot: &BTreeMap<String, Vec<Function>>, most: Option<usize>) {
    let Some(most) = most else { return };
    for phase in &result.phases {
        println!("\n{}, {}: instructions", result.setup, phase.name);
        let frames = phase.received.max(phase.sent).max(1);
        for function in hot.get(&phase.name).into_iter().flatten().take(most) {
            println!(
                "{:>10} {:>8.1} a frame {:>8} calls  {}",
                function.instructions,
                function.instructions as f64 / frames as f64,
                function.calls,
                function.name
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_name_rows_and_setups_that_exist() {
        let limits = limits().expect("good limits");
        let msix = limit_of(&limits, "msix", "isr-accesses");
        assert_eq!(msix.limit, Some(0.0));
        let every = limit_of(&limits, "line", "doorbell-writes");
        assert_eq!(every.limit, Some(1.0));
        assert_eq!(limit_of(&limits, "msix", "no-such-row"), Limit::default());
    }

    #[test]
    fn a_row_above_its_limit_is_named() {
        let row = |value| Row {
            id: "doorbell-writes",
            title: "",
            value,
            goal: None,
            limit: Some(1.0),
        };
        let result = |value| Result {
            setup: "msix",
            rows: vec![row(value)],
            phases: Vec::new(),
            functions: BTreeMap::new(),
            lines: BTreeMap::new(),
        };
        assert_eq!(verdict(&result(1.0)), Ok(()));
        let why = verdict(&result(1.01))
            .expect_err("over the limit")
            .to_string();
        assert_eq!(why, "msix: doorbell-writes is 1.010, the limit is 1");
    }
}
