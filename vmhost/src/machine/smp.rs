// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starts the other CPUs, one after another. First CPU, once, before any interrupt is enabled.

use core::sync::atomic::Ordering;

use super::{
    boot::{AP_START, ApStart, TRAMPOLINE, trampoline_end, trampoline_start},
    cpu, desc, interrupt, lapic, paging, thread, time, vspace,
};

/// How long a CPU may take to report.
const PATIENCE_NS: u64 = 1_000_000_000;

/// Starts all CPUs of `apic_ids` but this one; they go to their schedulers.
pub fn start_others(apic_ids: &[u32]) {
    let mine = cpu::this().apic_id.load(Ordering::Relaxed);
    let first = &raw const trampoline_start;
    let len = &raw const trampoline_end as usize - first as usize;
    let page = vspace::direct(TRAMPOLINE);
    paging::low_page_executable(TRAMPOLINE, true);
    // SAFETY: the page below 1 MiB is free RAM that the frame allocator never hands out; the
    // source is the linked trampoline.
    unsafe { core::ptr::copy_nonoverlapping(first, page as *mut u8, len) };
    let mut count = 1;
    for &apic_id in apic_ids.iter().filter(|id| **id != mine).take(cpu::MAX - 1) {
        let start = ApStart {
            cr3: paging::root(),
            stack: desc::stack(16, "scheduler stack").as_u64(),
            cpu: count as u64,
            entry: other as *const () as u64,
        };
        assert!(
            start.cr3 >> 32 == 0,
            "the page tables' root must lie below 4 GiB"
        );
        // SAFETY: the end of the trampoline page, which no CPU reads now.
        unsafe { ((page + AP_START as usize) as *mut ApStart).write_volatile(start) };
        let slot = cpu::get(count);
        lapic::send_init(apic_id);
        time::stall_us(200);
        lapic::send_startup(apic_id, (TRAMPOLINE >> 12) as u8);
        let deadline = time::now_ns() + PATIENCE_NS;
        let mut again = time::now_ns() + PATIENCE_NS / 50;
        while !slot.online.load(Ordering::Acquire) {
            let now = time::now_ns();
            assert!(now < deadline, "CPU with APIC id {apic_id} does not start");
            if now > again {
                again = u64::MAX;
                lapic::send_startup(apic_id, (TRAMPOLINE >> 12) as u8);
            }
            core::hint::spin_loop();
        }
        count += 1;
    }
    paging::low_page_executable(TRAMPOLINE, false);
    cpu::set_count(count);
}

/// First Rust code of another CPU: on its scheduler's stack, interrupts off.
extern "sysv64" fn other(index: usize) -> ! {
    cpu::adopt(index);
    desc::load_idt();
    lapic::init();
    lapic::timer_init(interrupt::CLOCK);
    super::own_cpu();
    thread::schedule()
}
