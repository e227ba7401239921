// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's fw_cfg files, read by DMA. PASSIVE, one caller at a time.

use alloc::{boxed::Box, string::String, vec, vec::Vec};
use core::sync::atomic::{Ordering, compiler_fence};

use x86_64::instructions::port::PortWriteOnly;

use super::lock::IrqSpin;

/// The DMA address register: high half, then low half, both big-endian; the low one starts it.
const DMA_HIGH: u16 = 0x514;
const DMA_LOW: u16 = 0x518;
/// Item: the directory of named files.
const DIRECTORY: u16 = 0x19;
const ERROR: u32 = 1;
const READ: u32 = 2;
const SELECT: u32 = 8;

/// The transfer descriptor; all fields big-endian.
#[repr(C)]
struct Access {
    control: u32,
    length: u32,
    address: u64,
}

static ONE: IrqSpin<()> = IrqSpin::new(());

/// Reads the first bytes of `item` into `buffer`, which is on the heap: stacks are not
/// identity-mapped.
fn read_item(item: u16, buffer: &mut [u8]) -> Option<()> {
    let _guard = ONE.lock();
    let mut access = Box::new(Access {
        control: (u32::from(item) << 16 | SELECT | READ).to_be(),
        length: (buffer.len() as u32).to_be(),
        address: (buffer.as_mut_ptr() as u64).to_be(),
    });
    let at = &raw mut *access as u64;
    compiler_fence(Ordering::SeqCst);
    // SAFETY: the descriptor and the buffer live until the device has cleared `control`.
    unsafe { PortWriteOnly::<u32>::new(DMA_HIGH).write(((at >> 32) as u32).to_be()) };
    // SAFETY: as above.
    unsafe { PortWriteOnly::<u32>::new(DMA_LOW).write((at as u32).to_be()) };
    loop {
        // SAFETY: the field is the box's own; the device writes it.
        let control = u32::from_be(unsafe { (&raw const access.control).read_volatile() });
        if control & !ERROR == 0 {
            compiler_fence(Ordering::SeqCst);
            return (control == 0).then_some(());
        }
        core::hint::spin_loop();
    }
}

/// The contents of the fw_cfg file `name`, or `None` when QEMU was given none.
pub fn read_file(name: &str) -> Option<Vec<u8>> {
    const ENTRY: usize = 64;
    let mut count = vec![0u8; 4];
    read_item(DIRECTORY, &mut count)?;
    let count = u32::from_be_bytes([count[0], count[1], count[2], count[3]]);
    let mut directory = vec![0u8; 4 + count as usize * ENTRY];
    read_item(DIRECTORY, &mut directory)?;
    for entry in directory[4..].chunks_exact(ENTRY) {
        let size = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
        let item = u16::from_be_bytes([entry[4], entry[5]]);
        let end = entry[8..]
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(ENTRY - 8);
        if String::from_utf8_lossy(&entry[8..8 + end]) == name {
            let mut contents = vec![0u8; size as usize];
            read_item(item, &mut contents)?;
            return Some(contents);
        }
    }
    None
}
