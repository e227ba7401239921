// SPDX-License-Identifier: MIT OR Apache-2.0
//! What no compiler lint says: by the text of every source file and manifest of the project, and of its drawings.

use std::{
    fs,
    path::{Path, PathBuf},
};

mod drawing;
mod tokens;

use tokens::{Token, Tokens};

use crate::{
    failure::{Failure, Outcome},
    project::root,
};

/// Where functions of a foreign ABI may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Foreign {
    /// The crate `ndis`: its trampolines, its imports and its macro for `DriverEntry` are all that a driver needs.
    Any,
    /// The checked host: the doors between its own code, assembler and the driver, but nothing that looks like a driver's
    /// `extern "system"`.
    OwnOnly,
    /// Everything else.
    None,
}

/// What a folder below the root may have; what is not listed may have nothing.
const FOREIGN: [(&str, Foreign); 4] = [
    ("crates/ndis/src", Foreign::Any),
    // Compares its functions with those of another crate.
    ("crates/ndis/tests/metadata", Foreign::Any),
    ("vmhost", Foreign::OwnOnly),
    // QEMU's plugin interface is C.
    ("bench/plugin", Foreign::OwnOnly),
];

/// Lints that a package has, and that no source file takes back: every `unsafe` block does one thing and has its SAFETY
/// line, and there is no unsafe operation outside such a block.
const UNSAFE_LINTS: [(&str, &str); 3] = [
    ("rust", "unsafe_op_in_unsafe_fn"),
    ("clippy", "undocumented_unsafe_blocks"),
    ("clippy", "multiple_unsafe_ops_per_block"),
];

/// What drivers may take from Microsoft's crates. The build without Windows makes the bindings of these crates from open
/// headers: a name that only those have would be found on Windows alone.
const OF_WDK: [&str; 4] = [
    "wdk::println",
    "wdk_alloc::WdkAllocator",
    "wdk_build::configure_wdk_binary_build",
    // Which names of it, the crate's own test says.
    "ndis::assert_same_layouts!(wdk_sys)",
];

/// Looks at all of them.
///
/// # Errors
/// A line that does not hold, or a file that cannot be read.
pub fn check() -> Outcome {
    let mut found = Vec::new();
    let (mut sources, mut manifests) = (0, 0);
    let root = root();
    for path in files(&root)? {
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
        let shown = path.strip_prefix(&root).unwrap_or(&path);
        let lines = if path.ends_with("Cargo.toml") {
            manifests += 1;
            missing_lints(&text)
        } else {
            sources += 1;
            wrong_lines(&text, allowed(shown))
        };
        found.extend(
            lines
                .into_iter()
                .map(|line| format!("{}:{line}", shown.display())),
        );
    }
    found.extend(drawing::wrong(&root.join("docs/img"))?);
    for line in &found {
        println!("lint: {line}");
    }
    println!("lint: {sources} source files and {manifests} manifests looked at");
    match found.first() {
        None if sources == 0 || manifests == 0 => Err(Failure::check("no file was looked at")),
        None => Ok(()),
        Some(first) => Err(Failure::check(first.clone())),
    }
}

fn allowed(path: &Path) -> Foreign {
    FOREIGN
        .iter()
        .find(|(folder, _)| path.starts_with(folder))
        .map_or(Foreign::None, |(_, allowed)| *allowed)
}

/// What is wrong with a source file: the line's number, and why.
fn wrong_lines(text: &str, allowed: Foreign) -> Vec<String> {
    let tokens = tokens::tokens(text);
    let foreign = foreign_functions(&tokens.code)
        .into_iter()
        .filter(|(_, system)| match allowed {
            Foreign::Any => false,
            Foreign::OwnOnly => *system,
            Foreign::None => true,
        })
        .map(|(line, _)| {
            format!(
                "{line}: a function of a foreign ABI; only crates/ndis and DriverEntry may have one"
            )
        });
    let taken_back = taken_back(&tokens.code)
        .into_iter()
        .map(|line| format!("{line}: a lint about unsafe code is taken back"));
    let unsafe_blocks = without_safety(&tokens)
        .into_iter()
        .map(|line| format!("{line}: an unsafe block or implementation without a SAFETY line"));
    let hidden = hidden_code(&tokens.code)
        .into_iter()
        .map(|line| format!("{line}: code from a file that is not looked at"));
    let of_wdk = if allowed == Foreign::OwnOnly {
        Vec::new()
    } else {
        names_of_wdk(text)
    };
    foreign
        .chain(taken_back)
        .chain(unsafe_blocks)
        .chain(hidden)
        .chain(of_wdk)
        .collect()
}

/// The functions, types and blocks of a foreign ABI, named or not, but `DriverEntry`: the line, and whether the ABI is
/// "system".
fn foreign_functions(code: &[Token<'_>]) -> Vec<(usize, bool)> {
    let mut found = Vec::new();
    for (at, pair) in code.windows(2).enumerate() {
        let [word, next] = pair else { continue };
        // `extern crate` has no ABI. Whatever else follows is one, be it a macro's.
        if word.text != "extern" || next.text == "crate" || is_name(code, at) {
            continue;
        }
        if !exports_entry(&code[..at]) {
            found.push((word.line, next.text.contains("system")));
        }
    }
    found
}

/// Whether a word is one of a path, or a field: `r#extern`, `x.extern`.
fn is_name(code: &[Token<'_>], at: usize) -> bool {
    at > 0 && matches!(code[at - 1].text, "." | "#")
}

/// Whether the item that begins here is exported as `DriverEntry`: its attribute, perhaps `pub` and `unsafe`.
fn exports_entry(before: &[Token<'_>]) -> bool {
    let texts = before.iter().rev().map(|token| token.text);
    let mut texts = texts.skip_while(|text| matches!(*text, "unsafe" | "pub"));
    let attribute = [
        "]",
        ")",
        "\"DriverEntry\"",
        "=",
        "export_name",
        "(",
        "unsafe",
        "[",
        "#",
    ];
    attribute.iter().all(|wanted| texts.next() == Some(wanted))
}

/// Attributes that allow what [`UNSAFE_LINTS`] deny, by name or with a group.
fn taken_back(code: &[Token<'_>]) -> Vec<usize> {
    const GROUPS: [&str; 3] = ["warnings", "restriction", "rust_2024_compatibility"];
    let mut found = Vec::new();
    for (at, pair) in code.windows(2).enumerate() {
        if !matches!(pair[0].text, "allow" | "warn" | "expect") || pair[1].text != "(" {
            continue;
        }
        let list = code[at + 2..].iter().take_while(|token| token.text != ")");
        for token in list {
            let lint = UNSAFE_LINTS.iter().any(|(_, lint)| token.text == *lint);
            if lint || GROUPS.contains(&token.text) {
                found.push(token.line);
            }
        }
    }
    found
}

/// Lines that a SAFETY comment may stand above the block it is about, at most.
const SAFETY_REACH: usize = 12;

/// Unsafe blocks and implementations that have no SAFETY comment of their own. clippy is more exact, but sees only what is
/// compiled.
fn without_safety(tokens: &Tokens<'_>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut last = 0;
    for pair in tokens.code.windows(2) {
        if pair[0].text != "unsafe" || !matches!(pair[1].text, "{" | "impl") {
            continue;
        }
        let line = pair[0].line;
        let first = line.saturating_sub(SAFETY_REACH).max(last);
        // One on the line of the last block is that one's, unless both are on one line.
        if !tokens
            .safety
            .iter()
            .any(|safety| (first..=line).contains(safety) && (*safety > last || line == last))
        {
            found.push(line);
        }
        last = line;
    }
    found
}

/// `include!`, and modules whose file does not end in `.rs`.
fn hidden_code(code: &[Token<'_>]) -> Vec<usize> {
    let included = code.windows(2);
    let included = included.filter(|pair| pair[0].text == "include" && pair[1].text == "!");
    let modules = code.windows(3);
    let modules = modules.filter(|three| {
        three[0].text == "path"
            && three[1].text == "="
            && three[2].is_string()
            && !three[2].text.ends_with(".rs\"")
    });
    let included = included.map(|pair| pair[0].line);
    included.chain(modules.map(|three| three[0].line)).collect()
}

/// The lines that take something of Microsoft's crates that is not on the list.
fn names_of_wdk(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let mut code = code.to_owned();
        for known in OF_WDK {
            code = code.replace(known, "");
        }
        let named = [
            "wdk::",
            "wdk_sys",
            "wdk_alloc::",
            "wdk_panic::",
            "wdk_build::",
        ];
        if let Some(name) = named.iter().find(|name| code.contains(**name))
            // A text, as in a message or this list, takes nothing.
            && !code.contains('"')
        {
            found.push(format!(
                "{}: a name of {} that is not known to be in the real WDK's bindings",
                number + 1,
                name.trim_end_matches(':')
            ));
        }
    }
    found
}

/// Lints about unsafe code that the package of a manifest does not have.
fn missing_lints(text: &str) -> Vec<String> {
    let Ok(manifest) = text.parse::<toml::Table>() else {
        return vec!["1: not TOML".to_owned()];
    };
    if !manifest.contains_key("package") {
        return Vec::new();
    }
    let lints = manifest.get("lints");
    let level = |group: &str, lint: &str| {
        let value = lints?.get(group)?.get(lint)?;
        value.as_str().or_else(|| value.get("level")?.as_str())
    };
    let of_workspace = lints.and_then(|lints| lints.get("workspace")) == Some(&true.into());
    if of_workspace || level("rust", "unsafe_code") == Some("forbid") {
        return Vec::new();
    }
    UNSAFE_LINTS
        .iter()
        .filter(|(group, lint)| !matches!(level(group, lint), Some("deny" | "forbid")))
        .map(|(group, lint)| format!("1: no lint {group}::{lint}"))
        .collect()
}

/// The `.rs` files and manifests below a directory, but for those that cargo or git made.
fn files(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).map_err(|error| Failure::file(directory, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| Failure::file(directory, &error))?
            .path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && !path.is_symlink() {
            // Cargo marks what it makes.
            if !path.join("CACHEDIR.TAG").is_file() && name != ".git" {
                found.extend(files(&path)?);
            }
        } else if name == "Cargo.toml" || path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTERN: &str = "extern";

    fn foreign(text: &str) -> Vec<(usize, bool)> {
        foreign_functions(&tokens::tokens(text).code)
    }

    /// However it is written.
    #[test]
    fn foreign_functions_are_seen_in_any_dress() {
        for text in [
            "extern \"system\" fn a() {}",
            "unsafe extern\n    \"system\"\n    fn a() {}",
            "extern\"system\"fn a() {}",
            "extern/* */\"system\"/* */fn a() {}",
            "extern r\"system\" fn a() {}",
            "extern r#\"system\"# fn a() {}",
            "let u = \"//\"; extern \"system\" fn a() {}",
            "let d = \"DriverEntry\"; extern \"system\" fn a() {}",
            "extern \"system-unwind\" fn a() {}",
        ] {
            assert_eq!(foreign(text).len(), 1, "{text}");
            assert!(foreign(text)[0].1, "{text}");
        }
        for text in [
            "extern fn a() {}",
            "extern { fn a(); }",
            "unsafe extern {}",
            "extern \"C\" { fn a(); }",
            "type A = unsafe extern \"win64\" fn();",
            "macro_rules! m { ($abi:literal) => { extern $abi fn a() {} } }",
            "#[unsafe(export_name = \"Entry\")] pub extern \"C\" fn a() {}",
            "#[unsafe(export_name = \"DriverEntry\")] fn a() {} extern \"C\" fn b() {}",
        ] {
            assert_eq!(foreign(text), [(1, false)], "{text}");
        }
        for text in [
            "extern crate alloc;",
            "// extern \"system\"",
            "\"extern fn\"",
            "r#extern fn",
        ] {
            assert_eq!(foreign(text), [], "{text}");
        }
    }

    #[test]
    fn unsafe_code_without_a_word_is_seen() {
        let lines = |text: &str| without_safety(&tokens::tokens(text));
        assert_eq!(lines("unsafe { a() }"), [1]);
        assert_eq!(lines("// SAFETY: so.\nunsafe { a() }"), [0; 0]);
        assert_eq!(
            lines("// SAFETY: so.\nlet a =\n    unsafe\n{ a() };"),
            [0; 0]
        );
        assert_eq!(
            lines("// SAFETY: so.\nunsafe { a() };\nunsafe { b() }"),
            [3]
        );
        assert_eq!(lines("unsafe impl Send for A {}"), [1]);
        assert_eq!(lines("/* SAFETY: so. */ unsafe impl Send for A {}"), [0; 0]);
        assert_eq!(lines("\"SAFETY:\"; unsafe { a() }"), [1]);
        assert_eq!(
            lines("unsafe fn a() {}\n#[unsafe(no_mangle)]\nfn b() {}"),
            [0; 0]
        );
        assert_eq!(lines("macro_rules! m { () => { unsafe { a() } } }"), [1]);
    }

    #[test]
    fn lints_taken_back_over_several_lines_and_hidden_files_are_seen() {
        let lint = UNSAFE_LINTS[1].1;
        for text in [
            format!("#[allow(\n    clippy::{lint},\n)]"),
            format!("#![cfg_attr(all(), allow(clippy::{lint}))]"),
            "#![allow(clippy::restriction)]".to_owned(),
            "#![expect(warnings)]".to_owned(),
        ] {
            assert_eq!(wrong_lines(&text, Foreign::Any).len(), 1, "{text}");
        }
        assert_eq!(
            wrong_lines("#![allow(clippy::len_zero)]", Foreign::Any),
            [""; 0]
        );
        for text in ["include!(\"x.rs\");", "#[path = \"x.inc\"] mod x;"] {
            assert_eq!(wrong_lines(text, Foreign::Any).len(), 1, "{text}");
        }
        assert_eq!(
            wrong_lines("#[path = \"../x.rs\"] mod x;", Foreign::Any),
            [""; 0]
        );
    }

    #[test]
    fn foreign_functions_are_seen() {
        let text = format!(
            "unsafe {EXTERN} \"system\" fn isr() {{}}\n\
             {EXTERN} crate alloc;\n\
             // {EXTERN} \"system\" in a comment\n\
             type Old = {EXTERN} fn();\n\
             #[unsafe(export_name = \"DriverEntry\")]\n\
             pub unsafe {EXTERN} \"system\" fn entry() {{}}\n\
             pub unsafe {EXTERN} \"C\" fn another() {{}}\n"
        );
        assert_eq!(foreign(&text), [(1, true), (4, false), (7, false)]);
        let wrong = |allowed| wrong_lines(&text, allowed).len();
        assert_eq!(
            (
                wrong(Foreign::None),
                wrong(Foreign::OwnOnly),
                wrong(Foreign::Any)
            ),
            (3, 1, 0)
        );
    }

    #[test]
    fn only_two_folders_may_have_any() {
        assert!(allowed(Path::new("crates/ndis/src/raw.rs")) == Foreign::Any);
        assert!(allowed(Path::new("vmhost/src/main.rs")) == Foreign::OwnOnly);
        for path in [
            "src/lib.rs",
            "build.rs",
            "crates/ndis/tests/layouts.rs",
            "tests/planted/src/fault.rs",
            "vmhost2/x.rs",
        ] {
            assert!(allowed(Path::new(path)) == Foreign::None, "{path}");
        }
    }

    #[test]
    fn lints_that_are_missing_or_taken_back_are_seen() {
        let lines = |text: &str| missing_lints(text).len();
        assert_eq!(lines("[workspace]"), 0);
        assert_eq!(lines("[package]\n[lints]\nworkspace = true"), 0);
        assert_eq!(
            lines("[package]\n[lints.rust]\nunsafe_code = \"forbid\""),
            0
        );
        assert_eq!(lines("[package]"), 3);
        assert_eq!(
            lines("[package]\n[lints.rust]\nunsafe_op_in_unsafe_fn = \"allow\""),
            3
        );
        assert_eq!(
            lines("[package]\n[lints.clippy]\nundocumented_unsafe_blocks = { level = \"deny\" }"),
            2
        );
        assert_eq!(lines("[package"), 1);
        let lint = UNSAFE_LINTS[1].1;
        assert_eq!(
            wrong_lines(&format!("#![allow(clippy::{lint})]"), Foreign::Any).len(),
            1
        );
        assert_eq!(
            wrong_lines(&format!("#![deny(clippy::{lint})]"), Foreign::Any).len(),
            0
        );
    }

    #[test]
    fn names_of_microsofts_crates_are_seen() {
        let lines = |text: &str| names_of_wdk(text).len();
        assert_eq!(lines("wdk::println!(1);"), 0);
        assert_eq!(lines("ndis::assert_same_layouts!(wdk_sys);"), 0);
        assert_eq!(lines("use wdk_panic as _;"), 0);
        assert_eq!(lines("let _ = wdk_sys::ntddk::ExAllocatePool2;"), 1);
        assert_eq!(lines("use wdk_sys::*;"), 1);
        assert_eq!(lines("wdk::paged_code!();"), 1);
        assert_eq!(lines("// wdk::paged_code!();"), 0);
    }

    #[test]
    fn this_tree_has_none() {
        assert_eq!(check(), Ok(()));
    }
}
