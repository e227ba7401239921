// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report, filled from what was counted. Any IRQL.

use crate::{
    machine::{iommu, lock::IrqSpin},
    ndis::{adapter::Adapter, counters, driver, interrupt::counts},
    verify,
};
use alloc::{borrow::ToOwned, string::String, sync::Arc, vec::Vec};
use vmhost_proto::{Driver, HostConfig, Interrupt, Iommu, Report};

/// What only the scenario knows.
struct Known {
    report: Report,
    adapter: Option<Arc<Adapter>>,
}

static KNOWN: IrqSpin<Option<Known>> = IrqSpin::new(None);

/// Starts the report.
pub fn begin(config: &HostConfig) {
    let report = Report {
        seed: config.seed,
        driver: Driver {
            image: config.install.image.clone(),
            ..Driver::default()
        },
        ..Report::default()
    };
    *KNOWN.lock() = Some(Known {
        report,
        adapter: None,
    });
}

/// Changes the report.
pub fn update(change: impl FnOnce(&mut Report)) {
    if let Some(known) = &mut *KNOWN.lock() {
        change(&mut known.report);
    }
}

/// Whose counters are reported.
pub fn set_adapter(adapter: &Arc<Adapter>) {
    let adapter = adapter.clone();
    if let Some(known) = &mut *KNOWN.lock() {
        known.adapter = Some(adapter);
    }
}

/// The registered version is kept, because unload forgets it.
pub fn note_version() {
    let version = driver::version_text();
    update(|report| report.driver.ndis_version = version);
}

/// The finished report. `reason` says what failed; empty when nothing did.
pub fn make(reason: &str) -> Report {
    let (mut report, adapter) = match KNOWN.lock().as_ref() {
        Some(known) => (known.report.clone(), known.adapter.clone()),
        None => (Report::default(), None),
    };
    if let Some(adapter) = adapter {
        report.link = adapter.link.lock().report();
        report.traffic.rx_frames = adapter.receives.frames();
        report.traffic.tx_frames = adapter.sends.frames().0;
        let record = core::mem::take(&mut report.interrupt.record);
        report.interrupt = interrupt(&adapter);
        report.interrupt.record = record;
    }
    report.mmio = counters::mmio();
    if iommu::on() {
        iommu::service();
        let (faults, mapped_peak) = iommu::counts();
        report.iommu = Iommu {
            on: true,
            faults,
            mapped_peak: mapped_peak as u64,
        };
    }
    report.verifier = verify::summary();
    report.reason = why(reason, &report);
    report.result = if report.reason.is_empty() {
        "ok"
    } else {
        "failed"
    }
    .to_owned();
    report
}

fn interrupt(adapter: &Adapter) -> Interrupt {
    let live = adapter.interrupts.lock().first().cloned();
    let vectors = counters::vectors(live.as_ref());
    let (reason, dead) = counts::why();
    let grant = adapter.grant.lock();
    match grant.as_ref().filter(|_| !vectors.is_empty()) {
        None => Interrupt::default(),
        Some(grant) => Interrupt {
            granted: grant.name().to_owned(),
            messages: if grant.name() == "line" {
                0
            } else {
                grant.messages.len() as u32
            },
            vectors,
            reason,
            dead,
            record: Vec::new(),
        },
    }
}

/// The first thing that is wrong.
fn why(reason: &str, report: &Report) -> String {
    if !reason.is_empty() {
        return reason.to_owned();
    }
    let violations = &report.verifier.violations;
    if let Some(first) = violations.first() {
        return alloc::format!(
            "{} contract violation(s), first {} in {}: {}",
            violations.len(),
            first.rule,
            first.at,
            first.what
        );
    }
    if report.ledger.at_halt != 0 || report.ledger.at_unload != 0 {
        return alloc::format!(
            "objects left: {} at halt, {} at unload",
            report.ledger.at_halt,
            report.ledger.at_unload
        );
    }
    String::new()
}
