// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts the instructions that each CPU of a QEMU TCG guest executes between two addresses, in
//! memory that the guest sees too: so the checked host reads, before and after a call into the
//! driver, how many of the driver's instructions this CPU has executed, and needs no marks in the
//! code. `vmhost_proto::meter` says where everything lies.
//!
//! `-plugin libdriver_meter.so,counts=FILE` with FILE behind an `ivshmem-plain` device.
//!
//! Each instruction is counted before it is executed, one that faults included; one that QEMU
//! restarts by itself is counted once. What lies outside the range is not slowed down.

mod qemu;

use memmap2::MmapMut;
use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    fs::File,
    sync::{
        OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};
use vmhost_proto::meter;

/// The shared memory.
struct Shared {
    base: usize,
    /// Kept so that the memory stays mapped.
    _map: MmapMut,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

impl Shared {
    fn new(mut map: MmapMut) -> Self {
        Self {
            base: map.as_mut_ptr() as usize,
            _map: map,
        }
    }

    /// The word at a byte offset that is a multiple of 8.
    fn word(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset < meter::SIZE);
        // SAFETY: inside the mapping, aligned, and everybody who shares it uses whole words.
        unsafe { &*((self.base + offset) as *const AtomicU64) }
    }

    /// A histogram's count for an instruction.
    fn count(&self, histogram: usize, place: usize) -> Option<&AtomicU32> {
        let offset = meter::histogram(histogram)? + place.checked_mul(4)?;
        if place >= meter::PLACES {
            return None;
        }
        // SAFETY: `meter::histogram` gives places inside the mapping, and `place` stays inside it.
        Some(unsafe { &*((self.base + offset) as *const AtomicU32) })
    }
}

/// QEMU's call at start. Not 0: the plugin cannot work, and QEMU ends.
///
/// # Safety
/// `arguments` points to `count` C strings that live as long as the call, as QEMU gives them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: qemu::Id,
    _info: *const c_void,
    count: c_int,
    arguments: *const *const c_char,
) -> c_int {
    let path = (0..usize::try_from(count).unwrap_or(0)).find_map(|index| {
        // SAFETY: QEMU gives `count` pointers.
        let pointer = unsafe { arguments.add(index) };
        // SAFETY: one of them.
        let text = unsafe { *pointer };
        // SAFETY: each is a C string that lives as long as this call.
        let text = unsafe { CStr::from_ptr(text) };
        text.to_str()
            .ok()?
            .strip_prefix("counts=")
            .map(str::to_owned)
    });
    match path
        .ok_or_else(|| "counts=FILE is missing".to_owned())
        .and_then(|path| open(&path))
    {
        Ok(map) => {
            let shared = SHARED.get_or_init(|| Shared::new(map));
            shared
                .word(meter::MAGIC_AT)
                .store(meter::MAGIC, Ordering::Release);
            // SAFETY: the id is that of this call.
            unsafe { qemu::qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
            0
        }
        Err(why) => {
            eprintln!("driver_meter: {why}");
            -1
        }
    }
}

fn open(path: &str) -> Result<MmapMut, String> {
    let explain = |error: std::io::Error| format!("{path}: {error}");
    let file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(explain)?;
    if file.metadata().map_err(explain)?.len() != meter::SIZE as u64 {
        return Err(format!("{path}: {} bytes are expected", meter::SIZE));
    }
    // SAFETY: whoever else maps the file knows that it is shared, and uses it in whole words.
    unsafe { MmapMut::map_mut(&file) }.map_err(explain)
}

/// Puts a call before each instruction of the range.
extern "C" fn translated(_: qemu::Id, block: *mut qemu::Block) {
    let Some(shared) = SHARED.get() else { return };
    let begin = shared.word(meter::BEGIN_AT).load(Ordering::Acquire);
    let end = shared.word(meter::END_AT).load(Ordering::Acquire);
    // SAFETY: QEMU's block is valid during this call.
    let count = unsafe { qemu::qemu_plugin_tb_n_insns(block) };
    for index in 0..count {
        // SAFETY: the block is valid, the index below its count.
        let instruction = unsafe { qemu::qemu_plugin_tb_get_insn(block, index) };
        // SAFETY: an instruction of that block.
        let address = unsafe { qemu::qemu_plugin_insn_vaddr(instruction) };
        if (begin..end).contains(&address) {
            let place = (address - begin) as usize as *mut c_void;
            // SAFETY: an instruction of that block; `executed` reads no guest registers.
            unsafe {
                qemu::qemu_plugin_register_vcpu_insn_exec_cb(
                    instruction,
                    executed,
                    qemu::NO_REGISTERS,
                    place,
                );
            }
        }
    }
}

/// One instruction of the driver, on the CPU's own thread: the guest's next load on that CPU sees
/// the count.
extern "C" fn executed(cpu: c_uint, place: *mut c_void) {
    let Some(shared) = SHARED.get() else { return };
    let Some(offset) = meter::count_at(cpu as usize) else {
        return;
    };
    // Relaxed: only this thread writes the word, and only this CPU reads it.
    shared.word(offset).fetch_add(1, Ordering::Relaxed);
    let histogram = shared.word(meter::HISTOGRAM_AT).load(Ordering::Relaxed) as usize;
    if let Some(count) = shared.count(histogram, place as usize) {
        // Relaxed: read after QEMU has ended.
        count.fetch_add(1, Ordering::Relaxed);
    }
}
