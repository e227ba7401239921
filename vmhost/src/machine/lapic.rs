// SPDX-License-Identifier: MIT OR Apache-2.0
//! The local APIC of this CPU: x2APIC registers where there are any, else the memory window.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use x86_64::{instructions::interrupts, registers::model_specific::Msr};

use super::{cpu, vspace};

/// APIC base MSR.
const BASE_MSR: u32 = 0x1B;
/// Register offsets in the window; the x2APIC MSR is 0x800 + offset / 16.
mod reg {
    pub const ID: u32 = 0x20;
    pub const TPR: u32 = 0x80;
    pub const EOI: u32 = 0xB0;
    pub const SVR: u32 = 0xF0;
    pub const ICR: u32 = 0x300;
    pub const ICR_HIGH: u32 = 0x310;
    pub const LVT_TIMER: u32 = 0x320;
    pub const LVT_PERF: u32 = 0x340;
    pub const LVT_LINT0: u32 = 0x350;
    pub const LVT_LINT1: u32 = 0x360;
    pub const LVT_ERROR: u32 = 0x370;
    pub const TIMER_INITIAL: u32 = 0x380;
    pub const TIMER_CURRENT: u32 = 0x390;
    pub const TIMER_DIVIDE: u32 = 0x3E0;
}
const MASKED: u32 = 1 << 16;
/// Vector of spurious interrupts: no handler, no EOI.
pub const SPURIOUS: u8 = 0xFF;

static X2: AtomicBool = AtomicBool::new(false);
static WINDOW: AtomicU64 = AtomicU64::new(0);

fn read(offset: u32) -> u32 {
    if X2.load(Ordering::Relaxed) {
        // SAFETY: x2APIC mode is on, and `offset` names a readable register.
        return unsafe { Msr::new(0x800 + offset / 16).read() } as u32;
    }
    let at = WINDOW.load(Ordering::Relaxed) + u64::from(offset);
    // SAFETY: the window is the local APIC's, identity-mapped uncached.
    unsafe { (at as *const u32).read_volatile() }
}

fn write(offset: u32, value: u32) {
    if X2.load(Ordering::Relaxed) {
        // SAFETY: x2APIC mode is on, and `offset` names a writable register.
        unsafe { Msr::new(0x800 + offset / 16).write(u64::from(value)) };
        return;
    }
    let at = WINDOW.load(Ordering::Relaxed) + u64::from(offset);
    // SAFETY: the window is the local APIC's, identity-mapped uncached.
    unsafe { (at as *mut u32).write_volatile(value) };
}

/// Switches this CPU's local APIC on, everything masked.
pub fn init() {
    // SAFETY: CPUID has no effect.
    let x2 = core::arch::x86_64::__cpuid(1).ecx & 1 << 21 != 0;
    // SAFETY: the MSR exists on every x64 CPU.
    let base = unsafe { Msr::new(BASE_MSR).read() };
    let enable = base | 1 << 11 | if x2 { 1 << 10 } else { 0 };
    // SAFETY: enables the APIC in place; x2APIC mode only where the CPU has it.
    unsafe { Msr::new(BASE_MSR).write(enable) };
    X2.store(x2, Ordering::Relaxed);
    WINDOW.store(
        vspace::direct(base & 0xF_FFFF_F000) as u64,
        Ordering::Relaxed,
    );
    for lvt in [
        reg::LVT_TIMER,
        reg::LVT_PERF,
        reg::LVT_LINT0,
        reg::LVT_LINT1,
        reg::LVT_ERROR,
    ] {
        write(lvt, MASKED);
    }
    write(reg::TPR, 0);
    write(reg::SVR, 1 << 8 | u32::from(SPURIOUS));
    let id = if x2 {
        read(reg::ID)
    } else {
        read(reg::ID) >> 24
    };
    cpu::this().apic_id.store(id, Ordering::Relaxed);
}

/// Ends the interrupt in service with the highest priority.
pub fn eoi() {
    write(reg::EOI, 0);
}

/// Writes the interrupt command: destination and low word as one command.
fn command(apic_id: u32, low: u32) {
    if X2.load(Ordering::Relaxed) {
        // SAFETY: x2APIC mode is on; the command is one of this file's.
        unsafe { Msr::new(0x800 + reg::ICR / 16).write(u64::from(apic_id) << 32 | u64::from(low)) };
        return;
    }
    interrupts::without_interrupts(|| {
        while read(reg::ICR) & 1 << 12 != 0 {
            core::hint::spin_loop();
        }
        write(reg::ICR_HIGH, apic_id << 24);
        write(reg::ICR, low);
    });
}

fn apic_id(index: usize) -> u32 {
    cpu::get(index).apic_id.load(Ordering::Relaxed)
}

/// Raises `vector` on another (or this) CPU.
pub fn send(index: usize, vector: u8) {
    command(apic_id(index), 1 << 14 | u32::from(vector));
}

/// Raises `vector` on this CPU.
pub fn send_self(vector: u8) {
    command(0, 1 << 18 | 1 << 14 | u32::from(vector));
}

/// Sends an NMI to another CPU.
pub fn send_nmi(index: usize) {
    command(apic_id(index), 4 << 8 | 1 << 14);
}

/// INIT, the first half of starting a CPU.
pub fn send_init(apic_id: u32) {
    command(apic_id, 5 << 8 | 1 << 14);
}

/// Start-up: the CPU begins in real mode at `page << 12`.
pub fn send_startup(apic_id: u32, page: u8) {
    command(apic_id, 6 << 8 | 1 << 14 | u32::from(page));
}

/// Prepares the timer: one-shot on `vector`, counting at the bus clock.
pub fn timer_init(vector: u8) {
    write(reg::TIMER_DIVIDE, 0b1011);
    write(reg::LVT_TIMER, u32::from(vector));
}

/// Starts the timer; 0 stops it.
pub fn timer_start(ticks: u32) {
    write(reg::TIMER_INITIAL, ticks);
}

/// What is left.
pub fn timer_left() -> u32 {
    read(reg::TIMER_CURRENT)
}
