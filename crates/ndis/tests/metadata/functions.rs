// SPDX-License-Identifier: MIT OR Apache-2.0
//! The functions that `windows-sys` and this crate both declare: size and kind of each parameter and of the result.

use std::mem::size_of;

/// How a value is passed: its size in bytes, and whether it is a pointer.
type Passed = (usize, bool);

fn passed<T>() -> Passed {
    let name = std::any::type_name::<T>();
    let pointer = name.starts_with('*') || name.contains("Option<") || name.contains("fn(");
    (size_of::<T>(), pointer)
}

/// A function's result, then its parameters.
trait Shape {
    fn shape() -> Vec<Passed>;
}

macro_rules! shapes {
    ($( ($($p:ident)*) )*) => { $(
        impl<R, $($p),*> Shape for unsafe extern "system" fn($($p),*) -> R {
            fn shape() -> Vec<Passed> {
                vec![passed::<R>() $(, passed::<$p>())*]
            }
        }
        // Off Windows this crate's functions have Rust's convention.
        impl<R, $($p),*> Shape for unsafe fn($($p),*) -> R {
            fn shape() -> Vec<Passed> {
                vec![passed::<R>() $(, passed::<$p>())*]
            }
        }
    )* };
}

shapes! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

/// The shape of what a closure would give: it is never called, so nothing has to be linked.
fn of<F: Shape>(_: impl FnOnce() -> F) -> Vec<Passed> {
    F::shape()
}

/// One function: name, its shape here, its shape there.
pub(crate) type Function = (&'static str, Vec<Passed>, Vec<Passed>);

macro_rules! functions {
    ($( [$($witness:ident)::+, $ours:ident] $( $name:ident($($p:tt),*) )* )*) => {
        pub(crate) fn functions() -> Vec<Function> {
            let mut all = Vec::new();
            $({
                use ndis::sys::$ours as ours;
                use windows_sys::$($witness)::+ as witness;
                $( all.push((
                    stringify!($name),
                    #[cfg(windows)]
                    of(|| ours::$name as unsafe extern "system" fn($($p),*) -> _),
                    #[cfg(not(windows))]
                    of(|| ours::$name as unsafe fn($($p),*) -> _),
                    of(|| witness::$name as unsafe extern "system" fn($($p),*) -> _),
                )); )*
            })*
            all
        }
    };
}

functions! {
    [Wdk::NetworkManagement::Ndis, ndis]
    NdisGetVersion()
    NdisMAllocateSharedMemory(_, _, _, _, _)
    NdisMFreeSharedMemory(_, _, _, _, _)
    NdisMMapIoSpace(_, _, _, _)
    NdisMUnmapIoSpace(_, _, _)
    NdisMRegisterIoPortRange(_, _, _, _)
    NdisMDeregisterIoPortRange(_, _, _, _)
    NdisMGetDmaAlignment(_)
    NdisGetSharedDataAlignment()
    NdisMSleep(_)
    NdisMRemoveMiniport(_)
    NdisOpenConfigurationKeyByName(_, _, _, _)
    NdisOpenConfigurationKeyByIndex(_, _, _, _, _)
    NdisReadConfiguration(_, _, _, _, _)
    NdisWriteConfiguration(_, _, _, _)
    NdisCloseConfiguration(_)
    NdisReadNetworkAddress(_, _, _, _)
    NdisInitializeEvent(_)
    NdisSetEvent(_)
    NdisResetEvent(_)
    NdisWaitEvent(_, _)
    NdisGetRoutineAddress(_)
    NdisFreeMemory(_, _, _)
    NdisMGetDeviceProperty(_, _, _, _, _, _)
    NdisMQueryAdapterInstanceName(_, _)
    [Wdk::System::SystemServices, nt]
    KeTryToAcquireSpinLockAtDpcLevel(_)
    KfRaiseIrql(_)
    KeGetCurrentIrql()
    MmMapLockedPagesSpecifyCache(_, _, _, _, _, _)
    KeStallExecutionProcessor(_)
    KeQueryPerformanceCounter(_)
    KeQuerySystemTimePrecise(_)
    KeQueryInterruptTimePrecise(_)
    ExAllocatePool2(_, _, _)
    ExFreePoolWithTag(_, _)
    KeWaitForSingleObject(_, _, _, _, _)
    KeInitializeEvent(_, _, _)
    KeSetEvent(_, _, _)
    KeClearEvent(_)
    MmGetSystemRoutineAddress(_)
    KeGetCurrentProcessorNumberEx(_)
    KeQueryActiveProcessorCountEx(_)
    MmBuildMdlForNonPagedPool(_)
    IoAllocateMdl(_, _, _, _, _)
    IoFreeMdl(_)
    KeFlushIoBuffers(_, _, _)
    KeGetProcessorNumberFromIndex(_, _)
    KeGetProcessorIndexFromNumber(_)
    KeQueryUnbiasedInterruptTime()
    KeFlushQueuedDpcs()
    MmGetPhysicalAddress(_)
    KeQueryActiveGroupCount()
}
