// SPDX-License-Identifier: MIT OR Apache-2.0
//! ntoskrnl.exe and hal.dll as a miniport uses them.

pub mod bugcheck;
pub mod debug;
pub mod dispatcher;
pub mod dpc;
pub mod etw;
pub mod hal;
pub mod io;
pub mod iospace;
pub mod mdl;
pub mod pool;
pub mod runtime;
pub mod shared_data;
pub mod slist;
pub mod spin;
pub mod strings;
pub mod system;
pub mod thread_object;
pub mod timer;
pub mod variables;
pub mod worker;
pub mod zw;

use super::Export;

/// The tables of this folder.
pub const TABLES: &[&[&Export]] = &[
    bugcheck::EXPORTS,
    debug::EXPORTS,
    dispatcher::EXPORTS,
    dpc::EXPORTS,
    etw::EXPORTS,
    io::EXPORTS,
    io::ndis_device::EXPORTS,
    iospace::EXPORTS,
    mdl::EXPORTS,
    pool::EXPORTS,
    runtime::EXPORTS,
    runtime::SPECIAL,
    slist::EXPORTS,
    spin::EXPORTS,
    strings::EXPORTS,
    system::EXPORTS,
    variables::VARIABLES,
    hal::EXPORTS,
    thread_object::EXPORTS,
    timer::EXPORTS,
    worker::EXPORTS,
    zw::EXPORTS,
];
