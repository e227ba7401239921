// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fault of this run. Any IRQL, but for reading it.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ndis::init::Init;
use ndis::irql::{Irql, Passive};
use ndis::status::Result;

/// The number that stands for none.
const NONE: u32 = 0;

/// The keyword.
pub const KEYWORD: &str = "PlantedFault";

static FAULT: AtomicU32 = AtomicU32::new(NONE);
/// [`once`] was true.
static DONE: AtomicBool = AtomicBool::new(false);

/// Reads the keyword `PlantedFault`. PASSIVE_LEVEL.
///
/// # Errors
/// What NDIS says.
pub fn read(init: &Init<'_>, irql: &Irql<Passive>) -> Result<()> {
    choose(init.configuration(irql)?.u32(KEYWORD));
    Ok(())
}

/// Takes what the keyword says, or nothing.
pub fn choose(number: Option<u32>) {
    // Relaxed, here and below: nothing else is published with it.
    FAULT.store(number.unwrap_or(NONE), Ordering::Relaxed);
}

/// The chosen one.
pub fn chosen() -> u32 {
    FAULT.load(Ordering::Relaxed)
}

/// This fault is planted.
pub fn is(number: u32) -> bool {
    chosen() == number
}

/// This fault is planted, and this is the first time that it is asked for.
#[allow(dead_code, reason = "not every driver that includes this file asks")]
pub fn once(number: u32) -> bool {
    is(number) && !DONE.swap(true, Ordering::Relaxed)
}
