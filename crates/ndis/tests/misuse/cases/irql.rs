// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls above their IRQL, and tokens that nobody may make, keep or move.

//# sleep at DISPATCH_LEVEL
pub fn f(irql: &Irql<Dispatch>) {
    ndis::time::sleep_us(1, irql); //~ E0308
}
//# sleep where the level is not known
pub fn f(irql: &mut Irql<AtMostDispatch>) {
    ndis::time::sleep_us(1, irql); //~ E0308
}
//# sleep in an ISR
pub fn f(irql: &mut Irql<Dirql>) {
    ndis::time::sleep_us(1, irql); //~ E0308
}
//# wait for an event in a DPC
pub fn f(event: &Event, irql: &mut Irql<Dispatch>) {
    event.wait(0, irql); //~ E0308
}
//# set an event in an ISR
pub fn f(event: &Event, irql: &mut Irql<Dirql>) {
    event.set(irql); //~ E0277
}
//# read the configuration in a DPC
pub fn f(init: Init<'_>, irql: &mut Irql<Dispatch>) {
    let _ = init.configuration(irql); //~ E0308
}
//# register an interrupt in a DPC
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dispatch>) {
    let c = MiniportInterruptCharacteristics::line();
    let _ = Interrupt::register(adapter, H, c, irql); //~ E0308
    let _: MiniportInterruptCharacteristics<H> = c;
}
//# deregister an interrupt in a DPC
pub fn f(interrupt: Interrupt<H>, irql: &mut Irql<Dispatch>) {
    interrupt.deregister(irql); //~ E0308
}
//# map registers where the level is not known
pub fn f(registered: &Registered<'_>, irql: &mut Irql<AtMostDispatch>) {
    let _ = IoSpace::map(registered, 0, 4, irql); //~ E0308
}
//# allocate shared memory in a DPC
pub fn f(dma: &ScatterGatherDma<H>, irql: &mut Irql<Dispatch>) {
    let _ = dma.allocate_shared(4096, true, irql); //~ E0308
}
//# register DMA in a DPC
pub fn f(adapter: &AdapterHandle, attributes: SgDma, irql: &mut Irql<Dispatch>) {
    let _ = ScatterGatherDma::register(adapter, H, attributes, irql); //~ E0308
}
//# indicate a status in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    adapter.indicate_status(0, &[], irql); //~ E0277
}
//# indicate the link in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    adapter.indicate_link_state(LinkState::DOWN, irql); //~ E0277
}
//# write the event log in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    adapter.write_error_log(0, &[], irql); //~ E0277
}
//# ask for a reset in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    adapter.request_reset(irql); //~ E0277
}
//# complete sends in an ISR
pub fn f(chain: SendChain, irql: &mut Irql<Dirql>) {
    chain.complete(irql); //~ E0277
}
//# indicate received frames in an ISR
pub fn f(chain: ReceiveChain, adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    chain.indicate(adapter, 0, irql); //~ E0277
}
//# allocate a pool in an ISR
pub fn f(adapter: &AdapterHandle, irql: &mut Irql<Dirql>) {
    let _ = NblPool::allocate(adapter, 0, irql); //~ E0277
}
//# take a spin lock in an ISR
pub fn f(lock: &SpinLock<u8>, irql: &mut Irql<Dirql>) {
    let _ = *lock.lock(irql); //~ E0277
}
//# take a spin lock while synchronised with the ISR
pub fn f(interrupt: &Interrupt<H>, lock: &SpinLock<u8>, irql: &mut Irql<Dispatch>) {
    let _ = interrupt.synchronize(0, irql, |irql| {
        let _ = *lock.lock(irql); //~ E0277
        let _: &mut Irql<Dirql> = irql;
    });
}
//# synchronise with an ISR from an ISR
pub fn f(interrupt: InterruptRef<'_>, irql: &mut Irql<Dirql>) {
    let _ = interrupt.synchronize(0, irql, |_| ()); //~ E0277
}
//# map a frame where the level is not known
pub fn f(dma: &ScatterGatherDma<H>, nb: TxNetBuffer, irql: &mut Irql<AtMostDispatch>) {
    let _ = dma.map(nb, irql); //~ E0308
}
//# unmap a frame at PASSIVE_LEVEL
pub fn f(mapped: MappedNetBuffer, irql: &mut Irql<Passive>) {
    let _ = mapped.unmap(irql); //~ E0308
}
//# set a timer in an ISR
pub fn f(timer: &Timer<H>, irql: &mut Irql<Dirql>) {
    timer.set(1, 0, irql); //~ E0277
}
//# cancel a timer in a DPC
pub fn f(timer: &Timer<H>, irql: &mut Irql<Dispatch>) {
    timer.cancel(irql); //~ E0308
}
//# queue a work item in an ISR
pub fn f(work: &WorkItem<H>, irql: &mut Irql<Dirql>) {
    work.queue(irql); //~ E0277
}
//# sleep while a spin lock is held
pub fn f(lock: &SpinLock<u8>, irql: &mut Irql<Passive>) {
    let guard = lock.lock(irql);
    ndis::time::sleep_us(1, irql); //~ E0502
    drop(guard);
}
//# sleep with the token of a spin lock
pub fn f(lock: &SpinLock<u8>, irql: &mut Irql<Passive>) {
    let guard = lock.lock(irql);
    ndis::time::sleep_us(1, guard.irql()); //~ E0308
    drop(guard);
}
//# use the lower token while raised
pub fn f(irql: &mut Irql<Passive>) {
    let below = &*irql;
    let body = |_: &mut Irql<Dispatch>| ndis::time::sleep_us(1, below);
    irql.at_dispatch(body); //~ E0502
}
//# raise to DISPATCH_LEVEL from an ISR
pub fn f(irql: &mut Irql<Dirql>) {
    irql.at_dispatch(|_| ()); //~ E0277
}
//# keep a token beyond its raise
pub fn f(irql: &mut Irql<Passive>) {
    let mut kept: Option<&mut Irql<Dispatch>> = None;
    irql.at_dispatch(|irql| {
        kept = Some(irql); //~ E0521
    });
    drop(kept);
}
//# make a token by function
pub fn f() {
    // SAFETY: never compiled.
    let _ = unsafe { Irql::<Passive>::assume() }; //~ E0624
}
//# make a token by its member
pub fn f() {
    let _: Irql<Passive> = Irql { level: core::marker::PhantomData }; //~ E0451
}
//# a level of one's own
pub struct Mine;
impl Level for Mine { const IS_DISPATCH: bool = true; } //~ E0277
//# a ceiling of one's own
impl AtMost<Passive> for Dirql {} //~ E0117
//# send a token to another processor
pub fn f(irql: &mut Irql<Passive>) {
    needs_send(irql); //~ E0277
}
//# share a token with another processor
pub fn f() {
    needs_sync::<Irql<Dispatch>>(); //~ E0277
}
//# keep a token
pub fn f(irql: &Irql<Passive>) {
    let _: &'static Irql<Passive> = irql; //~
}
//# copy a token
pub fn f(irql: &Irql<Passive>) {
    drop(*irql); //~ E0507
}
//# send a lock's guard to another processor
pub fn f(lock: &SpinLock<u8>, irql: &mut Irql<Passive>) {
    let guard = lock.lock(irql);
    needs_send(guard); //~ E0277
}
