// SPDX-License-Identifier: MIT OR Apache-2.0
//! Net buffer lists as owned values. At most DISPATCH_LEVEL.
//!
//! Sending: NDIS hands over a [`SendChain`]; the driver pops [`SendNbl`]s, splits each into its [`TxNetBuffer`]s, and
//! gets the `SendNbl` back when the last of those is finished. Whatever is dropped instead is completed with FAILURE,
//! so every NBL is completed exactly once (contract D-03).
//!
//! Receiving: a [`ReceiveNbl`] owns its NBL, its MDL and a share of its memory and pool; a [`ReceiveChain`] is
//! indicated and comes back through `return_nbls`. A frame that spans several buffers is one NBL with the others behind
//! it: they are lent with it and come back with it.
//!
//! The crate uses `MiniportReserved` of the NBL and of the net buffer, but for one word of the latter, which is the
//! driver's until the net buffer enters a queue; the driver has `Scratch` of the NBL.

mod list;
pub(crate) mod net_buffer;
mod receive;
mod send;
mod stack;

pub use net_buffer::{OnlyNetBuffers, TxNetBuffer, TxNetBuffers};
pub use receive::{NblPool, ReceiveChain, ReceiveNbl};
pub use send::{SendChain, SendNbl};
pub use stack::{ReceivePile, ReturnStack};
