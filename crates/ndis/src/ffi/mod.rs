// SPDX-License-Identifier: MIT OR Apache-2.0
//! Structures, constants and routine types of NDIS 6.x and of the kernel below it, x64, layout of NDIS 6.87.
//!
//! Names are those of the headers. An unnamed aggregate of C is a member `u` (union) or `s` (structure), with its byte
//! offset appended where a record has several; bit-fields are one integer member `bits` with a getter and a setter
//! per field. Sizes, alignments and offsets are asserted at compile time and compared with `facts/layouts.toml` by a
//! test. Nothing here calls anything, so the module builds for every target.
//!
//! A structure that NDIS versioned has `NDIS_SIZEOF_…_REVISION_n`: the size through the last member of that revision,
//! which can be smaller than `size_of`.
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(clippy::identity_op, clippy::unnecessary_cast, clippy::erasing_op)]

pub use core::ffi::c_void;

#[macro_use]
mod macros;
pub use macros::{Field, FieldKind, Record};

mod accessors;
pub mod adapter;
pub mod callbacks;
pub mod config;
pub mod consts;
pub mod driver;
pub mod header;
pub mod interrupt;
pub mod nbl;
pub mod nbl_info;
pub mod nt;
pub mod nt_irp;
pub mod nt_mdl;
pub mod nt_sync;
pub mod offload;
pub mod oid;
pub mod pm;
pub mod poll;
pub mod port;
pub mod receive_filter;
pub mod resources;
pub mod rss;
mod same;
pub mod sg;
pub mod statistics;
pub mod status;
pub mod sync;
pub mod timer;
pub mod types;

pub use adapter::*;
pub use callbacks::*;
pub use config::*;
pub use consts::*;
pub use driver::*;
pub use header::*;
pub use interrupt::*;
pub use nbl::*;
pub use nbl_info::*;
pub use nt::*;
pub use nt_irp::*;
pub use nt_mdl::*;
pub use nt_sync::*;
pub use offload::*;
pub use oid::*;
pub use pm::*;
pub use poll::*;
pub use port::*;
pub use receive_filter::*;
pub use resources::*;
pub use rss::*;
pub use sg::*;
pub use statistics::*;
pub use status::*;
pub use sync::*;
pub use timer::*;
pub use types::*;

/// Every record of this module, by file.
pub const RECORDS: &[&[&Record]] = &[
    adapter::RECORDS,
    config::RECORDS,
    driver::RECORDS,
    header::RECORDS,
    interrupt::RECORDS,
    nbl::RECORDS,
    nbl_info::RECORDS,
    nt::RECORDS,
    nt_irp::RECORDS,
    nt_mdl::RECORDS,
    nt_sync::RECORDS,
    offload::RECORDS,
    oid::RECORDS,
    pm::RECORDS,
    poll::RECORDS,
    port::RECORDS,
    receive_filter::RECORDS,
    resources::RECORDS,
    rss::RECORDS,
    sg::RECORDS,
    statistics::RECORDS,
    status::RECORDS,
    sync::RECORDS,
    timer::RECORDS,
    types::RECORDS,
];
