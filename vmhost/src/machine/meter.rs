// SPDX-License-Identifier: MIT OR Apache-2.0
//! The driver's instructions, counted by QEMU's plugin in memory that it shares with the guest
//! ([`vmhost_proto::meter`]). Without the plugin nothing is counted and nothing is slower.
//!
//! Each CPU's count only grows; [`settle`] gives what has come since the last call to whoever the
//! context word names. It is called whenever that word changes. Any IRQL.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use vmhost_proto::meter;
use x86_64::instructions::interrupts;

use super::{
    cpu,
    pages::PAGE,
    pci::{self, PciDevice},
    vspace::{self, Prot},
};

/// Gets what a CPU has executed of the driver since it was called last on that CPU.
pub type Owner = fn(instructions: u64);

/// The shared memory; 0: there is none.
static BASE: AtomicUsize = AtomicUsize::new(0);
static OWNER: AtomicUsize = AtomicUsize::new(0);
/// Counts up to which somebody has got them.
static SETTLED: [AtomicU64; cpu::MAX] = [const { AtomicU64::new(0) }; cpu::MAX];

/// Command register and its memory bit.
const COMMAND: u16 = 4;
const MEMORY: u32 = 2;

/// Looks for the memory. Once, after the PCI bus was read.
pub(super) fn init() {
    let found = pci::devices()
        .into_iter()
        .find(|device| device.vendor == meter::VENDOR && device.device == meter::DEVICE);
    let Some(pa) = found.and_then(|device| memory(&device)) else {
        return;
    };
    let base = vspace::map_phys(pa, meter::SIZE / PAGE, Prot::RW);
    vspace::label(base, "instruction counts");
    if word(base, meter::MAGIC_AT).load(Ordering::Acquire) == meter::MAGIC {
        BASE.store(base, Ordering::Release);
    }
}

/// Where the device's memory is, decoded from now on.
fn memory(device: &PciDevice) -> Option<u64> {
    let bar = pci::bars(device)
        .into_iter()
        .find(|bar| bar.index == meter::BAR && bar.len == meter::SIZE as u64)?;
    let command = pci::read_config(device, COMMAND, 2);
    pci::write_config(device, COMMAND, 2, command | MEMORY);
    Some(bar.pa)
}

fn word(base: usize, offset: usize) -> &'static AtomicU64 {
    debug_assert!(offset.is_multiple_of(8) && offset < meter::SIZE);
    // SAFETY: inside the mapping, which is never ended; everybody who shares it uses whole words.
    unsafe { &*((base + offset) as *const AtomicU64) }
}

fn base() -> Option<usize> {
    Some(BASE.load(Ordering::Relaxed)).filter(|base| *base != 0)
}

/// Says whose instructions are counted, before the first of them is executed.
pub fn watch(begin: u64, len: u64) {
    if let Some(base) = base() {
        word(base, meter::END_AT).store(begin + len, Ordering::Release);
        word(base, meter::BEGIN_AT).store(begin, Ordering::Release);
    }
}

/// Chooses the histogram that executed instructions are also counted in; 0: none.
pub fn histogram(number: usize) {
    if let Some(base) = base() {
        word(base, meter::HISTOGRAM_AT).store(number as u64, Ordering::Release);
    }
}

/// Sets who gets the counts.
pub fn set_owner(owner: Owner) {
    OWNER.store(owner as usize, Ordering::Release);
}

/// Gives what this CPU has executed since the last call to the owner.
pub fn settle() {
    let Some(base) = base() else { return };
    interrupts::without_interrupts(|| {
        let id = cpu::id();
        let (Some(at), owner) = (meter::count_at(id), OWNER.load(Ordering::Acquire)) else {
            return;
        };
        // Relaxed: the plugin writes it on the thread that is this CPU.
        let now = word(base, at).load(Ordering::Relaxed);
        let new = now - SETTLED[id].swap(now, Ordering::Relaxed);
        if owner != 0 && new != 0 {
            // SAFETY: only `set_owner` stores there, and it stores such a function.
            let owner = unsafe { core::mem::transmute::<usize, Owner>(owner) };
            owner(new);
        }
    });
}
