// SPDX-License-Identifier: MIT OR Apache-2.0
//! The picture: instructions of the driver for a frame, by set-up, beside those of Linux' e1000e.

use super::{LINUX_RECEIVED, LINUX_SENT, Result, SETUPS};
use std::fmt::Write;

/// The groups of bars: title, row, and Linux' value.
const GROUPS: [(&str, &str, f64); 3] = [
    (
        "received frame, flood",
        "received-instructions-flood",
        LINUX_RECEIVED,
    ),
    (
        "sent frame, 32 a chain",
        "sent-instructions-chain",
        LINUX_SENT,
    ),
    (
        "sent frame, one a chain",
        "sent-instructions-single",
        LINUX_SENT,
    ),
];

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const BAR: f64 = 16.0;
const STEP: f64 = 22.0;

/// The SVG.
pub fn svg(results: &[Result]) -> String {
    let mut bars: Vec<(String, f64, bool)> = Vec::new();
    let mut out = String::new();
    let mut top = 44.0;
    let value = |result: &Result, id: &str| {
        result
            .rows
            .iter()
            .find(|row| row.id == id)
            .map(|row| row.value)
    };
    let most = GROUPS
        .iter()
        .flat_map(|(_, id, linux)| {
            results
                .iter()
                .filter_map(|result| value(result, id))
                .chain([*linux])
        })
        .fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - 70.0) / most;
    for (title, id, linux) in GROUPS {
        text(&mut out, 12.0, top, "start", 13, "#222222", title);
        top += 10.0;
        bars.clear();
        bars.push(("Linux' e1000e".to_owned(), linux, false));
        bars.extend(results.iter().filter_map(|result| {
            let title = SETUPS.iter().find(|setup| setup.name == result.setup)?.name;
            Some((title.to_owned(), value(result, id)?, true))
        }));
        for (name, value, ours) in &bars {
            let fill = if *ours { "#4a6785" } else { "#b9a26a" };
            text(&mut out, LEFT - 8.0, top + 12.5, "end", 11, "#222222", name);
            let width = value * scale;
            let _ = writeln!(
                out,
                "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{fill}\"/>"
            );
            let shown = format!("{value:.0}");
            text(
                &mut out,
                LEFT + width + 6.0,
                top + 12.5,
                "start",
                11,
                "#222222",
                &shown,
            );
            top += STEP;
        }
        // Half of Linux': the goal.
        let x = LEFT + linux / 2.0 * scale;
        let (from, to) = (top - STEP * bars.len() as f64 - 3.0, top - 3.0);
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{from}\" x2=\"{x:.1}\" y2=\"{to}\" stroke=\"#b04040\" stroke-dasharray=\"4 3\"/>"
        );
        top += 26.0;
    }
    text(
        &mut out,
        12.0,
        top - 6.0,
        "start",
        11,
        "#b04040",
        "dashed: half of Linux'",
    );
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top}\" font-family=\"Helvetica, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut all = head;
    text(
        &mut all,
        12.0,
        20.0,
        "start",
        14,
        "#000000",
        "Instructions of the driver for one frame, one CPU, QEMU",
    );
    all + &out + "</svg>\n"
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, size: u32, fill: &str, what: &str) {
    let what = what.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{fill}\">{what}</text>"
    );
}
