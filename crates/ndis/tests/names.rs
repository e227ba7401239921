// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names: every function that is `extern` is a real export with these parameters, and every name that drivers take from
//! Microsoft's bindings is one that the real headers have.

use std::collections::{BTreeMap, BTreeSet};

fn table(text: &str) -> toml::Table {
    text.parse().expect("a fact table is TOML")
}

fn source(name: &str) -> String {
    let path = format!("{}/src/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).expect("source text")
}

/// What a value of a type is passed as: its size in bytes, or "pointer".
fn class(of: &str) -> &'static str {
    let of = of.trim();
    let is_pointer = of.starts_with(['*', 'P'])
        || of.ends_with('*')
        || [
            "Option<",
            "NDIS_HANDLE",
            "MINIPORT_SYNCHRONIZE",
            "NDIS_IO_WORKITEM_ROUTINE",
        ]
        .iter()
        .any(|begin| of.starts_with(begin))
        || of.ends_with("_MDL *");
    match of {
        // Before the pointers: it begins as one.
        "POOL_FLAGS" => "8",
        _ if is_pointer => "pointer",
        "u8" | "i8" | "BOOLEAN" | "UCHAR" | "KIRQL" | "KPROCESSOR_MODE" => "1",
        "u16" | "USHORT" => "2",
        "u32"
        | "i32"
        | "ULONG"
        | "UINT"
        | "LONG"
        | "NDIS_STATUS"
        | "NTSTATUS"
        | "NDIS_PORT_NUMBER"
        | "NDIS_PARAMETER_TYPE"
        | "EX_POOL_PRIORITY"
        | "MEMORY_CACHING_TYPE"
        | "KWAIT_REASON"
        | "EVENT_TYPE"
        | "KPRIORITY" => "4",
        "u64"
        | "i64"
        | "usize"
        | "LARGE_INTEGER"
        | "NDIS_PHYSICAL_ADDRESS"
        | "SIZE_T"
        | "ULONG_PTR"
        | "ULONG64"
        | "ULONGLONG"
        | "LONGLONG"
        | "KAFFINITY" => "8",
        "void" | "VOID" | "" => "nothing",
        "!" => "nothing",
        other => panic!("{other}: of which size?"),
    }
}

/// The declared functions: name, types of the parameters, type of the result.
fn declared(file: &str) -> Vec<(String, Vec<String>, String)> {
    let text = source(file);
    let mut found = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("    fn ")) {
        let (name, rest) = line.split_once('(').expect("parameters");
        let (parameters, result) = rest.rsplit_once(')').expect("their end");
        let types = parameters
            .split(", ")
            .filter_map(|parameter| Some(parameter.split_once(": ")?.1.to_owned()));
        let result = result
            .trim_end_matches(';')
            .trim()
            .trim_start_matches("-> ");
        found.push((name.to_owned(), types.collect(), result.to_owned()));
    }
    found
}

/// What is wrong with the functions of one file, against the table.
fn wrong_functions(
    functions: &[(String, Vec<String>, String)],
    images: &[&str],
    facts: &toml::Table,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, parameters, result) in functions {
        let Some(fact) = facts.get(name) else {
            wrong.push(format!("{name}: not in the table of exports"));
            continue;
        };
        let image = fact["image"].as_str().expect("an image");
        if !images.iter().any(|one| one.eq_ignore_ascii_case(image)) {
            wrong.push(format!("{name}: exported by {image}"));
        }
        let types = fact["parameters"].as_array().expect("a list");
        let there: Vec<_> = types
            .iter()
            .map(|one| class(one.as_str().expect("a type")))
            .collect();
        let here: Vec<_> = parameters.iter().map(|one| class(one)).collect();
        // Of a variadic function some values are declared, as it is called.
        let same = match fact.get("variadic") {
            Some(_) => here.starts_with(&there),
            None => here == there,
        };
        if !same {
            wrong.push(format!("{name}: parameters {here:?}, in C {there:?}"));
        }
        let returns = class(fact["returns"].as_str().expect("a type"));
        if class(result) != returns {
            wrong.push(format!("{name}: returns {}, in C {returns}", class(result)));
        }
    }
    wrong
}

#[test]
fn every_function_is_a_real_export() {
    let facts = table(include_str!("../facts/functions.toml"));
    let (ndis, nt) = (declared("sys/ndis.rs"), declared("sys/nt.rs"));
    let mut wrong = wrong_functions(&ndis, &["NDIS.SYS"], &facts);
    wrong.extend(wrong_functions(&nt, &["ntoskrnl.exe", "HAL.dll"], &facts));
    let names: BTreeSet<&str> = ndis.iter().chain(&nt).map(|one| one.0.as_str()).collect();
    for name in facts.keys().filter(|name| !names.contains(name.as_str())) {
        wrong.push(format!("{name}: in the table, but not declared"));
    }
    println!("{} functions compared", names.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names.len() > 100);
}

/// The comparison itself.
#[test]
fn wrong_functions_are_seen() {
    let facts = table(include_str!("../facts/functions.toml"));
    let one = |name: &str, parameters: &[&str], result: &str, image| {
        let types = parameters.iter().map(|&one| one.to_owned()).collect();
        wrong_functions(
            &[(name.to_owned(), types, result.to_owned())],
            &[image],
            &facts,
        )
        .len()
    };
    assert_eq!(one("NdisMSleep", &["u32"], "", "NDIS.SYS"), 0);
    assert_eq!(one("NdisMSleep", &["u16"], "", "NDIS.SYS"), 1);
    assert_eq!(one("NdisMSleep", &[], "", "NDIS.SYS"), 1);
    assert_eq!(one("NdisMSleep", &["u32"], "u32", "NDIS.SYS"), 1);
    assert_eq!(one("NdisMSleep", &["u32"], "", "ntoskrnl.exe"), 1);
    // Inline in the headers, not an export.
    assert_eq!(one("NdisMoveMemory", &["u32"], "", "NDIS.SYS"), 1);
}

/// The records and members that [`ndis::assert_same_layouts!`] takes from the bindings of a driver.
fn names_of_bindings() -> BTreeMap<String, Vec<String>> {
    let text = source("ffi/same.rs");
    let lines = text
        .lines()
        .filter_map(|line| line.split_once("(@ $bindings::"));
    lines
        .map(|(_, rest)| {
            let list = rest.split_once(')').expect("an end").0;
            let mut words = list.split(", ").map(str::to_owned);
            let (theirs, ours) = (words.next().expect("theirs"), words.next());
            assert_eq!(Some(&theirs), ours.as_ref(), "one name for both");
            (theirs, words.collect())
        })
        .collect()
}

/// wdk-sys makes its bindings from the real headers of an installed WDK: what they lack does not compile there. The open
/// headers of the build without Windows have more names, and some others.
#[test]
fn the_bindings_are_asked_only_for_what_the_real_headers_have() {
    // What wdk-sys includes for a driver of this model.
    const HEADERS: [&str; 5] = ["wdm.h", "ntddk.h", "ntdef.h", "guiddef.h", "miniport.h"];
    let layouts = table(include_str!("../facts/layouts.toml"));
    let names = names_of_bindings();
    let mut members = 0;
    for (record, fields) in &names {
        let fact = layouts
            .get(record)
            .unwrap_or_else(|| panic!("{record}: not in the table"));
        let header = fact["header"].as_str().expect("a header");
        assert!(
            HEADERS.contains(&header),
            "{record}: declared by {header}, which wdk-sys may not include"
        );
        let rows = fact["fields"].as_array().expect("a list");
        for field in fields {
            let row = format!("{field} ");
            assert!(
                rows.iter()
                    .any(|one| one.as_str().is_some_and(|one| one.starts_with(&row))),
                "{record}.{field}: not in the table"
            );
            members += 1;
        }
    }
    println!(
        "{} records and {members} members of wdk-sys are asked for, all in the real headers",
        names.len()
    );
    assert!(names.len() > 20 && members > 50);
}

/// Public functions of a source file whose documentation does not say at which IRQL they may be called.
fn silent_about_irql(text: &str) -> Vec<&str> {
    let mut silent = Vec::new();
    let (mut says, mut documented) = (false, false);
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            documented = true;
            says |= words.contains("LEVEL") || words.contains("IRQL");
        } else if !line.starts_with("#[") {
            let rest = line.strip_prefix("pub ").unwrap_or_default();
            let rest = rest
                .trim_start_matches("const ")
                .trim_start_matches("unsafe ");
            if let Some(rest) = rest.strip_prefix("fn ")
                && documented
                && !says
            {
                silent.push(rest.split(['(', '<']).next().unwrap_or(rest));
            }
            (says, documented) = (false, false);
        }
    }
    silent
}

#[test]
fn every_function_says_its_irql() {
    let text = "/// Any IRQL.\npub fn a() {}\n/// Words.\n#[must_use]\npub const fn b<T>() {}";
    assert_eq!(silent_about_irql(text), ["b"]);
    let mut folders = vec![format!("{}/src", env!("CARGO_MANIFEST_DIR")).into()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir::<std::path::PathBuf>(folder).expect("sources") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                // Data, imports that say it each, and what is compiled for tests only.
                let name = path
                    .file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned();
                if !["ffi", "sys", "fake", "host_tests"].contains(&name.as_str()) {
                    folders.push(path);
                }
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("source text");
            let (code, _) = text
                .split_once("#[cfg(test)]\nmod tests")
                .unwrap_or((&text, ""));
            let silent = silent_about_irql(code);
            assert!(silent.is_empty(), "{}: {silent:?}", path.display());
            files += 1;
        }
    }
    assert!(files > 30);
}
