// SPDX-License-Identifier: MIT OR Apache-2.0
//! Installs a driver package for one PCI device, as far as the driver can see it: chooses the
//! models entry by rank, follows its install section, `.HW` and `.Services`, and collects what
//! Windows would leave in the driver key and the hardware key.
//!
//! Sources: the public pages "INF Models Section", "INF DDInstall Section", "INF AddService
//! Directive", "DDInstall Section in a Network INF File", "Specifying Configuration Parameters for
//! the Advanced Properties Page"; contract X-110.

use super::registry::{Tree, number};
use super::target::{self, Windows};
use super::{Entry, Inf};
use crate::vm::hardware_id::{Match, PciFunction};
use vmhost_proto::{Install, InterruptManagement, Keyword, RegistryValue};

/// Entries of a network install section that the class installer writes into the driver key.
/// NDIS does not initialise an adapter that lacks one of those marked `true`.
const INSTALL_ENTRIES: &[(&str, bool)] = &[
    ("*IfType", true),
    ("*MediaType", true),
    ("*PhysicalMediaType", true),
    ("*IfConnectorPresent", false),
    ("*ConnectionType", false),
    ("Characteristics", false),
    ("BusType", false),
];

/// `SPSVCINST_ASSOCSERVICE` of AddService: this service drives the device.
const ASSOCIATED: u32 = 0x2;

/// Installs the package for `device` on `windows`.
///
/// # Errors
/// One line that says which section or entry keeps Windows from installing it.
pub fn install(inf: &Inf, device: &PciFunction, windows: Windows) -> Result<Install, String> {
    let model = find_model(inf, device, windows)?;
    let section = target::install_section(inf, &model.section, windows).ok_or_else(|| {
        format!(
            "[{}], which the models section names, is missing",
            model.section
        )
    })?;
    let (service, image) = find_service(inf, &section)?;

    let mut driver_key = Tree::default();
    for name in sections_of(inf, &section) {
        driver_key.add(inf, &name)?;
    }
    let mut keywords = Vec::new();
    for (name, mandatory) in INSTALL_ENTRIES {
        let entry = sections_of(inf, &section)
            .into_iter()
            .find_map(|section| inf.first(&section, name).map(str::to_owned));
        match entry {
            Some(text) => {
                let value = number(&text)
                    .ok_or_else(|| format!("{name} = {text:?} in [{section}] is no number"))?;
                keywords.push(keyword(name, RegistryValue::Dword(value)));
            }
            None if *mandatory => {
                return Err(format!(
                    "[{section}] has no {name}: NDIS would not initialise the adapter"
                ));
            }
            None => {}
        }
    }
    keywords.extend(advanced_parameters(&driver_key));
    // What AddReg wrote by name replaces the default of the advanced page.
    for value in driver_key
        .values()
        .iter()
        .filter(|value| value.key.is_empty())
    {
        put(&mut keywords, keyword(&value.name, value.data.clone()));
    }
    for (name, text) in [
        ("DriverDesc", model.description.as_str()),
        (
            "ProviderName",
            inf.first("Version", "Provider").unwrap_or_default(),
        ),
        ("MatchingDeviceId", &model.found.id.to_ascii_lowercase()),
        ("ComponentId", &model.hardware_id.to_ascii_lowercase()),
        ("InfSection", &model.section),
    ] {
        put(
            &mut keywords,
            keyword(name, RegistryValue::Sz(text.to_owned())),
        );
    }

    let mut hardware_key = Tree::default();
    hardware_key.add(inf, &format!("{section}.HW"))?;
    Ok(Install {
        service,
        image,
        description: model.description,
        hardware_id: model.found.id,
        vendor: device.vendor,
        device: device.device,
        keywords,
        interrupt: interrupt_management(&hardware_key)?,
    })
}

/// The chosen models entry.
struct Model {
    description: String,
    section: String,
    hardware_id: String,
    found: Match,
}

fn find_model(inf: &Inf, device: &PciFunction, windows: Windows) -> Result<Model, String> {
    if inf.section("Manufacturer").is_empty() {
        return Err("it has no [Manufacturer] section".to_owned());
    }
    let mut best: Option<Model> = None;
    let mut offered = Vec::new();
    let mut served = false;
    for entry in inf.section("Manufacturer") {
        let Some(models) = models_of(entry, windows) else {
            continue;
        };
        if !inf.has(&models) {
            return Err(format!(
                "line {}: [Manufacturer] names models section [{models}], which is missing",
                entry.line
            ));
        }
        served = true;
        for entry in inf.section(&models) {
            let ids = entry.values.get(1..).unwrap_or_default();
            offered.extend(ids.first().cloned());
            let Some(found) = device.rank(ids) else {
                continue;
            };
            if best
                .as_ref()
                .is_none_or(|best| found.score < best.found.score)
            {
                best = Some(Model {
                    description: entry.key.clone().unwrap_or_default(),
                    section: entry.value(0).to_owned(),
                    hardware_id: ids[0].clone(),
                    found,
                });
            }
        }
    }
    if let Some(model) = best {
        return Ok(model);
    }
    if !served {
        return Err(format!(
            "no models section serves 64-bit Windows {}.{} build {}",
            windows.major, windows.minor, windows.build
        ));
    }
    let more = offered.len().saturating_sub(4);
    offered.truncate(4);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Err(format!(
        "no models section lists {}; it has {}{more}",
        device.hardware_ids()[0],
        if offered.is_empty() {
            "no device".to_owned()
        } else {
            offered.join(", ")
        },
    ))
}

/// The models section of one manufacturer entry: `%name% = section, decoration, …`.
fn models_of(entry: &Entry, windows: Windows) -> Option<String> {
    entry.key.as_ref()?;
    // Some files write the decoration into the one section name: `%x% = Std.NTamd64`.
    let (base, decorations) = entry.values.split_first()?;
    if decorations.is_empty() {
        let dot = base.to_ascii_lowercase().rfind(".nt")?;
        return target::models_section(&base[..dot], &[&base[dot + 1..]], windows);
    }
    let decorations: Vec<&str> = decorations.iter().map(String::as_str).collect();
    target::models_section(base, &decorations, windows)
}

/// The install section and those that `Needs` pulls in from the same file. Sections of an included
/// system INF are not at hand; none of them concerns what a PCI miniport reads.
fn sections_of(inf: &Inf, section: &str) -> Vec<String> {
    let mut all = vec![section.to_owned()];
    for needed in inf.all(section, "Needs") {
        if inf.has(needed) {
            all.push(needed.to_owned());
        }
    }
    all
}

/// Service name and image file name.
fn find_service(inf: &Inf, section: &str) -> Result<(String, String), String> {
    let services = format!("{section}.Services");
    if !inf.has(&services) {
        return Err(format!(
            "[{services}] is missing: the device would get no driver"
        ));
    }
    let entry = inf
        .section(&services)
        .iter()
        .filter(|entry| entry.is("AddService"))
        .find(|entry| number(entry.value(1)).unwrap_or(0) & ASSOCIATED != 0)
        .ok_or_else(|| {
            format!("[{services}] has no AddService with SPSVCINST_ASSOCSERVICE (0x2)")
        })?;
    let (service, install) = (entry.value(0), entry.value(2));
    let binary = inf
        .first(install, "ServiceBinary")
        .ok_or_else(|| format!("[{install}] has no ServiceBinary"))?;
    let (folder, image) = binary
        .rsplit_once('\\')
        .ok_or_else(|| format!("ServiceBinary {binary:?} in [{install}] has no folder"))?;
    check_copied(inf, section, image, &folder_of(folder))?;
    Ok((service.to_owned(), image.to_owned()))
}

/// Windows starts the service from where CopyFiles put the image.
fn check_copied(inf: &Inf, section: &str, image: &str, folder: &str) -> Result<(), String> {
    for section in sections_of(inf, section) {
        for list in inf.all(&section, "CopyFiles") {
            let (names, destination) = match list.strip_prefix('@') {
                Some(name) => (vec![name], "DefaultDestDir"),
                None if !inf.has(list) => {
                    return Err(format!("CopyFiles section [{list}] is missing"));
                }
                None => (
                    inf.section(list)
                        .iter()
                        .map(|entry| entry.value(0))
                        .collect(),
                    list,
                ),
            };
            if !names.iter().any(|name| name.eq_ignore_ascii_case(image)) {
                continue;
            }
            let entry = ["DestinationDirs"; 2]
                .iter()
                .zip([destination, "DefaultDestDir"])
                .find_map(|(dirs, key)| inf.section(dirs).iter().find(|entry| entry.is(key)))
                .ok_or_else(|| format!("[DestinationDirs] has no entry for [{destination}]"))?;
            let target = folder_of(&format!("%{}%\\{}", entry.value(0), entry.value(1)));
            if target != folder {
                return Err(format!(
                    "ServiceBinary is in {folder}, but line {} copies {image} to {target}",
                    entry.line
                ));
            }
            let listed = ["SourceDisksFiles", "SourceDisksFiles.amd64"]
                .iter()
                .flat_map(|files| inf.section(files))
                .any(|entry| entry.is(image));
            if !listed {
                return Err(format!("[SourceDisksFiles] does not list {image}"));
            }
            return Ok(());
        }
    }
    Err(format!(
        "no CopyFiles section of [{section}] copies {image}"
    ))
}

/// A folder with its DIRID in one form: `%10%\System32\drivers` is `%12%`.
fn folder_of(folder: &str) -> String {
    let folder = folder.trim_end_matches('\\').to_ascii_lowercase();
    match folder.as_str() {
        "%10%\\system32\\drivers" | "%11%\\drivers" => "%12%".to_owned(),
        _ => folder,
    }
}

fn keyword(name: &str, value: RegistryValue) -> Keyword {
    Keyword {
        name: name.to_owned(),
        value,
    }
}

fn put(keywords: &mut Vec<Keyword>, new: Keyword) {
    match keywords
        .iter_mut()
        .find(|old| old.name.eq_ignore_ascii_case(&new.name))
    {
        Some(old) => *old = new,
        None => keywords.push(new),
    }
}

/// Defaults of `Ndi\params\NAME`: Windows writes each into the driver key as a string, whatever
/// the parameter's type. An optional one stays absent until a user sets it.
fn advanced_parameters(driver_key: &Tree) -> Vec<Keyword> {
    const PREFIX: &str = "ndi\\params\\";
    let mut keywords = Vec::new();
    for value in driver_key.values() {
        let is_parameter = value.key.to_ascii_lowercase().starts_with(PREFIX);
        if !is_parameter || !value.name.eq_ignore_ascii_case("Default") {
            continue;
        }
        let name = &value.key[PREFIX.len()..];
        let optional = match driver_key.get(&value.key, "Optional") {
            Some(RegistryValue::Sz(text)) => number(text) == Some(1),
            Some(RegistryValue::Dword(flag)) => *flag == 1,
            _ => false,
        };
        if optional || name.contains('\\') {
            continue;
        }
        let text = match &value.data {
            RegistryValue::Sz(text) => text.clone(),
            RegistryValue::Dword(number) => number.to_string(),
            _ => continue,
        };
        put(&mut keywords, keyword(name, RegistryValue::Sz(text)));
    }
    keywords
}

fn interrupt_management(hardware_key: &Tree) -> Result<InterruptManagement, String> {
    const MESSAGES: &str = "Interrupt Management\\MessageSignaledInterruptProperties";
    const AFFINITY: &str = "Interrupt Management\\Affinity Policy";
    let dword = |key: &str, name: &str| match hardware_key.get(key, name) {
        None => Ok(None),
        Some(RegistryValue::Dword(value)) => Ok(Some(*value)),
        Some(_) => Err(format!("{key}\\{name} is no REG_DWORD")),
    };
    let assignment = match hardware_key.get(AFFINITY, "AssignmentSetOverride") {
        None => None,
        Some(RegistryValue::Dword(value)) => Some(u64::from(*value)),
        Some(RegistryValue::Binary(bytes)) if (1..=8).contains(&bytes.len()) => {
            let fold = |mask: u64, &byte: &u8| mask << 8 | u64::from(byte);
            Some(bytes.iter().rev().fold(0, fold))
        }
        Some(_) => return Err(format!("{AFFINITY}\\AssignmentSetOverride is no KAFFINITY")),
    };
    Ok(InterruptManagement {
        msi_supported: dword(MESSAGES, "MSISupported")?,
        message_number_limit: dword(MESSAGES, "MessageNumberLimit")?,
        device_policy: dword(AFFINITY, "DevicePolicy")?,
        device_priority: dword(AFFINITY, "DevicePriority")?,
        assignment_set_override: assignment,
    })
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
