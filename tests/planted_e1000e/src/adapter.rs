// SPDX-License-Identifier: MIT OR Apache-2.0
//! The adapter's life: initialise, restart, pause, halt. PASSIVE_LEVEL.

use core::ptr::null_mut;
use core::sync::atomic::Ordering;

use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

use crate::data::{Adapter, BUFFER, DESCRIPTOR, RECEIVE, RING, SHARED, reg};
use crate::table::*;
use crate::{FAULT, header, interrupt, is, oid, receive, send};

/// Bit/s.
const SPEED: u64 = 1_000_000_000;
/// Pool tag.
const TAG: u32 = u32::from_le_bytes(*b"PlnE");

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
    (*a).handle = handle;
    let status = start(a, (*parameters).AllocatedResources);
    if status != NDIS_STATUS_SUCCESS {
        release(a);
    }
    status
}

unsafe fn start(a: *mut Adapter, resources: *mut CM_PARTIAL_RESOURCE_LIST) -> NDIS_STATUS {
    configuration(a);
    for step in [registration_attributes, reset_first] {
        let status = step(a, resources);
        if status != NDIS_STATUS_SUCCESS {
            return status;
        }
    }
    for step in [general_attributes, memory, interrupt::register] {
        let status = step(a);
        let ignored = is(REGISTRATION_IGNORED) && !(*a).pool.is_null();
        if status != NDIS_STATUS_SUCCESS && !ignored {
            return status;
        }
    }
    open(a);
    NDIS_STATUS_SUCCESS
}

unsafe fn configuration(a: *mut Adapter) {
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
        return;
    }
    let mut wide = [0_u16; 12];
    for (to, from) in wide.iter_mut().zip(b"PlantedFault") {
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
        FAULT.store((*parameter).ParameterData.IntegerData, Ordering::Relaxed);
    }
    sys::NdisCloseConfiguration(configuration);
}

unsafe fn registration_attributes(
    a: *mut Adapter,
    _: *mut CM_PARTIAL_RESOURCE_LIST,
) -> NDIS_STATUS {
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
            | NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK,
        CheckForHangTimeInSeconds: 0,
        InterfaceType: NdisInterfacePci,
    };
    sys::NdisMSetMiniportAttributes((*a).handle, &raw mut raw)
}

/// Maps the registers and resets the chip, which then neither interrupts nor writes to memory.
unsafe fn reset_first(a: *mut Adapter, resources: *mut CM_PARTIAL_RESOURCE_LIST) -> NDIS_STATUS {
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
            (*a).registers = address;
            (*a).registers_length = memory.Length;
            reset(a);
        }
        return status;
    }
    NDIS_STATUS_RESOURCE_CONFLICT
}

unsafe fn reset(a: *mut Adapter) {
    (*a).write(reg::IMC, u32::MAX);
    (*a).write(reg::RCTL, 0);
    (*a).write(reg::TCTL, 0);
    (*a).write(reg::CTRL, (*a).read(reg::CTRL) | 1 << 26);
    sys::NdisMSleep(2000);
    (*a).write(reg::IMC, u32::MAX);
    (*a).read(reg::ICR);
}

unsafe fn general_attributes(a: *mut Adapter) -> NDIS_STATUS {
    let mut power = NDIS_PM_CAPABILITIES::zeroed();
    power.Header = header(
        NDIS_OBJECT_TYPE_DEFAULT,
        NDIS_PM_CAPABILITIES_REVISION_2,
        NDIS_SIZEOF_NDIS_PM_CAPABILITIES_REVISION_2,
    );
    power.MinMagicPacketWakeUp = NdisDeviceStateUnspecified;
    power.MinPatternWakeUp = NdisDeviceStateUnspecified;
    power.MinLinkChangeWakeUp = NdisDeviceStateUnspecified;
    let mut address = [0; 6];
    address[..4].copy_from_slice(&(*a).read(reg::RAL).to_le_bytes());
    address[4..].copy_from_slice(&((*a).read(reg::RAL + 4) as u16).to_le_bytes());
    let mut general = NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES::zeroed();
    general.Header = header(
        NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
        NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
        NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
    );
    general.MediaType = NdisMedium802_3;
    general.PhysicalMediumType = NdisPhysicalMedium802_3;
    general.MtuSize = 1500;
    general.MaxXmitLinkSpeed = SPEED;
    general.MaxRcvLinkSpeed = SPEED;
    general.XmitLinkSpeed = SPEED;
    general.RcvLinkSpeed = SPEED;
    general.MediaConnectState = MediaConnectStateConnected;
    general.MediaDuplexState = MediaDuplexStateFull;
    general.LookaheadSize = 1500;
    general.MacOptions = NDIS_MAC_OPTION_COPY_LOOKAHEAD_DATA
        | NDIS_MAC_OPTION_TRANSFERS_NOT_PEND
        | NDIS_MAC_OPTION_NO_LOOPBACK;
    general.SupportedPacketFilters = oid::FILTERS;
    general.MaxMulticastListSize = oid::MULTICAST;
    general.MacAddressLength = 6;
    general.PermanentMacAddress[..6].copy_from_slice(&address);
    general.CurrentMacAddress[..6].copy_from_slice(&address);
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

/// Only the shared memory needs the registration.
unsafe extern "system" fn process_sg_list(
    _: *mut DEVICE_OBJECT,
    _: *mut c_void,
    _: *mut SCATTER_GATHER_LIST,
    _: *mut c_void,
) {
}

unsafe fn memory(a: *mut Adapter) -> NDIS_STATUS {
    let mut description = NDIS_SG_DMA_DESCRIPTION::zeroed();
    description.Header = header(
        NDIS_OBJECT_TYPE_SG_DMA_DESCRIPTION,
        NDIS_SG_DMA_DESCRIPTION_REVISION_1,
        NDIS_SIZEOF_SG_DMA_DESCRIPTION_REVISION_1,
    );
    description.Flags = NDIS_SG_DMA_64_BIT_ADDRESS;
    description.MaximumPhysicalMapping = 1514;
    description.ProcessSGListHandler = Some(process_sg_list);
    let status =
        sys::NdisMRegisterScatterGatherDma((*a).handle, &raw mut description, &raw mut (*a).dma);
    if status != NDIS_STATUS_SUCCESS {
        return status;
    }
    sys::NdisMAllocateSharedMemory(
        (*a).handle,
        SHARED,
        TRUE,
        &raw mut (*a).memory,
        &raw mut (*a).logical,
    );
    if (*a).memory.is_null() {
        return NDIS_STATUS_RESOURCES;
    }
    (*a).memory.cast::<u8>().write_bytes(0, RECEIVE);
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
    for n in 0..RING {
        let buffer = (*a).at(RECEIVE + n * BUFFER);
        let mdl = sys::NdisAllocateMdl((*a).handle, buffer, BUFFER as u32);
        if mdl.is_null() {
            return NDIS_STATUS_RESOURCES;
        }
        let nbl = sys::NdisAllocateNetBufferAndNetBufferList((*a).pool, 0, 0, mdl, 0, 0);
        if nbl.is_null() {
            sys::NdisFreeMdl(mdl);
            return NDIS_STATUS_RESOURCES;
        }
        (*nbl).MiniportReserved = [buffer, mdl.cast()];
        (*a).nbls[n] = nbl;
    }
    receive::fill(a);
    NDIS_STATUS_SUCCESS
}

/// Starts both engines, waits for the link and opens the interrupt mask.
unsafe fn open(a: *mut Adapter) {
    let bytes = (RING * DESCRIPTOR) as u32;
    for (base, offset) in [(reg::RDBAL, 0), (reg::TDBAL, RING * DESCRIPTOR)] {
        let address = (*a).logical_at(offset);
        (*a).write(base, address as u32);
        (*a).write(base + 4, (address >> 32) as u32);
        (*a).write(base + 8, bytes);
        (*a).write(base + 0x10, 0);
        (*a).write(base + 0x18, 0);
    }
    // Set link up, detect speed.
    (*a).write(reg::CTRL, (*a).read(reg::CTRL) | 0x60);
    // Enable, accept broadcast, multicast promiscuous, strip FCS; enable, pad, collision fields.
    (*a).write(reg::RCTL, 2 | 1 << 15 | 1 << 4 | 1 << 26);
    (*a).write(reg::TCTL, 2 | 8 | 0xF << 4 | 0x3F << 12);
    (*a).write(reg::RDT, (*a).receive_tail as u32);
    for _ in 0..200 {
        if (*a).read(reg::STATUS) & 2 != 0 {
            break;
        }
        sys::NdisMSleep(10_000);
    }
    interrupt::unmask(a);
}

/// MiniportRestart.
pub unsafe extern "system" fn restart(
    context: NDIS_HANDLE,
    _: *mut NDIS_MINIPORT_RESTART_PARAMETERS,
) -> NDIS_STATUS {
    let a: *mut Adapter = context.cast();
    (*a).running.store(true, Ordering::SeqCst);
    NDIS_STATUS_SUCCESS
}

/// MiniportPause.
pub unsafe extern "system" fn pause(
    context: NDIS_HANDLE,
    _: *mut NDIS_MINIPORT_PAUSE_PARAMETERS,
) -> NDIS_STATUS {
    let a: *mut Adapter = context.cast();
    let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).receive_lock);
    (*a).running.store(false, Ordering::SeqCst);
    nt::KeReleaseSpinLock(&raw mut (*a).receive_lock, old);
    loop {
        let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).send_lock);
        let sends = !(*a).waiting.is_null() || (*a).send_head != (*a).send_tail;
        nt::KeReleaseSpinLock(&raw mut (*a).send_lock, old);
        let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).receive_lock);
        let receives = (*a).indicated != 0;
        nt::KeReleaseSpinLock(&raw mut (*a).receive_lock, old);
        if !sends && !receives {
            // An indication or completion may not have returned yet.
            sys::NdisMSleep(20_000);
            return NDIS_STATUS_SUCCESS;
        }
        sys::NdisMSleep(1000);
        send::reap(a, false);
    }
}

/// OID_PNP_SET_POWER, in Paused: asleep the chip is stopped, and loses everything.
pub unsafe fn set_power(a: *mut Adapter, on: bool) {
    if !on {
        interrupt::stop(a);
        return;
    }
    reset(a);
    receive::fill(a);
    (*a).send_head = 0;
    (*a).send_tail = 0;
    (*a).stopped.store(false, Ordering::SeqCst);
    open(a);
}

/// MiniportDevicePnPEventNotify.
pub unsafe extern "system" fn pnp_event(context: NDIS_HANDLE, event: *mut NET_DEVICE_PNP_EVENT) {
    let a: *mut Adapter = context.cast();
    if (*event).DevicePnPEvent == NdisDevicePnPEventSurpriseRemoved {
        (*a).gone.store(true, Ordering::SeqCst);
        (*a).stopped.store(true, Ordering::SeqCst);
        send::abort(a);
    }
}

/// MiniportShutdownEx.
pub unsafe extern "system" fn shutdown(context: NDIS_HANDLE, _: NDIS_SHUTDOWN_ACTION) {
    let a: *mut Adapter = context.cast();
    (*a).write(reg::IMC, u32::MAX);
    (*a).write(reg::RCTL, 0);
    (*a).write(reg::TCTL, 0);
}

/// MiniportHaltEx.
pub unsafe extern "system" fn halt(context: NDIS_HANDLE, _: NDIS_HALT_ACTION) {
    release(context.cast());
}

/// Releases what there is, in the opposite order.
unsafe fn release(a: *mut Adapter) {
    let gone = (*a).gone.load(Ordering::SeqCst);
    if !(*a).registers.is_null() && !gone {
        interrupt::stop(a);
        reset(a);
    }
    if is(RINGS_FREED_FIRST) {
        free_rings(a);
    }
    if !(*a).interrupt.is_null() {
        sys::NdisMDeregisterInterruptEx((*a).interrupt);
    }
    free_rings(a);
    if !(*a).dma.is_null() {
        sys::NdisMDeregisterScatterGatherDma((*a).dma);
    }
    if !(*a).registers.is_null() {
        sys::NdisMUnmapIoSpace((*a).handle, (*a).registers, (*a).registers_length);
    }
    nt::ExFreePoolWithTag(a.cast(), TAG);
}

unsafe fn free_rings(a: *mut Adapter) {
    for n in 0..RING {
        let nbl = (*a).nbls[n];
        (*a).nbls[n] = null_mut();
        if !nbl.is_null() {
            let mdl = (*nbl).MiniportReserved[1].cast();
            sys::NdisFreeNetBufferList(nbl);
            sys::NdisFreeMdl(mdl);
        }
    }
    if !(*a).pool.is_null() {
        sys::NdisFreeNetBufferListPool((*a).pool);
        (*a).pool = null_mut();
    }
    if !(*a).memory.is_null() {
        sys::NdisMFreeSharedMemory((*a).handle, SHARED, TRUE, (*a).memory, (*a).logical);
        if !is(RINGS_FREED_FIRST) {
            (*a).memory = null_mut();
        }
    }
}
