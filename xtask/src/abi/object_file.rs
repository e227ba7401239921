// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads from the object file which bits each bit-field takes.

use object::{Object, ObjectSection, ObjectSymbol};

use super::source::{Probe, Source};

/// Bit-fields that are not where the table says, one line each.
///
/// # Errors
/// An object file that cannot be read.
pub fn differences(bytes: &[u8], source: &Source) -> Result<Vec<String>, String> {
    let file = object::File::parse(bytes).map_err(|error| format!("abi.obj: {error}"))?;
    let mut lines = Vec::new();
    for probe in &source.probes {
        let value = value(&file, probe)
            .ok_or_else(|| format!("abi.obj: no variable for {}", probe.item))?;
        lines.extend(difference(probe, value));
    }
    Ok(lines)
}

fn value<'a>(file: &object::File<'a>, probe: &Probe) -> Option<&'a [u8]> {
    let symbol = file
        .symbols()
        .find(|symbol| symbol.name() == Ok(probe.symbol.as_str()))?;
    let section = file.section_by_index(symbol.section_index()?).ok()?;
    let data = section.data().ok()?;
    let start = usize::try_from(symbol.address() - section.address()).ok()?;
    data.get(start..start + probe.size)
}

fn difference(probe: &Probe, bytes: &[u8]) -> Option<String> {
    let set: Vec<usize> = (0..bytes.len() * 8)
        .filter(|bit| bytes[bit / 8] & (1 << (bit % 8)) != 0)
        .collect();
    let wanted: Vec<usize> = (probe.first..probe.first + probe.count).collect();
    (set != wanted).then(|| {
        let first = set.first().copied().unwrap_or_default();
        format!(
            "{}: {} bits from bit {first}, the table says {} from {}",
            probe.item,
            set.len(),
            probe.count,
            probe.first
        )
    })
}
