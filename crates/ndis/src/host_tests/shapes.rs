// SPDX-License-Identifier: MIT OR Apache-2.0
//! Net buffers of any shape, and the lists that they are kept in, against plain vectors: what is seen of a frame is the frame,
//! whatever MDLs and scatter/gather elements it lies in, and nothing is lost, doubled or taken out of its order.

use core::ptr::{null_mut, with_exposed_provenance, without_provenance_mut};
use proptest::prelude::*;
use std::boxed::Box;
use std::collections::VecDeque;
use std::vec;
use std::vec::Vec;

use super::irql;
use crate::adapter::AdapterHandle;
use crate::dma::*;
use crate::fake::{assert_empty, fresh, host};
use crate::ffi::*;
use crate::irql::{Dispatch, Irql};
use crate::nbl::*;
use crate::spin::SpinLock;
use crate::status::Status;

/// Keeps what it is given.
struct Keep(SpinLock<Vec<MappedNetBuffer>>);

impl SgListHandler for Keep {
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        self.0.lock(irql).push(mapped);
    }
}

fn dma() -> ScatterGatherDma<Keep> {
    let keep = Keep(SpinLock::new(Vec::new()));
    let attributes = SgDma {
        max_transfer: 9018,
        address_64: true,
    };
    ScatterGatherDma::register(&AdapterHandle::TEST, keep, attributes, &irql()).expect("registered")
}

/// A protocol's memory for one test: everything stays where it is until the end.
#[expect(clippy::vec_box, reason = "their addresses are given away")]
#[derive(Default)]
struct Protocol {
    bytes: Vec<Vec<u8>>,
    mdls: Vec<Box<MDL>>,
    net_buffers: Vec<Box<NET_BUFFER>>,
    lists: Vec<Box<NET_BUFFER_LIST>>,
}

impl Protocol {
    /// A net buffer of `length` bytes, from byte `offset` of its first MDL on, before `next`.
    fn net_buffer(
        &mut self,
        mdls: &[Vec<u8>],
        (offset, length): (u32, u32),
        next: *mut NET_BUFFER,
    ) -> *mut NET_BUFFER {
        let mut behind = null_mut();
        for bytes in mdls.iter().rev() {
            self.bytes.push(bytes.clone());
            let data = self.bytes.last_mut().expect("just pushed");
            let mut mdl = Box::new(MDL::zeroed());
            mdl.Next = behind;
            mdl.ByteCount = data.len() as u32;
            mdl.MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
            mdl.MappedSystemVa = data.as_mut_ptr().cast();
            behind = &raw mut *mdl;
            self.mdls.push(mdl);
        }
        let mut nb = Box::new(NET_BUFFER::zeroed());
        nb.set_data(behind, offset, length);
        nb.set_next(next);
        let raw = &raw mut *nb;
        self.net_buffers.push(nb);
        raw
    }

    /// An NBL before `next`; it says `id` when it is asked for the cancel id.
    fn list(
        &mut self,
        first: *mut NET_BUFFER,
        id: usize,
        hash: Option<u32>,
        next: *mut NET_BUFFER_LIST,
    ) -> *mut NET_BUFFER_LIST {
        let mut nbl = Box::new(NET_BUFFER_LIST::zeroed());
        nbl.set_first_net_buffer(first);
        nbl.set_next(next);
        nbl.set_info(NetBufferListCancelId, without_provenance_mut(id));
        if let Some(hash) = hash {
            nbl.set_info(NetBufferListHashInfo, without_provenance_mut(1));
            nbl.set_info(
                NetBufferListHashValue,
                without_provenance_mut(hash as usize),
            );
        }
        let raw = &raw mut *nbl;
        self.lists.push(nbl);
        raw
    }
}

fn ids(chain: SendChain) -> Vec<usize> {
    let mut chain = chain;
    core::iter::from_fn(|| {
        let nbl = chain.pop()?;
        let id = nbl.info(NetBufferListCancelId);
        let mut done = SendChain::new(AdapterHandle::TEST);
        done.push(nbl);
        done.complete(&irql::<Dispatch>());
        Some(id)
    })
    .collect()
}

/// What the device reads.
fn gathered(pieces: impl Iterator<Item = (u64, u32)>) -> Vec<u8> {
    let mut all = Vec::new();
    for (address, length) in pieces {
        assert_ne!(length, 0, "no piece is empty");
        for at in address..address + u64::from(length) {
            // SAFETY: an address of the protocol's memory, by the host's list; bytes beyond it are what the test is about,
            // and a sanitizer finds them.
            all.push(unsafe { with_exposed_provenance::<u8>(at as usize).read() });
        }
    }
    all
}

/// A frame: MDLs, offset in the first, and length; and the most bytes that a scatter/gather element has.
#[derive(Clone, Debug)]
struct Shape {
    mdls: Vec<Vec<u8>>,
    offset: u32,
    length: u32,
    page: u32,
}

impl Shape {
    /// Bytes that the first element has, the offset included.
    fn first_piece(&self) -> u32 {
        let mut filled = self.mdls.iter().filter(|mdl| !mdl.is_empty());
        filled
            .next()
            .map_or(0, |mdl| (mdl.len() as u32).min(self.page))
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let mdls = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8)
        .prop_filter("a frame has bytes", |mdls| !mdls.concat().is_empty());
    (mdls, any::<[prop::sample::Index; 2]>(), 50u32..400, 0u32..6).prop_map(
        |(mdls, [offset, length], page, edge)| {
            let total = mdls.concat().len();
            let first = mdls.first().map_or(0, Vec::len);
            let offset = offset.index(first.min(total - 1) + 1) as u32;
            let most = total as u32 - offset;
            let mut shape = Shape {
                mdls,
                offset,
                length: length.index(most as usize) as u32 + 1,
                page,
            };
            // The length at which the first piece has all of the frame, and those beside it, more often than by chance.
            let edges = (shape.first_piece() + edge).wrapping_sub(offset + 1);
            if edge < 3 && (1..=most).contains(&edges) {
                shape.length = edges;
            }
            shape
        },
    )
}

proptest! {
    /// The frame is the same to the processor and to the device.
    #[test]
    fn a_frame_is_the_same_in_any_shape(
        shape in shape(),
        at in any::<prop::sample::Index>(),
        most in 0usize..600,
    ) {
        fresh();
        let Shape { mdls, offset, length, page } = &shape;
        let (offset, length) = (*offset, *length);
        host(|h| h.sg_page = Some(*page));
        let all = mdls.concat();
        let frame = &all[offset as usize..(offset + length) as usize];
        let at = at.index(frame.len());
        let mut protocol = Protocol::default();
        let nb = protocol.net_buffer(mdls, (offset, length), null_mut());
        let nbl = protocol.list(nb, 0, None, null_mut());
        // SAFETY: a chain of the test's own.
        let mut chain = unsafe { SendChain::from_ndis(nbl, AdapterHandle::TEST) };
        let dma = dma();
        let nb = chain.take_only().expect("one each").next().expect("one");

        let mut to = vec![0xA5; most];
        let copied = nb.copy_to(&mut to, &irql::<Dispatch>()).expect("mapped");
        prop_assert_eq!(&to[..copied], &frame[..frame.len().min(most)]);
        let rest = &frame[at..];
        let mut to = vec![0xA5; most];
        let copied = nb.copy_from(at as u32, &mut to, &irql::<Dispatch>()).expect("mapped");
        prop_assert_eq!(&to[..copied], &rest[..rest.len().min(most)]);
        prop_assert_eq!(nb.first::<8, _>(&irql::<Dispatch>()), frame.first_chunk().copied());

        dma.map(nb, &irql()).expect("mapped");
        let mapped = dma.handler().0.lock(&mut irql::<Dispatch>()).pop().expect("mapped");
        prop_assert_eq!(gathered(mapped.data()), frame);
        let part = &rest[..rest.len().min(most)];
        prop_assert_eq!(gathered(mapped.range(at as u32, most as u32)), part);
        let one = mapped.in_one_piece();
        prop_assert_eq!(one.is_some(), offset + length <= shape.first_piece());
        if let Some(address) = one {
            prop_assert_eq!(gathered([(address, length)].into_iter()), frame);
        }
        host(|h| h.irql = DISPATCH_LEVEL);
        let nb = mapped.unmap(&irql());
        host(|h| h.irql = PASSIVE_LEVEL);
        let done = nb.finish(Status::SUCCESS);
        prop_assert!(done.is_some(), "its last");
        drop(done);
        drop(dma);
        assert_empty();
    }

    /// Chains are cut and joined as lists of numbers are.
    #[test]
    fn chains_keep_their_order(
        parts in prop::collection::vec(
            prop::collection::vec((1usize..4, prop::option::of(0u32..4)), 0..6),
            1..4,
        ),
        wanted in 0u32..4,
    ) {
        fresh();
        let mut protocol = Protocol::default();
        let (mut all, mut expected) = (SendChain::new(AdapterHandle::TEST), Vec::new());
        for part in &parts {
            let mut head = null_mut();
            let base = expected.len();
            for (index, (count, hash)) in part.iter().enumerate().rev() {
                let mut first = null_mut();
                for _ in 0..*count {
                    first = protocol.net_buffer(&[vec![0; 60]], (0, 60), first);
                }
                head = protocol.list(first, base + index, *hash, head);
            }
            // SAFETY: a chain of the test's own.
            let mut chain = unsafe { SendChain::from_ndis(head, AdapterHandle::TEST) };
            prop_assert_eq!(chain.len(), part.len());
            prop_assert_eq!(chain.is_hashed(), part.iter().any(|(_, hash)| hash.is_some()));
            all.append(&mut chain);
            prop_assert!(chain.is_empty());
            expected.extend(part.iter().map(|(_, hash)| *hash));
        }
        let mut taken = all.take_hashed(|hash| hash == wanted);
        let (theirs, ours): (Vec<_>, Vec<_>) =
            (0..expected.len()).partition(|n| expected[*n] == Some(wanted));
        prop_assert_eq!((taken.len(), all.len()), (theirs.len(), ours.len()));
        let one_each = parts.iter().flatten().all(|(count, _)| *count == 1);
        let none_empty = parts.iter().all(|part| !part.is_empty());
        if one_each && none_empty && theirs.is_empty() {
            let only = all.take_only().expect("one each");
            prop_assert_eq!(only.left(), ours.len());
            let seen: Vec<usize> = only
                .map(|nb| {
                    let id = nb.info(NetBufferListCancelId);
                    drop(nb);
                    id
                })
                .collect();
            prop_assert_eq!(seen, ours);
        } else {
            if !one_each && all.len() == expected.len() {
                prop_assert!(all.take_only().is_none());
            }
            prop_assert_eq!(ids(all.take()), ours);
        }
        prop_assert!(all.is_empty());
        let counts: Vec<usize> = parts.iter().flatten().map(|(count, _)| *count).collect();
        if theirs.iter().any(|n| counts[*n] != 1) {
            prop_assert!(taken.take_only().is_none());
        }
        prop_assert_eq!(ids(taken), theirs);
        // Every NBL once.
        prop_assert_eq!(host(|h| h.completed.len()), expected.len());
    }

    /// Queues of mapped net buffers give back what they were given, first in, first out.
    #[test]
    fn queues_keep_their_order(steps in prop::collection::vec((0u8..5, 1usize..4), 1..24)) {
        fresh();
        let dma = dma();
        let mut protocol = Protocol::default();
        let mut number = 0;
        let mut more = |count: usize| -> Vec<MappedNetBuffer> {
            for _ in 0..count {
                let nb = protocol.net_buffer(&[vec![0; 60]], (0, 60), null_mut());
                let nbl = protocol.list(nb, number, None, null_mut());
                number += 1;
                // SAFETY: a chain of the test's own.
                let mut chain = unsafe { SendChain::from_ndis(nbl, AdapterHandle::TEST) };
                let mut nb = chain.take_only().expect("one each").next().expect("one");
                // A place of before, as the driver leaves it.
                nb.set_word(0xBAD0);
                dma.map(nb, &irql()).expect("mapped");
            }
            core::mem::take(&mut *dma.handler().0.lock(&mut irql::<Dispatch>()))
        };
        let (mut queue, mut other) = (MappedQueue::new(), MappedQueue::new());
        let (mut model, mut other_model) = (VecDeque::new(), VecDeque::new());
        let id = |mapped: &MappedNetBuffer| mapped.net_buffer().info(NetBufferListCancelId);
        let mut out = Vec::new();
        for (step, count) in steps {
            match step {
                0 => {
                    for mapped in more(count) {
                        model.push_back(id(&mapped));
                        queue.push(mapped);
                    }
                }
                1 => {
                    let some = more(count);
                    model.extend(some.iter().map(id));
                    queue.extend(some);
                }
                2 => {
                    let some = more(count);
                    other_model.extend(some.iter().map(id));
                    other.extend(some);
                }
                3 => {
                    queue.append(&mut other);
                    model.append(&mut other_model);
                    prop_assert!(other.is_empty());
                }
                _ => {
                    for _ in 0..count {
                        let mapped = queue.pop();
                        prop_assert_eq!(mapped.as_ref().map(id), model.pop_front());
                        out.extend(mapped);
                    }
                }
            }
            prop_assert_eq!(queue.is_empty(), model.is_empty());
        }
        queue.extend([]);
        out.extend(core::iter::from_fn(|| queue.pop()));
        let rest = out.len() - (number - model.len() - other_model.len());
        prop_assert_eq!(rest, model.len(), "nothing lost");
        drop((queue, other));
        host(|h| h.irql = DISPATCH_LEVEL);
        for mapped in out {
            drop(mapped.unmap(&irql()).finish(Status::SUCCESS));
        }
        host(|h| h.irql = PASSIVE_LEVEL);
        drop(dma);
        assert_empty();
        prop_assert_eq!(host(|h| h.completed.len()), number);
    }
}
