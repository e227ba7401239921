// SPDX-License-Identifier: MIT OR Apache-2.0
//! A WDK as it comes from a Windows machine: made here of the open headers, with lines that end in CRLF and file names
//! in whatever case, and laid out as the build does it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::wdk_tree::{child, copied_headers, has_first_headers, newest_version};

/// Where Debian and Ubuntu have mingw-w64's headers.
const OPEN: &str = "/usr/x86_64-w64-mingw32/include";
const FIRST: [&str; 3] = ["ntifs.h", "ntddk.h", "ntstrsafe.h"];
const PARTS: [&str; 3] = ["km/crt", "km", "shared"];

/// What the lines of a header include.
fn includes(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix('#')?.trim_start();
        let name = rest.strip_prefix("include")?.trim();
        let name = name.strip_prefix(['<', '"'])?.split(['>', '"']).next()?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    names.collect()
}

/// The open headers that the bindings reach, by lower-case name: part of the WDK, and text.
fn reached() -> BTreeMap<String, (&'static str, String)> {
    let mut found = BTreeMap::new();
    let mut next: Vec<String> = FIRST.map(str::to_owned).into();
    while let Some(name) = next.pop() {
        let key = name.to_ascii_lowercase();
        let places = [
            ("km", format!("{OPEN}/ddk/{name}")),
            ("shared", format!("{OPEN}/{name}")),
        ];
        let file = places
            .iter()
            .find_map(|(part, path)| Some((*part, fs::read(path).ok()?)));
        if let (false, Some((part, text))) = (found.contains_key(&key), file) {
            let text = String::from_utf8_lossy(&text).into_owned();
            next.extend(includes(&text));
            found.insert(key, (part, text));
        }
    }
    found
}

/// A name in another case: which one, the name says.
fn respelled(name: &str) -> String {
    match name.len() % 3 {
        0 => name.to_ascii_uppercase(),
        1 => name[..1].to_ascii_uppercase() + &name[1..],
        _ => name.to_owned(),
    }
}

/// A WDK under `root`, with directories of the given names.
fn copy_of_a_wdk(root: &Path, include: &str, km: &str) -> PathBuf {
    let version = root.join(include).join("10.0.22621.0");
    for directory in [format!("{km}/CRT"), "Shared".into(), "um".into()] {
        fs::create_dir_all(version.join(directory)).expect("a directory");
    }
    // Newer, but without kernel headers; and older.
    fs::create_dir_all(root.join(include).join("10.0.26100.0/um")).expect("a directory");
    for part in ["km", "shared"] {
        fs::create_dir_all(root.join(include).join("10.0.9999.0").join(part)).expect("a directory");
    }
    for (name, (part, text)) in reached() {
        // The C runtime's own directory has some of them.
        let directory = match part {
            "km" => km.to_owned(),
            _ if name.starts_with("crtdefs") => format!("{km}/CRT"),
            _ => "Shared".to_owned(),
        };
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        fs::write(version.join(directory).join(respelled(&name)), text).expect("a header");
    }
    version
}

#[test]
fn every_spelling_of_a_header_is_found() {
    if !Path::new(OPEN).join("ddk/ntifs.h").is_file() {
        eprintln!("no open headers: not tested");
        return;
    }
    for (include, km) in [("Include", "km"), ("include", "KM")] {
        let folder = tempfile::tempdir().expect("a folder");
        let wdk = folder.path().join("Windows Kits (copied)");
        let made = copy_of_a_wdk(&wdk, include, km);
        let (version, from) = newest_version(&wdk).expect("a version");
        assert_eq!((version.as_str(), &from), ("10.0.22621.0", &made));
        let to = folder.path().join("laid out");
        copied_headers(&from, &to).expect("headers");
        let mut names = BTreeSet::new();
        let mut wanted = FIRST.map(str::to_owned).to_vec();
        for part in PARTS {
            for file in fs::read_dir(to.join(part)).expect("a directory").flatten() {
                names.insert(file.file_name().to_string_lossy().to_ascii_lowercase());
                if let Ok(text) = fs::read(file.path()) {
                    wanted.extend(includes(&String::from_utf8_lossy(&text)));
                }
            }
        }
        assert!(names.len() > 50, "{} headers", names.len());
        let missing: Vec<_> = wanted
            .iter()
            .filter(|name| names.contains(&name.to_ascii_lowercase()))
            .filter(|name| !PARTS.iter().any(|part| to.join(part).join(name).is_file()))
            .collect();
        assert!(missing.is_empty(), "not found: {missing:?}");
        let ntifs = fs::read_to_string(to.join("km/ntifs.h")).expect("a header");
        assert!(ntifs.contains("\r\n"), "as it was copied");
    }
}

#[test]
fn what_is_missing_is_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let wdk = folder.path();
    let line = || {
        let found = newest_version(wdk).and_then(|(_, from)| has_first_headers(&from));
        let line = found.expect_err("not a WDK");
        assert!(
            line.starts_with("WDKContentRoot: ") && !line.contains('\n'),
            "{line}"
        );
        line
    };
    assert!(line().contains("/Include/10.*"));
    let version = wdk.join("Include/10.0.22621.0");
    fs::create_dir_all(version.join("km")).expect("a directory");
    assert!(line().contains("no kernel headers"), "without shared");
    fs::create_dir_all(version.join("Shared")).expect("a directory");
    assert!(line().contains("no ntifs.h in "));
    fs::write(version.join("km/NTIFS.H"), "").expect("a file");
    assert!(line().contains("no ntddk.h in "));
    fs::write(version.join("km/NtDdk.h"), "").expect("a file");
    fs::write(version.join("km/ntstrsafe.h"), "").expect("a file");
    assert_eq!(has_first_headers(&version), Ok(()));
}

#[test]
fn libraries_are_found_in_any_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("lib/10.0.1.0/KM/X64");
    fs::create_dir_all(&at).expect("a directory");
    assert_eq!(child(folder.path(), "Lib/10.0.1.0/km/x64"), at);
    let missing = child(folder.path(), "Lib/10.0.2.0/km/x64");
    assert_eq!(missing, folder.path().join("lib/10.0.2.0/km/x64"));
}
