// SPDX-License-Identifier: MIT OR Apache-2.0
//! What NDIS granted: a line, or messages with their read-only table. Any IRQL.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::ffi::{IO_INTERRUPT_MESSAGE_INFO, IO_INTERRUPT_MESSAGE_INFO_ENTRY};

/// More messages than the bus can give a function; a larger count in the table is cut to this.
const MOST_MESSAGES: u32 = 2048;

/// The kind of interrupt that a registration got.
#[derive(Debug)]
pub enum Grant<'a> {
    /// Line-based. Also possible when messages were offered (contract X-06).
    Line,
    /// Message-signalled, MSI or MSI-X: which of them, the device's MSI-X capability says.
    Messages(MessageInfoTable<'a>),
}

/// One message of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Address that the device writes to.
    pub address: u64,
    /// Value that the device writes.
    pub data: u32,
    /// Interrupt vector.
    pub vector: u32,
    /// IRQL of its ISR.
    pub irql: u8,
    /// Processors it may arrive on: a mask within the group.
    pub target_processors: u64,
    /// `KINTERRUPT_MODE`: 0 level-sensitive, 1 latched.
    pub mode: i32,
    /// `KINTERRUPT_POLARITY`.
    pub polarity: i32,
}

/// `IO_INTERRUPT_MESSAGE_INFO`, read-only; NDIS owns it until deregistration.
#[derive(Clone, Copy)]
pub struct MessageInfoTable<'a> {
    table: NonNull<IO_INTERRUPT_MESSAGE_INFO>,
    registration: PhantomData<&'a ()>,
}

impl<'a> MessageInfoTable<'a> {
    /// Wraps the table.
    ///
    /// # Safety
    /// `table` has `MessageCount` entries and stays valid and unchanged for `'a`.
    pub(crate) const unsafe fn new(table: NonNull<IO_INTERRUPT_MESSAGE_INFO>) -> Self {
        Self {
            table,
            registration: PhantomData,
        }
    }

    /// Number of messages: 1 or more, up to 2048. Any IRQL.
    #[must_use]
    pub fn len(self) -> u32 {
        // SAFETY: valid for `'a`.
        let count = unsafe { (*self.table.as_ptr()).MessageCount };
        count.min(MOST_MESSAGES)
    }

    /// `true` for a table without messages, which NDIS does not make. Any IRQL.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The IRQL of all ISRs when they are synchronised with each other.
    #[must_use]
    pub fn unified_irql(self) -> u8 {
        // SAFETY: valid for `'a`.
        unsafe { (*self.table.as_ptr()).UnifiedIrql }
    }

    /// Message `id`, or `None` beyond the end. Any IRQL.
    #[must_use]
    pub fn get(self, id: u32) -> Option<Message> {
        if id >= self.len() {
            return None;
        }
        // SAFETY: inside the table; only an address is computed.
        let first = unsafe { &raw const (*self.table.as_ptr()).MessageInfo };
        let first = first.cast::<IO_INTERRUPT_MESSAGE_INFO_ENTRY>();
        // SAFETY: `id` is less than the number of entries.
        let entry = unsafe { first.add(id as usize) };
        // SAFETY: a valid entry, which is plain data.
        let entry = unsafe { entry.read() };
        Some(Message {
            address: entry.MessageAddress.value() as u64,
            data: entry.MessageData,
            vector: entry.Vector,
            irql: entry.Irql,
            target_processors: entry.TargetProcessorSet,
            mode: entry.Mode,
            polarity: entry.Polarity,
        })
    }

    /// All messages in order. Any IRQL.
    pub fn iter(self) -> impl Iterator<Item = Message> + use<'a> {
        (0..self.len()).filter_map(move |id| self.get(id))
    }
}

impl fmt::Debug for MessageInfoTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_the_table() {
        #[repr(C)]
        struct Two {
            head: IO_INTERRUPT_MESSAGE_INFO,
            second: IO_INTERRUPT_MESSAGE_INFO_ENTRY,
        }
        let mut two = Two {
            head: IO_INTERRUPT_MESSAGE_INFO::zeroed(),
            second: IO_INTERRUPT_MESSAGE_INFO_ENTRY::zeroed(),
        };
        two.head.MessageCount = 2;
        two.head.MessageInfo[0].MessageData = 0x31;
        two.second.MessageData = 0x32;
        let two = core::cell::UnsafeCell::new(two);
        let pointer = NonNull::new(two.get().cast()).expect("an address");
        // SAFETY: two entries, alive to the end of the test.
        let table = unsafe { MessageInfoTable::new(pointer) };
        assert_eq!(table.len(), 2);
        assert_eq!(table.get(1).map(|m| m.data), Some(0x32));
        assert_eq!(table.get(2), None);
        assert_eq!(table.get(u32::MAX), None);
        assert_eq!(table.iter().count(), 2);
        // SAFETY: no reference into the table is alive, here and below.
        unsafe { (*two.get()).head.MessageCount = 0 };
        assert!(table.is_empty());
        assert_eq!(table.get(0), None);
        // SAFETY: as above.
        unsafe { (*two.get()).head.MessageCount = u32::MAX };
        assert_eq!(table.len(), MOST_MESSAGES);
    }
}
