// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that QEMU's counting plugin (`bench/plugin`), the checked host and the runner share: a
//! file behind an `ivshmem-plain` device. Byte offsets; words of 64 bits unless it says otherwise.

/// PCI vendor of the device.
pub const VENDOR: u16 = 0x1AF4;
/// PCI id of the device.
pub const DEVICE: u16 = 0x1110;
/// BAR with the memory.
pub const BAR: u8 = 2;
/// Bytes, as QEMU's option takes them too.
pub const SIZE: usize = 8 << 20;
/// Set by the plugin when it is ready.
pub const MAGIC_AT: usize = 0;
/// The value there.
pub const MAGIC: u64 = u64::from_le_bytes(*b"counting");
/// Set by the host before the driver's first instruction: the first address to count.
pub const BEGIN_AT: usize = 8;
/// The first address behind.
pub const END_AT: usize = 16;
/// Number of the histogram to count into, 0 for none. Set by the host.
pub const HISTOGRAM_AT: usize = 24;
/// CPUs that are counted.
pub const CPUS: usize = 64;
/// Histograms, from 1.
pub const HISTOGRAMS: usize = 7;
/// 32-bit counts in a histogram: one for each address from the first.
pub const PLACES: usize = (1 << 20) / 4;

/// Where the CPU's count of instructions is, each in a cache line of its own.
pub const fn count_at(cpu: usize) -> Option<usize> {
    if cpu < CPUS {
        Some(4096 + cpu * 64)
    } else {
        None
    }
}

/// Where the histogram begins.
pub const fn histogram(number: usize) -> Option<usize> {
    if number == 0 || number > HISTOGRAMS {
        None
    } else {
        Some(number << 20)
    }
}

const _: () = assert!((HISTOGRAMS + 1) << 20 == SIZE);
