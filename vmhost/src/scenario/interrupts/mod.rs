// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt contract (§4), case by case, against any Ethernet miniport on whatever interrupt
//! is granted. PASSIVE.
//!
//! Each case prints one line; what breaks a rule is a violation of that rule. The cases know no
//! device: they call the handlers as NDIS may, raise the device's vectors as a neighbour on the
//! line or a late message would, and ask the gateway of QEMU's user network for something, so that
//! one frame goes out and one comes in, whenever an event is needed.

pub mod bench;
mod deaf;
mod deregister;
mod flood;
mod line;
mod lost;
mod messages;
mod moderation;
mod multiplicity;
mod placement;
mod poll;
mod rebalance;
mod registration;
mod states;
mod switches;
mod throttle;

use self::bench::Bench;
use super::step;
use crate::{log, machine::time};
use alloc::{format, string::String};
use vmhost_proto::HostConfig;

/// What became of a case.
enum Outcome {
    /// It ran; a few words about what it did.
    Ran(String),
    /// There is nothing to run here; why.
    Skipped(&'static str),
}

/// One case.
struct Case {
    name: &'static str,
    title: &'static str,
    run: fn(&mut Bench<'_>) -> Result<Outcome, String>,
}

const CASES: &[Case] = &[
    Case {
        name: "t01",
        title: "ISR and DPC inside NdisMRegisterInterruptEx",
        run: registration::inside,
    },
    Case {
        name: "t02",
        title: "a registration that fails",
        run: registration::failing,
    },
    Case {
        name: "t03",
        title: "spurious and unknown messages",
        run: messages::run,
    },
    Case {
        name: "t04",
        title: "a storm of a neighbour on the line",
        run: line::run,
    },
    Case {
        name: "t05",
        title: "interrupts in every state",
        run: states::run,
    },
    Case {
        name: "t06",
        title: "one event at each instant of a DPC",
        run: lost::run,
    },
    Case {
        name: "t07",
        title: "DPCs in numbers, ISRs in the middle",
        run: multiplicity::run,
    },
    Case {
        name: "t08",
        title: "receive throttle",
        run: throttle::run,
    },
    Case {
        name: "t09",
        title: "a flood without end",
        run: flood::run,
    },
    Case {
        name: "t10",
        title: "deregistration against busy DPCs",
        run: deregister::run,
    },
    Case {
        name: "t11",
        title: "Disable and Enable handlers",
        run: switches::run,
    },
    Case {
        name: "t14",
        title: "rebalance: other interrupts, other CPUs",
        run: rebalance::run,
    },
    Case {
        name: "deaf",
        title: "messages that never arrive",
        run: deaf::run,
    },
    Case {
        name: "moderation",
        title: "interrupt moderation, keyword and OID",
        run: moderation::run,
    },
    Case {
        name: "place",
        title: "DPCs on RSS processors",
        run: placement::run,
    },
    Case {
        name: "poll",
        title: "NDIS poll",
        run: poll::run,
    },
];

/// Whether a scenario's name is that of all cases or of one.
pub fn is_name(name: &str) -> bool {
    name == "interrupts" || CASES.iter().any(|case| case.name == name)
}

/// Runs the cases that the scenario names; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    bench::run(config, sys, |bench| cases(config, bench))
}

fn cases(config: &HostConfig, bench: &mut Bench<'_>) -> Result<(), String> {
    let mut result = bench.running();
    for case in CASES {
        let chosen = config.scenario == "interrupts" || config.scenario == case.name;
        if result.is_err() || !chosen {
            continue;
        }
        step(&format!("{}: {}", case.name, case.title));
        let begin = time::now_ns();
        let outcome = (case.run)(bench);
        bench.rest();
        let took = (time::now_ns() - begin) / 1_000_000;
        match outcome {
            Ok(Outcome::Ran(what)) => {
                log!(
                    "case {} ran in {took} ms: {}: {what}",
                    case.name,
                    case.title
                );
            }
            Ok(Outcome::Skipped(why)) => {
                log!(
                    "case {} has nothing to do: {}: {why}",
                    case.name,
                    case.title
                );
            }
            Err(why) => {
                log!("case {} failed after {took} ms: {why}", case.name);
                result = Err(format!("{}: {why}", case.name));
            }
        }
    }
    result
}
