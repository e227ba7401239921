// SPDX-License-Identifier: MIT OR Apache-2.0
//! Performs the one instruction that touched a window. The forms that compilers and the WDK's
//! register functions make: mov, movzx, movsx, movnti, xchg, xadd, two-operand arithmetic and tests
//! with memory (locked or not), bit tests with an immediate, movs and stos (repeated or not).

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use super::{
    super::{pages::PAGE, trap::Frame, vspace},
    Window,
    access::{Operand, mask},
    alu::{self, Op},
};

const UNKNOWN: &str = "a register window was touched by an instruction the host cannot perform";
const MAX_LENGTH: usize = 15;

/// The instruction at `rip`.
fn decode(rip: u64) -> Result<Instruction, &'static str> {
    let mut code = [0u8; MAX_LENGTH];
    let mut len = 0;
    while len < MAX_LENGTH {
        let at = rip as usize + len;
        let Some(pa) = vspace::translate(at) else {
            break;
        };
        let chunk = (PAGE - at % PAGE).min(MAX_LENGTH - len);
        // SAFETY: `pa` is the frame behind a mapped page, and the chunk stays inside it.
        let bytes = unsafe { core::slice::from_raw_parts(vspace::direct(pa) as *const u8, chunk) };
        code[len..len + chunk].copy_from_slice(bytes);
        len += chunk;
    }
    let instruction = Decoder::with_ip(64, &code[..len], rip, DecoderOptions::NONE).decode();
    if instruction.code() == Code::INVALID {
        return Err("a register window was touched by an instruction the host cannot decode");
    }
    Ok(instruction)
}

pub fn warm_up() {
    let nop = [0x90u8];
    let instruction = Decoder::with_ip(64, &nop, 0, DecoderOptions::NONE).decode();
    assert!(
        instruction.mnemonic() == Mnemonic::Nop,
        "the instruction decoder does not work"
    );
}

/// The value of a general register of any width.
fn get(frame: &Frame, register: Register) -> Result<u64, &'static str> {
    if !register.is_gpr() {
        return Err("a register window was accessed with a register that is not a general one");
    }
    let value = frame.reg(register.full_register().number());
    Ok(match register {
        Register::AH | Register::CH | Register::DH | Register::BH => value >> 8 & 0xFF,
        _ => value & mask(register.size() as u8),
    })
}

/// Sets a general register as the CPU does: 32 bits clear the upper half, 8 and 16 keep the rest.
fn set(frame: &mut Frame, register: Register, value: u64) -> Result<(), &'static str> {
    if !register.is_gpr() {
        return Err("a register window was accessed with a register that is not a general one");
    }
    let number = register.full_register().number();
    let old = frame.reg(number);
    let new = match (register, register.size()) {
        (Register::AH | Register::CH | Register::DH | Register::BH, _) => {
            old & !0xFF00 | (value & 0xFF) << 8
        }
        (_, 1) => old & !0xFF | value & 0xFF,
        (_, 2) => old & !0xFFFF | value & 0xFFFF,
        (_, 4) => value & 0xFFFF_FFFF,
        _ => value,
    };
    frame.set_reg(number, new);
    Ok(())
}

/// A register or immediate operand.
fn source(frame: &Frame, instruction: &Instruction, operand: u32) -> Result<u64, &'static str> {
    match instruction.op_kind(operand) {
        OpKind::Register => get(frame, instruction.op_register(operand)),
        _ => instruction.try_immediate(operand).map_err(|_| UNKNOWN),
    }
}

fn sign_extend(value: u64, width: u8) -> u64 {
    let shift = 64 - 8 * u32::from(width);
    ((value << shift) as i64 >> shift) as u64
}

fn arithmetic(mnemonic: Mnemonic) -> Option<Op> {
    Some(match mnemonic {
        Mnemonic::Add => Op::Add,
        Mnemonic::Sub => Op::Sub,
        Mnemonic::Cmp => Op::Cmp,
        Mnemonic::And => Op::And,
        Mnemonic::Test => Op::Test,
        Mnemonic::Or => Op::Or,
        Mnemonic::Xor => Op::Xor,
        Mnemonic::Inc => Op::Inc,
        Mnemonic::Dec => Op::Dec,
        Mnemonic::Not => Op::Not,
        Mnemonic::Neg => Op::Neg,
        Mnemonic::Bt => Op::Bt,
        Mnemonic::Bts => Op::Bts,
        Mnemonic::Btr => Op::Btr,
        Mnemonic::Btc => Op::Btc,
        _ => return None,
    })
}

/// Performs the instruction at the frame's RIP, whose access to `cr2` is in `window`.
pub fn run(frame: &mut Frame, window: &Window, cr2: u64) -> Result<(), &'static str> {
    let instruction = decode(frame.rip)?;
    if instruction.is_string_instruction() {
        return string(frame, window, &instruction);
    }
    let width = instruction.memory_size().size();
    let place = Operand::new(window, cr2, width)?;
    let to_memory = instruction.op0_kind() == OpKind::Memory;
    match instruction.mnemonic() {
        Mnemonic::Mov | Mnemonic::Movnti if to_memory => {
            let value = source(frame, &instruction, 1)?;
            place.store(value);
        }
        Mnemonic::Mov | Mnemonic::Movzx => {
            check_register(&instruction, 0)?;
            set(frame, instruction.op0_register(), place.load())?;
        }
        Mnemonic::Movsx | Mnemonic::Movsxd => {
            check_register(&instruction, 0)?;
            set(
                frame,
                instruction.op0_register(),
                sign_extend(place.load(), width as u8),
            )?;
        }
        Mnemonic::Xchg => {
            // The assembler may put memory on either side; the meaning is the same.
            let register = instruction.op_register(u32::from(to_memory));
            let new = get(frame, register)?;
            let old = place.load();
            place.store(new);
            set(frame, register, old)?;
        }
        Mnemonic::Xadd => {
            let register = instruction.op1_register();
            let addend = get(frame, register)?;
            let old = place.load();
            let (sum, flags) = alu::compute(Op::Add, old, addend, width as u8, frame.rflags);
            place.store(sum);
            set(frame, register, old)?;
            frame.rflags = flags;
        }
        mnemonic => compute(
            frame,
            &instruction,
            place,
            arithmetic(mnemonic).ok_or(UNKNOWN)?,
            width as u8,
        )?,
    }
    frame.rip = instruction.next_ip();
    Ok(())
}

/// Refuses before the register is read, so that a read with side effects is not made in vain.
fn check_register(instruction: &Instruction, operand: u32) -> Result<(), &'static str> {
    let fits = instruction.op_kind(operand) == OpKind::Register
        && instruction.op_register(operand).is_gpr();
    if fits { Ok(()) } else { Err(UNKNOWN) }
}

fn compute(
    frame: &mut Frame,
    instruction: &Instruction,
    place: Operand<'_>,
    op: Op,
    width: u8,
) -> Result<(), &'static str> {
    let bit_test = matches!(op, Op::Bt | Op::Bts | Op::Btr | Op::Btc);
    if bit_test && instruction.op1_kind() == OpKind::Register {
        return Err("a bit test with a register index reaches beyond its operand: not performed");
    }
    if instruction.op0_kind() == OpKind::Memory {
        let other = if instruction.op_count() > 1 {
            source(frame, instruction, 1)?
        } else {
            0
        };
        let (result, flags) = alu::compute(op, place.load(), other, width, frame.rflags);
        if op.writes() {
            place.store(result);
        }
        frame.rflags = flags;
    } else {
        check_register(instruction, 0)?;
        let destination = instruction.op0_register();
        let first = get(frame, destination)?;
        let (result, flags) = alu::compute(op, first, place.load(), width, frame.rflags);
        if op.writes() {
            set(frame, destination, result)?;
        }
        frame.rflags = flags;
    }
    Ok(())
}

/// One element of movs or stos; a repeated one comes back for the next.
fn string(
    frame: &mut Frame,
    window: &Window,
    instruction: &Instruction,
) -> Result<(), &'static str> {
    const RCX: usize = 1;
    const RSI: usize = 6;
    const RDI: usize = 7;
    let width = instruction.memory_size().size();
    let (from, to) = (frame.reg(RSI), frame.reg(RDI));
    let value = match instruction.mnemonic() {
        Mnemonic::Stosb | Mnemonic::Stosw | Mnemonic::Stosd | Mnemonic::Stosq => frame.reg(0),
        Mnemonic::Movsb | Mnemonic::Movsw | Mnemonic::Movsd | Mnemonic::Movsq => {
            if window.covers(from as usize) {
                Operand::new(window, from, width)?.load()
            } else {
                ram_load(from, width)?
            }
        }
        _ => return Err(UNKNOWN),
    };
    if window.covers(to as usize) {
        Operand::new(window, to, width)?.store(value);
    } else {
        ram_store(to, width, value)?;
    }
    const DIRECTION: u64 = 1 << 10;
    let step = if frame.rflags & DIRECTION != 0 {
        (width as u64).wrapping_neg()
    } else {
        width as u64
    };
    frame.set_reg(RDI, to.wrapping_add(step));
    if !matches!(
        instruction.mnemonic(),
        Mnemonic::Stosb | Mnemonic::Stosw | Mnemonic::Stosd | Mnemonic::Stosq
    ) {
        frame.set_reg(RSI, from.wrapping_add(step));
    }
    if instruction.has_rep_prefix() || instruction.has_repne_prefix() {
        let left = frame.reg(RCX).wrapping_sub(1);
        frame.set_reg(RCX, left);
        if left != 0 {
            return Ok(());
        }
    }
    frame.rip = instruction.next_ip();
    Ok(())
}

const BAD_RAM: &str =
    "the other operand of a string instruction on a register window is not mapped memory";

/// The host's view of the memory side of a string move.
fn ram(va: u64, width: usize, write: bool) -> Result<usize, &'static str> {
    let crosses = va as usize % PAGE + width > PAGE;
    if crosses || !vspace::is_mapped(va as usize, width, write) {
        return Err(BAD_RAM);
    }
    vspace::translate(va as usize)
        .map(vspace::direct)
        .ok_or(BAD_RAM)
}

fn ram_load(va: u64, width: usize) -> Result<u64, &'static str> {
    let at = ram(va, width, false)?;
    let mut bytes = [0u8; 8];
    // SAFETY: `ram` has checked that the bytes are mapped, inside one page.
    unsafe { core::ptr::copy_nonoverlapping(at as *const u8, bytes.as_mut_ptr(), width.min(8)) };
    Ok(u64::from_le_bytes(bytes))
}

fn ram_store(va: u64, width: usize, value: u64) -> Result<(), &'static str> {
    let at = ram(va, width, true)?;
    // SAFETY: `ram` has checked that the bytes are mapped writable, inside one page.
    unsafe {
        core::ptr::copy_nonoverlapping(value.to_le_bytes().as_ptr(), at as *mut u8, width.min(8))
    };
    Ok(())
}
