// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of rules and the code that evaluates them must agree: no rule without code, no id in
//! the code that the table does not have; and no export defined twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            out.push((path, text));
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut out);
    assert!(out.len() > 20);
    out
}

/// Every quoted text that has the form of a rule id.
fn ids(text: &str) -> BTreeSet<String> {
    text.split('"')
        .filter(|s| {
            let Some((family, number)) = s.split_once('-') else {
                return false;
            };
            (1..=2).contains(&family.len())
                && family.chars().all(|c| c.is_ascii_uppercase())
                && (1..=3).contains(&number.len())
                && number.chars().all(|c| c.is_ascii_digit())
        })
        .map(String::from)
        .collect()
}

#[test]
fn rules_and_code_agree() {
    let mut table = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (path, text) in all() {
        if path.ends_with("verify/rules.rs") {
            table = ids(&text);
        } else {
            used.extend(ids(&text));
        }
    }
    // Advice is printed and not counted, so its ids need no rule.
    let advice: BTreeSet<String> = ["G-09", "I-16"].map(String::from).into();
    let without_code: Vec<_> = table.difference(&used).collect();
    let not_in_table: Vec<_> = used
        .difference(&table)
        .filter(|id| !advice.contains(*id))
        .collect();
    assert!(
        without_code.is_empty(),
        "rules that nothing evaluates: {without_code:?}"
    );
    assert!(
        not_in_table.is_empty(),
        "ids that are not in the table: {not_in_table:?}"
    );
}

#[test]
fn exports_are_defined_once() {
    let mut places: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (path, text) in all() {
        for line in text.lines() {
            let Some(rest) = line.trim_start().strip_prefix('[') else {
                continue;
            };
            let Some((_, rest)) = rest.split_once("] fn ") else {
                continue;
            };
            let Some((name, _)) = rest.split_once('(') else {
                continue;
            };
            places
                .entry(name.to_string())
                .or_default()
                .push(path.clone());
        }
    }
    assert!(places.len() > 400, "{} exports found", places.len());
    let twice: Vec<_> = places.into_iter().filter(|(_, p)| p.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn the_documentation_lists_every_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("src/verify/rules.rs")).unwrap();
    let page = fs::read_to_string(root.join("../docs/vmhost.md")).unwrap();
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .flat_map(|(id, _)| ids(&format!("\"{id}\"")))
        .collect();
    assert_eq!(
        listed,
        ids(&table),
        "docs/vmhost.md and src/verify/rules.rs"
    );
}
