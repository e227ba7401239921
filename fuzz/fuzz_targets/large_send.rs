// SPDX-License-Identifier: MIT OR Apache-2.0
//! Header parsing and segmentation of large sends.
#![no_main]

#[path = "../src/large_send.rs"]
mod large_send;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    large_send::fuzzed(data);
});
