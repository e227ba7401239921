// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides whether a run held. The host's word alone does not do: its counts must be what was
//! asked for, and the server must have seen the transfers too.

use super::server::{Direction, Transfer};
use vmhost_proto::{Irq, Report};

/// What the run was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Interrupt kind of `--irq`.
    pub irq: Irq,
    /// Cap of `--messages`.
    pub messages: Option<u32>,
    /// Whether the scenario has a driver: without one there is no interrupt, DMA or traffic to judge.
    pub driver: bool,
    /// Whether it is this project's driver, whose promises are then checked too.
    pub ours: bool,
    /// Whether the machine was given an IOMMU.
    pub iommu: bool,
    /// Whether the scenario moves traffic with the server; the rest counts only then.
    pub traffic: bool,
    /// Echo requests.
    pub pings: u32,
    /// The protocol leaves checksums to the miniport; `None`: that depends on keywords.
    pub offloads: Option<bool>,
    /// Bytes each way.
    pub bytes: u64,
}

/// Writes `result` and `reason` of the report.
pub fn judge(report: &mut Report, wanted: Wanted, transfers: &[Transfer]) {
    let reason = failure(report, wanted, transfers);
    report.result = if reason.is_some() { "failed" } else { "ok" }.to_owned();
    report.reason = reason.unwrap_or_default();
}

/// The first thing that did not hold, worst first, in one line.
fn failure(report: &Report, wanted: Wanted, transfers: &[Transfer]) -> Option<String> {
    let violations = &report.verifier.violations;
    if let Some(first) = violations.first() {
        let more = match violations.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return Some(format!(
            "violation of {} in {}: {}{more}",
            first.rule, first.at, first.what
        ));
    }
    let ledger = &report.ledger;
    if ledger.at_halt > 0 {
        return Some(format!(
            "leak (H-04): {} objects of the adapter alive when MiniportHaltEx had returned",
            ledger.at_halt
        ));
    }
    if ledger.at_unload > 0 {
        return Some(format!(
            "leak (V-04): {} objects alive when MiniportDriverUnload had returned",
            ledger.at_unload
        ));
    }
    if report.result != "ok" {
        let why = if report.reason.is_empty() {
            "no reason given"
        } else {
            &report.reason
        };
        return Some(why.to_owned());
    }
    if !wanted.driver {
        let nothing = report.verifier.checks == 0;
        return nothing.then(|| "the host checked nothing".to_owned());
    }
    let granted = report.interrupt.granted.as_str();
    let asked = match wanted.irq {
        Irq::Auto => granted,
        Irq::Msix => "msix",
        Irq::Msi => "msi",
        Irq::Line => "line",
    };
    if granted != asked {
        let got = if granted.is_empty() {
            "no interrupt"
        } else {
            granted
        };
        return Some(format!("--irq {asked} was asked for and {got} was granted"));
    }
    let iommu = &report.iommu;
    if iommu.on != wanted.iommu || iommu.faults > 0 {
        return Some(format!(
            "IOMMU {}, {} faults: it was to be {}",
            if iommu.on { "on" } else { "off" },
            iommu.faults,
            if wanted.iommu { "on" } else { "off" }
        ));
    }
    if wanted.traffic
        && let Some(why) = traffic_failure(report, wanted, transfers)
    {
        return Some(why);
    }
    if wanted.ours {
        return promise_failure(report, wanted);
    }
    None
}

/// What ndis_e1000e.sys promises: its use of the messages and its register accesses.
fn promise_failure(report: &Report, wanted: Wanted) -> Option<String> {
    let interrupt = &report.interrupt;
    let messages = match (wanted.irq, wanted.messages) {
        (Irq::Msix, None) => Some(5),
        (Irq::Msi, _) => Some(1),
        (Irq::Line, _) => Some(0),
        _ => None,
    };
    if let Some(messages) = messages
        && messages != interrupt.messages
    {
        return Some(format!(
            "{}: {} messages instead of {messages}",
            interrupt.granted, interrupt.messages
        ));
    }
    if interrupt.granted != "msix" || interrupt.messages < 3 {
        return None;
    }
    // Roles are the driver's own words, or else what the host saw: "rx", "tx", "rx+tx", "status".
    let is_queue = |role: &str| role.contains("rx") || role.contains("tx");
    for vector in interrupt
        .vectors
        .iter()
        .filter(|vector| is_queue(&vector.role))
    {
        if vector.isr_reads + vector.isr_writes > 0 {
            return Some(format!(
                "message {} ({}): its ISR made {} register reads and {} writes; none is promised",
                vector.message, vector.role, vector.isr_reads, vector.isr_writes
            ));
        }
    }
    if !wanted.traffic {
        return None;
    }
    let roles: [&[&str]; 3] = [&["rx"], &["tx"], &["other", "status"]];
    roles.into_iter().find_map(|names| {
        let mut vectors = interrupt.vectors.iter().filter(|vector| vector.isr > 0);
        let used = vectors.any(|vector| names.iter().any(|name| vector.role.contains(name)));
        (!used).then(|| format!("no interrupt came on a message for {}", names[0]))
    })
}

fn traffic_failure(report: &Report, wanted: Wanted, transfers: &[Transfer]) -> Option<String> {
    let traffic = &report.traffic;
    if !report.link.up {
        return Some("link: never indicated as connected".to_owned());
    }
    if traffic.dhcp_address.is_empty() {
        return Some("DHCP: no lease".to_owned());
    }
    let left = (traffic.checksums_sent > 0, traffic.checksums_received > 0);
    if wanted.offloads.is_some_and(|on| left != (on, on)) {
        return Some(format!(
            "checksums of {} frames sent and {} received were left to the miniport",
            traffic.checksums_sent, traffic.checksums_received
        ));
    }
    if (traffic.ping_sent, traffic.ping_received) != (wanted.pings, wanted.pings) {
        return Some(format!(
            "ping: {} of {} echo requests sent, {} answered",
            traffic.ping_sent, wanted.pings, traffic.ping_received
        ));
    }
    for (direction, name, moved) in [
        (Direction::Down, "down", traffic.tcp_bytes_down),
        (Direction::Up, "up", traffic.tcp_bytes_up),
    ] {
        if moved != wanted.bytes {
            return Some(format!("TCP {name}: {moved} of {} bytes", wanted.bytes));
        }
        let seen = transfers.iter().any(|seen| {
            seen.direction == direction && seen.bytes == wanted.bytes && seen.is_good()
        });
        if !seen {
            return Some(format!(
                "TCP {name}: the server saw no whole and intact transfer"
            ));
        }
    }
    if !traffic.sha256_ok {
        return Some("TCP: the SHA-256 digests of guest and server differ".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmhost_proto::{Vector, Violation};

    const WANTED: Wanted = Wanted {
        irq: Irq::Msix,
        messages: None,
        driver: true,
        ours: true,
        iommu: true,
        traffic: true,
        offloads: Some(true),
        pings: 4,
        bytes: 100,
    };

    fn good() -> Report {
        let mut report = Report {
            result: "ok".to_owned(),
            ..Report::default()
        };
        report.iommu.on = true;
        report.interrupt.granted = "msix".to_owned();
        report.interrupt.messages = 5;
        report.interrupt.vectors = ["rx0", "rx1", "tx0", "tx1", "other"]
            .map(|role| Vector {
                role: role.to_owned(),
                isr: 7,
                ..Vector::default()
            })
            .to_vec();
        report.link.up = true;
        report.traffic.dhcp_address = "10.0.2.15".to_owned();
        report.traffic.ping_sent = 4;
        report.traffic.ping_received = 4;
        report.traffic.tcp_bytes_down = 100;
        report.traffic.tcp_bytes_up = 100;
        report.traffic.sha256_ok = true;
        report.traffic.checksums_sent = 3;
        report.traffic.checksums_received = 3;
        report
    }

    fn seen() -> [Transfer; 2] {
        [Direction::Down, Direction::Up].map(|direction| Transfer {
            direction,
            bytes: 100,
            done: 100,
            digest: "d".repeat(64),
            client_digest: None,
        })
    }

    #[test]
    fn all_held() {
        let mut report = good();
        judge(&mut report, WANTED, &seen());
        assert_eq!((report.result.as_str(), report.reason.as_str()), ("ok", ""));
    }

    #[test]
    fn each_thing_that_does_not_hold_fails_the_run() {
        let violation = Violation {
            rule: "X-26".to_owned(),
            what: "IRQL 5 at return, 3 at entry".to_owned(),
            at: "MiniportInterrupt".to_owned(),
        };
        type Break<'a> = &'a dyn Fn(&mut Report);
        let cases: [(Break<'_>, &str); 16] = [
            (
                &|r| r.traffic.checksums_received = 0,
                "checksums of 3 frames sent and 0 received",
            ),
            (
                &|r| r.verifier.violations = vec![violation.clone(); 3],
                "X-26 in MiniportInterrupt: IRQL 5 at return, 3 at entry (and 2 more)",
            ),
            (&|r| r.ledger.at_halt = 2, "H-04"),
            (&|r| r.ledger.at_unload = 1, "V-04"),
            (&|r| r.result = "failed".to_owned(), "no reason"),
            (
                &|r| r.interrupt.granted = "line".to_owned(),
                "line was granted",
            ),
            (&|r| r.interrupt.granted.clear(), "no interrupt"),
            (&|r| r.link.up = false, "link"),
            (&|r| r.traffic.dhcp_address.clear(), "DHCP"),
            (&|r| r.traffic.ping_received = 3, "3 answered"),
            (&|r| r.traffic.tcp_bytes_down = 99, "TCP down: 99 of 100"),
            (&|r| r.traffic.tcp_bytes_up = 0, "TCP up: 0 of 100"),
            (&|r| r.traffic.sha256_ok = false, "SHA-256"),
            (&|r| r.interrupt.messages = 3, "3 messages instead of 5"),
            (&|r| r.interrupt.vectors[3].isr_writes = 1, "(tx1)"),
            (&|r| r.interrupt.vectors[4].isr = 0, "for other"),
        ];
        for (break_it, want) in cases {
            let mut report = good();
            break_it(&mut report);
            judge(&mut report, WANTED, &seen());
            assert_eq!(report.result, "failed", "{want}");
            assert!(report.reason.contains(want), "{}", report.reason);
        }
    }

    #[test]
    fn the_server_must_have_seen_it_too() {
        for broken in 0..2 {
            let mut report = good();
            let mut transfers = seen();
            transfers[broken].client_digest = Some("other".to_owned());
            judge(&mut report, WANTED, &transfers);
            assert!(
                report.reason.contains("the server saw no"),
                "{}",
                report.reason
            );
        }
        let mut report = good();
        judge(&mut report, WANTED, &[]);
        assert_eq!(report.result, "failed");
    }

    #[test]
    fn other_scenarios_need_no_traffic() {
        let mut report = Report {
            result: "ok".to_owned(),
            ..Report::default()
        };
        let wanted = Wanted {
            irq: Irq::Auto,
            ours: false,
            iommu: false,
            traffic: false,
            ..WANTED
        };
        judge(&mut report, wanted, &[]);
        assert_eq!(report.result, "ok");
    }

    #[test]
    fn without_a_driver_the_checks_count() {
        let wanted = Wanted {
            driver: false,
            ..WANTED
        };
        let mut report = Report {
            result: "ok".to_owned(),
            ..Report::default()
        };
        judge(&mut report, wanted, &[]);
        assert_eq!(report.result, "failed");
        report = Report {
            result: "ok".to_owned(),
            ..Report::default()
        };
        report.verifier.checks = 134;
        judge(&mut report, wanted, &[]);
        assert_eq!(report.result, "ok");
        report.result = "failed".to_owned();
        report.reason = "2 checks of the host itself failed".to_owned();
        judge(&mut report, wanted, &[]);
        assert!(report.reason.starts_with("2 checks"));
    }

    #[test]
    fn an_iommu_that_is_missing_or_refused_something_fails() {
        for change in [
            |report: &mut Report| report.iommu.on = false,
            |report: &mut Report| report.iommu.faults = 1,
        ] {
            let mut report = good();
            change(&mut report);
            judge(&mut report, WANTED, &seen());
            assert!(report.reason.contains("IOMMU"), "{}", report.reason);
        }
    }
}
