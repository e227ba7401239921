// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive filters (82574L §9). Register writes only, none waits; up to DISPATCH_LEVEL under the caller's lock.

use super::bits::Rctl;
use super::mmio::Mmio;
use super::regs;

/// RAH: the entry is valid.
const AV: u32 = 1 << 31;

/// Writes receive address `index` (0 is the station address; 0 to 15). `None` takes the entry out. `false` if
/// there is no such entry.
pub fn set_receive_address(m: &impl Mmio, index: usize, mac: Option<[u8; 6]>) -> bool {
    let (Some(low), Some(high)) = (regs::RAL.get(index), regs::RAH.get(index)) else {
        return false;
    };
    let [a, b, c, d, e, f] = mac.unwrap_or_default();
    // Invalid while it changes; the read keeps bridges from merging the two writes (§2).
    high.write(m, 0);
    low.write(m, u32::from_le_bytes([a, b, c, d]));
    let _ = regs::STATUS.read(m);
    if mac.is_some() {
        high.write(m, u32::from(u16::from_le_bytes([e, f])) | AV);
    }
    true
}

/// The multicast hash of an address with RCTL.MO = 0: 12 bits (§9).
pub const fn multicast_hash(mac: &[u8; 6]) -> u16 {
    let [.., b4, b5] = *mac;
    ((b5 as u16) << 8 | b4 as u16) >> 4 & 0xFFF
}

/// The multicast hash table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HashTable([u32; 128]);

impl Default for HashTable {
    fn default() -> Self {
        Self([0; 128])
    }
}

impl HashTable {
    /// The table for a list of addresses.
    pub fn of<'a>(list: impl IntoIterator<Item = &'a [u8; 6]>) -> Self {
        let mut table = Self::default();
        for mac in list {
            let hash = multicast_hash(mac);
            if let Some(word) = table.0.get_mut(usize::from(hash >> 5)) {
                *word |= 1 << (hash & 31);
            }
        }
        table
    }

    /// Writes all 128 words.
    pub fn write(&self, m: &impl Mmio) {
        for (reg, word) in regs::MTA.iter().zip(self.0) {
            reg.write(m, word);
        }
    }

    /// Whether an address would pass.
    pub fn contains(&self, mac: &[u8; 6]) -> bool {
        let hash = multicast_hash(mac);
        self.0
            .get(usize::from(hash >> 5))
            .is_some_and(|w| w >> (hash & 31) & 1 != 0)
    }
}

/// What is received besides the station address and the hash table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Accept {
    /// Broadcast frames: separate from multicast on this chip.
    pub broadcast: bool,
    /// Every multicast frame.
    pub all_multicast: bool,
    /// Every frame.
    pub promiscuous: bool,
}

impl Accept {
    /// The RCTL bits.
    pub fn rctl(self) -> Rctl {
        let mut r = Rctl::empty();
        r.set(Rctl::UPE, self.promiscuous);
        r.set(Rctl::MPE, self.all_multicast || self.promiscuous);
        r.set(Rctl::BAM, self.broadcast || self.promiscuous);
        r
    }
}

/// Sets the packet filter, the rest of RCTL kept.
pub fn set_accept(m: &impl Mmio, accept: Accept) {
    regs::RCTL.modify(m, |r| (r - Rctl::FILTER) | accept.rctl());
}

/// Lets a VLAN through the filter or not (VFTA; it counts only with RCTL.VFE). Ids above 4095 are ignored.
pub fn set_vlan(m: &impl Mmio, id: u16, pass: bool) {
    if let Some(word) = regs::VFTA.get(usize::from(id >> 5)) {
        let bit = 1 << (id & 31);
        word.modify(m, |w| if pass { w | bit } else { w & !bit });
    }
}
