// SPDX-License-Identifier: MIT OR Apache-2.0
// What a driver links from BufferOverflowFastFailK.lib when no WDK is at hand: the security cookie,
// its check, and an entry point that seeds the cookie before DriverEntry runs. Rust code has no
// cookie checks; C code linked into the image would.
    .intel_syntax noprefix

    .text
    .globl GsDriverEntry
    .def GsDriverEntry; .scl 2; .type 32; .endef
// NTSTATUS GsDriverEntry(PDRIVER_OBJECT rcx, PUNICODE_STRING rdx): keeps both for DriverEntry.
GsDriverEntry:
    mov r8, rdx
    rdtsc
    shl rdx, 32
    or rax, rdx
    mov rdx, r8
    lea r8, [rip + __security_cookie]
    xor rax, r8
    // The upper 16 bits are zero in every cookie, so that a string overrun cannot write it.
    shl rax, 16
    shr rax, 16
    mov [r8], rax
    not rax
    mov [rip + __security_cookie_complement], rax
    jmp DriverEntry

    .globl __security_check_cookie
    .def __security_check_cookie; .scl 2; .type 32; .endef
// void __security_check_cookie(uintptr_t rcx): stops the machine when rcx is not the cookie.
__security_check_cookie:
    cmp rcx, [rip + __security_cookie]
    jne 1f
    ret
1:
    mov ecx, 2
    int 0x29

    .data
    .p2align 3
    .globl __security_cookie
__security_cookie:
    .quad 0x00002B992DDFA232
    .globl __security_cookie_complement
__security_cookie_complement:
    .quad 0xFFFFD466D2205DCD
