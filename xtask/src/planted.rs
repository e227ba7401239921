// SPDX-License-Identifier: MIT OR Apache-2.0
//! The planted faults: a driver with one breach of the contract in each run. The checked host must name the rule and
//! nothing else, and `./dev vm` must end with the right exit status. A fault that the host stops seeing fails here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use vmhost_proto::Report;

use crate::{
    build::{self, PLANTED, Profile},
    failure::{Failure, Outcome},
    interrupt_faults::conclude,
    project::{root, this_program},
};

// The driver has the same file.
#[path = "../../tests/planted/src/table.rs"]
mod table;

use table::{FAULTS, Fault};

/// VMs at the same time.
const AT_ONCE: usize = 2;
/// Options of every run.
const OPTIONS: [&str; 4] = ["--device", "edu", "--scenario", "basic"];
/// Lines of a run's log that are shown when it did not end as it must.
const LOG_LINES: usize = 25;

/// Builds what is needed and runs faults, by number or name; all, if none is named. `host` is one that is built.
///
/// # Errors
/// A fault that there is not, a missing tool (status 2); a run that did not end as it must (status 1).
pub fn run(names: &[String], host: Option<PathBuf>) -> Outcome {
    let mut chosen = Vec::new();
    for name in names {
        let fault = FAULTS
            .iter()
            .find(|fault| {
                fault.name.eq_ignore_ascii_case(name) || fault.number.to_string() == *name
            })
            .ok_or_else(|| Failure::input(format!("{name}: there is no such fault")))?;
        chosen.push(fault);
    }
    if names.is_empty() {
        chosen.extend(FAULTS);
    }
    let driver = build::image(&PLANTED, Profile::Release)?;
    let host = match host {
        Some(host) => host,
        None => build::vmhost()?,
    };
    conclude(run_all(&driver, &host, &chosen)?)
}

/// All faults, with a driver and a host that are built: how many ended as they must, and how many did not.
///
/// # Errors
/// A run that cannot be made.
pub fn all(driver: &Path, host: &Path) -> Outcome<(usize, usize)> {
    run_all(driver, host, &FAULTS.iter().collect::<Vec<_>>())
}

fn run_all(driver: &Path, host: &Path, faults: &[&Fault]) -> Outcome<(usize, usize)> {
    let folder = tempfile::Builder::new()
        .prefix("ndis-e1000e-faults-")
        .tempdir()
        .map_err(|error| Failure::input(format!("no temporary folder: {error}")))?;
    let next = AtomicUsize::new(0);
    let counts = Mutex::new((0, 0));
    let broken = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begin = Instant::now();
                    let run = match Run::make(driver, host, folder.path(), fault) {
                        Ok(run) => run,
                        Err(failure) => {
                            broken
                                .lock()
                                .expect("no thread panicked")
                                .get_or_insert(failure);
                            return;
                        }
                    };
                    let seconds = begin.elapsed().as_secs_f64();
                    // Held while printing, so that the lines of two runs do not mix.
                    let mut counts = counts.lock().expect("no thread panicked");
                    match run.wrong(fault) {
                        None => counts.0 += 1,
                        Some(_) => counts.1 += 1,
                    }
                    run.print(fault, seconds);
                }
            });
        }
    });
    match broken.into_inner().expect("no thread panicked") {
        Some(failure) => Err(failure),
        None => Ok(counts.into_inner().expect("no thread panicked")),
    }
}

/// What one run left.
struct Run {
    status: Option<i32>,
    report: Report,
    log: String,
}

impl Run {
    /// `./dev vm` as a user would start it.
    fn make(driver: &Path, host: &Path, folder: &Path, fault: &Fault) -> Outcome<Self> {
        let json: PathBuf = folder.join(format!("{}.json", fault.number));
        let program = this_program()?;
        let output = Command::new(&program)
            .arg("vm")
            .args(OPTIONS)
            .args(fault.options)
            .arg("--driver")
            .arg(driver)
            .arg("--inf")
            .arg(PLANTED.file("planted_miniport.inx"))
            .arg("--host")
            .arg(host)
            .args(["--set", &format!("PlantedFault={}", fault.number)])
            .arg("--json")
            .arg(&json)
            .current_dir(root())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::file(&program, &error))?;
        let log = [output.stdout, output.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        let text = fs::read_to_string(&json)
            .map_err(|error| Failure::input(format!("{}: {error}\n{log}", json.display())))?;
        let report = serde_json::from_str(&text)
            .map_err(|error| Failure::input(format!("{}: {error}", json.display())))?;
        Ok(Self {
            status: output.status.code(),
            report,
            log,
        })
    }

    fn rules(&self) -> BTreeSet<&str> {
        let violations = &self.report.verifier.violations;
        violations.iter().map(|one| one.rule.as_str()).collect()
    }

    /// What is not as the table says.
    fn wrong(&self, fault: &Fault) -> Option<String> {
        wrong(fault, &self.rules(), self.status, &self.report.reason)
    }

    fn print(&self, fault: &Fault, seconds: f64) {
        let rules: Vec<&str> = self.rules().into_iter().collect();
        let rules = if rules.is_empty() {
            "no rule".to_owned()
        } else {
            rules.join(" ")
        };
        let line = format!("fault {:2} {:<27} {rules:<14}", fault.number, fault.name);
        match self.wrong(fault) {
            None => println!("{line} ok      {seconds:5.1} s"),
            Some(wrong) => {
                println!("{line} FAILED  {seconds:5.1} s  {wrong}");
                let lines: Vec<&str> = self.log.lines().collect();
                for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                    println!("    {line}");
                }
            }
        }
    }
}

/// What of a run is not as the table says.
fn wrong(
    fault: &Fault,
    rules: &BTreeSet<&str>,
    status: Option<i32>,
    reason: &str,
) -> Option<String> {
    if let Some(missing) = fault.rules.iter().find(|rule| !rules.contains(**rule)) {
        return Some(format!("{missing} is missing: {reason}"));
    }
    let expected = |rule: &&&str| fault.rules.contains(*rule) || fault.also.contains(*rule);
    if let Some(more) = rules.iter().find(|rule| !expected(rule)) {
        return Some(format!("{more} was not expected: {reason}"));
    }
    if !reason.contains(fault.says) {
        return Some(format!("{:?} is not in the reason: {reason}", fault.says));
    }
    if status != Some(i32::from(fault.status)) {
        return Some(format!(
            "exit status {status:?} instead of {}: {reason}",
            fault.status
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let numbers: BTreeSet<u32> = FAULTS.iter().map(|fault| fault.number).collect();
        assert_eq!(numbers.len(), FAULTS.len(), "numbers are unique");
        assert_eq!(FAULTS[0].status, 0, "the clean run comes first");
        for fault in &FAULTS[1..] {
            assert!(
                fault.status != 0 && !(fault.rules.is_empty() && fault.says.is_empty()),
                "{} expects nothing",
                fault.name
            );
        }
    }

    #[test]
    fn each_difference_from_the_table_is_wrong() {
        let fault = Fault {
            number: 1,
            name: "ONE",
            rules: &["A-1"],
            also: &["A-2"],
            says: "that",
            status: 1,
            options: &[],
        };
        let wrong = |rules: &[&'static str], status, reason| {
            wrong(
                &fault,
                &rules.iter().copied().collect(),
                Some(status),
                reason,
            )
        };
        assert_eq!(wrong(&["A-1"], 1, "that"), None);
        assert_eq!(wrong(&["A-1", "A-2"], 1, "that"), None);
        assert!(wrong(&[], 1, "that").is_some());
        assert!(wrong(&["A-2"], 1, "that").is_some());
        assert!(wrong(&["A-1", "A-3"], 1, "that").is_some());
        assert!(wrong(&["A-1"], 0, "that").is_some());
        assert!(wrong(&["A-1"], 1, "this").is_some());
    }
}
