// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enumerations of NDIS: each an alias of `i32` and one constant per enumerator.

#[allow(unused_imports)]
use super::super::*;

/// The enumeration `NDIS_INTERRUPT_TYPE`.
pub type NDIS_INTERRUPT_TYPE = i32;

/// The enumeration `NDIS_MEDIUM`.
pub type NDIS_MEDIUM = i32;

/// The enumeration `NDIS_PHYSICAL_MEDIUM`.
pub type NDIS_PHYSICAL_MEDIUM = i32;

/// The enumeration `NDIS_MEDIA_STATE`.
pub type NDIS_MEDIA_STATE = i32;

/// The enumeration `NET_IF_MEDIA_CONNECT_STATE`.
pub type NET_IF_MEDIA_CONNECT_STATE = i32;

/// The enumeration `NET_IF_MEDIA_DUPLEX_STATE`.
pub type NET_IF_MEDIA_DUPLEX_STATE = i32;

/// The enumeration `NDIS_SUPPORTED_PAUSE_FUNCTIONS`.
pub type NDIS_SUPPORTED_PAUSE_FUNCTIONS = i32;

/// The enumeration `NDIS_INTERFACE_TYPE`.
pub type NDIS_INTERFACE_TYPE = i32;

/// The enumeration `NET_IF_ACCESS_TYPE`.
pub type NET_IF_ACCESS_TYPE = i32;

/// The enumeration `NET_IF_DIRECTION_TYPE`.
pub type NET_IF_DIRECTION_TYPE = i32;

/// The enumeration `NET_IF_CONNECTION_TYPE`.
pub type NET_IF_CONNECTION_TYPE = i32;

/// The enumeration `NET_IF_OPER_STATUS`.
pub type NET_IF_OPER_STATUS = i32;

/// The enumeration `NET_IF_ADMIN_STATUS`.
pub type NET_IF_ADMIN_STATUS = i32;

/// The enumeration `NDIS_HALT_ACTION`.
pub type NDIS_HALT_ACTION = i32;

/// The enumeration `NDIS_SHUTDOWN_ACTION`.
pub type NDIS_SHUTDOWN_ACTION = i32;

/// The enumeration `NDIS_DEVICE_POWER_STATE`.
pub type NDIS_DEVICE_POWER_STATE = i32;

/// The enumeration `NDIS_DEVICE_PNP_EVENT`.
pub type NDIS_DEVICE_PNP_EVENT = i32;

/// The enumeration `NDIS_REQUEST_TYPE`.
pub type NDIS_REQUEST_TYPE = i32;

/// The enumeration `NDIS_INTERRUPT_MODERATION`.
pub type NDIS_INTERRUPT_MODERATION = i32;

/// The enumeration `NDIS_PARAMETER_TYPE`.
pub type NDIS_PARAMETER_TYPE = i32;

/// The enumeration `NDIS_NET_BUFFER_LIST_INFO`.
pub type NDIS_NET_BUFFER_LIST_INFO = i32;

/// The enumeration `NDIS_HARDWARE_STATUS`.
pub type NDIS_HARDWARE_STATUS = i32;

/// The enumeration `NDIS_ENVIRONMENT_TYPE`.
pub type NDIS_ENVIRONMENT_TYPE = i32;

/// The enumeration `NDIS_MSIX_TABLE_OPERATION`.
pub type NDIS_MSIX_TABLE_OPERATION = i32;

/// The enumeration `NDIS_POWER_PROFILE`.
pub type NDIS_POWER_PROFILE = i32;

/// The enumeration `NET_PNP_EVENT_CODE`.
pub type NET_PNP_EVENT_CODE = i32;

/// The enumeration `NDIS_PER_PACKET_INFO`.
pub type NDIS_PER_PACKET_INFO = i32;

/// The enumeration `NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS`.
pub type NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS = i32;

/// The enumeration `NDIS_NETWORK_CHANGE_TYPE`.
pub type NDIS_NETWORK_CHANGE_TYPE = i32;

constants! {
    "Value of `NDIS_INTERRUPT_TYPE`":
    NDIS_CONNECT_LINE_BASED: NDIS_INTERRUPT_TYPE = 1;
    NDIS_CONNECT_MESSAGE_BASED: NDIS_INTERRUPT_TYPE = 2;
    "Value of `NDIS_MEDIUM`":
    NdisMedium802_3: NDIS_MEDIUM = 0;
    NdisMedium802_5: NDIS_MEDIUM = 1;
    NdisMediumFddi: NDIS_MEDIUM = 2;
    NdisMediumWan: NDIS_MEDIUM = 3;
    NdisMediumLocalTalk: NDIS_MEDIUM = 4;
    NdisMediumDix: NDIS_MEDIUM = 5;
    NdisMediumArcnetRaw: NDIS_MEDIUM = 6;
    NdisMediumArcnet878_2: NDIS_MEDIUM = 7;
    NdisMediumAtm: NDIS_MEDIUM = 8;
    NdisMediumWirelessWan: NDIS_MEDIUM = 9;
    NdisMediumIrda: NDIS_MEDIUM = 10;
    NdisMediumBpc: NDIS_MEDIUM = 11;
    NdisMediumCoWan: NDIS_MEDIUM = 12;
    NdisMedium1394: NDIS_MEDIUM = 13;
    NdisMediumInfiniBand: NDIS_MEDIUM = 14;
    NdisMediumTunnel: NDIS_MEDIUM = 15;
    NdisMediumNative802_11: NDIS_MEDIUM = 16;
    NdisMediumLoopback: NDIS_MEDIUM = 17;
    NdisMediumWiMAX: NDIS_MEDIUM = 18;
    NdisMediumIP: NDIS_MEDIUM = 19;
    NdisMediumMax: NDIS_MEDIUM = 20;
    "Value of `NDIS_PHYSICAL_MEDIUM`":
    NdisPhysicalMediumUnspecified: NDIS_PHYSICAL_MEDIUM = 0;
    NdisPhysicalMediumWirelessLan: NDIS_PHYSICAL_MEDIUM = 1;
    NdisPhysicalMediumCableModem: NDIS_PHYSICAL_MEDIUM = 2;
    NdisPhysicalMediumPhoneLine: NDIS_PHYSICAL_MEDIUM = 3;
    NdisPhysicalMediumPowerLine: NDIS_PHYSICAL_MEDIUM = 4;
    NdisPhysicalMediumDSL: NDIS_PHYSICAL_MEDIUM = 5;
    NdisPhysicalMediumFibreChannel: NDIS_PHYSICAL_MEDIUM = 6;
    NdisPhysicalMedium1394: NDIS_PHYSICAL_MEDIUM = 7;
    NdisPhysicalMediumWirelessWan: NDIS_PHYSICAL_MEDIUM = 8;
    NdisPhysicalMediumNative802_11: NDIS_PHYSICAL_MEDIUM = 9;
    NdisPhysicalMediumBluetooth: NDIS_PHYSICAL_MEDIUM = 10;
    NdisPhysicalMediumInfiniband: NDIS_PHYSICAL_MEDIUM = 11;
    NdisPhysicalMediumWiMax: NDIS_PHYSICAL_MEDIUM = 12;
    NdisPhysicalMediumUWB: NDIS_PHYSICAL_MEDIUM = 13;
    NdisPhysicalMedium802_3: NDIS_PHYSICAL_MEDIUM = 14;
    NdisPhysicalMedium802_5: NDIS_PHYSICAL_MEDIUM = 15;
    NdisPhysicalMediumIrda: NDIS_PHYSICAL_MEDIUM = 16;
    NdisPhysicalMediumWiredWAN: NDIS_PHYSICAL_MEDIUM = 17;
    NdisPhysicalMediumWiredCoWan: NDIS_PHYSICAL_MEDIUM = 18;
    NdisPhysicalMediumOther: NDIS_PHYSICAL_MEDIUM = 19;
    NdisPhysicalMediumNative802_15_4: NDIS_PHYSICAL_MEDIUM = 20;
    NdisPhysicalMediumMax: NDIS_PHYSICAL_MEDIUM = 21;
    "Value of `NDIS_MEDIA_STATE`":
    NdisMediaStateConnected: NDIS_MEDIA_STATE = 0;
    NdisMediaStateDisconnected: NDIS_MEDIA_STATE = 1;
    "Value of `NET_IF_MEDIA_CONNECT_STATE`":
    MediaConnectStateUnknown: NET_IF_MEDIA_CONNECT_STATE = 0;
    MediaConnectStateConnected: NET_IF_MEDIA_CONNECT_STATE = 1;
    MediaConnectStateDisconnected: NET_IF_MEDIA_CONNECT_STATE = 2;
    "Value of `NET_IF_MEDIA_DUPLEX_STATE`":
    MediaDuplexStateUnknown: NET_IF_MEDIA_DUPLEX_STATE = 0;
    MediaDuplexStateHalf: NET_IF_MEDIA_DUPLEX_STATE = 1;
    MediaDuplexStateFull: NET_IF_MEDIA_DUPLEX_STATE = 2;
    "Value of `NDIS_SUPPORTED_PAUSE_FUNCTIONS`":
    NdisPauseFunctionsUnsupported: NDIS_SUPPORTED_PAUSE_FUNCTIONS = 0;
    NdisPauseFunctionsSendOnly: NDIS_SUPPORTED_PAUSE_FUNCTIONS = 1;
    NdisPauseFunctionsReceiveOnly: NDIS_SUPPORTED_PAUSE_FUNCTIONS = 2;
    NdisPauseFunctionsSendAndReceive: NDIS_SUPPORTED_PAUSE_FUNCTIONS = 3;
    NdisPauseFunctionsUnknown: NDIS_SUPPORTED_PAUSE_FUNCTIONS = 4;
    "Value of `NDIS_INTERFACE_TYPE`":
    NdisInterfaceInternal: NDIS_INTERFACE_TYPE = 0;
    NdisInterfaceIsa: NDIS_INTERFACE_TYPE = 1;
    NdisInterfaceEisa: NDIS_INTERFACE_TYPE = 2;
    NdisInterfaceMca: NDIS_INTERFACE_TYPE = 3;
    NdisInterfaceTurboChannel: NDIS_INTERFACE_TYPE = 4;
    NdisInterfacePci: NDIS_INTERFACE_TYPE = 5;
    NdisInterfacePcMcia: NDIS_INTERFACE_TYPE = 8;
    NdisInterfaceCBus: NDIS_INTERFACE_TYPE = 9;
    NdisInterfaceMPIBus: NDIS_INTERFACE_TYPE = 10;
    NdisInterfaceMPSABus: NDIS_INTERFACE_TYPE = 11;
    NdisInterfaceProcessorInternal: NDIS_INTERFACE_TYPE = 12;
    NdisInterfaceInternalPowerBus: NDIS_INTERFACE_TYPE = 13;
    NdisInterfacePNPISABus: NDIS_INTERFACE_TYPE = 14;
    NdisInterfacePNPBus: NDIS_INTERFACE_TYPE = 15;
    NdisInterfaceUSB: NDIS_INTERFACE_TYPE = 16;
    NdisInterfaceIrda: NDIS_INTERFACE_TYPE = 17;
    NdisInterface1394: NDIS_INTERFACE_TYPE = 18;
    NdisMaximumInterfaceType: NDIS_INTERFACE_TYPE = 19;
    "Value of `NET_IF_ACCESS_TYPE`":
    NET_IF_ACCESS_LOOPBACK: NET_IF_ACCESS_TYPE = 1;
    NET_IF_ACCESS_BROADCAST: NET_IF_ACCESS_TYPE = 2;
    NET_IF_ACCESS_POINT_TO_POINT: NET_IF_ACCESS_TYPE = 3;
    NET_IF_ACCESS_POINT_TO_MULTI_POINT: NET_IF_ACCESS_TYPE = 4;
    NET_IF_ACCESS_MAXIMUM: NET_IF_ACCESS_TYPE = 5;
    "Value of `NET_IF_DIRECTION_TYPE`":
    NET_IF_DIRECTION_SENDRECEIVE: NET_IF_DIRECTION_TYPE = 0;
    NET_IF_DIRECTION_SENDONLY: NET_IF_DIRECTION_TYPE = 1;
    NET_IF_DIRECTION_RECEIVEONLY: NET_IF_DIRECTION_TYPE = 2;
    NET_IF_DIRECTION_MAXIMUM: NET_IF_DIRECTION_TYPE = 3;
    "Value of `NET_IF_CONNECTION_TYPE`":
    NET_IF_CONNECTION_DEDICATED: NET_IF_CONNECTION_TYPE = 1;
    NET_IF_CONNECTION_PASSIVE: NET_IF_CONNECTION_TYPE = 2;
    NET_IF_CONNECTION_DEMAND: NET_IF_CONNECTION_TYPE = 3;
    NET_IF_CONNECTION_MAXIMUM: NET_IF_CONNECTION_TYPE = 4;
    "Value of `NET_IF_OPER_STATUS`":
    NET_IF_OPER_STATUS_UP: NET_IF_OPER_STATUS = 1;
    NET_IF_OPER_STATUS_DOWN: NET_IF_OPER_STATUS = 2;
    NET_IF_OPER_STATUS_TESTING: NET_IF_OPER_STATUS = 3;
    NET_IF_OPER_STATUS_UNKNOWN: NET_IF_OPER_STATUS = 4;
    NET_IF_OPER_STATUS_DORMANT: NET_IF_OPER_STATUS = 5;
    NET_IF_OPER_STATUS_NOT_PRESENT: NET_IF_OPER_STATUS = 6;
    NET_IF_OPER_STATUS_LOWER_LAYER_DOWN: NET_IF_OPER_STATUS = 7;
    "Value of `NET_IF_ADMIN_STATUS`":
    NET_IF_ADMIN_STATUS_UP: NET_IF_ADMIN_STATUS = 1;
    NET_IF_ADMIN_STATUS_DOWN: NET_IF_ADMIN_STATUS = 2;
    NET_IF_ADMIN_STATUS_TESTING: NET_IF_ADMIN_STATUS = 3;
    "Value of `NDIS_HALT_ACTION`":
    NdisHaltDeviceDisabled: NDIS_HALT_ACTION = 0;
    NdisHaltDeviceInstanceDeInitialized: NDIS_HALT_ACTION = 1;
    NdisHaltDevicePoweredDown: NDIS_HALT_ACTION = 2;
    NdisHaltDeviceSurpriseRemoved: NDIS_HALT_ACTION = 3;
    NdisHaltDeviceFailed: NDIS_HALT_ACTION = 4;
    NdisHaltDeviceInitializationFailed: NDIS_HALT_ACTION = 5;
    NdisHaltDeviceStopped: NDIS_HALT_ACTION = 6;
    "Value of `NDIS_SHUTDOWN_ACTION`":
    NdisShutdownPowerOff: NDIS_SHUTDOWN_ACTION = 0;
    NdisShutdownBugCheck: NDIS_SHUTDOWN_ACTION = 1;
    "Value of `NDIS_DEVICE_POWER_STATE`":
    NdisDeviceStateUnspecified: NDIS_DEVICE_POWER_STATE = 0;
    NdisDeviceStateD0: NDIS_DEVICE_POWER_STATE = 1;
    NdisDeviceStateD1: NDIS_DEVICE_POWER_STATE = 2;
    NdisDeviceStateD2: NDIS_DEVICE_POWER_STATE = 3;
    NdisDeviceStateD3: NDIS_DEVICE_POWER_STATE = 4;
    NdisDeviceStateMaximum: NDIS_DEVICE_POWER_STATE = 5;
    "Value of `NDIS_DEVICE_PNP_EVENT`":
    NdisDevicePnPEventQueryRemoved: NDIS_DEVICE_PNP_EVENT = 0;
    NdisDevicePnPEventRemoved: NDIS_DEVICE_PNP_EVENT = 1;
    NdisDevicePnPEventSurpriseRemoved: NDIS_DEVICE_PNP_EVENT = 2;
    NdisDevicePnPEventQueryStopped: NDIS_DEVICE_PNP_EVENT = 3;
    NdisDevicePnPEventStopped: NDIS_DEVICE_PNP_EVENT = 4;
    NdisDevicePnPEventPowerProfileChanged: NDIS_DEVICE_PNP_EVENT = 5;
    NdisDevicePnPEventFilterListChanged: NDIS_DEVICE_PNP_EVENT = 6;
    NdisDevicePnPEventMaximum: NDIS_DEVICE_PNP_EVENT = 7;
    "Value of `NDIS_REQUEST_TYPE`":
    NdisRequestQueryInformation: NDIS_REQUEST_TYPE = 0;
    NdisRequestSetInformation: NDIS_REQUEST_TYPE = 1;
    NdisRequestQueryStatistics: NDIS_REQUEST_TYPE = 2;
    NdisRequestOpen: NDIS_REQUEST_TYPE = 3;
    NdisRequestClose: NDIS_REQUEST_TYPE = 4;
    NdisRequestSend: NDIS_REQUEST_TYPE = 5;
    NdisRequestTransferData: NDIS_REQUEST_TYPE = 6;
    NdisRequestReset: NDIS_REQUEST_TYPE = 7;
    NdisRequestGeneric1: NDIS_REQUEST_TYPE = 8;
    NdisRequestGeneric2: NDIS_REQUEST_TYPE = 9;
    NdisRequestGeneric3: NDIS_REQUEST_TYPE = 10;
    NdisRequestGeneric4: NDIS_REQUEST_TYPE = 11;
    NdisRequestMethod: NDIS_REQUEST_TYPE = 12;
    "Value of `NDIS_INTERRUPT_MODERATION`":
    NdisInterruptModerationUnknown: NDIS_INTERRUPT_MODERATION = 0;
    NdisInterruptModerationNotSupported: NDIS_INTERRUPT_MODERATION = 1;
    NdisInterruptModerationEnabled: NDIS_INTERRUPT_MODERATION = 2;
    NdisInterruptModerationDisabled: NDIS_INTERRUPT_MODERATION = 3;
    "Value of `NDIS_PARAMETER_TYPE`":
    NdisParameterInteger: NDIS_PARAMETER_TYPE = 0;
    NdisParameterHexInteger: NDIS_PARAMETER_TYPE = 1;
    NdisParameterString: NDIS_PARAMETER_TYPE = 2;
    NdisParameterMultiString: NDIS_PARAMETER_TYPE = 3;
    NdisParameterBinary: NDIS_PARAMETER_TYPE = 4;
    "Value of `NDIS_NET_BUFFER_LIST_INFO`":
    TcpIpChecksumNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 0;
    TcpOffloadBytesTransferred: NDIS_NET_BUFFER_LIST_INFO = 0;
    IPsecOffloadV1NetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 1;
    IPsecOffloadV2NetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 1;
    TcpLargeSendNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 2;
    TcpReceiveNoPush: NDIS_NET_BUFFER_LIST_INFO = 2;
    ClassificationHandleNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 3;
    Ieee8021QNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 4;
    NetBufferListCancelId: NDIS_NET_BUFFER_LIST_INFO = 5;
    MediaSpecificInformation: NDIS_NET_BUFFER_LIST_INFO = 6;
    NetBufferListFrameType: NDIS_NET_BUFFER_LIST_INFO = 7;
    NetBufferListProtocolId: NDIS_NET_BUFFER_LIST_INFO = 7;
    NetBufferListHashValue: NDIS_NET_BUFFER_LIST_INFO = 8;
    NetBufferListHashInfo: NDIS_NET_BUFFER_LIST_INFO = 9;
    WfpNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 10;
    IPsecOffloadV2TunnelNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 11;
    IPsecOffloadV2HeaderNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 12;
    NetBufferListCorrelationId: NDIS_NET_BUFFER_LIST_INFO = 13;
    NetBufferListFilteringInfo: NDIS_NET_BUFFER_LIST_INFO = 14;
    MediaSpecificInformationEx: NDIS_NET_BUFFER_LIST_INFO = 15;
    NblOriginalInterfaceIfIndex: NDIS_NET_BUFFER_LIST_INFO = 16;
    NblReAuthWfpFlowContext: NDIS_NET_BUFFER_LIST_INFO = 16;
    TcpReceiveBytesTransferred: NDIS_NET_BUFFER_LIST_INFO = 17;
    NrtNameResolutionId: NDIS_NET_BUFFER_LIST_INFO = 17;
    UdpRecvSegCoalesceOffloadInfo: NDIS_NET_BUFFER_LIST_INFO = 17;
    SwitchForwardingReserved: NDIS_NET_BUFFER_LIST_INFO = 18;
    SwitchForwardingDetail: NDIS_NET_BUFFER_LIST_INFO = 19;
    VirtualSubnetInfo: NDIS_NET_BUFFER_LIST_INFO = 20;
    IMReserved: NDIS_NET_BUFFER_LIST_INFO = 21;
    TcpRecvSegCoalesceInfo: NDIS_NET_BUFFER_LIST_INFO = 22;
    UdpSegmentationOffloadInfo: NDIS_NET_BUFFER_LIST_INFO = 22;
    RscTcpTimestampDelta: NDIS_NET_BUFFER_LIST_INFO = 23;
    TcpSendOffloadsSupplementalNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 23;
    GftOffloadInformation: NDIS_NET_BUFFER_LIST_INFO = 24;
    GftFlowEntryId: NDIS_NET_BUFFER_LIST_INFO = 25;
    NetBufferListInfoReserved3: NDIS_NET_BUFFER_LIST_INFO = 26;
    MaxNetBufferListInfo: NDIS_NET_BUFFER_LIST_INFO = 27;
    "Value of `NDIS_HARDWARE_STATUS`":
    NdisHardwareStatusReady: NDIS_HARDWARE_STATUS = 0;
    NdisHardwareStatusInitializing: NDIS_HARDWARE_STATUS = 1;
    NdisHardwareStatusReset: NDIS_HARDWARE_STATUS = 2;
    NdisHardwareStatusClosing: NDIS_HARDWARE_STATUS = 3;
    NdisHardwareStatusNotReady: NDIS_HARDWARE_STATUS = 4;
    "Value of `NDIS_ENVIRONMENT_TYPE`":
    NdisEnvironmentWindows: NDIS_ENVIRONMENT_TYPE = 0;
    NdisEnvironmentWindowsNt: NDIS_ENVIRONMENT_TYPE = 1;
    "Value of `NDIS_MSIX_TABLE_OPERATION`":
    NdisMSIXTableConfigSetTableEntry: NDIS_MSIX_TABLE_OPERATION = 0;
    NdisMSIXTableConfigMaskTableEntry: NDIS_MSIX_TABLE_OPERATION = 1;
    NdisMSIXTableConfigUnmaskTableEntry: NDIS_MSIX_TABLE_OPERATION = 2;
    NdisMSIXTableConfigMax: NDIS_MSIX_TABLE_OPERATION = 3;
    "Value of `NDIS_POWER_PROFILE`":
    NdisPowerProfileBattery: NDIS_POWER_PROFILE = 0;
    NdisPowerProfileAcOnLine: NDIS_POWER_PROFILE = 1;
    "Value of `NET_PNP_EVENT_CODE`":
    NetEventSetPower: NET_PNP_EVENT_CODE = 0;
    NetEventQueryPower: NET_PNP_EVENT_CODE = 1;
    NetEventQueryRemoveDevice: NET_PNP_EVENT_CODE = 2;
    NetEventCancelRemoveDevice: NET_PNP_EVENT_CODE = 3;
    NetEventReconfigure: NET_PNP_EVENT_CODE = 4;
    NetEventBindList: NET_PNP_EVENT_CODE = 5;
    NetEventBindsComplete: NET_PNP_EVENT_CODE = 6;
    NetEventPnPCapabilities: NET_PNP_EVENT_CODE = 7;
    NetEventPause: NET_PNP_EVENT_CODE = 8;
    NetEventRestart: NET_PNP_EVENT_CODE = 9;
    NetEventPortActivation: NET_PNP_EVENT_CODE = 10;
    NetEventPortDeactivation: NET_PNP_EVENT_CODE = 11;
    NetEventIMReEnableDevice: NET_PNP_EVENT_CODE = 12;
    NetEventNDKEnable: NET_PNP_EVENT_CODE = 13;
    NetEventNDKDisable: NET_PNP_EVENT_CODE = 14;
    NetEventFilterPreDetach: NET_PNP_EVENT_CODE = 15;
    NetEventBindFailed: NET_PNP_EVENT_CODE = 16;
    NetEventSwitchActivate: NET_PNP_EVENT_CODE = 17;
    NetEventAllowBindsAbove: NET_PNP_EVENT_CODE = 18;
    NetEventInhibitBindsAbove: NET_PNP_EVENT_CODE = 19;
    NetEventAllowStart: NET_PNP_EVENT_CODE = 20;
    NetEventRequirePause: NET_PNP_EVENT_CODE = 21;
    NetEventUploadGftFlowEntries: NET_PNP_EVENT_CODE = 22;
    NetEventMaximum: NET_PNP_EVENT_CODE = 23;
    "Value of `NDIS_PER_PACKET_INFO`":
    TcpIpChecksumPacketInfo: NDIS_PER_PACKET_INFO = 0;
    IpSecPacketInfo: NDIS_PER_PACKET_INFO = 1;
    TcpLargeSendPacketInfo: NDIS_PER_PACKET_INFO = 2;
    ClassificationHandlePacketInfo: NDIS_PER_PACKET_INFO = 3;
    NdisReserved: NDIS_PER_PACKET_INFO = 4;
    ScatterGatherListPacketInfo: NDIS_PER_PACKET_INFO = 5;
    Ieee8021QInfo: NDIS_PER_PACKET_INFO = 6;
    OriginalPacketInfo: NDIS_PER_PACKET_INFO = 7;
    PacketCancelId: NDIS_PER_PACKET_INFO = 8;
    OriginalNetBufferList: NDIS_PER_PACKET_INFO = 9;
    CachedNetBufferList: NDIS_PER_PACKET_INFO = 10;
    ShortPacketPaddingInfo: NDIS_PER_PACKET_INFO = 11;
    MaxPerPacketInfo: NDIS_PER_PACKET_INFO = 12;
    "Value of `NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS`":
    NDIS_RFC6877_464XLAT_OFFLOAD_NOT_SUPPORTED: NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS = 0;
    NDIS_RFC6877_464XLAT_OFFLOAD_DISABLED: NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS = 1;
    NDIS_RFC6877_464XLAT_OFFLOAD_ENABLED: NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS = 2;
    NDIS_RFC6877_464XLAT_OFFLOAD_ON_DEMAND: NDIS_RFC6877_464XLAT_OFFLOAD_OPTIONS = 3;
    "Value of `NDIS_NETWORK_CHANGE_TYPE`":
    NdisPossibleNetworkChange: NDIS_NETWORK_CHANGE_TYPE = 1;
    NdisDefinitelyNetworkChange: NDIS_NETWORK_CHANGE_TYPE = 2;
    NdisNetworkChangeFromMediaConnect: NDIS_NETWORK_CHANGE_TYPE = 3;
    NdisNetworkChangeMax: NDIS_NETWORK_CHANGE_TYPE = 4;
}
