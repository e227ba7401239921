// SPDX-License-Identifier: MIT OR Apache-2.0
//! The object header that begins every versioned NDIS structure.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_OBJECT_HEADER` (ndis/objectheader.h): 4 bytes on x64.
    struct NDIS_OBJECT_HEADER record { size 4, align 2 } {
        /// `NDIS_OBJECT_TYPE_…`.
        Type: u8 = 0,
        /// Which members the structure has, from 1.
        Revision: u8 = 1,
        /// Bytes through the last member of the revision.
        Size: u16 = 2,
    }

    /// `NDIS_GENERIC_OBJECT` (ndis.h): 32 bytes on x64.
    struct NDIS_GENERIC_OBJECT record { size 32, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Caller: *mut c_void = 8,
        CallersCaller: *mut c_void = 16,
        DriverObject: *mut DRIVER_OBJECT = 24,
    }
}
