// SPDX-License-Identifier: MIT OR Apache-2.0
//! Headers, sections, imports and relocations of a PE image, and the checks that need no more.

use std::collections::BTreeMap;

use object::{
    LittleEndian as LE, ReadRef, pe,
    read::pe::{ImageNtHeaders, ImageOptionalHeader, Import, PeFile64},
};

use super::Check;

/// A section as the loader maps it.
#[derive(Debug, Clone)]
pub struct Section {
    /// Name, without padding.
    pub name: String,
    /// Where it begins, relative to the image base.
    pub rva: u32,
    /// Its bytes, as long as it is in memory.
    pub bytes: Vec<u8>,
    /// `IMAGE_SCN_*`.
    pub flags: u32,
}

impl Section {
    /// True when code in it may run.
    pub fn executable(&self) -> bool {
        self.flags & pe::IMAGE_SCN_MEM_EXECUTE.0 != 0
    }

    /// True when it may be written.
    pub fn writable(&self) -> bool {
        self.flags & pe::IMAGE_SCN_MEM_WRITE.0 != 0
    }

    /// True when the address lies in it.
    pub fn contains(&self, rva: u32) -> bool {
        rva >= self.rva && ((rva - self.rva) as usize) < self.bytes.len()
    }
}

/// What the gate looks at.
#[derive(Debug, Clone)]
pub struct Image {
    /// Address that the image is linked for.
    pub base: u64,
    /// Entry point.
    pub entry: u32,
    subsystem: u16,
    dll_characteristics: u16,
    characteristics: u16,
    checksum: (u32, u32),
    tls: bool,
    delay_imports: bool,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Imports: address of the slot, image and name. Ordinals are given as `#N`.
    pub imports: BTreeMap<u32, (String, String)>,
    /// 64-bit relocations: address of the pointer, and what it points at in the image.
    pub relocations: BTreeMap<u32, u32>,
}

impl Image {
    /// Reads an image.
    ///
    /// # Errors
    /// It is no PE image, it is for another CPU, or it is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let malformed =
            |what: &str, error: object::Error| format!("malformed PE image: {what}: {error}");
        let kind = object::FileKind::parse(bytes).map_err(|_| "no PE image".to_owned())?;
        match kind {
            object::FileKind::Pe64 => {}
            object::FileKind::Pe32 => return Err("a PE image for another CPU (32-bit)".to_owned()),
            _ => return Err("no PE image".to_owned()),
        }
        let file = PeFile64::parse(bytes).map_err(|error| malformed("headers", error))?;
        let header = file.nt_headers();
        let machine = header.file_header().machine.get(LE);
        if machine != pe::IMAGE_FILE_MACHINE_AMD64 {
            return Err(format!(
                "a PE image for another CPU (machine {machine:#06x}, not x86-64)"
            ));
        }
        let optional = header.optional_header();
        let sections = file
            .section_table()
            .iter()
            .map(|section| Section {
                name: String::from_utf8_lossy(section.raw_name()).into_owned(),
                rva: section.virtual_address.get(LE),
                bytes: in_memory(bytes, section),
                flags: section.characteristics.get(LE).0,
            })
            .collect();
        let directory = |index| {
            file.data_directory(index)
                .is_some_and(|entry| entry.virtual_address.get(LE) != 0)
        };
        let mut image = Self {
            base: optional.image_base(),
            entry: optional.address_of_entry_point(),
            subsystem: optional.subsystem().0,
            dll_characteristics: optional.dll_characteristics().0,
            characteristics: header.file_header().characteristics.get(LE).0,
            checksum: (optional.check_sum(), checksum(bytes, check_sum_at(bytes))),
            tls: directory(pe::IMAGE_DIRECTORY_ENTRY_TLS),
            delay_imports: directory(pe::IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT),
            sections,
            imports: BTreeMap::new(),
            relocations: BTreeMap::new(),
        };
        image
            .read_imports(&file)
            .map_err(|error| malformed("imports", error))?;
        image
            .read_relocations(&file)
            .map_err(|error| malformed("relocations", error))?;
        Ok(image)
    }

    fn read_imports(&mut self, file: &PeFile64<'_>) -> object::Result<()> {
        let Some(table) = file.import_table()? else {
            return Ok(());
        };
        let mut descriptors = table.descriptors()?;
        while let Some(descriptor) = descriptors.next()? {
            let library =
                String::from_utf8_lossy(table.name(descriptor.name.get(LE))?).into_owned();
            let slots = descriptor.first_thunk.get(LE);
            // The lookup table has the names; the address table holds the same until it is bound.
            let names = match descriptor.original_first_thunk.get(LE) {
                0 => slots,
                names => names,
            };
            let mut thunks = table.thunks(names)?;
            let mut slot = slots;
            while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>()? {
                let name = match table.import::<pe::ImageNtHeaders64>(thunk)? {
                    Import::Ordinal(ordinal) => format!("#{ordinal}"),
                    Import::Name(_, name) => String::from_utf8_lossy(name).into_owned(),
                };
                self.imports.insert(slot, (library.clone(), name));
                slot += 8;
            }
        }
        Ok(())
    }

    fn read_relocations(&mut self, file: &PeFile64<'_>) -> object::Result<()> {
        let Some(mut blocks) = file
            .data_directories()
            .relocation_blocks(file.data(), &file.section_table())?
        else {
            return Ok(());
        };
        while let Some(block) = blocks.next()? {
            for relocation in block {
                if relocation.typ == pe::IMAGE_REL_BASED_DIR64
                    && let Some(value) = self.read_u64(relocation.virtual_address)
                    && let Ok(target) = u32::try_from(value.wrapping_sub(self.base))
                {
                    self.relocations.insert(relocation.virtual_address, target);
                }
            }
        }
        Ok(())
    }

    fn read_u64(&self, rva: u32) -> Option<u64> {
        let section = self.sections.iter().find(|section| section.contains(rva))?;
        let at = (rva - section.rva) as usize;
        let bytes = section.bytes.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The checks that headers and sections decide.
    pub fn checks(&self) -> Vec<Check> {
        let flag = |flag: pe::DllFlags| self.dll_characteristics & flag.0 != 0;
        let entry = self
            .sections
            .iter()
            .find(|section| section.contains(self.entry));
        vec![
            Check::that(
                "native subsystem",
                self.subsystem == pe::IMAGE_SUBSYSTEM_NATIVE.0,
                "",
                &format!("subsystem is {}, not 1 (native)", self.subsystem),
            ),
            Check::that(
                "WDM flag",
                flag(pe::IMAGE_DLLCHARACTERISTICS_WDM_DRIVER),
                "",
                "IMAGE_DLLCHARACTERISTICS_WDM_DRIVER is clear",
            ),
            Check::that(
                "NX",
                flag(pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT),
                "",
                "IMAGE_DLLCHARACTERISTICS_NX_COMPAT is clear",
            ),
            Check::that(
                "dynamic base",
                flag(pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE),
                "",
                "IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE is clear",
            ),
            Check::that(
                "forced integrity",
                flag(pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY),
                "",
                "IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY is clear",
            ),
            Check::that(
                "relocations",
                !self.relocations.is_empty()
                    && self.characteristics & pe::IMAGE_FILE_RELOCS_STRIPPED.0 == 0,
                format!("{} pointers", self.relocations.len()),
                "the image has no relocations: it can be loaded at one address only",
            ),
            Check::new(
                "no section W and X",
                format!("{} sections", self.sections.len()),
                self.sections
                    .iter()
                    .filter(|section| section.writable() && section.executable())
                    .map(|section| format!("section {} is writable and executable", section.name))
                    .collect(),
            ),
            Check::that(
                "entry point",
                entry.is_some_and(Section::executable),
                entry
                    .map(|section| section.name.clone())
                    .unwrap_or_default(),
                "the entry point is in no executable section",
            ),
            Check::that(
                "checksum",
                self.checksum.0 == self.checksum.1,
                format!("{:#x}", self.checksum.0),
                &format!(
                    "the header says {:#x}, the file has {:#x}",
                    self.checksum.0, self.checksum.1
                ),
            ),
            Check::that(
                "no TLS",
                !self.tls,
                "",
                "the image has a TLS directory, which the kernel does not serve",
            ),
            Check::that(
                "no delayed imports",
                !self.delay_imports,
                "",
                "the image has delayed imports, which the kernel does not bind",
            ),
        ]
    }
}

/// Offset of the header's `CheckSum`; the image was parsed before.
fn check_sum_at(file: &[u8]) -> usize {
    let signature = file
        .get(0x3C..0x40)
        .and_then(|bytes| Some(u32::from_le_bytes(bytes.try_into().ok()?)))
        .unwrap_or_default();
    signature as usize + 24 + 64
}

/// The checksum of a PE file: the 16-bit words but for those of the checksum itself, added with the
/// carry brought back, plus the length.
fn checksum(file: &[u8], skip: usize) -> u32 {
    let sum = file
        .chunks(2)
        .enumerate()
        .filter(|(index, _)| !(skip..skip + 4).contains(&(index * 2)))
        .map(|(_, word)| u16::from_le_bytes([word[0], word.get(1).copied().unwrap_or_default()]))
        .fold(0u32, |sum, word| {
            let sum = sum + u32::from(word);
            (sum & 0xFFFF) + (sum >> 16)
        });
    sum + file.len() as u32
}

/// A section's bytes as long as they are in memory: zeros behind what the file has.
fn in_memory(file: &[u8], section: &pe::ImageSectionHeader) -> Vec<u8> {
    let (offset, size) = section.pe_file_range();
    let mut bytes = file
        .read_bytes_at(u64::from(offset), u64::from(size))
        .map(<[u8]>::to_vec)
        .unwrap_or_default();
    // A size that no driver has is not believed.
    let size = (section.virtual_size.get(LE) as usize).min(1 << 28);
    bytes.resize(size, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::sample;

    /// What fails of a broken image whose checksum is made right again.
    fn failed(image: &[u8]) -> Vec<&'static str> {
        let mut image = image.to_vec();
        let at = check_sum_at(&image);
        let sum = checksum(&image, at);
        image[at..at + 4].copy_from_slice(&sum.to_le_bytes());
        failed_as_it_is(&image)
    }

    fn failed_as_it_is(image: &[u8]) -> Vec<&'static str> {
        let image = Image::parse(image).expect("the sample is a PE image");
        image
            .checks()
            .into_iter()
            .filter(|check| check.verdict.is_err())
            .map(|check| check.name)
            .collect()
    }

    #[test]
    fn a_good_image_passes() {
        assert_eq!(failed(&sample::image()), [""; 0]);
    }

    #[test]
    fn each_broken_flag_is_seen() {
        let flag = |flag: pe::DllFlags| {
            let mut image = sample::image();
            let at = sample::DLL_CHARACTERISTICS;
            let value = u16::from_le_bytes([image[at], image[at + 1]]) & !flag.0;
            image[at..at + 2].copy_from_slice(&value.to_le_bytes());
            failed(&image)
        };
        assert_eq!(flag(pe::IMAGE_DLLCHARACTERISTICS_WDM_DRIVER), ["WDM flag"]);
        assert_eq!(flag(pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT), ["NX"]);
        assert_eq!(
            flag(pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE),
            ["dynamic base"]
        );
        assert_eq!(
            flag(pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY),
            ["forced integrity"]
        );
    }

    #[test]
    fn a_changed_byte_is_seen() {
        assert_eq!(failed_as_it_is(&sample::image()), ["checksum"]);
        // Words that add up to more than 16 bits, and an odd length.
        assert_eq!(checksum(&[0xFF, 0xFF, 2, 0, 1], 64), 2 + 1 + 5);
        assert_eq!(checksum(&[1, 0, 9, 9, 9, 9], 2), 1 + 6);
    }

    #[test]
    fn a_windows_program_is_no_driver() {
        let mut image = sample::image();
        image[sample::SUBSYSTEM] = 3;
        assert_eq!(failed(&image), ["native subsystem"]);
    }

    #[test]
    fn a_writable_code_section_is_seen() {
        let mut image = sample::image();
        image[sample::TEXT_FLAGS + 3] |= 0x80;
        assert_eq!(failed(&image), ["no section W and X"]);
    }

    #[test]
    fn missing_relocations_are_seen() {
        let mut image = sample::image();
        image[sample::directory(5)..sample::directory(5) + 8].fill(0);
        assert_eq!(failed(&image), ["relocations"]);
        let mut image = sample::image();
        image[sample::CHARACTERISTICS] |= 1;
        assert_eq!(failed(&image), ["relocations"]);
    }

    #[test]
    fn an_entry_point_outside_code_is_seen() {
        let mut image = sample::image();
        image[sample::ENTRY..sample::ENTRY + 4].copy_from_slice(&sample::RDATA.to_le_bytes());
        assert_eq!(failed(&image), ["entry point"]);
    }

    #[test]
    fn tls_and_delayed_imports_are_seen() {
        let mut image = sample::image();
        image[sample::directory(9)] = 1;
        assert_eq!(failed(&image), ["no TLS"]);
        let mut image = sample::image();
        image[sample::directory(13)] = 1;
        assert_eq!(failed(&image), ["no delayed imports"]);
    }

    #[test]
    fn other_files_are_refused_by_name() {
        assert_eq!(Image::parse(b"MZ").expect_err("too short"), "no PE image");
        assert_eq!(Image::parse(&[]).expect_err("empty"), "no PE image");
        assert_eq!(
            Image::parse(b"\x7fELF\x02\x01\x01 and so on").expect_err("ELF"),
            "no PE image"
        );
        let mut image = sample::image();
        image[sample::MACHINE..sample::MACHINE + 2].copy_from_slice(&0xAA64u16.to_le_bytes());
        let reason = Image::parse(&image).expect_err("ARM64");
        assert!(reason.contains("another CPU"), "{reason}");
    }

    #[test]
    fn imports_and_relocations_are_read() {
        let image = Image::parse(&sample::image()).expect("the sample is a PE image");
        let names: Vec<_> = image
            .imports
            .values()
            .map(|(library, name)| format!("{library}!{name}"))
            .collect();
        assert_eq!(
            names,
            ["ntoskrnl.exe!KeBugCheckEx", "NDIS.SYS!NdisGetVersion"]
        );
        assert_eq!(
            image.relocations,
            BTreeMap::from([(sample::POINTER, sample::TEXT)])
        );
    }
}
