// SPDX-License-Identifier: MIT OR Apache-2.0
//! Device memory mapped through the memory manager instead of NDIS. At most DISPATCH_LEVEL.
//!
//! Drivers should use NdisMMapIoSpace; some use these. Only memory of PCI devices can be mapped,
//! and every access to it is trapped and performed by the machine.

use alloc::format;

use crate::{
    exports,
    exports::Call,
    ledger::{self, Kind, Scope},
    machine::{mmio, pci},
    verify,
};

/// Maps `len` bytes at `pa`; 0 when no device has them.
fn map(call: &Call, pa: u64, len: usize) -> usize {
    let owned = pci::devices().iter().flat_map(pci::bars).any(|bar| {
        bar.kind != pci::BarKind::Io
            && pa >= bar.pa
            && pa.saturating_add(len as u64) <= bar.pa + bar.len
    });
    // C4/83: RAM that nobody locked, or nothing at all.
    if !verify::check("I-05", owned && len != 0, || {
        call.text(&format!("{len} bytes at {pa:#x} are no device's memory"))
    }) {
        return 0;
    }
    let va = mmio::map_trapped(pa, len, 0);
    ledger::add(
        Kind::IoSpace,
        va as u64,
        len as u64,
        Scope::Driver,
        call.rip,
    );
    va
}

exports! {
    "ntoskrnl.exe";

    /// Maps device memory.
    [Dispatch] fn MmMapIoSpace(call, pa: u64, len: usize, _cache: i32) -> usize { map(call, pa, len) }
    /// Maps device memory with a page protection.
    [Dispatch] fn MmMapIoSpaceEx(call, pa: u64, len: usize, _protect: u32) -> usize { map(call, pa, len) }
    /// Unmaps it with its length.
    [Dispatch] fn MmUnmapIoSpace(call, va: usize, len: usize) {
        if let Some(entry) = ledger::expect_remove("H-04", Kind::IoSpace, va as u64, call.name()) {
            verify::check("I-05", entry.size == len as u64, || call.text(&format!("length {len}, mapped with {}", entry.size)));
            mmio::unmap_trapped(va);
        }
    }
}
