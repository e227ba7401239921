// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the owned types against the [`fake`](crate::fake) host.

mod data;
mod driver;
mod interrupt;
mod oid;
mod rest;

use crate::irql::{Irql, Level};

/// A token for a test, which plays NDIS.
fn irql<L: Level>() -> Irql<L> {
    // SAFETY: the host plays the level; tests of raised levels set it.
    unsafe { Irql::assume() }
}
