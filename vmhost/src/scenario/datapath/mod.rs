// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data path, every byte of it: the runner's traffic peer is the other end of the wire.
//!
//! The driver lives several times in one run, each time with another kind of interrupt and other
//! keywords. In each life every kind of frame goes both ways, with what offloads it has, then while they change. What
//! the driver does not advertise is skipped and told. How to add a kind of frame: see [`kinds`].

mod changes;
mod kinds;
mod link;
pub(super) mod path;
mod receiving;
pub(super) mod scaling;
mod sending;
mod truth;
pub(super) mod vlan;

use super::{
    bring_up::{self, Session},
    log_or_err, report,
    statistics::{self, Failed},
    step, tear_down,
};
use crate::{log, ndis::adapter::State, registry};
use ::ndis::ffi::*;
use alloc::{format, string::String};
use path::Path;
use vmhost_proto::{HostConfig, Irq, RegistryValue};

/// One life of the driver.
struct Life {
    name: &'static str,
    irq: Irq,
    keywords: &'static [(&'static str, &'static str)],
}

const LIVES: &[Life] = &[
    Life {
        name: "msix",
        irq: Irq::Msix,
        keywords: &[],
    },
    Life {
        name: "msix, jumbo frames",
        irq: Irq::Msix,
        keywords: &[("*JumboPacket", "9014")],
    },
    Life {
        name: "msi, one message, odd rings",
        irq: Irq::Msi,
        // Multiples of 8 that are no powers of two.
        keywords: &[
            ("*TransmitBuffers", "88"),
            ("*ReceiveBuffers", "104"),
            ("VlanID", "291"),
        ],
    },
    Life {
        name: "msix, one queue, no VLANs",
        irq: Irq::Msix,
        keywords: &[("*NumRssQueues", "1"), ("*PriorityVLANTag", "1")],
    },
    Life {
        name: "msix, no offload but VLANs",
        irq: Irq::Msix,
        keywords: &[
            ("*IPChecksumOffloadIPv4", "0"),
            ("*TCPChecksumOffloadIPv4", "0"),
            ("*UDPChecksumOffloadIPv4", "0"),
            ("*TCPChecksumOffloadIPv6", "0"),
            ("*UDPChecksumOffloadIPv6", "0"),
            ("*LsoV2IPv4", "0"),
            ("*LsoV2IPv6", "0"),
            ("*PriorityVLANTag", "2"),
        ],
    },
    Life {
        name: "line",
        irq: Irq::Line,
        keywords: &[],
    },
    Life {
        name: "line, no tags, no scaling",
        irq: Irq::Line,
        keywords: &[("*PriorityVLANTag", "0"), ("*RSS", "0")],
    },
];

/// Runs it; the `Err` is what failed first.
pub fn run(config: &HostConfig, sys: &[u8]) -> Result<(), String> {
    let chosen = LIVES
        .iter()
        .filter(|life| config.grant.irq == Irq::Auto || config.grant.irq == life.irq);
    for life in chosen {
        let mut config = config.clone();
        if let Some(unknown) = life.set(&mut config) {
            tell_skipped(&format!("the INF has no {unknown}"), life.name);
            continue;
        }
        config.grant.irq = life.irq;
        registry::init(&config);
        step(&format!("life {}", life.name));
        one(&config, sys, life.name).map_err(|why| format!("life {}: {why}", life.name))?;
    }
    Ok(())
}

impl Life {
    /// Sets the keywords; one that the INF does not have comes back.
    fn set(&self, config: &mut HostConfig) -> Option<&'static str> {
        for (name, value) in self.keywords {
            let keywords = &mut config.install.keywords;
            let Some(keyword) = keywords.iter_mut().find(|keyword| keyword.name == *name) else {
                return Some(name);
            };
            keyword.value = RegistryValue::Sz((*value).into());
        }
        None
    }
}

/// Something that the driver does not advertise the means for in this life.
fn skip(path: &Path<'_>, what: &str) {
    tell_skipped(what, path.life);
}

/// What is skipped, with the lives that skip it.
fn tell_skipped(what: &str, life: &str) {
    log!("skipped: {what}");
    report::update(|report| {
        let skipped = &mut report.datapath.skipped;
        let same = |old: &&mut String| {
            old.strip_prefix(what)
                .is_some_and(|rest| rest.starts_with(" ("))
        };
        match skipped.iter_mut().find(same) {
            // The newest is the last.
            Some(old)
                if old.ends_with(&format!("({life})")) || old.ends_with(&format!("; {life})")) => {}
            Some(old) => {
                old.pop();
                old.push_str(&format!("; {life})"));
            }
            None => skipped.push(format!("{what} ({life})")),
        }
    });
}

/// One life, from load to unload.
fn one(config: &HostConfig, sys: &[u8], life: &'static str) -> Result<(), String> {
    let session = bring_up::start(config, sys);
    let result = exercise(config, &session, life);
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

fn exercise(config: &HostConfig, session: &Session, life: &'static str) -> Result<(), String> {
    bring_up::restart(session)?;
    bring_up::connect(session)?;
    bring_up::wait_for_link(session)?;
    let mut path = Path::new(session, life)?;
    vlan::at_the_start(&mut path, config)?;
    let result = receiving::all(&mut path)
        .and_then(|()| sending::all(&mut path))
        .and_then(|()| counted(&mut path))
        .and_then(|()| vlan::all(&mut path))
        .and_then(|()| sending::large(&mut path))
        .and_then(|()| changes::all(&mut path))
        .and_then(|()| counted(&mut path))
        // Behind the statistics: nobody knows how many frames are lost.
        .and_then(|()| link::all(&mut path));
    let counts = path.counts;
    log!(
        "{} frames received, {} sent, {} refused",
        counts.received,
        counts.sent,
        counts.refused
    );
    report::update(|report| {
        report.datapath.frames_received += counts.received;
        report.datapath.frames_sent += counts.sent;
        report.datapath.refused += counts.refused;
    });
    result
}

/// U-07: the statistics, exactly.
fn counted(path: &mut Path<'_>) -> Result<(), String> {
    step("statistics");
    path.case("statistics", |path, _| {
        let (_, on_the_wire) = path.peer.totals()?;
        statistics::check_exactly(path.adapter(), &on_the_wire, &path.received);
        let failed = Failed {
            out_errors: path.counts.refused,
            // Every send is waited for.
            out_discards: 0,
            in_errors: path.counts.bad,
        };
        statistics::check_failed(path.adapter(), failed);
        Ok(())
    })
}
