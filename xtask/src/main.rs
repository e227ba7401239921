// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tasks of the project. `./dev TASK` and `cargo make TASK` come here.
//!
//! Exit status: 0 done, 1 a check that did not hold, 2 bad input or a missing tool.

use std::process::ExitCode;

use clap::Parser;

mod abi;
mod bench;
mod build;
mod cli;
mod datapath_faults;
mod failure;
mod fuzz;
mod gate;
mod interrupt_faults;
mod lint;
mod locks;
mod loom_faults;
mod package;
mod planted;
mod project;
mod sources;
mod test;
mod toolchain;
mod vm;
// The build of the bindings has it too.
#[cfg_attr(not(test), allow(dead_code, reason = "the build script's part"))]
#[path = "../../cross/wdk-build/tree.rs"]
mod wdk_tree;
#[cfg(all(test, unix))]
mod wdk_tree_tests;

fn main() -> ExitCode {
    match cli::Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(error) => cli::wrong(&error),
    }
}
