// SPDX-License-Identifier: MIT OR Apache-2.0
//! Status indications (contract §7). At most DISPATCH.

use super::{adapter, header, interrupt, offload};
use crate::{
    exports,
    exports::Call,
    field,
    guest::{self, Ptr},
    log,
    machine::thread,
    verify::{self, Handler, locks},
};
use ::ndis::ffi::*;
use alloc::format;
use core::sync::atomic::Ordering;

/// A link state as the driver tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// MediaConnectState: 0 unknown, 1 connected, 2 disconnected.
    pub connect: i32,
    /// MediaDuplexState: 0 unknown, 1 half, 2 full.
    pub duplex: i32,
    /// XmitLinkSpeed, bits per second.
    pub xmit: u64,
    /// RcvLinkSpeed, bits per second.
    pub rcv: u64,
}

impl LinkState {
    /// Connected.
    pub fn is_up(&self) -> bool {
        self.connect == MediaConnectStateConnected
    }

    /// For the report.
    pub fn report(&self) -> vmhost_proto::Link {
        vmhost_proto::Link {
            up: self.is_up(),
            speed_mbps: if self.xmit == u64::MAX {
                0
            } else {
                self.xmit / 1_000_000
            },
            duplex: if self.duplex == MediaDuplexStateFull {
                "full"
            } else if self.duplex == MediaDuplexStateHalf {
                "half"
            } else {
                "unknown"
            }
            .into(),
        }
    }
}

exports! {
    "ndis.sys";

    /// Takes a status indication.
    [Dispatch] fn NdisMIndicateStatusEx(call, handle: u64, indication: Ptr<NDIS_STATUS_INDICATION>) {
        locks::check_none("K-01", call.name());
        let Some(adapter) = adapter::expect(call, handle) else { return };
        verify::check("U-02", adapter.registration.lock().is_some(), || {
            call.text("before the registration attributes")
        });
        let sizes = [size_of::<NDIS_STATUS_INDICATION>()];
        let kind = NDIS_OBJECT_TYPE_STATUS_INDICATION;
        if header::check("U-01", call.name(), field!(indication, Header), kind, &sizes).is_none() {
            return;
        }
        let seen = indication.read();
        let (source, code) = (seen.SourceHandle as u64, seen.StatusCode);
        let buffer = (seen.StatusBuffer as usize, seen.StatusBufferSize as usize);
        verify::check("U-01", source == handle && seen.PortNumber == 0, || {
            call.text(&format!("SourceHandle {source:#x}, PortNumber {}", seen.PortNumber))
        });
        verify::check("U-01", (buffer.0 == 0) == (buffer.1 == 0), || {
            call.text(&format!("StatusBuffer {:#x}, {} bytes", buffer.0, buffer.1))
        });
        count_for_message();
        match code {
            NDIS_STATUS_LINK_STATE => link(call, &adapter, buffer),
            NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG => offload::indicated(call, &adapter, buffer),
            NDIS_STATUS_MEDIA_CONNECT | NDIS_STATUS_MEDIA_DISCONNECT => {
                verify::violation("U-03", call.text(&format!("the NDIS 5 status {code:#x}")));
            }
            NDIS_STATUS_RESET_START | NDIS_STATUS_RESET_END => {
                verify::violation("C-08", call.text("RESET_START or RESET_END from the driver"));
            }
            other => log!("status indication {other:#010x}, {} bytes", buffer.1),
        }
    }
}

/// For the derived role of the message in whose DPC the indication came.
fn count_for_message() {
    let Some(context) = verify::current() else {
        return;
    };
    if !matches!(context.handler, Handler::Dpc | Handler::MessageDpc) {
        return;
    }
    for adapter in adapter::all() {
        let interrupts = adapter.interrupts.lock().clone();
        for interrupt in &interrupts {
            let interrupt: &interrupt::Interrupt = interrupt;
            if let Some(counts) = interrupt.counts.get(context.object as usize) {
                counts.status.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// U-03.
fn link(call: &Call, adapter: &adapter::Adapter, buffer: (usize, usize)) {
    let p: Ptr<NDIS_LINK_STATE> = Ptr::new(buffer.0);
    let size = size_of::<NDIS_LINK_STATE>();
    if !verify::check("U-03", buffer.1 >= size, || {
        call.text(&format!("LINK_STATE with {} bytes", buffer.1))
    }) {
        return;
    }
    let kind = NDIS_OBJECT_TYPE_DEFAULT;
    if header::check("U-03", call.name(), field!(p, Header), kind, &[size]).is_none() {
        return;
    }
    let seen: NDIS_LINK_STATE = guest::read(p.addr());
    let state = LinkState {
        connect: seen.MediaConnectState,
        duplex: seen.MediaDuplexState,
        xmit: seen.XmitLinkSpeed,
        rcv: seen.RcvLinkSpeed,
    };
    let unknown = NDIS_LINK_SPEED_UNKNOWN;
    let consistent = if state.is_up() {
        state.xmit != 0 && state.rcv != 0
    } else if state.connect == MediaConnectStateDisconnected {
        state.duplex == MediaDuplexStateUnknown && state.xmit == unknown && state.rcv == unknown
    } else {
        state.connect == MediaConnectStateUnknown
    };
    verify::check("U-03", consistent, || {
        call.text(&format!("{state:?} is not consistent"))
    });
    log!(
        "link {}: {} Mbit/s, duplex {}",
        if state.is_up() { "up" } else { "down" },
        state.report().speed_mbps,
        state.report().duplex
    );
    let before = core::mem::replace(&mut *adapter.link.lock(), state);
    if before.connect != state.connect {
        adapter.link_changes.fetch_add(1, Ordering::AcqRel);
    }
    thread::wake();
}
