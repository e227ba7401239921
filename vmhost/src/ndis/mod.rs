// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS as one miniport sees it: registration, the adapter's life, resources, interrupts, DMA,
//! OIDs, status and the data path.
//!
//! Every call into the driver goes through [`crate::verify`], everything handed out is in
//! [`crate::ledger`]. Where the contract leaves NDIS a choice, [`dice`] takes it; where the public
//! documentation says nothing, the choice made here is named in [`guesses`].

pub mod adapter;
pub mod attributes;
pub mod bus;
pub mod counters;
pub mod dice;
pub mod driver;
pub mod guesses;
pub mod handlers;
pub mod header;
pub mod instant;
pub mod interrupt;
pub mod io_space;
pub mod lifecycle;
pub mod logical;
pub mod means;
pub mod nbl;
pub mod offload;
pub mod oid;
pub mod pnp;
pub mod poll;
pub mod receive;
pub mod requirements;
pub mod reset;
pub mod resources;
pub mod send;
pub mod sg;
pub mod shared_memory;
pub mod status;
pub mod watch;

use crate::exports::Export;

/// The exports of this layer.
pub static TABLES: &[&[&Export]] = &[
    attributes::EXPORTS,
    bus::EXPORTS,
    driver::EXPORTS,
    interrupt::EXPORTS,
    io_space::EXPORTS,
    lifecycle::EXPORTS,
    oid::EXPORTS,
    pnp::EXPORTS,
    poll::EXPORTS,
    receive::EXPORTS,
    reset::EXPORTS,
    send::EXPORTS,
    sg::EXPORTS,
    shared_memory::EXPORTS,
    status::EXPORTS,
];
