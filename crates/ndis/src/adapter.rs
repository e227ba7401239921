// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`AdapterHandle`]: what one adapter may say to NDIS at any time: status, link state, event log, bus data.

use crate::ffi::*;
use crate::irql::{AtMost, Dispatch, Irql, Passive};
use crate::sys::ndis;

/// The NDIS handle of one adapter (`NdisMiniportHandle`), valid until its `halt` has returned.
///
/// Comes with [`Registered`](crate::init::Registered). Do not keep a copy past `halt` (contract H-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdapterHandle(NDIS_HANDLE);

// SAFETY: NDIS takes the handle on any processor.
unsafe impl Send for AdapterHandle {}
// SAFETY: as above.
unsafe impl Sync for AdapterHandle {}

/// The link, for [`AdapterHandle::indicate_link_state`] and the general attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// `MediaConnectState…`.
    pub connect: NET_IF_MEDIA_CONNECT_STATE,
    /// `MediaDuplexState…`.
    pub duplex: NET_IF_MEDIA_DUPLEX_STATE,
    /// Bit/s, or [`NDIS_LINK_SPEED_UNKNOWN`].
    pub transmit_speed: u64,
    /// Bit/s, or [`NDIS_LINK_SPEED_UNKNOWN`].
    pub receive_speed: u64,
    /// `NdisPauseFunctions…`.
    pub pause: NDIS_SUPPORTED_PAUSE_FUNCTIONS,
    /// `NDIS_LINK_STATE_…_AUTO_NEGOTIATED`.
    pub auto_negotiated: u32,
}

impl LinkState {
    /// No link: speed and duplex unknown (contract U-03).
    pub const DOWN: Self = Self {
        connect: MediaConnectStateDisconnected,
        duplex: MediaDuplexStateUnknown,
        transmit_speed: NDIS_LINK_SPEED_UNKNOWN,
        receive_speed: NDIS_LINK_SPEED_UNKNOWN,
        pause: NdisPauseFunctionsUnknown,
        auto_negotiated: 0,
    };

    /// State not known, as in low power (contract W-09).
    pub const UNKNOWN: Self = Self {
        connect: MediaConnectStateUnknown,
        ..Self::DOWN
    };

    /// Connected at `bits_per_second` in both directions. Any IRQL.
    #[must_use]
    pub const fn up(bits_per_second: u64, full_duplex: bool) -> Self {
        Self {
            connect: MediaConnectStateConnected,
            duplex: if full_duplex {
                MediaDuplexStateFull
            } else {
                MediaDuplexStateHalf
            },
            transmit_speed: bits_per_second,
            receive_speed: bits_per_second,
            pause: NdisPauseFunctionsUnknown,
            auto_negotiated: 0,
        }
    }

    /// `NDIS_LINK_STATE`, complete with header. Any IRQL.
    #[must_use]
    pub const fn to_raw(self) -> NDIS_LINK_STATE {
        let mut raw = NDIS_LINK_STATE::zeroed();
        raw.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_DEFAULT,
            Revision: NDIS_LINK_STATE_REVISION_1,
            Size: NDIS_SIZEOF_LINK_STATE_REVISION_1,
        };
        raw.MediaConnectState = self.connect;
        raw.MediaDuplexState = self.duplex;
        raw.XmitLinkSpeed = self.transmit_speed;
        raw.RcvLinkSpeed = self.receive_speed;
        raw.PauseFunctions = self.pause;
        raw.AutoNegotiationFlags = self.auto_negotiated;
        raw
    }
}

impl AdapterHandle {
    /// Wraps a handle.
    ///
    /// # Safety
    /// `handle` is the `NdisMiniportHandle` of an adapter that is being initialised or not yet halted.
    pub(crate) const unsafe fn new(handle: NDIS_HANDLE) -> Self {
        Self(handle)
    }

    /// The handle, for calls this crate has no wrapper for. Any IRQL.
    #[must_use]
    pub const fn as_raw(&self) -> NDIS_HANDLE {
        self.0
    }

    /// NdisMIndicateStatusEx with `payload`, which NDIS reads during the call. At most DISPATCH_LEVEL, no lock held.
    pub fn indicate_status<L: AtMost<Dispatch>>(
        &self,
        code: NDIS_STATUS,
        payload: &[u8],
        irql: &Irql<L>,
    ) {
        let _ = irql;
        let mut indication = NDIS_STATUS_INDICATION::zeroed();
        indication.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_STATUS_INDICATION,
            Revision: NDIS_STATUS_INDICATION_REVISION_1,
            Size: NDIS_SIZEOF_STATUS_INDICATION_REVISION_1,
        };
        indication.SourceHandle = self.0;
        indication.StatusCode = code;
        if !payload.is_empty() {
            indication.StatusBuffer = payload.as_ptr().cast_mut().cast();
            indication.StatusBufferSize = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        }
        // SAFETY: at most DISPATCH_LEVEL; the indication and its payload are valid for the call, and NDIS only reads.
        unsafe { ndis::NdisMIndicateStatusEx(self.0, &raw mut indication) };
    }

    /// Indicates `NDIS_STATUS_LINK_STATE`. At most DISPATCH_LEVEL, no lock held.
    pub fn indicate_link_state<L: AtMost<Dispatch>>(&self, state: LinkState, irql: &Irql<L>) {
        let raw = state.to_raw();
        self.indicate_status(NDIS_STATUS_LINK_STATE, crate::plain::bytes_of(&raw), irql);
    }

    /// Indicates `NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG`: what is on now. At most DISPATCH_LEVEL, no lock held.
    pub fn indicate_offload<L: AtMost<Dispatch>>(&self, current: &NDIS_OFFLOAD, irql: &Irql<L>) {
        let payload = crate::plain::bytes_of(current);
        self.indicate_status(NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, payload, irql);
    }

    /// NdisWriteErrorLogEntry: an event-log entry `code` (an `NDIS_ERROR_CODE_…`) with up to four values; more are
    /// dropped. At most DISPATCH_LEVEL.
    pub fn write_error_log<L: AtMost<Dispatch>>(&self, code: u32, values: &[u32], irql: &Irql<L>) {
        let _ = irql;
        let value = |i: usize| values.get(i).copied().unwrap_or(0) as usize;
        let count = values.len().min(4) as u32;
        // SAFETY: at most DISPATCH_LEVEL; `count` says how many of the values to read.
        unsafe {
            ndis::NdisWriteErrorLogEntry(
                self.0,
                code,
                count,
                value(0),
                value(1),
                value(2),
                value(3),
            );
        }
    }

    /// NdisMGetBusData from PCI configuration space; returns the number of bytes read, which may be less than asked
    /// for, down to 0 (contract I-09). Any IRQL.
    #[must_use]
    pub fn read_bus_data(&self, offset: u32, data: &mut [u8]) -> usize {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        // SAFETY: `data` is valid for `length` bytes.
        let read = unsafe {
            ndis::NdisMGetBusData(
                self.0,
                PCI_WHICHSPACE_CONFIG,
                offset,
                data.as_mut_ptr().cast(),
                length,
            )
        };
        (read as usize).min(data.len())
    }

    /// NdisMSetBusData to PCI configuration space; returns the number of bytes written. Any IRQL.
    #[must_use]
    pub fn write_bus_data(&self, offset: u32, data: &[u8]) -> usize {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let buffer = data.as_ptr().cast_mut().cast();
        // SAFETY: `data` is valid for `length` bytes, and NDIS only reads them.
        let written =
            unsafe { ndis::NdisMSetBusData(self.0, PCI_WHICHSPACE_CONFIG, offset, buffer, length) };
        (written as usize).min(data.len())
    }

    /// NdisMGetDmaAlignment: alignment of DMA buffers, in bytes, a power of two. PASSIVE_LEVEL.
    #[must_use]
    pub fn dma_alignment(&self, irql: &Irql<Passive>) -> u32 {
        let _ = irql;
        // SAFETY: PASSIVE_LEVEL.
        unsafe { ndis::NdisMGetDmaAlignment(self.0) }
    }

    /// NdisMResetMiniport: asks NDIS to reset the adapter, later, from a work item. At most DISPATCH_LEVEL.
    pub fn request_reset<L: AtMost<Dispatch>>(&self, irql: &Irql<L>) {
        let _ = irql;
        // SAFETY: at most DISPATCH_LEVEL.
        unsafe { ndis::NdisMResetMiniport(self.0) };
    }

    /// NdisMConfigMSIXTableEntry: points MSI-X table entry `entry` at `message`. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    /// What NDIS or the bus driver says.
    pub fn set_msix_entry<L: AtMost<Dispatch>>(
        &self,
        entry: u32,
        message: u32,
        irql: &Irql<L>,
    ) -> crate::status::Result<()> {
        let _ = irql;
        self.config_msix(NdisMSIXTableConfigSetTableEntry, entry, message)
    }

    /// NdisMConfigMSIXTableEntry: masks or unmasks MSI-X table entry `entry`. Any IRQL.
    ///
    /// # Errors
    /// What NDIS or the bus driver says.
    pub fn mask_msix_entry(&self, entry: u32, masked: bool) -> crate::status::Result<()> {
        let operation = if masked {
            NdisMSIXTableConfigMaskTableEntry
        } else {
            NdisMSIXTableConfigUnmaskTableEntry
        };
        self.config_msix(operation, entry, 0)
    }

    fn config_msix(
        &self,
        operation: NDIS_MSIX_TABLE_OPERATION,
        entry: u32,
        message: u32,
    ) -> crate::status::Result<()> {
        let mut parameters = NDIS_MSIX_CONFIG_PARAMETERS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_DEFAULT,
                Revision: NDIS_MSIX_CONFIG_PARAMETERS_REVISION_1,
                Size: NDIS_SIZEOF_MSIX_CONFIG_PARAMETERS_REVISION_1,
            },
            ConfigOperation: operation,
            TableEntry: entry,
            MessageNumber: message,
        };
        // SAFETY: the parameters are valid for the call; setting an entry has checked the IRQL, masking is legal at any.
        let status = unsafe { ndis::NdisMConfigMSIXTableEntry(self.0, &raw mut parameters) };
        crate::status::Status(status).ok()
    }
}

#[cfg(test)]
impl AdapterHandle {
    /// A handle that the test host understands.
    pub(crate) const TEST: Self = Self(core::ptr::without_provenance_mut(0xADA0));
}

const _: () = assert!(size_of::<AdapterHandle>() == size_of::<NDIS_HANDLE>());
