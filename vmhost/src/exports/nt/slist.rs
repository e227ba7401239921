// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interlocked singly linked lists. Any IRQL.
//!
//! The header is two words that are changed together: depth and sequence, and the first entry.

use core::arch::asm;

use ndis::ffi::*;

use crate::{
    exports,
    exports::Call,
    guest::{self, Ptr},
    verify,
};

/// The two words of a list header.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Header {
    low: u64,
    high: u64,
}

impl Header {
    fn depth(self) -> u16 {
        self.low as u16
    }

    fn first(self) -> usize {
        (self.high & !0xF) as usize
    }

    /// The header after a change: a new first entry, another depth, the next sequence number.
    fn next(self, first: usize, depth: u16) -> Self {
        Self {
            low: (((self.low >> 16) + 1) << 16) | u64::from(depth),
            high: (first as u64 & !0xF) | (self.high & 0xF) | 1,
        }
    }
}

/// Compares and swaps 16 bytes; returns what was there.
fn swap(head: Ptr<SLIST_HEADER>, expected: Header, new: Header) -> Header {
    let (mut low, mut high) = (expected.low, expected.high);
    // SAFETY: `head` was found mapped, writable and aligned; the instruction is atomic, so CPUs
    // and the driver's inline code may race with it. RBX is kept, as LLVM reserves it; named
    // registers keep the operands out of it.
    unsafe {
        asm!(
            "xchg rsi, rbx",
            "lock cmpxchg16b [rdi]",
            "mov rbx, rsi",
            in("rdi") head.addr(),
            inout("rsi") new.low => _,
            in("rcx") new.high,
            inout("rax") low,
            inout("rdx") high,
            options(nostack),
        );
    }
    Header { low, high }
}

fn change(call: &Call, head: Ptr<SLIST_HEADER>, f: impl Fn(Header) -> Option<Header>) -> Header {
    verify::check("V-28", head.addr().is_multiple_of(16), || {
        call.text("the list header is not 16-byte aligned")
    });
    guest::require(head.addr(), 16, true);
    let mut now = Header {
        low: guest::read(head.addr()),
        high: guest::read(head.addr() + 8),
    };
    loop {
        let Some(new) = f(now) else { return now };
        let seen = swap(head, now, new);
        if seen == now {
            return now;
        }
        now = seen;
    }
}

fn push(call: &Call, head: Ptr<SLIST_HEADER>, entry: usize) -> usize {
    verify::check("V-28", entry.is_multiple_of(16), || {
        call.text("the list entry is not 16-byte aligned")
    });
    guest::require(entry, 8, true);
    change(call, head, |now| {
        guest::write(entry, now.first() as u64);
        Some(now.next(entry, now.depth().wrapping_add(1)))
    })
    .first()
}

fn pop(call: &Call, head: Ptr<SLIST_HEADER>) -> usize {
    change(call, head, |now| {
        if now.first() == 0 {
            return None;
        }
        // Another CPU may have taken and freed this entry; the swap fails then.
        let next = Ptr::<u64>::new(now.first()).try_read().unwrap_or(0);
        Some(now.next(next as usize, now.depth().wrapping_sub(1)))
    })
    .first()
}

fn flush(call: &Call, head: Ptr<SLIST_HEADER>) -> usize {
    change(call, head, |now| (now.first() != 0).then(|| now.next(0, 0))).first()
}

exports! {
    "ntoskrnl.exe";

    /// An empty list.
    [Any] fn InitializeSListHead(call, head: Ptr<SLIST_HEADER>) {
        verify::check("V-28", head.addr().is_multiple_of(16), || call.text("the list header is not 16-byte aligned"));
        guest::write(head.addr(), 0u64);
        guest::write(head.addr() + 8, 1u64);
    }
    /// Links an entry first.
    [Any] fn ExpInterlockedPushEntrySList(call, head: Ptr<SLIST_HEADER>, entry: usize) -> usize { push(call, head, entry) }
    /// Unlinks the first entry.
    [Any] fn ExpInterlockedPopEntrySList(call, head: Ptr<SLIST_HEADER>) -> usize { pop(call, head) }
    /// Unlinks all entries.
    [Any] fn ExpInterlockedFlushSList(call, head: Ptr<SLIST_HEADER>) -> usize { flush(call, head) }
    /// Older name.
    [Any] fn ExInterlockedPushEntrySList(call, head: Ptr<SLIST_HEADER>, entry: usize, _lock: usize) -> usize { push(call, head, entry) }
    /// Older name.
    [Any] fn ExInterlockedPopEntrySList(call, head: Ptr<SLIST_HEADER>, _lock: usize) -> usize { pop(call, head) }
    /// Older name.
    [Any] fn ExInterlockedFlushSList(call, head: Ptr<SLIST_HEADER>) -> usize { flush(call, head) }
    /// Number of entries.
    [Any] fn ExQueryDepthSList(_call, head: Ptr<SLIST_HEADER>) -> u16 { guest::read(head.addr()) }
}
