// SPDX-License-Identifier: MIT OR Apache-2.0
//! Types of the routines that NDIS and the kernel call, under their header names.

#[allow(unused_imports)]
use super::*;

/// A routine whose signature this crate does not use.
pub type UNTYPED_ROUTINE = unsafe extern "system" fn();

/// `MINIPORT_ADD_DEVICE` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_ADD_DEVICE = unsafe extern "system" fn(
    ndis_miniport_handle: NDIS_HANDLE,
    miniport_driver_context: NDIS_HANDLE,
) -> NDIS_STATUS;

/// `MINIPORT_ALLOCATE_SHARED_MEM_COMPLETE` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_ALLOCATE_SHARED_MEM_COMPLETE = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    virtual_address: *mut c_void,
    physical_address: *mut LARGE_INTEGER,
    length: u32,
    context: *mut c_void,
);

/// `MINIPORT_CANCEL_DIRECT_OID_REQUEST` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_CANCEL_DIRECT_OID_REQUEST =
    unsafe extern "system" fn(miniport_adapter_context: NDIS_HANDLE, request_id: *mut c_void);

/// `MINIPORT_CANCEL_IDLE_NOTIFICATION` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_CANCEL_IDLE_NOTIFICATION =
    unsafe extern "system" fn(miniport_adapter_context: NDIS_HANDLE);

/// `MINIPORT_CANCEL_OID_REQUEST` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_CANCEL_OID_REQUEST =
    unsafe extern "system" fn(miniport_adapter_context: NDIS_HANDLE, request_id: *mut c_void);

/// `MINIPORT_CANCEL_SEND` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_CANCEL_SEND =
    unsafe extern "system" fn(miniport_adapter_context: NDIS_HANDLE, cancel_id: *mut c_void);

/// `MINIPORT_CHECK_FOR_HANG` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_CHECK_FOR_HANG =
    unsafe extern "system" fn(miniport_adapter_context: NDIS_HANDLE) -> BOOLEAN;

/// `MINIPORT_DEVICE_PNP_EVENT_NOTIFY` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_DEVICE_PNP_EVENT_NOTIFY = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    net_device_pnp_event: *mut NET_DEVICE_PNP_EVENT,
);

/// `MINIPORT_DIRECT_OID_REQUEST` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_DIRECT_OID_REQUEST = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    oid_request: *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS;

/// `MINIPORT_DISABLE_INTERRUPT` (ndis.h), called at IRQL DIRQL.
pub type MINIPORT_DISABLE_INTERRUPT =
    unsafe extern "system" fn(miniport_interrupt_context: NDIS_HANDLE);

/// `MINIPORT_DISABLE_MESSAGE_INTERRUPT` (ndis.h), called at IRQL DIRQL.
pub type MINIPORT_DISABLE_MESSAGE_INTERRUPT =
    unsafe extern "system" fn(miniport_interrupt_context: NDIS_HANDLE, message_id: u32);

/// `MINIPORT_ENABLE_INTERRUPT` (ndis.h), called at IRQL DIRQL.
pub type MINIPORT_ENABLE_INTERRUPT =
    unsafe extern "system" fn(miniport_interrupt_context: NDIS_HANDLE);

/// `MINIPORT_ENABLE_MESSAGE_INTERRUPT` (ndis.h), called at IRQL DIRQL.
pub type MINIPORT_ENABLE_MESSAGE_INTERRUPT =
    unsafe extern "system" fn(miniport_interrupt_context: NDIS_HANDLE, message_id: u32);

/// `MINIPORT_FILTER_RESOURCE_REQUIREMENTS` (ndis.h): the same as [`MINIPORT_PNP_IRP`].
pub type MINIPORT_FILTER_RESOURCE_REQUIREMENTS = MINIPORT_PNP_IRP;

/// `MINIPORT_HALT` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_HALT =
    unsafe extern "system" fn(miniport_adapter_context: NDIS_HANDLE, halt_action: NDIS_HALT_ACTION);

/// `MINIPORT_IDLE_NOTIFICATION` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_IDLE_NOTIFICATION = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    force_idle: BOOLEAN,
) -> NDIS_STATUS;

/// `MINIPORT_INITIALIZE` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_INITIALIZE = unsafe extern "system" fn(
    ndis_miniport_handle: NDIS_HANDLE,
    miniport_driver_context: NDIS_HANDLE,
    miniport_init_parameters: *mut NDIS_MINIPORT_INIT_PARAMETERS,
) -> NDIS_STATUS;

/// `MINIPORT_INTERRUPT_DPC` (ndis.h), called at IRQL DISPATCH_LEVEL.
pub type MINIPORT_INTERRUPT_DPC = unsafe extern "system" fn(
    miniport_interrupt_context: NDIS_HANDLE,
    miniport_dpc_context: *mut c_void,
    receive_throttle_parameters: *mut c_void,
    ndis_reserved2: *mut c_void,
);

/// `MINIPORT_ISR` (ndis.h), called at IRQL DIRQL.
pub type MINIPORT_ISR = unsafe extern "system" fn(
    miniport_interrupt_context: NDIS_HANDLE,
    queue_default_interrupt_dpc: *mut BOOLEAN,
    target_processors: *mut u32,
) -> BOOLEAN;

/// `MINIPORT_MESSAGE_INTERRUPT` (ndis.h), called at IRQL DIRQL.
pub type MINIPORT_MESSAGE_INTERRUPT = unsafe extern "system" fn(
    miniport_interrupt_context: NDIS_HANDLE,
    message_id: u32,
    queue_default_interrupt_dpc: *mut BOOLEAN,
    target_processors: *mut u32,
) -> BOOLEAN;

/// `MINIPORT_MESSAGE_INTERRUPT_DPC` (ndis.h), called at IRQL DISPATCH_LEVEL.
pub type MINIPORT_MESSAGE_INTERRUPT_DPC = unsafe extern "system" fn(
    miniport_interrupt_context: NDIS_HANDLE,
    message_id: u32,
    miniport_dpc_context: *mut c_void,
    receive_throttle_parameters: *mut c_void,
    ndis_reserved2: *mut c_void,
);

/// `MINIPORT_OID_REQUEST` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_OID_REQUEST = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    oid_request: *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS;

/// `MINIPORT_PAUSE` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_PAUSE = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    pause_parameters: *mut NDIS_MINIPORT_PAUSE_PARAMETERS,
) -> NDIS_STATUS;

/// `MINIPORT_PNP_IRP` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_PNP_IRP = unsafe extern "system" fn(
    miniport_add_device_context: NDIS_HANDLE,
    irp: *mut IRP,
) -> NDIS_STATUS;

/// `MINIPORT_PROCESS_SG_LIST` (ndis.h), called at IRQL DISPATCH_LEVEL.
pub type MINIPORT_PROCESS_SG_LIST = unsafe extern "system" fn(
    p_do: *mut DEVICE_OBJECT,
    reserved: *mut c_void,
    p_sgl: *mut SCATTER_GATHER_LIST,
    context: *mut c_void,
);

/// `MINIPORT_REMOVE_DEVICE` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_REMOVE_DEVICE =
    unsafe extern "system" fn(miniport_add_device_context: NDIS_HANDLE);

/// `MINIPORT_RESET` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_RESET = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    addressing_reset: *mut BOOLEAN,
) -> NDIS_STATUS;

/// `MINIPORT_RESTART` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_RESTART = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    restart_parameters: *mut NDIS_MINIPORT_RESTART_PARAMETERS,
) -> NDIS_STATUS;

/// `MINIPORT_RETURN_NET_BUFFER_LISTS` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_RETURN_NET_BUFFER_LISTS = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    net_buffer_lists: *mut NET_BUFFER_LIST,
    return_flags: u32,
);

/// `MINIPORT_SEND_NET_BUFFER_LISTS` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_SEND_NET_BUFFER_LISTS = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    net_buffer_list: *mut NET_BUFFER_LIST,
    port_number: NDIS_PORT_NUMBER,
    send_flags: u32,
);

/// `MINIPORT_SET_OPTIONS` (ndis.h): the same as [`SET_OPTIONS`].
pub type MINIPORT_SET_OPTIONS = SET_OPTIONS;

/// `MINIPORT_SHUTDOWN` (ndis.h), called at IRQL PASSIVE_LEVEL, or HIGH_LEVEL at a bug check.
pub type MINIPORT_SHUTDOWN = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    shutdown_action: NDIS_SHUTDOWN_ACTION,
);

/// `MINIPORT_START_DEVICE` (ndis.h): the same as [`MINIPORT_PNP_IRP`].
pub type MINIPORT_START_DEVICE = MINIPORT_PNP_IRP;

/// `MINIPORT_SYNCHRONIZE_INTERRUPT` (ndis.h), called at IRQL DIRQL.
pub type MINIPORT_SYNCHRONIZE_INTERRUPT =
    unsafe extern "system" fn(synchronize_context: NDIS_HANDLE) -> BOOLEAN;

/// `MINIPORT_SYNCHRONIZE_MESSAGE_INTERRUPT` (ndis.h): the same as [`MINIPORT_SYNCHRONIZE_INTERRUPT`].
pub type MINIPORT_SYNCHRONIZE_MESSAGE_INTERRUPT = MINIPORT_SYNCHRONIZE_INTERRUPT;

/// `MINIPORT_SYNCHRONOUS_OID_REQUEST` (ndis.h), called at IRQL <= DISPATCH_LEVEL.
pub type MINIPORT_SYNCHRONOUS_OID_REQUEST = unsafe extern "system" fn(
    miniport_adapter_context: NDIS_HANDLE,
    oid_request: *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS;

/// `MINIPORT_UNLOAD` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type MINIPORT_UNLOAD = unsafe extern "system" fn(driver_object: *mut DRIVER_OBJECT);

/// `NDIS_IO_WORKITEM_FUNCTION` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type NDIS_IO_WORKITEM_FUNCTION = unsafe extern "system" fn(
    work_item_context: *mut c_void,
    ndis_io_work_item_handle: NDIS_HANDLE,
);

/// `NDIS_POLL` (ndis/poll.h), called at IRQL <= DISPATCH_LEVEL.
pub type NDIS_POLL =
    unsafe extern "system" fn(context: *mut c_void, poll_data: *mut NDIS_POLL_DATA);

/// `NDIS_PROCESS_SG_LIST` (ndis.h), called at IRQL DISPATCH_LEVEL.
pub type NDIS_PROCESS_SG_LIST = unsafe extern "system" fn(
    device_object: *mut DEVICE_OBJECT,
    reserved: *mut c_void,
    scatter_gather_list_buffer: *mut SCATTER_GATHER_LIST,
    context: *mut c_void,
);

/// `NDIS_PROC_CALLBACK` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type NDIS_PROC_CALLBACK =
    unsafe extern "system" fn(work_item: *mut NDIS_WORK_ITEM, context: *mut c_void);

/// `NDIS_SET_POLL_NOTIFICATION` (ndis/poll.h), called at IRQL <= DISPATCH_LEVEL.
pub type NDIS_SET_POLL_NOTIFICATION =
    unsafe extern "system" fn(context: *mut c_void, notification: *mut NDIS_POLL_NOTIFICATION);

/// `NDIS_TIMER_FUNCTION` (ndis.h), called at IRQL DISPATCH_LEVEL.
pub type NDIS_TIMER_FUNCTION = unsafe extern "system" fn(
    system_specific1: *mut c_void,
    function_context: *mut c_void,
    system_specific2: *mut c_void,
    system_specific3: *mut c_void,
);

/// `SET_OPTIONS` (ndis.h), called at IRQL PASSIVE_LEVEL.
pub type SET_OPTIONS = unsafe extern "system" fn(
    ndis_driver_handle: NDIS_HANDLE,
    driver_context: NDIS_HANDLE,
) -> NDIS_STATUS;

/// `DRIVER_INITIALIZE` (wdm.h), called at IRQL PASSIVE_LEVEL.
pub type DRIVER_INITIALIZE = unsafe extern "system" fn(
    driver_object: *mut DRIVER_OBJECT,
    registry_path: *mut UNICODE_STRING,
) -> NTSTATUS;

/// `DRIVER_UNLOAD` (wdm.h), called at IRQL PASSIVE_LEVEL.
pub type DRIVER_UNLOAD = unsafe extern "system" fn(driver_object: *mut DRIVER_OBJECT);

/// `DRIVER_DISPATCH` (wdm.h), called at IRQL PASSIVE_LEVEL.
pub type DRIVER_DISPATCH =
    unsafe extern "system" fn(device_object: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS;

/// `DRIVER_ADD_DEVICE` (wdm.h), called at IRQL PASSIVE_LEVEL.
pub type DRIVER_ADD_DEVICE = unsafe extern "system" fn(
    driver_object: *mut DRIVER_OBJECT,
    physical_device_object: *mut DEVICE_OBJECT,
) -> NTSTATUS;

/// `DRIVER_LIST_CONTROL` (wdm.h), called at IRQL DISPATCH_LEVEL.
pub type DRIVER_LIST_CONTROL = unsafe extern "system" fn(
    device_object: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    scatter_gather: *mut SCATTER_GATHER_LIST,
    context: *mut c_void,
);

/// `KDEFERRED_ROUTINE` (wdm.h), called at IRQL DISPATCH_LEVEL.
pub type KDEFERRED_ROUTINE = unsafe extern "system" fn(
    dpc: *mut KDPC,
    deferred_context: *mut c_void,
    system_argument1: *mut c_void,
    system_argument2: *mut c_void,
);

/// `KSYNCHRONIZE_ROUTINE` (wdm.h), called at IRQL DIRQL.
pub type KSYNCHRONIZE_ROUTINE =
    unsafe extern "system" fn(synchronize_context: *mut c_void) -> BOOLEAN;

/// `IO_COMPLETION_ROUTINE` (wdm.h), called at IRQL <= DISPATCH_LEVEL.
pub type IO_COMPLETION_ROUTINE = unsafe extern "system" fn(
    device_object: *mut DEVICE_OBJECT,
    irp: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS;

/// `KSERVICE_ROUTINE` (wdm.h), called at IRQL DIRQL.
pub type KSERVICE_ROUTINE =
    unsafe extern "system" fn(interrupt: *mut c_void, service_context: *mut c_void) -> BOOLEAN;

/// `KMESSAGE_SERVICE_ROUTINE` (wdm.h).
pub type KMESSAGE_SERVICE_ROUTINE = unsafe extern "system" fn(
    interrupt: *mut c_void,
    service_context: *mut c_void,
    message_id: u32,
) -> BOOLEAN;
