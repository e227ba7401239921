// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions of the fuzz targets over generated inputs, on a stable toolchain.

#[path = "../fuzz/src/large_send.rs"]
mod large_send;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

/// Bytes that begin like a TCP packet, so that most of them get past the first checks.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        // IPv4 with any length of header.
        (5u8..16).prop_map(|words| vec![8, 0, 0x40 | words]),
        Just(vec![0x86, 0xDD, 0x60]),
        Just(vec![0x81, 0, 0, 1, 8, 0, 0x45]),
        Just(vec![0x88, 0xA8, 0, 1, 0x81, 0, 0, 2, 0x86, 0xDD, 0x60]),
    ];
    let rest = proptest::collection::vec(any::<u8>(), 20..700);
    (1u16..400, start, rest, any::<bool>()).prop_map(|(mss, start, mut rest, tcp)| {
        if tcp {
            // Protocol or next header TCP, no fragment, and a data offset that is possible if the header has no options.
            if start.ends_with(&[0x60]) {
                rest[5] = 6;
                if let Some(offset) = rest.get_mut(39 + 12) {
                    *offset = 0x50 | *offset & 0xA0;
                }
            } else {
                rest[8] = 6;
                rest[5] = 0;
                rest[6] = 0;
                let words = usize::from(start.last().copied().unwrap_or(0) & 0xF);
                if let Some(offset) = rest.get_mut(words * 4 - 1 + 12) {
                    *offset = 0x50 | *offset & 0xA0;
                }
            }
        }
        let mut data = mss.to_le_bytes().to_vec();
        data.extend_from_slice(&[2; 12]);
        data.extend_from_slice(&start);
        data.append(&mut rest);
        data
    })
}

#[test]
fn large_sends() {
    let mut checked = 0;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..4000 {
        let tree = packet().new_tree(&mut runner).expect("an input");
        checked += large_send::check(&tree.current());
    }
    assert!(
        checked > 4000,
        "only {checked} segments: the inputs do not get far"
    );
}

proptest! {
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        large_send::check(&data);
        large_send::fuzzed(&data);
    }
}

/// Each of the headers that a fuzzer gets makes segments: the longest input is one with a payload and no changed bit.
#[test]
fn a_fuzzer_gets_far() {
    for kind in 1..5 {
        let data = [&[kind, 10, 0][..], &[0; 400]].concat();
        assert!(large_send::fuzzed(&data) > 30, "headers {kind}");
    }
}
