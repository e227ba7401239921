// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters of one message or of the line, and the roles that a driver may print. Any IRQL.

use crate::machine::lock::IrqSpin;
use alloc::{
    borrow::ToOwned,
    collections::BTreeMap,
    string::{String, ToString},
};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use vmhost_proto::Vector;

/// Counters; all only ever grow.
#[derive(Default)]
#[allow(missing_docs, reason = "named after the report's members")]
pub struct Counts {
    pub isr: AtomicU64,
    pub dpc: AtomicU64,
    pub claimed: AtomicU64,
    pub not_mine: AtomicU64,
    pub empty_dpc: AtomicU64,
    pub isr_reads: AtomicU64,
    pub isr_writes: AtomicU64,
    pub dpc_reads: AtomicU64,
    pub dpc_writes: AtomicU64,
    pub dpc_ns_max: AtomicU64,
    /// One bit per CPU that a DPC, or a poll, of this message ran on.
    pub cpus: AtomicU64,
    /// One bit per CPU that an interrupt of this message reached.
    pub arrived_on: AtomicU64,
    /// Interrupts that reached the host, claimed or not.
    pub arrived: AtomicU64,
    pub isr_instructions_max: AtomicU64,
    /// NBLs indicated in this message's DPCs.
    pub indicated: AtomicU64,
    /// NBLs completed in this message's DPCs.
    pub completed: AtomicU64,
    /// When MiniportDisable… was called for this message; 0 when it is enabled.
    pub disabled_ns: AtomicU64,
    /// Claimed interrupts since then that came too late to have been on their way.
    pub late: AtomicU64,
    /// A DPC had more pending and its recall has not come yet.
    pub throttled: AtomicBool,
    /// Claimed interrupts since then.
    pub while_throttled: AtomicU64,
    /// The next DPC is the recall.
    pub recalled: AtomicBool,
    /// DPCs in a row that did nothing, the interrupts claimed at the last of them, and when it was.
    pub fruitless: AtomicU64,
    pub fruitless_claimed: AtomicU64,
    pub fruitless_ns: AtomicU64,
    /// Link indications in this message's DPCs.
    pub status: AtomicU64,
}

impl Counts {
    /// The report's entry for message `number`.
    pub fn report(&self, number: usize) -> Vector {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Vector {
            message: number as u32,
            role: role(number).unwrap_or_else(|| self.derived_role().to_owned()),
            isr: get(&self.isr),
            dpc: get(&self.dpc),
            claimed: get(&self.claimed),
            not_mine: get(&self.not_mine),
            empty_dpc: get(&self.empty_dpc),
            isr_reads: get(&self.isr_reads),
            isr_writes: get(&self.isr_writes),
            dpc_reads: get(&self.dpc_reads),
            dpc_writes: get(&self.dpc_writes),
            isr_instructions_max: get(&self.isr_instructions_max),
            dpc_us_max: get(&self.dpc_ns_max) / 1000,
        }
    }

    /// What the host saw the message's DPCs do.
    fn derived_role(&self) -> &'static str {
        let seen = |counter: &AtomicU64| counter.load(Ordering::Relaxed) != 0;
        match (
            seen(&self.indicated),
            seen(&self.completed),
            seen(&self.status),
        ) {
            (true, true, _) => "rx+tx",
            (true, false, _) => "rx",
            (false, true, _) => "tx",
            (false, false, true) => "status",
            (false, false, false) => "unused",
        }
    }
}

/// Words after the map: why it was chosen, and which messages do not arrive.
static WHY: IrqSpin<(String, u32)> = IrqSpin::new((String::new(), 0));

/// What the driver said about its map: reason, and one bit per message that does not arrive.
pub fn why() -> (String, u32) {
    WHY.lock().clone()
}

static ROLES: IrqSpin<BTreeMap<usize, String>> = IrqSpin::new(BTreeMap::new());

/// Looks at a line that the driver printed. `interrupt-map: 0=rx0 1=tx0 2=other` names the roles
/// of messages; any driver may print it when it has registered its interrupt.
pub fn note_debug_line(line: &str) {
    let Some((_, map)) = line.split_once("interrupt-map:") else {
        return;
    };
    let mut roles = ROLES.lock();
    roles.clear();
    let mut said = (String::new(), 0);
    for pair in map.split_whitespace() {
        if let Some((number, role)) = pair.split_once('=')
            && let Ok(number) = number.parse()
        {
            roles.insert(number, role.to_string());
        } else if let Some(reason) = pair.strip_prefix("reason=") {
            said.0 = reason.to_string();
        } else if let Some(dead) = pair.strip_prefix("dead=") {
            said.1 = dead.parse().unwrap_or(0);
        }
    }
    drop(roles);
    let old = core::mem::replace(&mut *WHY.lock(), said);
    drop(old);
}

/// What the driver has printed that the message is for.
pub fn role(message: usize) -> Option<String> {
    ROLES.lock().get(&message).cloned()
}
