// SPDX-License-Identifier: MIT OR Apache-2.0
//! The runner's traffic peer as the scenarios see it: requests over the serial line. PASSIVE.

use crate::machine::{serial, time};
use alloc::{format, string::String, vec, vec::Vec};
use vmhost_wire::control::{self, Expected, FloodState, MAX_MESSAGE, Reply, Request, Seen, Totals};
use vmhost_wire::frame::Spec;

/// How long the peer may take to answer, besides what it is asked to wait.
const LIMIT_NS: u64 = 20_000_000_000;
/// How long frames on their way to the peer may take. Nothing waits for this long but a failure.
const COLLECT_MS: u32 = 10_000;

/// The line to the peer.
pub struct Peer(());

impl Peer {
    /// Finds the peer and tells it who the guest is.
    pub fn connect(guest: [u8; 6]) -> Result<Self, String> {
        if !serial::init() {
            return Err(String::from(
                "the machine has no serial line to a traffic peer",
            ));
        }
        let peer = Self(());
        peer.done(&Request::Hello { guest })?;
        Ok(peer)
    }

    /// Has the peer send frames, in order.
    pub fn send(&self, specs: &[Spec]) -> Result<(), String> {
        self.done(&Request::Send(specs.to_vec()))
    }

    /// Tells the peer what will come.
    pub fn expect(&self, frames: Vec<Expected>) -> Result<(), String> {
        self.done(&Request::Expect(frames))
    }

    /// Waits until the peer has seen what it expects, and tells.
    pub fn collect(&self) -> Result<Seen, String> {
        match self.ask(&Request::Collect {
            limit_ms: COLLECT_MS,
        })? {
            Reply::Seen(seen) => Ok(seen),
            other => Err(odd(&other)),
        }
    }

    /// Has the peer send so many flood frames, as fast as they are taken.
    pub fn flood(&self, frames: u64, length: usize) -> Result<(), String> {
        self.done(&Request::Flood {
            frames,
            length: length as u32,
        })
    }

    /// Has the peer send so many frames of the flood of many flows.
    pub fn flood_of_flows(&self, frames: u64) -> Result<(), String> {
        self.done(&Request::Flows { frames })
    }

    /// Pulls the cable, or plugs it in.
    pub fn set_link(&self, up: bool) -> Result<(), String> {
        self.done(&Request::Link { up })
    }

    /// How the floods stand.
    pub fn flood_state(&self) -> Result<FloodState, String> {
        match self.ask(&Request::FloodState)? {
            Reply::Flood(state) => Ok(state),
            other => Err(odd(&other)),
        }
    }

    /// What went over the wire: to the guest, from the guest.
    pub fn totals(&self) -> Result<(Totals, Totals), String> {
        match self.ask(&Request::Totals)? {
            Reply::Totals { sent, received } => Ok((sent, received)),
            other => Err(odd(&other)),
        }
    }

    fn done(&self, request: &Request) -> Result<(), String> {
        match self.ask(request)? {
            Reply::Done => Ok(()),
            other => Err(odd(&other)),
        }
    }

    fn ask(&self, request: &Request) -> Result<Reply, String> {
        let bytes = control::encode(request)
            .ok_or_else(|| String::from("a request to the traffic peer cannot be written"))?;
        serial::send(&bytes);
        let deadline = time::now_ns() + LIMIT_NS;
        let silent = || String::from("the traffic peer does not answer");
        let mut length = [0; 4];
        if !serial::receive(&mut length, deadline) {
            return Err(silent());
        }
        let length = (u32::from_le_bytes(length) as usize).min(MAX_MESSAGE);
        let mut body = vec![0; length];
        if !serial::receive(&mut body, deadline) {
            return Err(silent());
        }
        match control::decode(&body) {
            Some(Reply::Failed(why)) => Err(format!("the traffic peer: {why}")),
            Some(reply) => Ok(reply),
            None => Err(String::from("the traffic peer's answer cannot be read")),
        }
    }
}

fn odd(reply: &Reply) -> String {
    format!("the traffic peer answered {reply:?} to something else")
}
