// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Internet checksum (RFC 1071).

/// A sum in progress. Data is added in pieces that are all, but the last, of even length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds bytes; an odd one at the end counts as if a zero followed.
    #[must_use]
    pub fn bytes(mut self, data: &[u8]) -> Self {
        let mut pairs = data.chunks_exact(2);
        for pair in &mut pairs {
            self.0 += u64::from(u16::from_be_bytes([pair[0], pair[1]]));
        }
        if let [last] = pairs.remainder() {
            self.0 += u64::from(*last) << 8;
        }
        self
    }

    /// Adds one 16-bit number.
    #[must_use]
    pub fn word(mut self, word: u16) -> Self {
        self.0 += u64::from(word);
        self
    }

    /// The folded sum, not complemented: what a protocol leaves in the checksum field of a packet
    /// whose checksum somebody else inserts.
    pub fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xFFFF {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        sum as u16
    }

    /// The checksum.
    pub fn checksum(self) -> u16 {
        !self.folded()
    }
}
