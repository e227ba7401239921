// SPDX-License-Identifier: MIT OR Apache-2.0
//! Co-operative PASSIVE threads, each pinned to a CPU. A CPU's scheduler runs on its boot stack:
//! it goes round its threads, and halts the CPU when none can run.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{
    arch::global_asm,
    cell::UnsafeCell,
    sync::atomic::{AtomicU64, Ordering},
};

use x86_64::instructions::interrupts;

use super::{
    cpu,
    irql::{self, Irql},
    lock::IrqSpin,
    meter,
    pages::PAGE,
    time, tlb,
    vspace::{self, Prot},
};

/// A thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u64);

/// What a kernel stack has on Windows x64 (contract G-10).
pub const KERNEL_STACK: usize = 24 << 10;
/// The host's own frames below the driver's on the same stack come on top.
const HOST_RESERVE: usize = 24 << 10;
const BIG_STACK: usize = 256 << 10;
/// Fill of a fresh stack; what still has it was never touched.
const FILL: u8 = 0xA7;

enum State {
    Ready,
    /// The condition lives on the waiting thread's stack.
    Waiting {
        deadline: u64,
        cond: *const dyn Fn() -> bool,
    },
    Done,
}

struct Thread {
    id: ThreadId,
    name: String,
    stack: usize,
    stack_len: usize,
    /// Saved stack pointer while it does not run.
    rsp: u64,
    context: u64,
    irql: Irql,
    state: State,
    /// What [`wait_until`] returns.
    held: bool,
    body: Option<Box<dyn FnOnce() + Send>>,
}

// SAFETY: a thread's raw pointer is used only by its own CPU's scheduler while the thread waits.
unsafe impl Send for Thread {}

#[derive(Default)]
struct Scheduler {
    #[expect(clippy::vec_box, reason = "a running thread's block must not move")]
    threads: Vec<Box<Thread>>,
    /// The scheduler's own stack pointer while a thread runs.
    rsp: u64,
}

/// A CPU's scheduler: touched by that CPU alone, and never by an interrupt.
struct Own(UnsafeCell<Scheduler>);
// SAFETY: see above.
unsafe impl Sync for Own {}

static SCHEDULERS: [Own; cpu::MAX] = [const {
    Own(UnsafeCell::new(Scheduler {
        threads: Vec::new(),
        rsp: 0,
    }))
}; cpu::MAX];
#[expect(clippy::vec_box, reason = "the scheduler takes the boxes over")]
static INBOX: [IrqSpin<Vec<Box<Thread>>>; cpu::MAX] =
    [const { IrqSpin::new(Vec::new()) }; cpu::MAX];
static NEXT: AtomicU64 = AtomicU64::new(1);

global_asm!(
    r#"
    .text
    .balign 16
    // switch_stack(save: *mut u64 in rdi, to: u64 in rsi). What a SysV or win64 function must
    // preserve: the host itself never touches XMM, but driver frames lie on these stacks.
switch_stack:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    sub rsp, 176
    movups [rsp], xmm6
    movups [rsp + 16], xmm7
    movups [rsp + 32], xmm8
    movups [rsp + 48], xmm9
    movups [rsp + 64], xmm10
    movups [rsp + 80], xmm11
    movups [rsp + 96], xmm12
    movups [rsp + 112], xmm13
    movups [rsp + 128], xmm14
    movups [rsp + 144], xmm15
    stmxcsr [rsp + 160]
    fnstcw [rsp + 164]
    mov [rdi], rsp
    mov rsp, rsi
    movups xmm6, [rsp]
    movups xmm7, [rsp + 16]
    movups xmm8, [rsp + 32]
    movups xmm9, [rsp + 48]
    movups xmm10, [rsp + 64]
    movups xmm11, [rsp + 80]
    movups xmm12, [rsp + 96]
    movups xmm13, [rsp + 112]
    movups xmm14, [rsp + 128]
    movups xmm15, [rsp + 144]
    ldmxcsr [rsp + 160]
    fldcw [rsp + 164]
    add rsp, 176
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

    // First return address of a thread: aligns the stack and never comes back.
thread_entry:
    xor ebp, ebp
    call {start}
    ud2
    "#,
    start = sym start,
);

unsafe extern "sysv64" {
    fn switch_stack(save: *mut u64, to: u64);
    fn thread_entry();
}

/// This CPU's scheduler.
fn own() -> *mut Scheduler {
    SCHEDULERS[cpu::id()].0.get()
}

/// The running thread's block; null in the scheduler itself.
fn running() -> *mut Thread {
    cpu::this().thread.load(Ordering::Relaxed) as *mut Thread
}

fn start_with(
    name: &str,
    cpu: usize,
    stack_len: usize,
    body: Box<dyn FnOnce() + Send>,
) -> ThreadId {
    assert!(
        cpu < cpu::count(),
        "thread {name} for CPU {cpu}, there are {}",
        cpu::count()
    );
    let stack = vspace::map_new(stack_len / PAGE, Prot::RW, FILL)
        .expect("out of memory for a thread's stack");
    vspace::label(stack, "thread stack");
    let id = ThreadId(NEXT.fetch_add(1, Ordering::Relaxed));
    // The first frame, as switch_stack pops it: XMM area (MXCSR and x87 control at their reset
    // values), six registers, the entry, and two slots that align the stack.
    let mut frame = [0u64; 31];
    frame[20] = 0x037F << 32 | 0x1F80;
    frame[28] = thread_entry as *const () as u64;
    let rsp = stack + stack_len - size_of_val(&frame);
    // SAFETY: the top of the stack just mapped, which nobody else uses.
    unsafe { (rsp as *mut [u64; 31]).write(frame) };
    let thread = Box::new(Thread {
        id,
        name: name.into(),
        stack,
        stack_len,
        rsp: rsp as u64,
        context: 0,
        irql: irql::PASSIVE,
        state: State::Ready,
        held: false,
        body: Some(body),
    });
    INBOX[cpu].lock().push(thread);
    poke(cpu);
    id
}

/// Starts a thread on a kernel-sized stack. Any IRQL.
pub fn spawn(name: &str, cpu: usize, f: Box<dyn FnOnce() + Send>) -> ThreadId {
    start_with(name, cpu, KERNEL_STACK + HOST_RESERVE, f)
}

/// Starts a thread on a 256 KiB stack, for host code.
pub fn spawn_big(name: &str, cpu: usize, f: Box<dyn FnOnce() + Send>) -> ThreadId {
    start_with(name, cpu, BIG_STACK, f)
}

/// First code of every thread.
extern "sysv64" fn start() -> ! {
    interrupts::enable();
    // SAFETY: the running thread's block stays until the thread is done.
    let body = unsafe { &mut *running() }.body.take();
    if let Some(body) = body {
        body();
    }
    leave(State::Done);
    unreachable!("a finished thread ran again");
}

/// Gives the CPU to the scheduler; returns when it chooses this thread again.
fn leave(state: State) {
    let thread = running();
    assert!(!thread.is_null(), "a wait outside any thread");
    let irql = irql::current();
    assert!(irql < irql::DISPATCH, "a thread switch at IRQL {irql}");
    assert!(
        interrupts::are_enabled(),
        "a thread switch with interrupts off"
    );
    interrupts::disable();
    // SAFETY: the block is this thread's own; the scheduler looks at it after the switch.
    let block = unsafe { &mut *thread };
    block.state = state;
    block.irql = irql;
    let save = &raw mut block.rsp;
    // SAFETY: this CPU's scheduler waits inside `run`, its stack pointer saved there.
    let to = unsafe { (*own()).rsp };
    // SAFETY: `to` is a stack that switch_stack left, with interrupts off.
    unsafe { switch_stack(save, to) };
    interrupts::enable();
}

/// PASSIVE: lets the CPU's other threads run.
pub fn yield_now() {
    leave(State::Ready);
}

/// PASSIVE: sleeps at least `ns`.
pub fn sleep_ns(ns: u64) {
    wait_until(Some(time::now_ns().saturating_add(ns)), &|| false);
}

/// PASSIVE: waits until `cond` holds (true) or the deadline is past (false). `cond` is evaluated
/// by this CPU's scheduler after every interrupt of this CPU and every [`wake`]; it must not block.
pub fn wait_until(deadline_ns: Option<u64>, cond: &dyn Fn() -> bool) -> bool {
    if cond() {
        return true;
    }
    let cond: *const (dyn Fn() -> bool + '_) = cond;
    // SAFETY: only the lifetime changes; the scheduler calls it while this frame waits, no later.
    let cond: *const (dyn Fn() -> bool + 'static) = unsafe { core::mem::transmute(cond) };
    leave(State::Waiting {
        deadline: deadline_ns.unwrap_or(u64::MAX),
        cond,
    });
    // SAFETY: the running thread's own block.
    unsafe { (*running()).held }
}

/// Makes all CPUs look at their waiting threads again. Any IRQL.
pub fn wake() {
    (0..cpu::count()).for_each(poke);
}

/// Makes one CPU look again.
fn poke(index: usize) {
    let cpu = cpu::get(index);
    cpu.need_pass.store(true, Ordering::SeqCst);
    // The CPU itself is not asleep; another one that is about to sleep looks at `need_pass` after
    // it has set `idle`.
    if index != cpu::id() && cpu.idle.load(Ordering::SeqCst) {
        super::lapic::send(index, super::interrupt::KICK);
    }
}

/// The running thread; 0 before there are any.
pub fn current() -> ThreadId {
    let thread = running();
    if thread.is_null() {
        return ThreadId(0);
    }
    // SAFETY: the running thread's block stays.
    unsafe { (*thread).id }
}

/// The running thread's name.
pub fn name() -> String {
    let thread = running();
    if thread.is_null() {
        return "scheduler".into();
    }
    // SAFETY: the running thread's block stays.
    unsafe { &*thread }.name.clone()
}

/// Bytes of the running thread's stack that were never touched. Counts the host's reserve.
pub fn stack_low_watermark() -> usize {
    let thread = running();
    if thread.is_null() {
        return 0;
    }
    // SAFETY: the running thread's block stays.
    let block = unsafe { &*thread };
    let (stack, len) = (block.stack, block.stack_len);
    // SAFETY: the whole stack is mapped while the thread lives.
    let bytes = unsafe { core::slice::from_raw_parts(stack as *const u8, len) };
    bytes.iter().take_while(|byte| **byte == FILL).count()
}

/// Lowest and highest address of the stack the caller runs on.
pub fn stack_bounds() -> (usize, usize) {
    let marker = 0u8;
    let rsp = &raw const marker as usize;
    match vspace::region_of(rsp) {
        Some(region) => (region.base, region.base + region.pages * PAGE),
        None => (rsp, rsp),
    }
}

/// Whether `va` is in the guard page below or above some stack.
pub(super) fn is_stack_guard(va: usize) -> bool {
    // The guard below a region is the page behind the one before it.
    let above = vspace::region_of(va + PAGE);
    let stack = |region: vspace::RegionInfo| {
        region.label.ends_with("stack") && region.base == (va & !(PAGE - 1)) + PAGE
    };
    above.is_some_and(stack)
}

/// Runs one thread until it leaves. Interrupts on; on the scheduler's stack.
fn run(scheduler: *mut Scheduler, thread: *mut Thread) {
    let this = cpu::this();
    interrupts::disable();
    // SAFETY: the thread is this CPU's, does not run, and its block does not move.
    let block = unsafe { &mut *thread };
    block.state = State::Ready;
    meter::settle();
    let mine = this.context.swap(block.context, Ordering::Relaxed);
    this.thread.store(thread as u64, Ordering::Relaxed);
    irql::set(block.irql);
    let to = block.rsp;
    // SAFETY: this CPU's scheduler; its `rsp` is used by nobody else.
    let save = unsafe { &raw mut (*scheduler).rsp };
    // SAFETY: `to` is a stack that switch_stack left or `start_with` built.
    unsafe { switch_stack(save, to) };
    this.thread.store(0, Ordering::Relaxed);
    // SAFETY: the block is alive: only this function's caller removes threads.
    let block = unsafe { &mut *thread };
    meter::settle();
    block.context = this.context.swap(mine, Ordering::Relaxed);
    irql::set(irql::PASSIVE);
    interrupts::enable();
}

/// Whether the thread can run now; else `earliest` takes its deadline.
fn ready(thread: &mut Thread, earliest: &mut u64) -> bool {
    match thread.state {
        State::Ready => true,
        State::Done => false,
        State::Waiting { deadline, cond } => {
            // SAFETY: the closure lives on the stack of the thread, which waits.
            let cond = unsafe { &*cond };
            thread.held = cond();
            let runs = thread.held || (deadline != u64::MAX && time::now_ns() >= deadline);
            if !runs {
                *earliest = deadline.min(*earliest);
            }
            runs
        }
    }
}

/// This CPU's scheduler: never returns. PASSIVE.
pub(super) fn schedule() -> ! {
    let scheduler = own();
    let this = cpu::this();
    interrupts::enable();
    loop {
        this.need_pass.store(false, Ordering::SeqCst);
        let fresh = core::mem::take(&mut *INBOX[cpu::id()].lock());
        // SAFETY: this CPU's scheduler, and no thread runs now.
        let threads = unsafe { &mut (*scheduler).threads };
        threads.extend(fresh);
        let count = threads.len();
        let mut earliest = u64::MAX;
        let mut ran = false;
        for index in 0..count {
            // SAFETY: this CPU's scheduler; no thread runs now.
            let threads = unsafe { &mut (*scheduler).threads };
            let thread = &raw mut *threads[index];
            // SAFETY: blocks do not move, and are removed only in `bury`.
            if ready(unsafe { &mut *thread }, &mut earliest) {
                ran = true;
                run(scheduler, thread);
            }
        }
        if ran {
            bury(scheduler);
        } else {
            idle(earliest);
        }
    }
}

/// Removes finished threads.
fn bury(scheduler: *mut Scheduler) {
    // SAFETY: this CPU's scheduler, and no thread runs now.
    let threads = unsafe { &mut (*scheduler).threads };
    threads.retain(|thread| {
        let done = matches!(thread.state, State::Done);
        if done {
            vspace::unmap(thread.stack);
        }
        !done
    });
}

/// Halts until an interrupt, unless something happened since the last pass began.
fn idle(earliest: u64) {
    let this = cpu::this();
    interrupts::disable();
    this.idle.store(true, Ordering::SeqCst);
    if !this.need_pass.load(Ordering::SeqCst) {
        time::wake_at(earliest);
        tlb::enter_quiet();
        interrupts::enable_and_hlt();
        interrupts::disable();
    }
    this.idle.store(false, Ordering::SeqCst);
    tlb::leave_quiet();
    interrupts::enable();
}
