// SPDX-License-Identifier: MIT OR Apache-2.0
//! Instants inside a call into the driver at which a case may let something else happen: each
//! import, each register access, the end of each interrupt DPC. Any IRQL.

use core::sync::atomic::{AtomicUsize, Ordering};

/// Where the driver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// It has called this import; nothing of it has been done yet.
    Import(&'static str),
    /// It accesses a register: before a write is done, after a read. Interrupts are off.
    Register,
    /// Its DPC for this message has returned.
    DpcEnd(usize),
}

/// What is to be called at each instant, in the context of the driver's call.
pub type Hook = fn(Instant);

static HOOK: AtomicUsize = AtomicUsize::new(0);

/// Sets the hook, or takes it away.
pub fn set_hook(hook: Option<Hook>) {
    HOOK.store(hook.map_or(0, |hook| hook as usize), Ordering::Release);
}

/// An instant is reached.
pub fn reached(instant: Instant) {
    let hook = HOOK.load(Ordering::Acquire);
    if hook != 0 {
        // SAFETY: only `set_hook` stores there, and it stores such a function.
        let hook: Hook = unsafe { core::mem::transmute(hook) };
        hook(instant);
    }
}
