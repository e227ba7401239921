// SPDX-License-Identifier: MIT OR Apache-2.0
//! The register set-up that belongs to a vector map (82574L §4.5, §17).
//!
//! | | MSI-X, always armed | MSI-X, auto-mask | MSI | line | line, shared |
//! |---|---|---|---|---|---|
//! | when | moderation on | moderation off, or NDIS poll | always | – | erratum 12 switch on |
//! | EIAC | queue causes in use | same | 0 | 0 | 0 |
//! | IAM | 0 | all | 0 | 0 (armed) / all (moderation off) | 0 |
//! | CTRL_EXT | EIAME IAME PBA_CLR | EIAME PBA_CLR | none | IAME when IAM is all | none |
//! | ISR | 0R 0W | 0R 0W | 0R 0W | 1R 0W | 1R 1W |
//! | DPC | 0R 0W | 0R 1W | 1R 0W | 0R 0W / 0R 1W | 0R 1W |
//!
//! *Why MSI reads ICR in the DPC:* the message is ours alone, so the ISR has nothing to decide; reading in
//! the DPC, before the rings are scanned, keeps DIRQL short. It is never masked while work goes on: the chip
//! sends the next message only after the causes were cleared, which is what the DPC's one read does.
//! *Why the line with moderation off uses IAME:* silicon masks on the read that the ISR makes anyway, so the
//! whole costs one read and one write; QEMU's model ignores it there, stays armed, and the write is harmless.

use super::VECTORS;
use super::map::{Grant, Kind, Messages, Roles, VectorMap};
use crate::hw::bits::{CtrlExt, IntCause};
use crate::hw::mmio::Mmio;
use crate::hw::regs;

/// Whether a vector is masked between its interrupt and the end of its DPC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arming {
    /// The mask stays open; the throttle timer bounds the rate.
    AlwaysArmed,
    /// The interrupt masks its vector; the DPC opens it with one IMS write.
    AutoMask,
}

/// Interval of a vector that has nothing but "other" causes, 256 ns units: 4 ms. RXO is among them and cannot be
/// masked apart: a flood that fills the ring raises the vector for each frame that has no buffer, with an ICR read
/// and what follows it each time, for an event that the RX vector's refill handles. A link change can wait so long.
pub const OTHER_INTERVAL: u16 = 15_625;

/// The interval of a vector when the queues' is `interval`.
pub fn interval_of(roles: Roles, interval: u16) -> u16 {
    if roles == Roles::OTHER {
        interval.max(OTHER_INTERVAL)
    } else {
        interval
    }
}

/// What the configuration decides.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Receive queues in use: 1 or 2.
    pub rx_queues: u8,
    /// Transmit queues in use: 1 or 2.
    pub tx_queues: u8,
    /// Throttle interval in 256 ns units; 0 switches moderation off.
    pub interval: u16,
    /// Read ICR with everything masked on a shared line (erratum 12, 82574L §14).
    pub masked_icr_read: bool,
    /// NDIS will poll the queues: the interrupt masks, and "notification on" opens.
    pub poll: bool,
}

/// Everything the chip and the handlers need to know about one grant. Pure until [`Setup::program`].
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Roles per vector.
    pub map: VectorMap,
    /// Masking policy.
    pub arming: Arming,
    /// The line ISR masks before it reads ICR (erratum 12).
    pub masked_icr_read: bool,
    /// IMS bits per vector; disjoint.
    pub ims: [IntCause; VECTORS],
    /// Causes cleared by their own message.
    pub eiac: IntCause,
    /// Causes masked automatically.
    pub iam: IntCause,
    /// Throttle interval, 256 ns units.
    pub interval: u16,
    rx_queues: u8,
    tx_queues: u8,
}

impl Setup {
    /// Decides the set-up for a grant.
    pub fn plan(grant: Grant, options: Options) -> Self {
        Self::over(VectorMap::from_grant(grant), grant, options)
    }

    /// The next rung: the set-up over the messages that are not `dead`; `None` when there is none left.
    pub fn plan_without(grant: Grant, dead: Messages, options: Options) -> Option<Self> {
        Some(Self::over(VectorMap::without(grant, dead)?, grant, options))
    }

    fn over(map: VectorMap, grant: Grant, options: Options) -> Self {
        let shared = matches!(grant, Grant::Line { shared: true });
        // Without moderation a shared line takes the same sequence: with IAME nobody could tell afterwards
        // whether the read masked (silicon) or not (model), and so whose the next interrupt is.
        let auto_mask = options.interval == 0 || options.poll;
        let masked_icr_read = shared && (options.masked_icr_read || auto_mask);
        let msix = map.kind() == Kind::MsiX;
        let arming = match map.kind() {
            Kind::Msi => Arming::AlwaysArmed,
            Kind::Line if masked_icr_read => Arming::AutoMask,
            _ if auto_mask => Arming::AutoMask,
            _ => Arming::AlwaysArmed,
        };

        let mut ims = [IntCause::empty(); VECTORS];
        for (vector, bits) in ims.iter_mut().enumerate() {
            let roles = map
                .roles(vector)
                .limited(options.rx_queues, options.tx_queues);
            *bits = if msix {
                roles.msix_causes()
            } else if roles.is_empty() {
                IntCause::empty()
            } else {
                // No RXSEQ (the model has no mask bit for it) and no TXQE (every doorbell sets it, §4.1).
                IntCause::TXDW | IntCause::LSC | IntCause::RXDMT0 | IntCause::RXO | IntCause::RXT0
            };
        }
        let enabled = ims.iter().fold(IntCause::empty(), |a, b| a | *b);
        let eiac = if msix {
            enabled & IntCause::QUEUES
        } else {
            IntCause::empty()
        };
        let auto = arming == Arming::AutoMask && !masked_icr_read;
        Self {
            map,
            arming,
            masked_icr_read,
            ims,
            eiac,
            iam: if auto {
                IntCause::from_bits_retain(u32::MAX)
            } else {
                IntCause::empty()
            },
            interval: options.interval,
            rx_queues: options.rx_queues,
            tx_queues: options.tx_queues,
        }
    }

    /// The roles of a vector, limited to the queues in use.
    pub fn roles(&self, vector: usize) -> Roles {
        self.map
            .roles(vector)
            .limited(self.rx_queues, self.tx_queues)
    }

    /// All mask bits of all vectors.
    pub fn enabled(&self) -> IntCause {
        self.ims.iter().fold(IntCause::empty(), |a, b| a | *b)
    }

    /// Writes everything but IMS. The mask must be closed; any IRQL, normally PASSIVE_LEVEL.
    pub fn program(&self, m: &impl Mmio) {
        let msix = self.map.kind() == Kind::MsiX;
        regs::IVAR.write(m, self.map.ivar().bits());
        regs::EIAC.write(m, self.eiac);
        regs::IAM.write(m, self.iam);
        self.program_interval(m, self.interval);
        regs::CTRL_EXT.modify(m, |c| {
            let mut c = c - (CtrlExt::EIAME | CtrlExt::IAME | CtrlExt::PBA_CLR);
            if msix {
                c |= CtrlExt::EIAME | CtrlExt::PBA_CLR;
                // Always armed: IAME keeps the model from masking on the message; on silicon the empty IAM
                // does (82574L §4.4, §4.5).
                c.set(CtrlExt::IAME, self.arming == Arming::AlwaysArmed);
            } else {
                c.set(CtrlExt::IAME, !self.iam.is_empty());
            }
            c
        });
        // In MSI-X mode TCP ACKs raise OTHER without need (§14).
        regs::RFCTL.modify(m, |r| {
            if msix {
                r | crate::hw::bits::Rfctl::ACK_DIS
            } else {
                r
            }
        });
    }

    /// Writes the throttle interval of every vector in use (256 ns units). Any IRQL.
    pub fn program_interval(&self, m: &impl Mmio, interval: u16) {
        if self.map.kind() == Kind::MsiX {
            for (vector, eitr) in regs::EITR.iter().enumerate() {
                let roles = self.map.roles(vector);
                if !roles.is_empty() {
                    eitr.write(m, u32::from(interval_of(roles, interval)));
                }
            }
        } else {
            regs::ITR.write(m, u32::from(interval));
        }
    }
}
