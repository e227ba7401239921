// SPDX-License-Identifier: MIT OR Apache-2.0
//! NBLs, DMA, shared memory.

use core::ptr::null_mut;
use std::boxed::Box;
use std::cell::Cell;
use std::vec::Vec;

use super::{BAR, irql, resources};
use crate::adapter::AdapterHandle;
use crate::attributes::RegistrationAttributes;
use crate::dma::*;
use crate::fake::{assert_empty, deliver_sg, fresh, host};
use crate::ffi::*;
use crate::init::{Init, Progress};
use crate::io::IoSpace;
use crate::irql::{AtMostDispatch, Dispatch, Irql, Passive};
use crate::mem::Shared;
use crate::miniport::CancelId;
use crate::nbl::*;
use crate::spin::SpinLock;
use crate::status::Status;

/// A chain of NBLs with these numbers of net buffers; `id` of the n-th is n.
fn chain(net_buffers: &[usize]) -> SendChain {
    let mut head = null_mut();
    for (n, count) in net_buffers.iter().enumerate().rev() {
        let mut first = null_mut();
        for _ in 0..*count {
            let mut nb = Box::new(NET_BUFFER::zeroed());
            nb.set_data(null_mut(), 0, 60);
            nb.set_next(first);
            first = Box::into_raw(nb);
        }
        let mut nbl = Box::new(NET_BUFFER_LIST::zeroed());
        nbl.set_first_net_buffer(first);
        nbl.set_next(head);
        nbl.set_status(0x5555);
        nbl.MiniportReserved = [core::ptr::without_provenance_mut(0xBAD); 2];
        nbl.set_info(NetBufferListCancelId, core::ptr::without_provenance_mut(n));
        head = Box::into_raw(nbl);
    }
    // SAFETY: a fresh chain; leaked, as the protocol's memory outlives the driver's use.
    unsafe { SendChain::from_ndis(head, AdapterHandle::TEST) }
}

fn statuses() -> Vec<NDIS_STATUS> {
    host(|h| h.completed.iter().map(|c| c.1).collect())
}

#[test]
fn each_nbl_is_completed_once() {
    fresh();
    let mut all = chain(&[1, 2, 3]);
    assert_eq!(all.len(), 3);
    let mut done = SendChain::new(AdapterHandle::TEST);
    while let Some(nbl) = all.pop() {
        let parts: Vec<TxNetBuffer> = nbl.split().expect("net buffers").collect();
        let last = parts.len() - 1;
        for (n, part) in parts.into_iter().enumerate() {
            assert_eq!(part.data_length(), 60);
            match part.finish(Status::SUCCESS) {
                Some(nbl) => {
                    assert_eq!(n, last);
                    done.push(nbl);
                }
                None => assert!(n < last),
            }
        }
    }
    drop(all);
    host(|h| assert!(h.completed.is_empty()));
    done.complete(&irql::<Dispatch>());
    host(|h| {
        assert_eq!(h.completed.len(), 3);
        assert!(
            h.completed
                .iter()
                .all(|c| c.2 == NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL)
        );
    });
    assert_eq!(statuses(), [0; 3]);
}

#[test]
fn the_flag_only_when_the_level_is_known() {
    fresh();
    chain(&[1]).complete_with(Status::PAUSED, &irql::<AtMostDispatch>());
    host(|h| assert_eq!(h.completed[0].2, 0, "D-09"));
    assert_eq!(statuses(), [NDIS_STATUS_PAUSED]);
    SendChain::new(AdapterHandle::TEST).complete(&irql::<Passive>());
    host(|h| assert_eq!(h.completed.len(), 1, "an empty chain is not completed"));
}

#[test]
fn what_is_dropped_fails() {
    fresh();
    drop(chain(&[1, 1]));
    assert_eq!(statuses(), [NDIS_STATUS_FAILURE; 2]);
    fresh();
    let mut all = chain(&[3]);
    let mut parts = all.pop().expect("one").split().expect("net buffers");
    let first = parts.next().expect("first");
    assert!(first.finish(Status::SUCCESS).is_none());
    drop(parts);
    assert_eq!(statuses(), [NDIS_STATUS_FAILURE]);
    fresh();
    drop(chain(&[1]).pop());
    assert_eq!(statuses(), [NDIS_STATUS_FAILURE]);
}

#[test]
fn the_first_error_stays() {
    fresh();
    let mut parts = chain(&[3])
        .pop()
        .expect("one")
        .split()
        .expect("net buffers");
    let (a, b, c) = (
        parts.next().expect("a"),
        parts.next().expect("b"),
        parts.next().expect("c"),
    );
    assert!(c.finish(Status::INVALID_LENGTH).is_none());
    assert!(a.finish(Status::RESOURCES).is_none());
    let nbl = b.finish(Status::SUCCESS).expect("the last");
    assert_eq!(nbl.status(), Status::INVALID_LENGTH);
    let mut done = SendChain::new(AdapterHandle::TEST);
    done.push(nbl);
    done.complete(&irql::<Dispatch>());
    assert_eq!(statuses(), [NDIS_STATUS_INVALID_LENGTH]);
}

#[test]
fn an_nbl_without_net_buffers() {
    fresh();
    let nbl = chain(&[0]).pop().expect("one");
    assert!(nbl.split().is_err());
    assert_eq!(statuses(), [NDIS_STATUS_FAILURE]);
    // SAFETY: null is the empty chain.
    let mut none = unsafe { SendChain::from_ndis(null_mut(), AdapterHandle::TEST) };
    assert!(none.is_empty() && none.pop().is_none());
}

#[test]
fn cancelling_takes_only_its_own() {
    fresh();
    let mut all = chain(&[1, 1, 1]);
    let cancelled = all.take_cancelled(CancelId(core::ptr::without_provenance_mut(1)));
    assert_eq!((cancelled.len(), all.len()), (1, 2));
    cancelled.complete_with(Status::SEND_ABORTED, &irql::<AtMostDispatch>());
    let mut more = chain(&[1]);
    all.append(&mut more);
    assert!(more.is_empty());
    let ids: Vec<usize> = core::iter::from_fn(|| all.pop())
        .map(|n| n.info(NetBufferListCancelId))
        .collect();
    assert_eq!(ids, [0, 2, 0]);
    assert_eq!(statuses()[0], NDIS_STATUS_SEND_ABORTED);
}

#[test]
fn words_and_information() {
    fresh();
    let nbl = chain(&[1]).pop().expect("one");
    assert_eq!(nbl.info(-1), 0);
    assert_eq!(nbl.info(27), 0);
    let mut nb = nbl.split().expect("one").next().expect("one");
    nb.set_word(9);
    assert_eq!(nb.word(), 9);
    assert_eq!(
        nb.copy_to(&mut [0; 4], &irql::<Dispatch>()),
        Err(Status::INVALID_LENGTH)
    );
}

/// Keeps what it is given.
struct Keep(SpinLock<Vec<MappedNetBuffer>>);

impl SgListHandler for Keep {
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        assert_eq!(mapped.elements().len(), 2);
        assert_eq!(mapped.elements()[1].Length, 7);
        self.0.lock(irql).push(mapped);
    }
}

const ATTRIBUTES: SgDma = SgDma {
    max_transfer: 9018,
    address_64: true,
};

fn dma() -> ScatterGatherDma<Keep> {
    let keep = Keep(SpinLock::new(Vec::new()));
    ScatterGatherDma::register(&AdapterHandle::TEST, keep, ATTRIBUTES, &irql()).expect("registered")
}

fn one_net_buffer() -> TxNetBuffer {
    chain(&[1])
        .pop()
        .expect("one")
        .split()
        .expect("one")
        .next()
        .expect("one")
}

#[test]
fn mapping_inside_the_call_and_later() {
    for defer in [false, true] {
        fresh();
        host(|h| h.defer_sg = defer);
        let dma = dma();
        dma.map(one_net_buffer(), &irql()).expect("mapped");
        for nb in host(|h| core::mem::take(&mut h.sg_waiting)) {
            deliver_sg(nb);
        }
        let mapped = dma
            .handler()
            .0
            .lock(&mut irql::<Dispatch>())
            .pop()
            .expect("mapped");
        host(|h| h.irql = DISPATCH_LEVEL);
        let nb = mapped.unmap(&irql());
        host(|h| h.irql = PASSIVE_LEVEL);
        assert!(nb.finish(Status::SUCCESS).is_some());
        drop(dma);
        assert_empty();
    }
}

#[test]
fn mapping_fails() {
    fresh();
    let dma = dma();
    host(|h| h.fail.push("NdisMAllocateNetBufferSGList"));
    let (status, nb) = dma.map(one_net_buffer(), &irql()).expect_err("no list");
    assert_eq!(status, Status::RESOURCES);
    assert!(nb.finish(status).is_some());
    drop(dma);
    assert_empty();
}

/// A handler that takes any list.
struct Any(SpinLock<Vec<(usize, usize)>>);

impl SgListHandler for Any {
    fn process(&self, mapped: MappedNetBuffer, irql: &mut Irql<Dispatch>) {
        let seen = (mapped.elements().len(), mapped.data().count());
        self.0.lock(irql).push(seen);
        host(|h| h.irql = DISPATCH_LEVEL);
        drop(mapped.unmap(irql));
    }
}

#[test]
fn a_list_without_elements_or_with_too_few() {
    for fewer in [1, 2] {
        fresh();
        host(|h| h.sg_fewer = fewer);
        let any = Any(SpinLock::new(Vec::new()));
        let dma = ScatterGatherDma::register(&AdapterHandle::TEST, any, ATTRIBUTES, &irql());
        let dma = dma.expect("registered");
        dma.map(one_net_buffer(), &irql()).expect("mapped");
        host(|h| h.irql = PASSIVE_LEVEL);
        // Fewer bytes than the frame has: the pieces end, and none is empty.
        let seen = dma.handler().0.lock(&mut irql::<Dispatch>()).clone();
        assert_eq!(seen, [(2 - fewer as usize, 0)]);
        drop(dma);
        assert_empty();
    }
}

/// MDLs of these lengths over one buffer of counted bytes, in a chain.
fn mdls(lengths: &[u32]) -> *mut MDL {
    let bytes: Vec<u8> = (0..lengths.iter().sum::<u32>()).map(|n| n as u8).collect();
    let bytes = Box::leak(bytes.into_boxed_slice()).as_mut_ptr();
    let mut offset = lengths.iter().sum::<u32>() as usize;
    let mut next = null_mut();
    for length in lengths.iter().rev() {
        offset -= *length as usize;
        let mut mdl = Box::new(MDL::zeroed());
        mdl.Next = next;
        mdl.ByteCount = *length;
        mdl.MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
        mdl.MappedSystemVa = bytes.wrapping_add(offset).cast();
        next = Box::into_raw(mdl);
    }
    next
}

#[test]
fn mdls_without_bytes_are_passed_over() {
    fresh();
    for lengths in [&[0, 20, 0, 0, 40, 0][..], &[0, 60], &[60, 0], &[1, 0, 59]] {
        let nb = one_net_buffer();
        let raw = nb.into_raw();
        // SAFETY: the test's own net buffer.
        unsafe { (*raw.as_ptr()).set_data(mdls(lengths), 0, 60) };
        // SAFETY: taken apart above.
        let nb = unsafe { TxNetBuffer::from_raw(raw) };
        let mut to = [0xFF; 64];
        assert_eq!(nb.copy_to(&mut to, &irql::<Dispatch>()), Ok(60));
        assert!(
            to[..60]
                .iter()
                .enumerate()
                .all(|(n, byte)| *byte == n as u8)
        );
        drop(nb);
    }
    // Only such MDLs, and no MDL at all: too short, not an endless walk.
    for lengths in [&[0, 0, 0][..], &[]] {
        let raw = one_net_buffer().into_raw();
        // SAFETY: the test's own net buffer.
        unsafe { (*raw.as_ptr()).set_data(mdls(lengths), 0, 60) };
        // SAFETY: taken apart above.
        let nb = unsafe { TxNetBuffer::from_raw(raw) };
        let mut to = [0; 64];
        assert_eq!(
            nb.copy_to(&mut to, &irql::<Dispatch>()),
            Err(Status::INVALID_LENGTH)
        );
        drop(nb);
    }
}

#[test]
fn registers_at_no_address() {
    fresh();
    let mut list = resources();
    let mut parameters = NDIS_MINIPORT_INIT_PARAMETERS::zeroed();
    parameters.AllocatedResources = &raw mut list;
    let progress = Cell::new(Progress::Started);
    let registered = |parameters| {
        let init = Init {
            handle: AdapterHandle::TEST.as_raw(),
            context: null_mut(),
            parameters,
            progress: &progress,
            version: 0,
        };
        init.register(&RegistrationAttributes::PCI, &irql())
            .expect("registered")
    };
    let given = registered(Some(&parameters));
    let map = |start, length| IoSpace::map(&given, start, length, &irql()).err();
    assert_eq!(map(BAR.0, BAR.1), None);
    host(|h| h.null_address = true);
    assert_eq!(map(BAR.0, BAR.1), Some(Status::RESOURCES));
    // I-05: nothing but what the adapter was given.
    let refused = Some(Status::INVALID_PARAMETER);
    for (start, length) in [
        (BAR.0, 0),
        (BAR.0, BAR.1 + 1),
        (BAR.0 - 1, 4),
        (BAR.0 + 4, BAR.1),
        (0, 0x1000),
        (u64::MAX, 4),
    ] {
        assert_eq!(map(start, length), refused, "{start:#x} {length:#x}");
    }
    let none = registered(None);
    assert_eq!(
        IoSpace::map(&none, BAR.0, BAR.1, &irql()).err(),
        refused,
        "no list"
    );
    assert_empty();
}

#[test]
fn an_empty_frame_is_not_mapped() {
    fresh();
    let dma = dma();
    let mut nbl = NET_BUFFER_LIST::zeroed();
    let mut nb = NET_BUFFER::zeroed();
    nbl.set_first_net_buffer(&raw mut nb);
    // SAFETY: a chain of one.
    let mut one = unsafe { SendChain::from_ndis(&raw mut nbl, AdapterHandle::TEST) };
    let nb = one
        .pop()
        .expect("one")
        .split()
        .expect("one")
        .next()
        .expect("one");
    let (status, nb) = dma.map(nb, &irql()).expect_err("no data");
    assert_eq!(status, Status::INVALID_LENGTH);
    drop(nb);
    assert_eq!(statuses(), [NDIS_STATUS_FAILURE]);
}

#[test]
fn a_list_dropped_is_freed_at_dispatch_level() {
    fresh();
    let dma = dma();
    dma.map(one_net_buffer(), &irql()).expect("mapped");
    drop(dma);
    assert_empty();
    assert_eq!(statuses(), [NDIS_STATUS_FAILURE]);
    host(|h| assert_eq!(h.irql, PASSIVE_LEVEL));
}

#[test]
fn a_null_list_or_context() {
    fresh();
    let dma = dma();
    host(|h| h.defer_sg = true);
    dma.map(one_net_buffer(), &irql()).expect("accepted");
    let handler = host(|h| h.sg_handler).expect("registered");
    let waiting = host(|h| core::mem::take(&mut h.sg_waiting));

    // SAFETY: null is what is tested.
    unsafe { handler(null_mut(), null_mut(), null_mut(), null_mut()) };
    // SAFETY: the context of the mapping, without a list.
    unsafe {
        handler(
            null_mut(),
            null_mut(),
            null_mut(),
            core::ptr::with_exposed_provenance_mut(waiting[0]),
        )
    };
    assert_eq!(statuses(), [NDIS_STATUS_FAILURE]);
    // There was no list to free.
    host(|h| h.alive.insert("sg", 0));
    drop(dma);
    assert_empty();
}

#[test]
fn shared_memory_has_bounds_and_outlives_the_dma() {
    fresh();
    let dma = dma();
    let memory = dma.allocate_shared(64, true, &irql()).expect("memory");
    assert_eq!(
        dma.allocate_shared(0, true, &irql()).err(),
        Some(Status::INVALID_PARAMETER)
    );
    assert_eq!(memory.read::<u64>(0), Some(0), "nothing stale");
    assert!(memory.write(56, 0x1122_u64));
    assert_eq!(memory.read::<u64>(56), Some(0x1122));
    assert_eq!(memory.read::<u64>(57), None);
    assert_eq!(memory.read::<u32>(2), None, "unaligned");
    assert_eq!(memory.read::<u8>(u32::MAX), None);
    assert!(!memory.write(64, 1_u8));
    assert_eq!(memory.copy_in(60, &[1; 8]), 4);
    assert_eq!(memory.copy_out(62, &mut [0; 8]), 2);
    assert_eq!(memory.copy_out(u32::MAX, &mut [0; 8]), 0);
    drop(dma);
    host(|h| assert_eq!(h.alive["dma"], 1, "H-04"));
    drop(memory);
    assert_empty();
    fresh();
    host(|h| h.fail.push("NdisMAllocateSharedMemory"));
    let dma = self::dma();
    assert_eq!(
        dma.allocate_shared(64, false, &irql()).err(),
        Some(Status::RESOURCES)
    );
}

fn receive() -> (
    ScatterGatherDma<Keep>,
    Shared<SharedMemory>,
    Shared<NblPool>,
) {
    let dma = dma();
    let memory = dma.allocate_shared(4096, true, &irql()).expect("memory");
    let pool = NblPool::allocate(&AdapterHandle::TEST, 0, &irql::<Passive>()).expect("pool");
    (dma, memory, pool)
}

#[test]
fn receive_buffers_go_up_and_come_back() {
    fresh();
    let (dma, memory, pool) = receive();
    let mut chain = ReceiveChain::new();
    for n in 0..2 {
        let mut nbl = ReceiveNbl::allocate(
            &pool,
            &memory,
            n * 2048,
            2048,
            n as usize,
            &irql::<Passive>(),
        )
        .expect("nbl");
        assert_eq!(nbl.logical_address(), 0x1_0000_0000 + u64::from(n) * 2048);
        assert_eq!(nbl.prepare(0), Err(Status::INVALID_LENGTH));
        assert_eq!(nbl.prepare(2049), Err(Status::INVALID_LENGTH), "D-37");
        nbl.prepare(60).expect("fits");
        nbl.set_info(NetBufferListHashValue, 5);
        nbl.set_info(99, 5);
        chain.push(nbl);
    }
    chain.indicate(
        &AdapterHandle::TEST,
        NDIS_RECEIVE_FLAGS_RESOURCES,
        &irql::<Dispatch>(),
    );
    host(|h| assert_eq!(h.indicated, [(2, NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL)]));
    drop((dma, memory, pool));
    host(|h| assert_eq!((h.alive["pool"], h.alive["nbl"], h.alive["dma"]), (1, 2, 1)));
    let head = core::ptr::with_exposed_provenance_mut(host(|h| h.indicated_head));
    // SAFETY: the chain that was indicated, handed back.
    let mut back = unsafe { ReceiveChain::from_ndis(head) };
    assert_eq!(back.len(), 2);
    let first = back.pop().expect("first");
    assert_eq!((first.word(), first.capacity()), (0, 2048));
    assert_eq!(first.peek(&mut [0; 14]), 14);
    let mut first = first;
    assert_eq!((first.fill(b"frame"), first.fill(&[7; 4096])), (5, 2048));
    let mut bytes = [0; 4];
    first.peek(&mut bytes);
    assert_eq!(bytes, [7; 4]);
    drop(first);
    drop(back);
    assert_empty();
}

#[test]
fn a_frame_over_several_buffers_is_one_nbl() {
    fresh();
    let (dma, memory, pool) = receive();
    let buffer = |n: u32| {
        ReceiveNbl::allocate(
            &pool,
            &memory,
            n * 1024,
            1024,
            n as usize,
            &irql::<Passive>(),
        )
        .expect("nbl")
    };
    let mut first = buffer(0);
    first.append(buffer(1));
    first.append(buffer(2));
    for wrong in [0, 1024, 2048, 3073] {
        assert_eq!(first.prepare(wrong), Err(Status::INVALID_LENGTH), "{wrong}");
    }
    first.prepare(2049).expect("fits");
    let mut chain = ReceiveChain::new();
    chain.push(first);
    chain.indicate(&AdapterHandle::TEST, 0, &irql::<Dispatch>());
    let head: *mut NET_BUFFER_LIST =
        core::ptr::with_exposed_provenance_mut(host(|h| h.indicated_head));
    // SAFETY: the NBL that was indicated, still alive.
    let nb = unsafe { &*head }.first_net_buffer();
    // SAFETY: its net buffer.
    let nb = unsafe { &*nb };
    assert_eq!(nb.data_length(), 2049);
    let mut lengths = Vec::new();
    let mut at = nb.current_mdl();
    // SAFETY: the MDLs of that NBL.
    while let Some(mdl) = unsafe { at.as_ref() } {
        lengths.push(mdl.ByteCount);
        at = mdl.Next;
    }
    assert_eq!(lengths, [1024, 1024, 1]);

    // SAFETY: the chain that was indicated, handed back.
    let mut back = unsafe { ReceiveChain::from_ndis(head) };
    assert_eq!(back.len(), 1);
    let mut first = back.pop().expect("first");
    let mut second = first.detach().expect("second");
    assert!(first.detach().is_none());
    let third = second.detach().expect("third");
    assert_eq!([first.word(), second.word(), third.word()], [0, 1, 2]);
    // Alone again, each covers one buffer.
    assert_eq!(first.prepare(1025), Err(Status::INVALID_LENGTH));
    first.prepare(1024).expect("fits");
    // Dropped with what is behind it.
    first.append(third);
    drop((first, second, back, dma, memory, pool));
    assert_empty();
}

#[test]
fn returned_chains_are_sorted_and_piled() {
    fresh();
    let (dma, memory, pool) = receive();
    let mut chain = ReceiveChain::new();
    for n in 0..6_u32 {
        chain.push(
            ReceiveNbl::allocate(&pool, &memory, n * 64, 64, n as usize, &irql::<Passive>())
                .expect("nbl"),
        );
    }
    let odd = chain.take_marked(1);
    assert_eq!((odd.len(), chain.len()), (3, 3));
    let stack = ReturnStack::new();
    assert!(stack.take().pop().is_none());
    stack.push(chain);
    stack.push(odd);
    let mut pile = stack.take();
    assert!(stack.is_empty());
    let mut words: Vec<usize> = Vec::new();
    let one = pile.pop().expect("six");
    pile.push(one);
    while let Some(nbl) = pile.pop() {
        words.push(nbl.word());
        if words.len() == 5 {
            break;
        }
    }
    words.sort_unstable();
    assert_eq!(
        words,
        [0, 1, 2, 3, 5],
        "the last one is dropped with the pile"
    );
    drop((pile, dma, memory, pool));
    assert_empty();
}

#[test]
fn low_resources_come_back_at_once() {
    fresh();
    let (_dma, memory, pool) = receive();
    let mut chain = ReceiveChain::new();
    assert!(
        ReceiveChain::default()
            .indicate_low_resources(&AdapterHandle::TEST, 0, &irql::<Passive>())
            .is_empty()
    );
    let mut nbl = ReceiveNbl::allocate(&pool, &memory, 0, 64, 0, &irql::<Passive>()).expect("nbl");
    nbl.prepare(64).expect("fits");
    chain.push(nbl);
    let back = chain.indicate_low_resources(&AdapterHandle::TEST, 0, &irql::<Passive>());
    assert_eq!(back.len(), 1);
    host(|h| assert_eq!(h.indicated, [(1, NDIS_RECEIVE_FLAGS_RESOURCES)]));
    drop((back, pool));
    host(|h| assert_eq!(h.alive["pool"], 0));
}

#[test]
fn receive_allocation_fails_without_leaks() {
    for what in [
        "",
        "NdisAllocateMdl",
        "NdisAllocateNetBufferAndNetBufferList",
    ] {
        fresh();
        let (dma, memory, pool) = receive();
        host(|h| h.fail.push(what));
        let at = |offset, capacity| {
            ReceiveNbl::allocate(&pool, &memory, offset, capacity, 0, &irql::<Passive>()).err()
        };
        assert_eq!(at(0, 0), Some(Status::INVALID_PARAMETER));
        assert_eq!(at(4096, 1), Some(Status::INVALID_PARAMETER));
        assert_eq!(at(u32::MAX, 2), Some(Status::INVALID_PARAMETER));
        assert_eq!(at(0, 64), (!what.is_empty()).then_some(Status::RESOURCES));
        drop((pool, memory, dma));
        assert_empty();
    }
    fresh();
    host(|h| h.fail.push("NdisAllocateNetBufferListPool"));
    assert!(NblPool::allocate(&AdapterHandle::TEST, 0, &irql::<Passive>()).is_err());
}
