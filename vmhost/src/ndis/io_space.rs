// SPDX-License-Identifier: MIT OR Apache-2.0
//! Register windows and port ranges (contract I-05). PASSIVE only. Every access of the driver to
//! a window is trapped, performed and counted by the machine.

use super::{
    adapter::{self, Adapter, State},
    resources,
};
use crate::{
    exports,
    exports::Call,
    guest::Ptr,
    ledger::{self, Kind, Scope},
    machine::mmio,
    verify,
};
use ::ndis::ffi::*;
use alloc::format;

exports! {
    "ndis.sys";

    /// Maps part of a memory BAR.
    [Passive] fn NdisMMapIoSpace(call, out: Ptr<u64>, handle: u64, pa: u64, length: u32) -> i32 {
        // The out-parameter is NULL on failure.
        out.write(0);
        match adapter::expect(call, handle) {
            Some(adapter) => map(call, &adapter, out, pa, length),
            None => NDIS_STATUS_INVALID_PARAMETER,
        }
    }

    /// Unmaps with the same length.
    [Passive] fn NdisMUnmapIoSpace(call, handle: u64, va: u64, length: u32) {
        let Some(adapter) = adapter::expect(call, handle) else { return };
        let state = adapter.state();
        verify::check("I-05", matches!(state, State::Initializing | State::Halting), || {
            call.text(&format!("called in the state {state:?}"))
        });
        if let Some(entry) = ledger::expect_remove("H-04", Kind::IoSpace, va, call.name()) {
            verify::check("I-05", entry.size == u64::from(length), || {
                call.text(&format!("length {length}, mapped with {}", entry.size))
            });
            mmio::unmap_trapped(va as usize);
        }
    }

    /// Gives access to part of an I/O BAR; on x64 the port number itself is the address.
    [Passive] fn NdisMRegisterIoPortRange(
        call, out: Ptr<u64>, handle: u64, first: u32, count: u32,
    ) -> i32 {
        out.write(0);
        let Some(adapter) = adapter::expect(call, handle) else {
            return NDIS_STATUS_INVALID_PARAMETER;
        };
        verify::check("I-01", ready(&adapter), || call.text("called too early or too late"));
        if !resources::owns_ports(&adapter, u64::from(first), u64::from(count)) {
            return NDIS_STATUS_RESOURCE_CONFLICT;
        }
        ledger::add(Kind::IoPortRange, u64::from(first), u64::from(count), Scope::Adapter, call.rip);
        out.write(u64::from(first));
        NDIS_STATUS_SUCCESS
    }

    /// Ends [`NdisMRegisterIoPortRange`].
    [Passive] fn NdisMDeregisterIoPortRange(call, handle: u64, first: u32, count: u32, _offset: u64) {
        if adapter::expect(call, handle).is_none() {
            return;
        }
        let entry = ledger::expect_remove("H-04", Kind::IoPortRange, u64::from(first), call.name());
        if let Some(entry) = entry {
            verify::check("H-04", entry.size == u64::from(count), || {
                call.text(&format!("{count} ports, registered {}", entry.size))
            });
        }
    }
}

/// I-01: after the registration attributes, inside MiniportInitializeEx.
fn ready(adapter: &Adapter) -> bool {
    adapter.registration.lock().is_some() && adapter.state() == State::Initializing
}

fn map(call: &Call, adapter: &Adapter, out: Ptr<u64>, pa: u64, length: u32) -> i32 {
    let registered = adapter.registration.lock().is_some();
    verify::check("I-01", registered, || {
        call.text("before the registration attributes")
    });
    let state = adapter.state();
    verify::check("I-05", state == State::Initializing, || {
        call.text(&format!("called in the state {state:?}"))
    });
    let owned = length != 0 && resources::owns_memory(adapter, pa, u64::from(length));
    if !verify::check("I-05", owned, || {
        call.text(&format!(
            "{pa:#x}, {length} bytes, is not in the assigned resources"
        ))
    }) {
        return NDIS_STATUS_RESOURCE_CONFLICT;
    }
    let va = mmio::map_trapped(pa, length as usize, adapter.handle);
    ledger::add(
        Kind::IoSpace,
        va as u64,
        u64::from(length),
        Scope::Adapter,
        call.rip,
    );
    out.write(va as u64);
    NDIS_STATUS_SUCCESS
}
