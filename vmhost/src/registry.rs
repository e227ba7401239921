// SPDX-License-Identifier: MIT OR Apache-2.0
//! The registry as the installation left it, and what the driver wrote since. Any IRQL; no
//! memory of the driver is touched here.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use vmhost_proto::{HostConfig, Keyword, RegistryValue};

use crate::machine::lock::IrqSpin;

/// A key's full path, lower case, such as `\registry\machine\system\currentcontrolset\...`.
pub type Path = String;

/// The adapter's key in the network class: what `NdisOpenConfigurationEx` opens.
pub const DRIVER_KEY: &str = "\\registry\\machine\\system\\currentcontrolset\\control\\class\\{4d36e972-e325-11ce-bfc1-08002be10318}\\0000";
/// The device's hardware key.
pub const HARDWARE_KEY: &str =
    "\\registry\\machine\\system\\currentcontrolset\\enum\\pci\\device\\device parameters";

const SERVICES: &str = "\\registry\\machine\\system\\currentcontrolset\\services";

#[derive(Default)]
struct Store {
    /// Path → lower-case name → name and value.
    keys: BTreeMap<Path, BTreeMap<String, (String, RegistryValue)>>,
    service: String,
    ndis_minor: u8,
}

static STORE: IrqSpin<Option<Store>> = IrqSpin::new(None);

fn with<R>(f: impl FnOnce(&mut Store) -> R) -> R {
    f(STORE.lock().get_or_insert_with(Store::default))
}

/// A path as it is stored: lower case, the current control set, no trailing backslash.
pub fn normalise(path: &str) -> Path {
    path.trim_end_matches('\\')
        .to_lowercase()
        .replace("\\controlset001\\", "\\currentcontrolset\\")
}

/// Fills the registry from the configuration. A keyword's name may have a path in front of it
/// (`Ndi\Params\*Speed\default`).
pub fn init(config: &HostConfig) {
    with(|store| {
        store.keys.clear();
        store.service = format!("{SERVICES}\\{}", config.install.service.to_lowercase());
        store.ndis_minor = config.ndis_minor;
        for Keyword { name, value } in &config.install.keywords {
            let (path, name) = match name.rsplit_once('\\') {
                Some((sub, name)) => (format!("{DRIVER_KEY}\\{}", sub.to_lowercase()), name),
                None => (DRIVER_KEY.to_string(), name.as_str()),
            };
            store
                .keys
                .entry(path)
                .or_default()
                .insert(name.to_lowercase(), (name.to_string(), value.clone()));
        }
        let image = format!("\\SystemRoot\\System32\\drivers\\{}", config.install.image);
        let service = store.keys.entry(store.service.clone()).or_default();
        for (name, value) in [
            ("ImagePath", RegistryValue::Sz(image)),
            (
                "DisplayName",
                RegistryValue::Sz(config.install.description.clone()),
            ),
            ("Start", RegistryValue::Dword(3)),
            ("Type", RegistryValue::Dword(1)),
            ("ErrorControl", RegistryValue::Dword(1)),
        ] {
            service.insert(name.to_lowercase(), (name.to_string(), value));
        }
        store
            .keys
            .entry(format!("{}\\parameters", store.service))
            .or_default();
        let version =
            "\\registry\\machine\\software\\microsoft\\windows nt\\currentversion".to_string();
        store.keys.entry(version).or_default().insert(
            "currentmajorversionnumber".into(),
            ("CurrentMajorVersionNumber".into(), RegistryValue::Dword(10)),
        );
        let interrupt = &config.install.interrupt;
        let message =
            format!("{HARDWARE_KEY}\\interrupt management\\messagesignaledinterruptproperties");
        for (name, value) in [
            ("MSISupported", interrupt.msi_supported),
            ("MessageNumberLimit", interrupt.message_number_limit),
        ] {
            if let Some(value) = value {
                store.keys.entry(message.clone()).or_default().insert(
                    name.to_lowercase(),
                    (name.to_string(), RegistryValue::Dword(value)),
                );
            }
        }
    });
}

/// Path of the driver's service key: the `RegistryPath` of DriverEntry.
pub fn service_key() -> Path {
    with(|store| store.service.clone())
}

/// Highest NDIS minor version that the host plays.
pub fn ndis_minor() -> u8 {
    with(|store| store.ndis_minor)
}

/// A value.
pub fn value(path: &str, name: &str) -> Option<RegistryValue> {
    with(|store| {
        store
            .keys
            .get(path)?
            .get(&name.to_lowercase())
            .map(|(_, v)| v.clone())
    })
}

/// Sets a value, making the key if need be.
pub fn set(path: &str, name: &str, value: RegistryValue) {
    with(|store| {
        store
            .keys
            .entry(path.to_string())
            .or_default()
            .insert(name.to_lowercase(), (name.to_string(), value));
    });
}

/// Deletes a value; false when there is none.
pub fn delete(path: &str, name: &str) -> bool {
    with(|store| {
        store
            .keys
            .get_mut(path)
            .and_then(|k| k.remove(&name.to_lowercase()))
            .is_some()
    })
}

/// True when the key, or one below it, exists.
pub fn exists(path: &str) -> bool {
    let below = format!("{path}\\");
    with(|store| {
        store
            .keys
            .keys()
            .any(|k| k == path || k.starts_with(&below))
    })
}

/// Makes an empty key; false when it exists.
pub fn create(path: &str) -> bool {
    let new = !exists(path);
    with(|store| {
        store.keys.entry(path.to_string()).or_default();
    });
    new
}

/// Names of the keys directly below one, in order.
pub fn subkeys(path: &str) -> Vec<String> {
    let below = format!("{path}\\");
    with(|store| {
        let mut names: Vec<String> = store
            .keys
            .keys()
            .filter_map(|k| k.strip_prefix(&below))
            .filter_map(|rest| rest.split('\\').next())
            .map(ToString::to_string)
            .collect();
        names.dedup();
        names
    })
}

/// Names and values of a key, in order.
pub fn values(path: &str) -> Vec<(String, RegistryValue)> {
    with(|store| {
        store
            .keys
            .get(path)
            .map(|k| k.values().cloned().collect())
            .unwrap_or_default()
    })
}

/// Registry type number and bytes of a value, as the Zw functions give them.
pub fn raw(value: &RegistryValue) -> (u32, Vec<u8>) {
    let wide = |s: &str| {
        s.encode_utf16()
            .chain(core::iter::once(0))
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    match value {
        RegistryValue::Sz(s) => (1, wide(s)),
        RegistryValue::Binary(b) => (3, b.clone()),
        RegistryValue::Dword(d) => (4, d.to_le_bytes().to_vec()),
        RegistryValue::MultiSz(list) => {
            let mut bytes: Vec<u8> = list.iter().flat_map(|s| wide(s)).collect();
            bytes.extend([0, 0]);
            (7, bytes)
        }
    }
}

/// A value from its type number and bytes; what is not known is binary.
pub fn cooked(kind: u32, bytes: &[u8]) -> RegistryValue {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|p| u16::from_le_bytes([p[0], p[1]]))
        .collect();
    let text = |u: &[u16]| {
        String::from_utf16_lossy(u)
            .trim_end_matches('\0')
            .to_string()
    };
    match kind {
        1 | 2 => RegistryValue::Sz(text(&units)),
        4 if bytes.len() >= 4 => {
            RegistryValue::Dword(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        }
        7 => RegistryValue::MultiSz(
            units
                .split(|c| *c == 0)
                .filter(|s| !s.is_empty())
                .map(text)
                .collect(),
        ),
        _ => RegistryValue::Binary(bytes.to_vec()),
    }
}
