// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Plain`]: types that are exchanged with NDIS as bytes. Any IRQL.

use crate::ffi::*;

/// A type of which every byte pattern is a value, and whose values may be copied byte for byte.
///
/// # Safety
/// No pointers, references, `bool`s or enums inside, and no padding but declared members: every byte is one of a member.
pub unsafe trait Plain: Copy + 'static {}

macro_rules! plain {
    ($($t:ty),* ; $($record:ident),* $(,)?) => {
        $(
            // SAFETY: an integer.
            unsafe impl Plain for $t {}
        )*
        $(
            const _: () = assert!(is_whole(&$record::RECORD), concat!("padding in ", stringify!($record)));
            // SAFETY: a structure of integers, arrays of them and structures of only these, without padding.
            unsafe impl Plain for $record {}
        )*
    };
}

/// `true` for a structure whose members lie end to end, from its first byte to its last.
const fn is_whole(record: &Record) -> bool {
    let (mut end, mut n) = (0, 0);
    while n < record.fields.len() {
        if record.fields[n].offset != end {
            return false;
        }
        end += record.fields[n].size;
        n += 1;
    }
    end == record.size
}

// Members of those below that are structures themselves.
const _: () = assert!(
    is_whole(&NDIS_TCP_LARGE_SEND_OFFLOAD_V1::RECORD)
        && is_whole(&NDIS_IPSEC_OFFLOAD_V1::RECORD)
        && is_whole(&NDIS_TCP_LARGE_SEND_OFFLOAD_V2::RECORD)
        && is_whole(&NDIS_IPSEC_OFFLOAD_V2::RECORD)
        && is_whole(&NDIS_TCP_IP_CHECKSUM_OFFLOAD::RECORD)
        && is_whole(&NDIS_TCP_RECV_SEG_COALESCE_OFFLOAD::RECORD)
        && is_whole(&NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD::RECORD)
        && is_whole(&NDIS_ENCAPSULATED_PACKET_TASK_OFFLOAD_V2::RECORD)
        && is_whole(&NDIS_RFC6877_464XLAT_OFFLOAD::RECORD)
        && is_whole(&NDIS_UDP_SEGMENTATION_OFFLOAD::RECORD)
        && is_whole(&NDIS_TIMESTAMP_CAPABILITY_FLAGS::RECORD)
);

plain! {
    u8, u16, u32, u64, i32, i64;
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

/// The bytes of a value. Any IRQL.
#[must_use]
pub fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: plain data, borrowed for as long as `value`.
    unsafe { core::slice::from_raw_parts((&raw const *value).cast(), size_of::<T>()) }
}
