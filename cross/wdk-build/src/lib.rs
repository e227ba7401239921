// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stand-in for `wdk-build` on hosts without Windows.
//!
//! The published `wdk-build` finds the WDK through the Windows registry and does not compile
//! elsewhere. This crate has its name, its version and the calls that the build scripts of
//! `wdk-sys`, `wdk`, `wdk-alloc`, `wdk-panic` and this project's driver make, so that all of those
//! are used as published. Linux builds put it in place with `patch.crates-io`; a Windows build never
//! sees it. It serves WDM drivers for x86-64; other configurations are refused by name.
//!
//! Headers and libraries come from the directory that this crate's build script lays out.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

mod bindings;
mod error;

pub use bindings::BuilderExt;
pub use error::{ConfigError, IoError};

/// What a build that depends on the WDK is configured for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Driver model, from `[package.metadata.wdk.driver-model]` of the top-level manifest.
    pub driver_config: DriverConfig,
}

/// Driver model. The stand-in builds [`DriverConfig::Wdm`] only; the others exist because build
/// scripts match on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverConfig {
    /// Windows Driver Model.
    Wdm,
    /// Kernel-Mode Driver Framework.
    Kmdf(KmdfConfig),
    /// User-Mode Driver Framework.
    Umdf(UmdfConfig),
}

/// Version of the Kernel-Mode Driver Framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KmdfConfig {
    /// Major version.
    pub kmdf_version_major: u8,
    /// Minor version that is built against.
    pub target_kmdf_version_minor: u8,
    /// Lowest minor version that the driver runs on.
    pub minimum_kmdf_version_minor: Option<u8>,
}

/// Version of the User-Mode Driver Framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UmdfConfig {
    /// Major version.
    pub umdf_version_major: u8,
    /// Minor version that is built against.
    pub target_umdf_version_minor: u8,
    /// Lowest minor version that the driver runs on.
    pub minimum_umdf_version_minor: Option<u8>,
}

/// A set of WDK headers. A WDM driver of this project has the base set; the names are those of the
/// Cargo features of `wdk-sys`.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum ApiSubset {
    /// What every driver needs.
    Base,
    /// Windows Driver Frameworks: empty under WDM.
    Wdf,
    /// General purpose I/O.
    Gpio,
    /// Human interface devices.
    Hid,
    /// Parallel ports.
    ParallelPorts,
    /// Simple peripheral bus.
    Spb,
    /// Storage.
    Storage,
    /// USB.
    Usb,
}

/// Root of the WDK-shaped directory.
const WDK: &str = env!("NDIS_CROSS_WDK");
/// Its one version directory.
const VERSION: &str = env!("NDIS_CROSS_WDK_VERSION");
/// The cfg that the WDK crates compile by.
const DRIVER_TYPE_CFG: &str = "driver_model__driver_type";

impl Config {
    /// The configuration that the top-level manifest asks for.
    ///
    /// # Errors
    /// No manifest beside a `Cargo.lock` above `OUT_DIR` and none named by `NDIS_CROSS_MANIFEST`,
    /// or a driver model other than WDM.
    pub fn from_env_auto() -> Result<Self, ConfigError> {
        let manifest = top_level_manifest()?;
        println!("cargo::rerun-if-env-changed=NDIS_CROSS_MANIFEST");
        println!("cargo::rerun-if-changed={}", manifest.display());
        let text = fs::read_to_string(&manifest)
            .map_err(|source| IoError::with_path(&manifest, source))?;
        let table: toml::Table =
            text.parse()
                .map_err(|error: toml::de::Error| ConfigError::Manifest {
                    path: manifest.clone(),
                    message: error.message().to_owned(),
                })?;
        let model = ["package", "metadata", "wdk", "driver-model"]
            .iter()
            .try_fold(&toml::Value::Table(table), |value, key| value.get(key))
            .and_then(|value| value.get("driver-type"))
            .and_then(|value| value.as_str())
            .map(str::to_owned);
        match model.as_deref() {
            Some("WDM") => Ok(Self {
                driver_config: DriverConfig::Wdm,
            }),
            other => Err(ConfigError::DriverModel {
                path: manifest,
                found: other.unwrap_or("missing").to_owned(),
            }),
        }
    }

    /// Include directories, in the order in which they are searched.
    ///
    /// # Errors
    /// One of them is missing.
    pub fn include_paths(&self) -> Result<impl Iterator<Item = PathBuf> + use<>, ConfigError> {
        let include = Path::new(WDK).join("Include").join(VERSION);
        directories(["km/crt", "km", "shared"].map(|part| include.join(part)))
    }

    /// Directories with import libraries.
    ///
    /// # Errors
    /// One of them is missing.
    pub fn library_paths(&self) -> Result<impl Iterator<Item = PathBuf> + use<>, ConfigError> {
        directories([Path::new(WDK).join("Lib").join(VERSION).join("km/x64")])
    }

    /// Macros that are defined before the headers.
    pub fn preprocessor_definitions(
        &self,
    ) -> impl Iterator<Item = (String, Option<String>)> + use<> {
        ["_WIN64", "_AMD64_", "AMD64", "_KERNEL_MODE"]
            .into_iter()
            .map(|name| (name.to_owned(), None))
    }

    /// Headers of a subset.
    ///
    /// # Errors
    /// A subset that the open headers do not have.
    pub fn headers(
        &self,
        subset: ApiSubset,
    ) -> Result<impl Iterator<Item = String> + use<>, ConfigError> {
        let headers: &[&str] = match subset {
            ApiSubset::Base if bindings::OPEN_HEADERS => {
                &["ndis_prelude.h", "ntifs.h", "ntddk.h", "ntstrsafe.h"]
            }
            ApiSubset::Base => &["ntifs.h", "ntddk.h", "ntstrsafe.h"],
            ApiSubset::Wdf => &[],
            other => return Err(ConfigError::Subset(other)),
        };
        Ok(headers.iter().map(|name| (*name).to_owned()))
    }

    /// Text of a header that includes every header of the subsets.
    ///
    /// # Errors
    /// A subset that the open headers do not have.
    pub fn bindgen_header_contents(
        &self,
        subsets: impl IntoIterator<Item = ApiSubset>,
    ) -> Result<String, ConfigError> {
        let mut text = String::new();
        for subset in subsets {
            for header in self.headers(subset)? {
                text.push_str("#include \"");
                text.push_str(&header);
                text.push_str("\"\n");
            }
        }
        Ok(text)
    }

    /// Rust source that links the libraries of a subset; nothing if it has none.
    #[must_use]
    pub fn bindgen_library_link_raw_lines(&self, subset: ApiSubset) -> Option<String> {
        if subset != ApiSubset::Base {
            return None;
        }
        let link = |name: &str| {
            format!(
                "#[cfg(not(any(test, feature = \"suppress-wdk-linking\")))]\n\
                 #[link(name = \"{name}\", kind = \"static\", modifiers = \"-bundle\")]\n\
                 unsafe extern \"C\" {{}}\n"
            )
        };
        Some(
            ["BufferOverflowFastFailK", "ntoskrnl", "hal", "wmilib"]
                .map(link)
                .concat(),
        )
    }

    /// Name of the WDF function table: none under WDM.
    #[must_use]
    pub fn compute_wdffunctions_symbol_name(&self) -> Option<String> {
        None
    }

    /// Tells rustc which values the cfg of the driver model may have.
    pub fn emit_check_cfg_settings() {
        println!(
            "cargo::rustc-check-cfg=cfg({DRIVER_TYPE_CFG}, values(\"WDM\",\"KMDF\",\"UMDF\"))"
        );
    }

    /// Settings for a library: the cfg of the driver model.
    ///
    /// # Errors
    /// None here; the signature is wdk-build's.
    pub fn configure_library_build(&self) -> Result<(), ConfigError> {
        Self::emit_check_cfg_settings();
        println!("cargo::rustc-cfg={DRIVER_TYPE_CFG}=\"WDM\"");
        Ok(())
    }

    /// Settings for the driver image: where the libraries are, and the linker arguments that make a
    /// native, relocatable, NX-compatible image without the C runtime.
    ///
    /// # Errors
    /// The target feature `crt-static` is off, or a library directory is missing.
    pub fn configure_binary_build(&self) -> Result<(), ConfigError> {
        let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
        if !features.split(',').any(|feature| feature == "crt-static") {
            return Err(ConfigError::StaticCrtNotEnabled);
        }
        for path in self.library_paths()? {
            println!("cargo::rustc-link-search={}", path.display());
        }
        for argument in [
            "/DRIVER",
            "/NODEFAULTLIB",
            "/SUBSYSTEM:NATIVE",
            "/ENTRY:DriverEntry",
            "/NXCOMPAT",
            "/DYNAMICBASE",
            "/MAP",
            "/OPT:REF,ICF",
            "/INTEGRITYCHECK",
            "/MANIFEST:NO",
        ] {
            println!("cargo::rustc-cdylib-link-arg={argument}");
        }
        self.configure_library_build()
    }
}

/// Directories, each checked to exist.
fn directories<const N: usize>(
    paths: [PathBuf; N],
) -> Result<impl Iterator<Item = PathBuf> + use<N>, ConfigError> {
    match paths.iter().find(|path| !path.is_dir()) {
        Some(path) => Err(ConfigError::DirectoryNotFound(path.clone())),
        None => Ok(paths.into_iter()),
    }
}

/// Manifest with the driver's metadata: the one that `NDIS_CROSS_MANIFEST` names, else the one
/// beside the nearest `Cargo.lock` above `OUT_DIR`, as wdk-build finds it.
fn top_level_manifest() -> Result<PathBuf, ConfigError> {
    if let Some(path) = env::var_os("NDIS_CROSS_MANIFEST") {
        return Ok(PathBuf::from(path));
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(ConfigError::NoManifest)?);
    out.ancestors()
        .find(|path| path.join("Cargo.lock").is_file())
        .map(|path| path.join("Cargo.toml"))
        .ok_or(ConfigError::NoManifest)
}

/// Configures a library that depends on the WDK.
///
/// # Errors
/// As [`Config::from_env_auto`].
pub fn configure_wdk_library_build() -> Result<(), ConfigError> {
    Config::from_env_auto()?.configure_library_build()
}

/// Configures a library that depends on the WDK, then hands the configuration to `then`.
///
/// # Errors
/// As [`Config::from_env_auto`], and what `then` returns.
pub fn configure_wdk_library_build_and_then<F, E>(mut then: F) -> Result<(), E>
where
    F: FnMut(Config) -> Result<(), E>,
    E: From<ConfigError>,
{
    let config = Config::from_env_auto()?;
    config.configure_library_build()?;
    then(config)
}

/// Configures a driver image.
///
/// # Errors
/// As [`Config::from_env_auto`] and [`Config::configure_binary_build`].
pub fn configure_wdk_binary_build() -> Result<(), ConfigError> {
    Config::from_env_auto()?.configure_binary_build()
}
