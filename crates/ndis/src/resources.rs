// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hardware resources of an adapter, by type, from `CM_PARTIAL_RESOURCE_LIST`. Any IRQL.
//!
//! Descriptors come in any order, with ones the driver does not expect (contract I-08): match on the kind.
#![allow(
    non_upper_case_globals,
    reason = "patterns name constants of the headers"
)]

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::ffi::*;

/// One hardware resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Device memory: a memory BAR.
    Memory {
        /// Physical start address.
        start: u64,
        /// Length in bytes, also of large ranges.
        length: u64,
        /// `CM_RESOURCE_MEMORY_…`.
        flags: u16,
    },
    /// I/O ports.
    Port {
        /// First port.
        start: u64,
        /// Number of ports.
        length: u32,
    },
    /// A line-based interrupt.
    LineInterrupt {
        /// IRQL.
        level: u32,
        /// Vector.
        vector: u32,
        /// Processors.
        affinity: u64,
    },
    /// A message-signalled interrupt: one per MSI-X message, one in all for MSI.
    MessageInterrupt {
        /// IRQL.
        level: u32,
        /// Vector.
        vector: u32,
        /// Processors.
        affinity: u64,
    },
    /// Anything else, by its `CmResourceType…`.
    Other(u8),
}

impl Resource {
    /// Reads one descriptor.
    fn of(descriptor: &CM_PARTIAL_RESOURCE_DESCRIPTOR) -> Self {
        let u = descriptor.u;
        match descriptor.Type {
            CmResourceTypeMemory => {
                // SAFETY: plain data; the type says which member.
                let memory = unsafe { u.Memory };
                Self::Memory {
                    start: { memory.Start }.value() as u64,
                    length: u64::from(memory.Length),
                    flags: descriptor.Flags,
                }
            }
            CmResourceTypeMemoryLarge => {
                // Length in units of 2^8, 2^16 or 2^32 bytes, by the flag.
                let shift = match descriptor.Flags & CM_RESOURCE_MEMORY_LARGE {
                    CM_RESOURCE_MEMORY_LARGE_40 => 8,
                    CM_RESOURCE_MEMORY_LARGE_48 => 16,
                    CM_RESOURCE_MEMORY_LARGE_64 => 32,
                    _ => return Self::Other(descriptor.Type),
                };
                // SAFETY: plain data; the three large forms have the same layout.
                let memory = unsafe { u.Memory40 };
                Self::Memory {
                    start: { memory.Start }.value() as u64,
                    length: u64::from(memory.Length40) << shift,
                    flags: descriptor.Flags,
                }
            }
            CmResourceTypePort => {
                // SAFETY: plain data; the type says which member.
                let port = unsafe { u.Port };
                Self::Port {
                    start: { port.Start }.value() as u64,
                    length: port.Length,
                }
            }
            CmResourceTypeInterrupt => {
                // SAFETY: plain data; the translated message form has the layout of the line form.
                let interrupt = unsafe { u.Interrupt };
                let (level, vector, affinity) =
                    (interrupt.Level, interrupt.Vector, interrupt.Affinity);
                if descriptor.Flags & CM_RESOURCE_INTERRUPT_MESSAGE != 0 {
                    Self::MessageInterrupt {
                        level,
                        vector,
                        affinity,
                    }
                } else {
                    Self::LineInterrupt {
                        level,
                        vector,
                        affinity,
                    }
                }
            }
            other => Self::Other(other),
        }
    }
}

/// The translated resources of an adapter; may be empty.
#[derive(Clone, Copy)]
pub struct ResourceList<'a> {
    list: Option<NonNull<CM_PARTIAL_RESOURCE_LIST>>,
    owner: PhantomData<&'a ()>,
}

impl<'a> ResourceList<'a> {
    /// Wraps a list; null is an empty one.
    ///
    /// # Safety
    /// `list` is null or has `Count` descriptors that are valid and unchanged for `'a`.
    pub(crate) const unsafe fn new(list: *mut CM_PARTIAL_RESOURCE_LIST) -> Self {
        Self {
            list: NonNull::new(list),
            owner: PhantomData,
        }
    }

    /// The resources in the order of the list. Any IRQL.
    pub fn iter(self) -> impl Iterator<Item = Resource> + use<'a> {
        let (first, count) = match self.list {
            Some(list) => {
                // SAFETY: valid for `'a`; only an address is computed.
                let first = unsafe { &raw const (*list.as_ptr()).PartialDescriptors };
                // SAFETY: valid for `'a`.
                (first.cast::<CM_PARTIAL_RESOURCE_DESCRIPTOR>(), unsafe {
                    (*list.as_ptr()).Count
                })
            }
            None => (core::ptr::null(), 0),
        };
        (0..count as usize).map(move |i| {
            // SAFETY: less than `Count`.
            let descriptor = unsafe { first.add(i) };
            // SAFETY: a valid descriptor, plain data; unaligned because the list is packed to 4 bytes.
            Resource::of(&unsafe { descriptor.read_unaligned() })
        })
    }

    /// The `index`-th memory range: physical start and length. Any IRQL.
    #[must_use]
    pub fn memory(self, index: usize) -> Option<(u64, u64)> {
        self.iter()
            .filter_map(|resource| match resource {
                Resource::Memory { start, length, .. } => Some((start, length)),
                _ => None,
            })
            .nth(index)
    }

    /// Number of message-interrupt descriptors. Any IRQL.
    #[must_use]
    pub fn message_interrupts(self) -> usize {
        self.iter()
            .filter(|resource| matches!(resource, Resource::MessageInterrupt { .. }))
            .count()
    }
}

impl fmt::Debug for ResourceList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn kinds_and_empty_lists() {
        #[repr(C)]
        struct Four {
            head: CM_PARTIAL_RESOURCE_LIST,
            rest: [CM_PARTIAL_RESOURCE_DESCRIPTOR; 3],
        }
        let mut list = Four {
            head: CM_PARTIAL_RESOURCE_LIST::zeroed(),
            rest: [CM_PARTIAL_RESOURCE_DESCRIPTOR::zeroed(); 3],
        };
        list.head.Count = 4;
        list.head.PartialDescriptors[0].Type = CmResourceTypeDevicePrivate;
        list.rest[0].Type = CmResourceTypeMemory;
        list.rest[0].u.Memory.Start = LARGE_INTEGER::new(0x9_FEB0_0000);
        list.rest[0].u.Memory.Length = 0x2_0000;
        list.rest[1].Type = CmResourceTypeInterrupt;
        list.rest[1].Flags = CM_RESOURCE_INTERRUPT_MESSAGE;
        list.rest[2].Type = CmResourceTypeMemoryLarge;
        list.rest[2].Flags = CM_RESOURCE_MEMORY_LARGE_48;
        list.rest[2].u.Memory40.Length40 = 3;
        // SAFETY: four descriptors, alive to the end of the test.
        let resources = unsafe { ResourceList::new((&raw mut list).cast()) };
        assert_eq!(
            resources.iter().next(),
            Some(Resource::Other(CmResourceTypeDevicePrivate))
        );
        assert_eq!(resources.memory(0), Some((0x9_FEB0_0000, 0x2_0000)));
        assert_eq!(resources.memory(1), Some((0, 3 << 16)));
        assert_eq!(resources.memory(2), None);
        assert_eq!(resources.message_interrupts(), 1);
        // SAFETY: null is the empty list.
        let none = unsafe { ResourceList::new(core::ptr::null_mut()) };
        assert!(none.iter().collect::<Vec<_>>().is_empty());
    }
}
