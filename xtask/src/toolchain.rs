// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds the compilers and LLVM tools, and says in one line what is missing.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    failure::{Failure, Outcome},
    project::output_of,
};

/// Target of the driver.
pub const WINDOWS: &str = "x86_64-pc-windows-msvc";
/// Target of the checked host.
pub const BARE: &str = "x86_64-unknown-none";
/// Oldest release that is used. The code needs less; but this one's cargo is the first that can be
/// told the name of its lock file, and without that a build would rewrite the committed one.
const OLDEST_RUST: (u32, u32) = (1, 95);
/// Releases of libclang that read the kernel headers right, best first. Release 22 turns structures
/// that are declared before they are defined into one-byte ones.
const LIBCLANG: [u32; 6] = [19, 20, 21, 18, 17, 16];
/// Newest and oldest LLVM release that is looked for.
const LLVM: (u32, u32) = (40, 16);

/// A cargo with its rustc, able to build for [`WINDOWS`] and [`BARE`].
#[derive(Debug, Clone)]
pub struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// The targets are not installed: the standard library is built from its sources.
    build_std: bool,
}

/// The cargo that builds for this machine: the one that runs this program.
pub fn host_cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// A cargo subcommand of that cargo itself: a plain `cargo fmt` takes the first one in PATH, which
/// may be of another toolchain.
pub fn subcommand(cargo: &Path, name: &str) -> Command {
    let program = format!("cargo-{name}");
    let beside = cargo.with_file_name(&program);
    let mut command = Command::new(if beside.is_file() {
        beside
    } else {
        PathBuf::from(program)
    });
    command.arg(name).env("CARGO", cargo);
    command
}

impl Toolchain {
    /// The first toolchain that can build for both targets: the running one, then the one of the
    /// distribution.
    ///
    /// # Errors
    /// There is none.
    pub fn cross() -> Outcome<Self> {
        let host = (
            host_cargo(),
            PathBuf::from(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())),
        );
        let distribution = (
            PathBuf::from("/usr/bin/cargo"),
            PathBuf::from("/usr/bin/rustc"),
        );
        let mut found = Vec::new();
        for (cargo, rustc) in [host, distribution] {
            let Some(version) = output_of(Command::new(&rustc).arg("--version")) else {
                continue;
            };
            if release(&version).is_none_or(|release| release < OLDEST_RUST) {
                found.push(format!("{} is too old ({version})", rustc.display()));
                continue;
            }
            let installed = [WINDOWS, BARE]
                .iter()
                .all(|target| has_target(&rustc, target));
            if installed || has_sources(&rustc) {
                return Ok(Self {
                    cargo,
                    rustc,
                    build_std: !installed,
                });
            }
            found.push(format!(
                "{} has neither the targets nor rust-src",
                rustc.display()
            ));
        }
        Err(Failure::input(format!(
            "no Rust toolchain {}.{} or newer for {WINDOWS} and {BARE}: install rustc-web, cargo-web and rust-web-src, or `rustup target add {WINDOWS} {BARE}`{}",
            OLDEST_RUST.0,
            OLDEST_RUST.1,
            if found.is_empty() {
                String::new()
            } else {
                format!(" ({})", found.join("; "))
            },
        )))
    }

    /// `cargo TASK` for a target, with a target directory of its own.
    pub fn cargo(&self, task: &str, target: &str, target_dir: &Path) -> Command {
        let mut command = match task {
            "clippy" => subcommand(&self.cargo, task),
            _ => {
                let mut command = Command::new(&self.cargo);
                command.arg(task);
                command
            }
        };
        command
            .args(["--target", target, "--target-dir"])
            .arg(target_dir)
            .env("RUSTC", &self.rustc)
            // -Z options of a stable cargo: build-std and a lock file of another name.
            .env("RUSTC_BOOTSTRAP", "1")
            // These would replace the settings of .cargo/config.toml.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET")
            .env_remove("CARGO_TARGET_DIR");
        if self.build_std {
            command.args([
                "-Zbuild-std=core,alloc,compiler_builtins",
                "-Zbuild-std-features=compiler-builtins-mem",
            ]);
        }
        command
    }
}

/// Major and minor number of `rustc 1.96.0 (...)`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn has_target(rustc: &Path, target: &str) -> bool {
    output_of(Command::new(rustc).args(["--print", "target-libdir", "--target", target]))
        .is_some_and(|directory| Path::new(&directory).is_dir())
}

fn has_sources(rustc: &Path) -> bool {
    output_of(Command::new(rustc).args(["--print", "sysroot"])).is_some_and(|sysroot| {
        Path::new(&sysroot)
            .join("lib/rustlib/src/rust/library/core/Cargo.toml")
            .is_file()
    })
}

/// An LLVM tool: `name`, `name-NN` or one in `/usr/lib/llvm-NN/bin`, the newest.
///
/// # Errors
/// There is none; the message names the package.
pub fn llvm(name: &str, package: &str) -> Outcome<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = env::split_paths(&path).collect();
    let numbered = (LLVM.1..=LLVM.0).rev().flat_map(|number| {
        let in_path = directories
            .iter()
            .map(move |directory| directory.join(format!("{name}-{number}")));
        in_path.chain([PathBuf::from(format!("/usr/lib/llvm-{number}/bin/{name}"))])
    });
    numbered
        .chain(directories.iter().map(|directory| directory.join(name)))
        .find(|path| path.is_file())
        .ok_or_else(|| Failure::input(format!("{name} not found: install {package}")))
}

/// The directory of a libclang that reads the kernel headers right.
///
/// # Errors
/// There is none.
pub fn libclang() -> Outcome<OsString> {
    if let Some(path) = env::var_os("LIBCLANG_PATH").filter(|path| !path.is_empty()) {
        return Ok(path);
    }
    LIBCLANG
        .iter()
        .map(|number| PathBuf::from(format!("/usr/lib/llvm-{number}/lib")))
        .find(|directory| {
            let library = |name: &str| directory.join(name).exists();
            (library("libclang.so") || library("libclang.so.1")) && directory.join("clang").is_dir()
        })
        .map(PathBuf::into_os_string)
        .ok_or_else(|| {
            Failure::input("libclang 16 to 21 not found: install libclang-19-dev and libclang-common-19-dev, or set LIBCLANG_PATH")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_reads_the_version_line() {
        assert_eq!(release("rustc 1.96.0 (abc 2026-05-01)"), Some((1, 96)));
        assert_eq!(release("rustc 1.63.0"), Some((1, 63)));
        assert_eq!(release("rustc"), None);
        assert!(release("rustc 1.63.0") < Some(OLDEST_RUST));
    }

    #[test]
    fn a_missing_tool_is_named_with_its_package() {
        let failure = llvm("no-such-llvm-tool", "llvm-22").expect_err("it does not exist");
        assert_eq!(
            failure,
            Failure::input("no-such-llvm-tool not found: install llvm-22")
        );
    }
}
