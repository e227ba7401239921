// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two lock files. `Cargo.lock` is the one of a Windows build; builds of the driver on other
//! hosts have `cross/Cargo.lock`, because they replace one package. What both have must be the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use crate::{
    failure::{Failure, Outcome},
    project::root,
    toolchain::host_cargo,
};

/// The package that the cross build replaces.
const REPLACED: &str = "wdk-build";

/// Makes `cross/Cargo.lock` from `Cargo.lock` if there is none; cargo then drops what the cross build
/// has no use for.
///
/// # Errors
/// A file cannot be written.
pub fn ensure() -> Outcome {
    let (committed, cross) = (root().join("Cargo.lock"), root().join("cross/Cargo.lock"));
    if !cross.exists() && committed.exists() {
        fs::copy(&committed, &cross).map_err(|error| Failure::file(&cross, &error))?;
    }
    Ok(())
}

/// `Cargo.lock` fits the manifests, and the cross build uses the same releases.
///
/// # Errors
/// It does not (status 1), or a file is missing (status 2).
pub fn check() -> Outcome {
    let metadata = Command::new(host_cargo())
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .map_err(|error| Failure::input(format!("cargo metadata: {error}")))?;
    if !metadata.status.success() {
        return Err(Failure::check(
            "Cargo.lock does not fit the manifests: `cargo update --workspace` renews it",
        ));
    }
    let committed = releases(&root().join("Cargo.lock"))?;
    let cross = releases(&root().join("cross/Cargo.lock"))?;
    match differences(&committed, &cross).first() {
        None => Ok(()),
        Some(difference) => Err(Failure::check(format!(
            "{difference}: delete cross/Cargo.lock, and `./dev build` makes it anew from Cargo.lock"
        ))),
    }
}

type Releases = BTreeMap<String, BTreeSet<String>>;

fn releases(path: &Path) -> Outcome<Releases> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    parse(&text).ok_or_else(|| Failure::input(format!("{}: no lock file", path.display())))
}

fn parse(text: &str) -> Option<Releases> {
    let table: toml::Table = text.parse().ok()?;
    let mut releases = Releases::new();
    for package in table.get("package")?.as_array()? {
        let field = |name: &str| package.get(name)?.as_str().map(str::to_owned);
        releases
            .entry(field("name")?)
            .or_default()
            .insert(field("version")?);
    }
    Some(releases)
}

/// Packages of the cross build whose releases the committed lock file does not have. What only the
/// stand-in depends on is not in that file at all.
fn differences(committed: &Releases, cross: &Releases) -> Vec<String> {
    cross
        .iter()
        .filter(|(name, _)| *name != REPLACED)
        .filter_map(|(name, versions)| {
            let known = committed.get(name)?;
            let version = versions.difference(known).next()?;
            Some(format!(
                "cross/Cargo.lock has {name} {version}, which Cargo.lock does not have"
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &str)]) -> Releases {
        let text: String = packages
            .iter()
            .map(|(name, version)| {
                format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
            })
            .collect();
        parse(&text).expect("a lock file")
    }

    #[test]
    fn the_same_releases_agree() {
        let committed = lock(&[("a", "1.0.0"), ("a", "2.0.0"), ("b", "1.0.0")]);
        assert!(
            differences(
                &committed,
                &lock(&[("a", "2.0.0"), ("only-cross", "1.0.0")])
            )
            .is_empty()
        );
    }

    #[test]
    fn another_release_is_seen() {
        let committed = lock(&[("a", "1.0.0"), ("wdk-build", "0.6.0")]);
        let cross = lock(&[("a", "1.0.1"), ("wdk-build", "0.6.1")]);
        assert_eq!(
            differences(&committed, &cross),
            ["cross/Cargo.lock has a 1.0.1, which Cargo.lock does not have"]
        );
    }
}
