// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PCI side of a grant: MSI-X table, MSI capability, or the line through the I/O APIC
//! (contract ). PASSIVE, except for masking table entries.

use super::{
    super::adapter::{Adapter, State},
    grant::{CAP_MSI, CAP_MSIX, Grant, Kind, Message},
    table::Table,
};
use crate::{
    exports::{Call, Level},
    field,
    guest::Ptr,
    machine::{
        ioapic,
        lock::IrqSpin,
        msi,
        pci::{self, PciDevice},
        thread, time,
    },
};
use ::ndis::ffi::*;
use alloc::{sync::Arc, vec::Vec};
use core::sync::atomic::Ordering;

/// Command register and its bits.
const COMMAND: u16 = 4;
const INTX_DISABLE: u32 = 1 << 10;
/// MSI message control: enable, multiple message enable, 64-bit addresses.
const MSI_ENABLE: u32 = 1;
const MSI_MULTIPLE: u32 = 7 << 4;
const MSI_64: u32 = 1 << 7;
/// MSI-X message control: enable, function mask.
const MSIX_ENABLE: u32 = 1 << 15;
const MSIX_MASK: u32 = 1 << 14;
/// How long a device must have been quiet before its MSI-X enable bit changes. A device may hold
/// messages back for its moderation interval, and an emulated one may not survive the change
/// meanwhile; 20 ms is above the longest interval that a 16-bit timer of 256 ns gives.
const QUIET_NS: u64 = 20_000_000;

/// Live tables, by adapter handle.
static TABLES: IrqSpin<Vec<(u64, Arc<Table>, Grant)>> = IrqSpin::new(Vec::new());

/// Programs and enables the granted interrupt. Handlers are connected already.
pub fn enable(adapter: &Adapter, grant: &Grant) {
    let device = &adapter.device;
    match grant.kind {
        Kind::Line => {
            set_intx(device, true);
            for message in &grant.messages {
                let gsi = pci::intx_gsi(device);
                ioapic::connect(gsi, message.vector, message.cpu, true, true);
            }
        }
        Kind::Msi => {
            set_intx(device, false);
            enable_msi(device, &grant.messages);
        }
        Kind::Msix => {
            set_intx(device, false);
            settle(adapter);
            enable_msix(adapter, grant);
        }
    }
}

/// Takes the interrupt away from the device again.
pub fn disable(adapter: &Adapter, grant: &Grant) {
    let device = &adapter.device;
    match grant.kind {
        Kind::Line => {
            set_intx(device, false);
            ioapic::mask(pci::intx_gsi(device), true);
        }
        Kind::Msi => {
            if let Some(at) = pci::capability(device, CAP_MSI) {
                let control = pci::read_config(device, at + 2, 2);
                pci::write_config(device, at + 2, 2, control & !MSI_ENABLE);
            }
        }
        Kind::Msix => {
            settle(adapter);
            if let Some(at) = pci::capability(device, CAP_MSIX) {
                let control = pci::read_config(device, at + 2, 2);
                pci::write_config(device, at + 2, 2, control & !MSIX_ENABLE);
            }
            let mut tables = TABLES.lock();
            let gone: Vec<_> = tables.extract_if(.., |t| t.0 == adapter.handle).collect();
            drop(tables);
            drop(gone);
        }
    }
}

/// Waits until the device's last interrupt is [`QUIET_NS`] ago.
fn settle(adapter: &Adapter) {
    let quiet = adapter.last_interrupt_ns.load(Ordering::Relaxed);
    if quiet != 0 {
        let now = time::now_ns();
        thread::sleep_ns((quiet + QUIET_NS).saturating_sub(now));
    }
}

fn set_intx(device: &PciDevice, on: bool) {
    let command = pci::read_config(device, COMMAND, 2);
    let value = if on {
        command & !INTX_DISABLE
    } else {
        command | INTX_DISABLE
    };
    pci::write_config(device, COMMAND, 2, value);
}

fn enable_msi(device: &PciDevice, messages: &[Message]) {
    let (Some(at), Some(first)) = (pci::capability(device, CAP_MSI), messages.first()) else {
        return;
    };
    let (address, data) = msi::message_for(first.vector, first.cpu);
    let control = pci::read_config(device, at + 2, 2);
    pci::write_config(device, at + 4, 4, address as u32);
    let data_at = if control & MSI_64 != 0 {
        pci::write_config(device, at + 8, 4, (address >> 32) as u32);
        at + 12
    } else {
        at + 8
    };
    pci::write_config(device, data_at, 2, data);
    pci::write_config(device, at + 2, 2, (control & !MSI_MULTIPLE) | MSI_ENABLE);
}

fn enable_msix(adapter: &Adapter, grant: &Grant) {
    let device = &adapter.device;
    let Some(at) = pci::capability(device, CAP_MSIX) else {
        return;
    };
    let control = pci::read_config(device, at + 2, 2);
    let entries = (control & 0x7FF) + 1;
    let place = pci::read_config(device, at + 4, 4);
    let Some(bar) = adapter
        .bars()
        .into_iter()
        .find(|bar| u32::from(bar.index) == place & 7)
    else {
        return;
    };
    let table = Arc::new(Table::map(bar.pa + u64::from(place & !7), entries));
    pci::write_config(device, at + 2, 2, control | MSIX_ENABLE | MSIX_MASK);
    for entry in 0..entries {
        // entries beyond the grant send message 0.
        let number = if (entry as usize) < grant.messages.len() {
            entry as usize
        } else {
            0
        };
        set_entry(&table, entry, &grant.messages[number]);
    }
    TABLES.lock().push((adapter.handle, table, grant.clone()));
    pci::write_config(device, at + 2, 2, (control | MSIX_ENABLE) & !MSIX_MASK);
}

fn set_entry(table: &Table, entry: u32, message: &Message) {
    let (address, data) = msi::message_for(message.vector, message.cpu);
    table.set(entry, address, data);
}

/// NdisMConfigMSIXTableEntry.
pub fn configure_entry(call: &Call, adapter: &Adapter, p: Ptr<NDIS_MSIX_CONFIG_PARAMETERS>) -> i32 {
    let sizes = [size_of::<NDIS_MSIX_CONFIG_PARAMETERS>()];
    let header = field!(p, Header);
    if super::super::header::check(
        "G-06",
        call.name(),
        header,
        NDIS_OBJECT_TYPE_DEFAULT,
        &sizes,
    )
    .is_none()
    {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    let found = TABLES
        .lock()
        .iter()
        .find(|t| t.0 == adapter.handle)
        .map(|t| (t.1.clone(), t.2.clone()));
    let Some((table, grant)) = found.filter(|_| adapter.state() != State::Halted) else {
        return NDIS_STATUS_NOT_SUPPORTED;
    };
    let entry = field!(p, TableEntry).read();
    let operation = field!(p, ConfigOperation).read();
    if entry >= table.entries() {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    if operation == NdisMSIXTableConfigSetTableEntry {
        call.require(Level::Dispatch, " (set entry)");
        let number = field!(p, MessageNumber).read() as usize;
        let Some(message) = grant.messages.get(number) else {
            return NDIS_STATUS_INVALID_PARAMETER;
        };
        set_entry(&table, entry, message);
    } else if operation == NdisMSIXTableConfigMaskTableEntry {
        table.mask(entry, true);
    } else if operation == NdisMSIXTableConfigUnmaskTableEntry {
        table.mask(entry, false);
    } else {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    NDIS_STATUS_SUCCESS
}
