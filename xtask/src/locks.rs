// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lock files. A package's `Cargo.lock` is the one of a Windows build; builds on other hosts have
//! one below `cross/`, because they replace one package. What both have must be the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use crate::{
    build::{PACKAGES, Package},
    failure::{Failure, Outcome},
    project::root,
    toolchain::host_cargo,
};

/// The package that the cross build replaces.
const REPLACED: &str = "wdk-build";

/// Makes a package's lock file below `cross/` from its `Cargo.lock` if there is none; cargo then drops
/// what the cross build has no use for.
///
/// # Errors
/// A file cannot be written.
pub fn ensure(package: &Package) -> Outcome {
    let committed = root().join(package.file("Cargo.lock"));
    let cross = root().join(package.cross_lock);
    if cross.exists() || !committed.exists() {
        return Ok(());
    }
    if let Some(directory) = cross.parent() {
        fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error))?;
    }
    fs::copy(&committed, &cross)
        .map(drop)
        .map_err(|error| Failure::file(&cross, &error))
}

/// Each `Cargo.lock` fits its manifests, the cross builds use the same releases, and the packages
/// outside the workspace those of the workspace.
///
/// # Errors
/// It does not (status 1), or a file is missing (status 2).
pub fn check() -> Outcome {
    let workspace = releases(Path::new("Cargo.lock"))?;
    for package in &PACKAGES {
        let (manifest, lock) = (package.file("Cargo.toml"), package.file("Cargo.lock"));
        let metadata = Command::new(host_cargo())
            .args([
                "metadata",
                "--locked",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(&manifest)
            .current_dir(root())
            .output()
            .map_err(|error| Failure::input(format!("cargo metadata: {error}")))?;
        if !metadata.status.success() {
            return Err(Failure::check(format!(
                "{} does not fit the manifests: `cargo update --workspace --manifest-path {}` renews it",
                lock.display(),
                manifest.display()
            )));
        }
        let committed = releases(&lock)?;
        let cross = releases(Path::new(package.cross_lock))?;
        if let Some((name, version)) = differences(&committed, &cross).first() {
            return Err(Failure::check(format!(
                "{} has {name} {version}, which {} does not have: delete it, and `./dev build` makes it anew",
                package.cross_lock,
                lock.display()
            )));
        }
        if let Some((name, version)) = differences(&workspace, &committed).first() {
            return Err(Failure::check(format!(
                "{} has {name} {version}, which Cargo.lock does not have: `cargo update --manifest-path {} {name}` renews it",
                lock.display(),
                manifest.display()
            )));
        }
    }
    Ok(())
}

type Releases = BTreeMap<String, BTreeSet<String>>;

/// Reads a lock file, named relative to the project's root.
fn releases(path: &Path) -> Outcome<Releases> {
    let text =
        fs::read_to_string(root().join(path)).map_err(|error| Failure::file(path, &error))?;
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

/// Releases in `other` of packages that `first` has too, but not in that release. What only one of
/// them depends on is not compared.
fn differences(first: &Releases, other: &Releases) -> Vec<(String, String)> {
    other
        .iter()
        .filter(|(name, _)| *name != REPLACED)
        .filter_map(|(name, versions)| {
            let known = first.get(name)?;
            let version = versions.difference(known).next()?;
            Some((name.clone(), version.clone()))
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
            [("a".to_owned(), "1.0.1".to_owned())]
        );
    }
}
