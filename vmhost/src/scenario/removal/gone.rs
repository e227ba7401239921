// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device that vanishes after a register access, and what the driver does to it afterwards. Any
//! IRQL, but for [`begin`] and [`end`].

use crate::{
    machine::{iommu, lock::IrqSpin, mmio, pci, thread, time},
    ndis::{
        adapter::Adapter,
        bus,
        instant::{self, Instant},
    },
    verify::{self, Handler},
};
use alloc::{format, string::String, sync::Arc};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Accesses after the removal before a loop counts as endless (S-07). A table that is cleared is a
/// few hundred.
const PATIENCE: u64 = 20_000;
/// PCI command register, its bus master bit, and the one that keeps the pin quiet.
const COMMAND: u16 = 4;
const BUS_MASTER: u32 = 4;
const INTX_DISABLE: u32 = 1 << 10;
/// How long a device that comes back may still do what it was told before it vanished.
const DREGS_NS: u64 = 2_000_000;

/// Accesses so far, and the one after which the device is gone (0: none).
static SEEN: AtomicU64 = AtomicU64::new(0);
static AT: AtomicU64 = AtomicU64::new(0);
static GONE: AtomicBool = AtomicBool::new(false);
/// Accesses after the removal, in this life and the most of any.
static AFTER: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);
/// When the driver had been told; `u64::MAX`: not yet.
static TOLD_NS: AtomicU64 = AtomicU64::new(u64::MAX);
/// Value of the command register before.
static OLD_COMMAND: AtomicU64 = AtomicU64::new(0);
static DEVICE: IrqSpin<Option<Arc<Adapter>>> = IrqSpin::new(None);

/// Begins a life in which the device vanishes after access `at`, or never with 0.
pub fn begin(adapter: &Arc<Adapter>, at: u64) {
    *DEVICE.lock() = Some(adapter.clone());
    SEEN.store(0, Ordering::SeqCst);
    AFTER.store(0, Ordering::SeqCst);
    AT.store(at, Ordering::SeqCst);
    TOLD_NS.store(u64::MAX, Ordering::SeqCst);
    instant::set_hook(Some(reached));
}

/// Ends it, with the device back as after a reset of its bus; the number of accesses.
pub fn end() -> u64 {
    instant::set_hook(None);
    MOST.fetch_max(AFTER.load(Ordering::SeqCst), Ordering::SeqCst);
    let device = DEVICE.lock().take();
    if GONE.load(Ordering::SeqCst)
        && let Some(adapter) = device
    {
        let function = &adapter.device;
        // What it still holds from its earlier life reaches nothing, and is nobody's fault.
        iommu::ignore(function.bus, function.dev, function.func);
        let command = OLD_COMMAND.load(Ordering::SeqCst) as u32;
        pci::write_config(function, COMMAND, 2, command | INTX_DISABLE);
        thread::sleep_ns(DREGS_NS);
        pci::write_config(function, COMMAND, 2, command);
        iommu::attach(function.bus, function.dev, function.func);
        bus::set_gone(false);
        GONE.store(false, Ordering::SeqCst);
    }
    SEEN.load(Ordering::SeqCst)
}

/// Accesses in this life.
pub fn seen() -> u64 {
    SEEN.load(Ordering::SeqCst)
}

/// The device is gone.
pub fn is() -> bool {
    GONE.load(Ordering::SeqCst)
}

/// The driver knows.
pub fn set_told() {
    TOLD_NS.store(time::now_ns(), Ordering::SeqCst);
}

/// Whether it does.
pub fn is_told() -> bool {
    TOLD_NS.load(Ordering::SeqCst) != u64::MAX
}

/// Most accesses after a removal.
pub fn most_after() -> u64 {
    MOST.load(Ordering::SeqCst)
}

/// At each access of a register: before a write is done, after a read.
fn reached(instant: Instant) {
    if instant != Instant::Register {
        return;
    }
    let number = SEEN.fetch_add(1, Ordering::SeqCst) + 1;
    if GONE.load(Ordering::SeqCst) {
        access_after();
    } else if number == AT.load(Ordering::SeqCst) {
        vanish();
    }
}

fn vanish() {
    let Some(adapter) = DEVICE.lock().clone() else {
        return;
    };
    mmio::set_all_dead(adapter.handle, true);
    bus::set_gone(true);
    // Neither does it interrupt or write to memory any more.
    let command = pci::read_config(&adapter.device, COMMAND, 2);
    OLD_COMMAND.store(u64::from(command), Ordering::SeqCst);
    let silent = (command & !BUS_MASTER) | INTX_DISABLE;
    pci::write_config(&adapter.device, COMMAND, 2, silent);
    GONE.store(true, Ordering::SeqCst);
}

fn access_after() {
    let after = AFTER.fetch_add(1, Ordering::SeqCst) + 1;
    if after > PATIENCE {
        verify::stop(
            "S-07",
            format!("{after} register accesses after all of them read all ones: an endless loop"),
        );
    }
    let Some(context) = verify::current() else {
        return;
    };
    if context.inside(Handler::Halt) {
        verify::check("H-08", !is_told(), || {
            String::from("a register access in MiniportHaltEx after surprise removal")
        });
        return;
    }
    // What had begun before the driver was told may come to its end.
    let told = TOLD_NS.load(Ordering::SeqCst);
    verify::check("S-06", context.start_ns <= told, || {
        format!(
            "a register access {} us after the driver was told of the removal",
            (context.start_ns - told) / 1000
        )
    });
}
