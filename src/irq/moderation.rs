// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupt moderation: from rates to ITR/EITR values, and the adaptive steps. Pure, but for the sampler's
//! one atomic. The chip counts in 256 ns; QEMU's model never goes below 500 units in MSI-X mode (82574L §0.3).

use super::sync::{AtomicU8, AtomicU64, Ordering};

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

    /// The step after a window of passes in which `sample` went through.
    ///
    /// Means per pass are compared, without division. The way up and the way down have thresholds apart (hysteresis):
    /// a load that is near one of them does not swing. One step at a time upwards, so that a single burst does not
    /// cost latency; straight down when traffic gets thin.
    pub const fn next(self, sample: Sample) -> Self {
        let Sample {
            passes,
            packets,
            bytes,
        } = sample;
        if packets == 0 {
            return self;
        }
        // Products of 20, 8 and 12 bits, and 36 bits alone, fit.
        let large = bytes > packets * 1_200;
        let small = bytes < packets * 256;
        match self {
            Self::LowestLatency => {
                if packets > 8 * passes || bytes > 8_192 * passes {
                    Self::LowLatency
                } else {
                    self
                }
            }
            Self::LowLatency => {
                if large && packets > 16 * passes {
                    Self::Bulk
                } else if bytes <= 8_192 * passes
                    && (packets <= 2 * passes || (packets <= 4 * passes && small))
                {
                    Self::LowestLatency
                } else {
                    self
                }
            }
            Self::Bulk => {
                if packets <= 4 * passes {
                    Self::LowestLatency
                } else if !large && packets <= 35 * passes {
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
    /// DPC passes that found something, below 2^8.
    pub passes: u64,
    /// Frames, below 2^20.
    pub packets: u64,
    /// Bytes, below 2^36.
    pub bytes: u64,
}

/// Passes, frames and bytes in one atomic, so that a look at all three is one snapshot.
#[derive(Debug)]
pub struct Sampler(AtomicU64);

impl Default for Sampler {
    fn default() -> Self {
        Self::new()
    }
}

impl Sampler {
    /// Passes per window. A step is considered once a window, so that even a load that swings with every window costs
    /// at most one EITR write per 32 passes; at flood, with tens of frames a pass, that is nothing.
    pub const WINDOW: u64 = 32;

    const BYTE_BITS: u32 = 36;
    const PASS_SHIFT: u32 = 56;
    const BYTE_MASK: u64 = (1 << Self::BYTE_BITS) - 1;
    const PACKET_MASK: u64 = (1 << (Self::PASS_SHIFT - Self::BYTE_BITS)) - 1;

    /// Nothing yet.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds what one DPC pass handled; the window's sum when this pass completed it. Up to DISPATCH_LEVEL.
    ///
    /// A pass handles at most the DPC's budget of frames, so that the fields cannot run into each other: 32 passes of
    /// 2^15 frames or 2^31 bytes would be needed.
    #[inline]
    pub fn add(&self, packets: u32, bytes: u32) -> Option<Sample> {
        // Relaxed: the three fields travel in one value, and they order nothing else.
        let add = 1 << Self::PASS_SHIFT | u64::from(packets) << Self::BYTE_BITS | u64::from(bytes);
        let before = self.0.fetch_add(add, Ordering::Relaxed) >> Self::PASS_SHIFT;
        if before + 1 < Self::WINDOW {
            return None;
        }
        let all = self.0.swap(0, Ordering::Relaxed);
        Some(Sample {
            passes: all >> Self::PASS_SHIFT,
            packets: all >> Self::BYTE_BITS & Self::PACKET_MASK,
            bytes: all & Self::BYTE_MASK,
        })
    }
}

/// The adaptive moderation of one vector, on a cache line of its own: its DPC alone uses it.
#[derive(Debug)]
#[repr(align(64))]
pub struct Adaptive {
    sampler: Sampler,
    step: AtomicU8,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            sampler: Sampler::new(),
            step: AtomicU8::new(Step::LowLatency as u8),
        }
    }
}

impl Adaptive {
    /// Back to the step of the beginning. Any IRQL.
    pub fn reset(&self) {
        // Relaxed: a pass that decides at the same time decides by its own load; the next window mends it.
        self.step.store(Step::LowLatency as u8, Ordering::Relaxed);
    }

    /// Adds what one DPC pass handled; the new step when this pass led to another one. Up to DISPATCH_LEVEL.
    pub fn add(&self, packets: u32, bytes: u32) -> Option<Step> {
        let sample = self.sampler.add(packets, bytes)?;
        let old = match self.step.load(Ordering::Relaxed) {
            0 => Step::LowestLatency,
            1 => Step::LowLatency,
            _ => Step::Bulk,
        };
        let new = old.next(sample);
        if new == old {
            return None;
        }
        // Relaxed: as in `reset`; nothing else hangs on it.
        self.step.store(new as u8, Ordering::Relaxed);
        Some(new)
    }
}
