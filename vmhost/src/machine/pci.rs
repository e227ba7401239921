// SPDX-License-Identifier: MIT OR Apache-2.0
//! PCI configuration space through ECAM, and the sizes of the BARs, measured once at start.
//! Configuration reads and writes: any IRQL.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{lock::IrqSpin, vspace};

/// One function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciDevice {
    /// Bus.
    pub bus: u8,
    /// Device (slot).
    pub dev: u8,
    /// Function.
    pub func: u8,
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Subsystem vendor id.
    pub subsys_vendor: u16,
    /// Subsystem id.
    pub subsys: u16,
    /// Class code: class << 16 | subclass << 8 | interface.
    pub class: u32,
    /// Revision.
    pub revision: u8,
    /// Interrupt pin, 0 none, 1 = INTA.
    pub irq_pin: u8,
}

/// What a BAR decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarKind {
    /// 32-bit memory.
    Mem32,
    /// 64-bit memory.
    Mem64,
    /// I/O ports.
    Io,
}

/// One base address register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Number, 0 to 5.
    pub index: u8,
    /// Kind.
    pub kind: BarKind,
    /// Address.
    pub pa: u64,
    /// Bytes.
    pub len: u64,
    /// Prefetchable.
    pub prefetch: bool,
}

struct Bus {
    /// (address, first bus, last bus).
    ecam: Vec<(u64, u8, u8)>,
    devices: Vec<PciDevice>,
    bars: BTreeMap<(u8, u8, u8), Vec<Bar>>,
}

static BUS: IrqSpin<Bus> = IrqSpin::new(Bus {
    ecam: Vec::new(),
    devices: Vec::new(),
    bars: BTreeMap::new(),
});

/// Standard header offsets.
mod at {
    pub const ID: u16 = 0x00;
    pub const COMMAND: u16 = 0x04;
    pub const CLASS: u16 = 0x08;
    pub const HEADER_TYPE: u16 = 0x0E;
    pub const BAR0: u16 = 0x10;
    pub const SECONDARY_BUS: u16 = 0x19;
    pub const SUBSYSTEM: u16 = 0x2C;
    pub const CAPABILITIES: u16 = 0x34;
    pub const PIN: u16 = 0x3D;
}

/// Host address of a register; `None` outside every window.
fn window(ecam: &[(u64, u8, u8)], dev: (u8, u8, u8), off: u16) -> Option<usize> {
    let (bus, slot, func) = dev;
    let &(base, first, _) = ecam
        .iter()
        .find(|(_, first, last)| (*first..=*last).contains(&bus))?;
    let function = u64::from(bus - first) << 20 | u64::from(slot) << 15 | u64::from(func) << 12;
    Some(vspace::direct(base + function) + usize::from(off))
}

fn check(off: u16, width: u8) {
    let fits = matches!(width, 1 | 2 | 4) && off.is_multiple_of(u16::from(width)) && off < 4096;
    assert!(fits, "configuration access of {width} bytes at {off:#x}");
}

fn read(ecam: &[(u64, u8, u8)], dev: (u8, u8, u8), off: u16, width: u8) -> u32 {
    check(off, width);
    let Some(at) = window(ecam, dev, off) else {
        return u32::MAX;
    };
    match width {
        // SAFETY: inside the ECAM window, aligned, identity-mapped uncached.
        1 => u32::from(unsafe { (at as *const u8).read_volatile() }),
        // SAFETY: as above.
        2 => u32::from(unsafe { (at as *const u16).read_volatile() }),
        // SAFETY: as above.
        _ => unsafe { (at as *const u32).read_volatile() },
    }
}

fn write(ecam: &[(u64, u8, u8)], dev: (u8, u8, u8), off: u16, width: u8, value: u32) {
    check(off, width);
    let Some(at) = window(ecam, dev, off) else {
        return;
    };
    match width {
        // SAFETY: inside the ECAM window, aligned, identity-mapped uncached.
        1 => unsafe { (at as *mut u8).write_volatile(value as u8) },
        // SAFETY: as above.
        2 => unsafe { (at as *mut u16).write_volatile(value as u16) },
        // SAFETY: as above.
        _ => unsafe { (at as *mut u32).write_volatile(value) },
    }
}

/// Finds all functions and sizes their BARs.
pub(super) fn init(ecam: Vec<(u64, u8, u8)>) {
    let mut bus = BUS.lock();
    bus.ecam = ecam;
    let mut todo: Vec<u8> = bus.ecam.iter().map(|(_, first, _)| *first).collect();
    while let Some(number) = todo.pop() {
        for slot in 0..32 {
            for func in 0..8 {
                let dev = (number, slot, func);
                let id = read(&bus.ecam, dev, at::ID, 4);
                if id & 0xFFFF == 0xFFFF {
                    if func == 0 {
                        break;
                    }
                    continue;
                }
                let header = read(&bus.ecam, dev, at::HEADER_TYPE, 1);
                add(&mut bus, dev, id, header as u8 & 0x7F);
                if header & 0x7F == 1 {
                    let below = read(&bus.ecam, dev, at::SECONDARY_BUS, 1) as u8;
                    if below > number {
                        todo.push(below);
                    }
                }
                if func == 0 && header & 0x80 == 0 {
                    break;
                }
            }
        }
    }
}

fn add(bus: &mut Bus, dev: (u8, u8, u8), id: u32, header: u8) {
    let class = read(&bus.ecam, dev, at::CLASS, 4);
    let subsystem = if header == 0 {
        read(&bus.ecam, dev, at::SUBSYSTEM, 4)
    } else {
        0
    };
    bus.devices.push(PciDevice {
        bus: dev.0,
        dev: dev.1,
        func: dev.2,
        vendor: id as u16,
        device: (id >> 16) as u16,
        subsys_vendor: subsystem as u16,
        subsys: (subsystem >> 16) as u16,
        class: class >> 8,
        revision: class as u8,
        irq_pin: read(&bus.ecam, dev, at::PIN, 1) as u8,
    });
    let bars = size_bars(&bus.ecam, dev, if header == 0 { 6 } else { 0 });
    bus.bars.insert(dev, bars);
}

/// Writes all ones and reads back, with decoding off meanwhile.
fn size_bars(ecam: &[(u64, u8, u8)], dev: (u8, u8, u8), count: u8) -> Vec<Bar> {
    const DECODE: u32 = 3;
    let command = read(ecam, dev, at::COMMAND, 2);
    write(ecam, dev, at::COMMAND, 2, command & !DECODE);
    let probe = |index: u8| {
        let off = at::BAR0 + u16::from(index) * 4;
        let old = read(ecam, dev, off, 4);
        write(ecam, dev, off, 4, u32::MAX);
        let mask = read(ecam, dev, off, 4);
        write(ecam, dev, off, 4, old);
        (old, mask)
    };
    let mut bars = Vec::new();
    let mut index = 0;
    while index < count {
        let (old, mask) = probe(index);
        let (old, mask) = (u64::from(old), u64::from(mask));
        let bar = |kind, pa, len, prefetch| Bar {
            index,
            kind,
            pa,
            len,
            prefetch,
        };
        let mut next = index + 1;
        if old & 1 != 0 {
            let len = (!(mask & 0xFFFC) & 0xFFFF) + 1;
            bars.push(bar(BarKind::Io, old & 0xFFFC, len, false));
        } else if mask & !15 != 0 {
            let prefetch = old & 8 != 0;
            if old & 6 == 4 && index < 5 {
                let (high, high_mask) = probe(index + 1);
                let mask = mask & !15 | u64::from(high_mask) << 32;
                let pa = old & !15 | u64::from(high) << 32;
                bars.push(bar(BarKind::Mem64, pa, (!mask).wrapping_add(1), prefetch));
                next = index + 2;
            } else {
                bars.push(bar(
                    BarKind::Mem32,
                    old & !15,
                    (!(mask & !15) & 0xFFFF_FFFF) + 1,
                    prefetch,
                ));
            }
        }
        index = next;
    }
    write(ecam, dev, at::COMMAND, 2, command);
    bars
}

fn address(dev: &PciDevice) -> (u8, u8, u8) {
    (dev.bus, dev.dev, dev.func)
}

/// All functions found at start.
pub fn devices() -> Vec<PciDevice> {
    BUS.lock().devices.clone()
}

/// Reads 1, 2 or 4 bytes at `off` (0 to 4095).
pub fn read_config(dev: &PciDevice, off: u16, width: u8) -> u32 {
    read(&BUS.lock().ecam, address(dev), off, width)
}

/// Writes 1, 2 or 4 bytes.
pub fn write_config(dev: &PciDevice, off: u16, width: u8, value: u32) {
    write(&BUS.lock().ecam, address(dev), off, width, value);
}

/// The implemented BARs with their sizes and the addresses that firmware gave them.
pub fn bars(dev: &PciDevice) -> Vec<Bar> {
    BUS.lock()
        .bars
        .get(&address(dev))
        .cloned()
        .unwrap_or_default()
}

/// Gives a memory BAR of a function on bus 0 another address, that nothing else has. The function is stopped. `None`: it
/// stays where it is. PASSIVE.
pub fn relocate(dev: &PciDevice, bar: &Bar) -> Option<Bar> {
    /// Where q35 decodes PCI memory whatever the size of RAM, below the interrupt controllers.
    const HOLE: core::ops::Range<u64> = 0xC000_0000..0xFE00_0000;
    const DECODE: u32 = 3;
    /// Class code of PCI bridges, whose windows are not looked at.
    const BRIDGE: u32 = 0x06_04;
    let mut bus = BUS.lock();
    let bridged = bus.devices.iter().any(|other| other.class >> 8 == BRIDGE);
    if bar.kind == BarKind::Io || dev.bus != 0 || bridged {
        return None;
    }
    let windows = bus.ecam.iter().map(|&(base, first, last)| {
        let len = (u64::from(last - first) + 1) << 20;
        (base, len)
    });
    let bars = bus.bars.values().flatten().map(|bar| (bar.pa, bar.len));
    let taken: Vec<(u64, u64)> = windows.chain(bars).collect();
    let free = |pa: &u64| {
        let apart = |&(base, len): &(u64, u64)| *pa >= base + len || pa + bar.len <= base;
        taken.iter().all(apart)
    };
    let pa = (HOLE.start..HOLE.end)
        .step_by(bar.len.max(4096) as usize)
        .find(free)?;
    let address = address(dev);
    let off = at::BAR0 + u16::from(bar.index) * 4;
    let command = read(&bus.ecam, address, at::COMMAND, 2);
    write(&bus.ecam, address, at::COMMAND, 2, command & !DECODE);
    write(&bus.ecam, address, off, 4, pa as u32);
    if bar.kind == BarKind::Mem64 {
        write(&bus.ecam, address, off + 4, 4, (pa >> 32) as u32);
    }
    write(&bus.ecam, address, at::COMMAND, 2, command);
    let moved = Bar { pa, ..*bar };
    let known = bus.bars.get_mut(&address).into_iter().flatten();
    for old in known.filter(|old| old.index == bar.index) {
        *old = moved;
    }
    Some(moved)
}

/// Offset of capability `id` (MSI 5, MSI-X 0x11, PCI Express 0x10, power 1).
pub fn capability(dev: &PciDevice, id: u8) -> Option<u16> {
    const STATUS_LIST: u32 = 1 << 20;
    if read_config(dev, at::COMMAND, 4) & STATUS_LIST == 0 {
        return None;
    }
    let mut off = read_config(dev, at::CAPABILITIES, 1) as u16 & 0xFC;
    // 48 capabilities are more than fit: a ring in a broken list ends there.
    for _ in 0..48 {
        if off < 0x40 {
            return None;
        }
        let header = read_config(dev, off, 2);
        if header as u8 == id {
            return Some(off);
        }
        off = (header >> 8) as u16 & 0xFC;
    }
    None
}

/// The global interrupt line of the function's pin: q35's fixed wiring of bus 0, where pin p of
/// slot s (1 to 24) is line 20 + (s + p - 1) mod 4, and of later slots 16 + (p - 1) mod 4.
pub fn intx_gsi(dev: &PciDevice) -> u32 {
    let pin = u32::from(dev.irq_pin.max(1)) - 1;
    match u32::from(dev.dev) {
        slot @ 0..=24 => 20 + (slot + pin) % 4,
        _ => 16 + pin % 4,
    }
}
