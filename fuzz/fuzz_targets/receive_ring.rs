// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes as what a device writes into a receive ring.
#![no_main]

#[path = "../src/receive_ring.rs"]
mod receive_ring;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    receive_ring::check(data);
});
