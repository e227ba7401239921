// SPDX-License-Identifier: MIT OR Apache-2.0
//! OID requests (contract §6): one at a time, each with memory of its own that ends at a guard
//! page and is gone when the request is complete. Requests are made at PASSIVE.

use super::{
    adapter::{self, Adapter},
    driver, header,
};
use crate::{
    exports,
    exports::Call,
    field,
    guest::{self, Block, Ptr},
    machine::{lock::IrqSpin, thread, time},
    verify::{self, Handler, locks},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// N-04.
const LIMIT_NS: u64 = 12_000_000_000;
/// Offsets in NDIS_OID_REQUEST of query and set requests, whose members lie alike.
const OID: usize = 32;
const BUFFER: usize = 40;
const LENGTH: usize = 48;
const BYTES_DONE: usize = 52;
const BYTES_NEEDED: usize = 56;
/// In BytesWritten, BytesRead and BytesNeeded before the call: undefined for the driver (G-07).
const POISON: u32 = 0xC7C7_C7C7;

/// The serialiser of one adapter.
pub struct Requests {
    busy: AtomicBool,
    pending: IrqSpin<Option<Pending>>,
    next_id: AtomicU64,
}

/// The request that is with the miniport.
#[derive(Clone, Copy, Debug)]
struct Pending {
    address: usize,
    status: Option<i32>,
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// NdisRequestQueryInformation.
    Query,
    /// NdisRequestSetInformation.
    Set,
    /// NdisRequestQueryStatistics.
    Statistics,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Final status.
    pub status: i32,
    /// BytesWritten or BytesRead; `None`: the driver left it alone.
    pub done: Option<u32>,
    /// BytesNeeded; `None`: the driver left it alone.
    pub needed: Option<u32>,
    /// The buffer afterwards.
    pub data: Vec<u8>,
}

impl Requests {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            busy: AtomicBool::new(false),
            pending: IrqSpin::new(None),
            next_id: AtomicU64::new(1),
        }
    }

    /// Whether a request is with the miniport.
    pub fn is_open(&self) -> bool {
        self.pending.lock().is_some_and(|p| p.status.is_none())
    }
}

/// Queries `oid` with a buffer of `length` bytes.
pub fn query(adapter: &Adapter, oid: u32, length: usize) -> Answer {
    request(
        adapter,
        Kind::Query,
        oid,
        &alloc::vec![guest::POISON; length],
    )
}

/// Sets `oid` to `data`.
pub fn set(adapter: &Adapter, oid: u32, data: &[u8]) -> Answer {
    request(adapter, Kind::Set, oid, data)
}

/// Makes one request and waits for its completion. Ends the run when it never comes (N-04).
pub fn request(adapter: &Adapter, kind: Kind, oid: u32, data: &[u8]) -> Answer {
    let requests = &adapter.requests;
    // O-01.
    thread::wait_until(None, &|| !requests.busy.swap(true, Ordering::AcqRel));
    let answer = serialised(adapter, kind, oid, data);
    requests.busy.store(false, Ordering::Release);
    thread::wake();
    answer
}

fn serialised(adapter: &Adapter, kind: Kind, oid: u32, data: &[u8]) -> Answer {
    let failed = Answer {
        status: NDIS_STATUS_RESOURCES,
        done: None,
        needed: None,
        data: Vec::new(),
    };
    let buffer = if data.is_empty() {
        None
    } else {
        Block::with(data, 1)
    };
    let Some(block) = Block::new(size_of::<NDIS_OID_REQUEST>(), 8, false) else {
        return failed;
    };
    let (address, buffer_at) = (block.address(), buffer.as_ref().map_or(0, |b| b.address()));
    fill(adapter, address, kind, oid, buffer_at, data.len());
    *adapter.requests.pending.lock() = Some(Pending {
        address,
        status: None,
    });
    let started = time::now_ns();
    let returned = verify::call_on(
        Handler::OidRequest,
        adapter.handle,
        driver::handlers().oid_request,
        &[adapter.context(), address as u64],
    ) as i32;
    let name = || format!("OID {oid:#010x}");
    if returned == NDIS_STATUS_PENDING {
        let done = || {
            adapter
                .requests
                .pending
                .lock()
                .is_none_or(|p| p.status.is_some())
        };
        let completed = thread::wait_until(Some(started + LIMIT_NS), &done);
        if !verify::check_of(Handler::OidRequest, "N-04", completed, || {
            format!("{} is pending for 12 s", name())
        }) {
            verify::end("an OID request never completes");
        }
    } else {
        verify::check_of(
            Handler::OidRequest,
            "N-04",
            time::now_ns() - started < LIMIT_NS,
            || {
                format!(
                    "{} took {} s",
                    name(),
                    (time::now_ns() - started) / 1_000_000_000
                )
            },
        );
        // N-02: completed, and then returned with a final status.
        let early = adapter
            .requests
            .pending
            .lock()
            .is_some_and(|p| p.status.is_some());
        verify::check_of(Handler::OidRequest, "N-02", !early, || {
            format!(
                "{}: NdisMOidRequestComplete, and {returned:#010x} returned",
                name()
            )
        });
    }
    let pending = adapter.requests.pending.lock().take();
    let status = if returned == NDIS_STATUS_PENDING {
        pending
            .and_then(|p| p.status)
            .unwrap_or(NDIS_STATUS_FAILURE)
    } else {
        returned
    };
    if kind == Kind::Set {
        check_status(oid, status);
    }
    let member = |offset: usize| {
        let value: u32 = guest::read(address + offset);
        (value != POISON).then_some(value)
    };
    let answer = Answer {
        status,
        done: member(BYTES_DONE),
        needed: member(BYTES_NEEDED),
        data: if data.is_empty() {
            Vec::new()
        } else {
            guest::bytes(buffer_at, data.len())
        },
    };
    check_lengths(&name(), kind, data, &answer);
    answer
}

fn fill(adapter: &Adapter, address: usize, kind: Kind, oid: u32, buffer: usize, length: usize) {
    let p: Ptr<NDIS_OID_REQUEST> = Ptr::new(address);
    let revision = if driver::minor_version() >= 50 { 2 } else { 1 };
    // Revision 2 came with 6.50; revision 1 ends after Reserved2.
    let size = if revision == 2 {
        size_of::<NDIS_OID_REQUEST>()
    } else {
        236
    };
    field!(p, Header).write(header::make(NDIS_OBJECT_TYPE_OID_REQUEST, revision, size));
    field!(p, RequestType).write(match kind {
        Kind::Query => NdisRequestQueryInformation,
        Kind::Set => NdisRequestSetInformation,
        Kind::Statistics => NdisRequestQueryStatistics,
    });
    field!(p, PortNumber).write(0);
    field!(p, Timeout).write(0);
    let id = adapter.requests.next_id.fetch_add(1, Ordering::Relaxed);
    guest::write(field!(p, RequestId).addr(), id);
    guest::write(field!(p, RequestHandle).addr(), id);
    guest::write(address + OID, oid);
    guest::write(address + BUFFER, buffer);
    guest::write(address + LENGTH, length as u32);
    guest::write(address + BYTES_DONE, POISON);
    guest::write(address + BYTES_NEEDED, POISON);
    field!(p, SupportedRevision).write(0);
    field!(p, Flags).write(0);
}

/// N-01: sets that may not fail for other reasons than these.
fn check_status(oid: u32, status: i32) {
    let legal: &[i32] = match oid {
        OID_PNP_SET_POWER => &[NDIS_STATUS_SUCCESS, NDIS_STATUS_NOT_ACCEPTED],
        OID_RECEIVE_FILTER_CLEAR_FILTER
        | OID_RECEIVE_FILTER_FREE_QUEUE
        | OID_802_3_DELETE_MULTICAST_ADDRESS
        | OID_PM_REMOVE_WOL_PATTERN
        | OID_PM_REMOVE_PROTOCOL_OFFLOAD => &[
            NDIS_STATUS_SUCCESS,
            NDIS_STATUS_NOT_ACCEPTED,
            NDIS_STATUS_REQUEST_ABORTED,
        ],
        _ => return,
    };
    verify::check_of(Handler::OidRequest, "N-01", legal.contains(&status), || {
        format!("OID {oid:#010x} completed with {status:#010x}")
    });
}

/// O-05, O-06, 7C/1D.
fn check_lengths(name: &str, kind: Kind, sent: &[u8], answer: &Answer) {
    let length = sent.len() as u32;
    let rule = if kind == Kind::Set { "O-06" } else { "O-05" };
    let done = answer.done.unwrap_or(0);
    verify::check_of(Handler::OidRequest, rule, done <= length, || {
        format!("{name}: {done} bytes reported, the buffer has {length}")
    });
    if kind == Kind::Set {
        verify::check_of(Handler::OidRequest, "O-06", answer.data == sent, || {
            format!("{name}: a set changed the buffer")
        });
    }
}

exports! {
    "ndis.sys";

    /// Completes a pending request.
    [Dispatch] fn NdisMOidRequestComplete(call, handle: u64, request: u64, status: i32) {
        locks::check_none("K-01", call.name());
        if let Some(adapter) = adapter::expect(call, handle) {
            complete(call, &adapter, request as usize, status);
        }
    }

    /// Completes a direct OID request; the host makes none.
    [Dispatch] fn NdisMDirectOidRequestComplete(call, _handle: u64, request: u64, _status: i32) {
        verify::violation("O-02", call.text(&format!("no direct OID request {request:#x} is pending")));
    }
}

fn complete(call: &Call, adapter: &Adapter, request: usize, status: i32) {
    verify::check("O-02", status != NDIS_STATUS_PENDING, || {
        String::from("NdisMOidRequestComplete with NDIS_STATUS_PENDING")
    });
    let problem = {
        let mut pending = adapter.requests.pending.lock();
        match &mut *pending {
            Some(p) if p.address == request && p.status.is_none() => {
                p.status = Some(status);
                None
            }
            Some(p) if p.address == request => Some("N-02"),
            _ => Some("O-02"),
        }
    };
    match problem {
        Some(rule) => verify::violation(
            rule,
            call.text(&format!(
                "request {request:#x} is not pending, or completed twice (7C/26)"
            )),
        ),
        None => thread::wake(),
    }
}
