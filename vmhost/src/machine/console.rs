// SPDX-License-Identifier: MIT OR Apache-2.0
//! The debug console: lines for people and records for the runner. Any IRQL; whole lines.

use alloc::string::String;
use core::fmt::{Arguments, Write};

use vmhost_proto::{CONSOLE_PORT, RECORD_PREFIX, Record};
use x86_64::instructions::port::PortWriteOnly;

use super::lock::IrqSpin;

static LOCK: IrqSpin<()> = IrqSpin::new(());

fn put(bytes: &[u8]) {
    let mut port = PortWriteOnly::<u8>::new(CONSOLE_PORT);
    for &byte in bytes {
        // SAFETY: QEMU's debug console takes any byte and has no other effect.
        unsafe { port.write(byte) };
    }
}

/// Writes straight to the port: no lock, no heap. For panics and faults.
pub(super) struct Raw;

impl Write for Raw {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        put(text.as_bytes());
        Ok(())
    }
}

/// Prints one line (a newline is added). A text of several lines stays together.
pub fn print(text: Arguments<'_>) {
    // Formatted before the lock is taken: a `Display` may itself print.
    let mut line = String::with_capacity(120);
    // Formatting into a String fails only if a Display does; then what there is gets printed.
    let _ = line.write_fmt(text);
    // A driver's text must not pass for a record.
    let escape = line.starts_with(RECORD_PREFIX);
    line.push('\n');
    let _guard = LOCK.lock();
    if escape {
        put(b" ");
    }
    put(line.as_bytes());
}

/// Sends one record to the runner.
pub fn record(record: &Record) {
    let Ok(json) = serde_json::to_string(record) else {
        print(format_args!(
            "vmhost: a record could not be written as JSON"
        ));
        return;
    };
    let _guard = LOCK.lock();
    let mut prefix = [0u8; 4];
    put(RECORD_PREFIX.encode_utf8(&mut prefix).as_bytes());
    put(json.as_bytes());
    put(b"\n");
}

/// Prints one line on the debug console.
#[macro_export]
macro_rules! log {
    ($($arg:tt)*) => { $crate::machine::console::print(format_args!($($arg)*)) };
}
