// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`IoSpace`]: a mapped memory BAR. Mapping at PASSIVE_LEVEL, registers at any IRQL.

use core::ptr::{NonNull, null_mut};

use crate::adapter::AdapterHandle;
use crate::ffi::*;
use crate::init::Registered;
use crate::irql::{Irql, Passive, drop_level_at_most};
use crate::resources::Resource;
use crate::status::{Result, Status};
use crate::sys::inline::{READ_REGISTER_ULONG, WRITE_REGISTER_ULONG};
use crate::sys::ndis;

/// Device memory mapped with NdisMMapIoSpace; unmapped when dropped, at PASSIVE_LEVEL.
#[derive(Debug)]
pub struct IoSpace {
    base: NonNull<u8>,
    length: u32,
    adapter: AdapterHandle,
}

// SAFETY: registers may be accessed on any processor; each access is one volatile operation.
unsafe impl Send for IoSpace {}
// SAFETY: as above.
unsafe impl Sync for IoSpace {}

#[allow(clippy::len_without_is_empty, reason = "mapped memory is never empty")]
impl IoSpace {
    /// NdisMMapIoSpace on `length` bytes from `physical` on, which lie within one memory range of the adapter's resources
    /// (contract I-05). PASSIVE_LEVEL, in `initialize`.
    ///
    /// # Errors
    /// [`Status::INVALID_PARAMETER`] for no length, or memory that the adapter was not given; else what NDIS says.
    pub fn map(
        registered: &Registered<'_>,
        physical: u64,
        length: u32,
        irql: &Irql<Passive>,
    ) -> Result<Self> {
        let end = physical.checked_add(u64::from(length));
        let end = end.ok_or(Status::INVALID_PARAMETER)?;
        let given = registered.resources().iter().any(|one| match one {
            Resource::Memory { start, length, .. } => {
                start <= physical && end <= start.saturating_add(length)
            }
            _ => false,
        });
        if length == 0 || !given {
            return Err(Status::INVALID_PARAMETER);
        }
        Self::map_anywhere(registered, physical, length, irql)
    }

    /// The same for memory that may be anybody's.
    pub(crate) fn map_anywhere(
        registered: &Registered<'_>,
        physical: u64,
        length: u32,
        irql: &Irql<Passive>,
    ) -> Result<Self> {
        let _ = irql;
        let adapter = registered.adapter();
        let mut address = null_mut();
        let physical = LARGE_INTEGER::new(physical as i64);
        // SAFETY: PASSIVE_LEVEL; the out-parameter is valid for the call.
        Status(unsafe {
            ndis::NdisMMapIoSpace(&raw mut address, adapter.as_raw(), physical, length)
        })
        .ok()?;
        Ok(Self {
            base: NonNull::new(address.cast()).ok_or(Status::RESOURCES)?,
            length,
            adapter,
        })
    }

    /// Bytes. Any IRQL.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.length
    }

    fn register(&self, offset: u32) -> Option<*mut u32> {
        let inside =
            offset.checked_add(4).is_some_and(|end| end <= self.length) && offset.is_multiple_of(4);
        // SAFETY: inside the mapping.
        inside.then(|| unsafe { self.base.as_ptr().add(offset as usize) }.cast())
    }

    /// Reads the 32-bit register at a byte offset. All ones outside the mapping or unaligned, as from a device that is
    /// gone. Any IRQL.
    #[inline]
    #[must_use]
    pub fn read32(&self, offset: u32) -> u32 {
        match self.register(offset) {
            // SAFETY: inside the mapping and aligned.
            Some(register) => unsafe { READ_REGISTER_ULONG(register) },
            None => u32::MAX,
        }
    }

    /// Writes the 32-bit register at a byte offset, after all earlier writes to memory; nothing outside the mapping or
    /// unaligned. Any IRQL.
    #[inline]
    pub fn write32(&self, offset: u32, value: u32) {
        if let Some(register) = self.register(offset) {
            // SAFETY: inside the mapping and aligned.
            unsafe { WRITE_REGISTER_ULONG(register, value) };
        }
    }
}

impl Drop for IoSpace {
    fn drop(&mut self) {
        if drop_level_at_most(PASSIVE_LEVEL) {
            let base = self.base.as_ptr().cast();
            // SAFETY: PASSIVE_LEVEL; mapped with this length, unmapped once.
            unsafe { ndis::NdisMUnmapIoSpace(self.adapter.as_raw(), base, self.length) };
        }
    }
}
