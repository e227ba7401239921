// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configuration space and properties of the device (contract I-09).

use super::{adapter, driver};
use crate::{
    exports,
    exports::nt::pool,
    guest::{self, Ptr},
    ledger::{Kind, Scope},
    machine::pci,
};
use ::ndis::ffi::*;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

/// Bytes of conventional configuration space; NDIS gives no more.
const CONFIG: u32 = 256;
/// x64 machines are cache coherent: only the cache line matters.
const DMA_ALIGNMENT: u32 = 64;
/// Status of a pool allocation that fails.
const NO_MEMORY: i32 = NDIS_STATUS_RESOURCES;

static GONE: AtomicBool = AtomicBool::new(false);

/// Surprise removal: configuration space reads all ones, and writes vanish.
pub fn set_gone(gone: bool) {
    // SeqCst: rare, and nothing to think about.
    GONE.store(gone, Ordering::SeqCst);
}

exports! {
    "ndis.sys";

    /// Reads configuration space; returns the bytes read, 0 for another space.
    [Any] fn NdisMGetBusData(call, handle: u64, space: u32, offset: u32, buffer: u64, length: u32) -> u32 {
        let Some(adapter) = adapter::expect(call, handle) else { return 0 };
        if space != PCI_WHICHSPACE_CONFIG || offset >= CONFIG {
            return 0;
        }
        let length = length.min(CONFIG - offset);
        let gone = GONE.load(Ordering::SeqCst);
        let read = |at: u32| if gone { u8::MAX } else { pci::read_config(&adapter.device, at as u16, 1) as u8 };
        let bytes: Vec<u8> = (offset..offset + length).map(read).collect();
        guest::copy_in(buffer as usize, &bytes);
        length
    }

    /// Writes configuration space; returns the bytes written.
    [Any] fn NdisMSetBusData(call, handle: u64, space: u32, offset: u32, buffer: u64, length: u32) -> u32 {
        let Some(adapter) = adapter::expect(call, handle) else { return 0 };
        if space != PCI_WHICHSPACE_CONFIG || offset >= CONFIG {
            return 0;
        }
        let length = length.min(CONFIG - offset);
        let bytes = guest::bytes(buffer as usize, length as usize);
        let mut at = if GONE.load(Ordering::SeqCst) { bytes.len() } else { 0 };
        while at < bytes.len() {
            // Registers are written in the widest naturally aligned pieces, as the bus driver does.
            let place = offset as usize + at;
            let width = [4, 2, 1]
                .into_iter()
                .find(|w| place.is_multiple_of(*w) && bytes.len() - at >= *w)
                .unwrap_or(1);
            let value = bytes[at..at + width].iter().rev().fold(0, |v, b| (v << 8) | u32::from(*b));
            pci::write_config(&adapter.device, place as u16, width as u8, value);
            at += width;
        }
        length
    }

    /// Alignment for buffers inside shared memory.
    [Passive] fn NdisMGetDmaAlignment(call, handle: u64) -> u32 {
        adapter::expect(call, handle).map_or(0, |_| DMA_ALIGNMENT)
    }

    /// Device objects and resource lists.
    [Passive] fn NdisMGetDeviceProperty(
        call, handle: u64, pdo: Ptr<u64>, fdo: Ptr<u64>, next: Ptr<u64>,
        raw: Ptr<u64>, translated: Ptr<u64>,
    ) {
        let Some(adapter) = adapter::expect(call, handle) else { return };
        let [pdo_at, fdo_at, raw_at, translated_at] = adapter.objects.addresses();
        pdo.write_if(pdo_at);
        fdo.write_if(fdo_at);
        next.write_if(pdo_at);
        raw.write_if(raw_at);
        translated.write_if(translated_at);
    }

    /// The name of the instance; the driver frees the buffer with NdisFreeMemory.
    [Passive] fn NdisMQueryAdapterInstanceName(call, name: Ptr<UNICODE_STRING>, handle: u64) -> i32 {
        if adapter::expect(call, handle).is_none() {
            return NDIS_STATUS_INVALID_PARAMETER;
        }
        let text: Vec<u8> = driver::description()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let request = pool::Request {
            bytes: text.len().max(2),
            tag: u32::from_le_bytes(*b"Hnam"),
            paged: false,
            zero: false,
            cache_aligned: false,
            scope: Scope::Driver,
            kind: Kind::Pool,
        };
        let buffer = pool::allocate(call, request);
        if buffer == 0 {
            return NO_MEMORY;
        }
        guest::copy_in(buffer, &text);
        crate::field!(name, Length).write(text.len() as u16);
        crate::field!(name, MaximumLength).write(text.len().max(2) as u16);
        guest::write(crate::field!(name, Buffer).addr(), buffer);
        NDIS_STATUS_SUCCESS
    }
}
