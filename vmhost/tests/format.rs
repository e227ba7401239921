// SPDX-License-Identifier: MIT OR Apache-2.0
//! C formatting as DbgPrint and the printf family of the kernel do it.

extern crate alloc;

#[path = "../src/exports/format.rs"]
mod format;

use format::{Arguments, Memory, format_c};

struct Slots(Vec<u64>);

impl Arguments for Slots {
    fn next(&mut self) -> u64 {
        self.0.remove(0)
    }
}

/// Strings at made-up addresses.
struct Table;

impl Memory for Table {
    fn narrow(&self, address: usize, max: usize) -> Vec<u8> {
        let text: &[u8] = match address {
            1 => b"narrow",
            2 => b"",
            _ => panic!("narrow string at {address}"),
        };
        text[..text.len().min(max)].to_vec()
    }
    fn wide(&self, address: usize, max: usize) -> Vec<u16> {
        assert_eq!(address, 3, "wide string");
        "wide\u{e4}".encode_utf16().take(max).collect()
    }
    fn counted_narrow(&self, address: usize) -> Vec<u8> {
        assert_eq!(address, 4, "ANSI_STRING");
        b"ansi".to_vec()
    }
    fn counted_wide(&self, address: usize) -> Vec<u16> {
        assert_eq!(address, 5, "UNICODE_STRING");
        "unicode".encode_utf16().collect()
    }
}

fn run(format: &str, args: &[u64], wide: bool) -> String {
    let format: Vec<u16> = format.encode_utf16().collect();
    let mut slots = Slots(args.to_vec());
    let out = format_c(&format, wide, &mut slots, &Table);
    assert!(slots.0.is_empty(), "{} arguments left over", slots.0.len());
    String::from_utf16(&out).unwrap()
}

fn narrow(format: &str, args: &[u64]) -> String {
    run(format, args, false)
}

#[test]
fn text_and_per_cent() {
    assert_eq!(narrow("plain\n", &[]), "plain\n");
    assert_eq!(narrow("100%%", &[]), "100%");
    assert_eq!(narrow("50%", &[]), "50%");
    assert_eq!(narrow("%y", &[]), "%y");
}

#[test]
fn integers_take_32_bits_unless_told() {
    // The upper half of a slot is rubbish for an int.
    assert_eq!(narrow("%d", &[0xDEAD_BEEF_FFFF_FFFF]), "-1");
    assert_eq!(narrow("%u", &[0xDEAD_BEEF_FFFF_FFFF]), "4294967295");
    assert_eq!(narrow("%ld %lu", &[u64::MAX, u64::MAX]), "-1 4294967295");
    assert_eq!(narrow("%I64d %lld", &[u64::MAX, u64::MAX]), "-1 -1");
    assert_eq!(narrow("%I64u", &[u64::MAX]), "18446744073709551615");
    assert_eq!(
        narrow("%I64x %llX %Ix", &[0xABCDEF, 0xABCDEF, 0x12]),
        "abcdef ABCDEF 12"
    );
    assert_eq!(narrow("%I32x %zu", &[u64::MAX, 7]), "ffffffff 7");
    assert_eq!(
        narrow("%hd %hu %hhx", &[0x1_8000, 0x1_8000, 0x1FF]),
        "-32768 32768 ff"
    );
    assert_eq!(narrow("%o %#o", &[8, 8]), "10 010");
}

#[test]
fn widths_and_flags() {
    assert_eq!(narrow("[%5d]", &[42]), "[   42]");
    assert_eq!(narrow("[%-5d]", &[42]), "[42   ]");
    assert_eq!(narrow("[%05d]", &[42]), "[00042]");
    assert_eq!(narrow("[%05d]", &[-42i64 as u64]), "[-0042]");
    assert_eq!(narrow("[%+d %+d]", &[1, -1i64 as u64]), "[+1 -1]");
    assert_eq!(narrow("[% d]", &[1]), "[ 1]");
    assert_eq!(narrow("[%.4x]", &[0x1F]), "[001f]");
    assert_eq!(narrow("[%8.4X]", &[0x1F]), "[    001F]");
    assert_eq!(narrow("[%#x %#X %#x]", &[255, 255, 0]), "[0xff 0XFF 0]");
    assert_eq!(narrow("[%#010x]", &[255]), "[0x000000ff]");
    assert_eq!(narrow("[%*d]", &[6, 42]), "[    42]");
    assert_eq!(narrow("[%*d]", &[-6i64 as u64, 42]), "[42    ]");
    assert_eq!(narrow("[%.*s]", &[3, 1]), "[nar]");
    assert_eq!(narrow("[%.0d]", &[0]), "[]");
}

#[test]
fn pointers_and_characters() {
    assert_eq!(narrow("%p", &[0xFFFF_F780_0000_0320]), "FFFFF78000000320");
    assert_eq!(narrow("%p", &[0]), "0000000000000000");
    assert_eq!(narrow("%c%C", &[b'a'.into(), 0xE4]), "a\u{e4}");
}

#[test]
fn strings_of_each_kind() {
    assert_eq!(narrow("%s|%hs", &[1, 1]), "narrow|narrow");
    assert_eq!(
        narrow("%S|%ls|%ws", &[3, 3, 3]),
        "wide\u{e4}|wide\u{e4}|wide\u{e4}"
    );
    assert_eq!(narrow("%Z|%wZ", &[4, 5]), "ansi|unicode");
    assert_eq!(narrow("%s|%S|%wZ", &[0, 0, 0]), "(null)|(null)|(null)");
    assert_eq!(
        narrow("[%8s|%-8s|%.2s]", &[1, 1, 1]),
        "[  narrow|narrow  |na]"
    );
    assert_eq!(narrow("[%s]", &[2]), "[]");
    // A wide function turns the meaning of %s and %S round.
    assert_eq!(
        run("%s|%S|%hs|%ws", &[3, 1, 1, 3], true),
        "wide\u{e4}|narrow|narrow|wide\u{e4}"
    );
}

#[test]
fn writing_through_a_format_is_refused() {
    assert_eq!(narrow("a%nb", &[1]), "ab");
}

#[test]
fn mac_address_as_drivers_print_it() {
    assert_eq!(
        narrow(
            "%02X-%02X-%02X-%02X-%02X-%02X",
            &[0x52, 0x54, 0, 0x12, 0x34, 0x56]
        ),
        "52-54-00-12-34-56"
    );
}

#[test]
fn floats() {
    assert_eq!(
        narrow("%f %.2f", &[1.5f64.to_bits(), 2.0f64.to_bits()]),
        "1.500000 2.00"
    );
    assert_eq!(narrow("%.1e", &[150.0f64.to_bits()]), "1.5e+002");
}
