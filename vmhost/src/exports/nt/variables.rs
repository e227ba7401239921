// SPDX-License-Identifier: MIT OR Apache-2.0
//! Variables that the kernel exports. Any IRQL once they are made, which binding the imports does.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::system::build;
use crate::{
    exports::{Export, Level},
    guest,
    machine::{cpu, vspace},
    verify,
};

/// Variables that drivers import. Each is a block of its own, made on first use, read-only in
/// spirit; its address is what an import of the name is bound to.
fn variable(index: usize, value: u64) -> usize {
    static MADE: [AtomicUsize; 16] = [const { AtomicUsize::new(0) }; 16];
    let old = MADE[index].load(Ordering::Acquire);
    if old != 0 {
        return old;
    }
    let Some(block) = guest::Block::new(64, 64, true) else {
        verify::end("no memory for exported variables");
    };
    let address = block.leak();
    guest::write(address, value);
    vspace::label(address & !(guest::PAGE - 1), "kernel variable");
    MADE[index].store(address, Ordering::Release);
    address
}

macro_rules! variables {
    ($($(#[$doc:meta])* $name:ident = $index:literal, $value:expr;)*) => {
        $(
            $(#[$doc])*
            #[allow(non_upper_case_globals, reason = "the name of the export")]
            pub static $name: Export = Export {
                image: "ntoskrnl.exe",
                name: stringify!($name),
                level: Level::Any,
                supported: true,
                address: || variable($index, $value),
            };
        )*
        /// The exported variables.
        pub static VARIABLES: &[&Export] = &[$(&$name),*];
    };
}

variables! {
    /// Number of CPUs.
    KeNumberProcessors = 0, cpu::count() as u64;
    /// No debugger.
    KdDebuggerEnabled = 1, 0;
    /// No debugger.
    KdDebuggerNotPresent = 2, 1;
    /// Type object of threads: a pointer that is only compared.
    PsThreadType = 3, variable(3, 0) as u64;
    /// Type object of events.
    ExEventObjectType = 4, variable(4, 0) as u64;
    /// Type object of semaphores.
    ExSemaphoreObjectType = 5, variable(5, 0) as u64;
    /// Type object of files.
    IoFileObjectType = 6, variable(6, 0) as u64;
    /// Type object of devices.
    IoDeviceObjectType = 7, variable(7, 0) as u64;
    /// Type object of drivers.
    IoDriverObjectType = 8, variable(8, 0) as u64;
    /// Type object of processes.
    PsProcessType = 9, variable(9, 0) as u64;
    /// No safe boot.
    InitSafeBootMode = 10, 0;
    /// Start of system addresses.
    MmSystemRangeStart = 11, 0xFFFF_8000_0000_0000;
    /// Highest user address.
    MmHighestUserAddress = 12, 0x7FFF_FFFE_FFFF;
    /// First address that may not be probed.
    MmUserProbeAddress = 13, 0x7FFF_FFFF_0000;
    /// Build number.
    NtBuildNumber = 14, u64::from(build());
}
