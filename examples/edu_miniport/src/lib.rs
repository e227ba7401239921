// SPDX-License-Identifier: MIT OR Apache-2.0
//! `edu_miniport.sys`: a miniport for QEMU's `edu` device (1234:11E8), on the crate `ndis` alone.
//!
//! The device raises an interrupt on demand, by its line or one MSI. A sent frame is copied into a receive buffer, the
//! device is asked for an interrupt, and the DPC of that interrupt indicates the frame as received.
#![no_std]

extern crate alloc;
#[cfg(not(windows))]
extern crate std;

mod adapter;
mod interrupt;
mod oids;
mod registers;

ndis::driver_entry!(adapter::Driver);

/// Pool memory for `alloc` (nonpaged pool).
#[cfg(windows)]
#[global_allocator]
static ALLOCATOR: wdk_alloc::WdkAllocator = wdk_alloc::WdkAllocator;

#[cfg(windows)]
use wdk_panic as _;
