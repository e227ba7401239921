// SPDX-License-Identifier: MIT OR Apache-2.0
//! Input that cannot be run: exit status 2, one line, no VM.

use super::outcome::assert_one_line;
use super::{Bench, finish, image};
use std::path::Path;

#[test]
fn files_that_are_no_driver() {
    for (bytes, words) in [
        (Vec::new(), ["x.sys", "empty"]),
        (b"#!/bin/sh\n".to_vec(), ["x.sys", "text file"]),
        (std::fs::read("/proc/self/exe").unwrap(), ["x.sys", "ELF"]),
        (image::for_machine(0xAA64), ["x.sys", "ARM64"]),
        (image::driver()[..0x100].to_vec(), ["x.sys", "PE image"]),
    ] {
        let bench = Bench::new();
        bench.write("x.sys", &bytes);
        assert_one_line(&finish(&mut bench.vm("ok")), &words);
        assert!(!bench.path("pid").exists(), "a VM was started");
    }
}

#[test]
fn missing_files_and_tools() {
    let bench = Bench::new();
    std::fs::remove_file(bench.path("x.sys")).unwrap();
    assert_one_line(&finish(&mut bench.vm("ok")), &["x.sys", "cannot read"]);

    let bench = Bench::new();
    std::fs::remove_file(bench.path("host.elf")).unwrap();
    assert_one_line(&finish(&mut bench.vm("ok")), &["host.elf", "./dev build"]);

    let outcome = finish(&mut Bench::new().vm_on(Path::new("qemu-system-none")));
    assert_one_line(
        &outcome,
        &["qemu-system-none is not installed", "qemu-system-x86"],
    );
}

#[test]
fn infs_without_the_device() {
    const OURS: &[u8] = include_bytes!("../../../inf/ndis_e1000e.inx");
    let other = String::from_utf8_lossy(OURS).replace("DEV_10D3", "DEV_1533");
    for (inf, words) in [
        (
            other.as_bytes(),
            ["y.inf", "PCI\\VEN_8086&DEV_10D3&SUBSYS_00008086&REV_00"],
        ),
        (b"nothing", ["y.inf", "line 1"]),
        (b"[Version]\n", ["y.inf", "[Manufacturer]"]),
    ] {
        let mut bench = Bench::new();
        bench.inf = bench.write("y.inf", inf);
        assert_one_line(&finish(&mut bench.vm("ok")), &words);
    }
}

#[test]
fn options_that_cannot_be() {
    let mut bench = Bench::new();
    for (arguments, words) in [
        (["--device", "nosuch"], ["nosuch", "does not know it"]),
        (["--device", "usb-thing"], ["usb-thing", "not a PCI device"]),
        (
            ["--pcap", "/no/such/folder/x.pcap"],
            ["--pcap", "cannot write"],
        ),
    ] {
        assert_one_line(&finish(bench.vm("ok").args(arguments)), &words);
    }
    bench.scenario = "nonsense";
    assert_one_line(&finish(&mut bench.vm("ok")), &["nonsense", "--list"]);
    bench.scenario = "traffic";
    for (arguments, words) in [
        (["--irq", "both"], ["'both' for '--irq", "msix"]),
        (["--cpus", "0"], ["'0' for '--cpus", "1..=16"]),
        (["--cpus", "17"], ["'17' for '--cpus", "1..=16"]),
        (["--messages", "0"], ["'0' for '--messages", "1..=2048"]),
        (["--set", "=3"], ["'=3' for '--set", "NAME=VALUE"]),
        (["--seed", "-1"], ["'-1'", "unexpected"]),
        (["--frobnicate", "x"], ["--frobnicate", "unexpected"]),
    ] {
        assert_one_line(&finish(bench.vm("ok").args(arguments)), &words);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_the_run() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("r.json")).unwrap();
    let words = ["--json", "r.json", "directory"];
    assert_one_line(&finish(&mut bench.vm("ok")), &words);
    assert!(!bench.path("pid").exists(), "QEMU was started");
}

#[test]
fn real_qemu_is_asked_about_any_device() {
    for (device, words) in [
        (
            "edu",
            [
                "ndis_e1000e.inx",
                "PCI\\VEN_1234&DEV_11E8&SUBSYS_11001AF4&REV_10",
            ],
        ),
        ("rtl8139", ["ndis_e1000e.inx", "PCI\\VEN_10EC&DEV_8139"]),
        (
            "virtio-net-pci",
            ["ndis_e1000e.inx", "PCI\\VEN_1AF4&DEV_1000"],
        ),
        ("e1000e,nonsense=1", ["--device", "nonsense"]),
        ("nosuch", ["nosuch", "does not know it"]),
    ] {
        let bench = Bench::new();
        let qemu = Path::new("qemu-system-x86_64");
        let outcome = finish(bench.vm_on(qemu).args(["--device", device]));
        assert_one_line(&outcome, &words);
    }
}

#[test]
fn the_list_needs_nothing() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
    let (status, stdout, _) = finish(command.args(["vm", "--list"]));
    assert_eq!(status, 0);
    assert!(stdout.contains("traffic") && stdout.contains("basic"));
}
