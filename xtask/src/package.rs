// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the driver package: the image, the INF with architecture and version filled in, and the
//! debug information. Signing (and with it the catalogue) is done on Windows.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    build::{self, Profile},
    failure::{Failure, Outcome},
    project::{output_of, root, say, target},
};

/// Makes the package and returns its directory.
///
/// # Errors
/// The driver does not build, or the INF template is missing or has nothing to fill in.
pub fn make() -> Outcome<PathBuf> {
    let sys = build::driver(Profile::Release)?;
    say("package");
    let package = target().join("package");
    fs::create_dir_all(&package).map_err(|error| Failure::file(&package, &error))?;
    for file in [sys.clone(), sys.with_extension("pdb")] {
        if file.is_file() {
            let to = package.join(file.file_name().unwrap_or_default());
            fs::copy(&file, to).map_err(|error| Failure::file(&file, &error))?;
        }
    }
    let template = root().join("inf/ndis_e1000e.inx");
    let text = fs::read_to_string(&template).map_err(|error| Failure::file(&template, &error))?;
    let inf = stamp(&text, &date(), &version())
        .map_err(|reason| Failure::input(format!("{}: {reason}", template.display())))?;
    let to = package.join("ndis_e1000e.inf");
    fs::write(&to, inf).map_err(|error| Failure::file(&to, &error))?;
    Ok(package)
}

/// Fills in an INF template as stampinf does: `$ARCH$` and the value of `DriverVer`.
fn stamp(template: &str, date: &str, version: &str) -> Result<String, &'static str> {
    let mut stamped = String::with_capacity(template.len());
    let mut dated = false;
    for line in template.split_inclusive('\n') {
        let end = line.trim_end_matches(['\r', '\n']);
        let key = end.split('=').next().unwrap_or_default().trim();
        if key.eq_ignore_ascii_case("DriverVer") && end.contains('=') {
            stamped.push_str(end.split('=').next().unwrap_or_default());
            stamped.push_str(&format!("= {date},{version}"));
            stamped.push_str(&line[end.len()..]);
            dated = true;
        } else if end.trim_start().starts_with(';') {
            stamped.push_str(line);
        } else {
            stamped.push_str(&line.replace("$ARCH$", "amd64"));
        }
    }
    if dated {
        Ok(stamped)
    } else {
        Err("no DriverVer to fill in")
    }
}

/// The date of the package, as `MM/DD/YYYY`: `SOURCE_DATE_EPOCH`, else that of the last commit, else
/// now, so that the same sources give the same package.
fn date() -> String {
    let epoch = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .or_else(|| commit_time(&root()));
    let at = epoch
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .unwrap_or_else(jiff::Timestamp::now);
    at.strftime("%m/%d/%Y").to_string()
}

fn commit_time(root: &Path) -> Option<String> {
    output_of(
        Command::new("git")
            .arg("-C")
            .arg(root)
            .args(["log", "-1", "--format=%ct"]),
    )
}

/// The package's version with the four parts that Windows wants.
fn version() -> String {
    format!("{}.0", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architecture_and_version_are_filled_in() {
        let template =
            "; NT$ARCH$ in a remark\r\n[Version]\r\nDriverVer = ; later\r\n[M.NT$ARCH$.10.0]\r\n";
        assert_eq!(
            stamp(template, "11/22/2026", "0.1.0.0").expect("it has a DriverVer"),
            "; NT$ARCH$ in a remark\r\n[Version]\r\nDriverVer = 11/22/2026,0.1.0.0\r\n[M.NTamd64.10.0]\r\n"
        );
    }

    #[test]
    fn a_template_without_a_version_is_refused() {
        assert!(stamp("[Version]\r\n; DriverVer = x\r\n", "d", "v").is_err());
    }

    #[test]
    fn the_date_is_american() {
        let date = date();
        let parts: Vec<&str> = date.split('/').collect();
        assert_eq!(
            parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
            [2, 2, 4],
            "{date}"
        );
    }

    #[test]
    fn the_project_s_template_can_be_stamped() {
        let path = root().join("inf/ndis_e1000e.inx");
        let text = fs::read_to_string(&path).expect("the template is there");
        let stamped = stamp(&text, "01/02/2026", "1.2.3.4").expect("it has a DriverVer");
        assert!(
            stamped.contains("DriverVer   = 01/02/2026,1.2.3.4"),
            "{stamped}"
        );
        assert!(
            stamped
                .lines()
                .all(|line| line.starts_with(';') || !line.contains("$ARCH$"))
        );
    }
}
