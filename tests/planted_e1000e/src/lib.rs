// SPDX-License-Identifier: MIT OR Apache-2.0
//! `planted_e1000e.sys`: a small miniport for the 82574L, with one message or the line, that is right, but for one
//! breach of the interrupt or DMA contract that the registry keyword `PlantedFault` chooses. It tests the checked host's
//! interrupt cases and its IOMMU: [`table`] says which case and which rule must show each number.
//!
//! It shares no code with the driver of this repository. Where the safe layer of the crate `ndis` does not let a fault be
//! written, the crate's module `raw` does.
#![no_std]

extern crate alloc;

mod adapter;
mod chip;
#[path = "../../planted/src/choice.rs"]
mod choice;
mod dma;
mod interrupt;
mod oid;
mod pnp;
mod poll;
mod receive;
mod send;
mod table;

ndis::driver_entry!(adapter::Driver);

/// Pool memory for `alloc` (nonpaged pool).
#[cfg(windows)]
#[global_allocator]
static ALLOCATOR: wdk_alloc::WdkAllocator = wdk_alloc::WdkAllocator;

#[cfg(windows)]
use wdk_panic as _;
