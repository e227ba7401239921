// SPDX-License-Identifier: MIT OR Apache-2.0
//! Trapped windows: each instruction form runs on ordinary memory and on a window over a RAM page;
//! results, flags and memory must agree, and the observer must have seen the right accesses.

use alloc::vec::Vec;
use core::arch::global_asm;

use super::{
    super::{
        fault, irql,
        lock::IrqSpin,
        mmio,
        pages::{self, PAGE},
        time,
        vspace::{self, Prot},
    },
    Checks, probe,
};

/// (tag, offset, write, width, value).
type Event = (u64, u64, bool, u8, u64);
static SEEN: IrqSpin<Vec<Event>> = IrqSpin::new(Vec::new());

/// A write to here is late.
const LATE: u64 = 0x80;

fn observe(tag: u64, offset: u64, write: bool, width: u8, value: u64) -> bool {
    SEEN.lock().push((tag, offset, write, width, value));
    offset == LATE
}

/// One instruction: operand address in RDI, value in RSI, result in RAX; flags come back in RDX.
struct Form {
    text: &'static str,
    code: *const u8,
    reads: usize,
    writes: usize,
    /// Flags that the instruction defines.
    flags: u64,
}

/// All arithmetic flags; without AF; CF alone; none.
const ALL: u64 = 0x8D5;
const LOGIC: u64 = 0x8C5;
const CARRY: u64 = 0x001;
const SAME: u64 = ALL;

macro_rules! forms {
    ($($label:ident: $text:literal, $reads:literal, $writes:literal, $flags:expr;)*) => {
        $(global_asm!(concat!(
            ".text\n", stringify!($label), ":\n",
            "push rbx\n push rdi\n mov rax, 0x1122334455667788\n mov rbx, 0x0102030405060708\n mov ecx, 3\n",
            "xor r8d, r8d\n stc\n", $text, "\n pushfq\n pop rdx\n pop rdi\n pop rbx\n ret\n"
        ));)*
        unsafe extern "C" { $(safe static $label: u8;)* }
        fn forms() -> Vec<Form> {
            Vec::from([$(Form {
                text: $text, code: &raw const $label, reads: $reads, writes: $writes, flags: $flags,
            }),*])
        }
    };
}

forms! {
    form_mov_store_8: "mov [rdi], sil", 0, 1, SAME;
    form_mov_store_8_high: "mov [rdi], bh", 0, 1, SAME;
    form_mov_store_16: "mov [rdi], si", 0, 1, SAME;
    form_mov_store_32: "mov [rdi], esi", 0, 1, SAME;
    form_mov_store_64: "mov [rdi], rsi", 0, 1, SAME;
    form_mov_store_imm8: "mov byte ptr [rdi], 0x85", 0, 1, SAME;
    form_mov_store_imm16: "mov word ptr [rdi], 0x8765", 0, 1, SAME;
    form_mov_store_imm32: "mov dword ptr [rdi], 0x87654321", 0, 1, SAME;
    form_mov_store_imm64: "mov qword ptr [rdi], -2", 0, 1, SAME;
    form_mov_store_r9d: "mov r9d, esi\n mov [rdi + 4], r9d", 0, 1, SAME;
    form_mov_store_sib: "mov [rdi + rcx*4], esi", 0, 1, SAME;
    form_movnti: "movnti [rdi], esi", 0, 1, SAME;
    form_mov_load_8: "mov al, [rdi]", 1, 0, SAME;
    form_mov_load_8_high: "mov ah, [rdi]", 1, 0, SAME;
    form_mov_load_8_rex: "mov r10b, [rdi]\n mov rax, r10", 1, 0, SAME;
    form_mov_load_16: "mov ax, [rdi]", 1, 0, SAME;
    form_mov_load_32: "mov eax, [rdi]", 1, 0, SAME;
    form_mov_load_64: "mov rax, [rdi]", 1, 0, SAME;
    form_movzx_8: "movzx eax, byte ptr [rdi]", 1, 0, SAME;
    form_movzx_16: "movzx rax, word ptr [rdi]", 1, 0, SAME;
    form_movsx_8: "movsx eax, byte ptr [rdi]", 1, 0, SAME;
    form_movsx_16: "movsx rax, word ptr [rdi + 2]", 1, 0, SAME;
    form_movsxd: "movsxd rax, dword ptr [rdi]", 1, 0, SAME;
    form_xchg: "xchg [rdi], eax", 1, 1, SAME;
    form_xadd: "lock xadd [rdi], eax", 1, 1, ALL;
    form_and_store: "and [rdi], esi", 1, 1, LOGIC;
    form_and_imm: "and dword ptr [rdi], 0x0F0F0F0F", 1, 1, LOGIC;
    form_or_store: "lock or [rdi], rsi", 1, 1, LOGIC;
    form_or_imm8: "or dword ptr [rdi], 4", 1, 1, LOGIC;
    form_xor_store: "xor [rdi], si", 1, 1, LOGIC;
    form_add_store: "add [rdi], esi", 1, 1, ALL;
    form_add_load: "add eax, [rdi]", 1, 0, ALL;
    form_sub_store: "sub byte ptr [rdi], 0x99", 1, 1, ALL;
    form_sub_load: "sub rax, [rdi]", 1, 0, ALL;
    form_and_load: "and eax, [rdi]", 1, 0, LOGIC;
    form_or_load: "or eax, [rdi]", 1, 0, LOGIC;
    form_xor_load: "xor ax, [rdi]", 1, 0, LOGIC;
    form_cmp_imm: "cmp dword ptr [rdi], -1", 1, 0, ALL;
    form_cmp_reg: "cmp [rdi], esi", 1, 0, ALL;
    form_cmp_load: "cmp eax, [rdi]", 1, 0, ALL;
    form_test_imm: "test byte ptr [rdi], 0x80", 1, 0, LOGIC;
    form_test_reg: "test [rdi], esi", 1, 0, LOGIC;
    form_inc: "inc dword ptr [rdi]", 1, 1, ALL;
    form_dec: "lock dec byte ptr [rdi]", 1, 1, ALL;
    form_not: "not dword ptr [rdi]", 1, 1, SAME;
    form_neg: "neg dword ptr [rdi]", 1, 1, ALL;
    form_bt: "bt dword ptr [rdi], 31", 1, 0, CARRY;
    form_bts: "lock bts dword ptr [rdi], 5", 1, 1, CARRY;
    form_btr: "btr dword ptr [rdi], 7", 1, 1, CARRY;
    form_btc: "btc qword ptr [rdi], 33", 1, 1, CARRY;
    form_stosd: "rep stosd\n mov rax, rdi\n sub rax, [rsp]", 0, 3, SAME;
    form_movsd_to: "push rsi\n push rsi\n mov rsi, rsp\n rep movsd\n pop rsi\n pop rsi\n mov rax, rcx", 0, 3, SAME;
    form_movsd_from: "push rsi\n push rsi\n mov rsi, rdi\n mov rdi, rsp\n rep movsd\n lea rsp, [rsp + 8]\n pop rax", 3, 0, SAME;
}

global_asm!(
    r#"
    .text
form_movups:
    movups xmm0, [rdi]
    ret
form_push:
    push qword ptr [rdi]
    pop rax
    ret
form_unaligned:
    mov eax, [rdi + 1]
    ret
form_resume:
    ret
    "#
);
unsafe extern "C" {
    safe static form_movups: u8;
    safe static form_push: u8;
    safe static form_unaligned: u8;
    safe static form_resume: u8;
}

/// Calls a form.
fn call(code: *const u8, address: usize, value: u64) -> (u64, u64) {
    // SAFETY: `code` is one of this file's labels, which is such a function.
    let f: extern "sysv64" fn(usize, u64) -> u128 = unsafe { core::mem::transmute(code) };
    let both = f(address, value);
    (both as u64, (both >> 64) as u64)
}

const PATTERN: [u64; 4] = [
    0x8899_AABB_CCDD_EEFF,
    0x0011_2233_4455_6677,
    0xFFFF_FFFF_0000_0001,
    0x7FFF_0000_8000_FFFE,
];
const VALUE: u64 = 0x8123_4567_89AB_CDEF;
/// Offset of the window in its page, and of the operand in the window.
const SKEW: usize = 0x140;
const OPERAND: usize = 0x10;

pub fn run(checks: &mut Checks) {
    mmio::set_observer(observe);
    let frame = pages::alloc(1).expect("a frame");
    let window = mmio::map_trapped(frame + SKEW as u64, 0x200, 77);
    checks.equal("the window has its offset in the page", window % PAGE, SKEW);
    let plain = vspace::map_new(1, Prot::RW, 0).expect("memory");
    let host = vspace::direct(frame) + SKEW + OPERAND;
    let operand = window + OPERAND;
    let mut agreed = 0;
    let all = forms();
    for form in &all {
        let plain_at = plain + SKEW + OPERAND;
        for at in [plain_at, host] {
            // SAFETY: inside the plain page, or inside the frame behind the window.
            unsafe { (at as *mut [u64; 4]).write_volatile(PATTERN) };
        }
        let want = call(form.code, plain_at, VALUE);
        SEEN.lock().clear();
        let got = call(form.code, operand, VALUE);
        let seen = core::mem::take(&mut *SEEN.lock());
        // SAFETY: as above.
        let [want_memory, got_memory] =
            [plain_at, host].map(|at| unsafe { (at as *const [u64; 4]).read_volatile() });
        let writes = seen.iter().filter(|event| event.2).count();
        let reads = seen.len() - writes;
        let same = got.0 == want.0
            && (got.1 ^ want.1) & form.flags == 0
            && got_memory == want_memory
            && (reads, writes) == (form.reads, form.writes)
            && seen.iter().all(|event| event.0 == 77);
        agreed += usize::from(same);
        if !same {
            checks.that(form.text, false);
            crate::log!("        got {got:x?} {got_memory:x?} {seen:x?}");
            crate::log!("        want {want:x?} {want_memory:x?}");
        }
    }
    checks.equal(
        "every instruction form does on a window what it does on memory",
        agreed,
        all.len(),
    );
    events(checks, operand);
    posted(checks, window, vspace::direct(frame) + SKEW);
    refusals(checks, window);
    death(checks, window);
    mmio::unmap_trapped(window);
    let stale = probe::read(window);
    let text = stale.as_ref().map_or("no fault".into(), fault::describe);
    checks.contains(
        "an ended window faults",
        &text,
        "register window that was freed",
    );
    vspace::unmap(plain);
    pages::free(frame, 1);
}

fn events(checks: &mut Checks, operand: usize) {
    SEEN.lock().clear();
    let old = irql::raise(irql::HIGH);
    // SAFETY: a register of the window, which stands for RAM.
    unsafe { (operand as *mut u32).write_volatile(0xABCD) };
    // SAFETY: as above.
    let value = unsafe { (operand as *const u32).read_volatile() };
    irql::lower(old);
    let want = Vec::from([
        (77, OPERAND as u64, true, 4, 0xABCD),
        (77, OPERAND as u64, false, 4, 0xABCD),
    ]);
    checks.equal(
        "a store and a load are seen with offset, width and value, at HIGH_LEVEL too",
        SEEN.lock().clone(),
        want,
    );
    checks.equal("and the value comes back", value, 0xABCD);
    const ROUNDS: u32 = 1000;
    let start = time::now_ns();
    for _ in 0..ROUNDS {
        // SAFETY: as above.
        let _ = unsafe { (operand as *const u32).read_volatile() };
    }
    crate::log!(
        "        {} ns for each trapped read",
        (time::now_ns() - start) / u64::from(ROUNDS)
    );
}

/// Writes that are on their way: `host` is what is behind the window.
fn posted(checks: &mut Checks, window: usize, host: usize) {
    let (late, next) = (LATE as usize, LATE as usize + 8);
    // SAFETY: inside the frame behind the window.
    let behind = |at: usize| unsafe { ((host + at) as *const u64).read_volatile() };
    // SAFETY: registers of the window, which stands for RAM.
    let write =
        |at: usize, value: u64| unsafe { ((window + at) as *mut u64).write_volatile(value) };
    write(late, 0);
    mmio::arrive();
    write(late, 1);
    checks.equal(
        "a late write is on its way",
        (behind(late), mmio::is_on_its_way()),
        (0, true),
    );
    write(next, 2);
    checks.equal(
        "the next one pushes it",
        (behind(late), behind(next)),
        (1, 2),
    );
    write(late, 3);
    // SAFETY: as above.
    let read = unsafe { ((window + late) as *const u64).read_volatile() };
    checks.equal("a read goes behind it", (read, behind(late)), (3, 3));
    write(late, 4);
    mmio::arrive();
    checks.equal(
        "it arrives when it is told to",
        (behind(late), mmio::is_on_its_way()),
        (4, false),
    );
}

fn refusals(checks: &mut Checks, window: usize) {
    let refused = |code: *const u8, at: usize| {
        let resume = &raw const form_resume as u64;
        fault::expect(Some(fault::Expected { resume, seen: None }));
        call(code, at, 0);
        let seen = fault::expect(None).and_then(|expected| expected.seen);
        seen.as_ref().map_or("no fault".into(), fault::describe)
    };
    checks.contains(
        "16 bytes at once are refused",
        &refused(&raw const form_movups, window),
        "of this width are not supported",
    );
    checks.contains(
        "push from a register is refused",
        &refused(&raw const form_push, window),
        "cannot perform",
    );
    checks.contains(
        "unaligned access is refused",
        &refused(&raw const form_unaligned, window),
        "not aligned to its width",
    );
    let beyond = probe::read(window + 0x200);
    let text = beyond.as_ref().map_or("no fault".into(), fault::describe);
    checks.contains(
        "beyond the window's end is refused",
        &text,
        "beyond the end of the register window",
    );
}

fn death(checks: &mut Checks, window: usize) {
    let at = window + OPERAND;
    // SAFETY: a register of the window, which stands for RAM.
    let load = || unsafe { (at as *const u32).read_volatile() };
    let alive = load();
    mmio::set_dead(window, true);
    checks.equal("a removed device reads all ones", load(), u32::MAX);
    // SAFETY: as above.
    unsafe { (at as *mut u32).write_volatile(!alive) };
    mmio::set_dead(window, false);
    checks.equal("and writes to it vanish", load(), alive);
}
