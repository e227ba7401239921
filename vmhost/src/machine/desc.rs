// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptor tables: segments, task state (stacks of NMI and double fault), interrupt gates.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::{
    PrivilegeLevel, VirtAddr,
    instructions::{
        segmentation::{CS, DS, ES, SS, Segment},
        tables::{lidt, load_tss},
    },
    structures::{
        DescriptorTablePointer,
        gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector},
        tss::TaskStateSegment,
    },
};

use super::{trap, vspace};

/// Selector of the 64-bit code segment.
const CODE: u16 = 8;
/// Interrupt stack table slots (1-based in the gate).
const IST_DOUBLE_FAULT: u64 = 1;
const IST_NMI: u64 = 2;
const IST_MACHINE_CHECK: u64 = 3;

static IDT: [[AtomicU64; 2]; 256] = [const { [AtomicU64::new(0), AtomicU64::new(0)] }; 256];

/// Fills the one interrupt descriptor table. First CPU, once.
pub fn fill_idt() {
    for (vector, gate) in IDT.iter().enumerate() {
        let target = trap::entry(vector as u8);
        let ist = match vector {
            2 => IST_NMI,
            8 => IST_DOUBLE_FAULT,
            18 => IST_MACHINE_CHECK,
            _ => 0,
        };
        // 0x8E: present, ring 0, interrupt gate.
        let low = target & 0xFFFF
            | u64::from(CODE) << 16
            | ist << 32
            | 0x8E00 << 32
            | (target >> 16 & 0xFFFF) << 48;
        gate[0].store(low, Ordering::Relaxed);
        gate[1].store(target >> 32, Ordering::Relaxed);
    }
}

/// Loads the interrupt descriptor table on this CPU.
pub fn load_idt() {
    let pointer = DescriptorTablePointer {
        limit: (size_of_val(&IDT) - 1) as u16,
        base: VirtAddr::from_ptr(&raw const IDT),
    };
    // SAFETY: the table is static and complete.
    unsafe { lidt(&pointer) };
}

/// A stack with guard pages; its top.
pub fn stack(pages: usize, label: &'static str) -> VirtAddr {
    let base = vspace::map_new(pages, vspace::Prot::RW, 0).expect("out of memory for CPU stacks");
    vspace::label(base, label);
    VirtAddr::new((base + pages * super::pages::PAGE) as u64)
}

/// Gives this CPU its own segments and task state. Needs the heap and the address space.
pub fn load_segments() {
    let mut tss = TaskStateSegment::new();
    for (slot, label) in [
        (IST_DOUBLE_FAULT, "double-fault stack"),
        (IST_NMI, "NMI stack"),
        (IST_MACHINE_CHECK, "machine-check stack"),
    ] {
        tss.interrupt_stack_table[slot as usize - 1] = stack(4, label);
    }
    let tss: &'static TaskStateSegment = Box::leak(Box::new(tss));
    let gdt: &'static mut GlobalDescriptorTable = Box::leak(Box::new(GlobalDescriptorTable::new()));
    let code = gdt.append(Descriptor::kernel_code_segment());
    let data = gdt.append(Descriptor::kernel_data_segment());
    let task = gdt.append(Descriptor::tss_segment(tss));
    assert!(code == SegmentSelector::new(CODE / 8, PrivilegeLevel::Ring0));
    gdt.load();
    // SAFETY: `code` is a 64-bit ring 0 code segment of the table just loaded.
    unsafe { CS::set_reg(code) };
    // SAFETY: `data` is a writable ring 0 data segment of the table just loaded.
    unsafe { SS::set_reg(data) };
    // SAFETY: as above.
    unsafe { DS::set_reg(data) };
    // SAFETY: as above. FS and GS keep their bases: they are not loaded.
    unsafe { ES::set_reg(data) };
    // SAFETY: `task` is an available task state segment that lives for ever.
    unsafe { load_tss(task) };
}
