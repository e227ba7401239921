// SPDX-License-Identifier: MIT OR Apache-2.0
//! C format strings as the kernel's printing functions understand them. Pure logic: compiles
//! under `std` for the host tests; memory and arguments come through traits.

use alloc::{format, string::String, vec::Vec};

/// The variadic arguments: 8-byte slots in the order of the call.
pub trait Arguments {
    /// The next slot.
    fn next(&mut self) -> u64;
}

/// The memory that `%s`, `%Z` and the like point into. Reads never fail: the implementation ends
/// the run, or gives nothing, when an address is bad.
pub trait Memory {
    /// Bytes up to a NUL, at most `max`.
    fn narrow(&self, address: usize, max: usize) -> Vec<u8>;
    /// Wide characters up to a NUL, at most `max`.
    fn wide(&self, address: usize, max: usize) -> Vec<u16>;
    /// The characters of an `ANSI_STRING`.
    fn counted_narrow(&self, address: usize) -> Vec<u8>;
    /// The characters of a `UNICODE_STRING`.
    fn counted_wide(&self, address: usize) -> Vec<u16>;
}

/// Longest string or field that is formatted.
const MAX: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    None,
    Char,
    Short,
    Long,
    Quad,
    Wide,
}

#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// Formats. `wide` says that the format belongs to a wide function, where `%s` is a wide string.
/// The result is in UTF-16 units; narrow functions use the low byte of each.
pub fn format_c(
    text: &[u16],
    wide: bool,
    args: &mut dyn Arguments,
    memory: &dyn Memory,
) -> Vec<u16> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let c = text[at];
        at += 1;
        if c != u16::from(b'%') {
            out.push(c);
            continue;
        }
        at = directive(text, at, wide, args, memory, &mut out);
    }
    out
}

/// Formats one directive whose `%` has been read; returns where to go on.
fn directive(
    text: &[u16],
    mut at: usize,
    wide: bool,
    args: &mut dyn Arguments,
    memory: &dyn Memory,
    out: &mut Vec<u16>,
) -> usize {
    let start = at;
    let peek = |at: usize| {
        text.get(at)
            .copied()
            .and_then(|c| u8::try_from(c).ok())
            .unwrap_or(0)
    };
    let mut spec = Spec::default();
    loop {
        match peek(at) {
            b'-' => spec.left = true,
            b'+' => spec.plus = true,
            b' ' => spec.space = true,
            b'0' => spec.zero = true,
            b'#' => spec.alternate = true,
            _ => break,
        }
        at += 1;
    }
    let number = |at: &mut usize, args: &mut dyn Arguments| -> i64 {
        if peek(*at) == b'*' {
            *at += 1;
            return i64::from(args.next() as i32);
        }
        let mut n = 0i64;
        while peek(*at).is_ascii_digit() {
            n = (n * 10 + i64::from(peek(*at) - b'0')).min(MAX as i64);
            *at += 1;
        }
        n
    };
    let width = number(&mut at, args);
    spec.left |= width < 0;
    spec.width = (width.unsigned_abs() as usize).min(MAX);
    if peek(at) == b'.' {
        at += 1;
        let precision = number(&mut at, args);
        spec.precision = usize::try_from(precision).ok().map(|p| p.min(MAX));
    }
    let size;
    (size, at) = size_prefix(&peek, at);
    let conversion = peek(at);
    at += 1;
    match conversion {
        b'%' => out.push(u16::from(b'%')),
        b'd' | b'i' => {
            let value = signed(args.next(), size);
            let sign = if value < 0 {
                "-"
            } else if spec.plus {
                "+"
            } else if spec.space {
                " "
            } else {
                ""
            };
            integer(out, &spec, sign, format!("{}", value.unsigned_abs()));
        }
        b'u' => integer(out, &spec, "", format!("{}", unsigned(args.next(), size))),
        b'o' => {
            let value = unsigned(args.next(), size);
            integer(
                out,
                &spec,
                if spec.alternate { "0" } else { "" },
                format!("{value:o}"),
            );
        }
        b'x' => {
            let value = unsigned(args.next(), size);
            integer(
                out,
                &spec,
                if spec.alternate && value != 0 {
                    "0x"
                } else {
                    ""
                },
                format!("{value:x}"),
            );
        }
        b'X' => {
            let value = unsigned(args.next(), size);
            integer(
                out,
                &spec,
                if spec.alternate && value != 0 {
                    "0X"
                } else {
                    ""
                },
                format!("{value:X}"),
            );
        }
        b'p' => {
            let value = args.next();
            spec.zero = false;
            pad(out, &spec, &ascii(&format!("{value:016X}")));
        }
        b'c' | b'C' => {
            let value = args.next();
            let is_wide = wide_text(size, conversion == b'C', wide);
            pad(
                out,
                &spec,
                &[if is_wide {
                    value as u16
                } else {
                    u16::from(value as u8)
                }],
            );
        }
        b's' | b'S' => {
            let address = args.next() as usize;
            let max = spec.precision.unwrap_or(MAX);
            let s = if address == 0 {
                ascii("(null)")
            } else if wide_text(size, conversion == b'S', wide) {
                memory.wide(address, max)
            } else {
                memory
                    .narrow(address, max)
                    .into_iter()
                    .map(u16::from)
                    .collect()
            };
            pad(out, &spec, &s[..s.len().min(max)]);
        }
        b'Z' => {
            let address = args.next() as usize;
            let s = if address == 0 {
                ascii("(null)")
            } else if matches!(size, Size::Wide | Size::Long) {
                memory.counted_wide(address)
            } else {
                memory
                    .counted_narrow(address)
                    .into_iter()
                    .map(u16::from)
                    .collect()
            };
            let max = spec.precision.unwrap_or(MAX);
            pad(out, &spec, &s[..s.len().min(max)]);
        }
        b'n' => {
            // Writing through a format string is refused, as Windows does by default.
            args.next();
        }
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
            float(out, &spec, conversion, f64::from_bits(args.next()));
        }
        _ => {
            // No conversion: the text stands for itself.
            out.push(u16::from(b'%'));
            let end = at.min(text.len());
            out.extend_from_slice(&text[start.min(end)..end]);
            return end;
        }
    }
    at
}

fn size_prefix(peek: &dyn Fn(usize) -> u8, at: usize) -> (Size, usize) {
    match (peek(at), peek(at + 1), peek(at + 2)) {
        (b'h', b'h', _) => (Size::Char, at + 2),
        (b'h', ..) => (Size::Short, at + 1),
        (b'l', b'l', _) => (Size::Quad, at + 2),
        (b'l', ..) => (Size::Long, at + 1),
        (b'w', ..) => (Size::Wide, at + 1),
        (b'I', b'6', b'4') => (Size::Quad, at + 3),
        (b'I', b'3', b'2') => (Size::None, at + 3),
        (b'I' | b'z' | b't' | b'j', ..) => (Size::Quad, at + 1),
        (b'L', ..) => (Size::Quad, at + 1),
        _ => (Size::None, at),
    }
}

/// Whether a string or character is wide: the prefix decides, else the capital letter means the
/// other width than the function's own.
fn wide_text(size: Size, capital: bool, wide: bool) -> bool {
    match size {
        Size::Short | Size::Char => false,
        Size::Long | Size::Wide | Size::Quad => true,
        Size::None => wide != capital,
    }
}

fn signed(slot: u64, size: Size) -> i64 {
    match size {
        Size::Char => i64::from(slot as i8),
        Size::Short => i64::from(slot as i16),
        Size::Quad => slot as i64,
        _ => i64::from(slot as i32),
    }
}

fn unsigned(slot: u64, size: Size) -> u64 {
    match size {
        Size::Char => u64::from(slot as u8),
        Size::Short => u64::from(slot as u16),
        Size::Quad => slot,
        _ => u64::from(slot as u32),
    }
}

fn ascii(text: &str) -> Vec<u16> {
    text.bytes().map(u16::from).collect()
}

fn integer(out: &mut Vec<u16>, spec: &Spec, prefix: &str, digits: String) {
    let mut digits = digits;
    if let Some(precision) = spec.precision {
        if precision == 0 && digits == "0" {
            digits.clear();
        }
        while digits.len() < precision {
            digits.insert(0, '0');
        }
    } else if spec.zero && !spec.left {
        while digits.len() + prefix.len() < spec.width {
            digits.insert(0, '0');
        }
    }
    pad(out, spec, &ascii(&format!("{prefix}{digits}")));
}

fn float(out: &mut Vec<u16>, spec: &Spec, conversion: u8, value: f64) {
    let precision = spec.precision.unwrap_or(6);
    let sign = if value >= 0.0 && spec.plus { "+" } else { "" };
    let body = match conversion {
        b'f' | b'F' => format!("{value:.precision$}"),
        b'e' | b'E' => exponent(value, precision, conversion),
        _ => format!("{value}"),
    };
    let mut text = format!("{sign}{body}");
    if spec.zero && !spec.left {
        let at = usize::from(text.starts_with(['+', '-']));
        while text.len() < spec.width {
            text.insert(at, '0');
        }
    }
    pad(out, spec, &ascii(&text));
}

/// `1.5e2` of Rust as C writes it: `1.5e+002`.
fn exponent(value: f64, precision: usize, conversion: u8) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    format!(
        "{mantissa}{}{}{:03}",
        char::from(conversion),
        if power < 0 { '-' } else { '+' },
        power.abs()
    )
}

fn pad(out: &mut Vec<u16>, spec: &Spec, text: &[u16]) {
    let fill = spec.width.saturating_sub(text.len());
    let blank = |n: usize| core::iter::repeat_n(u16::from(b' '), n);
    if !spec.left {
        out.extend(blank(fill));
    }
    out.extend_from_slice(text);
    if spec.left {
        out.extend(blank(fill));
    }
}
