// SPDX-License-Identifier: MIT OR Apache-2.0
//! One adapter, from MiniportInitializeEx to MiniportHaltEx.
//!
//! | module | what |
//! |---|---|
//! | [`core`](mod@self::core) | what the interrupt handlers and the data path share |
//! | [`dpc`] | the DPC: transmit, link, receive within its budget |
//! | [`init`] | acquires everything in the documented order; a failure releases by ownership (I-14) |
//! | [`driver`] | the [`Miniport`](ndis::miniport::Miniport) callbacks: states, pause, restart, halt, PnP |
//! | [`link`] | link state to NDIS, flow control |
//! | [`counters`] | the chip's counters |
//! | [`gate`] | who may be in the data path, and when everybody has left |
//! | [`restart`] | the chip stopped and set up anew: power states, a chip that does not send |
//! | [`watch`] | finds a chip that does not send |
//! | [`poll`] | NDIS poll: the same work within NDIS' limits |
//! | [`delay`] | waiting |
//!
//! NDIS glue: uses `ndis`, `hw`, `irq`, `ring`, `net`; knows no bit numbers.

mod core;
mod counters;
mod delay;
pub(crate) mod device;
mod dpc;
mod driver;
pub mod gate;
mod init;
mod link;
mod place;
mod poll;
mod restart;
mod watch;

pub use self::core::Core;
pub use self::driver::{Adapter, Driver};
