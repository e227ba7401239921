// SPDX-License-Identifier: MIT OR Apache-2.0
//! Receive-side scaling as a protocol sets it, and what a frame must then have out of band.
//! PASSIVE.

use crate::{
    machine::cpu,
    ndis::{adapter::Adapter, attributes::Scaling, header, oid, receive::Received},
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String, vec::Vec};
use vmhost_wire::{
    frame::{Frame, Network, Spec, Transport, Twist},
    toeplitz::{self, KEY},
};

/// Entries of the table.
const ENTRIES: usize = 128;
/// NdisHashFunctionToeplitz.
const FUNCTION: u32 = 1;
/// Bytes of a PROCESSOR_NUMBER.
const PROCESSOR: usize = size_of::<PROCESSOR_NUMBER>();

/// Parameters that are in force.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The secret key.
    pub key: [u8; KEY],
    /// Processor of each entry.
    pub table: Vec<u8>,
    /// Hash types.
    pub types: u32,
    /// The adapter has a queue for each processor of the table, and says that each has a DPC of its own.
    pub placed: bool,
}

/// The types that all hashing adapters for TCP have.
pub const TYPES: u32 = NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6;

impl Parameters {
    /// A key and a table by number; the processors are the first ones, as many as there are queues. A frame's processor is
    /// judged where the adapter says that it classifies frames at the ISR: otherwise its queues may share a DPC.
    pub fn new(number: u8, can: Scaling) -> Self {
        let queues = can.queues as usize;
        let mut key = [0; KEY];
        vmhost_wire::frame::payload(0x4B00 + u32::from(number), &mut key);
        let processors = cpu::count().min(queues).max(1);
        let table = (0..ENTRIES)
            .map(|entry| {
                ((entry + usize::from(number)) / (1 + usize::from(number)) % processors) as u8
            })
            .collect();
        Self {
            key,
            table,
            types: TYPES,
            placed: processors <= queues && can.flags & NDIS_RSS_CAPS_CLASSIFICATION_AT_ISR != 0,
        }
    }

    /// Sets them.
    pub fn set(&self, adapter: &Adapter) -> Result<(), String> {
        let head = size_of::<NDIS_RECEIVE_SCALE_PARAMETERS>();
        let table = self.table.len() * PROCESSOR;
        let parameters = NDIS_RECEIVE_SCALE_PARAMETERS {
            HashInformation: self.types | FUNCTION,
            IndirectionTableSize: table as u16,
            IndirectionTableOffset: head as u32,
            HashSecretKeySize: KEY as u16,
            HashSecretKeyOffset: (head + table) as u32,
            ..start()
        };
        let mut bytes = plain(&parameters);
        for processor in &self.table {
            // Group 0, number, reserved.
            bytes.extend_from_slice(&[0, 0, *processor, 0]);
        }
        bytes.extend_from_slice(&self.key);
        send(adapter, &bytes)
    }

    /// Those of an adapter that can: as many processors as it has queues. `None`: it cannot.
    pub fn of(adapter: &Adapter, number: u8) -> Option<Self> {
        let can = adapter.general.lock().as_ref()?.scaling?;
        Some(Self::new(number, can))
    }

    /// Hash and type that a plain frame must have.
    pub fn hash(&self, spec: &Spec, frame: &Frame) -> (u32, u32) {
        let kind = must_hash(spec);
        let four = |kind| matches!(kind, NDIS_HASH_TCP_IPV4 | NDIS_HASH_TCP_IPV6);
        let mut input = frame.addresses.clone();
        if four(kind) {
            input.extend(frame.ports.unwrap_or_default());
        }
        (toeplitz::hash(&self.key, &input), kind)
    }

    /// The processor of a hash, if that can be told.
    pub fn processor(&self, hash: u32) -> Option<u8> {
        self.placed.then(|| self.table[hash as usize % ENTRIES])
    }

    /// D-63.
    pub fn check(&self, handler: Handler, spec: &Spec, frame: &Frame, received: &Received) {
        let kind = received.hash_info & NDIS_HASH_TYPE_MASK;
        let four: Vec<u8> = match frame.ports {
            Some(ports) => frame.addresses.iter().copied().chain(ports).collect(),
            None => Vec::new(),
        };
        let input: &[u8] = match kind {
            0 => &[],
            NDIS_HASH_IPV4 | NDIS_HASH_IPV6 | NDIS_HASH_IPV6_EX => &frame.addresses,
            _ => &four,
        };
        let good = match kind {
            0 => must_hash(spec) == 0,
            _ => {
                (must_hash(spec) == 0 || kind == must_hash(spec))
                    && kind & !self.types == 0
                    && received.hash_info & NDIS_HASH_FUNCTION_MASK == FUNCTION
                    && !input.is_empty()
                    && received.hash == toeplitz::hash(&self.key, input)
            }
        };
        verify::check_of(handler, "D-63", good, || {
            format!(
                "hash {:#010x}, information {:#x}; {:#010x} is right for this type, type {:#x} for this frame: {spec:?}",
                received.hash,
                received.hash_info,
                toeplitz::hash(&self.key, input),
                must_hash(spec)
            )
        });
        if kind == 0 || !self.placed {
            return;
        }
        let wanted = self.table[received.hash as usize % ENTRIES];
        verify::check_of(handler, "D-63", received.cpu == usize::from(wanted), || {
            format!(
                "hash {:#010x} came up on CPU {}, the table says {wanted}: {spec:?}",
                received.hash, received.cpu
            )
        });
    }
}

/// Switches scaling off.
pub fn disable(adapter: &Adapter) -> Result<(), String> {
    let parameters = NDIS_RECEIVE_SCALE_PARAMETERS {
        Flags: NDIS_RSS_PARAM_FLAG_DISABLE_RSS as u16,
        ..start()
    };
    send(adapter, &plain(&parameters))
}

/// The type that a frame must be hashed with; 0: that is up to the chip.
fn must_hash(spec: &Spec) -> u32 {
    // Extension headers and options may be beyond a chip, wrong checksums are not its affair here.
    let known = Twist::BAD_IP | Twist::BAD_TRANSPORT | Twist::TCP_OPTIONS | Twist::NO_CHECKSUM;
    if spec.twists().difference(known) != Twist::empty() || spec.tags[1] != 0 || spec.length < 78 {
        return 0;
    }
    match (spec.network, spec.transport) {
        (Network::V4, Transport::Tcp) => NDIS_HASH_TCP_IPV4,
        (Network::V6, Transport::Tcp) => NDIS_HASH_TCP_IPV6,
        (Network::V4, _) => NDIS_HASH_IPV4,
        (Network::V6, _) => NDIS_HASH_IPV6,
        _ => 0,
    }
}

fn start() -> NDIS_RECEIVE_SCALE_PARAMETERS {
    let mut parameters = NDIS_RECEIVE_SCALE_PARAMETERS::zeroed();
    parameters.Header = header::make(
        NDIS_OBJECT_TYPE_RSS_PARAMETERS,
        NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_3,
        size_of::<NDIS_RECEIVE_SCALE_PARAMETERS>(),
    );
    parameters
}

fn plain(parameters: &NDIS_RECEIVE_SCALE_PARAMETERS) -> Vec<u8> {
    let address = core::ptr::from_ref(parameters).addr();
    crate::guest::bytes(address, size_of::<NDIS_RECEIVE_SCALE_PARAMETERS>())
}

fn send(adapter: &Adapter, bytes: &[u8]) -> Result<(), String> {
    let answer = oid::set(adapter, OID_GEN_RECEIVE_SCALE_PARAMETERS, bytes);
    if answer.status == NDIS_STATUS_SUCCESS {
        Ok(())
    } else {
        Err(format!(
            "setting OID_GEN_RECEIVE_SCALE_PARAMETERS failed with {:#010x}",
            answer.status as u32
        ))
    }
}
