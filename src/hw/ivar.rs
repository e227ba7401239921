// SPDX-License-Identifier: MIT OR Apache-2.0
//! IVAR: which vector each cause goes to in MSI-X mode (82574L §3.2). Pure values; any IRQL.

/// A cause that IVAR routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// Receive queue 0.
    Rx0,
    /// Receive queue 1.
    Rx1,
    /// Transmit queue 0.
    Tx0,
    /// Transmit queue 1.
    Tx1,
    /// Link and the rest.
    Other,
}

impl Source {
    const fn shift(self) -> u32 {
        match self {
            Self::Rx0 => 0,
            Self::Rx1 => 4,
            Self::Tx0 => 8,
            Self::Tx1 => 12,
            Self::Other => 16,
        }
    }
}

/// The value of IVAR. A source without a vector has no valid bit: its message is lost (§4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ivar(u32);

impl Ivar {
    const VALID: u32 = 8;

    /// Nothing routed.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Routes `source` to `vector` (0 to 4; the field has three bits).
    #[must_use]
    pub const fn with(self, source: Source, vector: u8) -> Self {
        let field = (vector as u32 & 7) | Self::VALID;
        let cleared = self.0 & !(0xF << source.shift());
        Self(cleared | field << source.shift())
    }

    /// The vector of `source`, if routed.
    pub const fn vector(self, source: Source) -> Option<u8> {
        let field = self.0 >> source.shift() & 0xF;
        if field & Self::VALID != 0 {
            Some((field & 7) as u8)
        } else {
            None
        }
    }

    /// The register value.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From a register value.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}
