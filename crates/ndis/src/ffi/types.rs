// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scalar types under their header names, and records that only the kernel looks into.

use super::*;

/// An opaque NDIS handle.
pub type NDIS_HANDLE = *mut c_void;
/// An NDIS status code: NTSTATUS-like, success is `>= 0`.
pub type NDIS_STATUS = i32;
/// An NT status code, success is `>= 0`.
pub type NTSTATUS = i32;
/// One byte: 0 is false, anything else true.
pub type BOOLEAN = u8;
/// An interrupt request level.
pub type KIRQL = u8;
/// One bit per processor of a group.
pub type KAFFINITY = u64;
/// An object identifier of an OID request.
pub type NDIS_OID = u32;
/// An NDIS port number; 0 is the default port.
pub type NDIS_PORT_NUMBER = u32;
/// A kernel object handle.
pub type HANDLE = *mut c_void;
/// The word behind a kernel spin lock.
pub type KSPIN_LOCK = usize;
/// A bus-logical or physical address.
pub type PHYSICAL_ADDRESS = LARGE_INTEGER;
/// A bus-logical or physical address.
pub type NDIS_PHYSICAL_ADDRESS = LARGE_INTEGER;
/// A counted UTF-16 string.
pub type NDIS_STRING = UNICODE_STRING;
/// The resource list of a miniport.
pub type NDIS_RESOURCE_LIST = CM_PARTIAL_RESOURCE_LIST;

/// `BOOLEAN` true.
pub const TRUE: BOOLEAN = 1;
/// `BOOLEAN` false.
pub const FALSE: BOOLEAN = 0;

records! {
    /// `DISPATCHER_HEADER` (wdm.h): 24 bytes on x64, private to the kernel.
    struct DISPATCHER_HEADER record { size 24, align 8 } {
        _private: [u64; 3] = 0 padding,
    }
}

impl LARGE_INTEGER {
    /// A large integer of this value.
    #[must_use]
    pub const fn new(value: i64) -> Self {
        Self { QuadPart: value }
    }

    /// The value.
    #[must_use]
    pub const fn value(self) -> i64 {
        // SAFETY: every member is an integer and the union has no bytes outside `QuadPart`.
        unsafe { self.QuadPart }
    }
}
