// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive indications and returns (contract §5.3).
//!
//! Frames are copied out of the indicated NBLs. An NBL is given back inside the indication, by a
//! thread, or by a DPC on another CPU, in chains that mix indications; some are held for a while.

use super::{
    adapter::{self, Adapter, State},
    counters,
    dice::DICE,
    driver, guesses,
    nbl::{
        NB_CURRENT_MDL, NB_CURRENT_MDL_OFFSET, NB_DATA_LENGTH, NB_NEXT, NBL_FIRST_NB, NBL_NEXT,
        NBL_STATUS,
    },
};
use crate::{
    exports,
    exports::{Call, ndis_lib::nbl as pool},
    field,
    guest::{self, Ptr},
    machine::{cpu, dpc, irql, lock::IrqSpin, thread, time},
    verify::{self, Handler, locks},
};
use ::ndis::ffi::*;
use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    format,
    sync::Arc,
    vec::Vec,
};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Frames kept for the protocol at most; more are dropped, as a slow protocol would.
const QUEUE: usize = 4096;
/// Bytes of an Ethernet header.
const HEADER: usize = 14;
/// NBLs in one indication at most, before the chain counts as a loop.
const MAX_CHAIN: usize = 4096;
/// NBLs held longer are compared with what they were.
const LONG_NS: u64 = 2_000_000;
/// Left in fields that a protocol may have changed (D-35).
const SCRIBBLE: u64 = 0xC7C7_C7C7_C7C7_C7C7;

/// One NBL that the protocol holds.
struct Held {
    due_ns: u64,
    /// Data when it was indicated, for some (D-31).
    snapshot: Option<(usize, Vec<u8>)>,
}

/// A frame as a protocol sees it: the data and what came out of band with it.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The data.
    pub bytes: Vec<u8>,
    /// TcpIpChecksumNetBufferListInfo, receive form.
    pub checksum: u32,
    /// Ieee8021QNetBufferListInfo.
    pub tag: u32,
    /// NetBufferListHashValue.
    pub hash: u32,
    /// NetBufferListHashInfo: function and type.
    pub hash_info: u32,
    /// The CPU of the indication.
    pub cpu: usize,
}

/// Looks at an indicated frame in its place, in the indication, instead of a protocol that would
/// take a copy: its data, and what came out of band with it (`bytes` is empty there). `false`: it wants the copy after
/// all. At most DISPATCH, on any CPU.
pub type Sink = dyn Fn(&[u8], &Received) -> bool + Send + Sync;

/// The receives of one adapter.
pub struct Receives {
    sink: IrqSpin<Option<Arc<Sink>>>,
    queue: IrqSpin<VecDeque<Received>>,
    held: IrqSpin<BTreeMap<usize, Held>>,
    in_calls: AtomicUsize,
    returns_in_calls: AtomicUsize,
    frames: AtomicU64,
    /// Indications with NDIS_RECEIVE_FLAGS_RESOURCES.
    to_copy: AtomicU64,
    dropped: AtomicU64,
    stop: AtomicBool,
    hold_until_ns: AtomicU64,
}

impl Receives {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            sink: IrqSpin::new(None),
            queue: IrqSpin::new(VecDeque::new()),
            held: IrqSpin::new(BTreeMap::new()),
            in_calls: AtomicUsize::new(0),
            returns_in_calls: AtomicUsize::new(0),
            frames: AtomicU64::new(0),
            to_copy: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            hold_until_ns: AtomicU64::new(0),
        }
    }

    /// Frames indicated.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Indications whose frames the protocol had to copy (D-33).
    pub fn to_copy(&self) -> u64 {
        self.to_copy.load(Ordering::Relaxed)
    }

    /// NBLs that the host still holds.
    pub fn outstanding(&self) -> usize {
        self.held.lock().len()
    }

    /// Indications that have not returned.
    pub fn indications(&self) -> usize {
        self.in_calls.load(Ordering::Acquire)
    }

    /// Return calls that have not returned.
    pub fn returning(&self) -> usize {
        self.returns_in_calls.load(Ordering::Acquire)
    }

    /// Keeps what is indicated from now on for `ns`, as a slow protocol does (P-04).
    pub fn hold_for(&self, ns: u64) {
        self.hold_until_ns
            .store(time::now_ns() + ns, Ordering::Relaxed);
    }

    /// Ends [`Self::hold_for`]: everything goes back now.
    pub fn let_go(&self) {
        let now = time::now_ns();
        self.hold_until_ns.store(now, Ordering::Relaxed);
        for held in self.held.lock().values_mut() {
            held.due_ns = held.due_ns.min(now);
        }
        thread::wake();
    }

    /// Frames go to `sink` from now on, or to the protocol again.
    pub fn set_sink(&self, sink: Option<Arc<Sink>>) {
        let old = core::mem::replace(&mut *self.sink.lock(), sink);
        drop(old);
    }

    /// Ends the return thread.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        thread::wake();
    }
}

/// The next received frame.
pub fn take(adapter: &Adapter) -> Option<Received> {
    adapter.receives.queue.lock().pop_front()
}

/// Whether [`take`] would give one.
pub fn pending(adapter: &Adapter) -> bool {
    !adapter.receives.queue.lock().is_empty()
}

exports! {
    "ndis.sys";

    /// Gives NBLs to the protocols.
    [Dispatch] fn NdisMIndicateReceiveNetBufferLists(
        call, handle: u64, chain: Ptr<NET_BUFFER_LIST>, port: u32, count: u32, flags: u32,
    ) {
        locks::check_none("K-01", call.name());
        let Some(adapter) = adapter::expect(call, handle) else { return };
        adapter.receives.in_calls.fetch_add(1, Ordering::AcqRel);
        indicate(call, &adapter, chain, port, count, flags);
        adapter.receives.in_calls.fetch_sub(1, Ordering::AcqRel);
        thread::wake();
    }
}

/// Takes a chain of received NBLs from the driver. At most DISPATCH.
pub fn indicate(
    call: &Call,
    adapter: &Arc<Adapter>,
    chain: Ptr<NET_BUFFER_LIST>,
    port: u32,
    count: u32,
    flags: u32,
) {
    let now = irql::current();
    let dispatch = flags & NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL != 0;
    verify::check("D-34", !dispatch || now == irql::DISPATCH, || {
        call.text(&format!("the DISPATCH_LEVEL flag at IRQL {now}"))
    });
    verify::check("D-30", port == 0, || {
        call.text(&format!("PortNumber {port}"))
    });
    check_state(call, adapter);
    let resources = flags & NDIS_RECEIVE_FLAGS_RESOURCES != 0;
    let mut nbls = Vec::new();
    let mut owned = true;
    let mut at = chain.addr();
    while at != 0 && nbls.len() < MAX_CHAIN {
        let held = adapter.receives.held.lock().contains_key(&at);
        let again = held || nbls.contains(&at);
        owned = verify::check("D-31", !again, || {
            call.text(&format!(
                "NBL {at:#x} was indicated before and is not returned yet"
            ))
        });
        if !owned {
            break;
        }
        nbls.push(at);
        at = guest::read(at + NBL_NEXT);
    }
    verify::check(
        "D-30",
        !owned || (nbls.len() == count as usize && !nbls.is_empty()),
        || {
            call.text(&format!(
                "NumberOfNetBufferLists {count}, the chain has {}",
                nbls.len()
            ))
        },
    );
    counters::credit(|context| &context.nbls_indicated, nbls.len() as u64);
    let sink = adapter.receives.sink.lock().clone();
    for nbl in &nbls {
        one(call, adapter, *nbl, sink.as_deref());
    }
    if resources {
        adapter.receives.to_copy.fetch_add(1, Ordering::Relaxed);
    } else {
        keep(adapter, &nbls);
    }
}

/// D-36, P-08.
fn check_state(call: &Call, adapter: &Adapter) {
    let state = adapter.state();
    let (rule, legal) = match state {
        State::Restarting | State::Running | State::Pausing => ("D-36", true),
        State::Paused | State::Halting => ("P-08", false),
        _ => ("D-36", false),
    };
    verify::check(rule, legal, || {
        call.text(&format!("an indication in the state {state:?}"))
    });
    // Frames that were received under the old filter may still be on their way up for a moment.
    let cleared = adapter.filter_cleared_ns.load(Ordering::Relaxed);
    let on_its_way = cleared != 0 && time::now_ns() - cleared < guesses::OLD_FILTER_NS;
    let filter = adapter.filter.load(Ordering::Relaxed);
    verify::check("D-36", filter != 0 || on_its_way, || {
        call.text("an indication without a packet filter")
    });
}

/// Checks one NBL and copies its frames.
fn one(call: &Call, adapter: &Adapter, nbl: usize, sink: Option<&Sink>) {
    let p: Ptr<NET_BUFFER_LIST> = Ptr::new(nbl);
    let source = field!(p, SourceHandle).read() as u64;
    verify::check("D-30", source == adapter.handle, || {
        call.text(&format!("NBL {nbl:#x} has SourceHandle {source:#x}"))
    });
    let checksum = guest::read::<u64>(field!(p, NetBufferListInfo).addr());
    let fresh = checksum != SCRIBBLE && guest::read::<u32>(nbl + NBL_STATUS) != SCRIBBLE as u32;
    verify::check("D-35", fresh, || {
        call.text(&format!(
            "NBL {nbl:#x} still has what the last protocol left in it"
        ))
    });
    let children = field!(p, ChildRefCount).read();
    verify::check("D-35", children == 0, || {
        call.text(&format!("NBL {nbl:#x} has ChildRefCount {children}"))
    });
    let mut nb: usize = guest::read(nbl + NBL_FIRST_NB);
    verify::check("D-30", nb != 0, || {
        call.text(&format!("NBL {nbl:#x} has no net buffer"))
    });
    let most = adapter.mtu() + HEADER;
    let mut count = 0;
    while nb != 0 && count < MAX_CHAIN {
        let length = guest::read::<u32>(nb + NB_DATA_LENGTH) as usize;
        let sound = verify::check("D-37", (HEADER..=most + 4).contains(&length), || {
            call.text(&format!("a frame of {length} bytes, the MTU allows {most}"))
        });
        let taken = sound
            && sink.is_some_and(|sink| {
                let look = |bytes: &[u8]| sink(bytes, &out_of_band(p, Vec::new()));
                in_place(nb, length).is_some_and(look)
            });
        if taken {
            adapter.receives.frames.fetch_add(1, Ordering::Relaxed);
        } else if let (true, Some(frame)) = (sound, gather(call, nb, length)) {
            adapter.receives.frames.fetch_add(1, Ordering::Relaxed);
            deliver(adapter, out_of_band(p, frame));
        }
        nb = guest::read(nb + NB_NEXT);
        count += 1;
    }
}

/// A net buffer's data where it lies, if it is all in its current MDL.
fn in_place<'a>(nb: usize, length: usize) -> Option<&'a [u8]> {
    let p: Ptr<MDL> = Ptr::new(guest::read::<usize>(nb + NB_CURRENT_MDL));
    let skip = guest::read::<u32>(nb + NB_CURRENT_MDL_OFFSET) as usize;
    let bytes = field!(p, ByteCount).read() as usize;
    (skip + length <= bytes).then(|| guest::slice(address_of(p) + skip, length))
}

/// Where an MDL's bytes are.
fn address_of(p: Ptr<MDL>) -> usize {
    let flags = field!(p, MdlFlags).read();
    if flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        field!(p, MappedSystemVa).read() as usize
    } else {
        field!(p, StartVa).read() as usize + field!(p, ByteOffset).read() as usize
    }
}

/// Copies a net buffer's data (D-30: the MDLs cover it).
fn gather(call: &Call, nb: usize, length: usize) -> Option<Vec<u8>> {
    let mut frame = Vec::with_capacity(length);
    let mut mdl: usize = guest::read(nb + NB_CURRENT_MDL);
    let mut skip = guest::read::<u32>(nb + NB_CURRENT_MDL_OFFSET) as usize;
    while frame.len() < length {
        if !verify::check("D-30", mdl != 0, || {
            call.text(&format!(
                "the MDLs of net buffer {nb:#x} hold {} of {length} bytes",
                frame.len()
            ))
        }) {
            return None;
        }
        let p: Ptr<MDL> = Ptr::new(mdl);
        let bytes = field!(p, ByteCount).read() as usize;
        let va = address_of(p);
        let first = skip.min(bytes);
        skip -= first;
        let take = (bytes - first).min(length - frame.len());
        frame.extend_from_slice(guest::slice(va + first, take));
        mdl = field!(p, Next).read() as usize;
    }
    Some(frame)
}

/// The frame with what came out of band.
fn out_of_band(nbl: Ptr<NET_BUFFER_LIST>, bytes: Vec<u8>) -> Received {
    let info = field!(nbl, NetBufferListInfo).addr();
    // Each is a pointer-sized value of which the documentation uses the lower half.
    let value = |index: NDIS_NET_BUFFER_LIST_INFO| guest::read::<u32>(info + 8 * index as usize);
    Received {
        bytes,
        checksum: value(TcpIpChecksumNetBufferListInfo),
        tag: value(Ieee8021QNetBufferListInfo),
        hash: value(NetBufferListHashValue),
        hash_info: value(NetBufferListHashInfo),
        cpu: cpu::id(),
    }
}

fn deliver(adapter: &Adapter, frame: Received) {
    let mut queue = adapter.receives.queue.lock();
    if queue.len() < QUEUE {
        queue.push_back(frame);
    } else {
        adapter.receives.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes ownership of NBLs; gives some back at once (D-32).
fn keep(adapter: &Arc<Adapter>, nbls: &[usize]) {
    let now = time::now_ns();
    let hold = adapter
        .receives
        .hold_until_ns
        .load(Ordering::Relaxed)
        .saturating_sub(now);
    let inline = hold == 0 && DICE.chance(30);
    for nbl in nbls {
        let delay = match DICE.below(200) {
            0 => 20_000_000 + DICE.below(30_000_000),
            1..=20 => DICE.below(2_000_000),
            _ => 0,
        }
        .max(hold);
        let snapshot = if delay > LONG_NS || DICE.chance(5) {
            snapshot(*nbl)
        } else {
            None
        };
        let held = Held {
            due_ns: now + if inline { 0 } else { delay },
            snapshot,
        };
        // Before another CPU can give it back.
        pool::set_lent(*nbl, true);
        adapter.receives.held.lock().insert(*nbl, held);
    }
    if inline {
        give_back(adapter, nbls);
    } else if hold == 0 && DICE.chance(10) {
        let (owner, list) = (adapter.clone(), nbls.to_vec());
        let other = (cpu::id() + 1) % cpu::count();
        dpc::queue(other, Box::new(move || give_back(&owner, &list)));
    }
}

fn snapshot(nbl: usize) -> Option<(usize, Vec<u8>)> {
    let nb: usize = guest::read(nbl + NBL_FIRST_NB);
    let p: Ptr<MDL> = Ptr::new(guest::read::<usize>(nb + NB_CURRENT_MDL));
    let va = field!(p, MappedSystemVa).read() as usize;
    let bytes = field!(p, ByteCount).read() as usize;
    guest::is_valid(va, bytes, false).then(|| (va, guest::bytes(va, bytes)))
}

/// Calls MiniportReturnNetBufferLists with those of `nbls` that are still held. At most DISPATCH.
fn give_back(adapter: &Arc<Adapter>, nbls: &[usize]) {
    let mut chain: Vec<usize> = Vec::new();
    for nbl in nbls {
        let Some(held) = adapter.receives.held.lock().remove(nbl) else {
            continue;
        };
        if let Some((va, bytes)) = &held.snapshot {
            let same = guest::is_valid(*va, bytes.len(), false)
                && guest::slice(*va, bytes.len()) == bytes.as_slice();
            verify::check("D-31", same, || {
                format!("the data of NBL {nbl:#x} changed while the protocol held it")
            });
        }
        pool::set_lent(*nbl, false);
        // D-35: a protocol may leave anything here.
        guest::write(nbl + NBL_STATUS, SCRIBBLE as u32);
        let p: Ptr<NET_BUFFER_LIST> = Ptr::new(*nbl);
        guest::write(field!(p, NetBufferListInfo).addr(), SCRIBBLE);
        guest::write(field!(p, Scratch).addr(), SCRIBBLE);
        guest::write(nbl + NBL_NEXT, 0u64);
        if let Some(last) = chain.last() {
            guest::write(last + NBL_NEXT, *nbl);
        }
        chain.push(*nbl);
    }
    let Some(first) = chain.first().copied() else {
        return;
    };
    let dispatch = irql::current() == irql::DISPATCH;
    let flags = if dispatch {
        NDIS_RETURN_FLAGS_DISPATCH_LEVEL
    } else {
        0
    };
    let arguments = [adapter.context(), first as u64, u64::from(flags)];
    adapter
        .receives
        .returns_in_calls
        .fetch_add(1, Ordering::AcqRel);
    verify::call_on(
        Handler::Return,
        adapter.handle,
        driver::handlers().return_nbls,
        &arguments,
    );
    adapter
        .receives
        .returns_in_calls
        .fetch_sub(1, Ordering::AcqRel);
    thread::wake();
}

/// The thread that returns what is due; started with the adapter, ends after [`Receives::stop`]
/// when nothing is held.
pub fn return_thread(adapter: &Arc<Adapter>) {
    loop {
        let receives = &adapter.receives;
        let hurry = || {
            receives.stop.load(Ordering::Acquire)
                || !matches!(adapter.state(), State::Running | State::Pausing)
        };
        let earliest = receives.held.lock().values().map(|h| h.due_ns).min();
        let woken = thread::wait_until(earliest, &|| {
            let held = receives.held.lock();
            (hurry() && !held.is_empty())
                || receives.stop.load(Ordering::Acquire)
                || held.values().any(|h| h.due_ns <= time::now_ns())
        });
        let now = time::now_ns();
        let hurried = hurry();
        let due: Vec<usize> = receives
            .held
            .lock()
            .iter()
            .filter(|(_, h)| hurried || h.due_ns <= now)
            .map(|(nbl, _)| *nbl)
            .collect();
        if due.is_empty() && woken && receives.stop.load(Ordering::Acquire) {
            return;
        }
        if DICE.chance(50) {
            give_back(adapter, &due);
        } else {
            let old = irql::raise(irql::DISPATCH);
            give_back(adapter, &due);
            irql::lower(old);
        }
    }
}
