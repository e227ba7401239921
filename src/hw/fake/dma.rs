// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that the fake chip can reach: anything else is a fault, as behind an IOMMU.

use crate::ring::DmaMem;
use core::ptr::NonNull;
// The crate is no_std; under test it may not be, where this line is redundant.
#[allow(unused_extern_crates)]
extern crate std;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;

/// What is added to a pointer to get a device address, so that mixing them up shows.
const DEVICE_OFFSET: u64 = 0x4000_0000_0000;

/// A mapped range of device addresses.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    start: u64,
    bytes: u64,
}

/// Zeroed memory, 128-byte aligned, mapped for the fake chip while it lives.
#[derive(Debug)]
pub struct FakeDma {
    ptr: NonNull<u8>,
    layout: Layout,
    regions: Arc<Mutex<Vec<Region>>>,
}

// SAFETY: the memory is owned and reached through atomics or by one party at a time.
unsafe impl Send for FakeDma {}

impl FakeDma {
    pub(super) fn new(regions: &Arc<Mutex<Vec<Region>>>, bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes.max(1), 128).expect("a sane size");
        // SAFETY: the layout has a size above zero.
        let raw = unsafe { alloc_zeroed(layout) };
        let Some(ptr) = NonNull::new(raw) else {
            handle_alloc_error(layout)
        };
        let dma = Self {
            ptr,
            layout,
            regions: Arc::clone(regions),
        };
        regions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Region {
                start: dma.device_address(),
                bytes: layout.size() as u64,
            });
        dma
    }

    /// Copies out.
    pub fn read(&self, at: usize, into: &mut [u8]) {
        assert!(at + into.len() <= self.layout.size());
        // SAFETY: `at` is inside the allocation by the assertion.
        let from = unsafe { self.ptr.add(at) };
        // SAFETY: in bounds by the assertion; the fake chip writes only while a test calls it.
        unsafe { from.copy_to_nonoverlapping(NonNull::from(&mut *into).cast(), into.len()) };
    }

    /// Copies in.
    pub fn write(&self, at: usize, from: &[u8]) {
        assert!(at + from.len() <= self.layout.size());
        // SAFETY: `at` is inside the allocation by the assertion.
        let to = unsafe { self.ptr.add(at) };
        // SAFETY: in bounds by the assertion; nobody else writes while a test does.
        unsafe { to.copy_from_nonoverlapping(NonNull::from(from).cast(), from.len()) };
    }

    /// One 64-bit word.
    pub fn word(&self, index: usize) -> u64 {
        let mut b = [0; 8];
        self.read(index * 8, &mut b);
        u64::from_le_bytes(b)
    }

    /// Writes one 64-bit word: the hostile device.
    pub fn set_word(&self, index: usize, value: u64) {
        self.write(index * 8, &value.to_le_bytes());
    }

    /// A second handle for a test that plays the device on a ring's memory; the first must outlive it.
    pub fn alias(&self) -> Alias {
        Alias {
            ptr: self.ptr,
            bytes: self.layout.size(),
        }
    }
}

impl Drop for FakeDma {
    fn drop(&mut self) {
        let start = self.device_address();
        self.regions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|r| r.start != start);
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.ptr.as_ptr(), self.layout) };
    }
}

// SAFETY: owned heap memory that lives as long as the value; the device address is a fixed function of it.
unsafe impl DmaMem for FakeDma {
    fn as_ptr(&self) -> NonNull<u8> {
        self.ptr
    }
    fn device_address(&self) -> u64 {
        self.ptr.as_ptr() as u64 + DEVICE_OFFSET
    }
    fn len(&self) -> usize {
        self.layout.size()
    }
}

/// The device's view of a ring that is owned by somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    ptr: NonNull<u8>,
    bytes: usize,
}

impl Alias {
    fn word_ptr(&self, index: usize) -> NonNull<u64> {
        assert!((index + 1) * 8 <= self.bytes);
        // SAFETY: inside the allocation by the assertion.
        unsafe { self.ptr.cast::<u64>().add(index) }
    }

    /// Reads a 64-bit word.
    pub fn word(&self, index: usize) -> u64 {
        // SAFETY: in bounds and aligned; the owner outlives the alias by its contract.
        unsafe { self.word_ptr(index).read_volatile() }
    }

    /// Writes a 64-bit word.
    pub fn set_word(&self, index: usize, value: u64) {
        // SAFETY: as for `word`.
        unsafe { self.word_ptr(index).write_volatile(value) };
    }
}

/// The pointer behind a device address, if all of it is mapped.
fn translate(regions: &Mutex<Vec<Region>>, address: u64, bytes: u64) -> Option<NonNull<u8>> {
    let regions = regions.lock().unwrap_or_else(PoisonError::into_inner);
    let inside = regions.iter().any(|r| {
        address >= r.start
            && address
                .checked_add(bytes)
                .is_some_and(|end| end <= r.start + r.bytes)
    });
    if !inside {
        return None;
    }
    NonNull::new((address - DEVICE_OFFSET) as *mut u8)
}

/// Device read; `None` is a fault.
pub(super) fn dma_read(regions: &Mutex<Vec<Region>>, address: u64, into: &mut [u8]) -> Option<()> {
    let from = translate(regions, address, into.len() as u64)?;
    // SAFETY: `translate` found the whole range inside a live region.
    unsafe { from.copy_to_nonoverlapping(NonNull::from(&mut *into).cast(), into.len()) };
    Some(())
}

/// Device write; `None` is a fault.
pub(super) fn dma_write(regions: &Mutex<Vec<Region>>, address: u64, from: &[u8]) -> Option<()> {
    let to = translate(regions, address, from.len() as u64)?;
    // SAFETY: `translate` found the whole range inside a live region.
    unsafe { to.copy_from_nonoverlapping(NonNull::from(from).cast(), from.len()) };
    Some(())
}
