// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupt lines: the I/O APICs that the ACPI tables name. Any IRQL.

use alloc::vec::Vec;

use super::{cpu, lock::IrqSpin, vspace};

struct IoApic {
    window: usize,
    first_gsi: u32,
    lines: u32,
}

impl IoApic {
    fn read(&self, register: u32) -> u32 {
        // SAFETY: the window is an I/O APIC's, identity-mapped uncached; the lock is held.
        unsafe { (self.window as *mut u32).write_volatile(register) };
        // SAFETY: as above.
        unsafe { ((self.window + 0x10) as *const u32).read_volatile() }
    }

    fn write(&self, register: u32, value: u32) {
        // SAFETY: as in `read`.
        unsafe { (self.window as *mut u32).write_volatile(register) };
        // SAFETY: as above.
        unsafe { ((self.window + 0x10) as *mut u32).write_volatile(value) };
    }
}

static APICS: IrqSpin<Vec<IoApic>> = IrqSpin::new(Vec::new());
const MASKED: u32 = 1 << 16;

/// Adds one controller, all lines masked.
pub(super) fn add(pa: u64, first_gsi: u32) {
    let mut apic = IoApic {
        window: vspace::direct(pa),
        first_gsi,
        lines: 0,
    };
    apic.lines = (apic.read(1) >> 16 & 0xFF) + 1;
    for line in 0..apic.lines {
        apic.write(0x10 + line * 2, MASKED);
    }
    APICS.lock().push(apic);
}

fn with(gsi: u32, f: impl FnOnce(&IoApic, u32)) {
    let apics = APICS.lock();
    let apic = apics
        .iter()
        .find(|apic| (apic.first_gsi..apic.first_gsi + apic.lines).contains(&gsi));
    match apic {
        Some(apic) => f(apic, 0x10 + (gsi - apic.first_gsi) * 2),
        None => panic!("no I/O APIC has interrupt line {gsi}"),
    }
}

/// Routes a line to a vector on one CPU, unmasked.
pub fn connect(gsi: u32, vector: u8, cpu: usize, level: bool, active_low: bool) {
    let apic_id = cpu::get(cpu)
        .apic_id
        .load(core::sync::atomic::Ordering::Relaxed);
    with(gsi, |apic, register| {
        // Masked while the two halves disagree.
        apic.write(register, MASKED);
        apic.write(register + 1, apic_id << 24);
        apic.write(
            register,
            u32::from(vector) | u32::from(active_low) << 13 | u32::from(level) << 15,
        );
    });
}

/// Masks or unmasks a line.
pub fn mask(gsi: u32, masked: bool) {
    with(gsi, |apic, register| {
        let old = apic.read(register);
        apic.write(register, if masked { old | MASKED } else { old & !MASKED });
    });
}
