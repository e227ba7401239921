// SPDX-License-Identifier: MIT OR Apache-2.0
//! The faults, by the callback that they are planted in.

use core::mem::forget;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use ndis::attributes::ALL_STATISTICS;
use ndis::ffi::*;
use ndis::init::Init;
use ndis::interrupt::Throttle;
use ndis::irql::{AtMostDispatch, Dispatch, Irql, Passive};
use ndis::miniport::*;
use ndis::nbl::{ReceiveChain, ReceiveNbl, SendChain};
use ndis::oid::OidRequest;
use ndis::raw::{self, Clobber};
use ndis::status::{Result, Status};
use ndis::sys::{ndis as sys, nt};

use crate::adapter::{Adapter, Core, Driver};
use crate::calls::*;
use crate::choice::{chosen, is, once};
use crate::interrupt::CHARACTERISTICS;
use crate::oids;
use crate::table::*;

/// Two locks that guard nothing.
static LOCK: Lock = AtomicUsize::new(0);
static OTHER_LOCK: Lock = AtomicUsize::new(0);

/// In a pageable section.
// SAFETY: a section of its own for data; nothing else has its name.
#[unsafe(link_section = "PAGEDATA")]
static PAGED_WORD: AtomicUsize = AtomicUsize::new(3);

/// Code in a pageable section: counts in pageable data.
// SAFETY: a section of its own for code.
#[unsafe(link_section = "PAGE")]
#[inline(never)]
fn pageable() -> usize {
    // Relaxed: nothing is published with it.
    PAGED_WORD.fetch_add(1, Ordering::Relaxed)
}

/// Physical address of the device's registers.
static REGISTERS: AtomicI64 = AtomicI64::new(0);

/// Bytes of the shortest frame, without FCS.
const SHORTEST: u32 = 60;
/// Frames that some limit will be below, after a few DPCs.
const ENOUGH: usize = 4;
/// Bytes of a piece of shared memory.
const PIECE: u32 = 8192;

/// The fault takes the place of the initialisation.
pub fn replaces_initialize() -> bool {
    matches!(
        chosen(),
        REGISTER_BEFORE_ATTRIBUTES | SHARED_BEFORE_DMA | NO_GENERAL_ATTRIBUTES
    )
}

/// An initialisation that fails, or that lacks what it needs. PASSIVE_LEVEL.
pub fn instead_of_initialize(init: Init<'_>, irql: &Irql<Passive>) -> Result<Option<Adapter>> {
    if is(REGISTER_BEFORE_ATTRIBUTES) {
        let mut characteristics = *CHARACTERISTICS.as_raw();
        let (handle, mut interrupt) = (init.as_raw(), null_mut());
        let (raw, to) = (&raw mut characteristics, &raw mut interrupt);
        // SAFETY: broken on purpose: X-01, before the registration attributes. Nothing stands behind the context, and
        // the device does not interrupt unless asked.
        unsafe { sys::NdisMRegisterInterruptEx(handle, null_mut(), raw, to) };
        return Err(Status::FAILURE);
    }
    let registered = init.register(&ndis::attributes::RegistrationAttributes::PCI, irql)?;
    if is(SHARED_BEFORE_DMA) {
        let handle = registered.adapter().as_raw();
        free_shared_memory(handle, shared_memory(handle, PIECE), PIECE);
        return Err(Status::FAILURE);
    }
    registered.skip_general_attributes();
    Ok(None)
}

/// Before the example's initialisation. PASSIVE_LEVEL.
///
/// # Errors
/// What NDIS says.
pub fn before_initialize(init: &Init<'_>, irql: &Irql<Passive>) -> Result<()> {
    static CHANGE: fn(&mut NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS) = change_interrupt;
    raw::change_interrupt(&CHANGE);
    if let Some((start, _)) = init.resources().memory(0) {
        // Relaxed: read later in the same call.
        REGISTERS.store(start as i64, Ordering::Relaxed);
    }
    // PASSIVE_LEVEL: as it should be.
    pageable();
    if is(CONFIGURATION_OPEN) {
        forget(init.configuration(irql)?);
    }
    Ok(())
}

fn change_interrupt(raw: &mut NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS) {
    match chosen() {
        INTERRUPT_HEADER => raw.Header.Size -= 8,
        MESSAGE_HANDLERS_MISSING => {
            raw.DisableMessageInterruptHandler = None;
            raw.EnableMessageInterruptHandler = None;
        }
        ISR_OUT_PARAMETERS => raw.MessageInterruptHandler = Some(raw::silent_message_isr),
        _ => {}
    }
}

/// At the end of a successful initialisation. PASSIVE_LEVEL.
pub fn after_initialize(a: &Adapter, irql: &mut Irql<Passive>) {
    let handle = a.core.handle.as_raw();
    match chosen() {
        POOL_LEAKED => {
            pool(100);
        }
        DOUBLE_FREE => {
            let memory = pool(100);
            free(memory, TAG);
            free(memory, TAG);
        }
        OVERRUN => {
            let memory = pool(13);
            // SAFETY: broken on purpose: V-01, one byte behind the allocation.
            unsafe { memory.wrapping_add(13).write_volatile(1) };
            free(memory, TAG);
        }
        PAGED_CODE | PAGED_DATA => {
            let old = raise(DISPATCH_LEVEL);
            if is(PAGED_CODE) {
                pageable();
            } else {
                PAGED_WORD.load(Ordering::Relaxed);
            }
            lower(old);
        }
        USE_AFTER_FREE => {
            let memory = pool(100);
            free(memory, TAG);
            // SAFETY: broken on purpose: V-01, the allocation is gone.
            unsafe { memory.read_volatile() };
        }
        WRONG_TAG => free(pool(100), TAG + 1),
        SHARED_MEMORY_LEAKED => {
            shared_memory(handle, PIECE);
        }
        SHARED_MEMORY_LENGTH => {
            free_shared_memory(handle, shared_memory(handle, PIECE), PIECE / 2);
        }
        SHARED_AT_DISPATCH => {
            let old = raise(DISPATCH_LEVEL);
            let memory = shared_memory(handle, PIECE);
            lower(old);
            free_shared_memory(handle, memory, PIECE);
        }
        IO_SPACE_LEFT => map_registers(handle),
        DPC_OF_NO_MESSAGE => {
            let mut targets = GROUP_AFFINITY::zeroed();
            targets.Mask = 1;
            let interrupt = a.interrupt.interrupt_ref().as_raw();
            // SAFETY: broken on purpose: X-60, there is no message 7.
            unsafe { sys::NdisMQueueDpcEx(interrupt, 7, &raw mut targets, null_mut()) };
        }
        SYNCHRONIZE_NESTED => {
            let interrupt = a.interrupt.interrupt_ref().as_raw();
            let nested = Some(raw::synchronized as MINIPORT_SYNCHRONIZE_INTERRUPT);
            let _ = a.interrupt.synchronize(0, irql, |_| {
                // SAFETY: broken on purpose: X-73, the lock is held.
                unsafe {
                    sys::NdisMSynchronizeWithInterruptEx(interrupt, 0, nested, null_mut());
                }
            });
        }
        STATUS_HEADER => status(&a.core.handle, 4),
        UNSUPPORTED_EXPORT => {
            let mut port = NDIS_PORT_CHARACTERISTICS::zeroed();
            // SAFETY: valid for the call; nobody plays this export.
            unsafe { sys::NdisMAllocatePort(handle, &raw mut port) };
        }
        // SAFETY: broken on purpose: V-01, nothing is at address 8.
        NULL_DEREFERENCE => unsafe { core::arch::asm!("mov byte ptr [{0}], 1", in(reg) 8_usize) },
        // SAFETY: broken on purpose: V-28, there is no such instruction.
        ILLEGAL_INSTRUCTION => unsafe { core::arch::asm!("ud2") },
        // SAFETY: broken on purpose: V-28; does not return.
        BUGCHECK => unsafe { nt::KeBugCheckEx(0xE2, 1, 2, 3, 4) },
        _ => {}
    }
}

/// A second mapping of the registers, which nobody unmaps.
fn map_registers(handle: NDIS_HANDLE) {
    let mut address = null_mut();
    let to = &raw mut address;
    let physical = LARGE_INTEGER::new(REGISTERS.load(Ordering::Relaxed));
    // SAFETY: the device's own registers; broken on purpose: V-04, never unmapped.
    unsafe { sys::NdisMMapIoSpace(to, handle, physical, 4096) };
}

/// In MiniportRestart. PASSIVE_LEVEL.
pub fn at_restart(a: &Adapter) {
    let handle = a.core.handle.as_raw();
    match chosen() {
        SHARED_LATE => free_shared_memory(handle, shared_memory(handle, PIECE), PIECE),
        SLEEP_AT_DISPATCH => {
            let old = raise(DISPATCH_LEVEL);
            sleep(10);
            lower(old);
        }
        LOCK_RECURSIVE => {
            let old = acquire(&LOCK);
            acquire_at_dispatch(&LOCK);
            release(&LOCK, old);
        }
        LOCK_ORDER => {
            for (first, second) in [(&LOCK, &OTHER_LOCK), (&OTHER_LOCK, &LOCK)] {
                let old = acquire(first);
                acquire_at_dispatch(second);
                release_at_dispatch(second);
                release(first, old);
            }
        }
        LOCK_RELEASE_ORDER => {
            let outer = acquire(&LOCK);
            let inner = acquire(&OTHER_LOCK);
            release(&LOCK, inner);
            release(&OTHER_LOCK, outer);
        }
        LOCK_NOT_HELD => {
            let old = raise(DISPATCH_LEVEL);
            release_at_dispatch(&OTHER_LOCK);
            lower(old);
        }
        RW_LOCK_RECURSIVE => rw_lock_recursive(handle),
        RBX_CHANGED => raw::clobber(Clobber::Rbx),
        XMM6_CHANGED => raw::clobber(Clobber::Xmm6),
        DIRECTION_FLAG => raw::clobber(Clobber::DirectionFlag),
        INTERRUPTS_OFF => raw::clobber(Clobber::InterruptFlag),
        HANG => loop {
            core::hint::spin_loop();
        },
        _ => {}
    }
}

fn rw_lock_recursive(handle: NDIS_HANDLE) {
    // SAFETY: the adapter's handle.
    let lock = unsafe { sys::NdisAllocateRWLock(handle) };
    let mut states = [LOCK_STATE_EX::zeroed(); 2];
    for state in &mut states {
        // SAFETY: the state outlives the lock; broken on purpose: V-06, the second time the caller has the lock.
        unsafe { sys::NdisAcquireRWLockWrite(lock, state, 0) };
    }
    for state in states.iter_mut().rev() {
        // SAFETY: acquired with this state.
        unsafe { sys::NdisReleaseRWLock(lock, state) };
    }
    // SAFETY: allocated above, and nobody has it.
    unsafe { sys::NdisFreeRWLock(lock) };
}

/// MiniportPause. PASSIVE_LEVEL.
pub fn pause(a: &Adapter, request: PauseRequest, irql: &mut Irql<Passive>) -> Outcome {
    let outcome = Driver::pause(a, request, irql);
    if is(PAUSE_COMPLETED_UNASKED) && outcome.status() == Status::SUCCESS {
        // SAFETY: broken on purpose: P-02, the pause is complete with the handler's return.
        unsafe { sys::NdisMPauseComplete(a.core.handle.as_raw()) };
    }
    outcome
}

/// MiniportHaltEx. PASSIVE_LEVEL.
pub fn halt(a: Adapter, action: HaltAction, irql: &mut Irql<Passive>) {
    let handle = a.core.handle.as_raw();
    match chosen() {
        WORK_ITEM_FREED => free_queued_work_item(handle),
        TIMER_ARMED => free_armed_timer(handle),
        NBL_LEAKED => leak_nbl(handle),
        INTERRUPT_LEFT => {
            let Adapter {
                interrupt,
                core,
                dma,
            } = a;
            // SAFETY: the device interrupts only when asked, and nobody asks any more; broken on purpose: X-90.
            unsafe { interrupt.abandon() };
            drop(core);
            drop(dma);
            return;
        }
        _ => {}
    }
    Driver::halt(a, action, irql);
}

fn free_queued_work_item(handle: NDIS_HANDLE) {
    // SAFETY: the adapter's handle.
    let item = unsafe { sys::NdisAllocateIoWorkItem(handle) };
    // SAFETY: just allocated; the routine needs no context.
    unsafe { sys::NdisQueueIoWorkItem(item, Some(raw::work_item), null_mut()) };
    // SAFETY: broken on purpose: H-06, it is queued.
    unsafe { sys::NdisFreeIoWorkItem(item) };
}

fn free_armed_timer(handle: NDIS_HANDLE) {
    let mut timer = null_mut();
    let mut characteristics = NDIS_TIMER_CHARACTERISTICS {
        Header: NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS,
            Revision: NDIS_TIMER_CHARACTERISTICS_REVISION_1,
            Size: NDIS_SIZEOF_TIMER_CHARACTERISTICS_REVISION_1,
        },
        AllocationTag: TAG,
        TimerFunction: Some(raw::timer),
        FunctionContext: null_mut(),
    };
    let (raw, to) = (&raw mut characteristics, &raw mut timer);
    // SAFETY: characteristics and handle are valid for the call.
    let status = unsafe { sys::NdisAllocateTimerObject(handle, raw, to) };
    if status == NDIS_STATUS_SUCCESS {
        // SAFETY: just allocated; the function needs no context.
        unsafe { sys::NdisSetTimerObject(timer, LARGE_INTEGER::new(-100_000_000), 0, null_mut()) };
        // SAFETY: broken on purpose: H-05, it is set.
        unsafe { sys::NdisFreeTimerObject(timer) };
    }
}

fn leak_nbl(handle: NDIS_HANDLE) {
    let parameters = NET_BUFFER_LIST_POOL_PARAMETERS {
        Header: NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_DEFAULT,
            Revision: NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
            Size: NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
        },
        ProtocolId: NDIS_PROTOCOL_ID_DEFAULT as u8,
        fAllocateNetBuffer: FALSE,
        ContextSize: 0,
        PoolTag: TAG,
        DataSize: 0,
        Flags: 0,
    };
    // SAFETY: the adapter's handle; the parameters are valid for the call.
    let pool = unsafe { sys::NdisAllocateNetBufferListPool(handle, &raw const parameters) };
    if !pool.is_null() {
        // SAFETY: a pool without net buffers, as the function wants.
        unsafe { sys::NdisAllocateNetBufferList(pool, 0, 0) };
        // SAFETY: broken on purpose: H-07, one of its NBLs is alive.
        unsafe { sys::NdisFreeNetBufferListPool(pool) };
    }
}

/// In the message ISR. DIRQL.
pub fn in_isr(core: &Core) {
    if once(NDIS_IN_ISR) {
        status(&core.handle, 0);
    }
    if once(ISR_IRQL) {
        raise(current_irql() + 1);
    }
}

/// MiniportSendNetBufferLists between restart and pause. At most DISPATCH_LEVEL.
pub fn send(a: &Adapter, nbls: SendChain, irql: &mut Irql<AtMostDispatch>) {
    let (core, head) = (&a.core, nbls.as_raw());
    let done = core.loop_back_all(nbls, irql);
    core.registers.raise();
    // SAFETY: the chain is the driver's until it is completed.
    if let Some(nbl) = unsafe { head.as_ref() } {
        before_completion(a, nbl.first_net_buffer());
    }
    let level = if current_irql() == DISPATCH_LEVEL {
        NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL
    } else {
        0
    };
    if once(NBL_KEPT) {
        forget(done);
    } else if is(WRONG_DISPATCH_FLAG) {
        let flags = level ^ NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL;
        complete_sends(&core.handle, done.give_away(), flags);
    } else if is(LOCK_OVER_COMPLETION) {
        let old = acquire(&LOCK);
        done.complete(irql);
        release(&LOCK, old);
    } else {
        let head = done.as_raw();
        done.complete(irql);
        if once(NBL_COMPLETED_TWICE) {
            complete_sends(&core.handle, head, level);
        }
    }
    if current_irql() == PASSIVE_LEVEL && once(LOCK_KEPT) {
        acquire(&OTHER_LOCK);
    }
    if current_irql() == PASSIVE_LEVEL && once(IRQL_RAISED) {
        raise(DISPATCH_LEVEL);
    }
}

/// What is done to a frame before its NBL is completed. At most DISPATCH_LEVEL.
fn before_completion(a: &Adapter, nb: *mut NET_BUFFER) {
    if once(SEND_CHANGED) {
        change_data(nb);
    }
    if once(SG_LIST_LEAKED) {
        let old = raise(DISPATCH_LEVEL);
        map(a.dma.as_raw(), nb);
        lower(old);
    }
    if current_irql() == PASSIVE_LEVEL && once(SG_LIST_AT_PASSIVE) {
        map(a.dma.as_raw(), nb);
    }
}

fn change_data(nb: *mut NET_BUFFER) {
    // SAFETY: a net buffer of an NBL that is not yet completed.
    let Some(nb) = (unsafe { nb.as_ref() }) else {
        return;
    };
    // SAFETY: its current MDL lives as long.
    let Some(mdl) = (unsafe { nb.current_mdl().as_ref() }) else {
        return;
    };
    let data = mdl.MappedSystemVa.cast::<u8>();
    let first = data.wrapping_add(nb.current_mdl_offset() as usize);
    // SAFETY: inside the MDL, which the example has read; broken on purpose: D-04, the data is not the driver's.
    unsafe { first.write_volatile(0xEE) };
}

/// In the DPC: what is ready is indicated. DISPATCH_LEVEL.
pub fn indicate(core: &Core, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
    match chosen() {
        TOO_MANY_NBLS => indicate_too_many(core, throttle, irql),
        MORE_PENDING_WITHOUT_LIMIT if throttle.limit().is_none() => {
            core.indicate(throttle, irql);
            throttle.force_more_pending();
        }
        LOCK_OVER_INDICATION => {
            acquire_at_dispatch(&LOCK);
            core.indicate(throttle, irql);
            release_at_dispatch(&LOCK);
        }
        WRONG_COUNT | SOURCE_HANDLE | MDL_TOO_SHORT | RUNT_INDICATED => {
            indicate_wrong(core, throttle, irql);
        }
        _ => core.indicate(throttle, irql),
    }
}

/// Not every DPC has a limit, and not every limit is below the number of frames: waits for one that is.
fn indicate_too_many(core: &Core, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
    let ready = {
        let frames = core.frames.lock(irql);
        if frames.running {
            frames.ready.len()
        } else {
            0
        }
    };
    if ready > throttle.remaining() as usize {
        core.indicate(&mut Throttle::unlimited(), irql);
    } else if ready >= ENOUGH {
        // A few frames are worth asking for the next DPC at once; for one, that would never end.
        core.registers.raise();
    }
}

/// Indicates frames that are not as they must be.
fn indicate_wrong(core: &Core, throttle: &mut Throttle, irql: &mut Irql<Dispatch>) {
    let mut chain = ReceiveChain::new();
    {
        let mut frames = core.frames.lock(irql);
        while frames.running && chain.len() < throttle.remaining() as usize {
            let Some(mut nbl) = frames.ready.pop() else {
                break;
            };
            spoil(&mut nbl);
            chain.push(nbl);
        }
        frames.indicated += chain.len();
    }
    let count = chain.len() as u32;
    if count == 0 {
        return;
    }
    throttle.indicated(count);
    core.received.fetch_add(u64::from(count), Ordering::Relaxed);
    let told = if is(WRONG_COUNT) { count + 1 } else { count };
    let (handle, head) = (core.handle.as_raw(), chain.give_away());
    let flags = NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL;
    // SAFETY: the driver's own NBLs, given away; broken on purpose: D-30 or D-37, by what `spoil` did or by the count.
    unsafe { sys::NdisMIndicateReceiveNetBufferLists(handle, head, 0, told, flags) };
}

fn spoil(nbl: &mut ReceiveNbl) {
    if is(RUNT_INDICATED) {
        // A frame without a whole header; the length is inside the buffer.
        let _ = nbl.prepare(13);
    }
    // SAFETY: the driver's own NBL, not yet given away.
    let raw = unsafe { &mut *nbl.as_raw() };
    if is(SOURCE_HANDLE) {
        raw.SourceHandle = null_mut();
    }
    // SAFETY: the NBL's own net buffer.
    let nb = unsafe { raw.first_net_buffer().as_mut() };
    // SAFETY: its own MDL.
    let mdl = nb.and_then(|nb| unsafe { nb.current_mdl().as_mut() });
    if let (true, Some(mdl)) = (is(MDL_TOO_SHORT), mdl) {
        mdl.ByteCount -= 1;
    }
}

/// MiniportOidRequest. PASSIVE_LEVEL.
pub fn oid_request(a: &Adapter, mut request: OidRequest<'_>, irql: &mut Irql<Passive>) -> Outcome {
    let core = &a.core;
    if is(RECEIVED_IN_PAUSED) {
        receive_in_paused(core, irql);
    }
    if is(FILTER_UNCHECKED)
        && request.oid() == OID_GEN_CURRENT_PACKET_FILTER
        && let Some(mut argument) = request.set()
    {
        let filter = argument.value::<u32>();
        let status = filter.map(|filter| core.filter.store(filter, Ordering::Relaxed));
        return request.done(status.into());
    }
    if is(LOOKAHEAD_NOT_SET)
        && request.oid() == OID_GEN_CURRENT_LOOKAHEAD
        && request.set().is_some()
    {
        return request.done(Status::NOT_SUPPORTED);
    }
    let raw = request.as_raw();
    let is_query = request.query().is_some();
    // SAFETY: the request is the driver's until it is completed.
    let data = unsafe { &raw mut (*raw).DATA };
    // SAFETY: as above; only looked at where the kind says that it is this variant; plain data.
    let query = unsafe { &mut *data.cast::<NDIS_OID_REQUEST_DATA_QUERY_INFORMATION>() };
    if is(OID_WRITES_BEYOND) && is_query {
        let end = query
            .InformationBuffer
            .cast::<u8>()
            .wrapping_add(query.InformationBufferLength as usize);
        // SAFETY: broken on purpose: V-01, the first byte behind the buffer.
        unsafe { end.write_volatile(0) };
    }
    let wrong = is(STATISTICS_WRONG) && is_query && request.oid() == OID_GEN_STATISTICS;
    let outcome = oids::answer(core, request);
    if wrong && outcome.status() == Status::SUCCESS {
        let all = query.InformationBuffer.cast::<NDIS_STATISTICS_INFO>();
        // SAFETY: the example has just written the structure there.
        let mut counters = unsafe { all.read_unaligned() };
        // Broken on purpose: U-07. The example counts unicast frames alone; now it says that it counts all, and none.
        counters.SupportedStatistics = ALL_STATISTICS;
        counters.ifHCOutUcastPkts = 0;
        // SAFETY: as above.
        unsafe { all.write_unaligned(counters) };
    }
    if is(OID_BYTES_WRITTEN) && is_query && outcome.status() == Status::SUCCESS {
        query.BytesWritten = query.InformationBufferLength + 1;
    }
    let times = match chosen() {
        OID_COMPLETED_TWICE => 2,
        OID_COMPLETED_AND_RETURNED => 1,
        _ => 0,
    };
    for _ in 0..times {
        complete_oid(&core.handle, raw, outcome.status().0);
    }
    if times == 2 {
        return Outcome::of(Status::PENDING);
    }
    outcome
}

/// Indicates one frame before the first restart.
fn receive_in_paused(core: &Core, irql: &mut Irql<Passive>) {
    let mut chain = ReceiveChain::new();
    {
        let mut frames = core.frames.lock(irql);
        if frames.running || !once(RECEIVED_IN_PAUSED) {
            return;
        }
        let Some(mut nbl) = frames.free.pop() else {
            return;
        };
        nbl.fill(&[0xFF; SHORTEST as usize]);
        let _ = nbl.prepare(SHORTEST);
        chain.push(nbl);
        frames.indicated += 1;
    }
    core.received.fetch_add(1, Ordering::Relaxed);
    chain.indicate(&core.handle, 0, irql);
}
