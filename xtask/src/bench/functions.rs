// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the instructions are executed: the driver's functions, by the linker's map.

use crate::gate::map::Symbols;
use serde::Serialize;
use std::collections::BTreeMap;

/// One function in one phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Instructions executed in it.
    pub instructions: u64,
    /// How often its first instruction was executed.
    pub calls: u64,
}

/// Those of a phase, the most expensive first. `places` are offsets from the image's base.
pub fn functions(places: &[(u32, u32)], symbols: &Symbols) -> Vec<Function> {
    let mut found: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for (place, count) in places {
        let begin = symbols.range(..=place).next_back().map_or(0, |(at, _)| *at);
        let entry = found.entry(begin).or_default();
        entry.0 += u64::from(*count);
        if begin == *place {
            entry.1 = u64::from(*count);
        }
    }
    let mut functions: Vec<_> = found
        .into_iter()
        .map(|(at, (instructions, calls))| Function {
            name: symbols
                .get(&at)
                .and_then(|names| names.first())
                .map_or_else(|| format!("{at:#x}"), Clone::clone),
            instructions,
            calls,
        })
        .collect();
    functions.sort_by_key(|function| std::cmp::Reverse(function.instructions));
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_belong_to_the_function_below() {
        let symbols = Symbols::from([
            (0x1000, vec!["a".to_owned()]),
            (0x1010, vec!["b".to_owned(), "c".to_owned()]),
        ]);
        let got = functions(&[(0x1000, 2), (0x1003, 2), (0x1012, 9)], &symbols);
        let want = |name: &str, instructions, calls| Function {
            name: name.to_owned(),
            instructions,
            calls,
        };
        assert_eq!(got, [want("b", 9, 0), want("a", 4, 2)]);
    }
}
