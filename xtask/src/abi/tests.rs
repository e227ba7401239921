// SPDX-License-Identifier: MIT OR Apache-2.0
//! The generator on small tables; the whole way where clang is installed, on small headers.

use super::*;

const LAYOUTS: &str = r#"
[PAIR]
header = "x.h"
size = 16
align = 8
fields = ["First 0 4", "Inner.Deep 8 8", "Low bit 32 3", "Rest_35 bit 35 29"]
"#;
const CONSTANTS: &str = "SMALL = 7\nNEGATIVE = 4294967295\nWIDE = \"0xffffffff00000000\"\n";
const HEADER: &str = "
typedef struct { unsigned First; unsigned Low : 3; unsigned Rest : 29; struct { long long Deep; } Inner; } PAIR;
enum { SMALL = 7 };
#define NEGATIVE ((long)0xFFFFFFFF)
#define WIDE 0xffffffff00000000ull
";

fn source(layouts: &str) -> Source {
    let parse = |text: &str| text.parse().expect("a table");
    Source::new(&parse(layouts), &parse(CONSTANTS)).expect("tables")
}

#[test]
fn each_fact_is_a_line() {
    let source = source(LAYOUTS);
    assert_eq!(
        (source.structures, source.fields, source.constants),
        (1, 4, 3)
    );
    let text = source.text();
    for line in [
        "_Static_assert(sizeof(PAIR) == 16ull, \"\");",
        "_Static_assert(_Alignof(PAIR) == 8ull, \"\");",
        "_Static_assert(__builtin_offsetof(PAIR, Inner.Deep) == 8ull, \"\");",
        "_Static_assert(sizeof(((PAIR *)0)->First) == 4ull, \"\");",
        "PAIR abi_bits_1 = { .Rest = ~0ull };",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("== 18446744069414584320ull"));
}

#[test]
fn messages_lead_back_to_the_fact() {
    let source = source(LAYOUTS);
    let text = source.text();
    let at = text
        .lines()
        .position(|line| line.contains("Inner.Deep) == 8"))
        .expect("a line")
        + 1;
    let messages = format!(
        "/tmp/x/abi.c:{at}:1: error: static assertion failed due to requirement ...\n\
         /tmp/x/abi.c:{}:9: error: unknown type name 'PAIR'\n\
         /tmp/x/other.h:1:1: error: something else\n",
        at + 1
    );
    assert_eq!(
        source.failed(&messages),
        [
            "PAIR.Inner.Deep: offset is not 8",
            "PAIR.Inner.Deep: unknown type name 'PAIR'"
        ]
    );
}

#[test]
fn a_bad_table_is_refused() {
    let empty = toml::Table::new();
    for bad in [
        "[X]\nsize = 1",
        "[X]\nsize = 1\nalign = 1\nfields = [\"A 1\"]",
    ] {
        let bad: toml::Table = bad.parse().expect("TOML");
        assert!(Source::new(&bad, &empty).is_err());
    }
    let bad: toml::Table = "X = 1.5".parse().expect("TOML");
    assert!(Source::new(&empty, &bad).is_err());
}

#[test]
fn the_tables_of_the_project_are_understood() {
    let source = Source::new(
        &table(super::LAYOUTS).expect("layouts"),
        &table(super::CONSTANTS).expect("constants"),
    )
    .expect("tables");
    assert!(source.structures > 150 && source.constants > 1000 && !source.probes.is_empty());
}

/// Needs clang, which no other task needs: without it, the lines above are all that is tested.
#[test]
fn headers_that_differ_are_found() {
    let Ok(clang) = toolchain::llvm(&format!("clang{}", std::env::consts::EXE_SUFFIX), "clang")
    else {
        eprintln!("no clang: not tested");
        return;
    };
    let root = tempfile::tempdir().expect("a folder");
    for part in ["km", "shared"] {
        fs::create_dir_all(root.path().join("Include/10.0.1.0").join(part)).expect("a folder");
    }
    let km = root.path().join("Include/10.0.1.0/km");
    // Another case than the include has.
    fs::write(km.join("NtDDK.h"), "").expect("a file");
    let headers = Headers::of(root.path()).expect("headers");
    let found = |header: &str, layouts: &str| {
        fs::write(km.join("ndis.h"), header).expect("a file");
        differences(&clang, &headers, &source(layouts)).expect("a comparison")
    };
    assert_eq!(found(HEADER, LAYOUTS), [""; 0]);
    for (from, to, wanted) in [
        (
            "Inner.Deep 8 8",
            "Inner.Deep 4 8",
            "PAIR.Inner.Deep: offset is not 4",
        ),
        ("First 0 4", "First 0 2", "PAIR.First: size is not 2"),
        ("size = 16", "size = 24", "PAIR: size is not 24"),
        ("align = 8", "align = 4", "PAIR: alignment is not 4"),
        (
            "Low bit 32 3",
            "Low bit 33 3",
            "PAIR.Low: 3 bits from bit 32, the table says 3 from 33",
        ),
    ] {
        assert_eq!(found(HEADER, &LAYOUTS.replace(from, to)), [wanted]);
    }
    let other = HEADER.replace("SMALL = 7", "SMALL = 8");
    assert_eq!(found(&other, LAYOUTS), ["SMALL: value is not 7"]);
    let missing = found(&HEADER.replace("First", "Primary"), LAYOUTS);
    assert!(
        missing[0].starts_with("PAIR.First: no member named 'First'"),
        "{missing:?}"
    );
}
