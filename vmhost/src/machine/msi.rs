// SPDX-License-Identifier: MIT OR Apache-2.0
//! Message-signalled interrupts. Any IRQL.

use core::sync::atomic::Ordering;

use super::cpu;

/// The (address, data) a device writes to raise `vector` on `cpu`: edge, fixed, physical.
pub fn message_for(vector: u8, cpu: usize) -> (u64, u32) {
    let apic_id = cpu::get(cpu).apic_id.load(Ordering::Relaxed);
    (0xFEE0_0000 | u64::from(apic_id) << 12, u32::from(vector))
}
