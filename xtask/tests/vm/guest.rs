// SPDX-License-Identifier: MIT OR Apache-2.0
//! The runner with the real QEMU and the smallest guest there is, made here byte by byte: it
//! writes a text to the debug console and then ends QEMU, spins, or resets the machine.

use super::outcome::assert_one_line;
use super::{Bench, finish};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the guest is loaded and entered.
const BASE: u32 = 0x10_0000;

/// `mov esi, text; next: lodsb; test al, al; jz done; out 0xE9, al; jmp next; done:`
fn print(text: u32) -> Vec<u8> {
    let mut code = vec![0xBE];
    code.extend(text.to_le_bytes());
    code.extend([0xAC, 0x84, 0xC0, 0x74, 0x04, 0xE6, 0xE9, 0xEB, 0xF7]);
    code
}

/// `xor eax, eax; out 0xF4, al; cli; hlt`
const EXIT: &[u8] = &[0x31, 0xC0, 0xE6, 0xF4, 0xFA, 0xF4];
/// `jmp .`
const SPIN: &[u8] = &[0xEB, 0xFE];
/// `lidt [esp]` of nothing, then `int3`: no handler for the exception, so a triple fault.
const RESET: &[u8] = &[0x6A, 0x00, 0x6A, 0x00, 0x0F, 0x01, 0x1C, 0x24, 0xCC];

/// A 32-bit ELF file with a PVH entry note: headers, note, code, text.
fn elf(text: &str, end: &[u8]) -> Vec<u8> {
    const CODE: u32 = 52 + 2 * 32 + 20;
    // A stack, for `RESET` pushes.
    let mut code = vec![0xBC];
    code.extend((BASE + 0x8000).to_le_bytes());
    let length = code.len() + print(0).len() + end.len();
    code.extend(print(BASE + CODE + u32::try_from(length).unwrap()));
    code.extend(end);
    let size = CODE + u32::try_from(code.len() + text.len() + 1).unwrap();

    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([2, 0, 3, 0]); // executable, 386
    for word in [1, BASE + CODE, 52, 0, 0] {
        file.extend(u32::to_le_bytes(word));
    }
    file.extend([52, 0, 32, 0, 2, 0, 40, 0, 0, 0, 0, 0]);
    // The whole file is loaded; the note lies behind the program headers.
    for word in [1, 0, BASE, BASE, size, 0x10_000, 7, 0x1000] {
        file.extend(u32::to_le_bytes(word));
    }
    let note = 52 + 2 * 32;
    for word in [4, note, BASE + note, BASE + note, 20, 20, 4, 4] {
        file.extend(u32::to_le_bytes(word));
    }
    for word in [4, 4, 18, u32::from_le_bytes(*b"Xen\0"), BASE + CODE] {
        file.extend(u32::to_le_bytes(word));
    }
    file.extend(code);
    file.extend(text.bytes());
    file.push(0);
    file
}

fn run(text: &str, end: &[u8], arguments: &[&str]) -> (i32, String, String) {
    let bench = Bench::new();
    bench.write("host.elf", &elf(text, end));
    let mut command = bench.vm_on(Path::new("qemu-system-x86_64"));
    let outcome = finish(command.args(arguments));
    // The guest's path is on QEMU's command line, and on no other process' any more.
    let host = bench.path("host.elf");
    let host = host.to_str().unwrap();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        assert!(!line.contains(host), "still there: {line}");
    }
    outcome
}

#[test]
fn records_arrive_from_a_real_vm() {
    let folder = tempfile::tempdir().unwrap();
    let pcap = folder.path().join("a,b.pcap");
    let text = "hello\n@{\"type\":\"step\",\"what\":\"first\"}\n\
                @{\"type\":\"fatal\",\"what\":\"no device at 0:4.0\"}\n";
    let arguments = ["--cpus", "4", "--pcap", pcap.to_str().unwrap()];
    let outcome = run(text, EXIT, &arguments);
    assert_one_line(&outcome, &["vm: no device at 0:4.0"]);
    assert!(outcome.1.contains("hello") && outcome.1.contains("first"));
    // QEMU has written at least the file's header.
    assert!(std::fs::metadata(&pcap).unwrap().len() >= 24);
}

#[test]
fn a_real_vm_that_hangs_is_ended() {
    let start = Instant::now();
    let text = "@{\"type\":\"step\",\"what\":\"spin\"}\n";
    let outcome = run(text, SPIN, &["--time-limit", "3"]);
    assert_one_line(&outcome, &["hangs in step \"spin\"", "3 s"]);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_real_vm_that_resets_is_one_line() {
    let outcome = run("@{\"type\":\"step\",\"what\":\"fall\"}\n", RESET, &[]);
    assert_one_line(&outcome, &["in step \"fall\"", "triple fault"]);
}

#[test]
fn a_host_that_is_no_kernel_is_one_line() {
    let bench = Bench::new();
    let outcome = finish(&mut bench.vm_on(Path::new("qemu-system-x86_64")));
    assert_one_line(&outcome, &["before its first step", "QEMU says"]);
}
