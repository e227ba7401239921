// SPDX-License-Identifier: MIT OR Apache-2.0
//! First look at the driver image, before a VM is started for it: is it a kernel-mode PE for
//! 64-bit x86? The checked host binds the imports and names one that it does not have.

use object::read::pe::PeFile64;
use object::{FileKind, Object, pe};
use std::path::Path;

/// Checks that a 64-bit Windows kernel could load the image as a miniport.
///
/// # Errors
/// One line with the file and what is wrong with it.
pub fn check_file(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| format!("{shown}: cannot read: {error}"))?;
    check(&bytes).map_err(|why| format!("{shown}: {why}"))
}

fn check(bytes: &[u8]) -> Result<(), String> {
    const WANTED: &str = "a driver image (.sys) for x86-64 is needed";
    if bytes.is_empty() {
        return Err(format!("the file is empty; {WANTED}"));
    }
    if !bytes.starts_with(b"MZ") {
        let what = if bytes.starts_with(b"\x7fELF") {
            "it is an ELF file"
        } else if bytes.is_ascii() {
            "it is a text file"
        } else {
            "it does not start with \"MZ\""
        };
        return Err(format!("not a PE image: {what}; {WANTED}"));
    }
    match FileKind::parse(bytes) {
        Ok(FileKind::Pe64) => {}
        Ok(FileKind::Pe32) => return Err(format!("a 32-bit PE image; {WANTED}")),
        Ok(kind) => return Err(format!("not a PE image: it is of kind {kind:?}; {WANTED}")),
        Err(error) => return Err(format!("not a PE image: {error}; {WANTED}")),
    }
    let image = PeFile64::parse(bytes).map_err(|error| format!("a broken PE image: {error}"))?;
    let header = image.nt_headers();
    let machine = header.file_header.machine.get(object::LittleEndian);
    if machine != pe::IMAGE_FILE_MACHINE_AMD64 {
        let cpu = match machine {
            pe::IMAGE_FILE_MACHINE_ARM64 => "ARM64".to_owned(),
            pe::IMAGE_FILE_MACHINE_IA64 => "Itanium".to_owned(),
            other => format!("machine {other:#06x}"),
        };
        return Err(format!("a PE image for another CPU ({cpu}); {WANTED}"));
    }
    let subsystem = header.optional_header.subsystem.get(object::LittleEndian);
    if subsystem != pe::IMAGE_SUBSYSTEM_NATIVE {
        return Err(format!(
            "its subsystem is {subsystem}, a driver's is native (1): is it a program or a DLL?"
        ));
    }
    if header
        .optional_header
        .address_of_entry_point
        .get(object::LittleEndian)
        == 0
    {
        return Err("it has no entry point, so no DriverEntry".to_owned());
    }
    let imports = image
        .imports()
        .and_then(Iterator::collect::<object::Result<Vec<_>>>)
        .map_err(|error| format!("its import table is broken: {error}"))?;
    if !imports
        .iter()
        .any(|import| import.library().eq_ignore_ascii_case(b"ndis.sys"))
    {
        return Err("it imports nothing from ndis.sys, so it is no NDIS miniport".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_named() {
        for (bytes, want) in [
            (&b""[..], "empty"),
            (b"just text\n", "text file"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0", "ELF"),
            (b"\xFF\xFE\x00\x01", "MZ"),
            (b"MZ", "not a PE image"),
            (&[b'M', b'Z', 0, 0, 0, 0, 0, 0], "not a PE image"),
        ] {
            let why = check(bytes).unwrap_err();
            assert!(why.contains(want), "{why}");
        }
    }

    /// Headers of a PE file without sections.
    fn headers(machine: u16, magic: u16, subsystem: u16, entry: u32) -> Vec<u8> {
        let optional: usize = if magic == 0x20B { 240 } else { 224 };
        let mut bytes = vec![0; 0x80 + 24 + optional];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3C] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
        bytes[0x94..0x96].copy_from_slice(&u16::try_from(optional).unwrap().to_le_bytes());
        let at = 0x98;
        bytes[at..at + 2].copy_from_slice(&magic.to_le_bytes());
        bytes[at + 16..at + 20].copy_from_slice(&entry.to_le_bytes());
        bytes[at + 68..at + 70].copy_from_slice(&subsystem.to_le_bytes());
        let directories = at + optional - 16 * 8 - 4;
        bytes[directories..directories + 4].copy_from_slice(&16_u32.to_le_bytes());
        bytes
    }

    #[test]
    fn images_for_other_machines_and_purposes_are_named() {
        for (bytes, want) in [
            (headers(0x14C, 0x10B, 1, 16), "32-bit"),
            (headers(0xAA64, 0x20B, 1, 16), "ARM64"),
            (headers(0x8664, 0x20B, 3, 16), "subsystem is 3"),
            (headers(0x8664, 0x20B, 1, 0), "entry point"),
            (headers(0x8664, 0x20B, 1, 16), "ndis.sys"),
        ] {
            let why = check(&bytes).unwrap_err();
            assert!(why.contains(want), "{why}");
        }
    }
}
