// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things are: the project's root, its target directory, and running programs there.

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::failure::{Failure, Outcome};

/// The project's root directory.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// Cargo's target directory for host builds; artefacts go below it. `./dev` has made it absolute; to a cargo that this program
/// starts, in the root, a relative one means this too.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Says what is being done, on standard error, so that standard output stays for results.
pub fn say(text: &str) {
    eprintln!("==> {text}");
}

/// Runs a program in the project's root. Its output goes to the user's terminal.
///
/// # Errors
/// The program does not start (status 2) or does not succeed (status 1).
pub fn run(command: &mut Command, what: &str) -> Outcome {
    command.current_dir(root()).stdin(Stdio::null());
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::check(format!("{what} failed ({status})")))
    }
}

/// As [`run`], for cargo with a patched crate and its own copy of the standard library: passes its
/// messages on, but for one that is wrong. Cargo resolves the library's workspace with the same
/// patches and then warns that the patch was used there by nobody.
///
/// # Errors
/// As [`run`].
pub fn run_cargo_patched(command: &mut Command, what: &str) -> Outcome {
    command
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    let mut dropping = false;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.starts_with("warning: patch `wdk-build") {
                dropping = true;
            } else if dropping
                && (line.starts_with("help: Check that the patched") || line.starts_with("      "))
            {
                continue;
            } else {
                dropping = false;
                if line.trim() != "Updating crates.io index" {
                    eprintln!("{line}");
                }
            }
        }
    }
    let status = child
        .wait()
        .map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::check(format!("{what} failed ({status})")))
    }
}

/// This program, to be started once more. A test build may have replaced it meanwhile: Linux then says so behind the path,
/// and the new one stands where the old one stood.
///
/// # Errors
/// The system does not say where it is.
pub fn this_program() -> Outcome<PathBuf> {
    let path =
        env::current_exe().map_err(|error| Failure::input(format!("this program: {error}")))?;
    Ok(
        match path
            .to_str()
            .and_then(|text| text.strip_suffix(" (deleted)"))
        {
            Some(text) => PathBuf::from(text),
            None => path,
        },
    )
}

/// Standard output of a program that succeeded.
pub fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::input(format!("{}: {error}", command.get_program().display()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn a_relative_target_directory_is_where_the_user_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path().canonicalize().expect("its path");
        let cargo = here.join("cargo");
        let script = "#!/bin/sh\ncase $1 in build|run) echo \"$CARGO_TARGET_DIR\" ;; esac\n";
        fs::write(&cargo, script).expect("a file");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("executable");
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = [here.clone()].into_iter().chain(env::split_paths(&path));
        let path = env::join_paths(paths).expect("a PATH");
        let said = |directory: &str| {
            let mut dev = Command::new("sh");
            dev.arg(root().join("dev"))
                .arg("build")
                .current_dir(&here)
                .env("PATH", &path)
                .env("DEV_NO_INSTALL", "1")
                .env("CARGO_TARGET_DIR", directory);
            output_of(&mut dev).expect("dev succeeds")
        };
        let wanted = here.join("out").display().to_string();
        assert_eq!(said("out"), format!("{wanted}\n{wanted}"));
        assert_eq!(said("/elsewhere"), "/elsewhere\n/elsewhere");
    }
}
