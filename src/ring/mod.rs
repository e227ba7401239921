// SPDX-License-Identifier: MIT OR Apache-2.0
//! Transmit and receive rings over descriptors in shared memory. Knows no NDIS, takes no lock.
//!
//! ```text
//! // memory: anything that implements the unsafe trait DmaMem { as_ptr, device_address, len }
//! // groups: Box<[TxGroup<Cookie>]>, one per descriptor; a power of two, 8 to 4096; receive rings may have any multiple of 8
//! let mut tx = TxRing::new(queue, mem, count, groups, TxRules { always_context })?;
//! hw::queue::program_tx(&mmio, queue, tx.base(), tx.bytes());
//! tx.push(segments, &TxRequest { context, options }, |cookie| ..)?;  // Full | TooManySegments | Empty: ring unchanged
//! if let Some(bell) = tx.doorbell() { bell.ring(&mmio) }        // one TDT write per batch
//! tx.complete(|cookie| true);                                   // by DD, no register; false: enough
//! tx.drain(|cookie| ..);                                        // after the chip has been stopped
//!
//! let mut rx = RxRing::new(queue, mem, slots, buffer_bytes, max_frame)?; // slots: one empty place per descriptor
//! hw::queue::program_rx(&mmio, queue, rx.base(), rx.bytes());
//! rx.post(device_address, buffer)?;                             // the ring owns the buffer
//! if let Some(bell) = rx.doorbell(Refill::Batch) { bell.ring(&mmio) } // one RDT write per 32 buffers
//! match rx.harvest() {
//!     Harvest::Empty => ..,
//!     Harvest::Frame(f) => f.buffer, f.len, f.status(), f.vlan(), f.rss(),
//!     Harvest::Dropped(why, buffer) => post it again,
//! }
//! rx.drain(|buffer| ..);
//! ```
//! All methods take `&mut self`: the caller's lock (send) or the vector's ownership (DPC) is the token.
//! Any IRQL up to DISPATCH_LEVEL. Nothing here panics, divides or indexes out of bounds, whatever the
//! device writes.

pub mod dma;
pub mod doorbell;
pub mod rx;
pub mod tx;

pub use dma::{DescriptorMemory, DmaMem, RingError};
pub use doorbell::Doorbell;
pub use rx::{DropReason, Full, Harvest, Refill, RxBuffer, RxFrame, RxRing};
pub use tx::{PushError, Segment, TxGroup, TxRequest, TxRing, TxRules};

#[cfg(test)]
mod tests;
