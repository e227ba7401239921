// SPDX-License-Identifier: MIT OR Apache-2.0
//! The chip from reset to running, in the order of 82574L §7, for one adapter. PASSIVE_LEVEL unless said otherwise.

use super::core::Core;
use super::delay::Sleeper;
use crate::hw::errata::Errata;
use crate::hw::filter::set_receive_address;
use crate::hw::mmio::{ALL_ONES, Mmio, Offset};
use crate::hw::queue::{self, RxConfig};
use crate::hw::regs;
use crate::hw::reset::Delay;
use crate::hw::{link, reset, rss};
use crate::net::frame::{FCS_LEN, TAG_LEN};
use crate::net::receive::BUFFER_BYTES;
use crate::net::rss::Parameters;
use core::sync::atomic::{AtomicBool, Ordering};
use ndis::adapter::AdapterHandle;
use ndis::io::IoSpace;
use ndis::irql::{Irql, Passive};
use ndis::status::{Result, Status};

/// BAR 0 as NDIS mapped it, with the flag that stops all access once the device is gone.
#[derive(Debug)]
pub struct Bar {
    space: IoSpace,
    gone: AtomicBool,
}

impl Bar {
    /// Takes a mapping of BAR 0.
    pub fn new(space: IoSpace) -> Self {
        Self {
            space,
            gone: AtomicBool::new(false),
        }
    }

    /// NDIS says that the device is gone: nothing is touched any more (S-06, H-08).
    pub fn mark_removed(&self) {
        self.mark_gone();
    }
}

impl Mmio for Bar {
    #[inline]
    fn read32(&self, at: Offset) -> u32 {
        if self.is_gone() {
            return ALL_ONES;
        }
        self.space.read32(at.bytes())
    }

    #[inline]
    fn write32(&self, at: Offset, value: u32) {
        if !self.is_gone() {
            self.space.write32(at.bytes(), value);
        }
    }

    #[inline]
    fn is_gone(&self) -> bool {
        // Relaxed: the flag guards no other memory; seeing it one access late only reads all ones again.
        self.gone.load(Ordering::Relaxed)
    }

    fn mark_gone(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

/// Resets the chip, for frames of up to `max_frame` bytes.
pub fn reset_chip(m: &Bar, max_frame: u32, irql: &Irql<Passive>) -> Result<()> {
    queue::split_packet_buffer(m, max_frame + TAG_LEN + FCS_LEN);
    reset::global_reset(m, &Sleeper(irql), Errata::default()).map_err(|_| Status::HARD_ERRORS)
}

/// Sets up a chip that has been reset, transmitter and receiver off, interrupts masked.
pub fn bring_up(core: &Core, irql: &mut Irql<Passive>) -> Result<()> {
    let m = &core.mmio;
    link_power_off(&core.handle, core.errata);
    reset::init_defaults(m, core.errata);
    set_receive_address(m, 0, Some(core.current_address));
    let longest = core.settings.max_frame() + TAG_LEN + FCS_LEN;
    link::init_flow_control(m, core.settings.pause, longest);
    queue::set_tag_offload(m, core.settings.offloads.moves_tags());
    queue::init_tx_unit(m, core.errata);
    let receive = RxConfig {
        buffer_bytes: BUFFER_BYTES,
        long_packets: core.settings.is_jumbo(),
        // Always: whether it is reported is decided per frame.
        checksum: true,
    };
    if !queue::init_rx_unit(m, &receive) {
        return Err(Status::FAILURE);
    }
    core.sender.program(m, irql);
    for receiver in &core.receivers {
        receiver.program(m, irql);
    }
    rss::program(m, core.rss.scaling(core.queues()).as_ref());
    core.program_filter();
    Ok(())
}

/// Starts both directions: the chip may use the rings from here on.
pub fn start(core: &Core, irql: &mut Irql<Passive>) {
    queue::set_tx_enabled(&core.mmio, true);
    start_receiving(core, irql);
}

/// The receiver on, then its buffers: never the other way round, see [`Receiver::hold`](crate::net::receive::Receiver::hold).
fn start_receiving(core: &Core, irql: &mut Irql<Passive>) {
    queue::set_rx_enabled(&core.mmio, true);
    for receiver in &core.receivers {
        receiver.fill(&core.mmio, irql);
    }
}

/// How often a change of the scaling looks whether the rings are empty, a millisecond apart.
const DRAIN_ROUNDS: u32 = 50;

/// Changes receive-side scaling while traffic goes on. PASSIVE_LEVEL.
///
/// The receiver is off meanwhile, until every frame of before has been indicated: a flow that changes its queue keeps
/// its order (D-40), and every hash is of the parameters that it is reported with. Should the rings not empty in time
/// (NDIS may call a throttled DPC arbitrarily late), the change is made all the same.
pub fn set_scaling(core: &Core, new: Parameters, irql: &mut Irql<Passive>) {
    let m = &core.mmio;
    let awake = !core.is_asleep() && !core.is_gone();
    if awake {
        for receiver in &core.receivers {
            receiver.hold(irql);
        }
        queue::set_rx_enabled(m, false);
        // Pushes the write to the chip, which finishes the frame in hand.
        let _ = regs::STATUS.read(m);
        for _ in 0..DRAIN_ROUNDS {
            Sleeper(irql).sleep_ms(1);
            if core.is_gone() || core.receivers.iter().all(|r| r.is_idle(irql)) {
                break;
            }
        }
    }
    core.rss.set(new, core.queues());
    core.find_homes(irql);
    if awake {
        rss::program(m, core.rss.scaling(core.queues()).as_ref());
        start_receiving(core, irql);
    }
}

/// Starts negotiation; the link interrupt says when it is done.
pub fn start_link(core: &Core, irql: &Irql<Passive>) -> Result<()> {
    link::setup(
        &core.mmio,
        &Sleeper(irql),
        core.settings.link,
        core.settings.pause,
    )
    .map_err(|_| Status::HARD_ERRORS)
}

/// Stops interrupts and DMA, bounded (H-03).
pub fn stop(core: &Core, irql: &Irql<Passive>) {
    if !core.is_gone() {
        reset::stop(&core.mmio, &Sleeper(irql));
        reset::release(&core.mmio);
    }
}

/// Masks every interrupt and switches both engines off, without waiting: shutdown. Any IRQL, registers only.
pub fn quiet(core: &Core) {
    core.irq.stop(&core.mmio);
    queue::set_rx_enabled(&core.mmio, false);
    queue::set_tx_enabled(&core.mmio, false);
}

/// PCI status register: the capability list bit is in its low byte.
const PCI_STATUS: u32 = 0x06;
/// First capability.
const PCI_CAPABILITIES: u32 = 0x34;
/// Capability id of PCI Express, and where its Link Control is.
const PCI_EXPRESS: u8 = 0x10;
const LINK_CONTROL: u32 = 0x10;
/// Link Control: L0s and L1.
const ASPM: u8 = 0x03;
/// Capability id of MSI-X.
const MSIX: u8 = 0x11;

/// Four bytes of configuration space.
fn config(handle: &AdapterHandle, offset: u32) -> Option<[u8; 4]> {
    let mut bytes = [0; 4];
    (handle.read_bus_data(offset, &mut bytes) == bytes.len()).then_some(bytes)
}

/// Where a capability is, and its first four bytes. The list is walked with a bound, because a device that is gone
/// answers all ones.
fn capability(handle: &AdapterHandle, id: u8) -> Option<(u32, [u8; 4])> {
    let [_, _, status, _] = config(handle, PCI_STATUS - 2)?;
    if status & 0x10 == 0 {
        return None;
    }
    let [first, ..] = config(handle, PCI_CAPABILITIES)?;
    let mut at = u32::from(first & 0xFC);
    for _ in 0..48 {
        if at < 0x40 {
            break;
        }
        let bytes = config(handle, at)?;
        if bytes[0] == id {
            return Some((at, bytes));
        }
        at = u32::from(bytes[1] & 0xFC);
    }
    None
}

/// Whether the MSI-X capability is switched on: a message-signalled grant does not say MSI or MSI-X.
pub fn msix_enabled(handle: &AdapterHandle) -> bool {
    // Message Control is the upper half; its top bit is MSI-X Enable.
    capability(handle, MSIX).is_some_and(|(_, [_, _, _, control])| control & 0x80 != 0)
}

/// Switches the link's power states off (82574L §14): with them the chip hangs transmits, and drops jumbo frames.
pub fn link_power_off(handle: &AdapterHandle, errata: Errata) {
    if !errata.contains(Errata::LINK_POWER) {
        return;
    }
    let at = capability(handle, PCI_EXPRESS).map(|(at, _)| at + LINK_CONTROL);
    if let Some(at) = at
        && let Some([low, high, ..]) = config(handle, at)
        && low & ASPM != 0
        && [low, high] != [0xFF; 2]
    {
        // What comes of it shows in the traffic: a bus driver may refuse.
        let _ = handle.write_bus_data(at, &[low & !ASPM, high]);
    }
}
