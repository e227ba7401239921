// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors (82574L §5.2, §6): layouts with compile-time checks, encoders and decoders on two 64-bit
//! words. Pure values; any IRQL.

use bitflags::bitflags;

/// Every descriptor used here has 16 bytes.
pub const DESCRIPTOR_BYTES: usize = 16;

/// A receive descriptor as the driver writes it: the buffer, then zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RxRead {
    /// Device address of the buffer; never 0 (§5.4).
    pub address: u64,
    /// Must be 0: DD is here.
    pub zero: u64,
}

/// A receive descriptor as the chip writes it back; overwrites the address.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RxWriteBack {
    /// RSS type 3:0, queue 12:8.
    pub mrq: u32,
    /// RSS hash (PCSD = 1).
    pub hash: u32,
    /// [`RxStatus`].
    pub status: u32,
    /// Bytes in this buffer.
    pub length: u16,
    /// VLAN tag.
    pub vlan: u16,
}

/// A transmit descriptor of the legacy kind; its checksum is not done by the model (§6), so it is not used.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct TxLegacy {
    /// Device address.
    pub address: u64,
    /// LEN 15:0, CSO 23:16, CMD 31:24.
    pub command: u32,
    /// STA 3:0, CSS 15:8, VLAN 31:16.
    pub status: u32,
}

/// A transmit data descriptor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct TxData {
    /// Device address.
    pub address: u64,
    /// DTALEN 19:0, DTYP 23:20, DCMD 31:24.
    pub command: u32,
    /// STA 3:0, POPTS 15:8, VLAN 31:16.
    pub status: u32,
}

/// A transmit context descriptor.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct TxContextLayout {
    /// IPCSS 7:0, IPCSO 15:8, IPCSE 31:16.
    pub ip: u32,
    /// TUCSS 7:0, TUCSO 15:8, TUCSE 31:16.
    pub tu: u32,
    /// PAYLEN 19:0, TUCMD 31:24.
    pub command: u32,
    /// STA 3:0, HDRLEN 15:8, MSS 31:16.
    pub status: u32,
}

const _: () = {
    use core::mem::{offset_of, size_of};
    assert!(size_of::<RxRead>() == DESCRIPTOR_BYTES);
    assert!(offset_of!(RxRead, zero) == 8);
    assert!(size_of::<RxWriteBack>() == DESCRIPTOR_BYTES);
    assert!(offset_of!(RxWriteBack, hash) == 4);
    assert!(offset_of!(RxWriteBack, status) == 8);
    assert!(offset_of!(RxWriteBack, length) == 12);
    assert!(offset_of!(RxWriteBack, vlan) == 14);
    assert!(size_of::<TxLegacy>() == DESCRIPTOR_BYTES);
    assert!(offset_of!(TxLegacy, command) == 8);
    assert!(offset_of!(TxLegacy, status) == 12);
    assert!(size_of::<TxData>() == DESCRIPTOR_BYTES);
    assert!(offset_of!(TxData, command) == 8);
    assert!(offset_of!(TxData, status) == 12);
    assert!(size_of::<TxContextLayout>() == DESCRIPTOR_BYTES);
    assert!(offset_of!(TxContextLayout, tu) == 4);
    assert!(offset_of!(TxContextLayout, command) == 8);
    assert!(offset_of!(TxContextLayout, status) == 12);
};

bitflags! {
    /// Status and errors of a received frame; only the EOP descriptor carries more than DD (§5.2).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct RxStatus: u32 {
        /// Descriptor done.
        const DD = 1 << 0;
        /// End of packet.
        const EOP = 1 << 1;
        /// Ignore the checksum bits.
        const IXSM = 1 << 2;
        /// VLAN tag stripped.
        const VP = 1 << 3;
        /// UDP checksum calculated.
        const UDPCS = 1 << 4;
        /// TCP checksum calculated.
        const TCPCS = 1 << 5;
        /// IP checksum calculated.
        const IPCS = 1 << 6;
        /// Passed an inexact filter.
        const PIF = 1 << 7;
        /// A bare TCP ACK.
        const ACK = 1 << 15;
        /// CRC or alignment error.
        const CE = 1 << 24;
        /// Symbol error.
        const SE = 1 << 25;
        /// Sequence error.
        const SEQ = 1 << 26;
        /// Carrier extension error.
        const CXE = 1 << 28;
        /// TCP or UDP checksum wrong.
        const TCPE = 1 << 29;
        /// IP checksum wrong.
        const IPE = 1 << 30;
        /// Receive data error.
        const RXE = 1 << 31;
        /// The frame itself is damaged.
        const FRAME_ERRORS = Self::CE.bits() | Self::SE.bits() | Self::SEQ.bits()
            | Self::CXE.bits() | Self::RXE.bits();
    }

    /// DCMD and TUCMD bits, in place in the low half of the second word (§6).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct TxCommand: u32 {
        /// Data descriptor (DTYP = 1).
        const DTYP_DATA = 1 << 20;
        /// End of packet.
        const EOP = 1 << 24;
        /// Insert the frame check sequence.
        const IFCS = 1 << 25;
        /// Segmentation.
        const TSE = 1 << 26;
        /// Report status.
        const RS = 1 << 27;
        /// Extended descriptor.
        const DEXT = 1 << 29;
        /// Insert a VLAN tag.
        const VLE = 1 << 30;
        /// Delay the interrupt.
        const IDE = 1 << 31;
        /// Context: the payload is TCP.
        const CTX_TCP = 1 << 24;
        /// Context: the packet is IPv4.
        const CTX_IPV4 = 1 << 25;
    }
}

/// A receive descriptor for a buffer.
#[inline]
pub const fn rx_read(address: u64) -> [u64; 2] {
    [address, 0]
}

/// Splits the second word of a written-back receive descriptor.
#[inline]
pub const fn rx_status(second: u64) -> (RxStatus, u16, u16) {
    (
        RxStatus::from_bits_retain(second as u32),
        (second >> 32) as u16,
        (second >> 48) as u16,
    )
}

/// RSS type, queue and hash from the first word.
#[inline]
pub const fn rx_hash(first: u64) -> (u8, u8, u32) {
    (
        (first & 0xF) as u8,
        ((first >> 8) & 0x1F) as u8,
        (first >> 32) as u32,
    )
}

/// Most bytes that fit DTALEN.
pub const MAX_DTALEN: u32 = 0xF_FFFF;
/// RS in the second word of a transmit descriptor.
pub const TX_RS: u64 = TxCommand::RS.bits() as u64;
/// DD in the second word of a transmit descriptor: bit 0 of the upper half.
pub const TX_DD: u64 = 1 << 32;

/// What a data descriptor asks of the chip, the same for every descriptor of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TxOptions {
    /// Insert the IPv4 header checksum (POPTS.IXSM).
    pub ip_checksum: bool,
    /// Insert the TCP or UDP checksum (POPTS.TXSM).
    pub l4_checksum: bool,
    /// Segment (DCMD.TSE).
    pub tso: bool,
    /// Insert this VLAN tag (needs CTRL.VME, §6).
    pub vlan: Option<u16>,
}

/// Encodes a data descriptor without RS.
#[inline]
pub const fn tx_data(address: u64, len: u32, eop: bool, o: TxOptions) -> [u64; 2] {
    let mut cmd = (len & MAX_DTALEN)
        | TxCommand::DTYP_DATA.bits()
        | TxCommand::DEXT.bits()
        | TxCommand::IFCS.bits();
    let mut sta = 0u32;
    if eop {
        cmd |= TxCommand::EOP.bits();
    }
    if o.tso {
        cmd |= TxCommand::TSE.bits();
    }
    if o.ip_checksum {
        sta |= 1 << 8;
    }
    if o.l4_checksum {
        sta |= 1 << 9;
    }
    if let Some(tag) = o.vlan {
        cmd |= TxCommand::VLE.bits();
        sta |= (tag as u32) << 16;
    }
    [address, (sta as u64) << 32 | cmd as u64]
}

/// An offload context (§6). Offsets count from the start of the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TxContext {
    /// Where the IP header starts.
    pub ip_start: u8,
    /// Where the IP checksum goes.
    pub ip_checksum_at: u8,
    /// Last byte of the IP header; 0 for IPv6.
    pub ip_end: u16,
    /// Where the TCP or UDP header starts.
    pub l4_start: u8,
    /// Where its checksum goes.
    pub l4_checksum_at: u8,
    /// Last byte covered; 0 is the end of the frame.
    pub l4_end: u16,
    /// TCP payload bytes of the whole, for TSO.
    pub payload: u32,
    /// Header bytes, for TSO.
    pub header: u8,
    /// Payload bytes per segment, for TSO.
    pub mss: u16,
    /// TCP, not UDP.
    pub tcp: bool,
    /// IPv4, not IPv6.
    pub ipv4: bool,
    /// Segment.
    pub tso: bool,
}

impl TxContext {
    /// Encodes the context descriptor.
    #[inline]
    pub const fn encode(&self) -> [u64; 2] {
        let ip =
            self.ip_start as u32 | (self.ip_checksum_at as u32) << 8 | (self.ip_end as u32) << 16;
        let tu =
            self.l4_start as u32 | (self.l4_checksum_at as u32) << 8 | (self.l4_end as u32) << 16;
        let mut cmd = (self.payload & MAX_DTALEN) | TxCommand::DEXT.bits();
        if self.tcp {
            cmd |= TxCommand::CTX_TCP.bits();
        }
        if self.ipv4 {
            cmd |= TxCommand::CTX_IPV4.bits();
        }
        if self.tso {
            cmd |= TxCommand::TSE.bits();
        }
        let sta = (self.header as u32) << 8 | (self.mss as u32) << 16;
        [
            (tu as u64) << 32 | ip as u64,
            (sta as u64) << 32 | cmd as u64,
        ]
    }
}
