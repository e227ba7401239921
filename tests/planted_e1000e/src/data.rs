// SPDX-License-Identifier: MIT OR Apache-2.0
//! The adapter's data: registers, rings and what guards them. Any IRQL.

use core::sync::atomic::AtomicBool;

use ndis::ffi::*;
use ndis::sys::inline::{READ_REGISTER_ULONG, WRITE_REGISTER_ULONG};

/// Registers, bytes from the beginning of BAR 0 (data sheet, section 10.1.2).
#[allow(missing_docs, reason = "the names of the data sheet")]
pub mod reg {
    pub const CTRL: usize = 0;
    pub const STATUS: usize = 8;
    pub const ICR: usize = 0xC0;
    pub const ICS: usize = 0xC8;
    pub const IMS: usize = 0xD0;
    pub const IMC: usize = 0xD8;
    pub const RCTL: usize = 0x100;
    pub const TCTL: usize = 0x400;
    pub const RDBAL: usize = 0x2800;
    pub const RDT: usize = 0x2818;
    pub const TDBAL: usize = 0x3800;
    pub const TDT: usize = 0x3818;
    pub const RAL: usize = 0x5400;
}

/// Descriptors of each ring.
pub const RING: usize = 128;
/// Bytes of a buffer.
pub const BUFFER: usize = 2048;
/// Bytes of a descriptor.
pub const DESCRIPTOR: usize = 16;
/// Where the receive buffers begin in the shared memory, and the transmit buffers.
pub const RECEIVE: usize = 2 * RING * DESCRIPTOR;
const SEND: usize = RECEIVE + RING * BUFFER;
/// Bytes of shared memory.
pub const SHARED: u32 = (SEND + RING * BUFFER) as u32;

/// All there is; in nonpaged pool, zeroed.
#[repr(C)]
pub struct Adapter {
    pub handle: NDIS_HANDLE,
    pub registers: *mut c_void,
    pub registers_length: u32,
    pub dma: NDIS_HANDLE,
    pub memory: *mut c_void,
    pub logical: NDIS_PHYSICAL_ADDRESS,
    pub pool: NDIS_HANDLE,
    pub interrupt: NDIS_HANDLE,
    pub filter: u32,
    pub running: AtomicBool,
    pub stopped: AtomicBool,
    pub disabled: AtomicBool,
    pub gone: AtomicBool,
    pub reported: AtomicBool,
    pub queued_early: AtomicBool,
    /// Guards the receive ring.
    pub receive_lock: KSPIN_LOCK,
    pub nbls: [*mut NET_BUFFER_LIST; RING],
    /// Buffers that are the chip's or the driver's, not NDIS'.
    pub home: [bool; RING],
    pub next_receive: usize,
    pub receive_tail: usize,
    pub indicated: u32,
    /// Guards the transmit ring.
    pub send_lock: KSPIN_LOCK,
    /// The NBL whose last frame a descriptor has.
    pub sending: [*mut NET_BUFFER_LIST; RING],
    pub send_head: usize,
    pub send_tail: usize,
    pub waiting: *mut NET_BUFFER_LIST,
    pub last_waiting: *mut NET_BUFFER_LIST,
}

impl Adapter {
    pub unsafe fn read(&self, register: usize) -> u32 {
        READ_REGISTER_ULONG(self.registers.byte_add(register).cast())
    }

    pub unsafe fn write(&self, register: usize, value: u32) {
        WRITE_REGISTER_ULONG(self.registers.byte_add(register).cast(), value);
    }

    pub unsafe fn at(&self, offset: usize) -> *mut c_void {
        self.memory.byte_add(offset)
    }

    pub unsafe fn logical_at(&self, offset: usize) -> u64 {
        self.logical.QuadPart as u64 + offset as u64
    }

    pub unsafe fn receive_descriptor(&self, n: usize) -> *mut u64 {
        self.at(n * DESCRIPTOR).cast()
    }

    pub unsafe fn send_descriptor(&self, n: usize) -> *mut u64 {
        self.at((RING + n) * DESCRIPTOR).cast()
    }

    pub unsafe fn receive_memory(&self) -> usize {
        self.at(RECEIVE) as usize
    }

    pub unsafe fn receive_buffer(&self, n: usize) -> u64 {
        self.logical_at(RECEIVE + n * BUFFER)
    }

    pub unsafe fn send_buffer(&self, n: usize) -> *mut u8 {
        self.at(SEND + n * BUFFER).cast()
    }

    pub unsafe fn send_address(&self, n: usize) -> u64 {
        self.logical_at(SEND + n * BUFFER)
    }
}
