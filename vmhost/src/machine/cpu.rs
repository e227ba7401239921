// SPDX-License-Identifier: MIT OR Apache-2.0
//! The CPUs and what each has for itself, reached through GS.
//!
//! The block begins in the shape of the x64 KPCR/KPRCB as far as inline functions of the WDK read
//! it: the self pointer (0x18), the current thread (0x188) and the processor number (0x184, 0x1A4).

use core::{
    arch::asm,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

use x86_64::{VirtAddr, instructions::interrupts, registers::model_specific::GsBase};

/// Most CPUs that are started.
pub const MAX: usize = vmhost_proto::MAX_CPUS as usize;

/// One CPU's own data.
#[repr(C, align(4096))]
pub struct Cpu {
    _kpcr: [u64; 3],
    /// 0x18: address of this block.
    pub this: AtomicU64,
    /// 0x20: address of the KPRCB-shaped part.
    pub prcb: AtomicU64,
    _kpcr2: [u8; 0x184 - 0x28],
    /// 0x184: the number, as old headers read it.
    pub legacy_number: AtomicU32,
    /// 0x188: the running thread.
    pub thread: AtomicU64,
    _kprcb: [u8; 0x1A4 - 0x190],
    /// 0x1A4: the number.
    pub number: AtomicU32,
    _rest: [u8; 0x200 - 0x1A8],
    /// Stack of interrupt handlers.
    pub irq_stack: AtomicU64,
    /// Stack of DPCs.
    pub dpc_stack: AtomicU64,
    /// Stack on which fatal faults are told.
    pub fault_stack: AtomicU64,
    /// Interrupts being handled.
    pub irq_depth: AtomicU64,
    /// DPC interrupts being handled (0 or 1 unless somebody lowers IRQL inside a DPC).
    pub dpc_depth: AtomicU64,
    /// See [`context`].
    pub context: AtomicU64,
    /// Local APIC id.
    pub apic_id: AtomicU32,
    /// Runs host code.
    pub online: AtomicBool,
    /// In `hlt`, or about to be.
    pub idle: AtomicBool,
    /// Runs nothing but the host's own waiting (halted, or spinning for a lock), and forgets stale
    /// translations before it goes on: no TLB shootdown needs to wait for it.
    pub quiet: AtomicBool,
    /// The scheduler must look at its threads again.
    pub need_pass: AtomicBool,
    /// A DPC software interrupt is pending.
    pub dpc_requested: AtomicBool,
    /// A fatal fault is being told.
    pub faulting: AtomicBool,
    /// Last TLB generation this CPU has caught up with.
    pub tlb_seen: AtomicU64,
    /// When the scheduler wants to be woken; `u64::MAX`: never.
    pub sched_deadline: AtomicU64,
    /// What the LAPIC timer is set to; `u64::MAX`: off.
    pub armed: AtomicU64,
}

impl Cpu {
    const fn new() -> Self {
        Self {
            _kpcr: [0; 3],
            this: AtomicU64::new(0),
            prcb: AtomicU64::new(0),
            _kpcr2: [0; 0x184 - 0x28],
            legacy_number: AtomicU32::new(0),
            thread: AtomicU64::new(0),
            _kprcb: [0; 0x1A4 - 0x190],
            number: AtomicU32::new(0),
            _rest: [0; 0x200 - 0x1A8],
            irq_stack: AtomicU64::new(0),
            dpc_stack: AtomicU64::new(0),
            fault_stack: AtomicU64::new(0),
            irq_depth: AtomicU64::new(0),
            dpc_depth: AtomicU64::new(0),
            context: AtomicU64::new(0),
            apic_id: AtomicU32::new(0),
            online: AtomicBool::new(false),
            idle: AtomicBool::new(false),
            quiet: AtomicBool::new(false),
            need_pass: AtomicBool::new(false),
            dpc_requested: AtomicBool::new(false),
            faulting: AtomicBool::new(false),
            tlb_seen: AtomicU64::new(0),
            sched_deadline: AtomicU64::new(u64::MAX),
            armed: AtomicU64::new(u64::MAX),
        }
    }
}

const _: () = {
    assert!(core::mem::offset_of!(Cpu, this) == 0x18);
    assert!(core::mem::offset_of!(Cpu, prcb) == 0x20);
    assert!(core::mem::offset_of!(Cpu, legacy_number) == 0x184);
    assert!(core::mem::offset_of!(Cpu, thread) == 0x188);
    assert!(core::mem::offset_of!(Cpu, number) == 0x1A4);
    assert!(core::mem::offset_of!(Cpu, irq_stack) == 0x200);
};

static CPUS: [Cpu; MAX] = [const { Cpu::new() }; MAX];
static COUNT: AtomicUsize = AtomicUsize::new(1);

/// Makes `index` this CPU's number; everything else of the host works only after it.
pub(super) fn adopt(index: usize) {
    let cpu = &CPUS[index];
    let base = cpu as *const Cpu as u64;
    cpu.this.store(base, Ordering::Relaxed);
    cpu.prcb.store(base + 0x180, Ordering::Relaxed);
    cpu.number.store(index as u32, Ordering::Relaxed);
    cpu.legacy_number.store(index as u32, Ordering::Relaxed);
    GsBase::write(VirtAddr::new(base));
}

/// Another CPU's data.
pub(super) fn get(index: usize) -> &'static Cpu {
    &CPUS[index]
}

/// This CPU's data. The reference stays right while the caller stays on this CPU; host threads
/// never move.
#[inline]
pub(super) fn this() -> &'static Cpu {
    let base: *const Cpu;
    // SAFETY: GS points to this CPU's block since `adopt`; the self pointer never changes.
    unsafe {
        asm!("mov {}, gs:[0x18]", out(reg) base, options(pure, readonly, nostack, preserves_flags))
    };
    // SAFETY: the block is an element of `CPUS`.
    unsafe { &*base }
}

/// All CPUs that run.
pub(super) fn all() -> &'static [Cpu] {
    &CPUS[..count()]
}

/// Called once, when all CPUs have reported.
pub(super) fn set_count(count: usize) {
    COUNT.store(count, Ordering::Release);
}

/// Index of this CPU, from 0.
#[inline]
pub fn id() -> usize {
    this().number.load(Ordering::Relaxed) as usize
}

/// Number of CPUs that run.
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}

/// RFLAGS.IF.
pub fn interrupts_enabled() -> bool {
    interrupts::are_enabled()
}

/// This CPU's context word: the thread switch saves and restores it, interrupts do not.
pub fn context() -> u64 {
    this().context.load(Ordering::Relaxed)
}

/// Sets this CPU's context word.
pub fn set_context(value: u64) {
    this().context.store(value, Ordering::Relaxed);
}
