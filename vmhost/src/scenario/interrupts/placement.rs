// SPDX-License-Identifier: MIT OR Apache-2.0
//! RSS names a processor, and the DPC or poll of the queue runs there, wherever the message goes. PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{
    field,
    guest::{Block, Ptr},
    machine::{cpu, thread},
    ndis::oid,
};
use ::ndis::ffi::*;
use alloc::{format, string::String};
use core::sync::atomic::Ordering;

/// Entries of the table.
const ENTRIES: usize = 4;
/// Bytes of the key.
const KEY: usize = 40;
/// Toeplitz over IPv4 and TCP.
const HASH: u32 = 1 | NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4;
/// Events on each processor.
const EVENTS: usize = 4;

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let interrupt = bench.interrupt()?;
    if !interrupt.is_message() {
        return Ok(Outcome::Skipped("the line's DPC runs where it arrives"));
    }
    if set(bench, Some(0)) != NDIS_STATUS_SUCCESS {
        return Ok(Outcome::Skipped("the driver takes no RSS parameters"));
    }
    for target in 0..cpu::count() {
        if set(bench, Some(target)) != NDIS_STATUS_SUCCESS {
            return Err(format!(
                "RSS parameters for processor {target} were refused"
            ));
        }
        // What was on its way may still come elsewhere.
        bench.check_event("X-45", "a set of RSS parameters")?;
        thread::sleep_ns(20_000_000);
        let before: alloc::vec::Vec<u64> = interrupt
            .counts
            .iter()
            .map(|counts| {
                counts.cpus.store(0, Ordering::Relaxed);
                counts.indicated.load(Ordering::Relaxed)
            })
            .collect();
        for _ in 0..EVENTS {
            bench.check_event("X-45", "a placed DPC")?;
        }
        thread::sleep_ns(5_000_000);
        for (message, (counts, before)) in interrupt.counts.iter().zip(before).enumerate() {
            let cpus = counts.cpus.load(Ordering::Relaxed);
            let received = counts.indicated.load(Ordering::Relaxed) != before;
            if received && cpus != 1 << target {
                return Err(format!(
                    "RSS names processor {target}, the DPCs of message {message} ran on {cpus:#b}"
                ));
            }
        }
    }
    set(bench, None);
    bench.check_event("X-45", "RSS off")?;
    Ok(Outcome::Ran(format!("{} processors", cpu::count())))
}

/// OID_GEN_RECEIVE_SCALE_PARAMETERS: everything to one processor, or off.
fn set(bench: &Bench<'_>, target: Option<usize>) -> i32 {
    let header = usize::from(NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_2);
    let table = ENTRIES * size_of::<PROCESSOR_NUMBER>();
    let Some(block) = Block::new(header + table + KEY, 4, true) else {
        return NDIS_STATUS_RESOURCES;
    };
    let p: Ptr<NDIS_RECEIVE_SCALE_PARAMETERS> = block.ptr();
    field!(p, Header).write(crate::ndis::header::make(
        NDIS_OBJECT_TYPE_RSS_PARAMETERS,
        NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_2,
        header,
    ));
    match target {
        None => field!(p, Flags).write(NDIS_RSS_PARAM_FLAG_DISABLE_RSS as u16),
        Some(target) => {
            field!(p, HashInformation).write(HASH);
            field!(p, IndirectionTableSize).write(table as u16);
            field!(p, IndirectionTableOffset).write(header as u32);
            field!(p, HashSecretKeySize).write(KEY as u16);
            field!(p, HashSecretKeyOffset).write((header + table) as u32);
            for entry in 0..ENTRIES {
                let at = block.address() + header + entry * size_of::<PROCESSOR_NUMBER>();
                let processor: Ptr<PROCESSOR_NUMBER> = Ptr::new(at);
                field!(processor, Number).write(target as u8);
            }
        }
    }
    let bytes = crate::guest::bytes(block.address(), header + table + KEY);
    oid::set(bench.adapter(), OID_GEN_RECEIVE_SCALE_PARAMETERS, &bytes).status
}
