// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interrupt protocol as pure logic over [`Mmio`](crate::hw::mmio::Mmio): no NDIS, no allocation, no locks.
//!
//! # How the glue uses it
//! ```text
//! let irq = Interrupts::new();                    // before registration: every vector OFFLINE (X-09, X-100)
//! NdisMRegisterInterruptEx(..)                    // ISR and DPC may run from here on
//! let grant = Grant::Line { shared } | Grant::Msi | Grant::MsiX { messages };
//! let setup = selftest::prove(&irq, &mmio, grant, Options { .. }, &clock)?;
//!     // per rung: Setup::plan, irq.start (IVAR, EIAC, IAM, CTRL_EXT, EITR/ITR, then IMS), ICS per vector;
//!     // 100 ms in all; None: no vector arrives, and everything is stopped
//! ..
//! irq.stop(&mmio);                                // masks; then NdisMDeregisterInterruptEx; then free
//!
//! MiniportInterrupt            irq.isr_line(&mmio)      -> Isr { claimed, queue_dpc }
//! MiniportMessageInterrupt     irq.isr_message(id)      -> Isr: takes no Mmio, so it can touch no register
//! Miniport(Message)InterruptDPC
//!     match irq.dpc_begin(&mmio, id) {                  // line: id 0
//!         Dpc::Idle => return,                          // unknown id, offline, gone, or another DPC owns it
//!         Dpc::Run(work) => { work.roles() .. work.link() .. work.overrun()
//!             poll rings within MaxNblsToIndicate;
//!             match irq.dpc_end(&mmio, work, Outcome::Done | Throttled | Requeue) {
//!                 End::Finished => MoreNblsPending = FALSE,
//!                 End::Again    => loop to dpc_begin (bounded) or NdisMQueueDpc(Ex); handle not there yet: irq.raise(..)
//!                 End::Throttled => MoreNblsPending = TRUE,
//!                 End::Requeue => NdisMQueueDpc(Ex)
//!             } } }
//! MiniportDisable(Message)Interrupt   irq.disable(&mmio, id)
//! MiniportEnable(Message)Interrupt    irq.enable(&mmio, id)
//! ```
//! Between `dpc_begin` → `Run` and `dpc_end` the caller owns the vector: no other DPC of it runs, so the
//! receive rings of its roles need no lock. `Work` is the token; it must be given back to `dpc_end`.
//!
//! # The files
//! | module | what |
//! |---|---|
//! | [`map`] | grant → roles per vector, IVAR, EIAC, IMS |
//! | [`setup`] | the register set-up for a map: always armed or auto-mask, line, MSI |
//! | [`word`] | the one atomic word per vector: saved causes and state flags |
//! | [`record`] | counters per vector |
//! | `vector` | one vector: word, configuration, mask |
//! | [`vectors`] | ISR, DPC, enable, disable, start, stop |
//! | [`polling`] | a vector whose queues NDIS polls |
//! | [`moderation`] | ITR/EITR values and the adaptive steps |
//! | [`selftest`] | raising each vector once with ICS; down the ladder when one does not come |
//! | [`report`] | the interrupt record as bytes |
//! | `registration`, `resources`, `clock` | NDIS glue: the eight handlers, the resource filter, time |
//! | [`sync`] | atomics: `core` normally, loom's under `--cfg loom` |

#[cfg(not(loom))]
pub mod clock;
pub mod map;
pub mod moderation;
pub mod polling;
pub mod record;
#[cfg(not(loom))]
pub mod registration;
pub mod report;
#[cfg(not(loom))]
pub mod resources;
pub mod selftest;
pub mod setup;
pub mod sync;
mod vector;
pub mod vectors;
pub mod word;

pub use map::{Grant, Kind, Messages, Reason, Roles, VectorMap};
pub use record::Record;
pub use setup::{Arming, Options, Setup};
pub use vectors::{Dpc, End, Interrupts, Isr, Outcome, Work};

/// Interrupt vectors of the chip.
pub const VECTORS: usize = 5;

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod loom_poll_tests;
#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, loom))]
mod loom_world;
