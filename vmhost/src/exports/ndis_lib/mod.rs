// SPDX-License-Identifier: MIT OR Apache-2.0
//! The part of ndis.sys that needs no adapter.

pub mod clone;
pub mod config;
pub mod memory;
pub mod misc;
pub mod nb;
pub mod nbl;
pub mod sync;
pub mod work;

use super::Export;

/// The tables of this folder.
pub const TABLES: &[&[&Export]] = &[
    clone::EXPORTS,
    config::EXPORTS,
    memory::EXPORTS,
    misc::EXPORTS,
    nb::EXPORTS,
    nbl::EXPORTS,
    sync::EXPORTS,
    work::EXPORTS,
];
