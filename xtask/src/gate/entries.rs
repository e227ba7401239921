// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the handlers that run at DISPATCH_LEVEL or above, nothing forbidden can be reached.
//!
//! `xtask/data/hot-paths.toml` names the handlers, what none of them may reach, and the calls whose
//! target the machine code does not show. Names are compared with the demangled symbols of the linker
//! map. A handler that is not found is a failed check: the proof must not vanish with a renaming.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::Path,
};

use serde::Deserialize;

use super::{Check, calls::Code};
use crate::failure::{Failure, Outcome};

/// The data file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotPaths {
    /// Imports that no path may reach.
    #[serde(default)]
    forbidden_imports: Vec<String>,
    /// Parts of names of functions that no path may reach.
    #[serde(default)]
    forbidden_functions: Vec<String>,
    /// Handlers.
    #[serde(default)]
    path: Vec<HotPath>,
    /// Calls that are not in the machine code.
    #[serde(default)]
    indirect: Vec<Indirect>,
}

/// One kind of handler.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HotPath {
    /// What it is called in messages.
    name: String,
    /// Part of the function's name, long enough to mean nothing else.
    function: String,
    /// The driver may have none: the linker leaves out what nothing registers.
    #[serde(default)]
    optional: bool,
    /// Further imports that this path may not reach.
    #[serde(default)]
    forbidden_imports: Vec<String>,
}

/// A function that calls through a pointer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Indirect {
    /// Part of the name of the function with the call.
    function: String,
    /// Parts of the names of the functions that may be called; none means code outside the image.
    #[serde(default)]
    calls: Vec<String>,
    /// Why this is all.
    reason: String,
}

impl HotPaths {
    /// Reads the data file.
    ///
    /// # Errors
    /// It is missing or malformed (status 2).
    pub fn load(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        Self::parse(&text).map_err(|reason| Failure::input(format!("{}: {reason}", path.display())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let paths: Self = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if paths.path.is_empty() {
            return Err("it names no handler".to_owned());
        }
        if paths
            .indirect
            .iter()
            .any(|indirect| indirect.reason.is_empty())
        {
            return Err("an indirect call has no reason".to_owned());
        }
        Ok(paths)
    }
}

/// One check for each kind of handler.
pub fn checks(code: &Code, paths: &HotPaths) -> Vec<Check> {
    paths
        .path
        .iter()
        .map(|path| check(code, paths, path))
        .collect()
}

fn check(code: &Code, paths: &HotPaths, path: &HotPath) -> Check {
    let named = |part: &str| -> Vec<u32> {
        code.functions
            .iter()
            .filter(|(_, function)| function.names.iter().any(|name| name.contains(part)))
            .map(|(rva, _)| *rva)
            .collect()
    };
    let roots = named(&path.function);
    if roots.is_empty() && path.optional {
        return Check::new(
            "no panic reachable",
            format!("{}: not in this image", path.name),
            Vec::new(),
        );
    }
    if roots.is_empty() {
        let reason = format!(
            "{}: no function of the image is called ...{}...",
            path.name, path.function
        );
        return Check::new("no panic reachable", "", vec![reason]);
    }
    let mut reasons = Vec::new();
    let mut from: BTreeMap<u32, Option<u32>> = roots.iter().map(|root| (*root, None)).collect();
    let mut queue: VecDeque<u32> = roots.into();
    let mut explained = BTreeSet::new();
    while let Some(rva) = queue.pop_front() {
        let Some(function) = code.functions.get(&rva) else {
            continue;
        };
        let chain = || chain(code, &from, rva);
        if let Some(name) = function.names.iter().find(|name| {
            paths
                .forbidden_functions
                .iter()
                .any(|part| name.contains(part))
        }) {
            reasons.push(format!("{}: {name} can be reached: {}", path.name, chain()));
            continue;
        }
        for import in &function.imports {
            if paths.forbidden_imports.contains(import) || path.forbidden_imports.contains(import) {
                reasons.push(format!(
                    "{}: {import} can be reached: {}",
                    path.name,
                    chain()
                ));
            }
        }
        let mut next: Vec<u32> = function.calls.iter().copied().collect();
        if !function.unknown.is_empty() {
            let known: Vec<&Indirect> = paths
                .indirect
                .iter()
                .filter(|indirect| {
                    function
                        .names
                        .iter()
                        .any(|name| name.contains(&indirect.function))
                })
                .collect();
            if known.is_empty() {
                let at: Vec<String> = function
                    .unknown
                    .iter()
                    .map(|rva| format!("{rva:#x}"))
                    .collect();
                reasons.push(format!(
                    "{}: unknown call at {}: {}",
                    path.name,
                    at.join(", "),
                    chain()
                ));
            }
            for part in known.iter().flat_map(|indirect| &indirect.calls) {
                let targets = named(part);
                if targets.is_empty() && explained.insert(part.clone()) {
                    reasons.push(format!(
                        "{}: no function of the image is called ...{part}...",
                        path.name
                    ));
                }
                next.extend(targets);
            }
        }
        for target in next {
            from.entry(target).or_insert_with(|| {
                queue.push_back(target);
                Some(rva)
            });
        }
    }
    Check::new(
        "no panic reachable",
        format!("{}: {} functions followed", path.name, from.len()),
        reasons,
    )
}

/// How a function is reached: names from the handler to it.
fn chain(code: &Code, from: &BTreeMap<u32, Option<u32>>, rva: u32) -> String {
    let mut names = Vec::new();
    let mut at = Some(rva);
    while let Some(rva) = at {
        let name = code
            .functions
            .get(&rva)
            .and_then(|function| function.names.first());
        names.push(name.cloned().unwrap_or_else(|| format!("{rva:#x}")));
        at = from.get(&rva).copied().flatten();
    }
    names.reverse();
    names.join(" -> ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::calls::tests::code;

    const PATHS: &str = r#"
forbidden_imports = ["KeBugCheckEx"]
forbidden_functions = ["core::panicking::"]
[[path]]
name = "ISR"
function = "isr"
"#;

    /// isr: call b. b: call c. c: the given code.
    fn reasons(paths: &str, c: &[u8], name: &str) -> Vec<String> {
        let mut bytes = vec![0xE8, 0x0B, 0, 0, 0, 0xC3];
        bytes.resize(0x10, 0xCC);
        bytes.extend([0xE8, 0x0B, 0, 0, 0, 0xC3]);
        bytes.resize(0x20, 0xCC);
        bytes.extend(c);
        let code = code(&bytes, &[(0x1000, "isr"), (0x1010, "b"), (0x1020, name)]);
        let paths = HotPaths::parse(paths).expect("paths");
        checks(&code, &paths)
            .into_iter()
            .filter_map(|check| check.verdict.err())
            .flatten()
            .collect()
    }

    #[test]
    fn a_clean_path_passes() {
        assert_eq!(reasons(PATHS, &[0xC3], "c"), [""; 0]);
    }

    #[test]
    fn a_reachable_bug_check_is_seen_with_its_way() {
        // call [rip+0x105a] (0x2080)
        let reasons = reasons(PATHS, &[0xFF, 0x15, 0x5A, 0x10, 0, 0], "c");
        assert_eq!(reasons, ["ISR: KeBugCheckEx can be reached: isr -> b -> c"]);
    }

    #[test]
    fn a_reachable_panic_is_seen_by_name() {
        let reasons = reasons(PATHS, &[0xC3], "core::panicking::panic_bounds_check");
        assert_eq!(
            reasons,
            [
                "ISR: core::panicking::panic_bounds_check can be reached: isr -> b -> core::panicking::panic_bounds_check"
            ]
        );
    }

    #[test]
    fn an_import_may_be_forbidden_to_one_path() {
        let only =
            PATHS.replace("\"KeBugCheckEx\"", "") + "forbidden_imports = [\"KeBugCheckEx\"]\n";
        let call = [0xFF, 0x15, 0x5A, 0x10, 0, 0];
        assert_eq!(reasons(&only, &call, "c").len(), 1);
        assert_eq!(
            reasons(&PATHS.replace("\"KeBugCheckEx\"", ""), &call, "c"),
            [""; 0]
        );
    }

    #[test]
    fn an_unknown_call_is_refused_until_it_is_explained() {
        let unknown = reasons(PATHS, &[0xFF, 0xD1, 0xC3], "c");
        assert_eq!(unknown, ["ISR: unknown call at 0x1020: isr -> b -> c"]);
        let explained =
            format!("{PATHS}[[indirect]]\nfunction = \"c\"\nreason = \"goes to the caller\"\n");
        assert_eq!(reasons(&explained, &[0xFF, 0xD1, 0xC3], "c"), [""; 0]);
    }

    #[test]
    fn what_an_explained_call_reaches_is_followed() {
        let paths = format!(
            "{PATHS}[[indirect]]\nfunction = \"isr\"\ncalls = [\"c\"]\nreason = \"its table\"\n"
        );
        // isr: call rcx. c: call [rip+0x106a] (0x2080).
        let mut bytes = vec![0xFF, 0xD1, 0xC3];
        bytes.resize(0x10, 0xCC);
        bytes.extend([0xFF, 0x15, 0x6A, 0x10, 0, 0]);
        let code = code(&bytes, &[(0x1000, "isr"), (0x1010, "c")]);
        let verdicts = checks(&code, &HotPaths::parse(&paths).expect("paths"));
        assert_eq!(
            verdicts[0]
                .verdict
                .clone()
                .expect_err("it reaches a bug check"),
            ["ISR: KeBugCheckEx can be reached: isr -> c"]
        );
    }

    #[test]
    fn a_handler_that_is_gone_is_seen() {
        let reasons = reasons(&PATHS.replace("\"isr\"", "\"interrupt\""), &[0xC3], "c");
        assert_eq!(
            reasons,
            ["ISR: no function of the image is called ...interrupt..."]
        );
    }

    #[test]
    fn an_optional_handler_may_be_absent_but_not_wrong() {
        let absent = PATHS.replace("\"isr\"", "\"interrupt\"") + "optional = true\n";
        assert_eq!(reasons(&absent, &[0xC3], "c"), [""; 0]);
        let present = PATHS.to_owned() + "optional = true\n";
        assert_eq!(reasons(&present, &[0xFF, 0xD1, 0xC3], "c").len(), 1);
    }

    #[test]
    fn a_file_without_handlers_is_refused() {
        assert!(HotPaths::parse("forbidden_imports = []").is_err());
        assert!(HotPaths::parse("nonsense = 1").is_err());
    }
}
