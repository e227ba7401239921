// SPDX-License-Identifier: MIT OR Apache-2.0
//! Miniport adapter attributes for NdisMSetMiniportAttributes, complete by construction. PASSIVE_LEVEL.

use crate::adapter::LinkState;
use crate::ffi::*;

/// NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES; the context is the crate's.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationAttributes {
    /// `NDIS_MINIPORT_ATTRIBUTES_…`.
    pub flags: u32,
    /// Period of `check_for_hang` in seconds; 0: NDIS' default of 2.
    pub check_for_hang_seconds: u32,
    /// `NdisInterfacePci` and the like.
    pub interface: NDIS_INTERFACE_TYPE,
}

impl RegistrationAttributes {
    /// A bus-master PCI adapter: `HARDWARE_DEVICE`, `BUS_MASTER`, `SURPRISE_REMOVE_OK`, `NO_HALT_ON_SUSPEND`,
    /// `REGISTER_BUGCHECK_CALLBACK` (contract I-16).
    pub const PCI: Self = Self {
        flags: NDIS_MINIPORT_ATTRIBUTES_HARDWARE_DEVICE
            | NDIS_MINIPORT_ATTRIBUTES_BUS_MASTER
            | NDIS_MINIPORT_ATTRIBUTES_SURPRISE_REMOVE_OK
            | NDIS_MINIPORT_ATTRIBUTES_NO_HALT_ON_SUSPEND
            | NDIS_MINIPORT_ATTRIBUTES_REGISTER_BUGCHECK_CALLBACK,
        check_for_hang_seconds: 0,
        interface: NdisInterfacePci,
    };

    pub(crate) fn to_raw(self, context: NDIS_HANDLE) -> NDIS_MINIPORT_ADAPTER_ATTRIBUTES {
        let mut raw = NDIS_MINIPORT_ADAPTER_ATTRIBUTES::zeroed();
        raw.RegistrationAttributes = NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
                Revision: NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_2,
                Size: NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_2,
            },
            MiniportAdapterContext: context,
            AttributeFlags: self.flags,
            CheckForHangTimeInSeconds: self.check_for_hang_seconds,
            InterfaceType: self.interface,
        };
        raw
    }
}

/// NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES of an Ethernet adapter (contract I-17). NDIS copies what it needs during
/// the call.
#[derive(Clone, Copy, Debug)]
pub struct GeneralAttributes<'a> {
    /// Largest payload without the MAC header, in bytes.
    pub mtu: u32,
    /// Highest transmit speed of the hardware, bit/s.
    pub max_transmit_speed: u64,
    /// Highest receive speed of the hardware, bit/s.
    pub max_receive_speed: u64,
    /// The link as it is now.
    pub link: LinkState,
    /// Bytes of a frame that are indicated contiguously.
    pub lookahead: u32,
    /// `NDIS_MAC_OPTION_…`.
    pub mac_options: u32,
    /// `NDIS_PACKET_TYPE_…` that the filter can do.
    pub packet_filters: u32,
    /// Entries of the multicast list.
    pub max_multicast: u32,
    /// Address in the hardware.
    pub permanent_address: [u8; 6],
    /// Address in use.
    pub current_address: [u8; 6],
    /// `NDIS_STATISTICS_FLAGS_VALID_…` that OID_GEN_STATISTICS answers.
    pub statistics: u32,
    /// Pause functions of the hardware.
    pub pause: NDIS_SUPPORTED_PAUSE_FUNCTIONS,
    /// `NdisPhysicalMedium…`.
    pub physical_medium: NDIS_PHYSICAL_MEDIUM,
    /// Every OID that the miniport answers (contract O-12).
    pub oids: &'a [NDIS_OID],
    /// Power management; `None` is reported as "none supported".
    pub power: Option<&'a NDIS_PM_CAPABILITIES>,
    /// Receive-side scaling, if any.
    pub rss: Option<&'a NDIS_RECEIVE_SCALE_CAPABILITIES>,
}

impl<'a> GeneralAttributes<'a> {
    /// An ordinary Ethernet adapter of this address and highest speed in bit/s: MTU 1500, link down, 32
    /// multicast addresses, directed, multicast, broadcast and promiscuous filters, all statistics, no wake-up, no RSS.
    /// Any IRQL.
    #[must_use]
    pub const fn ethernet(address: [u8; 6], speed: u64, oids: &'a [NDIS_OID]) -> Self {
        Self {
            mtu: 1500,
            max_transmit_speed: speed,
            max_receive_speed: speed,
            link: LinkState::DOWN,
            lookahead: 1500,
            mac_options: NDIS_MAC_OPTION_COPY_LOOKAHEAD_DATA
                | NDIS_MAC_OPTION_TRANSFERS_NOT_PEND
                | NDIS_MAC_OPTION_NO_LOOPBACK,
            packet_filters: NDIS_PACKET_TYPE_DIRECTED
                | NDIS_PACKET_TYPE_MULTICAST
                | NDIS_PACKET_TYPE_ALL_MULTICAST
                | NDIS_PACKET_TYPE_BROADCAST
                | NDIS_PACKET_TYPE_PROMISCUOUS,
            max_multicast: 32,
            permanent_address: address,
            current_address: address,
            statistics: ALL_STATISTICS,
            pause: NdisPauseFunctionsUnsupported,
            physical_medium: NdisPhysicalMedium802_3,
            oids,
            power: None,
            rss: None,
        }
    }
}

/// `SupportedStatistics` of a miniport that keeps every counter of OID_GEN_STATISTICS.
pub const ALL_STATISTICS: u32 = NDIS_STATISTICS_FLAGS_VALID_DIRECTED_FRAMES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_FRAMES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_FRAMES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_BYTES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_RCV_DISCARDS
    | NDIS_STATISTICS_FLAGS_VALID_RCV_ERROR
    | NDIS_STATISTICS_FLAGS_VALID_DIRECTED_FRAMES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_FRAMES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_FRAMES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_BYTES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_XMIT_ERROR
    | NDIS_STATISTICS_FLAGS_VALID_XMIT_DISCARDS
    | NDIS_STATISTICS_FLAGS_VALID_DIRECTED_BYTES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_BYTES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_BYTES_RCV
    | NDIS_STATISTICS_FLAGS_VALID_DIRECTED_BYTES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_MULTICAST_BYTES_XMIT
    | NDIS_STATISTICS_FLAGS_VALID_BROADCAST_BYTES_XMIT;

/// Power capabilities that offer nothing.
pub(crate) const fn no_power_management() -> NDIS_PM_CAPABILITIES {
    let mut none = NDIS_PM_CAPABILITIES::zeroed();
    none.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_DEFAULT,
        Revision: NDIS_PM_CAPABILITIES_REVISION_2,
        Size: NDIS_SIZEOF_NDIS_PM_CAPABILITIES_REVISION_2,
    };
    none.MinMagicPacketWakeUp = NdisDeviceStateUnspecified;
    none.MinPatternWakeUp = NdisDeviceStateUnspecified;
    none.MinLinkChangeWakeUp = NdisDeviceStateUnspecified;
    none
}

impl GeneralAttributes<'_> {
    /// The structure; `power` stands in for absent capabilities and must outlive the call it is passed to.
    pub(crate) fn to_raw(self, power: &NDIS_PM_CAPABILITIES) -> NDIS_MINIPORT_ADAPTER_ATTRIBUTES {
        let mut raw = NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES::zeroed();
        raw.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
            Revision: NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
            Size: NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2,
        };
        raw.MediaType = NdisMedium802_3;
        raw.PhysicalMediumType = self.physical_medium;
        raw.MtuSize = self.mtu;
        raw.MaxXmitLinkSpeed = self.max_transmit_speed;
        raw.MaxRcvLinkSpeed = self.max_receive_speed;
        raw.XmitLinkSpeed = self.link.transmit_speed;
        raw.RcvLinkSpeed = self.link.receive_speed;
        raw.MediaConnectState = self.link.connect;
        raw.MediaDuplexState = self.link.duplex;
        raw.LookaheadSize = self.lookahead;
        raw.MacOptions = self.mac_options;
        raw.SupportedPacketFilters = self.packet_filters;
        raw.MaxMulticastListSize = self.max_multicast;
        raw.MacAddressLength = ETH_LENGTH_OF_ADDRESS as u16;
        raw.PermanentMacAddress[..6].copy_from_slice(&self.permanent_address);
        raw.CurrentMacAddress[..6].copy_from_slice(&self.current_address);
        raw.AccessType = NET_IF_ACCESS_BROADCAST;
        raw.DirectionType = NET_IF_DIRECTION_SENDRECEIVE;
        raw.ConnectionType = NET_IF_CONNECTION_DEDICATED;
        raw.IfType = IF_TYPE_ETHERNET_CSMACD as u16;
        raw.IfConnectorPresent = TRUE;
        raw.SupportedStatistics = self.statistics;
        raw.SupportedPauseFunctions = self.pause as u32;
        raw.SupportedOidList = self.oids.as_ptr().cast_mut();
        raw.SupportedOidListLength = u32::try_from(size_of_val(self.oids)).unwrap_or(0);
        raw.AutoNegotiationFlags = self.link.auto_negotiated;
        let power = self.power.unwrap_or(power);
        raw.PowerManagementCapabilitiesEx = (&raw const *power).cast_mut();
        if let Some(rss) = self.rss {
            raw.RecvScaleCapabilities = (&raw const *rss).cast_mut();
        }
        let mut attributes = NDIS_MINIPORT_ADAPTER_ATTRIBUTES::zeroed();
        attributes.GeneralAttributes = raw;
        attributes
    }
}
