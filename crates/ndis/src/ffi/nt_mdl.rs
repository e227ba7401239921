// SPDX-License-Identifier: MIT OR Apache-2.0
//! The memory descriptor list.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `MDL` (wdm.h): 48 bytes on x64.
    struct MDL record { size 48, align 8 } {
        Next: *mut MDL = 0,
        Size: i16 = 8,
        MdlFlags: i16 = 10,
        Process: *mut c_void = 16,
        MappedSystemVa: *mut c_void = 24,
        StartVa: *mut c_void = 32,
        ByteCount: u32 = 40,
        ByteOffset: u32 = 44,
    }
}
