// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rust source as tokens, as far as the checks of [`sources`](super) need them: what is code, what is text and what is
//! comment, wherever the lines end.

/// One token of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// Line, from 1.
    pub line: usize,
    /// A word, one other character, or a literal with its quotes.
    pub text: &'a str,
}

impl Token<'_> {
    /// True for a string, of any kind.
    pub fn is_string(&self) -> bool {
        self.text.ends_with(['"', '#']) && self.text.contains('"')
    }
}

/// A source file, taken apart.
#[derive(Debug, Default)]
pub struct Tokens<'a> {
    /// The code.
    pub code: Vec<Token<'a>>,
    /// The lines that a comment with `SAFETY:` begins in.
    pub safety: Vec<usize>,
}

/// The length of the string that `text` begins with: plain, raw, of bytes or of C.
fn string(text: &str) -> Option<usize> {
    let prefix = text.find(|c| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(0);
    let rest = &text[prefix..];
    if prefix > 2 {
        return None;
    }
    if text[..prefix].ends_with('r') {
        let hashes = rest.find(|c| c != '#').unwrap_or(0);
        let end = format!("\"{}", &rest[..hashes]);
        let inside = rest[hashes..].strip_prefix('"')?;
        let length = inside.find(&end)?;
        return Some(prefix + hashes + 1 + length + end.len());
    }
    let inside = rest.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix + 1 + at + 1),
            _ => {}
        }
    }
    None
}

/// The length of the character that `text` begins with; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let length = if first == '\\' {
        let skipped = 1 + inside[1..].chars().next()?.len_utf8();
        skipped + inside[skipped..].find('\'')?
    } else {
        first.len_utf8()
    };
    inside[length..].starts_with('\'').then_some(1 + length + 1)
}

/// The length of the comment that `text` begins with. Comments in `/* */` nest.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// Takes a source file apart.
pub fn tokens(text: &str) -> Tokens<'_> {
    let mut found = Tokens::default();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let (length, is_code) = if let Some(length) = comment(rest) {
            if rest[..length].contains("SAFETY:") {
                found.safety.push(line);
            }
            (length, false)
        } else if let Some(length) = string(rest).or_else(|| character(rest)) {
            (length, true)
        } else if word(first) {
            (rest.find(|c| !word(c)).unwrap_or(rest.len()), true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        let piece = &rest[..length];
        if is_code {
            found.code.push(Token { line, text: piece });
        }
        line += piece.matches('\n').count();
        at += length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).code.iter().map(|token| token.text).collect()
    }

    #[test]
    fn code_is_told_from_text_and_comments() {
        assert_eq!(texts("a/*b/*c*/d*/e // f\ng"), ["a", "e", "g"]);
        assert_eq!(
            texts(r##"x("a\"b // c", r#"d"e"#, b"f", c"g", br"h\")"##),
            [
                "x",
                "(",
                r#""a\"b // c""#,
                ",",
                r##"r#"d"e"#"##,
                ",",
                "b\"f\"",
                ",",
                "c\"g\"",
                ",",
                r#"br"h\""#,
                ")"
            ]
        );
        assert_eq!(
            texts(r"'a' '\'' '\u{7f}' 'x: &'y"),
            ["'a'", r"'\''", r"'\u{7f}'", "'", "x", ":", "&", "'", "y"]
        );
        assert_eq!(texts("r#type broken\""), ["r", "#", "type", "broken", "\""]);
        assert_eq!(texts("/* open"), [""; 0]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let found = tokens("/* 1\n2 */ a \"3\n4\" b\n// SAFETY: x\nc");
        let lines: Vec<_> = found.code.iter().map(|token| token.line).collect();
        assert_eq!(lines, [2, 2, 3, 5]);
        assert_eq!(found.safety, [4]);
    }
}
