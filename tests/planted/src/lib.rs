// SPDX-License-Identifier: MIT OR Apache-2.0
//! `planted_miniport.sys`: the example `edu_miniport`, whose files it includes, with one breach of the contract that the
//! registry keyword `PlantedFault` chooses. It tests the checked host: [`table`] says what the host must say about each
//! number.
//!
//! The safe layer of the crate `ndis` does not let most of these faults be written: they go around it, by the exports
//! themselves ([`calls`]) or by the crate's module `raw`.
#![no_std]

extern crate alloc;

#[path = "../../../examples/edu_miniport/src/adapter.rs"]
mod adapter;
mod calls;
mod choice;
mod fault;
mod interrupt;
mod miniport;
#[path = "../../../examples/edu_miniport/src/oids.rs"]
mod oids;
#[path = "../../../examples/edu_miniport/src/registers.rs"]
mod registers;
mod table;

ndis::driver_entry!(miniport::Planted);

/// Pool memory for `alloc` (nonpaged pool).
#[cfg(windows)]
#[global_allocator]
static ALLOCATOR: wdk_alloc::WdkAllocator = wdk_alloc::WdkAllocator;

#[cfg(windows)]
use wdk_panic as _;
