// SPDX-License-Identifier: MIT OR Apache-2.0
//! One vector: its word, its configuration, its mask in the chip. Any IRQL up to DIRQL; no locks.

use super::map::{Kind, Roles};
use super::record::Record;
use super::setup::{Arming, Setup};
use super::sync::{AtomicU32, Ordering};
use super::word::{FORBID, POLLING, VectorWord};
use crate::hw::bits::IntCause;
use crate::hw::mmio::Mmio;
use crate::hw::regs;

/// Bits 0..5 of a vector's configuration are its roles.
pub(super) const CFG_ROLES: u32 = 0x1F;
/// MSI-X: ICR holds queue causes of other vectors, which a read must put back.
pub(super) const CFG_MSIX: u32 = 1 << 8;
/// The interrupt masks the vector; the owner opens it.
pub(super) const CFG_AUTO_MASK: u32 = 1 << 9;
/// The DPC reads ICR.
pub(super) const CFG_READ_ICR: u32 = 1 << 10;
/// The DPC writes ICR back after the read.
pub(super) const CFG_WRITE_BACK: u32 = 1 << 11;
/// The line ISR masks before it reads ICR.
pub(super) const CFG_MASKED_READ: u32 = 1 << 12;
/// NDIS polls the queues: interrupts ask for a poll and not for a DPC. Set by `hand_to_poll`, kept by `start`.
pub(super) const CFG_POLL: u32 = 1 << 13;

/// One vector. On its own cache lines: no ISR touches a line that another vector writes. All that the ISR writes is on the
/// first.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Vector {
    pub(super) word: VectorWord,
    /// Written by `start` while the word says OFFLINE.
    cfg: AtomicU32,
    /// This vector's bits in IMS; disjoint from every other vector's.
    ims: AtomicU32,
    pub(super) record: Record,
}

impl Vector {
    pub(super) fn new() -> Self {
        Self {
            word: VectorWord::new(),
            cfg: AtomicU32::new(0),
            ims: AtomicU32::new(0),
            record: Record::new(),
        }
    }

    #[inline]
    pub(super) fn cfg(&self) -> u32 {
        // Relaxed: written before the Release that takes OFFLINE away; readers act on it only after an
        // Acquire of the word that showed the vector online.
        self.cfg.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn ims(&self) -> IntCause {
        // Relaxed: as for `cfg`.
        IntCause::from_bits_retain(self.ims.load(Ordering::Relaxed))
    }

    /// Makes IMS what the flags say. Called by whoever changed that, in either direction.
    ///
    /// Each further round means that another processor changed the flags in between, so somebody makes
    /// progress in every round.
    pub(super) fn reconcile(&self, m: &impl Mmio) {
        let mut flags = self.word.load();
        loop {
            let permitted = flags & FORBID == 0;
            if permitted {
                regs::IMS.write(m, self.ims());
            } else {
                regs::IMC.write(m, self.ims());
            }
            // An RMW and not a load: it may not run ahead of the register write above, which a plain load
            // could while the write waits in the store buffer.
            flags = self.word.set(0);
            if (flags & FORBID == 0) == permitted {
                return;
            }
        }
    }

    /// Raises the vector with ICS: the cause of one of its roles.
    pub(super) fn raise(&self, m: &impl Mmio) {
        let ims = self.ims();
        let queue = ims & (IntCause::QUEUES | IntCause::RXT0);
        regs::ICS.write(
            m,
            if queue.is_empty() {
                ims & (IntCause::OTHER | IntCause::LSC)
            } else {
                queue
            },
        );
    }

    /// Asks for a poll, in the name of NDIS, which polls from here on until it says "notification on". `false`: it
    /// has been asked already.
    #[inline]
    pub(super) fn ask(&self) -> bool {
        // One RMW decides between several askers.
        self.word.set(POLLING) & POLLING == 0
    }

    /// The vector's queues are NDIS' to poll from here on.
    pub(super) fn set_polled(&self) {
        // Release: whoever sees it also sees the poll object that was registered before.
        self.cfg.fetch_or(CFG_POLL, Ordering::Release);
    }

    /// Takes the vector's part of a set-up; `start` only, while the word says OFFLINE. Whether it has a role.
    pub(super) fn configure(&self, setup: &Setup, index: usize) -> bool {
        let roles = configuration(setup, index);
        let poll = if roles == 0 { 0 } else { self.cfg() & CFG_POLL };
        let cfg = roles | poll;
        let ims = setup.ims.get(index).map_or(0, |c| c.bits());
        // Relaxed: published by the Release that takes OFFLINE away.
        self.ims.store(ims, Ordering::Relaxed);
        self.cfg.store(cfg, Ordering::Relaxed);
        cfg & CFG_ROLES != 0
    }
}

/// The configuration bits of a vector.
fn configuration(setup: &Setup, vector: usize) -> u32 {
    let roles = setup.roles(vector);
    if roles.is_empty() {
        return 0;
    }
    let mut cfg = u32::from(roles.bits());
    let auto = setup.arming == Arming::AutoMask;
    if auto {
        cfg |= CFG_AUTO_MASK;
    }
    match setup.map.kind() {
        Kind::Line => {
            if setup.masked_icr_read {
                cfg |= CFG_MASKED_READ;
            }
        }
        Kind::Msi => cfg |= CFG_READ_ICR,
        Kind::MsiX => {
            cfg |= CFG_MSIX;
            if roles.contains(Roles::OTHER) {
                cfg |= CFG_READ_ICR;
                // Always armed runs with IAME, where every variant clears on the read.
                if auto {
                    cfg |= CFG_WRITE_BACK;
                }
            }
        }
    }
    cfg
}
