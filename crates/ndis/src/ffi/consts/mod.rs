// SPDX-License-Identifier: MIT OR Apache-2.0
//! Constants, grouped by what they are about.
#![allow(unused_qualifications, reason = "each file has a LIST")]

pub mod enums_features;
pub mod enums_ndis;
pub mod enums_nt;
pub mod error_log;
pub mod features;
pub mod flags;
pub mod nt_consts;
pub mod object;
pub mod oids;
pub mod status_codes;

pub use enums_features::*;
pub use enums_ndis::*;
pub use enums_nt::*;
pub use error_log::*;
pub use features::*;
pub use flags::*;
pub use nt_consts::*;
pub use object::*;
pub use oids::*;
pub use status_codes::*;

/// Every constant of this module, by file: name, bit pattern, size in bytes.
pub const CONSTANTS: &[&[(&str, u64, usize)]] = &[
    enums_features::LIST,
    enums_ndis::LIST,
    enums_nt::LIST,
    error_log::LIST,
    features::LIST,
    flags::LIST,
    nt_consts::LIST,
    object::LIST,
    oids::LIST,
    status_codes::LIST,
];
