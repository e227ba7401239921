// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a run comes to, by what the host said.

use super::{Bench, alive, assert_gone, finish};
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Asserts exit status 2 with exactly one line on standard error that contains `words`.
pub fn assert_one_line(outcome: &(i32, String, String), words: &[&str]) {
    let (status, _, stderr) = outcome;
    assert_eq!(*status, 2, "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} not in {stderr}");
    }
}

#[test]
fn all_held() {
    let bench = Bench::new();
    let (status, stdout, stderr) = finish(&mut bench.vm("ok"));
    assert_eq!((status, stderr.as_str()), (0, ""));
    for text in ["load", "booting", "msix, 5 messages", "verdict     ok"] {
        assert!(stdout.contains(text), "{stdout}");
    }
    let report = bench.report();
    assert_eq!(report["result"], "ok");
    assert_eq!(report["interrupt"]["messages"], 5);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    assert_gone(bench.pid());
}

#[test]
fn a_violation_names_rule_and_handler() {
    for fake in ["violation", "unreported"] {
        let bench = Bench::new();
        let (status, stdout, stderr) = finish(&mut bench.vm(fake));
        assert_eq!(status, 1, "{stderr}");
        for text in ["X-26", "MiniportInterrupt", "IRQL 5 at return"] {
            assert!(
                stderr.contains(text) && stdout.contains(text),
                "{stdout}{stderr}"
            );
        }
        let report = bench.report();
        assert_eq!(report["result"], "failed");
        let violations = report["verifier"]["violations"].as_array().unwrap();
        assert_eq!(violations.len(), 1, "{fake}");
        assert_eq!(violations[0]["where"], "MiniportInterrupt");
    }
}

#[test]
fn a_leak_fails_although_the_host_says_ok() {
    let bench = Bench::new();
    let (status, _, stderr) = finish(&mut bench.vm("leak"));
    assert_eq!(status, 1, "{stderr}");
    assert!(stderr.contains("leak (H-04): 3 objects"), "{stderr}");
    assert_eq!(bench.report()["result"], "failed");
}

#[test]
fn another_interrupt_than_asked_for_fails() {
    let bench = Bench::new();
    let (status, _, stderr) = finish(bench.vm("ok").args(["--irq", "line"]));
    assert_eq!(status, 1, "{stderr}");
    assert!(stderr.contains("--irq line"), "{stderr}");
}

#[test]
fn transfers_are_compared_with_what_the_server_saw() {
    let mut bench = Bench::new();
    bench.scenario = "traffic";
    let (status, stdout, stderr) = finish(bench.vm("traffic").args(["--transfer", "1"]));
    assert_eq!(status, 0, "{stdout}{stderr}");
    assert!(
        stdout.contains("1048576 bytes down, 1048576 up, SHA-256 equal"),
        "{stdout}"
    );

    let (status, _, stderr) = finish(bench.vm("lying").args(["--transfer", "1"]));
    assert_eq!(status, 1, "{stderr}");
    assert!(
        stderr.contains("the server saw no whole and intact transfer"),
        "{stderr}"
    );
}

#[test]
fn what_the_host_cannot_do_is_one_line() {
    let bench = Bench::new();
    let outcome = finish(&mut bench.vm("fatal"));
    assert_one_line(&outcome, &["x.sys", "ndis.sys!NdisNoSuchThing"]);
    assert_eq!(bench.report()["result"], "failed");
    assert!(
        bench.report()["reason"]
            .as_str()
            .unwrap()
            .contains("NdisNoSuchThing")
    );
}

#[test]
fn a_hang_names_the_last_step_and_leaves_nothing() {
    let bench = Bench::new();
    let start = Instant::now();
    let outcome = finish(bench.vm("hang").args(["--time-limit", "1"]));
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_one_line(&outcome, &["hangs in step \"initialise\"", "1 s"]);
    assert_gone(bench.pid());
}

#[test]
fn a_violation_counts_more_than_the_hang_after_it() {
    let bench = Bench::new();
    let (status, _, stderr) = finish(bench.vm("violation-hang").args(["--time-limit", "1"]));
    assert_eq!(status, 1, "{stderr}");
    for text in ["X-26", "hangs in step \"halt\""] {
        assert!(stderr.contains(text), "{stderr}");
    }
    assert_gone(bench.pid());
}

#[test]
fn a_vm_that_lingers_after_its_report_is_ended() {
    let bench = Bench::new();
    let (status, _, stderr) = finish(&mut bench.vm("linger"));
    assert_eq!(status, 0, "{stderr}");
    assert_gone(bench.pid());
}

#[test]
fn a_crash_without_a_report_is_one_line() {
    for (fake, words) in [
        ("crash", ["in step \"initialise\"", "triple fault"]),
        ("error", ["in step \"load\"", "cannot load kernel"]),
        ("garbage", ["cannot read", "\"rule\":17"]),
    ] {
        assert_one_line(&finish(&mut Bench::new().vm(fake)), &words);
    }
}

#[test]
fn output_that_is_no_text_does_no_harm() {
    let (status, _, stderr) = finish(&mut Bench::new().vm("binary"));
    assert_eq!(status, 0, "{stderr}");
}

/// Starts a run that hangs and waits until the stand-in is there.
fn hanging(bench: &Bench) -> (Child, u32) {
    let mut command = bench.vm("hang");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let runner = command.spawn().unwrap();
    let pid = bench.pid();
    assert!(alive(pid));
    (runner, pid)
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_signal_to_the_runner_ends_the_vm() {
    for signal in [Signal::INT, Signal::TERM] {
        let bench = Bench::new();
        let (mut runner, pid) = hanging(&bench);
        send(&runner, signal);
        assert_eq!(runner.wait().unwrap().code(), Some(2));
        assert_gone(pid);
        assert!(
            bench.report()["reason"]
                .as_str()
                .unwrap()
                .contains("interrupted")
        );
    }
}

#[test]
fn the_vm_does_not_outlive_a_killed_runner() {
    let bench = Bench::new();
    let (mut runner, pid) = hanging(&bench);
    send(&runner, Signal::KILL);
    runner.wait().unwrap();
    assert_gone(pid);
}
