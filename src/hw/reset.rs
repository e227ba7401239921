// SPDX-License-Identifier: MIT OR Apache-2.0
//! Global reset, the driver's own stop path, and the defaults afterwards (82574L §7). PASSIVE_LEVEL: it waits.
//!
//! QEMU 7.2 resets next to nothing on CTRL.RST (§0.2): rings, mask and filters survive and DMA goes on. So
//! [`stop`] does by hand what a later start must not inherit, and [`global_reset`] begins with it.

use super::bits::{Ctrl, CtrlExt, Eecd, ExtcnfCtrl, IntCause, Rctl, Status, Tctl};
use super::errata::Errata;
use super::mmio::{ALL_ONES, Mmio};
use super::regs;

/// How hardware code waits.
pub trait Delay {
    /// Busy-waits, 50 µs at most; any IRQL.
    fn stall_us(&self, us: u32);
    /// Sleeps at least so long; PASSIVE_LEVEL.
    fn sleep_ms(&self, ms: u32);
}

/// Why a reset failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResetError {
    /// All registers read all ones.
    Gone,
    /// CTRL.RST did not clear itself.
    Stuck,
    /// The NVM was not read after the reset.
    NvmTimeout,
}

/// Stops interrupts and DMA and leaves nothing that a start could inherit. Bounded: 130 ms at most.
///
/// Safe to call twice, and on a device that is gone.
pub fn stop(m: &impl Mmio, delay: &impl Delay) {
    regs::IMC.write(m, IntCause::from_bits_retain(u32::MAX));
    // With the mask closed the read clears everything (§4.3).
    let _ = regs::ICR.read_and_clear(m);
    regs::RCTL.modify(m, |r| r - Rctl::EN);
    regs::TCTL.modify(m, |t| t - Tctl::EN);
    // Pushes the posted writes out, then lets a frame in flight end.
    let _ = regs::STATUS.read(m);
    delay.sleep_ms(10);
    stop_mastering(m, delay);

    for q in 0..regs::QUEUES {
        super::queue::program_tx(m, q, 0, 0);
        super::queue::program_rx(m, q, 0, 0);
    }
    regs::IVAR.write(m, 0);
    regs::EIAC.write(m, IntCause::empty());
    regs::IAM.write(m, IntCause::empty());
    regs::RCTL.write(m, Rctl::empty());
    regs::MRQC.write(m, super::bits::Mrqc::empty());
    for rah in regs::RAH.iter() {
        rah.write(m, 0);
    }
    for word in regs::MTA.iter().chain(regs::VFTA.iter()) {
        word.write(m, 0);
    }
    let _ = regs::ICR.read_and_clear(m);
}

/// Stops bus mastering: up to 800 × 100 µs (§7 step 1), then lets the bit go again, because QEMU 7.2 keeps it
/// through a reset.
fn stop_mastering(m: &impl Mmio, delay: &impl Delay) {
    regs::CTRL.modify(m, |c| c | Ctrl::GIO_MASTER_DISABLE);
    for _ in 0..1_600 {
        if !regs::STATUS.read(m).contains(Status::GIO_MASTER_ENABLE) || m.is_gone() {
            break;
        }
        delay.stall_us(50);
    }
    // A bus master that does not come to rest is reset all the same: nothing gentler is left.
}

/// Resets the chip: stop path, CTRL.RST, NVM reload, mask and causes cleared. Bounded: 300 ms at most.
pub fn global_reset(m: &impl Mmio, delay: &impl Delay, errata: Errata) -> Result<(), ResetError> {
    if regs::STATUS.read(m).bits() == ALL_ONES {
        return Err(ResetError::Gone);
    }
    stop(m, delay);

    // Firmware may be using the management bus; it owns it again after the reset (§7 steps 3, 4).
    for _ in 0..10 {
        regs::EXTCNF_CTRL.modify(m, |e| e | ExtcnfCtrl::MDIO_SW_OWNERSHIP);
        if regs::EXTCNF_CTRL
            .read(m)
            .contains(ExtcnfCtrl::MDIO_SW_OWNERSHIP)
        {
            break;
        }
        delay.sleep_ms(2);
    }
    regs::CTRL.modify(m, |c| c | Ctrl::RST);
    // The bus may not be touched straight after the reset.
    delay.sleep_ms(2);
    let mut rounds = 0;
    while regs::CTRL.read(m).contains(Ctrl::RST) {
        if rounds == 10 {
            return Err(if regs::STATUS.read(m).bits() == ALL_ONES {
                ResetError::Gone
            } else {
                ResetError::Stuck
            });
        }
        rounds += 1;
        delay.sleep_ms(1);
    }
    regs::EXTCNF_CTRL.modify(m, |e| e - ExtcnfCtrl::MDIO_SW_OWNERSHIP);

    let flash = regs::EECD.read(m).contains(Eecd::FLASH_HW);
    if flash {
        delay.stall_us(20);
        regs::CTRL_EXT.modify(m, |c| c | CtrlExt::EE_RST);
        if errata.contains(Errata::FLASH_AUTOUPDATE) {
            regs::EECD.modify(m, |e| e - Eecd::AUPDEN);
        }
    }
    let mut rounds = 0;
    while !regs::EECD.read(m).contains(Eecd::AUTO_RD) {
        if rounds == 20 {
            return Err(ResetError::NvmTimeout);
        }
        rounds += 1;
        delay.sleep_ms(1);
    }
    // PHY configuration from the NVM; EEMNGCTL.CFG_DONE is not to be relied on (§3.1).
    delay.sleep_ms(25);

    regs::CTRL.modify(m, |c| c - (Ctrl::GIO_MASTER_DISABLE | Ctrl::RESERVED_29));
    regs::IMC.write(m, IntCause::from_bits_retain(u32::MAX));
    let _ = regs::ICR.read_and_clear(m);
    Ok(())
}

/// Registers that need a value after every reset: errata, tables, VLAN type, wake-up (§7 steps 8 to 10). Does
/// not wait.
pub fn init_defaults(m: &impl Mmio, errata: Errata) {
    super::errata::apply(m, errata);
    regs::SWSM.write(m, 0);
    regs::CTRL_EXT.modify(m, |c| c | CtrlExt::DRV_LOAD);
    for word in regs::MTA.iter().chain(regs::VFTA.iter()) {
        word.write(m, 0);
    }
    for (low, high) in regs::RAL.iter().zip(regs::RAH.iter()) {
        low.write(m, 0);
        high.write(m, 0);
    }
    regs::VET.write(m, 0x8100);
    regs::WUC.write(m, 0);
    regs::WUFC.write(m, 0);
}

/// Tells the firmware that no driver owns the port any more. At halt, after [`stop`].
pub fn release(m: &impl Mmio) {
    regs::CTRL_EXT.modify(m, |c| c - CtrlExt::DRV_LOAD);
}
