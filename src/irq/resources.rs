// SPDX-License-Identifier: MIT OR Apache-2.0
//! MiniportFilterResourceRequirements: which interrupts the driver asks for. NDIS glue of `irq`; PASSIVE_LEVEL.
//!
//! The bus driver's list has one requirement per message that the chip's MSI-X table and the registry allow, and
//! alternatives for when those cannot be had. Three things are ever changed: messages beyond the five that the chip
//! has causes for go; the message of a receive queue is to reach the processor that RSS will name for the queue, so that
//! its DPC need not move; and, with the keyword `DisableMSI`, all messages go. The latter is the only way to the line: a line
//! registration fails while message resources are in the list. Memory, ports, the alternatives, and a policy that
//! the registry chose stay as they are. When something cannot be done, NDIS goes on with the bus driver's list.
//!
//! The processors are those of the keywords by which NDIS makes its RSS table. NDIS' own answer may leave some out, such as the
//! second thread of a core; it is for an adapter that is initialised, and this runs before. A queue whose processor was not
//! guessed is served all the same: its DPC is placed (`adapter::place`).

use super::VECTORS;
use super::map::{Grant, Roles, VectorMap};
use crate::config::keywords::{
    DISABLE_MSI, Keyword, MAX_RSS_PROCESSORS, NUM_RSS_QUEUES, RSS, RSS_BASE_PROC_GROUP,
    RSS_BASE_PROC_NUMBER, RSS_MAX_PROC_NUMBER,
};
use crate::hw::regs::QUEUES;
use core::num::NonZeroU64;
use ndis::irql::{Irql, Passive};
use ndis::pnp::{self, AddDevice, PnpHandlers, ResourceRequirements};
use ndis::status::Result;

/// The PnP side of the driver. It exists from MiniportAddDevice to MiniportRemoveDevice, across any number of
/// initialisations.
#[derive(Debug)]
pub struct Devices;

/// One device: what its requirements depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    line_only: bool,
    targets: Targets,
}

/// The processor of each receive queue, as a mask of group 0; `None`: anywhere.
type Targets = [Option<NonZeroU64>; QUEUES];

impl PnpHandlers for Devices {
    type Device = Device;

    fn add_device(device: &AddDevice<'_>, irql: &mut Irql<Passive>) -> Result<Device> {
        let config = device.configuration(irql).ok();
        // I-10: without a configuration, the default.
        let get = |keyword: &Keyword| {
            let raw = config.as_ref().and_then(|config| config.u32(keyword.name));
            keyword.accept(raw)
        };
        Ok(Device {
            line_only: get(&DISABLE_MSI) == 1,
            targets: targets(get, pnp::active_processors(0)),
        })
    }

    fn filter_resource_requirements(
        device: &Device,
        requirements: &mut ResourceRequirements<'_>,
        _: &mut Irql<Passive>,
    ) -> Result<()> {
        if device.line_only {
            requirements.force_line()?;
        } else {
            requirements.limit_message_interrupts(VECTORS)?;
            requirements.target_message_interrupts(|message, messages| {
                wanted(&device.targets, message, messages)
            })?;
        }
        Ok(())
    }
}

/// Where the receive queues will be, by the keywords, with `active` processors in group 0.
fn targets(get: impl Fn(&Keyword) -> u32, active: u32) -> Targets {
    // A mask says nothing of other groups, and with one processor there is nothing to say.
    if get(&RSS) == 0 || get(&RSS_BASE_PROC_GROUP) != 0 || active < 2 {
        return [None; QUEUES];
    }
    let last = get(&RSS_MAX_PROC_NUMBER).min(active - 1);
    let queues = get(&NUM_RSS_QUEUES).min(get(&MAX_RSS_PROCESSORS));
    let base = get(&RSS_BASE_PROC_NUMBER);
    let mut queue = 0;
    [(); QUEUES].map(|()| {
        let number = base.saturating_add(queue);
        let there = queue < queues && number <= last;
        queue += 1;
        let mask = 1_u64.checked_shl(number).filter(|_| there)?;
        NonZeroU64::new(mask)
    })
}

/// The processor for a message of so many. A single message is what is fallen back to, and may go anywhere.
fn wanted(targets: &Targets, message: usize, messages: usize) -> Option<NonZeroU64> {
    if messages < 2 {
        return None;
    }
    let messages = u32::try_from(messages).ok()?;
    let roles = VectorMap::from_grant(Grant::MsiX { messages }).roles(message);
    // As for a vector's home: the first of its queues decides.
    let queue = [Roles::RX0, Roles::RX1]
        .iter()
        .position(|role| roles.contains(*role))?;
    *targets.get(queue)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(set: &[(&str, u32)], active: u32) -> [u64; QUEUES] {
        let get = |keyword: &Keyword| {
            let raw = set.iter().find(|(name, _)| *name == keyword.name);
            keyword.accept(raw.map(|(_, value)| *value))
        };
        targets(get, active).map(|mask| mask.map_or(0, NonZeroU64::get))
    }

    #[test]
    fn queues_go_where_rss_puts_them() {
        assert_eq!(with(&[], 4), [1, 2]);
        assert_eq!(with(&[("*RssBaseProcNumber", 2)], 4), [4, 8]);
        assert_eq!(with(&[("*RssBaseProcNumber", 3)], 4), [8, 0], "the last");
        assert_eq!(with(&[("*RssBaseProcNumber", 4)], 4), [0, 0], "not there");
        assert_eq!(with(&[("*RssBaseProcNumber", 62)], 64), [1 << 62, 1 << 63]);
        assert_eq!(with(&[("*RssMaxProcNumber", 0)], 4), [1, 0]);
        assert_eq!(with(&[("*NumRssQueues", 1)], 4), [1, 0]);
        assert_eq!(with(&[("*MaxRssProcessors", 1)], 4), [1, 0]);
        assert_eq!(with(&[("*RssBaseProcGroup", 1)], 4), [0, 0]);
        assert_eq!(with(&[("*RSS", 0)], 4), [0, 0]);
        assert_eq!(with(&[], 1), [0, 0], "nothing to choose");
    }

    #[test]
    fn the_messages_of_receive_queues_are_targeted() {
        let targets = [NonZeroU64::new(4), NonZeroU64::new(8)];
        let all = |messages: usize| {
            let mask = |message| wanted(&targets, message, messages).map_or(0, NonZeroU64::get);
            [0, 1, 2, 3, 4].map(mask)
        };
        assert_eq!(all(5), [4, 8, 0, 0, 0]);
        assert_eq!(all(4), [4, 0, 0, 0, 0]);
        assert_eq!(all(3), [4, 0, 0, 0, 0]);
        assert_eq!(all(2), [4, 0, 0, 0, 0]);
        assert_eq!(all(1), [0, 0, 0, 0, 0], "the fallback may go anywhere");
    }
}
