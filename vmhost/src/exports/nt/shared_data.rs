// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page at 0xFFFFF78000000000 that the kernel shares with everybody: times and versions that
//! inline functions of the headers read (`KeQuerySystemTime`, `KeQueryTickCount`,
//! `KeQueryInterruptTime`, and NDIS' macros over them). Updated by a clock at DISPATCH_LEVEL.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::system;
use crate::{
    machine::{cpu, time, vspace},
    registry, verify,
};

/// `KI_USER_SHARED_DATA` on x64.
const ADDRESS: usize = 0xFFFF_F780_0000_0000;
/// Nanoseconds of a clock tick: 15.625 ms.
const TICK_NS: u64 = 15_625_000;

/// Offsets in `KUSER_SHARED_DATA`.
mod at {
    pub const TICK_COUNT_LOW: usize = 0x000;
    pub const TICK_COUNT_MULTIPLIER: usize = 0x004;
    pub const INTERRUPT_TIME: usize = 0x008;
    pub const SYSTEM_TIME: usize = 0x014;
    pub const SYSTEM_ROOT: usize = 0x030;
    pub const BUILD: usize = 0x260;
    pub const PRODUCT_TYPE: usize = 0x264;
    pub const PRODUCT_TYPE_VALID: usize = 0x268;
    pub const MAJOR: usize = 0x26C;
    pub const MINOR: usize = 0x270;
    pub const TICK_COUNT: usize = 0x320;
    pub const ACTIVE_PROCESSORS: usize = 0x3C0;
    pub const QPC_FREQUENCY: usize = 0x300;
}

/// The frame, by its physical address.
static FRAME: AtomicU64 = AtomicU64::new(0);

fn put(offset: usize, value: u32) {
    let address = vspace::direct(FRAME.load(Ordering::Relaxed)) + offset;
    // SAFETY: the frame belongs to this module, the offset is inside it and a multiple of 4; the
    // driver only reads its own, read-only view.
    let word = unsafe { AtomicU32::from_ptr(address as *mut u32) };
    word.store(value, Ordering::Release);
}

/// Writes a `KSYSTEM_TIME` { low, high, second high } so that a reader who compares the two high
/// parts never sees a torn value.
fn put_time(offset: usize, value: u64) {
    put(offset + 8, (value >> 32) as u32);
    put(offset, value as u32);
    put(offset + 4, (value >> 32) as u32);
}

fn update() {
    let now = time::now_ns();
    put_time(at::INTERRUPT_TIME, now / 100);
    put_time(at::SYSTEM_TIME, time::system_time_100ns());
    put_time(at::TICK_COUNT, now / TICK_NS);
    put(at::TICK_COUNT_LOW, (now / TICK_NS) as u32);
}

fn tick() {
    update();
    time::call_at(time::now_ns() + TICK_NS, 0, Box::new(tick));
}

/// Maps the page and starts its clock. PASSIVE, once.
pub fn start() {
    let Some(frame) = vspace::map_fixed(ADDRESS, "shared user data") else {
        verify::end("no memory for the shared data page");
    };
    FRAME.store(frame, Ordering::Release);
    for (i, c) in "C:\\Windows"
        .encode_utf16()
        .collect::<alloc::vec::Vec<_>>()
        .chunks(2)
        .enumerate()
    {
        put(
            at::SYSTEM_ROOT + i * 4,
            u32::from(c[0]) | u32::from(c.get(1).copied().unwrap_or(0)) << 16,
        );
    }
    put(at::TICK_COUNT_MULTIPLIER, 0x0FA0_0000);
    put(at::BUILD, system::build_of(registry::ndis_minor()));
    put(at::PRODUCT_TYPE, 1);
    put(at::PRODUCT_TYPE_VALID, 1);
    put(at::MAJOR, 10);
    put(at::MINOR, 0);
    put(at::ACTIVE_PROCESSORS, cpu::count() as u32);
    put(at::QPC_FREQUENCY, system::QPC_HZ as u32);
    tick();
}
