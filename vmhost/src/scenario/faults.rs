// SPDX-License-Identifier: MIT OR Apache-2.0
//! CPU exceptions end the run: in the driver as a violation, in the host as the host's bug.
//! Runs on a stack of its own with interrupts off.

use super::fatal;
use crate::{
    machine::{
        fault::{self, FaultInfo},
        irql, vspace,
    },
    verify,
};
use alloc::format;

/// Exception number of a page fault.
const PAGE_FAULT: u8 = 14;

/// Takes the machine's fault hook.
pub fn install() {
    fault::set_hook(hook);
}

fn hook(info: &FaultInfo) -> ! {
    let (base, size) = verify::image_range();
    let text = format!(
        "{} at IRQL {} in {}",
        fault::describe(info),
        info.irql,
        verify::here()
    );
    let in_driver = info.rip.wrapping_sub(base) < size || verify::current().is_some();
    if !in_driver {
        fatal(&format!("the host faulted: {text}"));
    }
    let region = vspace::region_of(info.cr2 as usize);
    let rule = match region {
        _ if info.vector != PAGE_FAULT => "V-28",
        // PAGE sections are away at DISPATCH and above.
        Some(_) if info.irql >= irql::DISPATCH && !is_freed(info) => "V-02",
        _ => "V-01",
    };
    verify::stop(rule, text)
}

fn is_freed(info: &FaultInfo) -> bool {
    vspace::region_of(info.cr2 as usize).is_some_and(|region| !region.live)
}
