// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every case needs: the adapter in the state it wants, one event and whether it arrives, an
//! IP stack, and the ISR called as a neighbour or a late message would have it. PASSIVE unless a
//! function says otherwise.

use super::super::{
    bring_up::{self, Session},
    frames, report, tear_down,
};
use crate::{
    machine::{cpu, interrupt as vectors, irql, thread, time},
    ndis::{
        adapter::{Adapter, State},
        dice::Dice,
        instant,
        interrupt::{
            Interrupt,
            deliver::{self, Answer},
            steer::STEER,
        },
        lifecycle,
        nbl::Shape,
        pnp, poll, receive,
        send::{self, How},
    },
    protocol::{Lease, Stack},
    verify,
};
use ::ndis::ffi::*;
use alloc::{format, string::String, sync::Arc, vec, vec::Vec};
use core::sync::atomic::Ordering;
use vmhost_proto::HostConfig;

/// How long an event may take to arrive. Nothing else happens meanwhile that could help it; the
/// emulated CPU is slow and shared.
const EVENT_LIMIT_NS: u64 = 1_200_000_000;
/// How long a lease may take.
const LEASE_LIMIT_NS: u64 = 15_000_000_000;
/// Between two events: longer than what the driver still does for the first.
const SETTLE_NS: u64 = 2_000_000;

/// The adapter under test.
pub struct Bench<'a> {
    /// The run's configuration.
    pub config: &'a HostConfig,
    /// The driver.
    pub session: &'a Session,
    /// Choices of the cases, apart from those of the host.
    pub dice: Dice,
    /// Objects that were left at halts.
    pub left: u32,
    network: Option<(Stack, Lease)>,
}

/// A run of a scenario that takes the adapter through lives of its own: starts the driver, does `work`, halts, unloads;
/// the `Err` is what failed first.
pub fn run(
    config: &HostConfig,
    sys: &[u8],
    work: impl FnOnce(&mut Bench<'_>) -> Result<(), String>,
) -> Result<(), String> {
    STEER.quiet.store(false, Ordering::Relaxed);
    let session = bring_up::start(config, sys);
    let mut bench = Bench::new(config, &session);
    let result = work(&mut bench);
    bench.rest();
    let halted = bench.halted();
    let left = bench.left;
    report::update(|report| report.ledger.at_halt += left);
    tear_down::finish(&session);
    result.and(halted)
}

impl<'a> Bench<'a> {
    /// For a driver that has just been initialised.
    fn new(config: &'a HostConfig, session: &'a Session) -> Self {
        Self {
            config,
            session,
            dice: Dice::new(config.seed ^ 0x7E57),
            left: 0,
            network: None,
        }
    }

    /// The adapter.
    pub fn adapter(&self) -> &'a Arc<Adapter> {
        &self.session.adapter
    }

    /// Its interrupt.
    pub fn interrupt(&self) -> Result<Arc<Interrupt>, String> {
        let found = self.adapter().interrupts.lock().first().cloned();
        found.ok_or_else(|| String::from("the driver has registered no interrupt"))
    }

    /// Everything back to where the dice decide.
    pub fn rest(&self) {
        instant::set_hook(None);
        STEER.rest();
    }

    /// Brings the adapter to Running, with link and filter, from wherever it is.
    pub fn running(&mut self) -> Result<(), String> {
        if self.adapter().state() == State::Halted {
            self.initialize()?;
        }
        if self.adapter().state() == State::Paused {
            bring_up::restart(self.session)?;
            bring_up::open(self.session)?;
            bring_up::wait_for_link(self.session)?;
        }
        Ok(())
    }

    /// From Halted to Paused.
    pub fn initialize(&mut self) -> Result<(), String> {
        lifecycle::initialize(self.adapter()).map_err(|status| {
            format!("MiniportInitializeEx failed with {:#010x}", status as u32)
        })?;
        pnp::power_profile(self.adapter());
        Ok(())
    }

    /// Brings the adapter to Paused.
    pub fn paused(&mut self) -> Result<(), String> {
        if self.adapter().state() == State::Halted {
            self.initialize()?;
        }
        if self.adapter().state() == State::Running {
            tear_down::pause(self.session, NDIS_PAUSE_NDIS_INTERNAL);
        }
        Ok(())
    }

    /// Brings the adapter to Halted.
    pub fn halted(&mut self) -> Result<(), String> {
        self.halted_for(NdisHaltDeviceDisabled)
    }

    /// The same with another reason.
    pub fn halted_for(&mut self, action: i32) -> Result<(), String> {
        self.network = None;
        if self.adapter().state() == State::Running {
            tear_down::pause(self.session, NDIS_PAUSE_MINIPORT_DEVICE_REMOVE);
        }
        if self.adapter().state() == State::Paused {
            tear_down::quiet(self.adapter());
            self.left += tear_down::halt(self.adapter(), action);
        }
        Ok(())
    }

    /// An IP stack with a lease.
    pub fn network(&mut self) -> Result<(&mut Stack, Lease, u16), String> {
        if self.network.is_none() {
            let mut stack = Stack::new(self.adapter().clone(), self.dice.next());
            let lease = stack.acquire_lease(LEASE_LIMIT_NS)?;
            self.network = Some((stack, lease));
        }
        let port = self.config.traffic.server_port;
        match &mut self.network {
            Some((stack, lease)) => Ok((stack, *lease, port)),
            None => Err(String::from("no network")),
        }
    }

    /// Asks `count` times for something, without waiting. The caller may be at DISPATCH.
    pub fn ask(adapter: &Arc<Adapter>, count: usize) -> Vec<usize> {
        let mac = adapter.current_mac();
        let lists = (0..count)
            .map(|_| vec![(frames::arp(mac), Shape::default())])
            .collect();
        // A DPC may be what is being looked at, so the caller's level is kept.
        let how = if irql::current() == irql::DISPATCH {
            How::Dispatch
        } else {
            How::Passive
        };
        send::submit_lists(adapter, lists, how, true)
    }

    /// One frame out and one in, then silence. Whether both events have arrived.
    pub fn event(&self) -> bool {
        thread::sleep_ns(SETTLE_NS);
        let before = self.adapter().receives.frames();
        let asked = Self::ask(self.adapter(), 1);
        self.arrived(before, 1, &asked)
    }

    /// Waits until `count` frames more than `before` have come and all of `asked` are completed.
    pub fn arrived(&self, before: u64, count: u64, asked: &[usize]) -> bool {
        let adapter = self.adapter();
        let deadline = time::now_ns() + EVENT_LIMIT_NS;
        let arrived = thread::wait_until(Some(deadline), &|| {
            adapter.receives.frames() >= before + count
                && asked.iter().all(|nbl| adapter.sends.result(*nbl).is_some())
        });
        while receive::take(adapter).is_some() {}
        arrived
    }

    /// [`Self::event`] as a check of `rule`.
    pub fn check_event(&self, rule: &'static str, after: &str) -> Result<(), String> {
        let arrived = self.event();
        let handler = self.dpc_handler()?;
        let good = verify::check_of(handler, rule, arrived, || {
            format!("one frame out and one in did not arrive within 1.2 s after {after}")
        });
        if good {
            Ok(())
        } else {
            Err(format!("an event was lost after {after}"))
        }
    }

    /// Whether every send is completed, or will be shortly.
    pub fn completed(&self) -> bool {
        let deadline = time::now_ns() + EVENT_LIMIT_NS;
        thread::wait_until(Some(deadline), &|| self.adapter().sends.outstanding() == 0)
    }

    /// Many requests at once; whether every answer arrives.
    pub fn burst(&self) -> bool {
        const COUNT: usize = 96;
        thread::sleep_ns(SETTLE_NS);
        let before = self.adapter().receives.frames();
        let asked = Self::ask(self.adapter(), COUNT);
        self.arrived(before, COUNT as u64, &asked)
    }

    /// Fetches `bytes` from the runner's server.
    pub fn download(&mut self, bytes: u64) -> Result<(), String> {
        let (stack, lease, port) = self.network()?;
        let down = stack.download(&lease, port, bytes);
        if down.digest_ok {
            Ok(())
        } else {
            Err(format!("download: {}", down.problem))
        }
    }

    /// Fetches `bytes` from the runner's server and sends as many.
    pub fn transfer(&mut self, bytes: u64) -> Result<(), String> {
        self.download(bytes)?;
        let (stack, lease, port) = self.network()?;
        let up = stack.upload(&lease, port, bytes);
        if up.digest_ok {
            Ok(())
        } else {
            Err(format!("upload: {}", up.problem))
        }
    }

    /// Whom to blame for a lost event.
    pub fn dpc_handler(&self) -> Result<verify::Handler, String> {
        Ok(if self.interrupt()?.is_message() {
            verify::Handler::MessageDpc
        } else {
            verify::Handler::Dpc
        })
    }
}

/// Calls the ISR of a message at its level, as if its vector had been raised.
pub fn call_isr(interrupt: &Arc<Interrupt>, message: usize) -> Answer {
    let old = irql::raise(interrupt.irql_of(message));
    let answer = deliver::ask_isr(interrupt, message);
    irql::lower(old);
    answer
}

/// Raises a message's vector on a CPU. Any IRQL.
pub fn raise(interrupt: &Interrupt, message: usize, cpu: usize) {
    vectors::raise(cpu, interrupt.grant.messages[message].raised);
}

/// Waits until no interrupt DPC is queued or runs, and no poll.
pub fn drain(interrupt: &Interrupt) {
    let deadline = time::now_ns() + EVENT_LIMIT_NS;
    thread::wait_until(Some(deadline), &|| {
        interrupt.slots.busy() == 0 && poll::busy() == 0
    });
}

/// Another CPU than this one, or this one when it is alone. Any IRQL.
pub fn other_cpu() -> usize {
    (cpu::id() + 1) % cpu::count()
}
