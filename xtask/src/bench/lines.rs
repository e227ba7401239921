// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the instructions are executed: source lines of the project, by the driver's PDB. What was
//! inlined from the standard library counts for the line that uses it.

use super::functions::Function;
use crate::{
    failure::{Failure, Outcome},
    project::root,
    toolchain,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// The linker's preferred base, which the PDB's addresses have.
const BASE: u64 = 0x1_8000_0000;

/// The lines of each phase, the most expensive first; `calls` is the largest count of one
/// instruction.
///
/// # Errors
/// llvm-symbolizer is missing or does not understand the image.
pub fn lines(sys: &Path, phases: &[Vec<(u32, u32)>]) -> Outcome<Vec<Vec<Function>>> {
    let places: BTreeSet<u32> = phases.iter().flatten().map(|(place, _)| *place).collect();
    let names = names(sys, &places)?;
    Ok(phases
        .iter()
        .map(|counts| {
            let mut found: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            for (place, count) in counts {
                let name = names.get(place).map_or("?", String::as_str);
                let entry = found.entry(name).or_default();
                entry.0 += u64::from(*count);
                entry.1 = entry.1.max(u64::from(*count));
            }
            let mut lines: Vec<_> = found
                .into_iter()
                .map(|(name, (instructions, calls))| Function {
                    name: name.to_owned(),
                    instructions,
                    calls,
                })
                .collect();
            lines.sort_by_key(|line| std::cmp::Reverse(line.instructions));
            lines
        })
        .collect())
}

fn names(sys: &Path, places: &BTreeSet<u32>) -> Outcome<HashMap<u32, String>> {
    let program = toolchain::llvm("llvm-symbolizer", "llvm-22")?;
    let explain = |error: std::io::Error| Failure::input(format!("llvm-symbolizer: {error}"));
    let mut child = Command::new(program)
        .arg(format!("--obj={}", sys.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(explain)?;
    let text: String = places
        .iter()
        .map(|place| format!("{:#x}\n", BASE + u64::from(*place)))
        .collect();
    let input = child.stdin.take();
    // Written by a thread: it answers while it reads.
    let writer =
        std::thread::spawn(move || input.map(|mut input| input.write_all(text.as_bytes())));
    let output = child.wait_with_output().map_err(explain)?;
    let _ = writer.join();
    let answer = String::from_utf8_lossy(&output.stdout);
    let blocks = answer
        .split("\n\n")
        .filter(|block| !block.trim().is_empty());
    Ok(places.iter().copied().zip(blocks.map(name)).collect())
}

/// The line of the innermost frame that is in the project, of `function` and `file:line:column` in
/// turn.
fn name(block: &str) -> String {
    let root = root().display().to_string();
    let lines: Vec<&str> = block.lines().collect();
    let mut places = lines.chunks(2).filter_map(|frame| frame.get(1).copied());
    let own = places.clone().find_map(|place| place.strip_prefix(&root));
    own.or_else(|| places.next_back())
        .map_or("?", |place| place.trim_start_matches('/'))
        .rsplit_once(':')
        .map_or("?", |(line, _)| line)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inlined_from_elsewhere_counts_for_the_line_that_uses_it() {
        let root = root().display().to_string();
        let block = format!(
            "core::a\n/rust/core/a.rs:1:2\nours::b\n{root}/src/b.rs:7:9\nc\n{root}/src/c.rs:1:1"
        );
        assert_eq!(name(&block), "src/b.rs:7");
        assert_eq!(name("core::a\n/rust/core/a.rs:1:2"), "rust/core/a.rs:1");
        assert_eq!(name("??\n??:0:0"), "??:0");
    }
}
