// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that the chip and the processor both see. The only unsafe code of the rings. Any IRQL.
//!
//! A descriptor is two 64-bit words, accessed as atomics: the device is a second party that writes at any
//! time, and each word is read exactly once into a local copy.

use crate::hw::desc::DESCRIPTOR_BYTES;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

/// Smallest ring, descriptors: RDLEN and TDLEN count in units of 128 bytes (82574L §3.3).
pub const MIN_DESCRIPTORS: u32 = 8;
/// Largest ring, descriptors.
pub const MAX_DESCRIPTORS: u32 = 4096;
/// Alignment of a ring's device address: hardware wants 16, 128 keeps descriptors off shared cache lines.
pub const RING_ALIGN: u64 = 128;

/// A block of memory shared with the device, cache-coherent, owned by the value.
///
/// # Safety
/// For the life of the value `as_ptr()..+len()` must stay mapped, readable and writable, and be accessed by
/// nobody but the device and the one who holds the value; `device_address()` must be where the device sees
/// its first byte, contiguous for `len()` bytes. All three must always answer the same.
pub unsafe trait DmaMem {
    /// Where the processor sees it; 16-byte aligned.
    fn as_ptr(&self) -> NonNull<u8>;
    /// Where the device sees it.
    fn device_address(&self) -> u64;
    /// Bytes.
    fn len(&self) -> usize;
    /// Whether there is nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Writes a descriptor. Relaxed: the device looks only after the tail write, and the doorbell's Release fence stands before
/// that.
#[inline]
pub fn store([first, second]: &[AtomicU64; 2], words: [u64; 2]) {
    first.store(words[0], Ordering::Relaxed);
    second.store(words[1], Ordering::Relaxed);
}

/// Why memory cannot be a ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RingError {
    /// The number of descriptors is no multiple of 8 between 8 and 4096.
    Count,
    /// The memory is smaller than the descriptors.
    TooSmall,
    /// The device address or the pointer is not aligned.
    Misaligned,
    /// There are fewer slots than descriptors, or their number is no power of two where one is asked for.
    Slots,
    /// No such queue.
    Queue,
    /// The receive buffer size is none of the chip's.
    BufferSize,
}

/// A checked descriptor ring in shared memory.
#[derive(Debug)]
pub struct DescriptorMemory<M> {
    mem: M,
    base: NonNull<[AtomicU64; 2]>,
    count: u32,
}

// SAFETY: `base` points into `mem`, which the value owns; it may go wherever `mem` may.
unsafe impl<M: DmaMem + Send> Send for DescriptorMemory<M> {}

impl<M: DmaMem> DescriptorMemory<M> {
    /// Checks that `mem` can hold `count` descriptors, and zeroes them.
    pub fn new(mem: M, count: u32) -> Result<Self, RingError> {
        if !(MIN_DESCRIPTORS..=MAX_DESCRIPTORS).contains(&count)
            || !count.is_multiple_of(MIN_DESCRIPTORS)
        {
            return Err(RingError::Count);
        }
        if mem.len() < count as usize * DESCRIPTOR_BYTES {
            return Err(RingError::TooSmall);
        }
        let base = mem.as_ptr().cast::<[AtomicU64; 2]>();
        if mem.device_address() & (RING_ALIGN - 1) != 0 || base.addr().get() & 15 != 0 {
            return Err(RingError::Misaligned);
        }
        let ring = Self { mem, base, count };
        ring.clear();
        Ok(ring)
    }

    /// Zeroes every descriptor. The device must not be using the ring.
    pub fn clear(&self) {
        for i in 0..self.count() {
            self.store_at(i, [0, 0]);
        }
    }

    /// Descriptors.
    #[inline]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Index of the last descriptor.
    #[inline]
    pub fn last(&self) -> u32 {
        // There are 8 at least.
        self.count.wrapping_sub(1)
    }

    /// The index after `index`: a ring need not be a power of two, and nothing is divided.
    #[inline]
    pub fn after(&self, index: u32) -> u32 {
        let next = index.wrapping_add(1);
        if next >= self.count { 0 } else { next }
    }

    /// The index before `index`.
    #[inline]
    pub fn before(&self, index: u32) -> u32 {
        if index == 0 {
            self.last()
        } else {
            index.wrapping_sub(1)
        }
    }

    /// Device address of the first descriptor.
    pub fn device_address(&self) -> u64 {
        self.mem.device_address()
    }

    /// Bytes for RDLEN or TDLEN.
    pub fn bytes(&self) -> u32 {
        self.count() * DESCRIPTOR_BYTES as u32
    }

    /// A descriptor; an index beyond the ring means the first.
    #[inline]
    fn exactly(&self, index: u32) -> &[AtomicU64; 2] {
        let at = if index < self.count { index } else { 0 };
        // SAFETY: below the count, or 0; there are 8 at least.
        unsafe { self.descriptor(at) }
    }

    /// # Safety
    /// `at` is below the count.
    #[inline]
    unsafe fn descriptor(&self, at: u32) -> &[AtomicU64; 2] {
        // SAFETY: the caller's promise, and `new` checked that so many descriptors fit.
        let p = unsafe { self.base.add(at as usize) };
        // SAFETY: inside the owned memory, 16-byte aligned, mapped as long as `self.mem` lives (DmaMem).
        unsafe { p.as_ref() }
    }

    /// `count` descriptors from `start`, or none if they are not all in the ring.
    #[inline]
    pub fn row(&self, start: u32, count: u32) -> &[[AtomicU64; 2]] {
        if start > self.count || count > self.count.wrapping_sub(start) {
            return &[];
        }
        // SAFETY: at most one behind the last of the memory's descriptors.
        let first = unsafe { self.base.add(start as usize) };
        // SAFETY: inside the owned memory, 16-byte aligned, mapped as long as `self.mem` lives (DmaMem).
        unsafe { core::slice::from_raw_parts(first.as_ptr(), count as usize) }
    }

    /// Both words of the descriptor `index` of the ring, the second first.
    ///
    /// Acquire for the second, which carries DD: the device writes DD last; what it wrote before (the first word, the
    /// frame) must not be read before it. Relaxed for the first: it is ordered by that.
    #[inline]
    pub fn load(&self, index: u32) -> [u64; 2] {
        let [first, second] = self.exactly(index);
        let second = second.load(Ordering::Acquire);
        [first.load(Ordering::Relaxed), second]
    }

    /// The second word, which carries DD.
    ///
    /// Acquire: the device writes DD last; what it wrote before (the first word, the frame) must not be read
    /// before it.
    #[inline]
    pub fn load_status(&self, index: u32) -> u64 {
        self.exactly(index)[1].load(Ordering::Acquire)
    }

    /// Writes the descriptor `index` of the ring.
    #[inline]
    pub fn store_at(&self, index: u32, words: [u64; 2]) {
        store(self.exactly(index), words);
    }

    /// Sets bits in the second word of a descriptor that the device does not own yet.
    #[inline]
    pub fn or_second(&self, index: u32, bits: u64) {
        let [_, w] = self.exactly(index);
        // Two accesses and no RMW: the device does not look before the doorbell.
        w.store(w.load(Ordering::Relaxed) | bits, Ordering::Relaxed);
    }
}
