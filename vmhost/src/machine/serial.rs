// SPDX-License-Identifier: MIT OR Apache-2.0
//! The serial line to the runner's traffic peer: a 16550, polled. Any IRQL below HIGH; one user.

use super::{thread, time};
use vmhost_proto::SERIAL_PORT;
use x86_64::instructions::port::Port;

/// Registers, from the first port on.
const DATA: u16 = 0;
const FIFO_CONTROL: u16 = 2;
const LINE_STATUS: u16 = 5;
/// Both FIFOs on and empty, 14 bytes before QEMU stops to hand over more.
const FIFOS: u8 = 0xC7;
/// A byte has come; a byte can go.
const RECEIVED: u8 = 1;
const EMPTY: u8 = 1 << 5;
/// Bytes of the transmit FIFO.
const FIFO: usize = 16;
/// Pause between two looks at a line that has nothing.
const PAUSE_NS: u64 = 50_000;

fn read(register: u16) -> u8 {
    // SAFETY: a register of QEMU's serial port, which nobody else uses.
    unsafe { Port::<u8>::new(SERIAL_PORT + register).read() }
}

fn write(register: u16, value: u8) {
    // SAFETY: as above.
    unsafe { Port::<u8>::new(SERIAL_PORT + register).write(value) }
}

/// Whether there is a line at all; makes it ready.
pub fn init() -> bool {
    write(FIFO_CONTROL, FIFOS);
    // The port of a line that is not there reads as ones.
    read(LINE_STATUS) != 0xFF
}

/// Sends bytes. PASSIVE.
pub fn send(bytes: &[u8]) {
    for chunk in bytes.chunks(FIFO) {
        while read(LINE_STATUS) & EMPTY == 0 {
            core::hint::spin_loop();
        }
        for byte in chunk {
            write(DATA, *byte);
        }
    }
}

/// Receives bytes until `out` is full; `false` when they are not all here at `deadline_ns`.
/// PASSIVE.
pub fn receive(out: &mut [u8], deadline_ns: u64) -> bool {
    for byte in out {
        while read(LINE_STATUS) & RECEIVED == 0 {
            if time::now_ns() > deadline_ns {
                return false;
            }
            thread::sleep_ns(PAUSE_NS);
        }
        *byte = read(DATA);
    }
    true
}
