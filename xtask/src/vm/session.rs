// SPDX-License-Identifier: MIT OR Apache-2.0
//! One VM from start to end: reads the host's console, shows progress, keeps the time limit.

use super::process::{Event, Output, Process};
use std::io::Write;
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use vmhost_proto::{RECORD_PREFIX, Record, Report, Violation};

/// How long QEMU may take to end after the last record.
const LINGER: Duration = Duration::from_secs(3);
/// After so long without a word the user is told which step is still running.
const SILENCE: Duration = Duration::from_secs(5);
/// Most lines of QEMU's own messages that are kept.
const ERRORS_MAX: usize = 20;

/// How the VM's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// QEMU ended.
    Exited(ExitStatus),
    /// The host reported, or said why it cannot go on, and QEMU was ended.
    Finished,
    /// The time limit was over.
    TimeLimit,
    /// The user interrupted.
    Interrupted,
}

/// Everything that a run left behind.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// How it ended.
    pub end: End,
    /// The report, if the host came to send one.
    pub report: Option<Report>,
    /// Why the host could not go on.
    pub fatal: Option<String>,
    /// Violations as they were streamed.
    pub violations: Vec<Violation>,
    /// The step that was running at the end.
    pub last_step: Option<String>,
    /// First record that could not be read.
    pub unreadable: Option<String>,
    /// QEMU's own messages.
    pub errors: Vec<String>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// Runs QEMU until it ends, the host has reported, or `limit` is over. No process is left when
/// this returns, in whatever way. `None` sets no limit.
///
/// # Errors
/// QEMU cannot be started.
pub fn run(command: Command, limit: Option<Duration>) -> Result<Transcript, String> {
    let interrupted = interrupt_flag();
    let start = Instant::now();
    let mut process = Process::spawn(command, false)?;
    let mut transcript = Transcript {
        end: End::Finished,
        report: None,
        fatal: None,
        violations: Vec::new(),
        last_step: None,
        unreadable: None,
        errors: Vec::new(),
        elapsed: Duration::ZERO,
    };
    let mut over_at = limit.map(|limit| start + limit);
    let mut over_means = End::TimeLimit;
    let mut heard = start;
    transcript.end = loop {
        if interrupted.load(Ordering::Acquire) {
            break End::Interrupted;
        }
        if over_at.is_some_and(|over_at| Instant::now() >= over_at) {
            break over_means;
        }
        let event = process.next(Duration::from_millis(50));
        if !matches!(event, Event::Quiet) {
            heard = Instant::now();
        } else if heard.elapsed() >= SILENCE {
            let step = transcript.last_step.as_deref().unwrap_or("boot");
            show(start, &format!("... still in \"{step}\""));
            heard = Instant::now();
        }
        match event {
            Event::Line(Output::Out(line)) => {
                transcript.take(&line, start);
                let last = transcript.report.is_some() || transcript.fatal.is_some();
                if last && over_means == End::TimeLimit {
                    over_at = Some(Instant::now() + LINGER);
                    over_means = End::Finished;
                }
            }
            Event::Line(Output::Err(line)) => {
                show(start, &format!("qemu: {line}"));
                if transcript.errors.len() < ERRORS_MAX {
                    transcript.errors.push(line);
                }
            }
            Event::Quiet => {}
            Event::Ended(status) => break End::Exited(status),
        }
    };
    process.kill();
    transcript.elapsed = start.elapsed();
    Ok(transcript)
}

impl Transcript {
    fn take(&mut self, line: &str, start: Instant) {
        let Some(json) = line.strip_prefix(RECORD_PREFIX) else {
            show(start, &format!("  {line}"));
            return;
        };
        match serde_json::from_str(json) {
            Ok(Record::Step { what }) => {
                show(start, &what);
                self.last_step = Some(what);
            }
            Ok(Record::Violation(violation)) => {
                let Violation { rule, what, at } = &violation;
                show(start, &format!("VIOLATION {rule} in {at}: {what}"));
                self.violations.push(violation);
            }
            Ok(Record::Fatal { what }) => {
                show(start, &format!("cannot go on: {what}"));
                self.fatal.get_or_insert(what);
            }
            Ok(Record::Report(report)) => self.report = Some(report),
            Err(error) => {
                show(start, &format!("unreadable record: {line}"));
                let short: String = line.chars().take(120).collect();
                self.unreadable
                    .get_or_insert_with(|| format!("{short} ({error})"));
            }
        }
    }
}

fn show(start: Instant, text: &str) {
    // A reader that has gone away (`./dev vm | head`) is no reason to stop.
    let seconds = start.elapsed().as_secs_f64();
    let _ = writeln!(std::io::stdout(), "{seconds:7.2}s  {text}");
}

/// Set by Ctrl-C, SIGTERM and SIGHUP; the handler is installed once a process.
fn interrupt_flag() -> &'static AtomicBool {
    static FLAG: AtomicBool = AtomicBool::new(false);
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // Without a handler the default action ends the runner, and the kernel ends QEMU then.
        let _ = ctrlc::set_handler(|| FLAG.store(true, Ordering::Release));
    });
    &FLAG
}
