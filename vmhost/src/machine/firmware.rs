// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host needs from the ACPI tables: CPUs, I/O APICs, PM timer, PCI configuration space,
//! DMA remapping. Once, at start.

use alloc::vec::Vec;
use core::ptr::NonNull;

use acpi::{
    AcpiHandler, AcpiTable, AcpiTables, PhysicalMapping,
    fadt::Fadt,
    madt::{Madt, MadtEntry},
    mcfg::Mcfg,
    sdt::{SdtHeader, Signature},
};

use super::vspace;

/// What the tables say.
pub struct Firmware {
    /// Local APIC ids of the usable CPUs, in the tables' order.
    pub cpus: Vec<u32>,
    /// (address, first interrupt line) of each I/O APIC.
    pub ioapics: Vec<(u64, u32)>,
    /// I/O port of the PM timer.
    pub pm_timer: u16,
    /// (address, first bus, last bus) of each configuration window.
    pub ecam: Vec<(u64, u8, u8)>,
    /// Registers of the DMA remapping unit for all devices, if there is one.
    pub iommu: Option<u64>,
}

#[derive(Clone)]
struct Identity;

impl AcpiHandler for Identity {
    unsafe fn map_physical_region<T>(&self, pa: usize, size: usize) -> PhysicalMapping<Self, T> {
        let va =
            NonNull::new(vspace::direct(pa as u64) as *mut T).expect("no ACPI table lies at 0");
        // SAFETY: physical memory is identity-mapped for good.
        unsafe { PhysicalMapping::new(pa, va, size, size, Self) }
    }

    fn unmap_physical_region<T>(_region: &PhysicalMapping<Self, T>) {}
}

/// Reads the tables behind the root pointer `rsdp`.
pub fn read(rsdp: u64) -> Result<Firmware, &'static str> {
    // SAFETY: the loader says that the root pointer is there; the crate checks its checksums.
    let tables = unsafe { AcpiTables::from_rsdp(Identity, rsdp as usize) }
        .map_err(|_| "ACPI: no valid root table")?;
    let madt = tables.find_table::<Madt>().map_err(|_| "ACPI: no MADT")?;
    let fadt = tables.find_table::<Fadt>().map_err(|_| "ACPI: no FADT")?;
    let mcfg = tables
        .find_table::<Mcfg>()
        .map_err(|_| "ACPI: no MCFG: the machine must be q35")?;
    let mut firmware = Firmware {
        cpus: Vec::new(),
        ioapics: Vec::new(),
        pm_timer: 0,
        ecam: Vec::new(),
        iommu: tables
            .find_table::<Dmar>()
            .ok()
            .and_then(|dmar| dmar.unit()),
    };
    for entry in madt.get().entries() {
        match entry {
            MadtEntry::LocalApic(cpu) if cpu.flags & 1 != 0 => {
                firmware.cpus.push(u32::from(cpu.apic_id))
            }
            MadtEntry::LocalX2Apic(cpu) if cpu.flags & 1 != 0 => firmware.cpus.push(cpu.x2apic_id),
            MadtEntry::IoApic(apic) => {
                firmware.ioapics.push((
                    u64::from(apic.io_apic_address),
                    apic.global_system_interrupt_base,
                ));
            }
            _ => {}
        }
    }
    match fadt.pm_timer_block() {
        Ok(Some(block)) => firmware.pm_timer = block.address as u16,
        _ => return Err("ACPI: no PM timer"),
    }
    for entry in mcfg
        .entries()
        .iter()
        .filter(|entry| entry.pci_segment_group == 0)
    {
        firmware.ecam.push((
            entry.base_address,
            entry.bus_number_start,
            entry.bus_number_end,
        ));
    }
    Ok(firmware)
}

/// The fixed part of the DMA remapping table, which the crate does not know.
#[repr(C, packed)]
struct Dmar {
    header: SdtHeader,
    _address_width: u8,
    _flags: u8,
    _reserved: [u8; 10],
}

// SAFETY: the signature is this table's, and the header comes first.
unsafe impl AcpiTable for Dmar {
    const SIGNATURE: Signature = Signature::DMAR;

    fn header(&self) -> &SdtHeader {
        &self.header
    }
}

impl Dmar {
    /// The registers of the first unit of segment 0 (a structure of type 0: flags, size, segment,
    /// address).
    fn unit(&self) -> Option<u64> {
        let length = self.header.length as usize;
        // SAFETY: the crate has checked the sum over the table's `length` bytes, which are
        // identity-mapped.
        let bytes =
            unsafe { core::slice::from_raw_parts(core::ptr::from_ref(self).cast(), length) };
        let mut rest: &[u8] = bytes.get(size_of::<Self>()..)?;
        while let [kind0, kind1, length0, length1, ..] = *rest {
            let length = usize::from(u16::from_le_bytes([length0, length1]));
            let (one, more) = rest.split_at_checked(length.max(4))?;
            let segment = one.get(6..8) == Some(&[0, 0]);
            if [kind0, kind1] == [0, 0] && segment {
                return Some(u64::from_le_bytes(one.get(8..16)?.try_into().ok()?));
            }
            rest = more;
        }
        None
    }
}
