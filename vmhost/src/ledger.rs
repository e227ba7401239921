// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger: every object that the host handed to the driver and that the driver must give
//! back (contract V-04). Any IRQL; no memory of the driver is touched here.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt;

use crate::{machine::lock::IrqSpin, verify};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is named after the object it stands for")]
pub enum Kind {
    Pool,
    ContiguousMemory,
    NonCachedMemory,
    Mdl,
    MdlMapping,
    LockedPages,
    NblPool,
    NbPool,
    Nbl,
    Nb,
    NblContext,
    RwLock,
    Timer,
    IoWorkItem,
    ConfigurationHandle,
    GenericObject,
    Lookaside,
    IoSpace,
    IoPortRange,
    SharedMemory,
    SgDma,
    SgList,
    Interrupt,
    Poll,
    MiniportDriver,
    Device,
    Etw,
    BugCheckCallback,
    Handle,
    ObjectReference,
    Thread,
    Callback,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Pool => "pool block",
            Self::ContiguousMemory => "contiguous memory",
            Self::NonCachedMemory => "non-cached memory",
            Self::Mdl => "MDL",
            Self::MdlMapping => "mapped MDL",
            Self::LockedPages => "locked pages",
            Self::NblPool => "NET_BUFFER_LIST pool",
            Self::NbPool => "NET_BUFFER pool",
            Self::Nbl => "NET_BUFFER_LIST",
            Self::Nb => "NET_BUFFER",
            Self::NblContext => "NET_BUFFER_LIST context",
            Self::RwLock => "RW lock",
            Self::Timer => "timer object",
            Self::IoWorkItem => "I/O work item",
            Self::ConfigurationHandle => "configuration handle",
            Self::GenericObject => "generic object",
            Self::Lookaside => "lookaside list",
            Self::IoSpace => "mapped I/O space",
            Self::IoPortRange => "I/O port range",
            Self::SharedMemory => "shared memory",
            Self::SgDma => "scatter/gather DMA registration",
            Self::SgList => "scatter/gather list",
            Self::Interrupt => "interrupt registration",
            Self::Poll => "poll object",
            Self::MiniportDriver => "miniport driver registration",
            Self::Device => "device object",
            Self::Etw => "ETW registration",
            Self::BugCheckCallback => "bugcheck callback",
            Self::Handle => "kernel handle",
            Self::ObjectReference => "object reference",
            Self::Thread => "system thread",
            Self::Callback => "callback registration",
        };
        f.write_str(name)
    }
}

/// By when the object must be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// When the driver is unloaded.
    Driver,
    /// When MiniportHaltEx has returned (or a failing MiniportInitializeEx).
    Adapter,
}

/// One live object.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Address or handle.
    pub key: u64,
    /// Bytes, where the object has a size.
    pub size: u64,
    /// By when it must be gone.
    pub scope: Scope,
    /// Return address of the call that made it.
    pub caller: u64,
    /// Pool tag, or another number that belongs to the object.
    pub extra: u64,
    /// Order of creation over the whole run.
    pub serial: u64,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#x}", self.kind, self.key)?;
        if self.size != 0 {
            write!(f, ", {} bytes", self.size)?;
        }
        write!(f, ", made at {}", verify::place(self.caller))
    }
}

struct Book {
    live: BTreeMap<(Kind, u64), Entry>,
    serial: u64,
}

static BOOK: IrqSpin<Book> = IrqSpin::new(Book {
    live: BTreeMap::new(),
    serial: 0,
});

/// Enters an object. An object of the same kind and key is replaced (and is a bug of the host).
pub fn add(kind: Kind, key: u64, size: u64, scope: Scope, caller: u64) {
    add_with(kind, key, size, scope, caller, 0);
}

/// Like [`add`], with a number that belongs to the object.
pub fn add_with(kind: Kind, key: u64, size: u64, scope: Scope, caller: u64, extra: u64) {
    let mut book = BOOK.lock();
    book.serial += 1;
    let serial = book.serial;
    let old = book.live.insert(
        (kind, key),
        Entry {
            kind,
            key,
            size,
            scope,
            caller,
            extra,
            serial,
        },
    );
    debug_assert!(old.is_none(), "{kind} {key:#x} entered twice");
}

/// Takes an object out; `None` when it is not there (freed twice, or never made).
pub fn remove(kind: Kind, key: u64) -> Option<Entry> {
    BOOK.lock().live.remove(&(kind, key))
}

/// Looks an object up.
pub fn get(kind: Kind, key: u64) -> Option<Entry> {
    BOOK.lock().live.get(&(kind, key)).cloned()
}

/// True when the object is alive. Cheaper than [`get`].
pub fn is_live(kind: Kind, key: u64) -> bool {
    BOOK.lock().live.contains_key(&(kind, key))
}

/// Takes an object out, or records a violation of `rule` that names the import's argument.
pub fn expect_remove(rule: &'static str, kind: Kind, key: u64, what: &str) -> Option<Entry> {
    let entry = remove(kind, key);
    verify::check(rule, entry.is_some(), || {
        format!(
            "{what}: {} is no live {kind}",
            crate::guest::describe(key as usize)
        )
    });
    entry
}

/// Checks that an object is alive, or records a violation of `rule`.
pub fn expect(rule: &'static str, kind: Kind, key: u64, what: &str) -> bool {
    verify::check(rule, is_live(kind, key), || {
        format!(
            "{what}: {} is no live {kind}",
            crate::guest::describe(key as usize)
        )
    })
}

/// Live objects that must be gone by `scope`: `Adapter` gives adapter-scope objects only,
/// `Driver` gives everything. Oldest first.
pub fn live(scope: Scope) -> Vec<Entry> {
    let mut out: Vec<Entry> = BOOK
        .lock()
        .live
        .values()
        .filter(|e| scope == Scope::Driver || e.scope == Scope::Adapter)
        .cloned()
        .collect();
    out.sort_by_key(|e| e.serial);
    out
}

/// Live objects of one kind, oldest first.
pub fn of_kind(kind: Kind) -> Vec<Entry> {
    let mut out: Vec<Entry> = BOOK
        .lock()
        .live
        .range((kind, 0)..=(kind, u64::MAX))
        .map(|(_, e)| e.clone())
        .collect();
    out.sort_by_key(|e| e.serial);
    out
}

/// The latest serial number given out. Objects made after this call have a greater one, which
/// tells what one MiniportInitializeEx made.
pub fn mark() -> u64 {
    BOOK.lock().serial
}

/// Live objects whose key lies in `[address, address + len)`, for checks on freed memory (V-12).
pub fn inside(kind: Kind, address: u64, len: u64) -> Vec<Entry> {
    BOOK.lock()
        .live
        .range((kind, address)..(kind, address + len))
        .map(|(_, e)| e.clone())
        .collect()
}

/// A line about each entry, at most `max`.
pub fn lines(entries: &[Entry], max: usize) -> Vec<String> {
    let mut out: Vec<String> = entries.iter().take(max).map(|e| format!("{e}")).collect();
    if entries.len() > max {
        out.push(format!("... and {} more", entries.len() - max));
    }
    out
}
