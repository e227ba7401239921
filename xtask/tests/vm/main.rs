// SPDX-License-Identifier: MIT OR Apache-2.0
//! The runner from outside: exit status, the one line on standard error, the JSON report and that
//! no QEMU is left, with a stand-in for QEMU that plays well and badly behaved hosts, and with
//! QEMU itself where it is only asked about devices.
#![cfg(target_os = "linux")]

mod bad_input;
mod guest;
mod image;
mod outcome;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A folder with a driver image and a host image, and what the command line says about them. The
/// INF is the project's own at first.
struct Bench {
    folder: tempfile::TempDir,
    inf: PathBuf,
    scenario: &'static str,
}

impl Bench {
    fn new() -> Self {
        let bench = Bench {
            folder: tempfile::tempdir().unwrap(),
            inf: Path::new(env!("CARGO_MANIFEST_DIR")).join("../inf/ndis_e1000e.inx"),
            scenario: "basic",
        };
        bench.write("x.sys", &image::driver());
        bench.write("host.elf", b"the stand-in boots anything");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `xtask vm` on the stand-in, which plays `fake`.
    fn vm(&self, fake: &str) -> Command {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm");
        let mut command = self.vm_on(&tests.join("fake_qemu.sh"));
        command.env("FAKE", fake).env("FAKE_PID", self.path("pid"));
        command
    }

    /// `xtask vm` on a QEMU.
    fn vm_on(&self, qemu: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(["vm", "--scenario", self.scenario, "--json"])
            .arg(self.path("r.json"))
            .arg("--qemu")
            .arg(qemu)
            .arg("--host")
            .arg(self.path("host.elf"))
            .arg("--driver")
            .arg(self.path("x.sys"))
            .arg("--inf")
            .arg(&self.inf);
        command
    }

    fn report(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.path("r.json")).unwrap()).unwrap()
    }

    /// The process id that the stand-in wrote.
    fn pid(&self) -> u32 {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let text = std::fs::read_to_string(self.path("pid")).unwrap_or_default();
            if let Ok(pid) = text.trim().parse() {
                return pid;
            }
            assert!(Instant::now() < until, "the stand-in did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Runs to the end and returns exit status, standard output and standard error.
fn finish(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    (
        status.code().expect("ended by a signal"),
        String::from_utf8_lossy(&stdout).into_owned(),
        String::from_utf8_lossy(&stderr).into_owned(),
    )
}

/// Whether the process runs; one that nobody has waited for yet does not.
fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn assert_gone(pid: u32) {
    let until = Instant::now() + Duration::from_secs(5);
    while alive(pid) {
        assert!(Instant::now() < until, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}
