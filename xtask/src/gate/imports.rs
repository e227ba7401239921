// SPDX-License-Identifier: MIT OR Apache-2.0
//! Imports against the project's allow-list.
//!
//! The list is what this driver may import, each name with the release it begins with. It is itself
//! checked: each name must be an export that the import libraries really have (`cross/*.def`), and
//! none may begin later than the oldest release that the driver runs on. An import that Windows does
//! not resolve keeps the driver from loading, without a word of why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::{Check, pe::Image};
use crate::failure::{Failure, Outcome};

/// Releases that the floor, Windows 10 2004, includes.
const WINDOWS: [&str; 9] = [
    "Windows 2000",
    "Windows XP",
    "Windows Server 2003",
    "Windows Vista",
    "Windows 7",
    "Windows 8",
    "Windows 8.1",
    "Windows 10",
    "Windows 10 2004",
];
/// Newest NDIS version that the floor has.
const NDIS: (u32, u32) = (6, 84);
/// Exports of each image, from the files that the import libraries are made from.
const EXPORTS: [&str; 4] = [
    include_str!("../../../cross/ntoskrnl.def"),
    include_str!("../../../cross/hal.def"),
    include_str!("../../../cross/ndis.def"),
    include_str!("../../../cross/wmilib.def"),
];

/// Name of the image in lower case, then the names that may be imported from it, each with the
/// release that it begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(BTreeMap<String, BTreeMap<String, String>>);

impl AllowList {
    /// Reads the list.
    ///
    /// # Errors
    /// The file is missing or is no such list (status 2).
    pub fn load(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        Self::parse(&text).map_err(|reason| Failure::input(format!("{}: {reason}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let list: BTreeMap<String, BTreeMap<String, String>> =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        Ok(Self(
            list.into_iter()
                .map(|(image, names)| (image.to_ascii_lowercase(), names))
                .collect(),
        ))
    }

    fn allows(&self, image: &str, name: &str) -> bool {
        self.0
            .get(&image.to_ascii_lowercase())
            .is_some_and(|names| names.contains_key(name))
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|(image, names)| {
            names
                .iter()
                .map(|(name, since)| (image.as_str(), name.as_str(), since.as_str()))
        })
    }
}

/// Real exports: image in lower case, and name.
fn exports() -> BTreeSet<(String, String)> {
    let mut exports = BTreeSet::new();
    for text in EXPORTS {
        let mut image = String::new();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with(';'))
        {
            match line.strip_prefix("LIBRARY ") {
                Some(name) => image = name.to_ascii_lowercase(),
                None if line == "EXPORTS" || line.is_empty() => {}
                None => drop(exports.insert((image.clone(), line.to_owned()))),
            }
        }
    }
    exports
}

/// True when the release is part of the floor.
fn in_floor(since: &str) -> bool {
    match since
        .strip_prefix("NDIS ")
        .and_then(|version| version.split_once('.'))
    {
        Some((major, minor)) => match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => (major, minor) <= NDIS,
            _ => false,
        },
        None => WINDOWS.contains(&since),
    }
}

/// The checks of the imports, and those of the list.
pub fn checks(image: &Image, list: &AllowList) -> Vec<Check> {
    let exports = exports();
    let mut strangers = Vec::new();
    for (library, name) in image.imports.values() {
        if name.starts_with('#') {
            strangers.push(format!("{library} is imported from by ordinal {name}"));
        } else if !exports.contains(&(library.to_ascii_lowercase(), name.clone())) {
            strangers.push(format!("{name} is no known export of {library}"));
        } else if !list.allows(library, name) {
            strangers.push(format!(
                "{name} of {library} is not on the allow-list xtask/data/imports.toml"
            ));
        }
    }
    let mut unreal = Vec::new();
    for (library, name, since) in list.entries() {
        if !exports.contains(&(library.to_owned(), name.to_owned())) {
            unreal.push(format!(
                "the allow-list names {name}, which {library} does not export"
            ));
        }
        if !in_floor(since) {
            unreal.push(format!("the allow-list has {name} since {since:?}: Windows 10 2004 lacks it, or the release is unknown"));
        }
    }
    vec![
        Check::that(
            "has imports",
            !image.imports.is_empty(),
            "",
            "the image imports nothing: it cannot be a driver",
        ),
        Check::new(
            "imports allowed",
            format!("{} names", image.imports.len()),
            strangers,
        ),
        Check::new(
            "allow-list is real",
            format!("{} names", list.entries().count()),
            unreal,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::sample;

    const GOOD: &str = "[\"ntoskrnl.exe\"]\nKeBugCheckEx = \"Windows 2000\"\n[\"NDIS.SYS\"]\nNdisGetVersion = \"NDIS 6.0\"\n";

    fn reasons(image: &[u8], list: &str) -> Vec<String> {
        let image = Image::parse(image).expect("the sample is a PE image");
        let list = AllowList::parse(list).expect("a list");
        checks(&image, &list)
            .into_iter()
            .filter_map(|check| check.verdict.err())
            .flatten()
            .collect()
    }

    #[test]
    fn a_good_image_passes() {
        assert_eq!(reasons(&sample::image(), GOOD), [""; 0]);
    }

    #[test]
    fn a_name_off_the_list_is_seen() {
        let list = GOOD.replace("KeBugCheckEx", "KeBugCheck2");
        let reasons = reasons(&sample::image(), &list);
        assert!(
            reasons[0].starts_with("KeBugCheckEx of ntoskrnl.exe is not on the allow-list"),
            "{reasons:?}"
        );
        assert!(
            reasons[1].contains("KeBugCheck2, which ntoskrnl.exe does not export"),
            "{reasons:?}"
        );
    }

    #[test]
    fn an_import_that_does_not_exist_is_seen() {
        let mut image = sample::image();
        // ntoskrnl.exe becomes ntoskrnl.exf.
        image[sample::LIBRARY + 11] = b'f';
        assert_eq!(
            reasons(&image, GOOD),
            ["KeBugCheckEx is no known export of ntoskrnl.exf"]
        );
    }

    #[test]
    fn a_release_after_the_floor_is_seen() {
        let list = GOOD.replace("NDIS 6.0", "NDIS 6.85");
        assert_eq!(reasons(&sample::image(), &list).len(), 1);
        let list = GOOD.replace("Windows 2000", "Windows 11");
        assert_eq!(reasons(&sample::image(), &list).len(), 1);
    }

    #[test]
    fn case_of_the_image_name_does_not_matter() {
        assert_eq!(
            reasons(&sample::image(), &GOOD.replace("NDIS.SYS", "ndis.sys")),
            [""; 0]
        );
    }

    #[test]
    fn the_exports_are_read() {
        let exports = exports();
        assert!(exports.contains(&("ndis.sys".to_owned(), "NdisMRegisterInterruptEx".to_owned())));
        assert!(exports.contains(&("hal.dll".to_owned(), "KeStallExecutionProcessor".to_owned())));
        assert!(
            !exports.iter().any(|(_, name)| name == "KeAcquireSpinLock"),
            "an inline function is no export"
        );
    }
}
