// SPDX-License-Identifier: MIT OR Apache-2.0
//! What comes up in the flood: every byte, the order of each flow, and what came out of band. At
//! most DISPATCH, inside indications, on any CPU.

use super::super::datapath::{path::tag_of, scaling::Parameters};
use crate::{
    machine::{cpu, lock::IrqSpin},
    ndis::{means::Means, receive::Received},
    verify::{self, Handler},
};
use alloc::{format, string::String, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};
use vmhost_wire::{
    flows::{self, FLOWS, LENGTHS, Mark},
    frame::{self, Frame, Transport, Way},
};

/// Bits of TcpIpChecksumNetBufferListInfo in receive form.
const FAILED: u32 = 7;
const TCP_GOOD: u32 = 1 << 3;
const UDP_GOOD: u32 = 1 << 4;
const IP_GOOD: u32 = 1 << 5;
/// The rules that are judged, each with what was seen of it first.
const RULES: [&str; 5] = ["D-40", "D-60", "D-61", "D-62", "D-63"];

/// What is known about one flow.
struct Flow {
    /// Its frames by size: as on the wire, and without the tag.
    templates: Vec<(Vec<u8>, Vec<u8>)>,
    /// The tag that comes out of band.
    tag: u16,
    /// Checksum flags that must be there.
    claims: u32,
    /// Hash, type and processor; `None`: no hash.
    hash: Option<(u32, u32, Option<u8>)>,
    /// One more than the last number.
    next: AtomicU64,
}

/// Hash and type of a flow: those of its longest frames, as what is too short for a judgement elsewhere has whole
/// headers here.
pub fn hash_of(scaling: &Parameters, flow: usize, frame: &Frame) -> (u32, u32) {
    scaling.hash(&flows::spec(flow, LENGTHS.len() - 1), frame)
}

/// What was seen.
pub struct Seen {
    flows: Vec<Flow>,
    /// Tags are taken out of the frames.
    tags: bool,
    good: AtomicU64,
    all: AtomicU64,
    by_cpu: Vec<AtomicU64>,
    faults: [IrqSpin<(u64, String)>; RULES.len()],
}

impl Seen {
    /// For an adapter with these means, and with scaling if it is on.
    pub fn new(mac: [u8; 6], means: &Means, scaling: Option<&Parameters>) -> Self {
        let flow = |flow| {
            let spec = flows::spec(flow, 0);
            let frame = flows::template(flow, 0, mac, Way::ToGuest);
            let (ip, transport) = means.must_judge(&spec);
            let of_transport = match spec.transport {
                Transport::Tcp => TCP_GOOD,
                _ => UDP_GOOD,
            };
            let hash = scaling.map(|scaling| {
                let (hash, kind) = hash_of(scaling, flow, &frame);
                (hash, kind, scaling.processor(hash))
            });
            let template = |size| {
                let whole = flows::template(flow, size, mac, Way::ToGuest).bytes;
                let mut stripped = whole.clone();
                frame::strip_tag(&mut stripped);
                (whole, stripped)
            };
            Flow {
                templates: (0..LENGTHS.len()).map(template).collect(),
                tag: means.of_tag(spec.tags[0]),
                claims: if ip { IP_GOOD } else { 0 } | if transport { of_transport } else { 0 },
                hash,
                next: AtomicU64::new(0),
            }
        };
        Self {
            flows: (0..FLOWS).map(flow).collect(),
            tags: means.tags(),
            good: AtomicU64::new(0),
            all: AtomicU64::new(0),
            by_cpu: (0..cpu::count()).map(|_| AtomicU64::new(0)).collect(),
            faults: [const { IrqSpin::new((0, String::new())) }; RULES.len()],
        }
    }

    /// Frames indicated, and those of them with every byte right.
    pub fn frames(&self) -> (u64, u64) {
        (
            self.all.load(Ordering::Relaxed),
            self.good.load(Ordering::Relaxed),
        )
    }

    /// Frames indicated on each CPU.
    pub fn by_cpu(&self) -> Vec<u64> {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        self.by_cpu.iter().map(count).collect()
    }

    /// Looks at one indicated frame; `false`: it is none of the flood.
    pub fn take(&self, bytes: &[u8], received: &Received) -> bool {
        let Some(mark) = flows::mark(bytes) else {
            return false;
        };
        self.all.fetch_add(1, Ordering::Relaxed);
        if let Some(count) = self.by_cpu.get(received.cpu) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let flow = &self.flows[mark.flow];
        let is_same = flow.templates.iter().any(|(whole, stripped)| {
            let template = if self.tags { stripped } else { whole };
            flows::matches(bytes, &mark, template)
        });
        if is_same {
            self.good.fetch_add(1, Ordering::Relaxed);
        } else {
            self.fault("D-60", || format!("{} bytes, {mark:?}: wrong", bytes.len()));
        }
        self.order(flow, &mark);
        self.out_of_band(flow, &mark, received);
        true
    }

    fn order(&self, flow: &Flow, mark: &Mark) {
        let next = flow
            .next
            .swap(mark.number.wrapping_add(1), Ordering::Relaxed);
        if mark.number < next {
            self.fault("D-40", || {
                format!("{mark:?} came after number {}", next - 1)
            });
        }
    }

    fn out_of_band(&self, flow: &Flow, mark: &Mark, received: &Received) {
        let claims = received.checksum;
        if claims & FAILED != 0 || claims & flow.claims != flow.claims {
            self.fault("D-61", || {
                format!(
                    "flags {claims:#x} for good checksums, {:#x} at least, of {mark:?}",
                    flow.claims
                )
            });
        }
        let tag = tag_of(received.tag);
        if tag != flow.tag {
            self.fault("D-62", || {
                format!("tag {tag:#x} instead of {:#x}", flow.tag)
            });
        }
        let good = match flow.hash {
            None => received.hash_info == 0,
            Some((hash, kind, processor)) => {
                received.hash == hash
                    && received.hash_info & !0xFF == kind
                    && processor.is_none_or(|processor| received.cpu == usize::from(processor))
            }
        };
        if !good {
            self.fault("D-63", || {
                format!(
                    "hash {:#x}, information {:#x}, CPU {}; right are {:x?}: {mark:?}",
                    received.hash, received.hash_info, received.cpu, flow.hash
                )
            });
        }
    }

    /// Counts, and keeps the first one's text.
    fn fault(&self, rule: &str, text: impl FnOnce() -> String) {
        let Some(index) = RULES.iter().position(|known| *known == rule) else {
            return;
        };
        let mut fault = self.faults[index].lock();
        fault.0 += 1;
        if fault.0 == 1 {
            fault.1 = text();
        }
    }

    /// Tells what was wrong. PASSIVE.
    pub fn judge(&self, handler: Handler) {
        for (rule, fault) in RULES.into_iter().zip(&self.faults) {
            let (count, first) = fault.lock().clone();
            verify::check_of(handler, rule, count == 0, || {
                format!("{count} frames of the flood, first: {first}")
            });
        }
    }
}
