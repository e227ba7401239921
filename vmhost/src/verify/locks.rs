// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger of the driver's locks: who holds what, in which order locks are taken, and whether
//! they are given back. Any IRQL.
//!
//! A lock is an address: spin locks may be initialised by an inline store, so a lock is first
//! seen when it is taken (contract G-03).

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt;

use super::{check, context::Context, current, lockgraph::Graph, place, stop, violation};
use crate::machine::{cpu, lock::IrqSpin};

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// `KSPIN_LOCK`.
    Spin,
    /// `KSPIN_LOCK` taken with an in-stack queue handle.
    Queued,
    /// `EX_SPIN_LOCK` or RW lock, shared.
    Shared,
    /// `EX_SPIN_LOCK` or RW lock, exclusive.
    Exclusive,
    /// A mutex: held by a thread, not a reason against calling NDIS.
    Mutex,
}

impl fmt::Display for LockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spin => "spin lock",
            Self::Queued => "queued spin lock",
            Self::Shared => "shared lock",
            Self::Exclusive => "exclusive lock",
            Self::Mutex => "mutex",
        })
    }
}

/// One lock held by a call into the driver.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its address.
    pub address: u64,
    /// How.
    pub kind: LockKind,
    /// IRQL before it was taken.
    pub old_irql: u8,
    /// Where it was taken.
    pub rip: u64,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:#x} taken at {}",
            self.kind,
            self.address,
            place(self.rip)
        )
    }
}

#[derive(Clone, Copy)]
struct Owner {
    cpu: usize,
    rip: u64,
}

struct State {
    graph: Graph,
    owners: BTreeMap<u64, Owner>,
    queued: BTreeMap<u64, bool>,
}

static STATE: IrqSpin<State> = IrqSpin::new(State {
    graph: Graph::new(),
    owners: BTreeMap::new(),
    queued: BTreeMap::new(),
});

fn holding(context: Option<&Context>) -> Vec<Held> {
    let mut all = Vec::new();
    let mut at = context;
    while let Some(c) = at {
        all.extend(c.held.lock().iter().copied());
        at = c.outer();
    }
    all
}

/// To be called before a lock is waited for: recursion, order, and mixing of plain and queued use
/// (V-06). Ends the run on recursion, which would never end.
pub fn before_acquire(address: u64, kind: LockKind, rip: u64) {
    let held = holding(current());
    if let Some(own) = held.iter().find(|h| h.address == address) {
        if kind == LockKind::Shared && own.kind == LockKind::Shared {
            return; // The read side may be taken again (K-07).
        }
        stop(
            "V-06",
            format!("{kind} {address:#x} is taken again by its owner: {own}"),
        );
    }
    let mut cycle = None;
    let mut mixed = false;
    {
        let mut state = STATE.lock();
        for other in &held {
            if let Some(found) = state.graph.add(other.address, address, rip) {
                // Where the other order was seen: the first edge of the way back.
                let seen = found
                    .get(1)
                    .and_then(|next| state.graph.place(address, *next));
                cycle = Some((other.address, found, seen.unwrap_or(0)));
            }
        }
        if matches!(kind, LockKind::Spin | LockKind::Queued) {
            let queued = kind == LockKind::Queued;
            mixed = *state.queued.entry(address).or_insert(queued) != queued;
            state.queued.insert(address, queued);
        }
    }
    check("V-06", cycle.is_none(), || match &cycle {
        Some((first, path, seen)) => {
            let names: Vec<String> = path.iter().map(|l| format!("{l:#x}")).collect();
            format!(
                "{kind} {address:#x} is taken while {first:#x} is held, but at {} the order was {}",
                place(*seen),
                names.join(" then ")
            )
        }
        None => String::new(),
    });
    check("V-06", !mixed, || {
        format!("spin lock {address:#x} is used both plain and queued")
    });
}

/// To be called when the lock is held.
pub fn acquired(address: u64, kind: LockKind, old_irql: u8, rip: u64) {
    if kind != LockKind::Shared {
        STATE.lock().owners.insert(
            address,
            Owner {
                cpu: cpu::id(),
                rip,
            },
        );
    }
    if let Some(context) = current() {
        context.held.lock().push(Held {
            address,
            kind,
            old_irql,
            rip,
        });
    }
}

/// To be called before the lock is given up: the caller must hold it (V-06), and it must be the
/// one it took last (K-02). Returns what was noted when it was taken.
pub fn release(address: u64, what: &str) -> Option<Held> {
    let context = current();
    let mut last = true;
    let mut shared = false;
    let held = context.and_then(|c| {
        let mut list = c.held.lock();
        let at = list.iter().rposition(|h| h.address == address)?;
        // Mutexes may be given back in any order.
        last = list.iter().skip(at + 1).all(|h| h.kind == LockKind::Mutex);
        shared = list[at].kind == LockKind::Shared;
        Some(list.remove(at))
    });
    let owner = if shared {
        None
    } else {
        STATE.lock().owners.remove(&address)
    };
    if held.is_some() {
        check("K-02", last, || {
            format!("{what}: lock {address:#x} is released before locks that were taken after it")
        });
        check("V-06", true, String::new);
    } else {
        violation(
            "V-06",
            match owner {
                Some(o) => format!(
                    "{what}: lock {address:#x} was taken by CPU {} at {}, not by this call",
                    o.cpu,
                    place(o.rip)
                ),
                None => format!("{what}: lock {address:#x} is not held"),
            },
        );
    }
    held
}

/// Checks that the driver call in progress holds no spin lock: `rule` is K-01 for calls that may
/// re-enter the driver, C-06 for reset completion. `what` names the import.
pub fn check_none(rule: &'static str, what: &str) -> bool {
    let held: Vec<Held> = current()
        .map(|c| {
            c.held
                .lock()
                .iter()
                .filter(|h| h.kind != LockKind::Mutex)
                .copied()
                .collect()
        })
        .unwrap_or_default();
    check(rule, held.is_empty(), || {
        format!(
            "{what} called with {}",
            held.iter()
                .map(|h| format!("{h}"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    })
}

/// At the end of a call into the driver: nothing may be held (G-05).
pub(super) fn check_none_at_exit(context: &Context) {
    let held = core::mem::take(&mut *context.held.lock());
    if context.handler == super::Handler::SystemThread && held.is_empty() {
        return;
    }
    check("G-05", held.is_empty(), || {
        format!(
            "{} returned with {} still held",
            context.handler,
            held.iter()
                .map(|h| format!("{h}"))
                .collect::<Vec<_>>()
                .join(", ")
        )
    });
    if !held.is_empty() {
        let mut state = STATE.lock();
        for h in &held {
            state.owners.remove(&h.address);
        }
    }
}

/// A lock is initialised, or memory with possible locks in it is freed: old order is void. A
/// lock that is held in freed memory is a violation (V-12).
pub fn forget(address: u64, len: u64, freed: bool) {
    let held: Vec<(u64, Owner)> = {
        let mut state = STATE.lock();
        let end = address.saturating_add(len);
        if freed || len <= 16 {
            state.graph.forget(address, len);
            state
                .queued
                .retain(|lock, _| !(address..end).contains(lock));
        }
        state
            .owners
            .range(address..end)
            .map(|(a, o)| (*a, *o))
            .collect()
    };
    check("V-12", held.is_empty(), || match held.first() {
        Some((lock, owner)) => format!(
            "lock {lock:#x} is {} while CPU {} holds it, taken at {}",
            if freed { "freed" } else { "initialised" },
            owner.cpu,
            place(owner.rip)
        ),
        None => String::new(),
    });
}
