// SPDX-License-Identifier: MIT OR Apache-2.0
//! AddDevice, FilterResourceRequirements, StartDevice and RemoveDevice of a driver that registered
//! PnP characteristics (contract ). PASSIVE only.

use super::{
    adapter::Adapter,
    driver, guesses,
    interrupt::{
        active_cpus,
        grant::{Available, Kind, Placement},
    },
};
use crate::{
    exports::nt::pool,
    field,
    guest::{self, Block, PAGE, Ptr},
    ledger::{self, Kind as Object, Scope},
    machine::{
        pci::BarKind,
        vspace::{self, Prot},
    },
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec, vec::Vec};

/// Bytes before the alternative lists of a requirements list.
const LIST_HEADER: usize = 32;
/// Bytes before the descriptors of one alternative list.
const ALTERNATIVE_HEADER: usize = 8;
/// Bytes of a requirement descriptor.
const DESCRIPTOR: usize = 32;
/// Offsets of AffinityPolicy and TargetedProcessors in one for an interrupt.
const POLICY: usize = 16;
const TARGETS: usize = 24;
/// PnP minor function codes.
const IRP_MJ_PNP: u8 = 0x1B;
const IRP_MN_START_DEVICE: u8 = 0;
const IRP_MN_FILTER_RESOURCE_REQUIREMENTS: u8 = 0x0D;
/// Tag of the host's own pool blocks.
const TAG: u32 = u32::from_le_bytes(*b"Hres");

/// An IRP with one stack location, in the driver's memory.
struct Irp {
    irp: Block,
    location: Block,
}

impl Irp {
    fn new(minor: u8) -> Option<Self> {
        let irp = Block::new(size_of::<IRP>(), 16, true)?;
        let location = Block::new(size_of::<IO_STACK_LOCATION>(), 8, true)?;
        let l: Ptr<IO_STACK_LOCATION> = location.ptr();
        field!(l, MajorFunction).write(IRP_MJ_PNP);
        field!(l, MinorFunction).write(minor);
        guest::write(irp.address() + CURRENT_STACK_LOCATION, location.address());
        // Drivers leave the status of a PnP IRP they do not handle as it is.
        guest::write(irp.address() + IO_STATUS, STATUS_NOT_SUPPORTED);
        Some(Self { irp, location })
    }

    fn parameter(&self, index: usize) -> usize {
        self.location.address() + PARAMETERS + 8 * index
    }

    fn information(&self) -> usize {
        self.irp.address() + IO_STATUS + 8
    }
}

/// Offsets inside IRP and IO_STACK_LOCATION.
const CURRENT_STACK_LOCATION: usize = 184;
const IO_STATUS: usize = core::mem::offset_of!(IRP, IoStatus);
const PARAMETERS: usize = core::mem::offset_of!(IO_STACK_LOCATION, Parameters);

/// Calls MiniportAddDevice. `Err`: its failing status, after which the device is not driven.
pub fn add_device(adapter: &Adapter) -> Result<(), i32> {
    let handler = driver::pnp_handlers().add_device;
    if handler == 0 {
        return Ok(());
    }
    let status = verify::call_on(
        Handler::AddDevice,
        adapter.handle,
        handler,
        &[adapter.handle, driver::context()],
    ) as i32;
    if status < 0 { Err(status) } else { Ok(()) }
}

/// Calls MiniportRemoveDevice.
pub fn remove_device(adapter: &Adapter) {
    let handler = driver::pnp_handlers().remove_device;
    if handler != 0 {
        verify::call_on(
            Handler::RemoveDevice,
            adapter.handle,
            handler,
            &[adapter.add_device_context()],
        );
    }
}

/// Calls MiniportStartDevice with the resource lists of [`Adapter::objects`].
pub fn start_device(adapter: &Adapter) -> Result<(), i32> {
    let handler = driver::pnp_handlers().start_device;
    if handler == 0 {
        return Ok(());
    }
    let Some(irp) = Irp::new(IRP_MN_START_DEVICE) else {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    };
    let [_, _, raw, translated] = adapter.objects.addresses();
    guest::write(irp.parameter(0), raw);
    guest::write(irp.parameter(1), translated);
    let status = verify::call_on(
        Handler::StartDevice,
        adapter.handle,
        handler,
        &[adapter.add_device_context(), irp.irp.address() as u64],
    ) as i32;
    if status < 0 { Err(status) } else { Ok(()) }
}

/// Offers `available` to MiniportFilterResourceRequirements and returns the alternatives that the driver left, the best
/// first. Without such a handler nothing changes.
pub fn filter(adapter: &Adapter, available: Available) -> Vec<Available> {
    let handler = driver::pnp_handlers().filter_resources;
    if handler == 0 {
        return vec![available];
    }
    let bytes = requirements(adapter, &available);
    let Some(list) = pool_block(bytes.len()) else {
        return vec![available];
    };
    guest::copy_in(list, &bytes);
    let Some(irp) = Irp::new(IRP_MN_FILTER_RESOURCE_REQUIREMENTS) else {
        return vec![available];
    };
    guest::write(irp.parameter(0), list);
    guest::write(irp.information(), list);
    let status = verify::call_on(
        Handler::FilterResources,
        adapter.handle,
        handler,
        &[adapter.add_device_context(), irp.irp.address() as u64],
    ) as i32;
    let answer: usize = guest::read(irp.information());
    let chosen = if status < 0 {
        // NDIS goes on with the bus driver's list, if the driver left it alive.
        vec![available]
    } else {
        read_back(answer, &bytes, &available).unwrap_or_else(|what| {
            verify::violation("X-113", what);
            vec![available]
        })
    };
    // Whichever list stands in the IRP now is the host's to free; an earlier one was the driver's.
    if let Some(entry) = ledger::remove(Object::Pool, answer as u64) {
        pool::release(answer, entry.size as usize, "the requirements list");
    }
    chosen
}

/// A pool block as the bus driver makes it: the driver may free it with NdisFreeMemory.
fn pool_block(bytes: usize) -> Option<usize> {
    let pages = bytes.div_ceil(PAGE);
    let base = vspace::map_new(pages, Prot::RW, guest::POISON)?;
    let address = if bytes >= PAGE {
        base
    } else {
        (base + PAGE - bytes) & !15
    };
    let tag = u64::from(TAG);
    ledger::add_with(
        Object::Pool,
        address as u64,
        bytes as u64,
        Scope::Driver,
        0,
        tag,
    );
    Some(address)
}

/// The lists that the bus driver makes: all messages; one message; the line.
fn requirements(adapter: &Adapter, available: &Available) -> Vec<u8> {
    let mut counts = Vec::new();
    if available.kind != Kind::Line {
        counts.push(available.messages);
        if available.messages > 1 && guesses::ALTERNATIVE_LISTS {
            counts.push(1);
        }
    }
    if available.has_line && (counts.is_empty() || guesses::ALTERNATIVE_LISTS) {
        counts.push(0);
    }
    let mut lists = Vec::new();
    for count in &counts {
        let descriptors = alternative(adapter, available, *count);
        lists.extend_from_slice(&1u16.to_le_bytes());
        lists.extend_from_slice(&1u16.to_le_bytes());
        lists.extend_from_slice(&(descriptors.len() as u32).to_le_bytes());
        for bytes in descriptors {
            lists.extend_from_slice(&bytes);
        }
    }
    let slot = u32::from(adapter.device.dev) | (u32::from(adapter.device.func) << 5);
    let mut out = Vec::new();
    for word in [
        (LIST_HEADER + lists.len()) as u32,
        PCIBus as u32,
        u32::from(adapter.device.bus),
        slot,
        0,
        0,
        0,
        counts.len() as u32,
    ] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&lists);
    out
}

fn alternative(adapter: &Adapter, available: &Available, messages: u32) -> Vec<[u8; DESCRIPTOR]> {
    let mut out = Vec::new();
    for bar in &adapter.bars() {
        let (kind, flags) = match bar.kind {
            BarKind::Io => (
                CmResourceTypePort,
                CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_BAR,
            ),
            BarKind::Mem32 | BarKind::Mem64 => (
                CmResourceTypeMemory,
                CM_RESOURCE_MEMORY_READ_WRITE | CM_RESOURCE_MEMORY_BAR,
            ),
        };
        let mut bytes = head(kind, CmResourceShareDeviceExclusive as u8, flags);
        bytes[8..12].copy_from_slice(&(bar.len as u32).to_le_bytes());
        bytes[12..16].copy_from_slice(&(bar.len as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&0u64.to_le_bytes());
        let end: u64 = if bar.kind == BarKind::Io {
            0xFFFF
        } else {
            0xFFFF_FFFF
        };
        bytes[24..32].copy_from_slice(&end.to_le_bytes());
        out.push(bytes);
    }
    let interrupt = |flags: u16, share: i32, first: u32, last: u32| {
        let mut bytes = head(CmResourceTypeInterrupt, share as u8, flags);
        bytes[8..12].copy_from_slice(&first.to_le_bytes());
        bytes[12..16].copy_from_slice(&last.to_le_bytes());
        // what the registry says of all.
        bytes[POLICY..POLICY + 4].copy_from_slice(&available.placement.policy.to_le_bytes());
        bytes[TARGETS..TARGETS + 8].copy_from_slice(&available.placement.targets.to_le_bytes());
        bytes
    };
    let token = CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN;
    let flags = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE;
    let exclusive = CmResourceShareDeviceExclusive;
    match (available.kind, messages) {
        (_, 0) => out.push(interrupt(
            CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE,
            CmResourceShareShared,
            0,
            u32::MAX,
        )),
        // MSI is one descriptor with a range of tokens, MSI-X one descriptor a message.
        (Kind::Msi, n) => out.push(interrupt(flags, exclusive, token - (n - 1), token)),
        (_, n) => {
            for _ in 0..n {
                out.push(interrupt(flags, exclusive, token, token));
            }
        }
    }
    out
}

fn head(kind: u8, share: u8, flags: u16) -> [u8; DESCRIPTOR] {
    let mut bytes = [0; DESCRIPTOR];
    bytes[1] = kind;
    bytes[2] = share;
    bytes[4..6].copy_from_slice(&flags.to_le_bytes());
    bytes
}

/// Reads the driver's list, an alternative after the other. `given`: the bus driver's.
fn read_back(list: usize, given: &[u8], available: &Available) -> Result<Vec<Available>, String> {
    if !guest::is_valid(list, LIST_HEADER, false) {
        return Err(format!("the answer {} is no list", guest::describe(list)));
    }
    let size = guest::read::<u32>(list) as usize;
    if size < LIST_HEADER || !guest::is_valid(list, size, false) {
        return Err(format!("the answer has {size} bytes"));
    }
    let resources = |lists: &[Descriptors]| {
        let first = lists.first().into_iter().flatten();
        let others = first.filter(|d| d[1] != CmResourceTypeInterrupt);
        others.copied().collect::<Descriptors>()
    };
    let before = resources(&lists(given)?);
    let lists = lists(&guest::bytes(list, size))?;
    if lists.is_empty() {
        return Err(String::from("the answer has no alternative"));
    }
    lists
        .iter()
        .map(|list| {
            if resources(core::slice::from_ref(list)) != before {
                return Err(String::from(
                    "memory or port descriptors are not the bus driver's any more",
                ));
            }
            one_alternative(list, available)
        })
        .collect()
}

type Descriptors = Vec<[u8; DESCRIPTOR]>;

/// The alternatives of a list.
fn lists(bytes: &[u8]) -> Result<Vec<Descriptors>, String> {
    let word = |at: usize| {
        let raw = bytes.get(at..at + 4).and_then(|raw| raw.try_into().ok());
        raw.map(u32::from_le_bytes)
            .ok_or_else(|| format!("the list ends after {} bytes, in the middle", bytes.len()))
    };
    let mut at = LIST_HEADER;
    let mut lists = Vec::new();
    for number in 0..word(28)? {
        let count = word(at + 4)? as usize;
        at += ALTERNATIVE_HEADER;
        let all = bytes.get(at..).unwrap_or_default();
        let (descriptors, _) = all.as_chunks::<DESCRIPTOR>();
        let Some(descriptors) = descriptors.get(..count) else {
            return Err(format!(
                "{count} descriptors of alternative {number} do not fit {} bytes",
                bytes.len()
            ));
        };
        lists.push(descriptors.to_vec());
        at += count * DESCRIPTOR;
    }
    Ok(lists)
}

fn one_alternative(list: &Descriptors, available: &Available) -> Result<Available, String> {
    let (mut asked, mut line) = (Vec::new(), Vec::new());
    for d in list.iter().filter(|d| d[1] == CmResourceTypeInterrupt) {
        let word = |at: usize| u32::from_le_bytes([d[at], d[at + 1], d[at + 2], d[at + 3]]);
        let placement = Placement {
            policy: word(POLICY) as i32,
            targets: u64::from(word(TARGETS)) | u64::from(word(TARGETS + 4)) << 32,
        };
        check_placement(&placement)?;
        let (low, high) = (word(8), word(12));
        if u16::from_le_bytes([d[4], d[5]]) & CM_RESOURCE_INTERRUPT_MESSAGE == 0 {
            line.push(placement);
        } else if low > high {
            return Err(format!("a message with the tokens {low:#x} to {high:#x}"));
        } else {
            let room = available.table_size as usize;
            let more = (high - low).saturating_add(1) as usize;
            asked.resize((asked.len() + more).min(room), placement);
        }
    }
    let messages = asked.len() as u32;
    let kind = if messages == 0 {
        Kind::Line
    } else {
        available.kind
    };
    Ok(Available {
        kind,
        messages,
        has_line: !line.is_empty() || available.has_line,
        asked: if messages == 0 { line } else { asked },
        ..available.clone()
    })
}

/// Whether the processors exist that a descriptor names.
fn check_placement(placement: &Placement) -> Result<(), String> {
    let policy = placement.policy;
    if !(IrqPolicyMachineDefault..=IrqPolicyAllProcessorsInMachineWhenSteered).contains(&policy) {
        return Err(format!("there is no affinity policy {policy:#x}"));
    }
    match placement.named() {
        Some(targets) if targets == 0 || targets & !active_cpus() != 0 => Err(format!(
            "the processors {targets:#x} are asked for; there are {:#x}",
            active_cpus()
        )),
        _ => Ok(()),
    }
}
