// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `bindgen` settings that `wdk-sys` asks for.

use std::{
    borrow::Borrow,
    env,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use bindgen::{Builder, EnumVariation, Formatter, RustEdition, RustTarget};

use crate::{Config, ConfigError};

/// True when the headers are mingw-w64's.
pub(crate) const OPEN_HEADERS: bool = matches!(env!("NDIS_CROSS_OPEN").as_bytes(), b"1");

/// Pool allocators that Microsoft has deprecated: the published bindings leave them out, and code
/// written here must not find them either.
const DEPRECATED: [&str; 4] = [
    "ExAllocatePool",
    "ExAllocatePoolWithQuotaTag",
    "ExAllocatePoolWithTag",
    "ExAllocatePoolWithTagPriority",
];

/// Types whose layout bindgen cannot express; the published bindings leave them out as well.
const INEXPRESSIBLE: [&str; 7] = [
    ".*MCG_CAP(?:__bindgen.*)?",
    ".*WHEA_XPF_MCA_SECTION",
    ".*WHEA_ARM_BUS_ERROR(?:__bindgen.*)?",
    ".*WHEA_ARM_PROCESSOR_ERROR",
    ".*WHEA_ARM_CACHE_ERROR",
    ".*ADDRESS0_OWNERSHIP_ACQUIRE",
    ".*USBDEVICE_ABORTIO",
];

/// Gives a [`Builder`] the settings for kernel headers.
pub trait BuilderExt {
    /// A builder that reads the WDK headers of `config` as a kernel-mode compiler would.
    ///
    /// # Errors
    /// An include directory is missing.
    fn wdk_default(config: impl Borrow<Config> + Debug) -> Result<Builder, ConfigError>;
}

impl BuilderExt for Builder {
    fn wdk_default(config: impl Borrow<Config> + Debug) -> Result<Builder, ConfigError> {
        let config = config.borrow();
        let mut arguments: Vec<String> = [
            "-fno-builtin",
            "-fms-compatibility",
            "-fms-extensions",
            "-w",
        ]
        .map(str::to_owned)
        .into();
        if let Some(directory) = resource_directory() {
            arguments.push(format!("-resource-dir={}", directory.display()));
        }
        if OPEN_HEADERS {
            // mingw's headers erase __attribute__ for a compiler that is not GNU C, and their inline
            // functions call intrinsics whose headers are empty here.
            arguments.push("-fgnuc-version=4.2.1".to_owned());
            arguments.push("-Wno-implicit-function-declaration".to_owned());
        }
        for path in config.include_paths()? {
            arguments.push(format!("--include-directory={}", path.display()));
        }
        for (name, value) in config.preprocessor_definitions() {
            let value = value.map(|value| format!("={value}")).unwrap_or_default();
            arguments.push(format!("--define-macro={name}{value}"));
        }
        let mut builder = Builder::default()
            .use_core()
            .derive_default(true)
            .generate_cstr(true)
            .detect_include_paths(false)
            .clang_args(arguments)
            .opaque_type("_KGDTENTRY64")
            .opaque_type("_KIDTENTRY64")
            .must_use_type("NTSTATUS")
            .must_use_type("HRESULT")
            .default_enum_style(EnumVariation::ModuleConsts)
            .parse_callbacks(Box::new(bindgen::CargoCallbacks::new()))
            .formatter(Formatter::Prettyplease)
            .rust_edition(RustEdition::Edition2024);
        for name in DEPRECATED.iter().chain(&INEXPRESSIBLE) {
            builder = builder.blocklist_item(*name);
        }
        // The release that wdk-build's bindings are made for.
        if let Ok(target) = RustTarget::stable(91, 0) {
            builder = builder.rust_target(target);
        }
        Ok(builder)
    }
}

/// The directory of the loaded libclang's own headers, where it cannot be derived from PATH.
fn resource_directory() -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed=LIBCLANG_PATH");
    let library = PathBuf::from(env::var_os("LIBCLANG_PATH")?);
    let directory = if library.is_file() {
        library.parent()?.to_owned()
    } else {
        library
    };
    fs::read_dir(Path::new(&directory).join("clang"))
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("include/stddef.h").is_file())
}
