// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocol driver above the miniport: smoltcp over the miniport's send and receive handlers.
//!
//! Checksums and segmentation are the miniport's where its configuration says so, else the stack's own.
//! Runs in one PASSIVE thread. It sees frames only; every net buffer list is made and taken apart
//! in [`crate::ndis`].

mod dhcp;
mod nic;
mod offload;
mod ping;
mod transfer;

use crate::{
    machine::{thread, time},
    ndis::adapter::Adapter,
};
use alloc::{sync::Arc, vec};
use nic::Nic;
pub use offload::Counts;
use smoltcp::{
    iface::{Config, Interface, SocketSet},
    time::Instant,
    wire::{EthernetAddress, Ipv4Address},
};

/// What the protocol may know and use once it has a lease.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// Our address.
    pub address: Ipv4Address,
    /// The gateway; the peer of every transfer.
    pub gateway: Ipv4Address,
}

/// One IPv4 stack bound to one adapter.
pub struct Stack {
    interface: Interface,
    sockets: SocketSet<'static>,
    nic: Nic,
    seed: u64,
    next_port: u16,
}

impl Stack {
    /// Binds a stack to `adapter`, which must be Running. `seed` chooses ports, transaction
    /// ids and payloads.
    pub fn new(adapter: Arc<Adapter>, seed: u64) -> Self {
        let mac = adapter.current_mac();
        let mut nic = Nic::new(adapter);
        let mut config = Config::new(EthernetAddress(mac).into());
        config.random_seed = seed;
        let interface = Interface::new(config, &mut nic, now());
        Self {
            interface,
            sockets: SocketSet::new(vec![]),
            nic,
            seed,
            // Another one each run, so that a peer never sees an old connection again.
            next_port: 49_152 + (seed % 8192) as u16,
        }
    }

    /// What was left to the miniport so far.
    pub fn counts(&self) -> Counts {
        self.nic.counts()
    }

    /// Runs the stack until `step` has a result or `deadline_ns` has passed (`None`).
    fn run<T>(
        &mut self,
        deadline_ns: u64,
        mut step: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<T> {
        loop {
            self.interface.poll(now(), &mut self.nic, &mut self.sockets);
            self.nic.flush();
            if let Some(result) = step(self) {
                // What the step wrote must leave before the caller goes on to something else.
                self.interface.poll(now(), &mut self.nic, &mut self.sockets);
                self.nic.flush();
                return Some(result);
            }
            let now_ns = time::now_ns();
            if now_ns >= deadline_ns {
                return None;
            }
            let delay = self
                .interface
                .poll_delay(now(), &self.sockets)
                .map_or(u64::MAX, |d| d.total_micros().saturating_mul(1000));
            let until = now_ns.saturating_add(delay).min(deadline_ns);
            if delay > 0 {
                let nic = &self.nic;
                thread::wait_until(Some(until), &|| nic.ready());
            } else {
                // What makes room for it may be a thread of this CPU.
                thread::yield_now();
            }
        }
    }
}

/// smoltcp's clock.
fn now() -> Instant {
    Instant::from_micros(i64::try_from(time::now_ns() / 1000).unwrap_or(i64::MAX))
}
