// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C file: tables in, one assertion or variable a line out.

use std::{collections::BTreeSet, fmt::Write};

/// What comes before the assertions.
const PROLOGUE: &str = "\
#define NDIS_MINIPORT_DRIVER 1
#define NDIS687_MINIPORT 1
#define NTDDI_VERSION 0x0A00000C
#define _WIN32_WINNT 0x0A00
#define WINVER 0x0A00
#include <ntddk.h>
#include <ndis.h>
";

/// A bit-field, and the variable in which it is set.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// Name of the variable.
    pub symbol: String,
    /// `RECORD.member`.
    pub item: String,
    /// First bit, from the start of the record.
    pub first: usize,
    /// Number of bits.
    pub count: usize,
    /// Bytes of the record.
    pub size: usize,
}

/// The C file with what its lines are about.
#[derive(Debug, Default)]
pub struct Source {
    /// Item and C, a line each.
    lines: Vec<(String, String)>,
    /// The bit-fields.
    pub probes: Vec<Probe>,
    /// Structures.
    pub structures: usize,
    /// Members.
    pub fields: usize,
    /// Constants.
    pub constants: usize,
}

impl Source {
    /// The file for two tables.
    ///
    /// # Errors
    /// An entry that is not as the tables are written.
    pub fn new(layouts: &toml::Table, constants: &toml::Table) -> Result<Self, String> {
        let mut source = Self::default();
        for (name, entry) in layouts {
            source
                .structure(name, entry)
                .ok_or_else(|| format!("{name}: not an entry of the layout table"))?;
        }
        for (name, entry) in constants {
            source
                .constant(name, entry)
                .ok_or_else(|| format!("{name}: not an entry of the constant table"))?;
        }
        Ok(source)
    }

    fn assert(&mut self, item: &str, what: &str, expression: &str, value: u64) {
        self.lines.push((
            format!("{item}: {what} is not {value}"),
            format!("_Static_assert({expression} == {value}ull, \"\");"),
        ));
    }

    fn structure(&mut self, name: &str, entry: &toml::Value) -> Option<()> {
        let number = |key: &str| u64::try_from(entry.get(key)?.as_integer()?).ok();
        let size = number("size")?;
        self.assert(name, "size", &format!("sizeof({name})"), size);
        self.assert(
            name,
            "alignment",
            &format!("_Alignof({name})"),
            number("align")?,
        );
        self.structures += 1;
        for row in entry.get("fields")?.as_array()? {
            let (member, place) = row.as_str()?.split_once(' ')?;
            self.fields += 1;
            let numbers: Option<Vec<u64>> = place
                .trim_start_matches("bit ")
                .split(' ')
                .map(|text| text.parse().ok())
                .collect();
            let &[first, second] = numbers?.as_slice() else {
                return None;
            };
            if place.starts_with("bit ") {
                self.bits(
                    name,
                    member,
                    (first as usize, second as usize),
                    size as usize,
                );
            } else {
                self.member(name, member, first, second);
            }
        }
        Some(())
    }

    fn member(&mut self, record: &str, member: &str, offset: u64, size: u64) {
        let item = format!("{record}.{member}");
        let place = format!("__builtin_offsetof({record}, {member})");
        self.assert(&item, "offset", &place, offset);
        // A flexible array has no size.
        if size != 0 {
            let bytes = format!("sizeof((({record} *)0)->{member})");
            self.assert(&item, "size", &bytes, size);
        }
    }

    fn bits(&mut self, record: &str, member: &str, (first, count): (usize, usize), size: usize) {
        // Names that a record has more than once carry their position in the table: `Reserved_12`.
        let bare = match member.rsplit_once('_') {
            Some((bare, digits)) if digits == first.to_string() => bare,
            _ => member,
        };
        let (item, symbol) = (
            format!("{record}.{bare}"),
            format!("abi_bits_{}", self.probes.len()),
        );
        self.lines.push((
            format!("{item}: no such bit-field"),
            format!("{record} {symbol} = {{ .{bare} = ~0ull }};"),
        ));
        self.probes.push(Probe {
            symbol,
            item,
            first,
            count,
            size,
        });
    }

    /// The table has bit patterns of the constant's own width: a negative 32-bit one is extended to 64 bits in C.
    fn constant(&mut self, name: &str, entry: &toml::Value) -> Option<()> {
        let value = match entry {
            toml::Value::Integer(value) => *value as u64,
            other => u64::from_str_radix(other.as_str()?.strip_prefix("0x")?, 16).ok()?,
        };
        let mask = format!("(sizeof({name}) > 4 ? ~0ull : 0xFFFFFFFFull)");
        let expression = format!("((unsigned long long)({name}) & {mask})");
        self.assert(name, "value", &expression, value);
        self.constants += 1;
        Some(())
    }

    /// The C file.
    pub fn text(&self) -> String {
        let mut text = PROLOGUE.to_owned();
        for (_, line) in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// What the lines that clang complains of are about. Of a name that is not there, only the first complaint.
    pub fn failed(&self, messages: &str) -> Vec<String> {
        let mut subjects = BTreeSet::new();
        let mut found = Vec::new();
        for message in messages.lines() {
            let Some((item, error)) = self.subject(message) else {
                continue;
            };
            if error.starts_with("static assertion failed")
                || error.starts_with("static_assert failed")
            {
                found.push(item.to_owned());
            } else {
                let subject = item.split(':').next().unwrap_or(item);
                if subjects.insert(subject) {
                    found.push(format!("{subject}: {error}"));
                }
            }
        }
        found
    }

    /// The item and the text of one message of clang's.
    fn subject<'a>(&'a self, message: &'a str) -> Option<(&'a str, &'a str)> {
        let before = PROLOGUE.lines().count() + 1;
        let (place, error) = message.split_once("abi.c:")?.1.split_once(": error: ")?;
        let line: usize = place.split(':').next()?.parse().ok()?;
        let (item, _) = self.lines.get(line.checked_sub(before)?)?;
        Some((item, error))
    }
}
