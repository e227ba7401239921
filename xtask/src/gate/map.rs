// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a linker map, as `lld-link /MAP` and `link /MAP` write it: names of functions and data that
//! the image itself does not have.

use std::collections::BTreeMap;

/// Names by address relative to the image base. Several names may share one address: the linker
/// folds functions with the same code.
pub type Symbols = BTreeMap<u32, Vec<String>>;

/// The symbols of a map; nothing if the text is no map.
pub fn parse(text: &str) -> Option<Symbols> {
    let base = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Preferred load address is "))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())?;
    let mut symbols = Symbols::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some((section, offset)) = words.next().and_then(|word| word.split_once(':')) else {
            continue;
        };
        if section.len() != 4 || offset.len() != 8 || section == "0000" {
            continue;
        }
        let Some(name) = words.next() else { continue };
        let address = words
            .find(|word| word.len() == 16)
            .and_then(|word| u64::from_str_radix(word, 16).ok())
            .and_then(|address| u32::try_from(address.checked_sub(base)?).ok());
        if let Some(rva) = address {
            symbols
                .entry(rva)
                .or_default()
                .push(format!("{:#}", rustc_demangle::demangle(name)));
        }
    }
    (!symbols.is_empty()).then_some(symbols)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publics_and_static_symbols_are_read() {
        let text = "\
 ndis_e1000e

 Preferred load address is 0000000180000000

 Start         Length     Name                   Class
 0001:00000000 0000166cH .text                   CODE

  Address         Publics by Value              Rva+Base               Lib:Object

 0000:00000000       __guard_flags              0000000000000000     <absolute>
 0001:00000000       DriverEntry                0000000180001000     a.o
 0001:000000b0       _RNvCs1_5hello4main        00000001800010b0 f   b.o

 Static symbols

 0002:0000000b       anon.1                     000000018000300b     c.o
";
        let symbols = parse(text).expect("a map");
        assert_eq!(
            symbols.keys().copied().collect::<Vec<_>>(),
            [0x1000, 0x10B0, 0x300B]
        );
        assert_eq!(symbols[&0x1000], ["DriverEntry"]);
        assert_eq!(symbols[&0x10B0], ["hello::main"]);
    }

    #[test]
    fn another_text_is_no_map() {
        assert_eq!(parse("Preferred load address is 0000000180000000"), None);
        assert_eq!(parse("hello"), None);
    }
}
