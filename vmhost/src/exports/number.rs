// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text and numbers as the run-time library and the configuration functions convert them. Pure
//! logic: compiles under `std` for the host tests.

use alloc::{string::String, vec::Vec};

/// `RtlUnicodeStringToInteger`: leading blanks, a sign, digits up to the first other character.
/// Base 0 takes the base from a prefix (0x, 0o, 0b), else 10. No digits give 0. `None` for a base
/// that does not exist. Values wrap at 32 bits, as on Windows.
pub fn to_integer(text: &[u16], base: u32) -> Option<u32> {
    let mut chars = text
        .iter()
        .map(|c| char::from_u32(u32::from(*c)).unwrap_or('\u{FFFD}'))
        .peekable();
    while chars.next_if(|c| *c <= ' ').is_some() {}
    let mut negative = false;
    if let Some(sign) = chars.next_if(|c| matches!(c, '+' | '-')) {
        negative = sign == '-';
    }
    let base = match base {
        0 => {
            let mut base = 10;
            if chars.next_if_eq(&'0').is_some() {
                let prefix = match chars.peek() {
                    Some('x') => 16,
                    Some('o') => 8,
                    Some('b') => 2,
                    _ => 0,
                };
                if prefix != 0 {
                    base = prefix;
                    chars.next();
                }
            }
            base
        }
        2 | 8 | 10 | 16 => base,
        _ => return None,
    };
    let mut value = 0u32;
    while let Some(digit) = chars.next().and_then(|c| c.to_digit(base)) {
        value = value.wrapping_mul(base).wrapping_add(digit);
    }
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// `RtlIntegerToUnicodeString`: upper-case digits. `None` for a base that does not exist.
pub fn from_integer(value: u32, base: u32) -> Option<String> {
    use alloc::format;
    Some(match base {
        0 | 10 => format!("{value}"),
        2 => format!("{value:b}"),
        8 => format!("{value:o}"),
        16 => format!("{value:X}"),
        _ => return None,
    })
}

/// The bytes of a `NetworkAddress` value: hexadecimal digits in pairs, dashes between them
/// allowed. `None` when there is anything else, or nothing. Nothing else is checked: the driver
/// must do that (contract I-10).
pub fn network_address(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .trim()
        .chars()
        .filter(|c| *c != '-' && *c != ':')
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()?;
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect())
}

/// Upper case of one UTF-16 unit, as far as it stays one unit.
pub fn upcase(c: u16) -> u16 {
    let Some(ch) = char::from_u32(u32::from(c)) else {
        return c;
    };
    let mut upper = ch.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(u), None) => u16::try_from(u32::from(u)).unwrap_or(c),
        _ => c,
    }
}

/// Lower case of one UTF-16 unit, as far as it stays one unit.
pub fn downcase(c: u16) -> u16 {
    let Some(ch) = char::from_u32(u32::from(c)) else {
        return c;
    };
    let mut lower = ch.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(l), None) => u16::try_from(u32::from(l)).unwrap_or(c),
        _ => c,
    }
}

/// One UTF-16 unit in the ANSI code page: Latin-1 here, `?` for all else.
pub fn to_ansi(c: u16) -> u8 {
    u8::try_from(c).unwrap_or(b'?')
}

/// Compares as `RtlCompareUnicodeString` does.
pub fn compare(a: &[u16], b: &[u16], ignore_case: bool) -> core::cmp::Ordering {
    let fold = |c: &u16| if ignore_case { upcase(*c) } else { *c };
    a.iter().map(fold).cmp(b.iter().map(fold))
}
