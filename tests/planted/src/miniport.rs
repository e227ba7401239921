// SPDX-License-Identifier: MIT OR Apache-2.0
//! The example's callbacks, and around each the faults that belong there.

use ndis::ffi::NDIS_PORT_NUMBER;
use ndis::init::Init;
use ndis::irql::{AtMostDispatch, Irql, Passive};
use ndis::miniport::*;
use ndis::nbl::{ReceiveChain, SendChain};
use ndis::oid::OidRequest;
use ndis::status::{Result, Status};

use crate::adapter::{Adapter, Driver};
use crate::{choice, fault};

/// The miniport.
pub struct Planted;

impl Miniport for Planted {
    /// None, if a fault left the initialisation early and said that it was done.
    type Adapter = Option<Adapter>;

    fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<Option<Adapter>> {
        choice::read(&init, irql)?;
        if fault::replaces_initialize() {
            return fault::instead_of_initialize(init, irql);
        }
        fault::before_initialize(&init, irql)?;
        let adapter = Driver::initialize(init, irql)?;
        fault::after_initialize(&adapter, irql);
        Ok(Some(adapter))
    }

    fn halt(adapter: Option<Adapter>, action: HaltAction, irql: &mut Irql<Passive>) {
        if let Some(adapter) = adapter {
            fault::halt(adapter, action, irql);
        }
    }

    fn pause(
        adapter: &Option<Adapter>,
        request: PauseRequest,
        irql: &mut Irql<Passive>,
    ) -> Outcome {
        match adapter {
            Some(adapter) => fault::pause(adapter, request, irql),
            None => request.done(),
        }
    }

    fn restart(
        adapter: &Option<Adapter>,
        request: RestartRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Result<Outcome> {
        let Some(adapter) = adapter else {
            return Err(Status::FAILURE);
        };
        let outcome = Driver::restart(adapter, request, irql)?;
        fault::at_restart(adapter);
        Ok(outcome)
    }

    fn oid_request(
        adapter: &Option<Adapter>,
        request: OidRequest<'_>,
        irql: &mut Irql<Passive>,
    ) -> Outcome {
        match adapter {
            Some(adapter) => fault::oid_request(adapter, request, irql),
            None => request.done(Status::NOT_ACCEPTED),
        }
    }

    fn send(
        adapter: &Option<Adapter>,
        nbls: SendChain,
        port: NDIS_PORT_NUMBER,
        flags: u32,
        irql: &mut Irql<AtMostDispatch>,
    ) {
        match adapter {
            Some(adapter) if adapter.core.frames.lock(irql).running => {
                fault::send(adapter, nbls, irql);
            }
            Some(adapter) => Driver::send(adapter, nbls, port, flags, irql),
            None => nbls.complete_with(Status::NOT_ACCEPTED, irql),
        }
    }

    fn return_nbls(
        adapter: &Option<Adapter>,
        nbls: ReceiveChain,
        flags: u32,
        irql: &mut Irql<AtMostDispatch>,
    ) {
        if let Some(adapter) = adapter {
            Driver::return_nbls(adapter, nbls, flags, irql);
        }
    }

    fn pnp_event(adapter: &Option<Adapter>, event: PnpEvent<'_>, irql: &mut Irql<Passive>) {
        if let Some(adapter) = adapter {
            Driver::pnp_event(adapter, event, irql);
        }
    }

    fn shutdown(adapter: &Option<Adapter>, action: ShutdownAction) {
        if let Some(adapter) = adapter {
            Driver::shutdown(adapter, action);
        }
    }
}
