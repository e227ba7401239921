// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fake chip's DMA: transmit inside the tail write, receive while there are buffers (82574L §15.5).

use super::super::bits::{IntCause, Rctl, Tctl};
use super::dma::{dma_read, dma_write};
use super::{Mode, Region, State};
// The crate is no_std; under test it may not be, where this line is redundant.
#[allow(unused_extern_crates)]
extern crate std;
use std::sync::Mutex;
use std::vec::Vec;

type Regions = Mutex<Vec<Region>>;

impl State {
    fn base(&self, q: u32, low: u32) -> u64 {
        u64::from(self.get(low + 0x100 * q)) | u64::from(self.get(low + 4 + 0x100 * q)) << 32
    }

    fn load(&mut self, regions: &Regions, address: u64) -> [u64; 2] {
        let mut b = [0u8; 16];
        if dma_read(regions, address, &mut b).is_none() {
            self.faults.push(address);
        }
        let [lo, hi] = [0, 8].map(|at| {
            let mut w = [0u8; 8];
            w.copy_from_slice(&b[at..at + 8]);
            u64::from_le_bytes(w)
        });
        [lo, hi]
    }

    fn store(&mut self, regions: &Regions, address: u64, bytes: &[u8]) {
        if dma_write(regions, address, bytes).is_none() {
            self.faults.push(address);
        }
    }

    fn count(&mut self, single: u32, total: u32, octets: u32, bytes: usize) {
        *self.reg(single) += 1;
        *self.reg(total) += 1;
        *self.reg(octets) += bytes as u32;
    }

    pub(super) fn transmit(&mut self, queue: usize, regions: &Regions) {
        let q = queue as u32;
        let off = 0x100 * q;
        let mut causes = IntCause::TXQE;
        let ring = self.get(0x3808 + off) / 16;
        let tail = self.get(0x3818 + off);
        if Tctl::from_bits_retain(self.get(0x400)).contains(Tctl::EN) && tail < ring {
            let base = self.base(q, 0x3800);
            let mut head = self.get(0x3810 + off);
            while head != tail {
                let at = base + u64::from(head) * 16;
                let [address, second] = self.load(regions, at);
                let cmd = second as u32;
                assert!(cmd >> 29 & 1 == 1, "legacy descriptor");
                if cmd >> 20 & 0xF == 1 {
                    let mut piece = std::vec![0u8; (cmd & 0xF_FFFF) as usize];
                    if dma_read(regions, address, &mut piece).is_none() {
                        self.faults.push(address);
                    }
                    self.sending.extend_from_slice(&piece);
                    if cmd >> 24 & 1 == 1 {
                        let frame = core::mem::take(&mut self.sending);
                        self.count(0x4080, 0x40D4, 0x4090, frame.len());
                        self.sent.push(frame);
                    }
                }
                if cmd >> 27 & 1 == 1 {
                    let status = (second >> 32) as u32 | 1;
                    self.store(regions, at + 12, &status.to_le_bytes());
                    causes |= match (self.mode, q) {
                        (Mode::MsiX(_), 0) => IntCause::TXQ0,
                        (Mode::MsiX(_), _) => IntCause::TXQ1,
                        _ => IntCause::TXDW,
                    };
                }
                head = (head + 1) % ring;
            }
            *self.reg(0x3810 + off) = head;
        }
        self.cause(causes.bits());
    }

    fn buffer_bytes(&self, rctl: Rctl) -> usize {
        let size = match (rctl.bits() >> 16) & 3 {
            0 => 2048,
            1 => 1024,
            2 => 512,
            _ => 256,
        };
        if rctl.contains(Rctl::BSEX) {
            size * 16
        } else {
            size
        }
    }

    /// Delivers waiting frames to receive queue 0 while there are buffers.
    pub(super) fn pump(&mut self, regions: &Regions) {
        let rctl = Rctl::from_bits_retain(self.get(0x100));
        if !rctl.contains(Rctl::EN) || !self.link {
            return;
        }
        let size = self.buffer_bytes(rctl);
        let ring = self.get(0x2808) / 16;
        let base = self.base(0, 0x2800);
        let mut delivered = false;
        while let Some(frame) = self.waiting.front() {
            let (mut head, tail) = (self.get(0x2810), self.get(0x2818));
            if tail >= ring || head == tail {
                break;
            }
            let free = (tail + ring - head) % ring;
            // Without SECRC the frame check sequence takes a descriptor of its own (§0.7).
            let need = frame.len().div_ceil(size) + usize::from(!rctl.contains(Rctl::SECRC));
            if need as u32 > free {
                self.cause(IntCause::RXO.bits());
                break;
            }
            let Some(frame) = self.waiting.pop_front() else {
                break;
            };
            let mut pieces: Vec<&[u8]> = frame.chunks(size).collect();
            if !rctl.contains(Rctl::SECRC) {
                pieces.push(&[0; 4]);
            }
            let last = pieces.len() - 1;
            for (i, piece) in pieces.iter().enumerate() {
                let at = base + u64::from(head) * 16;
                let [address, _] = self.load(regions, at);
                self.store(regions, address, piece);
                let status: u32 = if i == last { 3 } else { 1 };
                let second = u64::from(status) | (piece.len() as u64) << 32;
                self.store(regions, at, &0u64.to_le_bytes());
                self.store(regions, at + 8, &second.to_le_bytes());
                head = (head + 1) % ring;
            }
            *self.reg(0x2810) = head;
            self.count(0x4074, 0x40D0, 0x4088, frame.len());
            delivered = true;
        }
        if delivered {
            self.cause(match self.mode {
                Mode::MsiX(_) => IntCause::RXQ0.bits(),
                _ => IntCause::RXT0.bits(),
            });
        }
    }
}
