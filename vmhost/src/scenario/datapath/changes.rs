// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a protocol changes at run time, under traffic: offloads and receive-side scaling. PASSIVE.

use super::{
    super::step,
    kinds::{self, FLOWS},
    path::{Judge, Path},
    scaling::{self, Parameters},
    sending, skip,
};
use crate::ndis::offload;
use alloc::{format, string::String, vec::Vec};
use vmhost_wire::frame::Spec;

/// Sets of parameters that are tried.
const SETS: u8 = 3;

/// All changes.
pub fn all(path: &mut Path<'_>) -> Result<(), String> {
    offloads(path)?;
    scaling_on(path)
}

/// Some frames of the kinds that offloads and scaling are about.
fn traffic(path: &mut Path<'_>) -> Vec<Spec> {
    let most = path.most();
    let groups = kinds::groups(&mut path.numbers, most);
    let some = groups.into_iter().take(2).flat_map(|group| group.specs);
    some.step_by(2).collect()
}

/// Off and on again, each time with frames on their way.
fn offloads(path: &mut Path<'_>) -> Result<(), String> {
    if path.adapter().offloads.lock().is_none() {
        skip(path, "offloads at run time");
        return Ok(());
    }
    for on in [false, true] {
        let name = if on { "on" } else { "off" };
        step(&format!("offloads {name}"));
        let specs = traffic(path);
        path.case(&format!("offloads {name} under traffic"), |path, what| {
            path.receive(what, &specs, &Judge::Changing, |adapter| {
                offload::switch(adapter, on)
            })
        })?;
        let specs = traffic(path);
        path.case(&format!("receive with offloads {name}"), |path, what| {
            path.receive(what, &specs, &Judge::Steady, |_| Ok(()))
        })?;
        if on {
            sending::checksums(path)?;
        } else {
            let frames: Vec<_> = FLOWS
                .iter()
                .map(|(network, transport)| {
                    Spec::new(path.numbers.next(), 400, *network, *transport)
                })
                .map(Path::plain)
                .collect();
            path.case("send with offloads off", |path, what| {
                path.send(what, &frames)
            })?;
        }
    }
    Ok(())
}

/// Keys and tables set while frames come, and off again.
fn scaling_on(path: &mut Path<'_>) -> Result<(), String> {
    let general = path
        .adapter()
        .general
        .lock()
        .as_ref()
        .and_then(|general| general.scaling);
    let Some(can) = general else {
        skip(path, "receive-side scaling");
        return Ok(());
    };
    step(&format!("receive-side scaling, {} queue(s)", can.queues));
    for number in 0..SETS {
        let parameters = Parameters::new(number, can);
        if number == 0 && !parameters.placed {
            skip(
                path,
                "processors of receive-side scaling: not by queue, as the adapter says",
            );
        }
        let specs = traffic(path);
        path.case(
            &format!("scaling set {number} under traffic"),
            |path, what| {
                path.receive(what, &specs, &Judge::Changing, |adapter| {
                    parameters.set(adapter)
                })
            },
        )?;
        let specs = traffic(path);
        let judge = Judge::Scaled(parameters);
        path.case(&format!("scaled by set {number}"), |path, what| {
            path.receive(what, &specs, &judge, |_| Ok(()))
        })?;
    }
    let specs = traffic(path);
    path.case("scaling off under traffic", |path, what| {
        path.receive(what, &specs, &Judge::Changing, scaling::disable)
    })?;
    let specs = traffic(path);
    path.case("receive without scaling", |path, what| {
        path.receive(what, &specs, &Judge::Steady, |_| Ok(()))
    })
}
