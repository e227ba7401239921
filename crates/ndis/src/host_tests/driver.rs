// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole driver: entry, initialisation and its failures, halt, unload.

use core::ptr::{null_mut, with_exposed_provenance_mut, without_provenance_mut};
use core::sync::atomic::{AtomicU32, Ordering};
use std::cell::Cell;

use super::{BAR, resources};
use crate::attributes::{GeneralAttributes, RegistrationAttributes};
use crate::driver::{DriverCell, DriverRoot, enter};
use crate::fake::{assert_empty, fresh, host};
use crate::ffi::*;
use crate::init::Init;
use crate::io::IoSpace;
use crate::irql::{AtMostDispatch, Irql, Passive};
use crate::miniport::*;
use crate::nbl::{ReceiveChain, SendChain};
use crate::oid::OidRequest;
use crate::status::{Result, Status};

/// Calls a handler as NDIS would.
macro_rules! call {
    ($handler:expr, $($argument:expr),* $(,)?) => {{
        let handler = $handler.expect("a handler");
        // SAFETY: a handler of the crate with the context it gave NDIS, or with the nulls that are tested.
        unsafe { handler($($argument),*) }
    }};
}

struct Test;
struct Adapter {
    registers: IoSpace,
    shutdowns: AtomicU32,
}

std::thread_local! {
    static CELL: &'static DriverCell = std::boxed::Box::leak(std::boxed::Box::default());
    /// Where `initialize` stops.
    static STOP_AT: Cell<&'static str> = const { Cell::new("") };
    static SHUTDOWNS: Cell<u32> = const { Cell::new(0) };
}

impl DriverRoot for Test {
    fn cell() -> &'static DriverCell {
        CELL.with(|cell| *cell)
    }
}

fn stop(at: &str) -> Result<()> {
    if STOP_AT.get() == at {
        Err(Status::HARD_ERRORS)
    } else {
        Ok(())
    }
}

impl Miniport for Test {
    type Adapter = Adapter;
    const CHECKS_FOR_HANG: bool = true;

    fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<Adapter> {
        assert_eq!(init.resources().iter().count(), 1);
        let registered = init.register(&RegistrationAttributes::PCI, irql)?;
        // A slow initialisation: NDIS asks about a hang (I-12), and shuts down.
        let context = with_exposed_provenance_mut(host(|h| h.adapter_context));
        let driver = host(|h| h.driver).expect("registered");
        assert_eq!(call!(driver.CheckForHangHandlerEx, context), FALSE);
        call!(driver.ShutdownHandlerEx, context, NdisShutdownPowerOff);
        assert_eq!(SHUTDOWNS.get(), 0);
        stop("registered")?;
        let registers = IoSpace::map(&registered, BAR.0, BAR.1, irql)?;
        assert_eq!(
            (
                registers.read32(0xFFC),
                registers.read32(0x1000),
                registers.read32(2)
            ),
            (0x5555_AAAA, !0, !0)
        );
        registers.write32(4, 7);
        registers.write32(u32::MAX - 3, 7);
        assert_eq!((registers.read32(4), registers.read32(u32::MAX)), (7, !0));
        stop("mapped")?;
        if STOP_AT.get() == "success code" {
            return Err(Status::PENDING);
        }
        if STOP_AT.get() != "no general attributes" {
            let general =
                GeneralAttributes::ethernet([2, 0, 0, 0, 0, 1], 1_000_000_000, &[OID_GEN_XMIT_OK]);
            registered.set_general(&general, irql)?;
        }
        Ok(Adapter {
            registers,
            shutdowns: AtomicU32::new(0),
        })
    }
    fn halt(adapter: Adapter, action: HaltAction, _: &mut Irql<Passive>) {
        assert_eq!(
            action.touches_hardware(),
            action.0 != NdisHaltDeviceSurpriseRemoved
        );
        drop(adapter.registers);
    }
    fn pause(_: &Adapter, request: PauseRequest, irql: &mut Irql<Passive>) -> Outcome {
        let (pending, outcome) = request.pend();
        pending.complete(irql);
        outcome
    }
    fn restart(_: &Adapter, request: RestartRequest<'_>, _: &mut Irql<Passive>) -> Result<Outcome> {
        assert!(request.attributes().is_null());
        Ok(request.done())
    }
    fn oid_request(_: &Adapter, request: OidRequest<'_>, _: &mut Irql<Passive>) -> Outcome {
        request.done(Status::NOT_SUPPORTED)
    }
    fn send(_: &Adapter, nbls: SendChain, _: u32, _: u32, irql: &mut Irql<AtMostDispatch>) {
        nbls.complete_with(Status::PAUSED, irql);
    }
    fn return_nbls(_: &Adapter, nbls: ReceiveChain, _: u32, _: &mut Irql<AtMostDispatch>) {
        assert!(nbls.is_empty());
    }
    fn shutdown(adapter: &Adapter, action: ShutdownAction) {
        assert_eq!(action, ShutdownAction::BugCheck);
        adapter.shutdowns.fetch_add(1, Ordering::Relaxed);
        SHUTDOWNS.set(SHUTDOWNS.get() + 1);
    }
}

/// Loads the driver as the kernel would; the host does not look at the arguments.
fn entry() -> NTSTATUS {
    // SAFETY: DriverEntry, at PASSIVE_LEVEL.
    unsafe { enter::<Test>(null_mut(), null_mut()) }
}

fn load() -> NDIS_MINIPORT_DRIVER_CHARACTERISTICS {
    fresh();
    assert_eq!(entry(), NDIS_STATUS_SUCCESS);
    host(|h| h.driver).expect("registered")
}

#[test]
fn unloading_without_a_registration() {
    fresh();
    assert!(Test::cell().take().is_none());
    assert_empty();
}

fn unload(driver: &NDIS_MINIPORT_DRIVER_CHARACTERISTICS) {
    call!(driver.UnloadHandler, null_mut());
    assert_empty();
}

fn initialize(driver: &NDIS_MINIPORT_DRIVER_CHARACTERISTICS, stop_at: &'static str) -> NDIS_STATUS {
    STOP_AT.set(stop_at);
    let version = without_provenance_mut(NDIS_RUNTIME_VERSION_685 as usize);
    let mut list = resources();
    let mut parameters = NDIS_MINIPORT_INIT_PARAMETERS::zeroed();
    parameters.AllocatedResources = &raw mut list;
    call!(
        driver.InitializeHandlerEx,
        without_provenance_mut(0xADA0),
        version,
        &raw mut parameters,
    )
}

#[test]
fn load_run_and_unload() {
    let driver = load();
    assert_eq!((driver.Header.Revision, driver.Header.Size), (3, 160));
    assert_eq!((driver.MajorNdisVersion, driver.MinorNdisVersion), (6, 85));
    assert_eq!(initialize(&driver, ""), NDIS_STATUS_SUCCESS);
    let context = with_exposed_provenance_mut(host(|h| h.adapter_context));
    assert_eq!(
        call!(driver.RestartHandler, context, null_mut()),
        NDIS_STATUS_SUCCESS
    );
    assert_eq!(
        call!(driver.PauseHandler, context, null_mut()),
        NDIS_STATUS_PENDING
    );
    call!(driver.SendNetBufferListsHandler, context, null_mut(), 0, 0);
    call!(driver.ReturnNetBufferListsHandler, context, null_mut(), 0);
    let status = call!(driver.OidRequestHandler, context, null_mut());
    assert_eq!(status, NDIS_STATUS_NOT_ACCEPTED);
    call!(driver.DevicePnPEventNotifyHandler, context, null_mut());
    assert_eq!(
        call!(driver.ResetHandlerEx, context, null_mut()),
        NDIS_STATUS_NOT_SUPPORTED
    );
    call!(driver.ShutdownHandlerEx, context, NdisShutdownBugCheck);
    assert_eq!(SHUTDOWNS.get(), 1);
    call!(driver.HaltHandlerEx, context, NdisHaltDeviceSurpriseRemoved);
    unload(&driver);
}

#[test]
fn null_contexts() {
    let driver = load();

    assert_eq!(
        call!(driver.PauseHandler, null_mut(), null_mut()),
        NDIS_STATUS_SUCCESS
    );
    assert_eq!(
        call!(driver.RestartHandler, null_mut(), null_mut()),
        NDIS_STATUS_FAILURE
    );
    call!(driver.HaltHandlerEx, null_mut(), 0);
    call!(driver.CancelSendHandler, null_mut(), null_mut());
    call!(driver.CancelOidRequestHandler, null_mut(), null_mut());
    call!(
        driver.SendNetBufferListsHandler,
        null_mut(),
        null_mut(),
        0,
        0
    );
    call!(
        driver.ReturnNetBufferListsHandler,
        null_mut(),
        null_mut(),
        0
    );
    call!(driver.ShutdownHandlerEx, null_mut(), NdisShutdownBugCheck);
    call!(driver.DevicePnPEventNotifyHandler, null_mut(), null_mut());
    assert_eq!(call!(driver.CheckForHangHandlerEx, null_mut()), FALSE);
    assert_eq!(
        call!(driver.OidRequestHandler, null_mut(), null_mut()),
        NDIS_STATUS_NOT_ACCEPTED
    );
    assert_eq!(
        call!(driver.ResetHandlerEx, null_mut(), null_mut()),
        NDIS_STATUS_FAILURE
    );
    unload(&driver);
}

#[test]
fn null_arguments_of_a_live_adapter() {
    let driver = load();
    assert_eq!(initialize(&driver, ""), NDIS_STATUS_SUCCESS);
    let context = with_exposed_provenance_mut(host(|h| h.adapter_context));
    assert_eq!(
        call!(driver.OidRequestHandler, context, null_mut()),
        NDIS_STATUS_NOT_ACCEPTED
    );
    call!(driver.DevicePnPEventNotifyHandler, context, null_mut());
    // An event that says it has information and has none.
    let mut event = NET_DEVICE_PNP_EVENT::zeroed();
    event.InformationBufferLength = 64;
    call!(driver.DevicePnPEventNotifyHandler, context, &raw mut event);
    call!(driver.SendNetBufferListsHandler, context, null_mut(), 0, 0);
    call!(driver.ReturnNetBufferListsHandler, context, null_mut(), 0);
    assert_ne!(
        call!(driver.ResetHandlerEx, context, null_mut()),
        NDIS_STATUS_SUCCESS
    );
    assert_ne!(
        call!(driver.RestartHandler, context, null_mut()),
        NDIS_STATUS_PENDING
    );
    call!(driver.HaltHandlerEx, context, NdisHaltDeviceDisabled);
    unload(&driver);
}

#[test]
fn every_failure_of_initialize_releases() {
    let driver = load();
    for stop_at in ["registered", "mapped"] {
        assert_eq!(initialize(&driver, stop_at), NDIS_STATUS_HARD_ERRORS);
        host(|h| assert_eq!(h.alive.get("io space").copied().unwrap_or(0), 0));
    }
    assert_eq!(initialize(&driver, "success code"), NDIS_STATUS_FAILURE);
    assert_eq!(
        initialize(&driver, "no general attributes"),
        NDIS_STATUS_FAILURE,
        "I-02"
    );
    host(|h| h.fail.push("NdisMMapIoSpace"));
    assert_eq!(initialize(&driver, ""), NDIS_STATUS_RESOURCE_CONFLICT);
    unload(&driver);
}

#[test]
fn an_ndis_that_is_too_old_or_refuses() {
    fresh();
    host(|h| h.version = NDIS_RUNTIME_VERSION_683);
    assert_eq!(entry(), NDIS_STATUS_BAD_VERSION);
    fresh();
    host(|h| h.fail.push("NdisMRegisterMiniportDriver"));
    assert_eq!(entry(), NDIS_STATUS_RESOURCES);
    assert_empty();
}
