// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ndis_e1000e.sys`: an NDIS 6 miniport driver for the Intel 82574L.
//!
//! Start reading at [`irq::registration`]: the driver's one NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS with all eight
//! handlers. `docs/architecture.md` has the map.
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

extern crate alloc;
// The fuzz targets' checks name the crate; here they run as tests.
#[cfg(all(test, not(loom)))]
extern crate self as ndis_e1000e;
// Off Windows the crate is a library for tests: `std` gives it an allocator and a panic handler.
#[cfg(not(windows))]
extern crate std;

// Under loom only the interrupt protocol, what lies below it and the places of the transmit window are built, with
// loom's atomics:
// RUSTFLAGS="--cfg loom" cargo test --release --lib loom
#[cfg(not(loom))]
pub mod adapter;
#[cfg(not(loom))]
pub mod config;
pub mod hw;
pub mod irq;
#[cfg(all(test, loom))]
#[path = "net/loom_tests.rs"]
mod loom_tests;
#[cfg(not(loom))]
pub mod net;
#[cfg(not(loom))]
pub mod oid;
pub mod ring;
#[cfg(not(loom))]
pub mod trace;

/// Major and minor version of the driver, as the package has them.
pub const VERSION: (u8, u8) = (
    parse(env!("CARGO_PKG_VERSION_MAJOR")),
    parse(env!("CARGO_PKG_VERSION_MINOR")),
);

/// A decimal number that is known to be one.
const fn parse(text: &str) -> u8 {
    match u8::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => 0,
    }
}

#[cfg(not(loom))]
ndis::driver_entry!(adapter::Driver);

// The kernel structures of `ndis::ffi` are those of the installed WDK, or this does not compile.
#[cfg(windows)]
ndis::assert_same_layouts!(wdk_sys);

/// Pool memory for `alloc` (nonpaged pool).
#[cfg(windows)]
#[global_allocator]
static ALLOCATOR: wdk_alloc::WdkAllocator = wdk_alloc::WdkAllocator;

#[cfg(windows)]
use wdk_panic as _;
