// SPDX-License-Identifier: MIT OR Apache-2.0
//! Resource lists and device objects as the driver gets them (contract I-08). PASSIVE only.

use super::{
    adapter::Adapter,
    guesses,
    interrupt::grant::{Grant, Kind},
};
use crate::{
    field,
    guest::{self, Block, Ptr},
    machine::{lock::IrqSpin, pci::BarKind},
};
use ::ndis::ffi::*;
use alloc::vec::Vec;

/// Bytes before the descriptors of a partial list.
const PARTIAL_HEADER: usize = 8;
/// Bytes before the partial list of a full list with one entry.
const FULL_HEADER: usize = 12;
/// Bytes of a partial descriptor; they are packed without padding.
const DESCRIPTOR: usize = 20;

/// Things that NdisMGetDeviceProperty gives out.
pub struct DeviceObjects(IrqSpin<Option<Objects>>);

/// The blocks behind [`DeviceObjects`].
pub struct Objects {
    /// Physical device object.
    pub pdo: Block,
    /// Functional device object.
    pub fdo: Block,
    /// The list in raw form (`CM_RESOURCE_LIST`).
    pub raw: Block,
    /// The translated list.
    pub translated: Block,
}

impl DeviceObjects {
    /// None yet.
    pub const fn new() -> Self {
        Self(IrqSpin::new(None))
    }

    /// Addresses of PDO, FDO, raw and translated list; zeroes before the device was started.
    pub fn addresses(&self) -> [u64; 4] {
        self.0.lock().as_ref().map_or([0; 4], |o| {
            [
                o.pdo.address() as u64,
                o.fdo.address() as u64,
                o.raw.address() as u64,
                o.translated.address() as u64,
            ]
        })
    }

    /// Replaces the objects.
    pub fn set(&self, objects: Option<Objects>) {
        // The old blocks are unmapped after the lock is released.
        let old = core::mem::replace(&mut *self.0.lock(), objects);
        drop(old);
    }
}

/// Makes the objects for `adapter` with its grant.
pub fn objects(adapter: &Adapter, grant: &Grant) -> Option<Objects> {
    let device = || {
        let block = Block::new(size_of::<DEVICE_OBJECT>(), 16, true)?;
        let p: Ptr<DEVICE_OBJECT> = block.ptr();
        field!(p, Type).write(3); // IO_TYPE_DEVICE
        field!(p, Size).write(size_of::<DEVICE_OBJECT>() as u16);
        field!(p, StackSize).write(4);
        Some(block)
    };
    let full = |raw: bool| {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&1u32.to_le_bytes());
        bytes.extend_from_slice(&(PCIBus as u32).to_le_bytes());
        bytes.extend_from_slice(&u32::from(adapter.device.bus).to_le_bytes());
        bytes.extend_from_slice(&partial_list(adapter, grant, raw));
        debug_assert!(bytes.len() > FULL_HEADER);
        Block::with(&bytes, 8)
    };
    Some(Objects {
        pdo: device()?,
        fdo: device()?,
        raw: full(true)?,
        translated: full(false)?,
    })
}

/// The bytes of the `CM_PARTIAL_RESOURCE_LIST` for MiniportInitializeEx.
pub fn allocated(adapter: &Adapter, grant: &Grant) -> Option<Block> {
    let raw = grant.kind == Kind::Msi && guesses::MSI_DESCRIPTOR_IS_RAW;
    Block::with(&partial_list(adapter, grant, raw), 8)
}

/// Whether `[pa, pa + len)` is inside one of the memory BARs.
pub fn owns_memory(adapter: &Adapter, pa: u64, len: u64) -> bool {
    adapter.bars().iter().any(|bar| {
        bar.kind != BarKind::Io
            && pa >= bar.pa
            && pa
                .checked_add(len)
                .is_some_and(|end| end <= bar.pa + bar.len)
    })
}

/// Whether the port range is inside one of the I/O BARs.
pub fn owns_ports(adapter: &Adapter, first: u64, count: u64) -> bool {
    adapter
        .bars()
        .iter()
        .any(|bar| bar.kind == BarKind::Io && first >= bar.pa && first + count <= bar.pa + bar.len)
}

fn partial_list(adapter: &Adapter, grant: &Grant, raw: bool) -> Vec<u8> {
    let mut descriptors = Vec::new();
    for bar in &adapter.bars() {
        let (kind, flags) = match bar.kind {
            BarKind::Io => (
                CmResourceTypePort,
                CM_RESOURCE_PORT_IO
                    | CM_RESOURCE_PORT_16_BIT_DECODE
                    | CM_RESOURCE_PORT_POSITIVE_DECODE
                    | CM_RESOURCE_PORT_BAR,
            ),
            BarKind::Mem32 | BarKind::Mem64 => (
                CmResourceTypeMemory,
                CM_RESOURCE_MEMORY_READ_WRITE
                    | CM_RESOURCE_MEMORY_BAR
                    | if bar.prefetch {
                        CM_RESOURCE_MEMORY_PREFETCHABLE
                    } else {
                        0
                    },
            ),
        };
        let mut body = [0; 16];
        body[..8].copy_from_slice(&bar.pa.to_le_bytes());
        body[8..12].copy_from_slice(&(bar.len as u32).to_le_bytes());
        descriptors.push(descriptor(
            kind,
            CmResourceShareDeviceExclusive as u8,
            flags,
            body,
        ));
    }
    for message in grant.descriptors() {
        let mut body = [0; 16];
        let first = if raw && grant.kind != Kind::Line {
            // Reserved, then MessageCount.
            (message.count as u32) << 16
        } else {
            u32::from(message.irql)
        };
        body[..4].copy_from_slice(&first.to_le_bytes());
        body[4..8].copy_from_slice(&u32::from(message.vector).to_le_bytes());
        body[8..16].copy_from_slice(&(1u64 << message.cpu).to_le_bytes());
        let (share, flags) = match grant.kind {
            Kind::Line => (CmResourceShareShared, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE),
            Kind::Msi | Kind::Msix => (
                CmResourceShareDeviceExclusive,
                CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE,
            ),
        };
        descriptors.push(descriptor(
            CmResourceTypeInterrupt,
            share as u8,
            flags,
            body,
        ));
    }
    let mut list = Vec::with_capacity(PARTIAL_HEADER + descriptors.len() * DESCRIPTOR);
    list.extend_from_slice(&1u16.to_le_bytes());
    list.extend_from_slice(&1u16.to_le_bytes());
    list.extend_from_slice(&(descriptors.len() as u32).to_le_bytes());
    for bytes in descriptors {
        list.extend_from_slice(&bytes);
    }
    list
}

fn descriptor(kind: u8, share: u8, flags: u16, body: [u8; 16]) -> [u8; DESCRIPTOR] {
    let mut bytes = [0; DESCRIPTOR];
    bytes[0] = kind;
    bytes[1] = share;
    bytes[2..4].copy_from_slice(&flags.to_le_bytes());
    bytes[4..].copy_from_slice(&body);
    bytes
}

/// Parameters of MiniportInitializeEx; the second block is the resource list they point to.
pub fn init_parameters(adapter: &Adapter, grant: &Grant) -> Option<(Block, Block)> {
    let list = allocated(adapter, grant)?;
    let block = Block::new(size_of::<NDIS_MINIPORT_INIT_PARAMETERS>(), 8, true)?;
    let p: Ptr<NDIS_MINIPORT_INIT_PARAMETERS> = block.ptr();
    field!(p, Header).write(super::header::make(
        NDIS_OBJECT_TYPE_MINIPORT_INIT_PARAMETERS,
        1,
        size_of::<NDIS_MINIPORT_INIT_PARAMETERS>(),
    ));
    guest::write(field!(p, AllocatedResources).addr(), list.address());
    guest::write(
        field!(p, MiniportAddDeviceContext).addr(),
        adapter.add_device_context(),
    );
    field!(p, IfIndex).write(1);
    // NET_LUID: index 1 in bits 24.., interface type 6 (Ethernet) in bits 48...
    guest::write(field!(p, NetLuid).addr(), (6u64 << 48) | (1 << 24));
    Some((block, list))
}
