// SPDX-License-Identifier: MIT OR Apache-2.0
//! T-04: another device holds the level of a shared line. PASSIVE.
//!
//! The kernel calls the ISRs of a level-triggered line until one claims it. The neighbour is
//! served, and its level falls, only when the miniport has returned FALSE; then it rises again at
//! once. Whether the device under test had a cause of its own is in its PCI status register.

use super::{
    Outcome,
    bench::{self, Bench},
};
use crate::{
    machine::{irql, pci, time},
    ndis::interrupt::{Interrupt, deliver, grant::Kind},
    verify::{self, Handler},
};
use alloc::{format, string::String, sync::Arc};

/// ISR calls in all; with `--full` and without.
const ALL_CALLS: usize = 1_000_000;
const CALLS: usize = 100_000;
/// ISR calls between two events of the miniport's own.
const ROUND: usize = 5_000;
/// ISR calls at DIRQL without a pause.
const BURST: usize = 100;
/// Claims in a row for a device that has no cause. A few may be for causes that came and were
/// read in between.
const ROW: usize = 64;
/// PCI status register and its interrupt bit.
const STATUS: u16 = 6;
const INTERRUPT_STATUS: u32 = 1 << 3;

/// What the neighbour saw.
#[derive(Default)]
struct Seen {
    served: usize,
    claimed: usize,
    row: usize,
    longest_row: usize,
    reads: u64,
    writes: u64,
    most_writes: u64,
    asked: usize,
}

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let interrupt = bench.interrupt()?;
    if interrupt.grant.kind != Kind::Line {
        return Ok(Outcome::Skipped("messages are not shared"));
    }
    let mut seen = Seen::default();
    let begin = time::now_ns();
    let calls = if bench.config.full { ALL_CALLS } else { CALLS };
    for _ in 0..calls / ROUND {
        for _ in 0..ROUND / BURST {
            burst(bench, &interrupt, &mut seen, BURST);
            if seen.longest_row >= ROW {
                return Err(format!(
                    "{ROW} interrupts of the neighbour in a row were claimed"
                ));
            }
        }
        bench.check_event("X-101", "a neighbour's storm on the line")?;
    }
    let took = (time::now_ns() - begin) / 1_000_000;
    judge(&seen);
    let Seen {
        served,
        claimed,
        reads,
        writes,
        ..
    } = seen;
    Ok(Outcome::Ran(format!(
        "{served} of {calls} interrupts left to the neighbour, {claimed} claimed, {reads} reads \
         and {writes} writes for the neighbour's, in {took} ms"
    )))
}

/// Calls the ISR `count` times while the neighbour's level is up, at DIRQL, and lets its DPCs run
/// afterwards.
pub fn calls(bench: &Bench<'_>, interrupt: &Arc<Interrupt>, count: usize) -> usize {
    let mut seen = Seen::default();
    burst(bench, interrupt, &mut seen, count);
    judge(&seen);
    seen.longest_row
}

fn burst(bench: &Bench<'_>, interrupt: &Arc<Interrupt>, seen: &mut Seen, count: usize) {
    let device = &bench.adapter().device;
    let old = irql::raise(interrupt.irql_of(0));
    for _ in 0..count {
        let answer = deliver::ask_isr(interrupt, 0);
        if answer.claimed {
            seen.claimed += 1;
            let quiet = pci::read_config(device, STATUS, 2) & INTERRUPT_STATUS == 0;
            seen.row = if quiet { seen.row + 1 } else { 0 };
            seen.longest_row = seen.longest_row.max(seen.row);
            if !verify::check_of(Handler::Isr, "X-101", seen.row < ROW, || {
                format!("{ROW} interrupts of another device in a row were claimed (F2)")
            }) {
                break;
            }
        } else {
            seen.row = 0;
            seen.served += 1;
            seen.reads += answer.reads;
            seen.writes += answer.writes;
            seen.most_writes = seen.most_writes.max(answer.writes);
            seen.asked += usize::from(answer.asked);
        }
    }
    irql::lower(old);
    bench::drain(interrupt);
}

/// a FALSE has no side effects. Closing and opening the mask around the read, which some
/// devices need to be read safely, is none.
fn judge(seen: &Seen) {
    const AROUND: u64 = 2;
    verify::check_of(Handler::Isr, "X-21", seen.asked == 0, || {
        format!("{} DPCs were asked for with FALSE", seen.asked)
    });
    let most = seen.most_writes;
    verify::check_of(Handler::Isr, "X-21", most <= AROUND, || {
        format!("{most} register writes in one ISR that returned FALSE")
    });
}
