// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls of functions that break the win64 convention in every way that is watched.

use core::arch::global_asm;

use x86_64::registers::rflags::{self, RFlags};

use super::{
    super::{call, cpu, irql},
    Checks,
};

global_asm!(
    r#"
    .text
    // r = sum of argument n times n, for all eleven.
weighted_sum:
    mov rax, rcx
    lea rax, [rax + rdx*2]
    lea r8, [r8 + r8*2]
    add rax, r8
    lea rax, [rax + r9*4]
    mov r10, 5
    lea r11, [rsp + 40]
1:  mov rcx, [r11]
    imul rcx, r10
    add rax, rcx
    add r11, 8
    inc r10
    cmp r10, 12
    jb 1b
    ret
well_behaved:
    push rbx
    push rdi
    xor ebx, ebx
    xor edi, edi
    // The caller's home space is the callee's.
    mov [rsp + 24], rbx
    mov [rsp + 32], rbx
    mov [rsp + 40], rbx
    mov [rsp + 48], rbx
    pxor xmm0, xmm0
    pxor xmm5, xmm5
    pop rdi
    pop rbx
    mov eax, 42
    ret
spoil_rbx:
    inc rbx
    ret
spoil_rsi:
    xor esi, esi
    ret
spoil_r15:
    xor r15d, r15d
    ret
spoil_xmm6:
    pxor xmm6, xmm6
    ret
spoil_xmm15_high:
    movddup xmm15, xmm15
    ret
spoil_df:
    std
    ret
spoil_if:
    cli
    ret
spoil_irql:
    mov eax, 2
    mov cr8, rax
    ret
spoil_mxcsr:
    mov dword ptr [rsp + 8], 0x9FC0
    ldmxcsr [rsp + 8]
    ret
    "#
);

unsafe extern "C" {
    safe static weighted_sum: u8;
    safe static well_behaved: u8;
    safe static spoil_rbx: u8;
    safe static spoil_rsi: u8;
    safe static spoil_r15: u8;
    safe static spoil_xmm6: u8;
    safe static spoil_xmm15_high: u8;
    safe static spoil_df: u8;
    safe static spoil_if: u8;
    safe static spoil_irql: u8;
    safe static spoil_mxcsr: u8;
}

pub fn run(checks: &mut Checks) {
    let args = [3u64, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
    let want: u64 = args.iter().zip(1..).map(|(arg, weight)| arg * weight).sum();
    let sum = call::call_driver(&raw const weighted_sum as usize, &args);
    checks.equal("eleven arguments arrive, RAX comes back", sum.ret, want);
    let good = call::call_driver(&raw const well_behaved as usize, &[1, 2]);
    checks.equal(
        "a function that keeps to the convention passes",
        (good.ret, good.bad),
        (42, None),
    );
    let cases = [
        (&raw const spoil_rbx, "RBX was changed"),
        (&raw const spoil_rsi, "RSI was changed"),
        (&raw const spoil_r15, "R15 was changed"),
        (&raw const spoil_xmm6, "XMM6 was changed"),
        (&raw const spoil_xmm15_high, "XMM15 was changed"),
        (&raw const spoil_df, "the direction flag was left set"),
        (&raw const spoil_if, "interrupts were left disabled"),
        (&raw const spoil_irql, "IRQL was left raised"),
        (&raw const spoil_mxcsr, "MXCSR's control bits were changed"),
    ];
    for (function, complaint) in cases {
        let outcome = call::call_driver(function as usize, &[]);
        checks.equal(complaint, outcome.bad, Some(complaint));
        let sane = cpu::interrupts_enabled()
            && irql::current() == irql::PASSIVE
            && !rflags::read().contains(RFlags::DIRECTION_FLAG);
        if !sane {
            checks.that("and is put right", false);
        }
    }
}
