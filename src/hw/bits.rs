// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bits of the registers, by data-sheet name (82574L §3). Pure values; any IRQL.

use super::mmio::RegValue;
use bitflags::bitflags;

macro_rules! reg_value {
    ($($name:ident),*) => {$(
        impl RegValue for $name {
            #[inline]
            fn from_raw(raw: u32) -> Self {
                Self::from_bits_retain(raw)
            }
            #[inline]
            fn into_raw(self) -> u32 {
                self.bits()
            }
        }
    )*};
}

bitflags! {
    /// Interrupt causes: ICR, ICS, IMS, IMC, EIAC and IAM share the layout (82574L §3.2).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct IntCause: u32 {
        /// Transmit descriptor written back (line and MSI only).
        const TXDW = 1 << 0;
        /// Transmit queue empty: set by every tail write, so it stays out of IMS (§4.1).
        const TXQE = 1 << 1;
        /// Link status change.
        const LSC = 1 << 2;
        /// Receive sequence error.
        const RXSEQ = 1 << 3;
        /// Receive descriptors below the threshold.
        const RXDMT0 = 1 << 4;
        /// Receiver overrun.
        const RXO = 1 << 6;
        /// Frame received (line and MSI only).
        const RXT0 = 1 << 7;
        /// MDIO access complete.
        const MDAC = 1 << 9;
        /// Transmit descriptors low.
        const TXD_LOW = 1 << 15;
        /// Small receive packet.
        const SRPD = 1 << 16;
        /// TCP ACK received.
        const ACK = 1 << 17;
        /// Manageability event.
        const MNG = 1 << 18;
        /// Receive queue 0 (MSI-X).
        const RXQ0 = 1 << 20;
        /// Receive queue 1 (MSI-X).
        const RXQ1 = 1 << 21;
        /// Transmit queue 0 (MSI-X).
        const TXQ0 = 1 << 22;
        /// Transmit queue 1 (MSI-X).
        const TXQ1 = 1 << 23;
        /// Any of LSC, RXO, MDAC, SRPD, ACK, MNG (MSI-X).
        const OTHER = 1 << 24;
        /// The chip asserts its interrupt; read only.
        const INT_ASSERTED = 1 << 31;

        /// The four queue causes, the ones that EIAC can clear without software.
        const QUEUES = Self::RXQ0.bits() | Self::RXQ1.bits() | Self::TXQ0.bits() | Self::TXQ1.bits();
        /// The causes behind OTHER (§4.1).
        const BEHIND_OTHER = Self::LSC.bits() | Self::RXO.bits() | Self::MDAC.bits()
            | Self::SRPD.bits() | Self::ACK.bits() | Self::MNG.bits();
    }

    /// Device control (CTRL).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Ctrl: u32 {
        /// Full duplex, when forced.
        const FD = 1 << 0;
        /// Stop bus mastering.
        const GIO_MASTER_DISABLE = 1 << 2;
        /// Automatic speed detection.
        const ASDE = 1 << 5;
        /// Set link up.
        const SLU = 1 << 6;
        /// Forced speed, low bit: 1 = 100 Mb/s.
        const SPEED_100 = 1 << 8;
        /// Forced speed, high bit: 1 = 1000 Mb/s.
        const SPEED_1000 = 1 << 9;
        /// Force speed.
        const FRCSPD = 1 << 11;
        /// Force duplex.
        const FRCDPX = 1 << 12;
        /// Device reset, clears itself.
        const RST = 1 << 26;
        /// Receive flow control.
        const RFCE = 1 << 27;
        /// Transmit flow control.
        const TFCE = 1 << 28;
        /// Must be 0 on the 82574 (§14).
        const RESERVED_29 = 1 << 29;
        /// VLAN tags inserted and stripped.
        const VME = 1 << 30;
        /// PHY reset.
        const PHY_RST = 1 << 31;
    }

    /// Device status (STATUS).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Status: u32 {
        /// Full duplex.
        const FD = 1 << 0;
        /// Link up.
        const LU = 1 << 1;
        /// Transmission paused by flow control.
        const TXOFF = 1 << 4;
        /// Speed, low bit: 1 = 100 Mb/s.
        const SPEED_100 = 1 << 6;
        /// Speed, high bit: 1 = 1000 Mb/s.
        const SPEED_1000 = 1 << 7;
        /// The PHY was reset.
        const PHYRA = 1 << 10;
        /// Bus mastering not yet stopped.
        const GIO_MASTER_ENABLE = 1 << 19;
    }

    /// Extended device control (CTRL_EXT).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct CtrlExt: u32 {
        /// Reload the NVM.
        const EE_RST = 1 << 13;
        /// Erratum: must be 1 (§14).
        const SET_22 = 1 << 22;
        /// Erratum: must be 0 (§14).
        const CLEAR_23 = 1 << 23;
        /// Extended (MSI-X) interrupt auto-mask.
        const EIAME = 1 << 24;
        /// Interrupt auto-mask on ICR access.
        const IAME = 1 << 27;
        /// A driver owns the port.
        const DRV_LOAD = 1 << 28;
        /// Timers cleared by an IMS write.
        const INT_TIMERS_CLEAR_ENA = 1 << 29;
        /// An IMS write clears the vector's pending bit.
        const PBA_CLR = 1 << 31;
    }

    /// NVM control (EECD).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Eecd: u32 {
        /// NVM content has been loaded after reset.
        const AUTO_RD = 1 << 9;
        /// NVM type, both bits set: hardware-driven flash.
        const FLASH_HW = 3 << 15;
        /// Flash update by hardware.
        const AUPDEN = 1 << 20;
    }

    /// Receive control (RCTL).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Rctl: u32 {
        /// Receiver on.
        const EN = 1 << 1;
        /// Store bad packets.
        const SBP = 1 << 2;
        /// Unicast promiscuous.
        const UPE = 1 << 3;
        /// Multicast promiscuous.
        const MPE = 1 << 4;
        /// Long packets.
        const LPE = 1 << 5;
        /// MAC loopback.
        const LBM_MAC = 1 << 6;
        /// Descriptor minimum threshold 1/4 (1/2 when clear).
        const RDMTS_QUARTER = 1 << 8;
        /// Descriptor minimum threshold 1/8.
        const RDMTS_EIGHTH = 1 << 9;
        /// Accept broadcast.
        const BAM = 1 << 15;
        /// Buffer size, low bit.
        const BSIZE_0 = 1 << 16;
        /// Buffer size, high bit.
        const BSIZE_1 = 1 << 17;
        /// VLAN filter.
        const VFE = 1 << 18;
        /// Discard pause frames.
        const DPF = 1 << 22;
        /// Buffer sizes times 16.
        const BSEX = 1 << 25;
        /// Strip the frame check sequence: always set, without it the model splits frames (§0.7).
        const SECRC = 1 << 26;
        /// The bits that the packet filter decides.
        const FILTER = Self::UPE.bits() | Self::MPE.bits() | Self::BAM.bits();
    }

    /// Receive filter control (RFCTL).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Rfctl: u32 {
        /// No NFS write parsing.
        const NFSW_DIS = 1 << 6;
        /// No NFS read parsing.
        const NFSR_DIS = 1 << 7;
        /// No ACK interrupts: spurious OTHER interrupts in MSI-X mode otherwise (§14).
        const ACK_DIS = 1 << 12;
        /// Extended receive descriptors.
        const EXTEN = 1 << 15;
        /// No parsing of IPv6 home addresses and routing headers.
        const NEW_IPV6_EXT_DIS = 1 << 17;
    }

    /// Receive queue choice and hash types (MRQC).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Mrqc: u32 {
        /// Scaling over two queues.
        const RSS = 1 << 0;
        /// TCP over IPv4.
        const TCP_IPV4 = 1 << 16;
        /// IPv4.
        const IPV4 = 1 << 17;
        /// TCP over IPv6, with home address and routing header.
        const TCP_IPV6_EX = 1 << 18;
        /// IPv6, with home address and routing header.
        const IPV6_EX = 1 << 19;
        /// IPv6.
        const IPV6 = 1 << 20;
        /// TCP over IPv6; the model knows only the bit with extensions.
        const TCP_IPV6 = 1 << 21;
    }

    /// Receive checksum control (RXCSUM), without the start byte.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Rxcsum: u32 {
        /// IPv4 header checksum.
        const IPOFL = 1 << 8;
        /// TCP and UDP checksum.
        const TUOFL = 1 << 9;
        /// RSS hash instead of packet checksum in the descriptor.
        const PCSD = 1 << 13;
    }

    /// Transmit control (TCTL), flag bits.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Tctl: u32 {
        /// Transmitter on.
        const EN = 1 << 1;
        /// Pad short packets.
        const PSP = 1 << 3;
        /// Collision threshold 15.
        const CT_15 = 15 << 4;
        /// Collision distance 63.
        const COLD_63 = 63 << 12;
        /// Retransmit on late collision.
        const RTLC = 1 << 24;
        /// Several reads in flight.
        const MULR = 1 << 28;
    }

    /// PHY management (MDIC), flag bits.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Mdic: u32 {
        /// PHY address 1, the only one.
        const PHY_1 = 1 << 21;
        /// Write operation.
        const OP_WRITE = 1 << 26;
        /// Read operation.
        const OP_READ = 1 << 27;
        /// Done.
        const READY = 1 << 28;
        /// No such register or PHY.
        const ERROR = 1 << 30;
    }

    /// Ownership of the management bus (EXTCNF_CTRL).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ExtcnfCtrl: u32 {
        /// Software owns MDIO.
        const MDIO_SW_OWNERSHIP = 1 << 5;
    }
}

reg_value!(
    IntCause, Ctrl, Status, CtrlExt, Eecd, Rctl, Rfctl, Rxcsum, Tctl, Mdic, Mrqc, ExtcnfCtrl
);
