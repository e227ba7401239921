// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel headers of an installed WDK, or of a copy of one.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    failure::{Failure, Outcome},
    wdk_tree,
};

/// Directories of headers, in the order in which they are searched.
const PARTS: [&str; 3] = ["km/crt", "km", "shared"];
/// Where the WDK's installer puts it.
const INSTALLED: &str = r"C:\Program Files (x86)\Windows Kits\10";

/// `Include/10.*` of a WDK.
#[derive(Debug)]
pub struct Headers(PathBuf);

impl Headers {
    /// The newest of the WDK that `WDKContentRoot` names, or that is installed.
    ///
    /// # Errors
    /// There is none.
    pub fn find() -> Outcome<Self> {
        match env::var_os("WDKContentRoot").filter(|path| !path.is_empty()) {
            Some(root) => Self::of(Path::new(&root)),
            None if cfg!(windows) => Self::of(Path::new(INSTALLED)),
            None => Err(Failure::input(
                "WDKContentRoot is not set: let it name a WDK, or a copy of one, with its Include directory",
            )),
        }
    }

    /// The newest of this WDK.
    ///
    /// # Errors
    /// There is none.
    pub fn of(root: &Path) -> Outcome<Self> {
        let (_, directory) = wdk_tree::newest_version(root).map_err(Failure::input)?;
        Ok(Self(directory))
    }

    /// For messages.
    pub fn shown(&self) -> String {
        self.0.display().to_string()
    }

    /// clang's options. A host whose file names have case gets an overlay without it, because the headers do not agree
    /// on the case of each other's names.
    ///
    /// # Errors
    /// A directory that cannot be read, or an overlay that cannot be written to `folder`.
    pub fn arguments(&self, folder: &Path) -> Outcome<Vec<String>> {
        let mut arguments = Vec::new();
        if !cfg!(windows) {
            let file = folder.join("headers.yaml");
            let overlay = json!({
                "version": 0,
                "case-sensitive": "false",
                "roots": [entry(&self.0)?],
            });
            fs::write(&file, overlay.to_string()).map_err(|error| Failure::file(&file, &error))?;
            arguments.extend(["-ivfsoverlay".to_owned(), file.display().to_string()]);
        }
        for part in PARTS {
            let path = wdk_tree::child(&self.0, part);
            if path.is_dir() {
                arguments.extend(["-isystem".to_owned(), path.display().to_string()]);
            }
        }
        Ok(arguments)
    }
}

/// A directory of the overlay, with all below it. JSON is YAML.
fn entry(directory: &Path) -> Outcome<Value> {
    let mut contents = Vec::new();
    let entries = fs::read_dir(directory).map_err(|error| Failure::file(directory, &error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let mut below = entry(&path)?;
            below["name"] = json!(name);
            contents.push(below);
        } else {
            contents.push(json!({
                "type": "file",
                "name": name,
                "external-contents": path.display().to_string(),
            }));
        }
    }
    Ok(json!({
        "type": "directory",
        "name": directory.display().to_string(),
        "contents": contents,
    }))
}
