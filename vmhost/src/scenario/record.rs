// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt record that a driver may keep: read from a private OID, a convention as the debug line `interrupt-map` is
//! one. docs/vmhost.md has the layout. PASSIVE.

use super::report;
use crate::{
    machine::lock::IrqSpin,
    ndis::{adapter::Adapter, oid},
};
use ::ndis::ffi::NDIS_STATUS_SUCCESS;
use alloc::vec::Vec;
use vmhost_proto::VectorRecord;

/// The OID.
const OID: u32 = 0xFF82_5740;
/// Version of the layout.
const VERSION: u32 = 1;
/// Bytes before the entries, and of an entry.
const HEAD: usize = 32;
const ENTRY: usize = 88;
/// Largest record.
const MOST: usize = HEAD + 16 * ENTRY;
/// A self-test that never arrived.
const NEVER: u32 = u32::MAX;

/// A driver's record begins anew with each of its lives.
struct Lives {
    /// The registration of the life that was read last.
    registration: u64,
    /// Its record.
    last: Vec<VectorRecord>,
    /// Those before it, added up.
    before: Vec<VectorRecord>,
}

static LIVES: IrqSpin<Lives> = IrqSpin::new(Lives {
    registration: 0,
    last: Vec::new(),
    before: Vec::new(),
});

/// Asks a driver that lists the OID, and keeps the answer for the report, added up over the lives of the adapter.
pub fn read(adapter: &Adapter) {
    let listed = |general: &crate::ndis::attributes::General| general.oids.contains(&OID);
    if !adapter.general.lock().as_ref().is_some_and(listed) {
        return;
    }
    let answer = oid::query(adapter, OID, MOST);
    let written = answer.done.unwrap_or(0) as usize;
    if answer.status == NDIS_STATUS_SUCCESS
        && let Some(record) = answer.data.get(..written).and_then(parse)
    {
        let registration = adapter.interrupts.lock().first().map_or(0, |i| i.handle);
        let mut lives = LIVES.lock();
        let last = core::mem::take(&mut lives.last);
        if lives.registration != registration {
            lives.registration = registration;
            lives.before = sum(core::mem::take(&mut lives.before), last);
        }
        let all = sum(lives.before.clone(), record.clone());
        lives.last = record;
        drop(lives);
        report::update(|report| report.interrupt.record = all);
    }
}

/// One life after the others. Of the self-test the later time counts, or none where it did not arrive.
fn sum(mut all: Vec<VectorRecord>, life: Vec<VectorRecord>) -> Vec<VectorRecord> {
    for later in life {
        let Some(vector) = all.iter_mut().find(|v| v.message == later.message) else {
            all.push(later);
            continue;
        };
        vector.self_test_us = later.self_test_us;
        vector.fired += later.fired;
        vector.claimed += later.claimed;
        vector.not_mine += later.not_mine;
        vector.passes += later.passes;
        vector.empty += later.empty;
        vector.rearmed += later.rearmed;
        vector.throttled += later.throttled;
        vector.frames += later.frames;
        vector.isr_ns_max = vector.isr_ns_max.max(later.isr_ns_max);
        vector.dpc_ns_max = vector.dpc_ns_max.max(later.dpc_ns_max);
    }
    all.sort_by_key(|vector| vector.message);
    all
}

fn parse(bytes: &[u8]) -> Option<Vec<VectorRecord>> {
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    if u32_at(0)? != VERSION || u32_at(4)? as usize != bytes.len() {
        return None;
    }
    let hertz = u64_at(24)?;
    let ns = |cycles: u64| {
        let ns = u128::from(cycles) * 1_000_000_000 / u128::from(hertz.max(1));
        u64::try_from(ns).unwrap_or(u64::MAX)
    };
    let mut out = Vec::new();
    for (message, at) in (HEAD..bytes.len()).step_by(ENTRY).enumerate() {
        if u32_at(at)? == 0 {
            // Not used.
            continue;
        }
        let tested = u32_at(at + 4)?;
        let number = |index: usize| u64_at(at + 8 + 8 * index);
        out.push(VectorRecord {
            message: message as u32,
            self_test_us: (tested != NEVER).then_some(tested),
            fired: number(0)?,
            claimed: number(1)?,
            not_mine: number(2)?,
            passes: number(3)?,
            empty: number(4)?,
            rearmed: number(5)?,
            throttled: number(6)?,
            frames: number(7)?,
            isr_ns_max: ns(number(8)?),
            dpc_ns_max: ns(number(9)?),
        });
    }
    Some(out)
}
