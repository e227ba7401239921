// SPDX-License-Identifier: MIT OR Apache-2.0
//! Link: set-up, state, flow control (82574L §8.3, §11). What waits belongs at PASSIVE_LEVEL; [`read`] is one
//! register read and may be called at any IRQL.

use super::bits::{Ctrl, Status};
use super::mmio::{ALL_ONES, Mmio};
use super::phy::{self, PhyError};
use super::regs;
use super::reset::Delay;

/// Link speed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Speed {
    /// 10 Mb/s.
    M10,
    /// 100 Mb/s.
    M100,
    /// 1000 Mb/s.
    M1000,
}

impl Speed {
    /// In Mb/s.
    pub const fn mbps(self) -> u32 {
        match self {
            Self::M10 => 10,
            Self::M100 => 100,
            Self::M1000 => 1000,
        }
    }
}

/// What STATUS says about the link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// No link.
    Down,
    /// Link up.
    Up {
        /// Negotiated or forced speed.
        speed: Speed,
        /// Full duplex.
        full_duplex: bool,
    },
}

/// Reads the link state: STATUS.LU is the truth, whatever the interrupt said (§4.6). Any IRQL; one read. A device
/// that is gone has no link.
pub fn read(m: &impl Mmio) -> Link {
    let s = regs::STATUS.read(m);
    if s.bits() == ALL_ONES || !s.contains(Status::LU) {
        return Link::Down;
    }
    let speed = if s.contains(Status::SPEED_1000) {
        Speed::M1000
    } else if s.contains(Status::SPEED_100) {
        Speed::M100
    } else {
        Speed::M10
    };
    Link::Up {
        speed,
        full_duplex: s.contains(Status::FD),
    }
}

/// Whether the peer's flow control holds transmission (STATUS.TXOFF).
pub fn is_held(m: &impl Mmio) -> bool {
    let s = regs::STATUS.read(m);
    s.bits() != ALL_ONES && s.contains(Status::TXOFF)
}

/// What may be negotiated, or what is forced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkConfig {
    /// Everything the PHY can do.
    Auto,
    /// Negotiate, but only up to full-duplex 1000 Mb/s: the only legal way at that speed.
    Only1000,
    /// No negotiation.
    Forced {
        /// Speed; 1000 Mb/s cannot be forced on copper and is negotiated instead.
        speed: Speed,
        /// Full duplex.
        full_duplex: bool,
    },
}

impl LinkConfig {
    /// Speed and duplex come from negotiation.
    pub const fn negotiates(self) -> bool {
        !matches!(
            self,
            Self::Forced {
                speed: Speed::M10 | Speed::M100,
                ..
            }
        )
    }
}

/// Pause frames, per direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pause {
    /// Obey received pause frames.
    pub rx: bool,
    /// Send pause frames.
    pub tx: bool,
}

/// ANAR: 10 and 100 Mb/s, half and full duplex, and the IEEE 802.3 selector.
const ANAR_ALL: u16 = 0x01E1;
/// GBCR: 1000BASE-T full duplex.
const GBCR_FULL: u16 = 1 << 9;

/// Sets up MAC and PHY and starts negotiation, so that the link goes down and comes back with an LSC
/// interrupt, also where it was up before (§0.15). PASSIVE_LEVEL.
pub fn setup(
    m: &impl Mmio,
    delay: &impl Delay,
    config: LinkConfig,
    pause: Pause,
) -> Result<(), PhyError> {
    let forced = match config {
        LinkConfig::Forced { speed, full_duplex } if speed != Speed::M1000 => {
            Some((speed, full_duplex))
        }
        _ => None,
    };
    regs::CTRL.modify(m, |c| {
        let mut c = c
            - (Ctrl::FRCSPD
                | Ctrl::FRCDPX
                | Ctrl::SPEED_100
                | Ctrl::SPEED_1000
                | Ctrl::FD
                | Ctrl::RFCE
                | Ctrl::TFCE);
        c |= Ctrl::SLU;
        if let Some((speed, full)) = forced {
            c |= Ctrl::FRCSPD | Ctrl::FRCDPX;
            c.set(Ctrl::SPEED_100, speed == Speed::M100);
            c.set(Ctrl::FD, full);
        }
        c
    });

    let mut anar = ANAR_ALL;
    if matches!(
        config,
        LinkConfig::Only1000
            | LinkConfig::Forced {
                speed: Speed::M1000,
                ..
            }
    ) {
        anar = 1;
    }
    // IEEE 802.3 annex 28B: receive-only must advertise both bits, send-only the asymmetric one.
    if pause.rx {
        anar |= phy::PAUSE | phy::PAUSE_ASYM;
    }
    if pause.tx {
        anar ^= phy::PAUSE_ASYM;
    }
    let (gbcr, bmcr) = match forced {
        None => (GBCR_FULL, phy::BMCR_AUTONEG | phy::BMCR_RESTART),
        Some((speed, full)) => {
            let mut bmcr = 0;
            if speed == Speed::M100 {
                bmcr |= phy::BMCR_100;
            }
            if full {
                bmcr |= phy::BMCR_FULL;
            }
            (0, bmcr)
        }
    };
    phy::write(m, delay, phy::ANAR, anar)?;
    phy::write(m, delay, phy::GBCR, gbcr)?;
    phy::write(m, delay, phy::BMCR, bmcr)
}

/// What both sides agreed on (IEEE 802.3 annex 28B), from ANAR and LPA.
pub const fn resolve_pause(own: u16, partner: u16) -> Pause {
    const P: u16 = phy::PAUSE;
    const A: u16 = phy::PAUSE_ASYM;
    if own & P != 0 && partner & P != 0 {
        return Pause { rx: true, tx: true };
    }
    let both_asym = own & A != 0 && partner & A != 0;
    Pause {
        rx: both_asym && own & P != 0,
        tx: both_asym && partner & P != 0,
    }
}

/// Sets flow control from the negotiation's result; the MAC does not do it by itself on copper (§11). After
/// link up, PASSIVE_LEVEL. Half duplex has none. `wanted` is what the configuration allows, and what is done where
/// nothing is negotiated.
pub fn apply_flow_control(
    m: &impl Mmio,
    delay: &impl Delay,
    link: Link,
    wanted: Pause,
) -> Result<Pause, PhyError> {
    let mut pause = Pause::default();
    if let Link::Up {
        full_duplex: true, ..
    } = link
    {
        if phy::read(m, delay, phy::BMCR)? & phy::BMCR_AUTONEG == 0 {
            pause = wanted;
        } else if phy::read(m, delay, phy::BMSR)? & phy::BMSR_COMPLETE != 0 {
            let own = phy::read(m, delay, phy::ANAR)?;
            let partner = phy::read(m, delay, phy::LPA)?;
            pause = resolve_pause(own, partner);
            pause.rx &= wanted.rx;
            pause.tx &= wanted.tx;
        }
    }
    regs::CTRL.modify(m, |mut c| {
        c.set(Ctrl::RFCE, pause.rx);
        c.set(Ctrl::TFCE, pause.tx);
        c
    });
    Ok(pause)
}

/// Pause frame registers and thresholds: never above the receive FIFO (§11). Does not wait.
pub fn init_flow_control(m: &impl Mmio, pause: Pause, max_frame: u32) {
    regs::FCAL.write(m, 0x00C2_8001);
    regs::FCAH.write(m, 0x0100);
    regs::FCT.write(m, 0x8808);
    regs::FCTTV.write(m, 0x0680);
    let fifo = (regs::PBA.read(m) & 0xFFFF) << 10;
    let high = (fifo - fifo / 10).min(fifo.saturating_sub(max_frame)) & 0xFFF8;
    if pause.tx && high > 8 {
        regs::FCRTL.write(m, (high - 8) | 1 << 31);
        regs::FCRTH.write(m, high);
    } else {
        regs::FCRTL.write(m, 0);
        regs::FCRTH.write(m, 0);
    }
}
