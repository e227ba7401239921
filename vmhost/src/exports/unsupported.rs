// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names that Windows exports and this host only knows: an image may import them, and calling one
//! ends the run with its name. Any IRQL.
//!
//! For ndis.sys these are all functions that an Ethernet miniport can import, beside those that
//! are played; not the ones of CoNDIS, protocols, filters, intermediate drivers and wireless. A
//! name in no table is a missing import, which the loader reports.

use alloc::format;

use super::{Call, Export};
use crate::{scenario, verify};

/// Ends the run: the driver asks for something that is right to ask for, but that is not here.
fn stop(export: &'static Export, rip: u64) -> ! {
    let _call = Call::enter(export, core::ptr::null(), rip);
    let what = format!(
        "the driver called {} ({}), which this host does not play [{}]",
        export.name,
        export.image,
        verify::here()
    );
    scenario::fatal(&what)
}

macro_rules! unsupported {
    ($($image:literal { $($name:ident)* })*) => {
        $($(
            #[allow(non_snake_case, reason = "the name of the export")]
            mod $name {
                use super::*;
                pub(super) static EXPORT: Export = Export {
                    image: $image,
                    name: stringify!($name),
                    level: $crate::exports::Level::Any,
                    supported: false,
                    address: || thunk as *const () as usize,
                };
                #[unsafe(naked)]
                extern "win64" fn thunk() {
                    core::arch::naked_asm!("mov rcx, [rsp]", "jmp {enter}", enter = sym enter)
                }
                extern "win64" fn enter(rip: u64) -> ! {
                    stop(&EXPORT, rip)
                }
            }
        )*)*
        /// The names.
        pub static EXPORTS: &[&Export] = &[$($(&$name::EXPORT),*),*];
    };
}

unsupported! {
    "ndis.sys" {
        NdisAdjustBufferLength NdisAllocateRefCount NdisAllocateSharedMemory NdisBufferLength
        NdisBufferVirtualAddress NdisBuildScatterGatherList NdisCloseFile NdisCompleteDmaTransfer
        NdisFreeRefCount NdisFreeScatterGatherList NdisFreeSharedMemory
        NdisGetBufferPhysicalArraySize NdisGetProcessorInformation NdisGetProcessorInformationEx
        NdisGetRefCount NdisImmediateReadPciSlotInformation NdisImmediateReadPortUchar
        NdisImmediateReadPortUlong NdisImmediateReadPortUshort NdisImmediateReadSharedMemory
        NdisImmediateWritePciSlotInformation NdisImmediateWritePortUchar
        NdisImmediateWritePortUlong NdisImmediateWritePortUshort NdisImmediateWriteSharedMemory
        NdisInterlockedAddLargeInterger NdisIsStatusIndicationCloneable NdisMAllocatePort
        NdisMAllocateSharedMemoryAsync NdisMCancelTimer NdisMCloseLog NdisMCreateLog
        NdisMDeregisterAdapterShutdownHandler NdisMDeregisterDevice NdisMDeregisterDmaChannel
        NdisMDeregisterInterrupt NdisMEnableVirtualization NdisMFlushLog NdisMFreePort
        NdisMGetMiniportInitAttributes NdisMGetVirtualDeviceLocation NdisMGetVirtualFunctionBusData
        NdisMGetVirtualFunctionLocation NdisMIdleNotificationComplete
        NdisMIdleNotificationCompleteEx NdisMIdleNotificationConfirm NdisMInitializeTimer
        NdisMInvalidateConfigBlock NdisMPciAssignResources NdisMQueryAdapterResources
        NdisMQueryProbedBars NdisMReadConfigBlock NdisMReadDmaCounter
        NdisMRegisterAdapterShutdownHandler NdisMRegisterDevice NdisMRegisterDmaChannel
        NdisMRegisterInterrupt NdisMRegisterUnloadHandler NdisMRequestDpc NdisMSetMiniportSecondary
        NdisMSetPeriodicTimer NdisMSetTimer NdisMSetVirtualFunctionBusData
        NdisMSynchronizeWithInterrupt NdisMTriggerPDDrainNotification NdisMWriteConfigBlock
        NdisMWriteLogData NdisMapFile NdisOpenConfiguration NdisQueryAdapterInstanceName
        NdisQueryBufferOffset NdisQueryBufferSafe NdisReadPciSlotInformation
        NdisSetupDmaTransfer
        NdisTestRWLockHeldByCurrentProcessorRead NdisTestRWLockHeldByCurrentProcessorWrite
        NdisTryAcquireRWLockRead NdisTryAcquireRWLockWrite NdisTryPromoteRWLockFromReadToWrite
        NdisUnmapFile NdisUpdateSharedMemory NdisWritePciSlotInformation
    }
    "ntoskrnl.exe" {
        ExAcquireResourceExclusiveLite ExAcquireResourceSharedLite ExAcquireRundownProtection
        ExDeleteResourceLite ExInitializeResourceLite ExInitializeRundownProtection
        ExRaiseAccessViolation ExRaiseDatatypeMisalignment ExRaiseStatus ExReleaseResourceLite
        ExReleaseRundownProtection ExWaitForRundownProtectionRelease IoAcquireCancelSpinLock
        IoAcquireRemoveLockEx IoAllocateIrp IoAttachDeviceToDeviceStack
        IoBuildDeviceIoControlRequest IoBuildSynchronousFsdRequest IoCancelIrp IoConnectInterrupt
        IoConnectInterruptEx IoCsqInitialize IoCsqInsertIrp IoCsqRemoveNextIrp IoDetachDevice
        IoDisconnectInterrupt IoDisconnectInterruptEx IoFreeIrp IoGetAffinityInterrupt
        IoGetAttachedDeviceReference IoGetDeviceInterfaces IoGetDeviceObjectPointer IoGetDmaAdapter
        IoInitializeTimer IoRegisterPlugPlayNotification IoReleaseCancelSpinLock
        IoReleaseRemoveLockAndWaitEx IoReleaseRemoveLockEx IoReportInterruptActive
        IoReportInterruptInactive IoReportTargetDeviceChangeAsynchronous IoReuseIrp IoStartTimer
        IoStopTimer IoUnregisterPlugPlayNotificationEx KeAcquireInterruptSpinLock
        KeAcquireQueuedSpinLock KeDeregisterNmiCallback KeDeregisterProcessorChangeCallback
        KeInitializeQueue KeInsertQueue KeRegisterNmiCallback KeRegisterProcessorChangeCallback
        KeReleaseInterruptSpinLock KeReleaseQueuedSpinLock KeRemoveQueue
        KeSetHardwareCounterConfiguration KeStackAttachProcess KeSynchronizeExecution
        KeUnstackDetachProcess KeUserModeCallback MmAllocateMappingAddress MmFreeMappingAddress
        MmGetPhysicalMemoryRanges MmMapLockedPagesWithReservedMapping MmUnmapReservedMapping
        MmUnsecureVirtualMemory ObOpenObjectByPointer PoCallDriver PoFxRegisterDevice
        PoRegisterDeviceForIdleDetection PoRequestPowerIrp PoStartNextPowerIrp
        PsLookupProcessByProcessId PsLookupThreadByThreadId PsSetCreateProcessNotifyRoutine
        PsSetLoadImageNotifyRoutine RtlCaptureContext RtlCaptureStackBackTrace RtlCompressBuffer
        RtlCreateSecurityDescriptor RtlDecompressBuffer RtlLookupFunctionEntry RtlPcToFileHeader
        RtlRaiseException RtlSetDaclSecurityDescriptor RtlUnwind RtlUnwindEx RtlVirtualUnwind
        SeAccessCheck SeLocateProcessImageName SeSinglePrivilegeCheck ZwCreateEvent ZwCreateSection
        ZwDeleteKey ZwDeviceIoControlFile ZwLoadDriver ZwMapViewOfSection ZwOpenSection
        ZwQueryDirectoryFile ZwQueryInformationFile ZwQueryKey ZwQuerySystemInformation ZwReadFile
        ZwSetEvent ZwSetInformationFile ZwSetInformationThread ZwUnloadDriver ZwUnmapViewOfSection
        ZwWaitForSingleObject ZwWriteFile _local_unwind
        DbgPrompt IoCallDriver IoCompleteRequest IoGetCurrentProcess
        IoRegisterDriverReinitialization IoReportTargetDeviceChange IoWMIWriteEvent
        KeAreAllApcsDisabled ProbeForRead ProbeForWrite PsGetCurrentProcess RtlCharToInteger
        RtlDeleteElementGenericTable RtlDeleteElementGenericTableAvl RtlEnumerateGenericTableAvl
        RtlFormatMessage RtlGUIDFromString RtlInitializeGenericTable RtlInitializeGenericTableAvl
        RtlInsertElementGenericTable RtlInsertElementGenericTableAvl RtlIpv4AddressToStringW
        RtlIpv4StringToAddressW RtlIpv6AddressToStringW RtlLengthRequiredSid
        RtlLookupElementGenericTable RtlLookupElementGenericTableAvl RtlTimeFieldsToTime
        SeCaptureSubjectContext VerSetConditionMask _itoa _itow _wtoi bsearch qsort rand srand
        wcsrchr wcsstr wcstoul
    }
}
