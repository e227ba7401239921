// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the owned types against the [`fake`](crate::fake) host.

mod data;
mod driver;
mod interrupt;
mod oid;
mod rest;
mod shapes;

use crate::ffi::*;
use crate::irql::{Irql, Level};

/// The memory range that test adapters are given.
const BAR: (u64, u32) = (0xFEB0_0000, 0x1000);

/// A resource list with [`BAR`].
fn resources() -> CM_PARTIAL_RESOURCE_LIST {
    let mut list = CM_PARTIAL_RESOURCE_LIST::zeroed();
    list.Count = 1;
    let [descriptor] = &mut list.PartialDescriptors;
    descriptor.Type = CmResourceTypeMemory;
    descriptor.u.Memory.Start = LARGE_INTEGER::new(BAR.0 as i64);
    descriptor.u.Memory.Length = BAR.1;
    list
}

/// A token for a test, which plays NDIS.
fn irql<L: Level>() -> Irql<L> {
    // SAFETY: the host plays the level; tests of raised levels set it.
    unsafe { Irql::assume() }
}
