// SPDX-License-Identifier: MIT OR Apache-2.0
//! The identifiers that Windows' PCI bus driver makes for a device, and their rank.
//!
//! Source: the public pages "Identifiers for PCI Devices" and "How Windows Ranks Drivers".

/// What configuration space says about one PCI function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PciFunction {
    /// Vendor.
    pub vendor: u16,
    /// Device.
    pub device: u16,
    /// Subsystem vendor.
    pub subsystem_vendor: u16,
    /// Subsystem.
    pub subsystem: u16,
    /// Revision.
    pub revision: u8,
    /// Base class, subclass, programming interface, from the highest byte down.
    pub class: u32,
}

impl PciFunction {
    /// The hardware ids, most specific first.
    pub fn hardware_ids(&self) -> Vec<String> {
        let id = self.id();
        let subsystem = format!(
            "{id}&SUBSYS_{:04X}{:04X}",
            self.subsystem, self.subsystem_vendor
        );
        let (class, interface) = self.class();
        vec![
            format!("{subsystem}&REV_{:02X}", self.revision),
            subsystem,
            format!("{id}&CC_{class}{interface}"),
            format!("{id}&CC_{class}"),
        ]
    }

    /// The compatible ids, most specific first.
    pub fn compatible_ids(&self) -> Vec<String> {
        let id = self.id();
        let vendor = format!("PCI\\VEN_{:04X}", self.vendor);
        let (class, interface) = self.class();
        vec![
            format!("{id}&REV_{:02X}", self.revision),
            id,
            format!("{vendor}&CC_{class}{interface}"),
            format!("{vendor}&CC_{class}"),
            vendor,
            format!("PCI\\CC_{class}{interface}"),
            format!("PCI\\CC_{class}"),
        ]
    }

    fn id(&self) -> String {
        format!("PCI\\VEN_{:04X}&DEV_{:04X}", self.vendor, self.device)
    }

    fn class(&self) -> (String, String) {
        (
            format!("{:04X}", self.class >> 8 & 0xFFFF),
            format!("{:02X}", self.class & 0xFF),
        )
    }

    /// How well a models entry (its hardware id, then its compatible ids) matches; smaller is
    /// better, `None` does not match.
    pub fn rank(&self, entry_ids: &[String]) -> Option<Match> {
        let device = [self.hardware_ids(), self.compatible_ids()];
        let mut best: Option<Match> = None;
        for (at, entry_id) in entry_ids.iter().enumerate() {
            for (kind, ids) in device.iter().enumerate() {
                let found = ids.iter().position(|id| id.eq_ignore_ascii_case(entry_id));
                let Some(index) = found else { continue };
                // Identifier score: 0x0000 hardware–hardware, 0x1000 hardware–compatible,
                // 0x2000 compatible–hardware, 0x3000 compatible–compatible.
                let score = kind * 0x2000 + usize::from(at > 0) * 0x1000 + at * 0x100 + index;
                if best.as_ref().is_none_or(|best| score < best.score) {
                    best = Some(Match {
                        score,
                        id: ids[index].clone(),
                    });
                }
            }
        }
        best
    }
}

/// A match of a device with a models entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Identifier score; smaller is better.
    pub score: usize,
    /// The matching id, upper case.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const E1000E: PciFunction = PciFunction {
        vendor: 0x8086,
        device: 0x10D3,
        subsystem_vendor: 0x8086,
        subsystem: 0,
        revision: 0,
        class: 0x020000,
    };

    fn rank(ids: &[&str]) -> Option<Match> {
        let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
        E1000E.rank(&ids)
    }

    #[test]
    fn ids_as_windows_writes_them() {
        let ids = E1000E.hardware_ids();
        assert_eq!(ids[0], "PCI\\VEN_8086&DEV_10D3&SUBSYS_00008086&REV_00");
        assert_eq!(ids[2], "PCI\\VEN_8086&DEV_10D3&CC_020000");
        assert!(E1000E.compatible_ids().contains(&"PCI\\CC_0200".to_owned()));
        let vmware = PciFunction {
            subsystem_vendor: 0x15AD,
            subsystem: 0x07D0,
            ..E1000E
        };
        assert_eq!(
            vmware.hardware_ids()[1],
            "PCI\\VEN_8086&DEV_10D3&SUBSYS_07D015AD"
        );
    }

    #[test]
    fn more_specific_ids_rank_first() {
        let full = rank(&["pci\\ven_8086&dev_10d3&subsys_00008086&rev_00"]).unwrap();
        assert_eq!(full.id, "PCI\\VEN_8086&DEV_10D3&SUBSYS_00008086&REV_00");
        let order = [
            full,
            rank(&["PCI\\VEN_8086&DEV_10D3&SUBSYS_00008086"]).unwrap(),
            rank(&["PCI\\VEN_8086&DEV_10D3&CC_0200"]).unwrap(),
            rank(&["X", "PCI\\VEN_8086&DEV_10D3&SUBSYS_00008086"]).unwrap(),
            rank(&["PCI\\VEN_8086&DEV_10D3&REV_00"]).unwrap(),
            rank(&["PCI\\VEN_8086&DEV_10D3"]).unwrap(),
            rank(&["PCI\\CC_0200"]).unwrap(),
            rank(&["X", "PCI\\VEN_8086&DEV_10D3"]).unwrap(),
        ];
        assert!(
            order.windows(2).all(|pair| pair[0].score < pair[1].score),
            "{order:?}"
        );
        assert_eq!(rank(&["PCI\\VEN_8086&DEV_10D4", "PCI\\VEN_10EC"]), None);
    }
}
