// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Toeplitz hash of receive-side scaling, written from its definition: for each bit of the
//! input that is set, the 32 bits of the key that begin at that bit's position are added (XOR).

/// Bytes of the secret key.
pub const KEY: usize = 40;

/// The hash of `input`, at most 36 bytes.
pub fn hash(key: &[u8; KEY], input: &[u8]) -> u32 {
    let bit = |position: usize| {
        let byte = key.get(position / 8).copied().unwrap_or(0);
        u32::from(byte >> (7 - position % 8) & 1)
    };
    let window = |start: usize| (0..32).fold(0, |word, i| word << 1 | bit(start + i));
    let mut result = 0;
    for (index, byte) in input.iter().enumerate() {
        for in_byte in 0..8 {
            if byte << in_byte & 0x80 != 0 {
                result ^= window(index * 8 + in_byte);
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published verification suite of the RSS documentation.
    const KEY_BYTES: [u8; KEY] = [
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f,
        0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
        0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    ];

    #[test]
    fn published_values() {
        // Source 66.9.149.187:2794, destination 161.142.100.80:1766.
        let mut input = [66, 9, 149, 187, 161, 142, 100, 80, 0, 0, 0, 0];
        assert_eq!(hash(&KEY_BYTES, &input[..8]), 0x323e_8fc2);
        input[8..10].copy_from_slice(&2794u16.to_be_bytes());
        input[10..].copy_from_slice(&1766u16.to_be_bytes());
        assert_eq!(hash(&KEY_BYTES, &input), 0x51cc_c178);
    }
}
