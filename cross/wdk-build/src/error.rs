// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong while a build is configured, each in one line.

use std::{io, path::PathBuf};

use crate::ApiSubset;

/// An I/O failure with the path that it happened on.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct IoError {
    path: PathBuf,
    source: io::Error,
}

impl IoError {
    /// Adds the path to an I/O failure.
    pub fn with_path(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self {
            path: path.into(),
            source,
        }
    }
}

/// Why a build cannot be configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file could not be read or written.
    #[error(transparent)]
    IoError(#[from] IoError),
    /// A directory of the WDK layout is missing.
    #[error("cannot find directory: {}", .0.display())]
    DirectoryNotFound(PathBuf),
    /// There is no top-level manifest.
    #[error("no Cargo.lock above OUT_DIR, and NDIS_CROSS_MANIFEST is not set")]
    NoManifest,
    /// The top-level manifest is no TOML.
    #[error("{}: {message}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What the parser says.
        message: String,
    },
    /// The top-level manifest asks for something else than WDM.
    #[error(
        "{}: package.metadata.wdk.driver-model.driver-type is {found}; without Windows it must be WDM",
        path.display()
    )]
    DriverModel {
        /// The manifest.
        path: PathBuf,
        /// The driver model that it asks for.
        found: String,
    },
    /// A set of headers that only the real wdk-build serves.
    #[error("the headers of {0:?} are not served without Windows")]
    Subset(ApiSubset),
    /// A driver must link the C runtime statically.
    #[error("the target feature crt-static is off: it belongs into .cargo/config.toml")]
    StaticCrtNotEnabled,
}
