// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PHY through MDIC (82574L §8.2). PASSIVE_LEVEL: it waits.

use super::bits::Mdic;
use super::mmio::{ALL_ONES, Mmio};
use super::regs;
use super::reset::Delay;

/// Control.
pub const BMCR: u8 = 0;
/// Status.
pub const BMSR: u8 = 1;
/// Identifier, high half.
pub const PHYID1: u8 = 2;
/// Identifier, low half.
pub const PHYID2: u8 = 3;
/// What we advertise at 10 and 100 Mb/s, and pause.
pub const ANAR: u8 = 4;
/// What the partner advertises.
pub const LPA: u8 = 5;
/// 1000BASE-T control.
pub const GBCR: u8 = 9;
/// 1000BASE-T status.
pub const GBSR: u8 = 10;

/// BMCR: restart autonegotiation.
pub const BMCR_RESTART: u16 = 1 << 9;
/// BMCR: autonegotiate.
pub const BMCR_AUTONEG: u16 = 1 << 12;
/// BMCR: 100 Mb/s when forced.
pub const BMCR_100: u16 = 1 << 13;
/// BMCR: full duplex when forced.
pub const BMCR_FULL: u16 = 1 << 8;
/// BMCR: power down.
pub const BMCR_POWER_DOWN: u16 = 1 << 11;
/// BMSR: autonegotiation complete.
pub const BMSR_COMPLETE: u16 = 1 << 5;
/// ANAR and LPA: symmetric pause.
pub const PAUSE: u16 = 1 << 10;
/// ANAR and LPA: asymmetric pause.
pub const PAUSE_ASYM: u16 = 1 << 11;

/// 50 µs each: 96 ms.
const POLLS: u32 = 1_920;

/// Why the PHY gave no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PhyError {
    /// MDIC never said READY.
    Timeout,
    /// MDIC.ERROR: no such register.
    Refused,
    /// The registers read all ones.
    Gone,
}

fn transfer(m: &impl Mmio, delay: &impl Delay, command: u32, reg: u8) -> Result<u16, PhyError> {
    let reg = u32::from(reg & 0x1F) << 16;
    regs::MDIC.write(
        m,
        Mdic::from_bits_retain(command | reg | Mdic::PHY_1.bits()),
    );
    for _ in 0..POLLS {
        let v = regs::MDIC.read(m);
        if v.bits() == ALL_ONES {
            return Err(PhyError::Gone);
        }
        if v.contains(Mdic::READY) {
            // The register number must come back, else this answers another question (§8.2).
            return if v.contains(Mdic::ERROR) || v.bits() & 0x1F << 16 != reg {
                Err(PhyError::Refused)
            } else {
                Ok(v.bits() as u16)
            };
        }
        delay.stall_us(50);
    }
    Err(PhyError::Timeout)
}

/// Reads a PHY register (0 to 31).
pub fn read(m: &impl Mmio, delay: &impl Delay, reg: u8) -> Result<u16, PhyError> {
    transfer(m, delay, Mdic::OP_READ.bits(), reg)
}

/// Writes a PHY register (0 to 31).
pub fn write(m: &impl Mmio, delay: &impl Delay, reg: u8, value: u16) -> Result<(), PhyError> {
    transfer(m, delay, Mdic::OP_WRITE.bits() | u32::from(value), reg).map(|_| ())
}

/// The identifier, 01410CB1 on the 82574L.
pub fn identifier(m: &impl Mmio, delay: &impl Delay) -> Result<u32, PhyError> {
    let high = read(m, delay, PHYID1)?;
    let low = read(m, delay, PHYID2)?;
    Ok(u32::from(high) << 16 | u32::from(low))
}
