// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Miniport callbacks. Each follows the contract's section on it; what they do is elsewhere.

use super::core::Core;
use super::{device, init};
use crate::irq::registration::Handlers;
use crate::irq::resources::Devices;
use crate::{net, oid};
use ndis::ffi::{NDIS_PORT_NUMBER, NdisDevicePnPEventSurpriseRemoved};
use ndis::init::Init;
use ndis::interrupt::Interrupt;
use ndis::irql::{AtMostDispatch, Irql, Passive};
use ndis::mem::Shared;
use ndis::miniport::{
    CancelId, HaltAction, Miniport, Outcome, PauseRequest, PnpEvent, RestartRequest, ShutdownAction,
};
use ndis::nbl::{ReceiveChain, SendChain};
use ndis::oid::OidRequest;
use ndis::pnp::PnpCharacteristics;
use ndis::status::Result;

/// The driver.
#[derive(Debug)]
pub struct Driver;

/// One adapter. Fields drop in this order when initialisation fails after them.
#[derive(Debug)]
pub struct Adapter {
    pub(super) interrupt: Interrupt<Handlers>,
    pub(super) core: Shared<Core>,
}

impl Miniport for Driver {
    type Adapter = Adapter;

    const MAJOR_VERSION: u8 = crate::VERSION.0;
    const MINOR_VERSION: u8 = crate::VERSION.1;
    const PNP: Option<PnpCharacteristics> = Some(PnpCharacteristics::of::<Devices>());

    fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<Adapter> {
        init::initialize(init, irql)
    }

    fn halt(adapter: Adapter, action: HaltAction, irql: &mut Irql<Passive>) {
        let Adapter { interrupt, core } = adapter;
        if !action.touches_hardware() {
            core.mmio.mark_removed();
        }
        // H-02: mask, deregister, and only then free what ISR and DPC touch.
        core.irq.stop(&core.mmio);
        interrupt.deregister(irql);
        // Nobody asks for a poll any more; NDIS finishes the last one.
        core.end_polls(irql);
        // H-05, H-06: they touch registers and indicate.
        core.watch.end();
        core.flow.end();
        // H-03: the engines are idle before memory is freed.
        device::stop(&core, irql);
        core.release(irql);
    }

    fn pause(adapter: &Adapter, request: PauseRequest, irql: &mut Irql<Passive>) -> Outcome {
        adapter.core.pause(request, irql)
    }

    fn restart(
        adapter: &Adapter,
        request: RestartRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Result<Outcome> {
        // receives may be indicated from here on, sends are accepted when this returns.
        adapter.core.gate.open();
        adapter.core.watch.start(irql);
        Ok(request.done())
    }

    fn oid_request(
        adapter: &Adapter,
        mut request: OidRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Outcome {
        let status = oid::request(&adapter.core, &mut request, irql);
        request.done(status)
    }

    fn send(
        adapter: &Adapter,
        nbls: SendChain,
        _: NDIS_PORT_NUMBER,
        _: u32,
        irql: &mut Irql<AtMostDispatch>,
    ) {
        net::send::send(&adapter.core, nbls, irql);
    }

    fn cancel_send(adapter: &Adapter, id: CancelId, irql: &mut Irql<AtMostDispatch>) {
        adapter.core.sender.cancel(&adapter.core, id, irql);
    }

    fn return_nbls(adapter: &Adapter, nbls: ReceiveChain, _: u32, irql: &mut Irql<AtMostDispatch>) {
        net::receive::returned(&adapter.core, nbls, irql);
    }

    fn pnp_event(adapter: &Adapter, event: PnpEvent<'_>, irql: &mut Irql<Passive>) {
        if event.event == NdisDevicePnPEventSurpriseRemoved {
            // NDIS pauses and halts.
            adapter.core.removed(irql);
        }
    }

    fn shutdown(adapter: &Adapter, _: ShutdownAction) {
        // S-01, S-02: registers only, no lock, nothing freed.
        device::quiet(&adapter.core);
    }
}
