// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the image to a Running adapter: what the kernel, PnP and NDIS do when a device starts.
//! PASSIVE.

use super::{datapath::vlan, fatal, report, step, tear_down};
use crate::{
    exports, log,
    machine::{
        cpu, iommu,
        pci::{self, PciDevice},
        thread, time,
    },
    ndis::{
        adapter::{Adapter, State},
        driver, guesses,
        interrupt::grant,
        lifecycle, offload, oid, pnp, receive, requirements, resources, watch,
    },
    pe::{self, Image},
    verify,
};
use ::ndis::ffi::*;
use alloc::{boxed::Box, format, string::String, sync::Arc, vec::Vec};
use core::sync::atomic::Ordering;
use vmhost_proto::{Grant, HostConfig, InterruptManagement};

/// How long the link may take to come up.
const LINK_LIMIT_NS: u64 = 10_000_000_000;
/// Command register: I/O, memory, bus master.
const COMMAND: u16 = 4;

/// A loaded driver with its adapter.
pub struct Session {
    /// The image.
    pub image: Image,
    /// The adapter.
    pub adapter: Arc<Adapter>,
}

/// Loads, registers, starts and initialises: the adapter is Paused afterwards.
pub fn start(config: &HostConfig, sys: &[u8]) -> Session {
    let image = load(config, sys);
    let device = find_device(config);
    let adapter = start_device(config, device);
    report::set_adapter(&adapter);
    step("MiniportInitializeEx");
    if let Err(status) = lifecycle::initialize(&adapter) {
        let what = format!("MiniportInitializeEx failed with {:#010x}", status as u32);
        tear_down::after_failed_start(&image, &adapter);
        fatal(&what);
    }
    spawn_helpers(&adapter);
    // S-05: comes after initialisation.
    pnp::power_profile(&adapter);
    Session { image, adapter }
}

fn load(config: &HostConfig, sys: &[u8]) -> Image {
    step(&format!("load {}", config.install.image));
    let image = pe::load(&config.install.image, sys).unwrap_or_else(|what| fatal(&what));
    verify::set_image(&config.install.image, image.base as u64, image.size as u64);
    report::update(|report| {
        report.driver.size = image.size as u64;
        report.driver.base = format!("{:#x}", image.base);
        report.driver.imports = image.imports.len() as u32;
    });
    if let Err(missing) = image.bind(&|from, name| exports::resolve(from, name)) {
        let names: Vec<String> = missing
            .iter()
            .map(|import| format!("{}!{}", import.image, import.name))
            .collect();
        fatal(&format!(
            "{}: no such import: {}",
            config.install.image,
            names.join(", ")
        ));
    }
    step("DriverEntry");
    let range = (image.base as u64, image.size as u64);
    let loaded = driver::load(image.entry, range, &config.install.service);
    report::note_version();
    image.discard_init();
    image.page_out();
    if let Err(status) = loaded {
        fatal(&format!("DriverEntry failed with {:#010x}", status as u32));
    }
    if !driver::is_registered() {
        fatal("DriverEntry succeeded without NdisMRegisterMiniportDriver: this is no miniport");
    }
    image
}

fn find_device(config: &HostConfig) -> PciDevice {
    let (vendor, id) = (config.install.vendor, config.install.device);
    pci::devices()
        .into_iter()
        .find(|device| device.vendor == vendor && device.device == id)
        .unwrap_or_else(|| {
            fatal(&format!(
                "the machine has no PCI device {vendor:04X}:{id:04X} ({})",
                config.install.hardware_id
            ))
        })
}

/// AddDevice, resource requirements, assignment, StartDevice.
fn start_device(config: &HostConfig, device: PciDevice) -> Arc<Adapter> {
    step("start the device");
    let bars = pci::bars(&device);
    let adapter = Adapter::new(device, bars);
    iommu::attach(device.bus, device.dev, device.func);
    let command = pci::read_config(&device, COMMAND, 2);
    let master = if guesses::BUS_MASTER_ON { 4 } else { 0 };
    pci::write_config(&device, COMMAND, 2, command | 3 | master);
    if let Err(status) = requirements::add_device(&adapter) {
        fatal(&format!(
            "MiniportAddDevice failed with {:#010x}",
            status as u32
        ));
    }
    let registry = &config.install.interrupt;
    let available = grant::available(&device, registry, &config.grant);
    let filtered = requirements::filter(&adapter, available);
    let Some(granted) = grant::assign(&filtered) else {
        fatal("the device has no interrupt that could be granted");
    };
    log!(
        "resources: {} BAR(s), interrupt {} with {} message(s)",
        adapter.bars().len(),
        granted.name(),
        granted.messages.len()
    );
    let objects = resources::objects(&adapter, &granted);
    adapter.objects.set(objects);
    *adapter.grant.lock() = Some(granted);
    if let Err(status) = requirements::start_device(&adapter) {
        fatal(&format!(
            "MiniportStartDevice failed with {:#010x}",
            status as u32
        ));
    }
    adapter
}

/// The resources of a stopped device are given out anew: filtered by the driver again, perhaps with another
/// number of messages and on other CPUs. The adapter is halted.
pub fn reassign(
    adapter: &Arc<Adapter>,
    registry: &InterruptManagement,
    caps: &Grant,
) -> Result<(), String> {
    if let Some(old) = adapter.grant.lock().take() {
        old.release();
    }
    let available = grant::available(&adapter.device, registry, caps);
    let filtered = requirements::filter(adapter, available);
    let granted =
        grant::assign(&filtered).ok_or_else(|| String::from("no interrupt could be granted"))?;
    adapter.objects.set(resources::objects(adapter, &granted));
    *adapter.grant.lock() = Some(granted);
    requirements::start_device(adapter)
        .map_err(|status| format!("MiniportStartDevice failed with {:#010x}", status as u32))
}

fn spawn_helpers(adapter: &Arc<Adapter>) {
    let last = cpu::count() - 1;
    let owner = adapter.clone();
    thread::spawn_big(
        "returns",
        last,
        Box::new(move || receive::return_thread(&owner)),
    );
    let owner = adapter.clone();
    watch::start();
    thread::spawn_big("watch", last, Box::new(move || watch::thread(&owner)));
}

/// Restarts, as for the first protocol.
pub fn restart(session: &Session) -> Result<(), String> {
    step("MiniportRestart");
    lifecycle::restart(&session.adapter)
        .map_err(|status| format!("MiniportRestart failed with {:#010x}", status as u32))
}

/// What a protocol sets when it opens the adapter, which then takes the frames of all VLANs: the other end is in none.
pub fn open(session: &Session) -> Result<(), String> {
    let adapter = &session.adapter;
    let general = adapter.general.lock();
    let options = general.as_ref().map_or(0, |general| general.mac_options);
    drop(general);
    if options & NDIS_MAC_OPTION_8021Q_VLAN != 0
        && let Some(id) = vlan::current(adapter).filter(|id| *id != 0)
    {
        log!("VLAN {id} of the adapter is left: the other end is in none");
        set(adapter, "OID_GEN_VLAN_ID", OID_GEN_VLAN_ID, &[0; 4])?;
    }
    connect(session)
}

/// The same, in the VLAN that the adapter is in.
pub fn connect(session: &Session) -> Result<(), String> {
    let adapter = &session.adapter;
    let general = adapter.general.lock().clone();
    let Some(general) = general else {
        return Err(String::from("no general attributes"));
    };
    set(
        adapter,
        "OID_GEN_CURRENT_LOOKAHEAD",
        OID_GEN_CURRENT_LOOKAHEAD,
        &general.lookahead.to_le_bytes(),
    )?;
    if general.multicast != 0 {
        set(
            adapter,
            "OID_802_3_MULTICAST_LIST",
            OID_802_3_MULTICAST_LIST,
            &[0x01, 0, 0x5E, 0, 0, 1],
        )?;
    }
    offload::activate(adapter)?;
    let wanted =
        NDIS_PACKET_TYPE_DIRECTED | NDIS_PACKET_TYPE_BROADCAST | NDIS_PACKET_TYPE_MULTICAST;
    set_filter(adapter, wanted & general.filters)
}

/// Sets the packet filter.
pub fn set_filter(adapter: &Adapter, filter: u32) -> Result<(), String> {
    // Frames may come before the set request has returned (I-11).
    let old = adapter.filter.load(Ordering::Acquire);
    adapter.filter.fetch_or(filter, Ordering::AcqRel);
    let name = "OID_GEN_CURRENT_PACKET_FILTER";
    let result = set(
        adapter,
        name,
        OID_GEN_CURRENT_PACKET_FILTER,
        &filter.to_le_bytes(),
    );
    adapter
        .filter_cleared_ns
        .store(time::now_ns(), Ordering::Release);
    adapter
        .filter
        .store(if result.is_ok() { filter } else { old }, Ordering::Release);
    result
}

fn set(adapter: &Adapter, name: &str, number: u32, data: &[u8]) -> Result<(), String> {
    let answer = oid::set(adapter, number, data);
    if answer.status == NDIS_STATUS_SUCCESS {
        Ok(())
    } else {
        Err(format!(
            "setting {name} failed with {:#010x}",
            answer.status as u32
        ))
    }
}

/// Waits for the link.
pub fn wait_for_link(session: &Session) -> Result<(), String> {
    step("wait for the link");
    let adapter = &session.adapter;
    let deadline = time::now_ns() + LINK_LIMIT_NS;
    let up = thread::wait_until(Some(deadline), &|| {
        adapter.link.lock().is_up() || adapter.removal_asked.load(Ordering::Acquire)
    });
    if !up || !adapter.link.lock().is_up() {
        return Err(String::from("the driver indicated no link within 10 s"));
    }
    debug_assert!(adapter.state() == State::Running);
    Ok(())
}
