// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Intel 82574L: registers, descriptors, reset, NVM, PHY, link, filters and statistics.
//!
//! Knows the chip and nothing else: no NDIS, no allocation, no locks. Everything goes through
//! [`mmio::Mmio`], so the same code runs on the mapped BAR 0 and on the software model in `fake`.
//! Functions that wait take a [`reset::Delay`] and belong at PASSIVE_LEVEL; the others say so.
//!
//! | module | what |
//! |---|---|
//! | [`mmio`] | the register seam: offsets, access kinds in the type, the mapped BAR |
//! | [`regs`] | every register used, with its access kind |
//! | [`bits`] | the fields of those registers |
//! | [`desc`] | receive and transmit descriptors |
//! | [`reset`] | global reset, own stop path, defaults |
//! | [`nvm`] | MAC address and checksum through EERD |
//! | [`phy`], [`link`] | MDIC, autonegotiation, link state, flow control |
//! | [`ivar`] | cause → vector routing |
//! | [`filter`] | receive addresses, multicast hash, VLAN filter, RCTL bits |
//! | [`queue`] | ring registers, transmit and receive unit set-up |
//! | [`rss`] | receive-side scaling: key, table, hash types |
//! | [`stats`] | read-clear counters added up in 64 bits |
//! | [`errata`] | one table of silicon workarounds with their switches |

pub mod bits;
pub mod desc;
pub mod errata;
pub mod filter;
pub mod ivar;
pub mod link;
pub mod mmio;
pub mod nvm;
pub mod phy;
pub mod queue;
pub mod regs;
pub mod reset;
pub mod rss;
pub mod stats;

#[cfg(any(test, feature = "fake"))]
pub mod fake;

#[cfg(test)]
mod tests;
