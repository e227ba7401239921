// SPDX-License-Identifier: MIT OR Apache-2.0
//! PnP and power events towards the driver, and those it sends up. PASSIVE only.

use super::{
    adapter::{self, Adapter},
    driver, header,
};
use crate::{
    exports, field,
    guest::{self, Block, Ptr},
    log,
    machine::thread,
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use core::sync::atomic::Ordering;

/// Calls MiniportDevicePnPEventNotify with `event` and the bytes of its buffer.
pub fn notify(adapter: &Adapter, event: i32, buffer: &[u8]) {
    let Some(block) = Block::new(size_of::<NET_DEVICE_PNP_EVENT>(), 8, true) else {
        return;
    };
    let information = if buffer.is_empty() {
        None
    } else {
        Block::with(buffer, 4)
    };
    let p: Ptr<NET_DEVICE_PNP_EVENT> = block.ptr();
    // NDIS_SIZEOF_NET_DEVICE_PNP_EVENT_REVISION_1: through NdisReserved.
    field!(p, Header).write(header::make(NDIS_OBJECT_TYPE_DEFAULT, 1, 44));
    field!(p, DevicePnPEvent).write(event);
    let at = information.as_ref().map_or(0, |b| b.address());
    guest::write(field!(p, InformationBuffer).addr(), at);
    field!(p, InformationBufferLength).write(buffer.len() as u32);
    verify::call_on(
        Handler::DevicePnPEvent,
        adapter.handle,
        driver::handlers().pnp_event,
        &[adapter.context(), block.address() as u64],
    );
}

/// S-05: the power profile, as NDIS tells it after initialisation.
pub fn power_profile(adapter: &Adapter) {
    // NdisPowerProfileAcOnLine.
    notify(
        adapter,
        NdisDevicePnPEventPowerProfileChanged,
        &1u32.to_le_bytes(),
    );
}

exports! {
    "ndis.sys";

    /// An event from the miniport to the layers above (O-11).
    [Passive] fn NdisMNetPnPEvent(call, handle: u64, event: u64) -> i32 {
        let Some(adapter) = adapter::expect(call, handle) else {
            return NDIS_STATUS_INVALID_PARAMETER;
        };
        verify::check("O-11", !adapter.requests.is_open(), || {
            call.text("called while an OID request is open")
        });
        guest::require(event as usize, 4, false);
        log!("the driver sent a NetPnPEvent");
        NDIS_STATUS_SUCCESS
    }

    /// The driver gives its device up.
    [Dispatch] fn NdisMRemoveMiniport(call, handle: u64) -> i32 {
        let Some(adapter) = adapter::expect(call, handle) else {
            return NDIS_STATUS_INVALID_PARAMETER;
        };
        log!("the driver asked for the removal of its adapter");
        adapter.removal_asked.store(true, Ordering::Release);
        thread::wake();
        NDIS_STATUS_SUCCESS
    }
}
