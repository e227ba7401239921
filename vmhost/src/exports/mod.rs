// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that a driver can import: one table entry per function, made by [`exports!`].
//!
//! An import lands in a thunk that lays the arguments out as an array (the Microsoft x64
//! convention gives every argument one 8-byte slot, so this also serves variadic functions),
//! notes the caller's address in the context record, checks the IRQL against the entry, and
//! calls the function's Rust body. Any IRQL; each entry says what the driver may call it at.

pub mod format;
pub mod ndis_lib;
pub mod nt;
pub mod number;
pub mod shortage;
pub mod unsupported;

use alloc::{format, string::String};

use crate::{
    guest::Ptr,
    machine::irql,
    ndis::instant::{self, Instant},
    pe, verify,
};

/// At which IRQL a function may be called (contract §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// PASSIVE_LEVEL only.
    Passive,
    /// At most APC_LEVEL, that is below DISPATCH_LEVEL.
    Apc,
    /// At most DISPATCH_LEVEL.
    Dispatch,
    /// Exactly DISPATCH_LEVEL.
    AtDispatch,
    /// DISPATCH_LEVEL or above.
    DispatchOrAbove,
    /// At most DIRQL.
    Dirql,
    /// Any.
    Any,
}

impl Level {
    /// True when a call at `now` is allowed.
    pub fn allows(self, now: irql::Irql) -> bool {
        match self {
            Self::Passive => now == irql::PASSIVE,
            Self::Apc => now <= irql::APC,
            Self::Dispatch => now <= irql::DISPATCH,
            Self::AtDispatch => now == irql::DISPATCH,
            Self::DispatchOrAbove => now >= irql::DISPATCH,
            Self::Dirql => now <= irql::DEVICE_MAX,
            Self::Any => true,
        }
    }

    /// For texts: "requires …".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Passive => "PASSIVE_LEVEL",
            Self::Apc => "an IRQL below DISPATCH_LEVEL",
            Self::Dispatch => "an IRQL of at most DISPATCH_LEVEL",
            Self::AtDispatch => "DISPATCH_LEVEL",
            Self::DispatchOrAbove => "DISPATCH_LEVEL or above",
            Self::Dirql => "an IRQL of at most DIRQL",
            Self::Any => "any IRQL",
        }
    }
}

/// One exported name.
pub struct Export {
    /// Image, lower case: `ntoskrnl.exe`, `hal.dll`, `ndis.sys`.
    pub image: &'static str,
    /// Name as in the import table.
    pub name: &'static str,
    /// Where it may be called.
    pub level: Level,
    /// False for a name that only stops the run.
    pub supported: bool,
    /// The thunk, or the variable of a data export.
    pub address: fn() -> usize,
}

/// One call of an export: what its body can know about it.
pub struct Call {
    /// The export.
    pub export: &'static Export,
    /// Return address, in the driver.
    pub rip: u64,
    /// The argument slots, for variadic functions.
    pub args: *const u64,
    noted: Option<(u64, u64)>,
}

impl Call {
    /// Notes the call in the context record and checks the IRQL. Used by the thunks.
    pub fn enter(export: &'static Export, args: *const u64, rip: u64) -> Self {
        let context = verify::current();
        let noted = context.map(|c| c.set_import(export, rip));
        let now = irql::current();
        let rule = context.map_or("V-17", |c| {
            if now > irql::DISPATCH {
                c.handler.irql_rule()
            } else {
                "V-17"
            }
        });
        verify::check(rule, export.level.allows(now), || {
            format!(
                "{} requires {}, called at IRQL {now}",
                export.name,
                export.level.describe()
            )
        });
        if now >= irql::DISPATCH {
            verify::check("V-02", !pe::is_pageable(rip as usize), || {
                format!(
                    "{}: called at IRQL {now} from a pageable section",
                    export.name
                )
            });
        }
        instant::reached(Instant::Import(export.name));
        Self {
            export,
            rip,
            args,
            noted,
        }
    }

    /// What stands for a call when NDIS itself looks at what the driver left.
    pub fn about(export: &'static Export) -> Self {
        Self {
            export,
            rip: 0,
            args: core::ptr::null(),
            noted: None,
        }
    }

    /// Name of the export.
    pub fn name(&self) -> &'static str {
        self.export.name
    }

    /// The pointer to the variadic arguments, which follow `fixed` named ones.
    pub fn varargs(&self, fixed: usize) -> *const u64 {
        self.args.wrapping_add(fixed)
    }

    /// Checks a stricter level than the table's, for functions whose limit depends on arguments.
    pub fn require(&self, level: Level, why: &str) -> bool {
        let now = irql::current();
        verify::check("V-17", level.allows(now), || {
            format!(
                "{}{why} requires {}, called at IRQL {now}",
                self.export.name,
                level.describe()
            )
        })
    }

    /// For functions that block: at DISPATCH_LEVEL or above there is no thread to put to sleep, so
    /// that Windows stops here as well.
    pub fn require_thread(&self) {
        let now = irql::current();
        if now >= irql::DISPATCH {
            verify::stop(
                "V-17",
                format!(
                    "{} blocks, called at IRQL {now} (bugcheck B8)",
                    self.export.name
                ),
            );
        }
    }

    /// `name: text`, for violations.
    pub fn text(&self, text: &str) -> String {
        format!("{}: {text}", self.export.name)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let (Some(noted), Some(context)) = (self.noted, verify::current()) {
            context.restore_import(noted);
        }
    }
}

/// An argument slot turned into a Rust type. The upper bits of a slot are undefined for narrow
/// types, so they are cut off.
pub trait FromSlot {
    /// Converts.
    fn from_slot(slot: u64) -> Self;
}

/// A Rust value turned into RAX.
pub trait IntoRax {
    /// Converts.
    fn into_rax(self) -> u64;
}

macro_rules! integers {
    ($($t:ty)*) => {$(
        impl FromSlot for $t {
            #[allow(trivial_numeric_casts, clippy::unnecessary_cast, reason = "one line for all widths")]
            fn from_slot(slot: u64) -> Self { slot as $t }
        }
        impl IntoRax for $t {
            #[allow(trivial_numeric_casts, clippy::unnecessary_cast, reason = "one line for all widths")]
            fn into_rax(self) -> u64 { self as u64 }
        }
    )*};
}
integers!(u8 u16 u32 u64 usize i8 i16 i32 i64);

impl FromSlot for bool {
    fn from_slot(slot: u64) -> Self {
        slot as u8 != 0
    }
}
impl IntoRax for bool {
    fn into_rax(self) -> u64 {
        u64::from(self)
    }
}
impl IntoRax for () {
    fn into_rax(self) -> u64 {
        // VOID functions leave RAX undefined; a driver that reads it should see nonsense (G-07).
        0xC7C7_C7C7_C7C7_C7C7
    }
}
impl IntoRax for core::convert::Infallible {
    fn into_rax(self) -> u64 {
        match self {}
    }
}
impl<T> FromSlot for Ptr<T> {
    fn from_slot(slot: u64) -> Self {
        Self::new(slot as usize)
    }
}
impl<T> IntoRax for Ptr<T> {
    fn into_rax(self) -> u64 {
        self.addr() as u64
    }
}

/// Defines exports. Used once in a module, it makes `pub static EXPORTS: &[Export]`.
///
/// ```ignore
/// exports! {
///     "ndis.sys";
///     /// What it does.
///     [Dispatch] fn NdisSetEvent(call, event: Ptr<NDIS_EVENT>) { ... }
///     [Passive] fn NdisWaitEvent(call, event: Ptr<NDIS_EVENT>, ms: u32) -> bool { ... }
/// }
/// ```
///
/// The level is a variant of [`Level`]. `call` names the [`Call`] (write `_` when unused).
/// Argument types implement [`FromSlot`], the result [`IntoRax`]. Arguments passed by value that
/// fit 8 bytes (`PHYSICAL_ADDRESS`, `LARGE_INTEGER`) are `u64` or `i64`. Each function is also an
/// ordinary Rust function `name::body(call, ...)`, so that one export can use another.
#[macro_export]
macro_rules! exports {
    (
        $image:literal;
        $(
            $(#[$doc:meta])*
            [$level:ident] fn $name:ident($call:tt $(, $arg:ident: $ty:ty)* $(,)?) $(-> $ret:ty)? $body:block
        )*
    ) => {
        $(
            $(#[$doc])*
            #[allow(non_snake_case, reason = "the name of the export")]
            pub mod $name {
                #[allow(unused_imports, reason = "not every body needs everything of its module")]
                use super::*;

                /// The table entry.
                pub static EXPORT: $crate::exports::Export = $crate::exports::Export {
                    image: $image,
                    name: stringify!($name),
                    level: $crate::exports::Level::$level,
                    supported: true,
                    address: || thunk as *const () as usize,
                };

                /// What the driver calls: arguments into their home slots, then on with a
                /// pointer to them and the return address.
                #[unsafe(naked)]
                pub extern "win64" fn thunk() {
                    core::arch::naked_asm!(
                        "mov [rsp + 8], rcx",
                        "mov [rsp + 16], rdx",
                        "mov [rsp + 24], r8",
                        "mov [rsp + 32], r9",
                        "lea rcx, [rsp + 8]",
                        "mov rdx, [rsp]",
                        "jmp {enter}",
                        enter = sym enter,
                    )
                }

                #[allow(unused_mut, unused_assignments, unused_variables, reason = "functions without arguments")]
                extern "win64" fn enter(args: *const u64, rip: u64) -> u64 {
                    let call = $crate::exports::Call::enter(&EXPORT, args, rip);
                    if let Some(failed) = $crate::exports::shortage::fails(&call) {
                        return failed;
                    }
                    let mut slot = 0;
                    $(
                        // SAFETY: the thunk passes the driver's argument slots; the table entry
                        // has as many arguments as the documented prototype.
                        let $arg = <$ty as $crate::exports::FromSlot>::from_slot(unsafe { args.add(slot).read() });
                        slot += 1;
                    )*
                    $crate::exports::IntoRax::into_rax(body(&call $(, $arg)*))
                }

                /// The function itself.
                #[allow(clippy::too_many_arguments, reason = "the documented prototype")]
                pub fn body($call: &$crate::exports::Call $(, $arg: $ty)*) $(-> $ret)? $body
            }
        )*

        /// The exports of this module.
        pub static EXPORTS: &[&$crate::exports::Export] = &[$(&$name::EXPORT),*];
    };
}

/// All tables: the kernel's, the NDIS library's, the adapter functions of [`crate::ndis`], and
/// last the names that are only known.
fn tables() -> impl Iterator<Item = &'static [&'static Export]> {
    nt::TABLES
        .iter()
        .chain(ndis_lib::TABLES)
        .chain(crate::ndis::TABLES)
        .chain(core::iter::once(&unsupported::EXPORTS))
        .copied()
}

/// Every exported name.
pub fn all() -> impl Iterator<Item = &'static Export> {
    tables().flat_map(|t| t.iter().copied())
}

/// Finds a name. The image's case does not matter. ntoskrnl.exe and hal.dll stand for each
/// other, as hal.dll has only forwarders on current Windows and import libraries differ.
pub fn find(image: &str, name: &str) -> Option<&'static Export> {
    let same = |have: &str| {
        have.eq_ignore_ascii_case(image)
            || (image.eq_ignore_ascii_case("hal.dll") && have == "ntoskrnl.exe")
            || (image.eq_ignore_ascii_case("ntoskrnl.exe") && have == "hal.dll")
    };
    all().find(|e| e.name == name && same(e.image))
}

/// Address to bind an import to; `None` when Windows has no such name, which the loader reports.
pub fn resolve(image: &str, name: &str) -> Option<usize> {
    find(image, name).map(|e| (e.address)())
}
