// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text and numbers as the run-time library and the configuration functions convert them.

extern crate alloc;

#[path = "../src/exports/number.rs"]
mod number;

use std::cmp::Ordering;

use number::{compare, downcase, from_integer, network_address, to_ansi, to_integer, upcase};

fn parse(text: &str, base: u32) -> Option<u32> {
    to_integer(&text.encode_utf16().collect::<Vec<_>>(), base)
}

#[test]
fn decimal_and_hexadecimal_keywords() {
    assert_eq!(parse("256", 10), Some(256));
    assert_eq!(parse("100", 16), Some(0x100));
    assert_eq!(parse("fF", 16), Some(0xFF));
    // Parsing ends at the first character that is no digit of the base.
    assert_eq!(parse("12abc", 10), Some(12));
    assert_eq!(parse("0x10", 10), Some(0));
    assert_eq!(parse("0x10", 16), Some(0));
}

#[test]
fn blanks_signs_and_nothing() {
    assert_eq!(parse("  \t42", 10), Some(42));
    assert_eq!(parse("+7", 10), Some(7));
    assert_eq!(parse("-1", 10), Some(u32::MAX));
    assert_eq!(parse("", 10), Some(0));
    assert_eq!(parse("text", 10), Some(0));
    assert_eq!(parse("4294967296", 10), Some(0), "wraps at 32 bits");
}

#[test]
fn base_from_the_prefix() {
    assert_eq!(parse("0x1F", 0), Some(31));
    assert_eq!(parse("0o17", 0), Some(15));
    assert_eq!(parse("0b101", 0), Some(5));
    assert_eq!(parse("19", 0), Some(19));
    assert_eq!(parse("0", 0), Some(0));
    assert_eq!(parse("1", 7), None);
}

#[test]
fn numbers_to_text() {
    assert_eq!(from_integer(255, 16).as_deref(), Some("FF"));
    assert_eq!(from_integer(255, 0).as_deref(), Some("255"));
    assert_eq!(from_integer(5, 2).as_deref(), Some("101"));
    assert_eq!(from_integer(8, 8).as_deref(), Some("10"));
    assert_eq!(from_integer(8, 3), None);
}

#[test]
fn network_addresses() {
    let address = Some(vec![0x02, 0xAB, 0xCD, 0xEF, 0x00, 0x01]);
    assert_eq!(network_address("02ABCDEF0001"), address);
    assert_eq!(network_address("02-ab-cd-ef-00-01"), address);
    // Wrong lengths reach the driver, which must check (I-10).
    assert_eq!(
        network_address("02ABCDEF00"),
        Some(vec![0x02, 0xAB, 0xCD, 0xEF, 0x00])
    );
    assert_eq!(network_address(""), None);
    assert_eq!(network_address("02ABCDEF000"), None);
    assert_eq!(network_address("not an address"), None);
}

#[test]
fn case_and_comparison() {
    assert_eq!(upcase(u16::from(b'a')), u16::from(b'A'));
    assert_eq!(upcase(0xE4), 0xC4);
    assert_eq!(upcase(0xDF), 0xDF, "no single upper case");
    assert_eq!(downcase(0xC4), 0xE4);
    assert_eq!(to_ansi(0xE4), 0xE4);
    assert_eq!(to_ansi(0x20AC), b'?');
    let (a, b): (Vec<u16>, Vec<u16>) = (
        "abc".encode_utf16().collect(),
        "ABD".encode_utf16().collect(),
    );
    assert_eq!(compare(&a, &b, true), Ordering::Less);
    assert_eq!(compare(&a, &b, false), Ordering::Greater);
    assert_eq!(compare(&a, &a[..2], false), Ordering::Greater);
}
