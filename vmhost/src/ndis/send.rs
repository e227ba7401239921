// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sends (contract §5.1): net buffer lists of many shapes into MiniportSendNetBufferLists, and
//! their completions back.

pub use super::nbl::{NB_CURRENT_MDL, NB_CURRENT_MDL_OFFSET, NB_DATA_LENGTH};
use super::{
    adapter::{self, Adapter, State},
    counters,
    dice::DICE,
    driver, guesses,
    nbl::{Built, Info, NBL_NEXT, NBL_STATUS, Shape, Shaped, Slot},
    sg,
};
use crate::{
    exports,
    exports::Call,
    guest::{self, Ptr},
    machine::{cpu, dpc, irql, lock::IrqSpin, mmio, thread, time},
    verify::{self, Handler, locks},
};
use ::ndis::ffi::*;
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    sync::Arc,
    vec,
    vec::Vec,
};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// N-05.
const SEND_LIMIT_NS: u64 = 30_000_000_000;
/// N-06.
const HANG_LIMIT_NS: u64 = 22_000_000_000;
/// How much longer than the send handler a write of it may be on its way, in microseconds.
const LATE_US: u64 = 50;
/// Free slots before one is used again.
const QUARANTINE: usize = 32;

/// One NBL that is with the miniport.
struct Sent {
    slot: Slot,
    built: Built,
    since_ns: u64,
    /// The call that hands it over, while that has not returned; 0 then.
    call: u64,
    after: After,
}

/// What is with the miniport.
struct Live {
    /// By the NBL's address.
    lists: BTreeMap<usize, Sent>,
    /// Addresses of their net buffers.
    buffers: BTreeSet<usize>,
}

impl Live {
    fn enter(&mut self, sent: Sent) {
        self.buffers.extend(&sent.built.nbs);
        self.lists.insert(sent.built.nbl, sent);
    }

    fn take(&mut self, nbl: usize) -> Option<Sent> {
        let sent = self.lists.remove(&nbl)?;
        for nb in &sent.built.nbs {
            self.buffers.remove(nb);
        }
        Some(sent)
    }
}

/// What becomes of a completed NBL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// Its memory is used for something else.
    Forget,
    /// The same, and its status can be asked for.
    Remember,
    /// It is sent again as it is, see [`resubmit`].
    Again(Again),
}

/// Lanes of NBLs that are sent again and again.
pub const LANES: usize = 2;

/// An NBL that is sent again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// Its lane: one thread sends those of a lane, so that they keep their order.
    pub lane: usize,
    /// Its flow, whatever that is to the sender.
    pub flow: usize,
    /// Where the bytes are that change.
    pub at: usize,
}

/// The sends of one adapter.
pub struct Sends {
    again: [IrqSpin<VecDeque<Sent>>; LANES],
    live: IrqSpin<Live>,
    free: IrqSpin<VecDeque<Slot>>,
    calls: AtomicUsize,
    /// Numbers the calls, from 1.
    call_number: AtomicU64,
    last_completion_ns: AtomicU64,
    frames_ok: AtomicU64,
    frames_failed: AtomicU64,
    results: IrqSpin<BTreeMap<usize, i32>>,
}

/// At which IRQL and where the send handler is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// This thread, PASSIVE_LEVEL.
    Passive,
    /// This thread, raised to DISPATCH_LEVEL.
    Dispatch,
    /// A DPC on another CPU.
    Dpc,
}

impl Sends {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            again: [const { IrqSpin::new(VecDeque::new()) }; LANES],
            live: IrqSpin::new(Live {
                lists: BTreeMap::new(),
                buffers: BTreeSet::new(),
            }),
            free: IrqSpin::new(VecDeque::new()),
            calls: AtomicUsize::new(0),
            call_number: AtomicU64::new(0),
            last_completion_ns: AtomicU64::new(0),
            frames_ok: AtomicU64::new(0),
            frames_failed: AtomicU64::new(0),
            results: IrqSpin::new(BTreeMap::new()),
        }
    }

    /// NBLs with the miniport.
    pub fn outstanding(&self) -> usize {
        self.live.lock().lists.len()
    }

    /// NBLs with the miniport, as a rule without those of calls that have not returned: only the miniport knows whether it
    /// has looked at them already.
    pub fn accepted(&self) -> usize {
        let live = self.live.lock();
        let counts = |sent: &&Sent| sent.call == 0 || guesses::SENDS_OF_OPEN_CALLS_COUNT;
        live.lists.values().filter(counts).count()
    }

    /// Send calls that have not returned.
    pub fn in_calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    /// Frames completed with success, and otherwise; each segment of a large send is one.
    pub fn frames(&self) -> (u64, u64) {
        (
            self.frames_ok.load(Ordering::Relaxed),
            self.frames_failed.load(Ordering::Relaxed),
        )
    }

    fn next_call(&self) -> u64 {
        self.call_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The call `number` has returned: what it handed over and is not complete is accepted. P-05: nothing is when the
    /// pause was complete meanwhile.
    fn returned(&self, number: u64, chain: &[usize], state: State) {
        let mut accepted = 0;
        let mut live = self.live.lock();
        for nbl in chain {
            if let Some(sent) = live.lists.get_mut(nbl)
                && sent.call == number
            {
                sent.call = 0;
                accepted += 1;
            }
        }
        drop(live);
        verify::check_of(
            Handler::Send,
            "P-05",
            accepted == 0 || state != State::Paused,
            || format!("{accepted} sends were accepted, and the pause is complete"),
        );
    }

    /// Whether an NBL with that NB is with the miniport.
    pub fn owns_nb(&self, nb: usize) -> bool {
        self.live.lock().buffers.contains(&nb)
    }

    /// Whether that NBL, sent with [`submit_lists`], is with the miniport.
    pub fn live_nbl(&self, nbl: usize) -> bool {
        self.live.lock().lists.contains_key(&nbl)
    }

    /// Status of a completed NBL that was sent with [`submit_lists`].
    pub fn result(&self, nbl: usize) -> Option<i32> {
        self.results.lock().get(&nbl).copied()
    }

    /// N-05, N-06: checks the ages of what is outstanding.
    pub fn check_ages(&self) {
        let now = time::now_ns();
        let oldest = {
            let live = self.live.lock();
            live.lists.values().map(|s| s.since_ns).min()
        };
        let Some(oldest) = oldest else { return };
        verify::check("N-05", now.saturating_sub(oldest) < SEND_LIMIT_NS, || {
            format!(
                "an NBL is with the miniport for {} s",
                (now - oldest) / 1_000_000_000
            )
        });
        let last = self.last_completion_ns.load(Ordering::Relaxed).max(oldest);
        verify::check("N-06", now.saturating_sub(last) < HANG_LIMIT_NS, || {
            format!(
                "no send was completed for {} s",
                (now - last) / 1_000_000_000
            )
        });
    }

    /// Frees the memory of completed sends.
    pub fn clear(&self) {
        let slots = core::mem::take(&mut *self.free.lock());
        drop(slots);
        for lane in &self.again {
            let again = core::mem::take(&mut *lane.lock());
            drop(again);
        }
        let results = core::mem::take(&mut *self.results.lock());
        drop(results);
    }

    fn slot(&self, list: &[Shaped]) -> Option<Slot> {
        let bytes = list
            .iter()
            .map(|(frame, shape)| shape.skipped + shape.front + frame.len() + shape.back)
            .sum();
        // Eight MDLs take as much memory as a net buffer with a few.
        let buffers = |(_, shape): &Shaped| 1 + shape.splits.len() / 8;
        let buffers = list.iter().map(buffers).sum();
        if !Slot::is_enough(buffers, bytes) {
            return Slot::new(buffers, bytes);
        }
        let old = {
            let mut free = self.free.lock();
            if free.len() > QUARANTINE {
                free.pop_front()
            } else {
                None
            }
        };
        match old {
            Some(slot) => {
                slot.poison();
                Some(slot)
            }
            None => Slot::new(0, 0),
        }
    }
}

/// Whether `nb` lies in memory that this module made; the driver may also map NBs of its own.
pub fn is_host_nb(nb: usize) -> bool {
    crate::machine::vspace::region_of(nb)
        .is_some_and(|region| region.label == "a protocol's net buffer list")
}

/// Sends frames of a protocol in lists, shapes and at IRQLs of the dice's choice. PASSIVE.
pub fn submit(adapter: &Arc<Adapter>, frames: Vec<(Vec<u8>, Info)>) {
    let mut lists: Vec<(Vec<Shaped>, Info)> = Vec::new();
    for (frame, info) in frames {
        let shape = throw_shape(frame.len());
        match lists.last_mut() {
            // Now and then several NBs in one NBL, in order (D-06); they share what goes out of band.
            Some((list, same))
                if list.len() < 3 && *same == info && info.large == 0 && DICE.chance(20) =>
            {
                list.push((frame, shape));
            }
            _ => lists.push((vec![(frame, shape)], info)),
        }
    }
    let how = if DICE.chance(50) {
        How::Passive
    } else {
        How::Dispatch
    };
    submit_with_info(adapter, lists, how, false);
}

/// Sends lists as they are given. Returns the NBLs; with `remember` their status can be asked for
/// with [`Sends::result`]. PASSIVE.
pub fn submit_lists(
    adapter: &Arc<Adapter>,
    lists: Vec<Vec<Shaped>>,
    how: How,
    remember: bool,
) -> Vec<usize> {
    let lists = lists.into_iter().map(|list| (list, Info::default()));
    submit_with_info(adapter, lists.collect(), how, remember)
}

/// Sends lists in a call each, all from one stay at DISPATCH_LEVEL. PASSIVE.
pub fn submit_calls(adapter: &Arc<Adapter>, lists: Vec<Vec<Shaped>>) {
    let build = |list| chain_of(adapter, vec![(list, Info::default())], false);
    let chains: Vec<_> = lists.into_iter().map(build).collect();
    let old = irql::raise(irql::DISPATCH);
    for (chain, call) in chains {
        hand_over(adapter, &chain, call, How::Dispatch);
    }
    irql::lower(old);
}

/// [`submit_lists`] with out-of-band data for each.
pub fn submit_with_info(
    adapter: &Arc<Adapter>,
    lists: Vec<(Vec<Shaped>, Info)>,
    how: How,
    remember: bool,
) -> Vec<usize> {
    let (chain, call) = chain_of(adapter, lists, remember);
    hand_over(adapter, &chain, call, how);
    chain
}

/// Makes the NBLs of one call: a linked chain, and the call's number. PASSIVE.
fn chain_of(
    adapter: &Arc<Adapter>,
    lists: Vec<(Vec<Shaped>, Info)>,
    remember: bool,
) -> (Vec<usize>, u64) {
    let mut chain: Vec<usize> = Vec::new();
    let (now, call) = (time::now_ns(), adapter.sends.next_call());
    for (list, info) in &lists {
        let built = adapter
            .sends
            .slot(list)
            .and_then(|slot| slot.build(list, info, PROTOCOL).map(|built| (slot, built)));
        let Some((slot, built)) = built else {
            crate::log!("host: no memory for a send of {} frames", list.len());
            continue;
        };
        let nbl = built.nbl;
        if let Some(last) = chain.last() {
            guest::write(last + NBL_NEXT, nbl);
        }
        if remember {
            // A stale result of an earlier use of the same slot must not be taken for this one's.
            adapter.sends.results.lock().remove(&nbl);
        }
        let sent = Sent {
            slot,
            built,
            since_ns: now,
            call,
            after: if remember {
                After::Remember
            } else {
                After::Forget
            },
        };
        adapter.sends.live.lock().enter(sent);
        chain.push(nbl);
    }
    (chain, call)
}

/// Calls the send handler with a linked chain.
fn hand_over(adapter: &Arc<Adapter>, chain: &[usize], number: u64, how: How) {
    let Some(first) = chain.first().copied() else {
        return;
    };
    adapter.sends.calls.fetch_add(1, Ordering::AcqRel);
    let owner = adapter.clone();
    let members = chain.to_vec();
    let call = move |flags: u32| {
        // D-15: flags that say nothing to a miniport must be ignored.
        let noise = if DICE.chance(25) {
            NDIS_SEND_FLAGS_CHECK_FOR_LOOPBACK
        } else {
            0
        };
        let arguments = [owner.context(), first as u64, 0, u64::from(flags | noise)];
        verify::call_on(
            Handler::Send,
            owner.handle,
            driver::handlers().send,
            &arguments,
        );
        if mmio::is_on_its_way() && DICE.chance(20) {
            time::stall_us(DICE.below(LATE_US) as u32);
        }
        mmio::arrive();
        owner.sends.returned(number, &members, owner.state());
        owner.sends.calls.fetch_sub(1, Ordering::AcqRel);
        thread::wake();
    };
    match how {
        How::Passive => call(0),
        How::Dispatch => {
            let old = irql::raise(irql::DISPATCH);
            call(NDIS_SEND_FLAGS_DISPATCH_LEVEL);
            irql::lower(old);
        }
        How::Dpc => dpc::queue(
            (cpu::id() + 1) % cpu::count(),
            Box::new(move || call(NDIS_SEND_FLAGS_DISPATCH_LEVEL)),
        ),
    }
}

/// Makes an NBL that [`resubmit`] sends again and again. PASSIVE.
pub fn prepare(adapter: &Adapter, frame: &[u8], shape: &Shape, info: &Info, again: Again) {
    let list = [(frame.to_vec(), shape.clone())];
    let front = shape.skipped + shape.front;
    let slot = Slot::new(1, front + frame.len() + shape.back);
    let built = slot.and_then(|slot| {
        let built = slot.build(&list, info, PROTOCOL)?;
        Some((slot, built))
    });
    let Some((slot, built)) = built else { return };
    let at = front + again.at;
    let sent = Sent {
        slot,
        built,
        since_ns: 0,
        call: 0,
        after: After::Again(Again { at, ..again }),
    };
    adapter.sends.again[again.lane % LANES]
        .lock()
        .push_back(sent);
}

/// Whether an NBL of this lane, made by [`prepare`], is not with the miniport.
pub fn can_resubmit(adapter: &Adapter, lane: usize) -> bool {
    !adapter.sends.again[lane % LANES].lock().is_empty()
}

/// Sends up to `count` prepared NBLs of a lane in one chain, each with the bytes that `renew` has for the next one
/// of its flow; how many there were. PASSIVE.
pub fn resubmit<const N: usize>(
    adapter: &Arc<Adapter>,
    lane: usize,
    count: usize,
    how: How,
    mut renew: impl FnMut(usize) -> [u8; N],
) -> usize {
    let taken: Vec<Sent> = {
        let mut again = adapter.sends.again[lane % LANES].lock();
        let count = again.len().min(count);
        again.drain(..count).collect()
    };
    let (now, call) = (time::now_ns(), adapter.sends.next_call());
    let mut chain: Vec<usize> = Vec::with_capacity(taken.len());
    for mut sent in taken {
        sent.since_ns = now;
        sent.call = call;
        if let After::Again(again) = sent.after {
            sent.built.renew(again.at, &renew(again.flow));
        }
        let nbl = sent.built.nbl;
        if let Some(last) = chain.last() {
            guest::write(last + NBL_NEXT, nbl);
        }
        chain.push(nbl);
        adapter.sends.live.lock().enter(sent);
    }
    hand_over(adapter, &chain, call, how);
    chain.len()
}

/// The protocol's handle in NBLs; never dereferenced by anybody.
const PROTOCOL: u64 = 0xFFFF_F7FF_0000_1000;

/// A shape for a frame of `length` bytes: mostly one or two MDLs, sometimes odd ones.
pub fn throw_shape(length: usize) -> Shape {
    let splits = match DICE.below(8) {
        0 | 1 => vec![],
        2 | 3 => vec![14.min(length)],
        4 => vec![14.min(length), 20.min(length.saturating_sub(14))],
        5 => vec![DICE.below(length.max(1) as u64) as usize, 0],
        6 => vec![1, 1, length / 2],
        _ => vec![0, 54.min(length)],
    };
    Shape {
        skipped: if DICE.chance(10) {
            1 + DICE.below(40) as usize
        } else {
            0
        },
        front: if DICE.chance(40) {
            DICE.below(64) as usize
        } else {
            0
        },
        splits,
        back: if DICE.chance(30) {
            DICE.below(32) as usize
        } else {
            0
        },
    }
}

exports! {
    "ndis.sys";

    /// Gives NBLs back (D-02, D-03).
    [Dispatch] fn NdisMSendNetBufferListsComplete(call, handle: u64, chain: Ptr<NET_BUFFER_LIST>, flags: u32) {
        locks::check_none("K-01", call.name());
        let Some(adapter) = adapter::expect(call, handle) else { return };
        let dispatch = flags & NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL != 0;
        verify::check("D-09", !dispatch || irql::current() == irql::DISPATCH, || {
            call.text(&format!("the DISPATCH_LEVEL flag at IRQL {}", irql::current()))
        });
        verify::check("D-03", !chain.is_null(), || call.text("the chain is NULL"));
        complete_chain(call, &adapter, chain.addr());
    }
}

/// Takes a chain of sent NBLs back from the driver. At most DISPATCH.
pub fn complete_chain(call: &Call, adapter: &Adapter, first: usize) {
    let mut at = first;
    while at != 0 {
        match complete(call, adapter, at) {
            Some(next) => at = next,
            None => break,
        }
    }
    adapter
        .sends
        .last_completion_ns
        .store(time::now_ns(), Ordering::Relaxed);
    thread::wake();
}

/// Takes one NBL back; returns the next one, or `None` when the chain cannot be followed.
fn complete(call: &Call, adapter: &Adapter, nbl: usize) -> Option<usize> {
    let found = adapter.sends.live.lock().take(nbl);
    let known = verify::check("D-03", found.is_some(), || {
        call.text(&format!(
            "{} is not with the miniport: completed twice, or never sent",
            guest::describe(nbl)
        ))
    });
    let sent = found.filter(|_| known)?;
    let next: usize = guest::read(nbl + NBL_NEXT);
    let status: i32 = guest::read(nbl + NBL_STATUS);
    check_status(call, adapter, status);
    for nb in &sent.built.nbs {
        verify::check("G-27", !sg::is_mapped(*nb), || {
            call.text(&format!("the SG list of net buffer {nb:#x} is not freed"))
        });
    }
    sent.built.check_unchanged();
    let frames = sent.built.frames;
    counters::credit(|context| &context.nbls_completed, 1);
    let counter = if status == NDIS_STATUS_SUCCESS {
        &adapter.sends.frames_ok
    } else {
        &adapter.sends.frames_failed
    };
    counter.fetch_add(frames, Ordering::Relaxed);
    if sent.after == After::Remember {
        adapter.sends.results.lock().insert(nbl, status);
    }
    if let After::Again(again) = sent.after {
        adapter.sends.again[again.lane % LANES]
            .lock()
            .push_back(sent);
    } else if DICE.chance(3) || !sent.slot.is_usual() {
        // D-02: whoever still looks at it faults.
        drop(sent.slot);
    } else {
        adapter.sends.free.lock().push_back(sent.slot);
    }
    Some(next)
}

/// D-08.
fn check_status(call: &Call, adapter: &Adapter, status: i32) {
    let state = adapter.state();
    let legal = match status {
        NDIS_STATUS_SUCCESS
        | NDIS_STATUS_INVALID_LENGTH
        | NDIS_STATUS_RESOURCES
        | NDIS_STATUS_SEND_ABORTED
        | NDIS_STATUS_RESET_IN_PROGRESS
        | NDIS_STATUS_REQUEST_ABORTED
        | NDIS_STATUS_LOW_POWER_STATE
        | NDIS_STATUS_NOT_ACCEPTED
        | NDIS_STATUS_FAILURE => true,
        NDIS_STATUS_PAUSED => state != State::Running,
        // Other error codes tell the protocol the same: not sent.
        other => other < 0,
    };
    verify::check("D-08", legal, || {
        call.text(&format!(
            "an NBL has status {status:#010x} in the state {state:?}"
        ))
    });
}
