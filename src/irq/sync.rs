// SPDX-License-Identifier: MIT OR Apache-2.0
//! The atomics of the interrupt protocol: `core`'s in the driver, loom's when built with `--cfg loom`, so
//! that the model explores the code that ships.

#[cfg(not(loom))]
pub use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
#[cfg(loom)]
pub use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
