// SPDX-License-Identifier: MIT OR Apache-2.0
//! The NVM through EERD: MAC address and checksum (82574L §8.1). PASSIVE_LEVEL: it waits.

use super::mmio::{ALL_ONES, Mmio};
use super::regs;
use super::reset::Delay;

/// What the words 00 to 3F add up to.
const CHECKSUM: u16 = 0xBABA;
/// Words that the checksum covers.
const WORDS: u16 = 0x40;
const START: u32 = 1 << 0;
const DONE: u32 = 1 << 1;
/// 5 µs each: 50 ms for one word.
const POLLS: u32 = 10_000;

/// Why the NVM gave no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NvmError {
    /// EERD never said DONE.
    Timeout,
    /// The registers read all ones.
    Gone,
    /// The address read is a group address or zero.
    BadAddress,
}

/// Reads one word.
pub fn read_word(m: &impl Mmio, delay: &impl Delay, address: u16) -> Result<u16, NvmError> {
    regs::EERD.write(m, u32::from(address) << 2 | START);
    for _ in 0..POLLS {
        let v = regs::EERD.read(m);
        if v == ALL_ONES && m.is_gone() {
            return Err(NvmError::Gone);
        }
        if v & DONE != 0 {
            // All ones is also what an absent device answers; ask a register that cannot be.
            if v == ALL_ONES && regs::STATUS.read(m).bits() == ALL_ONES {
                return Err(NvmError::Gone);
            }
            return Ok((v >> 16) as u16);
        }
        delay.stall_us(5);
    }
    Err(NvmError::Timeout)
}

/// The station address in words 0 to 2, checked to be one.
pub fn read_mac(m: &impl Mmio, delay: &impl Delay) -> Result<[u8; 6], NvmError> {
    let [a, b] = read_word(m, delay, 0)?.to_le_bytes();
    let [c, d] = read_word(m, delay, 1)?.to_le_bytes();
    let [e, f] = read_word(m, delay, 2)?.to_le_bytes();
    let mac = [a, b, c, d, e, f];
    if is_station_address(&mac) {
        Ok(mac)
    } else {
        Err(NvmError::BadAddress)
    }
}

/// Whether the checksum over words 00 to 3F is right.
pub fn checksum_ok(m: &impl Mmio, delay: &impl Delay) -> Result<bool, NvmError> {
    let mut sum = 0u16;
    for address in 0..WORDS {
        sum = sum.wrapping_add(read_word(m, delay, address)?);
    }
    Ok(sum == CHECKSUM)
}

/// Neither a group address nor zero.
pub const fn is_station_address(mac: &[u8; 6]) -> bool {
    let [a, b, c, d, e, f] = *mac;
    a & 1 == 0 && (a | b | c | d | e | f) != 0
}
