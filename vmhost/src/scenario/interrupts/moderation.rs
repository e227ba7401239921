// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupt moderation: what `*InterruptModeration` and `ITR` say, what OID_GEN_INTERRUPT_MODERATION answers before and
//! after a set, and what the 82574's registers hold agree (IM-01). PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{
    guest,
    machine::{
        pages::PAGE,
        pci,
        vspace::{self, Prot},
    },
    ndis::{interrupt::grant::Kind, oid},
    registry::{self, DRIVER_KEY},
    verify,
};
use ::ndis::ffi::*;
use alloc::{
    format,
    string::{String, ToString},
};
use vmhost_proto::RegistryValue;

const SWITCH: &str = "*InterruptModeration";
const RATE: &str = "ITR";
/// What users of Intel's driver choose from: off, five intervals in units of 256 ns, adaptive.
const RATES: [u32; 7] = [0, 200, 400, 950, 2000, 3600, ADAPTIVE];
const ADAPTIVE: u32 = 65_535;
/// Vendor and device whose registers are known.
const KNOWN: (u16, u16) = (0x8086, 0x10D3);
/// Throttling registers: for the line and a single message, and of message 0 of MSI-X.
const ITR: usize = 0xC4;
const EITR: usize = 0xE8;
/// Bytes of the header, flags and value of the answer.
const LENGTH: usize = NDIS_SIZEOF_INTERRUPT_MODERATION_PARAMETERS_REVISION_1 as usize;
const VALUE: usize =
    core::mem::offset_of!(NDIS_INTERRUPT_MODERATION_PARAMETERS, InterruptModeration);

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    if query(bench).is_none() {
        return Ok(Outcome::Skipped("the driver does not answer the OID"));
    }
    let (switch, rate) = (value(SWITCH), value(RATE));
    let chosen = bench.dice.pick(&RATES);
    bench.halted()?;
    registry::set(DRIVER_KEY, SWITCH, RegistryValue::Sz(String::from("1")));
    registry::set(DRIVER_KEY, RATE, RegistryValue::Sz(chosen.to_string()));
    let result = one_life(bench, chosen);
    for (name, before) in [(SWITCH, switch), (RATE, rate)] {
        match before {
            Some(before) => registry::set(DRIVER_KEY, name, before),
            None => {
                registry::delete(DRIVER_KEY, name);
            }
        }
    }
    let seen = result?;
    bench.halted()?;
    bench.running()?;
    Ok(Outcome::Ran(format!(
        "ITR={chosen}: keyword and OID agree, off, on and as it was; {seen}"
    )))
}

fn value(name: &str) -> Option<RegistryValue> {
    registry::value(DRIVER_KEY, name)
}

fn one_life(bench: &mut Bench<'_>, rate: u32) -> Result<String, String> {
    bench.running()?;
    let on = rate != 0;
    agrees(bench, on, "after the start")?;
    let wanted = (1..ADAPTIVE).contains(&rate).then_some(rate);
    let seen = register(bench, on, wanted, "after the start")?;
    bench.check_event("IM-01", "the start")?;
    for (on, when) in [
        (false, "switched off"),
        (true, "switched on"),
        (on, "as it was"),
    ] {
        set(bench, on)?;
        agrees(bench, on, when)?;
        let wanted = wanted.filter(|_| on);
        register(bench, on, wanted, when)?;
        bench.check_event("IM-01", when)?;
    }
    Ok(seen)
}

/// Whether moderation is on, says the driver.
fn query(bench: &Bench<'_>) -> Option<bool> {
    let answer = oid::query(bench.adapter(), OID_GEN_INTERRUPT_MODERATION, LENGTH);
    let word = answer.data.get(VALUE..VALUE + 4)?;
    let word = i32::from_le_bytes(word.try_into().ok()?);
    let known = word == NdisInterruptModerationEnabled || word == NdisInterruptModerationDisabled;
    (answer.status == NDIS_STATUS_SUCCESS && known)
        .then_some(word == NdisInterruptModerationEnabled)
}

fn agrees(bench: &Bench<'_>, on: bool, when: &str) -> Result<(), String> {
    let answer = query(bench);
    if verify::check("IM-01", answer == Some(on), || {
        format!("moderation is {on} {when}; OID_GEN_INTERRUPT_MODERATION says {answer:?}")
    }) {
        Ok(())
    } else {
        Err(String::from("keyword and OID do not agree"))
    }
}

/// What the device holds: an interval if and only if moderation is on, and `wanted` where the keyword names one.
fn register(
    bench: &Bench<'_>,
    on: bool,
    wanted: Option<u32>,
    when: &str,
) -> Result<String, String> {
    let Some(interval) = interval(bench)? else {
        return Ok(String::from("registers not known"));
    };
    let good = (interval != 0) == on && wanted.is_none_or(|wanted| wanted == interval);
    if verify::check("IM-01", good, || {
        format!(
            "moderation is {on} {when}, the device's interval {interval}, the keyword's {wanted:?}"
        )
    }) {
        Ok(format!("interval {interval} at the start"))
    } else {
        Err(String::from("the device does not do what was asked for"))
    }
}

fn set(bench: &Bench<'_>, on: bool) -> Result<(), String> {
    let mut bytes = [0; LENGTH];
    let [kind, revision, size @ .., _, _, _, _] = &mut bytes[..8] else {
        return Err(String::from("no room for a header"));
    };
    *kind = NDIS_OBJECT_TYPE_DEFAULT;
    *revision = NDIS_INTERRUPT_MODERATION_PARAMETERS_REVISION_1;
    size.copy_from_slice(&NDIS_SIZEOF_INTERRUPT_MODERATION_PARAMETERS_REVISION_1.to_le_bytes());
    let word = if on {
        NdisInterruptModerationEnabled
    } else {
        NdisInterruptModerationDisabled
    };
    bytes[VALUE..VALUE + 4].copy_from_slice(&word.to_le_bytes());
    match oid::set(bench.adapter(), OID_GEN_INTERRUPT_MODERATION, &bytes).status {
        NDIS_STATUS_SUCCESS => Ok(()),
        status => Err(format!(
            "OID_GEN_INTERRUPT_MODERATION was refused with {status:#010x}"
        )),
    }
}

/// The interval of the first message, or of the line, in units of 256 ns, where the device is known.
fn interval(bench: &Bench<'_>) -> Result<Option<u32>, String> {
    let install = &bench.config.install;
    let bars = pci::bars(&bench.adapter().device);
    let Some(bar) = bars
        .first()
        .filter(|_| (install.vendor, install.device) == KNOWN)
    else {
        return Ok(None);
    };
    let register = match bench.interrupt()?.grant.kind {
        Kind::Msix => EITR,
        Kind::Msi | Kind::Line => ITR,
    };
    let va = vspace::map_phys(bar.pa, 1, Prot::RO);
    const { assert!(EITR + 4 < PAGE && ITR + 4 < PAGE) };
    let value: u32 = guest::read(va + register);
    vspace::unmap(va);
    Ok(Some(value & 0xFFFF))
}
