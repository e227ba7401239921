// SPDX-License-Identifier: MIT OR Apache-2.0
//! `./dev test`: everything that must pass, step by step.
//!
//! A step that fails does not stop the ones after it, unless they need what it makes. Each step and
//! each test counts; the closing line says how many held.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use clap::Parser;
use vmhost_proto::Report;

use crate::{
    bench,
    build::{self, EXAMPLE, PLANTED, PLANTED_INTERRUPTS, Profile},
    datapath_faults,
    failure::{Failure, Outcome},
    gate, interrupt_faults, lint, locks, loom_faults, planted,
    project::{root, say, target},
    sources,
    toolchain::host_cargo,
    vm,
};

/// The runs of the driver under the checked host: name, and the options of `vm`.
const RUNS: &[(&str, &[&str])] = &[
    (
        "VM, the host checks itself",
        &["--scenario", "selftest", "--cpus", "4"],
    ),
    ("VM, msix", &["--irq", "msix"]),
    (
        "VM, msi, offloads off",
        &["--irq", "msi", "--offloads", "off"],
    ),
    ("VM, line", &["--irq", "line"]),
    (
        "VM, one CPU",
        &["--cpus", "1", "--seed", "2", "--transfer", "2"],
    ),
    (
        "VM, four CPUs",
        &["--cpus", "4", "--seed", "3", "--transfer", "2"],
    ),
    (
        "VM, line, four CPUs",
        &[
            "--irq",
            "line",
            "--cpus",
            "4",
            "--seed",
            "4",
            "--transfer",
            "2",
        ],
    ),
    ("VM, 4 messages", &["--messages", "4", "--transfer", "1"]),
    ("VM, 3 messages", &["--messages", "3", "--transfer", "1"]),
    ("VM, 2 messages", &["--messages", "2", "--transfer", "1"]),
    ("VM, 1 message", &["--messages", "1", "--transfer", "1"]),
    // NDIS poll is asked for, and is not there.
    (
        "VM, NDIS 6.84",
        &[
            "--ndis-minor",
            "84",
            "--set",
            "*NdisPoll=1",
            "--transfer",
            "1",
        ],
    ),
    (
        "VM, NDIS poll, msix",
        &["--set", "*NdisPoll=1", "--transfer", "2"],
    ),
    ("VM, data path", &["--scenario", "datapath"]),
    (
        "VM, data path, one CPU",
        &["--scenario", "datapath", "--cpus", "1", "--seed", "2"],
    ),
    (
        "VM, data path, NDIS poll, four CPUs",
        &[
            "--scenario",
            "datapath",
            "--cpus",
            "4",
            "--seed",
            "3",
            "--set",
            "*NdisPoll=1",
        ],
    ),
    // With a seed whose SG lists come late and on other CPUs too.
    (
        "VM, soak",
        &["--scenario", "soak", "--frames", "200000", "--seed", "2"],
    ),
    ("VM, sends that never finish", &["--scenario", "stall"]),
    ("VM, OIDs and sends, msix", &["--scenario", "basic"]),
    (
        "VM, low resources",
        &[
            "--scenario",
            "low-resources",
            "--irq",
            "msi",
            "--set",
            "*ReceiveBuffers=80",
        ],
    ),
    (
        "VM, surprise removal",
        &[
            "--scenario",
            "removal",
            "--irq",
            "line",
            "--set",
            "*ReceiveBuffers=80",
        ],
    ),
    (
        "VM, OIDs and sends, line",
        &["--scenario", "basic", "--irq", "line"],
    ),
];

/// The interrupt cases against the driver: each kind of grant at 1, 2 and 4 CPUs, and what else may change them.
const INTERRUPT_RUNS: &[(&str, &[&str])] = &[
    (
        "VM, interrupt cases, msix, 1 CPU",
        &["--irq", "msix", "--cpus", "1", "--seed", "3"],
    ),
    ("VM, interrupt cases, msix, 2 CPUs", &["--irq", "msix"]),
    // RSS begins at the third processor.
    (
        "VM, interrupt cases, msix, 4 CPUs",
        &[
            "--irq",
            "msix",
            "--cpus",
            "4",
            "--seed",
            "8",
            "--set",
            "*RssBaseProcNumber=2",
        ],
    ),
    (
        "VM, interrupt cases, 1 message, 1 CPU",
        &[
            "--irq",
            "msix",
            "--messages",
            "1",
            "--cpus",
            "1",
            "--seed",
            "9",
        ],
    ),
    (
        "VM, interrupt cases, 1 message, 2 CPUs",
        &[
            "--irq",
            "msix",
            "--messages",
            "1",
            "--seed",
            "10",
            "--set",
            "*InterruptModeration=0",
        ],
    ),
    (
        "VM, interrupt cases, 1 message, 4 CPUs",
        &[
            "--irq",
            "msix",
            "--messages",
            "1",
            "--cpus",
            "4",
            "--seed",
            "11",
        ],
    ),
    (
        "VM, interrupt cases, msi, 1 CPU",
        &["--irq", "msi", "--cpus", "1", "--seed", "12"],
    ),
    (
        "VM, interrupt cases, msi, 2 CPUs",
        &["--irq", "msi", "--seed", "4"],
    ),
    (
        "VM, interrupt cases, msi, 4 CPUs",
        &["--irq", "msi", "--cpus", "4", "--seed", "13"],
    ),
    (
        "VM, interrupt cases, line, 1 CPU",
        &["--irq", "line", "--cpus", "1", "--seed", "6"],
    ),
    (
        "VM, interrupt cases, line, 2 CPUs",
        &["--irq", "line", "--seed", "5"],
    ),
    (
        "VM, interrupt cases, line, 4 CPUs",
        &["--irq", "line", "--cpus", "4", "--seed", "14"],
    ),
    (
        "VM, interrupt cases, 3 messages, NDIS poll",
        &[
            "--messages",
            "3",
            "--cpus",
            "1",
            "--seed",
            "2",
            "--set",
            "*NdisPoll=1",
        ],
    ),
    (
        "VM, interrupt cases, msi, NDIS poll",
        &["--irq", "msi", "--seed", "16", "--set", "*NdisPoll=1"],
    ),
    // A message without a role; and the chip masks the others.
    (
        "VM, interrupt cases, 4 messages, no moderation",
        &[
            "--irq",
            "msix",
            "--messages",
            "4",
            "--seed",
            "15",
            "--set",
            "*InterruptModeration=0",
        ],
    ),
    (
        "VM, interrupt cases, line, NDIS poll",
        &["--irq", "line", "--seed", "7", "--set", "*NdisPoll=1"],
    ),
];

/// The runs of the example.
const EXAMPLE_RUNS: &[(&str, &[&str])] = &[
    ("VM, example, msi", &["--irq", "msi"]),
    ("VM, example, line", &["--irq", "line"]),
];

/// What was counted so far.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    failures: Vec<Failure>,
}

impl Tally {
    /// Does one step and says how long it took. What it counted itself comes on top of the step.
    fn step<T>(&mut self, name: &str, step: impl FnOnce(&mut Self) -> Outcome<T>) -> Option<T> {
        say(name);
        let begin = Instant::now();
        let outcome = step(self);
        let seconds = begin.elapsed().as_secs_f64();
        match outcome {
            Ok(value) => {
                self.passed += 1;
                println!("test: {name:<34} ok      {seconds:6.1} s");
                Some(value)
            }
            Err(failure) => {
                self.failed += 1;
                println!("test: {name:<34} FAILED  {seconds:6.1} s  {failure}");
                self.failures.push(failure);
                None
            }
        }
    }

    /// A step that cannot be done because an earlier one failed.
    fn cannot(&mut self, name: &str, because: &str) {
        self.failed += 1;
        println!("test: {name:<34} FAILED  not run: {because}");
    }
}

/// Runs all steps. The exit code is 0 if all held, 2 if one lacked a tool or a file, else 1.
pub fn run() -> ExitCode {
    let begin = Instant::now();
    let mut tally = Tally::default();
    tally.step("format", |_| lint::format());
    tally.step("sources", |_| sources::check());
    tally.step("host tests", host_tests);
    tally.step("models", models);
    tally.step("planted model faults", |tally| {
        count_faults(tally, loom_faults::counted(&[])?)
    });
    tally.step("clippy, this machine", |_| lint::clippy_host());
    let driver = tally.step("driver build", |_| build::driver(Profile::Release));
    let example = tally.step("example build", |_| {
        build::image(&EXAMPLE, Profile::Release)
    });
    let planted = tally.step("planted faults, build", |_| {
        build::image(&PLANTED, Profile::Release)
    });
    let planted_interrupts = tally.step("planted interrupt faults, build", |_| {
        build::image(&PLANTED_INTERRUPTS, Profile::Release)
    });
    let planted_datapath = tally.step("planted data path faults, build", |_| {
        datapath_faults::build()
    });
    let vmhost = tally.step("checked host build", |_| build::vmhost());
    tally.step("lock files", |_| locks::check());
    match &driver {
        Some(sys) => {
            tally.step("PE gate", |tally| {
                tally.passed += gate::run(sys)?;
                Ok(())
            });
        }
        None => tally.cannot("PE gate", "there is no driver"),
    }
    for (name, options) in RUNS {
        if driver.is_some() && vmhost.is_some() {
            tally.step(name, |_| vm_run(options));
        } else {
            tally.cannot(name, "there is no driver or no checked host");
        }
    }
    for (name, options) in INTERRUPT_RUNS {
        if driver.is_some() && vmhost.is_some() {
            let options = [&["--scenario", "interrupts"], *options].concat();
            tally.step(name, |_| vm_run(&options));
        } else {
            tally.cannot(name, "there is no driver or no checked host");
        }
    }
    if driver.is_some() && vmhost.is_some() {
        tally.step("VM, messages refused by keyword", |_| line_by_keyword());
    } else {
        tally.cannot(
            "VM, messages refused by keyword",
            "there is no driver or no checked host",
        );
    }
    for setup in bench::SETUPS {
        let name = format!("cost, {}", setup.name);
        if driver.is_some() && vmhost.is_some() {
            tally.step(&name, |_| bench::check(setup));
        } else {
            tally.cannot(&name, "there is no driver or no checked host");
        }
    }
    match (&example, &vmhost) {
        (Some(sys), Some(_)) => {
            for (name, options) in EXAMPLE_RUNS {
                tally.step(name, |_| example_run(sys, options));
            }
        }
        _ => tally.cannot("VM, example", "there is no example or no checked host"),
    }
    let faults: [(&str, &Option<PathBuf>, Faults); 3] = [
        ("planted faults", &planted, planted::all),
        (
            "planted interrupt faults",
            &planted_interrupts,
            |sys, host| interrupt_faults::all(sys, host, vm_report),
        ),
        (
            "planted data path faults",
            &planted_datapath,
            |sys, host| datapath_faults::all(sys, host, vm_report),
        ),
    ];
    for (name, image, all) in faults {
        match (image, &vmhost) {
            (Some(sys), Some(host)) => {
                tally.step(name, |tally| count_faults(tally, all(sys, host)?));
            }
            _ => tally.cannot(name, "there is no driver or no checked host"),
        }
    }
    tally.step("clippy, driver and example", |_| lint::clippy_driver());
    tally.step("clippy, checked host", |_| lint::clippy_vmhost());
    tally.step("documentation", |_| lint::doc());
    println!(
        "test: all steps took {:.0} s",
        begin.elapsed().as_secs_f64()
    );
    for failure in &tally.failures {
        println!("failed: {failure}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    match tally
        .failures
        .iter()
        .find(|failure| failure.is_input())
        .or(tally.failures.first())
    {
        None if tally.failed == 0 => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
        Some(failure) => failure.exit_code(),
    }
}

/// Unit tests, integration tests and documentation tests of what compiles for this machine.
fn host_tests(tally: &mut Tally) -> Outcome {
    let mut cargo = Command::new(host_cargo());
    cargo
        .args(["test", "--locked", "--no-fail-fast"])
        .args(lint::host_packages());
    count_tests(tally, cargo)
}

/// The interrupt protocol, every interleaving of it: the driver's tests with loom's atomics.
fn models(tally: &mut Tally) -> Outcome {
    let mut cargo = Command::new(host_cargo());
    cargo
        .args([
            "test",
            "--locked",
            "--release",
            "-p",
            "ndis-e1000e",
            "--lib",
        ])
        .args(["--config", "profile.release.lto=\"off\"", "--target-dir"])
        .arg(target().join("loom"))
        .arg("loom")
        .env("RUSTFLAGS", "--cfg loom");
    count_tests(tally, cargo)
}

/// Runs `cargo test` and counts each test. Those that pass are not named.
fn count_tests(tally: &mut Tally, mut cargo: Command) -> Outcome {
    cargo
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = cargo
        .spawn()
        .map_err(|error| Failure::input(format!("cargo: {error}")))?;
    let before = (tally.passed, tally.failed);
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some((passed, failed)) = counts(&line) {
                tally.passed += passed;
                tally.failed += failed;
            }
            // The names of tests that passed are noise here.
            if !line.starts_with("test ") || !line.ends_with("... ok") {
                println!("{line}");
            }
        }
    }
    let status = child
        .wait()
        .map_err(|error| Failure::input(format!("cargo: {error}")))?;
    if !status.success() {
        return Err(Failure::check(match tally.failed - before.1 {
            0 => format!("the tests do not build, or one ended its process ({status})"),
            failed => format!("{failed} tests failed"),
        }));
    }
    if tally.passed == before.0 {
        return Err(Failure::check("no test was run"));
    }
    Ok(())
}

/// The numbers of `test result: ok. 33 passed; 0 failed; ...`.
fn counts(line: &str) -> Option<(usize, usize)> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| {
        let (before, _) = rest.split_once(word)?;
        before.split_whitespace().next_back()?.parse().ok()
    };
    Some((number(" passed")?, number(" failed")?))
}

/// The options of `vm`, as its command line takes them.
#[derive(Debug, Parser)]
struct VmArguments {
    #[command(flatten)]
    options: vm::Options,
}

/// One run of the example.
fn example_run(sys: &Path, options: &[&str]) -> Outcome {
    let (sys, inf) = (
        sys.display().to_string(),
        root()
            .join(EXAMPLE.file("edu_miniport.inx"))
            .display()
            .to_string(),
    );
    let mut all = vec!["--device", "edu", "--scenario", "basic"];
    all.extend(["--driver", &sys, "--inf", &inf]);
    all.extend(options);
    vm_run(&all)
}

/// All faults of a kind, with their image and a host: how many were seen as they must be, and how many were not.
type Faults = fn(&Path, &Path) -> Outcome<(usize, usize)>;

/// Every planted fault counts as a test.
fn count_faults(tally: &mut Tally, counts: (usize, usize)) -> Outcome {
    tally.passed += counts.0;
    tally.failed += counts.1;
    interrupt_faults::conclude(counts)
}

/// The report of one run, by the options of `vm`.
///
/// # Errors
/// Options that there are not, a missing tool, a VM that does not answer.
pub fn vm_report(options: &[&str]) -> Outcome<Report> {
    let arguments = VmArguments::try_parse_from(["vm"].iter().chain(options))
        .map_err(|error| Failure::input(format!("vm {}: {error}", options.join(" "))))?;
    vm::run_report(&arguments.options)
}

/// `DisableMSI`, where the host may grant what the driver leaves of the alternatives: the line, and only by the keyword.
fn line_by_keyword() -> Outcome {
    for (set, wanted) in [("DisableMSI=0", "msix"), ("DisableMSI=1", "line")] {
        let report = good_report(&["--scenario", "basic", "--irq", "auto", "--set", set])?;
        let granted = &report.interrupt.granted;
        if granted != wanted {
            return Err(Failure::check(format!(
                "vm --set {set}: {granted} was granted and not {wanted}"
            )));
        }
    }
    Ok(())
}

/// One run, as `./dev vm` does it.
fn vm_run(options: &[&str]) -> Outcome {
    good_report(options).map(drop)
}

/// The report of one run that is ok.
fn good_report(options: &[&str]) -> Outcome<Report> {
    let report = vm_report(options)?;
    if report.result == "ok" {
        Ok(report)
    } else {
        Err(Failure::check(format!(
            "vm {}: {}",
            options.join(" "),
            report.reason
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted() {
        let line = "test result: FAILED. 31 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s";
        assert_eq!(counts(line), Some((31, 2)));
        assert_eq!(counts("test result: ok."), None);
        assert_eq!(counts("test gate::x ... ok"), None);
    }

    #[test]
    fn steps_are_counted_and_failures_kept() {
        let mut tally = Tally::default();
        assert_eq!(tally.step("good", |_| Ok(1)), Some(1));
        assert_eq!(
            tally.step("bad", |_| Err::<(), _>(Failure::check("no"))),
            None
        );
        tally.cannot("later", "bad failed");
        assert_eq!((tally.passed, tally.failed), (1, 2));
        assert_eq!(tally.failures, [Failure::check("no")]);
    }
}
