// SPDX-License-Identifier: MIT OR Apache-2.0
//! Exports of ndis.sys, as declared by the headers.
//!
//! Each entry names the highest IRQL it may be called at; the wrappers of this crate ask for a token of that level.

use crate::ffi::*;

imports! {
    trait NdisImports;

    /// `NdisMRegisterMiniportDriver` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMRegisterMiniportDriver(driver_object: *mut DRIVER_OBJECT, registry_path: *mut UNICODE_STRING, miniport_driver_context: NDIS_HANDLE, miniport_driver_characteristics: *mut NDIS_MINIPORT_DRIVER_CHARACTERISTICS, ndis_miniport_driver_handle: *mut NDIS_HANDLE) -> NDIS_STATUS;

    /// `NdisMDeregisterMiniportDriver` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMDeregisterMiniportDriver(ndis_miniport_driver_handle: NDIS_HANDLE);

    /// `NdisMSetMiniportAttributes` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMSetMiniportAttributes(ndis_miniport_handle: NDIS_HANDLE, miniport_attributes: *mut NDIS_MINIPORT_ADAPTER_ATTRIBUTES) -> NDIS_STATUS;

    /// `NdisSetOptionalHandlers` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisSetOptionalHandlers(ndis_handle: NDIS_HANDLE, optional_handlers: *mut NDIS_DRIVER_OPTIONAL_HANDLERS) -> NDIS_STATUS;

    /// `NdisGetVersion` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisGetVersion() -> u32;

    /// `NdisMRegisterInterruptEx` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMRegisterInterruptEx(miniport_adapter_handle: NDIS_HANDLE, miniport_interrupt_context: NDIS_HANDLE, miniport_interrupt_characteristics: *mut NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS, ndis_interrupt_handle: *mut NDIS_HANDLE) -> NDIS_STATUS;

    /// `NdisMDeregisterInterruptEx` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMDeregisterInterruptEx(ndis_interrupt_handle: NDIS_HANDLE);

    /// `NdisMSynchronizeWithInterruptEx` (ndis.h). IRQL: at most DIRQL.
    fn NdisMSynchronizeWithInterruptEx(ndis_interrupt_handle: NDIS_HANDLE, message_id: u32, synchronize_function: Option<MINIPORT_SYNCHRONIZE_INTERRUPT>, synchronize_context: *mut c_void) -> BOOLEAN;

    /// `NdisMQueueDpc` (ndis.h). IRQL: Any level.
    fn NdisMQueueDpc(ndis_interrupt_handle: NDIS_HANDLE, message_id: u32, target_processors: u32, miniport_dpc_context: *mut c_void) -> u32;

    /// `NdisMQueueDpcEx` (ndis.h). IRQL: Any level. NDIS 6.20 and later.
    fn NdisMQueueDpcEx(ndis_interrupt_handle: NDIS_HANDLE, message_id: u32, target_processors: *mut GROUP_AFFINITY, miniport_dpc_context: *mut c_void) -> KAFFINITY;

    /// `NdisMConfigMSIXTableEntry` (ndis.h). IRQL: HIGH_LEVEL. NDIS 6.1 and later.
    fn NdisMConfigMSIXTableEntry(ndis_miniport_handle: NDIS_HANDLE, msix_config_parameters: *mut NDIS_MSIX_CONFIG_PARAMETERS) -> NDIS_STATUS;

    /// `NdisMRegisterScatterGatherDma` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMRegisterScatterGatherDma(miniport_adapter_handle: NDIS_HANDLE, dma_description: *mut NDIS_SG_DMA_DESCRIPTION, ndis_miniport_dma_handle: *mut NDIS_HANDLE) -> NDIS_STATUS;

    /// `NdisMDeregisterScatterGatherDma` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMDeregisterScatterGatherDma(ndis_miniport_dma_handle: NDIS_HANDLE);

    /// `NdisMAllocateNetBufferSGList` (ndis.h). IRQL: DISPATCH_LEVEL.
    fn NdisMAllocateNetBufferSGList(ndis_miniport_dma_handle: NDIS_HANDLE, net_buffer: *mut NET_BUFFER, context: *mut c_void, flags: u32, scatter_gather_list_buffer: *mut c_void, scatter_gather_list_buffer_size: u32) -> NDIS_STATUS;

    /// `NdisMFreeNetBufferSGList` (ndis.h). IRQL: DISPATCH_LEVEL.
    fn NdisMFreeNetBufferSGList(ndis_miniport_dma_handle: NDIS_HANDLE, sgl: *mut SCATTER_GATHER_LIST, net_buffer: *mut NET_BUFFER);

    /// `NdisMAllocateSharedMemory` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMAllocateSharedMemory(miniport_adapter_handle: NDIS_HANDLE, length: u32, cached: BOOLEAN, virtual_address: *mut *mut c_void, physical_address: *mut LARGE_INTEGER);

    /// `NdisMAllocateSharedMemoryAsyncEx` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMAllocateSharedMemoryAsyncEx(miniport_dma_handle: NDIS_HANDLE, length: u32, cached: BOOLEAN, context: *mut c_void) -> NDIS_STATUS;

    /// `NdisMFreeSharedMemory` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMFreeSharedMemory(miniport_adapter_handle: NDIS_HANDLE, length: u32, cached: BOOLEAN, virtual_address: *mut c_void, physical_address: LARGE_INTEGER);

    /// `NdisMMapIoSpace` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMMapIoSpace(virtual_address: *mut *mut c_void, miniport_adapter_handle: NDIS_HANDLE, physical_address: LARGE_INTEGER, length: u32) -> NDIS_STATUS;

    /// `NdisMUnmapIoSpace` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMUnmapIoSpace(miniport_adapter_handle: NDIS_HANDLE, virtual_address: *mut c_void, length: u32);

    /// `NdisMRegisterIoPortRange` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMRegisterIoPortRange(port_offset: *mut *mut c_void, miniport_adapter_handle: NDIS_HANDLE, initial_port: u32, number_of_ports: u32) -> NDIS_STATUS;

    /// `NdisMDeregisterIoPortRange` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMDeregisterIoPortRange(miniport_adapter_handle: NDIS_HANDLE, initial_port: u32, number_of_ports: u32, port_offset: *mut c_void);

    /// `NdisMGetBusData` (ndis.h). IRQL: Any level.
    fn NdisMGetBusData(ndis_miniport_handle: NDIS_HANDLE, which_space: u32, offset: u32, buffer: *mut c_void, length: u32) -> u32;

    /// `NdisMSetBusData` (ndis.h). IRQL: Any level.
    fn NdisMSetBusData(ndis_miniport_handle: NDIS_HANDLE, which_space: u32, offset: u32, buffer: *mut c_void, length: u32) -> u32;

    /// `NdisMGetDmaAlignment` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMGetDmaAlignment(miniport_adapter_handle: NDIS_HANDLE) -> u32;

    /// `NdisGetSharedDataAlignment` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisGetSharedDataAlignment() -> u32;

    /// `NdisMSleep` (ndis.h). IRQL: < DISPATCH_LEVEL.
    fn NdisMSleep(microseconds_to_sleep: u32);

    /// `NdisAllocateNetBufferListPool` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateNetBufferListPool(ndis_handle: NDIS_HANDLE, parameters: *const NET_BUFFER_LIST_POOL_PARAMETERS) -> NDIS_HANDLE;

    /// `NdisFreeNetBufferListPool` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeNetBufferListPool(pool_handle: NDIS_HANDLE);

    /// `NdisAllocateNetBufferAndNetBufferList` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateNetBufferAndNetBufferList(pool_handle: NDIS_HANDLE, context_size: u16, context_back_fill: u16, mdl_chain: *mut MDL, data_offset: u32, data_length: usize) -> *mut NET_BUFFER_LIST;

    /// `NdisAllocateNetBufferList` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateNetBufferList(pool_handle: NDIS_HANDLE, context_size: u16, context_back_fill: u16) -> *mut NET_BUFFER_LIST;

    /// `NdisFreeNetBufferList` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeNetBufferList(net_buffer_list: *mut NET_BUFFER_LIST);

    /// `NdisAllocateNetBufferPool` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateNetBufferPool(ndis_handle: NDIS_HANDLE, parameters: *const NET_BUFFER_POOL_PARAMETERS) -> NDIS_HANDLE;

    /// `NdisFreeNetBufferPool` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeNetBufferPool(pool_handle: NDIS_HANDLE);

    /// `NdisAllocateNetBuffer` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateNetBuffer(pool_handle: NDIS_HANDLE, mdl_chain: *mut MDL, data_offset: u32, data_length: usize) -> *mut NET_BUFFER;

    /// `NdisFreeNetBuffer` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeNetBuffer(net_buffer: *mut NET_BUFFER);

    /// `NdisAllocateNetBufferListContext` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateNetBufferListContext(net_buffer_list: *mut NET_BUFFER_LIST, context_size: u16, context_back_fill: u16, pool_tag: u32) -> NDIS_STATUS;

    /// `NdisFreeNetBufferListContext` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeNetBufferListContext(net_buffer_list: *mut NET_BUFFER_LIST, context_size: u16);

    /// `NdisAllocateMdl` (ndis/mdlapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateMdl(ndis_handle: NDIS_HANDLE, virtual_address: *mut c_void, length: u32) -> *mut MDL;

    /// `NdisFreeMdl` (ndis/mdlapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeMdl(mdl: *mut MDL);

    /// `NdisAdvanceNetBufferDataStart` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAdvanceNetBufferDataStart(net_buffer: *mut NET_BUFFER, data_offset_delta: u32, free_mdl: BOOLEAN, free_mdl_handler: Option<UNTYPED_ROUTINE>);

    /// `NdisRetreatNetBufferDataStart` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisRetreatNetBufferDataStart(net_buffer: *mut NET_BUFFER, data_offset_delta: u32, data_back_fill: u32, allocate_mdl_handler: Option<UNTYPED_ROUTINE>) -> NDIS_STATUS;

    /// `NdisAdvanceNetBufferListDataStart` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAdvanceNetBufferListDataStart(net_buffer_list: *mut NET_BUFFER_LIST, data_offset_delta: u32, free_mdl: BOOLEAN, free_mdl_mdl_handler: Option<UNTYPED_ROUTINE>);

    /// `NdisRetreatNetBufferListDataStart` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisRetreatNetBufferListDataStart(net_buffer_list: *mut NET_BUFFER_LIST, data_offset_delta: u32, data_back_fill: u32, allocate_mdl_handler: Option<UNTYPED_ROUTINE>, free_mdl_handler: Option<UNTYPED_ROUTINE>) -> NDIS_STATUS;

    /// `NdisGetDataBuffer` (ndis/nblapi.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisGetDataBuffer(net_buffer: *mut NET_BUFFER, bytes_needed: u32, storage: *mut c_void, align_multiple: u32, align_offset: u32) -> *mut c_void;

    /// `NdisMSendNetBufferListsComplete` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMSendNetBufferListsComplete(miniport_adapter_handle: NDIS_HANDLE, net_buffer_list: *mut NET_BUFFER_LIST, send_complete_flags: u32);

    /// `NdisMIndicateReceiveNetBufferLists` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMIndicateReceiveNetBufferLists(miniport_adapter_handle: NDIS_HANDLE, net_buffer_list: *mut NET_BUFFER_LIST, port_number: NDIS_PORT_NUMBER, number_of_net_buffer_lists: u32, receive_flags: u32);

    /// `NdisMIndicateStatusEx` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMIndicateStatusEx(miniport_adapter_handle: NDIS_HANDLE, status_indication: *mut NDIS_STATUS_INDICATION);

    /// `NdisMOidRequestComplete` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMOidRequestComplete(miniport_adapter_handle: NDIS_HANDLE, oid_request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS);

    /// `NdisMDirectOidRequestComplete` (ndis.h). IRQL: at most DISPATCH_LEVEL. NDIS 6.1 and later.
    fn NdisMDirectOidRequestComplete(miniport_adapter_handle: NDIS_HANDLE, oid_request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS);

    /// `NdisMPauseComplete` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMPauseComplete(miniport_adapter_handle: NDIS_HANDLE);

    /// `NdisMRestartComplete` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMRestartComplete(miniport_adapter_handle: NDIS_HANDLE, status: NDIS_STATUS);

    /// `NdisMResetComplete` (ndis.h). IRQL: DISPATCH_LEVEL.
    fn NdisMResetComplete(miniport_adapter_handle: NDIS_HANDLE, status: NDIS_STATUS, addressing_reset: BOOLEAN);

    /// `NdisMResetMiniport` (ndis.h). IRQL: at most DISPATCH_LEVEL. NDIS 6.30 and later.
    fn NdisMResetMiniport(miniport_adapter_handle: NDIS_HANDLE);

    /// `NdisMRemoveMiniport` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMRemoveMiniport(miniport_handle: NDIS_HANDLE) -> NDIS_STATUS;

    /// `NdisAllocateTimerObject` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateTimerObject(ndis_handle: NDIS_HANDLE, timer_characteristics: *mut NDIS_TIMER_CHARACTERISTICS, p_timer_object: *mut NDIS_HANDLE) -> NDIS_STATUS;

    /// `NdisSetTimerObject` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisSetTimerObject(timer_object: NDIS_HANDLE, due_time: LARGE_INTEGER, milliseconds_period: i32, function_context: *mut c_void) -> BOOLEAN;

    /// `NdisCancelTimerObject` (ndis.h). IRQL: DISPATCH_LEVEL.
    fn NdisCancelTimerObject(timer_object: NDIS_HANDLE) -> BOOLEAN;

    /// `NdisFreeTimerObject` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeTimerObject(timer_object: NDIS_HANDLE);

    /// `NdisAllocateIoWorkItem` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateIoWorkItem(ndis_object_handle: NDIS_HANDLE) -> NDIS_HANDLE;

    /// `NdisQueueIoWorkItem` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisQueueIoWorkItem(ndis_io_work_item_handle: NDIS_HANDLE, routine: Option<NDIS_IO_WORKITEM_FUNCTION>, work_item_context: *mut c_void);

    /// `NdisFreeIoWorkItem` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeIoWorkItem(ndis_io_work_item_handle: NDIS_HANDLE);

    /// `NdisOpenConfigurationEx` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisOpenConfigurationEx(config_object: *mut NDIS_CONFIGURATION_OBJECT, configuration_handle: *mut NDIS_HANDLE) -> NDIS_STATUS;

    /// `NdisOpenConfigurationKeyByName` (ndis.h). IRQL: < DISPATCH_LEVEL.
    fn NdisOpenConfigurationKeyByName(status: *mut NDIS_STATUS, configuration_handle: NDIS_HANDLE, sub_key_name: *mut UNICODE_STRING, sub_key_handle: *mut NDIS_HANDLE);

    /// `NdisOpenConfigurationKeyByIndex` (ndis.h). IRQL: < DISPATCH_LEVEL.
    fn NdisOpenConfigurationKeyByIndex(status: *mut NDIS_STATUS, configuration_handle: NDIS_HANDLE, index: u32, key_name: *mut UNICODE_STRING, key_handle: *mut NDIS_HANDLE);

    /// `NdisReadConfiguration` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisReadConfiguration(status: *mut NDIS_STATUS, parameter_value: *mut *mut NDIS_CONFIGURATION_PARAMETER, configuration_handle: NDIS_HANDLE, keyword: *mut UNICODE_STRING, parameter_type: NDIS_PARAMETER_TYPE);

    /// `NdisWriteConfiguration` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisWriteConfiguration(status: *mut NDIS_STATUS, configuration_handle: NDIS_HANDLE, keyword: *mut UNICODE_STRING, parameter_value: *mut NDIS_CONFIGURATION_PARAMETER);

    /// `NdisCloseConfiguration` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisCloseConfiguration(configuration_handle: NDIS_HANDLE);

    /// `NdisReadNetworkAddress` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisReadNetworkAddress(status: *mut NDIS_STATUS, network_address: *mut *mut c_void, network_address_length: *mut u32, configuration_handle: NDIS_HANDLE);

    /// `NdisInitializeEvent` (ndis.h). IRQL: Any level.
    fn NdisInitializeEvent(event: *mut NDIS_EVENT);

    /// `NdisSetEvent` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisSetEvent(event: *mut NDIS_EVENT);

    /// `NdisResetEvent` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisResetEvent(event: *mut NDIS_EVENT);

    /// `NdisWaitEvent` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisWaitEvent(event: *mut NDIS_EVENT, ms_to_wait: u32) -> BOOLEAN;

    /// `NdisWriteErrorLogEntry` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    ///
    /// Variadic in C. On x64 the caller clears the arguments and variadic integers travel like named ones, so four are
    /// always passed; `number_of_error_values` says how many count.
    fn NdisWriteErrorLogEntry(ndis_adapter_handle: NDIS_HANDLE, error_code: u32, number_of_error_values: u32, value0: usize, value1: usize, value2: usize, value3: usize);

    /// `NdisGetRoutineAddress` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisGetRoutineAddress(ndis_routine_name: *mut UNICODE_STRING) -> *mut c_void;

    /// `NdisAllocateMemoryWithTagPriority` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateMemoryWithTagPriority(ndis_handle: NDIS_HANDLE, length: u32, tag: u32, priority: i32) -> *mut c_void;

    /// `NdisFreeMemory` (ndis.h). IRQL: see its reference page.
    fn NdisFreeMemory(virtual_address: *mut c_void, length: u32, memory_flags: u32);

    /// `NdisGroupMaxProcessorCount` (ndis.h). IRQL: Any level. NDIS 6.20 and later.
    fn NdisGroupMaxProcessorCount(group: u16) -> u32;

    /// `NdisGetSystemUpTimeEx` (ndis.h). IRQL: Any level.
    fn NdisGetSystemUpTimeEx(p_system_up_time: *mut LARGE_INTEGER);

    /// `NdisAllocateRWLock` (ndis.h). IRQL: at most DISPATCH_LEVEL. NDIS 6.20 and later.
    fn NdisAllocateRWLock(ndis_handle: NDIS_HANDLE) -> *mut c_void;

    /// `NdisFreeRWLock` (ndis.h). IRQL: at most DISPATCH_LEVEL. NDIS 6.20 and later.
    fn NdisFreeRWLock(lock: *mut c_void);

    /// `NdisAcquireRWLockRead` (ndis.h). IRQL: at most DISPATCH_LEVEL. NDIS 6.20 and later.
    fn NdisAcquireRWLockRead(lock: *mut c_void, lock_state: *mut LOCK_STATE_EX, flags: u8);

    /// `NdisAcquireRWLockWrite` (ndis.h). IRQL: at most DISPATCH_LEVEL. NDIS 6.20 and later.
    fn NdisAcquireRWLockWrite(lock: *mut c_void, lock_state: *mut LOCK_STATE_EX, flags: u8);

    /// `NdisReleaseRWLock` (ndis.h). IRQL: DISPATCH_LEVEL. NDIS 6.20 and later.
    fn NdisReleaseRWLock(lock: *mut c_void, lock_state: *mut LOCK_STATE_EX);

    /// `NdisMGetDeviceProperty` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMGetDeviceProperty(miniport_adapter_handle: NDIS_HANDLE, physical_device_object: *mut *mut DEVICE_OBJECT, functional_device_object: *mut *mut DEVICE_OBJECT, next_device_object: *mut *mut DEVICE_OBJECT, allocated_resources: *mut *mut CM_RESOURCE_LIST, allocated_resources_translated: *mut *mut CM_RESOURCE_LIST);

    /// `NdisGetRssProcessorInformation` (ndis.h). IRQL: at most DISPATCH_LEVEL. NDIS 6.20 and later.
    fn NdisGetRssProcessorInformation(ndis_handle: NDIS_HANDLE, rss_processor_info: *mut NDIS_RSS_PROCESSOR_INFO, size: *mut usize) -> NDIS_STATUS;

    /// `NdisAllocateGenericObject` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisAllocateGenericObject(driver_object: *mut DRIVER_OBJECT, tag: u32, size: u16) -> *mut NDIS_GENERIC_OBJECT;

    /// `NdisFreeGenericObject` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisFreeGenericObject(ndis_object: *mut NDIS_GENERIC_OBJECT);

    /// `NdisMAllocatePort` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMAllocatePort(ndis_miniport_handle: NDIS_HANDLE, port_characteristics: *mut NDIS_PORT_CHARACTERISTICS) -> NDIS_STATUS;

    /// `NdisMFreePort` (ndis.h). IRQL: at most DISPATCH_LEVEL.
    fn NdisMFreePort(ndis_miniport_handle: NDIS_HANDLE, port_number: NDIS_PORT_NUMBER) -> NDIS_STATUS;

    /// `NdisMQueryAdapterInstanceName` (ndis.h). IRQL: PASSIVE_LEVEL.
    fn NdisMQueryAdapterInstanceName(p_adapter_instance_name: *mut UNICODE_STRING, miniport_handle: NDIS_HANDLE) -> NDIS_STATUS;
}
