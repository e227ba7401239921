// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's own bug, or a machine it cannot run on: said in one line, then the run ends.

use alloc::format;
use core::{
    fmt::Write,
    panic::PanicInfo,
    sync::atomic::{AtomicBool, Ordering},
};

use vmhost_proto::Record;
use x86_64::instructions::interrupts;

use super::{console, cpu, exit};

/// Exit status of a run that could not go on for a reason that is not the driver's.
pub const EXIT_FATAL: u32 = 2;

static PANICKED: AtomicBool = AtomicBool::new(false);

/// Ends the run with one line for the runner. Any IRQL; needs the heap.
pub fn fatal(what: &str) -> ! {
    interrupts::disable();
    if !PANICKED.swap(true, Ordering::AcqRel) {
        let what = what.replace('\n', " ");
        console::record(&Record::Fatal { what });
    }
    exit::exit(EXIT_FATAL)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    interrupts::disable();
    let again = PANICKED.swap(true, Ordering::AcqRel);
    // Straight to the port first: the panic may have come with a lock held or without memory. The
    // port takes everything.
    let _ = writeln!(console::Raw, "vmhost: CPU {}: {info}", cpu::id());
    if !again {
        let at = info
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()))
            .unwrap_or_default();
        let what = format!("the host failed at {at}: {}", info.message());
        console::record(&Record::Fatal {
            what: what.replace('\n', " "),
        });
    }
    exit::exit(EXIT_FATAL)
}
