// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the interrupt handlers share with the adapter: registers, shared memory, and the two rings. Any IRQL.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ndis::adapter::AdapterHandle;
use ndis::dma::SharedMemory;
use ndis::io::IoSpace;
use ndis::irql::{Irql, Passive};
use ndis::mem::Shared;
use ndis::poll::PollSlot;
use ndis::spin::SpinLock;
use ndis::time;

use crate::choice::is;
use crate::poll::Poller;
use crate::receive::Receive;
use crate::send::Send;
use crate::table::ENDLESS_POLL;

/// Registers, bytes from the beginning of BAR 0 (data sheet, section 10.1.2).
#[allow(missing_docs, reason = "the names of the data sheet")]
pub mod reg {
    pub const CTRL: u32 = 0;
    pub const STATUS: u32 = 8;
    pub const ICR: u32 = 0xC0;
    pub const ICS: u32 = 0xC8;
    pub const IMS: u32 = 0xD0;
    pub const IMC: u32 = 0xD8;
    pub const RCTL: u32 = 0x100;
    pub const TCTL: u32 = 0x400;
    pub const RDBAL: u32 = 0x2800;
    pub const RDT: u32 = 0x2818;
    pub const TDBAL: u32 = 0x3800;
    pub const TDT: u32 = 0x3818;
    pub const RAL: u32 = 0x5400;
}

/// Descriptors of each ring.
pub const RING: usize = 128;
/// Bytes of a buffer.
pub const BUFFER: u32 = 2048;
/// Bytes of a descriptor.
const DESCRIPTOR: u32 = 16;
/// Bytes of a ring.
const RING_BYTES: u32 = RING as u32 * DESCRIPTOR;
/// Where the receive buffers begin in the shared memory, and the transmit buffers. Before them are the two rings.
const RECEIVE: u32 = 2 * RING_BYTES;
const SEND: u32 = RECEIVE + RING as u32 * BUFFER;
/// Bytes of shared memory.
pub const SHARED: u32 = SEND + RING as u32 * BUFFER;
/// Descriptor done, in the second half of either kind of descriptor.
const DONE: u64 = 1 << 32;

/// Byte offset of a receive descriptor in the shared memory.
pub const fn receive_descriptor(n: usize) -> u32 {
    n as u32 * DESCRIPTOR
}

/// Byte offset of a transmit descriptor.
pub const fn send_descriptor(n: usize) -> u32 {
    RING_BYTES + n as u32 * DESCRIPTOR
}

/// Byte offset of a receive buffer.
pub const fn receive_buffer(n: usize) -> u32 {
    RECEIVE + n as u32 * BUFFER
}

/// Byte offset of a transmit buffer.
pub const fn send_buffer(n: usize) -> u32 {
    SEND + n as u32 * BUFFER
}

/// All that the handlers need. Whole pages, as pool aligns nothing smaller to the cache line that the poll slot asks for.
#[repr(align(4096))]
pub struct Core {
    /// The adapter, for NDIS.
    pub handle: AdapterHandle,
    /// BAR 0.
    pub registers: IoSpace,
    /// Rings and buffers.
    pub memory: Shared<SharedMemory>,
    /// The packet filter as set.
    pub filter: AtomicU32,
    /// Between restart and pause.
    pub running: AtomicBool,
    /// The mask stays closed.
    pub stopped: AtomicBool,
    /// NDIS has called a Disable handler.
    pub disabled: AtomicBool,
    /// The chip is gone.
    pub gone: AtomicBool,
    /// For faults: a DPC is on its way.
    pub reported: AtomicBool,
    /// For faults: the DPC has queued another one.
    pub queued_early: AtomicBool,
    /// The poll object, in the faults that need one.
    pub poll: PollSlot<Poller>,
    pub polled: AtomicBool,
    /// NDIS polls, or has been asked to.
    pub polling: AtomicBool,
    /// The receive ring.
    pub receive: SpinLock<Receive>,
    /// The transmit ring.
    pub send: SpinLock<Send>,
}

impl Core {
    /// Reads a register.
    pub fn read(&self, register: u32) -> u32 {
        self.registers.read32(register)
    }

    /// Writes a register.
    pub fn write(&self, register: u32, value: u32) {
        self.registers.write32(register, value);
    }

    /// [`stopped`](Self::stopped). Sequentially consistent, as all flags: which of two processors came first decides
    /// whether the mask is open.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Logical address of a byte of the shared memory.
    pub fn logical(&self, offset: u32) -> u64 {
        self.memory.logical_address() + u64::from(offset)
    }

    /// Gives a descriptor to the chip: a buffer's logical address, and the second half.
    pub fn post(&self, descriptor: u32, buffer: u64, second: u64) {
        self.memory.write(descriptor, buffer);
        self.memory.write(descriptor + 8, second);
    }

    /// The second half of a descriptor that the chip has given back.
    pub fn done(&self, descriptor: u32) -> Option<u64> {
        let second: u64 = self.memory.read(descriptor + 8)?;
        (second & DONE != 0).then_some(second)
    }

    /// Starts both engines, waits for the link and opens the interrupt mask. PASSIVE_LEVEL.
    pub fn open(&self, irql: &mut Irql<Passive>) {
        for (base, ring) in [(reg::RDBAL, 0), (reg::TDBAL, RING_BYTES)] {
            let address = self.logical(ring);
            self.write(base, address as u32);
            self.write(base + 4, (address >> 32) as u32);
            self.write(base + 8, RING_BYTES);
            self.write(base + 0x10, 0);
            self.write(base + 0x18, 0);
        }
        // Set link up, detect speed.
        self.write(reg::CTRL, self.read(reg::CTRL) | 0x60);
        // Enable, accept broadcast, multicast promiscuous, strip FCS; enable, pad, collision fields.
        self.write(reg::RCTL, 2 | 1 << 15 | 1 << 4 | 1 << 26);
        self.write(reg::TCTL, 2 | 8 | 0xF << 4 | 0x3F << 12);
        self.write(reg::RDT, self.receive.lock(irql).tail() as u32);
        for _ in 0..200 {
            if self.read(reg::STATUS) & 2 != 0 {
                break;
            }
            time::sleep_us(10_000, irql);
        }
        crate::interrupt::unmask(self);
    }
}

/// Resets the chip, which then neither interrupts nor writes to memory. PASSIVE_LEVEL.
pub fn reset(registers: &IoSpace, irql: &Irql<Passive>) {
    registers.write32(reg::IMC, u32::MAX);
    registers.write32(reg::RCTL, 0);
    registers.write32(reg::TCTL, 0);
    registers.write32(reg::CTRL, registers.read32(reg::CTRL) | 1 << 26);
    time::sleep_us(2000, irql);
    while is(ENDLESS_POLL) && registers.read32(reg::CTRL) & 1 << 26 != 0 {}
    registers.write32(reg::IMC, u32::MAX);
    let _ = registers.read32(reg::ICR);
}
