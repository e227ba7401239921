// SPDX-License-Identifier: MIT OR Apache-2.0
//! The image loader, on an image that is made here.

use alloc::{string::String, vec, vec::Vec};

use super::{
    super::{call, fault, vspace},
    Checks, probe,
};
use crate::pe::{self, Image};

/// Section offsets of the made image: one page each, 0x200 bytes in the file.
const TEXT: u32 = 0x1000;
const RDATA: u32 = 0x2000;
const DATA: u32 = 0x3000;
const PAGE_SECTION: u32 = 0x4000;
const INIT: u32 = 0x5000;
const RELOC: u32 = 0x6000;
const SIZE: u32 = 0x7000;
const PREFERRED: u64 = 0x1_4000_0000;

/// A writer over the image's bytes.
struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }
    fn half(&mut self, at: usize, value: u16) {
        self.put(at, &value.to_le_bytes());
    }
    fn word(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }
    fn long(&mut self, at: usize, value: u64) {
        self.put(at, &value.to_le_bytes());
    }
}

/// A driver with one import, one pointer to relocate, and the usual sections.
fn made() -> Bytes {
    const NT: usize = 0x80;
    const OPTIONAL: usize = NT + 24;
    const SECTIONS: usize = OPTIONAL + 240;
    let mut b = Bytes(vec![0; 0x400 + 6 * 0x200]);
    b.put(0, b"MZ");
    b.word(0x3C, NT as u32);
    b.put(NT, b"PE\0\0");
    b.half(NT + 4, 0x8664);
    b.half(NT + 6, 6);
    b.half(NT + 20, 240);
    // Executable, large addresses.
    b.half(NT + 22, 0x22);
    b.half(OPTIONAL, 0x20B);
    b.word(OPTIONAL + 16, INIT);
    b.word(OPTIONAL + 20, TEXT);
    b.long(OPTIONAL + 24, PREFERRED);
    b.word(OPTIONAL + 32, 0x1000);
    b.word(OPTIONAL + 36, 0x200);
    b.word(OPTIONAL + 56, SIZE);
    b.word(OPTIONAL + 60, 0x400);
    b.half(OPTIONAL + 68, 1);
    b.word(OPTIONAL + 108, 16);
    // Import table and relocations.
    b.word(OPTIONAL + 112 + 8, RDATA);
    b.word(OPTIONAL + 112 + 12, 40);
    b.word(OPTIONAL + 112 + 40, RELOC);
    b.word(OPTIONAL + 112 + 44, 12);
    let sections: [(&[u8], u32, u32); 6] = [
        (b".text", TEXT, 0x6800_0020),
        (b".rdata", RDATA, 0x4800_0040),
        (b".data", DATA, 0xC800_0040),
        (b"PAGE", PAGE_SECTION, 0x6000_0020),
        (b"INIT", INIT, 0x6200_0020),
        (b".reloc", RELOC, 0x4200_0040),
    ];
    for (index, (name, rva, flags)) in sections.into_iter().enumerate() {
        let at = SECTIONS + index * 40;
        b.put(at, name);
        b.word(at + 8, 0x200);
        b.word(at + 12, rva);
        b.word(at + 16, 0x200);
        b.word(at + 20, file(rva) as u32);
        b.word(at + 36, flags);
    }
    // .text: jmp [rip + import slot].
    b.put(file(TEXT), &[0xFF, 0x25]);
    b.word(file(TEXT) + 2, RDATA + 0x60 - (TEXT + 6));
    // PAGE: mov eax, 7; ret.
    b.put(file(PAGE_SECTION), &[0xB8, 7, 0, 0, 0, 0xC3]);
    // INIT: mov rax, [rip + pointer in .data]; jmp rax. The pointer holds .text's address.
    b.put(file(INIT), &[0x48, 0x8B, 0x05]);
    b.word(file(INIT) + 3, DATA.wrapping_sub(INIT + 7));
    b.put(file(INIT) + 7, &[0xFF, 0xE0]);
    b.long(file(DATA), PREFERRED + u64::from(TEXT));
    // Import descriptor: names at 0x40, image name at 0x80, slots at 0x60.
    b.word(file(RDATA), RDATA + 0x40);
    b.word(file(RDATA) + 12, RDATA + 0x80);
    b.word(file(RDATA) + 16, RDATA + 0x60);
    b.long(file(RDATA) + 0x40, u64::from(RDATA + 0xA0));
    b.long(file(RDATA) + 0x60, u64::from(RDATA + 0xA0));
    b.put(file(RDATA) + 0x80, b"NTOSKRNL.exe\0");
    b.put(file(RDATA) + 0xA2, b"AddOne\0");
    // One 64-bit relocation at .data.
    b.word(file(RELOC), DATA);
    b.word(file(RELOC) + 4, 12);
    b.half(file(RELOC) + 8, 0xA000);
    b
}

const fn file(rva: u32) -> usize {
    0x400 + (rva as usize / 0x1000 - 1) * 0x200
}

extern "win64" fn add_one(value: u64) -> u64 {
    value + 1
}

pub fn run(checks: &mut Checks) {
    let image = match pe::load("made.sys", &made().0) {
        Ok(image) => image,
        Err(why) => {
            checks.equal("a good image loads", why, String::new());
            return;
        }
    };
    let import = &image.imports[0];
    checks.equal(
        "its import is found",
        (import.image.as_str(), import.name.as_str()),
        ("ntoskrnl.exe", "AddOne"),
    );
    let missing = image
        .bind(&|_, _| None)
        .err()
        .map(|missing| missing[0].name.clone());
    checks.equal(
        "a missing import is named",
        missing.as_deref(),
        Some("AddOne"),
    );
    let bound = image.bind(&|from, name| {
        (from == "ntoskrnl.exe" && name == "AddOne").then_some(add_one as *const () as usize)
    });
    checks.that("imports bind", bound.is_ok());
    let outcome = call::call_driver(image.entry, &[41]);
    checks.equal(
        "its entry runs over a relocated pointer and the import",
        (outcome.ret, outcome.bad),
        (42, None),
    );
    protection(checks, &image);
    let page = image.base + PAGE_SECTION as usize;
    checks.equal("pageable code runs", call::call_driver(page, &[]).ret, 7);
    image.set_pageable_present(false);
    checks.that(
        "pageable code taken away faults",
        probe::read(page).is_some(),
    );
    image.set_pageable_present(true);
    checks.equal("and comes back", call::call_driver(page, &[]).ret, 7);
    image.discard_init();
    let gone = probe::jump(image.entry);
    let text = gone.as_ref().map_or("no fault".into(), fault::describe);
    checks.contains(
        "discarded INIT faults by name",
        &text,
        "made.sys+0x5000 (section INIT)",
    );
    checks.contains(
        "the instruction is told as image+offset",
        &text,
        "at made.sys+0x5000",
    );
    image.unload();
    let text = probe::read(image.base + TEXT as usize)
        .as_ref()
        .map_or("no fault".into(), fault::describe);
    checks.contains(
        "an unloaded image faults by name",
        &text,
        "made.sys (unloaded)+0x1000",
    );
    bad_files(checks);
}

fn protection(checks: &mut Checks, image: &Image) {
    let at = |rva: u32| image.base + rva as usize;
    checks.that("code is not writable", probe::write(at(TEXT)).is_some());
    checks.that(
        "the import table is not writable",
        probe::write(at(RDATA)).is_some(),
    );
    checks.that(
        "headers are not writable",
        probe::write(image.base).is_some(),
    );
    checks.that("data is writable", vspace::is_mapped(at(DATA), 0x200, true));
    checks.that("data is not executable", probe::jump(at(DATA)).is_some());
    checks.equal(
        "sections are found by address",
        image.section_of(at(DATA) + 8).map(|s| s.name.as_str()),
        Some(".data"),
    );
}

fn bad_files(checks: &mut Checks) {
    let mut refuse = |name: &str, change: fn(&mut Bytes), part: &str| {
        let mut bytes = made();
        change(&mut bytes);
        let text = pe::load("bad.sys", &bytes.0)
            .err()
            .unwrap_or_else(|| "loaded".into());
        checks.contains(name, &text, part);
    };
    refuse(
        "an empty file is refused",
        |b| b.0.clear(),
        "not a PE image",
    );
    refuse(
        "a text file is refused",
        |b| b.put(0, b"Hello"),
        "not a PE image",
    );
    refuse(
        "a 32-bit driver is refused",
        |b| b.half(0x84, 0x14C),
        "built for x86 (32-bit)",
    );
    refuse(
        "an ARM64 driver is refused",
        |b| b.half(0x84, 0xAA64),
        "built for ARM64",
    );
    refuse(
        "a program is refused",
        |b| b.half(0x98 + 68, 3),
        "subsystem 3",
    );
    refuse(
        "no relocations: refused",
        |b| b.half(0x96, 0x23),
        "without relocations",
    );
    refuse(
        "a truncated file is refused",
        |b| b.0.truncate(0x900),
        "truncated",
    );
    refuse(
        "an entry point in data is refused",
        |b| b.word(0x98 + 16, DATA),
        "not in an executable section",
    );
    refuse(
        "a section outside the image is refused",
        |b| b.word(0x98 + 240 + 12, 0x90_0000),
        "does not fit",
    );
    refuse(
        "a wild relocation is refused",
        |b| b.word(file(RELOC), 0x7FFF_F000),
        "cannot be applied",
    );
}
