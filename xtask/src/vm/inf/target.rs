// SPDX-License-Identifier: MIT OR Apache-2.0
//! TargetOSVersion decorations: which of several decorated sections Windows takes.
//!
//! Source: the public pages "INF Manufacturer Section" and "Combining Platform Extensions with
//! Operating System Versions".

use super::Inf;

/// The Windows that the checked host stands for.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Build number.
    pub build: u32,
    /// `VER_NT_*` product type.
    pub product: u32,
}

/// First Windows of each NDIS version: minor version of NDIS 6, Windows' version and build.
const RELEASES: &[(u8, u32, u32, u32)] = &[
    (20, 6, 1, 7600),
    (30, 6, 2, 9200),
    (40, 6, 3, 9600),
    (50, 10, 0, 10240),
    (60, 10, 0, 14393),
    (70, 10, 0, 15063),
    (80, 10, 0, 16299),
    (81, 10, 0, 17134),
    (82, 10, 0, 17763),
    (83, 10, 0, 18362),
    (84, 10, 0, 19041),
    (85, 10, 0, 20348),
    (86, 10, 0, 22000),
    (87, 10, 0, 22621),
];

impl Windows {
    /// The first workstation Windows, 64-bit x86, that offers NDIS 6.`minor`.
    pub fn with_ndis(minor: u8) -> Windows {
        let release = RELEASES.iter().rev().find(|release| release.0 <= minor);
        let (_, major, minor, build) = *release.unwrap_or(&RELEASES[0]);
        Windows {
            major,
            minor,
            build,
            product: 1,
        }
    }
}

/// A decoration, `NT[arch][.major[.minor[.product[.suite[.build]]]]]`. `None` is a field left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Decoration {
    arch: Option<String>,
    major: Option<u32>,
    minor: Option<u32>,
    product: Option<u32>,
    suite: Option<u32>,
    build: Option<u32>,
}

impl Decoration {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let mut fields = text.strip_prefix("nt")?.split('.');
        let arch = fields.next().filter(|arch| !arch.is_empty());
        let mut numbers = [None; 5];
        for slot in &mut numbers {
            match fields.next().map(str::trim) {
                None => break,
                Some("") => {}
                Some(number) => *slot = Some(super::registry::number(number)?),
            }
        }
        if fields.next().is_some() {
            return None;
        }
        let [major, minor, product, suite, build] = numbers;
        Some(Decoration {
            arch: arch.map(str::to_owned),
            major,
            minor,
            product,
            suite,
            build,
        })
    }

    /// How well the decoration fits; greater is better, `None` does not fit. A version counts for
    /// more than product type and suite, these for more than the architecture.
    fn fit(&self, windows: Windows) -> Option<(u32, u32, u32, u32, u32)> {
        if self.arch.as_deref().is_some_and(|arch| arch != "amd64") {
            return None;
        }
        let version = (self.major.unwrap_or(0), self.minor.unwrap_or(0));
        let running = (windows.major, windows.minor);
        if version > running {
            return None;
        }
        // A build number counts only for exactly the running major and minor version.
        let build = self.build.unwrap_or(0);
        if version == running && build > windows.build {
            return None;
        }
        if self
            .product
            .is_some_and(|product| product != windows.product)
        {
            return None;
        }
        // The host has no suite.
        if self.suite.is_some_and(|suite| suite != 0) {
            return None;
        }
        let exact = u32::from(self.product.is_some());
        let arch = u32::from(self.arch.is_some());
        Some((version.0, version.1, build, exact, arch))
    }
}

/// The models section to use: `base` with the best of the decorations that the manufacturer entry
/// lists. `None`: this Windows is not served. An undecorated section serves 32-bit x86 only.
pub fn models_section(base: &str, decorations: &[&str], windows: Windows) -> Option<String> {
    decorations
        .iter()
        .filter_map(|text| Some((Decoration::parse(text)?.fit(windows)?, text)))
        .max_by_key(|(fit, _)| *fit)
        .map(|(_, text)| format!("{base}.{text}"))
}

/// The install section to use: `base` decorated as well as the file allows, else `base` itself.
pub fn install_section(inf: &Inf, base: &str, windows: Windows) -> Option<String> {
    let prefix = format!("{}.", base.to_ascii_lowercase());
    let decorated = inf
        .sections
        .keys()
        .filter_map(|name| {
            let text = name.strip_prefix(&prefix)?;
            Some((Decoration::parse(text)?.fit(windows)?, name))
        })
        .max();
    match decorated {
        Some((_, name)) => Some(name.clone()),
        None => inf.has(base).then(|| base.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Windows {
        Windows::with_ndis(87)
    }

    #[test]
    fn windows_goes_by_its_ndis() {
        assert_eq!(Windows::with_ndis(84).build, 19041);
        assert_eq!(Windows::with_ndis(35).build, 9200);
        assert_eq!(Windows::with_ndis(89).build, 22621);
        assert_eq!(Windows::with_ndis(6).build, 7600);
    }

    fn pick(decorations: &[&str]) -> Option<String> {
        models_section("M", decorations, host())
    }

    #[test]
    fn the_highest_version_not_above_the_running_one_wins() {
        let all = [
            "NTamd64",
            "NTamd64.6.1",
            "NTamd64.10.0...19041",
            "NTamd64.10.0...26100",
        ];
        assert_eq!(pick(&all).unwrap(), "M.NTamd64.10.0...19041");
        assert_eq!(pick(&all[..2]).unwrap(), "M.NTamd64.6.1");
        assert_eq!(pick(&["NTamd64.10.0...26100"]), None);
        assert_eq!(pick(&["NTamd64.11.0"]), None);
        // The build belongs to its own major version only.
        assert_eq!(
            pick(&["NTamd64.6.3...99999"]).unwrap(),
            "M.NTamd64.6.3...99999"
        );
    }

    #[test]
    fn other_cpus_products_and_suites_are_not_served() {
        assert_eq!(pick(&["NTx86", "NTarm64", "ntia64"]), None);
        assert_eq!(pick(&["NTamd64.10.0.3"]), None);
        assert_eq!(
            pick(&["NTamd64.6.1", "NTamd64.6.1.0x1"]).unwrap(),
            "M.NTamd64.6.1.0x1"
        );
        assert_eq!(pick(&["NTamd64....0x80"]), None);
        assert_eq!(pick(&[]), None);
        assert_eq!(pick(&["NTamd64.1.2.3.4.5.6", "junk"]), None);
    }

    #[test]
    fn install_sections_prefer_the_closest_decoration() {
        let inf = |text: &str| Inf::parse(format!("[Version]\n{text}").as_bytes()).unwrap();
        let all = inf("[i]\n[i.NT]\n[i.NTamd64]\n[i.NTx86]\n[i.NT.Services]\n[i.NTamd64.HW]\n");
        assert_eq!(install_section(&all, "I", host()).unwrap(), "i.ntamd64");
        let nt = inf("[i]\n[i.NT]\n[i.NTx86]\n[i.NT.Services]\n");
        assert_eq!(install_section(&nt, "I", host()).unwrap(), "i.nt");
        let plain = inf("[i]\n[i.NTx86]\n[i.Services]\n");
        assert_eq!(install_section(&plain, "i", host()).unwrap(), "i");
        assert_eq!(install_section(&inf("[i.NTx86]\n"), "i", host()), None);
    }
}
