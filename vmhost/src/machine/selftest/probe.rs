// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accesses that are meant to fault, and what the CPU said about them.

use core::arch::global_asm;

use super::super::fault::{self, Expected, FaultInfo};

global_asm!(
    r#"
    .text
    .balign 16
probe_read:
    mov al, [rdi]
    ret
probe_write:
    mov byte ptr [rdi], 0
    ret
probe_jump:
    jmp rdi
    // rdi: an address in a guard page; used as the stack.
probe_stack:
    push rbx
    mov rbx, rsp
    mov rsp, rdi
    push rax
    mov rsp, rbx
    pop rbx
    ret
probe_stack_resume:
    mov rsp, rbx
    pop rbx
probe_resume:
    ret
    "#
);

unsafe extern "sysv64" {
    fn probe_read(va: usize);
    fn probe_write(va: usize);
    fn probe_jump(va: usize);
    fn probe_stack(va: usize);
    fn probe_resume();
    fn probe_stack_resume();
}

fn caught(resume: unsafe extern "sysv64" fn(), access: impl FnOnce()) -> Option<FaultInfo> {
    fault::expect(Some(Expected {
        resume: resume as usize as u64,
        seen: None,
    }));
    access();
    fault::expect(None).and_then(|expected| expected.seen)
}

/// Reads a byte.
pub fn read(va: usize) -> Option<FaultInfo> {
    // SAFETY: a load whose fault is caught.
    caught(probe_resume, || unsafe { probe_read(va) })
}

/// Writes a zero byte. The address must fault or be the test's own.
pub fn write(va: usize) -> Option<FaultInfo> {
    // SAFETY: the caller's memory, or a fault that is caught.
    caught(probe_resume, || unsafe { probe_write(va) })
}

/// Jumps there. The address must fault, or hold a `ret`.
pub fn jump(va: usize) -> Option<FaultInfo> {
    // SAFETY: a fetch whose fault is caught, or a plain return.
    caught(probe_resume, || unsafe { probe_jump(va) })
}

/// Pushes with the stack pointer at `va`, where the page below is not mapped.
pub fn push(va: usize) -> Option<FaultInfo> {
    // SAFETY: the push faults and is caught; the real stack pointer is kept in RBX.
    caught(probe_stack_resume, || unsafe { probe_stack(va) })
}
