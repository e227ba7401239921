// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lays out a directory in the shape of an installed WDK, once, for everything that asks this crate
//! for headers and libraries: `Include/<version>/{km,km/crt,shared}` and `Lib/<version>/km/x64`.
//!
//! Headers come from the WDK tree that `WDKContentRoot` names, else from mingw-w64. Import libraries
//! come from that tree where it has them, else they are made from the `.def` files beside this crate.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

mod tree;

use tree::{
    at, child, copied_headers, has_first_headers, link, link_as_itself, list, make_dir,
    newest_version,
};

/// Version directory of the layout made over the open headers, which have no WDK version.
const OPEN_VERSION: &str = "10.0.26100.0";
/// Where Debian's and Ubuntu's `mingw-w64-x86-64-dev` puts its headers.
const MINGW_INCLUDE: &str = "/usr/x86_64-w64-mingw32/include";
/// Intrinsics headers that must be empty over mingw's headers: the bindings need none of their
/// types, and the layout of clang's AMX tile type is one that bindgen gets wrong.
const EMPTY_HEADERS: [&str; 5] = [
    "emmintrin.h",
    "immintrin.h",
    "intrin.h",
    "x86intrin.h",
    "xmmintrin.h",
];
/// Import library, and the `.def` file it is made from.
const IMPORT_LIBRARIES: [(&str, &str); 4] = [
    ("hal.lib", "hal.def"),
    ("ndis.lib", "ndis.def"),
    ("ntoskrnl.lib", "ntoskrnl.def"),
    ("wmilib.lib", "wmilib.def"),
];
/// The static library with the security cookie and the entry point that initialises it.
const COOKIE_LIBRARY: &str = "BufferOverflowFastFailK.lib";

fn main() -> ExitCode {
    match lay_out() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn lay_out() -> Result<(), String> {
    for name in [
        "WDKContentRoot",
        "NDIS_LLVM_DLLTOOL",
        "NDIS_LLVM_MC",
        "NDIS_LLVM_LIB",
    ] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=tree.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let cross = PathBuf::from(variable("CARGO_MANIFEST_DIR")?)
        .parent()
        .ok_or("cross/wdk-build has no parent directory")?
        .to_owned();
    let root = out.join("wdk");
    if root.exists() {
        fs::remove_dir_all(&root).map_err(|error| at(&root, &error))?;
    }

    let wdk = env::var_os("WDKContentRoot")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    // A tree that somebody made of mingw's headers needs what mingw's headers need.
    let mut open = true;
    let version = match &wdk {
        Some(wdk) => {
            let (version, from) = newest_version(wdk)?;
            has_first_headers(&from)?;
            for part in ["Include", "Lib"] {
                println!("cargo::rerun-if-changed={}", child(wdk, part).display());
            }
            let to = root.join("Include").join(&version);
            open = child(&from, "shared/_mingw.h").is_file();
            copied_headers(&from, &to)?;
            if open {
                supplements(&cross, &to.join("km/crt"))?;
            }
            version
        }
        None => {
            open_headers(&cross, &root.join("Include").join(OPEN_VERSION))?;
            OPEN_VERSION.to_owned()
        }
    };
    let libraries = root.join("Lib").join(&version).join("km/x64");
    let theirs = match &wdk {
        Some(wdk) => list(&child(wdk, &format!("Lib/{version}/km/x64"))),
        None => BTreeMap::new(),
    };
    make_dir(&libraries)?;
    import_libraries(&cross, &theirs, &libraries)?;
    cookie_library(&cross, &theirs, &out, &libraries)?;

    println!("cargo::rustc-env=NDIS_CROSS_WDK={}", root.display());
    println!("cargo::rustc-env=NDIS_CROSS_WDK_VERSION={version}");
    println!("cargo::rustc-env=NDIS_CROSS_OPEN={}", u8::from(open));
    Ok(())
}

/// mingw's headers in the WDK's places, with the prelude before them.
fn open_headers(cross: &Path, include: &Path) -> Result<(), String> {
    let mingw = Path::new(MINGW_INCLUDE);
    if !mingw.join("ddk/ntifs.h").is_file() {
        return Err(format!(
            "{MINGW_INCLUDE}/ddk/ntifs.h is missing: install mingw-w64-x86-64-dev or set WDKContentRoot"
        ));
    }
    let km = include.join("km");
    let crt = km.join("crt");
    make_dir(&crt)?;
    for path in list(&mingw.join("ddk")).into_values() {
        link_as_itself(&path, &km)?;
    }
    supplements(cross, &crt)?;
    link(mingw, &include.join("shared"))
}

/// Headers that come before mingw's: empty ones, and the prelude.
fn supplements(cross: &Path, crt: &Path) -> Result<(), String> {
    for name in EMPTY_HEADERS {
        let path = crt.join(name);
        // A link here leads into the tree, which is not ours to write to.
        if path.exists() {
            fs::remove_file(&path).map_err(|error| at(&path, &error))?;
        }
        write(&path, "#pragma once\n")?;
    }
    let prelude = cross.join("prelude.h");
    println!("cargo::rerun-if-changed={}", prelude.display());
    link(&prelude, &crt.join("ndis_prelude.h"))
}

fn import_libraries(
    cross: &Path,
    theirs: &BTreeMap<String, PathBuf>,
    to: &Path,
) -> Result<(), String> {
    for (library, def) in IMPORT_LIBRARIES {
        if let Some(path) = theirs.get(&library.to_ascii_lowercase()) {
            link(path, &to.join(library))?;
            continue;
        }
        let def = cross.join(def);
        println!("cargo::rerun-if-changed={}", def.display());
        let target = to.join(library);
        run("NDIS_LLVM_DLLTOOL", "llvm-dlltool", |tool| {
            tool.args(["-m", "i386:x86-64", "-d"])
                .arg(&def)
                .arg("-l")
                .arg(&target);
        })?;
    }
    Ok(())
}

fn cookie_library(
    cross: &Path,
    theirs: &BTreeMap<String, PathBuf>,
    out: &Path,
    to: &Path,
) -> Result<(), String> {
    if let Some(path) = theirs.get(&COOKIE_LIBRARY.to_ascii_lowercase()) {
        return link(path, &to.join(COOKIE_LIBRARY));
    }
    let source = cross.join("gs_driver_entry.s");
    println!("cargo::rerun-if-changed={}", source.display());
    let object = out.join("gs_driver_entry.obj");
    run("NDIS_LLVM_MC", "llvm-mc", |tool| {
        tool.args(["--triple=x86_64-pc-windows-msvc", "--filetype=obj", "-o"])
            .arg(&object)
            .arg(&source);
    })?;
    run("NDIS_LLVM_LIB", "llvm-lib", |tool| {
        tool.arg(format!("/out:{}", to.join(COOKIE_LIBRARY).display()))
            .arg(&object);
    })
}

/// Runs an LLVM tool: the one that the variable names, else the plain name from PATH.
fn run(variable: &str, plain: &str, arguments: impl FnOnce(&mut Command)) -> Result<(), String> {
    let tool = env::var(variable).unwrap_or_else(|_| plain.to_owned());
    let mut command = Command::new(&tool);
    arguments(&mut command);
    let output = command
        .output()
        .map_err(|error| format!("{tool}: {error}: install the llvm package"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{tool}: {}",
        text.lines().next().unwrap_or("failed without a message")
    ))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| at(path, &error))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: this runs under cargo only"))
}
