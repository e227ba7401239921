// SPDX-License-Identifier: MIT OR Apache-2.0
//! The report for people: the table of messages, link, traffic, register accesses, verdict.

use std::fmt::Write;
use vmhost_proto::{Report, Vector, VectorRecord};

/// Renders the report; ends with a line break.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_report(&mut text, report);
    text
}

fn write_report(out: &mut String, report: &Report) -> std::fmt::Result {
    let verifier = &report.verifier;
    if verifier.rules == 0 && verifier.checks > 0 {
        // No driver has run.
        writeln!(out, "checks      {} of the host itself", verifier.checks)?;
        return write_verdict(out, report);
    }
    let driver = &report.driver;
    writeln!(
        out,
        "driver      {}: {} bytes at {}, {} imports, NDIS {}",
        driver.image,
        driver.size,
        driver.base,
        driver.imports,
        or_none(&driver.ndis_version)
    )?;
    let interrupt = &report.interrupt;
    match interrupt.granted.as_str() {
        "line" => writeln!(out, "interrupts  line")?,
        kind => {
            let plural = if interrupt.messages == 1 { "" } else { "s" };
            let (kind, count) = (or_none(kind), interrupt.messages);
            writeln!(out, "interrupts  {kind}, {count} message{plural}")?;
        }
    }
    if !interrupt.vectors.is_empty() {
        write_vectors(out, &interrupt.vectors)?;
    }
    if !interrupt.reason.is_empty() {
        writeln!(
            out,
            "map         {}; messages that do not arrive: {:#b}",
            interrupt.reason, interrupt.dead
        )?;
    }
    if !interrupt.record.is_empty() {
        writeln!(out, "record      the driver's own, from its OID, all lives")?;
        write_record(out, &interrupt.record)?;
    }
    let link = &report.link;
    if link.up {
        writeln!(
            out,
            "link        up, {} Mb/s, {} duplex",
            link.speed_mbps, link.duplex
        )?;
    } else {
        writeln!(out, "link        down")?;
    }
    let traffic = &report.traffic;
    if !traffic.dhcp_address.is_empty() || traffic.ping_sent > 0 {
        writeln!(
            out,
            "traffic     DHCP {}; ping {}/{}, median {} us; TCP {} bytes down, {} up, SHA-256 {}",
            or_none(&traffic.dhcp_address),
            traffic.ping_received,
            traffic.ping_sent,
            traffic.ping_rtt_us_median,
            traffic.tcp_bytes_down,
            traffic.tcp_bytes_up,
            if traffic.sha256_ok {
                "equal"
            } else {
                "NOT equal"
            }
        )?;
    }
    if traffic.checksums_sent + traffic.checksums_received > 0 {
        writeln!(
            out,
            "offloads    checksums of {} frames sent and {} received left to the miniport; {} large sends",
            traffic.checksums_sent, traffic.checksums_received, traffic.large_sends
        )?;
    }
    writeln!(
        out,
        "frames      {} received, {} sent",
        traffic.rx_frames, traffic.tx_frames
    )?;
    let mmio = &report.mmio;
    writeln!(
        out,
        "registers   ISR {}r {}w; DPC {}r {}w; send {}w; elsewhere {}r {}w",
        mmio.isr_reads,
        mmio.isr_writes,
        mmio.dpc_reads,
        mmio.dpc_writes,
        mmio.send_writes,
        mmio.other_reads,
        mmio.other_writes
    )?;
    let path = &report.datapath;
    if path.cases != 0 {
        writeln!(
            out,
            "data path   {} of {} cases passed; {} frames sent, {} received, {} refused, each compared",
            path.passed, path.cases, path.frames_sent, path.frames_received, path.refused
        )?;
        for skipped in &path.skipped {
            writeln!(out, "  skipped   {skipped}")?;
        }
    }
    let soak = &report.soak;
    if soak.frames_offered != 0 {
        writeln!(
            out,
            "soak        {} of {} sent arrived; {} of {} offered received, {} counted as dropped; {} pauses, {:.0} frames/s",
            soak.frames_arrived,
            soak.frames_sent,
            soak.frames_received,
            soak.frames_offered,
            soak.frames_dropped,
            soak.pauses,
            (soak.frames_sent + soak.frames_received) as f64 / soak.seconds.max(0.001)
        )?;
        writeln!(
            out,
            "            {} flows each way; received by processor {:?}",
            soak.flows, soak.received_by_cpu
        )?;
    }
    let iommu = &report.iommu;
    if iommu.on {
        let (faults, peak) = (iommu.faults, iommu.mapped_peak);
        writeln!(
            out,
            "iommu       {faults} faults; at most {peak} pages visible to the device"
        )?;
    }
    let ledger = &report.ledger;
    writeln!(
        out,
        "verifier    {} rules, {} checks, {} violations; objects alive: {} after halt, {} after unload",
        verifier.rules,
        verifier.checks,
        verifier.violations.len(),
        ledger.at_halt,
        ledger.at_unload
    )?;
    for violation in &verifier.violations {
        writeln!(
            out,
            "  {}  {}: {}",
            violation.rule, violation.at, violation.what
        )?;
    }
    write_verdict(out, report)
}

fn write_verdict(out: &mut String, report: &Report) -> std::fmt::Result {
    match report.result.as_str() {
        "ok" => writeln!(out, "verdict     ok, {:.1} s", report.seconds),
        _ => writeln!(
            out,
            "verdict     FAILED, {:.1} s: {}",
            report.seconds, report.reason
        ),
    }
}

const HEAD: [&str; 11] = [
    "message",
    "role",
    "ISR",
    "DPC",
    "claimed",
    "not mine",
    "empty DPC",
    "ISR reads",
    "ISR writes",
    "DPC reads",
    "DPC writes",
];

fn write_vectors(out: &mut String, vectors: &[Vector]) -> std::fmt::Result {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(vectors.iter().map(|vector| {
        let role = if vector.role.is_empty() {
            "-"
        } else {
            &vector.role
        };
        [
            vector.message.to_string(),
            role.to_owned(),
            vector.isr.to_string(),
            vector.dpc.to_string(),
            vector.claimed.to_string(),
            vector.not_mine.to_string(),
            vector.empty_dpc.to_string(),
            vector.isr_reads.to_string(),
            vector.isr_writes.to_string(),
            vector.dpc_reads.to_string(),
            vector.dpc_writes.to_string(),
        ]
    }));
    write_table(out, &rows)
}

const RECORD_HEAD: [&str; 12] = [
    "message",
    "fired",
    "claimed",
    "not ours",
    "passes",
    "empty",
    "re-armed",
    "throttled",
    "frames",
    "ISR ns",
    "DPC ns",
    "self-test us",
];

fn write_record(out: &mut String, record: &[VectorRecord]) -> std::fmt::Result {
    let mut rows = vec![RECORD_HEAD.map(str::to_owned)];
    rows.extend(record.iter().map(|vector| {
        [
            vector.message.to_string(),
            vector.fired.to_string(),
            vector.claimed.to_string(),
            vector.not_mine.to_string(),
            vector.passes.to_string(),
            vector.empty.to_string(),
            vector.rearmed.to_string(),
            vector.throttled.to_string(),
            vector.frames.to_string(),
            vector.isr_ns_max.to_string(),
            vector.dpc_ns_max.to_string(),
            vector
                .self_test_us
                .map_or_else(|| "never".to_owned(), |us| us.to_string()),
        ]
    }));
    write_table(out, &rows)
}

/// Rows of the same cells; the first is the head.
fn write_table<const N: usize>(out: &mut String, rows: &[[String; N]]) -> std::fmt::Result {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            // Words to the left, numbers to the right.
            match column {
                1 if rows[0][1] == "role" => write!(line, "  {cell:<width$}")?,
                _ => write!(line, "  {cell:>width$}")?,
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmhost_proto::Violation;

    #[test]
    fn every_count_is_shown() {
        let mut report = Report {
            result: "failed".to_owned(),
            reason: "because".to_owned(),
            ..Report::default()
        };
        report.interrupt.granted = "msix".to_owned();
        report.interrupt.messages = 1;
        report.interrupt.vectors = vec![Vector {
            message: 0,
            role: "rx0".to_owned(),
            isr: 1001,
            dpc: 1002,
            claimed: 1003,
            not_mine: 1004,
            empty_dpc: 1005,
            isr_reads: 1006,
            isr_writes: 1007,
            dpc_reads: 1008,
            dpc_writes: 1009,
            ..Vector::default()
        }];
        report.interrupt.reason = "msix-one-message".to_owned();
        report.interrupt.record = vec![VectorRecord {
            message: 0,
            fired: 2001,
            claimed: 2002,
            not_mine: 2003,
            passes: 2004,
            empty: 2005,
            rearmed: 2006,
            throttled: 2007,
            frames: 2008,
            isr_ns_max: 2009,
            dpc_ns_max: 2010,
            self_test_us: Some(2011),
        }];
        report.verifier.violations = vec![Violation {
            rule: "X-26".to_owned(),
            what: "seen".to_owned(),
            at: "MiniportInterrupt".to_owned(),
        }];
        let text = render(&report);
        for count in (1001..=1009).chain(2001..=2011) {
            assert!(text.contains(&count.to_string()), "{count}\n{text}");
        }
        for word in [
            "msix, 1 message\n",
            "rx0",
            "X-26  MiniportInterrupt: seen",
            "FAILED",
        ] {
            assert!(text.contains(word), "{word}\n{text}");
        }
        // Head and row are one table: their last cells end in the same column.
        let table: Vec<&str> = text.lines().filter(|line| line.starts_with("  ")).collect();
        assert_eq!(table[0].len(), table[1].len(), "{text}");
    }

    #[test]
    fn checks_of_the_host_alone_are_two_lines() {
        let mut report = Report::default();
        report.verifier.checks = 134;
        report.result = "ok".to_owned();
        let text = render(&report);
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("134 of the host itself") && text.contains("verdict     ok"));
    }

    #[test]
    fn a_short_soak_has_its_line_too() {
        let mut report = Report::default();
        assert!(!render(&report).contains("soak"));
        report.soak.frames_offered = 8192;
        report.soak.frames_received = 8191;
        report.soak.frames_sent = 1;
        let text = render(&report);
        assert!(text.contains("8191 of 8192 offered received"), "{text}");
    }

    #[test]
    fn an_empty_report_has_no_gaps() {
        let text = render(&Report::default());
        assert!(text.contains("none, 0 messages") && text.contains("link        down"));
    }
}
