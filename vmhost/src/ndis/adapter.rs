// SPDX-License-Identifier: MIT OR Apache-2.0
//! The adapter object: what NDIS knows about one miniport adapter, and its state (contract §3.1).
//!
//! The handle given to the driver is an address that is never mapped, so that a driver that looks
//! into it faults. Everything here is usable at any IRQL unless it says otherwise.

use super::{
    attributes::{General, Registration},
    interrupt::{Interrupt, grant::Grant},
    lifecycle::Pending,
    offload::Offloads,
    oid::Requests,
    receive::Receives,
    resources::DeviceObjects,
    send::Sends,
    status::LinkState,
};
use crate::{
    exports::Call,
    machine::{
        lock::IrqSpin,
        pci::{self, Bar, PciDevice},
        thread,
        vspace::{self, Prot},
    },
    verify,
};
use alloc::{format, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// States of contract §3.1, with the time before MiniportInitializeEx and after MiniportHaltEx as
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names of the documentation")]
pub enum State {
    Halted,
    Initializing,
    Paused,
    Restarting,
    Running,
    Pausing,
    Halting,
    Shutdown,
}

impl State {
    fn from_u8(value: u8) -> Self {
        match value {
            1 => Self::Initializing,
            2 => Self::Paused,
            3 => Self::Restarting,
            4 => Self::Running,
            5 => Self::Pausing,
            6 => Self::Halting,
            7 => Self::Shutdown,
            _ => Self::Halted,
        }
    }
}

/// One adapter.
pub struct Adapter {
    /// NdisMiniportHandle.
    pub handle: u64,
    /// The function that is driven.
    pub device: PciDevice,
    /// Its BARs; a rebalance may move them.
    bars: IrqSpin<Vec<Bar>>,
    /// What the driver set with NdisMSetMiniportAttributes.
    pub registration: IrqSpin<Option<Registration>>,
    /// The same, general attributes.
    pub general: IrqSpin<Option<General>>,
    /// The same, offloads; the configuration follows the indications.
    pub offloads: IrqSpin<Option<Offloads>>,
    /// The last link state, from the general attributes or an indication.
    pub link: IrqSpin<LinkState>,
    /// How often it has changed from one MediaConnectState to another.
    pub link_changes: AtomicU32,
    /// The packet filter that was last set with success (I-11: 0 at first).
    pub filter: AtomicU32,
    /// When the filter was last set to 0; 0 when it never was anything else.
    pub filter_cleared_ns: AtomicU64,
    /// What was granted.
    pub grant: IrqSpin<Option<Grant>>,
    /// Live interrupt registrations.
    pub interrupts: IrqSpin<Vec<Arc<Interrupt>>>,
    /// Sends.
    pub sends: Sends,
    /// Receives.
    pub receives: Receives,
    /// OID requests.
    pub requests: Requests,
    /// Operations that the driver may complete later.
    pub pending: Pending,
    /// Device objects and resource lists that the driver can ask for.
    pub objects: DeviceObjects,
    /// A live NdisMRegisterScatterGatherDma, as its handle; 0 for none.
    pub dma: AtomicU64,
    /// The driver asked for its removal.
    pub removal_asked: AtomicBool,
    /// Time of the last interrupt, for the pause around changes of MSI-X (see `interrupt`).
    pub last_interrupt_ns: AtomicU64,
    state: AtomicU8,
    context: AtomicU64,
    add_device_context: AtomicU64,
}

static ADAPTERS: IrqSpin<Vec<Arc<Adapter>>> = IrqSpin::new(Vec::new());

/// An address that is reserved and never mapped, for a handle.
pub fn opaque_handle(label: &'static str) -> u64 {
    let Some(va) = vspace::map_new(1, Prot::RO, 0) else {
        panic!("out of memory for a handle");
    };
    vspace::label(va, label);
    vspace::set_present(va, 1, false);
    va as u64
}

impl Adapter {
    /// Its BARs.
    pub fn bars(&self) -> Vec<Bar> {
        self.bars.lock().clone()
    }

    /// Gives its memory BARs other addresses, as a rebalance may; how many there were. Halted, PASSIVE.
    pub fn move_bars(&self) -> usize {
        let mut bars = self.bars();
        let moved = bars
            .iter_mut()
            .filter_map(|bar| {
                *bar = pci::relocate(&self.device, bar)?;
                Some(())
            })
            .count();
        let old = core::mem::replace(&mut *self.bars.lock(), bars);
        drop(old);
        moved
    }

    /// The adapter for `device`, in the table.
    pub fn new(device: PciDevice, bars: Vec<Bar>) -> Arc<Self> {
        let adapter = Arc::new(Self {
            handle: opaque_handle("the adapter handle"),
            device,
            bars: IrqSpin::new(bars),
            registration: IrqSpin::new(None),
            general: IrqSpin::new(None),
            offloads: IrqSpin::new(None),
            link: IrqSpin::new(LinkState::default()),
            link_changes: AtomicU32::new(0),
            filter: AtomicU32::new(0),
            filter_cleared_ns: AtomicU64::new(0),
            grant: IrqSpin::new(None),
            interrupts: IrqSpin::new(Vec::new()),
            sends: Sends::new(),
            receives: Receives::new(),
            requests: Requests::new(),
            pending: Pending::new(),
            objects: DeviceObjects::new(),
            dma: AtomicU64::new(0),
            removal_asked: AtomicBool::new(false),
            last_interrupt_ns: AtomicU64::new(0),
            state: AtomicU8::new(State::Halted as u8),
            context: AtomicU64::new(0),
            add_device_context: AtomicU64::new(0),
        });
        ADAPTERS.lock().push(adapter.clone());
        adapter
    }

    /// The state.
    pub fn state(&self) -> State {
        State::from_u8(self.state.load(Ordering::Acquire))
    }

    /// Changes the state and wakes whoever waits for it.
    pub fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
        thread::wake();
    }

    /// Before MiniportInitializeEx: nothing is left of an earlier life.
    pub fn forget(&self) {
        *self.registration.lock() = None;
        *self.offloads.lock() = None;
        let general = self.general.lock().take();
        drop(general);
        *self.link.lock() = LinkState::default();
        self.filter.store(0, Ordering::Release);
        self.filter_cleared_ns.store(0, Ordering::Release);
        self.removal_asked.store(false, Ordering::Release);
        self.set_context(0);
    }

    /// MiniportAdapterContext; 0 before the registration attributes.
    pub fn context(&self) -> u64 {
        self.context.load(Ordering::Acquire)
    }

    /// Sets MiniportAdapterContext.
    pub fn set_context(&self, context: u64) {
        self.context.store(context, Ordering::Release);
    }

    /// MiniportAddDeviceContext; 0 when the driver gave none.
    pub fn add_device_context(&self) -> u64 {
        self.add_device_context.load(Ordering::Acquire)
    }

    /// Sets MiniportAddDeviceContext.
    pub fn set_add_device_context(&self, context: u64) {
        self.add_device_context.store(context, Ordering::Release);
    }

    /// Whom to blame for what comes up.
    pub fn receive_handler(&self) -> verify::Handler {
        let interrupts = self.interrupts.lock();
        let is_message = interrupts.first().is_some_and(|i| i.is_message());
        drop(interrupts);
        if is_message {
            verify::Handler::MessageDpc
        } else {
            verify::Handler::Dpc
        }
    }

    /// The current station address of the general attributes.
    pub fn current_mac(&self) -> [u8; 6] {
        self.general
            .lock()
            .as_ref()
            .map_or([0; 6], |general| general.current_mac)
    }

    /// The MTU of the general attributes, without the Ethernet header.
    pub fn mtu(&self) -> usize {
        self.general
            .lock()
            .as_ref()
            .map_or(1500, |general| general.mtu as usize)
    }
}

/// The adapter of a handle.
pub fn find(handle: u64) -> Option<Arc<Adapter>> {
    ADAPTERS
        .lock()
        .iter()
        .find(|adapter| adapter.handle == handle)
        .cloned()
}

/// All adapters.
pub fn all() -> Vec<Arc<Adapter>> {
    ADAPTERS.lock().clone()
}

/// The adapter of a handle that an import got. `None` after a violation: the handle is unknown,
/// or its adapter is not alive (H-09).
pub fn expect(call: &Call, handle: u64) -> Option<Arc<Adapter>> {
    let found = find(handle);
    let state = found.as_ref().map(|adapter| adapter.state());
    let alive = state.is_some_and(|state| state != State::Halted);
    verify::check("H-09", alive, || match state {
        Some(_) => call.text("the adapter is halted"),
        None => format!("{}: {handle:#x} is no adapter handle", call.name()),
    });
    found.filter(|_| alive)
}
