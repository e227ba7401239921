// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt request level as a type.
//!
//! A value of [`Irql<L>`] proves that the code holding it runs at level `L` on this processor. Trampolines make the
//! token that NDIS promises for the callback and lend it; nothing else can. It is neither `Send` nor `Sync`, so it stays
//! on its processor and stack. What raises the IRQL borrows the token mutably: until the IRQL is back, the token of the
//! lower level cannot be used.
//!
//! Ceilings follow the DDI reference page of each function (contract §2.4).

use core::marker::PhantomData;

use crate::ffi::{DISPATCH_LEVEL, KIRQL};
use crate::sys::nt;

mod sealed {
    pub trait Sealed {}
}

/// A level, or a range of levels, that code can be known to run at.
pub trait Level: sealed::Sealed {
    /// `true` if the IRQL is known to be exactly `DISPATCH_LEVEL`.
    const IS_DISPATCH: bool;
}

/// `PASSIVE_LEVEL`: thread context, may wait.
#[derive(Debug)]
pub enum Passive {}
/// `PASSIVE_LEVEL` up to `DISPATCH_LEVEL`, not known which.
#[derive(Debug)]
pub enum AtMostDispatch {}
/// Exactly `DISPATCH_LEVEL`: a DPC, a timer, or a spin lock held.
#[derive(Debug)]
pub enum Dispatch {}
/// Device level, with the interrupt lock held.
#[derive(Debug)]
pub enum Dirql {}

impl sealed::Sealed for Passive {}
impl sealed::Sealed for AtMostDispatch {}
impl sealed::Sealed for Dispatch {}
impl sealed::Sealed for Dirql {}

impl Level for Passive {
    const IS_DISPATCH: bool = false;
}
impl Level for AtMostDispatch {
    const IS_DISPATCH: bool = false;
}
impl Level for Dispatch {
    const IS_DISPATCH: bool = true;
}
impl Level for Dirql {
    const IS_DISPATCH: bool = false;
}

/// `Self` is never above `Ceiling`.
#[diagnostic::on_unimplemented(
    message = "this may run at `{Self}`, above the ceiling `{Ceiling}` of the call",
    label = "called above its IRQL"
)]
pub trait AtMost<Ceiling: Level>: Level {}

impl AtMost<Passive> for Passive {}
impl AtMost<AtMostDispatch> for Passive {}
impl AtMost<AtMostDispatch> for AtMostDispatch {}
impl AtMost<AtMostDispatch> for Dispatch {}
impl AtMost<Dispatch> for Passive {}
impl AtMost<Dispatch> for AtMostDispatch {}
impl AtMost<Dispatch> for Dispatch {}
impl AtMost<Dirql> for Passive {}
impl AtMost<Dirql> for AtMostDispatch {}
impl AtMost<Dirql> for Dispatch {}
impl AtMost<Dirql> for Dirql {}

/// Proof that the current IRQL is `L`. See the [module](self).
#[derive(Debug)]
pub struct Irql<L: Level> {
    /// Raw pointers are neither `Send` nor `Sync`.
    level: PhantomData<(L, *mut ())>,
}

impl<L: Level> Irql<L> {
    /// Makes a token.
    ///
    /// # Safety
    /// The caller runs at level `L`, and lends the token no longer than that holds.
    pub(crate) const unsafe fn assume() -> Self {
        Self { level: PhantomData }
    }

    /// Runs `body` at `DISPATCH_LEVEL`, then restores the IRQL.
    ///
    /// A token of exactly [`Dispatch`] costs nothing; any other raises with `KfRaiseIrql`, the export behind
    /// `KeRaiseIrqlToDpcLevel`.
    pub fn at_dispatch<R>(&mut self, body: impl FnOnce(&mut Irql<Dispatch>) -> R) -> R
    where
        L: AtMost<Dispatch>,
    {
        let raised = (!L::IS_DISPATCH).then(|| {
            // SAFETY: the IRQL is at most DISPATCH_LEVEL, so this raises or keeps it.
            Raised(unsafe { nt::KfRaiseIrql(DISPATCH_LEVEL) })
        });
        // SAFETY: the IRQL is DISPATCH_LEVEL now and until `raised` is dropped, which is after `body`.
        let mut token = unsafe { Irql::<Dispatch>::assume() };
        let result = body(&mut token);
        drop(raised);
        result
    }
}

/// Restores the IRQL from before a raise.
struct Raised(KIRQL);

impl Drop for Raised {
    fn drop(&mut self) {
        // SAFETY: the level that `KfRaiseIrql` returned on this processor; raises nest, so this is the inverse.
        unsafe { nt::KeLowerIrql(self.0) };
    }
}

/// Runs `body` at `DISPATCH_LEVEL` when the current IRQL is not above it; for destructors, which get no token.
pub(crate) fn in_drop_at_dispatch(body: impl FnOnce(&mut Irql<Dispatch>)) -> bool {
    if !drop_level_at_most(DISPATCH_LEVEL) {
        return false;
    }
    // SAFETY: checked right above; the level of a running thread of execution changes only by itself.
    let mut token = unsafe { Irql::<AtMostDispatch>::assume() };
    token.at_dispatch(body);
    true
}

/// `true` if the current IRQL is at most `ceiling`; for destructors, which get no token.
pub(crate) fn drop_level_at_most(ceiling: KIRQL) -> bool {
    // A model has no kernel, and no level.
    if cfg!(loom) {
        return true;
    }
    // SAFETY: callable at any IRQL, no arguments.
    let current = unsafe { nt::KeGetCurrentIrql() };
    current <= ceiling
}
