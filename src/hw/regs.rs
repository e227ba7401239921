// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every register that the driver uses, with its access kind (82574L §3). Constants only.
//!
//! Write-only here may mean "readable, but a driver that reads it is wrong": ICS shows stale causes after
//! an auto-clear (§3.2), and ring tails are known to software.

use super::bits::{
    Ctrl, CtrlExt, Eecd, ExtcnfCtrl, IntCause, Mdic, Mrqc, Rctl, Rfctl, Rxcsum, Status, Tctl,
};
use super::mmio::{ReadClear, ReadClearW1c, Reg, RegArray, Ro, Rw, Wo};

/// Bytes between the registers of ring 0 and of ring 1.
pub const QUEUE_STRIDE: u32 = 0x100;
/// Receive queues, and transmit queues, of the chip.
pub const QUEUES: usize = 2;

/// Device control.
pub const CTRL: Reg<Ctrl, Rw> = Reg::new(0x0000);
/// Device status.
pub const STATUS: Reg<Status, Ro> = Reg::new(0x0008);
/// NVM control.
pub const EECD: Reg<Eecd, Rw> = Reg::new(0x0010);
/// NVM read.
pub const EERD: Reg<u32, Rw> = Reg::new(0x0014);
/// Extended control.
pub const CTRL_EXT: Reg<CtrlExt, Rw> = Reg::new(0x0018);
/// PHY management.
pub const MDIC: Reg<Mdic, Rw> = Reg::new(0x0020);
/// Pause frame address, low.
pub const FCAL: Reg<u32, Rw> = Reg::new(0x0028);
/// Pause frame address, high.
pub const FCAH: Reg<u32, Rw> = Reg::new(0x002C);
/// Pause frame type.
pub const FCT: Reg<u32, Rw> = Reg::new(0x0030);
/// VLAN EtherType.
pub const VET: Reg<u32, Rw> = Reg::new(0x0038);

/// Interrupt causes. Reading has side effects.
pub const ICR: Reg<IntCause, ReadClearW1c> = Reg::new(0x00C0);
/// Interrupt throttle for line and MSI, 256 ns units.
pub const ITR: Reg<u32, Rw> = Reg::new(0x00C4);
/// Sets causes.
pub const ICS: Reg<IntCause, Wo> = Reg::new(0x00C8);
/// Sets mask bits; reads the mask.
pub const IMS: Reg<IntCause, Rw> = Reg::new(0x00D0);
/// Clears mask bits.
pub const IMC: Reg<IntCause, Wo> = Reg::new(0x00D8);
/// Causes cleared by their own message.
pub const EIAC: Reg<IntCause, Rw> = Reg::new(0x00DC);
/// Causes masked automatically.
pub const IAM: Reg<IntCause, Rw> = Reg::new(0x00E0);
/// Cause → vector.
pub const IVAR: Reg<u32, Rw> = Reg::new(0x00E4);
/// Throttle per MSI-X vector, 256 ns units.
pub const EITR: RegArray<u32, Rw, 5, 4> = RegArray::new(0x00E8);

/// Receive control.
pub const RCTL: Reg<Rctl, Rw> = Reg::new(0x0100);
/// Pause time.
pub const FCTTV: Reg<u32, Rw> = Reg::new(0x0170);
/// Transmit control.
pub const TCTL: Reg<Tctl, Rw> = Reg::new(0x0400);
/// Inter-packet gaps.
pub const TIPG: Reg<u32, Rw> = Reg::new(0x0410);
/// Management bus ownership.
pub const EXTCNF_CTRL: Reg<ExtcnfCtrl, Rw> = Reg::new(0x0F00);
/// Packet buffer split.
pub const PBA: Reg<u32, Rw> = Reg::new(0x1000);
/// Flow control threshold, low.
pub const FCRTL: Reg<u32, Rw> = Reg::new(0x2160);
/// Flow control threshold, high.
pub const FCRTH: Reg<u32, Rw> = Reg::new(0x2168);

/// Receive ring base, low, per queue.
pub const RDBAL_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x2800);
/// Receive ring base, high, per queue.
pub const RDBAH_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x2804);
/// Receive ring bytes, per queue.
pub const RDLEN_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x2808);
/// Receive head, per queue.
pub const RDH_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x2810);
/// Receive tail, per queue.
pub const RDT_Q: RegArray<u32, Wo, QUEUES, QUEUE_STRIDE> = RegArray::new(0x2818);
/// Receive descriptor thresholds, per queue.
pub const RXDCTL_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x2828);
/// Receive tail of queue 0.
pub const RDT: Reg<u32, Wo> = Reg::new(0x2818);
/// Receive delay.
pub const RDTR: Reg<u32, Rw> = Reg::new(0x2820);
/// Receive absolute delay.
pub const RADV: Reg<u32, Rw> = Reg::new(0x282C);
/// Small packet detect size.
pub const RSRPD: Reg<u32, Rw> = Reg::new(0x2C00);

/// Transmit ring base, low, per queue.
pub const TDBAL_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x3800);
/// Transmit ring base, high, per queue.
pub const TDBAH_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x3804);
/// Transmit ring bytes, per queue.
pub const TDLEN_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x3808);
/// Transmit head, per queue: for the hang check only, completion is found by DD.
pub const TDH_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x3810);
/// Transmit tail, per queue.
pub const TDT_Q: RegArray<u32, Wo, QUEUES, QUEUE_STRIDE> = RegArray::new(0x3818);
/// Transmit descriptor thresholds, per queue.
pub const TXDCTL_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x3828);
/// Transmit arbitration, per queue.
pub const TARC_Q: RegArray<u32, Rw, QUEUES, QUEUE_STRIDE> = RegArray::new(0x3840);
/// Transmit tail of queue 0.
pub const TDT: Reg<u32, Wo> = Reg::new(0x3818);
/// Transmit delay.
pub const TIDV: Reg<u32, Rw> = Reg::new(0x3820);
/// Transmit absolute delay.
pub const TADV: Reg<u32, Rw> = Reg::new(0x382C);

/// Receive checksum control.
pub const RXCSUM: Reg<Rxcsum, Rw> = Reg::new(0x5000);
/// Receive filter control.
pub const RFCTL: Reg<Rfctl, Rw> = Reg::new(0x5008);
/// Multicast hash table.
pub const MTA: RegArray<u32, Rw, 128, 4> = RegArray::new(0x5200);
/// Receive addresses, bytes 0..4.
pub const RAL: RegArray<u32, Rw, 16, 8> = RegArray::new(0x5400);
/// Receive addresses, bytes 4..6 and the valid bit.
pub const RAH: RegArray<u32, Rw, 16, 8> = RegArray::new(0x5404);
/// VLAN filter.
pub const VFTA: RegArray<u32, Rw, 128, 4> = RegArray::new(0x5600);
/// Wake-up control.
pub const WUC: Reg<u32, Rw> = Reg::new(0x5800);
/// Wake-up filters.
pub const WUFC: Reg<u32, Rw> = Reg::new(0x5808);
/// Receive queue choice and hash types.
pub const MRQC: Reg<Mrqc, Rw> = Reg::new(0x5818);
/// PCIe control.
pub const GCR: Reg<u32, Rw> = Reg::new(0x5B00);
/// Software semaphore: write 0 once at start; a read sets bit 0 (§3.1).
pub const SWSM: Reg<u32, Wo> = Reg::new(0x5B50);
/// PCIe control 2.
pub const GCR2: Reg<u32, Rw> = Reg::new(0x5B64);
/// Clears MSI-X pending bits.
pub const PBACLR: Reg<u32, Wo> = Reg::new(0x5B68);
/// RSS redirection table.
pub const RETA: RegArray<u32, Rw, 32, 4> = RegArray::new(0x5C00);
/// RSS key.
pub const RSSRK: RegArray<u32, Rw, 10, 4> = RegArray::new(0x5C80);
/// Statistics: 74 counters from 4000 to 4124, see [`super::stats`].
pub const STATISTICS: RegArray<u32, ReadClear, 74, 4> = RegArray::new(0x4000);
