// SPDX-License-Identifier: MIT OR Apache-2.0
//! The planted faults of the interrupt protocol: what the loom models must find. The driver's sources are copied with one
//! place changed for each fault; an environment variable chooses, so one build has them all. Without a fault the tests
//! that are named here must pass.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    datapath_faults::{COPY_VERSION, Change, copy_tree, plant, read, write, write_new},
    failure::{Failure, Outcome},
    interrupt_faults::conclude,
    project::{root, target},
    toolchain::host_cargo,
};

/// Name, the loom test that must fail, and the place.
type Fault = (&'static str, &'static str, Change);

const VECTORS: &str = "src/irq/vectors.rs";
const POLLING: &str = "src/irq/polling.rs";

/// All of them; the first is number 1.
const FAULTS: &[Fault] = &[
    (
        "ISR_LEAVES_NOTHING",
        "loom_two_processors",
        (
            VECTORS,
            "let old = v.word.set(FIRED | MASKED);",
            "let old = v.word.load();\n let old = if is(1) && old & RUNNING != 0 { old } else { v.word.set(FIRED | MASKED) };",
        ),
    ),
    (
        "TWO_OWNERS",
        "loom_stray_dpc",
        (
            VECTORS,
            "if old & RUNNING != 0 {\n            return Dpc::Idle; // X-41",
            "if !is(2) && old & RUNNING != 0 {\n            return Dpc::Idle; // X-41",
        ),
    ),
    (
        "LEFT_WORK_FORGOTTEN",
        "loom_two_processors",
        (
            VECTORS,
            "if last & HELD == 0 && last & WORK != 0 {",
            "if !is(3) && last & HELD == 0 && last & WORK != 0 {",
        ),
    ),
    (
        "NO_SECOND_LOOK_AT_THE_MASK",
        "loom_disabled_stays_disabled",
        (
            "src/irq/vector.rs",
            "if (flags & FORBID == 0) == permitted {",
            "if is(4) || (flags & FORBID == 0) == permitted {",
        ),
    ),
    (
        "ENABLE_WITHOUT_RAISING",
        "loom_disable_and_enable",
        (
            VECTORS,
            "v.reconcile(m);\n            v.raise(m);\n        }\n    }\n\n    /// Raises one vector by ICS",
            "v.reconcile(m);\n            if !is(5) { v.raise(m); }\n        }\n    }\n\n    /// Raises one vector by ICS",
        ),
    ),
    (
        "THROTTLE_WITHOUT_MASK",
        "loom_throttle_against_traffic",
        (
            VECTORS,
            "if v.word.set(THROTTLED) & FORBID == 0 {",
            "if v.word.set(THROTTLED) & FORBID == 0 && !is(6) {",
        ),
    ),
    (
        "RECALL_WITHOUT_ARMING",
        "loom_recall_against_traffic",
        (
            VECTORS,
            "if debt && old & HELD == 0 {",
            "if debt && old & HELD == 0 && !is(7) {",
        ),
    ),
    (
        "STOP_WITHOUT_STOPPED",
        "loom_stop",
        (
            VECTORS,
            "            v.word.set(STOPPED);\n",
            "            if !is(8) { v.word.set(STOPPED); }\n",
        ),
    ),
    (
        "STOP_WITHOUT_OFFLINE",
        "loom_stop",
        (
            VECTORS,
            "            v.word.set(OFFLINE);\n",
            "            if !is(9) { v.word.set(OFFLINE); }\n",
        ),
    ),
    (
        "DPC_OF_A_DEVICE_THAT_IS_GONE",
        "loom_gone_by_event",
        (
            VECTORS,
            "if old & (STOPPED | OFFLINE) != 0 || m.is_gone() {\n            v.word.clear(RUNNING",
            "if old & (STOPPED | OFFLINE) != 0 || (m.is_gone() && !is(10)) {\n            v.word.clear(RUNNING",
        ),
    ),
    (
        "ISR_OF_A_DEVICE_THAT_IS_GONE",
        "loom_gone_by_event",
        (
            VECTORS,
            "before & RUNNING == 0) || m.is_gone() {",
            "before & RUNNING == 0) || (m.is_gone() && !is(11)) {",
        ),
    ),
    (
        "ALL_ONES_NOT_CONFIRMED",
        "loom_gone_by_reading",
        (
            VECTORS,
            "let gone = regs::STATUS.read(m).bits() == ALL_ONES;",
            "let gone = !is(12) && regs::STATUS.read(m).bits() == ALL_ONES;",
        ),
    ),
    (
        "NEIGHBOURS_READ_NOT_SAVED",
        "loom_neighbour_on_the_line",
        (
            VECTORS,
            "let mut add = ours.bits() & CAUSES;",
            "let mut add = if is(13) && before & RUNNING != 0 { 0 } else { ours.bits() & CAUSES };",
        ),
    ),
    (
        "OWNERSHIP_IN_NO_ORDER",
        "loom_two_processors",
        (
            "src/irq/word.rs",
            "self.0.fetch_and(!bits, Ordering::AcqRel)",
            "self.0.fetch_and(!bits, if is(14) { Ordering::Relaxed } else { Ordering::AcqRel })",
        ),
    ),
    (
        "NOTIFICATION_ON_DOES_NOT_ARM",
        "loom_poll_two_processors",
        (
            POLLING,
            "if old & (POLLING | MASKED | THROTTLED) != 0 {",
            "if !is(15) && old & (POLLING | MASKED | THROTTLED) != 0 {",
        ),
    ),
    (
        "ISR_BETWEEN_TWO_STEPS_OVERLOOKED",
        "loom_requeue_against_traffic",
        (
            VECTORS,
            "if cfg & CFG_READ_ICR != 0 && work & FIRED != 0 {",
            "if cfg & CFG_READ_ICR != 0 && (if is(16) { old } else { work }) & FIRED != 0 {",
        ),
    ),
    (
        "CAUSES_OF_OTHERS_NOT_PUT_BACK",
        "loom_two_vectors",
        (
            VECTORS,
            "            if !foreign.is_empty() {\n",
            "            if !is(17) && !foreign.is_empty() {\n",
        ),
    ),
    (
        "NOTIFICATION_ON_LEAVES_WORK",
        "loom_poll_handed_over",
        (
            POLLING,
            "return last & WORK != 0\n",
            "return !is(18) && last & WORK != 0\n",
        ),
    ),
];

/// Which fault is planted.
const PLANTED: &str = "//! Which fault is planted.
use std::{env, sync::OnceLock};
static CHOSEN: OnceLock<u32> = OnceLock::new();
/// Whether it is that one.
pub fn is(number: u32) -> bool {
    let chosen = || env::var(\"PLANTED_FAULT\").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    *CHOSEN.get_or_init(chosen) == number
}
";

/// Where the copy is.
fn copy() -> PathBuf {
    target().join("planted_loom")
}

/// Builds the copy and runs faults, by number or name; all, if none is named.
///
/// # Errors
/// A fault that there is not, sources that have changed, a build that fails; a fault that no model found (status 1).
pub fn run(names: &[String]) -> Outcome {
    conclude(counted(names)?)
}

/// The same: how many were found, and how many were not.
///
/// # Errors
/// As for [`run`], but for a fault that no model found.
pub fn counted(names: &[String]) -> Outcome<(usize, usize)> {
    let named = |number: usize, fault: &Fault, name: &String| {
        fault.0.eq_ignore_ascii_case(name) || number.to_string() == *name
    };
    let numbered = || (1..).zip(FAULTS);
    let known = |name: &&String| !numbered().any(|(number, fault)| named(number, fault, name));
    if let Some(name) = names.iter().find(known) {
        return Err(Failure::input(format!("{name}: there is no such fault")));
    }
    make()?;
    // Without a fault: everything that is named must pass, or a failure says nothing.
    if !passes(0, "loom_", Stdio::inherit)? {
        return Err(Failure::check("the models fail without a fault"));
    }
    let (mut seen, mut missed) = (0, 0);
    for (number, fault) in numbered() {
        if !names.is_empty() && !names.iter().any(|name| named(number, fault, name)) {
            continue;
        }
        let (name, test, _) = fault;
        if passes(number, test, Stdio::null)? {
            println!("planted fault {name}: {test} does not find it");
            missed += 1;
        } else {
            println!("planted fault {name}: found by {test}");
            seen += 1;
        }
    }
    Ok((seen, missed))
}

/// Whether the tests with `filter` in their names pass with a fault.
fn passes(number: usize, filter: &str, output: fn() -> Stdio) -> Outcome<bool> {
    let mut cargo = Command::new(host_cargo());
    cargo
        .args(["test", "--quiet", "--release", "--lib"])
        .args(["--config", "profile.release.lto=\"off\"", "--target-dir"])
        .arg(target().join("loom"))
        .arg(filter)
        .env("RUSTFLAGS", "--cfg loom")
        .env("PLANTED_FAULT", number.to_string())
        .current_dir(copy())
        .stdin(Stdio::null())
        .stdout(output())
        .stderr(output());
    let status = cargo.status();
    let status = status.map_err(|error| Failure::input(format!("cargo: {error}")))?;
    Ok(status.success())
}

fn make() -> Outcome {
    for source in ["build.rs", "src"] {
        copy_tree(&copy(), Path::new(source), &changed)?;
    }
    let manifest = read(&root().join("Cargo.toml"))?;
    write(&copy().join("Cargo.toml"), &alone(&manifest))?;
    write(&copy().join("src/planted.rs"), PLANTED)?;
    write_new(
        &copy().join("Cargo.lock"),
        &read(&root().join("Cargo.lock"))?,
    )
}

/// The manifest of the driver alone: the bindings stay where they are.
fn alone(text: &str) -> String {
    let line = |line: &str| match line {
        line if line.starts_with("version =") => format!("version = \"{COPY_VERSION}\""),
        line if line.starts_with("members =") => "members = [\".\"]".to_owned(),
        line if line.starts_with("exclude =") || line.starts_with("vmhost-") => String::new(),
        line if line.starts_with("ndis = {") => {
            format!(
                "ndis = {{ path = {:?} }}",
                root().join("crates/ndis").display().to_string()
            )
        }
        line => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n") + "\n"
}

/// A file as it is in the copy.
fn changed(file: &Path, text: String) -> Outcome<String> {
    let name = file.to_string_lossy();
    let changes = FAULTS.iter().map(|(_, _, change)| change);
    let text = plant(&name, text, changes, "use crate::planted::is;\n")?;
    Ok(if name == "src/lib.rs" {
        text + "\n/// Which fault is planted.\npub mod planted;\n"
    } else {
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_models_has_its_place_and_its_test() {
        let tests = ["src/irq/loom_tests.rs", "src/irq/loom_poll_tests.rs"]
            .map(|file| read(&root().join(file)).expect("the models"))
            .concat();
        for (number, (name, test, (file, old, new))) in (1..).zip(FAULTS) {
            let text = read(&root().join(file)).expect("a source file");
            changed(Path::new(file), text).expect("the place of each fault");
            let asks = format!("is({number})");
            assert!(new.contains(&asks) && !old.contains(&asks), "{name}");
            assert!(tests.contains(&format!("fn {test}()")), "{name}: {test}");
        }
    }
}
