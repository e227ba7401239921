// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data path between NDIS and the rings: sends, receives, filters and counters.
//!
//! NDIS glue: uses `ndis` and `ring`; knows no register and no bit number. No lock is held across a call into NDIS
//! (K-01), nothing is allocated while frames move.

pub mod arrival;
pub mod checksum;
pub mod feed;
pub mod filter;
pub mod frame;
pub mod headers;
pub mod memory;
pub mod offload;
pub mod plan;
pub mod receive;
pub mod rss;
pub mod segment;
pub mod send;
pub mod statistics;
pub mod window;
