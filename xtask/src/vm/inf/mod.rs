// SPDX-License-Identifier: MIT OR Apache-2.0
//! INF files: what Windows would read from one when it installs a driver for a device.
//!
//! [`Inf`] knows sections, entries and strings; [`target`] chooses among decorated sections;
//! [`registry`] executes AddReg; [`install`] follows Manufacturer → Models → install section →
//! service and yields the registry that the checked host shows to the driver.

pub mod install;
pub mod registry;
pub mod target;
mod text;

use std::collections::HashMap;
use text::Line;

/// One entry of a section, strings replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line in the file.
    pub line: usize,
    /// What stands before `=`.
    pub key: Option<String>,
    /// The comma-separated fields.
    pub values: Vec<String>,
}

impl Entry {
    /// Field `index`, empty when there is none.
    pub fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }

    /// Whether the entry is `name = …`.
    pub fn is(&self, name: &str) -> bool {
        self.key
            .as_deref()
            .is_some_and(|key| key.eq_ignore_ascii_case(name))
    }
}

/// A parsed INF.
#[derive(Clone, Debug, Default)]
pub struct Inf {
    /// Sections by lower-case name; sections of one name are merged.
    sections: HashMap<String, Vec<Entry>>,
}

impl Inf {
    /// Parses the bytes of an `.inf`, or of an `.inx` for 64-bit x86.
    ///
    /// # Errors
    /// Says which line is wrong, or that the bytes are no text or hold no `[Version]`.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        // An .inx differs from an .inf in stampinf's tokens only.
        let text = text::decode(bytes)?
            .replace("$ARCH$", "amd64")
            .replace("$arch$", "amd64");
        let mut inf = Inf::default();
        let mut section = None;
        for (line, content) in text::lines(&text)? {
            match content {
                Line::Section(name) => {
                    let name = name.to_ascii_lowercase();
                    inf.sections.entry(name.clone()).or_default();
                    section = Some(name);
                }
                Line::Entry { key, values } => {
                    let Some(name) = &section else {
                        return Err(format!("line {line}: text before the first [section]"));
                    };
                    let entry = Entry { line, key, values };
                    inf.sections.entry(name.clone()).or_default().push(entry);
                }
            }
        }
        if !inf.has("Version") {
            return Err("it has no [Version] section".to_owned());
        }
        inf.replace_strings();
        Ok(inf)
    }

    /// Whether a section of this name exists.
    pub fn has(&self, section: &str) -> bool {
        self.sections.contains_key(&section.to_ascii_lowercase())
    }

    /// The entries of a section; none when it does not exist.
    pub fn section(&self, name: &str) -> &[Entry] {
        self.sections
            .get(&name.to_ascii_lowercase())
            .map_or(&[], Vec::as_slice)
    }

    /// First field of the first `key = …` in a section.
    pub fn first(&self, section: &str, key: &str) -> Option<&str> {
        let entry = self.section(section).iter().find(|entry| entry.is(key))?;
        Some(entry.value(0))
    }

    /// All fields of all `key = …` in a section, such as the section names of `AddReg`.
    pub fn all<'a>(&'a self, section: &str, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.section(section)
            .iter()
            .filter(move |entry| entry.is(key))
            .flat_map(|entry| entry.values.iter().map(String::as_str))
            .filter(|value| !value.is_empty())
    }

    /// Replaces `%key%` everywhere. English first, then the language-neutral strings; unknown
    /// keys stay, for `%12%` and `%SystemRoot%` mean something to those who read them later.
    fn replace_strings(&mut self) {
        let mut strings = HashMap::new();
        for section in ["strings.0409", "strings"] {
            for entry in self.section(section) {
                if let Some(key) = &entry.key {
                    strings
                        .entry(key.to_ascii_lowercase())
                        .or_insert_with(|| entry.values.join(","));
                }
            }
        }
        for (name, entries) in &mut self.sections {
            if name == "strings" || name.starts_with("strings.") {
                continue;
            }
            for entry in entries {
                if let Some(key) = &mut entry.key {
                    *key = replaced(key, &strings);
                }
                for value in &mut entry.values {
                    *value = replaced(value, &strings);
                }
            }
        }
    }
}

fn replaced(text: &str, strings: &HashMap<String, String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        result.push_str(before);
        let Some((name, behind)) = after.split_once('%') else {
            result.push('%');
            rest = after;
            continue;
        };
        if name.is_empty() {
            result.push('%');
        } else if let Some(value) = strings.get(&name.to_ascii_lowercase()) {
            result.push_str(value);
        } else {
            result.push('%');
            result.push_str(name);
            result.push('%');
        }
        rest = behind;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_merge_and_names_ignore_case() {
        let inf = Inf::parse(b"[Version]\r\nA=1\r\n[x]\r\nB=2\r\n[VERSION]\r\nc=3\r\n").unwrap();
        assert_eq!(inf.section("version").len(), 2);
        assert_eq!(inf.first("Version", "C"), Some("3"));
        assert!(inf.has("X") && !inf.has("y"));
    }

    #[test]
    fn strings_are_replaced_once_and_english_wins() {
        let inf = Inf::parse(
            b"[Version]\nP=%Who%\nQ=\"%%SystemRoot%%\\a\"\nR=%12%\\x.sys\nS=%none%\n%Who%=1\n\
              [Strings]\nWho=\"neutral\"\nWhat=\"%Who%\"\n[Strings.0409]\nwho=\"A, B\"\n",
        )
        .unwrap();
        assert_eq!(inf.first("Version", "P"), Some("A, B"));
        assert_eq!(inf.first("Version", "Q"), Some("%SystemRoot%\\a"));
        assert_eq!(inf.first("Version", "R"), Some("%12%\\x.sys"));
        assert_eq!(inf.first("Version", "S"), Some("%none%"));
        assert_eq!(inf.first("Version", "A, B"), Some("1"));
    }

    #[test]
    fn what_is_no_inf_says_so() {
        assert!(Inf::parse(b"hello").unwrap_err().contains("line 1"));
        assert!(Inf::parse(b"").unwrap_err().contains("[Version]"));
        assert!(Inf::parse(b"MZ\0\0\x01").is_err());
    }
}
