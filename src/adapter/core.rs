// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the interrupt handlers, the data path and the OIDs share.
//!
//! A [`Core`] is owned by the adapter and by the interrupt registration; it is freed when NDIS has let go of both.

use super::counters::ChipCounters;
use super::device::Bar;
use super::gate::{Closed, Gate};
use super::link::{self, Flow, Indicated};
use super::place::Homes;
use super::poll::QueuePoll;
use super::watch::Watch;
use crate::config::Settings;
use crate::hw::errata::Errata;
use crate::hw::filter::{self, Accept, HashTable};
use crate::hw::mmio::Mmio;
use crate::hw::regs::QUEUES;
use crate::irq::clock::{Epoch, Timer};
use crate::irq::moderation::{Adaptive, Moderation};
use crate::irq::vectors::confirm_gone;
use crate::irq::{Interrupts, Messages, Setup, VECTORS, report, selftest};
use crate::net::feed::Rules;
use crate::net::filter::{
    ALL_MULTICAST, BROADCAST, MAX_MULTICAST, MULTICAST, PROMISCUOUS, PacketFilter,
};
use crate::net::frame::ADDRESS_LEN;
use crate::net::offload::Offload;
use crate::net::receive::Receiver;
use crate::net::rss::Rss;
use crate::net::send::Sender;
use crate::net::statistics::Statistics;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use ndis::adapter::AdapterHandle;
use ndis::irql::{AtMost, Dispatch, Irql, Passive};
use ndis::miniport::{Outcome as PauseOutcome, PauseRequest, PendingPause};
use ndis::poll::PollSlot;
use ndis::spin::SpinLock;
use ndis::status::{Result, Status};

/// Microseconds after which a DPC lets others run and is queued again. Checked once a chunk of frames.
const BUDGET_US: u64 = 500;

/// Where a pause stands.
#[derive(Debug)]
enum Pausing {
    /// No pause is waiting.
    No,
    /// The last one out completes it.
    Waiting(PendingPause),
    /// The last one left before the pause could be stored.
    LastLeft,
}

/// The shared part of one adapter.
#[derive(Debug)]
pub struct Core {
    /// NDIS' handle of the adapter.
    pub handle: AdapterHandle,
    /// The registers.
    pub mmio: Bar,
    /// The keywords.
    pub settings: Settings,
    /// Workarounds in force.
    pub errata: Errata,
    /// The address in the NVM.
    pub permanent_address: [u8; 6],
    /// The address in use.
    pub current_address: [u8; 6],
    /// Vectors.
    pub irq: Interrupts,
    /// The set-up that passed the self-test. At PASSIVE_LEVEL only, where NDIS serialises whoever looks.
    setup: ndis::claim::Claim<Option<Setup>>,
    /// Messages granted; 0 on the line.
    messages: AtomicU32,
    /// When the adapter was made, on both clocks.
    epoch: Epoch,
    /// [`BUDGET_US`] in time-stamp cycles; without bound until the self-test has passed.
    pub(super) dpc_cycles: AtomicU64,
    /// Receive, per queue; the second has no ring unless two queues are in use.
    pub receivers: [Receiver; QUEUES],
    /// Receive-side scaling.
    pub rss: Rss,
    /// Where DPCs run.
    pub(super) homes: Homes,
    /// One poll object for each vector with queues, where NDIS polls.
    pub(super) polls: [PollSlot<QueuePoll>; VECTORS],
    /// Transmit.
    pub sender: Sender,
    /// Who is in the data path.
    pub gate: Gate,
    /// What the protocol wants to see.
    pub filter: PacketFilter,
    /// Offloads, one word.
    pub offload: Offload,
    /// Counters.
    pub statistics: Statistics,
    /// The link as NDIS knows it.
    pub indicated: Indicated,
    /// Which of two queues that share a vector comes first next.
    pub(super) turn: AtomicBool,
    /// Flow control.
    pub flow: Flow,
    /// Held by whoever changes the chip at PASSIVE_LEVEL.
    pub(super) chip: ndis::claim::Claim<()>,
    /// Sends that the chip does not finish.
    pub(super) watch: Watch,
    /// The chip's counters.
    pub counters: ChipCounters,
    pausing: SpinLock<Pausing>,
    /// Link events are looked at. Not before the self-test is over, which raises them: the link is down until
    /// initialisation says otherwise (U-04).
    pub(super) watching: AtomicBool,
    /// In a low-power state.
    pub(super) asleep: AtomicBool,
    /// OID_GEN_INTERRUPT_MODERATION.
    pub(super) moderated: AtomicBool,
    pub(super) adaptive: [Adaptive; VECTORS],
}

/// What [`Core::new`] needs.
#[derive(Debug)]
pub struct Parts {
    /// NDIS' handle of the adapter.
    pub handle: AdapterHandle,
    /// The registers.
    pub mmio: Bar,
    /// The keywords.
    pub settings: Settings,
    /// The address in the NVM.
    pub permanent_address: [u8; 6],
    /// The address in use.
    pub current_address: [u8; 6],
}

impl Core {
    /// A core with its vectors offline and its gate closed: every handler may run.
    pub fn new(parts: Parts) -> Self {
        Self {
            handle: parts.handle,
            mmio: parts.mmio,
            settings: parts.settings,
            errata: Errata::default(),
            permanent_address: parts.permanent_address,
            current_address: parts.current_address,
            irq: Interrupts::new(),
            setup: ndis::claim::Claim::new(None),
            messages: AtomicU32::new(0),
            epoch: Epoch::now(),
            dpc_cycles: AtomicU64::new(u64::MAX),
            receivers: [Receiver::new(0), Receiver::new(1)],
            rss: Rss::new(),
            homes: Homes::new(),
            polls: [const { PollSlot::new() }; VECTORS],
            sender: Sender::new(),
            gate: Gate::new(),
            filter: PacketFilter::new(),
            offload: Offload::new(parts.settings.offloads),
            statistics: Statistics::default(),
            indicated: Indicated::new(),
            turn: AtomicBool::new(false),
            flow: Flow::new(),
            chip: ndis::claim::Claim::new(()),
            watch: Watch::new(),
            counters: ChipCounters::new(),
            pausing: SpinLock::new(Pausing::No),
            watching: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            moderated: AtomicBool::new(parts.settings.moderation != Moderation::Off),
            adaptive: Default::default(),
        }
    }

    /// The device has been found removed.
    pub fn is_gone(&self) -> bool {
        self.mmio.is_gone()
    }

    /// Why sends are refused at this moment.
    pub fn refusal(&self) -> Status {
        if self.is_gone() {
            Status::NOT_ACCEPTED
        } else if self.asleep.load(Ordering::Relaxed) {
            Status::LOW_POWER_STATE
        } else {
            Status::PAUSED
        }
    }

    /// What sends are judged by now.
    #[inline]
    pub fn send_rules(&self) -> Rules {
        Rules {
            offloads: self.offload.get(),
            max_frame: self.settings.max_frame(),
            gone: self.is_gone(),
        }
    }

    /// Receive queues in use: 1 or 2.
    #[inline]
    pub fn queues(&self) -> usize {
        usize::from(self.settings.receive_queues)
    }

    /// Messages granted; 0 on the line.
    pub fn messages(&self) -> u32 {
        self.messages.load(Ordering::Relaxed)
    }

    /// In a low-power state: no register is touched.
    pub fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    /// The moderation in force.
    pub fn moderation(&self) -> Moderation {
        match (self.moderated.load(Ordering::Relaxed), self.settings.rate) {
            (false, _) => Moderation::Off,
            // Switched on at run time where the keyword names no rate.
            (true, Moderation::Off) => Moderation::Adaptive,
            (true, rate) => rate,
        }
    }

    /// Remembers the set-up that passed the self-test, and what NDIS granted. PASSIVE_LEVEL, in initialisation.
    pub fn set_setup(&self, setup: Setup, messages: u32) {
        self.messages.store(messages, Ordering::Relaxed);
        // By now some milliseconds have passed on both clocks.
        match self.epoch.hertz() {
            0 => {}
            hertz => self
                .dpc_cycles
                .store(hertz / 1_000_000 * BUDGET_US, Ordering::Relaxed),
        }
        if let Some(mut slot) = self.setup.try_claim() {
            *slot = Some(setup);
        }
    }

    /// Looks at the link from here on, and now: an event that came before is not lost. PASSIVE_LEVEL.
    pub fn watch_link(&self, irql: &Irql<Passive>) {
        // Release: whoever sees it also sees what was set up.
        self.watching.store(true, Ordering::Release);
        link::look(self, irql);
    }

    /// Microseconds that the slowest vector took in the last self-test. PASSIVE_LEVEL.
    pub fn slowest_vector_us(&self) -> u32 {
        self.setup().map_or(0, |setup| {
            let entries = self.irq.entries(&setup);
            let used = entries.iter().filter(|e| !e.roles.is_empty());
            used.map(|e| e.self_test_us).max().unwrap_or(0)
        })
    }

    /// The interrupt record. PASSIVE_LEVEL. `None` before the grant is known.
    pub fn interrupt_record(&self) -> Option<[u8; report::BYTES]> {
        let setup = self.setup()?;
        let messages = self.messages.load(Ordering::Relaxed);
        let entries = self.irq.entries(&setup);
        Some(report::encode(
            &setup.map,
            messages,
            self.epoch.hertz(),
            &entries,
        ))
    }

    /// Raises every vector once and waits for it. PASSIVE_LEVEL; traffic may go on.
    pub fn self_test(&self, irql: &Irql<Passive>) -> Result<()> {
        if self.asleep.load(Ordering::Relaxed) {
            return Err(Status::LOW_POWER_STATE);
        }
        let setup = self.setup().ok_or(Status::FAILURE)?;
        let clock = Timer::start(irql);
        let report = selftest::run(&self.irq, &self.mmio, &setup, &clock, selftest::BOUND_US);
        if report.passed() {
            Ok(())
        } else {
            Err(Status::HARD_ERRORS)
        }
    }

    /// The messages in use whose last self-test failed. PASSIVE_LEVEL.
    pub fn untested(&self) -> Messages {
        let mut missing = Messages::NONE;
        if let Some(setup) = self.setup() {
            for (message, entry) in self.irq.entries(&setup).iter().enumerate() {
                if !entry.roles.is_empty() && entry.self_test_us == crate::irq::record::NEVER {
                    missing.insert(message);
                }
            }
        }
        missing
    }

    /// The set-up of the grant.
    pub(super) fn setup(&self) -> Option<Setup> {
        self.setup.try_claim().and_then(|slot| *slot)
    }

    /// Gives rings, buffers and DMA back, and with them the cycle of owners. PASSIVE_LEVEL; the chip has been stopped,
    /// no handler runs any more, nobody is in the data path.
    pub fn release(&self, irql: &mut Irql<Passive>) {
        for receiver in &self.receivers {
            drop(receiver.take());
        }
        let rings = self.sender.take(irql);
        drop(rings);
    }

    /// OID_GEN_INTERRUPT_MODERATION: switches the throttle interval. The arming stays as it was set up: always-armed
    /// vectors keep the chip's shortest interval.
    pub fn set_moderation(&self, on: bool) {
        self.moderated.store(on, Ordering::Relaxed);
        let interval = self.moderation().initial_interval();
        if let Some(mut slot) = self.setup.try_claim()
            && let Some(setup) = &mut *slot
        {
            // What a later power-up programs.
            setup.interval = interval;
        }
        for (message, adaptive) in (0u32..).zip(&self.adaptive) {
            adaptive.reset();
            self.irq.set_interval(&self.mmio, message, interval);
        }
    }

    /// The packet filter or the multicast list is another one. PASSIVE_LEVEL: OIDs are serialised.
    pub fn filter_changed(&self) {
        // W-06, W-07: asleep, the way up programs it.
        if !self.is_asleep() {
            self.program_filter();
        }
    }

    /// Writes the packet filter and the multicast hash to the chip. PASSIVE_LEVEL: OIDs are serialised.
    pub fn program_filter(&self) {
        if self.is_gone() {
            return;
        }
        let types = self.filter.types();
        let mut list = [[0; ADDRESS_LEN]; MAX_MULTICAST];
        let mut count = 0;
        if types & MULTICAST != 0 {
            for (slot, address) in list.iter_mut().zip(self.filter.multicast()) {
                *slot = address;
                count += 1;
            }
        }
        HashTable::of(list.iter().take(count)).write(&self.mmio);
        filter::set_accept(
            &self.mmio,
            Accept {
                broadcast: types & BROADCAST != 0,
                all_multicast: types & ALL_MULTICAST != 0,
                promiscuous: types & PROMISCUOUS != 0,
            },
        );
    }

    /// `n` objects leave the data path; the last one completes a pause. At most DISPATCH_LEVEL, no lock held.
    pub fn leave<L: AtMost<Dispatch>>(&self, n: u32, irql: &mut Irql<L>) {
        if n == 0 || !self.gate.leave(n) {
            return;
        }
        let mut pausing = self.pausing.lock(irql);
        let before = core::mem::replace(&mut *pausing, Pausing::No);
        let pending = match before {
            Pausing::Waiting(pending) => Some(pending),
            Pausing::No | Pausing::LastLeft => {
                *pausing = Pausing::LastLeft;
                None
            }
        };
        drop(pausing);
        if let Some(pending) = pending {
            pending.complete(irql);
        }
    }

    /// Surprise removal: nothing is touched any more (S-06). What the rings hold comes back, which also ends a pause that
    /// waits for it (S-08); sends that come from now on are refused.
    pub fn removed(&self, irql: &mut Irql<Passive>) {
        self.mmio.mark_removed();
        self.sender.abandon(self, irql);
    }

    /// MiniportPause: nobody comes in any more; done when everybody is out (P-01 to P-06). Until then the watch goes on: a
    /// send that NDIS maps late still reaches a chip that may not send.
    pub fn pause(&self, request: PauseRequest, irql: &mut Irql<Passive>) -> PauseOutcome {
        if self.gate.close() == Closed::Empty {
            self.watch.stop(irql);
            return request.done();
        }
        // S-07: a chip that is gone finishes nothing, and nobody may have said so yet.
        if self.is_gone() || !self.is_asleep() && confirm_gone(&self.mmio) {
            // S-06: the chip reports nothing any more.
            self.sender.abandon(self, irql);
        } else {
            // What waits in the software queue is not sent any more; what the chip has is finished by it, if it can.
            self.sender.abort_queued(self, irql);
            self.flush_sends(irql);
        }
        let mut pausing = self.pausing.lock(irql);
        if matches!(*pausing, Pausing::LastLeft) {
            *pausing = Pausing::No;
            drop(pausing);
            self.watch.stop(irql);
            return request.done();
        }
        let (pending, outcome) = request.pend();
        *pausing = Pausing::Waiting(pending);
        outcome
    }
}
