// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions that import libraries place in hal.dll. Any IRQL.

use ndis::ffi::*;

use super::system::{QPC_HZ, stall, ticks};
use crate::{
    exports,
    guest::{self, Ptr},
    machine::pci,
};

exports! {
    "hal.dll";

    /// The performance counter and its frequency.
    [Any] fn KeQueryPerformanceCounter(_call, frequency: Ptr<u64>) -> u64 {
        frequency.write_if(QPC_HZ);
        ticks()
    }
    /// Waits without giving the CPU up.
    [Any] fn KeStallExecutionProcessor(call, us: u32) { stall(call, us) }
    /// Configuration space by bus and slot; drivers of NDIS use NdisMGetBusData.
    [Dispatch] fn HalGetBusDataByOffset(_call, kind: i32, bus: u32, slot: u32, buffer: usize, offset: u32, len: u32) -> u32 {
        let Some(device) = device(kind, bus, slot) else { return 0 };
        for i in 0..len {
            let byte = pci::read_config(&device, (offset + i) as u16, 1) as u8;
            guest::write(buffer + i as usize, byte);
        }
        len
    }
    /// Configuration space by bus and slot.
    [Dispatch] fn HalSetBusDataByOffset(_call, kind: i32, bus: u32, slot: u32, buffer: usize, offset: u32, len: u32) -> u32 {
        let Some(device) = device(kind, bus, slot) else { return 0 };
        for i in 0..len {
            let byte: u8 = guest::read(buffer + i as usize);
            pci::write_config(&device, (offset + i) as u16, 1, u32::from(byte));
        }
        len
    }
}

/// The device of a `PCI_SLOT_NUMBER`: 5 bits device, 3 bits function.
fn device(kind: i32, bus: u32, slot: u32) -> Option<pci::PciDevice> {
    if kind != PCIConfiguration {
        return None;
    }
    pci::devices().into_iter().find(|d| {
        u32::from(d.bus) == bus
            && u32::from(d.dev) == slot & 31
            && u32::from(d.func) == (slot >> 5) & 7
    })
}
