// SPDX-License-Identifier: MIT OR Apache-2.0
//! IRQL is CR8 (contract G-01): the CPU's task priority, so raising it really masks interrupts.

use core::arch::asm;

/// An interrupt request level.
pub type Irql = u8;
/// Thread code.
pub const PASSIVE: Irql = 0;
/// APCs are held off.
pub const APC: Irql = 1;
/// DPCs and the scheduler are held off.
pub const DISPATCH: Irql = 2;
/// Lowest device level.
pub const DEVICE_MIN: Irql = 3;
/// Highest device level.
pub const DEVICE_MAX: Irql = 11;
/// The clock.
pub const CLOCK: Irql = 13;
/// Inter-processor interrupts.
pub const IPI: Irql = 14;
/// Everything but NMI is held off.
pub const HIGH: Irql = 15;

/// This CPU's level.
#[inline]
pub fn current() -> Irql {
    let cr8: u64;
    // SAFETY: reading CR8 has no effect.
    unsafe { asm!("mov {}, cr8", out(reg) cr8, options(nomem, nostack, preserves_flags)) };
    cr8 as Irql
}

/// Writes CR8 whatever it was.
///
/// Not `nomem`: an interrupt that was held off runs inside this instruction.
#[inline]
pub(super) fn set(to: Irql) {
    // SAFETY: ring 0, and only the low four bits are set.
    unsafe { asm!("mov cr8, {}", in(reg) u64::from(to & 15), options(nostack, preserves_flags)) };
}

/// Raises this CPU's level to `to` and returns the old one. Panics when `to` is lower.
#[inline]
pub fn raise(to: Irql) -> Irql {
    let old = current();
    assert!(to >= old && to <= HIGH, "irql::raise from {old} to {to}");
    set(to);
    old
}

/// Lowers this CPU's level. What was held off (DPCs are vector 0x2F) runs before this returns when
/// interrupts are enabled. Panics when `to` is higher.
#[inline]
pub fn lower(to: Irql) {
    let old = current();
    assert!(to <= old, "irql::lower from {old} to {to}");
    set(to);
}
