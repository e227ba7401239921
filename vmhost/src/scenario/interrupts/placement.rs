// SPDX-License-Identifier: MIT OR Apache-2.0
//! RSS names a processor, and the DPC or poll of the queue runs there, wherever the message goes (RS-01); and a driver
//! that asks for the processors of its messages gets them, and is then no longer placed elsewhere. PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{
    field,
    guest::{Block, Ptr},
    machine::{cpu, thread},
    ndis::{
        interrupt::{Interrupt, counts::Counts, steer::STEER},
        oid,
    },
    registry, verify,
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::Ordering;
use vmhost_proto::RegistryValue;

/// Entries of the table.
const ENTRIES: usize = 4;
/// Bytes of the key.
const KEY: usize = 40;
/// Toeplitz over IPv4 and TCP.
const HASH: u32 = 1 | NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4;
/// Events on each processor.
const EVENTS: usize = 4;
/// Connections, so that both of two queues have some, and the bytes of each.
const FLOWS: usize = 8;
const BYTES: u64 = 8 * 1024;

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let interrupt = bench.interrupt()?;
    if !interrupt.is_message() {
        return Ok(Outcome::Skipped("the line's DPC runs where it arrives"));
    }
    if set(bench, &[0]) != NDIS_STATUS_SUCCESS {
        return Ok(Outcome::Skipped("the driver takes no RSS parameters"));
    }
    let handler = bench.dpc_handler()?;
    for target in 0..cpu::count() {
        name(bench, &[target])?;
        let before = begin(&interrupt);
        for _ in 0..EVENTS {
            bench.check_event("X-45", "a placed DPC")?;
        }
        thread::sleep_ns(5_000_000);
        for (message, (counts, before)) in interrupt.counts.iter().zip(before).enumerate() {
            let cpus = counts.cpus.load(Ordering::Relaxed);
            let placed = indicated(counts) == before || cpus == 1 << target;
            let good = verify::check_of(handler, "RS-01", placed, || {
                format!(
                    "RSS names processor {target}, the DPCs of message {message} ran on {cpus:#b}"
                )
            });
            if !good {
                return Err(format!("message {message} is not where RSS puts it"));
            }
        }
    }
    let asked = asked(bench, &interrupt)?;
    set(bench, &[]);
    bench.check_event("X-45", "RSS off")?;
    Ok(Outcome::Ran(format!(
        "{} processors; {asked}",
        cpu::count()
    )))
}

/// Sets the table, and waits until what was on its way, perhaps to elsewhere, has come.
fn name(bench: &Bench<'_>, targets: &[usize]) -> Result<(), String> {
    if set(bench, targets) != NDIS_STATUS_SUCCESS {
        return Err(format!(
            "RSS parameters for the processors {targets:?} were refused"
        ));
    }
    bench.check_event("X-45", "a set of RSS parameters")?;
    thread::sleep_ns(20_000_000);
    Ok(())
}

/// From here on it counts where things run; what each message has indicated so far.
fn begin(interrupt: &Interrupt) -> Vec<u64> {
    let one = |counts: &Counts| {
        counts.cpus.store(0, Ordering::Relaxed);
        counts.arrived_on.store(0, Ordering::Relaxed);
        indicated(counts)
    };
    interrupt.counts.iter().map(one).collect()
}

fn indicated(counts: &Counts) -> u64 {
    counts.indicated.load(Ordering::Relaxed)
}

/// with the table that RSS starts from, a message reaches the processor that was asked for, and its DPC stays there.
fn asked(bench: &mut Bench<'_>, interrupt: &Interrupt) -> Result<String, String> {
    let named: Vec<Option<u64>> = interrupt
        .grant
        .messages
        .iter()
        .map(|message| message.asked.named())
        .collect();
    let first = match registry::value(registry::DRIVER_KEY, "*RssBaseProcNumber") {
        Some(RegistryValue::Sz(text)) => text.parse().unwrap_or(0),
        Some(RegistryValue::Dword(number)) => number as usize,
        _ => 0,
    };
    let table: Vec<usize> = (first..cpu::count()).take(2).collect();
    let chosen = bench.config.install.interrupt.device_policy.unwrap_or(0) != 0;
    if chosen || table.is_empty() || named.iter().all(Option::is_none) {
        return Ok(String::from("no processor was asked for"));
    }
    name(bench, &table)?;
    // A recall may come anywhere.
    STEER.throttle(NDIS_INDICATE_ALL_NBLS, 0);
    let before = begin(interrupt);
    for _ in 0..FLOWS {
        bench.download(BYTES)?;
    }
    thread::sleep_ns(5_000_000);
    let mut received = 0;
    let messages = interrupt.counts.iter().zip(before).zip(named);
    for (message, ((counts, before), named)) in messages.enumerate() {
        let Some(targets) = named else { continue };
        let arrived = counts.arrived_on.load(Ordering::Relaxed);
        let ran = counts.cpus.load(Ordering::Relaxed);
        if (arrived | ran) & !targets != 0 {
            return Err(format!(
                "the processors {targets:#b} were asked for message {message}: it came on {arrived:#b}, its DPCs ran on {ran:#b}"
            ));
        }
        received += usize::from(indicated(counts) != before);
    }
    Ok(format!(
        "{received} messages received on the processors asked for"
    ))
}

/// OID_GEN_RECEIVE_SCALE_PARAMETERS: a table of these processors in turn; without any, off.
fn set(bench: &Bench<'_>, targets: &[usize]) -> i32 {
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
    match targets {
        [] => field!(p, Flags).write(NDIS_RSS_PARAM_FLAG_DISABLE_RSS as u16),
        targets => {
            field!(p, HashInformation).write(HASH);
            field!(p, IndirectionTableSize).write(table as u16);
            field!(p, IndirectionTableOffset).write(header as u32);
            field!(p, HashSecretKeySize).write(KEY as u16);
            field!(p, HashSecretKeyOffset).write((header + table) as u32);
            for (entry, target) in (0..ENTRIES).zip(targets.iter().cycle()) {
                let at = block.address() + header + entry * size_of::<PROCESSOR_NUMBER>();
                let processor: Ptr<PROCESSOR_NUMBER> = Ptr::new(at);
                field!(processor, Number).write(*target as u8);
            }
        }
    }
    let bytes = crate::guest::bytes(block.address(), header + table + KEY);
    oid::set(bench.adapter(), OID_GEN_RECEIVE_SCALE_PARAMETERS, &bytes).status
}
