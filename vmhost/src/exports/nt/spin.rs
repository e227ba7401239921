// SPDX-License-Identifier: MIT OR Apache-2.0
//! Spin locks: the words in the driver's memory, and the ledger of who holds them. At most
//! DISPATCH_LEVEL.

use alloc::format;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ndis::ffi::*;

use crate::{
    exports,
    exports::Call,
    field,
    guest::{self, Ptr},
    machine::{irql, time},
    verify::{
        self,
        locks::{self, LockKind},
    },
};

/// Longest wait for a lock before the run is ended: its owner is lost.
const PATIENCE_NS: u64 = 20_000_000_000;

/// The upper bit of a reader/writer lock word: held exclusively.
const EXCLUSIVE: u32 = 1 << 31;

fn word64<'a>(call: &Call, address: usize) -> &'a AtomicU64 {
    verify::check("V-28", address.is_multiple_of(8), || {
        call.text(&format!("lock {address:#x} is not aligned"))
    });
    guest::require(address & !7, 8, true);
    // SAFETY: mapped, writable and aligned; the driver touches a lock word through these
    // functions only, which use atomic accesses.
    unsafe { AtomicU64::from_ptr((address & !7) as *mut u64) }
}

fn word32<'a>(call: &Call, address: usize) -> &'a AtomicU32 {
    verify::check("V-28", address.is_multiple_of(4), || {
        call.text(&format!("lock {address:#x} is not aligned"))
    });
    guest::require(address & !3, 4, true);
    // SAFETY: as in `word64`.
    unsafe { AtomicU32::from_ptr((address & !3) as *mut u32) }
}

/// Spins until `attempt` succeeds; ends the run when that never happens.
fn spin(call: &Call, address: usize, mut attempt: impl FnMut() -> bool) {
    let start = time::now_ns();
    let mut rounds = 0u32;
    while !attempt() {
        rounds = rounds.wrapping_add(1);
        if rounds.is_multiple_of(4096) && time::now_ns() - start > PATIENCE_NS {
            verify::stop(
                "V-06",
                call.text(&format!(
                    "waiting for lock {address:#x} for {} s: deadlock",
                    PATIENCE_NS / 1_000_000_000
                )),
            );
        }
        core::hint::spin_loop();
    }
}

/// Raises to DISPATCH_LEVEL if below; returns the IRQL before.
pub fn raise_to_dispatch() -> irql::Irql {
    let now = irql::current();
    if now < irql::DISPATCH {
        irql::raise(irql::DISPATCH)
    } else {
        now
    }
}

/// Lowers to the IRQL that an acquisition saved.
pub fn lower_to(call: &Call, new: irql::Irql) {
    let now = irql::current();
    if verify::check("V-28", new <= now, || {
        call.text(&format!("IRQL is to be lowered from {now} to {new}"))
    }) && new < now
    {
        irql::lower(new);
    }
}

fn acquire(call: &Call, address: usize, kind: LockKind, old: irql::Irql) {
    let word = word64(call, address);
    locks::before_acquire(address as u64, kind, call.rip);
    spin(call, address, || {
        word.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    });
    locks::acquired(address as u64, kind, old, call.rip);
}

fn release(call: &Call, address: usize) -> Option<locks::Held> {
    let word = word64(call, address);
    let held = locks::release(address as u64, call.name());
    word.store(0, Ordering::Release);
    held
}

/// Takes a reader/writer lock word exclusively.
pub fn acquire_exclusive(call: &Call, address: usize, old: irql::Irql) {
    let word = word32(call, address);
    locks::before_acquire(address as u64, LockKind::Exclusive, call.rip);
    spin(call, address, || {
        word.compare_exchange_weak(0, EXCLUSIVE, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    });
    locks::acquired(address as u64, LockKind::Exclusive, old, call.rip);
}

/// Takes a reader/writer lock word shared.
pub fn acquire_shared(call: &Call, address: usize, old: irql::Irql) {
    let word = word32(call, address);
    locks::before_acquire(address as u64, LockKind::Shared, call.rip);
    spin(call, address, || {
        let now = word.load(Ordering::Relaxed);
        now & EXCLUSIVE == 0
            && word
                .compare_exchange_weak(now, now + 1, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    });
    locks::acquired(address as u64, LockKind::Shared, old, call.rip);
}

/// Gives a reader/writer lock word back.
pub fn release_exclusive(call: &Call, address: usize) -> Option<locks::Held> {
    let held = locks::release(address as u64, call.name());
    word32(call, address).fetch_and(!EXCLUSIVE, Ordering::Release);
    held
}

/// Gives a reader/writer lock word back.
pub fn release_shared(call: &Call, address: usize) -> Option<locks::Held> {
    let held = locks::release(address as u64, call.name());
    let word = word32(call, address);
    if held.is_some() {
        word.fetch_sub(1, Ordering::Release);
    }
    held
}

fn saved_irql(call: &Call, held: Option<locks::Held>, new: irql::Irql) {
    if let Some(held) = held {
        // K-02: the caller gives back what the acquisition returned.
        verify::check("K-02", held.old_irql == new, || {
            call.text(&format!(
                "NewIrql {new}, but the acquisition saved {}",
                held.old_irql
            ))
        });
    }
}

exports! {
    "ntoskrnl.exe";

    /// An unlocked spin lock.
    [Any] fn KeInitializeSpinLock(call, lock: usize) {
        locks::forget(lock as u64, 8, false);
        word64(call, lock).store(0, Ordering::Release);
    }
    /// Raises to DISPATCH_LEVEL and takes the lock; returns the IRQL before.
    [Dispatch] fn KeAcquireSpinLockRaiseToDpc(call, lock: usize) -> u8 {
        let old = raise_to_dispatch();
        acquire(call, lock, LockKind::Spin, old);
        old
    }
    /// Gives the lock back and lowers the IRQL.
    [AtDispatch] fn KeReleaseSpinLock(call, lock: usize, new: u8) {
        saved_irql(call, release(call, lock), new);
        lower_to(call, new);
    }
    /// Takes the lock at DISPATCH_LEVEL.
    [AtDispatch] fn KeAcquireSpinLockAtDpcLevel(call, lock: usize) {
        acquire(call, lock, LockKind::Spin, irql::current());
    }
    /// Gives the lock back at DISPATCH_LEVEL.
    [AtDispatch] fn KeReleaseSpinLockFromDpcLevel(call, lock: usize) { release(call, lock); }
    /// Takes the lock if it is free.
    [AtDispatch] fn KeTryToAcquireSpinLockAtDpcLevel(call, lock: usize) -> bool {
        let word = word64(call, lock);
        let taken = word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if taken {
            // A lock that is only tried cannot deadlock, so the order does not matter.
            locks::acquired(lock as u64, LockKind::Spin, irql::current(), call.rip);
        }
        taken
    }
    /// True when the lock is free.
    [Any] fn KeTestSpinLock(call, lock: usize) -> bool { word64(call, lock).load(Ordering::Acquire) == 0 }

    /// Raises to DISPATCH_LEVEL and takes the lock with a queue handle.
    [Dispatch] fn KeAcquireInStackQueuedSpinLock(call, lock: usize, handle: Ptr<KLOCK_QUEUE_HANDLE>) {
        let old = raise_to_dispatch();
        acquire(call, lock, LockKind::Queued, old);
        field!(handle, LockQueue).write([0, lock as u64]);
        field!(handle, OldIrql).write(old);
    }
    /// Gives it back and lowers the IRQL.
    [AtDispatch] fn KeReleaseInStackQueuedSpinLock(call, handle: Ptr<KLOCK_QUEUE_HANDLE>) {
        let [_, lock] = field!(handle, LockQueue).read();
        release(call, lock as usize);
        lower_to(call, field!(handle, OldIrql).read());
    }
    /// Takes the lock with a queue handle at DISPATCH_LEVEL.
    [AtDispatch] fn KeAcquireInStackQueuedSpinLockAtDpcLevel(call, lock: usize, handle: Ptr<KLOCK_QUEUE_HANDLE>) {
        acquire(call, lock, LockKind::Queued, irql::current());
        field!(handle, LockQueue).write([0, lock as u64]);
    }
    /// Gives it back at DISPATCH_LEVEL.
    [AtDispatch] fn KeReleaseInStackQueuedSpinLockFromDpcLevel(call, handle: Ptr<KLOCK_QUEUE_HANDLE>) {
        let [_, lock] = field!(handle, LockQueue).read();
        release(call, lock as usize);
    }

    /// Takes a reader/writer spin lock shared.
    [Dispatch] fn ExAcquireSpinLockShared(call, lock: usize) -> u8 {
        let old = raise_to_dispatch();
        acquire_shared(call, lock, old);
        old
    }
    /// Gives it back and lowers the IRQL.
    [AtDispatch] fn ExReleaseSpinLockShared(call, lock: usize, old: u8) {
        saved_irql(call, release_shared(call, lock), old);
        lower_to(call, old);
    }
    /// Takes it exclusively.
    [Dispatch] fn ExAcquireSpinLockExclusive(call, lock: usize) -> u8 {
        let old = raise_to_dispatch();
        acquire_exclusive(call, lock, old);
        old
    }
    /// Gives it back and lowers the IRQL.
    [AtDispatch] fn ExReleaseSpinLockExclusive(call, lock: usize, old: u8) {
        saved_irql(call, release_exclusive(call, lock), old);
        lower_to(call, old);
    }
    /// Shared, at DISPATCH_LEVEL.
    [AtDispatch] fn ExAcquireSpinLockSharedAtDpcLevel(call, lock: usize) { acquire_shared(call, lock, irql::current()) }
    /// Shared, from DISPATCH_LEVEL.
    [AtDispatch] fn ExReleaseSpinLockSharedFromDpcLevel(call, lock: usize) { release_shared(call, lock); }
    /// Exclusive, at DISPATCH_LEVEL.
    [AtDispatch] fn ExAcquireSpinLockExclusiveAtDpcLevel(call, lock: usize) { acquire_exclusive(call, lock, irql::current()) }
    /// Exclusive, from DISPATCH_LEVEL.
    [AtDispatch] fn ExReleaseSpinLockExclusiveFromDpcLevel(call, lock: usize) { release_exclusive(call, lock); }

    /// The IRQL.
    [Any] fn KeGetCurrentIrql(_call) -> u8 { irql::current() }
    /// Raises the IRQL.
    [Any] fn KfRaiseIrql(call, new: u8) -> u8 {
        let old = irql::current();
        if verify::check("V-28", new >= old && new <= irql::HIGH, || call.text(&format!("IRQL is to be raised from {old} to {new}"))) {
            irql::raise(new);
        }
        old
    }
    /// Raises to DISPATCH_LEVEL.
    [Dispatch] fn KeRaiseIrqlToDpcLevel(_call) -> u8 { raise_to_dispatch() }
    /// Lowers the IRQL.
    [Any] fn KeLowerIrql(call, new: u8) { lower_to(call, new) }
    /// Lowers the IRQL.
    [Any] fn KfLowerIrql(call, new: u8) { lower_to(call, new) }
    /// Another name for the spin lock functions that older libraries import.
    [Dispatch] fn KfAcquireSpinLock(call, lock: usize) -> u8 { KeAcquireSpinLockRaiseToDpc::body(call, lock) }
    /// See `KfAcquireSpinLock`.
    [AtDispatch] fn KfReleaseSpinLock(call, lock: usize, new: u8) { KeReleaseSpinLock::body(call, lock, new) }

    /// Links an entry at the head, under a lock; returns the former first entry.
    [Any] fn ExInterlockedInsertHeadList(call, head: Ptr<LIST_ENTRY>, entry: Ptr<LIST_ENTRY>, lock: usize) -> usize {
        locked(call, lock, || {
            let first = field!(head, Flink).read();
            link(head, entry, Ptr::new(first as usize));
            if first as usize == head.addr() { 0 } else { first as usize }
        })
    }
    /// Links an entry at the tail, under a lock; returns the former last entry.
    [Any] fn ExInterlockedInsertTailList(call, head: Ptr<LIST_ENTRY>, entry: Ptr<LIST_ENTRY>, lock: usize) -> usize {
        locked(call, lock, || {
            let last = field!(head, Blink).read();
            link(Ptr::new(last as usize), entry, head);
            if last as usize == head.addr() { 0 } else { last as usize }
        })
    }
    /// Unlinks the first entry, under a lock; NULL when the list is empty.
    [Any] fn ExInterlockedRemoveHeadList(call, head: Ptr<LIST_ENTRY>, lock: usize) -> usize {
        locked(call, lock, || {
            let first: Ptr<LIST_ENTRY> = Ptr::new(field!(head, Flink).read() as usize);
            if first == head {
                return 0;
            }
            let next = field!(first, Flink).read();
            field!(head, Flink).write(next);
            field!(Ptr::<LIST_ENTRY>::new(next as usize), Blink).write(head.raw());
            first.addr()
        })
    }
    /// Pushes onto a singly linked list, under a lock; returns the former first entry.
    [Any] fn ExInterlockedPushEntryList(call, head: Ptr<SINGLE_LIST_ENTRY>, entry: Ptr<SINGLE_LIST_ENTRY>, lock: usize) -> usize {
        locked(call, lock, || {
            let first = field!(head, Next).read();
            field!(entry, Next).write(first);
            field!(head, Next).write(entry.raw());
            first as usize
        })
    }
    /// Pops from a singly linked list, under a lock; NULL when it is empty.
    [Any] fn ExInterlockedPopEntryList(call, head: Ptr<SINGLE_LIST_ENTRY>, lock: usize) -> usize {
        locked(call, lock, || {
            let first = field!(head, Next).read();
            if !first.is_null() {
                field!(head, Next).write(field!(Ptr::<SINGLE_LIST_ENTRY>::new(first as usize), Next).read());
            }
            first as usize
        })
    }
    /// Adds to a 32-bit value, under a lock; returns the value before.
    [Any] fn ExInterlockedAddUlong(call, addend: Ptr<u32>, increment: u32, lock: usize) -> u32 {
        locked(call, lock, || {
            let old = addend.read();
            addend.write(old.wrapping_add(increment));
            old
        })
    }
    /// Adds to a 64-bit value, under a lock; returns the value before.
    [Any] fn ExInterlockedAddLargeInteger(call, addend: Ptr<u64>, increment: u64, lock: usize) -> u64 {
        locked(call, lock, || {
            let old = addend.read();
            addend.write(old.wrapping_add(increment));
            old
        })
    }
}

fn link(before: Ptr<LIST_ENTRY>, entry: Ptr<LIST_ENTRY>, after: Ptr<LIST_ENTRY>) {
    field!(entry, Flink).write(after.raw());
    field!(entry, Blink).write(before.raw());
    field!(before, Flink).write(entry.raw());
    field!(after, Blink).write(entry.raw());
}

/// Runs `work` under a lock word with interrupts off, as the interlocked list functions do; they
/// may be called at any IRQL, and their lock belongs to them alone.
fn locked<R>(call: &Call, lock: usize, work: impl FnOnce() -> R) -> R {
    let word = word64(call, lock);
    let old = irql::current();
    if old < irql::HIGH {
        irql::raise(irql::HIGH);
    }
    spin(call, lock, || {
        word.compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    });
    let answer = work();
    word.store(0, Ordering::Release);
    if old < irql::HIGH {
        irql::lower(old);
    }
    answer
}
