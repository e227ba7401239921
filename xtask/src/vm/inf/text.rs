// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text layer of an INF: encodings, lines, continuation, comments, quotes.
//!
//! Source of the rules: the public page "General Syntax Rules for INF Files".

/// Decodes the bytes of an INF: UTF-16 of either byte order and UTF-8 by their byte order marks,
/// UTF-16LE without one by its zero bytes, else UTF-8, else one byte a character.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => Ok(utf8_or_bytes(rest)),
        // ASCII text in UTF-16LE has a zero after the first character, which no other text has.
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        _ => {
            if bytes.contains(&0) {
                return Err("it is not a text file".to_owned());
            }
            Ok(utf8_or_bytes(bytes))
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    if !bytes.len().is_multiple_of(2) {
        return Err("UTF-16 text with an odd number of bytes".to_owned());
    }
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .collect::<Result<String, _>>()
        .map_err(|error| format!("bad UTF-16 text: {error}"))
}

/// Text of an unknown code page is still readable where it matters: ids and names are ASCII.
fn utf8_or_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// A logical line: comments gone, continued lines joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `[name]`.
    Section(String),
    /// `key = a, b` or `a, b`.
    Entry {
        /// Text before the first `=` outside quotes.
        key: Option<String>,
        /// The comma-separated fields, unquoted, `%strings%` not yet replaced.
        values: Vec<String>,
    },
}

/// Splits the text into logical lines, each with the number of its first physical line.
pub fn lines(text: &str) -> Result<Vec<(usize, Line)>, String> {
    let mut found = Vec::new();
    let mut physical = text.lines().enumerate();
    while let Some((index, line)) = physical.next() {
        let number = index + 1;
        if let Some(name) = section_name(line) {
            let name = name.ok_or_else(|| format!("line {number}: section name without ']'"))?;
            found.push((number, Line::Section(name)));
            continue;
        }
        let mut fields = Fields::default();
        let mut current = line;
        while fields.scan(current) {
            match physical.next() {
                Some((_, next)) => current = next,
                None => break,
            }
        }
        if let Some(entry) = fields.finish() {
            found.push((number, entry));
        }
    }
    Ok(found)
}

/// `Some(None)` is an opening bracket that is never closed.
fn section_name(line: &str) -> Option<Option<String>> {
    let rest = line.trim_start().strip_prefix('[')?;
    Some(rest.split_once(']').map(|(name, _)| name.trim().to_owned()))
}

/// Collects the fields of one logical line.
#[derive(Default)]
struct Fields {
    key: Option<String>,
    values: Vec<String>,
    /// The field being read.
    field: String,
    /// Bytes of `field` that came from inside quotes and so keep their blanks.
    kept: usize,
    /// Anything but blanks seen: an empty line has no field at all.
    any: bool,
}

impl Fields {
    /// Reads one physical line; `true` when it ends in a continuation.
    fn scan(&mut self, line: &str) -> bool {
        let mut chars = line.char_indices().peekable();
        // Where the `%token%` at hand ends: a semicolon inside one starts no comment.
        let mut token_end = 0;
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.any = true;
                    loop {
                        match chars.next() {
                            Some((_, '"')) if matches!(chars.peek(), Some((_, '"'))) => {
                                chars.next();
                                self.field.push('"');
                            }
                            Some((_, '"')) => break,
                            Some((_, inside)) => self.field.push(inside),
                            // Shipping files leave a last quote open; the line's end closes it.
                            None => break,
                        }
                    }
                    self.kept = self.field.len();
                }
                ';' if at >= token_end => return false,
                '\\' if continues(&line[at + 1..]) => return true,
                '=' if self.key.is_none() && self.values.is_empty() => {
                    let key = self.take();
                    self.key = Some(key);
                }
                ',' => {
                    self.any = true;
                    let value = self.take();
                    self.values.push(value);
                }
                other => {
                    if other == '%' && at >= token_end {
                        token_end = at + token_length(&line[at + 1..]);
                    }
                    if !other.is_whitespace() {
                        self.any = true;
                        self.field.push(other);
                    } else if !self.field.is_empty() {
                        self.field.push(other);
                    }
                }
            }
        }
        false
    }

    /// The field, blanks after its last visible or quoted character dropped.
    fn take(&mut self) -> String {
        let (kept, rest) = self.field.split_at(self.kept);
        let value = format!("{kept}{}", rest.trim_end());
        self.field.clear();
        self.kept = 0;
        value
    }

    fn finish(mut self) -> Option<Line> {
        if !self.any && self.key.is_none() {
            return None;
        }
        let last = self.take();
        // "key =" has no value at all; a trailing comma may be left out, so it adds none either.
        if !last.is_empty() || (self.key.is_none() && self.values.is_empty()) {
            self.values.push(last);
        }
        Some(Line::Entry {
            key: self.key,
            values: self.values,
        })
    }
}

/// Bytes from a percent sign, behind which `rest` stands, to the end of its token; 1 when it starts
/// none: a token is one word.
fn token_length(rest: &str) -> usize {
    match rest.split_once('%') {
        Some((name, _)) if !name.contains(char::is_whitespace) => name.len() + 2,
        _ => 1,
    }
}

/// Whether a backslash followed by `rest` continues the line.
fn continues(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with(';')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (Option<String>, Vec<String>) {
        let mut all = lines(text).unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        match all.remove(0).1 {
            Line::Entry { key, values } => (key, values),
            other => panic!("{other:?}"),
        }
    }

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    #[test]
    fn comments_quotes_and_empty_fields() {
        let (key, values) = one("a = b , \"c ; d\" ,, e ; comment, f\r\n");
        assert_eq!(key.as_deref(), Some("a"));
        assert_eq!(values, strings(&["b", "c ; d", "", "e"]));
        assert_eq!(one("HKR,,X,,\"say \"\"hi\"\"\"").1[4], "say \"hi\"");
        assert_eq!(one("HKR, \"A B\\\", X").1, strings(&["HKR", "A B\\", "X"]));
        assert_eq!(one("HKR,, \" x \" ").1[2], " x ");
        assert_eq!(one("\"a=b\"").0, None);
        assert_eq!(one("%a;b% = c").0.as_deref(), Some("%a;b%"));
        assert_eq!(one("DriverVer = ; later").1, strings(&[]));
        assert_eq!(one("HKR,,X,,%On%\"\n").1[4], "%On%");
        assert_eq!(one("a = 50% ; of 100% b").1, strings(&["50%"]));
        assert!(lines("; nothing\n\n   \n").unwrap().is_empty());
    }

    #[test]
    fn continuation_joins_lines_with_and_without_a_comment() {
        let (key, values) = one("CopyFiles = \"Dir\\\"\\ ; comment\n ,File\n");
        assert_eq!(key.as_deref(), Some("CopyFiles"));
        assert_eq!(values, strings(&["Dir\\", "File"]));
        let (_, values) = one("AddReg = a, \\\n b, \\\r\n c\n");
        assert_eq!(values, strings(&["a", "b", "c"]));
        assert_eq!(one("ServiceBinary = %12%\\x.sys").1[0], "%12%\\x.sys");
    }

    #[test]
    fn errors_name_the_line() {
        assert!(lines("a\n[Version\n").unwrap_err().contains("line 2"));
    }

    #[test]
    fn encodings() {
        let text = "[A]\r\nb=\u{e4}\r\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&le).unwrap(), text);
        assert_eq!(decode(&[&[0xFF, 0xFE], &le[..]].concat()).unwrap(), text);
        assert_eq!(decode(&[&[0xFE, 0xFF], &be[..]].concat()).unwrap(), text);
        assert_eq!(decode(text.as_bytes()).unwrap(), text);
        assert_eq!(
            decode(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()).unwrap(),
            text
        );
        assert_eq!(decode(b"b=\xE4").unwrap(), "b=\u{e4}");
        assert!(decode(b"\0\x01MZ").is_err());
        assert!(decode(&[0xFF, 0xFE, 0x41]).is_err());
    }
}
