// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enumerations of the kernel: each an alias of `i32` and one constant per enumerator.

#[allow(unused_imports)]
use super::super::*;

/// The enumeration `INTERFACE_TYPE`.
pub type INTERFACE_TYPE = i32;

/// The enumeration `MEMORY_CACHING_TYPE`.
pub type MEMORY_CACHING_TYPE = i32;

/// The enumeration `POOL_TYPE`.
pub type POOL_TYPE = i32;

/// The enumeration `KINTERRUPT_MODE`.
pub type KINTERRUPT_MODE = i32;

/// The enumeration `KINTERRUPT_POLARITY`.
pub type KINTERRUPT_POLARITY = i32;

/// The enumeration `IRQ_DEVICE_POLICY`.
pub type IRQ_DEVICE_POLICY = i32;

/// The enumeration `IRQ_PRIORITY`.
pub type IRQ_PRIORITY = i32;

/// The enumeration `CM_SHARE_DISPOSITION`.
pub type CM_SHARE_DISPOSITION = i32;

/// The enumeration `DEVICE_POWER_STATE`.
pub type DEVICE_POWER_STATE = i32;

/// The enumeration `SYSTEM_POWER_STATE`.
pub type SYSTEM_POWER_STATE = i32;

/// The enumeration `MM_PAGE_PRIORITY`.
pub type MM_PAGE_PRIORITY = i32;

/// The enumeration `KDPC_IMPORTANCE`.
pub type KDPC_IMPORTANCE = i32;

/// The enumeration `EVENT_TYPE`.
pub type EVENT_TYPE = i32;

/// The enumeration `KWAIT_REASON`.
pub type KWAIT_REASON = i32;

/// The enumeration `TIMER_TYPE`.
pub type TIMER_TYPE = i32;

/// The enumeration `DMA_WIDTH`.
pub type DMA_WIDTH = i32;

/// The enumeration `DMA_SPEED`.
pub type DMA_SPEED = i32;

/// The enumeration `BUS_DATA_TYPE`.
pub type BUS_DATA_TYPE = i32;

/// The enumeration `MODE`.
pub type MODE = i32;

/// The enumeration `LOCK_OPERATION`.
pub type LOCK_OPERATION = i32;

/// The enumeration `WORK_QUEUE_TYPE`.
pub type WORK_QUEUE_TYPE = i32;

/// The enumeration `POOL_EXTENDED_PARAMETER_TYPE`.
pub type POOL_EXTENDED_PARAMETER_TYPE = i32;

/// The enumeration `DEVICE_REGISTRY_PROPERTY`.
pub type DEVICE_REGISTRY_PROPERTY = i32;

/// The enumeration `KEY_VALUE_INFORMATION_CLASS`.
pub type KEY_VALUE_INFORMATION_CLASS = i32;

constants! {
    "Value of `INTERFACE_TYPE`":
    InterfaceTypeUndefined: INTERFACE_TYPE = -1;
    Internal: INTERFACE_TYPE = 0;
    Isa: INTERFACE_TYPE = 1;
    Eisa: INTERFACE_TYPE = 2;
    MicroChannel: INTERFACE_TYPE = 3;
    TurboChannel: INTERFACE_TYPE = 4;
    PCIBus: INTERFACE_TYPE = 5;
    VMEBus: INTERFACE_TYPE = 6;
    NuBus: INTERFACE_TYPE = 7;
    PCMCIABus: INTERFACE_TYPE = 8;
    CBus: INTERFACE_TYPE = 9;
    MPIBus: INTERFACE_TYPE = 10;
    MPSABus: INTERFACE_TYPE = 11;
    ProcessorInternal: INTERFACE_TYPE = 12;
    InternalPowerBus: INTERFACE_TYPE = 13;
    PNPISABus: INTERFACE_TYPE = 14;
    PNPBus: INTERFACE_TYPE = 15;
    Vmcs: INTERFACE_TYPE = 16;
    ACPIBus: INTERFACE_TYPE = 17;
    MaximumInterfaceType: INTERFACE_TYPE = 18;
    "Value of `MEMORY_CACHING_TYPE`":
    MmNonCached: MEMORY_CACHING_TYPE = 0;
    MmCached: MEMORY_CACHING_TYPE = 1;
    MmWriteCombined: MEMORY_CACHING_TYPE = 2;
    MmHardwareCoherentCached: MEMORY_CACHING_TYPE = 3;
    MmNonCachedUnordered: MEMORY_CACHING_TYPE = 4;
    MmUSWCCached: MEMORY_CACHING_TYPE = 5;
    MmMaximumCacheType: MEMORY_CACHING_TYPE = 6;
    MmNotMapped: MEMORY_CACHING_TYPE = -1;
    "Value of `POOL_TYPE`":
    NonPagedPool: POOL_TYPE = 0;
    NonPagedPoolExecute: POOL_TYPE = 0;
    PagedPool: POOL_TYPE = 1;
    NonPagedPoolMustSucceed: POOL_TYPE = 2;
    DontUseThisType: POOL_TYPE = 3;
    NonPagedPoolCacheAligned: POOL_TYPE = 4;
    PagedPoolCacheAligned: POOL_TYPE = 5;
    NonPagedPoolCacheAlignedMustS: POOL_TYPE = 6;
    MaxPoolType: POOL_TYPE = 7;
    NonPagedPoolBase: POOL_TYPE = 0;
    NonPagedPoolBaseMustSucceed: POOL_TYPE = 2;
    NonPagedPoolBaseCacheAligned: POOL_TYPE = 4;
    NonPagedPoolBaseCacheAlignedMustS: POOL_TYPE = 6;
    NonPagedPoolSession: POOL_TYPE = 32;
    PagedPoolSession: POOL_TYPE = 33;
    NonPagedPoolMustSucceedSession: POOL_TYPE = 34;
    DontUseThisTypeSession: POOL_TYPE = 35;
    NonPagedPoolCacheAlignedSession: POOL_TYPE = 36;
    PagedPoolCacheAlignedSession: POOL_TYPE = 37;
    NonPagedPoolCacheAlignedMustSSession: POOL_TYPE = 38;
    NonPagedPoolNx: POOL_TYPE = 512;
    NonPagedPoolNxCacheAligned: POOL_TYPE = 516;
    NonPagedPoolSessionNx: POOL_TYPE = 544;
    "Value of `KINTERRUPT_MODE`":
    LevelSensitive: KINTERRUPT_MODE = 0;
    Latched: KINTERRUPT_MODE = 1;
    "Value of `KINTERRUPT_POLARITY`":
    InterruptPolarityUnknown: KINTERRUPT_POLARITY = 0;
    InterruptActiveHigh: KINTERRUPT_POLARITY = 1;
    InterruptRisingEdge: KINTERRUPT_POLARITY = 1;
    InterruptActiveLow: KINTERRUPT_POLARITY = 2;
    InterruptFallingEdge: KINTERRUPT_POLARITY = 2;
    InterruptActiveBoth: KINTERRUPT_POLARITY = 3;
    InterruptActiveBothTriggerLow: KINTERRUPT_POLARITY = 3;
    InterruptActiveBothTriggerHigh: KINTERRUPT_POLARITY = 4;
    "Value of `IRQ_DEVICE_POLICY`":
    IrqPolicyMachineDefault: IRQ_DEVICE_POLICY = 0;
    IrqPolicyAllCloseProcessors: IRQ_DEVICE_POLICY = 1;
    IrqPolicyOneCloseProcessor: IRQ_DEVICE_POLICY = 2;
    IrqPolicyAllProcessorsInMachine: IRQ_DEVICE_POLICY = 3;
    IrqPolicySpecifiedProcessors: IRQ_DEVICE_POLICY = 4;
    IrqPolicySpreadMessagesAcrossAllProcessors: IRQ_DEVICE_POLICY = 5;
    IrqPolicyAllProcessorsInMachineWhenSteered: IRQ_DEVICE_POLICY = 6;
    "Value of `IRQ_PRIORITY`":
    IrqPriorityUndefined: IRQ_PRIORITY = 0;
    IrqPriorityLow: IRQ_PRIORITY = 1;
    IrqPriorityNormal: IRQ_PRIORITY = 2;
    IrqPriorityHigh: IRQ_PRIORITY = 3;
    "Value of `CM_SHARE_DISPOSITION`":
    CmResourceShareUndetermined: CM_SHARE_DISPOSITION = 0;
    CmResourceShareDeviceExclusive: CM_SHARE_DISPOSITION = 1;
    CmResourceShareDriverExclusive: CM_SHARE_DISPOSITION = 2;
    CmResourceShareShared: CM_SHARE_DISPOSITION = 3;
    "Value of `DEVICE_POWER_STATE`":
    PowerDeviceUnspecified: DEVICE_POWER_STATE = 0;
    PowerDeviceD0: DEVICE_POWER_STATE = 1;
    PowerDeviceD1: DEVICE_POWER_STATE = 2;
    PowerDeviceD2: DEVICE_POWER_STATE = 3;
    PowerDeviceD3: DEVICE_POWER_STATE = 4;
    PowerDeviceMaximum: DEVICE_POWER_STATE = 5;
    "Value of `SYSTEM_POWER_STATE`":
    PowerSystemUnspecified: SYSTEM_POWER_STATE = 0;
    PowerSystemWorking: SYSTEM_POWER_STATE = 1;
    PowerSystemSleeping1: SYSTEM_POWER_STATE = 2;
    PowerSystemSleeping2: SYSTEM_POWER_STATE = 3;
    PowerSystemSleeping3: SYSTEM_POWER_STATE = 4;
    PowerSystemHibernate: SYSTEM_POWER_STATE = 5;
    PowerSystemShutdown: SYSTEM_POWER_STATE = 6;
    PowerSystemMaximum: SYSTEM_POWER_STATE = 7;
    "Value of `MM_PAGE_PRIORITY`":
    LowPagePriority: MM_PAGE_PRIORITY = 0;
    NormalPagePriority: MM_PAGE_PRIORITY = 16;
    HighPagePriority: MM_PAGE_PRIORITY = 32;
    "Value of `KDPC_IMPORTANCE`":
    LowImportance: KDPC_IMPORTANCE = 0;
    MediumImportance: KDPC_IMPORTANCE = 1;
    HighImportance: KDPC_IMPORTANCE = 2;
    MediumHighImportance: KDPC_IMPORTANCE = 3;
    "Value of `EVENT_TYPE`":
    NotificationEvent: EVENT_TYPE = 0;
    SynchronizationEvent: EVENT_TYPE = 1;
    "Value of `KWAIT_REASON`":
    Executive: KWAIT_REASON = 0;
    FreePage: KWAIT_REASON = 1;
    PageIn: KWAIT_REASON = 2;
    PoolAllocation: KWAIT_REASON = 3;
    DelayExecution: KWAIT_REASON = 4;
    Suspended: KWAIT_REASON = 5;
    UserRequest: KWAIT_REASON = 6;
    WrExecutive: KWAIT_REASON = 7;
    WrFreePage: KWAIT_REASON = 8;
    WrPageIn: KWAIT_REASON = 9;
    WrPoolAllocation: KWAIT_REASON = 10;
    WrDelayExecution: KWAIT_REASON = 11;
    WrSuspended: KWAIT_REASON = 12;
    WrUserRequest: KWAIT_REASON = 13;
    WrSpare0: KWAIT_REASON = 14;
    WrQueue: KWAIT_REASON = 15;
    WrLpcReceive: KWAIT_REASON = 16;
    WrLpcReply: KWAIT_REASON = 17;
    WrVirtualMemory: KWAIT_REASON = 18;
    WrPageOut: KWAIT_REASON = 19;
    WrRendezvous: KWAIT_REASON = 20;
    WrKeyedEvent: KWAIT_REASON = 21;
    WrTerminated: KWAIT_REASON = 22;
    WrProcessInSwap: KWAIT_REASON = 23;
    WrCpuRateControl: KWAIT_REASON = 24;
    WrCalloutStack: KWAIT_REASON = 25;
    WrKernel: KWAIT_REASON = 26;
    WrResource: KWAIT_REASON = 27;
    WrPushLock: KWAIT_REASON = 28;
    WrMutex: KWAIT_REASON = 29;
    WrQuantumEnd: KWAIT_REASON = 30;
    WrDispatchInt: KWAIT_REASON = 31;
    WrPreempted: KWAIT_REASON = 32;
    WrYieldExecution: KWAIT_REASON = 33;
    WrFastMutex: KWAIT_REASON = 34;
    WrGuardedMutex: KWAIT_REASON = 35;
    WrRundown: KWAIT_REASON = 36;
    WrAlertByThreadId: KWAIT_REASON = 37;
    WrDeferredPreempt: KWAIT_REASON = 38;
    WrPhysicalFault: KWAIT_REASON = 39;
    WrIoRing: KWAIT_REASON = 40;
    WrMdlCache: KWAIT_REASON = 41;
    MaximumWaitReason: KWAIT_REASON = 42;
    "Value of `TIMER_TYPE`":
    NotificationTimer: TIMER_TYPE = 0;
    SynchronizationTimer: TIMER_TYPE = 1;
    "Value of `DMA_WIDTH`":
    Width8Bits: DMA_WIDTH = 0;
    Width16Bits: DMA_WIDTH = 1;
    Width32Bits: DMA_WIDTH = 2;
    Width64Bits: DMA_WIDTH = 3;
    WidthNoWrap: DMA_WIDTH = 4;
    MaximumDmaWidth: DMA_WIDTH = 5;
    "Value of `DMA_SPEED`":
    Compatible: DMA_SPEED = 0;
    TypeA: DMA_SPEED = 1;
    TypeB: DMA_SPEED = 2;
    TypeC: DMA_SPEED = 3;
    TypeF: DMA_SPEED = 4;
    MaximumDmaSpeed: DMA_SPEED = 5;
    "Value of `BUS_DATA_TYPE`":
    ConfigurationSpaceUndefined: BUS_DATA_TYPE = -1;
    Cmos: BUS_DATA_TYPE = 0;
    EisaConfiguration: BUS_DATA_TYPE = 1;
    Pos: BUS_DATA_TYPE = 2;
    CbusConfiguration: BUS_DATA_TYPE = 3;
    PCIConfiguration: BUS_DATA_TYPE = 4;
    VMEConfiguration: BUS_DATA_TYPE = 5;
    NuBusConfiguration: BUS_DATA_TYPE = 6;
    PCMCIAConfiguration: BUS_DATA_TYPE = 7;
    MPIConfiguration: BUS_DATA_TYPE = 8;
    MPSAConfiguration: BUS_DATA_TYPE = 9;
    PNPISAConfiguration: BUS_DATA_TYPE = 10;
    SgiInternalConfiguration: BUS_DATA_TYPE = 11;
    MaximumBusDataType: BUS_DATA_TYPE = 12;
    "Value of `MODE`":
    KernelMode: MODE = 0;
    UserMode: MODE = 1;
    MaximumMode: MODE = 2;
    "Value of `LOCK_OPERATION`":
    IoReadAccess: LOCK_OPERATION = 0;
    IoWriteAccess: LOCK_OPERATION = 1;
    IoModifyAccess: LOCK_OPERATION = 2;
    "Value of `WORK_QUEUE_TYPE`":
    CriticalWorkQueue: WORK_QUEUE_TYPE = 0;
    DelayedWorkQueue: WORK_QUEUE_TYPE = 1;
    HyperCriticalWorkQueue: WORK_QUEUE_TYPE = 2;
    NormalWorkQueue: WORK_QUEUE_TYPE = 3;
    BackgroundWorkQueue: WORK_QUEUE_TYPE = 4;
    RealTimeWorkQueue: WORK_QUEUE_TYPE = 5;
    SuperCriticalWorkQueue: WORK_QUEUE_TYPE = 6;
    MaximumWorkQueue: WORK_QUEUE_TYPE = 7;
    CustomPriorityWorkQueue: WORK_QUEUE_TYPE = 32;
    "Value of `POOL_EXTENDED_PARAMETER_TYPE`":
    PoolExtendedParameterInvalidType: POOL_EXTENDED_PARAMETER_TYPE = 0;
    PoolExtendedParameterPriority: POOL_EXTENDED_PARAMETER_TYPE = 1;
    PoolExtendedParameterSecurePool: POOL_EXTENDED_PARAMETER_TYPE = 2;
    PoolExtendedParameterNumaNode: POOL_EXTENDED_PARAMETER_TYPE = 3;
    PoolExtendedParameterMax: POOL_EXTENDED_PARAMETER_TYPE = 4;
    "Value of `DEVICE_REGISTRY_PROPERTY`":
    DevicePropertyDeviceDescription: DEVICE_REGISTRY_PROPERTY = 0;
    DevicePropertyHardwareID: DEVICE_REGISTRY_PROPERTY = 1;
    DevicePropertyCompatibleIDs: DEVICE_REGISTRY_PROPERTY = 2;
    DevicePropertyBootConfiguration: DEVICE_REGISTRY_PROPERTY = 3;
    DevicePropertyBootConfigurationTranslated: DEVICE_REGISTRY_PROPERTY = 4;
    DevicePropertyClassName: DEVICE_REGISTRY_PROPERTY = 5;
    DevicePropertyClassGuid: DEVICE_REGISTRY_PROPERTY = 6;
    DevicePropertyDriverKeyName: DEVICE_REGISTRY_PROPERTY = 7;
    DevicePropertyManufacturer: DEVICE_REGISTRY_PROPERTY = 8;
    DevicePropertyFriendlyName: DEVICE_REGISTRY_PROPERTY = 9;
    DevicePropertyLocationInformation: DEVICE_REGISTRY_PROPERTY = 10;
    DevicePropertyPhysicalDeviceObjectName: DEVICE_REGISTRY_PROPERTY = 11;
    DevicePropertyBusTypeGuid: DEVICE_REGISTRY_PROPERTY = 12;
    DevicePropertyLegacyBusType: DEVICE_REGISTRY_PROPERTY = 13;
    DevicePropertyBusNumber: DEVICE_REGISTRY_PROPERTY = 14;
    DevicePropertyEnumeratorName: DEVICE_REGISTRY_PROPERTY = 15;
    DevicePropertyAddress: DEVICE_REGISTRY_PROPERTY = 16;
    DevicePropertyUINumber: DEVICE_REGISTRY_PROPERTY = 17;
    DevicePropertyInstallState: DEVICE_REGISTRY_PROPERTY = 18;
    DevicePropertyRemovalPolicy: DEVICE_REGISTRY_PROPERTY = 19;
    DevicePropertyResourceRequirements: DEVICE_REGISTRY_PROPERTY = 20;
    DevicePropertyAllocatedResources: DEVICE_REGISTRY_PROPERTY = 21;
    DevicePropertyContainerID: DEVICE_REGISTRY_PROPERTY = 22;
    "Value of `KEY_VALUE_INFORMATION_CLASS`":
    KeyValueBasicInformation: KEY_VALUE_INFORMATION_CLASS = 0;
    KeyValueFullInformation: KEY_VALUE_INFORMATION_CLASS = 1;
    KeyValuePartialInformation: KEY_VALUE_INFORMATION_CLASS = 2;
    KeyValueFullInformationAlign64: KEY_VALUE_INFORMATION_CLASS = 3;
    KeyValuePartialInformationAlign64: KEY_VALUE_INFORMATION_CLASS = 4;
    KeyValueLayerInformation: KEY_VALUE_INFORMATION_CLASS = 5;
    MaxKeyValueInfoClass: KEY_VALUE_INFORMATION_CLASS = 6;
}
