// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compares every declared record and constant with the fact tables, both ways.

use std::collections::{BTreeMap, BTreeSet};

use ndis::ffi::{FieldKind, RECORDS, Record};

/// A member as the fact table writes it: `name offset size` or `name bit first count`.
type Row = (String, String);

/// Lists the members of `record` as C sees them, `base` bytes into the outermost record.
fn flatten(record: &Record, prefix: &str, base: usize, rows: &mut BTreeSet<Row>) {
    for field in record.fields {
        let offset = base + field.offset;
        let name = format!("{prefix}{}", field.name.trim_start_matches("r#"));
        match field.kind {
            FieldKind::Plain => {
                rows.insert((name, format!("{offset} {}", field.size)));
            }
            FieldKind::Padding => {}
            FieldKind::Anonymous(part) => flatten(part, prefix, offset, rows),
            FieldKind::Nested(part) => {
                rows.insert((name.clone(), format!("{offset} {}", field.size)));
                flatten(part, &format!("{name}."), offset, rows);
            }
            FieldKind::Bits(bits) => {
                for (bit, first, count) in bits {
                    let first = offset * 8 + *first as usize;
                    rows.insert((format!("{prefix}{bit}"), format!("bit {first} {count}")));
                }
            }
        }
    }
}

fn table(text: &str) -> toml::Table {
    text.parse().expect("a fact table is TOML")
}

/// The members of one table entry. A getter of a repeated bit-field name carries its position, so does the row here.
fn expected(entry: &toml::Table) -> BTreeSet<Row> {
    entry["fields"]
        .as_array()
        .expect("`fields` is a list")
        .iter()
        .map(|row| {
            let row = row.as_str().expect("a member is a string");
            let (name, place) = row.split_once(' ').expect("name, then place");
            (name.to_owned(), place.to_owned())
        })
        .collect()
}

/// Differences between one record and its table entry, one line each.
fn differences(record: &Record, entry: &toml::Table) -> Vec<String> {
    let mut found = BTreeSet::new();
    flatten(record, "", 0, &mut found);
    let wanted = expected(entry);
    let mut lines = Vec::new();
    for (what, ours) in [("size", record.size), ("align", record.align)] {
        let theirs = entry[what].as_integer().expect("a number") as usize;
        if ours != theirs {
            lines.push(format!("{}: {what} {ours}, table {theirs}", record.name));
        }
    }
    for (name, place) in wanted.difference(&found) {
        lines.push(format!(
            "{}.{name}: declared otherwise than `{place}`",
            record.name
        ));
    }
    for (name, place) in found.difference(&wanted) {
        lines.push(format!(
            "{}.{name}: `{place}` is not in the table",
            record.name
        ));
    }
    lines
}

fn declared() -> BTreeMap<&'static str, &'static Record> {
    let records = RECORDS.iter().flat_map(|file| file.iter());
    records.filter(|r| !r.part).map(|r| (r.name, *r)).collect()
}

#[test]
fn every_record_is_as_measured() {
    let table = table(include_str!("../facts/layouts.toml"));
    let declared = declared();
    let mut lines = Vec::new();
    let mut fields = 0;
    for (name, record) in &declared {
        match table.get(*name) {
            Some(entry) => {
                let entry = entry.as_table().expect("an entry is a table");
                fields += expected(entry).len();
                lines.extend(differences(record, entry));
            }
            None => lines.push(format!("{name}: declared, but the table lacks it")),
        }
    }
    for name in table.keys() {
        if !declared.contains_key(name.as_str()) {
            lines.push(format!("{name}: in the table, but not declared"));
        }
    }
    println!("{} structures, {fields} fields compared", declared.len());
    assert!(
        lines.is_empty(),
        "{} differences:\n{}",
        lines.len(),
        lines.join("\n")
    );
    assert!(declared.len() > 150);
}

/// No structure may be declared past the macro, where the comparison does not see it.
#[test]
fn no_record_escapes_the_comparison() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ffi");
    for file in std::fs::read_dir(folder).expect("the ffi folder") {
        let path = file.expect("a file").path();
        if path.is_dir() || path.ends_with("macros.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("source text");
        let escaped = ["pub struct ", "pub union ", "repr(C"];
        for word in escaped {
            assert!(
                !text.contains(word),
                "{}: `{word}` outside records!",
                path.display()
            );
        }
    }
}

/// The comparison itself: a moved, widened, missing or surplus member is seen.
#[test]
fn differences_are_seen() {
    let table = table(include_str!("../facts/layouts.toml"));
    let record = declared()["NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS"];
    let good = table[record.name].as_table().expect("a table").clone();
    assert!(differences(record, &good).is_empty());
    let edit = |from: &str, to: Option<&str>| {
        let mut entry = good.clone();
        let fields = entry["fields"].as_array_mut().expect("a list");
        let at = fields.iter().position(|f| f.as_str() == Some(from));
        let at = at.expect("the member to edit");
        match to {
            Some(to) => fields[at] = toml::Value::from(to),
            None => drop(fields.remove(at)),
        }
        differences(record, &entry)
    };
    assert!(!edit("MsiSupported 40 1", Some("MsiSupported 42 1")).is_empty());
    assert!(!edit("MsiSupported 40 1", Some("MsiSupported 40 4")).is_empty());
    assert!(!edit("MsiSupported 40 1", None).is_empty());
    let mut entry = good.clone();
    entry["size"] = toml::Value::from(104);
    assert!(!differences(record, &entry).is_empty());
}

#[test]
fn every_constant_is_as_measured() {
    let table = table(include_str!("../facts/constants.toml"));
    let mut seen = BTreeSet::new();
    for (name, value, size) in ndis::ffi::consts::CONSTANTS
        .iter()
        .flat_map(|file| file.iter())
    {
        let mask = if *size == 8 {
            u64::MAX
        } else {
            (1 << (size * 8)) - 1
        };
        let entry = table
            .get(*name)
            .unwrap_or_else(|| panic!("{name}: not in the table"));
        let wanted = match entry {
            toml::Value::Integer(n) => *n as u64,
            other => {
                let text = other.as_str().expect("a number or a hexadecimal string");
                u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hexadecimal")
            }
        };
        assert_eq!(value & mask, wanted, "{name}");
        assert!(seen.insert(*name), "{name}: declared twice");
    }
    for name in table.keys() {
        assert!(
            seen.contains(name.as_str()),
            "{name}: in the table, but not declared"
        );
    }
    println!("{} constants compared", seen.len());
}
