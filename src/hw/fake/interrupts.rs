// SPDX-License-Identifier: MIT OR Apache-2.0
//! ICR, IMS, EIAC, IAM and IVAR of the fake chip (82574L §4).

use super::super::bits::{CtrlExt, IntCause};
use super::{Mode, State, Variant};

/// The mask bits that QEMU accepts (§3.2).
const QEMU_IMS: u32 = 0x01F7_82D7;
const ASSERTED: u32 = 1 << 31;

impl State {
    fn ctrl_ext(&self) -> CtrlExt {
        CtrlExt::from_bits_retain(self.get(0x18))
    }

    fn msix(&self) -> bool {
        matches!(self.mode, Mode::MsiX(_))
    }

    /// Puts a message on the bus; table entries beyond the grant lead to message 0.
    pub(super) fn send(&mut self, vector: u32) {
        let message = match self.mode {
            Mode::MsiX(n) if vector < u32::from(n) => vector,
            _ => 0,
        };
        self.messages.push_back(message);
    }

    /// Sets causes and lets the edge through.
    pub(super) fn cause(&mut self, bits: u32) {
        let before = self.icr & self.ims;
        self.icr |= bits & !ASSERTED;
        if self.msix() && self.icr & IntCause::BEHIND_OTHER.bits() != 0 {
            self.icr |= IntCause::OTHER.bits();
        }
        self.edge(before);
    }

    pub(super) fn change_ims(&mut self, change: impl FnOnce(u32) -> u32) {
        let before = self.icr & self.ims;
        let mut new = change(self.ims) & !ASSERTED;
        if self.variant != Variant::Silicon {
            new &= QEMU_IMS;
        }
        self.ims = new;
        self.edge(before);
    }

    /// Messages for causes that are new in ICR & IMS (§4.2).
    fn edge(&mut self, before: u32) {
        let new = self.icr & self.ims & !before;
        if new == 0 {
            return;
        }
        match self.mode {
            Mode::Line => {}
            Mode::Msi => self.send(0),
            Mode::MsiX(_) => self.msix_edge(new),
        }
    }

    fn msix_edge(&mut self, new: u32) {
        let ivar = self.get(0xE4);
        let (eiac, iam, ext) = (self.get(0xDC), self.get(0xE0), self.ctrl_ext());
        let mut vectors = [false; 8];
        for (bit, shift) in [(20, 0), (21, 4), (22, 8), (23, 12), (24, 16)] {
            let cause = 1u32 << bit;
            if new & cause == 0 {
                continue;
            }
            let field = ivar >> shift & 0xF;
            if field & 8 != 0 {
                vectors[(field & 7) as usize] = true;
            }
            if eiac & cause != 0 {
                self.icr &= !cause;
            }
            match self.variant {
                Variant::Silicon => {
                    if ext.contains(CtrlExt::EIAME) && iam & cause != 0 {
                        self.ims &= !cause;
                    }
                }
                Variant::Qemu72 | Variant::Qemu10 => {
                    if eiac & cause != 0 && !ext.contains(CtrlExt::IAME) {
                        self.ims &= !cause;
                    }
                }
            }
        }
        for (v, _) in vectors.iter().enumerate().filter(|(_, hit)| **hit) {
            self.send(v as u32);
        }
    }

    /// ICR read, by the table of §4.3.
    pub(super) fn read_icr(&mut self) -> u32 {
        let enabled = self.icr & self.ims != 0;
        let asserted = match self.variant {
            Variant::Silicon => enabled,
            Variant::Qemu72 | Variant::Qemu10 => self.icr != 0,
        };
        let value = self.icr | if asserted { ASSERTED } else { 0 };
        let iame = self.ctrl_ext().contains(CtrlExt::IAME);
        let iam = self.get(0xE0);
        if self.ims == 0 {
            self.icr = 0;
            return value;
        }
        let (clear, mask) = match (self.variant, self.msix()) {
            (Variant::Silicon, _) => (asserted, asserted && iame),
            (_, false) => (true, false),
            (_, true) if iame => (asserted, asserted),
            (Variant::Qemu72, true) => (false, false),
            (Variant::Qemu10, true) => (enabled, false),
        };
        if clear {
            self.icr = 0;
        }
        if mask {
            self.ims &= !iam;
        }
        value
    }

    pub(super) fn write_icr(&mut self, v: u32) {
        let mut bits = v;
        if self.variant != Variant::Silicon && v & IntCause::OTHER.bits() != 0 {
            bits |= IntCause::BEHIND_OTHER.bits();
        }
        self.icr &= !bits;
        if self.ctrl_ext().contains(CtrlExt::IAME) {
            self.ims &= !self.get(0xE0);
        }
    }
}
