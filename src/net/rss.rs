// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive-side scaling: what OID_GEN_RECEIVE_SCALE_PARAMETERS sets, and what the chip and the frames get from it.
//!
//! The chip has two queues and one bit per entry of its table. Processors are given to queues in the order in which
//! they first appear in NDIS' table, the default processor before all others, because frames without a hash arrive on
//! queue 0: first processor → queue 0, second → queue 1, third → queue 0, and so on. A queue's target is its first
//! processor.

use crate::hw::bits::Mrqc;
use crate::hw::regs::QUEUES;
use crate::hw::rss::{KEY_BYTES, Scaling, TABLE_ENTRIES};
use crate::irq::VECTORS;
use core::sync::atomic::{AtomicU32, Ordering};
use ndis::claim::Claim;
use ndis::ffi::*;
use ndis::status::{Result, Status};

/// The hash types that the chip has.
pub const TYPES: u32 = NDIS_HASH_IPV4
    | NDIS_HASH_TCP_IPV4
    | NDIS_HASH_IPV6
    | NDIS_HASH_IPV6_EX
    | NDIS_HASH_TCP_IPV6
    | NDIS_HASH_TCP_IPV6_EX;
/// What the capabilities say of them; the types without TCP go with each.
const CAPABILITY_TYPES: u32 = NDIS_RSS_CAPS_HASH_TYPE_TCP_IPV4
    | NDIS_RSS_CAPS_HASH_TYPE_TCP_IPV6
    | NDIS_RSS_CAPS_HASH_TYPE_TCP_IPV6_EX;
/// NdisHashFunctionToeplitz.
pub const TOEPLITZ: u32 = 1;

/// A processor, packed as group and number; [`NOBODY`] for none.
type Packed = u32;
const NOBODY: Packed = u32::MAX;

const fn pack(group: u16, number: u8) -> Packed {
    (group as u32) << 8 | number as u32
}

/// The parameters in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parameters {
    /// Scaling is on.
    pub on: bool,
    /// Hash types, of [`TYPES`].
    pub types: u32,
    /// The key; shorter ones end in zeros.
    pub key: [u8; KEY_BYTES],
    /// Bytes of the key that were set; 0: none was ever set.
    pub key_bytes: u16,
    /// The table, repeated until it is full.
    table: [Packed; TABLE_ENTRIES],
    /// Entries that were set; 0: none was ever set.
    pub entries: u16,
    /// Of revision 1: what the entries count from.
    base: u16,
    default: Packed,
}

impl Parameters {
    /// Nothing set: off.
    pub const NONE: Self = Self {
        on: false,
        types: 0,
        key: [0; KEY_BYTES],
        key_bytes: 0,
        table: [NOBODY; TABLE_ENTRIES],
        entries: 0,
        base: 0,
        default: NOBODY,
    };

    /// These parameters changed by a set: `header` was checked, `bytes` is a copy of all of it. Nothing is changed in
    /// place: a set that is refused leaves everything as it was (O-06).
    ///
    /// # Errors
    /// INVALID_LENGTH for arrays beyond the buffer, INVALID_PARAMETER for values that cannot be.
    pub fn changed(&self, header: &NDIS_RECEIVE_SCALE_PARAMETERS, bytes: &[u8]) -> Result<Self> {
        let flags = u32::from(header.Flags);
        let says = |flag| flags & flag != 0;
        let mut new = *self;
        if says(NDIS_RSS_PARAM_FLAG_DISABLE_RSS) {
            // The other members say nothing then.
            new.on = false;
            return Ok(new);
        }
        if !says(NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED) {
            let types = header.HashInformation & NDIS_HASH_TYPE_MASK;
            let function = header.HashInformation & NDIS_HASH_FUNCTION_MASK;
            if types == 0 {
                // Nothing to hash: off, whatever the function.
                new.on = false;
                return Ok(new);
            }
            if function != TOEPLITZ || types & !TYPES != 0 {
                return Err(Status::INVALID_PARAMETER);
            }
            new.types = types;
        }
        // Revision 1 counts processors in bytes from a base; later ones name group and number.
        let wide = header.Header.Revision >= NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_2
            && header.Header.Size >= NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_2;
        if !says(NDIS_RSS_PARAM_FLAG_BASE_CPU_UNCHANGED) {
            new.base = header.BaseCpuNumber;
        }
        if header.Header.Revision >= NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_3
            && header.Header.Size >= NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_3
            && !says(NDIS_RSS_PARAM_FLAG_DEFAULT_PROCESSOR_UNCHANGED)
        {
            let default = header.DefaultProcessorNumber;
            new.default = pack(default.Group, default.Number);
        }
        if !says(NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED) {
            let (offset, size) = (
                header.IndirectionTableOffset,
                usize::from(header.IndirectionTableSize),
            );
            new.set_table(array(bytes, header, offset, size)?, wide)?;
        }
        if !says(NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED) {
            let (offset, size) = (
                header.HashSecretKeyOffset,
                usize::from(header.HashSecretKeySize),
            );
            let given = array(bytes, header, offset, size)?;
            let mut key = [0; KEY_BYTES];
            key.get_mut(..size)
                .ok_or(Status::INVALID_PARAMETER)?
                .copy_from_slice(given);
            (new.key, new.key_bytes) = (key, header.HashSecretKeySize);
        }
        // "Unchanged" of what never was.
        if new.types == 0 || new.entries == 0 || new.key_bytes == 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        new.on = true;
        Ok(new)
    }

    /// Takes a table of processors: a power of two, 128 at most.
    fn set_table(&mut self, raw: &[u8], wide: bool) -> Result<()> {
        let entry = if wide {
            size_of::<PROCESSOR_NUMBER>()
        } else {
            1
        };
        let shift = if wide { 2 } else { 0 };
        let count = raw.len() >> shift;
        if count << shift != raw.len() || !count.is_power_of_two() || count > TABLE_ENTRIES {
            return Err(Status::INVALID_PARAMETER);
        }
        let base = self.base;
        let processors = raw.chunks_exact(entry).map(|bytes| match *bytes {
            [low, high, number, _] => pack(u16::from_le_bytes([low, high]), number),
            [number, ..] => pack(0, number.wrapping_add(base as u8)),
            [] => NOBODY,
        });
        for (slot, processor) in self.table.iter_mut().zip(processors.cycle()) {
            *slot = processor;
        }
        // Checked above: at most 128.
        self.entries = count as u16;
        Ok(())
    }

    /// The queue of each entry, and each queue's target, with `queues` in use.
    fn placement(&self, queues: usize) -> ([u8; TABLE_ENTRIES], [Packed; QUEUES]) {
        let mut seen = [NOBODY; TABLE_ENTRIES];
        let mut count = 0;
        let mut targets = [NOBODY; QUEUES];
        let mut table = [0; TABLE_ENTRIES];
        let mut place = |processor: Packed| -> u8 {
            let known = seen.iter().take(count).position(|p| *p == processor);
            let at = known.unwrap_or(count);
            let queue = if queues > 1 { at & (QUEUES - 1) } else { 0 };
            if known.is_none() {
                if let Some(slot) = seen.get_mut(count) {
                    *slot = processor;
                    count += 1;
                }
                if let Some(target) = targets.get_mut(queue)
                    && *target == NOBODY
                {
                    *target = processor;
                }
            }
            // 0 or 1.
            queue as u8
        };
        if self.table.contains(&self.default) {
            place(self.default);
        }
        for (entry, processor) in table.iter_mut().zip(self.table) {
            *entry = place(processor);
        }
        (table, targets)
    }

    /// What the chip is to do; `None`: nothing.
    fn scaling(&self, queues: usize) -> Option<Scaling> {
        let mut types = Mrqc::empty();
        let has = |kind| self.types & kind != 0;
        types.set(Mrqc::TCP_IPV4, has(NDIS_HASH_TCP_IPV4));
        types.set(Mrqc::IPV4, has(NDIS_HASH_IPV4));
        types.set(Mrqc::IPV6, has(NDIS_HASH_IPV6));
        types.set(Mrqc::IPV6_EX, has(NDIS_HASH_IPV6_EX));
        types.set(Mrqc::TCP_IPV6, has(NDIS_HASH_TCP_IPV6));
        // The model has the bit with extensions only; without them it means the other.
        types.set(
            Mrqc::TCP_IPV6_EX,
            has(NDIS_HASH_TCP_IPV6 | NDIS_HASH_TCP_IPV6_EX),
        );
        self.on.then(|| Scaling {
            types,
            extensions: has(NDIS_HASH_TCP_IPV6_EX | NDIS_HASH_IPV6_EX),
            key: self.key,
            table: self.placement(queues).0,
        })
    }
}

/// `size` bytes at `offset`, behind the header.
fn array<'a>(
    bytes: &'a [u8],
    header: &NDIS_RECEIVE_SCALE_PARAMETERS,
    offset: u32,
    size: usize,
) -> Result<&'a [u8]> {
    let offset = offset as usize;
    if offset < usize::from(header.Header.Size) || size == 0 {
        return Err(Status::INVALID_PARAMETER);
    }
    let end = offset.checked_add(size).ok_or(Status::INVALID_LENGTH)?;
    bytes.get(offset..end).ok_or(Status::INVALID_LENGTH)
}

/// The capabilities for the general attributes and for OID_GEN_RECEIVE_SCALE_CAPABILITIES: `messages` is how many
/// message interrupts the device was given. Classified at the ISR, which is before any DPC, are frames whose queue has a
/// message of its own; with fewer messages than [`VECTORS`] the queues share one.
pub fn capabilities(queues: usize, messages: u32) -> NDIS_RECEIVE_SCALE_CAPABILITIES {
    let mut flags = CAPABILITY_TYPES | TOEPLITZ | NDIS_RSS_CAPS_SUPPORTS_MSI_X;
    flags |= if messages as usize >= VECTORS || queues == 1 && messages > 0 {
        NDIS_RSS_CAPS_CLASSIFICATION_AT_ISR
    } else {
        NDIS_RSS_CAPS_CLASSIFICATION_AT_DPC
    };
    if messages > 0 {
        flags |= NDIS_RSS_CAPS_MESSAGE_SIGNALED_INTERRUPTS;
    }
    if messages > 1 {
        flags |= NDIS_RSS_CAPS_USING_MSI_X;
    }
    let mut capabilities = NDIS_RECEIVE_SCALE_CAPABILITIES::zeroed();
    capabilities.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_RSS_CAPABILITIES,
        Revision: NDIS_RECEIVE_SCALE_CAPABILITIES_REVISION_2,
        Size: NDIS_SIZEOF_RECEIVE_SCALE_CAPABILITIES_REVISION_2,
    };
    capabilities.CapabilitiesFlags = flags;
    capabilities.NumberOfInterruptMessages = messages.max(1);
    capabilities.NumberOfReceiveQueues = queues as u32;
    capabilities.NumberOfIndirectionTableEntries = TABLE_ENTRIES as u16;
    capabilities
}

/// Receive-side scaling of one adapter.
#[derive(Debug)]
pub struct Rss {
    /// At PASSIVE_LEVEL only, where OIDs are serialised.
    parameters: Claim<Parameters>,
    /// NDIS' hash information while scaling is on; 0 while it is off.
    information: AtomicU32,
    targets: [AtomicU32; QUEUES],
}

impl Default for Rss {
    fn default() -> Self {
        Self::new()
    }
}

impl Rss {
    /// Off.
    pub const fn new() -> Self {
        Self {
            parameters: Claim::new(Parameters::NONE),
            information: AtomicU32::new(0),
            targets: [const { AtomicU32::new(NOBODY) }; QUEUES],
        }
    }

    /// The parameters. PASSIVE_LEVEL.
    pub fn parameters(&self) -> Parameters {
        self.parameters
            .try_claim()
            .map_or(Parameters::NONE, |held| *held)
    }

    /// What to program for the parameters. PASSIVE_LEVEL.
    pub fn scaling(&self, queues: usize) -> Option<Scaling> {
        self.parameters().scaling(queues)
    }

    /// Takes new parameters over: from now on frames carry a hash, and queues have targets, as they say. PASSIVE_LEVEL;
    /// no frame of before is in a ring.
    pub fn set(&self, new: Parameters, queues: usize) {
        if let Some(mut held) = self.parameters.try_claim() {
            *held = new;
        }
        let (_, targets) = new.placement(queues);
        for (slot, target) in self.targets.iter().zip(targets) {
            // Relaxed, here and below: each is a value of its own; a pass that sees one of them early places or labels
            // frames that arrive at the same moment.
            slot.store(if new.on { target } else { NOBODY }, Ordering::Relaxed);
        }
        let information = if new.on { new.types | TOEPLITZ } else { 0 };
        self.information.store(information, Ordering::Relaxed);
    }

    /// The processor that is to handle receive queue `queue`; `None` while scaling is off. Any IRQL.
    pub fn target(&self, queue: usize) -> Option<PROCESSOR_NUMBER> {
        let packed = self.targets.get(queue)?.load(Ordering::Relaxed);
        if packed == NOBODY {
            return None;
        }
        let mut processor = PROCESSOR_NUMBER::zeroed();
        processor.Group = (packed >> 8) as u16;
        processor.Number = packed as u8;
        Some(processor)
    }

    /// The chip's RSS type → hash information for an NBL; 0: no hash. `None`: no NBL has one. Any IRQL.
    pub fn hash_information(&self) -> Option<[u32; 8]> {
        let on = self.information.load(Ordering::Relaxed);
        if on == 0 {
            return None;
        }
        let of = |kind: u32| if on & kind != 0 { kind | TOEPLITZ } else { 0 };
        let tcp_v6 = match of(NDIS_HASH_TCP_IPV6_EX) {
            0 => of(NDIS_HASH_TCP_IPV6),
            with_extensions => with_extensions,
        };
        Some([
            0,
            of(NDIS_HASH_TCP_IPV4),
            of(NDIS_HASH_IPV4),
            tcp_v6,
            of(NDIS_HASH_IPV6_EX),
            of(NDIS_HASH_IPV6),
            0,
            0,
        ])
    }
}

/// The answer to OID_GEN_RECEIVE_SCALE_PARAMETERS: header, table, key. Returns it with its length.
pub fn answer(parameters: &Parameters) -> ([u8; ANSWER_BYTES], usize) {
    let mut out = [0; ANSWER_BYTES];
    let mut header = NDIS_RECEIVE_SCALE_PARAMETERS::zeroed();
    header.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_RSS_PARAMETERS,
        Revision: NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_2,
        Size: NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_2,
    };
    if !parameters.on {
        header.Flags = NDIS_RSS_PARAM_FLAG_DISABLE_RSS as u16;
    } else {
        header.HashInformation = parameters.types | TOEPLITZ;
    }
    let table_at = HEADER_BYTES;
    let key_at = table_at + usize::from(parameters.entries) * ENTRY_BYTES;
    header.IndirectionTableSize = parameters.entries * ENTRY_BYTES as u16;
    header.IndirectionTableOffset = table_at as u32;
    header.HashSecretKeySize = parameters.key_bytes;
    header.HashSecretKeyOffset = key_at as u32;
    let length = key_at + usize::from(parameters.key_bytes);
    let head = ndis::plain::bytes_of(&header);
    for (slot, byte) in out.iter_mut().zip(head.iter().take(HEADER_BYTES)) {
        *slot = *byte;
    }
    let entries = parameters
        .table
        .iter()
        .take(usize::from(parameters.entries));
    let slots = out
        .get_mut(table_at..)
        .into_iter()
        .flat_map(|rest| rest.chunks_exact_mut(ENTRY_BYTES));
    for (slot, entry) in slots.zip(entries) {
        let [low, high] = ((entry >> 8) as u16).to_le_bytes();
        slot.copy_from_slice(&[low, high, *entry as u8, 0]);
    }
    if let Some(slot) = out.get_mut(key_at..length)
        && let Some(key) = parameters.key.get(..usize::from(parameters.key_bytes))
    {
        slot.copy_from_slice(key);
    }
    (out, length)
}

/// Bytes of a table entry of revision 2.
const ENTRY_BYTES: usize = size_of::<PROCESSOR_NUMBER>();
const HEADER_BYTES: usize = NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_2 as usize;
/// Bytes of the longest answer.
pub const ANSWER_BYTES: usize = HEADER_BYTES + TABLE_ENTRIES * ENTRY_BYTES + KEY_BYTES;

#[cfg(test)]
#[path = "rss_tests.rs"]
mod tests;
