// SPDX-License-Identifier: MIT OR Apache-2.0
//! The adapter's life (contract §3): initialise, restart, pause, halt, shutdown. PASSIVE.

use super::{
    adapter::{self, Adapter, State},
    driver, header,
    interrupt::register,
    resources, shared_memory,
};
use crate::{
    exports, field,
    guest::{self, Block, Ptr},
    ledger::{self, Scope},
    log,
    machine::{dpc, lock::IrqSpin, thread, time},
    verify::{self, Handler, locks},
};
use ::ndis::ffi::*;
use alloc::{format, string::String};

/// How long a pause may take (N-07's bound) and a restart.
const CHANGE_LIMIT_NS: u64 = 10_000_000_000;
/// Bound of MiniportHaltEx (H-10).
const HALT_LIMIT_NS: u64 = 30_000_000_000;
/// DMA that goes on after Halt is looked for after this time.
const AFTERMATH_NS: u64 = 30_000_000;
/// OID of the restart attributes.
const GENERAL_ATTRIBUTES: u32 = OID_GEN_MINIPORT_RESTART_ATTRIBUTES;
/// Bytes of NDIS_RESTART_ATTRIBUTES before the data.
const ATTRIBUTE_HEADER: usize = 16;

/// An operation that the driver may complete later.
#[derive(Clone, Copy, Debug, Default)]
struct Operation {
    open: bool,
    since_ns: u64,
    status: Option<i32>,
}

/// Open operations of one adapter.
pub struct Pending {
    pause: IrqSpin<Operation>,
    restart: IrqSpin<Operation>,
}

impl Pending {
    /// None open.
    pub const fn new() -> Self {
        let none = Operation {
            open: false,
            since_ns: 0,
            status: None,
        };
        Self {
            pause: IrqSpin::new(none),
            restart: IrqSpin::new(none),
        }
    }
}

fn open(operation: &IrqSpin<Operation>) {
    *operation.lock() = Operation {
        open: true,
        since_ns: time::now_ns(),
        status: None,
    };
}

/// 7C/25: ends the run when a handler sits on a pause or restart itself, which [`settle`] cannot
/// see. From the watch thread.
pub fn check_overdue(adapter: &Adapter) {
    for (operation, rule, what) in [
        (&adapter.pending.pause, "P-02", "MiniportPause"),
        (&adapter.pending.restart, "R-01", "MiniportRestart"),
    ] {
        let operation = *operation.lock();
        let age = time::now_ns().saturating_sub(operation.since_ns);
        let overdue = operation.open && operation.status.is_none() && age > 2 * CHANGE_LIMIT_NS;
        if overdue {
            verify::stop(
                rule,
                format!("{what} has not come to an end for 20 s (7C/25)"),
            );
        }
    }
}

/// Waits for the completion if `returned` is PENDING; the final status.
fn settle(
    operation: &IrqSpin<Operation>,
    returned: i32,
    rule: &'static str,
    handler: Handler,
) -> i32 {
    if returned != NDIS_STATUS_PENDING {
        let early = operation.lock().status.is_some();
        operation.lock().open = false;
        verify::check_of(handler, rule, !early, || {
            format!("{handler} returned {returned:#010x} and was completed as well (7C/1F)")
        });
        return returned;
    }
    let deadline = time::now_ns() + CHANGE_LIMIT_NS;
    let done = thread::wait_until(Some(deadline), &|| operation.lock().status.is_some());
    if !verify::check_of(handler, rule, done, || {
        format!("{handler} is pending for 10 s (7C/25)")
    }) {
        verify::end(&format!("{handler} never completes"));
    }
    let mut operation = operation.lock();
    operation.open = false;
    operation.status.unwrap_or(NDIS_STATUS_FAILURE)
}

fn complete(operation: &IrqSpin<Operation>, status: i32) -> bool {
    let mut operation = operation.lock();
    let expected = operation.open && operation.status.is_none();
    if expected {
        operation.status = Some(status);
    }
    expected
}

exports! {
    "ndis.sys";

    /// Completes a pause that returned PENDING (P-02).
    [Dispatch] fn NdisMPauseComplete(call, handle: u64) {
        locks::check_none("P-02", call.name());
        let Some(adapter) = adapter::expect(call, handle) else { return };
        let expected = complete(&adapter.pending.pause, NDIS_STATUS_SUCCESS);
        if verify::check("P-02", expected, || call.text("no pause is pending (7C/1F)")) {
            paused(&adapter);
        }
    }

    /// Completes a restart that returned PENDING.
    [Dispatch] fn NdisMRestartComplete(call, handle: u64, status: i32) {
        locks::check_none("K-01", call.name());
        let Some(adapter) = adapter::expect(call, handle) else { return };
        let expected = complete(&adapter.pending.restart, status);
        verify::check("R-01", expected, || call.text("no restart is pending (7C/1F)"));
        thread::wake();
    }
}

/// Halted → Paused. `Err`: the status of MiniportInitializeEx.
pub fn initialize(adapter: &Adapter) -> Result<(), i32> {
    let Some(grant) = adapter.grant.lock().clone() else {
        return Err(NDIS_STATUS_RESOURCES);
    };
    let Some((parameters, list)) = resources::init_parameters(adapter, &grant) else {
        return Err(NDIS_STATUS_RESOURCES);
    };
    let before = ledger::mark();
    adapter.forget();
    adapter.set_state(State::Initializing);
    let status = verify::call_on(
        Handler::Initialize,
        adapter.handle,
        driver::handlers().initialize,
        &[
            adapter.handle,
            driver::context(),
            parameters.address() as u64,
        ],
    ) as i32;
    // I-08: the lists live during the call only.
    drop((parameters, list));
    if status == NDIS_STATUS_SUCCESS {
        let complete = adapter.general.lock().is_some();
        if !verify::check_of(Handler::Initialize, "I-02", complete, || {
            String::from("MiniportInitializeEx succeeded without general attributes")
        }) {
            verify::end("the adapter cannot be used without general attributes");
        }
        adapter.set_state(State::Paused);
        return Ok(());
    }
    verify::check_of(
        Handler::Initialize,
        "I-14",
        status != NDIS_STATUS_PENDING,
        || String::from("MiniportInitializeEx returned NDIS_STATUS_PENDING"),
    );
    let left: alloc::vec::Vec<_> = ledger::live(Scope::Adapter)
        .into_iter()
        .filter(|entry| entry.serial > before)
        .collect();
    verify::check_of(Handler::Initialize, "I-14", left.is_empty(), || {
        format!(
            "MiniportInitializeEx failed and left: {}",
            ledger::lines(&left, 8).join("; ")
        )
    });
    adapter.set_state(State::Halted);
    register::abandon(adapter);
    Err(status)
}

/// Paused → Running. `Err`: the status of MiniportRestart; the adapter is Paused again.
pub fn restart(adapter: &Adapter) -> Result<(), i32> {
    let Some((parameters, attributes)) = restart_parameters(adapter) else {
        return Err(NDIS_STATUS_RESOURCES);
    };
    open(&adapter.pending.restart);
    adapter.set_state(State::Restarting);
    let returned = verify::call_on(
        Handler::Restart,
        adapter.handle,
        driver::handlers().restart,
        &[adapter.context(), parameters.address() as u64],
    ) as i32;
    let status = settle(&adapter.pending.restart, returned, "R-01", Handler::Restart);
    drop((parameters, attributes));
    // Other failure codes are as good as FAILURE to NDIS, but not among those documented.
    let legal = [
        NDIS_STATUS_SUCCESS,
        NDIS_STATUS_RESOURCES,
        NDIS_STATUS_FAILURE,
    ];
    verify::check_of(Handler::Restart, "R-01", legal.contains(&status), || {
        format!("MiniportRestart ended with {status:#010x}")
    });
    if status == NDIS_STATUS_SUCCESS {
        adapter.set_state(State::Running);
        Ok(())
    } else {
        adapter.set_state(State::Paused);
        Err(status)
    }
}

/// attributes that the driver may edit, as revision 1 of the general ones.
fn restart_parameters(adapter: &Adapter) -> Option<(Block, (Block, Block))> {
    let general = adapter.general.lock().clone()?;
    let mut oids = alloc::vec::Vec::new();
    for oid in &general.oids {
        oids.extend_from_slice(&oid.to_le_bytes());
    }
    let list = Block::with(&oids, 4)?;
    let size = size_of::<NDIS_RESTART_GENERAL_ATTRIBUTES>();
    let attribute = Block::new(ATTRIBUTE_HEADER + size, 16, true)?;
    guest::write(attribute.address() + 8, GENERAL_ATTRIBUTES);
    guest::write(attribute.address() + 12, size as u32);
    let p: Ptr<NDIS_RESTART_GENERAL_ATTRIBUTES> = Ptr::new(attribute.address() + ATTRIBUTE_HEADER);
    let kind = NDIS_OBJECT_TYPE_RESTART_GENERAL_ATTRIBUTES;
    field!(p, Header).write(header::make(kind, 2, size));
    field!(p, MtuSize).write(general.mtu);
    field!(p, MaxXmitLinkSpeed).write(general.max_xmit);
    field!(p, MaxRcvLinkSpeed).write(general.max_rcv);
    field!(p, LookaheadSize).write(general.lookahead);
    field!(p, MacOptions).write(general.mac_options);
    field!(p, SupportedPacketFilters).write(general.filters);
    field!(p, MaxMulticastListSize).write(general.multicast);
    field!(p, AccessType).write(general.access);
    field!(p, ConnectionType).write(general.connection);
    field!(p, SupportedStatistics).write(general.statistics);
    field!(p, DataBackFillSize).write(general.data_backfill);
    field!(p, ContextBackFillSize).write(general.context_backfill);
    guest::write(field!(p, SupportedOidList).addr(), list.address());
    field!(p, SupportedOidListLength).write(oids.len() as u32);
    let parameters = Block::new(size_of::<NDIS_MINIPORT_RESTART_PARAMETERS>(), 8, true)?;
    let r: Ptr<NDIS_MINIPORT_RESTART_PARAMETERS> = parameters.ptr();
    // NDIS_SIZEOF_MINIPORT_RESTART_PARAMETERS_REVISION_1: through Flags.
    field!(r, Header).write(header::make(NDIS_OBJECT_TYPE_DEFAULT, 1, 20));
    guest::write(field!(r, RestartAttributes).addr(), attribute.address());
    Some((parameters, (attribute, list)))
}

/// Running → Paused. Cannot fail (P-01).
pub fn pause(adapter: &Adapter, reason: u32) {
    let size = size_of::<NDIS_MINIPORT_PAUSE_PARAMETERS>();
    let Some(parameters) = Block::new(size, 4, true) else {
        return;
    };
    let p: Ptr<NDIS_MINIPORT_PAUSE_PARAMETERS> = parameters.ptr();
    field!(p, Header).write(header::make(NDIS_OBJECT_TYPE_DEFAULT, 1, size));
    field!(p, PauseReason).write(reason);
    // Sends that a thread has begun belong to the time before.
    open(&adapter.pending.pause);
    adapter.set_state(State::Pausing);
    let returned = verify::call_on(
        Handler::Pause,
        adapter.handle,
        driver::handlers().pause,
        &[adapter.context(), parameters.address() as u64],
    ) as i32;
    let legal = returned == NDIS_STATUS_SUCCESS || returned == NDIS_STATUS_PENDING;
    verify::check_of(Handler::Pause, "P-01", legal, || {
        format!("MiniportPause returned {returned:#010x}")
    });
    if returned != NDIS_STATUS_PENDING {
        paused(adapter);
    }
    settle(&adapter.pending.pause, returned, "P-02", Handler::Pause);
    shared_memory::audit();
}

/// The instant at which the miniport says that it is Paused (P-03 to P-05). At most DISPATCH.
fn paused(adapter: &Adapter) {
    let (sends, held) = (adapter.sends.accepted(), adapter.receives.outstanding());
    // A completion or return in progress has taken its NBLs off the lists already. From here on
    // a new indication is one too many (P-08).
    adapter.set_state(State::Paused);
    let indicating = adapter.receives.indications();
    verify::check_of(Handler::Pause, "P-05", sends == 0, || {
        format!("pause is complete with {sends} sends outstanding")
    });
    verify::check_of(Handler::Pause, "P-04", held == 0, || {
        format!("pause is complete while the protocol holds {held} receive NBLs")
    });
    verify::check_of(Handler::Pause, "P-03", indicating == 0, || {
        format!("pause is complete with {indicating} receive indications in progress")
    });
}

/// Paused → Halted, and the check of what is left (H-01 … H-10). Returns the objects still alive.
pub fn halt(adapter: &Adapter, action: i32) -> u32 {
    let idle = !adapter.requests.is_open()
        && adapter.sends.outstanding() == 0
        && adapter.sends.in_calls() == 0;
    debug_assert!(idle, "the host halts an adapter that is in use");
    adapter.set_state(State::Halting);
    let started = time::now_ns();
    verify::call_on(
        Handler::Halt,
        adapter.handle,
        driver::handlers().halt,
        &[adapter.context(), action as u64],
    );
    let took = time::now_ns() - started;
    verify::check_of(Handler::Halt, "H-10", took < HALT_LIMIT_NS, || {
        format!("MiniportHaltEx took {} s", took / 1_000_000_000)
    });
    adapter.set_state(State::Halted);
    let interrupts = adapter.interrupts.lock().len();
    verify::check_of(Handler::Halt, "X-90", interrupts == 0, || {
        String::from("MiniportHaltEx returned without NdisMDeregisterInterruptEx (7C/0D)")
    });
    register::abandon(adapter);
    super::poll::abandon(adapter);
    dpc::flush();
    thread::sleep_ns(AFTERMATH_NS);
    shared_memory::audit();
    adapter.sends.clear();
    let left = ledger::live(Scope::Adapter);
    verify::check_of(Handler::Halt, "V-04", left.is_empty(), || {
        format!(
            "alive after MiniportHaltEx: {}",
            ledger::lines(&left, 8).join("; ")
        )
    });
    for line in ledger::lines(&left, 32) {
        log!("leak: {line}");
    }
    left.len() as u32
}
