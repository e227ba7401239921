// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which interrupt resources the device gets (contract ): from what it can
//! do, what the registry says, what the run caps, and what the driver filters. PASSIVE only.

use super::{
    super::dice::DICE,
    active_cpus,
    steer::{STEER, is},
};
use crate::machine::{cpu, interrupt, irql, pci};
use ::ndis::ffi::*;
use alloc::{vec, vec::Vec};
use vmhost_proto::{Grant as Caps, InterruptManagement, Irq};

/// PCI capability ids.
pub const CAP_MSI: u8 = 0x05;
/// PCI capability ids.
pub const CAP_MSIX: u8 = 0x11;
/// OS limit of messages for one function.
const MAX_MESSAGES: u32 = 2048;
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

/// Which processors a message is to reach: AffinityPolicy and TargetedProcessors of its requirement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// One of `IRQ_DEVICE_POLICY`.
    pub policy: i32,
    /// With `IrqPolicySpecifiedProcessors`, these.
    pub targets: u64,
}

impl Placement {
    /// What the registry says.
    fn of(registry: &InterruptManagement) -> Self {
        Self {
            policy: registry.device_policy.unwrap_or(0) as i32,
            targets: registry.assignment_set_override.unwrap_or(0),
        }
    }

    /// The processors, if some are named.
    pub fn named(&self) -> Option<u64> {
        (self.policy == IrqPolicySpecifiedProcessors).then_some(self.targets)
    }
}

/// What could be granted: before the driver filters it, and one alternative of what it left.
#[derive(Clone, Debug)]
pub struct Available {
    /// The best kind.
    pub kind: Kind,
    /// Messages; 0 for the line.
    pub messages: u32,
    /// Messages that the hardware could do.
    pub table_size: u32,
    /// The function has an interrupt pin.
    pub has_line: bool,
    /// What the registry says of every message, or of the line.
    pub placement: Placement,
    /// What the requirements ask for each message, or for the line; empty for one that says the same of all.
    pub asked: Vec<Placement>,
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
    /// What was asked for.
    pub asked: Placement,
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
    registry: &InterruptManagement,
    caps: &Caps,
) -> Available {
    let line = Available {
        kind: Kind::Line,
        messages: 0,
        table_size: 0,
        has_line: device.irq_pin != 0,
        placement: Placement::of(registry),
        asked: Vec::new(),
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

/// Assigns vectors and CPUs from the first alternative that can be had. `None`: there is none.
pub fn assign(alternatives: &[Available]) -> Option<Grant> {
    let refused = usize::from(is(&STEER.first_refused)).min(alternatives.len().saturating_sub(1));
    alternatives.iter().skip(refused).find_map(assign_one)
}

fn assign_one(available: &Available) -> Option<Grant> {
    let count = match available.kind {
        Kind::Line if !available.has_line => return None,
        Kind::Line => 1,
        Kind::Msi | Kind::Msix => available.messages.max(1),
    };
    // Where nobody has said anything.
    let spread = DICE.chance(50);
    let mut grant = Grant {
        kind: available.kind,
        messages: vec![],
    };
    for number in 0..count as usize {
        let asked = available.asked.get(number).unwrap_or(&available.placement);
        let Some(message) = assign_message(available.kind, number, *asked, spread) else {
            grant.release();
            return None;
        };
        grant.messages.push(message);
    }
    Some(grant)
}

fn assign_message(kind: Kind, number: usize, asked: Placement, spread: bool) -> Option<Message> {
    let target = match asked.named() {
        Some(targets) if targets & active_cpus() == 0 => return None,
        Some(targets) => (targets & active_cpus()).trailing_zeros() as usize,
        None if spread || asked.policy == IrqPolicySpreadMessagesAcrossAllProcessors => number,
        None => 0,
    };
    // Different levels, so that messages interrupt each other's ISRs.
    let level = irql::DEVICE_MIN + 2 + (number % 4) as u8;
    let vector = interrupt::alloc_vector(level)?;
    let raised = match kind {
        Kind::Line => interrupt::alloc_vector(level)?,
        Kind::Msi | Kind::Msix => vector,
    };
    Some(Message {
        vector,
        raised,
        irql: vector >> 4,
        cpu: target % cpu::count(),
        asked,
        count: 1,
    })
}
