// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that never arrive: a driver that tests its messages goes on with the others, and does not start with none
//! . For drivers that list the OID of a self-test on demand. PASSIVE.

use super::{Outcome, bench::Bench};
use crate::{
    ndis::{
        interrupt::{counts, grant::Kind, steer::STEER},
        lifecycle,
    },
    verify::{self, Handler},
};
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::Ordering;

/// The convention of docs/vmhost.md: set, it tests every message.
const SELF_TEST: u32 = 0xFF82_5741;
/// Events that have to arrive.
const EVENTS: usize = 3;

/// Runs it.
pub fn run(bench: &mut Bench<'_>) -> Result<Outcome, String> {
    bench.running()?;
    let grant = bench.interrupt()?.grant.clone();
    let listed = |general: &crate::ndis::attributes::General| general.oids.contains(&SELF_TEST);
    if !bench.adapter().general.lock().as_ref().is_some_and(listed) {
        return Ok(Outcome::Skipped("the driver has no self-test"));
    }
    if grant.kind == Kind::Line {
        return Ok(Outcome::Skipped("a line that is deaf storms"));
    }
    let used = |message: &usize| counts::role(*message).is_some_and(|role| role != "unused");
    let used: Vec<usize> = (0..grant.messages.len()).filter(used).collect();
    let mut seen = String::new();
    if used.len() > 1 {
        let deaf = 1 << bench.dice.pick(&used);
        bench.halted()?;
        STEER.deaf.store(deaf, Ordering::Relaxed);
        bench.running()?;
        let (reason, dead) = counts::why();
        if dead != deaf {
            return Err(format!(
                "messages {deaf:#b} do not arrive, the driver says {dead:#b}"
            ));
        }
        for _ in 0..EVENTS {
            bench.check_event("X-09", "a start with a message that does not arrive")?;
        }
        seen = format!("messages {deaf:#b} deaf: {reason}; ");
    }
    bench.halted()?;
    STEER.deaf.store(u32::MAX, Ordering::Relaxed);
    let failed = lifecycle::initialize(bench.adapter()).err();
    STEER.deaf.store(0, Ordering::Relaxed);
    let good = verify::check_of(Handler::Initialize, "X-05", failed.is_some(), || {
        String::from("no message arrives and MiniportInitializeEx succeeded")
    });
    if !good {
        return Err(String::from("it starts without an interrupt"));
    }
    bench.running()?;
    bench.check_event("X-09", "a start after one without messages")?;
    Ok(Outcome::Ran(format!(
        "{seen}all deaf: MiniportInitializeEx fails with {:#010x}",
        failed.unwrap_or(0) as u32
    )))
}
