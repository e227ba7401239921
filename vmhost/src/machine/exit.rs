// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of the run. Any IRQL, any stack.

use core::sync::atomic::{AtomicBool, Ordering};

use vmhost_proto::EXIT_PORT;
use x86_64::instructions::{hlt, interrupts, port::PortWriteOnly};

use super::{cpu, lapic};

static STOP: AtomicBool = AtomicBool::new(false);

/// True once the run is over: a CPU that gets an NMI then stays in it.
pub(super) fn stopping() -> bool {
    STOP.load(Ordering::Acquire)
}

/// Stops this CPU for good.
pub(super) fn park() -> ! {
    interrupts::disable();
    loop {
        hlt();
    }
}

/// Stops the other CPUs and ends QEMU with exit status `status << 1 | 1`.
pub fn exit(status: u32) -> ! {
    interrupts::disable();
    if STOP.swap(true, Ordering::AcqRel) {
        park();
    }
    for index in 0..cpu::count() {
        if index != cpu::id() {
            lapic::send_nmi(index);
        }
    }
    // SAFETY: QEMU's isa-debug-exit ends the machine; nothing runs afterwards.
    unsafe { PortWriteOnly::<u32>::new(EXIT_PORT).write(status) };
    park()
}
