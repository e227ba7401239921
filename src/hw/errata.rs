// SPDX-License-Identifier: MIT OR Apache-2.0
//! Silicon workarounds in one table: what, why, who says so, and the switch (82574L §14). Pure, but for
//! [`apply`]; any IRQL.

use super::bits::{Ctrl, CtrlExt};
use super::mmio::Mmio;
use super::regs;
use bitflags::bitflags;

bitflags! {
    /// The workarounds that are switched on.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Errata: u32 {
        /// See [`TABLE`].
        const ICR_READ = 1 << 0;
        /// See [`TABLE`].
        const PCIE_COMPLETION = 1 << 1;
        /// See [`TABLE`].
        const L1_WITHOUT_L0S = 1 << 2;
        /// See [`TABLE`].
        const TARC = 1 << 3;
        /// See [`TABLE`].
        const CONTROL_BITS = 1 << 4;
        /// See [`TABLE`].
        const FLASH_AUTOUPDATE = 1 << 5;
        /// See [`TABLE`].
        const LINK_POWER = 1 << 6;
    }
}

impl Default for Errata {
    /// Every workaround: each is harmless where it is not needed.
    fn default() -> Self {
        Self::all()
    }
}

/// One workaround.
#[derive(Clone, Copy, Debug)]
pub struct Erratum {
    /// Its switch.
    pub switch: Errata,
    /// What goes wrong without it.
    pub problem: &'static str,
    /// What is done.
    pub cure: &'static str,
    /// Where this is known from.
    pub source: &'static str,
}

/// All of them. Those without a switch, because they cannot be separated from ordinary set-up, are named where
/// they are done: RFCTL.ACK_DIS (`irq::setup`), WTHRESH 1 in both queues (`hw::queue`), all causes behind OTHER in
/// the mask (`irq::map`), receiver overrun as a data path event (`irq::vectors`), all ones is no cause (same), segmentation by the driver
/// (`net::feed`), a context with every frame while two queues send (`net::memory`).
pub const TABLE: &[Erratum] = &[
    Erratum {
        switch: Errata::ICR_READ,
        problem: "an ICR read while nothing is asserted can lose a later interrupt",
        cure: "shared line: mask, read, unmask; MSI-X: every cause behind OTHER in the mask",
        source: "82574 erratum 12; Linux commit 116f4a640b31; DragonFly em",
    },
    Erratum {
        switch: Errata::PCIE_COMPLETION,
        problem: "transmit hang and bad PCIe completions with ASPM",
        cure: "GCR bit 22 and GCR2 bit 0 set",
        source: "Linux e1000e; commit 78272bbab895",
    },
    Erratum {
        switch: Errata::L1_WITHOUT_L0S,
        problem: "L1 needs L0s unless told otherwise, and both are to be off",
        cure: "GCR bit 27 set",
        source: "Linux e1000e",
    },
    Erratum {
        switch: Errata::TARC,
        problem: "transmit arbitration defaults",
        cure: "TARC 30:27 clear, 26 set",
        source: "Linux e1000e",
    },
    Erratum {
        switch: Errata::CONTROL_BITS,
        problem: "reserved bits with wrong defaults",
        cure: "CTRL bit 29 clear; CTRL_EXT bit 22 set, bit 23 clear",
        source: "Linux e1000e",
    },
    Erratum {
        switch: Errata::FLASH_AUTOUPDATE,
        problem: "the chip writes its flash by itself",
        cure: "EECD.AUPDEN clear when the NVM is a flash",
        source: "Linux e1000e",
    },
    Erratum {
        switch: Errata::LINK_POWER,
        problem: "ASPM L0s and L1: transmit hangs, jumbo frames dropped",
        cure: "both off in Link Control of the PCI Express capability, after every start",
        source: "Linux e1000e",
    },
];

/// Writes the bits that belong into registers once after every reset. Does not wait.
pub fn apply(m: &impl Mmio, errata: Errata) {
    if errata.contains(Errata::CONTROL_BITS) {
        regs::CTRL.modify(m, |c| c - Ctrl::RESERVED_29);
        regs::CTRL_EXT.modify(m, |c| (c | CtrlExt::SET_22) - CtrlExt::CLEAR_23);
    }
    let mut gcr = 0;
    if errata.contains(Errata::PCIE_COMPLETION) {
        gcr |= 1 << 22;
        regs::GCR2.modify(m, |g| g | 1);
    }
    if errata.contains(Errata::L1_WITHOUT_L0S) {
        gcr |= 1 << 27;
    }
    if gcr != 0 {
        regs::GCR.modify(m, |g| g | gcr);
    }
}
