// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt record as bytes: what the private OID answers. Pure; any IRQL.
//!
//! Little-endian, without padding:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | version of this layout: 1 |
//! | 4 | 4 | size of the whole, 472 |
//! | 8 | 4 | 1 line, 2 MSI, 3 MSI-X |
//! | 12 | 4 | why this rung of the ladder: [`Reason`](super::map::Reason) |
//! | 16 | 4 | messages that NDIS granted; 0 on the line |
//! | 20 | 4 | one bit per message that a self-test raised in vain and the map leaves out |
//! | 24 | 8 | time-stamp cycles per second |
//! | 32 | 5 × 88 | one entry per message |
//!
//! An entry: roles (4; [`Roles`](super::map::Roles)), microseconds of the last self-test (4; all ones: never arrived),
//! then eight bytes each: fired, claimed, not ours, DPC passes, empty passes, re-arming writes, throttled passes,
//! frames, longest ISR, longest DPC, the last two in cycles.

use super::VECTORS;
use super::map::{Kind, VectorMap};
use super::record::Entry;

/// Version of the layout.
pub const VERSION: u32 = 1;
/// Bytes of an entry.
const ENTRY: usize = 2 * 4 + 10 * 8;
/// Bytes of the record.
pub const BYTES: usize = 32 + VECTORS * ENTRY;

/// The record's bytes. `messages`: what NDIS granted.
pub fn encode(
    map: &VectorMap,
    messages: u32,
    hertz: u64,
    entries: &[Entry; VECTORS],
) -> [u8; BYTES] {
    let mut out = [0; BYTES];
    let mut slots = out.iter_mut();
    let mut put = |bytes: &[u8]| {
        for (byte, slot) in bytes.iter().zip(slots.by_ref()) {
            *slot = *byte;
        }
    };
    let kind: u32 = match map.kind() {
        Kind::Line => 1,
        Kind::Msi => 2,
        Kind::MsiX => 3,
    };
    for word in [
        VERSION,
        BYTES as u32,
        kind,
        map.reason() as u32,
        messages,
        u32::from(map.dead().bits()),
    ] {
        put(&word.to_le_bytes());
    }
    put(&hertz.to_le_bytes());
    for e in entries {
        put(&u32::from(e.roles.bits()).to_le_bytes());
        put(&e.self_test_us.to_le_bytes());
        for number in [
            e.fired,
            e.claimed,
            e.not_mine,
            e.passes,
            e.empty,
            e.rearmed,
            e.throttled,
            e.frames,
            e.longest_isr,
            e.longest_dpc,
        ] {
            put(&number.to_le_bytes());
        }
    }
    out
}

/// `amount / per × unit` in 64 bits: both are halved until the product fits. 0 when `per` is 0. PASSIVE_LEVEL by use.
pub const fn rate(amount: u64, per: u64, unit: u64) -> u64 {
    let (mut amount, mut per) = (amount, per);
    // The remainder is below `per`, and is multiplied with `unit`.
    while per > u32::MAX as u64 {
        amount >>= 1;
        per >>= 1;
    }
    if per == 0 {
        return 0;
    }
    let whole = (amount / per).saturating_mul(unit);
    whole.saturating_add((amount % per).saturating_mul(unit) / per)
}
