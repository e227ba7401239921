// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames, mappings, faults and the other CPUs' view of them.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicUsize, Ordering};

use x86_64::instructions::interrupts;

use super::{
    super::{
        cpu,
        fault::{self, FaultInfo},
        irql,
        pages::{self, PAGE},
        pci::{self, BarKind},
        thread, time,
        vspace::{self, Prot},
    },
    Checks, probe,
};

const PAGE_FAULT: u8 = 14;

pub fn run(checks: &mut Checks) {
    frames(checks);
    mappings(checks);
    faults(checks);
    if cpu::count() > 1 {
        shootdown(checks);
    }
    bars(checks);
}

fn frames(checks: &mut Checks) {
    let run = pages::alloc_below(5, 0xFF_FFFF, 0x4000).expect("frames below 16 MiB");
    checks.that(
        "frames with a limit and an alignment",
        run.is_multiple_of(0x4000) && run + 5 * 4096 <= 1 << 24,
    );
    checks.equal(
        "a limit too low gives none",
        pages::alloc_below(5, 0x4FFF, 1),
        None,
    );
    pages::free(run, 5);
    let again = pages::alloc_below(5, 0xFF_FFFF, 0x4000);
    checks.equal("frames come back", again, Some(run));
    pages::free(run, 5);
    irql::raise(irql::HIGH);
    let block: Vec<u64> = (0..1000).collect();
    irql::lower(irql::PASSIVE);
    checks.equal("the heap works at HIGH_LEVEL", block[999], 999);
}

fn mappings(checks: &mut Checks) {
    let free = pages::free_frames();
    let va = vspace::map_new(3, Prot::RW, 0xC7).expect("memory");
    let first = vspace::translate(va).expect("mapped");
    // SAFETY: three pages just mapped.
    let bytes = unsafe { core::slice::from_raw_parts(va as *const u8, 3 * PAGE) };
    checks.that(
        "new memory has its fill",
        bytes.iter().all(|byte| *byte == 0xC7),
    );
    checks.that(
        "is_mapped knows the ends",
        vspace::is_mapped(va, 3 * PAGE, true) && !vspace::is_mapped(va, 3 * PAGE + 1, false),
    );
    checks.that(
        "is_mapped refuses the host's own memory",
        !vspace::is_mapped(vspace::direct(first), 1, false),
    );
    let second = vspace::map_phys(first, 1, Prot::RO);
    // SAFETY: the first of the three pages.
    unsafe { (va as *mut u64).write_volatile(0x55) };
    // SAFETY: the read-only view of the same frame.
    let seen = unsafe { (second as *const u64).read_volatile() };
    checks.equal("two mappings of one frame agree", seen, 0x55);
    checks.that(
        "a read-only mapping is not writable",
        !vspace::is_mapped(second, 8, true),
    );
    vspace::unmap(second);
    vspace::unmap(va);
    let again = vspace::map_new(3, Prot::RW, 0).expect("memory");
    checks.that(
        "addresses are never used again",
        again != va && again != second,
    );
    vspace::unmap(again);
    // Page tables made on the way stay; other threads may have ended meanwhile.
    checks.that(
        "unmapping gives the frames back",
        pages::free_frames() + 3 >= free,
    );
}

fn is_fault(info: &Option<FaultInfo>, va: usize, error: u64) -> bool {
    info.is_some_and(|info| {
        info.vector == PAGE_FAULT && info.cr2 == va as u64 && info.error == error
    })
}

fn text(info: &Option<FaultInfo>) -> alloc::string::String {
    info.as_ref().map_or("no fault".into(), fault::describe)
}

fn faults(checks: &mut Checks) {
    const PRESENT: u64 = 1;
    const WRITE: u64 = 2;
    const FETCH: u64 = 16;
    let va = vspace::map_new(2, Prot::RW, 0).expect("memory");
    vspace::label(va, "test memory");
    checks.that(
        "a good access does not fault",
        probe::read(va).is_none() && probe::write(va + 2 * PAGE - 1).is_none(),
    );
    let past = probe::read(va + 2 * PAGE);
    checks.that(
        "the guard page behind faults",
        is_fault(&past, va + 2 * PAGE, 0),
    );
    checks.contains(
        "and the text says so",
        &text(&past),
        "0x0 bytes past the end of test memory, 0x2000 bytes",
    );
    checks.that(
        "the guard page before faults",
        is_fault(&probe::write(va - 1), va - 1, WRITE),
    );
    checks.contains(
        "the text names the instruction",
        &text(&past),
        "at vmhost 0x",
    );
    vspace::protect(va, 1, Prot::RO);
    checks.that(
        "a write to read-only memory faults",
        is_fault(&probe::write(va), va, PRESENT | WRITE),
    );
    checks.that(
        "its neighbour stays writable",
        probe::write(va + PAGE).is_none(),
    );
    let fetch = probe::jump(va);
    checks.that(
        "data is not executable",
        is_fault(&fetch, va, PRESENT | FETCH),
    );
    checks.contains("and the text says executing", &text(&fetch), "executing");
    vspace::protect(va, 1, Prot::RW);
    // SAFETY: the page is the test's own and writable again; 0xC3 is `ret`.
    unsafe { (va as *mut u8).write_volatile(0xC3) };
    vspace::protect(va, 1, Prot::RX);
    checks.that("executable memory is", probe::jump(va).is_none());
    vspace::set_present(va, 1, false);
    checks.that(
        "memory taken away faults",
        is_fault(&probe::read(va), va, 0),
    );
    vspace::set_present(va, 1, true);
    checks.that(
        "and comes back with its contents and protection",
        probe::jump(va).is_none(),
    );
    vspace::unmap(va);
    let stale = probe::read(va + 8);
    checks.that("retired memory faults", is_fault(&stale, va + 8, 0));
    checks.contains(
        "and the text says freed",
        &text(&stale),
        "test memory that was freed",
    );
    let null = probe::read(0x10);
    checks.that("a null pointer faults", is_fault(&null, 0x10, 0));
    checks.contains("and the text says null", &text(&null), "a null pointer");
    let wild = probe::read(0x8000_0000_0000_0000);
    checks.equal(
        "an address that is not canonical faults",
        wild.map(|info| info.vector),
        Some(13),
    );
    let code = probe::write(probe::read as *const () as usize);
    checks.that(
        "the host's code is not writable",
        code.is_some_and(|info| info.error == PRESENT | WRITE),
    );
    let (low, _) = thread::stack_bounds();
    let overflow = probe::push(low);
    checks.equal(
        "a push into a stack's guard page is a double fault",
        overflow.map(|info| info.vector),
        Some(8),
    );
    checks.contains(
        "told as a stack overflow",
        &text(&overflow),
        "stack overflow",
    );
}

/// The other CPU has used a page; after this CPU's unmap it must fault there, whether it was
/// busy with interrupts off, or idle.
fn shootdown(checks: &mut Checks) {
    const READY: usize = 1;
    const GO: usize = 2;
    const FAULTED: usize = 3;
    const READ_STALE: usize = 4;
    for idle in [false, true] {
        let va = vspace::map_new(1, Prot::RW, 0).expect("memory");
        let state = Arc::new(AtomicUsize::new(0));
        let mine = Arc::clone(&state);
        thread::spawn(
            "reader",
            1,
            Box::new(move || {
                assert!(probe::read(va).is_none(), "the page is mapped");
                if idle {
                    mine.store(READY, Ordering::SeqCst);
                    thread::wake();
                    thread::wait_until(None, &|| mine.load(Ordering::SeqCst) == GO);
                } else {
                    interrupts::disable();
                    mine.store(READY, Ordering::SeqCst);
                    while mine.load(Ordering::SeqCst) != GO {
                        core::hint::spin_loop();
                    }
                    interrupts::enable();
                }
                let seen = if is_fault(&probe::read(va), va, 0) {
                    FAULTED
                } else {
                    READ_STALE
                };
                mine.store(seen, Ordering::SeqCst);
                thread::wake();
            }),
        );
        let reached = |goal: usize| {
            thread::wait_until(Some(time::now_ns() + 1_000_000_000), &|| {
                state.load(Ordering::SeqCst) >= goal
            })
        };
        // A CPU with interrupts off cannot wake this one: look again and again.
        while state.load(Ordering::SeqCst) != READY {
            thread::yield_now();
        }
        if idle {
            thread::sleep_ns(2_000_000);
        }
        vspace::unmap(va);
        state.store(GO, Ordering::SeqCst);
        thread::wake();
        reached(FAULTED);
        let name = if idle {
            "unmap reaches a CPU that was idle"
        } else {
            "unmap reaches a CPU with interrupts off"
        };
        checks.equal(name, state.load(Ordering::SeqCst), FAULTED);
    }
    storm(checks);
}

/// All CPUs map and unmap at once: shootdowns from every side must not lock up.
fn storm(checks: &mut Checks) {
    const ROUNDS: usize = 200;
    let done = Arc::new(AtomicUsize::new(0));
    let start = time::now_ns();
    for index in 0..cpu::count() {
        let mine = Arc::clone(&done);
        thread::spawn(
            "mapper",
            index,
            Box::new(move || {
                let stale = |va| is_fault(&probe::read(va), va, 0);
                for _ in 0..ROUNDS {
                    let va = vspace::map_new(1, Prot::RW, 1).expect("memory");
                    let used = probe::write(va).is_none();
                    vspace::unmap(va);
                    if used && stale(va) {
                        mine.fetch_add(1, Ordering::SeqCst);
                    }
                }
                thread::wake();
            }),
        );
    }
    let want = ROUNDS * cpu::count();
    thread::wait_until(Some(start + 5_000_000_000), &|| {
        done.load(Ordering::SeqCst) == want
    });
    checks.equal(
        "all CPUs map and unmap at once",
        done.load(Ordering::SeqCst),
        want,
    );
    crate::log!(
        "        {} us each",
        (time::now_ns() - start) / 1000 / want as u64
    );
}

fn bars(checks: &mut Checks) {
    let devices = pci::devices();
    checks.that(
        "the host bridge is found",
        devices.iter().any(|device| device.class >> 8 == 0x0600),
    );
    let mut assigned = true;
    let mut all = 0;
    for device in &devices {
        for bar in pci::bars(device)
            .iter()
            .filter(|bar| bar.kind != BarKind::Io)
        {
            all += 1;
            assigned &= bar.pa != 0 && bar.len.is_power_of_two() && bar.pa.is_multiple_of(bar.len);
        }
        crate::log!(
            "        {:02x}:{:02x}.{} {:04x}:{:04x} {:x?}",
            device.bus,
            device.dev,
            device.func,
            device.vendor,
            device.device,
            pci::bars(device)
        );
    }
    checks.that(
        "memory BARs are assigned and aligned to their sizes",
        assigned && all > 0,
    );
}
