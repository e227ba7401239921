// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Plain`]: types that are exchanged with NDIS as bytes. Any IRQL.

use crate::ffi::*;

/// A type of which every byte pattern is a value, and whose values may be copied byte for byte.
///
/// # Safety
/// No pointers, references, `bool`s or enums inside; `Copy`. Padding is allowed: such values are made from zeroed
/// memory and are copied as bytes.
pub unsafe trait Plain: Copy + 'static {}

macro_rules! plain {
    ($($t:ty),* $(,)?) => {
        $(
            // SAFETY: an integer, an array of them, or a structure of only these.
            unsafe impl Plain for $t {}
        )*
    };
}

plain! {
    u8, u16, u32, u64, i32, i64,
    NDIS_OBJECT_HEADER,
    NDIS_LINK_STATE, NDIS_LINK_PARAMETERS, NDIS_LINK_SPEED,
    NDIS_STATISTICS_INFO, NDIS_INTERRUPT_MODERATION_PARAMETERS,
    NDIS_OFFLOAD_PARAMETERS, NDIS_OFFLOAD_ENCAPSULATION, NDIS_OFFLOAD,
    NDIS_RECEIVE_SCALE_CAPABILITIES, NDIS_RECEIVE_SCALE_PARAMETERS, NDIS_RECEIVE_HASH_PARAMETERS,
    NDIS_PM_PARAMETERS, NDIS_PM_CAPABILITIES, NDIS_PNP_CAPABILITIES, NDIS_RSC_STATISTICS_INFO,
    NDIS_TIMESTAMP_CAPABILITIES, NDIS_OPER_STATE,
}

// SAFETY: an array of plain values has no bytes of its own.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// The bytes of a value. Its padding must be initialised: ffi structures are made from `zeroed`.
#[must_use]
pub fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: plain data, borrowed for as long as `value`.
    unsafe { core::slice::from_raw_parts((&raw const *value).cast(), size_of::<T>()) }
}
