// SPDX-License-Identifier: MIT OR Apache-2.0
//! Driver registration, initialisation, pause, restart and PnP structures.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_MINIPORT_DRIVER_CHARACTERISTICS` (ndis.h): 160 bytes on x64. Sizes: 136 from NDIS 6.0, 152 from NDIS 6.1, 160 from NDIS 6.80.
    struct NDIS_MINIPORT_DRIVER_CHARACTERISTICS record { size 160, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        MajorNdisVersion: u8 = 4,
        MinorNdisVersion: u8 = 5,
        MajorDriverVersion: u8 = 6,
        MinorDriverVersion: u8 = 7,
        Flags: u32 = 8,
        SetOptionsHandler: Option<SET_OPTIONS> = 16,
        InitializeHandlerEx: Option<MINIPORT_INITIALIZE> = 24,
        HaltHandlerEx: Option<MINIPORT_HALT> = 32,
        UnloadHandler: Option<MINIPORT_UNLOAD> = 40,
        PauseHandler: Option<MINIPORT_PAUSE> = 48,
        RestartHandler: Option<MINIPORT_RESTART> = 56,
        OidRequestHandler: Option<MINIPORT_OID_REQUEST> = 64,
        SendNetBufferListsHandler: Option<MINIPORT_SEND_NET_BUFFER_LISTS> = 72,
        ReturnNetBufferListsHandler: Option<MINIPORT_RETURN_NET_BUFFER_LISTS> = 80,
        CancelSendHandler: Option<MINIPORT_CANCEL_SEND> = 88,
        CheckForHangHandlerEx: Option<MINIPORT_CHECK_FOR_HANG> = 96,
        ResetHandlerEx: Option<MINIPORT_RESET> = 104,
        DevicePnPEventNotifyHandler: Option<MINIPORT_DEVICE_PNP_EVENT_NOTIFY> = 112,
        ShutdownHandlerEx: Option<MINIPORT_SHUTDOWN> = 120,
        CancelOidRequestHandler: Option<MINIPORT_CANCEL_OID_REQUEST> = 128,
        DirectOidRequestHandler: Option<MINIPORT_DIRECT_OID_REQUEST> = 136,
        CancelDirectOidRequestHandler: Option<MINIPORT_CANCEL_DIRECT_OID_REQUEST> = 144,
        SynchronousOidRequestHandler: Option<MINIPORT_SYNCHRONOUS_OID_REQUEST> = 152,
    }

    /// `NDIS_MINIPORT_PNP_CHARACTERISTICS` (ndis.h): 48 bytes on x64.
    struct NDIS_MINIPORT_PNP_CHARACTERISTICS record { size 48, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        MiniportAddDeviceHandler: Option<MINIPORT_ADD_DEVICE> = 8,
        MiniportRemoveDeviceHandler: Option<MINIPORT_REMOVE_DEVICE> = 16,
        MiniportFilterResourceRequirementsHandler: Option<MINIPORT_FILTER_RESOURCE_REQUIREMENTS> = 24,
        MiniportStartDeviceHandler: Option<MINIPORT_START_DEVICE> = 32,
        Flags: u32 = 40,
    }

    /// `NDIS_MINIPORT_SS_CHARACTERISTICS` (ndis.h, NDIS 6.30 and later): 24 bytes on x64.
    struct NDIS_MINIPORT_SS_CHARACTERISTICS record { size 24, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        IdleNotificationHandler: Option<MINIPORT_IDLE_NOTIFICATION> = 8,
        CancelIdleNotificationHandler: Option<MINIPORT_CANCEL_IDLE_NOTIFICATION> = 16,
    }

    /// `NDIS_DRIVER_OPTIONAL_HANDLERS` (ndis.h): 4 bytes on x64.
    struct NDIS_DRIVER_OPTIONAL_HANDLERS record { size 4, align 2 } {
        Header: NDIS_OBJECT_HEADER = 0,
    }

    /// `NDIS_MINIPORT_INIT_PARAMETERS` (ndis.h): 64 bytes on x64.
    struct NDIS_MINIPORT_INIT_PARAMETERS record { size 64, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        AllocatedResources: *mut CM_PARTIAL_RESOURCE_LIST = 8,
        IMDeviceInstanceContext: NDIS_HANDLE = 16,
        MiniportAddDeviceContext: NDIS_HANDLE = 24,
        IfIndex: u32 = 32,
        NetLuid: NET_LUID = 40,
        DefaultPortAuthStates: *mut NDIS_PORT_AUTHENTICATION_PARAMETERS = 48,
        PciDeviceCustomProperties: *mut NDIS_PCI_DEVICE_CUSTOM_PROPERTIES = 56,
    }

    /// `NDIS_MINIPORT_PAUSE_PARAMETERS` (ndis.h): 12 bytes on x64.
    struct NDIS_MINIPORT_PAUSE_PARAMETERS record { size 12, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        PauseReason: u32 = 8,
    }

    /// `NDIS_MINIPORT_RESTART_PARAMETERS` (ndis.h): 24 bytes on x64.
    struct NDIS_MINIPORT_RESTART_PARAMETERS record { size 24, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        RestartAttributes: *mut NDIS_RESTART_ATTRIBUTES = 8,
        Flags: u32 = 16,
    }

    /// `NDIS_RESTART_ATTRIBUTES` (ndis.h): 32 bytes on x64.
    struct NDIS_RESTART_ATTRIBUTES record { size 32, align 16, align 16 } {
        Next: *mut NDIS_RESTART_ATTRIBUTES = 0,
        Oid: NDIS_OID = 8,
        DataLength: u32 = 12,
        Data: [u8; 1] = 16,
    }

    /// `NDIS_RESTART_GENERAL_ATTRIBUTES` (ndis.h): 88 bytes on x64.
    struct NDIS_RESTART_GENERAL_ATTRIBUTES record { size 88, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        MtuSize: u32 = 4,
        MaxXmitLinkSpeed: u64 = 8,
        MaxRcvLinkSpeed: u64 = 16,
        LookaheadSize: u32 = 24,
        MacOptions: u32 = 28,
        SupportedPacketFilters: u32 = 32,
        MaxMulticastListSize: u32 = 36,
        RecvScaleCapabilities: *mut NDIS_RECEIVE_SCALE_CAPABILITIES = 40,
        AccessType: NET_IF_ACCESS_TYPE = 48,
        Flags: u32 = 52,
        ConnectionType: NET_IF_CONNECTION_TYPE = 56,
        SupportedStatistics: u32 = 60,
        DataBackFillSize: u32 = 64,
        ContextBackFillSize: u32 = 68,
        SupportedOidList: *mut NDIS_OID = 72,
        SupportedOidListLength: u32 = 80,
        MaxLookaheadSizeAccessed: u32 = 84,
    }

    /// `NDIS_DEVICE_OBJECT_ATTRIBUTES` (ndis.h): 56 bytes on x64.
    struct NDIS_DEVICE_OBJECT_ATTRIBUTES record { size 56, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        DeviceName: *mut UNICODE_STRING = 8,
        SymbolicName: *mut UNICODE_STRING = 16,
        MajorFunctions: *mut Option<DRIVER_DISPATCH> = 24,
        ExtensionSize: u32 = 32,
        DefaultSDDLString: *const UNICODE_STRING = 40,
        DeviceClassGuid: *const GUID = 48,
    }

    /// `NET_DEVICE_PNP_EVENT` (ndis.h): 48 bytes on x64.
    struct NET_DEVICE_PNP_EVENT record { size 48, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        PortNumber: NDIS_PORT_NUMBER = 4,
        DevicePnPEvent: NDIS_DEVICE_PNP_EVENT = 8,
        InformationBuffer: *mut c_void = 16,
        InformationBufferLength: u32 = 24,
        NdisReserved: [u8; 16] = 28,
    }

    /// `NDIS_VAR_DATA_DESC` (ntddndis.h): 16 bytes on x64.
    struct NDIS_VAR_DATA_DESC record { size 16, align 8 } {
        Length: u16 = 0,
        MaximumLength: u16 = 2,
        Offset: u64 = 8,
    }

    /// `NDIS_GUID` (ntddndis.h): 28 bytes on x64.
    struct NDIS_GUID record { size 28, align 4 } {
        Guid: GUID = 0,
        u: NDIS_GUID_u = 16 anonymous,
        Size: u32 = 20,
        Flags: u32 = 24,
    }

    /// Part of [`NDIS_GUID`] at byte 16.
    union NDIS_GUID_u part { size 4, align 4 } {
        Oid: NDIS_OID = 0,
        Status: NDIS_STATUS = 0,
    }
}
