// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is used after it was given away, and interrupts that cannot be right.

pub struct Line;
impl LineHandlers for Line {
    fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        IsrResult::NOT_MINE
    }
    fn dpc(&self, _: InterruptRef<'_>, _: &mut Throttle, _: &mut Irql<Dispatch>) {}
    fn disable(&self, _: &mut Irql<Dirql>) {}
    fn enable(&self, _: &mut Irql<Dirql>) {}
}
macro_rules! line_members {
    () => {
        fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
            IsrResult::NOT_MINE
        }
        fn dpc(&self, _: InterruptRef<'_>, _: &mut Throttle, _: &mut Irql<Dispatch>) {}
        fn disable(&self, _: &mut Irql<Dirql>) {}
        fn enable(&self, _: &mut Irql<Dirql>) {}
    };
}
macro_rules! message_members {
    () => {
        fn message_isr(&self, _: u32, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
            IsrResult::claimed()
        }
        fn message_dpc(&self, _: u32, _: InterruptRef<'_>, _: &mut Throttle, _: &mut Irql<Dispatch>) {}
        fn disable_message(&self, _: u32, _: &mut Irql<Dirql>) {}
        fn enable_message(&self, _: u32, _: &mut Irql<Dirql>) {}
    };
}

//# complete an NBL twice
pub fn f(chain: &mut SendChain, nbl: SendNbl) {
    chain.push(nbl);
    chain.push(nbl); //~ E0382
}
//# look at an NBL after completing it
pub fn f(mut chain: SendChain, nbl: SendNbl, irql: &Irql<Dispatch>) {
    chain.push(nbl);
    chain.complete(irql);
    let _ = nbl.status(); //~ E0382
}
//# complete a chain twice
pub fn f(chain: SendChain, irql: &Irql<Dispatch>) {
    chain.complete(irql);
    chain.complete_with(Status::PAUSED, irql); //~ E0382
}
//# finish a net buffer twice
pub fn f(nb: TxNetBuffer) {
    let _ = nb.finish(Status::SUCCESS);
    let _ = nb.finish(Status::FAILURE); //~ E0382
}
//# read a net buffer after finishing it
pub fn f(nb: TxNetBuffer) {
    let _ = nb.finish(Status::SUCCESS);
    let _ = nb.data_length(); //~ E0382
}
//# use an NBL that was split
pub fn f(nbl: SendNbl) {
    let _ = nbl.split();
    let _ = nbl.net_buffers(); //~ E0382
}
//# map a net buffer twice
pub fn f<H: SgListHandler>(dma: &ScatterGatherDma<H>, nb: TxNetBuffer, irql: &Irql<Dispatch>) {
    let _ = dma.map(nb, irql);
    let _ = dma.map(nb, irql); //~ E0382
}
//# read the list after unmapping
pub fn f(mapped: MappedNetBuffer, irql: &Irql<Dispatch>) {
    let _ = mapped.unmap(irql);
    let _ = mapped.elements(); //~ E0382
}
//# keep the list beyond unmapping
pub fn f(mapped: MappedNetBuffer, irql: &Irql<Dispatch>) {
    let elements = mapped.elements();
    let _ = mapped.unmap(irql); //~ E0505
    let _ = elements.len();
}
//# touch received frames after indicating them
pub fn f(chain: ReceiveChain, adapter: &AdapterHandle, irql: &Irql<Dispatch>) {
    chain.indicate(adapter, 0, irql);
    let _ = chain.len(); //~ E0382
}
//# indicate received frames twice
pub fn f(chain: ReceiveChain, adapter: &AdapterHandle, irql: &Irql<Dispatch>) {
    chain.indicate(adapter, 0, irql);
    chain.indicate(adapter, 0, irql); //~ E0382
}
//# complete a pause twice
pub fn f(pause: PendingPause, irql: &Irql<Passive>) {
    pause.complete(irql);
    pause.complete(irql); //~ E0382
}
//# answer a pause with both
pub fn f(request: PauseRequest) -> Outcome {
    let _ = request.pend();
    return request.done(); //~ E0382
    unreachable!()
}
//# complete an OID twice
pub fn f(oid: PendingOid, irql: &Irql<Passive>) {
    oid.complete(Status::SUCCESS, irql);
    oid.complete(Status::SUCCESS, irql); //~ E0382
}
//# read an OID after completing it
pub fn f(oid: PendingOid, irql: &Irql<Passive>) {
    oid.complete(Status::SUCCESS, irql);
    let _ = oid.oid(); //~ E0382
}
//# read an OID after pending it
pub fn f(request: OidRequest<'_>) {
    let (pending, _) = request.pend();
    drop(pending);
    let _ = request.oid(); //~ E0382
}
//# keep an OID's buffer beyond the request
pub fn f(mut request: OidRequest<'_>) {
    let reply = request.query();
    let _ = request.done(Status::SUCCESS); //~ E0505
    let _ = reply.map(|reply| reply.room());
}
//# keep an OID request beyond its call
pub fn f(request: OidRequest<'_>) {
    let _: OidRequest<'static> = request; //~
}
//# use an interrupt after deregistering it
pub fn f(interrupt: Interrupt<Line>, irql: &Irql<Passive>) {
    interrupt.deregister(irql);
    let _ = interrupt.grant(); //~ E0382
}
//# keep the message table beyond deregistration
pub fn f(interrupt: Interrupt<Line>, irql: &Irql<Passive>) {
    let grant = interrupt.grant();
    interrupt.deregister(irql); //~ E0505
    drop(grant);
}
//# keep the interrupt beyond an ISR
pub fn f(interrupt: InterruptRef<'_>) {
    let _: InterruptRef<'static> = interrupt; //~
}
//# messages without message handlers
pub fn f() {
    let _ = MiniportInterruptCharacteristics::<Line>::messages(MessageSync::PerMessage); //~ E0599
}
//# message handlers without line handlers
pub struct OnlyMessages;
impl MessageHandlers for OnlyMessages { message_members!(); } //~ E0277
//# handlers that borrow what may be gone
pub struct Borrows<'a>(&'a u8);
impl<'a> LineHandlers for Borrows<'a> { line_members!(); } //~ E0478 E0803
//# handlers that other processors may not share
pub struct Unshared(Cell<u8>);
impl LineHandlers for Unshared { line_members!(); } //~ E0277
//# characteristics of other handlers
pub struct Other;
impl LineHandlers for Other { line_members!(); }
pub fn f(adapter: &AdapterHandle, irql: &Irql<Passive>) {
    let c = MiniportInterruptCharacteristics::<Other>::line();
    let _ = Interrupt::register(adapter, Line, c, irql); //~ E0308
}
//# an interrupt before the registration attributes
pub fn f(init: Init<'_>) {
    let _ = init.adapter(); //~ E0599
}
//# general attributes before the registration attributes
pub fn f(init: Init<'_>, general: &GeneralAttributes<'_>, irql: &Irql<Passive>) {
    let _ = init.set_general(general, irql); //~ E0599
}
//# registration attributes twice
pub fn f(init: Init<'_>, irql: &Irql<Passive>) {
    let _ = init.register(&RegistrationAttributes::PCI, irql);
    let _ = init.register(&RegistrationAttributes::PCI, irql); //~ E0382
}
//# keep a keyword's text beyond the handle
pub fn f(config: Configuration<'_>) {
    let text = config.string("x");
    drop(config); //~ E0505
    let _ = text.is_some();
}
//# raise the IRQL with an open configuration
pub fn f(init: Init<'_>, irql: &mut Irql<Passive>) {
    let config = init.configuration(irql);
    irql.at_dispatch(|_| ()); //~ E0502
    drop(config);
}
//# share what may not be shared
pub fn f(value: Shared<Cell<u8>>) {
    fn needs_send<T: Send>(_: T) {}
    needs_send(value); //~ E0277
}
