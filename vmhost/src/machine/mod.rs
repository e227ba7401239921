// SPDX-License-Identifier: MIT OR Apache-2.0
//! The computer under the host: everything that touches CPU state, page tables, interrupt
//! controllers and QEMU's own devices. Knows neither NDIS nor any driver.

mod boot;
pub mod call;
pub mod console;
pub mod cpu;
mod desc;
pub mod dpc;
pub mod exit;
pub mod fault;
mod firmware;
pub mod fwcfg;
pub mod heap;
pub mod interrupt;
pub mod ioapic;
pub mod iommu;
pub mod irql;
mod lapic;
pub mod lock;
pub mod meter;
pub mod mmio;
pub mod msi;
mod paged;
pub mod pages;
mod paging;
mod panic;
pub mod pci;
pub mod selftest;
pub mod serial;
mod smp;
pub mod thread;
pub mod time;
mod tlb;
mod trap;
pub mod vspace;

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use x86_64::instructions::port::Port;

use boot::{MemoryEntry, StartInfo};

/// `hvm_start_info`'s magic number.
const PVH_MAGIC: u32 = 0x336E_C578;

/// First Rust code: on the boot stack, interrupts off, low memory identity-mapped.
extern "sysv64" fn start(info: u64) -> ! {
    cpu::adopt(0);
    desc::fill_idt();
    desc::load_idt();
    // SAFETY: the loader's structure, in identity-mapped memory that is not yet anybody's.
    let info = unsafe { &*(info as *const StartInfo) };
    assert!(
        info.magic == PVH_MAGIC && info.version >= 1,
        "not started through PVH, or by an old QEMU"
    );
    // SAFETY: the loader says where its memory map is and how long.
    let memory = unsafe {
        core::slice::from_raw_parts(
            info.memmap as *const MemoryEntry,
            info.memmap_entries as usize,
        )
    };
    let [image_start, .., image_end] = paging::image();
    pages::init(memory, image_start..image_end);
    let heap = pages::alloc_high(heap::SIZE / pages::PAGE)
        .expect("too little memory: the host needs 256 MiB");
    // SAFETY: fresh frames, identity-mapped.
    unsafe { heap::init(heap as usize, heap::SIZE) };
    paging::init();
    own_cpu();
    let firmware = match firmware::read(info.rsdp) {
        Ok(firmware) => firmware,
        Err(why) => panic!("{why}"),
    };
    // The old interrupt controllers: all lines masked.
    for port in [0x21, 0xA1] {
        // SAFETY: the mask registers of the two 8259s.
        unsafe { Port::<u8>::new(port).write(0xFF) };
    }
    lapic::init();
    firmware
        .ioapics
        .iter()
        .for_each(|&(pa, first)| ioapic::add(pa, first));
    time::calibrate(firmware.pm_timer);
    smp::start_others(&firmware.cpus);
    paging::unmap_low();
    tlb::shoot(0, 16);
    pci::init(firmware.ecam);
    mmio::init();
    if let Some(Err(why)) = firmware.iommu.map(iommu::init) {
        panic!("{why}");
    }
    meter::init();
    thread::spawn_big("main", 0, Box::new(crate::host_main));
    thread::schedule()
}

/// What each CPU does for itself: segments, stacks, identity. Interrupts off.
fn own_cpu() {
    desc::load_segments();
    let this = cpu::this();
    this.irq_stack.store(
        desc::stack(16, "interrupt stack").as_u64(),
        Ordering::Relaxed,
    );
    this.dpc_stack
        .store(desc::stack(16, "DPC stack").as_u64(), Ordering::Relaxed);
    this.fault_stack
        .store(desc::stack(16, "fault stack").as_u64(), Ordering::Relaxed);
    this.online.store(true, Ordering::Release);
}
