// SPDX-License-Identifier: MIT OR Apache-2.0
//! A software 82574L for host tests: interrupt rules of silicon and of two QEMU versions, rings, NVM, PHY, reset,
//! removal. Built from 82574L §4.3 and §15; it shares no code with the driver but register offsets and bits.
//!
//! Time does not pass by itself: autonegotiation ends and throttle duplicates come when the test says so.

// A test double: it may fail loudly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod dma;
mod interrupts;
mod rings;

pub use dma::{Alias, FakeDma, Region};

use super::bits::{Ctrl, CtrlExt, IntCause, Mdic, Rctl, Status};
use super::mmio::{ALL_ONES, BAR0_BYTES, Mmio, Offset};
use super::regs;
use super::reset::Delay;
// The crate is no_std; under test it may not be, where this line is redundant.
#[allow(unused_extern_crates)]
extern crate std;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

/// Whose rules the chip follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variant {
    /// The real card, as far as §4.3 tells.
    Silicon,
    /// QEMU 7.2.
    Qemu72,
    /// QEMU 10.
    Qemu10,
}

/// All of them, for tests that run on each.
pub const VARIANTS: [Variant; 3] = [Variant::Silicon, Variant::Qemu72, Variant::Qemu10];

/// How the "operating system" has configured interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// INTx.
    Line,
    /// One message.
    Msi,
    /// MSI-X with so many messages; further table entries go to message 0 (contract X-112).
    MsiX(u8),
}

/// One register access as the bus saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// A read of this offset.
    Read(u32),
    /// A write to this offset.
    Write(u32, u32),
}

/// The station address in the fake NVM.
pub const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

struct State {
    variant: Variant,
    mode: Mode,
    regs: Vec<u32>,
    icr: u32,
    ims: u32,
    /// Messages sent and not yet taken, in order.
    messages: VecDeque<u32>,
    link: bool,
    negotiating: bool,
    nvm: [u16; 64],
    phy: [u16; 32],
    sent: Vec<Vec<u8>>,
    sending: Vec<u8>,
    waiting: VecDeque<Vec<u8>>,
    faults: Vec<u64>,
    log: Vec<Access>,
}

/// The chip.
pub struct FakeChip {
    state: Mutex<State>,
    regions: Arc<Mutex<Vec<Region>>>,
    /// Reads until it is removed, if anybody counts them.
    reads_left: AtomicU32,
    /// Nothing answers any more.
    removed: AtomicBool,
    /// The driver has noticed.
    gone: AtomicBool,
}

const fn index(offset: u32) -> usize {
    (offset / 4) as usize
}

impl FakeChip {
    /// A chip after power-on.
    pub fn new(variant: Variant, mode: Mode) -> Self {
        let mut nvm = [0u16; 64];
        for (word, bytes) in nvm.iter_mut().zip(MAC.chunks(2)) {
            *word = u16::from_le_bytes([bytes[0], bytes[1]]);
        }
        nvm[0x0B] = 0x10D3;
        nvm[0x0D] = 0x10D3;
        let sum = nvm.iter().fold(0u16, |a, b| a.wrapping_add(*b));
        nvm[0x3F] = 0xBABAu16.wrapping_sub(sum);
        let mut state = State {
            variant,
            mode,
            regs: std::vec![0; index(BAR0_BYTES)],
            icr: 0,
            ims: 0,
            messages: VecDeque::new(),
            link: true,
            negotiating: false,
            nvm,
            phy: [0; 32],
            sent: Vec::new(),
            sending: Vec::new(),
            waiting: VecDeque::new(),
            faults: Vec::new(),
            log: Vec::new(),
        };
        state.defaults();
        state.regs[index(regs::PBA.offset().bytes())] = 0x0014_0014;
        Self {
            state: Mutex::new(state),
            regions: Arc::default(),
            reads_left: AtomicU32::new(u32::MAX),
            removed: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory that the chip can reach.
    pub fn allocate(&self, bytes: usize) -> FakeDma {
        FakeDma::new(&self.regions, bytes)
    }

    /// Pulls the card after so many more reads.
    pub fn vanish_after(&self, reads: u32) {
        self.reads_left.store(reads, Ordering::SeqCst);
    }

    /// Pulls the card.
    pub fn remove(&self) {
        self.removed.store(true, Ordering::SeqCst);
    }

    /// The accesses since the last call.
    pub fn take_log(&self) -> Vec<Access> {
        core::mem::take(&mut self.lock().log)
    }

    /// Reads and writes since the last call, ring tails apart.
    pub fn take_counts(&self) -> (usize, usize) {
        let tails = [0x2818, 0x2918, 0x3818, 0x3918];
        self.take_log().iter().fold((0, 0), |(r, w), a| match a {
            Access::Read(_) => (r + 1, w),
            Access::Write(o, _) if tails.contains(o) => (r, w),
            Access::Write(..) => (r, w + 1),
        })
    }

    /// What a register holds, without any side effect.
    pub fn peek(&self, offset: u32) -> u32 {
        self.lock().regs[index(offset)]
    }

    /// ICR and IMS, without any side effect.
    pub fn icr_ims(&self) -> (IntCause, IntCause) {
        let s = self.lock();
        (
            IntCause::from_bits_retain(s.icr),
            IntCause::from_bits_retain(s.ims),
        )
    }

    /// Sets a cause, as an event inside the chip does.
    pub fn event(&self, cause: IntCause) {
        self.lock().cause(cause.bits());
    }

    /// A second message for one cause, as at the end of a throttle interval (§0.4).
    pub fn duplicate(&self, vector: u32) {
        self.lock().send(vector);
    }

    /// The next message on the bus.
    pub fn take_message(&self) -> Option<u32> {
        self.lock().messages.pop_front()
    }

    /// Whether the chip drives its line.
    pub fn line(&self) -> bool {
        let s = self.lock();
        s.mode == Mode::Line && s.icr & s.ims != 0
    }

    /// Frames sent since the last call.
    pub fn take_sent(&self) -> Vec<Vec<u8>> {
        core::mem::take(&mut self.lock().sent)
    }

    /// A frame from the wire; waits while there is no buffer, as QEMU's back end does (§15.6).
    pub fn receive(&self, frame: &[u8]) {
        let mut s = self.lock();
        s.waiting.push_back(frame.to_vec());
        s.pump(&self.regions);
    }

    /// Frames that found no buffer yet.
    pub fn backlog(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Device addresses that were touched without being mapped.
    pub fn faults(&self) -> Vec<u64> {
        self.lock().faults.clone()
    }

    /// Ends autonegotiation: link up, LSC.
    pub fn finish_negotiation(&self) {
        let mut s = self.lock();
        if core::mem::take(&mut s.negotiating) {
            s.link = true;
            s.phy[1] = 0x796D;
            s.phy[5] = 0x47E0;
            s.regs[index(0)] |= (Ctrl::RFCE | Ctrl::TFCE).bits();
            s.cause(IntCause::LSC.bits());
            s.pump(&self.regions);
        }
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        let mut s = self.lock();
        s.link = false;
        s.cause(IntCause::LSC.bits());
    }
}

impl State {
    fn reg(&mut self, offset: u32) -> &mut u32 {
        &mut self.regs[index(offset)]
    }

    fn get(&self, offset: u32) -> u32 {
        self.regs[index(offset)]
    }

    /// Power-on values of what is modelled.
    fn defaults(&mut self) {
        *self.reg(0x0000) = 0x0014_0241;
        *self.reg(0x0010) = 0x0000_0300;
        *self.reg(0x0038) = 0x8100;
        *self.reg(0x5000) = 0x300;
        *self.reg(0x3840) = 0x403;
        *self.reg(0x3940) = 0x403;
        self.station_address();
        self.link = true;
        self.negotiating = false;
        self.phy = [0; 32];
        self.phy[0] = 0x1140;
        self.phy[1] = 0x794D;
        self.phy[2] = 0x0141;
        self.phy[3] = 0x0CB1;
        self.phy[4] = 0x0DE1;
        self.phy[5] = 0x07E0;
        self.phy[9] = 0x0F00;
        self.phy[10] = 0x3C00;
    }

    fn station_address(&mut self) {
        let [a, b, c, d, e, f] = MAC;
        *self.reg(0x5400) = u32::from_le_bytes([a, b, c, d]);
        *self.reg(0x5404) = u32::from(u16::from_le_bytes([e, f])) | 1 << 31;
    }

    fn reset(&mut self) {
        if self.variant == Variant::Qemu72 {
            self.station_address();
            return;
        }
        let pba = self.get(0x1000);
        self.regs.fill(0);
        self.icr = 0;
        self.ims = 0;
        self.defaults();
        *self.reg(0x1000) = pba;
        // QEMU 10 leaves 0 here (§7 step 10).
        *self.reg(0x0038) = 0;
    }

    fn status(&self) -> u32 {
        let ctrl = Ctrl::from_bits_retain(self.get(0));
        let mut s = Status::empty();
        s.set(Status::LU, self.link);
        s.set(
            Status::FD,
            !ctrl.contains(Ctrl::FRCDPX) || ctrl.contains(Ctrl::FD),
        );
        if ctrl.contains(Ctrl::FRCSPD) {
            s.set(Status::SPEED_100, ctrl.contains(Ctrl::SPEED_100));
            s.set(Status::SPEED_1000, ctrl.contains(Ctrl::SPEED_1000));
        } else {
            s |= Status::SPEED_1000;
        }
        s.set(
            Status::GIO_MASTER_ENABLE,
            !ctrl.contains(Ctrl::GIO_MASTER_DISABLE),
        );
        s.bits()
    }

    fn mdic(&mut self, v: u32) -> u32 {
        let m = Mdic::from_bits_retain(v);
        if v >> 21 & 0x1F != 1 {
            return (m | Mdic::READY | Mdic::ERROR).bits();
        }
        let reg = (v >> 16 & 0x1F) as usize;
        if m.contains(Mdic::OP_READ) {
            return v & !0xFFFF | u32::from(self.phy[reg]) | Mdic::READY.bits();
        }
        let data = v as u16;
        self.phy[reg] = data & if reg == 0 { !(1 << 9) } else { u16::MAX };
        if reg == 0 && data & (1 << 9 | 1 << 12) == (1 << 9 | 1 << 12) {
            self.link = false;
            self.negotiating = true;
        }
        v | Mdic::READY.bits()
    }

    fn read(&mut self, at: u32) -> u32 {
        match at {
            0x0008 => self.status(),
            0x00C0 => self.read_icr(),
            0x00D0 => self.ims,
            0x5B50 => {
                let v = self.get(at);
                *self.reg(at) |= 1;
                v
            }
            // The low words of byte counters do not clear, the high ones clear both (§3.6).
            0x4088 | 0x4090 | 0x40C0 | 0x40C8 => self.get(at),
            0x408C | 0x4094 | 0x40C4 | 0x40CC => {
                *self.reg(at - 4) = 0;
                core::mem::take(self.reg(at))
            }
            0x4000..=0x4124 => core::mem::take(self.reg(at)),
            _ => self.get(at),
        }
    }

    fn write(&mut self, at: u32, v: u32, regions: &Mutex<Vec<Region>>) {
        match at {
            0x0000 => {
                let c = Ctrl::from_bits_retain(v);
                if c.contains(Ctrl::RST) {
                    // 7.2 keeps the register as written, the bit apart.
                    *self.reg(0) = (c - Ctrl::RST).bits();
                    self.reset();
                } else {
                    *self.reg(0) = v;
                }
            }
            0x0008 => {}
            0x0014 => {
                let address = (v >> 2 & 0x3FFF) as usize;
                *self.reg(at) = match self.nvm.get(address) {
                    Some(word) if v & 1 != 0 => u32::from(*word) << 16 | (address as u32) << 2 | 2,
                    _ => v & !2,
                };
            }
            0x0018 => *self.reg(at) = v & !CtrlExt::EE_RST.bits(),
            0x0020 => {
                let answer = self.mdic(v);
                *self.reg(at) = answer;
            }
            0x00C0 => self.write_icr(v),
            0x00C8 => self.cause(v),
            0x00D0 => self.change_ims(|ims| ims | v),
            0x00D8 => self.change_ims(|ims| ims & !v),
            0x0100 => {
                *self.reg(at) = v;
                if Rctl::from_bits_retain(v).contains(Rctl::EN) {
                    self.pump(regions);
                }
            }
            0x2818 | 0x2918 => {
                *self.reg(at) = v & 0xFFFF;
                self.pump(regions);
            }
            0x3818 | 0x3918 => {
                *self.reg(at) = v & 0xFFFF;
                self.transmit(((at >> 8) & 1) as usize, regions);
            }
            _ => *self.reg(at) = v,
        }
    }
}

impl Mmio for FakeChip {
    fn read32(&self, at: Offset) -> u32 {
        if self.is_gone() {
            return ALL_ONES;
        }
        let mut s = self.lock();
        s.log.push(Access::Read(at.bytes()));
        let left = self.reads_left.load(Ordering::SeqCst);
        if left == 0 {
            self.removed.store(true, Ordering::SeqCst);
        } else if left != u32::MAX {
            self.reads_left.store(left - 1, Ordering::SeqCst);
        }
        if self.removed.load(Ordering::SeqCst) {
            return ALL_ONES;
        }
        s.read(at.bytes())
    }

    fn write32(&self, at: Offset, value: u32) {
        if self.is_gone() {
            return;
        }
        let mut s = self.lock();
        s.log.push(Access::Write(at.bytes(), value));
        if !self.removed.load(Ordering::SeqCst) {
            s.write(at.bytes(), value, &self.regions);
        }
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    fn mark_gone(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }
}

/// Time that only counts.
#[derive(Default, Debug)]
pub struct FakeDelay(AtomicU64);

impl FakeDelay {
    /// Microseconds asked for so far.
    pub fn waited_us(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Delay for FakeDelay {
    fn stall_us(&self, us: u32) {
        assert!(us <= 50, "busy wait of {us} us");
        self.0.fetch_add(u64::from(us), Ordering::SeqCst);
    }

    fn sleep_ms(&self, ms: u32) {
        self.0.fetch_add(u64::from(ms) * 1000, Ordering::SeqCst);
    }
}
