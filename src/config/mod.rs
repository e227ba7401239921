// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configuration: the keywords of the driver's registry key.
//!
//! [`KEYWORDS`](keywords::KEYWORDS) is the one table: name, allowed values and default. The registry
//! reader, the INF (`inf/ndis_e1000e.inx`, compared by a test) and the answers to OIDs follow it.
//! Pure logic: it touches neither NDIS nor the device; the adapter supplies a function that reads
//! one value.

pub mod keywords;
mod settings;

pub use settings::Settings;
