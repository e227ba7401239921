// SPDX-License-Identifier: MIT OR Apache-2.0
//! Integer operations with the arithmetic flags that they leave, as the CPU defines them. Pure.

use super::access::mask;

/// Flags in RFLAGS.
const CF: u64 = 1;
const PF: u64 = 1 << 2;
const AF: u64 = 1 << 4;
const ZF: u64 = 1 << 6;
const SF: u64 = 1 << 7;
const OF: u64 = 1 << 11;
const ARITHMETIC: u64 = CF | PF | AF | ZF | SF | OF;

/// An operation on two operands, `a` being the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// a + b.
    Add,
    /// a - b.
    Sub,
    /// a - b for the flags alone.
    Cmp,
    /// a & b.
    And,
    /// a & b for the flags alone.
    Test,
    /// a | b.
    Or,
    /// a ^ b.
    Xor,
    /// a + 1, CF untouched.
    Inc,
    /// a - 1, CF untouched.
    Dec,
    /// !a, no flags.
    Not,
    /// -a.
    Neg,
    /// Bit b of a into CF.
    Bt,
    /// The same, and sets it.
    Bts,
    /// The same, and clears it.
    Btr,
    /// The same, and complements it.
    Btc,
}

impl Op {
    /// Whether the destination is written.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Cmp | Self::Test | Self::Bt)
    }
}

/// The result and the new flags.
pub fn compute(op: Op, a: u64, b: u64, width: u8, rflags: u64) -> (u64, u64) {
    let mask = mask(width);
    let sign = 1u64 << (8 * u32::from(width) - 1);
    let (a, b) = (a & mask, b & mask);
    let flag = |flag: u64, on: bool| if on { flag } else { 0 };
    let common = |result: u64| {
        flag(ZF, result == 0)
            | flag(SF, result & sign != 0)
            | flag(PF, (result as u8).count_ones().is_multiple_of(2))
    };
    let add = |a: u64, b: u64| {
        let result = a.wrapping_add(b) & mask;
        let carry = result < a;
        let overflow = (a ^ result) & (b ^ result) & sign != 0;
        (
            result,
            common(result)
                | flag(CF, carry)
                | flag(AF, (a ^ b ^ result) & 16 != 0)
                | flag(OF, overflow),
        )
    };
    let sub = |a: u64, b: u64| {
        let result = a.wrapping_sub(b) & mask;
        let overflow = (a ^ b) & (a ^ result) & sign != 0;
        (
            result,
            common(result)
                | flag(CF, a < b)
                | flag(AF, (a ^ b ^ result) & 16 != 0)
                | flag(OF, overflow),
        )
    };
    let bit = 1u64 << (b % (8 * u64::from(width)));
    let bit_flags = rflags & !CF | flag(CF, a & bit != 0);
    let set = |(result, flags): (u64, u64)| (result, rflags & !ARITHMETIC | flags);
    let set_but_carry =
        |(result, flags): (u64, u64)| (result, rflags & !(ARITHMETIC & !CF) | flags & !CF);
    let logic = |result: u64| (result, rflags & !ARITHMETIC | common(result));
    match op {
        Op::Add => set(add(a, b)),
        Op::Sub | Op::Cmp => set(sub(a, b)),
        Op::Neg => set(sub(0, a)),
        Op::Inc => set_but_carry(add(a, 1)),
        Op::Dec => set_but_carry(sub(a, 1)),
        Op::And | Op::Test => logic(a & b),
        Op::Or => logic(a | b),
        Op::Xor => logic(a ^ b),
        Op::Not => (!a & mask, rflags),
        Op::Bt => (a, bit_flags),
        Op::Bts => (a | bit, bit_flags),
        Op::Btr => (a & !bit, bit_flags),
        Op::Btc => (a ^ bit, bit_flags),
    }
}
