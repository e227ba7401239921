// SPDX-License-Identifier: MIT OR Apache-2.0
//! The adapter's life: initialise, restart, pause, halt. PASSIVE_LEVEL.

use core::mem::forget;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use ndis::adapter::LinkState;
use ndis::attributes::{GeneralAttributes, RegistrationAttributes};
use ndis::dma::{ScatterGatherDma, SgDma};
use ndis::ffi::*;
use ndis::init::Init;
use ndis::interrupt::Interrupt;
use ndis::io::IoSpace;
use ndis::irql::{AtMostDispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::miniport::*;
use ndis::nbl::{NblPool, ReceiveChain, ReceiveNbl, SendChain};
use ndis::oid::OidRequest;
use ndis::pnp::PnpCharacteristics;
use ndis::poll::PollSlot;
use ndis::raw;
use ndis::spin::SpinLock;
use ndis::status::{Result, Status};
use ndis::sys::ndis as sys;
use ndis::time;

use crate::chip::{BUFFER, Core, RING, SHARED, receive_buffer, reg, reset};
use crate::choice::{self, is};
use crate::dma::{self, Lists};
use crate::interrupt::{self, CHARACTERISTICS, Handlers};
use crate::oid;
use crate::pnp::Devices;
use crate::poll;
use crate::receive::{self, Receive};
use crate::send::{self, Send};
use crate::table::*;

/// Bit/s.
const SPEED: u64 = 1_000_000_000;
/// Pool tag.
const TAG: u32 = u32::from_le_bytes(*b"PlnE");

/// The miniport.
pub struct Driver;

/// One adapter. The interrupt goes first, the DMA that owns the memory last.
pub struct Adapter {
    /// None only by a fault.
    interrupt: Option<Interrupt<Handlers>>,
    core: Shared<Core>,
    dma: ScatterGatherDma<Lists>,
}

impl Miniport for Driver {
    type Adapter = Adapter;
    const PNP: Option<PnpCharacteristics> = Some(PnpCharacteristics::of::<Devices>());

    fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<Adapter> {
        choice::read(&init, irql)?;
        let (start, length) = init
            .resources()
            .memory(0)
            .ok_or(Status::RESOURCE_CONFLICT)?;
        let registered = init.register(&RegistrationAttributes::PCI, irql)?;
        let handle = registered.adapter();
        let length = u32::try_from(length).map_err(|_| Status::RESOURCE_CONFLICT)?;
        let registers = if is(BAR_REMEMBERED) {
            raw::map_anywhere(&registered, first_seen(start), length, irql)?
        } else {
            IoSpace::map(&registered, start, length, irql)?
        };
        reset(&registers, irql);
        let mut address = [0; 6];
        address[..4].copy_from_slice(&registers.read32(reg::RAL).to_le_bytes());
        address[4..].copy_from_slice(&(registers.read32(reg::RAL + 4) as u16).to_le_bytes());
        if address[0] & 1 != 0 {
            // All ones: the chip is gone.
            return Err(Status::HARD_ERRORS);
        }
        let general = GeneralAttributes {
            link: LinkState::up(SPEED, true),
            packet_filters: oid::FILTERS,
            ..GeneralAttributes::ethernet(address, SPEED, &oid::SUPPORTED)
        };
        registered.set_general(&general, irql)?;
        let attributes = SgDma {
            max_transfer: 1514,
            address_64: true,
        };
        let dma = ScatterGatherDma::register(&handle, Lists::new(), attributes, irql)?;
        let memory = dma.allocate_shared(SHARED, true, irql)?;
        let pool = match NblPool::allocate(&handle, TAG, irql) {
            Err(status) if is(LEAKED_ON_FAILURE) => {
                forget(memory);
                return Err(status);
            }
            pool => pool?,
        };
        let mut nbls = ReceiveChain::new();
        for n in 0..RING {
            let offset = receive_buffer(n);
            let nbl = ReceiveNbl::allocate(&pool, &memory, offset, BUFFER, n, irql)?;
            nbls.push(nbl);
        }
        let core = Shared::new(
            Core {
                handle,
                registers,
                memory,
                filter: AtomicU32::new(0),
                running: AtomicBool::new(false),
                stopped: AtomicBool::new(false),
                disabled: AtomicBool::new(false),
                gone: AtomicBool::new(false),
                reported: AtomicBool::new(false),
                queued_early: AtomicBool::new(false),
                poll: PollSlot::new(),
                polled: AtomicBool::new(false),
                polling: AtomicBool::new(false),
                receive: SpinLock::new(Receive::new(nbls)),
                send: SpinLock::new(Send::new(handle)),
            },
            irql,
        )?;
        core.receive.lock(irql).fill(&core);
        let handlers = Handlers(core.clone());
        let interrupt = match Interrupt::register(&handle, handlers, CHARACTERISTICS, irql) {
            Ok(interrupt) => Some(interrupt),
            Err(_) if is(REGISTRATION_IGNORED) => None,
            Err(status) => return Err(status),
        };
        poll::register(&core, irql)?;
        core.open(irql);
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
        if !core.gone.load(Ordering::SeqCst) || is(TOUCHED_WHEN_GONE) {
            interrupt::stop(&core);
            if !is(ENGINES_LEFT_ON) {
                reset(&core.registers, irql);
            }
        }
        if is(RINGS_FREED_FIRST) {
            free_rings(&core);
        }
        if let Some(interrupt) = interrupt {
            interrupt.deregister(irql);
        }
        poll::deregister(&core, irql);
        drop(core);
        drop(dma);
    }

    fn restart(
        adapter: &Adapter,
        request: RestartRequest<'_>,
        _: &mut Irql<Passive>,
    ) -> Result<Outcome> {
        adapter.core.running.store(true, Ordering::SeqCst);
        Ok(request.done())
    }

    fn pause(adapter: &Adapter, request: PauseRequest, irql: &mut Irql<Passive>) -> Outcome {
        let core = &adapter.core;
        {
            // With the lock: nothing is indicated from here on.
            let _receive = core.receive.lock(irql);
            core.running.store(false, Ordering::SeqCst);
        }
        while !(core.send.lock(irql).is_idle() && core.receive.lock(irql).is_home()) {
            time::sleep_us(1000, irql);
            send::reap(core, irql);
        }
        // An indication or completion may not have returned yet.
        time::sleep_us(20_000, irql);
        request.done()
    }

    fn oid_request(
        adapter: &Adapter,
        mut request: OidRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Outcome {
        let oid = request.oid();
        let status = match request.set() {
            Some(mut argument) => oid::set(&adapter.core, oid, &mut argument, irql).into(),
            None => Status::NOT_SUPPORTED,
        };
        request.done(status)
    }

    fn send(
        adapter: &Adapter,
        mut nbls: SendChain,
        _: NDIS_PORT_NUMBER,
        _: u32,
        irql: &mut Irql<AtMostDispatch>,
    ) {
        dma::before_send(&adapter.dma, &mut nbls, irql);
        send::send(&adapter.core, nbls, irql);
    }

    fn return_nbls(adapter: &Adapter, nbls: ReceiveChain, _: u32, irql: &mut Irql<AtMostDispatch>) {
        receive::take_back(&adapter.core, nbls, irql);
    }

    fn pnp_event(adapter: &Adapter, event: PnpEvent<'_>, irql: &mut Irql<Passive>) {
        if event.event == NdisDevicePnPEventSurpriseRemoved {
            adapter.core.gone.store(true, Ordering::SeqCst);
            adapter.core.stopped.store(true, Ordering::SeqCst);
            send::abort(&adapter.core, irql);
        }
    }

    fn shutdown(adapter: &Adapter, _: ShutdownAction) {
        adapter.core.write(reg::IMC, u32::MAX);
        adapter.core.write(reg::RCTL, 0);
        adapter.core.write(reg::TCTL, 0);
    }
}

/// The BAR of the first life.
fn first_seen(start: u64) -> u64 {
    static FIRST: AtomicU64 = AtomicU64::new(0);
    match FIRST.compare_exchange(0, start, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => start,
        Err(first) => first,
    }
}

/// Frees the rings while the interrupt is registered and its DPC goes on.
fn free_rings(core: &Core) {
    let memory = &core.memory;
    // The owner would free it again.
    forget(memory.clone());
    let (address, logical) = (memory.as_ptr().as_ptr().cast(), memory.logical_address());
    let logical = LARGE_INTEGER::new(logical as i64);
    // SAFETY: broken on purpose: V-01, a DPC still reads it.
    unsafe { sys::NdisMFreeSharedMemory(core.handle.as_raw(), SHARED, TRUE, address, logical) };
}

/// OID_PNP_SET_POWER, in Paused: asleep the chip is stopped, and loses everything.
pub fn set_power(core: &Core, on: bool, irql: &mut Irql<Passive>) {
    if !on {
        interrupt::stop(core);
        return;
    }
    reset(&core.registers, irql);
    core.receive.lock(irql).fill(core);
    core.send.lock(irql).restart();
    core.stopped.store(false, Ordering::SeqCst);
    core.open(irql);
}
