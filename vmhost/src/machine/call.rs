// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls into the driver with everything around them watched (contract G-05): every register that
//! a win64 callee must preserve holds a value of the host's choice during the call. Any IRQL.

use core::{arch::global_asm, mem::offset_of};

use x86_64::instructions::interrupts;

use super::irql;

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// RAX.
    pub ret: u64,
    /// What the callee left changed that it must not, if anything; the host has put it right.
    pub bad: Option<&'static str>,
}

/// Most arguments that can be passed.
pub const MAX_ARGS: usize = 11;

#[repr(C, align(16))]
struct Frame {
    target: u64,
    args: [u64; MAX_ARGS],
    /// rbx rbp rsi rdi r12 r13 r14 r15, then xmm6 to xmm15, two words each.
    before: [u64; 28],
    after: [u64; 28],
    ret: u64,
    rflags: u64,
    mxcsr: u32,
    x87: u32,
}

const CHANGED: [&str; 18] = [
    "RBX was changed",
    "RBP was changed",
    "RSI was changed",
    "RDI was changed",
    "R12 was changed",
    "R13 was changed",
    "R14 was changed",
    "R15 was changed",
    "XMM6 was changed",
    "XMM7 was changed",
    "XMM8 was changed",
    "XMM9 was changed",
    "XMM10 was changed",
    "XMM11 was changed",
    "XMM12 was changed",
    "XMM13 was changed",
    "XMM14 was changed",
    "XMM15 was changed",
];
const DIRECTION: u64 = 1 << 10;
const INTERRUPT: u64 = 1 << 9;
/// MXCSR bits a callee must preserve (the low six are exception flags).
const MXCSR_CONTROL: u32 = !0x3F;
const MXCSR_DEFAULT: u32 = 0x1F80;
const X87_DEFAULT: u32 = 0x037F;

global_asm!(
    r#"
    .text
    .balign 16
    // guarded_call(frame: *mut Frame in rdi)
guarded_call:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    // 160 XMM6-15, 16 MXCSR and x87 control, 8 frame, 8 alignment; below: 32 home, 56 arguments.
    sub rsp, 280
    movups [rsp + 96], xmm6
    movups [rsp + 112], xmm7
    movups [rsp + 128], xmm8
    movups [rsp + 144], xmm9
    movups [rsp + 160], xmm10
    movups [rsp + 176], xmm11
    movups [rsp + 192], xmm12
    movups [rsp + 208], xmm13
    movups [rsp + 224], xmm14
    movups [rsp + 240], xmm15
    stmxcsr [rsp + 256]
    fnstcw [rsp + 260]
    mov [rsp + 264], rdi
    ldmxcsr [rdi + {mxcsr}]
    fldcw [rdi + {x87}]
    // Arguments 5 to 11 go above the home space.
    lea r10, [rdi + {args} + 32]
    mov r11, [r10]
    mov [rsp + 32], r11
    mov r11, [r10 + 8]
    mov [rsp + 40], r11
    mov r11, [r10 + 16]
    mov [rsp + 48], r11
    mov r11, [r10 + 24]
    mov [rsp + 56], r11
    mov r11, [r10 + 32]
    mov [rsp + 64], r11
    mov r11, [r10 + 40]
    mov [rsp + 72], r11
    mov r11, [r10 + 48]
    mov [rsp + 80], r11
    mov rcx, [rdi + {args}]
    mov rdx, [rdi + {args} + 8]
    mov r8, [rdi + {args} + 16]
    mov r9, [rdi + {args} + 24]
    mov rax, [rdi + {target}]
    lea r10, [rdi + {before}]
    movups xmm6, [r10 + 64]
    movups xmm7, [r10 + 80]
    movups xmm8, [r10 + 96]
    movups xmm9, [r10 + 112]
    movups xmm10, [r10 + 128]
    movups xmm11, [r10 + 144]
    movups xmm12, [r10 + 160]
    movups xmm13, [r10 + 176]
    movups xmm14, [r10 + 192]
    movups xmm15, [r10 + 208]
    mov rbx, [r10]
    mov rbp, [r10 + 8]
    mov rsi, [r10 + 16]
    mov rdi, [r10 + 24]
    mov r12, [r10 + 32]
    mov r13, [r10 + 40]
    mov r14, [r10 + 48]
    mov r15, [r10 + 56]
    call rax
    mov r11, [rsp + 264]
    mov [r11 + {ret}], rax
    pushfq
    pop rax
    mov [r11 + {rflags}], rax
    cld
    lea r10, [r11 + {after}]
    mov [r10], rbx
    mov [r10 + 8], rbp
    mov [r10 + 16], rsi
    mov [r10 + 24], rdi
    mov [r10 + 32], r12
    mov [r10 + 40], r13
    mov [r10 + 48], r14
    mov [r10 + 56], r15
    movups [r10 + 64], xmm6
    movups [r10 + 80], xmm7
    movups [r10 + 96], xmm8
    movups [r10 + 112], xmm9
    movups [r10 + 128], xmm10
    movups [r10 + 144], xmm11
    movups [r10 + 160], xmm12
    movups [r10 + 176], xmm13
    movups [r10 + 192], xmm14
    movups [r10 + 208], xmm15
    stmxcsr [r11 + {mxcsr}]
    fnstcw [r11 + {x87}]
    movups xmm6, [rsp + 96]
    movups xmm7, [rsp + 112]
    movups xmm8, [rsp + 128]
    movups xmm9, [rsp + 144]
    movups xmm10, [rsp + 160]
    movups xmm11, [rsp + 176]
    movups xmm12, [rsp + 192]
    movups xmm13, [rsp + 208]
    movups xmm14, [rsp + 224]
    movups xmm15, [rsp + 240]
    ldmxcsr [rsp + 256]
    fldcw [rsp + 260]
    add rsp, 280
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
    "#,
    target = const offset_of!(Frame, target),
    args = const offset_of!(Frame, args),
    before = const offset_of!(Frame, before),
    after = const offset_of!(Frame, after),
    ret = const offset_of!(Frame, ret),
    rflags = const offset_of!(Frame, rflags),
    mxcsr = const offset_of!(Frame, mxcsr),
    x87 = const offset_of!(Frame, x87),
);

unsafe extern "sysv64" {
    fn guarded_call(frame: *mut Frame);
}

/// Calls the win64 function at `f` with up to 11 integer arguments on the current stack.
///
/// Afterwards the callee-saved registers, XMM6–15, MXCSR's and the x87 unit's control bits, the
/// direction and interrupt flags and CR8 are what they were, whatever the callee did.
pub fn call_driver(f: usize, args: &[u64]) -> Outcome {
    assert!(
        args.len() <= MAX_ARGS,
        "call_driver with {} arguments",
        args.len()
    );
    let mut frame = Frame {
        target: f as u64,
        // Arguments that the callee does not have must not look like anything.
        args: [0xA5A5_5A5A_DEAD_0000; MAX_ARGS],
        before: [0; 28],
        after: [0; 28],
        ret: 0,
        rflags: 0,
        mxcsr: MXCSR_DEFAULT,
        x87: X87_DEFAULT,
    };
    frame.args[..args.len()].copy_from_slice(args);
    // Not canonical as an address, different in every register and every call.
    let salt = (&raw const frame as u64).rotate_left(17) ^ f as u64;
    for (index, word) in frame.before.iter_mut().enumerate() {
        *word = 0xC5A0_0000_0000_0000
            | (salt.wrapping_add((index as u64 + 1) * 0x9E37_79B9_7F4A) & 0xFFFF_FFFF_FFFF);
    }
    let level = irql::current();
    let enabled = interrupts::are_enabled();
    // SAFETY: the frame is laid out as the assembly expects; that `f` is a driver's function is the
    // caller's business, and what it may break is checked below or by the page tables.
    unsafe { guarded_call(&raw mut frame) };
    // The flag in rflags, not the present one: nothing in between changes it.
    let level_after = irql::current();
    if level_after != level {
        irql::set(level);
    }
    if enabled != (frame.rflags & INTERRUPT != 0) {
        if enabled {
            interrupts::enable();
        } else {
            interrupts::disable();
        }
    }
    Outcome {
        ret: frame.ret,
        bad: verdict(&frame, level, level_after, enabled),
    }
}

fn verdict(frame: &Frame, level: u8, level_after: u8, enabled: bool) -> Option<&'static str> {
    let word = |index: usize| frame.before[index] != frame.after[index];
    let changed = |index: usize| {
        if index < 8 {
            word(index)
        } else {
            word(index * 2 - 8) || word(index * 2 - 7)
        }
    };
    if level_after != level {
        return Some(if level_after > level {
            "IRQL was left raised"
        } else {
            "IRQL was left lowered"
        });
    }
    if enabled != (frame.rflags & INTERRUPT != 0) {
        return Some(if enabled {
            "interrupts were left disabled"
        } else {
            "interrupts were left enabled"
        });
    }
    if frame.rflags & DIRECTION != 0 {
        return Some("the direction flag was left set");
    }
    if frame.mxcsr & MXCSR_CONTROL != MXCSR_DEFAULT & MXCSR_CONTROL {
        return Some("MXCSR's control bits were changed");
    }
    if frame.x87 as u16 != X87_DEFAULT as u16 {
        return Some("the x87 control word was changed");
    }
    (0..CHANGED.len())
        .find(|&index| changed(index))
        .map(|index| CHANGED[index])
}
