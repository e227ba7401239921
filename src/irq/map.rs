// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the grant to the vector map: which cause arrives on which message. Pure values; any IRQL.

use super::VECTORS;
use crate::hw::bits::IntCause;
use crate::hw::ivar::{Ivar, Source};
use bitflags::bitflags;

/// What NDIS gave (contract ). Message-signalled does not say MSI or MSI-X: the enable bit of
/// the MSI-X capability (configuration space A0 + 2, bit 15) does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// The line. `shared`: another device may sit on it, so erratum 12 matters (82574L §14).
    Line {
        /// Share disposition of the interrupt resource.
        shared: bool,
    },
    /// One message through the MSI capability.
    Msi,
    /// Messages through the MSI-X capability.
    MsiX {
        /// MessageCount of the message table; any value is accepted.
        messages: u32,
    },
}

bitflags! {
    /// What a vector is for.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Roles: u8 {
        /// Receive queue 0.
        const RX0 = 1 << 0;
        /// Receive queue 1.
        const RX1 = 1 << 1;
        /// Transmit queue 0.
        const TX0 = 1 << 2;
        /// Transmit queue 1.
        const TX1 = 1 << 3;
        /// Link and everything else.
        const OTHER = 1 << 4;
        /// Both receive queues.
        const RX = Self::RX0.bits() | Self::RX1.bits();
        /// Both transmit queues.
        const TX = Self::TX0.bits() | Self::TX1.bits();
        /// All four queues.
        const QUEUES = Self::RX.bits() | Self::TX.bits();
    }
}

impl Roles {
    /// The MSI-X causes of these roles (82574L §3.2).
    pub fn msix_causes(self) -> IntCause {
        let mut c = IntCause::empty();
        c.set(IntCause::RXQ0, self.contains(Self::RX0));
        c.set(IntCause::RXQ1, self.contains(Self::RX1));
        c.set(IntCause::TXQ0, self.contains(Self::TX0));
        c.set(IntCause::TXQ1, self.contains(Self::TX1));
        // Every cause behind OTHER is in the mask: erratum 12 loses interrupts otherwise (§14).
        c.set(
            IntCause::OTHER | IntCause::BEHIND_OTHER,
            self.contains(Self::OTHER),
        );
        c
    }

    /// The roles left when only so many queues are in use.
    pub fn limited(self, rx_queues: u8, tx_queues: u8) -> Self {
        let mut r = self;
        if rx_queues < 2 {
            r.remove(Self::RX1);
        }
        if tx_queues < 2 {
            r.remove(Self::TX1);
        }
        r
    }

    /// A short name for tables and reports.
    pub fn name(self) -> &'static str {
        match self {
            r if r.is_empty() => "unused",
            r if r == Self::RX0 => "rx0",
            r if r == Self::RX1 => "rx1",
            r if r == Self::TX0 => "tx0",
            r if r == Self::TX1 => "tx1",
            r if r == Self::OTHER => "other",
            r if r == Self::RX => "rx",
            r if r == Self::TX => "tx",
            r if r == Self::QUEUES => "queues",
            r if !r.contains(Self::OTHER) => "queues",
            _ => "all",
        }
    }
}

/// How interrupts reach the processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// INTx.
    Line,
    /// One message, causes as on the line.
    Msi,
    /// Messages with per-queue causes.
    MsiX,
}

/// Roles per vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VectorMap {
    kind: Kind,
    roles: [Roles; VECTORS],
    len: u8,
}

impl VectorMap {
    /// The one function from grant to map.
    ///
    /// | messages | map | why |
    /// |---|---|---|
    /// | ≥ 5 | rx0, rx1, tx0, tx1, other | one vector per cause: no queue wakes for another |
    /// | 3, 4 | rx, tx, other | a fourth would split one direction only; receive shares one DPC budget |
    /// | 2 | queues, other | link events do not cost the data path an ICR read |
    /// | 1 | all | what Windows gives when it cannot give more (X-08) |
    /// | MSI, line | all | the chip has no queue causes there (82574L §4.1) |
    pub fn from_grant(grant: Grant) -> Self {
        let e = Roles::empty();
        let (kind, roles, len) = match grant {
            Grant::Line { .. } => (Kind::Line, [Roles::all(), e, e, e, e], 1),
            Grant::Msi => (Kind::Msi, [Roles::all(), e, e, e, e], 1),
            Grant::MsiX { messages } => match messages {
                0 | 1 => (Kind::MsiX, [Roles::all(), e, e, e, e], 1),
                2 => (Kind::MsiX, [Roles::QUEUES, Roles::OTHER, e, e, e], 2),
                3 | 4 => (Kind::MsiX, [Roles::RX, Roles::TX, Roles::OTHER, e, e], 3),
                _ => (
                    Kind::MsiX,
                    [Roles::RX0, Roles::RX1, Roles::TX0, Roles::TX1, Roles::OTHER],
                    5,
                ),
            },
        };
        Self { kind, roles, len }
    }

    /// Line, MSI or MSI-X.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many vectors are used.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Never: at least one vector is used.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The roles of a vector; empty for one that is not used.
    pub fn roles(&self, vector: usize) -> Roles {
        self.roles.get(vector).copied().unwrap_or_default()
    }

    /// The vector that has `role`.
    pub fn vector_of(&self, role: Roles) -> Option<u8> {
        (0u8..)
            .zip(self.roles)
            .find_map(|(i, r)| r.contains(role).then_some(i))
    }

    /// The IVAR register: 0 where the chip does not use it. Bit 31 stays clear: with it every transmit
    /// descriptor would raise an interrupt (82574L §0.11).
    pub fn ivar(&self) -> Ivar {
        let mut ivar = Ivar::new();
        if self.kind == Kind::MsiX {
            for (source, role) in [
                (Source::Rx0, Roles::RX0),
                (Source::Rx1, Roles::RX1),
                (Source::Tx0, Roles::TX0),
                (Source::Tx1, Roles::TX1),
                (Source::Other, Roles::OTHER),
            ] {
                if let Some(vector) = self.vector_of(role) {
                    ivar = ivar.with(source, vector);
                }
            }
        }
        ivar
    }
}
