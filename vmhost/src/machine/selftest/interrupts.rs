// SPDX-License-Identifier: MIT OR Apache-2.0
//! IRQL, vectors, DPCs, messages and lines.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::{
    arch::global_asm,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use x86_64::instructions::port::PortWriteOnly;

use super::{
    super::{cpu, dpc, interrupt, ioapic, irql, lapic, lock::IrqSpin, msi, thread, time, vspace},
    Checks,
};

pub fn run(checks: &mut Checks) {
    masking(checks);
    nesting(checks);
    registers_kept(checks);
    dpcs(checks);
    remote_dpcs(checks);
    messages(checks);
    line(checks);
    disconnecting(checks);
}

fn masking(checks: &mut Checks) {
    let vector = interrupt::alloc_vector(5).expect("a vector");
    let seen = Arc::new((
        AtomicU64::new(0),
        AtomicU64::new(99),
        AtomicBool::new(false),
    ));
    let mine = Arc::clone(&seen);
    interrupt::connect(
        vector,
        Arc::new(move || {
            mine.0.fetch_add(1, Ordering::SeqCst);
            mine.1.store(irql::current().into(), Ordering::SeqCst);
            mine.2.store(cpu::interrupts_enabled(), Ordering::SeqCst);
        }),
    );
    let count = || seen.0.load(Ordering::SeqCst);
    checks.equal("vector's class is its IRQL", vector >> 4, 5);
    let old = irql::raise(5);
    lapic::send_self(vector);
    time::stall_us(200);
    checks.equal("IRQL 5 holds off vector 5x", count(), 0);
    irql::lower(4);
    checks.equal("IRQL 4 lets vector 5x through at once", count(), 1);
    checks.equal(
        "the handler runs at IRQL 5",
        seen.1.load(Ordering::SeqCst),
        5,
    );
    checks.that(
        "the handler runs with interrupts enabled",
        seen.2.load(Ordering::SeqCst),
    );
    checks.equal("IRQL is as before after the handler", irql::current(), 4);
    lapic::send_self(vector);
    checks.equal("a second interrupt is delivered (EOI was sent)", count(), 2);
    irql::lower(old);
    let spurious = interrupt::spurious();
    interrupt::disconnect(vector);
    lapic::send_self(vector);
    checks.equal(
        "a disconnected vector is counted as spurious",
        interrupt::spurious(),
        spurious + 1,
    );
    checks.equal("a disconnected handler is not called", count(), 2);
    interrupt::free_vector(vector);
    checks.equal(
        "a freed vector is given out again",
        interrupt::alloc_vector(5),
        Some(vector),
    );
    interrupt::free_vector(vector);
}

fn nesting(checks: &mut Checks) {
    let [low, middle, high] =
        [3, 6, 9].map(|level| interrupt::alloc_vector(level).expect("a vector"));
    let order = Arc::new(IrqSpin::new(Vec::new()));
    let note = |vector: u8, what: char| {
        let order = Arc::clone(&order);
        interrupt::connect(vector, Arc::new(move || order.lock().push(what)));
    };
    note(low, 'l');
    note(high, 'h');
    let mine = Arc::clone(&order);
    interrupt::connect(
        middle,
        Arc::new(move || {
            mine.lock().push('(');
            lapic::send_self(low);
            lapic::send_self(high);
            let dpc = Arc::clone(&mine);
            dpc::queue(cpu::id(), Box::new(move || dpc.lock().push('d')));
            time::stall_us(50);
            mine.lock().push(')');
        }),
    );
    lapic::send_self(middle);
    order.lock().push('p');
    let got: String = order.lock().iter().collect();
    checks.equal(
        "a higher class preempts, a lower one and the DPC wait, thread code comes last",
        got.as_str(),
        "(h)ldp",
    );
    for vector in [low, middle, high] {
        interrupt::disconnect(vector);
        interrupt::free_vector(vector);
    }
}

global_asm!(
    r#"
    .text
    // Fills XMM0-5 and the volatile registers, lowers CR8 to rdi, and says in eax whether all of
    // them survived the interrupt that comes there.
kept_over_cr8:
    push rbx
    mov rbx, 0x0123456789ABCDEF
    movq xmm0, rbx
    movddup xmm0, xmm0
    movaps xmm1, xmm0
    movaps xmm2, xmm0
    movaps xmm3, xmm0
    movaps xmm4, xmm0
    movaps xmm5, xmm0
    mov rcx, rbx
    mov rdx, rbx
    mov rsi, rbx
    mov r8, rbx
    mov r9, rbx
    mov r10, rbx
    mov r11, rbx
    mov rax, rbx
    mov cr8, rdi
    nop
    cmp rax, rbx
    jne 1f
    cmp rcx, rbx
    jne 1f
    cmp rdx, rbx
    jne 1f
    cmp rsi, rbx
    jne 1f
    cmp r8, rbx
    jne 1f
    cmp r9, rbx
    jne 1f
    cmp r10, rbx
    jne 1f
    cmp r11, rbx
    jne 1f
    pand xmm0, xmm1
    pand xmm0, xmm2
    pand xmm0, xmm3
    pand xmm0, xmm4
    pand xmm0, xmm5
    movq rax, xmm0
    cmp rax, rbx
    jne 1f
    psrldq xmm0, 8
    movq rax, xmm0
    cmp rax, rbx
    jne 1f
    mov eax, 1
    pop rbx
    ret
1:  xor eax, eax
    pop rbx
    ret
    // What a driver's ISR may do.
spoil_volatile:
    pxor xmm0, xmm0
    pxor xmm1, xmm1
    pxor xmm2, xmm2
    pxor xmm3, xmm3
    pxor xmm4, xmm4
    pxor xmm5, xmm5
    xor eax, eax
    xor ecx, ecx
    xor edx, edx
    xor r8d, r8d
    xor r9d, r9d
    xor r10d, r10d
    xor r11d, r11d
    ret
    "#
);

unsafe extern "sysv64" {
    fn kept_over_cr8(irql: u64) -> u32;
    fn spoil_volatile();
}

fn registers_kept(checks: &mut Checks) {
    let vector = interrupt::alloc_vector(4).expect("a vector");
    let calls = Arc::new(AtomicU64::new(0));
    let mine = Arc::clone(&calls);
    interrupt::connect(
        vector,
        Arc::new(move || {
            mine.fetch_add(1, Ordering::SeqCst);
            // SAFETY: clears registers that no function may rely on over a call.
            unsafe { spoil_volatile() };
        }),
    );
    irql::raise(irql::HIGH);
    lapic::send_self(vector);
    // SAFETY: lowers CR8 to PASSIVE, where this test was.
    let kept = unsafe { kept_over_cr8(0) };
    checks.equal(
        "an inline CR8 write lets the interrupt in",
        calls.load(Ordering::SeqCst),
        1,
    );
    checks.equal(
        "volatile registers and XMM0-5 survive an interrupt",
        kept,
        1,
    );
    interrupt::disconnect(vector);
    interrupt::free_vector(vector);
}

fn dpcs(checks: &mut Checks) {
    let order = Arc::new(IrqSpin::new(Vec::new()));
    let here = cpu::id();
    let queue = |what: char| {
        let order = Arc::clone(&order);
        dpc::queue(here, Box::new(move || order.lock().push(what)));
    };
    queue('1');
    order.lock().push('a');
    irql::raise(irql::DISPATCH);
    queue('2');
    queue('3');
    order.lock().push('b');
    irql::lower(irql::PASSIVE);
    order.lock().push('c');
    let got: String = order.lock().iter().collect();
    checks.equal(
        "DPCs run before PASSIVE code goes on, and not at DISPATCH",
        got.as_str(),
        "1ab23c",
    );
    let facts = Arc::new(IrqSpin::new((0, false, String::new(), false)));
    let mine = Arc::clone(&facts);
    dpc::queue(
        here,
        Box::new(move || {
            let marker = 0u8;
            let label =
                vspace::region_of(&raw const marker as usize).map_or("", |region| region.label);
            *mine.lock() = (
                irql::current(),
                cpu::interrupts_enabled(),
                label.into(),
                dpc::active(),
            );
        }),
    );
    let expected = (irql::DISPATCH, true, "DPC stack".into(), true);
    checks.equal(
        "a DPC: IRQL 2, interrupts on, on its own stack",
        facts.lock().clone(),
        expected,
    );
    checks.that("no DPC is active afterwards", !dpc::active());
    let nested = Arc::new(IrqSpin::new(Vec::new()));
    let mine = Arc::clone(&nested);
    dpc::queue(
        here,
        Box::new(move || {
            let inner = Arc::clone(&mine);
            dpc::queue(cpu::id(), Box::new(move || inner.lock().push('i')));
            mine.lock().push('o');
        }),
    );
    let got: String = nested.lock().iter().collect();
    checks.equal("a DPC queued by a DPC runs after it", got.as_str(), "oi");
}

fn remote_dpcs(checks: &mut Checks) {
    let ran = Arc::new(IrqSpin::new(Vec::new()));
    for target in 0..cpu::count() {
        for _ in 0..100 {
            let mine = Arc::clone(&ran);
            dpc::queue(
                target,
                Box::new(move || mine.lock().push((target, cpu::id(), irql::current()))),
            );
        }
    }
    dpc::flush();
    let got = ran.lock().clone();
    checks.equal(
        "flush waits for the DPCs of all CPUs",
        got.len(),
        100 * cpu::count(),
    );
    checks.that(
        "each DPC ran on its CPU at DISPATCH",
        got.iter().all(|(to, on, at)| to == on && *at == 2),
    );
}

fn messages(checks: &mut Checks) {
    let vector = interrupt::alloc_vector(7).expect("a vector");
    let by_cpu: Arc<[AtomicUsize; cpu::MAX]> = Arc::new([const { AtomicUsize::new(0) }; cpu::MAX]);
    let mine = Arc::clone(&by_cpu);
    interrupt::connect(
        vector,
        Arc::new(move || {
            mine[cpu::id()].fetch_add(1, Ordering::SeqCst);
            thread::wake();
        }),
    );
    let mut arrived = true;
    for target in 0..cpu::count() {
        for _ in 0..10 {
            let before = by_cpu[target].load(Ordering::SeqCst);
            let (address, data) = msi::message_for(vector, target);
            // SAFETY: the message window; QEMU takes a store there as the message it stands for.
            unsafe { (vspace::direct(address) as *mut u32).write_volatile(data) };
            let deadline = time::now_ns() + 500_000_000;
            arrived &= thread::wait_until(Some(deadline), &|| {
                by_cpu[target].load(Ordering::SeqCst) == before + 1
            });
        }
    }
    checks.that("ten messages to each CPU arrive there, once each", arrived);
    let total: usize = by_cpu
        .iter()
        .map(|count| count.load(Ordering::SeqCst))
        .sum();
    checks.equal("and nowhere else", total, 10 * cpu::count());
    interrupt::disconnect(vector);
    interrupt::free_vector(vector);
}

/// The interval timer's line: the one edge source that every q35 machine has.
fn line(checks: &mut Checks) {
    const TIMER_LINE: u32 = 2;
    let vector = interrupt::alloc_vector(8).expect("a vector");
    let target = cpu::count() - 1;
    let ticks = Arc::new(AtomicU64::new(0));
    let on = Arc::new(AtomicUsize::new(99));
    let (mine, my_cpu) = (Arc::clone(&ticks), Arc::clone(&on));
    interrupt::connect(
        vector,
        Arc::new(move || {
            my_cpu.store(cpu::id(), Ordering::SeqCst);
            mine.fetch_add(1, Ordering::SeqCst);
            thread::wake();
        }),
    );
    let count = || ticks.load(Ordering::SeqCst);
    // Mode 2, the divisor's low byte only: some 4700 interrupts a second.
    // SAFETY: the interval timer is nobody else's.
    unsafe { PortWriteOnly::<u8>::new(0x43).write(0x14) };
    // SAFETY: as above.
    unsafe { PortWriteOnly::<u8>::new(0x40).write(0xFF) };
    ioapic::connect(TIMER_LINE, vector, target, false, false);
    let came = thread::wait_until(Some(time::now_ns() + 500_000_000), &|| count() >= 5);
    checks.that("an edge line interrupts through the I/O APIC", came);
    checks.equal(
        "on the CPU it was routed to",
        on.load(Ordering::SeqCst),
        target,
    );
    ioapic::mask(TIMER_LINE, true);
    thread::sleep_ns(2_000_000);
    let before = count();
    thread::sleep_ns(5_000_000);
    checks.equal("a masked line is silent", count(), before);
    // SAFETY: mode 0 without a count: the timer stops.
    unsafe { PortWriteOnly::<u8>::new(0x43).write(0x10) };
    interrupt::disconnect(vector);
    interrupt::free_vector(vector);
}

fn disconnecting(checks: &mut Checks) {
    if cpu::count() < 2 {
        return;
    }
    let vector = interrupt::alloc_vector(6).expect("a vector");
    let state = Arc::new(AtomicU64::new(0));
    let mine = Arc::clone(&state);
    interrupt::connect(
        vector,
        Arc::new(move || {
            mine.store(1, Ordering::SeqCst);
            time::stall_us(5000);
            mine.store(2, Ordering::SeqCst);
        }),
    );
    lapic::send(1, vector);
    while state.load(Ordering::SeqCst) == 0 {
        core::hint::spin_loop();
    }
    interrupt::disconnect(vector);
    checks.equal(
        "disconnect returns when the other CPU has left the handler",
        state.load(Ordering::SeqCst),
        2,
    );
    interrupt::free_vector(vector);
}
