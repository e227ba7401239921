// SPDX-License-Identifier: MIT OR Apache-2.0
//! CheckForHang and Reset (contract §3.7).

use super::{
    adapter::{self, Adapter, State},
    driver, oid,
};
use crate::{
    exports, log,
    machine::{lock::IrqSpin, thread, time},
    verify::{self, Handler, locks},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, sync::Arc};
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// How long a pending reset may take before the host gives up.
const LIMIT_NS: u64 = 10_000_000_000;
/// How long CheckForHang may take (C-01: it only inspects).
const INSPECT_NS: u64 = 2_000_000_000;

static ASKED: AtomicBool = AtomicBool::new(false);
static PENDING: IrqSpin<Option<Option<(i32, bool)>>> = IrqSpin::new(None);

exports! {
    "ndis.sys";

    /// Asks for a reset, which comes later from a thread (C-03).
    [Dispatch] fn NdisMResetMiniport(call, handle: u64) {
        if adapter::expect(call, handle).is_some() {
            ASKED.store(true, Ordering::Release);
            thread::wake();
        }
    }

    /// Completes a reset that returned PENDING (C-04, C-06).
    [Dispatch] fn NdisMResetComplete(call, handle: u64, status: i32, addressing: u8) {
        locks::check_none("C-06", call.name());
        if adapter::expect(call, handle).is_none() {
            return;
        }
        let expected = {
            let mut pending = PENDING.lock();
            let expected = matches!(*pending, Some(None));
            if expected {
                *pending = Some(Some((status, addressing != 0)));
            }
            expected
        };
        verify::check("C-04", expected, || call.text("no reset is pending (7C/0F)"));
        thread::wake();
    }
}

/// Whether the driver asked for a reset; forgets it.
pub fn take_request() -> bool {
    ASKED.swap(false, Ordering::AcqRel)
}

/// Calls MiniportCheckForHangEx, if there is one, and resets when it says TRUE. PASSIVE.
pub fn check_for_hang(adapter: &Arc<Adapter>) {
    let handler = driver::handlers().check_for_hang;
    let alive = matches!(
        adapter.state(),
        State::Paused | State::Restarting | State::Running | State::Pausing
    );
    if handler == 0 || !alive {
        return;
    }
    let started = time::now_ns();
    let hung = verify::call_on(
        Handler::CheckForHang,
        adapter.handle,
        handler,
        &[adapter.context()],
    );
    let took = time::now_ns() - started;
    verify::check("C-01", took < INSPECT_NS, || {
        format!("MiniportCheckForHangEx took {} ms", took / 1_000_000)
    });
    if hung as u8 != 0 {
        log!("MiniportCheckForHangEx says TRUE");
        reset(adapter);
    }
}

/// Calls MiniportResetEx and waits for its completion. PASSIVE.
pub fn reset(adapter: &Arc<Adapter>) {
    let handler = driver::handlers().reset;
    if handler == 0 {
        return;
    }
    // G-07.
    let addressing = AtomicU8::new(0xC7);
    *PENDING.lock() = Some(None);
    let returned = verify::call_on(
        Handler::Reset,
        adapter.handle,
        handler,
        &[adapter.context(), addressing.as_ptr() as u64],
    ) as i32;
    let (status, addressing) = if returned == NDIS_STATUS_PENDING {
        let deadline = time::now_ns() + LIMIT_NS;
        let done = thread::wait_until(Some(deadline), &|| matches!(*PENDING.lock(), Some(Some(_))));
        if !verify::check("C-04", done, || String::from("a reset is pending for 10 s")) {
            verify::end("MiniportResetEx never completes");
        }
        PENDING
            .lock()
            .take()
            .flatten()
            .unwrap_or((NDIS_STATUS_FAILURE, false))
    } else {
        *PENDING.lock() = None;
        (returned, addressing.load(Ordering::Relaxed) != 0)
    };
    let legal = [
        NDIS_STATUS_SUCCESS,
        NDIS_STATUS_RESET_IN_PROGRESS,
        NDIS_STATUS_SOFT_ERRORS,
        NDIS_STATUS_HARD_ERRORS,
    ];
    verify::check("C-04", legal.contains(&status), || {
        format!("MiniportResetEx ended with {status:#010x}")
    });
    let left = adapter.sends.outstanding();
    verify::check("C-05", left == 0 && !adapter.requests.is_open(), || {
        format!("the reset is complete with {left} sends outstanding")
    });
    if addressing && status == NDIS_STATUS_SUCCESS {
        // C-07: NDIS sends the addressing state again.
        let filter = adapter.filter.load(Ordering::Relaxed);
        oid::set(adapter, OID_802_3_MULTICAST_LIST, &[]);
        oid::set(
            adapter,
            OID_GEN_CURRENT_PACKET_FILTER,
            &filter.to_le_bytes(),
        );
    }
}
