// SPDX-License-Identifier: MIT OR Apache-2.0
//! CPU exceptions that are somebody's bug, and the words for them.

use alloc::{format, string::String};
use core::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

use x86_64::registers::control::Cr2;

use super::{
    console::Raw,
    cpu, exit,
    irql::{self, Irql},
    lock::IrqSpin,
    mmio, paged, paging, thread, tlb,
    trap::{self, Frame},
    vspace,
};

/// What the CPU said.
#[derive(Clone, Copy, Debug)]
pub struct FaultInfo {
    /// Exception number.
    pub vector: u8,
    /// Error code, 0 where there is none.
    pub error: u64,
    /// Faulting address of a page fault (and of the stack access behind a double fault).
    pub cr2: u64,
    /// Instruction.
    pub rip: u64,
    /// Stack.
    pub rsp: u64,
    /// IRQL at the fault.
    pub irql: Irql,
    /// General registers: rax rcx rdx rbx rsp rbp rsi rdi r8..r15.
    pub regs: [u64; 16],
    /// Why a trapped register access could not be performed; empty for other faults.
    pub note: &'static str,
}

const NONE: usize = 0;
static HOOK: AtomicUsize = AtomicUsize::new(NONE);
static EXPECTED: IrqSpin<[Option<Expected>; cpu::MAX]> = IrqSpin::new([None; cpu::MAX]);

/// Sets who takes over at a fault. It runs on a stack of its own with interrupts off.
pub fn set_hook(hook: fn(&FaultInfo) -> !) {
    HOOK.store(hook as usize, Ordering::Release);
}

/// A fault that the self-test provokes: where to go on, and what was seen.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    /// Where to go on.
    pub resume: u64,
    /// What the CPU said.
    pub seen: Option<FaultInfo>,
}

/// Arms (or with `None` disarms) one expected fault on this CPU; gives the old state.
pub(super) fn expect(expected: Option<Expected>) -> Option<Expected> {
    core::mem::replace(&mut EXPECTED.lock()[cpu::id()], expected)
}

/// From the exception stub, on the faulting code's stack (or the vector's own).
pub(super) fn exception(frame: &mut Frame) {
    const NMI: u64 = 2;
    const PAGE_FAULT: u64 = 14;
    const DEBUG: u64 = 1;
    if frame.vector == NMI {
        if exit::stopping() {
            exit::park();
        }
        tlb::catch_up();
        return;
    }
    let cr2 = Cr2::read_raw();
    let mut note = "";
    if frame.vector == DEBUG && paged::stepped(frame) {
        return;
    }
    if frame.vector == PAGE_FAULT {
        if paged::page_fault(frame, cr2) {
            return;
        }
        match mmio::page_fault(frame, cr2) {
            mmio::Trap::Done => return,
            mmio::Trap::NotMine => {}
            mmio::Trap::Refused(why) => note = why,
        }
    }
    let mut info = FaultInfo {
        vector: frame.vector as u8,
        error: frame.error,
        cr2,
        rip: frame.rip,
        rsp: frame.rsp,
        irql: irql::current(),
        regs: [0; 16],
        note,
    };
    for (number, reg) in info.regs.iter_mut().enumerate() {
        *reg = frame.reg(number);
    }
    if let Some(mut expected) = expect(None)
        && expected.seen.is_none()
    {
        frame.rip = expected.resume;
        expected.seen = Some(info);
        expect(Some(expected));
        return;
    }
    let top = cpu::this().fault_stack.load(Ordering::Relaxed);
    if cpu::this().faulting.swap(true, Ordering::AcqRel) || top == 0 {
        // A fault while telling about a fault, or before there are stacks.
        raw(&info);
        exit::exit(super::panic::EXIT_FATAL);
    }
    // The info lies on a stack that is never returned to.
    // SAFETY: the fault stack is this CPU's and unused; `told` does not return.
    unsafe { trap::call_on_stack(told, &raw const info as usize, top) }
}

extern "sysv64" fn told(info: usize) -> ! {
    // SAFETY: `exception` passed the address of its own info, and its stack is left as it is.
    let info = unsafe { &*(info as *const FaultInfo) };
    let hook = HOOK.load(Ordering::Acquire);
    if hook != NONE {
        // SAFETY: only `set_hook` stores there, and it stores such a function.
        let hook: fn(&FaultInfo) -> ! = unsafe { core::mem::transmute(hook) };
        hook(info);
    }
    super::panic::fatal(&describe(info))
}

/// A line without heap or locks.
fn raw(info: &FaultInfo) {
    // The port takes everything.
    let _ = writeln!(
        Raw,
        "vmhost: CPU {}: {} error {:#x} at {:#x}, address {:#x}, rsp {:#x}, IRQL {}",
        cpu::id(),
        name(info.vector),
        info.error,
        info.rip,
        info.cr2,
        info.rsp,
        info.irql
    );
}

/// The exception's name.
pub fn name(vector: u8) -> &'static str {
    match vector {
        0 => "divide error",
        1 => "debug exception",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid instruction",
        7 => "x87/SSE not available",
        8 => "double fault",
        10 => "invalid task state",
        11 => "segment not present",
        12 => "stack segment fault",
        13 => "general protection fault",
        14 => "page fault",
        16 => "x87 error",
        17 => "alignment check",
        18 => "machine check",
        19 => "SSE floating-point exception",
        _ => "exception",
    }
}

/// What an address is: null, a live region, its guard, retired memory, the host, nothing.
pub fn what_is(va: u64) -> String {
    let at = va as usize;
    if va < 0x1_0000 {
        return "a null pointer".into();
    }
    if let Some((image, offset, section)) = crate::pe::locate(at) {
        return format!("{image}+{offset:#x} (section {section})");
    }
    if at < 512 << 30 {
        let [start, .., end] = paging::image();
        let whose = if (start..end).contains(&va) {
            "the host's image"
        } else {
            "the host's own physical memory view"
        };
        return whose.into();
    }
    if (va as i64) << 16 >> 16 != va as i64 {
        return "not a canonical address".into();
    }
    match vspace::region_of(at) {
        None => "never handed out".into(),
        Some(region) => {
            let end = region.base + region.pages * super::pages::PAGE;
            let (base, bytes, label) = (region.base, end - region.base, region.label);
            match (region.live, at < end) {
                (true, true) => format!(
                    "{label}, {bytes:#x} bytes at {base:#x}, offset {:#x}",
                    at - base
                ),
                (true, false) => format!(
                    "{:#x} bytes past the end of {label}, {bytes:#x} bytes at {base:#x}",
                    at - end
                ),
                (false, true) => format!(
                    "{label} that was freed: {bytes:#x} bytes at {base:#x}, offset {:#x}",
                    at - base
                ),
                (false, false) => format!("past the end of freed {label} at {base:#x}"),
            }
        }
    }
}

/// `image+0xoffset` or the host's, or the plain address.
pub fn place(va: u64) -> String {
    if let Some((image, offset, _)) = crate::pe::locate(va as usize) {
        return format!("{image}+{offset:#x}");
    }
    let [start, code_end, ..] = paging::image();
    if (start..code_end).contains(&va) {
        return format!("vmhost {va:#x}");
    }
    format!("{va:#x}")
}

/// One line: exception, address and what it is, instruction as image+offset.
pub fn describe(info: &FaultInfo) -> String {
    let mut text = format!("{} (vector {})", name(info.vector), info.vector);
    // Writing to a String does not fail.
    let _ = match info.vector {
        8 if thread::is_stack_guard(info.cr2 as usize) => {
            write!(
                text,
                ": stack overflow, guard page touched at {:#x}",
                info.cr2
            )
        }
        14 => {
            let access = match info.error {
                error if error & 16 != 0 => "executing",
                error if error & 2 != 0 => "writing",
                _ => "reading",
            };
            let why = if info.error & 1 != 0 {
                "protected"
            } else {
                "not mapped"
            };
            write!(
                text,
                ": {access} {:#x}, {why}: {}",
                info.cr2,
                what_is(info.cr2)
            )
        }
        _ if info.error != 0 => write!(text, ", error code {:#x}", info.error),
        _ => Ok(()),
    };
    if !info.note.is_empty() {
        let _ = write!(text, "; {}", info.note);
    }
    let _ = write!(
        text,
        "; at {} on CPU {}, thread {}, IRQL {}, rsp {:#x}",
        place(info.rip),
        cpu::id(),
        thread::name(),
        info.irql,
        info.rsp
    );
    text
}
