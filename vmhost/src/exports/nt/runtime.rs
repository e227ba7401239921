// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory and C run-time functions, and bit maps. Any IRQL.

use alloc::{string::String, vec::Vec};

use crate::{
    exports,
    exports::Export,
    guest::{self, Ptr},
    verify,
};

/// Bits of an `RTL_BITMAP`: { ULONG SizeOfBitMap; PULONG Buffer }.
fn bit(map: Ptr<u64>, index: u32) -> Ptr<u32> {
    Ptr::<u32>::new(map.add(1).read() as usize).add(index as usize / 32)
}

fn bits(map: Ptr<u64>) -> u32 {
    map.cast::<u32>().read()
}

fn test(map: Ptr<u64>, index: u32) -> bool {
    bit(map, index).read() & (1 << (index % 32)) != 0
}

fn change(map: Ptr<u64>, start: u32, count: u32, on: bool) {
    verify::check(
        "V-28",
        start.checked_add(count).is_some_and(|end| end <= bits(map)),
        || String::from("a range outside the bit map"),
    );
    for i in start..start.saturating_add(count).min(bits(map)) {
        let word = bit(map, i);
        let mask = 1 << (i % 32);
        word.write(if on {
            word.read() | mask
        } else {
            word.read() & !mask
        });
    }
}

/// A run of `count` bits that are `on`, searched from `hint` and then from the start.
fn find(map: Ptr<u64>, count: u32, hint: u32, on: bool) -> u32 {
    let total = bits(map);
    let hint = if hint < total { hint } else { 0 };
    let fits = |from: u32| (from..from + count).all(|i| test(map, i) == on);
    if count == 0 {
        return hint & !7;
    }
    let last = total.checked_sub(count);
    let Some(last) = last else { return u32::MAX };
    (hint..=last)
        .chain(0..hint.min(last + 1))
        .find(|from| fits(*from))
        .unwrap_or(u32::MAX)
}

fn compare_units(a: usize, b: usize, max: usize, fold: bool) -> i32 {
    let f = |c: u16| {
        if fold {
            exports::number::downcase(c)
        } else {
            c
        }
    };
    for i in 0..max {
        let (x, y): (u16, u16) = (f(guest::read(a + i * 2)), f(guest::read(b + i * 2)));
        if x != y || x == 0 {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

fn compare_bytes(a: usize, b: usize, max: usize, fold: bool) -> i32 {
    let f = |c: u8| if fold { c.to_ascii_lowercase() } else { c };
    for i in 0..max {
        let (x, y): (u8, u8) = (f(guest::read(a + i)), f(guest::read(b + i)));
        if x != y || x == 0 {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

fn narrow(address: usize) -> Vec<u8> {
    guest::ansi_z(address, usize::MAX)
}

exports! {
    "ntoskrnl.exe";

    /// Copies. Overlapping ranges are a violation (C4/F0).
    [Any] fn memcpy(call, to: usize, from: usize, len: usize) -> usize {
        let apart = to + len <= from || from + len <= to || to == from;
        verify::check("V-28", apart, || call.text("the ranges overlap"));
        guest::copy(to, from, len);
        to
    }
    /// Copies ranges that may overlap.
    [Any] fn memmove(_call, to: usize, from: usize, len: usize) -> usize {
        guest::copy(to, from, len);
        to
    }
    /// Fills.
    [Any] fn memset(_call, to: usize, byte: u8, len: usize) -> usize {
        guest::fill(to, len, byte);
        to
    }
    /// Compares.
    [Any] fn memcmp(_call, a: usize, b: usize, len: usize) -> i32 { guest::slice(a, len).cmp(guest::slice(b, len)) as i32 }
    /// Finds a byte.
    [Any] fn memchr(_call, a: usize, byte: u8, len: usize) -> usize {
        guest::slice(a, len).iter().position(|b| *b == byte).map_or(0, |i| a + i)
    }
    /// Number of equal bytes at the start.
    [Any] fn RtlCompareMemory(_call, a: usize, b: usize, len: usize) -> usize {
        guest::slice(a, len).iter().zip(guest::slice(b, len)).take_while(|(x, y)| x == y).count()
    }
    /// Copies.
    [Any] fn RtlCopyMemory(call, to: usize, from: usize, len: usize) { memcpy::body(call, to, from, len); }
    /// Copies.
    [Any] fn RtlCopyMemoryNonTemporal(call, to: usize, from: usize, len: usize) { memcpy::body(call, to, from, len); }
    /// Copies ranges that may overlap.
    [Any] fn RtlMoveMemory(_call, to: usize, from: usize, len: usize) { guest::copy(to, from, len) }
    /// Fills with zeroes.
    [Any] fn RtlZeroMemory(_call, to: usize, len: usize) { guest::fill(to, len, 0) }
    /// Fills; note the order of the arguments.
    [Any] fn RtlFillMemory(_call, to: usize, len: usize, byte: u8) { guest::fill(to, len, byte) }
    /// A hint that changes nothing.
    [Any] fn RtlPrefetchMemoryNonTemporal(_call, _source: usize, _len: usize) {}

    /// Length.
    [Any] fn strlen(_call, s: usize) -> usize { narrow(s).len() }
    /// Length, bounded.
    [Any] fn strnlen(_call, s: usize, max: usize) -> usize { guest::ansi_z(s, max).len() }
    /// Length in characters.
    [Any] fn wcslen(_call, s: usize) -> usize { guest::wide_z(s, usize::MAX).len() }
    /// Length in characters, bounded.
    [Any] fn wcsnlen(_call, s: usize, max: usize) -> usize { guest::wide_z(s, max).len() }
    /// Copies a string.
    [Any] fn strcpy(_call, to: usize, from: usize) -> usize {
        let mut s = narrow(from);
        s.push(0);
        guest::copy_in(to, &s);
        to
    }
    /// Copies a string, bounded; the rest is filled with zeroes.
    [Any] fn strncpy(_call, to: usize, from: usize, max: usize) -> usize {
        let s = guest::ansi_z(from, max);
        guest::copy_in(to, &s);
        guest::fill(to + s.len(), max - s.len(), 0);
        to
    }
    /// Appends a string.
    [Any] fn strcat(_call, to: usize, from: usize) -> usize {
        let mut s = narrow(from);
        s.push(0);
        guest::copy_in(to + narrow(to).len(), &s);
        to
    }
    /// Copies wide characters.
    [Any] fn wcscpy(_call, to: usize, from: usize) -> usize {
        let n = guest::wide_z(from, usize::MAX).len() + 1;
        guest::copy(to, from, n * 2);
        to
    }
    /// Copies wide characters, bounded; the rest is filled with zeroes.
    [Any] fn wcsncpy(_call, to: usize, from: usize, max: usize) -> usize {
        let n = guest::wide_z(from, max).len();
        guest::copy(to, from, n * 2);
        guest::fill(to + n * 2, (max - n) * 2, 0);
        to
    }
    /// Appends wide characters.
    [Any] fn wcscat(_call, to: usize, from: usize) -> usize {
        let n = guest::wide_z(from, usize::MAX).len() + 1;
        guest::copy(to + guest::wide_z(to, usize::MAX).len() * 2, from, n * 2);
        to
    }
    /// Compares.
    [Any] fn strcmp(_call, a: usize, b: usize) -> i32 { compare_bytes(a, b, usize::MAX, false) }
    /// Compares, bounded.
    [Any] fn strncmp(_call, a: usize, b: usize, max: usize) -> i32 { compare_bytes(a, b, max, false) }
    /// Compares without case.
    [Any] fn _stricmp(_call, a: usize, b: usize) -> i32 { compare_bytes(a, b, usize::MAX, true) }
    /// Compares without case, bounded.
    [Any] fn _strnicmp(_call, a: usize, b: usize, max: usize) -> i32 { compare_bytes(a, b, max, true) }
    /// Compares wide characters.
    [Any] fn wcscmp(_call, a: usize, b: usize) -> i32 { compare_units(a, b, usize::MAX, false) }
    /// Compares wide characters, bounded.
    [Any] fn wcsncmp(_call, a: usize, b: usize, max: usize) -> i32 { compare_units(a, b, max, false) }
    /// Compares wide characters without case.
    [Any] fn _wcsicmp(_call, a: usize, b: usize) -> i32 { compare_units(a, b, usize::MAX, true) }
    /// Compares wide characters without case, bounded.
    [Any] fn _wcsnicmp(_call, a: usize, b: usize, max: usize) -> i32 { compare_units(a, b, max, true) }
    /// Finds a character.
    [Any] fn strchr(_call, s: usize, c: u8) -> usize {
        let text = narrow(s);
        if c == 0 { s + text.len() } else { text.iter().position(|b| *b == c).map_or(0, |i| s + i) }
    }
    /// Finds the last occurrence of a character.
    [Any] fn strrchr(_call, s: usize, c: u8) -> usize {
        let text = narrow(s);
        if c == 0 { s + text.len() } else { text.iter().rposition(|b| *b == c).map_or(0, |i| s + i) }
    }
    /// Finds a string.
    [Any] fn strstr(_call, s: usize, part: usize) -> usize {
        let (text, part) = (narrow(s), narrow(part));
        if part.is_empty() {
            return s;
        }
        text.windows(part.len()).position(|w| w == part).map_or(0, |i| s + i)
    }
    /// Finds a wide character.
    [Any] fn wcschr(_call, s: usize, c: u16) -> usize {
        let text = guest::wide_z(s, usize::MAX);
        if c == 0 { s + text.len() * 2 } else { text.iter().position(|u| *u == c).map_or(0, |i| s + i * 2) }
    }
    /// Parses a decimal number.
    [Any] fn atoi(_call, s: usize) -> i32 {
        let units: Vec<u16> = guest::ansi_z(s, 64).into_iter().map(u16::from).collect();
        exports::number::to_integer(&units, 10).unwrap_or(0) as i32
    }
    /// Upper case.
    [Any] fn toupper(_call, c: i32) -> i32 { u8::try_from(c).map_or(c, |b| i32::from(b.to_ascii_uppercase())) }
    /// Lower case.
    [Any] fn tolower(_call, c: i32) -> i32 { u8::try_from(c).map_or(c, |b| i32::from(b.to_ascii_lowercase())) }
    /// Upper case.
    [Any] fn towupper(_call, c: u16) -> u16 { exports::number::upcase(c) }
    /// Lower case.
    [Any] fn towlower(_call, c: u16) -> u16 { exports::number::downcase(c) }

    /// Exceptions are not delivered by this host: a fault ends the run before any handler.
    [Any] fn __C_specific_handler(call, _record: usize, _frame: usize, _context: usize, _dispatcher: usize) -> i32 {
        verify::stop("V-28", call.text("a structured exception was dispatched"))
    }

    /// A bit map over a buffer.
    [Any] fn RtlInitializeBitMap(_call, map: Ptr<u64>, buffer: u64, bits: u32) {
        map.write(u64::from(bits));
        map.add(1).write(buffer);
    }
    /// Sets bits.
    [Any] fn RtlSetBits(_call, map: Ptr<u64>, start: u32, count: u32) { change(map, start, count, true) }
    /// Sets one bit.
    [Any] fn RtlSetBit(_call, map: Ptr<u64>, index: u32) { change(map, index, 1, true) }
    /// Clears bits.
    [Any] fn RtlClearBits(_call, map: Ptr<u64>, start: u32, count: u32) { change(map, start, count, false) }
    /// Clears one bit.
    [Any] fn RtlClearBit(_call, map: Ptr<u64>, index: u32) { change(map, index, 1, false) }
    /// Sets all bits.
    [Any] fn RtlSetAllBits(_call, map: Ptr<u64>) { change(map, 0, bits(map), true) }
    /// Clears all bits.
    [Any] fn RtlClearAllBits(_call, map: Ptr<u64>) { change(map, 0, bits(map), false) }
    /// Finds a run of clear bits.
    [Any] fn RtlFindClearBits(_call, map: Ptr<u64>, count: u32, hint: u32) -> u32 { find(map, count, hint, false) }
    /// Finds a run of set bits.
    [Any] fn RtlFindSetBits(_call, map: Ptr<u64>, count: u32, hint: u32) -> u32 { find(map, count, hint, true) }
    /// Finds a run of clear bits and sets it.
    [Any] fn RtlFindClearBitsAndSet(_call, map: Ptr<u64>, count: u32, hint: u32) -> u32 {
        let at = find(map, count, hint, false);
        if at != u32::MAX {
            change(map, at, count, true);
        }
        at
    }
    /// Finds a run of set bits and clears it.
    [Any] fn RtlFindSetBitsAndClear(_call, map: Ptr<u64>, count: u32, hint: u32) -> u32 {
        let at = find(map, count, hint, true);
        if at != u32::MAX {
            change(map, at, count, false);
        }
        at
    }
    /// Tests a bit.
    [Any] fn RtlTestBit(_call, map: Ptr<u64>, index: u32) -> bool { test(map, index) }
    /// Counts set bits.
    [Any] fn RtlNumberOfSetBits(_call, map: Ptr<u64>) -> u32 { (0..bits(map)).filter(|i| test(map, *i)).count() as u32 }
    /// Counts clear bits.
    [Any] fn RtlNumberOfClearBits(_call, map: Ptr<u64>) -> u32 { (0..bits(map)).filter(|i| !test(map, *i)).count() as u32 }
    /// True when a range is clear.
    [Any] fn RtlAreBitsClear(_call, map: Ptr<u64>, start: u32, count: u32) -> bool { (start..start + count).all(|i| !test(map, i)) }
    /// True when a range is set.
    [Any] fn RtlAreBitsSet(_call, map: Ptr<u64>, start: u32, count: u32) -> bool { (start..start + count).all(|i| test(map, i)) }
}

/// The stack probe. RAX has the size; every register is kept. Stacks here are mapped whole with a
/// guard page below, so there is nothing to do.
#[unsafe(naked)]
extern "C" fn probe() {
    core::arch::naked_asm!("ret")
}

/// `__chkstk` has a calling convention of its own, so it stands outside [`exports!`].
pub static CHKSTK: Export = Export {
    image: "ntoskrnl.exe",
    name: "__chkstk",
    level: exports::Level::Any,
    supported: true,
    address: || probe as *const () as usize,
};

/// The exports that the macro cannot make.
pub static SPECIAL: &[&Export] = &[&CHKSTK];
