// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the README says about the crate. Its skeleton is a documentation test.

use ndis::ffi::{RECORDS, consts::CONSTANTS};

const README: &str = include_str!("../README.md");

#[test]
fn the_skeleton_has_at_most_forty_lines() {
    let (_, rest) = README.split_once("```rust\n").expect("a skeleton");
    let (skeleton, _) = rest.split_once("```").expect("its end");
    assert!(skeleton.lines().count() <= 40);
    assert!(skeleton.contains("driver_entry!"));
}

#[test]
fn the_numbers_are_right() {
    let records = RECORDS.iter().flat_map(|file| file.iter());
    let records = records.filter(|record| !record.part).count();
    let constants: usize = CONSTANTS.iter().map(|file| file.len()).sum();
    let with_space = format!("{} {:03}", constants / 1000, constants % 1000);
    for said in [
        format!("{records} structures and unions"),
        format!("{with_space} constants"),
    ] {
        assert!(README.contains(&said), "{said}");
    }
}
