// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small, correct driver image, made byte by byte for the tests to break.

/// Offset of the PE signature.
const PE: usize = 0x80;
/// Offset of the optional header.
const OPTIONAL: usize = PE + 24;
/// Offset of the section table.
const SECTIONS: usize = OPTIONAL + 240;

/// Offset of `Machine`.
pub const MACHINE: usize = PE + 4;
/// Offset of the file header's `Characteristics`.
pub const CHARACTERISTICS: usize = PE + 22;
/// Offset of `AddressOfEntryPoint`.
pub const ENTRY: usize = OPTIONAL + 16;
/// Offset of `Subsystem`.
pub const SUBSYSTEM: usize = OPTIONAL + 68;
/// Offset of `DllCharacteristics`.
pub const DLL_CHARACTERISTICS: usize = OPTIONAL + 70;
/// Offset of the code section's flags.
pub const TEXT_FLAGS: usize = SECTIONS + 36;
/// Address of the code section.
pub const TEXT: u32 = 0x1000;
/// Address of the read-only data.
pub const RDATA: u32 = 0x2000;
/// Address of the one relocated pointer.
pub const POINTER: u32 = RDATA + 0x100;
/// Address of the relocations.
const RELOC: u32 = 0x3000;
/// Address that it is linked for.
const BASE: u64 = 0x1_8000_0000;

/// Offset of a data directory.
pub const fn directory(index: usize) -> usize {
    OPTIONAL + 112 + index * 8
}

/// Offset in the file of an address in the read-only data.
pub const fn rdata(rva: u32) -> usize {
    0x400 + (rva - RDATA) as usize
}

/// Offset in the file of the first imported library's name.
pub const LIBRARY: usize = rdata(RDATA + 0xC0);

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The image: one function, imports of one name from each of two images, one relocated pointer.
pub fn image() -> Vec<u8> {
    let mut image = vec![0; 0x800];
    let it = &mut image;
    put(it, 0, b"MZ");
    put(it, 0x3C, &(PE as u32).to_le_bytes());
    put(it, PE, b"PE\0\0");
    put(it, MACHINE, &0x8664u16.to_le_bytes());
    put(it, PE + 6, &3u16.to_le_bytes());
    put(it, PE + 20, &240u16.to_le_bytes());
    put(it, CHARACTERISTICS, &0x2022u16.to_le_bytes());
    put(it, OPTIONAL, &0x20Bu16.to_le_bytes());
    put(it, ENTRY, &TEXT.to_le_bytes());
    put(it, OPTIONAL + 24, &BASE.to_le_bytes());
    put(it, OPTIONAL + 32, &0x1000u32.to_le_bytes());
    put(it, OPTIONAL + 36, &0x200u32.to_le_bytes());
    put(it, OPTIONAL + 56, &0x4000u32.to_le_bytes());
    put(it, OPTIONAL + 60, &0x200u32.to_le_bytes());
    put(it, SUBSYSTEM, &1u16.to_le_bytes());
    put(it, DLL_CHARACTERISTICS, &0x21E0u16.to_le_bytes());
    put(it, OPTIONAL + 108, &16u32.to_le_bytes());
    put(it, directory(1), &RDATA.to_le_bytes());
    put(it, directory(1) + 4, &60u32.to_le_bytes());
    put(it, directory(5), &RELOC.to_le_bytes());
    put(it, directory(5) + 4, &12u32.to_le_bytes());
    for (index, (name, rva, offset, flags)) in [
        (&b".text"[..], TEXT, 0x200u32, 0x6000_0020u32),
        (b".rdata", RDATA, 0x400, 0x4000_0040),
        (b".reloc", RELOC, 0x600, 0x4200_0040),
    ]
    .into_iter()
    .enumerate()
    {
        let at = SECTIONS + index * 40;
        put(it, at, name);
        for (field, value) in [
            (8, 0x200),
            (12, rva),
            (16, 0x200),
            (20, offset),
            (36, flags),
        ] {
            put(it, at + field, &u32::to_le_bytes(value));
        }
    }
    // The function: ret.
    put(it, 0x200, &[0xC3]);
    // Two import descriptors: lookup table, name, address table.
    for (index, (lookup, name, slots, hint)) in [
        (0x60u32, 0xC0u32, 0x80u32, 0xA0u32),
        (0x70, 0xD0, 0x90, 0xE0),
    ]
    .into_iter()
    .enumerate()
    {
        let at = rdata(RDATA) + index * 20;
        put(it, at, &(RDATA + lookup).to_le_bytes());
        put(it, at + 12, &(RDATA + name).to_le_bytes());
        put(it, at + 16, &(RDATA + slots).to_le_bytes());
        put(
            it,
            rdata(RDATA + lookup),
            &u64::from(RDATA + hint).to_le_bytes(),
        );
        put(
            it,
            rdata(RDATA + slots),
            &u64::from(RDATA + hint).to_le_bytes(),
        );
    }
    put(it, rdata(RDATA + 0xA2), b"KeBugCheckEx\0");
    put(it, LIBRARY, b"ntoskrnl.exe\0");
    put(it, rdata(RDATA + 0xD0), b"NDIS.SYS\0");
    put(it, rdata(RDATA + 0xE2), b"NdisGetVersion\0");
    put(it, rdata(POINTER), &(BASE + u64::from(TEXT)).to_le_bytes());
    // One relocation block with one 64-bit relocation and one for padding.
    put(it, 0x600, &RDATA.to_le_bytes());
    put(it, 0x604, &12u32.to_le_bytes());
    put(
        it,
        0x608,
        &(0xA000u16 | (POINTER - RDATA) as u16).to_le_bytes(),
    );
    image
}
