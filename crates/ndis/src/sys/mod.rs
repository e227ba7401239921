// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions behind this crate: exports of ndis.sys and ntoskrnl.exe, and what the headers define inline.
//!
//! Only names that an import library has are `extern`; the driver image links `ndis.lib` and `ntoskrnl.lib`. Off
//! Windows the functions exist so that drivers type-check and their pure parts run under `cargo test`: calling one
//! panics, except in this crate's own tests, which play NDIS.
#![allow(non_snake_case, reason = "exports keep their names")]
#![allow(clippy::too_many_arguments, reason = "exports keep their parameters")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the reference page of each export states its contract"
)]

/// Declares imports for Windows, and stand-ins of the same signature elsewhere.
macro_rules! imports {
    (
        trait $fakes:ident;
        $( $(#[$meta:meta])* fn $name:ident( $($arg:ident : $ty:ty),* $(,)? ) $(-> $ret:ty)?; )*
    ) => {
        #[cfg(windows)]
        unsafe extern "system" {
            $( $(#[$meta])* pub fn $name($($arg: $ty),*) $(-> $ret)?; )*
        }

        $(
            $(#[$meta])*
            #[cfg(not(windows))]
            pub unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
                #[cfg(test)]
                {
                    <crate::fake::Host as $fakes>::$name($($arg),*)
                }
                #[cfg(not(test))]
                {
                    $( let _ = $arg; )*
                    panic!(concat!(stringify!($name), " exists on Windows only"))
                }
            }
        )*

        /// What a test host may play; the rest panics.
        #[cfg(all(test, not(windows)))]
        pub(crate) trait $fakes {
            $(
                fn $name($($arg: $ty),*) $(-> $ret)? {
                    $( let _ = $arg; )*
                    panic!(concat!(stringify!($name), " is not played"))
                }
            )*
        }
    };
}

pub mod inline;
pub mod ndis;
pub mod nt;
