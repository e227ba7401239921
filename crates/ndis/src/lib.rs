// SPDX-License-Identifier: MIT OR Apache-2.0
//! NDIS 6 for Rust: what an Ethernet miniport needs of `ndis.sys`, with ownership and IRQL in the types.
//!
//! Three layers:
//!
//! | module | what | safe? |
//! |---|---|---|
//! | [`ffi`] | structures, constants, routine types; C names; every layout asserted; any target | data only |
//! | `sys` | the real exports of ndis.sys and ntoskrnl.exe, and what the headers define inline | `unsafe` |
//! | the rest | owned types and traits; the trampolines are the only `extern "system"` code a driver needs | safe |
//!
//! # IRQL tokens
//!
//! [`Irql<L>`](irql::Irql) is proof that the current IRQL is `L`: [`Passive`](irql::Passive),
//! [`AtMostDispatch`](irql::AtMostDispatch), [`Dispatch`](irql::Dispatch), [`Dirql`](irql::Dirql). Callbacks receive
//! `&mut Irql<L>`; a call with a ceiling takes `&Irql<L>` with `L: AtMost<Ceiling>`; what raises the IRQL borrows the
//! token mutably, so the lower token cannot be used while the IRQL is raised:
//!
//! ```text
//! irql.at_dispatch(|irql: &mut Irql<Dispatch>| …)            // from any L: AtMost<Dispatch>
//! let mut guard = lock.lock(&mut irql);                       // SpinLock<T>; guard derefs to T
//! guard.irql() -> &Irql<Dispatch>;  guard.split() -> (&mut T, &mut Irql<Dispatch>)
//! interrupt.synchronize(message, irql, |irql: &mut Irql<Dirql>| …)
//! ```
//!
//! Tokens come only from trampolines. Calls that are legal at any IRQL take none.
//!
//! # A driver
//!
//! ```text
//! ndis::driver_entry!(MyMiniport);                            // exports DriverEntry
//! impl Miniport for MyMiniport {
//!     type Adapter = MyAdapter;                               // Send + Sync; owned by the crate between init and halt
//!     const MAJOR_VERSION: u8; const MINOR_VERSION: u8;       // and OLDEST_NDIS (6.84), NEWEST_NDIS (6.87), PNP, …
//!     fn initialize(init: Init<'_>, irql: &mut Irql<Passive>) -> Result<MyAdapter>;
//!     fn halt(adapter: MyAdapter, action: HaltAction, irql: &mut Irql<Passive>);
//!     fn pause(adapter: &MyAdapter, request: PauseRequest, irql: &mut Irql<Passive>) -> Outcome;
//!                    // request.done(), or request.pend() -> (PendingPause, Outcome); PendingPause::complete(irql)
//!     fn restart(adapter: &MyAdapter, request: RestartRequest<'_>, irql: &mut Irql<Passive>) -> Result<Outcome>;
//!     fn oid_request(adapter: &MyAdapter, request: OidRequest<'_>, irql: &mut Irql<Passive>) -> Outcome;
//!                    // request.done(status), or request.pend() -> (PendingOid, Outcome); PendingOid::complete(status, irql)
//!     fn send(adapter: &MyAdapter, nbls: SendChain, port: u32, flags: u32, irql: &mut Irql<AtMostDispatch>);
//!     fn return_nbls(adapter: &MyAdapter, nbls: ReceiveChain, flags: u32, irql: &mut Irql<AtMostDispatch>);
//!     fn shutdown(adapter: &MyAdapter, action: ShutdownAction);          // any IRQL: no token
//!     // with defaults: cancel_send, cancel_oid_request, pnp_event, check_for_hang, reset, unload
//! }
//! ```
//!
//! # `initialize`, in order
//!
//! ```text
//! let config = init.configuration(irql)?;                     // Configuration<'_>, closes on drop
//! config.u32("*ReceiveBuffers") -> Option<u32>;  config.network_address() -> Option<[u8; 6]>
//! init.resources().memory(0) -> Option<(u64, u64)>; .iter() of Resource::{Memory, Port, LineInterrupt, …}
//! init.ndis_version() -> u32
//! let reg = init.register(&RegistrationAttributes::PCI, irql)?;           // Registered<'_>, derefs to Init
//! let adapter: AdapterHandle = reg.adapter();
//! reg.set_general(&GeneralAttributes { .. }, irql)?;
//! reg.set_offload(&initial, &capabilities, irql)?;                       // NDIS_OFFLOAD twice
//! let bar = IoSpace::map(&reg, physical, length, irql)?;             // read32/write32(offset), Drop unmaps
//! let dma = ScatterGatherDma::register(&adapter, handler, SgDma { max_transfer, address_64 }, irql)?;
//! let memory = dma.allocate_shared(length, cached, irql)?;  // Shared<SharedMemory>: as_ptr, logical_address, len
//! let pool = NblPool::allocate(&adapter, tag, irql)?;                    // Shared<NblPool>
//! let nbl = ReceiveNbl::allocate(&pool, &memory, offset, capacity, word, irql)?;
//! let interrupt = Interrupt::register(&adapter, handlers, CHARACTERISTICS, irql)?;
//! match interrupt.grant() { Grant::Line => …, Grant::Messages(table) => table.len() }
//! ```
//!
//! # Interrupts
//!
//! Implement [`LineHandlers`](interrupt::LineHandlers) and, for MSI and MSI-X,
//! [`MessageHandlers`](interrupt::MessageHandlers); build a
//! [`MiniportInterruptCharacteristics`](interrupt::MiniportInterruptCharacteristics); register an
//! [`Interrupt`](interrupt::Interrupt). The handlers value moves into the registration and is freed after NDIS has let
//! go of it; share state with the adapter through [`Shared`](mem::Shared).
//!
//! ```text
//! trait LineHandlers: Send + Sync + 'static {
//!     fn isr(&self, interrupt: InterruptRef<'_>, irql: &mut Irql<Dirql>) -> IsrResult;
//!     fn dpc(&self, interrupt: InterruptRef<'_>, throttle: &mut Throttle, irql: &mut Irql<Dispatch>);
//!     fn disable(&self, irql: &mut Irql<Dirql>);
//!     fn enable(&self, irql: &mut Irql<Dirql>);
//! }
//! trait MessageHandlers: LineHandlers { message_isr, message_dpc, disable_message, enable_message: as above, with message: u32 }
//! const CHARACTERISTICS: MiniportInterruptCharacteristics<H> =
//!     MiniportInterruptCharacteristics::messages(MessageSync::PerMessage);   // or ::line()
//! IsrResult::NOT_MINE | IsrResult::claimed() | IsrResult::claimed_with_dpc()
//! throttle.limit() -> Option<u32>; throttle.remaining() -> u32; throttle.indicated(n); throttle.more_pending() -> bool
//! interrupt.queue_dpc(message, GroupAffinity { group, mask }) -> u64;  interrupt.synchronize(message, irql, |irql| …)
//! interrupt.deregister(irql)                                    // or drop at PASSIVE_LEVEL
//! ```
//!
//! # Data path
//!
//! ```text
//! send:    SendChain  --pop()-->  SendNbl  --split()-->  TxNetBuffer (one per NET_BUFFER, counted)
//!          TxNetBuffer --dma.map(nb, irql)--> SgListHandler::process(&self, MappedNetBuffer, &mut Irql<Dispatch>)
//!          many of them: dma.mapping(count).map(nb, irql) …; mapped.unmap_with(&mut Unmapping::new(), irql) …
//!          MappedNetBuffer: elements() -> &[SCATTER_GATHER_ELEMENT], unmap(irql) -> TxNetBuffer
//!          TxNetBuffer: data_length(), copy_to(&mut [u8], irql), info(slot), finish(status) -> Option<SendNbl> (Some for the last one)
//!          SendNbl -> chain.push(nbl);  chain.complete(irql)   // every NBL exactly once; dropping completes with FAILURE
//! receive: ReceiveNbl: word(), prepare(length), set_info(slot, value)  -> ReceiveChain.push
//!          chain.indicate(&adapter, flags, irql)               // gone until return_nbls …
//!          chain.indicate_low_resources(&adapter, flags, irql) -> ReceiveChain   // … or back at once
//! ```
//!
//! # The rest
//!
//! [`OidRequest`](oid::OidRequest) with length-checked [`Reply`](oid::Reply) and [`Argument`](oid::Argument);
//! [`Timer`](timer::Timer), [`WorkItem`](work::WorkItem), [`Event`](event::Event), [`SpinLock`](spin::SpinLock);
//! [`AdapterHandle`](adapter::AdapterHandle): link state, status, error log, bus data, pause/restart/reset completion;
//! [`time`]: sleep, stall, system time.
//!
//! # Rules that types do not carry
//!
//! - No spin lock may be held while completing sends, indicating, or completing a pause, restart, reset or OID.
//! - An [`AdapterHandle`](adapter::AdapterHandle) is dead when `halt` has returned.
//! - Owned NDIS objects are dropped at PASSIVE_LEVEL, requests and NBLs at most at DISPATCH_LEVEL. Destructors look at
//!   the IRQL: what is dropped above its ceiling is kept, never freed or completed under NDIS' feet; NDIS then reports it
//!   at halt.
//! - A lock's guard that is forgotten (`mem::forget`) leaves the lock held and the IRQL raised.
//! - NBLs are completed and indicated on the adapter they belong to: a driver that moves them between its adapters is
//!   not stopped.
//! - Drivers are built with `panic = "abort"`: no panic unwinds through a trampoline.
#![no_std]
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

#[cfg(not(target_os = "none"))]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod ffi;

#[cfg(not(target_os = "none"))]
pub mod adapter;
#[cfg(not(target_os = "none"))]
pub mod attributes;
#[cfg(not(target_os = "none"))]
mod callbacks;
#[cfg(not(target_os = "none"))]
pub mod claim;
#[cfg(not(target_os = "none"))]
pub mod config;
#[cfg(not(target_os = "none"))]
pub mod dma;
#[cfg(not(target_os = "none"))]
pub mod driver;
#[cfg(not(target_os = "none"))]
pub mod event;
#[cfg(not(target_os = "none"))]
pub mod init;
#[cfg(not(target_os = "none"))]
pub mod interrupt;
#[cfg(not(target_os = "none"))]
pub mod io;
#[cfg(not(target_os = "none"))]
pub mod irql;
#[cfg(not(target_os = "none"))]
mod mdl;
#[cfg(not(target_os = "none"))]
pub mod mem;
#[cfg(not(target_os = "none"))]
pub mod miniport;
#[cfg(not(target_os = "none"))]
pub mod nbl;
#[cfg(not(target_os = "none"))]
pub mod oid;
#[cfg(not(target_os = "none"))]
pub mod places;
pub mod plain;
#[cfg(not(target_os = "none"))]
pub mod pnp;
#[cfg(not(target_os = "none"))]
pub mod poll;
#[cfg(all(feature = "raw", not(target_os = "none")))]
pub mod raw;
#[cfg(not(target_os = "none"))]
mod requirements;
#[cfg(not(target_os = "none"))]
pub mod resources;
#[cfg(not(target_os = "none"))]
pub mod spin;
#[cfg(not(target_os = "none"))]
pub mod status;
#[cfg(not(target_os = "none"))]
pub mod sys;
#[cfg(not(target_os = "none"))]
pub mod time;
#[cfg(not(target_os = "none"))]
pub mod timer;
#[cfg(not(target_os = "none"))]
pub mod work;

#[cfg(all(test, not(windows)))]
mod fake;
#[cfg(all(test, not(windows)))]
mod host_tests;
