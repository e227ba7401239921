// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive-side scaling registers (82574L §10). Register writes only, none waits; the receiver should be off, because
//! the table is 32 registers long.

use super::bits::{Mrqc, Rfctl};
use super::mmio::Mmio;
use super::regs;

/// Bytes of the Toeplitz key.
pub const KEY_BYTES: usize = 40;
/// Entries of the redirection table.
pub const TABLE_ENTRIES: usize = 128;

/// What the chip hashes, and where frames go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scaling {
    /// The types of hash, without [`Mrqc::RSS`].
    pub types: Mrqc,
    /// Home addresses and routing headers of IPv6 are part of the hash.
    pub extensions: bool,
    /// The key.
    pub key: [u8; KEY_BYTES],
    /// The queue, 0 or 1, for each value of the hash's low 7 bits.
    pub table: [u8; TABLE_ENTRIES],
}

/// The bit of a redirection entry that names the queue.
const QUEUE_BIT: u32 = 7;

/// Writes key, table and types; `None` switches scaling off: every frame goes to queue 0, without a hash.
///
/// RXCSUM.PCSD, which scaling needs as well, is always set (`queue::init_rx_unit`): nobody wants the packet checksum
/// that would stand in the hash's place.
pub fn program(m: &impl Mmio, scaling: Option<&Scaling>) {
    let Some(scaling) = scaling else {
        regs::MRQC.write(m, Mrqc::empty());
        return;
    };
    for (reg, bytes) in regs::RSSRK.iter().zip(scaling.key.as_chunks::<4>().0) {
        reg.write(m, u32::from_le_bytes(*bytes));
    }
    for (reg, entries) in regs::RETA.iter().zip(scaling.table.as_chunks::<4>().0) {
        let [a, b, c, d] = entries.map(|queue| u32::from(queue & 1) << QUEUE_BIT);
        reg.write(m, a | b << 8 | c << 16 | d << 24);
    }
    regs::RFCTL.modify(m, |mut r| {
        r.set(Rfctl::NEW_IPV6_EXT_DIS, !scaling.extensions);
        r
    });
    regs::MRQC.write(m, scaling.types | Mrqc::RSS);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::fake::{FakeChip, Mode, Variant};

    #[test]
    fn key_table_and_types_lie_as_the_chip_wants_them() {
        let chip = FakeChip::new(Variant::Qemu10, Mode::MsiX(5));
        let mut scaling = Scaling {
            types: Mrqc::TCP_IPV4 | Mrqc::IPV4,
            extensions: false,
            key: core::array::from_fn(|i| i as u8),
            table: core::array::from_fn(|i| (i % 3 == 0) as u8),
        };
        program(&chip, Some(&scaling));
        // §3.3: byte 0 of the key in bits 7:0 of word 0; bit 7 of a table byte is the queue.
        assert_eq!(regs::RSSRK.get(9).unwrap().read(&chip), 0x2726_2524);
        assert_eq!(regs::RETA.get(0).unwrap().read(&chip), 0x8000_0080);
        assert_eq!(regs::RETA.get(31).unwrap().read(&chip), 0x0080_0000);
        assert_eq!(regs::MRQC.read(&chip).bits(), 0x0003_0001);
        assert!(regs::RFCTL.read(&chip).contains(Rfctl::NEW_IPV6_EXT_DIS));
        scaling.extensions = true;
        program(&chip, Some(&scaling));
        assert!(!regs::RFCTL.read(&chip).contains(Rfctl::NEW_IPV6_EXT_DIS));
        program(&chip, None);
        assert_eq!(regs::MRQC.read(&chip), Mrqc::empty());
    }
}
