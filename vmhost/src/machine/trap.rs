// SPDX-License-Identifier: MIT OR Apache-2.0
//! The 256 entry points. Exceptions (0–31) save all registers; interrupts save what a win64 or
//! SysV handler may change: the volatile general registers, XMM0–5 and MXCSR. Interrupt handlers
//! run on a stack of the CPU's own, DPCs (vector 0x2F) on another, as on Windows.

use core::{arch::global_asm, mem::offset_of};

use super::{cpu::Cpu, fault, interrupt};

/// Registers at an exception, as the stub leaves them on the stack.
#[repr(C)]
pub struct Frame {
    /// r15 … r8, rdi, rsi, rbp, (unused), rbx, rdx, rcx, rax: number n of the x86 encoding at 15-n.
    pub regs: [u64; 16],
    /// Exception number.
    pub vector: u64,
    /// Error code or 0.
    pub error: u64,
    /// Instruction.
    pub rip: u64,
    /// Code segment.
    pub cs: u64,
    /// Flags.
    pub rflags: u64,
    /// Stack.
    pub rsp: u64,
    /// Stack segment.
    pub ss: u64,
}

impl Frame {
    /// General register by its x86 number (0 rax, 1 rcx, … 4 rsp … 15 r15).
    pub fn reg(&self, number: usize) -> u64 {
        if number == 4 {
            self.rsp
        } else {
            self.regs[15 - number]
        }
    }

    /// Sets a general register by its x86 number.
    pub fn set_reg(&mut self, number: usize, value: u64) {
        if number == 4 {
            self.rsp = value;
        } else {
            self.regs[15 - number] = value;
        }
    }
}

unsafe extern "C" {
    safe static trap_entries: u8;
}

/// Address of a vector's entry point; they are 16 bytes apart.
pub fn entry(vector: u8) -> u64 {
    &raw const trap_entries as u64 + u64::from(vector) * 16
}

/// Called for vectors below 32.
extern "sysv64" fn exception(frame: &mut Frame) {
    fault::exception(frame);
}

/// Called for the other vectors, interrupts off, on the stack of its kind.
extern "sysv64" fn interrupted(vector: u64) {
    interrupt::dispatch(vector as u8);
}

global_asm!(
    r#"
    .text
    .balign 16
    .global trap_entries
trap_entries:
    .set vector, 0
    .rept 256
    .balign 16
    // Vectors 8, 10-14, 17, 21, 29 and 30 come with an error code already pushed.
    .if ((0x60227D00 >> vector) & 1) && (vector < 32)
    .else
    .if vector < 32
    .byte 0x6A, 0
    .endif
    .endif
    .byte 0x68
    .long vector
    .byte 0xE9
    .if vector < 32
    .long exception_common - . - 4
    .else
    .long interrupt_common - . - 4
    .endif
    .set vector, vector + 1
    .endr

    .balign 16
exception_common:
    push rax
    push rcx
    push rdx
    push rbx
    push 0
    push rbp
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    cld
    mov rbp, rsp
    mov rdi, rsp
    and rsp, -16
    call {exception}
    mov rsp, rbp
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rbp
    add rsp, 8
    pop rbx
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq

    .balign 16
interrupt_common:
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    push rbp
    mov rbp, rsp
    cld
    mov rdi, [rbp + 80]
    and rsp, -16
    sub rsp, 112
    movaps [rsp], xmm0
    movaps [rsp + 16], xmm1
    movaps [rsp + 32], xmm2
    movaps [rsp + 48], xmm3
    movaps [rsp + 64], xmm4
    movaps [rsp + 80], xmm5
    stmxcsr [rsp + 96]
    ldmxcsr [rip + default_mxcsr]
    mov rax, rsp
    cmp edi, {dpc}
    je 2f
    cmp qword ptr gs:[{irq_depth}], 0
    jne 1f
    mov rsp, gs:[{irq_stack}]
1:  inc qword ptr gs:[{irq_depth}]
    push rax
    push rax
    call {interrupted}
    pop rax
    pop rsp
    dec qword ptr gs:[{irq_depth}]
    jmp 4f
2:  cmp qword ptr gs:[{dpc_depth}], 0
    jne 3f
    mov rsp, gs:[{dpc_stack}]
3:  inc qword ptr gs:[{dpc_depth}]
    push rax
    push rax
    call {interrupted}
    pop rax
    pop rsp
    dec qword ptr gs:[{dpc_depth}]
4:  movaps xmm0, [rsp]
    movaps xmm1, [rsp + 16]
    movaps xmm2, [rsp + 32]
    movaps xmm3, [rsp + 48]
    movaps xmm4, [rsp + 64]
    movaps xmm5, [rsp + 80]
    ldmxcsr [rsp + 96]
    mov rsp, rbp
    pop rbp
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    add rsp, 8
    iretq

    // Calls rdi(rsi) on the stack whose top is rdx. Does not return.
    .global call_on_stack
call_on_stack:
    mov rsp, rdx
    mov rax, rdi
    mov rdi, rsi
    xor ebp, ebp
    call rax
    ud2

    .balign 4
default_mxcsr:
    .long 0x1F80
    "#,
    dpc = const interrupt::DPC,
    exception = sym exception,
    interrupted = sym interrupted,
    irq_depth = const offset_of!(Cpu, irq_depth),
    dpc_depth = const offset_of!(Cpu, dpc_depth),
    irq_stack = const offset_of!(Cpu, irq_stack),
    dpc_stack = const offset_of!(Cpu, dpc_stack),
);

unsafe extern "sysv64" {
    /// Calls `f(arg)` on the stack that ends at `top` (a multiple of 16). Nothing of the old stack
    /// is used again.
    pub fn call_on_stack(f: extern "sysv64" fn(usize) -> !, arg: usize, top: u64) -> !;
}
