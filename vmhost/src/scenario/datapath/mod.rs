// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data path, every byte of it: the runner's traffic peer is the other end of the wire.
//!
//! The driver lives several times in one run, each time with another kind of interrupt and other
//! keywords. In each life every kind of frame goes both ways, with what offloads it has.

mod kinds;
mod path;
mod truth;

use super::{
    bring_up::{self, Session},
    log_or_err, report, step, tear_down,
};
use crate::{log, ndis::adapter::State, registry};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec, vec::Vec};
use path::Path;
use vmhost_proto::{Grant, HostConfig, Irq};
use vmhost_wire::frame::Twist;

/// Frames that the peer sends in one go.
const BATCH: usize = 64;

/// One life of the driver.
struct Life {
    name: &'static str,
    irq: Irq,
    messages: Option<u32>,
    keywords: &'static [(&'static str, &'static str)],
}

const LIVES: &[Life] = &[
    Life {
        name: "msix",
        irq: Irq::Msix,
        messages: None,
        keywords: &[],
    },
    Life {
        name: "msi",
        irq: Irq::Msi,
        messages: None,
        keywords: &[],
    },
    Life {
        name: "line",
        irq: Irq::Line,
        messages: None,
        keywords: &[],
    },
];

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let chosen: Vec<&Life> = LIVES
        .iter()
        .filter(|life| config.grant.irq == Irq::Auto || config.grant.irq == life.irq)
        .collect();
    for life in chosen {
        let mut config = config.clone();
        config.grant = Grant {
            irq: life.irq,
            messages: life.messages.or(config.grant.messages),
        };
        registry::init(&config);
        step(&format!("life {}", life.name));
        one(&config, sys).map_err(|why| format!("life {}: {why}", life.name))?;
    }
    Ok(())
}

/// One life, from load to unload.
fn one(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = exercise(&session);
    if let Err(what) = &result {
        log!("failed: {what}");
    }
    if session.adapter.state() == State::Running {
        log_or_err(bring_up::set_filter(&session.adapter, 0), &result)?;
        tear_down::pause(&session, NDIS_PAUSE_MINIPORT_DEVICE_REMOVE);
    }
    tear_down::unload(&session, 0);
    result
}

fn exercise(session: &Session) -> Result<(), String> {
    bring_up::restart(session)?;
    bring_up::open(session)?;
    bring_up::wait_for_link(session)?;
    let mut path = Path::new(session)?;
    receives(&mut path)?;
    sends(&mut path)?;
    let counts = path.counts;
    log!("{counts:?}");
    report::update(|report| {
        report.datapath.frames_received += counts.received;
        report.datapath.frames_sent += counts.sent;
        report.datapath.refused += counts.refused;
    });
    Ok(())
}

fn receives(path: &mut Path<'_>) -> Result<(), String> {
    step("receive");
    let most = path.most();
    let mut groups = kinds::groups(&mut path.numbers, most);
    groups.extend(kinds::strange(&mut path.numbers, most));
    for group in groups {
        for specs in group.specs.chunks(BATCH) {
            path.receive(group.name, specs)?;
        }
    }
    Ok(())
}

fn sends(path: &mut Path<'_>) -> Result<(), String> {
    step("send");
    let most = path.most();
    for group in kinds::groups(&mut path.numbers, most) {
        let frames: Vec<_> = group
            .specs
            .into_iter()
            // A protocol sends no packet that is cut off.
            .filter(|spec| !spec.twists().contains(Twist::TRUNCATED))
            .map(Path::plain)
            .collect();
        path.send(group.name, &frames)?;
    }
    malformed(path)
}

/// D-10: what cannot be sent is refused and never reaches the wire.
fn malformed(path: &mut Path<'_>) -> Result<(), String> {
    let most = path.most() as usize;
    let lists = [0, 1, 13, most + 5, most + 600, 16_384]
        .into_iter()
        .map(|length| {
            (
                vec![(vec![0x5A; length], Default::default())],
                Default::default(),
            )
        })
        .collect();
    path.refuse("malformed sends", lists)
}
