// SPDX-License-Identifier: MIT OR Apache-2.0
//! From QEMU's PVH entry (32-bit, paging off) to Rust in long mode, for the first CPU and for the
//! others. Runs once, with interrupts off.

use core::arch::global_asm;

/// Where the other CPUs start in real mode: one page below 1 MiB that no firmware table occupies.
pub const TRAMPOLINE: u64 = 0x8000;

/// What QEMU's PVH loader leaves in EBX (Xen public interface, `hvm_start_info` version 1).
#[repr(C)]
pub struct StartInfo {
    /// 0x336E_C578.
    pub magic: u32,
    /// 1 or newer.
    pub version: u32,
    _flags: u32,
    _modules: u32,
    _modlist: u64,
    _cmdline: u64,
    /// The ACPI root pointer.
    pub rsdp: u64,
    /// Array of [`MemoryEntry`].
    pub memmap: u64,
    /// Its length.
    pub memmap_entries: u32,
    _reserved: u32,
}

/// One range of physical memory; `kind` 1 is RAM.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MemoryEntry {
    /// First address.
    pub base: u64,
    /// Bytes.
    pub len: u64,
    /// 1: usable RAM.
    pub kind: u32,
    _reserved: u32,
}

/// What an application processor finds at the end of the trampoline page.
#[repr(C)]
pub struct ApStart {
    /// Page table root, below 4 GiB.
    pub cr3: u64,
    /// Initial stack.
    pub stack: u64,
    /// CPU index, first argument of `entry`.
    pub cpu: u64,
    /// `extern "sysv64" fn(usize) -> !`.
    pub entry: u64,
}
/// Offset of [`ApStart`] in the trampoline page.
pub const AP_START: u64 = 0xF00;

unsafe extern "C" {
    /// First byte of the trampoline as linked.
    pub safe static trampoline_start: u8;
    /// One past its last byte.
    pub safe static trampoline_end: u8;
}

// The PVH note: type 18, name "Xen", a 32-bit entry address.
global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4
    .long 4
    .long 18
    .asciz "Xen"
    .long pvh_entry

    .section .boot, "ax"
    .code32
    .global pvh_entry
pvh_entry:
    cli
    cld
    mov esp, offset boot_stack_top
    mov ebp, ebx

    // Identity map of the first 4 GiB in 2 MiB pages, good enough until the real tables exist.
    mov edi, offset boot_pml4
    mov eax, offset boot_pdpt
    or eax, 3
    mov [edi], eax
    mov edi, offset boot_pdpt
    mov eax, offset boot_pd
    or eax, 3
    mov ecx, 4
2:  mov [edi], eax
    add eax, 4096
    add edi, 8
    dec ecx
    jnz 2b
    mov edi, offset boot_pd
    mov eax, 0x83
    mov ecx, 2048
3:  mov [edi], eax
    add eax, 0x200000
    add edi, 8
    dec ecx
    jnz 3b

    mov eax, offset boot_pml4
    mov cr3, eax
    mov eax, cr4
    or eax, 0x620            // PAE, OSFXSR, OSXMMEXCPT
    mov cr4, eax
    mov ecx, 0xC0000080      // EFER: LME, NXE
    rdmsr
    or eax, 0x900
    wrmsr
    mov eax, cr0
    and eax, 0xFFFFFFFB      // EM off
    or eax, 0x80010023       // PG, WP, NE, MP, PE
    mov cr0, eax
    lgdt [boot_gdtr]
    .byte 0xEA               // far jump to the 64-bit segment
    .long boot_64
    .word 0x08

    .code64
boot_64:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    xor eax, eax
    mov fs, ax
    mov gs, ax
    lea rsp, [rip + boot_stack_top]
    mov edi, ebp
    xor ebp, ebp
    call {entry}
4:  hlt
    jmp 4b

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00AF9B000000FFFF // 64-bit code
    .quad 0x00CF93000000FFFF // data
boot_gdtr:
    .word 23
    .long boot_gdt

    .balign 16
    .global trampoline_start
    .global trampoline_end
    .code16
trampoline_start:
    cli
    cld
    xor ax, ax
    mov ds, ax
    .byte 0x66, 0x0F, 0x01, 0x16 // lgdt with a 32-bit base, address in 16 bits
    .word {tramp} + (trampoline_gdtr - trampoline_start)
    mov eax, cr0
    or eax, 1
    mov cr0, eax
    .byte 0x66, 0xEA
    .long {tramp} + (trampoline_32 - trampoline_start)
    .word 0x08
    .code32
trampoline_32:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, cr4
    or eax, 0x620
    mov cr4, eax
    mov eax, [{tramp} + {ap}]
    mov cr3, eax
    mov ecx, 0xC0000080
    rdmsr
    or eax, 0x900
    wrmsr
    mov eax, cr0
    and eax, 0x9FFFFFFB      // caches on, EM off
    or eax, 0x80010023
    mov cr0, eax
    .byte 0xEA
    .long {tramp} + (trampoline_64 - trampoline_start)
    .word 0x18
    .code64
trampoline_64:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, {tramp} + {ap}
    mov rsp, [rax + 8]
    mov rdi, [rax + 16]
    mov rax, [rax + 24]
    xor ebp, ebp
    call rax
5:  hlt
    jmp 5b
    .balign 8
trampoline_gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF // 32-bit code
    .quad 0x00CF93000000FFFF // data
    .quad 0x00AF9B000000FFFF // 64-bit code
trampoline_gdtr:
    .word 31
    .long {tramp} + (trampoline_gdt - trampoline_start)
trampoline_end:
    .code64

    .section .bss.boot, "aw", @nobits
    .balign 4096
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd:   .skip 16384
boot_stack: .skip 65536
boot_stack_top:
    .text
    "#,
    entry = sym super::start,
    tramp = const TRAMPOLINE,
    ap = const AP_START,
);
