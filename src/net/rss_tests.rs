// SPDX-License-Identifier: MIT OR Apache-2.0
//! Host tests of the scaling parameters.

use super::*;
extern crate std;
use std::vec;
use std::vec::Vec;

const KEY: [u8; 40] = [7; 40];

/// A request of revision 2 with this table and key.
fn request(
    flags: u32,
    information: u32,
    table: &[(u16, u8)],
    key: &[u8],
) -> (NDIS_RECEIVE_SCALE_PARAMETERS, Vec<u8>) {
    let mut header = NDIS_RECEIVE_SCALE_PARAMETERS::zeroed();
    header.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_RSS_PARAMETERS,
        Revision: NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_2,
        Size: NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_2,
    };
    header.Flags = flags as u16;
    header.HashInformation = information;
    header.IndirectionTableOffset = HEADER_BYTES as u32;
    header.IndirectionTableSize = (table.len() * 4) as u16;
    header.HashSecretKeyOffset = (HEADER_BYTES + table.len() * 4) as u32;
    header.HashSecretKeySize = key.len() as u16;
    let mut bytes = vec![0; HEADER_BYTES];
    for (group, number) in table {
        bytes.extend_from_slice(&group.to_le_bytes());
        bytes.extend_from_slice(&[*number, 0]);
    }
    bytes.extend_from_slice(key);
    (header, bytes)
}

const V4: u32 = NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 | TOEPLITZ;

fn on(table: &[(u16, u8)]) -> Parameters {
    let (header, bytes) = request(0, V4, table, &KEY);
    Parameters::NONE.changed(&header, &bytes).expect("legal")
}

#[test]
fn processors_alternate_over_the_queues_in_order_of_appearance() {
    let p = on(&[(0, 2), (0, 2), (0, 5), (1, 2)]);
    let (table, targets) = p.placement(2);
    assert_eq!(&table[..8], [0, 0, 1, 0, 0, 0, 1, 0], "repeated");
    assert_eq!(targets, [pack(0, 2), pack(0, 5)]);
    let (table, targets) = p.placement(1);
    assert_eq!((table, targets), ([0; 128], [pack(0, 2), NOBODY]));
}

#[test]
fn the_default_processor_has_queue_0() {
    let (mut header, mut bytes) = request(0, V4, &[(0, 2), (0, 3)], &KEY);
    header.Header.Revision = NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_3;
    header.Header.Size = NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_3;
    bytes.splice(HEADER_BYTES..HEADER_BYTES, [0; 4]);
    header.IndirectionTableOffset += 4;
    header.HashSecretKeyOffset += 4;
    header.DefaultProcessorNumber.Number = 3;
    let p = Parameters::NONE.changed(&header, &bytes).expect("legal");
    let (table, targets) = p.placement(2);
    assert_eq!(
        (&table[..2], targets),
        (&[1, 0][..], [pack(0, 3), pack(0, 2)])
    );
}

#[test]
fn each_unchanged_flag_keeps_its_part() {
    let old = on(&[(0, 0), (0, 1)]);
    let all = NDIS_RSS_PARAM_FLAG_BASE_CPU_UNCHANGED
        | NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED
        | NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED
        | NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED;
    let v6 = NDIS_HASH_TCP_IPV6 | TOEPLITZ;
    let other = |flags| {
        let (header, bytes) = request(flags, v6, &[(0, 4); 4], &[9; 40]);
        old.changed(&header, &bytes).expect("legal")
    };
    assert_eq!(other(all), old);
    let new = other(all & !NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED);
    assert_eq!(
        new,
        Parameters {
            types: NDIS_HASH_TCP_IPV6,
            ..old
        }
    );
    let new = other(all & !NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED);
    assert_eq!(
        new,
        Parameters {
            key: [9; 40],
            ..old
        }
    );
    let new = other(all & !NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED);
    assert_eq!((new.entries, new.table), (4, [pack(0, 4); 128]));
    assert_eq!((new.types, new.key), (old.types, old.key));
}

#[test]
fn off_in_every_way_and_on_again() {
    let old = on(&[(0, 0), (0, 1)]);
    let (disable, bytes) = request(NDIS_RSS_PARAM_FLAG_DISABLE_RSS, 0, &[], &[]);
    let off = old.changed(&disable, &bytes).expect("legal");
    assert_eq!(off, Parameters { on: false, ..old });
    assert_eq!(off.scaling(2), None);
    for nothing in [0, TOEPLITZ] {
        let (header, bytes) = request(0, nothing, &[(0, 0)], &KEY);
        assert!(!old.changed(&header, &bytes).expect("legal").on);
    }
    let unchanged = NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED | NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED;
    let (header, bytes) = request(unchanged, V4, &[], &[]);
    assert_eq!(off.changed(&header, &bytes), Ok(old));
    assert_eq!(
        Parameters::NONE.changed(&header, &bytes),
        Err(Status::INVALID_PARAMETER),
        "unchanged what never was"
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let old = on(&[(0, 0), (0, 1)]);
    let refused = |edit: &dyn Fn(&mut NDIS_RECEIVE_SCALE_PARAMETERS, &mut Vec<u8>), why| {
        let (mut header, mut bytes) = request(0, V4, &[(0, 0), (0, 1)], &KEY);
        edit(&mut header, &mut bytes);
        assert_eq!(old.changed(&header, &bytes), Err(why));
    };
    let (parameter, length) = (Status::INVALID_PARAMETER, Status::INVALID_LENGTH);
    refused(
        &|h, _| h.HashInformation = NDIS_HASH_TCP_IPV4 | 2,
        parameter,
    );
    refused(
        &|h, _| h.HashInformation = NDIS_HASH_UDP_IPV4 | TOEPLITZ,
        parameter,
    );
    refused(&|h, _| h.IndirectionTableSize = 3 * 4, parameter);
    refused(&|h, _| h.IndirectionTableSize = 7, parameter);
    refused(&|h, _| h.IndirectionTableSize = 0, parameter);
    refused(&|h, _| h.IndirectionTableOffset = 4, parameter);
    refused(&|h, _| h.IndirectionTableOffset = u32::MAX, length);
    refused(&|h, _| h.HashSecretKeySize = 41, length);
    refused(
        &|h, b| {
            h.HashSecretKeySize = 41;
            b.push(0)
        },
        parameter,
    );
    refused(&|h, _| h.HashSecretKeySize = 0, parameter);
    refused(
        &|_, b| {
            b.pop();
        },
        length,
    );
    let (header, bytes) = request(0, V4, &[(0, 0); 256], &KEY);
    assert_eq!(old.changed(&header, &bytes), Err(parameter));
}

#[test]
fn revision_1_counts_bytes_from_a_base() {
    let (mut header, _) = request(0, V4, &[], &KEY);
    header.Header.Revision = NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1;
    header.Header.Size = NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1;
    header.BaseCpuNumber = 2;
    header.IndirectionTableOffset = 28;
    header.IndirectionTableSize = 2;
    header.HashSecretKeyOffset = 30;
    let mut bytes = vec![0; 28];
    bytes.extend_from_slice(&[0, 1]);
    bytes.extend_from_slice(&KEY);
    let p = Parameters::NONE.changed(&header, &bytes).expect("legal");
    assert_eq!(p.placement(2).1, [pack(0, 2), pack(0, 3)]);
}

#[test]
fn frames_are_labelled_with_types_that_were_asked_for() {
    let rss = Rss::new();
    assert_eq!(
        (rss.hash_information(), rss.target(0).is_none()),
        (None, true)
    );
    let mut p = on(&[(0, 0), (1, 1)]);
    p.types = NDIS_HASH_TCP_IPV4 | NDIS_HASH_TCP_IPV6 | NDIS_HASH_IPV6;
    rss.set(p, 2);
    let of = |kind| kind | TOEPLITZ;
    assert_eq!(
        rss.hash_information(),
        Some([
            0,
            of(NDIS_HASH_TCP_IPV4),
            0,
            of(NDIS_HASH_TCP_IPV6),
            0,
            of(NDIS_HASH_IPV6),
            0,
            0
        ])
    );
    let target = rss.target(1).expect("two queues");
    assert_eq!((target.Group, target.Number), (1, 1));
    assert!(rss.target(2).is_none());
    p.on = false;
    rss.set(p, 2);
    assert_eq!(
        (rss.hash_information(), rss.target(1).is_none()),
        (None, true)
    );
}

#[test]
fn the_answer_can_be_set() {
    let old = on(&[(0, 0), (0, 1), (0, 2), (0, 3)]);
    let (bytes, length) = answer(&old);
    assert_eq!(length, 40 + 16 + 40);
    let (mut header, _) = request(0, V4, &[(0, 0); 4], &KEY);
    header.Header.Size = 40;
    assert_eq!(Parameters::NONE.changed(&header, &bytes[..length]), Ok(old));
    let (bytes, length) = answer(&Parameters::NONE);
    assert_eq!(
        (length, u32::from(bytes[4])),
        (40, NDIS_RSS_PARAM_FLAG_DISABLE_RSS)
    );
}
