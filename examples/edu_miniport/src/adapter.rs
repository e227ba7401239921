// SPDX-License-Identifier: MIT OR Apache-2.0
//! One adapter: initialisation, pause and restart, and the frames between send and receive.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use ndis::adapter::{AdapterHandle, LinkState};
use ndis::attributes::{GeneralAttributes, RegistrationAttributes};
use ndis::dma::{MappedNetBuffer, ScatterGatherDma, SgDma, SgListHandler};
use ndis::ffi::{NDIS_PORT_NUMBER, NdisDevicePnPEventSurpriseRemoved};
use ndis::init::Init;
use ndis::interrupt::{Interrupt, Throttle};
use ndis::io::IoSpace;
use ndis::irql::{AtMost, AtMostDispatch, Dispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::miniport::*;
use ndis::nbl::{NblPool, ReceiveChain, ReceiveNbl, SendChain, TxNetBuffer};
use ndis::oid::OidRequest;
use ndis::spin::SpinLock;
use ndis::status::{Result, Status};

use crate::interrupt::{CHARACTERISTICS, Handlers};
use crate::oids;
use crate::registers::Registers;

/// Largest frame, without FCS.
pub const FRAME: u32 = 1514;
/// Shortest frame, without FCS: shorter ones are padded with zeros.
const SHORTEST: usize = 60;
/// Receive buffers.
pub const BUFFERS: u32 = 64;
/// Bytes from one buffer to the next.
const STRIDE: u32 = 2048;
/// Bit/s that the adapter claims.
const SPEED: u64 = 1_000_000_000;
/// Frames in one DPC without a limit from NDIS.
const BUDGET: u32 = 64;
/// Locally administered.
const ADDRESS: [u8; 6] = [0x02, 0xED, 0x00, 0x00, 0x11, 0xE8];
/// Pool tag.
const TAG: u32 = u32::from_le_bytes(*b"Edu1");

/// The miniport.
pub struct Driver;

/// What the interrupt handlers share with the adapter.
pub struct Core {
    /// The device.
    pub registers: Registers,
    /// The adapter, for NDIS.
    pub handle: AdapterHandle,
    /// Where the frames are.
    pub frames: SpinLock<Frames>,
    removed: AtomicBool,
    /// The packet filter as set.
    pub filter: AtomicU32,
    /// Frames sent.
    pub sent: AtomicU64,
    /// Bytes sent.
    pub sent_bytes: AtomicU64,
    /// Frames indicated.
    pub received: AtomicU64,
    /// Frames without a buffer.
    pub dropped: AtomicU64,
}

/// Receive buffers and where they are.
pub struct Frames {
    /// Between restart and pause.
    pub running: bool,
    /// Empty.
    pub free: ReceiveChain,
    /// Filled, waiting for the DPC.
    pub ready: ReceiveChain,
    /// In NDIS' hands.
    pub indicated: usize,
    pause: Option<PendingPause>,
}

/// One adapter. The interrupt goes first, the DMA that owns the buffers' memory last.
pub struct Adapter {
    /// The line, or one message.
    pub interrupt: Interrupt<Handlers>,
    /// What its handlers have too.
    pub core: Shared<Core>,
    /// Owns the shared memory.
    pub dma: ScatterGatherDma<NoDma>,
}

/// The device does not fetch frames; shared memory comes with a DMA registration.
pub struct NoDma;

impl SgListHandler for NoDma {
    fn process(&self, mapped: MappedNetBuffer, _: &mut Irql<Dispatch>) {
        drop(mapped);
    }
}

impl Core {
    /// Moves a frame to the receive side; `false` if it was dropped.
    fn loop_back<L: AtMost<Dispatch>>(&self, nb: &TxNetBuffer, irql: &mut Irql<L>) -> Result<()> {
        let length = nb.data_length() as usize;
        if length < 14 || length > FRAME as usize {
            return Err(Status::INVALID_LENGTH);
        }
        let mut frame = [0; FRAME as usize];
        let copied = nb.copy_to(&mut frame[..length], irql)?.max(SHORTEST);
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.sent_bytes.fetch_add(copied as u64, Ordering::Relaxed);
        if self.filter.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let mut frames = self.frames.lock(irql);
        if !frames.running {
            return Ok(());
        }
        let Some(mut nbl) = frames.free.pop() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        nbl.fill(&frame[..copied]);
        match nbl.prepare(copied as u32) {
            Ok(()) => frames.ready.push(nbl),
            Err(_) => frames.free.push(nbl),
        }
        Ok(())
    }

    /// Moves all frames of a chain; the chain to complete.
    pub fn loop_back_all<L: AtMost<Dispatch>>(
        &self,
        mut nbls: SendChain,
        irql: &mut Irql<L>,
    ) -> SendChain {
        let mut done = SendChain::new(self.handle);
        while let Some(nbl) = nbls.pop() {
            match nbl.split() {
                Ok(parts) => {
                    for nb in parts {
                        let status = Status::from(self.loop_back(&nb, irql));
                        if let Some(nbl) = nb.finish(status) {
                            done.push(nbl);
                        }
                    }
                }
                Err(empty) => done.push(empty),
            }
        }
        done
    }

    /// Indicates what is ready, within the throttle. DPC.
    pub fn indicate(&self, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
        let mut chain = ReceiveChain::new();
        let more = {
            let mut frames = self.frames.lock(irql);
            let most = throttle.remaining().min(BUDGET) as usize;
            while frames.running && chain.len() < most {
                let Some(nbl) = frames.ready.pop() else { break };
                chain.push(nbl);
            }
            frames.indicated += chain.len();
            frames.running && !frames.ready.is_empty()
        };
        let count = chain.len();
        throttle.indicated(count as u32);
        self.received.fetch_add(count as u64, Ordering::Relaxed);
        chain.indicate(&self.handle, 0, irql);
        // With a limit NDIS calls again; without one the device does.
        if more && !throttle.more_pending() && !self.removed.load(Ordering::Relaxed) {
            self.registers.raise();
        }
    }

    /// Takes buffers back; completes a pause that waited for them.
    fn take_back<L: AtMost<Dispatch>>(&self, mut nbls: ReceiveChain, irql: &mut Irql<L>) {
        let pause = {
            let mut frames = self.frames.lock(irql);
            frames.indicated = frames.indicated.saturating_sub(nbls.len());
            frames.free.append(&mut nbls);
            if frames.indicated == 0 {
                frames.pause.take()
            } else {
                None
            }
        };
        if let Some(pause) = pause {
            pause.complete(irql);
        }
    }
}

impl Miniport for Driver {
    type Adapter = Adapter;

    fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<Adapter> {
        let own = init.configuration(irql)?.network_address();
        let (start, length) = init
            .resources()
            .memory(0)
            .ok_or(Status::RESOURCE_CONFLICT)?;
        let registered = init.register(&RegistrationAttributes::PCI, irql)?;
        let handle = registered.adapter();
        let general = GeneralAttributes {
            current_address: own.unwrap_or(ADDRESS),
            link: LinkState::up(SPEED, true),
            ..GeneralAttributes::ethernet(ADDRESS, SPEED, &oids::SUPPORTED)
        };
        registered.set_general(&general, irql)?;
        let length = u32::try_from(length).map_err(|_| Status::RESOURCE_CONFLICT)?;
        let space = IoSpace::map(&registered, start, length, irql)?;
        let registers = Registers::new(space).ok_or(Status::ADAPTER_NOT_FOUND)?;
        let attributes = SgDma {
            max_transfer: FRAME,
            address_64: false,
        };
        let dma = ScatterGatherDma::register(&handle, NoDma, attributes, irql)?;
        let memory = dma.allocate_shared(BUFFERS * STRIDE, true, irql)?;
        let pool = NblPool::allocate(&handle, TAG, irql)?;
        let mut free = ReceiveChain::new();
        for n in 0..BUFFERS {
            free.push(ReceiveNbl::allocate(
                &pool,
                &memory,
                n * STRIDE,
                FRAME,
                n as usize,
                irql,
            )?);
        }
        let core = Shared::new(
            Core {
                registers,
                handle,
                frames: SpinLock::new(Frames {
                    running: false,
                    free,
                    ready: ReceiveChain::new(),
                    indicated: 0,
                    pause: None,
                }),
                removed: AtomicBool::new(false),
                filter: AtomicU32::new(0),
                sent: AtomicU64::new(0),
                sent_bytes: AtomicU64::new(0),
                received: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
            },
            irql,
        )?;
        let interrupt =
            Interrupt::register(&handle, Handlers(core.clone()), CHARACTERISTICS, irql)?;
        Ok(Adapter {
            interrupt,
            core,
            dma,
        })
    }

    fn halt(adapter: Adapter, _: HaltAction, irql: &mut Irql<Passive>) {
        let Adapter {
            interrupt,
            core,
            dma,
        } = adapter;
        interrupt.deregister(irql);
        drop(core);
        drop(dma);
    }

    fn pause(adapter: &Adapter, request: PauseRequest, irql: &mut Irql<Passive>) -> Outcome {
        let mut frames = adapter.core.frames.lock(irql);
        frames.running = false;
        let mut ready = core::mem::take(&mut frames.ready);
        frames.free.append(&mut ready);
        if frames.indicated == 0 {
            return request.done();
        }
        let (pending, outcome) = request.pend();
        frames.pause = Some(pending);
        outcome
    }

    fn restart(
        adapter: &Adapter,
        request: RestartRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Result<Outcome> {
        adapter.core.frames.lock(irql).running = true;
        Ok(request.done())
    }

    fn oid_request(adapter: &Adapter, request: OidRequest<'_>, _: &mut Irql<Passive>) -> Outcome {
        oids::answer(&adapter.core, request)
    }

    fn send(
        adapter: &Adapter,
        nbls: SendChain,
        _: NDIS_PORT_NUMBER,
        _: u32,
        irql: &mut Irql<AtMostDispatch>,
    ) {
        let core = &adapter.core;
        let (running, removed) = (
            core.frames.lock(irql).running,
            core.removed.load(Ordering::Relaxed),
        );
        if removed || !running {
            let status = if removed {
                Status::NOT_ACCEPTED
            } else {
                Status::PAUSED
            };
            return nbls.complete_with(status, irql);
        }
        let done = core.loop_back_all(nbls, irql);
        core.registers.raise();
        done.complete(irql);
    }

    fn return_nbls(adapter: &Adapter, nbls: ReceiveChain, _: u32, irql: &mut Irql<AtMostDispatch>) {
        adapter.core.take_back(nbls, irql);
    }

    fn pnp_event(adapter: &Adapter, event: PnpEvent<'_>, _: &mut Irql<Passive>) {
        if event.event == NdisDevicePnPEventSurpriseRemoved {
            adapter.core.removed.store(true, Ordering::Relaxed);
        }
    }

    // The device interrupts only when asked, and does no DMA: there is nothing to quiet.
    fn shutdown(_: &Adapter, _: ShutdownAction) {}
}
