// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other calls above their IRQL, and handlers that ask for another one than they get.

macro_rules! members {
    () => {
        fn initialize(_: Init<'_>, _: &mut Irql<Passive>) -> Result<Self::Adapter> { Err(Status::FAILURE) }
        fn halt(_: Self::Adapter, _: HaltAction, _: &mut Irql<Passive>) {}
        fn pause(_: &Self::Adapter, request: PauseRequest, _: &mut Irql<Passive>) -> Outcome { request.done() }
        fn restart(_: &Self::Adapter, _: RestartRequest<'_>, _: &mut Irql<Passive>) -> Result<Outcome> { Err(Status::FAILURE) }
        fn oid_request(_: &Self::Adapter, request: OidRequest<'_>, _: &mut Irql<Passive>) -> Outcome { request.done(Status::FAILURE) }
        fn return_nbls(_: &Self::Adapter, _: ReceiveChain, _: u32, _: &mut Irql<AtMostDispatch>) {}
        fn shutdown(_: &Self::Adapter, _: ShutdownAction) {}
    };
    ($level:ty) => {
        members!();
        fn send(_: &Self::Adapter, _: SendChain, _: u32, _: u32, _: &mut Irql<$level>) {}
    };
}
pub struct M;

//# complete sends with a status in an ISR
pub fn f(chain: SendChain, irql: &mut Irql<Dirql>) {
    chain.complete_with(Status::PAUSED, irql); //~ E0277
}

//# indicate frames that come back at once in an ISR
pub fn f(chain: ReceiveChain, adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    let _ = chain.indicate_low_resources(adapter, 0, irql); //~ E0277
}

//# complete a pause in an ISR
pub fn f(pause: PendingPause, irql: &mut Irql<Dirql>) {
    pause.complete(irql); //~ E0277
}

//# complete a restart in an ISR
pub fn f(restart: PendingRestart, irql: &mut Irql<Dirql>) {
    restart.complete(Status::SUCCESS, irql); //~ E0277
}

//# complete a reset in an ISR
pub fn f(reset: PendingReset, irql: &mut Irql<Dirql>) {
    reset.complete(Status::SUCCESS, false, irql); //~ E0277
}

//# complete an OID in an ISR
pub fn f(oid: PendingOid, irql: &mut Irql<Dirql>) {
    oid.complete(Status::SUCCESS, irql); //~ E0277
}

//# read a frame in an ISR
pub fn f(nb: &TxNetBuffer, irql: &mut Irql<Dirql>) {
    let _ = nb.copy_to(&mut [0; 60], irql); //~ E0277
}

//# read a frame from the middle in an ISR
pub fn f(nb: &TxNetBuffer, irql: &mut Irql<Dirql>) {
    let _ = nb.copy_from(14, &mut [0; 20], irql); //~ E0277
}

//# read a header in an ISR
pub fn f(nb: &TxNetBuffer, irql: &mut Irql<Dirql>) {
    let _: Option<[u8; 14]> = nb.first(irql); //~ E0277
}

//# allocate a receive buffer in an ISR
pub fn f(pool: &Shared<NblPool>, memory: &Shared<SharedMemory>, irql: &mut Irql<Dirql>) {
    let _ = ReceiveNbl::allocate(pool, memory, 0, 2048, 0, irql); //~ E0277
}

//# allocate a shared value in an ISR
pub fn f(irql: &mut Irql<Dirql>) {
    let _ = Shared::new(0, irql); //~ E0277
}

//# allocate a box in an ISR
pub fn f(irql: &mut Irql<Dirql>) {
    let _ = try_box(0, irql); //~ E0277
}

//# make a timer in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    let _ = Timer::new(adapter, H, 0, irql); //~ E0277
}

//# make a work item in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    let _ = WorkItem::new(adapter, H, irql); //~ E0277
}

//# make an event in an ISR
pub fn f(irql: &mut Irql<Dirql>) {
    let _ = Event::new(irql); //~ E0277
}

//# reset an event in an ISR
pub fn f(event: &Event, irql: &mut Irql<Dirql>) {
    event.reset(irql); //~ E0277
}

//# set a timer from its ISR
pub fn f(timer: TimerRef<'_>, irql: &mut Irql<Dirql>) {
    timer.set(1, 0, irql); //~ E0277
}

//# point an MSI-X entry at a message in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    let _ = adapter.set_msix_entry(0, 0, irql); //~ E0277
}

//# indicate offloads in an ISR
pub fn f(adapter: &AdapterHandle, offload: &ndis::ffi::NDIS_OFFLOAD, irql: &mut Irql<Dirql>) {
    adapter.indicate_offload(offload, irql); //~ E0277
}

//# place a poll in an ISR
pub fn f(slot: &PollSlot<H>, irql: &mut Irql<Dirql>) {
    slot.set_affinity(0, 0, irql); //~ E0277
}

//# queue a DPC again where the processor can change
pub fn f(interrupt: InterruptRef<'_>, irql: &mut Irql<AtMostDispatch>) {
    let _ = interrupt.requeue_here(0, irql); //~ E0308
}

//# queue a DPC again in an ISR
pub fn f(interrupt: InterruptRef<'_>, irql: &mut Irql<Dirql>) {
    let _ = interrupt.requeue_here(0, irql); //~ E0308
}

//# set registration attributes in a DPC
pub fn f(init: Init<'_>, irql: &mut Irql<Dispatch>) {
    let _ = init.register(&RegistrationAttributes::PCI, irql); //~ E0308
}

//# set general attributes in a DPC
pub fn f(registered: &Registered<'_>, general: &GeneralAttributes<'_>, irql: &mut Irql<Dispatch>) {
    let _ = registered.set_general(general, irql); //~ E0308
}

//# set offload attributes in a DPC
pub fn f(registered: &Registered<'_>, offload: &ndis::ffi::NDIS_OFFLOAD, irql: &mut Irql<Dispatch>) {
    let _ = registered.set_offload(offload, offload, irql); //~ E0308
}

//# ask for the DMA alignment in a DPC
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dispatch>) {
    let _ = adapter.dma_alignment(irql); //~ E0308
}

//# look for the poll functions in a DPC
pub fn f(irql: &mut Irql<Dispatch>) {
    let _ = PollFunctions::find(irql); //~ E0308
}

//# register a poll object in a DPC
pub fn f(slot: &PollSlot<H>, functions: PollFunctions, adapter: &AdapterHandle, irql: &mut Irql<Dispatch>) {
    let _ = slot.register(functions, adapter, H, irql); //~ E0308
}

//# deregister a poll object while polled
pub fn f(slot: &PollSlot<H>, irql: &mut Irql<AtMostDispatch>) {
    slot.deregister(irql); //~ E0308
}

//# read the configuration of a new device in a DPC
pub fn f(device: &AddDevice<'_>, irql: &mut Irql<Dispatch>) {
    let _ = device.configuration(irql); //~ E0308
}

//# map a frame at PASSIVE_LEVEL
pub fn f(dma: &ScatterGatherDma<H>, nb: TxNetBuffer, irql: &mut Irql<Passive>) {
    let _ = dma.map(nb, irql); //~ E0308
}

//# wait for an event where the level is not known
pub fn f(event: &Event, irql: &mut Irql<AtMostDispatch>) {
    let _ = event.wait(1, irql); //~ E0308
}

//# wait for an event while a spin lock is held
pub fn f(event: &Event, lock: &SpinLock<u8>, irql: &mut Irql<Passive>) {
    let guard = lock.lock(irql);
    let _ = event.wait(1, irql); //~ E0502
    drop(guard);
}

//# deregister an interrupt while a spin lock is held
pub fn f(interrupt: Interrupt<H>, lock: &SpinLock<u8>, irql: &mut Irql<Passive>) {
    let guard = lock.lock(irql);
    interrupt.deregister(irql); //~ E0502
    drop(guard);
}

//# take a second lock with the token of the first
pub fn f(one: &SpinLock<u8>, two: &SpinLock<u8>, irql: &mut Irql<Passive>) {
    let first = one.lock(irql);
    drop(two.lock(irql)); //~ E0499
    drop(first);
}

//# release locks in the order of acquisition
pub fn f(one: &SpinLock<u8>, two: &SpinLock<u8>, irql: &mut Irql<Passive>) {
    let mut first = one.lock(irql);
    let second = two.lock(first.split().1);
    drop(first); //~ E0505
    drop(second);
}

//# move a lock that is held
pub fn f(lock: SpinLock<u8>, irql: &mut Irql<Passive>) {
    let guard = lock.lock(irql);
    let _ = lock.into_inner(); //~ E0505
    drop(guard);
}

//# sleep while synchronised with an ISR
pub fn f(interrupt: &Interrupt<H>, irql: &mut Irql<Passive>) {
    let below = &*irql;
    let body = |_: &mut Irql<Dirql>| ndis::time::sleep_us(1, below);
    let _ = interrupt.synchronize(0, irql, body); //~ E0502
}

//# keep a token beyond synchronisation
pub fn f(interrupt: &Interrupt<H>, irql: &mut Irql<Passive>) {
    let mut kept: Option<&mut Irql<Dirql>> = None;
    let _ = interrupt.synchronize(0, irql, |irql| {
        kept = Some(irql); //~ E0521
    });
    drop(kept);
}

//# complete sends while synchronised with an ISR
pub fn f(interrupt: &Interrupt<H>, chain: SendChain, irql: &mut Irql<Dispatch>) {
    let _ = interrupt.synchronize(0, irql, |irql| {
        chain.complete(irql); //~ E0277
        let _: &mut Irql<Dirql> = irql;
    });
}

//# a timer that wants PASSIVE_LEVEL
pub struct T;
impl TimerHandler for T { fn fire(&self, _: TimerRef<'_>, _: &mut Irql<Passive>) {} } //~ E0053

//# work that wants DISPATCH_LEVEL
pub struct T;
impl WorkHandler for T { fn run(&self, _: &mut Irql<Dispatch>) {} } //~ E0053

//# a scatter/gather list at PASSIVE_LEVEL
pub struct T;
impl SgListHandler for T { fn process(&self, _: MappedNetBuffer, _: &mut Irql<Passive>) {} } //~ E0053

//# an ISR that wants PASSIVE_LEVEL
macro_rules! rest { () => {
    fn dpc(&self, _: InterruptRef<'_>, _: &mut Throttle, _: &mut Irql<Dispatch>) {}
    fn disable(&self, _: &mut Irql<Dirql>) {}
    fn enable(&self, _: &mut Irql<Dirql>) {}
} }
pub struct T;
impl LineHandlers for T { rest!(); fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Passive>) -> IsrResult { todo!() } } //~ E0053

//# a DPC that wants PASSIVE_LEVEL
macro_rules! rest { () => {
    fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult { todo!() }
    fn disable(&self, _: &mut Irql<Dirql>) {}
    fn enable(&self, _: &mut Irql<Dirql>) {}
} }
pub struct T;
impl LineHandlers for T { rest!(); fn dpc(&self, _: InterruptRef<'_>, _: &mut Throttle, _: &mut Irql<Passive>) {} } //~ E0053

//# a poll that wants DISPATCH_LEVEL
macro_rules! rest { () => { fn set_notification(&self, _: bool, _: &mut Irql<AtMostDispatch>) {} } }
pub struct T;
impl PollHandler for T { rest!(); fn poll(&self, _: &mut PollData<'_>, _: &mut Irql<Dispatch>) {} } //~ E0053

//# sends that want PASSIVE_LEVEL
impl Miniport for M { type Adapter = (); members!(); fn send(_: &(), _: SendChain, _: u32, _: u32, _: &mut Irql<Passive>) {} } //~ E0053

//# an adapter that other processors may not share
impl Miniport for M { type Adapter = Cell<u8>; members!(AtMostDispatch); } //~ E0277

//# a token in a shutdown
impl Miniport for M { type Adapter = (); members!(AtMostDispatch); fn unload(_: &mut Irql<Dispatch>) {} } //~ E0053

//# complete sends in a shutdown
pub fn shutdown(chain: SendChain, _: ShutdownAction) {
    chain.complete(); //~ E0061
}
