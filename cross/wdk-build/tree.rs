// SPDX-License-Identifier: MIT OR Apache-2.0
//! A WDK's directories as they come from a Windows machine. There nobody cares about the case of a file name, and the
//! headers spell each other's names as they like; here the case matters.

#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What the bindings begin with.
const FIRST: [&str; 3] = ["ntifs.h", "ntddk.h", "ntstrsafe.h"];
/// Directories of headers, in the order in which they are searched.
const PARTS: [&str; 3] = ["km/crt", "km", "shared"];

/// The newest `10.*` of a WDK that has kernel headers: its name and its directory.
pub fn newest_version(wdk: &Path) -> Result<(String, PathBuf), String> {
    let numbers = |name: &str| -> Vec<u32> {
        name.split('.')
            .filter_map(|part| part.parse().ok())
            .collect()
    };
    let include = child(wdk, "Include");
    list(&include)
        .into_values()
        .filter(|path| child(path, "km").is_dir() && child(path, "shared").is_dir())
        .map(|path| (file_name(&path), path))
        .filter(|(name, _)| name.starts_with("10."))
        .max_by_key(|(name, _)| numbers(name))
        .ok_or_else(|| {
            format!(
                "WDKContentRoot: no kernel headers in {}/10.*/km and shared",
                include.display()
            )
        })
}

/// Whether what the bindings begin with is there.
pub fn has_first_headers(from: &Path) -> Result<(), String> {
    for name in FIRST {
        let mut places = PARTS
            .iter()
            .map(|part| child(from, &format!("{part}/{name}")));
        if !places.any(|path| path.is_file()) {
            let km = child(from, "km");
            return Err(format!("WDKContentRoot: no {name} in {}", km.display()));
        }
    }
    Ok(())
}

/// What `name`, with slashes, is below a directory, whatever its case; the name itself if there is no such thing.
pub fn child(directory: &Path, name: &str) -> PathBuf {
    let mut path = directory.to_owned();
    for part in name.split('/') {
        path = match list(&path).remove(&part.to_ascii_lowercase()) {
            Some(found) => found,
            None => path.join(part),
        };
    }
    path
}

/// A WDK tree's headers, reachable under every spelling that they use of each other: Windows does
/// not care about the case of a file name, and Linux does.
#[cfg(unix)]
pub fn copied_headers(from: &Path, to: &Path) -> Result<(), String> {
    let mut files = BTreeMap::new();
    for part in PARTS {
        make_dir(&to.join(part))?;
        for path in list(&child(from, part)).into_values() {
            if part == "km"
                && path
                    .file_name()
                    .is_some_and(|name| name.eq_ignore_ascii_case("crt"))
            {
                continue;
            }
            link_as_itself(&path, &to.join(part))?;
            if path.is_file() {
                let name = file_name(&path).to_ascii_lowercase();
                files.entry(name).or_insert_with(|| (path, to.join(part)));
            }
        }
    }
    let mut spellings = Vec::new();
    for (path, _) in files.values() {
        let text = fs::read(path).map_err(|error| at(path, &error))?;
        spellings.extend(
            String::from_utf8_lossy(&text)
                .lines()
                .filter_map(included)
                .map(str::to_owned),
        );
    }
    spellings.extend(FIRST.map(str::to_owned));
    for spelling in spellings {
        if let Some((path, directory)) = files.get(&spelling.to_ascii_lowercase())
            && !directory.join(&spelling).exists()
        {
            link(path, &directory.join(&spelling))?;
        }
    }
    Ok(())
}

/// The file name of an `#include` line.
fn included(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start();
    let rest = rest.strip_prefix("include")?.trim_start();
    let end = match rest.chars().next()? {
        '<' => '>',
        '"' => '"',
        _ => return None,
    };
    let name = rest[1..].split(end).next()?;
    (!name.contains(['/', '\\'])).then_some(name)
}

/// Entries of a directory by lower-case name; nothing if it does not exist.
pub fn list(directory: &Path) -> BTreeMap<String, PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (file_name(&entry.path()).to_ascii_lowercase(), entry.path()))
        .collect()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(unix)]
pub fn link_as_itself(path: &Path, directory: &Path) -> Result<(), String> {
    link(path, &directory.join(file_name(path)))
}

#[cfg(unix)]
pub fn link(to: &Path, at_path: &Path) -> Result<(), String> {
    let to = fs::canonicalize(to).map_err(|error| at(to, &error))?;
    symlink(to, at_path).map_err(|error| at(at_path, &error))
}

pub fn make_dir(path: &Path) -> Result<(), String> {
    fs::create_dir_all(path).map_err(|error| at(path, &error))
}

pub fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
