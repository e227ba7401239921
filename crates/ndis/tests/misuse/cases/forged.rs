// SPDX-License-Identifier: MIT OR Apache-2.0
//! What safe code might try to get round the types: forged, swapped, cloned, kept and borrowed values.

//# an AdapterHandle of one's own
pub fn f() {
    let _ = AdapterHandle(core::ptr::null_mut()); //~ E0423
}

//# a throttle of one's own
pub fn f() {
    let _ = Throttle::new(None); //~ E0624
}

//# an outcome of one's own
pub fn f() {
    let _ = Outcome::new(Status::SUCCESS); //~ E0624
}

//# a chain of NBLs of one's own
pub fn f(adapter: AdapterHandle) {
    // SAFETY: never compiled.
    let _ = unsafe { SendChain::from_ndis(core::ptr::null_mut(), adapter) }; //~ E0624
}

//# a received chain of one's own
pub fn f() {
    // SAFETY: never compiled.
    let _ = unsafe { ReceiveChain::from_ndis(core::ptr::null_mut()) }; //~ E0624
}

//# a token out of nothing
pub fn f() {
    let _ = Irql::<Passive>::default(); //~ E0599
}

//# take a token away
pub fn f(irql: &mut Irql<Passive>) {
    let _ = core::mem::take(irql); //~ E0277
}

//# a lower token from a higher one
pub fn f(irql: &mut Irql<Dispatch>) {
    let _: Irql<Passive> = irql.into(); //~ E0277
}

//# exchange tokens of different levels
pub fn f(low: &mut Irql<Passive>, high: &mut Irql<Dispatch>) {
    core::mem::swap(low, high); //~ E0308
}

//# a token in a static
pub struct Kept(SpinLock<Option<Irql<Passive>>>);
pub fn f() {
    needs_sync::<Kept>(); //~ E0277
}

//# swap the bodies of two OIDs
pub fn f(one: &mut PendingOid, two: &mut PendingOid) {
    core::mem::swap(&mut **one, &mut **two); //~ E0596
}

//# swap an OID with a pending one
pub fn f(one: &mut OidRequest<'_>, two: &mut PendingOid) {
    core::mem::swap(&mut **one, &mut **two); //~ E0596
}

//# keep an outcome for a later call
pub fn f() {
    needs_sync::<SpinLock<Option<Outcome>>>(); //~ E0277
}

//# send an outcome to another thread
pub fn f(request: RestartRequest<'_>) {
    needs_send(request.done()); //~ E0277
}

//# keep a pause request for later
pub fn f() {
    needs_sync::<SpinLock<Option<PauseRequest>>>(); //~ E0277
}

//# keep the outcome of a reset for later
pub fn f() {
    needs_sync::<SpinLock<Option<ResetOutcome>>>(); //~ E0277
}

//# send an OID request to another thread
pub fn f(request: OidRequest<'_>) {
    needs_send(request); //~ E0277
}

//# share a pending OID
pub fn f() {
    needs_sync::<PendingOid>(); //~ E0277
}

//# share the guard of a claim
pub fn f() {
    needs_sync::<Claimed<'static, Cell<u8>>>(); //~ E0277
}

//# share a claim of what may not be sent
pub fn f() {
    needs_sync::<Claim<*mut u8>>(); //~ E0277
}

//# share a lock of what may not be sent
pub fn f() {
    needs_sync::<SpinLock<*mut u8>>(); //~ E0277
}

//# share a chain
pub fn f() {
    needs_sync::<SendChain>(); //~ E0277
}

//# send a reply buffer to another thread
pub fn f(reply: Reply<'_>) {
    needs_send(reply); //~ E0277
}

//# send the initialisation to another thread
pub fn f(init: Init<'_>) {
    needs_send(init); //~ E0277
}

//# send an open configuration to another thread
pub fn f(config: Configuration<'_>) {
    needs_send(config); //~ E0277
}

//# clone a chain of sends
pub fn f(chain: &SendChain) {
    let _: SendChain = chain.clone(); //~ E0308
}

//# clone a received frame
pub fn f(nbl: &ReceiveNbl) {
    let _: ReceiveNbl = nbl.clone(); //~ E0308
}

//# clone a net buffer
pub fn f(nb: &TxNetBuffer) {
    let _: TxNetBuffer = nb.clone(); //~ E0308
}

//# clone a registration
pub fn f(interrupt: &Interrupt<H>) {
    let _: Interrupt<H> = interrupt.clone(); //~ E0308
}

//# clone a pending OID
pub fn f(oid: &PendingOid) {
    let _: PendingOid = oid.clone(); //~ E0308
}

//# finish a net buffer that is mapped
pub fn f(mapped: &MappedNetBuffer) {
    let _ = mapped.net_buffer().finish(Status::SUCCESS); //~ E0507
}

//# keep the pieces of a frame beyond unmapping
pub fn f(mapped: MappedNetBuffer, irql: &Irql<Dispatch>) {
    let mut pieces = mapped.data();
    let _ = mapped.unmap(irql); //~ E0505
    let _ = pieces.next();
}

//# keep a handler beyond its interrupt
pub fn f(interrupt: Interrupt<H>, irql: &Irql<Passive>) {
    let handler: &H = &interrupt;
    interrupt.deregister(irql); //~ E0505
    handler.disable(todo!());
}

//# keep a message table for ever
pub fn f(table: MessageInfoTable<'_>) {
    let _: MessageInfoTable<'static> = table; //~
}

//# keep the table of an interrupt that is dropped
pub fn f(interrupt: Interrupt<H>) {
    let grant = interrupt.grant();
    drop(interrupt); //~ E0505
    drop(grant);
}

//# keep a timer beyond its callback
pub fn f(timer: TimerRef<'_>) {
    let _: TimerRef<'static> = timer; //~
}

//# set a timer that is dropped
pub fn f(timer: Timer<H>, irql: &Irql<Passive>) {
    let inside = timer.timer();
    drop(timer); //~ E0505
    let _ = inside.set(1, 0, irql);
}

//# queue a work item that is dropped
pub fn f(work: WorkItem<H>, irql: &Irql<Passive>) {
    drop(work);
    work.queue(irql); //~ E0382
}

//# keep a poll's data beyond the poll
pub fn f(data: PollData<'_>) {
    let _: PollData<'static> = data; //~
}

//# give a chain to two polls
pub fn f(data: &mut PollData<'_>, chain: ReceiveChain) {
    data.indicate(chain, false);
    data.indicate(chain, false); //~ E0382
}

//# keep resources beyond initialisation
pub fn f(init: Init<'_>) {
    let _: ResourceList<'static> = init.resources(); //~
}

//# keep a configuration beyond its call
pub fn f(config: Configuration<'_>) {
    let _: Configuration<'static> = config; //~
}

//# keep a keyword's text for ever
pub fn f(config: &Configuration<'_>) {
    let _: Option<&'static [u16]> = config.string("x"); //~
}

//# registration attributes twice, by way of the registered adapter
pub fn f(registered: &Registered<'_>, irql: &Irql<Passive>) {
    let _ = registered.register(&RegistrationAttributes::PCI, irql); //~ E0507
}

//# map registers without an initialisation
pub fn f(adapter: &AdapterHandle, irql: &Irql<Passive>) {
    let _ = IoSpace::map(adapter, 0, 4, irql); //~ E0308
}

//# two replies to one query
pub fn f(request: &mut OidRequest<'_>) {
    let one = request.query();
    let two = request.query(); //~ E0499
    let _ = one.is_some();
}

//# a reply of one's own
pub fn f<'a>(written: &'a mut u32, needed: &'a mut u32) {
    let _ = Reply { buffer: core::ptr::null_mut(), length: 9, written, needed }; //~ E0451
}

//# keep an argument beyond the next read
pub fn f(argument: &mut Argument<'_>) {
    let bytes = argument.bytes();
    let _ = argument.value::<u32>(); //~ E0499
    let _ = bytes.len();
}

//# answer with a pointer
pub fn f(reply: &mut Reply<'_>) {
    let _ = reply.value(&"text"); //~ E0277
}

//# read a bool from shared memory
pub fn f(memory: &SharedMemory) {
    let _ = memory.read::<bool>(0); //~ E0277
}

//# call a reference plain
#[derive(Clone, Copy)]
pub struct P(&'static u8);
impl Plain for P {} //~ E0200

//# a timer that borrows the stack
pub struct B<'a>(&'a u8);
impl<'a> TimerHandler for B<'a> { fn fire(&self, _: TimerRef<'_>, _: &mut Irql<Dispatch>) {} } //~ E0478 E0803

//# a work item that borrows the stack
pub struct B<'a>(&'a u8);
impl<'a> WorkHandler for B<'a> { fn run(&self, _: &mut Irql<Passive>) {} } //~ E0478 E0803

//# a mapping that borrows the stack
pub struct B<'a>(&'a u8);
impl<'a> SgListHandler for B<'a> { fn process(&self, _: MappedNetBuffer, _: &mut Irql<Dispatch>) {} } //~ E0478 E0803

//# an interrupt whose handlers borrow a local
pub fn f<'a>(local: &'a u8) {
    pub struct B<'b>(&'b u8);
    needs_send::<Option<Interrupt<B<'a>>>>(None); //~ E0277
    let _ = B(local);
}

//# a timer with state that other processors may not share
pub struct C(Cell<u8>);
impl TimerHandler for C { fn fire(&self, _: TimerRef<'_>, _: &mut Irql<Dispatch>) {} } //~ E0277

//# split an NBL twice
pub fn f(nbl: SendNbl) {
    let _ = nbl.split();
    let _ = nbl.split(); //~ E0382
}

//# use a frame that is behind another
pub fn f(one: &mut ReceiveNbl, two: ReceiveNbl) {
    one.append(two);
    let _ = two.word(); //~ E0382
}

//# complete a restart twice
pub fn f(restart: PendingRestart, irql: &Irql<Passive>) {
    restart.complete(Status::SUCCESS, irql);
    restart.complete(Status::SUCCESS, irql); //~ E0382
}

//# complete a reset twice
pub fn f(reset: PendingReset, irql: &Irql<Passive>) {
    reset.complete(Status::SUCCESS, false, irql);
    reset.complete(Status::SUCCESS, false, irql); //~ E0382
}
