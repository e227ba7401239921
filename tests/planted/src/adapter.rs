// SPDX-License-Identifier: MIT OR Apache-2.0
//! The adapter's life: initialise, restart, pause, halt. PASSIVE_LEVEL.

use core::ptr::null_mut;

use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

use crate::fault::{self, is};
use crate::table::*;
use crate::{header, interrupt, oid};

/// Largest frame, without FCS.
pub const FRAME: u32 = 1514;
/// Receive buffers.
const BUFFERS: u32 = 128;
/// Bytes from one buffer to the next.
const STRIDE: u32 = 2048;
/// Bytes of all of them.
const SHARED: u32 = BUFFERS * STRIDE;
/// Bit/s that the adapter claims.
const SPEED: u64 = 1_000_000_000;
/// Locally administered.
const ADDRESS: [u8; 6] = [0x02, 0xED, 0x00, 0x00, 0x11, 0xE9];
/// Pool tag.
pub const TAG: u32 = u32::from_le_bytes(*b"Plnt");

/// All there is; in nonpaged pool.
#[repr(C)]
pub struct Adapter {
    pub handle: NDIS_HANDLE,
    pub registers: *mut u32,
    registers_length: u32,
    pub dma: NDIS_HANDLE,
    memory: *mut c_void,
    logical: NDIS_PHYSICAL_ADDRESS,
    pool: NDIS_HANDLE,
    pub timer: NDIS_HANDLE,
    pub interrupt: NDIS_HANDLE,
    /// Guards what follows.
    pub lock: KSPIN_LOCK,
    /// Guards nothing; for faults.
    pub other_lock: KSPIN_LOCK,
    pub running: bool,
    pub pausing: bool,
    pub indicated: u32,
    /// Empty receive NBLs.
    pub free: *mut NET_BUFFER_LIST,
    /// Filled ones, which wait for the DPC.
    pub ready: *mut NET_BUFFER_LIST,
    pub filter: u32,
    pub sent: u64,
    pub sent_bytes: u64,
    pub received: u64,
    pub dropped: u64,
    /// For faults.
    pub scratch: *mut c_void,
}

/// MiniportInitializeEx.
pub unsafe extern "system" fn initialize(
    handle: NDIS_HANDLE,
    _: NDIS_HANDLE,
    parameters: *mut NDIS_MINIPORT_INIT_PARAMETERS,
) -> NDIS_STATUS {
    let a: *mut Adapter =
        nt::ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<Adapter>(), TAG).cast();
    if a.is_null() {
        return NDIS_STATUS_RESOURCES;
    }
    // ExAllocatePool2 gives zeroed memory.
    (*a).handle = handle;
    let status = start(a, (*parameters).AllocatedResources);
    if status != NDIS_STATUS_SUCCESS {
        release(a);
    }
    status
}

unsafe fn start(a: *mut Adapter, resources: *mut CM_PARTIAL_RESOURCE_LIST) -> NDIS_STATUS {
    let status = configuration(a);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    if is(REGISTER_BEFORE_ATTRIBUTES) {
        return fault::after(interrupt::register(a), NDIS_STATUS_FAILURE);
    }
    let status = attributes(a);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    let status = map(a, resources);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    if is(SHARED_BEFORE_DMA) {
        return fault::after(shared_memory(a), NDIS_STATUS_FAILURE);
    }
    let status = memory(a);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    let status = timer(a);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    let status = interrupt::register(a);
    if status == NDIS_STATUS_SUCCESS {
        fault::at_initialize(a);
    }
    status
}

unsafe fn configuration(a: *mut Adapter) -> NDIS_STATUS {
    let mut object = NDIS_CONFIGURATION_OBJECT::zeroed();
    object.Header = header(
        NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT,
        NDIS_CONFIGURATION_OBJECT_REVISION_1,
        NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1,
    );
    object.NdisHandle = (*a).handle;
    let mut configuration = null_mut();
    let mut status = sys::NdisOpenConfigurationEx(&raw mut object, &raw mut configuration);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    let mut text = *b"PlantedFault";
    let mut wide = [0_u16; 12];
    for (to, from) in wide.iter_mut().zip(&mut text) {
        *to = u16::from(*from);
    }
    let mut name = UNICODE_STRING {
        Length: 24,
        MaximumLength: 24,
        Buffer: wide.as_mut_ptr(),
    };
    let mut parameter = null_mut();
    sys::NdisReadConfiguration(
        &raw mut status,
        &raw mut parameter,
        configuration,
        &raw mut name,
        NdisParameterInteger,
    );
    if status == NDIS_STATUS_SUCCESS {
        fault::choose((*parameter).ParameterData.IntegerData);
    }
    if !is(CONFIGURATION_OPEN) {
        sys::NdisCloseConfiguration(configuration);
    }
    NDIS_STATUS_SUCCESS
}

unsafe fn attributes(a: *mut Adapter) -> NDIS_STATUS {
    let mut raw = NDIS_MINIPORT_ADAPTER_ATTRIBUTES::zeroed();
    raw.RegistrationAttributes = NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES {
        Header: header(
            NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
            NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_2,
            NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_2,
        ),
        MiniportAdapterContext: a.cast(),
        AttributeFlags: NDIS_MINIPORT_ATTRIBUTES_HARDWARE_DEVICE
            | NDIS_MINIPORT_ATTRIBUTES_BUS_MASTER
            | NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK
            | NDIS_MINIPORT_ATTRIBUTES_NO_HALT_ON_SUSPEND,
        CheckForHangTimeInSeconds: 0,
        InterfaceType: NdisInterfacePci,
    };
    let status = sys::NdisMSetMiniportAttributes((*a).handle, &raw mut raw);
    if status != NDIS_STATUS_SUCCESS || is(NO_GENERAL_ATTRIBUTES) {
        return status;
    }
    let mut power = NDIS_PM_CAPABILITIES::zeroed();
    power.Header = header(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_PM_CAPABILITIES_REVISION_2,
        NDIS_SIZEOF_NDIS_PM_CAPABILITIES_REVISION_2,
    );
    power.MinMagicPacketWakeUp = NdisDeviceStateUnspecified;
    power.MinPatternWakeUp = NdisDeviceStateUnspecified;
    power.MinLinkChangeWakeUp = NdisDeviceStateUnspecified;
    let mut general = NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES::zeroed();
    general.Header = header(
        NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
        NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
        NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
    );
    general.MediaType = NdisMedium802_3;
    general.PhysicalMediumType = NdisPhysicalMedium802_3;
    general.MtuSize = FRAME - 14;
    general.MaxXmitLinkSpeed = SPEED;
    general.MaxRcvLinkSpeed = SPEED;
    general.XmitLinkSpeed = SPEED;
    general.RcvLinkSpeed = SPEED;
    general.MediaConnectState = MediaConnectStateConnected;
    general.MediaDuplexState = MediaDuplexStateFull;
    general.LookaheadSize = FRAME - 14;
    general.MacOptions = NDIS_MAC_OPTION_COPY_LOOKAHEAD_DATA
        | NDIS_MAC_OPTION_TRANSFERS_NOT_PEND
        | NDIS_MAC_OPTION_NO_LOOPBACK;
    general.SupportedPacketFilters = oid::FILTERS;
    general.MaxMulticastListSize = oid::MULTICAST as u32;
    general.MacAddressLength = 6;
    general.PermanentMacAddress[..6].copy_from_slice(&ADDRESS);
    general.CurrentMacAddress[..6].copy_from_slice(&ADDRESS);
    general.AccessType = NET_IF_ACCESS_BROADCAST;
    general.DirectionType = NET_IF_DIRECTION_SENDRECEIVE;
    general.ConnectionType = NET_IF_CONNECTION_DEDICATED;
    general.IfType = IF_TYPE_ETHERNET_CSMACD as u16;
    general.IfConnectorPresent = TRUE;
    general.SupportedStatistics = ndis::attributes::ALL_STATISTICS;
    general.SupportedPauseFunctions = NdisPauseFunctionsUnsupported as u32;
    general.SupportedOidList = oid::SUPPORTED.as_ptr().cast_mut();
    general.SupportedOidListLength = size_of_val(&oid::SUPPORTED) as u32;
    general.PowerManagementCapabilitiesEx = &raw mut power;
    let mut raw = NDIS_MINIPORT_ADAPTER_ATTRIBUTES::zeroed();
    raw.GeneralAttributes = general;
    sys::NdisMSetMiniportAttributes((*a).handle, &raw mut raw)
}

unsafe fn map(a: *mut Adapter, resources: *mut CM_PARTIAL_RESOURCE_LIST) -> NDIS_STATUS {
    let first =
        (&raw const (*resources).PartialDescriptors).cast::<CM_PARTIAL_RESOURCE_DESCRIPTOR>();
    for n in 0..(*resources).Count as usize {
        let descriptor = first.add(n).read_unaligned();
        if descriptor.Type != CmResourceTypeMemory {
            continue;
        }
        let memory = descriptor.u.Memory;
        let mut address = null_mut();
        let status =
            sys::NdisMMapIoSpace(&raw mut address, (*a).handle, memory.Start, memory.Length);
        if status == NDIS_STATUS_SUCCESS {
            (*a).registers = address.cast();
            (*a).registers_length = memory.Length;
        }
        return status;
    }
    NDIS_STATUS_RESOURCE_CONFLICT
}

unsafe fn memory(a: *mut Adapter) -> NDIS_STATUS {
    let mut description = NDIS_SG_DMA_DESCRIPTION::zeroed();
    description.Header = header(
        NDIS_OBJECT_TYPE_SG_DMA_DESCRIPTION,
        NDIS_SG_DMA_DESCRIPTION_REVISION_1,
        NDIS_SIZEOF_SG_DMA_DESCRIPTION_REVISION_1,
    );
    description.MaximumPhysicalMapping = FRAME;
    description.ProcessSGListHandler = Some(crate::data::process_sg_list);
    let status =
        sys::NdisMRegisterScatterGatherDma((*a).handle, &raw mut description, &raw mut (*a).dma);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    let status = shared_memory(a);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    let parameters = NET_BUFFER_LIST_POOL_PARAMETERS {
        Header: header(
            NDIS_OBJECT_TYPE_DEFAULT,
            NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
            NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
        ),
        ProtocolId: NDIS_PROTOCOL_ID_DEFAULT as u8,
        fAllocateNetBuffer: TRUE,
        ContextSize: 0,
        PoolTag: TAG,
        DataSize: 0,
        Flags: 0,
    };
    (*a).pool = sys::NdisAllocateNetBufferListPool((*a).handle, &raw const parameters);
    if (*a).pool.is_null() {
        return NDIS_STATUS_RESOURCES;
    }
    for n in 0..BUFFERS {
        let buffer = (*a).memory.byte_add((n * STRIDE) as usize);
        let mdl = sys::NdisAllocateMdl((*a).handle, buffer, FRAME);
        if mdl.is_null() {
            return NDIS_STATUS_RESOURCES;
        }
        let nbl = sys::NdisAllocateNetBufferAndNetBufferList((*a).pool, 0, 0, mdl, 0, 0);
        if nbl.is_null() {
            sys::NdisFreeMdl(mdl);
            return NDIS_STATUS_RESOURCES;
        }
        (*nbl).MiniportReserved = [buffer, mdl.cast()];
        (*nbl).set_next((*a).free);
        (*a).free = nbl;
    }
    NDIS_STATUS_SUCCESS
}

unsafe fn shared_memory(a: *mut Adapter) -> NDIS_STATUS {
    sys::NdisMAllocateSharedMemory(
        (*a).handle,
        SHARED,
        TRUE,
        &raw mut (*a).memory,
        &raw mut (*a).logical,
    );
    if (*a).memory.is_null() {
        NDIS_STATUS_RESOURCES
    } else {
        NDIS_STATUS_SUCCESS
    }
}

unsafe fn timer(a: *mut Adapter) -> NDIS_STATUS {
    let mut characteristics = NDIS_TIMER_CHARACTERISTICS {
        Header: header(
            NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS,
            NDIS_TIMER_CHARACTERISTICS_REVISION_1,
            NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1,
        ),
        AllocationTag: TAG,
        TimerFunction: Some(fault::timer),
        FunctionContext: a.cast(),
    };
    sys::NdisAllocateTimerObject((*a).handle, &raw mut characteristics, &raw mut (*a).timer)
}

/// MiniportRestart.
pub unsafe extern "system" fn restart(
    context: NDIS_HANDLE,
    _: *mut NDIS_MINIPORT_RESTART_PARAMETERS,
) -> NDIS_STATUS {
    let a: *mut Adapter = context.cast();
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).lock);
    (*a).running = true;
    nt::KeReleaseSpinLock(&raw mut (*a).lock, old);
    fault::at_restart(a);
    NDIS_STATUS_SUCCESS
}

/// MiniportPause.
pub unsafe extern "system" fn pause(
    context: NDIS_HANDLE,
    _: *mut NDIS_MINIPORT_PAUSE_PARAMETERS,
) -> NDIS_STATUS {
    let a: *mut Adapter = context.cast();
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).lock);
    (*a).running = false;
    while !(*a).ready.is_null() {
        let nbl = (*a).ready;
        (*a).ready = (*nbl).next();
        (*nbl).set_next((*a).free);
        (*a).free = nbl;
    }
    (*a).pausing = (*a).indicated != 0;
    let pending = (*a).pausing;
    nt::KeReleaseSpinLock(&raw mut (*a).lock, old);
    if pending {
        return NDIS_STATUS_PENDING;
    }
    if is(PAUSE_COMPLETED_UNASKED) {
        sys::NdisMPauseComplete((*a).handle);
    }
    NDIS_STATUS_SUCCESS
}

/// MiniportHaltEx.
pub unsafe extern "system" fn halt(context: NDIS_HANDLE, _: NDIS_HALT_ACTION) {
    let a: *mut Adapter = context.cast();
    fault::at_halt(a);
    release(a);
}

/// Releases what there is, in the opposite order.
unsafe fn release(a: *mut Adapter) {
    if !(*a).interrupt.is_null() && !is(INTERRUPT_LEFT) {
        sys::NdisMDeregisterInterruptEx((*a).interrupt);
    }
    if !(*a).timer.is_null() {
        if is(TIMER_ARMED) {
            let due = LARGE_INTEGER::new(-100_000_000);
            sys::NdisSetTimerObject((*a).timer, due, 0, null_mut());
        }
        sys::NdisFreeTimerObject((*a).timer);
    }
    if is(NBL_LEAKED) && !(*a).free.is_null() {
        (*a).free = (*(*a).free).next();
    }
    while !(*a).free.is_null() {
        let nbl = (*a).free;
        (*a).free = (*nbl).next();
        let mdl = (*nbl).MiniportReserved[1].cast();
        sys::NdisFreeNetBufferList(nbl);
        sys::NdisFreeMdl(mdl);
    }
    if !(*a).pool.is_null() {
        sys::NdisFreeNetBufferListPool((*a).pool);
    }
    if !(*a).memory.is_null() && !is(SHARED_MEMORY_LEAKED) {
        let length = if is(SHARED_MEMORY_LENGTH) {
            SHARED / 2
        } else {
            SHARED
        };
        sys::NdisMFreeSharedMemory((*a).handle, length, TRUE, (*a).memory, (*a).logical);
    }
    if !(*a).dma.is_null() {
        sys::NdisMDeregisterScatterGatherDma((*a).dma);
    }
    if !(*a).registers.is_null() && !is(IO_SPACE_LEFT) {
        sys::NdisMUnmapIoSpace((*a).handle, (*a).registers.cast(), (*a).registers_length);
    }
    nt::ExFreePoolWithTag(a.cast(), TAG);
}
