// SPDX-License-Identifier: MIT OR Apache-2.0
//! Imports that fail on purpose (contract V-03, V-18, V-29): once at a chosen call, or whenever one
//! name is called, inside MiniportInitializeEx. A failing import does nothing but what its reference
//! page says of a failure; what it would have written is nonsense. Any IRQL.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::Call;
use crate::{
    guest,
    machine::lock::IrqSpin,
    verify::{self, Handler},
};
use ::ndis::ffi::*;

/// What a failing call leaves.
enum Failure {
    /// RAX.
    Returns(u64),
    /// RAX, and nonsense where this argument points to.
    Spoils(u64, usize),
    /// A status where the first argument points to.
    Status(i32),
    /// A null pointer where this argument points to.
    Null(usize),
}

const NO_RESOURCES: u64 = NDIS_STATUS_RESOURCES as u32 as u64;
const FAILED: u64 = NDIS_STATUS_FAILURE as u32 as u64;
/// STATUS_NO_MEMORY.
const NO_MEMORY: u64 = 0xC000_0017;
/// What an out-parameter of a failed call holds (G-07).
const NONSENSE: u64 = 0xC7C7_C7C7_C7C7_C7C7;

/// The imports that may fail in MiniportInitializeEx, and how.
const MAY_FAIL: &[(&str, Failure)] = &[
    ("ExAllocatePool2", Failure::Returns(0)),
    ("ExAllocatePool3", Failure::Returns(0)),
    ("ExAllocatePoolWithTag", Failure::Returns(0)),
    ("ExAllocatePool", Failure::Returns(0)),
    ("ExAllocatePoolWithTagPriority", Failure::Returns(0)),
    ("ExAllocateTimer", Failure::Returns(0)),
    ("MmAllocateContiguousMemory", Failure::Returns(0)),
    (
        "MmAllocateContiguousMemorySpecifyCache",
        Failure::Returns(0),
    ),
    ("MmAllocateNonCachedMemory", Failure::Returns(0)),
    ("MmAllocatePagesForMdl", Failure::Returns(0)),
    ("MmAllocatePagesForMdlEx", Failure::Returns(0)),
    ("MmMapIoSpace", Failure::Returns(0)),
    ("MmMapIoSpaceEx", Failure::Returns(0)),
    ("MmMapLockedPagesSpecifyCache", Failure::Returns(0)),
    ("IoAllocateMdl", Failure::Returns(0)),
    ("IoAllocateWorkItem", Failure::Returns(0)),
    ("EtwRegister", Failure::Spoils(NO_MEMORY, 3)),
    ("NdisAllocateMemoryWithTagPriority", Failure::Returns(0)),
    ("NdisAllocateMdl", Failure::Returns(0)),
    ("NdisAllocateNetBufferListPool", Failure::Returns(0)),
    ("NdisAllocateNetBufferPool", Failure::Returns(0)),
    ("NdisAllocateNetBufferList", Failure::Returns(0)),
    ("NdisAllocateNetBufferAndNetBufferList", Failure::Returns(0)),
    ("NdisAllocateNetBuffer", Failure::Returns(0)),
    ("NdisAllocateNetBufferMdlAndData", Failure::Returns(0)),
    ("NdisAllocateIoWorkItem", Failure::Returns(0)),
    ("NdisAllocateRWLock", Failure::Returns(0)),
    ("NdisAllocateGenericObject", Failure::Returns(0)),
    ("NdisAllocateTimerObject", Failure::Spoils(NO_RESOURCES, 2)),
    ("NdisOpenConfigurationEx", Failure::Spoils(FAILED, 1)),
    (
        "NdisReadConfiguration",
        Failure::Status(NDIS_STATUS_FAILURE),
    ),
    (
        "NdisOpenConfigurationKeyByName",
        Failure::Status(NDIS_STATUS_FAILURE),
    ),
    (
        "NdisReadNetworkAddress",
        Failure::Status(NDIS_STATUS_FAILURE),
    ),
    ("NdisRegisterPoll", Failure::Spoils(NO_RESOURCES, 3)),
    ("NdisMMapIoSpace", Failure::Spoils(NO_RESOURCES, 0)),
    ("NdisMRegisterIoPortRange", Failure::Spoils(NO_RESOURCES, 0)),
    (
        "NdisMRegisterScatterGatherDma",
        Failure::Spoils(NO_RESOURCES, 2),
    ),
    ("NdisMRegisterInterruptEx", Failure::Spoils(NO_RESOURCES, 3)),
    ("NdisMSetMiniportAttributes", Failure::Returns(FAILED)),
    ("NdisMAllocateSharedMemory", Failure::Null(3)),
    // V-29, I-09: fewer bytes than asked for.
    ("NdisMGetBusData", Failure::Returns(0)),
    ("NdisMSetBusData", Failure::Returns(0)),
];

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// None; they are only noted.
    None,
    /// The one with this number, from 0.
    Once(usize),
    /// All of this name.
    Always(&'static str),
}

/// A call that could fail: the import, and where it was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// Import.
    pub name: &'static str,
    /// Return address.
    pub rip: u64,
}

struct State {
    plan: Plan,
    seen: Vec<Site>,
    failed: usize,
}

static ARMED: AtomicBool = AtomicBool::new(false);
static STATE: IrqSpin<State> = IrqSpin::new(State {
    plan: Plan::None,
    seen: Vec::new(),
    failed: 0,
});

/// Begins: calls are noted, and fail as `plan` says.
pub fn begin(plan: Plan) {
    let mut state = STATE.lock();
    state.plan = plan;
    state.seen.clear();
    state.failed = 0;
    ARMED.store(true, Ordering::Release);
}

/// Ends: the calls that could fail, in order, and how many did.
pub fn end() -> (Vec<Site>, usize) {
    ARMED.store(false, Ordering::Release);
    let mut state = STATE.lock();
    (core::mem::take(&mut state.seen), state.failed)
}

/// RAX of a call that is to fail; its out-parameters are written.
pub fn fails(call: &Call) -> Option<u64> {
    if !ARMED.load(Ordering::Acquire) {
        return None;
    }
    // What a DPC or ISR calls meanwhile has no fixed number.
    let inside = verify::current().is_some_and(|c| c.handler == Handler::Initialize);
    let name = call.name();
    let (_, failure) = MAY_FAIL
        .iter()
        .find(|(may_fail, _)| inside && *may_fail == name)?;
    {
        let mut state = STATE.lock();
        let number = state.seen.len();
        state.seen.push(Site {
            name,
            rip: call.rip,
        });
        let now = match state.plan {
            Plan::None => false,
            Plan::Once(k) => k == number,
            Plan::Always(which) => which == name,
        };
        if !now {
            return None;
        }
        state.failed += 1;
    }
    // SAFETY: an argument slot of the driver's call; every index in the table is below the number
    // of arguments of its import.
    let argument = |index: usize| unsafe { call.args.wrapping_add(index).read() } as usize;
    Some(match *failure {
        Failure::Returns(rax) => rax,
        Failure::Spoils(rax, index) => {
            guest::write(argument(index), NONSENSE);
            rax
        }
        Failure::Status(status) => {
            guest::write(argument(0), status);
            NONSENSE
        }
        Failure::Null(index) => {
            guest::write(argument(index), 0u64);
            NONSENSE
        }
    })
}
