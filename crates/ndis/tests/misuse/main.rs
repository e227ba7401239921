// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must not compile, and that it is the marked line which does not.
//!
//! Each file of `cases/` is what its cases share and sections `//# name`; [`PRELUDE`] stands before it. A section is
//! compiled twice: as it stands, which must fail with the error of the line marked `//~ E0000` (one of these codes; one without a code if the mark has none) and
//! nowhere else; and without the marked line, which must succeed: all sections of a file at once, as modules.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One section of a case file.
struct Case {
    name: String,
    /// With the prelude.
    text: String,
    /// Marked line, counted from 1, and the expected code, perhaps empty.
    mark: (usize, String),
}

const MARK: &str = "//~";
/// What the cases of all files share.
const PRELUDE: &str = include_str!("prelude.rs");

/// The text of a file of cases behind the prelude. Documentation of the file can stand at the beginning only.
fn behind_prelude(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("//!"));
    lines.fold(PRELUDE.to_owned(), |whole, line| whole + line + "\n")
}

fn cases(file: &str, text: &str) -> Vec<Case> {
    let mut sections = text.split("//# ");
    let prelude = sections.next().expect("a prelude");
    sections
        .map(|section| {
            let (name, body) = section.split_once('\n').expect("a name, then code");
            let text = format!("{prelude}{body}");
            let marked: Vec<_> = text
                .lines()
                .enumerate()
                .filter_map(|(n, line)| Some((n + 1, line.split_once(MARK)?.1.trim().to_owned())))
                .collect();
            let [mark] = marked.as_slice() else {
                panic!("{file}: {name}: one marked line, not {}", marked.len());
            };
            Case {
                name: format!("{file}: {}", name.trim()),
                mark: mark.clone(),
                text,
            }
        })
        .collect()
}

/// Every library file of this crate in the folder that this test was built into, newest first.
fn libraries() -> Vec<PathBuf> {
    let exe = std::env::current_exe().expect("this test's path");
    let folder = exe.parent().expect("a folder");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of the test")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
            name.starts_with("libndis-") && name.ends_with(".rlib")
        })
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(path.metadata().and_then(|m| m.modified()).ok()));
    found
}

/// Compiles `text`; the error lines, or nothing.
fn compile(text: &str, library: &Path, scratch: &Path) -> Vec<(usize, String, String)> {
    let source = scratch.join("case.rs");
    std::fs::write(&source, text).expect("the case as a file");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut external = std::ffi::OsString::from("ndis=");
    external.push(library);
    let output = Command::new(rustc)
        .args([
            "--edition=2024",
            "--crate-type=lib",
            "--emit=metadata",
            "--error-format=short",
        ])
        .args([
            "-Awarnings",
            "--cap-lints=allow",
            "-Cpanic=abort",
            "--extern",
        ])
        .arg(external)
        .arg("-L")
        .arg(library.parent().expect("a folder"))
        .arg("--out-dir")
        .arg(scratch)
        .arg(&source)
        .output()
        .expect("rustc runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: Vec<_> = errors
        .lines()
        .filter_map(|line| {
            let (place, message) = line.split_once(": error")?;
            let number = place.rsplit(':').nth(1)?.parse().ok()?;
            let code = message.strip_prefix('[').and_then(|m| m.split(']').next());
            Some((number, code.unwrap_or("").to_owned(), line.to_owned()))
        })
        .collect();
    assert!(
        output.status.success() || !found.is_empty(),
        "rustc failed otherwise:\n{errors}"
    );
    found
}

/// `text` without its marked lines.
fn unmarked(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains(MARK));
    lines.map(|line| format!("{line}\n")).collect()
}

/// What is wrong with the error of a case, if anything.
fn judge(case: &Case, library: &Path, scratch: &Path) -> Option<String> {
    let (line, code) = &case.mark;
    let errors = compile(&case.text, library, scratch);
    if errors.is_empty() {
        return Some(format!("{}: compiles", case.name));
    }
    let other = errors
        .iter()
        .find(|(at, found, _)| at != line || !code.split(' ').any(|code| code == found));
    other.map(|(_, _, text)| format!("{}: wanted {code} in line {line}, got {text}", case.name))
}

/// What is wrong with a file without its marked lines, if anything.
fn judge_rest(name: &str, text: &str, library: &Path, scratch: &Path) -> Option<String> {
    let mut sections = text.split("//# ");
    let mut whole = sections.next().expect("a prelude").to_owned();
    for (number, section) in sections.enumerate() {
        let (_, body) = section.split_once('\n').expect("a name, then code");
        let body = unmarked(body);
        whole += &format!("pub mod case_{number} {{\nuse super::*;\n{body}}}\n");
    }
    let errors = compile(&whole, library, scratch);
    let first = errors.first();
    first.map(|(line, _, text)| {
        let at = whole.lines().nth(line - 1).unwrap_or("");
        format!("{name}: without the marked lines: {text}: `{at}`")
    })
}

#[test]
fn misuse_does_not_compile() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("misuse");
    std::fs::create_dir_all(&scratch).expect("a scratch folder");
    let libraries = libraries();
    let library = libraries
        .iter()
        .find(|library| compile("pub use ndis::irql::Irql;", library, &scratch).is_empty())
        .expect("a library of this crate that this compiler can use");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/misuse/cases");
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    for file in std::fs::read_dir(folder).expect("the cases") {
        let path = file.expect("a file").path();
        let text = behind_prelude(&std::fs::read_to_string(&path).expect("source text"));
        let name = path.file_name().expect("a name").to_string_lossy();
        all.extend(cases(&name, &text));
        wrong.extend(judge_rest(&name, &text, library, &scratch));
    }
    let next = AtomicUsize::new(0);
    let work = |worker: usize| {
        let scratch = scratch.join(worker.to_string());
        std::fs::create_dir_all(&scratch).expect("a scratch folder");
        let mut wrong = Vec::new();
        // Relaxed: each number is given out once, whatever the order.
        while let Some(case) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(judge(case, library, &scratch));
        }
        wrong
    };
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || work(worker)))
            .collect();
        for worker in workers {
            wrong.extend(worker.join().expect("a worker"));
        }
    });
    println!("{} cases of misuse do not compile", all.len() - wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(all.len() >= 30, "only {} cases", all.len());
}
