// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupt moderation: from rates to ITR/EITR values, and the adaptive steps. Pure, but for the sampler's
//! one atomic. The chip counts in 256 ns; QEMU's model never goes below 500 units in MSI-X mode (82574L §0.3).

use super::sync::{AtomicU64, Ordering};

/// The `ITR` keyword's value for adaptive moderation.
pub const ADAPTIVE: u32 = 65_535;

/// Nanoseconds per unit of ITR and EITR.
const UNIT_NS: u32 = 256;

/// What the `ITR` keyword asks for: the values that users of Intel's driver know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moderation {
    /// 0: no moderation; vectors are auto-masked instead.
    Off,
    /// A fixed throttle interval, 256 ns units, never 0.
    Fixed(u16),
    /// 65535: steps by load.
    Adaptive,
}

impl Moderation {
    /// From the keyword: 0 off, 65535 adaptive, else the interval in 256 ns units (200 minimal, 400 low,
    /// 950 medium, 2000 high, 3600 extreme).
    pub const fn from_keyword(value: u32) -> Self {
        match value {
            0 => Self::Off,
            v if v < ADAPTIVE => Self::Fixed(v as u16),
            _ => Self::Adaptive,
        }
    }

    /// The interval to start with, 256 ns units; 0 is off.
    pub const fn initial_interval(self) -> u16 {
        match self {
            Self::Off => 0,
            Self::Fixed(v) => v,
            Self::Adaptive => Step::LowLatency.interval(),
        }
    }
}

/// The interval for a rate in interrupts per second: 10^9 / (256 × rate), within the register's 16 bits and
/// never 0 for a rate above 0. PASSIVE_LEVEL or constants: it divides.
pub const fn interval_for_rate(per_second: u32) -> u16 {
    if per_second == 0 {
        return 0;
    }
    let interval = 1_000_000_000 / (UNIT_NS as u64 * per_second as u64);
    if interval == 0 {
        1
    } else if interval > u16::MAX as u64 {
        u16::MAX
    } else {
        interval as u16
    }
}

/// A step of adaptive moderation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// Few small frames: answer at once.
    LowestLatency,
    /// Mixed traffic.
    LowLatency,
    /// Bulk transfer: large frames, many per interrupt.
    Bulk,
}

impl Step {
    const LOWEST: u16 = interval_for_rate(70_000);
    const LOW: u16 = interval_for_rate(20_000);
    const BULK: u16 = interval_for_rate(4_000);

    /// The throttle interval, 256 ns units.
    pub const fn interval(self) -> u16 {
        match self {
            Self::LowestLatency => Self::LOWEST,
            Self::LowLatency => Self::LOW,
            Self::Bulk => Self::BULK,
        }
    }

    /// The step after an interval in which `sample` went through. One step at a time upwards, so that a single
    /// burst does not cost latency; straight down when traffic gets thin.
    pub const fn next(self, sample: Sample) -> Self {
        let Sample { packets, bytes } = sample;
        if packets == 0 {
            return self;
        }
        // Mean frame size compared without division. Products of 24 and 12 bits, and 40 bits alone, fit.
        let large = bytes > packets * 1_200;
        let small = bytes < packets * 256;
        match self {
            Self::LowestLatency => {
                if packets > 8 || bytes > 8_192 {
                    Self::LowLatency
                } else {
                    self
                }
            }
            Self::LowLatency => {
                if large && packets > 16 {
                    Self::Bulk
                } else if packets <= 4 && (small || packets <= 2) {
                    Self::LowestLatency
                } else {
                    self
                }
            }
            Self::Bulk => {
                if packets <= 4 {
                    Self::LowestLatency
                } else if !large && packets <= 35 {
                    Self::LowLatency
                } else {
                    self
                }
            }
        }
    }
}

/// What went through a vector since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sample {
    /// Frames, below 2^24.
    pub packets: u64,
    /// Bytes, below 2^40.
    pub bytes: u64,
}

/// Frames and bytes in one atomic, so that a look at both is one snapshot.
#[derive(Debug)]
pub struct Sampler(AtomicU64);

impl Default for Sampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Sampler {
    const BYTE_BITS: u32 = 40;
    const BYTE_MASK: u64 = (1 << Self::BYTE_BITS) - 1;

    /// Nothing yet.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds what one DPC pass handled. Up to DISPATCH_LEVEL.
    #[inline]
    pub fn add(&self, packets: u32, bytes: u32) {
        // Relaxed: the two halves travel in one value, and they order nothing else. A full sampler (2^24
        // frames without a look) wraps, which costs one odd step.
        self.0.fetch_add(
            u64::from(packets) << Self::BYTE_BITS | u64::from(bytes),
            Ordering::Relaxed,
        );
    }

    /// Takes the sum and starts anew.
    #[inline]
    pub fn take(&self) -> Sample {
        // Relaxed: as for `add`.
        let both = self.0.swap(0, Ordering::Relaxed);
        Sample {
            packets: both >> Self::BYTE_BITS,
            bytes: both & Self::BYTE_MASK,
        }
    }
}
