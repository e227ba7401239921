// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every import that can fail in MiniportInitializeEx fails, one call at a time, and then all calls
//! of each name, while the device interrupts (contract I-09, I-10, I-14, V-03, V-18, V-29). Each
//! failing start must leave nothing behind, and the next good one must work. PASSIVE.

use super::{
    interrupts::bench::{self, Bench},
    step,
};
use crate::{
    exports::shortage::{self, Plan, Site},
    log,
    machine::cpu,
    ndis::{
        adapter,
        dice::DICE,
        instant::{self, Instant},
        lifecycle, shared_memory,
    },
    verify::{self, Handler},
};
use alloc::{format, string::String, vec::Vec};
use vmhost_proto::HostConfig;

/// In a short sweep a good start comes after so many bad ones.
const RELOAD: usize = 8;

/// What the starts of a sweep did.
#[derive(Default)]
struct Tally {
    starts: usize,
    failed: usize,
    reloads: usize,
}

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    bench::run(config, sys, |bench| sweep(config, bench))
}

fn sweep(config: &HostConfig, bench: &mut Bench<'_>) -> Result<(), String> {
    bench.halted()?;
    shortage::begin(Plan::None);
    let started = bench.initialize();
    let (sites, _) = shortage::end();
    started?;
    bench.halted()?;
    let calls = choose(&sites, config.full);
    log!(
        "{} calls can fail, at {} places; {} of them are tried",
        sites.len(),
        places(&sites).len(),
        calls.len()
    );
    let mut tally = Tally::default();
    step("each call fails once");
    for call in calls {
        let plan = Plan::Once(call);
        start(config, bench, plan, sites.get(call), &mut tally)?;
    }
    step("each import fails always");
    let mut names: Vec<&'static str> = sites.iter().map(|site| site.name).collect();
    names.sort_unstable();
    // A single call has failed already.
    let several = names
        .chunk_by(|a, b| a == b)
        .filter(|calls| calls.len() > 1);
    for name in several.filter_map(|calls| calls.first()) {
        start(config, bench, Plan::Always(name), None, &mut tally)?;
    }
    log!(
        "{} starts under shortage, {} of them failed, {} good starts between",
        tally.starts,
        tally.failed,
        tally.reloads
    );
    bench.running()?;
    bench.check_event("I-14", "starts that failed")
}

fn places(sites: &[Site]) -> Vec<Site> {
    let mut out: Vec<Site> = Vec::new();
    for site in sites {
        if !out.contains(site) {
            out.push(*site);
        }
    }
    out
}

/// All calls, or the first and the last of each place.
fn choose(sites: &[Site], full: bool) -> Vec<usize> {
    let first = |site: &Site| sites.iter().position(|other| other == site);
    let last = |site: &Site| sites.iter().rposition(|other| other == site);
    (0..sites.len())
        .filter(|&n| full || first(&sites[n]) == Some(n) || last(&sites[n]) == Some(n))
        .collect()
}

/// One start in which something fails.
fn start(
    config: &HostConfig,
    bench: &mut Bench<'_>,
    plan: Plan,
    site: Option<&Site>,
    tally: &mut Tally,
) -> Result<(), String> {
    instant::set_hook(Some(interrupt));
    shortage::begin(plan);
    // I-14 is checked there when it fails.
    let started = lifecycle::initialize(bench.adapter());
    let (_, failed) = shortage::end();
    instant::set_hook(None);
    let what = || match site {
        Some(site) => format!("{} at {}", site.name, verify::place(site.rip)),
        None => format!("{plan:?}"),
    };
    verify::check_of(
        Handler::Initialize,
        "I-14",
        started.is_ok() || failed != 0,
        || {
            format!(
                "MiniportInitializeEx failed although nothing else did ({})",
                what()
            )
        },
    );
    tally.starts += 1;
    if started.is_err() {
        tally.failed += 1;
    }
    if config.verbose {
        log!("{}: {started:x?}", what());
    }
    if verify::violations() != 0 {
        return Err(what());
    }
    bench.halted()?;
    // H-03, DM-12: no DMA goes on into what was freed.
    shared_memory::audit();
    shared_memory::release_freed();
    if config.full || tally.starts.is_multiple_of(RELOAD) {
        tally.reloads += 1;
        bench
            .initialize()
            .map_err(|why| format!("after {}: {why}", what()))?;
        bench.halted()?;
    }
    Ok(())
}

/// At imports of MiniportInitializeEx: an interrupt, if there is one registered.
fn interrupt(instant: Instant) {
    let Some(context) = verify::current().filter(|c| c.handler == Handler::Initialize) else {
        return;
    };
    if !matches!(instant, Instant::Import(_)) || !DICE.chance(25) {
        return;
    }
    let Some(adapter) = adapter::find(context.object) else {
        return;
    };
    let found = adapter.interrupts.lock().first().cloned();
    let Some(registered) = found else { return };
    let message = DICE.below(registered.grant.messages.len() as u64) as usize;
    bench::raise(
        &registered,
        message,
        DICE.below(cpu::count() as u64) as usize,
    );
}
