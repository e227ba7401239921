// SPDX-License-Identifier: MIT OR Apache-2.0
//! Object headers of structures that come from the driver (contract G-06). Any IRQL.

use crate::{field, guest::Ptr, verify};
use ::ndis::ffi::NDIS_OBJECT_HEADER;
use alloc::format;

/// The host's object header for a structure it passes to the driver.
pub fn make(kind: u8, revision: u8, size: usize) -> NDIS_OBJECT_HEADER {
    NDIS_OBJECT_HEADER {
        Type: kind,
        Revision: revision,
        Size: u16::try_from(size).unwrap_or(u16::MAX),
    }
}

/// Checks type, revision and size; `sizes` lists the least size of each revision, from 1 on.
/// Returns the revision, or `None` after a violation of `rule`.
pub fn check(
    rule: &'static str,
    what: &str,
    header: Ptr<NDIS_OBJECT_HEADER>,
    kind: u8,
    sizes: &[usize],
) -> Option<u8> {
    let seen = header.read();
    let index = usize::from(seen.Revision).wrapping_sub(1);
    let least = sizes.get(index).copied();
    let good = seen.Type == kind && least.is_some_and(|least| usize::from(seen.Size) >= least);
    verify::check(rule, good, || {
        format!(
            "{what}: Header Type {:#x} Revision {} Size {}; expected Type {kind:#x}, Revision 1 to {}, Size at least {}",
            seen.Type,
            seen.Revision,
            seen.Size,
            sizes.len(),
            least.or(sizes.last().copied()).unwrap_or(0)
        )
    })
    .then_some(seen.Revision)
}

/// The type of an attribute or optional-handler structure.
pub fn kind(header: Ptr<NDIS_OBJECT_HEADER>) -> u8 {
    field!(header, Type).read()
}
