// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads a driver image as the kernel does: PE32+ for x64, native subsystem, relocated to where it
//! lies, imports bound by name, sections W^X. PASSIVE; [`locate`] at any IRQL.

mod parse;

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::machine::{
    lock::IrqSpin,
    pages::PAGE,
    time,
    vspace::{self, Prot},
};

/// One section in memory.
#[derive(Clone, Debug)]
pub struct Section {
    /// Name, such as `.text` or `PAGE`.
    pub name: String,
    /// First address.
    pub va: usize,
    /// Bytes.
    pub size: usize,
    /// Writable, as the file says. A section that is also executable is mapped without it.
    pub write: bool,
    /// Executable.
    pub exec: bool,
    /// Given back once DriverEntry has returned (`INIT`).
    pub discardable: bool,
    /// May be paged out (`PAGE…`).
    pub pageable: bool,
}

impl Section {
    fn pages(&self) -> usize {
        self.size.div_ceil(PAGE)
    }
}

/// One import.
#[derive(Clone, Debug)]
pub struct Import {
    /// Exporting image, lower case, such as `ndis.sys`.
    pub image: String,
    /// Function, or `#ordinal`.
    pub name: String,
    /// Address of its slot in the import table.
    pub slot: usize,
}

/// A loaded image. Dropping it does not unload it.
#[derive(Clone, Debug)]
pub struct Image {
    /// Load address.
    pub base: usize,
    /// Bytes in memory.
    pub size: usize,
    /// DriverEntry (or GsDriverEntry).
    pub entry: usize,
    /// Sections.
    pub sections: Vec<Section>,
    /// Imports, in the file's order.
    pub imports: Vec<Import>,
}

struct Loaded {
    name: String,
    base: usize,
    size: usize,
    sections: Vec<Section>,
}

/// Images for [`locate`].
static LOADED: IrqSpin<Vec<Loaded>> = IrqSpin::new(Vec::new());

/// What the loader writes into a fresh security cookie's place unless it did already.
const DEFAULT_COOKIE: u64 = 0x0000_2B99_2DDF_A232;

/// Maps and relocates; everything is still writable until [`Image::bind`]. `name` is for fault
/// texts. `Err`: one line that says what is wrong with the file.
pub fn load(name: &str, bytes: &[u8]) -> Result<Image, String> {
    let plan = parse::plan(bytes).map_err(|why| alloc::format!("{name}: {why}"))?;
    let pages = plan.size.div_ceil(PAGE);
    let Some(base) = vspace::map_new(pages, Prot::RW, 0) else {
        return Err(alloc::format!(
            "{name}: no memory for an image of {:#x} bytes",
            plan.size
        ));
    };
    vspace::label(base, "driver image");
    for piece in &plan.pieces {
        let from = &bytes[piece.file.clone()];
        // SAFETY: `plan` has checked that the piece lies inside the image just mapped, which
        // nobody else knows yet.
        unsafe {
            core::ptr::copy_nonoverlapping(from.as_ptr(), (base + piece.rva) as *mut u8, from.len())
        };
    }
    let delta = (base as u64).wrapping_sub(plan.preferred);
    for &rva in &plan.relocations {
        let at = (base + rva) as *mut u64;
        // SAFETY: `plan` has checked that the eight bytes lie inside the image.
        let old = unsafe { at.read_unaligned() };
        // SAFETY: as above; the image is still writable.
        unsafe { at.write_unaligned(old.wrapping_add(delta)) };
    }
    if let Some(rva) = plan.cookie {
        let at = (base + rva) as *mut u64;
        // SAFETY: `plan` has checked that the eight bytes lie inside the image.
        let old = unsafe { at.read_unaligned() };
        if old == DEFAULT_COOKIE {
            let random = (time::now_ns() ^ base as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
            // SAFETY: as above; the image is still writable.
            unsafe { at.write_unaligned(random) };
        }
    }
    let image = Image {
        base,
        size: plan.size,
        entry: base + plan.entry,
        sections: plan
            .sections
            .into_iter()
            .map(|section| Section {
                va: section.va + base,
                ..section
            })
            .collect(),
        imports: plan
            .imports
            .into_iter()
            .map(|import| Import {
                slot: import.slot + base,
                ..import
            })
            .collect(),
    };
    LOADED.lock().push(Loaded {
        name: name.to_string(),
        base,
        size: image.size,
        sections: image.sections.clone(),
    });
    Ok(image)
}

/// The loaded image, offset and section of `va`.
pub fn locate(va: usize) -> Option<(String, usize, String)> {
    let loaded = LOADED.lock();
    let image = loaded
        .iter()
        .find(|image| (image.base..image.base + image.size).contains(&va))?;
    let section = image
        .sections
        .iter()
        .find(|section| (section.va..section.va + section.size).contains(&va));
    let section = section.map_or("headers", |section| &section.name);
    Some((image.name.clone(), va - image.base, section.to_string()))
}

/// Whether `va` lies in a section that may be paged out, and is neither discarded nor unloaded.
pub fn is_pageable(va: usize) -> bool {
    LOADED.lock().iter().any(|image| {
        image.sections.iter().any(|section| {
            section.pageable
                && !section.discardable
                && (section.va..section.va + section.size).contains(&va)
        })
    })
}

impl Image {
    /// Fills the import table and sets each section's protection. `Err`: all imports that
    /// `resolve(image, name)` does not know; nothing is protected then.
    pub fn bind(&self, resolve: &dyn Fn(&str, &str) -> Option<usize>) -> Result<(), Vec<Import>> {
        let mut missing = Vec::new();
        for import in &self.imports {
            match resolve(&import.image, &import.name) {
                // SAFETY: the slot lies inside the image, which is still writable.
                Some(target) => unsafe { (import.slot as *mut u64).write_unaligned(target as u64) },
                None => missing.push(import.clone()),
            }
        }
        if !missing.is_empty() {
            return Err(missing);
        }
        // Headers, and whatever lies between the sections.
        vspace::protect(self.base, self.size.div_ceil(PAGE), Prot::RO);
        for section in &self.sections {
            let prot = match (section.write, section.exec) {
                (_, true) => Prot::RX,
                (true, false) => Prot::RW,
                (false, false) => Prot::RO,
            };
            vspace::protect(section.va, section.pages(), prot);
        }
        Ok(())
    }

    /// The section that holds `va`.
    pub fn section_of(&self, va: usize) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| (section.va..section.va + section.size).contains(&va))
    }

    /// Takes the discardable sections away.
    pub fn discard_init(&self) {
        for section in self.sections.iter().filter(|section| section.discardable) {
            vspace::set_present(section.va, section.pages(), false);
        }
    }

    /// From now on the `PAGE…` sections may be touched below DISPATCH_LEVEL only (V-02).
    pub fn page_out(&self) {
        for section in &self.sections {
            if section.pageable && !section.discardable {
                vspace::page_out(section.va, section.pages());
            }
        }
    }

    /// Takes the `PAGE…` sections away or brings them back.
    pub fn set_pageable_present(&self, present: bool) {
        for section in self
            .sections
            .iter()
            .filter(|section| section.pageable && !section.discardable)
        {
            vspace::set_present(section.va, section.pages(), present);
        }
    }

    /// Unmaps the image. Its name stays known, so that a call into it is told as such.
    pub fn unload(&self) {
        vspace::unmap(self.base);
        if let Some(image) = LOADED
            .lock()
            .iter_mut()
            .find(|image| image.base == self.base)
        {
            image.name.push_str(" (unloaded)");
        }
    }
}
