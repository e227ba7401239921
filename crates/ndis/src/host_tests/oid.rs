// SPDX-License-Identifier: MIT OR Apache-2.0
//! OID requests: lengths, kinds, completion.

use core::ptr::{NonNull, null_mut};
use std::vec::Vec;

use super::irql;
use crate::adapter::AdapterHandle;
use crate::fake::{fresh, host};
use crate::ffi::*;
use crate::irql::Passive;
use crate::oid::*;
use crate::status::Status;

/// Runs `body` on a query with a buffer of `length` bytes at an odd address; returns the buffer, what is written and
/// needed.
fn query(
    length: usize,
    body: impl FnOnce(&mut Reply<'_>) -> Status,
) -> (Status, Vec<u8>, u32, u32) {
    let mut buffer = std::vec![0xEE; length + 2];
    let mut raw = NDIS_OID_REQUEST::zeroed();
    raw.RequestType = NdisRequestQueryInformation;
    raw.DATA.QUERY_INFORMATION.Oid = OID_GEN_XMIT_OK;
    raw.DATA.QUERY_INFORMATION.InformationBuffer = match length {
        0 => null_mut(),
        _ => buffer[1..].as_mut_ptr().cast(),
    };
    raw.DATA.QUERY_INFORMATION.InformationBufferLength = length as u32;
    raw.DATA.QUERY_INFORMATION.BytesWritten = u32::MAX;
    // SAFETY: a request of this test.
    let mut request = unsafe { OidRequest::new(NonNull::from(&mut raw), AdapterHandle::TEST) };
    assert_eq!(
        (request.kind(), request.oid()),
        (RequestKind::Query, OID_GEN_XMIT_OK)
    );
    assert!(request.set().is_none());
    let status = body(&mut request.query().expect("a query"));
    // SAFETY: the request is a query.
    let data = unsafe { raw.DATA.QUERY_INFORMATION };
    assert_eq!(
        (buffer[0], buffer[length + 1]),
        (0xEE, 0xEE),
        "outside the buffer"
    );
    (
        status,
        buffer[1..=length].to_vec(),
        data.BytesWritten,
        data.BytesNeeded,
    )
}

/// Runs `body` on a set with these bytes at an odd address; returns what is read and needed.
fn set<R>(bytes: &[u8], body: impl FnOnce(&mut Argument<'_>) -> R) -> (R, u32, u32) {
    let mut buffer = std::vec![0xEE];
    buffer.extend_from_slice(bytes);
    let mut raw = NDIS_OID_REQUEST::zeroed();
    raw.RequestType = NdisRequestSetInformation;
    raw.DATA.SET_INFORMATION.InformationBuffer = match bytes.len() {
        0 => null_mut(),
        _ => buffer[1..].as_mut_ptr().cast(),
    };
    raw.DATA.SET_INFORMATION.InformationBufferLength = bytes.len() as u32;
    raw.DATA.SET_INFORMATION.BytesRead = u32::MAX;
    // SAFETY: a request of this test.
    let mut request = unsafe { OidRequest::new(NonNull::from(&mut raw), AdapterHandle::TEST) };
    assert!(request.query().is_none());
    let result = body(&mut request.set().expect("a set"));
    // SAFETY: the request is a set.
    let data = unsafe { raw.DATA.SET_INFORMATION };
    (result, data.BytesRead, data.BytesNeeded)
}

#[test]
fn a_query_is_answered_whole_or_not() {
    for length in 0..12 {
        let (status, buffer, written, needed) =
            query(length, |reply| reply.value(&0x0403_0201_u32));
        assert_eq!(needed, 4);
        if length < 4 {
            assert_eq!((status, written), (Status::BUFFER_TOO_SHORT, 0), "O-05");
            assert!(buffer.iter().all(|b| *b == 0xEE));
        } else {
            assert_eq!((status, written), (Status::SUCCESS, 4));
            assert_eq!(buffer[..4], [1, 2, 3, 4]);
        }
    }
    let (status, _, written, needed) = query(0, |reply| reply.bytes(&[]));
    assert_eq!((status, written, needed), (Status::SUCCESS, 0, 0));
}

#[test]
fn a_counter_of_64_bits() {
    for length in 0..12 {
        let (status, buffer, written, needed) =
            query(length, |reply| reply.counter(0x0807_0605_0403_0201));
        assert_eq!(needed, 8, "§6.4");
        let expected = match length {
            0..4 => (Status::BUFFER_TOO_SHORT, 0),
            4..8 => (Status::SUCCESS, 4),
            _ => (Status::SUCCESS, 8),
        };
        assert_eq!((status, written), expected);
        assert!(
            buffer
                .iter()
                .take(written as usize)
                .enumerate()
                .all(|(i, b)| usize::from(*b) == i + 1)
        );
    }
}

#[test]
fn a_revision_of_a_structure() {
    let value = NDIS_PM_CAPABILITIES::zeroed();
    let (status, _, written, _) = query(64, |reply| reply.revision(&value, 52));
    assert_eq!((status, written), (Status::SUCCESS, 52));
    let (_, _, written, _) = query(64, |reply| reply.revision(&value, u16::MAX));
    assert_eq!(written, 60, "never beyond the value");
}

#[test]
fn a_set_has_its_length() {
    for length in 0..9_u8 {
        let bytes: Vec<u8> = (1..=length).collect();
        let (value, read, needed) = set(&bytes, |argument| argument.value::<u32>());
        if length == 4 {
            assert_eq!((value, read), (Ok(0x0403_0201), 4));
        } else {
            assert_eq!(
                (value, read, needed),
                (Err(Status::INVALID_LENGTH), 0, 4),
                "O-06"
            );
        }
    }
    let (prefix, read, _) = set(&[1, 2, 3], |argument| argument.prefix::<u16>());
    assert_eq!((prefix, read), (Ok(0x0201), 2));
    let (bytes, read, _) = set(&[1, 2, 3], |argument| argument.bytes().to_vec());
    assert_eq!((bytes, read), (std::vec![1, 2, 3], 3));
    let (empty, _, _) = set(&[], |argument| {
        (argument.is_empty(), argument.bytes().len())
    });
    assert_eq!(empty, (true, 0));
    let (status, read, needed) = set(&[1], |argument| argument.wrong_length(6));
    assert_eq!((status, read, needed), (Status::INVALID_LENGTH, 0, 6));
}

/// A moderation argument: header type, revision, size in the header, length of the buffer.
fn moderation(
    object_type: u8,
    revision: u8,
    size: u16,
    length: usize,
) -> (Result<i32, Status>, u32) {
    let mut bytes = std::vec![object_type, revision];
    bytes.extend_from_slice(&size.to_le_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 0, 2, 0, 0, 0, 9, 9, 9, 9]);
    bytes.resize(length, 9);
    let revision = NDIS_INTERRUPT_MODERATION_PARAMETERS_REVISION_1;
    let size = NDIS_SIZEOF_INTERRUPT_MODERATION_PARAMETERS_REVISION_1;
    let (value, read, _) = set(&bytes, |argument| {
        argument.structure::<NDIS_INTERRUPT_MODERATION_PARAMETERS>(
            NDIS_OBJECT_TYPE_DEFAULT,
            revision,
            size,
        )
    });
    (value.map(|v| v.InterruptModeration), read)
}

#[test]
fn a_set_with_a_header() {
    assert_eq!(moderation(0x80, 1, 12, 12), (Ok(2), 12));
    assert_eq!(
        moderation(0x80, 9, 16, 16),
        (Ok(2), 12),
        "a newer revision, longer"
    );
    assert_eq!(
        moderation(0x80, 1, 12, 11),
        (Err(Status::INVALID_LENGTH), 0)
    );
    assert_eq!(moderation(0x80, 1, 12, 0), (Err(Status::INVALID_LENGTH), 0));
    assert_eq!(
        moderation(0x81, 1, 12, 12),
        (Err(Status::INVALID_PARAMETER), 0)
    );
    assert_eq!(moderation(0x80, 0, 12, 12), (Err(Status::BAD_VERSION), 0));
    assert_eq!(
        moderation(0x80, 1, 4, 12),
        (Err(Status::INVALID_PARAMETER), 0),
        "shorter than the revision"
    );
    assert_eq!(
        moderation(0x80, 1, 13, 12),
        (Err(Status::INVALID_PARAMETER), 0),
        "beyond the buffer"
    );
    assert_eq!(
        moderation(0x80, 1, u16::MAX, 12),
        (Err(Status::INVALID_PARAMETER), 0)
    );
}

#[test]
fn kinds() {
    let mut raw = NDIS_OID_REQUEST::zeroed();
    for (kind, expected) in [
        (NdisRequestQueryStatistics, RequestKind::Query),
        (NdisRequestMethod, RequestKind::Method),
        (-1, RequestKind::Other(-1)),
    ] {
        raw.RequestType = kind;
        // SAFETY: a request of this test.
        let request = unsafe { OidRequest::new(NonNull::from(&mut raw), AdapterHandle::TEST) };
        assert_eq!(request.kind(), expected);
    }
}

#[test]
fn a_pending_request_is_completed_once() {
    fresh();
    let mut raw = NDIS_OID_REQUEST::zeroed();
    for (complete, expected) in [
        (Some(Status::SUCCESS), NDIS_STATUS_SUCCESS),
        (Some(Status::PENDING), NDIS_STATUS_FAILURE),
        (None, NDIS_STATUS_FAILURE),
    ] {
        // SAFETY: a request of this test.
        let request = unsafe { OidRequest::new(NonNull::from(&mut raw), AdapterHandle::TEST) };
        let (mut pending, outcome) = request.pend();
        assert_eq!(outcome.status, Status::PENDING);
        pending.set_supported_revision(3);
        match complete {
            Some(status) => pending.complete(status, &irql::<Passive>()),
            None => drop(pending),
        }
        host(|h| assert_eq!(h.oid_completions.pop(), Some(expected)));
    }
    assert_eq!(raw.SupportedRevision, 3);
    // SAFETY: a request of this test.
    let request = unsafe { OidRequest::new(NonNull::from(&mut raw), AdapterHandle::TEST) };
    assert_eq!(
        request.done(Status::PENDING).status,
        Status::FAILURE,
        "N-01"
    );
    host(|h| assert!(h.oid_completions.is_empty()));
}
