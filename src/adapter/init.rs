// SPDX-License-Identifier: MIT OR Apache-2.0
//! MiniportInitializeEx, in the documented order (contract §3.3): configuration, resources, registration attributes,
//! I/O space, chip, general attributes, DMA, shared memory, rings, and the interrupt last.
//!
//! Each step gives an owned value; a failure drops what was acquired, in reverse, and nothing else is needed (I-14).

use super::core::{Core, Parts};
use super::delay::Sleeper;
use super::device::{self, Bar};
use super::driver::Adapter;
use super::link;
use super::watch::Watch;
use crate::config::Settings;
use crate::hw::errata::Errata;
use crate::hw::mmio::BAR0_BYTES;
use crate::hw::{link as hw_link, nvm};
use crate::irq::clock::Timer;
use crate::irq::registration::{CHARACTERISTICS, Handlers};
use crate::irq::{Grant, Options, Setup, selftest};
use crate::net::offload::{self, Offloads};
use crate::net::plan;
use crate::net::send::{self, Mapper};
use crate::net::{filter, memory, rss};
use crate::oid;
use ndis::adapter::AdapterHandle;
use ndis::attributes::{ALL_STATISTICS, GeneralAttributes, RegistrationAttributes};
use ndis::dma::{ScatterGatherDma, SgDma};
use ndis::ffi::*;
use ndis::init::Init;
use ndis::interrupt::{self, Interrupt};
use ndis::io::IoSpace;
use ndis::irql::{Irql, Passive};
use ndis::mem::Shared;
use ndis::places::pair;
use ndis::poll::PollFunctions;
use ndis::resources::Resource;
use ndis::status::{Result, Status};
use ndis::work::WorkItem;

/// Gigabit per second.
const GIGABIT: u64 = 1_000_000_000;

/// Where initialisation failed: the second value of the event-log entry.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
enum Step {
    Resources = 1,
    Bus,
    IoSpace,
    Chip,
    Attributes,
    Dma,
    Memory,
    Interrupt,
    Link,
    SelfTest,
}

/// Writes the event-log entry of a failure, and passes the status on.
fn logged<T>(
    handle: &AdapterHandle,
    step: Step,
    result: Result<T>,
    irql: &Irql<Passive>,
) -> Result<T> {
    if let Err(status) = &result {
        let code = match step {
            Step::Resources => NDIS_ERROR_CODE_RESOURCE_CONFLICT,
            Step::Dma | Step::Memory => NDIS_ERROR_CODE_OUT_OF_RESOURCES,
            Step::Interrupt | Step::SelfTest => NDIS_ERROR_CODE_INTERRUPT_CONNECT,
            Step::Bus | Step::IoSpace | Step::Chip | Step::Attributes | Step::Link => {
                NDIS_ERROR_CODE_HARDWARE_FAILURE
            }
        };
        handle.write_error_log(code, &[step as u32, status.0 as u32], irql);
    }
    result
}

/// Brings an adapter from its resources to Paused.
pub fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<Adapter> {
    // I-10: without a configuration, and for every keyword that is missing, the defaults.
    let (settings, address) = match init.configuration(irql) {
        Ok(config) => (
            Settings::read(|name| config.u32(name)),
            config.network_address(),
        ),
        Err(_) => (Settings::read(|_| None), None),
    };
    // I-08: by type and size. BAR 0 is the first memory range that is long enough; the flash BAR comes after it.
    let registers = init.resources().iter().find_map(|resource| match resource {
        Resource::Memory { start, length, .. } if length >= u64::from(BAR0_BYTES) => Some(start),
        _ => None,
    });
    // Before NDIS says which of them it grants.
    let resources = init.resources();
    let messages = resources.iter();
    let messages = messages.filter(|r| matches!(r, Resource::MessageInterrupt { .. }));
    let messages = messages.count() as u32;
    let registered = init.register(&RegistrationAttributes::PCI, irql)?;
    let handle = registered.adapter();
    let start = registers.ok_or(Status::RESOURCE_CONFLICT);
    let start = logged(&handle, Step::Resources, start, irql)?;
    logged(&handle, Step::Bus, answers(&handle), irql)?;
    let space = logged(
        &handle,
        Step::IoSpace,
        IoSpace::map(&registered, start, BAR0_BYTES, irql),
        irql,
    )?;
    let mmio = Bar::new(space);
    let permanent = logged(
        &handle,
        Step::Chip,
        identify(&mmio, settings.max_frame(), irql),
        irql,
    )?;
    let current = address.unwrap_or(permanent);
    let scale = rss::capabilities(usize::from(settings.receive_queues), messages);
    let (oids, count) = oid::table::supported(&settings);
    let general = GeneralAttributes {
        rss: settings.rss.then_some(&scale),
        oids: oids.get(..count).unwrap_or(&oids),
        ..general_attributes(&settings, permanent, current)
    };
    logged(
        &handle,
        Step::Attributes,
        registered.set_general(&general, irql),
        irql,
    )?;
    // I-02: after the general attributes. What the keywords switched on, and what there is.
    let initial = offload::current(settings.offloads);
    logged(
        &handle,
        Step::Attributes,
        registered.set_offload(&initial, &offload::capabilities(), irql),
        irql,
    )?;

    let parts = Parts {
        handle,
        mmio,
        settings,
        permanent_address: permanent,
        current_address: current,
    };
    // Made where it stays: it is too large for a kernel stack.
    let core = Shared::new_with(|| Core::new(parts), irql)?;
    // From here on the core owns the rings, and they own DMA; `release` ends that, on every path.
    let result = acquire(&core, irql);
    if result.is_err() {
        core.watch.end();
        core.flow.end();
        device::stop(&core, irql);
        core.release(irql);
    }
    Ok(Adapter {
        interrupt: result?,
        core,
    })
}

/// DMA, memory, chip and interrupt.
fn acquire(core: &Shared<Core>, irql: &mut Irql<Passive>) -> Result<Interrupt<Handlers>> {
    let handle = &core.handle;
    let dma = SgDma {
        max_transfer: plan::max_mapping(core.settings.max_frame()),
        address_64: true,
    };
    let window = memory::transmit_places(&core.settings);
    let (places, takers) = pair(window, irql)?;
    let mapper = Mapper::new(core.clone(), places);
    let dma = ScatterGatherDma::register(handle, mapper, dma, irql)
        .and_then(|dma| Shared::new(dma, irql));
    let dma = logged(handle, Step::Dma, dma, irql)?;
    for (queue, receiver) in core.receivers.iter().enumerate().take(core.queues()) {
        let ring = memory::receive_ring(queue, handle, &dma, &core.settings, irql);
        receiver.install(logged(handle, Step::Memory, ring, irql)?);
    }
    for (queue, taker) in takers.into_iter().enumerate() {
        let transmit =
            memory::transmit_ring(handle, dma.clone(), queue, taker, &core.settings, irql);
        let transmit = logged(handle, Step::Memory, transmit, irql)?;
        core.sender.install(queue, transmit, irql);
    }
    drop(dma);
    let work = WorkItem::new(handle, link::Settle(core.clone()), irql);
    core.flow.install(logged(handle, Step::Memory, work, irql)?);
    logged(handle, Step::Memory, Watch::install(core, irql), irql)?;
    let ready = device::bring_up(core, irql);
    logged(handle, Step::Chip, ready, irql)?;
    // What the chip counted in a life before (QEMU 7.2 keeps it through a reset) is nobody's.
    core.counters.forget(core);

    // Last: the handlers may run from the moment this is entered, and find every vector offline (X-09, I-06).
    let interrupt = Interrupt::register(handle, Handlers(core.clone()), CHARACTERISTICS, irql);
    let interrupt = logged(handle, Step::Interrupt, interrupt, irql)?;
    if let Err(status) = run(core, &interrupt, irql) {
        core.irq.stop(&core.mmio);
        interrupt.deregister(irql);
        core.end_polls(irql);
        return Err(status);
    }
    Ok(interrupt)
}

/// Proves the grant, and starts.
fn run(
    core: &Shared<Core>,
    interrupt: &Interrupt<Handlers>,
    irql: &mut Irql<Passive>,
) -> Result<()> {
    let handle = &core.handle;
    // Before 6.85 there is nothing to be found, and the DPC is the way.
    let poll = core.settings.poll.then(|| PollFunctions::find(irql));
    let poll = poll.flatten();
    // Both engines first: what a self-test's DPC finds is then what every other DPC finds. No frame is lost by it,
    // because the self-test makes every ring be looked at.
    device::start(core, irql);
    let (grant, messages) = granted(core, interrupt);
    let options = Options {
        rx_queues: core.settings.receive_queues,
        tx_queues: send::QUEUES as u8,
        interval: core.moderation().initial_interval(),
        masked_icr_read: core.errata.contains(Errata::ICR_READ),
        poll: poll.is_some(),
    };
    let proven = selftest::prove(&core.irq, &core.mmio, grant, options, &Timer::start(irql));
    let setup = proven.ok_or(Status::HARD_ERRORS);
    let setup = logged(handle, Step::SelfTest, setup, irql)?;
    core.set_setup(setup, messages);
    announce(core, &setup, messages);
    if let Some(functions) = poll {
        Core::begin_polls(core, functions, &setup, irql);
    }
    core.find_homes(irql);
    let negotiating = {
        let _chip = core.exclusive(irql);
        device::start_link(core, irql)
    };
    logged(handle, Step::Link, negotiating, irql)?;
    core.watch_link(irql);
    Ok(())
}

/// What NDIS granted, and how many messages.
fn granted(core: &Core, interrupt: &Interrupt<Handlers>) -> (Grant, u32) {
    match interrupt.grant() {
        // A PCI line can always be shared.
        interrupt::Grant::Line => (Grant::Line { shared: true }, 0),
        interrupt::Grant::Messages(table) if device::msix_enabled(&core.handle) => {
            let messages = table.len();
            (Grant::MsiX { messages }, messages)
        }
        interrupt::Grant::Messages(table) => (Grant::Msi, table.len()),
    }
}

/// One debug line that says what each message is for; a host or a person reads it.
fn announce(core: &Core, setup: &Setup, messages: u32) {
    let mut names = [""; crate::irq::VECTORS];
    for (vector, name) in names.iter_mut().enumerate() {
        *name = setup.roles(vector).name();
    }
    let map = &setup.map;
    crate::trace::interrupt_map(
        &names,
        map.reason().name(),
        messages,
        map.dead().bits(),
        core.slowest_vector_us(),
    );
}

/// Reads the vendor id: a device that does not answer gives all ones, or nothing (I-09).
fn answers(handle: &AdapterHandle) -> Result<()> {
    let mut vendor = [0xFF; 2];
    let read = handle.read_bus_data(0, &mut vendor);
    if read == vendor.len() && vendor != [0xFF; 2] {
        Ok(())
    } else {
        Err(Status::ADAPTER_NOT_FOUND)
    }
}

/// Resets the chip and reads its address.
fn identify(mmio: &Bar, max_frame: u32, irql: &Irql<Passive>) -> Result<[u8; 6]> {
    device::reset_chip(mmio, max_frame, irql)?;
    nvm::read_mac(mmio, &Sleeper(irql)).map_err(|_| Status::HARD_ERRORS)
}

/// I-17. The link is down until the first link interrupt: negotiation starts at the end of initialisation (U-04).
fn general_attributes(
    settings: &Settings,
    permanent: [u8; 6],
    current: [u8; 6],
) -> GeneralAttributes<'static> {
    let mut mac_options = NDIS_MAC_OPTION_COPY_LOOKAHEAD_DATA
        | NDIS_MAC_OPTION_TRANSFERS_NOT_PEND
        | NDIS_MAC_OPTION_NO_LOOPBACK;
    if settings.offloads.contains(Offloads::PRIORITY) {
        mac_options |= NDIS_MAC_OPTION_8021P_PRIORITY;
    }
    if settings.offloads.contains(Offloads::VLAN) {
        mac_options |= NDIS_MAC_OPTION_8021Q_VLAN;
    }
    GeneralAttributes {
        mtu: settings.mtu(),
        max_transmit_speed: GIGABIT,
        max_receive_speed: GIGABIT,
        link: link::state(hw_link::Link::Down),
        lookahead: settings.mtu(),
        mac_options,
        packet_filters: filter::SUPPORTED,
        max_multicast: filter::MAX_MULTICAST as u32,
        permanent_address: permanent,
        current_address: current,
        statistics: ALL_STATISTICS,
        pause: NdisPauseFunctionsSendAndReceive,
        physical_medium: NdisPhysicalMedium802_3,
        oids: &[],
        power: None,
        rss: None,
    }
}
