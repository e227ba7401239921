// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS poll (6.85): poll objects, their two callbacks, the limits, and what a driver may do when.
//!
//! The project's contract notes have no section on it; the rules NP-01 to NP-08 are this host's own reading of the public
//! pages on NdisPoll, NdisSetPollNotification and the functions of poll.h. A request starts a round: "notification off",
//! polls while there is progress, "notification on", perhaps one poll more. A round runs as a DPC or, as the pages
//! allow, at PASSIVE_LEVEL; the callbacks of one object never run at the same time.

use super::{
    adapter::{self, Adapter, State},
    dice::DICE,
    guesses, header,
    instant::{self, Instant},
    interrupt::{
        Interrupt,
        dpc::throw_limit,
        steer::{STEER, is},
    },
    receive, send,
};
use crate::{
    exports,
    exports::{Call, nt::worker},
    field,
    guest::{self, Block, Ptr},
    ledger::{self, Kind, Scope},
    machine::{cpu, dpc, irql, lock::IrqSpin, thread, time},
    verify::{self, Handler, cost},
};
use ::ndis::ffi::*;
use alloc::{
    boxed::Box,
    format,
    string::String,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The functions of the poll model: before NDIS 6.85 there are none.
pub const NAMES: [&str; 4] = [
    "NdisRegisterPoll",
    "NdisDeregisterPoll",
    "NdisRequestPoll",
    "NdisSetPollAffinity",
];
/// The minor version that brought them.
pub const SINCE_MINOR: u8 = 85;

/// Polls of one round before others get the CPU.
const TURN: u32 = 16;
/// Requests or interrupts that may have been on their way when notification went off.
const ON_THEIR_WAY: u64 = 3;
/// Polls of a round that a case keeps apart.
const DWELLS: u64 = 12;
/// Rounds in a row without any progress, after which they count as endless.
const FRUITLESS: u64 = 20_000;
/// Longest poll, as for a DPC: this CPU is slow and shared.
const LIMIT_NS: u64 = 5_000_000_000;
/// How long deregistration waits for a round to end.
const DRAIN_LIMIT_NS: u64 = 10_000_000_000;
/// NBLs of one chain at most, before it counts as a loop.
const MAX_CHAIN: usize = 4096;
/// What Flags of receive data may have.
const RECEIVE_FLAGS: u32 = NDIS_RECEIVE_FLAGS_SINGLE_ETHER_TYPE
    | NDIS_RECEIVE_FLAGS_SINGLE_VLAN
    | NDIS_RECEIVE_FLAGS_PERFECT_FILTERED
    | NDIS_RECEIVE_FLAGS_SINGLE_QUEUE
    | NDIS_RECEIVE_FLAGS_SHARED_MEMORY_INFO_VALID;
const NO_CPU: usize = usize::MAX;
const NO_MESSAGE: usize = usize::MAX;

/// For texts about what came through a poll.
static VIA_POLL: exports::Export = exports::Export {
    image: "ndis.sys",
    name: "NdisPoll",
    level: exports::Level::Any,
    supported: false,
    address: || 0,
};

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
struct Phase {
    /// A round is due or running.
    due: bool,
    /// Somebody has asked since notification went on.
    again: bool,
    /// Notification is on: interrupts may come and requests are welcome.
    notified: bool,
}

/// One poll object.
pub struct Poll {
    handle: u64,
    adapter: Weak<Adapter>,
    context: u64,
    poll: usize,
    notification: usize,
    phase: IrqSpin<Phase>,
    /// Requests while notification was off.
    unasked: AtomicU64,
    /// Rounds in a row without progress.
    fruitless: AtomicU64,
    /// Polls of this round that were kept apart.
    dwelt: AtomicU64,
    /// The limit has cut this round short.
    throttled: AtomicBool,
    /// The processor of NdisSetPollAffinity.
    affinity: AtomicUsize,
    /// The message whose ISR asked last.
    message: AtomicUsize,
    /// Its interrupts when notification went off.
    claimed: AtomicU64,
    /// Rounds queued and not finished.
    busy: AtomicU64,
    closed: AtomicBool,
    data: Block,
    word: Block,
}

/// What one poll brought.
#[derive(Clone, Copy, Debug)]
struct Pass {
    progress: bool,
    remaining: bool,
}

static LIVE: IrqSpin<Vec<Arc<Poll>>> = IrqSpin::new(Vec::new());
/// Polls made in this run.
static PASSES: AtomicU64 = AtomicU64::new(0);

/// Polls made in this run.
pub fn passes() -> u64 {
    PASSES.load(Ordering::Relaxed)
}

/// Rounds that are due or running.
pub fn busy() -> u64 {
    let objects = LIVE.lock().clone();
    objects.iter().map(|p| p.busy.load(Ordering::Acquire)).sum()
}

/// Live objects: the processor that each is bound to, if any.
pub fn objects() -> Vec<Option<usize>> {
    let objects = LIVE.lock().clone();
    let bound = |p: &Arc<Poll>| p.affinity.load(Ordering::Relaxed);
    objects
        .iter()
        .map(|p| Some(bound(p)).filter(|cpu| *cpu != NO_CPU))
        .collect()
}

/// Has every object polled once more, as NDIS may without a request.
pub fn rounds() {
    let objects = LIVE.lock().clone();
    for object in &objects {
        request(object);
    }
}

/// Whether a name is there at `minor`.
pub fn offered(name: &str, minor: u8) -> bool {
    minor >= SINCE_MINOR || !NAMES.contains(&name)
}

fn find(handle: u64) -> Option<Arc<Poll>> {
    LIVE.lock().iter().find(|p| p.handle == handle).cloned()
}

exports! {
    "ndis.sys";

    /// Makes a poll object.
    [Passive] fn NdisRegisterPoll(
        call, handle: u64, context: u64,
        characteristics: Ptr<NDIS_POLL_CHARACTERISTICS>, out: Ptr<u64>,
    ) -> i32 {
        match adapter::expect(call, handle) {
            Some(adapter) => register(call, &adapter, context, characteristics, out),
            None => NDIS_STATUS_INVALID_PARAMETER,
        }
    }

    /// Ends it; returns when its callbacks run no more.
    [Passive] fn NdisDeregisterPoll(call, handle: u64) {
        call.require_thread();
        let found = find(handle);
        let known = ledger::remove(Kind::Poll, handle).is_some();
        verify::check("NP-02", known, || {
            call.text(&format!("{handle:#x} is no poll object, or deregistered twice"))
        });
        let (Some(poll), true) = (found, known) else { return };
        let state = poll.adapter.upgrade().map(|a| a.state());
        let allowed = matches!(state, Some(State::Initializing | State::Halting));
        verify::check("NP-02", allowed, || call.text(&format!("called in the state {state:?}")));
        close(&poll);
    }

    /// Asks for a round of polls.
    [Any] fn NdisRequestPoll(call, handle: u64, reserved: u64) {
        let found = find(handle).filter(|p| !p.closed.load(Ordering::Acquire));
        verify::check("NP-03", found.is_some(), || {
            call.text(&format!("{handle:#x} is no registered poll object"))
        });
        verify::check("V-28", reserved == 0, || call.text(&format!("Reserved is {reserved:#x}")));
        if let Some(poll) = found {
            request(&poll);
        }
    }

    /// Polls on that processor from now on, or from the next round.
    [Dispatch] fn NdisSetPollAffinity(call, handle: u64, processor: Ptr<PROCESSOR_NUMBER>) {
        let found = find(handle);
        verify::check("NP-03", found.is_some(), || {
            call.text(&format!("{handle:#x} is no registered poll object"))
        });
        let p = processor.read();
        let number = usize::from(p.Number);
        let good = p.Group == 0 && number < cpu::count() && p.Reserved == 0;
        verify::check("NP-08", good, || {
            call.text(&format!("group {}, processor {number}, Reserved {}", p.Group, p.Reserved))
        });
        if let (Some(poll), true) = (found, good) {
            poll.affinity.store(number, Ordering::Relaxed);
        }
    }
}

fn register(
    call: &Call,
    adapter: &Arc<Adapter>,
    context: u64,
    p: Ptr<NDIS_POLL_CHARACTERISTICS>,
    out: Ptr<u64>,
) -> i32 {
    let sizes = [size_of::<NDIS_POLL_CHARACTERISTICS>()];
    let head = field!(p, Header);
    if header::check("NP-01", call.name(), head, NDIS_OBJECT_TYPE_DEFAULT, &sizes).is_none() {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    let seen = p.read();
    let poll = super::handlers::address!(seen.PollHandler);
    let notification = super::handlers::address!(seen.SetPollNotificationHandler);
    let state = adapter.state();
    let good = verify::check("NP-01", poll != 0 && notification != 0, || {
        call.text("a handler is NULL")
    }) && verify::check("NP-01", state == State::Initializing, || {
        call.text(&format!("called in the state {state:?}"))
    });
    if !good {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    let (Some(data), Some(word)) = (
        Block::new(size_of::<NDIS_POLL_DATA>(), 8, true),
        Block::new(size_of::<NDIS_POLL_NOTIFICATION>(), 2, true),
    ) else {
        return NDIS_STATUS_RESOURCES;
    };
    let handle = adapter::opaque_handle("a poll handle");
    let object = Arc::new(Poll {
        handle,
        adapter: Arc::downgrade(adapter),
        context,
        poll,
        notification,
        phase: IrqSpin::new(Phase {
            due: false,
            again: false,
            notified: true,
        }),
        unasked: AtomicU64::new(0),
        fruitless: AtomicU64::new(0),
        dwelt: AtomicU64::new(0),
        throttled: AtomicBool::new(false),
        affinity: AtomicUsize::new(NO_CPU),
        message: AtomicUsize::new(NO_MESSAGE),
        claimed: AtomicU64::new(0),
        busy: AtomicU64::new(0),
        closed: AtomicBool::new(false),
        data,
        word,
    });
    ledger::add(Kind::Poll, handle, 0, Scope::Adapter, call.rip);
    LIVE.lock().push(object.clone());
    // As at an interrupt's registration: the first round may come before the driver has the handle.
    let early = guesses::POLL_AT_REGISTRATION && DICE.chance(50);
    if early && DICE.chance(50) {
        request(&object);
    }
    out.write(handle);
    if early {
        request(&object);
    }
    NDIS_STATUS_SUCCESS
}

/// No callback runs after this.
fn close(poll: &Arc<Poll>) {
    poll.closed.store(true, Ordering::Release);
    let deadline = time::now_ns() + DRAIN_LIMIT_NS;
    let drained = thread::wait_until(Some(deadline), &|| poll.busy.load(Ordering::Acquire) == 0);
    if !drained {
        verify::end("NdisDeregisterPoll cannot end");
    }
    LIVE.lock().retain(|p| p.handle != poll.handle);
}

/// Ends the objects of a halted adapter that its driver has left registered; they stay in the ledger.
pub fn abandon(adapter: &Adapter) {
    let left: Vec<_> = LIVE
        .lock()
        .iter()
        .filter(|p| {
            p.adapter
                .upgrade()
                .is_some_and(|a| a.handle == adapter.handle)
        })
        .cloned()
        .collect();
    for poll in &left {
        close(poll);
    }
}

/// A request, of the driver or of NDIS itself. Any IRQL.
fn request(poll: &Arc<Poll>) {
    let asker = verify::current().filter(|c| c.handler.is_isr());
    if let Some(context) = asker {
        let message = context.object as usize;
        if poll.message.swap(message, Ordering::Relaxed) != message {
            // The round that may be under way began before its interrupts could be counted.
            poll.claimed.store(interrupts(poll), Ordering::Release);
        }
    }
    let (start, off) = {
        let mut phase = poll.phase.lock();
        let start = !phase.due;
        phase.due = true;
        phase.again |= !start;
        (start, !phase.notified)
    };
    if off {
        // NP-04: the round goes on by itself.
        let unasked = poll.unasked.fetch_add(1, Ordering::AcqRel) + 1;
        verify::check(
            "NP-04",
            unasked <= ON_THEIR_WAY || !is(&STEER.quiet),
            || format!("{unasked} requests while notification was off"),
        );
    }
    if start {
        poll.busy.fetch_add(1, Ordering::AcqRel);
        schedule(poll, false);
    }
}

/// Has a round begin or go on, at DISPATCH_LEVEL or in a thread. Any IRQL.
fn schedule(poll: &Arc<Poll>, resumed: bool) {
    let affinity = poll.affinity.load(Ordering::Relaxed);
    let owner = poll.clone();
    let work = move || round(&owner, resumed);
    if affinity == NO_CPU && !resumed && DICE.chance(25) {
        worker::queue(Box::new(work));
        return;
    }
    let target = if affinity < cpu::count() {
        affinity
    } else {
        cpu::id()
    };
    dpc::queue(target, Box::new(work));
}

/// A round, or what is left of one.
fn round(poll: &Arc<Poll>, mut resumed: bool) {
    let mut turn = 0;
    loop {
        if !resumed {
            poll.phase.lock().notified = false;
            poll.unasked.store(0, Ordering::Release);
            poll.dwelt.store(0, Ordering::Release);
            if !notify(poll, false) {
                break;
            }
            // Until the driver has answered, notification is on. A busy machine may hold the processor up meanwhile.
            poll.claimed.store(interrupts(poll), Ordering::Release);
        }
        resumed = false;
        let mut worked = false;
        loop {
            if poll.closed.load(Ordering::Acquire) {
                break;
            }
            if turn == TURN && irql::current() == irql::DISPATCH {
                // Still the same round: busy, and notification off.
                schedule(poll, true);
                return;
            }
            turn += 1;
            let pass = one(poll);
            worked |= pass.progress;
            let pause = STEER.dwell_ns.load(Ordering::Relaxed);
            if pause != 0 && poll.dwelt.fetch_add(1, Ordering::AcqRel) < DWELLS {
                let (owner, target) = (poll.clone(), cpu::id());
                let go_on = Box::new(move || {
                    dpc::queue(target, Box::new(move || round(&owner, true)));
                });
                time::call_at(time::now_ns() + pause, target, go_on);
                return;
            }
            // Without progress NDIS stops, whatever the driver says is left; perhaps not at once.
            if !(pass.progress || pass.remaining && DICE.chance(50)) {
                break;
            }
        }
        check_silence(poll);
        {
            let mut phase = poll.phase.lock();
            phase.notified = true;
            phase.again = false;
        }
        if !notify(poll, true) {
            break;
        }
        if guesses::POLL_AFTER_NOTIFICATION
            && DICE.chance(30)
            && !poll.closed.load(Ordering::Acquire)
        {
            worked |= one(poll).progress;
        }
        check_fruit(poll, worked);
        let mut phase = poll.phase.lock();
        if !phase.again {
            phase.due = false;
            break;
        }
        phase.again = false;
    }
    poll.busy.fetch_sub(1, Ordering::AcqRel);
    thread::wake();
}

/// The interrupt that the object's requests come from, and its counters.
fn of_message<R>(poll: &Poll, look: impl FnOnce(&Interrupt, usize) -> R) -> Option<R> {
    let message = poll.message.load(Ordering::Relaxed);
    let interrupt = poll.adapter.upgrade()?.interrupts.lock().first().cloned()?;
    (message < interrupt.counts.len()).then(|| look(&interrupt, message))
}

fn interrupts(poll: &Poll) -> u64 {
    of_message(poll, |i, message| {
        i.counts[message].arrived.load(Ordering::Relaxed)
    })
    .unwrap_or(0)
}

/// NP-05: between "notification off" and "on" the object's message does not interrupt.
fn check_silence(poll: &Poll) {
    let came = interrupts(poll).saturating_sub(poll.claimed.load(Ordering::Acquire));
    verify::check_of(
        Handler::Poll,
        "NP-05",
        came <= ON_THEIR_WAY || !is(&STEER.quiet),
        || format!("{came} interrupts while notification was off"),
    );
}

/// NP-07.
fn check_fruit(poll: &Poll, worked: bool) {
    if worked {
        poll.fruitless.store(0, Ordering::Relaxed);
    } else if poll.fruitless.fetch_add(1, Ordering::Relaxed) > FRUITLESS {
        verify::stop_of(
            Handler::Poll,
            "NP-07",
            format!("{FRUITLESS} rounds in a row were asked for and brought nothing"),
        );
    }
}

/// Calls NdisSetPollNotification; false when the object is closed.
fn notify(poll: &Arc<Poll>, on: bool) -> bool {
    if poll.closed.load(Ordering::Acquire) {
        return false;
    }
    let p: Ptr<NDIS_POLL_NOTIFICATION> = poll.word.ptr();
    field!(p, Header).write(header::make(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_POLL_NOTIFICATION_REVISION_1,
        usize::from(NDIS_SIZEOF_NDIS_POLL_NOTIFICATION_REVISION_1),
    ));
    field!(p, Enabled).write(u8::from(on));
    let arguments = [poll.context, p.addr() as u64];
    verify::call_with(
        Handler::SetPollNotification,
        poll.message.load(Ordering::Relaxed) as u64,
        poll.notification,
        &arguments,
        |context| {
            let throttled = on && poll.throttled.swap(false, Ordering::Relaxed);
            context.throttled.store(throttled, Ordering::Relaxed);
            charge(poll, context);
        },
    );
    instant::reached(Instant::DpcEnd(poll.message.load(Ordering::Relaxed)));
    true
}

/// Register accesses of the call are those of the message's DPC.
fn charge(poll: &Poll, context: &verify::Context) {
    of_message(poll, |i, message| {
        let add = |to: &AtomicU64, from: &AtomicU64| {
            to.fetch_add(from.load(Ordering::Relaxed), Ordering::Relaxed);
        };
        let counts = &i.counts[message];
        add(&counts.dpc_reads, &context.mmio_reads);
        add(&counts.dpc_writes, &context.mmio_writes);
        counts
            .dpc_ns_max
            .fetch_max(context.elapsed_ns(), Ordering::Relaxed);
    });
}

/// One call of NdisPoll, its checks, and NDIS' part of the work.
fn one(poll: &Arc<Poll>) -> Pass {
    PASSES.fetch_add(1, Ordering::Relaxed);
    let p: Ptr<NDIS_POLL_DATA> = poll.data.ptr();
    guest::fill(p.addr(), size_of::<NDIS_POLL_DATA>(), 0);
    let head = header::make(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_POLL_DATA_REVISION_1,
        usize::from(NDIS_SIZEOF_NDIS_POLL_DATA_REVISION_1),
    );
    field!(p, Header).write(head);
    let (receive_limit, transmit_limit) = (throw_limit(), throw_limit());
    field!(p, Receive.MaxNblsToIndicate).write(receive_limit);
    field!(p, Transmit.MaxNblsToComplete).write(transmit_limit);
    let arguments = [poll.context, p.addr() as u64];
    let (_, (indicated, completed)) = verify::call_with(
        Handler::Poll,
        poll.message.load(Ordering::Relaxed) as u64,
        poll.poll,
        &arguments,
        |context| {
            let elapsed = context.elapsed_ns();
            verify::check("X-47", elapsed < LIMIT_NS, || {
                format!("one poll took {} ms", elapsed / 1_000_000)
            });
            charge(poll, context);
            let full = field!(p, Receive.NumberOfIndicatedNbls).read() >= receive_limit
                && field!(p, Receive.NumberOfRemainingNbls).read() != 0;
            if full && !poll.throttled.swap(true, Ordering::Relaxed) {
                cost::throttled();
            }
            let throttled = poll.throttled.load(Ordering::Relaxed);
            context.throttled.store(throttled, Ordering::Relaxed);
            (
                context.nbls_indicated.load(Ordering::Relaxed),
                context.nbls_completed.load(Ordering::Relaxed),
            )
        },
    );
    let seen = p.read();
    let receive = &seen.Receive;
    let transmit = &seen.Transmit;
    let same = seen.Header.Type == head.Type
        && seen.Header.Revision == head.Revision
        && seen.Header.Size == head.Size
        && receive.MaxNblsToIndicate == receive_limit
        && transmit.MaxNblsToComplete == transmit_limit;
    let zero = receive.Reserved1 == [0; 3]
        && transmit.Reserved1 == [0; 3]
        && receive.Reserved2 == 0
        && transmit.Reserved2 == 0
        && receive.Reserved3.iter().all(|p| p.is_null())
        && transmit.Reserved3.iter().all(|p| p.is_null());
    breach(same && zero, || {
        String::from("what NDIS had put into NDIS_POLL_DATA was changed")
    });
    breach(receive.Flags & !RECEIVE_FLAGS == 0, || {
        format!("Receive.Flags {:#x}", receive.Flags)
    });
    let up = chain(
        "IndicatedNblChain",
        receive.IndicatedNblChain as usize,
        receive.NumberOfIndicatedNbls,
    );
    let back = chain(
        "CompletedNblChain",
        transmit.CompletedNblChain as usize,
        transmit.NumberOfCompletedNbls,
    );
    let (frames, sends) = (up + indicated, back + completed);
    breach(frames <= u64::from(receive_limit), || {
        format!("{frames} NBLs were indicated in one poll, the limit was {receive_limit}")
    });
    breach(sends <= u64::from(transmit_limit) || back == 0, || {
        format!("{sends} NBLs were completed in one poll, the limit was {transmit_limit}")
    });
    if let Some(adapter) = poll.adapter.upgrade() {
        let object = poll.message.load(Ordering::Relaxed) as u64;
        verify::on_behalf_of(Handler::Poll, object, || take(&adapter, &seen, up, back));
    }
    if receive_limit == NDIS_INDICATE_ALL_NBLS {
        STEER.longest.fetch_max(frames, Ordering::Relaxed);
    }
    count(poll, frames, sends);
    Pass {
        progress: frames + sends != 0,
        remaining: receive.NumberOfRemainingNbls | transmit.NumberOfRemainingNbls != 0,
    }
}

/// NDIS' part of a poll: `up` NBLs are indicated, `back` are completed.
fn take(adapter: &Arc<Adapter>, seen: &NDIS_POLL_DATA, up: u64, back: u64) {
    let call = Call::about(&VIA_POLL);
    if up != 0 {
        instant::reached(Instant::Import("NdisMIndicateReceiveNetBufferLists"));
        let chain = Ptr::new(seen.Receive.IndicatedNblChain as usize);
        receive::indicate(&call, adapter, chain, 0, up as u32, seen.Receive.Flags);
    }
    if back != 0 {
        send::complete_chain(&call, adapter, seen.Transmit.CompletedNblChain as usize);
    }
}

fn breach(ok: bool, what: impl FnOnce() -> String) {
    verify::check_of(Handler::Poll, "NP-06", ok, what);
}

/// NBLs of a chain that a poll left; they must be as many as it says, or ANY.
fn chain(what: &str, first: usize, said: u32) -> u64 {
    let mut count = 0;
    let mut at = first;
    while at != 0 && count < MAX_CHAIN {
        count += 1;
        at = guest::read(at + super::nbl::NBL_NEXT);
    }
    let counted = said == NDIS_ANY_NUMBER_OF_NBLS && count != 0;
    breach(at == 0 && (counted || count == said as usize), || {
        format!("{what} has {count} NBLs, the driver says {said}")
    });
    count as u64
}

/// A poll counts as a DPC of its message.
fn count(poll: &Poll, frames: u64, sends: u64) {
    of_message(poll, |i, message| {
        let counts = &i.counts[message];
        counts.dpc.fetch_add(1, Ordering::Relaxed);
        counts.cpus.fetch_or(1 << cpu::id(), Ordering::Relaxed);
        counts.indicated.fetch_add(frames, Ordering::Relaxed);
        counts.completed.fetch_add(sends, Ordering::Relaxed);
        if frames + sends == 0 {
            counts.empty_dpc.fetch_add(1, Ordering::Relaxed);
        }
    });
}
