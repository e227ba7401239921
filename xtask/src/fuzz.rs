// SPDX-License-Identifier: MIT OR Apache-2.0
//! `./dev fuzz`: runs the fuzz targets of `fuzz/` with cargo-fuzz, each for a while.
//!
//! Any release of the compiler does: `RUSTC_BOOTSTRAP` lets a stable one instrument the code. With the sanitizers' runtime,
//! which rustup brings and Debian does not, addresses are checked too.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::Args;

use crate::{
    failure::{Failure, Outcome},
    project::{output_of, root, run, say, target},
    toolchain::host_cargo,
};

/// Options of `./dev fuzz`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Targets to run; all without any
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// Seconds for each
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,

    /// Longest input, in bytes
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    max_len: u32,
}

/// Runs them one after the other.
///
/// # Errors
/// A target that there is not, a missing tool (status 2); a target that found something (status 1).
pub fn fuzz(options: &Options) -> Outcome {
    let known = targets()?;
    if let Some(name) = options.targets.iter().find(|name| !known.contains(name)) {
        return Err(Failure::input(format!(
            "{name}: there is no such fuzz target; there are {}",
            known.join(", ")
        )));
    }
    let chosen = if options.targets.is_empty() {
        &known
    } else {
        &options.targets
    };
    let cargo_fuzz = cargo_fuzz()?;
    let sanitizer = sanitizer();
    for name in chosen {
        say(&format!(
            "fuzz {name}, {} s, sanitizer {sanitizer}",
            options.seconds
        ));
        println!("{name}: {}", one(&cargo_fuzz, name, sanitizer, options)?);
    }
    Ok(())
}

/// The names of the targets.
fn targets() -> Outcome<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = entries
        .filter_map(|entry| stem(entry.ok()?.path()))
        .collect();
    names.sort();
    Ok(names)
}

/// cargo-fuzz: the one in PATH, or one of the project's own, which is installed if it is missing.
fn cargo_fuzz() -> Outcome<PathBuf> {
    let works = |program: &Path| output_of(Command::new(program).arg("--version")).is_some();
    let tools = target().join("tools");
    let places = [PathBuf::from("cargo-fuzz"), tools.join("bin/cargo-fuzz")];
    if let Some(found) = places.iter().find(|program| works(program)) {
        return Ok(found.clone());
    }
    if std::env::var_os("DEV_NO_INSTALL").is_some_and(|value| value == "1") {
        return Err(Failure::input(
            "cargo-fuzz not found: `cargo install cargo-fuzz` installs it",
        ));
    }
    let mut install = Command::new(host_cargo());
    install
        .args(["install", "--locked", "cargo-fuzz", "--root"])
        .arg(&tools);
    run(&mut install, "the installation of cargo-fuzz")?;
    let [_, installed] = places;
    Ok(installed)
}

/// `address` if the compiler in use has the runtime for it, else `none`.
fn sanitizer() -> &'static str {
    let has_runtime = || {
        let folder = output_of(Command::new("rustc").args(["--print", "target-libdir"]))?;
        let entries = fs::read_dir(folder).ok()?;
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.find(|name| name.ends_with("_rt.asan.a"))
    };
    if has_runtime().is_some() {
        "address"
    } else {
        "none"
    }
}

/// Runs one target and says what it did.
fn one(cargo_fuzz: &Path, name: &str, sanitizer: &str, options: &Options) -> Outcome<String> {
    let folder = target().join("fuzz");
    let corpus = folder.join("corpus").join(name);
    let found = folder.join("found").join(name);
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    let mut command = Command::new(cargo_fuzz);
    command
        .args(["fuzz", "run", "--sanitizer", sanitizer, "--target-dir"])
        .arg(&folder)
        .arg(name)
        .arg(&corpus)
        .arg("--")
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-max_len={}", options.max_len))
        .args(["-timeout=25", "-print_final_stats=1"])
        .current_dir(root().join("fuzz"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| Failure::file(cargo_fuzz, &error))?;
    let mut seen = Seen::default();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if !seen.line(&line) {
                eprintln!("{line}");
            }
        }
    }
    let status = child
        .wait()
        .map_err(|error| Failure::file(cargo_fuzz, &error))?;
    if !status.success() {
        return Err(Failure::check(format!(
            "the fuzz target {name} found something, or does not build; inputs are in {}",
            found.display()
        )));
    }
    seen.summary()
        .ok_or_else(|| Failure::check(format!("the fuzz target {name} ran no input")))
}

/// What libFuzzer says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    runs: u64,
    edges: u64,
    inputs: u64,
}

impl Seen {
    /// Reads a line; whether it is one of progress, which nobody needs.
    fn line(&mut self, line: &str) -> bool {
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
            self.runs = number(Some(runs.trim())).unwrap_or(0);
            return true;
        }
        if !line.starts_with('#') {
            let start = line.chars().next();
            return line.starts_with("stat::") || matches!(start, None | Some('"' | '\t'));
        }
        // `#5303	REDUCE cov: 190 ft: 540 corp: 80/3b lim: 4096 …`
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "cov:" => self.edges = number(words.next()).unwrap_or(self.edges),
                "corp:" => {
                    let count = words.next().and_then(|word| word.split('/').next());
                    self.inputs = number(count).unwrap_or(self.inputs);
                }
                _ => {}
            }
        }
        true
    }

    /// `None`: nothing was run.
    fn summary(&self) -> Option<String> {
        (self.runs != 0 && self.edges != 0).then(|| {
            let Self {
                runs,
                edges,
                inputs,
            } = self;
            format!("{runs} runs, {edges} edges covered by {inputs} inputs, nothing found")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut seen = Seen::default();
        assert!(!seen.line("INFO: Seed: 1"));
        assert!(seen.line("#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb"));
        assert_eq!(seen.summary(), None);
        assert!(seen.line(
            "#99\tREDUCE cov: 21 ft: 40 corp: 7/90b lim: 4 exec/s: 9 rss: 1Mb L: 4/4 MS: 1 Cross-"
        ));
        assert!(seen.line("stat::number_of_executed_units: 1234"));
        assert_eq!(
            seen.summary().as_deref(),
            Some("1234 runs, 21 edges covered by 7 inputs, nothing found")
        );
    }

    #[test]
    fn every_target_has_its_binary_and_its_function() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("the manifest");
        for name in targets().expect("targets") {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")));
            assert!(root().join(format!("fuzz/src/{name}.rs")).is_file());
        }
    }
}
