// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand};

use crate::{
    abi, bench,
    build::{self, Profile},
    datapath_faults,
    failure::Outcome,
    fuzz, gate, interrupt_faults, lint, loom_faults, package, planted, sources, test, vm,
};

/// Builds, checks and runs the ndis-e1000e driver.
///
/// Exit status: 0 done, 1 a check did not hold, 2 bad input or a missing tool.
#[derive(Debug, Parser)]
#[command(name = "dev", bin_name = "./dev", arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the .sys of the driver and of the example, and the checked host.
    Build {
        /// How the driver is compiled.
        #[arg(long, value_enum, default_value = "release")]
        profile: Profile,
    },
    /// Make the driver package in target/package: .sys, stamped .inf, .pdb.
    Package,
    /// Run the driver in a VM under the checked host.
    Vm(Box<vm::Options>),
    /// Count what the driver's handlers cost: instructions and register accesses, by set-up.
    Bench(bench::Options),
    /// Run everything that must pass: format, lints, host tests, PE gate, VM runs.
    Test,
    /// Run drivers with one planted fault each; the checked host must name the rule.
    Faults {
        /// Numbers or names of faults; without any, all are run.
        faults: Vec<String>,
        /// The faults of the interrupt cases and of DMA, on e1000e.
        #[arg(long)]
        interrupts: bool,
        /// The faults of the data path, planted in a copy of the driver.
        #[arg(long, conflicts_with = "interrupts")]
        datapath: bool,
        /// The faults of the interrupt protocol, which the loom models must find.
        #[arg(long, conflicts_with_all = ["interrupts", "datapath", "host"])]
        loom: bool,
        /// Checked host to boot instead of building vmhost
        #[arg(long, value_name = "FILE")]
        host: Option<PathBuf>,
    },
    /// Run the fuzz targets, each for a while.
    Fuzz(fuzz::Options),
    /// Compare the declared structures and constants with the headers of a WDK (WDKContentRoot).
    AbiCheck,
    /// Check format and lints of all packages, with warnings as errors.
    Lint,
    /// Build the documentation.
    Doc,
    /// Check a driver image: headers, sections, imports, no panic on the hot paths.
    Gate {
        /// The image, with its linker map beside it; without it the driver is built and checked.
        file: Option<PathBuf>,
    },
}

impl Cli {
    /// Does the task.
    pub fn run(self) -> ExitCode {
        let outcome = match self.task {
            Task::Vm(options) => return vm::run(*options),
            Task::Bench(options) => bench::run(&options),
            Task::Test => return test::run(),
            Task::Build { profile } => build_all(profile),
            Task::Package => package::make().map(|directory| println!("{}", directory.display())),
            Task::Faults {
                faults,
                interrupts: false,
                datapath: false,
                loom: false,
                host,
            } => planted::run(&faults, host),
            Task::Faults {
                faults, loom: true, ..
            } => loom_faults::run(&faults),
            Task::Faults {
                faults,
                datapath: true,
                host,
                ..
            } => datapath_faults::run(&faults, host, test::vm_report),
            Task::Faults { faults, host, .. } => {
                interrupt_faults::run(&faults, host, test::vm_report)
            }
            Task::Fuzz(options) => fuzz::fuzz(&options),
            Task::AbiCheck => abi::check(),
            Task::Lint => lint_all(),
            Task::Doc => lint::doc(),
            Task::Gate { file } => check(file),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("error: {failure}");
                failure.exit_code()
            }
        }
    }
}

/// The end of a command line that cannot be: one line, status 2. Help is asked for, or missing: then it is printed.
pub fn wrong(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    eprintln!("{}", one_line(&error.to_string()));
    ExitCode::from(2)
}

/// What clap says, without its usage.
fn one_line(text: &str) -> String {
    let said = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let words: Vec<&str> = said
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    words.join(" ")
}

fn build_all(profile: Profile) -> Outcome {
    for image in [
        build::driver(profile)?,
        build::image(&build::EXAMPLE, profile)?,
        build::vmhost()?,
    ] {
        println!("{}", image.display());
    }
    Ok(())
}

/// All of them, so that one run shows everything; the first failure is the result.
fn lint_all() -> Outcome {
    [
        lint::format(),
        sources::check(),
        lint::clippy_host(),
        lint::clippy_driver(),
        lint::clippy_vmhost(),
    ]
    .into_iter()
    .collect()
}

fn check(file: Option<PathBuf>) -> Outcome {
    let file = match file {
        Some(file) => file,
        None => build::driver(Profile::Release)?,
    };
    gate::run(&file).map(drop)
}
