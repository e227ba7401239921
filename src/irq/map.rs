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
        /// Whether another device may be on it. A PCI line can always be shared, whatever the resource says, so the driver takes
        /// it for shared; what the chip would do on a line of its own is kept for the tests.
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

/// A set of messages below [`VECTORS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Messages(u8);

impl Messages {
    /// No message.
    pub const NONE: Self = Self(0);

    /// Adds a message; numbers beyond the chip's vectors are ignored.
    pub fn insert(&mut self, message: usize) {
        if message < VECTORS {
            self.0 |= 1 << message;
        }
    }

    /// Whether the message is in the set.
    pub fn contains(self, message: usize) -> bool {
        message < VECTORS && self.0 & (1 << message) != 0
    }

    /// Whether no message is.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Everything that is in one of the two.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// One bit per message.
    pub fn bits(self) -> u8 {
        self.0
    }
}

/// Why a rung of the ladder was chosen. The numbers are those of the interrupt record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Reason {
    /// MSI-X with five messages or more: one per cause.
    MessagePerCause = 1,
    /// MSI-X with three or four usable messages: receive, transmit, other.
    FewMessages = 2,
    /// MSI-X with two usable messages: queues and other.
    TwoMessages = 3,
    /// MSI-X with one usable message.
    OneMessage = 4,
    /// MSI has one message and no queue causes.
    Msi = 5,
    /// NDIS granted the line.
    Line = 6,
}

impl Reason {
    /// One word for the trace.
    pub fn name(self) -> &'static str {
        match self {
            Self::MessagePerCause => "msix-message-per-cause",
            Self::FewMessages => "msix-rx-tx-other",
            Self::TwoMessages => "msix-queues-other",
            Self::OneMessage => "msix-one-message",
            Self::Msi => "msi-has-one-message",
            Self::Line => "line-granted",
        }
    }
}

/// Roles per vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VectorMap {
    kind: Kind,
    roles: [Roles; VECTORS],
    reason: Reason,
    dead: Messages,
}

impl VectorMap {
    /// The one function from grant to map, over the messages that work: `dead` are those that a self-test raised in
    /// vain. `None`: no message is left, the ladder ends.
    ///
    /// | usable messages | map | reason |
    /// |---|---|---|
    /// | ≥ 5 | rx0, rx1, tx0, tx1, other | one vector per cause: no queue wakes for another |
    /// | 3, 4 | rx, tx, other | a fourth would split one direction only; receive shares one DPC budget |
    /// | 2 | queues, other | link events do not cost the data path an ICR read |
    /// | 1 | all | what Windows gives when it cannot give more (X-08) |
    /// | MSI, line | all | the chip has no queue causes there (82574L §4.1) |
    ///
    /// IVAR can name any of the chip's five vectors, so a dead message is simply left out: the grant, and with it the
    /// registration, stays as it is.
    pub fn without(grant: Grant, dead: Messages) -> Option<Self> {
        let e = Roles::empty();
        let (kind, granted) = match grant {
            Grant::Line { .. } => (Kind::Line, 1),
            Grant::Msi => (Kind::Msi, 1),
            Grant::MsiX { messages } => (Kind::MsiX, (messages as usize).clamp(1, VECTORS)),
        };
        let usable = (0..granted).filter(|message| !dead.contains(*message));
        let count = usable.clone().count();
        let (groups, reason): (&[Roles], Reason) = match (kind, count) {
            (_, 0) => return None,
            (Kind::Line, _) => (&[Roles::all()], Reason::Line),
            (Kind::Msi, _) => (&[Roles::all()], Reason::Msi),
            (Kind::MsiX, 1) => (&[Roles::all()], Reason::OneMessage),
            (Kind::MsiX, 2) => (&[Roles::QUEUES, Roles::OTHER], Reason::TwoMessages),
            (Kind::MsiX, 3 | 4) => (&[Roles::RX, Roles::TX, Roles::OTHER], Reason::FewMessages),
            (Kind::MsiX, _) => (
                &[Roles::RX0, Roles::RX1, Roles::TX0, Roles::TX1, Roles::OTHER],
                Reason::MessagePerCause,
            ),
        };
        let mut roles = [e; VECTORS];
        for (message, group) in usable.zip(groups) {
            if let Some(slot) = roles.get_mut(message) {
                *slot = *group;
            }
        }
        Some(Self {
            kind,
            roles,
            reason,
            dead,
        })
    }

    /// The map while every message is believed to work. Any grant has one.
    pub fn from_grant(grant: Grant) -> Self {
        // With nothing dead at least message 0 is usable; the alternative is never taken.
        Self::without(grant, Messages::NONE).unwrap_or(Self {
            kind: Kind::Line,
            roles: [
                Roles::all(),
                Roles::empty(),
                Roles::empty(),
                Roles::empty(),
                Roles::empty(),
            ],
            reason: Reason::Line,
            dead: Messages::NONE,
        })
    }

    /// Why this map was chosen.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The messages that were left out because a self-test raised them in vain.
    pub fn dead(&self) -> Messages {
        self.dead
    }

    /// Line, MSI or MSI-X.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many vectors are used.
    pub fn len(&self) -> usize {
        self.roles.iter().filter(|roles| !roles.is_empty()).count()
    }

    /// Never: at least one vector is used.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
