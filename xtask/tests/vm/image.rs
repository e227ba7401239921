// SPDX-License-Identifier: MIT OR Apache-2.0
//! The smallest driver image: one section with an entry point and an import from ndis.sys.

/// Machine of the COFF header.
const AMD64: u16 = 0x8664;
/// Where the section lies in memory and in the file.
const SECTION: u32 = 0x1000;
const SECTION_IN_FILE: u32 = 0x400;
const SECTION_LENGTH: u32 = 0x200;

struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, at: u32, bytes: &[u8]) {
        let at = usize::try_from(at).unwrap();
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn put32(&mut self, at: u32, value: u32) {
        self.put(at, &value.to_le_bytes());
    }
}

/// A native x86-64 image.
pub fn driver() -> Vec<u8> {
    for_machine(AMD64)
}

/// The same for another machine.
pub fn for_machine(machine: u16) -> Vec<u8> {
    let length = usize::try_from(SECTION_IN_FILE + SECTION_LENGTH).unwrap();
    let mut image = Bytes(vec![0; length]);
    image.put(0, b"MZ");
    image.put32(0x3C, 0x80);
    image.put(0x80, b"PE\0\0");
    image.put(0x84, &machine.to_le_bytes());
    image.put(0x86, &1_u16.to_le_bytes()); // sections
    image.put(0x94, &240_u16.to_le_bytes()); // size of the optional header
    let optional = 0x98;
    image.put(optional, &0x20B_u16.to_le_bytes());
    image.put32(optional + 16, SECTION); // entry point
    image.put32(optional + 32, 0x1000); // section alignment
    image.put32(optional + 36, 0x200); // file alignment
    image.put32(optional + 56, 0x2000); // size of the image
    image.put32(optional + 60, SECTION_IN_FILE); // size of the headers
    image.put(optional + 68, &1_u16.to_le_bytes()); // native
    image.put32(optional + 108, 16); // data directories
    image.put32(optional + 120, SECTION + 0x10); // imports
    image.put32(optional + 124, 40);
    let header = optional + 240;
    image.put(header, b".text");
    image.put32(header + 8, SECTION_LENGTH);
    image.put32(header + 12, SECTION);
    image.put32(header + 16, SECTION_LENGTH);
    image.put32(header + 20, SECTION_IN_FILE);
    let data = SECTION_IN_FILE;
    image.put(data, &[0xC3]);
    image.put32(data + 0x10, SECTION + 0x60); // names
    image.put32(data + 0x10 + 12, SECTION + 0xA0); // library
    image.put32(data + 0x10 + 16, SECTION + 0x80); // addresses
    image.put32(data + 0x60, SECTION + 0xB0);
    image.put32(data + 0x80, SECTION + 0xB0);
    image.put(data + 0xA0, b"NDIS.SYS\0");
    image.put(data + 0xB2, b"NdisGetVersion\0");
    image.0
}
