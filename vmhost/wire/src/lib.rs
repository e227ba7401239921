// SPDX-License-Identifier: MIT OR Apache-2.0
//! Test frames that the checked host and the runner's traffic peer both compute from a few
//! numbers, and the messages in which they tell each other which.
//!
//! Knows no device and no NDIS; `no_std`, because one side runs on bare metal.
#![no_std]
extern crate alloc;

pub mod checksum;
pub mod control;
pub mod flood;
pub mod flows;
pub mod frame;
pub mod toeplitz;
