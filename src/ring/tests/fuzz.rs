// SPDX-License-Identifier: MIT OR Apache-2.0
//! The check of the fuzz target `receive_ring` over generated inputs.

#[path = "../../../fuzz/src/receive_ring.rs"]
mod receive_ring;

use super::std::vec;
use super::std::vec::Vec;
use proptest::prelude::*;

/// One step of a program: mostly descriptors that could be.
fn step() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        Just(2048u64),
        1u64..2049,
        Just(0),
        2049u64..65536,
        any::<u16>().prop_map(u64::from)
    ];
    let status = prop_oneof![
        Just(1u64),
        Just(3),
        Just(0x0002_0273),
        any::<u32>().prop_map(u64::from)
    ];
    let write =
        (any::<u8>(), length, status, any::<u64>()).prop_map(|(at, length, status, first)| {
            // The second word, as a rule.
            let word = if at & 0x1C == 0 {
                first
            } else {
                length << 32 | status
            };
            let at = if at & 0x1C == 0 { at & !4 } else { at | 4 };
            let mut bytes = vec![at | 2];
            bytes.extend_from_slice(&word.to_le_bytes());
            bytes
        });
    prop_oneof![4 => write, 1 => Just(vec![0]), 2 => Just(vec![1])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn steps(size in any::<u8>(), steps in proptest::collection::vec(step(), 0..300)) {
        let program: Vec<u8> = [size, 0].into_iter().chain(steps.into_iter().flatten()).collect();
        receive_ring::check(&program);
    }

    #[test]
    fn bytes(program in proptest::collection::vec(any::<u8>(), 0..2000)) {
        receive_ring::check(&program);
    }
}

#[test]
fn the_generated_inputs_reach_frames() {
    // 8 descriptors: post, a frame in two buffers, and take it.
    let mut program = vec![0, 0];
    for (at, second) in [(1u8, 2048u64 << 32 | 1), (3, 60 << 32 | 3)] {
        program.push(at << 2 | 2);
        program.extend_from_slice(&second.to_le_bytes());
    }
    program.push(1);
    assert_eq!(receive_ring::check(&program), 1);
}
