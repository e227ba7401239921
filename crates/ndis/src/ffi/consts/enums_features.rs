// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enumerations of receive filters, RSS, power management and ports: each an alias of `i32` and one constant per enumerator.

#[allow(unused_imports)]
use super::super::*;

/// The enumeration `NDIS_PORT_TYPE`.
pub type NDIS_PORT_TYPE = i32;

/// The enumeration `NDIS_PORT_CONTROL_STATE`.
pub type NDIS_PORT_CONTROL_STATE = i32;

/// The enumeration `NDIS_PORT_AUTHORIZATION_STATE`.
pub type NDIS_PORT_AUTHORIZATION_STATE = i32;

/// The enumeration `NDIS_PROCESSOR_TYPE`.
pub type NDIS_PROCESSOR_TYPE = i32;

/// The enumeration `NDIS_PM_WOL_PACKET`.
pub type NDIS_PM_WOL_PACKET = i32;

/// The enumeration `NDIS_PM_PROTOCOL_OFFLOAD_TYPE`.
pub type NDIS_PM_PROTOCOL_OFFLOAD_TYPE = i32;

/// The enumeration `NDIS_PM_WAKE_REASON_TYPE`.
pub type NDIS_PM_WAKE_REASON_TYPE = i32;

/// The enumeration `NDIS_RSS_PROFILE`.
pub type NDIS_RSS_PROFILE = i32;

/// The enumeration `NDIS_RECEIVE_FILTER_TYPE`.
pub type NDIS_RECEIVE_FILTER_TYPE = i32;

/// The enumeration `NDIS_PM_CAPABILITY_STATE`.
pub type NDIS_PM_CAPABILITY_STATE = i32;

/// The enumeration `NDIS_PM_ADMIN_CONFIG_STATE`.
pub type NDIS_PM_ADMIN_CONFIG_STATE = i32;

constants! {
    "Value of `NDIS_PORT_TYPE`":
    NdisPortTypeUndefined: NDIS_PORT_TYPE = 0;
    NdisPortTypeBridge: NDIS_PORT_TYPE = 1;
    NdisPortTypeRasConnection: NDIS_PORT_TYPE = 2;
    NdisPortType8021xSupplicant: NDIS_PORT_TYPE = 3;
    NdisPortTypeNdisImPlatform: NDIS_PORT_TYPE = 4;
    NdisPortTypeMax: NDIS_PORT_TYPE = 5;
    "Value of `NDIS_PORT_CONTROL_STATE`":
    NdisPortControlStateUnknown: NDIS_PORT_CONTROL_STATE = 0;
    NdisPortControlStateControlled: NDIS_PORT_CONTROL_STATE = 1;
    NdisPortControlStateUncontrolled: NDIS_PORT_CONTROL_STATE = 2;
    "Value of `NDIS_PORT_AUTHORIZATION_STATE`":
    NdisPortAuthorizationUnknown: NDIS_PORT_AUTHORIZATION_STATE = 0;
    NdisPortAuthorized: NDIS_PORT_AUTHORIZATION_STATE = 1;
    NdisPortUnauthorized: NDIS_PORT_AUTHORIZATION_STATE = 2;
    NdisPortReauthorizing: NDIS_PORT_AUTHORIZATION_STATE = 3;
    "Value of `NDIS_PROCESSOR_TYPE`":
    NdisProcessorX86: NDIS_PROCESSOR_TYPE = 0;
    NdisProcessorMips: NDIS_PROCESSOR_TYPE = 1;
    NdisProcessorAlpha: NDIS_PROCESSOR_TYPE = 2;
    NdisProcessorPpc: NDIS_PROCESSOR_TYPE = 3;
    NdisProcessorAmd64: NDIS_PROCESSOR_TYPE = 4;
    NdisProcessorIA64: NDIS_PROCESSOR_TYPE = 5;
    NdisProcessorArm: NDIS_PROCESSOR_TYPE = 6;
    NdisProcessorArm64: NDIS_PROCESSOR_TYPE = 7;
    "Value of `NDIS_PM_WOL_PACKET`":
    NdisPMWoLPacketUnspecified: NDIS_PM_WOL_PACKET = 0;
    NdisPMWoLPacketBitmapPattern: NDIS_PM_WOL_PACKET = 1;
    NdisPMWoLPacketMagicPacket: NDIS_PM_WOL_PACKET = 2;
    NdisPMWoLPacketIPv4TcpSyn: NDIS_PM_WOL_PACKET = 3;
    NdisPMWoLPacketIPv6TcpSyn: NDIS_PM_WOL_PACKET = 4;
    NdisPMWoLPacketEapolRequestIdMessage: NDIS_PM_WOL_PACKET = 5;
    NdisPMWoLPacketMaximum: NDIS_PM_WOL_PACKET = 6;
    "Value of `NDIS_PM_PROTOCOL_OFFLOAD_TYPE`":
    NdisPMProtocolOffloadIdUnspecified: NDIS_PM_PROTOCOL_OFFLOAD_TYPE = 0;
    NdisPMProtocolOffloadIdIPv4ARP: NDIS_PM_PROTOCOL_OFFLOAD_TYPE = 1;
    NdisPMProtocolOffloadIdIPv6NS: NDIS_PM_PROTOCOL_OFFLOAD_TYPE = 2;
    NdisPMProtocolOffload80211RSNRekey: NDIS_PM_PROTOCOL_OFFLOAD_TYPE = 3;
    NdisPMProtocolOffload80211RSNRekeyV2: NDIS_PM_PROTOCOL_OFFLOAD_TYPE = 4;
    NdisPMProtocolOffloadIdMaximum: NDIS_PM_PROTOCOL_OFFLOAD_TYPE = 5;
    "Value of `NDIS_PM_WAKE_REASON_TYPE`":
    NdisWakeReasonUnspecified: NDIS_PM_WAKE_REASON_TYPE = 0;
    NdisWakeReasonPacket: NDIS_PM_WAKE_REASON_TYPE = 1;
    NdisWakeReasonMediaDisconnect: NDIS_PM_WAKE_REASON_TYPE = 2;
    NdisWakeReasonMediaConnect: NDIS_PM_WAKE_REASON_TYPE = 3;
    NdisWakeReasonWlanNLODiscovery: NDIS_PM_WAKE_REASON_TYPE = 0x1000;
    NdisWakeReasonWlanAPAssociationLost: NDIS_PM_WAKE_REASON_TYPE = 0x1001;
    NdisWakeReasonWlanGTKHandshakeError: NDIS_PM_WAKE_REASON_TYPE = 0x1002;
    NdisWakeReasonWlan4WayHandshakeRequest: NDIS_PM_WAKE_REASON_TYPE = 0x1003;
    NdisWakeReasonWwanRegisterState: NDIS_PM_WAKE_REASON_TYPE = 0x2000;
    NdisWakeReasonWwanSMSReceive: NDIS_PM_WAKE_REASON_TYPE = 0x2001;
    NdisWakeReasonWwanUSSDReceive: NDIS_PM_WAKE_REASON_TYPE = 0x2002;
    NdisWakeReasonWwanPacketState: NDIS_PM_WAKE_REASON_TYPE = 0x2004;
    NdisWakeReasonWwanUiccChange: NDIS_PM_WAKE_REASON_TYPE = 0x2005;
    "Value of `NDIS_RSS_PROFILE`":
    NdisRssProfileClosest: NDIS_RSS_PROFILE = 1;
    NdisRssProfileClosestStatic: NDIS_RSS_PROFILE = 2;
    NdisRssProfileNuma: NDIS_RSS_PROFILE = 3;
    NdisRssProfileNumaStatic: NDIS_RSS_PROFILE = 4;
    NdisRssProfileConservative: NDIS_RSS_PROFILE = 5;
    NdisRssProfileMaximum: NDIS_RSS_PROFILE = 6;
    "Value of `NDIS_RECEIVE_FILTER_TYPE`":
    NdisReceiveFilterTypeUndefined: NDIS_RECEIVE_FILTER_TYPE = 0;
    NdisReceiveFilterTypeVMQueue: NDIS_RECEIVE_FILTER_TYPE = 1;
    NdisReceiveFilterTypePacketCoalescing: NDIS_RECEIVE_FILTER_TYPE = 2;
    NdisReceiveFilterTypeMaximum: NDIS_RECEIVE_FILTER_TYPE = 3;
    "Value of `NDIS_PM_CAPABILITY_STATE`":
    NdisPMAdminConfigUnsupported: NDIS_PM_CAPABILITY_STATE = 0;
    NdisPMAdminConfigInactive: NDIS_PM_CAPABILITY_STATE = 1;
    NdisPMAdminConfigActive: NDIS_PM_CAPABILITY_STATE = 2;
    "Value of `NDIS_PM_ADMIN_CONFIG_STATE`":
    NdisPMAdminConfigUnspecified: NDIS_PM_ADMIN_CONFIG_STATE = 0;
    NdisPMAdminConfigDisabled: NDIS_PM_ADMIN_CONFIG_STATE = 1;
    NdisPMAdminConfigEnabled: NDIS_PM_ADMIN_CONFIG_STATE = 2;
}
