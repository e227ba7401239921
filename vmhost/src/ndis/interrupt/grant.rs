// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which interrupt resources the device gets (contract ): from what it can
//! do, what the registry says, what the run caps, and what the driver filters. PASSIVE only.

use super::super::dice::DICE;
use crate::machine::{cpu, interrupt, irql, pci};
use alloc::vec::Vec;
use vmhost_proto::{Grant as Caps, InterruptManagement, Irq};

/// PCI capability ids.
pub const CAP_MSI: u8 = 0x05;
/// PCI capability ids.
pub const CAP_MSIX: u8 = 0x11;
/// OS limit of messages for one function.
const MAX_MESSAGES: u32 = 2048;
/// `IrqPolicySpreadMessagesAcrossAllProcessors`.
const POLICY_SPREAD: u32 = 5;

/// The kind of interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// INTx.
    Line,
    /// MSI.
    Msi,
    /// MSI-X.
    Msix,
}

/// What could be granted, before the driver filters it.
#[derive(Clone, Copy, Debug)]
pub struct Available {
    /// The best kind.
    pub kind: Kind,
    /// Messages; 0 for the line.
    pub messages: u32,
    /// Messages that the hardware could do.
    pub table_size: u32,
    /// The function has an interrupt pin.
    pub has_line: bool,
    /// Memory and port BARs.
    pub bars: u32,
}

/// One interrupt or message.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Host vector.
    pub vector: u8,
    /// The vector by which a scenario raises it. A line has one of its own for that: the local APIC notes per vector
    /// how the last interrupt came, and one raised by hand would take from a level-triggered one the end-of-interrupt
    /// message that the I/O APIC waits for.
    pub raised: u8,
    /// Its IRQL.
    pub irql: u8,
    /// The CPU it goes to.
    pub cpu: usize,
    /// Messages that this descriptor stands for (MSI); 1 otherwise.
    pub count: usize,
}

impl Message {
    /// Its vectors, each once.
    pub fn vectors(&self) -> impl Iterator<Item = u8> + use<> {
        let second = (self.raised != self.vector).then_some(self.raised);
        core::iter::once(self.vector).chain(second)
    }
}

/// The assigned interrupt resources.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Kind.
    pub kind: Kind,
    /// One entry a message; one for the line.
    pub messages: Vec<Message>,
}

impl Grant {
    /// One entry for each descriptor of the resource list.
    pub fn descriptors(&self) -> Vec<Message> {
        match self.kind {
            Kind::Msi => self
                .messages
                .first()
                .map(|first| Message {
                    count: self.messages.len(),
                    ..*first
                })
                .into_iter()
                .collect(),
            Kind::Line | Kind::Msix => self.messages.clone(),
        }
    }

    /// The name used in the report.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Line => "line",
            Kind::Msi => "msi",
            Kind::Msix => "msix",
        }
    }

    /// Gives the vectors back; no handler may be connected any more.
    pub fn release(&self) {
        for message in &self.messages {
            for vector in message.vectors() {
                interrupt::free_vector(vector);
            }
        }
    }
}

/// What the device, the registry and the run allow.
pub fn available(
    device: &pci::PciDevice,
    bars: u32,
    registry: &InterruptManagement,
    caps: &Caps,
) -> Available {
    let line = Available {
        kind: Kind::Line,
        messages: 0,
        table_size: 0,
        has_line: device.irq_pin != 0,
        bars,
    };
    // without MSISupported = 1 the device gets a line.
    if registry.msi_supported.unwrap_or(0) == 0 || caps.irq == Irq::Line {
        return line;
    }
    let limit = registry
        .message_number_limit
        .unwrap_or(MAX_MESSAGES)
        .min(caps.messages.unwrap_or(MAX_MESSAGES))
        .clamp(1, MAX_MESSAGES);
    let msix = pci::capability(device, CAP_MSIX).filter(|_| caps.irq != Irq::Msi);
    if let Some(at) = msix {
        let size = (pci::read_config(device, at + 2, 2) & 0x7FF) + 1;
        return Available {
            kind: Kind::Msix,
            messages: size.min(limit),
            table_size: size,
            ..line
        };
    }
    // This host grants one MSI message: more would need aligned runs of vectors on one CPU (X-08
    // allows a grant of exactly one).
    if caps.irq != Irq::Msix && pci::capability(device, CAP_MSI).is_some() {
        return Available {
            kind: Kind::Msi,
            messages: 1,
            table_size: 1,
            ..line
        };
    }
    line
}

/// Assigns vectors and CPUs. `None`: no vectors are left, or the device has no interrupt.
pub fn assign(available: &Available, registry: &InterruptManagement) -> Option<Grant> {
    let count = match available.kind {
        Kind::Line if !available.has_line => return None,
        Kind::Line => 1,
        Kind::Msi | Kind::Msix => available.messages.max(1),
    };
    let spread = registry.device_policy == Some(POLICY_SPREAD)
        || (registry.assignment_set_override.is_none() && DICE.chance(50));
    let mut messages = Vec::new();
    for number in 0..count {
        // Different levels, so that messages interrupt each other's ISRs.
        let level = irql::DEVICE_MIN + 2 + (number % 4) as u8;
        let vector = interrupt::alloc_vector(level)?;
        let raised = match available.kind {
            Kind::Line => interrupt::alloc_vector(level)?,
            Kind::Msi | Kind::Msix => vector,
        };
        let target = match registry.assignment_set_override {
            Some(set) if set != 0 => set.trailing_zeros() as usize,
            _ if spread => number as usize,
            _ => 0,
        };
        messages.push(Message {
            vector,
            raised,
            irql: vector >> 4,
            cpu: target % cpu::count(),
            count: 1,
        });
    }
    Some(Grant {
        kind: available.kind,
        messages,
    })
}
