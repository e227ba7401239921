// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lines for the kernel debugger. PASSIVE_LEVEL by use; never on ISR, DPC or send paths.

/// `interrupt-map: 0=rx0 …`: which message serves what, and why that rung of the ladder was chosen. A convention that a
/// checked host, or a person with a debugger, can read.
pub fn interrupt_map(
    names: &[&str; crate::irq::VECTORS],
    reason: &str,
    granted: u32,
    dead: u8,
    slowest_us: u32,
) {
    #[cfg(windows)]
    {
        let [a, b, c, d, e] = names;
        wdk::println!(
            "interrupt-map: 0={a} 1={b} 2={c} 3={d} 4={e} reason={reason} granted={granted} dead={dead} self-test={slowest_us}us"
        );
    }
    #[cfg(not(windows))]
    let _ = (names, reason, granted, dead, slowest_us);
}
