// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds the images: the `.sys` of the driver, of the example and of the planted faults, and the
//! checked host's ELF.

use std::{
    env, fs,
    path::{self, Path, PathBuf},
    process::Command,
};

use crate::{
    failure::{Failure, Outcome},
    locks,
    project::{root, run, run_cargo_patched, say, target},
    toolchain::{self, BARE, Toolchain, WINDOWS, host_cargo},
    wdk_tree,
};

/// Where mingw-w64's kernel headers are.
const OPEN_HEADERS: &str = "/usr/x86_64-w64-mingw32/include/ddk/ntifs.h";

/// How the driver is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Optimised: what is packaged and what the gate checks.
    Release,
    /// With debug assertions and overflow checks.
    Dev,
}

impl Profile {
    /// Cargo's name of the profile's output directory.
    fn directory(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }

    /// Cargo's name of the profile.
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}

/// The directory that cargo builds for other targets in.
fn cross_target() -> PathBuf {
    target().join("cross")
}

/// A package that becomes a `.sys`, with the lock files of its builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// What the user is told that is built.
    pub title: &'static str,
    /// The package's name.
    pub package: &'static str,
    /// The library's name, which is the image's too.
    pub library: &'static str,
    /// The package's directory; empty for the root.
    pub directory: &'static str,
    /// Where the lock file of builds with the stand-in for wdk-build is.
    pub cross_lock: &'static str,
}

/// The driver of this repository.
pub const DRIVER: Package = Package {
    title: "driver",
    package: "ndis-e1000e",
    library: "ndis_e1000e",
    directory: "",
    cross_lock: "cross/Cargo.lock",
};

/// The example.
pub const EXAMPLE: Package = Package {
    title: "example",
    package: "edu_miniport",
    library: "edu_miniport",
    directory: "examples/edu_miniport",
    cross_lock: "cross/edu_miniport/Cargo.lock",
};

/// The driver with one planted breach of the contract in each run.
pub const PLANTED: Package = Package {
    title: "planted faults",
    package: "planted_miniport",
    library: "planted_miniport",
    directory: "tests/planted",
    cross_lock: "cross/planted_miniport/Cargo.lock",
};

/// The driver with one planted breach of the interrupt contract in each run.
pub const PLANTED_INTERRUPTS: Package = Package {
    title: "planted interrupt faults",
    package: "planted_e1000e",
    library: "planted_e1000e",
    directory: "tests/planted_e1000e",
    cross_lock: "cross/planted_e1000e/Cargo.lock",
};

/// All of them.
pub const PACKAGES: [Package; 4] = [DRIVER, EXAMPLE, PLANTED, PLANTED_INTERRUPTS];

impl Package {
    /// A file of the package, relative to the project's root.
    pub fn file(&self, name: &str) -> PathBuf {
        Path::new(self.directory).join(name)
    }
}

/// Builds the driver. Beside the `.sys` lie its `.pdb` and `.map`.
///
/// # Errors
/// A missing tool or header (status 2), or code that does not compile (status 1).
pub fn driver(profile: Profile) -> Outcome<PathBuf> {
    image(&DRIVER, profile)
}

/// The linker's map of the driver that [`driver`] has built.
pub fn driver_map(profile: Profile) -> PathBuf {
    target()
        .join("driver")
        .join(profile.directory())
        .join("ndis_e1000e.map")
}

/// Builds one `.sys`, with its `.pdb` and `.map` beside it.
///
/// # Errors
/// As [`driver`].
pub fn image(package: &Package, profile: Profile) -> Outcome<PathBuf> {
    say(&format!("{} ({})", package.title, profile.name()));
    let mut cargo = image_cargo("rustc", package)?;
    // As a cdylib alone: with the rlib beside it, cargo would leave link-time optimisation out.
    cargo.args([
        "--profile",
        profile.name(),
        "--crate-type",
        "cdylib",
        "--lib",
    ]);
    run_cargo_patched(&mut cargo, &format!("building {}", package.library))?;

    let built = cross_target().join(WINDOWS).join(profile.directory());
    let folder = if *package == DRIVER {
        "driver"
    } else {
        package.library
    };
    let to = target().join(folder).join(profile.directory());
    fs::create_dir_all(&to).map_err(|error| Failure::file(&to, &error))?;
    let named = |extension: &str| format!("{}.{extension}", package.library);
    let sys = to.join(named("sys"));
    copy(&built.join(named("dll")), &sys)?;
    copy(&built.join(named("pdb")), &to.join(named("pdb")))?;
    copy(
        &built.join("deps").join(named("map")),
        &to.join(named("map")),
    )?;
    Ok(sys)
}

/// `cargo TASK` for a driver package and its target: with the stand-in for wdk-build, unless this
/// host is Windows, which has the real one.
///
/// # Errors
/// A missing tool or header.
pub fn image_cargo(task: &str, package: &Package) -> Outcome<Command> {
    let toolchain = Toolchain::cross()?;
    let mut cargo = toolchain.cargo(task, WINDOWS, &cross_target());
    cargo
        .arg("--manifest-path")
        .arg(package.file("Cargo.toml"))
        .args(["-p", package.package]);
    if cfg!(windows) {
        cargo.arg("--locked");
        return Ok(cargo);
    }
    match env::var_os("WDKContentRoot").filter(|root| !root.is_empty()) {
        Some(wdk) => {
            // Relative to where the user is, not to where cargo's build scripts run.
            let wdk =
                path::absolute(&wdk).map_err(|error| Failure::file(Path::new(&wdk), &error))?;
            let (_, version) = wdk_tree::newest_version(&wdk).map_err(Failure::input)?;
            wdk_tree::has_first_headers(&version).map_err(Failure::input)?;
            cargo.env("WDKContentRoot", wdk);
        }
        None if !Path::new(OPEN_HEADERS).exists() => {
            return Err(Failure::input(format!(
                "{OPEN_HEADERS} not found: install mingw-w64-x86-64-dev, or let WDKContentRoot name a WDK tree"
            )));
        }
        None => {}
    }
    let linker = toolchain::llvm("lld-link", "lld-22")?;
    let root = root();
    locks::ensure(package)?;
    cargo
        .args(["--features", "cross", "-Zlockfile-path"])
        .arg("--config")
        .arg(setting(
            "resolver.lockfile-path",
            &root.join(package.cross_lock),
        ))
        .arg("--config")
        .arg(setting(
            "patch.crates-io.wdk-build.path",
            &root.join("cross/wdk-build"),
        ))
        .arg("--config")
        .arg(setting("target.x86_64-pc-windows-msvc.linker", &linker))
        .args(["--config", "future-incompat-report.frequency=\"never\""])
        .env("LIBCLANG_PATH", toolchain::libclang()?)
        // The driver model, which all of them share; one value for all, so that the bindings of the
        // kernel headers are made once.
        .env("NDIS_CROSS_MANIFEST", root.join("Cargo.toml"))
        .env(
            "NDIS_LLVM_DLLTOOL",
            toolchain::llvm("llvm-dlltool", "llvm-22")?,
        )
        .env("NDIS_LLVM_MC", toolchain::llvm("llvm-mc", "llvm-22")?)
        .env("NDIS_LLVM_LIB", toolchain::llvm("llvm-lib", "llvm-22")?);
    Ok(cargo)
}

/// A `--config` argument with a path in it.
fn setting(key: &str, path: &Path) -> String {
    format!("{key}={}", toml::Value::String(path.display().to_string()))
}

/// Builds the checked host.
///
/// # Errors
/// A missing tool (status 2), or code that does not compile (status 1).
pub fn vmhost() -> Outcome<PathBuf> {
    say("checked host");
    let mut cargo = vmhost_cargo("build")?;
    cargo.arg("--release");
    run(&mut cargo, "building the checked host")?;
    Ok(cross_target().join(BARE).join("release/vmhost"))
}

/// Builds QEMU's counting plugin.
///
/// # Errors
/// As [`vmhost`].
pub fn plugin() -> Outcome<PathBuf> {
    say("counting plugin");
    let mut cargo = Command::new(host_cargo());
    cargo.args(["build", "--locked", "-p", "driver-meter"]);
    run(&mut cargo, "building the counting plugin")?;
    Ok(target().join("debug/libdriver_meter.so"))
}

/// `cargo TASK` for the checked host and its target.
///
/// # Errors
/// A missing tool.
pub fn vmhost_cargo(task: &str) -> Outcome<Command> {
    let mut cargo = Toolchain::cross()?.cargo(task, BARE, &cross_target());
    cargo.args(["-p", "vmhost", "--locked"]);
    // The profile's link-time optimisation is for the driver. Here it would cost minutes, for an
    // image that spends its time in the emulator.
    cargo.args(["--config", "profile.release.lto=\"off\""]);
    cargo.args(["--config", "profile.release.codegen-units=16"]);
    if !cfg!(windows) {
        let linker = toolchain::llvm("ld.lld", "lld-22")?;
        cargo
            .arg("--config")
            .arg(setting("target.x86_64-unknown-none.linker", &linker));
    }
    Ok(cargo)
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to)
        .map(drop)
        .map_err(|error| Failure::file(from, &error))
}
