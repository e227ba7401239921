// SPDX-License-Identifier: MIT OR Apache-2.0
//! The few functions of QEMU's plugin interface that are needed. They are the same in every version
//! of the interface from 1 (QEMU 7.2) on. QEMU resolves them when it loads the plugin.

use std::{
    ffi::{c_char, c_int, c_uint, c_void},
    sync::atomic::{AtomicI32, Ordering},
};

/// A block of guest code that is being translated.
pub enum Block {}
/// One instruction of it.
pub enum Instruction {}
/// The plugin's id.
pub type Id = u64;
/// Called before an instruction is executed: CPU, and what was given at registration.
pub type Executed = extern "C" fn(cpu: c_uint, data: *mut c_void);
/// Called when a block is translated.
pub type Translated = extern "C" fn(id: Id, block: *mut Block);
/// The callback reads no guest registers (`QEMU_PLUGIN_CB_NO_REGS`).
pub const NO_REGISTERS: c_int = 0;

unsafe extern "C" {
    pub fn qemu_plugin_register_vcpu_tb_trans_cb(id: Id, callback: Translated);
    pub fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    pub fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Instruction;
    pub fn qemu_plugin_insn_vaddr(instruction: *const Instruction) -> u64;
    pub fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut Instruction,
        callback: Executed,
        flags: c_int,
        data: *mut c_void,
    );
}

/// The version of the interface that the plugin asks for. QEMU looks at it after it has loaded the
/// plugin, and refuses what is too old or too new for it.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "QEMU looks for this name")]
pub static qemu_plugin_version: AtomicI32 = AtomicI32::new(1);

/// Before QEMU 9 the newest version was 1; since then the oldest is 2, which came with scoreboards.
extern "C" fn negotiate(_: c_int, _: *mut *mut c_char, _: *mut *mut c_char) {
    // SAFETY: looks a name up among what the program has loaded.
    let scoreboard =
        unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"qemu_plugin_scoreboard_new".as_ptr()) };
    if !scoreboard.is_null() {
        qemu_plugin_version.store(2, Ordering::Relaxed);
    }
}

/// Run by the dynamic loader, before QEMU reads the version.
#[used]
#[unsafe(link_section = ".init_array")]
static NEGOTIATE: extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char) = negotiate;
