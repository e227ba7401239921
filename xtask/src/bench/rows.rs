// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rows of the benchmark: what is computed from the phases of a run, and what it may be.

use serde::Serialize;
use std::collections::BTreeMap;
use vmhost_proto::{HandlerCost, Phase};

/// Offsets of the card's registers that rows are about (82574 data sheet 10.2).
mod register {
    /// Interrupt mask set: opens a vector.
    pub const IMS: u64 = 0xD0;
    /// Interrupt mask clear: closes one.
    pub const IMC: u64 = 0xD8;
    /// Tails of the receive queues.
    pub const RDT: [u64; 2] = [0x2818, 0x2918];
    /// Tails of the transmit queues.
    pub const TDT: [u64; 2] = [0x3818, 0x3918];
}

const ISRS: [&str; 2] = ["MiniportInterrupt", "MiniportMessageInterrupt"];
const DPCS: [&str; 2] = ["MiniportInterruptDPC", "MiniportMessageInterruptDPC"];
/// What stands for the DPC where NDIS polls.
const POLLS: [&str; 2] = ["NdisPoll", "NdisSetPollNotification"];
const SEND: &str = "MiniportSendNetBufferLists";

/// The phases of one run by name.
pub struct Phases<'a>(BTreeMap<&'a str, &'a Phase>);

/// What there may be of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The project's budget.
    pub goal: Option<f64>,
    /// What `./dev test` holds.
    pub limit: Option<f64>,
}

/// One measured row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Name in `limits.toml`.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// The value.
    pub value: f64,
    /// The project's budget.
    pub goal: Option<f64>,
    /// What `./dev test` holds.
    pub limit: Option<f64>,
}

impl Row {
    /// True unless the value is above what `./dev test` holds.
    pub fn holds(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }

    /// True unless the value is above the budget.
    pub fn within_goal(&self) -> bool {
        self.goal.is_none_or(|goal| self.value <= goal)
    }
}

/// How a row is computed; `None`: the run does not have it.
type Compute = fn(&Phases<'_>) -> Option<f64>;

/// All rows: name, meaning, computation.
pub const ROWS: &[(&str, &str, Compute)] = &[
    (
        "isr-accesses",
        "ISR of an RX or TX message: register accesses, in all phases",
        |phases| {
            let accesses = phases.all(|cost| is(cost, &ISRS) && is_queue(cost));
            phases
                .has_queues()
                .then_some(total(&accesses, |_| true) as f64)
        },
    ),
    (
        "isr-instructions",
        "ISR: instructions, the longest",
        |phases| phases.instructions(|cost| is(cost, &ISRS)),
    ),
    (
        "dpc-fixed-rx",
        "DPC that finds nothing, RX or all in one: instructions",
        |phases| phases.fixed(|role| role.contains("rx") || role == "all"),
    ),
    (
        "dpc-fixed-tx",
        "DPC that finds nothing, TX: instructions",
        |phases| phases.fixed(|role| role.starts_with("tx")),
    ),
    (
        "interrupt-reads",
        "RX or TX interrupt, whole: reads for each, on average",
        |phases| phases.whole(true),
    ),
    (
        "interrupt-writes",
        "RX or TX interrupt, whole: writes but tails for each, on average",
        |phases| phases.whole(false),
    ),
    (
        "throttle-reads",
        "throttle reached: reads, each",
        |phases| phases.throttle(|cost, _| reads(cost, |_| true)),
    ),
    (
        "throttle-writes",
        "throttle reached: writes to close and open, each",
        |phases| {
            phases.throttle(|cost, _| writes(cost, |at| at == register::IMS || at == register::IMC))
        },
    ),
    (
        "not-ours-reads",
        "interrupt of a neighbour: reads, each",
        |phases| phases.not_ours(|cost| reads(cost, |_| true)),
    ),
    (
        "not-ours-writes",
        "interrupt of a neighbour: writes, each",
        |phases| phases.not_ours(|cost| writes(cost, |_| true)),
    ),
    (
        "doorbell-writes",
        "sends: writes for each chain",
        |phases| phases.doorbell(|cost| writes(cost, |_| true)),
    ),
    ("doorbell-reads", "sends: reads for each chain", |phases| {
        phases.doorbell(|cost| reads(cost, |_| true))
    }),
    (
        "refill-writes",
        "RX tail: writes for 32 buffers, at 1,000 frames/s",
        |phases| {
            let paced = phases.get("paced")?;
            let tails = count(
                paced,
                |_| true,
                |cost| writes(cost, |at| register::RDT.contains(&at)),
            );
            // One buffer too many may be due at the start.
            ratio(tails.saturating_sub(1) * 32, paced.received)
        },
    ),
    (
        "received-accesses-paced",
        "received frame at 1,000 frames/s: register accesses",
        |phases| phases.received_accesses("paced"),
    ),
    (
        "received-accesses-flood",
        "received frame at flood: register accesses",
        |phases| phases.received_accesses("flood"),
    ),
    (
        "received-instructions-paced",
        "received frame at 1,000 frames/s: instructions",
        |phases| phases.received_instructions("paced"),
    ),
    (
        "received-instructions-flood",
        "received frame at flood: instructions",
        |phases| phases.received_instructions("flood"),
    ),
    (
        "sent-accesses-single",
        "sent frame, one a chain: register accesses",
        |phases| phases.sent("send-1", accesses),
    ),
    (
        "sent-instructions-single",
        "sent frame, one a chain: instructions",
        |phases| phases.sent_instructions("send-1"),
    ),
    (
        "sent-accesses-row",
        "sent frame, one a chain, 32 chains in a row: register accesses",
        |phases| phases.sent("send-row", accesses),
    ),
    (
        "sent-instructions-row",
        "sent frame, one a chain, 32 chains in a row: instructions",
        |phases| phases.sent_instructions("send-row"),
    ),
    (
        "sent-instructions-chain",
        "sent frame, 32 a chain: instructions",
        |phases| phases.sent_instructions("send-32"),
    ),
];

/// The rows of a run.
pub fn rows(phases: &[Phase], limits: impl Fn(&str) -> Limit) -> Vec<Row> {
    let phases = Phases(
        phases
            .iter()
            .map(|phase| (phase.name.as_str(), phase))
            .collect(),
    );
    ROWS.iter()
        .filter_map(|(id, title, compute)| {
            let Limit { goal, limit } = limits(id);
            Some(Row {
                id,
                title,
                value: compute(&phases)?,
                goal,
                limit,
            })
        })
        .collect()
}

fn is(cost: &HandlerCost, names: &[&str]) -> bool {
    names.contains(&cost.handler.as_str())
}

/// A message for one receive or transmit queue alone.
fn is_queue(cost: &HandlerCost) -> bool {
    let role = cost.role.as_str();
    (role.starts_with("rx") || role.starts_with("tx")) && !role.contains('+')
}

fn is_tail(offset: u64) -> bool {
    register::RDT.contains(&offset) || register::TDT.contains(&offset)
}

fn reads(cost: &HandlerCost, which: impl Fn(u64) -> bool) -> u64 {
    let chosen = cost
        .registers
        .iter()
        .filter(|register| which(register.offset));
    chosen.map(|register| register.reads).sum()
}

fn writes(cost: &HandlerCost, which: impl Fn(u64) -> bool) -> u64 {
    let chosen = cost
        .registers
        .iter()
        .filter(|register| which(register.offset));
    chosen.map(|register| register.writes).sum()
}

fn accesses(cost: &HandlerCost) -> u64 {
    reads(cost, |_| true) + writes(cost, |_| true)
}

fn total(costs: &[&HandlerCost], which: impl Fn(u64) -> bool + Copy) -> u64 {
    costs
        .iter()
        .map(|cost| reads(cost, which) + writes(cost, which))
        .sum()
}

fn ratio(amount: u64, of: u64) -> Option<f64> {
    (of != 0).then(|| amount as f64 / of as f64)
}

fn count(
    phase: &Phase,
    which: impl Fn(&HandlerCost) -> bool,
    amount: impl Fn(&HandlerCost) -> u64,
) -> u64 {
    phase
        .handlers
        .iter()
        .filter(|cost| which(cost))
        .map(amount)
        .sum()
}

impl Phases<'_> {
    fn get(&self, name: &str) -> Option<&Phase> {
        self.0.get(name).copied()
    }

    fn all(&self, which: impl Fn(&HandlerCost) -> bool) -> Vec<&HandlerCost> {
        let handlers = self.0.values().flat_map(|phase| &phase.handlers);
        handlers.filter(|cost| which(cost)).collect()
    }

    fn has_queues(&self) -> bool {
        !self.all(is_queue).is_empty()
    }

    /// The longest call; nothing when no instructions were counted.
    fn instructions(&self, which: impl Fn(&HandlerCost) -> bool) -> Option<f64> {
        let longest = self
            .all(which)
            .into_iter()
            .map(|cost| cost.instructions_max)
            .max()?;
        (longest != 0).then_some(longest as f64)
    }

    /// A DPC that finds nothing.
    fn fixed(&self, role: impl Fn(&str) -> bool) -> Option<f64> {
        let idle = self.get("idle")?.handlers.iter();
        // Polls have no message, and stand with the receive ones.
        let dpcs = idle.filter(|cost| {
            is(cost, &DPCS) && role(&cost.role) || cost.handler == POLLS[0] && role("all")
        });
        let longest = dpcs.map(|cost| cost.instructions_max).max()?;
        (longest != 0).then_some(longest as f64)
    }

    /// Reads or writes in ISR and DPC for each ISR that had a cause to serve.
    fn whole(&self, read: bool) -> Option<f64> {
        let queues = self.has_queues();
        let mine = |cost: &HandlerCost| {
            ((is(cost, &ISRS) || is(cost, &DPCS)) && (!queues || is_queue(cost)))
                || is(cost, &POLLS)
        };
        let mut worst: Option<f64> = None;
        for phase in ["send-1", "paced"]
            .into_iter()
            .filter_map(|name| self.get(name))
        {
            let interrupts = count(
                phase,
                |cost| mine(cost) && is(cost, &ISRS),
                |cost| cost.calls,
            );
            let amount = count(phase, mine, |cost| {
                if read {
                    reads(cost, |_| true)
                } else {
                    writes(cost, |at| !is_tail(at))
                }
            });
            let each = ratio(amount, interrupts)?;
            worst = Some(worst.map_or(each, |worst| worst.max(each)));
        }
        worst
    }

    /// In the DPCs that receive, or the polls, of the phase `throttled`, for each time the limit was reached.
    fn throttle(&self, amount: impl Fn(&HandlerCost, &Phase) -> u64) -> Option<f64> {
        let phase = self.get("throttled")?;
        let receives = |role: &str| role.starts_with("rx") || role == "all";
        let which =
            |cost: &HandlerCost| cost.throttled && (receives(&cost.role) || is(cost, &POLLS));
        ratio(
            count(phase, which, |cost| amount(cost, phase)),
            phase.throttled,
        )
    }

    /// In the ISRs of the phase `idle`, which on a line are all a neighbour's.
    fn not_ours(&self, amount: impl Fn(&HandlerCost) -> u64) -> Option<f64> {
        let which = |cost: &HandlerCost| cost.handler == ISRS[0];
        let phase = self.get("idle")?;
        ratio(
            count(phase, which, amount),
            count(phase, which, |cost| cost.calls),
        )
    }

    fn doorbell(&self, amount: impl Fn(&HandlerCost) -> u64) -> Option<f64> {
        let phase = self.get("send-32")?;
        ratio(
            count(phase, |cost| cost.handler == SEND, amount),
            phase.chains,
        )
    }

    fn received(&self, name: &str, amount: impl Fn(&HandlerCost) -> u64) -> Option<f64> {
        let phase = self.get(name)?;
        ratio(count(phase, |_| true, amount), phase.received)
    }

    fn received_accesses(&self, name: &str) -> Option<f64> {
        self.received(name, accesses)
    }

    fn received_instructions(&self, name: &str) -> Option<f64> {
        self.received(name, |cost| cost.instructions)
            .filter(|value| *value != 0.0)
    }

    fn sent(&self, name: &str, amount: impl Fn(&HandlerCost) -> u64) -> Option<f64> {
        let phase = self.get(name)?;
        ratio(count(phase, |_| true, amount), phase.sent)
    }

    fn sent_instructions(&self, name: &str) -> Option<f64> {
        self.sent(name, |cost| cost.instructions)
            .filter(|value| *value != 0.0)
    }
}
