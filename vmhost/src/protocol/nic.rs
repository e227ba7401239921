// SPDX-License-Identifier: MIT OR Apache-2.0
//! smoltcp's view of the adapter: a queue of received frames and a batch of frames to send.
//!
//! PASSIVE only. Frames written by smoltcp are collected and handed to the miniport in batches,
//! so that chains of several net buffer lists occur in ordinary traffic.

use super::offload::{Counts, Offload};
use crate::ndis::{adapter::Adapter, receive, send};
use alloc::{sync::Arc, vec, vec::Vec};
use smoltcp::{
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    time::Instant,
};

/// Frames handed to the miniport in one call at most.
const BATCH: usize = 16;
/// Net buffer lists that may be with the miniport before the stack holds back.
const IN_FLIGHT: usize = 128;
/// Bytes of an Ethernet header, added to the miniport's MTU.
const HEADER: usize = 14;

/// The device under the stack.
pub struct Nic {
    adapter: Arc<Adapter>,
    pending: Vec<Vec<u8>>,
    offload: Offload,
}

impl Nic {
    /// The device for `adapter`.
    pub fn new(adapter: Arc<Adapter>) -> Self {
        Self {
            offload: Offload::of(&adapter),
            adapter,
            pending: Vec::new(),
        }
    }

    /// Hands the collected frames to the miniport.
    pub fn flush(&mut self) {
        if !self.pending.is_empty() {
            let frames = self.offload.prepare(core::mem::take(&mut self.pending));
            send::submit(&self.adapter, frames);
        }
    }

    /// What was left to the miniport so far.
    pub fn counts(&self) -> Counts {
        self.offload.counts
    }

    /// Whether a poll would find something to do.
    pub fn ready(&self) -> bool {
        receive::pending(&self.adapter)
    }

    fn room(&self) -> bool {
        self.pending.len() < BATCH && self.adapter.sends.outstanding() < IN_FLIGHT
    }
}

impl Device for Nic {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmit<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Transmit<'_>)> {
        if self.pending.len() >= BATCH {
            self.flush();
        }
        loop {
            let frame = receive::take(&self.adapter)?;
            if self.offload.accepts(&frame) {
                return Some((Received(frame.bytes), Transmit(&mut self.pending)));
            }
        }
    }

    fn transmit(&mut self, _: Instant) -> Option<Transmit<'_>> {
        if self.pending.len() >= BATCH {
            self.flush();
        }
        self.room().then_some(Transmit(&mut self.pending))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.adapter.mtu() + HEADER;
        capabilities.max_burst_size = Some(BATCH);
        capabilities.checksum = self.offload.capabilities();
        capabilities
    }
}

/// A received frame.
pub struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// Permission to send one frame.
pub struct Transmit<'a>(&'a mut Vec<Vec<u8>>);

impl TxToken for Transmit<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        self.0.push(frame);
        result
    }
}
