// SPDX-License-Identifier: MIT OR Apache-2.0
// Stands before every case: all of the crate, and handlers that do nothing.
use core::cell::Cell;
use ndis::adapter::*;
use ndis::attributes::*;
use ndis::claim::*;
use ndis::config::*;
use ndis::dma::*;
use ndis::event::*;
use ndis::init::*;
use ndis::interrupt::*;
use ndis::io::*;
use ndis::irql::*;
use ndis::mem::*;
use ndis::miniport::*;
use ndis::nbl::*;
use ndis::oid::*;
use ndis::plain::*;
use ndis::pnp::*;
use ndis::poll::*;
use ndis::resources::*;
use ndis::spin::*;
use ndis::status::*;
use ndis::timer::*;
use ndis::work::*;

pub struct H;
impl LineHandlers for H {
    fn isr(&self, _: InterruptRef<'_>, _: &mut Irql<Dirql>) -> IsrResult {
        IsrResult::NOT_MINE
    }
    fn dpc(&self, _: InterruptRef<'_>, _: &mut Throttle, _: &mut Irql<Dispatch>) {}
    fn disable(&self, _: &mut Irql<Dirql>) {}
    fn enable(&self, _: &mut Irql<Dirql>) {}
}
impl TimerHandler for H {
    fn fire(&self, _: TimerRef<'_>, _: &mut Irql<Dispatch>) {}
}
impl WorkHandler for H {
    fn run(&self, _: &mut Irql<Passive>) {}
}
impl SgListHandler for H {
    fn process(&self, _: MappedNetBuffer, _: &mut Irql<Dispatch>) {}
}
impl PollHandler for H {
    fn poll(&self, _: &mut PollData<'_>, _: &mut Irql<AtMostDispatch>) {}
    fn set_notification(&self, _: bool, _: &mut Irql<AtMostDispatch>) {}
}
pub fn needs_send<T: Send>(_: T) {}
pub fn needs_sync<T: Sync>() {}
