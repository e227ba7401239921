// SPDX-License-Identifier: MIT OR Apache-2.0
//! A child process whose output arrives line by line and that never outlives its owner: dropping
//! it kills its process group, and the kernel kills it when the runner dies without a drop.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Longest line; a longer one is cut into several.
const LINE_MAX: u64 = 1 << 20;

/// How long the pipes of an ended child may stay open without a line.
const DRAIN: Duration = Duration::from_secs(5);

/// One line of output, without its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// From standard output.
    Out(String),
    /// From standard error.
    Err(String),
}

/// What [`Process::next`] saw.
#[derive(Debug)]
pub enum Event {
    /// A line.
    Line(Output),
    /// Nothing within the wait.
    Quiet,
    /// The process has ended and every line was delivered.
    Ended(ExitStatus),
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Output>,
    status: Option<ExitStatus>,
    /// Until when the pipes of an ended child are waited for, unless they close before.
    drain_until: Option<Instant>,
}

impl Process {
    /// Starts the command; `input` connects its standard input to [`Process::send`].
    ///
    /// # Errors
    /// One line that names the program and why it does not start.
    pub fn spawn(mut command: Command, input: bool) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        command
            .stdin(if input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        end_with_us(&mut command);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("{name} is not installed; Debian and Ubuntu have it in qemu-system-x86")
            }
            _ => format!("{name} does not start: {error}"),
        })?;
        let (sender, lines) = sync_channel(1024);
        if let Some(pipe) = child.stdout.take() {
            forward(pipe, sender.clone(), Output::Out);
        }
        if let Some(pipe) = child.stderr.take() {
            forward(pipe, sender, Output::Err);
        }
        Ok(Process {
            input: child.stdin.take(),
            child,
            lines,
            status: None,
            drain_until: None,
        })
    }

    /// Process id.
    #[cfg(test)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to the child's standard input.
    ///
    /// # Errors
    /// The child has closed it or was started without one.
    pub fn send(&mut self, line: &str) -> std::io::Result<()> {
        let input = self.input.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        input.write_all(line.as_bytes())?;
        input.write_all(b"\n")?;
        input.flush()
    }

    /// Waits for the next line or the end.
    pub fn next(&mut self, wait: Duration) -> Event {
        match self.lines.recv_timeout(wait) {
            Ok(line) => {
                self.drain_until = None;
                return Event::Line(line);
            }
            // Both pipes are closed: the process is about to end, or has given up its output.
            Err(RecvTimeoutError::Disconnected) => {
                if self.status.is_none() {
                    std::thread::sleep(wait.min(Duration::from_millis(20)));
                }
                self.drain_until = Some(Instant::now());
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap_or_default();
        }
        let Some(status) = self.status else {
            return Event::Quiet;
        };
        // A grandchild may keep the pipes open, so their end is not waited for without bound. On a busy machine the
        // threads that read them can come late, and the last line is the report.
        let until = *self
            .drain_until
            .get_or_insert_with(|| Instant::now() + DRAIN);
        if Instant::now() >= until {
            Event::Ended(status)
        } else {
            Event::Quiet
        }
    }

    /// Kills the process and all it has started, and waits for its end.
    pub fn kill(&mut self) {
        kill_group(&mut self.child);
        self.status = self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn forward(
    pipe: impl Read + Send + 'static,
    sender: SyncSender<Output>,
    kind: fn(String) -> Output,
) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            if sender.send(kind(text.to_owned())).is_err() {
                break;
            }
        }
    });
}

/// Puts the child into its own process group, so that all of it can be killed at once and Ctrl-C
/// reaches only the runner, and has Linux kill it when the runner is gone.
#[cfg(target_os = "linux")]
fn end_with_us(command: &mut Command) {
    use rustix::process::{Signal, set_parent_process_death_signal};
    use std::os::unix::process::CommandExt;
    command.process_group(0);
    // SAFETY: the closure makes one system call and touches no memory of the parent, which is all
    // that is allowed between fork and exec.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_us(_command: &mut Command) {}

#[cfg(target_os = "linux")]
fn kill_group(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    // The group exists as long as any member does, so this also ends what an ended leader left.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(target_os = "linux"))]
fn kill_group(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::spawn(command, true).unwrap()
    }

    fn alive(pid: u32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn lines_come_before_the_end() {
        let mut process = sh("read x; echo \"got $x\"; echo bad >&2; printf last; exit 3");
        process.send("hello").unwrap();
        let mut lines = Vec::new();
        let status = loop {
            match process.next(Duration::from_secs(5)) {
                Event::Line(line) => lines.push(line),
                Event::Quiet => {}
                Event::Ended(status) => break status,
            }
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!(lines.len(), 3);
        for line in [
            Output::Out("got hello".to_owned()),
            Output::Err("bad".to_owned()),
            Output::Out("last".to_owned()),
        ] {
            assert!(lines.contains(&line), "{lines:?}");
        }
    }

    #[test]
    fn drop_ends_the_process_and_its_children() {
        let mut process = sh("sleep 1000 & echo $!; wait");
        let Event::Line(Output::Out(child)) = process.next(Duration::from_secs(5)) else {
            panic!("no line");
        };
        let (parent, child) = (process.id(), child.parse().unwrap());
        assert!(alive(parent) && alive(child));
        drop(process);
        let gone_by = Instant::now() + Duration::from_secs(5);
        while alive(child) && Instant::now() < gone_by {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!alive(parent) && !alive(child));
    }

    #[test]
    fn a_missing_program_is_named() {
        let why = Process::spawn(Command::new("no-such-qemu"), false).unwrap_err();
        assert!(why.contains("no-such-qemu is not installed"), "{why}");
    }

    #[test]
    fn a_line_that_comes_late_comes_before_the_end() {
        let mut process = sh("(sleep 1; echo report) & exit 0");
        let mut lines = Vec::new();
        loop {
            match process.next(Duration::from_millis(50)) {
                Event::Line(line) => lines.push(line),
                Event::Quiet => {}
                Event::Ended(_) => break,
            }
        }
        assert_eq!(lines, [Output::Out("report".to_owned())]);
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipe_does_not_delay_the_end() {
        let mut process = sh("sleep 1000 & exit 0");
        let start = Instant::now();
        loop {
            if let Event::Ended(_) = process.next(Duration::from_millis(50)) {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(10));
        }
    }
}
