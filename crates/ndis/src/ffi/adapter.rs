// SPDX-License-Identifier: MIT OR Apache-2.0
//! Miniport adapter attributes.
//!
//! Declarations only; layouts are checked against `facts/layouts.toml`.

#[allow(unused_imports)]
use super::*;

records! {
    /// `NDIS_MINIPORT_ADAPTER_ATTRIBUTES` (ndis.h): 224 bytes on x64. Sizes: 216 from NDIS 6.0, 224 from NDIS 6.20.
    union NDIS_MINIPORT_ADAPTER_ATTRIBUTES record { size 224, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        AddDeviceRegistrationAttributes: NDIS_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES = 0,
        RegistrationAttributes: NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES = 0,
        GeneralAttributes: NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES = 0,
        OffloadAttributes: NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES = 0,
        Native_802_11_Attributes: [u64; 8] = 0,
        HardwareAssistAttributes: NDIS_MINIPORT_ADAPTER_HARDWARE_ASSIST_ATTRIBUTES = 0,
        NDKAttributes: NDIS_MINIPORT_ADAPTER_NDK_ATTRIBUTES = 0,
        PacketDirectAttributes: NDIS_MINIPORT_ADAPTER_PACKET_DIRECT_ATTRIBUTES = 0,
    }

    /// `NDIS_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES` (ndis.h): 24 bytes on x64.
    struct NDIS_MINIPORT_ADD_DEVICE_REGISTRATION_ATTRIBUTES record { size 24, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        MiniportAddDeviceContext: NDIS_HANDLE = 8,
        Flags: u32 = 16,
    }

    /// `NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES` (ndis.h): 32 bytes on x64.
    struct NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES record { size 32, align 8 } {
        /// Object type, revision and size of this structure.
        Header: NDIS_OBJECT_HEADER = 0,
        /// What NDIS passes to the adapter's callbacks.
        MiniportAdapterContext: NDIS_HANDLE = 8,
        /// `NDIS_MINIPORT_ATTRIBUTES_…`.
        AttributeFlags: u32 = 16,
        /// Period of MiniportCheckForHangEx in seconds; 0: 2.
        CheckForHangTimeInSeconds: u32 = 20,
        /// The bus: `NdisInterfacePci`.
        InterfaceType: NDIS_INTERFACE_TYPE = 24,
    }

    /// `NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES` (ndis.h): 224 bytes on x64. Sizes: 216 from NDIS 6.0, 224 from NDIS 6.20.
    struct NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES record { size 224, align 8 } {
        /// Object type, revision and size of this structure.
        Header: NDIS_OBJECT_HEADER = 0,
        /// Reserved, 0.
        Flags: u32 = 4,
        /// `NdisMedium802_3` for Ethernet.
        MediaType: NDIS_MEDIUM = 8,
        /// `NdisPhysicalMedium…`.
        PhysicalMediumType: NDIS_PHYSICAL_MEDIUM = 12,
        /// Largest payload without the MAC header, in bytes.
        MtuSize: u32 = 16,
        /// Highest transmit speed of the hardware, in bit/s.
        MaxXmitLinkSpeed: u64 = 24,
        /// Transmit speed now, in bit/s, or unknown.
        XmitLinkSpeed: u64 = 32,
        /// Highest receive speed of the hardware, in bit/s.
        MaxRcvLinkSpeed: u64 = 40,
        /// Receive speed now, in bit/s, or unknown.
        RcvLinkSpeed: u64 = 48,
        /// `MediaConnectState…` now.
        MediaConnectState: i32 = 56,
        /// `MediaDuplexState…` now.
        MediaDuplexState: i32 = 60,
        /// Bytes that are indicated contiguously.
        LookaheadSize: u32 = 64,
        /// Power management before NDIS 6.20; null since.
        PowerManagementCapabilities: *mut NDIS_PNP_CAPABILITIES = 72,
        /// `NDIS_MAC_OPTION_…`.
        MacOptions: u32 = 80,
        /// `NDIS_PACKET_TYPE_…` that the filter can do.
        SupportedPacketFilters: u32 = 84,
        /// Entries of the multicast list.
        MaxMulticastListSize: u32 = 88,
        /// Bytes of an address: 6.
        MacAddressLength: u16 = 92,
        /// Address in the hardware.
        PermanentMacAddress: [u8; 32] = 94,
        /// Address in use.
        CurrentMacAddress: [u8; 32] = 126,
        /// Receive-side scaling, or null.
        RecvScaleCapabilities: *mut NDIS_RECEIVE_SCALE_CAPABILITIES = 160,
        /// `NET_IF_ACCESS_…`.
        AccessType: NET_IF_ACCESS_TYPE = 168,
        /// `NET_IF_DIRECTION_…`.
        DirectionType: NET_IF_DIRECTION_TYPE = 172,
        /// `NET_IF_CONNECTION_…`.
        ConnectionType: NET_IF_CONNECTION_TYPE = 176,
        /// `IF_TYPE_…` of IANA.
        IfType: u16 = 180,
        /// TRUE for hardware with a connector.
        IfConnectorPresent: BOOLEAN = 182,
        /// `NDIS_STATISTICS_FLAGS_VALID_…` that OID_GEN_STATISTICS answers.
        SupportedStatistics: u32 = 184,
        /// `NdisPauseFunctions…` of the hardware.
        SupportedPauseFunctions: u32 = 188,
        /// Bytes wanted before the data of a send, for headers.
        DataBackFillSize: u32 = 192,
        /// Bytes wanted in an NBL's context.
        ContextBackFillSize: u32 = 196,
        /// The OIDs that the miniport answers.
        SupportedOidList: *mut NDIS_OID = 200,
        /// Bytes of that list.
        SupportedOidListLength: u32 = 208,
        /// `NDIS_LINK_STATE_…_AUTO_NEGOTIATED`.
        AutoNegotiationFlags: u32 = 212,
        /// Power management since NDIS 6.20; may not be null.
        PowerManagementCapabilitiesEx: *mut NDIS_PM_CAPABILITIES = 216,
    }

    /// `NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES` (ndis.h): 40 bytes on x64.
    struct NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES record { size 40, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        DefaultOffloadConfiguration: *mut NDIS_OFFLOAD = 8,
        HardwareOffloadCapabilities: *mut NDIS_OFFLOAD = 16,
        DefaultTcpConnectionOffloadConfiguration: *mut NDIS_TCP_CONNECTION_OFFLOAD = 24,
        TcpConnectionOffloadHardwareCapabilities: *mut NDIS_TCP_CONNECTION_OFFLOAD = 32,
    }

    /// `NDIS_MINIPORT_ADAPTER_HARDWARE_ASSIST_ATTRIBUTES` (ndis.h, NDIS 6.1 and later): 96 bytes on x64. Sizes: 16 from NDIS 6.1, 48 from NDIS 6.20, 80 from NDIS 6.30, 96 from NDIS 6.50.
    struct NDIS_MINIPORT_ADAPTER_HARDWARE_ASSIST_ATTRIBUTES record { size 96, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        HDSplitAttributes: *mut NDIS_HD_SPLIT_ATTRIBUTES = 8,
        HardwareReceiveFilterCapabilities: *mut NDIS_RECEIVE_FILTER_CAPABILITIES = 16,
        CurrentReceiveFilterCapabilities: *mut NDIS_RECEIVE_FILTER_CAPABILITIES = 24,
        HardwareNicSwitchCapabilities: *mut NDIS_NIC_SWITCH_CAPABILITIES = 32,
        CurrentNicSwitchCapabilities: *mut NDIS_NIC_SWITCH_CAPABILITIES = 40,
        HardwareSriovCapabilities: *mut NDIS_SRIOV_CAPABILITIES = 48,
        CurrentSriovCapabilities: *mut NDIS_SRIOV_CAPABILITIES = 56,
        HardwareQosCapabilities: *mut NDIS_QOS_CAPABILITIES = 64,
        CurrentQosCapabilities: *mut NDIS_QOS_CAPABILITIES = 72,
        HardwareGftOffloadCapabilities: *mut c_void = 80,
        CurrentGftOffloadCapabilities: *mut c_void = 88,
    }

    /// `NDIS_HD_SPLIT_ATTRIBUTES` (ndis.h, NDIS 6.1 and later): 24 bytes on x64.
    struct NDIS_HD_SPLIT_ATTRIBUTES record { size 24, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        HardwareCapabilities: u32 = 4,
        CurrentCapabilities: u32 = 8,
        HDSplitFlags: u32 = 12,
        BackfillSize: u32 = 16,
        MaxHeaderSize: u32 = 20,
    }

    /// `NDIS_HD_SPLIT_CURRENT_CONFIG` (ntddndis.h, NDIS 6.1 and later): 28 bytes on x64.
    struct NDIS_HD_SPLIT_CURRENT_CONFIG record { size 28, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        HardwareCapabilities: u32 = 4,
        CurrentCapabilities: u32 = 8,
        HDSplitFlags: u32 = 12,
        HDSplitCombineFlags: u32 = 16,
        BackfillSize: u32 = 20,
        MaxHeaderSize: u32 = 24,
    }

    /// `NDIS_MINIPORT_ADAPTER_NDK_ATTRIBUTES` (ndis.h, NDIS 6.30 and later): 16 bytes on x64.
    struct NDIS_MINIPORT_ADAPTER_NDK_ATTRIBUTES record { size 16, align 8 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Enabled: BOOLEAN = 4,
        NdkCapabilities: *mut c_void = 8,
    }

    /// `NDIS_MINIPORT_ADAPTER_PACKET_DIRECT_ATTRIBUTES` (ndis.h, NDIS 6.50 and later): 12 bytes on x64.
    struct NDIS_MINIPORT_ADAPTER_PACKET_DIRECT_ATTRIBUTES record { size 12, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        Flags: u32 = 4,
        DmaAddressWidth: u8 = 8,
    }

    /// `NDIS_PCI_DEVICE_CUSTOM_PROPERTIES` (ntddndis.h): 52 bytes on x64.
    struct NDIS_PCI_DEVICE_CUSTOM_PROPERTIES record { size 52, align 4 } {
        Header: NDIS_OBJECT_HEADER = 0,
        DeviceType: u32 = 4,
        CurrentSpeedAndMode: u32 = 8,
        CurrentPayloadSize: u32 = 12,
        MaxPayloadSize: u32 = 16,
        MaxReadRequestSize: u32 = 20,
        CurrentLinkSpeed: u32 = 24,
        CurrentLinkWidth: u32 = 28,
        MaxLinkSpeed: u32 = 32,
        MaxLinkWidth: u32 = 36,
        PciExpressVersion: u32 = 40,
        InterruptType: u32 = 44,
        MaxInterruptMessages: u32 = 48,
    }
}
