// SPDX-License-Identifier: MIT OR Apache-2.0
//! The driver's own OIDs: the interrupt record, and the self-test on demand. PASSIVE_LEVEL.
//!
//! Their layouts are in `docs/oids.md`. They are in the supported list and are published through
//! OID_GEN_SUPPORTED_GUIDS (O-12), so that WMI can reach them as well as a protocol driver.

use crate::adapter::Core;
use crate::hw::stats::COUNTERS;
use crate::net::statistics::Direction;
use ndis::ffi::{NDIS_OID, OID_GEN_SUPPORTED_GUIDS};
use ndis::irql::{Irql, Passive};
use ndis::oid::{Argument, Reply};
use ndis::status::{Result, Status};

/// Query: the interrupt record, laid out as [`crate::irq::report`] says.
pub const OID_E1000E_INTERRUPT_RECORD: NDIS_OID = 0xFF82_5740;
/// Set of a 4-byte 1: raises every vector once and waits for it, 100 ms at most; fails with HARD_ERRORS if one did not
/// arrive. Query: one bit per message in use whose last test failed, 4 bytes.
pub const OID_E1000E_INTERRUPT_SELF_TEST: NDIS_OID = 0xFF82_5741;

/// Query: all counters, 64 bits each, little-endian: the chip's in the order of
/// [`NAMES`](crate::hw::stats::Statistics::NAMES), then for receive queues 0 and 1 and transmit queues 0 and 1: frames
/// and octets to one station, to groups, to everybody, errors, discards.
pub const OID_E1000E_STATISTICS: NDIS_OID = 0xFF82_5742;

/// fNDIS_GUID_TO_OID: the GUID stands for an OID.
const TO_OID: u32 = 0x1;
/// fNDIS_GUID_ALLOW_READ.
const ALLOW_READ: u32 = 0x20;
/// fNDIS_GUID_ALLOW_WRITE.
const ALLOW_WRITE: u32 = 0x40;

/// An OID as WMI sees it.
struct Published {
    guid: (u32, u16, u16, [u8; 8]),
    oid: NDIS_OID,
    size: u32,
    flags: u32,
}

/// What OID_GEN_SUPPORTED_GUIDS lists.
const PUBLISHED: [Published; 3] = [
    Published {
        guid: (
            0x6C0B_1F57,
            0x94D2,
            0x4E1B,
            [0x8A, 0x3E, 0x51, 0x7D, 0x0E, 0x82, 0x57, 0x40],
        ),
        oid: OID_E1000E_INTERRUPT_RECORD,
        size: crate::irq::report::BYTES as u32,
        flags: TO_OID | ALLOW_READ,
    },
    Published {
        guid: (
            0x6C0B_1F57,
            0x94D2,
            0x4E1B,
            [0x8A, 0x3E, 0x51, 0x7D, 0x0E, 0x82, 0x57, 0x41],
        ),
        oid: OID_E1000E_INTERRUPT_SELF_TEST,
        size: 4,
        flags: TO_OID | ALLOW_READ | ALLOW_WRITE,
    },
    Published {
        guid: (
            0x6C0B_1F57,
            0x94D2,
            0x4E1B,
            [0x8A, 0x3E, 0x51, 0x7D, 0x0E, 0x82, 0x57, 0x42],
        ),
        oid: OID_E1000E_STATISTICS,
        size: (ALL_COUNTERS * size_of::<u64>()) as u32,
        flags: TO_OID | ALLOW_READ,
    },
];

/// Counters of [`OID_E1000E_STATISTICS`]: the chip's, and eight for each of four queues.
const ALL_COUNTERS: usize = COUNTERS + 4 * 8;

/// Bytes of an NDIS_GUID.
const GUID_BYTES: usize = 28;

/// The answer to OID_GEN_SUPPORTED_GUIDS: an array of NDIS_GUID.
fn guids() -> [u8; PUBLISHED.len() * GUID_BYTES] {
    let mut out = [0; PUBLISHED.len() * GUID_BYTES];
    for (slot, published) in out.chunks_exact_mut(GUID_BYTES).zip(&PUBLISHED) {
        let (a, b, c, d) = published.guid;
        let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
        let tail = [published.oid, published.size, published.flags].map(u32::to_le_bytes);
        let bytes = a
            .iter()
            .chain(&b)
            .chain(&c)
            .chain(&d)
            .chain(tail.as_flattened());
        for (slot, byte) in slot.iter_mut().zip(bytes) {
            *slot = *byte;
        }
    }
    out
}

/// OID_GEN_SUPPORTED_GUIDS.
pub const SUPPORTED_GUIDS: NDIS_OID = OID_GEN_SUPPORTED_GUIDS;

/// OID_GEN_SUPPORTED_GUIDS.
pub fn supported_guids(_: &Core, reply: &mut Reply<'_>) -> Status {
    reply.bytes(&guids())
}

/// OID_E1000E_INTERRUPT_RECORD.
pub fn interrupt_record(core: &Core, reply: &mut Reply<'_>) -> Status {
    match core.interrupt_record() {
        Some(record) => reply.bytes(&record),
        None => Status::FAILURE,
    }
}

/// OID_E1000E_STATISTICS.
pub fn statistics(core: &Core, reply: &mut Reply<'_>) -> Status {
    let chip = core.counters.update(core).values();
    let all = &core.statistics;
    let own = [
        all.receive(0),
        all.receive(1),
        all.transmit(0),
        all.transmit(1),
    ];
    let own = own.map(Direction::values);
    let mut out = [0_u64; ALL_COUNTERS];
    for (slot, value) in out.iter_mut().zip(chip.iter().chain(own.as_flattened())) {
        *slot = *value;
    }
    reply.value(&out)
}

/// OID_E1000E_INTERRUPT_SELF_TEST, query.
pub fn self_test_result(core: &Core, reply: &mut Reply<'_>) -> Status {
    reply.value(&u32::from(core.untested().bits()))
}

/// OID_E1000E_INTERRUPT_SELF_TEST, set.
pub fn self_test(core: &Core, argument: &mut Argument<'_>, irql: &mut Irql<Passive>) -> Result<()> {
    let run: u32 = argument.value()?;
    if run != 1 {
        return Err(Status::INVALID_DATA);
    }
    core.self_test(irql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_28_bytes_each_and_name_their_oids() {
        let all = guids();
        let (first, rest) = all.split_at(GUID_BYTES);
        let (second, third) = rest.split_at(GUID_BYTES);
        assert_eq!(first[..4], 0x6C0B_1F57_u32.to_le_bytes());
        assert_eq!(first[4..8], [0xD2, 0x94, 0x1B, 0x4E]);
        assert_eq!(first[15], 0x40);
        assert_eq!(first[16..20], [0x40, 0x57, 0x82, 0xFF]);
        assert_eq!(first[20..24], 472_u32.to_le_bytes());
        assert_eq!(first[24..], 0x21_u32.to_le_bytes());
        assert_eq!(
            second[16..],
            [0x41, 0x57, 0x82, 0xFF, 4, 0, 0, 0, 0x61, 0, 0, 0]
        );
        assert_ne!(first[..16], second[..16]);
        assert_eq!(third[16..20], [0x42, 0x57, 0x82, 0xFF]);
        assert_eq!(third[20..24], ((COUNTERS as u32 + 32) * 8).to_le_bytes());
        assert_eq!(GUID_BYTES, size_of::<ndis::ffi::NDIS_GUID>());
    }

    #[test]
    fn the_document_has_each_oid_and_each_counter_in_its_place() {
        extern crate std;
        use std::{format, fs};
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/oids.md");
        let text = fs::read_to_string(path).expect("the document");
        let has = |row: &str| assert!(text.contains(row), "{row}");
        for one in PUBLISHED {
            let row = format!("| {:#010X} |", one.oid);
            let line = text.lines().find(|line| line.starts_with(&row));
            let size = format!(" {} |", one.size);
            assert!(line.is_some_and(|line| line.contains(&size)), "{row}");
        }
        let names = crate::hw::stats::Statistics::NAMES;
        for (place, name) in (0..).step_by(8).zip(names) {
            has(&format!("\n| {place} | {name} | "));
        }
        let queues = [
            "receive queue 0",
            "receive queue 1",
            "transmit queue 0",
            "transmit queue 1",
        ];
        for (number, queue) in queues.iter().enumerate() {
            let place = (COUNTERS + 8 * number) * size_of::<u64>();
            has(&format!("\n| {place} | {queue} |"));
        }
    }
}
