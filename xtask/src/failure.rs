// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a task that did not succeed says, and the exit status that it says it with.

use std::{fmt, io, path::Path, process::ExitCode};

/// One line for the user, and the exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: u8,
    text: String,
}

/// Result of a task or of a part of one.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Bad input or a missing tool: exit status 2.
    pub fn input(text: impl Into<String>) -> Self {
        Self {
            status: 2,
            text: text.into(),
        }
    }

    /// A check that did not hold: exit status 1.
    pub fn check(text: impl Into<String>) -> Self {
        Self {
            status: 1,
            text: text.into(),
        }
    }

    /// A file that could not be read or written: exit status 2.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        Self::input(format!("{}: {error}", path.display()))
    }

    /// True for bad input or a missing tool.
    pub fn is_input(&self) -> bool {
        self.status == 2
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
