// SPDX-License-Identifier: MIT OR Apache-2.0
//! The register seam: who may touch BAR 0, and how.
//!
//! A register is a constant of type [`Reg<T, A>`]: `T` is the value (a `u32` or a set of bits), `A` the
//! access kind. Reading a write-only register, or reading ICR without saying that the read clears it,
//! does not compile:
//!
//! ```
//! use ndis_e1000e::hw::{mmio::Mmio, regs};
//! fn take(m: &impl Mmio) -> u32 { regs::ICR.read_and_clear(m).bits() }
//! fn mask(m: &impl Mmio) { regs::IMC.write(m, ndis_e1000e::hw::bits::IntCause::all()) }
//! ```
//! ```compile_fail,E0599
//! use ndis_e1000e::hw::{mmio::Mmio, regs};
//! fn peek(m: &impl Mmio) -> u32 { regs::ICR.read(m).bits() }
//! ```
//! ```compile_fail,E0599
//! use ndis_e1000e::hw::{mmio::Mmio, regs};
//! fn peek(m: &impl Mmio) -> u32 { regs::TDT.read(m) }
//! ```
//! ```compile_fail,E0599
//! use ndis_e1000e::hw::{mmio::Mmio, regs};
//! fn poke(m: &impl Mmio) { regs::STATUS.write(m, ndis_e1000e::hw::bits::Status::empty()) }
//! ```
//!
//! Any IRQL up to DIRQL. One access is one 32-bit bus access: narrower ones corrupt registers (82574L §2).

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};

/// Bytes of BAR 0: 128 KiB (82574L §2).
pub const BAR0_BYTES: u32 = 0x2_0000;

/// What a read returns when nothing answers on the bus.
pub const ALL_ONES: u32 = u32::MAX;

/// A byte offset into BAR 0 that is aligned and inside the BAR by construction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Offset(u32);

impl Offset {
    /// Makes an offset; meant for constants, where a bad one is a compile error.
    pub const fn new(bytes: u32) -> Self {
        assert!(
            bytes.is_multiple_of(4),
            "registers are 32 bits wide and aligned"
        );
        assert!(bytes < BAR0_BYTES, "outside BAR 0");
        Self(bytes)
    }

    /// The offset in bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }
}

/// 32-bit access to the registers of one 82574L.
///
/// The *gone* flag belongs to the seam, so that one place guarantees that a removed device is not touched
/// again by anybody: after [`mark_gone`](Mmio::mark_gone) reads return [`ALL_ONES`] and writes do nothing.
pub trait Mmio {
    /// Reads one register.
    fn read32(&self, at: Offset) -> u32;
    /// Writes one register (posted).
    fn write32(&self, at: Offset, value: u32);
    /// Whether the device has been found removed.
    fn is_gone(&self) -> bool;
    /// Records that the device has been removed; cannot be taken back.
    fn mark_gone(&self);
}

impl<M: Mmio + ?Sized> Mmio for &M {
    #[inline]
    fn read32(&self, at: Offset) -> u32 {
        (**self).read32(at)
    }
    #[inline]
    fn write32(&self, at: Offset, value: u32) {
        (**self).write32(at, value);
    }
    #[inline]
    fn is_gone(&self) -> bool {
        (**self).is_gone()
    }
    fn mark_gone(&self) {
        (**self).mark_gone();
    }
}

/// BAR 0 mapped into the address space: the one real [`Mmio`].
#[derive(Debug)]
pub struct MmioBar {
    base: NonNull<u32>,
    gone: AtomicBool,
}

// SAFETY: the registers are device memory reached by volatile 32-bit accesses only; the chip accepts them
// from any processor in any order, and `gone` is atomic.
unsafe impl Send for MmioBar {}
// SAFETY: as for Send; no access needs exclusive use of the mapping.
unsafe impl Sync for MmioBar {}

impl MmioBar {
    /// Takes a mapping of BAR 0. `None` if it is smaller than the chip's 128 KiB.
    ///
    /// # Safety
    /// `base..base + len` must be an uncached mapping of the chip's BAR 0, 4-byte aligned, that stays
    /// mapped for the life of the value.
    pub unsafe fn new(base: NonNull<u32>, len: usize) -> Option<Self> {
        (len >= BAR0_BYTES as usize).then_some(Self {
            base,
            gone: AtomicBool::new(false),
        })
    }

    #[inline]
    fn at(&self, at: Offset) -> NonNull<u32> {
        // SAFETY: `Offset` is below BAR0_BYTES and `new` checked that the mapping has that many bytes.
        unsafe { self.base.byte_add(at.bytes() as usize) }
    }
}

impl Mmio for MmioBar {
    #[inline]
    fn read32(&self, at: Offset) -> u32 {
        if self.is_gone() {
            return ALL_ONES;
        }
        // SAFETY: in bounds and aligned by `Offset`, mapped by the contract of `new`.
        unsafe { self.at(at).read_volatile() }
    }

    #[inline]
    fn write32(&self, at: Offset, value: u32) {
        if self.is_gone() {
            return;
        }
        // SAFETY: in bounds and aligned by `Offset`, mapped by the contract of `new`.
        unsafe { self.at(at).write_volatile(value) }
    }

    #[inline]
    fn is_gone(&self) -> bool {
        // Relaxed: the flag guards no other memory; seeing it one access late only reads all ones again.
        self.gone.load(Ordering::Relaxed)
    }

    fn mark_gone(&self) {
        // Relaxed: as above.
        self.gone.store(true, Ordering::Relaxed);
    }
}

/// What a register holds: a plain number or a set of bits.
pub trait RegValue: Copy {
    /// From the 32 bits on the bus; unknown bits are kept.
    fn from_raw(raw: u32) -> Self;
    /// To the 32 bits on the bus.
    fn into_raw(self) -> u32;
}

impl RegValue for u32 {
    #[inline]
    fn from_raw(raw: u32) -> Self {
        raw
    }
    #[inline]
    fn into_raw(self) -> u32 {
        self
    }
}

/// Access kind: read and write without side effect.
#[derive(Clone, Copy, Debug)]
pub struct Rw;
/// Access kind: read only.
#[derive(Clone, Copy, Debug)]
pub struct Ro;
/// Access kind: write only, because reading is useless, stale or not needed by this driver.
#[derive(Clone, Copy, Debug)]
pub struct Wo;
/// Access kind: a counter that the read sets to zero.
#[derive(Clone, Copy, Debug)]
pub struct ReadClear;
/// Access kind: read clears (under conditions, 82574L §4.3), and writing ones clears those bits.
#[derive(Clone, Copy, Debug)]
pub struct ReadClearW1c;

/// One register: where it is, what it holds (`T`), how it may be accessed (`A`).
#[derive(Clone, Copy, Debug)]
pub struct Reg<T, A> {
    at: Offset,
    kind: PhantomData<(T, A)>,
}

impl<T, A> Reg<T, A> {
    /// A register at a byte offset of BAR 0 (checked at compile time when used in a constant).
    pub const fn new(bytes: u32) -> Self {
        Self::at(Offset::new(bytes))
    }

    const fn at(at: Offset) -> Self {
        Self {
            at,
            kind: PhantomData,
        }
    }

    /// Where the register is.
    pub const fn offset(self) -> Offset
    where
        T: Copy,
        A: Copy,
    {
        self.at
    }
}

impl<T: RegValue> Reg<T, Rw> {
    /// Reads.
    #[inline]
    pub fn read(self, m: &impl Mmio) -> T {
        T::from_raw(m.read32(self.at))
    }
    /// Writes.
    #[inline]
    pub fn write(self, m: &impl Mmio, value: T) {
        m.write32(self.at, value.into_raw());
    }
    /// Reads, changes, writes back; not atomic against other writers.
    #[inline]
    pub fn modify(self, m: &impl Mmio, change: impl FnOnce(T) -> T) {
        self.write(m, change(self.read(m)));
    }
}

impl<T: RegValue> Reg<T, Ro> {
    /// Reads.
    #[inline]
    pub fn read(self, m: &impl Mmio) -> T {
        T::from_raw(m.read32(self.at))
    }
}

impl<T: RegValue> Reg<T, Wo> {
    /// Writes.
    #[inline]
    pub fn write(self, m: &impl Mmio, value: T) {
        m.write32(self.at, value.into_raw());
    }
}

impl<T: RegValue> Reg<T, ReadClear> {
    /// Reads and thereby sets the counter to zero.
    #[inline]
    pub fn read_and_clear(self, m: &impl Mmio) -> T {
        T::from_raw(m.read32(self.at))
    }
}

impl<T: RegValue> Reg<T, ReadClearW1c> {
    /// Reads; what is cleared by that depends on mode and mask (82574L §4.3).
    #[inline]
    pub fn read_and_clear(self, m: &impl Mmio) -> T {
        T::from_raw(m.read32(self.at))
    }
    /// Clears the bits that are 1 in `bits`.
    #[inline]
    pub fn write_one_to_clear(self, m: &impl Mmio, bits: T) {
        m.write32(self.at, bits.into_raw());
    }
}

/// `N` registers of one kind, `STRIDE` bytes apart.
#[derive(Clone, Copy, Debug)]
pub struct RegArray<T, A, const N: usize, const STRIDE: u32> {
    first: Offset,
    kind: PhantomData<(T, A)>,
}

impl<T: Copy, A: Copy, const N: usize, const STRIDE: u32> RegArray<T, A, N, STRIDE> {
    /// How many registers there are.
    pub const LEN: usize = N;

    /// An array that starts at a byte offset of BAR 0.
    pub const fn new(first: u32) -> Self {
        assert!(N > 0 && STRIDE.is_multiple_of(4));
        // The last one must be inside too; then every one is.
        let _ = Offset::new(first + (N as u32 - 1) * STRIDE);
        Self {
            first: Offset::new(first),
            kind: PhantomData,
        }
    }

    /// The register at `index`, if there is one.
    #[inline]
    pub const fn get(self, index: usize) -> Option<Reg<T, A>> {
        if index < N {
            // In bounds: `new` checked the last one.
            Some(Reg::at(Offset(self.first.0 + index as u32 * STRIDE)))
        } else {
            None
        }
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Reg<T, A>> {
        (0..N).filter_map(move |i| self.get(i))
    }
}
