// SPDX-License-Identifier: MIT OR Apache-2.0
//! AddDevice, FilterResourceRequirements, StartDevice and RemoveDevice of a driver that registered
//! PnP characteristics (contract ). PASSIVE only.

use super::{
    adapter::Adapter,
    driver, guesses,
    interrupt::grant::{Available, Kind},
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
use alloc::{format, string::String, vec::Vec};

/// Bytes before the alternative lists of a requirements list.
const LIST_HEADER: usize = 32;
/// Bytes before the descriptors of one alternative list.
const ALTERNATIVE_HEADER: usize = 8;
/// Bytes of a requirement descriptor.
const DESCRIPTOR: usize = 32;
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

/// Offers `available` to MiniportFilterResourceRequirements and returns what the driver left of
/// it. Without such a handler nothing changes.
pub fn filter(adapter: &Adapter, available: Available) -> Available {
    let handler = driver::pnp_handlers().filter_resources;
    if handler == 0 {
        return available;
    }
    let bytes = requirements(adapter, &available);
    let Some(list) = pool_block(bytes.len()) else {
        return available;
    };
    guest::copy_in(list, &bytes);
    let Some(irp) = Irp::new(IRP_MN_FILTER_RESOURCE_REQUIREMENTS) else {
        return available;
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
        available
    } else {
        read_back(answer, &available).unwrap_or_else(|what| {
            verify::violation("X-113", what);
            available
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
        let descriptors = alternative(adapter, available.kind, *count);
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

fn alternative(adapter: &Adapter, kind: Kind, messages: u32) -> Vec<[u8; DESCRIPTOR]> {
    let mut out = Vec::new();
    for bar in &adapter.bars {
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
        bytes
    };
    let token = CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN;
    let flags = CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE;
    let exclusive = CmResourceShareDeviceExclusive;
    match (kind, messages) {
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

/// Reads the driver's list: its first alternative decides.
fn read_back(list: usize, available: &Available) -> Result<Available, String> {
    if !guest::is_valid(list, LIST_HEADER, false) {
        return Err(format!("the answer {} is no list", guest::describe(list)));
    }
    let size = guest::read::<u32>(list) as usize;
    let alternatives: u32 = guest::read(list + 28);
    if alternatives == 0 || !guest::is_valid(list, size, false) {
        return Err(format!(
            "the answer has {alternatives} alternatives in {size} bytes"
        ));
    }
    let count = guest::read::<u32>(list + LIST_HEADER + 4) as usize;
    let first = list + LIST_HEADER + ALTERNATIVE_HEADER;
    if first + count * DESCRIPTOR > list + size {
        return Err(format!("{count} descriptors do not fit {size} bytes"));
    }
    let (mut messages, mut line, mut memory) = (0, false, 0);
    for at in (0..count).map(|i| first + i * DESCRIPTOR) {
        let kind: u8 = guest::read(at + 1);
        let flags: u16 = guest::read(at + 4);
        if kind == CmResourceTypeInterrupt && flags & CM_RESOURCE_INTERRUPT_MESSAGE != 0 {
            let (low, high): (u32, u32) = (guest::read(at + 8), guest::read(at + 12));
            messages += high.saturating_sub(low) + 1;
        } else if kind == CmResourceTypeInterrupt {
            line = true;
        } else {
            memory += 1;
        }
    }
    if memory < available.bars {
        return Err(format!(
            "{memory} memory and port descriptors are left of {}",
            available.bars
        ));
    }
    Ok(Available {
        kind: if messages == 0 {
            Kind::Line
        } else {
            available.kind
        },
        messages: messages.min(available.table_size),
        has_line: line || available.has_line,
        ..*available
    })
}
