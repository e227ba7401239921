// SPDX-License-Identifier: MIT OR Apache-2.0
//! The register budget: reads and writes per interrupt, on every variant of the chip.

use super::super::map::{Grant, Roles};
use super::super::vectors::{End, Outcome};
use super::Rig;
use crate::hw::bits::IntCause;
use crate::hw::fake::VARIANTS;

fn cost(grant: Grant, interval: u16, masked: bool, cause: IntCause) -> [(usize, usize); 3] {
    VARIANTS.map(|variant| {
        let rig = Rig::new(variant, grant, interval, masked);
        let mut total = (0, 0);
        for _ in 0..10 {
            rig.chip.event(cause);
            rig.one_interrupt();
            assert!(rig.chip.take_message().is_none() && !rig.chip.line());
            let (r, w) = rig.chip.take_counts();
            total = (total.0 + r, total.1 + w);
        }
        assert_eq!((total.0 % 10, total.1 % 10), (0, 0), "the same every time");
        (total.0 / 10, total.1 / 10)
    })
}

#[test]
fn msix_queue_always_armed_costs_nothing() {
    for messages in [2, 3, 4, 5] {
        for cause in [
            IntCause::RXQ0,
            IntCause::RXQ1,
            IntCause::TXQ0,
            IntCause::TXQ1,
        ] {
            assert_eq!(
                cost(Grant::MsiX { messages }, 200, false, cause),
                [(0, 0); 3]
            );
        }
    }
}

#[test]
fn msix_queue_auto_mask_costs_one_write() {
    for messages in [2, 3, 4, 5] {
        for cause in [
            IntCause::RXQ0,
            IntCause::RXQ1,
            IntCause::TXQ0,
            IntCause::TXQ1,
        ] {
            assert_eq!(cost(Grant::MsiX { messages }, 0, false, cause), [(0, 1); 3]);
        }
    }
}

#[test]
fn msix_other_reads_once() {
    let other = |interval| cost(Grant::MsiX { messages: 5 }, interval, false, IntCause::LSC);
    assert_eq!(other(200), [(1, 0); 3]);
    // Write-back for QEMU 7.2, and the IMS write.
    assert_eq!(other(0), [(1, 2); 3]);
}

#[test]
fn msix_single_message() {
    let one = |interval, c| cost(Grant::MsiX { messages: 1 }, interval, false, c);
    assert_eq!(one(200, IntCause::RXQ0), [(1, 0); 3]);
    assert_eq!(one(0, IntCause::RXQ0), [(1, 1); 3]);
}

#[test]
fn msi_costs_one_read() {
    for interval in [0, 200] {
        assert_eq!(
            cost(Grant::Msi, interval, false, IntCause::RXT0),
            [(1, 0); 3]
        );
    }
}

#[test]
fn line() {
    let not_shared = Grant::Line { shared: false };
    let shared = Grant::Line { shared: true };
    assert_eq!(cost(not_shared, 200, false, IntCause::RXT0), [(1, 0); 3]);
    assert_eq!(cost(not_shared, 0, false, IntCause::RXT0), [(1, 1); 3]);
    assert_eq!(cost(shared, 200, false, IntCause::RXT0), [(1, 0); 3]);
    assert_eq!(cost(shared, 200, true, IntCause::RXT0), [(1, 2); 3]);
}

#[test]
fn not_ours_costs_one_read_or_the_erratum_sequence() {
    for variant in VARIANTS {
        for (masked, want) in [(false, (1, 0)), (true, (1, 2))] {
            let rig = Rig::new(variant, Grant::Line { shared: true }, 200, masked);
            // A doorbell's TXQE stands in ICR and is no reason to claim (82574L §4.1).
            rig.chip.event(IntCause::TXQE);
            let isr = rig.irq.isr_line(&rig.chip);
            assert!(!isr.claimed && !isr.queue_dpc);
            assert_eq!(rig.chip.take_counts(), want);
            assert_eq!(rig.chip.icr_ims().1, rig.setup.enabled(), "still armed");
        }
    }
}

#[test]
fn throttle_masks_once_and_rearms_once() {
    for rig in Rig::all() {
        let cause = if rig.setup.map.kind() == super::super::Kind::MsiX {
            IntCause::RXQ0
        } else {
            IntCause::RXT0
        };
        rig.chip.event(cause);
        let message = if rig.is_line() {
            assert!(rig.irq.isr_line(&rig.chip).queue_dpc);
            0
        } else {
            let message = rig.chip.take_message().unwrap();
            assert!(rig.irq.isr_message(message).queue_dpc);
            message
        };
        let ims = rig.setup.ims[message as usize];
        let work = rig.begin(message);
        assert!(work.roles().contains(Roles::RX0));
        rig.chip.take_log();
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Throttled),
            End::Throttled
        );
        assert_eq!(rig.chip.take_counts(), (0, 1));
        assert!(!rig.chip.icr_ims().1.intersects(ims));
        // more comes in, nothing fires; the second limit in a row writes nothing.
        rig.chip.event(cause);
        assert!(rig.chip.take_message().is_none() && !rig.chip.line());
        let work = rig.begin(message);
        rig.chip.take_log();
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Throttled),
            End::Throttled
        );
        assert_eq!(rig.chip.take_counts(), (0, 0));
        rig.chip.event(cause);
        let work = rig.begin(message);
        rig.chip.take_log();
        let _ = rig.irq.dpc_end(&rig.chip, work, Outcome::Done);
        assert_eq!(rig.chip.take_counts(), (0, 1));
        // The begin of the last pass read ICR where the set-up does; elsewhere the cause fires at once.
        rig.chip.event(cause);
        assert!(rig.chip.take_message().is_some() || rig.chip.line());
    }
}

#[test]
fn requeue_touches_nothing() {
    for rig in Rig::all().into_iter().filter(|r| !r.is_line()) {
        let work = rig.begin(0);
        rig.chip.take_log();
        assert_eq!(
            rig.irq.dpc_end(&rig.chip, work, Outcome::Requeue),
            End::Requeue
        );
        assert_eq!(rig.chip.take_counts(), (0, 0));
    }
}

#[test]
fn a_vector_shares_no_line_of_the_cache() {
    assert_eq!(align_of::<super::super::Interrupts>(), 64);
    assert_eq!(
        size_of::<super::super::Interrupts>(),
        2 * 64 * super::super::VECTORS
    );
}

#[test]
fn a_recall_reads_no_causes() {
    for grant in [Grant::Msi, Grant::MsiX { messages: 1 }] {
        for variant in VARIANTS {
            let rig = Rig::new(variant, grant, 200, false);
            assert!(rig.irq.isr_message(0).queue_dpc);
            for (recall, expected) in [(0, (1, 1)), (1, (0, 0)), (2, (0, 0))] {
                let work = rig.begin(0);
                let end = rig.irq.dpc_end(&rig.chip, work, Outcome::Throttled);
                assert_eq!(end, End::Throttled);
                assert_eq!(rig.chip.take_counts(), expected, "recall {recall}");
            }
        }
    }
}
