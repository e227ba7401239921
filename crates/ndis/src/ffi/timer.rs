// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS timer objects.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_TIMER_CHARACTERISTICS` (ndis.h): 24 bytes on x64.
    struct NDIS_TIMER_CHARACTERISTICS record { size 24, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        AllocationTag: u32 = 4,
        TimerFunction: Option<NDIS_TIMER_FUNCTION> = 8,
        FunctionContext: *mut c_void = 16,
    }
}
