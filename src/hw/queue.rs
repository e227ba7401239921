// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ring registers and the set-up of the transmit and receive units (82574L §3.3, §3.4, §7). PASSIVE_LEVEL by
//! use; nothing here waits.

use super::bits::{Ctrl, Mrqc, Rctl, Rfctl, Rxcsum, Tctl};
use super::errata::Errata;
use super::mmio::Mmio;
use super::regs;

/// Whether the chip has this receive buffer size.
pub const fn is_buffer_size(bytes: u32) -> bool {
    buffer_size_bits(bytes).is_some()
}

/// The RCTL bits of a receive buffer size (256 bytes to 16 KiB, powers of two; §3.3).
pub const fn buffer_size_bits(bytes: u32) -> Option<Rctl> {
    Some(match bytes {
        2048 => Rctl::empty(),
        1024 => Rctl::BSIZE_0,
        512 => Rctl::BSIZE_1,
        256 => Rctl::BSIZE_0.union(Rctl::BSIZE_1),
        16384 => Rctl::BSEX.union(Rctl::BSIZE_0),
        8192 => Rctl::BSEX.union(Rctl::BSIZE_1),
        4096 => Rctl::BSEX.union(Rctl::BSIZE_0).union(Rctl::BSIZE_1),
        _ => return None,
    })
}

/// Gives an empty ring to transmit queue `queue`; `false` if there is no such queue.
pub fn program_tx(m: &impl Mmio, queue: usize, base: u64, bytes: u32) -> bool {
    let (Some(bal), Some(bah), Some(len), Some(head), Some(tail)) = (
        regs::TDBAL_Q.get(queue),
        regs::TDBAH_Q.get(queue),
        regs::TDLEN_Q.get(queue),
        regs::TDH_Q.get(queue),
        regs::TDT_Q.get(queue),
    ) else {
        return false;
    };
    bal.write(m, base as u32);
    bah.write(m, (base >> 32) as u32);
    len.write(m, bytes);
    head.write(m, 0);
    tail.write(m, 0);
    true
}

/// Gives an empty ring to receive queue `queue`; `false` if there is no such queue.
pub fn program_rx(m: &impl Mmio, queue: usize, base: u64, bytes: u32) -> bool {
    let (Some(bal), Some(bah), Some(len), Some(head), Some(tail)) = (
        regs::RDBAL_Q.get(queue),
        regs::RDBAH_Q.get(queue),
        regs::RDLEN_Q.get(queue),
        regs::RDH_Q.get(queue),
        regs::RDT_Q.get(queue),
    ) else {
        return false;
    };
    bal.write(m, base as u32);
    bah.write(m, (base >> 32) as u32);
    len.write(m, bytes);
    head.write(m, 0);
    tail.write(m, 0);
    true
}

/// PTHRESH 31, HTHRESH 1, WTHRESH 1 (more risks transmit stalls), COUNT_DESC, GRAN (§3.4).
const TXDCTL: u32 = 0x1F | 1 << 8 | 1 << 16 | 1 << 22 | 1 << 24;
/// Copper: IPGT 8, IPGR1 8, IPGR2 6.
const TIPG: u32 = 8 | 8 << 10 | 6 << 20;
/// TARC: queue enable.
const TARC_ENABLE: u32 = 1 << 10;

/// Sets up the transmit unit for all queues, switched off.
pub fn init_tx_unit(m: &impl Mmio, errata: Errata) {
    regs::TIPG.write(m, TIPG);
    // No delay: interrupts are moderated by ITR and EITR.
    regs::TIDV.write(m, 0);
    regs::TADV.write(m, 0);
    // The same in both queues even if one is unused (§14).
    for txdctl in regs::TXDCTL_Q.iter() {
        txdctl.write(m, TXDCTL);
    }
    for tarc in regs::TARC_Q.iter() {
        tarc.modify(m, |t| {
            let t = t | TARC_ENABLE;
            if errata.contains(Errata::TARC) {
                t & !(0xF << 27) | 1 << 26
            } else {
                t
            }
        });
    }
    regs::TCTL.write(
        m,
        Tctl::PSP | Tctl::CT_15 | Tctl::COLD_63 | Tctl::RTLC | Tctl::MULR,
    );
}

/// Whether the chip strips 802.1Q tags from received frames, and inserts them where a descriptor asks for it (§6, §9).
pub fn set_tag_offload(m: &impl Mmio, on: bool) {
    regs::CTRL.modify(m, |mut c| {
        c.set(Ctrl::VME, on);
        c
    });
}

/// Kilobytes of the packet buffer, both directions together.
const PACKET_BUFFER_KB: u32 = 40;
/// What ordinary frames leave to the receiver.
const RECEIVE_KB: u32 = 32;

/// Divides the packet buffer for frames of up to `longest` bytes on the wire (§11): the transmitter must hold two of them
/// with a descriptor each, the receiver one. Counts from the next reset on, which keeps it.
pub fn split_packet_buffer(m: &impl Mmio, longest: u32) {
    let kilobytes = |bytes: u32| bytes.div_ceil(1024);
    let transmit = kilobytes(2 * (longest + 16)).max(PACKET_BUFFER_KB - RECEIVE_KB);
    let receive = PACKET_BUFFER_KB
        .saturating_sub(transmit)
        .max(kilobytes(longest));
    regs::PBA.write(m, receive.min(RECEIVE_KB));
}

/// How the receive unit is set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RxConfig {
    /// Bytes per buffer: 256, 512, …, 16384.
    pub buffer_bytes: u32,
    /// Frames above 1518 bytes.
    pub long_packets: bool,
    /// IPv4, TCP and UDP checksums.
    pub checksum: bool,
}

/// Sets up the receive unit, switched off; the packet filter comes from [`super::filter`]. `false` if the chip
/// has no such buffer size.
pub fn init_rx_unit(m: &impl Mmio, config: &RxConfig) -> bool {
    let Some(size) = buffer_size_bits(config.buffer_bytes) else {
        return false;
    };
    let mut rctl = Rctl::SECRC | Rctl::DPF | size;
    rctl.set(Rctl::LPE, config.long_packets);
    regs::RCTL.write(m, rctl);
    // ACK_DIS belongs to the interrupt set-up and is kept.
    regs::RFCTL.modify(m, |r| {
        (r & Rfctl::ACK_DIS) | Rfctl::EXTEN | Rfctl::NFSW_DIS | Rfctl::NFSR_DIS
    });
    regs::RDTR.write(m, 0);
    regs::RADV.write(m, 0);
    let mut sum = Rxcsum::empty();
    sum.set(Rxcsum::IPOFL | Rxcsum::TUOFL, config.checksum);
    // The hash instead of the packet checksum in the descriptor, whether or not there is one: scaling comes and goes
    // while frames arrive (§10).
    sum |= Rxcsum::PCSD;
    regs::RXCSUM.write(m, sum);
    regs::MRQC.write(m, Mrqc::empty());
    true
}

/// Switches the receiver on or off, the rest of RCTL kept.
pub fn set_rx_enabled(m: &impl Mmio, on: bool) {
    regs::RCTL.modify(m, |mut r| {
        r.set(Rctl::EN, on);
        r
    });
}

/// Switches the transmitter on or off, the rest of TCTL kept.
pub fn set_tx_enabled(m: &impl Mmio, on: bool) {
    regs::TCTL.modify(m, |mut t| {
        t.set(Tctl::EN, on);
        t
    });
}

/// Whether the chip has read every transmit descriptor it was given: the hang check (§14). One register read.
pub fn tx_head_is(m: &impl Mmio, queue: usize, index: u32) -> bool {
    regs::TDH_Q
        .get(queue)
        .is_some_and(|head| head.read(m) == index)
}

/// TIDV: write back now.
const FPD: u32 = 1 << 31;

/// Has the chip write back finished transmit descriptors that it holds in its cache, which otherwise looks like a
/// hang (§14). Twice by the erratum: the first may be lost. Two reads, two writes; before the hang check only.
pub fn flush_tx_write_back(m: &impl Mmio) {
    for _ in 0..2 {
        regs::TIDV.write(m, FPD);
        let _ = regs::STATUS.read(m);
    }
}
