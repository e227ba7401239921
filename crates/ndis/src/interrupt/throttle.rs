// SPDX-License-Identifier: MIT OR Apache-2.0
//! [`Throttle`]: `NDIS_RECEIVE_THROTTLE_PARAMETERS` with its rules. DISPATCH_LEVEL.

use crate::ffi::{NDIS_INDICATE_ALL_NBLS, NDIS_RECEIVE_THROTTLE_PARAMETERS};

/// How many NBLs this DPC may indicate, and whether more are waiting.
///
/// The trampoline writes `MoreNblsPending` once, after the DPC handler: TRUE only if there is a limit and the handler
/// called [`more_pending`](Self::more_pending) (contract ).
#[derive(Debug)]
pub struct Throttle {
    limit: u32,
    indicated: u32,
    pub(crate) more: bool,
}

impl Throttle {
    /// The throttle of one DPC; `parameters` as NDIS passed them.
    pub(crate) fn new(parameters: Option<&NDIS_RECEIVE_THROTTLE_PARAMETERS>) -> Self {
        Self {
            limit: parameters.map_or(NDIS_INDICATE_ALL_NBLS, |p| p.MaxNblsToIndicate),
            indicated: 0,
            more: false,
        }
    }

    /// Writes the answer.
    pub(crate) fn finish(&self, parameters: &mut NDIS_RECEIVE_THROTTLE_PARAMETERS) {
        parameters.set_MoreNblsPending(u32::from(self.more));
    }

    /// The limit for the sum of all indications of this DPC; `None`: no limit, keep to a budget of your own.
    /// DISPATCH_LEVEL.
    #[must_use]
    pub fn limit(&self) -> Option<u32> {
        (self.limit != NDIS_INDICATE_ALL_NBLS).then_some(self.limit)
    }

    /// How many more NBLs may be indicated; `u32::MAX` without a limit. DISPATCH_LEVEL.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        match self.limit() {
            Some(limit) => limit.saturating_sub(self.indicated),
            None => u32::MAX,
        }
    }

    /// Counts `nbls` as indicated. DISPATCH_LEVEL.
    pub fn indicated(&mut self, nbls: u32) {
        self.indicated = self.indicated.saturating_add(nbls);
    }

    /// Says that more received frames wait and interrupts stay masked; NDIS calls the DPC again. DISPATCH_LEVEL.
    ///
    /// `false` if there is no limit: then NDIS makes no promise to call again, and the driver must let the interrupt
    /// or a queued DPC continue.
    #[must_use = "without a limit the driver itself must continue the work"]
    pub fn more_pending(&mut self) -> bool {
        self.more = self.limit().is_some();
        self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(limit: u32, bits: u32) -> NDIS_RECEIVE_THROTTLE_PARAMETERS {
        NDIS_RECEIVE_THROTTLE_PARAMETERS {
            MaxNblsToIndicate: limit,
            bits,
        }
    }

    #[test]
    fn counts_down_and_reports() {
        let mut raw = parameters(3, u32::MAX);
        let mut throttle = Throttle::new(Some(&raw));
        assert_eq!(throttle.limit(), Some(3));
        throttle.indicated(2);
        assert_eq!(throttle.remaining(), 1);
        throttle.indicated(u32::MAX);
        assert_eq!(throttle.remaining(), 0);
        throttle.finish(&mut raw);
        assert_eq!(raw.MoreNblsPending(), 0, "always written");
        assert!(throttle.more_pending());
        throttle.finish(&mut raw);
        assert_eq!(raw.MoreNblsPending(), 1);
    }

    #[test]
    fn without_a_limit_nothing_is_pending() {
        let mut raw = parameters(NDIS_INDICATE_ALL_NBLS, u32::MAX);
        let mut throttle = Throttle::new(Some(&raw));
        assert_eq!(throttle.remaining(), u32::MAX);
        assert!(!throttle.more_pending());
        throttle.finish(&mut raw);
        assert_eq!(raw.MoreNblsPending(), 0);
        assert_eq!(Throttle::new(None).limit(), None);
    }
}
