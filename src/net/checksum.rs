// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Internet checksum (RFC 1071), in pieces of any length. Pure logic; any IRQL.

/// A running one's complement sum of big-endian words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Words so far, not folded: 2^48 words fit.
    total: u64,
    /// An odd number of bytes came so far: the next one is the low half of a word.
    odd: bool,
}

impl Sum {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            total: 0,
            odd: false,
        }
    }

    /// Adds one word.
    pub fn word(&mut self, word: u16) {
        self.total += u64::from(word);
    }

    /// Adds bytes that follow those before.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if self.odd
            && let Some((first, others)) = rest.split_first()
        {
            self.total += u64::from(*first);
            self.odd = false;
            rest = others;
        }
        let (fours, tail) = rest.as_chunks::<4>();
        for four in fours {
            // Two words at once: 2^16 is 1 in this arithmetic.
            self.total += u64::from(u32::from_be_bytes(*four));
        }
        let (twos, last) = tail.as_chunks::<2>();
        for two in twos {
            self.total += u64::from(u16::from_be_bytes(*two));
        }
        if let [last] = last {
            self.total += u64::from(*last) << 8;
            self.odd = true;
        }
    }

    /// The sum as one word, not complemented: what the chip wants as a seed.
    #[must_use]
    pub fn folded(self) -> u16 {
        let mut sum = self.total;
        while sum >> 16 != 0 {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        sum as u16
    }

    /// The checksum.
    #[must_use]
    pub fn finish(self) -> u16 {
        !self.folded()
    }

    /// The checksum of a UDP datagram, where 0 says that there is none (RFC 768).
    #[must_use]
    pub fn finish_udp(self) -> u16 {
        match self.finish() {
            0 => 0xFFFF,
            sum => sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Straight from the definition.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            let word = u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum += word;
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        !(sum as u16)
    }

    #[test]
    fn an_ip_header_of_rfc_1071() {
        let mut sum = Sum::new();
        sum.bytes(&[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]);
        assert_eq!(sum.folded(), 0xDDF2);
        assert_eq!(sum.finish(), !0xDDF2);
        assert_eq!(Sum::new().finish_udp(), 0xFFFF);
        let mut ones = Sum::new();
        ones.word(0xFFFF);
        assert_eq!(ones.finish_udp(), 0xFFFF, "0 is no checksum");
    }

    proptest! {
        #[test]
        fn in_any_pieces_it_is_the_same(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            cuts in proptest::collection::vec(0usize..300, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|c| *c <= bytes.len()).collect();
            cuts.sort_unstable();
            let mut sum = Sum::new();
            let mut from = 0;
            for cut in cuts {
                sum.bytes(&bytes[from..cut]);
                from = cut;
            }
            sum.bytes(&bytes[from..]);
            prop_assert_eq!(sum.finish(), plain(&bytes));
        }
    }
}
