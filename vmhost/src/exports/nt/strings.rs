// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rtl strings and conversions. PASSIVE_LEVEL where tables of the real system may be paged.

use alloc::{format, vec::Vec};

use ndis::ffi::*;

use super::pool::{self, Request};
use crate::{
    exports,
    exports::{Call, number},
    guest::{self, CountedString, Ptr},
    ledger::{Kind, Scope},
    verify,
};

/// Tag of buffers that Rtl functions allocate.
const TAG: u32 = u32::from_le_bytes(*b"Strg");
const STATUS_INVALID_PARAMETER_2: i32 = 0xC000_00F0_u32 as i32;

/// Sets the three members of a counted string.
pub fn set(string: Ptr<CountedString>, length: usize, maximum: usize, buffer: usize) {
    string.write(CountedString {
        length: length as u16,
        maximum: maximum as u16,
        buffer,
    });
}

/// A pool buffer for a string, owned by the driver.
pub fn buffer(call: &Call, bytes: usize, scope: Scope) -> usize {
    pool::allocate(
        call,
        Request {
            bytes,
            tag: TAG,
            paged: false,
            zero: false,
            cache_aligned: false,
            scope,
            kind: Kind::Pool,
        },
    )
}

fn ansi(string: Ptr<CountedString>) -> Vec<u8> {
    let header = string.read();
    guest::bytes(header.buffer, usize::from(header.length))
}

fn put_units(call: &Call, target: Ptr<CountedString>, units: &[u16], allocate: bool) -> i32 {
    let bytes = units.len() * 2;
    let header = target.read();
    let (at, room) = if allocate {
        if bytes + 2 > 0xFFFE {
            return STATUS_INVALID_PARAMETER_2;
        }
        let at = buffer(call, bytes + 2, Scope::Driver);
        if at == 0 {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        (at, bytes + 2)
    } else {
        (header.buffer, usize::from(header.maximum))
    };
    if bytes > room {
        return STATUS_BUFFER_OVERFLOW;
    }
    for (i, c) in units.iter().enumerate() {
        guest::write(at + i * 2, *c);
    }
    if bytes + 2 <= room {
        guest::write(at + bytes, 0u16);
    }
    set(target, bytes, room, at);
    STATUS_SUCCESS
}

fn put_bytes(call: &Call, target: Ptr<CountedString>, bytes: &[u8], allocate: bool) -> i32 {
    let header = target.read();
    let (at, room) = if allocate {
        let at = buffer(call, bytes.len() + 1, Scope::Driver);
        if at == 0 {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        (at, bytes.len() + 1)
    } else {
        (header.buffer, usize::from(header.maximum))
    };
    if bytes.len() >= room {
        return STATUS_BUFFER_OVERFLOW;
    }
    guest::copy_in(at, bytes);
    guest::write(at + bytes.len(), 0u8);
    set(target, bytes.len(), room, at);
    STATUS_SUCCESS
}

fn order(o: core::cmp::Ordering) -> i32 {
    o as i32
}

fn append(target: Ptr<CountedString>, units: &[u16]) -> i32 {
    let header = target.read();
    let (old, add) = (usize::from(header.length), units.len() * 2);
    if old + add > usize::from(header.maximum) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    for (i, c) in units.iter().enumerate() {
        guest::write(header.buffer + old + i * 2, *c);
    }
    if old + add + 2 <= usize::from(header.maximum) {
        guest::write(header.buffer + old + add, 0u16);
    }
    set(
        target,
        old + add,
        usize::from(header.maximum),
        header.buffer,
    );
    STATUS_SUCCESS
}

exports! {
    "ntoskrnl.exe";

    /// A counted string over a NUL-terminated one.
    [Dispatch] fn RtlInitUnicodeString(_call, target: Ptr<CountedString>, source: usize) {
        if source == 0 {
            return set(target, 0, 0, 0);
        }
        let bytes = guest::wide_z(source, 0x7FFE).len() * 2;
        set(target, bytes, bytes + 2, source);
    }
    /// The same; a string that is too long is refused.
    [Dispatch] fn RtlInitUnicodeStringEx(_call, target: Ptr<CountedString>, source: usize) -> i32 {
        let units = if source == 0 { Vec::new() } else { guest::wide_z(source, 0x8000) };
        if units.len() >= 0x7FFE {
            return 0xC000_0106_u32 as i32; // STATUS_NAME_TOO_LONG
        }
        set(target, units.len() * 2, if source == 0 { 0 } else { units.len() * 2 + 2 }, source);
        STATUS_SUCCESS
    }
    /// A counted ANSI string over a NUL-terminated one.
    [Any] fn RtlInitAnsiString(_call, target: Ptr<CountedString>, source: usize) {
        if source == 0 {
            return set(target, 0, 0, 0);
        }
        let bytes = guest::ansi_z(source, 0xFFFE).len();
        set(target, bytes, bytes + 1, source);
    }
    /// The same under its generic name.
    [Any] fn RtlInitString(call, target: Ptr<CountedString>, source: usize) { RtlInitAnsiString::body(call, target, source) }
    /// Copies as much as fits.
    [Any] fn RtlCopyUnicodeString(_call, target: Ptr<CountedString>, source: usize) {
        let header = target.read();
        let units = if source == 0 { Vec::new() } else { guest::unicode(source) };
        let bytes = (units.len() * 2).min(usize::from(header.maximum) & !1);
        for (i, c) in units.iter().take(bytes / 2).enumerate() {
            guest::write(header.buffer + i * 2, *c);
        }
        if bytes + 2 <= usize::from(header.maximum) {
            guest::write(header.buffer + bytes, 0u16);
        }
        set(target, bytes, usize::from(header.maximum), header.buffer);
    }
    /// Compares.
    [Passive] fn RtlCompareUnicodeString(_call, a: usize, b: usize, ignore_case: bool) -> i32 {
        order(number::compare(&guest::unicode(a), &guest::unicode(b), ignore_case))
    }
    /// Tells whether two strings are equal.
    [Passive] fn RtlEqualUnicodeString(_call, a: usize, b: usize, ignore_case: bool) -> bool {
        number::compare(&guest::unicode(a), &guest::unicode(b), ignore_case).is_eq()
    }
    /// Tells whether one string begins another.
    [Passive] fn RtlPrefixUnicodeString(_call, prefix: usize, string: usize, ignore_case: bool) -> bool {
        let (prefix, string) = (guest::unicode(prefix), guest::unicode(string));
        string.len() >= prefix.len() && number::compare(&prefix, &string[..prefix.len()], ignore_case).is_eq()
    }
    /// Tells whether two ANSI strings are equal.
    [Passive] fn RtlEqualString(_call, a: Ptr<CountedString>, b: Ptr<CountedString>, ignore_case: bool) -> bool {
        let (a, b) = (ansi(a), ansi(b));
        if ignore_case { a.eq_ignore_ascii_case(&b) } else { a == b }
    }
    /// Compares ANSI strings.
    [Passive] fn RtlCompareString(_call, a: Ptr<CountedString>, b: Ptr<CountedString>, ignore_case: bool) -> i32 {
        let (mut a, mut b) = (ansi(a), ansi(b));
        if ignore_case {
            a.make_ascii_uppercase();
            b.make_ascii_uppercase();
        }
        order(a.cmp(&b))
    }
    /// Parses a number.
    [Passive] fn RtlUnicodeStringToInteger(_call, string: usize, base: u32, value: Ptr<u32>) -> i32 {
        match number::to_integer(&guest::unicode(string), base) {
            Some(n) => {
                value.write(n);
                STATUS_SUCCESS
            }
            None => STATUS_INVALID_PARAMETER,
        }
    }
    /// Writes a number.
    [Passive] fn RtlIntegerToUnicodeString(call, value: u32, base: u32, target: Ptr<CountedString>) -> i32 {
        match number::from_integer(value, base) {
            Some(text) => put_units(call, target, &text.encode_utf16().collect::<Vec<_>>(), false),
            None => STATUS_INVALID_PARAMETER,
        }
    }
    /// Appends a NUL-terminated string.
    [Any] fn RtlAppendUnicodeToString(_call, target: Ptr<CountedString>, source: usize) -> i32 {
        if source == 0 { STATUS_SUCCESS } else { append(target, &guest::wide_z(source, 0x7FFE)) }
    }
    /// Appends a counted string.
    [Any] fn RtlAppendUnicodeStringToString(_call, target: Ptr<CountedString>, source: usize) -> i32 { append(target, &guest::unicode(source)) }
    /// ANSI to Unicode.
    [Passive] fn RtlAnsiStringToUnicodeString(call, target: Ptr<CountedString>, source: Ptr<CountedString>, allocate: bool) -> i32 {
        let units: Vec<u16> = ansi(source).into_iter().map(u16::from).collect();
        put_units(call, target, &units, allocate)
    }
    /// Unicode to ANSI.
    [Passive] fn RtlUnicodeStringToAnsiString(call, target: Ptr<CountedString>, source: usize, allocate: bool) -> i32 {
        let bytes: Vec<u8> = guest::unicode(source).into_iter().map(number::to_ansi).collect();
        put_bytes(call, target, &bytes, allocate)
    }
    /// Upper case.
    [Passive] fn RtlUpcaseUnicodeString(call, target: Ptr<CountedString>, source: usize, allocate: bool) -> i32 {
        let units: Vec<u16> = guest::unicode(source).into_iter().map(number::upcase).collect();
        put_units(call, target, &units, allocate)
    }
    /// Lower case.
    [Passive] fn RtlDowncaseUnicodeString(call, target: Ptr<CountedString>, source: usize, allocate: bool) -> i32 {
        let units: Vec<u16> = guest::unicode(source).into_iter().map(number::downcase).collect();
        put_units(call, target, &units, allocate)
    }
    /// Upper case of one character.
    [Passive] fn RtlUpcaseUnicodeChar(_call, c: u16) -> u16 { number::upcase(c) }
    /// Lower case of one character.
    [Passive] fn RtlDowncaseUnicodeChar(_call, c: u16) -> u16 { number::downcase(c) }
    /// Upper case of one ANSI character.
    [Any] fn RtlUpperChar(_call, c: u8) -> u8 { c.to_ascii_uppercase() }
    /// Bytes of a string as ANSI with its terminator.
    [Passive] fn RtlxUnicodeStringToAnsiSize(_call, source: usize) -> u32 { guest::unicode(source).len() as u32 + 1 }
    /// Bytes of an ANSI string as Unicode with its terminator.
    [Passive] fn RtlxAnsiStringToUnicodeSize(_call, source: Ptr<CountedString>) -> u32 { u32::from(source.read().length) * 2 + 2 }
    /// Frees what a conversion allocated.
    [Apc] fn RtlFreeUnicodeString(call, string: Ptr<CountedString>) { free(call, string) }
    /// Frees what a conversion allocated.
    [Apc] fn RtlFreeAnsiString(call, string: Ptr<CountedString>) { free(call, string) }
    /// A copy of a string with its own buffer.
    [Passive] fn RtlDuplicateUnicodeString(call, flags: u32, source: usize, target: Ptr<CountedString>) -> i32 {
        let _ = flags;
        let units = guest::unicode(source);
        put_units(call, target, &units, true)
    }
    /// A GUID as text in braces.
    [Passive] fn RtlStringFromGUID(call, guid: Ptr<GUID>, target: Ptr<CountedString>) -> i32 {
        let g = guid.read();
        let d = g.Data4;
        let text = format!(
            "{{{:08X}-{:04X}-{:04X}-{:02X}{:02X}-{:02X}{:02X}{:02X}{:02X}{:02X}{:02X}}}",
            g.Data1, g.Data2, g.Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]
        );
        put_units(call, target, &text.encode_utf16().collect::<Vec<_>>(), true)
    }
    /// Checks a counted string.
    [Passive] fn RtlValidateUnicodeString(_call, flags: u32, string: Ptr<CountedString>) -> i32 {
        let header = string.read();
        let bad = flags != 0 || !header.length.is_multiple_of(2) || header.length > header.maximum;
        if bad { STATUS_INVALID_PARAMETER } else { STATUS_SUCCESS }
    }
}

fn free(call: &Call, string: Ptr<CountedString>) {
    let header = string.read();
    if header.buffer != 0 {
        pool::free(call, Kind::Pool, header.buffer, None);
        set(string, 0, 0, 0);
    } else {
        verify::check("V-01", true, alloc::string::String::new);
    }
}
