// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rings and buffers in shared memory. PASSIVE_LEVEL, in MiniportInitializeEx (I-04).

use super::frame::TAG_LEN;
use super::receive::{self, BUFFER_BYTES};
use super::{feed, send, window};
use crate::config::Settings;
use crate::hw::desc::DESCRIPTOR_BYTES;
use crate::ring::{DmaMem, RxRing, TxGroup, TxRing, TxRules};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::NonNull;
use ndis::adapter::AdapterHandle;
use ndis::dma::{MappedNetBuffer, ScatterGatherDma, SharedMemory};
use ndis::irql::{Irql, Passive};
use ndis::mem::Shared;
use ndis::nbl::{NblPool, ReceiveNbl, ReceivePile, SendChain};
use ndis::places::Taker;
use ndis::status::{Result, Status};

/// Pool tag of the NBL pool: `e1kR`, as the debugger shows it.
const TAG: u32 = u32::from_le_bytes(*b"e1kR");
/// Receive buffers per piece of shared memory: 128 KiB pieces are easier to get than one of a megabyte.
const BUFFERS_PER_PIECE: u32 = 64;

/// A piece of shared memory that holds one ring.
#[derive(Debug)]
pub struct Block(Shared<SharedMemory>);

// SAFETY: NDIS keeps shared memory mapped, at one place for processor and device, until it is freed; this is its only
// owner, and what the ring does not write the device does.
unsafe impl DmaMem for Block {
    fn as_ptr(&self) -> NonNull<u8> {
        self.0.as_ptr()
    }

    fn device_address(&self) -> u64 {
        self.0.logical_address()
    }

    fn len(&self) -> usize {
        self.0.len() as usize
    }
}

/// `count` values, or RESOURCES.
fn boxed<T>(count: usize, mut make: impl FnMut() -> T) -> Result<Box<[T]>> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(count)
        .map_err(|_| Status::RESOURCES)?;
    for _ in 0..count {
        values.push(make());
    }
    Ok(values.into_boxed_slice())
}

/// Memory for a ring of `descriptors`.
fn ring_memory(
    dma: &ScatterGatherDma<send::Mapper>,
    descriptors: u32,
    irql: &Irql<Passive>,
) -> Result<Block> {
    let bytes = descriptors * DESCRIPTOR_BYTES as u32;
    Ok(Block(dma.allocate_shared(bytes, true, irql)?))
}

/// The ring of receive queue `queue` with all its buffers: as many as it has descriptors. One descriptor stays free, so
/// one buffer more than it can hold waits beside it.
pub fn receive_ring(
    queue: usize,
    handle: &AdapterHandle,
    dma: &ScatterGatherDma<send::Mapper>,
    settings: &Settings,
    irql: &Irql<Passive>,
) -> Result<receive::Ring> {
    let buffers = u32::from(settings.receive_buffers);
    let slots = boxed(buffers as usize, || None)?;
    let memory = ring_memory(dma, buffers, irql)?;
    // A tag stays in the frame where the chip does not strip it.
    let longest = settings.max_frame() + TAG_LEN;
    let ring =
        RxRing::new(queue, memory, slots, BUFFER_BYTES, longest).map_err(|_| Status::FAILURE)?;

    let pool = NblPool::allocate(handle, TAG, irql)?;
    let mut spare = ReceivePile::new();
    let mut piece = None;
    for index in 0..buffers {
        let within = index & (BUFFERS_PER_PIECE - 1);
        if within == 0 {
            let count = BUFFERS_PER_PIECE.min(buffers - index);
            piece = Some(dma.allocate_shared(count * BUFFER_BYTES, true, irql)?);
        }
        let memory = piece.as_ref().ok_or(Status::FAILURE)?;
        let offset = within * BUFFER_BYTES;
        // The queue is the NBL's word: `receive::returned` sorts by it.
        spare.push(ReceiveNbl::allocate(
            &pool,
            memory,
            offset,
            BUFFER_BYTES,
            queue,
            irql,
        )?);
    }
    Ok(receive::Ring::new(ring, spare, buffers))
}

/// Places of a transmit ring's window, and groups of frames in the ring: numbers of both are masked.
pub fn transmit_places(settings: &Settings) -> usize {
    usize::from(settings.transmit_buffers).next_power_of_two()
}

/// A transmit ring with its window and the memory that frames may need.
pub fn transmit_ring(
    handle: &AdapterHandle,
    dma: Shared<ScatterGatherDma<send::Mapper>>,
    queue: usize,
    taker: Taker<MappedNetBuffer>,
    settings: &Settings,
    irql: &Irql<Passive>,
) -> Result<window::Ring> {
    let descriptors = u32::from(settings.transmit_buffers);
    let groups = boxed(transmit_places(settings), TxGroup::default)?;
    let memory = ring_memory(&dma, descriptors, irql)?;
    // The chip remembers one context for both queues.
    let rules = TxRules {
        always_context: true,
    };
    let ring =
        TxRing::new(queue, memory, descriptors, groups, rules).map_err(|_| Status::FAILURE)?;
    let headers = dma.allocate_shared(descriptors * feed::HEADER_SLOT, true, irql)?;
    let zeros = dma.allocate_shared(super::frame::MIN_FRAME, true, irql)?;
    // A frame with a tag; buffers begin on cache lines of their own.
    let bounce = (settings.max_frame() + 4).next_multiple_of(64);
    let bounces = dma.allocate_shared(bounce * feed::BOUNCES, true, irql)?;
    Ok(window::Ring::new(
        feed::Feed::new(ring, headers, zeros, bounces, bounce),
        taker,
        dma,
        SendChain::new(*handle),
    ))
}
