// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the bytes of a file to what has to be put where, every offset checked. Pure.

use alloc::{format, string::String, vec::Vec};
use core::ops::Range;

use object::{
    LittleEndian as LE, pe,
    read::pe::{ImageOptionalHeader, Import as PeImport, PeFile64},
};

use super::{Import, Section};
use crate::machine::pages::PAGE;

/// Bytes of the file that go to an offset of the image.
pub struct Piece {
    /// Where in the file.
    pub file: Range<usize>,
    /// Where in the image.
    pub rva: usize,
}

/// What loading the file means. All addresses are offsets from the image's base.
pub struct Plan {
    /// Bytes in memory.
    pub size: usize,
    /// Address the image was linked for.
    pub preferred: u64,
    /// Entry point.
    pub entry: usize,
    /// Headers and sections.
    pub pieces: Vec<Piece>,
    /// 64-bit words that hold addresses.
    pub relocations: Vec<usize>,
    /// The security cookie.
    pub cookie: Option<usize>,
    /// Sections.
    pub sections: Vec<Section>,
    /// Imports.
    pub imports: Vec<Import>,
}

/// Larger images than this are refused.
const MAX_SIZE: usize = 64 << 20;

/// Checks the file and makes the plan. `Err`: what is wrong, without the file's name.
pub fn plan(bytes: &[u8]) -> Result<Plan, String> {
    kind(bytes)?;
    let file = PeFile64::parse(bytes).map_err(|error| format!("not a valid PE image: {error}"))?;
    let headers = file.nt_headers();
    let optional = &headers.optional_header;
    let flags = headers.file_header.characteristics.get(LE).0;
    if flags & pe::IMAGE_FILE_EXECUTABLE_IMAGE.0 == 0 {
        return Err("not an executable image (an object file, or linked with errors)".into());
    }
    if optional.subsystem() != pe::IMAGE_SUBSYSTEM_NATIVE {
        return Err(format!(
            "subsystem {}: a driver's is native (1)",
            optional.subsystem()
        ));
    }
    if flags & pe::IMAGE_FILE_RELOCS_STRIPPED.0 != 0 {
        return Err("linked without relocations: it cannot be loaded where there is room".into());
    }
    let size = optional.size_of_image() as usize;
    let entry = optional.address_of_entry_point() as usize;
    if size == 0
        || size > MAX_SIZE
        || !size.is_multiple_of(PAGE)
        || optional.section_alignment() as usize != PAGE
    {
        return Err(format!(
            "image size {size:#x} or section alignment {:#x} is not a driver's",
            optional.section_alignment()
        ));
    }
    let mut plan = Plan {
        size,
        preferred: optional.image_base(),
        entry,
        pieces: Vec::new(),
        relocations: Vec::new(),
        cookie: None,
        sections: Vec::new(),
        imports: Vec::new(),
    };
    let header_len = (optional.size_of_headers() as usize)
        .min(bytes.len())
        .min(size);
    plan.pieces.push(Piece {
        file: 0..header_len,
        rva: 0,
    });
    sections(bytes, &file, header_len, &mut plan)?;
    let inside_code = plan
        .sections
        .iter()
        .any(|section| section.exec && (section.va..section.va + section.size).contains(&entry));
    if !inside_code {
        return Err(format!(
            "the entry point {entry:#x} is not in an executable section"
        ));
    }
    relocations(bytes, &file, &mut plan)?;
    imports(&file, &mut plan)?;
    plan.cookie = cookie(bytes, &file, &plan);
    Ok(plan)
}

/// PE, 64-bit, x64: told apart for the sake of the message.
fn kind(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(b"MZ") {
        return Err("not a PE image (no MZ signature)".into());
    }
    let word = |at: usize| {
        bytes
            .get(at..at + 4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    };
    let nt = word(0x3C).unwrap_or(u32::MAX) as usize;
    if nt > bytes.len() || word(nt) != Some(pe::IMAGE_NT_SIGNATURE) {
        return Err("not a PE image (no PE signature)".into());
    }
    let machine = pe::Machine(word(nt + 4).unwrap_or(0) as u16);
    match machine {
        pe::IMAGE_FILE_MACHINE_AMD64 => Ok(()),
        pe::IMAGE_FILE_MACHINE_I386 => Err("built for x86 (32-bit), the host is x64".into()),
        pe::IMAGE_FILE_MACHINE_ARM64 => Err("built for ARM64, the host is x64".into()),
        pe::Machine(other) => Err(format!("built for machine {other:#x}, the host is x64")),
    }
}

fn sections(
    bytes: &[u8],
    file: &PeFile64<'_>,
    header_len: usize,
    plan: &mut Plan,
) -> Result<(), String> {
    let mut end = header_len;
    for header in file.section_table().iter() {
        let name = String::from_utf8_lossy(header.raw_name()).into_owned();
        let va = header.virtual_address.get(LE) as usize;
        let raw = header.pointer_to_raw_data.get(LE) as usize;
        let raw_len = header.size_of_raw_data.get(LE) as usize;
        let size = match header.virtual_size.get(LE) as usize {
            0 => raw_len,
            size => size,
        };
        let flags = header.characteristics.get(LE).0;
        if size == 0 {
            continue;
        }
        if !va.is_multiple_of(PAGE) || va < end || va.saturating_add(size) > plan.size {
            return Err(format!(
                "section {name} at {va:#x}, {size:#x} bytes, does not fit the image"
            ));
        }
        if raw.saturating_add(raw_len) > bytes.len() {
            return Err(format!(
                "section {name} is beyond the end of the file (truncated?)"
            ));
        }
        end = va + size;
        plan.pieces.push(Piece {
            file: raw..raw + raw_len.min(size),
            rva: va,
        });
        let pageable = name.starts_with("PAGE");
        plan.sections.push(Section {
            name,
            va,
            size,
            write: flags & pe::IMAGE_SCN_MEM_WRITE.0 != 0,
            exec: flags & pe::IMAGE_SCN_MEM_EXECUTE.0 != 0,
            discardable: flags & pe::IMAGE_SCN_MEM_DISCARDABLE.0 != 0,
            pageable,
        });
    }
    Ok(())
}

fn relocations(bytes: &[u8], file: &PeFile64<'_>, plan: &mut Plan) -> Result<(), String> {
    let bad = |error| format!("bad relocations: {error}");
    let blocks = file
        .data_directories()
        .relocation_blocks(bytes, &file.section_table())
        .map_err(bad)?;
    let Some(mut blocks) = blocks else {
        return Ok(());
    };
    while let Some(block) = blocks.next().map_err(bad)? {
        for relocation in block {
            let rva = relocation.virtual_address as usize;
            match relocation.typ {
                pe::IMAGE_REL_BASED_ABSOLUTE => {}
                pe::IMAGE_REL_BASED_DIR64 if rva.saturating_add(8) <= plan.size => {
                    plan.relocations.push(rva)
                }
                typ => {
                    return Err(format!(
                        "relocation of type {typ} at {rva:#x} cannot be applied"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn imports(file: &PeFile64<'_>, plan: &mut Plan) -> Result<(), String> {
    let bad = |error| format!("bad import table: {error}");
    let Some(table) = file.import_table().map_err(bad)? else {
        return Ok(());
    };
    let mut descriptors = table.descriptors().map_err(bad)?;
    while let Some(descriptor) = descriptors.next().map_err(bad)? {
        let image = table.name(descriptor.name.get(LE)).map_err(bad)?;
        let image = String::from_utf8_lossy(image).to_ascii_lowercase();
        let slots = descriptor.first_thunk.get(LE);
        let names = match descriptor.original_first_thunk.get(LE) {
            0 => slots,
            names => names,
        };
        let mut thunks = table.thunks(names).map_err(bad)?;
        let mut slot = slots as usize;
        while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>().map_err(bad)? {
            let name = match table.import::<pe::ImageNtHeaders64>(thunk).map_err(bad)? {
                PeImport::Ordinal(ordinal) => format!("#{ordinal}"),
                PeImport::Name(_, name) => String::from_utf8_lossy(name).into_owned(),
            };
            if slot.saturating_add(8) > plan.size {
                return Err(format!(
                    "the import slot of {image}!{name} is outside the image"
                ));
            }
            plan.imports.push(Import {
                image: image.clone(),
                name,
                slot,
            });
            slot += 8;
        }
    }
    Ok(())
}

/// The cookie's place from the load configuration, if it has one.
fn cookie(bytes: &[u8], file: &PeFile64<'_>, plan: &Plan) -> Option<usize> {
    /// Offset of SecurityCookie in IMAGE_LOAD_CONFIG_DIRECTORY64.
    const SECURITY_COOKIE: usize = 0x58;
    let directory = file.data_directory(pe::IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG)?;
    let data = directory.data(bytes, &file.section_table()).ok()?;
    let word: [u8; 8] = data
        .get(SECURITY_COOKIE..SECURITY_COOKIE + 8)?
        .try_into()
        .ok()?;
    let rva = u64::from_le_bytes(word).checked_sub(plan.preferred)? as usize;
    (rva.saturating_add(8) <= plan.size).then_some(rva)
}
