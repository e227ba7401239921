// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every kind of frame from the wire. PASSIVE.

use super::{
    super::step,
    kinds,
    path::{Judge, Path},
};
use alloc::{format, string::String};

/// Frames that the peer sends in one go.
const BATCH: usize = 64;

/// All kinds.
pub fn all(path: &mut Path<'_>) -> Result<(), String> {
    step("receive");
    let most = path.most();
    let mut groups = kinds::groups(&mut path.numbers, most);
    groups.extend(kinds::strange(&mut path.numbers, most));
    for group in groups {
        path.case(&format!("receive, {}", group.name), |path, what| {
            for specs in group.specs.chunks(BATCH) {
                path.receive(what, specs, &Judge::Steady, |_| Ok(()))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
