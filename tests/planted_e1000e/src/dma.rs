// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the chip fetches a frame from: the buffer of its descriptor, but for the faults that only an IOMMU shows. At
//! most DISPATCH_LEVEL.

use core::sync::atomic::{AtomicU64, Ordering};

use ndis::dma::{MappedNetBuffer, ScatterGatherDma, SgListHandler};
use ndis::irql::{AtMostDispatch, Dispatch, Irql};
use ndis::nbl::{SendChain, SendNbl};
use ndis::spin::SpinLock;
use ndis::status::Status;
use ndis::sys::nt;

use crate::chip::{Core, SHARED, send_buffer};
use crate::choice::{is, once};
use crate::table::*;

/// Address of a list that was freed; 0: none yet.
static STALE: AtomicU64 = AtomicU64::new(0);

/// Frames are copied; shared memory comes with a DMA registration. Lists are made for a fault only, which frees them at
/// once and keeps the address.
pub struct Lists {
    freed: SpinLock<Option<SendNbl>>,
}

impl Lists {
    /// None.
    pub fn new() -> Self {
        Self {
            freed: SpinLock::new(None),
        }
    }
}

impl SgListHandler for Lists {
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        if let Some((address, _)) = mapped.data().next() {
            // Relaxed: the address alone matters.
            STALE.store(address, Ordering::Relaxed);
        }
        let nbl = mapped.unmap(irql).finish(Status::SUCCESS);
        *self.freed.lock(irql) = nbl;
    }
}

/// In the send handler, before anything is queued.
pub fn before_send(
    dma: &ScatterGatherDma<Lists>,
    nbls: &mut SendChain,
    irql: &mut Irql<AtMostDispatch>,
) {
    if !once(SG_LIST_FREED_EARLY) {
        return;
    }
    let Some(Ok(parts)) = nbls.pop().map(SendNbl::split) else {
        return;
    };
    irql.at_dispatch(|irql| {
        for nb in parts {
            let _ = dma.map(nb, irql);
        }
    });
    if let Some(nbl) = dma.handler().freed.lock(irql).take() {
        nbls.push(nbl);
    }
}

/// What the chip is told about the frame in a transmit buffer.
pub fn send_address(core: &Core, slot: usize) -> u64 {
    let stale = STALE.load(Ordering::Relaxed);
    let offset = send_buffer(slot);
    if stale != 0 {
        // Broken on purpose: G-27, the chip has not fetched it yet.
        stale
    } else if is(PHYSICAL_ADDRESS) {
        let address = core.memory.as_ptr().as_ptr().wrapping_add(offset as usize);
        // SAFETY: any address may be asked for; broken on purpose: DM-13.
        let physical = unsafe { nt::MmGetPhysicalAddress(address.cast()) };
        physical.value() as u64
    } else if is(PAST_THE_END) {
        core.logical(SHARED)
    } else {
        core.logical(offset)
    }
}
