// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of the installation from INF files: the project's own, and ones with traps.

use super::*;

const OURS: &[u8] = include_bytes!("../../../../inf/ndis_e1000e.inx");

const E1000E: PciFunction = PciFunction {
    vendor: 0x8086,
    device: 0x10D3,
    subsystem_vendor: 0x8086,
    subsystem: 0,
    revision: 0,
    class: 0x020000,
};

fn installed(bytes: &[u8]) -> Result<Install, String> {
    install(&Inf::parse(bytes)?, &E1000E, Windows::with_ndis(87))
}

fn value<'a>(install: &'a Install, name: &str) -> Option<&'a RegistryValue> {
    let keyword = install
        .keywords
        .iter()
        .find(|keyword| keyword.name == name)?;
    Some(&keyword.value)
}

fn sz(text: &str) -> RegistryValue {
    RegistryValue::Sz(text.to_owned())
}

#[test]
fn our_own_package() {
    let install = installed(OURS).unwrap();
    assert_eq!(install.service, "ndis_e1000e");
    assert_eq!(install.image, "ndis_e1000e.sys");
    assert_eq!(install.hardware_id, "PCI\\VEN_8086&DEV_10D3");
    assert_eq!((install.vendor, install.device), (0x8086, 0x10D3));
    assert!(install.description.contains("82574L"));
    for (name, number) in [
        ("*IfType", 6),
        ("*MediaType", 0),
        ("*PhysicalMediaType", 14),
    ] {
        assert_eq!(
            value(&install, name),
            Some(&RegistryValue::Dword(number)),
            "{name}"
        );
    }
    assert_eq!(value(&install, "ITR"), Some(&sz("65535")));
    assert_eq!(value(&install, "*InterruptModeration"), Some(&sz("1")));
    assert_eq!(value(&install, "NetworkAddress"), None);
    let interrupt = InterruptManagement {
        msi_supported: Some(1),
        message_number_limit: Some(5),
        device_policy: Some(0),
        ..InterruptManagement::default()
    };
    assert_eq!(install.interrupt, interrupt);
}

/// The driver's own table of keywords, which the INF must agree with.
#[path = "../../../../src/config/keywords.rs"]
mod keywords;

#[test]
fn our_own_package_says_what_the_driver_accepts() {
    let inf = Inf::parse(OURS).unwrap();
    let mut tree = Tree::default();
    tree.add(&inf, "E1000E.ndi.NT").unwrap();
    for wanted in keywords::KEYWORDS {
        let key = format!("Ndi\\params\\{}", wanted.name);
        let text = |name: &str| match tree.get(&key, name) {
            Some(RegistryValue::Sz(text)) => text.clone(),
            other => panic!("{key} {name}: {other:?}"),
        };
        assert_eq!(text("Default"), wanted.default.to_string(), "{key}");
        match wanted.allowed {
            keywords::Allowed::OneOf(list) => {
                assert_eq!(text("Type"), "enum", "{key}");
                let key = format!("{key}\\enum");
                let values = tree.values().iter().filter(|value| value.key == key);
                let offered: Vec<u32> = values.map(|value| number(&value.name).unwrap()).collect();
                assert_eq!(offered, list, "{key}");
            }
            keywords::Allowed::Range { min, max, step } => {
                assert_eq!(text("Type"), "int", "{key}");
                assert_eq!(text("Min"), min.to_string(), "{key}");
                assert_eq!(text("Max"), max.to_string(), "{key}");
                assert_eq!(text("Step"), step.to_string(), "{key}");
            }
        }
    }
}

#[test]
fn our_own_file_defines_every_string_and_uses_each() {
    let inf = Inf::parse(OURS).unwrap();
    let unresolved: Vec<&str> = inf
        .sections
        .iter()
        .filter(|(name, _)| *name != "strings")
        .flat_map(|(_, entries)| entries)
        .flat_map(|entry| entry.key.iter().chain(&entry.values))
        .filter(|text| text.contains('%'))
        .map(String::as_str)
        .collect();
    for text in &unresolved {
        // A DIRID and an environment variable, which Windows resolves.
        assert!(
            text.starts_with("%13%") || text.starts_with("%SystemRoot%"),
            "{text}"
        );
    }
    let text = std::str::from_utf8(OURS).unwrap();
    for entry in inf.section("Strings") {
        let token = format!("%{}%", entry.key.as_ref().unwrap());
        assert!(text.contains(&token), "{token} is never used");
    }
}

#[test]
fn our_own_file_is_ascii_with_crlf_lines() {
    assert!(OURS.is_ascii());
    let text = std::str::from_utf8(OURS).unwrap();
    assert!(
        text.split_inclusive('\n')
            .all(|line| line.ends_with("\r\n"))
    );
}

#[test]
fn our_own_package_prefers_the_vmware_entry_and_keeps_older_windows_out() {
    let inf = Inf::parse(OURS).unwrap();
    let vmware = PciFunction {
        subsystem_vendor: 0x15AD,
        subsystem: 0x07D0,
        revision: 1,
        ..E1000E
    };
    let package = install(&inf, &vmware, Windows::with_ndis(87)).unwrap();
    assert!(package.description.contains("VMware"));
    assert!(package.hardware_id.ends_with("SUBSYS_07D015AD"));
    let old = Windows::with_ndis(83);
    let why = install(&inf, &E1000E, old).unwrap_err();
    assert!(why.contains("18362"), "{why}");
}

/// A package in the older style: `%12%`, NT decorations, values that override defaults.
const OLDER: &str = "[version]\n\
    Signature=\"$Windows NT$\"\nProvider=%P%\n\
    [Manufacturer]\n%P%=Std, NTx86, \\\n  NTamd64.6.1\n\
    [Std.NTx86]\n%D%=x86, PCI\\VEN_8086&DEV_10D3\n\
    [Std.NTamd64.6.1]\n%D%=wide, PCI\\CC_0200\n%D%=nic.ndi, \"PCI\\VEN_8086&DEV_10D3\" ; \"best\n\
    [nic.ndi.NTamd64]\n\
    *IfType=6\n*MediaType=0\n*PhysicalMediaType=0xE\nCharacteristics=0x84\n\
    AddReg=reg.a, reg.b\nCopyFiles=files\n\
    [nic.ndi.NTamd64.Services]\n\
    AddService=other,0,other.svc\nAddService=nic, 0x00000002, nic.svc\n\
    [nic.svc]\nServiceBinary=%12%\\nic.sys\n\
    [nic.ndi.NTamd64.HW]\nAddReg=hw\n\
    [hw]\n\
    HKR,\"Interrupt Management\\Affinity Policy\",AssignmentSetOverride,1,0x03,01\n\
    HKR,\"Interrupt Management\\Affinity Policy\",DevicePolicy,0x10001,4\n\
    HKR,\"Interrupt Management\\Affinity Policy\",DevicePriority,0x10001,2\n\
    [reg.a]\n\
    HKR,Ndi\\Params\\*Flow,Default,,\"3\"\nHKR,Ndi\\Params\\*Flow\\enum,\"0\",,Off\n\
    HKR,Ndi\\params\\Count,default,0x10001,7\nHKR,Ndi\\params\\Addr,Default,,x\n\
    HKR,Ndi\\params\\Addr,Optional,,1\n\
    [reg.b]\nHKR,,*Flow,,\"1\"\nHKR,,Own,0x10001,0x20\n\
    [files]\nnic.sys,,,2\n\
    [DestinationDirs]\nDefaultDestDir=11\nfiles=10,System32\\Drivers\n\
    [SourceDisksFiles.amd64]\nnic.sys=1\n\
    [Strings]\nP=\"Provider, Inc.\"\nD=\"A NIC\"\n";

#[test]
fn an_older_package_in_every_encoding() {
    let utf16: Vec<u8> = format!("\u{feff}{OLDER}")
        .replace('\n', "\r\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [OLDER.as_bytes(), &utf16] {
        let install = installed(bytes).unwrap();
        assert_eq!(install.service, "nic");
        assert_eq!(install.image, "nic.sys");
        assert_eq!(install.description, "A NIC");
        assert_eq!(
            value(&install, "*Flow"),
            Some(&sz("1")),
            "AddReg beats the default"
        );
        assert_eq!(value(&install, "Count"), Some(&sz("7")));
        assert_eq!(value(&install, "Addr"), None, "optional");
        assert_eq!(value(&install, "Own"), Some(&RegistryValue::Dword(32)));
        assert_eq!(value(&install, "ProviderName"), Some(&sz("Provider, Inc.")));
        assert_eq!(install.interrupt.assignment_set_override, Some(0x103));
        assert_eq!(install.interrupt.device_policy, Some(4));
        assert_eq!(install.interrupt.device_priority, Some(2));
        assert_eq!(install.interrupt.msi_supported, None);
    }
}

#[test]
fn what_windows_would_refuse_is_refused() {
    for (from, to, want) in [
        ("VEN_8086&DEV_10D3\" ;", "VEN_8086&DEV_1533\" ;", "[wide]"),
        ("PCI\\CC_0200", "PCI\\CC_0300", "A NIC"),
        (
            "%D%=wide, PCI\\CC_0200\n%D%=nic.ndi",
            "%D%=nic.ndi, PCI\\VEN_1\n; ",
            "PCI\\VEN_1",
        ),
        (
            "NTamd64.6.1\n[Std.NTx86]",
            "NTarm64\n[Std.NTx86]",
            "no models section serves",
        ),
        ("[Std.NTamd64.6.1]", "[Std.NTamd64]", "[Std.NTamd64.6.1]"),
        ("[Manufacturer]", "[Manu]", "[Manufacturer]"),
        ("*MediaType=0", "MediaType=0", "*MediaType"),
        ("*IfType=6", "*IfType=six", "six"),
        (
            "[nic.ndi.NTamd64.Services]",
            "[nic.ndi.Services]",
            ".Services",
        ),
        (
            "0x00000002, nic.svc",
            "0, nic.svc",
            "SPSVCINST_ASSOCSERVICE",
        ),
        ("[nic.svc]", "[svc]", "ServiceBinary"),
        ("%12%\\nic.sys", "%13%\\nic.sys", "%13%"),
        ("nic.sys,,,2", "nic.dll,,,2", "copies nic.sys"),
        ("[files]", "[filez]", "[files]"),
        ("nic.sys=1", "nic.dll=1", "SourceDisksFiles"),
        ("AddReg=hw", "AddReg=hx", "[hx]"),
        ("DevicePolicy,0x10001,4", "DevicePolicy,,4", "DevicePolicy"),
    ] {
        assert!(OLDER.contains(from), "{from}");
        let text = OLDER.replacen(from, to, 1);
        let result = installed(text.as_bytes());
        if want == "A NIC" {
            // The other entry still matches.
            assert_eq!(result.unwrap().description, want);
            continue;
        }
        let why = result.expect_err(to);
        assert!(why.contains(want), "{to}: {why}");
        assert!(!why.contains('\n'));
    }
}

#[test]
fn needs_of_the_same_file_are_followed() {
    let text = OLDER.replacen(
        "AddReg=reg.a, reg.b",
        "Needs=more, system.section\nAddReg=reg.a",
        1,
    ) + "[more]\nAddReg=reg.b\n*IfConnectorPresent=1\n";
    let install = installed(text.as_bytes()).unwrap();
    assert_eq!(value(&install, "Own"), Some(&RegistryValue::Dword(32)));
    assert_eq!(
        value(&install, "*IfConnectorPresent"),
        Some(&RegistryValue::Dword(1))
    );
}
